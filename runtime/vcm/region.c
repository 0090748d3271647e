/* SPDX-License-Identifier: MIT */
/* region.c - regions, their tables, and copies of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---------------------------------------------------------------------------------------------------------- regions */

static void destroy_region(struct object *object)
{
	struct region *region = VC_CONTAINER(object, struct region, object);

	while (region->mappers.next != &region->mappers) {
		struct mapper *mapper = VC_CONTAINER(region->mappers.next, struct mapper, link);

		list_remove(&mapper->link);
		mapper->ops->destroy(mapper);
	}
	if (region->ranges.end)
		vc_ranges_fini(&region->ranges);
	if (region->parent)
		nested_fini(region);
	pthread_rwlock_destroy(&region->lock);
	object_put(&region->system->object);
	free(region);
}

struct region *new_region(struct system *system, enum vc_region_kind kind)
{
	struct region *region = object_new(OBJECT_REGION, sizeof(*region), destroy_region);

	if (region) {
		region->system = system;
		object_hold(&system->object);
		region->kind = kind;
		pthread_rwlock_init(&region->lock, NULL);
		list_init(&region->link);
		list_init(&region->floating);
		list_init(&region->bounds);
		list_init(&region->associations);
		list_init(&region->mappers);
		list_init(&region->ranges_of);
	}
	return region;
}

/* Give it a number and a place in the system; the region is complete. */
int publish_region(struct region *region, struct vc_region **out, const char *function)
{
	struct system *system = region->system;
	int error = 0;

	pthread_mutex_lock(&system->births);
	pthread_mutex_lock(&system->lock);
	if (system->dead) {
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the system has been freed");
	} else {
		region->number = ++system->next_number;
		list_append(&system->regions, &region->link);
		system->n_regions++;
	}
	pthread_mutex_unlock(&system->lock);
	pthread_mutex_unlock(&system->births);
	if (error)
		object_kill(&region->object);
	else
		*out = HANDLE(vc_region, region);
	return error;
}

static int create(struct vc_system *handle, enum vc_region_kind kind, uint64_t first, uint64_t bytes,
		  struct vc_region **out, const char *function)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, function);
	uint64_t start = (first + VC_PAGE - 1) & ~(VC_PAGE - 1), end = (first + bytes) & ~(VC_PAGE - 1);
	struct region *region;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out)
		error = vc_fail_at(function, -EINVAL, "", 0, "out is NULL");
	else if (bytes > UINT64_MAX - first)
		error = vc_fail_at(function, -EINVAL, "", first,
				   "0x%" PRIx64 " + 0x%" PRIx64 " passes the end of the address space", first, bytes);
	else if (start < first || end <= start)
		error = vc_fail_at(function, -EINVAL, "", first,
				   "0x%" PRIx64 " bytes from 0x%" PRIx64 " hold no whole page", bytes, first);
	if (!error) {
		region = new_region(system, kind);
		error = region ? vc_ranges_init(&region->ranges, start, end - 1, VC_PAGE_LG2) : -ENOMEM;
		if (error) {
			vc_fail_at(function, error, "", first, "no memory for a region");
			if (region)
				object_kill(&region->object);
		} else {
			error = publish_region(region, out, function);
		}
	}
	object_put(&system->object);
	return error;
}

int vc_region_create(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out)
{
	return create(system, VC_REGION_DEVICE, first, bytes, out, __func__);
}

int vc_region_create_identity(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out)
{
	return create(system, VC_REGION_IDENTITY, first, bytes, out, __func__);
}

int vc_region_create_cpu(struct vc_system *handle, uint64_t bytes, struct vc_region **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct region *region;
	struct mapper *mapper;
	uint64_t first;
	int error;

	if (!system)
		return -EINVAL;
	if (!bytes)
		bytes = system->cpu_window_bytes;
	region = out ? new_region(system, VC_REGION_CPU) : NULL;
	error = !out ? vc_fail(-EINVAL, "", 0, "out is NULL") : !region ? -ENOMEM : 0;
	if (!error) {
		error = window_create(region, bytes, &mapper, &first);
		if (!error) {
			list_append(&region->mappers, &mapper->link);
			region->observers = 1; /* this process */
			error = vc_ranges_init(&region->ranges, first, first + bytes - 1, VC_PAGE_LG2);
			if (error)
				vc_fail(error, "", first, "no memory for a region");
		}
		if (error)
			object_kill(&region->object);
		else
			error = publish_region(region, out, __func__);
	}
	object_put(&system->object);
	return error;
}

int vc_region_free(struct vc_region *handle)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	int error = 0;

	if (!region)
		return -EINVAL;
	lock_with_parent(region);
	if (region->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the region has been freed");
	else if (region->n_above)
		error = vc_fail(-EBUSY, describe_region(region).text, 0, "%zu regions are on it", region->n_above);
	else if (region->ranges.count || region->n_floating || region->n_bounds || region->n_associations)
		error = vc_fail(-EBUSY, describe_region(region).text, 0,
				"it has %" PRIu64 " reservations, %zu bounds and %zu associations",
				region->ranges.count + region->n_floating, region->n_bounds, region->n_associations);
	else
		region->dead = true;
	if (!error && region->parent)
		nested_leave(region);
	unlock_with_parent(region);
	if (!error) {
		pthread_mutex_lock(&region->system->lock);
		list_remove(&region->link);
		region->system->n_regions--;
		pthread_mutex_unlock(&region->system->lock);
		object_kill(&region->object);
	}
	object_put(&region->object);
	return error;
}

static void count_tables(const struct region *region, struct vc_region_info *out)
{
	if (region->kind == VC_REGION_CPU)
		return;
	LIST_FOR(link, &region->mappers)
	{
		struct table *table = table_of(VC_CONTAINER(link, struct mapper, link));

		out->tables++;
		out->table_bytes += PT_READ_ONCE(&table->pt.table_bytes);
		out->written += atomic_load(&table->written);
	}
}

static uint64_t count_backed(struct region *region)
{
	uint64_t bytes;

	pthread_mutex_lock(&region->system->graph);
	bytes = region->backed;
	pthread_mutex_unlock(&region->system->graph);
	return bytes;
}

int vc_region_info(struct vc_region *handle, struct vc_region_info *out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);

	if (!region)
		return -EINVAL;
	if (out) {
		pthread_rwlock_rdlock(&region->lock);
		*out = (struct vc_region_info){.kind = region->kind,
					       .number = region->number,
					       .first = region->ranges.first,
					       .last = region->ranges.last,
					       .reserved = region->ranges.used,
					       .reservations = (size_t)region->ranges.count + region->n_floating,
					       .bounds = region->n_bounds,
					       .page = region_page(region),
					       .associations = region->n_associations,
					       .active = region->n_active};
		out->below = region->parent ? HANDLE(vc_region, region->parent) : NULL;
		out->above = region->n_above;
		count_tables(region, out);
		out->backed = count_backed(region);
		out->maps = atomic_load(&region->n_maps);
		out->unmaps = atomic_load(&region->n_unmaps);
		out->changes = atomic_load(&region->n_changes);
		out->invalidations = atomic_load(&region->n_invalidations);
		out->faults = atomic_load(&region->n_faults);
		pthread_rwlock_unlock(&region->lock);
	}
	object_put(&region->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

static bool count_leaves(void *ctx, const struct pt_run *run)
{
	uint64_t *leaves = ctx;

	leaves[run->leaf.lg2 & 63] += ((run->last - run->first) >> (run->leaf.lg2 & 63)) + 1;
	return true;
}

int vc_region_table(struct vc_region *handle, unsigned int i, struct vc_table_info *out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	int error = -ENOENT;

	if (!region)
		return -EINVAL;
	pthread_rwlock_rdlock(&region->lock);
	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);
		struct pt_reader reader;
		struct table *table;

		if (region->kind == VC_REGION_CPU || i--)
			continue;
		if (!out) {
			error = vc_fail(-EINVAL, "", 0, "out is NULL");
			break;
		}
		table = table_of(mapper);
		*out = (struct vc_table_info){.format = table->pt.format,
					      .root = pt_root(&table->pt),
					      .tables = PT_READ_ONCE(&table->pt.n_tables),
					      .table_bytes = PT_READ_ONCE(&table->pt.table_bytes),
					      .written = atomic_load(&table->written),
					      .users = mapper->users,
					      .bus_offset = table->view->offset};
		pthread_rwlock_rdlock(&table->walkers);
		table_reader(table, false, &reader);
		table->pt.format->visit(&table->pt, &reader, 0, UINT64_MAX, count_leaves, out->leaves);
		pthread_rwlock_unlock(&table->walkers);
		error = 0;
		break;
	}
	pthread_rwlock_unlock(&region->lock);
	object_put(&region->object);
	return error;
}

/* ----------------------------------------------------------------------------------------------------------- clones */

/* Undo the reservations of a region that nobody else knows yet. */
static void drop_reservations(struct region *region)
{
	struct vc_range_node *node;

	while (region->bounds.next != &region->bounds) {
		struct bound *bound = VC_CONTAINER(region->bounds.next, struct bound, link);

		list_remove(&bound->link);
		object_kill(&bound->object);
	}

	while ((node = vc_ranges_next(&region->ranges, NULL))) {
		struct reservation *reservation = node->owner;
		struct phys *phys = reservation->phys;

		if (phys) {
			pthread_mutex_lock(&region->system->graph);
			detach(reservation);
			pthread_mutex_unlock(&region->system->graph);
			object_put(&phys->object);
		}
		vc_ranges_give(&region->ranges, node);
		object_kill(&reservation->object);
	}
}

static int clone_reservation(struct region *to, const struct reservation *from)
{
	struct reservation *copy = new_reservation(to, from->requested);
	int error;

	if (!copy)
		return -ENOMEM;
	error = vc_ranges_take_at(&to->ranges, from->address, from->bytes, copy, &copy->node);
	if (error) {
		object_kill(&copy->object);
		return vc_fail_at("vc_region_clone", error, describe_reservation(from).text, from->address,
				  "no memory for a copy");
	}
	set_range(copy);
	copy->rights = from->rights;
	copy->cache = from->cache;
	copy->attr = from->attr;
	copy->unshared = from->unshared;
	if (from->state == BACKED) {
		/* The memory stays while the original holds it, and agrees with how it is cached. */
		pthread_mutex_lock(&to->system->graph);
		attach(copy, from->phys, from->backed, from->shareable);
		copy->state = BACKED;
		pthread_mutex_unlock(&to->system->graph);
	}
	return 0;
}

static int clone_bound(struct region *to, const struct bound *from)
{
	struct bound *copy = new_bound(to);

	if (!copy)
		return -ENOMEM;
	copy->first = from->first;
	copy->last = from->last;
	list_append(&to->bounds, &copy->link);
	to->n_bounds++;
	return 0;
}

int vc_region_clone(struct vc_region *handle, struct vc_region **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__), *copy = NULL;
	struct vc_range_node *node = NULL;
	int error = 0;

	if (!region)
		return -EINVAL;
	/* For writing: nothing is half backed. The copy is nobody's yet and needs no lock. */
	pthread_rwlock_wrlock(&region->lock);
	if (!out || region->dead)
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the region has been freed");
	else if (region->kind != VC_REGION_DEVICE)
		error = vc_fail(-EOPNOTSUPP, describe_region(region).text, 0, "addresses of %s exist once",
				region->kind == VC_REGION_CPU ? "this process" : "memory");
	else if (region->parent)
		error = vc_fail(-EOPNOTSUPP, describe_region(region).text, 0,
				"its tables have a place in the region below, and a copy would need another one");
	if (!error) {
		copy = new_region(region->system, region->kind);
		error = copy ? vc_ranges_init(&copy->ranges, region->ranges.first, region->ranges.last, VC_PAGE_LG2)
			     : -ENOMEM;
		if (error)
			vc_fail(error, describe_region(region).text, 0, "no memory for a copy");
	}
	while (!error && (node = vc_ranges_next(&region->ranges, node)))
		error = clone_reservation(copy, node->owner);
	for (struct link *link = region->bounds.next; !error && link != &region->bounds; link = link->next)
		error = clone_bound(copy, VC_CONTAINER(link, struct bound, link));
	pthread_rwlock_unlock(&region->lock);
	if (copy && !error) {
		object_hold(&copy->object);
		error = publish_region(copy, out, __func__);
		if (error)
			drop_reservations(copy);
		object_put(&copy->object);
	} else if (copy) {
		if (copy->ranges.end)
			drop_reservations(copy);
		object_kill(&copy->object);
	}
	object_put(&region->object);
	return error;
}

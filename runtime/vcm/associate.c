/* SPDX-License-Identifier: MIT */
/* associate.c - links of regions and devices; activation, which builds the table that a device needs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

static void destroy(struct object *object)
{
	struct association *association = VC_CONTAINER(object, struct association, object);

	object_put(&association->device->object);
	object_put(&association->region->object);
	free(association);
}

static struct association *new_association(struct region *region, struct device *device, uint32_t attr)
{
	struct association *association = object_new(OBJECT_ASSOCIATION, sizeof(*association), destroy);

	if (association) {
		association->region = region;
		object_hold(&region->object);
		association->device = device;
		object_hold(&device->object);
		association->attr = attr;
		list_init(&association->link);
		list_init(&association->above);
	}
	return association;
}

/* The tables of the device must serve what is reserved, and some of the region: allocations keep to what they serve. */
static int check_served(const struct region *region, const struct device *device)
{
	const struct pt_table *shape = &device->stage[0].shape;
	const struct vc_range_node *node = NULL;
	const struct name name = describe_region(region);
	bool wraps = shape->first > shape->last, any;
	struct name used = {""};
	uint64_t at = 0;

	if (device_serves(device, region->ranges.first, region->ranges.last))
		return 0;
	any = wraps ? region->ranges.first <= shape->last || region->ranges.last >= shape->first
		    : region->ranges.first <= shape->last && region->ranges.last >= shape->first;
	if (!any)
		return vc_fail_at("vc_associate", -ERANGE, name.text, region->ranges.first,
				  "tables of '%s' (%s) serve 0x%" PRIx64 "-0x%" PRIx64 " only", device->name,
				  device->stage[0].format->name, shape->first, shape->last);
	while (!used.text[0] && (node = vc_ranges_next(&region->ranges, node)))
		if (!device_serves(device, node->first, node->last)) {
			used = describe_reservation(node->owner);
			at = node->first;
		}
	LIST_FOR(link, &region->bounds)
	{
		const struct bound *bound = VC_CONTAINER(link, struct bound, link);

		if (!used.text[0] && !device_serves(device, bound->first, bound->last)) {
			snprintf(used.text, sizeof(used.text), "a bound from 0x%" PRIx64 " to 0x%" PRIx64, bound->first,
				 bound->last);
			at = bound->first;
		}
	}
	if (!used.text[0])
		return 0;
	return vc_fail_at("vc_associate", -ERANGE, name.text, at,
			  "tables of '%s' (%s) serve 0x%" PRIx64 "-0x%" PRIx64 " only, and there is %s", device->name,
			  device->stage[0].format->name, shape->first, shape->last, used.text);
}

/* Is anything of the region where the device wants nothing, or only its own? */
static int check_reserved(const struct region *region, const struct device *device)
{
	for (size_t i = 0; i < device->n_reserved; i++) {
		const struct vc_reserved *reserved = &device->reserved[i];
		uint64_t last = reserved->first + (reserved->bytes - 1);
		const struct vc_range_node *node = vc_ranges_from(&region->ranges, reserved->first);
		struct name used = {""};

		if (node && node->first <= last)
			used = describe_reservation(node->owner);
		LIST_FOR(link, &region->bounds)
		{
			const struct bound *bound = VC_CONTAINER(link, struct bound, link);

			if (bound->first <= last && bound->last >= reserved->first)
				snprintf(used.text, sizeof(used.text), "bound 0x%" PRIx64 "-0x%" PRIx64, bound->first,
					 bound->last);
		}
		if (used.text[0])
			return vc_fail_at("vc_associate", -EADDRINUSE, describe_region(region).text, reserved->first,
					  "device '%s' keeps 0x%" PRIx64 "-0x%" PRIx64 " for itself, and %s is there",
					  device->name, reserved->first, last, used.text);
	}
	return 0;
}

/* Region lock held for writing, device lock too. */
static int may_associate(const struct region *region, const struct device *device)
{
	const struct name name = describe_region(region);
	int error;

	if (region->dead || device->dead)
		return vc_fail_at("vc_associate", -EINVAL, "", 0, "stale handle: the %s has been freed",
				  region->dead ? "region" : "device");
	if (region->system != device->system)
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0, "device '%s' belongs to another system",
				  device->name);
	if (device->kind == VC_DEVICE_DIRECT && (region->kind != VC_REGION_IDENTITY || device->bus_offset))
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0, "device '%s' has no tables: %s", device->name,
				  device->bus_offset ? "its addresses are not physical ones, for it has a bus offset"
						     : "it needs an identity region");
	if ((region->kind == VC_REGION_CPU) != (device->kind == VC_DEVICE_CPU))
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0,
				  "device '%s' is %sthe CPU, and the region is %sof CPU addresses", device->name,
				  device->kind == VC_DEVICE_CPU ? "" : "not ",
				  region->kind == VC_REGION_CPU ? "" : "not ");
	LIST_FOR(link, &region->associations)
	if (VC_CONTAINER(link, struct association, link)->device == device)
		return vc_fail_at("vc_associate", -EEXIST, name.text, 0, "device '%s' is associated already",
				  device->name);
	if (region->kind == VC_REGION_CPU && region->n_associations)
		return vc_fail_at("vc_associate", -EBUSY, name.text, 0, "a CPU region has one association at most");
	if (region->parent && !device->stage[1].format)
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0,
				  "the region is on region %u, and device '%s' has one stage", region->parent->number,
				  device->name);
	error = check_served(region, device);
	if (error)
		return error;
	if (device->stage[0].page > region_page(region))
		for (const struct vc_range_node *node = NULL; (node = vc_ranges_next(&region->ranges, node));)
			if ((node->first | (node->last + 1)) & (device->stage[0].page - 1))
				return vc_fail_at("vc_associate", -EINVAL, name.text, node->first,
						  "%s is not made of pages of 0x%" PRIx64
						  " bytes, the smallest that device '%s' has",
						  describe_reservation(node->owner).text, device->stage[0].page,
						  device->name);
	return check_reserved(region, device);
}

int vc_associate(struct vc_region *region_handle, struct vc_device *device_handle, uint32_t attr,
		 struct vc_association **out)
{
	struct region *region = object_get(OBJECT_REGION, region_handle, __func__);
	struct device *device = region ? object_get(OBJECT_DEVICE, device_handle, __func__) : NULL;
	struct association *association = NULL;
	int error = device ? 0 : -EINVAL;

	if (!error && !out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	if (!error) {
		association = new_association(region, device, attr);
		error = association ? 0 : -ENOMEM;
	}
	if (!error) {
		pthread_rwlock_wrlock(&region->lock);
		pthread_rwlock_wrlock(&device->lock);
		error = may_associate(region, device);
		if (!error) {
			list_append(&region->associations, &association->link);
			region->n_associations++;
			device->n_associations++;
			*out = HANDLE(vc_association, association);
		}
		pthread_rwlock_unlock(&device->lock);
		pthread_rwlock_unlock(&region->lock);
		if (error)
			object_kill(&association->object);
	}
	if (device)
		object_put(&device->object);
	if (region)
		object_put(&region->object);
	return error;
}

/* ---------------------------------------------------------------------------------------------------------- loading */

static struct loaded *slot_of(const struct association *association)
{
	return &association->device->loaded[association->half == VC_UPPER];
}

/*
 * Device lock held for writing, so that no access is under way; region locks too. A driver may refuse, and then the
 * device is loaded with what it was.
 */
static int load(struct association *association)
{
	struct device *device = association->device;
	bool translated = device->kind == VC_DEVICE_TRANSLATED;
	const struct loaded before = *slot_of(association);
	int error;

	*slot_of(association) = (struct loaded){.association = association,
						.table = translated ? table_of(association->mapper) : NULL,
						.stage2 = association->mapper2 ? table_of(association->mapper2) : NULL};
	error = driver_load(device);
	if (error) {
		*slot_of(association) = before;
		return error;
	}
	/* A table that was there has been kept up to date: this is a switch of the root, no more. */
	association->active = true;
	association->region->n_active++;
	device->split = association->split;
	if (association->mapper2)
		list_append(&table_of(association->mapper2)->above, &association->above);
	return 0;
}

/* It is what the device was loaded with, and is no more. */
static void unload(struct association *association)
{
	struct device *device = association->device;

	if (device->iotlb)
		iotlb_invalidate(device->iotlb, 0, UINT64_MAX);
	list_remove(&association->above);
	association->active = false;
	association->region->n_active--;
}

/* The device is blocked from here on; the lock is free only when no access is under way. Region locks for writing. */
static void deactivate(struct association *association)
{
	struct device *device = association->device;

	pthread_rwlock_wrlock(&device->lock);
	*slot_of(association) = (struct loaded){NULL, NULL, NULL};
	unload(association);
	if (device->loaded[0].association || device->loaded[1].association) {
		/* The other half goes on. Refusing to be loaded with less would leave nothing else but to block it. */
		if (driver_load(device))
			driver_block(device);
	} else {
		device->split = 0;
		driver_block(device);
	}
	pthread_rwlock_unlock(&device->lock);
}

/*
 * The device becomes an observer of what its region maps, and of what the one below does. 1: for that something has to
 * be raised to shareable first, which needs everything to be frozen; raised gets it. Locks of the regions for writing.
 */
static int observe(struct association *association, const struct frozen *frozen, struct link *raised)
{
	struct region *region = association->region, *below = region->parent;
	pthread_mutex_t *graph = &region->system->graph;
	struct link *list = frozen ? raised : NULL;
	bool any;
	int error = 0;

	/* The CPU observes through its window, associated or not. */
	if (association->observes || region->kind == VC_REGION_CPU)
		return 0;
	if (frozen)
		stop_devices(frozen);
	pthread_mutex_lock(graph);
	any = share_region_joined(region, list);
	if (below && (list || !any))
		any = share_region_joined(below, list) || any;
	if (any)
		error = frozen ? share_raise(raised, "vc_activate") : 1;
	if (!error) {
		association->observes = true;
		region->observers++;
		if (below)
			below->observers++;
	}
	pthread_mutex_unlock(graph);
	if (frozen)
		start_devices(frozen);
	return error;
}

static void observe_no_more(struct association *association)
{
	pthread_mutex_t *graph = &association->region->system->graph;

	if (!association->observes)
		return;
	pthread_mutex_lock(graph);
	association->observes = false;
	association->region->observers--;
	if (association->region->parent)
		association->region->parent->observers--;
	pthread_mutex_unlock(graph);
}

/* The association does not need the mapper any more; the last one that does takes it along. */
static void release_mapper(struct mapper **of)
{
	struct mapper *mapper = *of;

	*of = NULL;
	/* The window of a CPU region stays: it is the region. */
	if (mapper && --mapper->users == 0 && mapper->region->kind != VC_REGION_CPU) {
		list_remove(&mapper->link);
		mapper->ops->destroy(mapper);
	}
}

static int dissociate(struct vc_association *handle, bool crashed, const char *function)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, function);
	struct region *region;
	int error = 0;

	if (!association)
		return -EINVAL;
	region = association->region;
	lock_with_parent(region);
	if (association->dead) {
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the association has been freed");
	} else if (association->active && !crashed) {
		error = vc_fail_at(function, -EBUSY, describe_association(association).text, 0, "it is active");
	} else {
		if (association->active)
			deactivate(association);
		association->dead = true;
		list_remove(&association->link);
		region->n_associations--;
		pthread_rwlock_wrlock(&association->device->lock);
		association->device->n_associations--;
		pthread_rwlock_unlock(&association->device->lock);
		release_mapper(&association->mapper);
		release_mapper(&association->mapper2);
		observe_no_more(association);
	}
	unlock_with_parent(region);
	if (!error)
		object_kill(&association->object);
	object_put(&association->object);
	return error;
}

int vc_dissociate(struct vc_association *association)
{
	return dissociate(association, false, __func__);
}

int vc_dissociate_crashed(struct vc_association *association)
{
	return dissociate(association, true, __func__);
}

/* ------------------------------------------------------------------------------------------------------- activation */

/* Write everything that is backed into a new mapper; on failure nothing of it remains. */
static int replay(struct region *region, struct mapper *mapper)
{
	struct vc_range_node *node = NULL, *undo = NULL;
	int error = 0;

	while (!error && (node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		struct mapping mapping = mapping_of(reservation);

		if (reservation->state == BACKED)
			error = mapper->ops->map(mapper, &mapping);
	}
	while (error && (undo = vc_ranges_next(&region->ranges, undo)) != node) {
		const struct reservation *reservation = undo->owner;
		struct mapping mapping = mapping_of(reservation);

		if (reservation->state == BACKED)
			mapper->ops->unmap(mapper, &mapping);
	}
	return error;
}

/* The mapper that serves a stage of the device, made where there is none. */
static int find_mapper(struct region *region, struct device *device, unsigned int stage, struct mapper **out)
{
	struct table *table;
	int error;

	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);

		if (region->kind == VC_REGION_CPU || table_serves(table_of(mapper), device, stage)) {
			*out = mapper;
			mapper->users++;
			return 0;
		}
	}
	error = table_create(region, device, stage, &table);
	if (error)
		return error;
	error = replay(region, &table->mapper);
	if (error) {
		table->mapper.ops->destroy(&table->mapper);
		return error;
	}
	list_append(&region->mappers, &table->mapper.link);
	*out = &table->mapper;
	table->mapper.users = 1;
	return 0;
}

/* Both, or none. Region locks for writing. */
static int find_mappers(struct association *association, bool *made)
{
	struct region *region = association->region;
	struct device *device = association->device;
	bool had = association->mapper != NULL;
	int error = 0;

	*made = !had;
	if (device->kind == VC_DEVICE_DIRECT)
		return 0;
	if (!had)
		error = find_mapper(region, device, 0, &association->mapper);
	if (!error && region->parent && !association->mapper2) {
		error = find_mapper(region->parent, device, 1, &association->mapper2);
		if (error && !had) {
			struct vc_error first = *vc_last_error();

			release_mapper(&association->mapper);
			vc_fail_at(first.function, first.code, first.object, first.address, "%s", first.reason);
			return vc_fail_status(error, first.status);
		}
	}
	return error;
}

static int find_and_load(struct association *association)
{
	bool made;
	int error = find_mappers(association, &made);

	if (error)
		return error;
	error = load(association);
	if (error && made) {
		struct vc_error first = *vc_last_error();

		release_mapper(&association->mapper);
		release_mapper(&association->mapper2);
		vc_fail_at(first.function, first.code, first.object, first.address, "%s", first.reason);
	}
	return error;
}

/* What was raised to shareable for an observer that did not come is so no more. */
static void take_back(struct association *association, const struct frozen *frozen, struct link *raised, int error)
{
	struct vc_error first = *vc_last_error();

	observe_no_more(association);
	if (raised->next == raised)
		return;
	stop_devices(frozen);
	pthread_mutex_lock(&frozen->system->graph);
	share_lower(raised);
	pthread_mutex_unlock(&frozen->system->graph);
	start_devices(frozen);
	vc_fail_at(first.function, error, first.object, first.address, "%s", first.reason);
	vc_fail_status(error, first.status);
}

/* May the device be loaded, with something else in it or not? Device lock held. */
static int may_load(const struct association *association, const struct association *instead)
{
	const struct name name = describe_association(association);

	if (association->dead)
		return vc_fail_at("vc_activate", -EINVAL, "", 0, "stale handle: the association has been freed");
	if (association->active)
		return vc_fail_at("vc_activate", -EALREADY, name.text, 0, "it is active already");
	for (unsigned int i = 0; i < 2; i++) {
		const struct association *other = association->device->loaded[i].association;

		if (!other || other == instead)
			continue;
		if (other->half == VC_WHOLE || association->half == VC_WHOLE || other->half == association->half)
			return vc_fail_at("vc_activate", -EBUSY, name.text, 0, "the device is active in region %u%s",
					  other->region->number,
					  other->half == VC_WHOLE ? "" : ", with half of its addresses");
		if (other->split != association->split)
			return vc_fail_at(
				"vc_activate", -EINVAL, name.text, 0,
				"it divides the addresses by their first %u bits, and that in region %u by %u",
				association->split, other->region->number, other->split);
	}
	return 0;
}

/*
 * Load the device, in place of another association or where there is none; instead NULL: of none. Regions are locked
 * for writing, or everything is frozen. 1: it has to be.
 */
static int switch_to(struct association *association, struct association *instead, const struct frozen *frozen)
{
	struct device *device = association->device;
	struct link raised;
	bool observed;
	int error;

	list_init(&raised);
	pthread_rwlock_rdlock(&device->lock);
	error = may_load(association, instead);
	pthread_rwlock_unlock(&device->lock);
	if (error)
		return error;
	/* Devices stand still while something is raised, so none is locked yet. */
	observed = association->observes;
	error = observe(association, frozen, &raised);
	if (error)
		return error;
	pthread_rwlock_wrlock(&device->lock);
	error = may_load(association, instead);
	if (!error)
		error = find_and_load(association);
	if (!error && instead)
		unload(instead);
	pthread_rwlock_unlock(&device->lock);
	if (error && !observed)
		take_back(association, frozen, &raised, error);
	else
		share_done(&raised);
	return error;
}

int vc_activate(struct vc_association *handle)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct frozen frozen;
	int error;

	if (!association)
		return -EINVAL;
	lock_with_parent(association->region);
	error = switch_to(association, NULL, NULL);
	unlock_with_parent(association->region);
	if (error > 0) {
		error = freeze(association->region->system, &frozen);
		if (!error) {
			error = switch_to(association, NULL, &frozen);
			thaw(&frozen);
		}
	}
	object_put(&association->object);
	return error;
}

/* The regions of two associations and those that they are on, each once, in the order of their numbers. */
static size_t regions_of(const struct association *a, const struct association *b, struct region *out[4])
{
	struct region *all[4] = {a->region, a->region->parent, b->region, b->region->parent};
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		size_t k = 0, at;

		while (k < n && out[k] != all[i])
			k++;
		if (!all[i] || k < n)
			continue;
		for (at = n++; at && out[at - 1]->number > all[i]->number; at--)
			out[at] = out[at - 1];
		out[at] = all[i];
	}
	return n;
}

static int replace(struct association *from, struct association *to, const struct frozen *frozen)
{
	if (from->device != to->device || from->half != to->half)
		return vc_fail_at("vc_replace", -EINVAL, describe_association(to).text, 0,
				  "%s is another device, or another half of it", describe_association(from).text);
	if (from->dead || !from->active)
		return vc_fail_at("vc_replace", from->dead ? -EINVAL : -ENOENT, describe_association(from).text, 0,
				  "it is not active");
	return switch_to(to, from, frozen);
}

int vc_replace(struct vc_association *from_handle, struct vc_association *to_handle)
{
	struct association *from = object_get(OBJECT_ASSOCIATION, from_handle, __func__);
	struct association *to = from ? object_get(OBJECT_ASSOCIATION, to_handle, __func__) : NULL;
	struct region *regions[4];
	struct frozen frozen;
	size_t n;
	int error;

	if (!to) {
		if (from)
			object_put(&from->object);
		return -EINVAL;
	}
	n = regions_of(from, to, regions);
	for (size_t i = 0; i < n; i++)
		pthread_rwlock_wrlock(&regions[i]->lock);
	error = replace(from, to, NULL);
	while (n)
		pthread_rwlock_unlock(&regions[--n]->lock);
	if (error > 0) {
		error = freeze(to->region->system, &frozen);
		if (!error) {
			error = replace(from, to, &frozen);
			thaw(&frozen);
		}
	}
	object_put(&to->object);
	object_put(&from->object);
	return error;
}

int vc_association_split(struct vc_association *handle, enum vc_half half, unsigned int bits)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	int error = 0;

	if (!association)
		return -EINVAL;
	pthread_rwlock_wrlock(&association->region->lock);
	if ((unsigned int)half > VC_UPPER || (half == VC_WHOLE ? bits != 0 : !bits || bits > 31))
		error = vc_fail(-EINVAL, describe_association(association).text, 0,
				"a half is chosen by the first 1 to 31 bits, not %u, and all addresses by none", bits);
	else if (association->dead || association->active)
		error = vc_fail(association->dead ? -EINVAL : -EBUSY, describe_association(association).text, 0,
				"it is %s", association->dead ? "freed" : "active");
	else if (half != VC_WHOLE && association->device->kind != VC_DEVICE_TRANSLATED)
		error = vc_fail(-EOPNOTSUPP, describe_association(association).text, 0,
				"the device has no tables of ours that could be two");
	if (!error) {
		association->half = half;
		association->split = bits;
	}
	pthread_rwlock_unlock(&association->region->lock);
	object_put(&association->object);
	return error;
}

int vc_deactivate(struct vc_association *handle)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct region *region;
	int error = 0;

	if (!association)
		return -EINVAL;
	region = association->region;
	lock_with_parent(region);
	if (association->dead) {
		error = vc_fail(-EINVAL, "", 0, "stale handle: the association has been freed");
	} else if (!association->active) {
		error = vc_fail(-ENOENT, describe_association(association).text, 0, "it is not active");
	} else {
		deactivate(association);
	}
	unlock_with_parent(region);
	object_put(&association->object);
	return error;
}

/* ------------------------------------------------------------------------------------------------------ information */

int vc_association_info(struct vc_association *handle, struct vc_association_info *out)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct region *region;

	if (!association)
		return -EINVAL;
	region = association->region;
	if (out) {
		pthread_rwlock_rdlock(&region->lock);
		*out = (struct vc_association_info){.region = HANDLE(vc_region, region),
						    .device = HANDLE(vc_device, association->device),
						    .attr = association->attr,
						    .half = association->half,
						    .split = association->split,
						    .active = association->active};
		if (association->mapper && region->kind != VC_REGION_CPU)
			out->root = pt_root(&table_of(association->mapper)->pt);
		pthread_rwlock_unlock(&region->lock);
	}
	object_put(&association->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_association_set_attr(struct vc_association *handle, uint32_t attr)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	int error = 0;

	if (!association)
		return -EINVAL;
	pthread_rwlock_wrlock(&association->region->lock);
	if (association->active)
		error = vc_fail(-EBUSY, describe_association(association).text, 0, "it is active");
	else
		association->attr = attr;
	pthread_rwlock_unlock(&association->region->lock);
	object_put(&association->object);
	return error;
}

int vc_association_next(struct vc_region *handle, struct vc_association *after, struct vc_association **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct association *cursor = NULL;
	struct link *link;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (after) {
		cursor = object_get(OBJECT_ASSOCIATION, after, __func__);
		if (!cursor) {
			object_put(&region->object);
			return -EINVAL;
		}
	}
	pthread_rwlock_rdlock(&region->lock);
	if (!out || (cursor && (cursor->dead || cursor->region != region))) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the association is not of this region");
	} else {
		link = cursor ? cursor->link.next : region->associations.next;
		if (link == &region->associations)
			error = -ENOENT;
		else
			*out = HANDLE(vc_association, VC_CONTAINER(link, struct association, link));
	}
	pthread_rwlock_unlock(&region->lock);
	if (cursor)
		object_put(&cursor->object);
	object_put(&region->object);
	return error;
}

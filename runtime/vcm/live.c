/* SPDX-License-Identifier: MIT */
/* live.c - what is done to memory while devices use it: moving it, asking what was written, switching it off. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* -------------------------------------------------------------------------------------------------------- migration */

static int copy_contents(const struct phys *to, const struct phys *from)
{
	const struct system *system = to->system;
	uint64_t left = (from->requested + VC_PAGE - 1) & ~(VC_PAGE - 1), done = 0;

	/* Page by page, as each of both is in pieces of its own. */
	while (done < left) {
		uint64_t source = phys_at(from, done), target = phys_at(to, done);

		if (!system_is_ram(system, source, VC_PAGE))
			return vc_fail_at("vc_migrate", -EFAULT, describe_phys(from).text, source,
					  "there is no memory whose contents could be moved");
		memcpy(system->view->base + target, system->view->base + source, VC_PAGE);
		done += VC_PAGE;
	}
	return 0;
}

static int lead(struct reservation *reservation, const struct phys *from, const struct phys *to)
{
	struct mapping old = mapping_of(reservation), new = old;

	old.phys = from;
	new.phys = to;
	return replace_everywhere(reservation->region, &old, &new);
}

/* Nothing is mapped there any more: the reservation is not backed. */
static void lose(struct reservation *reservation)
{
	struct phys *phys = reservation->phys;

	detach(reservation);
	object_put(&phys->object);
}

/*
 * Let every mapping of the reservations behind phys lead to fresh, or none. -EIO: some could be led neither way, for
 * lack of memory, and are lost; nothing leads to fresh then. Everything is locked.
 */
static int lead_all(struct phys *phys, struct phys *fresh)
{
	struct link *link, *next;
	struct vc_error first;
	size_t done = 0;
	int error = 0;

	for (link = phys->backs.next; link != &phys->backs && !error; link = next) {
		struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

		next = link->next;
		error = lead(reservation, phys, fresh);
		done += !error;
		if (error == -EIO)
			lose(reservation);
	}
	if (!error)
		return 0;
	first = *vc_last_error();
	for (link = phys->backs.next; done; link = next, done--) {
		struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);
		struct mapping mapping = mapping_of(reservation);

		next = link->next;
		if (lead(reservation, fresh, phys)) {
			unmap_everywhere(reservation->region, &mapping);
			lose(reservation);
			error = -EIO;
		}
	}
	vc_fail_at("vc_migrate", error, first.object, first.address, "%s", first.reason);
	return vc_fail_status(error, first.status);
}

static void swap_memory(struct phys *a, struct phys *b)
{
	struct phys before = *a;

	phys_unindex(a);
	phys_unindex(b);
	a->bytes = b->bytes;
	a->n_blocks = b->n_blocks;
	a->n_segments = b->n_segments;
	a->blocks = b->blocks;
	a->segments = b->segments;
	a->type = b->type;
	b->bytes = before.bytes;
	b->n_blocks = before.n_blocks;
	b->n_segments = before.n_segments;
	b->blocks = before.blocks;
	b->segments = before.segments;
	b->type = before.type;
	phys_index(a);
	phys_index(b);
}

static int may_move(const struct phys *phys)
{
	if (phys->dead)
		return vc_fail_at("vc_migrate", -EINVAL, "", 0, "stale handle: the memory has been freed");
	if (phys->of || phys->import || phys->n_parts)
		return vc_fail_at("vc_migrate", -EOPNOTSUPP, describe_phys(phys).text, 0, "%s",
				  phys->of	 ? "it is a range of a region: what is behind that can move"
				  : phys->import ? "it is a file that others share"
						 : "it is composed: its parts are where they are");
	if (phys->n_composed)
		return vc_fail_at("vc_migrate", -EBUSY, describe_phys(phys).text, 0,
				  "%zu other memories are composed of it", phys->n_composed);
	if (phys->pinned)
		return vc_fail_at("vc_migrate", -EBUSY, describe_phys(phys).text, 0,
				  "another thread is putting it behind a reservation");
	LIST_FOR(link, &phys->backs)
	{
		const struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

		if (reservation->pins)
			return vc_fail_at("vc_migrate", -EBUSY, describe_reservation(reservation).text,
					  reservation->address, "tables of %u region%s are in it", reservation->pins,
					  reservation->pins == 1 ? "" : "s");
		if (reservation->region->kind == VC_REGION_IDENTITY)
			return vc_fail_at("vc_migrate", -EBUSY, describe_reservation(reservation).text,
					  reservation->address, "its address is that of the memory, which cannot move");
	}
	return 0;
}

static int migrate(struct phys *phys, struct phys *fresh)
{
	struct system *system = phys->system;
	struct frozen frozen;
	int error = freeze(system, &frozen);

	if (error)
		return error;
	stop_devices(&frozen);
	/* Nothing changes the graph now but frees and the handles of memory, which need its lock. */
	pthread_mutex_lock(&system->graph);
	error = may_move(phys);
	if (!error)
		error = copy_contents(fresh, phys);
	if (!error) {
		error = lead_all(phys, fresh);
		if (!error)
			swap_memory(phys, fresh);
	}
	pthread_mutex_unlock(&system->graph);
	start_devices(&frozen);
	thaw(&frozen);
	return error;
}

int vc_migrate(struct vc_phys *handle, const struct vc_phys_args *args)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__), *fresh = NULL;
	struct vc_phys *made = NULL;
	struct vc_phys_args wanted;
	int error;

	if (!phys)
		return -EINVAL;
	if (!args) {
		error = vc_fail(-EINVAL, describe_phys(phys).text, 0, "arguments are NULL");
	} else {
		wanted = *args;
		wanted.bytes = phys->requested;
		wanted.attr = phys->attr;
		error = vc_phys_alloc(HANDLE(vc_system, phys->system), &wanted, &made);
	}
	if (!error) {
		fresh = object_get(OBJECT_PHYS, made, __func__);
		error = fresh ? migrate(phys, fresh) : -EINVAL;
		if (fresh)
			object_put(&fresh->object);
		/* It holds the old memory now, or what was not needed. */
		vc_phys_free(made);
	}
	object_put(&phys->object);
	return error;
}

/* ------------------------------------------------------------------------------------------------------------ dirty */

static int table_dirty(struct table *table, const struct mapping *mapping, unsigned int flags, uint64_t *bitmap,
		       unsigned int lg2, uint64_t *bytes)
{
	struct pt_result result = {.iova = mapping->address};
	struct pt_gather gather;
	enum pt_status status;

	pt_gather_init(&gather);
	status = table->pt.format->dirty(&table->pt, mapping->address, mapping->bytes,
					 (flags & VC_DIRTY_CLEAR ? (unsigned int)PT_DIRTY_CLEAR : 0U) |
						 (flags & VC_DIRTY_ACCESSED ? (unsigned int)PT_DIRTY_ACCESSED : 0U),
					 bitmap, lg2, &gather, &result);
	pt_flush(&table->pt, &gather);
	if (status == PT_OK) {
		*bytes = result.bytes > *bytes ? result.bytes : *bytes;
		return 0;
	}
	return vc_fail_at("vc_reservation_dirty", status == PT_ERR_UNSUPPORTED ? -EOPNOTSUPP : -EIO,
			  describe_region(table->mapper.region).text, result.iova, "%s table of '%s': %s",
			  table->pt.format->name, table->made_for->name, pt_status_string(status));
}

int vc_reservation_dirty(struct vc_reservation *handle, unsigned int flags, uint64_t *bitmap, unsigned int lg2,
			 uint64_t *bytes)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, __func__);
	struct region *region;
	uint64_t most = 0;
	int error = 0;

	if (!reservation)
		return -EINVAL;
	region = reservation->region;
	/* For writing: clearing excludes changes of the same range. */
	pthread_rwlock_wrlock(&region->lock);
	if (reservation->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the reservation has been freed");
	else if (reservation->state != BACKED)
		error = vc_fail(-ENXIO, describe_reservation(reservation).text, reservation->address,
				"it is not backed");
	else if (lg2 < VC_PAGE_LG2 || lg2 > 63 || (flags & ~(unsigned int)(VC_DIRTY_CLEAR | VC_DIRTY_ACCESSED)))
		error = vc_fail(-EINVAL, describe_reservation(reservation).text, reservation->address,
				"a bit for 2^%u bytes, or unknown flags 0x%x", lg2, flags);
	else if (region->kind == VC_REGION_CPU)
		error = vc_fail(-EOPNOTSUPP, describe_region(region).text, reservation->address,
				"the host does not say what was written");
	for (struct link *link = region->mappers.next; !error && link != &region->mappers; link = link->next) {
		struct mapping mapping = mapping_of(reservation);

		error = table_dirty(table_of(VC_CONTAINER(link, struct mapper, link)), &mapping, flags, bitmap, lg2,
				    &most);
	}
	pthread_rwlock_unlock(&region->lock);
	if (!error && bytes)
		*bytes = most;
	object_put(&reservation->object);
	return error;
}

/* ------------------------------------------------------------------------------------------------------------ power */

int vc_device_power_hook(struct vc_device *handle, vc_power_handler handler, void *data)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);

	if (!device)
		return -EINVAL;
	pthread_rwlock_wrlock(&device->lock);
	device->power = handler;
	device->power_data = data;
	pthread_rwlock_unlock(&device->lock);
	object_put(&device->object);
	return 0;
}

static bool maps_any(const struct region *region, uint64_t first, uint64_t last)
{
	const struct vc_range_node *node = NULL;

	while ((node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		uint64_t left = reservation->state == BACKED ? reservation->backed : 0;

		for (size_t i = 0; left; i++) {
			const struct pt_segment *segment = &reservation->phys->segments[i];
			uint64_t bytes = segment->bytes < left ? segment->bytes : left;

			if (!reservation->phys->of && segment->pa != PHYS_HOLE && segment->pa <= last &&
			    segment->pa + (bytes - 1) >= first)
				return true;
			left -= bytes;
		}
	}
	return false;
}

static bool is_concerned(const struct device *device, const struct frozen *frozen, const bool *maps)
{
	for (size_t i = 0; i < frozen->n_regions; i++)
		LIST_FOR(link, &frozen->regions[i]->associations)
	if (maps[i] && VC_CONTAINER(link, struct association, link)->device == device)
		return true;
	return false;
}

int vc_power_ask(struct vc_system *handle, uint64_t pa, uint64_t bytes, struct vc_device **refused)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct device **asked = NULL;
	struct frozen frozen;
	bool *maps = NULL;
	size_t n = 0;
	int error;

	if (!system)
		return -EINVAL;
	if (!bytes || bytes - 1 > UINT64_MAX - pa || !refused) {
		object_put(&system->object);
		return vc_fail(-EINVAL, "", pa, "an empty range, one that passes the end, or refused is NULL");
	}
	error = freeze(system, &frozen);
	if (!error) {
		maps = vc_calloc(frozen.n_regions, sizeof(*maps));
		asked = vc_calloc(frozen.n_devices, sizeof(struct device *));
		if (!maps || !asked)
			error = vc_fail(-ENOMEM, "", pa, "no memory for a list of devices");
		for (size_t i = 0; !error && i < frozen.n_regions; i++)
			maps[i] = maps_any(frozen.regions[i], pa, pa + (bytes - 1));
		/* What is on a region may use whatever that maps. */
		for (size_t i = 0; !error && i < frozen.n_regions; i++)
			for (size_t k = 0; k < i; k++)
				maps[i] = maps[i] || (maps[k] && frozen.regions[i]->parent == frozen.regions[k]);
		for (size_t i = 0; !error && i < frozen.n_devices; i++)
			if (is_concerned(frozen.devices[i], &frozen, maps)) {
				asked[n++] = frozen.devices[i];
				object_hold(&frozen.devices[i]->object);
			}
		thaw(&frozen);
	}
	for (size_t i = 0; i < n; i++) {
		vc_power_handler power;
		void *data;

		pthread_rwlock_rdlock(&asked[i]->lock);
		power = asked[i]->power;
		data = asked[i]->power_data;
		pthread_rwlock_unlock(&asked[i]->lock);
		if (!error && (!power || power(HANDLE(vc_device, asked[i]), data, pa, bytes))) {
			*refused = HANDLE(vc_device, asked[i]);
			error = vc_fail(-EBUSY, asked[i]->name, pa, "the device %s",
					power ? "refuses to do without the memory"
					      : "maps the memory and has no handler to ask");
		}
		object_put(&asked[i]->object);
	}
	free(maps);
	free(asked);
	object_put(&system->object);
	return error;
}

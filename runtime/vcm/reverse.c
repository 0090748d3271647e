/* SPDX-License-Identifier: MIT */
/* reverse.c - from physical addresses to what maps them, in regions and in regions on these. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

/* Reservations behind which is a range with this address of the region. Regions lie on one another once at most. */
static void for_each_above(const struct region *region, uint64_t address,
			   void (*fn)(void *ctx, struct reservation *reservation, uint64_t address), void *ctx)
{
	LIST_FOR(link, &region->ranges_of)
	{
		const struct phys *range = VC_CONTAINER(link, struct phys, range_link);
		uint64_t offset = address - range->segments[0].pa;

		if (address < range->segments[0].pa || offset >= range->bytes)
			continue;
		LIST_FOR(back, &range->backs)
		{
			struct reservation *reservation = VC_CONTAINER(back, struct reservation, link);

			if (reservation->state == BACKED && reservation->backed > offset)
				fn(ctx, reservation, reservation->address + offset);
		}
	}
}

void phys_for_each_mapping(const struct system *system, uint64_t pa,
			   void (*fn)(void *ctx, struct reservation *reservation, uint64_t address), void *ctx)
{
	struct phys_block *block = NULL;

	while ((block = phys_block_containing(system, pa, block)))
		LIST_FOR(link, &block->phys->backs)
		{
			struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);
			uint64_t offset = block->offset + (pa - block->first);

			if (reservation->state == BACKED && reservation->backed > offset) {
				fn(ctx, reservation, reservation->address + offset);
				for_each_above(reservation->region, reservation->address + offset, fn, ctx);
			}
		}
}

static void count_mapping(void *ctx, struct reservation *reservation, uint64_t address)
{
	(void)reservation;
	(void)address;
	++*(size_t *)ctx;
}

int vc_phys_reservations(struct vc_system *handle, uint64_t pa, size_t *out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	size_t n = 0;

	if (!system)
		return -EINVAL;
	pthread_mutex_lock(&system->graph);
	phys_for_each_mapping(system, pa, count_mapping, &n);
	pthread_mutex_unlock(&system->graph);
	object_put(&system->object);
	if (!out)
		return vc_fail(-EINVAL, "", 0, "out is NULL");
	*out = n;
	return 0;
}

struct after {
	uint64_t serial;
	struct reservation *found; /* the first that was made after it */
};

static void find_after(void *ctx, struct reservation *reservation, uint64_t address)
{
	struct after *after = ctx;

	(void)address;
	if (reservation->serial > after->serial && (!after->found || reservation->serial < after->found->serial))
		after->found = reservation;
}

int vc_phys_reservation_next(struct vc_system *handle, uint64_t pa, struct vc_reservation *after_handle,
			     struct vc_reservation **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct after after = {0, NULL};
	struct reservation *cursor;
	int error = -ENOENT;

	if (!system)
		return -EINVAL;
	if (after_handle) {
		cursor = object_get(OBJECT_RESERVATION, after_handle, __func__);
		if (!cursor) {
			object_put(&system->object);
			return -EINVAL;
		}
		after.serial = cursor->serial;
		object_put(&cursor->object);
	}
	pthread_mutex_lock(&system->graph);
	phys_for_each_mapping(system, pa, find_after, &after);
	if (after.found && out) {
		*out = HANDLE(vc_reservation, after.found);
		error = 0;
	}
	pthread_mutex_unlock(&system->graph);
	object_put(&system->object);
	return out ? error : vc_fail(-EINVAL, "", 0, "out is NULL");
}

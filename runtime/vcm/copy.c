/* SPDX-License-Identifier: MIT */
/* copy.c - copying between the memory of two reservations. */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* Memory of a reservation that stays where it is while it is used: held, and CHANGING is excluded by holding phys. */
struct hold {
	struct phys *phys;
	uint64_t bytes;
	struct system *system;
};

static int hold(const char *function, struct vc_reservation *handle, unsigned int right, struct hold *out)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, function);
	int error = 0;

	if (!reservation)
		return -EINVAL;
	out->system = reservation->region->system;
	pthread_mutex_lock(&out->system->graph);
	if (reservation->dead)
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the reservation has been freed");
	else if (reservation->state != BACKED)
		error = vc_fail_at(function, -ENXIO, describe_reservation(reservation).text, reservation->address,
				   "it is not backed");
	else if (!(reservation->rights & right))
		error = vc_fail_at(function, -EACCES, describe_reservation(reservation).text, reservation->address,
				   "it is not %s", right == PT_READ ? "readable" : "writable");
	if (!error) {
		out->phys = reservation->phys;
		out->bytes = reservation->backed;
		object_hold(&out->phys->object);
	}
	pthread_mutex_unlock(&out->system->graph);
	object_put(&reservation->object);
	return error;
}

/*
 * How many bytes from offset on are physically contiguous; their address in *pa, PHYS_HOLE: there is nothing.
 * backwards: that end at offset, which is not 0. At most a page where it takes another region to find them.
 */
static uint64_t piece_at(const struct phys *phys, uint64_t offset, bool backwards, uint64_t *pa)
{
	uint64_t first = 0, page = VC_PAGE - 1;

	for (size_t i = 0; i < phys->n_segments && !phys->of; i++) {
		const struct pt_segment *segment = &phys->segments[i];
		uint64_t within = offset - first;

		if (within < segment->bytes || (backwards && within == segment->bytes)) {
			*pa = segment->pa == PHYS_HOLE ? PHYS_HOLE : segment->pa + within;
			return backwards ? within : segment->bytes - within;
		}
		first += segment->bytes;
	}
	if (!phys->of)
		return 0;
	offset -= backwards; /* a byte of the page */
	if (!region_resolve(phys->of, phys->segments[0].pa + offset, pa))
		*pa = PHYS_HOLE;
	else
		*pa += backwards;
	return backwards ? (offset & page) + 1 : VC_PAGE - (offset & page);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int copy_piece(struct system *system, uint64_t to, uint64_t from, uint64_t bytes)
{
	unsigned char *source, *target;
	int error = 0;

	source = from == PHYS_HOLE ? NULL : system_touch(system, from, bytes);
	target = source && to != PHYS_HOLE ? system_touch(system, to, bytes) : NULL;
	if (target)
		memmove(target, source, (size_t)bytes);
	else
		error = vc_fail_at("vc_copy", -EFAULT, "", source ? to : from, "no memory is there");
	if (target)
		system_untouch(system, to);
	if (source)
		system_untouch(system, from);
	return error;
}

int vc_copy(struct vc_reservation *to, uint64_t to_offset, struct vc_reservation *from, uint64_t from_offset,
	    uint64_t bytes, uint64_t *copied)
{
	struct hold source, target;
	uint64_t left, from_pa = 0, to_pa = 0;
	bool backwards;
	int error = hold(__func__, from, PT_READ, &source);

	if (error)
		return error;
	error = hold(__func__, to, PT_WRITE, &target);
	if (error) {
		object_put(&source.phys->object);
		return error;
	}
	bytes = from_offset < source.bytes ? least(bytes, source.bytes - from_offset) : 0;
	bytes = to_offset < target.bytes ? least(bytes, target.bytes - to_offset) : 0;
	/* Within one allocation, copy away from the overlap, piece by piece, as memmove does. */
	backwards = source.phys == target.phys && to_offset > from_offset;
	for (left = bytes; left && !error;) {
		uint64_t done = backwards ? left : bytes - left;
		uint64_t step = least(piece_at(source.phys, from_offset + done, backwards, &from_pa),
				      piece_at(target.phys, to_offset + done, backwards, &to_pa));

		step = least(step, left);
		from_pa -= backwards && from_pa != PHYS_HOLE ? step : 0;
		to_pa -= backwards && to_pa != PHYS_HOLE ? step : 0;
		error = copy_piece(source.system, to_pa, from_pa, step);
		if (!error)
			left -= step;
	}
	if (copied)
		*copied = bytes - left;
	object_put(&source.phys->object);
	object_put(&target.phys->object);
	return error;
}

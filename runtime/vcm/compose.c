/* SPDX-License-Identifier: MIT */
/* compose.c - memory that is put together of parts of other memory, and of holes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

/* The pieces as they are put together. parts and pieces have room for all. */
struct composition {
	struct phys **parts; /* held */
	size_t n_parts;
	struct piece *pieces;
	size_t n, room;
	uint64_t bytes;
};

static int check_piece(const struct system *system, const struct vc_piece *piece, size_t i, const struct phys *phys)
{
	const char *self = "vc_phys_compose";

	if (!piece->bytes || ((piece->offset | piece->bytes) & (VC_PAGE - 1)) || piece->bytes > UINT64_MAX >> 1)
		return vc_fail_at(self, -EINVAL, "", piece->offset, "piece %zu is not made of whole pages", i);
	if (!phys)
		return piece->offset
			       ? vc_fail_at(self, -EINVAL, "", piece->offset, "piece %zu is a hole with an offset", i)
			       : 0;
	if (phys->system != system)
		return vc_fail_at(self, -EINVAL, describe_phys(phys).text, 0, "piece %zu is another system's memory",
				  i);
	if (phys->of)
		return vc_fail_at(self, -EINVAL, describe_phys(phys).text, 0,
				  "piece %zu is a range of a region, and not memory", i);
	if (piece->offset >= phys->bytes || piece->bytes > phys->bytes - piece->offset)
		return vc_fail_at(self, -EINVAL, describe_phys(phys).text, piece->offset,
				  "piece %zu, [0x%" PRIx64 ", +0x%" PRIx64 "), passes its end", i, piece->offset,
				  piece->bytes);
	return 0;
}

static int add(struct composition *all, uint64_t pa, uint64_t bytes)
{
	if (all->n == all->room) {
		size_t room = all->room ? 2 * all->room : 16;
		struct piece *more = vc_calloc(room, sizeof(*more));

		if (!more)
			return vc_fail_at("vc_phys_compose", -ENOMEM, "", 0, "no memory for a list of %zu pieces",
					  room);
		for (size_t i = 0; i < all->n; i++)
			more[i] = all->pieces[i];
		free(all->pieces);
		all->pieces = more;
		all->room = room;
	}
	all->pieces[all->n++] = (struct piece){.pa = pa, .bytes = bytes};
	all->bytes += bytes;
	return 0;
}

/* The segments of phys in [offset, offset + bytes). */
static int add_part(struct composition *all, const struct phys *phys, uint64_t offset, uint64_t bytes)
{
	uint64_t first = 0;
	int error = 0;

	for (size_t i = 0; i < phys->n_segments && bytes && !error; first += phys->segments[i++].bytes) {
		const struct pt_segment *segment = &phys->segments[i];
		uint64_t skip, part;

		if (offset - first >= segment->bytes)
			continue;
		skip = offset - first;
		part = segment->bytes - skip < bytes ? segment->bytes - skip : bytes;
		error = add(all, segment->pa == PHYS_HOLE ? PHYS_HOLE : segment->pa + skip, part);
		offset += part;
		bytes -= part;
	}
	return error;
}

static int gather(const struct system *system, const struct vc_piece *pieces, size_t n, struct composition *all)
{
	int error = 0;

	all->parts = vc_calloc(n, sizeof(struct phys *));
	if (!all->parts)
		return vc_fail_at("vc_phys_compose", -ENOMEM, "", 0, "no memory for a list of %zu pieces", n);
	for (size_t i = 0; i < n && !error; i++) {
		struct phys *phys = NULL;

		if (pieces[i].phys) {
			phys = object_get(OBJECT_PHYS, pieces[i].phys, "vc_phys_compose");
			if (!phys)
				return -EINVAL;
			all->parts[all->n_parts++] = phys;
		}
		error = check_piece(system, &pieces[i], i, phys);
		if (!error && pieces[i].bytes > (UINT64_MAX >> 1) - all->bytes)
			error = vc_fail_at("vc_phys_compose", -EINVAL, "", 0, "all pieces together are too long");
		if (!error)
			error = phys ? add_part(all, phys, pieces[i].offset, pieces[i].bytes)
				     : add(all, PHYS_HOLE, pieces[i].bytes);
	}
	return error;
}

/*
 * Make it, unless a part was freed or moved meanwhile: from here on neither is possible. The parts' segments were read
 * without a lock before, so they are compared once more.
 */
static int settle(struct phys *made, struct composition *all, const struct vc_piece *pieces, size_t n)
{
	struct system *system = made->system;
	uint64_t at = 0;
	size_t part = 0;
	int error = 0;

	pthread_mutex_lock(&system->graph);
	for (size_t i = 0; i < n && !error; at += pieces[i++].bytes) {
		const struct phys *phys = pieces[i].phys ? all->parts[part++] : NULL;

		if (phys && phys->dead)
			error = vc_fail_at("vc_phys_compose", -EINVAL, "", 0,
					   "stale handle: the memory has been freed");
		for (uint64_t k = 0; phys && k < pieces[i].bytes && !error; k += VC_PAGE)
			if (phys_at(phys, pieces[i].offset + k) != phys_at(made, at + k))
				error = vc_fail_at("vc_phys_compose", -EBUSY, describe_phys(phys).text, 0,
						   "another thread moves it");
	}
	if (!error) {
		for (size_t i = 0; i < all->n_parts; i++)
			all->parts[i]->n_composed++;
		made->parts = all->parts;
		made->n_parts = all->n_parts;
		all->parts = NULL;
		all->n_parts = 0;
		phys_index(made);
	}
	pthread_mutex_unlock(&system->graph);
	return error;
}

int vc_phys_compose(struct vc_system *handle, const struct vc_piece *pieces, size_t n, struct vc_phys **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct composition all = {.n = 0};
	struct phys *phys;
	int error;

	if (!system)
		return -EINVAL;
	error = pieces && n && out ? gather(system, pieces, n, &all)
				   : vc_fail(-EINVAL, "", 0, "pieces or out are NULL, or there is no piece");
	if (!error && !all.n_parts)
		error = vc_fail(-EINVAL, "", 0, "all of it is holes");
	if (!error)
		error = phys_create(system, all.pieces, all.n, __func__, &phys);
	if (!error) {
		error = phys->n_blocks ? settle(phys, &all, pieces, n) : vc_fail(-EINVAL, "", 0, "all of it is holes");
		if (error)
			phys_discard(phys);
		else
			*out = HANDLE(vc_phys, phys);
	}
	for (size_t i = 0; i < all.n_parts; i++)
		object_put(&all.parts[i]->object);
	free(all.parts);
	free(all.pieces);
	object_put(&system->object);
	return error;
}

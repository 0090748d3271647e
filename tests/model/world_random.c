/* SPDX-License-Identifier: MIT */
/* world_random.c - random operations near the borders, and accesses by hardware (see world.h). */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

enum { MANY_SLOTS = 1500 }; /* entries that one operation may write */

static uint64_t below(struct world *world, uint64_t n)
{
	return test_random(&world->random) % n;
}

/* One of the table's leaf sizes; small ones more often. */
static unsigned int random_size(struct world *world)
{
	unsigned int sizes[64], n = 0;
	uint64_t choice;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (world->table.page_sizes >> lg2 & 1)
			sizes[n++] = lg2;
	choice = below(world, n);
	return sizes[below(world, 2) ? choice : below(world, choice + 1)];
}

/* The table's next larger leaf size; 0: there is none. */
static unsigned int larger_than(const struct world *world, unsigned int lg2)
{
	while (++lg2 < 64)
		if (world->table.page_sizes >> lg2 & 1)
			return lg2;
	return 0;
}

/* A start near a spot, aligned to a size. */
static uint64_t random_start(struct world *world, unsigned int size)
{
	uint64_t spot = world->spot[below(world, world->n_spots)];
	uint64_t distance = below(world, 24) << (below(world, 3) ? world->page_lg2 : size);
	uint64_t inner = below(world, 2) ? spot + distance : spot - distance;

	if (world->ledger.n && below(world, 3) == 0) /* beside something that is there */
		inner = world->ledger.v[below(world, world->ledger.n)].inner + (below(world, 5) << world->page_lg2) -
			((uint64_t)2 << world->page_lg2);
	inner &= ~ones(below(world, 4) ? size : world->page_lg2);
	return inner & ones(world->in.input_hi + 1);
}

static uint64_t random_bytes(struct world *world, unsigned int size)
{
	uint64_t page = (uint64_t)1 << world->page_lg2, bytes;

	switch (below(world, 6)) {
	case 0: bytes = page; break;
	case 1: bytes = (1 + below(world, 20)) * page; break;
	case 2: bytes = (uint64_t)1 << size; break;
	case 3: bytes = (1 + below(world, 5)) << size; break;
	case 4: bytes = ((uint64_t)1 << size) + (below(world, 9) << world->page_lg2); break;
	default: bytes = ((uint64_t)2 << size) - (below(world, 9) << world->page_lg2); break;
	}
	if (bytes == 0)
		bytes = page;
	return bytes & ~(page - 1);
}

static uint64_t random_pa(struct world *world, uint64_t inner, uint64_t bytes)
{
	uint64_t pa = test_random(&world->random) & world->in.output_mask & ~ones(world->page_lg2);
	unsigned int lg2 = random_size(world);

	if (below(world, 5)) /* in step with the input, so that large leaves go */
		pa = (pa & ~ones(lg2 + 6)) | (inner & ones(lg2 + 6));
	if (below(world, 12) == 0)
		pa = world->in.output_mask - bytes + 1;
	pa &= world->in.output_mask;
	/* small leaves may have fewer address bits than large ones: mostly an address that both have */
	if (below(world, 8))
		for (uint64_t mask = world->in.output_mask;
		     pa >> world->page_lg2 && !interp_holds_address(&world->in, world->page_lg2,
								    interp_outside(&world->in, pa), PT_READ | PT_WRITE);
		     pa &= mask)
			mask >>= 1;
	if (pa + (bytes - 1) > world->in.output_mask && below(world, 8))
		pa = inner & (world->in.output_mask >> 2);
	return interp_outside(&world->in, pa);
}

static unsigned int random_request(struct world *world)
{
	unsigned int request = (unsigned int)test_random(&world->random) & PT_REQUEST_MASK;

	if (below(world, 2))
		request |= PT_READ;
	if (below(world, 6))
		request |= PT_ALLOW_WIDER;
	return request;
}

static enum op_kind random_kind(struct world *world)
{
	static const uint8_t weights[N_OPS] = {26, 6, 20, 10, 8, 10, 5, 5, 4, 6};
	uint64_t dice = below(world, 100);

	for (int kind = 0; kind < N_OPS; kind++) {
		if (dice < weights[kind])
			return (enum op_kind)kind;
		dice -= weights[kind];
	}
	return OP_MAP;
}

static void random_segments(struct world *world, struct op *op, struct pt_segment *segments, size_t max_segments)
{
	uint64_t page = (uint64_t)1 << world->page_lg2, inner = op->iova;

	op->n_segments = 1 + below(world, max_segments);
	op->bytes = 0;
	for (size_t i = 0; i < op->n_segments; i++) {
		segments[i].bytes = (1 + below(world, 12)) * page;
		if (below(world, 6) == 0)
			segments[i].bytes = (uint64_t)1 << random_size(world);
		segments[i].pa = random_pa(world, inner, segments[i].bytes);
		if (i && below(world, 3) == 0)
			segments[i].pa = interp_outside(
				&world->in, (interp_inside(&world->in, segments[i - 1].pa) + segments[i - 1].bytes) &
						    world->in.output_mask);
		op->bytes += segments[i].bytes;
		inner += segments[i].bytes;
	}
	op->segments = segments;
}

/* An existing run to merge, or a leaf to split: a place where that makes sense. */
static void random_resize(struct world *world, struct op *op)
{
	const struct entry *leaf;

	op->lg2 = random_size(world);
	if (!world->ledger.n || below(world, 8) == 0)
		return;
	leaf = &world->ledger.v[below(world, world->ledger.n)];
	/* the next larger size, so that a few leaves suffice, and a place with a leaf at either end if there is one */
	for (unsigned int i = 0; op->kind == OP_MERGE && i < 16; i++) {
		const struct entry *other = &world->ledger.v[below(world, world->ledger.n)];
		unsigned int lg2 = larger_than(world, other->lg2);

		if (lg2 && ledger_find(&world->ledger, other->inner & ~ones(lg2)) &&
		    ledger_find(&world->ledger, other->inner | ones(lg2))) {
			leaf = other;
			op->lg2 = lg2;
			break;
		}
	}
	op->iova = interp_present(&world->in, leaf->inner + (test_random(&world->random) & ones(leaf->lg2)));
	if (op->kind == OP_SPLIT && leaf->lg2 > world->page_lg2 + 11 && below(world, 4))
		op->lg2 = leaf->lg2 - 1;
}

void world_random_op(struct world *world, struct op *op, struct pt_segment *segments, size_t max_segments)
{
	unsigned int size = random_size(world);
	uint64_t inner = random_start(world, size);

	memset(op, 0, sizeof(*op));
	op->kind = random_kind(world);
	op->iova = interp_present(&world->in, inner);
	op->bytes = random_bytes(world, size);
	op->request = random_request(world);
	op->lg2 = world->page_lg2;
	if (world->in.model->root.grows != REF_NONE && world->in.input_hi < 54 && below(world, 40) == 0)
		op->iova = (inner | (uint64_t)1 << (world->in.input_hi + 1 + below(world, 9))) & ~ones(world->page_lg2);
	/* what a caller gets wrong */
	if (below(world, 40) == 0)
		op->iova += 1 + below(world, ones(world->page_lg2));
	if (below(world, 40) == 0)
		op->bytes += 1 + below(world, ones(world->page_lg2));
	if (below(world, 60) == 0)
		op->iova ^= (uint64_t)1 << (63 - below(world, 20));
	if (below(world, 80) == 0)
		op->bytes = 0;
	op->pa = random_pa(world, inner, op->bytes ? op->bytes : 1);
	if (below(world, 40) == 0)
		op->pa ^= (uint64_t)1 << below(world, 64);
	if (world->ledger.n && (op->kind == OP_UNMAP || op->kind == OP_PROTECT || op->kind == OP_REPLACE) &&
	    below(world, 3)) {
		/* from the beginning of one leaf to the end of another one near by */
		size_t from = below(world, world->ledger.n), to = from + below(world, 1 + below(world, 60));

		to = to < world->ledger.n ? to : world->ledger.n - 1;
		op->iova = interp_present(&world->in, world->ledger.v[from].inner);
		op->bytes = world->ledger.v[to].inner + ones(world->ledger.v[to].lg2) - world->ledger.v[from].inner + 1;
		if (op->bytes >> world->page_lg2 > MANY_SLOTS && op->kind == OP_REPLACE)
			op->bytes = (uint64_t)1 << world->ledger.v[from].lg2;
	}
	switch (op->kind) {
	case OP_SEGMENTS: random_segments(world, op, segments, max_segments); break;
	case OP_SPLIT:
	case OP_MERGE: random_resize(world, op); break;
	case OP_UNMAP:
		if (below(world, 3) == 0) {
			/* trusted: only where all of the range is mapped */
			uint64_t at = op->iova & ones(world->in.input_hi + 1), end = at;
			const struct entry *leaf = ledger_find(&world->ledger, at);
			unsigned int n = (unsigned int)below(world, 40) + 1;

			for (; leaf && n; n--, leaf = ledger_find(&world->ledger, end)) {
				if (n == 1 || !ledger_find(&world->ledger, leaf->inner + ones(leaf->lg2) + 1)) {
					end = leaf->inner + ones(leaf->lg2) + 1;
					break;
				}
				end = leaf->inner + ones(leaf->lg2) + 1;
			}
			if (end != at) {
				op->bytes = end - at;
				op->flags = PT_UNMAP_TRUSTED;
			}
		}
		break;
	case OP_RESERVE:
		if (op->bytes >> world->page_lg2 > MANY_SLOTS)
			op->bytes = (1 + below(world, MANY_SLOTS)) << world->page_lg2;
		break;
	case OP_REPLACE:
		if (op->bytes >> world->page_lg2 > 8 * MANY_SLOTS)
			op->bytes = (1 + below(world, 64)) << world->page_lg2;
		op->pa = random_pa(world, inner, op->bytes ? op->bytes : 1);
		break;
	case OP_DIRTY:
		op->flags = (unsigned int)below(world, 4);
		op->lg2 = world->page_lg2 + (unsigned int)below(world, 3);
		if (op->bytes >> op->lg2 > 200000)
			op->bytes = (1 + below(world, 5000)) << world->page_lg2;
		break;
	default: break;
	}
}

void world_access(struct world *world, uint64_t inner, bool write)
{
	uint64_t iova = interp_present(&world->in, inner);
	unsigned int access = write ? PT_ACCESS_WRITE : PT_ACCESS_READ;
	struct image image = ground_device(&world->ground);
	struct entry *leaf = ledger_find(&world->ledger, inner);
	struct interp_walk want;
	struct interp_decode decode;
	struct pt_reader reader;
	struct pt_walk walk;

	if (below(world, 2))
		access |= PT_ACCESS_PRIV;
	snprintf(world->what, sizeof(world->what), "access 0x%x to 0x%" PRIx64, access, iova);
	interp_translate(&world->in, &image, interp_roots(&world->table), iova, access, &want);
	ground_reader(&world->ground, true, true, &reader);
	memset(&walk, 0xa5, sizeof(walk));
	world->format->translate(&world->table, &reader, iova, access, &walk);
	if (want.faults) {
		CHECK_MSG(walk.fault < 64 && (want.faults >> walk.fault & 1),
			  "%s\n  fault %s, expected one of the set 0x%" PRIx64, world_describe(world),
			  pt_fault_string(world->format, walk.fault), want.faults);
	} else {
		CHECK_MSG(walk.fault == PT_FAULT_NONE && walk.pa == want.pa,
			  "%s\n  fault %s, pa 0x%" PRIx64 ", expected 0x%" PRIx64, world_describe(world),
			  pt_fault_string(world->format, walk.fault), walk.pa, want.pa);
	}
	if (!leaf)
		return;
	interp_walk(&world->in, &image, interp_roots(&world->table), iova, &want);
	CHECK_EQ(want.faults, 0);
	interp_decode(&world->in, want.leaf.kind, want.leaf.raw, &decode);
	if (walk.fault == PT_FAULT_NONE) {
		CHECK_MSG(!decode.has_accessed || decode.accessed, "%s\n  accessed is not set", world_describe(world));
		CHECK_MSG(!write || !decode.has_dirty || decode.dirty, "%s\n  dirty is not set", world_describe(world));
		leaf->accessed |= decode.has_accessed;
		leaf->dirty |= write && decode.has_dirty;
	} else if (decode.accessed) {
		leaf->accessed = true; /* hardware may note an access that it refuses */
	}
}

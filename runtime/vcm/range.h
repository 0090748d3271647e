/* SPDX-License-Identifier: MIT */
/*
 * range.h - the range allocator: aligned, lowest address first, nothing lost to padding.
 *
 * Usable alone. A struct vc_ranges manages the inclusive range [first, last] in units of 1 << grain_lg2 bytes; what is
 * taken from it is a struct vc_range_node. Taking, giving back and finding are logarithmic in the number of ranges, for
 * every alignment: each node of a balanced tree knows, per alignment, the largest hole below it.
 *
 * Errors are negative errno values. Giving back never fails and never allocates. No lock: callers exclude each other.
 */
#ifndef VCM_RANGE_H
#define VCM_RANGE_H

#include <stdint.h>

#include "tree.h"

#define VC_RANGE_ORDERS 28

/*
 * A range that is taken: [first, last]. The free hole directly before it is [hole_first, hole_first + hole_bytes).
 * owner is the caller's. best[k]: largest hole in this subtree, in grains, as an allocation aligned to grain << k sees
 * it.
 */
struct vc_range_node {
	struct tree_node tree;
	uint64_t first, last;
	uint64_t hole_first, hole_bytes;
	void *owner;
	uint32_t best[VC_RANGE_ORDERS];
};

/* end is the sentinel behind the last range; it owns the last hole. */
struct vc_ranges {
	struct tree tree;
	struct vc_range_node *end;
	uint64_t first, last;
	uint64_t used; /* bytes taken */
	uint64_t count;
	unsigned int grain_lg2, n_orders;
};

/*
 * Make an empty one. first and last + 1 are multiples of the grain (1 << grain_lg2, 0..30); first <= last; the whole of
 * 2^64 bytes is refused. 0, -EINVAL, -ENOMEM.
 */
int vc_ranges_init(struct vc_ranges *ranges, uint64_t first, uint64_t last, unsigned int grain_lg2);
/* Release everything, ranges that are still taken too (their owners are not told). */
void vc_ranges_fini(struct vc_ranges *ranges);

/*
 * Take bytes (rounded up to the grain, not 0) at the lowest multiple of 1 << align_lg2 (0..63) inside [low, high], the
 * whole range by 0 and UINT64_MAX. 0 and *out; -ENOSPC no hole is large enough; -EINVAL; -ENOMEM.
 */
int vc_ranges_take(struct vc_ranges *ranges, uint64_t bytes, unsigned int align_lg2, uint64_t low, uint64_t high,
		   void *owner, struct vc_range_node **out);
/* Take exactly [first, first + bytes). Also -EADDRINUSE: some of it is taken; -ERANGE: some of it is outside. */
int vc_ranges_take_at(struct vc_ranges *ranges, uint64_t first, uint64_t bytes, void *owner,
		      struct vc_range_node **out);
void vc_ranges_give(struct vc_ranges *ranges, struct vc_range_node *node);

/* The range that contains address; NULL: none. */
struct vc_range_node *vc_ranges_find(const struct vc_ranges *ranges, uint64_t address);
/* The lowest range that ends at address or later; NULL: none. */
struct vc_range_node *vc_ranges_from(const struct vc_ranges *ranges, uint64_t address);
/* The next range by address; node NULL: the first one. NULL at the end. */
struct vc_range_node *vc_ranges_next(const struct vc_ranges *ranges, const struct vc_range_node *node);
/* The size in bytes of the largest hole; holes of 2^32 grains and more count as 2^32 - 1 grains. */
uint64_t vc_ranges_largest(const struct vc_ranges *ranges);

#endif

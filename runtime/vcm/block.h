/* SPDX-License-Identifier: MIT */
/*
 * block.h - physical memory in pools, and the largest-block-first allocation over an ordered list of them.
 *
 * Usable alone. A pool of blocks hands out indivisible blocks of one size, lowest address first, and finds a free one
 * in the number of levels of a 64-way bitmap. A pool of extents hands out any power of two (and any number of pages in
 * one piece), splits and coalesces.
 */
#ifndef VCM_BLOCK_H
#define VCM_BLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "range.h"

#define POOL_LEVELS 5

struct pool {
	char *name;
	uint64_t pa, bytes;
	unsigned int block_lg2; /* 0: extents */
	pthread_mutex_t lock;
	uint64_t n_blocks, n_used; /* blocks; of extents: pieces */
	uint64_t used;		   /* bytes */
	/* Blocks: bit set in level 0: the block is free; in level k: a word of level k - 1 is not 0. */
	uint64_t *bits[POOL_LEVELS];
	unsigned int n_levels;
	struct vc_ranges ranges; /* extents */
};

/* A piece that was taken. node is for the pool. */
struct piece {
	uint64_t pa, bytes;
	struct pool *pool;
	struct vc_range_node *node;
};

/* pa and bytes are multiples of the block size (of a page, for extents), bytes not 0. 0; -EINVAL; -ENOMEM. */
int pool_init(struct pool *pool, const char *name, uint64_t pa, uint64_t bytes, unsigned int block_lg2);
void pool_fini(struct pool *pool);
/* Take one block of 1 << lg2 bytes, naturally aligned. 0; -ENOSPC; -ENOMEM. */
int pool_take(struct pool *pool, unsigned int lg2, struct piece *out);
/* Take bytes in one piece, aligned to 1 << align_lg2; extents only. 0; -ENOSPC; -ENOMEM. */
int pool_take_piece(struct pool *pool, uint64_t bytes, unsigned int align_lg2, struct piece *out);
void pool_give(const struct piece *piece);
/* How many blocks of 1 << lg2 bytes are free (of extents: an upper bound). */
uint64_t pool_available(struct pool *pool, unsigned int lg2);

/* What maximum munch gives: pieces, to be freed by the caller with free(). */
struct munch {
	struct piece *pieces;
	size_t n, room;
	uint64_t bytes;
};

/*
 * Take bytes from pools, tried in their order within each size, sizes from large to small, as many whole blocks as fit;
 * a remainder smaller than the smallest block takes one more of these. sizes: bitmap of what may be used; extents pools
 * serve each size of it from a page up to 16 MiB. All or nothing: 0; -ENOSPC; -EINVAL no pool has such a size; -ENOMEM.
 */
int munch(struct pool *const *pools, unsigned int n_pools, uint64_t sizes, uint64_t bytes, struct munch *out);
void munch_give(struct munch *munch);

#endif

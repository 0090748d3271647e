/* SPDX-License-Identifier: MIT */
/* block.c - pools of physical memory; see block.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "alloc.h"

#define PAGE_LG2 12U

/* The sizes that a pool of extents is cut into when blocks are asked for: every one that a common format can map. */
static const unsigned int extent_sizes[] = {24, 21, 20, 16, 14, 12};

int pool_init(struct pool *pool, const char *name, uint64_t pa, uint64_t bytes, unsigned int block_lg2)
{
	unsigned int unit = block_lg2 ? block_lg2 : PAGE_LG2;
	uint64_t n, mask = ((uint64_t)1 << unit) - 1;
	size_t length = strlen(name) + 1;
	int error = 0;

	if (unit < PAGE_LG2 || unit > 30 || !bytes || ((pa | bytes) & mask) || bytes > UINT64_MAX - pa)
		return -EINVAL;
	*pool = (struct pool){.pa = pa, .bytes = bytes, .block_lg2 = block_lg2};
	pool->name = vc_calloc(1, length);
	if (!pool->name)
		return -ENOMEM;
	memcpy(pool->name, name, length);
	if (!block_lg2)
		error = vc_ranges_init(&pool->ranges, pa, pa + bytes - 1, PAGE_LG2);
	pool->n_blocks = n = block_lg2 ? bytes >> unit : 0;
	while (!error && n && (pool->n_levels == 0 || n > 1)) {
		uint64_t words = (n + 63) / 64, *bits;

		if (pool->n_levels == POOL_LEVELS) {
			error = -EINVAL;
			break;
		}
		bits = vc_calloc((size_t)words, sizeof(*bits));
		pool->bits[pool->n_levels++] = bits;
		if (!bits) {
			error = -ENOMEM;
			break;
		}
		for (uint64_t i = 0; i < n; i++)
			bits[i / 64] |= (uint64_t)1 << (i % 64);
		n = words;
	}
	if (error) {
		for (unsigned int k = 0; k < pool->n_levels; k++)
			free(pool->bits[k]);
		if (pool->ranges.end)
			vc_ranges_fini(&pool->ranges);
		free(pool->name);
		return error;
	}
	pthread_mutex_init(&pool->lock, NULL);
	return 0;
}

void pool_fini(struct pool *pool)
{
	for (unsigned int k = 0; k < pool->n_levels; k++)
		free(pool->bits[k]);
	if (pool->ranges.end)
		vc_ranges_fini(&pool->ranges);
	pthread_mutex_destroy(&pool->lock);
	free(pool->name);
}

/* The lowest free block. There is one: n_used < n_blocks. */
static uint64_t first_free(const struct pool *pool)
{
	uint64_t i = 0;

	for (unsigned int k = pool->n_levels; k-- > 0;)
		i = i * 64 + (unsigned int)__builtin_ctzll(pool->bits[k][i]);
	return i;
}

static void mark(struct pool *pool, uint64_t i, bool is_free)
{
	for (unsigned int k = 0; k < pool->n_levels; k++) {
		uint64_t *word = &pool->bits[k][i / 64], before = *word, bit = (uint64_t)1 << (i % 64);

		*word = is_free ? before | bit : before & ~bit;
		/* The level above changes only when this word comes from or goes to 0. */
		if (is_free ? before != 0 : *word != 0)
			return;
		i /= 64;
	}
}

int pool_take(struct pool *pool, unsigned int lg2, struct piece *out)
{
	uint64_t i;

	if (!pool->block_lg2)
		return pool_take_piece(pool, (uint64_t)1 << lg2, lg2, out);
	if (pool->block_lg2 != lg2)
		return -ENOSPC;
	pthread_mutex_lock(&pool->lock);
	if (pool->n_used == pool->n_blocks) {
		pthread_mutex_unlock(&pool->lock);
		return -ENOSPC;
	}
	i = first_free(pool);
	mark(pool, i, false);
	pool->n_used++;
	pool->used += (uint64_t)1 << lg2;
	pthread_mutex_unlock(&pool->lock);
	*out = (struct piece){.pa = pool->pa + (i << lg2), .bytes = (uint64_t)1 << lg2, .pool = pool};
	return 0;
}

int pool_take_piece(struct pool *pool, uint64_t bytes, unsigned int align_lg2, struct piece *out)
{
	struct vc_range_node *node;
	int error;

	if (pool->block_lg2)
		return -ENOSPC;
	pthread_mutex_lock(&pool->lock);
	error = vc_ranges_take(&pool->ranges, bytes, align_lg2, 0, UINT64_MAX, pool, &node);
	if (!error) {
		pool->n_used++;
		pool->used += node->last - node->first + 1;
		*out = (struct piece){
			.pa = node->first, .bytes = node->last - node->first + 1, .pool = pool, .node = node};
	}
	pthread_mutex_unlock(&pool->lock);
	return error;
}

void pool_give(const struct piece *piece)
{
	struct pool *pool = piece->pool;

	pthread_mutex_lock(&pool->lock);
	if (piece->node)
		vc_ranges_give(&pool->ranges, piece->node);
	else
		mark(pool, (piece->pa - pool->pa) >> pool->block_lg2, true);
	pool->n_used--;
	pool->used -= piece->bytes;
	pthread_mutex_unlock(&pool->lock);
}

uint64_t pool_available(struct pool *pool, unsigned int lg2)
{
	uint64_t n = 0;

	pthread_mutex_lock(&pool->lock);
	if (pool->block_lg2 == lg2)
		n = pool->n_blocks - pool->n_used;
	else if (!pool->block_lg2)
		n = (pool->bytes - pool->used) >> lg2;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

static int keep(struct munch *munch, const struct piece *piece)
{
	if (munch->n == munch->room) {
		size_t room = munch->room ? munch->room * 2 : 16;
		struct piece *more = vc_calloc(room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (munch->n)
			memcpy(more, munch->pieces, munch->n * sizeof(*more));
		free(munch->pieces);
		munch->pieces = more;
		munch->room = room;
	}
	munch->pieces[munch->n++] = *piece;
	munch->bytes += piece->bytes;
	return 0;
}

/* Take one block of that size from the first pool that has one. */
static int take_one(struct pool *const *pools, unsigned int n_pools, unsigned int lg2, struct munch *out)
{
	struct piece piece;
	int error = -ENOSPC;

	for (unsigned int i = 0; i < n_pools && error == -ENOSPC; i++)
		error = pool_take(pools[i], lg2, &piece);
	if (!error) {
		error = keep(out, &piece);
		if (error)
			pool_give(&piece);
	}
	return error;
}

int munch(struct pool *const *pools, unsigned int n_pools, uint64_t sizes, uint64_t bytes, struct munch *out)
{
	uint64_t has = 0, left = bytes;
	int error = 0;

	*out = (struct munch){.n = 0};
	for (unsigned int i = 0; i < n_pools; i++) {
		if (pools[i]->block_lg2)
			has |= (uint64_t)1 << pools[i]->block_lg2;
		for (size_t k = 0; !pools[i]->block_lg2 && k < sizeof(extent_sizes) / sizeof(extent_sizes[0]); k++)
			has |= (uint64_t)1 << extent_sizes[k];
	}
	has &= sizes ? sizes : UINT64_MAX;
	if (!has || !bytes)
		return -EINVAL;
	for (unsigned int lg2 = 63; lg2-- > 0 && !error;) {
		if (!(has >> lg2 & 1))
			continue;
		while (left >> lg2 && !error) {
			error = take_one(pools, n_pools, lg2, out);
			if (!error)
				left -= (uint64_t)1 << lg2;
		}
		if (error == -ENOSPC)
			error = 0; /* what could not be had is asked of the next size */
	}
	if (!error && left) {
		unsigned int smallest = (unsigned int)__builtin_ctzll(has);

		error = left >> smallest ? -ENOSPC : take_one(pools, n_pools, smallest, out);
	}
	if (error)
		munch_give(out);
	return error;
}

void munch_give(struct munch *munch)
{
	for (size_t i = 0; i < munch->n; i++)
		pool_give(&munch->pieces[i]);
	free(munch->pieces);
	*munch = (struct munch){.n = 0};
}

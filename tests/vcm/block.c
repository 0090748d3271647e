/* SPDX-License-Identifier: MIT */
/* Pools and maximum munch: the worked numbers of the platform of 2010, exhaustion, and pools that split. */
#include "block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

struct platform {
	struct pool pool[3];
	struct pool *list[3];
};

static void make(struct platform *platform)
{
	CHECK_EQ(pool_init(&platform->pool[0], "1M", 0x80000000, 16 * M, 20), 0);
	CHECK_EQ(pool_init(&platform->pool[1], "64K", 0x81000000, 8 * M, 16), 0);
	CHECK_EQ(pool_init(&platform->pool[2], "4K", 0x81800000, 8 * M, 12), 0);
	for (size_t i = 0; i < 3; i++)
		platform->list[i] = &platform->pool[i];
}

static void drop(struct platform *platform)
{
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(platform->pool[i].n_used, 0);
		CHECK_EQ(platform->pool[i].used, 0);
		pool_fini(&platform->pool[i]);
	}
}

static size_t count(const struct munch *munch, uint64_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < munch->n; i++)
		n += munch->pieces[i].bytes == bytes;
	return n;
}

TEST(vcm_block, worked_numbers)
{
	static const struct {
		uint64_t bytes;
		size_t big, middle, small;
	} cases[] = {
		{16 * M, 16, 0, 0}, {128 * K, 0, 2, 0},	     {M + 64 * K + 5000, 1, 1, 2}, {2 * M + 4 * K, 2, 0, 1},
		{1, 0, 0, 1},	    {32 * M, 16, 128, 2048}, {M - 4 * K, 0, 15, 15},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct platform platform;
		struct munch got;

		make(&platform);
		CHECK_EQ(munch(platform.list, 3, 0, cases[i].bytes, &got), 0);
		CHECK_EQ(count(&got, M), cases[i].big);
		CHECK_EQ(count(&got, 64 * K), cases[i].middle);
		CHECK_EQ(count(&got, 4 * K), cases[i].small);
		CHECK_EQ(got.n, cases[i].big + cases[i].middle + cases[i].small);
		/* Largest first, each naturally aligned. */
		for (size_t k = 0; k < got.n; k++) {
			CHECK_EQ(got.pieces[k].pa % got.pieces[k].bytes, 0);
			CHECK(!k || got.pieces[k].bytes <= got.pieces[k - 1].bytes);
		}
		munch_give(&got);
		drop(&platform);
	}
}

TEST(vcm_block, second_16_megabytes)
{
	struct munch first, second, third;
	struct platform platform;

	make(&platform);
	CHECK_EQ(munch(platform.list, 3, 0, 16 * M, &first), 0);
	CHECK_EQ(munch(platform.list, 3, 0, 16 * M, &second), 0);
	CHECK_EQ(count(&second, 64 * K), 128);
	CHECK_EQ(count(&second, 4 * K), 2048);
	CHECK_EQ(munch(platform.list, 3, 0, 1, &third), -ENOSPC);
	munch_give(&first);
	/* What could not be had is given back whole. */
	CHECK_EQ(munch(platform.list, 3, 0, 16 * M + 1, &third), -ENOSPC);
	CHECK_EQ(platform.pool[0].n_used, 0);
	munch_give(&second);
	drop(&platform);
}

TEST(vcm_block, sizes_are_honoured)
{
	struct platform platform;
	struct munch got;

	make(&platform);
	CHECK_EQ(munch(platform.list, 3, 64 * K, 128 * K, &got), 0);
	CHECK_EQ(got.n, 2);
	CHECK_EQ(got.pieces[0].pa, 0x81000000);
	CHECK_EQ(got.pieces[1].pa, 0x81010000);
	munch_give(&got);
	/* A remainder takes one more of the smallest that is allowed. */
	CHECK_EQ(munch(platform.list, 3, M | 64 * K, M + 1, &got), 0);
	CHECK_EQ(got.n, 2);
	CHECK_EQ(got.pieces[1].bytes, 64 * K);
	munch_give(&got);
	CHECK_EQ(munch(platform.list, 3, 2 * M, 2 * M, &got), -EINVAL);
	CHECK_EQ(munch(platform.list, 3, M, 17 * M, &got), -ENOSPC);
	drop(&platform);
}

/* Every block of a pool, in order, then from the holes, lowest first: the last one too. */
TEST(vcm_block, lowest_first)
{
	static struct piece piece[5000];
	struct piece again;
	struct pool pool;
	uint64_t random = test_seed();

	CHECK_EQ(pool_init(&pool, "4K", 0x1000, 5000 * 4 * K, 12), 0);
	for (size_t i = 0; i < 5000; i++) {
		CHECK_EQ(pool_take(&pool, 12, &piece[i]), 0);
		CHECK_EQ(piece[i].pa, 0x1000 + i * 4 * K);
	}
	CHECK_EQ(pool_take(&pool, 12, &again), -ENOSPC);
	for (size_t round = 0; round < 1000; round++) {
		size_t a = (size_t)(test_random(&random) % 5000), b = (size_t)(test_random(&random) % 5000), low, high;

		if (a == b)
			continue;
		pool_give(&piece[a]);
		pool_give(&piece[b]);
		low = a < b ? a : b;
		high = a < b ? b : a;
		CHECK_EQ(pool_available(&pool, 12), 2);
		CHECK_EQ(pool_take(&pool, 12, &again), 0);
		CHECK_EQ(again.pa, piece[low].pa);
		CHECK_EQ(pool_take(&pool, 12, &again), 0);
		CHECK_EQ(again.pa, piece[high].pa);
	}
	pool_fini(&pool);
}

TEST(vcm_block, split_and_coalesce)
{
	struct pool pool, *list[1] = {&pool};
	struct munch small, large;
	struct piece piece;

	CHECK_EQ(pool_init(&pool, "any", 0x82000000, 8 * M, 0), 0);
	CHECK_EQ(munch(list, 1, 4 * K, 8 * M, &small), 0);
	CHECK_EQ(small.n, 2048);
	CHECK_EQ(munch(list, 1, 0, 4 * K, &large), -ENOSPC);
	munch_give(&small);
	/* All the small blocks are one again. */
	CHECK_EQ(munch(list, 1, 0, 8 * M, &large), 0);
	CHECK_EQ(large.n, 4); /* of 2 MiB */
	munch_give(&large);
	CHECK_EQ(pool_take_piece(&pool, 8 * M, 23, &piece), 0);
	pool_give(&piece);
	CHECK_EQ(pool_take_piece(&pool, 8 * M + 1, 12, &piece), -ENOSPC);
	CHECK_EQ(pool.used, 0);
	pool_fini(&pool);
}

TEST(vcm_block, bad_pools)
{
	struct pool pool;

	CHECK_EQ(pool_init(&pool, "unaligned", 0x80001000, M, 20), -EINVAL);
	CHECK_EQ(pool_init(&pool, "empty", 0x80000000, 0, 20), -EINVAL);
	CHECK_EQ(pool_init(&pool, "tiny blocks", 0x80000000, M, 11), -EINVAL);
	CHECK_EQ(pool_init(&pool, "wraps", UINT64_MAX - 0xfff, 0x2000, 12), -EINVAL);
}

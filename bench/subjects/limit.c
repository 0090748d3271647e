/* SPDX-License-Identifier: MIT */
/*
 * limit.c - what the machine itself takes: stores of the same words into tables whose places are known, and the loads
 * of a walk that depend on each other. No checks, no contract; a map is its stores, wherever they go.
 */
#include "../bench.h"
#include "pt.h"

/* gcc -O2 leaves small loops as they are. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/*
 * All tables of the lowest level lie side by side, made for the first map; upper levels are those of x86-64. Only
 * addresses from FIRST on have an entry.
 */
#define FIRST BENCH_1G
#define SPAN  (BENCH_1G * 2)

static uint64_t *entries;
static uint64_t root, *upper;

static inline uint64_t *entry_of(uint64_t iova)
{
	return entries + (((iova - FIRST) & (SPAN - 1)) >> 12);
}

static uint64_t pa_of(const void *what)
{
	return (uint64_t)((const unsigned char *)what - pool.base);
}

static void subject_open(void)
{
	uint64_t *level[3];

	entries = pool_get(SPAN >> 9);
	upper = pool_get(16384);
	if (!entries || !upper)
		bench_fail("limit: open");
	for (unsigned int i = 0; i < 3; i++)
		level[i] = upper + 512 * i;
	for (size_t i = 0; i < 2048; i++)
		upper[i] = 0;
	for (size_t i = 0; i < SPAN >> 12; i++)
		entries[i] = 0x67 | (0x80000000 + i * BENCH_PAGE);
	root = pa_of(level[0]);
	level[0][0] = pa_of(level[1]) | 0x27;
	/* Addresses beyond SPAN come back to the same tables. */
	for (unsigned int g = 0; g < 512; g++)
		level[1][g] = pa_of(upper + 1024 + 512 * ((g + 1) & 1)) | 0x27;
	for (unsigned int i = 0; i < 1024; i++)
		upper[1024 + i] = pa_of(entries + 512 * (uint64_t)i) | 0x27;
}

static void subject_close(void)
{
	pool_put(entries, SPAN >> 9);
	pool_put(upper, 16384);
}

static uint64_t subject_root(void)
{
	return root;
}

static void subject_adopt(uint64_t other)
{
	root = other;
}

#if defined(__AVX2__)
/* Let the compiler take vectors: what is measured is the machine. */
#define STORE(slot, value) (*(slot) = (value))
#else
#define STORE(slot, value) PT_WRITE_ONCE(slot, value)
#endif

static PT_NOINLINE void store_run(uint64_t *slot, uint64_t value, uint64_t step, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8, value += 8 * step) {
		UNROLL
		for (unsigned int k = 0; k < 8; k++)
			STORE(&slot[i + k], value + k * step);
	}
	for (; i < n; i++, value += step)
		STORE(&slot[i], value);
}

static PT_NOINLINE void store_one(uint64_t *slot, uint64_t value)
{
	PT_WRITE_ONCE(slot, value);
}

PT_ALWAYS_INLINE void subject_map(uint64_t iova, uint64_t pa, uint64_t pgsize, uint64_t count)
{
	if (count == 1)
		store_one(entry_of(iova), pa | 0x67);
	else
		store_run(entry_of(iova), pa | 0x67, pgsize, count);
}

PT_ALWAYS_INLINE void subject_unmap(uint64_t iova, uint64_t pgsize, uint64_t count)
{
	(void)pgsize;
	if (count == 1)
		store_one(entry_of(iova), 0);
	else
		store_run(entry_of(iova), 0, 0, count);
}

static inline __attribute__((__always_inline__)) uint64_t loads(uint64_t iova)
{
	uint64_t entry = root;

	for (unsigned int shift = 39; shift >= 12; shift -= 9)
		entry = PT_READ_ONCE((uint64_t *)(void *)(pool.base + (entry & UINT64_C(0xffffffffff000))) +
				     ((iova >> shift) & 511));
	return (entry & UINT64_C(0xffffffffff000)) | (iova & 4095);
}

static PT_NOINLINE uint64_t loads_apart(uint64_t iova)
{
	return loads(iova);
}

PT_ALWAYS_INLINE uint64_t subject_lookup(uint64_t iova)
{
	return loads_apart(iova);
}

#define HAVE_BATCH
PT_ALWAYS_INLINE void subject_batch(const uint64_t *addresses, size_t n, uint64_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = loads(addresses[i]);
}

#include "runs.h"

const struct subject subject_limit = {
	.name = "limit",
	.format = "x86_64",
	.build = BENCH_BUILD,
	.kind = LIMIT,
	.span = BENCH_2M,
	.input_bits = 32,
	.open = subject_open,
	.close = subject_close,
	.root = subject_root,
	.adopt = subject_adopt,
	.run = SUBJECT_RUNS,
};

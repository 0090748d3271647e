/* SPDX-License-Identifier: MIT */
/*
 * hand.c - tables of x86-64 with four levels, written by hand: the bound that code of this contract can be held to.
 *
 * It keeps the contract of runtime/pt.h where that costs time: ranges, alignment and rights are checked; nothing live
 * is overwritten, and a map that fails takes back what it wrote; tables are written before they are linked, by compare
 * and swap; covered tables are freed through the gather; an unmap counts what it removed. It does without what the hand
 * need not ask for: parameters, walkers that do not snoop, five levels. A map over existing entries reads them all
 * before it writes (two passes).
 */
#include "../bench.h"
#include "pt.h"

/* gcc -O2 leaves small loops as they are. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define PRESENT	   ((uint64_t)1)
#define DIRTY_BIT  ((uint64_t)1 << 6)
#define LARGE	   ((uint64_t)1 << 7)
#define ADDRESS	   UINT64_C(0x000ffffffffff000)
#define LAST	   UINT64_C(0x00007fffffffffff)
#define IS_LINK(e) (((e) & (PRESENT | LARGE)) == PRESENT)

static uint64_t root;
static uint64_t n_tables;

/* By read, write, execute: accessed, user, and dirty with write; 0 is refused. */
static const uint64_t attributes[8] = {
	0,
	UINT64_C(0x8000000000000025),
	UINT64_C(0x8000000000000067),
	UINT64_C(0x8000000000000067),
	0x25,
	0x25,
	0x67,
	0x67,
};

static inline uint64_t *table_at(uint64_t pa)
{
	return (uint64_t *)(void *)(pool.base + pa);
}

static inline uint64_t *slot_in(uint64_t entry, unsigned int shift, uint64_t iova)
{
	return table_at(entry & ADDRESS) + ((iova >> shift) & 511);
}

static inline uint64_t *page_directory(uint64_t iova)
{
	uint64_t entry = PT_READ_ONCE(slot_in(root, 39, iova));

	if (PT_UNLIKELY(!IS_LINK(entry)))
		return NULL;
	entry = PT_READ_ONCE(slot_in(entry, 30, iova));
	if (PT_UNLIKELY(!IS_LINK(entry)))
		return NULL;
	return slot_in(entry, 21, iova);
}

/* Stores of n entries that count up. */
static inline void fill(uint64_t *slot, size_t n, uint64_t value, uint64_t step)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8, value += 8 * step) {
		UNROLL
		for (unsigned int k = 0; k < 8; k++)
			PT_WRITE_ONCE(&slot[i + k], value + k * step);
	}
	for (; i < n; i++, value += step)
		PT_WRITE_ONCE(&slot[i], value);
}

static inline void wipe(uint64_t *table)
{
	for (size_t i = 0; i < 512; i += 8) {
		UNROLL
		for (unsigned int k = 0; k < 8; k++)
			PT_WRITE_ONCE(&table[i + k], 0);
	}
}

static void release_tables(uint64_t pa, unsigned int shift)
{
	for (unsigned int i = 0; shift > 12 && i < 512; i++) {
		uint64_t entry = table_at(pa)[i];

		if (IS_LINK(entry))
			release_tables(entry & ADDRESS, shift - 9);
	}
	n_tables--;
	pool_put(table_at(pa), 4096);
}

static void flush(struct pt_gather *gather)
{
	for (uint32_t i = 0; i < gather->n_tables; i++)
		release_tables(gather->tables[i].pa, gather->tables[i].level);
	pt_gather_init(gather);
}

static void detach(struct pt_gather *gather, uint64_t pa, unsigned int shift)
{
	if (gather->n_tables == PT_GATHER_TABLES)
		flush(gather);
	gather->tables[gather->n_tables].pa = pa;
	gather->tables[gather->n_tables++].level = (uint16_t)shift;
}

/* The slot whose entries span 2^shift bytes, with the tables on the way made; NULL: no memory, or a leaf on the way. */
static uint64_t *slot_made(uint64_t iova, unsigned int shift)
{
	uint64_t *slot = slot_in(root, 39, iova);

	for (unsigned int at = 39; at != shift; at -= 9) {
		uint64_t entry = PT_READ_LINK(slot);

		if (entry == 0) {
			uint64_t *made = pool_get(4096);

			if (!made)
				return NULL;
			wipe(made);
			n_tables++;
			if (PT_CAS(slot, &entry, (uint64_t)((unsigned char *)made - pool.base) | 0x27))
				entry = PT_READ_ONCE(slot);
			else
				pool_put(made, 4096);
		}
		if (!IS_LINK(entry))
			return NULL;
		slot = slot_in(entry, at - 9, iova);
	}
	return slot;
}

/* Pages of one table, which is made and filled before it is linked, or which is there. */
static bool map_pages(uint64_t iova, uint64_t value, size_t n)
{
	uint64_t *directory = slot_made(iova, 21), *slot, entry, used = 0;
	size_t first = (iova >> 12) & 511;

	if (!directory)
		return false;
	entry = PT_READ_LINK(directory);
	if (entry == 0) {
		uint64_t *made = pool_get(4096);

		if (!made)
			return false;
		n_tables++;
		fill(made, first, 0, 0);
		fill(made + first, n, value, 4096);
		fill(made + first + n, 512 - first - n, 0, 0);
		if (PT_CAS(directory, &entry, (uint64_t)((unsigned char *)made - pool.base) | 0x27))
			return true;
		pool_put(made, 4096);
	}
	if (!IS_LINK(entry))
		return false;
	slot = table_at(entry & ADDRESS) + first;
	for (size_t i = 0; i < n; i++)
		used |= PT_READ_ONCE(&slot[i]);
	if (used)
		return false;
	fill(slot, n, value, 4096);
	return true;
}

static uint64_t hand_unmap(uint64_t iova, uint64_t bytes, unsigned int flags, struct pt_gather *gather);

static PT_NOINLINE bool map_slow(uint64_t iova, uint64_t pa, uint64_t bytes, uint64_t bits, struct pt_gather *gather)
{
	uint64_t at = iova, last = iova + (bytes - 1);

	while (at <= last) {
		uint64_t here = pa + (at - iova), left = last - at + 1, done;
		bool good;

		if (((at | here) & (BENCH_2M - 1)) == 0 && left >= BENCH_2M) {
			unsigned int shift = ((at | here) & (BENCH_1G - 1)) == 0 && left >= BENCH_1G ? 30 : 21;
			uint64_t *slot = slot_made(at, shift);

			done = (uint64_t)1 << shift;
			good = slot && PT_READ_ONCE(slot) == 0;
			if (good)
				PT_WRITE_ONCE(slot, here | bits | LARGE);
		} else {
			done = BENCH_2M - (at & (BENCH_2M - 1));
			if (done > left)
				done = left;
			good = map_pages(at, here | bits, (size_t)(done >> 12));
		}
		if (!good) {
			if (at != iova)
				(void)hand_unmap(iova, at - iova, 0, gather);
			return false;
		}
		at += done;
	}
	return true;
}

static PT_NOINLINE bool hand_map(uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request,
				 struct pt_gather *gather)
{
	uint64_t bits = attributes[request & 7];

	if (PT_UNLIKELY(((iova | pa | bytes) & 4095) != 0 || bytes == 0 || iova > LAST || bytes - 1 > LAST - iova ||
			bits == 0 || pa > ADDRESS || bytes - 1 > (ADDRESS | 4095) - pa))
		return false;
	if (bytes == 4096) {
		uint64_t *slot = page_directory(iova), entry;

		if (PT_LIKELY(slot && (entry = PT_READ_ONCE(slot), IS_LINK(entry)))) {
			slot = slot_in(entry, 12, iova);
			if (PT_UNLIKELY(PT_READ_ONCE(slot) != 0))
				return false;
			PT_WRITE_ONCE(slot, pa | bits);
			PT_WMB_DEVICE();
			return true;
		}
	} else if (bytes == BENCH_2M && ((iova | pa) & (BENCH_2M - 1)) == 0) {
		uint64_t *slot = page_directory(iova);

		if (PT_LIKELY(slot && PT_READ_ONCE(slot) == 0)) {
			PT_WRITE_ONCE(slot, pa | bits | LARGE);
			PT_WMB_DEVICE();
			return true;
		}
	}
	return map_slow(iova, pa, bytes, bits, gather);
}

/* Clears, and says how many were present. */
static inline size_t clear(uint64_t *slot, size_t n)
{
	size_t used = 0, i = 0;

	for (; n - i >= 8; i += 8) {
		UNROLL
		for (unsigned int k = 0; k < 8; k++) {
			used += PT_READ_ONCE(&slot[i + k]) & PRESENT;
			PT_WRITE_ONCE(&slot[i + k], 0);
		}
	}
	for (; i < n; i++) {
		used += PT_READ_ONCE(&slot[i]) & PRESENT;
		PT_WRITE_ONCE(&slot[i], 0);
	}
	return used;
}

/* Bytes mapped below a table. */
static uint64_t count(uint64_t pa, unsigned int shift)
{
	const uint64_t *table = table_at(pa);
	uint64_t bytes = 0;

	if (shift == 12) {
		for (unsigned int i = 0; i < 512; i++)
			bytes += PT_READ_ONCE(&table[i]) & PRESENT;
		return bytes << 12;
	}
	for (unsigned int i = 0; i < 512; i++)
		if (IS_LINK(table[i]))
			bytes += count(table[i] & ADDRESS, shift - 9);
		else
			bytes += (table[i] & PRESENT) << shift;
	return bytes;
}

static uint64_t unmap_level(uint64_t *slot, unsigned int shift, uint64_t iova, uint64_t last, unsigned int flags,
			    struct pt_gather *gather)
{
	uint64_t removed = 0, mask = ((uint64_t)1 << shift) - 1;

	if (shift == 12)
		return (uint64_t)clear(slot, (size_t)((last - iova) >> 12) + 1) << 12;
	for (;; slot++) {
		uint64_t end = iova | mask, entry = PT_READ_LINK(slot);

		if (end > last)
			end = last;
		if (IS_LINK(entry) && end - iova == mask) {
			removed += flags & PT_UNMAP_TRUSTED ? mask + 1 : count(entry & ADDRESS, shift - 9);
			PT_WRITE_ONCE(slot, 0);
			detach(gather, entry & ADDRESS, shift - 9);
		} else if (IS_LINK(entry)) {
			removed += unmap_level(slot_in(entry, shift - 9, iova), shift - 9, iova, end, flags, gather);
		} else if (entry != 0) {
			PT_WRITE_ONCE(slot, 0);
			removed += mask + 1;
		}
		if (end == last)
			return removed;
		iova = end + 1;
	}
}

/* Does [iova, last] begin or end within a leaf? */
static bool cuts(uint64_t iova, uint64_t edge)
{
	uint64_t entry = PT_READ_ONCE(slot_in(root, 39, iova));

	for (unsigned int shift = 30; shift >= 21 && IS_LINK(entry); shift -= 9) {
		entry = PT_READ_ONCE(slot_in(entry, shift, iova));
		if ((entry & PRESENT) != 0 && (entry & LARGE) != 0)
			return (edge & (((uint64_t)1 << shift) - 1)) != 0;
	}
	return false;
}

static PT_NOINLINE uint64_t unmap_slow(uint64_t iova, uint64_t last, unsigned int flags, struct pt_gather *gather)
{
	uint64_t removed;

	if (cuts(iova, iova) || cuts(last, last + 1))
		return 0;
	removed = unmap_level(slot_in(root, 39, iova), 39, iova, last, flags, gather);
	PT_WMB_DEVICE();
	pt_gather_add(gather, iova, last, 12);
	return removed;
}

static PT_NOINLINE uint64_t hand_unmap(uint64_t iova, uint64_t bytes, unsigned int flags, struct pt_gather *gather)
{
	if (PT_UNLIKELY(((iova | bytes) & 4095) != 0 || bytes == 0 || iova > LAST || bytes - 1 > LAST - iova))
		return 0;
	if (bytes == 4096) {
		uint64_t *slot = page_directory(iova), entry;

		if (PT_LIKELY(slot && (entry = PT_READ_ONCE(slot), IS_LINK(entry)))) {
			slot = slot_in(entry, 12, iova);
			if (PT_LIKELY(PT_READ_ONCE(slot) != 0)) {
				PT_WRITE_ONCE(slot, 0);
				PT_WMB_DEVICE();
				pt_gather_add(gather, iova, iova | 4095, 12);
				return 4096;
			}
			return 0;
		}
	}
	return unmap_slow(iova, iova + (bytes - 1), flags, gather);
}

static inline __attribute__((__always_inline__)) bool look_up(uint64_t iova, uint64_t *pa)
{
	uint64_t entry = PT_READ_ONCE(slot_in(root, 39, iova));

	if (PT_UNLIKELY(iova > LAST || (entry & PRESENT) == 0))
		return false;
	for (unsigned int shift = 30; shift >= 12; shift -= 9) {
		entry = PT_READ_ONCE(slot_in(entry, shift, iova));
		if (PT_UNLIKELY((entry & PRESENT) == 0))
			return false;
		if (shift == 12 || PT_UNLIKELY((entry & LARGE) != 0)) {
			uint64_t mask = ((uint64_t)1 << shift) - 1;

			*pa = (entry & ADDRESS & ~mask) | (iova & mask);
			return true;
		}
	}
	return false;
}

static PT_NOINLINE bool hand_lookup(uint64_t iova, uint64_t *pa)
{
	return look_up(iova, pa);
}

static PT_NOINLINE bool hand_batch(const uint64_t *iova, size_t n, uint64_t *pa)
{
	for (size_t i = 0; i < n; i++)
		if (PT_UNLIKELY(!look_up(iova[i], &pa[i])))
			return false;
	return true;
}

static PT_NOINLINE bool hand_segments(uint64_t iova, const struct bench_segment *segments, size_t n,
				      struct pt_gather *gather)
{
	uint64_t bits = attributes[PT_READ | PT_WRITE], at = iova, bytes = 0, all = iova;

	for (size_t i = 0; i < n; i++) {
		all |= segments[i].pa | segments[i].bytes;
		if (segments[i].bytes == 0 || segments[i].pa > ADDRESS)
			return false;
		bytes += segments[i].bytes;
	}
	if ((all & 4095) != 0 || iova > LAST || bytes - 1 > LAST - iova)
		return false;
	for (size_t i = 0; i < n; at += segments[i++].bytes)
		if (PT_UNLIKELY(!map_slow(at, segments[i].pa, segments[i].bytes, bits, gather))) {
			if (at != iova)
				(void)hand_unmap(iova, at - iova, 0, gather);
			return false;
		}
	PT_WMB_DEVICE();
	return true;
}

/* Pages only, 64 at a time: a line that is clean is read and no more. */
static PT_NOINLINE void hand_dirty(uint64_t iova, uint64_t bytes, uint64_t *bitmap, struct pt_gather *gather)
{
	for (uint64_t at = 0; at < bytes; at += 64 * BENCH_PAGE) {
		uint64_t *directory = page_directory(iova + at), *slot, word = 0;

		if (!directory || !IS_LINK(*directory))
			continue;
		slot = slot_in(*directory, 12, iova + at);
		for (unsigned int i = 0; i < 64; i += 8) {
			uint64_t any = 0;

			UNROLL
			for (unsigned int k = 0; k < 8; k++)
				any |= PT_READ_ONCE(&slot[i + k]);
			if ((any & DIRTY_BIT) == 0)
				continue;
			UNROLL
			for (unsigned int k = 0; k < 8; k++)
				if (PT_READ_ONCE(&slot[i + k]) & DIRTY_BIT) {
					(void)__atomic_fetch_and(&slot[i + k], ~DIRTY_BIT, __ATOMIC_RELAXED);
					word |= (uint64_t)1 << (i + k);
				}
		}
		if (word) {
			bitmap[at / BENCH_PAGE / 64] |= word;
			pt_gather_add(gather, iova + at, iova + at + 64 * BENCH_PAGE - 1, 12);
		}
	}
}

/* Read-only: writable and dirty go together here, so a locked operation per entry. */
static PT_NOINLINE void hand_protect(uint64_t iova, uint64_t bytes, struct pt_gather *gather)
{
	for (uint64_t at = iova; at < iova + bytes; at += BENCH_2M) {
		uint64_t *slot = slot_in(*page_directory(at), 12, at);

		for (unsigned int i = 0; i < 512; i++) {
			uint64_t old = PT_READ_ONCE(&slot[i]);

			while ((old & PRESENT) != 0 && (old & 2) != 0 && !PT_CAS(&slot[i], &old, old & ~(uint64_t)2))
				;
		}
	}
	PT_WMB_DEVICE();
	pt_gather_add(gather, iova, iova + (bytes - 1), 12);
}

static void subject_open(void)
{
	uint64_t *made = pool_get(4096);

	if (!made)
		bench_fail("hand: open");
	wipe(made);
	root = (uint64_t)((unsigned char *)made - pool.base);
	n_tables = 1;
}

static void subject_close(void)
{
	release_tables(root, 39);
}

static uint64_t subject_root(void)
{
	return root;
}

PT_ALWAYS_INLINE void subject_map(uint64_t iova, uint64_t pa, uint64_t pgsize, uint64_t pages)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (!hand_map(iova, pa, pgsize * pages, PT_READ | PT_WRITE, &gather))
		bench_fail("hand: map");
}

PT_ALWAYS_INLINE void subject_unmap_flags(uint64_t iova, uint64_t bytes, unsigned int flags)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (!hand_unmap(iova, bytes, flags, &gather))
		bench_fail("hand: unmap");
	if (gather.n_tables)
		flush(&gather);
}

PT_ALWAYS_INLINE void subject_unmap(uint64_t iova, uint64_t pgsize, uint64_t pages)
{
	subject_unmap_flags(iova, pgsize * pages, 0);
}

#define HAVE_TRUSTED
PT_ALWAYS_INLINE void subject_unmap_trusted(uint64_t iova, uint64_t bytes)
{
	subject_unmap_flags(iova, bytes, PT_UNMAP_TRUSTED);
}

PT_ALWAYS_INLINE uint64_t subject_lookup(uint64_t iova)
{
	uint64_t pa;

	if (!hand_lookup(iova, &pa))
		bench_fail("hand: lookup");
	return pa;
}

#define HAVE_BATCH
PT_ALWAYS_INLINE void subject_batch(const uint64_t *addresses, size_t n, uint64_t *out)
{
	if (!hand_batch(addresses, n, out))
		bench_fail("hand: batch");
}

#define HAVE_SEGMENTS
PT_ALWAYS_INLINE void subject_segments(uint64_t iova, const struct bench_segment *segments, uint32_t n)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (!hand_segments(iova, segments, n, &gather))
		bench_fail("hand: segments");
}

#define HAVE_DIRTY
PT_ALWAYS_INLINE void subject_dirty(uint64_t iova, uint64_t bytes, uint64_t *bitmap)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	hand_dirty(iova, bytes, bitmap, &gather);
}

#define HAVE_PROTECT
PT_ALWAYS_INLINE void subject_protect(uint64_t iova, uint64_t bytes)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	hand_protect(iova, bytes, &gather);
}

#include "runs.h"

const struct subject subject_hand = {
	.name = "hand",
	.format = "x86_64",
	.build = BENCH_BUILD,
	.kind = HAND,
	.span = BENCH_2M,
	.input_bits = 47,
	.blocks = BENCH_2M | BENCH_1G,
	.dirty_set = DIRTY_BIT,
	.frees = true,
	.open = subject_open,
	.close = subject_close,
	.root = subject_root,
	.run = SUBJECT_RUNS,
};

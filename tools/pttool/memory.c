/* SPDX-License-Identifier: MIT */
/*
 * memory.c - the memory in which `build` makes tables.
 *
 * One anonymous mapping stands for all physical memory between the first and the last segment; only what holds tables
 * is ever touched, so its size costs nothing. The image itself is written at the end, by memory_write().
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "pttool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The index of the first span that ends at or after pa. */
static size_t spans_find(const struct spans *spans, uint64_t pa)
{
	size_t low = 0, high = spans->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->span[middle].last < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void spans_insert(struct spans *spans, size_t at, struct span span)
{
	if (spans->n == spans->capacity) {
		spans->capacity = spans->capacity ? 2 * spans->capacity : 64;
		spans->span = allocate(spans->span, spans->capacity, sizeof(*spans->span));
	}
	memmove(&spans->span[at + 1], &spans->span[at], (spans->n - at) * sizeof(*spans->span));
	spans->span[at] = span;
	spans->n++;
}

static void spans_erase(struct spans *spans, size_t at)
{
	spans->n--;
	memmove(&spans->span[at], &spans->span[at + 1], (spans->n - at) * sizeof(*spans->span));
}

/* Adds [first, last], no byte of which is in the list, and joins it with its neighbours. */
static void spans_add(struct spans *spans, uint64_t first, uint64_t last)
{
	size_t at = spans_find(spans, first);
	bool after = at > 0 && spans->span[at - 1].last + 1 == first;
	bool before = at < spans->n && last != UINT64_MAX && spans->span[at].first == last + 1;

	if (after && before) {
		spans->span[at - 1].last = spans->span[at].last;
		spans_erase(spans, at);
	} else if (after) {
		spans->span[at - 1].last = last;
	} else if (before) {
		spans->span[at].first = first;
	} else {
		spans_insert(spans, at, (struct span){first, last});
	}
}

/* Takes what is in the list of [first, last] out of it. */
static void spans_remove(struct spans *spans, uint64_t first, uint64_t last)
{
	size_t at = spans_find(spans, first);

	while (at < spans->n && spans->span[at].first <= last) {
		struct span old = spans->span[at];

		if (old.first < first && old.last > last) {
			spans->span[at].last = first - 1;
			spans_insert(spans, at + 1, (struct span){last + 1, old.last});
			return;
		}
		if (old.first < first) {
			spans->span[at].last = first - 1;
			at++;
		} else if (old.last > last) {
			spans->span[at].first = last + 1;
			return;
		} else {
			spans_erase(spans, at);
		}
	}
}

static bool spans_cover(const struct spans *spans, uint64_t first, uint64_t last)
{
	size_t at = spans_find(spans, first);

	return at < spans->n && spans->span[at].first <= first && spans->span[at].last >= last;
}

/* pt_mem.alloc: the lowest address that fits, gaps that alignment left included. */
static bool memory_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct memory *memory = ctx;

	(void)node;
	for (size_t i = 0; i < memory->free.n; i++) {
		struct span span = memory->free.span[i];
		uint64_t start;

		if (span.first > UINT64_MAX - (align - 1))
			continue;
		start = (span.first + (align - 1)) & ~((uint64_t)align - 1);
		if (start > span.last || span.last - start < bytes - 1)
			continue;
		if (start > max_pa || max_pa - start < bytes - 1)
			return false;
		spans_remove(&memory->free, start, start + (bytes - 1));
		spans_add(&memory->live, start, start + (bytes - 1));
		*pa = start;
		return true;
	}
	return false;
}

static void memory_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct memory *memory = ctx;

	spans_remove(&memory->live, pa, pa + (bytes - 1));
	spans_add(&memory->free, pa, pa + (bytes - 1));
}

bool memory_open(struct memory *memory, struct image *image, uint64_t tables)
{
	const struct segment *last = &image->segments[image->n - 1];
	uint64_t span;
	void *base;

	memset(memory, 0, sizeof(*memory));
	memory->image = image;
	memory->first_pa = image->segments[0].pa & ~(uint64_t)(IMAGE_BLOCK - 1);
	span = last->pa - memory->first_pa + (last->bytes - 1);
	if (span >= SIZE_MAX / 4) {
		complain("the segments reach from 0x%" PRIx64 " to 0x%" PRIx64 ", farther than this host can address",
			 memory->first_pa, memory->first_pa + span);
		return false;
	}
	memory->bytes = (size_t)span + 1;
	base = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		complain("the segments reach over 0x%zx bytes, more than this host can address", memory->bytes);
		return false;
	}
	memory->base = base;
	memory->mem.ctx = memory;
	/* Where pa 0 would be; nothing is accessed there. */
	memory->mem.direct = (unsigned char *)((uintptr_t)base - (uintptr_t)memory->first_pa);
	memory->mem.alloc = memory_alloc;
	memory->mem.release = memory_release;

	if (!image_find(image, tables)) {
		complain("--tables 0x%" PRIx64 " lies outside the memory of --ram", tables);
		for (size_t i = 0; i < image->n; i++)
			note("there is 0x%" PRIx64 "-0x%" PRIx64, image->segments[i].pa,
			     image->segments[i].pa + (image->segments[i].bytes - 1));
		return false;
	}
	for (size_t i = 0; i < image->n; i++) {
		const struct segment *segment = &image->segments[i];
		uint64_t end = segment->pa + (segment->bytes - 1);

		if (end >= tables)
			spans_add(&memory->free, segment->pa < tables ? tables : segment->pa, end);
	}
	return true;
}

void memory_close(struct memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->bytes);
	free(memory->free.span);
	free(memory->live.span);
	memset(memory, 0, sizeof(*memory));
}

bool memory_take(struct memory *memory, uint64_t pa, uint64_t bytes)
{
	uint64_t last = pa + (bytes - 1);

	if (spans_cover(&memory->live, pa, last))
		return true;
	if (last < pa || pa < memory->first_pa || last - memory->first_pa >= memory->bytes ||
	    !image_read(memory->image, pa, memory->base + (pa - memory->first_pa), (size_t)bytes)) {
		complain("the table at 0x%" PRIx64 " (0x%" PRIx64 " bytes) lies outside the memory of --ram", pa,
			 bytes);
		return false;
	}
	/* Tables that overlap are found by F_adopt; here each byte is only taken once. */
	spans_remove(&memory->live, pa, last);
	spans_add(&memory->live, pa, last);
	spans_remove(&memory->free, pa, last);
	return true;
}

bool memory_read(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct memory *memory = ctx;

	if (bytes == 0 || bytes - 1 > UINT64_MAX - pa || !spans_cover(&memory->live, pa, pa + (bytes - 1)))
		return false;
	memcpy(buffer, memory->base + (pa - memory->first_pa), bytes);
	return true;
}

/* Calls fn for each part of the live tables that lies in one segment. */
static bool each_part(struct memory *memory,
		      bool (*fn)(struct image *image, uint64_t pa, const void *data, size_t bytes))
{
	for (size_t i = 0; i < memory->live.n; i++) {
		uint64_t pa = memory->live.span[i].first, last = memory->live.span[i].last;

		for (;;) {
			const struct segment *segment = image_find(memory->image, pa);
			uint64_t end = segment ? segment->pa + (segment->bytes - 1) : 0;

			if (!segment)
				return false;
			if (end > last)
				end = last;
			if (!fn(memory->image, pa, memory->base + (pa - memory->first_pa), (size_t)(end - pa) + 1))
				return false;
			if (end == last)
				break;
			pa = end + 1;
		}
	}
	return true;
}

bool memory_write(struct memory *memory)
{
	bool prepared = each_part(memory, image_prepare);

	image_settle(memory->image, prepared);
	return prepared && each_part(memory, image_write);
}

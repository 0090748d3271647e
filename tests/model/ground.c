/* SPDX-License-Identifier: MIT */
/* ground.c - memory for tables under test (see ground.h). */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "ground.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "test.h"

enum { POISON = 0xdb };

static void garbage(struct ground *ground, unsigned char *to, size_t bytes)
{
	uint64_t state = test_random(&ground->random);

	/* words of one table mostly look alike, and some are all ones or all zeros: garbage that passes for entries */
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word = test_random(&state);

		if ((word & 7) == 0)
			word = 0;
		else if ((word & 7) == 1)
			word = UINT64_MAX;
		memcpy(to + i, &word, bytes - i < 8 ? bytes - i : 8);
	}
}

static bool hook_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct ground *ground = ctx;
	uint64_t first;
	size_t at;
	uint32_t b;

	(void)node;
	CHECK_MSG(bytes && (bytes & (bytes - 1)) == 0, "alloc of %zu bytes: not a power of two", bytes);
	CHECK_MSG(align && (align & (align - 1)) == 0, "alloc with alignment %zu: not a power of two", align);
	if (max_pa < ground->max_pa)
		ground->max_pa = max_pa;
	if (ground->fail_after == 0) {
		ground->failed = true;
		return false;
	}
	if (ground->fail_after > 0)
		ground->fail_after--;
	/* an odd multiple of the alignment */
	first = (ground->base + ground->next + align - 1) & ~((uint64_t)align - 1);
	if ((first & align) == 0)
		first += align;
	at = (size_t)(first - ground->base);
	if (at + bytes > ground->bytes) {
		CHECK_MSG(ground->max_pa >= ground->base, "the bank is full");
		ground->failed = true;
		return false;
	}
	if (ground->base + at + bytes - 1 > max_pa) {
		ground->failed = true; /* the caller looks at max_pa and takes a lower bank */
		return false;
	}
	ground->next = at + bytes;
	CHECK_MSG(ground->n_blocks < GROUND_BLOCKS, "too many blocks");
	b = ground->n_blocks++;
	ground->blocks[b] = (struct ground_block){ground->base + at, bytes, ground->operation, true};
	ground->live++;
	ground->live_bytes += bytes;
	ground->n_allocs++;
	garbage(ground, ground->ram + at, bytes);
	if (ground->device)
		garbage(ground, ground->device + at, bytes);
	*pa = ground->base + at;
	return true;
}

/* Blocks are in order of address, since memory is never handed out twice. */
static struct ground_block *find(const struct ground *ground, uint64_t pa)
{
	uint32_t low = 0, high = ground->n_blocks;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (ground->blocks[middle].pa == pa)
			return &ground->blocks[middle];
		if (ground->blocks[middle].pa < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct ground_block *ground_find(const struct ground *ground, uint64_t pa)
{
	const struct ground_block *block = find(ground, pa);

	return block && block->live ? block : NULL;
}

static void hook_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct ground *ground = ctx;
	struct ground_block *block = find(ground, pa);

	CHECK_MSG(block != NULL, "release of 0x%" PRIx64 ", which alloc never gave", pa);
	CHECK_MSG(block->live, "0x%" PRIx64 " is released twice", pa);
	CHECK_EQ(bytes, block->bytes);
	if (!ground->quiet && !ground->ending && block->operation != ground->operation)
		CHECK_MSG(ground->stage == GROUND_QUIESCED,
			  "table 0x%" PRIx64 " is released before its gather was flushed (invalidate, then quiesce)",
			  pa);
	if (ground->on_release)
		ground->on_release(ground->ctx, pa, bytes);
	block->live = false;
	ground->live--;
	ground->live_bytes -= bytes;
	memset(ground->ram + (pa - ground->base), POISON, bytes);
	if (ground->device)
		memset(ground->device + (pa - ground->base), POISON, bytes);
}

static void hook_sync(void *ctx, const void *first, size_t bytes)
{
	struct ground *ground = ctx;
	size_t at = (size_t)((const unsigned char *)first - ground->ram);

	CHECK_MSG(at < ground->bytes && bytes <= ground->bytes - at, "sync of %zu bytes outside of table memory",
		  bytes);
	ground->n_syncs++;
	memcpy(ground->device + at, ground->ram + at, bytes);
	if (ground->on_sync)
		ground->on_sync(ground->ctx);
}

static void hook_invalidate(void *ctx, const struct pt_gather *gather)
{
	struct ground *ground = ctx;

	if (ground->quiet)
		return;
	ground->stage = GROUND_INVALIDATED;
	if (ground->on_invalidate)
		ground->on_invalidate(ground->ctx, gather);
}

static void hook_quiesce(void *ctx)
{
	struct ground *ground = ctx;

	if (ground->quiet)
		return;
	CHECK_MSG(ground->stage == GROUND_INVALIDATED, "quiesce is called before invalidate");
	ground->stage = GROUND_QUIESCED;
}

static unsigned char *map_bank(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK_MSG(p != MAP_FAILED, "no memory for a bank of %zu bytes", bytes);
	return p;
}

void ground_open(struct ground *ground, uint64_t base, size_t bytes, bool coherent, uint64_t seed)
{
	memset(ground, 0, sizeof(*ground));
	ground->base = base;
	ground->bytes = bytes;
	ground->ram = map_bank(bytes);
	ground->device = coherent ? NULL : map_bank(bytes);
	ground->blocks = calloc(GROUND_BLOCKS, sizeof(*ground->blocks));
	CHECK(ground->blocks != NULL);
	ground->max_pa = UINT64_MAX;
	ground->fail_after = -1;
	ground->random = seed;
	ground->mem.ctx = ground;
	ground->mem.direct = (unsigned char *)((uintptr_t)ground->ram - (uintptr_t)base);
	ground->mem.alloc = hook_alloc;
	ground->mem.release = hook_release;
	ground->mem.sync = coherent ? NULL : hook_sync;
	ground->mem.invalidate = hook_invalidate;
	ground->mem.quiesce = hook_quiesce;
}

void ground_close(struct ground *ground)
{
	for (uint32_t b = 0; b < ground->n_blocks; b++) {
		const struct ground_block *block = &ground->blocks[b];
		const unsigned char *bytes = ground->ram + (block->pa - ground->base);

		CHECK_MSG(!block->live, "table 0x%" PRIx64 " (%zu bytes) is leaked", block->pa, block->bytes);
		for (size_t i = 0; i < block->bytes; i++)
			CHECK_MSG(bytes[i] == POISON,
				  "table 0x%" PRIx64 " was written after it was released, at byte %zu", block->pa, i);
	}
	munmap(ground->ram, ground->bytes);
	if (ground->device)
		munmap(ground->device, ground->bytes);
	free(ground->blocks);
	memset(ground, 0, sizeof(*ground));
}

void ground_operation(struct ground *ground)
{
	ground->operation++;
	ground->stage = GROUND_NONE;
	ground->failed = false;
}

static bool read_bytes(const struct ground *ground, const unsigned char *from, uint64_t pa, void *buffer, size_t bytes)
{
	if (pa < ground->base || pa - ground->base > ground->bytes || bytes > ground->bytes - (pa - ground->base))
		return false;
	memcpy(buffer, from + (pa - ground->base), bytes);
	return true;
}

static bool read_cpu(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct ground *ground = ctx;

	return read_bytes(ground, ground->ram, pa, buffer, bytes);
}

static bool read_device(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct ground *ground = ctx;

	return read_bytes(ground, ground->device ? ground->device : ground->ram, pa, buffer, bytes);
}

static bool update_cpu(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	struct ground *ground = ctx;

	if (pa < ground->base || pa - ground->base > ground->bytes || bytes > ground->bytes - (pa - ground->base) ||
	    memcmp(ground->ram + (pa - ground->base), expected, bytes) != 0)
		return false;
	memcpy(ground->ram + (pa - ground->base), desired, bytes);
	if (ground->device)
		memcpy(ground->device + (pa - ground->base), desired, bytes);
	return true;
}

struct image ground_cpu(struct ground *ground)
{
	return (struct image){read_cpu, ground};
}

struct image ground_device(struct ground *ground)
{
	return (struct image){read_device, ground};
}

void ground_reader(struct ground *ground, bool device, bool update, struct pt_reader *reader)
{
	reader->ctx = ground;
	reader->read = device ? read_device : read_cpu;
	reader->update = update ? update_cpu : NULL;
	reader->steps = 1U << 24;
}

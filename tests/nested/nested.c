/* SPDX-License-Identifier: MIT */
/* Two stages of translation, of the same architecture and of different ones. */
#include <stdlib.h>
#include <string.h>

#include "arm64_s1.h"
#include "arm64_s2.h"
#include "amd_v1.h"
#include "pt_nested.h"
#include "test.h"
#include "x86_64.h"

#define M      ((uint64_t)1 << 20)
#define MEMORY ((size_t)16 << 20)
#define IPA    UINT64_C(0x80000000) /* where the memory stands for stage 1 */

/* All physical memory; tables of stage 1 grow from its middle, those of stage 2 from its beginning. */
struct world {
	unsigned char *base;
	uint64_t next[2];
	struct pt_mem mem[2];
	struct pt_table stage1, stage2;
	struct pt_reader memory;
	struct pt_nested nested;
};

static bool alloc_from(struct world *world, int stage, size_t bytes, size_t align, uint64_t *pa)
{
	uint64_t at = (world->next[stage] + align - 1) & ~((uint64_t)align - 1);

	world->next[stage] = at + bytes;
	*pa = at + (stage == 0 ? IPA : 0);
	return true;
}

static bool alloc1(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)max_pa;
	(void)node;
	return alloc_from(ctx, 0, bytes, align, pa);
}

static bool alloc2(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)max_pa;
	(void)node;
	return alloc_from(ctx, 1, bytes, align, pa);
}

static void release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)bytes;
}

static bool read_memory(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct world *world = ctx;

	if (pa >= MEMORY || bytes > MEMORY - pa)
		return false;
	memcpy(buffer, world->base + pa, bytes);
	return true;
}

static bool update_memory(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	const struct world *world = ctx;

	if (pa >= MEMORY || bytes > MEMORY - pa || memcmp(world->base + pa, expected, bytes) != 0)
		return false;
	memcpy(world->base + pa, desired, bytes);
	return true;
}

static void make(struct world *world, const struct pt_format *stage1, const struct pt_format *stage2)
{
	memset(world, 0, sizeof(*world));
	world->base = aligned_alloc(2 * M, MEMORY);
	CHECK(world->base);
	memset(world->base, 0, MEMORY);
	world->next[0] = 8 * M;
	world->next[1] = 1 * M;
	world->mem[0] = (struct pt_mem){.ctx = world, .direct = world->base - IPA, .alloc = alloc1, .release = release};
	world->mem[1] = (struct pt_mem){.ctx = world, .direct = world->base, .alloc = alloc2, .release = release};
	CHECK_EQ(stage1->init(&world->stage1, NULL, &world->mem[0], NULL), PT_OK);
	CHECK_EQ(stage2->init(&world->stage2, NULL, &world->mem[1], NULL), PT_OK);
	world->memory = (struct pt_reader){world, read_memory, NULL, UINT64_MAX};
	world->nested = (struct pt_nested){&world->stage1, &world->stage2, &world->memory};
}

static void map(struct pt_table *table, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int rights)
{
	CHECK_EQ(table->format->map(table, iova, pa, bytes, rights | PT_ALLOW_WIDER, NULL, NULL), PT_OK);
}

static unsigned int look(struct world *world, uint64_t iova, unsigned int access, struct pt_nested_walk *walk)
{
	pt_nested_translate(&world->nested, iova, access, walk);
	return walk->fault;
}

static const struct pt_format *const pairs[][2] = {
	{&arm64_s1_format, &arm64_s2_format}, {&x86_64_format, &amd_v1_format}, {&x86_64_format, &arm64_s2_format}};

static size_t count_pairs(void)
{
	return sizeof(pairs) / sizeof(pairs[0]);
}

static const char *pair_name(size_t each)
{
	return (const char *[]){"arm64 both", "x86_64 over amd_v1", "x86_64 over arm64_s2"}[each];
}

TEST_EACH(nested, translation_and_faults, count_pairs, pair_name)
{
	struct world world;
	struct pt_nested_walk walk;

	make(&world, pairs[each][0], pairs[each][1]);
	/* the memory of the guest, but for its last two MiB; one page of it cannot be written */
	map(&world.stage2, IPA, 0, 8 * M, PT_READ | PT_WRITE | PT_EXEC);
	map(&world.stage2, IPA + 8 * M, 8 * M, 2 * M, PT_READ | PT_WRITE | PT_EXEC);
	map(&world.stage2, IPA + 10 * M, 10 * M, 2 * M, PT_READ | PT_WRITE | PT_EXEC);
	map(&world.stage2, IPA + 12 * M, 12 * M, 4096, PT_READ);
	map(&world.stage1, 0x400000, IPA + 4 * M, 2 * M, PT_READ | PT_WRITE);
	map(&world.stage1, 0x800000, IPA + 5 * M, 4096, PT_READ);
	map(&world.stage1, 0x900000, IPA + 12 * M, 4096, PT_READ | PT_WRITE);
	map(&world.stage1, 0xa00000, IPA + 13 * M, 4096, PT_READ | PT_WRITE);

	CHECK_EQ(look(&world, 0x412345, PT_ACCESS_WRITE, &walk), PT_FAULT_NONE);
	CHECK_EQ(walk.ipa, IPA + 4 * M + 0x12345);
	CHECK_EQ(walk.pa, 4 * M + 0x12345);
	CHECK_EQ(walk.rights & PT_RIGHT_PW, PT_RIGHT_PW);
	/* stage 1 has nothing there, or allows less */
	CHECK_EQ(look(&world, 0x700000, PT_ACCESS_READ, &walk), PT_FAULT_ABSENT);
	CHECK_EQ(walk.stage, 1);
	CHECK_EQ(look(&world, 0x800000, PT_ACCESS_READ, &walk), PT_FAULT_NONE);
	CHECK_EQ(look(&world, 0x800000, PT_ACCESS_WRITE, &walk), PT_FAULT_PERMISSION);
	CHECK_EQ(walk.stage, 1);
	/* stage 2 allows less, or has nothing there */
	CHECK_EQ(look(&world, 0x900010, PT_ACCESS_READ, &walk), PT_FAULT_NONE);
	CHECK_EQ(walk.rights & PT_RIGHT_PW, 0);
	CHECK_EQ(look(&world, 0x900010, PT_ACCESS_WRITE, &walk), PT_FAULT_PERMISSION);
	CHECK_EQ(walk.stage, 2);
	CHECK_EQ(walk.ipa, IPA + 12 * M + 0x10);
	CHECK(!walk.in_walk);
	CHECK_EQ(look(&world, 0xa00000, PT_ACCESS_READ, &walk), PT_FAULT_ABSENT);
	CHECK_EQ(walk.stage, 2);
	CHECK(!walk.in_walk);
	/* the tables of stage 1 are away: its walk fails in stage 2 */
	CHECK_EQ(world.stage2.format->unmap(&world.stage2, IPA + 8 * M, 2 * M, 0, NULL, NULL), PT_OK);
	CHECK_EQ(look(&world, 0x412345, PT_ACCESS_READ, &walk), PT_FAULT_ABSENT);
	CHECK_EQ(walk.stage, 2);
	CHECK(walk.in_walk);
	CHECK(walk.ipa >= IPA + 8 * M && walk.ipa < IPA + 10 * M);
	free(world.base);
}

/* Dirty state of stage 1 is a write into its table: stage 2 must allow it. */
TEST(nested, state_of_stage_1_needs_writable_tables)
{
	struct world world;
	struct pt_nested_walk walk;
	uint64_t dirty = 0;

	make(&world, &x86_64_format, &amd_v1_format);
	map(&world.stage2, IPA, 0, 8 * M, PT_READ | PT_WRITE);
	map(&world.stage2, IPA + 8 * M, 8 * M, 8 * M, PT_READ | PT_WRITE);
	map(&world.stage1, 0x1000, IPA, 4096, PT_READ | PT_WRITE);
	CHECK_EQ(x86_64_dirty(&world.stage1, 0x1000, 4096, PT_DIRTY_CLEAR, &dirty, 12, NULL, NULL), PT_OK);
	world.memory.update = update_memory;
	dirty = 0;
	CHECK_EQ(look(&world, 0x1000, PT_ACCESS_READ, &walk), PT_FAULT_NONE);
	CHECK_EQ(x86_64_dirty(&world.stage1, 0x1000, 4096, 0, &dirty, 12, NULL, NULL), PT_OK);
	CHECK_EQ(dirty, 0);
	CHECK_EQ(look(&world, 0x1000, PT_ACCESS_WRITE, &walk), PT_FAULT_NONE);
	CHECK_EQ(x86_64_dirty(&world.stage1, 0x1000, 4096, 0, &dirty, 12, NULL, NULL), PT_OK);
	CHECK_EQ(dirty, 1);
	/* tables that cannot be written: the access faults, in stage 2 */
	CHECK_EQ(x86_64_dirty(&world.stage1, 0x1000, 4096, PT_DIRTY_CLEAR, &dirty, 12, NULL, NULL), PT_OK);
	CHECK_EQ(amd_v1_protect(&world.stage2, IPA + 8 * M, 8 * M, PT_READ | PT_ALLOW_WIDER, NULL, NULL), PT_OK);
	CHECK_EQ(look(&world, 0x1000, PT_ACCESS_WRITE, &walk), PT_FAULT_PERMISSION);
	CHECK_EQ(walk.stage, 2);
	CHECK(walk.in_walk);
	free(world.base);
}

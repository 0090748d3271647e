/* SPDX-License-Identifier: MIT */
/*
 * test_traps.c - places where sources disagree about a format or where a description is easily almost right; each test
 * holds what the format files decided.
 */
#include <string.h>

#include "arena.h"
#include "test.h"

static const uint64_t base[] = {0x80000000};

/* One table with memory of its own. */
struct trap {
	const struct pt_format *format;
	struct arena arena;
	struct pt_mem mem;
	struct pt_table table;
	struct pt_gather gather;
	struct pt_result result;
};

static void trap_set(struct trap *trap, const char *format, const struct words_param *param)
{
	struct pt_config config;

	trap->format = words_format(format);
	arena_make(&trap->arena, base, NULL, 1, trap->format->levels, &trap->mem);
	words_configure(&config, trap->format, param);
	CHECK_EQ(trap->format->init(&trap->table, &config, &trap->mem, &trap->result), PT_OK);
	pt_gather_init(&trap->gather);
}

static enum pt_status trap_map(struct trap *trap, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request)
{
	return trap->format->map(&trap->table, iova, pa, bytes, request, &trap->gather, &trap->result);
}

static enum pt_status trap_split(struct trap *trap, uint64_t iova, unsigned int lg2)
{
	return trap->format->split(&trap->table, iova, lg2, NULL, &trap->gather, &trap->result);
}

static enum pt_status trap_merge(struct trap *trap, uint64_t iova, unsigned int lg2)
{
	enum pt_status status = trap->format->merge(&trap->table, iova, lg2, &trap->gather, &trap->result);

	pt_flush(&trap->table, &trap->gather);
	return status;
}

static uint64_t trap_accessed(struct trap *trap, uint64_t iova, uint64_t bytes, unsigned int flags)
{
	CHECK_EQ(trap->format->dirty(&trap->table, iova, bytes, PT_DIRTY_ACCESSED | flags, NULL, 12, &trap->gather,
				     &trap->result),
		 PT_OK);
	pt_flush(&trap->table, &trap->gather);
	return trap->result.bytes;
}

static void trap_end(struct trap *trap)
{
	trap->format->fini(&trap->table);
	arena_end(&trap->arena);
}

/* What the hardware of a format and configuration makes of an access through a table that another one wrote. */
static unsigned int fault_as(struct trap *trap, const char *format, const struct words_param *param, uint64_t iova,
			     unsigned int access)
{
	const struct pt_format *other = words_format(format);
	struct pt_reader reader = arena_reader(&trap->arena);
	struct pt_config config;
	struct pt_table view;
	struct pt_result result;
	struct pt_walk walk;
	uint64_t root = pt_root(&trap->table);

	words_configure(&config, other, param);
	CHECK_EQ(other->view(&view, &config, &root, 1, &result), PT_OK);
	other->translate(&view, &reader, iova, access, &walk);
	return walk.fault;
}

static unsigned int fault_of(struct trap *trap, uint64_t iova, unsigned int access)
{
	struct pt_reader reader = arena_reader(&trap->arena);
	struct pt_walk walk;

	trap->format->translate(&trap->table, &reader, iova, access, &walk);
	return walk.fault;
}

/* Where an entry of the walk lies in the arena: step 0 is the root's. */
static unsigned char *entry_at(struct trap *trap, uint64_t iova, unsigned int step)
{
	struct pt_reader reader = arena_reader(&trap->arena);
	struct pt_walk walk;

	trap->format->walk(&trap->table, &reader, iova, &walk);
	CHECK(step < walk.n_steps);
	return trap->arena.is + (walk.step[step].entry_pa - trap->arena.base);
}

static bool count_finding(void *ctx, const struct pt_finding *finding)
{
	(void)ctx;
	(void)finding;
	return true;
}

static uint64_t findings_of(struct trap *trap)
{
	struct pt_reader reader = arena_reader(&trap->arena);
	uint64_t findings = 0;

	trap->format->verify(&trap->table, &reader, count_finding, NULL, &findings);
	return findings;
}

static uint64_t register_of(struct trap *trap, const char *name)
{
	struct pt_register registers[16];
	size_t n = trap->format->registers(&trap->table, registers, 16);

	for (size_t i = 0; i < n && i < 16; i++)
		if (strcmp(registers[i].name, name) == 0)
			return registers[i].value[0];
	test_fail(__FILE__, __LINE__, "%s has no register %s", trap->format->name, name);
}

/*
 * A privileged executable page: by the architecture AP[1] = 0 does not keep EL0 from executing. arm64_s1 sets UXN; the
 * SMMU drivers do not, so that hardware lets EL0 execute what they call privileged.
 */
TEST(traps, privileged_and_executable)
{
	struct trap own, smmu;

	trap_set(&own, "arm64_s1", (const struct words_param[]){{"ia", 39}, {0}});
	trap_set(&smmu, "arm_smmu_s1", (const struct words_param[]){{"ia", 39}, {0}});
	CHECK_EQ(trap_map(&own, 0x1000, 0x5000, 0x1000, R | W | X | P), PT_OK);
	CHECK_EQ(trap_map(&smmu, 0x1000, 0x5000, 0x1000, R | W | X | P), PT_OK);
	CHECK_EQ(fault_of(&own, 0x1000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_NONE);
	CHECK_EQ(fault_of(&own, 0x1000, PT_ACCESS_EXEC), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_of(&smmu, 0x1000, PT_ACCESS_EXEC), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_as(&smmu, "arm64_s1", (const struct words_param[]){{"ia", 39}, {0}}, 0x1000, PT_ACCESS_EXEC),
		 PT_FAULT_NONE);
	CHECK_EQ(fault_as(&smmu, "arm64_s1", (const struct words_param[]){{"ia", 39}, {0}}, 0x1000, PT_ACCESS_READ),
		 PT_FAULT_PERMISSION);
	trap_end(&own);
	trap_end(&smmu);
}

/* XN = 0b11 withholds execution from all without FEAT_XNX, and only from EL0 with it. */
TEST(traps, stage_2_no_execution)
{
	static const struct words_param without[] = {{"ia", 40}, {"oa", 40}, {0}};
	static const struct words_param with[] = {{"ia", 40}, {"oa", 40}, {"xnx", 1}, {0}};
	struct trap old, new;

	trap_set(&old, "arm64_s2", without);
	trap_set(&new, "arm64_s2", with);
	CHECK_EQ(trap_map(&old, 0x1000, 0x5000, 0x1000, R), PT_OK);
	CHECK_EQ(trap_map(&new, 0x1000, 0x5000, 0x1000, R), PT_OK);
	CHECK_EQ(fault_of(&old, 0x1000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_of(&new, 0x1000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_of(&new, 0x1000, PT_ACCESS_EXEC), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_as(&old, "arm64_s2", with, 0x1000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_NONE);
	CHECK_EQ(fault_as(&old, "arm64_s2", with, 0x1000, PT_ACCESS_EXEC), PT_FAULT_PERMISSION);
	trap_end(&old);
	trap_end(&new);
}

/* AMD: a next level of 1 to 6 in a table of the lowest level is reserved, not a page. */
TEST(traps, next_level_at_the_lowest_level)
{
	struct trap trap;

	trap_set(&trap, "amd_v1", (const struct words_param[]){{0}});
	CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
	CHECK_EQ(findings_of(&trap), 0);
	for (uint64_t next = 1; next <= 6; next++) {
		entry_store(entry_at(&trap, 0x1000, 2), 8, false, 0x7000000000005001 | next << 9);
		CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_RESERVED);
		CHECK_EQ(findings_of(&trap), 1);
	}
	entry_store(entry_at(&trap, 0x1000, 2), 8, false, 0x7000000000005001);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	trap_end(&trap);
}

/* AMD: a table entry may skip levels, if the address bits that they would use are 0. */
TEST(traps, skipped_levels)
{
	struct trap trap;

	trap_set(&trap, "amd_v1", (const struct words_param[]){{0}});
	CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
	/* Root to the leaf table at once: it is the third that was allocated. */
	entry_store(entry_at(&trap, 0x1000, 0), 8, false, 0x6000000080002201);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	CHECK(fault_of(&trap, 0x201000, PT_ACCESS_READ) != PT_FAULT_NONE);
	entry_store(entry_at(&trap, 0x1000, 0), 8, false, 0x6000000080001401);
	trap_end(&trap);
}

/* Absent words differ by writer: only the bits that the hardware looks at count. */
TEST(traps, absent_words_of_others)
{
	static const struct {
		const char *format;
		unsigned int bytes, last;
		uint64_t word;
	} row[] = {
		{"armv7_short", 4, 1, 0xdeadbeec},
		{"arm64_s1", 8, 3, 0xdeadbeefdeadbee6},
		{"x86_64", 8, 3, 0xdeadbeefdeadbeee},
		{"amd_v1", 8, 2, 0xdeadbeefdeadbe00},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct trap trap;
		unsigned char *at;

		trap_set(&trap, row[i].format, (const struct words_param[]){{0}});
		CHECK_EQ(trap_map(&trap, 0x2000, 0x6000, 0x1000, R | W | X), PT_OK);
		at = entry_at(&trap, 0x1000, row[i].last);
		entry_store(at, row[i].bytes, false, row[i].word);
		CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_ABSENT);
		CHECK_EQ(findings_of(&trap), 0);
		CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
		CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
		trap_end(&trap);
	}
}

/* Start levels 3 and -1 of stage 2 both have codes of other levels in SL0: SL2 and the granule tell them apart. */
TEST(traps, start_levels_of_stage_2)
{
	static const struct {
		struct words_param param[WORDS_MAX_PARAMS];
		uint64_t sl0, sl2;
	} row[] = {
		{{{"ia", 25}, {"start", 3}}, 3, 0},
		{{{"ia", 25}, {"start", 2}}, 0, 0},
		{{{"ds", 1}, {"ia", 52}, {"oa", 52}, {"start", -1}}, 0, 1},
		{{{"tg", 14}, {"ds", 1}, {"ia", 52}, {"oa", 52}, {"start", 0}}, 3, 0},
		{{{"tg", 16}, {"ia", 29}, {"start", 3}}, 0, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct trap trap;

		trap_set(&trap, "arm64_s2", row[i].param);
		CHECK_EQ(register_of(&trap, "VTCR") >> 6 & 3, row[i].sl0);
		CHECK_EQ(register_of(&trap, "VTCR") >> 33 & 1, row[i].sl2);
		trap_end(&trap);
	}
}

/* x86 table entries with A clear are as right as those with A set: it is a preset. */
TEST(traps, accessed_of_table_entries)
{
	struct trap trap;

	trap_set(&trap, "x86_64", (const struct words_param[]){{0}});
	CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
	for (unsigned int step = 0; step < 3; step++) {
		unsigned char *at = entry_at(&trap, 0x1000, step);
		uint64_t word = entry_load(at, 8, false);

		CHECK_EQ(word & 0xfff, 0x027);
		entry_store(at, 8, false, word & ~(uint64_t)0x20);
	}
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	CHECK_EQ(findings_of(&trap), 0);
	CHECK_EQ(trap_map(&trap, 0x2000, 0x6000, 0x1000, R | W | X), PT_OK);
	trap_end(&trap);
}

/* Supersections alone reach above 4 GiB; where there are none a wider address is refused. */
TEST(traps, wide_addresses_of_short_descriptors)
{
	struct trap with, without;

	trap_set(&with, "armv7_short", (const struct words_param[]){{0}});
	trap_set(&without, "armv7_short", (const struct words_param[]){{"super", 0}, {0}});
	CHECK_EQ(trap_map(&with, 0x1000000, 0x1234000000, 0x1000000, R | W), PT_OK);
	CHECK_EQ(trap_map(&with, 0x1000, 0x1234000000, 0x1000, R | W), PT_ERR_OUTPUT);
	CHECK_EQ(trap_map(&without, 0x1000000, 0x1234000000, 0x1000000, R | W), PT_ERR_OUTPUT);
	CHECK_EQ(trap_map(&without, 0x1000000, 0x34000000, 0x1000000, R | W), PT_OK);
	trap_end(&with);
	trap_end(&without);
}

/*
 * PXN of short descriptors is in sections and in table entries, not in pages: what a section withholds from privileged
 * code only, pages would allow.
 */
TEST(traps, pages_without_privileged_execute_never)
{
	struct trap trap;

	trap_set(&trap, "armv7_short", (const struct words_param[]){{"pxn", 1}, {0}});
	CHECK_EQ(trap_map(&trap, 0x100000, 0x200000, 0x100000, R | X), PT_OK);
	CHECK_EQ(fault_of(&trap, 0x100000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_NONE);
	*entry_at(&trap, 0x100000, 0) |= 1;
	CHECK_EQ(fault_of(&trap, 0x100000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	CHECK_EQ(trap_split(&trap, 0x100000, 12), PT_ERR_RIGHTS);
	CHECK_EQ(fault_of(&trap, 0x100000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	/* A table entry can withhold it from all pages below, and the section in their place has to. */
	CHECK_EQ(trap.format->unmap(&trap.table, 0x100000, 0x100000, 0, &trap.gather, &trap.result), PT_OK);
	for (uint64_t at = 0; at < 0x100000; at += 0x1000)
		CHECK_EQ(trap_map(&trap, 0x100000 + at, 0x200000 + at, 0x1000, R | X), PT_OK);
	*entry_at(&trap, 0x100000, 0) |= 4;
	CHECK_EQ(fault_of(&trap, 0x100000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	CHECK_EQ(trap_merge(&trap, 0x100000, 20), PT_ERR_RIGHTS);
	CHECK_EQ(fault_of(&trap, 0x100000, PT_ACCESS_EXEC | PT_ACCESS_PRIV), PT_FAULT_PERMISSION);
	*entry_at(&trap, 0x100000, 0) &= (unsigned char)~4;
	CHECK_EQ(trap_merge(&trap, 0x100000, 20), PT_OK);
	trap_end(&trap);
}

/* Tables of others may withhold writing for all below; a block in the place of such a table must not allow it. */
TEST(traps, merge_under_a_table_that_withholds)
{
	struct trap trap;

	trap_set(&trap, "x86_64", (const struct words_param[]){{0}});
	for (uint64_t at = 0; at < 0x200000; at += 0x1000)
		CHECK_EQ(trap_map(&trap, 0x40000000 + at, 0x80000000 + at, 0x1000, R | W), PT_OK);
	*entry_at(&trap, 0x40000000, 2) &= (unsigned char)~2;
	CHECK_EQ(trap_merge(&trap, 0x40000000, 21), PT_ERR_RIGHTS);
	CHECK_EQ(fault_of(&trap, 0x40000000, PT_ACCESS_WRITE), PT_FAULT_PERMISSION);
	*entry_at(&trap, 0x40000000, 2) |= 2;
	CHECK_EQ(trap_merge(&trap, 0x40000000, 21), PT_OK);
	CHECK_EQ(fault_of(&trap, 0x40000000, PT_ACCESS_WRITE), PT_FAULT_NONE);
	trap_end(&trap);
}

/* The PAT bit of large pages is an address bit of small ones: it moves also where the size between is not allowed. */
TEST(traps, split_past_a_level)
{
	struct trap trap;
	struct pt_config config;
	uint64_t pa = 0;

	trap_set(&trap, "x86_64", (const struct words_param[]){{0}});
	trap.format->fini(&trap.table);
	pt_config_init(&config);
	config.page_sizes = UINT64_C(1) << 30 | UINT64_C(1) << 12;
	CHECK_EQ(trap.format->init(&trap.table, &config, &trap.mem, &trap.result), PT_OK);
	CHECK_EQ(trap_map(&trap, 0x40000000, 0x80000000, 0x40000000, R | W), PT_OK);
	entry_at(&trap, 0x40000000, 1)[1] |= 0x10;
	CHECK_EQ(trap_split(&trap, 0x40001000, 12), PT_OK);
	CHECK_EQ(trap.format->iova_to_phys(&trap.table, 0x40001234, &pa), PT_OK);
	CHECK_EQ(pa, 0x80001234);
	CHECK_EQ(*entry_at(&trap, 0x40001000, 3) & 0x80, 0x80);
	trap_end(&trap);
}

/* Hardware may note an access in any slot of a contiguous leaf: a look at a part of it finds what another slot says. */
TEST(traps, state_in_another_slot)
{
	struct trap trap;

	trap_set(&trap, "arm64_s1", (const struct words_param[]){{"ia", 39}, {0}});
	CHECK_EQ(trap_map(&trap, 0x10000, 0x20000, 0x10000, R | W), PT_OK);
	CHECK_EQ(trap_accessed(&trap, 0x10000, 0x10000, PT_DIRTY_CLEAR), 0x10000);
	CHECK_EQ(trap_accessed(&trap, 0x10000, 0x1000, 0), 0);
	entry_at(&trap, 0x15000, 2)[1] |= 4;
	CHECK_EQ(trap_accessed(&trap, 0x10000, 0x1000, 0), 0x1000);
	CHECK_EQ(trap_accessed(&trap, 0x1f000, 0x1000, 0), 0x1000);
	CHECK_EQ(trap_accessed(&trap, 0x10000, 0x10000, PT_DIRTY_CLEAR), 0x10000);
	CHECK_EQ(trap_accessed(&trap, 0x10000, 0x10000, 0), 0);
	trap_end(&trap);
}

/* Contiguous groups that are larger than the input are not offered. */
TEST(traps, groups_larger_than_the_input)
{
	static const int64_t input[] = {29, 33, 34, 39};

	for (size_t i = 0; i < sizeof(input) / sizeof(input[0]); i++) {
		struct trap trap;

		trap_set(&trap, "arm64_s1", (const struct words_param[]){{"ia", input[i]}, {0}});
		CHECK_EQ(trap.table.page_sizes >> (input[i] + 1), 0);
		CHECK_EQ(trap.table.page_sizes >> 34 & 1, input[i] >= 34);
		CHECK_EQ(trap.table.page_sizes >> 25 & 1, 1);
		trap_end(&trap);
	}
}

/* The sizes that the manuals' tables list, for each granule and width. */
TEST(traps, leaf_sizes)
{
	enum { K4 = 12, K16 = 14, K64 = 16, M1 = 20, M2 = 21, M16 = 24, M32 = 25, M512 = 29, G1 = 30, G16 = 34 };
	enum { G64 = 36, G512 = 39, T4 = 42 };
	static const struct {
		const char *format;
		struct words_param param[WORDS_MAX_PARAMS];
		uint8_t lg2[8];
	} row[] = {
		{"arm64_s1", {{0}}, {K4, K64, M2, M32, G1, G16}},
		{"arm64_s1", {{"tg", 14}}, {K16, M2, M32, G1}},
		{"arm64_s1", {{"tg", 16}}, {K64, M2, M512, G16}},
		{"arm64_s1", {{"ds", 1}, {"ia", 52}, {"oa", 52}}, {K4, K64, M2, M32, G1, G16, G512}},
		{"arm64_s1", {{"tg", 14}, {"ds", 1}, {"ia", 52}, {"oa", 52}}, {K16, M2, M32, G1, G64}},
		{"arm64_s1", {{"tg", 16}, {"ia", 52}, {"oa", 52}}, {K64, M2, M512, G16, T4}},
		{"arm64_s2", {{"ia", 40}, {"oa", 40}}, {K4, K64, M2, M32, G1, G16}},
		{"armv7_short", {{0}}, {K4, K64, M1, M16}},
		{"armv7_short", {{"super", 0}}, {K4, K64, M1}},
		{"x86_64", {{0}}, {K4, M2, G1}},
		{"x86_64", {{"page1g", 0}, {"levels", 5}}, {K4, M2}},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct trap trap;
		uint64_t sizes = 0;

		for (size_t n = 0; n < 8 && row[i].lg2[n]; n++)
			sizes |= (uint64_t)1 << row[i].lg2[n];
		trap_set(&trap, row[i].format, row[i].param);
		CHECK_EQ(trap.table.page_sizes, sizes);
		trap_end(&trap);
	}
}

/* AMD: every power of two up to the output width, but not 512 GiB, which the hardware does not translate. */
TEST(traps, amd_leaf_sizes)
{
	const uint64_t all = ((uint64_t)1 << 52) - ((uint64_t)1 << 12);
	struct trap with, without;

	trap_set(&with, "amd_v1", (const struct words_param[]){{"mode", 6}, {0}});
	trap_set(&without, "amd_v1", (const struct words_param[]){{"mode", 6}, {"no_512g", 0}, {0}});
	CHECK_EQ(with.table.page_sizes, all & ~((uint64_t)1 << 39));
	CHECK_EQ(without.table.page_sizes, all);
	trap_end(&with);
	trap_end(&without);
}

/* A format that derives has all that it does not replace: the SMMU's has contiguous groups too. */
TEST(traps, what_is_inherited)
{
	CHECK_EQ(words_format("arm_smmu_s1")->page_sizes, words_format("arm64_s1")->page_sizes);
	CHECK_EQ(words_format("arm_smmu_s1")->n_kinds, words_format("arm64_s1")->n_kinds);
}

/* s390: the type in a region or segment entry is that of its own table; bit 11 of a page entry must be 0. */
TEST(traps, s390_specification)
{
	struct trap trap;

	trap_set(&trap, "s390_cpu", (const struct words_param[]){{0}});
	CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
	CHECK_EQ(findings_of(&trap), 0);
	for (uint64_t type = 0; type < 4; type++) {
		unsigned char *at = entry_at(&trap, 0x1000, 0);
		uint64_t good = entry_load(at, 8, true);

		entry_store(at, 8, true, (good & ~(uint64_t)0xc) | type << 2);
		CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), type == 1 ? PT_FAULT_NONE : PT_FAULT_FORMAT);
		entry_store(at, 8, true, good);
	}
	CHECK(strcmp(pt_fault_string(trap.format, PT_FAULT_FORMAT), "specification") == 0);
	entry_store(entry_at(&trap, 0x1000, 2), 8, true, 0x5800);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_FORMAT);
	entry_store(entry_at(&trap, 0x1000, 2), 8, true, 0x5000);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	trap_end(&trap);
}

/* s390: without enhanced DAT 1 the frame bit means nothing, and region entries protect nothing. */
TEST(traps, s390_without_edat)
{
	const struct words_param without[] = {{"edat1", 0}, {"edat2", 0}, {0}};
	struct trap trap;

	trap_set(&trap, "s390_cpu", (const struct words_param[]){{0}});
	CHECK_EQ(trap_map(&trap, 0x1000, 0x5000, 0x1000, R | W | X), PT_OK);
	entry_store(entry_at(&trap, 0x1000, 0), 8, true, entry_load(entry_at(&trap, 0x1000, 0), 8, true) | 0x200);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_WRITE), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_as(&trap, "s390_cpu", without, 0x1000, PT_ACCESS_WRITE), PT_FAULT_NONE);
	entry_store(entry_at(&trap, 0x1000, 1), 8, true, entry_load(entry_at(&trap, 0x1000, 1), 8, true) | 0x200);
	CHECK_EQ(fault_as(&trap, "s390_cpu", without, 0x1000, PT_ACCESS_WRITE), PT_FAULT_PERMISSION);
	CHECK_EQ(fault_as(&trap, "s390_cpu", without, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	entry_store(entry_at(&trap, 0x1000, 1), 8, true, entry_load(entry_at(&trap, 0x1000, 1), 8, true) | 0x400);
	CHECK_EQ(fault_as(&trap, "s390_cpu", without, 0x1000, PT_ACCESS_READ), PT_FAULT_NONE);
	CHECK_EQ(fault_of(&trap, 0x1000, PT_ACCESS_WRITE), PT_FAULT_PERMISSION);
	/* a table again, for whoever frees it */
	entry_store(entry_at(&trap, 0x1000, 1), 8, true,
		    entry_load(entry_at(&trap, 0x1000, 1), 8, true) & ~(uint64_t)0x400);
	trap_end(&trap);
}

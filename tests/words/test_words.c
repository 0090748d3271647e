/* SPDX-License-Identifier: MIT */
/*
 * test_words.c - map what the published examples map, and compare every byte of the memory that tables may lie in: the
 * words that must be there are there, and nothing else was written. Then walk back, unmap, and give everything back.
 */
#include <string.h>

#include "arena.h"
#include "test.h"

static const struct words_list *const lists[] = {
	&words_arm_smmu, &words_arm_smmu_s2, &words_arm_cpu, &words_arm_lpae, &words_armv7, &words_x86,
	&words_amd,	 &words_s390,	     &words_dart,    &words_riscv,    &words_vtd,
};

enum { N_LISTS = sizeof(lists) / sizeof(lists[0]) };

/* The word with a field of its kind set to a value. */
static uint64_t with_field(const struct pt_table *table, const struct pt_kind_info *kind, uint64_t word,
			   const struct words_field *field)
{
	bool found = false;

	for (size_t i = 0; i < kind->n_fields; i++) {
		const struct pt_field_info *line = &kind->fields[i];
		uint64_t mask = (~(uint64_t)0 >> (63 - (line->hi - line->lo))) << line->lo;

		if (strcmp(line->name, field->name) != 0 || line->role != PT_FIELD_VALUE ||
		    (line->when >= 0 && !table->word[line->when]))
			continue;
		word = (word & ~mask) | ((field->value >> line->to << line->lo) & mask);
		found = true;
	}
	CHECK_MSG(found, "%s has no field %s", kind->name, field->name);
	return word;
}

/* Compare the words of one map, and take them into what must be there from now on. */
static void compare_words(const struct pt_table *table, struct arena *arena, const struct words_map *map,
			  const struct pt_leaf *leaf)
{
	unsigned int bytes = table->format->levels[leaf->level].entry_bytes;
	bool big_endian = table->format->levels[leaf->level].big_endian;

	for (size_t i = 0; i < WORDS_MAX_ENTRIES && map->entry[i].table; i++) {
		const struct words_entry *entry = &map->entry[i];
		bool last = i + 1 == WORDS_MAX_ENTRIES || !map->entry[i + 1].table;

		for (uint32_t index = entry->first; index <= entry->last; index++) {
			size_t at = entry->table - arena->base + (size_t)index * bytes;
			uint64_t want = entry->word + (index - entry->first) * entry->step;
			uint64_t raw = entry_load(arena->is + at, bytes, big_endian), is = raw;

			if (last)
				for (size_t n = 0; n < WORDS_MAX_FIELDS && map->field[n].name; n++)
					is = with_field(table, &table->format->kinds[leaf->kind], is, &map->field[n]);
			CHECK_MSG(is == want, "iova %#llx: entry %u of the table at %#llx is %#llx, published is %#llx",
				  (unsigned long long)map->iova, (unsigned int)index, (unsigned long long)entry->table,
				  (unsigned long long)is, (unsigned long long)want);
			entry_store(arena->want + at, bytes, big_endian, raw);
		}
	}
}

/* What an unmap leaves where the map wrote. */
static void compare_after(const struct pt_format *format, const struct arena *arena, const struct words_entry *after)
{
	unsigned int bytes = format->levels[0].entry_bytes;

	for (uint32_t index = after->first; after->table && index <= after->last; index++) {
		const unsigned char *at = arena->is + (after->table - arena->base) + (size_t)index * bytes;
		uint64_t is = entry_load(at, bytes, format->levels[0].big_endian);

		CHECK_MSG(is == after->word,
			  "after the unmap, entry %u of the table at %#llx is %#llx, published is %#llx",
			  (unsigned int)index, (unsigned long long)after->table, (unsigned long long)is,
			  (unsigned long long)after->word);
	}
}

static void compare_memory(const struct arena *arena)
{
	for (size_t i = 0; i < ARENA_BYTES; i++)
		CHECK_MSG(arena->is[i] == arena->want[i], "the byte at %#llx is %#x, not %#x: no example writes there",
			  (unsigned long long)(arena->base + i), arena->is[i], arena->want[i]);
}

static unsigned int log2_of(uint64_t bytes)
{
	unsigned int lg2 = 0;

	while (bytes >> (lg2 + 1))
		lg2++;
	return lg2;
}

/* Both ends of what was mapped come back, with the rights and the memory type that the map says it gave. */
static void compare_walk(const struct pt_table *table, struct arena *arena, const struct words_map *map,
			 unsigned int request, struct pt_leaf *leaf)
{
	const uint64_t offset[] = {0, map->bytes - 1};

	for (int i = 0; i < 2; i++) {
		struct pt_reader reader = arena_reader(arena);
		struct pt_walk walk;
		uint64_t pa = 0;

		table->format->walk(table, &reader, map->iova + offset[i], &walk);
		CHECK_MSG(walk.fault == PT_FAULT_NONE, "iova %#llx: fault %s",
			  (unsigned long long)(map->iova + offset[i]), pt_fault_string(table->format, walk.fault));
		CHECK_EQ(walk.pa, map->pa + offset[i]);
		CHECK_EQ(walk.leaf.iova, map->iova);
		CHECK_EQ(walk.leaf.lg2, log2_of(map->bytes));
		CHECK_EQ(walk.leaf.rights & PT_RIGHT_ALL, pt_request_rights(request) & PT_RIGHT_ALL);
		if (table->format->has_memory)
			CHECK_EQ(walk.leaf.memory, (request & PT_MEMORY_MASK) >> 5);
		CHECK_EQ(table->format->iova_to_phys(table, map->iova + offset[i], &pa), PT_OK);
		CHECK_EQ(pa, map->pa + offset[i]);
		*leaf = walk.leaf;
	}
}

static void compare_registers(const struct pt_table *table, const struct words_register *reg)
{
	struct pt_register registers[16];
	size_t n = table->format->registers(table, registers, 16);

	CHECK(n <= 16);
	for (size_t i = 0; i < WORDS_MAX_REGISTERS && reg[i].name; i++) {
		size_t k = 0;

		while (k < n && strcmp(registers[k].name, reg[i].name) != 0)
			k++;
		CHECK_MSG(k < n, "there is no register %s", reg[i].name);
		CHECK_MSG((registers[k].value[0] & reg[i].mask) == reg[i].value,
			  "%s is %#llx, published is %#llx (of %#llx)", reg[i].name,
			  (unsigned long long)registers[k].value[0], (unsigned long long)reg[i].value,
			  (unsigned long long)reg[i].mask);
	}
}

static void run_group(const struct words_group *group, const char *name)
{
	const struct pt_format *format = words_format(name);
	struct pt_result result;
	struct pt_gather gather;
	struct pt_config config;
	struct pt_table table;
	struct arena arena;
	struct pt_mem mem;
	size_t n_list = 0;

	while (n_list < WORDS_MAX_TABLES && group->table[n_list])
		n_list++;
	arena_make(&arena, group->table, group->absent, n_list, format->levels, &mem);
	words_configure(&config, format, group->param);
	CHECK_EQ(format->init(&table, &config, &mem, &result), PT_OK);
	CHECK_EQ(pt_root(&table), group->table[0]);
	compare_registers(&table, group->reg);
	compare_memory(&arena);
	pt_gather_init(&gather);
	for (size_t i = 0; i < group->n_maps; i++) {
		const struct words_map *map = &group->map[i];
		struct pt_leaf leaf;

		CHECK_EQ(format->map(&table, map->iova, map->pa, map->bytes, map->request, &gather, &result),
			 map->status);
		if (map->status == PT_OK) {
			CHECK_EQ(result.bytes, map->bytes);
			compare_walk(&table, &arena, map, result.request, &leaf);
			compare_words(&table, &arena, map, &leaf);
		}
		compare_memory(&arena);
	}
	for (size_t i = group->n_maps; i-- > 0;) {
		const struct words_map *map = &group->map[i];
		uint64_t pa;

		if (map->status != PT_OK)
			continue;
		CHECK_EQ(format->unmap(&table, map->iova, map->bytes, 0, &gather, &result), PT_OK);
		CHECK_EQ(result.bytes, map->bytes);
		pt_flush(&table, &gather);
		CHECK_EQ(format->iova_to_phys(&table, map->iova, &pa), PT_ERR_ABSENT);
		compare_after(format, &arena, &map->after);
	}
	format->fini(&table);
	arena_end(&arena);
}

static void run_constant(const struct words_constant *constant)
{
	static const uint64_t base[] = {0x80000000};
	const struct pt_format *format = words_format(constant->format);
	struct pt_reader reader;
	struct pt_result result;
	struct pt_gather gather;
	struct pt_config config;
	struct pt_table table;
	struct arena arena;
	struct pt_mem mem;
	struct pt_walk walk;

	arena_make(&arena, base, NULL, 1, format->levels, &mem);
	words_configure(&config, format, constant->param);
	CHECK_EQ(format->init(&table, &config, &mem, &result), PT_OK);
	pt_gather_init(&gather);
	CHECK_EQ(format->map(&table, 0, 0, (uint64_t)1 << constant->lg2, constant->request, &gather, &result), PT_OK);
	reader = arena_reader(&arena);
	format->walk(&table, &reader, 0, &walk);
	CHECK_EQ(walk.fault, PT_FAULT_NONE);
	CHECK_EQ(walk.leaf.lg2, constant->lg2);
	CHECK_MSG(walk.leaf.raw[0] == constant->word, "%s, leaf of 2^%u bytes, request %#x: %#llx, published is %#llx",
		  constant->format, constant->lg2, constant->request, (unsigned long long)walk.leaf.raw[0],
		  (unsigned long long)constant->word);
	format->fini(&table);
	arena_end(&arena);
}

/* ----------------------------------------------------------------------------------------------- one test per group */

/* Groups are numbered through all lists, and once more for those that a second format also writes. */
static const struct words_group *nth_group(size_t each, bool *also)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t l = 0; l < N_LISTS; l++)
			for (size_t i = 0; i < lists[l]->n_groups; i++)
				if (!pass || lists[l]->group[i].also) {
					if (each-- == 0) {
						*also = pass == 1;
						return &lists[l]->group[i];
					}
				}
	return NULL;
}

static size_t count_groups(void)
{
	bool also;
	size_t n = 0;

	while (nth_group(n, &also))
		n++;
	return n;
}

static const char *label_group(size_t each)
{
	bool also;

	return nth_group(each, &also)->name;
}

TEST_EACH(words, published, count_groups, label_group)
{
	bool also;
	const struct words_group *group = nth_group(each, &also);

	CHECK(group != NULL);
	run_group(group, also ? group->also : group->format);
}

TEST(words, constants)
{
	size_t n = 0;

	for (size_t l = 0; l < N_LISTS; l++) {
		for (size_t i = 0; i < lists[l]->n_constants; i++, n++)
			run_constant(&lists[l]->constant[i]);
	}
	CHECK(n > 80);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_words.c - map what the published examples map, and compare every byte of the memory that tables may lie in: the
 * words that must be there are there, and nothing else was written. Then walk back, unmap, and give everything back.
 */
#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "test.h"
#include "words.h"

static const struct words_list *const lists[] = {
	&words_arm_smmu, &words_arm_smmu_s2, &words_arm_cpu, &words_armv7, &words_x86, &words_amd,
};

enum { N_LISTS = sizeof(lists) / sizeof(lists[0]), ARENA_BYTES = 1 << 20, MAX_ALLOCATIONS = 64, POISON = 0xa5 };

/*
 * Memory for tables from pa base on, handed out at the addresses of the list, then one after the other. want is what
 * the memory must hold: poison outside of tables, zeroes (the absent word of all formats here) in them, and the words.
 */
struct arena {
	uint64_t base, end;
	const uint64_t *list;
	size_t n_list;
	unsigned char *is, *want;
	struct {
		uint64_t pa;
		size_t bytes;
		bool held;
	} allocation[MAX_ALLOCATIONS];
	size_t n_allocations, synced;
};

static bool arena_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct arena *arena = ctx;

	CHECK(arena->n_allocations < MAX_ALLOCATIONS);
	CHECK(bytes != 0 && (bytes & (bytes - 1)) == 0);
	CHECK(align != 0 && (align & (align - 1)) == 0);
	CHECK_EQ(node, -1);
	if (arena->n_list && *arena->list) {
		*pa = *arena->list++;
		arena->n_list--;
		CHECK_EQ(*pa & (align - 1), 0);
		CHECK_MSG(*pa >= arena->end, "the example's table at %#llx would overlap an earlier one",
			  (unsigned long long)*pa);
	} else {
		*pa = (arena->end + align - 1) & ~(uint64_t)(align - 1);
	}
	CHECK(*pa + bytes <= arena->base + ARENA_BYTES);
	CHECK(*pa + bytes - 1 <= max_pa);
	arena->end = *pa + bytes;
	memset(arena->want + (*pa - arena->base), 0, bytes);
	arena->allocation[arena->n_allocations].pa = *pa;
	arena->allocation[arena->n_allocations].bytes = bytes;
	arena->allocation[arena->n_allocations].held = true;
	arena->n_allocations++;
	return true;
}

static void arena_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct arena *arena = ctx;

	for (size_t i = 0; i < arena->n_allocations; i++) {
		if (arena->allocation[i].pa == pa && arena->allocation[i].held) {
			CHECK_EQ(arena->allocation[i].bytes, bytes);
			arena->allocation[i].held = false;
			return;
		}
	}
	CHECK_MSG(false, "a table at %#llx was given back that nobody holds", (unsigned long long)pa);
}

static void arena_sync(void *ctx, const void *first, size_t bytes)
{
	struct arena *arena = ctx;
	const unsigned char *from = first;

	CHECK(from >= arena->is && from + bytes <= arena->is + ARENA_BYTES);
	arena->synced += bytes;
}

static bool arena_read(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	struct arena *arena = ctx;

	if (pa < arena->base || pa - arena->base > ARENA_BYTES - bytes)
		return false;
	memcpy(buffer, arena->is + (pa - arena->base), bytes);
	return true;
}

static void arena_make(struct arena *arena, const uint64_t *list, size_t n_list, struct pt_mem *mem)
{
	*arena = (struct arena){.base = list[0], .end = list[0], .list = list, .n_list = n_list};
	arena->is = malloc(ARENA_BYTES);
	arena->want = malloc(ARENA_BYTES);
	CHECK(arena->is && arena->want);
	memset(arena->is, POISON, ARENA_BYTES);
	memset(arena->want, POISON, ARENA_BYTES);
	/* Addresses are used only as direct + pa of memory that was handed out: the sum is inside. */
	*mem = (struct pt_mem){
		.ctx = arena,
		.direct = (unsigned char *)((uintptr_t)arena->is - (uintptr_t)arena->base),
		.alloc = arena_alloc,
		.release = arena_release,
		.sync = arena_sync,
	};
}

/* Every table is given back. */
static void arena_end(struct arena *arena)
{
	for (size_t i = 0; i < arena->n_allocations; i++)
		CHECK_MSG(!arena->allocation[i].held, "the table at %#llx was not given back",
			  (unsigned long long)arena->allocation[i].pa);
	free(arena->is);
	free(arena->want);
}

static uint64_t load(const unsigned char *at, unsigned int bytes, bool big_endian)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | at[big_endian ? i : bytes - 1 - i];
	return value;
}

static void store(unsigned char *at, unsigned int bytes, bool big_endian, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[big_endian ? bytes - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

static const struct pt_format *find_format(const char *name)
{
	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			return pt_formats[i];
	test_fail(__FILE__, __LINE__, "there is no format %s", name);
}

static void configure(struct pt_config *config, const struct pt_format *format, const struct words_param *param)
{
	pt_config_init(config);
	for (size_t i = 0; i < WORDS_MAX_PARAMS && param[i].name; i++) {
		int index = pt_param_find(format, param[i].name);

		CHECK_MSG(index >= 0, "%s has no parameter %s", format->name, param[i].name);
		config->param[index] = param[i].value;
	}
}

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
			uint64_t raw = load(arena->is + at, bytes, big_endian), is = raw;

			if (last)
				for (size_t n = 0; n < WORDS_MAX_FIELDS && map->field[n].name; n++)
					is = with_field(table, &table->format->kinds[leaf->kind], is, &map->field[n]);
			CHECK_MSG(is == want, "iova %#llx: entry %u of the table at %#llx is %#llx, published is %#llx",
				  (unsigned long long)map->iova, (unsigned int)index, (unsigned long long)entry->table,
				  (unsigned long long)is, (unsigned long long)want);
			store(arena->want + at, bytes, big_endian, raw);
		}
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
		struct pt_reader reader = {.ctx = arena, .read = arena_read, .steps = 100};
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
	const struct pt_format *format = find_format(name);
	struct pt_result result;
	struct pt_gather gather;
	struct pt_config config;
	struct pt_table table;
	struct arena arena;
	struct pt_mem mem;
	size_t n_list = 0;

	while (n_list < WORDS_MAX_TABLES && group->table[n_list])
		n_list++;
	arena_make(&arena, group->table, n_list, &mem);
	configure(&config, format, group->param);
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
	}
	format->fini(&table);
	arena_end(&arena);
}

static void run_constant(const struct words_constant *constant)
{
	static const uint64_t base[] = {0x80000000};
	const struct pt_format *format = find_format(constant->format);
	struct pt_reader reader;
	struct pt_result result;
	struct pt_gather gather;
	struct pt_config config;
	struct pt_table table;
	struct arena arena;
	struct pt_mem mem;
	struct pt_walk walk;

	arena_make(&arena, base, 1, &mem);
	configure(&config, format, constant->param);
	CHECK_EQ(format->init(&table, &config, &mem, &result), PT_OK);
	pt_gather_init(&gather);
	CHECK_EQ(format->map(&table, 0, 0, (uint64_t)1 << constant->lg2, constant->request, &gather, &result), PT_OK);
	reader = (struct pt_reader){.ctx = &arena, .read = arena_read, .steps = 100};
	format->walk(&table, &reader, 0, &walk);
	CHECK_EQ(walk.fault, PT_FAULT_NONE);
	CHECK_EQ(walk.leaf.lg2, constant->lg2);
	CHECK_MSG(walk.leaf.raw[0] == constant->word, "%s, leaf of 2^%u bytes, request %#x: %#llx, published is %#llx",
		  constant->format, constant->lg2, constant->request, (unsigned long long)walk.leaf.raw[0],
		  (unsigned long long)constant->word);
	format->fini(&table);
	arena_end(&arena);
}

/* -------------------------------------------------------------------------------------------- one test per group */

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

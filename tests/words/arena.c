/* SPDX-License-Identifier: MIT */
/* arena.c - memory for tables at chosen addresses. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "test.h"

enum { POISON = 0xa5 };

static bool arena_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct arena *arena = ctx;
	uint64_t absent = 0;

	CHECK(arena->n_allocations < ARENA_ALLOCATIONS);
	CHECK(bytes != 0 && (bytes & (bytes - 1)) == 0);
	CHECK(align != 0 && (align & (align - 1)) == 0);
	CHECK_EQ(node, -1);
	if (arena->n_list && *arena->list) {
		*pa = *arena->list++;
		absent = arena->absent ? *arena->absent++ : 0;
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
	for (size_t at = 0; at < bytes; at += arena->entry_bytes)
		entry_store(arena->want + (*pa - arena->base) + at, arena->entry_bytes, arena->big_endian, absent);
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

void arena_make(struct arena *arena, const uint64_t *list, const uint64_t *absent, size_t n_list,
		const struct pt_level_info *level, struct pt_mem *mem)
{
	*arena = (struct arena){
		.base = list[0],
		.end = list[0],
		.list = list,
		.absent = absent,
		.n_list = n_list,
		.entry_bytes = level->entry_bytes,
		.big_endian = level->big_endian,
	};
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

struct pt_reader arena_reader(struct arena *arena)
{
	return (struct pt_reader){.ctx = arena, .read = arena_read, .steps = 1 << 20};
}

void arena_end(struct arena *arena)
{
	for (size_t i = 0; i < arena->n_allocations; i++)
		CHECK_MSG(!arena->allocation[i].held, "the table at %#llx was not given back",
			  (unsigned long long)arena->allocation[i].pa);
	free(arena->is);
	free(arena->want);
}

uint64_t entry_load(const unsigned char *at, unsigned int bytes, bool big_endian)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | at[big_endian ? i : bytes - 1 - i];
	return value;
}

void entry_store(unsigned char *at, unsigned int bytes, bool big_endian, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[big_endian ? bytes - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

const struct pt_format *words_format(const char *name)
{
	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			return pt_formats[i];
	test_fail(__FILE__, __LINE__, "there is no format %s", name);
}

void words_configure(struct pt_config *config, const struct pt_format *format, const struct words_param *param)
{
	pt_config_init(config);
	for (size_t i = 0; i < WORDS_MAX_PARAMS && param[i].name; i++) {
		int index = pt_param_find(format, param[i].name);

		CHECK_MSG(index >= 0, "%s has no parameter %s", format->name, param[i].name);
		config->param[index] = param[i].value;
	}
}

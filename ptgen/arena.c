/* SPDX-License-Identifier: MIT */
/*
 * arena.c - all memory of a run. Nothing is freed one by one: the arena goes as a whole, and with it every tree, table
 * and string of the compiler.
 */
#include "ptgen.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct block {
	struct block *next;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks;
	unsigned char *at; /* free part of the block that small requests are cut from */
	size_t left;
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("ptgen: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

struct arena *arena_new(void)
{
	return must(calloc(1, sizeof(struct arena)));
}

void arena_delete(struct arena *arena)
{
	struct block *block = arena->blocks;

	while (block) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	free(arena);
}

static unsigned char *new_block(struct arena *arena, size_t bytes)
{
	struct block *block;

	if (bytes > SIZE_MAX - sizeof(*block))
		must(NULL);
	block = must(calloc(1, sizeof(*block) + bytes));
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	const size_t unit = alignof(max_align_t);
	void *memory;

	if (bytes > SIZE_MAX - unit)
		must(NULL);
	bytes = (bytes + unit - 1) / unit * unit;
	/* What would waste much of a block gets one of its own. */
	if (bytes > BLOCK_BYTES / 4)
		return new_block(arena, bytes);
	if (bytes > arena->left) {
		arena->at = new_block(arena, BLOCK_BYTES);
		arena->left = BLOCK_BYTES;
	}
	memory = arena->at;
	arena->at += bytes;
	arena->left -= bytes;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = arena_alloc(arena, length < 0 ? 1 : (size_t)length + 1);
	if (length >= 0)
		vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *arena_grow(struct arena *arena, void *old, int *room, size_t element)
{
	size_t have = (size_t)*room;
	size_t want = have ? have * 2 : 8;
	void *table;

	if (want > INT32_MAX || want > SIZE_MAX / element)
		must(NULL);
	table = arena_alloc(arena, want * element);
	if (have)
		memcpy(table, old, have * element);
	*room = (int)want;
	return table;
}

/* SPDX-License-Identifier: MIT */
/* arena.h - memory for tables at chosen addresses, and what the tests of this directory do to entries in it. */
#ifndef PTGEN_TESTS_WORDS_ARENA_H
#define PTGEN_TESTS_WORDS_ARENA_H

#include "words.h"

enum { ARENA_BYTES = 1 << 22, ARENA_ALLOCATIONS = 1024 };

/*
 * Memory for tables from pa base on, handed out at the addresses of the list, then one after the other. want is what
 * the memory must hold: poison outside of tables, absent words in them (zeroes beyond the list), and the words.
 */
struct arena {
	uint64_t base, end;
	const uint64_t *list, *absent;
	size_t n_list;
	unsigned int entry_bytes;
	bool big_endian;
	unsigned char *is, *want;
	struct {
		uint64_t pa;
		size_t bytes;
		bool held;
	} allocation[ARENA_ALLOCATIONS];
	size_t n_allocations, synced;
};

/*
 * list[0] is the base of the arena; *mem then allocates from it. absent: a word for each address of the list, in the
 * entries of level; NULL: zeroes. A failed check ends the test, here as everywhere.
 */
void arena_make(struct arena *arena, const uint64_t *list, const uint64_t *absent, size_t n_list,
		const struct pt_level_info *level, struct pt_mem *mem);
/* Check that every table was given back, and free the memory. */
void arena_end(struct arena *arena);
/* A reader of the arena; writes are not allowed. */
struct pt_reader arena_reader(struct arena *arena);

/* An entry of some bytes, in either byte order. */
uint64_t entry_load(const unsigned char *at, unsigned int bytes, bool big_endian);
void entry_store(unsigned char *at, unsigned int bytes, bool big_endian, uint64_t value);

/* The format of that name; the test fails if there is none. */
const struct pt_format *words_format(const char *name);
void words_configure(struct pt_config *config, const struct pt_format *format, const struct words_param *param);

#endif

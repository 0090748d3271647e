/* SPDX-License-Identifier: MIT */
/*
 * words.h - published page-table words as data: what was mapped, and every word that this wrote.
 *
 * A group is one table: a format, its parameters, where its tables lie, and maps that are made one after the other. The
 * words come from documents and programs of others; the comment of each group says what it shows, not how it is coded.
 */
#ifndef PTGEN_TESTS_WORDS_H
#define PTGEN_TESTS_WORDS_H

#include "pt.h"

enum {
	WORDS_MAX_ENTRIES = 6,
	WORDS_MAX_FIELDS = 3,
	WORDS_MAX_PARAMS = 8,
	WORDS_MAX_TABLES = 6,
	WORDS_MAX_REGISTERS = 4
};

/* Requests, in the letters of pttool; x where the source does not forbid execution. */
enum { R = PT_READ, W = PT_WRITE, X = PT_EXEC, P = PT_PRIV, G = PT_GLOBAL, N = PT_NONCACHED, D = PT_DEVICE };

/* Entries first to last of a table hold word, word + step, word + 2 step, ... A table of 0 ends the list. */
struct words_entry {
	uint64_t table;
	uint32_t first, last;
	uint64_t word, step;
};

#define AT(table_, index_, word_)                                                       \
	{                                                                               \
		.table = (table_), .first = (index_), .last = (index_), .word = (word_) \
	}
#define RUN(table_, first_, last_, word_)                                              \
	{                                                                              \
		.table = (table_), .first = (first_), .last = (last_), .word = (word_) \
	}
#define STEPS(table_, first_, last_, word_, step_)                                                      \
	{                                                                                               \
		.table = (table_), .first = (first_), .last = (last_), .word = (word_), .step = (step_) \
	}

/* A field of the leaf that no generic request stands for, set by its name before words are compared. */
struct words_field {
	const char *name;
	uint64_t value;
};

/*
 * One map. status is what F_map returns; entries are those that this map wrote, fields apply to the leaf's. after,
 * where it names a table: what an unmap leaves in these entries.
 */
struct words_map {
	uint64_t iova, pa, bytes;
	unsigned int request;
	enum pt_status status;
	struct words_entry entry[WORDS_MAX_ENTRIES];
	struct words_entry after;
	struct words_field field[WORDS_MAX_FIELDS];
};

struct words_param {
	const char *name;
	int64_t value;
};

/* (register's first 64 bits & mask) == value */
struct words_register {
	const char *name;
	uint64_t mask, value;
};

/*
 * format        name of the format; also, if not NULL, another one that writes the same words.
 * table         addresses that the tables get, root first, in the order in which they are needed.
 * absent        the word that a new one of them is full of.
 */
struct words_group {
	const char *name, *format, *also;
	struct words_param param[WORDS_MAX_PARAMS];
	uint64_t table[WORDS_MAX_TABLES];
	uint64_t absent[WORDS_MAX_TABLES];
	struct words_register reg[WORDS_MAX_REGISTERS];
	const struct words_map *map;
	size_t n_maps;
};

/* One leaf of 1 << lg2 bytes at pa 0: its word. */
struct words_constant {
	const char *format;
	struct words_param param[WORDS_MAX_PARAMS];
	unsigned int lg2, request;
	uint64_t word;
};

#define MAPS(...)                                       \
	.map = (const struct words_map[]){__VA_ARGS__}, \
	.n_maps = sizeof((const struct words_map[]){__VA_ARGS__}) / sizeof(struct words_map)

struct words_list {
	const struct words_group *group;
	size_t n_groups;
	const struct words_constant *constant;
	size_t n_constants;
};

extern const struct words_list words_arm_smmu, words_arm_smmu_s2, words_arm_cpu, words_arm_lpae, words_armv7, words_x86,
	words_amd, words_s390, words_dart, words_riscv, words_vtd;

#endif

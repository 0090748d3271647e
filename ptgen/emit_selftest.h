/* SPDX-License-Identifier: MIT */
/*
 * emit_selftest.h - what the two files of the self-test emitter share.
 *
 *   emit_selftest_expect.c  what hardware and a mapper make of a configuration, by the language and the codec
 *   emit_selftest.c         the configurations, and the constants as C
 */
#ifndef PTGEN_EMIT_SELFTEST_H
#define PTGEN_EMIT_SELFTEST_H

#include "codec_bound.h"

#include <string.h>

enum { MAX_STEPS = 12, MAX_CONFIGS = 40, BASE_LG2 = 20, PATTERNS = 3 };
enum {
	FAULT_NUMBER_NONE = 0,
	FAULT_NUMBER_BOUNDS = 7,
	FAULT_NUMBER_LOOP = 8,
	FAULT_NUMBER_NULL = 9,
	FAULT_NUMBER_FORMAT = 16
};
enum { CODE_REFUSED = 0xff, CODE_WIDER = 0x80, N_FUNCTIONS = 8 };
enum function {
	CHECK_INPUT,
	CHECK_REGISTERS,
	CHECK_FIELDS,
	CHECK_FLIPS,
	CHECK_ENDS,
	CHECK_REQUESTS,
	CHECK_ADDRESSES,
	CHECK_HARDWARE
};

/* An entry of up to 16 bytes. */
struct word {
	uint64_t half[2];
};

static inline bool word_is(struct word a, struct word b)
{
	return a.half[0] == b.half[0] && a.half[1] == b.half[1];
}

static inline struct word word_or(struct word a, struct word b)
{
	return (struct word){{a.half[0] | b.half[0], a.half[1] | b.half[1]}};
}

static inline struct word word_without(struct word a, struct word b)
{
	return (struct word){{a.half[0] & ~b.half[0], a.half[1] & ~b.half[1]}};
}

static inline struct word word_turned(struct word a, int bit)
{
	a.half[bit / 64] ^= (uint64_t)1 << bit % 64;
	return a;
}

static inline bool word_any(struct word a)
{
	return (a.half[0] | a.half[1]) != 0;
}

struct step {
	ref level, kind; /* kind: of the link to the next step */
	int64_t entries;
	uint64_t table, entry;
	struct word link, absent;
};

struct path {
	struct step step[MAX_STEPS];
	int n;
	uint64_t inner; /* the address that it leads to, without base and what stands above */
};

struct outcome {
	unsigned int fault, rights, memory;
	bool accessed, dirty;
	ref kind;
	uint64_t pa;
};

/* An array that was printed: equal ones are printed once. */
struct printed {
	const char *type, *body, *name;
};

struct selftest {
	struct context *context;
	struct arena *arena;
	const struct model *model;
	const char *lower;
	struct codec_bound *bound; /* per kind, for the configuration at hand */
	bool *present;
	int64_t *param;
	ref shape, start;
	int input_hi;
	uint64_t input_mask, first, last;  /* inner addresses that are served */
	uint64_t input_base, output_first; /* of the addresses that a device presents; the lowest output address */
	int n_roots, root_bits;		   /* the top input bits choose a root; those below, and how many */
	uint64_t base;			   /* where the tables of the configuration lie, 1 << spread apart */
	int spread;
	unsigned int rights[N_REQUESTS]; /* the different requests that are granted */
	int n_rights, strong, weak;
	int n_configs, n_flips, n_leaves;
	uint64_t memory;
	int max_roots, register_words;
	bool looking;
	ARRAY(struct printed) printed;
	ARRAY(const char *) seen; /* flips and signatures that need not come again */
	ARRAY(int64_t *) tried;
	ARRAY(const char *) names;
	FILE *tables, *flips, *leaves, *configs, *checks;
	char *text[5];
	size_t text_size[5];
	const char *with; /* the configuration in words */
};

static inline struct m_env environment(const struct selftest *s, ref kind, const uint64_t *word)
{
	struct m_env env = {s->param, kind, word, 0, codec_addresses()};

	return env;
}

static inline const struct m_level *level_at(const struct selftest *s, ref level)
{
	return &s->model->levels.v[level];
}

static inline unsigned int fault_number(ref fault, int otherwise)
{
	if (fault == REF_NONE)
		fault = otherwise;
	return fault < N_FAULTS_BUILTIN ? (unsigned int)fault + 1
					: FAULT_NUMBER_FORMAT + (unsigned int)(fault - N_FAULTS_BUILTIN);
}

/* ---- emit_selftest_expect.c */

/* The root that serves an inner address. */
unsigned int expect_root_number(const struct selftest *s, uint64_t inner);
/* Where the tables of a walk lie: the roots first, then one for each step. */
uint64_t expect_table_at(const struct selftest *s, int step, unsigned int root);
/* The kind of a word, REF_NONE: none. */
ref expect_classify(const struct selftest *s, ref level, const uint64_t word[2]);
/* Bytes from one entry of a table to the next. */
uint64_t expect_stride(const struct m_level *level);
/* The address of the entry that an inner address selects in a table. */
uint64_t expect_entry_address(const struct selftest *s, ref level, uint64_t table, uint64_t inner, bool root);
/* What hardware makes of an address where memory holds the entries of the path, with `word` at step `at`. */
void expect_walk(const struct selftest *s, const struct path *path, int at, struct word word, struct outcome *out);
/* The word of a table or absent kind as a mapper leaves it. */
struct word expect_plain_word(const struct selftest *s, ref kind, uint64_t table);
/* The nth kind of a category that is present at a level. */
ref expect_kind_of_category(const struct selftest *s, ref level, enum ast_category category, int nth);
uint64_t expect_entries_of(const struct selftest *s, ref level, bool root);
/* The way from the root to a level, by the tables that a mapper makes; false if there is none. */
bool expect_make_path(const struct selftest *s, ref target, uint64_t inner, struct path *path);
/* Has every table of the path a slot for this inner address (`limit`)? */
bool expect_has_slots(const struct selftest *s, const struct path *path, uint64_t inner);
/* The fault of an inner address that one of them has no slot for. */
unsigned int expect_missing(const struct selftest *s, const struct path *path, uint64_t inner);
/*
 * Move *inner to the nearest leaf of 1 << lg2 bytes, upwards or downwards, that is served and has slots in all tables
 * of the path; false if there is none.
 */
bool expect_fit(const struct selftest *s, const struct path *path, int lg2, bool upwards, uint64_t *inner);
/* An inner address that is served, in a leaf of 1 << lg2 bytes in the last table of the path, for which one of the
 * tables has no slot; false: there is none. */
bool expect_nowhere(const struct selftest *s, const struct path *path, int lg2, uint64_t *inner);
/* An inner address with what stands above it, and the address that a device presents for it. */
uint64_t expect_extended(const struct selftest *s, uint64_t inner);
uint64_t expect_presented(const struct selftest *s, uint64_t inner);
/* A leaf's word for rights by number and an address: false if it cannot hold that. */
bool expect_leaf_word(const struct selftest *s, ref kind, unsigned int request, uint64_t pa, struct word *out);
/* Does the configuration have this leaf at all? */
bool expect_offered(const struct selftest *s, ref kind);
/* Of two leaves of one size the one nearer to the root is made. */
bool expect_is_made(const struct selftest *s, ref kind);
/* An output address whose bits alternate, as far as the leaf can hold it. */
uint64_t expect_pattern_of(const struct selftest *s, ref kind);
/* Can this leaf, or a smaller one, hold the address bit? */
bool expect_somebody_holds(const struct selftest *s, ref kind, uint64_t pa);
/* Bits of accessed or dirty (SLICE_*) that hardware sets, or (false) does not. */
struct word expect_hardware_bits(const struct selftest *s, ref kind, unsigned int flag, bool set_by_hardware);
/* Bits of the level's absent words that an unmap leaves. */
struct word expect_kept_bits(const struct selftest *s, ref level);
/* The mark of a leaf's address as it lies in the entry. */
struct word expect_mark_bits(const struct selftest *s, ref kind);
bool expect_has_dirty_codes(const struct selftest *s, ref kind);
/* The smallest leaf that a mapper makes. */
ref expect_smallest_leaf(const struct selftest *s);
/* An address of the middle of what is served, with a bit pattern: where flips of words of this level are looked at. */
uint64_t expect_somewhere(const struct selftest *s, ref level);
/* The output address with this one bit in its entry, and the one of that number where entries do not hold it. */
uint64_t expect_output_bit(const struct selftest *s, int bit);
/* Does every register that holds the root's address have this bit of it? */
bool expect_root_bit_held(const struct selftest *s, int bit);

#endif

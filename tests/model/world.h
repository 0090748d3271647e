/* SPDX-License-Identifier: MIT */
/*
 * world.h - one page table under test beside the truth: a plain list of what is mapped (the ledger), a simulated TLB
 * and walk cache that forget only what a gather tells them to, the distrustful memory of ground.h, and the interpreter.
 *
 * world_do() carries out one operation on both sides and fails the test where they differ: the status, the details of
 * the result, every word in memory, every lookup, the tables that exist, what had to be invalidated. An operation that
 * is refused, or that gets no memory, must leave every translation as it was.
 */
#ifndef PTGEN_TESTS_WORLD_H
#define PTGEN_TESTS_WORLD_H

#include "ground.h"
#include "interp.h"

/* A leaf of the ledger. */
struct entry {
	uint64_t inner; /* input address without the sign */
	uint64_t pa;
	unsigned int lg2, request; /* rounded */
	bool accessed, dirty;
	bool merged; /* attributes that only the larger leaf has may be any that allow the same */
};

struct ledger {
	struct entry *v;
	size_t n, room;
};

enum { WORLD_TLB = 512, WORLD_PATHS = 128, WORLD_SPOTS = 8 };

enum op_kind {
	OP_MAP,
	OP_SEGMENTS,
	OP_UNMAP,
	OP_PROTECT,
	OP_SPLIT,
	OP_MERGE,
	OP_REPLACE,
	OP_RESERVE,
	OP_TRIM,
	OP_DIRTY,
	N_OPS
};

struct op {
	enum op_kind kind;
	uint64_t iova, pa, bytes;
	unsigned int request, flags, lg2;
	const struct pt_segment *segments;
	size_t n_segments;
};

struct world {
	const struct pt_format *format;
	struct pt_config config;
	struct interp in;
	struct ground ground;
	struct pt_table table;
	struct pt_gather gather;
	struct pt_cursor cursor;
	struct ledger ledger;
	struct entry tlb[WORLD_TLB];
	unsigned int n_tlb;
	struct {
		uint64_t inner, bytes, pa;
	} path[WORLD_PATHS];
	unsigned int n_paths;
	uint64_t spot[WORLD_SPOTS];
	unsigned int n_spots;
	unsigned int page_lg2;
	uint64_t random;
	/* while a map is under way: what a device may see beside the ledger */
	const struct ledger *coming;
	uint64_t coming_first, coming_last;
	unsigned int n_invalidations; /* calls of the hook so far */
	bool coming_breaks;	      /* what changes may be absent for a moment */
	unsigned int round, step;
	bool inject; /* let every allocation of every operation fail once */
	uint64_t n_ops[N_OPS], n_done[N_OPS], n_refused[N_OPS], n_failed_allocs;
	char what[512]; /* the operation under way, for messages */
};

/* What the random tests say when they fail: the format and its configuration. */
const char *world_describe(const struct world *world);

/* A random configuration (any values of the parameters' sets, fitting together or not). */
void world_random_config(const struct pt_format *format, uint64_t *random, struct pt_config *config);

/* An access by hardware that updates accessed and dirty, through F_translate; compared with the interpreter. */
void world_access(struct world *world, uint64_t inner, bool write);

/*
 * Make a table. False: the configuration is not valid, as both sides agree. coherent: no sync hook.
 */
bool world_open(struct world *world, const struct pt_format *format, const struct pt_config *config, bool coherent,
		uint64_t seed);
/* Ends the table; fails the test on leaks. */
void world_close(struct world *world);

enum pt_status world_do(struct world *world, const struct op *op, struct pt_result *result);
/* Remember translations of [first, last] (inner addresses) and a few others, as a TLB and a walk cache would. */
void world_remember(struct world *world, uint64_t first, uint64_t last);
/* Does this configuration keep accessed (or else dirty) state in its leaves? */
bool world_has_state(const struct world *world, unsigned int accessed);
/* Flush the gather, and look whether what the TLB still holds is true. */
void world_flush(struct world *world);
/* Compare everything. */
void world_check(struct world *world);
/* A random operation near one of the spots. */
void world_random_op(struct world *world, struct op *op, struct pt_segment *segments, size_t max_segments);

/* The leaf that maps an inner address, NULL: none. */
struct entry *ledger_find(const struct ledger *ledger, uint64_t inner);
/* The first leaf at or after inner (that ends after it). */
size_t ledger_from(const struct ledger *ledger, uint64_t inner);

#endif

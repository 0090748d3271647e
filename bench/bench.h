/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the files of the benchmark share.
 *
 * A subject is something that keeps page tables: what ptgen generated for a format, the kernel's code for it, a mapper
 * written by hand, or nothing but loads and stores. All are compiled several times (builds), linked into one program,
 * and get their tables from one pool. Subjects offer the same runs: loops over calls, each compiled together with its
 * subject, so that the calls are what they are in a driver. The program (rows.c) puts runs together to rows, and takes
 * the time.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "pool.h"

#define BENCH_PAGE ((uint64_t)4096)
#define BENCH_2M   ((uint64_t)2 << 20)
#define BENCH_1G   ((uint64_t)1 << 30)

enum kind { OURS, KERNEL, HAND, LIMIT };

struct bench_segment {
	uint64_t pa, bytes;
};

/*
 * What a run does: n calls, call i at iova + order[i] * stride (and at the same distance from pa), each for count pages
 * of pgsize bytes. Lookups and walks take addresses instead. out: a bitmap of dirty pages, or the results of a batch.
 */
struct load {
	const uint32_t *order;
	const uint64_t *addresses;
	const struct bench_segment *segments;
	uint64_t *out;
	uint64_t iova, pa, stride, pgsize;
	uint32_t n, count, n_segments;
};

enum run {
	RUN_MAP,
	RUN_UNMAP,
	RUN_CURSOR_MAP, /* with a cursor */
	RUN_CURSOR_UNMAP,
	RUN_UNMAP_TRUSTED, /* the caller vouches that all of it is mapped */
	RUN_SEGMENTS,
	RUN_LOOKUP,
	RUN_CHAIN, /* each address depends on what was found at the one before */
	RUN_BATCH,
	RUN_DIRTY, /* read and clear */
	RUN_PROTECT,
	RUN_WALK,
	RUN_TRANSLATE,
	N_RUNS
};

/* The result depends on all that was found, so that nothing can be left out. */
typedef uint64_t (*run_fn)(const struct load *load);

/*
 * input_bits  addresses that the table of the benchmark takes
 * span        input bytes that a table of the lowest level serves
 * blocks      leaf sizes that take one slot of a higher level, as a bitmap; group: the size of a leaf that takes
 * several slots, or 0 dirty       an entry of a dirty page is (entry | set) & ~clear; both 0: there is no such thing
 * pa_shift    table addresses in entries are shifted right by so much
 * frees       an unmap of all that a table serves frees it
 * run         NULL: cannot do that
 */
struct subject {
	const char *name, *format, *build;
	enum kind kind;
	unsigned int input_bits;
	uint64_t span, blocks, group;
	uint64_t dirty_set, dirty_clear;
	unsigned int pa_shift;
	bool frees;
	void (*open)(void);
	void (*close)(void);
	uint64_t (*root)(void);	      /* pa of the root table */
	void (*adopt)(uint64_t root); /* look into this table from now on; NULL: makes its own */
	run_fn run[N_RUNS];
};

/* The subjects of a build, ended by NULL. */
extern const struct subject *const bench_kernel_like[], *const bench_native[], *const bench_clang[];

/* Several threads take from the pool. */
extern bool pool_shared;

/* Where sums go. */
extern volatile uint64_t bench_sink;

/* Ends the program: something did not do what it had to. */
_Noreturn void bench_fail(const char *what);

#endif

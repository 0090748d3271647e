/* SPDX-License-Identifier: MIT */
/* rows.h - what is measured: each row is one job, for every subject that can do it. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench.h"

/* identifier, key (in the JSON), what it is, what one of is counted */
#define ROWS(ROW)                                                                            \
	ROW(MAP_1, "map-1", "map one page, next to the last one", "call")                    \
	ROW(CURSOR_MAP_1, "map-1-cursor", "the same, with a cursor", "call")                 \
	ROW(MAP_1_RANDOM, "map-1-random", "map one page, anywhere", "call")                  \
	ROW(UNMAP_1, "unmap-1", "unmap one page, next to the last one", "call")              \
	ROW(CURSOR_UNMAP_1, "unmap-1-cursor", "the same, with a cursor", "call")             \
	ROW(UNMAP_1_RANDOM, "unmap-1-random", "unmap one page, anywhere", "call")            \
	ROW(MAP_16, "map-16", "map 16 pages, anywhere", "call")                              \
	ROW(UNMAP_16, "unmap-16", "unmap 16 pages, anywhere", "call")                        \
	ROW(MAP_512, "map-512", "map 512 pages, table present", "call")                      \
	ROW(UNMAP_511, "unmap-511", "unmap 511 of a table's 512 pages", "call")              \
	ROW(MAP_512_FRESH, "map-512-fresh", "map 512 pages into a new table", "call")        \
	ROW(UNMAP_512, "unmap-512", "unmap all that a table serves", "call")                 \
	ROW(UNMAP_512_TRUSTED, "unmap-512-trusted", "the same, PT_UNMAP_TRUSTED", "call")    \
	ROW(MAP_BLOCK, "map-block", "map one block (2M; 1M in short descriptors)", "call")   \
	ROW(UNMAP_BLOCK, "unmap-block", "unmap one block", "call")                           \
	ROW(MAP_1G, "map-1g-block", "map one block of 1G", "call")                           \
	ROW(UNMAP_1G, "unmap-1g-block", "unmap one block of 1G", "call")                     \
	ROW(MAP_GROUP, "map-group", "map one leaf of 64K that takes 16 slots", "call")       \
	ROW(UNMAP_GROUP, "unmap-group", "unmap one leaf of 64K that takes 16 slots", "call") \
	ROW(EMPTY_1G, "map-1g-pages", "map 1G of pages from empty, one call", "page")        \
	ROW(UNMAP_1G_BY_2M, "unmap-1g-pages-2m", "unmap 1G of pages, 2M a call", "page")     \
	ROW(UNMAP_1G_WHOLE, "unmap-1g-pages-one", "unmap 1G of pages, one call", "page")     \
	ROW(SEGMENTS, "segments", "map a list of 256 segments, 14.5 pages each", "segment")  \
	ROW(LOOKUP_HOT, "lookup-hot", "look up, 64 addresses", "call")                       \
	ROW(LOOKUP_CHAIN, "lookup-chain", "look up, each waits for the last one", "call")    \
	ROW(LOOKUP_1G, "lookup-1g", "look up, anywhere in 1G", "call")                       \
	ROW(BATCH_1G, "batch-1g", "look up 64 in one call, anywhere in 1G", "address")       \
	ROW(LOOKUP_64G, "lookup-64g", "look up, anywhere in 64G", "call")                    \
	ROW(BATCH_64G, "batch-64g", "look up 64 in one call, anywhere in 64G", "address")    \
	ROW(DIRTY_CLEAN, "dirty-clean", "dirty scan, all clean", "page")                     \
	ROW(DIRTY_SOME, "dirty-16th", "dirty scan, 1 of 16 dirty", "page")                   \
	ROW(DIRTY_ALL, "dirty-all", "dirty scan, all dirty", "page")                         \
	ROW(PROTECT_512, "protect-512", "protect 512 pages", "call")                         \
	ROW(WALK, "walk", "walk, every step", "call")                                        \
	ROW(TRANSLATE, "translate", "translate, as the hardware does", "call")               \
	ROW(ONE_THREAD, "one-thread", "map and unmap a page, one thread", "pair")            \
	ROW(TWO_THREADS, "two-threads", "the same, two threads at once", "pair")

#define ROW(identifier, key, text, unit) ROW_##identifier,
enum row { ROWS(ROW) N_ROWS };
#undef ROW

#define MAX_PASSES   101
#define MAX_SUBJECTS 64

/* What was measured, in nanoseconds for one of what the row counts; < 0: the subject cannot do that. */
struct results {
	const struct subject *subject[MAX_SUBJECTS];
	size_t n_subjects;
	int n_passes;
	double (*ns)[MAX_SUBJECTS][MAX_PASSES]; /* [row] */
};

/* One pass of everything over everybody; pass < 0: nothing is kept. cold: also what takes long to set up. */
void rows_pass(struct results *results, int pass, bool cold);

/* Median of a row of a subject over the passes that it was measured in, and the quartiles around it; false: not at all.
 */
bool rows_median(const struct results *results, enum row row, size_t subject, double *median, double *low,
		 double *high);

/* ---- report.c */

void report_print(const struct results *results);
/* Return false with a message on stderr. */
bool report_json(const struct results *results, const char *file);
bool report_plot(const struct results *results, const char *file);

#endif

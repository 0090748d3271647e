/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the files of the benchmark share.
 *
 * Each format is measured by calls to its own functions, as a driver makes them, and beside it the least that any code
 * can do: plain stores of the same words into the same tables (plain loads, for lookups).
 */
#ifndef PTGEN_BENCH_H
#define PTGEN_BENCH_H

#include "pt.h"

#include <stddef.h>
#include <stdint.h>

enum operation { MAP_ONE, LOOKUP_ONE, UNMAP_ONE, MAP_512, LOOKUP_512, UNMAP_512, N_OPERATIONS };

/* Pages in one measurement of the *_ONE and *_512 operations; both are whole tables of 512 entries. */
#define REGIONS	   16
#define PER_REGION 512
#define PAGES	   (REGIONS * PER_REGION)

/* The input addresses are whole 2 MiB regions; the physical ones are one page off, so that only pages fit. */
#define BENCH_PAGE 4096
#define BENCH_IOVA UINT64_C(0x40000000)
#define BENCH_PA   UINT64_C(0x100001000)

/* Nanoseconds of one measurement. */
struct sample {
	double ours, plain;
};

/* Runs all operations of a format once; adds up what it looked up, so that nothing can be left out. */
typedef uint64_t (*bench_fn)(struct pt_table *table, const uint32_t *order, struct sample samples[N_OPERATIONS]);

uint64_t bench_x86_64(struct pt_table *table, const uint32_t *order, struct sample samples[N_OPERATIONS]);
uint64_t bench_arm64_s1(struct pt_table *table, const uint32_t *order, struct sample samples[N_OPERATIONS]);

/* Where sums go, so that no compiler leaves out what they are made of. */
extern volatile uint64_t bench_sink;

/* A clock, in nanoseconds. */
double bench_now(void);

/* Ends the program: something did not do what it had to. */
_Noreturn void bench_fail(const char *what, enum pt_status status);

/* Where the entries of a region are, found by a walk: the table must be mapped. */
uint64_t *bench_entries(const struct pt_table *table, unsigned int region);

/* The body of a measurement: plain stores and loads, out of line so that both sides are calls. */
void plain_fill(uint64_t *entries, uint64_t word, size_t n);
void plain_clear(uint64_t *entries, size_t n);
uint64_t plain_sum(const uint64_t *entries, size_t n);
void plain_store(uint64_t *entry, uint64_t word);
uint64_t plain_load(const uint64_t *entry);

#endif

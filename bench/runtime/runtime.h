/* SPDX-License-Identifier: MIT */
/* runtime.h - what the files of the runtime's benchmark share. */
#ifndef BENCH_RUNTIME_H
#define BENCH_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/*
 * Curves: the cost of one operation against a size. A row has up to CURVE points, of ascending size.
 *
 * section  what belongs together      name  the row      per  what the size counts
 * unit     of the values: "ns" or "bytes"
 */
#define CURVE 8

struct row {
	const char *section, *per, *unit;
	char name[64];
	size_t n;
	double size[CURVE], value[CURVE], spread[CURVE];
};

/* A new row, to be filled with point(). Rows are kept until the program ends. */
struct row *new_row(const char *section, const char *per, const char *unit, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The median of n samples is the value; half the distance of the quartiles is the spread. */
void point(struct row *row, double size, double *samples, size_t n);
const struct row *rows(size_t *n);

/* Nanoseconds that this thread has run. */
double now(void);
/* The next number of a sequence. */
uint64_t next_random(uint64_t *state);
/* What must not fail did. */
void must(int error, const char *what);

/* The parts. quick: a tenth of the largest sizes. */
void bench_ranges(int quick);
void bench_backing(int quick);
void bench_blocks(int quick);
void bench_replay(int quick);
void bench_tables(int quick);

#endif

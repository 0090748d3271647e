/* SPDX-License-Identifier: MIT */
/*
 * rows.c - the jobs, and the time they take. A scenario makes a table for a subject, brings it into a state, and
 * measures the rows that start from there; all subjects do a scenario one after the other, so that whatever disturbs
 * the machine disturbs all alike.
 */
#define _GNU_SOURCE /* CPU affinity */
#include "rows.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Pages lie one page off, so that nothing larger fits; blocks and groups do not. */
#define IOVA	 BENCH_1G
#define PA	 UINT64_C(0x80001000)
#define PA_BLOCK UINT64_C(0x80000000)
#define TABLES	 16
#define PAGES	 (TABLES * 512)
#define SEGMENTS 256
#define COLD	 (1U << 18)
#define NEAR	 (1U << 16)

volatile uint64_t bench_sink;

static uint32_t in_order[PAGES], shuffled[PAGES];
static uint64_t hot[PAGES], near[NEAR], cold_addresses[COLD], found[COLD];
static struct bench_segment segments[SEGMENTS];
static uint64_t segments_bytes;

void bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s failed\n", what ? what : "something");
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint32_t next_random(void)
{
	static uint64_t state = 12345;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(state >> 33);
}

static void prepare(void)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		in_order[i] = shuffled[i] = i;
	for (uint32_t i = PAGES - 1; i > 0; i--) {
		uint32_t other = next_random() % (i + 1), old = shuffled[i];

		shuffled[i] = shuffled[other];
		shuffled[other] = old;
	}
	for (uint32_t i = 0; i < PAGES; i++)
		hot[i] = IOVA + (uint64_t)shuffled[i % 64] * BENCH_PAGE + 8;
	for (uint32_t i = 0; i < NEAR; i++)
		near[i] = IOVA + (uint64_t)(next_random() % (1U << 18)) * BENCH_PAGE + 8;
	for (uint32_t i = 0; i < COLD; i++)
		cold_addresses[i] = IOVA + (uint64_t)(next_random() % (1U << 24)) * BENCH_PAGE + 8;
	/* 1 to 28 pages each; never aligned as the iova is, so that only pages fit. */
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		segments[i].bytes = (1 + i * 11 % 28) * BENCH_PAGE;
		segments[i].pa = PA_BLOCK + (uint64_t)(i * 7 % SEGMENTS) * 0x40000 + ((at + BENCH_PAGE) & 0xf000);
		at += segments[i].bytes;
	}
	segments_bytes = at;
}

/* ---------------------------------------------------------------------------------------------------------- helpers */

static double timed(const struct subject *subject, enum run run, const struct load *load)
{
	double start = now();

	bench_sink += subject->run[run](load);
	return now() - start;
}

static void do_run(const struct subject *subject, enum run run, const struct load *load)
{
	bench_sink += subject->run[run](load);
}

/* n calls of count pages each, in the order given; the first one at iova. */
static struct load pages(const uint32_t *order, uint32_t n, uint32_t count)
{
	return (struct load){.order = order,
			     .n = n,
			     .iova = IOVA,
			     .pa = PA,
			     .stride = count * BENCH_PAGE,
			     .pgsize = BENCH_PAGE,
			     .count = count};
}

/* The same bytes, named as whole tables: what the core of the kernel would ask for. */
static struct load in_spans(const struct subject *subject, struct load load)
{
	uint64_t bytes = load.pgsize * load.count;

	load.pgsize = subject->span;
	load.count = (uint32_t)(bytes / subject->span);
	return load;
}

static struct load lookups(const uint64_t *addresses, uint32_t n)
{
	return (struct load){.addresses = addresses, .n = n, .out = found};
}

/* Map and unmap one page in every table of [IOVA, IOVA + bytes): the tables stay. */
static void make_tables(const struct subject *subject, uint64_t bytes)
{
	struct load load = pages(in_order, (uint32_t)(bytes / BENCH_2M), 1);

	for (uint64_t at = 0; at < BENCH_2M; at += subject->span) {
		load.iova = IOVA + at;
		load.stride = BENCH_2M;
		do_run(subject, RUN_MAP, &load);
		do_run(subject, RUN_UNMAP, &load);
	}
}

/* A walk by hand, for tables of 512 entries of eight bytes. */
static uint64_t *entry_of(const struct subject *subject, uint64_t iova)
{
	uint64_t table = subject->root();
	unsigned int shift = 12 + (subject->input_bits - 13) / 9 * 9;

	for (;; shift -= 9) {
		uint64_t *entry = (uint64_t *)(void *)(pool.base + table) + ((iova >> shift) & 511);

		if (shift == 12)
			return entry;
		table = (*entry << subject->pa_shift) & UINT64_C(0xffffffffff000);
	}
}

/* Everybody must find what was mapped, before anybody is measured. */
static void verify(const struct subject *subject, uint64_t iova, uint64_t pa)
{
	struct load load = lookups(&iova, 1);

	if (subject->kind != LIMIT && subject->run[RUN_LOOKUP](&load) != pa)
		bench_fail(subject->name);
}

/* ------------------------------------------------------------------------------------------------------------
 * scenarios */

/* Where a scenario puts what it measured: ns of one. */
typedef double outcome[N_ROWS];

static void scenario_pages(const struct subject *s, double *ns)
{
	struct load load = pages(in_order, PAGES, 1);

	make_tables(s, TABLES * BENCH_2M);
	ns[ROW_MAP_1] = timed(s, RUN_MAP, &load) / PAGES;
	verify(s, IOVA + 777 * BENCH_PAGE + 5, PA + 777 * BENCH_PAGE + 5);
	ns[ROW_UNMAP_1] = timed(s, RUN_UNMAP, &load) / PAGES;
	if (s->run[RUN_CURSOR_MAP]) {
		ns[ROW_CURSOR_MAP_1] = timed(s, RUN_CURSOR_MAP, &load) / PAGES;
		verify(s, IOVA + 777 * BENCH_PAGE + 5, PA + 777 * BENCH_PAGE + 5);
		ns[ROW_CURSOR_UNMAP_1] = timed(s, RUN_CURSOR_UNMAP, &load) / PAGES;
	}
	load.order = shuffled;
	ns[ROW_MAP_1_RANDOM] = timed(s, RUN_MAP, &load) / PAGES;
	if (s->run[RUN_WALK]) {
		struct load walk = lookups(hot, 1024);

		ns[ROW_WALK] = timed(s, RUN_WALK, &walk) / 1024;
		ns[ROW_TRANSLATE] = timed(s, RUN_TRANSLATE, &walk) / 1024;
	}
	ns[ROW_UNMAP_1_RANDOM] = timed(s, RUN_UNMAP, &load) / PAGES;

	/* 512 of 16 pages; those of a shuffled list that are small enough are in random order, too. */
	static uint32_t few[PAGES / 16];
	uint32_t n = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		if (shuffled[i] < PAGES / 16)
			few[n++] = shuffled[i];
	load = pages(few, n, 16);
	ns[ROW_MAP_16] = timed(s, RUN_MAP, &load) / n;
	ns[ROW_UNMAP_16] = timed(s, RUN_UNMAP, &load) / n;

	for (int round = 0; round < (s->run[RUN_PROTECT] ? 2 : 1); round++) {
		load = pages(in_order, TABLES, 512);
		ns[ROW_MAP_512] = timed(s, RUN_MAP, &load) / TABLES;
		if (round == 1)
			ns[ROW_PROTECT_512] = timed(s, RUN_PROTECT, &load) / TABLES;
		load.count = 511;
		ns[ROW_UNMAP_511] = timed(s, RUN_UNMAP, &load) / TABLES;
		load.count = 1;
		load.iova += 511 * BENCH_PAGE;
		do_run(s, RUN_UNMAP, &load);
	}
}

static void scenario_fresh(const struct subject *s, double *ns)
{
	struct load neighbour = pages(in_order, 1, 1), load = pages(in_order, TABLES, 512), spans;

	if (s->kind == LIMIT) {
		ns[ROW_MAP_512_FRESH] = timed(s, RUN_MAP, &load) / TABLES;
		ns[ROW_UNMAP_512] = timed(s, RUN_UNMAP, &load) / TABLES;
		return;
	}
	load.iova += 64 * BENCH_2M;
	spans = in_spans(s, load);
	do_run(s, RUN_MAP, &neighbour);
	ns[ROW_MAP_512_FRESH] = timed(s, RUN_MAP, &load) / TABLES;
	verify(s, load.iova + 12345, load.pa + 12345);
	ns[ROW_UNMAP_512] = timed(s, RUN_UNMAP, &spans) / TABLES;
	if (s->run[RUN_UNMAP_TRUSTED]) {
		do_run(s, RUN_MAP, &load);
		ns[ROW_UNMAP_512_TRUSTED] = timed(s, RUN_UNMAP_TRUSTED, &load) / TABLES;
	}
}

static void scenario_blocks(const struct subject *s, double *ns)
{
	uint64_t size = s->blocks & ~(s->blocks - 1);
	struct load load = {.order = shuffled,
			    .iova = IOVA,
			    .pa = PA_BLOCK,
			    .stride = size,
			    .pgsize = size,
			    .count = 1},
		    beside = load;
	static uint32_t order[256];
	uint32_t n = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		if (shuffled[i] < 256)
			order[n++] = shuffled[i];
	load.order = order;
	load.n = n;
	if (size && s->kind != LIMIT) {
		/* The directory is there: it has a page in it. */
		beside = pages(in_order, 1, 1);
		beside.iova += BENCH_1G - BENCH_2M;
		do_run(s, RUN_MAP, &beside);
		ns[ROW_MAP_BLOCK] = timed(s, RUN_MAP, &load) / n;
		verify(s, IOVA + 200 * size + 0x12345, PA_BLOCK + 200 * size + 0x12345);
		ns[ROW_UNMAP_BLOCK] = timed(s, RUN_UNMAP, &load) / n;
	}
	if (s->blocks & BENCH_1G) {
		load.iova = 64 * BENCH_1G;
		load.pa = 64 * BENCH_1G;
		load.order = in_order;
		load.n = 128;
		load.stride = load.pgsize = BENCH_1G;
		ns[ROW_MAP_1G] = timed(s, RUN_MAP, &load) / load.n;
		ns[ROW_UNMAP_1G] = timed(s, RUN_UNMAP, &load) / load.n;
	}
	if (s->group) {
		uint32_t few = 0;
		static uint32_t some[512];

		make_tables(s, TABLES * BENCH_2M);
		for (uint32_t i = 0; i < PAGES; i++)
			if (shuffled[i] < 512)
				some[few++] = shuffled[i];
		load = (struct load){.order = some,
				     .n = few,
				     .iova = IOVA,
				     .pa = PA_BLOCK,
				     .stride = s->group,
				     .pgsize = s->group,
				     .count = 1};
		ns[ROW_MAP_GROUP] = timed(s, RUN_MAP, &load) / few;
		verify(s, IOVA + 77 * s->group + 0xabcd, PA_BLOCK + 77 * s->group + 0xabcd);
		ns[ROW_UNMAP_GROUP] = timed(s, RUN_UNMAP, &load) / few;
	}
}

static void scenario_big(const struct subject *s, double *ns)
{
	struct load whole = pages(in_order, 1, 1U << 18), part = pages(in_order, 512, 512), spans;

	ns[ROW_EMPTY_1G] = timed(s, RUN_MAP, &whole) / whole.count;
	verify(s, IOVA + 0x1234567, PA + 0x1234567);
	part = in_spans(s, part);
	ns[ROW_UNMAP_1G_BY_2M] = timed(s, RUN_UNMAP, &part) / whole.count;
	do_run(s, RUN_MAP, &whole);
	spans = in_spans(s, whole);
	if (s->blocks & BENCH_1G) {
		spans.pgsize = BENCH_1G;
		spans.count = 1;
	}
	ns[ROW_UNMAP_1G_WHOLE] = timed(s, RUN_UNMAP, &spans) / whole.count;
}

static void scenario_segments(const struct subject *s, double *ns)
{
	struct load load = {.order = in_order,
			    .n = 2,
			    .iova = IOVA,
			    .stride = TABLES / 2 * BENCH_2M,
			    .segments = segments,
			    .n_segments = SEGMENTS};

	make_tables(s, TABLES * BENCH_2M);
	ns[ROW_SEGMENTS] = timed(s, RUN_SEGMENTS, &load) / (load.n * SEGMENTS);
	verify(s, IOVA + segments[0].bytes + 7, segments[1].pa + 7);
}

static void scenario_lookup(const struct subject *s, double *ns)
{
	struct load whole = pages(in_order, 1, 1U << 18), load = lookups(hot, PAGES);

	do_run(s, RUN_MAP, &whole);
	do_run(s, RUN_LOOKUP, &load);
	ns[ROW_LOOKUP_HOT] = timed(s, RUN_LOOKUP, &load) / PAGES;
	ns[ROW_LOOKUP_CHAIN] = timed(s, RUN_CHAIN, &load) / PAGES;
	load = lookups(near, NEAR);
	do_run(s, RUN_LOOKUP, &load);
	ns[ROW_LOOKUP_1G] = timed(s, RUN_LOOKUP, &load) / NEAR;
	if (s->run[RUN_BATCH])
		ns[ROW_BATCH_1G] = timed(s, RUN_BATCH, &load) / NEAR;
}

static void scenario_cold(const struct subject *s, double *ns)
{
	struct load whole = pages(in_order, 64, 1U << 18), load = lookups(cold_addresses, COLD);

	if (!s->adopt)
		do_run(s, RUN_MAP, &whole);
	ns[ROW_LOOKUP_64G] = timed(s, RUN_LOOKUP, &load) / COLD;
	if (s->run[RUN_BATCH])
		ns[ROW_BATCH_64G] = timed(s, RUN_BATCH, &load) / COLD;
}

static void scenario_dirty(const struct subject *s, double *ns)
{
	static uint64_t bitmap[PAGES / 64];
	static const uint32_t every[] = {0, 16, 1};
	static const enum row row[] = {ROW_DIRTY_CLEAN, ROW_DIRTY_SOME, ROW_DIRTY_ALL};
	struct load load = pages(in_order, 1, PAGES);

	load.out = bitmap;
	do_run(s, RUN_MAP, &load);
	for (uint32_t i = 0; i < PAGES; i++) {
		uint64_t *entry = entry_of(s, IOVA + i * BENCH_PAGE);

		*entry = (*entry & ~s->dirty_set) | s->dirty_clear;
	}
	for (unsigned int k = 0; k < 3; k++) {
		uint32_t dirty = 0, seen = 0;

		memset(bitmap, 0, sizeof(bitmap));
		for (uint32_t i = 0; every[k] && i < PAGES; i += every[k]) {
			uint64_t *entry = entry_of(s, IOVA + (i + i / 16 % 16 % every[k]) * BENCH_PAGE);

			*entry = (*entry | s->dirty_set) & ~s->dirty_clear;
			dirty++;
		}
		ns[row[k]] = timed(s, RUN_DIRTY, &load) / PAGES;
		for (uint32_t i = 0; i < PAGES / 64; i++)
			seen += (uint32_t)__builtin_popcountll(bitmap[i]);
		if (seen != dirty) {
			fprintf(stderr, "bench: %s found %u pages dirty, and %u were\n", s->name, seen, dirty);
			exit(1);
		}
	}
}

struct worker {
	const struct subject *subject;
	struct load load;
	pthread_barrier_t *start;
	size_t cpu;
	double ns;
};

static void pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	double start;

	pin(worker->cpu);
	pthread_barrier_wait(worker->start);
	start = now();
	for (int i = 0; i < 4; i++) {
		worker->subject->run[RUN_MAP](&worker->load);
		worker->subject->run[RUN_UNMAP](&worker->load);
	}
	worker->ns = (now() - start) / (4 * worker->load.n);
	return NULL;
}

/* Each thread has tables of its own, in a table that all share. */
static void scenario_threads(const struct subject *s, double *ns)
{
	pthread_barrier_t start;
	pthread_t thread[2];
	struct worker worker[2];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	make_tables(s, TABLES * BENCH_2M);
	for (unsigned int n = 1; n <= 2; n++) {
		pthread_barrier_init(&start, NULL, n);
		for (unsigned int i = 0; i < n; i++) {
			worker[i] = (struct worker){s, pages(in_order, PAGES / 2, 1), &start, i, 0};
			worker[i].load.iova += i * (PAGES / 2 * BENCH_PAGE);
			if (pthread_create(&thread[i], NULL, work, &worker[i]) != 0)
				bench_fail("pthread_create");
		}
		for (unsigned int i = 0; i < n; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&start);
		ns[n == 1 ? ROW_ONE_THREAD : ROW_TWO_THREADS] =
			n == 1 ? worker[0].ns : (worker[0].ns + worker[1].ns) / 2;
	}
}

/* -----------------------------------------------------------------------------------------------------------------
 * passes */

static bool has_dirty(const struct subject *s)
{
	return s->run[RUN_DIRTY] != NULL;
}

static bool is_wide(const struct subject *s)
{
	return s->input_bits >= 38;
}

static const struct {
	void (*run)(const struct subject *s, double *ns);
	bool (*can)(const struct subject *s);
	bool cold;
} scenarios[] = {
	{scenario_pages, NULL, false},	    {scenario_fresh, NULL, false},    {scenario_blocks, NULL, false},
	{scenario_big, NULL, false},	    {scenario_segments, NULL, false}, {scenario_lookup, NULL, false},
	{scenario_dirty, has_dirty, false}, {scenario_threads, NULL, false},  {scenario_cold, is_wide, true},
};

void rows_pass(struct results *results, int pass, bool cold)
{
	if (hot[0] == 0)
		prepare();
	pin(0);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (scenarios[i].cold && !cold)
			continue;
		for (size_t k = 0; k < results->n_subjects; k++) {
			const struct subject *s = results->subject[k];
			uint64_t before = pool.in_use;
			outcome ns;

			if (scenarios[i].can && !scenarios[i].can(s))
				continue;
			for (int row = 0; row < N_ROWS; row++)
				ns[row] = -1;
			s->open();
			scenarios[i].run(s, ns);
			/* What the machine can do is measured in a table that somebody else has filled. */
			for (size_t other = k; scenarios[i].cold && other < results->n_subjects; other++) {
				const struct subject *limit = results->subject[other];

				outcome own;

				if (s->kind != HAND || limit->kind != LIMIT || strcmp(limit->build, s->build) != 0)
					continue;
				limit->adopt(s->root());
				scenario_cold(limit, own);
				if (pass >= 0) {
					results->ns[ROW_LOOKUP_64G][other][pass] = own[ROW_LOOKUP_64G];
					results->ns[ROW_BATCH_64G][other][pass] = own[ROW_BATCH_64G];
				}
			}
			s->close();
			if (pool.in_use != before)
				bench_fail("giving back all memory");
			for (int row = 0; pass >= 0 && row < N_ROWS; row++)
				if (ns[row] >= 0)
					results->ns[row][k][pass] = ns[row];
		}
	}
}

static int compare(const void *a, const void *b)
{
	double left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left > right) - (left < right);
}

bool rows_median(const struct results *results, enum row row, size_t subject, double *median, double *low, double *high)
{
	double values[MAX_PASSES];
	int n = 0;

	for (int pass = 0; pass < results->n_passes; pass++)
		if (results->ns[row][subject][pass] >= 0)
			values[n++] = results->ns[row][subject][pass];
	if (n == 0)
		return false;
	qsort(values, (size_t)n, sizeof(values[0]), compare);
	*median = values[n / 2];
	*low = values[n / 4];
	*high = values[n * 3 / 4];
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * main.c - the benchmark: passes over all formats and operations in turn, so that whatever disturbs the machine
 * disturbs all alike; medians are shown. Absolute times are of this machine; ratios are what counts.
 */
#include "bench.h"
#include "arm64_s1.h"
#include "x86_64.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES 101
#define ARENA  (8U << 20)

static const struct {
	const struct pt_format *format;
	const char *title;
	const char *param;
	int64_t value;
	bench_fn run;
} benches[] = {
	{&x86_64_format, "x86_64", NULL, 0, bench_x86_64},
	{&arm64_s1_format, "arm64_s1 4K", "tg", 12, bench_arm64_s1},
};

#define N_BENCHES (sizeof(benches) / sizeof(benches[0]))

static const struct {
	const char *name;
	unsigned int pages;
} operations[N_OPERATIONS] = {
	[MAP_ONE] = {"map", 1},	  [LOOKUP_ONE] = {"lookup", 1},	  [UNMAP_ONE] = {"unmap", 1},
	[MAP_512] = {"map", 512}, [LOOKUP_512] = {"lookup", 512}, [UNMAP_512] = {"unmap", 512},
};

/* Memory for tables: pages of one arena, the last one freed is the next one used. */
struct arena {
	unsigned char *base;
	size_t used;
	uint64_t free[ARENA / BENCH_PAGE];
	size_t n_free;
};

static bool arena_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct arena *arena = ctx;

	(void)max_pa;
	(void)node;
	if (bytes == BENCH_PAGE && align <= BENCH_PAGE && arena->n_free) {
		*pa = arena->free[--arena->n_free];
		return true;
	}
	arena->used = (arena->used + align - 1) & ~(align - 1);
	if (arena->used + bytes > ARENA)
		return false;
	*pa = arena->used;
	arena->used += bytes;
	return true;
}

static void arena_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct arena *arena = ctx;

	if (bytes == BENCH_PAGE)
		arena->free[arena->n_free++] = pa;
}

double bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void bench_fail(const char *what, enum pt_status status)
{
	fprintf(stderr, "bench: %s: %s\n", what, pt_status_string(status));
	exit(1);
}

static bool read_table(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct pt_table *table = ctx;

	if (pa > ARENA || bytes > ARENA - pa)
		return false;
	memcpy(buffer, table->direct + pa, bytes);
	return true;
}

uint64_t *bench_entries(const struct pt_table *table, unsigned int region)
{
	union {
		const struct pt_table *from;
		void *to;
	} ctx = {table};
	struct pt_reader reader = {ctx.to, read_table, NULL, 1000};
	struct pt_walk walk;

	table->format->walk(table, &reader, BENCH_IOVA + (uint64_t)region * PER_REGION * BENCH_PAGE, &walk);
	if (walk.fault != PT_FAULT_NONE || walk.leaf.lg2 != 12)
		bench_fail("the pages were not mapped as pages", PT_ERR_SIZE);
	return (uint64_t *)(void *)(table->direct + walk.step[walk.n_steps - 1].entry_pa);
}

static int compare(const void *a, const void *b)
{
	double left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left > right) - (left < right);
}

static double median(double values[PASSES])
{
	qsort(values, PASSES, sizeof(values[0]), compare);
	return values[PASSES / 2];
}

static double results[N_BENCHES][N_OPERATIONS][2][PASSES];

static void shuffle(uint32_t *order)
{
	uint32_t state = 12345;

	for (uint32_t i = 0; i < PAGES; i++)
		order[i] = i;
	for (uint32_t i = PAGES - 1; i > 0; i--) {
		uint32_t j, old = order[i];

		state = state * 1664525 + 1013904223;
		j = state % (i + 1);
		order[i] = order[j];
		order[j] = old;
	}
}

static json_t *report(void)
{
	json_t *array = json_array();

	printf("%-14s %-7s %6s %12s %12s %7s\n", "format", "call", "pages", "ns", "plain ns", "ratio");
	for (size_t b = 0; b < N_BENCHES; b++) {
		for (int o = 0; o < N_OPERATIONS; o++) {
			double ours = median(results[b][o][0]), plain = median(results[b][o][1]);

			printf("%-14s %-7s %6u %12.1f %12.1f %7.1f\n", benches[b].title, operations[o].name,
			       operations[o].pages, ours, plain, ours / plain);
			json_array_append_new(array,
					      json_pack("{s:s, s:s, s:i, s:f, s:f, s:f}", "format", benches[b].title,
							"call", operations[o].name, "pages", operations[o].pages, "ns",
							ours, "plain_ns", plain, "ratio", ours / plain));
		}
	}
	printf("one call each; medians of %d interleaved passes. plain: stores (loads) of the same words into the same "
	       "tables.\n"
	       "lookup of 512 pages: 512 calls, beside one loop of loads.\n",
	       PASSES);
	return array;
}

int main(int argc, char **argv)
{
	static struct pt_table tables[N_BENCHES];
	static struct arena arenas[N_BENCHES];
	static struct pt_mem mem[N_BENCHES];
	static uint32_t order[PAGES];
	json_t *json;
	int status = 0;

	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--json") != 0)) {
		fprintf(stderr, "usage: bench [--json FILE]\n");
		return 2;
	}
	shuffle(order);
	for (size_t b = 0; b < N_BENCHES; b++) {
		struct pt_config config;
		struct pt_result result = {0};
		enum pt_status made;

		arenas[b].base = aligned_alloc(2U << 20, ARENA);
		if (!arenas[b].base)
			bench_fail("memory", PT_ERR_MEMORY);
		memset(arenas[b].base, 0xa5, ARENA); /* touch it all before the clock runs */
		mem[b] = (struct pt_mem){
			.ctx = &arenas[b], .direct = arenas[b].base, .alloc = arena_alloc, .release = arena_release};
		pt_config_init(&config);
		if (benches[b].param)
			config.param[pt_param_find(benches[b].format, benches[b].param)] = benches[b].value;
		made = benches[b].format->init(&tables[b], &config, &mem[b], &result);
		if (made != PT_OK)
			bench_fail(benches[b].title, made);
	}
	for (int pass = -1; pass < PASSES; pass++) { /* the first one warms up */
		for (size_t b = 0; b < N_BENCHES; b++) {
			struct sample samples[N_OPERATIONS];

			bench_sink += benches[b].run(&tables[b], order, samples);
			for (int o = 0; pass >= 0 && o < N_OPERATIONS; o++) {
				results[b][o][0][pass] = samples[o].ours;
				results[b][o][1][pass] = samples[o].plain;
			}
		}
	}
	json = json_pack("{s:s, s:i, s:o}", "compiler", __VERSION__, "passes", PASSES, "results", report());
	if (argc == 3 && json_dump_file(json, argv[2], JSON_INDENT(2)) != 0) {
		fprintf(stderr, "bench: cannot write %s\n", argv[2]);
		status = 2;
	}
	json_decref(json);
	for (size_t b = 0; b < N_BENCHES; b++) {
		benches[b].format->fini(&tables[b]);
		free(arenas[b].base);
	}
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * count.c - does one operation N times, so that two runs under an instruction counter tell what one takes: whatever
 * comes before and after is the same in both, and cancels out.
 *
 *   count FORMAT OPERATION N      count --list
 */
#include "pt.h"
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	((uint64_t)4096)
#define REGION	((uint64_t)2 << 20)
#define REGIONS 32
#define ARENA	((size_t)16 << 20)
#define IOVA	UINT64_C(0x40000000)
#define PA	UINT64_C(0x40001000) /* one page off: only pages fit */

struct arena {
	unsigned char *base;
	size_t used;
};

static bool arena_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct arena *arena = ctx;
	size_t at = (arena->used + align - 1) & ~(align - 1);

	(void)node;
	if (at + bytes > ARENA || at + bytes - 1 > max_pa)
		return false;
	arena->used = at + bytes;
	*pa = at;
	return true;
}

static void arena_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)bytes;
}

static struct pt_table table;
static unsigned long count;

static void must(enum pt_status status, const char *what)
{
	if (status == PT_OK)
		return;
	fprintf(stderr, "count: %s: %s\n", what, pt_status_string(status));
	exit(1);
}

static void map(uint64_t page, uint64_t pages)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	must(table.format->map(&table, IOVA + page * PAGE, PA + page * PAGE, pages * PAGE,
			       PT_READ | PT_WRITE | PT_ALLOW_WIDER, &gather, NULL),
	     "map");
}

static void unmap(uint64_t page, uint64_t pages)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	must(table.format->unmap(&table, IOVA + page * PAGE, pages * PAGE, 0, &gather, NULL), "unmap");
}

static void nothing(void)
{
}

static void reserve_all(void)
{
	must(table.format->reserve(&table, IOVA, REGIONS * REGION, NULL), "reserve");
}

static void map_all(void)
{
	for (uint64_t i = 0; i < REGIONS; i++)
		map(i * 512, 512);
}

static void map_1(unsigned long i)
{
	map(i, 1);
}

static void unmap_1(unsigned long i)
{
	unmap(i, 1);
}

/* The same around no map: what of the others is not the operation. */
static enum pt_status no_map(struct pt_table *t, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request,
			     struct pt_gather *gather, struct pt_result *result)
{
	(void)t, (void)iova, (void)pa, (void)bytes, (void)request, (void)gather, (void)result;
	return PT_OK;
}

static void harness(unsigned long i)
{
	map(i, 1);
}

static void lookup(unsigned long i)
{
	uint64_t pa;

	must(table.format->iova_to_phys(&table, IOVA + i * PAGE, &pa), "lookup");
}

static void map_512(unsigned long i)
{
	map(i * 512, 512);
}

static void unmap_512(unsigned long i)
{
	unmap(i * 512, 512);
}

static void unmap_511(unsigned long i)
{
	unmap(i * 512, 511);
}

/* With the flush, since that frees the tables. */
static void unmap_trusted(unsigned long i)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	must(table.format->unmap(&table, IOVA + i * REGION, REGION, PT_UNMAP_TRUSTED, &gather, NULL), "unmap");
	pt_flush(&table, &gather);
}

static void protect_512(unsigned long i)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	must(table.format->protect(&table, IOVA + i * REGION, REGION, PT_READ | PT_ALLOW_WIDER, &gather, NULL),
	     "protect");
}

/* few, many: how often in the two runs. */
static const struct {
	const char *name;
	void (*before)(void);
	void (*run)(unsigned long i);
	unsigned long few, many;
} operations[] = {
	{"harness", nothing, harness, 1024, 8192},	  {"map-1", reserve_all, map_1, 1024, 8192},
	{"unmap-1", map_all, unmap_1, 1024, 8192},	  {"lookup", map_all, lookup, 1024, 8192},
	{"map-512", reserve_all, map_512, 8, 24},	  {"map-512-fresh", nothing, map_512, 8, 24},
	{"unmap-511", map_all, unmap_511, 8, 24},	  {"unmap-512", map_all, unmap_512, 8, 24},
	{"unmap-trusted", map_all, unmap_trusted, 8, 24}, {"protect-512", map_all, protect_512, 8, 24},
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void run(const struct pt_format *format, size_t operation)
{
	static struct arena arena;
	struct pt_mem mem = {.ctx = &arena, .alloc = arena_alloc, .release = arena_release};
	struct pt_result result = {0};

	arena.base = aligned_alloc(REGION, ARENA);
	if (!arena.base) {
		fprintf(stderr, "count: no memory\n");
		exit(1);
	}
	memset(arena.base, 0xa5, ARENA);
	arena.used = PAGE;
	mem.direct = arena.base;
	must(format->init(&table, NULL, &mem, &result), result.why ? result.why : "init");
	operations[operation].before();
	if (operations[operation].run == harness) {
		static struct pt_format idle;

		idle = *format;
		idle.map = no_map;
		table.format = &idle;
	}
	for (unsigned long i = 0; i < count; i++)
		operations[operation].run(i);
	free(arena.base);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < N_OPERATIONS; i++)
			printf("%s %lu %lu\n", operations[i].name, operations[i].few, operations[i].many);
		return 0;
	}
	if (argc == 4) {
		count = strtoul(argv[3], NULL, 0);
		for (size_t f = 0; f < pt_n_formats; f++)
			for (size_t i = 0; i < N_OPERATIONS; i++)
				if (strcmp(pt_formats[f]->name, argv[1]) == 0 &&
				    strcmp(operations[i].name, argv[2]) == 0) {
					run(pt_formats[f], i);
					return 0;
				}
	}
	fprintf(stderr, "usage: count FORMAT OPERATION N, or count --list for operations and how often\n");
	return 2;
}

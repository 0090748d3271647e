/* SPDX-License-Identifier: MIT */
/* first_table.c - the smallest program that makes a page table: map, look up, unmap, flush. */
#include <inttypes.h>
#include <stdio.h>

#include "x86_64.h"

/* The memory that tables live in: 16 pages, the first of which has physical address 0 and stays free. */
static _Alignas(4096) uint64_t pool[16][512];
static uint64_t next = 4096;

static bool alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)ctx, (void)node, (void)align; /* every table of this format is one page */
	if (next + bytes > sizeof(pool) || next + (bytes - 1) > max_pa)
		return false;
	*pa = next;
	next += bytes;
	return true;
}

static void release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	printf("release    0x%" PRIx64 ", %zu bytes\n", pa, bytes); /* a driver gives them back */
}

static void invalidate(void *ctx, const struct pt_gather *gather)
{
	(void)ctx; /* a driver tells its IOMMU, and waits */
	printf("invalidate 0x%" PRIx64 "-0x%" PRIx64 "\n", gather->first, gather->last);
}

int main(void)
{
	const struct pt_mem mem = {
		.direct = (unsigned char *)pool, .alloc = alloc, .release = release, .invalidate = invalidate};
	const uint64_t iova = 0x7f0000000000, bytes = 0x201000; /* a leaf of 2 MiB, and one of 4 KiB */
	struct pt_table table;
	struct pt_gather gather;
	struct pt_result result;
	uint64_t pa = 0;
	enum pt_status status = x86_64_init(&table, NULL, &mem, &result);

	pt_gather_init(&gather);
	if (status == PT_OK)
		status = x86_64_map(&table, iova, 0x40000000, bytes, PT_READ | PT_WRITE, &gather, &result);
	if (status == PT_OK)
		status = x86_64_iova_to_phys(&table, iova + 0x200123, &pa);
	if (status == PT_OK) {
		printf("root       0x%" PRIx64 "\n", pt_root(&table));
		printf("lookup     0x%" PRIx64 " -> 0x%" PRIx64 "\n", iova + 0x200123, pa);
		status = x86_64_unmap(&table, iova, bytes, 0, &gather, &result);
	}
	pt_flush(&table, &gather); /* invalidates, then frees what the unmap detached */
	printf("result     %s, %" PRIu64 " tables\n", pt_status_string(status), table.n_tables);
	x86_64_fini(&table);
	return status != PT_OK;
}

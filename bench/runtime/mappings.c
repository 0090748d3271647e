/* SPDX-License-Identifier: MIT */
/* mappings.c - backing on few devices and on many, replay when a device is activated, and the memory of tables. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "registry.h"
#include "runtime.h"
#include "vc.h"

#define MIB    ((uint64_t)1 << 20)
#define GIB    ((uint64_t)1 << 30)
#define PASSES 9

/* ---------------------------------------------------------------------------------------------------------- backing */

/* Formats of a chip, and a machine with room for tables of many. */
static const struct vc_span ram[] = {{0x80000000, 1024 * MIB}};
static const struct vc_pool_config pools[] = {{"1M blocks", 0x80000000, 64 * MIB, 20},
					      {"4K blocks", 0x84000000, 64 * MIB, 12}};
static const struct vc_type_config types[] = {{.pools = {0, 1}, .n_pools = 2}};
static const struct vc_system_config machine = {.ram = ram,
						.n_ram = 1,
						.pools = pools,
						.n_pools = 2,
						.types = types,
						.n_types = 1,
						.tables = {0x88000000, 896 * MIB}};

static const char *const chip[] = {"armv7_short", "arm64_s1",	      "arm64_s2", "x86_64",
				   "amd_v1",	  "vtd_second_stage", "mali_lpae"};

static const struct pt_format *format_of(const char *name)
{
	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			return pt_formats[i];
	fprintf(stderr, "bench-runtime: there is no format %s\n", name);
	exit(1);
}

struct many {
	struct vc_system *system;
	struct vc_region *region;
	struct vc_association *links[100];
	unsigned int n;
};

/*
 * n devices of mixed formats in one region, all active. apart: each has a bus offset of its own, so that none shares a
 * table with another.
 */
static void make(struct many *many, unsigned int n, int apart)
{
	many->n = n;
	must(vc_system_create(&machine, &many->system), "system");
	must(vc_region_create(many->system, 0, GIB, &many->region), "region");
	for (unsigned int i = 0; i < n; i++) {
		char name[16];
		struct vc_device_config config = {.name = name,
						  .format = format_of(chip[i % (sizeof(chip) / sizeof(chip[0]))]),
						  .allow_wider = true,
						  .bus_offset = apart ? (int64_t)(i / 7) * (int64_t)(16 * MIB) : 0};
		struct vc_device *device;

		snprintf(name, sizeof(name), "device%u", i);
		must(vc_device_create(many->system, &config, &device), "device");
		must(vc_associate(many->region, device, 0, &many->links[i]), "associate");
		must(vc_activate(many->links[i]), "activate");
	}
}

static void drop(struct many *many)
{
	for (unsigned int i = 0; i < many->n; i++) {
		must(vc_deactivate(many->links[i]), "deactivate");
		must(vc_dissociate(many->links[i]), "dissociate");
	}
	must(vc_region_free(many->region), "region");
	must(vc_system_destroy(many->system), "system");
}

static void back(struct row *row, unsigned int n, int apart, uint64_t blocks)
{
	struct vc_phys_args wanted = {.bytes = 16 * MIB, .sizes = blocks};
	struct vc_reserve_args args = {.bytes = 16 * MIB};
	struct vc_reservation *reservation;
	double samples[PASSES];
	struct vc_phys *phys;
	struct many many;

	make(&many, n, apart);
	must(vc_phys_alloc(many.system, &wanted, &phys), "memory");
	must(vc_reserve(many.region, &args, &reservation), "reserve");
	for (unsigned int pass = 0; pass < PASSES; pass++) {
		double start = now();

		must(vc_back(reservation, phys, 0), "vc_back");
		must(vc_unback(reservation, 0), "vc_unback");
		samples[pass] = (now() - start) / n;
	}
	point(row, n, samples, PASSES);
	must(vc_unreserve(reservation), "unreserve");
	must(vc_phys_free(phys), "memory");
	drop(&many);
}

void bench_backing(int quick)
{
	static const char section[] = "vc_back + vc_unback of 16 MiB, per device, on devices of 7 formats";
	static const unsigned int sizes[] = {1, 2, 7, 14, 49, 100};

	for (int apart = 0; apart < 2; apart++)
		for (int small = 0; small < 2; small++) {
			struct row *row = new_row(section, "devices", "ns", "%s, %s",
						  apart ? "a table each" : "equals share tables",
						  small ? "4K blocks" : "1M blocks");

			for (size_t i = 0; i < (quick ? 3 : sizeof(sizes) / sizeof(sizes[0])); i++)
				back(row, sizes[i], apart, small ? 4096 : MIB);
		}
}

/* ----------------------------------------------------------------------------------------------------------- replay */

/* What it takes to activate a device in a region in which n pages are backed, one reservation each. */
static void replay(struct row *row, const char *format, size_t n)
{
	struct vc_device_config config = {.name = "late", .format = format_of(format), .allow_wider = true};
	struct vc_reservation **reservations = calloc(n, sizeof(struct vc_reservation *));
	struct vc_phys **memory = calloc(n, sizeof(struct vc_phys *));
	struct vc_association *link;
	struct vc_system *system;
	struct vc_region *region;
	struct vc_device *device;
	double samples[PASSES];

	must(reservations && memory ? 0 : -1, "memory");
	must(vc_system_create(&machine, &system), "system");
	must(vc_region_create(system, 0, GIB, &region), "region");
	must(vc_device_create(system, &config, &device), "device");
	for (size_t i = 0; i < n; i++) {
		struct vc_reserve_args args = {.bytes = 4096, .cache = VC_NONCACHED};

		must(vc_reserve(region, &args, &reservations[i]), "reserve");
		must(vc_phys_wrap(system, 0x40000000 + (uint64_t)i * 4096, 4096, &memory[i]), "wrap");
		must(vc_back(reservations[i], memory[i], 0), "back");
	}
	for (unsigned int pass = 0; pass < PASSES; pass++) {
		double start;

		must(vc_associate(region, device, 0, &link), "associate");
		start = now();
		must(vc_activate(link), "vc_activate");
		samples[pass] = (now() - start) / (double)n;
		must(vc_deactivate(link), "deactivate");
		must(vc_dissociate(link), "dissociate"); /* the table goes with the last one */
	}
	point(row, (double)n, samples, PASSES);
	for (size_t i = 0; i < n; i++) {
		must(vc_unback(reservations[i], 0), "unback");
		must(vc_unreserve(reservations[i]), "unreserve");
		must(vc_phys_free(memory[i]), "memory");
	}
	must(vc_region_free(region), "region");
	must(vc_system_destroy(system), "system");
	free(reservations);
	free(memory);
}

void bench_replay(int quick)
{
	static const char *const formats[] = {"armv7_short", "arm64_s1", "x86_64", "amd_v1"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct row *row = new_row("vc_activate, per mapping that is replayed", "mappings of 4 KiB", "ns", "%s",
					  formats[i]);

		for (size_t n = 100; n <= (quick ? 10000 : 100000); n *= 10)
			replay(row, formats[i], n);
	}
}

/* ----------------------------------------------------------------------------------------------------- table memory */

struct table_pool {
	unsigned char *base;
	uint64_t next, bytes;
};

static bool table_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct table_pool *pool = ctx;
	uint64_t at = (pool->next + align - 1) & ~((uint64_t)align - 1);

	(void)node;
	if (at + bytes > pool->bytes || at + (bytes - 1) > max_pa)
		return false;
	pool->next = at + bytes;
	*pa = at;
	return true;
}

static void table_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)bytes;
}

struct entries {
	const struct pt_format *format;
	uint64_t bytes;
};

static bool count_entries(void *ctx, const struct pt_run *run)
{
	struct entries *entries = ctx;

	/* A group takes as many entries as it has slots. */
	entries->bytes += (((run->last - run->first) >> run->leaf.entry_lg2) + 1) *
			  entries->format->levels[run->leaf.level].entry_bytes;
	return true;
}

static bool read_tables(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	struct table_pool *pool = ctx;

	if (pa >= pool->bytes || bytes > pool->bytes - pa)
		return false;
	memcpy(buffer, pool->base + pa, bytes);
	return true;
}

/*
 * One GiB from address 0 (or from the beginning of what the table serves), in pieces of which none continues the other,
 * so that leaves are of that size. Bytes of tables, and how many times the bytes of its leaf entries that is: the least
 * possible is their number and their width.
 */
static void measure(const struct pt_format *format, unsigned int lg2, struct row *bytes, struct row *ratio)
{
	struct table_pool pool = {.next = 4096, .bytes = 64 * MIB};
	struct pt_mem mem = {.ctx = &pool, .alloc = table_alloc, .release = table_release};
	struct pt_reader reader = {.ctx = &pool, .read = read_tables, .steps = UINT64_MAX};
	uint64_t piece = (uint64_t)1 << lg2, n = GIB >> lg2;
	struct entries entries = {format, 0};
	struct pt_result result = {.iova = 0};
	double sample, part;
	struct pt_table table;
	enum pt_status status;

	pool.base = mmap(NULL, (size_t)pool.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	must(pool.base == MAP_FAILED ? -1 : 0, "mmap");
	mem.direct = pool.base;
	status = format->init(&table, NULL, &mem, &result);
	for (uint64_t i = 0; i < n && status == PT_OK; i++) {
		/* from the top down: physical addresses do not go on where virtual ones do */
		uint64_t iova = table.first + i * piece, pa = (n - 1 - i) * piece;

		status = format->map(&table, iova, pa, piece, PT_READ | PT_WRITE | PT_ALLOW_WIDER, NULL, &result);
	}
	if (status == PT_OK) {
		format->visit(&table, &reader, 0, UINT64_MAX, count_entries, &entries);
		sample = (double)table.table_bytes;
		part = (double)table.table_bytes / (double)entries.bytes;
		point(bytes, (double)piece / 1024, &sample, 1);
		point(ratio, (double)piece / 1024, &part, 1);
		format->fini(&table);
	}
	munmap(pool.base, (size_t)pool.bytes);
}

void bench_tables(int quick)
{
	static const unsigned int sizes[] = {12, 14, 16, 21, 30};
	struct row *bytes[64], *ratio[64];

	for (size_t i = 0; i < pt_n_formats && i < 64; i++)
		bytes[i] = new_row("bytes of tables for one mapped GiB", "KiB of each piece", "bytes", "%s",
				   pt_formats[i]->name);
	for (size_t i = 0; i < pt_n_formats && i < 64; i++) {
		ratio[i] = new_row("the same, in bytes of the leaf entries alone: the least possible is 1",
				   "KiB of each piece", "times", "%s", pt_formats[i]->name);
		for (size_t k = 0; k < (quick ? 1 : sizeof(sizes) / sizeof(sizes[0])); k++)
			measure(pt_formats[i], sizes[k], bytes[i], ratio[i]);
	}
}

/* SPDX-License-Identifier: MIT */
/* allocators.c - address space and physical memory: what one more costs when there are many. */
#include <stdio.h>
#include <stdlib.h>

#include "block.h"
#include "range.h"
#include "runtime.h"
#include "vc.h"

#define PASSES 9
#define BATCH  2000

/* ---------------------------------------------------------------------------------------------------- address space */

/* Lengths and alignments as drivers ask for: mostly pages, some blocks. */
static uint64_t a_length(uint64_t *random)
{
	uint64_t value = next_random(random);

	return value % 16 == 0 ? UINT64_C(1) << 20 : value % 4 == 0 ? UINT64_C(1) << 16 : UINT64_C(1) << 12;
}

/* Take and give back one of many at random, so that holes of all lengths are everywhere. */
static void churn_ranges(struct row *row, size_t n)
{
	struct vc_range_node **nodes = calloc(n, sizeof(struct vc_range_node *));
	struct vc_ranges ranges;
	double samples[PASSES];
	uint64_t random = n;

	must(nodes ? vc_ranges_init(&ranges, 0, (UINT64_C(1) << 47) - 1, 12) : -1, "ranges");
	for (size_t i = 0; i < n; i++)
		must(vc_ranges_take(&ranges, a_length(&random), 12, 0, UINT64_MAX, NULL, &nodes[i]), "take");
	for (unsigned int pass = 0; pass < PASSES; pass++) {
		double start = now();

		for (unsigned int i = 0; i < BATCH; i++) {
			size_t at = next_random(&random) % n;

			vc_ranges_give(&ranges, nodes[at]);
			must(vc_ranges_take(&ranges, a_length(&random), 12, 0, UINT64_MAX, NULL, &nodes[at]), "take");
		}
		samples[pass] = (now() - start) / BATCH;
	}
	point(row, (double)n, samples, PASSES);
	vc_ranges_fini(&ranges);
	free(nodes);
}

static void churn_reservations(struct row *row, size_t n)
{
	struct vc_reservation **reservations = calloc(n, sizeof(struct vc_reservation *));
	struct vc_system *system;
	struct vc_region *region;
	double samples[PASSES];
	uint64_t random = n;

	must(reservations ? 0 : -1, "reservations");
	must(vc_system_create(NULL, &system), "system");
	must(vc_region_create(system, 0, UINT64_C(1) << 47, &region), "region");
	for (size_t i = 0; i < n; i++) {
		struct vc_reserve_args args = {.bytes = a_length(&random)};

		must(vc_reserve(region, &args, &reservations[i]), "vc_reserve");
	}
	for (unsigned int pass = 0; pass < PASSES; pass++) {
		double start = now();

		for (unsigned int i = 0; i < BATCH; i++) {
			struct vc_reserve_args args = {.bytes = a_length(&random)};
			size_t at = next_random(&random) % n;

			must(vc_unreserve(reservations[at]), "vc_unreserve");
			must(vc_reserve(region, &args, &reservations[at]), "vc_reserve");
		}
		samples[pass] = (now() - start) / BATCH;
	}
	point(row, (double)n, samples, PASSES);
	for (size_t i = 0; i < n; i++)
		must(vc_unreserve(reservations[i]), "vc_unreserve");
	must(vc_region_free(region), "vc_region_free");
	must(vc_system_destroy(system), "vc_system_destroy");
	free(reservations);
}

void bench_ranges(int quick)
{
	static const char section[] = "reserve and unreserve one of many, at random";
	struct row *ranges = new_row(section, "reservations", "ns", "vc_ranges_take + vc_ranges_give");
	struct row *reserve = new_row(section, "reservations", "ns", "vc_reserve + vc_unreserve");

	for (size_t n = 10; n <= (quick ? 100000 : 1000000); n *= 10) {
		churn_ranges(ranges, n);
		churn_reservations(reserve, n);
	}
}

/* -------------------------------------------------------------------------------------------------- physical memory */

#define N_BLOCKS ((size_t)1 << 20)

/* Blocks of a pool that is filled to some part, in no order: what one more takes, and what it takes to give it back. */
static void fill(struct row *row, unsigned int block_lg2, const double *part, size_t n_parts)
{
	struct piece *pieces = calloc(N_BLOCKS, sizeof(*pieces));
	double samples[PASSES];
	struct pool pool;
	uint64_t random = 1;
	size_t used = 0;

	must(pieces ? pool_init(&pool, "pool", 0, (uint64_t)N_BLOCKS << 12, block_lg2) : -1, "pool");
	for (size_t k = 0; k < n_parts; k++) {
		size_t wanted = (size_t)((double)N_BLOCKS * part[k] / 100);

		while (used < wanted)
			must(pool_take(&pool, 12, &pieces[used++]), "pool_take");
		/* free holes wander about */
		for (size_t i = 0; i < used / 4; i++) {
			size_t at = next_random(&random) % used;

			pool_give(&pieces[at]);
			must(pool_take(&pool, 12, &pieces[at]), "pool_take");
		}
		for (unsigned int pass = 0; pass < PASSES; pass++) {
			double start = now();

			for (unsigned int i = 0; i < BATCH; i++) {
				size_t at = next_random(&random) % used;

				pool_give(&pieces[at]);
				must(pool_take(&pool, 12, &pieces[at]), "pool_take");
			}
			samples[pass] = (now() - start) / BATCH;
		}
		point(row, part[k], samples, PASSES);
	}
	while (used)
		pool_give(&pieces[--used]);
	pool_fini(&pool);
	free(pieces);
}

void bench_blocks(int quick)
{
	static const double part[] = {1, 50, 90, 99, 99.9, 100};
	static const char section[] = "give a block back and take one, 2^20 blocks of 4 KiB";

	fill(new_row(section, "% of the pool in use", "ns", "blocks of one size"), 12, part, 6);
	fill(new_row(section, "% of the pool in use", "ns", "any size, split and joined"), 0, part, quick ? 2 : 6);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_random.c - every format, many configurations: random sequences of operations against the ledger of world.h,
 * compared after every step; with every allocation failing once in half of the rounds.
 *
 * PTGEN_TEST_ROUNDS   configurations per format and test (default below)
 * PTGEN_TEST_ROUND    only this one (the number is in the message of a failure)
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

enum { DEFAULT_ROUNDS = 16, STEPS = 60, SEGMENTS = 6 };

static size_t count(void)
{
	return formats_count();
}

static const char *label(size_t each)
{
	return formats_nth(each)->name;
}

static unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

/* Rarely a subset of the leaf sizes. */
static void random_sizes(const struct pt_format *format, uint64_t *random, struct pt_config *config)
{
	if (test_random(random) % 5 == 0)
		config->page_sizes =
			(format->page_sizes & test_random(random)) | (format->page_sizes & (~format->page_sizes + 1));
}

/*
 * One sequence; marks the kinds of operation that could succeed in this configuration, and those that did (bit n: kind
 * n). False: the configuration is not valid.
 */
static bool sequence(const struct pt_format *format, unsigned int round, bool inject, unsigned int *possible,
		     unsigned int *done)
{
	unsigned int steps = inject ? STEPS / 2 : STEPS;
	uint64_t random = test_seed() + round * 0x1234567u;
	static struct world world;
	struct pt_config config;
	struct pt_segment segments[SEGMENTS];

	world_random_config(format, &random, &config);
	random_sizes(format, &random, &config);
	if (round == 0)
		formats_config(format, &config); /* all defaults, once for sure */
	if (!world_open(&world, format, &config, test_random(&random) % 2, test_random(&random)))
		return false;
	world.round = round;
	world.inject = inject;
	world_check(&world);
	for (unsigned int step = 0; step < steps; step++) {
		struct op op;

		world.step = step;
		world_random_op(&world, &op, segments, SEGMENTS);
		if (world.ledger.n > 1500 || world.table.n_tables > 60) { /* enough to look through: make room */
			const struct entry *from = &world.ledger.v[0], *to = &world.ledger.v[world.ledger.n / 2];
			uint64_t half = (uint64_t)1 << (world.in.input_hi > 62 ? 62 : world.in.input_hi);

			op = (struct op){.kind = OP_TRIM, .iova = interp_present(&world.in, 0), .bytes = half};
			if (step % 2 && world.ledger.n) {
				op.kind = OP_UNMAP;
				op.iova = interp_present(&world.in, from->inner);
				op.bytes = to->inner + ((uint64_t)1 << to->lg2) - from->inner;
			}
		}
		world_do(&world, &op, NULL);
		world_check(&world);
		if (test_random(&random) % 3 == 0) {
			world_flush(&world);
			world_check(&world);
		}
		for (unsigned int i = 0; i < 3 && world.ledger.n; i++) {
			const struct entry *leaf = &world.ledger.v[test_random(&random) % world.ledger.n];
			uint64_t inner = leaf->inner + (test_random(&random) & (((uint64_t)1 << leaf->lg2) - 1));

			world_access(&world, inner, test_random(&random) % 2);
		}
	}
	*possible |= ((1U << N_OPS) - 1) & ~(1U << OP_DIRTY);
	if (world_has_state(&world, 0) || world_has_state(&world, PT_DIRTY_ACCESSED))
		*possible |= 1U << OP_DIRTY;
	for (int kind = 0; kind < N_OPS; kind++)
		*done |= (unsigned int)(world.n_done[kind] != 0) << kind;
	world_close(&world);
	return true;
}

static void rounds(size_t each, bool inject)
{
	unsigned int n = setting("PTGEN_TEST_ROUNDS", DEFAULT_ROUNDS), only = setting("PTGEN_TEST_ROUND", UINT32_MAX);
	unsigned int valid = 0, most = n + 4 * DEFAULT_ROUNDS, possible = 0, done = 0;

	if (only != UINT32_MAX) {
		CHECK_MSG(sequence(formats_nth(each), only, inject, &possible, &done),
			  "round %u is no valid configuration", only);
		return;
	}
	/*
	 * A series of nothing but refusals would prove little: it goes on until each kind of operation that can succeed
	 * has done so, which is mostly long before n. Most random configurations of some formats do not fit together.
	 */
	for (unsigned int round = 0; valid < n || (done != possible && valid < most); round++) {
		CHECK_MSG(round < 50 * most, "%s: of %u configurations %u are valid", formats_nth(each)->name, round,
			  valid);
		valid += sequence(formats_nth(each), round, inject, &possible, &done);
	}
	CHECK_MSG(done == possible, "%s: in %u rounds kinds 0x%x of operations succeeded, expected 0x%x",
		  formats_nth(each)->name, valid, done, possible);
}

TEST_EACH(model, random, count, label)
{
	rounds(each, false);
}

TEST_EACH(model, random_out_of_memory, count, label)
{
	rounds(each, true);
}

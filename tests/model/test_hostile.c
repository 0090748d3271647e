/* SPDX-License-Identifier: MIT */
/*
 * test_hostile.c - memory that nobody wrote as tables: random bytes, tables that are their own ancestors, tables that
 * all lead to one, roots outside of memory. No crash, no read out of bounds, no more steps than were granted, and the
 * same walks as the interpreter's.
 */
#include "compare.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

enum { MEMORY = 1 << 20, DEFAULT_ROUNDS = 20, ADDRESSES = 40 };

struct hostile {
	unsigned char *bytes;
	uint64_t base;
	uint64_t reads;
	struct interp in;
	struct pt_table table;
	const struct pt_format *format;
	struct pt_config config;
	const char *filling;
	unsigned int round;
	uint64_t root, roots[PT_MAX_ROOTS];
};

static size_t count(void)
{
	return formats_count();
}

static const char *label(size_t each)
{
	return formats_nth(each)->name;
}

static bool read_memory(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	struct hostile *hostile = ctx;

	hostile->reads++;
	if (pa < hostile->base || pa - hostile->base > MEMORY || bytes > MEMORY - (pa - hostile->base))
		return false;
	memcpy(buffer, hostile->bytes + (pa - hostile->base), bytes);
	return true;
}

static const char *describe(void *ctx)
{
	const struct hostile *hostile = ctx;
	static char text[1024];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s round %u, memory of %s, root 0x%" PRIx64,
				     hostile->format->name, hostile->round, hostile->filling, hostile->root);

	for (unsigned int i = 0; i < hostile->format->n_params && at < sizeof(text) - 64; i++)
		if (hostile->config.param[i] != PT_UNSET)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %s=%" PRId64,
					       hostile->format->params[i].name, hostile->config.param[i]);
	return text;
}

/* A word of some kind of a level; tables lead to `to`, or into the memory. */
static void some_word(struct hostile *hostile, ref level, bool tables_only, uint64_t to, uint64_t *random,
		      uint64_t word[2])
{
	const struct m_level *l = &hostile->in.model->levels.v[level];

	for (unsigned int try = 0; try < 16; try++) {
		ref kind = l->first_kind + (ref)(test_random(random) % (unsigned int)l->n_kinds);
		const struct m_kind *k = &hostile->in.model->kinds.v[kind];
		uint64_t address = interp_outside(&hostile->in, test_random(random) & hostile->in.output_mask &
									~(((uint64_t)1 << k->lg2) - 1));

		if (tables_only && k->category != CATEGORY_TABLE)
			continue;
		if (k->category == CATEGORY_TABLE)
			address = to ? to : hostile->base + (test_random(random) % (MEMORY / 4096)) * 4096;
		interp_encode(&hostile->in, kind, address, (unsigned int)test_random(random) % (PT_REQUEST_MASK + 1),
			      word);
		return;
	}
	word[0] = test_random(random);
	word[1] = test_random(random);
}

static void fill(struct hostile *hostile, unsigned int how, uint64_t *random)
{
	static const char *const names[] = {"random bytes", "one table that is its own ancestor",
					    "tables that lead anywhere", "words of all kinds", "equal words"};
	const struct m_shape *shape = &hostile->in.model->shapes.v[hostile->in.shape];
	size_t step = (size_t)hostile->in.model->levels.v[hostile->in.start].entry_bytes;
	uint64_t same[2];
	ref any = shape->first_level + (ref)(test_random(random) % (unsigned int)shape->n_levels);

	hostile->filling = names[how];
	some_word(hostile, any, false, 0, random, same);
	for (size_t at = 0; at + step <= MEMORY; at += step) {
		ref level = shape->first_level + (ref)(test_random(random) % (unsigned int)shape->n_levels);
		uint64_t word[2] = {test_random(random), test_random(random)};

		if (how == 1)
			some_word(hostile, test_random(random) % 2 ? hostile->in.start : level, true, hostile->root,
				  random, word);
		else if (how == 2)
			some_word(hostile, level, true, 0, random, word);
		else if (how == 3)
			some_word(hostile, level, false, 0, random, word);
		else if (how == 4)
			memcpy(word, same, sizeof(word));
		/* entries of this level may be larger than those of the root, by which the memory is filled */
		if (at + (size_t)hostile->in.model->levels.v[level].entry_bytes <= MEMORY)
			interp_store(&hostile->in, level, word, hostile->bytes + at);
	}
}

static bool on_run(void *ctx, const struct pt_run *run)
{
	CHECK(run->first <= run->last);
	return --*(unsigned int *)ctx != 0;
}

static bool on_finding(void *ctx, const struct pt_finding *finding)
{
	CHECK(finding->text != NULL);
	return --*(unsigned int *)ctx != 0;
}

/* Few steps are enough for no table, and never exceeded; callbacks may stop. */
static void check_limits(struct hostile *hostile, const struct compared *c)
{
	static const uint64_t limits[] = {0, 1, 2, 33, 1000, 100000};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct pt_reader reader = c->reader;
		unsigned int stop = 5;
		enum pt_status status;
		uint64_t findings;

		reader.steps = limits[i];
		hostile->reads = 0;
		status = c->format->visit(c->table, &reader, 0, UINT64_MAX, on_run, &stop);
		CHECK_MSG(reader.steps <= limits[i] && hostile->reads <= 2 * limits[i] + 2,
			  "%s\n  visit with %" PRIu64 " steps: %" PRIu64 " reads, %" PRIu64 " steps left",
			  describe(hostile), limits[i], hostile->reads, reader.steps);
		CHECK_MSG(stop || status == PT_ERR_STOPPED, "%s\n  visit that was stopped: %s", describe(hostile),
			  pt_status_string(status));
		stop = 5;
		reader.steps = limits[i];
		hostile->reads = 0;
		findings = UINT64_MAX;
		status = c->format->verify(c->table, &reader, on_finding, &stop, &findings);
		CHECK_MSG(reader.steps <= limits[i] && findings != UINT64_MAX,
			  "%s\n  verify with %" PRIu64 " steps: %" PRIu64 " left", describe(hostile), limits[i],
			  reader.steps);
		CHECK_MSG(stop || status == PT_ERR_STOPPED, "%s\n  verify that was stopped: %s", describe(hostile),
			  pt_status_string(status));
		CHECK_MSG(limits[i] || status == PT_ERR_STEPS, "%s\n  verify without a step: %s", describe(hostile),
			  pt_status_string(status));
	}
	/* one walk takes a step per level */
	{
		struct pt_reader reader = c->reader;
		struct pt_walk walk;

		reader.steps = 0;
		c->format->walk(c->table, &reader, interp_present(&hostile->in, hostile->in.aperture_first), &walk);
		CHECK_MSG(walk.fault == PT_FAULT_LOOP, "%s\n  walk without a step: %s", describe(hostile),
			  pt_fault_string(c->format, walk.fault));
	}
}

static bool one_round(struct hostile *hostile, const struct pt_format *format, unsigned int round, uint64_t *random)
{
	static const uint64_t bases[] = {0, 0x10000, 0x40000000, (uint64_t)1 << 35};
	struct compared c = {
		.format = format, .table = &hostile->table, .in = &hostile->in, .describe = describe, .ctx = hostile};
	uint64_t iova[ADDRESSES];
	const char *why;

	hostile->format = format;
	hostile->round = round;
	world_random_config(format, random, &hostile->config);
	why = interp_init(&hostile->in, models_find(format->name), hostile->config.param);
	if (why)
		return false;
	hostile->base = bases[test_random(random) % 4];
	hostile->root = hostile->base + (test_random(random) % (MEMORY / 65536)) * 65536;
	if (round % 8 == 7)
		hostile->root = test_random(random) & ~(uint64_t)0xffff; /* most likely outside */
	memset(&hostile->table, 0xa5, sizeof(hostile->table));
	CHECK_EQ(format->view(&hostile->table, &hostile->config, NULL, 0, NULL), PT_OK);
	CHECK_EQ(hostile->table.n_roots, (uint64_t)1 << hostile->in.count_lg2);
	hostile->roots[0] = hostile->root;
	for (unsigned int i = 1; i < hostile->table.n_roots; i++)
		hostile->roots[i] = test_random(random) % 4
					    ? hostile->base + (test_random(random) % (MEMORY / 65536)) * 65536
					    : hostile->root;
	CHECK_EQ(format->view(&hostile->table, &hostile->config, hostile->roots, hostile->table.n_roots + 1U, NULL),
		 PT_ERR_CONFIG);
	if (format->view(&hostile->table, &hostile->config, hostile->roots, hostile->table.n_roots, NULL) != PT_OK)
		return false; /* not where a register can point */
	CHECK_EQ(pt_root(&hostile->table), hostile->root);
	fill(hostile, round % 5, random);
	c.image = (struct image){read_memory, hostile};
	c.reader = (struct pt_reader){.ctx = hostile, .read = read_memory};
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		iova[i] = test_random(random);
		if (i % 8)
			iova[i] = interp_present(&hostile->in, iova[i]);
		compare_walk(&c, iova[i]);
		compare_translate(&c, iova[i], (unsigned int)test_random(random) & 15);
	}
	compare_visit_verify(&c, iova, ADDRESSES);
	check_limits(hostile, &c);
	return true;
}

TEST_EACH(model, hostile_memory, count, label)
{
	const char *text = getenv("PTGEN_TEST_ROUNDS");
	unsigned int n = text ? (unsigned int)strtoul(text, NULL, 0) : DEFAULT_ROUNDS, valid = 0;
	uint64_t random = test_seed() + 1234 * each;
	struct hostile hostile = {.bytes = malloc(MEMORY)};

	CHECK(hostile.bytes != NULL);
	for (unsigned int round = 0; valid < n && round < 50 * n; round++)
		valid += one_round(&hostile, formats_nth(each), round, &random);
	CHECK_EQ(valid, n);
	free(hostile.bytes);
}

/* Nothing is wrong with a small root that holds nothing but absent words or leaves; of what is there, F_verify decides.
 */
static enum pt_status adopt_random(struct hostile *hostile, uint64_t *random)
{
	struct pt_reader reader = {.ctx = hostile, .read = read_memory, .steps = 1 << 20}, verifying = reader;
	size_t n = (size_t)1 << hostile->in.count_lg2;
	struct pt_result result = {0};
	struct pt_table view;
	struct ground ground;
	struct pt_mem mem;
	uint64_t findings = 0;
	enum pt_status status, verified;

	fill(hostile, 0, random);
	ground_open(&ground, 0x50000000, 1 << 20, true, 1);
	/* the memory that is verified is the one that is taken over */
	mem = ground.mem;
	mem.direct = hostile->bytes - hostile->base;
	status = hostile->format->adopt(&hostile->table, &hostile->config, &mem, hostile->roots, n, &reader, &result);
	verified = hostile->format->view(&view, &hostile->config, hostile->roots, n, NULL);
	if (verified == PT_OK)
		verified = hostile->format->verify(&view, &verifying, NULL, NULL, &findings);
	/* a table of another layout than a mapper's is sound, and refused all the same */
	CHECK_MSG(status != PT_OK || (verified == PT_OK && findings == 0), "random bytes were adopted");
	CHECK_EQ(ground.live, 0);
	ground_close(&ground);
	return status;
}

/* An adoption of what does not verify is refused, and leaves a table that can be forgotten. */
TEST_EACH(model, hostile_adoption, count, label)
{
	struct hostile hostile = {.bytes = malloc(MEMORY), .format = formats_nth(each)};
	uint64_t random = test_seed() + each;
	unsigned int refused = 0;

	CHECK(hostile.bytes != NULL);
	hostile.base = 0x40000000;
	hostile.root = 0x40000000;
	formats_config(hostile.format, &hostile.config);
	CHECK(interp_init(&hostile.in, models_find(hostile.format->name), hostile.config.param) == NULL);
	for (unsigned int i = 0; i < PT_MAX_ROOTS; i++)
		hostile.roots[i] = hostile.root + (uint64_t)i * 0x10000;
	for (unsigned int round = 0; round < 32; round++)
		refused += adopt_random(&hostile, &random) != PT_OK;
	CHECK(refused > 0);
	free(hostile.bytes);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_mutate.c - generated walkers against the interpreter on words that nobody maps: every level's classifier over
 * random and nearly right words, and tables of a random map in which words were changed.
 */
#include "compare.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

enum { DEFAULT_ROUNDS = 20, ADDRESSES = 64, SEGMENTS = 4 };

static size_t count(void)
{
	return formats_count();
}

static const char *label(size_t each)
{
	return formats_nth(each)->name;
}

static unsigned int n_rounds(void)
{
	const char *text = getenv("PTGEN_TEST_ROUNDS");

	return text ? (unsigned int)strtoul(text, NULL, 0) : DEFAULT_ROUNDS;
}

static const char *describe(void *ctx)
{
	return world_describe(ctx);
}

static void compared_with(struct world *world, struct compared *c)
{
	c->format = world->format;
	c->table = &world->table;
	c->in = &world->in;
	c->image = ground_cpu(&world->ground);
	ground_reader(&world->ground, false, false, &c->reader);
	c->describe = describe;
	c->ctx = world;
}

/* A valid random configuration with a table of some mappings. */
static bool populate(struct world *world, const struct pt_format *format, uint64_t *random, unsigned int ops)
{
	struct pt_segment segments[SEGMENTS];
	struct pt_config config;

	world_random_config(format, random, &config);
	if (!world_open(world, format, &config, true, test_random(random)))
		return false;
	for (unsigned int i = 0; i < ops; i++) {
		struct op op;

		world_random_op(world, &op, segments, SEGMENTS);
		if (op.kind == OP_UNMAP || op.kind == OP_TRIM)
			op.kind = OP_MAP;
		world_do(world, &op, NULL);
	}
	return true;
}

/* Bytes of the entries that are there are put back before the table goes, so that fini sees what it wrote. */
struct undo {
	uint64_t pa;
	unsigned char bytes[16];
	size_t n;
};

static void mutate_word(struct world *world, const struct interp_walk *walk, uint64_t *random, struct undo *undo)
{
	const struct pt_step *step = &walk->step[test_random(random) % walk->n_steps];
	uint64_t word[2] = {step->raw[0], step->raw[1]};
	unsigned int bits = (unsigned int)world->in.model->levels.v[step->level].entry_bytes * 8;
	unsigned char *at = world->ground.ram + (step->entry_pa - world->ground.base);

	undo->pa = step->entry_pa;
	undo->n = bits / 8;
	memcpy(undo->bytes, at, undo->n);
	switch (test_random(random) % 8) {
	case 0: /* anything */
		word[0] = test_random(random);
		word[1] = test_random(random);
		break;
	case 1: /* some table, so that walks arrive: the root itself, or another one */
		word[0] = (word[0] & 0xfff) |
			  ((test_random(random) % 2 ? pt_root_at(&world->table, (unsigned int)(test_random(random) %
											       world->table.n_roots))
						    : world->ground.base + test_random(random) % world->ground.next) &
			   ~(uint64_t)0xfff);
		break;
	default: /* a bit or two */
		for (uint64_t i = 0; i < 1 + test_random(random) % 2; i++) {
			unsigned int bit = (unsigned int)(test_random(random) % bits);

			word[bit / 64] ^= (uint64_t)1 << bit % 64;
		}
		break;
	}
	interp_store(&world->in, step->level, word, at);
}

static uint64_t random_address(struct world *world, uint64_t *random)
{
	uint64_t inner = test_random(random);

	if (world->ledger.n && test_random(random) % 8) {
		const struct entry *leaf = &world->ledger.v[test_random(random) % world->ledger.n];

		inner = leaf->inner + (test_random(random) & (((uint64_t)1 << leaf->lg2) - 1));
	}
	if (test_random(random) % 32 == 0)
		return test_random(random); /* mostly outside of the range */
	return interp_present(&world->in, inner);
}

TEST_EACH(model, mutated_tables, count, label)
{
	uint64_t random = test_seed() + 77 * each;
	unsigned int n = n_rounds(), valid = 0;

	for (unsigned int round = 0; valid < n && round < 50 * n; round++) {
		static struct world world;
		struct compared c;

		if (!populate(&world, formats_nth(each), &random, 12))
			continue;
		valid++;
		compared_with(&world, &c);
		for (unsigned int k = 0; k < 12; k++) {
			uint64_t iova[ADDRESSES];
			struct undo undo[8];
			unsigned int n_undo = 0;

			snprintf(world.what, sizeof(world.what), "round %u, mutation %u", round, k);
			for (unsigned int i = 0; i < ADDRESSES; i++)
				iova[i] = random_address(&world, &random);
			while (k && n_undo < 1 + k / 3) { /* the first time as it is */
				struct interp_walk walk;
				uint64_t *at = &iova[test_random(&random) % ADDRESSES];

				interp_walk(&world.in, &c.image, interp_roots(&world.table), *at, &walk);
				/* Where little of the input is served, most addresses lead to no entry at all. */
				if (!walk.n_steps)
					*at = interp_present(&world.in, world.in.aperture_first);
				else
					mutate_word(&world, &walk, &random, &undo[n_undo++]);
			}
			for (unsigned int i = 0; i < ADDRESSES; i++) {
				compare_walk(&c, iova[i]);
				compare_translate(&c, iova[i], (unsigned int)test_random(&random) & 15);
			}
			compare_visit_verify(&c, iova, ADDRESSES);
			if (k == 0) {
				struct pt_reader reader = c.reader;

				CHECK_EQ(world.format->verify(&world.table, &reader, NULL, NULL, NULL), PT_OK);
			}
			while (n_undo--)
				memcpy(world.ground.ram + (undo[n_undo].pa - world.ground.base), undo[n_undo].bytes,
				       undo[n_undo].n);
		}
		world_close(&world);
	}
	CHECK_EQ(valid, n);
}

/* The words that a mapper writes at a level, with up to three bits turned over, and random ones. */
TEST_EACH(model, classify, count, label)
{
	uint64_t random = test_seed() + 99 * each;
	unsigned int n = 10 * n_rounds(), valid = 0;

	for (unsigned int round = 0; valid < n && round < 50 * n; round++) {
		static struct world world;
		const struct m_shape *shape;
		struct compared c;

		if (!populate(&world, formats_nth(each), &random, 0))
			continue;
		valid++;
		compared_with(&world, &c);
		shape = &world.in.model->shapes.v[world.in.shape];
		for (ref level = shape->first_level; level < shape->first_level + shape->n_levels; level++) {
			const struct m_level *l = &world.in.model->levels.v[level];

			for (unsigned int i = 0; i < 200; i++) {
				ref kind = l->first_kind + (ref)(test_random(&random) % (unsigned int)l->n_kinds);
				uint64_t word[2] = {test_random(&random), test_random(&random)};
				unsigned int bits = (unsigned int)l->entry_bytes * 8;

				if (i % 4) {
					interp_encode(
						&world.in, kind,
						interp_outside(&world.in, test_random(&random) & world.in.output_mask),
						(unsigned int)test_random(&random) % (PT_REQUEST_MASK + 1), word);
					for (uint64_t k = test_random(&random) % 4; k; k--) {
						unsigned int bit = (unsigned int)(test_random(&random) % bits);

						word[bit / 64] ^= (uint64_t)1 << bit % 64;
					}
				}
				for (unsigned int bit = bits; bit < 128; bit++)
					word[bit / 64] &= ~((uint64_t)1 << bit % 64);
				compare_classify(&c, level, word);
			}
		}
		world_close(&world);
	}
	CHECK_EQ(valid, n);
}

/* The descriptor says what the model says. */
TEST_EACH(model, descriptor, count, label)
{
	const struct pt_format *format = formats_nth(each);
	const struct model *model = models_find(format->name);

	CHECK_MSG(model != NULL, "no format file describes %s", format->name);
	CHECK_EQ(format->n_params, model->params.n + model->addresses.n);
	CHECK_EQ(format->n_levels, model->levels.n);
	CHECK_EQ(format->n_kinds, model->kinds.n);
	CHECK_EQ(format->n_shapes, model->shapes.n);
	for (int i = 0; i < model->addresses.n; i++) {
		CHECK_STR_EQ(format->params[model->params.n + i].name, model->addresses.v[i].name);
		CHECK_STR_EQ(format->params[model->params.n + i].default_text, "");
	}
	for (int i = 0; i < model->params.n; i++) {
		CHECK_STR_EQ(format->params[i].name, model->params.v[i].name);
		CHECK_EQ(format->params[i].feature, model->params.v[i].feature);
		if (!model->params.v[i].bound) {
			CHECK_EQ(format->params[i].n_ranges, model->params.v[i].n_ranges);
			for (int k = 0; k < model->params.v[i].n_ranges; k++) {
				CHECK_EQ(format->params[i].ranges[k].first,
					 model->ranges.v[model->params.v[i].first_range + k].first);
				CHECK_EQ(format->params[i].ranges[k].last,
					 model->ranges.v[model->params.v[i].first_range + k].last);
			}
		}
	}
	for (int i = 0; i < model->levels.n; i++) {
		const struct pt_level_info *level = &format->levels[i];
		const struct m_level *want = &model->levels.v[i];

		CHECK_STR_EQ(level->name, want->name);
		CHECK_EQ(level->hi, want->hi);
		CHECK_EQ(level->lo, want->lo);
		CHECK_EQ(level->entry_bytes, want->entry_bytes);
		CHECK_EQ(level->big_endian, want->big_endian);
		CHECK_EQ(level->table_bytes, want->table_bytes);
		CHECK_EQ(level->table_align, want->align);
		CHECK_EQ(level->shape, want->shape);
	}
	for (int i = 0; i < model->kinds.n; i++) {
		const struct pt_kind_info *kind = &format->kinds[i];
		const struct m_kind *want = &model->kinds.v[i];

		CHECK_STR_EQ(kind->name, want->name);
		CHECK_EQ(kind->level, want->level);
		CHECK_EQ(kind->category, want->category);
		if (want->category == CATEGORY_LEAF) {
			CHECK_EQ(kind->lg2, want->lg2);
			CHECK_EQ(kind->entry_lg2, model->levels.v[want->level].lo);
			CHECK_EQ(kind->repeated, want->group == GROUP_REPEAT);
		}
	}
}

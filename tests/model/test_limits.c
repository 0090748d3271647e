/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - tables that have some indices only, in a small scene: what is refused, what walks make of it, and
 * what nobody may rely on.
 */
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "ground.h"
#include "test.h"

/* shoal: indices 1..2000 of the upper level, 0..8000 of the lower one; entries of 32 MiB and of 4 KiB. */
enum { UPPER = 25, LOWER = 12 };

struct scene {
	const struct pt_format *format;
	struct ground ground;
	struct pt_table table;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	for (size_t i = 0; i < formats_count(); i++)
		if (strcmp(formats_nth(i)->name, "shoal") == 0)
			scene->format = formats_nth(i);
	CHECK(scene->format != NULL);
	ground_open(&scene->ground, 0x40000000, (size_t)1 << 24, true, 1);
	CHECK_EQ(scene->format->init(&scene->table, NULL, &scene->ground.mem, NULL), PT_OK);
}

static void end(struct scene *scene)
{
	scene->ground.ending = true;
	scene->format->fini(&scene->table);
	CHECK_EQ(scene->ground.live, 0);
	ground_close(&scene->ground);
}

static uint64_t at(uint64_t upper, uint64_t lower)
{
	return upper << UPPER | lower << LOWER;
}

static unsigned int fault_at(struct scene *scene, uint64_t iova)
{
	struct pt_walk walk;
	uint64_t pa;

	scene->format->walk(&scene->table, NULL, iova, &walk);
	CHECK_EQ(scene->format->iova_to_phys(&scene->table, iova, &pa) == PT_OK, walk.fault == PT_FAULT_NONE);
	return walk.fault;
}

TEST(limits, refused)
{
	struct scene scene;
	struct pt_result result;
	uint64_t page = (uint64_t)1 << LOWER;

	begin(&scene);
	ground_operation(&scene.ground);
	/* the last page with a slot, and one more: all or nothing, and the address of the first page without one */
	CHECK_EQ(scene.format->map(&scene.table, at(3, 7999), 0x1000, 2 * page, PT_READ | PT_EXEC, NULL, NULL), PT_OK);
	CHECK_EQ(scene.format->map(&scene.table, at(4, 7999), 0x1000, 3 * page, PT_READ, NULL, &result), PT_ERR_RANGE);
	CHECK_EQ(result.iova, at(4, 8001));
	CHECK_EQ(fault_at(&scene, at(4, 7999)), PT_FAULT_ABSENT);
	CHECK_EQ(fault_at(&scene, at(3, 8000)), PT_FAULT_NONE);
	CHECK_EQ(scene.format->map(&scene.table, at(3, 8001), 0x1000, page, PT_READ, NULL, &result), PT_ERR_RANGE);
	CHECK_EQ(result.iova, at(3, 8001));
	CHECK_EQ(scene.format->reserve(&scene.table, at(5, 8000), 2 * page, &result), PT_ERR_RANGE);
	CHECK_EQ(result.iova, at(5, 8001));
	CHECK_EQ(scene.format->replace(&scene.table, at(3, 7999), 0x5000, 3 * page, PT_READ, NULL, &result),
		 PT_ERR_RANGE);
	CHECK_EQ(fault_at(&scene, at(3, 7999)), PT_FAULT_NONE);
	/* holes are no error for who takes away */
	CHECK_EQ(scene.format->unmap(&scene.table, at(3, 0), (uint64_t)1 << UPPER, 0, NULL, &result), PT_OK);
	CHECK_EQ(result.bytes, 2 * page);
	end(&scene);
}

TEST(limits, split)
{
	struct scene scene;
	struct pt_result result;

	/* a large leaf maps what no small ones can */
	begin(&scene);
	ground_operation(&scene.ground);
	CHECK_EQ(scene.format->map(&scene.table, at(7, 0), 0x2000000, (uint64_t)1 << UPPER, PT_READ, NULL, NULL),
		 PT_OK);
	CHECK_EQ(fault_at(&scene, at(7, 8191)), PT_FAULT_NONE);
	CHECK_EQ(scene.format->split(&scene.table, at(7, 0), LOWER, NULL, NULL, &result), PT_ERR_SIZE);
	CHECK_EQ(fault_at(&scene, at(7, 8191)), PT_FAULT_NONE);
	end(&scene);
}

static unsigned int findings;

static bool count_finding(void *ctx, const struct pt_finding *finding)
{
	(void)ctx, (void)finding;
	findings++;
	return true;
}

static bool count_run(void *ctx, const struct pt_run *run)
{
	(void)run;
	++*(unsigned int *)ctx;
	return true;
}

/* What stands in slots that do not exist is nobody's business, but of who would take the table over. */
TEST(limits, garbage)
{
	struct scene scene;
	struct pt_reader reader;
	struct pt_table adopted;
	struct pt_result result;
	uint64_t page = (uint64_t)1 << LOWER, root, *upper, *lower;
	unsigned int runs = 0;

	begin(&scene);
	ground_operation(&scene.ground);
	CHECK_EQ(scene.format->map(&scene.table, at(3, 8000), 0x1000, page, PT_READ, NULL, NULL), PT_OK);
	root = pt_root(&scene.table);
	upper = (uint64_t *)(void *)(scene.ground.mem.direct + root);
	lower = (uint64_t *)(void *)(scene.ground.mem.direct + (pt_le64(upper[3]) & ~(uint64_t)0xfff));
	ground_reader(&scene.ground, false, false, &reader);
	reader.steps = UINT64_MAX;
	CHECK_EQ(scene.format->adopt(&adopted, NULL, &scene.ground.mem, &root, 1, &reader, NULL), PT_OK);
	upper[0] = upper[3]; /* a table, a word of no kind */
	lower[8001] = UINT64_MAX;
	CHECK_EQ(fault_at(&scene, at(3, 8000)), PT_FAULT_NONE);
	CHECK_EQ(scene.format->visit(&scene.table, NULL, 0, UINT64_MAX, count_run, &runs), PT_OK);
	CHECK_EQ(runs, 1);
	findings = 0;
	CHECK_EQ(scene.format->verify(&scene.table, &reader, count_finding, NULL, NULL), PT_OK);
	CHECK_EQ(findings, 0);
	CHECK_EQ(scene.format->adopt(&adopted, NULL, &scene.ground.mem, &root, 1, &reader, &result),
		 PT_ERR_UNSUPPORTED);
	CHECK_EQ(result.entry[0], pt_le64(upper[3]));
	upper[0] = 0;
	CHECK_EQ(scene.format->adopt(&adopted, NULL, &scene.ground.mem, &root, 1, &reader, &result),
		 PT_ERR_UNSUPPORTED);
	CHECK_EQ(result.entry[0], UINT64_MAX);
	lower[8001] = pt_le64(2);
	end(&scene);
}

/* An address has no default, and nothing of it is lost. */
TEST(limits, addresses)
{
	struct scene scene = {0};
	struct pt_config config;
	struct pt_result result;
	struct pt_walk walk;
	uint32_t *upper;
	uint64_t page = (uint64_t)1 << LOWER;
	int empty;

	for (size_t i = 0; i < formats_count(); i++)
		if (strcmp(formats_nth(i)->name, "strand") == 0)
			scene.format = formats_nth(i);
	CHECK(scene.format != NULL);
	empty = pt_param_find(scene.format, "empty");
	CHECK(empty >= 0);
	ground_open(&scene.ground, 0x40000000, (size_t)1 << 24, true, 1);
	ground_operation(&scene.ground);
	pt_config_init(&config);
	CHECK_EQ(scene.format->init(&scene.table, &config, &scene.ground.mem, &result), PT_ERR_CONFIG);
	CHECK_STR_EQ(result.why, "empty");
	config.param[empty] = 0x50000200; /* entries hold bits 33 to 10 */
	CHECK_EQ(scene.format->init(&scene.table, &config, &scene.ground.mem, &result), PT_ERR_CONFIG);
	config.param[empty] = (int64_t)1 << 34;
	CHECK_EQ(scene.format->init(&scene.table, &config, &scene.ground.mem, &result), PT_ERR_CONFIG);
	config.param[empty] = 0x50000400;
	CHECK_EQ(scene.format->init(&scene.table, &config, &scene.ground.mem, &result), PT_OK);
	upper = (uint32_t *)(void *)(scene.ground.mem.direct + pt_root(&scene.table));
	CHECK_EQ(pt_le32(upper[1]), 0x50000400 >> 10 << 8 | 1);
	CHECK_EQ(scene.format->map(&scene.table, (uint64_t)1 << 20, 0x1000, page, PT_READ, NULL, NULL), PT_OK);
	CHECK(pt_le32(upper[1]) != (0x50000400 >> 10 << 8 | 1));
	CHECK_EQ(scene.format->unmap(&scene.table, (uint64_t)1 << 20, (uint64_t)1 << 20, 0, NULL, NULL), PT_OK);
	CHECK_EQ(pt_le32(upper[1]), 0x50000400 >> 10 << 8 | 1);
	scene.format->walk(&scene.table, NULL, (uint64_t)1 << 20, &walk);
	CHECK_EQ(walk.fault, PT_FAULT_ABSENT);
	CHECK_EQ(walk.n_steps, 1);
	end(&scene);
}

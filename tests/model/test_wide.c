/* SPDX-License-Identifier: MIT */
/*
 * test_wide.c - entries of 16 bytes are written in halves. The generated code is compiled into this file with stores
 * that tell of themselves; after each of them the interpreter walks the table as hardware does, which reads an entry
 * whole, and must find of every page what it was before the operation, what it is after, or nothing. Changes in place:
 * never nothing.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static void stored(void);
static bool swapped(bool done);

#define PT_WRITE_ONCE(p, v) (__atomic_store_n((p), (v), __ATOMIC_RELAXED), stored())
#define PT_PUBLISH(p, v)    (__atomic_store_n((p), (v), __ATOMIC_RELEASE), stored())
#define PT_CAS(p, expected, v) \
	swapped(__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))

#include "broad.c"
#include "upended.c"

#include "ground.h"
#include "test.h"

enum { WATCHED = 6, SEEN = 8 };

/* What a page is: its address and rights; none: nothing. */
struct found {
	uint64_t pa;
	unsigned int rights;
	bool none;
};

static struct {
	const struct pt_format *format;
	struct interp in;
	struct ground ground;
	struct pt_table table;
	uint64_t page[WATCHED];
	struct found seen[WATCHED][SEEN];
	unsigned int n_pages, n_seen[WATCHED];
	uint64_t stores;
	bool watching;
} scene;

static struct found look(uint64_t iova)
{
	struct image image = ground_cpu(&scene.ground);
	struct found found = {0};
	struct interp_walk walk;

	interp_walk(&scene.in, &image, interp_roots(&scene.table), iova, &walk);
	if (walk.faults)
		found.none = true;
	else {
		found.pa = walk.pa;
		found.rights = walk.leaf.rights;
	}
	CHECK_MSG(walk.faults == 0 || walk.faults == (uint64_t)1 << PT_FAULT_ABSENT,
		  "%s: after %" PRIu64 " stores input 0x%" PRIx64 " finds faults 0x%" PRIx64, scene.format->name,
		  scene.stores, iova, walk.faults);
	return found;
}

static bool same_found(const struct found *a, const struct found *b)
{
	return a->none == b->none && a->pa == b->pa && a->rights == b->rights;
}

static void stored(void)
{
	if (!scene.watching)
		return;
	scene.stores++;
	for (unsigned int i = 0; i < scene.n_pages; i++) {
		struct found found = look(scene.page[i]);
		unsigned int n = scene.n_seen[i], k = 0;

		while (k < n && !same_found(&scene.seen[i][k], &found))
			k++;
		if (k < n)
			continue;
		CHECK(n < SEEN);
		scene.seen[i][n] = found;
		scene.n_seen[i]++;
	}
}

static bool swapped(bool done)
{
	if (done)
		stored();
	return done;
}

static void begin(const struct pt_format *format)
{
	memset(&scene, 0, sizeof(scene));
	scene.format = format;
	ground_open(&scene.ground, 0x40000000, (size_t)1 << 24, true, 1);
	ground_operation(&scene.ground);
	CHECK_EQ(format->init(&scene.table, NULL, &scene.ground.mem, NULL), PT_OK);
	CHECK(interp_init(&scene.in, models_find(format->name), scene.table.param) == NULL);
}

static void watch(uint64_t iova)
{
	CHECK(scene.n_pages < WATCHED);
	scene.page[scene.n_pages++] = iova;
}

static void end(void)
{
	scene.ground.ending = true;
	scene.format->fini(&scene.table);
	CHECK_EQ(scene.ground.live, 0);
	ground_close(&scene.ground);
}

enum way { IN_PLACE, BY_ABSENT, ANY };

/* What was seen of each page while an operation ran; then nothing is remembered. */
static void expect(enum way way, const char *what, const struct found *before)
{
	scene.watching = false;
	CHECK_MSG(scene.stores > 0, "%s: %s stored nothing", scene.format->name, what);
	for (unsigned int i = 0; i < scene.n_pages; i++) {
		struct found after = look(scene.page[i]);
		bool nothing = false;

		for (unsigned int k = 0; k < scene.n_seen[i]; k++) {
			const struct found *seen = &scene.seen[i][k];

			nothing = nothing || seen->none;
			CHECK_MSG(seen->none || same_found(seen, &before[i]) || same_found(seen, &after),
				  "%s: %s: input 0x%" PRIx64 " was for a moment 0x%" PRIx64
				  " with rights 0x%x; before: 0x%" PRIx64 " 0x%x, after: 0x%" PRIx64 " 0x%x",
				  scene.format->name, what, scene.page[i], seen->pa, seen->rights, before[i].pa,
				  before[i].rights, after.pa, after.rights);
		}
		if (!before[i].none && !after.none && !same_found(&before[i], &after))
			CHECK_MSG(way == ANY || nothing == (way == BY_ABSENT),
				  "%s: %s: input 0x%" PRIx64 " was %snothing between", scene.format->name, what,
				  scene.page[i], nothing ? "" : "not ");
		scene.n_seen[i] = 0;
	}
	scene.stores = 0;
}

#define WATCH(way, call)                                         \
	do {                                                     \
		struct found before[WATCHED];                    \
		for (unsigned int w = 0; w < scene.n_pages; w++) \
			before[w] = look(scene.page[w]);         \
		ground_operation(&scene.ground);                 \
		scene.watching = true;                           \
		CHECK_EQ(call, PT_OK);                           \
		expect(way, #call, before);                      \
	} while (0)

/* Rights in both halves, the entry told by the lower one; contiguous groups, links with a constant in the upper half.
 */
TEST(wide, lower_tells)
{
	struct pt_table *t = &scene.table;
	const unsigned int first = PT_READ | PT_WRITE, second = PT_READ | PT_EXEC | PT_PRIV;
	uint64_t page = 0x1000, group = 0x10000, block = 0x200000;

	begin(&broad_format);
	watch(0);
	watch(page);
	watch(0xf000);
	watch(group);
	watch(block - page);
	watch(block);
	WATCH(ANY, broad_map(t, 0, 0x12345678000, page, first, NULL, NULL));
	WATCH(ANY, broad_map(t, page, 0x34567890000, page, second, NULL, NULL));
	/* W is below, XN and U above: both halves; G is below, and may change in place */
	WATCH(BY_ABSENT, broad_protect(t, 0, 2 * page, PT_READ | PT_EXEC, NULL, NULL));
	WATCH(IN_PLACE, broad_protect(t, 0, 2 * page, PT_READ | PT_EXEC | PT_GLOBAL, NULL, NULL));
	WATCH(IN_PLACE, broad_protect(t, 0, 2 * page, PT_READ | PT_GLOBAL, NULL, NULL));
	WATCH(ANY, broad_unmap(t, 0, 2 * page, 0, NULL, NULL));
	WATCH(ANY, broad_map(t, 0, 0x56789a0000, block, first, NULL, NULL));
	WATCH(BY_ABSENT, broad_protect(t, 0, block, second, NULL, NULL));
	WATCH(ANY, broad_replace(t, 0, 0x1800000, block, first, NULL, NULL));
	WATCH(ANY, broad_split(t, page, 12, NULL, NULL, NULL));
	WATCH(ANY, broad_merge(t, 0, 21, NULL, NULL));
	WATCH(ANY, broad_split(t, 0, 16, NULL, NULL, NULL));
	WATCH(ANY, broad_replace(t, 0, 0x2345000, group, second, NULL, NULL));
	WATCH(ANY, broad_map(t, block, 0x20000, group, second, NULL, NULL));
	WATCH(ANY, broad_unmap(t, 0, block, 0, NULL, NULL));
	WATCH(ANY, broad_map(t, 0, 0x800000, block, second, NULL, NULL));
	WATCH(ANY, broad_unmap(t, 0, 2 * block, PT_UNMAP_TRUSTED, NULL, NULL));
	end();
}

/* The upper half tells, and has the address; the rights are below. */
TEST(wide, upper_tells)
{
	struct pt_table *t = &scene.table;
	uint64_t page = 0x1000, block = 0x200000;

	begin(&upended_format);
	watch(0);
	watch(page);
	watch(block - page);
	watch(block);
	WATCH(ANY, upended_map(t, 0, 0x123456600000, 2 * block, PT_READ | PT_WRITE, NULL, NULL));
	WATCH(IN_PLACE, upended_protect(t, 0, block, PT_READ | PT_EXEC, NULL, NULL));
	WATCH(ANY, upended_replace(t, 0, 0x40400000, block, PT_READ | PT_WRITE, NULL, NULL));
	WATCH(ANY, upended_split(t, 0, 12, NULL, NULL, NULL));
	WATCH(BY_ABSENT, upended_protect(t, 0, 2 * page, PT_READ | PT_EXEC, NULL, NULL));
	WATCH(BY_ABSENT, upended_protect(t, 0, block, PT_READ | PT_WRITE, NULL, NULL));
	WATCH(ANY, upended_merge(t, 0, 21, NULL, NULL));
	WATCH(ANY, upended_unmap(t, 0, 2 * block, 0, NULL, NULL));
	WATCH(ANY, upended_reserve(t, 0, block, NULL));
	WATCH(ANY, upended_map(t, 0, 0x800000, block, PT_READ, NULL, NULL));
	WATCH(ANY, upended_unmap(t, 0, block, 0, NULL, NULL));
	end();
}

/* What hardware sets in the other half of an entry that goes is not lost, and nothing of an old entry stays behind. */
TEST(wide, nothing_left)
{
	uint64_t *root, *table, *entry, page = 0x1000;

	begin(&broad_format);
	CHECK_EQ(broad_map(&scene.table, 0, 0x12345678000, page, PT_READ | PT_EXEC, NULL, NULL), PT_OK);
	root = (uint64_t *)(void *)(scene.ground.mem.direct + pt_root(&scene.table));
	table = (uint64_t *)(void *)(scene.ground.mem.direct + (pt_le64(root[0]) & UINT64_C(0xfffffffffff000)));
	entry = (uint64_t *)(void *)(scene.ground.mem.direct + (pt_le64(table[0]) & UINT64_C(0xfffffffffff000)));
	CHECK_EQ(pt_le64(root[1]) >> 61, 5);
	CHECK_EQ(pt_le64(table[1]) >> 61, 5);
	CHECK(pt_le64(entry[1]) != 0);
	CHECK_EQ(broad_unmap(&scene.table, 0, page, 0, NULL, NULL), PT_OK);
	CHECK_EQ(entry[0], 0);
	CHECK_EQ(entry[1], 0);
	end();
}

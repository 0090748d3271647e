/* SPDX-License-Identifier: MIT */
/*
 * test_contract.c - single promises of runtime/pt.h, each in the smallest scene that can break it, for every format.
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

static size_t count(void)
{
	return formats_count();
}

static const char *label(size_t each)
{
	return formats_nth(each)->name;
}

/* The default configuration. */
static struct world *begin(size_t each, bool coherent)
{
	static struct world world;
	struct pt_config config;

	formats_config(formats_nth(each), &config);
	CHECK_MSG(world_open(&world, formats_nth(each), &config, coherent, test_seed()),
		  "%s: the defaults do not fit together", formats_nth(each)->name);
	return &world;
}

/* The address of the n-th page from the lowest one. */
static uint64_t page_at(const struct world *world, uint64_t n)
{
	return interp_present(&world->in, world->in.aperture_first + (n << world->page_lg2));
}

/* pa: counted from the first address of the output. */
static enum pt_status map(struct world *world, uint64_t iova, uint64_t pa, uint64_t bytes)
{
	struct op op = {.kind = OP_MAP,
			.iova = iova,
			.pa = interp_outside(&world->in, pa),
			.bytes = bytes,
			.request = PT_READ | PT_WRITE | PT_ALLOW_WIDER};
	enum pt_status status = world_do(world, &op, NULL);

	world_check(world);
	return status;
}

static enum pt_status unmap(struct world *world, uint64_t iova, uint64_t bytes, unsigned int flags)
{
	struct op op = {.kind = OP_UNMAP, .iova = iova, .bytes = bytes, .flags = flags};
	enum pt_status status = world_do(world, &op, NULL);

	world_check(world);
	return status;
}

/* The smallest leaf that is larger than a page, 0: there is none. */
static unsigned int larger(const struct world *world)
{
	uint64_t sizes =
		world->table.page_sizes & ~((uint64_t)2 << world->page_lg2) & ~((uint64_t)1 << world->page_lg2);

	if (world->table.page_sizes & (uint64_t)2 << world->page_lg2)
		return world->page_lg2 + 1;
	return sizes ? (unsigned int)__builtin_ctzll(sizes) : 0;
}

/* Every request, with and without leave to widen: the status and what is granted, for map and protect. */
TEST_EACH(contract, requests, count, label)
{
	struct world *world = begin(each, true);
	uint64_t page = (uint64_t)1 << world->page_lg2;

	CHECK_EQ(map(world, page_at(world, 1), 0, page), PT_OK);
	for (unsigned int request = 0; request <= PT_REQUEST_MASK; request++)
		for (unsigned int wider = 0; wider < 2; wider++) {
			struct op op = {.kind = OP_MAP,
					.iova = page_at(world, 0),
					.pa = interp_outside(&world->in, 8 * page),
					.bytes = page,
					.request = request | (wider ? PT_ALLOW_WIDER : 0)};
			enum pt_status status = world_do(world, &op, NULL);

			world_check(world);
			if (status == PT_OK)
				CHECK_EQ(unmap(world, op.iova, page, 0), PT_OK);
			op.kind = OP_PROTECT;
			op.iova = page_at(world, 1);
			CHECK_EQ(world_do(world, &op, NULL), status);
			world_check(world);
			world_flush(world);
		}
	world_close(world);
}

/* A bit that this version of the contract does not know is refused, not ignored: who sets it means something by it. */
TEST_EACH(contract, unknown_bits, count, label)
{
	struct world *world = begin(each, true);
	const struct pt_format *format = world->format;
	struct pt_table *table = &world->table;
	uint64_t page = (uint64_t)1 << world->page_lg2, iova = page_at(world, 0), next = page_at(world, 1);
	uint64_t pa = interp_outside(&world->in, 0), found = 0;
	struct pt_segment segment = {pa + page, page};
	unsigned int good = PT_READ | PT_WRITE | PT_ALLOW_WIDER;

	CHECK_EQ(map(world, iova, 0, page), PT_OK);
	for (unsigned int bit = 0; bit < 32; bit++) {
		unsigned int flag = 1U << bit, request = good | flag;

		if ((flag & (PT_REQUEST_MASK | PT_ALLOW_WIDER)) == 0) {
			CHECK_EQ(format->map(table, next, pa + page, page, request, NULL, NULL), PT_ERR_RIGHTS);
			CHECK_EQ(format->map_segments(table, next, &segment, 1, request, NULL, NULL), PT_ERR_RIGHTS);
			CHECK_EQ(format->protect(table, iova, page, request, NULL, NULL), PT_ERR_RIGHTS);
			CHECK_EQ(format->replace(table, iova, pa + page, page, request, NULL, NULL), PT_ERR_RIGHTS);
		}
		if (flag != PT_UNMAP_TRUSTED)
			CHECK_EQ(format->unmap(table, iova, page, flag, &world->gather, NULL), PT_ERR_UNSUPPORTED);
		if (flag != PT_DIRTY_CLEAR && flag != PT_DIRTY_ACCESSED)
			CHECK_EQ(format->dirty(table, iova, page, flag, NULL, world->page_lg2, NULL, NULL),
				 PT_ERR_UNSUPPORTED);
		CHECK_EQ(format->iova_to_phys(table, next, &found), PT_ERR_ABSENT);
		CHECK_EQ(format->iova_to_phys(table, iova, &found), PT_OK);
		CHECK_EQ(found, pa);
	}
	world_check(world);
	world_close(world);
}

/*
 * A cursor is kept over the end of the table that it remembers: unlinked and not freed yet, and freed. What is mapped
 * with it then is found, which it would not be in the table of old.
 */
TEST_EACH(contract, cursor, count, label)
{
	struct world *world = begin(each, true);
	const struct pt_format *format = world->format;
	struct pt_table *table = &world->table;
	uint64_t page = (uint64_t)1 << world->page_lg2, pa = interp_outside(&world->in, 0), found = 0;
	const struct m_level *last = &world->in.model->levels.v[world->in.way[world->in.n_way - 1]];
	uint64_t span = (uint64_t)interp_entries(&world->in, world->in.way[world->in.n_way - 1], world->in.n_way == 1)
			<< last->lo;
	uint64_t begins = (world->in.aperture_first + span - 1) & ~(span - 1);
	uint64_t iova = interp_present(&world->in, begins);
	unsigned int request = PT_READ | PT_WRITE | PT_ALLOW_WIDER;
	struct pt_cursor cursor;
	struct pt_result result;

	if (!interp_has_slots(&world->in, begins, world->page_lg2) ||
	    !interp_has_slots(&world->in, begins + 2 * page, world->page_lg2))
		return;
	pt_cursor_init(&cursor);
	world->ground.ending = true; /* what is flushed is flushed outside of world_do() */
	for (int freed = 0; freed < 2; freed++) {
		for (uint64_t i = 0; i < 3; i++) {
			CHECK_EQ(format->cursor_map(table, &cursor, iova + i * page, pa + i * page, page, request,
						    &world->gather, &result),
				 PT_OK);
			CHECK_EQ(result.bytes, page);
			CHECK_EQ(format->iova_to_phys(table, iova + i * page, &found), PT_OK);
			CHECK_EQ(found, pa + i * page);
			CHECK_EQ(format->cursor_iova_to_phys(table, &cursor, iova + i * page, &found), PT_OK);
			CHECK_EQ(found, pa + i * page);
		}
		CHECK_EQ(format->cursor_map(table, &cursor, iova, pa, page, request, &world->gather, NULL),
			 PT_ERR_EXISTS);
		CHECK_EQ(format->cursor_unmap(table, &cursor, iova + page, page, 0, &world->gather, &result), PT_OK);
		CHECK_EQ(result.bytes, page);
		CHECK_EQ(format->iova_to_phys(table, iova + page, &found), PT_ERR_ABSENT);
		CHECK_EQ(format->unmap(table, iova, span, 0, &world->gather, &result), PT_OK);
		CHECK_EQ(result.bytes, 2 * page);
		if (freed)
			pt_flush(table, &world->gather);
		CHECK_EQ(format->cursor_iova_to_phys(table, &cursor, iova, &found), PT_ERR_ABSENT);
		CHECK_EQ(format->cursor_map(table, &cursor, iova + page, pa, page, request, &world->gather, NULL),
			 PT_OK);
		CHECK_EQ(format->iova_to_phys(table, iova + page, &found), PT_OK);
		CHECK_EQ(format->cursor_unmap(table, &cursor, iova + page, page, 0, &world->gather, NULL), PT_OK);
		CHECK_EQ(format->iova_to_phys(table, iova + page, &found), PT_ERR_ABSENT);
	}
	pt_flush(table, &world->gather);
	world_check(world);
	world_close(world);
}

/* Results and gathers are optional. */
TEST_EACH(contract, null_arguments, count, label)
{
	struct world *world = begin(each, true);
	const struct pt_format *format = world->format;
	uint64_t page = (uint64_t)1 << world->page_lg2, iova = page_at(world, 0), bad = iova + 1;
	uint64_t pa = interp_outside(&world->in, 0);
	struct pt_segment segment = {pa, page};
	struct pt_table *table = &world->table;
	unsigned int request = PT_READ | PT_WRITE | PT_ALLOW_WIDER;

	world->ground.ending = true; /* whatever is flushed on the way */
	for (int good = 1; good >= 0; good--) {
		uint64_t at = good ? iova : bad;
		enum pt_status want = good ? PT_OK : PT_ERR_ALIGN;

		CHECK_EQ(format->reserve(table, at, page, NULL), want);
		CHECK_EQ(format->map(table, at, pa, page, request, NULL, NULL), want);
		CHECK_EQ(format->protect(table, at, page, request, NULL, NULL), want);
		CHECK_EQ(format->replace(table, at, pa + page, page, request, NULL, NULL), want);
		format->dirty(table, at, page, PT_DIRTY_CLEAR, NULL, world->page_lg2, NULL, NULL);
		format->split(table, at, world->page_lg2, NULL, NULL, NULL);
		format->merge(table, at, world->page_lg2, NULL, NULL);
		CHECK_EQ(format->unmap(table, at, page, 0, NULL, NULL), want);
		CHECK_EQ(format->map_segments(table, at, &segment, 1, request, NULL, NULL), want);
		CHECK_EQ(format->unmap(table, at, page, PT_UNMAP_TRUSTED, NULL, NULL), want);
		CHECK_EQ(format->trim(table, at, page, NULL, NULL), want);
	}
	CHECK(format->verify(table, NULL, NULL, NULL, NULL) == PT_OK);
	world_close(world);
}

/* What is in the way is told: where, at which level, which words; and what was written before it is taken back. */
TEST_EACH(contract, exists, count, label)
{
	struct world *world = begin(each, false);
	uint64_t page = (uint64_t)1 << world->page_lg2;
	unsigned int lg2 = larger(world);

	for (uint64_t n = 0; n < 40; n += 3) {
		struct op op = {
			.kind = OP_MAP, .pa = interp_outside(&world->in, 0), .request = PT_READ | PT_ALLOW_WIDER};
		struct pt_result result;
		uint16_t kind;

		CHECK_EQ(map(world, page_at(world, 40), n * page, page), PT_OK);
		op.iova = page_at(world, 40 - n);
		op.bytes = (n + 5) * page;
		CHECK_EQ(world_do(world, &op, &result), PT_ERR_EXISTS);
		CHECK_EQ(result.iova, page_at(world, 40));
		/* the page, which need not be a word other than 0 */
		kind = world->format->classify(&world->table, result.level, result.entry);
		CHECK(kind != PT_NO_KIND && world->format->kinds[kind].category == PT_KIND_LEAF);
		CHECK(result.why != NULL);
		world_check(world);
		CHECK_EQ(unmap(world, page_at(world, 40), page, 0), PT_OK);
		world_flush(world);
	}
	if (lg2) { /* a page inside of a large leaf, and a large leaf over a page */
		uint64_t bytes = (uint64_t)1 << lg2,
			 iova = interp_present(&world->in, (world->in.aperture_first + bytes + ones(lg2)) & ~ones(lg2));

		CHECK_EQ(map(world, iova, 0, bytes), PT_OK);
		CHECK_EQ(map(world, iova + page, 0, page), PT_ERR_EXISTS);
		CHECK_EQ(unmap(world, iova, bytes, 0), PT_OK);
		CHECK_EQ(map(world, iova + page, page, page), PT_OK);
		CHECK_EQ(map(world, iova, 0, bytes), PT_ERR_EXISTS);
	}
	world_close(world);
}

/* A range that cuts a leaf is refused at both ends, and nothing changes; after a split it goes. */
TEST_EACH(contract, cuts, count, label)
{
	struct world *world = begin(each, false);
	unsigned int lg2 = larger(world);
	uint64_t page = (uint64_t)1 << world->page_lg2, bytes, iova;

	if (lg2 == 0) { /* one leaf size only: whatever would cut a leaf is misaligned, and a split has nothing to do */
		struct op op = {.kind = OP_SPLIT, .iova = page_at(world, 0), .lg2 = world->page_lg2};

		CHECK_EQ(world->table.page_sizes, page);
		CHECK_EQ(map(world, page_at(world, 0), 0, page), PT_OK);
		CHECK_EQ(unmap(world, page_at(world, 0) + page / 2, page / 2, 0), PT_ERR_ALIGN);
		CHECK_EQ(world_do(world, &op, NULL), PT_OK);
		op.lg2--;
		CHECK_EQ(world_do(world, &op, NULL), PT_ERR_SIZE);
		world_check(world);
		world_close(world);
		return;
	}
	bytes = (uint64_t)1 << lg2;
	iova = interp_present(&world->in, (world->in.aperture_first + bytes + ones(lg2)) & ~ones(lg2));
	CHECK_EQ(map(world, iova, 0, bytes), PT_OK);
	for (int kind = 0; kind < N_OPS; kind++) {
		struct op op = {.kind = (enum op_kind)kind,
				.iova = iova + page,
				.pa = interp_outside(&world->in, 0),
				.bytes = bytes - page,
				.request = PT_READ | PT_ALLOW_WIDER,
				.lg2 = world->page_lg2};

		if (kind != OP_UNMAP && kind != OP_PROTECT && kind != OP_REPLACE)
			continue;
		for (int flags = 0; flags < (kind == OP_UNMAP ? 2 : 1); flags++) {
			op.flags = flags ? PT_UNMAP_TRUSTED : 0;
			op.iova = iova + page;
			CHECK_EQ(world_do(world, &op, NULL), PT_ERR_CUTS);
			world_check(world);
			op.iova = iova;
			CHECK_EQ(world_do(world, &op, NULL), PT_ERR_CUTS);
			world_check(world);
			op.iova = iova - page;
			op.bytes = 2 * page;
			CHECK_EQ(world_do(world, &op, NULL), PT_ERR_CUTS);
			world_check(world);
			op.bytes = bytes - page;
		}
	}
	{
		struct op op = {.kind = OP_SPLIT, .iova = iova + page, .lg2 = world->page_lg2};

		CHECK_EQ(world_do(world, &op, NULL), PT_OK);
		world_check(world);
		CHECK_EQ(unmap(world, iova + page, page, 0), PT_OK);
	}
	world_close(world);
}

/* Leaves of several sizes become one: an invalidation by size has to be told all of them. */
TEST_EACH(contract, merge_mixed, count, label)
{
	struct world *world = begin(each, true);
	uint64_t larger = world->table.page_sizes & (world->table.page_sizes - 1);
	unsigned int middle = larger ? (unsigned int)__builtin_ctzll(larger) : 0, large = 0;
	struct op op = {.kind = OP_SPLIT, .iova = page_at(world, 0)};

	larger &= larger - 1;
	if (larger)
		large = (unsigned int)__builtin_ctzll(larger);
	/* the first part is larger than the last one */
	if (large && large < world->page_lg2 + 12 &&
	    ones(large) <= world->in.aperture_last - world->in.aperture_first && (op.iova & ones(large)) == 0 &&
	    map(world, op.iova, 0, (uint64_t)1 << large) == PT_OK) {
		op.lg2 = middle;
		CHECK_EQ(world_do(world, &op, NULL), PT_OK);
		op.iova += ones(large);
		op.lg2 = world->page_lg2;
		CHECK_EQ(world_do(world, &op, NULL), PT_OK);
		world_flush(world);
		world_remember(world, 0, ones(large));
		op.kind = OP_MERGE;
		op.lg2 = large;
		CHECK_EQ(world_do(world, &op, NULL), PT_OK);
		world_flush(world);
		/* what a TLB still holds of the parts would now outlive the mapping */
		CHECK_EQ(unmap(world, page_at(world, 0), (uint64_t)1 << large, 0), PT_OK);
		world_flush(world);
	}
	world_close(world);
}

/* Unmap takes holes, and counts what it removed; a range of nothing is no error. */
TEST_EACH(contract, holes, count, label)
{
	struct world *world = begin(each, true);
	uint64_t page = (uint64_t)1 << world->page_lg2;
	struct op op = {.kind = OP_UNMAP, .iova = page_at(world, 0), .bytes = 64 * page};
	struct pt_result result;

	CHECK_EQ(world_do(world, &op, &result), PT_OK);
	CHECK_EQ(result.bytes, 0);
	for (uint64_t n = 0; n < 64; n += 2)
		CHECK_EQ(map(world, page_at(world, n), (64 - n) * page, page), PT_OK);
	CHECK_EQ(world_do(world, &op, &result), PT_OK);
	CHECK_EQ(result.bytes, 32 * page);
	world_check(world);
	world_close(world);
}

/* The lowest and the highest pages of the input, and of the output; one page further is refused. */
TEST_EACH(contract, ends, count, label)
{
	struct world *world = begin(each, true);
	uint64_t page = (uint64_t)1 << world->page_lg2, low = world->table.first, high = world->table.last - (page - 1);
	uint64_t top = interp_inside(&world->in, world->in.output_last - (page - 1));

	/* small leaves may hold fewer address bits than large ones; what is right, world_do() knows */
	if (map(world, low, top, page) == PT_ERR_OUTPUT)
		CHECK_EQ(map(world, low, 0, page), PT_OK);
	CHECK_EQ(map(world, high, 0, page), PT_OK);
	CHECK_EQ(map(world, page_at(world, 3), top, 2 * page), PT_ERR_OUTPUT);
	CHECK(map(world, high, 0, 2 * page) != PT_OK || world->in.model->root.grows != REF_NONE);
	CHECK(low == 0 || map(world, low - page, 0, page) == PT_ERR_RANGE || world->in.above == ABOVE_SIGN);
	CHECK_EQ(map(world, UINT64_MAX - (page - 1), 0, 2 * page), PT_ERR_RANGE);
	CHECK_EQ(map(world, page_at(world, 3), 0, 0), PT_ERR_RANGE);
	CHECK_EQ(unmap(world, high, page, 0), PT_OK);
	CHECK_EQ(unmap(world, low, page, PT_UNMAP_TRUSTED), PT_OK);
	world_close(world);
}

/* After reserve, a map of any size and place in the range needs no memory; and reserve itself may fail at any point. */
TEST_EACH(contract, reserve, count, label)
{
	struct world *world = begin(each, false);
	uint64_t page = (uint64_t)1 << world->page_lg2, random = test_seed();
	unsigned int biggest = 63 - (unsigned int)__builtin_clzll(world->table.page_sizes & ones(world->page_lg2 + 12));

	world->inject = true;
	for (int i = 0; i < 12; i++) {
		uint64_t pages = 1 + test_random(&random) % 1200, from = test_random(&random) % 3000;
		struct op op = {.kind = OP_RESERVE, .iova = page_at(world, from), .bytes = pages * page};
		uint64_t first = test_random(&random) % pages, n = 1 + test_random(&random) % (pages - first);
		struct pt_result result;
		uint64_t pa = i % 2 ? ((from + first) * page) & ones(biggest) : page;

		CHECK_EQ(world_do(world, &op, &result), PT_OK);
		CHECK_EQ(result.bytes, op.bytes);
		world_check(world);
		world->inject = false;
		world->ground.n_allocs = 0;
		CHECK_EQ(map(world, page_at(world, from + first), pa, n * page), PT_OK);
		CHECK_MSG(world->ground.n_allocs == 0, "%s\n  a map in a reserved range took %" PRIu64 " tables",
			  world_describe(world), world->ground.n_allocs);
		world->inject = true;
		CHECK_EQ(unmap(world, page_at(world, from + first), n * page, 0), PT_OK);
		world_flush(world);
	}
	world_close(world);
}

/* Trim frees every table without a leaf in its range, and counts their bytes. */
TEST_EACH(contract, trim, count, label)
{
	struct world *world = begin(each, false);
	uint64_t page = (uint64_t)1 << world->page_lg2, inner = world->in.aperture_first;
	unsigned int lg2 = world->in.input_hi < 40 ? world->in.input_hi : 40;
	struct op op = {.kind = OP_TRIM, .iova = page_at(world, 0), .bytes = (uint64_t)1 << lg2};
	struct pt_result result;
	uint64_t before, root;

	(void)inner;
	while (ones(lg2) > world->in.aperture_last - world->in.aperture_first)
		lg2--;
	op.bytes = (uint64_t)1 << lg2;
	root = world->table.table_bytes;
	for (uint64_t n = 1; n < 20; n++) {
		CHECK_EQ(map(world, page_at(world, n << (n % 3 + 8)), 0, page), PT_OK);
		CHECK_EQ(unmap(world, page_at(world, n << (n % 3 + 8)), page, 0), PT_OK);
	}
	CHECK_EQ(map(world, page_at(world, 5), 0, page), PT_OK);
	world_flush(world);
	before = world->table.table_bytes;
	CHECK(before > root);
	CHECK_EQ(world_do(world, &op, &result), PT_OK);
	CHECK_EQ(result.bytes, before - world->table.table_bytes);
	world_flush(world);
	world_check(world);
	CHECK_EQ(unmap(world, page_at(world, 5), page, 0), PT_OK);
	CHECK_EQ(world_do(world, &op, &result), PT_OK);
	world_flush(world);
	CHECK_MSG(world->table.table_bytes == root || world->in.input_hi > 40,
		  "%s\n  %" PRIu64 " bytes of tables are left, the root has %" PRIu64, world_describe(world),
		  world->table.table_bytes, root);
	world_close(world);
}

/* More detached tables than a gather holds. */
TEST_EACH(contract, gather_overflow, count, label)
{
	struct world *world = begin(each, false);
	unsigned int span = (unsigned int)world->in.model->levels.v[world->in.way[world->in.n_way - 2]].lo;
	uint64_t page = (uint64_t)1 << world->page_lg2, first = world->in.aperture_first;

	CHECK_MSG((uint64_t)(PT_GATHER_TABLES + 9) << span <= ones(world->in.input_hi + 1),
		  "no room for that many tables");
	for (uint64_t n = 0; n < PT_GATHER_TABLES + 9; n++)
		CHECK_EQ(map(world, interp_present(&world->in, first + (n << span)), n * page, page), PT_OK);
	CHECK_EQ(unmap(world, interp_present(&world->in, first), (uint64_t)(PT_GATHER_TABLES + 9) << span, 0), PT_OK);
	world_flush(world);
	world_check(world);
	world_close(world);
}

/* An allocator that breaks its word: misaligned, or beyond what an entry can hold. */
static uint64_t bad_pa;
static unsigned int bad_outstanding;

static bool bad_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)ctx;
	(void)bytes;
	(void)node;
	*pa = bad_pa == 1   ? align + align / 2
	      : bad_pa == 2 ? (max_pa | (align - 1)) + 1
			    : (max_pa & ~(uint64_t)(align - 1)) + align;
	bad_outstanding++;
	return true;
}

static void bad_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)bytes;
	bad_outstanding--;
}

TEST_EACH(contract, bad_allocator, count, label)
{
	struct world *world = begin(each, true);
	struct pt_mem good = world->ground.mem, bad = good;
	uint64_t page = (uint64_t)1 << world->page_lg2;
	struct pt_config config;
	struct pt_table table;
	struct pt_result result;

	bad.alloc = bad_alloc;
	bad.release = bad_release;
	formats_config(world->format, &config);
	for (bad_pa = 1; bad_pa <= 2; bad_pa++) {
		if (bad_pa == 2 && world->ground.max_pa > UINT64_MAX / 2)
			continue; /* there is nothing beyond */
		CHECK_EQ(world->format->init(&table, &config, &bad, &result), PT_ERR_TABLE);
		CHECK_EQ(bad_outstanding, 0);
		world->ground.mem.alloc = bad_alloc;
		world->ground.mem.release = bad_release;
		CHECK_EQ(world->format->map(&world->table, page_at(world, 1), interp_outside(&world->in, 0), page,
					    PT_READ | PT_ALLOW_WIDER, NULL, &result),
			 PT_ERR_TABLE);
		CHECK_EQ(bad_outstanding, 0);
		world->ground.mem = good;
		world_check(world);
	}
	world_close(world);
}

/* Values outside of a parameter's set are refused by name, before anything is worked out from them. */
TEST_EACH(contract, config, count, label)
{
	const struct pt_format *format = formats_nth(each);
	struct ground ground;

	ground_open(&ground, 0x40000000, (size_t)1 << 24, true, 1);
	for (unsigned int i = 0; i < format->n_params; i++)
		for (unsigned int k = 0; k < format->params[i].n_ranges; k++)
			for (int side = 0; side < 4; side++) {
				int64_t value = side == 0   ? format->params[i].ranges[k].first - 1
						: side == 1 ? format->params[i].ranges[k].last + 1
						: side == 2 ? PT_UNSET + 1
							    : INT64_MAX;
				struct pt_result result = {0};
				struct pt_config config;
				struct pt_table table;

				if (pt_param_valid(format, i, value))
					continue;
				pt_config_init(&config);
				config.param[i] = value;
				CHECK_MSG(format->init(&table, &config, &ground.mem, &result) == PT_ERR_CONFIG,
					  "%s: %s=%" PRId64 " is accepted", format->name, format->params[i].name,
					  value);
				CHECK(result.why != NULL);
				CHECK_EQ(ground.live, 0);
			}
	ground_close(&ground);
}

/* A table is handed over: what one structure mapped, another one adopts, changes and frees. */
TEST_EACH(contract, adopt, count, label)
{
	struct world *world = begin(each, true);
	struct pt_segment segments[4];
	struct interp_roots roots;
	struct pt_table old;
	struct pt_reader reader;
	struct pt_result result;
	enum pt_status status;

	for (unsigned int i = 0; i < 30; i++) {
		struct op op;

		world_random_op(world, &op, segments, 4);
		world_do(world, &op, NULL);
	}
	world_flush(world);
	old = world->table;
	roots = interp_roots(&old);
	if (world->in.model->root.grows != REF_NONE) /* it may have grown */
		world->config.param[world->in.model->root.grows] = world->in.param[world->in.model->root.grows];
	memset(&world->table, 0xa5, sizeof(world->table));
	ground_reader(&world->ground, false, false, &reader);
	status = world->format->adopt(&world->table, &world->config, &world->ground.mem, roots.pa, old.n_roots, &reader,
				      &result);
	snprintf(world->what, sizeof(world->what), "adopt");
	CHECK_MSG(status == PT_OK, "%s\n  adopt: %s (%s)", world_describe(world), pt_status_string(status),
		  result.why ? result.why : "");
	CHECK_EQ(world->table.n_tables, old.n_tables);
	CHECK_EQ(world->table.table_bytes, old.table_bytes);
	CHECK_EQ(world->table.first, old.first);
	CHECK_EQ(world->table.last, old.last);
	CHECK_EQ(world->table.page_sizes, old.page_sizes);
	world_check(world);
	for (unsigned int i = 0; i < 30; i++) {
		struct op op;

		world_random_op(world, &op, segments, 4);
		world_do(world, &op, NULL);
		world_check(world);
	}
	world_close(world);
}

/* A table split from reserved memory takes its tables from there. */
struct pool {
	struct pt_mem *from;
	unsigned int taken;
};

static bool pool_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct pool *pool = ctx;

	pool->taken++;
	return pool->from->alloc(pool->from->ctx, bytes, align, max_pa, node, pa);
}

static void pool_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct pool *pool = ctx;

	pool->from->release(pool->from->ctx, pa, bytes);
}

TEST_EACH(contract, split_from_a_pool, count, label)
{
	struct world *world = begin(each, true);
	unsigned int lg2 = (unsigned int)world->in.model->levels.v[world->in.way[world->in.n_way - 2]].lo;
	struct pt_mem good = world->ground.mem;
	struct pool pool = {.from = &good};
	struct pt_mem from = good;
	uint64_t iova = interp_present(&world->in, (uint64_t)1 << lg2);
	struct pt_gather gather;
	struct pt_walk walk;

	/* no block there, or one that no table can stand for: a split needs no table */
	if (!(world->table.page_sizes >> lg2 & 1) ||
	    !interp_has_slots(&world->in, ((uint64_t)2 << lg2) - 1, world->page_lg2)) {
		CHECK(interp_page_sizes(&world->in) != 0);
		world_close(world);
		return;
	}
	from.ctx = &pool;
	from.alloc = pool_alloc;
	from.release = pool_release;
	CHECK_EQ(map(world, iova, 0, (uint64_t)1 << lg2), PT_OK);
	pt_gather_init(&gather);
	world->ground.n_allocs = 0;
	ground_operation(&world->ground);
	CHECK_EQ(world->format->split(&world->table, iova, world->page_lg2, &from, &gather, NULL), PT_OK);
	pt_flush(&world->table, &gather);
	CHECK(pool.taken > 0);
	CHECK_EQ(pool.taken, world->ground.n_allocs);
	world->format->walk(&world->table, NULL, iova, &walk);
	CHECK_EQ(walk.leaf.lg2, world->page_lg2);
	world->ledger.n = 0; /* the table goes now; the ledger knows another size */
	world_close(world);
}

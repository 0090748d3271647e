/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - threads that map and unmap disjoint ranges of one table without a lock, while others look up. The
 * ranges lie page beside page in the same tables, so that entries and links race; some calls cover whole tables, so
 * that tables are unlinked and freed under the readers. Run under the thread sanitizer, this proves the ordering as
 * well.
 */
#include "ground.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

enum { WRITERS = 4, READERS = 2, PAGES = 48, DEFAULT_LOOPS = 400 };

struct shared {
	const struct pt_format *format;
	struct interp in;
	struct ground ground;
	struct pt_mem mem;
	struct pt_table table;
	pthread_mutex_t lock;		   /* of the allocator */
	atomic_uint reader_state[READERS]; /* odd: inside a lookup */
	atomic_bool stop;
	unsigned int page_lg2, region_lg2;
	uint64_t origin; /* inner address of the first page */
	uint64_t pa_origin;
	unsigned int loops;
};

struct worker {
	struct shared *shared;
	unsigned int number;
	uint64_t random;
	bool mapped[PAGES];
	bool region; /* the region of this writer is mapped */
	const char *error;
	uint64_t where;
};

static size_t count(void)
{
	return formats_count();
}

static const char *label(size_t each)
{
	return formats_nth(each)->name;
}

static bool locked_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct shared *shared = ctx;
	bool good;

	pthread_mutex_lock(&shared->lock);
	good = shared->ground.mem.alloc(&shared->ground, bytes, align, max_pa, node, pa);
	pthread_mutex_unlock(&shared->lock);
	return good;
}

static void locked_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct shared *shared = ctx;

	pthread_mutex_lock(&shared->lock);
	shared->ground.mem.release(&shared->ground, pa, bytes);
	pthread_mutex_unlock(&shared->lock);
}

/* Until every lookup that is under way now has ended. */
static void wait_for_readers(void *ctx)
{
	struct shared *shared = ctx;

	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < READERS; i++) {
		unsigned int was = atomic_load(&shared->reader_state[i]);

		while (was & 1 && atomic_load(&shared->reader_state[i]) == was)
			sched_yield();
	}
}

/* Page i of writer w: pages of all writers alternate. */
static uint64_t page_inner(const struct shared *shared, unsigned int writer, unsigned int page)
{
	return shared->origin + ((uint64_t)(page * WRITERS + writer) << shared->page_lg2);
}

/* A region of its own for each writer, which covers whole tables. */
static uint64_t region_inner(const struct shared *shared, unsigned int writer)
{
	return shared->origin + ((uint64_t)(writer + 1) << shared->region_lg2);
}

/* Everything maps to where its input address says, so that a reader can tell right from wrong. */
static uint64_t pa_of(const struct shared *shared, uint64_t inner)
{
	return shared->pa_origin + (inner - shared->origin);
}

static bool expect(struct worker *worker, bool good, const char *error, uint64_t where)
{
	if (!good && !worker->error) {
		worker->error = error;
		worker->where = where;
	}
	return good;
}

static void writer_page(struct worker *worker)
{
	struct shared *shared = worker->shared;
	const struct pt_format *format = shared->format;
	unsigned int page = (unsigned int)(test_random(&worker->random) % PAGES);
	uint64_t inner = page_inner(shared, worker->number, page), bytes = (uint64_t)1 << shared->page_lg2, pa;
	uint64_t iova = interp_present(&shared->in, inner);
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (worker->mapped[page]) {
		expect(worker, format->iova_to_phys(&shared->table, iova, &pa) == PT_OK && pa == pa_of(shared, inner),
		       "own page is lost", iova);
		if (test_random(&worker->random) % 4 == 0)
			expect(worker,
			       format->protect(&shared->table, iova, bytes,
					       PT_READ | (test_random(&worker->random) % 2 ? PT_WRITE : 0) |
						       PT_ALLOW_WIDER,
					       &gather, NULL) == PT_OK,
			       "protect", iova);
		expect(worker, format->unmap(&shared->table, iova, bytes, 0, &gather, NULL) == PT_OK, "unmap", iova);
	} else {
		expect(worker,
		       format->map(&shared->table, iova, pa_of(shared, inner), bytes,
				   PT_READ | PT_WRITE | PT_ALLOW_WIDER, &gather, NULL) == PT_OK,
		       "map", iova);
	}
	worker->mapped[page] = !worker->mapped[page];
	pt_flush(&shared->table, &gather);
}

/* A few pages at both ends of the region, or all of it: the unmap then drops its tables. */
static void writer_region(struct worker *worker)
{
	struct shared *shared = worker->shared;
	const struct pt_format *format = shared->format;
	uint64_t inner = region_inner(shared, worker->number), bytes = (uint64_t)1 << shared->region_lg2;
	uint64_t iova = interp_present(&shared->in, inner), page = (uint64_t)1 << shared->page_lg2;
	uint64_t end = bytes - page;
	struct pt_gather gather;

	while (!interp_has_slots(&shared->in, inner + end, shared->page_lg2))
		end -= page; /* tables may be shorter than their index */
	pt_gather_init(&gather);
	if (worker->region) {
		expect(worker, format->unmap(&shared->table, iova, bytes, 0, &gather, NULL) == PT_OK,
		       "unmap of a region", iova);
	} else if (test_random(&worker->random) % 2) {
		expect(worker,
		       format->map(&shared->table, iova + page, pa_of(shared, inner + page), 3 * page,
				   PT_READ | PT_ALLOW_WIDER, &gather, NULL) == PT_OK,
		       "map in a region", iova + page);
		expect(worker,
		       format->map(&shared->table, iova + end, pa_of(shared, inner + end), page,
				   PT_READ | PT_ALLOW_WIDER, &gather, NULL) == PT_OK,
		       "map at the end of a region", iova);
	} else {
		expect(worker,
		       format->map(&shared->table, iova, pa_of(shared, inner), bytes, PT_READ | PT_ALLOW_WIDER, &gather,
				   NULL) == PT_OK,
		       "map of a region", iova);
	}
	worker->region = !worker->region;
	pt_flush(&shared->table, &gather);
}

static void *writer(void *argument)
{
	struct worker *worker = argument;

	for (unsigned int i = 0; i < worker->shared->loops && !worker->error; i++)
		if (test_random(&worker->random) % 8)
			writer_page(worker);
		else
			writer_region(worker);
	return NULL;
}

static bool on_run(void *ctx, const struct pt_run *run)
{
	struct worker *worker = ctx;
	struct shared *shared = worker->shared;
	uint64_t inner = 0;

	interp_input(&shared->in, run->first, &inner);
	expect(worker, run->leaf.pa == pa_of(shared, inner), "visit", run->first);
	return true;
}

static void *reader(void *argument)
{
	struct worker *worker = argument;
	struct shared *shared = worker->shared;
	uint64_t span = (uint64_t)(WRITERS + 1) << shared->region_lg2;

	while (!atomic_load(&shared->stop) && !worker->error) {
		uint64_t inner = shared->origin + test_random(&worker->random) % span, pa;
		uint64_t iova = interp_present(&shared->in, inner);
		enum pt_status status;
		struct pt_walk walk;

		if (test_random(&worker->random) % 2)
			inner = page_inner(shared, (unsigned int)(test_random(&worker->random) % WRITERS),
					   (unsigned int)(test_random(&worker->random) % PAGES));
		iova = interp_present(&shared->in, inner);
		atomic_fetch_add(&shared->reader_state[worker->number], 1);
		atomic_thread_fence(memory_order_seq_cst);
		status = shared->format->iova_to_phys(&shared->table, iova, &pa);
		expect(worker, status == PT_ERR_ABSENT || (status == PT_OK && pa == pa_of(shared, inner)), "lookup",
		       iova);
		shared->format->walk(&shared->table, NULL, iova, &walk);
		expect(worker,
		       walk.fault == PT_FAULT_ABSENT ||
			       (walk.fault == PT_FAULT_NONE && walk.pa == pa_of(shared, inner)),
		       "walk", iova);
		if (test_random(&worker->random) % 64 == 0)
			shared->format->visit(&shared->table, NULL, 0, UINT64_MAX, on_run, worker);
		atomic_fetch_add(&shared->reader_state[worker->number], 1);
		if (test_random(&worker->random) % 16 == 0)
			sched_yield();
	}
	return NULL;
}

/* Where the pages of all writers fit below one entry of the second lowest level, and regions are such entries. */
static bool place(struct shared *shared)
{
	if (shared->in.n_way < 2)
		return false;
	shared->page_lg2 = (unsigned int)__builtin_ctzll(shared->table.page_sizes);
	shared->region_lg2 = (unsigned int)shared->in.model->levels.v[shared->in.way[shared->in.n_way - 2]].lo;
	shared->origin = (shared->in.aperture_first + ones(shared->region_lg2)) & ~ones(shared->region_lg2);
	shared->pa_origin = interp_outside(&shared->in, (uint64_t)1 << shared->region_lg2);
	return interp_page_sizes(&shared->in) >> shared->page_lg2 & 1 &&
	       (uint64_t)(WRITERS * PAGES) << shared->page_lg2 <= (uint64_t)1 << shared->region_lg2;
}

TEST_EACH(threads, disjoint_ranges, count, label)
{
	static struct shared shared;
	struct worker workers[WRITERS + READERS];
	pthread_t threads[WRITERS + READERS];
	const char *text = getenv("PTGEN_TEST_ROUNDS");
	const struct model *model = models_find(formats_nth(each)->name);
	struct pt_config config;
	uint64_t random = test_seed() + each, first, mapped = 0;

	CHECK(model != NULL);
	memset(&shared, 0, sizeof(shared));
	shared.format = formats_nth(each);
	shared.loops = (text ? (unsigned int)strtoul(text, NULL, 0) : 1) * DEFAULT_LOOPS;
	formats_config(shared.format, &config);
	CHECK(interp_init(&shared.in, model, config.param) == NULL);
	ground_open(&shared.ground, 0x40000000, (size_t)1 << 30, true, random);
	shared.ground.quiet = true;
	pthread_mutex_init(&shared.lock, NULL);
	shared.mem = (struct pt_mem){.ctx = &shared,
				     .direct = shared.ground.mem.direct,
				     .alloc = locked_alloc,
				     .release = locked_release,
				     .quiesce = wait_for_readers};
	CHECK_EQ(shared.format->init(&shared.table, &config, &shared.mem, NULL), PT_OK);
	CHECK_MSG(place(&shared), "the default configuration of %s has no room for the test", shared.format->name);
	for (unsigned int i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){
			.shared = &shared, .number = i < WRITERS ? i : i - WRITERS, .random = test_random(&random)};
		CHECK_EQ(pthread_create(&threads[i], NULL, i < WRITERS ? writer : reader, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < WRITERS + READERS; i++) {
		if (i == WRITERS)
			atomic_store(&shared.stop, true);
		pthread_join(threads[i], NULL);
	}
	for (unsigned int i = 0; i < WRITERS + READERS; i++)
		CHECK_MSG(!workers[i].error, "%s: %s %u: %s at 0x%" PRIx64, shared.format->name,
			  i < WRITERS ? "writer" : "reader", workers[i].number, workers[i].error, workers[i].where);
	/* what each writer believes is what is there */
	for (unsigned int i = 0; i < WRITERS; i++)
		for (unsigned int page = 0; page < PAGES; page++) {
			uint64_t inner = page_inner(&shared, i, page), pa = 0;
			enum pt_status status =
				shared.format->iova_to_phys(&shared.table, interp_present(&shared.in, inner), &pa);

			CHECK_EQ(status, workers[i].mapped[page] ? PT_OK : PT_ERR_ABSENT);
			CHECK(!workers[i].mapped[page] || pa == pa_of(&shared, inner));
			mapped += workers[i].mapped[page];
		}
	first = interp_present(&shared.in, shared.origin);
	{
		struct pt_result result;
		struct pt_gather gather;

		pt_gather_init(&gather);
		CHECK_EQ(shared.format->unmap(&shared.table, first, (uint64_t)1 << shared.region_lg2, 0, &gather,
					      &result),
			 PT_OK);
		CHECK_EQ(result.bytes, mapped << shared.page_lg2);
		pt_flush(&shared.table, &gather);
	}
	CHECK_EQ(shared.table.n_tables, shared.ground.live);
	CHECK_EQ(shared.table.table_bytes, shared.ground.live_bytes);
	shared.format->fini(&shared.table);
	CHECK_EQ(shared.ground.live, 0);
	ground_close(&shared.ground);
	pthread_mutex_destroy(&shared.lock);
}

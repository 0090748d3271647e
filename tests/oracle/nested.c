/* SPDX-License-Identifier: MIT */
/* nested.c - a second stage below the table under test: laying it out, and changing it while the first one stays. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"

#define MIB (UINT64_C(1) << 20)

static struct accesses list;

/* The memory's context is the memory; it is the trial's. */
static struct trial *trial_of(void *ctx)
{
	return (struct trial *)(void *)((char *)ctx - offsetof(struct trial, ram));
}

/* Tables of the first stage are where the second one shows them. */
static bool alloc_shifted(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	const struct second *second = &trial_of(ctx)->second;

	CHECK(align <= 64 << 10); /* what the shift keeps */
	if (max_pa < second->shift || !second->mem.alloc(ctx, bytes, align, max_pa - second->shift, node, pa))
		return false;
	*pa += second->shift;
	return true;
}

static void release_shifted(void *ctx, uint64_t pa, size_t bytes)
{
	const struct second *second = &trial_of(ctx)->second;

	second->mem.release(ctx, pa - second->shift, bytes);
}

static void hook_second(void *ctx, const struct pt_gather *gather)
{
	struct trial *trial = trial_of(ctx);

	if (!trial->deaf)
		trial->class->second(trial, gather);
}

static enum pt_status map_second(struct trial *trial, uint64_t ipa, uint64_t pa, uint64_t bytes, unsigned int request)
{
	struct second *second = &trial->second;

	return second->format->map(&second->table, ipa, pa, bytes, request | PT_ALLOW_WIDER, &second->gather, NULL);
}

static void must(struct trial *trial, enum pt_status status, const char *what, uint64_t address)
{
	if (status != PT_OK)
		trial_fail(trial, NULL, "%s of 0x%" PRIx64 " said: %s", what, address, pt_status_string(status));
}

void second_map_same(struct trial *trial, uint64_t pa, uint64_t bytes, unsigned int request)
{
	uint64_t page = trial->second.table.page_sizes & -trial->second.table.page_sizes, first = pa & ~(page - 1);

	bytes = (pa - first + bytes + page - 1) & ~(page - 1);
	must(trial, map_second(trial, first, first, bytes, request), "map", first);
}

/* Memory for a leaf of the second stage. */
static uint64_t some_memory(struct trial *trial, unsigned int lg2)
{
	const struct ram *ram = &trial->ram;

	return ram->data_first + (trial_below(trial, (ram->data_last - ram->data_first + 1) >> lg2) << lg2);
}

/* One leaf of memory that leaves of the first stage point into: anywhere, with most rights. */
static void place(struct trial *trial, uint64_t ipa, unsigned int lg2)
{
	static const unsigned int requests[] = {PT_READ, PT_READ | PT_EXEC, PT_READ | PT_WRITE, PT_WRITE};
	unsigned int dice = (unsigned int)trial_below(trial, 16), request = PT_READ | PT_WRITE | PT_EXEC;
	enum pt_status status;

	if (dice == 0)
		return; /* a hole */
	if (dice < 5)
		request = requests[dice - 1];
	status = map_second(trial, ipa, some_memory(trial, lg2), UINT64_C(1) << lg2, request);
	if (status != PT_ERR_RIGHTS)
		must(trial, status, "map", ipa);
}

/*
 * Fill [ipa, ipa + 2^lg2) with leaves of any size up to that. A place that is divided has mostly children that are not.
 * Not deeper than there are sizes.
 */
static void divide(struct trial *trial, uint64_t ipa, unsigned int lg2)
{
	uint64_t sizes = trial->second.table.page_sizes, smaller = sizes & ((UINT64_C(1) << lg2) - 1);
	unsigned int next, children;

	if (smaller == 0) {
		place(trial, ipa, lg2);
		return;
	}
	next = 63U - (unsigned int)__builtin_clzll(smaller);
	children = 1U << (lg2 - next);
	for (unsigned int i = 0; i < children; i++) {
		uint64_t at = ipa + ((uint64_t)i << next);

		if (trial_below(trial, children) < 3)
			divide(trial, at, next);
		else
			place(trial, at, next);
	}
}

void second_begin(struct trial *trial)
{
	struct second *second = &trial->second;
	struct ram *ram = &trial->ram;
	struct pt_result result;
	enum pt_status status;

	second->mem = ram->mem;
	second->mem.invalidate = NULL; /* nothing walks it yet */
	pt_gather_init(&second->gather);
	status = second->format->init(&second->table, &second->config, &second->mem, &result);
	if (status != PT_OK)
		trial_fail(trial, NULL, "init of the second stage said: %s (%s)", pt_status_string(status),
			   result.why ? result.why : "");
	/* Tables: by whole pages of every format, or so that large leaves fit. */
	second->shift =
		512 * MIB + (trial_below(trial, 2) ? trial_below(trial, 8192) << 16 : trial_below(trial, 256) << 21);
	ram->mem.direct = (unsigned char *)((uintptr_t)ram->mem.direct - (uintptr_t)second->shift);
	ram->mem.alloc = alloc_shifted;
	ram->mem.release = release_shifted;
	must(trial,
	     map_second(trial, ram->tables_first + second->shift, ram->tables_first, ram->tables_bytes,
			PT_READ | PT_WRITE),
	     "map", ram->tables_first + second->shift);
	for (uint64_t ipa = ram->data_first; ipa < ram->data_last; ipa += 1024 * MIB)
		divide(trial, ipa, 30);
	pt_flush(&second->table, &second->gather);
	second->mem.invalidate = hook_second;
}

void second_end(struct trial *trial)
{
	struct second *second = &trial->second;

	second->mem.invalidate = NULL;
	pt_flush(&second->table, &second->gather);
	second->format->fini(&second->table);
}

/* ----------------------------------------------------------------------------------------------------------- changes
 */

/* A page of the second stage, as it was; it comes back with all rights. */
struct page {
	uint64_t ipa, pa, bytes;
	bool mapped;
};

/* The page that an address is in, cut out of its leaf. */
static struct page cut_out(struct trial *trial, uint64_t ipa)
{
	struct second *second = &trial->second;
	unsigned int lg2 = (unsigned int)__builtin_ctzll(second->table.page_sizes);
	struct page page = {.ipa = ipa & ~((UINT64_C(1) << lg2) - 1), .bytes = UINT64_C(1) << lg2};
	struct pt_walk walk;

	second->format->walk(&second->table, NULL, page.ipa, &walk);
	page.mapped = walk.fault == PT_FAULT_NONE;
	if (!page.mapped)
		return page;
	page.pa = walk.pa;
	if (walk.leaf.lg2 > lg2) {
		trial_note(trial, "# second stage: split 0x%" PRIx64 "\n", page.ipa);
		must(trial, second->format->split(&second->table, page.ipa, lg2, NULL, &second->gather, NULL), "split",
		     page.ipa);
	}
	return page;
}

/* Take the page away, or rights of it; a hole is filled. */
static void change(struct trial *trial, const struct page *page)
{
	static const unsigned int requests[] = {PT_READ, PT_READ | PT_EXEC, PT_READ | PT_WRITE, PT_WRITE,
						PT_READ | PT_WRITE | PT_EXEC};
	unsigned int request = requests[trial_below(trial, sizeof(requests) / sizeof(requests[0]))];
	struct second *second = &trial->second;
	enum pt_status status;
	uint64_t pa;

	if (!page->mapped) {
		pa = some_memory(trial, (unsigned int)__builtin_ctzll(page->bytes));
		trial_note(trial, "# second stage: map 0x%" PRIx64 " 0x%" PRIx64 "\n", page->ipa, pa);
		must(trial, map_second(trial, page->ipa, pa, page->bytes, PT_READ | PT_WRITE | PT_EXEC), "map",
		     page->ipa);
	} else if (trial_below(trial, 2)) {
		trial_note(trial, "# second stage: unmap 0x%" PRIx64 "\n", page->ipa);
		must(trial, second->format->unmap(&second->table, page->ipa, page->bytes, 0, &second->gather, NULL),
		     "unmap", page->ipa);
	} else {
		trial_note(trial, "# second stage: protect 0x%" PRIx64 " request 0x%x\n", page->ipa, request);
		status = second->format->protect(&second->table, page->ipa, page->bytes, request | PT_ALLOW_WIDER,
						 &second->gather, NULL);
		if (status != PT_ERR_RIGHTS)
			must(trial, status, "protect", page->ipa);
	}
	pt_flush(&second->table, &second->gather);
}

static void restore(struct trial *trial, const struct page *page)
{
	struct second *second = &trial->second;

	trial_note(trial, "# second stage: and back\n");
	must(trial, second->format->unmap(&second->table, page->ipa, page->bytes, 0, &second->gather, NULL), "unmap",
	     page->ipa);
	pt_flush(&second->table, &second->gather);
	if (page->mapped)
		must(trial, map_second(trial, page->ipa, page->pa, page->bytes, PT_READ | PT_WRITE | PT_EXEC), "map",
		     page->ipa);
	pt_flush(&second->table, &second->gather);
}

/*
 * Every kind of access to an address; how many go wrong. Where they may (tolerate), nothing is fetched: what stands
 * where a stale translation leads is no code.
 */
static size_t look(struct trial *trial, uint64_t iova, bool tolerate)
{
	unsigned int access[MAX_ACCESSES], kinds = accesses_of(trial, access);
	size_t differ = 0;

	for (unsigned int k = 0; k < kinds; k++) {
		if (tolerate && (access[k] & PT_ACCESS_EXEC))
			continue;
		accesses_add(&list, iova, access[k]);
		differ += judge_list(trial, &list, tolerate);
		if ((trial->can & CAN_ACCESSED) && !tolerate)
			expect_words(trial, &list.v[0]);
	}
	return differ;
}

/* Clear accessed and dirty of a region in the first stage, so that the hardware has to write to its tables. */
static void clear_use(struct trial *trial, const struct region *region)
{
	static const unsigned int flags[] = {PT_DIRTY_ACCESSED | PT_DIRTY_CLEAR, PT_DIRTY_CLEAR};
	unsigned int n = trial->can & CAN_DIRTY ? 2 : trial->can & CAN_ACCESSED ? 1 : 0;

	for (unsigned int i = 0; i < n; i++)
		must(trial,
		     trial->format->dirty(&trial->table, region->iova, region->bytes, flags[i], NULL, page_lg2(trial),
					  &trial->gather, NULL),
		     "F_dirty", region->iova);
	trial_flush(trial);
}

/* Something on the way of a translation: an entry of a table of the first stage, or where it leads. */
static uint64_t on_the_way(struct trial *trial, uint64_t iova)
{
	struct pt_walk walk;
	uint64_t which;

	trial->format->walk(&trial->table, NULL, iova, &walk);
	which = trial_below(trial, walk.n_steps + 1U);
	return which < walk.n_steps ? walk.step[which].entry_pa : walk.pa;
}

/*
 * Before, with a page of the second stage changed, and with it as it was: what the walker may have cached of both
 * stages must be gone by the invalidations that the second stage's gather asks for. Without them it must show.
 */
void check_second(struct trial *trial)
{
	size_t stale = 0;

	list.n = 0;
	map_everything(trial, 2);
	for (unsigned int step = 0; step < 100 * effort(); step++) {
		const struct region *region = &trial->region[trial_below(trial, trial->n_regions)];
		uint64_t iova = region->iova + trial_below(trial, region->bytes);
		struct page page = cut_out(trial, on_the_way(trial, iova));

		pt_flush(&trial->second.table, &trial->second.gather);
		look(trial, iova, false);
		trial->deaf = (trial->can & CAN_CACHE) && step % 4 == 3;
		if (step % 4 == 1)
			clear_use(trial, region);
		change(trial, &page);
		if (trial->deaf) {
			stale += look(trial, iova, true);
			trial->deaf = false;
			trial->class->forget(trial);
		}
		look(trial, iova, false);
		touch(trial, &list, region, 4);
		judge_list(trial, &list, false);
		restore(trial, &page);
		look(trial, iova, false);
	}
	if ((trial->can & CAN_CACHE) && stale == 0)
		trial_fail(trial, NULL, "no stale translation was seen without invalidations of the second stage");
	trial->n_cases += stale;
}

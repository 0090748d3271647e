/* SPDX-License-Identifier: MIT */
/* changes.c - checks of what changes: the old is gone and the new is there, with the invalidations of the gather. */
#include <inttypes.h>
#include <string.h>

#include "campaign.h"

static struct accesses list;

static const unsigned int requests[] = {PT_READ | PT_WRITE, PT_READ, PT_READ | PT_EXEC, PT_READ | PT_WRITE | PT_EXEC,
					PT_READ | PT_WRITE | PT_PRIV};

static unsigned int some_request(struct trial *trial)
{
	unsigned int request = requests[trial_below(trial, sizeof(requests) / sizeof(requests[0]))];

	return trial->can & CAN_PRIV ? request : request & ~(unsigned int)PT_PRIV;
}

/* A leaf size that the table may use. */
static unsigned int some_size(struct trial *trial)
{
	for (;;) {
		unsigned int lg2 = page_lg2(trial) + (unsigned int)trial_below(trial, 64 - page_lg2(trial));

		if (trial->table.page_sizes >> lg2 & 1)
			return lg2;
	}
}

static bool do_map(struct trial *trial, struct region *region)
{
	if (!map_leaf(trial, some_size(trial), some_request(trial)))
		return false;
	*region = trial->region[trial->n_regions - 1];
	return true;
}

static bool do_protect(struct trial *trial, struct region *region)
{
	unsigned int request = some_request(trial);
	struct pt_result result;
	enum pt_status status = trial->format->protect(&trial->table, region->iova, region->bytes,
						       request | PT_ALLOW_WIDER, &trial->gather, &result);

	if (status == PT_ERR_RIGHTS)
		return false;
	trial_note(trial, "protect 0x%" PRIx64 " 0x%" PRIx64 " request 0x%x\n", region->iova, region->bytes, request);
	if (status != PT_OK)
		trial_fail(trial, NULL, "the last protect said: %s", pt_status_string(status));
	return true;
}

static bool do_split(struct trial *trial, struct region *region)
{
	unsigned int lg2 = some_size(trial);
	uint64_t iova = region->iova + (trial_below(trial, region->bytes) & ~((UINT64_C(1) << lg2) - 1));
	struct pt_result result;
	enum pt_status status;

	if (UINT64_C(1) << lg2 >= region->bytes)
		return false;
	trial_note(trial, "split 0x%" PRIx64 " 0x%" PRIx64 "\n", iova, UINT64_C(1) << lg2);
	status = trial->format->split(&trial->table, iova, lg2, NULL, &trial->gather, &result);
	if (status == PT_ERR_OUTPUT)
		return false; /* smaller leaves cannot hold the address */
	if (status != PT_OK)
		trial_fail(trial, NULL, "the last split said: %s", pt_status_string(status));
	return true;
}

/*
 * Merge what splits left, from the smallest leaves up; how many merges made a leaf larger. A split can put an attribute
 * into the table's entry, where it holds for all below (PXN of short descriptors): such parts differ from the others.
 */
static unsigned int merge_parts(struct trial *trial, const struct region *region)
{
	unsigned int merged = 0;

	for (unsigned int size = page_lg2(trial) + 1; region->bytes >> size; size++) {
		if (!(trial->table.page_sizes >> size & 1) || region->bytes >> size > 512)
			continue;
		for (uint64_t at = 0; at < region->bytes; at += UINT64_C(1) << size) {
			struct pt_result result;
			enum pt_status status;
			struct pt_walk walk;

			trial->format->walk(&trial->table, NULL, region->iova + at, &walk);
			if (walk.leaf.lg2 >= size)
				continue;
			status = trial->format->merge(&trial->table, region->iova + at, size, &trial->gather, &result);
			if (status != PT_OK && status != PT_ERR_MIXED)
				trial_fail(trial, NULL, "merge of 2^%u bytes at 0x%" PRIx64 " said: %s", size,
					   region->iova + at, pt_status_string(status));
			merged += status == PT_OK;
		}
	}
	return merged;
}

static bool do_merge(struct trial *trial, struct region *region)
{
	unsigned int merged = merge_parts(trial, region);

	if (!merged && do_split(trial, region))
		merged = merge_parts(trial, region);
	if (merged)
		trial_note(trial, "merge 0x%" PRIx64 " 0x%" PRIx64 "\n", region->iova, region->bytes);
	return merged != 0;
}

static bool do_replace(struct trial *trial, struct region *region)
{
	unsigned int lg2 = (unsigned int)__builtin_ctzll(region->bytes), request = some_request(trial);
	struct pt_result result;
	enum pt_status status;
	uint64_t pa;

	if (!trial_pa(trial, lg2, region->bytes, &pa))
		return false;
	status = trial->format->replace(&trial->table, region->iova, pa, region->bytes, request | PT_ALLOW_WIDER,
					&trial->gather, &result);
	if (status == PT_ERR_RIGHTS || status == PT_ERR_OUTPUT)
		return false;
	trial_note(trial, "replace 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " request 0x%x\n", region->iova, pa,
		   region->bytes, request);
	if (status != PT_OK)
		trial_fail(trial, NULL, "the last replace said: %s", pt_status_string(status));
	return true;
}

static bool do_unmap(struct trial *trial, struct region *region)
{
	trial_unmap(trial, region->iova, region->bytes);
	return true;
}

enum { MAP, UNMAP, PROTECT, SPLIT, MERGE, REPLACE, N_CHANGES };

static const struct {
	const char *name;
	bool (*run)(struct trial *trial, struct region *region);
} changes[N_CHANGES] = {
	[MAP] = {"map", do_map},       [UNMAP] = {"unmap", do_unmap}, [PROTECT] = {"protect", do_protect},
	[SPLIT] = {"split", do_split}, [MERGE] = {"merge", do_merge}, [REPLACE] = {"replace", do_replace},
};

/* A region, and for what is done to large leaves a large one, if there is any. */
static struct region *some_region(struct trial *trial, bool large)
{
	struct region *region = NULL;

	for (unsigned int try = 0; try < 100; try++) {
		region = &trial->region[trial_below(trial, trial->n_regions)];
		if (!large || region->bytes >> page_lg2(trial) > 1)
			break;
	}
	return region;
}

/* Any change; but first each one once. */
static unsigned int some_change(struct trial *trial, const unsigned int done[N_CHANGES])
{
	/* Few regions: more of them, as long as there is room. */
	if (trial->n_regions == 0 || (trial->n_regions < 8 && trial_below(trial, 2)))
		return MAP;
	if (trial->n_regions > 60)
		return UNMAP;
	for (unsigned int i = 0; i < N_CHANGES; i++)
		if (!done[i] && trial_below(trial, 4) == 0)
			return i;
	return (unsigned int)trial_below(trial, N_CHANGES);
}

/* Was each kind of change done? Where all leaves are of one size, there is nothing to split or to merge. */
static bool all_done(const struct trial *trial, const unsigned int done[N_CHANGES])
{
	bool several = (trial->table.page_sizes & (trial->table.page_sizes - 1)) != 0;

	for (unsigned int i = 0; i < N_CHANGES; i++)
		if (!done[i] && (several || (i != SPLIT && i != MERGE)))
			return false;
	return true;
}

/*
 * What is about to change is used first, so that everything that caches has it; after the change, and the invalidation
 * that the gather asks for, it is used again.
 */
void check_changes(struct trial *trial)
{
	unsigned int done[N_CHANGES] = {0};

	list.n = 0;
	for (unsigned int step = 0; step < 80 * effort() || (step < 1000 && !all_done(trial, done)); step++) {
		unsigned int what = some_change(trial, done);
		struct region region = {0};

		if (trial->n_regions)
			region = *some_region(trial, what == SPLIT || what == MERGE);
		if (what != MAP) {
			touch(trial, &list, &region, 6);
			judge_list(trial, &list, false);
		}
		if (!changes[what].run(trial, &region))
			continue;
		trial_flush(trial);
		done[what]++;
		touch(trial, &list, &region, 6);
		if (trial->n_regions)
			touch(trial, &list, some_region(trial, false), 2);
		judge_list(trial, &list, false);
	}
	for (unsigned int i = 0; i < N_CHANGES && !all_done(trial, done); i++)
		CHECK_MSG(done[i], "no %s was done", changes[i].name);
}

/* With the invalidations dropped, stale translations must show; after a full invalidation they must be gone. */
void check_stale(struct trial *trial)
{
	size_t stale = 0;

	list.n = 0;
	for (unsigned int round = 0; round < 4; round++) {
		struct region old[16];
		unsigned int n = 0;

		for (unsigned int i = 0; i < 64 && n < 16; i++)
			if (map_leaf(trial, some_size(trial), PT_READ | PT_WRITE))
				old[n++] = trial->region[trial->n_regions - 1];
		CHECK(n > 0);
		trial_flush(trial);
		for (unsigned int i = 0; i < n; i++)
			touch(trial, &list, &old[i], 3);
		judge_list(trial, &list, false);
		trial->deaf = true;
		for (unsigned int i = 0; i < n; i++) {
			uint64_t where = old[i].iova;
			unsigned int access[MAX_ACCESSES];

			accesses_of(trial, access);
			accesses_add(&list, where, access[0]);
			judge_list(trial, &list, true);
			changes[i % 2 ? UNMAP : REPLACE].run(trial, &old[i]);
			trial_flush(trial);
			accesses_add(&list, where, access[0]);
			stale += judge_list(trial, &list, true);
		}
		trial->deaf = false;
		trial->class->forget(trial);
		for (unsigned int i = 0; i < n; i++)
			touch(trial, &list, &old[i], 3);
		judge_list(trial, &list, false);
		while (trial->n_regions)
			trial_unmap(trial, trial->region[0].iova, trial->region[0].bytes);
		trial_flush(trial);
	}
	if (stale == 0)
		trial_fail(trial, NULL,
			   "no stale translation was seen without invalidations: either the model caches "
			   "nothing, or this check cannot fail");
	trial->n_cases += stale;
}

static bool grow(struct trial *trial, uint64_t iova, uint64_t bytes)
{
	struct pt_result result;
	enum pt_status status;
	uint64_t pa;

	CHECK(trial_pa(trial, page_lg2(trial), bytes, &pa));
	status = trial->format->map(&trial->table, iova, pa, bytes, PT_READ | PT_WRITE | PT_ALLOW_WIDER, &trial->gather,
				    &result);
	if (status == PT_ERR_RANGE)
		return false;
	trial_note(trial, "map 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " rw\n", iova, pa, bytes);
	if (status != PT_OK)
		trial_fail(trial, NULL, "the map that should grow the root said: %s", pt_status_string(status));
	trial->region[trial->n_regions++] = (struct region){iova, pa, bytes, result.request};
	return true;
}

/* A root that grows leaves old translations in place, and makes room for new ones. */
void check_growth(struct trial *trial)
{
	uint64_t root = pt_root(&trial->table);
	unsigned int grown = 0;

	list.n = 0;
	map_everything(trial, 1);
	for (unsigned int round = 0; round < 8; round++) {
		uint64_t page = UINT64_C(1) << page_lg2(trial), width = trial_width(trial);

		for (unsigned int i = 0; i < trial->n_regions; i++)
			touch(trial, &list, &trial->region[i], 4);
		judge_list(trial, &list, false);
		if (width == 0 || width > (uint64_t)1 << 62)
			break;
		/* Just beyond what there is: it serves more after that, if it can. */
		if (!grow(trial, trial->table.first + width + page * trial_below(trial, width / page), page))
			break;
		CHECK(pt_root(&trial->table) != root);
		root = pt_root(&trial->table);
		grown++;
		trial->class->load(trial);
		trial_flush(trial);
	}
	CHECK_MSG(grown > 0, "the root did not grow");
}

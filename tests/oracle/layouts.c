/* SPDX-License-Identifier: MIT */
/* layouts.c - checks of what stands: translation, permissions, accessed and dirty. */
#include <inttypes.h>
#include <string.h>

#include "campaign.h"

unsigned int page_lg2(const struct trial *trial)
{
	return (unsigned int)__builtin_ctzll(trial->table.page_sizes);
}

unsigned int accesses_of(const struct trial *trial, unsigned int access[MAX_ACCESSES])
{
	static const unsigned int kinds[] = {PT_ACCESS_READ, PT_ACCESS_WRITE, PT_ACCESS_EXEC};
	unsigned int n = 0;

	for (unsigned int i = 0; i < 3; i++) {
		if (kinds[i] == PT_ACCESS_EXEC && !(trial->can & CAN_EXEC))
			continue;
		if (trial->can & CAN_PRIV)
			access[n++] = kinds[i] | PT_ACCESS_PRIV;
		if (trial->can & CAN_USER)
			access[n++] = kinds[i];
	}
	return n;
}

void accesses_add(struct accesses *list, uint64_t iova, unsigned int access)
{
	CHECK(list->n < MAX_LIST);
	list->v[list->n].iova = iova;
	list->v[list->n].access = access;
	list->n++;
}

bool presentable(const struct trial *trial, uint64_t iova)
{
	uint64_t width = trial_width(trial);
	bool inside = width == 0 || iova - trial->table.first < width;

	return (inside || (trial->can & CAN_OUTSIDE)) && trial_usable(trial, iova, 1);
}

/* An address in a region: its ends, the ends of its pages, anything. */
static uint64_t inner_address(struct trial *trial, const struct region *region)
{
	uint64_t page = (UINT64_C(1) << page_lg2(trial)) - 1, offset = trial_below(trial, region->bytes);

	switch (trial_below(trial, 4)) {
	case 0: return region->iova + (offset & ~page);
	case 1: return region->iova + (offset | page);
	default: return region->iova + offset;
	}
}

void touch(struct trial *trial, struct accesses *list, const struct region *region, unsigned int n)
{
	unsigned int access[MAX_ACCESSES], kinds = accesses_of(trial, access);
	uint64_t edges[] = {region->iova, region->iova + region->bytes - 1, region->iova - 1,
			    region->iova + region->bytes};

	for (unsigned int i = 0; i < 4; i++)
		if (presentable(trial, edges[i]))
			accesses_add(list, edges[i], access[trial_below(trial, kinds)]);
	for (unsigned int i = 0; i < n; i++)
		accesses_add(list, inner_address(trial, region), access[trial_below(trial, kinds)]);
}

size_t judge_list(struct trial *trial, struct accesses *list, bool tolerate)
{
	size_t differ = judge(trial, list->v, list->n, tolerate);

	list->n = 0;
	return differ;
}

bool map_leaf(struct trial *trial, unsigned int lg2, unsigned int request)
{
	uint64_t size = UINT64_C(1) << lg2, width = trial_width(trial), pa;

	if (width && size > width)
		return false;
	for (unsigned int try = 0; try < 8; try++)
		if (trial_pa(trial, lg2, size, &pa) &&
		    trial_map(trial, trial_iova(trial, lg2, size), pa, size, request))
			return true;
	return false;
}

/* Mostly everything is allowed: what is looked at here is where it goes. */
static unsigned int some_request(struct trial *trial)
{
	static const unsigned int requests[] = {PT_READ, PT_READ | PT_WRITE, PT_READ | PT_EXEC};

	return trial_below(trial, 4) ? PT_READ | PT_WRITE | PT_EXEC : requests[trial_below(trial, 3)];
}

void map_everything(struct trial *trial, unsigned int rounds)
{
	uint64_t page = UINT64_C(1) << page_lg2(trial), width = trial_width(trial), pa;
	uint64_t edges[] = {0, width - page, width / 2 - page, width / 2};

	/* The ends of the range, and of its halves (where there are two, they meet in the middle). */
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t iova = trial->table.first + edges[i];

		for (unsigned int try = 0; try < 8 && trial_usable(trial, iova, page); try++)
			if (trial_pa(trial, page_lg2(trial), page, &pa) &&
			    trial_map(trial, iova, pa, page, some_request(trial)))
				break;
	}
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int lg2 = page_lg2(trial); lg2 < 64; lg2++)
			if (trial->table.page_sizes >> lg2 & 1)
				map_leaf(trial, lg2, some_request(trial));
		/* Pages, and what fits between them: of a length and an offset that are no leaf's. */
		for (unsigned int lg2 = page_lg2(trial) + 1; lg2 < 64; lg2++) {
			uint64_t bytes = (UINT64_C(1) << lg2) + page * (1 + trial_below(trial, 7));

			if (!(trial->table.page_sizes >> lg2 & 1) || (width && 2 * bytes > width) || lg2 > 32)
				continue;
			for (unsigned int try = 0; try < 8 && trial_pa(trial, lg2, 2 * bytes, &pa); try++) {
				uint64_t iova = trial_iova(trial, lg2, 2 * bytes) + (UINT64_C(1) << lg2) - page;

				if (trial_map(trial, iova, pa + (UINT64_C(1) << lg2) - page, bytes,
					      some_request(trial)))
					break;
			}
		}
	}
	trial_flush(trial);
}

void check_translation(struct trial *trial)
{
	static struct accesses list;

	for (unsigned int round = 0; round < effort(); round++) {
		uint64_t page = UINT64_C(1) << page_lg2(trial), width = trial_width(trial);
		unsigned int access[MAX_ACCESSES], kinds = accesses_of(trial, access);
		size_t n, allowed = 0;
		uint64_t outside[] = {trial->table.first - 1,
				      trial->table.first - page,
				      trial->table.last + 1,
				      trial->table.last + page,
				      UINT64_C(1) << 47,
				      UINT64_MAX / 2,
				      0,
				      UINT64_MAX};

		list.n = 0;
		map_everything(trial, 3);
		for (unsigned int i = 0; i < trial->n_regions; i++)
			touch(trial, &list, &trial->region[i], 4 + 1000 / trial->n_regions);
		/* Outside of the range, where the machine has such addresses; and holes anywhere inside. */
		for (unsigned int i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
			for (unsigned int k = 0; k < kinds; k++)
				if (presentable(trial, outside[i]))
					accesses_add(&list, outside[i], access[k]);
		for (unsigned int i = 0; i < 50; i++) {
			uint64_t iova = trial->table.first + trial_below(trial, width);

			if (presentable(trial, iova))
				accesses_add(&list, iova, access[trial_below(trial, kinds)]);
		}
		n = list.n;
		CHECK_MSG(n >= 1000, "only %zu addresses", n);
		judge_list(trial, &list, false);
		for (size_t i = 0; i < n; i++)
			allowed += list.v[i].walk.fault == PT_FAULT_NONE;
		CHECK_MSG(allowed >= n / 4, "only %zu of %zu addresses lead anywhere", allowed, n);
		while (trial->n_regions)
			trial_unmap(trial, trial->region[0].iova, trial->region[0].bytes);
		trial_flush(trial);
	}
}

/* Each generic request, in the smallest leaf and in some other, against each access. */
void check_permissions(struct trial *trial)
{
	static struct accesses list;
	unsigned int access[MAX_ACCESSES], kinds = accesses_of(trial, access), refused = 0, held = 0;

	for (unsigned int round = 0; round < (effort() + 1) / 2; round++) {
		for (unsigned int request = 0; request <= PT_REQUEST_MASK; request++) {
			unsigned int lg2[2] = {page_lg2(trial), page_lg2(trial)};
			unsigned int before = trial->n_regions;

			for (unsigned int try = 0; try < 20 && lg2[1] == lg2[0]; try++) {
				unsigned int other = page_lg2(trial) + (unsigned int)trial_below(trial, 20);

				if (trial->table.page_sizes >> other & 1)
					lg2[1] = other;
			}
			for (unsigned int i = 0; i < 2; i++)
				for (unsigned int try = 0; try < 5 && !map_leaf(trial, lg2[i], request); try++)
					;
			if (trial->n_regions == before) {
				refused++; /* the format says so: it cannot express that */
				continue;
			}
			held++;
			trial_flush(trial);
			for (; before < trial->n_regions; before++)
				for (unsigned int k = 0; k < kinds; k++)
					accesses_add(&list, inner_address(trial, &trial->region[before]), access[k]);
			judge_list(trial, &list, false);
			if (trial->n_regions > MAX_REGIONS / 2) {
				while (trial->n_regions)
					trial_unmap(trial, trial->region[0].iova, trial->region[0].bytes);
				trial_flush(trial);
			}
		}
	}
	CHECK_MSG(held > refused, "%u requests were refused, only %u mapped", refused, held);
}

/* ----------------------------------------------------------------------------------------------- accessed and dirty */

/* Are the words of a walk in memory those that are said to be left by the hardware? shift: of the entries' addresses.
 */
static void compare_words(struct trial *trial, const struct access *access, const struct pt_format *format,
			  const struct pt_walk *walk, uint64_t shift)
{
	for (unsigned int i = 0; i < walk->n_steps; i++) {
		const struct pt_step *step = &walk->step[i];
		uint64_t word = entry_read(trial, &format->levels[step->level], step->entry_pa - shift);

		if (word != step->raw[0])
			trial_fail(trial, access,
				   "the machine left 0x%" PRIx64 " in the entry at 0x%" PRIx64 ", and 0x%" PRIx64
				   " was predicted",
				   word, step->entry_pa - shift, step->raw[0]);
		trial->n_cases++;
	}
}

void expect_words(struct trial *trial, const struct access *access)
{
	const struct second *second = &trial->second;

	if (!second->format) {
		compare_words(trial, access, trial->format, &access->walk, 0);
		return;
	}
	compare_words(trial, access, trial->format, &access->nested.walk1, second->shift);
	compare_words(trial, access, second->format, &access->nested.walk2, 0);
}

/* Does F_dirty report a region, whole or not at all? */
static void expect_state(struct trial *trial, const struct region *region, unsigned int flags, bool set)
{
	struct pt_result result;
	enum pt_status status = trial->format->dirty(&trial->table, region->iova, region->bytes, flags, NULL,
						     page_lg2(trial), &trial->gather, &result);

	if (status != PT_OK)
		trial_fail(trial, NULL, "F_dirty said: %s", pt_status_string(status));
	if (result.bytes != (set ? region->bytes : 0))
		trial_fail(trial, NULL, "%s state of 0x%" PRIx64 ": 0x%" PRIx64 " bytes, expected 0x%" PRIx64,
			   flags & PT_DIRTY_ACCESSED ? "accessed" : "dirty", region->iova, result.bytes,
			   set ? region->bytes : 0);
	trial->n_cases++;
}

static void one_access(struct trial *trial, const struct region *region, unsigned int access)
{
	struct access one = {.iova = inner_address(trial, region), .access = access};

	judge(trial, &one, 1, false);
	expect_words(trial, &one);
}

void check_accessed(struct trial *trial)
{
	unsigned int who = trial->can & CAN_PRIV ? (unsigned int)PT_ACCESS_PRIV : 0;
	bool dirty = trial->format->has_dirty && (trial->can & CAN_DIRTY);

	for (unsigned int round = 0; round < 2 * effort() || (round < 20 && trial->n_regions < 3); round++)
		for (unsigned int lg2 = page_lg2(trial); lg2 < 64; lg2++)
			if (trial->table.page_sizes >> lg2 & 1)
				map_leaf(trial, lg2, PT_READ | PT_WRITE);
	CHECK(trial->n_regions >= 3);
	/* Cleared, used, harvested; and all of it again. */
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < trial->n_regions; i++) {
			const struct region *region = &trial->region[i];
			struct pt_result result;

			trial->format->dirty(&trial->table, region->iova, region->bytes,
					     PT_DIRTY_ACCESSED | PT_DIRTY_CLEAR, NULL, page_lg2(trial), &trial->gather,
					     &result);
			if (dirty)
				trial->format->dirty(&trial->table, region->iova, region->bytes, PT_DIRTY_CLEAR, NULL,
						     page_lg2(trial), &trial->gather, &result);
		}
		trial_flush(trial);
		for (unsigned int i = 0; i < trial->n_regions; i++) {
			const struct region *region = &trial->region[i];
			unsigned int what = (i + round) % 3;

			expect_state(trial, region, PT_DIRTY_ACCESSED, false);
			if (what >= 1)
				one_access(trial, region, PT_ACCESS_READ | who);
			if (what == 2)
				one_access(trial, region, PT_ACCESS_WRITE | who);
			expect_state(trial, region, PT_DIRTY_ACCESSED, what >= 1);
			if (dirty)
				expect_state(trial, region, 0, what == 2);
		}
	}
}

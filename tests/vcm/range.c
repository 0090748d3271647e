/* SPDX-License-Identifier: MIT */
/* The range allocator against a map of bytes per grain, and its corner cases. */
#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define GRAINS	  512
#define FIRST	  0x3000
#define GRAIN_LG2 12

struct model {
	struct vc_ranges ranges;
	struct vc_range_node *owner[GRAINS];
};

static void check_tree(const struct tree_node *node, size_t *n)
{
	int left, right;

	if (!node)
		return;
	check_tree(node->left, n);
	(*n)++;
	check_tree(node->right, n);
	left = node->left ? node->left->height : 0;
	right = node->right ? node->right->height : 0;
	CHECK(left - right <= 1 && right - left <= 1);
	CHECK_EQ(node->height, (left > right ? left : right) + 1);
	CHECK(!node->left || node->left->parent == node);
	CHECK(!node->right || node->right->parent == node);
}

static void check_model(const struct model *model)
{
	const struct vc_range_node *node = NULL;
	size_t n = 0, used = 0, i = 0;

	check_tree(model->ranges.tree.root, &n);
	CHECK_EQ(n, model->ranges.count + 1);
	while ((node = vc_ranges_next(&model->ranges, node))) {
		size_t first = (size_t)((node->first - FIRST) >> GRAIN_LG2);
		size_t last = (size_t)((node->last - FIRST) >> GRAIN_LG2);

		for (; i < first; i++)
			CHECK(!model->owner[i]);
		for (; i <= last; i++, used++)
			CHECK(model->owner[i] == node);
	}
	for (; i < GRAINS; i++)
		CHECK(!model->owner[i]);
	CHECK_EQ(model->ranges.used, (uint64_t)used << GRAIN_LG2);
}

/* The lowest grain where n fit, by looking at every one. */
static size_t lowest(const struct model *model, size_t n, unsigned int align_lg2, uint64_t low, uint64_t high)
{
	for (size_t i = 0; i + n <= GRAINS; i++) {
		uint64_t address = FIRST + ((uint64_t)i << GRAIN_LG2);
		size_t k = 0;

		if (address & (((uint64_t)1 << align_lg2) - 1) || address < low ||
		    address + ((uint64_t)n << GRAIN_LG2) - 1 > high)
			continue;
		while (k < n && !model->owner[i + k])
			k++;
		if (k == n)
			return i;
	}
	return GRAINS;
}

static void set_owner(struct model *model, const struct vc_range_node *node, struct vc_range_node *owner)
{
	size_t first = (size_t)((node->first - FIRST) >> GRAIN_LG2), last = (size_t)((node->last - FIRST) >> GRAIN_LG2);

	for (size_t i = first; i <= last; i++)
		model->owner[i] = owner;
}

static void take_any(struct model *model, uint64_t *random)
{
	size_t n = (size_t)(test_random(random) % (test_random(random) % 40 + 1)) + 1, expected;
	unsigned int align = (unsigned int)(test_random(random) % 11) + 8;
	uint64_t low = 0, high = UINT64_MAX;
	struct vc_range_node *node = NULL;
	int error;

	if (test_random(random) % 3 == 0) {
		low = FIRST + test_random(random) % ((uint64_t)GRAINS << GRAIN_LG2);
		high = low + test_random(random) % ((uint64_t)GRAINS << GRAIN_LG2);
	}
	expected = lowest(model, n, align < GRAIN_LG2 ? GRAIN_LG2 : align, low, high);
	error = vc_ranges_take(&model->ranges, ((uint64_t)n << GRAIN_LG2) - test_random(random) % 4096, align, low,
			       high, NULL, &node);
	CHECK_EQ(error, expected == GRAINS ? -ENOSPC : 0);
	if (!error) {
		CHECK_EQ(node->first, FIRST + ((uint64_t)expected << GRAIN_LG2));
		CHECK_EQ(node->last, node->first + ((uint64_t)n << GRAIN_LG2) - 1);
		set_owner(model, node, node);
	}
}

static void take_fixed(struct model *model, uint64_t *random)
{
	size_t i = (size_t)(test_random(random) % GRAINS), n = (size_t)(test_random(random) % 20) + 1;
	uint64_t first = FIRST + ((uint64_t)i << GRAIN_LG2);
	struct vc_range_node *node = NULL;
	int error = vc_ranges_take_at(&model->ranges, first, (uint64_t)n << GRAIN_LG2, NULL, &node);

	if (i + n > GRAINS) {
		CHECK_EQ(error, -ERANGE);
		return;
	}
	for (size_t k = 0; k < n; k++)
		if (model->owner[i + k]) {
			CHECK_EQ(error, -EADDRINUSE);
			return;
		}
	CHECK_EQ(error, 0);
	CHECK_EQ(node->first, first);
	set_owner(model, node, node);
}

TEST(vcm_range, model)
{
	uint64_t random = test_seed();
	struct model model;

	memset(&model, 0, sizeof(model));
	CHECK_EQ(vc_ranges_init(&model.ranges, FIRST, FIRST + ((uint64_t)GRAINS << GRAIN_LG2) - 1, GRAIN_LG2), 0);
	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t what = test_random(&random) % 100, address;
		struct vc_range_node *node;

		/* Phases of growing and of shrinking. */
		if (what < (round / 2000 % 2 ? 25U : 60U)) {
			take_any(&model, &random);
		} else if (what < (round / 2000 % 2 ? 30U : 70U)) {
			take_fixed(&model, &random);
		} else {
			address = FIRST + test_random(&random) % ((uint64_t)GRAINS << GRAIN_LG2);
			node = vc_ranges_find(&model.ranges, address);
			CHECK(node == model.owner[(address - FIRST) >> GRAIN_LG2]);
			if (node) {
				set_owner(&model, node, NULL);
				vc_ranges_give(&model.ranges, node);
			}
		}
		if (round % 50 == 0)
			check_model(&model);
	}
	check_model(&model);
	vc_ranges_fini(&model.ranges);
}

TEST(vcm_range, whole_and_ends)
{
	struct vc_range_node *whole, *last, *first;
	struct vc_ranges ranges;

	/* Address 0, a whole range, and the very end of the address space are like any other. */
	CHECK_EQ(vc_ranges_init(&ranges, 0, 0xffff, 12), 0);
	CHECK_EQ(vc_ranges_take(&ranges, 0x10000, 12, 0, UINT64_MAX, NULL, &whole), 0);
	CHECK_EQ(whole->first, 0);
	CHECK_EQ(vc_ranges_take(&ranges, 1, 12, 0, UINT64_MAX, NULL, &last), -ENOSPC);
	vc_ranges_give(&ranges, whole);
	CHECK_EQ(vc_ranges_largest(&ranges), 0x10000);
	vc_ranges_fini(&ranges);

	CHECK_EQ(vc_ranges_init(&ranges, UINT64_MAX - 0xffff, UINT64_MAX, 12), 0);
	CHECK_EQ(vc_ranges_take_at(&ranges, UINT64_MAX - 0xfff, 0x1000, NULL, &last), 0);
	CHECK_EQ(last->last, UINT64_MAX);
	CHECK_EQ(vc_ranges_take(&ranges, 0xf000, 12, 0, UINT64_MAX, NULL, &first), 0);
	CHECK_EQ(first->first, UINT64_MAX - 0xffff);
	CHECK(vc_ranges_find(&ranges, UINT64_MAX) == last);
	CHECK(vc_ranges_next(&ranges, first) == last);
	CHECK(!vc_ranges_next(&ranges, last));
	vc_ranges_give(&ranges, first);
	CHECK_EQ(vc_ranges_take(&ranges, 0x10000, 12, 0, UINT64_MAX, NULL, &first), -ENOSPC);
	CHECK_EQ(vc_ranges_take(&ranges, 0x8000, 15, 0, UINT64_MAX, NULL, &first), 0);
	CHECK_EQ(first->first, UINT64_MAX - 0xffff);
	vc_ranges_fini(&ranges);

	CHECK_EQ(vc_ranges_init(&ranges, 0, UINT64_MAX, 12), -EINVAL);
	CHECK_EQ(vc_ranges_init(&ranges, 0x800, 0xffff, 12), -EINVAL);
}

/* Large holes saturate the summary: 2^51 grains, and still exact. */
TEST(vcm_range, saturated)
{
	struct vc_range_node *a, *b, *c;
	struct vc_ranges ranges;

	CHECK_EQ(vc_ranges_init(&ranges, 0x1000, UINT64_MAX, 12), 0);
	CHECK_EQ(vc_ranges_take_at(&ranges, (uint64_t)1 << 62, 0x1000, NULL, &a), 0);
	CHECK_EQ(vc_ranges_take(&ranges, (uint64_t)1 << 62, 62, 0, UINT64_MAX, NULL, &b), 0);
	CHECK_EQ(b->first, (uint64_t)1 << 63);
	CHECK_EQ(vc_ranges_take(&ranges, ((uint64_t)1 << 62) - 0x1000, 12, 0, UINT64_MAX, NULL, &c), 0);
	CHECK_EQ(c->first, 0x1000);
	vc_ranges_fini(&ranges);
}

/* A full-length reservation, and none of the padding that the allocator of 2010 needed. */
TEST(vcm_range, no_padding)
{
	struct vc_range_node *node;
	struct vc_ranges ranges;

	CHECK_EQ(vc_ranges_init(&ranges, 0x1000, 0x8000fff, 12), 0);
	CHECK_EQ(vc_ranges_take(&ranges, 0x80000, 16, 0, UINT64_MAX, NULL, &node), 0);
	CHECK_EQ(node->first, 0x10000);
	CHECK_EQ(vc_ranges_take(&ranges, 0x1000000, 24, 0, UINT64_MAX, NULL, &node), 0);
	CHECK_EQ(node->first, 0x1000000);
	CHECK_EQ(vc_ranges_take(&ranges, 0xf000, 12, 0, UINT64_MAX, NULL, &node), 0);
	CHECK_EQ(node->first, 0x1000);
	vc_ranges_fini(&ranges);
}

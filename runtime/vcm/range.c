/* SPDX-License-Identifier: MIT */
/* range.c - the range allocator; see range.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "alloc.h"
#include "range.h"

#define NODE(tree_node) VC_CONTAINER(tree_node, struct vc_range_node, tree)

static const struct vc_ranges *ranges_of(const struct tree *tree)
{
	const char *base = (const char *)tree - offsetof(struct vc_ranges, tree);

	return (const struct vc_ranges *)(const void *)base;
}

/* Where an allocation of that alignment would start in a hole; false when that is beyond its end. */
static bool align_in(uint64_t first, uint64_t bytes, unsigned int align_lg2, uint64_t *start)
{
	uint64_t mask = ((uint64_t)1 << align_lg2) - 1, skip = (0 - first) & mask;

	if (skip >= bytes)
		return false;
	*start = first + skip;
	return true;
}

/* This is where the time of an allocation goes: plain loops, without a branch that depends on what is there. */
static bool update(const struct tree *tree, struct tree_node *tree_node)
{
	static const uint32_t nothing[VC_RANGE_ORDERS];
	const uint32_t *left = tree_node->left ? NODE(tree_node->left)->best : nothing;
	const uint32_t *right = tree_node->right ? NODE(tree_node->right)->best : nothing;
	const struct vc_ranges *ranges = ranges_of(tree);
	struct vc_range_node *node = NODE(tree_node);
	uint32_t best[VC_RANGE_ORDERS], changed = 0;
	uint64_t start, grains;

	for (unsigned int k = 0; k < VC_RANGE_ORDERS; k++)
		best[k] = left[k] > right[k] ? left[k] : right[k];
	/* A hole without a multiple of an alignment has none of a larger one. */
	for (unsigned int k = 0; k < ranges->n_orders && node->hole_bytes; k++) {
		if (!align_in(node->hole_first, node->hole_bytes, ranges->grain_lg2 + k, &start))
			break;
		grains = (node->hole_bytes - (start - node->hole_first)) >> ranges->grain_lg2;
		if (grains <= best[k])
			continue;
		/* A hole of 2^32 grains and more saturates: the search then looks at the hole itself. */
		best[k] = grains > UINT32_MAX ? UINT32_MAX : (uint32_t)grains;
	}
	for (unsigned int k = 0; k < VC_RANGE_ORDERS; k++) {
		changed |= node->best[k] ^ best[k];
		node->best[k] = best[k];
	}
	return changed != 0;
}

static struct vc_range_node *new_node(void)
{
	return vc_calloc(1, sizeof(struct vc_range_node));
}

int vc_ranges_init(struct vc_ranges *ranges, uint64_t first, uint64_t last, unsigned int grain_lg2)
{
	uint64_t mask, bytes = last - first + 1;
	unsigned int lg2 = 0;

	if (grain_lg2 > 30 || first > last || bytes == 0)
		return -EINVAL;
	mask = ((uint64_t)1 << grain_lg2) - 1;
	if ((first & mask) || ((last + 1) & mask))
		return -EINVAL;
	while (bytes >> 1 >> lg2)
		lg2++;
	*ranges = (struct vc_ranges){.tree = {.update = update}, .first = first, .last = last, .grain_lg2 = grain_lg2};
	ranges->n_orders = lg2 - grain_lg2 + 1;
	if (ranges->n_orders > VC_RANGE_ORDERS)
		ranges->n_orders = VC_RANGE_ORDERS;
	ranges->end = new_node();
	if (!ranges->end)
		return -ENOMEM;
	ranges->end->hole_first = first;
	ranges->end->hole_bytes = bytes;
	tree_insert(&ranges->tree, &ranges->end->tree, NULL, &ranges->tree.root);
	return 0;
}

void vc_ranges_fini(struct vc_ranges *ranges)
{
	struct tree_node *node = ranges->tree.root;

	/* Take the tree down from its leaves; no rebalancing is wanted. */
	while (node) {
		struct tree_node *parent = node->parent;

		if (node->left) {
			node = node->left;
		} else if (node->right) {
			node = node->right;
		} else {
			if (parent && parent->left == node)
				parent->left = NULL;
			else if (parent)
				parent->right = NULL;
			free(NODE(node));
			node = parent;
		}
	}
	ranges->tree.root = NULL;
	ranges->end = NULL;
}

/* What an allocation looks for. */
struct wish {
	uint64_t bytes, low, high;
	uint32_t grains; /* bytes in grains, saturated */
	unsigned int align_lg2, order;
};

static bool fits(const struct vc_range_node *node, const struct wish *wish, uint64_t *start)
{
	uint64_t first = node->hole_first, bytes = node->hole_bytes, last;

	if (!bytes)
		return false;
	last = first + bytes - 1;
	if (first < wish->low)
		first = wish->low;
	if (last > wish->high)
		last = wish->high;
	if (first > last)
		return false;
	return align_in(first, last - first + 1, wish->align_lg2, start) && wish->bytes - 1 <= last - *start;
}

/* The lowest hole that fits. The recursion is as deep as the tree is high: 45 levels for a thousand million ranges. */
static struct vc_range_node *search(struct tree_node *tree_node, const struct wish *wish, uint64_t *start)
{
	struct vc_range_node *node, *found;

	while (tree_node) {
		node = NODE(tree_node);
		if (node->best[wish->order] < wish->grains)
			return NULL;
		/* All holes on the left end before this one begins. */
		if (tree_node->left && wish->low < node->hole_first) {
			found = search(tree_node->left, wish, start);
			if (found)
				return found;
		}
		if (fits(node, wish, start))
			return node;
		if (wish->high < node->hole_first)
			return NULL;
		tree_node = tree_node->right;
	}
	return NULL;
}

/* Take [first, first + bytes) out of the hole before next, which contains it. */
static int take(struct vc_ranges *ranges, struct vc_range_node *next, uint64_t first, uint64_t bytes, void *owner,
		struct vc_range_node **out)
{
	struct vc_range_node *node = new_node();

	if (!node)
		return -ENOMEM;
	node->first = first;
	node->last = first + bytes - 1;
	node->owner = owner;
	node->hole_first = next->hole_first;
	node->hole_bytes = first - next->hole_first;
	next->hole_bytes -= node->hole_bytes + bytes;
	/* An empty hole keeps its place in the order, also at the very end of the address space. */
	next->hole_first = next->hole_bytes ? first + bytes : node->last;
	tree_insert_before(&ranges->tree, &node->tree, &next->tree);
	tree_changed(&ranges->tree, &next->tree);
	ranges->used += bytes;
	ranges->count++;
	*out = node;
	return 0;
}

static uint64_t round_to_grain(const struct vc_ranges *ranges, uint64_t bytes)
{
	uint64_t mask = ((uint64_t)1 << ranges->grain_lg2) - 1;

	return bytes > UINT64_MAX - mask ? 0 : (bytes + mask) & ~mask;
}

int vc_ranges_take(struct vc_ranges *ranges, uint64_t bytes, unsigned int align_lg2, uint64_t low, uint64_t high,
		   void *owner, struct vc_range_node **out)
{
	struct wish wish = {.low = low, .high = high, .align_lg2 = align_lg2};
	struct vc_range_node *next;
	uint64_t start, grain = (uint64_t)1 << ranges->grain_lg2;

	wish.bytes = round_to_grain(ranges, bytes);
	if (!wish.bytes || align_lg2 > 63 || low > high)
		return -EINVAL;
	if (align_lg2 < ranges->grain_lg2)
		wish.align_lg2 = ranges->grain_lg2;
	wish.order = wish.align_lg2 - ranges->grain_lg2;
	if (wish.order >= ranges->n_orders)
		wish.order = ranges->n_orders - 1;
	wish.grains = wish.bytes / grain > UINT32_MAX ? UINT32_MAX : (uint32_t)(wish.bytes / grain);
	next = search(ranges->tree.root, &wish, &start);
	if (!next)
		return -ENOSPC;
	return take(ranges, next, start, wish.bytes, owner, out);
}

/* The first node (the sentinel included) that ends at address or later. */
static struct vc_range_node *at_or_after(const struct vc_ranges *ranges, uint64_t address)
{
	struct tree_node *node = ranges->tree.root;
	struct vc_range_node *found = ranges->end;

	while (node) {
		if (NODE(node) == ranges->end || NODE(node)->last >= address) {
			found = NODE(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

int vc_ranges_take_at(struct vc_ranges *ranges, uint64_t first, uint64_t bytes, void *owner, struct vc_range_node **out)
{
	uint64_t mask = ((uint64_t)1 << ranges->grain_lg2) - 1;
	struct vc_range_node *next;

	bytes = round_to_grain(ranges, bytes);
	if (!bytes || (first & mask))
		return -EINVAL;
	if (first < ranges->first || first > ranges->last || bytes - 1 > ranges->last - first)
		return -ERANGE;
	next = at_or_after(ranges, first);
	if (!next->hole_bytes || first < next->hole_first || bytes > next->hole_bytes ||
	    first - next->hole_first > next->hole_bytes - bytes)
		return -EADDRINUSE;
	return take(ranges, next, first, bytes, owner, out);
}

void vc_ranges_give(struct vc_ranges *ranges, struct vc_range_node *node)
{
	struct vc_range_node *next = NODE(tree_next(&node->tree));
	uint64_t bytes = node->last - node->first + 1;

	next->hole_first = node->hole_bytes ? node->hole_first : node->first;
	next->hole_bytes += node->hole_bytes + bytes;
	ranges->used -= bytes;
	ranges->count--;
	tree_remove(&ranges->tree, &node->tree);
	tree_changed(&ranges->tree, &next->tree);
	free(node);
}

struct vc_range_node *vc_ranges_from(const struct vc_ranges *ranges, uint64_t address)
{
	struct vc_range_node *node = at_or_after(ranges, address);

	return node == ranges->end ? NULL : node;
}

struct vc_range_node *vc_ranges_find(const struct vc_ranges *ranges, uint64_t address)
{
	struct vc_range_node *node = vc_ranges_from(ranges, address);

	return node && node->first <= address ? node : NULL;
}

struct vc_range_node *vc_ranges_next(const struct vc_ranges *ranges, const struct vc_range_node *node)
{
	struct tree_node *next = node ? tree_next(&node->tree) : tree_first(&ranges->tree);

	return next && NODE(next) != ranges->end ? NODE(next) : NULL;
}

uint64_t vc_ranges_largest(const struct vc_ranges *ranges)
{
	const struct vc_range_node *root = NODE(ranges->tree.root);

	return (uint64_t)root->best[0] << ranges->grain_lg2;
}

/* SPDX-License-Identifier: MIT */
/* tree.c - an AVL tree with parent links and summaries. */
#include "tree.h"

static int height(const struct tree_node *node)
{
	return node ? node->height : 0;
}

/* Does what those above see of node change? */
static bool refresh(const struct tree *tree, struct tree_node *node)
{
	int left = height(node->left), right = height(node->right), before = node->height;
	bool changed = tree->update && tree->update(tree, node);

	node->height = (left > right ? left : right) + 1;
	return changed || node->height != before;
}

/* Make child take the place that node has below its parent. */
static void replace(struct tree *tree, struct tree_node *node, struct tree_node *child)
{
	if (!node->parent)
		tree->root = child;
	else if (node->parent->left == node)
		node->parent->left = child;
	else
		node->parent->right = child;
	if (child)
		child->parent = node->parent;
}

static struct tree_node *rotate_left(struct tree *tree, struct tree_node *node)
{
	struct tree_node *up = node->right;

	replace(tree, node, up);
	node->right = up->left;
	if (node->right)
		node->right->parent = node;
	up->left = node;
	node->parent = up;
	refresh(tree, node);
	refresh(tree, up);
	return up;
}

static struct tree_node *rotate_right(struct tree *tree, struct tree_node *node)
{
	struct tree_node *up = node->left;

	replace(tree, node, up);
	node->left = up->right;
	if (node->left)
		node->left->parent = node;
	up->right = node;
	node->parent = up;
	refresh(tree, node);
	refresh(tree, up);
	return up;
}

/*
 * Walk towards the root, until nothing changes any more. `stale`, if not NULL, is a node on the way that has got other
 * children: it is reached in any case.
 */
static void rebalance(struct tree *tree, struct tree_node *node, const struct tree_node *stale)
{
	bool goes_on = true;

	while (node && (goes_on || stale)) {
		bool taken = node == stale; /* those above saw another node here, so its own old state says nothing */
		int lean = height(node->left) - height(node->right);

		if (lean > 1) {
			if (height(node->left->left) < height(node->left->right))
				rotate_left(tree, node->left);
			node = rotate_right(tree, node);
			goes_on = true;
		} else if (lean < -1) {
			if (height(node->right->right) < height(node->right->left))
				rotate_right(tree, node->right);
			node = rotate_left(tree, node);
			goes_on = true;
		} else {
			goes_on = refresh(tree, node) || taken;
		}
		if (taken)
			stale = NULL;
		node = node->parent;
	}
}

void tree_insert(struct tree *tree, struct tree_node *node, struct tree_node *parent, struct tree_node **link)
{
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->height = 1;
	*link = node;
	refresh(tree, node);
	rebalance(tree, parent, NULL);
}

void tree_insert_before(struct tree *tree, struct tree_node *node, struct tree_node *next)
{
	struct tree_node *parent;

	if (!tree->root) {
		tree_insert(tree, node, NULL, &tree->root);
	} else if (next && !next->left) {
		tree_insert(tree, node, next, &next->left);
	} else {
		parent = next ? next->left : tree->root;
		while (parent->right)
			parent = parent->right;
		tree_insert(tree, node, parent, &parent->right);
	}
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
	struct tree_node *from;		/* the lowest node whose subtree changes */
	struct tree_node *stale = NULL; /* what takes its place */

	if (node->left && node->right) {
		struct tree_node *next = tree_next(node);

		/* next has no left child: take it out of its place and put it in node's. */
		from = next->parent == node ? next : next->parent;
		replace(tree, next, next->right);
		next->left = node->left;
		next->right = node->right;
		if (next->left)
			next->left->parent = next;
		if (next->right)
			next->right->parent = next;
		replace(tree, node, next);
		stale = next;
	} else {
		from = node->parent;
		replace(tree, node, node->left ? node->left : node->right);
	}
	rebalance(tree, from, stale);
}

void tree_changed(const struct tree *tree, struct tree_node *node)
{
	while (node && refresh(tree, node))
		node = node->parent;
}

struct tree_node *tree_first(const struct tree *tree)
{
	struct tree_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct tree_node *tree_last(const struct tree *tree)
{
	struct tree_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct tree_node *tree_next(const struct tree_node *node)
{
	struct tree_node *up;

	if (node->right) {
		for (up = node->right; up->left; up = up->left)
			;
		return up;
	}
	for (up = node->parent; up && up->right == node; up = up->parent)
		node = up;
	return up;
}

struct tree_node *tree_previous(const struct tree_node *node)
{
	struct tree_node *up;

	if (node->left) {
		for (up = node->left; up->right; up = up->right)
			;
		return up;
	}
	for (up = node->parent; up && up->left == node; up = up->parent)
		node = up;
	return up;
}

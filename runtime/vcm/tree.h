/* SPDX-License-Identifier: MIT */
/*
 * tree.h - a balanced binary tree whose nodes are embedded in what they order, and may carry a summary of what is below
 * them (the range allocator keeps the largest hole there, the physical index the last address).
 *
 * The height is at most 1.45 log2(n). The tree allocates nothing and has no lock: callers exclude each other.
 */
#ifndef VCM_TREE_H
#define VCM_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree_node {
	struct tree_node *parent, *left, *right;
	int height;
};

/*
 * update   recompute the summary of node from itself and its children; false: it is what it was. NULL: there is none.
 */
struct tree {
	struct tree_node *root;
	bool (*update)(const struct tree *tree, struct tree_node *node);
};

/* Link node below parent, at link (&parent->left, &parent->right, or &tree->root with parent NULL), and rebalance. */
void tree_insert(struct tree *tree, struct tree_node *node, struct tree_node *parent, struct tree_node **link);
/* Link node directly before next in the order; next NULL: at the end. */
void tree_insert_before(struct tree *tree, struct tree_node *node, struct tree_node *next);
void tree_remove(struct tree *tree, struct tree_node *node);
/* Recompute the summaries from node towards the root, after what node says about itself has changed. */
void tree_changed(const struct tree *tree, struct tree_node *node);

struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

/* The structure that a member is embedded in. */
#define VC_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif

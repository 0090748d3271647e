/* SPDX-License-Identifier: MIT */
/*
 * cells.h - what a drawing shows, whatever it is drawn with: the default configuration, and in it the bits of an entry
 * or register as boxes with short labels.
 */
#ifndef PTGEN_CELLS_H
#define PTGEN_CELLS_H

#include "model.h"

struct cell {
	int hi, lo;
	const char *label;
	const struct m_slice *slice;
};

/* Every parameter at its default, and the shape that this takes (the first, where the defaults take none). */
int64_t *default_config(struct arena *arena, const struct model *model, ref *shape);

/* Indices of n slices, most significant bits first. */
int *slice_order(struct arena *arena, const struct model *model, ref first, int n);

/* The slices that exist in a configuration, most significant first; *n of them. */
struct cell *cells_of(struct arena *arena, const struct model *model, const int64_t *param, ref first, int n_slices,
		      int *n);

/* Kinds of one `for` row stand together: the index, within the level, behind the last one of the row of kind `at`. */
int row_end(const struct model *model, const struct m_level *level, int at);

#endif

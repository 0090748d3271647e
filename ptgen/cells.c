/* SPDX-License-Identifier: MIT */
/* cells.c - boxes of bits, for emitters that draw them. */
#include "cells.h"
#include "text.h"

#include <inttypes.h>

int64_t *default_config(struct arena *arena, const struct model *model, ref *shape)
{
	int64_t *param = arena_alloc(arena, (size_t)(model->params.n + 1) * sizeof(*param));
	int i;

	for (i = 0; i < model->params.n; i++)
		param[i] = INT64_MIN;
	model_defaults(model, param);
	*shape = model_shape(model, param);
	if (*shape == REF_NONE)
		*shape = 0;
	return param;
}

int *slice_order(struct arena *arena, const struct model *model, ref first, int n)
{
	const struct m_slice *slices = n ? &model->slices.v[first] : NULL;
	int *order = arena_alloc(arena, (size_t)(n + 1) * sizeof(*order)), i, k;

	for (i = 0; i < n; i++) {
		for (k = i; k > 0 && slices[order[k - 1]].hi < slices[i].hi; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return order;
}

/* What stands in the box: short, since most are narrow. */
static const char *label_of(struct arena *arena, const struct model *model, const int64_t *param,
			    const struct m_slice *slice)
{
	const struct m_env env = {.param = param, .kind = REF_NONE};
	int width = slice->hi - slice->lo + 1;
	struct m_slice plain = *slice;
	int64_t k;

	switch ((enum m_role)slice->role) {
	case ROLE_IGNORED: return width > 8 ? "ignored" : "-";
	case ROLE_SOFTWARE: return width > 8 ? "software" : "sw";
	case ROLE_CONST:
		if (model_mentions(model, slice->value, X_ADDRESS, -1))
			break;
		k = model_eval(model, slice->value, &env) & (int64_t)(UINT64_MAX >> (width > 63 ? 0 : 64 - width));
		if (slice->field == REF_NONE) {
			plain.value = REF_NONE;
			return width > 6 ? arena_printf(arena, "0x%" PRIx64, k)
					 : binary_text(arena, (uint64_t)k, width);
		}
		plain.role = ROLE_FIELD;
		return arena_printf(arena, k < 10 ? "%s=%" PRId64 : "%s=0x%" PRIx64, slice_text(arena, model, &plain),
				    k);
	default: break;
	}
	return slice_text(arena, model, slice);
}

struct cell *cells_of(struct arena *arena, const struct model *model, const int64_t *param, ref first, int n_slices,
		      int *n)
{
	struct cell *cells = arena_alloc(arena, (size_t)(n_slices + 1) * sizeof(*cells));
	const struct m_env env = {.param = param, .kind = REF_NONE};
	int *order = slice_order(arena, model, first, n_slices), i;

	*n = 0;
	for (i = 0; i < n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[first + order[i]];
		struct cell *cell = &cells[*n];

		if (!model_holds(model, slice->cond, &env))
			continue;
		cell->hi = slice->hi;
		cell->lo = slice->lo;
		cell->label = label_of(arena, model, param, slice);
		cell->slice = slice;
		++*n;
	}
	return cells;
}

int row_end(const struct model *model, const struct m_level *level, int at)
{
	const struct m_kind *first = &model->kinds.v[level->first_kind + at];
	int end = at + 1;

	while (first->row != REF_NONE && end < level->n_kinds &&
	       model->kinds.v[level->first_kind + end].row == first->row)
		end++;
	return end;
}

/* SPDX-License-Identifier: MIT */
/*
 * emit_md_bits.c - the bits of an entry or register as manuals draw them: boxes with bit numbers, for the default
 * configuration; and below, line by line for all configurations, what they mean.
 */
#include "cells.h"
#include "emit_md.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_WIDTH = 112 }; /* columns of a row of boxes */

struct box {
	int hi, lo, width; /* columns, without its left edge */
	const char *label;
};

static int columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void put_times(FILE *out, const char *text, int n)
{
	while (n-- > 0)
		fputs(text, out);
}

static void put_edge(FILE *out, const struct box *boxes, int n, const char *first, const char *middle, const char *last)
{
	int i;

	fputs(first, out);
	for (i = 0; i < n; i++) {
		put_times(out, "─", boxes[i].width);
		fputs(i + 1 < n ? middle : last, out);
	}
	fputc('\n', out);
}

/* The numbers of the first and last bit above each box. */
static void put_numbers(FILE *out, const struct box *boxes, int n)
{
	int i, pending = 0; /* spaces that are only written if something follows */

	for (i = 0; i < n; i++) {
		char hi[12], lo[12];
		int before = 1;

		snprintf(hi, sizeof(hi), "%d", boxes[i].hi);
		snprintf(lo, sizeof(lo), "%d", boxes[i].lo);
		if (boxes[i].hi == boxes[i].lo)
			before += (boxes[i].width - (int)strlen(hi)) / 2;
		fprintf(out, "%*s%s", pending + before, "", hi);
		pending = boxes[i].width + 1 - before - (int)strlen(hi);
		if (boxes[i].hi != boxes[i].lo) {
			fprintf(out, "%*s", pending, lo);
			pending = 0;
		}
	}
	fputc('\n', out);
}

static void put_row(FILE *out, const struct box *boxes, int n)
{
	int i;

	put_numbers(out, boxes, n);
	put_edge(out, boxes, n, "┌", "┬", "┐");
	for (i = 0; i < n; i++) {
		int free = boxes[i].width - columns(boxes[i].label);

		fprintf(out, "│%*s%s%*s", free / 2, "", boxes[i].label, free - free / 2, "");
	}
	fputs("│\n", out);
	put_edge(out, boxes, n, "└", "┴", "┘");
}

static void put_drawing(struct md *md, FILE *out, ref first, int n_slices)
{
	int n, i, k, width, all = 1, widest = 0, room;
	const struct cell *cells = cells_of(md->arena, md->model, md->param, first, n_slices, &n);
	struct box *boxes = arena_alloc(md->arena, (size_t)(n + 1) * sizeof(*boxes));

	for (i = 0; i < n; i++) {
		const struct cell *cell = &cells[i];
		int numbers = snprintf(NULL, 0, cell->hi == cell->lo ? "%d" : "%d %d", cell->hi, cell->lo);

		boxes[i].hi = cell->hi;
		boxes[i].lo = cell->lo;
		boxes[i].label = cell->label;
		boxes[i].width = (numbers > columns(cell->label) ? numbers : columns(cell->label)) + 2;
		/* Wide fields are a little wider, but a page is not. */
		if (cell->hi - cell->lo >= 16)
			boxes[i].width += 6;
		all += boxes[i].width + 1;
		widest = boxes[i].width + 1 > widest ? boxes[i].width + 1 : widest;
	}
	/* Rows of about the same width, as few as there may be. */
	room = all <= ROW_WIDTH ? ROW_WIDTH : all / ((all + ROW_WIDTH - 1) / ROW_WIDTH) + widest / 2;
	room = room < ROW_WIDTH ? room : ROW_WIDTH;
	fputs("```text\n", out);
	for (i = 0; i < n; i = k) {
		width = 1;
		for (k = i; k < n && (k == i || width + boxes[k].width + 1 <= room); k++)
			width += boxes[k].width + 1;
		put_row(out, &boxes[i], k - i);
	}
	fputs("```\n\n", out);
}

/* One more clause of a sentence. */
static void clause(FILE *out, int *n)
{
	fputs((*n)++ ? "; " : "", out);
}

static bool decides(const struct m_code *code, ref field)
{
	int i;

	for (i = 0; i < code->n_cols; i++)
		if (code->col[i].field == field)
			return true;
	return false;
}

static void put_meaning(struct md *md, FILE *out, const struct m_slice *slice)
{
	struct md here = *md;
	int64_t k;
	int n = 0, i;

	here.out = out;
	switch ((enum m_role)slice->role) {
	case ROLE_RES0: clause(out, &n), fputs("reserved, 0", out); break;
	case ROLE_RES1: clause(out, &n), fputs("reserved, 1", out); break;
	case ROLE_IGNORED: clause(out, &n), fputs("ignored", out); break;
	case ROLE_SOFTWARE: clause(out, &n), fputs("software's", out); break;
	case ROLE_ROOT:
		clause(out, &n),
			fprintf(out, "bits %d:%d of the root's address", slice->to + slice->hi - slice->lo, slice->to);
		break;
	case ROLE_ADDRESS:
		clause(out, &n);
		fprintf(out, "bits %d:%d of the address", slice->to + slice->hi - slice->lo, slice->to);
		if (slice->via)
			fprintf(out, " of table `%s`", slice->via);
		break;
	case ROLE_CONST:
		clause(out, &n), fputs("is ", out);
		md_expr(&here, slice->value);
		break;
	case ROLE_FIELD: break;
	}
	if (slice->doc)
		clause(out, &n), md_text(out, slice->doc);
	if (slice->allows)
		clause(out, &n), fprintf(out, "1 grants `%s`", letters_text(md->arena, slice->allows));
	if (slice->denies)
		clause(out, &n), fprintf(out, "1 withholds `%s`", letters_text(md->arena, slice->denies));
	if (slice->flags & (SLICE_ACCESSED | SLICE_DIRTY)) {
		clause(out, &n), fputs(slice->flags & SLICE_DIRTY ? "dirty" : "accessed", out);
		if (slice->by == REF_NONE) {
			fputs(", set by the hardware", out);
		} else if (expr_constant(md->model, slice->by, &k)) {
			fputs(k ? ", set by the hardware" : ", not set by the hardware", out);
		} else {
			fputs(", set by the hardware if ", out);
			md_expr(&here, slice->by);
		}
	}
	if (slice->flags & SLICE_SYNCED)
		clause(out, &n), fputs("set once the walker can see the table", out);
	if (slice->in != REF_NONE)
		clause(out, &n), fputs("legal where ", out), md_expr(&here, slice->in);
	if (slice->dflt != REF_NONE)
		clause(out, &n), fputs("written as ", out), md_expr(&here, slice->dflt);
	if (slice->marks != REF_NONE)
		clause(out, &n), fputs("with the mark ", out), md_expr(&here, slice->marks);
	if (slice->or_field != REF_NONE)
		clause(out, &n), fprintf(out, "ORed into `%s` of the leaf", md->model->fields.v[slice->or_field].name);
	if (slice->flags & SLICE_KEEP)
		clause(out, &n), fputs("stays as it was when the entry becomes absent", out);
	if (slice->flags & SLICE_LIVE)
		clause(out, &n), fputs("may change in place", out);
	for (i = 0; i < md->model->codes.n && slice->role == ROLE_FIELD; i++)
		if (decides(&md->model->codes.v[i], slice->field))
			clause(out, &n), fprintf(out, "see codes `%s`", md->model->codes.v[i].name);
	if (!n)
		fputs("a field", out);
}

/* Lines of which the drawing says all. */
static bool is_plain(const struct m_slice *slice)
{
	return slice->cond == REF_NONE && !slice->doc && !slice->flags && slice->marks == REF_NONE &&
	       (slice->role <= ROLE_SOFTWARE ||
		(slice->role == ROLE_ADDRESS && !slice->via && slice->to == slice->lo) || slice->role == ROLE_CONST);
}

static void put_line(struct md *md, FILE *out, const struct m_slice *slice)
{
	bool named = slice->field != REF_NONE || slice->role == ROLE_ADDRESS || slice->role == ROLE_ROOT;
	struct m_slice plain = *slice;

	if (slice->role == ROLE_CONST)
		plain.role = ROLE_FIELD;
	fputs("| ", out);
	if (slice->hi == slice->lo)
		fprintf(out, "%d", slice->hi);
	else
		fprintf(out, "%d:%d", slice->hi, slice->lo);
	fputs(" | ", out);
	if (named)
		md_code(out, slice_text(md->arena, md->model, &plain));
	else
		fputs("–", out);
	fputs(" | ", out);
	put_meaning(md, out, slice);
	fputs(" | ", out);
	if (slice->cond != REF_NONE) {
		struct md here = *md;

		here.out = out;
		md_expr(&here, slice->cond);
	}
	fputs(" |\n", out);
}

void md_bits(struct md *md, FILE *out, ref first_slice, int n_slices)
{
	const struct m_slice *slices = n_slices ? &md->model->slices.v[first_slice] : NULL;
	const int *order = slice_order(md->arena, md->model, first_slice, n_slices);
	bool any = false;
	int i;

	put_drawing(md, out, first_slice, n_slices);
	for (i = 0; i < n_slices; i++) {
		if (is_plain(&slices[order[i]]))
			continue;
		if (!any)
			fputs("| bits | name | meaning | if |\n| ---: | --- | --- | --- |\n", out);
		any = true;
		put_line(md, out, &slices[order[i]]);
	}
	if (any)
		fputc('\n', out);
}

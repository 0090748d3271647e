/* SPDX-License-Identifier: MIT */
/*
 * emit_svg.c - a picture of the format to print and hang up: how the input address is cut into indices, the levels with
 * the kinds of entries that they hold, and the bits of each as manuals draw them. The default configuration is drawn;
 * the page of the format (emit_md.c) has the others. Levels that look the same are drawn once.
 */
#include "cells.h"
#include "stages.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Pixels. */
enum {
	MARGIN = 24,
	BITS_LEFT = 236, /* where the boxes begin */
	BITS_WIDTH = 1000,
	PAGE_WIDTH = BITS_LEFT + BITS_WIDTH + MARGIN,
	BOX_HEIGHT = 24,
	NUMBER_HEIGHT = 13,
	ROW_GAP = 8
};

struct svg {
	struct arena *arena;
	const struct model *model;
	FILE *out;
	const int64_t *param;
	ref shape;
	int y;
};

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		default: fputc(*text, out); break;
		}
	}
}

static void put_text(struct svg *svg, int x, int y, const char *class, const char *text)
{
	fprintf(svg->out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	put_escaped(svg->out, text);
	fputs("</text>\n", svg->out);
}

static void put_rect(struct svg *svg, int x, int y, int width, int height, const char *class)
{
	fprintf(svg->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s\"/>\n", x, y, width, height,
		class);
}

/* Pixels of a text of 10 pixels, near enough; capitals are wide. */
static int text_width(const char *text)
{
	int tenths = 0;

	for (; *text; text++)
		tenths += strchr("[]:.ilj1 ", *text) ? 38 : (*text >= 'A' && *text <= 'Z') || *text == '=' ? 74 : 60;
	return tenths / 10;
}

/* Text cut to a width. */
static const char *cut_text(struct arena *arena, const char *text, int width)
{
	char *cut;
	size_t n = strlen(text);

	if (text_width(text) <= width)
		return text;
	cut = arena_strndup(arena, text, n);
	while (n > 1 && text_width(cut) > width - 10)
		cut[--n] = '\0';
	return arena_printf(arena, "%s...", cut);
}

/* ------------------------------------------------------------------------------------------------------------- bits */

static const char *cell_class(const struct m_slice *slice)
{
	switch ((enum m_role)slice->role) {
	case ROLE_RES0:
	case ROLE_RES1: return "reserved";
	case ROLE_IGNORED: return "ignored";
	case ROLE_SOFTWARE: return "software";
	case ROLE_CONST: return "constant";
	case ROLE_ADDRESS:
	case ROLE_ROOT: return "address";
	case ROLE_FIELD: break;
	}
	if (slice->flags & (SLICE_ACCESSED | SLICE_DIRTY))
		return "trace";
	return slice->allows || slice->denies ? "right" : "field";
}

/* What a cell needs at least. */
static int cell_width(const struct cell *cell)
{
	int numbers = cell->hi == cell->lo ? 16 : cell->hi > 99 ? 46 : cell->hi > 9 ? 34 : 22;
	int label = text_width(cell->label) + 8;

	return numbers > label ? numbers : label;
}

/* One row of n cells, as wide as the page; what is left over goes to cells by their bits. */
static void put_row(struct svg *svg, const struct cell *cells, int n)
{
	int i, needed = 0, bits = 0, x = BITS_LEFT, spread = 0, given = 0, free;

	for (i = 0; i < n; i++) {
		needed += cell_width(&cells[i]);
		bits += cells[i].hi - cells[i].lo + 1;
	}
	free = needed < BITS_WIDTH ? BITS_WIDTH - needed : 0;
	for (i = 0; i < n; i++) {
		const struct cell *cell = &cells[i];
		int width = cell_width(cell), share, middle;
		char number[16];

		spread += cell->hi - cell->lo + 1;
		share = free * spread / bits - given;
		given += share;
		width += share;
		middle = x + width / 2;
		fprintf(svg->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s%s\"/>\n", x,
			svg->y + NUMBER_HEIGHT, width, BOX_HEIGHT, cell_class(cell->slice),
			cell->slice->cond != REF_NONE ? " some" : "");
		if (cell->hi == cell->lo) {
			snprintf(number, sizeof(number), "%d", cell->hi);
			put_text(svg, middle, svg->y + NUMBER_HEIGHT - 3, "number", number);
		} else {
			snprintf(number, sizeof(number), "%d", cell->hi);
			put_text(svg, x + 2, svg->y + NUMBER_HEIGHT - 3, "number first", number);
			snprintf(number, sizeof(number), "%d", cell->lo);
			put_text(svg, x + width - 2, svg->y + NUMBER_HEIGHT - 3, "number last", number);
		}
		put_text(svg, middle, svg->y + NUMBER_HEIGHT + 16, "label", cell->label);
		x += width;
	}
	svg->y += NUMBER_HEIGHT + BOX_HEIGHT + ROW_GAP;
}

/* The bits of a kind or register, in as many rows as they need. */
static void put_bits(struct svg *svg, ref first, int n_slices)
{
	int n, i, k, width;
	const struct cell *cells = cells_of(svg->arena, svg->model, svg->param, first, n_slices, &n);

	for (i = 0; i < n; i = k) {
		width = 0;
		for (k = i; k < n && (k == i || width + cell_width(&cells[k]) <= BITS_WIDTH) &&
			    cells[i].hi / 64 == cells[k].hi / 64;
		     k++)
			width += cell_width(&cells[k]);
		put_row(svg, &cells[i], k - i);
	}
}

/* ----------------------------------------------------------------------------------------------------------- levels */

static bool holds(const struct svg *svg, ref cond)
{
	const struct m_env env = {.param = svg->param, .kind = REF_NONE};

	return model_holds(svg->model, cond, &env);
}

/* "table", "2 MiB", "8 KiB to 1 MiB" */
static const char *about_kind(struct svg *svg, const struct m_kind *kind, const struct m_kind *last)
{
	struct arena *arena = svg->arena;
	const char *text = category_text(kind->category);

	if (kind->category == CATEGORY_LEAF)
		text = arena_printf(arena, "%s", size_text(arena, kind->lg2));
	if (kind->category == CATEGORY_LEAF && last != kind)
		text = arena_printf(arena, "%s to %s", text, size_text(arena, last->lg2));
	return text;
}

/* "16 slots of one word", NULL: one slot */
static const char *about_group(struct svg *svg, const struct m_kind *kind, const struct m_kind *last)
{
	const char *what = kind->group == GROUP_REPEAT ? " equal words" : " slots";

	if (kind->group == GROUP_NONE)
		return NULL;
	if (kind->group_lg2 == last->group_lg2)
		return arena_printf(svg->arena, "%" PRId64 "%s", (int64_t)1 << kind->group_lg2, what);
	return arena_printf(svg->arena, "%" PRId64 " to %" PRId64 "%s", (int64_t)1 << kind->group_lg2,
			    (int64_t)1 << last->group_lg2, what);
}

/* The levels that a table entry leads to. */
static const char *leads_to(struct svg *svg, const struct m_kind *kind)
{
	const struct model *model = svg->model;
	const char *text = NULL, *last = NULL;
	int i;

	for (i = 0; i < kind->n_next; i++) {
		const struct m_next *next = &model->nexts.v[kind->first_next + i];

		if (next->level == REF_NONE || (last && !strcmp(last, model->levels.v[next->level].name)))
			continue;
		last = model->levels.v[next->level].name;
		text = arena_printf(svg->arena, "%s%s", text ? arena_printf(svg->arena, "%s, ", text) : "leads to ",
				    last);
	}
	return text;
}

static void put_kind(struct svg *svg, const struct m_kind *kind, const struct m_kind *last)
{
	static const char *const classes[] = {
		[CATEGORY_ABSENT] = "k-absent", [CATEGORY_FAULT] = "k-fault", [CATEGORY_NULL] = "k-absent",
		[CATEGORY_TABLE] = "k-table",	[CATEGORY_LEAF] = "k-leaf",
	};
	const char *about = kind->category == CATEGORY_TABLE ? leads_to(svg, kind) : about_group(svg, kind, last);
	ref cond = kind->when != REF_NONE ? kind->when : kind->present;
	int top = svg->y, x = MARGIN + 14;

	put_bits(svg, kind->first_slice, kind->n_slices);
	put_rect(svg, MARGIN, top + NUMBER_HEIGHT, 6, svg->y - top - NUMBER_HEIGHT - ROW_GAP, classes[kind->category]);
	put_text(svg, MARGIN + 14, top + NUMBER_HEIGHT + 10, "name", kind->name);
	put_text(svg, MARGIN + 20 + text_width(kind->name) * 13 / 10, top + NUMBER_HEIGHT + 10, "about",
		 about_kind(svg, kind, last));
	if (about) {
		put_text(svg, x, top + NUMBER_HEIGHT + 23, "about", about);
		x += text_width(about) * 11 / 10 + 8;
	}
	if (cond != REF_NONE && BITS_LEFT - x > 70)
		put_text(svg, x, top + NUMBER_HEIGHT + 23, "if",
			 cut_text(svg->arena,
				  arena_printf(svg->arena, "%s %s", kind->when != REF_NONE ? "when" : "if",
					       expr_text(svg->arena, svg->model, cond)),
				  BITS_LEFT - x - 12));
}

static void put_bar(struct svg *svg, const char *class, const char *name, const char *about)
{
	put_rect(svg, MARGIN, svg->y, PAGE_WIDTH - 2 * MARGIN, 24, class);
	put_text(svg, MARGIN + 10, svg->y + 16, "bar-name", name);
	put_text(svg, BITS_LEFT, svg->y + 16, "bar-about", about);
	svg->y += 24 + ROW_GAP;
}

/* Do two levels look the same? */
static bool same_level(struct svg *svg, const struct m_level *a, const struct m_level *b)
{
	const struct model *model = svg->model;
	int i, k, n, m;

	if (a->n_kinds != b->n_kinds || a->entry_bytes != b->entry_bytes || a->table_bytes != b->table_bytes)
		return false;
	for (i = 0; i < a->n_kinds; i++) {
		const struct m_kind *x = &model->kinds.v[a->first_kind + i], *y = &model->kinds.v[b->first_kind + i];
		const struct cell *p = cells_of(svg->arena, model, svg->param, x->first_slice, x->n_slices, &n);
		const struct cell *q = cells_of(svg->arena, model, svg->param, y->first_slice, y->n_slices, &m);

		if (strcmp(x->name, y->name) != 0 || n != m || x->category == CATEGORY_LEAF)
			return false;
		for (k = 0; k < n; k++)
			if (p[k].hi != q[k].hi || p[k].lo != q[k].lo || strcmp(p[k].label, q[k].label) != 0)
				return false;
	}
	return true;
}

static const char *index_text(struct svg *svg, const struct m_level *level)
{
	return level->hi < level->lo ? "no index"
				     : arena_printf(svg->arena, "index %s%s", svg->model->input.name,
						    range_text(svg->arena, level->hi, level->lo));
}

/* n levels that look the same, as one. */
static void put_levels(struct svg *svg, const struct m_level *level, int n)
{
	const struct model *model = svg->model;
	const char *name = level->name, *index = index_text(svg, level), *about;
	int i, end;

	for (i = 1; i < n; i++) {
		name = arena_printf(svg->arena, "%s, %s", name, level[i].name);
		index = arena_printf(svg->arena, "%s, %s", index, range_text(svg->arena, level[i].hi, level[i].lo));
	}
	about = level->table_bytes % 1024 ? arena_printf(svg->arena, "%" PRIu32 " B", level->table_bytes)
					  : arena_printf(svg->arena, "%" PRIu32 " KiB", level->table_bytes / 1024);
	about = arena_printf(svg->arena, "%s;   entries of %d bits%s;   tables of %s", index, level->entry_bytes * 8,
			     level->host_endian	 ? ""
			     : level->big_endian ? ", big-endian"
						 : "",
			     about);
	put_bar(svg, "bar", name, about);
	for (i = 0; i < level->n_kinds; i = end) {
		const struct m_kind *kind = &model->kinds.v[level->first_kind + i];

		end = row_end(model, level, i);
		put_kind(svg, kind, &model->kinds.v[level->first_kind + end - 1]);
	}
	svg->y += ROW_GAP;
}

/* The level that a walk comes to next, by the first table entry of this one; REF_NONE: it has none. */
static ref next_level(const struct svg *svg, ref level)
{
	const struct model *model = svg->model;
	const struct m_level *l = &model->levels.v[level];
	int i, k;

	for (i = 0; i < l->n_kinds; i++) {
		const struct m_kind *kind = &model->kinds.v[l->first_kind + i];

		for (k = 0; holds(svg, kind->present) && k < kind->n_next; k++)
			if (model->nexts.v[kind->first_next + k].level != REF_NONE)
				return model->nexts.v[kind->first_next + k].level;
	}
	return REF_NONE;
}

/* How the input address is cut, from the start level down. */
static void put_address(struct svg *svg)
{
	const struct model *model = svg->model;
	const struct m_shape *shape = &model->shapes.v[svg->shape];
	const struct m_env env = {.param = svg->param, .kind = REF_NONE};
	struct m_slice part = {.role = ROLE_ADDRESS, .cond = REF_NONE}, rest = {.role = ROLE_IGNORED, .cond = REF_NONE};
	struct cell *cells = arena_alloc(svg->arena, (size_t)(shape->n_levels + 2) * sizeof(*cells));
	int hi = (int)model_eval(model, model->input.hi, &env), i, n = 0;
	ref at = model_level(model, svg->shape, model_eval(model, model->root.start, &env));

	for (i = 0; i < shape->n_levels && at != REF_NONE && hi >= 0; i++) {
		const struct m_level *level = &model->levels.v[at];

		at = next_level(svg, at);
		if (level->lo > hi || level->hi < level->lo)
			continue;
		cells[n++] = (struct cell){hi, level->lo, arena_printf(svg->arena, "%s index", level->name), &part};
		hi = level->lo - 1;
	}
	if (hi >= 0)
		cells[n++] = (struct cell){hi, 0, "offset", &rest};
	put_text(svg, MARGIN + 14, svg->y + NUMBER_HEIGHT + 16, "name", model->input.name);
	put_row(svg, cells, n);
	svg->y += ROW_GAP;
}

/* ------------------------------------------------------------------------------------------------------------- page */

static void put_registers(struct svg *svg)
{
	const struct model *model = svg->model;
	bool any = false;
	int i;

	for (i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];
		int top;

		if (!holds(svg, reg->cond))
			continue;
		if (!any)
			put_bar(svg, "bar-registers", "Registers", "what the hardware is told of the table");
		any = true;
		top = svg->y;
		put_bits(svg, reg->first_slice, reg->n_slices);
		put_rect(svg, MARGIN, top + NUMBER_HEIGHT, 6, svg->y - top - NUMBER_HEIGHT - ROW_GAP, "k-register");
		put_text(svg, MARGIN + 14, top + NUMBER_HEIGHT + 10, "name", reg->name);
		put_text(svg, MARGIN + 14, top + NUMBER_HEIGHT + 23, "about",
			 cut_text(svg->arena, reg->doc ? reg->doc : arena_printf(svg->arena, "%d bits", reg->bits),
				  BITS_LEFT - MARGIN - 30));
	}
	if (any)
		svg->y += ROW_GAP;
}

static void put_legend(struct svg *svg)
{
	static const struct {
		const char *class, *text;
	} roles[] = {
		{"constant", "tells the kind"}, {"address", "address"},	  {"right", "right"},
		{"trace", "accessed, dirty"},	{"field", "other field"}, {"software", "software's"},
		{"ignored", "ignored"},		{"reserved", "reserved"}, {"field some", "depends on parameters"},
	};
	int x = MARGIN;
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		put_rect(svg, x, svg->y, 22, 14, roles[i].class);
		put_text(svg, x + 28, svg->y + 11, "about", roles[i].text);
		x += 44 + text_width(roles[i].text);
	}
	svg->y += 14 + MARGIN;
}

static const char style[] =
	"<style>\n"
	"text { font-family: Helvetica, Arial, 'Liberation Sans', sans-serif; font-size: 10px; fill: #1d2939 }\n"
	".title { font-size: 20px; font-weight: bold }\n"
	".about { fill: #475467 } .if { fill: #8a5a00 }\n"
	".name { font-size: 12px; font-weight: bold }\n"
	".label { text-anchor: middle }\n"
	".number { font-size: 8px; fill: #667085; text-anchor: middle } .first { text-anchor: start } .last { "
	"text-anchor: end }\n"
	".bar { fill: #344054 } .bar-registers { fill: #5b4b8a }\n"
	".bar-name { font-size: 13px; font-weight: bold; fill: white } .bar-about { font-size: 11px; fill: #e4e7ec }\n"
	"rect.reserved, rect.ignored, rect.software, rect.constant, rect.address, rect.trace, rect.right, rect.field "
	"{ stroke: #667085; stroke-width: 0.8 }\n"
	".reserved { fill: #d0d4d9 } .ignored { fill: #f6f7f9 } .software { fill: #e9e4f5 } .constant { fill: #ffe2a8 "
	"}\n"
	".address { fill: #bfdcf5 } .trace { fill: #f7cfe0 } .right { fill: #c8ebc4 } .field { fill: #ffffff }\n"
	"rect.some { stroke-dasharray: 3 2 }\n"
	".k-absent { fill: #98a2b3 } .k-fault { fill: #d92d20 } .k-table { fill: #2e78c7 } .k-leaf { fill: #3b9b45 }\n"
	".k-register { fill: #5b4b8a }\n"
	"</style>\n";

static void put_page(struct svg *svg)
{
	const struct model *model = svg->model;
	const struct m_shape *shape = &model->shapes.v[svg->shape];
	int i, n;

	svg->y = MARGIN + 18;
	put_text(svg, MARGIN, svg->y, "title", model->title ? model->title : model->name);
	svg->y += 18;
	put_text(svg, MARGIN, svg->y, "about",
		 arena_printf(svg->arena, "%s%s: the default configuration", model->name,
			      model->shapes.n > 1 ? arena_printf(svg->arena, " (one of %d geometries)", model->shapes.n)
						  : ""));
	svg->y += 14;
	put_address(svg);
	for (i = 0; i < shape->n_levels; i += n) {
		const struct m_level *level = &model->levels.v[shape->first_level + i];

		for (n = 1; i + n < shape->n_levels && same_level(svg, level, level + n); n++)
			;
		put_levels(svg, level, n);
	}
	put_registers(svg);
	put_legend(svg);
}

void emit_svg(struct context *context, const struct model *model, struct outputs *outputs)
{
	struct svg svg = {.arena = context->arena, .model = model};
	FILE *out = output_open(outputs, arena_printf(context->arena, "%s.svg", emitted_name(context, model)));
	char *page = NULL;
	size_t length = 0;

	svg.param = default_config(context->arena, model, &svg.shape);
	/* The height is known only at the end. */
	svg.out = open_memstream(&page, &length);
	if (!svg.out) {
		diag_usage(context, "out of memory");
		return;
	}
	put_page(&svg);
	fclose(svg.out);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<!-- SPDX-License-Identifier: MIT\n     Generated by ptgen " PTGEN_VERSION "; do not edit. -->\n",
		PAGE_WIDTH, svg.y, PAGE_WIDTH, svg.y);
	fputs(style, out);
	fprintf(out, "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n", PAGE_WIDTH, svg.y);
	fwrite(page, 1, length, out);
	fputs("</svg>\n", out);
	free(page);
}

/* SPDX-License-Identifier: MIT */
/*
 * emit_dot.c - a picture of the format for graphviz: registers, then the levels in walk order, each with its kinds and
 * the bits of every kind as the manuals draw them. Where the geometry depends on parameters, the shape of the default
 * configuration is drawn, and the others are listed.
 */
#include "cells.h"
#include "stages.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 60 }; /* letters of a condition that are shown */

struct dot {
	struct arena *arena;
	const struct model *model;
	FILE *out;
};

/* Text in an HTML-like label. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*text, out); break;
		}
	}
}

/* Long conditions and documentation are cut; the JSON has them whole. */
static void put_short(FILE *out, struct arena *arena, const char *text, int longest)
{
	put_text(out, strlen(text) <= (size_t)longest ? text : arena_printf(arena, "%.*s...", longest - 3, text));
}

/* ------------------------------------------------------------------------------------------------------------- bits */

static const char *slice_color(const struct m_slice *slice)
{
	switch ((enum m_role)slice->role) {
	case ROLE_RES0:
	case ROLE_RES1: return "#d0d4d9";
	case ROLE_IGNORED: return "#f3f4f6";
	case ROLE_SOFTWARE: return "#e9e4f5";
	case ROLE_CONST: return "#ffe2a8";
	case ROLE_ADDRESS:
	case ROLE_ROOT: return "#bfdcf5";
	case ROLE_FIELD: break;
	}
	if (slice->flags & (SLICE_ACCESSED | SLICE_DIRTY))
		return "#f7cfe0";
	return slice->allows || slice->denies ? "#c8ebc4" : "#ffffff";
}

static void put_slice(struct dot *dot, const struct m_slice *slice, bool with_bits)
{
	FILE *out = dot->out;
	const char *sign = slice->allows ? "+" : "-";
	unsigned int rights = slice->allows ? slice->allows : slice->denies;

	if (with_bits)
		fprintf(out, "<FONT POINT-SIZE=\"8\" COLOR=\"#667085\">%s </FONT>",
			range_text(dot->arena, slice->hi, slice->lo));
	put_short(out, dot->arena, slice_text(dot->arena, dot->model, slice), 28);
	if (rights)
		fprintf(out, "<FONT POINT-SIZE=\"8\" COLOR=\"#2e7d32\"> %s%s</FONT>", sign,
			letters_text(dot->arena, rights));
	if (slice->cond != REF_NONE) {
		fputs("<FONT POINT-SIZE=\"8\" COLOR=\"#8a5a00\"> if ", out);
		put_short(out, dot->arena, expr_text(dot->arena, dot->model, slice->cond), LONGEST);
		fputs("</FONT>", out);
	}
}

/* Slices that share bits (under different conditions) stand in one cell. */
/* One row of cells for the bits of a kind or register. */
static void put_bits(struct dot *dot, ref first, int n)
{
	const struct m_slice *slices = n ? &dot->model->slices.v[first] : NULL;
	int *order = slice_order(dot->arena, dot->model, first, n), i, end;
	FILE *out = dot->out;

	fputs("<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"3\" COLOR=\"#98a2b3\"><TR>", out);
	for (i = 0; i < n; i = end) {
		const struct m_slice *slice = &slices[order[i]];
		int hi = slice->hi, lo = slice->lo, k;
		bool same = true;

		for (end = i + 1; end < n && slices[order[end]].hi >= lo; end++) {
			const struct m_slice *other = &slices[order[end]];

			same = same && other->hi == hi && other->lo == slice->lo;
			lo = other->lo < lo ? other->lo : lo;
		}
		fprintf(out, "<TD BGCOLOR=\"%s\"><FONT POINT-SIZE=\"8\" COLOR=\"#667085\">", slice_color(slice));
		if (hi == lo)
			fprintf(out, "%d", hi);
		else
			fprintf(out, "%d:%d", hi, lo);
		fputs("</FONT>", out);
		for (k = i; k < end; k++) {
			fputs("<BR/>", out);
			put_slice(dot, &slices[order[k]], !same);
		}
		fputs("</TD>", out);
	}
	fputs(n ? "" : "<TD>no bits</TD>", out);
	fputs("</TR></TABLE>", out);
}

/* ----------------------------------------------------------------------------------------------------------- levels */

static const char *category_color(enum ast_category category)
{
	switch (category) {
	case CATEGORY_ABSENT: return "#eaecf0";
	case CATEGORY_FAULT: return "#fbd5d0";
	case CATEGORY_NULL: return "#e4e7ec";
	case CATEGORY_TABLE: return "#cfe3f8";
	case CATEGORY_LEAF: return "#d4efd0";
	}
	return "#ffffff";
}

static void put_condition(struct dot *dot, const char *word, ref cond)
{
	if (cond == REF_NONE)
		return;
	fprintf(dot->out, "<BR ALIGN=\"LEFT\"/><FONT POINT-SIZE=\"8\" COLOR=\"#8a5a00\">%s ", word);
	put_short(dot->out, dot->arena, expr_text(dot->arena, dot->model, cond), LONGEST);
	fputs("</FONT>", dot->out);
}

static void put_kind(struct dot *dot, const struct m_kind *kind, const struct m_kind *last, int port)
{
	FILE *out = dot->out;

	fprintf(out, "<TR><TD PORT=\"k%d\" ALIGN=\"LEFT\" BGCOLOR=\"%s\"><B>", port, category_color(kind->category));
	put_text(out, kind->name);
	fprintf(out, "</B> <FONT POINT-SIZE=\"9\" COLOR=\"#475467\">%s", category_text(kind->category));
	if (kind->category == CATEGORY_LEAF) {
		fprintf(out, ", %s", size_text(dot->arena, kind->lg2));
		if (last != kind)
			fprintf(out, " to %s", size_text(dot->arena, last->lg2));
	}
	if (kind->group != GROUP_NONE) {
		fprintf(out, ", %" PRId64, (int64_t)1 << kind->group_lg2);
		if (last->group_lg2 != kind->group_lg2)
			fprintf(out, " to %" PRId64, (int64_t)1 << last->group_lg2);
		fprintf(out, " slots%s", kind->group == GROUP_REPEAT ? " of one word" : "");
	}
	fputs("</FONT>", out);
	put_condition(dot, "if", kind->present);
	put_condition(dot, "when", kind->when);
	fputs("<BR ALIGN=\"LEFT\"/></TD><TD ALIGN=\"LEFT\">", out);
	put_bits(dot, kind->first_slice, kind->n_slices);
	fputs("</TD></TR>\n", out);
}

static void put_level(struct dot *dot, ref number)
{
	const struct model *model = dot->model;
	const struct m_level *level = &model->levels.v[number];
	FILE *out = dot->out;
	int i, n;

	fprintf(out,
		"\tl%d [label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"4\" "
		"COLOR=\"#475467\">\n"
		"<TR><TD PORT=\"head\" COLSPAN=\"2\" ALIGN=\"LEFT\" BGCOLOR=\"#344054\"><FONT COLOR=\"white\"><B>",
		(int)number);
	put_text(out, level->name);
	fputs("</B>   index ", out);
	put_text(out, model->input.name);
	fprintf(out, "%s   %d-bit entries%s, table of %" PRIu32 " bytes",
		level->hi >= level->lo ? range_text(dot->arena, level->hi, level->lo) : "[]", level->entry_bytes * 8,
		level->big_endian ? " (big-endian)" : "", level->table_bytes);
	if (level->every_lg2)
		fprintf(out, ", every %" PRId64 "th slot", (int64_t)1 << level->every_lg2);
	fputs("</FONT></TD></TR>\n", out);
	for (i = 0; i < level->n_kinds; i += n) {
		const struct m_kind *kind = &model->kinds.v[level->first_kind + i];

		n = row_end(model, level, i) - i;
		put_kind(dot, kind, kind + n - 1, i);
	}
	fputs("</TABLE>>];\n", out);
}

/* An arrow for every level that an entry may lead to, once. */
static void put_links(struct dot *dot, ref number)
{
	const struct model *model = dot->model;
	const struct m_level *level = &model->levels.v[number];
	int i, k, m;

	for (i = 0; i < level->n_kinds; i++) {
		const struct m_kind *kind = &model->kinds.v[level->first_kind + i];

		for (k = 0; k < kind->n_next; k++) {
			const struct m_next *next = &model->nexts.v[kind->first_next + k];
			bool first = next->level != REF_NONE;

			for (m = 0; m < k; m++)
				first = first && model->nexts.v[kind->first_next + m].level != next->level;
			if (first)
				fprintf(dot->out, "\tl%d:k%d:w -> l%d:head:w%s;\n", (int)number, i, (int)next->level,
					next->level == number + 1
						? ""
						: " [style=dashed, constraint=false, color=\"#98a2b3\"]");
		}
	}
}

/* ------------------------------------------------------------------------------------------------------- the whole of
 * it */

static void put_registers(struct dot *dot)
{
	const struct model *model = dot->model;
	FILE *out = dot->out;
	int i;

	fputs("\tregisters [label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"4\" "
	      "COLOR=\"#475467\">\n"
	      "<TR><TD PORT=\"head\" COLSPAN=\"2\" ALIGN=\"LEFT\" BGCOLOR=\"#5b4b8a\"><FONT "
	      "COLOR=\"white\"><B>registers</B></FONT>"
	      "</TD></TR>\n",
	      out);
	for (i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];

		fputs("<TR><TD ALIGN=\"LEFT\" BGCOLOR=\"#e9e4f5\"><B>", out);
		put_text(out, reg->name);
		fprintf(out, "</B> <FONT POINT-SIZE=\"9\" COLOR=\"#475467\">%d bits</FONT>", reg->bits);
		put_condition(dot, "if", reg->cond);
		fputs("<BR ALIGN=\"LEFT\"/></TD><TD ALIGN=\"LEFT\">", out);
		put_bits(dot, reg->first_slice, reg->n_slices);
		fputs("</TD></TR>\n", out);
	}
	fputs("</TABLE>>];\n", out);
}

static void put_legend(FILE *out)
{
	static const struct {
		const char *color, *text;
	} roles[] = {
		{"#ffe2a8", "tells the kind"},	{"#bfdcf5", "address"},	 {"#c8ebc4", "right: + grants, - withholds"},
		{"#f7cfe0", "accessed, dirty"}, {"#ffffff", "field"},	 {"#e9e4f5", "software"},
		{"#f3f4f6", "ignored"},		{"#d0d4d9", "reserved"},
	};
	size_t i;

	fputs("\tlegend [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"4\" CELLPADDING=\"3\" "
	      "COLOR=\"#98a2b3\"><TR>",
	      out);
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		fprintf(out, "<TD BGCOLOR=\"%s\"><FONT POINT-SIZE=\"9\">%s</FONT></TD>", roles[i].color, roles[i].text);
	fputs("</TR></TABLE>>];\n", out);
}

/* The shapes that are not drawn: when they hold, and their index bits. */
static void put_other_shapes(struct dot *dot, ref drawn)
{
	const struct model *model = dot->model;
	FILE *out = dot->out;
	int i, k;

	fputs("\tshapes [label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"3\" "
	      "COLOR=\"#475467\">\n"
	      "<TR><TD COLSPAN=\"3\" ALIGN=\"LEFT\" BGCOLOR=\"#667085\"><FONT COLOR=\"white\"><B>other "
	      "shapes</B></FONT></TD></TR>\n",
	      out);
	for (i = 0; i < model->shapes.n; i++) {
		const struct m_shape *shape = &model->shapes.v[i];

		if (i == drawn)
			continue;
		fputs("<TR><TD ALIGN=\"LEFT\"><B>", out);
		put_text(out, *shape->name ? shape->name : "-");
		fputs("</B></TD><TD ALIGN=\"LEFT\"><FONT COLOR=\"#8a5a00\" POINT-SIZE=\"9\">", out);
		put_short(out, dot->arena, expr_text(dot->arena, model, shape->when), LONGEST);
		fputs("</FONT></TD><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"9\">", out);
		for (k = 0; k < shape->n_levels; k++) {
			const struct m_level *level = &model->levels.v[shape->first_level + k];

			put_text(out, level->name);
			fprintf(out, " %s  ",
				level->hi >= level->lo ? range_text(dot->arena, level->hi, level->lo) : "[]");
		}
		fputs("</FONT></TD></TR>\n", out);
	}
	fputs("</TABLE>>];\n", out);
}

void emit_dot(struct context *context, const struct model *model, struct outputs *outputs)
{
	FILE *out = output_open(outputs, arena_printf(context->arena, "%s.dot", emitted_name(context, model)));
	struct dot dot = {.arena = context->arena, .model = model, .out = out};
	const struct m_shape *shape;
	const char *last = NULL;
	ref drawn;
	int i;

	fprintf(out,
		"// SPDX-License-Identifier: MIT\n// Generated by ptgen " PTGEN_VERSION
		"; do not edit.\ndigraph %s {\n",
		model->name);
	fputs("\tgraph [rankdir=TB, nodesep=0.3, ranksep=0.45, labelloc=t, fontname=\"Helvetica\", fontsize=16, "
	      "bgcolor=white,\n"
	      "\t\tlabel=<<B>",
	      out);
	put_text(out, model->title ? model->title : model->name);
	fputs("</B><BR/><FONT POINT-SIZE=\"11\" COLOR=\"#475467\">", out);
	put_text(out, model->name);
	fputs(": ", out);
	put_text(out, model->input.name);
	fputs("[", out);
	put_short(out, context->arena, expr_text(context->arena, model, model->input.hi), LONGEST);
	fputs(":0] to ", out);
	put_text(out, model->output.name);
	fputs("[", out);
	put_short(out, context->arena, expr_text(context->arena, model, model->output.hi), LONGEST);
	fputs(":0]</FONT>>];\n"
	      "\tnode [shape=plain, fontname=\"Helvetica\", fontsize=10];\n"
	      "\tedge [color=\"#475467\", arrowsize=0.7, penwidth=1.2];\n",
	      out);
	if (model->registers.n) {
		put_registers(&dot);
		last = "registers";
	}
	if (model->shapes.n) {
		default_config(context->arena, model, &drawn);
		shape = &model->shapes.v[drawn];
		for (i = 0; i < shape->n_levels; i++)
			put_level(&dot, shape->first_level + i);
		for (i = 0; i < shape->n_levels; i++)
			put_links(&dot, shape->first_level + i);
		/* The levels stand in walk order, one below the other, whatever links there are. */
		for (i = 0; i < shape->n_levels; i++) {
			if (last)
				fprintf(out, "\t%s -> l%d [style=invis];\n", last, (int)(shape->first_level + i));
			last = arena_printf(context->arena, "l%d", (int)(shape->first_level + i));
		}
		if (model->shapes.n > 1) {
			put_other_shapes(&dot, drawn);
			fprintf(out, "\t%s -> shapes [style=invis];\n", last);
			last = "shapes";
		}
	}
	put_legend(out);
	if (last)
		fprintf(out, "\t%s -> legend [style=invis];\n", last);
	fputs("}\n", out);
}

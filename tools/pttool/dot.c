/* SPDX-License-Identifier: MIT */
/*
 * dot.c - `pttool dump --dot`: the tables under a root as a Graphviz graph that can be read, however large they are.
 *
 * First all tables are surveyed; then it is decided which are drawn, those near the root first: not below --depth, not
 * outside of --focus, and none that is empty like its neighbours, or whose leaves only go on where those of its
 * neighbours end. What is not drawn is a row in the table that leads to it. Last, the rows are gathered in a second
 * walk, and neighbours that say the same are joined.
 */
#include "survey.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Larger drawings cannot be read; what is left out is counted in the rows. */
#define MAX_DRAWN 48
#define MAX_ROWS  128
#define MAX_SHOWN 16 /* of them that are no links */
/* Neighbours that hold nothing, or one chain of leaves together, are one row from this number on. */
#define MIN_ALIKE 3

enum row_kind { ROW_LEAF, ROW_LINK, ROW_FOLDED, ROW_FAULT, ROW_OUTSIDE };

struct row {
	enum row_kind kind;
	uint64_t first, last;
	uint64_t entries;
	uint16_t link;	 /* the kind of entry, of a link */
	uint32_t target; /* of a link or the last one of folded ones */
	struct chain chain;
	uint64_t again, stride; /* of a leaf: so many more that lead to the same place, each so much farther */
	uint64_t last_first;	/* where the last of them begins */
	bool one_chain;		/* all that is folded is one chain */
	uint64_t tables, leaves, mapped, faults;
	unsigned int fault;
};

struct drawn {
	uint32_t table;
	uint64_t after; /* entries before this address were seen: a table with two parents is drawn once */
	struct row *rows;
	size_t n_rows, n_shown;
	uint64_t n_hidden;
};

struct drawing {
	const struct options *options;
	const struct pt_table *table;
	struct survey survey;
	uint32_t *place; /* of each surveyed table: its number in drawn, or NO_TABLE */
	struct drawn drawn[MAX_DRAWN];
	size_t n_drawn;
	bool cut; /* MAX_DRAWN was not enough */
};

/* -------------------------------------------------------------------------------------------------- which are drawn */

static bool in_focus(const struct options *options, uint64_t first, uint64_t last)
{
	return !options->has_focus || (first <= options->focus_last && last >= options->focus_first);
}

static void draw_table(struct drawing *drawing, uint32_t table)
{
	if (drawing->n_drawn == MAX_DRAWN) {
		drawing->cut = true;
		return;
	}
	drawing->place[table] = (uint32_t)drawing->n_drawn;
	drawing->drawn[drawing->n_drawn++] = (struct drawn){.table = table};
}

/* How many tables from this one on hold nothing, or one chain of leaves together. */
static unsigned int alike(const struct survey *survey, uint32_t first)
{
	const struct surveyed *before = &survey->tables[first];
	bool empty = before->leaves == 0;
	unsigned int n = 1;

	if (before->chains > 1 || before->faults)
		return 1;
	for (uint32_t next = before->sibling; next != NO_TABLE; next = survey->tables[next].sibling) {
		const struct surveyed *now = &survey->tables[next];

		if (now->faults ||
		    (empty ? now->leaves != 0 : now->chains != 1 || !chain_continues(&before->chain, &now->chain)))
			break;
		before = now;
		n++;
	}
	return n;
}

static void choose(struct drawing *drawing)
{
	const struct survey *survey = &drawing->survey;
	unsigned int depth = drawing->options->depth;

	for (uint32_t i = 0; i < survey->n; i++)
		if (survey->tables[i].depth == 0)
			draw_table(drawing, i);
	for (size_t at = 0; at < drawing->n_drawn; at++) {
		const struct surveyed *table = &survey->tables[drawing->drawn[at].table];
		uint32_t child = table->child;

		if (depth && table->depth + 1U >= depth)
			continue;
		while (child != NO_TABLE) {
			unsigned int n = alike(survey, child);

			for (unsigned int i = 0; i < n; i++, child = survey->tables[child].sibling)
				if (n < MIN_ALIKE &&
				    in_focus(drawing->options, survey->tables[child].first, survey->tables[child].last))
					draw_table(drawing, child);
		}
	}
}

/* --------------------------------------------------------------------------------------------------------- the rows */

/* A leaf that goes on where the one before ends, or leads to the same place as the ones before in even steps. */
static bool join_leaf(struct row *before, const struct row *row)
{
	const struct chain *chain = &row->chain;
	uint64_t stride = chain->first - before->last_first;

	if (before->again == 0 && chain_continues(&before->chain, chain)) {
		before->chain.last = chain->last;
		return true;
	}
	if (chain->pa != before->chain.pa || chain->last - chain->first != before->chain.last - before->chain.first ||
	    chain->kind != before->chain.kind || chain->rights != before->chain.rights ||
	    chain->memory != before->chain.memory || (before->again && stride != before->stride))
		return false;
	before->again++;
	before->stride = stride;
	before->last_first = chain->first;
	return true;
}

/* Does this row say more of the same as the one before? Then it is joined with it. */
static bool join(struct row *before, const struct row *row)
{
	if (before->kind != row->kind)
		return false;
	switch (row->kind) {
	case ROW_LEAF:
		if (!join_leaf(before, row))
			return false;
		break;
	case ROW_LINK:
		if (before->target != row->target)
			return false;
		break;
	case ROW_FOLDED:
		if (before->target != row->target) {
			before->one_chain =
				before->one_chain && row->one_chain && chain_continues(&before->chain, &row->chain);
			before->chain.last = row->chain.last;
			before->tables += row->tables;
			before->leaves += row->leaves;
			before->mapped += row->mapped;
			before->faults += row->faults;
			before->target = row->target;
		} else {
			before->one_chain = false;
		}
		break;
	case ROW_FAULT:
		if (before->fault != row->fault)
			return false;
		break;
	case ROW_OUTSIDE: break;
	}
	before->last = row->last;
	before->entries++;
	return true;
}

static void add_row(struct drawn *drawn, const struct row *row)
{
	if (drawn->n_rows && (!drawn->n_hidden || row->kind == ROW_LINK) && join(&drawn->rows[drawn->n_rows - 1], row))
		return;
	drawn->n_shown += row->kind != ROW_LINK;
	if (drawn->n_rows == MAX_ROWS || (row->kind != ROW_LINK && drawn->n_shown > MAX_SHOWN)) {
		drawn->n_hidden++;
		return;
	}
	if (!drawn->rows)
		drawn->rows = allocate(NULL, MAX_ROWS, sizeof(*drawn->rows));
	drawn->rows[drawn->n_rows++] = *row;
}

/* The row for an entry that leads to the table of the next step. */
static void link_row(const struct drawing *drawing, const struct pt_walk *walk, unsigned int i, uint64_t iova,
		     struct row *row)
{
	const struct surveyed *below;
	uint64_t pa, bytes;

	table_of_step(drawing->table, walk, i + 1, iova, &pa, &bytes);
	row->target = survey_find(&drawing->survey, pa, walk->step[i + 1].level);
	row->link = walk->step[i].kind;
	row->kind = row->target != NO_TABLE && drawing->place[row->target] != NO_TABLE ? ROW_LINK : ROW_FOLDED;
	if (row->kind == ROW_LINK || row->target == NO_TABLE)
		return;
	below = &drawing->survey.tables[row->target];
	row->one_chain = below->chains == 1 && below->faults == 0;
	row->chain = below->chain;
	row->tables = below->tables;
	row->leaves = below->leaves;
	row->mapped = below->mapped;
	row->faults = below->faults;
}

static bool take_rows(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct drawing *drawing = ctx;

	for (unsigned int i = 0; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		const struct pt_step *step = &walk->step[i];
		struct row row = {.entries = 1};
		struct drawn *drawn;
		uint32_t table;
		uint64_t pa, bytes;

		table_of_step(drawing->table, walk, i, iova, &pa, &bytes);
		table = survey_find(&drawing->survey, pa, step->level);
		if (table == NO_TABLE || drawing->place[table] == NO_TABLE)
			return true;
		drawn = &drawing->drawn[drawing->place[table]];
		if (step->entry_pa < drawn->after)
			continue;
		drawn->after = step->entry_pa + 1;
		span_of_step(drawing->table, walk, i, iova, &row.first, &row.last);
		if (step_loops(drawing->table, walk, i, iova)) {
			row.kind = ROW_FAULT;
			row.fault = PT_FAULT_LOOP;
		} else if (i + 1 < walk->n_steps && i + 1 < PT_MAX_STEPS) {
			link_row(drawing, walk, i, iova, &row);
		} else if (walk->fault == PT_FAULT_NONE) {
			const struct pt_leaf *leaf = &walk->leaf;

			row.kind = ROW_LEAF;
			row.chain = (struct chain){leaf->iova,	leaf->iova + (((uint64_t)1 << (leaf->lg2 & 63)) - 1),
						   leaf->pa,	leaf->kind,
						   leaf->level, leaf->rights,
						   leaf->memory};
			row.last_first = leaf->iova;
		} else if (walk->fault != PT_FAULT_ABSENT) {
			row.kind = ROW_FAULT;
			row.fault = walk->fault;
		} else {
			continue;
		}
		if (!in_focus(drawing->options, row.first, row.last))
			row.kind = ROW_OUTSIDE;
		add_row(drawn, &row);
		if (row.kind == ROW_FAULT)
			return true;
	}
	return true;
}

/* --------------------------------------------------------------------------------------------------------- printing */

/* Text for an HTML-like label. */
static void put_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put_text(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '<': fputs("&lt;", stdout); break;
		case '>': fputs("&gt;", stdout); break;
		case '&': fputs("&amp;", stdout); break;
		case '"': fputs("&quot;", stdout); break;
		default: putchar(*p); break;
		}
	}
}

/* The largest unit that leaves no fraction. */
static const char *short_bytes(char text[32], uint64_t bytes)
{
	static const char units[] = " KMGTPE";
	unsigned int unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < sizeof(units) - 1) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, unit ? "%" PRIu64 "%c" : "%" PRIu64 " bytes", bytes, units[unit]);
	return text;
}

static void put_chain(const struct chain *chain)
{
	char rights[RIGHTS_LENGTH], size[32];

	put_text("0x%" PRIx64 "-0x%" PRIx64 "  0x%" PRIx64 "  %s  %s", chain->first, chain->last, chain->pa,
		 short_bytes(size, chain->last - chain->first + 1),
		 format_rights(rights, chain->rights, chain->memory));
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_row(const struct drawing *drawing, const struct row *row)
{
	const struct pt_format *format = drawing->table->format;
	char size[32];

	switch (row->kind) {
	case ROW_LEAF:
		put_chain(&row->chain);
		if (row->again)
			put_text("  and %" PRIu64 " more times, every %s", row->again, short_bytes(size, row->stride));
		break;
	case ROW_LINK:
		put_text("0x%" PRIx64 "-0x%" PRIx64 "  %s", row->first, row->last,
			 row->link < format->n_kinds ? format->kinds[row->link].name : "");
		if (row->entries > 1)
			put_text("  (the same in %" PRIu64 " entries)", row->entries);
		break;
	case ROW_FOLDED:
		if (row->one_chain) {
			put_chain(&row->chain);
			put_text("  in %" PRIu64 " table%s", row->tables, plural(row->tables));
			break;
		}
		put_text("0x%" PRIx64 "-0x%" PRIx64 "  ", row->first, row->last);
		if (row->target == NO_TABLE)
			put_text("tables that were not counted");
		else if (row->leaves)
			put_text("%" PRIu64 " table%s, %" PRIu64 " leaves, %s", row->tables, plural(row->tables),
				 row->leaves, short_bytes(size, row->mapped));
		else
			put_text("%" PRIu64 " table%s without leaves", row->tables, plural(row->tables));
		if (row->faults)
			put_text(", %" PRIu64 " fault%s", row->faults, plural(row->faults));
		if (row->entries > row->tables)
			put_text("  (in %" PRIu64 " entries)", row->entries);
		break;
	case ROW_FAULT:
		put_text("0x%" PRIx64 "-0x%" PRIx64 "  fault %s", row->first, row->last,
			 pt_fault_string(format, row->fault));
		break;
	case ROW_OUTSIDE:
		put_text("%" PRIu64 " entr%s outside of the focus", row->entries, row->entries == 1 ? "y" : "ies");
		break;
	}
}

/* Green: can be read. Orange: can be written. Blue: can be executed. Red: both, or a fault. */
static const char *row_colour(const struct row *row)
{
	unsigned int both = (row->chain.rights | row->chain.rights >> 3) & PT_RIGHT_P;
	bool leaves = row->kind == ROW_LEAF || (row->kind == ROW_FOLDED && row->one_chain);

	if (row->kind == ROW_FAULT || (row->kind == ROW_FOLDED && row->faults))
		return "#f6c9c9";
	if (row->kind == ROW_OUTSIDE)
		return "#eeeeee";
	if (!leaves)
		return row->kind == ROW_FOLDED ? "#f4f4f4" : "#ffffff";
	if ((both & PT_RIGHT_PW) && (both & PT_RIGHT_PX))
		return "#f9dcc4";
	return both & PT_RIGHT_PW ? "#fdf3cf" : both & PT_RIGHT_PX ? "#dbe9f8" : "#e2f2df";
}

static void print_table(const struct drawing *drawing, size_t number)
{
	const struct drawn *drawn = &drawing->drawn[number];
	const struct surveyed *table = &drawing->survey.tables[drawn->table];

	printf("  t%zu [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\"><TR><TD PORT=\"top\" "
	       "BGCOLOR=\"#dde6f0\"><B>",
	       number);
	put_text("%s table at 0x%" PRIx64, level_name(drawing->table->format, table->level), table->pa);
	printf("</B></TD></TR>");
	for (size_t i = 0; i < drawn->n_rows; i++) {
		printf("<TR><TD ALIGN=\"LEFT\" PORT=\"r%zu\" BGCOLOR=\"%s\">", i, row_colour(&drawn->rows[i]));
		put_row(drawing, &drawn->rows[i]);
		printf("</TD></TR>");
	}
	if (drawn->n_hidden)
		printf("<TR><TD ALIGN=\"LEFT\" BGCOLOR=\"#eeeeee\">%" PRIu64 " more rows</TD></TR>", drawn->n_hidden);
	if (drawn->n_rows == 0)
		printf("<TR><TD ALIGN=\"LEFT\">empty</TD></TR>");
	printf("</TABLE>>];\n");
	for (size_t i = 0; i < drawn->n_rows; i++)
		if (drawn->rows[i].kind == ROW_LINK)
			printf("  t%zu:r%zu -> t%" PRIu32 ":top;\n", number, i, drawing->place[drawn->rows[i].target]);
}

static void print_drawing(const struct drawing *drawing)
{
	const struct survey *survey = &drawing->survey;

	printf("digraph tables {\n  rankdir=LR;\n  node [shape=plaintext, fontname=\"monospace\", fontsize=10];\n");
	printf("  label=\"%s, root", drawing->table->format->name);
	for (unsigned int i = 0; i < drawing->table->n_roots; i++)
		printf(" 0x%" PRIx64, pt_root_at(drawing->table, i));
	printf(": %zu of %" PRIu32 "%s tables are drawn", drawing->n_drawn, survey->n,
	       survey->unknown ? " and more" : "");
	if (drawing->cut)
		printf(" (--depth and --focus show others)");
	printf("\";\n");
	for (size_t i = 0; i < drawing->n_drawn; i++)
		print_table(drawing, i);
	printf("}\n");
}

int dump_dot(const struct options *options, const struct pt_table *table, struct pt_reader *reader)
{
	struct drawing *drawing = allocate(NULL, 1, sizeof(*drawing));
	struct pt_reader again = *reader;
	bool complete;

	memset(drawing, 0, sizeof(*drawing));
	drawing->options = options;
	drawing->table = table;
	complete = survey_make(&drawing->survey, table, reader);
	drawing->place = allocate(NULL, drawing->survey.n, sizeof(*drawing->place));
	memset(drawing->place, 0xff, drawing->survey.n * sizeof(*drawing->place));
	choose(drawing);
	complete = walk_everything(table, &again, take_rows, drawing) && complete;
	print_drawing(drawing);
	for (size_t i = 0; i < drawing->n_drawn; i++)
		free(drawing->drawn[i].rows);
	free(drawing->place);
	survey_free(&drawing->survey);
	free(drawing);
	if (complete)
		return EXIT_FINE;
	complain("the drawing is not complete: %s", pt_status_string(PT_ERR_STEPS));
	note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
	return EXIT_FINDING;
}

/* SPDX-License-Identifier: MIT */
/* dot.c - `pttool dump --dot`: the tables under a root as a Graphviz graph. */
#include "pttool.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Larger drawings cannot be read; what is left out is counted in the drawing. */
#define MAX_TABLES 200
#define MAX_ROWS   40

struct row {
	uint64_t first, last, pa; /* of a run of leaves */
	uint16_t kind, level;
	uint8_t rights, memory;
	bool link;
	bool fault;
	unsigned int target; /* of a link: index of the table */
};

struct node {
	uint64_t pa, bytes;
	uint64_t last_entry; /* entries up to here were seen: a table with two parents is drawn once */
	uint16_t level;
	struct row *rows;
	size_t n_rows, n_hidden;
};

struct drawing {
	const struct pt_table *table;
	struct node nodes[MAX_TABLES];
	size_t n_nodes;
	uint64_t n_hidden; /* walks into tables that are not drawn */
};

static struct node *find_node(struct drawing *drawing, uint64_t pa, uint64_t bytes, uint16_t level)
{
	struct node *node;

	for (size_t i = drawing->n_nodes; i-- > 0;)
		if (drawing->nodes[i].pa == pa && drawing->nodes[i].level == level)
			return &drawing->nodes[i];
	if (drawing->n_nodes == MAX_TABLES)
		return NULL;
	node = &drawing->nodes[drawing->n_nodes++];
	memset(node, 0, sizeof(*node));
	node->pa = pa;
	node->bytes = bytes;
	node->level = level;
	return node;
}

static void add_row(struct node *node, const struct row *row)
{
	if (node->n_rows == MAX_ROWS) {
		node->n_hidden++;
		return;
	}
	if (!node->rows)
		node->rows = allocate(NULL, MAX_ROWS, sizeof(*node->rows));
	node->rows[node->n_rows++] = *row;
}

static void add_leaf(struct node *node, const struct pt_walk *walk)
{
	const struct pt_leaf *leaf = &walk->leaf;
	uint64_t last = leaf->iova + (((uint64_t)1 << (leaf->lg2 & 63)) - 1);
	struct row *before = node->n_rows ? &node->rows[node->n_rows - 1] : NULL;

	if (before && !before->link && !before->fault && before->last + 1 == leaf->iova && before->kind == leaf->kind &&
	    before->rights == leaf->rights && before->memory == leaf->memory &&
	    before->pa + (before->last - before->first) + 1 == leaf->pa) {
		before->last = last;
		return;
	}
	add_row(node, &(struct row){.first = leaf->iova,
				    .last = last,
				    .pa = leaf->pa,
				    .kind = leaf->kind,
				    .level = leaf->level,
				    .rights = leaf->rights,
				    .memory = leaf->memory});
}

static bool draw_walk(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct drawing *drawing = ctx;
	struct node *node = NULL;

	for (unsigned int i = 0; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		const struct pt_step *step = &walk->step[i];
		uint64_t pa, bytes;
		bool seen;

		table_of_step(drawing->table, walk, i, iova, &pa, &bytes);
		node = find_node(drawing, pa, bytes, step->level);
		if (!node) {
			drawing->n_hidden++;
			return true;
		}
		seen = node->last_entry && step->entry_pa < node->last_entry;
		if (i + 1 < walk->n_steps && i + 1 < PT_MAX_STEPS) {
			struct node *next;

			table_of_step(drawing->table, walk, i + 1, iova, &pa, &bytes);
			next = find_node(drawing, pa, bytes, walk->step[i + 1].level);
			if (!seen && next)
				add_row(node, &(struct row){.first = iova,
							    .link = true,
							    .kind = step->kind,
							    .target = (unsigned int)(next - drawing->nodes)});
		} else if (!seen) {
			if (walk->fault == PT_FAULT_NONE)
				add_leaf(node, walk);
			else if (walk->fault != PT_FAULT_ABSENT)
				add_row(node, &(struct row){.first = iova, .fault = true, .kind = walk->fault});
		}
		node->last_entry = step->entry_pa + 1;
	}
	return true;
}

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

static void print_node(const struct drawing *drawing, size_t index)
{
	const struct pt_format *format = drawing->table->format;
	const struct node *node = &drawing->nodes[index];

	printf("  t%zu [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\"><TR><TD PORT=\"top\" "
	       "BGCOLOR=\"#dde6f0\">",
	       index);
	put_text("%s table at 0x%" PRIx64, level_name(format, node->level), node->pa);
	printf("</TD></TR>");
	for (size_t i = 0; i < node->n_rows; i++) {
		const struct row *row = &node->rows[i];
		char rights[RIGHTS_LENGTH];

		printf("<TR><TD ALIGN=\"LEFT\" PORT=\"r%zu\"%s>", i, row->fault ? " BGCOLOR=\"#f6c9c9\"" : "");
		if (row->link)
			put_text("0x%" PRIx64 " %s", row->first,
				 row->kind < format->n_kinds ? format->kinds[row->kind].name : "");
		else if (row->fault)
			put_text("0x%" PRIx64 " fault %s", row->first, pt_fault_string(format, row->kind));
		else
			put_text("0x%" PRIx64 "-0x%" PRIx64 " 0x%" PRIx64 " %s", row->first, row->last, row->pa,
				 format_rights(rights, row->rights, row->memory));
		printf("</TD></TR>");
	}
	if (node->n_hidden)
		printf("<TR><TD>%zu more</TD></TR>", node->n_hidden);
	printf("</TABLE>>];\n");
	for (size_t i = 0; i < node->n_rows; i++)
		if (node->rows[i].link)
			printf("  t%zu:r%zu -> t%u:top;\n", index, i, node->rows[i].target);
}

int dump_dot(const struct options *options, const struct pt_table *table, struct pt_reader *reader)
{
	struct drawing *drawing = allocate(NULL, 1, sizeof(*drawing));
	bool complete;

	memset(drawing, 0, sizeof(*drawing));
	drawing->table = table;
	complete = walk_everything(table, reader, draw_walk, drawing);
	printf("digraph tables {\n  rankdir=LR;\n  node [shape=plaintext, fontname=\"monospace\", fontsize=10];\n");
	printf("  label=\"%s, root", table->format->name);
	for (unsigned int i = 0; i < table->n_roots; i++)
		printf(" 0x%" PRIx64, pt_root_at(table, i));
	printf("\";\n");
	for (size_t i = 0; i < drawing->n_nodes; i++)
		print_node(drawing, i);
	if (drawing->n_hidden)
		printf("  hidden [label=\"more tables, not drawn (%d are)\"];\n", MAX_TABLES);
	printf("}\n");
	for (size_t i = 0; i < drawing->n_nodes; i++)
		free(drawing->nodes[i].rows);
	free(drawing);
	if (complete)
		return EXIT_FINE;
	complain("the drawing is not complete: %s", pt_status_string(PT_ERR_STEPS));
	note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
	return EXIT_FINDING;
}

/* SPDX-License-Identifier: MIT */
/*
 * stats.c - `pttool stats`: what a table consists of, and what larger leaves would save.
 *
 * One pass over all entries, in the order of their addresses. What is kept is one open table a level, and the stretch
 * of memory that is mapped without a break up to here: contiguous on both sides, with the same rights and memory type.
 * A table whose whole span lies in one stretch, aligned on both sides, could be one leaf of its parent, if the format
 * has one of that size.
 */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

struct stretch {
	bool open;
	uint64_t first, last, pa; /* pa of first */
	unsigned int rights, memory;
	uint64_t leaves; /* that it consists of */
};

struct open_table {
	bool open;
	uint64_t pa, bytes, first, last;
	unsigned int level;
};

struct stats {
	const struct pt_table *table;
	uint64_t leaves[65], leaf_bytes[65];	/* by lg2 of the size */
	uint64_t tables[256], table_bytes[256]; /* by level */
	uint64_t accessed, dirty;
	uint64_t n_leaves, best_leaves;
	uint64_t saved_tables, saved_bytes;
	struct stretch stretch;
	struct open_table open[PT_MAX_STEPS];
	uint64_t faults;
};

/* How many leaves a stretch takes when each is as large as possible. */
static uint64_t fewest_leaves(const struct pt_table *table, const struct stretch *stretch)
{
	uint64_t iova = stretch->first, pa = stretch->pa, n = 0;

	for (;;) {
		uint64_t left = stretch->last - iova, bytes;
		unsigned int best = 64;

		for (unsigned int lg2 = 63; lg2 > 0 && best == 64; lg2--) {
			bytes = (uint64_t)1 << lg2;
			if ((table->page_sizes & bytes) && ((iova | pa) & (bytes - 1)) == 0 && bytes - 1 <= left)
				best = lg2;
		}
		if (best == 64)
			return stretch->leaves; /* what is there is larger than the sizes that may be used */
		bytes = (uint64_t)1 << best;
		n++;
		if (bytes - 1 == left)
			return n;
		/* many of the largest size in a row: count them at once */
		if (best < 63 && (table->page_sizes >> (best + 1)) == 0) {
			uint64_t more = (left + 1) / bytes - 1;

			n += more;
			iova += more * bytes;
			pa += more * bytes;
			if (stretch->last - iova == bytes - 1)
				return n;
		}
		iova += bytes;
		pa += bytes;
	}
}

static void close_stretch(struct stats *stats)
{
	struct stretch *stretch = &stats->stretch;

	if (stretch->open) {
		uint64_t best = fewest_leaves(stats->table, stretch);

		stats->best_leaves += best < stretch->leaves ? best : stretch->leaves;
	}
	stretch->open = false;
}

/* The walk left a table, whose span ends at or before the end of the stretch if it is mapped whole. */
static void close_table(struct stats *stats, struct open_table *open)
{
	const struct stretch *stretch = &stats->stretch;
	uint64_t span = open->last - open->first + 1;

	if (open->open && stretch->open && stretch->first <= open->first && stretch->last >= open->last &&
	    (stats->table->page_sizes & span) && ((stretch->pa + (open->first - stretch->first)) & (span - 1)) == 0) {
		stats->saved_tables++;
		stats->saved_bytes += open->bytes;
	}
	open->open = false;
}

/* Tables that this walk is no longer in are closed, from the bottom up; new ones are opened. */
static void follow(struct stats *stats, const struct pt_walk *walk, uint64_t iova)
{
	unsigned int same = 0;
	uint64_t pa, bytes;

	while (same < walk->n_steps && same < PT_MAX_STEPS && stats->open[same].open) {
		table_of_step(stats->table, walk, same, iova, &pa, &bytes);
		if (stats->open[same].pa != pa || iova < stats->open[same].first || iova > stats->open[same].last)
			break;
		same++;
	}
	for (unsigned int i = PT_MAX_STEPS; i-- > same;)
		close_table(stats, &stats->open[i]);
	for (unsigned int i = same; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		struct open_table *open = &stats->open[i];
		unsigned int level = walk->step[i].level, top;
		uint64_t mask;

		table_of_step(stats->table, walk, i, iova, &pa, &bytes);
		top = (unsigned int)stats->table->format->levels[level].hi + 1;
		mask = i == 0 || top >= 64 ? UINT64_MAX : ((uint64_t)1 << top) - 1;
		*open = (struct open_table){true, pa, bytes, iova & ~mask, iova | mask, level};
		if (level < 256) {
			stats->tables[level]++;
			stats->table_bytes[level] += bytes;
		}
	}
}

static void take_leaf(struct stats *stats, const struct pt_leaf *leaf)
{
	struct stretch *stretch = &stats->stretch;
	uint64_t bytes = (uint64_t)1 << (leaf->lg2 & 63), last = leaf->iova + (bytes - 1);

	stats->n_leaves++;
	stats->leaves[leaf->lg2 & 63]++;
	stats->leaf_bytes[leaf->lg2 & 63] += bytes;
	stats->accessed += leaf->accessed;
	stats->dirty += leaf->dirty;
	if (stretch->open && stretch->last + 1 == leaf->iova &&
	    stretch->pa + (leaf->iova - stretch->first) == leaf->pa && stretch->rights == leaf->rights &&
	    stretch->memory == leaf->memory) {
		stretch->last = last;
		stretch->leaves++;
		return;
	}
	close_stretch(stats);
	*stretch = (struct stretch){true, leaf->iova, last, leaf->pa, leaf->rights, leaf->memory, 1};
}

static bool take_entry(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct stats *stats = ctx;

	follow(stats, walk, iova);
	if (walk->fault == PT_FAULT_NONE)
		take_leaf(stats, &walk->leaf);
	else if (walk->fault != PT_FAULT_ABSENT)
		stats->faults++;
	return true;
}

static void print_text(const struct stats *stats)
{
	const struct pt_format *format = stats->table->format;
	uint64_t tables = 0, table_bytes = 0, mapped = 0;

	for (unsigned int level = 0; level < format->n_levels && level < 256; level++) {
		if (stats->tables[level])
			printf("tables %-8s %12" PRIu64 " %16" PRIu64 " bytes\n", level_name(format, level),
			       stats->tables[level], stats->table_bytes[level]);
		tables += stats->tables[level];
		table_bytes += stats->table_bytes[level];
	}
	printf("tables %-8s %12" PRIu64 " %16" PRIu64 " bytes\n", "all", tables, table_bytes);
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		char size[24];

		if (!stats->leaves[lg2])
			continue;
		snprintf(size, sizeof(size), "0x%" PRIx64, (uint64_t)1 << lg2);
		printf("leaves %-8s %12" PRIu64 " %16" PRIu64 " bytes\n", size, stats->leaves[lg2],
		       stats->leaf_bytes[lg2]);
		mapped += stats->leaf_bytes[lg2];
	}
	printf("leaves %-8s %12" PRIu64 " %16" PRIu64 " bytes\n", "all", stats->n_leaves, mapped);
	if (format->has_accessed)
		printf("accessed        %12" PRIu64 " leaves\n", stats->accessed);
	if (format->has_dirty)
		printf("dirty           %12" PRIu64 " leaves\n", stats->dirty);
	printf("larger leaves would save %" PRIu64 " leaves and %" PRIu64 " tables of %" PRIu64 " bytes\n",
	       stats->n_leaves - stats->best_leaves, stats->saved_tables, stats->saved_bytes);
	if (stats->faults)
		printf("%" PRIu64 " entries fault; `pttool verify` says why\n", stats->faults);
}

static void print_json(const struct stats *stats, bool complete)
{
	const struct pt_format *format = stats->table->format;
	json_t *tables = json_array(), *leaves = json_array(), *object;

	for (unsigned int level = 0; level < format->n_levels && level < 256; level++)
		if (stats->tables[level])
			json_array_append_new(tables, json_pack("{s:s, s:o, s:o}", "level", level_name(format, level),
								"count", hex(stats->tables[level]), "bytes",
								hex(stats->table_bytes[level])));
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (stats->leaves[lg2])
			json_array_append_new(leaves,
					      json_pack("{s:o, s:o, s:o}", "size", hex((uint64_t)1 << lg2), "count",
							hex(stats->leaves[lg2]), "bytes", hex(stats->leaf_bytes[lg2])));
	object = json_pack("{s:s, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:b}", "format", format->name, "tables", tables,
			   "leaves", leaves, "larger_leaves_save", "leaves", hex(stats->n_leaves - stats->best_leaves),
			   "tables", hex(stats->saved_tables), "bytes", hex(stats->saved_bytes), "faults",
			   hex(stats->faults), "complete", complete);
	if (format->has_accessed)
		json_object_set_new(object, "accessed", hex(stats->accessed));
	if (format->has_dirty)
		json_object_set_new(object, "dirty", hex(stats->dirty));
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

int command_stats(const struct options *options)
{
	struct image image;
	struct pt_table table;
	struct stats stats = {.table = &table};
	struct pt_reader reader;
	bool steps, complete;

	if (!open_table(options, &image, &table))
		return image_close(&image, EXIT_USAGE);
	reader = (struct pt_reader){&image, image_read, NULL, options->steps};
	progress_start(&table, &image, false);
	steps = walk_everything(&table, &reader, take_entry, &stats);
	complete = steps && image.n_missed == 0;
	progress_end();
	for (unsigned int i = PT_MAX_STEPS; i-- > 0;)
		close_table(&stats, &stats.open[i]);
	close_stretch(&stats);
	if (options->output == OUTPUT_JSON)
		print_json(&stats, complete);
	else
		print_text(&stats);
	image_missed(&image, "not everything was counted");
	if (!steps) {
		complain("not everything was counted: %s", pt_status_string(PT_ERR_STEPS));
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
	}
	return image_close(&image, complete ? EXIT_FINE : EXIT_FINDING);
}

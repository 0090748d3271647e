/* SPDX-License-Identifier: MIT */
/* tables.c - the table that the command line names; every table, every entry and every run under a root. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>

void complain_config(const struct pt_format *format, enum pt_status status, const struct pt_result *result)
{
	complain("%s refuses this configuration: %s%s%s", format->name, pt_status_string(status),
		 result->why ? ": " : "", result->why ? result->why : "");
	note("`pttool formats --format %s` lists parameters, what each can be, and defaults", format->name);
}

bool open_view(const struct options *options, struct pt_table *table)
{
	struct pt_result result = {0};
	enum pt_status status = options->format->view(table, &options->config, NULL, 0, &result);

	if (status == PT_OK && options->n_roots != table->n_roots) {
		complain("%zu root%s given, but %s has %u root%s%s", options->n_roots,
			 options->n_roots == 1 ? " is" : "s are", options->format->name, table->n_roots,
			 table->n_roots == 1 ? "" : "s", options->format->n_params ? " in this configuration" : "");
		if (table->n_roots > 1)
			note("input bits [%d:%d] choose the root: give them in that order", table->input_bits - 1,
			     table->root_shift + 1);
		return false;
	}
	if (status == PT_OK)
		status = options->format->view(table, &options->config, options->roots, options->n_roots, &result);
	if (status == PT_OK)
		return true;
	if (status == PT_ERR_TABLE)
		complain("--root 0x%" PRIx64 "%s: %s%s%s", options->roots[0],
			 options->n_roots == 1 ? "" : ", or one of the others", pt_status_string(status),
			 result.why ? ": " : "", result.why ? result.why : "");
	else
		complain_config(options->format, status, &result);
	return false;
}

bool open_table(const struct options *options, struct image *image, struct pt_table *table)
{
	return image_open(image, options->ram, options->n_ram, options->ram_base, options->ram_size, false) &&
	       open_view(options, table);
}

void set_roots(json_t *object, const struct pt_table *table, uint64_t base)
{
	json_t *roots;

	if (table->n_roots == 1)
		return;
	roots = json_array();
	for (unsigned int i = 0; i < table->n_roots; i++)
		json_array_append_new(roots, hex(pt_root_at(table, i) - base));
	json_object_set_new(object, "roots", roots);
}

void print_roots(const struct pt_table *table)
{
	for (unsigned int i = 0; i < table->n_roots && table->n_roots > 1; i++)
		printf("%s\"0x%" PRIx64 "\"%s", i ? ", " : "  \"roots\": [", pt_root_at(table, i),
		       i + 1U == table->n_roots ? "],\n" : "");
}

void table_of_step(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova,
		   uint64_t *pa, uint64_t *bytes)
{
	const struct pt_level_info *level = &table->format->levels[walk->step[i].level];
	uint64_t entry = walk->step[i].entry_pa;

	if (i == 0) {
		*pa = pt_root_at(table, pt_root_number(table, iova));
		*bytes = table->root_bytes;
		return;
	}
	*bytes = level->table_bytes;
	if (level->table_align >= level->table_bytes) {
		*pa = entry & ~((uint64_t)level->table_bytes - 1);
	} else {
		/* Not aligned to its size: count back from the index. */
		unsigned int width = (unsigned int)level->hi - level->lo + 1;
		uint64_t index = (iova >> level->lo) & (((uint64_t)1 << width) - 1);

		*pa = entry - index * (level->table_bytes >> width);
	}
}

/* Walks [first, last]. Returns false when the step limit is used up; *stopped: fn said so. */
static bool walk_range(const struct pt_table *table, struct pt_reader *reader, uint64_t first, uint64_t last,
		       walk_fn fn, void *ctx, bool *stopped)
{
	const struct pt_format *format = table->format;
	uint64_t iova = first;

	for (;;) {
		struct pt_walk walk;
		unsigned int lg2 = 63;
		uint64_t end;

		if (reader->steps == 0)
			return false;
		progress_at(iova);
		format->walk(table, reader, iova, &walk);
		if (reader->steps == 0)
			return false;
		if (!fn(ctx, &walk, iova)) {
			*stopped = true;
			return true;
		}
		/* Where the entry that ended the walk ends: beyond it the next entry is read. */
		if (walk.fault == PT_FAULT_NONE)
			lg2 = walk.leaf.lg2;
		else if (walk.n_steps && walk.level < format->n_levels)
			lg2 = format->levels[walk.level].lo;
		end = lg2 >= 64 ? UINT64_MAX : iova | (((uint64_t)1 << lg2) - 1);
		if (end >= last)
			return true;
		iova = end + 1;
	}
}

bool walk_everything(const struct pt_table *table, struct pt_reader *reader, walk_fn fn, void *ctx)
{
	bool stopped = false;

	if (table->first <= table->last)
		return walk_range(table, reader, table->first, table->last, fn, ctx, &stopped);
	if (!walk_range(table, reader, 0, table->last, fn, ctx, &stopped))
		return false;
	return stopped || walk_range(table, reader, table->first, UINT64_MAX, fn, ctx, &stopped);
}

enum pt_status visit_table(const struct pt_table *table, struct pt_reader *reader, pt_visit_fn fn, void *ctx)
{
	const struct pt_format *format = table->format;
	enum pt_status status;

	if (table->first <= table->last)
		return format->visit(table, reader, table->first, table->last, fn, ctx);
	status = format->visit(table, reader, 0, table->last, fn, ctx);
	return status == PT_OK ? format->visit(table, reader, table->first, UINT64_MAX, fn, ctx) : status;
}

bool extent_at(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, struct extent *extent)
{
	struct pt_walk walk;
	unsigned int lg2 = 0;
	uint64_t mask;

	if (reader->steps == 0)
		return false;
	table->format->walk(table, reader, iova, &walk);
	if (reader->steps == 0)
		return false;
	*extent = (struct extent){.mapped = walk.fault == PT_FAULT_NONE, .fault = walk.fault, .leaf = walk.leaf};
	if (extent->mapped)
		lg2 = walk.leaf.lg2;
	else if (walk.n_steps && walk.level < table->format->n_levels)
		lg2 = table->format->levels[walk.level].lo;
	else
		lg2 = 64; /* no entry was read: nothing is there at all */
	mask = lg2 >= 64 ? UINT64_MAX : ((uint64_t)1 << lg2) - 1;
	extent->first = iova & ~mask;
	extent->last = iova | mask;
	/* An entry may cover more than the table serves. */
	if (table->first <= table->last || iova <= table->last) {
		if (extent->last > table->last)
			extent->last = table->last;
	}
	if ((table->first <= table->last || iova >= table->first) && extent->first < table->first)
		extent->first = table->first;
	if (extent->mapped)
		extent->pa = walk.leaf.pa + (extent->first - walk.leaf.iova);
	return true;
}

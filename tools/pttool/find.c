/* SPDX-License-Identifier: MIT */
/* find.c - `pttool find`: which input addresses lead to physical ones. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct target {
	uint64_t first, last;
	uint64_t hits;
};

struct find {
	const struct pt_table *table;
	struct target *targets;
	size_t n;
	bool json;
	struct json_stream stream;
	bool headed;
};

static void print_line(struct find *find, const struct pt_run *run, uint64_t iova, uint64_t end, uint64_t pa)
{
	if (!find->headed)
		print_columns(find->table, "");
	find->headed = true;
	print_range(find->table, iova, end, pa, &run->leaf);
	putchar('\n');
}

/* The part of a run that leads to a target. */
static bool show(struct find *find, const struct pt_run *run, uint64_t first, uint64_t last)
{
	char rights[RIGHTS_LENGTH], bytes[24];
	uint64_t iova = run->first + (first - run->leaf.pa), end = iova + (last - first);

	format_rights(rights, run->leaf.rights, run->leaf.memory);
	if (find->json)
		stream_item(&find->stream,
			    json_pack("{s:o, s:o, s:o, s:s, s:s, s:s}", "first", hex(iova), "last", hex(end), "pa",
				      hex(first), "size", format_bytes(bytes, iova, end), "level",
				      level_name(find->table->format, run->leaf.level), "prot", rights));
	else
		print_line(find, run, iova, end, first);
	return !ferror(stdout);
}

static bool take_run(void *ctx, const struct pt_run *run)
{
	struct find *find = ctx;
	uint64_t pa = run->leaf.pa, last = pa + (run->last - run->first);

	progress_at(run->last);
	for (size_t i = 0; i < find->n; i++) {
		struct target *target = &find->targets[i];

		if (target->first > last || target->last < pa)
			continue;
		target->hits++;
		if (!show(find, run, target->first > pa ? target->first : pa,
			  target->last < last ? target->last : last))
			return false;
	}
	return true;
}

static int find_all(const struct options *options, struct find *find, struct image *image)
{
	struct pt_reader reader = {image, image_read, NULL, options->steps};
	enum pt_status status;
	int code = EXIT_FINE;

	progress_start(find->table, image, true);
	status = visit_table(find->table, &reader, take_run, find);
	progress_end();

	if (find->json)
		printf("%s]\n", find->stream.n ? "\n" : "");
	if (status == PT_ERR_STEPS) {
		complain("not everything was searched: %s", pt_status_string(status));
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
		code = EXIT_FINDING;
	}
	if (image_missed(image, "not everything was searched"))
		code = EXIT_FINDING;
	for (size_t i = 0; i < find->n; i++)
		if (find->targets[i].hits == 0) {
			complain("nothing maps 0x%" PRIx64 "-0x%" PRIx64, find->targets[i].first,
				 find->targets[i].last);
			code = EXIT_FINDING;
		}
	return code;
}

int command_find(const struct options *options)
{
	struct image image = {0};
	struct pt_table table;
	struct find find = {.table = &table, .n = options->n_arguments};
	int code = EXIT_USAGE;
	bool fine = true;

	find.targets = allocate(NULL, find.n, sizeof(*find.targets));
	memset(find.targets, 0, find.n * sizeof(*find.targets));
	for (size_t i = 0; fine && i < find.n; i++)
		fine = parse_range("PA", options->arguments[i], &find.targets[i].first, &find.targets[i].last);
	if (fine) {
		if (open_table(options, &image, &table)) {
			find.json = options->output == OUTPUT_JSON;
			if (find.json)
				putchar('[');
			code = find_all(options, &find, &image);
		}
		code = image_close(&image, code);
	}
	free(find.targets);
	return code;
}

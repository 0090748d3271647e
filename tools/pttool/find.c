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
	json_t *json; /* NULL: text */
};

/* The part of a run that leads to a target. */
static bool show(struct find *find, const struct pt_run *run, uint64_t first, uint64_t last)
{
	char rights[RIGHTS_LENGTH], bytes[24];
	uint64_t iova = run->first + (first - run->leaf.pa), end = iova + (last - first);

	format_rights(rights, run->leaf.rights, run->leaf.memory);
	if (find->json)
		json_array_append_new(find->json,
				      json_pack("{s:o, s:o, s:o, s:s, s:s, s:s}", "first", hex(iova), "last", hex(end),
						"pa", hex(first), "size", format_bytes(bytes, iova, end), "level",
						level_name(find->table->format, run->leaf.level), "prot", rights));
	else
		printf("0x%" PRIx64 "-0x%" PRIx64 " 0x%" PRIx64 " %s %s %s\n", iova, end, first,
		       format_bytes(bytes, iova, end), level_name(find->table->format, run->leaf.level), rights);
	return !ferror(stdout);
}

static bool take_run(void *ctx, const struct pt_run *run)
{
	struct find *find = ctx;
	uint64_t pa = run->leaf.pa, last = pa + (run->last - run->first);

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

/* PA, or PA+SIZE. */
static bool parse_target(const char *text, struct target *target)
{
	const char *plus = strchr(text, '+'), *why;
	uint64_t bytes = 1;

	why = parse_number(text, plus ? (size_t)(plus - text) : strlen(text), &target->first);
	if (!why && plus)
		why = parse_number(plus + 1, strlen(plus + 1), &bytes);
	if (!why && bytes == 0)
		why = "SIZE is 0";
	if (!why && bytes - 1 > UINT64_MAX - target->first)
		why = "it reaches beyond the last 64-bit address";
	if (why) {
		complain("%s is not PA or PA+SIZE: %s", text, why);
		return false;
	}
	target->last = target->first + (bytes - 1);
	return true;
}

static int find_all(const struct options *options, struct find *find, struct image *image)
{
	struct pt_reader reader = {image, image_read, NULL, options->steps};
	enum pt_status status = visit_table(find->table, &reader, take_run, find);
	int code = EXIT_FINE;

	if (find->json) {
		json_dumpf(find->json, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	if (status == PT_ERR_STEPS) {
		complain("not everything was searched: %s", pt_status_string(status));
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
		code = EXIT_FINDING;
	}
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
		fine = parse_target(options->arguments[i], &find.targets[i]);
	if (fine) {
		if (open_table(options, &image, &table)) {
			if (options->output == OUTPUT_JSON)
				find.json = json_array();
			code = find_all(options, &find, &image);
			json_decref(find.json);
		}
		image_close(&image);
	}
	free(find.targets);
	return code;
}

/* SPDX-License-Identifier: MIT */
/* dump.c - `pttool dump`: everything that a table maps, in merged runs, and everything that is wrong with it. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

struct dump {
	const struct pt_table *table;
	bool json;
	struct json_stream runs;
	json_t *findings; /* the first of them */
	uint64_t n_findings;
};

#define MAX_FINDINGS 100

static bool print_run(void *ctx, const struct pt_run *run)
{
	const struct dump *dump = ctx;
	const struct pt_kind_info *kind = &dump->table->format->kinds[run->leaf.kind];
	struct value values[MAX_VALUES];
	size_t n = entry_values(dump->table, kind, run->leaf.raw, values, MAX_VALUES);

	progress_at(run->last);
	print_range(dump->table, run->first, run->last, run->leaf.pa, &run->leaf);
	for (size_t i = 0; i < n; i++) {
		putchar(' ');
		print_value(&values[i]);
	}
	putchar('\n');
	return !ferror(stdout);
}

static bool print_run_json(void *ctx, const struct pt_run *run)
{
	static const char *const memory[] = {"cached", "noncached", "device", "nonshareable", "other"};
	struct dump *dump = ctx;
	const struct pt_format *format = dump->table->format;
	const struct pt_kind_info *kind = &format->kinds[run->leaf.kind];
	struct value values[MAX_VALUES];
	size_t n = entry_values(dump->table, kind, run->leaf.raw, values, MAX_VALUES);
	char rights[RIGHTS_LENGTH], bytes[24];
	json_t *fields = json_object(), *object;

	progress_at(run->last);
	for (size_t i = 0; i < n; i++)
		json_object_set_new(fields, values[i].name, hex(values[i].value));
	object = json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:o}", "first", hex(run->first), "last",
			   hex(run->last), "pa", hex(run->leaf.pa), "size", format_bytes(bytes, run->first, run->last),
			   "leaf_size", hex((uint64_t)1 << (run->leaf.lg2 & 63)), "level",
			   level_name(format, run->leaf.level), "kind", kind->name, "prot",
			   format_rights(rights, run->leaf.rights, run->leaf.memory), "memory",
			   memory[run->leaf.memory], "fields", fields);
	if (format->has_accessed)
		json_object_set_new(object, "accessed", json_boolean(run->leaf.accessed));
	if (format->has_dirty)
		json_object_set_new(object, "dirty", json_boolean(run->leaf.dirty));
	stream_item(&dump->runs, object);
	return !ferror(stdout);
}

static bool take_finding(void *ctx, const struct pt_finding *finding)
{
	struct dump *dump = ctx;
	const struct pt_format *format = dump->table->format;
	char word[WORD_LENGTH] = "";

	if (dump->n_findings++ >= MAX_FINDINGS)
		return true; /* counted, not shown */
	if (finding->step.level < format->n_levels)
		format_word(word, &format->levels[finding->step.level], finding->step.raw);
	if (finding->status == PT_ERR_BOUNDS) /* there is no word */
		complain("at input address 0x%" PRIx64 ", level %s, entry at 0x%" PRIx64 ": %s", finding->iova,
			 level_name(format, finding->step.level), finding->step.entry_pa, finding->text);
	else
		complain("at input address 0x%" PRIx64 ", level %s, entry at 0x%" PRIx64 " (%s): %s", finding->iova,
			 level_name(format, finding->step.level), finding->step.entry_pa, word, finding->text);
	json_array_append_new(dump->findings,
			      json_pack("{s:o, s:s, s:o, s:s, s:s}", "iova", hex(finding->iova), "level",
					level_name(format, finding->step.level), "entry_pa",
					hex(finding->step.entry_pa), "entry", word, "text", finding->text));
	return true;
}

static int dump_runs(const struct options *options, const struct pt_table *table, struct image *image)
{
	struct dump dump = {table, options->output == OUTPUT_JSON, {0}, json_array(), 0};
	struct pt_reader visiting = {image, image_read, NULL, options->steps}, reader = visiting;
	enum pt_status visited, verified;
	uint64_t findings = 0;
	int code = EXIT_FINE;

	if (dump.json) {
		printf("{\n  \"format\": \"%s\",\n  \"root\": \"0x%" PRIx64 "\",\n", table->format->name,
		       pt_root(table));
		print_roots(table);
		printf("  \"runs\": [");
	} else {
		print_columns(table, "FIELDS");
	}
	progress_start(table, image, true);
	visited = visit_table(table, &visiting, dump.json ? print_run_json : print_run, &dump);
	progress_phase("verifying");
	verified = table->format->verify(table, &reader, take_finding, &dump, &findings);
	progress_end();
	if (dump.n_findings > MAX_FINDINGS)
		note("%" PRIu64 " more findings are not shown", dump.n_findings - MAX_FINDINGS);
	if (dump.n_findings)
		code = EXIT_FINDING;
	if (dump.json) {
		stream_end(&dump.runs);
		printf("],\n  \"findings\": ");
		json_dumpf(dump.findings, stdout, JSON_COMPACT);
		printf(",\n  \"complete\": %s\n}\n",
		       visited == PT_OK && verified == PT_OK && dump.n_findings == 0 ? "true" : "false");
	}
	json_decref(dump.findings);
	if (visited != PT_OK && (visited == PT_ERR_STEPS || dump.n_findings == 0)) {
		complain("the dump is not complete: %s", pt_status_string(visited));
		code = EXIT_FINDING;
	}
	if (verified == PT_ERR_STEPS) {
		complain("not everything was verified: %s", pt_status_string(verified));
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
		code = EXIT_FINDING;
	} else if (verified != PT_OK && dump.n_findings == 0) {
		complain("the table is not sound: %s", pt_status_string(verified));
		code = EXIT_FINDING;
	}
	return code;
}

int command_dump(const struct options *options)
{
	struct image image;
	struct pt_table table;
	int code = EXIT_USAGE;

	if (open_table(options, &image, &table)) {
		if (options->output == OUTPUT_DOT) {
			struct pt_reader reader = {&image, image_read, NULL, options->steps};

			progress_start(&table, &image, false);
			code = dump_dot(options, &table, &reader);
			progress_end();
		} else {
			code = dump_runs(options, &table, &image);
		}
	}
	return image_close(&image, code);
}

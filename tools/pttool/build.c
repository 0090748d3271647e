/* SPDX-License-Identifier: MIT */
/* build.c - `pttool build`: runs a script against an image of physical memory. All of it, or nothing. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* Says why a line was refused, and what would be right. */
static void refuse(const struct script *script, const struct action_line *line, const struct pt_table *table,
		   enum pt_status status, const struct pt_result *result)
{
	const struct pt_format *format = table->format;
	const char *text = pt_status_string(status);
	bool entry = false;

	switch (status) {
	case PT_ERR_EXISTS:
	case PT_ERR_ABSENT:
	case PT_ERR_CUTS:
	case PT_ERR_ENTRY:
	case PT_ERR_TABLE:
	case PT_ERR_MIXED: entry = result->level < format->n_levels; break;
	default: break;
	}
	if (entry) {
		char word[WORD_LENGTH];

		script_complain(script, line->line, line->column, line->length,
				"at 0x%" PRIx64 ": %s (level %s, entry %s)%s%s", result->iova, text,
				level_name(format, result->level),
				format_word(word, &format->levels[result->level], result->entry),
				result->why ? ": " : "", result->why ? result->why : "");
	} else {
		script_complain(script, line->line, line->column, line->length, "at 0x%" PRIx64 ": %s%s%s",
				result->iova, text, result->why ? ": " : "", result->why ? result->why : "");
	}
	switch (status) {
	case PT_ERR_RANGE:
		if (table->first <= table->last)
			note("this table serves 0x%" PRIx64 "-0x%" PRIx64, table->first, table->last);
		else
			note("this table serves 0x0-0x%" PRIx64 " and 0x%" PRIx64 "-0xffffffffffffffff", table->last,
			     table->first);
		break;
	case PT_ERR_ALIGN:
		note("the smallest page has 0x%" PRIx64 " bytes", table->page_sizes & (~table->page_sizes + 1));
		break;
	case PT_ERR_OUTPUT: note("the last physical address of this table is 0x%" PRIx64, table->output_last); break;
	case PT_ERR_EXISTS: note("unmap it first"); break;
	case PT_ERR_CUTS: note("name the whole leaf, or map it in smaller pieces"); break;
	case PT_ERR_MEMORY:
		note("there is no free memory for a table from --tables on, or none that an entry can reach");
		break;
	case PT_ERR_WIDER: note("ask for the wider rights, or allow them with --allow-wider"); break;
	default: break;
	}
	fprintf(stderr, "pttool: note: the image was left as it was\n");
}

static bool run(const struct script *script, struct pt_table *table, unsigned int flags)
{
	for (size_t i = 0; i < script->n; i++) {
		const struct action_line *line = &script->lines[i];
		struct pt_result result;
		struct pt_gather gather;
		enum pt_status status = PT_OK;

		memset(&result, 0, sizeof(result));
		result.request = line->request;
		result.iova = line->iova;
		result.level = UINT16_MAX;
		pt_gather_init(&gather);
		switch (line->action) {
		case ACTION_MAP:
			status = table->format->map(table, line->iova, line->pa, line->bytes, line->request | flags,
						    &gather, &result);
			break;
		case ACTION_UNMAP:
			status = table->format->unmap(table, line->iova, line->bytes, 0, &gather, &result);
			break;
		case ACTION_PROTECT:
			status = table->format->protect(table, line->iova, line->bytes, line->request | flags, &gather,
							&result);
			break;
		}
		pt_flush(table, &gather);
		if (status != PT_OK) {
			refuse(script, line, table, status, &result);
			return false;
		}
		if (line->action != ACTION_UNMAP &&
		    (result.request & PT_REQUEST_MASK) != (line->request & PT_REQUEST_MASK)) {
			char asked[RIGHTS_LENGTH], granted[RIGHTS_LENGTH];

			fprintf(stderr, "%s:%u:%u: note: granted %s instead of %s, as %s cannot express it exactly\n",
				script->name, line->line, line->column, format_request(granted, result.request),
				format_request(asked, line->request), table->format->name);
		}
	}
	return true;
}

json_t *registers_json(const struct pt_table *table)
{
	struct pt_register registers[64];
	size_t n = table->format->registers(table, registers, 64);
	json_t *object = json_object();

	for (size_t i = 0; i < n && i < 64; i++) {
		char text[2 + 16 * PT_REGISTER_WORDS + 1];
		size_t words = (registers[i].bits + 63) / 64;
		int at;

		if (words < 1 || words > PT_REGISTER_WORDS)
			words = 1;
		at = snprintf(text, sizeof(text), "0x%" PRIx64, registers[i].value[words - 1]);
		for (size_t k = words - 1; k-- > 0;)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%016" PRIx64, registers[i].value[k]);
		json_object_set_new(object, registers[i].name, json_string(text));
	}
	return object;
}

static bool print_result(const struct pt_table *table)
{
	json_t *object =
		json_pack("{s:s, s:o, s:o, s:{s:I, s:I}}", "format", table->format->name, "root",
			  json_sprintf("0x%" PRIx64, pt_root(table)), "registers", registers_json(table), "tables",
			  "count", (json_int_t)table->n_tables, "bytes", (json_int_t)table->table_bytes);
	bool fine;

	set_roots(object, table, 0);
	fine = object && json_dumpf(object, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF && fflush(stdout) == 0;
	json_decref(object);
	if (!fine)
		complain("cannot write the result to the standard output");
	return fine;
}

struct taker {
	struct memory *memory;
	const struct pt_table *table;
	uint64_t last[PT_MAX_STEPS]; /* table taken last at each step, so that most entries cost nothing */
	bool fine;
};

static bool take_tables(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct taker *taker = ctx;

	for (unsigned int i = 0; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		uint64_t pa, bytes;

		table_of_step(taker->table, walk, i, iova, &pa, &bytes);
		if (pa == taker->last[i])
			continue;
		if (!memory_take(taker->memory, pa, bytes)) {
			taker->fine = false;
			return false;
		}
		taker->last[i] = pa;
	}
	return true;
}

/* Takes over the table at the given root: finds its tables, copies them, and lets the format verify the copy. */
static int adopt(const struct options *options, struct memory *memory, struct image *image, struct pt_table *table)
{
	struct pt_reader reader = {image, image_read, NULL, options->steps};
	struct pt_table view;
	struct taker taker = {memory, &view, {0}, true};
	struct pt_result result = {0};
	enum pt_status status;

	if (!open_view(options, &view))
		return EXIT_USAGE;
	memset(taker.last, 0xff, sizeof(taker.last));
	if (!walk_everything(&view, &reader, take_tables, &taker)) {
		complain("the tables under root 0x%" PRIx64 " have more entries than --steps allows",
			 options->roots[0]);
		return EXIT_FINDING;
	}
	if (!taker.fine)
		return EXIT_FINDING;
	reader = (struct pt_reader){memory, memory_read, NULL, options->steps};
	result.level = UINT16_MAX;
	status = options->format->adopt(table, &options->config, &memory->mem, options->roots, options->n_roots,
					&reader, &result);
	if (status == PT_OK)
		return EXIT_FINE;
	complain("the table at 0x%" PRIx64 " cannot be continued: %s%s%s (input address 0x%" PRIx64 ", level %s)",
		 options->roots[0], pt_status_string(status), result.why ? ": " : "", result.why ? result.why : "",
		 result.iova, level_name(options->format, result.level));
	note("`pttool dump` with the same options shows what is wrong with it");
	return EXIT_FINDING;
}

static int build(const struct options *options, const struct script *script, struct image *image, struct memory *memory)
{
	struct pt_table table;
	struct pt_result result = {0};
	enum pt_status status;

	if (options->n_roots) {
		int code = adopt(options, memory, image, &table);

		if (code != EXIT_FINE)
			return code;
	} else {
		status = options->format->init(&table, &options->config, &memory->mem, &result);
		if (status == PT_ERR_MEMORY) {
			complain("there is no room for the root table from --tables 0x%" PRIx64 " on", options->tables);
			return EXIT_FINDING;
		}
		if (status != PT_OK) {
			complain_config(options->format, status, &result);
			return EXIT_USAGE;
		}
	}
	if (!run(script, &table, options->allow_wider ? (unsigned int)PT_ALLOW_WIDER : 0U))
		return EXIT_FINDING;
	if (options->emit) {
		int code = emit_tables(options, memory, &table);

		if (code != EXIT_FINE)
			return code;
	}
	/* The tables stay: F_fini would take them apart. */
	if ((options->n_ram && !memory_write(memory)) || !print_result(&table))
		return EXIT_USAGE;
	return EXIT_FINE;
}

int command_build(const struct options *options)
{
	struct script script;
	struct image image;
	struct memory memory = {0};
	int code;

	code = script_read(&script, options->arguments[0]);
	if (code != EXIT_FINE) {
		script_free(&script);
		return code;
	}
	code = EXIT_USAGE;
	if (image_open(&image, options->ram, options->n_ram, options->ram_base, options->ram_size, true) &&
	    memory_open(&memory, &image, options->tables))
		code = build(options, &script, &image, &memory);
	memory_close(&memory);
	code = image_close(&image, code);
	script_free(&script);
	return code;
}

/* SPDX-License-Identifier: MIT */
/* formats.c - `pttool formats`: what formats there are, and how each can be configured. */
#include "pttool.h"
#include "registry.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static void print_size(uint64_t bytes)
{
	static const char *const units[] = {"", "K", "M", "G", "T", "P"};
	unsigned int unit = 0;

	while (unit < 5 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	printf(" %" PRIu64 "%s", bytes, units[unit]);
}

static void print_format(const struct pt_format *format)
{
	printf("%s: %s\n", format->name, format->title);
	printf("  pages:");
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (format->page_sizes >> lg2 & 1)
			print_size((uint64_t)1 << lg2);
	putchar('\n');
	for (unsigned int i = 0; i < format->n_params; i++) {
		const struct pt_param_info *param = &format->params[i];

		printf("  %s", param->name);
		if (param->is_static && param->n_ranges) {
			printf(" = %" PRId64 " (fixed)", param->ranges[0].first);
		} else {
			printf(" in {");
			for (unsigned int k = 0; k < param->n_ranges; k++) {
				printf("%s%" PRId64, k ? ", " : "", param->ranges[k].first);
				if (param->ranges[k].last != param->ranges[k].first)
					printf("..%" PRId64, param->ranges[k].last);
			}
			printf("}, default %s", param->default_text);
		}
		if (param->doc[0])
			printf("  %s", param->doc);
		putchar('\n');
	}
}

static json_t *sizes_json(uint64_t sizes)
{
	json_t *array = json_array();

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (sizes >> lg2 & 1)
			json_array_append_new(array, hex((uint64_t)1 << lg2));
	return array;
}

static json_t *params_json(const struct pt_format *format)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < format->n_params; i++) {
		const struct pt_param_info *param = &format->params[i];
		json_t *set = json_array();

		for (unsigned int k = 0; k < param->n_ranges; k++)
			json_array_append_new(set, json_pack("[I, I]", (json_int_t)param->ranges[k].first,
							     (json_int_t)param->ranges[k].last));
		json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:b, s:o, s:s}", "name", param->name, "doc",
						       param->doc, "feature", param->feature, "fixed", param->is_static,
						       "set", set, "default", param->default_text));
	}
	return array;
}

static json_t *levels_json(const struct pt_format *format)
{
	static const char *const categories[] = {"absent", "fault", "null", "table", "leaf"};
	json_t *array = json_array();

	for (unsigned int i = 0; i < format->n_levels; i++) {
		const struct pt_level_info *level = &format->levels[i];
		json_t *kinds = json_array();

		for (unsigned int k = 0; k < format->n_kinds; k++) {
			const struct pt_kind_info *kind = &format->kinds[k];
			json_t *object;

			if (kind->level != i)
				continue;
			object = json_pack("{s:s, s:s, s:s}", "name", kind->name, "category",
					   kind->category < 5 ? categories[kind->category] : "?", "doc", kind->doc);
			if (kind->category == PT_KIND_LEAF)
				json_object_set_new(object, "size", hex((uint64_t)1 << (kind->lg2 & 63)));
			json_array_append_new(kinds, object);
		}
		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:s, s:[i, i], s:i, s:s, s:I, s:I, s:o}", "name",
						level->name, "number", level->number, "shape",
						level->shape < format->n_shapes ? format->shapes[level->shape] : "",
						"index", level->hi, level->lo, "entry_bytes", level->entry_bytes,
						"byte_order", level->big_endian ? "big" : "little", "table_bytes",
						(json_int_t)level->table_bytes, "table_align",
						(json_int_t)level->table_align, "kinds", kinds));
	}
	return array;
}

static json_t *format_json(const struct pt_format *format)
{
	json_t *faults = json_array();

	for (unsigned int i = 0; i < format->n_faults; i++)
		json_array_append_new(faults, json_string(format->faults[i]));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}}", "name", format->name,
			 "title", format->title, "spec", format->spec, "page_sizes", sizes_json(format->page_sizes),
			 "params", params_json(format), "levels", levels_json(format), "faults", faults, "has",
			 "accessed", format->has_accessed, "dirty", format->has_dirty, "exec", format->has_exec,
			 "privilege", format->has_priv, "memory_types", format->has_memory);
}

int command_formats(const struct options *options)
{
	json_t *array;
	int status;

	if (options->output != OUTPUT_JSON) {
		for (size_t i = 0; i < pt_n_formats; i++)
			if (!options->format || options->format == pt_formats[i])
				print_format(pt_formats[i]);
		return EXIT_FINE;
	}
	array = json_array();
	for (size_t i = 0; i < pt_n_formats; i++)
		if (!options->format || options->format == pt_formats[i])
			json_array_append_new(array, format_json(pt_formats[i]));
	status = json_dumpf(array, stdout, JSON_INDENT(2));
	json_decref(array);
	putchar('\n');
	return status == 0 ? EXIT_FINE : EXIT_USAGE;
}

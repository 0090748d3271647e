/* SPDX-License-Identifier: MIT */
/* diag_json.c - findings for programs: one JSON object a line, as docs/diagnostics.schema.json says. */
#include "diag.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Names of files may be any bytes; JSON is UTF-8. */
static json_t *text_json(struct context *context, const char *text)
{
	json_t *string = json_string(text);
	char *safe;

	if (string)
		return string;
	safe = arena_strndup(context->arena, text, strlen(text));
	for (char *c = safe; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(safe);
}

static json_t *place_json(struct context *context, struct span at)
{
	const struct source *source = &context->files.v[at.file];
	json_t *object = json_object();
	struct place from, to;

	find_place(source, at.offset, &from);
	find_place(source, at.offset + at.length, &to);
	json_object_set_new(object, "file", text_json(context, source->name));
	json_object_set_new(object, "line", json_integer(from.line));
	json_object_set_new(object, "column", json_integer(from.column));
	json_object_set_new(object, "end_line", json_integer(to.line));
	json_object_set_new(object, "end_column", json_integer(to.column));
	return object;
}

void diag_flush(struct context *context)
{
	char *line;

	if (!context->finding)
		return;
	line = json_dumps(context->finding, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fprintf(context->diagnostics, "%s\n", line ? line : "{}");
	free(line);
	json_decref(context->finding);
	context->finding = NULL;
}

void json_finding(struct context *context, const char *severity, const char *check, struct span at, const char *text)
{
	json_t *object, *chain;

	diag_flush(context);
	context->finding = object = json_object();
	json_object_set_new(object, "severity", json_string(severity));
	if (check)
		json_object_set_new(object, "check", json_string(check));
	json_object_set_new(object, "message", text_json(context, text));
	if (at.file < 0)
		return;
	json_object_set_new(object, "at", place_json(context, at));
	chain = json_array();
	for (struct span from = context->files.v[at.file].included; from.file >= 0;
	     from = context->files.v[from.file].included)
		json_array_append_new(chain, place_json(context, from));
	if (json_array_size(chain))
		json_object_set(object, "included_from", chain);
	json_decref(chain);
}

/* A note with a position is related; one without says what would be right. */
void json_note(struct context *context, struct span at, const char *text)
{
	const char *name = at.file < 0 ? "mend" : "related";
	json_t *list = json_object_get(context->finding, name), *note;

	if (!context->finding)
		return;
	if (!list) {
		list = json_array();
		json_object_set_new(context->finding, name, list);
	}
	if (at.file < 0) {
		json_array_append_new(list, text_json(context, text));
		return;
	}
	note = json_object();
	json_object_set_new(note, "message", text_json(context, text));
	json_object_set_new(note, "at", place_json(context, at));
	json_array_append_new(list, note);
}

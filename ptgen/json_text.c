/* SPDX-License-Identifier: MIT */
/*
 * json_text.c - print JSON. A description of a format has thousands of bit lines: each on a line of its own is a table,
 * each over ten lines is none.
 */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

enum { MARGIN = 120, FLAGS = JSON_ENCODE_ANY };

static bool print(FILE *out, json_t *value, int depth, size_t before);

static bool print_object(FILE *out, json_t *object, int depth)
{
	const char *key;
	json_t *member;
	int n = 0;

	fputs("{", out);
	json_object_foreach(object, key, member)
	{
		json_t *name = json_string(key);
		char *text = name ? json_dumps(name, FLAGS) : NULL;
		bool good;

		json_decref(name);
		if (!text)
			return false;
		fprintf(out, "%s\n%*s%s: ", n++ ? "," : "", depth + 1, "", text);
		good = print(out, member, depth + 1, strlen(text) + 2);
		free(text);
		if (!good)
			return false;
	}
	fprintf(out, "\n%*s}", depth, "");
	return true;
}

static bool print_array(FILE *out, json_t *array, int depth)
{
	size_t i;

	fputs("[", out);
	for (i = 0; i < json_array_size(array); i++) {
		fprintf(out, "%s\n%*s", i ? "," : "", depth + 1, "");
		if (!print(out, json_array_get(array, i), depth + 1, 0))
			return false;
	}
	fprintf(out, "\n%*s]", depth, "");
	return true;
}

/* before: what stands on the line already, beside the indentation. Depth is that of the emitter's own structure. */
static bool print(FILE *out, json_t *value, int depth, size_t before)
{
	char *text = json_dumps(value, FLAGS);
	bool fits;

	if (!text)
		return false;
	fits = (size_t)depth + before + strlen(text) < MARGIN || (!json_is_object(value) && !json_is_array(value)) ||
	       json_object_size(value) + json_array_size(value) == 0;
	if (fits)
		fputs(text, out);
	free(text);
	if (fits)
		return true;
	return json_is_object(value) ? print_object(out, value, depth) : print_array(out, value, depth);
}

bool json_print(FILE *out, json_t *value)
{
	if (!print(out, value, 0, 0))
		return false;
	fputc('\n', out);
	return true;
}

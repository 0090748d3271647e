/* SPDX-License-Identifier: MIT */
/*
 * verification.c - the table of what was walked by whom.
 *
 *	verification collect RECORDS FORMAT... >FILE.json    from the lines that tests/oracle wrote (see
 *	                                                     tests/oracle/record.c); all formats must be there
 *	verification render FILE.json >FILE.md
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE, FORMAT, CONFIGURATION, ORACLE, CHECK, CASES, GAPS, NOT_MODELLED, N_FIELDS };

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "verification: %s: %s\n", what, why);
	exit(1);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int by_row(const void *a, const void *b)
{
	const json_t *const *left = a, *const *right = b;
	static const char *const keys[] = {"format", "configuration", "oracle"};
	int order = 0;

	for (size_t i = 0; i < 3 && order == 0; i++)
		order = strcmp(text(*left, keys[i]), text(*right, keys[i]));
	return order;
}

/* The row of a format, a configuration and an oracle; made if there is none yet. */
static json_t *row_of(json_t *rows, char *const field[N_FIELDS])
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(text(row, "format"), field[FORMAT]) == 0 &&
		    strcmp(text(row, "configuration"), field[CONFIGURATION]) == 0 &&
		    strcmp(text(row, "oracle"), field[ORACLE]) == 0)
			return row;
	}
	row = json_pack("{s:s, s:s, s:s, s:s, s:{}}", "format", field[FORMAT], "configuration", field[CONFIGURATION],
			"oracle", field[ORACLE], "not modelled", field[NOT_MODELLED], "checks");
	json_array_append_new(rows, row);
	return row;
}

static void add_line(json_t *rows, char *line, const char *path)
{
	char *field[N_FIELDS];
	json_t *checks;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < N_FIELDS; i++) {
		field[i] = line;
		line = strchr(line, '\t');
		if (line)
			*line++ = '\0';
		else if (i + 1 < N_FIELDS)
			fail(path, "a line has too few fields");
	}
	checks = json_object_get(row_of(rows, field), "checks");
	if (strcmp(field[STATE], "none") == 0)
		return;
	/* What began and did not end has failed. */
	if (strcmp(field[STATE], "begun") == 0 && json_object_get(checks, field[CHECK]))
		return;
	json_object_set_new(checks, field[CHECK],
			    json_pack("{s:s, s:I, s:s}", "result",
				      strcmp(field[STATE], "begun") == 0 ? "failed" : field[STATE], "cases",
				      (json_int_t)strtoll(field[CASES], NULL, 10), "gaps", field[GAPS]));
}

/* A format is walked by something, or there is a reason why by nothing; not both. */
static void need_format(const json_t *rows, const char *format, const char *path)
{
	size_t i, walked = 0, unwalked = 0;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(text(row, "format"), format) == 0 && *text(row, "oracle"))
			walked++;
		else if (strcmp(text(row, "format"), format) == 0)
			unwalked++;
	}
	if (walked && unwalked)
		fail(format, "an oracle walks it, and tests/oracle/test_unwalked.c says that none does");
	if (!walked && !unwalked) {
		fprintf(stderr,
			"verification: %s: no oracle walks %s; add a configuration, or the reason to "
			"tests/oracle/test_unwalked.c\n",
			path, format);
		exit(1);
	}
}

static int collect(const char *path, char *const *formats)
{
	FILE *file = fopen(path, "r");
	json_t *rows = json_array(), *sorted = json_array(), **list;
	char line[4096];
	size_t n;

	if (!file)
		fail(path, "cannot be opened");
	while (fgets(line, sizeof(line), file))
		add_line(rows, line, path);
	fclose(file);
	for (; *formats; formats++)
		need_format(rows, *formats, path);
	n = json_array_size(rows);
	list = calloc(n + 1, sizeof(json_t *));
	if (!list)
		fail(path, "no memory");
	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(rows, i);
	qsort(list, n, sizeof(*list), by_row);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, list[i]);
	free(list);
	json_dumpf(sorted, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(sorted);
	json_decref(rows);
	return 0;
}

static void render_row(const json_t *row)
{
	json_t *check, *checks = json_object_get(row, "checks");
	json_int_t cases = 0;
	bool passed = true;
	const char *name;

	if (!*text(row, "oracle")) {
		printf("| `%s` | all | none | N/A | 0 | not walked | %s |\n", text(row, "format"),
		       text(row, "not modelled"));
		return;
	}
	printf("| `%s` | %s | %s | ", text(row, "format"),
	       *text(row, "configuration") ? text(row, "configuration") : "default", text(row, "oracle"));
	json_object_foreach(checks, name, check)
	{
		printf("%s%s", cases ? ", " : "", name);
		cases += json_integer_value(json_object_get(check, "cases"));
		passed &= strcmp(text(check, "result"), "passed") == 0;
	}
	printf(" | %" JSON_INTEGER_FORMAT " | %s", cases, passed ? "passed" : "");
	json_object_foreach(checks, name, check)
	{
		if (strcmp(text(check, "result"), "passed") != 0)
			printf("**%s: %s** ", name, text(check, "result"));
	}
	printf(" | ");
	json_object_foreach(checks, name, check)
	{
		if (*text(check, "gaps"))
			printf("%s: %s<br>", name, text(check, "gaps"));
	}
	printf("%s |\n", text(row, "not modelled"));
}

static int render(const char *path)
{
	json_error_t error;
	json_t *rows = json_load_file(path, 0, &error), *row;
	size_t i;

	if (!rows)
		fail(path, error.text);
	printf("# What was walked by whom\n\n"
	       "Written by `make check-oracle` from `build/verification.json`; nothing here is typed by hand. Tables "
	       "that the\n"
	       "generated mappers wrote were walked by the CPUs and IOMMUs that QEMU emulates and by libaddrxlat, and "
	       "each\n"
	       "outcome was compared with what `F_translate` predicts; where a second stage lies below (\"over\"), what\n"
	       "`pt_nested_translate` predicts. A case is one access, or one word or state looked at.\n"
	       "[CONTRIBUTING](../CONTRIBUTING.md#oracles) says how to add an oracle.\n\n"
	       "- **translation**: where addresses lead: ends and insides of every leaf size and group, holes, ends of "
	       "the range\n"
	       "- **permissions**: every generic request against every access that the model can make\n"
	       "- **accessed**: accessed (and dirty) set by the model, harvested, cleared, set again\n"
	       "- **changes**: map, unmap, protect, split, merge, replace, with exactly the invalidations of the "
	       "gather\n"
	       "- **stale**: the same with the invalidations dropped must go wrong\n"
	       "- **growth**: the root grows; old translations stay\n"
	       "- **second**: changes of the second stage below a first one, holes under its tables among them\n"
	       "- **hostile**: mutated and random words\n\n"
	       "The last column has what the model is known not to do; with a number: accesses that only this "
	       "explains.\n\n"
	       "| format | configuration | oracle | checked | cases | result | not modelled |\n"
	       "| --- | --- | --- | --- | --- | --- | --- |\n");
	json_array_foreach(rows, i, row)
	{
		render_row(row);
	}
	json_decref(rows);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "collect") == 0)
		return collect(argv[2], argv + 3);
	if (argc == 3 && strcmp(argv[1], "render") == 0)
		return render(argv[2]);
	fprintf(stderr, "usage: verification collect RECORDS FORMAT... | render FILE.json\n");
	return 2;
}

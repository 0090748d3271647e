/* SPDX-License-Identifier: MIT */
/* main.c - vcmrun: runs a scenario of the VCM runtime that a JSON file describes. */
#include "vcmrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *out)
{
	fprintf(out, "usage: vcmrun [OPTION]... FILE\n"
		     "Run a scenario of the VCM runtime, check it after every step, and print what each step did.\n"
		     "\n"
		     "options:\n"
		     "  --dot FILE   draw what there is at the end, for Graphviz\n"
		     "  --json FILE  the same as JSON\n"
		     "  --quiet      print errors only\n"
		     "  --help       print this\n"
		     "\n"
		     "The file is one JSON object: \"system\" (ram, pools, types, tables, file; absent: the platform "
		     "of 2010),\n"
		     "\"devices\" (name, kind, format, set, bus_offset, allow_wider, bypass, reserved, iotlb, count) "
		     "and \"steps\". Numbers\n"
		     "may be strings such as \"0x1000\" or \"16M\". Every step has \"do\", and may have \"expect\": "
		     "the error with\n"
		     "which it must be refused, and \"note\". A device whose name ends with \"*\" stands for all that "
		     "begin so.\n"
		     "\n"
		     "steps:\n");
	fflush(out);
	if (out == stdout)
		print_steps();
	fprintf(out,
		"\nexit status: 0 all went as it should; 1 a step did not; 2 wrong use, or the file cannot be read\n");
}

static bool load(struct scenario *scenario)
{
	FILE *file = strcmp(scenario->path, "-") == 0 ? stdin : fopen(scenario->path, "rb");
	size_t capacity = 0, got = 1;
	bool fine = true;

	if (!file) {
		fprintf(stderr, "vcmrun: error: %s: %s\n", scenario->path, strerror(errno));
		return false;
	}
	while (fine && got) {
		if (scenario->length + 1 >= capacity) {
			char *more = capacity > (size_t)256 << 20
					     ? NULL
					     : realloc(scenario->text, capacity = 2 * capacity + 4096);

			if (!more) {
				fprintf(stderr, "vcmrun: error: %s: larger than a scenario can be\n", scenario->path);
				fine = false;
				break;
			}
			scenario->text = more;
		}
		got = fread(scenario->text + scenario->length, 1, capacity - scenario->length - 1, file);
		scenario->length += got;
	}
	if (fine && ferror(file)) {
		fprintf(stderr, "vcmrun: error: %s: %s\n", scenario->path, strerror(errno));
		fine = false;
	}
	if (file != stdin)
		fclose(file);
	if (fine)
		scenario->text[scenario->length] = '\0';
	return fine;
}

static bool parse(struct scenario *scenario)
{
	const struct place place = {scenario, NULL, 0};
	static const char *const keys[] = {"title", "system", "devices", "steps", NULL};
	json_error_t error;

	scenario->root = json_loadb(scenario->text, scenario->length, JSON_REJECT_DUPLICATES, &error);
	if (!scenario->root) {
		fprintf(stderr, "%s:%d:%d: error: %s\n", scenario->path, error.line,
			error.column < 1 ? 1 : error.column, error.text);
		return false;
	}
	if (!json_is_object(scenario->root))
		return complain_at(&place, NULL, "a scenario is an object");
	if (!only_members(&place, scenario->root, keys))
		return false;
	if (!json_is_array(json_object_get(scenario->root, "steps")))
		return complain_at(&place, "steps", "\"steps\" is missing: a list of objects");
	return true;
}

static int dump(const struct scenario *scenario, const char *path, int (*fn)(struct vc_system *system, FILE *stream))
{
	FILE *file = path ? fopen(path, "w") : NULL;
	bool fine = !path || (file && !fn(scenario->system, file));

	if (file)
		fine = fclose(file) == 0 && fine;
	if (!fine)
		fprintf(stderr, "vcmrun: error: %s: %s\n", path, strerror(errno));
	return fine ? EXIT_FINE : EXIT_USAGE;
}

static int run(struct scenario *scenario, const char *dot, const char *json)
{
	struct names names = {0};
	int code = EXIT_USAGE;

	if (load(scenario) && parse(scenario) && setup_system(scenario) && setup_devices(scenario, &names)) {
		code = run_steps(scenario, &names);
		if (dump(scenario, dot, vc_dump_dot) || dump(scenario, json, vc_dump_json))
			code = EXIT_USAGE;
	}
	/* What the steps left stands until the process ends. */
	names_free(&names);
	json_decref(scenario->root);
	free(scenario->text);
	return code;
}

int main(int argc, char **argv)
{
	struct scenario scenario = {0};
	const char *dot = NULL, *json = NULL;
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			return EXIT_FINE;
		}
		if (strcmp(argv[i], "--quiet") == 0) {
			scenario.quiet = true;
		} else if ((strcmp(argv[i], "--dot") == 0 || strcmp(argv[i], "--json") == 0) && i + 1 < argc) {
			*(argv[i][2] == 'd' ? &dot : &json) = argv[i + 1];
			i++;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			fprintf(stderr, "vcmrun: error: %s '%s'\nvcmrun: note: `vcmrun --help` lists all\n",
				strcmp(argv[i], "--dot") == 0 || strcmp(argv[i], "--json") == 0
					? "a FILE is missing behind"
					: "unknown option",
				argv[i]);
			return EXIT_USAGE;
		} else if (scenario.path) {
			fprintf(stderr, "vcmrun: error: there is more than one FILE\n");
			return EXIT_USAGE;
		} else {
			scenario.path = argv[i];
		}
	}
	if (!scenario.path) {
		usage(stderr);
		return EXIT_USAGE;
	}
	code = run(&scenario, dot, json);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "vcmrun: error: cannot write to the standard output\n");
		code = EXIT_USAGE;
	}
	return code;
}

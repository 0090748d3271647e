/* SPDX-License-Identifier: MIT */
/* main.c - vcmrun: runs a scenario of the VCM runtime that a JSON file describes. */
#include "vcmrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *out)
{
	fprintf(out,
		"usage: vcmrun [OPTION]... FILE\n"
		"Run a scenario of the VCM runtime, check it after every step, and print what each step did.\n"
		"\n"
		"options:\n"
		"  --dot FILE   draw what there is at the end, for Graphviz\n"
		"  --focus NAME draw only what this device uses, and what that lies on\n"
		"  --json FILE  the same as JSON\n"
		"  --trace FILE write down every call of the runtime, a line each\n"
		"  --replay     FILE is such a trace: do it again, and say where something else comes out\n"
		"  --quiet      print errors only\n"
		"  --help       print this\n"
		"\n"
		"The file is one JSON object: \"system\" (ram, pools, types, tables, file; absent: the platform of\n"
		"2010), \"devices\" (name, kind, format, set, stage2, set2, bus_offset, allow_wider, bypass,\n"
		"reserved, iotlb, count) and \"steps\". Numbers may be strings such as \"0x1000\" or \"16M\". Every\n"
		"step has \"do\", and may have \"expect\": the error with which it must be refused, and \"note\". A\n"
		"device whose name ends with \"*\" stands for all that begin so.\n"
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

/* What is asked for on the command line. */
struct options {
	const char *dot, *json, *trace, *focus;
	bool replay;
};

static int close_dump(FILE *file, const char *path, int error)
{
	bool fine = file && !error;

	if (file)
		fine = fclose(file) == 0 && fine;
	if (!fine)
		fprintf(stderr, "vcmrun: error: %s: %s\n", path, error ? vc_last_error()->reason : strerror(errno));
	return fine ? EXIT_FINE : EXIT_USAGE;
}

static int dumps(const struct scenario *scenario, const struct options *options)
{
	struct vc_dump_args args = {.device = NULL};
	int code = EXIT_FINE;
	FILE *file;

	if (options->focus && vc_device_find(scenario->system, options->focus, &args.device)) {
		fprintf(stderr, "vcmrun: error: --focus: there is no device '%s'\n", options->focus);
		return EXIT_USAGE;
	}
	if (options->dot) {
		file = fopen(options->dot, "w");
		code = close_dump(file, options->dot, file ? vc_dump_dot_of(scenario->system, &args, file) : 0);
	}
	if (options->json && code == EXIT_FINE) {
		file = fopen(options->json, "w");
		code = close_dump(file, options->json, file ? vc_dump_json(scenario->system, file) : 0);
	}
	return code;
}

static int run(struct scenario *scenario, const struct options *options)
{
	FILE *trace = options->trace ? fopen(options->trace, "w") : NULL;
	struct names names = {0};
	int code = EXIT_USAGE;

	if (options->trace && !trace) {
		fprintf(stderr, "vcmrun: error: %s: %s\n", options->trace, strerror(errno));
		return EXIT_USAGE;
	}
	vc_trace(trace);
	if (load(scenario)) {
		if (options->replay)
			code = run_replay(scenario);
		else if (parse(scenario) && setup_system(scenario) && setup_devices(scenario, &names))
			code = run_steps(scenario, &names);
		if (code != EXIT_USAGE && scenario->system && dumps(scenario, options))
			code = EXIT_USAGE;
	}
	if (trace && (vc_trace(NULL) | fclose(trace))) {
		fprintf(stderr, "vcmrun: error: %s: not all of the calls could be written\n", options->trace);
		code = EXIT_USAGE;
	}
	/* What the steps left stands until the process ends. */
	names_free(&names);
	json_decref(scenario->root);
	free(scenario->text);
	return code;
}

/* An option with a FILE or a NAME behind it: where it goes; NULL: it is none. */
static const char **valued(const char *option, struct options *options)
{
	if (strcmp(option, "--dot") == 0)
		return &options->dot;
	if (strcmp(option, "--json") == 0)
		return &options->json;
	if (strcmp(option, "--trace") == 0)
		return &options->trace;
	return strcmp(option, "--focus") == 0 ? &options->focus : NULL;
}

int main(int argc, char **argv)
{
	struct scenario scenario = {0};
	struct options options = {NULL, NULL, NULL, NULL, false};
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			return EXIT_FINE;
		}
		if (strcmp(argv[i], "--quiet") == 0) {
			scenario.quiet = true;
		} else if (strcmp(argv[i], "--replay") == 0) {
			options.replay = true;
		} else if (valued(argv[i], &options) && i + 1 < argc) {
			*valued(argv[i], &options) = argv[i + 1];
			i++;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			fprintf(stderr, "vcmrun: error: %s '%s'\nvcmrun: note: `vcmrun --help` lists all\n",
				valued(argv[i], &options) ? "something is missing behind" : "unknown option", argv[i]);
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
	code = run(&scenario, &options);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "vcmrun: error: cannot write to the standard output\n");
		code = EXIT_USAGE;
	}
	return code;
}

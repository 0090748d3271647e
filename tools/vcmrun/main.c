/* SPDX-License-Identifier: MIT */
/* main.c - vcmrun: runs a scenario of the VCM runtime that a JSON file describes. */
#include "vcmrun.h"

#include "common/output.h"
#include "common/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OPTION(identifier, spelling, name of the argument or NULL, help) */
#define OPTIONS                                                                                                       \
	OPTION(DOT, "--dot", "FILE", "draw what there is at the end, for Graphviz")                                   \
	OPTION(FOCUS, "--focus", "NAME", "draw only what this device uses, and what that lies on")                    \
	OPTION(JSON, "--json", "FILE", "the same as JSON")                                                            \
	OPTION(TRACE, "--trace", "FILE", "write down every call of the runtime, a line each")                         \
	OPTION(REPLAY, "--replay", NULL, "FILE is such a trace: do it again, and say where something else comes out") \
	OPTION(QUIET, "--quiet", NULL, "print errors only")                                                           \
	OPTION(HELP, "--help", NULL, "print this")                                                                    \
	OPTION(VERSION, "--version", NULL, "print the version")

enum option {
#define OPTION(id, spelling, argument, help) O_##id,
	OPTIONS
#undef OPTION
		N_OPTIONS
};

static const struct {
	const char *spelling, *argument, *help;
} table[N_OPTIONS] = {
#define OPTION(id, spelling, argument, help) {spelling, argument, help},
	OPTIONS
#undef OPTION
};

static void usage(FILE *out)
{
	fprintf(out, "usage: vcmrun [OPTION]... FILE\n"
		     "Run a scenario of the VCM runtime, check it after every step, and print what each step did.\n"
		     "\n"
		     "options:\n");
	for (unsigned int i = 0; i < N_OPTIONS; i++)
		fprintf(out, "  %s %-*s %s\n", table[i].spelling, (int)(12 - strlen(table[i].spelling)),
			table[i].argument ? table[i].argument : "", table[i].help);
	fprintf(out,
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

/* What is asked for on the command line: the argument of each option, "" of one that takes none, NULL: not given. */
struct options {
	const char *given[N_OPTIONS];
};

/* One of the files that show what there is at the end. Returns an exit status. */
static int dump(const struct scenario *scenario, const char *path, const struct vc_dump_args *args, bool json)
{
	struct output output;
	int error = 0;

	if (output_open(&output, path)) {
		error = json ? vc_dump_json(scenario->system, output.stream)
			     : vc_dump_dot_of(scenario->system, args, output.stream);
		if (output_close(&output, !error) && !error)
			return EXIT_FINE;
	}
	fprintf(stderr, "vcmrun: error: %s: %s\n", path, error ? vc_last_error()->reason : strerror(errno));
	return EXIT_USAGE;
}

static int dumps(const struct scenario *scenario, const struct options *options)
{
	struct vc_dump_args args = {.device = NULL};
	const char *focus = options->given[O_FOCUS], *dot = options->given[O_DOT], *json = options->given[O_JSON];
	int code = EXIT_FINE;

	if (focus && vc_device_find(scenario->system, focus, &args.device)) {
		fprintf(stderr, "vcmrun: error: --focus: there is no device '%s'\n", focus);
		return EXIT_USAGE;
	}
	if (dot)
		code = dump(scenario, dot, &args, false);
	if (json && code == EXIT_FINE)
		code = dump(scenario, json, &args, true);
	return code;
}

static int run(struct scenario *scenario, const struct options *options)
{
	FILE *trace = options->given[O_TRACE] ? fopen(options->given[O_TRACE], "w") : NULL;
	struct names names = {0};
	int code = EXIT_USAGE;

	if (options->given[O_TRACE] && !trace) {
		fprintf(stderr, "vcmrun: error: %s: %s\n", options->given[O_TRACE], strerror(errno));
		return EXIT_USAGE;
	}
	vc_trace(trace);
	if (load(scenario)) {
		if (options->given[O_REPLAY])
			code = run_replay(scenario);
		else if (parse(scenario) && setup_system(scenario) && setup_devices(scenario, &names))
			code = run_steps(scenario, &names);
		if (code != EXIT_USAGE && scenario->system && dumps(scenario, options))
			code = EXIT_USAGE;
	}
	if (trace && (vc_trace(NULL) | fclose(trace))) {
		fprintf(stderr, "vcmrun: error: %s: not all of the calls could be written\n", options->given[O_TRACE]);
		code = EXIT_USAGE;
	}
	/* What the steps left stands until the process ends. */
	names_free(&names);
	json_decref(scenario->root);
	free(scenario->text);
	return code;
}

static const char *get_option(const void *ctx, size_t i)
{
	(void)ctx;
	return table[i].spelling;
}

/* The option at argv[*at], which moves on to its argument. Returns N_OPTIONS after a message. */
static enum option take_option(struct options *options, int argc, char **argv, int *at)
{
	const char *text = argv[*at], *equal = strchr(text, '='), *value = "", *near;
	size_t length = equal ? (size_t)(equal - text) : strlen(text);
	unsigned int i = 0;

	while (i < N_OPTIONS && (strlen(table[i].spelling) != length || strncmp(table[i].spelling, text, length) != 0))
		i++;
	if (i == N_OPTIONS) {
		near = near_name(text, N_OPTIONS, get_option, NULL);
		fprintf(stderr, "vcmrun: error: unknown option '%s'\n", text);
		if (near)
			fprintf(stderr, "vcmrun: note: did you mean '%s'?\n", near);
		fprintf(stderr, "vcmrun: note: `vcmrun --help` lists all\n");
		return N_OPTIONS;
	}
	if (!table[i].argument && equal) {
		fprintf(stderr, "vcmrun: error: %s takes no value\n", table[i].spelling);
		return N_OPTIONS;
	}
	if (table[i].argument && equal) {
		value = equal + 1;
	} else if (table[i].argument && *at + 1 < argc) {
		value = argv[++*at];
	} else if (table[i].argument) {
		fprintf(stderr, "vcmrun: error: %s needs %s\n", table[i].spelling, table[i].argument);
		return N_OPTIONS;
	}
	if (table[i].argument && options->given[i]) {
		fprintf(stderr, "vcmrun: error: %s is given twice\n", table[i].spelling);
		return N_OPTIONS;
	}
	options->given[i] = value;
	return (enum option)i;
}

int main(int argc, char **argv)
{
	struct scenario scenario = {0};
	struct options options = {{NULL}};
	bool ended = false;
	int code;

	for (int i = 1; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
		} else if (!ended && argv[i][0] == '-' && argv[i][1]) {
			if (take_option(&options, argc, argv, &i) == N_OPTIONS)
				return EXIT_USAGE;
		} else if (scenario.path) {
			fprintf(stderr, "vcmrun: error: there is more than one FILE\n");
			return EXIT_USAGE;
		} else {
			scenario.path = argv[i];
		}
	}
	if (options.given[O_HELP]) {
		usage(stdout);
		code = EXIT_FINE;
	} else if (options.given[O_VERSION]) {
		printf("vcmrun %s\n", tools_version);
		code = EXIT_FINE;
	} else if (!scenario.path) {
		usage(stderr);
		return EXIT_USAGE;
	} else {
		scenario.quiet = options.given[O_QUIET] != NULL;
		code = run(&scenario, &options);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "vcmrun: error: cannot write to the standard output\n");
		code = EXIT_USAGE;
	}
	return code;
}

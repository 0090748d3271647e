/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line. One table says what options there are; --help, the complaints and the parsing itself
 * read it.
 */
#include "stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* OPTION(identifier, spelling, name of the argument or NULL, help) */
#define OPTIONS                                                                                                      \
	OPTION(OUTPUT, "-o", "DIR", "write outputs to DIR, which must exist (default: the current directory)")       \
	OPTION(INCLUDE, "-I", "DIR", "look for included files in DIR too; may be given several times")               \
	OPTION(EMIT, "--emit", "LIST", "what to write, of c,json,dot,registry,md,svg,selftest (default: c)")         \
	OPTION(CHECK, "--check", NULL, "check the formats and write nothing")                                        \
	OPTION(DUMP, "--dump", "STAGE", "print the formats as they are after a stage, ast or model")                 \
	OPTION(FORMAT, "--format", "NAME", "of the formats, only this one")                                          \
	OPTION(SET, "--set", "NAME=VALUE", "bind a parameter or feature; may be given several times")                \
	OPTION(PREFIX, "--prefix", "NAME", "use NAME in the output in place of the format's name (one format)")      \
	OPTION(MD, "-MD", NULL, "write a make rule with the files that the outputs depend on")                       \
	OPTION(MF, "-MF", "FILE", "write the rule to FILE (default: DIR/INPUT.d)")                                   \
	OPTION(MT, "-MT", "TARGET", "the target of the rule (default: all outputs)")                                 \
	OPTION(MP, "-MP", NULL, "add a rule without commands for every included file")                               \
	OPTION(WARNING, "-W", "NAME", "report what check NAME finds; -Wno-NAME: do not; -Wall: all but always-fail") \
	OPTION(WERROR, "-Werror", NULL,                                                                              \
	       "treat warnings as errors; -Werror=NAME: those of one check; -Wno-error=NAME: not those")             \
	OPTION(LIST_CHECKS, "--list-checks", NULL, "list the checks with their default severity")                    \
	OPTION(EXPLAIN, "--explain", "NAME", "say what a check is about")                                            \
	OPTION(DIAGNOSTICS, "--diagnostics", "FORM", "messages as text (default) or json, one object a line")        \
	OPTION(COLOR, "--color", "WHEN", "colour in messages: auto, always or never (NO_COLOR is honoured)")         \
	OPTION(HELP, "--help", NULL, "print this")                                                                   \
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

static const struct {
	const char *name;
	enum severity severity;
	const char *what, *why, *example, *mend;
} checks[N_CHECKS] = {
#define CHECK(id, name, severity, what, why, example, mend) {name, severity, what, why, example, mend},
#include "checks.def"
#undef CHECK
};

void options_defaults(struct context *context)
{
	int i;

	for (i = 0; i < N_CHECKS; i++)
		context->severity[i] = checks[i].severity;
	context->diagnostics = stderr;
	context->options.output = ".";
}

/* ---------------------------------------------------------------------------------------------------------- answers */

static void print_help(void)
{
	int i;

	puts("usage: ptgen [OPTION]... FILE...\n"
	     "Turn descriptions of page table formats into C.\n");
	for (i = 0; i < N_OPTIONS; i++) {
		bool is_long = table[i].spelling[1] == '-', joined = i == O_WARNING;
		const char *argument = table[i].argument ? table[i].argument : "";
		int width = printf("  %s%s%s", table[i].spelling,
				   !*argument || joined ? ""
				   : is_long		? "="
							: " ",
				   argument);

		printf("%*s%s\n", width < 24 ? 24 - width : 1, "", table[i].help);
	}
	puts("\nExit status: 0 clean, 1 errors in the input, 2 errors of usage, reading or writing.");
}

static const char *severity_name(enum severity severity)
{
	return severity == SEVERITY_ERROR ? "error" : severity == SEVERITY_WARNING ? "warning" : "off";
}

static void list_checks(void)
{
	int i, width = 0;

	for (i = 0; i < N_CHECKS; i++)
		if ((int)strlen(checks[i].name) > width)
			width = (int)strlen(checks[i].name);
	for (i = 0; i < N_CHECKS; i++)
		printf("%-*s  %-7s  %s\n", width, checks[i].name, severity_name(checks[i].severity), checks[i].what);
}

/* Text in lines of up to 76 columns. */
static void print_text(const char *text)
{
	int column = 4;

	printf("   ");
	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column + length > 80) {
			printf("\n   ");
			column = 4;
		}
		printf(" %.*s", length, text);
		column += length + 1;
		text += length;
		text += *text == ' ';
	}
	putchar('\n');
}

static void explain(int i)
{
	printf("%s (%s by default)\n\n", checks[i].name, severity_name(checks[i].severity));
	print_text(checks[i].what);
	puts("\nWhy");
	print_text(checks[i].why);
	puts("\nFound");
	print_text(checks[i].example);
	puts("\nMended");
	print_text(checks[i].mend);
}

/* --------------------------------------------------------------------------------------------------------- settings */

static int find_check(struct context *context, const char *option, const char *name)
{
	const char *names[N_CHECKS], *near;
	int i;

	for (i = 0; i < N_CHECKS; i++) {
		if (!strcmp(checks[i].name, name))
			return i;
		names[i] = checks[i].name;
	}
	near = near_name(name, names, N_CHECKS);
	if (near)
		diag_usage(context, "%s%s: there is no check '%s'; did you mean '%s'?", option, name, name, near);
	else
		diag_usage(context, "%s%s: there is no check '%s' (--list-checks lists them)", option, name, name);
	return -1;
}

/* What the check finds stays a warning under -Werror. */
static void keep_warning(struct context *context, int check)
{
	context->options.stay_warning[check] = true;
	if (context->severity[check] == SEVERITY_ERROR)
		context->severity[check] = SEVERITY_WARNING;
}

static void set_warning(struct context *context, const char *name)
{
	int i;

	if (!strcmp(name, "error")) {
		context->options.werror = true;
	} else if (!strncmp(name, "error=", 6)) {
		i = find_check(context, "-Werror=", name + 6);
		if (i >= 0) {
			context->severity[i] = SEVERITY_ERROR;
			context->options.stay_warning[i] = false;
		}
	} else if (!strncmp(name, "no-error=", 9)) {
		i = find_check(context, "-Wno-error=", name + 9);
		if (i >= 0 && checks[i].severity == SEVERITY_ERROR)
			diag_usage(context, "-W%s: what this check finds is an error, and stays one", name);
		else if (i >= 0)
			keep_warning(context, i);
	} else if (!strncmp(name, "no-", 3)) {
		i = find_check(context, "-Wno-", name + 3);
		if (i >= 0 && checks[i].severity == SEVERITY_ERROR)
			diag_usage(context, "-Wno-%s: what this check finds is an error, which cannot be switched off",
				   name + 3);
		else if (i >= 0)
			context->severity[i] = SEVERITY_IGNORED;
	} else if (!strcmp(name, "all")) {
		/* always-fail is there to test the machinery: who means it names it. */
		for (i = 0; i < N_CHECKS; i++)
			if (context->severity[i] == SEVERITY_IGNORED && i != CHECK_ALWAYS_FAIL)
				context->severity[i] = SEVERITY_WARNING;
	} else {
		i = find_check(context, "-W", name);
		if (i >= 0 && context->severity[i] == SEVERITY_IGNORED)
			context->severity[i] = SEVERITY_WARNING;
	}
}

static bool is_name(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!(text[i] == '_' || (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
		      (i > 0 && text[i] >= '0' && text[i] <= '9')))
			return false;
	return length > 0 && length < 64;
}

/* Numbers as in format files: decimal with K, M, G or T, 0x, 0b; negative ones too. */
static bool read_number(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	const char *suffixes = "KMGT", *suffix;
	unsigned long long number;
	char *end;
	int base = 10, shift;

	text += negative;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'b')) {
		base = text[1] == 'x' ? 16 : 2;
		text += 2;
	}
	/* strtoull itself would take blanks, signs and a second 0x. */
	if (!((text[0] >= '0' && text[0] <= '9') || (base == 16 && ((text[0] | 32) >= 'a' && (text[0] | 32) <= 'f'))) ||
	    text[1] == 'x' || text[1] == 'X')
		return false;
	errno = 0;
	number = strtoull(text, &end, base);
	if (errno || end == text)
		return false;
	if (base == 10 && *end && (suffix = strchr(suffixes, *end))) {
		shift = (int)(suffix - suffixes + 1) * 10;
		if (number >> (63 - shift))
			return false;
		number <<= shift;
		end++;
	}
	if (*end || number > INT64_MAX)
		return false;
	*value = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

static void set_parameter(struct context *context, const char *text)
{
	const char *equals = strchr(text, '=');
	struct setting *setting;
	int64_t value;
	int i;

	if (!equals || !is_name(text, (size_t)(equals - text))) {
		diag_usage(context, "--set=%s: expected NAME=VALUE", text);
		return;
	}
	if (!read_number(equals + 1, &value)) {
		diag_usage(context, "--set=%s: '%s' is no number of 63 bits (decimal with K, M, G or T, 0x or 0b)",
			   text, equals + 1);
		return;
	}
	for (i = 0; i < context->options.settings.n; i++) {
		const char *other = context->options.settings.v[i].name;

		if (strlen(other) == (size_t)(equals - text) && !strncmp(other, text, strlen(other))) {
			diag_usage(context, "--set=%s: '%s' is set twice", text, other);
			return;
		}
	}
	setting = ARRAY_ADD(context->arena, context->options.settings);
	setting->name = arena_strndup(context->arena, text, (size_t)(equals - text));
	setting->value = value;
}

static void set_emit(struct context *context, const char *list)
{
	static const char *const names[] = {"c", "json", "dot", "registry", "md", "svg", "selftest"};
	const int n = sizeof(names) / sizeof(names[0]);
	const char *word = list, *end;

	for (;; word = end + 1) {
		size_t length = strcspn(word, ",");
		int i;

		end = word + length;
		for (i = 0; i < n; i++)
			if (strlen(names[i]) == length && !strncmp(names[i], word, length))
				break;
		if (i == n) {
			diag_usage(context, "--emit=%s: '%.*s' is none of c, json, dot, registry, md, svg, selftest",
				   list, (int)length, word);
			return;
		}
		context->options.emit |= 1u << i;
		if (!*end)
			return;
	}
}

static void set_dump(struct context *context, const char *stage)
{
	if (!strcmp(stage, "ast"))
		context->options.dump_ast = true;
	else if (!strcmp(stage, "model"))
		context->options.dump_model = true;
	else
		diag_usage(context, "--dump=%s: the stages are ast and model", stage);
}

static bool color_by_default(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return !(no_color && *no_color) && isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static void set_color(struct context *context, const char *when)
{
	if (!strcmp(when, "always"))
		context->color = true;
	else if (!strcmp(when, "never"))
		context->color = false;
	else if (!strcmp(when, "auto"))
		context->color = color_by_default();
	else
		diag_usage(context, "--color=%s: one of auto, always, never", when);
}

static void set_diagnostics(struct context *context, const char *form)
{
	if (!strcmp(form, "json") || !strcmp(form, "text"))
		context->options.json_diagnostics = form[0] == 'j';
	else
		diag_usage(context, "--diagnostics=%s: one of text, json", form);
}

/* Do one option; true if it is the whole job. */
static bool apply(struct context *context, enum option option, const char *argument)
{
	struct options *options = &context->options;
	int i;

	switch (option) {
	case O_OUTPUT: options->output = argument; break;
	case O_INCLUDE: *ARRAY_ADD(context->arena, options->include) = argument; break;
	case O_EMIT: set_emit(context, argument); break;
	case O_CHECK: options->check_only = true; break;
	case O_DUMP: set_dump(context, argument); break;
	case O_FORMAT: options->format = argument; break;
	case O_SET: set_parameter(context, argument); break;
	case O_PREFIX:
		options->prefix = argument;
		if (!is_name(argument, strlen(argument)))
			diag_usage(context, "--prefix=%s: not a name in C", argument);
		break;
	case O_MD: options->depend = true; break;
	case O_MF: options->depend_file = argument; break;
	case O_MT: options->depend_target = argument; break;
	case O_MP: options->depend_phony = true; break;
	case O_WARNING: set_warning(context, argument); break;
	case O_WERROR: options->werror = true; break;
	case O_DIAGNOSTICS: set_diagnostics(context, argument); break;
	case O_COLOR: set_color(context, argument); break;
	case O_LIST_CHECKS: list_checks(); return true;
	case O_EXPLAIN:
		i = find_check(context, "--explain=", argument);
		if (i >= 0)
			explain(i);
		return true;
	case O_HELP: print_help(); return true;
	case O_VERSION: puts("ptgen " PTGEN_VERSION); return true;
	case N_OPTIONS: break;
	}
	return false;
}

static void unknown_option(struct context *context, const char *text)
{
	const char *names[N_OPTIONS], *near;
	char name[64];
	size_t length = strcspn(text, "=");
	int i;

	for (i = 0; i < N_OPTIONS; i++)
		names[i] = table[i].spelling;
	snprintf(name, sizeof(name), "%.*s", (int)(length < 60 ? length : 60), text);
	near = near_name(name, names, N_OPTIONS);
	if (near)
		diag_usage(context, "unknown option '%s'; did you mean '%s'?", text, near);
	else
		diag_usage(context, "unknown option '%s' (--help lists the options)", text);
}

/* Which option a word is, and its argument if it is in the same word; N_OPTIONS: none. */
static enum option find_option(const char *word, const char **argument)
{
	int i, best = N_OPTIONS;

	*argument = NULL;
	for (i = 0; i < N_OPTIONS; i++) {
		size_t length = strlen(table[i].spelling);

		if (!strcmp(word, table[i].spelling))
			return (enum option)i;
		if (strncmp(word, table[i].spelling, length) != 0 || !table[i].argument)
			continue;
		/* --long=VALUE; -xVALUE, the longest that fits */
		if (table[i].spelling[1] == '-' ? word[length] == '='
						: best == N_OPTIONS || length > strlen(table[best].spelling)) {
			best = i;
			*argument = word + length + (table[i].spelling[1] == '-');
		}
	}
	return (enum option)best;
}

static void check_together(struct context *context)
{
	const struct options *options = &context->options;

	if (!options->inputs.n)
		diag_usage(context, "no input file (--help says more)");
	if (!options->depend && (options->depend_file || options->depend_target || options->depend_phony))
		diag_usage(context, "%s does nothing without -MD",
			   options->depend_file	    ? "-MF"
			   : options->depend_target ? "-MT"
						    : "-MP");
	if (options->depend_file && !strcmp(options->depend_file, "-"))
		diag_usage(context, "-MF -: the rule goes to a file, as all outputs do");
	if (options->check_only && options->emit)
		diag_usage(context, "--check writes nothing, --emit asks for output: one of the two");
}

enum options_result options_parse(struct context *context, int argc, char **argv)
{
	bool only_files = false, done = false;
	int i;

	context->color = color_by_default();
	for (i = 1; i < argc && !done; i++) {
		const char *argument;
		enum option option;

		if (only_files || argv[i][0] != '-') {
			if (!argv[i][0])
				diag_usage(context, "an empty name of a file");
			*ARRAY_ADD(context->arena, context->options.inputs) = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			only_files = true;
			continue;
		}
		if (!strcmp(argv[i], "-")) {
			diag_usage(context, "'-': format files are read by name, not from the standard input");
			continue;
		}
		option = find_option(argv[i], &argument);
		if (option == N_OPTIONS) {
			unknown_option(context, argv[i]);
			continue;
		}
		if (table[option].argument && !argument && i + 1 < argc)
			argument = argv[++i];
		if (table[option].argument && (!argument || !*argument)) {
			diag_usage(context, "%s needs an argument: %s", table[option].spelling, table[option].argument);
			continue;
		}
		done = apply(context, option, argument);
	}
	if (!done)
		check_together(context);
	if (context->usage_errors)
		return OPTIONS_BAD;
	if (context->options.werror)
		for (i = 0; i < N_CHECKS; i++)
			if (context->severity[i] == SEVERITY_WARNING && !context->options.stay_warning[i])
				context->severity[i] = SEVERITY_ERROR;
	return done ? OPTIONS_DONE : OPTIONS_GO;
}

/* SPDX-License-Identifier: MIT */
/* main.c - pttool: commands and options. */
#include "pttool.h"

#include "common/version.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	FORMATS = 1 << 0,
	BUILD = 1 << 1,
	WALK = 1 << 2,
	DUMP = 1 << 3,
	VERIFY = 1 << 4,
	FIND = 1 << 5,
	STATS = 1 << 6,
	DIFF = 1 << 7,
	REGISTERS = 1 << 8,
	READ = WALK | DUMP | VERIFY | FIND | STATS | DIFF,
	TABLE = BUILD | READ,
	ANY = TABLE | FORMATS | REGISTERS
};

enum option {
	OPTION_FORMAT,
	OPTION_SET,
	OPTION_RAM,
	OPTION_RAM_BASE,
	OPTION_RAM_SIZE,
	OPTION_ROOT,
	OPTION_TABLES,
	OPTION_WIDER,
	OPTION_EMIT,
	OPTION_OUTPUT,
	OPTION_NAME,
	OPTION_ACCESS,
	OPTION_EXPLAIN,
	OPTION_TEXT,
	OPTION_JSON,
	OPTION_DOT,
	OPTION_DEPTH,
	OPTION_FOCUS,
	OPTION_COLOR,
	OPTION_STEPS,
	OPTION_OTHER_FORMAT,
	OPTION_OTHER_SET,
	OPTION_OTHER_RAM,
	OPTION_OTHER_RAM_BASE,
	OPTION_OTHER_RAM_SIZE,
	OPTION_OTHER_ROOT,
	OPTION_HELP,
	OPTION_VERSION,
	N_OPTIONS
};

static const struct option_info {
	const char *name, *argument; /* argument NULL: it takes none */
	unsigned int commands;
	const char *help;
} option_info[N_OPTIONS] = {
	[OPTION_FORMAT] = {"--format", "F", ANY, "the format of the table (see `pttool formats`)"},
	[OPTION_SET] = {"--set", "NAME=VALUE", TABLE | REGISTERS, "a parameter of the format; may be repeated"},
	[OPTION_RAM] = {"--ram", "FILE", TABLE,
			"the image of physical memory, a segment FILE@PA[+OFFSET:SIZE], or a core; may be repeated"},
	[OPTION_RAM_BASE] = {"--ram-base", "PA", TABLE, "the physical address of the first byte of a plain file"},
	[OPTION_RAM_SIZE] = {"--ram-size", "N", TABLE,
			     "the size of the memory; `build` creates the file when it is absent"},
	[OPTION_ROOT] = {"--root", "PA", TABLE | REGISTERS,
			 "the root table (each of them, in order); with `build`: continue this table"},
	[OPTION_TABLES] = {"--tables", "PA", BUILD, "tables are allocated from here upward"},
	[OPTION_WIDER] = {"--allow-wider", NULL, BUILD,
			  "accept rights that were not asked for, where a format must grant them"},
	[OPTION_EMIT] = {"--emit", "bin|c|asm", BUILD,
			 "write the tables for firmware, and a map of them; --ram may be absent"},
	[OPTION_OUTPUT] = {"--output", "FILE", BUILD, "where --emit writes; the map goes to FILE.map"},
	[OPTION_NAME] = {"--name", "NAME", BUILD, "the symbol in C and assembly (page_tables)"},
	[OPTION_ACCESS] = {"--access", "r|w|x[p]", WALK, "an access, as the hardware checks it; p: privileged"},
	[OPTION_EXPLAIN] = {"--explain", NULL, WALK, "show each step, each field and the verdict"},
	[OPTION_TEXT] = {"--text", NULL, DUMP | VERIFY | FIND | STATS | DIFF | REGISTERS,
			 "lines of text (the default)"},
	[OPTION_JSON] = {"--json", NULL, DUMP | VERIFY | FIND | STATS | DIFF | REGISTERS | FORMATS, "one JSON value"},
	[OPTION_DOT] = {"--dot", NULL, DUMP, "a drawing of the tables, for Graphviz"},
	[OPTION_DEPTH] = {"--depth", "N", DUMP, "with --dot: draw tables down to the Nth from the root"},
	[OPTION_FOCUS] = {"--focus", "IOVA[+SIZE]", DUMP, "with --dot: draw only what leads to these addresses"},
	[OPTION_COLOR] = {"--color", "WHEN", READ,
			  "colours and columns: auto (on a terminal; NO_COLOR is honoured), always or never"},
	[OPTION_STEPS] = {"--steps", "N", TABLE, "how many entries may be read before giving up (64M)"},
	[OPTION_OTHER_FORMAT] = {"--other-format", "F", DIFF, "the second table's format, if it is another one"},
	[OPTION_OTHER_SET] = {"--other-set", "NAME=VALUE", DIFF,
			      "a parameter of the second table, where it differs; may be repeated"},
	[OPTION_OTHER_RAM] = {"--other-ram", "FILE", DIFF, "the image with the second table, if it is another one"},
	[OPTION_OTHER_RAM_BASE] = {"--other-ram-base", "PA", DIFF, "as --ram-base, for --other-ram"},
	[OPTION_OTHER_RAM_SIZE] = {"--other-ram-size", "N", DIFF, "as --ram-size, for --other-ram"},
	[OPTION_OTHER_ROOT] = {"--other-root", "PA", DIFF, "the second table's root, if it is another one"},
	[OPTION_HELP] = {"--help", NULL, ANY, "show this"},
	[OPTION_VERSION] = {"--version", NULL, ANY, "print the version"},
};

/* May be given more than once. */
#define REPEATED                                                                                                     \
	(1U << OPTION_SET | 1U << OPTION_RAM | 1U << OPTION_ROOT | 1U << OPTION_OTHER_SET | 1U << OPTION_OTHER_RAM | \
	 1U << OPTION_OTHER_ROOT)

/* With these a command does nothing but answer. */
#define ANSWERS (1U << OPTION_HELP | 1U << OPTION_VERSION)

static const struct command {
	const char *name;
	unsigned int bit;
	int (*run)(const struct options *options);
	const char *arguments, *help;
} commands[] = {
	{"formats", FORMATS, command_formats, "", "list the formats, their parameters and defaults"},
	{"build", BUILD, command_build, " SCRIPT",
	 "run a script against an image; prints root, registers and tables as JSON"},
	{"walk", WALK, command_walk, " IOVA...", "translate addresses: `IOVA PA SIZE PROT` or `IOVA fault KIND LEVEL`"},
	{"explain", WALK, command_walk, " IOVA...", "the same as walk --explain"},
	{"dump", DUMP, command_dump, "", "print what a table maps: `IOVA-END PA SIZE LEVEL PROT FIELDS`"},
	{"verify", VERIFY, command_verify, "",
	 "print what is wrong with a table, and frames that it maps with different memory types"},
	{"find", FIND, command_find, " PA[+SIZE]...", "print what maps physical addresses, as dump does"},
	{"stats", STATS, command_stats, "",
	 "count leaves and tables by size and level, and what larger leaves would save"},
	{"registers", REGISTERS, command_registers, " [NAME=VALUE]...",
	 "print the registers for --root; or which format, configuration and root such values stand for"},
	{"diff", DIFF, command_diff, "", "print what a second table maps more (+), less (-) or otherwise (~)"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "usage: pttool COMMAND [OPTION]...\n\ncommands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %s%-*s %s\n", commands[i].name, (int)(18 - strlen(commands[i].name)),
			commands[i].arguments, commands[i].help);
	fprintf(out, "\noptions:\n");
	for (unsigned int i = 0; i < N_OPTIONS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "%s %s", option_info[i].name,
			 option_info[i].argument ? option_info[i].argument : "");
		fprintf(out, "  %-22s %s\n", left, option_info[i].help);
	}
	fprintf(out,
		"\nscript (a file, or - for standard input), one command a line, # starts a comment:\n"
		"  map IOVA PA SIZE PROT\n"
		"  unmap IOVA SIZE\n"
		"  protect IOVA SIZE PROT\n"
		"\n"
		"Numbers are as in C, with K, M, G or T for binary multiples. PROT is a word of r w x, p "
		"privileged only,\n"
		"d device memory, n normal non-cached, c cached (the default), l cached and not shareable, g global;\n"
		"- for none. What is printed has rw/r for privileged/user rights that differ, and no c.\n"
		"\n"
		"exit status: 0 fine; 1 a fault, a finding or a refused script; 2 wrong use or an I/O error\n");
}

static void print_version(void)
{
	printf("pttool %s\n", tools_version);
}

static const char *get_command(const void *ctx, size_t i)
{
	(void)ctx;
	return commands[i].name;
}

static const char *get_option(const void *ctx, size_t i)
{
	(void)ctx;
	return option_info[i].name;
}

static bool set_access(struct options *options, const char *text)
{
	switch (text[0]) {
	case 'r': options->access = PT_ACCESS_READ; break;
	case 'w': options->access = PT_ACCESS_WRITE; break;
	case 'x': options->access = PT_ACCESS_EXEC; break;
	default: break;
	}
	if (options->access && strcmp(text + 1, "p") == 0)
		options->access |= PT_ACCESS_PRIV;
	else if (!options->access || text[1]) {
		complain("--access %s: an access is r, w or x, then p if it is privileged", text);
		return false;
	}
	return true;
}

static bool set_emit(struct options *options, const char *text)
{
	static const char *const forms[] = {[EMIT_BIN] = "bin", [EMIT_C] = "c", [EMIT_ASM] = "asm"};

	for (unsigned int i = EMIT_BIN; i <= EMIT_ASM; i++)
		if (strcmp(text, forms[i]) == 0) {
			options->emit = i;
			return true;
		}
	complain("--emit %s: it is bin, c or asm", text);
	return false;
}

static bool set_name(struct options *options, const char *text)
{
	bool fine = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '_';

	for (const char *p = text; fine && *p; p++)
		fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
	options->name = text;
	if (!fine)
		complain("--name %s: it is not a name in C: letters, digits and _, no digit first", text);
	return fine;
}

static bool set_depth(struct options *options, const char *text)
{
	uint64_t depth;

	if (!read_number("--depth", text, &depth))
		return false;
	if (depth == 0 || depth > PT_MAX_STEPS) {
		complain("--depth %s: it is 1 (the root alone) to %d", text, PT_MAX_STEPS);
		return false;
	}
	options->depth = (unsigned int)depth;
	return true;
}

/* --set and --other-set wait until the formats are known. */
struct sets {
	const char **text;
	size_t n;
};

/* One option; value is "" where it takes none. */
static bool apply(struct options *options, enum option option, const char *value, struct sets *sets,
		  struct sets *other_sets)
{
	struct options *other = options->other;

	switch (option) {
	case OPTION_FORMAT: return (options->format = find_format(value)) != NULL;
	case OPTION_SET: sets->text[sets->n++] = value; return true;
	case OPTION_RAM: options->ram[options->n_ram++] = value; return true;
	case OPTION_RAM_BASE: options->ram_base = value; return true;
	case OPTION_RAM_SIZE: options->ram_size = value; return true;
	case OPTION_ROOT: return read_number("--root", value, &options->roots[options->n_roots++]);
	case OPTION_TABLES: return read_number("--tables", value, &options->tables);
	case OPTION_STEPS: return read_number("--steps", value, &options->steps);
	case OPTION_ACCESS: return set_access(options, value);
	case OPTION_EMIT: return set_emit(options, value);
	case OPTION_OUTPUT: options->output_file = value; return true;
	case OPTION_NAME: return set_name(options, value);
	case OPTION_WIDER: options->allow_wider = true; return true;
	case OPTION_EXPLAIN: options->explain = true; return true;
	case OPTION_TEXT: options->output = OUTPUT_TEXT; return true;
	case OPTION_JSON: options->output = OUTPUT_JSON; return true;
	case OPTION_DOT: options->output = OUTPUT_DOT; return true;
	case OPTION_COLOR: return terminal_setup(value);
	case OPTION_DEPTH: return set_depth(options, value);
	case OPTION_FOCUS:
		options->has_focus = true;
		return parse_range("IOVA", value, &options->focus_first, &options->focus_last);
	case OPTION_OTHER_FORMAT: return (other->format = find_format(value)) != NULL;
	case OPTION_OTHER_SET: other_sets->text[other_sets->n++] = value; return true;
	case OPTION_OTHER_RAM: other->ram[other->n_ram++] = value; return true;
	case OPTION_OTHER_RAM_BASE: other->ram_base = value; return true;
	case OPTION_OTHER_RAM_SIZE: other->ram_size = value; return true;
	case OPTION_OTHER_ROOT: return read_number("--other-root", value, &other->roots[other->n_roots++]);
	case OPTION_HELP:
	case OPTION_VERSION:
	case N_OPTIONS: break;
	}
	return true;
}

/* Finds an option by what is before `=`. Complains and returns N_OPTIONS when there is none, or not for this command.
 */
static enum option find_option(const struct command *command, const char *text, size_t length)
{
	char name[64];
	unsigned int i = 0;

	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	while (i < N_OPTIONS && strcmp(option_info[i].name, name) != 0)
		i++;
	if (i == N_OPTIONS) {
		complain("unknown option '%s'", name);
		suggest(near_name(name, N_OPTIONS, get_option, NULL));
		note("`pttool --help` lists all");
		return N_OPTIONS;
	}
	if (!(option_info[i].commands & command->bit)) {
		complain("%s does not go with `pttool %s`", name, command->name);
		return N_OPTIONS;
	}
	return (enum option)i;
}

/* What is not said of the second table is as with the first. */
static void inherit(struct options *options)
{
	struct options *other = options->other;

	if (!other->format || other->format == options->format) {
		other->format = options->format;
		other->config = options->config;
	}
	if (other->n_ram == 0) {
		memcpy(other->ram, options->ram, options->n_ram * sizeof(*other->ram));
		other->n_ram = options->n_ram;
		if (!other->ram_base)
			other->ram_base = options->ram_base;
		if (!other->ram_size)
			other->ram_size = options->ram_size;
	}
	/* a plain file needs a base */
	if (other->n_ram == 1 && !strchr(other->ram[0], '@') && !other->ram_base)
		other->ram_base = options->ram_base;
	if (other->n_roots == 0) {
		memcpy(other->roots, options->roots, options->n_roots * sizeof(*other->roots));
		other->n_roots = options->n_roots;
	}
	other->steps = options->steps;
}

/* Parses everything after the command. Returns false after a message. */
static bool parse(struct options *options, const struct command *command, int argc, char **argv, unsigned int *seen)
{
	struct sets sets = {allocate(NULL, (size_t)argc + 1, sizeof(*sets.text)), 0};
	struct sets other_sets = {allocate(NULL, (size_t)argc + 1, sizeof(*sets.text)), 0};
	bool fine = true, ended = false;

	for (int i = 0; fine && i < argc; i++) {
		const char *equal = strchr(argv[i], '='), *value = "";
		enum option option;

		if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			options->arguments[options->n_arguments++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		option = find_option(command, argv[i], equal ? (size_t)(equal - argv[i]) : strlen(argv[i]));
		fine = option != N_OPTIONS;
		if (!fine)
			break;
		if (option_info[option].argument) {
			if (equal) {
				value = equal + 1;
			} else if (i + 1 < argc) {
				value = argv[++i];
			} else {
				complain("%s needs %s", option_info[option].name, option_info[option].argument);
				fine = false;
			}
		} else if (equal) {
			complain("%s takes no value", option_info[option].name);
			fine = false;
		}
		if (fine && (*seen & (1U << option)) && option_info[option].argument && !(REPEATED & 1U << option)) {
			complain("%s is given twice", option_info[option].name);
			fine = false;
		}
		*seen |= 1U << option;
		fine = fine && apply(options, option, value, &sets, &other_sets);
	}
	if (fine && (*seen & ANSWERS))
		goto end;
	if (fine && !options->format && (command->bit & TABLE)) {
		complain("--format is missing");
		note("`pttool formats` lists all");
		fine = false;
	}
	if (fine && options->format)
		fine = set_params(options, "--set", sets.text, sets.n);
	inherit(options);
	if (fine && options->other->format)
		fine = set_params(options->other, "--other-set", other_sets.text, other_sets.n);
end:
	free(sets.text);
	free(other_sets.text);
	return fine;
}

/* What a command cannot do without. */
static bool complete(const struct options *options, const struct command *command, unsigned int seen)
{
	static const struct {
		unsigned int commands;
		enum option option;
	} needed[] = {{TABLE, OPTION_RAM}, {READ, OPTION_ROOT}, {BUILD, OPTION_TABLES}};

	const unsigned int forms = seen & (1U << OPTION_TEXT | 1U << OPTION_JSON | 1U << OPTION_DOT);
	bool no_file = options->emit && options->n_ram == 0 && options->ram_base && options->ram_size;

	if (forms & (forms - 1)) {
		complain("only one of --text, --json and --dot can be asked for");
		return false;
	}
	if (options->emit && !options->output_file) {
		complain("--emit needs --output FILE");
		return false;
	}
	if (!options->emit && (options->output_file || (seen & (1U << OPTION_NAME)))) {
		complain("%s goes with --emit", options->output_file ? "--output" : "--name");
		return false;
	}
	if ((options->depth || options->has_focus) && options->output != OUTPUT_DOT) {
		complain("%s goes with --dot", options->depth ? "--depth" : "--focus");
		return false;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const struct option_info *info = &option_info[needed[i].option];

		if (needed[i].option == OPTION_RAM && no_file)
			continue;

		if ((command->bit & needed[i].commands) && !(seen & (1U << needed[i].option))) {
			complain("%s %s is missing: %s", info->name, info->argument, info->help);
			return false;
		}
	}
	if (command->bit == BUILD && options->n_arguments != 1) {
		complain(options->n_arguments ? "there is more than one SCRIPT"
					      : "SCRIPT is missing (- for standard input)");
		return false;
	}
	if (command->bit == WALK && options->n_arguments == 0) {
		complain("IOVA is missing: the addresses to translate");
		return false;
	}
	if (command->bit == DIFF && !(seen & (1U << OPTION_OTHER_FORMAT | 1U << OPTION_OTHER_SET |
					      1U << OPTION_OTHER_RAM | 1U << OPTION_OTHER_ROOT))) {
		complain("there is no second table: --other-root, --other-ram, --other-format or --other-set says "
			 "which");
		return false;
	}
	if (command->bit == REGISTERS && options->n_arguments == 0 && !(options->format && options->n_roots)) {
		complain(options->format ? "--root is missing, or NAME=VALUE: the registers to make something of"
					 : "--format is missing, or NAME=VALUE: the registers to make something of");
		return false;
	}
	if (command->bit == REGISTERS && options->n_arguments && options->n_roots) {
		complain("--root does not go with NAME=VALUE: the root follows from the registers");
		return false;
	}
	if (command->bit == FIND && options->n_arguments == 0) {
		complain("PA is missing: the physical addresses to find");
		return false;
	}
	if ((command->bit & (FORMATS | DUMP | VERIFY | STATS | DIFF)) && options->n_arguments) {
		complain("`pttool %s` takes no '%s'", command->name, options->arguments[0]);
		return false;
	}
	for (size_t i = 0; command->bit == WALK && i < options->n_arguments; i++) {
		uint64_t iova;

		if (!read_number("IOVA", options->arguments[i], &iova))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options other = {.steps = 64 << 20},
		       options = {.steps = 64 << 20, .name = "page_tables", .other = &other};
	const struct command *command = NULL;
	unsigned int seen = 0;
	int status = EXIT_USAGE;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		print_version();
		return EXIT_FINE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			command = &commands[i];
	if (!command) {
		complain("unknown command '%s'", argv[1]);
		suggest(near_name(argv[1], N_COMMANDS, get_command, NULL));
		note("`pttool --help` lists all");
		return EXIT_USAGE;
	}
	terminal_setup("auto");
	pt_config_init(&options.config);
	pt_config_init(&other.config);
	other.ram = allocate(NULL, (size_t)argc, sizeof(*other.ram));
	other.roots = allocate(NULL, (size_t)argc, sizeof(*other.roots));
	options.explain = strcmp(command->name, "explain") == 0;
	options.ram = allocate(NULL, (size_t)argc, sizeof(*options.ram));
	options.roots = allocate(NULL, (size_t)argc, sizeof(*options.roots));
	options.arguments = allocate(NULL, (size_t)argc, sizeof(*options.arguments));
	if (parse(&options, command, argc - 2, argv + 2, &seen)) {
		if (seen & (1U << OPTION_HELP)) {
			usage(stdout);
			status = EXIT_FINE;
		} else if (seen & (1U << OPTION_VERSION)) {
			print_version();
			status = EXIT_FINE;
		} else if (complete(&options, command, seen)) {
			status = command->run(&options);
		}
	}
	free(options.ram);
	free(options.roots);
	free(options.arguments);
	free(other.ram);
	free(other.roots);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write to the standard output: %s", strerror(errno));
		status = EXIT_USAGE;
	}
	return status;
}

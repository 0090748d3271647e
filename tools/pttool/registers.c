/* SPDX-License-Identifier: MIT */
/*
 * registers.c - `pttool registers`: what to write into registers for a table, and the other way round: which format,
 * configuration and roots the values of registers stand for.
 *
 * A format says how registers follow from a configuration and roots, not how to go back. So the way back is a search:
 * the configuration whose registers differ in the fewest bits from what was given, one parameter at a time, then two.
 * Where the bits of a root stand is found by setting each bit of it alone. What then still differs belongs to nobody:
 * address space numbers, other features of the same register.
 */
#include "pttool.h"
#include "registry.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGISTERS 64
#define WORDS	      PT_REGISTER_WORDS

/* A value that was given. */
struct given {
	char name[64];
	uint64_t value[WORDS];
};

/* Registers of one configuration, in the order of what was given. */
struct values {
	uint64_t word[MAX_REGISTERS][WORDS];
};

struct decode {
	const struct pt_format *format;
	const struct given *given;
	size_t n;
	struct pt_config config;
	struct values roots; /* which bits belong to roots */
	uint64_t root[PT_MAX_ROOTS];
	unsigned int n_roots;
	unsigned int distance; /* bits that no parameter and no root explains */
};

/* Long enough for a register of any width. */
#define VALUE_LENGTH (2 + 16 * WORDS + 1)

static const char *format_value(char text[VALUE_LENGTH], const uint64_t *word)
{
	size_t top = WORDS - 1;
	int at;

	while (top > 0 && word[top] == 0)
		top--;
	at = snprintf(text, VALUE_LENGTH, "0x%" PRIx64, word[top]);
	while (top-- > 0)
		at += snprintf(text + at, VALUE_LENGTH - (size_t)at, "%016" PRIx64, word[top]);
	return text;
}

/* NAME=VALUE; a value of more than 64 bits is in hexadecimal. */
static bool parse_given(const char *text, struct given *given)
{
	const char *equal = strchr(text, '='), *why = NULL;
	size_t digits;

	if (!equal || equal == text || (size_t)(equal - text) >= sizeof(given->name)) {
		complain("%s: a register is NAME=VALUE", text);
		return false;
	}
	memset(given, 0, sizeof(*given));
	memcpy(given->name, text, (size_t)(equal - text));
	digits = strlen(equal + 1);
	if (digits <= 18 || strncmp(equal + 1, "0x", 2) != 0) {
		why = parse_number(equal + 1, digits, &given->value[0]);
	} else {
		digits -= 2;
		if (digits > 16 * WORDS)
			why = "it does not fit into 512 bits";
		for (size_t i = 0; !why && i < digits; i += 16) {
			size_t part = digits - i < 16 ? digits - i : 16;
			char hex_part[2 + 16 + 1] = "0x";

			memcpy(hex_part + 2, equal + 3 + digits - i - part, part);
			why = parse_number(hex_part, 2 + part, &given->value[i / 16]);
		}
	}
	if (why)
		complain("%s: '%s' is not a number: %s", text, equal + 1, why);
	return why == NULL;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/*
 * Is this the register of a format? Manuals and debuggers write names with more than formats do: CR3 is cr3, and TTBR
 * is TTBR1_EL1.
 */
static bool is_called(const char *name, const char *given)
{
	bool number = false;

	for (; *name && lower(*name) == lower(*given); name++, given++)
		number = *name >= '0' && *name <= '9';
	if (*name)
		return false;
	if (!number && *given >= '0' && *given <= '9' && (given[1] == '\0' || given[1] == '_'))
		given++;
	if (given[0] == '_' && lower(given[1]) == 'e' && lower(given[2]) == 'l' && given[3] >= '0' && given[3] <= '3')
		given += 4;
	return *given == '\0';
}

/* The registers of a configuration. false: the format refuses it, or has not all registers that were given. */
static bool registers_of(const struct decode *decode, const struct pt_config *config, const uint64_t *roots,
			 unsigned int n_roots, struct values *out, unsigned int *wanted)
{
	struct pt_register registers[MAX_REGISTERS];
	struct pt_table table;
	size_t n;

	if (decode->format->view(&table, config, roots, n_roots, NULL) != PT_OK)
		return false;
	n = decode->format->registers(&table, registers, MAX_REGISTERS);
	if (n > MAX_REGISTERS)
		n = MAX_REGISTERS;
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < decode->n; i++) {
		size_t k = 0;

		while (k < n && !is_called(registers[k].name, decode->given[i].name))
			k++;
		if (k == n)
			return false;
		memcpy(out->word[i], registers[k].value, sizeof(out->word[i]));
	}
	if (wanted)
		*wanted = table.n_roots;
	return true;
}

/* How many bits differ that are not of a root. */
static unsigned int distance_of(const struct decode *decode, const struct values *values)
{
	unsigned int n = 0;

	for (size_t i = 0; i < decode->n; i++)
		for (unsigned int k = 0; k < WORDS; k++)
			n += (unsigned int)__builtin_popcountll((values->word[i][k] ^ decode->given[i].value[k]) &
								~decode->roots.word[i][k]);
	return n;
}

/* Where roots stand in the registers of this configuration, and what they are. */
static void find_roots(struct decode *decode)
{
	struct values none, one;
	unsigned int wanted = 1;

	memset(&decode->roots, 0, sizeof(decode->roots));
	memset(decode->root, 0, sizeof(decode->root));
	if (!registers_of(decode, &decode->config, NULL, 0, &none, &wanted))
		return;
	decode->n_roots = wanted;
	for (unsigned int r = 0; r < wanted && r < PT_MAX_ROOTS; r++) {
		for (unsigned int bit = 4; bit < 64; bit++) {
			uint64_t roots[PT_MAX_ROOTS] = {0};
			bool all = true, any = false;

			roots[r] = (uint64_t)1 << bit;
			if (!registers_of(decode, &decode->config, roots, wanted, &one, NULL))
				continue;
			for (size_t i = 0; i < decode->n; i++)
				for (unsigned int k = 0; k < WORDS; k++) {
					uint64_t moved = one.word[i][k] ^ none.word[i][k];

					decode->roots.word[i][k] |= moved;
					any |= moved != 0;
					all &= ((decode->given[i].value[k] ^ one.word[i][k]) & moved) == 0;
				}
			if (any && all)
				decode->root[r] |= roots[r];
		}
	}
}

static bool try(struct decode *decode, const struct pt_config *config)
{
	struct values values;
	unsigned int distance;

	if (!registers_of(decode, config, NULL, 0, &values, NULL))
		return false;
	distance = distance_of(decode, &values);
	if (distance >= decode->distance)
		return false;
	decode->distance = distance;
	decode->config = *config;
	return true;
}

/* Is this parameter to be found, or was it said? */
static bool is_free(const struct decode *decode, const struct pt_config *said, unsigned int i)
{
	return said->param[i] == PT_UNSET && !decode->format->params[i].is_static;
}

/* Some registers are there only where a parameter has a certain value (hgatp is one of the second stage). */
static bool find_names(struct decode *decode, const struct pt_config *said)
{
	const struct pt_format *format = decode->format;
	struct values values;

	if (registers_of(decode, &decode->config, NULL, 0, &values, NULL))
		return true;
	for (unsigned int i = 0; i < format->n_params; i++) {
		for (unsigned int k = 0; is_free(decode, said, i) && k < format->params[i].n_ranges; k++) {
			const struct pt_range *range = &format->params[i].ranges[k];

			for (int64_t value = range->first; value <= range->last && value - range->first < 1024;
			     value++) {
				decode->config.param[i] = value;
				if (registers_of(decode, &decode->config, NULL, 0, &values, NULL))
					return true;
			}
		}
		decode->config.param[i] = said->param[i];
	}
	return false;
}

/* Tries all values of parameter i, and with each all values of the later ones where pairs is true. */
static bool try_values(struct decode *decode, const struct pt_config *said, unsigned int i, bool pairs)
{
	const struct pt_param_info *param = &decode->format->params[i];
	struct pt_config config = decode->config, other;
	bool better = false;

	for (unsigned int k = 0; k < param->n_ranges; k++)
		for (int64_t value = param->ranges[k].first; value <= param->ranges[k].last; value++) {
			config.param[i] = value;
			better |= try(decode, &config);
			for (unsigned int j = i + 1; pairs && j < decode->format->n_params; j++) {
				const struct pt_param_info *second = &decode->format->params[j];

				if (!is_free(decode, said, j))
					continue;
				other = config;
				for (unsigned int m = 0; m < second->n_ranges; m++)
					for (int64_t v = second->ranges[m].first; v <= second->ranges[m].last; v++) {
						other.param[j] = v;
						better |= try(decode, &other);
					}
			}
		}
	return better;
}

static bool search(struct decode *decode, const struct pt_config *said)
{
	struct values values;

	decode->config = *said;
	if (!find_names(decode, said))
		return false;
	for (unsigned int round = 0; round < 3; round++) {
		find_roots(decode);
		if (!registers_of(decode, &decode->config, NULL, 0, &values, NULL))
			return false;
		decode->distance = distance_of(decode, &values);
		for (bool better = true; better && decode->distance;) {
			better = false;
			for (unsigned int i = 0; i < decode->format->n_params; i++)
				better |= is_free(decode, said, i) && try_values(decode, said, i, false);
			for (unsigned int i = 0; !better && decode->distance && i < decode->format->n_params; i++)
				better = is_free(decode, said, i) && try_values(decode, said, i, true);
		}
	}
	find_roots(decode);
	return true;
}

/* Does a register that was given depend on parameter i? */
static bool shows(const struct decode *decode, unsigned int i)
{
	const struct pt_param_info *param = &decode->format->params[i];
	struct values now, other;
	struct pt_config config = decode->config;

	if (!registers_of(decode, &config, NULL, 0, &now, NULL))
		return false;
	for (unsigned int k = 0; k < param->n_ranges; k++)
		for (int64_t value = param->ranges[k].first; value <= param->ranges[k].last; value++) {
			config.param[i] = value;
			if (registers_of(decode, &config, NULL, 0, &other, NULL) &&
			    memcmp(&now, &other, decode->n * sizeof(now.word[0])) != 0)
				return true;
		}
	return false;
}

/* The bits of register i that are other than they would be written. */
static bool rest_of(const struct decode *decode, size_t i, uint64_t rest[WORDS])
{
	struct values values;
	uint64_t any = 0;

	memset(rest, 0, WORDS * sizeof(*rest));
	if (registers_of(decode, &decode->config, decode->root, decode->n_roots, &values, NULL))
		for (unsigned int k = 0; k < WORDS; k++)
			any |= rest[k] = values.word[i][k] ^ decode->given[i].value[k];
	return any != 0;
}

static void print_decode(const struct decode *decode)
{
	const struct pt_format *format = decode->format;
	unsigned int hidden = 0;

	printf("--format %s", format->name);
	for (unsigned int i = 0; i < format->n_params; i++)
		if (decode->config.param[i] != PT_UNSET)
			printf(" --set %s=%" PRId64, format->params[i].name, decode->config.param[i]);
	for (unsigned int r = 0; r < decode->n_roots; r++)
		printf(" --root 0x%" PRIx64, decode->root[r]);
	putchar('\n');
	for (size_t i = 0; i < decode->n; i++) {
		uint64_t rest[WORDS];
		char value[VALUE_LENGTH], bits[VALUE_LENGTH];

		if (rest_of(decode, i, rest))
			printf("  %s %s: bits %s are other than they would be written\n", decode->given[i].name,
			       format_value(value, decode->given[i].value), format_value(bits, rest));
		else
			printf("  %s %s\n", decode->given[i].name, format_value(value, decode->given[i].value));
	}
	for (unsigned int i = 0; i < format->n_params; i++)
		if (decode->config.param[i] == PT_UNSET && !format->params[i].is_static && !shows(decode, i))
			printf("%s%s", hidden++ ? ", " : "  not in these registers: ", format->params[i].name);
	if (hidden)
		putchar('\n');
}

static json_t *decode_json(const struct decode *decode)
{
	const struct pt_format *format = decode->format;
	json_t *params = json_object(), *roots = json_array(), *rests = json_object(), *hidden = json_array();

	for (unsigned int i = 0; i < format->n_params; i++)
		if (decode->config.param[i] != PT_UNSET)
			json_object_set_new(params, format->params[i].name, json_integer(decode->config.param[i]));
		else if (!format->params[i].is_static && !shows(decode, i))
			json_array_append_new(hidden, json_string(format->params[i].name));
	for (unsigned int r = 0; r < decode->n_roots; r++)
		json_array_append_new(roots, hex(decode->root[r]));
	for (size_t i = 0; i < decode->n; i++) {
		uint64_t rest[WORDS];
		char bits[VALUE_LENGTH];

		rest_of(decode, i, rest);
		json_object_set_new(rests, decode->given[i].name, json_string(format_value(bits, rest)));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "format", format->name, "set", params, "roots", roots,
			 "other_bits", rests, "not_in_registers", hidden);
}

static const char *given_names(const struct given *given, size_t n, char *text, size_t bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && at < bytes; i++)
		at += (size_t)snprintf(text + at, bytes - at, "%s%s", i ? ", " : "", given[i].name);
	return text;
}

/* All formats that explain the values best, or the one that was named. */
static int decode_all(const struct options *options, const struct given *given, size_t n)
{
	struct decode *found = allocate(NULL, pt_n_formats, sizeof(*found));
	unsigned int best = UINT32_MAX;
	json_t *json = options->output == OUTPUT_JSON ? json_array() : NULL;
	size_t n_found = 0;
	char names[512];

	for (size_t i = 0; i < pt_n_formats; i++) {
		struct decode *decode = &found[n_found];

		if (options->format && options->format != pt_formats[i])
			continue;
		*decode = (struct decode){.format = pt_formats[i], .given = given, .n = n};
		if (!search(decode, &options->config))
			continue;
		if (decode->distance < best)
			best = decode->distance;
		n_found++;
	}
	for (size_t i = 0; i < n_found; i++) {
		if (found[i].distance != best)
			continue;
		if (json)
			json_array_append_new(json, decode_json(&found[i]));
		else
			print_decode(&found[i]);
	}
	if (json) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(json);
	}
	free(found);
	if (n_found)
		return EXIT_FINE;
	given_names(given, n, names, sizeof(names));
	if (options->format)
		complain("%s has no configuration with %s", options->format->name, names);
	else
		complain("no format has a configuration with %s", names);
	note("`pttool registers --format F --root PA` shows the names that a format uses");
	return EXIT_FINDING;
}

static int print_registers(const struct options *options)
{
	struct pt_table table;
	struct pt_register registers[MAX_REGISTERS];
	size_t n;

	if (!open_view(options, &table))
		return EXIT_USAGE;
	if (options->output == OUTPUT_JSON) {
		json_t *object = registers_json(&table);

		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(object);
		return EXIT_FINE;
	}
	n = table.format->registers(&table, registers, MAX_REGISTERS);
	for (size_t i = 0; i < n && i < MAX_REGISTERS; i++) {
		uint64_t word[WORDS] = {0};
		char value[VALUE_LENGTH];

		memcpy(word, registers[i].value, (registers[i].bits + 63) / 64 * sizeof(*word));
		printf("%s %s\n", registers[i].name, format_value(value, word));
	}
	return EXIT_FINE;
}

int command_registers(const struct options *options)
{
	struct given *given;
	int code = EXIT_FINE;

	if (options->n_arguments == 0)
		return print_registers(options);
	given = allocate(NULL, options->n_arguments, sizeof(*given));
	for (size_t i = 0; code == EXIT_FINE && i < options->n_arguments; i++)
		if (!parse_given(options->arguments[i], &given[i]))
			code = EXIT_USAGE;
	if (code == EXIT_FINE && options->n_arguments > MAX_REGISTERS) {
		complain("at most %d registers are given", MAX_REGISTERS);
		code = EXIT_USAGE;
	}
	if (code == EXIT_FINE)
		code = decode_all(options, given, options->n_arguments);
	free(given);
	return code;
}

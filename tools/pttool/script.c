/* SPDX-License-Identifier: MIT */
/* script.c - the scripts of `pttool build`: read whole and checked before anything is done. */
#include "pttool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGES 20
#define MAX_BYTES    ((size_t)256 << 20) /* of a script: a pipe may never end */

/* The text of a line, without its end. */
static const char *find_line(const struct script *script, unsigned int number, size_t *length)
{
	const char *p = script->text, *end = script->text + script->length;

	for (unsigned int i = 1; i < number; i++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			break;
		p = newline + 1;
	}
	*length = 0;
	while (p + *length < end && p[*length] != '\n')
		(*length)++;
	if (*length && p[*length - 1] == '\r')
		(*length)--;
	return p;
}

void script_complain(const struct script *script, unsigned int line, unsigned int column, unsigned int length,
		     const char *format, ...)
{
	size_t line_length;
	const char *text = find_line(script, line, &line_length);
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%u:%u: error: ", script->name, line, column);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (line_length > 200)
		line_length = 200;
	fprintf(stderr, "\n%5u | ", line);
	for (size_t i = 0; i < line_length; i++)
		fputc(text[i] == '\t' ? ' ' : (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], stderr);
	if (column <= 200) {
		fprintf(stderr, "\n      | %*s^", (int)column - 1, "");
		for (unsigned int i = 1; i < length && column + i <= 200; i++)
			fputc('~', stderr);
	}
	fputc('\n', stderr);
}

static bool load(struct script *script, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	size_t capacity = 0;
	bool fine;

	script->name = file == stdin ? "<stdin>" : path;
	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	for (;;) {
		size_t got;

		if (script->length == capacity) {
			capacity = capacity ? 2 * capacity : 4096;
			script->text = allocate(script->text, capacity, 1);
		}
		got = fread(script->text + script->length, 1, capacity - script->length, file);
		if (got == 0)
			break;
		script->length += got;
		if (script->length > MAX_BYTES) {
			complain("%s: a script has at most %zu MiB", script->name, MAX_BYTES >> 20);
			break;
		}
	}
	fine = !ferror(file);
	if (!fine)
		complain("%s: %s", script->name, strerror(errno));
	if (file != stdin)
		fclose(file);
	return fine && script->length <= MAX_BYTES;
}

struct word {
	const char *text;
	unsigned int length, column;
};

static const char *get_action(const void *ctx, size_t i)
{
	(void)ctx;
	return (const char *const[]){"map", "unmap", "protect"}[i];
}

/* One number of a line. */
static bool number(const struct script *script, unsigned int line, const struct word *word, const char *what,
		   uint64_t *value)
{
	const char *why = parse_number(word->text, word->length, value);

	if (why)
		script_complain(script, line, word->column, word->length, "%s is not a number: %s", what, why);
	return why == NULL;
}

/* The size of a range that starts at iova (and pa). */
static bool size(const struct script *script, unsigned int line, const struct word *word, struct action_line *out)
{
	if (!number(script, line, word, "SIZE", &out->bytes))
		return false;
	if (out->bytes == 0) {
		script_complain(script, line, word->column, word->length, "SIZE is 0; a range has at least one page");
		return false;
	}
	if (out->bytes - 1 > UINT64_MAX - out->iova || out->bytes - 1 > UINT64_MAX - out->pa) {
		script_complain(script, line, word->column, word->length,
				"the range reaches beyond the last 64-bit address");
		return false;
	}
	return true;
}

static bool parse_words(const struct script *script, unsigned int line, const struct word *words, size_t n,
			struct action_line *out)
{
	static const struct {
		size_t n;
		const char *usage;
	} shape[] = {{5, "map IOVA PA SIZE PROT"}, {3, "unmap IOVA SIZE"}, {4, "protect IOVA SIZE PROT"}};
	const struct word *last = &words[n - 1];
	char name[32];
	unsigned int action = 0;

	snprintf(name, sizeof(name), "%.*s", (int)words[0].length, words[0].text);
	while (action < 3 && strcmp(name, get_action(NULL, action)) != 0)
		action++;
	if (action == 3) {
		const char *close = near_name(name, 3, get_action, NULL);

		script_complain(script, line, words[0].column, words[0].length,
				"'%s' is not a command%s%s%s; a line is map, unmap or protect", name,
				close ? " (did you mean '" : "", close ? close : "", close ? "'?)" : "");
		return false;
	}
	if (n != shape[action].n) {
		const struct word *at = n > shape[action].n ? &words[shape[action].n] : last;

		script_complain(script, line, n > shape[action].n ? at->column : at->column + at->length,
				n > shape[action].n ? at->length : 1, "%s; the line is: %s",
				n > shape[action].n ? "too many words" : "something is missing", shape[action].usage);
		return false;
	}
	memset(out, 0, sizeof(*out));
	out->action = (enum action)action;
	out->line = line;
	out->column = words[0].column;
	out->length = words[0].length;
	if (!number(script, line, &words[1], "IOVA", &out->iova))
		return false;
	if (action == ACTION_MAP && !number(script, line, &words[2], "PA", &out->pa))
		return false;
	if (!size(script, line, &words[action == ACTION_MAP ? 3 : 2], out))
		return false;
	if (action != ACTION_UNMAP) {
		size_t at;
		const char *why = parse_rights(last->text, last->length, &out->request, &at);

		if (why) {
			script_complain(script, line, last->column + (unsigned int)at, 1, "PROT: %s", why);
			return false;
		}
	}
	return true;
}

/* Splits a line into words, up to a comment. Returns how many; six are enough to know that there are too many. */
static size_t split(const char *text, size_t length, struct word words[6])
{
	size_t n = 0, i = 0;

	while (i < length && n < 6) {
		size_t start;

		while (i < length && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r'))
			i++;
		if (i == length || text[i] == '#')
			break;
		start = i;
		while (i < length && text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '#')
			i++;
		words[n++] = (struct word){text + start, (unsigned int)(i - start), (unsigned int)start + 1};
	}
	return n;
}

int script_read(struct script *script, const char *path)
{
	size_t capacity = 0, at = 0;
	unsigned int line = 0, messages = 0;

	memset(script, 0, sizeof(*script));
	if (!load(script, path))
		return EXIT_USAGE;
	while (at < script->length) {
		const char *text = script->text + at;
		const char *newline = memchr(text, '\n', script->length - at);
		size_t length = newline ? (size_t)(newline - text) : script->length - at;
		struct word words[6];
		struct action_line parsed;
		size_t n;

		line++;
		at += length + (newline != NULL);
		n = split(text, length, words);
		if (n == 0)
			continue;
		if (!parse_words(script, line, words, n, &parsed)) {
			if (++messages == MAX_MESSAGES) {
				fprintf(stderr, "%s: error: stopped after %d errors\n", script->name, MAX_MESSAGES);
				return EXIT_FINDING;
			}
			continue;
		}
		if (script->n == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			script->lines = allocate(script->lines, capacity, sizeof(*script->lines));
		}
		script->lines[script->n++] = parsed;
	}
	return messages ? EXIT_FINDING : EXIT_FINE;
}

void script_free(struct script *script)
{
	free(script->text);
	free(script->lines);
	memset(script, 0, sizeof(*script));
}

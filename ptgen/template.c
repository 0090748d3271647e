/* SPDX-License-Identifier: MIT */
/* template.c - see template.h. */
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NESTING = 16 };

const char template_drop[] = "";

static void defect(const char *what, const char *line, size_t length)
{
	fprintf(stderr, "ptgen: internal error: %s in template line '%.*s'\n", what, (int)length, line);
	exit(70);
}

static const struct template_hole *find_hole(const struct template_set *set, const char *name, size_t *length)
{
	const struct template_hole *best = NULL;

	*length = 0;
	for (const struct template_hole *hole = set->holes; hole->name; hole++) {
		size_t n = strlen(hole->name);

		if (n > *length && strncmp(name, hole->name, n) == 0) {
			best = hole;
			*length = n;
		}
	}
	return best;
}

/* The end of the balanced parenthesis that opens at text. */
static const char *closing(const char *text, const char *end)
{
	int depth = 0;

	for (; text < end; text++) {
		if (*text == '(')
			depth++;
		else if (*text == ')' && --depth == 0)
			return text;
	}
	return NULL;
}

static void put_text(const struct template_set *set, const char *text, const char *end)
{
	while (text < end) {
		const struct template_hole *hole;
		const char *at = memchr(text, '@', (size_t)(end - text)), *close;
		size_t length;

		if (!at)
			at = end;
		fwrite(text, 1, (size_t)(at - text), set->out);
		if (at == end)
			return;
		hole = find_hole(set, at + 1, &length);
		if (!hole)
			defect("an unknown name", at, (size_t)(end - at));
		text = at + 1 + length;
		fputs(hole->value, set->out);
		if (!hole->after)
			continue;
		close = *text == '(' ? closing(text, end) : NULL;
		if (!close)
			defect("a missing argument", at, (size_t)(end - at));
		if (hole->after != template_drop) {
			put_text(set, text + 1, close);
			fputs(hole->after, set->out);
		}
		text = close + 1;
	}
}

static bool flag_of(const struct template_set *set, const char *name, size_t length)
{
	bool negated = *name == '!';

	if (negated) {
		name++;
		length--;
	}
	for (const struct template_flag *flag = set->flags; flag->name; flag++)
		if (strlen(flag->name) == length && strncmp(flag->name, name, length) == 0)
			return flag->value != negated;
	defect("an unknown condition", name, length);
	return false;
}

static void emit_part(const struct template_set *set, const char *name, size_t length)
{
	for (const struct template_part *part = set->parts; part->name; part++)
		if (strlen(part->name) == length && strncmp(part->name, name, length) == 0) {
			part->emit(set->ctx);
			return;
		}
	defect("an unknown part", name, length);
}

static size_t starts(const char *line, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - line) >= n && strncmp(line, word, n) == 0 ? n : 0;
}

void template_run(const struct template_set *set, const char *text)
{
	bool keep[MAX_NESTING] = {true};
	int depth = 0;

	while (*text) {
		const char *end = strchr(text, '\n');
		size_t n;

		if (!end)
			end = text + strlen(text);
		if ((n = starts(text, end, "@if ")) != 0) {
			if (depth + 1 == MAX_NESTING)
				defect("too deep nesting", text, (size_t)(end - text));
			keep[depth + 1] = keep[depth] && flag_of(set, text + n, (size_t)(end - text) - n);
			depth++;
		} else if (starts(text, end, "@else")) {
			keep[depth] = !keep[depth] && (depth == 0 || keep[depth - 1]);
		} else if (starts(text, end, "@end")) {
			depth--;
		} else if (keep[depth] && (n = starts(text, end, "@emit ")) != 0) {
			emit_part(set, text + n, (size_t)(end - text) - n);
		} else if (keep[depth]) {
			put_text(set, text, end);
			fputc('\n', set->out);
		}
		text = *end ? end + 1 : end;
	}
	if (depth != 0)
		defect("an open condition", "", 0);
}

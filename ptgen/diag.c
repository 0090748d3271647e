/* SPDX-License-Identifier: MIT */
/*
 * diag.c - findings as people read them:
 *
 *	arm64.ptd:31:9: error: bits [16] of 'blk2' are used twice [-Wbit-overlap]
 *	   31 |         [20:16] res0;
 *	      |         ^~~~~~~
 *
 * Lines and columns count from 1, columns in characters. The line is shown with tabs expanded, and without characters
 * that a terminal would act on; of a very long line only the part around the finding is shown.
 */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_SHOWN = 100, TAB = 8, SHOWN = 160, BEFORE = 60 };

void find_place(const struct source *source, uint32_t offset, struct place *place)
{
	const char *text = source->text, *stop = text + source->length;
	const char *at = text + (offset < source->length ? offset : source->length);
	const char *c;

	place->line = 1;
	place->column = 1;
	place->start = text;
	for (c = text; c < at; c++) {
		if (*c == '\n') {
			place->line++;
			place->start = c + 1;
		}
	}
	/* Past the last line end there is no line to show: point behind the last one. */
	if (at == stop && place->start == stop && stop > text && stop[-1] == '\n') {
		at--;
		place->line--;
		if (at > text && at[-1] == '\r')
			at--;
		for (c = at; c > text && c[-1] != '\n'; c--)
			;
		place->start = c;
	}
	for (c = place->start; c < at; c++)
		place->column += ((unsigned char)*c & 0xc0) != 0x80;
	for (c = place->start; c < stop && *c != '\n'; c++)
		;
	if (c > place->start && c[-1] == '\r')
		c--;
	/* The byte order mark is no character of the line. */
	if (place->start == text && source->length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		place->start += 3;
		place->column -= at > text;
		if (at < place->start)
			at = place->start;
	}
	place->end = c;
	place->at = at < c ? at : c;
}

int character_bytes(const char *c, const char *end)
{
	unsigned char lead = (unsigned char)*c;
	int bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
	int i;

	if (bytes > end - c)
		return 1;
	for (i = 1; i < bytes; i++)
		if (((unsigned char)c[i] & 0xc0) != 0x80)
			return 1;
	return bytes;
}

static bool harmless(const char *c, int bytes)
{
	unsigned char lead = (unsigned char)*c;

	if (bytes == 1)
		return lead >= 0x20 && lead < 0x7f;
	/* Not the second set of control characters, nor what reverses the direction of writing (U+200E.., U+202A..). */
	if (lead == 0xc2 && (unsigned char)c[1] < 0xa0)
		return false;
	return !(lead == 0xe2 && ((unsigned char)c[1] == 0x80 || (unsigned char)c[1] == 0x81));
}

/* Width on the screen of the text up to `to`, and of one character. */
static int step_width(const char *c, int width)
{
	return *c == '\t' ? TAB - width % TAB : 1;
}

static void paint(const struct context *context, const char *code)
{
	if (context->color)
		fprintf(context->diagnostics, "\033[%sm", code);
}

static void show_line(const struct context *context, const struct place *place, uint32_t length, const char *color)
{
	FILE *out = context->diagnostics;
	const char *until = place->at + length, *c;
	int width = 0, first = 0, last = 0, from, to, i;
	bool cut_front, cut_back = false;

	for (c = place->start; c < place->end; c += character_bytes(c, place->end)) {
		if (c <= place->at)
			first = width;
		width += step_width(c, width);
		if (c < until)
			last = width;
	}
	if (place->at == place->end)
		first = width;
	if (last <= first)
		last = first + 1;
	from = width > SHOWN && first > BEFORE ? first - BEFORE : 0;
	to = from + SHOWN;
	cut_front = from > 0;
	if (last > to)
		last = to;

	fprintf(out, "%5d |%s%s", place->line, place->end > place->start ? " " : "", cut_front ? "..." : "");
	width = 0;
	for (c = place->start; c < place->end; c += character_bytes(c, place->end)) {
		int bytes = character_bytes(c, place->end);
		int step = step_width(c, width);

		if (width >= to) {
			cut_back = true;
			break;
		}
		if (width >= from) {
			if (*c == '\t')
				for (i = 0; i < step; i++)
					fputc(' ', out);
			else if (harmless(c, bytes))
				fwrite(c, 1, (size_t)bytes, out);
			else
				fputc('?', out);
		}
		width += step;
	}
	fprintf(out, "%s\n      | %s", cut_back ? "..." : "", cut_front ? "   " : "");
	for (i = from; i < first; i++)
		fputc(' ', out);
	paint(context, color);
	fputc('^', out);
	for (i = first + 1; i < last; i++)
		fputc('~', out);
	paint(context, "0");
	fputc('\n', out);
}

/* The include lines that led to a file, innermost first. */
static void show_includes(const struct context *context, struct span at)
{
	const char *lead = "In file included from";
	struct span from = context->files.v[at.file].included;

	while (from.file >= 0) {
		const struct source *source = &context->files.v[from.file];
		struct place place;

		find_place(source, from.offset, &place);
		from = source->included;
		fprintf(context->diagnostics, "%s %s:%d%s\n", lead, source->name, place.line,
			from.file >= 0 ? "," : ":");
		lead = "                 from";
	}
}

static void show(struct context *context, struct span at, const char *kind, const char *color, const char *tag,
		 const char *format, va_list arguments)
{
	FILE *out = context->diagnostics;
	const struct source *source = at.file >= 0 ? &context->files.v[at.file] : NULL;
	struct place place = {0};

	if (context->options.json_diagnostics) {
		char *text = arena_vprintf(context->arena, format, arguments);

		if (strcmp(kind, "note") != 0)
			json_finding(context, kind, tag, at, text);
		else
			json_note(context, at, text);
		return;
	}
	if (source) {
		find_place(source, at.offset, &place);
		paint(context, "1");
		fprintf(out, "%s:%d:%d: ", source->name, place.line, place.column);
	}
	paint(context, color);
	fprintf(out, "%s: ", kind);
	paint(context, "0");
	vfprintf(out, format, arguments);
	if (tag)
		fprintf(out, " [-W%s]", tag);
	fputc('\n', out);
	if (source)
		show_line(context, &place, at.length, color);
}

static const char *const check_name[N_CHECKS] = {
#define CHECK(id, name, ...) name,
#include "checks.def"
#undef CHECK
};

void diag(struct context *context, enum check_id check, struct span at, const char *format, ...)
{
	bool error = context->severity[check] == SEVERITY_ERROR;
	va_list arguments;

	context->last_dropped = context->severity[check] == SEVERITY_IGNORED;
	if (context->last_dropped)
		return;
	if (error)
		context->errors++;
	else
		context->warnings++;
	/* Nobody reads more; the end is said with the last one that is shown. */
	if (context->errors + context->warnings == MAX_SHOWN + 1)
		diag_mend(context, "more than %d messages: the rest is not shown", MAX_SHOWN);
	context->last_dropped = context->errors + context->warnings > MAX_SHOWN;
	if (context->last_dropped)
		return;
	if (at.file >= 0 && !context->options.json_diagnostics)
		show_includes(context, at);
	va_start(arguments, format);
	show(context, at, error ? "error" : "warning", error ? "1;31" : "1;35", check_name[check], format, arguments);
	va_end(arguments);
}

void diag_related(struct context *context, struct span at, const char *format, ...)
{
	va_list arguments;

	if (context->last_dropped)
		return;
	va_start(arguments, format);
	show(context, at, "note", "1;36", NULL, format, arguments);
	va_end(arguments);
}

void diag_mend(struct context *context, const char *format, ...)
{
	const struct span nowhere = {.file = -1};
	va_list arguments;

	if (context->last_dropped)
		return;
	va_start(arguments, format);
	show(context, nowhere, "note", "1;36", NULL, format, arguments);
	va_end(arguments);
}

void diag_usage(struct context *context, const char *format, ...)
{
	va_list arguments;

	context->usage_errors++;
	context->last_dropped = false;
	va_start(arguments, format);
	if (context->options.json_diagnostics) {
		json_finding(context, "error", NULL, (struct span){.file = -1},
			     arena_vprintf(context->arena, format, arguments));
		va_end(arguments);
		return;
	}
	fputs("ptgen: ", context->diagnostics);
	vfprintf(context->diagnostics, format, arguments);
	va_end(arguments);
	fputc('\n', context->diagnostics);
}

/* ------------------------------------------------------------------------------------------------------- near names */

enum { LONGEST_NAME = 63 };

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/*
 * Slips that lead from one name to the other: a letter added, left out or replaced, two neighbours swapped. A letter in
 * the wrong case counts nothing: names that differ so alone are the nearest of all.
 */
static int distance(const char *a, int a_length, const char *b, int b_length)
{
	int row[3][LONGEST_NAME + 1];
	int i, j;

	for (j = 0; j <= b_length; j++)
		row[0][j] = j;
	for (i = 1; i <= a_length; i++) {
		int *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

		now[0] = i;
		for (j = 1; j <= b_length; j++) {
			int best = before[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1 < best)
				best = earlier[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[a_length % 3][b_length];
}

const char *near_name(const char *text, const char *const *candidates, int n)
{
	size_t length = strlen(text);
	const char *nearest = NULL;
	int i, best;

	if (!length || length > LONGEST_NAME)
		return NULL;
	/* A third of the letters may be wrong; in short names one, so that two-letter names are not all alike. */
	best = (length < 3 ? 0 : length < 6 ? 1 : (int)length / 3) + 1;
	for (i = 0; i < n; i++) {
		size_t other = candidates[i] ? strlen(candidates[i]) : 0;
		int slips;

		if (!other || other > LONGEST_NAME || !strcmp(candidates[i], text))
			continue;
		slips = distance(text, (int)length, candidates[i], (int)other);
		/* of two letters, one more may have been left off */
		if (length == 2 && other == 3 && !strncmp(text, candidates[i], 2))
			slips = 0;
		if (slips < best) {
			best = slips;
			nearest = candidates[i];
		}
	}
	return nearest;
}

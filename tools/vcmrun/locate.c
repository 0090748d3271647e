/* SPDX-License-Identifier: MIT */
/* locate.c - where in the text a value stands. The text is JSON that was parsed already, so no error can occur here. */
#include "vcmrun.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* From the beginning of a value to behind its end. */
static const char *skip_value(const char *p)
{
	unsigned int depth = 0;

	p = skip_space(p);
	if (*p == '"')
		return skip_string(p);
	if (*p != '{' && *p != '[') {
		while (*p && !strchr(",]} \t\r\n", *p))
			p++;
		return p;
	}
	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (*p && depth);
	return p;
}

/* The value of a member of the object that begins at p; NULL: it has none of that name. */
static const char *find_member(const char *p, const char *key)
{
	size_t length = strlen(key);

	p = skip_space(p);
	if (*p != '{')
		return NULL;
	for (p = skip_space(p + 1); *p == '"';) {
		const char *name = p + 1, *end = skip_string(p), *value = skip_space(skip_space(end) + 1);

		if ((size_t)(end - name) == length + 1 && strncmp(name, key, length) == 0)
			return value;
		p = skip_space(skip_value(value));
		if (*p == ',')
			p = skip_space(p + 1);
	}
	return NULL;
}

static const char *find_element(const char *p, size_t index)
{
	p = skip_space(p);
	if (*p != '[')
		return NULL;
	for (p = skip_space(p + 1); *p && *p != ']'; index--) {
		if (index == 0)
			return p;
		p = skip_space(skip_value(p));
		if (*p == ',')
			p = skip_space(p + 1);
	}
	return NULL;
}

static const char *find(const struct scenario *scenario, const char *list, size_t index, const char *key)
{
	const char *root = scenario->text, *at = list ? find_member(root, list) : root, *element, *member;

	if (!at)
		return root;
	element = list ? find_element(at, index) : at;
	if (!element)
		return at;
	member = key ? find_member(element, key) : NULL;
	return member ? member : element;
}

void locate(const struct scenario *scenario, const char *list, size_t index, const char *key, unsigned int *line,
	    unsigned int *column)
{
	const char *at = find(scenario, list, index, key);

	*line = *column = 1;
	for (const char *p = scenario->text; p < at; p++) {
		++*column;
		if (*p == '\n') {
			++*line;
			*column = 1;
		}
	}
}

bool complain_at(const struct place *place, const char *key, const char *format, ...)
{
	const struct scenario *scenario = place->scenario;
	unsigned int line, column;
	const char *start;
	va_list args;

	locate(scenario, place->list, place->index, key, &line, &column);
	fflush(stdout);
	fprintf(stderr, "%s:%u:%u: error: ", scenario->path, line, column);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	start = find(scenario, place->list, place->index, key) - (column - 1);
	fprintf(stderr, "\n%5u | ", line);
	for (const char *p = start; *p && *p != '\n' && p - start < 160; p++)
		fputc((unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p, stderr);
	if (column <= 160)
		fprintf(stderr, "\n      | %*s^", (int)column - 1, "");
	fputc('\n', stderr);
	return false;
}

/* SPDX-License-Identifier: MIT */
/* report.c - messages, and rights as text. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((format(printf, 2, 0))) say(const char *kind, const char *format, va_list args)
{
	fflush(stdout);
	progress_clear();
	fprintf(stderr, "pttool: %s: ", kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain_about(const char *format, va_list args)
{
	say("error", format, args);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_about(format, args);
	va_end(args);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("note", format, args);
	va_end(args);
}

void suggest(const char *name)
{
	if (name)
		note("did you mean '%s'?", name);
}

bool read_number(const char *option, const char *text, uint64_t *value)
{
	const char *why = parse_number(text, strlen(text), value);

	if (why)
		complain("%s: '%s' is not a number: %s", option, text, why);
	return why == NULL;
}

void *allocate(void *old, size_t members, size_t bytes)
{
	void *p = NULL;

	if (members == 0)
		members = 1;
	if (members <= SIZE_MAX / bytes)
		p = realloc(old, members * bytes);
	if (!p) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	return p;
}

const char *parse_rights(const char *text, size_t length, unsigned int *request, size_t *at)
{
	static const struct {
		unsigned int bit;
		char letter;
		bool memory;
	} letters[] = {
		{PT_READ, 'r', false},	{PT_WRITE, 'w', false},	      {PT_EXEC, 'x', false},
		{PT_PRIV, 'p', false},	{PT_DEVICE, 'd', true},	      {PT_NONCACHED, 'n', true},
		{PT_CACHED, 'c', true}, {PT_NONSHAREABLE, 'l', true}, {PT_GLOBAL, 'g', false},
	};
	unsigned int seen = 0, bits = 0;
	bool memory = false;

	*at = 0;
	if (length == 1 && text[0] == '-') {
		*request = 0;
		return NULL;
	}
	for (size_t i = 0; i < length; i++) {
		unsigned int k = 0;

		*at = i;
		while (k < sizeof(letters) / sizeof(letters[0]) && letters[k].letter != text[i])
			k++;
		if (k == sizeof(letters) / sizeof(letters[0]))
			return "rights are letters of rwx, p (privileged only), d (device) or n (non-cached) or c "
			       "(cached) or l (cached, local: not shareable), g (global); - for none";
		if (seen & (1U << k))
			return "this letter is there twice";
		if (letters[k].memory && memory)
			return "only one of d (device), n (non-cached), c (cached) and l (not shareable) can hold";
		seen |= 1U << k;
		memory |= letters[k].memory;
		bits |= letters[k].bit;
	}
	*request = bits;
	return NULL;
}

static char *put_class(char *out, unsigned int rwx)
{
	if (rwx == 0)
		*out++ = '-';
	if (rwx & PT_RIGHT_PR)
		*out++ = 'r';
	if (rwx & PT_RIGHT_PW)
		*out++ = 'w';
	if (rwx & PT_RIGHT_PX)
		*out++ = 'x';
	return out;
}

const char *format_rights(char text[RIGHTS_LENGTH], unsigned int rights, unsigned int memory)
{
	unsigned int privileged = rights & PT_RIGHT_P, user = (rights & PT_RIGHT_U) >> 3;
	char *out = put_class(text, privileged);

	if (privileged != user && user == 0)
		*out++ = 'p';
	if (privileged != user && user != 0) {
		*out++ = '/';
		out = put_class(out, user);
	}
	if (privileged | user) { /* what cannot be reached has no memory type */
		if (memory == PT_MEMORY_DEVICE)
			*out++ = 'd';
		else if (memory == PT_MEMORY_NONCACHED)
			*out++ = 'n';
		else if (memory == PT_MEMORY_NONSHAREABLE)
			*out++ = 'l';
		else if (memory != PT_MEMORY_CACHED)
			*out++ = '?';
		if (rights & PT_RIGHT_GLOBAL)
			*out++ = 'g';
	}
	*out = '\0';
	return text;
}

const char *format_request(char text[RIGHTS_LENGTH], unsigned int request)
{
	return format_rights(text, pt_request_rights(request), (request & PT_MEMORY_MASK) >> 5);
}

json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

const char *format_bytes(char text[24], uint64_t first, uint64_t last)
{
	if (first == 0 && last == UINT64_MAX)
		return "0x10000000000000000";
	snprintf(text, 24, "0x%" PRIx64, last - first + 1);
	return text;
}

bool parse_range(const char *what, const char *text, uint64_t *first, uint64_t *last)
{
	const char *plus = strchr(text, '+'), *why;
	uint64_t bytes = 1;

	why = parse_number(text, plus ? (size_t)(plus - text) : strlen(text), first);
	if (!why && plus)
		why = parse_number(plus + 1, strlen(plus + 1), &bytes);
	if (!why && bytes == 0)
		why = "SIZE is 0";
	if (!why && bytes - 1 > UINT64_MAX - *first)
		why = "it reaches beyond the last 64-bit address";
	if (why) {
		complain("%s is not %s or %s+SIZE: %s", text, what, what, why);
		return false;
	}
	*last = *first + (bytes - 1);
	return true;
}

void stream_item(struct json_stream *stream, json_t *object)
{
	printf("%s\n    ", stream->n++ ? "," : "");
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
}

void stream_end(const struct json_stream *stream)
{
	if (stream->n)
		fputs("\n  ", stdout);
}

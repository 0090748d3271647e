/* SPDX-License-Identifier: MIT */
/* report.c - messages, near names, numbers and rights as text. */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *kind, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "pttool: %s: ", kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("error", format, args);
	va_end(args);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("note", format, args);
	va_end(args);
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

/* Edit distance with swaps of neighbours, up to 31 characters. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t row[3][32];

	if (n > 31 || m > 31)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

const char *near_name(const char *name, size_t n, const char *(*get)(const void *ctx, size_t i), const void *ctx)
{
	size_t length = strlen(name), best = 1 + length / 3;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(name, get(ctx, i));

		if (d <= best && (d < best || !found)) {
			best = d;
			found = get(ctx, i);
		}
	}
	if (found || length < 3)
		return found;
	/* a beginning, like "arm64" */
	for (size_t i = 0; i < n; i++)
		if (strncmp(name, get(ctx, i), length) == 0)
			return get(ctx, i);
	return NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

const char *parse_number(const char *text, size_t length, uint64_t *value)
{
	static const char how[] = "numbers are as in C (10, 0x1000, 0b11), with K, M, G or T for binary multiples";
	uint64_t base = 10, number = 0;
	size_t i = 0, digits = 0;
	unsigned int shift = 0;

	if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	} else if (length > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B')) {
		base = 2;
		i = 2;
	} else if (length > 1 && text[0] == '0') {
		base = 8;
	}
	for (; i < length && (uint64_t)digit(text[i]) < base; i++, digits++) {
		uint64_t d = (uint64_t)digit(text[i]);

		if (number > (UINT64_MAX - d) / base)
			return "it does not fit into 64 bits";
		number = number * base + d;
	}
	if (digits == 0)
		return how;
	if (i + 1 == length) {
		switch (text[i]) {
		case 'k':
		case 'K': shift = 10; break;
		case 'm':
		case 'M': shift = 20; break;
		case 'g':
		case 'G': shift = 30; break;
		case 't':
		case 'T': shift = 40; break;
		default: return how;
		}
		i++;
	}
	if (i != length)
		return how;
	if (number > UINT64_MAX >> shift)
		return "it does not fit into 64 bits";
	*value = number << shift;
	return NULL;
}

const char *parse_rights(const char *text, size_t length, unsigned int *request, size_t *at)
{
	static const struct {
		unsigned int bit;
		char letter;
		bool memory;
	} letters[] = {
		{PT_READ, 'r', false},	{PT_WRITE, 'w', false},	   {PT_EXEC, 'x', false},  {PT_PRIV, 'p', false},
		{PT_DEVICE, 'd', true}, {PT_NONCACHED, 'n', true}, {PT_CACHED, 'c', true}, {PT_GLOBAL, 'g', false},
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
			       "(cached), "
			       "g (global); - for none";
		if (seen & (1U << k))
			return "this letter is there twice";
		if (letters[k].memory && memory)
			return "only one of d (device), n (non-cached) and c (cached) can hold";
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

/* SPDX-License-Identifier: MIT */
/* text.c - near names and numbers, for what people type. */
#include "common/text.h"

#include <string.h>

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

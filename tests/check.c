/* SPDX-License-Identifier: MIT */
/* check.c - the parts of test.h that both front ends share. */
#include "test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void test_equal(const char *file, int line, const char *a_text, const char *b_text, uintmax_t a, uintmax_t b)
{
	if (a != b)
		test_fail(file, line,
			  "%s is %" PRIdMAX " (0x%" PRIxMAX "), expected %s = %" PRIdMAX " (0x%" PRIxMAX ")", a_text,
			  (intmax_t)a, a, b_text, (intmax_t)b, b);
}

void test_string_equal(const char *file, int line, const char *a_text, const char *b_text, const char *a, const char *b)
{
	if (a == b || (a && b && strcmp(a, b) == 0))
		return;
	test_fail(file, line, "%s and %s differ\n  actual:   %s\n  expected: %s", a_text, b_text, a ? a : "(null)",
		  b ? b : "(null)");
}

void test_memory_equal(const char *file, int line, const char *a_text, const char *b_text, const void *a, const void *b,
		       size_t bytes)
{
	const unsigned char *left = a, *right = b;

	for (size_t i = 0; i < bytes; i++)
		if (left[i] != right[i])
			test_fail(file, line, "%s and %s differ at byte %zu of %zu: 0x%02x, expected 0x%02x", a_text,
				  b_text, i, bytes, left[i], right[i]);
}

uint64_t test_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("TEST_SEED");

	if (seed)
		return seed;
	if (text && *text) {
		seed = strtoull(text, NULL, 0);
	} else {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		seed = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	}
	if (seed == 0)
		seed = 1;
	return seed;
}

uint64_t test_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

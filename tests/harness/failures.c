/* SPDX-License-Identifier: MIT */
/*
 * failures.c - tests that fail in every way a test can fail. tests/run-harness runs them and checks that each one is
 * reported: a harness that cannot fail proves nothing.
 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TEST(fine, passes)
{
	CHECK(1 + 1 == 2);
	CHECK_EQ(2 * 21, 42);
	CHECK_STR_EQ("a", "a");
}

TEST(fine, is_skipped)
{
	test_skip("nothing is missing, this is the test of a skip");
}

TEST(bad, condition)
{
	volatile int two = 2;

	CHECK(two == 3);
	_exit(0); /* a check that does not leave the test would make it pass */
}

TEST(bad, numbers)
{
	CHECK_EQ(0x1000 + 1, 0x1000);
}

TEST(bad, strings)
{
	CHECK_STR_EQ("left", "right");
}

TEST(bad, memory)
{
	CHECK_MEM_EQ("abcd", "abce", 4);
}

TEST(bad, crash)
{
	raise(SIGSEGV);
}

TEST(bad, exits)
{
	exit(3);
}

static size_t n_colours(void)
{
	return 3;
}

static const char *colour(size_t each)
{
	static const char *const names[] = {"red", "green", "blue"};

	return names[each];
}

TEST_EACH(each, colour, n_colours, colour)
{
	CHECK_MSG(strcmp(colour(each), "green") != 0, "%s is green", colour(each));
}

/* Found by a leak checker only. */
TEST(leak, memory)
{
	void *volatile kept = malloc(1000);

	CHECK(kept != NULL);
	kept = NULL;
}

TEST(hang, for_ever)
{
	for (;;)
		pause();
}

/* SPDX-License-Identifier: MIT */
/*
 * test.h - how tests are written: plain functions in tables, run by either of two front ends.
 *
 *	TEST(suite, name)
 *	{
 *		CHECK(condition);
 *		CHECK_EQ(actual, expected);
 *	}
 *
 * One definition serves both: compiled with TEST_CRITERION it becomes a Criterion test, else it is put in a table for
 * runner.c, which also runs where Criterion does not (sanitizers, valgrind, other hosts).
 * A check that fails leaves the test at once; the process of the test ends there, so tests need no clean-up paths
 * (--no-fork, for debuggers, leaks what a failed test held).
 *
 * The same test for each member of a list, counted one by one:
 *
 *	TEST_EACH(suite, name, count, label)
 *	{
 *		... uses `each`, 0 <= each < count()
 *	}
 *
 * with size_t count(void) and const char *label(size_t each), declared before.
 *
 * Random tests take their seed from test_seed(): printed when the test fails, and set by TEST_SEED in the environment.
 */
#ifndef PTGEN_TESTS_TEST_H
#define PTGEN_TESTS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the test as failed. The message says what was expected and what was there. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Ends the test as skipped: something that only this test needs is missing. Say what, and how to get it. */
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The seed of this run; the same for every call in one process. */
uint64_t test_seed(void);

/* The next number of a sequence (splitmix64); *state is any number, for example test_seed(). */
uint64_t test_random(uint64_t *state);

/* What the macros below call. */
void test_equal(const char *file, int line, const char *a_text, const char *b_text, uintmax_t a, uintmax_t b);
void test_string_equal(const char *file, int line, const char *a_text, const char *b_text, const char *a,
		       const char *b);
void test_memory_equal(const char *file, int line, const char *a_text, const char *b_text, const void *a, const void *b,
		       size_t bytes);

#define CHECK(condition)                                                          \
	do {                                                                      \
		if (!(condition))                                                 \
			test_fail(__FILE__, __LINE__, "%s is false", #condition); \
	} while (0)

/* CHECK_MSG(condition, format, ...): says more when it fails. */
#define CHECK_MSG(condition, ...)                                   \
	do {                                                        \
		if (!(condition))                                   \
			test_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/* Two integers of any type; compared as 64-bit values. */
#define CHECK_EQ(actual, expected) \
	test_equal(__FILE__, __LINE__, #actual, #expected, (uintmax_t)(actual), (uintmax_t)(expected))

#define CHECK_STR_EQ(actual, expected) test_string_equal(__FILE__, __LINE__, #actual, #expected, (actual), (expected))

#define CHECK_MEM_EQ(actual, expected, bytes) \
	test_memory_equal(__FILE__, __LINE__, #actual, #expected, (actual), (expected), (bytes))

#ifdef TEST_CRITERION

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

/* Criterion's parameters for a TEST_EACH: the numbers 0 to n - 1. */
struct criterion_test_params test_criterion_numbers(size_t n);

/* Called first in each test: starts the clock, and remembers which member of a list is tested (or NULL). */
void test_criterion_start(const char *label);

#define TEST(suite, name)                        \
	static void test_##suite##_##name(void); \
	Test(suite, name)                        \
	{                                        \
		test_criterion_start(NULL);      \
		test_##suite##_##name();         \
	}                                        \
	static void test_##suite##_##name(void)

#define TEST_EACH(suite, name, count, label)            \
	static void test_##suite##_##name(size_t each); \
	ParameterizedTestParameters(suite, name)        \
	{                                               \
		return test_criterion_numbers(count()); \
	}                                               \
	ParameterizedTest(size_t *each, suite, name)    \
	{                                               \
		test_criterion_start(label(*each));     \
		test_##suite##_##name(*each);           \
	}                                               \
	static void test_##suite##_##name(size_t each)

#else

struct test_case {
	struct test_case *next;
	const char *suite, *name, *file;
	void (*run)(size_t each);
	size_t (*count)(void);		   /* NULL: one test */
	const char *(*label)(size_t each); /* of the members */
};

void test_register(struct test_case *test);

#define TEST_DEFINE(suite_, name_, count_, label_)                                      \
	static void test_##suite_##_##name_(size_t each);                               \
	__attribute__((constructor)) static void test_register_##suite_##_##name_(void) \
	{                                                                               \
		static struct test_case test = {                                        \
			.suite = #suite_,                                               \
			.name = #name_,                                                 \
			.file = __FILE__,                                               \
			.run = test_##suite_##_##name_,                                 \
			.count = count_,                                                \
			.label = label_,                                                \
		};                                                                      \
		test_register(&test);                                                   \
	}                                                                               \
	static void test_##suite_##_##name_(__attribute__((unused)) size_t each)

#define TEST(suite, name)		     TEST_DEFINE(suite, name, NULL, NULL)
#define TEST_EACH(suite, name, count, label) TEST_DEFINE(suite, name, count, label)

#endif

#endif

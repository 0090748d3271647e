/* SPDX-License-Identifier: MIT */
/*
 * test_selftest.c - the generated self-test of every format, made-up ones included. It runs here, and by
 * tests/run-selftests on hosts of other word sizes and byte orders.
 */
#include "test.h"

#define SELFTEST(format)                                    \
	int format##_selftest(uint64_t where[3]);           \
	extern const char *const format##_selftest_names[]; \
	extern const int format##_selftest_count;
#include "selftest/list.h"
#undef SELFTEST

static const struct selftest {
	const char *format;
	int (*run)(uint64_t where[3]);
	const char *const *names;
	const int *count;
} selftests[] = {
#define SELFTEST(format) {#format, format##_selftest, format##_selftest_names, &format##_selftest_count},
#include "selftest/list.h"
#undef SELFTEST
};

static size_t count_selftests(void)
{
	return sizeof(selftests) / sizeof(selftests[0]);
}

static const char *label_selftest(size_t each)
{
	return selftests[each].format;
}

TEST_EACH(selftest, passes, count_selftests, label_selftest)
{
	const struct selftest *test = &selftests[each];
	uint64_t where[3] = {0, 0, 0};
	int failed = test->run(where);

	if (*test->count == 0)
		test_skip("%s: %s", test->format, test->names[0]);
	CHECK_MSG(failed == 0, "%s: check %d of %d, %s: at %#llx it is %#llx, expected %#llx", test->format, failed,
		  *test->count, test->names[failed ? failed - 1 : 0], (unsigned long long)where[0],
		  (unsigned long long)where[1], (unsigned long long)where[2]);
}

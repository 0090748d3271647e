/* SPDX-License-Identifier: MIT */
/* criterion.c - the Criterion front end of test.h: what a failed check does there. Criterion brings main(). */
#include "test.h"

#include <criterion/abort.h>
#include <criterion/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *current_label;

/* Says why before the default action of the signal, which Criterion calls a crash. */
static void out_of_time(int number)
{
	static const char text[] = "the test took longer than TEST_TIMEOUT allows (300 seconds if it is not set)\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	signal(number, SIG_DFL);
	raise(number);
}

void test_criterion_start(const char *label)
{
	const char *seconds = getenv("TEST_TIMEOUT");

	current_label = label;
	signal(SIGALRM, out_of_time);
	alarm(seconds ? (unsigned int)strtoul(seconds, NULL, 10)
		      : 300); /* Criterion's own limit does not end a sleeper */
}

struct criterion_test_params test_criterion_numbers(size_t n)
{
	size_t *numbers;

	if (n == 0) { /* a list that lost its members must not read as success */
		fprintf(stderr, "a list that a test is run over is empty\n");
		abort();
	}
	numbers = cr_malloc(n * sizeof(*numbers));
	for (size_t i = 0; i < n; i++)
		numbers[i] = i;
	return cr_make_param_array(size_t, numbers, n, NULL);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	char text[2048], message[2304];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (current_label)
		snprintf(message, sizeof(message), "[%s] %s (TEST_SEED=%" PRIu64 ")", current_label, text, test_seed());
	else
		snprintf(message, sizeof(message), "%s (TEST_SEED=%" PRIu64 ")", text, test_seed());
	criterion_send_assert(&(struct criterion_assert_stats){
		.message = message,
		.passed = false,
		.line = (unsigned int)line,
		.file = file,
	});
	criterion_abort_test();
}

void test_skip(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cr_skip_test("%s", text);
	__builtin_unreachable();
}

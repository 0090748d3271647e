/* SPDX-License-Identifier: MIT */
/*
 * runner.c - the small front end of test.h.
 *
 * Each test runs in a process of its own, so that a crash, a hang, an endless allocation or a leak that a sanitizer
 * finds at exit is the failure of that test. --no-fork keeps all in one process, for debuggers.
 */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit statuses of the process of a test; any other one means that the test died (a sanitizer, exit()). */
enum { PASSED = 0, FAILED = 101, SKIPPED = 102 };

static struct test_case *first_test, **last_test = &first_test;
static jmp_buf leave;
static bool forked = true, verbose, list;
static const char *program;
static unsigned int seconds = 300;
static unsigned int n_passed, n_failed, n_skipped;

void test_register(struct test_case *test)
{
	*last_test = test;
	last_test = &test->next;
}

static _Noreturn void end(int status)
{
	if (!forked)
		longjmp(leave, status);
	fflush(NULL);
	_exit(status);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n  seed: TEST_SEED=%" PRIu64 "\n", test_seed());
	end(FAILED);
}

void test_skip(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "SKIPPED: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	end(SKIPPED);
}

/* Runs one test; returns PASSED, FAILED or SKIPPED. */
static int run_here(const struct test_case *test, size_t each)
{
	int status = setjmp(leave);

	if (status == 0)
		test->run(each);
	return status;
}

static int run_forked(const struct test_case *test, size_t each)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "%s: fork: %s\n", program, strerror(errno));
		exit(2);
	}
	if (child == 0) {
		alarm(seconds);
		test->run(each);
		exit(PASSED); /* not _exit(): a leak checker looks here */
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			exit(2);
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM)
			fprintf(stderr, "%s: the test took longer than %u seconds\n", test->file, seconds);
		else
			fprintf(stderr, "%s: the test died of signal %d (%s)\n", test->file, WTERMSIG(status),
				strsignal(WTERMSIG(status)));
		return FAILED;
	}
	status = WEXITSTATUS(status);
	if (status != PASSED && status != FAILED && status != SKIPPED) {
		fprintf(stderr, "%s: the test ended its process with exit status %d (a leak, if a sanitizer says so)\n",
			test->file, status);
		return FAILED;
	}
	return status;
}

static bool wanted(const char *id, char *const *filters, int n_filters)
{
	for (int i = 0; i < n_filters; i++) {
		size_t length = strlen(filters[i]);

		/* a whole suite, a whole test, or one member of it */
		if (strncmp(id, filters[i], length) == 0 &&
		    (id[length] == '\0' || id[length] == '.' || id[length] == '['))
			return true;
	}
	return n_filters == 0;
}

static void run(const struct test_case *test, size_t each, const char *id)
{
	int status = forked ? run_forked(test, each) : run_here(test, each);

	if (status == PASSED) {
		n_passed++;
		if (verbose)
			printf("passed  %s\n", id);
	} else if (status == SKIPPED) {
		n_skipped++;
		printf("SKIPPED %s\n", id);
	} else {
		n_failed++;
		printf("FAILED  %s\n  rerun: %s '%s'\n", id, program, id);
	}
}

static int usage(FILE *out)
{
	fprintf(out,
		"usage: %s [OPTION]... [SUITE | SUITE.NAME | SUITE.NAME[MEMBER]]...\n"
		"  --list         list the tests and stop\n"
		"  --no-fork      run all in this process (for debuggers)\n"
		"  --timeout N    seconds that one test may take (%u; 0: no limit)\n"
		"  -v, --verbose  name the tests that passed, too\n"
		"Environment: TEST_SEED, the seed of random tests; TEST_TIMEOUT, as --timeout.\n",
		program, seconds);
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *limit = getenv("TEST_TIMEOUT");
	unsigned int n_matched = 0;
	int i;

	program = argv[0];
	if (limit)
		seconds = (unsigned int)strtoul(limit, NULL, 10);
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--list") == 0)
			list = true;
		else if (strcmp(argv[i], "--no-fork") == 0)
			forked = false;
		else if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc)
			seconds = (unsigned int)strtoul(argv[++i], NULL, 10);
		else
			return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct test_case *test = first_test; test; test = test->next) {
		size_t n = test->count ? test->count() : 1;

		if (n == 0) { /* a list that lost its members must not read as success */
			printf("FAILED  %s.%s: the list that it is run over is empty\n", test->suite, test->name);
			n_failed++;
			n_matched++;
		}
		for (size_t each = 0; each < n; each++) {
			char id[256];

			if (test->label)
				snprintf(id, sizeof(id), "%s.%s[%s]", test->suite, test->name, test->label(each));
			else
				snprintf(id, sizeof(id), "%s.%s", test->suite, test->name);
			if (!wanted(id, argv + i, argc - i))
				continue;
			n_matched++;
			if (list)
				printf("%s\n", id);
			else
				run(test, each, id);
		}
	}
	if (n_matched == 0) {
		fprintf(stderr, "%s: no test has that name (--list shows all)\n", program);
		return 2;
	}
	if (list)
		return 0;
	if (n_skipped)
		printf("%u passed, %u failed, %u skipped\n", n_passed, n_failed, n_skipped);
	else
		printf("%u passed, %u failed\n", n_passed, n_failed);
	return n_failed ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/* emulator.c - starting and ending emulators; files without names; what happens when something goes wrong. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machines.h"

static void print_and_exit(const char *message)
{
	fprintf(stderr, "%s\n", message);
	exit(1);
}

void (*machines_on_failure)(const char *message) = print_and_exit;

void machines_fail(const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	machines_on_failure(text);
	abort(); /* it has to end */
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int nameless_file(const char *name, const void *bytes, size_t n, char path[32])
{
	int fd = memfd_create(name, 0); /* not closed by exec: the emulator opens it by its number */

	if (fd < 0)
		machines_fail("memfd_create: %s", strerror(errno));
	if (n && write(fd, bytes, n) != (ssize_t)n)
		machines_fail("writing to the file '%s': %s", name, strerror(errno));
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

bool emulator_installed(const char *program)
{
	const char *at = getenv("PATH");
	char path[4096];

	while (at && *at) {
		size_t length = strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)length, at, program);
		if (access(path, X_OK) == 0)
			return true;
		at += length + (at[length] == ':');
	}
	return false;
}

static void start(struct emulator *emulator, const char *program, const char *const *arguments)
{
	char *argv[EMULATOR_MAX_ARGUMENTS + 2];
	pid_t parent = getpid();
	char path[32];
	int n = 0;

	argv[n++] = strdup(program);
	for (; arguments[n - 1]; n++) {
		if (n == EMULATOR_MAX_ARGUMENTS)
			machines_fail("%s has more than %d arguments", program, EMULATOR_MAX_ARGUMENTS);
		argv[n] = strdup(arguments[n - 1]);
	}
	argv[n] = NULL;
	emulator->program = program;
	emulator->messages = nameless_file("messages", NULL, 0, path);
	fflush(NULL);
	emulator->pid = fork();
	if (emulator->pid < 0)
		machines_fail("fork: %s", strerror(errno));
	if (emulator->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		/* However this process ends, the emulator ends with it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		signal(SIGALRM, SIG_DFL);
		dup2(null, 0);
		dup2(emulator->messages, 1);
		dup2(emulator->messages, 2);
		execvp(program, argv);
		_exit(127);
	}
	for (int i = 0; i < n; i++)
		free(argv[i]);
}

void emulator_end(struct emulator *emulator)
{
	if (emulator->pid > 0) {
		kill(emulator->pid, SIGKILL);
		while (waitpid(emulator->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	emulator->pid = 0;
	close(emulator->messages);
}

/* What the emulator printed, the last of it. */
static const char *messages(const struct emulator *emulator)
{
	static char text[2048];
	off_t end = lseek(emulator->messages, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0;
	ssize_t n = pread(emulator->messages, text, sizeof(text) - 1, from);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? text : "(nothing)";
}

void emulator_check(struct emulator *emulator, const char *doing)
{
	int status;

	if (waitpid(emulator->pid, &status, WNOHANG) != emulator->pid)
		return;
	emulator->pid = 0;
	machines_fail("%s ended (status 0x%x) while this waited for %s; it printed:\n%s", emulator->program,
		      (unsigned int)status, doing, messages(emulator));
}

void emulator_timeout(struct emulator *emulator, const char *doing)
{
	machines_fail("%s did not answer within %d seconds: %s; it printed:\n%s", emulator->program, DEADLINE_SECONDS,
		      doing, messages(emulator));
}

void emulator_start(struct emulator *emulator, const char *program, const char *machine, const char *memory,
		    uint64_t bytes, const char *const *more)
{
	char object[512], megabytes[32], type[128];
	const char *arguments[EMULATOR_MAX_ARGUMENTS] = {"-machine", type,	    "-m",	megabytes, "-object",
							 object,     "-nodefaults", "-display", "none",	   "-serial",
							 "none",     "-monitor",    "none",	"-accel",  "tcg"};
	unsigned int n = 15;

	snprintf(type, sizeof(type), "%s,memory-backend=ram0", machine);
	snprintf(megabytes, sizeof(megabytes), "%" PRIu64 "M", bytes >> 20);
	snprintf(object, sizeof(object), "memory-backend-file,id=ram0,size=%s,mem-path=%s,share=on", megabytes, memory);
	for (; *more && n + 1 < EMULATOR_MAX_ARGUMENTS; more++)
		arguments[n++] = *more;
	arguments[n] = NULL;
	start(emulator, program, arguments);
}

/* SPDX-License-Identifier: MIT */
/* record.c - results, one line each: what tools/verification makes the table of. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle.h"

/*
 * Fields are separated by tabs: state, format, configuration, oracle, check, cases, what was counted as a gap, what the
 * model does not do. Several processes append: a line is one write.
 */
static void append_line(const char *path, const char *line, int n, size_t room)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	CHECK_MSG(fd >= 0 && n > 0 && (size_t)n < room && write(fd, line, (size_t)n) == n, "%s: cannot append", path);
	close(fd);
}

static void append(const struct trial *trial, const char *state)
{
	const char *path = getenv("ORACLE_RECORDS"), *configuration = strchr(trial->label, ' ');
	char line[2048], gaps[512] = "";
	size_t at = 0;
	int n;

	if (!path)
		return;
	for (unsigned int i = 0; i < MAX_GAPS && trial->gap[i].name && at < sizeof(gaps); i++)
		at += (size_t)snprintf(gaps + at, sizeof(gaps) - at, "%s%s: %" PRIu64, i ? "; " : "",
				       trial->gap[i].name, trial->gap[i].n);
	n = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s\t%s\t%" PRIu64 "\t%s\t%s\n", state,
		     trial->configuration->format, configuration ? configuration + 1 : "", trial->class->oracle,
		     trial->check, trial->n_cases, gaps, trial->class->not_modelled);
	append_line(path, line, n, sizeof(line));
}

void record_unwalked(const char *format, const char *reason)
{
	const char *path = getenv("ORACLE_RECORDS");
	char line[2048];

	if (path)
		append_line(path, line, snprintf(line, sizeof(line), "none\t%s\t\t\t\t0\t\t%s\n", format, reason),
			    sizeof(line));
}

void record_begin(const struct trial *trial)
{
	append(trial, "begun");
}

void record_end(const struct trial *trial, const char *result)
{
	append(trial, result);
}

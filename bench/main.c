/* SPDX-License-Identifier: MIT */
/* main.c - the benchmark: options, passes, reports. README.md says what is measured and how to read it. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL ((size_t)256 << 20)

static const char usage[] =
	"usage: bench [--passes N] [--json FILE] [--plot FILE] [--only NAME]...\n"
	"  --passes N   passes over everything, 1 to 101 (11); the rows over 64G take every fourth\n"
	"  --only NAME  only subjects of this name, or of this build (kernel-like, native, clang); may be repeated\n"
	"  --json FILE  write all results, see bench/README.md\n"
	"  --plot FILE  draw the rows as SVG (needs gnuplot)\n";

static bool wanted(const struct subject *subject, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], subject->name) == 0 || strcmp(names[i], subject->build) == 0)
			return true;
	return n == 0;
}

static void take(struct results *results, const struct subject *const *list, char **names, int n)
{
	for (; *list; list++)
		if (wanted(*list, names, n) && results->n_subjects < MAX_SUBJECTS)
			results->subject[results->n_subjects++] = *list;
}

int main(int argc, char **argv)
{
	static const struct subject *const *const lists[] = {BENCH_LISTS};
	static struct results results;
	const char *json = NULL, *plot = NULL;
	char *names[MAX_SUBJECTS] = {NULL};
	int n_names = 0;
	long passes = 11;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		char *end = NULL;

		if (value && strcmp(argv[i], "--passes") == 0) {
			passes = strtol(value, &end, 10);
			if (*end || passes < 1 || passes > MAX_PASSES) {
				fprintf(stderr, "bench: --passes %s: a number from 1 to %d\n", value, MAX_PASSES);
				return 2;
			}
		} else if (value && strcmp(argv[i], "--json") == 0) {
			json = value;
		} else if (value && strcmp(argv[i], "--plot") == 0) {
			plot = value;
		} else if (value && strcmp(argv[i], "--only") == 0 && n_names < MAX_SUBJECTS) {
			names[n_names++] = argv[i + 1];
		} else {
			fputs(usage, stderr);
			return 2;
		}
		i++;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		take(&results, lists[i], names, n_names);
	if (results.n_subjects == 0) {
		fprintf(stderr, "bench: no subject of that name: --only %s\n", n_names ? names[0] : "was not given");
		return 2;
	}
	results.n_passes = (int)passes;
	results.ns = malloc(N_ROWS * sizeof(results.ns[0]));
	if (!results.ns)
		bench_fail("memory for results");
	for (int row = 0; row < N_ROWS; row++)
		for (size_t k = 0; k < MAX_SUBJECTS; k++)
			for (int pass = 0; pass < MAX_PASSES; pass++)
				results.ns[row][k][pass] = -1;
	pool_open(POOL);
	for (int pass = -1; pass < passes; pass++) { /* the first one warms up */
		fprintf(stderr, "\rbench: pass %d of %ld ", pass + 1, passes);
		rows_pass(&results, pass, pass >= 0 && pass % 4 == 0);
	}
	fputs("\r                        \r", stderr);
	report_print(&results);
	return (json && !report_json(&results, json)) || (plot && !report_plot(&results, plot));
}

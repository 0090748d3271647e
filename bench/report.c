/* SPDX-License-Identifier: MIT */
/* report.c - the results: a table on the terminal, JSON, a drawing. */
#include "rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key, *text, *unit;
} rows[N_ROWS] = {
#define ROW(identifier, key, text, unit) {key, text, unit},
	ROWS(ROW)
#undef ROW
};

/*
 * What the generated code is held to (issue of the project, repeated in docs/performance.md): at most `bound` times the
 * time of the mapper written by hand, at least `peer` times as fast as the best code of the kernel, any format and
 * build; 0: not said. `than`: at least `times` as fast as that one.
 */
static const struct {
	enum row row;
	double bound, peer, times;
	const char *than;
} targets[] = {
	{ROW_MAP_1, 1.25, 2, 3.5, "io-pgtable-arm"},
	{ROW_UNMAP_1, 1.25, 0, 3, "io-pgtable-arm"},
	{ROW_UNMAP_1_RANDOM, 0, 0, 1, "AMD v2"},
	{ROW_MAP_512, 0.8, 4, 0, NULL},
	{ROW_MAP_512_FRESH, 1.15, 5, 0, NULL},
	{ROW_UNMAP_511, 1, 2.5, 0, NULL},
	{ROW_UNMAP_512_TRUSTED, 0, 0, 1, "Intel"},
	{ROW_MAP_BLOCK, 1.3, 2, 0, NULL},
	{ROW_EMPTY_1G, 1.15, 5, 0, NULL},
	{ROW_LOOKUP_HOT, 1.15, 1.1, 0, NULL},
	{ROW_LOOKUP_CHAIN, 1.05, 1, 0, NULL},
	{ROW_LOOKUP_64G, 1.1, 1.2, 0, NULL},
	{ROW_SEGMENTS, 1.2, 2.2, 0, NULL},
	{ROW_DIRTY_CLEAN, 1.2, 6, 0, NULL},
	{ROW_DIRTY_ALL, 1.1, 1.3, 0, NULL},
};

#define N_TARGETS (sizeof(targets) / sizeof(targets[0]))

/* The row that a subject of the kernel does instead: it has no such flag. */
static enum row peer_row(enum row row)
{
	return row == ROW_UNMAP_512_TRUSTED ? ROW_UNMAP_512 : row;
}

/* Median of the subject of that kind, name and build (NULL: the fastest of all); < 0: there is none. who: which it was.
 */
static double best(const struct results *results, enum row row, enum kind kind, const char *name, const char *build,
		   const struct subject **who)
{
	double least = -1;

	for (size_t k = 0; k < results->n_subjects; k++) {
		const struct subject *s = results->subject[k];
		double median, low, high;

		if (s->kind != kind || (name && strcmp(s->name, name) != 0) ||
		    (build && strcmp(s->build, build) != 0) || !rows_median(results, row, k, &median, &low, &high))
			continue;
		if (least < 0 || median < least) {
			least = median;
			if (who)
				*who = s;
		}
	}
	return least;
}

static void print_number(double ns)
{
	if (ns < 0)
		printf(" %9s", "-");
	else
		printf(" %9.*f", ns < 10 ? 2 : ns < 100 ? 1 : 0, ns);
}

static void print_ratio(double ns, double to)
{
	if (ns < 0 || to < 0)
		printf(" %6s", "-");
	else
		printf(" %5.2fx", ns / to);
}

/* x86_64, against everybody. */
static void print_main(const struct results *results)
{
	printf("ptgen x86_64, ns; kernel-like: gcc -O2 with general registers only\n"
	       "%-46s %-7s %9s %9s %9s %6s %9s %6s  %s\n",
	       "", "per", "ptgen", "limit", "by hand", "ratio", "kernel", "faster", "which kernel code, which build");
	for (enum row row = 0; row < N_ROWS; row++) {
		const struct subject *who = NULL;
		double ours = best(results, row, OURS, "x86_64", "kernel-like", NULL);
		double hand = best(results, row, HAND, NULL, "kernel-like", NULL);
		double peer = best(results, peer_row(row), KERNEL, NULL, NULL, &who);

		printf("%-46s %-7s", rows[row].text, rows[row].unit);
		print_number(ours);
		print_number(best(results, row, LIMIT, NULL, "kernel-like", NULL));
		print_number(hand);
		print_ratio(ours, hand);
		print_number(peer);
		print_ratio(peer, ours);
		if (who)
			printf("  %s, %s", who->name, who->build);
		putchar('\n');
	}
}

/* Every format beside the kernel's code for it. */
static void print_formats(const struct results *results)
{
	static const char *const formats[] = {"x86_64", "arm64_s1",    "vtd_second_stage",
					      "amd_v1", "armv7_short", "riscv_sv39_57"};

	printf("\nptgen for each format, and the kernel's code for the same one; both kernel-like, ns\n%-19s", "");
	for (size_t f = 0; f < 6; f++)
		printf(" %16s", formats[f]);
	putchar('\n');
	for (enum row row = 0; row < N_ROWS; row++) {
		printf("%-19s", rows[row].key);
		for (size_t f = 0; f < 6; f++) {
			double peer = -1, ours = best(results, row, OURS, formats[f], "kernel-like", NULL);

			for (size_t k = 0; k < results->n_subjects; k++)
				if (results->subject[k]->kind == KERNEL &&
				    strcmp(results->subject[k]->format, formats[f]) == 0 && peer < 0)
					peer = best(results, peer_row(row), KERNEL, results->subject[k]->name,
						    "kernel-like", NULL);
			printf("  ");
			if (ours < 0)
				printf("%7s", "-");
			else
				printf("%7.*f", ours < 10 ? 2 : ours < 100 ? 1 : 0, ours);
			if (peer < 0)
				printf(" %7s", "-");
			else
				printf(" %7.*f", peer < 10 ? 2 : peer < 100 ? 1 : 0, peer);
		}
		putchar('\n');
	}
}

static void print_builds(const struct results *results)
{
	static const char *const builds[] = {"kernel-like", "native", "clang"};

	printf("\nptgen x86_64 by build, and the mapper written by hand, ns (native: gcc -O3 -march=native; clang: "
	       "-O2)\n%-19s",
	       "");
	for (size_t b = 0; b < 3; b++)
		printf(" %12s %9s %6s", builds[b], "by hand", "limit");
	putchar('\n');
	for (enum row row = 0; row < N_ROWS; row++) {
		printf("%-19s   ", rows[row].key);
		for (size_t b = 0; b < 3; b++) {
			double ours = best(results, row, OURS, "x86_64", builds[b], NULL);

			print_number(ours);
			print_number(best(results, row, HAND, NULL, builds[b], NULL));
			print_number(best(results, row, LIMIT, NULL, builds[b], NULL));
		}
		putchar('\n');
	}
}

static void print_targets(const struct results *results)
{
	unsigned int met = 0, missed = 0;

	puts("\ntargets, ptgen x86_64, kernel-like");
	for (size_t i = 0; i < N_TARGETS; i++) {
		enum row row = targets[i].row;
		double ours = best(results, row, OURS, "x86_64", "kernel-like", NULL);
		const struct {
			double is, limit;
			bool at_most;
			const char *than;
		} parts[] = {
			{ours / best(results, row, HAND, NULL, "kernel-like", NULL), targets[i].bound, true, "by hand"},
			{best(results, peer_row(row), KERNEL, NULL, NULL, NULL) / ours, targets[i].peer, false,
			 "the best code of the kernel"},
			{targets[i].than
				 ? best(results, peer_row(row), KERNEL, targets[i].than, "kernel-like", NULL) / ours
				 : -1,
			 targets[i].times, false, targets[i].than},
		};

		for (size_t k = 0; k < 3; k++) {
			bool good = parts[k].at_most ? parts[k].is <= parts[k].limit : parts[k].is >= parts[k].limit;

			if (ours < 0 || parts[k].limit <= 0 || parts[k].is <= 0)
				continue;
			met += good;
			missed += !good;
			printf("%-8s %-46s %5.2f, %s %.2f %s\n", good ? "met" : "MISSED", rows[row].text, parts[k].is,
			       parts[k].at_most ? "at most" : "at least", parts[k].limit, parts[k].than);
		}
	}
	printf("%u met, %u missed; ratios of one run on one machine. Medians; the JSON has the quartiles.\n", met,
	       missed);
}

/* The first line of a file without its newline; "" where there is none. */
static void first_line(const char *file, const char *prefix, char *line, size_t room)
{
	FILE *in = fopen(file, "r");

	*line = 0;
	while (in && fgets(line, (int)room, in) && strncmp(line, prefix, strlen(prefix)) != 0)
		*line = 0;
	line[strcspn(line, "\n")] = 0;
	if (in)
		fclose(in);
}

void report_print(const struct results *results)
{
	char line[256];

	print_main(results);
	print_formats(results);
	print_builds(results);
	print_targets(results);
	first_line(BENCH_LINUX "/version", "", line, sizeof(line));
	if (*line) {
		printf("kernel: %s, compiled in user space\n", line);
	} else {
		first_line(BENCH_LINUX "/missing", "", line, sizeof(line));
		printf("kernel: not there: %s\n", *line ? line : "not unpacked");
	}
}

bool report_json(const struct results *results, const char *file)
{
	static const char *const kinds[] = {"ptgen", "kernel", "hand", "limit"};
	json_t *array = json_array(), *json;
	char cpu[256], version[256];
	bool good;

	for (enum row row = 0; row < N_ROWS; row++) {
		for (size_t k = 0; k < results->n_subjects; k++) {
			const struct subject *s = results->subject[k];
			double median, low, high;

			if (rows_median(results, row, k, &median, &low, &high))
				json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f}",
								       "row", rows[row].key, "per", rows[row].unit,
								       "kind", kinds[s->kind], "name", s->name,
								       "format", s->format, "build", s->build, "ns",
								       median, "low", low, "high", high));
		}
	}
	first_line("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	first_line(BENCH_LINUX "/version", "", version, sizeof(version));
	json = json_pack("{s:s, s:s, s:s, s:i, s:o}", "cpu", strchr(cpu, ':') ? strchr(cpu, ':') + 2 : "unknown",
			 "compiler", __VERSION__, "kernel", version, "passes", results->n_passes, "results", array);
	good = json && json_dump_file(json, file, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) == 0;
	if (!good)
		fprintf(stderr, "bench: cannot write %s\n", file);
	json_decref(json);
	return good;
}

/* The value of a bar: of ptgen's code, the mapper by hand, the best code of the kernel; not above 0: there is none. */
static double bar(const struct results *results, int series, enum row row)
{
	switch (series) {
	case 0: return best(results, row, OURS, "x86_64", "kernel-like", NULL);
	case 1: return best(results, row, HAND, NULL, "kernel-like", NULL);
	default: return best(results, peer_row(row), KERNEL, NULL, NULL, NULL);
	}
}

/* gnuplot takes no series without a value. */
static bool has_bars(const struct results *results, int series)
{
	for (enum row row = 0; row < N_ROWS; row++)
		if (bar(results, series, row) > 0)
			return true;
	return false;
}

/* Bars in logarithmic height. */
bool report_plot(const struct results *results, const char *file)
{
	FILE *out = popen("gnuplot", "w");
	static const char *const titles[] = {"ptgen x86_64", "by hand", "kernel, best"};
	const char *separator = "";

	if (!out) {
		fputs("bench: cannot start gnuplot\n", stderr);
		return false;
	}
	fprintf(out,
		"set terminal svg size 1400,700\nset output '%s'\nset style data histograms\nset style fill solid\n"
		"set logscale y\nset ylabel 'ns'\nset xtics rotate by -45\nset grid y\nset key top left\nplot",
		file);
	for (int i = 0; i < 3; i++) {
		if (!has_bars(results, i))
			continue;
		fprintf(out, "%s '-' using 2:xtic(1) title '%s'", separator, titles[i]);
		separator = ",";
	}
	fputc('\n', out);
	for (int i = 0; i < 3; i++) {
		if (!has_bars(results, i))
			continue;
		for (enum row row = 0; row < N_ROWS; row++) {
			double value = bar(results, i, row);

			if (value > 0)
				fprintf(out, "\"%s\" %g\n", rows[row].key, value);
			else
				fprintf(out, "\"%s\" NaN\n", rows[row].key);
		}
		fputs("e\n", out);
	}
	if (pclose(out) != 0) {
		fprintf(stderr, "bench: gnuplot did not write %s\n", file);
		return false;
	}
	return true;
}

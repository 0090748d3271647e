/* SPDX-License-Identifier: MIT */
/* main.c - what the runtime costs: operations against the size of what there is, and the memory that tables take. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_setaffinity */
#endif
#include "runtime.h"

#include <jansson.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vc.h"

#define MOST_ROWS 512

static struct row table[MOST_ROWS];
static size_t n_rows;

struct row *new_row(const char *section, const char *per, const char *unit, const char *format, ...)
{
	struct row *row = &table[n_rows];
	va_list args;

	if (n_rows == MOST_ROWS) {
		fprintf(stderr, "bench-runtime: more than %d rows\n", MOST_ROWS);
		exit(1);
	}
	n_rows++;
	row->section = section;
	row->per = per;
	row->unit = unit;
	va_start(args, format);
	vsnprintf(row->name, sizeof(row->name), format, args);
	va_end(args);
	return row;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void point(struct row *row, double size, double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), ascending);
	row->size[row->n] = size;
	row->value[row->n] = samples[n / 2];
	row->spread[row->n] = (samples[n * 3 / 4] - samples[n / 4]) / 2;
	row->n++;
}

const struct row *rows(size_t *n)
{
	*n = n_rows;
	return table;
}

double now(void)
{
	struct timespec time;

	/* Of this thread: what else runs on the machine is not counted. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "bench-runtime: %s: %s\n", what, vc_error_string());
	exit(1);
}

/* ---------------------------------------------------------------------------------------------------------- writing */

static void size_text(double size, char *out, size_t bytes)
{
	if (size >= 1e6 && size / 1e6 == (double)(long)(size / 1e6))
		snprintf(out, bytes, "%.0fM", size / 1e6);
	else if (size >= 1e3 && size / 1e3 == (double)(long)(size / 1e3))
		snprintf(out, bytes, "%.0fK", size / 1e3);
	else
		snprintf(out, bytes, "%.10g", size);
}

static void print_rows(void)
{
	const char *section = "";

	for (size_t i = 0; i < n_rows; i++) {
		const struct row *row = &table[i];

		if (strcmp(section, row->section) != 0) {
			section = row->section;
			printf("\n%s (%s; columns: %s)\n", section, row->unit, row->per);
		}
		if (!row->n)
			continue;
		if (!i || row->n != row[-1].n || memcmp(row->size, row[-1].size, sizeof(row->size)) != 0 ||
		    strcmp(row->section, row[-1].section) != 0) {
			printf("  %-36s", "");
			for (size_t k = 0; k < row->n; k++) {
				char text[32];

				size_text(row->size[k], text, sizeof(text));
				printf(" %10s", text);
			}
			putchar('\n');
		}
		printf("  %-36s", row->name);
		for (size_t k = 0; k < row->n; k++)
			printf(" %10.*f", row->value[k] < 100 ? 2 : 0, row->value[k]);
		putchar('\n');
	}
}

static json_t *numbers(const double *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_real(list[i]));
	return array;
}

static int write_json(const char *path)
{
	json_t *array = json_array(), *root;
	int error;

	for (size_t i = 0; i < n_rows; i++) {
		const struct row *row = &table[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "section", row->section,
						       "name", row->name, "per", row->per, "unit", row->unit, "size",
						       numbers(row->size, row->n), "value", numbers(row->value, row->n),
						       "spread", numbers(row->spread, row->n)));
	}
	root = json_pack("{s:s, s:o}", "compiler", __VERSION__, "rows", array);
	error = json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	if (error)
		fprintf(stderr, "bench-runtime: cannot write %s\n", path);
	return error;
}

/* One processor: what else runs there disturbs less than moving about. */
static void stay(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (unsigned int)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static const struct {
	const char *name;
	void (*run)(int quick);
} parts[] = {
	{"ranges", bench_ranges}, {"backing", bench_backing}, {"blocks", bench_blocks},
	{"replay", bench_replay}, {"tables", bench_tables},
};

int main(int argc, char **argv)
{
	const char *json = NULL;
	int quick = 0, any = 0;

	stay();
	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		if (strcmp(argv[i], "--quick") == 0) {
			quick = 1;
			continue;
		}
		if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
			json = argv[++i];
			continue;
		}
		while (k < sizeof(parts) / sizeof(parts[0]) && strcmp(parts[k].name, argv[i]) != 0)
			k++;
		if (k == sizeof(parts) / sizeof(parts[0])) {
			fprintf(stderr, "usage: bench-runtime [--quick] [--json FILE] "
					"[ranges|backing|blocks|replay|tables]...\n");
			return 2;
		}
		parts[k].run(quick);
		any = 1;
	}
	for (size_t k = 0; !any && k < sizeof(parts) / sizeof(parts[0]); k++)
		parts[k].run(quick);
	print_rows();
	return json && write_json(json) ? 1 : 0;
}

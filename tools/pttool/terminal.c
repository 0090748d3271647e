/* SPDX-License-Identifier: MIT */
/*
 * terminal.c - what people see and scripts do not: colours, aligned columns, and how far a long command has got.
 *
 * In a pipe or a file the lines are the plain ones that scripts rely on.
 */
#include "pttool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	bool colours, aligned;
} terminal;

bool terminal_setup(const char *when)
{
	const char *no_color = getenv("NO_COLOR"), *name = getenv("TERM");
	bool is_terminal = isatty(STDOUT_FILENO) == 1;

	if (strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 && strcmp(when, "never") != 0) {
		complain("--color %s: it is auto, always or never", when);
		return false;
	}
	terminal.aligned = is_terminal || strcmp(when, "always") == 0;
	terminal.colours = terminal.aligned && strcmp(when, "never") != 0;
	if (strcmp(when, "auto") == 0 && ((no_color && *no_color) || (name && strcmp(name, "dumb") == 0)))
		terminal.colours = false;
	return true;
}

const char *paint(enum paint what)
{
	static const char *const codes[] = {
		[PAINT_PLAIN] = "\033[0m",     [PAINT_HEAD] = "\033[1m",   [PAINT_FAINT] = "\033[2m",
		[PAINT_READ] = "\033[32m",     [PAINT_WRITE] = "\033[33m", [PAINT_EXEC] = "\033[36m",
		[PAINT_DANGER] = "\033[1;31m",
	};

	return terminal.colours ? codes[what] : "";
}

const char *paint_rights(unsigned int rights)
{
	unsigned int both = rights | rights >> 3;

	if ((both & PT_RIGHT_PW) && (both & PT_RIGHT_PX))
		return paint(PAINT_DANGER);
	return paint(both & PT_RIGHT_PW	  ? PAINT_WRITE
		     : both & PT_RIGHT_PX ? PAINT_EXEC
		     : both & PT_RIGHT_PR ? PAINT_READ
					  : PAINT_FAINT);
}

/* Digits of the widest address that the table serves, with 0x. */
static int address_width(const struct pt_table *table)
{
	char text[24];

	return snprintf(text, sizeof(text), "0x%" PRIx64, table->first > table->last ? UINT64_MAX : table->last);
}

static int level_width(const struct pt_format *format)
{
	size_t width = 5;

	for (unsigned int i = 0; i < format->n_levels; i++)
		if (strlen(format->levels[i].name) > width)
			width = strlen(format->levels[i].name);
	return (int)width;
}

enum { PA_WIDTH = 15, SIZE_WIDTH = 12, RIGHTS_WIDTH = 8 };

void print_columns(const struct pt_table *table, const char *rest)
{
	if (!terminal.aligned)
		return;
	printf("%s%-*s  %*s  %*s  %-*s  %-*s%s%s%s\n", paint(PAINT_HEAD), 2 * address_width(table) + 1, "IOVA-END",
	       PA_WIDTH, "PA", SIZE_WIDTH, "SIZE", level_width(table->format), "LEVEL", RIGHTS_WIDTH, "PROT",
	       *rest ? " " : "", rest, paint(PAINT_PLAIN));
}

void print_range(const struct pt_table *table, uint64_t first, uint64_t last, uint64_t pa, const struct pt_leaf *leaf)
{
	char range[48], rights[RIGHTS_LENGTH], bytes[24], address[24];
	const char *level = level_name(table->format, leaf->level);

	format_rights(rights, leaf->rights, leaf->memory);
	format_bytes(bytes, first, last);
	snprintf(range, sizeof(range), "0x%" PRIx64 "-0x%" PRIx64, first, last);
	if (!terminal.aligned) {
		printf("%s 0x%" PRIx64 " %s %s %s", range, pa, bytes, level, rights);
		return;
	}
	snprintf(address, sizeof(address), "0x%" PRIx64, pa);
	printf("%-*s  %*s  %*s  %-*s  %s%-*s%s", 2 * address_width(table) + 1, range, PA_WIDTH, address, SIZE_WIDTH,
	       bytes, level_width(table->format), level, paint_rights(leaf->rights), RIGHTS_WIDTH, rights,
	       paint(PAINT_PLAIN));
}

void print_value(const struct value *value)
{
	bool faint = terminal.colours && value->value == 0;

	printf("%s%s=0x%" PRIx64 "%s", faint ? paint(PAINT_FAINT) : "", value->name, value->value,
	       faint ? paint(PAINT_PLAIN) : "");
}

/* --------------------------------------------------------------------------------------------------------- progress */

enum { BAR_WIDTH = 40, TICKS = 4096 };

static struct {
	bool shown, wanted;
	const char *phase; /* what is done without a known end; NULL: there is a bar */
	const struct pt_table *table;
	unsigned int shift;	/* log2 of what one entry of the root decides about */
	uint64_t entries, used; /* of the root: all, and those that lead somewhere */
	uint64_t now;		/* the one that is being read; of those that are used */
	uint64_t key, part;	/* its number; 2^-16 of it that are done */
	uint64_t reads;
	struct timespec start, last;
} progress;

static double seconds(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) + 1e-9 * (double)(to->tv_nsec - from->tv_nsec);
}

/*
 * A bar needs a whole: the entries of the root that lead somewhere. It is for people who wait: on a terminal, and only
 * where the command's own lines do not go there (prints: it prints while it reads), nor to a pager.
 */
void progress_start(const struct pt_table *table, struct image *image, bool prints)
{
	struct stat info;
	bool file = fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode);
	const struct pt_level_info *level = &table->format->levels[table->level_base + (table->top & 15)];

	memset(&progress, 0, sizeof(progress));
	progress.wanted = isatty(STDERR_FILENO) == 1 && (file || (!prints && isatty(STDOUT_FILENO) == 1));
	if (!progress.wanted)
		return;
	progress.table = table;
	progress.shift = level->lo & 63;
	progress.entries = (table->input_mask >> progress.shift) + 1;
	for (uint64_t i = 0; i < progress.entries && progress.entries <= 65536; i++) {
		struct pt_reader reader = {image, image_read, NULL, PT_MAX_STEPS + 1};
		struct pt_walk walk;

		table->format->walk(table, &reader, i << progress.shift, &walk);
		progress.used += walk.n_steps > 1 || walk.fault == PT_FAULT_NONE;
	}
	progress.key = UINT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &progress.start);
	progress.last = progress.start;
}

void progress_phase(const char *phase)
{
	progress.phase = phase;
}

void progress_at(uint64_t iova)
{
	uint64_t key;

	if (!progress.wanted)
		return;
	key = (iova & progress.table->input_mask) >> progress.shift;
	progress.now += key != progress.key;
	progress.key = key;
	progress.part = (progress.shift > 16 ? iova >> (progress.shift - 16) : iova << (16 - progress.shift)) & 0xffff;
}

void progress_tick(void)
{
	struct timespec now;
	double done, total;
	int bar;

	if (!progress.wanted || ++progress.reads % TICKS)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds(&progress.start, &now) < 0.3 || (progress.shown && seconds(&progress.last, &now) < 0.1))
		return;
	progress.last = now;
	if (progress.phase) {
		fprintf(stderr, "\r%s: %" PRIu64 " entries%*s", progress.phase, progress.reads, BAR_WIDTH, "");
		progress.shown = true;
		return;
	}
	done = progress.now ? (double)(progress.now - 1) + (double)progress.part / 65536 : 0;
	total = progress.used ? (double)progress.used : 1;
	if (done > total)
		done = total;
	bar = (int)(BAR_WIDTH * done / total);
	fprintf(stderr, "\r[%.*s%*s] %3d%%  %" PRIu64 " entries", bar, "########################################",
		BAR_WIDTH - bar, "", (int)(100 * done / total), progress.reads);
	progress.shown = true;
}

void progress_clear(void)
{
	if (progress.shown)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 40, "");
	progress.shown = false;
}

void progress_end(void)
{
	progress_clear();
	progress.wanted = false;
}

/* SPDX-License-Identifier: MIT */
/*
 * dump.h - what a drawing shows, and what it shows as one. Not installed.
 *
 * A drawing stays readable because it has a limited number of rows. Devices that differ in nothing but their names are
 * one box with a count; so are reservations that follow each other and are alike, and memory of one origin.
 */
#ifndef VCM_DUMP_H
#define VCM_DUMP_H

#include "internal.h"

/* Devices that are drawn as one, in the order in which they were made. */
struct group {
	const struct device *first, *last;
	size_t n;
};

/* Reservations that are drawn as one. mixed: they differ in more than their addresses. */
struct row {
	const struct reservation *first, *last;
	size_t n, backed;
	uint64_t bytes;
	bool mixed, conflict;
};

/* Memory, and the number of the box that it is drawn in: its own, or where there are many that of a heap. */
struct box {
	const struct phys *phys;
	size_t number;
};

#define MAX_HEAPS 64

struct heap {
	const char *origin;
	bool shared;
	size_t n, mappings;
	uint64_t bytes;
};

struct drawing {
	const struct frozen *frozen;
	FILE *stream;
	bool all;
	bool *keep_region; /* by index in frozen->regions */
	struct group *groups;
	size_t n_groups;
	struct box *boxes; /* sorted by pointer */
	size_t n_boxes;
	bool many; /* memory is drawn in heaps */
	struct heap heaps[MAX_HEAPS];
	size_t n_heaps;
	size_t rows;
};

/* Graph lock held, everything frozen. drawing_fini() also where this fails. */
int drawing_init(struct drawing *drawing, const struct frozen *frozen, const struct vc_dump_args *args);
void drawing_fini(struct drawing *drawing);
/* At most drawing->rows rows; freed by the caller. */
int merge_reservations(const struct drawing *drawing, const struct region *region, struct row **out, size_t *n);
const struct box *box_of(const struct drawing *drawing, const struct phys *phys);
const char *origin_of(const struct phys *phys);

#endif

/* SPDX-License-Identifier: MIT */
/* dump_merge.c - what a drawing shows, and what it shows as one: see dump.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

static const struct association *association_of(const struct region *region, const struct device *device)
{
	LIST_FOR(link, &region->associations)
	{
		const struct association *association = VC_CONTAINER(link, struct association, link);

		if (association->device == device)
			return association;
	}
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------------ focus */

static void keep_with(struct drawing *drawing, const struct region *region)
{
	const struct frozen *frozen = drawing->frozen;

	for (size_t i = 0; i < frozen->n_regions; i++)
		if (frozen->regions[i] == region || frozen->regions[i] == region->parent)
			drawing->keep_region[i] = true;
}

static int choose(struct drawing *drawing, const struct vc_dump_args *args)
{
	const struct frozen *frozen = drawing->frozen;
	bool all = !args || (!args->device && !args->region), found = all;

	for (size_t i = 0; i < frozen->n_regions; i++) {
		const struct region *region = frozen->regions[i];
		bool wanted = all || (args->region && region->number == args->region);

		for (size_t k = 0; !all && args->device && k < frozen->n_devices; k++)
			if (HANDLE(vc_device, frozen->devices[k]) == args->device) {
				found = true;
				wanted = wanted || association_of(region, frozen->devices[k]);
			}
		found = found || wanted;
		if (wanted)
			keep_with(drawing, region);
	}
	return found ? 0
		     : vc_fail_at("vc_dump_dot", -ENOENT, "", 0,
				  "there is no such device, or no region of that number");
}

/* ---------------------------------------------------------------------------------------------------------- devices */

static bool same_stage(const struct stage *a, const struct stage *b)
{
	return a->format == b->format &&
	       (!a->format || (a->shape.page_sizes == b->shape.page_sizes &&
			       !memcmp(a->shape.param, b->shape.param, a->format->n_params * sizeof(int64_t))));
}

/* Is everything that is drawn of both the same, but their names? */
static bool same_device(const struct drawing *drawing, const struct device *a, const struct device *b)
{
	if (a->kind != b->kind || a->bus_offset != b->bus_offset || a->bypass != b->bypass ||
	    !same_stage(&a->stage[0], &b->stage[0]) || !same_stage(&a->stage[1], &b->stage[1]))
		return false;
	for (size_t i = 0; i < drawing->frozen->n_regions; i++) {
		const struct association *of_a = association_of(drawing->frozen->regions[i], a);
		const struct association *of_b = association_of(drawing->frozen->regions[i], b);

		if (!of_a != !of_b || (of_a && (of_a->active != of_b->active || of_a->half != of_b->half ||
						of_a->mapper != of_b->mapper || of_a->mapper2 != of_b->mapper2)))
			return false;
	}
	return true;
}

static bool is_kept(const struct drawing *drawing, const struct device *device)
{
	bool any = false;

	for (size_t i = 0; i < drawing->frozen->n_regions; i++)
		if (drawing->keep_region[i] && association_of(drawing->frozen->regions[i], device))
			any = true;
	return any || drawing->all;
}

static void group_devices(struct drawing *drawing)
{
	const struct frozen *frozen = drawing->frozen;

	for (size_t i = 0; i < frozen->n_devices; i++) {
		struct group *found = NULL;

		if (!is_kept(drawing, frozen->devices[i]))
			continue;
		/* A few are drawn one by one. */
		for (size_t k = 0; frozen->n_devices > drawing->rows / 4 && k < drawing->n_groups && !found; k++)
			if (same_device(drawing, drawing->groups[k].first, frozen->devices[i]))
				found = &drawing->groups[k];
		if (!found) {
			found = &drawing->groups[drawing->n_groups++];
			found->first = frozen->devices[i];
		}
		found->last = frozen->devices[i];
		found->n++;
	}
}

/* ----------------------------------------------------------------------------------------------------- reservations */

static bool conflicts(const struct reservation *reservation)
{
	return reservation->state == BACKED && !reservation->phys->of &&
	       phys_conflict(reservation->phys, reservation->backed, reservation->cache, reservation);
}

static bool same_row(const struct row *row, const struct reservation *reservation)
{
	const struct reservation *first = row->first;

	return first->rights == reservation->rights && first->cache == reservation->cache &&
	       first->state == reservation->state && first->bytes == reservation->bytes && !row->conflict;
}

static void add_to(struct row *row, const struct reservation *reservation)
{
	row->mixed = row->mixed || !same_row(row, reservation);
	row->last = reservation;
	row->n++;
	row->bytes += reservation->bytes;
	row->backed += reservation->state == BACKED;
	row->conflict = row->conflict || conflicts(reservation);
}

/*
 * The rows of a region: one a reservation where that is few enough; else those that follow each other and are alike are
 * one; and where that is still too many, as many as are in an equal part of all.
 */
int merge_reservations(const struct drawing *drawing, const struct region *region, struct row **out, size_t *n)
{
	size_t all = (size_t)region->ranges.count, count = 0, part = 1;
	struct vc_range_node *node = NULL;
	struct row *rows;

	*n = 0;
	*out = NULL;
	if (all > drawing->rows) {
		const struct row *last = NULL;
		struct row now = {.n = 0};

		while ((node = vc_ranges_next(&region->ranges, node))) {
			if (!last || !same_row(last, node->owner)) {
				now = (struct row){.first = node->owner};
				count++;
			}
			last = &now;
		}
		if (count > drawing->rows)
			/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): at least 1, see drawing_init() */
			part = (all + drawing->rows - 1) / drawing->rows;
	}
	rows = vc_calloc(all < drawing->rows ? all : drawing->rows, sizeof(*rows));
	if (!rows)
		return vc_fail_at("vc_dump_dot", -ENOMEM, "", 0, "no memory for a list of rows");
	count = 0;
	while ((node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		struct row *row = *n ? &rows[*n - 1] : NULL;
		bool joins = row && all > drawing->rows &&
			     (part > 1 ? count % part != 0 : same_row(row, reservation) && !conflicts(reservation));

		/* What is in conflict has a row of its own as long as there are rows. */
		if (!joins && *n < drawing->rows) {
			row = &rows[(*n)++];
			row->first = reservation;
		}
		if (row)
			add_to(row, reservation);
		count++;
	}
	*out = rows;
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static int by_pointer(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct box *)a)->phys, y = (uintptr_t)((const struct box *)b)->phys;

	return x < y ? -1 : x > y;
}

static bool backs_kept(const struct drawing *drawing, const struct phys *phys)
{
	if (drawing->all)
		return true;
	LIST_FOR(link, &phys->backs)
	for (size_t i = 0; i < drawing->frozen->n_regions; i++)
		if (drawing->keep_region[i] &&
		    VC_CONTAINER(link, struct reservation, link)->region == drawing->frozen->regions[i])
			return true;
	return false;
}

const char *origin_of(const struct phys *phys)
{
	if (phys->n_parts)
		return "composed";
	if (phys->import)
		return "file of others";
	return phys->blocks[0].pool ? phys->blocks[0].pool->name : "wrapped";
}

/* Which group of many: by where it is from, and whether it is shared. */
static size_t group_memory(struct drawing *drawing, const struct phys *phys)
{
	size_t i = 0;

	while (i < drawing->n_heaps && (strcmp(drawing->heaps[i].origin, origin_of(phys)) != 0 ||
					drawing->heaps[i].shared != (phys->n_backs > 1)))
		i++;
	if (i == drawing->n_heaps) {
		if (i == MAX_HEAPS)
			return i - 1;
		drawing->heaps[drawing->n_heaps++] =
			(struct heap){.origin = origin_of(phys), .shared = phys->n_backs > 1};
	}
	drawing->heaps[i].n++;
	drawing->heaps[i].bytes += phys->bytes;
	drawing->heaps[i].mappings += phys->n_backs;
	return i;
}

static int collect_memory(struct drawing *drawing)
{
	struct system *system = drawing->frozen->system;
	struct tree_node *node;
	size_t n = 0;

	for (node = tree_first(&system->blocks); node; node = tree_next(node)) {
		const struct phys_block *block = VC_CONTAINER(node, struct phys_block, tree);

		n += block == &block->phys->blocks[0] && backs_kept(drawing, block->phys);
	}
	drawing->boxes = vc_calloc(n, sizeof(*drawing->boxes));
	if (!drawing->boxes)
		return vc_fail_at("vc_dump_dot", -ENOMEM, "", 0, "no memory for a list of memory");
	drawing->many = n > drawing->rows;
	for (node = tree_first(&system->blocks); node; node = tree_next(node)) {
		const struct phys_block *block = VC_CONTAINER(node, struct phys_block, tree);

		if (block != &block->phys->blocks[0] || !backs_kept(drawing, block->phys))
			continue;
		drawing->boxes[drawing->n_boxes] =
			(struct box){.phys = block->phys,
				     .number = drawing->many ? group_memory(drawing, block->phys) : drawing->n_boxes};
		drawing->n_boxes++;
	}
	qsort(drawing->boxes, drawing->n_boxes, sizeof(*drawing->boxes), by_pointer);
	return 0;
}

const struct box *box_of(const struct drawing *drawing, const struct phys *phys)
{
	const struct box key = {.phys = phys};

	return bsearch(&key, drawing->boxes, drawing->n_boxes, sizeof(key), by_pointer);
}

int drawing_init(struct drawing *drawing, const struct frozen *frozen, const struct vc_dump_args *args)
{
	int error;

	*drawing = (struct drawing){.frozen = frozen,
				    .all = !args || (!args->device && !args->region),
				    .rows = args && args->rows ? args->rows : 40};
	drawing->keep_region = vc_calloc(frozen->n_regions, sizeof(*drawing->keep_region));
	drawing->groups = vc_calloc(frozen->n_devices, sizeof(*drawing->groups));
	if (!drawing->keep_region || !drawing->groups)
		return vc_fail_at("vc_dump_dot", -ENOMEM, "", 0, "no memory for a drawing");
	error = choose(drawing, args);
	if (!error) {
		group_devices(drawing);
		error = collect_memory(drawing);
	}
	return error;
}

void drawing_fini(struct drawing *drawing)
{
	free(drawing->keep_region);
	free(drawing->groups);
	free(drawing->boxes);
}

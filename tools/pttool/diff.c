/* SPDX-License-Identifier: MIT */
/*
 * diff.c - `pttool diff`: two tables, entry by entry.
 *
 * Both are read in step, in the order of their addresses, so that neither is held in memory. What counts is what an
 * access sees: address, rights and memory type. Formats and leaf sizes may differ.
 */
#include "pttool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct side {
	const struct options *options;
	struct image image;
	struct pt_table table;
	struct pt_reader reader;
	struct extent extent;
	uint64_t faults; /* entries at which a walk ends otherwise than at an absent one */
};

/* What an access sees. */
struct view {
	bool mapped;
	uint64_t pa;
	unsigned int rights, memory;
};

/* A range in which the two differ in the same way. */
struct change {
	uint64_t first, last;
	struct view old, new;
};

struct diff {
	struct change change;
	bool pending;
	uint64_t added, removed, changed; /* bytes */
	bool json;
	struct json_stream stream;
};

static bool in_table(const struct pt_table *table, uint64_t iova)
{
	return table->first <= table->last ? iova >= table->first && iova <= table->last
					   : iova >= table->first || iova <= table->last;
}

/* The extent of a side that holds iova; outside of what the table serves nothing is mapped. */
static bool look(struct side *side, uint64_t iova)
{
	struct extent *extent = &side->extent;

	if (iova >= extent->first && iova <= extent->last)
		return true;
	if (in_table(&side->table, iova)) {
		if (!extent_at(&side->table, &side->reader, iova, extent))
			return false;
		side->faults += extent->fault != PT_FAULT_NONE && extent->fault != PT_FAULT_ABSENT &&
				extent->fault != PT_FAULT_NULL;
		return true;
	}
	*extent = (struct extent){.first = iova, .last = UINT64_MAX};
	if (iova < side->table.first)
		extent->last = side->table.first - 1;
	return true;
}

static struct view view_at(const struct extent *extent, uint64_t iova)
{
	struct view view = {.mapped = extent->mapped};

	if (extent->mapped) {
		view.pa = extent->pa + (iova - extent->first);
		view.rights = extent->leaf.rights;
		view.memory = extent->leaf.memory;
	}
	return view;
}

static bool same_view(const struct view *a, const struct view *b)
{
	return a->mapped == b->mapped && a->pa == b->pa && a->rights == b->rights && a->memory == b->memory;
}

/* Is b what a is, bytes later? */
static bool continues(const struct view *a, const struct view *b, uint64_t bytes)
{
	struct view moved = *a;

	if (a->mapped)
		moved.pa += bytes;
	return same_view(&moved, b);
}

static void print_view(const struct view *view)
{
	char rights[RIGHTS_LENGTH];

	printf(" 0x%" PRIx64 " %s", view->pa, format_rights(rights, view->rights, view->memory));
}

static json_t *view_json(const struct view *view)
{
	char rights[RIGHTS_LENGTH];

	if (!view->mapped)
		return json_null();
	return json_pack("{s:o, s:s}", "pa", hex(view->pa), "prot", format_rights(rights, view->rights, view->memory));
}

/* Prints the pending change: + IOVA-END SIZE PA PROT, - the same, ~ IOVA-END SIZE PA PROT -> PA PROT. */
static void flush_change(struct diff *diff)
{
	const struct change *change = &diff->change;
	char bytes[24];
	const char *size = format_bytes(bytes, change->first, change->last);
	uint64_t n = change->last - change->first + 1;

	if (!diff->pending)
		return;
	diff->pending = false;
	if (!change->old.mapped)
		diff->added += n;
	else if (!change->new.mapped)
		diff->removed += n;
	else
		diff->changed += n;
	if (diff->json) {
		stream_item(&diff->stream, json_pack("{s:o, s:o, s:s, s:o, s:o}", "first", hex(change->first), "last",
						     hex(change->last), "size", size, "old", view_json(&change->old),
						     "new", view_json(&change->new)));
		return;
	}
	printf("%s%c 0x%" PRIx64 "-0x%" PRIx64 " %s",
	       paint(!change->old.mapped   ? PAINT_READ
		     : !change->new.mapped ? PAINT_DANGER
					   : PAINT_WRITE),
	       !change->old.mapped   ? '+'
	       : !change->new.mapped ? '-'
				     : '~',
	       change->first, change->last, size);
	if (change->old.mapped)
		print_view(&change->old);
	if (change->old.mapped && change->new.mapped)
		printf(" ->");
	if (change->new.mapped)
		print_view(&change->new);
	printf("%s\n", paint(PAINT_PLAIN));
}

static void take_change(struct diff *diff, uint64_t first, uint64_t last, const struct view *old,
			const struct view *new)
{
	struct change *change = &diff->change;

	if (diff->pending && change->last + 1 == first && continues(&change->old, old, first - change->first) &&
	    continues(&change->new, new, first - change->first)) {
		change->last = last;
		return;
	}
	flush_change(diff);
	*change = (struct change){first, last, *old, *new};
	diff->pending = true;
}

/* Returns false when the step limit of a side is used up. */
static bool compare(struct side *a, struct side *b, struct diff *diff)
{
	uint64_t iova = 0, last;

	do {
		struct view old, new;

		if (!look(a, iova) || !look(b, iova))
			return false;
		last = a->extent.last < b->extent.last ? a->extent.last : b->extent.last;
		old = view_at(&a->extent, iova);
		new = view_at(&b->extent, iova);
		if (!same_view(&old, &new))
			take_change(diff, iova, last, &old, &new);
		iova = last + 1;
	} while (last != UINT64_MAX && !ferror(stdout));
	flush_change(diff);
	return true;
}

static bool open_side(struct side *side, const struct options *options)
{
	side->options = options;
	if (!open_table(options, &side->image, &side->table))
		return false;
	side->reader = (struct pt_reader){&side->image, image_read, NULL, options->steps};
	side->extent = (struct extent){.first = 1, .last = 0}; /* holds no address */
	return true;
}

static int print_diff(struct side *a, struct side *b, struct diff *diff)
{
	bool steps, complete, differ;

	if (diff->json)
		printf("{\n  \"changes\": [");
	steps = compare(a, b, diff);
	complete = steps && a->image.n_missed == 0 && b->image.n_missed == 0;
	flush_change(diff);
	differ = diff->added || diff->removed || diff->changed;
	if (diff->json) {
		stream_end(&diff->stream);
		printf("],\n  \"added\": \"0x%" PRIx64 "\",\n  \"removed\": \"0x%" PRIx64
		       "\",\n  \"changed\": \"0x%" PRIx64 "\",\n  \"complete\": %s\n}\n",
		       diff->added, diff->removed, diff->changed, complete ? "true" : "false");
	}
	if (!image_missed(&a->image, "not everything was compared: first table") && a->faults)
		note("%" PRIu64 " entries of the first table fault, and count as not mapped; `pttool verify` says why",
		     a->faults);
	if (!image_missed(&b->image, "not everything was compared: second table") && b->faults)
		note("%" PRIu64 " entries of the second table fault, and count as not mapped; `pttool verify` says why",
		     b->faults);
	if (!steps) {
		complain("not everything was compared: %s", pt_status_string(PT_ERR_STEPS));
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", a->options->steps);
	}
	return differ || !complete ? EXIT_FINDING : EXIT_FINE;
}

int command_diff(const struct options *options)
{
	struct side *sides = allocate(NULL, 2, sizeof(*sides));
	struct diff diff = {0};
	int code = EXIT_USAGE;

	memset(sides, 0, 2 * sizeof(*sides));
	if (open_side(&sides[0], options) && open_side(&sides[1], options->other)) {
		if (options->output == OUTPUT_JSON)
			diff.json = true;
		code = print_diff(&sides[0], &sides[1], &diff);
	}
	code = image_close(&sides[0].image, code);
	code = image_close(&sides[1].image, code);
	free(sides);
	return code;
}

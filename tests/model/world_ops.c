/* SPDX-License-Identifier: MIT */
/* world_ops.c - one operation on the table and on the ledger, and where they must agree (see world.h). */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { BITMAP_WORDS = 1 << 12 };

static const char *const op_names[N_OPS] = {"map",   "map_segments", "unmap",	"protect", "split",
					    "merge", "replace",	     "reserve", "trim",	   "dirty"};

/* -------------------------------------------------------------------------------------------------- ledger, changed */

static void ledger_room(struct ledger *ledger, size_t more)
{
	if (ledger->n + more <= ledger->room)
		return;
	ledger->room = (ledger->n + more) * 2;
	ledger->v = realloc(ledger->v, ledger->room * sizeof(*ledger->v));
	CHECK(ledger->v != NULL);
}

/* Replace the leaves that begin in [first, last] by those of *by (which lie in there, in order). */
static void ledger_splice(struct ledger *ledger, uint64_t first, uint64_t last, const struct ledger *by)
{
	size_t from = ledger_from(ledger, first), to = from;

	while (to < ledger->n && ledger->v[to].inner <= last)
		to++;
	ledger_room(ledger, by->n);
	if (ledger->n > to)
		memmove(ledger->v + from + by->n, ledger->v + to, (ledger->n - to) * sizeof(*ledger->v));
	if (by->n)
		memcpy(ledger->v + from, by->v, by->n * sizeof(*by->v));
	ledger->n = ledger->n - (to - from) + by->n;
}

/* Bytes of [first, last] that are mapped. */
static uint64_t ledger_mapped(const struct ledger *ledger, uint64_t first, uint64_t last)
{
	uint64_t bytes = 0;

	for (size_t i = ledger_from(ledger, first); i < ledger->n && ledger->v[i].inner <= last; i++) {
		uint64_t from = ledger->v[i].inner, to = from + ones(ledger->v[i].lg2);

		from = from < first ? first : from;
		to = to > last ? last : to;
		bytes += to - from + 1;
	}
	return bytes;
}

static bool ledger_cuts(const struct ledger *ledger, uint64_t first, uint64_t last)
{
	const struct entry *head = ledger_find(ledger, first), *tail = ledger_find(ledger, last);

	return (head && head->inner != first) || (tail && tail->inner + ones(tail->lg2) != last);
}

/* ------------------------------------------------------------------------------------------------------ predictions */

enum plan {
	PLAN_DONE,
	PLAN_LONG /* too long to be worth it */,
	PLAN_NONE /* no leaf can hold the address */,
	PLAN_NO_SLOT
};

/* Leaves that a map must choose, appended to *plan. */
static enum plan plan_run(struct world *world, const struct interp *grown, uint64_t inner, uint64_t pa, uint64_t bytes,
			  unsigned int request, struct ledger *plan)
{
	struct image image = ground_cpu(&world->ground);

	while (bytes) {
		struct interp_leaf leaf;
		struct interp_decode decode;
		uint64_t word[2];
		struct entry *entry;

		if (plan->n > 2500)
			return PLAN_LONG;
		if (!interp_choose(grown, &world->in, &image, interp_roots(&world->table), interp_present(grown, inner),
				   pa, bytes, world->config.page_sizes ? world->config.page_sizes : UINT64_MAX, &leaf))
			return PLAN_NONE;
		CHECK_MSG(interp_encode(&world->in, leaf.kind, pa, request, word),
			  "%s\n  request 0x%x cannot be encoded in %s", world_describe(world), request,
			  world->in.model->kinds.v[leaf.kind].name);
		interp_decode(&world->in, leaf.kind, word, &decode);
		ledger_room(plan, 1);
		entry = &plan->v[plan->n++];
		*entry = (struct entry){inner, pa, leaf.lg2, request, decode.accessed, decode.dirty, false};
		inner += (uint64_t)1 << leaf.lg2;
		pa += (uint64_t)1 << leaf.lg2;
		bytes -= (uint64_t)1 << leaf.lg2;
	}
	return PLAN_DONE;
}

/* Are there pages without a slot in a range? covered: those below a leaf do not count. */
static bool without_slot(const struct world *world, uint64_t first, uint64_t bytes, bool covered)
{
	for (uint64_t done = 0; done < bytes; done += (uint64_t)1 << world->page_lg2)
		if (!interp_has_slots(&world->in, first + done, world->page_lg2))
			if (!covered || !ledger_find(&world->ledger, first + done))
				return true;
	return false;
}

static bool has_limits(const struct world *world)
{
	for (unsigned int i = 0; i < world->in.n_way; i++)
		if (!interp_has_index(&world->in, world->in.way[i], 0) ||
		    !interp_has_index(&world->in, world->in.way[i],
				      interp_entries(&world->in, world->in.way[i], i == 0) - 1))
			return true;
	return false;
}

/* The set of statuses (bit n: status n) that refuse the operation; 0: it must succeed. */
static uint64_t refusals(struct world *world, const struct op *op, const struct interp *range, unsigned int *rounded)
{
	uint64_t set = 0, first, last, bytes = op->bytes, bits = op->iova, page = (uint64_t)1 << world->page_lg2;
	bool maps = op->kind == OP_MAP || op->kind == OP_REPLACE || op->kind == OP_SEGMENTS;

	if (op->kind == OP_SPLIT || op->kind == OP_MERGE)
		return 0; /* looked at where they are carried out */
	if (op->kind == OP_SEGMENTS)
		for (size_t i = 0; i < op->n_segments; i++) {
			bits |= interp_inside(&world->in, op->segments[i].pa) | op->segments[i].bytes;
			if (op->segments[i].pa > world->in.output_last || op->segments[i].pa < world->in.output_first ||
			    world->in.output_last - op->segments[i].pa < op->segments[i].bytes - 1)
				set |= 1U << PT_ERR_OUTPUT;
		}
	else if (maps && (op->pa > world->in.output_last || op->pa < world->in.output_first ||
			  world->in.output_last - op->pa < bytes - 1))
		set |= 1U << PT_ERR_OUTPUT;
	bits |= bytes | (op->kind == OP_MAP || op->kind == OP_REPLACE ? interp_inside(&world->in, op->pa) : 0);
	if (bits & (page - 1))
		set |= 1U << PT_ERR_ALIGN;
	if (bytes == 0 || op->iova + (bytes - 1) < op->iova || !interp_input(range, op->iova, &first) ||
	    !interp_input(range, op->iova + (bytes - 1), &last) || last - first != bytes - 1)
		return set | 1U << PT_ERR_RANGE;
	if (maps || op->kind == OP_PROTECT) {
		if (!interp_round(&world->in, op->request, rounded))
			set |= 1U << PT_ERR_RIGHTS;
		else if (!(op->request & PT_ALLOW_WIDER) && interp_wider(&world->in, op->request, *rounded))
			set |= 1U << PT_ERR_WIDER;
	}
	if ((op->kind == OP_MAP || op->kind == OP_SEGMENTS) && ledger_mapped(&world->ledger, first, last))
		set |= 1U << PT_ERR_EXISTS;
	if ((op->kind == OP_UNMAP || op->kind == OP_PROTECT || op->kind == OP_REPLACE ||
	     (op->kind == OP_DIRTY && op->flags & PT_DIRTY_CLEAR)) &&
	    ledger_cuts(&world->ledger, first, last))
		set |= 1U << PT_ERR_CUTS;
	if (op->kind == OP_DIRTY && op->iova & ones(op->lg2))
		set |= 1U << PT_ERR_ALIGN;
	if (op->kind == OP_RESERVE && set == 0 && has_limits(world) && without_slot(world, first, bytes, true))
		set = 1U << PT_ERR_RANGE;
	return set;
}

bool world_has_state(const struct world *world, unsigned int accessed)
{
	const struct interp *in = &world->in;
	const struct m_level *last = &in->model->levels.v[in->way[in->n_way - 1]];
	bool has = false;

	for (int i = 0; i < last->n_kinds; i++) {
		struct interp_decode decode;
		uint64_t word[2];

		if (!interp_offered(in, last->first_kind + i))
			continue;
		interp_encode(in, last->first_kind + i, interp_outside(in, 0), PT_READ | PT_WRITE, word);
		interp_decode(in, last->first_kind + i, word, &decode);
		has |= accessed ? decode.has_accessed : decode.has_dirty;
	}
	return has;
}

/* --------------------------------------------------------------------------------------------- seen from the device */

/* Right after a sync: what the device sees of a few addresses is the old state or the new one, never anything else. */
static void on_sync(void *ctx)
{
	struct world *world = ctx;
	struct image image = ground_device(&world->ground);

	if (!world->coming || world->ground.n_syncs % 7 > 2)
		return;
	for (int i = 0; i < 3; i++) {
		uint64_t span = world->coming_last - world->coming_first;
		uint64_t inner =
			world->coming_first + (span == UINT64_MAX ? 0 : test_random(&world->random) % (span + 1));
		const struct entry *was, *will;
		struct interp_walk walk;
		uint64_t iova;
		bool good, inside;

		if (i == 2)
			inner = world->spot[test_random(&world->random) % world->n_spots];
		iova = interp_present(&world->in, inner);
		if (!interp_input(&world->in, iova, &inner))
			continue;
		interp_walk(&world->in, &image, interp_roots(&world->table), iova, &walk);
		was = ledger_find(&world->ledger, inner);
		inside = inner >= world->coming_first && inner <= world->coming_last;
		will = inside ? ledger_find(world->coming, inner) : was;
		if (walk.faults)
			good = walk.faults == (uint64_t)1 << PT_FAULT_ABSENT &&
			       (!was || !will || (world->coming_breaks && inside));
		else
			good = (was && walk.pa == was->pa + (inner - was->inner) &&
				walk.leaf.rights == pt_request_rights(was->request)) ||
			       (will && walk.pa == will->pa + (inner - will->inner) &&
				walk.leaf.rights == pt_request_rights(will->request));
		CHECK_MSG(good,
			  "%s\n  after a sync the device sees input 0x%" PRIx64 " as fault set 0x%" PRIx64
			  ", pa 0x%" PRIx64 " rights 0x%x (last word 0x%" PRIx64 " at 0x%" PRIx64
			  "); it was %s0x%" PRIx64 " request 0x%x, becomes %s0x%" PRIx64 " request 0x%x",
			  world_describe(world), iova, walk.faults, walk.pa, walk.leaf.rights,
			  walk.n_steps ? walk.step[walk.n_steps - 1].raw[0] : 0,
			  walk.n_steps ? walk.step[walk.n_steps - 1].entry_pa : 0, was ? "" : "absent ",
			  was ? was->pa + (inner - was->inner) : 0, was ? was->request : 0, will ? "" : "absent ",
			  will ? will->pa + (inner - will->inner) : 0, will ? will->request : 0);
	}
}

/* ------------------------------------------------------------------------------------------------------------ calls */

static enum pt_status call(struct world *world, const struct op *op, uint64_t *bitmap, struct pt_gather *gather,
			   struct pt_result *result)
{
	const struct pt_format *format = world->format;
	struct pt_table *table = &world->table;
	struct pt_cursor *cursor = test_random(&world->random) % 2 ? &world->cursor : NULL;

	memset(result, 0x5a, sizeof(*result));
	switch (op->kind) {
	case OP_MAP:
		if (cursor)
			return format->cursor_map(table, cursor, op->iova, op->pa, op->bytes, op->request, gather,
						  result);
		return format->map(table, op->iova, op->pa, op->bytes, op->request, gather, result);
	case OP_SEGMENTS:
		return format->map_segments(table, op->iova, op->segments, op->n_segments, op->request, gather, result);
	case OP_UNMAP:
		if (cursor)
			return format->cursor_unmap(table, cursor, op->iova, op->bytes, op->flags, gather, result);
		return format->unmap(table, op->iova, op->bytes, op->flags, gather, result);
	case OP_PROTECT: return format->protect(table, op->iova, op->bytes, op->request, gather, result);
	case OP_SPLIT: return format->split(table, op->iova, op->lg2, NULL, gather, result);
	case OP_MERGE: return format->merge(table, op->iova, op->lg2, gather, result);
	case OP_REPLACE: return format->replace(table, op->iova, op->pa, op->bytes, op->request, gather, result);
	case OP_RESERVE: return format->reserve(table, op->iova, op->bytes, result);
	case OP_TRIM: return format->trim(table, op->iova, op->bytes, gather, result);
	case OP_DIRTY: return format->dirty(table, op->iova, op->bytes, op->flags, bitmap, op->lg2, gather, result);
	case N_OPS: break;
	}
	return PT_ERR_UNSUPPORTED;
}

/* A root that grew changes the configuration. */
static void reload(struct world *world)
{
	const struct model *model = world->in.model;
	ref grows = model->root.grows, level;
	int64_t param[PT_MAX_PARAMS];
	const char *why;

	if (grows == REF_NONE)
		return;
	memcpy(param, world->in.param, sizeof(param));
	level = (ref)(world->table.level_base + (world->table.top & 15));
	param[grows] = model->levels.v[level].number;
	CHECK_MSG(world->table.param[grows] == param[grows],
		  "%s\n  the root is at level %" PRId64 ", but %s is %" PRId64, world_describe(world), param[grows],
		  model->params.v[grows].name, world->table.param[grows]);
	if (param[grows] == world->in.param[grows])
		return;
	for (int i = 0; i < model->params.n; i++)
		if (model->params.v[i].bound)
			param[i] = PT_UNSET;
	why = interp_init(&world->in, model, param);
	CHECK_MSG(why == NULL, "%s\n  grown into what is no configuration: %s", world_describe(world), why);
}

/* The configuration after the root has grown as far as [iova, last] needs, or as far as it can. */
static struct interp grown_for(const struct world *world, uint64_t iova, uint64_t last)
{
	struct interp in = world->in;
	const struct model *model = in.model;
	ref grows = model->root.grows;
	int64_t param[PT_MAX_PARAMS];
	uint64_t inner;

	while (grows != REF_NONE && (!interp_input(&in, iova, &inner) || !interp_input(&in, last, &inner))) {
		struct interp next;

		memcpy(param, in.param, sizeof(param));
		for (int i = 0; i < model->params.n; i++)
			if (model->params.v[i].bound)
				param[i] = PT_UNSET;
		param[grows]++;
		if (interp_init(&next, model, param))
			break;
		in = next;
	}
	return in;
}

/*
 * Read the leaves of [first, last] back from memory into *seen: sizes that the contract leaves open. What they
 * translate must be what the ledger says, or what `plan` says where it is given.
 */
static void read_back(struct world *world, uint64_t first, uint64_t last, bool flags, struct ledger *seen)
{
	struct image image = ground_cpu(&world->ground);
	uint64_t at = first;

	for (;;) {
		uint64_t iova = interp_present(&world->in, at), end;
		struct interp_walk walk;

		interp_walk(&world->in, &image, interp_roots(&world->table), iova, &walk);
		if (walk.faults) {
			unsigned int lo = (unsigned int)world->in.model->levels.v[walk.level].lo;

			CHECK_MSG(!ledger_find(&world->ledger, at), "%s\n  input 0x%" PRIx64 " is mapped no more",
				  world_describe(world), at);
			end = at | ones(lo);
		} else {
			struct entry entry = {
				.inner = at & ~ones(walk.leaf.lg2), .lg2 = walk.leaf.lg2, .pa = walk.leaf.pa};
			struct entry *old = ledger_find(&world->ledger, at);

			end = entry.inner + ones(entry.lg2);
			CHECK_MSG(old != NULL, "%s\n  input 0x%" PRIx64 " is mapped now", world_describe(world), at);
			entry.request = old->request;
			entry.accessed = old->accessed;
			entry.dirty = old->dirty;
			if (flags) { /* of a group: of any slot; of what was several leaves: of any */
				entry.accessed = entry.dirty = false;
				for (uint64_t slot = 0; slot >> (entry.lg2 - walk.leaf.entry_lg2) == 0; slot++) {
					struct interp_walk one;

					interp_walk(
						&world->in, &image, interp_roots(&world->table),
						interp_present(&world->in, entry.inner + (slot << walk.leaf.entry_lg2)),
						&one);
					entry.accessed |= one.leaf.accessed;
					entry.dirty |= one.leaf.dirty;
				}
			}
			for (uint64_t part = entry.inner; part <= end && part >= entry.inner;) {
				const struct entry *piece = ledger_find(&world->ledger, part);

				CHECK_MSG(
					piece && piece->pa + (part - piece->inner) == entry.pa + (part - entry.inner) &&
						piece->request == entry.request,
					"%s\n  input 0x%" PRIx64 " is in a leaf of 2^%u bytes to 0x%" PRIx64
					", which is not what was mapped",
					world_describe(world), part, entry.lg2, entry.pa);
				if (flags)
					CHECK_MSG((!piece->dirty || entry.dirty) &&
							  (!piece->accessed || entry.accessed),
						  "%s\n  input 0x%" PRIx64 " lost accessed or dirty",
						  world_describe(world), part);
				part = piece->inner + ones(piece->lg2) + 1;
			}
			ledger_room(seen, 1);
			seen->v[seen->n++] = entry;
		}
		if (end >= last || end < at)
			return;
		at = end + 1;
	}
}

/* Leaf sizes in [first, last] may have changed, translations may not. */
static void resize(struct world *world, uint64_t first, uint64_t last)
{
	const struct entry *head = ledger_find(&world->ledger, first), *tail = ledger_find(&world->ledger, last);
	struct ledger seen = {0};

	first = head ? head->inner : first;
	last = tail ? tail->inner + ones(tail->lg2) : last;
	read_back(world, first, last, true, &seen);
	ledger_splice(&world->ledger, first, last, &seen);
	free(seen.v);
}

static void check_exists(struct world *world, const struct op *op, const struct pt_result *result)
{
	struct image image = ground_cpu(&world->ground);
	struct interp_walk walk;
	uint64_t inner = 0;

	CHECK_MSG(result->iova >= op->iova && result->iova <= op->iova + (op->bytes - 1) &&
			  interp_input(&world->in, result->iova, &inner) && ledger_find(&world->ledger, inner),
		  "%s\n  what exists is said to be at 0x%" PRIx64 ", where nothing is", world_describe(world),
		  result->iova);
	interp_walk(&world->in, &image, interp_roots(&world->table), result->iova, &walk);
	CHECK_MSG(result->level == walk.level && result->entry[0] == walk.leaf.raw[0] &&
			  result->entry[1] == walk.leaf.raw[1],
		  "%s\n  what exists at 0x%" PRIx64 " is said to be 0x%" PRIx64 " of level %u, but is 0x%" PRIx64
		  " of level %d",
		  world_describe(world), result->iova, result->entry[0], result->level, walk.leaf.raw[0], walk.level);
}

static void check_cuts(struct world *world, const struct op *op, const struct pt_result *result)
{
	uint64_t inner = 0;

	CHECK_MSG(result->iova >= op->iova && result->iova <= op->iova + (op->bytes - 1) &&
			  interp_input(&world->in, result->iova, &inner) && ledger_find(&world->ledger, inner),
		  "%s\n  the leaf that is cut is said to be at 0x%" PRIx64 ", where nothing is", world_describe(world),
		  result->iova);
}

static void check_dirty(struct world *world, const struct op *op, uint64_t first, const uint64_t *bitmap,
			const struct pt_result *result)
{
	uint64_t found = 0, last = first + (op->bytes - 1), n = (op->bytes - 1) >> op->lg2;
	static uint64_t want[BITMAP_WORDS];

	memset(want, 0, sizeof(want));
	for (size_t i = ledger_from(&world->ledger, first); i < world->ledger.n && world->ledger.v[i].inner <= last;
	     i++) {
		struct entry *leaf = &world->ledger.v[i];
		uint64_t from = leaf->inner < first ? first : leaf->inner, to = leaf->inner + ones(leaf->lg2);
		bool *state = op->flags & PT_DIRTY_ACCESSED ? &leaf->accessed : &leaf->dirty;

		to = to > last ? last : to;
		if (!*state)
			continue;
		found += to - from + 1;
		for (uint64_t page = (from - first) >> op->lg2; page <= (to - first) >> op->lg2; page++)
			want[page / 64] |= (uint64_t)1 << page % 64;
		if (op->flags & PT_DIRTY_CLEAR)
			*state = false;
	}
	CHECK_MSG(result->bytes == found, "%s\n  0x%" PRIx64 " bytes are reported, expected 0x%" PRIx64,
		  world_describe(world), result->bytes, found);
	for (uint64_t page = 0; page <= n; page++)
		CHECK_MSG(((bitmap[page / 64] ^ want[page / 64]) >> page % 64 & 1) == 0, "%s\n  bit %" PRIu64 " is %d",
			  world_describe(world), page, (int)(bitmap[page / 64] >> page % 64 & 1));
}

/* What was replaced: one run of new translations, in the largest leaves that alignment allows. */
static void replace(struct world *world, const struct op *op, uint64_t first, unsigned int rounded)
{
	struct ledger run = {0};
	uint64_t done = 0;

	while (done < op->bytes) {
		uint64_t at = first + done, pa = op->pa + done,
			 sizes = world->table.page_sizes & interp_page_sizes(&world->in);
		struct image image = ground_cpu(&world->ground);
		struct interp_walk walk;
		unsigned int lg2 = 63;

		while (!(sizes >> lg2 & 1) || ((at | interp_inside(&world->in, pa)) & ones(lg2)) ||
		       op->bytes - done <= ones(lg2))
			lg2--;
		interp_walk(&world->in, &image, interp_roots(&world->table), interp_present(&world->in, at), &walk);
		CHECK_MSG(walk.faults == 0 && walk.pa == pa && walk.leaf.lg2 == lg2,
			  "%s\n  input 0x%" PRIx64 ": faults 0x%" PRIx64 ", 0x%" PRIx64
			  " in 2^%u bytes, expected 0x%" PRIx64 " in 2^%u",
			  world_describe(world), at, walk.faults, walk.pa, walk.leaf.lg2, pa, lg2);
		ledger_room(&run, 1);
		run.v[run.n++] = (struct entry){at, pa, lg2, rounded, walk.leaf.accessed, walk.leaf.dirty, false};
		done += (uint64_t)1 << lg2;
	}
	ledger_splice(&world->ledger, first, first + (op->bytes - 1), &run);
	free(run.v);
}

/* What the table has, the ledger gets: after an operation that succeeded. */
static void settle(struct world *world, const struct op *op, uint64_t first, unsigned int rounded,
		   const struct ledger *plan, const uint64_t *bitmap, const struct pt_result *result)
{
	uint64_t last = first + (op->bytes - 1), mapped = ledger_mapped(&world->ledger, first, last), bytes = op->bytes;
	struct ledger none = {0}, seen = {0};

	switch (op->kind) {
	case OP_MAP:
	case OP_SEGMENTS:
		CHECK_MSG(result->request == (rounded & PT_REQUEST_MASK),
			  "%s\n  request 0x%x is granted, expected 0x%x", world_describe(world), result->request,
			  rounded);
		ledger_splice(&world->ledger, first, last, plan);
		break;
	case OP_REPLACE:
		CHECK_MSG(result->request == (rounded & PT_REQUEST_MASK),
			  "%s\n  request 0x%x is granted, expected 0x%x", world_describe(world), result->request,
			  rounded);
		replace(world, op, first, rounded);
		break;
	case OP_UNMAP:
		bytes = mapped;
		ledger_splice(&world->ledger, first, last, &none);
		break;
	case OP_PROTECT:
		bytes = mapped;
		CHECK_MSG(result->request == (rounded & PT_REQUEST_MASK),
			  "%s\n  request 0x%x is granted, expected 0x%x", world_describe(world), result->request,
			  rounded);
		for (size_t i = ledger_from(&world->ledger, first);
		     i < world->ledger.n && world->ledger.v[i].inner <= last; i++) {
			struct entry *leaf = &world->ledger.v[i];

			if (!(rounded & PT_WRITE) || !(leaf->request & PT_WRITE))
				leaf->dirty = false; /* what becomes of it is the format's matter */
			leaf->request = rounded;
			leaf->merged = false;
		}
		read_back(world, first, last, true, &seen);
		for (size_t i = 0, at = ledger_from(&world->ledger, first); i < seen.n; i++, at++)
			CHECK_EQ(seen.v[i].lg2, world->ledger.v[at].lg2);
		ledger_splice(&world->ledger, first, last, &seen);
		break;
	case OP_RESERVE: break;
	case OP_DIRTY:
		bytes = result->bytes; /* looked at there */
		check_dirty(world, op, first, bitmap, result);
		break;
	case OP_TRIM:
	case OP_SPLIT:
	case OP_MERGE:
	case N_OPS: return;
	}
	CHECK_MSG(result->bytes == bytes, "%s\n  0x%" PRIx64 " bytes are reported, expected 0x%" PRIx64,
		  world_describe(world), result->bytes, bytes);
	free(seen.v);
}

/* Can all smaller leaves hold the addresses of this one? */
static bool smaller_hold(const struct world *world, const struct entry *leaf)
{
	const struct interp *in = &world->in;
	const struct m_shape *shape = &in->model->shapes.v[in->shape];

	for (ref level = in->start; level < shape->first_level + shape->n_levels; level++)
		for (int i = 0; i < in->model->levels.v[level].n_kinds; i++) {
			ref kind = in->model->levels.v[level].first_kind + i;
			uint64_t word[2];

			if (interp_offered(in, kind) && (unsigned int)in->model->kinds.v[kind].lg2 < leaf->lg2 &&
			    !interp_encode(in, kind, leaf->pa, leaf->request, word))
				return false;
		}
	return true;
}

/* May a leaf become a table, or a leaf of another size, in one store? */
static bool resize_live(const struct world *world)
{
	return world->in.model->resize_said &&
	       interp_holds(&world->in, world->in.model->resize_live, REF_NONE, NULL, 0);
}

/* Split and merge: sizes change, translations do not; refusals must have a reason in the ledger. */
static void settle_resize(struct world *world, const struct op *op, enum pt_status status,
			  const struct pt_result *result, unsigned int invalidations)
{
	uint64_t inner = 0, first, size = (uint64_t)1 << op->lg2, last, pa = 0;
	bool inside = interp_input(&world->in, op->iova, &inner), whole, alike = true;
	struct entry *leaf = inside ? ledger_find(&world->ledger, inner) : NULL;

	first = inner & ~(size - 1);
	last = first + (size - 1);
	if (op->kind == OP_SPLIT) {
		unsigned int was = leaf ? leaf->lg2 : 0;

		if (leaf)
			resize(world, leaf->inner, leaf->inner + ones(leaf->lg2));
		leaf = inside ? ledger_find(&world->ledger, inner) : NULL;
		CHECK_MSG(!leaf || leaf->lg2 == was || resize_live(world) || world->n_invalidations != invalidations,
			  "%s\n  the size of a leaf changed without an invalidation between break and make",
			  world_describe(world));
		if (status == PT_OK)
			CHECK_MSG(leaf && leaf->lg2 <= op->lg2 && result->bytes == (uint64_t)1 << leaf->lg2,
				  "%s\n  the leaf has 2^%u bytes, 0x%" PRIx64 " are reported", world_describe(world),
				  leaf ? leaf->lg2 : 0, result->bytes);
		else if (status == PT_ERR_ABSENT)
			CHECK(inside && !leaf);
		else if (status == PT_ERR_RANGE)
			CHECK(!inside);
		else if (status == PT_ERR_OUTPUT)
			CHECK_MSG(leaf && !smaller_hold(world, leaf), "%s\n  %s", world_describe(world),
				  pt_status_string(status));
		else
			CHECK_MSG(status == PT_ERR_SIZE &&
					  ((world->table.page_sizes & (2 * size - 1)) == 0 ||
					   (leaf && without_slot(world, leaf->inner, (uint64_t)1 << leaf->lg2, false))),
				  "%s\n  %s", world_describe(world), pt_status_string(status));
		return;
	}
	whole = inside && ledger_mapped(&world->ledger, first, last) == size;
	for (size_t i = ledger_from(&world->ledger, first);
	     whole && i < world->ledger.n && world->ledger.v[i].inner <= last; i++) {
		const struct entry *part = &world->ledger.v[i];

		if (part->inner <= first)
			pa = part->pa + (first - part->inner);
		alike &= part->request == ledger_find(&world->ledger, first)->request &&
			 part->pa == pa + (part->inner - first);
	}
	switch (status) {
	case PT_OK:
		CHECK_MSG(whole && alike && (interp_inside(&world->in, pa) & (size - 1)) == 0,
			  "%s\n  merged what does not belong together", world_describe(world));
		CHECK_MSG(leaf->lg2 == op->lg2 || resize_live(world) || world->n_invalidations != invalidations,
			  "%s\n  leaves became one without an invalidation between break and make",
			  world_describe(world));
		resize(world, first, last);
		leaf = ledger_find(&world->ledger, inner);
		CHECK_MSG(leaf && leaf->lg2 == op->lg2 && result->bytes == size, "%s\n  merged into 2^%u bytes",
			  world_describe(world), leaf ? leaf->lg2 : 0);
		leaf->merged = true;
		break;
	case PT_ERR_ABSENT: CHECK_MSG(!whole, "%s\n  all of it is mapped", world_describe(world)); break;
	case PT_ERR_MIXED: CHECK_MSG(!whole || !alike, "%s\n  all parts are alike", world_describe(world)); break;
	case PT_ERR_ALIGN:
		CHECK_MSG(!leaf || (interp_inside(&world->in, leaf->pa) & (size - 1)) != 0 || leaf->inner != first,
			  "%s\n  it is aligned", world_describe(world));
		break;
	case PT_ERR_RANGE: break;
	case PT_ERR_SIZE:
		CHECK_MSG(!(world->table.page_sizes & size) || (leaf && leaf->lg2 > op->lg2) ||
				  !(interp_page_sizes(&world->in) & size),
			  "%s\n  there are leaves of that size", world_describe(world));
		break;
	default: CHECK_MSG(false, "%s\n  %s", world_describe(world), pt_status_string(status));
	}
}

static void refused(struct world *world, const struct op *op, enum pt_status status, uint64_t set,
		    const struct pt_result *result)
{
	world->n_refused[op->kind]++;
	CHECK_MSG(set >> status & 1, "%s\n  %s, expected one of the set 0x%" PRIx64, world_describe(world),
		  pt_status_string(status), set);
	CHECK_EQ(result->bytes, 0);
	CHECK(result->iova >= op->iova || status == PT_ERR_RANGE);
	if (status == PT_ERR_EXISTS)
		check_exists(world, op, result);
	if (status == PT_ERR_CUTS)
		check_cuts(world, op, result);
}

/* What the device will see when the operation is done, for the looks after each sync. */
static void announce(struct world *world, const struct op *op, uint64_t set, uint64_t first, unsigned int rounded,
		     const struct ledger *plan, struct ledger *coming)
{
	const struct entry *leaf;

	world->coming = NULL;
	if (!world->ground.device || set)
		return;
	world->coming = coming;
	world->coming_first = first;
	world->coming_last = first + (op->bytes - 1);
	world->coming_breaks =
		op->kind == OP_PROTECT || op->kind == OP_REPLACE || op->kind == OP_SPLIT || op->kind == OP_MERGE;
	switch (op->kind) {
	case OP_MAP:
	case OP_SEGMENTS:
	case OP_REPLACE: world->coming = plan; break;
	case OP_UNMAP: break;
	case OP_PROTECT:
		for (size_t i = ledger_from(&world->ledger, first);
		     i < world->ledger.n && world->ledger.v[i].inner <= world->coming_last; i++) {
			ledger_room(coming, 1);
			coming->v[coming->n] = world->ledger.v[i];
			coming->v[coming->n++].request = rounded;
		}
		break;
	case OP_SPLIT:
	case OP_MERGE:
		world->coming = &world->ledger;
		world->coming_first = first & ~ones(op->lg2);
		world->coming_last = first | ones(op->lg2);
		leaf = ledger_find(&world->ledger, first);
		if (op->kind == OP_SPLIT && leaf) { /* all of the leaf may break */
			world->coming_first = leaf->inner;
			world->coming_last = leaf->inner + ones(leaf->lg2);
		}
		break;
	default: world->coming = &world->ledger; break;
	}
}

static enum plan make_plan(struct world *world, const struct op *op, const struct interp *grown, uint64_t first,
			   unsigned int rounded, struct ledger *plan)
{
	uint64_t inner = first;
	enum plan made;

	if (op->kind == OP_MAP)
		return plan_run(world, grown, first, op->pa, op->bytes, rounded, plan);
	for (size_t i = 0; op->kind == OP_SEGMENTS && i < op->n_segments; i++) {
		uint64_t pa = op->segments[i].pa, bytes = op->segments[i].bytes;

		/* segments that continue each other are one run */
		while (i + 1 < op->n_segments && op->segments[i + 1].pa == pa + bytes)
			bytes += op->segments[++i].bytes;
		made = plan_run(world, grown, inner, pa, bytes, rounded, plan);
		if (made != PLAN_DONE)
			return made;
		inner += bytes;
	}
	return PLAN_DONE;
}

/* Can the largest leaves for a run, with nothing in their way, hold their addresses, and are there slots for them? */
static enum plan run_fits(const struct world *world, uint64_t first, uint64_t pa_first, uint64_t bytes,
			  unsigned int rounded)
{
	const struct interp *in = &world->in;
	uint64_t sizes = world->table.page_sizes & interp_page_sizes(in);
	unsigned int n = 0;

	for (uint64_t done = 0; done < bytes;) {
		uint64_t at = first + done, pa = pa_first + done;
		unsigned int lg2 = 63;

		if (n++ > 4000)
			return PLAN_LONG;
		while (!(sizes >> lg2 & 1) || ((at | interp_inside(in, pa)) & ones(lg2)) || bytes - done <= ones(lg2))
			lg2--;
		if (!interp_holds_address(in, lg2, pa, rounded))
			return PLAN_NONE;
		if (!interp_has_slots(in, at, lg2))
			return PLAN_NO_SLOT;
		done += (uint64_t)1 << lg2;
	}
	return PLAN_DONE;
}

static enum plan addresses_fit(const struct world *world, const struct op *op, uint64_t first, unsigned int rounded)
{
	enum plan fit = PLAN_DONE;
	uint64_t inner = first;

	if (op->kind != OP_SEGMENTS)
		return run_fits(world, first, op->pa, op->bytes, rounded);
	for (size_t i = 0; i < op->n_segments && fit == PLAN_DONE; inner += op->segments[i++].bytes)
		fit = run_fits(world, inner, op->segments[i].pa, op->segments[i].bytes, rounded);
	return fit;
}

/* Is there a leaf at an address that no smaller leaf can hold? */
static bool some_undivided(const struct world *world, uint64_t first, uint64_t bytes)
{
	for (size_t i = ledger_from(&world->ledger, first);
	     i < world->ledger.n && world->ledger.v[i].inner <= first + (bytes - 1); i++)
		if (!smaller_hold(world, &world->ledger.v[i]))
			return true;
	return false;
}

enum pt_status world_do(struct world *world, const struct op *op, struct pt_result *result)
{
	static uint64_t bitmap[BITMAP_WORDS];
	struct interp range = world->in;
	struct pt_gather *gather = test_random(&world->random) % 8 ? &world->gather : NULL;
	unsigned int rounded = 0, attempt = 0, invalidations = 0;
	struct ledger plan = {0}, coming = {0};
	struct pt_result own;
	uint64_t set, first = 0;
	enum pt_status status;

	result = result ? result : &own;
	snprintf(world->what, sizeof(world->what),
		 "%s iova 0x%" PRIx64 " pa 0x%" PRIx64 " bytes 0x%" PRIx64 " request 0x%x flags 0x%x lg2 %u%s",
		 op_names[op->kind], op->iova, op->pa, op->bytes, op->request, op->flags, op->lg2,
		 gather ? "" : " without gather");
	if (op->kind == OP_MAP || op->kind == OP_SEGMENTS || op->kind == OP_RESERVE)
		range = grown_for(world, op->iova, op->iova + (op->bytes - 1));
	set = refusals(world, op, &range, &rounded);
	interp_input(&range, op->iova, &first);
	if (set == 0) {
		enum plan made = PLAN_DONE;

		if (op->kind != OP_REPLACE)
			made = make_plan(world, op, &range, first, rounded, &plan);
		else
			made = addresses_fit(world, op, first, rounded);

		if (made == PLAN_LONG) {
			free(plan.v);
			return PT_OK;
		}
		if (made == PLAN_NONE)
			set = 1U << PT_ERR_OUTPUT;
		if (made == PLAN_NO_SLOT)
			set = 1U << PT_ERR_RANGE;
		/* A leaf that is there is split first: it cannot be, where tables below have no slot. */
		if (made == PLAN_NO_SLOT && op->kind == OP_REPLACE &&
		    ledger_mapped(&world->ledger, first, first + (op->bytes - 1)) != 0)
			set |= 1U << PT_ERR_SIZE;
		if (made == PLAN_NONE && has_limits(world) && without_slot(world, first, op->bytes, false))
			set |= 1U << PT_ERR_RANGE;
	}
	/* the first of several reasons may be told */
	if (set && !(set & (1U << PT_ERR_ALIGN | 1U << PT_ERR_RANGE | 1U << PT_ERR_OUTPUT)) &&
	    (op->kind == OP_MAP || op->kind == OP_SEGMENTS || op->kind == OP_REPLACE)) {
		enum plan fit =
			addresses_fit(world, op, first, set >> PT_ERR_RIGHTS & 1 ? PT_READ | PT_WRITE : rounded);

		if (fit == PLAN_LONG) {
			free(plan.v);
			return PT_OK;
		}
		if (fit == PLAN_NONE)
			set |= 1U << PT_ERR_OUTPUT;
		if (fit == PLAN_NO_SLOT)
			set |= 1U << PT_ERR_RANGE;
	}
	world->n_ops[op->kind]++;
	if (op->kind == OP_SPLIT || op->kind == OP_MERGE)
		world_remember(world, first & ~ones(op->lg2), first | ones(op->lg2));
	else if (!(set >> PT_ERR_RANGE & 1))
		world_remember(world, first, first + (op->bytes - 1));
	world->ground.on_sync = on_sync;
	for (;; attempt++) {
		announce(world, op, set, first, rounded, &plan, &coming);
		if (range.input_hi != world->in.input_hi || op->kind == OP_REPLACE)
			world->coming = NULL; /* the root changes on the way; sizes of a replacement are not foreseen */
		memset(bitmap, 0, sizeof(bitmap));
		/* every allocation fails once, then all go well */
		world->ground.fail_after = world->inject && attempt < 12 ? (int64_t)attempt : -1;
		ground_operation(&world->ground);
		invalidations = world->n_invalidations;
		status = call(world, op, bitmap, gather, result);
		world->ground.fail_after = -1;
		world->coming = NULL;
		coming.n = 0;
		reload(world);
		if (!world->ground.failed)
			break;
		world->n_failed_allocs++;
		CHECK_MSG(attempt < 13,
			  "%s\n  a table is asked for that must lie below 0x%" PRIx64 ", which init did not say",
			  world_describe(world), world->ground.max_pa);
		CHECK_MSG(status == PT_ERR_MEMORY || (set >> status & 1), "%s\n  allocation %u failed, but: %s",
			  world_describe(world), attempt, pt_status_string(status));
		CHECK_EQ(result->bytes, 0);
		if (op->kind == OP_SPLIT ||
		    op->kind == OP_REPLACE) /* steps that were done stay; no translation changed */
			resize(world, op->kind == OP_SPLIT ? first & ~ones(op->lg2) : first,
			       op->kind == OP_SPLIT ? first | ones(op->lg2) : first + (op->bytes - 1));
		world_check(world);
	}
	if (op->kind == OP_REPLACE && status == PT_ERR_OUTPUT && set == 0 && some_undivided(world, first, op->bytes)) {
		set = 1U << PT_ERR_OUTPUT;
		resize(world, first, first + (op->bytes - 1)); /* splits that were done before stay */
	}
	if (op->kind == OP_DIRTY && status == PT_ERR_UNSUPPORTED)
		CHECK_MSG(!world_has_state(world, op->flags & PT_DIRTY_ACCESSED), "%s\n  unsupported",
			  world_describe(world));
	else if (op->kind == OP_SPLIT || op->kind == OP_MERGE) {
		settle_resize(world, op, status, result, invalidations);
	} else if (status != PT_OK) {
		refused(world, op, status, set, result);
	} else {
		CHECK_MSG(set == 0, "%s\n  done, expected one of the set 0x%" PRIx64, world_describe(world), set);
		settle(world, op, first, rounded, &plan, bitmap, result);
	}
	world->n_done[op->kind] += status == PT_OK;
	free(plan.v);
	free(coming.v);
	return status;
}

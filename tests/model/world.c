/* SPDX-License-Identifier: MIT */
/* world.c - a table under test beside the truth: configurations, the ledger, the TLB, and the comparison (see world.h).
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "test.h"

/* ------------------------------------------------------------------------------------------------------- the ledger */

size_t ledger_from(const struct ledger *ledger, uint64_t inner)
{
	size_t low = 0, high = ledger->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ledger->v[middle].inner + ones(ledger->v[middle].lg2) < inner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *ledger_find(const struct ledger *ledger, uint64_t inner)
{
	size_t i = ledger_from(ledger, inner);

	return i < ledger->n && ledger->v[i].inner <= inner ? &ledger->v[i] : NULL;
}

/* --------------------------------------------------------------------------------------------------- configurations */

const char *world_describe(const struct world *world)
{
	static char text[1024];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", world->format->name);

	for (unsigned int i = 0; i < world->format->n_params && at < sizeof(text) - 64; i++)
		if (world->config.param[i] != PT_UNSET)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %s=%" PRId64,
					       world->format->params[i].name, world->config.param[i]);
	snprintf(text + at, sizeof(text) - at, " page_sizes=0x%" PRIx64 "%s round %u step %u: %s",
		 world->config.page_sizes, world->ground.device ? " with sync" : "", world->round, world->step,
		 world->what);
	return text;
}

void world_random_config(const struct pt_format *format, uint64_t *random, struct pt_config *config)
{
	formats_config(format, config);
	for (unsigned int i = 0; i < format->n_params; i++) {
		const struct pt_param_info *param = &format->params[i];
		const struct pt_range *range;
		uint64_t span;

		if (param->is_static || !*param->default_text || test_random(random) % 3 == 0)
			continue; /* the default, or an address */
		range = &param->ranges[test_random(random) % param->n_ranges];
		span = (uint64_t)(range->last - range->first);
		config->param[i] = range->first + (int64_t)(test_random(random) % (span + 1));
		if (test_random(random) % 4 == 0)
			config->param[i] = test_random(random) % 2 ? range->first : range->last;
	}
}

/* ------------------------------------------------------------------------------------------- the TLB and walk cache */

static bool overlaps(const struct world *world, const struct pt_gather *gather, uint64_t inner, uint64_t bytes)
{
	uint64_t first = interp_present(&world->in, inner), last = interp_present(&world->in, inner + (bytes - 1));

	return gather->first <= last && first <= gather->last;
}

/* An invalidation is told the sizes of leaves: that of the leaf, or of a slot of its group. */
static uint64_t sizes_of(const struct world *world, unsigned int lg2)
{
	const struct m_shape *shape = &world->in.model->shapes.v[world->in.shape];
	unsigned int slot = 0;

	for (ref level = shape->first_level; level < shape->first_level + shape->n_levels; level++) {
		unsigned int lo = (unsigned int)world->in.model->levels.v[level].lo;

		if (lo <= lg2 && lo > slot && interp_written(&world->in, level))
			slot = lo;
	}
	return (uint64_t)1 << lg2 | (uint64_t)1 << slot;
}

static void on_invalidate(void *ctx, const struct pt_gather *gather)
{
	struct world *world = ctx;
	unsigned int kept = 0;

	world->n_invalidations++;
	for (unsigned int i = 0; i < world->n_tlb; i++)
		if (!overlaps(world, gather, world->tlb[i].inner, (uint64_t)1 << world->tlb[i].lg2) ||
		    !(gather->sizes & sizes_of(world, world->tlb[i].lg2)))
			world->tlb[kept++] = world->tlb[i];
	world->n_tlb = kept;
	kept = 0;
	for (unsigned int i = 0; i < world->n_paths; i++)
		if (!gather->levels || !overlaps(world, gather, world->path[i].inner, world->path[i].bytes))
			world->path[kept++] = world->path[i];
	world->n_paths = kept;
}

static void on_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct world *world = ctx;

	(void)bytes;
	for (unsigned int i = 0; i < world->n_paths; i++)
		CHECK_MSG(world->path[i].pa != pa || world->ground.ending,
			  "%s\n  table 0x%" PRIx64 " of input 0x%" PRIx64
			  " is released while a walk cache may hold it: no invalidation covered it with a level",
			  world_describe(world), pa, world->path[i].inner);
}

/* Remember a translation, and the tables on the way to it, as hardware would. */
static void remember(struct world *world, const struct entry *entry)
{
	struct image image = ground_cpu(&world->ground);
	struct interp_walk walk;
	unsigned int slot;

	slot = world->n_tlb < WORLD_TLB ? world->n_tlb++ : (unsigned int)(test_random(&world->random) % WORLD_TLB);
	world->tlb[slot] = *entry;
	interp_walk(&world->in, &image, interp_roots(&world->table), interp_present(&world->in, entry->inner), &walk);
	for (unsigned int i = 1; i < walk.n_steps; i++) {
		unsigned int lo = (unsigned int)world->in.model->levels.v[walk.step[i - 1].level].lo;

		slot = world->n_paths < WORLD_PATHS ? world->n_paths++
						    : (unsigned int)(test_random(&world->random) % WORLD_PATHS);
		world->path[slot].inner = entry->inner & ~ones(lo);
		world->path[slot].bytes = (uint64_t)1 << lo;
		world->path[slot].pa = walk.table[i];
	}
}

void world_remember(struct world *world, uint64_t first, uint64_t last)
{
	unsigned int n = 0;

	for (size_t i = ledger_from(&world->ledger, first);
	     i < world->ledger.n && world->ledger.v[i].inner <= last && n < 64;
	     i += 1 + test_random(&world->random) % 4, n++)
		remember(world, &world->ledger.v[i]);
	for (n = 0; n < 4 && world->ledger.n; n++)
		remember(world, &world->ledger.v[test_random(&world->random) % world->ledger.n]);
}

/* What the TLB still holds must be true. */
static void check_tlb(struct world *world)
{
	for (unsigned int i = 0; i < world->n_tlb; i++) {
		const struct entry *old = &world->tlb[i];
		uint64_t probe[2] = {old->inner, old->inner + ones(old->lg2)};

		for (int p = 0; p < 2; p++) {
			const struct entry *now = ledger_find(&world->ledger, probe[p]);
			uint64_t old_pa = old->pa + (probe[p] - old->inner);

			CHECK_MSG(now && now->pa + (probe[p] - now->inner) == old_pa && now->request == old->request,
				  "%s\n  a TLB still holds input 0x%" PRIx64 " -> 0x%" PRIx64
				  " request 0x%x (2^%u bytes), "
				  "which is no longer so: no gather covered it",
				  world_describe(world), probe[p], old_pa, old->request, old->lg2);
		}
	}
	for (unsigned int i = 0; i < world->n_paths; i++)
		CHECK_MSG(ground_find(&world->ground, world->path[i].pa) != NULL,
			  "%s\n  a walk cache still holds table 0x%" PRIx64, world_describe(world), world->path[i].pa);
}

void world_flush(struct world *world)
{
	snprintf(world->what + strlen(world->what), sizeof(world->what) - strlen(world->what), " / flush");
	ground_operation(&world->ground);
	pt_flush(&world->table, &world->gather);
	CHECK(pt_gather_empty(&world->gather));
	check_tlb(world);
}

/* --------------------------------------------------------------------------------------------------- the comparison */

struct compare {
	struct world *world;
	const char *view; /* "memory" or "device" */
	bool device;
	uint64_t slots; /* bytes mapped by the slots that were seen */
	uint64_t tables, table_bytes;
	bool accessed, dirty; /* of the slots of the leaf so far */
};

static bool allow_the_same(const struct interp *in, ref kind, const uint64_t word[2], const struct interp_decode *other)
{
	struct interp_decode decode;

	interp_decode(in, kind, word, &decode);
	return decode.rights == other->rights && decode.memory == other->memory;
}

static void compare_leaf(struct compare *compare, const struct interp_entry *entry)
{
	struct world *world = compare->world;
	const struct interp *in = &world->in;
	const struct m_kind *kind = &in->model->kinds.v[entry->kind];
	struct entry *leaf = ledger_find(&world->ledger, entry->inner);
	unsigned int lo = (unsigned int)in->model->levels.v[entry->level].lo;
	struct interp_decode decode;
	uint64_t want[2], mask[2], pa, offset;

	CHECK_MSG(leaf != NULL,
		  "%s\n  %s: input 0x%" PRIx64 " has leaf 0x%" PRIx64 " at 0x%" PRIx64 ", but nothing is mapped there",
		  world_describe(world), compare->view, entry->inner, entry->word[0], entry->pa);
	offset = entry->inner - leaf->inner;
	CHECK_MSG((unsigned int)kind->lg2 == leaf->lg2,
		  "%s\n  %s: input 0x%" PRIx64 " is in a leaf of 2^%d bytes (word 0x%" PRIx64 " at 0x%" PRIx64
		  "), not 2^%u",
		  world_describe(world), compare->view, entry->inner, kind->lg2, entry->word[0], entry->pa, leaf->lg2);
	pa = kind->group == GROUP_CONTIG ? leaf->pa + offset : leaf->pa;
	CHECK_MSG(interp_encode(in, entry->kind, pa, leaf->request, want),
		  "%s\n  the interpreter cannot encode 0x%" PRIx64, world_describe(world), pa);
	interp_hardware_bits(in, entry->kind, mask);
	interp_decode(in, entry->kind, entry->word, &decode);
	CHECK_MSG(
		(leaf->merged && allow_the_same(in, entry->kind, want, &decode)) ||
			(((want[0] ^ entry->word[0]) & ~mask[0]) == 0 && ((want[1] ^ entry->word[1]) & ~mask[1]) == 0),
		"%s\n  %s: input 0x%" PRIx64 " (%s, level %s, pa 0x%" PRIx64 ", request 0x%x): word 0x%" PRIx64
		"'%016" PRIx64 " at 0x%" PRIx64 ", expected 0x%" PRIx64 "'%016" PRIx64,
		world_describe(world), compare->view, entry->inner, kind->name, in->model->levels.v[entry->level].name,
		pa, leaf->request, entry->word[1], entry->word[0], entry->pa, want[1], want[0]);
	CHECK_MSG(((decode.rights & entry->path_rights) | (decode.rights & PT_RIGHT_GLOBAL)) ==
			  pt_request_rights(leaf->request),
		  "%s\n  %s: input 0x%" PRIx64 ": rights 0x%x after the path 0x%x, expected 0x%x",
		  world_describe(world), compare->view, entry->inner, decode.rights, entry->path_rights,
		  pt_request_rights(leaf->request));
	compare->accessed =
		(offset ? compare->accessed : !decode.has_accessed) || (decode.has_accessed && decode.accessed);
	compare->dirty = (offset ? compare->dirty : false) || decode.dirty;
	compare->slots += (uint64_t)1 << lo;
	if ((offset + ((uint64_t)1 << lo)) >> leaf->lg2 == 0)
		return;
	CHECK_MSG(compare->accessed == leaf->accessed && compare->dirty == leaf->dirty,
		  "%s\n  %s: input 0x%" PRIx64 ": accessed %d dirty %d, expected %d %d (word 0x%" PRIx64 ")",
		  world_describe(world), compare->view, leaf->inner, compare->accessed, compare->dirty, leaf->accessed,
		  leaf->dirty, entry->word[0]);
}

static void compare_entry(void *ctx, const struct interp_entry *entry)
{
	struct compare *compare = ctx;
	struct world *world = compare->world;
	uint64_t want[2], mask[2], synced[2];

	CHECK_MSG(entry->kind != REF_NONE, "%s\n  %s: word 0x%" PRIx64 " at 0x%" PRIx64 " (level %s) is of no kind",
		  world_describe(world), compare->view, entry->word[0], entry->pa,
		  world->in.model->levels.v[entry->level].name);
	CHECK_MSG(interp_reserved(&world->in, entry->kind, entry->word) == 0,
		  "%s\n  %s: word 0x%" PRIx64 " at 0x%" PRIx64 " (%s) has reserved bits set", world_describe(world),
		  compare->view, entry->word[0], entry->pa, world->in.model->kinds.v[entry->kind].name);
	if (world->in.model->kinds.v[entry->kind].category == CATEGORY_LEAF) {
		compare_leaf(compare, entry);
		return;
	}
	CHECK_MSG(world->in.model->kinds.v[entry->kind].category == CATEGORY_TABLE && entry->child_level != REF_NONE,
		  "%s\n  %s: word 0x%" PRIx64 " at 0x%" PRIx64 " is neither absent, table nor leaf",
		  world_describe(world), compare->view, entry->word[0], entry->pa);
	CHECK_MSG(interp_encode(&world->in, entry->kind, entry->child, 0, want),
		  "a table address that cannot be encoded");
	interp_hardware_bits(&world->in, entry->kind, mask);
	interp_synced_bits(&world->in, entry->kind, synced);
	for (int half = 0; half < 2; half++)
		if (compare->device) /* the bit that says that the device sees the table need not be seen by it */
			mask[half] |= synced[half];
		else
			want[half] |= synced[half];
	CHECK_MSG(((want[0] ^ entry->word[0]) & ~mask[0]) == 0 && ((want[1] ^ entry->word[1]) & ~mask[1]) == 0,
		  "%s\n  %s: table word 0x%" PRIx64 " at 0x%" PRIx64 " (level %s), expected 0x%" PRIx64,
		  world_describe(world), compare->view, entry->word[0], entry->pa,
		  world->in.model->levels.v[entry->level].name, want[0]);
}

static void compare_table(void *ctx, ref level, uint64_t pa, uint64_t inner, uint64_t bytes_served, uint64_t used)
{
	struct compare *compare = ctx;
	struct world *world = compare->world;
	const struct ground_block *block = ground_find(&world->ground, pa);
	bool root = false;

	for (unsigned int i = 0; i < world->table.n_roots; i++)
		root |= pa == pt_root_at(&world->table, i);

	(void)inner;
	(void)bytes_served;
	(void)used;
	CHECK_MSG(block != NULL, "%s\n  %s: table 0x%" PRIx64 " (level %s) is linked, but not allocated",
		  world_describe(world), compare->view, pa, world->in.model->levels.v[level].name);
	CHECK_MSG(block->bytes >= interp_table_bytes(&world->in, level, root), "table 0x%" PRIx64 " has %zu bytes", pa,
		  block->bytes);
	if (!root)
		CHECK_EQ(pa & (world->in.model->levels.v[level].align - 1), 0);
	compare->tables++;
	compare->table_bytes += block->bytes;
}

static uint64_t ledger_bytes(const struct ledger *ledger)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ledger->n; i++)
		bytes += (uint64_t)1 << ledger->v[i].lg2;
	return bytes;
}

static void compare_image(struct world *world, const struct image *image, const char *view, bool device)
{
	struct compare compare = {.world = world, .view = view, .device = device};
	struct interp_scan scan = {&compare, compare_entry, compare_table};

	CHECK_MSG(interp_scan(&world->in, image, interp_roots(&world->table), &scan),
		  "%s\n  %s: a table lies outside of memory", world_describe(world), view);
	CHECK_MSG(compare.slots == ledger_bytes(&world->ledger),
		  "%s\n  %s: 0x%" PRIx64 " bytes are mapped, expected 0x%" PRIx64, world_describe(world), view,
		  compare.slots, ledger_bytes(&world->ledger));
	if (!pt_gather_empty(&world->gather))
		return; /* tables that are detached count until they are freed */
	CHECK_MSG(compare.tables == world->table.n_tables, "%s\n  n_tables is %" PRIu64 ", but %" PRIu64 " are linked",
		  world_describe(world), world->table.n_tables, compare.tables);
	CHECK_MSG(compare.table_bytes == world->table.table_bytes,
		  "%s\n  table_bytes is %" PRIu64 ", expected %" PRIu64, world_describe(world),
		  world->table.table_bytes, compare.table_bytes);
}

/* Lookups of one address against the ledger. */
static void compare_address(struct world *world, uint64_t inner)
{
	uint64_t iova = interp_present(&world->in, inner), pa = 0;
	const struct entry *leaf;
	struct pt_walk walk;
	struct pt_reader reader;
	enum pt_status status;

	if (!interp_input(&world->in, iova, &inner))
		return;
	leaf = ledger_find(&world->ledger, inner);
	status = world->format->cursor_iova_to_phys(&world->table, &world->cursor, iova, &pa);
	CHECK_MSG(status == (leaf ? PT_OK : PT_ERR_ABSENT) && (!leaf || pa == leaf->pa + (inner - leaf->inner)),
		  "%s\n  cursor_iova_to_phys of 0x%" PRIx64 ": %s, 0x%" PRIx64, world_describe(world), iova,
		  pt_status_string(status), pa);
	status = world->format->iova_to_phys(&world->table, iova, &pa);
	CHECK_MSG(status == (leaf ? PT_OK : PT_ERR_ABSENT), "%s\n  iova_to_phys of 0x%" PRIx64 ": %s",
		  world_describe(world), iova, pt_status_string(status));
	if (leaf)
		CHECK_MSG(pa == leaf->pa + (inner - leaf->inner),
			  "%s\n  iova_to_phys of 0x%" PRIx64 ": 0x%" PRIx64 ", expected 0x%" PRIx64,
			  world_describe(world), iova, pa, leaf->pa + (inner - leaf->inner));
	ground_reader(&world->ground, false, false, &reader);
	memset(&walk, 0xa5, sizeof(walk));
	world->format->walk(&world->table, test_random(&world->random) % 2 ? &reader : NULL, iova, &walk);
	CHECK_MSG(walk.fault == (leaf ? PT_FAULT_NONE : PT_FAULT_ABSENT), "%s\n  walk of 0x%" PRIx64 ": fault %s",
		  world_describe(world), iova, pt_fault_string(world->format, walk.fault));
	if (!leaf)
		return;
	CHECK_MSG(walk.pa == leaf->pa + (inner - leaf->inner) && walk.leaf.lg2 == leaf->lg2 &&
			  walk.leaf.iova == interp_present(&world->in, leaf->inner) && walk.leaf.pa == leaf->pa &&
			  walk.leaf.rights == pt_request_rights(leaf->request),
		  "%s\n  walk of 0x%" PRIx64 ": pa 0x%" PRIx64 ", leaf 0x%" PRIx64 " -> 0x%" PRIx64
		  " 2^%u rights 0x%x, expected 0x%" PRIx64 " -> 0x%" PRIx64 " 2^%u rights 0x%x",
		  world_describe(world), iova, walk.pa, walk.leaf.iova, walk.leaf.pa, walk.leaf.lg2, walk.leaf.rights,
		  leaf->inner, leaf->pa, leaf->lg2, pt_request_rights(leaf->request));
	CHECK_EQ(walk.leaf.memory, (leaf->request & PT_MEMORY_MASK) >> 5);
}

/*
 * Many lookups in one call say what each says by itself, in place or not, and write nothing else. Addresses: in leaves,
 * at their ends, beside them, anywhere.
 */
static void compare_batch(struct world *world)
{
	enum { MOST = 150, UNTOUCHED = 0x5a };
	uint64_t iova[MOST], found[MOST / 64 + 2], pa[MOST + 1], want[MOST];
	size_t n = (size_t)(test_random(&world->random) % (MOST + 1)), total, expected = 0, words = (n + 63) / 64;
	bool in_place = test_random(&world->random) % 2, ask = test_random(&world->random) % 8, mapped[MOST];

	memset(found, UNTOUCHED, sizeof(found));
	memset(pa, UNTOUCHED, sizeof(pa));
	for (size_t i = 0; i < n; i++) {
		uint64_t random = test_random(&world->random), inner = random & ones(world->in.input_hi + 1);

		if (world->ledger.n && random % 8) {
			const struct entry *leaf = &world->ledger.v[(random >> 8) % world->ledger.n];
			uint64_t inside = test_random(&world->random) & ones(leaf->lg2);
			uint64_t at[] = {0, ones(leaf->lg2), inside, inside, UINT64_MAX, ones(leaf->lg2) + 1};

			inner = leaf->inner + at[random % 6];
		}
		iova[i] = random % 16 == 9 ? random : interp_present(&world->in, inner);
		want[i] = 0;
		mapped[i] = world->format->iova_to_phys(&world->table, iova[i], &want[i]) == PT_OK;
		expected += mapped[i];
		if (in_place)
			pa[i] = iova[i];
	}
	total = world->format->iova_to_phys_batch(&world->table, in_place ? pa : iova, n, pa, ask ? found : NULL);
	CHECK_MSG(total == expected, "%s\n  a batch of %zu finds %zu, expected %zu", world_describe(world), n, total,
		  expected);
	for (size_t i = 0; i < n; i++)
		CHECK_MSG(pa[i] == want[i] && (!ask || (found[i / 64] >> i % 64 & 1) == mapped[i]),
			  "%s\n  a batch of %zu takes 0x%" PRIx64 " (number %zu) to 0x%" PRIx64 ", expected 0x%" PRIx64
			  " (%s)",
			  world_describe(world), n, iova[i], i, pa[i], want[i], mapped[i] ? "found" : "not found");
	CHECK_MSG(pa[n] == UINT64_C(0x5a5a5a5a5a5a5a5a) && found[ask ? words : 0] == UINT64_C(0x5a5a5a5a5a5a5a5a),
		  "%s\n  a batch of %zu writes behind what it was given", world_describe(world), n);
	CHECK(!ask || n % 64 == 0 || found[n / 64] >> n % 64 == 0);
}

/* ------------------------------------------------------------------------------------------------- visit and ledger */

struct visit {
	struct world *world;
	size_t at; /* the next leaf of the ledger */
	bool any;
	struct pt_run last;
};

static bool visit_run(void *ctx, const struct pt_run *run)
{
	struct visit *visit = ctx;
	struct world *world = visit->world;
	uint64_t iova = run->first, pa = run->leaf.pa;
	bool merged = visit->any && (world->ledger.v[visit->at - 1].merged ||
				     (visit->at < world->ledger.n && world->ledger.v[visit->at].merged));

	for (;;) {
		const struct entry *leaf = visit->at < world->ledger.n ? &world->ledger.v[visit->at] : NULL;

		CHECK_MSG(leaf && interp_present(&world->in, leaf->inner) == iova && leaf->pa == pa &&
				  leaf->lg2 == run->leaf.lg2 && run->leaf.rights == pt_request_rights(leaf->request) &&
				  run->leaf.memory == (leaf->request & PT_MEMORY_MASK) >> 5,
			  "%s\n  visit: run 0x%" PRIx64 "-0x%" PRIx64 " -> 0x%" PRIx64
			  " (2^%u, rights 0x%x) at 0x%" PRIx64 ": the ledger has 0x%" PRIx64 " -> 0x%" PRIx64
			  " (2^%u, request 0x%x)",
			  world_describe(world), run->first, run->last, run->leaf.pa, run->leaf.lg2, run->leaf.rights,
			  iova, leaf ? interp_present(&world->in, leaf->inner) : 0, leaf ? leaf->pa : 0,
			  leaf ? leaf->lg2 : 0, leaf ? leaf->request : 0);
		visit->at++;
		pa += (uint64_t)1 << leaf->lg2;
		if (iova + ones(leaf->lg2) == run->last)
			break;
		CHECK_MSG(iova + ones(leaf->lg2) < run->last,
			  "%s\n  visit: run 0x%" PRIx64 "-0x%" PRIx64 " ends within a leaf", world_describe(world),
			  run->first, run->last);
		iova += (uint64_t)1 << leaf->lg2;
	}
	/* runs that continue each other must have been one, if their words say the same */
	if (visit->any && !merged && visit->last.last + 1 == run->first && visit->last.leaf.lg2 == run->leaf.lg2 &&
	    visit->last.leaf.level == run->leaf.level && visit->last.leaf.kind == run->leaf.kind &&
	    visit->last.leaf.rights == run->leaf.rights && visit->last.leaf.memory == run->leaf.memory &&
	    visit->last.leaf.accessed == run->leaf.accessed && visit->last.leaf.dirty == run->leaf.dirty)
		CHECK_MSG(visit->last.leaf.pa + (run->first - visit->last.first) != run->leaf.pa,
			  "%s\n  visit: runs at 0x%" PRIx64 " and 0x%" PRIx64 " continue each other, but came apart",
			  world_describe(world), visit->last.first, run->first);
	visit->any = true;
	visit->last = *run;
	return true;
}

static void compare_visit(struct world *world)
{
	struct visit visit = {.world = world};
	struct pt_reader reader;
	enum pt_status status;

	ground_reader(&world->ground, false, false, &reader);
	status = world->format->visit(&world->table, test_random(&world->random) % 2 ? &reader : NULL, 0, UINT64_MAX,
				      visit_run, &visit);
	CHECK_MSG(status == PT_OK, "%s\n  visit: %s", world_describe(world), pt_status_string(status));
	CHECK_MSG(visit.at == world->ledger.n, "%s\n  visit: %zu leaves, expected %zu", world_describe(world), visit.at,
		  world->ledger.n);
}

void world_check(struct world *world)
{
	struct image image = ground_cpu(&world->ground);

	if (!world->config.page_sizes)
		CHECK_MSG(world->table.page_sizes == interp_page_sizes(&world->in),
			  "%s\n  page_sizes is 0x%" PRIx64 ", but the leaves of these levels are 0x%" PRIx64,
			  world_describe(world), world->table.page_sizes, interp_page_sizes(&world->in));
	compare_image(world, &image, "memory", false);
	if (world->ground.device) {
		image = ground_device(&world->ground);
		compare_image(world, &image, "device", true);
	}
	if (pt_gather_empty(&world->gather))
		CHECK_MSG(world->ground.live == world->table.n_tables &&
				  world->ground.live_bytes == world->table.table_bytes,
			  "%s\n  %" PRIu64 " tables of %" PRIu64 " bytes are allocated, n_tables %" PRIu64
			  ", table_bytes %" PRIu64,
			  world_describe(world), world->ground.live, world->ground.live_bytes, world->table.n_tables,
			  world->table.table_bytes);
	compare_visit(world);
	for (unsigned int i = 0; i < 4 && world->ledger.n; i++) {
		const struct entry *leaf = &world->ledger.v[test_random(&world->random) % world->ledger.n];

		compare_address(world, leaf->inner);
		compare_address(world, leaf->inner + ones(leaf->lg2));
		compare_address(world, leaf->inner + (test_random(&world->random) & ones(leaf->lg2)));
		compare_address(world, leaf->inner - 1);
		compare_address(world, leaf->inner + ones(leaf->lg2) + 1);
	}
	for (unsigned int i = 0; i < world->n_spots; i++)
		compare_address(world, world->spot[i] + (test_random(&world->random) & ones(world->page_lg2 + 4)));
	compare_address(world, test_random(&world->random) & ones(world->in.input_hi + 1));
	compare_batch(world);
}

/* --------------------------------------------------------------------------------------------------- open and close */

/* The places where operations happen: borders of the input and of tables. */
static void choose_spots(struct world *world)
{
	const struct interp *in = &world->in;
	const struct m_shape *shape = &in->model->shapes.v[in->shape];
	uint64_t all = ones(in->input_hi + 1);

	world->n_spots = 0;
	world->spot[world->n_spots++] = in->aperture_first;
	world->spot[world->n_spots++] = in->aperture_last + 1;
	world->spot[world->n_spots++] = ((uint64_t)1 << in->input_hi) & all; /* the middle, where signs change */
	while (world->n_spots < WORLD_SPOTS) {
		ref level = shape->first_level + (ref)(test_random(&world->random) % (unsigned int)shape->n_levels);
		unsigned int lo = (unsigned int)in->model->levels.v[level].lo;

		world->spot[world->n_spots++] = lo > in->input_hi ? 0 : test_random(&world->random) & all & ~ones(lo);
	}
}

/* Where the bank may be: as high as the tables of this configuration may lie, or anywhere below. */
static uint64_t choose_base(struct world *world, uint64_t limit, size_t bytes)
{
	uint64_t highest = (limit - (bytes - 1)) & ~(uint64_t)0xffff, random = test_random(&world->random);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* direct + pa must not wrap there, and CPU addresses have 47 bits */
	if (highest > (uint64_t)1 << 46)
		highest = (uint64_t)1 << 46;
#endif
	switch (random % 3) {
	case 0: return highest;
	case 1: return 0x40000000;
	default: return ((random >> 8) % highest) & ~(uint64_t)0xffff;
	}
}

/* Can table entries of this configuration hold every address of a bank? */
static bool expressible(const struct interp *in, uint64_t base, size_t bytes)
{
	const struct m_shape *shape = &in->model->shapes.v[in->shape];

	for (ref level = shape->first_level; level < shape->first_level + shape->n_levels; level++)
		for (int i = 0; i < in->model->levels.v[level].n_kinds; i++) {
			ref kind = in->model->levels.v[level].first_kind + i;
			uint64_t word[2];

			if (in->model->kinds.v[kind].category != CATEGORY_TABLE ||
			    !interp_holds(in, in->model->kinds.v[kind].present, REF_NONE, NULL, 0))
				continue;
			if (!interp_encode(in, kind, base, 0, word) ||
			    !interp_encode(in, kind, (base + (bytes - 1)) & ~(uint64_t)0xffff, 0, word))
				return false;
		}
	return true;
}

static const size_t bank_bytes = (size_t)1 << 28;

bool world_open(struct world *world, const struct pt_format *format, const struct pt_config *config, bool coherent,
		uint64_t seed)
{
	const struct model *model = models_find(format->name);
	struct pt_result result = {0};
	enum pt_status status;
	const char *why;
	uint64_t limit, page, base;

	memset(world, 0, sizeof(*world));
	world->format = format;
	world->config = *config;
	world->random = seed;
	snprintf(world->what, sizeof(world->what), "init");
	CHECK_MSG(model != NULL, "no format file describes %s", format->name);
	why = interp_init(&world->in, model, config->param);
	ground_open(&world->ground, 0x40000000, bank_bytes, true, seed);
	status = format->init(&world->table, config, &world->ground.mem, &result);
	if (why) {
		CHECK_MSG(status == PT_ERR_CONFIG, "%s\n  init: %s, expected a refusal: %s", world_describe(world),
			  pt_status_string(status), why);
		CHECK_EQ(world->ground.live, 0);
		ground_close(&world->ground);
		return false;
	}
	if (status == PT_ERR_CONFIG && config->page_sizes) {
		ground_close(&world->ground);
		return false;
	}
	CHECK_MSG(status == PT_OK, "%s\n  init: %s (%s)", world_describe(world), pt_status_string(status),
		  result.why ? result.why : "");
	/* learn where tables may lie, then begin again there */
	page = world->table.page_sizes & (~world->table.page_sizes + 1);
	format->map(&world->table, interp_present(&world->in, world->in.aperture_first), interp_outside(&world->in, 0),
		    page, PT_READ | PT_WRITE | PT_ALLOW_WIDER, NULL, NULL);
	if (world->in.model->root.grows != REF_NONE &&
	    world->in.input_hi < 60) /* a root alone says nothing of tables */
		format->map(&world->table, (uint64_t)1 << (world->in.input_hi + 1), 0, page,
			    PT_READ | PT_WRITE | PT_ALLOW_WIDER, NULL, NULL);
	limit = world->ground.max_pa;
	world->ground.ending = true;
	format->fini(&world->table);
	ground_close(&world->ground);
	base = choose_base(world, limit, bank_bytes);
	if (base < world->in.output_first)
		base = (world->in.output_first + 0xffff) & ~(uint64_t)0xffff;
	if (!expressible(&world->in, base, bank_bytes)) /* marks, say; test_contract.c looks at that */
		base = 0x40000000;
	ground_open(&world->ground, base, bank_bytes, coherent, seed);
	world->ground.ctx = world;
	world->ground.on_invalidate = on_invalidate;
	world->ground.on_release = on_release;
	world->ground.fail_after = 0;
	status = format->init(&world->table, config, &world->ground.mem, &result);
	CHECK_MSG(status == PT_ERR_MEMORY, "%s\n  init without memory: %s", world_describe(world),
		  pt_status_string(status));
	CHECK_EQ(world->ground.live, 0);
	world->ground.fail_after = -1;
	status = format->init(&world->table, config, &world->ground.mem, &result);
	CHECK_MSG(status == PT_OK, "%s\n  init at 0x%" PRIx64 ": %s", world_describe(world), world->ground.base,
		  pt_status_string(status));
	for (unsigned int i = 0; i < format->n_params; i++)
		CHECK_MSG(world->table.param[i] == world->in.param[i],
			  "%s\n  parameter %s is %" PRId64 ", expected %" PRId64, world_describe(world),
			  format->params[i].name, world->table.param[i], world->in.param[i]);
	CHECK_EQ(world->table.first,
		 interp_present(&world->in, world->in.above == ABOVE_SIGN && world->in.aperture_first == 0 &&
							    world->in.aperture_last >> world->in.input_hi
						    ? (uint64_t)1 << world->in.input_hi
						    : world->in.aperture_first));
	world->page_lg2 = (unsigned int)__builtin_ctzll(world->table.page_sizes);
	pt_gather_init(&world->gather);
	pt_cursor_init(&world->cursor);
	choose_spots(world);
	return true;
}

void world_close(struct world *world)
{
	snprintf(world->what, sizeof(world->what), "fini");
	world_flush(world);
	world->ground.ending = true;
	world->n_paths = 0;
	world->format->fini(&world->table);
	CHECK_MSG(world->ground.live == 0, "%s\n  %" PRIu64 " tables are left after fini", world_describe(world),
		  world->ground.live);
	ground_close(&world->ground);
	free(world->ledger.v);
	memset(world, 0, sizeof(*world));
}

/* SPDX-License-Identifier: MIT */
/* mock.c - see mock.h. */
#include "mock.h"

#include <pthread.h>
#include <string.h>

#define VALID	    ((uint64_t)1 << 0)
#define TABLE	    ((uint64_t)1 << 1)
#define ACCESSED    ((uint64_t)1 << 58)
#define ADDRESS	    (((uint64_t)1 << 52) - ((uint64_t)1 << 12))
#define TABLE_BYTES 4096U
#define BLOCK_LG2   21U
#define PAGE_LG2    12U

/* Real formats need no lock here; this one keeps it simple. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int fail_calls;
static enum pt_status fail_status;

void mock_fail_after(unsigned int calls, enum pt_status status)
{
	fail_calls = calls;
	fail_status = status;
}

void mock_fail_never(void)
{
	fail_status = PT_OK;
}

static void (*walking)(void *ctx);
static void *walking_ctx;

void mock_while_walking(void (*fn)(void *ctx), void *ctx)
{
	walking = fn;
	walking_ctx = ctx;
}

static enum pt_status injected(void)
{
	enum pt_status status = fail_status;

	if (status == PT_OK || fail_calls--)
		return PT_OK;
	fail_status = PT_OK;
	return status;
}

static uint64_t *entries(const struct pt_table *table, uint64_t pa)
{
	return (uint64_t *)(void *)(table->direct + pa);
}

static void wrote(const struct pt_table *table, const void *first, size_t bytes)
{
	if (table->mem->sync)
		table->mem->sync(table->mem->ctx, first, bytes);
}

static enum pt_status fail(struct pt_result *result, enum pt_status status, uint64_t iova, const char *why)
{
	if (result) {
		result->bytes = 0;
		result->iova = iova;
		result->why = why;
	}
	return status;
}

static bool new_table(struct pt_table *table, uint64_t *pa)
{
	if (!table->mem->alloc(table->mem->ctx, TABLE_BYTES, TABLE_BYTES, UINT32_MAX, -1, pa))
		return false;
	memset(entries(table, *pa), 0, TABLE_BYTES);
	wrote(table, entries(table, *pa), TABLE_BYTES);
	__atomic_fetch_add(&table->n_tables, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&table->table_bytes, TABLE_BYTES, __ATOMIC_RELAXED);
	return true;
}

static enum pt_status mock_view(struct pt_table *table, const struct pt_config *config, const uint64_t *roots, size_t n,
				struct pt_result *result)
{
	*table = (struct pt_table){
		.format = &mock_format, .top = n ? roots[0] : 0, .last = ((uint64_t)1 << 30) - 1, .n_roots = 1};
	for (unsigned int i = 0; i < MOCK_N_PARAMS; i++) {
		table->param[i] = config->param[i] == PT_UNSET ? 0 : config->param[i];
		if (!pt_param_valid(&mock_format, i, table->param[i]))
			return fail(result, PT_ERR_CONFIG, 0, "a parameter is out of its set");
	}
	table->page_sizes = (uint64_t)1 << PAGE_LG2;
	if (table->param[MOCK_PARAM_BLOCKS])
		table->page_sizes |= (uint64_t)1 << BLOCK_LG2;
	table->output_last = ADDRESS;
	table->input_bits = 30;
	return PT_OK;
}

static enum pt_status mock_init(struct pt_table *table, const struct pt_config *config, const struct pt_mem *mem,
				struct pt_result *result)
{
	enum pt_status status = mock_view(table, config, NULL, 0, result);

	if (status == PT_OK)
		status = injected();
	if (status != PT_OK)
		return status;
	table->mem = mem;
	table->direct = mem->direct;
	if (!new_table(table, &table->top))
		return fail(result, PT_ERR_MEMORY, 0, NULL);
	table->root_bytes = TABLE_BYTES;
	return PT_OK;
}

static void free_table(struct pt_table *table, uint64_t pa)
{
	__atomic_fetch_sub(&table->n_tables, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&table->table_bytes, TABLE_BYTES, __ATOMIC_RELAXED);
	table->mem->release(table->mem->ctx, pa, TABLE_BYTES);
}

static void mock_free_subtree(struct pt_table *table, uint64_t pa, uint16_t level, struct pt_tally *tally)
{
	(void)tally; /* counted table by table */
	if (level == 0)
		for (unsigned int i = 0; i < 512; i++)
			if (entries(table, pa)[i] & TABLE)
				free_table(table, entries(table, pa)[i] & ADDRESS);
	free_table(table, pa);
}

static void mock_fini(struct pt_table *table)
{
	mock_free_subtree(table, pt_root(table), 0, NULL);
}

static size_t mock_registers(const struct pt_table *table, struct pt_register *out, size_t n)
{
	if (n)
		out[0] = (struct pt_register){.name = "BASE", .bits = 64, .value = {pt_root(table)}};
	return 1;
}

static uint64_t word_of(unsigned int request)
{
	return VALID | (uint64_t)(request & 0xf) << 52 | (uint64_t)((request & PT_MEMORY_MASK) >> 5) << 56;
}

static enum pt_status unmap(struct pt_table *table, uint64_t iova, uint64_t bytes, struct pt_gather *gather,
			    struct pt_result *result)
{
	uint64_t *root = entries(table, pt_root(table)), end = iova + bytes, removed = 0;

	for (uint64_t at = iova; at < end;) {
		uint64_t *entry = &root[at >> BLOCK_LG2], next = ((at >> BLOCK_LG2) + 1) << BLOCK_LG2;
		uint64_t last = next < end ? next : end, word = PT_READ_ONCE(entry);

		if ((word & VALID) && !(word & TABLE)) {
			if (last - at != (uint64_t)1 << BLOCK_LG2)
				return fail(result, PT_ERR_CUTS, at, NULL);
			PT_WRITE_ONCE(entry, 0);
			wrote(table, entry, sizeof(*entry));
			removed += last - at;
			pt_gather_add(gather, at, last - 1, BLOCK_LG2);
		} else if (word & TABLE) {
			uint64_t *leaves = entries(table, word & ADDRESS);

			for (uint64_t page = at; page < last; page += (uint64_t)1 << PAGE_LG2) {
				uint64_t *leaf = &leaves[page >> PAGE_LG2 & 511];

				if (PT_READ_ONCE(leaf) & VALID) {
					PT_WRITE_ONCE(leaf, 0);
					wrote(table, leaf, sizeof(*leaf));
					removed += (uint64_t)1 << PAGE_LG2;
					pt_gather_add(gather, page, page + 4095, PAGE_LG2);
				}
			}
			if (last - at == (uint64_t)1 << BLOCK_LG2) {
				pt_gather_table(table, gather, word & ADDRESS, 1);
				PT_WRITE_ONCE(entry, 0);
				wrote(table, entry, sizeof(*entry));
			}
		}
		at = last;
	}
	if (result)
		result->bytes = removed;
	return PT_OK;
}

static enum pt_status mock_unmap(struct pt_table *table, uint64_t iova, uint64_t bytes, unsigned int flags,
				 struct pt_gather *gather, struct pt_result *result)
{
	enum pt_status status;

	(void)flags;
	pthread_mutex_lock(&lock);
	status = unmap(table, iova, bytes, gather, result);
	pthread_mutex_unlock(&lock);
	return status;
}

/* Write one leaf; the caller undoes what went before when it fails. */
static enum pt_status map_one(struct pt_table *table, uint64_t iova, uint64_t word, bool block)
{
	uint64_t *entry = &entries(table, pt_root(table))[iova >> BLOCK_LG2], pa;

	if (block) {
		if (PT_READ_ONCE(entry))
			return PT_ERR_EXISTS;
		PT_PUBLISH(entry, word);
	} else {
		if ((PT_READ_ONCE(entry) & VALID) && !(PT_READ_ONCE(entry) & TABLE))
			return PT_ERR_EXISTS;
		if (!PT_READ_ONCE(entry)) {
			if (!new_table(table, &pa))
				return PT_ERR_MEMORY;
			PT_PUBLISH(entry, pa | TABLE | VALID);
			wrote(table, entry, sizeof(PT_READ_ONCE(entry)));
		}
		entry = &entries(table, PT_READ_ONCE(entry) & ADDRESS)[iova >> PAGE_LG2 & 511];
		if (PT_READ_ONCE(entry))
			return PT_ERR_EXISTS;
		PT_PUBLISH(entry, word);
	}
	wrote(table, entry, sizeof(PT_READ_ONCE(entry)));
	return PT_OK;
}

static enum pt_status map_segments(struct pt_table *table, uint64_t iova, const struct pt_segment *segments, size_t n,
				   unsigned int request, struct pt_gather *gather, struct pt_result *result)
{
	enum pt_status status = injected();
	uint64_t at = iova;

	if (status != PT_OK)
		return fail(result, status, iova, "the test asked for it");
	for (size_t i = 0; i < n && status == PT_OK; i++) {
		uint64_t pa = segments[i].pa, left = segments[i].bytes;

		if ((at | pa | left) & 4095)
			status = PT_ERR_ALIGN;
		else if (at > table->last || left - 1 > table->last - at)
			status = PT_ERR_RANGE;
		while (left && status == PT_OK) {
			uint64_t block = (uint64_t)1 << BLOCK_LG2, page = (uint64_t)1 << PAGE_LG2;
			bool big = (table->page_sizes & block) && !((at | pa) & (block - 1)) && left >= block;

			status = map_one(table, at, pa | word_of(request), big);
			if (status == PT_OK) {
				at += big ? block : page;
				pa += big ? block : page;
				left -= big ? block : page;
			}
		}
	}
	if (status != PT_OK) {
		uint64_t failed = at;

		unmap(table, iova, failed - iova, gather, NULL);
		return fail(result, status, failed, NULL);
	}
	if (result) {
		result->bytes = at - iova;
		result->request = request & PT_REQUEST_MASK;
	}
	return PT_OK;
}

static enum pt_status mock_map_segments(struct pt_table *table, uint64_t iova, const struct pt_segment *segments,
					size_t n, unsigned int request, struct pt_gather *gather,
					struct pt_result *result)
{
	enum pt_status status;

	pthread_mutex_lock(&lock);
	status = map_segments(table, iova, segments, n, request, gather, result);
	pthread_mutex_unlock(&lock);
	return status;
}

static enum pt_status mock_map(struct pt_table *table, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request,
			       struct pt_gather *gather, struct pt_result *result)
{
	struct pt_segment segment = {pa, bytes};

	return mock_map_segments(table, iova, &segment, 1, request, gather, result);
}

static enum pt_status mock_protect(struct pt_table *table, uint64_t iova, uint64_t bytes, unsigned int request,
				   struct pt_gather *gather, struct pt_result *result)
{
	enum pt_status status = injected();
	uint64_t rights = ~((uint64_t)0x3f << 52);

	if (status != PT_OK)
		return fail(result, status, iova, "the test asked for it");
	for (uint64_t at = iova; at < iova + bytes;) {
		uint64_t *entry = &entries(table, pt_root(table))[at >> BLOCK_LG2];
		bool block = !(PT_READ_ONCE(entry) & TABLE);

		if (!block)
			entry = &entries(table, PT_READ_ONCE(entry) & ADDRESS)[at >> PAGE_LG2 & 511];
		if (!PT_READ_ONCE(entry))
			return fail(result, PT_ERR_ABSENT, at, NULL);
		PT_WRITE_ONCE(entry, (PT_READ_ONCE(entry) & rights) | word_of(request));
		wrote(table, entry, sizeof(*entry));
		pt_gather_add(gather, at, at, block ? BLOCK_LG2 : PAGE_LG2);
		at += (uint64_t)1 << (block ? BLOCK_LG2 : PAGE_LG2);
	}
	if (result) {
		result->bytes = bytes;
		result->request = request & PT_REQUEST_MASK;
	}
	return PT_OK;
}

static void fill_leaf(struct pt_leaf *leaf, uint64_t iova, uint64_t word, unsigned int level)
{
	unsigned int lg2 = level ? PAGE_LG2 : BLOCK_LG2;

	*leaf = (struct pt_leaf){.iova = iova >> lg2 << lg2,
				 .pa = word & ADDRESS,
				 .raw = {word, 0},
				 .level = (uint16_t)level,
				 .kind = (uint16_t)(level ? 3 : 1),
				 .lg2 = (uint8_t)lg2,
				 .entry_lg2 = (uint8_t)lg2,
				 .rights = (uint8_t)pt_request_rights((unsigned int)(word >> 52) & 0xf),
				 .memory = (uint8_t)(word >> 56 & 3),
				 .accessed = (word & ACCESSED) != 0};
}

static uint16_t kind_of(uint64_t word, uint16_t level)
{
	if (!(word & VALID))
		return 0;
	return level ? 3 : word & TABLE ? 2 : 1;
}

static void mock_walk(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, struct pt_walk *walk)
{
	uint64_t pa = pt_root(table), word;

	*walk = (struct pt_walk){.fault = PT_FAULT_ADDRESS};
	if (iova > table->last)
		return;
	for (uint16_t level = 0;; level++) {
		pa += (level ? iova >> PAGE_LG2 & 511 : iova >> BLOCK_LG2) * 8;
		walk->level = level;
		walk->fault = PT_FAULT_BOUNDS;
		if (!reader->read(reader->ctx, pa, &word, sizeof(word)))
			return;
		walk->step[walk->n_steps++] = (struct pt_step){
			.entry_pa = pa, .raw = {word, 0}, .level = level, .kind = kind_of(word, level)};
		walk->fault = PT_FAULT_ABSENT;
		if (!(word & VALID))
			return;
		if (level || !(word & TABLE))
			break;
		pa = word & ADDRESS;
	}
	walk->fault = PT_FAULT_NONE;
	fill_leaf(&walk->leaf, iova, word, walk->level);
	walk->pa = walk->leaf.pa + (iova - walk->leaf.iova);
}

static void mock_translate(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, unsigned int access,
			   struct pt_walk *walk)
{
	unsigned int wanted = access & (PT_ACCESS_READ | PT_ACCESS_WRITE | PT_ACCESS_EXEC);

	mock_walk(table, reader, iova, walk);
	if (walking)
		walking(walking_ctx);
	if (walk->fault != PT_FAULT_NONE)
		return;
	if (wanted & ~(unsigned int)(access & PT_ACCESS_PRIV ? walk->leaf.rights & 7 : walk->leaf.rights >> 3 & 7)) {
		walk->fault = PT_FAULT_PERMISSION;
	} else if (!walk->leaf.accessed && reader->update) {
		uint64_t before = walk->leaf.raw[0], after = before | ACCESSED;

		reader->update(reader->ctx, walk->step[walk->n_steps - 1].entry_pa, &before, &after, sizeof(after));
	}
}

/* Runs of one leaf each: what reads them may not count on merging. */
static enum pt_status mock_visit(const struct pt_table *table, struct pt_reader *reader, uint64_t first, uint64_t last,
				 pt_visit_fn fn, void *ctx)
{
	if (last > table->last)
		last = table->last;
	for (uint64_t at = first; at <= last;) {
		struct pt_walk walk;
		uint64_t size;

		mock_walk(table, reader, at, &walk);
		size = (uint64_t)1 << (walk.level ? PAGE_LG2 : BLOCK_LG2);
		if (walk.fault == PT_FAULT_NONE) {
			struct pt_run run = {.first = at,
					     .last = (at | (size - 1)) < last ? at | (size - 1) : last,
					     .leaf = walk.leaf};

			if (!fn(ctx, &run))
				return PT_ERR_STOPPED;
		}
		at = (at | (size - 1)) + 1;
	}
	return PT_OK;
}

static enum pt_status mock_verify(const struct pt_table *table, struct pt_reader *reader, pt_finding_fn fn, void *ctx,
				  uint64_t *findings)
{
	(void)table;
	(void)reader;
	(void)fn;
	(void)ctx;
	*findings = 0; /* every word is of some kind */
	return PT_OK;
}

static const struct pt_range boolean[] = {{0, 1}}, any[] = {{0, 255}};
static const struct pt_param_info params[] = {
	{.name = "blocks", .doc = "", .default_text = "0", .ranges = boolean, .n_ranges = 1},
	{.name = "flavour", .doc = "", .default_text = "0", .ranges = any, .n_ranges = 1},
};
static const struct pt_level_info levels[] = {
	{.name = "upper", .number = 0, .hi = 29, .lo = 21, .entry_bytes = 8, .table_bytes = 4096, .table_align = 4096},
	{.name = "lower", .number = 1, .hi = 20, .lo = 12, .entry_bytes = 8, .table_bytes = 4096, .table_align = 4096},
};
static const struct pt_kind_info kinds[] = {
	{.name = "absent", .doc = "", .category = PT_KIND_ABSENT},
	{.name = "block", .doc = "", .category = PT_KIND_LEAF, .lg2 = 21, .entry_lg2 = 21},
	{.name = "table", .doc = "", .category = PT_KIND_TABLE},
	{.name = "page", .doc = "", .category = PT_KIND_LEAF, .level = 1, .lg2 = 12, .entry_lg2 = 12},
};
static const char *const shapes[] = {""};

/* Functions that the runtime does not call are not there. */
const struct pt_format mock_format = {
	.abi = PT_ABI,
	.name = "mock",
	.title = "A format of two levels for tests",
	.spec = "mock.h",
	.params = params,
	.levels = levels,
	.kinds = kinds,
	.shapes = shapes,
	.n_params = MOCK_N_PARAMS,
	.n_levels = 2,
	.n_kinds = 4,
	.n_shapes = 1,
	.n_registers = 1,
	.page_sizes = (uint64_t)1 << BLOCK_LG2 | (uint64_t)1 << PAGE_LG2,
	.has_accessed = true,
	.has_exec = true,
	.has_priv = true,
	.has_memory = true,
	.init = mock_init,
	.fini = mock_fini,
	.view = mock_view,
	.registers = mock_registers,
	.map = mock_map,
	.map_segments = mock_map_segments,
	.unmap = mock_unmap,
	.protect = mock_protect,
	.walk = mock_walk,
	.translate = mock_translate,
	.visit = mock_visit,
	.verify = mock_verify,
	.free_subtree = mock_free_subtree,
};

/* SPDX-License-Identifier: MIT */
/* table.c - a page table of a region: the memory behind it, and mappings as its format's functions make them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct table *table_of(struct mapper *mapper)
{
	return VC_CONTAINER(mapper, struct table, mapper);
}

/* ----------------------------------------------------------------------------------------------------- table memory */

/* Tables of a first stage lie where its region was told: at addresses of the region below. */
static bool alloc_between(struct region *region, size_t bytes, size_t align, uint64_t max_pa, uint64_t *pa)
{
	struct vc_range_node *node;
	bool done;

	if (!vc_may_allocate("table"))
		return false;
	pthread_mutex_lock(&region->table_lock);
	done = !vc_ranges_take(&region->table_space, bytes, (unsigned int)__builtin_ctzll(align), 0, max_pa, region,
			       &node);
	if (done)
		*pa = node->first;
	pthread_mutex_unlock(&region->table_lock);
	return done;
}

static void release_between(struct region *region, uint64_t pa)
{
	pthread_mutex_lock(&region->table_lock);
	vc_ranges_give(&region->table_space, vc_ranges_find(&region->table_space, pa));
	pthread_mutex_unlock(&region->table_lock);
}

/* Addresses here are the walker's: physical address + bus offset of its device. */
static bool alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	const struct table *table = ctx;
	uint64_t offset = (uint64_t)table->view->offset, physical;

	(void)node; /* there is one memory node */
	if (table->mapper.region->parent)
		return alloc_between(table->mapper.region, bytes, align, max_pa, pa);
	if (table->view->offset > 0 && max_pa < offset)
		return false;
	/* A negative offset may lift the bound beyond 2^64. */
	max_pa = table->view->offset < 0 && max_pa > UINT64_MAX + offset ? UINT64_MAX : max_pa - offset;
	if (!system_table_alloc(table->mapper.region->system, bytes, align, max_pa, &physical))
		return false;
	*pa = physical + offset;
	return true;
}

static void release(void *ctx, uint64_t pa, size_t bytes)
{
	const struct table *table = ctx;

	(void)bytes;
	if (table->mapper.region->parent)
		release_between(table->mapper.region, pa);
	else
		system_table_free(table->mapper.region->system, pa - (uint64_t)table->view->offset);
}

/* All memory here is coherent; the call says how much is written. */
static void count_written(void *ctx, const void *first, size_t bytes)
{
	struct table *table = ctx;

	(void)first;
	atomic_fetch_add(&table->written, bytes);
}

/* Wait until every access that may have walked the table before is over: then nothing uses what was removed. */
static void wait_for_walkers(struct table *table)
{
	pthread_rwlock_wrlock(&table->walkers);
	pthread_rwlock_unlock(&table->walkers);
}

/* Region lock held: the associations stay. */
static void invalidate(void *ctx, const struct pt_gather *gather)
{
	struct pt_gather everything = *gather;
	struct table *table = ctx;

	everything.first = 0;
	everything.last = UINT64_MAX;
	everything.sizes = UINT64_MAX;
	everything.levels = UINT32_MAX;
	atomic_fetch_add(&table->mapper.region->n_invalidations, 1);
	/* What a cache holds of two stages does not say which addresses between them it came through. */
	LIST_FOR(link, &table->above)
	{
		const struct association *association = VC_CONTAINER(link, struct association, above);

		if (association->device->iotlb)
			iotlb_invalidate(association->device->iotlb, 0, UINT64_MAX);
		driver_invalidate(association->device, &everything);
	}
	LIST_FOR(link, &table->mapper.region->associations)
	{
		const struct association *association = VC_CONTAINER(link, struct association, link);

		if (association->mapper != &table->mapper)
			continue;
		if (association->device->iotlb)
			iotlb_invalidate(association->device->iotlb, gather->first, gather->last);
		if (association->active)
			driver_invalidate(association->device, gather);
	}
	wait_for_walkers(table);
}

static void quiesce(void *ctx)
{
	wait_for_walkers(ctx);
}

/* ----------------------------------------------------------------------------------------------------------- reader */

/* Memory that a walker of the table may look at, by its addresses; NULL: there is none. */
static unsigned char *memory_of(const struct table *table, uint64_t pa, size_t bytes)
{
	const struct region *region = table->mapper.region;
	bool is_there;

	if (region->parent)
		is_there = pa >= region->tables->address && pa - region->tables->address < region->tables->backed &&
			   bytes <= region->tables->backed - (pa - region->tables->address);
	else
		is_there = system_is_ram(region->system, pa - (uint64_t)table->view->offset, bytes);
	return is_there ? table->view->base + pa : NULL;
}

static bool read_memory(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct table *table = ctx;
	const unsigned char *from = memory_of(table, pa, bytes);

	if (!from)
		return false;
	/* Entries are read in one piece, since they may be changing, and before the table that they lead to. */
	if (bytes == 4 && pa % 4 == 0) {
		uint32_t word = PT_READ_LINK((const uint32_t *)(const void *)from);

		memcpy(buffer, &word, sizeof(word));
	} else if (bytes % 8 == 0 && pa % 8 == 0) {
		for (size_t i = 0; i < bytes / 8; i++) {
			uint64_t word = PT_READ_LINK((const uint64_t *)(const void *)from + i);

			memcpy((unsigned char *)buffer + i * 8, &word, sizeof(word));
		}
	} else {
		memcpy(buffer, from, bytes);
	}
	return true;
}

static bool update_memory(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	const struct table *table = ctx;
	unsigned char *at = memory_of(table, pa, bytes);

	if (!at || pa % bytes)
		return false;
	if (bytes == 4) {
		uint32_t before, after;

		memcpy(&before, expected, sizeof(before));
		memcpy(&after, desired, sizeof(after));
		return PT_CAS((uint32_t *)(void *)at, &before, after);
	}
	/* Accessed and dirty bits of a wide entry share one half. */
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t before, after;

		memcpy(&before, (const unsigned char *)expected + i, sizeof(before));
		memcpy(&after, (const unsigned char *)desired + i, sizeof(after));
		if (before != after && !PT_CAS((uint64_t *)(void *)(at + i), &before, after))
			return false;
	}
	return true;
}

void table_reader(const struct table *table, bool update, struct pt_reader *reader)
{
	union {
		const struct table *from;
		struct table *to;
	} ctx = {.from = table};

	*reader = (struct pt_reader){
		.ctx = ctx.to, .read = read_memory, .update = update ? update_memory : NULL, .steps = UINT64_MAX};
}

/* ---------------------------------------------------------------------------------------------------------- mapping */

static int error_of(enum pt_status status)
{
	switch (status) {
	case PT_OK: return 0;
	case PT_ERR_RANGE: return -ERANGE;
	case PT_ERR_OUTPUT: return -ERANGE;
	case PT_ERR_RIGHTS: return -EOPNOTSUPP;
	case PT_ERR_UNSUPPORTED: return -EOPNOTSUPP;
	case PT_ERR_WIDER: return -EACCES;
	case PT_ERR_EXISTS: return -EADDRINUSE;
	case PT_ERR_ABSENT: return -ENOENT;
	case PT_ERR_MEMORY: return -ENOMEM;
	case PT_ERR_ALIGN:
	case PT_ERR_CUTS:
	case PT_ERR_CONFIG:
	case PT_ERR_SIZE:
	case PT_ERR_MIXED: return -EINVAL;
	default: return -EIO;
	}
}

static int fail(const struct table *table, const char *what, enum pt_status status, const struct pt_result *result)
{
	int error = error_of(status);

	vc_fail_at(what, error, describe_region(table->mapper.region).text, result->iova, "%s table of '%s': %s%s%s%s",
		   table->pt.format->name, table->made_for->name, pt_status_string(status), result->why ? " (" : "",
		   result->why ? result->why : "", result->why ? ")" : "");
	return vc_fail_status(error, status);
}

static unsigned int memory_request(const struct mapping *mapping)
{
	switch (mapping->cache) {
	case VC_NONCACHED: return PT_NONCACHED;
	case VC_DEVICE_MEMORY: return PT_DEVICE;
	default: return mapping->shareable ? PT_CACHED : PT_NONSHAREABLE;
	}
}

/* Remember what the format made of a memory type. */
static void note_granted(struct table *table, const struct mapping *mapping, const struct pt_result *result)
{
	atomic_store(&table->becomes[memory_request(mapping) >> 5],
		     (uint8_t)(((result->request & PT_MEMORY_MASK) >> 5) + 1));
}

bool table_may_show(const struct table *table, const struct mapping *mapping, unsigned int memory)
{
	unsigned int becomes = atomic_load(&table->becomes[memory_request(mapping) >> 5]);

	return !becomes || memory == becomes - 1;
}

static unsigned int request_of(const struct table *table, const struct mapping *mapping)
{
	return mapping->rights | memory_request(mapping) | (table->allow_wider ? (unsigned int)PT_ALLOW_WIDER : 0U);
}

/* A part of a mapping in which there are no holes, or which is one. */
struct stretch {
	uint64_t offset, bytes;
	size_t first, n; /* segments */
	bool is_hole;
};

/* The stretch behind `after`; begin with one that is empty. false: the mapping is at its end. */
static bool next_stretch(const struct mapping *mapping, struct stretch *after)
{
	const struct phys *phys = mapping->phys;
	uint64_t left = mapping->bytes - (after->offset + after->bytes);

	after->offset += after->bytes;
	after->first += after->n;
	after->bytes = 0;
	after->n = 0;
	if (!left)
		return false;
	after->is_hole = phys->segments[after->first].pa == PHYS_HOLE;
	while (left && after->is_hole == (phys->segments[after->first + after->n].pa == PHYS_HOLE)) {
		uint64_t bytes = phys->segments[after->first + after->n].bytes;

		bytes = bytes < left ? bytes : left;
		after->bytes += bytes;
		left -= bytes;
		after->n++;
	}
	return true;
}

static void table_unmap(struct mapper *mapper, const struct mapping *mapping)
{
	struct table *table = table_of(mapper);
	struct pt_gather gather;

	/* Exactly a range that was mapped before: it cuts no leaf, and needs no memory. */
	pt_gather_init(&gather);
	table->pt.format->unmap(&table->pt, mapping->address, mapping->bytes, 0, &gather, NULL);
	pt_flush(&table->pt, &gather);
}

static int table_map(struct mapper *mapper, const struct mapping *mapping)
{
	struct table *table = table_of(mapper);
	const struct phys *phys = mapping->phys;
	struct pt_segment *segments = vc_calloc(phys->n_segments, sizeof(*segments));
	struct pt_result result = {.iova = mapping->address};
	struct stretch now = {.offset = 0};
	struct pt_gather gather;
	enum pt_status status = PT_OK;

	if (!segments)
		return vc_fail_at("vc_back", -ENOMEM, describe_phys(phys).text, 0, "no memory for a list of segments");
	pt_gather_init(&gather);
	while (status == PT_OK && next_stretch(mapping, &now)) {
		uint64_t left = now.bytes;

		for (size_t i = 0; i < now.n && !now.is_hole; i++) {
			const struct pt_segment *from = &phys->segments[now.first + i];

			segments[i].pa = from->pa + (uint64_t)table->view->offset;
			segments[i].bytes = from->bytes < left ? from->bytes : left;
			left -= segments[i].bytes;
		}
		if (!now.is_hole)
			status = table->pt.format->map_segments(&table->pt, mapping->address + now.offset, segments,
								now.n, request_of(table, mapping), &gather, &result);
		if (!now.is_hole && status == PT_OK)
			note_granted(table, mapping, &result);
	}
	pt_flush(&table->pt, &gather);
	free(segments);
	if (status != PT_OK && now.offset) {
		struct mapping before = *mapping;

		before.bytes = now.offset;
		table_unmap(mapper, &before);
	}
	return status == PT_OK ? 0 : fail(table, "vc_back", status, &result);
}

static enum pt_status protect_stretches(struct table *table, const struct mapping *mapping, uint64_t bytes,
					struct stretch *failed, struct pt_result *result)
{
	struct stretch now = {.offset = 0};
	enum pt_status status = PT_OK;
	struct pt_gather gather;

	pt_gather_init(&gather);
	while (status == PT_OK && next_stretch(mapping, &now) && now.offset < bytes)
		if (!now.is_hole) {
			status = table->pt.format->protect(&table->pt, mapping->address + now.offset, now.bytes,
							   request_of(table, mapping), &gather, result);
			if (status == PT_OK)
				note_granted(table, mapping, result);
		}
	pt_flush(&table->pt, &gather);
	*failed = now;
	return status;
}

static int table_protect(struct mapper *mapper, const struct mapping *before, const struct mapping *after)
{
	struct table *table = table_of(mapper);
	struct pt_result result = {.iova = after->address};
	struct stretch failed, ignored;
	enum pt_status status = protect_stretches(table, after, after->bytes, &failed, &result);
	int error;

	if (status == PT_OK)
		return 0;
	error = fail(table, "vc_reservation_set", status, &result);
	/* What was there a moment ago can be expressed. */
	protect_stretches(table, before, failed.offset, &ignored, &result);
	return error;
}

/*
 * Contiguous memory takes the place of what is there in one step. Other memory needs other leaves, so there the range
 * is unmapped first.
 */
static int table_replace(struct mapper *mapper, const struct mapping *from, const struct mapping *to)
{
	struct table *table = table_of(mapper);
	struct pt_result result = {.iova = to->address};
	struct pt_gather gather;
	enum pt_status status;
	int error;

	if (to->phys->segments[0].bytes >= to->bytes && !from->phys->holes) {
		pt_gather_init(&gather);
		status = table->pt.format->replace(&table->pt, to->address,
						   to->phys->segments[0].pa + (uint64_t)table->view->offset, to->bytes,
						   request_of(table, to), &gather, &result);
		pt_flush(&table->pt, &gather);
		return status == PT_OK ? 0 : fail(table, "vc_reback", status, &result);
	}
	table_unmap(mapper, from);
	error = table_map(mapper, to);
	if (error) {
		struct vc_error first = *vc_last_error();

		if (table_map(mapper, from))
			error = -EIO;
		vc_fail_at("vc_reback", error, first.object, first.address, "%s", first.reason);
		vc_fail_status(error, first.status);
	}
	return error;
}

static void put_view(const struct table *table)
{
	/* That of a first stage is its region's. */
	if (!table->mapper.region->parent)
		system_view_put(table->mapper.region->system, table->view);
}

static void table_destroy(struct mapper *mapper)
{
	struct table *table = table_of(mapper);

	table->pt.format->fini(&table->pt);
	put_view(table);
	pthread_rwlock_destroy(&table->walkers);
	object_put(&table->made_for->object);
	free(table);
}

static const struct mapper_ops table_ops = {table_map, table_unmap, table_protect, table_replace, table_destroy};

/* What the device needs to reach at its own address, whatever the region maps. */
static int map_identity(struct table *table)
{
	const struct device *device = table->made_for;

	for (size_t i = 0; i < device->n_reserved; i++) {
		const struct vc_reserved *reserved = &device->reserved[i];
		struct pt_result result = {.iova = reserved->first};
		enum pt_status status;

		if (!reserved->identity)
			continue;
		status = table->pt.format->map(&table->pt, reserved->first, reserved->first, reserved->bytes,
					       reserved->identity | (unsigned int)PT_ALLOW_WIDER, NULL, &result);
		if (status != PT_OK)
			return fail(table, "vc_activate", status, &result);
	}
	return 0;
}

int table_create(struct region *region, struct device *device, unsigned int stage, struct table **out)
{
	const struct stage *of = &device->stage[stage];
	struct table *table = vc_calloc(1, sizeof(*table));
	struct pt_result result = {.iova = 0};
	enum pt_status status;
	int error;

	if (!table)
		return vc_fail_at("vc_activate", -ENOMEM, device->name, 0, "no memory for a table");
	table->view = region->parent ? region->table_view : system_view(region->system, device->bus_offset);
	if (!table->view) {
		free(table);
		return -ENOMEM;
	}
	pthread_rwlock_init(&table->walkers, NULL);
	table->mapper.ops = &table_ops;
	table->mapper.region = region;
	list_init(&table->above);
	table->made_for = device;
	table->stage = of;
	object_hold(&device->object);
	table->allow_wider = device->allow_wider;
	table->mem = (struct pt_mem){.ctx = table,
				     .direct = table->view->base,
				     .alloc = alloc,
				     .release = release,
				     .sync = count_written,
				     .invalidate = invalidate,
				     .quiesce = quiesce};
	status = of->format->init(&table->pt, &of->config, &table->mem, &result);
	if (status != PT_OK) {
		error = error_of(status);
		table->pt.format = of->format;
		fail(table, "vc_activate", status, &result);
		put_view(table);
		pthread_rwlock_destroy(&table->walkers);
		object_put(&device->object);
		free(table);
		return error;
	}
	/* What it keeps for itself are addresses that it presents. */
	error = stage ? 0 : map_identity(table);
	if (error) {
		table_destroy(&table->mapper);
		return error;
	}
	*out = table;
	return 0;
}

bool table_serves(const struct table *table, const struct device *device, unsigned int stage)
{
	const struct device *other = table->made_for;
	const struct stage *mine = table->stage, *its = &device->stage[stage];

	if (mine->format != its->format || other->bus_offset != device->bus_offset ||
	    other->allow_wider != device->allow_wider || mine->shape.page_sizes != its->shape.page_sizes ||
	    memcmp(mine->shape.param, its->shape.param, its->format->n_params * sizeof(int64_t)))
		return false;
	/* A second stage has nothing that a device keeps for itself. */
	if (mine != &other->stage[stage] && (other->n_reserved || device->n_reserved))
		return false;
	return stage || (other->n_reserved == device->n_reserved &&
			 (!device->n_reserved ||
			  !memcmp(other->reserved, device->reserved, device->n_reserved * sizeof(*device->reserved))));
}

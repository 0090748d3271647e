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

/* ---------------------------------------------------------------------------------------------------- table memory */

/* Addresses here are the walker's: physical address + bus offset of its device. */
static bool alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	const struct table *table = ctx;
	uint64_t offset = (uint64_t)table->view->offset, physical;

	(void)node; /* there is one memory node */
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
	struct table *table = ctx;

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

/* ---------------------------------------------------------------------------------------------------------- reader */

static bool read_memory(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct table *table = ctx;
	const unsigned char *from;

	if (!system_is_ram(table->mapper.region->system, pa - (uint64_t)table->view->offset, bytes))
		return false;
	from = table->view->base + pa;
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
	unsigned char *at;

	if (!system_is_ram(table->mapper.region->system, pa - (uint64_t)table->view->offset, bytes) || pa % bytes)
		return false;
	at = table->view->base + pa;
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

/* --------------------------------------------------------------------------------------------------------- mapping */

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

static unsigned int request_of(const struct table *table, const struct mapping *mapping)
{
	static const unsigned int memory[] = {PT_NONCACHED, PT_CACHED, PT_CACHED, PT_CACHED, PT_DEVICE};

	return mapping->rights | memory[mapping->cache] | (table->allow_wider ? (unsigned int)PT_ALLOW_WIDER : 0U);
}

static int table_map(struct mapper *mapper, const struct mapping *mapping)
{
	struct table *table = table_of(mapper);
	const struct phys *phys = mapping->phys;
	struct pt_segment *segments = vc_calloc(phys->n_segments, sizeof(*segments));
	struct pt_result result = {.iova = mapping->address};
	struct pt_gather gather;
	enum pt_status status;
	uint64_t left = mapping->bytes;
	size_t n = 0;

	if (!segments)
		return vc_fail_at("vc_back", -ENOMEM, describe_phys(phys).text, 0, "no memory for a list of segments");
	for (; left; n++) {
		segments[n].pa = phys->segments[n].pa + (uint64_t)table->view->offset;
		segments[n].bytes = phys->segments[n].bytes < left ? phys->segments[n].bytes : left;
		left -= segments[n].bytes;
	}
	pt_gather_init(&gather);
	status = table->pt.format->map_segments(&table->pt, mapping->address, segments, n, request_of(table, mapping),
						&gather, &result);
	pt_flush(&table->pt, &gather);
	free(segments);
	return status == PT_OK ? 0 : fail(table, "vc_back", status, &result);
}

static void table_unmap(struct mapper *mapper, const struct mapping *mapping)
{
	struct table *table = table_of(mapper);
	struct pt_gather gather;

	/* Exactly a range that was mapped by one call: it cuts no leaf, and needs no memory. */
	pt_gather_init(&gather);
	table->pt.format->unmap(&table->pt, mapping->address, mapping->bytes, 0, &gather, NULL);
	pt_flush(&table->pt, &gather);
}

static int table_protect(struct mapper *mapper, const struct mapping *mapping)
{
	struct table *table = table_of(mapper);
	struct pt_result result = {.iova = mapping->address};
	struct pt_gather gather;
	enum pt_status status;

	pt_gather_init(&gather);
	status = table->pt.format->protect(&table->pt, mapping->address, mapping->bytes, request_of(table, mapping),
					   &gather, &result);
	pt_flush(&table->pt, &gather);
	return status == PT_OK ? 0 : fail(table, "vc_reservation_set", status, &result);
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

	if (to->phys->segments[0].bytes >= to->bytes) {
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

static void table_destroy(struct mapper *mapper)
{
	struct table *table = table_of(mapper);

	table->pt.format->fini(&table->pt);
	system_view_put(mapper->region->system, table->view);
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

int table_create(struct region *region, struct device *device, struct table **out)
{
	struct table *table = vc_calloc(1, sizeof(*table));
	struct pt_result result = {.iova = 0};
	enum pt_status status;
	int error;

	if (!table)
		return vc_fail_at("vc_activate", -ENOMEM, device->name, 0, "no memory for a table");
	table->view = system_view(region->system, device->bus_offset);
	if (!table->view) {
		free(table);
		return -ENOMEM;
	}
	pthread_rwlock_init(&table->walkers, NULL);
	table->mapper.ops = &table_ops;
	table->mapper.region = region;
	table->made_for = device;
	object_hold(&device->object);
	table->allow_wider = device->allow_wider;
	table->mem = (struct pt_mem){.ctx = table,
				     .direct = table->view->base,
				     .alloc = alloc,
				     .release = release,
				     .sync = count_written,
				     .invalidate = invalidate,
				     .quiesce = quiesce};
	status = device->format->init(&table->pt, &device->config, &table->mem, &result);
	if (status != PT_OK) {
		error = error_of(status);
		table->pt.format = device->format;
		fail(table, "vc_activate", status, &result);
		system_view_put(region->system, table->view);
		pthread_rwlock_destroy(&table->walkers);
		object_put(&device->object);
		free(table);
		return error;
	}
	error = map_identity(table);
	if (error) {
		table_destroy(&table->mapper);
		return error;
	}
	*out = table;
	return 0;
}

bool table_serves(const struct table *table, const struct device *device)
{
	const struct device *other = table->made_for;

	return other->format == device->format && other->bus_offset == device->bus_offset &&
	       other->allow_wider == device->allow_wider && other->shape.page_sizes == device->shape.page_sizes &&
	       !memcmp(other->shape.param, device->shape.param, device->format->n_params * sizeof(int64_t)) &&
	       other->n_reserved == device->n_reserved &&
	       (!device->n_reserved ||
		!memcmp(other->reserved, device->reserved, device->n_reserved * sizeof(*device->reserved)));
}

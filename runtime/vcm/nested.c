/* SPDX-License-Identifier: MIT */
/*
 * nested.c - regions on other regions: their tables are a first stage, and lie at addresses of the region below.
 *
 * A region is made after the one that it is on, so its number is the larger one: locks in the order of numbers are
 * locks from below to above.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

void lock_with_parent(struct region *region)
{
	if (region->parent)
		pthread_rwlock_wrlock(&region->parent->lock);
	pthread_rwlock_wrlock(&region->lock);
}

void unlock_with_parent(struct region *region)
{
	pthread_rwlock_unlock(&region->lock);
	if (region->parent)
		pthread_rwlock_unlock(&region->parent->lock);
}

/* Tables of 64 bytes and more. */
#define TABLE_GRAIN_LG2 6

/* The memory behind the reservation, where its addresses say: base + address. */
static struct view *show_tables(const struct reservation *tables)
{
	struct system *system = tables->region->system;
	uint64_t end = tables->address + tables->backed, done = 0;
	struct view *view = vc_calloc(1, sizeof(*view));
	void *base = MAP_FAILED;

	if (view && !(end >> 46) && vc_may_allocate("window"))
		base = mmap(NULL, (size_t)end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (size_t i = 0; base != MAP_FAILED && done < tables->backed; i++) {
		const struct pt_segment *segment = &tables->phys->segments[i];
		uint64_t bytes = segment->bytes < tables->backed - done ? segment->bytes : tables->backed - done;

		if (system_map_memory(system, (unsigned char *)base + tables->address + done, segment->pa, bytes,
				      PROT_READ | PROT_WRITE)) {
			munmap(base, (size_t)end);
			base = MAP_FAILED;
		}
		done += bytes;
	}
	if (base == MAP_FAILED) {
		free(view);
		return NULL;
	}
	view->base = base;
	view->bytes = (size_t)end;
	view->users = 1;
	return view;
}

void nested_fini(struct region *region)
{
	if (region->table_view) {
		munmap(region->table_view->base, region->table_view->bytes);
		free(region->table_view);
	}
	if (region->table_space.end)
		vc_ranges_fini(&region->table_space);
	if (region->tables)
		object_put(&region->tables->object);
	pthread_mutex_destroy(&region->table_lock);
	object_put(&region->parent->object);
}

void nested_leave(struct region *region)
{
	region->parent->n_above--;
	pthread_mutex_lock(&region->system->graph);
	region->tables->pins--;
	pthread_mutex_unlock(&region->system->graph);
}

/* The reservation for the tables must be what the comment of vc_region_create_nested() says. Lock of below held. */
static int check_tables(const struct region *below, const struct reservation *tables)
{
	const char *self = "vc_region_create_nested";
	const struct name name = describe_reservation(tables);
	uint64_t left = tables->backed;

	if (below->dead || tables->dead)
		return vc_fail_at(self, -EINVAL, "", 0, "stale handle: the %s has been freed",
				  below->dead ? "region" : "reservation");
	if (tables->region != below)
		return vc_fail_at(self, -EINVAL, name.text, tables->address, "it is not of the region below, %u",
				  below->number);
	if (tables->state != BACKED)
		return vc_fail_at(self, -ENXIO, name.text, tables->address,
				  "it is not backed, and tables are to be made in it");
	for (size_t i = 0; left; i++) {
		const struct pt_segment *segment = &tables->phys->segments[i];
		uint64_t bytes = segment->bytes < left ? segment->bytes : left;

		if (segment->pa == PHYS_HOLE || !system_is_ram(below->system, segment->pa, bytes))
			return vc_fail_at(self, -EINVAL, name.text, tables->address,
					  "tables can be made in RAM only, and not all of it is");
		left -= bytes;
	}
	return 0;
}

/* Everything that needs the reservation as it is. Lock of below held for writing. */
static int settle(struct region *region, struct region *below, struct reservation *tables)
{
	const char *self = "vc_region_create_nested";
	int error = check_tables(below, tables);

	if (error)
		return error;
	error = vc_ranges_init(&region->table_space, tables->address, tables->address + tables->backed - 1,
			       TABLE_GRAIN_LG2);
	region->table_view = error ? NULL : show_tables(tables);
	if (!region->table_view)
		return vc_fail_at(self, -ENOMEM, describe_reservation(tables).text, tables->address,
				  "no address space for its tables");
	pthread_mutex_lock(&below->system->graph);
	tables->pins++;
	pthread_mutex_unlock(&below->system->graph);
	region->tables = tables;
	object_hold(&tables->object);
	below->n_above++;
	return 0;
}

int vc_region_create_nested(struct vc_region *below_handle, struct vc_reservation *tables_handle, uint64_t first,
			    uint64_t bytes, struct vc_region **out)
{
	uint64_t start = (first + VC_PAGE - 1) & ~(VC_PAGE - 1), end = (first + bytes) & ~(VC_PAGE - 1);
	struct region *below = object_get(OBJECT_REGION, below_handle, __func__), *region = NULL;
	struct reservation *tables = below ? object_get(OBJECT_RESERVATION, tables_handle, __func__) : NULL;
	int error = tables ? 0 : -EINVAL;

	if (!error && !out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	if (!error && (bytes > UINT64_MAX - first || start < first || end <= start))
		error = vc_fail(-EINVAL, "", first, "0x%" PRIx64 " bytes from 0x%" PRIx64 " hold no whole page", bytes,
				first);
	if (!error && (below->kind != VC_REGION_DEVICE || below->parent))
		error = vc_fail(-EINVAL, describe_region(below).text, 0,
				"only a region of devices that is on no other one can be below a region");
	if (!error) {
		region = new_region(below->system, VC_REGION_DEVICE);
		error = region ? 0 : -ENOMEM;
	}
	if (!error) {
		region->parent = below;
		object_hold(&below->object);
		pthread_mutex_init(&region->table_lock, NULL);
		error = vc_ranges_init(&region->ranges, start, end - 1, VC_PAGE_LG2);
		if (error)
			vc_fail(error, "", first, "no memory for a region");
		pthread_rwlock_wrlock(&below->lock);
		if (!error)
			error = settle(region, below, tables);
		pthread_rwlock_unlock(&below->lock);
		if (error)
			object_kill(&region->object);
		else
			error = publish_region(region, out, __func__);
	}
	if (tables)
		object_put(&tables->object);
	if (below)
		object_put(&below->object);
	return error;
}

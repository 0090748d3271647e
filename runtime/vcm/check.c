/* SPDX-License-Identifier: MIT */
/* check.c - are the tables of a region what its list says? */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "internal.h"

/*
 * The list, read in step with the runs of a table: at `expected`, the next byte that must be mapped, in a segment that
 * ends with `expected_last`.
 */
struct comparison {
	struct region *region;
	struct table *table;
	vc_finding_fn fn;
	void *ctx;
	uint64_t findings;
	bool stopped;

	struct vc_range_node *node;
	const struct reservation *reservation; /* NULL: the list is at its end */
	uint64_t offset;		       /* within the reservation */
};

static bool report(struct comparison *now, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool report(struct comparison *now, const char *format, ...)
{
	char text[320];
	va_list arguments;
	int n;

	now->findings++;
	if (!now->fn)
		return true;
	n = snprintf(text, sizeof(text), "%s table 0x%" PRIx64 " of region %u: ", now->table->pt.format->name,
		     pt_root(&now->table->pt), now->region->number);
	va_start(arguments, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, arguments);
	va_end(arguments);
	now->stopped = !now->fn(now->ctx, text);
	return !now->stopped;
}

/* Go to the next reservation that is backed. */
static void next_backed(struct comparison *now)
{
	now->reservation = NULL;
	now->offset = 0;
	while ((now->node = vc_ranges_next(&now->region->ranges, now->node))) {
		const struct reservation *reservation = now->node->owner;

		if (reservation->state == BACKED) {
			now->reservation = reservation;
			return;
		}
	}
}

/* What must be mapped at the reservation's offset: up to where physical memory is contiguous. */
static uint64_t expected_at(const struct reservation *reservation, uint64_t offset, uint64_t *pa)
{
	uint64_t first = 0, left = reservation->backed - offset;
	size_t i = 0;

	while (offset - first >= reservation->phys->segments[i].bytes)
		first += reservation->phys->segments[i++].bytes;
	*pa = reservation->phys->segments[i].pa == PHYS_HOLE ? PHYS_HOLE
							     : reservation->phys->segments[i].pa + (offset - first);
	first = reservation->phys->segments[i].bytes - (offset - first);
	return first < left ? first : left;
}

/* Holes are not in the table: go on behind them. */
static void skip_holes(struct comparison *now)
{
	uint64_t pa, bytes;

	while (now->reservation) {
		bytes = expected_at(now->reservation, now->offset, &pa);
		if (pa != PHYS_HOLE)
			return;
		now->offset += bytes;
		if (now->offset == now->reservation->backed)
			next_backed(now);
	}
}

/* The list says that [address, address + bytes) is mapped, and the table did not show it. */
static bool missing(struct comparison *now, uint64_t until)
{
	for (skip_holes(now); now->reservation && now->reservation->address + now->offset < until; skip_holes(now)) {
		uint64_t address = now->reservation->address + now->offset, pa;
		uint64_t left = now->reservation->phys->holes ? expected_at(now->reservation, now->offset, &pa)
							      : now->reservation->backed - now->offset;

		if (left > until - address)
			left = until - address;
		if (!report(now, "0x%" PRIx64 "-0x%" PRIx64 " is backed and not in the table", address,
			    address + left - 1))
			return false;
		now->offset += left;
		if (now->offset == now->reservation->backed)
			next_backed(now);
	}
	return true;
}

static bool check_rights(struct comparison *now, const struct pt_run *run)
{
	unsigned int asked = pt_request_rights(now->reservation->rights), has = run->leaf.rights & PT_RIGHT_ALL;
	unsigned int reads = PT_RIGHT_PR | PT_RIGHT_UR, must = asked & (PT_RIGHT_PR | PT_RIGHT_PW);

	if ((has & ~asked & ~reads) && !now->table->allow_wider)
		return report(now, "0x%" PRIx64 " grants more than was asked: 0x%x, not 0x%x", run->first, has, asked);
	if (must & ~has)
		return report(now, "0x%" PRIx64 " grants less than was asked: 0x%x, not 0x%x", run->first, has, asked);
	return true;
}

static bool check_memory(struct comparison *now, const struct pt_run *run)
{
	static const char *const names[] = {"cached", "not cached", "device memory", "cached and not shareable",
					    "of another type"};
	struct mapping mapping = mapping_of(now->reservation);

	if (table_may_show(now->table, &mapping, run->leaf.memory))
		return true;
	return report(now, "0x%" PRIx64 " is %s in the table; it was asked for as %s%s", run->first,
		      names[run->leaf.memory], cache_name(mapping.cache), mapping.shareable ? "" : ", not shareable");
}

/* What a device keeps for itself is mapped to itself; *first and *pa go on behind it (first 0: at the very end). */
static bool is_reserved(const struct comparison *now, uint64_t *first, uint64_t last, uint64_t *pa)
{
	const struct device *device = now->table->made_for;

	for (size_t i = 0; i < device->n_reserved && now->table->stage == &device->stage[0]; i++) {
		const struct vc_reserved *reserved = &device->reserved[i];
		uint64_t end = reserved->first + (reserved->bytes - 1);

		if (!reserved->identity || *first < reserved->first || *first > end ||
		    *pa + (uint64_t)now->table->view->offset != *first)
			continue;
		end = end < last ? end : last;
		*pa += end - *first + 1;
		*first = end + 1;
		return true;
	}
	return false;
}

static bool compare(void *ctx, const struct pt_run *run)
{
	struct comparison *now = ctx;
	uint64_t first = run->first, pa = run->leaf.pa - (uint64_t)now->table->view->offset;

	for (;;) {
		uint64_t bytes, wanted, left = run->last - first + 1;

		if (!missing(now, first))
			return false;
		if ((!now->reservation || now->reservation->address + now->offset > first) &&
		    is_reserved(now, &first, run->last, &pa)) {
			if (first > run->last || first == 0)
				return true;
			continue;
		}
		if (!now->reservation || now->reservation->address + now->offset > first)
			return report(now, "0x%" PRIx64 "-0x%" PRIx64 " is in the table and not backed", first,
				      run->last);
		bytes = expected_at(now->reservation, now->offset, &wanted);
		if (bytes > left)
			bytes = left;
		if (pa != wanted &&
		    !report(now, "0x%" PRIx64 " leads to 0x%" PRIx64 ", not to 0x%" PRIx64, first, pa, wanted))
			return false;
		if (!check_rights(now, run) || !check_memory(now, run))
			return false;
		now->offset += bytes;
		if (now->offset == now->reservation->backed)
			next_backed(now);
		if (bytes == left)
			return true;
		first += bytes;
		pa += bytes;
	}
}

static bool broken(void *ctx, const struct pt_finding *finding)
{
	struct comparison *now = ctx;

	return report(now, "0x%" PRIx64 ": %s (entry 0x%" PRIx64 ": 0x%" PRIx64 ")", finding->iova,
		      finding->text ? finding->text : pt_status_string(finding->status), finding->step.entry_pa,
		      finding->step.raw[0]);
}

uint64_t check_table(struct table *table, vc_finding_fn fn, void *ctx)
{
	struct comparison now = {.region = table->mapper.region, .table = table, .fn = fn, .ctx = ctx};
	struct pt_reader reader;
	uint64_t count = 0;

	next_backed(&now);
	table_reader(table, false, &reader);
	table->pt.format->verify(&table->pt, &reader, broken, &now, &count);
	table_reader(table, false, &reader);
	if (!now.stopped)
		table->pt.format->visit(&table->pt, &reader, 0, UINT64_MAX, compare, &now);
	/* Whatever the list still has is missing. */
	while (!now.stopped && now.reservation)
		missing(&now, now.reservation->address + now.reservation->backed);
	return now.findings;
}

/* fn, and whether it asked to stop. */
struct relay {
	vc_finding_fn fn;
	void *ctx;
	bool stopped;
};

static bool relay(void *ctx, const char *text)
{
	struct relay *it = ctx;

	it->stopped = it->fn && !it->fn(it->ctx, text);
	return !it->stopped;
}

int vc_check(struct vc_region *handle, vc_finding_fn fn, void *ctx, uint64_t *findings)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct relay it = {fn, ctx, false};
	uint64_t n = 0;

	if (!region)
		return -EINVAL;
	pthread_rwlock_wrlock(&region->lock);
	/* The host's tables are not ours to read. */
	for (struct link *link = region->mappers.next;
	     region->kind != VC_REGION_CPU && link != &region->mappers && !it.stopped; link = link->next)
		n += check_table(table_of(VC_CONTAINER(link, struct mapper, link)), relay, &it);
	pthread_rwlock_unlock(&region->lock);
	object_put(&region->object);
	if (findings)
		*findings = n;
	return 0;
}

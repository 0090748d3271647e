/* SPDX-License-Identifier: MIT */
/*
 * share.c - cached memory that one mapper has need not be shareable. Reservations that ask for it (unshared) are mapped
 * so, and all mappings of a piece of memory are raised to shareable before a second observer gets at it: another
 * device, whatever its table; the CPU's window; or a mapping that did not ask.
 *
 * Who observes is counted for each region, under the graph lock: whether a joiner is the second one is decided there,
 * in one step with joining. Raising changes tables of several regions, so it is done with everything frozen: who finds
 * that it is needed lets go of what it has locked, and comes again.
 */
#include "internal.h"

/* What there is on some memory, apart from one reservation. */
struct sharers {
	const struct reservation *except;
	uint64_t mark;
	size_t observers;
	bool shareable, unshared;
};

static void count_region(struct sharers *sharers, struct region *region)
{
	if (region->share_mark == sharers->mark)
		return;
	region->share_mark = sharers->mark;
	sharers->observers += region->observers;
}

static void count_sharer(void *ctx, struct reservation *reservation, bool shareable)
{
	struct sharers *sharers = ctx;

	if (reservation == sharers->except)
		return;
	sharers->shareable = sharers->shareable || shareable;
	sharers->unshared = sharers->unshared || !shareable;
	count_region(sharers, reservation->region);
}

bool share_must_raise(const struct reservation *reservation, const struct phys *phys, uint64_t bytes, size_t joining,
		      bool *shareable)
{
	struct sharers sharers = {.except = reservation, .mark = ++phys->system->share_mark, .observers = joining};

	*shareable = true;
	/* Ranges of a region: what is behind them is shared or not by what is mapped below. */
	if (phys->of)
		return false;
	count_region(&sharers, reservation->region);
	phys_for_each_sharer(phys, bytes, count_sharer, &sharers);
	*shareable = !reservation->unshared || sharers.shareable || sharers.observers > 1;
	return *shareable && sharers.unshared;
}

static void add_to_raise(void *ctx, struct reservation *reservation, bool shareable)
{
	struct link *list = ctx;

	if (shareable || reservation->raising)
		return;
	reservation->raising = true;
	list_append(list, &reservation->raise);
}

void share_add(struct link *list, const struct phys *phys, uint64_t bytes)
{
	phys_for_each_sharer(phys, bytes, add_to_raise, list);
}

bool share_region_joined(struct region *region, struct link *list)
{
	const struct vc_range_node *node = NULL;
	bool any = false, shareable;

	while ((node = vc_ranges_next(&region->ranges, node))) {
		struct reservation *reservation = node->owner;

		if (reservation->state == UNBACKED || reservation->shareable)
			continue;
		share_must_raise(reservation, reservation->phys, reservation->backed, 1, &shareable);
		if (!shareable)
			continue;
		any = true;
		if (list)
			add_to_raise(list, reservation, false);
	}
	return any;
}

static int set_shareable(struct reservation *reservation, bool shareable)
{
	struct mapping before = mapping_of(reservation), after = before;
	int error = 0;

	after.shareable = shareable;
	/* The host's tables are the host's. */
	if (reservation->region->kind != VC_REGION_CPU)
		error = protect_everywhere(reservation->region, &before, &after);
	if (!error)
		reservation->shareable = shareable;
	return error;
}

void share_lower(struct link *list)
{
	while (list->previous != list) {
		struct reservation *reservation = VC_CONTAINER(list->previous, struct reservation, raise);

		/* What was there a moment ago can be expressed and needs no memory. */
		if (reservation->shareable)
			set_shareable(reservation, false);
		reservation->raising = false;
		list_remove(&reservation->raise);
	}
}

int share_raise(struct link *list, const char *function)
{
	struct vc_error first;
	int error = 0;

	/* What shares memory with something that is raised is raised too: the list grows under the loop. */
	LIST_FOR(link, list)
	{
		const struct reservation *reservation = VC_CONTAINER(link, struct reservation, raise);

		share_add(list, reservation->phys, reservation->backed);
	}
	for (struct link *link = list->next; link != list && !error; link = link->next)
		error = set_shareable(VC_CONTAINER(link, struct reservation, raise), true);
	if (!error)
		return 0;
	first = *vc_last_error();
	share_lower(list);
	vc_fail_at(function, error, first.object, first.address, "%s", first.reason);
	return vc_fail_status(error, first.status);
}

void share_done(struct link *list)
{
	while (list->next != list) {
		VC_CONTAINER(list->next, struct reservation, raise)->raising = false;
		list_remove(list->next);
	}
}

/* SPDX-License-Identifier: MIT */
/* back.c - putting memory behind reservations, in every table of a region or in none. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct mapping mapping_of(const struct reservation *reservation)
{
	return (struct mapping){.address = reservation->address,
				.bytes = reservation->backed,
				.phys = reservation->phys,
				.rights = reservation->rights,
				.cache = reservation->cache,
				.shareable = reservation->shareable};
}

int map_everywhere(struct region *region, const struct mapping *mapping)
{
	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);
		int error = mapper->ops->map(mapper, mapping);

		if (error) {
			while ((link = link->previous) != &region->mappers) {
				mapper = VC_CONTAINER(link, struct mapper, link);
				mapper->ops->unmap(mapper, mapping);
			}
			return error;
		}
	}
	return 0;
}

void unmap_everywhere(struct region *region, const struct mapping *mapping)
{
	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);

		mapper->ops->unmap(mapper, mapping);
	}
}

int protect_everywhere(struct region *region, const struct mapping *before, const struct mapping *after)
{
	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);
		int error = mapper->ops->protect(mapper, before, after);

		if (error) {
			struct vc_error first = *vc_last_error();

			/* What was there a moment ago can be expressed and needs no memory. */
			while ((link = link->previous) != &region->mappers) {
				mapper = VC_CONTAINER(link, struct mapper, link);
				mapper->ops->protect(mapper, after, before);
			}
			vc_fail_at(first.function, first.code, first.object, first.address, "%s", first.reason);
			return vc_fail_status(error, first.status);
		}
	}
	return 0;
}

static int check_active(const char *function, const struct region *region, unsigned int flags)
{
	if (!(flags & VC_BACK_ACTIVE))
		return 0;
	if (!region->n_associations)
		return vc_fail_at(function, -EINVAL, describe_region(region).text, 0, "it has no association");
	if (region->n_active < region->n_associations)
		return vc_fail_at(function, -EAGAIN, describe_region(region).text, 0,
				  "%zu of %zu associations are not active", region->n_associations - region->n_active,
				  region->n_associations);
	return 0;
}

/* Without holes. */
static uint64_t mapped_bytes(const struct reservation *reservation)
{
	uint64_t left = reservation->backed, mapped = 0;

	if (!reservation->phys->holes)
		return left;
	for (size_t i = 0; left; i++) {
		const struct pt_segment *segment = &reservation->phys->segments[i];
		uint64_t bytes = segment->bytes < left ? segment->bytes : left;

		mapped += segment->pa == PHYS_HOLE ? 0 : bytes;
		left -= bytes;
	}
	return mapped;
}

void detach(struct reservation *reservation)
{
	list_remove(&reservation->link);
	reservation->phys->n_backs--;
	reservation->region->backed -= mapped_bytes(reservation);
	reservation->phys = NULL;
	reservation->backed = 0;
	reservation->state = UNBACKED;
}

static void attach_held(struct reservation *reservation, struct phys *phys, uint64_t bytes, bool shareable);

void attach(struct reservation *reservation, struct phys *phys, uint64_t bytes, bool shareable)
{
	object_hold(&phys->object);
	attach_held(reservation, phys, bytes, shareable);
}

static void attach_held(struct reservation *reservation, struct phys *phys, uint64_t bytes, bool shareable)
{
	reservation->shareable = shareable;
	reservation->state = CHANGING;
	reservation->phys = phys;
	reservation->backed = bytes;
	list_append(&phys->backs, &reservation->link);
	phys->n_backs++;
	reservation->region->backed += mapped_bytes(reservation);
}

/* Ranges of a region are for those on it, and memory for others. */
static int check_below(const char *function, const struct reservation *reservation, const struct phys *phys)
{
	const struct region *region = reservation->region;

	if (phys->of == region->parent)
		return 0;
	if (!region->parent)
		return vc_fail_at(function, -EINVAL, describe_reservation(reservation).text, reservation->address,
				  "%s is for regions on that one, and this region needs memory",
				  describe_phys(phys).text);
	return vc_fail_at(function, -EINVAL, describe_reservation(reservation).text, reservation->address,
			  "its region is on region %u, and what backs it are ranges of that one",
			  region->parent->number);
}

/* May phys be put behind the reservation? Graph lock held. */
static int may_attach(const struct reservation *reservation, const struct phys *phys, uint64_t bytes)
{
	const struct reservation *other;

	if (phys->dead)
		return vc_fail_at("vc_back", -EINVAL, "", 0, "stale handle: the memory has been freed");
	if (reservation->state == CHANGING)
		return vc_fail_at("vc_back", -EBUSY, describe_reservation(reservation).text, reservation->address,
				  "another thread is changing it");
	if (reservation->state == BACKED && reservation->phys == phys)
		return vc_fail_at("vc_back", -EALREADY, describe_reservation(reservation).text, reservation->address,
				  "it is backed by that memory");
	if (reservation->state == BACKED)
		return vc_fail_at("vc_back", -EADDRINUSE, describe_reservation(reservation).text, reservation->address,
				  "it is backed by %s", describe_phys(reservation->phys).text);
	other = phys_conflict(phys, bytes, reservation->cache, reservation);
	if (other)
		return vc_fail_at("vc_back", -EINVAL, describe_reservation(reservation).text, reservation->address,
				  "wants the memory %s, but %s has it %s", cache_name(reservation->cache),
				  describe_reservation(other).text, cache_name(other->cache));
	return 0;
}

/* Where addresses follow from the memory, backing changes the region's list. */
static void lock_for_backing(struct region *region)
{
	if (region->kind == VC_REGION_IDENTITY)
		pthread_rwlock_wrlock(&region->lock);
	else
		pthread_rwlock_rdlock(&region->lock);
}

/* Both, or neither. */
static bool get_both(struct vc_reservation *handle, struct vc_phys *phys_handle, const char *function,
		     struct reservation **reservation, struct phys **phys)
{
	*reservation = object_get(OBJECT_RESERVATION, handle, function);
	*phys = *reservation ? object_get(OBJECT_PHYS, phys_handle, function) : NULL;
	if (*reservation && !*phys)
		object_put(&(*reservation)->object);
	return *phys != NULL;
}

/* What a reservation must have: the memory that was asked for, in whole pages. */
static uint64_t page_bytes(const struct phys *phys)
{
	return (phys->requested + VC_PAGE - 1) & ~(VC_PAGE - 1);
}

/* What was raised for a call stays so, or where that failed is as it was. */
static void end_raise(const struct frozen *frozen, struct link *raised, int error)
{
	struct vc_error first = *vc_last_error();

	if (raised->next == raised)
		return;
	if (!error) {
		share_done(raised);
		return;
	}
	stop_devices(frozen);
	pthread_mutex_lock(&frozen->system->graph);
	share_lower(raised);
	pthread_mutex_unlock(&frozen->system->graph);
	start_devices(frozen);
	vc_fail_at(first.function, error, first.object, first.address, "%s", first.reason);
	vc_fail_status(error, first.status);
}

/* Region locked, or everything frozen. 1: others have to be raised to shareable first, for which it must be. */
static int back(struct reservation *reservation, struct phys *phys, unsigned int flags, const struct frozen *frozen)
{
	struct region *region = reservation->region;
	pthread_mutex_t *graph = &region->system->graph;
	uint64_t bytes = page_bytes(phys);
	bool shareable = true;
	struct mapping mapping;
	struct link raised;
	int error;

	list_init(&raised);
	if (reservation->dead)
		error = vc_fail_at("vc_back", -EINVAL, "", 0, "stale handle: the reservation has been freed");
	else if (phys->system != region->system)
		error = vc_fail_at("vc_back", -EINVAL, describe_reservation(reservation).text, 0,
				   "the memory is another system's");
	else if ((error = check_below("vc_back", reservation, phys)))
		;
	else if (bytes > reservation->bytes || (bytes < reservation->bytes && !(flags & VC_BACK_PARTIAL)))
		error = vc_fail_at("vc_back", -EINVAL, describe_reservation(reservation).text, reservation->address,
				   "the memory has 0x%" PRIx64 " bytes, the reservation 0x%" PRIx64
				   "; they must be equal",
				   phys->requested, reservation->bytes);
	else
		error = check_active("vc_back", region, flags);
	if (error)
		return error;
	if (frozen)
		stop_devices(frozen);
	pthread_mutex_lock(graph);
	error = may_attach(reservation, phys, bytes);
	if (!error && share_must_raise(reservation, phys, bytes, 0, &shareable)) {
		error = frozen ? 0 : 1;
		if (frozen) {
			share_add(&raised, phys, bytes);
			error = share_raise(&raised, "vc_back");
		}
	}
	if (!error && region->kind == VC_REGION_IDENTITY)
		error = place_reservation(reservation, phys, bytes);
	if (!error)
		attach(reservation, phys, bytes, shareable);
	pthread_mutex_unlock(graph);
	if (frozen)
		start_devices(frozen);
	if (!error) {
		mapping = mapping_of(reservation);
		error = map_everywhere(region, &mapping);
		pthread_mutex_lock(graph);
		if (error) {
			detach(reservation);
			unplace_reservation(reservation);
		} else {
			reservation->state = BACKED;
			atomic_fetch_add(&region->n_maps, 1);
		}
		pthread_mutex_unlock(graph);
		if (error)
			object_put(&phys->object);
	}
	end_raise(frozen, &raised, error);
	return error;
}

int vc_back(struct vc_reservation *handle, struct vc_phys *phys_handle, unsigned int flags)
{
	struct reservation *reservation;
	struct frozen frozen;
	struct phys *phys;
	int error;

	if (!get_both(handle, phys_handle, __func__, &reservation, &phys))
		return -EINVAL;
	lock_for_backing(reservation->region);
	error = back(reservation, phys, flags, NULL);
	pthread_rwlock_unlock(&reservation->region->lock);
	if (error > 0) {
		error = freeze(reservation->region->system, &frozen);
		if (!error) {
			error = back(reservation, phys, flags, &frozen);
			thaw(&frozen);
		}
	}
	object_put(&phys->object);
	object_put(&reservation->object);
	return error;
}

/* What tables are in stays what it is. Graph lock held. */
static int check_pins(const char *function, const struct reservation *reservation)
{
	return reservation->pins ? vc_fail_at(function, -EBUSY, describe_reservation(reservation).text,
					      reservation->address, "tables of %u region%s on this one are in it",
					      reservation->pins, reservation->pins == 1 ? "" : "s")
				 : 0;
}

/* Make a backed reservation the caller's own for a while. */
static int begin_change(const char *function, struct reservation *reservation)
{
	int error = 0;

	if (reservation->dead)
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the reservation has been freed");
	else if (reservation->state == CHANGING)
		error = vc_fail_at(function, -EBUSY, describe_reservation(reservation).text, reservation->address,
				   "another thread is changing it");
	else if (reservation->state == UNBACKED)
		error = vc_fail_at(function, -ENXIO, describe_reservation(reservation).text, reservation->address,
				   "it is not backed");
	else
		reservation->state = CHANGING;
	return error;
}

int vc_unback(struct vc_reservation *handle, unsigned int flags)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, __func__);
	struct region *region;
	struct mapping mapping;
	struct phys *phys;
	int error;

	if (!reservation)
		return -EINVAL;
	region = reservation->region;
	lock_for_backing(region);
	error = check_active(__func__, region, flags);
	if (!error) {
		pthread_mutex_lock(&region->system->graph);
		error = check_pins(__func__, reservation);
		if (!error)
			error = begin_change(__func__, reservation);
		pthread_mutex_unlock(&region->system->graph);
	}
	if (!error) {
		atomic_fetch_add(&region->n_unmaps, 1);
		phys = reservation->phys;
		mapping = mapping_of(reservation);
		unmap_everywhere(region, &mapping);
		pthread_mutex_lock(&region->system->graph);
		detach(reservation);
		unplace_reservation(reservation);
		pthread_mutex_unlock(&region->system->graph);
		object_put(&phys->object);
	}
	pthread_rwlock_unlock(&region->lock);
	object_put(&reservation->object);
	return error;
}

int replace_everywhere(struct region *region, const struct mapping *from, const struct mapping *to)
{
	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);
		int error = mapper->ops->replace(mapper, from, to);

		if (!error)
			continue;
		struct vc_error first = *vc_last_error();

		while (error != -EIO && (link = link->previous) != &region->mappers) {
			mapper = VC_CONTAINER(link, struct mapper, link);
			if (mapper->ops->replace(mapper, to, from))
				error = -EIO;
		}
		/* No table may go on leading to memory that is about to be given back. */
		if (error == -EIO)
			unmap_everywhere(region, from);
		vc_fail_at(first.function, error, first.object, first.address, "%s", first.reason);
		return vc_fail_status(error, first.status);
	}
	return 0;
}

/* May phys take the place of what backs the reservation? Graph lock held. */
static int may_replace(const struct reservation *reservation, const struct phys *phys, uint64_t bytes)
{
	const struct reservation *other;

	if (phys->dead)
		return vc_fail_at("vc_reback", -EINVAL, "", 0, "stale handle: the memory has been freed");
	if (!reservation->dead && reservation->state == BACKED && reservation->phys == phys)
		return vc_fail_at("vc_reback", -EALREADY, describe_reservation(reservation).text, reservation->address,
				  "it is backed by that memory");
	if (!reservation->dead && reservation->state == BACKED && bytes != reservation->backed)
		return vc_fail_at("vc_reback", -EINVAL, describe_reservation(reservation).text, reservation->address,
				  "the memory has 0x%" PRIx64 " bytes, what is there 0x%" PRIx64 "; they must be equal",
				  bytes, reservation->backed);
	if (check_below("vc_reback", reservation, phys) || check_pins("vc_reback", reservation))
		return vc_last_error()->code;
	if (phys->pinned)
		return vc_fail_at("vc_reback", -EBUSY, describe_phys(phys).text, 0,
				  "another thread is putting it behind a reservation");
	other = phys_conflict(phys, bytes, reservation->cache, reservation);
	if (other)
		return vc_fail_at("vc_reback", -EINVAL, describe_reservation(reservation).text, reservation->address,
				  "wants the memory %s, but %s has it %s", cache_name(reservation->cache),
				  describe_reservation(other).text, cache_name(other->cache));
	return 0;
}

/* As back(). */
static int reback(struct reservation *reservation, struct phys *phys, unsigned int flags, const struct frozen *frozen)
{
	struct region *region = reservation->region;
	pthread_mutex_t *graph = &region->system->graph;
	uint64_t bytes = page_bytes(phys);
	struct phys *old = NULL;
	struct mapping from, to;
	bool shareable = true;
	struct link raised;
	int error;

	list_init(&raised);
	if (phys->system != region->system)
		error = vc_fail_at("vc_reback", -EINVAL, describe_reservation(reservation).text, 0,
				   "the memory is another system's");
	else if (region->kind == VC_REGION_IDENTITY)
		error = vc_fail_at("vc_reback", -EOPNOTSUPP, describe_reservation(reservation).text, 0,
				   "in an identity region other memory has another address: unback, then back");
	else
		error = check_active("vc_reback", region, flags);
	if (error)
		return error;
	if (frozen)
		stop_devices(frozen);
	pthread_mutex_lock(graph);
	error = may_replace(reservation, phys, bytes);
	if (!error && share_must_raise(reservation, phys, bytes, 0, &shareable)) {
		error = frozen ? 0 : 1;
		if (frozen) {
			share_add(&raised, phys, bytes);
			error = share_raise(&raised, "vc_reback");
		}
	}
	if (!error)
		error = begin_change("vc_reback", reservation);
	if (!error) {
		old = reservation->phys;
		from = to = mapping_of(reservation);
		to.phys = phys;
		to.shareable = shareable;
		/* The new memory counts as used from here on, the old one until the tables have let go of it. */
		object_hold(&phys->object);
		phys->pinned = reservation;
		phys->pinned_shareable = shareable;
	}
	pthread_mutex_unlock(graph);
	if (frozen)
		start_devices(frozen);
	if (old) {
		error = replace_everywhere(region, &from, &to);
		atomic_fetch_add(&region->n_changes, !error);
		pthread_mutex_lock(graph);
		phys->pinned = NULL;
		if (!error || error == -EIO)
			detach(reservation);
		if (!error)
			attach_held(reservation, phys, bytes, shareable);
		if (error != -EIO)
			reservation->state = BACKED;
		pthread_mutex_unlock(graph);
		if (error)
			object_put(&phys->object);
		if (!error || error == -EIO)
			object_put(&old->object);
	}
	end_raise(frozen, &raised, error);
	return error;
}

int vc_reback(struct vc_reservation *handle, struct vc_phys *phys_handle, unsigned int flags)
{
	struct reservation *reservation;
	struct frozen frozen;
	struct phys *phys;
	int error;

	if (!get_both(handle, phys_handle, __func__, &reservation, &phys))
		return -EINVAL;
	pthread_rwlock_rdlock(&reservation->region->lock);
	error = reback(reservation, phys, flags, NULL);
	pthread_rwlock_unlock(&reservation->region->lock);
	if (error > 0) {
		error = freeze(reservation->region->system, &frozen);
		if (!error) {
			error = reback(reservation, phys, flags, &frozen);
			thaw(&frozen);
		}
	}
	object_put(&phys->object);
	object_put(&reservation->object);
	return error;
}

int vc_reservation_set(struct vc_reservation *handle, unsigned int rights, enum vc_cache cache, uint32_t attr)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, __func__);
	const struct reservation *other = NULL;
	struct mapping before, after;
	pthread_mutex_t *graph;
	bool backed = false;
	int error = 0;

	if (!reservation)
		return -EINVAL;
	graph = &reservation->region->system->graph;
	if (rights & ~(unsigned int)(PT_READ | PT_WRITE | PT_EXEC | PT_PRIV) || (unsigned int)cache >= VC_N_CACHE) {
		object_put(&reservation->object);
		return vc_fail(-EINVAL, "", 0, "unknown rights 0x%x or cache policy %d", rights, (int)cache);
	}
	if (!(rights & (PT_READ | PT_WRITE | PT_EXEC)))
		rights |= PT_READ | PT_WRITE;
	pthread_rwlock_rdlock(&reservation->region->lock);
	pthread_mutex_lock(graph);
	if (!reservation->dead && reservation->state == UNBACKED) {
		reservation->rights = rights;
		reservation->cache = cache;
		reservation->attr = attr;
	} else {
		if (reservation->state == BACKED)
			other = phys_conflict(reservation->phys, reservation->backed, cache, reservation);
		if (other)
			error = vc_fail(-EINVAL, describe_reservation(reservation).text, reservation->address,
					"would have the memory %s, but %s has it %s", cache_name(cache),
					describe_reservation(other).text, cache_name(other->cache));
		else
			error = begin_change(__func__, reservation);
		backed = !error;
	}
	if (backed) {
		/* From here on other mappings are compared with the new policy; it goes back if the tables refuse. */
		before = mapping_of(reservation);
		reservation->cache = cache;
	}
	pthread_mutex_unlock(graph);
	if (backed) {
		after = before;
		after.rights = rights;
		after.cache = cache;
		error = protect_everywhere(reservation->region, &before, &after);
		atomic_fetch_add(&reservation->region->n_changes, !error);
		pthread_mutex_lock(graph);
		reservation->cache = error ? before.cache : cache;
		reservation->rights = error ? before.rights : rights;
		reservation->attr = error ? reservation->attr : attr;
		reservation->state = BACKED;
		pthread_mutex_unlock(graph);
	}
	pthread_rwlock_unlock(&reservation->region->lock);
	object_put(&reservation->object);
	return error;
}

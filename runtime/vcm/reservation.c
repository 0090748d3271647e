/* SPDX-License-Identifier: MIT */
/* reservation.c - reservations: where they are made, found, and what they stand for. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void destroy_reservation(struct object *object)
{
	struct reservation *reservation = VC_CONTAINER(object, struct reservation, object);

	object_put(&reservation->region->object);
	free(reservation);
}

struct reservation *new_reservation(struct region *region, uint64_t requested)
{
	struct reservation *reservation = object_new(OBJECT_RESERVATION, sizeof(*reservation), destroy_reservation);

	if (reservation) {
		reservation->region = region;
		object_hold(&region->object);
		reservation->requested = requested;
		list_init(&reservation->link);
		list_init(&reservation->floating);
		list_init(&reservation->raise);
		pthread_mutex_lock(&region->system->graph);
		reservation->serial = ++region->system->next_serial;
		pthread_mutex_unlock(&region->system->graph);
	}
	return reservation;
}

void set_range(struct reservation *reservation)
{
	reservation->address = reservation->node->first;
	reservation->bytes = reservation->node->last - reservation->node->first + 1 - reservation->guard;
}

static int check_rights(const char *function, unsigned int rights, enum vc_cache cache)
{
	if (rights & ~(unsigned int)(PT_READ | PT_WRITE | PT_EXEC | PT_PRIV))
		return vc_fail_at(function, -EINVAL, "", 0, "unknown rights 0x%x", rights);
	if ((unsigned int)cache >= VC_N_CACHE)
		return vc_fail_at(function, -EINVAL, "", 0, "unknown cache policy %d", (int)cache);
	return 0;
}

static unsigned int default_rights(unsigned int rights)
{
	return rights & (PT_READ | PT_WRITE | PT_EXEC) ? rights : rights | PT_READ | PT_WRITE;
}

/* An exact range: is it kept for somebody else? */
static int check_excluded(const struct region *region, const struct vc_reserve_args *args)
{
	struct vc_span excluded;
	struct name why;

	LIST_FOR(link, &region->associations)
	{
		const struct device *device = VC_CONTAINER(link, struct association, link)->device;

		if (args->bytes - 1 <= UINT64_MAX - args->at &&
		    !device_serves(device, args->at, args->at + (args->bytes - 1)))
			return vc_fail_at("vc_reserve", -ERANGE, describe_region(region).text, args->at,
					  "tables of '%s' (%s) serve 0x%" PRIx64 "-0x%" PRIx64 " only", device->name,
					  device->stage[0].format->name, device->stage[0].shape.first,
					  device->stage[0].shape.last);
	}
	if (args->bound || args->bytes - 1 > UINT64_MAX - args->at ||
	    !region_excluded(region, args->at, args->at + (args->bytes - 1), &excluded, &why))
		return 0;
	return vc_fail_at("vc_reserve", -EADDRINUSE, describe_region(region).text, args->at,
			  "0x%" PRIx64 "-0x%" PRIx64 " is %s", excluded.pa, excluded.pa + (excluded.bytes - 1),
			  why.text);
}

/* The lowest free bytes that may be had: in the bound, or outside of all bounds. */
static int take_lowest(struct region *region, const struct vc_reserve_args *args, const struct bound *bound,
		       unsigned int align_lg2, struct reservation *owner)
{
	uint64_t low = args->low, high = args->low || args->high ? args->high : UINT64_MAX;
	unsigned int page_lg2 = (unsigned int)__builtin_ctzll(region_page(region));

	align_lg2 = align_lg2 > page_lg2 ? align_lg2 : page_lg2;
	if (!bound)
		return region_take(region, args->bytes, align_lg2, low, high, owner, &owner->node);
	low = low > bound->first ? low : bound->first;
	high = high < bound->last ? high : bound->last;
	if (low > high)
		return -ENOSPC;
	return vc_ranges_take(&region->ranges, args->bytes, align_lg2, low, high, owner, &owner->node);
}

static int take_range(struct region *region, const struct vc_reserve_args *args, const struct bound *bound,
		      struct reservation *owner)
{
	int error = -ENOSPC;

	/* From here on the guard is part of it. */
	if (region->kind == VC_REGION_IDENTITY && !args->fixed) {
		list_append(&region->floating, &owner->floating);
		region->n_floating++;
		owner->bytes = ((args->bytes + VC_PAGE - 1) & ~(VC_PAGE - 1)) - owner->guard;
		return 0;
	}
	if (args->fixed) {
		error = check_excluded(region, args);
		if (error)
			return error;
		if (bound &&
		    (args->at < bound->first || args->at > bound->last || args->bytes - 1 > bound->last - args->at))
			return vc_fail_at("vc_reserve", -ERANGE, describe_region(region).text, args->at,
					  "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not in the bound", args->bytes,
					  args->at);
		if (args->align && (args->at & (args->align - 1)))
			return vc_fail_at("vc_reserve", -EINVAL, describe_region(region).text, args->at,
					  "0x%" PRIx64 " is not a multiple of the alignment 0x%" PRIx64, args->at,
					  args->align);
		error = vc_ranges_take_at(&region->ranges, args->at, args->bytes, owner, &owner->node);
		return !error ? 0
			      : vc_fail_at("vc_reserve", error, describe_region(region).text, args->at,
					   "0x%" PRIx64 " bytes at 0x%" PRIx64 " are %s", args->bytes, args->at,
					   error == -ENOMEM	  ? "more than there is memory to record"
					   : error == -EADDRINUSE ? "taken, in part at least"
								  : "not in the region, in whole pages");
	}
	if (args->align)
		error = take_lowest(region, args, bound, (unsigned int)__builtin_ctzll(args->align), owner);
	/* The alignment by length is a wish: a region that is full but for a crooked hole still serves. */
	for (unsigned int i = 0; !args->align && error == -ENOSPC && i < N_ALIGNMENTS; i++)
		if (alignment_by_length(args->bytes, i))
			error = take_lowest(region, args, bound, alignment_by_length(args->bytes, i), owner);
	if (error)
		vc_fail_at("vc_reserve", error, describe_region(region).text, 0,
			   error == -ENOSPC ? "no hole of 0x%" PRIx64 " bytes, aligned to 0x%" PRIx64
					    : "0x%" PRIx64 " bytes, aligned to 0x%" PRIx64 ", cannot be recorded",
			   args->bytes, args->align ? args->align : VC_PAGE);
	return error;
}

/* The same, in the pages of the region's devices. */
static int take_in_pages(struct region *region, const struct vc_reserve_args *args, const struct bound *bound,
			 struct reservation *owner)
{
	struct vc_reserve_args whole = *args;
	uint64_t page = region_page(region);

	if (args->bytes > UINT64_MAX - page || args->guard > UINT64_MAX - 2 * page - args->bytes)
		return vc_fail_at("vc_reserve", -EINVAL, describe_region(region).text, 0,
				  "a length of 0x%" PRIx64 " bytes", args->bytes);
	if (args->fixed && (args->at & (page - 1)) && !(args->at & (VC_PAGE - 1)))
		return vc_fail_at("vc_reserve", -EINVAL, describe_region(region).text, args->at,
				  "0x%" PRIx64 " is not a multiple of the smallest page of its devices, 0x%" PRIx64,
				  args->at, page);
	owner->guard = (args->guard + page - 1) & ~(page - 1);
	whole.bytes = ((args->bytes + page - 1) & ~(page - 1)) + owner->guard;
	return take_range(region, &whole, bound, owner);
}

int vc_reserve(struct vc_region *handle, const struct vc_reserve_args *args, struct vc_reservation **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct reservation *reservation = NULL;
	struct bound *bound = NULL;
	int error;

	if (!region)
		return -EINVAL;
	if (args && args->bound) {
		bound = object_get(OBJECT_BOUND, args->bound, __func__);
		if (!bound) {
			object_put(&region->object);
			return -EINVAL;
		}
	}
	if (!args || !out)
		error = vc_fail(-EINVAL, "", 0, "arguments or out are NULL");
	else if (bound && bound->region != region)
		error = vc_fail(-EINVAL, describe_region(region).text, 0, "the bound is another region's");
	else if (!args->bytes || args->bytes > UINT64_MAX - VC_PAGE)
		error = vc_fail(-EINVAL, describe_region(region).text, 0, "a length of 0x%" PRIx64 " bytes",
				args->bytes);
	else if (args->align & (args->align - 1))
		error = vc_fail(-EINVAL, describe_region(region).text, 0,
				"the alignment 0x%" PRIx64 " is no power of two", args->align);
	else
		error = check_rights(__func__, args->rights, args->cache);
	if (!error) {
		reservation = new_reservation(region, args->bytes);
		error = reservation ? 0 : -ENOMEM;
	}
	if (error)
		goto out;
	reservation->rights = default_rights(args->rights);
	reservation->cache = args->cache;
	reservation->attr = args->attr;
	reservation->unshared = args->unshared;
	pthread_rwlock_wrlock(&region->lock);
	if (region->dead || (bound && bound->dead))
		error = vc_fail(-EINVAL, "", 0, "stale handle: the %s has been freed",
				region->dead ? "region" : "bound");
	else
		error = take_in_pages(region, args, bound, reservation);
	if (!error) {
		if (reservation->node)
			set_range(reservation);
		*out = HANDLE(vc_reservation, reservation);
	}
	pthread_rwlock_unlock(&region->lock);
	if (error)
		object_kill(&reservation->object);
out:
	if (bound)
		object_put(&bound->object);
	object_put(&region->object);
	return error;
}

/* What the memory of an identity region decides. */
int place_reservation(struct reservation *reservation, const struct phys *phys, uint64_t bytes)
{
	struct region *region = reservation->region;
	int error;

	if (phys->segments[0].bytes < bytes)
		return vc_fail_at(
			"vc_back", -EINVAL, describe_reservation(reservation).text, phys->segments[0].pa,
			"the memory is not contiguous, and the addresses of the region are those of the memory");
	if (reservation->node && reservation->address != phys->segments[0].pa)
		return vc_fail_at("vc_back", -EINVAL, describe_reservation(reservation).text, reservation->address,
				  "the memory is at 0x%" PRIx64 ", and addresses of the region are those of the memory",
				  (uint64_t)phys->segments[0].pa);
	if (reservation->node)
		return 0;
	error = vc_ranges_take_at(&region->ranges, phys->segments[0].pa, reservation->bytes + reservation->guard,
				  reservation, &reservation->node);
	if (error)
		return vc_fail_at("vc_back", error, describe_region(region).text, phys->segments[0].pa,
				  "0x%" PRIx64 " bytes at 0x%" PRIx64 ", where the memory is, are %s",
				  reservation->bytes, (uint64_t)phys->segments[0].pa,
				  error == -ENOMEM	 ? "more than there is memory to record"
				  : error == -EADDRINUSE ? "taken by another reservation"
							 : "not in the region");
	list_remove(&reservation->floating);
	region->n_floating--;
	reservation->address = reservation->node->first;
	reservation->floats = true;
	return 0;
}

void unplace_reservation(struct reservation *reservation)
{
	struct region *region = reservation->region;

	if (!reservation->floats)
		return;
	vc_ranges_give(&region->ranges, reservation->node);
	reservation->node = NULL;
	reservation->floats = false;
	reservation->address = 0;
	list_append(&region->floating, &reservation->floating);
	region->n_floating++;
}

int vc_unreserve(struct vc_reservation *handle)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, __func__);
	struct region *region;
	int error = 0;

	if (!reservation)
		return -EINVAL;
	region = reservation->region;
	pthread_rwlock_wrlock(&region->lock);
	pthread_mutex_lock(&region->system->graph);
	if (reservation->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the reservation has been freed");
	else if (reservation->state != UNBACKED)
		error = vc_fail(-EBUSY, describe_reservation(reservation).text, reservation->address,
				"it is backed by %s", describe_phys(reservation->phys).text);
	else
		reservation->dead = true;
	pthread_mutex_unlock(&region->system->graph);
	if (!error && reservation->node) {
		vc_ranges_give(&region->ranges, reservation->node);
	} else if (!error) {
		list_remove(&reservation->floating);
		region->n_floating--;
	}
	pthread_rwlock_unlock(&region->lock);
	if (!error)
		object_kill(&reservation->object);
	object_put(&reservation->object);
	return error;
}

int vc_reservation_info(struct vc_reservation *handle, struct vc_reservation_info *out)
{
	struct reservation *reservation = object_get(OBJECT_RESERVATION, handle, __func__);

	if (!reservation)
		return -EINVAL;
	if (out) {
		pthread_mutex_lock(&reservation->region->system->graph);
		*out = (struct vc_reservation_info){
			.region = HANDLE(vc_region, reservation->region),
			.placed = reservation->region->kind != VC_REGION_IDENTITY || reservation->node,
			.address = reservation->address,
			.bytes = reservation->bytes,
			.requested = reservation->requested,
			.guard = reservation->guard,
			.unshared = reservation->unshared,
			.shareable = reservation->state != UNBACKED && reservation->shareable,
			.rights = reservation->rights,
			.cache = reservation->cache,
			.attr = reservation->attr,
			.phys = reservation->state == BACKED ? HANDLE(vc_phys, reservation->phys) : NULL};
		pthread_mutex_unlock(&reservation->region->system->graph);
	}
	object_put(&reservation->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_reservation_find(struct vc_region *handle, uint64_t address, bool exact, struct vc_reservation **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct vc_range_node *node;
	int error = 0;

	if (!region)
		return -EINVAL;
	pthread_rwlock_rdlock(&region->lock);
	node = vc_ranges_find(&region->ranges, address);
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (!node || (exact && node->first != address) ||
		 address - node->first >= ((const struct reservation *)node->owner)->bytes)
		error = vc_fail(-ENOENT, describe_region(region).text, address, "no reservation %s 0x%" PRIx64,
				exact ? "starts at" : "contains", address);
	else
		*out = HANDLE(vc_reservation, (struct reservation *)node->owner);
	pthread_rwlock_unlock(&region->lock);
	object_put(&region->object);
	return error;
}

int vc_reservation_from(struct vc_region *handle, uint64_t address, struct vc_reservation **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct vc_range_node *node;
	int error = 0;

	if (!region)
		return -EINVAL;
	pthread_rwlock_rdlock(&region->lock);
	node = vc_ranges_from(&region->ranges, address);
	if (node && node->first < address) /* it contains the address, or its guard does */
		node = vc_ranges_next(&region->ranges, node);
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (!node)
		error = -ENOENT;
	else
		*out = HANDLE(vc_reservation, (struct reservation *)node->owner);
	pthread_rwlock_unlock(&region->lock);
	object_put(&region->object);
	return error;
}

int vc_reservation_next(struct vc_region *handle, struct vc_reservation *after, struct vc_reservation **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct reservation *cursor = NULL;
	struct vc_range_node *node;
	struct link *link = NULL;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (after) {
		cursor = object_get(OBJECT_RESERVATION, after, __func__);
		if (!cursor) {
			object_put(&region->object);
			return -EINVAL;
		}
	}
	pthread_rwlock_rdlock(&region->lock);
	if (!out || (cursor && (cursor->dead || cursor->region != region))) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the reservation is not of this region");
	} else {
		node = !cursor || cursor->node ? vc_ranges_next(&region->ranges, cursor ? cursor->node : NULL) : NULL;
		if (!node)
			link = cursor && !cursor->node ? cursor->floating.next : region->floating.next;
		if (node)
			*out = HANDLE(vc_reservation, (struct reservation *)node->owner);
		else if (link != &region->floating)
			*out = HANDLE(vc_reservation, VC_CONTAINER(link, struct reservation, floating));
		else
			error = -ENOENT;
	}
	pthread_rwlock_unlock(&region->lock);
	if (cursor)
		object_put(&cursor->object);
	object_put(&region->object);
	return error;
}

/* What is behind an address: physical, or of the region below. Region lock held. */
static bool resolve(const struct region *region, uint64_t address, uint64_t *out)
{
	const struct vc_range_node *node = vc_ranges_find(&region->ranges, address);
	const struct reservation *reservation = node ? node->owner : NULL;
	uint64_t found = PHYS_HOLE;

	if (!reservation)
		return false;
	pthread_mutex_lock(&region->system->graph);
	if (reservation->state == BACKED && address - reservation->address < reservation->backed)
		found = phys_at(reservation->phys, address - reservation->address);
	pthread_mutex_unlock(&region->system->graph);
	*out = found;
	return found != PHYS_HOLE;
}

bool region_resolve(struct region *region, uint64_t address, uint64_t *pa)
{
	struct region *below = region->parent;
	bool found;

	if (below)
		pthread_rwlock_rdlock(&below->lock);
	pthread_rwlock_rdlock(&region->lock);
	found = resolve(region, address, pa) && (!below || resolve(below, *pa, pa));
	pthread_rwlock_unlock(&region->lock);
	if (below)
		pthread_rwlock_unlock(&below->lock);
	return found;
}

int vc_region_to_phys(struct vc_region *handle, uint64_t address, uint64_t *out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	uint64_t pa;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (!region_resolve(region, address, &pa))
		error = vc_fail(-ENOENT, describe_region(region).text, address, "nothing is mapped at 0x%" PRIx64,
				address);
	else
		*out = pa;
	object_put(&region->object);
	return error;
}

struct lowest {
	const struct region *region;
	bool found;
	uint64_t address;
};

static void find_lowest(void *ctx, struct reservation *reservation, uint64_t address)
{
	struct lowest *lowest = ctx;

	if (reservation->region != lowest->region || (lowest->found && lowest->address <= address))
		return;
	lowest->found = true;
	lowest->address = address;
}

int vc_phys_to_region(struct vc_region *handle, uint64_t pa, uint64_t *out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct lowest lowest = {.region = region};
	int error = 0;

	if (!region)
		return -EINVAL;
	pthread_mutex_lock(&region->system->graph);
	phys_for_each_mapping(region->system, pa, find_lowest, &lowest);
	pthread_mutex_unlock(&region->system->graph);
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (!lowest.found)
		error = vc_fail(-ENOENT, describe_region(region).text, pa, "does not map physical address 0x%" PRIx64,
				pa);
	else
		*out = lowest.address;
	object_put(&region->object);
	return error;
}

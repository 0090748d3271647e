/* SPDX-License-Identifier: MIT */
/*
 * bound.c - where in a region reservations may be: bounds, which are set aside, and what devices keep for themselves.
 *
 * There are few of them, so they are looked through one by one; the space between is found in logarithmic time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

static void lower(struct vc_span *out, bool *any, uint64_t first, uint64_t last, uint64_t low, uint64_t high)
{
	if (last < low || first > high || (*any && out->pa <= first))
		return;
	*out = (struct vc_span){.pa = first, .bytes = last - first + 1};
	*any = true;
}

/* Addresses that the tables of a device cannot have. The range that they have wraps where its first is above its last.
 */
static void exclude_unserved(const struct device *device, uint64_t first, uint64_t last, struct vc_span *out, bool *any,
			     struct name *why)
{
	const struct pt_table *shape = &device->stage[0].shape;
	uint64_t before = *any ? out->pa : 0;
	bool had = *any;

	if (shape->first > shape->last) {
		if (shape->first - shape->last > 1)
			lower(out, any, shape->last + 1, shape->first - 1, first, last);
	} else {
		if (shape->first)
			lower(out, any, 0, shape->first - 1, first, last);
		if (shape->last != UINT64_MAX)
			lower(out, any, shape->last + 1, UINT64_MAX, first, last);
	}
	if (why && *any && (!had || out->pa != before))
		snprintf(why->text, sizeof(why->text), "beyond what tables of '%s' serve", device->name);
}

bool device_serves(const struct device *device, uint64_t first, uint64_t last)
{
	struct vc_span ignored = {0};
	bool any = false;

	if (device->kind == VC_DEVICE_TRANSLATED)
		exclude_unserved(device, first, last, &ignored, &any, NULL);
	return !any;
}

bool region_excluded(const struct region *region, uint64_t first, uint64_t last, struct vc_span *out, struct name *why)
{
	bool any = false;

	LIST_FOR(link, &region->bounds)
	{
		const struct bound *bound = VC_CONTAINER(link, struct bound, link);
		uint64_t before = any ? out->pa : 0;
		bool had = any;

		lower(out, &any, bound->first, bound->last, first, last);
		if (why && any && (!had || out->pa != before))
			snprintf(why->text, sizeof(why->text), "a bound of the region");
	}
	LIST_FOR(link, &region->associations)
	{
		const struct device *device = VC_CONTAINER(link, struct association, link)->device;

		if (device->kind == VC_DEVICE_TRANSLATED)
			exclude_unserved(device, first, last, out, &any, why);
		for (size_t i = 0; i < device->n_reserved; i++) {
			const struct vc_reserved *reserved = &device->reserved[i];
			uint64_t before = any ? out->pa : 0;
			bool had = any;

			lower(out, &any, reserved->first, reserved->first + (reserved->bytes - 1), first, last);
			if (why && any && (!had || out->pa != before))
				snprintf(why->text, sizeof(why->text), "reserved by device '%s'", device->name);
		}
	}
	return any;
}

int region_take(struct region *region, uint64_t bytes, unsigned int align_lg2, uint64_t low, uint64_t high, void *owner,
		struct vc_range_node **out)
{
	struct vc_span excluded;

	while (region_excluded(region, low, high, &excluded, NULL)) {
		if (excluded.pa > low) {
			int error = vc_ranges_take(&region->ranges, bytes, align_lg2, low, excluded.pa - 1, owner, out);

			if (error != -ENOSPC)
				return error;
		}
		if (excluded.pa + (excluded.bytes - 1) >= high)
			return -ENOSPC;
		low = excluded.pa + excluded.bytes;
	}
	return vc_ranges_take(&region->ranges, bytes, align_lg2, low, high, owner, out);
}

unsigned int alignment_by_length(uint64_t bytes, unsigned int i)
{
	static const unsigned int by_length[N_ALIGNMENTS] = {24, 20, 16, VC_PAGE_LG2};

	return bytes >> by_length[i] || by_length[i] == VC_PAGE_LG2 ? by_length[i] : 0;
}

uint64_t region_page(const struct region *region)
{
	uint64_t page = VC_PAGE;

	LIST_FOR(link, &region->associations)
	{
		const struct device *device = VC_CONTAINER(link, struct association, link)->device;

		page = device->stage[0].page > page ? device->stage[0].page : page;
	}
	return page;
}

static void destroy(struct object *object)
{
	struct bound *bound = VC_CONTAINER(object, struct bound, object);

	object_put(&bound->region->object);
	free(bound);
}

struct bound *new_bound(struct region *region)
{
	struct bound *bound = object_new(OBJECT_BOUND, sizeof(*bound), destroy);

	if (bound) {
		bound->region = region;
		object_hold(&region->object);
		list_init(&bound->link);
	}
	return bound;
}

/* Find room, and note it. Region lock held for writing. */
static int set_aside(struct region *region, uint64_t bytes, uint64_t align, struct bound *bound)
{
	struct vc_range_node *node;
	unsigned int page_lg2 = (unsigned int)__builtin_ctzll(region_page(region)), lg2;
	int error = -ENOSPC;

	if (region->dead)
		return vc_fail_at("vc_bound_create", -EINVAL, "", 0, "stale handle: the region has been freed");
	for (unsigned int i = 0; error == -ENOSPC && i < (align ? 1 : N_ALIGNMENTS); i++) {
		lg2 = align ? (unsigned int)__builtin_ctzll(align) : alignment_by_length(bytes, i);
		if (lg2)
			error = region_take(region, bytes, lg2 > page_lg2 ? lg2 : page_lg2, 0, UINT64_MAX, bound,
					    &node);
	}
	if (error)
		return vc_fail_at("vc_bound_create", error, describe_region(region).text, 0,
				  error == -ENOSPC ? "no hole of 0x%" PRIx64 " bytes"
						   : "0x%" PRIx64 " bytes cannot be recorded",
				  bytes);
	bound->first = node->first;
	bound->last = node->last;
	/* From here on it is excluded, not taken: what names it finds it free. */
	vc_ranges_give(&region->ranges, node);
	list_append(&region->bounds, &bound->link);
	region->n_bounds++;
	return 0;
}

int vc_bound_create(struct vc_region *handle, uint64_t bytes, uint64_t align, struct vc_bound **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct bound *bound = NULL;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (!out || !bytes || bytes > UINT64_MAX - VC_PAGE || (align & (align - 1)))
		error = vc_fail(-EINVAL, describe_region(region).text, 0,
				"out is NULL, or a length of 0x%" PRIx64 " bytes, aligned to 0x%" PRIx64, bytes, align);
	else if (region->kind == VC_REGION_IDENTITY)
		error = vc_fail(-EOPNOTSUPP, describe_region(region).text, 0,
				"addresses of an identity region follow from the memory");
	if (!error) {
		bound = new_bound(region);
		error = bound ? 0 : -ENOMEM;
	}
	if (!error) {
		pthread_rwlock_wrlock(&region->lock);
		error = set_aside(region, bytes, align, bound);
		if (!error)
			*out = HANDLE(vc_bound, bound);
		pthread_rwlock_unlock(&region->lock);
		if (error)
			object_kill(&bound->object);
	}
	object_put(&region->object);
	return error;
}

int vc_bound_free(struct vc_bound *handle)
{
	struct bound *bound = object_get(OBJECT_BOUND, handle, __func__);
	struct region *region;
	const struct vc_range_node *node;
	int error = 0;

	if (!bound)
		return -EINVAL;
	region = bound->region;
	pthread_rwlock_wrlock(&region->lock);
	node = vc_ranges_from(&region->ranges, bound->first);
	if (bound->dead) {
		error = vc_fail(-EINVAL, "", 0, "stale handle: the bound has been freed");
	} else if (node && node->first <= bound->last) {
		error = vc_fail(-EBUSY, describe_region(region).text, bound->first, "%s is in the bound",
				describe_reservation(node->owner).text);
	} else {
		bound->dead = true;
		list_remove(&bound->link);
		region->n_bounds--;
	}
	pthread_rwlock_unlock(&region->lock);
	if (!error)
		object_kill(&bound->object);
	object_put(&bound->object);
	return error;
}

int vc_bound_info(struct vc_bound *handle, struct vc_bound_info *out)
{
	struct bound *bound = object_get(OBJECT_BOUND, handle, __func__);

	if (!bound)
		return -EINVAL;
	if (out)
		*out = (struct vc_bound_info){.region = HANDLE(vc_region, bound->region),
					      .address = bound->first,
					      .bytes = bound->last - bound->first + 1};
	object_put(&bound->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_bound_next(struct vc_region *handle, struct vc_bound *after, struct vc_bound **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct bound *cursor = NULL;
	struct link *link;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (after) {
		cursor = object_get(OBJECT_BOUND, after, __func__);
		if (!cursor) {
			object_put(&region->object);
			return -EINVAL;
		}
	}
	pthread_rwlock_rdlock(&region->lock);
	if (!out || (cursor && (cursor->dead || cursor->region != region))) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the bound is not of this region");
	} else {
		link = cursor ? cursor->link.next : region->bounds.next;
		if (link == &region->bounds)
			error = -ENOENT;
		else
			*out = HANDLE(vc_bound, VC_CONTAINER(link, struct bound, link));
	}
	pthread_rwlock_unlock(&region->lock);
	if (cursor)
		object_put(&cursor->object);
	object_put(&region->object);
	return error;
}

/* SPDX-License-Identifier: MIT */
/* associate.c - links of regions and devices; activation, which builds the table that a device needs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

static void destroy(struct object *object)
{
	struct association *association = VC_CONTAINER(object, struct association, object);

	object_put(&association->device->object);
	object_put(&association->region->object);
	free(association);
}

static struct association *new_association(struct region *region, struct device *device, uint32_t attr)
{
	struct association *association = object_new(OBJECT_ASSOCIATION, sizeof(*association), destroy);

	if (association) {
		association->region = region;
		object_hold(&region->object);
		association->device = device;
		object_hold(&device->object);
		association->attr = attr;
		list_init(&association->link);
	}
	return association;
}

/* Can the tables of the device serve every address of the region? A range whose first is above its last wraps. */
static bool serves(const struct pt_table *table, const struct vc_ranges *ranges)
{
	if (table->first > table->last)
		return ranges->first >= table->first || ranges->last <= table->last;
	return ranges->first >= table->first && ranges->last <= table->last;
}

/* Is anything of the region where the device wants nothing, or only its own? */
static int check_reserved(const struct region *region, const struct device *device)
{
	for (size_t i = 0; i < device->n_reserved; i++) {
		const struct vc_reserved *reserved = &device->reserved[i];
		uint64_t last = reserved->first + (reserved->bytes - 1);
		const struct vc_range_node *node = vc_ranges_from(&region->ranges, reserved->first);
		struct name used = {""};

		if (node && node->first <= last)
			used = describe_reservation(node->owner);
		LIST_FOR(link, &region->bounds)
		{
			const struct bound *bound = VC_CONTAINER(link, struct bound, link);

			if (bound->first <= last && bound->last >= reserved->first)
				snprintf(used.text, sizeof(used.text), "bound 0x%" PRIx64 "-0x%" PRIx64, bound->first,
					 bound->last);
		}
		if (used.text[0])
			return vc_fail_at("vc_associate", -EADDRINUSE, describe_region(region).text, reserved->first,
					  "device '%s' keeps 0x%" PRIx64 "-0x%" PRIx64 " for itself, and %s is there",
					  device->name, reserved->first, last, used.text);
	}
	return 0;
}

/* Region lock held for writing, device lock too. */
static int may_associate(const struct region *region, const struct device *device)
{
	const struct name name = describe_region(region);

	if (region->dead || device->dead)
		return vc_fail_at("vc_associate", -EINVAL, "", 0, "stale handle: the %s has been freed",
				  region->dead ? "region" : "device");
	if (region->system != device->system)
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0, "device '%s' belongs to another system",
				  device->name);
	if (device->kind == VC_DEVICE_DIRECT && (region->kind != VC_REGION_IDENTITY || device->bus_offset))
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0, "device '%s' has no tables: %s", device->name,
				  device->bus_offset ? "its addresses are not physical ones, for it has a bus offset"
						     : "it needs an identity region");
	if ((region->kind == VC_REGION_CPU) != (device->kind == VC_DEVICE_CPU))
		return vc_fail_at("vc_associate", -EINVAL, name.text, 0,
				  "device '%s' is %sthe CPU, and the region is %sof CPU addresses", device->name,
				  device->kind == VC_DEVICE_CPU ? "" : "not ",
				  region->kind == VC_REGION_CPU ? "" : "not ");
	LIST_FOR(link, &region->associations)
	if (VC_CONTAINER(link, struct association, link)->device == device)
		return vc_fail_at("vc_associate", -EEXIST, name.text, 0, "device '%s' is associated already",
				  device->name);
	if (region->kind == VC_REGION_CPU && region->n_associations)
		return vc_fail_at("vc_associate", -EBUSY, name.text, 0, "a CPU region has one association at most");
	if (device->kind == VC_DEVICE_TRANSLATED && !serves(&device->shape, &region->ranges))
		return vc_fail_at("vc_associate", -ERANGE, name.text, region->ranges.first,
				  "tables of '%s' (%s) serve 0x%" PRIx64 "-0x%" PRIx64 " only", device->name,
				  device->format->name, device->shape.first, device->shape.last);
	if (device->page > region_page(region))
		for (const struct vc_range_node *node = NULL; (node = vc_ranges_next(&region->ranges, node));)
			if ((node->first | (node->last + 1)) & (device->page - 1))
				return vc_fail_at("vc_associate", -EINVAL, name.text, node->first,
						  "%s is not made of pages of 0x%" PRIx64
						  " bytes, the smallest that device '%s' has",
						  describe_reservation(node->owner).text, device->page, device->name);
	return check_reserved(region, device);
}

int vc_associate(struct vc_region *region_handle, struct vc_device *device_handle, uint32_t attr,
		 struct vc_association **out)
{
	struct region *region = object_get(OBJECT_REGION, region_handle, __func__);
	struct device *device = region ? object_get(OBJECT_DEVICE, device_handle, __func__) : NULL;
	struct association *association = NULL;
	int error = device ? 0 : -EINVAL;

	if (!error && !out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	if (!error) {
		association = new_association(region, device, attr);
		error = association ? 0 : -ENOMEM;
	}
	if (!error) {
		pthread_rwlock_wrlock(&region->lock);
		pthread_rwlock_wrlock(&device->lock);
		error = may_associate(region, device);
		if (!error) {
			list_append(&region->associations, &association->link);
			region->n_associations++;
			device->n_associations++;
			*out = HANDLE(vc_association, association);
		}
		pthread_rwlock_unlock(&device->lock);
		pthread_rwlock_unlock(&region->lock);
		if (error)
			object_kill(&association->object);
	}
	if (device)
		object_put(&device->object);
	if (region)
		object_put(&region->object);
	return error;
}

/* The device is blocked from here on; the lock is free only when no access is under way. Region lock for writing. */
static void deactivate(struct association *association)
{
	pthread_rwlock_wrlock(&association->device->lock);
	association->device->active = NULL;
	association->device->table = NULL;
	if (association->device->iotlb)
		iotlb_invalidate(association->device->iotlb, 0, UINT64_MAX);
	driver_block(association->device);
	pthread_rwlock_unlock(&association->device->lock);
	association->active = false;
	association->region->n_active--;
}

/* The association uses its table no more; with the last one the table goes. The window of a CPU region stays: it is the
 * region. */
static void drop_mapper(struct association *association)
{
	struct mapper *mapper = association->mapper;

	association->mapper = NULL;
	if (mapper && --mapper->users == 0 && association->region->kind != VC_REGION_CPU) {
		list_remove(&mapper->link);
		mapper->ops->destroy(mapper);
	}
}

static int dissociate(struct vc_association *handle, bool crashed, const char *function)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, function);
	struct region *region;
	int error = 0;

	if (!association)
		return -EINVAL;
	region = association->region;
	pthread_rwlock_wrlock(&region->lock);
	if (association->dead) {
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the association has been freed");
	} else if (association->active && !crashed) {
		error = vc_fail_at(function, -EBUSY, describe_association(association).text, 0, "it is active");
	} else {
		if (association->active)
			deactivate(association);
		association->dead = true;
		list_remove(&association->link);
		region->n_associations--;
		pthread_rwlock_wrlock(&association->device->lock);
		association->device->n_associations--;
		pthread_rwlock_unlock(&association->device->lock);
		drop_mapper(association);
	}
	pthread_rwlock_unlock(&region->lock);
	if (!error)
		object_kill(&association->object);
	object_put(&association->object);
	return error;
}

int vc_dissociate(struct vc_association *association)
{
	return dissociate(association, false, __func__);
}

int vc_dissociate_crashed(struct vc_association *association)
{
	return dissociate(association, true, __func__);
}

/* ------------------------------------------------------------------------------------------------------ activation */

/* Write everything that is backed into a new mapper; on failure nothing of it remains. */
static int replay(struct region *region, struct mapper *mapper)
{
	struct vc_range_node *node = NULL, *undo = NULL;
	int error = 0;

	while (!error && (node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		struct mapping mapping = mapping_of(reservation);

		if (reservation->state == BACKED)
			error = mapper->ops->map(mapper, &mapping);
	}
	while (error && (undo = vc_ranges_next(&region->ranges, undo)) != node) {
		const struct reservation *reservation = undo->owner;
		struct mapping mapping = mapping_of(reservation);

		if (reservation->state == BACKED)
			mapper->ops->unmap(mapper, &mapping);
	}
	return error;
}

/* The mapper that serves the device, made where there is none. */
static int find_mapper(struct region *region, struct device *device, struct mapper **out)
{
	struct table *table;
	int error;

	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);

		if (region->kind == VC_REGION_CPU || table_serves(table_of(mapper), device)) {
			*out = mapper;
			return 0;
		}
	}
	error = table_create(region, device, &table);
	if (error)
		return error;
	error = replay(region, &table->mapper);
	if (error) {
		table->mapper.ops->destroy(&table->mapper);
		return error;
	}
	list_append(&region->mappers, &table->mapper.link);
	*out = &table->mapper;
	return 0;
}

int vc_activate(struct vc_association *handle)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct region *region;
	struct device *device;
	struct table *table = NULL;
	bool is_new = false;
	int error = 0;

	if (!association)
		return -EINVAL;
	region = association->region;
	device = association->device;
	pthread_rwlock_wrlock(&region->lock);
	pthread_rwlock_wrlock(&device->lock);
	if (association->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the association has been freed");
	else if (association->active)
		error = vc_fail(-EALREADY, describe_association(association).text, 0, "it is active already");
	else if (device->active)
		error = vc_fail(-EBUSY, describe_association(association).text, 0, "the device is active in region %u",
				device->active->region->number);
	else if (device->kind != VC_DEVICE_DIRECT && !association->mapper &&
		 !(error = find_mapper(region, device, &association->mapper))) {
		association->mapper->users++;
		is_new = true;
	}
	if (!error && device->kind == VC_DEVICE_TRANSLATED) {
		table = table_of(association->mapper);
		error = driver_load(device, table);
		if (error && is_new)
			drop_mapper(association);
	}
	if (!error) {
		/* A table that was there has been kept up to date: this is a switch of the root, no more. */
		association->active = true;
		region->n_active++;
		device->active = association;
		device->table = table;
	}
	pthread_rwlock_unlock(&device->lock);
	pthread_rwlock_unlock(&region->lock);
	object_put(&association->object);
	return error;
}

int vc_deactivate(struct vc_association *handle)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct region *region;
	int error = 0;

	if (!association)
		return -EINVAL;
	region = association->region;
	pthread_rwlock_wrlock(&region->lock);
	if (association->dead) {
		error = vc_fail(-EINVAL, "", 0, "stale handle: the association has been freed");
	} else if (!association->active) {
		error = vc_fail(-ENOENT, describe_association(association).text, 0, "it is not active");
	} else {
		deactivate(association);
	}
	pthread_rwlock_unlock(&region->lock);
	object_put(&association->object);
	return error;
}

/* ----------------------------------------------------------------------------------------------------- information */

int vc_association_info(struct vc_association *handle, struct vc_association_info *out)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	struct region *region;

	if (!association)
		return -EINVAL;
	region = association->region;
	if (out) {
		pthread_rwlock_rdlock(&region->lock);
		*out = (struct vc_association_info){.region = HANDLE(vc_region, region),
						    .device = HANDLE(vc_device, association->device),
						    .attr = association->attr,
						    .active = association->active};
		if (association->mapper && region->kind != VC_REGION_CPU)
			out->root = pt_root(&table_of(association->mapper)->pt);
		pthread_rwlock_unlock(&region->lock);
	}
	object_put(&association->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_association_set_attr(struct vc_association *handle, uint32_t attr)
{
	struct association *association = object_get(OBJECT_ASSOCIATION, handle, __func__);
	int error = 0;

	if (!association)
		return -EINVAL;
	pthread_rwlock_wrlock(&association->region->lock);
	if (association->active)
		error = vc_fail(-EBUSY, describe_association(association).text, 0, "it is active");
	else
		association->attr = attr;
	pthread_rwlock_unlock(&association->region->lock);
	object_put(&association->object);
	return error;
}

int vc_association_next(struct vc_region *handle, struct vc_association *after, struct vc_association **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct association *cursor = NULL;
	struct link *link;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (after) {
		cursor = object_get(OBJECT_ASSOCIATION, after, __func__);
		if (!cursor) {
			object_put(&region->object);
			return -EINVAL;
		}
	}
	pthread_rwlock_rdlock(&region->lock);
	if (!out || (cursor && (cursor->dead || cursor->region != region))) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the association is not of this region");
	} else {
		link = cursor ? cursor->link.next : region->associations.next;
		if (link == &region->associations)
			error = -ENOENT;
		else
			*out = HANDLE(vc_association, VC_CONTAINER(link, struct association, link));
	}
	pthread_rwlock_unlock(&region->lock);
	if (cursor)
		object_put(&cursor->object);
	object_put(&region->object);
	return error;
}

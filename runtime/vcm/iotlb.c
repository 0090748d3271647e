/* SPDX-License-Identifier: MIT */
/*
 * iotlb.c - a model of a translation cache: sets of ways entries, the least recently used one goes first.
 *
 * An entry is a leaf with the accesses that were seen to be allowed. A leaf of any size is one entry; it is looked for
 * in the set of every size that is in the cache, since the size is not known beforehand.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct entry {
	struct pt_leaf leaf;
	unsigned int accesses; /* bit n: access n was allowed; 0: the entry is empty */
	uint64_t used;
};

struct iotlb {
	pthread_mutex_t lock;
	struct vc_iotlb_info info;
	bool disconnected;
	uint64_t clock;
	unsigned int of_size[64]; /* entries in use by lg2 of their size */
	struct entry entry[];
};

static struct entry *set_of(struct iotlb *iotlb, uint64_t address, unsigned int lg2)
{
	unsigned int sets = iotlb->info.entries / iotlb->info.ways;

	return &iotlb->entry[((address >> lg2) & (sets - 1)) * iotlb->info.ways];
}

static void drop(struct iotlb *iotlb, struct entry *entry)
{
	if (entry->accesses)
		iotlb->of_size[entry->leaf.lg2 & 63]--;
	entry->accesses = 0;
}

static struct entry *find(struct iotlb *iotlb, uint64_t address)
{
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		struct entry *set;

		if (!iotlb->of_size[lg2])
			continue;
		set = set_of(iotlb, address, lg2);
		for (unsigned int i = 0; i < iotlb->info.ways; i++)
			if (set[i].accesses && set[i].leaf.lg2 == lg2 && set[i].leaf.iova >> lg2 == address >> lg2)
				return &set[i];
	}
	return NULL;
}

bool iotlb_find(struct iotlb *iotlb, uint64_t address, unsigned int access, struct pt_leaf *leaf)
{
	struct entry *entry;
	bool hit;

	pthread_mutex_lock(&iotlb->lock);
	entry = find(iotlb, address);
	hit = entry && (entry->accesses & 1U << (access & 15));
	if (hit) {
		*leaf = entry->leaf;
		entry->used = ++iotlb->clock;
		iotlb->info.hits++;
	} else {
		iotlb->info.misses++;
	}
	pthread_mutex_unlock(&iotlb->lock);
	return hit;
}

void iotlb_store(struct iotlb *iotlb, const struct pt_leaf *leaf, unsigned int access)
{
	struct entry *entry, *set;

	pthread_mutex_lock(&iotlb->lock);
	entry = find(iotlb, leaf->iova);
	if (!entry || entry->leaf.lg2 != leaf->lg2 || entry->leaf.pa != leaf->pa) {
		if (entry)
			drop(iotlb, entry);
		set = set_of(iotlb, leaf->iova, leaf->lg2 & 63);
		entry = &set[0];
		for (unsigned int i = 1; i < iotlb->info.ways; i++)
			if (entry->accesses && (!set[i].accesses || set[i].used < entry->used))
				entry = &set[i];
		drop(iotlb, entry);
		entry->leaf = *leaf;
		iotlb->of_size[leaf->lg2 & 63]++;
	}
	entry->accesses |= 1U << (access & 15);
	entry->used = ++iotlb->clock;
	pthread_mutex_unlock(&iotlb->lock);
}

void iotlb_invalidate(struct iotlb *iotlb, uint64_t first, uint64_t last)
{
	pthread_mutex_lock(&iotlb->lock);
	iotlb->info.invalidations++;
	for (unsigned int i = 0; i < iotlb->info.entries && !iotlb->disconnected; i++) {
		struct entry *entry = &iotlb->entry[i];
		uint64_t end = entry->leaf.iova | (((uint64_t)1 << (entry->leaf.lg2 & 63)) - 1);

		if (entry->accesses && entry->leaf.iova <= last && end >= first) {
			drop(iotlb, entry);
			iotlb->info.invalidated++;
		}
	}
	pthread_mutex_unlock(&iotlb->lock);
}

void iotlb_free(struct iotlb *iotlb)
{
	if (iotlb)
		pthread_mutex_destroy(&iotlb->lock);
	free(iotlb);
}

int vc_device_iotlb(struct vc_device *handle, unsigned int entries, unsigned int ways)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);
	struct iotlb *made = NULL, *old = NULL;
	int error = 0;

	if (!device)
		return -EINVAL;
	if (entries && (entries > 65536 || !ways || ways > entries || (entries & (entries - 1)) || (ways & (ways - 1))))
		error = vc_fail(-EINVAL, device->name, 0,
				"%u entries in sets of %u: both are powers of two, and at most 65536 entries", entries,
				ways);
	else if (entries && device->kind != VC_DEVICE_TRANSLATED)
		error = vc_fail(-EINVAL, device->name, 0, "the device has no tables, so there is nothing to cache");
	if (!error && entries) {
		made = vc_calloc(1, sizeof(*made) + entries * sizeof(made->entry[0]));
		if (!made) {
			error = vc_fail(-ENOMEM, device->name, 0, "no memory for %u entries", entries);
		} else {
			pthread_mutex_init(&made->lock, NULL);
			made->info.entries = entries;
			made->info.ways = ways;
		}
	}
	if (!error) {
		/* Tables reach it through the device from under the locks of their regions. */
		struct frozen frozen;

		error = freeze(device->system, &frozen);
		if (!error) {
			pthread_rwlock_wrlock(&device->lock);
			old = device->iotlb;
			device->iotlb = made;
			pthread_rwlock_unlock(&device->lock);
			thaw(&frozen);
			made = NULL;
		}
	}
	iotlb_free(made);
	iotlb_free(old);
	object_put(&device->object);
	return error;
}

static int with_iotlb(struct vc_device *handle, const char *function, struct vc_iotlb_info *out,
		      const bool *disconnected)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, function);
	int error = 0;

	if (!device)
		return -EINVAL;
	pthread_rwlock_rdlock(&device->lock);
	if (!device->iotlb) {
		error = vc_fail_at(function, -ENXIO, device->name, 0, "it has no model of a translation cache");
	} else {
		pthread_mutex_lock(&device->iotlb->lock);
		if (out)
			*out = device->iotlb->info;
		if (disconnected)
			device->iotlb->disconnected = *disconnected;
		pthread_mutex_unlock(&device->iotlb->lock);
	}
	pthread_rwlock_unlock(&device->lock);
	object_put(&device->object);
	return error;
}

int vc_device_iotlb_disconnect(struct vc_device *device, bool disconnected)
{
	return with_iotlb(device, __func__, NULL, &disconnected);
}

int vc_device_iotlb_info(struct vc_device *device, struct vc_iotlb_info *out)
{
	return out ? with_iotlb(device, __func__, out, NULL) : vc_fail(-EINVAL, "", 0, "out is NULL");
}

/* SPDX-License-Identifier: MIT */
/* freeze.c - hold the whole system still while it is looked at. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

static size_t length(const struct link *head)
{
	size_t n = 0;

	LIST_FOR(link, head)
	n++;
	return n;
}

/* Hold all regions and devices that there are now. The lists are in the order of creation. */
static int collect(struct system *system, struct frozen *out)
{
	int error = 0;

	pthread_mutex_lock(&system->lock);
	out->regions = vc_calloc(length(&system->regions), sizeof(struct region *));
	out->devices = vc_calloc(length(&system->devices), sizeof(struct device *));
	if (!out->regions || !out->devices) {
		error = vc_fail_at("freeze", -ENOMEM, "", 0, "no memory to list regions and devices");
	} else {
		LIST_FOR(link, &system->regions)
		{
			out->regions[out->n_regions] = VC_CONTAINER(link, struct region, link);
			object_hold(&out->regions[out->n_regions++]->object);
		}
		LIST_FOR(link, &system->devices)
		{
			out->devices[out->n_devices] = VC_CONTAINER(link, struct device, link);
			object_hold(&out->devices[out->n_devices++]->object);
		}
	}
	pthread_mutex_unlock(&system->lock);
	return error;
}

int freeze(struct system *system, struct frozen *out)
{
	int error;

	*out = (struct frozen){.system = system};
	pthread_mutex_lock(&system->births);
	error = collect(system, out);
	if (error) {
		pthread_mutex_unlock(&system->births);
		free(out->regions);
		free(out->devices);
		return error;
	}
	for (size_t i = 0; i < out->n_regions; i++)
		pthread_rwlock_wrlock(&out->regions[i]->lock);
	return 0;
}

void thaw(struct frozen *frozen)
{
	for (size_t i = frozen->n_regions; i-- > 0;)
		pthread_rwlock_unlock(&frozen->regions[i]->lock);
	pthread_mutex_unlock(&frozen->system->births);
	for (size_t i = 0; i < frozen->n_regions; i++)
		object_put(&frozen->regions[i]->object);
	for (size_t i = 0; i < frozen->n_devices; i++)
		object_put(&frozen->devices[i]->object);
	free(frozen->regions);
	free(frozen->devices);
}

void stop_devices(const struct frozen *frozen)
{
	for (size_t i = 0; i < frozen->n_devices; i++)
		pthread_rwlock_wrlock(&frozen->devices[i]->lock);
}

void start_devices(const struct frozen *frozen)
{
	for (size_t i = frozen->n_devices; i-- > 0;)
		pthread_rwlock_unlock(&frozen->devices[i]->lock);
}

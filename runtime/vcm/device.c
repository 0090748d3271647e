/* SPDX-License-Identifier: MIT */
/* device.c - devices, and their accesses as the hardware makes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* Table addresses keep any alignment that a format asks for when the bus offset is a multiple of this. */
#define BUS_ALIGN ((uint64_t)1 << 20)
#define RETRIES	  8

static void destroy(struct object *object)
{
	struct device *device = VC_CONTAINER(object, struct device, object);

	pthread_rwlock_destroy(&device->lock);
	object_put(&device->system->object);
	free(device->reserved);
	iotlb_free(device->iotlb);
	free(device);
}

static int check(const struct system *system, const struct vc_device_config *config)
{
	const char *self = "vc_device_create", *name = config->name ? config->name : "";
	uint64_t first = system->ram[0].pa,
		 top = system->ram[system->n_ram - 1].pa + system->ram[system->n_ram - 1].bytes;

	if (!name[0] || strlen(name) >= sizeof(((struct device *)0)->name))
		return vc_fail_at(self, -EINVAL, "", 0, "a device needs a name of 1 to %zu characters",
				  sizeof(((struct device *)0)->name) - 1);
	if ((unsigned int)config->kind > VC_DEVICE_DIRECT)
		return vc_fail_at(self, -EINVAL, name, 0, "unknown kind of device %d", (int)config->kind);
	if ((config->kind == VC_DEVICE_TRANSLATED) != (config->format != NULL))
		return vc_fail_at(self, -EINVAL, name, 0, "%s",
				  config->format ? "only devices with tables have a format"
						 : "a device needs a format");
	if (config->n_reserved && (!config->reserved || config->kind != VC_DEVICE_TRANSLATED))
		return vc_fail_at(self, -EINVAL, name, 0,
				  "only devices with tables reserve addresses, and then they say which");
	if (config->bypass && config->kind != VC_DEVICE_TRANSLATED)
		return vc_fail_at(self, -EINVAL, name, 0,
				  "there is nothing to bypass: the device has no tables of ours");
	if (config->format && config->format->abi != PT_ABI)
		return vc_fail_at(self, -EINVAL, name, 0, "format %s was generated for contract %u; this is %d",
				  config->format->name, config->format->abi, PT_ABI);
	if ((uint64_t)config->bus_offset & (BUS_ALIGN - 1))
		return vc_fail_at(self, -EINVAL, name, 0, "the bus offset is not a multiple of 1 MiB");
	if ((config->bus_offset < 0 && first < 0 - (uint64_t)config->bus_offset) ||
	    (config->bus_offset > 0 &&
	     ((uint64_t)config->bus_offset >> 46 || (top + (uint64_t)config->bus_offset) >> 46)))
		return vc_fail_at(self, -EINVAL, name, 0, "with the bus offset, memory is not within [0, 64 TiB)");
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct vc_reserved *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Copy what the device keeps for itself; sorted. */
static int set_reserved(struct device *device, const struct vc_device_config *config)
{
	const char *self = "vc_device_create";

	if (!config->n_reserved)
		return 0;
	device->reserved = vc_calloc(config->n_reserved, sizeof(*device->reserved));
	if (!device->reserved)
		return vc_fail_at(self, -ENOMEM, device->name, 0, "no memory for a list of reserved ranges");
	memcpy(device->reserved, config->reserved, config->n_reserved * sizeof(*device->reserved));
	device->n_reserved = config->n_reserved;
	qsort(device->reserved, device->n_reserved, sizeof(*device->reserved), by_address);
	for (size_t i = 0; i < device->n_reserved; i++) {
		const struct vc_reserved *now = &device->reserved[i];

		if (!now->bytes || ((now->first | now->bytes) & (VC_PAGE - 1)) ||
		    now->bytes - 1 > UINT64_MAX - now->first)
			return vc_fail_at(self, -EINVAL, device->name, now->first,
					  "the reserved range [0x%" PRIx64 ", +0x%" PRIx64
					  ") is not made of whole pages",
					  now->first, now->bytes);
		if (now->identity & ~(unsigned int)(PT_READ | PT_WRITE | PT_EXEC))
			return vc_fail_at(self, -EINVAL, device->name, now->first, "unknown rights 0x%x",
					  now->identity);
		if (i && now[-1].first + (now[-1].bytes - 1) >= now->first)
			return vc_fail_at(self, -EINVAL, device->name, now->first,
					  "two reserved ranges hold 0x%" PRIx64, now->first);
	}
	return 0;
}

static struct device *find(const struct system *system, const char *name)
{
	LIST_FOR(link, &system->devices)
	{
		struct device *device = VC_CONTAINER(link, struct device, link);

		if (!strcmp(device->name, name))
			return device;
	}
	return NULL;
}

/* Fill in the format's side: what its configuration comes to, without any memory. */
static int set_format(struct device *device, const struct vc_device_config *config)
{
	struct pt_result result = {.iova = 0};
	enum pt_status status;

	pt_config_init(&device->config);
	if (config->config)
		device->config = *config->config;
	device->format = config->format;
	status = config->format->view(&device->shape, &device->config, NULL, 0, &result);
	if (status == PT_OK) {
		uint64_t smallest = device->shape.page_sizes & (~device->shape.page_sizes + 1);

		device->page = smallest > VC_PAGE ? smallest : VC_PAGE;
		return 0;
	}
	vc_fail_at("vc_device_create", -EINVAL, device->name, 0, "format %s: %s%s%s", config->format->name,
		   pt_status_string(status), result.why ? ": " : "", result.why ? result.why : "");
	return vc_fail_status(-EINVAL, status);
}

int vc_device_create(struct vc_system *handle, const struct vc_device_config *config, struct vc_device **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct device *device;
	int error;

	if (!system)
		return -EINVAL;
	error = config && out ? check(system, config) : vc_fail(-EINVAL, "", 0, "configuration or out are NULL");
	if (error) {
		object_put(&system->object);
		return error;
	}
	device = object_new(OBJECT_DEVICE, sizeof(*device), destroy);
	if (!device) {
		object_put(&system->object);
		return -ENOMEM;
	}
	device->system = system;
	object_hold(&system->object);
	pthread_rwlock_init(&device->lock, NULL);
	snprintf(device->name, sizeof(device->name), "%s", config->name);
	device->kind = config->kind;
	device->bus_offset = config->bus_offset;
	device->allow_wider = config->allow_wider;
	device->updates = !config->no_updates;
	device->bypass = config->bypass;
	device->page = VC_PAGE;
	error = config->format ? set_format(device, config) : 0;
	if (!error)
		error = set_reserved(device, config);
	if (!error) {
		pthread_mutex_lock(&system->lock);
		if (system->dead) {
			error = vc_fail(-EINVAL, "", 0, "stale handle: the system has been freed");
		} else if (find(system, config->name)) {
			error = vc_fail(-EEXIST, device->name, 0, "there is a device of that name");
		} else {
			list_append(&system->devices, &device->link);
			*out = HANDLE(vc_device, device);
		}
		pthread_mutex_unlock(&system->lock);
	}
	if (error)
		object_kill(&device->object);
	object_put(&system->object);
	return error;
}

int vc_device_destroy(struct vc_device *handle)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);
	int error = 0;

	if (!device)
		return -EINVAL;
	pthread_rwlock_wrlock(&device->lock);
	if (device->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the device has been freed");
	else if (device->n_associations)
		error = vc_fail(-EBUSY, device->name, 0, "it has %u associations", device->n_associations);
	else
		device->dead = true;
	pthread_rwlock_unlock(&device->lock);
	if (!error) {
		pthread_mutex_lock(&device->system->lock);
		list_remove(&device->link);
		pthread_mutex_unlock(&device->system->lock);
		object_kill(&device->object);
	}
	object_put(&device->object);
	return error;
}

int vc_device_find(struct vc_system *handle, const char *name, struct vc_device **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct device *device;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!name || !out) {
		error = vc_fail(-EINVAL, "", 0, "name or out are NULL");
	} else {
		pthread_mutex_lock(&system->lock);
		device = find(system, name);
		if (device)
			*out = HANDLE(vc_device, device);
		else
			error = vc_fail(-ENOENT, "", 0, "there is no device '%s'", name);
		pthread_mutex_unlock(&system->lock);
	}
	object_put(&system->object);
	return error;
}

int vc_device_next(struct vc_system *handle, struct vc_device *after, struct vc_device **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct device *cursor = NULL;
	struct link *link;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (after) {
		cursor = object_get(OBJECT_DEVICE, after, __func__);
		if (!cursor) {
			object_put(&system->object);
			return -EINVAL;
		}
	}
	pthread_mutex_lock(&system->lock);
	link = cursor ? cursor->link.next : system->devices.next;
	if (!out || (cursor && (cursor->system != system || link == &cursor->link)))
		error = vc_fail(-EINVAL, "", 0, "out is NULL, or the device is not of this system");
	else if (link == &system->devices)
		error = -ENOENT;
	else
		*out = HANDLE(vc_device, VC_CONTAINER(link, struct device, link));
	pthread_mutex_unlock(&system->lock);
	if (cursor)
		object_put(&cursor->object);
	object_put(&system->object);
	return error;
}

int vc_device_info(struct vc_device *handle, struct vc_device_info *out)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);

	if (!device)
		return -EINVAL;
	if (out) {
		pthread_rwlock_rdlock(&device->lock);
		*out = (struct vc_device_info){.kind = device->kind,
					       .format = device->format,
					       .bus_offset = device->bus_offset,
					       .first = device->format ? device->shape.first : 0,
					       .last = device->format ? device->shape.last : UINTPTR_MAX,
					       .active = device->active ? HANDLE(vc_region, device->active->region)
									: NULL,
					       .associations = device->n_associations,
					       .faults = atomic_load(&device->faults)};
		snprintf(out->name, sizeof(out->name), "%s", device->name);
		pthread_rwlock_unlock(&device->lock);
	}
	object_put(&device->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_device_registers(struct vc_device *handle, struct pt_register *out, size_t n, size_t *count)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);
	int error = 0;

	if (!device)
		return -EINVAL;
	pthread_rwlock_rdlock(&device->lock);
	if (!count || (n && !out))
		error = vc_fail(-EINVAL, device->name, 0, "out or count are NULL");
	else if (!device->active)
		error = vc_fail(-ENXIO, device->name, 0, "it is blocked: it has no active association");
	else
		*count = device->table ? device->format->registers(&device->table->pt, out, n) : 0;
	pthread_rwlock_unlock(&device->lock);
	object_put(&device->object);
	return error;
}

int hook_device(struct vc_device *handle, hook_fn fn, void (*inner)(void), void *data, const char *function)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, function);

	if (!device)
		return -EINVAL;
	pthread_rwlock_wrlock(&device->lock);
	device->hook = inner ? fn : NULL;
	device->handler = inner;
	device->handler_data = data;
	pthread_rwlock_unlock(&device->lock);
	object_put(&device->object);
	return 0;
}

static int call_handler(struct vc_device *device, void (*inner)(void), void *data, const struct vc_fault *fault)
{
	return ((vc_fault_handler)inner)(device, data, fault);
}

int vc_device_hook(struct vc_device *device, vc_fault_handler handler, void *data)
{
	return hook_device(device, call_handler, (void (*)(void))handler, data, __func__);
}

/* -------------------------------------------------------------------------------------------------------- accesses */

/* One step of an access: as far as one leaf (of the CPU: one segment) goes. */
struct step {
	uint64_t address, bytes;
	unsigned int access;
	unsigned char *to;	   /* read into this, */
	const unsigned char *from; /* or write this, or neither: translate only */
	uint64_t pa;
};

static bool set_fault(struct vc_fault *fault, unsigned int kind, const char *name)
{
	fault->kind = kind;
	fault->kind_name = name;
	return false;
}

/* The physical memory is known: touch it. */
static bool transfer(const struct system *system, struct step *step, struct vc_fault *fault)
{
	unsigned char *memory;

	if (!step->to && !step->from)
		return true;
	if (!system_is_ram(system, step->pa, step->bytes))
		return set_fault(fault, VC_FAULT_EXTERNAL, "external: no memory answers there");
	memory = system->view->base + step->pa;
	if (step->to)
		memcpy(step->to, memory, (size_t)step->bytes);
	else
		memcpy(memory, step->from, (size_t)step->bytes);
	return true;
}

static bool walk_table(const struct device *device, struct step *step, struct vc_fault *fault)
{
	struct table *table = device->table;
	struct pt_walk *walk = &fault->walk;
	struct pt_reader reader;
	uint64_t left;
	bool good;

	pthread_rwlock_rdlock(&table->walkers);
	table_reader(table, device->updates && (step->to || step->from), &reader);
	reader.steps = 1024;
	if (device->iotlb && (step->to || step->from) &&
	    iotlb_find(device->iotlb, step->address, step->access, &walk->leaf)) {
		walk->fault = PT_FAULT_NONE;
		walk->pa = walk->leaf.pa + (step->address - walk->leaf.iova);
	} else {
		table->pt.format->translate(&table->pt, &reader, step->address, step->access, walk);
		if (device->iotlb && (step->to || step->from) && walk->fault == PT_FAULT_NONE)
			iotlb_store(device->iotlb, &walk->leaf, step->access);
	}
	if (walk->fault != PT_FAULT_NONE) {
		good = set_fault(fault, walk->fault, pt_fault_string(device->format, walk->fault));
		if (walk->level < device->format->n_levels)
			fault->level = device->format->levels[walk->level].name;
	} else {
		left = ((uint64_t)1 << walk->leaf.lg2) - (step->address & (((uint64_t)1 << walk->leaf.lg2) - 1));
		if (step->bytes > left)
			step->bytes = left;
		step->pa = walk->pa - (uint64_t)device->bus_offset;
		good = transfer(device->system, step, fault);
	}
	pthread_rwlock_unlock(&table->walkers);
	return good;
}

/* Nothing translates: the address is that of the memory, on the device's bus. */
static bool bypass(const struct device *device, struct step *step, struct vc_fault *fault)
{
	uint64_t left = VC_PAGE - (step->address & (VC_PAGE - 1));

	if (step->bytes > left)
		step->bytes = left;
	step->pa = step->address - (uint64_t)device->bus_offset;
	return transfer(device->system, step, fault);
}

/* The CPU's tables are the host's, and a device without tables has none: what they allow is what the list of the region
 * says. */
static bool look_up(struct region *region, struct step *step, struct vc_fault *fault)
{
	const struct vc_range_node *node;
	bool good = false;

	pthread_rwlock_rdlock(&region->lock);
	node = vc_ranges_find(&region->ranges, step->address);
	pthread_mutex_lock(&region->system->graph);
	if (!node || ((const struct reservation *)node->owner)->state != BACKED ||
	    step->address - node->first >= ((const struct reservation *)node->owner)->backed) {
		set_fault(fault, PT_FAULT_ABSENT, "absent");
	} else {
		const struct reservation *reservation = node->owner;
		unsigned int wanted = step->access & (PT_ACCESS_READ | PT_ACCESS_WRITE | PT_ACCESS_EXEC);
		uint64_t offset = step->address - reservation->address, left = reservation->backed - offset, page;

		/* PT_ACCESS_* and PT_* have the same bits. */
		if (wanted & ~reservation->rights) {
			set_fault(fault, PT_FAULT_PERMISSION, "permission");
		} else {
			page = VC_PAGE - (step->address & (VC_PAGE - 1));
			left = left < page ? left : page;
			step->bytes = step->bytes < left ? step->bytes : left;
			step->pa = phys_at(reservation->phys, offset);
			good = transfer(region->system, step, fault);
		}
	}
	pthread_mutex_unlock(&region->system->graph);
	pthread_rwlock_unlock(&region->lock);
	return good;
}

static bool try_step(struct device *device, struct step *step, struct vc_fault *fault)
{
	struct region *region = NULL;
	bool good = false;

	*fault = (struct vc_fault){.device = HANDLE(vc_device, device),
				   .address = step->address,
				   .access = step->access,
				   .kind_name = "",
				   .level = ""};
	pthread_rwlock_rdlock(&device->lock);
	if (!device->active && device->bypass) {
		good = bypass(device, step, fault);
	} else if (!device->active) {
		set_fault(fault, VC_FAULT_BLOCKED, "blocked: the device has no active association");
	} else {
		region = device->active->region;
		fault->region = HANDLE(vc_region, region);
		if (device->table)
			good = walk_table(device, step, fault);
		else
			object_hold(&region->object); /* the region's lock comes before the device's */
	}
	pthread_rwlock_unlock(&device->lock);
	if (region && device->kind != VC_DEVICE_TRANSLATED) {
		good = look_up(region, step, fault);
		object_put(&region->object);
	}
	return good;
}

/* Within the limit of calls a second? */
static bool may_call(struct device *device)
{
	struct timespec now;
	bool may = true;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_rwlock_wrlock(&device->lock);
	if (device->fault_second != now.tv_sec) {
		device->fault_second = now.tv_sec;
		device->fault_calls = 0;
	}
	if (device->fault_limit) {
		may = device->fault_calls < device->fault_limit;
		device->fault_calls += may;
	}
	pthread_rwlock_unlock(&device->lock);
	return may;
}

int vc_device_fault_limit(struct vc_device *handle, unsigned int per_second)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);

	if (!device)
		return -EINVAL;
	pthread_rwlock_wrlock(&device->lock);
	device->fault_limit = per_second;
	pthread_rwlock_unlock(&device->lock);
	object_put(&device->object);
	return 0;
}

static int do_access(const char *function, struct vc_device *handle, struct step *whole, struct vc_fault *record)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, function);
	struct vc_fault local = {.kind = 0}, *fault = record ? record : &local;
	uint64_t left = whole->bytes;
	unsigned int retries = 0;
	int error = 0;

	if (!device)
		return -EINVAL;
	if (left && left - 1 > UINT64_MAX - whole->address)
		error = vc_fail_at(function, -EINVAL, device->name, whole->address,
				   "the access passes the end of the "
				   "address space");
	while (left && !error) {
		void (*handler)(void);
		hook_fn hook;
		void *data;

		whole->bytes = left;
		if (try_step(device, whole, fault)) {
			left -= whole->bytes;
			whole->address += whole->bytes;
			if (whole->to)
				whole->to += whole->bytes;
			if (whole->from)
				whole->from += whole->bytes;
			retries = 0;
			continue;
		}
		pthread_rwlock_rdlock(&device->lock);
		hook = device->hook;
		handler = device->handler;
		data = device->handler_data;
		pthread_rwlock_unlock(&device->lock);
		if ((whole->to || whole->from) && hook && retries++ < RETRIES && may_call(device) &&
		    !hook(handle, handler, data, fault))
			continue;
		if (whole->to || whole->from)
			atomic_fetch_add(&device->faults, 1);
		error = vc_fail_at(function, -EFAULT, device->name, whole->address, "fault at 0x%" PRIx64 ": %s%s%s",
				   whole->address, fault->kind_name, fault->level[0] ? ", level " : "", fault->level);
	}
	object_put(&device->object);
	return error;
}

int vc_device_read(struct vc_device *device, uint64_t address, void *buffer, uint64_t bytes, unsigned int access,
		   struct vc_fault *fault)
{
	struct step step = {.address = address, .bytes = bytes, .to = buffer};

	if (!buffer && bytes)
		return vc_fail(-EINVAL, "", address, "buffer is NULL");
	step.access = access & (PT_ACCESS_PRIV | PT_ACCESS_EXEC);
	if (!(access & PT_ACCESS_EXEC))
		step.access |= PT_ACCESS_READ;
	return do_access(__func__, device, &step, fault);
}

int vc_device_write(struct vc_device *device, uint64_t address, const void *buffer, uint64_t bytes, unsigned int access,
		    struct vc_fault *fault)
{
	struct step step = {.address = address, .bytes = bytes, .from = buffer};

	if (!buffer && bytes)
		return vc_fail(-EINVAL, "", address, "buffer is NULL");
	step.access = (access & PT_ACCESS_PRIV) | PT_ACCESS_WRITE;
	return do_access(__func__, device, &step, fault);
}

int vc_device_report(struct vc_device *handle, uint64_t address, unsigned int access, unsigned int kind,
		     struct vc_fault *record)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);
	struct step step = {.address = address, .bytes = 1, .access = access};
	struct vc_fault local, *fault = record ? record : &local;
	void (*handler)(void);
	hook_fn hook;
	void *data;
	int error = 0;

	if (!device)
		return -EINVAL;
	try_step(device, &step, fault);
	if (kind) {
		fault->kind = kind;
		fault->kind_name = kind == VC_FAULT_BLOCKED    ? "blocked"
				   : kind == VC_FAULT_EXTERNAL ? "external"
				   : device->format	       ? pt_fault_string(device->format, kind)
							       : "unknown";
	}
	pthread_rwlock_rdlock(&device->lock);
	hook = device->hook;
	handler = device->handler;
	data = device->handler_data;
	pthread_rwlock_unlock(&device->lock);
	if (!hook || !may_call(device) || hook(handle, handler, data, fault)) {
		atomic_fetch_add(&device->faults, 1);
		error = vc_fail(-EFAULT, device->name, address, "its hardware reported a fault at 0x%" PRIx64 ": %s",
				address, fault->kind_name);
	}
	object_put(&device->object);
	return error;
}

int vc_device_translate(struct vc_device *device, uint64_t address, unsigned int access, uint64_t *pa,
			struct vc_fault *fault)
{
	struct step step = {.address = address, .bytes = 1, .access = access};
	int error = do_access(__func__, device, &step, fault);

	if (!error && pa)
		*pa = step.pa;
	return error;
}

/* SPDX-License-Identifier: MIT */
/* device.c - devices, and their accesses as the hardware makes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "../pt_nested.h"

/* Table addresses keep any alignment that a format asks for when the bus offset is a multiple of this. */
#define BUS_ALIGN      ((uint64_t)1 << 20)
#define MOST_REGISTERS 16
#define RETRIES	       8

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
	uint64_t first = system->ram[0].pa, top = system_top(system);

	if (!name[0] || strlen(name) >= sizeof(((struct device *)0)->name))
		return vc_fail_at(self, -EINVAL, "", 0, "a device needs a name of 1 to %zu characters",
				  sizeof(((struct device *)0)->name) - 1);
	if ((unsigned int)config->kind > VC_DEVICE_DIRECT)
		return vc_fail_at(self, -EINVAL, name, 0, "unknown kind of device %d", (int)config->kind);
	if ((config->kind == VC_DEVICE_TRANSLATED) != (config->format != NULL))
		return vc_fail_at(self, -EINVAL, name, 0, "%s",
				  config->format ? "only devices with tables have a format"
						 : "a device needs a format");
	if (config->stage2 && !config->format)
		return vc_fail_at(self, -EINVAL, name, 0, "a second stage is below a first one, and there is none");
	if (config->n_reserved && (!config->reserved || config->kind != VC_DEVICE_TRANSLATED))
		return vc_fail_at(self, -EINVAL, name, 0,
				  "only devices with tables reserve addresses, and then they say which");
	if (config->bypass && config->kind != VC_DEVICE_TRANSLATED)
		return vc_fail_at(self, -EINVAL, name, 0,
				  "there is nothing to bypass: the device has no tables of ours");
	for (int i = 0; i < 2; i++) {
		const struct pt_format *format = i ? config->stage2 : config->format;

		if (format && format->abi != PT_ABI)
			return vc_fail_at(self, -EINVAL, name, 0, "format %s was generated for contract %u; this is %d",
					  format->name, format->abi, PT_ABI);
		if (format && format->n_registers > MOST_REGISTERS)
			return vc_fail_at(self, -EINVAL, name, 0, "format %s has %u registers; at most %d are served",
					  format->name, format->n_registers, MOST_REGISTERS);
	}
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

/* Fill in a format's side: what its configuration comes to, without any memory. */
static int set_stage(struct device *device, struct stage *stage, const struct pt_format *format,
		     const struct pt_config *config)
{
	struct pt_result result = {.iova = 0};
	enum pt_status status;

	stage->page = VC_PAGE;
	if (!format)
		return 0;
	pt_config_init(&stage->config);
	if (config)
		stage->config = *config;
	stage->format = format;
	status = format->view(&stage->shape, &stage->config, NULL, 0, &result);
	if (status == PT_OK) {
		uint64_t smallest = stage->shape.page_sizes & (~stage->shape.page_sizes + 1);

		stage->page = smallest > VC_PAGE ? smallest : VC_PAGE;
		return 0;
	}
	vc_fail_at("vc_device_create", -EINVAL, device->name, 0, "format %s: %s%s%s", format->name,
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
	device->hardware = config->hardware;
	error = set_stage(device, &device->stage[0], config->format, config->config);
	if (!error)
		error = set_stage(device, &device->stage[1], config->stage2, config->stage2_config);
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
		const struct stage *stage = &device->stage[0];
		const struct association *active =
			device->loaded[0].association ? device->loaded[0].association : device->loaded[1].association;

		*out = (struct vc_device_info){.kind = device->kind,
					       .format = stage->format,
					       .stage2 = device->stage[1].format,
					       .bus_offset = device->bus_offset,
					       .hardware = device->hardware,
					       .first = stage->format ? stage->shape.first : 0,
					       .last = stage->format ? stage->shape.last : UINTPTR_MAX,
					       .active = active ? HANDLE(vc_region, active->region) : NULL,
					       .associations = device->n_associations,
					       .faults = atomic_load(&device->faults)};
		snprintf(out->name, sizeof(out->name), "%s", device->name);
		pthread_rwlock_unlock(&device->lock);
	}
	object_put(&device->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

size_t device_registers(const struct device *device, struct pt_register *out, size_t n)
{
	size_t count = 0;

	for (unsigned int i = 0; i < 4; i++) {
		const struct loaded *loaded = &device->loaded[i / 2];
		const struct table *table = i % 2 ? loaded->stage2 : loaded->table;
		struct pt_register all[MOST_REGISTERS];
		size_t its;

		if (!table)
			continue;
		/* A format says how many it has by writing them. */
		its = table->pt.format->registers(&table->pt, all, MOST_REGISTERS);
		for (size_t k = 0; k < its && count + k < n; k++)
			out[count + k] = all[k];
		count += its;
	}
	return count;
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
	else if (!device->loaded[0].association && !device->loaded[1].association)
		error = vc_fail(-ENXIO, device->name, 0, "it is blocked: it has no active association");
	else
		*count = device_registers(device, out, n);
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

static int call_hook(hook_fn hook, struct vc_device *device, void (*handler)(void), void *data,
		     const struct vc_fault *fault)
{
	struct hook_trace trace;
	int result;

	hook_enters(&trace);
	result = hook(device, handler, data, fault);
	hook_returns(&trace, device, fault, result);
	return result;
}

int vc_device_hook(struct vc_device *device, vc_fault_handler handler, void *data)
{
	return hook_device(device, call_handler, (void (*)(void))handler, data, __func__);
}

/* --------------------------------------------------------------------------------------------------------- accesses */

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
static bool transfer(struct system *system, struct step *step, struct vc_fault *fault)
{
	unsigned char *memory;

	if (!step->to && !step->from)
		return true;
	memory = system_touch(system, step->pa, step->bytes);
	if (!memory)
		return set_fault(fault, VC_FAULT_EXTERNAL, "external: no memory answers there");
	if (step->to)
		memcpy(step->to, memory, (size_t)step->bytes);
	else
		memcpy(memory, step->from, (size_t)step->bytes);
	system_untouch(system, step->pa);
	return true;
}

/* How far a leaf goes behind an address in it. */
static uint64_t left_in(unsigned int lg2, uint64_t address)
{
	uint64_t mask = ((uint64_t)1 << (lg2 & 63)) - 1;

	return mask - (address & mask) + 1;
}

static void note_level(struct vc_fault *fault, const struct table *table, const struct pt_walk *walk)
{
	if (walk->level < table->pt.format->n_levels)
		fault->level = table->pt.format->levels[walk->level].name;
}

/* One stage. */
static void translate_once(const struct loaded *loaded, struct pt_reader *reader, const struct step *step,
			   struct vc_fault *fault)
{
	const struct table *table = loaded->table;

	fault->stage = 1;
	table->pt.format->translate(&table->pt, reader, step->address, step->access, &fault->walk);
	if (fault->walk.fault == PT_FAULT_NONE)
		return;
	set_fault(fault, fault->walk.fault, pt_fault_string(table->pt.format, fault->walk.fault));
	note_level(fault, table, &fault->walk);
}

/* Two: fault->walk is as if there was one, with the smaller of both leaves. */
static void translate_twice(const struct loaded *loaded, struct pt_reader *reader, const struct step *step,
			    struct vc_fault *fault)
{
	const struct pt_nested nested = {&loaded->table->pt, &loaded->stage2->pt, reader};
	const struct table *failed;
	struct pt_nested_walk walk;

	pt_nested_translate(&nested, step->address, step->access, &walk);
	fault->walk = walk.walk1;
	fault->walk2 = walk.walk2;
	fault->stage = walk.stage;
	fault->in_walk = walk.in_walk;
	fault->ipa = walk.ipa;
	fault->walk.fault = walk.fault;
	if (walk.fault == PT_FAULT_NONE) {
		struct pt_leaf *leaf = &fault->walk.leaf;

		leaf->lg2 = walk.walk2.leaf.lg2 < leaf->lg2 ? walk.walk2.leaf.lg2 : leaf->lg2;
		leaf->rights = walk.rights;
		leaf->iova = step->address & ~(((uint64_t)1 << (leaf->lg2 & 63)) - 1);
		leaf->pa = walk.pa - (step->address - leaf->iova);
		fault->walk.pa = walk.pa;
		return;
	}
	failed = walk.stage == 2 ? loaded->stage2 : loaded->table;
	set_fault(fault, walk.fault, pt_fault_string(failed->pt.format, walk.fault));
	note_level(fault, failed, walk.stage == 2 ? &walk.walk2 : &walk.walk1);
}

static bool walk_tables(const struct device *device, const struct loaded *loaded, struct step *step,
			struct vc_fault *fault)
{
	struct table *table = loaded->table, *last = loaded->stage2 ? loaded->stage2 : table;
	struct iotlb *iotlb = step->to || step->from ? device->iotlb : NULL;
	struct pt_walk *walk = &fault->walk;
	struct pt_reader reader;
	uint64_t left;
	bool good = false;

	pthread_rwlock_rdlock(&table->walkers);
	if (last != table)
		pthread_rwlock_rdlock(&last->walkers);
	table_reader(last, device->updates && (step->to || step->from), &reader);
	reader.steps = 1024;
	if (iotlb && iotlb_find(iotlb, step->address, step->access, &walk->leaf)) {
		walk->fault = PT_FAULT_NONE;
		walk->pa = walk->leaf.pa + (step->address - walk->leaf.iova);
	} else {
		if (last != table)
			translate_twice(loaded, &reader, step, fault);
		else
			translate_once(loaded, &reader, step, fault);
		if (iotlb && walk->fault == PT_FAULT_NONE)
			iotlb_store(iotlb, &walk->leaf, step->access);
	}
	if (walk->fault == PT_FAULT_NONE) {
		left = left_in(walk->leaf.lg2, step->address);
		if (step->bytes > left)
			step->bytes = left;
		step->pa = walk->pa - (uint64_t)device->bus_offset;
		good = transfer(device->system, step, fault);
	}
	if (last != table)
		pthread_rwlock_unlock(&last->walkers);
	pthread_rwlock_unlock(&table->walkers);
	return good;
}

/* What serves an address: everything the first, or by its first bits the one or the other. */
static const struct loaded *choose(const struct device *device, uint64_t address)
{
	unsigned int bits = device->stage[0].shape.input_bits;

	if (!device->split)
		return &device->loaded[0];
	return &device->loaded[bits > device->split && address >> (bits - device->split) ? 1 : 0];
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
			good = step->pa == PHYS_HOLE ? set_fault(fault, PT_FAULT_ABSENT, "absent")
						     : transfer(region->system, step, fault);
		}
	}
	pthread_mutex_unlock(&region->system->graph);
	pthread_rwlock_unlock(&region->lock);
	return good;
}

static bool try_step(struct device *device, struct step *step, struct vc_fault *fault)
{
	const struct loaded *loaded;
	struct region *region = NULL;
	bool good = false;

	*fault = (struct vc_fault){.device = HANDLE(vc_device, device),
				   .address = step->address,
				   .access = step->access,
				   .kind_name = "",
				   .level = ""};
	pthread_rwlock_rdlock(&device->lock);
	loaded = choose(device, step->address);
	if (!loaded->association && device->bypass && !device->split) {
		good = bypass(device, step, fault);
	} else if (!loaded->association) {
		set_fault(fault, VC_FAULT_BLOCKED,
			  device->split ? "blocked: this half of the device's addresses has no active association"
					: "blocked: the device has no active association");
	} else {
		region = loaded->association->region;
		fault->region = HANDLE(vc_region, region);
		if (loaded->table)
			good = walk_tables(device, loaded, step, fault);
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

static void count_fault(struct device *device, const struct vc_fault *fault)
{
	struct region *region = fault->region ? object_get(OBJECT_REGION, fault->region, "vc_device_read") : NULL;

	atomic_fetch_add(&device->faults, 1);
	if (region) {
		atomic_fetch_add(&region->n_faults, 1);
		object_put(&region->object);
	}
}

static int report_fault(const char *function, const struct device *device, const struct vc_fault *fault)
{
	char stage[96] = "";

	if (fault->stage == 2)
		snprintf(stage, sizeof(stage), ", stage 2%s at 0x%" PRIx64,
			 fault->in_walk ? ", for a table of stage 1" : "", fault->ipa);
	return vc_fail_at(function, -EFAULT, device->name, fault->address, "fault at 0x%" PRIx64 ": %s%s%s%s",
			  fault->address, fault->kind_name, fault->level[0] ? ", level " : "", fault->level, stage);
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
		    !call_hook(hook, handle, handler, data, fault))
			continue;
		if (whole->to || whole->from)
			count_fault(device, fault);
		error = report_fault(function, device, fault);
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
				   : device->stage[0].format   ? pt_fault_string(device->stage[0].format, kind)
							       : "unknown";
	}
	pthread_rwlock_rdlock(&device->lock);
	hook = device->hook;
	handler = device->handler;
	data = device->handler_data;
	pthread_rwlock_unlock(&device->lock);
	if (!hook || !may_call(device) || call_hook(hook, handle, handler, data, fault)) {
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

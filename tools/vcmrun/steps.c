/* SPDX-License-Identifier: MIT */
/* steps.c - the steps of a scenario. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "vcmrun.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One step, as it is run. */
struct run {
	struct scenario *scenario;
	struct names *names;
	struct place place;
	const json_t *step;
	char said[160]; /* what came out, for the table */
};

static void say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->said, sizeof(run->said), format, args);
	va_end(args);
}

/* A step that cannot be run at all: not a result, an error of the file. */
#define BAD 1

static void *named(struct run *run, const char *key, enum thing thing)
{
	const char *name = NULL;
	void *handle;

	if (!get_text(&run->place, run->step, key, true, &name))
		return NULL;
	handle = names_find(run->names, name, thing);
	if (!handle)
		complain_at(&run->place, key, "there is no %s '%s' at this step", thing_name(thing), name);
	return handle;
}

static int new_name(struct run *run, enum thing thing, void *handle)
{
	const char *name = NULL;

	if (!get_text(&run->place, run->step, "name", true, &name))
		return BAD;
	if (names_find(run->names, name, thing)) {
		complain_at(&run->place, "name", "there is a %s '%s' already", thing_name(thing), name);
		return BAD;
	}
	return names_add(run->names, name, thing, handle) ? 0 : -ENOMEM;
}

static void forget(struct run *run, const char *key, enum thing thing)
{
	names_remove(run->names, json_string_value(json_object_get(run->step, key)), thing);
}

/* ---------------------------------------------------------------------------------------------------------- regions */

static int step_region(struct run *run)
{
	uint64_t start = 0, bytes = 0;
	struct vc_region *region;
	int error;

	if (!get_number(&run->place, run->step, "start", true, &start) ||
	    !get_number(&run->place, run->step, "bytes", true, &bytes))
		return BAD;
	if (strcmp(json_string_value(json_object_get(run->step, "do")), "identity") == 0)
		error = vc_region_create_identity(run->scenario->system, start, bytes, &region);
	else
		error = vc_region_create(run->scenario->system, start, bytes, &region);
	return error ? error : new_name(run, THING_REGION, region);
}

static int step_nested(struct run *run)
{
	struct vc_region *below = named(run, "below", THING_REGION), *region;
	struct vc_reservation *tables = below ? named(run, "tables", THING_RESERVATION) : NULL;
	uint64_t start = 0, bytes = 0;
	int error;

	if (!tables || !get_number(&run->place, run->step, "start", true, &start) ||
	    !get_number(&run->place, run->step, "bytes", true, &bytes))
		return BAD;
	error = vc_region_create_nested(below, tables, start, bytes, &region);
	return error ? error : new_name(run, THING_REGION, region);
}

static int step_window(struct run *run)
{
	struct vc_region *region;
	uint64_t bytes = 0;
	int error;

	if (!get_number(&run->place, run->step, "bytes", false, &bytes))
		return BAD;
	error = vc_region_create_cpu(run->scenario->system, bytes, &region);
	return error ? error : new_name(run, THING_REGION, region);
}

static int step_clone(struct run *run)
{
	struct vc_region *region = named(run, "region", THING_REGION), *copy;
	int error = region ? vc_region_clone(region, &copy) : BAD;

	return error ? error : new_name(run, THING_REGION, copy);
}

static int step_free_region(struct run *run)
{
	struct vc_region *region = named(run, "region", THING_REGION);
	int error = region ? vc_region_free(region) : BAD;

	if (!error)
		forget(run, "region", THING_REGION);
	return error;
}

/* ----------------------------------------------------------------------------------------------------- associations */

/* The association of a region and a device. */
static struct vc_association *association_of(struct run *run, struct vc_region *region, struct vc_device *device)
{
	struct vc_association *at = NULL;
	struct vc_association_info info;

	while (!vc_association_next(region, at, &at))
		if (!vc_association_info(at, &info) && info.device == device)
			return at;
	complain_at(&run->place, "device", "the device is not associated with this region");
	return NULL;
}

static int link_one(struct run *run, const char *what, struct vc_region *region, struct vc_device *device)
{
	struct vc_association *association = NULL;

	if (strcmp(what, "associate") == 0)
		return vc_associate(region, device, 0, &association);
	association = association_of(run, region, device);
	if (!association)
		return BAD;
	if (strcmp(what, "activate") == 0)
		return vc_activate(association);
	if (strcmp(what, "deactivate") == 0)
		return vc_deactivate(association);
	return strcmp(what, "crash") == 0 ? vc_dissociate_crashed(association) : vc_dissociate(association);
}

/* The device goes from one region to another in one step. */
static int step_replace(struct run *run)
{
	struct vc_device *device = named(run, "device", THING_DEVICE);
	struct vc_region *from = device ? named(run, "from", THING_REGION) : NULL;
	struct vc_region *to = from ? named(run, "to", THING_REGION) : NULL;
	struct vc_association *left = to ? association_of(run, from, device) : NULL;
	struct vc_association *right = left ? association_of(run, to, device) : NULL;

	return right ? vc_replace(left, right) : BAD;
}

static int step_split(struct run *run)
{
	struct vc_region *region = named(run, "region", THING_REGION);
	struct vc_device *device = region ? named(run, "device", THING_DEVICE) : NULL;
	struct vc_association *association = device ? association_of(run, region, device) : NULL;
	const char *half = NULL;
	uint64_t bits = 0;

	if (!association || !get_text(&run->place, run->step, "half", true, &half) ||
	    !get_number(&run->place, run->step, "bits", false, &bits))
		return BAD;
	if (strcmp(half, "lower") != 0 && strcmp(half, "upper") != 0 && strcmp(half, "whole") != 0) {
		complain_at(&run->place, "half", "\"half\" is lower, upper or whole");
		return BAD;
	}
	return vc_association_split(association,
				    half[0] == 'l'   ? VC_LOWER
				    : half[0] == 'u' ? VC_UPPER
						     : VC_WHOLE,
				    bits > 64 ? 64 : (unsigned int)bits);
}

/* "device" may end with "*": all devices whose names begin so. */
static int step_link(struct run *run)
{
	const char *what = json_string_value(json_object_get(run->step, "do")), *name = NULL;
	struct vc_region *region = named(run, "region", THING_REGION);
	size_t length, n = 0;
	int error = 0;

	if (!region || !get_text(&run->place, run->step, "device", true, &name))
		return BAD;
	length = strlen(name);
	if (!length || name[length - 1] != '*') {
		struct vc_device *device = named(run, "device", THING_DEVICE);

		return device ? link_one(run, what, region, device) : BAD;
	}
	for (size_t i = 0; !error && i < run->names->n; i++) {
		const struct name *at = &run->names->name[i];

		if (at->thing != THING_DEVICE || strncmp(at->name, name, length - 1) != 0)
			continue;
		error = link_one(run, what, region, at->handle);
		n++;
	}
	if (!error && !n) {
		complain_at(&run->place, "device", "no device has a name that begins so");
		return BAD;
	}
	say(run, "%zu devices", n);
	return error;
}

/* ----------------------------------------------------------------------------------------------------- reservations */

static int step_reserve(struct run *run)
{
	struct vc_reserve_args args = {.cache = VC_NONCACHED};
	struct vc_region *region = NULL;
	struct vc_reservation *made;
	struct vc_reservation_info info;
	struct vc_bound_info bound;
	bool unshared = false;
	int error;

	if (!get_number(&run->place, run->step, "bytes", true, &args.bytes) ||
	    !get_number(&run->place, run->step, "align", false, &args.align) ||
	    !get_number(&run->place, run->step, "at", false, &args.at) ||
	    !get_number(&run->place, run->step, "guard", false, &args.guard) ||
	    !get_rights(&run->place, run->step, &args.rights) || !get_cache(&run->place, run->step, &args.cache) ||
	    !get_bool(&run->place, run->step, "unshared", &unshared))
		return BAD;
	args.fixed = json_object_get(run->step, "at") != NULL;
	args.unshared = unshared;
	if (json_object_get(run->step, "bound")) {
		args.bound = named(run, "bound", THING_BOUND);
		if (!args.bound || vc_bound_info(args.bound, &bound))
			return BAD;
		region = bound.region;
	} else {
		region = named(run, "region", THING_REGION);
	}
	error = region ? vc_reserve(region, &args, &made) : BAD;
	if (error)
		return error;
	error = vc_reservation_info(made, &info);
	if (info.placed)
		say(run, "at 0x%" PRIx64, info.address);
	else
		say(run, "where its memory will be");
	return error ? error : new_name(run, THING_RESERVATION, made);
}

static int step_unreserve(struct run *run)
{
	struct vc_reservation *reservation = named(run, "reservation", THING_RESERVATION);
	int error = reservation ? vc_unreserve(reservation) : BAD;

	if (!error)
		forget(run, "reservation", THING_RESERVATION);
	return error;
}

static int step_protect(struct run *run)
{
	struct vc_reservation *reservation = named(run, "reservation", THING_RESERVATION);
	struct vc_reservation_info info;
	unsigned int rights = 0;

	if (!reservation || vc_reservation_info(reservation, &info) || !get_rights(&run->place, run->step, &rights) ||
	    !get_cache(&run->place, run->step, &info.cache))
		return BAD;
	return vc_reservation_set(reservation, rights ? rights : info.rights, info.cache, info.attr);
}

static int step_bound(struct run *run)
{
	struct vc_region *region = named(run, "region", THING_REGION);
	uint64_t bytes = 0, align = 0;
	struct vc_bound *bound;
	struct vc_bound_info info;
	int error;

	if (!region || !get_number(&run->place, run->step, "bytes", true, &bytes) ||
	    !get_number(&run->place, run->step, "align", false, &align))
		return BAD;
	error = vc_bound_create(region, bytes, align, &bound);
	if (error)
		return error;
	error = vc_bound_info(bound, &info);
	say(run, "at 0x%" PRIx64, info.address);
	return error ? error : new_name(run, THING_BOUND, bound);
}

static int step_free_bound(struct run *run)
{
	struct vc_bound *bound = named(run, "bound", THING_BOUND);
	int error = bound ? vc_bound_free(bound) : BAD;

	if (!error)
		forget(run, "bound", THING_BOUND);
	return error;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static bool memory_args(struct run *run, bool needed, struct vc_phys_args *args)
{
	uint64_t type = 0, block = 0;
	const json_t *blocks = json_object_get(run->step, "blocks");

	if (!get_number(&run->place, run->step, "bytes", needed, &args->bytes) ||
	    !get_number(&run->place, run->step, "type", false, &type) ||
	    !get_number(&run->place, run->step, "align", false, &args->align) ||
	    !get_bool(&run->place, run->step, "contiguous", &args->contiguous))
		return false;
	args->type = type > 1000 ? 1000 : (unsigned int)type;
	for (size_t i = 0; i < json_array_size(blocks); i++) {
		json_t *holder = json_pack("{s:O}", "blocks", json_array_get(blocks, i));
		bool fine = get_number(&run->place, holder, "blocks", true, &block);

		json_decref(holder);
		if (!fine)
			return false;
		args->sizes |= block;
	}
	return true;
}

static void say_memory(struct run *run, struct vc_phys *phys)
{
	struct vc_phys_info info;
	struct vc_span first;
	size_t n;

	if (!vc_phys_info(phys, &info) && !vc_phys_export(phys, &first, 1, &n))
		say(run, "%zu blocks in %zu segments, the first at 0x%" PRIx64, info.blocks, n, first.pa);
}

static int step_memory(struct run *run)
{
	struct vc_phys_args args = {.type = 0};
	struct vc_phys *phys;
	int error;

	if (!memory_args(run, true, &args))
		return BAD;
	error = vc_phys_alloc(run->scenario->system, &args, &phys);
	if (error)
		return error;
	say_memory(run, phys);
	return new_name(run, THING_MEMORY, phys);
}

static int step_wrap(struct run *run)
{
	uint64_t pa = 0, bytes = 0;
	struct vc_phys *phys;
	int error;

	if (!get_number(&run->place, run->step, "pa", true, &pa) ||
	    !get_number(&run->place, run->step, "bytes", true, &bytes))
		return BAD;
	error = vc_phys_wrap(run->scenario->system, pa, bytes, &phys);
	return error ? error : new_name(run, THING_MEMORY, phys);
}

/* Addresses of a region, for regions on it. */
static int step_range(struct run *run)
{
	struct vc_region *region = named(run, "region", THING_REGION);
	uint64_t address = 0, bytes = 0;
	struct vc_phys *phys;
	int error;

	if (!region || !get_number(&run->place, run->step, "address", true, &address) ||
	    !get_number(&run->place, run->step, "bytes", true, &bytes))
		return BAD;
	error = vc_phys_of_region(region, address, bytes, &phys);
	return error ? error : new_name(run, THING_MEMORY, phys);
}

static bool read_piece(struct run *run, const json_t *object, struct vc_piece *out)
{
	const char *name = NULL;

	if (!json_is_object(object))
		return complain_at(&run->place, "pieces", "a piece is {\"memory\", \"offset\", \"bytes\"}");
	if (!get_number(&run->place, object, "offset", false, &out->offset) ||
	    !get_number(&run->place, object, "bytes", true, &out->bytes) ||
	    !get_text(&run->place, object, "memory", false, &name))
		return false;
	out->phys = name ? names_find(run->names, name, THING_MEMORY) : NULL;
	return !name || out->phys || complain_at(&run->place, "pieces", "there is no memory '%s' at this step", name);
}

/* Without a name a piece is a hole. */
static int step_compose(struct run *run)
{
	const json_t *list = json_object_get(run->step, "pieces");
	size_t n = json_array_size(list);
	struct vc_piece *pieces = calloc(n + 1, sizeof(*pieces));
	bool fine = pieces && n;
	struct vc_phys *phys;
	int error;

	if (!n)
		complain_at(&run->place, "pieces", "\"pieces\" is a list of {\"memory\", \"offset\", \"bytes\"}");
	for (size_t i = 0; fine && i < n; i++)
		fine = read_piece(run, json_array_get(list, i), &pieces[i]);
	error = fine ? vc_phys_compose(run->scenario->system, pieces, n, &phys) : BAD;
	free(pieces);
	if (error)
		return error;
	say_memory(run, phys);
	return new_name(run, THING_MEMORY, phys);
}

/* A file as another program would share it. */
static int step_file(struct run *run)
{
	struct vc_phys *phys;
	uint64_t bytes = 0;
	int fd, error;

	if (!get_number(&run->place, run->step, "bytes", true, &bytes))
		return BAD;
	fd = memfd_create("vcmrun", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || bytes > INT64_MAX || ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		complain_at(&run->place, "bytes", "a file of that size: %s", strerror(errno));
		error = BAD;
	} else {
		error = vc_phys_import_fd(run->scenario->system, fd, 0, bytes, &phys);
	}
	if (fd >= 0)
		close(fd);
	if (error)
		return error;
	say_memory(run, phys);
	return new_name(run, THING_MEMORY, phys);
}

static int step_free_memory(struct run *run)
{
	struct vc_phys *phys = named(run, "memory", THING_MEMORY);
	int error = phys ? vc_phys_free(phys) : BAD;

	if (!error)
		forget(run, "memory", THING_MEMORY);
	return error;
}

static int step_migrate(struct run *run)
{
	struct vc_phys *phys = named(run, "memory", THING_MEMORY);
	struct vc_phys_args args = {.type = 0};
	int error;

	if (!phys || !memory_args(run, false, &args))
		return BAD;
	error = vc_migrate(phys, &args);
	if (!error)
		say_memory(run, phys);
	return error;
}

static int step_back(struct run *run)
{
	const char *what = json_string_value(json_object_get(run->step, "do"));
	struct vc_reservation *reservation = named(run, "reservation", THING_RESERVATION);
	struct vc_phys *phys = reservation ? named(run, "memory", THING_MEMORY) : NULL;
	struct vc_reservation_info info;
	bool partial = false, active = false;
	unsigned int flags;
	int error;

	if (!phys || !get_bool(&run->place, run->step, "partial", &partial) ||
	    !get_bool(&run->place, run->step, "active", &active))
		return BAD;
	flags = (partial ? (unsigned int)VC_BACK_PARTIAL : 0U) | (active ? (unsigned int)VC_BACK_ACTIVE : 0U);
	error = strcmp(what, "reback") == 0 ? vc_reback(reservation, phys, flags) : vc_back(reservation, phys, flags);
	if (!error && !vc_reservation_info(reservation, &info))
		say(run, "0x%" PRIx64 "-0x%" PRIx64, info.address, info.address + (info.bytes - 1));
	return error;
}

static int step_unback(struct run *run)
{
	struct vc_reservation *reservation = named(run, "reservation", THING_RESERVATION);

	return reservation ? vc_unback(reservation, 0) : BAD;
}

/* --------------------------------------------------------------------------------------------------------- accesses */

static int step_access(struct run *run)
{
	bool write = strcmp(json_string_value(json_object_get(run->step, "do")), "write") == 0, privileged = false;
	struct vc_device *device = named(run, "device", THING_DEVICE);
	struct vc_reservation_info info = {.address = 0};
	uint64_t address = 0, offset = 0, value = 0, wanted = 0, stage = 0;
	const char *fault = NULL;
	struct vc_fault record;
	unsigned int access;
	int error;

	if (!device || !get_number(&run->place, run->step, "address", false, &address) ||
	    !get_number(&run->place, run->step, "offset", false, &offset) ||
	    !get_number(&run->place, run->step, "value", write, &value) ||
	    !get_bool(&run->place, run->step, "privileged", &privileged) ||
	    !get_number(&run->place, run->step, "stage", false, &stage) ||
	    !get_text(&run->place, run->step, "fault", false, &fault))
		return BAD;
	wanted = value;
	if (json_object_get(run->step, "reservation")) {
		struct vc_reservation *reservation = named(run, "reservation", THING_RESERVATION);

		if (!reservation || vc_reservation_info(reservation, &info))
			return BAD;
		address = info.address;
	}
	access = privileged ? (unsigned int)PT_ACCESS_PRIV : 0U;
	address += offset;
	error = write ? vc_device_write(device, address, &value, sizeof(value), access, &record)
		      : vc_device_read(device, address, &value, sizeof(value), access, &record);
	if (fault) {
		if (!error || strncmp(record.kind_name, fault, strlen(fault)) != 0) {
			complain_at(&run->place, "fault", "the access should have faulted: %s; it %s%s", fault,
				    error ? "faulted: " : "did not", error ? record.kind_name : "");
			return BAD;
		}
		if (stage && record.stage != stage) {
			complain_at(&run->place, "stage",
				    "the access should have faulted in stage %" PRIu64 ", and did in stage %u", stage,
				    record.stage);
			return BAD;
		}
		say(run, "0x%" PRIx64 " faults: %s%s%s%s", address, record.kind_name, record.level[0] ? ", level " : "",
		    record.level, record.stage == 2 ? ", stage 2" : "");
		return 0;
	}
	if (!error && !write && json_object_get(run->step, "value") && value != wanted) {
		complain_at(&run->place, "value", "read 0x%" PRIx64 " at 0x%" PRIx64, value, address);
		return BAD;
	}
	say(run, "0x%" PRIx64 " %s 0x%" PRIx64, value, write ? "to" : "from", address);
	return error;
}

/* ----------------------------------------------------------------------------------------------------------- seeing */

static bool print_finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "vcmrun: %s\n", text);
	return true;
}

/* All regions, or the one that is named. */
static int step_check(struct run *run)
{
	uint64_t all = 0, findings;
	size_t regions = 0;

	for (size_t i = 0; i < run->names->n; i++) {
		const struct name *at = &run->names->name[i];
		const json_t *only = json_object_get(run->step, "region");

		if (at->thing != THING_REGION ||
		    (only && (!json_is_string(only) || strcmp(json_string_value(only), at->name) != 0)))
			continue;
		if (vc_check(at->handle, print_finding, NULL, &findings))
			return BAD;
		all += findings;
		regions++;
	}
	say(run, "%zu regions, %" PRIu64 " differences between lists and tables", regions, all);
	return all ? BAD : 0;
}

static int dump_to(struct run *run, const char *key, int (*dump)(struct vc_system *system, FILE *stream))
{
	const char *path = NULL;
	FILE *file;
	int error;

	if (!get_text(&run->place, run->step, key, false, &path))
		return BAD;
	if (!path)
		return 0;
	file = fopen(path, "w");
	if (!file) {
		complain_at(&run->place, key, "%s: %s", path, strerror(errno));
		return BAD;
	}
	error = dump(run->scenario->system, file);
	if (fclose(file) && !error)
		error = -EIO;
	return error;
}

static int step_dump(struct run *run)
{
	int error = dump_to(run, "dot", vc_dump_dot);

	return error ? error : dump_to(run, "json", vc_dump_json);
}

/* -------------------------------------------------------------------------------------------------------------- all */

#define MOST_KEYS 10

static const struct kind {
	const char *name;
	int (*run)(struct run *run);
	const char *keys[MOST_KEYS];
} kinds[] = {
	{"region", step_region, {"name", "start", "bytes"}},
	{"identity", step_region, {"name", "start", "bytes"}},
	{"nested", step_nested, {"name", "below", "tables", "start", "bytes"}},
	{"window", step_window, {"name", "bytes"}},
	{"clone", step_clone, {"name", "region"}},
	{"free_region", step_free_region, {"region"}},
	{"associate", step_link, {"region", "device"}},
	{"activate", step_link, {"region", "device"}},
	{"deactivate", step_link, {"region", "device"}},
	{"dissociate", step_link, {"region", "device"}},
	{"crash", step_link, {"region", "device"}},
	{"replace", step_replace, {"device", "from", "to"}},
	{"split", step_split, {"region", "device", "half", "bits"}},
	{"reserve",
	 step_reserve,
	 {"name", "region", "bound", "bytes", "align", "at", "rights", "cache", "guard", "unshared"}},
	{"unreserve", step_unreserve, {"reservation"}},
	{"protect", step_protect, {"reservation", "rights", "cache"}},
	{"bound", step_bound, {"name", "region", "bytes", "align"}},
	{"free_bound", step_free_bound, {"bound"}},
	{"memory", step_memory, {"name", "bytes", "type", "align", "contiguous", "blocks"}},
	{"wrap", step_wrap, {"name", "pa", "bytes"}},
	{"range", step_range, {"name", "region", "address", "bytes"}},
	{"compose", step_compose, {"name", "pieces"}},
	{"file", step_file, {"name", "bytes"}},
	{"free_memory", step_free_memory, {"memory"}},
	{"migrate", step_migrate, {"memory", "type", "align", "contiguous", "blocks"}},
	{"back", step_back, {"reservation", "memory", "partial", "active"}},
	{"reback", step_back, {"reservation", "memory", "active"}},
	{"unback", step_unback, {"reservation"}},
	{"write", step_access, {"device", "reservation", "address", "offset", "value", "fault", "stage", "privileged"}},
	{"read", step_access, {"device", "reservation", "address", "offset", "value", "fault", "stage", "privileged"}},
	{"check", step_check, {"region"}},
	{"dump", step_dump, {"dot", "json"}},
};

static const struct {
	const char *name;
	int code;
} errors[] = {
	{"EBUSY", -EBUSY},	     {"EINVAL", -EINVAL},     {"ENOSPC", -ENOSPC}, {"ENOMEM", -ENOMEM},
	{"EADDRINUSE", -EADDRINUSE}, {"EALREADY", -EALREADY}, {"EAGAIN", -EAGAIN}, {"ENOENT", -ENOENT},
	{"ENXIO", -ENXIO},	     {"EACCES", -EACCES},     {"ERANGE", -ERANGE}, {"EOPNOTSUPP", -EOPNOTSUPP},
	{"EEXIST", -EEXIST},	     {"EFAULT", -EFAULT},     {"EIO", -EIO},
};

/* Keys of the kind, and those that every step may have. */
static bool check_keys(const struct place *place, const json_t *step, const struct kind *kind)
{
	const char *keys[3 + MOST_KEYS + 1] = {"do", "expect", "note"};

	for (size_t i = 0; i < MOST_KEYS && kind->keys[i]; i++)
		keys[3 + i] = kind->keys[i];
	return only_members(place, step, keys);
}

/* Is the result what the step says that it should be? */
static bool as_expected(struct run *run, int error)
{
	const char *wanted = NULL;
	int code = 0;

	if (!get_text(&run->place, run->step, "expect", false, &wanted))
		return false;
	for (size_t i = 0; wanted && i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, wanted) == 0)
			code = errors[i].code;
	if (wanted && !code)
		return complain_at(&run->place, "expect", "\"expect\" is the name of an error, such as EBUSY");
	if (error == BAD)
		return false; /* it has been said why */
	if (error == code) {
		if (code)
			say(run, "refused: %s", vc_last_error()->reason);
		return true;
	}
	if (error)
		return complain_at(&run->place, wanted ? "expect" : NULL, "%s", vc_error_string());
	return complain_at(&run->place, "expect", "it should have been refused with %s, and was not", wanted);
}

/* What the step is about: its own name, or that of what it names first. */
static const char *subject(const json_t *step)
{
	static const char *const keys[] = {"name", "reservation", "memory", "device", "bound", "region"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_is_string(json_object_get(step, keys[i])))
			return json_string_value(json_object_get(step, keys[i]));
	return "";
}

static const char *kind_name(const void *ctx, size_t i)
{
	(void)ctx;
	return kinds[i].name;
}

static bool run_step(struct run *run)
{
	const char *what = NULL;
	size_t i = 0;
	int error;

	if (!json_is_object(run->step))
		return complain_at(&run->place, NULL, "a step is an object");
	if (!get_text(&run->place, run->step, "do", true, &what))
		return false;
	while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].name, what) != 0)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0])) {
		const char *near = near_name(what, i, kind_name, NULL);

		return complain_at(&run->place, "do", "there is no step '%s'%s%s%s; `vcmrun --help` lists all", what,
				   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	}
	if (!check_keys(&run->place, run->step, &kinds[i]))
		return false;
	error = kinds[i].run(run);
	if (!as_expected(run, error))
		return false;
	if (!run->scenario->quiet)
		printf("%4zu  %-12s %-16s %s\n", run->place.index + 1, what, subject(run->step), run->said);
	return true;
}

int run_steps(struct scenario *scenario, struct names *names)
{
	const json_t *steps = json_object_get(scenario->root, "steps");

	for (size_t i = 0; i < json_array_size(steps); i++) {
		struct run run = {.scenario = scenario,
				  .names = names,
				  .place = {scenario, "steps", i},
				  .step = json_array_get(steps, i)};

		if (!run_step(&run))
			return EXIT_FINDING;
	}
	return EXIT_FINE;
}

void print_steps(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		printf("  %-12s", kinds[i].name);
		for (size_t k = 0; k < MOST_KEYS && kinds[i].keys[k]; k++)
			printf(" %s", kinds[i].keys[k]);
		putchar('\n');
	}
}

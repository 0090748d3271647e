/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the calls that can be recorded, one JSON object a line: see vc_trace().
 *
 * Each public function calls the one behind it, which untraced.h names, and writes down what was asked, the result, and
 * what came out. Handles and addresses are strings. A call is written when it returns.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "hook.h"

/* The functions behind, which are of the same types. */
#define BEHIND(name) extern __typeof__(name) untraced_##name

BEHIND(vc_system_create);
BEHIND(vc_system_destroy);
BEHIND(vc_device_create);
BEHIND(vc_device_destroy);
BEHIND(vc_device_iotlb);
BEHIND(vc_device_iotlb_disconnect);
BEHIND(vc_device_fault_limit);
BEHIND(vc_device_read);
BEHIND(vc_device_write);
BEHIND(vc_device_translate);
BEHIND(vc_region_create);
BEHIND(vc_region_create_cpu);
BEHIND(vc_region_create_identity);
BEHIND(vc_region_create_nested);
BEHIND(vc_region_clone);
BEHIND(vc_region_free);
BEHIND(vc_associate);
BEHIND(vc_dissociate);
BEHIND(vc_dissociate_crashed);
BEHIND(vc_association_split);
BEHIND(vc_association_set_attr);
BEHIND(vc_activate);
BEHIND(vc_deactivate);
BEHIND(vc_replace);
BEHIND(vc_bound_create);
BEHIND(vc_bound_free);
BEHIND(vc_reserve);
BEHIND(vc_unreserve);
BEHIND(vc_reservation_set);
BEHIND(vc_copy);
BEHIND(vc_phys_alloc);
BEHIND(vc_phys_wrap);
BEHIND(vc_phys_import);
BEHIND(vc_phys_import_fd);
BEHIND(vc_phys_of_region);
BEHIND(vc_phys_compose);
BEHIND(vc_phys_free);
BEHIND(vc_back);
BEHIND(vc_unback);
BEHIND(vc_reback);
BEHIND(vc_migrate);
BEHIND(vc_reservation_dirty);

/* ---------------------------------------------------------------------------------------------------------- writing */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *stream;	  /* under the lock */
static uint64_t number;	  /* of the next line */
static bool lost;	  /* a line could not be written */
static atomic_bool is_on; /* is there a stream? */
static _Atomic unsigned int n_threads;
static _Atomic uint64_t n_accesses;
/* Of this thread: the access that is being recorded, and whether a handler was called for it; the access whose handler
 * runs. 0: none. */
static _Thread_local uint64_t access_now, handler_of;
static _Thread_local bool handled;

int vc_trace(FILE *to)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	if (stream && (fflush(stream) || ferror(stream) || lost))
		error = vc_fail(-EIO, "", 0, "some of the calls could not be written down");
	stream = to;
	number = 0;
	lost = false;
	atomic_store(&is_on, to != NULL);
	pthread_mutex_unlock(&lock);
	return error;
}

static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *handle(const void *value)
{
	return hex((uint64_t)(uintptr_t)value);
}

/* Everything that a call is recorded with; NULL: nothing is recorded. */
static json_t *begin(const char *call)
{
	return atomic_load(&is_on) ? json_pack("{s:s}", "call", call) : NULL;
}

static void set(json_t *line, const char *key, json_t *value)
{
	if (line)
		json_object_set_new(line, key, value);
	else
		json_decref(value);
}

static void set_hex(json_t *line, const char *key, uint64_t value)
{
	if (line)
		set(line, key, hex(value));
}

static void set_handle(json_t *line, const char *key, const void *value)
{
	if (line)
		set(line, key, handle(value));
}

/* Write the line and forget it. The result is the call's own, and so is the thread's error. */
static int end(json_t *line, int result)
{
	static _Thread_local unsigned int thread;

	if (!line)
		return result;
	if (!thread)
		thread = atomic_fetch_add(&n_threads, 1) + 1;
	set(line, "result", json_integer(result));
	if (result < 0)
		set(line, "reason", json_string(vc_last_error()->reason));
	set(line, "thread", json_integer(thread));
	if (handler_of)
		set_hex(line, "inside", handler_of);
	pthread_mutex_lock(&lock);
	if (stream) {
		set(line, "n", json_integer((json_int_t)number++));
		if (json_dumpf(line, stream, JSON_COMPACT) || fputc('\n', stream) == EOF || fflush(stream))
			lost = true;
	}
	pthread_mutex_unlock(&lock);
	json_decref(line);
	return result;
}

/* The sum of bytes, so that what was read can be compared without being kept (FNV-1a). */
static uint64_t sum_of(const void *buffer, uint64_t bytes)
{
	const unsigned char *at = buffer;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	while (bytes--)
		sum = (sum ^ *at++) * UINT64_C(0x100000001b3);
	return sum;
}

/* ----------------------------------------------------------------------------------------------------------- system */

static json_t *span(const struct vc_span *of)
{
	return json_pack("{s:o, s:o}", "pa", hex(of->pa), "bytes", hex(of->bytes));
}

static json_t *numbers(const unsigned int *list, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n && i < VC_TYPE_POOLS; i++)
		json_array_append_new(array, json_integer(list[i]));
	return array;
}

static json_t *system_config(const struct vc_system_config *config)
{
	json_t *ram = json_array(), *pools = json_array(), *types = json_array();

	for (unsigned int i = 0; i < config->n_ram; i++)
		json_array_append_new(ram, span(&config->ram[i]));
	for (unsigned int i = 0; i < config->n_pools && i < VC_MAX_POOLS; i++)
		json_array_append_new(pools, json_pack("{s:s, s:o, s:o, s:i}", "name",
						       config->pools[i].name ? config->pools[i].name : "", "pa",
						       hex(config->pools[i].pa), "bytes", hex(config->pools[i].bytes),
						       "block_lg2", (int)config->pools[i].block_lg2));
	for (unsigned int i = 0; i < config->n_types; i++)
		json_array_append_new(types,
				      json_pack("{s:o, s:o}", "pools",
						numbers(config->types[i].pools, config->types[i].n_pools), "contiguous",
						numbers(config->types[i].contiguous, config->types[i].n_contiguous)));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "ram", ram, "pools", pools, "types", types, "tables",
			 span(&config->tables), "imports", span(&config->imports), "window",
			 hex(config->cpu_window_bytes));
}

int vc_system_create(const struct vc_system_config *config, struct vc_system **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_system_create(config, out);

	if (line)
		set(line, "config", system_config(config ? config : &vc_default_config));
	if (!result)
		set_handle(line, "out", *out);
	return end(line, result);
}

int vc_system_destroy(struct vc_system *system)
{
	json_t *line = begin(__func__);

	set_handle(line, "system", system);
	return end(line, untraced_vc_system_destroy(system));
}

/* ---------------------------------------------------------------------------------------------------------- devices */

static json_t *stage(const struct pt_format *format, const struct pt_config *config)
{
	json_t *set_to = json_object();

	for (unsigned int i = 0; config && i < format->n_params; i++)
		if (config->param[i] != PT_UNSET)
			json_object_set_new(set_to, format->params[i].name, json_integer(config->param[i]));
	return json_pack("{s:s, s:o, s:o}", "format", format->name, "set", set_to, "page_sizes",
			 hex(config ? config->page_sizes : 0));
}

static json_t *device_config(const struct vc_device_config *config)
{
	json_t *object = json_pack("{s:s, s:i, s:I, s:b, s:b, s:b, s:I}", "name", config->name ? config->name : "",
				   "kind", (int)config->kind, "bus_offset", (json_int_t)config->bus_offset,
				   "allow_wider", (int)config->allow_wider, "no_updates", (int)config->no_updates,
				   "bypass", (int)config->bypass, "hardware", (json_int_t)config->hardware);
	json_t *reserved = json_array();

	for (size_t i = 0; config->reserved && i < config->n_reserved; i++)
		json_array_append_new(reserved, json_pack("{s:o, s:o, s:i}", "first", hex(config->reserved[i].first),
							  "bytes", hex(config->reserved[i].bytes), "identity",
							  (int)config->reserved[i].identity));
	json_object_set_new(object, "reserved", reserved);
	if (config->format)
		json_object_set_new(object, "stage_1", stage(config->format, config->config));
	if (config->stage2)
		json_object_set_new(object, "stage_2", stage(config->stage2, config->stage2_config));
	return object;
}

int vc_device_create(struct vc_system *system, const struct vc_device_config *config, struct vc_device **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_device_create(system, config, out);

	set_handle(line, "system", system);
	if (line && config)
		set(line, "config", device_config(config));
	if (!result)
		set_handle(line, "out", *out);
	return end(line, result);
}

int vc_device_destroy(struct vc_device *device)
{
	json_t *line = begin(__func__);

	set_handle(line, "device", device);
	return end(line, untraced_vc_device_destroy(device));
}

int vc_device_iotlb(struct vc_device *device, unsigned int entries, unsigned int ways)
{
	json_t *line = begin(__func__);

	set_handle(line, "device", device);
	set_hex(line, "entries", entries);
	set_hex(line, "ways", ways);
	return end(line, untraced_vc_device_iotlb(device, entries, ways));
}

int vc_device_iotlb_disconnect(struct vc_device *device, bool disconnected)
{
	json_t *line = begin(__func__);

	set_handle(line, "device", device);
	set(line, "disconnected", line ? json_boolean(disconnected) : NULL);
	return end(line, untraced_vc_device_iotlb_disconnect(device, disconnected));
}

int vc_device_fault_limit(struct vc_device *device, unsigned int per_second)
{
	json_t *line = begin(__func__);

	set_handle(line, "device", device);
	set_hex(line, "per_second", per_second);
	return end(line, untraced_vc_device_fault_limit(device, per_second));
}

void hook_enters(struct hook_trace *trace)
{
	*trace = (struct hook_trace){access_now, handler_of};
	handler_of = access_now;
	access_now = 0;
}

/* One line ends what a handler called: what it was called for, and what it said. */
void hook_returns(struct hook_trace *trace, struct vc_device *device, const struct vc_fault *fault, int result)
{
	json_t *line = trace->access ? begin("vc_fault_handler") : NULL;

	set_handle(line, "device", device);
	set_hex(line, "address", fault->address);
	set_hex(line, "access", fault->access);
	set_hex(line, "kind", fault->kind);
	set_hex(line, "says", result ? 1 : 0);
	end(line, 0);
	access_now = trace->access;
	handler_of = trace->handler;
	handled = trace->access != 0;
}

/* An access during which handlers may be called, from whose calls it can be told. */
struct traced_access {
	json_t *line;
	uint64_t outer;
	bool outer_handled;
};

static struct traced_access enter_access(json_t *line)
{
	struct traced_access access = {line, access_now, handled};

	access_now = line ? atomic_fetch_add(&n_accesses, 1) + 1 : 0;
	handled = false;
	return access;
}

static json_t *leave_access(struct traced_access *access)
{
	if (handled)
		set_hex(access->line, "id", access_now);
	access_now = access->outer;
	handled = access->outer_handled;
	return access->line;
}

static json_t *begin_access(const char *call, struct vc_device *device, uint64_t address, uint64_t bytes,
			    unsigned int access)
{
	json_t *line = begin(call);

	set_handle(line, "device", device);
	set_hex(line, "address", address);
	set_hex(line, "bytes", bytes);
	set_hex(line, "access", access);
	return line;
}

static int end_access(json_t *line, int result)
{
	if (line && result == -EFAULT)
		set_hex(line, "failed_at", vc_last_error()->address);
	return end(line, result);
}

int vc_device_read(struct vc_device *device, uint64_t address, void *buffer, uint64_t bytes, unsigned int access,
		   struct vc_fault *fault)
{
	struct traced_access recorded = enter_access(begin_access(__func__, device, address, bytes, access));
	int result = untraced_vc_device_read(device, address, buffer, bytes, access, fault);
	json_t *line = leave_access(&recorded);

	if (!result && line)
		set_hex(line, "sum", sum_of(buffer, bytes));
	return end_access(line, result);
}

int vc_device_write(struct vc_device *device, uint64_t address, const void *buffer, uint64_t bytes, unsigned int access,
		    struct vc_fault *fault)
{
	json_t *line = begin_access(__func__, device, address, bytes, access);
	const unsigned char *from = buffer;
	char *text = line && from && bytes < SIZE_MAX / 2 ? malloc((size_t)bytes * 2 + 1) : NULL;
	struct traced_access recorded;
	int result;

	if (text) {
		static const char digits[] = "0123456789abcdef";

		for (size_t i = 0; i < bytes; i++) {
			text[2 * i] = digits[from[i] >> 4];
			text[2 * i + 1] = digits[from[i] & 15];
		}
		set(line, "data", json_stringn(text, (size_t)bytes * 2));
		free(text);
	}
	recorded = enter_access(line);
	result = untraced_vc_device_write(device, address, buffer, bytes, access, fault);
	return end_access(leave_access(&recorded), result);
}

int vc_device_translate(struct vc_device *device, uint64_t address, unsigned int access, uint64_t *pa,
			struct vc_fault *fault)
{
	json_t *line = begin_access(__func__, device, address, 1, access);
	uint64_t found = 0;
	int result = untraced_vc_device_translate(device, address, access, &found, fault);

	if (!result && pa)
		*pa = found;
	if (!result)
		set_hex(line, "pa", found);
	return end_access(line, result);
}

/* ---------------------------------------------------------------------------------------------------------- regions */

/* A region came out: with its first address, since that of a window is the host's choice. */
static int end_region(json_t *line, int result, struct vc_region **out)
{
	struct vc_region_info info;

	if (line && !result) {
		set_handle(line, "out", *out);
		if (!vc_region_info(*out, &info)) {
			set_hex(line, "first", info.first);
			set_hex(line, "last", info.last);
		}
	}
	return end(line, result);
}

static json_t *begin_region(const char *call, const char *of, const void *owner, uint64_t first, uint64_t bytes)
{
	json_t *line = begin(call);

	set_handle(line, of, owner);
	set_hex(line, "start", first);
	set_hex(line, "bytes", bytes);
	return line;
}

int vc_region_create(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out)
{
	json_t *line = begin_region(__func__, "system", system, first, bytes);

	return end_region(line, untraced_vc_region_create(system, first, bytes, out), out);
}

int vc_region_create_cpu(struct vc_system *system, uint64_t bytes, struct vc_region **out)
{
	json_t *line = begin_region(__func__, "system", system, 0, bytes);

	return end_region(line, untraced_vc_region_create_cpu(system, bytes, out), out);
}

int vc_region_create_identity(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out)
{
	json_t *line = begin_region(__func__, "system", system, first, bytes);

	return end_region(line, untraced_vc_region_create_identity(system, first, bytes, out), out);
}

int vc_region_create_nested(struct vc_region *below, struct vc_reservation *tables, uint64_t first, uint64_t bytes,
			    struct vc_region **out)
{
	json_t *line = begin_region(__func__, "below", below, first, bytes);

	set_handle(line, "tables", tables);
	return end_region(line, untraced_vc_region_create_nested(below, tables, first, bytes, out), out);
}

int vc_region_clone(struct vc_region *region, struct vc_region **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_region_clone(region, out);

	set_handle(line, "region", region);
	if (line && !result) {
		/* What came with it, in the order in which it is found again. */
		json_t *reservations = json_array(), *bounds = json_array();
		struct vc_reservation *reservation = NULL;
		struct vc_bound *bound = NULL;

		while (!vc_reservation_next(*out, reservation, &reservation))
			json_array_append_new(reservations, handle(reservation));
		while (!vc_bound_next(*out, bound, &bound))
			json_array_append_new(bounds, handle(bound));
		set(line, "reservations", reservations);
		set(line, "bounds", bounds);
	}
	return end_region(line, result, out);
}

int vc_region_free(struct vc_region *region)
{
	json_t *line = begin(__func__);

	set_handle(line, "region", region);
	return end(line, untraced_vc_region_free(region));
}

/* ----------------------------------------------------------------------------------------------------- associations */

int vc_associate(struct vc_region *region, struct vc_device *device, uint32_t attr, struct vc_association **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_associate(region, device, attr, out);

	set_handle(line, "region", region);
	set_handle(line, "device", device);
	set_hex(line, "attr", attr);
	if (!result)
		set_handle(line, "out", *out);
	return end(line, result);
}

static json_t *begin_association(const char *call, const struct vc_association *association)
{
	json_t *line = begin(call);

	set_handle(line, "association", association);
	return line;
}

int vc_dissociate(struct vc_association *association)
{
	json_t *line = begin_association(__func__, association);

	return end(line, untraced_vc_dissociate(association));
}

int vc_dissociate_crashed(struct vc_association *association)
{
	json_t *line = begin_association(__func__, association);

	return end(line, untraced_vc_dissociate_crashed(association));
}

int vc_association_split(struct vc_association *association, enum vc_half half, unsigned int bits)
{
	json_t *line = begin_association(__func__, association);

	set_hex(line, "half", (unsigned int)half);
	set_hex(line, "bits", bits);
	return end(line, untraced_vc_association_split(association, half, bits));
}

int vc_association_set_attr(struct vc_association *association, uint32_t attr)
{
	json_t *line = begin_association(__func__, association);

	set_hex(line, "attr", attr);
	return end(line, untraced_vc_association_set_attr(association, attr));
}

int vc_activate(struct vc_association *association)
{
	json_t *line = begin_association(__func__, association);

	return end(line, untraced_vc_activate(association));
}

int vc_deactivate(struct vc_association *association)
{
	json_t *line = begin_association(__func__, association);

	return end(line, untraced_vc_deactivate(association));
}

int vc_replace(struct vc_association *from, struct vc_association *to)
{
	json_t *line = begin(__func__);

	set_handle(line, "from", from);
	set_handle(line, "to", to);
	return end(line, untraced_vc_replace(from, to));
}

/* ----------------------------------------------------------------------------------------------------- reservations */

int vc_bound_create(struct vc_region *region, uint64_t bytes, uint64_t align, struct vc_bound **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_bound_create(region, bytes, align, out);
	struct vc_bound_info info;

	set_handle(line, "region", region);
	set_hex(line, "bytes", bytes);
	set_hex(line, "align", align);
	if (line && !result && !vc_bound_info(*out, &info)) {
		set_handle(line, "out", *out);
		set_hex(line, "address", info.address);
	}
	return end(line, result);
}

int vc_bound_free(struct vc_bound *bound)
{
	json_t *line = begin(__func__);

	set_handle(line, "bound", bound);
	return end(line, untraced_vc_bound_free(bound));
}

int vc_reserve(struct vc_region *region, const struct vc_reserve_args *args, struct vc_reservation **out)
{
	json_t *line = begin(__func__);
	int result = untraced_vc_reserve(region, args, out);
	struct vc_reservation_info info;

	set_handle(line, "region", region);
	if (line && args) {
		set_hex(line, "bytes", args->bytes);
		set_hex(line, "align", args->align);
		set_hex(line, "at", args->at);
		set_hex(line, "low", args->low);
		set_hex(line, "high", args->high);
		set_hex(line, "guard", args->guard);
		if (args->unshared)
			json_object_set_new(line, "unshared", json_true());
		set(line, "fixed", json_boolean(args->fixed));
		set_hex(line, "rights", args->rights);
		set_hex(line, "cache", (unsigned int)args->cache);
		set_hex(line, "attr", args->attr);
		set_handle(line, "bound", args->bound);
	}
	if (line && !result && !vc_reservation_info(*out, &info)) {
		set_handle(line, "out", *out);
		set_hex(line, "address", info.address);
	}
	return end(line, result);
}

static json_t *begin_reservation(const char *call, const struct vc_reservation *reservation)
{
	json_t *line = begin(call);

	set_handle(line, "reservation", reservation);
	return line;
}

int vc_unreserve(struct vc_reservation *reservation)
{
	json_t *line = begin_reservation(__func__, reservation);

	return end(line, untraced_vc_unreserve(reservation));
}

int vc_reservation_set(struct vc_reservation *reservation, unsigned int rights, enum vc_cache cache, uint32_t attr)
{
	json_t *line = begin_reservation(__func__, reservation);

	set_hex(line, "rights", rights);
	set_hex(line, "cache", (unsigned int)cache);
	set_hex(line, "attr", attr);
	return end(line, untraced_vc_reservation_set(reservation, rights, cache, attr));
}

int vc_copy(struct vc_reservation *to, uint64_t to_offset, struct vc_reservation *from, uint64_t from_offset,
	    uint64_t bytes, uint64_t *copied)
{
	json_t *line = begin(__func__);
	uint64_t done = 0;
	int result = untraced_vc_copy(to, to_offset, from, from_offset, bytes, &done);

	if (copied)
		*copied = done;
	set_handle(line, "to", to);
	set_hex(line, "to_offset", to_offset);
	set_handle(line, "from", from);
	set_hex(line, "from_offset", from_offset);
	set_hex(line, "bytes", bytes);
	set_hex(line, "copied", done);
	return end(line, result);
}

/* ----------------------------------------------------------------------------------------------------------- memory */

/* Memory came out: where its first segment is, and how many there are. */
static int end_phys(json_t *line, int result, struct vc_phys **out)
{
	struct vc_span first = {0, 0};
	size_t n;

	if (line && !result) {
		set_handle(line, "out", *out);
		if (!vc_phys_export(*out, &first, 1, &n)) {
			set_hex(line, "pa", first.pa);
			set_hex(line, "segments", n);
		}
	}
	return end(line, result);
}

static void set_phys_args(json_t *line, const struct vc_phys_args *args)
{
	if (!line || !args)
		return;
	set_hex(line, "type", args->type);
	set_hex(line, "bytes", args->bytes);
	set_hex(line, "sizes", args->sizes);
	set_hex(line, "align", args->align);
	set(line, "contiguous", json_boolean(args->contiguous));
	set_hex(line, "attr", args->attr);
}

int vc_phys_alloc(struct vc_system *system, const struct vc_phys_args *args, struct vc_phys **out)
{
	json_t *line = begin(__func__);

	set_handle(line, "system", system);
	set_phys_args(line, args);
	return end_phys(line, untraced_vc_phys_alloc(system, args, out), out);
}

int vc_phys_wrap(struct vc_system *system, uint64_t pa, uint64_t bytes, struct vc_phys **out)
{
	json_t *line = begin(__func__);

	set_handle(line, "system", system);
	set_hex(line, "at", pa);
	set_hex(line, "bytes", bytes);
	return end_phys(line, untraced_vc_phys_wrap(system, pa, bytes, out), out);
}

int vc_phys_import(struct vc_system *system, const struct vc_span *segments, size_t n, struct vc_phys **out)
{
	json_t *line = begin(__func__), *list = line ? json_array() : NULL;

	set_handle(line, "system", system);
	for (size_t i = 0; list && segments && i < n; i++)
		json_array_append_new(list, span(&segments[i]));
	if (line)
		set(line, "list", list);
	return end_phys(line, untraced_vc_phys_import(system, segments, n, out), out);
}

int vc_phys_import_fd(struct vc_system *system, int fd, uint64_t offset, uint64_t bytes, struct vc_phys **out)
{
	json_t *line = begin(__func__);
	struct stat status;

	set_handle(line, "system", system);
	/* Which file it is; what it holds is its owner's. */
	if (line && !fstat(fd, &status))
		set(line, "file", json_sprintf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino));
	set_hex(line, "offset", offset);
	set_hex(line, "bytes", bytes);
	return end_phys(line, untraced_vc_phys_import_fd(system, fd, offset, bytes, out), out);
}

int vc_phys_of_region(struct vc_region *region, uint64_t address, uint64_t bytes, struct vc_phys **out)
{
	json_t *line = begin(__func__);

	set_handle(line, "region", region);
	set_hex(line, "address", address);
	set_hex(line, "bytes", bytes);
	return end_phys(line, untraced_vc_phys_of_region(region, address, bytes, out), out);
}

int vc_phys_compose(struct vc_system *system, const struct vc_piece *pieces, size_t n, struct vc_phys **out)
{
	json_t *line = begin(__func__), *list = line ? json_array() : NULL;

	set_handle(line, "system", system);
	for (size_t i = 0; list && pieces && i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "memory", handle(pieces[i].phys), "offset",
						      hex(pieces[i].offset), "bytes", hex(pieces[i].bytes)));
	if (line)
		set(line, "list", list);
	return end_phys(line, untraced_vc_phys_compose(system, pieces, n, out), out);
}

int vc_phys_free(struct vc_phys *phys)
{
	json_t *line = begin(__func__);

	set_handle(line, "memory", phys);
	return end(line, untraced_vc_phys_free(phys));
}

int vc_back(struct vc_reservation *reservation, struct vc_phys *phys, unsigned int flags)
{
	json_t *line = begin_reservation(__func__, reservation);

	set_handle(line, "memory", phys);
	set_hex(line, "flags", flags);
	return end(line, untraced_vc_back(reservation, phys, flags));
}

int vc_unback(struct vc_reservation *reservation, unsigned int flags)
{
	json_t *line = begin_reservation(__func__, reservation);

	set_hex(line, "flags", flags);
	return end(line, untraced_vc_unback(reservation, flags));
}

int vc_reback(struct vc_reservation *reservation, struct vc_phys *phys, unsigned int flags)
{
	json_t *line = begin_reservation(__func__, reservation);

	set_handle(line, "memory", phys);
	set_hex(line, "flags", flags);
	return end(line, untraced_vc_reback(reservation, phys, flags));
}

int vc_migrate(struct vc_phys *phys, const struct vc_phys_args *args)
{
	json_t *line = begin(__func__);

	set_handle(line, "memory", phys);
	set_phys_args(line, args);
	return end(line, untraced_vc_migrate(phys, args));
}

int vc_reservation_dirty(struct vc_reservation *reservation, unsigned int flags, uint64_t *bitmap, unsigned int lg2,
			 uint64_t *bytes)
{
	json_t *line = begin_reservation(__func__, reservation);
	uint64_t found = 0;
	int result = untraced_vc_reservation_dirty(reservation, flags, bitmap, lg2, &found);

	if (!result && bytes)
		*bytes = found;
	set_hex(line, "flags", flags);
	set_hex(line, "lg2", lg2);
	if (!result)
		set_hex(line, "dirty", found);
	return end(line, result);
}

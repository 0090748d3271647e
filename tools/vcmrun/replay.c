/* SPDX-License-Identifier: MIT */
/*
 * replay.c - does again what vc_trace() wrote down, and compares what comes out.
 *
 * Handles stand for objects, which get others here; addresses in windows of the CPU are moved to where these are now.
 * All else must be as it was: results, addresses, what devices read.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "vcmrun.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a recorded handle stands for: open addressing, since there are many. */
struct pair {
	uint64_t then;
	void *now;
};

struct window {
	uint64_t then, last, now;
};

struct file {
	char name[48];
	int fd;
};

struct replay {
	const char *path;
	size_t line;
	const json_t *call; /* of that line */
	struct pair *pairs;
	size_t n_pairs, room;
	struct window *windows;
	size_t n_windows;
	struct file *files;
	size_t n_files;
	struct vc_region **regions;
	size_t n_regions;
	struct vc_system *system; /* the last one */
	size_t n_calls, n_different;
	bool bad; /* the line is none that was recorded */
};

/* ---------------------------------------------------------------------------------------------------------- lookups */

static bool complain(struct replay *replay, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool complain(struct replay *replay, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%zu: error: ", replay->path, replay->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	replay->bad = true;
	return false;
}

static size_t slot_of(const struct replay *replay, uint64_t then)
{
	size_t i = (size_t)(then * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (replay->room - 1);

	while (replay->pairs[i].then && replay->pairs[i].then != then)
		i = (i + 1) & (replay->room - 1);
	return i;
}

static bool remember(struct replay *replay, uint64_t then, void *now)
{
	size_t slot;

	if (2 * (replay->n_pairs + 1) > replay->room) {
		struct pair *old = replay->pairs;
		size_t room = replay->room;

		replay->room = room ? 2 * room : 1024;
		replay->pairs = calloc(replay->room, sizeof(*replay->pairs));
		if (!replay->pairs) {
			replay->pairs = old;
			replay->room = room;
			return complain(replay, "out of memory");
		}
		for (size_t i = 0; i < room; i++)
			if (old[i].then)
				replay->pairs[slot_of(replay, old[i].then)] = old[i];
		free(old);
	}
	slot = slot_of(replay, then);
	replay->n_pairs += !replay->pairs[slot].then;
	replay->pairs[slot] = (struct pair){then, now};
	return true;
}

static bool parse_hex(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || strncmp(text, "0x", 2) != 0)
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !*end && !errno;
}

/* A number of an object, 0 where there is none. */
static uint64_t number_in(struct replay *replay, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	uint64_t number = 0;

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	if (value && !parse_hex(value, &number))
		complain(replay, "\"%s\" is no number", key);
	return number;
}

static uint64_t number(struct replay *replay, const char *key)
{
	return number_in(replay, replay->call, key);
}

/* What a handle stands for now. What was no handle then is none now: the call must fail as it did. */
static void *object_in(struct replay *replay, const json_t *object, const char *key)
{
	uint64_t then = number_in(replay, object, key);
	void *now = then && replay->room ? replay->pairs[slot_of(replay, then)].now : NULL;

	return now ? now : (void *)(uintptr_t)(then ? 1 : 0);
}

static void *object(struct replay *replay, const char *key)
{
	return object_in(replay, replay->call, key);
}

static uint64_t move(const struct replay *replay, uint64_t address)
{
	for (size_t i = replay->n_windows; i-- > 0;) {
		const struct window *window = &replay->windows[i];

		if (address >= window->then && address <= window->last)
			return window->now + (address - window->then);
	}
	return address;
}

/* ------------------------------------------------------------------------------------------------------- comparisons
 */

static void differs(struct replay *replay, const char *what, uint64_t then, uint64_t now)
{
	const char *call = json_string_value(json_object_get(replay->call, "call"));

	if (++replay->n_different > 20)
		return;
	fflush(stdout);
	fprintf(stderr, "%s:%zu: %s: %s is 0x%" PRIx64 ", and was 0x%" PRIx64 "\n", replay->path, replay->line, call,
		what, now, then);
}

static void compare(struct replay *replay, const char *key, uint64_t now)
{
	if (json_object_get(replay->call, key) && number(replay, key) != now)
		differs(replay, key, number(replay, key), now);
}

/* The result, and the object that came out. false: it is another one, and nothing came out. */
static bool result_is(struct replay *replay, int result, void *out)
{
	json_int_t then = json_integer_value(json_object_get(replay->call, "result"));

	replay->n_calls++;
	if (then != result) {
		const char *reason = json_string_value(json_object_get(replay->call, "reason"));

		if (++replay->n_different <= 20) {
			fflush(stdout);
			fprintf(stderr, "%s:%zu: %s gives %d, and gave %" JSON_INTEGER_FORMAT "%s%s%s%s\n",
				replay->path, replay->line, json_string_value(json_object_get(replay->call, "call")),
				result, then, reason ? " then: " : "", reason ? reason : "", result ? "; now: " : "",
				result ? vc_last_error()->reason : "");
		}
	}
	if (!result && !then && out && json_object_get(replay->call, "out"))
		return remember(replay, number(replay, "out"), out);
	return !result && !then;
}

/* ----------------------------------------------------------------------------------------------- system and devices */

#define MOST 64

static void read_spans(struct replay *replay, const json_t *list, struct vc_span *out, unsigned int *n)
{
	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, ++*n) {
		out[i].pa = number_in(replay, json_array_get(list, i), "pa");
		out[i].bytes = number_in(replay, json_array_get(list, i), "bytes");
	}
}

static void read_numbers(const json_t *list, unsigned int *out, unsigned int *n)
{
	for (size_t i = 0; i < json_array_size(list) && i < VC_TYPE_POOLS; i++, ++*n)
		out[i] = (unsigned int)json_integer_value(json_array_get(list, i));
}

static void do_system_create(struct replay *replay)
{
	const json_t *config = json_object_get(replay->call, "config"), *list, *at;
	struct vc_pool_config pools[VC_MAX_POOLS] = {{.pa = 0}};
	struct vc_type_config types[MOST] = {{.n_pools = 0}};
	struct vc_span ram[MOST];
	struct vc_system_config made = {.ram = ram, .pools = pools, .types = types};
	struct vc_system *system = NULL;
	int result;

	read_spans(replay, json_object_get(config, "ram"), ram, &made.n_ram);
	list = json_object_get(config, "pools");
	for (size_t i = 0; i < json_array_size(list) && i < VC_MAX_POOLS; i++, made.n_pools++) {
		at = json_array_get(list, i);
		pools[i].name = json_string_value(json_object_get(at, "name"));
		pools[i].pa = number_in(replay, at, "pa");
		pools[i].bytes = number_in(replay, at, "bytes");
		pools[i].block_lg2 = (unsigned int)number_in(replay, at, "block_lg2");
	}
	list = json_object_get(config, "types");
	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, made.n_types++) {
		at = json_array_get(list, i);
		read_numbers(json_object_get(at, "pools"), types[i].pools, &types[i].n_pools);
		read_numbers(json_object_get(at, "contiguous"), types[i].contiguous, &types[i].n_contiguous);
	}
	at = json_object_get(config, "tables");
	made.tables = (struct vc_span){number_in(replay, at, "pa"), number_in(replay, at, "bytes")};
	at = json_object_get(config, "imports");
	made.imports = (struct vc_span){number_in(replay, at, "pa"), number_in(replay, at, "bytes")};
	made.cpu_window_bytes = number_in(replay, config, "window");
	result = vc_system_create(&made, &system);
	if (result_is(replay, result, system))
		replay->system = system;
}

static void do_system_destroy(struct replay *replay)
{
	struct vc_system *system = object(replay, "system");
	int result = vc_system_destroy(system);

	if (result_is(replay, result, NULL) && replay->system == system)
		replay->system = NULL;
}

static const struct pt_format *read_stage(struct replay *replay, const json_t *stage, struct pt_config *config)
{
	const char *format_name = json_string_value(json_object_get(stage, "format"));
	const struct pt_format *format = format_name ? find_format(format_name) : NULL;
	json_t *set = json_object_get(stage, "set"), *value;
	const char *name;

	pt_config_init(config);
	if (!stage)
		return NULL;
	if (!format) {
		complain(replay, "there is no format '%s' here", format_name ? format_name : "?");
		return NULL;
	}
	config->page_sizes = number_in(replay, stage, "page_sizes");
	json_object_foreach(set, name, value)
	{
		int index = pt_param_find(format, name);

		if (index < 0)
			complain(replay, "format %s has no parameter '%s'", format->name, name);
		else
			config->param[index] = json_integer_value(value);
	}
	return format;
}

static void do_device_create(struct replay *replay)
{
	const json_t *config = json_object_get(replay->call, "config");
	const json_t *list = json_object_get(config, "reserved");
	struct vc_reserved reserved[MOST] = {{0, 0, 0}};
	struct pt_config stages[2];
	struct vc_device_config made = {.name = json_string_value(json_object_get(config, "name")),
					.kind = (enum vc_device_kind)number_in(replay, config, "kind"),
					.bus_offset = (int64_t)number_in(replay, config, "bus_offset"),
					.allow_wider = json_is_true(json_object_get(config, "allow_wider")),
					.no_updates = json_is_true(json_object_get(config, "no_updates")),
					.bypass = json_is_true(json_object_get(config, "bypass")),
					.hardware = (size_t)number_in(replay, config, "hardware"),
					.reserved = reserved,
					.config = &stages[0],
					.stage2_config = &stages[1]};
	struct vc_device *device = NULL;
	int result;

	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, made.n_reserved++) {
		const json_t *at = json_array_get(list, i);

		reserved[i].first = number_in(replay, at, "first");
		reserved[i].bytes = number_in(replay, at, "bytes");
		reserved[i].identity = (unsigned int)number_in(replay, at, "identity");
	}
	made.format = read_stage(replay, json_object_get(config, "stage_1"), &stages[0]);
	made.stage2 = read_stage(replay, json_object_get(config, "stage_2"), &stages[1]);
	if (replay->bad)
		return;
	result = vc_device_create(object(replay, "system"), config ? &made : NULL, &device);
	result_is(replay, result, device);
}

static void do_device_destroy(struct replay *replay)
{
	result_is(replay, vc_device_destroy(object(replay, "device")), NULL);
}

static void do_device_iotlb(struct replay *replay)
{
	result_is(replay,
		  vc_device_iotlb(object(replay, "device"), (unsigned int)number(replay, "entries"),
				  (unsigned int)number(replay, "ways")),
		  NULL);
}

static void do_device_iotlb_disconnect(struct replay *replay)
{
	result_is(replay,
		  vc_device_iotlb_disconnect(object(replay, "device"),
					     json_is_true(json_object_get(replay->call, "disconnected"))),
		  NULL);
}

static void do_device_fault_limit(struct replay *replay)
{
	result_is(replay, vc_device_fault_limit(object(replay, "device"), (unsigned int)number(replay, "per_second")),
		  NULL);
}

/* ---------------------------------------------------------------------------------------------------------- accesses
 */

static uint64_t access_address(struct replay *replay)
{
	struct vc_device_info info = {.kind = VC_DEVICE_TRANSLATED};

	vc_device_info(object(replay, "device"), &info);
	return info.kind == VC_DEVICE_CPU ? move(replay, number(replay, "address")) : number(replay, "address");
}

static uint64_t sum_of(const unsigned char *at, uint64_t bytes)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	while (bytes--)
		sum = (sum ^ *at++) * UINT64_C(0x100000001b3);
	return sum;
}

static void do_device_read(struct replay *replay)
{
	uint64_t bytes = number(replay, "bytes");
	unsigned char *buffer = bytes >> 30 ? NULL : malloc((size_t)bytes + 1);
	int result;

	if (!buffer) {
		complain(replay, "no memory to read 0x%" PRIx64 " bytes to", bytes);
		return;
	}
	result = vc_device_read(object(replay, "device"), access_address(replay), buffer, bytes,
				(unsigned int)number(replay, "access"), NULL);
	/* What the CPU wrote through a window nobody saw. */
	if (result_is(replay, result, NULL) && !replay->n_windows)
		compare(replay, "sum", sum_of(buffer, bytes));
	free(buffer);
}

static int nibble(char digit)
{
	return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void do_device_write(struct replay *replay)
{
	const json_t *data = json_object_get(replay->call, "data");
	const char *text = json_string_value(data);
	size_t bytes = json_string_length(data) / 2;
	unsigned char *buffer = malloc(bytes + 1);
	int result;

	for (size_t i = 0; buffer && i < bytes; i++) {
		if (nibble(text[2 * i]) < 0 || nibble(text[2 * i + 1]) < 0) {
			complain(replay, "\"data\" is not made of hexadecimal digits");
			break;
		}
		buffer[i] = (unsigned char)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	}
	if (!buffer || (text && bytes != number(replay, "bytes")))
		complain(replay, "\"data\" is not of the length that \"bytes\" says");
	if (!replay->bad) {
		result = vc_device_write(object(replay, "device"), access_address(replay), text ? buffer : NULL,
					 number(replay, "bytes"), (unsigned int)number(replay, "access"), NULL);
		result_is(replay, result, NULL);
	}
	free(buffer);
}

static void do_device_translate(struct replay *replay)
{
	uint64_t pa = 0;
	int result = vc_device_translate(object(replay, "device"), access_address(replay),
					 (unsigned int)number(replay, "access"), &pa, NULL);

	if (result_is(replay, result, NULL))
		compare(replay, "pa", pa);
}

/* ----------------------------------------------------------------------------------------------------------- regions
 */

static void new_region(struct replay *replay, int result, struct vc_region *region)
{
	struct vc_region **more;
	struct vc_region_info info;

	if (!result_is(replay, result, region))
		return;
	more = realloc(replay->regions, (replay->n_regions + 1) * sizeof(struct vc_region *));
	if (!more) {
		complain(replay, "out of memory");
		return;
	}
	replay->regions = more;
	replay->regions[replay->n_regions++] = region;
	if (vc_region_info(region, &info) || info.kind != VC_REGION_CPU)
		return;
	struct window *windows = realloc(replay->windows, (replay->n_windows + 1) * sizeof(*windows));

	if (!windows) {
		complain(replay, "out of memory");
		return;
	}
	replay->windows = windows;
	windows[replay->n_windows++] = (struct window){number(replay, "first"), number(replay, "last"), info.first};
}

static void do_region_create(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result =
		vc_region_create(object(replay, "system"), number(replay, "start"), number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_cpu(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_cpu(object(replay, "system"), number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_identity(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_identity(object(replay, "system"), number(replay, "start"),
					       number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_nested(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_nested(object(replay, "below"), object(replay, "tables"), number(replay, "start"),
					     number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_clone(struct replay *replay)
{
	const json_t *reservations = json_object_get(replay->call, "reservations");
	const json_t *bounds = json_object_get(replay->call, "bounds");
	struct vc_reservation *reservation = NULL;
	struct vc_bound *bound = NULL;
	struct vc_region *region = NULL;
	int result = vc_region_clone(object(replay, "region"), &region);
	size_t n = 0;
	uint64_t then;

	new_region(replay, result, region);
	if (result)
		return;
	for (; !vc_reservation_next(region, reservation, &reservation); n++)
		if (parse_hex(json_array_get(reservations, n), &then))
			remember(replay, then, reservation);
	if (n != json_array_size(reservations))
		differs(replay, "the number of reservations", json_array_size(reservations), n);
	for (n = 0; !vc_bound_next(region, bound, &bound); n++)
		if (parse_hex(json_array_get(bounds, n), &then))
			remember(replay, then, bound);
}

static void do_region_free(struct replay *replay)
{
	struct vc_region *region = object(replay, "region");

	if (!result_is(replay, vc_region_free(region), NULL))
		return;
	for (size_t i = 0; i < replay->n_regions; i++)
		if (replay->regions[i] == region)
			replay->regions[i] = replay->regions[--replay->n_regions];
}

/* ------------------------------------------------------------------------------------------------------ associations
 */

static void do_associate(struct replay *replay)
{
	struct vc_association *association = NULL;
	int result = vc_associate(object(replay, "region"), object(replay, "device"), (uint32_t)number(replay, "attr"),
				  &association);

	result_is(replay, result, association);
}

static void do_dissociate(struct replay *replay)
{
	result_is(replay, vc_dissociate(object(replay, "association")), NULL);
}

static void do_dissociate_crashed(struct replay *replay)
{
	result_is(replay, vc_dissociate_crashed(object(replay, "association")), NULL);
}

static void do_association_split(struct replay *replay)
{
	result_is(replay,
		  vc_association_split(object(replay, "association"), (enum vc_half)number(replay, "half"),
				       (unsigned int)number(replay, "bits")),
		  NULL);
}

static void do_association_set_attr(struct replay *replay)
{
	result_is(replay, vc_association_set_attr(object(replay, "association"), (uint32_t)number(replay, "attr")),
		  NULL);
}

static void do_activate(struct replay *replay)
{
	result_is(replay, vc_activate(object(replay, "association")), NULL);
}

static void do_deactivate(struct replay *replay)
{
	result_is(replay, vc_deactivate(object(replay, "association")), NULL);
}

static void do_replace(struct replay *replay)
{
	result_is(replay, vc_replace(object(replay, "from"), object(replay, "to")), NULL);
}

/* ------------------------------------------------------------------------------------------------------ reservations
 */

static void do_bound_create(struct replay *replay)
{
	struct vc_bound *bound = NULL;
	struct vc_bound_info info;
	int result =
		vc_bound_create(object(replay, "region"), number(replay, "bytes"), number(replay, "align"), &bound);

	if (result_is(replay, result, bound) && !vc_bound_info(bound, &info) &&
	    info.address != move(replay, number(replay, "address")))
		differs(replay, "the address", number(replay, "address"), info.address);
}

static void do_bound_free(struct replay *replay)
{
	result_is(replay, vc_bound_free(object(replay, "bound")), NULL);
}

static void do_reserve(struct replay *replay)
{
	struct vc_reserve_args args = {.bytes = number(replay, "bytes"),
				       .align = number(replay, "align"),
				       .low = number(replay, "low"),
				       .high = number(replay, "high"),
				       .guard = number(replay, "guard"),
				       .fixed = json_is_true(json_object_get(replay->call, "fixed")),
				       .rights = (unsigned int)number(replay, "rights"),
				       .cache = (enum vc_cache)number(replay, "cache"),
				       .attr = (uint32_t)number(replay, "attr"),
				       .bound = object(replay, "bound")};
	struct vc_region_info region = {.kind = VC_REGION_DEVICE};
	struct vc_reservation_info info;
	struct vc_reservation *reservation = NULL;
	uint64_t address = number(replay, "address");
	bool window;
	int result;

	window = !vc_region_info(object(replay, "region"), &region) && region.kind == VC_REGION_CPU;
	args.at = window ? move(replay, number(replay, "at")) : number(replay, "at");
	result = vc_reserve(object(replay, "region"), json_object_get(replay->call, "bytes") ? &args : NULL,
			    &reservation);
	if (result_is(replay, result, reservation) && !vc_reservation_info(reservation, &info) &&
	    info.address != (window ? move(replay, address) : address))
		differs(replay, "the address", address, info.address);
}

static void do_unreserve(struct replay *replay)
{
	result_is(replay, vc_unreserve(object(replay, "reservation")), NULL);
}

static void do_reservation_set(struct replay *replay)
{
	result_is(replay,
		  vc_reservation_set(object(replay, "reservation"), (unsigned int)number(replay, "rights"),
				     (enum vc_cache)number(replay, "cache"), (uint32_t)number(replay, "attr")),
		  NULL);
}

static void do_copy(struct replay *replay)
{
	uint64_t copied = 0;
	int result = vc_copy(object(replay, "to"), number(replay, "to_offset"), object(replay, "from"),
			     number(replay, "from_offset"), number(replay, "bytes"), &copied);

	if (result_is(replay, result, NULL))
		compare(replay, "copied", copied);
}

/* ------------------------------------------------------------------------------------------------------------ memory
 */

static void new_phys(struct replay *replay, int result, struct vc_phys *phys)
{
	struct vc_span first;
	size_t n;

	if (!result_is(replay, result, phys) || vc_phys_export(phys, &first, 1, &n))
		return;
	compare(replay, "pa", first.pa);
	compare(replay, "segments", n);
}

static struct vc_phys_args phys_args(struct replay *replay)
{
	return (struct vc_phys_args){.type = (unsigned int)number(replay, "type"),
				     .bytes = number(replay, "bytes"),
				     .sizes = number(replay, "sizes"),
				     .align = number(replay, "align"),
				     .contiguous = json_is_true(json_object_get(replay->call, "contiguous")),
				     .attr = (uint32_t)number(replay, "attr")};
}

static void do_phys_alloc(struct replay *replay)
{
	struct vc_phys_args args = phys_args(replay);
	struct vc_phys *phys = NULL;
	int result =
		vc_phys_alloc(object(replay, "system"), json_object_get(replay->call, "bytes") ? &args : NULL, &phys);

	new_phys(replay, result, phys);
}

static void do_phys_wrap(struct replay *replay)
{
	struct vc_phys *phys = NULL;
	int result = vc_phys_wrap(object(replay, "system"), number(replay, "at"), number(replay, "bytes"), &phys);

	new_phys(replay, result, phys);
}

static void do_phys_import(struct replay *replay)
{
	const json_t *list = json_object_get(replay->call, "list");
	size_t n = json_array_size(list);
	struct vc_span *spans = calloc(n + 1, sizeof(*spans));
	struct vc_phys *phys = NULL;
	int result;

	if (!spans) {
		complain(replay, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		spans[i].pa = number_in(replay, json_array_get(list, i), "pa");
		spans[i].bytes = number_in(replay, json_array_get(list, i), "bytes");
	}
	result = vc_phys_import(object(replay, "system"), spans, n, &phys);
	new_phys(replay, result, phys);
	free(spans);
}

/* A file in the place of the one that was imported: empty, but as long as it has to be. */
static int file_for(struct replay *replay, const char *name, uint64_t bytes)
{
	struct file *more;
	size_t i = 0;
	int fd;

	while (i < replay->n_files && strcmp(replay->files[i].name, name) != 0)
		i++;
	if (i == replay->n_files) {
		more = realloc(replay->files, (replay->n_files + 1) * sizeof(*more));
		replay->files = more ? more : replay->files;
		fd = memfd_create("replay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (!more || fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
			complain(replay, "no file for an import: %s", strerror(errno));
			return -1;
		}
		snprintf(more[i].name, sizeof(more[i].name), "%s", name);
		more[i].fd = fd;
		replay->n_files++;
	}
	fd = replay->files[i].fd;
	if (lseek(fd, 0, SEEK_END) < (off_t)bytes && ftruncate(fd, (off_t)bytes)) {
		complain(replay, "no file of 0x%" PRIx64 " bytes for an import: %s", bytes, strerror(errno));
		return -1;
	}
	return fd;
}

static void do_phys_import_fd(struct replay *replay)
{
	const char *name = json_string_value(json_object_get(replay->call, "file"));
	uint64_t offset = number(replay, "offset"), bytes = number(replay, "bytes");
	struct vc_phys *phys = NULL;
	int fd, result;

	/* What was refused then, was for the sake of the file, which is not here. */
	if (json_integer_value(json_object_get(replay->call, "result"))) {
		replay->n_calls++;
		return;
	}
	fd = file_for(replay, name ? name : "?", offset + bytes);
	if (fd < 0)
		return;
	result = vc_phys_import_fd(object(replay, "system"), fd, offset, bytes, &phys);
	new_phys(replay, result, phys);
}

static void do_phys_of_region(struct replay *replay)
{
	struct vc_phys *phys = NULL;
	int result =
		vc_phys_of_region(object(replay, "region"), number(replay, "address"), number(replay, "bytes"), &phys);

	new_phys(replay, result, phys);
}

static void do_phys_compose(struct replay *replay)
{
	const json_t *list = json_object_get(replay->call, "list");
	size_t n = json_array_size(list);
	struct vc_piece *pieces = calloc(n + 1, sizeof(*pieces));
	struct vc_phys *phys = NULL;
	int result;

	if (!pieces) {
		complain(replay, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *at = json_array_get(list, i);

		pieces[i].phys = object_in(replay, at, "memory");
		pieces[i].offset = number_in(replay, at, "offset");
		pieces[i].bytes = number_in(replay, at, "bytes");
	}
	result = vc_phys_compose(object(replay, "system"), pieces, n, &phys);
	new_phys(replay, result, phys);
	free(pieces);
}

static void do_phys_free(struct replay *replay)
{
	result_is(replay, vc_phys_free(object(replay, "memory")), NULL);
}

static void do_back(struct replay *replay)
{
	result_is(
		replay,
		vc_back(object(replay, "reservation"), object(replay, "memory"), (unsigned int)number(replay, "flags")),
		NULL);
}

static void do_unback(struct replay *replay)
{
	result_is(replay, vc_unback(object(replay, "reservation"), (unsigned int)number(replay, "flags")), NULL);
}

static void do_reback(struct replay *replay)
{
	result_is(replay,
		  vc_reback(object(replay, "reservation"), object(replay, "memory"),
			    (unsigned int)number(replay, "flags")),
		  NULL);
}

static void do_migrate(struct replay *replay)
{
	struct vc_phys_args args = phys_args(replay);

	result_is(replay, vc_migrate(object(replay, "memory"), json_object_get(replay->call, "bytes") ? &args : NULL),
		  NULL);
}

static void do_reservation_dirty(struct replay *replay)
{
	uint64_t bytes = 0;
	int result = vc_reservation_dirty(object(replay, "reservation"), (unsigned int)number(replay, "flags"), NULL,
					  (unsigned int)number(replay, "lg2"), &bytes);

	if (result_is(replay, result, NULL) && !replay->n_windows)
		compare(replay, "dirty", bytes);
}

/* --------------------------------------------------------------------------------------------------------------- all
 */

#define CALL(name)                     \
	{                              \
		"vc_" #name, do_##name \
	}

static const struct {
	const char *name;
	void (*run)(struct replay *replay);
} calls[] = {
	CALL(system_create),
	CALL(system_destroy),
	CALL(device_create),
	CALL(device_destroy),
	CALL(device_iotlb),
	CALL(device_iotlb_disconnect),
	CALL(device_fault_limit),
	CALL(device_read),
	CALL(device_write),
	CALL(device_translate),
	CALL(region_create),
	CALL(region_create_cpu),
	CALL(region_create_identity),
	CALL(region_create_nested),
	CALL(region_clone),
	CALL(region_free),
	CALL(associate),
	CALL(dissociate),
	CALL(dissociate_crashed),
	CALL(association_split),
	CALL(association_set_attr),
	CALL(activate),
	CALL(deactivate),
	CALL(replace),
	CALL(bound_create),
	CALL(bound_free),
	CALL(reserve),
	CALL(unreserve),
	CALL(reservation_set),
	CALL(copy),
	CALL(phys_alloc),
	CALL(phys_wrap),
	CALL(phys_import),
	CALL(phys_import_fd),
	CALL(phys_of_region),
	CALL(phys_compose),
	CALL(phys_free),
	CALL(back),
	CALL(unback),
	CALL(reback),
	CALL(migrate),
	CALL(reservation_dirty),
};

static bool run_line(struct replay *replay, const char *text, size_t length)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const char *name;
	size_t i = 0;

	if (!root) {
		fflush(stdout);
		fprintf(stderr, "%s:%zu:%d: error: %s\n", replay->path, replay->line,
			error.column < 1 ? 1 : error.column, error.text);
		return false;
	}
	replay->call = root;
	name = json_string_value(json_object_get(root, "call"));
	while (name && i < sizeof(calls) / sizeof(calls[0]) && strcmp(calls[i].name, name) != 0)
		i++;
	if (!name || i == sizeof(calls) / sizeof(calls[0]))
		complain(replay, "there is no call '%s' that could be recorded", name ? name : "?");
	else if (!json_is_integer(json_object_get(root, "result")))
		complain(replay, "\"result\" is missing");
	else
		calls[i].run(replay);
	json_decref(root);
	replay->call = NULL;
	return !replay->bad;
}

static bool print_finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "vcmrun: %s\n", text);
	return true;
}

int run_replay(struct scenario *scenario)
{
	struct replay replay = {.path = scenario->path};
	uint64_t findings, all = 0;
	const char *at = scenario->text, *end = scenario->text + scenario->length;
	bool fine = true;

	while (fine && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);

		replay.line++;
		if (length)
			fine = run_line(&replay, at, length);
		at += length + 1;
	}
	for (size_t i = 0; fine && i < replay.n_regions; i++)
		if (!vc_check(replay.regions[i], print_finding, NULL, &findings))
			all += findings;
	if (fine && !scenario->quiet)
		printf("%zu calls, %zu differ; %zu regions at the end, %" PRIu64
		       " differences between lists and tables\n",
		       replay.n_calls, replay.n_different, replay.n_regions, all);
	scenario->system = replay.system;
	for (size_t i = 0; i < replay.n_files; i++)
		close(replay.files[i].fd);
	free(replay.files);
	free(replay.windows);
	free(replay.regions);
	free(replay.pairs);
	return !fine ? EXIT_USAGE : replay.n_different || all ? EXIT_FINDING : EXIT_FINE;
}

/* SPDX-License-Identifier: MIT */
/* replay_devices.c - see replay.h: systems, devices, and what devices read and write. */
#include "replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------------------------------- system and devices */

#define MOST 64

static void read_spans(struct replay *replay, const json_t *list, struct vc_span *out, unsigned int *n)
{
	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, ++*n) {
		out[i].pa = replay_number_in(replay, json_array_get(list, i), "pa");
		out[i].bytes = replay_number_in(replay, json_array_get(list, i), "bytes");
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
		pools[i].pa = replay_number_in(replay, at, "pa");
		pools[i].bytes = replay_number_in(replay, at, "bytes");
		pools[i].block_lg2 = (unsigned int)replay_number_in(replay, at, "block_lg2");
	}
	list = json_object_get(config, "types");
	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, made.n_types++) {
		at = json_array_get(list, i);
		read_numbers(json_object_get(at, "pools"), types[i].pools, &types[i].n_pools);
		read_numbers(json_object_get(at, "contiguous"), types[i].contiguous, &types[i].n_contiguous);
	}
	at = json_object_get(config, "tables");
	made.tables = (struct vc_span){replay_number_in(replay, at, "pa"), replay_number_in(replay, at, "bytes")};
	at = json_object_get(config, "imports");
	made.imports = (struct vc_span){replay_number_in(replay, at, "pa"), replay_number_in(replay, at, "bytes")};
	made.cpu_window_bytes = replay_number_in(replay, config, "window");
	result = vc_system_create(&made, &system);
	if (replay_result_is(replay, result, system))
		replay->system = system;
}

static void do_system_destroy(struct replay *replay)
{
	struct vc_system *system = replay_object(replay, "system");
	int result = vc_system_destroy(system);

	if (replay_result_is(replay, result, NULL) && replay->system == system)
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
		replay_complain(replay, "there is no format '%s' here", format_name ? format_name : "?");
		return NULL;
	}
	config->page_sizes = replay_number_in(replay, stage, "page_sizes");
	json_object_foreach(set, name, value)
	{
		int index = pt_param_find(format, name);

		if (index < 0)
			replay_complain(replay, "format %s has no parameter '%s'", format->name, name);
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
					.kind = (enum vc_device_kind)replay_number_in(replay, config, "kind"),
					.bus_offset = (int64_t)replay_number_in(replay, config, "bus_offset"),
					.allow_wider = json_is_true(json_object_get(config, "allow_wider")),
					.no_updates = json_is_true(json_object_get(config, "no_updates")),
					.bypass = json_is_true(json_object_get(config, "bypass")),
					.hardware = (size_t)replay_number_in(replay, config, "hardware"),
					.reserved = reserved,
					.config = &stages[0],
					.stage2_config = &stages[1]};
	struct vc_device *device = NULL;
	int result;

	for (size_t i = 0; i < json_array_size(list) && i < MOST; i++, made.n_reserved++) {
		const json_t *at = json_array_get(list, i);

		reserved[i].first = replay_number_in(replay, at, "first");
		reserved[i].bytes = replay_number_in(replay, at, "bytes");
		reserved[i].identity = (unsigned int)replay_number_in(replay, at, "identity");
	}
	made.format = read_stage(replay, json_object_get(config, "stage_1"), &stages[0]);
	made.stage2 = read_stage(replay, json_object_get(config, "stage_2"), &stages[1]);
	if (replay->bad)
		return;
	result = vc_device_create(replay_object(replay, "system"), config ? &made : NULL, &device);
	replay_result_is(replay, result, device);
}

static void do_device_destroy(struct replay *replay)
{
	replay_result_is(replay, vc_device_destroy(replay_object(replay, "device")), NULL);
}

static void do_device_iotlb(struct replay *replay)
{
	replay_result_is(replay,
			 vc_device_iotlb(replay_object(replay, "device"),
					 (unsigned int)replay_number(replay, "entries"),
					 (unsigned int)replay_number(replay, "ways")),
			 NULL);
}

static void do_device_iotlb_disconnect(struct replay *replay)
{
	replay_result_is(replay,
			 vc_device_iotlb_disconnect(replay_object(replay, "device"),
						    json_is_true(json_object_get(replay->call, "disconnected"))),
			 NULL);
}

/* Which faults went to a handler the lines say, whatever the clock says now: there is no limit. */
static void do_device_fault_limit(struct replay *replay)
{
	struct vc_device *device = replay_object(replay, "device");

	if (replay_result_is(replay, vc_device_fault_limit(device, (unsigned int)replay_number(replay, "per_second")),
			     NULL))
		vc_device_fault_limit(device, 0);
}

/* --------------------------------------------------------------------------------------------------------- accesses */

static uint64_t access_address(struct replay *replay)
{
	struct vc_device_info info = {.kind = VC_DEVICE_TRANSLATED};

	vc_device_info(replay_object(replay, "device"), &info);
	return info.kind == VC_DEVICE_CPU ? replay_move(replay, replay_number(replay, "address"))
					  : replay_number(replay, "address");
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
	uint64_t bytes = replay_number(replay, "bytes");
	unsigned char *buffer = bytes >> 30 ? NULL : malloc((size_t)bytes + 1);
	int result;

	if (!buffer) {
		replay_complain(replay, "no memory to read 0x%" PRIx64 " bytes to", bytes);
		return;
	}
	result = vc_device_read(replay_object(replay, "device"), access_address(replay), buffer, bytes,
				(unsigned int)replay_number(replay, "access"), NULL);
	/* What the CPU wrote through a window nobody saw. */
	if (replay_result_is(replay, result, NULL) && !replay->n_windows)
		replay_compare(replay, "sum", sum_of(buffer, bytes));
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
			replay_complain(replay, "\"data\" is not made of hexadecimal digits");
			break;
		}
		buffer[i] = (unsigned char)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	}
	if (!buffer || (text && bytes != replay_number(replay, "bytes")))
		replay_complain(replay, "\"data\" is not of the length that \"bytes\" says");
	if (!replay->bad) {
		result = vc_device_write(replay_object(replay, "device"), access_address(replay), text ? buffer : NULL,
					 replay_number(replay, "bytes"), (unsigned int)replay_number(replay, "access"),
					 NULL);
		replay_result_is(replay, result, NULL);
	}
	free(buffer);
}

static void do_device_translate(struct replay *replay)
{
	uint64_t pa = 0;
	int result = vc_device_translate(replay_object(replay, "device"), access_address(replay),
					 (unsigned int)replay_number(replay, "access"), &pa, NULL);

	if (replay_result_is(replay, result, NULL))
		replay_compare(replay, "pa", pa);
}

const struct replay_call replay_device_calls[] = {
	REPLAY_CALL(system_create),
	REPLAY_CALL(system_destroy),
	REPLAY_CALL(device_create),
	REPLAY_CALL(device_destroy),
	REPLAY_CALL(device_iotlb),
	REPLAY_CALL(device_iotlb_disconnect),
	REPLAY_CALL(device_fault_limit),
	REPLAY_CALL(device_read),
	REPLAY_CALL(device_write),
	REPLAY_CALL(device_translate),
	{NULL, NULL},
};

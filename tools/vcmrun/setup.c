/* SPDX-License-Identifier: MIT */
/* setup.c - the memory and the devices of a scenario. */
#include "vcmrun.h"
#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BANKS    16
#define MAX_TYPES    16
#define MAX_RESERVED 16

/* What a "system" object describes, as it is put together. */
struct description {
	struct vc_span ram[MAX_BANKS];
	struct vc_pool_config pools[VC_MAX_POOLS];
	struct vc_type_config types[MAX_TYPES];
	struct vc_system_config config;
};

static bool read_ram(const struct place *place, const json_t *list, struct description *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *bank = json_array_get(list, i);

		if (i == MAX_BANKS || !json_is_object(bank))
			return complain_at(place, "ram", "\"ram\" is a list of at most %d {\"pa\", \"bytes\"}",
					   MAX_BANKS);
		if (!get_number(place, bank, "pa", true, &out->ram[i].pa) ||
		    !get_number(place, bank, "bytes", true, &out->ram[i].bytes))
			return false;
		out->config.n_ram++;
	}
	return true;
}

static bool read_pools(const struct place *place, const json_t *list, struct description *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pool = json_array_get(list, i);
		uint64_t block = 0;

		if (i == VC_MAX_POOLS || !json_is_object(pool))
			return complain_at(place, "pools",
					   "\"pools\" is a list of at most %d {\"name\", \"pa\", \"bytes\", \"block\"}",
					   VC_MAX_POOLS);
		if (!get_text(place, pool, "name", true, &out->pools[i].name) ||
		    !get_number(place, pool, "pa", true, &out->pools[i].pa) ||
		    !get_number(place, pool, "bytes", true, &out->pools[i].bytes) ||
		    !get_number(place, pool, "block", false, &block))
			return false;
		if (block & (block - 1))
			return complain_at(place, "pools", "the \"block\" of pool '%s' is no power of two",
					   out->pools[i].name);
		out->pools[i].block_lg2 = block ? (unsigned int)__builtin_ctzll(block) : 0;
		out->config.n_pools++;
	}
	return true;
}

/* Names of pools as numbers. */
static bool read_pool_names(const struct place *place, const json_t *type, const char *key,
			    const struct description *out, unsigned int *numbers, unsigned int *n)
{
	const json_t *list = json_object_get(type, key);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		unsigned int k = 0;

		while (name && k < out->config.n_pools && strcmp(out->pools[k].name, name) != 0)
			k++;
		if (!name || k == out->config.n_pools || i == VC_TYPE_POOLS)
			return complain_at(place, "types",
					   "\"%s\" is a list of at most %d names of pools; '%s' is none", key,
					   VC_TYPE_POOLS, name ? name : "?");
		numbers[(*n)++] = k;
	}
	return true;
}

static bool read_types(const struct place *place, const json_t *list, struct description *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *type = json_array_get(list, i);

		if (i == MAX_TYPES || !json_is_object(type))
			return complain_at(place, "types",
					   "\"types\" is a list of at most %d {\"pools\", \"contiguous\"}", MAX_TYPES);
		if (!read_pool_names(place, type, "pools", out, out->types[i].pools, &out->types[i].n_pools) ||
		    !read_pool_names(place, type, "contiguous", out, out->types[i].contiguous,
				     &out->types[i].n_contiguous))
			return false;
		out->config.n_types++;
	}
	return true;
}

bool setup_system(struct scenario *scenario)
{
	static const char *const keys[] = {"ram", "pools", "types", "tables", "file", NULL};
	const json_t *object = json_object_get(scenario->root, "system"), *tables;
	const struct place place = {scenario, NULL, 0};
	struct description description = {.config = {.cpu_window_bytes = (uint64_t)1 << 30}};
	struct vc_system_config *config = &description.config;

	if (object && !json_is_object(object))
		return complain_at(&place, "system", "\"system\" is an object");
	if (!object) {
		if (!vc_system_create(NULL, &scenario->system))
			return true;
		fprintf(stderr, "vcmrun: error: %s\n", vc_error_string());
		return false;
	}
	config->ram = description.ram;
	config->pools = description.pools;
	config->types = description.types;
	tables = json_object_get(object, "tables");
	if (!only_members(&place, object, keys) || !read_ram(&place, json_object_get(object, "ram"), &description) ||
	    !read_pools(&place, json_object_get(object, "pools"), &description) ||
	    !read_types(&place, json_object_get(object, "types"), &description) ||
	    !get_text(&place, object, "file", false, &config->file) ||
	    !get_number(&place, tables, "pa", true, &config->tables.pa) ||
	    !get_number(&place, tables, "bytes", true, &config->tables.bytes))
		return false;
	if (!vc_system_create(config, &scenario->system))
		return true;
	return complain_at(&place, "system", "%s", vc_error_string());
}

const struct pt_format *find_format(const char *name)
{
	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			return pt_formats[i];
	return NULL;
}

static const char *format_name(const void *ctx, size_t i)
{
	(void)ctx;
	return pt_formats[i]->name;
}

static bool read_parameters(const struct place *place, const json_t *object, const char *key,
			    const struct pt_format *format, struct pt_config *config)
{
	json_t *set = json_object_get(object, key);
	const char *name;
	json_t *value;

	json_object_foreach(set, name, value)
	{
		int index = pt_param_find(format, name);

		if (index < 0)
			return complain_at(place, key, "format %s has no parameter '%s'", format->name, name);
		if (!json_is_integer(value) || !pt_param_valid(format, (unsigned int)index, json_integer_value(value)))
			return complain_at(place, key, "parameter '%s' of %s cannot be that", name, format->name);
		config->param[index] = json_integer_value(value);
	}
	return true;
}

static bool read_reserved(const struct place *place, const json_t *object, struct vc_reserved *out, size_t *n)
{
	const json_t *list = json_object_get(object, "reserved");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *range = json_array_get(list, i);

		if (i == MAX_RESERVED || !json_is_object(range))
			return complain_at(place, "reserved",
					   "\"reserved\" is a list of at most %d {\"first\", \"bytes\", \"rights\"}",
					   MAX_RESERVED);
		if (!get_number(place, range, "first", true, &out[i].first) ||
		    !get_number(place, range, "bytes", true, &out[i].bytes) ||
		    !get_rights(place, range, &out[i].identity))
			return false;
		++*n;
	}
	return true;
}

/* A format by name, and its parameters; without a name there is none. */
static bool read_stage(const struct place *place, const json_t *object, const char *key, const char *set_key,
		       const struct pt_format **out, struct pt_config *config)
{
	const char *format = NULL, *near;

	pt_config_init(config);
	if (!get_text(place, object, key, false, &format))
		return false;
	if (!format)
		return true;
	*out = find_format(format);
	if (*out)
		return read_parameters(place, object, set_key, *out, config);
	near = near_name(format, pt_n_formats, format_name, NULL);
	return complain_at(place, key, "there is no format '%s'%s%s%s", format, near ? "; did you mean '" : "",
			   near ? near : "", near ? "'?" : "");
}

/* One entry of "devices": one device, or "count" of them whose names end with a number. */
static bool read_device(const struct place *place, const json_t *object, struct vc_system *system, struct names *names)
{
	static const char *const keys[] = {"name",   "kind",	 "format",	"set",	 "bus_offset",
					   "bypass", "reserved", "allow_wider", "count", "iotlb",
					   "stage2", "set2",	 NULL};
	struct vc_reserved reserved[MAX_RESERVED] = {{0, 0, 0}};
	struct vc_device_config config = {.kind = VC_DEVICE_TRANSLATED, .reserved = reserved};
	const char *name = NULL, *kind = "translated";
	uint64_t offset = 0, count = 0, iotlb = 0;
	struct pt_config stages[2];

	if (!only_members(place, object, keys) || !get_text(place, object, "name", true, &name) ||
	    !get_text(place, object, "kind", false, &kind) ||
	    !get_number(place, object, "bus_offset", false, &offset) ||
	    !get_bool(place, object, "bypass", &config.bypass) ||
	    !get_bool(place, object, "allow_wider", &config.allow_wider) ||
	    !get_number(place, object, "count", false, &count) || !get_number(place, object, "iotlb", false, &iotlb) ||
	    !read_reserved(place, object, reserved, &config.n_reserved))
		return false;
	if (strcmp(kind, "cpu") == 0)
		config.kind = VC_DEVICE_CPU;
	else if (strcmp(kind, "direct") == 0)
		config.kind = VC_DEVICE_DIRECT;
	else if (strcmp(kind, "translated") != 0)
		return complain_at(place, "kind", "\"kind\" is translated, direct or cpu");
	if (!read_stage(place, object, "format", "set", &config.format, &stages[0]) ||
	    !read_stage(place, object, "stage2", "set2", &config.stage2, &stages[1]))
		return false;
	config.config = &stages[0];
	config.stage2_config = &stages[1];
	config.bus_offset = (int64_t)offset;
	for (uint64_t i = 0; i < (count ? count : 1); i++) {
		struct vc_device *device;
		char numbered[48];

		if (count)
			snprintf(numbered, sizeof(numbered), "%s%" PRIu64, name, i);
		else
			snprintf(numbered, sizeof(numbered), "%s", name);
		config.name = numbered;
		if (vc_device_create(system, &config, &device) ||
		    (iotlb && vc_device_iotlb(device, (unsigned int)iotlb, (unsigned int)iotlb)))
			return complain_at(place, NULL, "%s", vc_error_string());
		if (!names_add(names, numbered, THING_DEVICE, device))
			return complain_at(place, NULL, "out of memory");
	}
	return true;
}

bool setup_devices(struct scenario *scenario, struct names *names)
{
	const json_t *list = json_object_get(scenario->root, "devices");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct place place = {scenario, "devices", i};
		const json_t *object = json_array_get(list, i);

		if (!json_is_object(object))
			return complain_at(&place, NULL, "a device is an object");
		if (!read_device(&place, object, scenario->system, names))
			return false;
	}
	return true;
}

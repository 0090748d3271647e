/* SPDX-License-Identifier: MIT */
/* dump_json.c - the topology as JSON. Addresses and sizes are strings, since they do not fit JSON's numbers. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "internal.h"

static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *memory(struct system *system)
{
	uint64_t tables_used;
	json_t *banks = json_array(), *pools = json_array(), *types = json_array();

	for (unsigned int i = 0; i < system->n_ram; i++)
		json_array_append_new(banks, json_pack("{s:o, s:o}", "pa", hex(system->ram[i].pa), "bytes",
						       hex(system->ram[i].bytes)));
	for (unsigned int i = 0; i < system->n_pools; i++) {
		struct pool *pool = &system->pools[i];
		uint64_t used;

		pthread_mutex_lock(&pool->lock);
		used = pool->used;
		pthread_mutex_unlock(&pool->lock);
		json_array_append_new(pools,
				      json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", pool->name, "pa", hex(pool->pa),
						"bytes", hex(pool->bytes), "used", hex(used), "block",
						pool->block_lg2 ? hex((uint64_t)1 << pool->block_lg2) : json_null()));
	}
	for (unsigned int i = 0; i < system->n_types; i++) {
		json_t *of_type = json_array();

		for (unsigned int k = 0; k < system->types[i].n_pools; k++)
			json_array_append_new(of_type, json_string(system->pools[system->types[i].pools[k]].name));
		json_array_append_new(types, of_type);
	}
	pthread_mutex_lock(&system->lock);
	tables_used = system->table_space.used;
	pthread_mutex_unlock(&system->lock);
	return json_pack("{s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "ram", banks, "pools", pools, "types", types, "tables",
			 "pa", hex(system->tables.pa), "bytes", hex(system->tables.bytes), "used", hex(tables_used));
}

static json_t *parameters(const struct device *device)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < device->format->n_params; i++)
		json_object_set_new(object, device->format->params[i].name, json_integer(device->shape.param[i]));
	return object;
}

static json_t *registers(const struct device *device)
{
	struct pt_register value[16];
	size_t n = device->format->registers(&device->table->pt, value, 16);
	json_t *object = json_object();

	for (size_t i = 0; i < n && i < 16; i++) {
		char text[2 + PT_REGISTER_WORDS * 16 + 1];
		unsigned int words = (value[i].bits + 63) / 64;
		int at = snprintf(text, sizeof(text), "0x%" PRIx64, value[i].value[words ? words - 1 : 0]);

		for (unsigned int k = words; k-- > 1;)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%016" PRIx64, value[i].value[k - 1]);
		json_object_set_new(object, value[i].name, json_string(text));
	}
	return object;
}

static json_t *devices(const struct frozen *frozen)
{
	json_t *array = json_array();

	for (size_t i = 0; i < frozen->n_devices; i++) {
		struct device *device = frozen->devices[i];
		json_t *object;

		pthread_rwlock_rdlock(&device->lock);
		object = json_pack("{s:s, s:s, s:o, s:I}", "name", device->name, "kind",
				   device->kind == VC_DEVICE_CPU      ? "cpu"
				   : device->kind == VC_DEVICE_DIRECT ? "direct"
								      : "translated",
				   "active_in",
				   device->active ? json_integer(device->active->region->number) : json_null(),
				   "faults", (json_int_t)atomic_load(&device->faults));
		if (device->format) {
			json_object_set_new(object, "format", json_string(device->format->name));
			json_object_set_new(object, "parameters", parameters(device));
			json_object_set_new(object, "bus_offset", json_sprintf("%" PRId64, device->bus_offset));
			json_object_set_new(object, "input",
					    json_pack("[o, o]", hex(device->shape.first), hex(device->shape.last)));
			if (device->table)
				json_object_set_new(object, "registers", registers(device));
		}
		pthread_rwlock_unlock(&device->lock);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *tables(const struct region *region)
{
	json_t *array = json_array();

	LIST_FOR(link, &region->mappers)
	{
		struct mapper *mapper = VC_CONTAINER(link, struct mapper, link);
		struct table *table;

		if (region->kind == VC_REGION_CPU)
			break;
		table = table_of(mapper);
		json_array_append_new(array, json_pack("{s:s, s:o, s:I, s:o, s:o, s:i}", "format",
						       table->pt.format->name, "root", hex(pt_root(&table->pt)),
						       "tables", (json_int_t)PT_READ_ONCE(&table->pt.n_tables), "bytes",
						       hex(PT_READ_ONCE(&table->pt.table_bytes)), "written",
						       hex(atomic_load(&table->written)), "users", (int)mapper->users));
	}
	return array;
}

static json_t *reservations(const struct region *region)
{
	struct vc_range_node *node = NULL;
	json_t *array = json_array();

	while ((node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		json_t *object = json_pack("{s:o, s:o, s:s, s:s}", "address", hex(reservation->address), "bytes",
					   hex(reservation->bytes), "rights", rights_name(reservation->rights).text,
					   "cache", cache_name(reservation->cache));
		json_t *segments = json_array();
		uint64_t left = reservation->state == BACKED ? reservation->backed : 0;

		for (size_t i = 0; left; i++) {
			const struct pt_segment *segment = &reservation->phys->segments[i];
			uint64_t bytes = segment->bytes < left ? segment->bytes : left;

			json_array_append_new(segments,
					      json_pack("{s:o, s:o}", "pa", hex(segment->pa), "bytes", hex(bytes)));
			left -= bytes;
		}
		if (reservation->state == BACKED)
			json_object_set_new(object, "backed_by", segments);
		else
			json_decref(segments);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *associations(const struct region *region)
{
	json_t *array = json_array();

	LIST_FOR(link, &region->associations)
	{
		const struct association *association = VC_CONTAINER(link, struct association, link);

		json_array_append_new(array, json_pack("{s:s, s:b}", "device", association->device->name, "active",
						       (int)association->active));
	}
	return array;
}

static json_t *regions(const struct frozen *frozen)
{
	json_t *array = json_array();

	for (size_t i = 0; i < frozen->n_regions; i++) {
		struct region *region = frozen->regions[i];

		json_array_append_new(array, json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "number",
						       (int)region->number, "kind",
						       region->kind == VC_REGION_CPU	    ? "cpu"
						       : region->kind == VC_REGION_IDENTITY ? "identity"
											    : "device",
						       "first", hex(region->ranges.first), "last",
						       hex(region->ranges.last), "associations", associations(region),
						       "tables", tables(region), "reservations", reservations(region)));
	}
	return array;
}

int vc_dump_json(struct vc_system *handle, FILE *stream)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct frozen frozen;
	json_t *root;
	int error = 0;

	if (!system)
		return -EINVAL;
	error = stream ? freeze(system, &frozen) : vc_fail(-EINVAL, "", 0, "stream is NULL");
	if (!error) {
		root = json_pack("{s:o, s:o, s:o}", "memory", memory(system), "devices", devices(&frozen), "regions",
				 regions(&frozen));
		thaw(&frozen);
		if (!root)
			error = vc_fail(-ENOMEM, "", 0, "no memory for the document");
		else if (json_dumpf(root, stream, JSON_INDENT(2)) || fputc('\n', stream) == EOF)
			error = vc_fail(-EIO, "", 0, "writing the document failed");
		json_decref(root);
	}
	object_put(&system->object);
	return error;
}

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

static json_t *parameters(const struct stage *stage)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < stage->format->n_params; i++)
		json_object_set_new(object, stage->format->params[i].name, json_integer(stage->shape.param[i]));
	return object;
}

static json_t *registers(const struct table *table)
{
	struct pt_register value[16];
	size_t n = table->pt.format->registers(&table->pt, value, 16);
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

static const char *half_name(enum vc_half half)
{
	return half == VC_UPPER ? "upper" : half == VC_LOWER ? "lower" : "whole";
}

/* What the device is loaded with; nothing: it is blocked, or bypasses. Device lock held. */
static json_t *loaded(const struct device *device)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < 2; i++) {
		const struct loaded *it = &device->loaded[i];
		json_t *object;

		if (!it->association)
			continue;
		object = json_pack("{s:i, s:s}", "region", (int)it->association->region->number, "half",
				   half_name(it->association->half));
		if (it->association->split)
			json_object_set_new(object, "split", json_integer(it->association->split));
		if (it->table)
			json_object_set_new(object, "registers", registers(it->table));
		if (it->stage2)
			json_object_set_new(object, "registers_of_stage_2", registers(it->stage2));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *stage(const struct stage *stage)
{
	return json_pack("{s:s, s:o, s:[o, o]}", "format", stage->format->name, "parameters", parameters(stage),
			 "input", hex(stage->shape.first), hex(stage->shape.last));
}

static json_t *reserved(const struct device *device)
{
	json_t *array = json_array();

	for (size_t i = 0; i < device->n_reserved; i++)
		json_array_append_new(array, json_pack("{s:o, s:o, s:s}", "first", hex(device->reserved[i].first),
						       "bytes", hex(device->reserved[i].bytes), "identity",
						       rights_name(device->reserved[i].identity).text));
	return array;
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
				   "loaded", loaded(device), "faults", (json_int_t)atomic_load(&device->faults));
		if (device->stage[0].format) {
			json_object_set_new(object, "stage_1", stage(&device->stage[0]));
			json_object_set_new(object, "bus_offset", json_sprintf("%" PRId64, device->bus_offset));
			json_object_set_new(object, "bypass", json_boolean(device->bypass));
			json_object_set_new(object, "reserved", reserved(device));
		}
		if (device->stage[1].format)
			json_object_set_new(object, "stage_2", stage(&device->stage[1]));
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
		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:o, s:I, s:o, s:o, s:i}", "format", table->pt.format->name,
						"stage", table->stage == &table->made_for->stage[1] ? 2 : 1, "root",
						hex(pt_root(&table->pt)), "tables",
						(json_int_t)PT_READ_ONCE(&table->pt.n_tables), "bytes",
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
					      json_pack("{s:o, s:o}",
							segment->pa == PHYS_HOLE ? "hole"
							: reservation->phys->of	 ? "address"
										 : "pa",
							segment->pa == PHYS_HOLE ? json_true() : hex(segment->pa),
							"bytes", hex(bytes)));
			left -= bytes;
		}
		if (reservation->guard)
			json_object_set_new(object, "guard", hex(reservation->guard));
		if (reservation->unshared)
			json_object_set_new(object, "unshared", json_true());
		if (reservation->state == BACKED && !reservation->shareable)
			json_object_set_new(object, "shareable", json_false());
		if (reservation->pins)
			json_object_set_new(object, "tables_of_regions", json_integer(reservation->pins));
		if (reservation->state == BACKED)
			json_object_set_new(object, "memory", json_integer(reservation->phys->object.index));
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

		json_array_append_new(array, json_pack("{s:s, s:b, s:s}", "device", association->device->name, "active",
						       (int)association->active, "half", half_name(association->half)));
	}
	return array;
}

static json_t *bounds(const struct region *region)
{
	json_t *array = json_array();

	LIST_FOR(link, &region->bounds)
	{
		const struct bound *bound = VC_CONTAINER(link, struct bound, link);

		json_array_append_new(array,
				      json_pack("{s:o, s:o}", "first", hex(bound->first), "last", hex(bound->last)));
	}
	return array;
}

static json_t *regions(const struct frozen *frozen)
{
	json_t *array = json_array();

	for (size_t i = 0; i < frozen->n_regions; i++) {
		struct region *region = frozen->regions[i];

		json_array_append_new(
			array,
			json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number", (int)region->number,
				  "kind",
				  region->kind == VC_REGION_CPU	       ? "cpu"
				  : region->kind == VC_REGION_IDENTITY ? "identity"
								       : "device",
				  "first", hex(region->ranges.first), "last", hex(region->ranges.last), "below",
				  region->parent ? json_integer(region->parent->number) : json_null(), "backed",
				  hex(region->backed), "bounds", bounds(region), "associations", associations(region),
				  "tables", tables(region), "reservations", reservations(region)));
	}
	return array;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static json_t *blocks(const struct phys *phys)
{
	json_t *array = json_array();

	for (size_t i = 0; i < phys->n_blocks; i++) {
		const struct phys_block *block = &phys->blocks[i];

		json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "pa", hex(block->first), "bytes",
						       hex(block->last - block->first + 1), "pool",
						       block->pool ? json_string(block->pool->name) : json_null()));
	}
	return array;
}

/* Reservations that map some of the same memory and do not agree on how it is cached. That is refused, so there are
 * none. */
static bool disagrees(const struct phys *phys)
{
	LIST_FOR(link, &phys->backs)
	{
		const struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

		if (phys_conflict(phys, reservation->backed, reservation->cache, reservation))
			return true;
	}
	return false;
}

/* All memory that there is, in order of address, each with what it backs: who shares it, and where it has aliases. */
static json_t *allocations(struct system *system)
{
	json_t *array = json_array();

	pthread_mutex_lock(&system->graph);
	for (struct tree_node *node = tree_first(&system->blocks); node; node = tree_next(node)) {
		const struct phys_block *block = VC_CONTAINER(node, struct phys_block, tree);
		const struct phys *phys = block->phys;
		json_t *backs = json_array(), *composed = json_array();

		if (block != &phys->blocks[0]) {
			json_decref(backs);
			json_decref(composed);
			continue;
		}
		LIST_FOR(link, &phys->backs)
		{
			const struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

			json_array_append_new(backs, json_pack("{s:i, s:o}", "region", (int)reservation->region->number,
							       "address", hex(reservation->address)));
		}
		for (size_t i = 0; i < phys->n_parts; i++)
			json_array_append_new(composed, json_integer(phys->parts[i]->object.index));
		json_array_append_new(array, json_pack("{s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:b}", "memory",
						       (int)phys->object.index, "requested", hex(phys->requested),
						       "bytes", hex(phys->bytes), "origin",
						       phys->n_parts		  ? "composed"
						       : phys->import		  ? "file"
						       : phys->type == VC_NO_TYPE ? "wrapped"
										  : "allocated",
						       "blocks", blocks(phys), "backs", backs, "parts", composed,
						       "conflict", (int)disagrees(phys)));
	}
	pthread_mutex_unlock(&system->graph);
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
		root = json_pack("{s:o, s:o, s:o, s:o}", "memory", memory(system), "allocations", allocations(system),
				 "devices", devices(&frozen), "regions", regions(&frozen));
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

/* SPDX-License-Identifier: MIT */
/* replay_regions.c - see replay.h: regions, associations, reservations. */
#include "replay.h"

#include <stdlib.h>

/* ---------------------------------------------------------------------------------------------------------- regions */

static void new_region(struct replay *replay, int result, struct vc_region *region)
{
	struct vc_region **more;
	struct vc_region_info info;

	if (!replay_result_is(replay, result, region))
		return;
	more = realloc(replay->regions, (replay->n_regions + 1) * sizeof(struct vc_region *));
	if (!more) {
		replay_complain(replay, "out of memory");
		return;
	}
	replay->regions = more;
	replay->regions[replay->n_regions++] = region;
	if (vc_region_info(region, &info) || info.kind != VC_REGION_CPU)
		return;
	struct window *windows = realloc(replay->windows, (replay->n_windows + 1) * sizeof(*windows));

	if (!windows) {
		replay_complain(replay, "out of memory");
		return;
	}
	replay->windows = windows;
	windows[replay->n_windows++] =
		(struct window){replay_number(replay, "first"), replay_number(replay, "last"), info.first};
}

static void do_region_create(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create(replay_object(replay, "system"), replay_number(replay, "start"),
				      replay_number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_cpu(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_cpu(replay_object(replay, "system"), replay_number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_identity(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_identity(replay_object(replay, "system"), replay_number(replay, "start"),
					       replay_number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_create_nested(struct replay *replay)
{
	struct vc_region *region = NULL;
	int result = vc_region_create_nested(replay_object(replay, "below"), replay_object(replay, "tables"),
					     replay_number(replay, "start"), replay_number(replay, "bytes"), &region);

	new_region(replay, result, region);
}

static void do_region_clone(struct replay *replay)
{
	const json_t *reservations = json_object_get(replay->call, "reservations");
	const json_t *bounds = json_object_get(replay->call, "bounds");
	struct vc_reservation *reservation = NULL;
	struct vc_bound *bound = NULL;
	struct vc_region *region = NULL;
	int result = vc_region_clone(replay_object(replay, "region"), &region);
	size_t n = 0;
	uint64_t then;

	new_region(replay, result, region);
	if (result)
		return;
	for (; !vc_reservation_next(region, reservation, &reservation); n++)
		if (replay_hex(json_array_get(reservations, n), &then))
			replay_remember(replay, then, reservation);
	if (n != json_array_size(reservations))
		replay_differs(replay, "the number of reservations", json_array_size(reservations), n);
	for (n = 0; !vc_bound_next(region, bound, &bound); n++)
		if (replay_hex(json_array_get(bounds, n), &then))
			replay_remember(replay, then, bound);
}

static void do_region_free(struct replay *replay)
{
	struct vc_region *region = replay_object(replay, "region");

	if (!replay_result_is(replay, vc_region_free(region), NULL))
		return;
	for (size_t i = 0; i < replay->n_regions; i++)
		if (replay->regions[i] == region)
			replay->regions[i] = replay->regions[--replay->n_regions];
}

/* ----------------------------------------------------------------------------------------------------- associations */

static void do_associate(struct replay *replay)
{
	struct vc_association *association = NULL;
	int result = vc_associate(replay_object(replay, "region"), replay_object(replay, "device"),
				  (uint32_t)replay_number(replay, "attr"), &association);

	replay_result_is(replay, result, association);
}

static void do_dissociate(struct replay *replay)
{
	replay_result_is(replay, vc_dissociate(replay_object(replay, "association")), NULL);
}

static void do_dissociate_crashed(struct replay *replay)
{
	replay_result_is(replay, vc_dissociate_crashed(replay_object(replay, "association")), NULL);
}

static void do_association_split(struct replay *replay)
{
	replay_result_is(replay,
			 vc_association_split(replay_object(replay, "association"),
					      (enum vc_half)replay_number(replay, "half"),
					      (unsigned int)replay_number(replay, "bits")),
			 NULL);
}

static void do_association_set_attr(struct replay *replay)
{
	replay_result_is(
		replay,
		vc_association_set_attr(replay_object(replay, "association"), (uint32_t)replay_number(replay, "attr")),
		NULL);
}

static void do_activate(struct replay *replay)
{
	replay_result_is(replay, vc_activate(replay_object(replay, "association")), NULL);
}

static void do_deactivate(struct replay *replay)
{
	replay_result_is(replay, vc_deactivate(replay_object(replay, "association")), NULL);
}

static void do_replace(struct replay *replay)
{
	replay_result_is(replay, vc_replace(replay_object(replay, "from"), replay_object(replay, "to")), NULL);
}

/* ----------------------------------------------------------------------------------------------------- reservations */

static void do_bound_create(struct replay *replay)
{
	struct vc_bound *bound = NULL;
	struct vc_bound_info info;
	int result = vc_bound_create(replay_object(replay, "region"), replay_number(replay, "bytes"),
				     replay_number(replay, "align"), &bound);

	if (replay_result_is(replay, result, bound) && !vc_bound_info(bound, &info) &&
	    info.address != replay_move(replay, replay_number(replay, "address")))
		replay_differs(replay, "the address", replay_number(replay, "address"), info.address);
}

static void do_bound_free(struct replay *replay)
{
	replay_result_is(replay, vc_bound_free(replay_object(replay, "bound")), NULL);
}

static void do_reserve(struct replay *replay)
{
	struct vc_reserve_args args = {.bytes = replay_number(replay, "bytes"),
				       .align = replay_number(replay, "align"),
				       .low = replay_number(replay, "low"),
				       .high = replay_number(replay, "high"),
				       .guard = replay_number(replay, "guard"),
				       .unshared = json_is_true(json_object_get(replay->call, "unshared")),
				       .fixed = json_is_true(json_object_get(replay->call, "fixed")),
				       .rights = (unsigned int)replay_number(replay, "rights"),
				       .cache = (enum vc_cache)replay_number(replay, "cache"),
				       .attr = (uint32_t)replay_number(replay, "attr"),
				       .bound = replay_object(replay, "bound")};
	struct vc_region_info region = {.kind = VC_REGION_DEVICE};
	struct vc_reservation_info info;
	struct vc_reservation *reservation = NULL;
	uint64_t address = replay_number(replay, "address");
	bool window;
	int result;

	window = !vc_region_info(replay_object(replay, "region"), &region) && region.kind == VC_REGION_CPU;
	args.at = window ? replay_move(replay, replay_number(replay, "at")) : replay_number(replay, "at");
	result = vc_reserve(replay_object(replay, "region"), json_object_get(replay->call, "bytes") ? &args : NULL,
			    &reservation);
	if (replay_result_is(replay, result, reservation) && !vc_reservation_info(reservation, &info) &&
	    info.address != (window ? replay_move(replay, address) : address))
		replay_differs(replay, "the address", address, info.address);
}

static void do_unreserve(struct replay *replay)
{
	replay_result_is(replay, vc_unreserve(replay_object(replay, "reservation")), NULL);
}

static void do_reservation_set(struct replay *replay)
{
	replay_result_is(replay,
			 vc_reservation_set(replay_object(replay, "reservation"),
					    (unsigned int)replay_number(replay, "rights"),
					    (enum vc_cache)replay_number(replay, "cache"),
					    (uint32_t)replay_number(replay, "attr")),
			 NULL);
}

static void do_copy(struct replay *replay)
{
	uint64_t copied = 0;
	int result =
		vc_copy(replay_object(replay, "to"), replay_number(replay, "to_offset"), replay_object(replay, "from"),
			replay_number(replay, "from_offset"), replay_number(replay, "bytes"), &copied);

	if (replay_result_is(replay, result, NULL))
		replay_compare(replay, "copied", copied);
}

const struct replay_call replay_region_calls[] = {
	REPLAY_CALL(region_create),
	REPLAY_CALL(region_create_cpu),
	REPLAY_CALL(region_create_identity),
	REPLAY_CALL(region_create_nested),
	REPLAY_CALL(region_clone),
	REPLAY_CALL(region_free),
	REPLAY_CALL(associate),
	REPLAY_CALL(dissociate),
	REPLAY_CALL(dissociate_crashed),
	REPLAY_CALL(association_split),
	REPLAY_CALL(association_set_attr),
	REPLAY_CALL(activate),
	REPLAY_CALL(deactivate),
	REPLAY_CALL(replace),
	REPLAY_CALL(bound_create),
	REPLAY_CALL(bound_free),
	REPLAY_CALL(reserve),
	REPLAY_CALL(unreserve),
	REPLAY_CALL(reservation_set),
	REPLAY_CALL(copy),
	{NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* phys.c - physical allocations, and the index from a physical address to what maps it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BLOCK(node) VC_CONTAINER(node, struct phys_block, tree)

/* ------------------------------------------------------------------------------------------------------------ index */

static void index_insert(struct system *system, struct phys_block *block)
{
	struct tree_node **link = &system->blocks.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = block->first < BLOCK(parent)->first ? &parent->left : &parent->right;
	}
	tree_insert(&system->blocks, &block->tree, parent, link);
}

/* The first block in order of address that overlaps [first, last]. */
static struct tree_node *first_overlap(struct tree_node *node, uint64_t first, uint64_t last)
{
	while (node) {
		if (node->left && BLOCK(node->left)->last_below >= first) {
			node = node->left;
			continue; /* if none overlaps there, all that follow begin beyond last */
		}
		if (BLOCK(node)->first <= last && BLOCK(node)->last >= first)
			return node;
		if (BLOCK(node)->first > last)
			return NULL;
		node = node->right;
	}
	return NULL;
}

static struct phys_block *next_overlap(const struct system *system, const struct phys_block *after, uint64_t first,
				       uint64_t last)
{
	struct tree_node *node = after ? tree_next(&after->tree) : first_overlap(system->blocks.root, first, last);

	for (; node && BLOCK(node)->first <= last; node = tree_next(node))
		if (BLOCK(node)->last >= first)
			return BLOCK(node);
	return NULL;
}

struct phys_block *phys_block_containing(const struct system *system, uint64_t pa, const struct phys_block *after)
{
	return next_overlap(system, after, pa, pa);
}

/* A mapping of the first bytes of phys, from offset on, that does not agree. */
static struct reservation *disagrees(const struct phys *phys, uint64_t offset, enum vc_cache cache,
				     const struct reservation *except)
{
	if (phys->pinned && phys->pinned != except && phys->pinned->cache != cache)
		return phys->pinned;
	LIST_FOR(link, &phys->backs)
	{
		struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

		if (reservation != except && reservation->cache != cache && reservation->backed > offset)
			return reservation;
	}
	return NULL;
}

struct reservation *phys_conflict(const struct phys *phys, uint64_t bytes, enum vc_cache cache,
				  const struct reservation *except)
{
	struct reservation *found = disagrees(phys, 0, cache, except);

	/* Ranges of a region are no memory; what is behind them is compared there. What pools gave overlaps nothing but
	 * what was wrapped. */
	if (phys->of || !phys->system->n_wrapped)
		return found;
	for (size_t i = 0; i < phys->n_blocks && !found; i++) {
		const struct phys_block *mine = &phys->blocks[i], *other = NULL;

		if (mine->offset >= bytes)
			break;
		while (!found && (other = next_overlap(phys->system, other, mine->first, mine->last)))
			if (other->phys != phys)
				found = disagrees(other->phys, other->offset, cache, except);
	}
	return found;
}

static void each_of(const struct phys *phys, uint64_t offset,
		    void (*fn)(void *ctx, struct reservation *reservation, bool shareable), void *ctx)
{
	if (phys->pinned)
		fn(ctx, phys->pinned, phys->pinned_shareable);
	LIST_FOR(link, &phys->backs)
	{
		struct reservation *reservation = VC_CONTAINER(link, struct reservation, link);

		if (reservation->backed > offset)
			fn(ctx, reservation, reservation->shareable);
	}
}

void phys_for_each_sharer(const struct phys *phys, uint64_t bytes,
			  void (*fn)(void *ctx, struct reservation *reservation, bool shareable), void *ctx)
{
	each_of(phys, 0, fn, ctx);
	if (phys->of || !phys->system->n_wrapped)
		return;
	for (size_t i = 0; i < phys->n_blocks && phys->blocks[i].offset < bytes; i++) {
		const struct phys_block *mine = &phys->blocks[i], *other = NULL;

		while ((other = next_overlap(phys->system, other, mine->first, mine->last)))
			if (other->phys != phys)
				each_of(other->phys, other->offset, fn, ctx);
	}
}

uint64_t phys_at(const struct phys *phys, uint64_t offset)
{
	size_t low = 0, high = phys->n_blocks;

	if (offset < phys->blocks[0].offset)
		return PHYS_HOLE;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (phys->blocks[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	offset -= phys->blocks[low].offset;
	return offset <= phys->blocks[low].last - phys->blocks[low].first ? phys->blocks[low].first + offset
									  : PHYS_HOLE;
}

/* ------------------------------------------------------------------------------------------------------- allocation */

static void destroy(struct object *object)
{
	struct phys *phys = VC_CONTAINER(object, struct phys, object);

	for (size_t i = 0; i < phys->n_blocks; i++) {
		const struct phys_block *block = &phys->blocks[i];
		struct piece piece = {.pa = block->first,
				      .bytes = block->last - block->first + 1,
				      .pool = block->pool,
				      .node = block->node};

		if (block->pool)
			pool_give(&piece);
	}
	if (phys->import)
		import_put(phys->system, phys->import);
	for (size_t i = 0; i < phys->n_parts; i++)
		object_put(&phys->parts[i]->object);
	if (phys->of)
		object_put(&phys->of->object);
	free(phys->parts);
	free(phys->blocks);
	free(phys->segments);
	object_put(&phys->system->object);
	free(phys);
}

/* Make the object of n pieces, which it takes over where it succeeds. */
static int create(struct system *system, const struct piece *pieces, size_t n, struct phys **out)
{
	struct phys *phys = object_new(OBJECT_PHYS, sizeof(*phys), destroy);

	if (!phys)
		return -ENOMEM;
	phys->system = system;
	object_hold(&system->object);
	list_init(&phys->backs);
	list_init(&phys->range_link);
	phys->blocks = vc_calloc(n, sizeof(*phys->blocks));
	phys->segments = vc_calloc(n, sizeof(*phys->segments));
	if (!phys->blocks || !phys->segments) {
		object_kill(&phys->object);
		return vc_fail(-ENOMEM, "", 0, "no memory for a list of %zu blocks", n);
	}
	for (size_t i = 0; i < n; i++) {
		struct phys_block *block = &phys->blocks[phys->n_blocks];
		struct pt_segment *last = phys->n_segments ? &phys->segments[phys->n_segments - 1] : NULL;
		bool is_hole = pieces[i].pa == PHYS_HOLE;

		phys->bytes += pieces[i].bytes;
		phys->holes = phys->holes || is_hole;
		if (last && (is_hole ? last->pa == PHYS_HOLE : last->pa + last->bytes == pieces[i].pa))
			last->bytes += pieces[i].bytes;
		else
			phys->segments[phys->n_segments++] = (struct pt_segment){pieces[i].pa, pieces[i].bytes};
		if (is_hole)
			continue;
		phys->n_blocks++;
		*block = (struct phys_block){.first = pieces[i].pa,
					     .last = pieces[i].pa + pieces[i].bytes - 1,
					     .offset = phys->bytes - pieces[i].bytes,
					     .phys = phys,
					     .pool = pieces[i].pool,
					     .node = pieces[i].node};
	}
	*out = phys;
	return 0;
}

void phys_index(struct phys *phys)
{
	if (phys->of) {
		list_append(&phys->of->ranges_of, &phys->range_link);
		return;
	}
	phys->system->n_wrapped += !phys->blocks[0].pool;
	for (size_t i = 0; i < phys->n_blocks; i++) {
		phys->blocks[i].phys = phys;
		index_insert(phys->system, &phys->blocks[i]);
	}
}

void phys_unindex(struct phys *phys)
{
	if (phys->of) {
		list_remove(&phys->range_link);
		return;
	}
	phys->system->n_wrapped -= !phys->blocks[0].pool;
	for (size_t i = 0; i < phys->n_blocks; i++)
		tree_remove(&phys->system->blocks, &phys->blocks[i].tree);
}

/* Let the world see it. */
static void publish(struct phys *phys)
{
	struct system *system = phys->system;

	pthread_mutex_lock(&system->graph);
	phys_index(phys);
	pthread_mutex_unlock(&system->graph);
}

static int count(struct system *system, const char *function)
{
	int error = 0;

	pthread_mutex_lock(&system->lock);
	if (system->dead)
		error = vc_fail_at(function, -EINVAL, "", 0, "stale handle: the system has been freed");
	else
		system->n_phys++;
	pthread_mutex_unlock(&system->lock);
	return error;
}

static void uncount(struct system *system)
{
	pthread_mutex_lock(&system->lock);
	system->n_phys--;
	pthread_mutex_unlock(&system->lock);
}

static unsigned int log2_of(uint64_t power)
{
	return power ? (unsigned int)__builtin_ctzll(power) : 0;
}

static int allocate(struct system *system, const struct vc_phys_args *args, struct munch *got)
{
	const struct vc_type_config *type = &system->types[args->type];
	struct pool *pools[VC_TYPE_POOLS];
	uint64_t sizes = args->sizes;
	struct piece piece;
	int error = -ENOSPC;

	if (args->contiguous) {
		for (unsigned int i = 0; i < type->n_contiguous && error == -ENOSPC; i++)
			error = pool_take_piece(&system->pools[type->contiguous[i]],
						(args->bytes + VC_PAGE - 1) & ~(VC_PAGE - 1),
						args->align > VC_PAGE ? log2_of(args->align) : VC_PAGE_LG2, &piece);
		if (!error) {
			*got = (struct munch){
				.pieces = vc_calloc(1, sizeof(piece)), .n = 1, .room = 1, .bytes = piece.bytes};
			if (!got->pieces) {
				pool_give(&piece);
				return vc_fail_at("vc_phys_alloc", -ENOMEM, "", 0, "no memory for its list");
			}
			got->pieces[0] = piece;
			return 0;
		}
		return vc_fail_at("vc_phys_alloc", error, "", 0, "no contiguous 0x%" PRIx64 " bytes in memory type %u",
				  args->bytes, args->type);
	}
	for (unsigned int i = 0; i < type->n_pools; i++)
		pools[i] = &system->pools[type->pools[i]];
	/* Blocks are naturally aligned: a larger alignment is a matter of leaving the smaller blocks out. */
	if (args->align > VC_PAGE)
		sizes = (sizes ? sizes : UINT64_MAX) & ~(args->align - 1);
	if (!sizes && args->align > VC_PAGE)
		return vc_fail_at("vc_phys_alloc", -EINVAL, "", 0,
				  "no block of the sizes asked for is a multiple of the alignment 0x%" PRIx64,
				  args->align);
	error = munch(pools, type->n_pools, sizes, args->bytes, got);
	if (error == -EINVAL)
		return vc_fail_at("vc_phys_alloc", error, "", 0, "memory type %u has no blocks of the sizes asked for",
				  args->type);
	if (error)
		return vc_fail_at("vc_phys_alloc", error, "", 0,
				  "memory type %u cannot give 0x%" PRIx64 " bytes in blocks of the sizes asked for",
				  args->type, args->bytes);
	return 0;
}

int vc_phys_alloc(struct vc_system *handle, const struct vc_phys_args *args, struct vc_phys **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct munch got;
	struct phys *phys;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!args || !out)
		error = vc_fail(-EINVAL, "", 0, "arguments or out are NULL");
	else if (args->type >= system->n_types)
		error = vc_fail(-EINVAL, "", 0, "no memory type %u; there are %u", args->type, system->n_types);
	else if (!args->bytes || args->bytes > UINT64_MAX >> 1)
		error = vc_fail(-EINVAL, "", 0, "a length of 0x%" PRIx64 " bytes", args->bytes);
	else if (args->align & (args->align - 1))
		error = vc_fail(-EINVAL, "", 0, "the alignment 0x%" PRIx64 " is no power of two", args->align);
	else
		error = count(system, __func__);
	if (error)
		goto out;
	error = allocate(system, args, &got);
	if (!error) {
		error = create(system, got.pieces, got.n, &phys);
		if (error) {
			munch_give(&got);
		} else {
			free(got.pieces);
			phys->requested = args->bytes;
			phys->type = args->type;
			phys->attr = args->attr;
			for (size_t i = 0; i < phys->n_segments; i++)
				memset(system->view->base + phys->segments[i].pa, 0, (size_t)phys->segments[i].bytes);
			publish(phys);
			*out = HANDLE(vc_phys, phys);
		}
	}
	if (error)
		uncount(system);
out:
	object_put(&system->object);
	return error;
}

int phys_create(struct system *system, const struct piece *pieces, size_t n, const char *function, struct phys **out)
{
	int error = count(system, function);

	if (error)
		return error;
	error = create(system, pieces, n, out);
	if (error) {
		uncount(system);
		return error;
	}
	(*out)->requested = (*out)->bytes;
	(*out)->type = VC_NO_TYPE;
	return 0;
}

void phys_discard(struct phys *phys)
{
	uncount(phys->system);
	object_kill(&phys->object);
}

int phys_wrap(struct system *system, uint64_t pa, uint64_t bytes, struct import *import, const char *function,
	      struct vc_phys **out)
{
	struct piece piece = {.pa = pa, .bytes = bytes};
	struct phys *phys;
	int error = phys_create(system, &piece, 1, function, &phys);

	if (!error) {
		phys->import = import;
		publish(phys);
		*out = HANDLE(vc_phys, phys);
	} else if (import) {
		import_put(system, import);
	}
	return error;
}

int vc_phys_wrap(struct vc_system *handle, uint64_t pa, uint64_t bytes, struct vc_phys **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	int error;

	if (!system)
		return -EINVAL;
	if (!out || !bytes || ((pa | bytes) & (VC_PAGE - 1)) || bytes - 1 > UINT64_MAX - pa)
		error = vc_fail(-EINVAL, "", pa, "[0x%" PRIx64 ", +0x%" PRIx64 ") is not made of whole pages", pa,
				bytes);
	else
		error = phys_wrap(system, pa, bytes, NULL, __func__, out);
	object_put(&system->object);
	return error;
}

int vc_phys_of_region(struct vc_region *handle, uint64_t address, uint64_t bytes, struct vc_phys **out)
{
	struct region *region = object_get(OBJECT_REGION, handle, __func__);
	struct piece piece = {.pa = address, .bytes = bytes};
	struct phys *phys;
	int error = 0;

	if (!region)
		return -EINVAL;
	if (!out || !bytes || ((address | bytes) & (VC_PAGE - 1)) || bytes - 1 > UINT64_MAX - address)
		error = vc_fail(-EINVAL, "", address, "[0x%" PRIx64 ", +0x%" PRIx64 ") is not made of whole pages",
				address, bytes);
	else if (region->kind != VC_REGION_DEVICE || region->parent)
		error = vc_fail(-EINVAL, describe_region(region).text, address,
				"only a region of devices that is on no other one can be below a region");
	else if (address < region->ranges.first || address + (bytes - 1) > region->ranges.last)
		error = vc_fail(-ERANGE, describe_region(region).text, address,
				"[0x%" PRIx64 ", +0x%" PRIx64 ") is not in the region", address, bytes);
	else
		error = phys_create(region->system, &piece, 1, __func__, &phys);
	if (!error) {
		phys->of = region;
		object_hold(&region->object);
		publish(phys);
		*out = HANDLE(vc_phys, phys);
	}
	object_put(&region->object);
	return error;
}

/* Segments, sorted by address, to see whether they overlap. */
static int by_address(const void *a, const void *b)
{
	const struct vc_span *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

static int check_segments(const struct vc_span *segments, size_t n)
{
	struct vc_span *sorted = vc_calloc(n, sizeof(*sorted));
	uint64_t total = 0;
	int error = 0;

	if (!sorted)
		return vc_fail_at("vc_phys_import", -ENOMEM, "", 0, "no memory to look at %zu segments", n);
	for (size_t i = 0; i < n && !error; i++) {
		if (!segments[i].bytes || ((segments[i].pa | segments[i].bytes) & (VC_PAGE - 1)) ||
		    segments[i].bytes - 1 > UINT64_MAX - segments[i].pa ||
		    segments[i].bytes > (UINT64_MAX >> 1) - total)
			error = vc_fail_at("vc_phys_import", -EINVAL, "", segments[i].pa,
					   "segment %zu, [0x%" PRIx64 ", +0x%" PRIx64 "), is not made of whole pages",
					   i, segments[i].pa, segments[i].bytes);
		total += segments[i].bytes;
		sorted[i] = segments[i];
	}
	if (!error)
		qsort(sorted, n, sizeof(*sorted), by_address);
	for (size_t i = 1; i < n && !error; i++)
		if (sorted[i - 1].pa + (sorted[i - 1].bytes - 1) >= sorted[i].pa)
			error = vc_fail_at("vc_phys_import", -EINVAL, "", sorted[i].pa, "two segments hold 0x%" PRIx64,
					   sorted[i].pa);
	free(sorted);
	return error;
}

int vc_phys_import(struct vc_system *handle, const struct vc_span *segments, size_t n, struct vc_phys **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct piece *pieces = NULL;
	struct phys *phys;
	int error;

	if (!system)
		return -EINVAL;
	error = segments && n && out ? check_segments(segments, n)
				     : vc_fail(-EINVAL, "", 0, "segments or out are NULL, or there is no segment");
	if (!error) {
		pieces = vc_calloc(n, sizeof(*pieces));
		if (!pieces)
			error = vc_fail(-ENOMEM, "", 0, "no memory for a list of %zu segments", n);
	}
	for (size_t i = 0; i < n && !error; i++)
		pieces[i] = (struct piece){.pa = segments[i].pa, .bytes = segments[i].bytes};
	if (!error)
		error = phys_create(system, pieces, n, __func__, &phys);
	if (!error) {
		publish(phys);
		*out = HANDLE(vc_phys, phys);
	}
	free(pieces);
	object_put(&system->object);
	return error;
}

int vc_phys_export(struct vc_phys *handle, struct vc_span *out, size_t max, size_t *count_out)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__);
	int error = 0;

	if (!phys)
		return -EINVAL;
	if (!count_out || (max && !out)) {
		error = vc_fail(-EINVAL, "", 0, "out or count are NULL");
	} else {
		for (size_t i = 0; i < phys->n_segments && i < max; i++)
			out[i] = (struct vc_span){phys->segments[i].pa, phys->segments[i].bytes};
		*count_out = phys->n_segments;
	}
	object_put(&phys->object);
	return error;
}

int vc_phys_free(struct vc_phys *handle)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__);
	struct system *system;
	int error = 0;

	if (!phys)
		return -EINVAL;
	system = phys->system;
	pthread_mutex_lock(&system->graph);
	if (phys->dead) {
		error = vc_fail(-EINVAL, "", 0, "stale handle: the memory has been freed");
	} else if (phys->pinned) {
		error = vc_fail(-EBUSY, describe_phys(phys).text, phys->blocks[0].first,
				"another thread is putting it behind a reservation");
	} else if (phys->n_composed) {
		error = vc_fail(-EBUSY, describe_phys(phys).text, phys->blocks[0].first,
				"%zu other memories are composed of it", phys->n_composed);
	} else if (phys->n_backs) {
		struct reservation *first = VC_CONTAINER(phys->backs.next, struct reservation, link);

		error = vc_fail(-EBUSY, describe_phys(phys).text, phys->blocks[0].first,
				"it backs %zu reservations; one is %s", phys->n_backs,
				describe_reservation(first).text);
	} else {
		phys->dead = true;
		phys_unindex(phys);
		for (size_t i = 0; i < phys->n_parts; i++)
			phys->parts[i]->n_composed--;
	}
	pthread_mutex_unlock(&system->graph);
	if (!error) {
		uncount(system);
		object_kill(&phys->object);
	}
	object_put(&phys->object);
	return error;
}

int vc_phys_info(struct vc_phys *handle, struct vc_phys_info *out)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__);

	if (!phys)
		return -EINVAL;
	if (out) {
		pthread_mutex_lock(&phys->system->graph);
		*out = (struct vc_phys_info){.requested = phys->requested,
					     .bytes = phys->bytes,
					     .blocks = phys->n_blocks,
					     .type = phys->type,
					     .attr = phys->attr,
					     .reservations = phys->n_backs,
					     .composed = phys->n_composed,
					     .of = phys->of ? HANDLE(vc_region, phys->of) : NULL};
		pthread_mutex_unlock(&phys->system->graph);
	}
	object_put(&phys->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}

int vc_phys_block(struct vc_phys *handle, size_t i, struct vc_span *out)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__);
	int error = 0;

	if (!phys)
		return -EINVAL;
	if (!out) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	} else if (i >= phys->n_blocks) {
		error = -ENOENT;
	} else {
		out->pa = phys->blocks[i].first;
		out->bytes = phys->blocks[i].last - phys->blocks[i].first + 1;
	}
	object_put(&phys->object);
	return error;
}

/* SPDX-License-Identifier: MIT */
/* vcm_alloc.c - the block allocator of 2010, see vcm_alloc.h. */
#include "vcm_alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "alloc.h"
#include "fail.h"

#define TABLE_BYTES ((uint64_t)16 << 20)
#define MOST_TYPES  VCM_INVALID

/* ----------------------------------------------------------------------------------------------------------- system */

static int by_address(const void *a, const void *b)
{
	const struct vc_span *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

/* Banks of memory that hold all regions: those that follow each other are one, and the last one has the tables too. */
static unsigned int make_banks(const struct physmem_region *mem, int n, struct vc_span *banks)
{
	unsigned int used = 0;

	for (int i = 0; i < n; i++)
		banks[i] = (struct vc_span){mem[i].addr, mem[i].size};
	qsort(banks, (size_t)n, sizeof(*banks), by_address);
	for (int i = 0; i < n; i++)
		if (used && banks[used - 1].pa + banks[used - 1].bytes == banks[i].pa)
			banks[used - 1].bytes += banks[i].bytes;
		else
			banks[used++] = banks[i];
	banks[used - 1].bytes += TABLE_BYTES;
	return used;
}

int vcm_alloc_init(const struct physmem_region *mem, int n_regions, const struct vcm_memtype_map *mt_map, int n_mt)
{
	static const char *const names[VC_MAX_POOLS] = {"pool 0",  "pool 1",  "pool 2",	 "pool 3", "pool 4",  "pool 5",
							"pool 6",  "pool 7",  "pool 8",	 "pool 9", "pool 10", "pool 11",
							"pool 12", "pool 13", "pool 14", "pool 15"};
	struct vc_pool_config pools[VC_MAX_POOLS];
	struct vc_type_config types[MOST_TYPES] = {{.n_pools = 0}};
	struct vc_span banks[VC_MAX_POOLS];
	struct vc_system_config config = {.ram = banks, .pools = pools, .types = types};

	if (!mem || !mt_map || n_regions < 1 || n_regions > VC_MAX_POOLS || n_mt < 1 || n_mt > MOST_TYPES) {
		vc_fail(-EINVAL, "", 0, "1 to %d regions and 1 to %d memory types are needed", VC_MAX_POOLS,
			MOST_TYPES);
		return -1;
	}
	for (int i = 0; i < n_regions; i++) {
		size_t size = mem[i].chunk_size;

		if (!size || (size & (size - 1))) {
			vc_fail(-EINVAL, "", mem[i].addr, "the block size 0x%zx of region %d is no power of two", size,
				i);
			return -1;
		}
		pools[i] = (struct vc_pool_config){names[i], mem[i].addr, mem[i].size,
						   (unsigned int)__builtin_ctzll(size)};
	}
	for (int i = 0; i < n_mt; i++) {
		for (int k = 0; k < mt_map[i].num_pools && k < MAX_NUM_PRIO_POOLS; k++)
			types[i].pools[k] = (unsigned int)mt_map[i].pool_id[k];
		types[i].n_pools = (unsigned int)mt_map[i].num_pools;
	}
	config.n_ram = make_banks(mem, n_regions, banks);
	config.n_pools = (unsigned int)n_regions;
	config.n_types = (unsigned int)n_mt;
	config.tables =
		(struct vc_span){banks[config.n_ram - 1].pa + banks[config.n_ram - 1].bytes - TABLE_BYTES, TABLE_BYTES};
	return vcm_sys_init_config(&config);
}

int vcm_alloc_destroy(void)
{
	return vcm_sys_destroy() ? vc_last_error()->code : 0;
}

/* --------------------------------------------------------------------------------------------------------- counting */

static int pool_of(enum memtype_t memtype, int idx, struct vc_pool_info *out)
{
	struct vc_type_config type;
	int error = vc_system_type(vcm_system(), (unsigned int)memtype, &type);

	if (!error && (idx < 0 || (unsigned int)idx >= type.n_pools))
		error = vc_fail(-ENOENT, "", 0, "memory type %d has %u pools", (int)memtype, type.n_pools);
	return error ? error : vc_system_pool(vcm_system(), type.pools[idx], out);
}

int vcm_alloc_get_num_chunks(enum memtype_t memtype)
{
	struct vc_type_config type;

	return vc_system_type(vcm_system(), (unsigned int)memtype, &type) ? 0 : (int)type.n_pools;
}

size_t vcm_alloc_get_mem_size(enum memtype_t memtype)
{
	struct vc_pool_info pool;
	size_t bytes = 0;

	for (int i = 0; i < vcm_alloc_get_num_chunks(memtype) && !pool_of(memtype, i, &pool); i++)
		bytes += (size_t)pool.bytes;
	return bytes;
}

size_t vcm_alloc_pool_idx_to_size(enum memtype_t memtype, int idx)
{
	struct vc_pool_info pool;

	return pool_of(memtype, idx, &pool) || !pool.block_lg2 ? 0 : (size_t)1 << pool.block_lg2;
}

static int as_int(uint64_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

int vcm_alloc_blocks_avail(enum memtype_t memtype, int idx)
{
	struct vc_pool_info pool;

	return pool_of(memtype, idx, &pool) ? 0 : as_int(pool.blocks - pool.blocks_used);
}

static int add_up(enum memtype_t memtype, bool used)
{
	struct vc_pool_info pool;
	uint64_t n = 0;

	for (int i = 0; i < vcm_alloc_get_num_chunks(memtype) && !pool_of(memtype, i, &pool); i++)
		n += used ? pool.blocks_used : pool.blocks - pool.blocks_used;
	return as_int(n);
}

int vcm_alloc_all_blocks_avail(enum memtype_t memtype)
{
	return add_up(memtype, false);
}

int vcm_alloc_count_allocated(enum memtype_t memtype)
{
	return add_up(memtype, true);
}

void vcm_alloc_print_list(enum memtype_t memtype, int just_allocated)
{
	struct vc_pool_info pool;

	for (int i = 0; i < vcm_alloc_get_num_chunks(memtype) && !pool_of(memtype, i, &pool); i++)
		if (!just_allocated || pool.blocks_used)
			printf("0x%" PRIx64 "-0x%" PRIx64 " %s: blocks of 0x%" PRIx64 ", %" PRIu64 " of %" PRIu64
			       " taken\n",
			       pool.pa, pool.pa + (pool.bytes - 1), pool.name, UINT64_C(1) << pool.block_lg2,
			       pool.blocks_used, pool.blocks);
}

/* ------------------------------------------------------------------------------------------------------- allocating */

static void empty(struct phys_chunk *head)
{
	while (head->next) {
		struct phys_chunk *chunk = head->next;

		head->next = chunk->next;
		free(chunk);
	}
	head->physmem = NULL;
}

/* List the blocks; returns how many, or 0 and nothing is allocated. */
static int list_blocks(struct vc_phys *phys, struct phys_chunk *head)
{
	struct phys_chunk **end = &head->next;
	struct vc_span block;
	int n = 0;

	head->physmem = (struct physmem *)phys;
	for (; !vc_phys_block(phys, (size_t)n, &block); n++) {
		struct phys_chunk *chunk = vc_calloc(1, sizeof(*chunk));

		if (!chunk) {
			vc_fail(-ENOMEM, "", 0, "no memory for a list of blocks");
			empty(head);
			vc_phys_free(phys);
			return 0;
		}
		chunk->pa = block.pa;
		chunk->size = (size_t)block.bytes;
		*end = chunk;
		end = &chunk->next;
	}
	return n;
}

static int allocate(struct vc_phys_args *args, struct phys_chunk *head)
{
	struct vc_phys *phys;

	if (!head || head->next || head->physmem) {
		vc_fail_at("vcm_alloc_max_munch", -EINVAL, "", 0, "the list is NULL or not empty");
		return 0;
	}
	return vc_phys_alloc(vcm_system(), args, &phys) ? 0 : list_blocks(phys, head);
}

int vcm_alloc_num_blocks(int num, enum memtype_t memtype, int idx, struct phys_chunk *head)
{
	size_t size = vcm_alloc_pool_idx_to_size(memtype, idx);
	struct vc_phys_args args = {.type = (unsigned int)memtype, .sizes = size};

	if (num < 1 || !size) {
		vc_fail(-EINVAL, "", 0, "%d blocks of pool %d", num, idx);
		return 0;
	}
	args.bytes = (uint64_t)size * (unsigned int)num;
	return allocate(&args, head);
}

int vcm_alloc_max_munch(size_t len, enum memtype_t memtype, struct phys_chunk *head)
{
	struct vc_phys_args args = {.type = (unsigned int)memtype, .bytes = len};

	return allocate(&args, head);
}

int vcm_alloc_free_blocks(struct phys_chunk *head)
{
	int error = head ? vc_phys_free(vcm_phys(head->physmem)) : vc_fail(-EINVAL, "", 0, "the list is NULL");

	if (!error)
		empty(head);
	return error;
}

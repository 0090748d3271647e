/* SPDX-License-Identifier: MIT */
/*
 * vcm_alloc.h - the block allocator of 2010 under its original names (in the later form, with memory types), over the
 * pools of the system. Blocks that it gives are what vcm_phys_alloc() gives, seen one by one.
 *
 * Counts and sizes are 0 where something is wrong; vc_last_error() of vc.h says what. Any function may be called from
 * any thread; a list of chunks belongs to its caller.
 */
#ifndef VCM_ALLOC_2010_H
#define VCM_ALLOC_2010_H

#include "vcm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Block sizes as indices into the pools of a memory type, for types whose pools are these (the default's are). */
enum chunk_size_idx { IDX_1M, IDX_64K, IDX_4K };

/* A list of blocks. The head is no block: it is the caller's, and begins as {0}. */
struct phys_chunk {
	struct phys_chunk *next;
	vcm_paddr_t pa;
	size_t size;
	struct physmem *physmem; /* private: of the head, what the blocks are of */
};

/* Memory, to be cut into blocks of chunk_size: a power of two, 4 KiB to 1 GiB. */
struct physmem_region {
	vcm_paddr_t addr;
	size_t size, chunk_size;
};

#define MAX_NUM_PRIO_POOLS VC_TYPE_POOLS

/* A memory type: indices of regions, in the order in which they are tried. */
struct vcm_memtype_map {
	int pool_id[MAX_NUM_PRIO_POOLS];
	int num_pools;
};

/*
 * Make the system of this process with these pools; tables get 16 MiB behind the last of them. The regions are
 * disjoint. 0; -1: there is a system, or the regions contradict each other.
 */
int vcm_alloc_init(const struct physmem_region *mem, int n_regions, const struct vcm_memtype_map *mt_map, int n_mt);
/* 0; -EBUSY: blocks are allocated, or regions exist; -EINVAL: there is no system. */
int vcm_alloc_destroy(void);
/* Bytes in all pools of a memory type. */
size_t vcm_alloc_get_mem_size(enum memtype_t memtype);
/* Pools of a memory type, each of one block size. */
int vcm_alloc_get_num_chunks(enum memtype_t memtype);
/* The block size of pool idx of a memory type; 0: there is no such pool, or it has blocks of any size. */
size_t vcm_alloc_pool_idx_to_size(enum memtype_t memtype, int idx);
/* Free blocks in pool idx; in all of the type's; allocated blocks in all of them. */
int vcm_alloc_blocks_avail(enum memtype_t memtype, int idx);
int vcm_alloc_all_blocks_avail(enum memtype_t memtype);
int vcm_alloc_count_allocated(enum memtype_t memtype);
/* Print the pools of a type: address, block size, blocks and how many are taken. just_allocated: only those with such.
 */
void vcm_alloc_print_list(enum memtype_t memtype, int just_allocated);
/* Take num blocks of the size of pool idx, or none. Returns num or 0; the list must be empty. */
int vcm_alloc_num_blocks(int num, enum memtype_t memtype, int idx, struct phys_chunk *head);
/* Take the fewest blocks that hold len bytes. Returns how many, or 0. */
int vcm_alloc_max_munch(size_t len, enum memtype_t memtype, struct phys_chunk *head);
/* Give all blocks of a list back, and empty it. 0; -EINVAL; -EBUSY: they back a reservation. */
int vcm_alloc_free_blocks(struct phys_chunk *head);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * io_pgtable.c - struct io_pgtable_ops over any generated format.
 *
 * What is called for each mapping goes straight to the format's function; nothing here looks at an entry.
 */
#include "io_pgtable.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

struct io_pgtable {
	struct io_pgtable_ops ops; /* first: that is how ops leads back here */
	const struct pt_format *format;
	struct pt_table table;
	struct pt_mem mem;
	struct io_pgtable_cfg *cfg;
	void *cookie;
};

/*
 * The gfp of map_pages() belongs to a call, the allocator of struct pt_mem to a table. A kernel has scopes for this
 * (memalloc_noio_save() and the like); here it is a variable of the thread.
 */
static _Thread_local gfp_t call_gfp;

static struct io_pgtable *io_pgtable_of(struct io_pgtable_ops *ops)
{
	return (struct io_pgtable *)ops;
}

/* ----------------------------------------------------------------------------------------------- hooks of the table */

static bool alloc_table(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct io_pgtable *iop = ctx;
	struct io_pgtable_cfg *cfg = iop->cfg;
	void *pages = cfg->alloc ? cfg->alloc(iop->cookie, bytes, call_gfp)
				 : alloc_pages_zeroed(cfg->iommu_dev, bytes, call_gfp);

	(void)node; /* the kernel takes it from the device */
	if (!pages)
		return false;
	*pa = virt_to_phys(pages);
	if ((*pa & (align - 1)) == 0 && *pa <= max_pa && max_pa - *pa >= bytes - 1)
		return true;
	/* a walker that sees 32 bits of addresses, and memory above them: the caller wants GFP_DMA32 */
	if (cfg->free)
		cfg->free(iop->cookie, pages, bytes);
	else
		free_pages_of(pages, bytes);
	return false;
}

static void release_table(void *ctx, uint64_t pa, size_t bytes)
{
	struct io_pgtable *iop = ctx;

	if (iop->cfg->free)
		iop->cfg->free(iop->cookie, phys_to_virt(pa), bytes);
	else
		free_pages_of(phys_to_virt(pa), bytes);
}

static void sync_entries(void *ctx, const void *first, size_t bytes)
{
	struct io_pgtable *iop = ctx;

	dma_sync_for_device(iop->cfg->iommu_dev, first, bytes);
}

static size_t smallest_page(const struct io_pgtable *iop)
{
	return (size_t)1 << __builtin_ctzll(iop->table.page_sizes);
}

/* What cannot wait: tables are about to be freed, or a leaf to be replaced. */
static void invalidate(void *ctx, const struct pt_gather *gather)
{
	struct io_pgtable *iop = ctx;

	if (!iop->cfg->tlb || gather->first > gather->last)
		return;
	iop->cfg->tlb->tlb_flush_walk((unsigned long)gather->first, (size_t)(gather->last - gather->first) + 1,
				      smallest_page(iop), iop->cookie);
}

/* ---------------------------------------------------------------------------------------------------- the functions */

static int error_of(enum pt_status status)
{
	switch (status) {
	case PT_OK: return 0;
	case PT_ERR_EXISTS: return -EEXIST;
	case PT_ERR_MEMORY: return -ENOMEM;
	case PT_ERR_RANGE:
	case PT_ERR_OUTPUT: return -ERANGE;
	case PT_ERR_UNSUPPORTED: return -EOPNOTSUPP;
	default: return -EINVAL;
	}
}

static unsigned int request_of(int prot)
{
	unsigned int request = PT_ALLOW_WIDER; /* rights that a format has no bits for are granted, as in the kernel */

	request |= prot & IOMMU_READ ? PT_READ : 0U;
	request |= prot & IOMMU_WRITE ? PT_WRITE : 0U;
	request |= prot & IOMMU_NOEXEC ? 0U : PT_EXEC;
	request |= prot & IOMMU_PRIV ? PT_PRIV : 0U;
	if (prot & IOMMU_MMIO)
		return request | PT_DEVICE;
	return request | (prot & IOMMU_CACHE ? PT_CACHED : PT_NONCACHED);
}

/* bytes of a call; false where the kernel's functions refuse it, too */
static bool range_of(const struct io_pgtable *iop, size_t pgsize, size_t pgcount, size_t *bytes)
{
	return (pgsize & (pgsize - 1)) == 0 && (iop->table.page_sizes & pgsize) &&
	       !__builtin_mul_overflow(pgsize, pgcount, bytes) && *bytes;
}

static int map_pages(struct io_pgtable_ops *ops, unsigned long iova, phys_addr_t paddr, size_t pgsize, size_t pgcount,
		     int prot, gfp_t gfp, size_t *mapped)
{
	struct io_pgtable *iop = io_pgtable_of(ops);
	struct pt_gather gather;
	struct pt_result result;
	enum pt_status status;
	size_t bytes;

	if (!(prot & (IOMMU_READ | IOMMU_WRITE)) || !range_of(iop, pgsize, pgcount, &bytes))
		return -EINVAL;
	pt_gather_init(&gather);
	call_gfp = gfp;
	status = iop->format->map(&iop->table, iova, paddr, bytes, request_of(prot), &gather, &result);
	pt_flush(&iop->table, &gather); /* empty, unless tables had to make room or the map failed */
	if (status == PT_OK && mapped)
		*mapped += bytes;
	return error_of(status);
}

/*
 * The kernel's callers unmap in any multiples of pages, also a part of what they mapped in one go. Leaves are as large
 * as they can be here, so one that the range cuts is split first, at both ends.
 */
static enum pt_status cut(struct io_pgtable *iop, uint64_t iova, size_t bytes, struct pt_gather *gather)
{
	const uint64_t ends[2] = {iova, iova + bytes};
	enum pt_status status = PT_OK;

	for (unsigned int i = 0; i < 2 && status == PT_OK; i++) {
		struct pt_walk walk;
		struct pt_result result;
		uint64_t into;

		iop->format->walk(&iop->table, NULL, ends[i], &walk);
		into = walk.fault == PT_FAULT_NONE ? ends[i] - walk.leaf.iova : 0;
		if (into == 0)
			continue;
		status = iop->format->split(&iop->table, ends[i], (unsigned int)__builtin_ctzll(into), NULL, gather,
					    &result);
	}
	return status;
}

static size_t unmap_pages(struct io_pgtable_ops *ops, unsigned long iova, size_t pgsize, size_t pgcount,
			  struct iommu_iotlb_gather *iotlb)
{
	struct io_pgtable *iop = io_pgtable_of(ops);
	const struct iommu_flush_ops *tlb = iop->cfg->tlb;
	struct pt_gather gather;
	struct pt_result result = {0};
	enum pt_status status;
	size_t bytes;

	if (!range_of(iop, pgsize, pgcount, &bytes))
		return 0;
	pt_gather_init(&gather);
	status = iop->format->unmap(&iop->table, iova, bytes, 0, &gather, &result);
	if (status == PT_ERR_CUTS) {
		call_gfp = 0;
		status = cut(iop, iova, bytes, &gather);
		if (status == PT_OK)
			status = iop->format->unmap(&iop->table, iova, bytes, 0, &gather, &result);
	}
	if (gather.n_tables || gather.levels || status != PT_OK) {
		pt_flush(&iop->table, &gather); /* walk caches first, then the tables can go */
	} else if (tlb && gather.first <= gather.last && !iommu_iotlb_gather_queued(iotlb)) {
		for (size_t at = 0; at < bytes; at += pgsize)
			tlb->tlb_add_page(iotlb, iova + at, pgsize, iop->cookie);
	}
	return status == PT_OK ? (size_t)result.bytes : 0;
}

static phys_addr_t iova_to_phys(struct io_pgtable_ops *ops, unsigned long iova)
{
	struct io_pgtable *iop = io_pgtable_of(ops);
	uint64_t pa;

	return iop->format->iova_to_phys(&iop->table, iova, &pa) == PT_OK ? pa : 0;
}

static int read_and_clear_dirty(struct io_pgtable_ops *ops, unsigned long iova, size_t size, unsigned long flags,
				struct iommu_dirty_bitmap *dirty)
{
	enum { WORDS = 8 };
	struct io_pgtable *iop = io_pgtable_of(ops);
	size_t page = smallest_page(iop), step = WORDS * 64 * page;
	unsigned int clear = flags & IOMMU_DIRTY_NO_CLEAR ? 0 : PT_DIRTY_CLEAR;
	enum pt_status status = PT_OK;

	for (size_t at = 0; at < size && status == PT_OK; at += step) {
		size_t part = size - at < step ? size - at : step;
		uint64_t bits[WORDS] = {0};
		struct pt_gather gather;
		struct pt_result result;

		pt_gather_init(&gather);
		status = iop->format->dirty(&iop->table, iova + at, part, clear, bits,
					    (unsigned int)__builtin_ctzll(page), &gather, &result);
		if (status == PT_ERR_CUTS && clear) {
			/* a leaf that reaches out of the part: dirty state is of whole leaves, so are its bits */
			status = cut(iop, iova + at, part, &gather);
			if (status == PT_OK)
				status = iop->format->dirty(&iop->table, iova + at, part, clear, bits,
							    (unsigned int)__builtin_ctzll(page), &gather, &result);
		}
		for (size_t i = 0; i < part / page; i++)
			if (bits[i / 64] >> (i % 64) & 1)
				iommu_dirty_bitmap_record(dirty, iova + at + i * page, page);
		if (gather.n_tables || gather.levels)
			pt_flush(&iop->table, &gather);
	}
	return error_of(status);
}

/* ------------------------------------------------------------------------------------------------ beginning and end */

struct io_pgtable_ops *ptgen_alloc_io_pgtable_ops(const struct pt_format *format, const struct pt_config *config,
						  struct io_pgtable_cfg *cfg, void *cookie)
{
	struct io_pgtable *iop;
	struct pt_config own;
	struct pt_result result;

	if (!cfg->alloc != !cfg->free)
		return NULL;
	iop = calloc(1, sizeof(*iop));
	if (!iop)
		return NULL;
	pt_config_init(&own);
	if (config)
		own = *config;
	if (cfg->pgsize_bitmap)
		own.page_sizes = cfg->pgsize_bitmap & format->page_sizes;
	iop->ops = (struct io_pgtable_ops){map_pages, unmap_pages, iova_to_phys, NULL};
	if (format->has_dirty)
		iop->ops.read_and_clear_dirty = read_and_clear_dirty;
	iop->format = format;
	iop->cfg = cfg;
	iop->cookie = cookie;
	iop->mem = (struct pt_mem){.ctx = iop,
				   .direct = phys_to_virt(0),
				   .alloc = alloc_table,
				   .release = release_table,
				   .sync = cfg->coherent_walk ? NULL : sync_entries,
				   .invalidate = invalidate};
	if (format->init(&iop->table, &own, &iop->mem, &result) != PT_OK) {
		free(iop);
		return NULL;
	}
	if (cfg->ias && cfg->ias != iop->table.input_bits) {
		format->fini(&iop->table);
		free(iop);
		return NULL;
	}
	cfg->pgsize_bitmap = (unsigned long)iop->table.page_sizes;
	cfg->ias = iop->table.input_bits;
	return &iop->ops;
}

void ptgen_free_io_pgtable_ops(struct io_pgtable_ops *ops)
{
	struct io_pgtable *iop;

	if (!ops)
		return;
	iop = io_pgtable_of(ops);
	if (iop->cfg->tlb)
		iop->cfg->tlb->tlb_flush_all(iop->cookie);
	iop->format->fini(&iop->table);
	free(iop);
}

size_t ptgen_io_pgtable_registers(struct io_pgtable_ops *ops, struct pt_register *registers, size_t n)
{
	struct io_pgtable *iop = io_pgtable_of(ops);

	return iop->format->registers(&iop->table, registers, n);
}

/* SPDX-License-Identifier: MIT */
/*
 * linux_iommu.h - as much of the kernel's <linux/io-pgtable.h> and <linux/iommu.h> as io_pgtable.c needs: the same
 * names, types and values, so that it can be compiled and tested outside of a kernel. In a kernel the real headers take
 * its place.
 *
 * What the kernel has in its direct map is here behind linux_direct_map: physical address 0.
 */
#ifndef LINUX_IOMMU_H
#define LINUX_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t phys_addr_t;
typedef unsigned int gfp_t;
typedef uint64_t u64;

struct device;
struct iova_bitmap;

/* --------------------------------------------------------------------------------------------------- memory, caches */

extern unsigned char *linux_direct_map;

static inline void *phys_to_virt(phys_addr_t pa)
{
	return linux_direct_map + pa;
}

static inline phys_addr_t virt_to_phys(const void *p)
{
	return (phys_addr_t)((const unsigned char *)p - linux_direct_map);
}

/* Pages of the kernel's allocator: zeroed, aligned to their size, NULL when there are none. */
void *alloc_pages_zeroed(struct device *device, size_t bytes, gfp_t gfp);
void free_pages_of(void *pages, size_t bytes);

/* Writes lines of the CPU's caches back, for a device that does not look into them. */
void dma_sync_for_device(struct device *device, const void *first, size_t bytes);

/* ---------------------------------------------------------------------------------------- what <linux/iommu.h> says */

#define IOMMU_READ   (1 << 0)
#define IOMMU_WRITE  (1 << 1)
#define IOMMU_CACHE  (1 << 2)
#define IOMMU_NOEXEC (1 << 3)
#define IOMMU_MMIO   (1 << 4)
#define IOMMU_PRIV   (1 << 5)

#define IOMMU_DIRTY_NO_CLEAR (1 << 0)

struct iommu_iotlb_gather {
	unsigned long start, end; /* inclusive; start > end: nothing */
	size_t pgsize;
	bool queued; /* the driver invalidates everything later */
};

struct iommu_dirty_bitmap {
	struct iova_bitmap *bitmap;
	struct iommu_iotlb_gather *gather;
};

void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova, size_t bytes);

static inline void iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather)
{
	*gather = (struct iommu_iotlb_gather){.start = (unsigned long)-1};
}

static inline void iommu_iotlb_gather_add_range(struct iommu_iotlb_gather *gather, unsigned long iova, size_t bytes)
{
	unsigned long end = iova + (bytes - 1);

	if (gather->start > iova)
		gather->start = iova;
	if (gather->end < end)
		gather->end = end;
}

static inline bool iommu_iotlb_gather_queued(const struct iommu_iotlb_gather *gather)
{
	return gather && gather->queued;
}

static inline void iommu_dirty_bitmap_record(struct iommu_dirty_bitmap *dirty, unsigned long iova, unsigned long bytes)
{
	if (dirty->bitmap)
		iova_bitmap_set(dirty->bitmap, iova, bytes);
	if (dirty->gather)
		iommu_iotlb_gather_add_range(dirty->gather, iova, bytes);
}

/* ----------------------------------------------------------------------------------- what <linux/io-pgtable.h> says */

struct iommu_flush_ops {
	void (*tlb_flush_all)(void *cookie);
	void (*tlb_flush_walk)(unsigned long iova, size_t size, size_t granule, void *cookie);
	void (*tlb_add_page)(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule, void *cookie);
};

struct io_pgtable_ops {
	int (*map_pages)(struct io_pgtable_ops *ops, unsigned long iova, phys_addr_t paddr, size_t pgsize,
			 size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
	size_t (*unmap_pages)(struct io_pgtable_ops *ops, unsigned long iova, size_t pgsize, size_t pgcount,
			      struct iommu_iotlb_gather *gather);
	phys_addr_t (*iova_to_phys)(struct io_pgtable_ops *ops, unsigned long iova);
	int (*read_and_clear_dirty)(struct io_pgtable_ops *ops, unsigned long iova, size_t size, unsigned long flags,
				    struct iommu_dirty_bitmap *dirty);
};

struct io_pgtable_cfg {
	unsigned long pgsize_bitmap;
	unsigned int ias, oas;
	bool coherent_walk;
	const struct iommu_flush_ops *tlb;
	struct device *iommu_dev;
	void *(*alloc)(void *cookie, size_t size, gfp_t gfp);
	void (*free)(void *cookie, void *pages, size_t size);
};

#endif

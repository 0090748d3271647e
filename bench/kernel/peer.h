/* SPDX-License-Identifier: MIT */
/*
 * peer.h - the runs for code of the kernel that works through struct io_pgtable_ops, called as the IOMMU core calls it:
 * with page sizes and counts. The including file has the code itself, makes `ops`, and defines the names of struct
 * subject.
 */
#include "../bench.h"

static struct io_pgtable_ops *ops;

static inline __attribute__((__always_inline__)) void subject_map(uint64_t iova, uint64_t pa, uint64_t pgsize,
								  uint64_t count)
{
	/* The code may stop at the end of a table. */
	while (count) {
		size_t mapped = 0;

		if (ops->map_pages(ops, iova, pa, pgsize, count, PEER_PROT, GFP_KERNEL, &mapped) || mapped == 0)
			bench_fail(PEER_NAME ": map");
		iova += mapped;
		pa += mapped;
		count -= mapped / pgsize;
	}
}

static inline __attribute__((__always_inline__)) void subject_unmap(uint64_t iova, uint64_t pgsize, uint64_t count)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	while (count) {
		size_t bytes = ops->unmap_pages(ops, iova, pgsize, count, &gather);

		if (bytes == 0)
			bench_fail(PEER_NAME ": unmap");
		iova += bytes;
		count -= bytes / pgsize;
	}
	iommu_put_pages_list(&gather.freelist);
}

static inline __attribute__((__always_inline__)) uint64_t subject_lookup(uint64_t iova)
{
	phys_addr_t pa = ops->iova_to_phys(ops, iova);

	if (pa == 0)
		bench_fail(PEER_NAME ": lookup");
	return pa;
}

#ifdef PEER_DIRTY
#define HAVE_DIRTY
static inline __attribute__((__always_inline__)) void subject_dirty(uint64_t iova, uint64_t bytes, uint64_t *words)
{
	struct iova_bitmap bitmap = {iova, words};
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;

	iommu_iotlb_gather_init(&gather);
	iommu_dirty_bitmap_init(&dirty, &bitmap, &gather);
	if (ops->read_and_clear_dirty(ops, iova, bytes, 0, &dirty))
		bench_fail(PEER_NAME ": dirty");
}
#endif

#ifndef PEER_NO_RUNS
#include "../subjects/runs.h"
#endif

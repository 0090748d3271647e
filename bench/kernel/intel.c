/* SPDX-License-Identifier: MIT */
/* intel.c - the map and unmap part of Linux' VT-d driver, second level, four levels. */
#include <linux/io-pgtable.h>
#include "intel/types.h"
#include "intel_domain.h"
#include "intel/second_level.h"

#include "../bench.h"

static struct dmar_domain peer;

static inline __attribute__((__always_inline__)) void subject_map(uint64_t iova, uint64_t pa, uint64_t pgsize,
								  uint64_t count)
{
	size_t mapped = 0;

	if (intel_iommu_map_pages(&peer.domain, iova, pa, pgsize, count, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL, &mapped))
		bench_fail("Intel: map");
}

static inline __attribute__((__always_inline__)) void subject_unmap(uint64_t iova, uint64_t pgsize, uint64_t count)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	if (intel_iommu_unmap_pages(&peer.domain, iova, pgsize, count, &gather) != pgsize * count)
		bench_fail("Intel: unmap");
	iommu_put_pages_list(&gather.freelist);
}

static inline __attribute__((__always_inline__)) uint64_t subject_lookup(uint64_t iova)
{
	phys_addr_t pa = intel_iommu_iova_to_phys(&peer.domain, iova);

	if (pa == 0)
		bench_fail("Intel: lookup");
	return pa;
}

#define HAVE_DIRTY
static inline __attribute__((__always_inline__)) void subject_dirty(uint64_t iova, uint64_t bytes, uint64_t *words)
{
	struct iova_bitmap bitmap = {iova, words};
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;

	iommu_iotlb_gather_init(&gather);
	iommu_dirty_bitmap_init(&dirty, &bitmap, &gather);
	if (intel_iommu_read_and_clear_dirty(&peer.domain, iova, bytes, 0, &dirty))
		bench_fail("Intel: dirty");
}

#include "../subjects/runs.h"

static void peer_open(void)
{
	peer = (struct dmar_domain){.nid = -1,
				    .iommu_coherency = 1,
				    .dirty_tracking = 1,
				    .iommu_superpage = 2,
				    .gaw = 48,
				    .agaw = width_to_agaw(48)};
	peer.pgd = iommu_alloc_page_node(-1, GFP_KERNEL);
}

static void peer_close(void)
{
	LIST_HEAD(freelist);

	domain_unmap(&peer, 0, DOMAIN_MAX_PFN(peer.gaw), &freelist);
	iommu_put_pages_list(&freelist);
}

static uint64_t peer_root(void)
{
	return virt_to_phys(peer.pgd);
}

const struct subject subject_intel = {
	.name = "Intel",
	.format = "vtd_second_stage",
	.build = BENCH_BUILD,
	.kind = KERNEL,
	.span = BENCH_2M,
	.input_bits = 48,
	.blocks = BENCH_2M | BENCH_1G,
	.dirty_set = (uint64_t)1 << 9,
	.frees = true,
	.open = peer_open,
	.close = peer_close,
	.root = peer_root,
	.run = SUBJECT_RUNS,
};

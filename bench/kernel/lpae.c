/* SPDX-License-Identifier: MIT */
/* lpae.c - Linux' io-pgtable-arm, stage 1, 4 KiB granule. */
#include "drivers/iommu/io-pgtable-arm.c"

#define PEER_NAME "io-pgtable-arm"
#define PEER_PROT (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define PEER_DIRTY
#include "peer.h"

static struct io_pgtable *peer;

static void add_page(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule, void *cookie)
{
	static struct iommu_domain domain;

	if (gather)
		iommu_iotlb_gather_add_page(&domain, gather, iova, granule);
}

static void flush_walk(unsigned long iova, size_t bytes, size_t granule, void *cookie)
{
}

static void flush_all(void *cookie)
{
}

static void peer_open(void)
{
	static const struct iommu_flush_ops flush = {flush_all, flush_walk, add_page};
	static struct io_pgtable_cfg config;

	config = (struct io_pgtable_cfg){.quirks = IO_PGTABLE_QUIRK_ARM_HD,
					 .pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
					 .ias = 48,
					 .oas = 48,
					 .coherent_walk = true,
					 .tlb = &flush};
	peer = io_pgtable_arm_64_lpae_s1_init_fns.alloc(&config, NULL);
	if (!peer)
		bench_fail(PEER_NAME);
	/* What alloc_io_pgtable_ops() does. */
	peer->fmt = ARM_64_LPAE_S1;
	peer->cookie = NULL;
	peer->cfg = config;
	ops = &peer->ops;
}

static void peer_close(void)
{
	io_pgtable_arm_64_lpae_s1_init_fns.free(peer);
}

static uint64_t peer_root(void)
{
	return peer->cfg.arm_lpae_s1_cfg.ttbr;
}

const struct subject subject_lpae = {
	.name = PEER_NAME,
	.format = "arm64_s1",
	.build = BENCH_BUILD,
	.kind = KERNEL,
	.span = BENCH_2M,
	.input_bits = 48,
	.blocks = BENCH_2M | BENCH_1G,
	.dirty_clear = (uint64_t)1 << 7,
	.frees = true,
	.open = peer_open,
	.close = peer_close,
	.root = peer_root,
	.run = SUBJECT_RUNS,
};

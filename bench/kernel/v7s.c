/* SPDX-License-Identifier: MIT */
/* v7s.c - Linux' io-pgtable-arm-v7s: short descriptors. */
#include "drivers/iommu/io-pgtable-arm-v7s.c"

#define PEER_NAME "io-pgtable-arm-v7s"
#define PEER_PROT (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
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

	config = (struct io_pgtable_cfg){.pgsize_bitmap = SZ_4K | SZ_64K | SZ_1M | SZ_16M,
					 .ias = 32,
					 .oas = 32,
					 .coherent_walk = true,
					 .tlb = &flush};
	peer = io_pgtable_arm_v7s_init_fns.alloc(&config, NULL);
	if (!peer)
		bench_fail(PEER_NAME);
	peer->fmt = ARM_V7S;
	peer->cookie = NULL;
	peer->cfg = config;
	ops = &peer->ops;
}

static void peer_close(void)
{
	io_pgtable_arm_v7s_init_fns.free(peer);
}

static uint64_t peer_root(void)
{
	return peer->cfg.arm_v7s_cfg.ttbr & ~(uint64_t)0x3fff;
}

const struct subject subject_v7s = {
	.name = PEER_NAME,
	.format = "armv7_short",
	.build = BENCH_BUILD,
	.kind = KERNEL,
	.span = SZ_1M,
	.input_bits = 32,
	.blocks = SZ_1M,
	.group = SZ_64K,
	.frees = true,
	.open = peer_open,
	.close = peer_close,
	.root = peer_root,
	.run = SUBJECT_RUNS,
};

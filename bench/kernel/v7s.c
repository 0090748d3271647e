/* SPDX-License-Identifier: MIT */
/* v7s.c - Linux' io-pgtable-arm-v7s: short descriptors. */
#include "drivers/iommu/io-pgtable-arm-v7s.c"

#define PEER_NAME "io-pgtable-arm-v7s"
#define PEER_PROT (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#include "arm.h"

static void peer_open(void)
{
	static struct io_pgtable_cfg config;

	config = (struct io_pgtable_cfg){.pgsize_bitmap = SZ_4K | SZ_64K | SZ_1M | SZ_16M, .ias = 32, .oas = 32};
	arm_open(&io_pgtable_arm_v7s_init_fns, ARM_V7S, &config);
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

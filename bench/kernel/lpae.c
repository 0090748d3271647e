/* SPDX-License-Identifier: MIT */
/* lpae.c - Linux' io-pgtable-arm, stage 1, 4 KiB granule. */
#include "drivers/iommu/io-pgtable-arm.c"

#define PEER_NAME "io-pgtable-arm"
#define PEER_PROT (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define PEER_DIRTY
#include "arm.h"

static void peer_open(void)
{
	static struct io_pgtable_cfg config;

	config = (struct io_pgtable_cfg){
		.quirks = IO_PGTABLE_QUIRK_ARM_HD, .pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G, .ias = 48, .oas = 48};
	arm_open(&io_pgtable_arm_64_lpae_s1_init_fns, ARM_64_LPAE_S1, &config);
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

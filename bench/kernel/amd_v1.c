/* SPDX-License-Identifier: MIT */
/* amd_v1.c - Linux' AMD host tables, three levels, which is what it starts with. */
#include <linux/io-pgtable.h>
#include "amd/amd_iommu_types.h"
#include "amd.h"
#include "amd/io_pgtable.c"

#define PEER_NAME "AMD v1"
#define PEER_PROT (IOMMU_PROT_IR | IOMMU_PROT_IW)
#define PEER_DIRTY
#include "peer.h"

static struct protection_domain peer;

static void peer_open(void)
{
	peer = (struct protection_domain){.iop.pgtbl.cfg.amd.nid = -1};
	ops = &io_pgtable_amd_iommu_v1_init_fns.alloc(&peer.iop.pgtbl.cfg, NULL)->ops;
}

static void peer_close(void)
{
	io_pgtable_amd_iommu_v1_init_fns.free(&peer.iop.pgtbl);
}

static uint64_t peer_root(void)
{
	return virt_to_phys(peer.iop.root);
}

const struct subject subject_amd_v1_peer = {
	.name = PEER_NAME,
	.format = "amd_v1",
	.build = BENCH_BUILD,
	.kind = KERNEL,
	.span = BENCH_2M,
	.input_bits = 39,
	.blocks = BENCH_2M | BENCH_1G,
	.group = SZ_64K,
	.dirty_set = (uint64_t)1 << 6,
	.open = peer_open,
	.close = peer_close,
	.root = peer_root,
	.run = SUBJECT_RUNS,
};

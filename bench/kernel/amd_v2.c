/* SPDX-License-Identifier: MIT */
/* amd_v2.c - Linux' AMD guest tables, which are those of x86-64: four levels. */
#include <linux/io-pgtable.h>
#include "amd/amd_iommu_types.h"
#include "amd.h"
#include "amd/io_pgtable_v2.c"

#define PEER_NAME "AMD v2"
#define PEER_PROT (IOMMU_PROT_IR | IOMMU_PROT_IW)
#include "peer.h"

static struct protection_domain peer;

static void peer_open(void)
{
	peer = (struct protection_domain){.iop.pgtbl.cfg.amd.nid = -1};
	ops = &io_pgtable_amd_iommu_v2_init_fns.alloc(&peer.iop.pgtbl.cfg, NULL)->ops;
}

static void peer_close(void)
{
	io_pgtable_amd_iommu_v2_init_fns.free(&peer.iop.pgtbl);
}

static uint64_t peer_root(void)
{
	return virt_to_phys(peer.iop.pgd);
}

const struct subject subject_amd_v2 = {
	.name = PEER_NAME,
	.format = "x86_64",
	.build = BENCH_BUILD,
	.kind = KERNEL,
	.span = BENCH_2M,
	.input_bits = 47,
	.blocks = BENCH_2M | BENCH_1G,
	.open = peer_open,
	.close = peer_close,
	.root = peer_root,
	.run = SUBJECT_RUNS,
};

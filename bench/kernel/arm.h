/* SPDX-License-Identifier: MIT */
/* arm.h - what Linux' two Arm files need of their driver, and how that gets its table: as alloc_io_pgtable_ops() does.
 */
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

static void arm_open(const struct io_pgtable_init_fns *functions, enum io_pgtable_fmt fmt,
		     struct io_pgtable_cfg *config)
{
	static const struct iommu_flush_ops flush = {flush_all, flush_walk, add_page};

	config->coherent_walk = true;
	config->tlb = &flush;
	peer = functions->alloc(config, NULL);
	if (!peer)
		bench_fail(PEER_NAME);
	peer->fmt = fmt;
	peer->cookie = NULL;
	peer->cfg = *config;
	ops = &peer->ops;
}

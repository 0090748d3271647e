/* SPDX-License-Identifier: MIT */
/* intel_domain.h - what the map and unmap part of the VT-d driver reads of the driver's domain, without devices and
 * invalidation. */
struct dmar_domain {
	int nid;
	u8 iommu_coherency : 1, set_pte_snp : 1, use_first_level : 1, dirty_tracking : 1, nested_parent : 1,
		has_mappings : 1;
	int iommu_superpage;
	struct dma_pte *pgd;
	int gaw, agaw;
	u64 max_addr;
	struct iommu_domain domain;
};

static inline struct dmar_domain *to_dmar_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct dmar_domain, domain);
}

static inline void cache_tag_flush_range(struct dmar_domain *domain, unsigned long first, unsigned long last, int ih)
{
}

static inline unsigned long aligned_nrpages(unsigned long address, size_t size)
{
	return ((address & 4095) + size + 4095) >> 12;
}

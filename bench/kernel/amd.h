/* SPDX-License-Identifier: MIT */
/* amd.h - what Linux' two AMD files need of their driver. */
struct protection_domain {
	struct amd_io_pgtable iop;
	spinlock_t lock;
};

#define amd_iommu_update_and_flush_device_table(domain)	     ((void)(domain))
#define amd_iommu_domain_flush_pages(domain, address, bytes) ((void)(domain))
#define amd_iommu_gpt_level				     PAGE_MODE_4_LEVEL
/* amd_iommu_pgsizes of the driver: all powers of two from 4 KiB on. */
#define amd_iommu_pgsize_bitmap (~0xFFFUL)

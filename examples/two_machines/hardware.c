/* SPDX-License-Identifier: MIT */
/*
 * hardware.c - what a driver of each IOMMU does for the VCM runtime. The machines' own drivers (machines/vtd.c, smmu.c)
 * know the hardware; here is what connects the two, and it is all that an operating system would have to write: which
 * register goes where, and that each invalidation is forwarded.
 */
#include <errno.h>
#include <string.h>

#include "hardware.h"

/* F_registers gives all registers of the format: the driver takes the one that its IOMMU has. */
static const struct pt_register *find(const struct pt_register *registers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(registers[i].name, name) == 0)
			return &registers[i];
	return NULL;
}

static int load(void *data, const struct pt_register *registers, size_t n)
{
	struct side *side = data;
	/* VT-d: a context entry; SMMUv3: a context descriptor. */
	const struct pt_register *context = find(registers, n, side->is_arm ? "CD" : "CONTEXT");

	if (!context)
		return -ENODEV;
	side->loads++;
	if (side->is_arm) {
		smmu_set_context(&side->smmu, context);
		smmu_turn_on(&side->smmu);
	} else {
		vtd_set_context(&side->vtd, context);
		vtd_turn_on(&side->vtd);
	}
	return 0;
}

static void block(void *data)
{
	struct side *side = data;

	if (side->is_arm)
		smmu_block(&side->smmu);
	else
		vtd_block(&side->vtd);
}

static void invalidate(void *data, const struct pt_gather *gather)
{
	struct side *side = data;

	if (side->is_deaf)
		return;
	side->invalidations++;
	/* A slot of a contiguous group may be cached on its own, so the smallest page is the step. */
	if (side->is_arm)
		smmu_invalidate(&side->smmu, gather, 4 * KIB);
	else
		vtd_invalidate(&side->vtd, gather);
}

const struct vc_driver hardware_driver = {load, block, invalidate};

void hardware_start(struct side *pc, struct side *arm, const char *path, unsigned char *memory)
{
	pc->iommu = "VT-d";
	pc->vtd = (struct vtd){.machine = &pc->machine, .memory = memory, .tables = AT_VTD};
	vtd_block(&pc->vtd);
	machine_start_pc(&pc->machine, path, MEMORY_BYTES, "intel-iommu,intremap=off,aw-bits=48");
	vtd_turn_on(&pc->vtd);

	/* Physical address VIRT_RAM of this machine is the first byte of the memory. */
	arm->iommu = "SMMUv3";
	arm->is_arm = true;
	arm->smmu = (struct smmu){.machine = &arm->machine, .memory = memory - VIRT_RAM, .tables = VIRT_RAM + AT_SMMU};
	smmu_block(&arm->smmu);
	machine_start_virt(&arm->machine, path, MEMORY_BYTES, "smmuv3");
	smmu_turn_on(&arm->smmu);
}

void hardware_end(struct side *pc, struct side *arm)
{
	machine_end(&pc->machine);
	machine_end(&arm->machine);
}

void hardware_dma(struct side *side, bool to_device, uint64_t iova, uint64_t bytes)
{
	/* What this process stored is in memory before the engine is told to go. */
	PT_WMB_DEVICE();
	machine_dma(&side->machine, to_device, iova, 0, bytes);
	side->transfers++;
	side->bytes += bytes;
}

bool hardware_fault(struct side *side, struct iommu_fault *out)
{
	return side->is_arm ? smmu_fault(&side->smmu, out) : vtd_fault(&side->vtd, out);
}

/* SPDX-License-Identifier: MIT */
/*
 * hardware.h - the two machines as this program has them: memory with places for all that is not the VCM runtime's, an
 * IOMMU on each side with its driver, and a DMA engine behind each.
 */
#ifndef TWO_MACHINES_HARDWARE_H
#define TWO_MACHINES_HARDWARE_H

#include "machines.h"
#include "vc.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/*
 * What is where in the memory that both machines have, by offset in its file. To the PC this is a physical address; to
 * the Arm machine it is one less VIRT_RAM, which is the bus offset of its devices. In the first MiB each machine has
 * things of its own.
 */
#define MEMORY_BYTES (256 * MIB)
#define AT_VTD	     (16 * MIB)
#define AT_SMMU	     (20 * MIB)
#define AT_TABLES    (32 * MIB)
#define AT_POOLS     (64 * MIB)

/* A machine, the device of the VCM runtime that its DMA engine is, and the IOMMU between the two. */
struct side {
	const char *name, *iommu;
	struct machine machine;
	struct vc_device *device;
	struct vtd vtd;
	struct smmu smmu;
	bool is_arm;
	bool is_deaf; /* invalidations are dropped on their way */
	unsigned int loads, invalidations;
	uint64_t transfers, bytes;
};

/*
 * Start both machines on the file at path. The sides' drivers are ready then, and their devices blocked.
 *
 * memory  CPU address of the file's first byte
 */
void hardware_start(struct side *pc, struct side *arm, const char *path, unsigned char *memory);
void hardware_end(struct side *pc, struct side *arm);

/* The driver of either side, for vc_device_driver(). */
extern const struct vc_driver hardware_driver;

/* One transfer of the side's DMA engine, between its own buffer and the address iova. */
void hardware_dma(struct side *side, bool to_device, uint64_t iova, uint64_t bytes);
/* The fault that the side's IOMMU has recorded, if there is one. */
bool hardware_fault(struct side *side, struct iommu_fault *out);

#endif

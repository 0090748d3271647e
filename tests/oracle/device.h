/* SPDX-License-Identifier: MIT */
/*
 * device.h - accesses of a DMA engine through an IOMMU: what they read tells where they went, and what they wrote is
 * looked for.
 */
#ifndef PTGEN_TESTS_ORACLE_DEVICE_H
#define PTGEN_TESTS_ORACLE_DEVICE_H

#include "oracle.h"

enum { DEVICE_SLOTS = 256 };

struct device {
	struct machine machine;
	uint64_t window;	  /* input address of two pages of the table under test that carry tokens and results */
	uint64_t window_bytes;	  /* what of the input range belongs to it: one slot of the root */
	uint64_t tokens, results; /* physical addresses of these pages */
};

/* Map the window: in the second slot of the root, which no case uses. */
void device_window(struct trial *trial, struct device *device);
bool device_usable(const struct device *device, uint64_t iova, uint64_t bytes);

/*
 * DMA, one access after the other. told: called after each; it says what the IOMMU recorded, and makes it ready to
 * record the next. A write that is denied and not recorded is looked for in all of memory.
 */
void device_present(struct trial *trial, struct device *device, struct access *accesses, size_t n,
		    void (*told)(struct trial *trial, struct access *access));

#endif

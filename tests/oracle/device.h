/* SPDX-License-Identifier: MIT */
/*
 * device.h - a machine without a program, driven through its registers (QEMU's qtest), and its DMA engine (edu), whose
 * accesses go through an IOMMU.
 */
#ifndef PTGEN_TESTS_ORACLE_DEVICE_H
#define PTGEN_TESTS_ORACLE_DEVICE_H

#include "oracle.h"

enum { DEVICE_ID = 0x20, DEVICE_SLOTS = 256 };

struct device {
	struct emulator emulator;
	int socket;
	unsigned int waiting; /* replies that have not been read */
	char reply[1 << 16];
	size_t length;
	uint64_t bar;
	uint64_t window;	  /* input address of two pages of the table under test that carry tokens and results */
	uint64_t window_bytes;	  /* what of the input range belongs to it: one slot of the root */
	uint64_t tokens, results; /* physical addresses of these pages */
};

/* Lines of qtest. Writes are sent at once and answered later; a read waits for all. */
void device_write32(struct device *device, uint64_t address, uint32_t value);
void device_write64(struct device *device, uint64_t address, uint64_t value);
uint32_t device_read32(struct device *device, uint64_t address);
uint64_t device_read64(struct device *device, uint64_t address);
void device_out(struct device *device, unsigned int port, uint32_t value);

/* Start the machine; arguments go between its memory and edu. halt: its firmware, which does nothing. */
void device_start(struct trial *trial, struct device *device, const char *machine, const char *halt,
		  const char *const *more);
void device_end(struct device *device);
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

/* SPDX-License-Identifier: MIT */
/*
 * machines.h - emulated machines on memory that this process shares: QEMU, a DMA engine, and drivers of two IOMMUs.
 *
 * An emulator is a process of ours with memory that is a file. A machine is one without a program: its processor is
 * halted, this process plays the driver, and its one device (edu) moves bytes by DMA through the IOMMU. The drivers of
 * the IOMMUs get what the generated code gives them: values of F_registers, and gathers.
 *
 * Nothing here waits for ever (DEADLINE_SECONDS), and nothing is left behind: emulators end with this process, and
 * their firmware and messages are files without a name. What goes wrong ends in machines_on_failure(). One thread at a
 * time.
 */
#ifndef PTGEN_MACHINES_H
#define PTGEN_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pt.h"

enum { DEADLINE_SECONDS = 60 };

/*
 * Called when an emulator dies, does not answer in time, or cannot be started; it does not return. message is one line
 * or several. The default prints it and exits.
 */
extern void (*machines_on_failure)(const char *message);
_Noreturn void machines_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -------------------------------------------------------------------------------------------------------- emulators */

enum { EMULATOR_MAX_ARGUMENTS = 64 };

struct emulator {
	pid_t pid;
	int messages;
	const char *program;
};

/* Is a program of that name in the PATH? */
bool emulator_installed(const char *program);
/*
 * Start QEMU with a file as its memory. It inherits the descriptors that its arguments name.
 *
 * program  "qemu-system-..."
 * machine  its -machine, without memory
 * memory   path of the file
 * bytes    of the file and the memory: a multiple of 1 MiB
 * more     further arguments, NULL at the end
 */
void emulator_start(struct emulator *emulator, const char *program, const char *machine, const char *memory,
		    uint64_t bytes, const char *const *more);
/* End it and wait for its end. */
void emulator_end(struct emulator *emulator);
/* Fails if the emulator has ended; `doing` says what was being waited for. */
void emulator_check(struct emulator *emulator, const char *doing);
/* Fails: the deadline is over. Shows what the emulator printed. */
_Noreturn void emulator_timeout(struct emulator *emulator, const char *doing);

/* A nameless file with these bytes; the text that opens it in a child ("/proc/self/fd/N") goes to path. */
int nameless_file(const char *name, const void *bytes, size_t n, char path[32]);
/* Seconds of a clock that only goes forward. */
double seconds_now(void);

/* --------------------------------------------------------------------------------------------------------- machines */

/* DEVICE_ID: how the DMA engine calls itself to the IOMMU (PCI 00:04.0). A transfer is of at most DMA_MAX bytes. */
enum { DEVICE_ID = 0x20, DMA_MAX = 2048 };

/* Physical address of the first byte of memory. */
#define PC_RAM	 UINT64_C(0)
#define VIRT_RAM UINT64_C(0x40000000)

struct machine {
	struct emulator emulator;
	int socket;
	unsigned int waiting; /* replies that have not been read */
	char reply[1 << 16];
	size_t length;
	uint64_t bar; /* registers of the DMA engine */
};

/*
 * Start an x86 PC (q35) or an Arm machine (virt) whose IOMMU is the given QEMU device: "intel-iommu,intremap=off",
 * "amd-iommu", or for Arm the argument of -machine, "smmuv3".
 */
void machine_start_pc(struct machine *machine, const char *memory, uint64_t bytes, const char *iommu);
void machine_start_virt(struct machine *machine, const char *memory, uint64_t bytes, const char *iommu);
void machine_end(struct machine *machine);

/* Registers by physical address. Writes are sent at once and answered later; a read waits for all. */
void machine_write32(struct machine *machine, uint64_t address, uint32_t value);
void machine_write64(struct machine *machine, uint64_t address, uint64_t value);
uint32_t machine_read32(struct machine *machine, uint64_t address);
uint64_t machine_read64(struct machine *machine, uint64_t address);

/*
 * A transfer of the DMA engine between memory, as the IOMMU shows it, and its own buffer of 4095 bytes.
 *
 * to_device  from memory to the buffer; else the reverse
 * iova       the address in memory; the transfer stays within one page
 * at         the offset in the buffer
 */
void machine_dma(struct machine *machine, bool to_device, uint64_t iova, uint64_t at, uint64_t bytes);

/* ----------------------------------------------------------------------------------------------------------- IOMMUs */

/*
 * A fault that an IOMMU recorded.
 *
 * kinds   bit n: what the record says may be fault n (PT_FAULT_*): some IOMMUs have one word for several
 * reason  the number in the record; what the manual calls it
 */
struct iommu_fault {
	uint64_t address;
	unsigned int source, kinds, reason;
	bool is_write;
	const char *name;
	uint64_t raw[4];
};

/*
 * Intel VT-d, register-based invalidation.
 *
 * memory    CPU address of physical address 0
 * tables    physical address of four pages for its root table, context table, and in scalable mode directory and table
 * of PASIDs
 */
struct vtd {
	struct machine *machine;
	unsigned char *memory;
	uint64_t tables;
	bool is_scalable, is_on;
};

/*
 * The entries in memory: what the device is translated by; may be called before the machine runs. In legacy mode that
 * is a context entry; in scalable mode an entry for accesses without PASID (is_scalable is to stay as it is from then
 * on).
 */
void vtd_set_context(struct vtd *vtd, const struct pt_register *context);
void vtd_set_pasid(struct vtd *vtd, const struct pt_register *pasid);
/* Turn translation on where it is off; the entries may have changed. */
void vtd_turn_on(struct vtd *vtd);
/* Every access of the device faults from here on. */
void vtd_block(struct vtd *vtd);
void vtd_invalidate(struct vtd *vtd, const struct pt_gather *gather);
void vtd_invalidate_all(struct vtd *vtd);
/* Take the fault record, if there is one. */
bool vtd_fault(struct vtd *vtd, struct iommu_fault *out);

/*
 * Arm SMMUv3, stage 1, linear stream table.
 *
 * memory    CPU address of physical address 0
 * tables    physical address of 4 MiB, aligned, for its stream table, context descriptor and queues
 */
struct smmu {
	struct machine *machine;
	unsigned char *memory;
	uint64_t tables;
	uint32_t commands; /* written so far */
	uint32_t events;   /* read so far */
	bool is_on;
};

void smmu_set_context(struct smmu *smmu, const struct pt_register *context);
void smmu_turn_on(struct smmu *smmu);
void smmu_block(struct smmu *smmu);
/*
 * Invalidate what the gather says, address by address; more than a few: everything.
 *
 * step  the smallest piece that the SMMU may have cached on its own: where the table has contiguous groups, one slot
 */
void smmu_invalidate(struct smmu *smmu, const struct pt_gather *gather, uint64_t step);
void smmu_invalidate_all(struct smmu *smmu);
/* Take the events that are there; the first one is told. An access that is denied may be tried in parts. */
bool smmu_fault(struct smmu *smmu, struct iommu_fault *out);

#endif

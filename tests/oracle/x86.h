/* SPDX-License-Identifier: MIT */
/* x86.h - what an x86 CPU with a stub of ours needs in any mode: where things are, how it starts, what its faults say.
 */
#ifndef PTGEN_TESTS_ORACLE_X86_H
#define PTGEN_TESTS_ORACLE_X86_H

#include "mailbox.h"

/* All that the CPU itself needs stands behind the mailbox; its tables in 512 KiB of that. */
enum {
	MIB = 1 << 20,
	MAILBOX = 0x100000,
	GDT = 0x120000,
	IDT = 0x121000,
	TSS = 0x122000,
	STACK_END = 0x124000,
	WINDOW_TABLES = 0x130000,
	VECTORS = 0x800,   /* in the stub */
	X86_CR4_PGE = 0x80 /* global entries are kept, to be sure that invalidations drop them */
};

/* Paging, write protection in ring 0. */
#define X86_CR0 UINT64_C(0x80010011)

/* Memory: 2 GiB below the hole for devices, the rest above it. */
void x86_open(struct ram *ram);
/* Start the machine with the stub at its reset vector. */
void x86_boot(struct trial *trial, const unsigned char *stub, size_t bytes, const char *cpu);
/* For mailbox_present(). */
uint64_t x86_plant(uint16_t token);
void x86_fault(const struct operation *operation, struct access *access);
/* A class's hook: INVLPG for each page that changed. */
void x86_invalidate(struct trial *trial, const struct pt_gather *gather);

#endif

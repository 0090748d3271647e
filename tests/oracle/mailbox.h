/* SPDX-License-Identifier: MIT */
/*
 * mailbox.h - a CPU that runs a stub of ours: operations are written to its memory, a word is the doorbell.
 *
 * Mailbox: doorbell, the doorbell that was answered, number of operations (64-bit words, in the CPU's byte order); the
 * machine's parameters up to 0x1000; then operations. Value and result are bytes, as they are in memory.
 */
#ifndef PTGEN_TESTS_ORACLE_MAILBOX_H
#define PTGEN_TESTS_ORACLE_MAILBOX_H

#include "oracle.h"

enum { MAILBOX_OPERATIONS = 512, MAILBOX_LIST = 0x1000, OPERATION_BYTES = 64 };

/* Operation numbers that all stubs share; user accesses are 4 more. */
enum { OP_READ = 0, OP_WRITE = 1, OP_EXEC = 2, OP_USER = 4, OP_FLUSH_ADDRESS = 8, OP_FLUSH_ALL = 9, OP_LOAD = 10 };

/* An operation, in this order in memory; op takes 4 bytes and 4 are free. */
struct operation {
	uint32_t op;
	uint64_t address, value;
	uint64_t code; /* 0: it was done; else the exception */
	uint64_t result, detail[3];
};

struct mailbox {
	struct emulator emulator;
	struct ram *ram;
	uint64_t pa, rung;
	bool big_endian;
	bool large_flushed; /* a large page was invalidated by one address, and not everything since */
	unsigned int n;	    /* operations that wait */
	struct operation operation[MAILBOX_OPERATIONS];
};

void mailbox_store(const struct mailbox *mailbox, uint64_t offset, uint64_t value);
/* Add an operation; runs what waits if there is no room. */
void mailbox_add(struct mailbox *mailbox, uint32_t op, uint64_t address, uint64_t value);
/* The operation number of an access. */
uint32_t operation_of(unsigned int access);
/* Run what waits; results are in mailbox->operation until the next add. */
void mailbox_run(struct mailbox *mailbox);

/*
 * Real accesses: put stamps, tokens and instructions where the accesses should land, run them, see where they did.
 *
 * plant   the instructions that bring a token of 16 bits back (in result), as 8 bytes
 * fault   say what an operation with a code means: fault, level
 */
void mailbox_present(struct trial *trial, struct mailbox *mailbox, struct access *accesses, size_t n,
		     uint64_t (*plant)(uint16_t token),
		     void (*fault)(const struct operation *operation, struct access *access));

/* Hooks of machines that begin with their mailbox (trial->machine points at it): end it; invalidate everything. */
void mailbox_end(struct trial *trial);
void mailbox_forget(struct trial *trial);
/*
 * The same: one operation `op` for each leaf of the smallest size that changed; a long range: everything. operand: what
 * the operation takes for an address (NULL: the address).
 */
void mailbox_invalidate(struct trial *trial, const struct pt_table *table, const struct pt_gather *gather, uint32_t op,
			uint64_t (*operand)(uint64_t iova));

/*
 * An invalidation of one address drops the whole translation of a large page, but of the code that QEMU has translated
 * in it only what is in the 4 KiB around the address: jumps elsewhere in the large page may run old code. Then a read
 * at the same address agrees, and so does the fetch once everything is invalidated. The name of this gap, or NULL.
 */
const char *mailbox_old_code(struct trial *trial, const struct access *access);

#endif

/* SPDX-License-Identifier: MIT */
/* test_x86_32.c - an x86 CPU in 32-bit mode walks: two levels, and PAE with three; every access in ring 0 and ring 3.
 */
#include <stdlib.h>
#include <string.h>

#include "x86.h"

static const unsigned char stub[] = {
#include "stubs/x86_32.inc"
};

/* Where the window has the mailbox and what follows it, this firmware, and the firmware for ring 3. */
#define MAIL	 UINT64_C(0xfff00000)
#define ROM	 UINT64_C(0xffff0000)
#define USER_ROM UINT64_C(0xfffe0000)

struct x86 {
	struct mailbox mailbox;
	bool pae;
};

static void store(const struct trial *trial, uint64_t pa, uint64_t value, unsigned int bytes)
{
	value = pt_le64(value);
	memcpy(ram_at(&trial->ram, pa), &value, bytes);
}

/* The bytes of a table entry, and how many of them one has. */
static unsigned int entry_bytes(const struct trial *trial)
{
	const struct x86 *x86 = trial->machine;

	return x86->pae ? 8 : 4;
}

/* The last slot of the root leads here: 4 MiB, or of the last GiB the last 2 MiB. */
static void window_tables(struct trial *trial)
{
	enum { PRESENT = 1, WRITABLE = 2, USER = 4, PAGE = 4096 };
	const struct x86 *x86 = trial->machine;
	unsigned int bytes = entry_bytes(trial), entries = PAGE / bytes;
	uint64_t table = WINDOW_TABLES + (x86->pae ? PAGE : 0);

	if (x86->pae)
		store(trial, WINDOW_TABLES + 511 * 8, table | PRESENT | WRITABLE | USER, 8);
	for (uint64_t i = 0; i < 128; i++)
		store(trial, table + ((MAIL / PAGE + i) % entries) * bytes, (MAILBOX + i * PAGE) | PRESENT | WRITABLE,
		      bytes);
	for (uint64_t i = 0; i < 16; i++) {
		store(trial, table + ((ROM / PAGE + i) % entries) * bytes, (ROM + i * PAGE) | PRESENT, bytes);
		store(trial, table + ((USER_ROM / PAGE + i) % entries) * bytes, (ROM + i * PAGE) | PRESENT | USER,
		      bytes);
	}
}

static void gate(struct trial *trial, unsigned int vector, uint64_t handler, unsigned int attributes)
{
	store(trial, IDT + 8 * vector,
	      (handler & 0xffff) | 0x08 << 16 | (uint64_t)attributes << 40 | (handler >> 16 & 0xffff) << 48, 8);
}

static void descriptors(struct trial *trial)
{
	static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, /* 0x08: code */
				       0x00cf93000000ffff,    /* 0x10: data */
				       0x00cffb000000ffff,    /* 0x18: code of ring 3 */
				       0x00cff3000000ffff};   /* 0x20: data of ring 3 */
	uint64_t tss = MAIL + (TSS - MAILBOX);

	for (unsigned int i = 0; i < 5; i++)
		store(trial, GDT + 8 * i, gdt[i], 8);
	store(trial, GDT + 8 * 5, 0x67 | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (tss >> 24 & 0xff) << 56, 8);
	for (unsigned int vector = 0; vector < 32; vector++)
		gate(trial, vector, ROM + VECTORS + 32 * vector, 0x8e);
	gate(trial, 0x80, ROM + VECTORS + 32 * 32, 0xee);
	/* The stack of ring 0: pointer and segment. */
	store(trial, TSS + 4, MAIL + (STACK_END - MAILBOX), 4);
	store(trial, TSS + 8, 0x10, 4);
}

static void pointer(struct trial *trial, uint64_t at, uint16_t limit, uint64_t base)
{
	store(trial, at, limit, 2);
	store(trial, at + 2, base, 4);
}

static void x86_start(struct trial *trial)
{
	struct x86 *x86 = calloc(1, sizeof(*x86));
	struct ram *ram = &trial->ram;

	CHECK(x86 != NULL);
	trial->machine = x86;
	x86->pae = strcmp(trial->format->name, "x86_pae") == 0;
	/* CR3 and tables of two levels reach 4 GiB; pages reach further only with PAE, and with 4 MiB. */
	x86_open(ram);
	ram->tables_first = UINT64_C(1) << 30;
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(1280) * MIB;
	ram->data_last = (UINT64_C(2) << 30) - 1;
	ram->more_first = UINT64_C(4) << 30;
	ram->more_last = (UINT64_C(62) << 30) - 1;

	x86->mailbox.ram = ram;
	x86->mailbox.pa = MAILBOX;
	window_tables(trial);
	descriptors(trial);
	mailbox_store(&x86->mailbox, 0x40, X86_CR0);
	mailbox_store(&x86->mailbox, 0x60, MAIL + (STACK_END - MAILBOX));
	pointer(trial, MAILBOX + 0x80, 8 * 6 - 1, MAIL + (GDT - MAILBOX));
	pointer(trial, MAILBOX + 0x90, 8 * 129 - 1, MAIL + (IDT - MAILBOX));
}

/* Our one entry in the table under test: the last slot of the root. In the table of PAE most bits are reserved. */
static void window_entry(struct trial *trial, bool there)
{
	const struct x86 *x86 = trial->machine;
	uint64_t at = pt_root(&trial->table) + (x86->pae ? 3 * 8 : 1023 * 4);

	store(trial, at, there ? WINDOW_TABLES | (x86->pae ? 1 : 7) : 0, entry_bytes(trial));
}

static void x86_load(struct trial *trial)
{
	struct x86 *x86 = trial->machine;

	window_entry(trial, true);
	mailbox_store(&x86->mailbox, 0x28, trial_register(trial, "CR3").value[0]);
	mailbox_store(&x86->mailbox, 0x30, trial_register(trial, "CR4").value[0] | X86_CR4_PGE);
	mailbox_store(&x86->mailbox, 0x38, x86->pae ? trial_register(trial, "EFER").value[0] : 0);

	x86_boot(trial, stub, sizeof(stub), "max");
}

static void x86_unload(struct trial *trial)
{
	window_entry(trial, false);
}

static void x86_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct x86 *x86 = trial->machine;

	mailbox_present(trial, &x86->mailbox, accesses, n, x86_plant, x86_fault);
	/* No CPU writes to the root of PAE; QEMU does, and sets a bit there that is reserved. */
	for (unsigned int i = 0; i < 4 && x86->pae; i++) {
		uint64_t at = pt_root(&trial->table) + 8 * i;

		store(trial, at, ram_load(&trial->ram, at) & ~UINT64_C(0x20), 8);
	}
}

static const char *x86_blind(const struct trial *trial, const struct pt_walk *walk)
{
	const struct x86 *x86 = trial->machine;

	return x86->pae && walk->fault == PT_FAULT_RESERVED && walk->n_steps == 1
		       ? "reserved bits in the root of PAE are not looked at"
		       : NULL;
}

static bool x86_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	const struct x86 *x86 = trial->machine;

	return iova + (bytes - 1) < (x86->pae ? UINT64_C(0xc0000000) : UINT64_C(0xffc00000));
}

static const struct machine_class x86_32 = {
	.test = "x86_32",
	.oracle = "QEMU 7.2 x86 CPU, 32-bit mode",
	.program = "qemu-system-x86_64",
	.package = "qemu-system-x86",
	.not_modelled = "the CPU does not tell the level of a fault; memory types have no effect; with PAE the four "
			"entries of the root are read at each walk, and A (a reserved bit) is set there: the test "
			"clears it",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_CACHE | CAN_RESERVED,
	.start = x86_start,
	.end = mailbox_end,
	.load = x86_load,
	.unload = x86_unload,
	.present = x86_present,
	.invalidate = x86_invalidate,
	.forget = mailbox_forget,
	.usable = x86_usable,
	.blind = x86_blind,
	.gap = mailbox_old_code,
};

static const struct configuration configurations[] = {
	{.format = "x86_32"},
	{.format = "x86_32", .setting = {{"pse", 0}}},
	{.format = "x86_pae", .setting = {{"mp", 40}}},
	{.format = "x86_pae", .setting = {{"mp", 40}, {"nxe", 0}}, .whole = true},
};

ORACLE_TESTS(x86_32, &x86_32, configurations)

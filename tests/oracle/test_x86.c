/* SPDX-License-Identifier: MIT */
/*
 * test_x86.c - an x86-64 CPU walks: four and five levels, every access in ring 0 and ring 3. Its own tables, and those
 * of IOMMUs that have the same entries; no emulated IOMMU walks these.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86.h"

static const unsigned char stub[] = {
#include "stubs/x86_64.inc"
};

enum {
	BOOT_TABLES = 0x138000,
	WINDOW_SLOT = 300, /* of the root: the stub lives there, and no case does */
	NO_1G = 1	   /* variant: a CPU without pages of 1 GiB */
};

struct x86 {
	struct mailbox mailbox;
	uint64_t window;
	unsigned int levels;
};

/* One entry of the stub's own tables. */
static void entry(struct trial *trial, uint64_t table, unsigned int index, uint64_t word)
{
	ram_store(&trial->ram, table + 8 * index, word);
}

/* The window: a chain of tables down to one that has the firmware, low memory, and the firmware for ring 3. */
static uint64_t window_tables(struct trial *trial, unsigned int levels)
{
	uint64_t table = WINDOW_TABLES;

	for (unsigned int level = levels - 1; level > 2; level--, table += 4096)
		entry(trial, table, 0, (table + 4096) | 7);
	entry(trial, table, 0, 0xffe00000 | 0x83);
	entry(trial, table, 1, 0 | 0x83);
	entry(trial, table, 2, 0xffe00000 | 0x87);
	return WINDOW_TABLES;
}

/* What paging is turned on with: low memory and the firmware where they are, and the window. */
static uint64_t boot_tables(struct trial *trial, unsigned int levels)
{
	uint64_t table = BOOT_TABLES;

	entry(trial, table, WINDOW_SLOT, WINDOW_TABLES | 7);
	for (unsigned int level = levels; level > 3; level--, table += 4096)
		entry(trial, table, 0, (table + 4096) | 7);
	entry(trial, table, 0, (table + 4096) | 7);
	entry(trial, table, 3, (table + 8192) | 7);
	entry(trial, table + 4096, 0, 0 | 0x83);
	entry(trial, table + 8192, 511, 0xffe00000 | 0x83);
	return BOOT_TABLES;
}

static void gate(struct trial *trial, unsigned int vector, uint64_t handler, unsigned int attributes)
{
	entry(trial, IDT, 2 * vector,
	      (handler & 0xffff) | 0x18 << 16 | (uint64_t)attributes << 40 | (handler >> 16 & 0xffff) << 48);
	entry(trial, IDT, 2 * vector + 1, handler >> 32);
}

/* Descriptors: the CPU reads them through the window. */
static void descriptors(struct trial *trial, uint64_t rom, uint64_t low)
{
	static const uint64_t gdt[] = {0,
				       0x00cf9b000000ffff,  /* 0x08: 32-bit code */
				       0x00cf93000000ffff,  /* 0x10: data */
				       0x00af9b000000ffff,  /* 0x18: 64-bit code */
				       0x00affb000000ffff,  /* 0x20: 64-bit code of ring 3 */
				       0x00cff3000000ffff}; /* 0x28: data of ring 3 */
	uint64_t tss = low + TSS;

	for (unsigned int i = 0; i < 6; i++)
		entry(trial, GDT, i, gdt[i]);
	entry(trial, GDT, 6, 0x67 | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (tss >> 24 & 0xff) << 56);
	entry(trial, GDT, 7, tss >> 32);
	for (unsigned int vector = 0; vector < 32; vector++)
		gate(trial, vector, rom + VECTORS + 16 * vector, 0x8e);
	gate(trial, 0x80, rom + VECTORS + 16 * 32, 0xee);
	/* The stack of ring 0 stands at byte 4 of the task state. */
	memcpy(ram_at(&trial->ram, TSS + 4), &(uint64_t){low + STACK_END}, 8);
}

static void pointer(struct trial *trial, uint64_t at, uint16_t limit, uint64_t base)
{
	memcpy(ram_at(&trial->ram, at), &limit, 2);
	memcpy(ram_at(&trial->ram, at + 2), &base, 8);
}

static unsigned int levels_of(const struct trial *trial)
{
	int64_t value = trial->config.param[pt_param_find(trial->format, "levels")];

	return value == PT_UNSET ? 4 : (unsigned int)value;
}

static void x86_start(struct trial *trial)
{
	struct x86 *x86 = calloc(1, sizeof(*x86));
	struct ram *ram = &trial->ram;
	uint64_t rom, low;

	CHECK(x86 != NULL);
	trial->machine = x86;
	x86->levels = levels_of(trial);
	x86->window = (uint64_t)WINDOW_SLOT << (9 * x86->levels + 3);
	x86->window |= UINT64_MAX << (9 * x86->levels + 11); /* the slot is in the upper half */
	rom = x86->window + 0x1f0000;
	low = x86->window + 2 * MIB;

	/* 2 GiB below the hole for devices, the rest above it. Tables are sometimes here and sometimes there. */
	x86_open(ram);
	ram->tables_first = UINT64_C(1) << (trial_below(trial, 2) ? 30 : 35);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = (UINT64_C(32) << 30) - 1;

	x86->mailbox.ram = ram;
	x86->mailbox.pa = MAILBOX;
	window_tables(trial, x86->levels);
	descriptors(trial, rom, low);
	mailbox_store(&x86->mailbox, 0x20, boot_tables(trial, x86->levels));
	mailbox_store(&x86->mailbox, 0x40, X86_CR0);
	mailbox_store(&x86->mailbox, 0x48, rom);
	mailbox_store(&x86->mailbox, 0x50, low + MAILBOX);
	mailbox_store(&x86->mailbox, 0x58, x86->window + 4 * MIB + 0x1f0000);
	mailbox_store(&x86->mailbox, 0x60, low + STACK_END);
	pointer(trial, MAILBOX + 0x80, 8 * 8 - 1, low + GDT);
	pointer(trial, MAILBOX + 0x90, 16 * 129 - 1, low + IDT);
}

/* What turns the CPU's walker on, as the registers of the format say it. */
static void set_registers(struct trial *trial)
{
	enum { PAE = 1 << 5, LA57 = 1 << 12, LME = 1 << 8, NXE = 1 << 11 };
	const struct x86 *x86 = trial->machine;
	uint64_t cr3, cr4 = PAE, efer = LME;

	if (strcmp(trial->format->name, "vtd_first_stage") == 0) {
		/* Its third word has the root, and below it what the bits of CR4 and EFER are. */
		uint64_t word = trial_register(trial, "PASID").value[2];

		cr3 = word & ~UINT64_C(0xfff);
		cr4 |= word >> 2 & 3 ? (uint64_t)LA57 : 0;
		efer |= word >> 5 & 1 ? (uint64_t)NXE : 0;
	} else if (strcmp(trial->format->name, "amd_v2") == 0) {
		cr3 = trial_register(trial, "GCR3").value[0] & ~UINT64_C(0xfff);
		cr4 |= trial_register(trial, "DTE2").value[0] >> 54 & 3 ? (uint64_t)LA57 : 0;
		efer |= trial_param(trial, "nxe") ? (uint64_t)NXE : 0;
	} else {
		cr3 = trial_register(trial, "CR3").value[0];
		cr4 = trial_register(trial, "CR4").value[0];
		efer = trial_register(trial, "EFER").value[0];
	}
	mailbox_store(&x86->mailbox, 0x28, cr3);
	mailbox_store(&x86->mailbox, 0x30, cr4 | X86_CR4_PGE);
	mailbox_store(&x86->mailbox, 0x38, efer);
}

static void x86_load(struct trial *trial)
{

	/* Our one entry in the table under test: the stub's window. */
	entry(trial, pt_root(&trial->table), WINDOW_SLOT, WINDOW_TABLES | 7);
	set_registers(trial);
	x86_boot(trial, stub, sizeof(stub), trial->configuration->variant == NO_1G ? "max,pdpe1gb=off" : "max");
}

static void x86_unload(struct trial *trial)
{
	entry(trial, pt_root(&trial->table), WINDOW_SLOT, 0);
}

static void x86_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct x86 *x86 = trial->machine;

	mailbox_present(trial, &x86->mailbox, accesses, n, x86_plant, x86_fault);
}

static bool x86_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	struct x86 *x86 = trial->machine;
	uint64_t window = UINT64_C(1) << (9 * x86->levels + 3);

	return iova + (bytes - 1) < x86->window || iova > x86->window + (window - 1);
}

#define COMMON                                                                                                 \
	.test = "x86", .program = "qemu-system-x86_64", .package = "qemu-system-x86", .start = x86_start,      \
	.end = mailbox_end, .load = x86_load, .unload = x86_unload, .present = x86_present,                    \
	.invalidate = x86_invalidate, .forget = mailbox_forget, .usable = x86_usable, .gap = mailbox_old_code, \
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE

static const struct machine_class x86_64 = {
	COMMON,
	.oracle = "QEMU 7.2 x86-64 CPU",
	.not_modelled = "the CPU does not tell the level of a fault; memory types have no effect",
};

static const struct machine_class x86_iommu = {
	COMMON,
	.oracle = "QEMU 7.2 x86-64 CPU, whose entries these are",
	.not_modelled =
		"no emulated IOMMU walks these tables: neither context entries nor fault records are looked at; the "
		"level of a fault is not told",
};

static const struct configuration configurations[] = {
	{.format = "x86_64", .setting = {{"mp", 40}}},
	{.format = "x86_64", .setting = {{"mp", 40}, {"levels", 5}}},
	{.format = "x86_64", .setting = {{"mp", 40}, {"nxe", 0}}},
	{.format = "x86_64", .setting = {{"mp", 40}, {"page1g", 0}}, .variant = NO_1G},
	{.format = "x86_64", .setting = {{"mp", 40}, {"levels", 5}, {"nxe", 0}, {"page1g", 0}}, .variant = NO_1G},
};

/* The CPU has an upper half where an AMD IOMMU has nothing. */
static const struct configuration iommus[] = {
	{.format = "vtd_first_stage", .setting = {{"mp", 40}}},
	{.format = "vtd_first_stage", .setting = {{"mp", 40}, {"levels", 5}, {"nxe", 1}}, .whole = true},
	{.format = "amd_v2", .setting = {{"mp", 40}}, .lacks = CAN_OUTSIDE},
	{.format = "amd_v2", .setting = {{"mp", 40}, {"levels", 5}, {"nxe", 1}}, .lacks = CAN_OUTSIDE, .whole = true},
};

ORACLE_TESTS(x86, &x86_64, configurations)
ORACLE_TESTS(x86_iommu, &x86_iommu, iommus)

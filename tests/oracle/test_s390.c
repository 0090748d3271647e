/* SPDX-License-Identifier: MIT */
/*
 * test_s390.c - an s390x CPU walks: segment tables up to three levels of region tables, and pages of 4 KiB. Its own
 * tables, and those of PCI functions, which are the same; no emulated function's translation is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

static const unsigned char stub[] = {
#include "stubs/s390x.inc"
};

enum { MIB = 1 << 20, START = 0x10000, MAILBOX = 0x100000, ASCE = 0x20 };

struct s390 {
	struct mailbox mailbox;
	bool running;
};

static void s390_start(struct trial *trial)
{
	static const struct ram_piece piece = {0, (UINT64_C(32) << 30) - 1, 0};
	struct s390 *s390 = calloc(1, sizeof(*s390));
	struct ram *ram = &trial->ram;

	CHECK(s390 != NULL);
	trial->machine = s390;
	ram_open(ram, &piece, 1);
	ram->tables_first = UINT64_C(1) << (trial_below(trial, 2) ? 30 : 34);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(2) << 30;
	ram->data_last = (UINT64_C(16) << 30) - 1;
	s390->mailbox.ram = ram;
	s390->mailbox.pa = MAILBOX;
	s390->mailbox.big_endian = true;
}

/* Of a PCI function the anchor has root and type, at the same places; all of the root is there. */
static uint64_t designation(const struct trial *trial)
{
	enum { TYPE = 3 << 2, WHOLE = 3 };
	uint64_t anchor;

	if (strcmp(trial->format->name, "s390_cpu") == 0)
		return trial_register(trial, "ASCE").value[0];
	anchor = trial_register(trial, "IOTA").value[0];
	return (anchor & ~UINT64_C(0x3fff)) | (anchor & TYPE) | WHOLE;
}

static void s390_load(struct trial *trial)
{
	struct s390 *s390 = trial->machine;
	static unsigned char image[START + sizeof(stub)];
	char kernel[32];
	const char *const arguments[] = {"-cpu", "max", "-kernel", kernel, NULL};

	mailbox_store(&s390->mailbox, ASCE, designation(trial));
	if (!s390->running) {
		/* A short PSW in the first 8 bytes says where to start. */
		memcpy(image, (const unsigned char[]){0x00, 0x08, 0x00, 0x00, 0x80, 0x01, 0x00, 0x00}, 8);
		memcpy(image + START, stub, sizeof(stub));
		nameless_file("kernel", image, sizeof(image), kernel);
		emulator_start(&s390->mailbox.emulator, trial->class->program, "s390-ccw-virtio", trial->ram.path,
			       trial->ram.bytes, arguments);
		s390->running = true;
	}
	mailbox_add(&s390->mailbox, OP_LOAD, 0, 0);
	mailbox_run(&s390->mailbox);
}

static uint64_t plant(uint16_t token)
{
	(void)token;
	test_fail(__FILE__, __LINE__, "nothing is fetched here");
}

static int level_number(const struct trial *trial, const char *name)
{
	for (unsigned int i = 0; i < trial->format->n_levels; i++)
		if (strcmp(trial->format->levels[i].name, name) == 0)
			return trial->format->levels[i].number;
	test_fail(__FILE__, __LINE__, "%s has no level %s", trial->format->name, name);
}

/* Program interruption codes: each level has its own for an entry that is invalid. */
static void decode(const struct trial *trial, struct access *access)
{
	static const struct {
		unsigned int code;
		const char *level;
	} absent[] = {{0x10, "segment"}, {0x11, "page"}, {0x39, "region1"}, {0x3a, "region2"}, {0x3b, "region3"}};
	enum { PROTECTION = 0x04, SPECIFICATION = 0x12, ASCE_TYPE = 0x38 };
	uint64_t code = access->raw[0];

	access->fault = FAULT_ODD;
	if (code == PROTECTION)
		access->fault = PT_FAULT_PERMISSION;
	else if (code == ASCE_TYPE)
		access->fault = PT_FAULT_ADDRESS;
	else if (code == SPECIFICATION)
		access->fault = PT_FAULT_FORMAT; /* the one that the format names */
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		if (absent[i].code != code)
			continue;
		access->fault = PT_FAULT_ABSENT;
		access->level = level_number(trial, absent[i].level);
	}
	/* Bits 63 to 12 of the identification are the page's address. */
	if (access->raw[2] >> 12 != access->iova >> 12 && code != SPECIFICATION)
		access->fault = FAULT_ODD;
}

static void nothing(const struct operation *operation, struct access *access)
{
	(void)operation;
	(void)access;
}

static void s390_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct s390 *s390 = trial->machine;

	mailbox_present(trial, &s390->mailbox, accesses, n, plant, nothing);
	for (size_t i = 0; i < n; i++)
		if (!accesses[i].allowed)
			decode(trial, &accesses[i]);
}

/* PURGE TLB; the instructions for single entries change the entry itself, and would hide what the mapper wrote. */
static void s390_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	if (!pt_gather_empty(gather))
		mailbox_forget(trial);
}

/* A region table entry says which quarters of the next table exist (TF and TL); in the format all do. */
static const char *s390_blind(const struct trial *trial, const struct pt_walk *walk)
{
	const struct pt_step *last = walk->n_steps ? &walk->step[walk->n_steps - 1] : NULL;

	if (walk->fault == PT_FAULT_FORMAT && trial->format->levels[last->level].number > 0 &&
	    ((last->raw[0] >> 6 & 3) != 0 || (last->raw[0] & 3) != 3))
		return "a table without all its quarters is one to the CPU, and none to the format";
	return NULL;
}

#define COMMON                                                                                              \
	.test = "s390", .program = "qemu-system-s390x", .package = "qemu-system-misc", .start = s390_start, \
	.end = mailbox_end, .load = s390_load, .present = s390_present, .invalidate = s390_invalidate,      \
	.forget = mailbox_forget, .blind = s390_blind

static const struct machine_class s390x = {
	COMMON,
	.oracle = "QEMU 7.2 s390x CPU, MVCOS",
	.not_modelled = "enhanced DAT: frames of 1 MiB and 2 GiB, protection in region tables; fetches from the space "
			"under test, and so execution protection; storage keys; invalidations of "
			"single entries: everything is purged",
	.can = CAN_USER | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE,
};

static const struct machine_class s390x_io = {
	COMMON,
	.oracle = "QEMU 7.2 s390x CPU, whose tables these are",
	.not_modelled =
		"the anchor of a PCI function, and what it records; protection in region tables, so hostile words "
		"are not compared; invalidations of single entries: everything is purged",
	.can = CAN_USER | CAN_CACHE | CAN_OUTSIDE,
};

#define NO_EDAT                     \
	{"edat1", 0}, {"edat2", 0}, \
	{                           \
		"iep", 0            \
	}

static const struct configuration configurations[] = {
	{.format = "s390_cpu", .setting = {{"dt", 0}, NO_EDAT}},
	{.format = "s390_cpu", .setting = {{"dt", 1}, NO_EDAT}, .whole = true},
	{.format = "s390_cpu", .setting = {{"dt", 2}, NO_EDAT, {"private", 1}}},
	{.format = "s390_cpu", .setting = {{"dt", 3}, NO_EDAT}},
};

static const struct configuration functions[] = {
	{.format = "s390_io"},
	{.format = "s390_io", .setting = {{"dt", 3}}, .whole = true},
};

ORACLE_TESTS(s390, &s390x, configurations)
ORACLE_TESTS(s390_io, &s390x_io, functions)

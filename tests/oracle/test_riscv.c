/* SPDX-License-Identifier: MIT */
/*
 * test_riscv.c - RISC-V CPUs walk: Sv39, Sv48 and Sv57, with Svnapot and Svpbmt; the second stage of a guest, and both
 * stages; and on 32 bits Sv32.
 */
#include <stdlib.h>

#include "mailbox.h"

static const unsigned char stub64[] = {
#include "stubs/riscv64.inc"
};
static const unsigned char stub32[] = {
#include "stubs/riscv32.inc"
};

enum { MIB = 1 << 20, SATP = 0x20, HGATP = 0x28, VSATP = 0x30, OP_FLUSH_VIRTUAL = 11, EXTENSIONS = 1 };

#define RAM UINT64_C(0x80000000)

struct riscv {
	struct mailbox mailbox;
};

static const struct machine_class riscv64, riscv32, gstage, nested;

static void riscv_start(struct trial *trial)
{
	/* On 32 bits QEMU loses what is above 4 GiB of an address in an entry. */
	bool is_32 = trial->class == &riscv32;
	uint64_t end = is_32 ? UINT64_C(4) << 30 : UINT64_C(60) << 30;
	const struct ram_piece piece = {RAM, end - 1, 0};
	struct riscv *riscv = calloc(1, sizeof(*riscv));
	struct ram *ram = &trial->ram;

	CHECK(riscv != NULL);
	trial->machine = riscv;
	ram_open(ram, &piece, 1);
	ram->tables_first = trial->class == &nested || trial_below(trial, 2) ? RAM + 64 * MIB : end - 1024 * MIB;
	ram->tables_bytes = 64 * MIB;
	ram->data_first = is_32 ? RAM + 256 * MIB : UINT64_C(4) << 30;
	ram->data_last = trial->class == &nested ? (UINT64_C(12) << 30) - 1 : end - 1024 * MIB - 1;
	riscv->mailbox.ram = ram;
	riscv->mailbox.pa = RAM + 2 * MIB;
}

static void riscv_load(struct trial *trial)
{
	struct riscv *riscv = trial->machine;
	bool is_32 = trial->class == &riscv32;
	const char *cpu = is_32							    ? "rv32"
			  : trial->configuration->second || trial->class == &gstage ? "rv64,h=true"
			  : trial->configuration->variant == EXTENSIONS		    ? "rv64,svnapot=on,svpbmt=on"
										    : "rv64";
	char firmware[32];
	const char *const arguments[] = {"-bios", firmware, "-cpu", cpu, NULL};

	nameless_file("firmware", is_32 ? stub32 : stub64, is_32 ? sizeof(stub32) : sizeof(stub64), firmware);
	if (trial->class == &gstage) {
		/* The guest's own stage is off (vsatp is 0). The host's must not be: with it QEMU decides what faults.
		 */
		mailbox_store(&riscv->mailbox, SATP, UINT64_C(8) << 60 | RAM >> 12);
		mailbox_store(&riscv->mailbox, HGATP, trial_register(trial, "hgatp").value[0]);
	} else if (trial->class == &nested) {
		mailbox_store(&riscv->mailbox, SATP, UINT64_C(8) << 60 | RAM >> 12);
		mailbox_store(&riscv->mailbox, VSATP, trial_register(trial, "satp").value[0]);
		mailbox_store(&riscv->mailbox, HGATP, second_register(trial, "hgatp").value[0]);
	} else {
		mailbox_store(&riscv->mailbox, SATP, trial_register(trial, "satp").value[0]);
	}
	emulator_start(&riscv->mailbox.emulator, trial->class->program, "virt", trial->ram.path, trial->ram.bytes,
		       arguments);
	mailbox_forget(trial);
}

/* lui a0, token; ecall */
static uint64_t plant(uint16_t token)
{
	return 0x537 | (uint64_t)token << 12 | UINT64_C(0x73) << 32;
}

/* One cause for each kind of access, whatever is wrong. */
static void fault(const struct operation *operation, struct access *access)
{
	enum { FETCH = 12, LOAD = 13, STORE = 15 };
	uint64_t cause = operation->code - 1;
	uint64_t due = access->access & PT_ACCESS_WRITE ? STORE : access->access & PT_ACCESS_EXEC ? FETCH : LOAD;

	access->fault =
		cause == due && operation->detail[0] == (access->iova & ~UINT64_C(7)) ? FAULT_UNTOLD : FAULT_ODD;
}

/* Of the second stage. */
static void guest_fault(const struct operation *operation, struct access *access)
{
	struct operation first = *operation;

	first.code -= 8; /* causes 20, 21 and 23 */
	fault(&first, access);
}

/* Of both: the cause tells the stage, and an instruction that there is not whether it was the walk. */
static void nested_fault(const struct operation *operation, struct access *access)
{
	enum { GUEST_FETCH = 20, READ_ENTRY = 0x3000, WRITE_ENTRY = 0x3020 };

	if (operation->code - 1 < GUEST_FETCH) {
		fault(operation, access);
		access->stage = 1;
		return;
	}
	guest_fault(operation, access);
	access->stage = 2;
	access->in_walk = operation->detail[2] == READ_ENTRY || operation->detail[2] == WRITE_ENTRY;
	access->ipa = operation->detail[1] << 2 & ~UINT64_C(0xfff);
}

static void riscv_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct riscv *riscv = trial->machine;

	mailbox_present(trial, &riscv->mailbox, accesses, n, plant,
			trial->class == &nested	  ? nested_fault
			: trial->class == &gstage ? guest_fault
						  : fault);
}

/* HFENCE.GVMA takes a guest's physical address without its lowest two bits. */
static uint64_t guest_operand(uint64_t iova)
{
	return iova >> 2;
}

static void riscv_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	mailbox_invalidate(trial, &trial->table, gather,
			   trial->class == &nested ? (uint32_t)OP_FLUSH_VIRTUAL : (uint32_t)OP_FLUSH_ADDRESS,
			   trial->class == &gstage ? guest_operand : NULL);
}

static void riscv_invalidate_second(struct trial *trial, const struct pt_gather *gather)
{
	mailbox_invalidate(trial, &trial->second.table, gather, OP_FLUSH_ADDRESS, guest_operand);
}

/*
 * QEMU keeps what machine mode itself translates (nothing) beside what MPRV makes it translate: data in the page that
 * the stub is fetched from is not looked up.
 */
static bool riscv_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	(void)trial;
	return iova + (bytes - 1) < RAM || iova > RAM + 0xfff;
}

/* QEMU takes the highest bit of a guest's physical address for a sign, and finds nothing there. */
static bool guest_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	return iova + (bytes - 1) < trial_width(trial) / 2;
}

static const char *riscv_blind(const struct trial *trial, const struct pt_walk *walk)
{
	for (unsigned int i = 0; i < walk->n_steps; i++) {
		if ((walk->step[i].raw[0] >> 61 & 3) == 3)
			return "the reserved memory type is taken for one";
		if (trial->configuration->variant == EXTENSIONS && walk->step[i].raw[0] >> 54 & 0x7f)
			return "with Svnapot or Svpbmt, reserved bits are not looked at";
	}
	return NULL;
}

/* The manual has the cause of the access that was made. */
static bool is_taken_for_load(const struct trial *trial, const struct access *access)
{
	enum { GUEST_LOAD = 21 };
	struct access otherwise = *access;

	otherwise.fault = FAULT_UNTOLD;
	return !access->allowed && access->stage == 2 && access->in_walk && access->raw[0] - 1 == GUEST_LOAD &&
	       agree(trial, &otherwise);
}

static const char *riscv_gap(struct trial *trial, const struct access *access)
{
	const struct pt_walk *first = trial->second.format ? &access->nested.walk1 : &access->walk;

	if (trial->second.format && access->allowed && access->nested.in_walk && first->fault == PT_FAULT_NONE)
		return "accessed and dirty are set where the second stage forbids to write";
	if (is_taken_for_load(trial, access))
		return "a guest page fault for an entry of the first stage is told as that of a load";
	return mailbox_old_code(trial, access);
}

#define COMMON                                                                                                        \
	.test = "riscv", .package = "qemu-system-misc", .start = riscv_start, .end = mailbox_end, .load = riscv_load, \
	.present = riscv_present, .invalidate = riscv_invalidate, .forget = mailbox_forget, .blind = riscv_blind,     \
	.gap = riscv_gap

#define ALL (CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_RESERVED)

static const struct machine_class riscv64 = {
	COMMON,
	.oracle = "QEMU 7.2 riscv64 CPU",
	.program = "qemu-system-riscv64",
	.not_modelled =
		"faults for a clear accessed or dirty bit (Svade): it always sets them; neither kind nor level of a "
		"fault is told; translations do not outlive the change of MPRV that an access needs; "
		"memory types have no effect",
	.can = ALL | CAN_OUTSIDE,
	.usable = riscv_usable,
};

static const struct machine_class riscv32 = {
	COMMON,
	.oracle = "QEMU 7.2 riscv32 CPU",
	.program = "qemu-system-riscv32",
	.not_modelled =
		"faults for a clear accessed or dirty bit (Svade): it always sets them; neither kind nor level of a "
		"fault is told; translations do not outlive the change of MPRV that an access needs; "
		"physical addresses from 4 GiB up: bits 33 and 32 of an entry are lost",
	.can = ALL,
	.usable = riscv_usable,
};

static const struct machine_class gstage = {
	COMMON,
	.oracle = "QEMU 7.2 riscv64 CPU, HLV/HSV and fetches of a guest",
	.program = "qemu-system-riscv64",
	.not_modelled =
		"the upper half of the input range: its highest bit is taken for a sign; faults for a clear accessed "
		"or dirty bit: it always sets them; neither kind nor level of a fault is told; memory types have no "
		"effect",
	.can = ALL | CAN_CACHE,
	.usable = guest_usable,
};

static const struct machine_class nested = {
	COMMON,
	.oracle = "QEMU 7.2 riscv64 CPU, HLV/HSV and fetches of a guest, two stages",
	.program = "qemu-system-riscv64",
	.not_modelled =
		"faults for a clear accessed or dirty bit: it always sets them; neither kind nor level of a fault is "
		"told; translations that outlive a change of privilege are taken for the other's, so that all are "
		"dropped before each access; memory types have no effect",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_NEST,
	.second = riscv_invalidate_second,
};

static const struct configuration configurations[] = {
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}}},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"levels", 4}}, .whole = true},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"levels", 5}}},
	{.format = "riscv_sv39_57",
	 .setting = {{"adue", 1}, {"levels", 4}, {"svnapot", 1}, {"svpbmt", 1}},
	 .variant = EXTENSIONS},
};

static const struct configuration configurations32[] = {
	{.format = "riscv_sv32", .setting = {{"adue", 1}}},
};

static const struct configuration second[] = {
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"gstage", 1}}},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"gstage", 1}, {"levels", 4}}},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"gstage", 1}, {"levels", 5}}, .whole = true},
};

#define OVER_GSTAGE(...) .second = "riscv_sv39_57", .second_setting = {{"adue", 1}, {"gstage", 1}, __VA_ARGS__}

static const struct configuration both[] = {
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}}, OVER_GSTAGE({"levels", 3})},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"levels", 4}}, OVER_GSTAGE({"levels", 4}), .whole = true},
};

ORACLE_TESTS(riscv, &riscv64, configurations)
ORACLE_TESTS(riscv32, &riscv32, configurations32)
ORACLE_TESTS(gstage, &gstage, second)
ORACLE_TESTS(nested, &nested, both)

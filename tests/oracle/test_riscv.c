/* SPDX-License-Identifier: MIT */
/* test_riscv.c - a 64-bit RISC-V CPU walks: Sv39, Sv48 and Sv57, with Svnapot and Svpbmt. */
#include <stdlib.h>

#include "mailbox.h"

static const unsigned char stub[] = {
#include "stubs/riscv64.inc"
};

enum { MIB = 1 << 20, SATP = 0x20, EXTENSIONS = 1 };

#define RAM UINT64_C(0x80000000)

struct riscv {
	struct mailbox mailbox;
};

static void riscv_start(struct trial *trial)
{
	static const struct ram_piece piece = {RAM, RAM + (UINT64_C(60) << 30) - 1, 0};
	struct riscv *riscv = calloc(1, sizeof(*riscv));
	struct ram *ram = &trial->ram;

	CHECK(riscv != NULL);
	trial->machine = riscv;
	ram_open(ram, &piece, 1);
	ram->tables_first = trial_below(trial, 2) ? RAM + 64 * MIB : UINT64_C(58) << 30;
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = (UINT64_C(58) << 30) - 1;
	riscv->mailbox.ram = ram;
	riscv->mailbox.pa = RAM + 2 * MIB;
}

static void riscv_forget(struct trial *trial)
{
	struct riscv *riscv = trial->machine;

	mailbox_forget(&riscv->mailbox);
}

static void riscv_load(struct trial *trial)
{
	struct riscv *riscv = trial->machine;
	char firmware[32];
	const char *const arguments[] = {
		"-bios", firmware, "-cpu",
		trial->configuration->variant == EXTENSIONS ? "rv64,svnapot=on,svpbmt=on" : "rv64", NULL};

	nameless_file("firmware", stub, sizeof(stub), firmware);
	mailbox_store(&riscv->mailbox, SATP, trial_register(trial, "satp").value[0]);
	emulator_start(&riscv->mailbox.emulator, trial->class->program, "virt", trial->ram.path, trial->ram.bytes,
		       arguments);
	riscv_forget(trial);
}

static void riscv_end(struct trial *trial)
{
	struct riscv *riscv = trial->machine;

	emulator_end(&riscv->mailbox.emulator);
	free(riscv);
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

static void riscv_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct riscv *riscv = trial->machine;

	mailbox_present(trial, &riscv->mailbox, accesses, n, plant, fault);
}

static void riscv_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	struct riscv *riscv = trial->machine;

	mailbox_invalidate(trial, &riscv->mailbox, gather, OP_FLUSH_ADDRESS, NULL);
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

static const char *riscv_gap(struct trial *trial, const struct access *access)
{
	struct riscv *riscv = trial->machine;

	if ((access->access & PT_ACCESS_EXEC) && (access->access & PT_ACCESS_PRIV) && !access->allowed &&
	    access->walk.fault == PT_FAULT_NONE && (access->walk.leaf.rights & PT_RIGHT_U))
		return "the mode, not the format: S never executes what U may use";
	return mailbox_old_code(trial, &riscv->mailbox, access);
}

static const struct machine_class riscv64 = {
	.test = "riscv",
	.oracle = "QEMU 7.2 riscv64 CPU",
	.program = "qemu-system-riscv64",
	.package = "qemu-system-misc",
	.not_modelled =
		"faults for a clear accessed or dirty bit (Svade): it always sets them; neither kind nor level of a "
		"fault is told; translations do not outlive the change of MPRV that an access needs; "
		"memory types have no effect",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_RESERVED | CAN_OUTSIDE,
	.start = riscv_start,
	.end = riscv_end,
	.load = riscv_load,
	.present = riscv_present,
	.invalidate = riscv_invalidate,
	.forget = riscv_forget,
	.usable = riscv_usable,
	.blind = riscv_blind,
	.gap = riscv_gap,
};

static const struct configuration configurations[] = {
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}}},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"levels", 4}}, .whole = true},
	{.format = "riscv_sv39_57", .setting = {{"adue", 1}, {"levels", 5}}},
	{.format = "riscv_sv39_57",
	 .setting = {{"adue", 1}, {"levels", 4}, {"svnapot", 1}, {"svpbmt", 1}},
	 .variant = EXTENSIONS},
};

ORACLE_TESTS(riscv, &riscv64, configurations)

/* SPDX-License-Identifier: MIT */
/*
 * test_arm.c - a 64-bit Arm CPU walks: stage 1, stage 2, and the one under the other, by real accesses of EL1 and EL0
 * and by address translation instructions; and the tables of 32-bit CPUs, with short and with long descriptors, by the
 * latter.
 */
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

static const unsigned char stub[] = {
#include "stubs/aarch64.inc"
};

enum {
	MIB = 1 << 20,
	OP_TRANSLATE = 16,
	OP_TRANSLATE_12 = 24,
	OP_FLUSH_STAGE2 = 11,
	/* the mailbox */
	SCTLR = 0x20,
	TCR = 0x28,
	TTBR0 = 0x30,
	TTBR1 = 0x38,
	MAIR = 0x40,
	HCR = 0x48,
	VTTBR = 0x50,
	VTCR = 0x58,
	DACR = 0x60,
	CODE = 0x68,
	USER_CODE = 0x70
};

#define RAM	UINT64_C(0x40000000)
#define MAILBOX (RAM + 2 * MIB)
#define TABLES	(RAM + 3 * MIB) /* of the stub's half */

struct arm {
	struct mailbox mailbox;
	bool running;
	uint64_t stub, stub_bytes; /* stage 2 by accesses: the stub's page, and what is kept free around it */
};

static const struct machine_class stage1, stage1_at, stage2, stage2_at, stage2_32, nested, nested_at, short_at, long_at;

static bool is_second(const struct trial *trial)
{
	return trial->class == &stage2 || trial->class == &stage2_at || trial->class == &stage2_32;
}

static bool is_nested(const struct trial *trial)
{
	return trial->class == &nested || trial->class == &nested_at;
}

static bool upper(const struct trial *trial)
{
	return pt_param_find(trial->format, "upper") >= 0 && trial_param(trial, "upper");
}

static void arm_start(struct trial *trial)
{
	static const struct ram_piece piece = {RAM, RAM + (UINT64_C(60) << 30) - 1, 0};
	struct arm *arm = calloc(1, sizeof(*arm));
	struct ram *ram = &trial->ram;
	int oa = pt_param_find(trial->format, "oa");

	CHECK(arm != NULL);
	trial->machine = arm;
	ram_open(ram, &piece, 1);
	/* Tables are low or high, where the output addresses reach that far. */
	ram->tables_first = RAM + 64 * MIB;
	if (!is_nested(trial) && oa >= 0 && trial->config.param[oa] != 32 && trial->config.param[oa] != 36 &&
	    trial_below(trial, 2))
		ram->tables_first = RAM + (UINT64_C(58) << 30);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = ((is_nested(trial) ? UINT64_C(12) : UINT64_C(58)) << 30) - 1;
	if (trial->can & CAN_PHYSICAL) {
		ram->data_first = 0;
		ram->data_last = UINT64_MAX;
	}
	arm->mailbox.ram = ram;
	arm->mailbox.pa = MAILBOX;
}

/* The other half: this page of the firmware, once for EL1 and once for EL0; 39 bits, pages of 4 KiB. */
static void map_stub(struct trial *trial)
{
	enum { VALID = 1, TABLE = 3, AF = 1 << 10, READ_ONLY = 1 << 7, EL0 = 1 << 6 };
	const struct arm *arm = trial->machine;
	uint64_t at = upper(trial) ? 0 : UINT64_MAX << 39;

	ram_store(&trial->ram, TABLES, (TABLES + 0x1000) | TABLE);
	ram_store(&trial->ram, TABLES + 0x1000, (TABLES + 0x2000) | TABLE);
	ram_store(&trial->ram, TABLES + 0x2000, UINT64_C(1) << 54 | AF | READ_ONLY | TABLE);
	ram_store(&trial->ram, TABLES + 0x2008, UINT64_C(1) << 53 | AF | READ_ONLY | EL0 | TABLE);
	mailbox_store(&arm->mailbox, CODE, at);
	mailbox_store(&arm->mailbox, USER_CODE, at + 0x1000);
}

/* SCTLR_EL1: the bits that are always 1, no privileged-access-never on exceptions, caches, translation. */
#define SCTLR_EL1 UINT64_C(0x30d01805)
enum { HCR_VM = 1, HCR_RW = 31 };

static void load_stage1(struct trial *trial)
{
	const struct arm *arm = trial->machine;
	uint64_t tcr = trial_register(trial, "TCR").value[0], ttbr = trial_register(trial, "TTBR").value[0];

	map_stub(trial);
	/* Both halves are walked; the stub's has 39 bits (TxSZ = 25) and 4 KiB (TG0 = 0, TG1 = 2). */
	if (upper(trial))
		tcr = (tcr & ~(UINT64_C(1) << 7)) | 25;
	else
		tcr = (tcr & ~(UINT64_C(1) << 23)) | 25 << 16 | UINT64_C(2) << 30;
	mailbox_store(&arm->mailbox, TCR, tcr);
	mailbox_store(&arm->mailbox, TTBR0, upper(trial) ? TABLES : ttbr);
	mailbox_store(&arm->mailbox, TTBR1, upper(trial) ? ttbr : TABLES);
	mailbox_store(&arm->mailbox, MAIR, trial_register(trial, "MAIR").value[0]);
	mailbox_store(&arm->mailbox, SCTLR, SCTLR_EL1);
	mailbox_store(&arm->mailbox, HCR, UINT64_C(1) << HCR_RW);
}

/* Stage 1 over stage 2, where the firmware and the tables of the other half stand at their own addresses. */
static void load_nested(struct trial *trial)
{
	const struct arm *arm = trial->machine;

	load_stage1(trial);
	if (!arm->running) {
		second_map_same(trial, 0, 0x1000, PT_READ | PT_EXEC);
		second_map_same(trial, TABLES, 0x3000, PT_READ);
	}
	mailbox_store(&arm->mailbox, VTTBR, second_register(trial, "VTTBR").value[0]);
	mailbox_store(&arm->mailbox, VTCR, second_register(trial, "VTCR").value[0]);
	mailbox_store(&arm->mailbox, HCR, UINT64_C(1) << HCR_RW | HCR_VM);
}

/*
 * VTCR_EL2. The register of a 32-bit hypervisor has the same start level and cacheability; its T0SZ is signed and
 * counts from 32 bits, where the other's counts from 64, and outputs have 40 bits without saying so.
 */
static uint64_t vtcr(const struct trial *trial)
{
	enum { S = 1 << 4, OUTPUT_40 = 2 << 16, ATTRIBUTES = 0x3fc0 };
	uint64_t value = trial_register(trial, "VTCR").value[0];
	int64_t t0sz = (int64_t)(value & 15) - (value & S ? 16 : 0);

	if (strcmp(trial->format->name, "arm_lpae32_s2") != 0)
		return value;
	return UINT64_C(1) << 31 | OUTPUT_40 | (value & ATTRIBUTES) | (uint64_t)(32 + t0sz);
}

/* The firmware at physical address 0, in a slot of the root that no case uses. */
static void map_stub_stage2(struct trial *trial)
{
	struct arm *arm = trial->machine;
	struct pt_table *table = &trial->table;
	uint64_t page = UINT64_C(1) << __builtin_ctzll(table->page_sizes);
	enum pt_status status;

	arm->stub_bytes = UINT64_C(1) << trial->format->levels[table->level_base + (unsigned int)(table->top & 15)].lo;
	arm->stub = table->first + arm->stub_bytes;
	CHECK(trial_width(trial) == 0 || arm->stub_bytes * 4 <= trial_width(trial));
	status = trial->format->map(table, arm->stub, 0, page, PT_READ | PT_EXEC | PT_ALLOW_WIDER, NULL, NULL);
	CHECK_MSG(status == PT_OK, "mapping the stub: %s", pt_status_string(status));
	mailbox_store(&arm->mailbox, CODE, arm->stub);
	mailbox_store(&arm->mailbox, USER_CODE, arm->stub);
}

static bool stage2_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	const struct arm *arm = trial->machine;

	return iova + (bytes - 1) < arm->stub || iova > arm->stub + (arm->stub_bytes - 1);
}

static void load_stage2(struct trial *trial)
{
	const struct arm *arm = trial->machine;

	if (trial->class == &stage2 && !arm->running)
		map_stub_stage2(trial);

	/* Stage 1 is off: what an access or an instruction is given is an intermediate address. */
	mailbox_store(&arm->mailbox, SCTLR, SCTLR_EL1 & ~UINT64_C(1));
	mailbox_store(&arm->mailbox, VTTBR, trial_register(trial, "VTTBR").value[0]);
	mailbox_store(&arm->mailbox, VTCR, vtcr(trial));
	mailbox_store(&arm->mailbox, HCR, UINT64_C(1) << HCR_RW | HCR_VM);
}

/* 32-bit EL1: its registers are the halves of the 64-bit ones. */
static void load_short(struct trial *trial)
{
	enum { M = 1, TRE = 1 << 28, AFE = 1 << 29 };
	const struct arm *arm = trial->machine;
	uint64_t ttbr = trial_register(trial, "TTBR").value[0];
	bool tre = trial_param(trial, "tre");

	mailbox_store(&arm->mailbox, SCTLR, 0xc50078 | M | (tre ? TRE : 0) | (trial_param(trial, "afe") ? AFE : 0));
	mailbox_store(&arm->mailbox, TCR, trial_register(trial, "TTBCR").value[0]);
	mailbox_store(&arm->mailbox, TTBR0, upper(trial) ? 0 : ttbr);
	mailbox_store(&arm->mailbox, TTBR1, upper(trial) ? ttbr : 0);
	if (tre)
		mailbox_store(&arm->mailbox, MAIR,
			      trial_register(trial, "PRRR").value[0] | trial_register(trial, "NMRR").value[0] << 32);
	/* All domains are clients, whose accesses are checked. */
	mailbox_store(&arm->mailbox, DACR, 0x55555555);
	mailbox_store(&arm->mailbox, HCR, 0);
}

static void load_long(struct trial *trial)
{
	enum { M = 1 };
	const struct arm *arm = trial->machine;
	uint64_t ttbr = trial_register(trial, "TTBR").value[0];

	mailbox_store(&arm->mailbox, SCTLR, 0xc50078 | M);
	mailbox_store(&arm->mailbox, TCR, trial_register(trial, "TTBCR").value[0]);
	mailbox_store(&arm->mailbox, TTBR0, upper(trial) ? 0 : ttbr);
	mailbox_store(&arm->mailbox, TTBR1, upper(trial) ? ttbr : 0);
	mailbox_store(&arm->mailbox, MAIR,
		      trial_register(trial, "MAIR0").value[0] | trial_register(trial, "MAIR1").value[0] << 32);
	mailbox_store(&arm->mailbox, HCR, 0);
}

static void arm_load(struct trial *trial)
{
	struct arm *arm = trial->machine;
	bool is_32 = trial->class == &short_at || trial->class == &long_at;
	char firmware[32];
	const char *const arguments[] = {"-bios", firmware, "-cpu", is_32 ? "cortex-a57" : "max", NULL};

	if (trial->class == &short_at)
		load_short(trial);
	else if (trial->class == &long_at)
		load_long(trial);
	else if (is_second(trial))
		load_stage2(trial);
	else if (is_nested(trial))
		load_nested(trial);
	else
		load_stage1(trial);
	if (!arm->running) {
		nameless_file("firmware", stub, sizeof(stub), firmware);
		emulator_start(&arm->mailbox.emulator, trial->class->program, "virt,virtualization=on", trial->ram.path,
			       trial->ram.bytes, arguments);
		arm->running = true;
	}
	mailbox_add(&arm->mailbox, OP_LOAD, 0, 0);
	mailbox_run(&arm->mailbox);
}

/* movz x0, #token; hvc #0 */
static uint64_t plant(uint16_t token)
{
	return 0xd2800000 | (uint64_t)token << 5 | UINT64_C(0xd4000002) << 32;
}

/* The fault status code, as all registers have it. */
static void decode(unsigned int code, struct access *access)
{
	static const unsigned int faults[] = {PT_FAULT_ADDRESS, PT_FAULT_ABSENT, PT_FAULT_ACCESS, PT_FAULT_PERMISSION};

	access->fault = FAULT_ODD;
	if (code < 16) {
		access->fault = faults[code >> 2];
		access->level = (int)(code & 3);
	} else if (code == 0x29 || code == 0x2b) {
		access->fault = code == 0x29 ? PT_FAULT_ADDRESS : PT_FAULT_ABSENT;
		access->level = -1;
	}
	/* An address outside of the input range has no level at which the walk ended. */
	if (access->walk.n_steps == 0)
		access->level = LEVEL_UNTOLD;
}

static void fault(const struct operation *operation, struct access *access)
{
	unsigned int class = operation->code >> 26 & 0x3f;

	access->fault = FAULT_ODD;
	/* instruction and data aborts, from EL0 and from EL1 */
	if (class == 0x20 || class == 0x21 || class == 0x24 || class == 0x25)
		decode(operation->code & 0x3f, access);
	/* Of stage 2, and not for want of the stub. */
	if (operation->code >> 63 && operation->detail[0] != (access->iova & ~UINT64_C(7)))
		access->fault = FAULT_ODD;
}

/* Of two stages. The second one's faults come to EL2, with the bit S1PTW, and bits 47:12 of the address in HPFAR. */
static void nested_fault(const struct operation *operation, struct access *access)
{
	fault(operation, access);
	access->stage = operation->code >> 63 ? 2 : 1;
	if (access->stage == 2) {
		access->in_walk = operation->code >> 7 & 1;
		access->ipa = operation->detail[1] >> 4 << 12;
	}
}

static void present_real(struct trial *trial, struct access *accesses, size_t n)
{
	struct arm *arm = trial->machine;

	mailbox_present(trial, &arm->mailbox, accesses, n, plant, is_nested(trial) ? nested_fault : fault);
}

/* Address translation: the result is in PAR_EL1, 12 bits of the address are not. */
static void present_at(struct trial *trial, struct access *accesses, size_t n)
{
	struct arm *arm = trial->machine;
	enum { PTW = 1 << 8, S = 1 << 9 };
	uint32_t base = is_second(trial) || is_nested(trial) ? OP_TRANSLATE_12 : OP_TRANSLATE;

	mailbox_run(&arm->mailbox);
	for (size_t i = 0; i < n; i++)
		mailbox_add(&arm->mailbox, base + operation_of(accesses[i].access), accesses[i].iova, 0);
	mailbox_run(&arm->mailbox);
	for (size_t i = 0; i < n; i++) {
		struct access *access = &accesses[i];
		uint64_t par = arm->mailbox.operation[i].result;

		access->raw[0] = par;
		access->allowed = access->landed = !(par & 1);
		if (access->allowed)
			access->pa = (par & UINT64_C(0xffffffffff000)) | (access->iova & 0xfff);
		else
			decode(par >> 1 & 0x3f, access);
		if (!access->allowed && is_nested(trial)) {
			access->stage = par & S ? 2 : 1;
			access->in_walk = par & PTW;
		}
	}
}

/* What a TLBI by address takes: the page, and in the bits above it nothing. */
static uint64_t tlbi_operand(uint64_t iova)
{
	return iova >> 12 & ((UINT64_C(1) << 44) - 1);
}

static void arm_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	mailbox_invalidate(trial, &trial->table, gather,
			   is_second(trial) ? (uint32_t)OP_FLUSH_STAGE2 : (uint32_t)OP_FLUSH_ADDRESS, tlbi_operand);
}

static void arm_invalidate_second(struct trial *trial, const struct pt_gather *gather)
{
	mailbox_invalidate(trial, &trial->second.table, gather, OP_FLUSH_STAGE2, tlbi_operand);
}

static const char *arm_blind(const struct trial *trial, const struct pt_walk *walk)
{
	const struct pt_step *last;

	if (walk->fault == PT_FAULT_RESERVED)
		return "RES0 bits are not looked at";
	if (walk->n_steps == 0)
		return NULL;
	last = &walk->step[walk->n_steps - 1];
	if (last->kind != PT_NO_KIND && trial->format->kinds[last->kind].category == PT_KIND_FAULT &&
	    trial->format->levels[last->level].number < 3)
		return trial->class == &short_at ? "code 3 is a section to a CPU that has PXN"
						 : "a block at a level that has none is taken for one";
	return NULL;
}

/* The page of the stub is in the other half. */
static bool stage1_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	uint64_t first = upper(trial) ? 0 : UINT64_MAX << 39, last = first + 0x1fff;

	return iova + (bytes - 1) < first || iova > last;
}

/* Later versions of QEMU tell the level of stage 2, as the manual has it (S2 fault on a stage 1 walk). */
static bool is_level_of_stage1(const struct trial *trial, const struct access *access)
{
	const struct pt_walk *first = &access->nested.walk1;
	struct access otherwise = *access;
	unsigned int level = first->level;

	for (unsigned int i = 0; i < first->n_steps; i++)
		if (first->step[i].entry_pa == access->nested.ipa)
			level = first->step[i].level; /* it could not be written */
	otherwise.level = LEVEL_UNTOLD;
	return access->stage == 2 && access->in_walk && access->level == trial->format->levels[level].number &&
	       agree(trial, &otherwise);
}

/*
 * May be written, but says read-only until it is: DBM is set, and AP[2]. What EL1 executes hangs on the right to write
 * (Arm ARM, S1 direct permissions: AP[2] counts as 0 if DBM is set), here on AP[2] as it is, or as it was when the
 * translation was cached: then the access must fault once that is forgotten.
 */
static bool is_clean_to_privileged_fetch(struct trial *trial, const struct access *access)
{
	const struct pt_walk *first = is_nested(trial) ? &access->nested.walk1 : &access->walk;
	struct access again = {.iova = access->iova, .access = access->access};

	if (!(access->access & PT_ACCESS_EXEC) || !(access->access & PT_ACCESS_PRIV) ||
	    first->fault != PT_FAULT_PERMISSION || !(first->leaf.rights & PT_RIGHT_UW) ||
	    !(first->leaf.raw[0] >> 51 & 1))
		return false;
	if (first->leaf.raw[0] >> 7 & 1)
		return true;
	trial->class->forget(trial);
	return judge_one(trial, &again);
}

static const char *arm_gap(struct trial *trial, const struct access *access)
{
	if (is_clean_to_privileged_fetch(trial, access))
		return "EL1 executes what EL0 may write, as long as it is clean";
	if (is_nested(trial) && is_level_of_stage1(trial, access))
		return "of a stage 2 fault for an entry of stage 1, the level of that entry is told";
	return mailbox_old_code(trial, access);
}

#define COMMON                                                                                                        \
	.test = "arm", .program = "qemu-system-aarch64", .package = "qemu-system-arm", .start = arm_start,            \
	.end = mailbox_end, .load = arm_load, .invalidate = arm_invalidate, .forget = mailbox_forget, .gap = arm_gap, \
	.blind = arm_blind

static const struct machine_class stage1 = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, accesses",
	.not_modelled = "memory types have no effect",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE,
	.present = present_real,
	.usable = stage1_usable,
};

static const struct machine_class stage2 = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, accesses of a guest",
	.not_modelled = "memory types have no effect",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_CACHE | CAN_RESERVED,
	.present = present_real,
	.usable = stage2_usable,
};

static const struct machine_class stage1_at = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, AT S1E1/S1E0",
	.not_modelled = "fetches and cached translations cannot be seen this way",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_OUTSIDE | CAN_PHYSICAL,
	.present = present_at,
	.usable = stage1_usable,
};

static const struct machine_class stage2_at = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, AT S12E1/S12E0",
	.not_modelled = "fetches and cached translations cannot be seen this way",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_PHYSICAL,
	.present = present_at,
};

static const struct machine_class stage2_32 = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, AT S12E1/S12E0, whose tables these are",
	.not_modelled = "a hypervisor of 32 bits: its VTCR is translated to the one of 64 bits; fetches and cached "
			"translations cannot be seen this way",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_PHYSICAL,
	.present = present_at,
};

static const struct machine_class nested = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, accesses of a guest, two stages",
	.not_modelled = "memory types have no effect",
	.can = CAN_EXEC | CAN_USER | CAN_PRIV | CAN_ACCESSED | CAN_DIRTY | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE |
	       CAN_NEST,
	.present = present_real,
	.second = arm_invalidate_second,
	.usable = stage1_usable,
};

static const struct machine_class nested_at = {
	COMMON,
	.oracle = "QEMU 7.2 AArch64 CPU, AT S12E1/S12E0, two stages",
	.not_modelled = "fetches and cached translations cannot be seen this way, nor where stage 2 faulted",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_OUTSIDE | CAN_NEST,
	.present = present_at,
	.second = arm_invalidate_second,
	.usable = stage1_usable,
};

static const struct machine_class short_at = {
	COMMON,
	.oracle = "QEMU 7.2 AArch32 CPU, AT S1E1/S1E0",
	.not_modelled = "fetches and cached translations cannot be seen this way",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_PHYSICAL,
	.present = present_at,
};

static const struct machine_class long_at = {
	COMMON,
	.oracle = "QEMU 7.2 AArch32 CPU, AT S1E1/S1E0",
	.not_modelled = "fetches and cached translations cannot be seen this way",
	.can = CAN_USER | CAN_PRIV | CAN_RESERVED | CAN_PHYSICAL,
	.present = present_at,
};

#define NO_ACCESSED (CAN_ACCESSED | CAN_DIRTY)

static const struct configuration real[] = {
	{.format = "arm64_s1", .lacks = CAN_DIRTY},
	{.format = "arm64_s1", .setting = {{"upper", 1}, {"ia", 39}}, .lacks = CAN_DIRTY},
	{.format = "arm64_s1", .setting = {{"hd", 1}, {"bbm", 1}}},
	{.format = "arm64_s1", .setting = {{"ha", 0}}, .lacks = NO_ACCESSED, .whole = true},
	{.format = "arm64_s1", .setting = {{"tg", 14}, {"ia", 47}}, .lacks = CAN_DIRTY, .whole = true},
	{.format = "arm64_s1", .setting = {{"tg", 14}, {"upper", 1}, {"hd", 1}}},
	{.format = "arm64_s1", .setting = {{"tg", 16}}, .lacks = CAN_DIRTY, .whole = true},
	{.format = "arm64_s1", .setting = {{"tg", 16}, {"ia", 52}, {"oa", 52}, {"hd", 1}}},
	{.format = "arm64_s1", .setting = {{"ds", 1}, {"ia", 52}, {"oa", 52}}, .lacks = CAN_DIRTY},
	{.format = "arm64_s1",
	 .setting = {{"tg", 14}, {"ds", 1}, {"ia", 52}, {"oa", 52}},
	 .lacks = CAN_DIRTY,
	 .whole = true},
};

static const struct configuration translated[] = {
	{.format = "arm64_s1"},
	{.format = "arm64_s1", .setting = {{"ia", 25}, {"oa", 32}}},
	{.format = "arm64_s1", .setting = {{"upper", 1}, {"ia", 42}, {"oa", 44}}, .whole = true},
	{.format = "arm64_s1", .setting = {{"tg", 14}, {"ia", 36}, {"oa", 40}}},
	{.format = "arm64_s1", .setting = {{"tg", 16}, {"ia", 52}, {"oa", 52}}},
	{.format = "arm64_s1", .setting = {{"ds", 1}, {"ia", 52}, {"oa", 52}}},
	{.format = "arm64_s1", .setting = {{"tg", 14}, {"ds", 1}, {"ia", 52}, {"oa", 52}}},
};

/* This CPU has FEAT_XNX. */
static const struct configuration second_real[] = {
	{.format = "arm64_s2", .setting = {{"xnx", 1}}, .lacks = CAN_DIRTY, .whole = true},
	{.format = "arm64_s2", .setting = {{"xnx", 1}, {"ia", 40}, {"oa", 40}, {"hd", 1}}},
	{.format = "arm64_s2", .setting = {{"xnx", 1}, {"tg", 14}, {"ia", 40}, {"oa", 40}, {"hd", 1}}, .whole = true},
	{.format = "arm64_s2",
	 .setting = {{"xnx", 1}, {"tg", 16}, {"ia", 42}, {"oa", 42}},
	 .lacks = CAN_DIRTY,
	 .whole = true},
};

static const struct configuration second[] = {
	{.format = "arm64_s2"},
	{.format = "arm64_s2", .setting = {{"ia", 40}, {"oa", 40}}},
	{.format = "arm64_s2", .setting = {{"ia", 32}, {"oa", 36}}, .whole = true},
	{.format = "arm64_s2", .setting = {{"tg", 14}, {"ia", 40}, {"oa", 40}}},
	{.format = "arm64_s2", .setting = {{"tg", 14}, {"ia", 48}}, .whole = true},
	{.format = "arm64_s2", .setting = {{"tg", 16}, {"ia", 42}, {"oa", 42}}},
	{.format = "arm64_s2", .setting = {{"hd", 1}}},
};

#define OVER_STAGE2(...) .second = "arm64_s2", .second_setting = {{"xnx", 1}, __VA_ARGS__}

static const struct configuration both_real[] = {
	{.format = "arm64_s1", OVER_STAGE2({"ia", 40}, {"oa", 40}, {"hd", 1}), .lacks = CAN_DIRTY},
	{.format = "arm64_s1",
	 .setting = {{"tg", 16}, {"hd", 1}},
	 OVER_STAGE2({"tg", 14}, {"ia", 40}, {"oa", 40}),
	 .whole = true},
	{.format = "arm64_s1",
	 .setting = {{"upper", 1}, {"ia", 39}},
	 OVER_STAGE2({"tg", 16}, {"ia", 42}, {"oa", 42}),
	 .lacks = CAN_DIRTY,
	 .whole = true},
	{.format = "arm64_s1",
	 .setting = {{"tg", 14}, {"ha", 0}},
	 OVER_STAGE2({"ia", 48}),
	 .lacks = NO_ACCESSED,
	 .whole = true},
};

static const struct configuration both[] = {
	{.format = "arm64_s1", OVER_STAGE2({"ia", 40}, {"oa", 40})},
	{.format = "arm64_s1",
	 .setting = {{"tg", 14}, {"ia", 36}, {"oa", 40}},
	 OVER_STAGE2({"tg", 16}, {"ia", 42}, {"oa", 42})},
	{.format = "arm64_s1", .setting = {{"tg", 16}}, OVER_STAGE2({"ia", 48}), .whole = true},
};

/* Hostile words as with the first stage of 32 bits: see longs. */
static const struct configuration second32[] = {
	{.format = "arm_lpae32_s2"},
	{.format = "arm_lpae32_s2", .setting = {{"ia", 32}, {"oa", 36}}, .lacks = CAN_RESERVED, .whole = true},
};

static const struct configuration shorts[] = {
	{.format = "armv7_short"},
	{.format = "armv7_short", .setting = {{"N", 2}}, .whole = true},
	{.format = "armv7_short", .setting = {{"N", 1}, {"upper", 1}}},
	{.format = "armv7_short", .setting = {{"afe", 0}, {"tre", 0}}},
	{.format = "armv7_short", .setting = {{"domain", 5}, {"pxn", 1}}},
};

/* No register tells a 32-bit CPU how wide output addresses are: to this one, words with 40 bits are no hostile ones. */
static const struct configuration longs[] = {
	{.format = "arm_lpae32_s1"},
	{.format = "arm_lpae32_s1", .setting = {{"ia", 25}, {"oa", 36}}, .lacks = CAN_RESERVED, .whole = true},
	{.format = "arm_lpae32_s1", .setting = {{"ia", 31}, {"oa", 32}}, .lacks = CAN_RESERVED},
	{.format = "arm_lpae32_s1", .setting = {{"upper", 1}, {"other", 2}}},
	{.format = "arm_lpae32_s1", .setting = {{"upper", 1}, {"ia", 30}, {"other", 1}}, .whole = true},
	{.format = "arm_lpae32_s1", .setting = {{"upper", 1}, {"ia", 31}}},
	{.format = "arm_lpae32_s1", .setting = {{"other", 3}}, .whole = true},
};

ORACLE_TESTS(stage1, &stage1, real)
ORACLE_TESTS(stage1_at, &stage1_at, translated)
ORACLE_TESTS(stage2, &stage2, second_real)
ORACLE_TESTS(stage2_at, &stage2_at, second)
ORACLE_TESTS(stage2_32, &stage2_32, second32)
ORACLE_TESTS(nested, &nested, both_real)
ORACLE_TESTS(nested_at, &nested_at, both)
ORACLE_TESTS(short_at, &short_at, shorts)
ORACLE_TESTS(long_at, &long_at, longs)

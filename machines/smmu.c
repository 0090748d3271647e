/* SPDX-License-Identifier: MIT */
/* smmu.c - a driver of the Arm SMMUv3: one stream, stage 1 (Arm IHI 0070, chapters 4 to 7). */
#include <string.h>

#include "machines.h"

#define REGISTERS UINT64_C(0x09050000)

enum {
	CR0 = 0x20,
	CR0_ENABLE = 1 | 1 << 2 | 1 << 3, /* the SMMU, its event queue, its command queue */
	STRTAB_BASE = 0x80,
	STRTAB_BASE_CFG = 0x88,
	CMDQ_BASE = 0x90,
	CMDQ_PROD = 0x98,
	CMDQ_CONS = 0x9c,
	EVENTQ_BASE = 0xa0,
	EVENTQ_PROD = 0xa8,
	EVENTQ_CONS = 0xac,
	LG2_ENTRIES = 8,
	ENTRIES = 1 << LG2_ENTRIES,
	CFGI_ALL = 4,
	CFGI_ALL_RANGE = 31,
	TLBI_NH_VA = 0x12,
	TLBI_NSNH_ALL = 0x30,
	SYNC = 0x46,
	STE_BYTES = 64,
	STE_VALID = 1,
	STE_ABORT = 0 << 1,
	STE_STAGE1 = 5 << 1
};

/* Where things are, from the tables on. */
enum { CONTEXT = 1 << 20, COMMANDS = 2 << 20, EVENTS = 3 << 20 };

static void store(const struct smmu *smmu, uint64_t pa, uint64_t value)
{
	value = pt_le64(value);
	memcpy(smmu->memory + pa, &value, sizeof(value));
}

static uint64_t load(const struct smmu *smmu, uint64_t pa)
{
	uint64_t value;

	memcpy(&value, smmu->memory + pa, sizeof(value));
	return pt_le64(value);
}

static void command(struct smmu *smmu, uint64_t low, uint64_t high)
{
	uint64_t at = smmu->tables + COMMANDS + 16 * (smmu->commands % ENTRIES);

	store(smmu, at, low);
	store(smmu, at + 8, high);
	smmu->commands++;
}

/* Ring the doorbell, and wait until the SMMU has done what stands before a SYNC. */
static void sync_commands(struct smmu *smmu)
{
	double deadline = seconds_now() + DEADLINE_SECONDS;
	uint32_t produced;

	command(smmu, SYNC, 0);
	/* the index, and above it a bit that changes each time round */
	produced = smmu->commands % (2 * ENTRIES);
	PT_WMB_DEVICE();
	machine_write32(smmu->machine, REGISTERS + CMDQ_PROD, produced);
	while ((machine_read32(smmu->machine, REGISTERS + CMDQ_CONS) & (2 * ENTRIES - 1)) != produced)
		if (seconds_now() > deadline)
			emulator_timeout(&smmu->machine->emulator, "commands of the SMMU do not complete");
}

static void set_stream(struct smmu *smmu, uint64_t entry)
{
	store(smmu, smmu->tables + STE_BYTES * DEVICE_ID, entry);
}

void smmu_set_context(struct smmu *smmu, const struct pt_register *context)
{
	for (unsigned int i = 0; i < 4; i++)
		store(smmu, smmu->tables + CONTEXT + 8 * i, context->value[i]);
	PT_WMB_DEVICE();
	set_stream(smmu, (smmu->tables + CONTEXT) | STE_STAGE1 | STE_VALID);
}

static void forget_configuration(struct smmu *smmu)
{
	command(smmu, CFGI_ALL, CFGI_ALL_RANGE);
	smmu_invalidate_all(smmu);
}

void smmu_turn_on(struct smmu *smmu)
{
	if (!smmu->is_on) {
		machine_write64(smmu->machine, REGISTERS + STRTAB_BASE, smmu->tables);
		machine_write32(smmu->machine, REGISTERS + STRTAB_BASE_CFG, LG2_ENTRIES);
		machine_write64(smmu->machine, REGISTERS + CMDQ_BASE, (smmu->tables + COMMANDS) | LG2_ENTRIES);
		machine_write64(smmu->machine, REGISTERS + EVENTQ_BASE, (smmu->tables + EVENTS) | LG2_ENTRIES);
		machine_write32(smmu->machine, REGISTERS + CR0, CR0_ENABLE);
		smmu->is_on = true;
	}
	forget_configuration(smmu);
}

void smmu_block(struct smmu *smmu)
{
	set_stream(smmu, STE_ABORT | STE_VALID);
	if (smmu->is_on)
		forget_configuration(smmu);
}

void smmu_invalidate_all(struct smmu *smmu)
{
	command(smmu, TLBI_NSNH_ALL, 0);
	sync_commands(smmu);
}

void smmu_invalidate(struct smmu *smmu, const struct pt_gather *gather, uint64_t step)
{
	uint64_t n = gather->first <= gather->last ? (gather->last - gather->first) / step + 1 : 0;

	if (n > ENTRIES / 2 || (n == 0 && gather->levels)) {
		smmu_invalidate_all(smmu);
		return;
	}
	/* Bit 0 of the second word (leaf) is clear: entries of tables that were cached go, too. */
	for (uint64_t i = 0; i < n; i++)
		command(smmu, TLBI_NH_VA, (gather->first + i * step) & ~UINT64_C(0xfff));
	if (n)
		sync_commands(smmu);
}

bool smmu_fault(struct smmu *smmu, struct iommu_fault *out)
{
	static const struct {
		unsigned int kinds;
		const char *name;
	} types[] = {{1U << PT_FAULT_ABSENT, "F_TRANSLATION"},
		     {1U << PT_FAULT_ADDRESS, "F_ADDR_SIZE"},
		     {1U << PT_FAULT_ACCESS, "F_ACCESS"},
		     {1U << PT_FAULT_PERMISSION, "F_PERMISSION"}};
	uint32_t produced = machine_read32(smmu->machine, REGISTERS + EVENTQ_PROD) & (2 * ENTRIES - 1);
	uint64_t first = smmu->tables + EVENTS + 32 * (smmu->events % ENTRIES);
	unsigned int type = load(smmu, first) & 0xff;

	if (produced == smmu->events % (2 * ENTRIES))
		return false;
	*out = (struct iommu_fault){.reason = type, .name = "other"};
	for (unsigned int i = 0; i < 4; i++)
		out->raw[i] = load(smmu, first + 8 * i);
	out->source = (unsigned int)(out->raw[0] >> 32);
	out->is_write = !(out->raw[1] >> 35 & 1);
	out->address = out->raw[2];
	if (type >= 0x10 && type <= 0x13) {
		out->kinds = types[type - 0x10].kinds;
		out->name = types[type - 0x10].name;
	}
	while (smmu->events % (2 * ENTRIES) != produced)
		smmu->events++;
	machine_write32(smmu->machine, REGISTERS + EVENTQ_CONS, produced);
	return true;
}

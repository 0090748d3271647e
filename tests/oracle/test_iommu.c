/* SPDX-License-Identifier: MIT */
/* test_iommu.c - IOMMUs walk for a device: AMD (host tables), VT-d (second stage), and the Arm SMMUv3 (stage 1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum { MIB = 1 << 20 };

struct iommu {
	struct device device;
	struct vtd vtd;
	struct smmu smmu;
	bool running;
	uint32_t commands; /* AMD: written so far */
};

static void nothing_told(struct trial *trial, struct access *access)
{
	(void)trial;
	(void)access;
}

static bool iommu_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	const struct iommu *iommu = trial->machine;

	return device_usable(&iommu->device, iova, bytes);
}

static void iommu_end(struct trial *trial)
{
	struct iommu *iommu = trial->machine;

	machine_end(&iommu->device.machine);
	free(iommu);
}

/* ----------------------------------------------------------------------------------------------- a PC with an IOMMU */

enum {
	PC_COMMANDS = 16 * MIB, /* the IOMMU's own structures, in low memory */
	PC_DEVICE_TABLE = 17 * MIB,
	PC_TOKENS = 20 * MIB,
	PC_RESULTS = 21 * MIB
};

static void pc_start(struct trial *trial)
{
	static const struct ram_piece pieces[] = {{0, (UINT64_C(2) << 30) - 1, 0},
						  {UINT64_C(4) << 30, (UINT64_C(62) << 30) - 1, UINT64_C(2) << 30}};
	struct iommu *iommu = calloc(1, sizeof(*iommu));
	struct ram *ram = &trial->ram;

	CHECK(iommu != NULL);
	trial->machine = iommu;
	ram_open(ram, pieces, 2);
	ram->tables_first = UINT64_C(1) << (trial_below(trial, 2) ? 30 : 35);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = (UINT64_C(32) << 30) - 1;
	iommu->device.tokens = PC_TOKENS;
	iommu->device.results = PC_RESULTS;
}

static void pc_run(struct trial *trial, const char *iommu_device)
{
	struct iommu *iommu = trial->machine;

	machine_start_pc(&iommu->device.machine, trial->ram.path, trial->ram.bytes, iommu_device);
	iommu->running = true;
}

/* ----------------------------------------------------------------------------------------------------------- AMD-Vi */

#define AMD_REGISTERS UINT64_C(0xfed80000)

enum { QUEUE_ENTRIES = 256, AMD_INVALIDATE_ALL = 8, AMD_INVALIDATE_ENTRY = 2, AMD_INVALIDATE_PAGES = 3 };

static void amd_command(struct trial *trial, uint64_t low, uint64_t high)
{
	struct iommu *iommu = trial->machine;
	uint64_t at = PC_COMMANDS + 16 * (iommu->commands % QUEUE_ENTRIES);

	ram_store(&trial->ram, at, low);
	ram_store(&trial->ram, at + 8, high);
	iommu->commands++;
	machine_write64(&iommu->device.machine, AMD_REGISTERS + 0x2008, 16 * (iommu->commands % QUEUE_ENTRIES));
}

static void amd_load(struct trial *trial)
{
	struct iommu *iommu = trial->machine;
	struct pt_register entry;

	if (!iommu->running)
		device_window(trial, &iommu->device);
	entry = trial_register(trial, "DTE");
	for (unsigned int i = 0; i < 4; i++)
		ram_store(&trial->ram, PC_DEVICE_TABLE + 32 * DEVICE_ID + 8 * i, entry.value[i]);
	if (iommu->running) {
		amd_command(trial, (uint64_t)AMD_INVALIDATE_ENTRY << 60 | DEVICE_ID, 0);
		return;
	}
	pc_run(trial, "amd-iommu");
	machine_write64(&iommu->device.machine, AMD_REGISTERS, PC_DEVICE_TABLE | 1); /* two pages */
	machine_write64(&iommu->device.machine, AMD_REGISTERS + 0x08, PC_COMMANDS | UINT64_C(8) << 56);
	machine_write64(&iommu->device.machine, AMD_REGISTERS + 0x18, 1 | 1 << 12);
}

static void amd_forget(struct trial *trial)
{
	amd_command(trial, (uint64_t)AMD_INVALIDATE_ALL << 60, 0);
}

/* One command for the range: the size is coded as a run of ones below the first 0 of the address. */
static void amd_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	enum { SIZE = 1, TABLES_TOO = 2 };
	uint64_t address = gather->first & ~UINT64_C(0xfff), tables = gather->levels ? TABLES_TOO : 0;

	if (gather->first > gather->last)
		return;
	if (gather->last - gather->first > 0xfff) {
		unsigned int top = 63 - (unsigned int)__builtin_clzll(gather->first ^ gather->last);

		address = (gather->first | ((UINT64_C(1) << top) - 1)) & ~(UINT64_C(1) << top) & ~UINT64_C(0xfff);
		tables |= SIZE;
	}
	amd_command(trial, (uint64_t)AMD_INVALIDATE_PAGES << 60, address | tables);
}

static void amd_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct iommu *iommu = trial->machine;

	device_present(trial, &iommu->device, accesses, n, nothing_told);
}

static const struct machine_class amd = {
	.test = "iommu",
	.oracle = "QEMU 7.2 amd-iommu, DMA of a device",
	.program = "qemu-system-x86_64",
	.package = "qemu-system-x86",
	.not_modelled =
		"faults are not recorded; present bits of leaves, reserved bits and skipped address bits are not "
		"looked at; no accessed and dirty",
	.can = CAN_USER | CAN_CACHE,
	.start = pc_start,
	.end = iommu_end,
	.load = amd_load,
	.present = amd_present,
	.invalidate = amd_invalidate,
	.forget = amd_forget,
	.usable = iommu_usable,
};

static const struct configuration amd_configurations[] = {
	{.format = "amd_v1", .setting = {{"mode", 3}}, .grows = true},
	{.format = "amd_v1", .setting = {{"mode", 4}}, .whole = true},
	{.format = "amd_v1", .setting = {{"mode", 5}}, .whole = true},
	{.format = "amd_v1", .setting = {{"mode", 6}}},
};

ORACLE_TESTS(amd, &amd, amd_configurations)

/* ------------------------------------------------------------------------------------------------------------- VT-d */

static const struct machine_class vtd, vtd_scalable;

static void vtd_forget(struct trial *trial)
{
	struct iommu *iommu = trial->machine;

	vtd_invalidate_all(&iommu->vtd);
}

static void vtd_load(struct trial *trial)
{
	struct iommu *iommu = trial->machine;
	bool is_scalable = trial->class == &vtd_scalable, is_short = trial_param(trial, "levels") == 3;
	struct pt_register entry;
	char unit[96];

	device_window(trial, &iommu->device);
	iommu->vtd =
		(struct vtd){.machine = &iommu->device.machine, .memory = trial->ram.direct, .tables = PC_DEVICE_TABLE};
	entry = trial_register(trial, is_scalable ? "PASID" : "CONTEXT");
	if (is_scalable)
		vtd_set_pasid(&iommu->vtd, &entry);
	else
		vtd_set_context(&iommu->vtd, &entry);
	snprintf(unit, sizeof(unit), "intel-iommu,intremap=off,aw-bits=%d%s", is_short ? 39 : 48,
		 is_scalable ? ",x-scalable-mode=on" : "");
	pc_run(trial, unit);
	vtd_turn_on(&iommu->vtd);
}

static void vtd_forward(struct trial *trial, const struct pt_gather *gather)
{
	struct iommu *iommu = trial->machine;

	vtd_invalidate(&iommu->vtd, gather);
}

/* What a record says about an access; where it may be several things, the one that was expected. */
static void tell(struct access *access, const struct iommu_fault *fault)
{
	for (unsigned int i = 0; i < 3; i++)
		access->raw[i] = fault->raw[i];
	access->fault = FAULT_ODD;
	if (fault->kinds >> access->walk.fault & 1)
		access->fault = access->walk.fault;
	else if (fault->kinds)
		access->fault = 31U - (unsigned int)__builtin_clz(fault->kinds);
}

static void vtd_told(struct trial *trial, struct access *access)
{
	struct iommu *iommu = trial->machine;
	struct iommu_fault fault;

	if (vtd_fault(&iommu->vtd, &fault))
		tell(access, &fault);
}

static void vtd_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct iommu *iommu = trial->machine;

	device_present(trial, &iommu->device, accesses, n, vtd_told);
}

static const char *vtd_blind(const struct trial *trial, const struct pt_walk *walk)
{
	for (unsigned int i = 0; i < walk->n_steps; i++)
		if (walk->step[i].kind != PT_NO_KIND &&
		    trial->format->kinds[walk->step[i].kind].category == PT_KIND_TABLE &&
		    walk->step[i].raw[0] >> 11 & 1)
			return "bit 11 of a table entry is taken for a reserved one";
	return NULL;
}

static const char *vtd_gap(struct trial *trial, const struct access *access)
{
	(void)trial;
	if (access->walk.fault == PT_FAULT_RESERVED && !access->allowed && access->fault == PT_FAULT_PERMISSION)
		return "too little allowed is told before reserved bits are looked at";
	return NULL;
}

/* Messages of interrupts never reach the tables. */
static bool vtd_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	return iommu_usable(trial, iova, bytes) && (iova + (bytes - 1) < 0xfee00000 || iova > 0xfeefffff);
}

#define VTD                                                                                                            \
	.test = "iommu", .program = "qemu-system-x86_64", .package = "qemu-system-x86",                                \
	.not_modelled =                                                                                                \
		"five levels, accessed and dirty, nested translation; absent and not allowed are one reason, and the " \
		"level is not told; an access that a cached translation does not allow leaves no record",              \
	.can = CAN_USER | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE, .start = pc_start, .end = iommu_end,                 \
	.load = vtd_load, .present = vtd_present, .invalidate = vtd_forward, .forget = vtd_forget,                     \
	.usable = vtd_usable, .blind = vtd_blind, .gap = vtd_gap

static const struct machine_class vtd = {VTD, .oracle = "QEMU 7.2 intel-iommu, DMA of a device"};

/* The unit finds the table through the entry for accesses without PASID; leaves may force snooping then. */
static const struct machine_class vtd_scalable = {VTD,
						  .oracle = "QEMU 7.2 intel-iommu in scalable mode, DMA of a device"};

static const struct configuration vtd_configurations[] = {
	{.format = "vtd_second_stage", .setting = {{"levels", 4}, {"mp", 48}, {"sc", 0}}},
	{.format = "vtd_second_stage", .setting = {{"levels", 3}, {"mp", 39}, {"sc", 0}}},
};

static const struct configuration scalable[] = {
	{.format = "vtd_second_stage", .setting = {{"levels", 4}, {"mp", 48}}},
	{.format = "vtd_second_stage", .setting = {{"levels", 3}, {"mp", 39}, {"snoop", 1}}, .whole = true},
};

ORACLE_TESTS(vtd, &vtd, vtd_configurations)
ORACLE_TESTS(vtd_scalable, &vtd_scalable, scalable)

/* ----------------------------------------------------------------------------------------------------------- SMMUv3 */

static void smmu_start(struct trial *trial)
{
	static const struct ram_piece piece = {VIRT_RAM, VIRT_RAM + (UINT64_C(60) << 30) - 1, 0};
	struct iommu *iommu = calloc(1, sizeof(*iommu));
	struct ram *ram = &trial->ram;

	CHECK(iommu != NULL);
	trial->machine = iommu;
	ram_open(ram, &piece, 1);
	ram->tables_first = VIRT_RAM + (trial_below(trial, 2) ? UINT64_C(58) << 30 : 64 * MIB);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = (UINT64_C(58) << 30) - 1;
	iommu->device.tokens = VIRT_RAM + 20 * MIB;
	iommu->device.results = VIRT_RAM + 21 * MIB;
}

static void smmu_load(struct trial *trial)
{
	struct iommu *iommu = trial->machine;
	struct pt_register context;

	device_window(trial, &iommu->device);
	iommu->smmu = (struct smmu){
		.machine = &iommu->device.machine, .memory = trial->ram.direct, .tables = VIRT_RAM + 16 * MIB};
	context = trial_register(trial, "CD");
	smmu_set_context(&iommu->smmu, &context);
	machine_start_virt(&iommu->device.machine, trial->ram.path, trial->ram.bytes, "smmuv3");
	smmu_turn_on(&iommu->smmu);
	iommu->running = true;
}

static void smmu_forget(struct trial *trial)
{
	struct iommu *iommu = trial->machine;

	smmu_invalidate_all(&iommu->smmu);
}

static void smmu_forward(struct trial *trial, const struct pt_gather *gather)
{
	struct iommu *iommu = trial->machine;

	smmu_invalidate(&iommu->smmu, gather, invalidation_step(&trial->table, gather));
}

static void smmu_told(struct trial *trial, struct access *access)
{
	struct iommu *iommu = trial->machine;
	struct iommu_fault fault;

	if (smmu_fault(&iommu->smmu, &fault))
		tell(access, &fault);
}

static void smmu_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct iommu *iommu = trial->machine;

	device_present(trial, &iommu->device, accesses, n, smmu_told);
}

static const char *smmu_gap(struct trial *trial, const struct access *access)
{
	bool write = access->access & PT_ACCESS_WRITE;

	(void)trial;
	if (access->walk.fault == PT_FAULT_PERMISSION && access->allowed && led_to_leaf(access) &&
	    (access->walk.leaf.rights & (write ? PT_RIGHT_PW : PT_RIGHT_PR)))
		return "AP[1] is ignored: what only privileged accesses may do is allowed";
	return NULL;
}

static const struct machine_class smmu = {
	.test = "iommu",
	.oracle = "QEMU 7.2 SMMUv3, DMA of a device",
	.program = "qemu-system-aarch64",
	.package = "qemu-system-arm",
	.not_modelled =
		"stage 2, the access flag and its update, dirty state, execute-never; the level of a fault is not "
		"told; a result beyond memory gives nothing",
	.can = CAN_USER | CAN_CACHE,
	.start = smmu_start,
	.end = iommu_end,
	.load = smmu_load,
	.present = smmu_present,
	.invalidate = smmu_forward,
	.forget = smmu_forget,
	.usable = iommu_usable,
	.gap = smmu_gap,
};

static const struct configuration smmu_configurations[] = {
	{.format = "arm_smmu_s1", .setting = {{"ha", 0}, {"oa", 44}}},
	{.format = "arm_smmu_s1", .setting = {{"ha", 0}, {"ia", 39}, {"oa", 40}}},
	{.format = "arm_smmu_s1", .setting = {{"ha", 0}, {"tg", 14}, {"ia", 47}, {"oa", 44}}, .whole = true},
	{.format = "arm_smmu_s1", .setting = {{"ha", 0}, {"tg", 16}, {"ia", 48}, {"oa", 44}}},
};

ORACLE_TESTS(smmu, &smmu, smmu_configurations)

/* SPDX-License-Identifier: MIT */
/* test_iommu.c - IOMMUs walk for a device: AMD (host tables), VT-d (second stage), and the Arm SMMUv3 (stage 1). */
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum { MIB = 1 << 20, QUEUE_ENTRIES = 256 };

struct iommu {
	struct device device;
	bool running;
	uint32_t commands; /* written so far */
	uint32_t events;   /* read so far */
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

	device_end(&iommu->device);
	free(iommu);
}

/* ------------------------------------------------------------------------------------------- a PC with an IOMMU */

enum {
	PC_BAR = (int)0xfd000000,
	PC_COMMANDS = 16 * MIB, /* the IOMMU's own structures, in low memory */
	PC_DEVICE_TABLE = 17 * MIB,
	PC_CONTEXTS = 18 * MIB,
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
	iommu->device.bar = (uint32_t)PC_BAR;
	iommu->device.tokens = PC_TOKENS;
	iommu->device.results = PC_RESULTS;
}

static void pci_write(struct device *device, unsigned int reg, uint32_t value)
{
	device_out(device, 0xcf8, 0x80000000U | DEVICE_ID << 8 | reg);
	device_out(device, 0xcfc, value);
}

static void pc_run(struct trial *trial, const char *iommu_device)
{
	/* cli; hlt; jmp to the hlt */
	static const unsigned char halt[] = {0xfa, 0xf4, 0xeb, 0xfd};
	struct iommu *iommu = trial->machine;
	unsigned char image[65536];
	char firmware[32];
	const char *const more[] = {"-device", iommu_device, NULL};

	memset(image, 0xf4, sizeof(image));
	memcpy(image + 0xfff0, halt, sizeof(halt));
	nameless_file("firmware", image, sizeof(image), firmware);
	device_start(trial, &iommu->device, "q35", firmware, more);
	pci_write(&iommu->device, 0x10, (uint32_t)PC_BAR);
	pci_write(&iommu->device, 0x04, 6); /* memory, bus master */
	iommu->running = true;
}

/* ------------------------------------------------------------------------------------------------------- AMD-Vi */

#define AMD_REGISTERS UINT64_C(0xfed80000)

enum { AMD_INVALIDATE_ALL = 8, AMD_INVALIDATE_ENTRY = 2, AMD_INVALIDATE_PAGES = 3 };

static void amd_command(struct trial *trial, uint64_t low, uint64_t high)
{
	struct iommu *iommu = trial->machine;
	uint64_t at = PC_COMMANDS + 16 * (iommu->commands % QUEUE_ENTRIES);

	ram_store(&trial->ram, at, low);
	ram_store(&trial->ram, at + 8, high);
	iommu->commands++;
	device_write64(&iommu->device, AMD_REGISTERS + 0x2008, 16 * (iommu->commands % QUEUE_ENTRIES));
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
	device_write64(&iommu->device, AMD_REGISTERS, PC_DEVICE_TABLE | 1); /* two pages */
	device_write64(&iommu->device, AMD_REGISTERS + 0x08, PC_COMMANDS | UINT64_C(8) << 56);
	device_write64(&iommu->device, AMD_REGISTERS + 0x18, 1 | 1 << 12);
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

/* --------------------------------------------------------------------------------------------------------- VT-d */

#define VTD_REGISTERS UINT64_C(0xfed90000)

enum {
	VTD_GCMD = 0x18,
	VTD_ROOT = 0x20,
	VTD_CONTEXT_COMMAND = 0x28,
	VTD_ADDRESS = 0xf0,
	VTD_IOTLB = 0xf8,
	VTD_FAULT_ADDRESS = 0x220,
	VTD_FAULT = 0x228,
	VTD_MAX_PAGES_LG2 = 18 /* of one invalidation by address */
};

static void vtd_forget(struct trial *trial)
{
	struct iommu *iommu = trial->machine;

	device_write64(&iommu->device, VTD_REGISTERS + VTD_IOTLB, UINT64_C(1) << 63 | UINT64_C(1) << 60);
}

static void vtd_load(struct trial *trial)
{
	struct iommu *iommu = trial->machine;
	struct device *device = &iommu->device;
	struct pt_register context;

	device_window(trial, device);
	context = trial_register(trial, "CONTEXT");
	ram_store(&trial->ram, PC_DEVICE_TABLE, PC_CONTEXTS | 1); /* the root entry of bus 0 */
	ram_store(&trial->ram, PC_CONTEXTS + 16 * DEVICE_ID, context.value[0]);
	ram_store(&trial->ram, PC_CONTEXTS + 16 * DEVICE_ID + 8, context.value[1]);
	pc_run(trial, trial_param(trial, "levels") == 3 ? "intel-iommu,intremap=off,aw-bits=39"
							: "intel-iommu,intremap=off,aw-bits=48");
	device_write64(device, VTD_REGISTERS + VTD_ROOT, PC_DEVICE_TABLE);
	device_write32(device, VTD_REGISTERS + VTD_GCMD, 1U << 30);
	device_write32(device, VTD_REGISTERS + VTD_GCMD, 1U << 31);
	device_write64(device, VTD_REGISTERS + VTD_CONTEXT_COMMAND, UINT64_C(1) << 63 | UINT64_C(1) << 61);
	vtd_forget(trial);
}

/* The smallest aligned power of two of pages that covers the range. */
static void vtd_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	struct iommu *iommu = trial->machine;
	unsigned int lg2 = 0;

	if (gather->first > gather->last)
		return;
	while (lg2 <= VTD_MAX_PAGES_LG2 && gather->first >> (12 + lg2) != gather->last >> (12 + lg2))
		lg2++;
	if (lg2 > VTD_MAX_PAGES_LG2) {
		vtd_forget(trial);
		return;
	}
	device_write64(&iommu->device, VTD_REGISTERS + VTD_ADDRESS, (gather->first >> (12 + lg2) << (12 + lg2)) | lg2);
	device_write64(&iommu->device, VTD_REGISTERS + VTD_IOTLB, UINT64_C(1) << 63 | UINT64_C(3) << 60);
}

/* The one fault record; there is no word for absent, only for what is not allowed. */
static void vtd_told(struct trial *trial, struct access *access)
{
	enum { BEYOND = 4, NO_WRITE = 5, NO_READ = 6, RESERVED = 0xc };
	struct iommu *iommu = trial->machine;
	uint64_t record = device_read64(&iommu->device, VTD_REGISTERS + VTD_FAULT);
	unsigned int reason = record >> 32 & 0xff;

	if (!(record >> 63))
		return;
	access->raw[0] = record;
	access->raw[1] = device_read64(&iommu->device, VTD_REGISTERS + VTD_FAULT_ADDRESS);
	device_write32(&iommu->device, VTD_REGISTERS + VTD_FAULT + 4, 0x80000000);
	access->fault = FAULT_ODD;
	if (reason == BEYOND)
		access->fault = PT_FAULT_ADDRESS;
	else if (reason == RESERVED)
		access->fault = PT_FAULT_RESERVED;
	else if (reason == NO_WRITE || reason == NO_READ)
		access->fault = access->walk.fault == PT_FAULT_ABSENT ? PT_FAULT_ABSENT : PT_FAULT_PERMISSION;
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

static const struct machine_class vtd = {
	.test = "iommu",
	.oracle = "QEMU 7.2 intel-iommu, DMA of a device",
	.program = "qemu-system-x86_64",
	.package = "qemu-system-x86",
	.not_modelled =
		"five levels, accessed and dirty, nested translation; absent and not allowed are one reason, and the "
		"level is not told; an access that a cached translation does not allow leaves no record",
	.can = CAN_USER | CAN_CACHE | CAN_RESERVED | CAN_OUTSIDE,
	.start = pc_start,
	.end = iommu_end,
	.load = vtd_load,
	.present = vtd_present,
	.invalidate = vtd_invalidate,
	.forget = vtd_forget,
	.usable = vtd_usable,
	.blind = vtd_blind,
	.gap = vtd_gap,
};

static const struct configuration vtd_configurations[] = {
	{.format = "vtd_second_stage", .setting = {{"levels", 4}, {"mp", 48}, {"sc", 0}}},
	{.format = "vtd_second_stage", .setting = {{"levels", 3}, {"mp", 39}, {"sc", 0}}},
};

ORACLE_TESTS(vtd, &vtd, vtd_configurations)

/* ------------------------------------------------------------------------------------------------------- SMMUv3 */

#define SMMU	 UINT64_C(0x09050000)
#define ARM_RAM	 UINT64_C(0x40000000)
#define ARM_ECAM UINT64_C(0x4010000000)

enum {
	ARM_BAR = 0x10000000,
	CR0 = 0x20,
	CR0_ENABLE = 1 | 1 << 2 | 1 << 3, /* the SMMU, its event queue, its command queue */
	STRTAB_BASE = 0x80,
	STRTAB_BASE_CFG = 0x88,
	CMDQ_BASE = 0x90,
	CMDQ_PROD = 0x98,
	EVENTQ_BASE = 0xa0,
	EVENTQ_PROD = 0xa8,
	EVENTQ_CONS = 0xac,
	LG2_ENTRIES = 8,
	CFGI_ALL = 4,
	TLBI_NH_VA = 0x12,
	TLBI_NSNH_ALL = 0x30
};

/* The SMMU's own structures: stream table, context descriptor, queues. */
#define STREAM_TABLE  (ARM_RAM + 16 * MIB)
#define CONTEXT	      (ARM_RAM + 17 * MIB)
#define COMMAND_QUEUE (ARM_RAM + 18 * MIB)
#define EVENT_QUEUE   (ARM_RAM + 19 * MIB)

static void smmu_start(struct trial *trial)
{
	static const struct ram_piece piece = {ARM_RAM, ARM_RAM + (UINT64_C(60) << 30) - 1, 0};
	struct iommu *iommu = calloc(1, sizeof(*iommu));
	struct ram *ram = &trial->ram;

	CHECK(iommu != NULL);
	trial->machine = iommu;
	ram_open(ram, &piece, 1);
	ram->tables_first = ARM_RAM + (trial_below(trial, 2) ? UINT64_C(58) << 30 : 64 * MIB);
	ram->tables_bytes = 64 * MIB;
	ram->data_first = UINT64_C(4) << 30;
	ram->data_last = (UINT64_C(58) << 30) - 1;
	iommu->device.bar = ARM_BAR;
	iommu->device.tokens = ARM_RAM + 20 * MIB;
	iommu->device.results = ARM_RAM + 21 * MIB;
}

static void smmu_command(struct trial *trial, uint64_t low, uint64_t high)
{
	struct iommu *iommu = trial->machine;
	uint64_t at = COMMAND_QUEUE + 16 * (iommu->commands % QUEUE_ENTRIES);

	ram_store(&trial->ram, at, low);
	ram_store(&trial->ram, at + 8, high);
	iommu->commands++;
	/* the index, and above it a bit that changes each time round */
	device_write32(&iommu->device, SMMU + CMDQ_PROD, iommu->commands % (2 * QUEUE_ENTRIES));
}

static void smmu_load(struct trial *trial)
{
	/* wfi; b to itself - 4 */
	static const uint32_t halt[] = {0xd503207f, 0x17ffffff};
	enum { STE_VALID_STAGE1 = 5 << 1 | 1 };
	struct iommu *iommu = trial->machine;
	struct device *device = &iommu->device;
	const char *const more[] = {"-cpu", "cortex-a57", NULL};
	struct pt_register context;
	char firmware[32];

	device_window(trial, device);
	context = trial_register(trial, "CD");
	for (unsigned int i = 0; i < 4; i++)
		ram_store(&trial->ram, CONTEXT + 8 * i, context.value[i]);
	ram_store(&trial->ram, STREAM_TABLE + 64 * DEVICE_ID, CONTEXT | STE_VALID_STAGE1);
	nameless_file("firmware", halt, sizeof(halt), firmware);
	device_start(trial, device, "virt,iommu=smmuv3", firmware, more);
	device_write32(device, ARM_ECAM + (DEVICE_ID << 12) + 0x10, ARM_BAR);
	device_write32(device, ARM_ECAM + (DEVICE_ID << 12) + 0x04, 6);
	device_write64(device, SMMU + STRTAB_BASE, STREAM_TABLE);
	device_write32(device, SMMU + STRTAB_BASE_CFG, LG2_ENTRIES);
	device_write64(device, SMMU + CMDQ_BASE, COMMAND_QUEUE | LG2_ENTRIES);
	device_write64(device, SMMU + EVENTQ_BASE, EVENT_QUEUE | LG2_ENTRIES);
	device_write32(device, SMMU + CR0, CR0_ENABLE);
	smmu_command(trial, CFGI_ALL, 31);
	smmu_command(trial, TLBI_NSNH_ALL, 0);
	iommu->running = true;
}

static void smmu_forget(struct trial *trial)
{
	smmu_command(trial, TLBI_NSNH_ALL, 0);
}

static void smmu_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	uint64_t step = invalidation_step(trial, gather);
	uint64_t n = gather->first <= gather->last ? (gather->last - gather->first) / step + 1 : 0;

	if (n > QUEUE_ENTRIES / 2 || (n == 0 && gather->levels)) {
		smmu_forget(trial);
		n = 0;
	}
	for (uint64_t i = 0; i < n; i++)
		smmu_command(trial, TLBI_NH_VA, (gather->first + i * step) & ~UINT64_C(0xfff));
}

/* The events that an access left, if any: a denied one may be tried in parts, and the first tells what happened. */
static void smmu_told(struct trial *trial, struct access *access)
{
	static const unsigned int faults[] = {PT_FAULT_ABSENT, PT_FAULT_ADDRESS, PT_FAULT_ACCESS, PT_FAULT_PERMISSION};
	struct iommu *iommu = trial->machine;
	uint32_t produced = device_read32(&iommu->device, SMMU + EVENTQ_PROD);

	if (produced == iommu->events % (2 * QUEUE_ENTRIES))
		return;
	for (; produced != iommu->events % (2 * QUEUE_ENTRIES); iommu->events++) {
		uint64_t at = EVENT_QUEUE + 32 * (iommu->events % QUEUE_ENTRIES);
		unsigned int type = ram_load(&trial->ram, at) & 0xff;

		if (access->fault != FAULT_UNTOLD)
			continue;
		access->raw[0] = ram_load(&trial->ram, at);
		access->raw[1] = ram_load(&trial->ram, at + 16);
		access->fault = type >= 0x10 && type <= 0x13 ? faults[type - 0x10] : (unsigned int)FAULT_ODD;
	}
	device_write32(&iommu->device, SMMU + EVENTQ_CONS, iommu->events % (2 * QUEUE_ENTRIES));
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
	.invalidate = smmu_invalidate,
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

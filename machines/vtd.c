/* SPDX-License-Identifier: MIT */
/* vtd.c - a driver of Intel VT-d: one device (VT-d specification 9.1 to 9.6, 10.4). */
#include <string.h>

#include "machines.h"

#define REGISTERS UINT64_C(0xfed90000)

enum {
	GCMD = 0x18,
	GSTS = 0x1c,
	RTADDR = 0x20,
	CCMD = 0x28,
	IVA = 0xf0,
	IOTLB = 0xf8,
	FAULT_ADDRESS = 0x220,
	FAULT = 0x228,
	PAGE = 4096,
	RTADDR_SCALABLE = 1 << 10,
	MAX_PAGES_LG2 = 18 /* of one invalidation by address (CAP.MAMV) */
};

#define GCMD_TRANSLATE	(UINT32_C(1) << 31)
#define GCMD_TAKE_ROOT	(UINT32_C(1) << 30)
#define BUSY		(UINT64_C(1) << 63) /* of CCMD and IOTLB: set to start, clear when it is done */
#define CCMD_GLOBAL	(UINT64_C(1) << 61)
#define IOTLB_GLOBAL	(UINT64_C(1) << 60)
#define IOTLB_ADDRESSES (UINT64_C(3) << 60)
#define FAULT_IS_READ	(UINT64_C(1) << 62)
#define FAULT_IS_THERE	(UINT64_C(1) << 63)

static void store(const struct vtd *vtd, uint64_t pa, uint64_t value)
{
	value = pt_le64(value);
	memcpy(vtd->memory + pa, &value, sizeof(value));
}

static void command(struct vtd *vtd, unsigned int reg, uint64_t value)
{
	double deadline = seconds_now() + DEADLINE_SECONDS;

	PT_WMB_DEVICE();
	machine_write64(vtd->machine, REGISTERS + reg, value | BUSY);
	while (machine_read64(vtd->machine, REGISTERS + reg) & BUSY)
		if (seconds_now() > deadline)
			emulator_timeout(&vtd->machine->emulator, "an invalidation of VT-d does not complete");
}

static void global_command(struct vtd *vtd, uint32_t bit)
{
	double deadline = seconds_now() + DEADLINE_SECONDS;

	machine_write32(vtd->machine, REGISTERS + GCMD, (vtd->is_on ? GCMD_TRANSLATE : 0) | bit);
	while (!(machine_read32(vtd->machine, REGISTERS + GSTS) & bit))
		if (seconds_now() > deadline)
			emulator_timeout(&vtd->machine->emulator, "a global command of VT-d does not complete");
}

void vtd_set_context(struct vtd *vtd, const struct pt_register *context)
{
	uint64_t contexts = vtd->tables + PAGE, entry = contexts + 16 * DEVICE_ID;

	store(vtd, vtd->tables, contexts | 1); /* the root entry of bus 0 */
	/* Its present bit is in the low half. */
	store(vtd, entry + 8, context->value[1]);
	PT_WMB_DEVICE();
	store(vtd, entry, context->value[0]);
}

/* Root entry, context entry, directory entry, and last what decides: the entry for PASID 0. */
void vtd_set_pasid(struct vtd *vtd, const struct pt_register *pasid)
{
	uint64_t contexts = vtd->tables + PAGE, directory = contexts + PAGE, table = directory + PAGE;

	vtd->is_scalable = true;
	store(vtd, vtd->tables, contexts | 1); /* bus 0, the lower half of its devices */
	store(vtd, contexts + 32 * DEVICE_ID, directory | 1);
	store(vtd, directory, table | 1);
	for (unsigned int i = 1; i < 3; i++)
		store(vtd, table + 8 * i, pasid->value[i]);
	PT_WMB_DEVICE();
	store(vtd, table, pasid->value[0]);
}

void vtd_turn_on(struct vtd *vtd)
{
	if (!vtd->is_on) {
		machine_write64(vtd->machine, REGISTERS + RTADDR,
				vtd->tables | (vtd->is_scalable ? RTADDR_SCALABLE : 0));
		global_command(vtd, GCMD_TAKE_ROOT);
		global_command(vtd, GCMD_TRANSLATE);
		vtd->is_on = true;
	}
	command(vtd, CCMD, CCMD_GLOBAL);
	vtd_invalidate_all(vtd);
}

void vtd_block(struct vtd *vtd)
{
	static const struct pt_register absent;

	if (vtd->is_scalable)
		vtd_set_pasid(vtd, &absent);
	else
		vtd_set_context(vtd, &absent);
	if (vtd->is_on) {
		command(vtd, CCMD, CCMD_GLOBAL);
		vtd_invalidate_all(vtd);
	}
}

void vtd_invalidate_all(struct vtd *vtd)
{
	command(vtd, IOTLB, IOTLB_GLOBAL);
}

/* The smallest aligned power of two of pages that covers the range. */
void vtd_invalidate(struct vtd *vtd, const struct pt_gather *gather)
{
	unsigned int lg2 = 0;

	if (gather->first > gather->last)
		return;
	while (lg2 <= MAX_PAGES_LG2 && gather->first >> (12 + lg2) != gather->last >> (12 + lg2))
		lg2++;
	if (lg2 > MAX_PAGES_LG2) {
		vtd_invalidate_all(vtd);
		return;
	}
	/* Bit 6 clear: entries of tables that were cached go, too. */
	machine_write64(vtd->machine, REGISTERS + IVA, (gather->first >> (12 + lg2) << (12 + lg2)) | lg2);
	command(vtd, IOTLB, IOTLB_ADDRESSES);
}

bool vtd_fault(struct vtd *vtd, struct iommu_fault *out)
{
	static const struct {
		unsigned int reason, kinds;
		const char *name;
	} reasons[] = {
		{0x2, 0, "the context entry is not present"},
		{0x4, 1U << PT_FAULT_ADDRESS, "address beyond the width"},
		/* There is no word for absent: nothing is allowed there. */
		{0x5, 1U << PT_FAULT_ABSENT | 1U << PT_FAULT_PERMISSION, "not writable"},
		{0x6, 1U << PT_FAULT_ABSENT | 1U << PT_FAULT_PERMISSION, "not readable"},
		{0xc, 1U << PT_FAULT_RESERVED, "reserved bits"},
	};
	uint64_t record = machine_read64(vtd->machine, REGISTERS + FAULT);

	if (!(record & FAULT_IS_THERE))
		return false;
	*out = (struct iommu_fault){.source = record & 0xffff,
				    .reason = record >> 32 & 0xff,
				    .is_write = !(record & FAULT_IS_READ),
				    .name = "other"};
	out->raw[0] = machine_read64(vtd->machine, REGISTERS + FAULT_ADDRESS);
	out->raw[1] = record;
	out->address = out->raw[0] & ~UINT64_C(0xfff); /* the page is all that is recorded */
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].reason == out->reason) {
			out->kinds = reasons[i].kinds;
			out->name = reasons[i].name;
		}
	}
	machine_write32(vtd->machine, REGISTERS + FAULT + 4, UINT32_C(0x80000000));
	return true;
}

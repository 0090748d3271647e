/* SPDX-License-Identifier: MIT */
/* Real hardware behind a device, as its driver sees it: what is told when, refusals, and faults that come back. */
#include <errno.h>
#include <string.h>

#include "arm_smmu_s1.h"
#include "test.h"
#include "vc.h"

#define M ((uint64_t)1 << 20)

/* Hardware that remembers what it was told. */
struct hardware {
	unsigned int loads, blocks, invalidations;
	int refuse; /* what the next loads say */
	struct pt_register registers[8];
	size_t n;
	struct pt_gather gather; /* the last one */
};

static int load(void *data, const struct pt_register *registers, size_t n)
{
	struct hardware *hardware = data;

	hardware->loads++;
	hardware->n = n < 8 ? n : 8;
	memcpy(hardware->registers, registers, hardware->n * sizeof(*registers));
	return hardware->refuse;
}

static void block(void *data)
{
	((struct hardware *)data)->blocks++;
}

static void invalidate(void *data, const struct pt_gather *gather)
{
	struct hardware *hardware = data;

	hardware->invalidations++;
	hardware->gather = *gather;
}

static const struct vc_driver driver = {load, block, invalidate};

struct world {
	struct vc_system *system;
	struct vc_region *region;
	struct vc_device *device;
	struct vc_association *link;
	struct vc_phys *phys;
	struct vc_reservation *low;
	struct hardware hardware;
};

static void make(struct world *world, const struct pt_format *format)
{
	const struct vc_device_config config = {.name = "dev", .format = format, .allow_wider = true};

	memset(world, 0, sizeof(*world));
	CHECK_EQ(vc_system_create(NULL, &world->system), 0);
	CHECK_EQ(vc_region_create(world->system, 0x1000, (uint64_t)1 << 38, &world->region), 0);
	CHECK_EQ(vc_device_create(world->system, &config, &world->device), 0);
	CHECK_EQ(vc_device_driver(world->device, &driver, &world->hardware), 0);
	CHECK_EQ(vc_associate(world->region, world->device, 0, &world->link), 0);
	CHECK_EQ(vc_phys_alloc(world->system, &(struct vc_phys_args){.bytes = M}, &world->phys), 0);
	CHECK_EQ(vc_reserve(world->region, &(struct vc_reserve_args){.bytes = M}, &world->low), 0);
}

static void drop(struct world *world)
{
	vc_deactivate(world->link);
	CHECK_EQ(vc_dissociate(world->link), 0);
	vc_unback(world->low, 0);
	CHECK_EQ(vc_unreserve(world->low), 0);
	CHECK_EQ(vc_phys_free(world->phys), 0);
	CHECK_EQ(vc_region_free(world->region), 0);
	CHECK_EQ(vc_system_destroy(world->system), 0);
}

TEST(driver, is_told_registers_and_invalidations)
{
	struct world world;
	struct pt_register now[8];
	struct vc_reservation_info low;
	size_t n;

	make(&world, &arm_smmu_s1_format);
	CHECK_EQ(vc_reservation_info(world.low, &low), 0);
	CHECK_EQ(world.hardware.loads, 0);
	CHECK_EQ(vc_activate(world.link), 0);
	CHECK_EQ(world.hardware.loads, 1);
	CHECK_EQ(vc_device_registers(world.device, now, 8, &n), 0);
	CHECK_EQ(world.hardware.n, n);
	for (size_t i = 0; i < n; i++) {
		CHECK_STR_EQ(world.hardware.registers[i].name, now[i].name);
		CHECK_MEM_EQ(world.hardware.registers[i].value, now[i].value, sizeof(now[i].value));
	}
	CHECK_EQ(vc_device_driver(world.device, NULL, NULL), -EBUSY);

	/* What was absent needs no invalidation; what goes away does, and all of it. */
	CHECK_EQ(vc_back(world.low, world.phys, 0), 0);
	CHECK_EQ(world.hardware.invalidations, 0);
	CHECK_EQ(vc_unback(world.low, 0), 0);
	CHECK_EQ(world.hardware.invalidations, 1);
	CHECK(world.hardware.gather.first <= low.address && world.hardware.gather.last >= low.address + M - 1);

	/* Blocked hardware is told nothing; it is loaded again before it uses the table. */
	CHECK_EQ(vc_deactivate(world.link), 0);
	CHECK_EQ(world.hardware.blocks, 1);
	CHECK_EQ(vc_back(world.low, world.phys, 0), 0);
	CHECK_EQ(vc_unback(world.low, 0), 0);
	CHECK_EQ(world.hardware.invalidations, 1);
	CHECK_EQ(vc_activate(world.link), 0);
	CHECK_EQ(world.hardware.loads, 2);
	drop(&world);
	CHECK_EQ(world.hardware.blocks, 2);
}

TEST(driver, may_refuse)
{
	struct world world;
	uint64_t bytes = 1;

	make(&world, &arm_smmu_s1_format);
	world.hardware.refuse = -EIO;
	CHECK_EQ(vc_activate(world.link), -EIO);
	CHECK_EQ(vc_system_table_bytes(world.system, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(vc_device_translate(world.device, 0x1000, PT_ACCESS_READ, NULL, NULL), -EFAULT);
	world.hardware.refuse = 0;
	CHECK_EQ(vc_activate(world.link), 0);
	drop(&world);
}

TEST(driver, wrong_use)
{
	static const struct vc_driver half = {.load = load};
	struct world world;
	struct vc_device *cpu;

	make(&world, &arm_smmu_s1_format);
	CHECK_EQ(vc_device_create(world.system, &(struct vc_device_config){.name = "cpu", .kind = VC_DEVICE_CPU}, &cpu),
		 0);
	CHECK_EQ(vc_device_driver(cpu, &driver, &world.hardware), -EINVAL);
	CHECK_EQ(vc_device_driver(world.device, &half, NULL), -EINVAL);
	CHECK_EQ(vc_device_driver(NULL, &driver, NULL), -EINVAL);
	CHECK_EQ(vc_device_report(NULL, 0, PT_ACCESS_READ, 0, NULL), -EINVAL);
	drop(&world);
}

struct heard {
	unsigned int calls;
	struct vc_fault fault;
	int answer;
};

static int hear(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct heard *heard = data;

	(void)device;
	heard->calls++;
	heard->fault = *fault;
	return heard->answer;
}

TEST(driver, faults_of_the_hardware_reach_the_handler)
{
	struct heard heard = {.answer = -1};
	struct vc_device_info info;
	struct vc_fault record;
	struct world world;

	make(&world, &arm_smmu_s1_format);
	CHECK_EQ(vc_activate(world.link), 0);
	CHECK_EQ(vc_device_report(world.device, 0x123000, PT_ACCESS_WRITE, PT_FAULT_ABSENT, NULL), -EFAULT);
	CHECK_EQ(vc_device_hook(world.device, hear, &heard), 0);
	CHECK_EQ(vc_device_report(world.device, 0x123000, PT_ACCESS_WRITE, PT_FAULT_PERMISSION, &record), -EFAULT);
	CHECK_EQ(heard.calls, 1);
	/* What the hardware said, and what was to be expected. */
	CHECK_EQ(heard.fault.kind, PT_FAULT_PERMISSION);
	CHECK_STR_EQ(heard.fault.kind_name, "permission");
	CHECK_EQ(heard.fault.walk.fault, PT_FAULT_ABSENT);
	CHECK_EQ(heard.fault.address, 0x123000);
	CHECK_EQ(heard.fault.access, PT_ACCESS_WRITE);
	CHECK_EQ(record.kind, PT_FAULT_PERMISSION);
	CHECK_EQ(vc_device_report(world.device, 0x123000, PT_ACCESS_READ, PT_FAULT_NONE, NULL), -EFAULT);
	CHECK_EQ(heard.fault.kind, PT_FAULT_ABSENT);
	heard.answer = 0;
	CHECK_EQ(vc_device_report(world.device, 0x123000, PT_ACCESS_READ, PT_FAULT_ABSENT, NULL), 0);
	CHECK_EQ(vc_device_info(world.device, &info), 0);
	CHECK_EQ(info.faults, 3);
	drop(&world);
}

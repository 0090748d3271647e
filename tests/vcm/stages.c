/* SPDX-License-Identifier: MIT */
/* Two stages of translation, halves of a device's addresses, and switching a device from one region to another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amd_v1.h"
#include "amd_v2.h"
#include "arm64_s1.h"
#include "arm64_s2.h"
#include "armv7_short.h"
#include "riscv_sv39_57.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "vtd_first_stage.h"
#include "vtd_second_stage.h"
#include "x86_64.h"

/* The pairs that machines have. */
static const struct {
	const struct pt_format *first, *second;
} pairs[] = {
	{&arm64_s1_format, &arm64_s2_format},  {&vtd_first_stage_format, &vtd_second_stage_format},
	{&amd_v2_format, &amd_v1_format},      {&riscv_sv39_57_format, &riscv_sv39_57_format},
	{&armv7_short_format, &x86_64_format}, /* no machine has this one: nothing depends on the pair */
};

static size_t n_pairs(void)
{
	return sizeof(pairs) / sizeof(pairs[0]);
}

static const char *pair_name(size_t i)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s_on_%s", pairs[i].first->name, pairs[i].second->name);
	return name;
}

/* A machine of its own for a guest: what it takes for memory is a region, and its devices are in a region on that. */
struct guest {
	struct vc_system *system;
	struct vc_region *memory, *region;
	struct vc_reservation *tables, *ram;
	struct vc_phys *table_memory, *ram_memory;
	struct vc_device *device;
	struct vc_association *link;
};

#define GUEST_TABLES 0x400000u
#define GUEST_RAM    0x800000u
#define GUEST_BYTES  (2 * M)

static struct vc_phys *allocate(struct vc_system *system, uint64_t bytes, uint64_t sizes)
{
	struct vc_phys_args args = {.bytes = bytes, .sizes = sizes};
	struct vc_phys *phys;

	CHECK_MSG(!vc_phys_alloc(system, &args, &phys), "%s", vc_error_string());
	return phys;
}

static struct vc_reservation *reserve_at(struct vc_region *region, uint64_t at, uint64_t bytes, unsigned int rights)
{
	struct vc_reserve_args args = {
		.bytes = bytes, .fixed = true, .at = at, .rights = rights, .cache = VC_WRITE_BACK_ALLOCATE};
	struct vc_reservation *reservation;

	CHECK_MSG(!vc_reserve(region, &args, &reservation), "%s", vc_error_string());
	return reservation;
}

static void back(struct vc_reservation *reservation, struct vc_phys *phys)
{
	CHECK_MSG(!vc_back(reservation, phys, 0), "%s", vc_error_string());
}

static struct vc_phys *range_of(struct vc_region *region, uint64_t address, uint64_t bytes)
{
	struct vc_phys *phys;

	CHECK_MSG(!vc_phys_of_region(region, address, bytes, &phys), "%s", vc_error_string());
	return phys;
}

static void make(struct guest *guest, size_t pair)
{
	struct vc_device_config config = {.name = "passed through",
					  .format = pairs[pair].first,
					  .stage2 = pairs[pair].second,
					  .allow_wider = true};

	CHECK_EQ(vc_system_create(NULL, &guest->system), 0);
	CHECK_EQ(vc_region_create(guest->system, 0, 64 * M, &guest->memory), 0);
	guest->tables = reserve_at(guest->memory, GUEST_TABLES, 256 * K, PT_READ | PT_WRITE);
	guest->ram = reserve_at(guest->memory, GUEST_RAM, GUEST_BYTES, PT_READ | PT_WRITE);
	/* In pieces, so that one page of the guest says nothing about the next. */
	guest->table_memory = allocate(guest->system, 256 * K, 64 * K);
	guest->ram_memory = allocate(guest->system, GUEST_BYTES, 4 * K);
	back(guest->tables, guest->table_memory);
	back(guest->ram, guest->ram_memory);
	CHECK_MSG(!vc_region_create_nested(guest->memory, guest->tables, 0x10000, 32 * M, &guest->region), "%s",
		  vc_error_string());
	CHECK_MSG(!vc_device_create(guest->system, &config, &guest->device), "%s", vc_error_string());
	CHECK_MSG(!vc_associate(guest->region, guest->device, 0, &guest->link), "%s", vc_error_string());
	CHECK_MSG(!vc_activate(guest->link), "%s", vc_error_string());
}

static void drop(struct guest *guest)
{
	CHECK_EQ(vc_deactivate(guest->link), 0);
	CHECK_EQ(vc_dissociate(guest->link), 0);
	CHECK_EQ(vc_region_free(guest->region), 0);
	CHECK_EQ(vc_unback(guest->tables, 0), 0);
	CHECK_EQ(vc_unback(guest->ram, 0), 0);
	CHECK_EQ(vc_unreserve(guest->tables), 0);
	CHECK_EQ(vc_unreserve(guest->ram), 0);
	CHECK_EQ(vc_phys_free(guest->table_memory), 0);
	CHECK_EQ(vc_phys_free(guest->ram_memory), 0);
	CHECK_EQ(vc_region_free(guest->memory), 0);
	CHECK_EQ(vc_system_destroy(guest->system), 0);
}

static bool print_finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
	return true;
}

static void check(const struct guest *guest)
{
	uint64_t findings = 0;

	CHECK_EQ(vc_check(guest->region, print_finding, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
	CHECK_EQ(vc_check(guest->memory, print_finding, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
}

static int poke(const struct guest *guest, uint64_t address, uint32_t value, struct vc_fault *fault)
{
	return vc_device_write(guest->device, address, &value, sizeof(value), PT_ACCESS_PRIV, fault);
}

static int peek(const struct guest *guest, uint64_t address, uint32_t *value, struct vc_fault *fault)
{
	return vc_device_read(guest->device, address, value, sizeof(*value), PT_ACCESS_PRIV, fault);
}

TEST_EACH(vcm_stages, walks_compose, n_pairs, pair_name)
{
	struct vc_reservation *buffer;
	struct vc_fault fault;
	struct guest guest;
	struct vc_phys *range;
	struct vc_region_info info;
	uint64_t pa, address;
	unsigned char *memory;
	uint32_t value;
	size_t count;

	make(&guest, each);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	range = range_of(guest.memory, GUEST_RAM + 64 * K, 64 * K);
	back(buffer, range);
	check(&guest);
	for (uint64_t at = 0; at < 64 * K; at += 4 * K) {
		CHECK_MSG(!poke(&guest, 0x100000 + at, (uint32_t)at + 7, &fault), "%s", vc_error_string());
		/* through both lists, to where the device wrote */
		CHECK_EQ(vc_region_to_phys(guest.region, 0x100000 + at, &pa), 0);
		CHECK_EQ(vc_system_memory(guest.system, pa, 4, &memory), 0);
		CHECK_EQ(*(const uint32_t *)(const void *)memory, (uint32_t)at + 7);
		/* and back */
		CHECK_EQ(vc_phys_to_region(guest.region, pa, &address), 0);
		CHECK_EQ(address, 0x100000 + at);
		CHECK_EQ(vc_phys_to_region(guest.memory, pa, &address), 0);
		CHECK_EQ(address, GUEST_RAM + 64 * K + at);
		CHECK_EQ(vc_device_translate(guest.device, 0x100000 + at, PT_ACCESS_READ | PT_ACCESS_PRIV, &address,
					     NULL),
			 0);
		CHECK_EQ(address, pa);
		CHECK_EQ(vc_phys_reservations(guest.system, pa, &count), 0);
		CHECK_EQ(count, 2); /* of the region below, and of the one on it */
	}
	/* nothing in the first stage */
	CHECK_EQ(peek(&guest, 0x200000, &value, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 1);
	CHECK_STR_EQ(fault.kind_name, "absent");
	CHECK(fault.region == guest.region);
	/* something in the first, nothing in the second */
	CHECK_EQ(vc_unback(guest.ram, 0), 0);
	CHECK_EQ(peek(&guest, 0x100ffc, &value, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 2);
	CHECK_EQ(fault.in_walk, false);
	CHECK_EQ(fault.ipa, GUEST_RAM + 64 * K + 0xffc);
	CHECK_STR_EQ(fault.kind_name, "absent");
	CHECK(strstr(vc_error_string(), "stage 2"));
	CHECK_EQ(vc_region_to_phys(guest.region, 0x100000, &pa), -ENOENT);
	back(guest.ram, guest.ram_memory);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(value, 7);
	/* what the second stage does not allow */
	CHECK_EQ(vc_reservation_set(guest.ram, PT_READ, VC_WRITE_BACK_ALLOCATE, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(poke(&guest, 0x100000, 1, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 2);
	CHECK_EQ(vc_reservation_set(guest.ram, PT_READ | PT_WRITE, VC_WRITE_BACK_ALLOCATE, 0), 0);
	/* what the first does not */
	CHECK_EQ(vc_reservation_set(buffer, PT_READ, VC_NONCACHED, 0), 0);
	CHECK_EQ(poke(&guest, 0x100000, 1, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 1);
	CHECK_EQ(vc_region_info(guest.region, &info), 0);
	CHECK(info.below == guest.memory);
	CHECK_EQ(info.faults, 4);
	CHECK_EQ(info.backed, 64 * K);
	CHECK_EQ(vc_region_info(guest.memory, &info), 0);
	CHECK_EQ(info.above, 1);
	check(&guest);
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(vc_unreserve(buffer), 0);
	CHECK_EQ(vc_phys_free(range), 0);
	drop(&guest);
}

/* The tables of the first stage are read through the second one. */
TEST_EACH(vcm_stages, tables_below_tables, n_pairs, pair_name)
{
	struct vc_reservation *buffer;
	struct vc_fault fault;
	struct guest guest;
	struct vc_phys *range, *other;
	struct vc_phys_args args = {.sizes = 4 * K};
	struct vc_region *region;
	uint32_t value;

	make(&guest, each);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	range = range_of(guest.memory, GUEST_RAM, 64 * K);
	back(buffer, range);
	CHECK_EQ(poke(&guest, 0x100000, 5, &fault), 0);
	/* they are in the way of everything that would take them away */
	CHECK_EQ(vc_unback(guest.tables, 0), -EBUSY);
	CHECK_EQ(vc_unreserve(guest.tables), -EBUSY);
	CHECK_EQ(vc_phys_free(guest.table_memory), -EBUSY);
	CHECK_EQ(vc_migrate(guest.table_memory, &args), -EBUSY);
	other = allocate(guest.system, 256 * K, 64 * K);
	CHECK_EQ(vc_reback(guest.tables, other, 0), -EBUSY);
	CHECK_EQ(vc_phys_free(other), 0);
	CHECK_EQ(vc_region_free(guest.memory), -EBUSY);
	/* a stage that may not be read */
	CHECK_EQ(vc_reservation_set(guest.tables, PT_WRITE, VC_WRITE_BACK_ALLOCATE, 0), 0);
	if (peek(&guest, 0x100000, &value, &fault)) { /* x86 formats cannot withhold the right to read */
		CHECK_EQ(fault.stage, 2);
		CHECK_EQ(fault.in_walk, true);
		CHECK(fault.ipa >= GUEST_TABLES && fault.ipa < GUEST_TABLES + 256 * K);
		CHECK(strstr(vc_error_string(), "for a table of stage 1"));
	}
	CHECK_EQ(vc_reservation_set(guest.tables, PT_READ | PT_WRITE, VC_WRITE_BACK_ALLOCATE, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(value, 5);
	/* what is behind the guest's memory moves, and the guest sees nothing of it */
	CHECK_MSG(!vc_migrate(guest.ram_memory, &args), "%s", vc_error_string());
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(value, 5);
	CHECK_EQ(vc_migrate(range, &args), -EOPNOTSUPP);
	check(&guest);
	/* what does not fit together */
	CHECK_EQ(vc_back(guest.ram, range, 0), -EINVAL);
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(vc_back(buffer, guest.ram_memory, VC_BACK_PARTIAL), -EINVAL);
	CHECK_EQ(vc_phys_of_region(guest.region, 0x100000, 4 * K, &other), -EINVAL);
	CHECK_EQ(vc_phys_of_region(guest.memory, 64 * M - 4 * K, 8 * K, &other), -ERANGE);
	CHECK_EQ(vc_region_create_nested(guest.region, buffer, 0, M, &region), -EINVAL);
	CHECK_EQ(vc_region_clone(guest.region, &region), -EOPNOTSUPP);
	CHECK_EQ(vc_unreserve(buffer), 0);
	CHECK_EQ(vc_phys_free(range), 0);
	drop(&guest);
}

struct filler {
	struct guest *guest;
	unsigned int calls;
};

/* Put memory where the second stage has none: what a hypervisor does. */
static int fill(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct filler *filler = data;
	struct vc_reservation *reservation;

	(void)device;
	filler->calls++;
	if (fault->stage != 2)
		return -1;
	reservation = reserve_at(filler->guest->memory, fault->ipa & ~(uint64_t)(4 * K - 1), 4 * K, 0);
	return vc_back(reservation, allocate(filler->guest->system, 4 * K, 0), 0);
}

TEST_EACH(vcm_stages, demand_paging_in_the_second_stage, n_pairs, pair_name)
{
	struct vc_reservation *buffer, *page;
	struct vc_reservation_info info;
	struct vc_fault fault;
	struct guest guest;
	struct filler filler = {&guest, 0};
	struct vc_phys *range;
	uint32_t value;

	make(&guest, each);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	range = range_of(guest.memory, 0x2000000, 64 * K); /* nothing is there yet */
	back(buffer, range);
	CHECK_EQ(vc_device_hook(guest.device, fill, &filler), 0);
	for (uint64_t at = 0; at < 64 * K; at += 12 * K)
		CHECK_MSG(!poke(&guest, 0x100000 + at, (uint32_t)at, &fault), "%s", vc_error_string());
	CHECK_EQ(filler.calls, 6);
	for (uint64_t at = 0; at < 64 * K; at += 12 * K) {
		CHECK_EQ(peek(&guest, 0x100000 + at, &value, &fault), 0);
		CHECK_EQ(value, at);
	}
	CHECK_EQ(filler.calls, 6);
	check(&guest);
	while (!vc_reservation_from(guest.memory, 0x2000000, &page)) {
		CHECK_EQ(vc_reservation_info(page, &info), 0);
		CHECK_EQ(vc_unback(page, 0), 0);
		CHECK_EQ(vc_unreserve(page), 0);
		CHECK_EQ(vc_phys_free(info.phys), 0);
	}
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(vc_unreserve(buffer), 0);
	CHECK_EQ(vc_phys_free(range), 0);
	drop(&guest);
}

/* Two guests' devices, one second stage; a translation cache must hear of changes in either stage. */
TEST(vcm_stages, caches_hear_of_both_stages)
{
	struct vc_device_config config = {.format = &arm64_s1_format, .stage2 = &arm64_s2_format, .allow_wider = true};
	struct vc_association *link[2];
	struct vc_reservation *buffer;
	struct vc_device *device[2];
	struct vc_iotlb_info before, after;
	struct vc_region_info info;
	struct guest guest;
	struct vc_fault fault;
	struct vc_phys *range;
	uint32_t value;

	make(&guest, 0);
	for (int i = 0; i < 2; i++) {
		config.name = i ? "second" : "first";
		CHECK_EQ(vc_device_create(guest.system, &config, &device[i]), 0);
		CHECK_EQ(vc_associate(guest.region, device[i], 0, &link[i]), 0);
		CHECK_EQ(vc_activate(link[i]), 0);
	}
	CHECK_EQ(vc_region_info(guest.memory, &info), 0);
	CHECK_EQ(info.tables, 1); /* equals share it */
	CHECK_EQ(vc_region_info(guest.region, &info), 0);
	CHECK_EQ(info.tables, 1);
	CHECK_EQ(vc_device_iotlb(guest.device, 16, 4), 0);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	range = range_of(guest.memory, GUEST_RAM, 64 * K);
	back(buffer, range);
	CHECK_EQ(poke(&guest, 0x100000, 9, &fault), 0);
	CHECK_EQ(vc_device_iotlb_info(guest.device, &before), 0);
	CHECK_EQ(poke(&guest, 0x100008, 9, &fault), 0);
	CHECK_EQ(vc_device_iotlb_info(guest.device, &after), 0);
	CHECK_EQ(after.hits, before.hits + 1);
	/* below: gone, and back */
	CHECK_EQ(vc_unback(guest.ram, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 2);
	back(guest.ram, guest.ram_memory);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(value, 9);
	/* above: gone */
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), -EFAULT);
	CHECK_EQ(fault.stage, 1);
	back(buffer, range);
	/* disconnected, what is gone below shows still: the checks above can fail */
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(vc_device_iotlb_disconnect(guest.device, true), 0);
	CHECK_EQ(vc_unback(guest.ram, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), 0);
	CHECK_EQ(vc_device_iotlb(guest.device, 0, 0), 0);
	CHECK_EQ(peek(&guest, 0x100000, &value, &fault), -EFAULT);
	back(guest.ram, guest.ram_memory);
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(vc_unreserve(buffer), 0);
	CHECK_EQ(vc_phys_free(range), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vc_dissociate_crashed(link[i]), 0);
		CHECK_EQ(vc_device_destroy(device[i]), 0);
	}
	drop(&guest);
}

static unsigned int countdown, asked;

static bool count_down(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	asked++;
	return countdown == 0 || --countdown > 0;
}

/* Every allocation on the way may fail, and then nothing has happened. */
TEST(vcm_stages, all_or_nothing)
{
	struct vc_reservation *buffer;
	struct vc_region_info before, after;
	struct vc_region *region;
	struct guest guest;
	struct vc_phys *range;
	unsigned int failures = 0;
	uint64_t bytes[2];
	int error = -1;

	make(&guest, 0);
	CHECK_EQ(vc_deactivate(guest.link), 0);
	CHECK_EQ(vc_dissociate(guest.link), 0);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	range = range_of(guest.memory, GUEST_RAM, 64 * K);
	back(buffer, range);
	CHECK_EQ(vc_associate(guest.region, guest.device, 0, &guest.link), 0);
	for (unsigned int at = 1; error; at++) {
		CHECK_EQ(vc_region_info(guest.region, &before), 0);
		CHECK_EQ(vc_system_table_bytes(guest.system, &bytes[0]), 0);
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vc_activate(guest.link);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		if (!error)
			break;
		failures++;
		CHECK_EQ(vc_region_info(guest.region, &after), 0);
		CHECK_EQ(vc_system_table_bytes(guest.system, &bytes[1]), 0);
		CHECK_EQ(after.tables, 0);
		CHECK_EQ(after.active, 0);
		CHECK_EQ(bytes[0], bytes[1]);
		check(&guest);
	}
	CHECK(failures > 5);
	check(&guest);
	/* the same of making the region */
	error = -1;
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vc_region_create_nested(guest.memory, guest.tables, 0, M, &region);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		CHECK_EQ(vc_region_info(guest.memory, &after), 0);
		CHECK_EQ(after.above, error ? 1 : 2);
	}
	CHECK_EQ(vc_region_free(region), 0);
	CHECK_EQ(vc_unback(buffer, 0), 0);
	CHECK_EQ(vc_unreserve(buffer), 0);
	CHECK_EQ(vc_phys_free(range), 0);
	drop(&guest);
}

/* Contents of both kinds of memory, and power of what is below. */
TEST(vcm_stages, copies_and_power)
{
	struct vc_reservation *buffer, *other;
	struct vc_device *refused = NULL;
	struct vc_fault fault;
	struct guest guest;
	struct vc_phys *range, *range2;
	struct vc_span block;
	uint64_t copied = 0;
	uint32_t value;

	make(&guest, 0);
	buffer = reserve_at(guest.region, 0x100000, 64 * K, 0);
	other = reserve_at(guest.region, 0x200000, 64 * K, 0);
	range = range_of(guest.memory, GUEST_RAM, 64 * K);
	range2 = range_of(guest.memory, GUEST_RAM + M, 64 * K);
	back(buffer, range);
	back(other, range2);
	for (uint64_t at = 0; at < 64 * K; at += 4 * K)
		CHECK_EQ(poke(&guest, 0x100000 + at, (uint32_t)at + 1, &fault), 0);
	CHECK_EQ(vc_copy(other, 2 * K, buffer, 0, 64 * K, &copied), 0);
	CHECK_EQ(copied, 62 * K);
	for (uint64_t at = 0; at < 60 * K; at += 4 * K) {
		CHECK_EQ(peek(&guest, 0x200000 + 2 * K + at, &value, &fault), 0);
		CHECK_EQ(value, at + 1);
	}
	/* within one memory, over itself: away from the overlap */
	CHECK_EQ(vc_copy(buffer, 4 * K, buffer, 0, 60 * K, &copied), 0);
	for (uint64_t at = 4 * K; at < 64 * K; at += 4 * K) {
		CHECK_EQ(peek(&guest, 0x100000 + at, &value, &fault), 0);
		CHECK_EQ(value, at - 4 * K + 1);
	}
	/* the region below has no device of its own: who is on it is asked */
	CHECK_EQ(vc_phys_block(guest.ram_memory, 0, &block), 0);
	CHECK_EQ(vc_power_ask(guest.system, block.pa, 4 * K, &refused), -EBUSY);
	CHECK(refused == guest.device);
	CHECK_EQ(vc_unback(guest.ram, 0), 0);
	CHECK_EQ(vc_power_ask(guest.system, block.pa, 4 * K, &refused), 0);
	CHECK_EQ(vc_copy(other, 0, buffer, 0, 4 * K, &copied), -EFAULT);
	back(guest.ram, guest.ram_memory);
	CHECK_EQ(vc_unback(buffer, 0) | vc_unback(other, 0), 0);
	CHECK_EQ(vc_unreserve(buffer) | vc_unreserve(other), 0);
	CHECK_EQ(vc_phys_free(range) | vc_phys_free(range2), 0);
	drop(&guest);
}

/* -------------------------------------------------------------------------------------------------------- switching */

/* A device goes from one region to another without being blocked in between; it works on in another thread. */
TEST(vcm_stages, replace_in_one_step)
{
	struct vcm *vcm[2];
	struct avcm *avcm[2], *other;
	struct res *res[2];
	struct physmem *memory[2];
	struct device *device, *second;
	unsigned int failures = 0;
	int error = -1;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	second = scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
	for (int i = 0; i < 2; i++) {
		vcm[i] = vcm_create(0, 64 * M);
		avcm[i] = vcm_assoc(vcm[i], device, 0);
		res[i] = vcm_reserve_fixed(vcm[i], M, 64 * K, 0);
		memory[i] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
		CHECK_EQ(vcm_back(res[i], memory[i]), 0);
	}
	other = vcm_assoc(vcm[1], second, 0);
	CHECK_EQ(vc_replace(vcm_association(avcm[0]), vcm_association(avcm[1])), -ENOENT);
	CHECK_EQ(vcm_activate(avcm[0]), 0);
	CHECK(scene_write(device, M, 100));
	CHECK_EQ(vc_replace(vcm_association(avcm[0]), vcm_association(other)), -EINVAL);
	CHECK_EQ(vc_replace(vcm_association(avcm[0]), vcm_association(avcm[0])), -EALREADY);
	/* every allocation may fail: the device stays where it is */
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vc_replace(vcm_association(avcm[0]), vcm_association(avcm[1]));
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		failures += error != 0;
		CHECK_EQ(scene_read(device, M), error ? 100 : 0);
	}
	CHECK(failures > 3);
	CHECK_EQ(vcm_is_active(avcm[0]), 0);
	CHECK_EQ(vcm_is_active(avcm[1]), 1);
	CHECK_EQ(vc_replace(vcm_association(avcm[1]), vcm_association(avcm[0])), 0);
	CHECK_EQ(scene_read(device, M), 100);
	scene_check(vcm[0]);
	scene_check(vcm[1]);
	CHECK_EQ(vcm_deactivate(avcm[0]), 0);
	CHECK_EQ(vcm_deassoc(other), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]) | vcm_phys_free(memory[i]), 0);
		CHECK_EQ(vcm_deassoc(avcm[i]) | vcm_free(vcm[i]), 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

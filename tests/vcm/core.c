/* SPDX-License-Identifier: MIT */
/* The core on two configurations of a format written by hand, whose failures can be asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/mock.h"
#include "test.h"
#include "vc.h"

#define K	  ((uint64_t)1 << 10)
#define M	  ((uint64_t)1 << 20)
#define N_DEVICES 4

/* One region; four devices: pages only, with blocks, with blocks again (shares its table), at another bus address. */
struct world {
	struct vc_system *system;
	struct vc_region *region;
	struct vc_device *device[N_DEVICES];
	struct vc_association *link[N_DEVICES];
};

static struct vc_device *new_device(struct vc_system *system, const char *name, int64_t blocks, int64_t offset)
{
	struct vc_device_config config = {.name = name, .format = &mock_format, .bus_offset = offset};
	struct vc_device *device;
	struct pt_config table;

	pt_config_init(&table);
	table.param[MOCK_PARAM_BLOCKS] = blocks;
	config.config = &table;
	CHECK_EQ(vc_device_create(system, &config, &device), 0);
	return device;
}

static void make(struct world *world)
{
	static const char *const names[N_DEVICES] = {"pages", "blocks", "twin", "elsewhere"};

	memset(world, 0, sizeof(*world));
	CHECK_EQ(vc_system_create(NULL, &world->system), 0);
	CHECK_EQ(vc_region_create(world->system, 0x1000, 128 * M, &world->region), 0);
	for (size_t i = 0; i < N_DEVICES; i++) {
		world->device[i] = new_device(world->system, names[i], i ? 1 : 0, i == 3 ? -0x80000000LL : 0);
		CHECK_EQ(vc_associate(world->region, world->device[i], 0, &world->link[i]), 0);
	}
}

static void activate(const struct world *world)
{
	for (size_t i = 0; i < N_DEVICES; i++)
		CHECK_EQ(vc_activate(world->link[i]), 0);
}

static void drop(struct world *world)
{
	uint64_t bytes;

	for (size_t i = 0; i < N_DEVICES; i++) {
		int error = vc_deactivate(world->link[i]);

		CHECK(error == 0 || error == -ENOENT);
		CHECK_EQ(vc_dissociate(world->link[i]), 0);
	}
	CHECK_EQ(vc_region_free(world->region), 0);
	CHECK_EQ(vc_system_table_bytes(world->system, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(vc_system_destroy(world->system), 0);
}

static struct vc_reservation *reserve(struct vc_region *region, uint64_t bytes, uint64_t align)
{
	struct vc_reserve_args args = {.bytes = bytes, .align = align};
	struct vc_reservation *reservation;

	CHECK_EQ(vc_reserve(region, &args, &reservation), 0);
	return reservation;
}

static struct vc_phys *allocate(struct vc_system *system, uint64_t bytes, uint64_t sizes)
{
	struct vc_phys_args args = {.bytes = bytes, .sizes = sizes};
	struct vc_phys *phys;

	CHECK_EQ(vc_phys_alloc(system, &args, &phys), 0);
	return phys;
}

static uint64_t address_of(struct vc_reservation *reservation)
{
	struct vc_reservation_info info;

	CHECK_EQ(vc_reservation_info(reservation, &info), 0);
	return info.address;
}

static bool complain(void *ctx, const char *text)
{
	(void)ctx;
	CHECK_MSG(false, "%s", text);
	return false;
}

static void check_region(struct vc_region *region)
{
	uint64_t findings;

	CHECK_EQ(vc_check(region, complain, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
}

/* Does the device reach pa at address? 0: it faults there. */
static uint64_t reach(struct vc_device *device, uint64_t address)
{
	uint64_t pa = 0;
	int error = vc_device_translate(device, address, PT_ACCESS_READ, &pa, NULL);

	CHECK(error == 0 || error == -EFAULT);
	return error ? 0 : pa;
}

struct counts {
	uint64_t tables, used[4];
	struct vc_region_info region;
};

static struct counts counts_of(const struct world *world)
{
	struct counts counts;

	memset(&counts, 0, sizeof(counts));
	CHECK_EQ(vc_system_table_bytes(world->system, &counts.tables), 0);
	for (unsigned int i = 0; i < 4; i++) {
		struct vc_pool_info pool;

		CHECK_EQ(vc_system_pool(world->system, i, &pool), 0);
		counts.used[i] = pool.used;
	}
	CHECK_EQ(vc_region_info(world->region, &counts.region), 0);
	counts.region.invalidations = 0; /* what was asked for, not how things are */
	return counts;
}

TEST(vcm_core, sharing_and_translation)
{
	struct vc_association_info info[N_DEVICES];
	struct vc_region_info region;
	struct vc_reservation *reservation;
	struct vc_phys *phys;
	struct world world;
	char text[8];

	make(&world);
	CHECK_EQ(vc_region_info(world.region, &region), 0);
	CHECK_EQ(region.tables, 0);
	CHECK_EQ(region.first, 0x1000);
	CHECK_EQ(region.last, 0x8000fff);
	activate(&world);
	CHECK_EQ(vc_region_info(world.region, &region), 0);
	/* Equal configurations share a table; another parameter, or another bus offset, does not. */
	CHECK_EQ(region.tables, 3);
	for (size_t i = 0; i < N_DEVICES; i++)
		CHECK_EQ(vc_association_info(world.link[i], &info[i]), 0);
	CHECK_EQ(info[1].root, info[2].root);
	CHECK(info[0].root != info[1].root);
	CHECK(info[3].root < 0x80000000);

	reservation = reserve(world.region, 4 * M, 0);
	phys = allocate(world.system, 4 * M, 0);
	CHECK_EQ(reach(world.device[0], address_of(reservation)), 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	for (size_t i = 0; i < N_DEVICES; i++) {
		CHECK_EQ(reach(world.device[i], address_of(reservation)), 0x80000000);
		CHECK_EQ(reach(world.device[i], address_of(reservation) + 4 * M - 1), 0x803fffff);
		CHECK_EQ(reach(world.device[i], address_of(reservation) + 4 * M), 0);
	}
	/* The bus address is what the table holds; the memory is the same. */
	CHECK_EQ(vc_device_write(world.device[3], address_of(reservation) + M - 3, "across", 7, 0, NULL), 0);
	CHECK_EQ(vc_device_read(world.device[0], address_of(reservation) + M - 3, text, 7, 0, NULL), 0);
	CHECK_STR_EQ(text, "across");
	check_region(world.region);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	for (size_t i = 0; i < N_DEVICES; i++)
		CHECK_EQ(reach(world.device[i], address_of(reservation)), 0);
	check_region(world.region);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	drop(&world);
}

TEST(vcm_core, teardown_order)
{
	struct vc_reservation *reservation;
	struct vc_phys *phys;
	struct world world;

	make(&world);
	activate(&world);
	reservation = reserve(world.region, 64 * K, 0);
	phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	CHECK_EQ(vc_back(reservation, phys, 0), -EALREADY);
	CHECK_EQ(vc_unreserve(reservation), -EBUSY);
	CHECK_EQ(vc_phys_free(phys), -EBUSY);
	CHECK_EQ(vc_dissociate(world.link[0]), -EBUSY);
	CHECK_EQ(vc_association_set_attr(world.link[0], 1), -EBUSY);
	CHECK_EQ(vc_region_free(world.region), -EBUSY);
	CHECK_EQ(vc_device_destroy(world.device[0]), -EBUSY);
	CHECK_EQ(vc_system_destroy(world.system), -EBUSY);
	CHECK_EQ(vc_activate(world.link[0]), -EALREADY);
	CHECK_EQ(vc_last_error()->code, -EALREADY);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unback(reservation, 0), -ENXIO);
	CHECK_EQ(vc_region_free(world.region), -EBUSY);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_region_free(world.region), -EBUSY); /* associations */
	CHECK_EQ(vc_deactivate(world.link[0]), 0);
	CHECK_EQ(vc_deactivate(world.link[0]), -ENOENT);
	CHECK_EQ(vc_phys_free(phys), 0);
	drop(&world);
}

TEST(vcm_core, stale_and_foreign_handles)
{
	struct vc_reservation *reservation, *second;
	struct vc_phys *phys;
	struct world world;

	make(&world);
	reservation = reserve(world.region, 64 * K, 0);
	phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_unreserve(reservation), -EINVAL);
	CHECK(strstr(vc_last_error()->reason, "stale"));
	/* A new object in the same place does not wake the old handle. */
	second = reserve(world.region, 64 * K, 0);
	CHECK(second != reservation);
	CHECK_EQ(vc_back(reservation, phys, 0), -EINVAL);
	CHECK_EQ(vc_back((struct vc_reservation *)(void *)phys, phys, 0), -EINVAL);
	CHECK_EQ(vc_back(NULL, phys, 0), -EINVAL);
	CHECK_EQ(vc_back((struct vc_reservation *)(void *)&world, phys, 0), -EINVAL);
	CHECK_EQ(vc_back((struct vc_reservation *)UINTPTR_MAX, phys, 0), -EINVAL);
	CHECK_EQ(vc_back(second, (struct vc_phys *)1, 0), -EINVAL);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_phys_free(phys), -EINVAL);
	CHECK_EQ(vc_back(second, phys, 0), -EINVAL);
	CHECK_EQ(vc_unreserve(second), 0);
	drop(&world);
}

TEST(vcm_core, blocked_devices)
{
	struct vc_reservation *reservation;
	struct vc_region *other;
	struct vc_association *link;
	struct vc_phys *phys;
	struct vc_fault fault;
	struct world world;
	size_t n;

	make(&world);
	reservation = reserve(world.region, 64 * K, 0);
	phys = allocate(world.system, 64 * K, 0);
	/* Strict: nothing changes while an association is inactive. */
	CHECK_EQ(vc_back(reservation, phys, VC_BACK_ACTIVE), -EAGAIN);
	CHECK_EQ(vc_activate(world.link[0]), 0);
	CHECK_EQ(vc_back(reservation, phys, VC_BACK_ACTIVE), -EAGAIN);
	CHECK_EQ(reach(world.device[0], address_of(reservation)), 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	CHECK(reach(world.device[0], address_of(reservation)));
	CHECK_EQ(vc_device_translate(world.device[1], address_of(reservation), PT_ACCESS_READ, NULL, &fault), -EFAULT);
	CHECK_EQ(fault.kind, VC_FAULT_BLOCKED);
	CHECK_EQ(vc_device_registers(world.device[1], NULL, 0, &n), -ENXIO);
	/* Replay at activation, a table of its own. */
	CHECK_EQ(vc_activate(world.link[1]), 0);
	CHECK(reach(world.device[1], address_of(reservation)));
	check_region(world.region);
	/* Deactivation blocks; the mappings stay recorded, and are kept up to date meanwhile. */
	CHECK_EQ(vc_deactivate(world.link[1]), 0);
	CHECK_EQ(reach(world.device[1], address_of(reservation)), 0);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_activate(world.link[1]), 0);
	CHECK_EQ(reach(world.device[1], address_of(reservation)), 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	check_region(world.region);
	/* One active region per device: a switch of address spaces. */
	CHECK_EQ(vc_region_create(world.system, 0, M, &other), 0);
	CHECK_EQ(vc_associate(other, world.device[1], 0, &link), 0);
	CHECK_EQ(vc_associate(other, world.device[1], 0, &link), -EEXIST);
	CHECK_EQ(vc_activate(link), -EBUSY);
	CHECK_EQ(vc_deactivate(world.link[1]), 0);
	CHECK_EQ(vc_activate(link), 0);
	CHECK_EQ(reach(world.device[1], address_of(reservation)), 0);
	CHECK_EQ(vc_deactivate(link), 0);
	CHECK_EQ(vc_dissociate(link), 0);
	CHECK_EQ(vc_region_free(other), 0);
	/* Without any association left, unbacking still works. */
	for (size_t i = 0; i < N_DEVICES; i++) {
		vc_deactivate(world.link[i]);
		CHECK_EQ(vc_dissociate(world.link[i]), 0);
	}
	CHECK_EQ(counts_of(&world).region.tables, 0);
	CHECK_EQ(counts_of(&world).tables, 0);
	CHECK_EQ(vc_unback(reservation, VC_BACK_ACTIVE), -EINVAL);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_region_free(world.region), 0);
	CHECK_EQ(vc_system_destroy(world.system), 0);
}

/* ------------------------------------------------------------------------------------------------ injected failures */

struct countdown {
	unsigned int left, asked;
};

static bool count_down(void *ctx, const char *what)
{
	struct countdown *countdown = ctx;

	(void)what;
	countdown->asked++;
	return countdown->left == 0 || --countdown->left != 0;
}

/* All table memory: what must not change when an operation fails. */
static unsigned char *snapshot(struct vc_system *system, unsigned char *out)
{
	unsigned char *memory;

	CHECK_EQ(vc_system_memory(system, 0x83000000, M, &memory), 0);
	memcpy(out, memory, (size_t)M);
	return out;
}

/* Each device's translation of every page of a stretch. */
static void translations(const struct world *world, uint64_t first, uint64_t *out)
{
	for (size_t i = 0; i < N_DEVICES; i++)
		for (size_t page = 0; page < 64; page++)
			*out++ = reach(world->device[i], first + page * 64 * K);
}

/* Back, with a failure at each allocation in turn: all devices, or none. */
TEST(vcm_core, back_all_or_nothing_over_allocations)
{
	static uint64_t before[N_DEVICES * 64], after[N_DEVICES * 64];
	struct vc_reservation *old, *reservation;
	struct vc_phys *old_phys, *phys;
	struct countdown countdown;
	struct vc_phys_info info;
	unsigned int failures = 0;
	struct world world;
	int error = -1;

	make(&world);
	activate(&world);
	old = reserve(world.region, 2 * M + 64 * K, 0);
	old_phys = allocate(world.system, 2 * M + 64 * K, 0);
	CHECK_EQ(vc_back(old, old_phys, 0), 0);
	reservation = reserve(world.region, 9 * M + 4 * K, 0);
	phys = allocate(world.system, 9 * M + 4 * K, 0);
	translations(&world, 0, before);
	for (unsigned int at = 1; error; at++) {
		countdown = (struct countdown){.left = at};
		vc_set_allocation_hook(count_down, &countdown);
		error = vc_back(reservation, phys, 0);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(error == 0 || error == -ENOMEM);
		if (error) {
			failures++;
			translations(&world, 0, after);
			CHECK_MEM_EQ(after, before, sizeof(before));
			check_region(world.region);
			CHECK_EQ(vc_phys_info(phys, &info), 0);
			CHECK_EQ(info.reservations, 0);
		}
	}
	CHECK(failures >= 8); /* three lists of segments, and the tables */
	check_region(world.region);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unback(old, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_unreserve(old), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_phys_free(old_phys), 0);
	drop(&world);
}

/* The same with a failure of each device's format in turn. */
TEST(vcm_core, back_all_or_nothing_over_devices)
{
	static unsigned char before[1 << 20], after[1 << 20];
	struct vc_reservation *old, *reservation;
	struct vc_phys *old_phys, *phys;
	struct world world;

	make(&world);
	activate(&world);
	old = reserve(world.region, 4 * M, 4 * M);
	old_phys = allocate(world.system, 4 * M, 0);
	CHECK_EQ(vc_back(old, old_phys, 0), 0);
	reservation = reserve(world.region, 64 * K, 0);
	phys = allocate(world.system, 64 * K, 0);
	/* Once forth and back, so that the tables that stay are there. */
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	snapshot(world.system, before);
	for (unsigned int device = 0; device < 3; device++) {
		mock_fail_after(device, PT_ERR_OUTPUT);
		CHECK_EQ(vc_back(reservation, phys, 0), -ERANGE);
		CHECK_EQ(vc_last_error()->status, PT_ERR_OUTPUT);
		CHECK_MEM_EQ(snapshot(world.system, after), before, sizeof(before));
		check_region(world.region);
	}
	/* A change of rights too: every word as it was. */
	for (unsigned int device = 0; device < 3; device++) {
		mock_fail_after(device, PT_ERR_WIDER);
		CHECK_EQ(vc_reservation_set(old, PT_READ, VC_WRITE_BACK_ALLOCATE, 7), -EACCES);
		CHECK_MEM_EQ(snapshot(world.system, after), before, sizeof(before));
		check_region(world.region);
	}
	mock_fail_never();
	CHECK_EQ(vc_reservation_set(old, PT_READ, VC_WRITE_BACK_ALLOCATE, 7), 0);
	check_region(world.region);
	for (size_t i = 0; i < N_DEVICES; i++) {
		struct vc_fault fault;

		CHECK_EQ(vc_device_read(world.device[i], address_of(old), after, 16, 0, NULL), 0);
		CHECK_EQ(vc_device_write(world.device[i], address_of(old), after, 16, 0, &fault), -EFAULT);
		CHECK_EQ(fault.kind, PT_FAULT_PERMISSION);
	}
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unback(old, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_unreserve(old), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_phys_free(old_phys), 0);
	drop(&world);
}

TEST(vcm_core, activation_replays_or_does_nothing)
{
	struct vc_reservation *reservation[3];
	struct counts before, after;
	struct countdown countdown;
	unsigned int failures = 0;
	struct vc_phys *phys[3];
	struct world world;
	int error = -1;

	make(&world);
	CHECK_EQ(vc_activate(world.link[0]), 0);
	for (size_t i = 0; i < 3; i++) {
		reservation[i] = reserve(world.region, (3 * i + 1) * 64 * K, 0);
		phys[i] = allocate(world.system, (3 * i + 1) * 64 * K, 0);
		CHECK_EQ(vc_back(reservation[i], phys[i], 0), 0);
	}
	before = counts_of(&world);
	for (unsigned int device = 0; device < 3; device++) {
		mock_fail_after(device + 1, PT_ERR_RIGHTS); /* the first call is init */
		CHECK_EQ(vc_activate(world.link[3]), -EOPNOTSUPP);
		after = counts_of(&world);
		CHECK_MEM_EQ(&after, &before, sizeof(before));
	}
	mock_fail_never();
	for (unsigned int at = 1; error; at++) {
		countdown = (struct countdown){.left = at};
		vc_set_allocation_hook(count_down, &countdown);
		error = vc_activate(world.link[3]);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(error == 0 || error == -ENOMEM);
		if (error) {
			failures++;
			after = counts_of(&world);
			CHECK_MEM_EQ(&after, &before, sizeof(before));
			CHECK_EQ(reach(world.device[3], address_of(reservation[0])), 0);
		}
	}
	CHECK(failures >= 6);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(reach(world.device[3], address_of(reservation[i])),
			 reach(world.device[0], address_of(reservation[i])));
	check_region(world.region);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(vc_unback(reservation[i], 0), 0);
		CHECK_EQ(vc_unreserve(reservation[i]), 0);
		CHECK_EQ(vc_phys_free(phys[i]), 0);
	}
	drop(&world);
}

/* Every constructor, with a failure at each allocation: an error, nothing kept, and then it works. */
static int construct(unsigned int which, const struct world *world)
{
	static const struct vc_reserve_args reserve_args = {.bytes = 64 * 1024};
	static const struct vc_phys_args blocks = {.bytes = 21 * 1024 * 1024},
					 piece = {.bytes = 1024 * 1024, .contiguous = true};
	struct vc_device_config config = {.name = "another", .format = &mock_format};
	struct vc_reservation *reservation;
	struct vc_association *link;
	struct vc_system *system;
	struct vc_region *region;
	struct vc_device *device;
	struct vc_phys *phys;
	int error;

	switch (which) {
	case 0: error = vc_system_create(NULL, &system); return error ? error : vc_system_destroy(system);
	case 1: error = vc_region_create(world->system, 0, M, &region); return error ? error : vc_region_free(region);
	case 2: error = vc_region_create_cpu(world->system, M, &region); return error ? error : vc_region_free(region);
	case 3:
		error = vc_reserve(world->region, &reserve_args, &reservation);
		return error ? error : vc_unreserve(reservation);
	case 4: error = vc_phys_alloc(world->system, &blocks, &phys); return error ? error : vc_phys_free(phys);
	case 5: error = vc_phys_alloc(world->system, &piece, &phys); return error ? error : vc_phys_free(phys);
	case 6: error = vc_phys_wrap(world->system, 0x1000, 0x1000, &phys); return error ? error : vc_phys_free(phys);
	case 7:
		error = vc_device_create(world->system, &config, &device);
		return error ? error : vc_device_destroy(device);
	default:
		error = vc_region_create(world->system, 0, M, &region);
		if (!error) {
			error = vc_associate(region, world->device[0], 0, &link);
			if (!error)
				error = vc_dissociate(link);
			CHECK_EQ(vc_region_free(region), 0);
		}
		return error;
	}
}

TEST(vcm_core, constructors_fail_cleanly)
{
	struct counts before, after;
	struct world world;

	make(&world);
	activate(&world);
	before = counts_of(&world);
	for (unsigned int which = 0; which < 9; which++) {
		unsigned int failures = 0;
		int error = -1;

		for (unsigned int at = 1; error; at++) {
			struct countdown countdown = {.left = at};

			vc_set_allocation_hook(count_down, &countdown);
			error = construct(which, &world);
			vc_set_allocation_hook(NULL, NULL);
			CHECK_MSG(error == 0 || error == -ENOMEM, "constructor %u: %s", which, vc_error_string());
			failures += error != 0;
			after = counts_of(&world);
			CHECK_MEM_EQ(&after, &before, sizeof(before));
		}
		CHECK(failures > 0);
	}
	drop(&world);
}

/* ---------------------------------------------------------------------------------------------------- other rulings */

TEST(vcm_core, cache_policies_must_agree)
{
	struct vc_reserve_args args = {.bytes = 64 * K, .cache = VC_WRITE_BACK_ALLOCATE};
	struct vc_reservation *cached, *plain;
	struct vc_phys *phys, *same;
	struct vc_span block;
	struct world world;

	make(&world);
	activate(&world);
	CHECK_EQ(vc_reserve(world.region, &args, &cached), 0);
	plain = reserve(world.region, 64 * K, 0);
	phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_back(cached, phys, 0), 0);
	CHECK_EQ(vc_back(plain, phys, 0), -EINVAL);
	CHECK(strstr(vc_last_error()->reason, "write-back, write-allocate"));
	CHECK(strstr(vc_last_error()->reason, "not cached"));
	/* Through another object over the same memory, too. */
	CHECK_EQ(vc_phys_block(phys, 0, &block), 0);
	CHECK_EQ(vc_phys_wrap(world.system, block.pa, block.bytes, &same), 0);
	CHECK_EQ(vc_back(plain, same, 0), -EINVAL);
	/* Rights may differ. */
	CHECK_EQ(vc_reservation_set(plain, PT_READ, VC_WRITE_BACK_ALLOCATE, 0), 0);
	CHECK_EQ(vc_back(plain, same, 0), 0);
	CHECK_EQ(vc_reservation_set(plain, PT_READ, VC_NONCACHED, 0), -EINVAL);
	check_region(world.region);
	CHECK_EQ(vc_unback(cached, 0), 0);
	CHECK_EQ(vc_reservation_set(plain, PT_READ, VC_NONCACHED, 0), 0);
	CHECK_EQ(vc_unback(plain, 0), 0);
	CHECK_EQ(vc_phys_free(same), 0);
	CHECK_EQ(vc_unreserve(cached), 0);
	CHECK_EQ(vc_unreserve(plain), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	drop(&world);
}

struct demand {
	struct vc_reservation *reservation;
	struct vc_phys *phys;
	unsigned int calls;
	int result;
};

static int map_on_demand(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct demand *demand = data;

	CHECK(device == fault->device);
	CHECK_EQ(fault->kind, PT_FAULT_ABSENT);
	demand->calls++;
	if (demand->phys)
		CHECK_EQ(vc_back(demand->reservation, demand->phys, 0), 0);
	return demand->result;
}

TEST(vcm_core, fault_handlers)
{
	struct demand demand = {.result = 0};
	struct vc_device_info info;
	struct vc_fault fault;
	struct world world;
	char byte = 1;

	make(&world);
	activate(&world);
	demand.reservation = reserve(world.region, 64 * K, 0);
	CHECK_EQ(vc_device_hook(world.device[0], map_on_demand, &demand), 0);
	/* "Retry" without mending anything does not hang. */
	CHECK_EQ(vc_device_read(world.device[0], address_of(demand.reservation), &byte, 1, 0, &fault), -EFAULT);
	CHECK_EQ(demand.calls, 8);
	CHECK_STR_EQ(fault.kind_name, "absent");
	CHECK_STR_EQ(fault.level, "upper");
	demand.result = -1;
	CHECK_EQ(vc_device_read(world.device[0], address_of(demand.reservation), &byte, 1, 0, NULL), -EFAULT);
	CHECK_EQ(demand.calls, 9);
	demand.result = 0;
	demand.phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_device_read(world.device[0], address_of(demand.reservation), &byte, 1, 0, NULL), 0);
	CHECK_EQ(demand.calls, 10);
	CHECK_EQ(byte, 0);
	CHECK_EQ(vc_device_hook(world.device[0], NULL, NULL), 0);
	CHECK_EQ(vc_device_read(world.device[0], 0x7000000, &byte, 1, 0, NULL), -EFAULT);
	CHECK_EQ(demand.calls, 10);
	CHECK_EQ(vc_device_info(world.device[0], &info), 0);
	CHECK_EQ(info.faults, 3);
	CHECK_EQ(vc_unback(demand.reservation, 0), 0);
	CHECK_EQ(vc_unreserve(demand.reservation), 0);
	CHECK_EQ(vc_phys_free(demand.phys), 0);
	drop(&world);
}

TEST(vcm_core, bad_arguments)
{
	struct vc_reserve_args args = {.bytes = 0};
	struct vc_phys_args phys_args = {.bytes = 4096, .type = 1};
	struct vc_device_config config = {.name = "blocks", .format = &mock_format};
	struct vc_reservation *reservation, *big;
	struct vc_association *link;
	struct vc_region *region;
	struct vc_device *device;
	struct pt_config table;
	struct vc_phys *phys;
	struct world world;

	make(&world);
	CHECK_EQ(vc_region_create(world.system, 0x1400, 0x1000, &region), -EINVAL);
	CHECK_EQ(vc_region_create(world.system, UINT64_MAX - 0xfff, 0x2000, &region), -EINVAL);
	CHECK_EQ(vc_reserve(world.region, &args, &reservation), -EINVAL);
	args = (struct vc_reserve_args){.bytes = 4096, .align = 3 * 4096};
	CHECK_EQ(vc_reserve(world.region, &args, &reservation), -EINVAL);
	args = (struct vc_reserve_args){.bytes = 4096, .fixed = true, .at = 0x9000000};
	CHECK_EQ(vc_reserve(world.region, &args, &reservation), -ERANGE);
	/* The full length, although its start is crooked: the default alignment is a wish. */
	big = reserve(world.region, 128 * M, 0);
	args = (struct vc_reserve_args){.bytes = 4096};
	CHECK_EQ(vc_reserve(world.region, &args, &reservation), -ENOSPC);
	args = (struct vc_reserve_args){.bytes = 4096, .fixed = true, .at = 0x1000};
	CHECK_EQ(vc_reserve(world.region, &args, &reservation), -EADDRINUSE);
	CHECK_EQ(vc_unreserve(big), 0);
	CHECK_EQ(vc_phys_alloc(world.system, &phys_args, &phys), -EINVAL);
	phys_args = (struct vc_phys_args){.bytes = 4096, .sizes = 1 << 13};
	CHECK_EQ(vc_phys_alloc(world.system, &phys_args, &phys), -EINVAL);
	phys_args = (struct vc_phys_args){.bytes = 40 * M};
	CHECK_EQ(vc_phys_alloc(world.system, &phys_args, &phys), -ENOSPC);
	CHECK_EQ(vc_device_create(world.system, &config, &device), -EEXIST);
	config.name = "";
	CHECK_EQ(vc_device_create(world.system, &config, &device), -EINVAL);
	pt_config_init(&table);
	table.param[MOCK_PARAM_BLOCKS] = 2;
	config = (struct vc_device_config){.name = "new", .format = &mock_format, .config = &table};
	CHECK_EQ(vc_device_create(world.system, &config, &device), -EINVAL);
	CHECK_EQ(vc_last_error()->status, PT_ERR_CONFIG);
	config = (struct vc_device_config){.name = "new", .format = &mock_format, .bus_offset = 4096};
	CHECK_EQ(vc_device_create(world.system, &config, &device), -EINVAL);
	/* The mock serves one GiB. */
	CHECK_EQ(vc_region_create(world.system, (uint64_t)1 << 30, (uint64_t)1 << 30, &region), 0);
	CHECK_EQ(vc_associate(region, world.device[0], 0, &link), -ERANGE);
	CHECK_EQ(vc_region_free(region), 0);
	drop(&world);
}

/* A region may be larger than what a device serves: allocations keep to what all of its devices do. */
TEST(vcm_core, allocations_keep_to_what_devices_serve)
{
	struct vc_reserve_args args = {.bytes = 64 * K, .fixed = true, .at = (uint64_t)1 << 30};
	struct vc_reservation *reservation, *low, *high;
	struct vc_association *link;
	struct vc_region *region;
	struct vc_bound *bound;
	struct world world;

	make(&world);
	CHECK_EQ(vc_region_create(world.system, 0, (uint64_t)1 << 31, &region), 0);
	CHECK_EQ(vc_reserve(region, &args, &reservation), 0);
	CHECK_EQ(vc_associate(region, world.device[0], 0, &link), -ERANGE);
	CHECK_EQ(vc_last_error()->address, (uint64_t)1 << 30);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_bound_create(region, (uint64_t)3 << 29, 4 * K, &bound), 0);
	CHECK_EQ(vc_associate(region, world.device[0], 0, &link), -ERANGE);
	CHECK_EQ(vc_bound_free(bound), 0);
	CHECK_EQ(vc_associate(region, world.device[0], 0, &link), 0);
	CHECK_EQ(vc_reserve(region, &args, &reservation), -ERANGE);
	args.at -= 32 * K; /* across the end */
	CHECK_EQ(vc_reserve(region, &args, &reservation), -ERANGE);
	args = (struct vc_reserve_args){.bytes = (uint64_t)1 << 30};
	CHECK_EQ(vc_reserve(region, &args, &low), 0); /* all that it serves */
	args.bytes = 4 * K;
	CHECK_EQ(vc_reserve(region, &args, &high), -ENOSPC);
	CHECK_EQ(vc_bound_create(region, 4 * K, 0, &bound), -ENOSPC);
	CHECK_EQ(vc_dissociate(link), 0);
	CHECK_EQ(vc_reserve(region, &args, &high), 0);
	CHECK_EQ(vc_unreserve(low), 0);
	CHECK_EQ(vc_unreserve(high), 0);
	CHECK_EQ(vc_region_free(region), 0);
	drop(&world);
}

/* The consistency check must see what is wrong: damage each table a little. */
static bool count_finding(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned int *)ctx;
	return true;
}

TEST(vcm_core, check_finds_damage)
{
	struct vc_reservation *reservation;
	struct vc_association_info info;
	unsigned char *memory;
	struct vc_phys *phys;
	struct world world;
	uint64_t findings;
	uint64_t *word, *leaf, saved;
	unsigned int seen = 0;

	make(&world);
	activate(&world);
	reservation = reserve(world.region, 2 * M, 2 * M);
	phys = allocate(world.system, 2 * M, 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	CHECK_EQ(vc_association_info(world.link[0], &info), 0);
	CHECK_EQ(vc_system_memory(world.system, info.root, 4096, &memory), 0);
	word = (uint64_t *)(void *)memory + 1; /* 0x200000 */
	CHECK_EQ(vc_system_memory(world.system, *word & 0xfffff000, 4096, &memory), 0);
	leaf = (uint64_t *)(void *)memory + 17;
	saved = *leaf;
	*leaf = 0; /* missing */
	CHECK_EQ(vc_check(world.region, count_finding, &seen, &findings), 0);
	CHECK_EQ(findings, 1);
	CHECK_EQ(seen, 1);
	*leaf = saved ^ 0x1000; /* elsewhere */
	CHECK_EQ(vc_check(world.region, NULL, NULL, &findings), 0);
	CHECK_EQ(findings, 1);
	*leaf = saved | (uint64_t)1 << 54; /* executable */
	CHECK_EQ(vc_check(world.region, NULL, NULL, &findings), 0);
	CHECK_EQ(findings, 1);
	*leaf = saved & ~((uint64_t)1 << 53); /* not writable */
	CHECK_EQ(vc_check(world.region, NULL, NULL, &findings), 0);
	CHECK_EQ(findings, 1);
	*leaf = saved;
	saved = word[1];
	word[1] = word[0]; /* the same table again: mapped, not backed */
	CHECK_EQ(vc_check(world.region, NULL, NULL, &findings), 0);
	CHECK(findings > 0);
	word[1] = saved;
	check_region(world.region);
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	drop(&world);
}

/* Memory comes cleared, whoever had it before. */
TEST(vcm_core, memory_is_cleared)
{
	static unsigned char zero[64 * 1024];
	struct vc_span block, again;
	unsigned char *memory;
	struct vc_phys *phys;
	struct world world;

	make(&world);
	phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_phys_block(phys, 0, &block), 0);
	CHECK_EQ(vc_system_memory(world.system, block.pa, block.bytes, &memory), 0);
	memset(memory, 0x5a, (size_t)block.bytes);
	CHECK_EQ(vc_phys_free(phys), 0);
	phys = allocate(world.system, 64 * K, 0);
	CHECK_EQ(vc_phys_block(phys, 0, &again), 0);
	CHECK_EQ(again.pa, block.pa);
	CHECK_MEM_EQ(memory, zero, sizeof(zero));
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_system_memory(world.system, 0x7ffff000, 0x2000, &memory), -EFAULT);
	drop(&world);
}

/* Accesses set the accessed state in the table, unless the device is one that does not; looking never does. */
TEST(vcm_core, accessed_state)
{
	struct vc_device_config quiet = {.name = "quiet", .format = &mock_format, .no_updates = true};
	const uint64_t accessed = (uint64_t)1 << 58;
	struct vc_reservation *reservation;
	struct vc_association *link;
	struct pt_config table;
	struct vc_device *device;
	struct vc_phys *phys;
	struct vc_fault walk;
	struct world world;
	char byte;

	make(&world);
	pt_config_init(&table);
	table.param[MOCK_PARAM_FLAVOUR] = 9;
	quiet.config = &table;
	CHECK_EQ(vc_device_create(world.system, &quiet, &device), 0);
	CHECK_EQ(vc_associate(world.region, device, 0, &link), 0);
	CHECK_EQ(vc_activate(link), 0);
	CHECK_EQ(vc_activate(world.link[0]), 0);
	reservation = reserve(world.region, 4 * K, 0);
	phys = allocate(world.system, 4 * K, 0);
	CHECK_EQ(vc_back(reservation, phys, 0), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct vc_device *which = i ? device : world.device[0];

		CHECK(reach(which, address_of(reservation)));
		CHECK_EQ(vc_device_translate(which, address_of(reservation), PT_ACCESS_READ, NULL, &walk), 0);
		CHECK(!(walk.walk.leaf.raw[0] & accessed));
		CHECK_EQ(vc_device_read(which, address_of(reservation), &byte, 1, 0, NULL), 0);
		CHECK_EQ(vc_device_translate(which, address_of(reservation), PT_ACCESS_READ, NULL, &walk), 0);
		CHECK_EQ((walk.walk.leaf.raw[0] & accessed) != 0, i == 0);
	}
	CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_deactivate(link), 0);
	CHECK_EQ(vc_dissociate(link), 0);
	drop(&world);
}

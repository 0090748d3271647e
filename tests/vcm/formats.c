/* SPDX-License-Identifier: MIT */
/* The runtime on every format there is, all in one region. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "test.h"
#include "vc.h"

#define K	     ((uint64_t)1 << 10)
#define M	     ((uint64_t)1 << 20)
#define MAX_DEVICES  64
#define MAX_MAPPINGS 24

struct mapping {
	struct vc_reservation *reservation;
	struct vc_phys *phys; /* NULL: not backed */
	uint64_t address, bytes;
};

/* Two devices of each format: one that sees memory as it is, one at another bus address. */
struct world {
	struct vc_system *system;
	struct vc_region *region;
	size_t n_devices;
	struct vc_device *device[MAX_DEVICES];
	struct vc_association *link[MAX_DEVICES];
	bool active[MAX_DEVICES];
	struct mapping mapping[MAX_MAPPINGS];
	uint64_t page; /* that suits all devices */
};

static void add_device(struct world *world, const struct pt_format *format, int64_t bus_offset)
{
	/* A format that cannot withhold a right is used all the same. */
	struct vc_device_config config = {.format = format, .bus_offset = bus_offset, .allow_wider = true};
	size_t i = world->n_devices;
	char name[48];
	int error;

	CHECK(i < MAX_DEVICES);
	snprintf(name, sizeof(name), "%s %s", format->name, bus_offset ? "moved" : "plain");
	config.name = name;
	error = vc_device_create(world->system, &config, &world->device[i]);
	CHECK_MSG(!error, "%s: %s", name, vc_error_string());
	error = vc_associate(world->region, world->device[i], 0, &world->link[i]);
	CHECK_MSG(!error, "%s: %s", name, vc_error_string());
	world->n_devices++;
}

static void make(struct world *world)
{
	struct vc_region_info info;

	memset(world, 0, sizeof(*world));
	CHECK_EQ(vc_system_create(NULL, &world->system), 0);
	CHECK_EQ(vc_region_create(world->system, 0x1000, 128 * M, &world->region), 0);
	for (size_t i = 0; i < pt_n_formats; i++) {
		add_device(world, pt_formats[i], 0);
		add_device(world, pt_formats[i], -0x40000000);
	}
	CHECK(world->n_devices > 0);
	CHECK_EQ(vc_region_info(world->region, &info), 0);
	world->page = info.page;
}

static void drop(struct world *world)
{
	uint64_t bytes;

	for (size_t i = 0; i < world->n_devices; i++) {
		if (world->active[i])
			CHECK_EQ(vc_deactivate(world->link[i]), 0);
		CHECK_EQ(vc_dissociate(world->link[i]), 0);
	}
	CHECK_EQ(vc_region_free(world->region), 0);
	CHECK_EQ(vc_system_table_bytes(world->system, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(vc_system_destroy(world->system), 0);
}

static void activate(struct world *world, size_t i)
{
	int error = vc_activate(world->link[i]);

	CHECK_MSG(!error, "%s", vc_error_string());
	world->active[i] = true;
}

static bool complain(void *ctx, const char *text)
{
	(void)ctx;
	CHECK_MSG(false, "%s", text);
	return false;
}

static void check_tables(const struct world *world)
{
	uint64_t findings;

	CHECK_EQ(vc_check(world->region, complain, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
}

/* Every active device reaches what the list says, at the borders of every block and at some address between. */
static void check_accesses(const struct world *world, uint64_t *random)
{
	for (size_t m = 0; m < MAX_MAPPINGS; m++) {
		const struct mapping *mapping = &world->mapping[m];
		uint64_t offset;

		if (!mapping->reservation)
			continue;
		offset = test_random(random) % 3 ? test_random(random) % mapping->bytes : mapping->bytes - 1;
		for (size_t i = 0; i < world->n_devices; i++) {
			uint64_t pa = 0, expected = 0;
			int error = vc_device_translate(world->device[i], mapping->address + offset, PT_ACCESS_READ,
							&pa, NULL);

			if (!world->active[i] || !mapping->phys) {
				CHECK_EQ(error, -EFAULT);
				continue;
			}
			CHECK_EQ(vc_region_to_phys(world->region, mapping->address + offset, &expected), 0);
			CHECK_MSG(!error, "%s", vc_error_string());
			CHECK_EQ(pa, expected);
		}
	}
}

static void reserve(struct world *world, struct mapping *mapping, uint64_t *random)
{
	struct vc_reserve_args args = {.bytes = (test_random(random) % 64 + 1) * world->page};
	struct vc_reservation_info info;

	if (test_random(random) % 4 == 0)
		args.bytes = (test_random(random) % 4 + 1) * M;
	if (test_random(random) % 8 == 0)
		args.align = world->page; /* crooked on purpose: small leaves only */
	if (vc_reserve(world->region, &args, &mapping->reservation)) {
		mapping->reservation = NULL;
		CHECK_EQ(vc_last_error()->code, -ENOSPC);
		return;
	}
	CHECK_EQ(vc_reservation_info(mapping->reservation, &info), 0);
	mapping->address = info.address;
	mapping->bytes = info.bytes;
}

static void back(struct world *world, struct mapping *mapping)
{
	struct vc_phys_args args = {.bytes = mapping->bytes, .align = world->page};
	int error = vc_phys_alloc(world->system, &args, &mapping->phys);

	if (error) {
		mapping->phys = NULL;
		CHECK_EQ(error, -ENOSPC);
		return;
	}
	error = vc_back(mapping->reservation, mapping->phys, 0);
	CHECK_MSG(!error, "%s", vc_error_string());
}

static void unback(struct mapping *mapping)
{
	CHECK_EQ(vc_unback(mapping->reservation, 0), 0);
	CHECK_EQ(vc_phys_free(mapping->phys), 0);
	mapping->phys = NULL;
}

static void one_operation(struct world *world, uint64_t *random)
{
	struct mapping *mapping = &world->mapping[test_random(random) % MAX_MAPPINGS];
	size_t device = (size_t)(test_random(random) % world->n_devices);

	if (test_random(random) % 8 == 0) {
		if (world->active[device]) {
			CHECK_EQ(vc_deactivate(world->link[device]), 0);
			world->active[device] = false;
			/* Now and then the table goes too, and comes back by replay. */
			if (test_random(random) % 2) {
				CHECK_EQ(vc_dissociate(world->link[device]), 0);
				CHECK_EQ(vc_associate(world->region, world->device[device], 0, &world->link[device]),
					 0);
			}
		} else {
			activate(world, device);
		}
	} else if (!mapping->reservation) {
		reserve(world, mapping, random);
	} else if (!mapping->phys) {
		if (test_random(random) % 3) {
			back(world, mapping);
		} else {
			CHECK_EQ(vc_unreserve(mapping->reservation), 0);
			mapping->reservation = NULL;
		}
	} else if (test_random(random) % 4) {
		unback(mapping);
	} else {
		unsigned int rights =
			test_random(random) % 2 ? (unsigned int)PT_READ : (unsigned int)(PT_READ | PT_WRITE);
		int error = vc_reservation_set(mapping->reservation, rights, VC_NONCACHED, 0);

		CHECK_MSG(!error, "%s", vc_error_string());
	}
}

TEST(vcm_formats, random_operations)
{
	uint64_t random = test_seed();
	struct world world;

	make(&world);
	for (size_t i = 0; i < world.n_devices; i++)
		activate(&world, i);
	for (unsigned int round = 0; round < 400; round++) {
		one_operation(&world, &random);
		if (round % 8 == 0) {
			check_tables(&world);
			check_accesses(&world, &random);
		}
	}
	for (size_t m = 0; m < MAX_MAPPINGS; m++) {
		if (world.mapping[m].phys)
			unback(&world.mapping[m]);
		if (world.mapping[m].reservation)
			CHECK_EQ(vc_unreserve(world.mapping[m].reservation), 0);
	}
	check_tables(&world);
	drop(&world);
}

/* A failure at each allocation in turn while memory goes behind a reservation in all tables at once. */
struct countdown {
	unsigned int left;
};

static bool count_down(void *ctx, const char *what)
{
	struct countdown *countdown = ctx;

	(void)what;
	return countdown->left == 0 || --countdown->left != 0;
}

TEST(vcm_formats, all_or_nothing)
{
	struct mapping *old, *mapping;
	uint64_t random = test_seed();
	unsigned int failures = 0;
	struct vc_phys_args args;
	struct world world;
	int error = -1;

	make(&world);
	for (size_t i = 0; i < world.n_devices; i++)
		activate(&world, i);
	old = &world.mapping[0];
	reserve(&world, old, &random);
	back(&world, old);
	mapping = &world.mapping[1];
	mapping->bytes = 3 * M + 5 * world.page;
	{
		/* Crooked, and far from the first: every format needs tables of its own. */
		struct vc_reserve_args crooked = {.bytes = mapping->bytes, .fixed = true, .at = 0x6000000 + world.page};
		struct vc_reservation_info info;

		CHECK_EQ(vc_reserve(world.region, &crooked, &mapping->reservation), 0);
		CHECK_EQ(vc_reservation_info(mapping->reservation, &info), 0);
		mapping->address = info.address;
	}
	args = (struct vc_phys_args){.bytes = mapping->bytes, .align = world.page};
	CHECK_EQ(vc_phys_alloc(world.system, &args, &mapping->phys), 0);
	for (unsigned int at = 1; error; at++) {
		struct countdown countdown = {.left = at};
		struct vc_phys *phys = mapping->phys;

		vc_set_allocation_hook(count_down, &countdown);
		error = vc_back(mapping->reservation, mapping->phys, 0);
		vc_set_allocation_hook(NULL, NULL);
		CHECK_MSG(error == 0 || error == -ENOMEM, "%s", vc_error_string());
		failures += error != 0;
		check_tables(&world);
		if (error)
			mapping->phys = NULL;
		check_accesses(&world, &random);
		mapping->phys = phys;
	}
	/* The list of segments for each, and tables for most: a few formats have one that serves the first as well. */
	CHECK_MSG(failures > world.n_devices, "%u failures, %zu devices", failures, world.n_devices);
	unback(mapping);
	unback(old);
	CHECK_EQ(vc_unreserve(mapping->reservation), 0);
	CHECK_EQ(vc_unreserve(old->reservation), 0);
	drop(&world);
}

/* What one device writes, all others read: the same address, the same memory, whatever the format. */
TEST(vcm_formats, one_memory)
{
	uint64_t random = test_seed();
	struct mapping *mapping;
	struct world world;

	make(&world);
	for (size_t i = 0; i < world.n_devices; i++)
		activate(&world, i);
	mapping = &world.mapping[0];
	reserve(&world, mapping, &random);
	back(&world, mapping);
	for (size_t writer = 0; writer < world.n_devices; writer++) {
		uint64_t offset = test_random(&random) % (mapping->bytes - 16), word = test_random(&random);
		int error =
			vc_device_write(world.device[writer], mapping->address + offset, &word, sizeof(word), 0, NULL);

		CHECK_MSG(!error, "%s", vc_error_string());
		for (size_t reader = 0; reader < world.n_devices; reader++) {
			uint64_t seen = 0;

			CHECK_EQ(vc_device_read(world.device[reader], mapping->address + offset, &seen, sizeof(seen), 0,
						NULL),
				 0);
			CHECK_EQ(seen, word);
		}
	}
	unback(mapping);
	CHECK_EQ(vc_unreserve(mapping->reservation), 0);
	drop(&world);
}

/*
 * A hundred devices of all formats with a table each: the mapping that one of them cannot take is in none. Every
 * allocation fails once; among them is one of each device.
 */
TEST(vcm_formats, a_hundred_devices)
{
	enum { N = 100 };
	static struct vc_device *device[N];
	static struct vc_association *link[N];
	struct vc_reserve_args args = {.fixed = true, .at = 0x6000000};
	unsigned int failures = 0, tables = 0;
	struct vc_phys_args memory = {0};
	struct vc_reservation *first, *second;
	struct vc_region_info before, after;
	struct vc_phys *phys[2];
	struct vc_system *system;
	struct vc_region *region;
	uint64_t pa, findings;
	int error = -1;

	CHECK_EQ(vc_system_create(NULL, &system), 0);
	CHECK_EQ(vc_region_create(system, 0x1000, 128 * M, &region), 0);
	for (size_t i = 0; i < N; i++) {
		struct vc_device_config config = {.format = pt_formats[i % pt_n_formats],
						  .bus_offset = (int64_t)(i / pt_n_formats) * (int64_t)(16 * M),
						  .allow_wider = true};
		char name[64];

		snprintf(name, sizeof(name), "%s %zu", config.format->name, i);
		config.name = name;
		CHECK_MSG(!vc_device_create(system, &config, &device[i]), "%s: %s", name, vc_error_string());
		CHECK_MSG(!vc_associate(region, device[i], 0, &link[i]), "%s: %s", name, vc_error_string());
		CHECK_MSG(!vc_activate(link[i]), "%s: %s", name, vc_error_string());
	}
	CHECK_EQ(vc_region_info(region, &before), 0);
	CHECK_EQ(before.tables, N);
	args.bytes = memory.bytes = 2 * before.page;
	memory.align = before.page;
	CHECK_EQ(vc_reserve(region, &args, &first), 0);
	args.at = 0x2000000;
	CHECK_EQ(vc_reserve(region, &args, &second), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(vc_phys_alloc(system, &memory, &phys[i]), 0);
	CHECK_EQ(vc_back(first, phys[0], 0), 0);
	for (unsigned int at = 1; error; at++) {
		struct countdown countdown = {.left = at};

		vc_set_allocation_hook(count_down, &countdown);
		error = vc_back(second, phys[1], 0);
		vc_set_allocation_hook(NULL, NULL);
		CHECK_MSG(error == 0 || error == -ENOMEM, "%s", vc_error_string());
		if (!error)
			break;
		failures++;
		tables += vc_last_error()->status == PT_ERR_MEMORY;
		for (size_t i = 0; i < N; i++) {
			CHECK_EQ(vc_device_translate(device[i], 0x2000000, PT_ACCESS_READ, &pa, NULL), -EFAULT);
			CHECK_EQ(vc_device_translate(device[i], 0x6000000, PT_ACCESS_READ, &pa, NULL), 0);
		}
		CHECK_EQ(vc_region_info(region, &after), 0);
		CHECK_EQ(after.backed, args.bytes);
		CHECK_EQ(after.maps, 1);
		if (failures % 16 == 1) {
			CHECK_EQ(vc_check(region, NULL, NULL, &findings), 0);
			CHECK_EQ(findings, 0);
		}
	}
	/* a list for each device, and tables where the first mapping had others */
	CHECK_MSG(failures >= N && failures - tables == N, "%u failures, %u of them tables", failures, tables);
	CHECK_EQ(vc_check(region, NULL, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
	CHECK_EQ(vc_unback(first, 0) | vc_unback(second, 0), 0);
	CHECK_EQ(vc_unreserve(first) | vc_unreserve(second), 0);
	CHECK_EQ(vc_phys_free(phys[0]) | vc_phys_free(phys[1]), 0);
	for (size_t i = 0; i < N; i++) {
		CHECK_EQ(vc_deactivate(link[i]), 0);
		CHECK_EQ(vc_dissociate(link[i]), 0);
	}
	CHECK_EQ(vc_region_free(region), 0);
	CHECK_EQ(vc_system_destroy(system), 0);
}

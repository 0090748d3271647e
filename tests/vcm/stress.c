/* SPDX-License-Identifier: MIT */
/*
 * Everything at once in one system: memory moves while it is mapped, devices switch regions and fault, handlers map,
 * regions on regions come and go, and others look on. Meant for TSan (make check-threads), useful without.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "arm64_s1.h"
#include "arm64_s2.h"
#include "armv7_short.h"
#include "riscv_sv39_57.h"
#include "test.h"
#include "vc.h"
#include "x86_64.h"

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

#define N_SHARED 4
#define ROUNDS	 40

struct world {
	struct vc_system *system;
	struct vc_region *region[2]; /* the same memory at the same addresses */
	struct vc_device *traveller; /* goes from one to the other */
	struct vc_association *ticket[2];
	struct vc_device *steady, *faulty; /* active in the first for good */
	struct vc_association *link[2];
	struct vc_phys *shared[N_SHARED];
	struct vc_reservation *window[2][N_SHARED];
	uint64_t address[N_SHARED];
	struct vc_reservation *lazy; /* backed by whoever faults there */
	struct vc_phys *lazy_memory;
	uint64_t lazy_address;
	_Atomic unsigned int problems, moves, faults, switches;
	_Atomic bool stop;
	const char *_Atomic first; /* what went wrong first */
};

static void expect(struct world *world, bool good, const char *what)
{
	const char *nothing = NULL;

	if (good)
		return;
	atomic_fetch_add(&world->problems, 1);
	atomic_compare_exchange_strong(&world->first, &nothing, what);
}

/* Whatever moves, each page says its own number. */
static void *read_shared(void *argument)
{
	struct world *world = argument;
	uint64_t random = 1;

	while (!atomic_load(&world->stop)) {
		unsigned int i = test_random(&random) % N_SHARED;
		uint64_t offset = (test_random(&random) % 16) * 4 * K;
		struct vc_device *device = test_random(&random) % 2 ? world->steady : world->traveller;
		uint32_t seen = 0;

		expect(world, !vc_device_read(device, world->address[i] + offset, &seen, 4, PT_ACCESS_PRIV, NULL),
		       "a read of what is mapped");
		expect(world, seen == (i << 16 | (uint32_t)(offset / K)), "what is read");
	}
	return NULL;
}

static void *move(void *argument)
{
	static const uint64_t sizes[] = {64 * K, 4 * K};
	struct world *world = argument;
	uint64_t random = 2;

	while (!atomic_load(&world->stop)) {
		struct vc_phys_args args = {.sizes = sizes[test_random(&random) % 2]};
		int error = vc_migrate(world->shared[test_random(&random) % N_SHARED], &args);

		expect(world, !error || error == -EBUSY || error == -ENOSPC, "a migration");
		atomic_fetch_add(&world->moves, !error);
		sched_yield();
	}
	return NULL;
}

static void *travel(void *argument)
{
	struct world *world = argument;
	unsigned int at = 0;

	while (!atomic_load(&world->stop)) {
		expect(world, !vc_replace(world->ticket[at], world->ticket[!at]), "a switch");
		at = !at;
		atomic_fetch_add(&world->switches, 1);
		sched_yield();
	}
	if (at)
		expect(world, !vc_replace(world->ticket[1], world->ticket[0]), "the last switch");
	return NULL;
}

static int fill(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct world *world = data;
	int error;

	(void)device;
	(void)fault;
	atomic_fetch_add(&world->faults, 1);
	error = vc_back(world->lazy, world->lazy_memory, 0);
	return error && error != -EALREADY && error != -EBUSY;
}

static void *fault_and_take_away(void *argument)
{
	struct world *world = argument;

	while (!atomic_load(&world->stop)) {
		uint32_t seen;
		int error = vc_device_read(world->faulty, world->lazy_address, &seen, 4, PT_ACCESS_PRIV, NULL);

		expect(world, !error || error == -EFAULT, "an access that faults");
		error = vc_unback(world->lazy, 0);
		expect(world, !error || error == -ENXIO || error == -EBUSY, "unbacking it");
	}
	return NULL;
}

/* A guest from its beginning to its end: a region, one on it, a device of two stages; sometimes it crashes. */
static void live_once(struct world *world, unsigned int round, unsigned int number)
{
	struct vc_device_config config = {.format = number % 2 ? &arm64_s1_format : &riscv_sv39_57_format,
					  .stage2 = number % 2 ? &arm64_s2_format : &riscv_sv39_57_format,
					  .allow_wider = true};
	struct vc_reserve_args fixed = {.bytes = 64 * K, .fixed = true, .at = M};
	struct vc_phys_args args = {.bytes = 64 * K, .sizes = 4 * K};
	struct vc_reservation *tables, *ram, *buffer;
	struct vc_region *below, *above, *copy;
	struct vc_phys *memory[2], *range;
	struct vc_association *link;
	struct vc_device *device;
	char name[32];
	uint32_t word = round, seen = 0;

	snprintf(name, sizeof(name), "guest %u", number);
	config.name = name;
	expect(world, !vc_region_create(world->system, 0, 64 * M, &below), "a region");
	expect(world, !vc_reserve(below, &fixed, &tables), "a reservation for tables");
	fixed.at = 2 * M;
	expect(world, !vc_reserve(below, &fixed, &ram), "a reservation for memory");
	for (int i = 0; i < 2; i++) {
		expect(world, !vc_phys_alloc(world->system, &args, &memory[i]), "memory");
		expect(world, !vc_back(i ? ram : tables, memory[i], 0), "backing");
	}
	expect(world, !vc_region_create_nested(below, tables, 0, 64 * M, &above), "a region on it");
	expect(world, !vc_device_create(world->system, &config, &device), "a device");
	expect(world, !vc_associate(above, device, 0, &link), "an association");
	expect(world, !vc_activate(link), "activation");
	fixed.at = 8 * M;
	expect(world, !vc_reserve(above, &fixed, &buffer), "a reservation above");
	expect(world, !vc_phys_of_region(below, 2 * M, 64 * K, &range), "a range");
	expect(world, !vc_back(buffer, range, 0), "backing with a range");
	expect(world, !vc_device_write(device, 8 * M + 4 * K, &word, 4, PT_ACCESS_PRIV, NULL), "a write of two stages");
	/* what is below changes under it */
	expect(world, !vc_reservation_set(ram, PT_READ, VC_NONCACHED, 0), "rights below");
	expect(world, vc_device_write(device, 8 * M, &word, 4, PT_ACCESS_PRIV, NULL) == -EFAULT,
	       "a write that may not be");
	expect(world, !vc_device_read(device, 8 * M + 4 * K, &seen, 4, PT_ACCESS_PRIV, NULL) && seen == word,
	       "a read of two stages");
	expect(world, !vc_region_clone(below, &copy), "a clone");
	if (round % 2) {
		expect(world, !vc_dissociate_crashed(link), "a crash");
	} else {
		expect(world, !vc_deactivate(link), "deactivation");
		expect(world, !vc_dissociate(link), "dissociation");
	}
	expect(world, vc_device_read(device, 8 * M, &seen, 4, PT_ACCESS_PRIV, NULL) == -EFAULT,
	       "a device that is gone");
	expect(world, !vc_device_destroy(device), "the end of the device");
	expect(world, !vc_unback(buffer, 0) && !vc_unreserve(buffer) && !vc_phys_free(range), "the end of the buffer");
	expect(world, !vc_region_free(above), "the end of the region above");
	for (struct vc_reservation *at; !vc_reservation_next(copy, NULL, &at);)
		expect(world, !vc_unback(at, 0) && !vc_unreserve(at), "the end of the copy's reservations");
	expect(world, !vc_region_free(copy), "the end of the copy");
	expect(world, !vc_unback(tables, 0) && !vc_unreserve(tables), "the end of the tables");
	expect(world, !vc_unback(ram, 0) && !vc_unreserve(ram), "the end of the memory");
	expect(world, !vc_phys_free(memory[0]) && !vc_phys_free(memory[1]), "the end of what was behind it");
	expect(world, !vc_region_free(below), "the end of the region below");
	expect(world, vc_region_free(below) == -EINVAL, "a handle after the end");
}

struct guest {
	struct world *world;
	unsigned int number;
	pthread_t thread;
};

static void *live(void *argument)
{
	struct guest *guest = argument;

	for (unsigned int round = 0; round < ROUNDS; round++)
		live_once(guest->world, round, guest->number);
	return NULL;
}

/* Sparse memory of parts that others map, in a region of its own thread. */
static void *compose(void *argument)
{
	struct world *world = argument;
	uint64_t random = 3;

	while (!atomic_load(&world->stop)) {
		struct vc_phys_args args = {.bytes = 64 * K};
		struct vc_reserve_args reserve = {.bytes = 48 * K};
		struct vc_piece pieces[3] = {{NULL, 0, 16 * K}, {NULL, 0, 16 * K}, {NULL, 0, 16 * K}};
		struct vc_reservation *reservation;
		struct vc_phys *part, *sparse;

		expect(world, !vc_phys_alloc(world->system, &args, &part), "memory for parts");
		pieces[test_random(&random) % 3].phys = part;
		expect(world, !vc_phys_compose(world->system, pieces, 3, &sparse), "composing");
		expect(world, vc_phys_free(part) == -EBUSY, "a part that is in use");
		expect(world, !vc_reserve(world->region[1], &reserve, &reservation), "a place for it");
		expect(world, !vc_back(reservation, sparse, 0), "backing with it");
		expect(world, !vc_unback(reservation, 0) && !vc_unreserve(reservation), "taking it away");
		expect(world, !vc_phys_free(sparse) && !vc_phys_free(part), "freeing it");
	}
	return NULL;
}

static void *look(void *argument)
{
	struct world *world = argument;
	FILE *sink = fopen("/dev/null", "w");

	while (!atomic_load(&world->stop)) {
		struct vc_region_info info;
		struct vc_device *refused;
		uint64_t findings = 1, pa;
		size_t count;

		expect(world, !vc_trace(sink), "recording");
		for (int i = 0; i < 2; i++) {
			expect(world, !vc_check(world->region[i], NULL, NULL, &findings) && !findings, "a check");
			expect(world, !vc_region_info(world->region[i], &info), "information");
		}
		expect(world, !vc_dump_dot(world->system, sink), "a drawing");
		expect(world, !vc_dump_json(world->system, sink), "a document");
		expect(world, !vc_region_to_phys(world->region[0], world->address[0], &pa), "where it is");
		expect(world, !vc_phys_reservations(world->system, pa, &count), "who has it");
		vc_power_ask(world->system, pa, 4 * K, &refused);
		expect(world, !vc_trace(NULL), "the end of recording");
	}
	fclose(sink);
	return NULL;
}

static void make(struct world *world)
{
	static const struct pt_format *const formats[] = {&armv7_short_format, &x86_64_format, &arm64_s1_format};
	static const char *const names[] = {"traveller", "steady", "faulty"};
	struct vc_device *device[3];
	struct vc_reserve_args lazy = {.bytes = 4 * K, .fixed = true, .at = 32 * M};

	memset(world, 0, sizeof(*world));
	CHECK_EQ(vc_system_create(NULL, &world->system), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(vc_region_create(world->system, 0, 64 * M, &world->region[i]), 0);
	for (int i = 0; i < 3; i++) {
		struct vc_device_config config = {.name = names[i], .format = formats[i], .allow_wider = true};

		CHECK_EQ(vc_device_create(world->system, &config, &device[i]), 0);
		CHECK_EQ(vc_device_iotlb(device[i], 16, 4), 0);
	}
	world->traveller = device[0];
	world->steady = device[1];
	world->faulty = device[2];
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vc_associate(world->region[i], world->traveller, 0, &world->ticket[i]), 0);
		CHECK_EQ(vc_associate(world->region[0], device[1 + i], 0, &world->link[i]), 0);
		CHECK_EQ(vc_activate(world->link[i]), 0);
	}
	CHECK_EQ(vc_activate(world->ticket[0]), 0);
	for (unsigned int i = 0; i < N_SHARED; i++) {
		struct vc_phys_args args = {.bytes = 64 * K, .sizes = 64 * K};
		struct vc_reserve_args fixed = {.bytes = 64 * K, .fixed = true, .at = (i + 1) * M};

		world->address[i] = fixed.at;
		CHECK_EQ(vc_phys_alloc(world->system, &args, &world->shared[i]), 0);
		for (int k = 0; k < 2; k++) {
			CHECK_EQ(vc_reserve(world->region[k], &fixed, &world->window[k][i]), 0);
			CHECK_EQ(vc_back(world->window[k][i], world->shared[i], 0), 0);
		}
		for (uint64_t at = 0; at < 64 * K; at += 4 * K) {
			uint32_t word = i << 16 | (uint32_t)(at / K);

			CHECK_EQ(vc_device_write(world->steady, fixed.at + at, &word, 4, PT_ACCESS_PRIV, NULL), 0);
		}
	}
	CHECK_EQ(vc_reserve(world->region[0], &lazy, &world->lazy), 0);
	CHECK_EQ(vc_phys_alloc(world->system, &(struct vc_phys_args){.bytes = 4 * K}, &world->lazy_memory), 0);
	world->lazy_address = lazy.at;
	CHECK_EQ(vc_device_hook(world->faulty, fill, world), 0);
}

static void drop(struct world *world)
{
	CHECK_EQ(vc_deactivate(world->ticket[0]), 0);
	vc_unback(world->lazy, 0);
	CHECK_EQ(vc_unreserve(world->lazy), 0);
	CHECK_EQ(vc_phys_free(world->lazy_memory), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vc_dissociate(world->ticket[i]), 0);
		CHECK_EQ(vc_deactivate(world->link[i]), 0);
		CHECK_EQ(vc_dissociate(world->link[i]), 0);
	}
	for (int i = 0; i < N_SHARED; i++) {
		for (int k = 0; k < 2; k++) {
			CHECK_EQ(vc_unback(world->window[k][i], 0), 0);
			CHECK_EQ(vc_unreserve(world->window[k][i]), 0);
		}
		CHECK_EQ(vc_phys_free(world->shared[i]), 0);
	}
	CHECK_EQ(vc_region_free(world->region[0]), 0);
	CHECK_EQ(vc_region_free(world->region[1]), 0);
	CHECK_EQ(vc_system_destroy(world->system), 0);
}

TEST(vcm_stress, everything_at_once)
{
	static void *(*const others[])(void *) = {read_shared, move, travel, fault_and_take_away, compose, look};
	enum { N_OTHERS = sizeof(others) / sizeof(others[0]), N_GUESTS = 2 };
	struct guest guests[N_GUESTS];
	pthread_t thread[N_OTHERS];
	struct world world;
	uint64_t bytes;

	make(&world);
	for (int i = 0; i < N_OTHERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, others[i], &world), 0);
	for (unsigned int i = 0; i < N_GUESTS; i++) {
		guests[i] = (struct guest){.world = &world, .number = i};
		CHECK_EQ(pthread_create(&guests[i].thread, NULL, live, &guests[i]), 0);
	}
	for (unsigned int i = 0; i < N_GUESTS; i++)
		CHECK_EQ(pthread_join(guests[i].thread, NULL), 0);
	atomic_store(&world.stop, true);
	for (int i = 0; i < N_OTHERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_MSG(!atomic_load(&world.problems), "%u problems; the first: %s", atomic_load(&world.problems),
		  atomic_load(&world.first));
	CHECK(atomic_load(&world.moves) > 0 && atomic_load(&world.faults) > 0 && atomic_load(&world.switches) > 0);
	CHECK_EQ(vc_system_table_bytes(world.system, &bytes), 0);
	drop(&world);
}

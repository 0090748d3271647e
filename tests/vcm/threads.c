/* SPDX-License-Identifier: MIT */
/* Many threads on one region: mapping, accesses, activation, checks and dumps at once. Meant for TSan, useful without.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry.h"
#include "support/mock.h"
#include "test.h"
#include "vc.h"

#define K	  ((uint64_t)1 << 10)
#define M	  ((uint64_t)1 << 20)
#define N_WORKERS 4
#define ROUNDS	  60

struct world {
	struct vc_system *system;
	struct vc_region *region;
	struct vc_device *steady, *shaky;
	struct vc_association *shaky_link;
	_Atomic unsigned int problems;
	_Atomic bool stop;
	uint64_t page;
};

struct worker {
	struct world *world;
	unsigned int number;
	pthread_t thread;
};

/* Threads only count what goes wrong; the test itself fails. */
static void expect(struct world *world, bool good)
{
	if (!good)
		atomic_fetch_add(&world->problems, 1);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct world *world = worker->world;
	uint64_t random = worker->number;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t bytes = (test_random(&random) % 40 + 1) * world->page;
		struct vc_reserve_args reserve = {.bytes = bytes};
		struct vc_phys_args allocate = {.bytes = bytes, .align = world->page};
		struct vc_reservation *reservation;
		struct vc_reservation_info info;
		struct vc_phys *phys;
		uint32_t word = worker->number << 16 | round, seen = 0;

		if (vc_reserve(world->region, &reserve, &reservation)) {
			expect(world, false);
			continue;
		}
		if (vc_phys_alloc(world->system, &allocate, &phys)) {
			expect(world, false);
		} else {
			expect(world, vc_back(reservation, phys, 0) == 0);
			expect(world, vc_reservation_info(reservation, &info) == 0);
			expect(world, vc_device_write(world->steady, info.address + bytes - 4, &word, 4, 0, NULL) == 0);
			expect(world, vc_device_read(world->steady, info.address + bytes - 4, &seen, 4, 0, NULL) == 0);
			expect(world, seen == word);
			/* The other device comes and goes: it sees the same, or faults. */
			seen = word;
			vc_device_read(world->shaky, info.address + bytes - 4, &seen, 4, 0, NULL);
			expect(world, seen == word);
			expect(world, vc_phys_free(phys) == -EBUSY);
			expect(world, vc_unreserve(reservation) == -EBUSY);
			expect(world, vc_unback(reservation, 0) == 0);
			expect(world, vc_device_read(world->steady, info.address, &seen, 4, 0, NULL) == -EFAULT);
			expect(world, vc_phys_free(phys) == 0);
		}
		expect(world, vc_unreserve(reservation) == 0);
		/* Stale now, whatever other threads have made meanwhile. */
		expect(world, vc_unback(reservation, 0) == -EINVAL);
		expect(world, vc_unreserve(reservation) == -EINVAL);
	}
	return NULL;
}

static void *shake(void *argument)
{
	struct world *world = argument;

	while (!atomic_load(&world->stop)) {
		expect(world, vc_activate(world->shaky_link) == 0);
		expect(world, vc_deactivate(world->shaky_link) == 0);
		expect(world, vc_dissociate(world->shaky_link) == 0);
		expect(world, vc_associate(world->region, world->shaky, 0, &world->shaky_link) == 0);
	}
	return NULL;
}

static void *look(void *argument)
{
	struct world *world = argument;
	FILE *sink = fopen("/dev/null", "w");

	while (!atomic_load(&world->stop)) {
		struct vc_table_info table;
		uint64_t findings = 1;
		size_t count;

		expect(world, vc_check(world->region, NULL, NULL, &findings) == 0 && findings == 0);
		expect(world, vc_dump_json(world->system, sink) == 0);
		expect(world, vc_dump_dot(world->system, sink) == 0);
		expect(world, vc_region_table(world->region, 0, &table) == 0);
		expect(world, vc_phys_reservations(world->system, 0x81000000, &count) == 0);
	}
	fclose(sink);
	return NULL;
}

static size_t count_formats(void)
{
	return pt_n_formats;
}

static const char *format_name(size_t each)
{
	return pt_formats[each]->name;
}

/* The format is mapped by several threads at once, without a lock: what its contract promises. */
TEST_EACH(vcm_threads, everything_at_once, count_formats, format_name)
{
	struct vc_device_config steady = {.name = "steady", .format = pt_formats[each], .allow_wider = true};
	struct vc_device_config shaky = {.name = "shaky", .format = &mock_format};
	struct worker workers[N_WORKERS];
	struct vc_association *link;
	struct vc_region_info info;
	struct pt_config config;
	pthread_t shaker, looker;
	struct world world;
	uint64_t bytes;

	memset(&world, 0, sizeof(world));
	pt_config_init(&config);
	config.param[MOCK_PARAM_BLOCKS] = 1;
	shaky.config = &config;
	CHECK_EQ(vc_system_create(NULL, &world.system), 0);
	CHECK_EQ(vc_region_create(world.system, 0x1000, 64 * M, &world.region), 0);
	CHECK_EQ(vc_device_create(world.system, &steady, &world.steady), 0);
	CHECK_EQ(vc_device_create(world.system, &shaky, &world.shaky), 0);
	CHECK_EQ(vc_associate(world.region, world.steady, 0, &link), 0);
	CHECK_EQ(vc_associate(world.region, world.shaky, 0, &world.shaky_link), 0);
	CHECK_EQ(vc_activate(link), 0);
	CHECK_EQ(vc_region_info(world.region, &info), 0);
	world.page = info.page;
	for (unsigned int i = 0; i < N_WORKERS; i++) {
		workers[i] = (struct worker){.world = &world, .number = i + 1};
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	CHECK_EQ(pthread_create(&shaker, NULL, shake, &world), 0);
	CHECK_EQ(pthread_create(&looker, NULL, look, &world), 0);
	for (unsigned int i = 0; i < N_WORKERS; i++)
		CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
	atomic_store(&world.stop, true);
	CHECK_EQ(pthread_join(shaker, NULL), 0);
	CHECK_EQ(pthread_join(looker, NULL), 0);
	CHECK_EQ(atomic_load(&world.problems), 0);
	CHECK_EQ(vc_dissociate(world.shaky_link), 0);
	CHECK_EQ(vc_deactivate(link), 0);
	CHECK_EQ(vc_dissociate(link), 0);
	CHECK_EQ(vc_region_free(world.region), 0);
	CHECK_EQ(vc_system_table_bytes(world.system, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(vc_system_destroy(world.system), 0);
}

/* Two threads do the same thing to the same objects: each thing happens once. */
struct race {
	struct vc_reservation *reservation;
	struct vc_phys *phys;
	pthread_barrier_t barrier;
	int result[2][4];
};

static void *race(void *argument)
{
	struct race *it = argument;
	static _Atomic unsigned int next;
	unsigned int me = atomic_fetch_add(&next, 1) % 2;

	pthread_barrier_wait(&it->barrier);
	it->result[me][0] = vc_back(it->reservation, it->phys, 0);
	pthread_barrier_wait(&it->barrier);
	it->result[me][1] = vc_unback(it->reservation, 0);
	pthread_barrier_wait(&it->barrier);
	it->result[me][2] = vc_phys_free(it->phys);
	it->result[me][3] = vc_unreserve(it->reservation);
	return NULL;
}

TEST(vcm_threads, same_objects)
{
	struct vc_device_config config = {.name = "one", .format = &mock_format};
	struct vc_reserve_args reserve = {.bytes = M};
	struct vc_phys_args allocate = {.bytes = M};
	struct vc_association *link;
	struct vc_region *region;
	struct vc_system *system;
	struct vc_device *device;

	CHECK_EQ(vc_system_create(NULL, &system), 0);
	CHECK_EQ(vc_region_create(system, 0, 64 * M, &region), 0);
	CHECK_EQ(vc_device_create(system, &config, &device), 0);
	CHECK_EQ(vc_associate(region, device, 0, &link), 0);
	CHECK_EQ(vc_activate(link), 0);
	for (unsigned int round = 0; round < 100; round++) {
		struct race it;
		pthread_t threads[2];

		memset(&it, 0, sizeof(it));
		CHECK_EQ(pthread_barrier_init(&it.barrier, NULL, 2), 0);
		CHECK_EQ(vc_reserve(region, &reserve, &it.reservation), 0);
		CHECK_EQ(vc_phys_alloc(system, &allocate, &it.phys), 0);
		for (unsigned int i = 0; i < 2; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, race, &it), 0);
		for (unsigned int i = 0; i < 2; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
		for (unsigned int k = 0; k < 4; k++) {
			int other = it.result[it.result[0][k] == 0][k];

			CHECK((it.result[0][k] == 0) != (it.result[1][k] == 0));
			if (k == 0)
				CHECK(other == -EALREADY || other == -EBUSY);
			else if (k == 1)
				CHECK(other == -ENXIO || other == -EBUSY);
			else
				CHECK_EQ(other, -EINVAL);
		}
		pthread_barrier_destroy(&it.barrier);
	}
	CHECK_EQ(vc_deactivate(link), 0);
	CHECK_EQ(vc_dissociate(link), 0);
	CHECK_EQ(vc_region_free(region), 0);
	CHECK_EQ(vc_system_destroy(system), 0);
}

/* An access that is under way when memory is taken away is waited for. */
struct slow {
	struct vc_device *device;
	struct vc_reservation *reservation;
	uint64_t address;
	pthread_t reader;
	_Atomic bool walking, go_on, over, unbacked;
};

static void dawdle(void *ctx)
{
	struct slow *slow = ctx;

	if (!pthread_equal(pthread_self(), slow->reader))
		return;
	atomic_store(&slow->walking, true);
	while (!atomic_load(&slow->go_on))
		sched_yield();
}

static void *read_slowly(void *argument)
{
	struct slow *slow = argument;
	char byte;

	slow->reader = pthread_self();
	mock_while_walking(dawdle, slow);
	vc_device_read(slow->device, slow->address, &byte, 1, 0, NULL);
	atomic_store(&slow->over, true);
	return NULL;
}

static void *take_away(void *argument)
{
	struct slow *slow = argument;

	vc_unback(slow->reservation, 0);
	atomic_store(&slow->unbacked, true);
	return NULL;
}

TEST(vcm_threads, unback_waits_for_accesses)
{
	struct vc_device_config config = {.name = "one", .format = &mock_format};
	struct vc_reserve_args reserve = {.bytes = 64 * K};
	struct vc_phys_args allocate = {.bytes = 64 * K};
	struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
	struct vc_reservation_info info;
	struct vc_association *link;
	struct vc_region *region;
	struct vc_system *system;
	pthread_t reader, taker;
	struct vc_phys *phys;
	struct slow slow;

	memset(&slow, 0, sizeof(slow));
	CHECK_EQ(vc_system_create(NULL, &system), 0);
	CHECK_EQ(vc_region_create(system, 0, 64 * M, &region), 0);
	CHECK_EQ(vc_device_create(system, &config, &slow.device), 0);
	CHECK_EQ(vc_associate(region, slow.device, 0, &link), 0);
	CHECK_EQ(vc_activate(link), 0);
	CHECK_EQ(vc_reserve(region, &reserve, &slow.reservation), 0);
	CHECK_EQ(vc_phys_alloc(system, &allocate, &phys), 0);
	CHECK_EQ(vc_back(slow.reservation, phys, 0), 0);
	CHECK_EQ(vc_reservation_info(slow.reservation, &info), 0);
	slow.address = info.address;
	CHECK_EQ(pthread_create(&reader, NULL, read_slowly, &slow), 0);
	while (!atomic_load(&slow.walking))
		sched_yield();
	CHECK_EQ(pthread_create(&taker, NULL, take_away, &slow), 0);
	nanosleep(&moment, NULL);
	CHECK(!atomic_load(&slow.unbacked));
	atomic_store(&slow.go_on, true);
	CHECK_EQ(pthread_join(taker, NULL), 0);
	CHECK_EQ(pthread_join(reader, NULL), 0);
	CHECK(atomic_load(&slow.over));
	mock_while_walking(NULL, NULL);
	CHECK_EQ(vc_unreserve(slow.reservation), 0);
	CHECK_EQ(vc_phys_free(phys), 0);
	CHECK_EQ(vc_deactivate(link), 0);
	CHECK_EQ(vc_dissociate(link), 0);
	CHECK_EQ(vc_region_free(region), 0);
	CHECK_EQ(vc_system_destroy(system), 0);
}

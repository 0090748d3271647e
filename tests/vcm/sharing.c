/* SPDX-License-Identifier: MIT */
/*
 * Who shares memory, and when its mappings are raised to shareable: by each way in which a second observer can join;
 * all of them or none; in a chain; with threads that join and leave.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "test.h"
#include "vc.h"
#include "x86_64.h"

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

static const struct pt_format *const formats[] = {&armv7_short_format, &arm64_s1_format, &x86_64_format};

static size_t n_formats(void)
{
	return sizeof(formats) / sizeof(formats[0]);
}

static const char *format_name(size_t i)
{
	return formats[i]->name;
}

/* A region with one device that is active. */
struct party {
	struct vc_device *device;
	struct vc_region *region;
	struct vc_association *link;
};

static struct vc_device *make_device(struct vc_system *system, const char *name, const struct pt_format *format)
{
	const struct vc_device_config config = {
		.name = name, .kind = VC_DEVICE_TRANSLATED, .format = format, .allow_wider = true};
	struct vc_device *device;

	CHECK_EQ(vc_device_create(system, &config, &device), 0);
	return device;
}

static struct party join(struct vc_system *system, const char *name, const struct pt_format *format)
{
	struct party party = {.device = make_device(system, name, format)};

	CHECK_EQ(vc_region_create(system, 0, 64 * M, &party.region), 0);
	CHECK_EQ(vc_associate(party.region, party.device, 0, &party.link), 0);
	CHECK_EQ(vc_activate(party.link), 0);
	return party;
}

static struct vc_reservation *reserve(struct vc_region *region, uint64_t bytes, bool unshared)
{
	const struct vc_reserve_args args = {.bytes = bytes, .cache = VC_WRITE_BACK_ALLOCATE, .unshared = unshared};
	struct vc_reservation *reservation;

	CHECK_EQ(vc_reserve(region, &args, &reservation), 0);
	return reservation;
}

static struct vc_phys *allocate(struct vc_system *system, uint64_t bytes)
{
	const struct vc_phys_args args = {.bytes = bytes};
	struct vc_phys *phys;

	CHECK_EQ(vc_phys_alloc(system, &args, &phys), 0);
	return phys;
}

/* What the list says and what the table of the device says are the same, and this. */
static void expect(const struct party *party, struct vc_reservation *reservation, bool shareable)
{
	bool can = party->device && party->region;
	struct vc_reservation_info info;
	struct vc_device_info device;
	struct vc_fault record;
	uint64_t findings, pa;

	CHECK_EQ(vc_reservation_info(reservation, &info), 0);
	CHECK_EQ(info.shareable, shareable);
	if (!can)
		return;
	CHECK_EQ(vc_device_info(party->device, &device), 0);
	CHECK_EQ(vc_device_translate(party->device, info.address, PT_ACCESS_READ | PT_ACCESS_PRIV, &pa, &record), 0);
	/* x86 knows no difference: all memory that it caches is shareable. */
	CHECK_EQ(record.walk.leaf.memory,
		 shareable || device.format == &x86_64_format ? PT_MEMORY_CACHED : PT_MEMORY_NONSHAREABLE);
	CHECK_EQ(vc_check(party->region, NULL, NULL, &findings), 0);
	CHECK_EQ(findings, 0);
}

static void leave(struct party *party)
{
	if (party->link)
		CHECK_EQ(vc_dissociate_crashed(party->link), 0);
	CHECK_EQ(vc_region_free(party->region), 0);
}

static void drop(struct vc_reservation *reservation)
{
	struct vc_reservation_info info;

	CHECK_EQ(vc_reservation_info(reservation, &info), 0);
	if (info.phys)
		CHECK_EQ(vc_unback(reservation, 0), 0);
	CHECK_EQ(vc_unreserve(reservation), 0);
}

TEST_EACH(vcm_sharing, a_window_of_the_cpu_joins, n_formats, format_name)
{
	struct vc_reservation *a, *b;
	struct vc_system *system;
	struct vc_region *cpu;
	struct vc_phys *phys;
	struct party first;

	CHECK_EQ(vc_system_create(NULL, &system), 0);
	first = join(system, "first", formats[each]);
	phys = allocate(system, 2 * M + 68 * K);
	a = reserve(first.region, 2 * M + 68 * K, true);
	CHECK_EQ(vc_back(a, phys, 0), 0);
	expect(&first, a, false);
	CHECK_EQ(vc_region_create_cpu(system, 4 * M, &cpu), 0);
	b = reserve(cpu, 2 * M + 68 * K, true);
	CHECK_EQ(vc_back(b, phys, 0), 0);
	expect(&first, a, true);
	drop(a);
	drop(b);
	CHECK_EQ(vc_region_free(cpu), 0);
	leave(&first);
	CHECK_EQ(vc_phys_free(phys) | vc_system_destroy(system), 0);
}

/* Another device in the region, of the same table or of its own; one that is deactivated still has it. */
TEST_EACH(vcm_sharing, a_device_joins_the_region, n_formats, format_name)
{
	for (int same = 0; same < 2; same++) {
		const struct pt_format *other = formats[(each + (size_t)!same) % n_formats()];
		struct vc_reservation *a, *alias;
		struct vc_association *link;
		struct vc_system *system;
		struct vc_device *second;
		struct vc_phys *phys;
		struct party first;

		CHECK_EQ(vc_system_create(NULL, &system), 0);
		first = join(system, "first", formats[each]);
		second = make_device(system, "second", other);
		phys = allocate(system, 128 * K);
		a = reserve(first.region, 128 * K, true);
		alias = reserve(first.region, 128 * K, true);
		CHECK_EQ(vc_back(a, phys, 0) | vc_back(alias, phys, 0), 0);
		/* Two mappings of one observer. */
		expect(&first, a, false);
		expect(&first, alias, false);
		CHECK_EQ(vc_deactivate(first.link) | vc_activate(first.link), 0);
		expect(&first, a, false);
		CHECK_EQ(vc_associate(first.region, second, 0, &link), 0);
		expect(&first, a, false);
		CHECK_EQ(vc_activate(link), 0);
		expect(&first, a, true);
		expect(&first, alias, true);
		CHECK_EQ(vc_deactivate(link) | vc_dissociate(link), 0);
		expect(&first, alias, true);
		drop(a);
		drop(alias);
		/* Alone again, and mapped anew. */
		a = reserve(first.region, 128 * K, true);
		CHECK_EQ(vc_back(a, phys, 0), 0);
		expect(&first, a, false);
		drop(a);
		leave(&first);
		CHECK_EQ(vc_phys_free(phys) | vc_system_destroy(system), 0);
	}
}

/* A mapping that did not ask; memory of which a part is wrapped; other memory behind a reservation; a chain of parts.
 */
TEST_EACH(vcm_sharing, other_ways_to_join, n_formats, format_name)
{
	struct vc_reservation *a, *b, *c;
	struct vc_phys *phys, *other, *part;
	struct party first, second;
	struct vc_system *system;
	struct vc_span block;

	CHECK_EQ(vc_system_create(NULL, &system), 0);
	first = join(system, "first", formats[each]);
	second = join(system, "second", formats[(each + 1) % 2]);
	phys = allocate(system, 128 * K);
	other = allocate(system, 128 * K);
	CHECK_EQ(vc_phys_block(phys, 1, &block), 0);
	CHECK_EQ(vc_phys_wrap(system, block.pa, 4 * K, &part), 0);

	a = reserve(first.region, 128 * K, true);
	b = reserve(first.region, 128 * K, false);
	CHECK_EQ(vc_back(a, phys, 0), 0);
	expect(&first, a, false);
	CHECK_EQ(vc_back(b, phys, 0), 0);
	expect(&first, a, true);
	expect(&first, b, true);
	CHECK_EQ(vc_unback(a, 0) | vc_unback(b, 0), 0);
	drop(b);

	/* a and b have the same memory, c a page of it in another region: all three */
	b = reserve(first.region, 128 * K, true);
	c = reserve(second.region, 4 * K, true);
	CHECK_EQ(vc_back(a, phys, 0) | vc_back(b, phys, 0), 0);
	expect(&first, b, false);
	CHECK_EQ(vc_back(c, part, 0), 0);
	expect(&first, a, true);
	expect(&first, b, true);
	expect(&second, c, true);
	CHECK_EQ(vc_unback(a, 0) | vc_unback(b, 0) | vc_unback(c, 0), 0);
	drop(b);
	drop(c);

	b = reserve(second.region, 128 * K, true);
	CHECK_EQ(vc_back(a, phys, 0) | vc_back(b, other, 0), 0);
	expect(&first, a, false);
	expect(&second, b, false);
	CHECK_EQ(vc_reback(b, phys, 0), 0);
	expect(&first, a, true);
	expect(&second, b, true);
	/* Its own memory again is not shared. */
	CHECK_EQ(vc_reback(b, other, 0), 0);
	expect(&second, b, false);
	/* What moves keeps what it is. */
	CHECK_EQ(vc_migrate(other, &(struct vc_phys_args){.type = 0}), 0);
	expect(&second, b, false);
	drop(a);
	drop(b);
	leave(&first);
	leave(&second);
	CHECK_EQ(vc_phys_free(part) | vc_phys_free(phys) | vc_phys_free(other), 0);
	CHECK_EQ(vc_system_destroy(system), 0);
}

static bool count_down(void *ctx, const char *what)
{
	unsigned int *left = ctx;

	(void)what;
	return (*left)-- != 0;
}

/* Every allocation fails in turn: until the joiner is there nothing has changed, in the other region neither. */
TEST_EACH(vcm_sharing, all_are_raised_or_none, n_formats, format_name)
{
	for (int activates = 0; activates < 2; activates++) {
		struct vc_reservation *a, *b;
		struct party first, second;
		struct vc_system *system;
		unsigned int failures = 0;
		struct vc_phys *phys;
		int error = 1;

		CHECK_EQ(vc_system_create(NULL, &system), 0);
		first = join(system, "first", formats[each]);
		second = join(system, "second", formats[(each + 1) % n_formats()]);
		phys = allocate(system, 128 * K);
		a = reserve(first.region, 128 * K, true);
		b = reserve(second.region, 128 * K, true);
		if (activates) {
			CHECK_EQ(vc_deactivate(second.link) | vc_dissociate(second.link), 0);
			CHECK_EQ(vc_associate(second.region, second.device, 0, &second.link), 0);
			CHECK_EQ(vc_back(b, phys, 0), 0);
		}
		CHECK_EQ(vc_back(a, phys, 0), 0);
		while (error) {
			unsigned int left = failures;

			expect(&first, a, false);
			vc_set_allocation_hook(count_down, &left);
			error = activates ? vc_activate(second.link) : vc_back(b, phys, 0);
			vc_set_allocation_hook(NULL, NULL);
			if (error)
				CHECK_EQ(error, -ENOMEM);
			failures++;
		}
		CHECK_MSG(failures > 2, "%u allocations", failures);
		expect(&first, a, true);
		expect(&second, b, true);
		drop(a);
		drop(b);
		leave(&first);
		leave(&second);
		CHECK_EQ(vc_phys_free(phys) | vc_system_destroy(system), 0);
	}
}

/* ---------------------------------------------------------------------------------------------------------- threads */

enum { N_PARTIES = 3, ROUNDS = 40 };

struct race {
	struct vc_system *system;
	struct vc_phys *phys;
	struct party party[N_PARTIES];
	struct vc_reservation *reservation[N_PARTIES];
	_Atomic unsigned int problems;
	_Atomic unsigned int next;
};

static void *come_and_go(void *argument)
{
	struct race *race = argument;
	unsigned int me = atomic_fetch_add(&race->next, 1);
	struct vc_reservation *mine = race->reservation[me];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t word = round, seen = UINT32_MAX;
		struct vc_reservation_info info;

		atomic_fetch_add(&race->problems, vc_back(mine, race->phys, 0) != 0);
		atomic_fetch_add(&race->problems, vc_reservation_info(mine, &info) != 0);
		atomic_fetch_add(&race->problems, vc_device_write(race->party[me].device, info.address + 4096 * me,
								  &word, 4, 0, NULL) != 0);
		atomic_fetch_add(&race->problems, vc_device_read(race->party[me].device, info.address + 4096 * me,
								 &seen, 4, 0, NULL) != 0);
		atomic_fetch_add(&race->problems, seen != word);
		if (round % 8 == me) {
			atomic_fetch_add(&race->problems, vc_dissociate_crashed(race->party[me].link) != 0);
			atomic_fetch_add(&race->problems, vc_associate(race->party[me].region, race->party[me].device,
								       0, &race->party[me].link) != 0);
			atomic_fetch_add(&race->problems, vc_activate(race->party[me].link) != 0);
		}
		atomic_fetch_add(&race->problems, vc_unback(mine, 0) != 0);
	}
	return NULL;
}

static void *make_regions(void *argument)
{
	struct race *race = argument;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct vc_reservation *reservation = NULL;
		struct vc_region *region;
		const struct vc_reserve_args args = {
			.bytes = 64 * K, .cache = VC_WRITE_BACK_ALLOCATE, .unshared = round % 2};

		atomic_fetch_add(&race->problems, vc_region_create(race->system, 0, M, &region) != 0);
		atomic_fetch_add(&race->problems, vc_reserve(region, &args, &reservation) != 0);
		atomic_fetch_add(&race->problems, vc_back(reservation, race->phys, 0) != 0);
		atomic_fetch_add(&race->problems, vc_unback(reservation, 0) != 0);
		atomic_fetch_add(&race->problems, vc_unreserve(reservation) != 0);
		atomic_fetch_add(&race->problems, vc_region_free(region) != 0);
	}
	return NULL;
}

TEST(vcm_sharing, observers_race)
{
	struct race race = {.next = 0};
	pthread_t thread[N_PARTIES + 1];

	CHECK_EQ(vc_system_create(NULL, &race.system), 0);
	race.phys = allocate(race.system, 64 * K);
	for (int i = 0; i < N_PARTIES; i++) {
		char name[24];

		snprintf(name, sizeof(name), "device%d", i);
		race.party[i] = join(race.system, name, formats[i]);
		race.reservation[i] = reserve(race.party[i].region, 64 * K, true);
	}
	for (int i = 0; i < N_PARTIES; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, come_and_go, &race), 0);
	CHECK_EQ(pthread_create(&thread[N_PARTIES], NULL, make_regions, &race), 0);
	for (int i = 0; i <= N_PARTIES; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(race.problems, 0);
	/* Nobody is counted who has left: one alone is alone. */
	CHECK_EQ(vc_back(race.reservation[0], race.phys, 0), 0);
	expect(&race.party[0], race.reservation[0], false);
	for (int i = 0; i < N_PARTIES; i++) {
		drop(race.reservation[i]);
		leave(&race.party[i]);
	}
	CHECK_EQ(vc_phys_free(race.phys) | vc_system_destroy(race.system), 0);
}

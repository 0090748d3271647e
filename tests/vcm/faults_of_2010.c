/* SPDX-License-Identifier: MIT */
/*
 * What was wrong in the implementations of 2010, in nineteen groups, one test each: none of it may come back. Two
 * devices whose page tables have different formats take part wherever devices do.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "vcm_alloc.h"
#include "x86_64.h"

static struct device *device[2];
static struct vcm *vcm;
static struct avcm *avcm[2];

static void join_two(void)
{
	device[0] = scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
}

static void begin(void)
{
	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0, 64 * M);
	join_two();
}

static void end(void)
{
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

static struct physmem *allocate(size_t bytes, uint32_t attr)
{
	struct physmem *memory = vcm_phys_alloc(VCM_MEMTYPE_0, bytes, attr);

	CHECK_MSG(memory, "%s", vc_error_string());
	return memory;
}

static struct res *reserve(size_t bytes, uint32_t attr)
{
	struct res *res = vcm_reserve(vcm, bytes, attr);

	CHECK_MSG(res, "%s", vc_error_string());
	return res;
}

static void back(struct res *res, struct physmem *memory)
{
	CHECK_MSG(!vcm_back(res, memory), "%s", vc_error_string());
	scene_check(vcm);
}

/* Both devices see it, and what one writes the other reads. */
static void works(vcm_addr_t address, uint32_t value)
{
	CHECK_MSG(scene_write(device[0], address, value), "%s", vc_error_string());
	CHECK_EQ(scene_read(device[1], address), value);
}

static void faults(vcm_addr_t address)
{
	CHECK_EQ(scene_read(device[0], address), SCENE_FAULT);
	CHECK_EQ(scene_read(device[1], address), SCENE_FAULT);
}

static void drop(struct res *res, struct physmem *memory)
{
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_phys_free(memory), 0);
}

/* ---------------------------------------------------------------------------------------------------------------- 1 */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool set, waits, go;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The allocation of a table by that thread takes its time. */
static bool wait_in_allocation(void *ctx, const char *what)
{
	(void)ctx;
	if (strcmp(what, "table") != 0)
		return true;
	pthread_mutex_lock(&gate.lock);
	if (gate.set && pthread_equal(gate.thread, pthread_self())) {
		gate.waits = true;
		pthread_cond_broadcast(&gate.changed);
		while (!gate.go)
			pthread_cond_wait(&gate.changed, &gate.lock);
	}
	pthread_mutex_unlock(&gate.lock);
	return true;
}

static struct physmem *slow_memory;

static void *back_slowly(void *res)
{
	pthread_mutex_lock(&gate.lock);
	gate.thread = pthread_self();
	gate.set = true;
	pthread_mutex_unlock(&gate.lock);
	return (void *)(intptr_t)vcm_back(res, slow_memory);
}

/* One global lock, held around allocation and table walks. */
TEST(vcm_faults_of_2010, g01_one_lock_for_everything)
{
	struct res *slow, *quick;
	struct physmem *memory;
	struct vcm *other;
	struct avcm *link;
	struct device *third;
	pthread_t thread;
	void *result;

	begin();
	third = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	other = vcm_create(0, 64 * M);
	link = scene_join(other, third);
	slow = vcm_reserve_fixed(vcm, 32 * M, 4 * K, 0);
	slow_memory = allocate(4 * K, 0);
	vc_set_allocation_hook(wait_in_allocation, NULL);
	CHECK_EQ(pthread_create(&thread, NULL, back_slowly, slow), 0);
	pthread_mutex_lock(&gate.lock);
	while (!gate.waits)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	/* meanwhile all this goes on: the same region, another one, pools, accesses */
	memory = allocate(64 * K, 0);
	quick = vcm_reserve(other, 64 * K, 0);
	CHECK_EQ(vcm_back(quick, memory), 0);
	CHECK(scene_write(third, vcm_get_dev_addr(quick), 5));
	CHECK_EQ(vcm_unback(quick) | vcm_unreserve(quick), 0);
	CHECK_EQ(vcm_phys_free(memory), 0);
	CHECK_EQ(scene_read(device[0], 32 * M), SCENE_FAULT);
	pthread_mutex_lock(&gate.lock);
	gate.go = true;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	pthread_join(thread, &result);
	vc_set_allocation_hook(NULL, NULL);
	CHECK_EQ((intptr_t)result, 0);
	works(32 * M, 1);
	drop(slow, slow_memory);
	scene_leave(link);
	CHECK_EQ(vcm_free(other), 0);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 2 */

/* int for lengths and addresses: nothing above 2 GiB. */
TEST(vcm_faults_of_2010, g02_beyond_two_gigabytes)
{
	static const struct vc_span ram[] = {{0x80000000, 32 * M}, {UINT64_C(0x180000000), 32 * M}};
	static const struct vc_pool_config pools[] = {{"high", UINT64_C(0x180000000), 16 * M, 0}};
	static const struct vc_type_config types[] = {
		{.pools = {0}, .n_pools = 1, .contiguous = {0}, .n_contiguous = 1}};
	const struct vc_system_config config = {.ram = ram,
						.n_ram = 2,
						.pools = pools,
						.n_pools = 1,
						.types = types,
						.n_types = 1,
						.tables = {0x80000000, 16 * M}};
	struct physmem *memory, *registers;
	struct res *res, *window;
	vcm_paddr_t pa;
	size_t length;

	CHECK_EQ(vcm_sys_init_config(&config), 0);
	vcm = vcm_create(UINT64_C(0x300000000), UINT64_C(0x200000000));
	device[0] = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	memory = allocate(4 * M, 0);
	pa = vcm_get_next_phys_addr(memory, 0, &length);
	CHECK(pa >= UINT64_C(0x180000000));
	res = reserve(4 * M, 0);
	CHECK_EQ(vcm_get_dev_addr(res), UINT64_C(0x300000000));
	back(res, memory);
	works(vcm_get_dev_addr(res) + 4 * M - 4, 7);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device[0], vcm_get_dev_addr(res) + 12), pa + 12);
	CHECK_EQ(vcm_translate(vcm_get_dev_addr(res) + 5, vcm, vcm), vcm_get_dev_addr(res) + 5);
	/* three gigabytes of it, in one piece */
	registers = vcm_map_phys_addr(UINT64_C(0x240000000), (size_t)3 << 30);
	window = reserve((size_t)3 << 30, 0);
	back(window, registers);
	CHECK_EQ(vcm_get_res_len(window), (size_t)3 << 30);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(vcm_dev_addr_to_phys_addr(device[i], vcm_get_dev_addr(window) + UINT64_C(0xa0000123)),
			 UINT64_C(0x240000000) + UINT64_C(0xa0000123));
	drop(window, registers);
	drop(res, memory);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 3 */

static unsigned int countdown;

static bool count_down(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	return countdown == 0 || --countdown > 0;
}

/* A map that failed half-way stayed, and could never be taken away. */
TEST(vcm_faults_of_2010, g03_half_a_mapping)
{
	struct physmem *memory, *first;
	struct res *res, *neighbour;
	unsigned int failures = 0;
	int error = -1;

	begin();
	first = allocate(4 * K, VCM_4KB);
	neighbour = vcm_reserve_fixed(vcm, 3 * M, 4 * K, 0);
	back(neighbour, first);
	memory = allocate(M + 64 * K, 0);
	res = vcm_reserve_fixed(vcm, M + 4 * K, M + 64 * K, VCM_ALIGN_4K);
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vcm_back(res, memory);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		if (!error)
			break;
		failures++;
		CHECK(!vcm_get_physmem_from_res(res));
		scene_check(vcm);
		faults(vcm_get_dev_addr(res));
		works(3 * M, failures); /* what was there is there */
		CHECK_EQ(vcm_get_phys_num_res(vcm_get_next_phys_addr(memory, 0, &(size_t){0})), 0);
	}
	CHECK(failures > 2);
	works(vcm_get_dev_addr(res) + M, 4);
	drop(res, memory);
	drop(neighbour, first);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 4 */

/* What is in use was freed, and vcm_free() said -EINVAL for busy. */
TEST(vcm_faults_of_2010, g04_busy_is_said)
{
	struct physmem *memory;
	struct bound *bound;
	struct res *res;

	begin();
	memory = allocate(64 * K, 0);
	res = reserve(64 * K, 0);
	back(res, memory);
	CHECK_EQ(vcm_unreserve(res), -EBUSY);
	CHECK_EQ(vcm_phys_free(memory), -EBUSY);
	CHECK_EQ(vcm_free(vcm), -EBUSY);
	CHECK_EQ(vcm_deassoc(avcm[0]), -EBUSY);
	CHECK_EQ(vcm_set_assoc_attr(avcm[0], 0), -EBUSY);
	CHECK_EQ(vcm_activate(avcm[0]), -EBUSY);
	works(vcm_get_dev_addr(res), 9); /* and nothing came of it */
	CHECK_EQ(vcm_sys_destroy(), -1);
	drop(res, memory);
	CHECK_EQ(vcm_free(vcm), -EBUSY); /* associations, bounds */
	bound = vcm_create_bound(vcm, M);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), -EBUSY);
	CHECK_EQ(vcm_free_bound(bound), 0);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 5 */

/* Errors got lost between layers that had different ones; a bad cache policy went unnoticed. */
TEST(vcm_faults_of_2010, g05_errors_arrive)
{
	struct physmem *memory;
	struct res *res;

	begin();
	for (uint32_t policy = 4; policy < 16; policy++)
		CHECK(!vcm_reserve(vcm, 64 * K, policy));
	CHECK(!vcm_reserve(vcm, 64 * K, UINT32_C(1) << 31));
	CHECK(!vcm_reserve(vcm, 64 * K, VCM_SECURE));
	res = reserve(64 * K, VCM_WB_WA);
	memory = allocate(64 * K, 0);
	back(res, memory);
	for (uint32_t policy = 4; policy < 16; policy++)
		CHECK_EQ(vcm_set_res_attr(res, policy), -EINVAL);
	CHECK_EQ(vcm_get_res_attr(res), VCM_WB_WA);
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, UINT32_C(1) << 31));
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_3, 64 * K, 0));
	CHECK_EQ(vc_last_error()->code, -EINVAL);
	drop(res, memory);
	CHECK_EQ(vcm_unback(res), -EINVAL);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 6 */

/* Alignment by allocating more: a region could never be taken whole, an aligned address was skipped, 0 was an error. */
TEST(vcm_faults_of_2010, g06_alignment_wastes_nothing)
{
	struct res *res[64], *all;

	begin();
	all = reserve(64 * M, VCM_ALIGN_16M);
	CHECK_EQ(vcm_get_dev_addr(all), 0);
	CHECK_EQ(vcm_unreserve(all), 0);
	for (unsigned int i = 0; i < 64; i++) {
		res[i] = reserve(M, VCM_ALIGN_1M);
		CHECK_EQ(vcm_get_dev_addr(res[i]), i * M);
	}
	CHECK(!vcm_reserve(vcm, 4 * K, 0));
	for (unsigned int i = 0; i < 64; i++)
		CHECK_EQ(vcm_unreserve(res[i]), 0);
	end();
}

/* ---------------------------------------------------------------------------------------------------------------- 7 */

/* One-to-one: device address 0, start 0, length 0, and memory in pieces was taken. */
TEST(vcm_faults_of_2010, g07_one_to_one)
{
	struct device *direct, *translated;
	struct vcm *identity;
	struct physmem *memory, *pieces;
	struct vc_phys *halves;
	struct res *res;
	vcm_paddr_t base, pa;
	struct avcm *link[2];

	CHECK_EQ(vcm_sys_init(), 0);
	base = vcm_get_cont_memtype_pa(VCM_MEMTYPE_0);
	identity = vcm_create(base, vcm_get_cont_memtype_len(VCM_MEMTYPE_0));
	CHECK_EQ(vcm_get_start_addr(identity), base);
	CHECK_EQ(vcm_get_len(identity), 8 * M);
	direct = scene_device("dma", NULL, VC_DEVICE_DIRECT);
	translated = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	link[0] = scene_join(identity, direct);
	link[1] = scene_join(identity, translated);
	memory = allocate(128 * K, VCM_PHYS_CONT);
	pa = vcm_get_next_phys_addr(memory, 0, &(size_t){0});
	res = vcm_reserve(identity, 128 * K, 0);
	CHECK_EQ(vc_phys_import(vcm_system(), (struct vc_span[]){{pa + 64 * K, 64 * K}, {pa, 64 * K}}, 2, &halves), 0);
	pieces = (struct physmem *)halves;
	CHECK_EQ(vcm_back(res, pieces), -EINVAL);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK_EQ(vcm_get_dev_addr(res), pa);
	CHECK(scene_write(direct, pa + 8, 3));
	CHECK_EQ(scene_read(translated, pa + 8), 3);
	drop(res, memory);
	CHECK_EQ(vcm_phys_free(pieces), 0);
	scene_leave(link[0]);
	scene_leave(link[1]);
	CHECK_EQ(vcm_free(identity), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* ---------------------------------------------------------------------------------------------------------------- 8 */

/* The contiguous pool refused its last byte, marked one page of a block, and mapped too much of a last one. */
TEST(vcm_faults_of_2010, g08_the_contiguous_pool)
{
	struct physmem *whole, *part[3];
	struct vc_phys_info info;

	CHECK_EQ(vcm_sys_init(), 0);
	whole = allocate(8 * M, VCM_PHYS_CONT);
	CHECK_EQ(vcm_get_next_phys_addr(whole, 0, &(size_t){0}), vcm_get_cont_memtype_pa(VCM_MEMTYPE_0));
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, VCM_PHYS_CONT));
	CHECK_EQ(vcm_phys_free(whole), 0);
	part[0] = allocate(5000, VCM_PHYS_CONT); /* a partial page is one page */
	CHECK_EQ(vc_phys_info(vcm_phys(part[0]), &info), 0);
	CHECK_EQ(info.requested, 5000);
	CHECK_EQ(info.bytes, 8 * K);
	part[1] = allocate(4 * M, VCM_PHYS_CONT);	  /* disjoint, in every page */
	part[2] = allocate(4 * M - 8 * K, VCM_PHYS_CONT); /* ends exactly at the end */
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < i; k++) {
			struct vc_span a, b;

			CHECK_EQ(vc_phys_block(vcm_phys(part[i]), 0, &a) | vc_phys_block(vcm_phys(part[k]), 0, &b), 0);
			CHECK(a.pa + a.bytes <= b.pa || b.pa + b.bytes <= a.pa);
		}
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 1, VCM_PHYS_CONT)); /* a failure leaves nothing behind */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vcm_phys_free(part[i]), 0);
	whole = allocate(8 * M, VCM_PHYS_CONT);
	CHECK_EQ(vcm_phys_free(whole), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* ---------------------------------------------------------------------------------------------------------------- 9 */

/* A length that is no multiple of a page mapped beyond the end of the reservation. */
TEST(vcm_faults_of_2010, g09_crooked_lengths)
{
	struct physmem *memory, *other;
	struct res *res, *next;

	begin();
	memory = allocate(64 * K + 5000, 0); /* 64 KiB and two pages */
	other = allocate(4 * K, 0);
	res = reserve(64 * K + 5000, VCM_ALIGN_64K);
	next = vcm_reserve_fixed(vcm, vcm_get_dev_addr(res) + 72 * K, 4 * K, 0);
	CHECK(next);
	CHECK_EQ(vcm_get_res_len(res), 72 * K);
	back(res, memory);
	works(vcm_get_dev_addr(res) + 72 * K - 4, 1);
	faults(vcm_get_dev_addr(res) + 72 * K);
	back(next, other); /* nothing is in the way */
	works(vcm_get_dev_addr(next), 2);
	CHECK_EQ(vcm_unback(res), 0);
	works(vcm_get_dev_addr(next), 3);
	CHECK_EQ(vcm_unreserve(res) | vcm_phys_free(memory), 0);
	drop(next, other);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 10 */

static unsigned int leaves_of(unsigned int table, unsigned int lg2)
{
	struct vc_table_info info;

	CHECK_EQ(vc_region_table(vcm_region(vcm), table, &info), 0);
	return (unsigned int)info.leaves[lg2];
}

/* An alignment below the block size failed, or made the whole block small pages. */
TEST(vcm_faults_of_2010, g10_less_aligned_than_the_blocks)
{
	struct physmem *memory;
	struct res *res;

	begin();
	memory = allocate(4 * M, VCM_1MB);
	res = vcm_reserve_fixed(vcm, M + 64 * K, 4 * M, VCM_ALIGN_64K);
	back(res, memory);
	works(M + 64 * K, 1);
	works(5 * M + 64 * K - 4, 2);
	CHECK_EQ(leaves_of(0, 16), 64); /* 64 KiB is what both alignments give */
	drop(res, memory);
	memory = allocate(4 * M, VCM_1MB);
	res = vcm_reserve_fixed(vcm, M, 4 * M, 0);
	back(res, memory);
	CHECK_EQ(leaves_of(0, 20), 4); /* and here the whole block */
	drop(res, memory);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 11 */

/* Only virtual alignment was looked at: a large leaf over physical memory that is not aligned for it. */
TEST(vcm_faults_of_2010, g11_physical_alignment)
{
	struct physmem *memory;
	struct vc_phys *crooked;
	vcm_paddr_t pa;
	struct res *res;

	begin();
	memory = allocate(4 * M, VCM_PHYS_CONT);
	pa = vcm_get_next_phys_addr(memory, 0, &(size_t){0});
	CHECK_EQ(vc_phys_wrap(vcm_system(), pa + 4 * K, 2 * M, &crooked), 0);
	res = vcm_reserve_fixed(vcm, 16 * M, 2 * M, 0);
	back(res, (struct physmem *)crooked);
	for (size_t at = 0; at < 2 * M; at += 64 * K) {
		works(16 * M + at, (uint32_t)at);
		CHECK_EQ(vcm_dev_addr_to_phys_addr(device[0], 16 * M + at), pa + 4 * K + at);
		CHECK_EQ(vcm_dev_addr_to_phys_addr(device[1], 16 * M + at), pa + 4 * K + at);
	}
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vc_phys_free(crooked) | vcm_phys_free(memory), 0);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 12 */

/* A reservation of the CPU was dead after its first unback. */
TEST(vcm_faults_of_2010, g12_the_cpu_again)
{
	struct device *host;
	struct physmem *memory[2];
	struct vcm *window;
	struct avcm *link;
	struct res *res, *seen;
	uint32_t *pointer;

	begin();
	host = scene_device("cpu", NULL, VC_DEVICE_CPU);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	link = scene_join(window, host);
	res = vcm_reserve(window, M, VCM_WB_WA);
	seen = reserve(M, VCM_WB_WA);
	pointer = (uint32_t *)(uintptr_t)vcm_get_dev_addr(res);
	for (int i = 0; i < 2; i++)
		memory[i] = allocate(M, VCM_1MB);
	for (uint32_t i = 0; i < 8; i++) {
		CHECK_EQ(vcm_back(res, memory[i & 1]), 0);
		back(seen, memory[i & 1]);
		CHECK_EQ(vcm_get_dev_addr(res), (uintptr_t)pointer);
		pointer[77] = i;
		CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(seen) + 77 * 4), i);
		works(vcm_get_dev_addr(seen) + 80 * 4, i);
		CHECK_EQ(pointer[80], i);
		CHECK_EQ(vcm_unback(res) | vcm_unback(seen), 0);
	}
	CHECK_EQ(vcm_unreserve(res) | vcm_unreserve(seen), 0);
	CHECK_EQ(vcm_phys_free(memory[0]) | vcm_phys_free(memory[1]), 0);
	scene_leave(link);
	CHECK_EQ(vcm_free(window), 0);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 13 */

/* Nobody invalidated: stale translations; or everything was flushed for each page. */
TEST(vcm_faults_of_2010, g13_invalidation)
{
	struct vc_iotlb_info before, after;
	struct physmem *memory, *other;
	struct res *res, *rest;

	begin();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(vc_device_iotlb(vcm_device(device[i]), 64, 64), 0);
	memory = allocate(64 * K, VCM_4KB);
	other = allocate(64 * K, VCM_4KB);
	res = reserve(64 * K, 0);
	rest = reserve(64 * K, 0);
	back(res, memory);
	back(rest, other);
	for (size_t at = 0; at < 64 * K; at += 4 * K) {
		works(vcm_get_dev_addr(res) + at, 1);
		works(vcm_get_dev_addr(rest) + at, 2);
		CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(rest) + at), 2);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device[i]), &before), 0);
		if (i)
			CHECK_EQ(vcm_unback(res), 0);
		else
			CHECK_EQ(vcm_set_res_attr(res, VCM_READ), 0);
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device[i]), &after), 0);
		CHECK(after.invalidations - before.invalidations <= 2); /* one a change, not one a page */
		CHECK(!scene_write(device[i], vcm_get_dev_addr(res), 3));
		/* the neighbour is still in the cache */
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device[i]), &before), 0);
		CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(rest) + 60 * K), 2);
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device[i]), &after), 0);
		CHECK_EQ(after.hits, before.hits + 1);
	}
	faults(vcm_get_dev_addr(res));
	CHECK_EQ(vcm_unreserve(res) | vcm_phys_free(memory), 0);
	drop(rest, other);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 14 */

/* A block was taken for a table, conflicts were not seen, empty tables were looked for entry by entry. */
TEST(vcm_faults_of_2010, g14_over_what_is_there)
{
	struct physmem *large, *small;
	uint64_t tables[2];
	struct res *res, *page;

	begin();
	large = allocate(M, VCM_1MB);
	small = allocate(4 * K, VCM_4KB);
	CHECK_EQ(vc_system_table_bytes(vcm_system(), &tables[0]), 0);
	res = vcm_reserve_fixed(vcm, 16 * M, M, 0);
	back(res, large);
	CHECK(!vcm_reserve_fixed(vcm, 16 * M + 512 * K, 4 * K, 0)); /* it is taken */
	CHECK_EQ(vc_last_error()->code, -EADDRINUSE);
	works(16 * M + 512 * K, 5);
	CHECK_EQ(vcm_back(res, small), -EINVAL);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
	/* pages where the block was, and a block where the pages were */
	for (int i = 0; i < 3; i++) {
		page = vcm_reserve_fixed(vcm, 16 * M + 512 * K, 4 * K, 0);
		back(page, small);
		works(16 * M + 512 * K, 6);
		faults(16 * M + 508 * K);
		CHECK_EQ(vcm_unback(page) | vcm_unreserve(page), 0);
		res = vcm_reserve_fixed(vcm, 16 * M, M, 0);
		back(res, large);
		works(16 * M + 508 * K, 7);
		CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
	}
	CHECK_EQ(vcm_phys_free(large) | vcm_phys_free(small), 0);
	/* a device that is deactivated reaches nothing */
	CHECK_EQ(vcm_deactivate(avcm[0]) | vcm_deactivate(avcm[1]), 0);
	faults(16 * M);
	faults(0x80000000);
	CHECK_EQ(vcm_activate(avcm[0]) | vcm_activate(avcm[1]), 0);
	end();
	CHECK_EQ(vcm_sys_init(), 0); /* and no table is left of all that */
	CHECK_EQ(vc_system_table_bytes(vcm_system(), &tables[1]), 0);
	CHECK_EQ(tables[1], 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* --------------------------------------------------------------------------------------------------------------- 15 */

struct hooked {
	struct res *res;
	struct physmem *memory;
	int answer;
	unsigned int calls;
};

static int on_fault(struct device *dev, void *data, void *fault_data)
{
	const struct vc_fault *fault = fault_data;
	struct hooked *it = data;

	it->calls++;
	CHECK(dev == device[0] || dev == device[1]);
	CHECK_EQ(fault->address & ~(uint64_t)0xfff, vcm_get_dev_addr(it->res));
	/* no lock is held: anything may be called */
	if (!it->answer) {
		CHECK_EQ(vcm_deactivate(avcm[dev == device[0]]), 0);
		CHECK_EQ(vcm_activate(avcm[dev == device[0]]), 0);
		CHECK_EQ(vcm_back(it->res, it->memory), 0);
	}
	return it->answer;
}

/* Three conventions for the result of a handler; called with a lock held; the default stopped the machine. */
TEST(vcm_faults_of_2010, g15_the_fault_handler)
{
	struct hooked it = {.answer = 1};

	begin();
	faults(M); /* without a handler the access ends, and that is all */
	it.res = reserve(4 * K, 0);
	it.memory = allocate(4 * K, 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_hook(device[i], on_fault, &it), 0);
		it.answer = 1;
		CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(it.res)), SCENE_FAULT);
		it.answer = -EIO;
		CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(it.res)), SCENE_FAULT);
		it.answer = 0;
		CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(it.res)), 0);
		CHECK_EQ(vcm_unback(it.res), 0);
		CHECK_EQ(vcm_hook(device[i], NULL, NULL), 0);
	}
	CHECK_EQ(it.calls, 6);
	faults(vcm_get_dev_addr(it.res));
	CHECK_EQ(it.calls, 6);
	CHECK_EQ(vcm_unreserve(it.res) | vcm_phys_free(it.memory), 0);
	end();
}

/* --------------------------------------------------------------------------------------------------------------- 16 */

/* A pair associated twice, a mapping lost on re-back, stale handles followed. */
TEST(vcm_faults_of_2010, g16_twice_and_after_the_end)
{
	struct physmem *memory, *other;
	struct res *res;
	struct avcm *old;

	begin();
	CHECK(!vcm_assoc(vcm, device[0], 0));
	CHECK_EQ(vc_last_error()->code, -EEXIST);
	memory = allocate(64 * K, 0);
	other = allocate(64 * K, 0);
	res = reserve(64 * K, 0);
	back(res, memory);
	works(vcm_get_dev_addr(res), 5);
	CHECK_EQ(vcm_back(res, memory), -EALREADY);
	CHECK_EQ(vcm_back(res, other), -EADDRINUSE);
	works(vcm_get_dev_addr(res) + 4, 6);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res)), 5);
	drop(res, memory);
	CHECK_EQ(vcm_phys_free(other), 0);
	/* all of these are gone */
	CHECK_EQ(vcm_back(res, memory), -EINVAL);
	CHECK_EQ(vcm_unback(res), -EINVAL);
	CHECK_EQ(vcm_unreserve(res), -EINVAL);
	CHECK_EQ(vcm_phys_free(memory), -EINVAL);
	CHECK_EQ(vcm_get_res_len(res), 0);
	CHECK_EQ(vcm_get_dev_addr(res), 1);
	CHECK(!vcm_get_vcm_from_res(res));
	old = avcm[0];
	scene_leave(old);
	CHECK_EQ(vcm_activate(old), -EINVAL);
	CHECK_EQ(vcm_is_active(old), -EINVAL);
	CHECK_EQ(vcm_unreserve((struct res *)vcm), -EINVAL); /* the wrong kind, and no handle at all */
	CHECK_EQ(vcm_unreserve((struct res *)(uintptr_t)0x12345678), -EINVAL);
	avcm[0] = scene_join(vcm, device[0]);
	end();
	CHECK_EQ(vcm_free(vcm), -EINVAL);
}

/* --------------------------------------------------------------------------------------------------------------- 17 */

/* The last small block could not be had; large blocks ran out beside free small ones, and the other way round. */
TEST(vcm_faults_of_2010, g17_blocks)
{
	static const struct vc_span ram[] = {{0x80000000, 32 * M}};
	static const struct vc_pool_config pools[] = {{"any", 0x80000000, 16 * M, 0}};
	static const struct vc_type_config types[] = {{.pools = {0}, .n_pools = 1}};
	const struct vc_system_config config = {.ram = ram,
						.n_ram = 1,
						.pools = pools,
						.n_pools = 1,
						.types = types,
						.n_types = 1,
						.tables = {0x81000000, 16 * M}};
	static struct physmem *page[4096];
	struct physmem *rest, *large;
	struct phys_chunk list = {0}, more = {0};

	CHECK_EQ(vcm_sys_init(), 0);
	/* all but one of the small blocks; the last one is for a remainder */
	CHECK_EQ(vcm_alloc_blocks_avail(VCM_MEMTYPE_0, IDX_4K), 2048);
	CHECK_EQ(vcm_alloc_num_blocks(2047, VCM_MEMTYPE_0, IDX_4K, &list), 2047);
	rest = vcm_phys_alloc(VCM_MEMTYPE_0, M + 100, 0);
	CHECK(rest);
	CHECK_EQ(vcm_alloc_blocks_avail(VCM_MEMTYPE_0, IDX_4K), 0);
	CHECK_EQ(vcm_alloc_num_blocks(1, VCM_MEMTYPE_0, IDX_4K, &more), 0);
	CHECK_EQ(vcm_alloc_max_munch(16 * M, VCM_MEMTYPE_0, &more), 15 + 16); /* 15 large ones are left, and 64K ones */
	CHECK_EQ(vcm_alloc_count_allocated(VCM_MEMTYPE_0), 2047 + 2 + 31);
	CHECK_EQ(vcm_alloc_free_blocks(&more) | vcm_alloc_free_blocks(&list) | vcm_phys_free(rest), 0);
	CHECK_EQ(vcm_alloc_all_blocks_avail(VCM_MEMTYPE_0), 16 + 128 + 2048);
	CHECK_EQ(vcm_sys_destroy(), 0);

	/* a pool that splits and merges: all of it small, then all of it large */
	CHECK_EQ(vcm_sys_init_config(&config), 0);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < 4096; i++)
			page[i] = allocate(4 * K, VCM_4KB);
		CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, 0));
		for (int i = 0; i < 4096; i++)
			CHECK_EQ(vcm_phys_free(page[(i * 1231) & 4095]), 0);
		large = allocate(16 * M, VCM_1MB);
		CHECK_EQ(vcm_phys_free(large), 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* --------------------------------------------------------------------------------------------------------------- 18 */

/* Headers that did not compile, and did not agree with what was behind them. (run-headers compiles each alone.) */
TEST(vcm_faults_of_2010, g18_headers_and_bodies)
{
	size_t (*hw_ver)(struct device * dev) = vcm_hw_ver;
	vcm_addr_t (*translate)(vcm_addr_t address, struct vcm * from, struct vcm * to) = vcm_translate;
	struct vc_device_config config = {.name = "versioned", .kind = VC_DEVICE_DIRECT, .hardware = 0x10203};
	struct vc_device *made;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vc_device_create(vcm_system(), &config, &made), 0);
	CHECK_EQ(hw_ver((struct device *)made), 0x10203);
	CHECK_EQ(hw_ver(NULL), 0);
	CHECK_EQ(translate(0, NULL, NULL), 1);
	CHECK_EQ(vcm_get_min_page_size(), 4096);
	/* declared in 2010, without a body */
	CHECK_EQ(vcm_is_active(NULL), -EINVAL);
	CHECK(!vcm_get_physmem_from_res(NULL));
	CHECK_EQ(vcm_get_memtype_of_physalloc(NULL), VCM_INVALID);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* --------------------------------------------------------------------------------------------------------------- 19 */

/* The platform was two magic numbers and two pools of fixed size. */
TEST(vcm_faults_of_2010, g19_the_platform)
{
	static const struct physmem_region regions[] = {{0x38000000, 16 * M, 16 * M},
							{0x39000000, 8 * M, M},
							{0x39800000, 4 * M, 64 * K},
							{0x40000000, 4 * M, 4 * K}};
	static const struct vcm_memtype_map types[] = {{{0, 1, 2, 3}, 4}, {{2, 3}, 2}};
	struct phys_chunk list = {0};
	struct vcm *identity, *plain;
	struct device *direct;
	struct avcm *link;

	CHECK_EQ(vcm_alloc_init(regions, 4, types, 2), 0);
	CHECK_EQ(vcm_alloc_init(regions, 4, types, 2), -1); /* there is one */
	CHECK_EQ(vcm_alloc_get_num_chunks(VCM_MEMTYPE_0), 4);
	CHECK_EQ(vcm_alloc_get_num_chunks(VCM_MEMTYPE_1), 2);
	CHECK_EQ(vcm_alloc_get_mem_size(VCM_MEMTYPE_0), 32 * M);
	CHECK_EQ(vcm_alloc_pool_idx_to_size(VCM_MEMTYPE_1, 1), 4 * K);
	CHECK_EQ(vcm_alloc_pool_idx_to_size(VCM_MEMTYPE_1, 2), 0);
	CHECK_EQ(vcm_alloc_max_munch(25 * M, VCM_MEMTYPE_0, &list), 1 + 8 + 16);
	CHECK_EQ(list.next->pa, 0x38000000);
	CHECK_EQ(list.next->size, 16 * M);
	CHECK_EQ(vcm_alloc_destroy(), -EBUSY);
	CHECK_EQ(vcm_alloc_free_blocks(&list), 0);
	/* no numbers decide what is one-to-one: it can be asked for, of any memory */
	identity = vcm_create_identity(0x39000000, 8 * M);
	plain = vcm_create(0x39000000, 8 * M);
	direct = scene_device("dma", NULL, VC_DEVICE_DIRECT);
	link = scene_join(identity, direct);
	CHECK(!vcm_assoc(plain, direct, 0));
	scene_leave(link);
	CHECK_EQ(vcm_free(identity) | vcm_free(plain), 0);
	CHECK_EQ(vcm_alloc_destroy(), 0);
	CHECK_EQ(vcm_alloc_destroy(), -EINVAL);
}

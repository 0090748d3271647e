/* SPDX-License-Identifier: MIT */
/*
 * The uses that the proposal of 2010 and its discussion named, each as it would be written: one test a use, with two
 * devices whose page tables have different formats wherever devices take part.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "dart1.h"
#include "mtk_v7s.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "x86_64.h"

static struct device *decoder(void)
{
	return scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
}

static struct device *display(void)
{
	return scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
}

static struct device *cpu(void)
{
	return scene_device("cpu", NULL, VC_DEVICE_CPU);
}

/* ------------------------------------------------------------------------------------------------ the documentation */

TEST(vcm_scenarios, u3_iommu_identity_and_cpu)
{
	struct device *translated, *direct, *host;
	struct vcm *vcm, *identity, *window;
	struct res *res[3];
	struct physmem *memory;
	struct avcm *avcm[3];
	size_t length = 2 * M + 4 * K;

	CHECK_EQ(vcm_sys_init(), 0);
	translated = decoder();
	direct = scene_device("dma", NULL, VC_DEVICE_DIRECT);
	host = cpu();
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, length, VCM_PHYS_CONT);
	vcm = vcm_create(1 * K, 16 * M);
	identity = vcm_create(vcm_get_cont_memtype_pa(VCM_MEMTYPE_0), vcm_get_cont_memtype_len(VCM_MEMTYPE_0));
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	CHECK(memory && vcm && identity && window);
	avcm[0] = scene_join(vcm, translated);
	avcm[1] = scene_join(identity, direct);
	avcm[2] = scene_join(window, host);
	res[0] = vcm_reserve(vcm, length, 0);
	res[1] = vcm_reserve(identity, length, 0);
	res[2] = vcm_reserve(window, length, 0);
	CHECK(res[0] && res[1] && res[2]);
	CHECK_EQ(vcm_get_dev_addr(res[1]), 1); /* the memory will say */
	for (int i = 0; i < 3; i++)
		CHECK_MSG(!vcm_back(res[i], memory), "%d: %s", i, vc_error_string());
	CHECK_EQ(vcm_get_dev_addr(res[1]), vcm_get_next_phys_addr(memory, 0, &(size_t){0}));
	CHECK(scene_write(translated, vcm_get_dev_addr(res[0]) + 2 * M, 0x1234));
	CHECK_EQ(scene_read(direct, vcm_get_dev_addr(res[1]) + 2 * M), 0x1234);
	CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(res[2]) + 2 * M), 0x1234);
	CHECK_EQ(scene_read(direct, vcm_get_dev_addr(res[1]) + length), SCENE_FAULT);
	scene_check(vcm);
	scene_check(identity);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(vcm_unback(res[i]), 0);
		CHECK_EQ(vcm_unreserve(res[i]), 0);
		scene_leave(avcm[i]);
	}
	CHECK_EQ(vcm_phys_free(memory), 0);
	CHECK_EQ(vcm_free(vcm) | vcm_free(identity) | vcm_free(window), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, u4_device_without_an_iommu)
{
	struct device *direct, *translated;
	struct vcm *vcm;
	struct res *res, *other;
	struct physmem *scattered, *contiguous;
	struct avcm *avcm, *second;
	struct vc_phys *halves;
	vcm_paddr_t pa;

	CHECK_EQ(vcm_sys_init(), 0);
	direct = scene_device("dma", NULL, VC_DEVICE_DIRECT);
	translated = display();
	vcm = vcm_create(vcm_get_cont_memtype_pa(VCM_MEMTYPE_0), vcm_get_cont_memtype_len(VCM_MEMTYPE_0));
	/* a device with tables is welcome: they map addresses to themselves */
	avcm = scene_join(vcm, direct);
	second = scene_join(vcm, translated);
	res = vcm_reserve(vcm, 64 * K, 0);
	other = vcm_reserve(vcm, 64 * K, 0);
	contiguous = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_PHYS_CONT);
	pa = vcm_get_next_phys_addr(contiguous, 0, &(size_t){0});
	CHECK_EQ(vc_phys_import(vcm_system(), (struct vc_span[]){{pa + 32 * K, 32 * K}, {pa, 32 * K}}, 2, &halves), 0);
	scattered = (struct physmem *)halves;
	CHECK(res && other && scattered && contiguous);
	CHECK_EQ(vcm_get_num_res(vcm), 2);
	CHECK_EQ(vcm_back(res, scattered), -EINVAL);
	CHECK_EQ(vcm_get_dev_addr(res), 1);
	CHECK_EQ(vcm_back(res, contiguous), 0);
	CHECK_EQ(vcm_get_dev_addr(res), pa);
	CHECK_EQ(vcm_get_res(pa, vcm), res);
	CHECK_EQ(vcm_get_next_res(vcm, NULL), res);
	CHECK_EQ(vcm_get_next_res(vcm, res), other);
	CHECK(!vcm_get_next_res(vcm, other));
	CHECK_EQ(vcm_back(other, contiguous), -EADDRINUSE);
	CHECK(scene_write(direct, pa + 4, 7));
	CHECK_EQ(scene_read(translated, pa + 4), 7);
	scene_check(vcm);
	CHECK(!vcm_clone(vcm));
	CHECK_EQ(vcm_free(vcm), -EBUSY);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(scene_read(direct, pa), SCENE_FAULT);
	CHECK_EQ(vcm_unreserve(res) | vcm_unreserve(other), 0);
	CHECK_EQ(vcm_phys_free(scattered) | vcm_phys_free(contiguous), 0);
	scene_leave(avcm);
	scene_leave(second);
	/* where it stands is asked for: only that memory fits */
	res = vcm_reserve_fixed(vcm, pa, 64 * K, 0);
	contiguous = vcm_phys_alloc(VCM_MEMTYPE_0, 128 * K, VCM_PHYS_CONT);
	CHECK_EQ(vcm_get_dev_addr(res), pa);
	CHECK_EQ(vcm_back(res, contiguous), -EINVAL);
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_phys_free(contiguous), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, u13_bounds)
{
	struct vcm *vcm, *copy;
	struct bound *bound, *whole;
	struct res *inside[16], *outside[64];
	vcm_addr_t first;
	size_t n = 0, m = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0, 4 * M);
	bound = vcm_create_bound(vcm, 1 * M);
	CHECK(bound);
	first = vcm_get_bound_start_addr(bound);
	CHECK_EQ(vcm_get_bound_len(bound), 1 * M);
	CHECK_EQ(first % M, 0);
	CHECK(!vcm_create_bound(vcm, 4 * M));
	/* plain reservations fill the rest and never land inside */
	while (m < 64 && (outside[m] = vcm_reserve(vcm, 64 * K, 0))) {
		CHECK(vcm_get_dev_addr(outside[m]) + 64 * K <= first || vcm_get_dev_addr(outside[m]) >= first + M);
		m++;
	}
	CHECK_EQ(m, 48);
	CHECK(!vcm_reserve_fixed(vcm, first, 4 * K, 0));
	CHECK_EQ(vc_last_error()->code, -EADDRINUSE);
	while (n < 16 && (inside[n] = vcm_reserve_from_bound(bound, 64 * K, 0))) {
		CHECK(vcm_get_dev_addr(inside[n]) >= first && vcm_get_dev_addr(inside[n]) < first + M);
		n++;
	}
	CHECK_EQ(n, 16);
	CHECK(!vcm_reserve_from_bound(bound, 4 * K, 0));
	CHECK_EQ(vc_last_error()->code, -ENOSPC);
	CHECK_EQ(vcm_free_bound(bound), -EBUSY);
	/* a copy has its bounds too */
	copy = vcm_clone(vcm);
	CHECK(copy);
	while (m)
		CHECK_EQ(vcm_unreserve(outside[--m]), 0);
	while (n) {
		CHECK_EQ(vcm_unreserve(vcm_get_res(vcm_get_dev_addr(inside[n - 1]), copy)), 0);
		CHECK_EQ(vcm_unreserve(inside[--n]), 0);
	}
	CHECK(!vcm_reserve_fixed(copy, first, 4 * K, 0));
	CHECK_EQ(vcm_free(vcm), -EBUSY);
	CHECK_EQ(vcm_free_bound(bound), 0);
	CHECK_EQ(vcm_free_bound(bound), -EINVAL);
	whole = vcm_create_bound(vcm, 4 * M);
	CHECK(whole && !vcm_reserve(vcm, 4 * K, 0));
	CHECK_EQ(vcm_free_bound(whole), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	while ((outside[0] = vcm_get_next_res(copy, NULL)))
		CHECK_EQ(vcm_unreserve(outside[0]), 0);
	{
		struct vc_bound *of_copy;

		CHECK_EQ(vc_bound_next(vcm_region(copy), NULL, &of_copy), 0);
		CHECK_EQ(vc_bound_free(of_copy), 0);
		CHECK_EQ(vc_bound_next(vcm_region(copy), NULL, &of_copy), -ENOENT);
	}
	CHECK_EQ(vcm_free(copy), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* --------------------------------------------------------------------------------------------------- the discussion */

TEST(vcm_scenarios, u21_import_of_a_scatter_list)
{
	struct vc_span list[11], seen[11];
	struct vc_phys *imported;
	struct physmem *whole[2];
	struct device *device[2];
	struct avcm *avcm[2];
	struct vcm *vcm;
	struct res *res;
	size_t n;

	CHECK_EQ(vcm_sys_init(), 0);
	whole[0] = vcm_phys_alloc(VCM_MEMTYPE_0, 10 * M, VCM_1MB);
	whole[1] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	/* as a driver hands it over: in no order of addresses */
	for (size_t i = 0; i < 10; i++)
		CHECK_EQ(vc_phys_block(vcm_phys(whole[0]), 9 - i, &list[i]), 0);
	CHECK_EQ(vc_phys_block(vcm_phys(whole[1]), 0, &list[10]), 0);
	CHECK_MSG(!vc_phys_import(vcm_system(), list, 11, &imported), "%s", vc_error_string());
	CHECK_EQ(vc_phys_export(imported, seen, 11, &n), 0);
	CHECK_EQ(n, 11);
	CHECK_MEM_EQ(seen, list, sizeof(list));
	vcm = vcm_create(0, 64 * M);
	device[0] = decoder();
	device[1] = display();
	avcm[0] = scene_join(vcm, device[0]);
	res = vcm_reserve(vcm, 10 * M + 64 * K, 0);
	CHECK_EQ(vcm_back(res, (struct physmem *)imported), 0);
	avcm[1] = scene_join(vcm, device[1]);
	for (size_t i = 0; i < 11; i++) {
		unsigned char *memory;
		uint32_t value = (uint32_t)(i + 100);

		CHECK_EQ(vc_system_memory(vcm_system(), list[i].pa, 4, &memory), 0);
		memcpy(memory, &value, 4);
		CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res) + i * M), i + 100);
		CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res) + i * M), i + 100);
	}
	scene_check(vcm);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vc_phys_free(imported), 0);
	/* whose memory it is has not changed */
	CHECK_EQ(vcm_phys_free(whole[0]) | vcm_phys_free(whole[1]), 0);
	list[3].pa = list[4].pa;
	CHECK_EQ(vc_phys_import(vcm_system(), list, 11, &imported), -EINVAL);
	list[3].pa += 12;
	CHECK_EQ(vc_phys_import(vcm_system(), list, 11, &imported), -EINVAL);
	CHECK_EQ(vc_phys_import(vcm_system(), list, 0, &imported), -EINVAL);
	CHECK_EQ(vcm_unreserve(res), 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* --------------------------------------------------------------------------------------------------- beyond both */

TEST(vcm_scenarios, other_memory_in_one_step)
{
	struct device *device[2], *host;
	struct vcm *vcm, *window;
	struct avcm *avcm[3];
	struct res *res, *seen;
	struct physmem *memory[2], *shorter;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = decoder();
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	host = cpu();
	vcm = vcm_create(0, 64 * M);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	avcm[2] = scene_join(window, host);
	memory[0] = vcm_phys_alloc(VCM_MEMTYPE_0, 2 * M, VCM_1MB);
	memory[1] = vcm_phys_alloc(VCM_MEMTYPE_0, 2 * M, VCM_64KB);
	shorter = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M, 0);
	res = vcm_reserve(vcm, 2 * M, 0);
	seen = vcm_reserve(window, 2 * M, 0);
	CHECK_EQ(vcm_reback(res, memory[0]), -EINVAL); /* it is not backed yet */
	CHECK_EQ(vcm_back(res, memory[0]) | vcm_back(seen, memory[0]), 0);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res) + M, 1));
	CHECK_EQ(vcm_reback(res, memory[0]), -EALREADY);
	CHECK_EQ(vcm_reback(res, shorter), -EINVAL);
	CHECK_MSG(!vcm_reback(res, memory[1]), "%s", vc_error_string());
	CHECK_EQ(vcm_get_physmem_from_res(res), memory[1]);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res) + M), 0);
	CHECK(scene_write(device[1], vcm_get_dev_addr(res) + M, 2));
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res) + M), 2);
	CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(seen) + M), 1);
	CHECK_EQ(vcm_reback(seen, memory[1]), 0);
	CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(seen) + M), 2);
	scene_check(vcm);
	CHECK_EQ(vcm_phys_free(memory[0]), 0);
	CHECK_EQ(vcm_unback(res) | vcm_unback(seen), 0);
	CHECK_EQ(vcm_phys_free(memory[1]) | vcm_phys_free(shorter), 0);
	CHECK_EQ(vcm_unreserve(res) | vcm_unreserve(seen), 0);
	for (int i = 0; i < 3; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(window), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

static struct {
	unsigned int left;
	bool armed;
} failing;

static bool fail_once(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	if (!failing.armed)
		return true;
	if (failing.left) {
		failing.left--;
		return true;
	}
	failing.armed = false;
	return false;
}

/* After failing.left allocations there is no memory any more. */
static bool fail_from_then_on(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	failing.left -= failing.left > 0;
	return failing.left > 0;
}

TEST(vcm_scenarios, other_memory_or_none)
{
	struct device *device[2];
	struct vcm *vcm;
	struct avcm *avcm[2];
	struct res *res;
	struct physmem *memory[2], *blocks;
	struct vc_span list[1024];
	struct vc_phys *backwards;
	unsigned int tries = 0;
	int error;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = decoder();
	device[1] = display();
	vcm = vcm_create(0, 64 * M);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	memory[0] = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * M, VCM_1MB);
	/* in an order that needs a page each, so that tables have to be made */
	blocks = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * M, VCM_4KB);
	for (size_t i = 0; i < 1024; i++)
		CHECK_EQ(vc_phys_block(vcm_phys(blocks), 1023 - i, &list[i]), 0);
	CHECK_EQ(vc_phys_import(vcm_system(), list, 1024, &backwards), 0);
	memory[1] = (struct physmem *)backwards;
	res = vcm_reserve(vcm, 4 * M, 0);
	CHECK_EQ(vcm_back(res, memory[0]), 0);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res), 1));
	vc_set_allocation_hook(fail_once, NULL);
	do {
		failing.left = tries++;
		failing.armed = true;
		error = vcm_reback(res, memory[1]);
		if (error) {
			CHECK_EQ(error, -ENOMEM);
			CHECK_EQ(vcm_get_physmem_from_res(res), memory[0]);
			CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res)), 1);
			scene_check(vcm);
		}
	} while (error);
	vc_set_allocation_hook(NULL, NULL);
	CHECK(tries > 2);
	scene_check(vcm);
	CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res)), 0);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
	CHECK_EQ(vcm_phys_free(memory[0]) | vcm_phys_free(memory[1]) | vcm_phys_free(blocks), 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, shorter_memory_where_that_is_asked_for)
{
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	device = display();
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 128 * K, VCM_64KB);
	res = vcm_reserve(vcm, 512 * K, 0);
	CHECK_EQ(vcm_back(res, memory), -EINVAL);
	CHECK_EQ(vc_back(vcm_reservation(res), vcm_phys(memory), VC_BACK_PARTIAL), 0);
	CHECK(scene_write(device, vcm_get_dev_addr(res) + 128 * K - 4, 5));
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + 128 * K), SCENE_FAULT);
	scene_check(vcm);
	CHECK_EQ(vcm_translate(vcm_get_dev_addr(res) + 128 * K, vcm, vcm), 1);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* What a device keeps for itself: a window of messages, and a frame buffer that firmware drives. */
TEST(vcm_scenarios, reserved_and_identity_ranges)
{
	static const struct vc_reserved kept[] = {{0x82000000, 1 << 20, PT_READ | PT_WRITE}, {0xfee00000, 0x100000, 0}};
	struct vc_device_config config = {
		.name = "gpu", .format = &x86_64_format, .allow_wider = true, .reserved = kept, .n_reserved = 2};
	struct vc_device *made;
	struct device *gpu, *plain;
	struct vcm *vcm, *taken;
	struct avcm *avcm[2];
	struct res *res, *all;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_MSG(!vc_device_create(vcm_system(), &config, &made), "%s", vc_error_string());
	gpu = (struct device *)made;
	plain = display();
	vcm = vcm_create(0x80000000, 0x80000000 - 4 * K);
	taken = vcm_create(0x82000000, 1 * M);
	all = vcm_reserve(taken, 1 * M, 0);
	CHECK(!vcm_assoc(taken, gpu, 0));
	CHECK_EQ(vc_last_error()->code, -EADDRINUSE);
	CHECK_EQ(vcm_unreserve(all), 0);
	avcm[0] = scene_join(vcm, gpu);
	avcm[1] = scene_join(vcm, plain);
	/* the largest reservation that leaves the ranges alone */
	CHECK(!vcm_reserve_fixed(vcm, 0x81fff000, 8 * K, 0));
	CHECK(!vcm_reserve_fixed(vcm, 0xfee00000, 4 * K, 0));
	res = vcm_reserve(vcm, 64 * M, 0);
	CHECK(res && vcm_get_dev_addr(res) >= 0x82100000);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
	all = vcm_reserve_fixed(vcm, 0x80000000, 64 * K, 0);
	CHECK_EQ(vcm_back(all, memory), 0);
	/* firmware's memory answers at its own address, for the device that has it, whatever the region maps */
	CHECK(scene_write(gpu, 0x82000010, 9));
	CHECK_EQ(scene_read(gpu, 0x82000010), 9);
	CHECK_EQ(scene_read(plain, 0x82000010), SCENE_FAULT);
	CHECK_EQ(scene_read(gpu, 0xfee00000), SCENE_FAULT);
	scene_check(vcm);
	CHECK_EQ(vcm_unback(all) | vcm_unreserve(all) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(taken), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, blocked_and_bypassed)
{
	struct vc_device_config config = {
		.name = "old", .format = &armv7_short_format, .allow_wider = true, .bypass = true};
	struct vc_device *made;
	struct device *device, *blocked;
	struct vcm *vcm;
	struct avcm *avcm;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vc_device_create(vcm_system(), &config, &made), 0);
	device = (struct device *)made;
	blocked = display();
	CHECK(scene_write(device, 0x80000ffe, 3)); /* over the border of a page */
	CHECK_EQ(scene_read(device, 0x80000ffe), 3);
	CHECK_EQ(scene_read(device, 0x70000000), SCENE_FAULT);
	CHECK_EQ(scene_read(blocked, 0x80000000), SCENE_FAULT);
	vcm = vcm_create(0, 16 * M);
	avcm = scene_join(vcm, device);
	CHECK_EQ(scene_read(device, 0x80000ffe), SCENE_FAULT);
	scene_leave(avcm);
	CHECK_EQ(scene_read(device, 0x80000ffe), 3);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* A device with pages of 16 KiB: what its region reserves is made of them. */
TEST(vcm_scenarios, pages_of_all_devices)
{
	struct device *small, *large;
	struct vcm *vcm, *crooked;
	struct avcm *avcm[2];
	struct res *res;
	struct physmem *memory, *pages;

	CHECK_EQ(vcm_sys_init(), 0);
	small = display();
	large = scene_device("gpu", &dart1_format, VC_DEVICE_TRANSLATED);
	crooked = vcm_create(0, 64 * M);
	res = vcm_reserve_fixed(crooked, 4 * K, 16 * K, 0);
	CHECK(!vcm_assoc(crooked, large, 0));
	CHECK_EQ(vc_last_error()->code, -EINVAL);
	CHECK_EQ(vcm_unreserve(res) | vcm_free(crooked), 0);
	vcm = vcm_create(4 * K, 64 * M);
	avcm[0] = scene_join(vcm, small);
	avcm[1] = scene_join(vcm, large);
	CHECK(!vcm_reserve_fixed(vcm, 20 * K, 16 * K, 0));
	res = vcm_reserve(vcm, 4 * K, VCM_ALIGN_4K);
	CHECK_EQ(vcm_get_dev_addr(res), 16 * K);
	CHECK_EQ(vcm_get_res_len(res), 16 * K);
	pages = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, 0);
	CHECK_EQ(vcm_back(res, pages), -EINVAL); /* shorter than a page of the gpu */
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 16 * K, VCM_64KB);
	CHECK_MSG(!vcm_back(res, memory), "%s", vc_error_string());
	CHECK(scene_write(large, 16 * K + 8, 6));
	CHECK_EQ(scene_read(small, 16 * K + 8), 6);
	scene_check(vcm);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory) | vcm_phys_free(pages), 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* The memory moves; whoever uses it does not notice. */
TEST(vcm_scenarios, u24_migration)
{
	struct device *device[2], *host;
	struct vcm *vcm, *other, *window;
	struct avcm *avcm[3];
	struct res *res[3];
	struct physmem *memory;
	struct vc_phys_args to = {.type = 0, .contiguous = true};
	struct vc_span before, after;
	unsigned int tries = 0;
	int error;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = decoder();
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	host = cpu();
	vcm = vcm_create(0, 64 * M);
	other = vcm_create(0x40000000, 64 * M);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(other, device[1]);
	avcm[2] = scene_join(window, host);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 2 * M, VCM_64KB);
	res[0] = vcm_reserve(vcm, 2 * M, 0);
	res[1] = vcm_reserve(other, 2 * M, 0);
	res[2] = vcm_reserve(window, 2 * M, 0);
	for (int i = 0; i < 3; i++)
		CHECK_MSG(!vcm_back(res[i], memory), "%s", vc_error_string());
	for (uint32_t i = 0; i < 2 * M; i += 4 * K)
		CHECK(scene_write(device[0], vcm_get_dev_addr(res[0]) + i, i));
	CHECK_EQ(vc_phys_block(vcm_phys(memory), 0, &before), 0);
	vc_set_allocation_hook(fail_once, NULL);
	do {
		failing.left = tries++;
		failing.armed = true;
		error = vc_migrate(vcm_phys(memory), &to);
		CHECK(!error || error == -ENOMEM);
		CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res[1]) + M), M);
		scene_check(vcm);
		scene_check(other);
	} while (error);
	vc_set_allocation_hook(NULL, NULL);
	CHECK_EQ(vc_phys_block(vcm_phys(memory), 0, &after), 0);
	CHECK(after.pa != before.pa);
	CHECK_EQ(after.bytes, 2 * M);
	for (uint32_t i = 0; i < 2 * M; i += 4 * K) {
		CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res[0]) + i), i);
		CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res[1]) + i), i);
		CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(res[2]) + i), i);
	}
	/* one memory still: what one writes the others see */
	CHECK(scene_write(device[1], vcm_get_dev_addr(res[1]) + 8, 77));
	CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(res[2]) + 8), 77);
	CHECK_EQ(vcm_get_phys_num_res(after.pa), 3);
	CHECK_EQ(vcm_get_phys_num_res(before.pa), 0);
	/* what it stood in is free again */
	{
		struct physmem *again = vcm_phys_alloc(VCM_MEMTYPE_0, 8 * M, VCM_64KB);

		CHECK(again);
		CHECK_EQ(vcm_phys_free(again), 0);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]), 0);
	CHECK_EQ(vcm_phys_free(memory), 0);
	for (int i = 0; i < 3; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(other) | vcm_free(window), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* Memory runs out for good in the middle: what cannot be led back is not backed, and nothing leads where it should not.
 */
TEST(vcm_scenarios, a_migration_that_cannot_go_back)
{
	struct vc_phys_args to = {.type = 0, .sizes = 4 * K};
	unsigned int lost = 0, whole = 0, moved = 0;

	for (unsigned int allowed = 0; !moved; allowed++) {
		struct device *device[2];
		struct vcm *vcm[2];
		struct avcm *avcm[2];
		struct res *res[2];
		struct physmem *memory, *page[512];
		int error;

		CHECK_EQ(vcm_sys_init(), 0);
		device[0] = decoder();
		device[1] = display();
		memory = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M, VCM_1MB);
		for (int i = 0; i < 2; i++) {
			vcm[i] = vcm_create(0, 64 * M);
			avcm[i] = scene_join(vcm[i], device[i]);
			res[i] = vcm_reserve(vcm[i], 1 * M, 0);
			CHECK_EQ(vcm_back(res[i], memory), 0);
		}
		CHECK(scene_write(device[0], vcm_get_dev_addr(res[0]) + 8 * K, 8));
		/* every second page is taken, so that the memory to move to is in pieces */
		for (int i = 0; i < 512; i++)
			page[i] = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, VCM_4KB);
		for (int i = 0; i < 512; i += 2)
			CHECK_EQ(vcm_phys_free(page[i]), 0);
		failing.left = allowed;
		vc_set_allocation_hook(fail_from_then_on, NULL);
		error = vc_migrate(vcm_phys(memory), &to);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(error == 0 || error == -ENOMEM || error == -EIO);
		moved += error == 0;
		lost += error == -EIO;
		whole += error == -ENOMEM;
		for (int i = 0; i < 2; i++) {
			bool backed = vcm_get_physmem_from_res(res[i]) != NULL;

			CHECK(backed || error == -EIO);
			scene_check(vcm[i]);
			CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(res[i]) + 8 * K), backed ? 8 : SCENE_FAULT);
			if (backed)
				CHECK_EQ(vcm_unback(res[i]), 0);
			CHECK_EQ(vcm_unreserve(res[i]), 0);
			scene_leave(avcm[i]);
			CHECK_EQ(vcm_free(vcm[i]), 0);
		}
		CHECK_EQ(vcm_phys_free(memory), 0);
		for (int i = 1; i < 512; i += 2)
			CHECK_EQ(vcm_phys_free(page[i]), 0);
		CHECK_EQ(vcm_sys_destroy(), 0);
	}
	CHECK(whole > 0 && lost > 0);
}

static int agree(struct vc_device *device, void *data, uint64_t pa, uint64_t bytes)
{
	(void)device;
	(void)pa;
	(void)bytes;
	++*(int *)data;
	return 0;
}

static int refuse(struct vc_device *device, void *data, uint64_t pa, uint64_t bytes)
{
	agree(device, data, pa, bytes);
	return -1;
}

TEST(vcm_scenarios, u25_power_down_a_bank)
{
	struct device *device[2];
	struct vc_device *refused = NULL;
	struct vcm *vcm, *other;
	struct avcm *avcm[2];
	struct res *res[2];
	struct physmem *memory;
	int calls[2] = {0, 0};
	vcm_paddr_t pa;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = decoder();
	device[1] = display();
	vcm = vcm_create(0, 64 * M);
	other = vcm_create(0, 64 * M);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(other, device[1]);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M, VCM_1MB);
	pa = vcm_get_next_phys_addr(memory, 0, &(size_t){0});
	CHECK_EQ(vc_power_ask(vcm_system(), pa, M, &refused), 0); /* nobody maps it */
	res[0] = vcm_reserve(vcm, 1 * M, 0);
	res[1] = vcm_reserve(other, 1 * M, 0);
	CHECK_EQ(vcm_back(res[0], memory) | vcm_back(res[1], memory), 0);
	CHECK_EQ(vc_device_power_hook(vcm_device(device[0]), agree, &calls[0]), 0);
	CHECK_EQ(vc_power_ask(vcm_system(), pa + M - 1, 1, &refused), -EBUSY);
	CHECK_EQ(refused, vcm_device(device[1])); /* it was never told how to answer */
	CHECK_EQ(vc_device_power_hook(vcm_device(device[1]), refuse, &calls[1]), 0);
	CHECK_EQ(vc_power_ask(vcm_system(), pa, M, &refused), -EBUSY);
	CHECK_EQ(refused, vcm_device(device[1]));
	CHECK_EQ(calls[1], 1);
	CHECK_EQ(vc_device_power_hook(vcm_device(device[1]), agree, &calls[1]), 0);
	CHECK_EQ(vc_power_ask(vcm_system(), pa, M, &refused), 0);
	CHECK_EQ(calls[0], 3);
	CHECK_EQ(calls[1], 2);
	CHECK_EQ(vc_power_ask(vcm_system(), pa + M, M, &refused), 0); /* another bank */
	CHECK_EQ(calls[0], 3);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]), 0);
		scene_leave(avcm[i]);
	}
	CHECK_EQ(vcm_phys_free(memory) | vcm_free(vcm) | vcm_free(other), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, u26_a_device_crashes)
{
	struct device *device[2];
	struct vcm *vcm;
	struct avcm *avcm[2];
	struct res *res;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = decoder();
	device[1] = display();
	vcm = vcm_create(0, 64 * M);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	res = vcm_reserve(vcm, 1 * M, 0);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res), 4));
	CHECK_EQ(vcm_deassoc(avcm[0]), -EBUSY);
	CHECK_EQ(vc_dissociate_crashed(vcm_association(avcm[0])), 0);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res)), SCENE_FAULT);
	CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res)), 4);
	CHECK_EQ(vcm_is_active(avcm[0]), -EINVAL);
	scene_check(vcm);
	/* it comes back */
	avcm[0] = scene_join(vcm, device[0]);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res)), 4);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* How far a translation cache of 16 entries reaches: large blocks, and small ones. */
static const struct pt_format *const with_sections[] = {&armv7_short_format, &mtk_v7s_format};

static size_t n_with_sections(void)
{
	return sizeof(with_sections) / sizeof(with_sections[0]);
}

static const char *section_format(size_t i)
{
	return with_sections[i]->name;
}

TEST_EACH(vcm_scenarios, u10_block_sizes_and_reach, n_with_sections, section_format)
{
	static const uint32_t sizes[] = {VCM_1MB, VCM_4KB};
	uint64_t misses[2];
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("engine", with_sections[each], VC_DEVICE_TRANSLATED);
	CHECK_EQ(vc_device_iotlb(vcm_device(device), 3, 1), -EINVAL);
	CHECK_EQ(vc_device_iotlb(vcm_device(device), 16, 16), 0);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	for (int k = 0; k < 2; k++) {
		size_t length = 8 * M;
		struct physmem *memory = vcm_phys_alloc(VCM_MEMTYPE_0, length, sizes[k]);
		struct vc_iotlb_info before, after;
		struct vc_span list[2048];
		struct vc_phys *pages;
		struct res *res;
		size_t n = length / (k ? 4 * K : M);

		/* from the last to the first, so that nothing can be joined */
		for (size_t i = 0; i < n; i++)
			CHECK_EQ(vc_phys_block(vcm_phys(memory), n - 1 - i, &list[i]), 0);
		CHECK_EQ(vc_phys_import(vcm_system(), list, n, &pages), 0);
		res = vcm_reserve(vcm, length, 0);
		CHECK_MSG(!vcm_back(res, (struct physmem *)pages), "%s", vc_error_string());
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device), &before), 0);
		for (size_t at = 0; at < length; at += 1 * K)
			CHECK(scene_write(device, vcm_get_dev_addr(res) + at, (uint32_t)at));
		CHECK_EQ(vc_device_iotlb_info(vcm_device(device), &after), 0);
		misses[k] = after.misses - before.misses;
		CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
		CHECK_EQ(vc_phys_free(pages) | vcm_phys_free(memory), 0);
	}
	CHECK_EQ(misses[0], 8);
	CHECK_EQ(misses[1], 2048);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* An invalidation that does not arrive shows: the check of the others can fail. */
TEST(vcm_scenarios, what_a_translation_cache_would_still_see)
{
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	struct physmem *memory[2];

	CHECK_EQ(vcm_sys_init(), 0);
	device = display();
	CHECK_EQ(vc_device_iotlb(vcm_device(device), 64, 4), 0);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory[0] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	memory[1] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory[0]), 0);
	CHECK(scene_write(device, vcm_get_dev_addr(res), 10));
	CHECK_EQ(vcm_reback(res, memory[1]), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), 0);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), SCENE_FAULT);
	CHECK_EQ(vcm_back(res, memory[0]), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), 10);
	CHECK_EQ(vc_device_iotlb_disconnect(vcm_device(device), true), 0);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), 10); /* stale */
	CHECK_EQ(vc_device_iotlb(vcm_device(device), 0, 0), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), SCENE_FAULT);
	CHECK_EQ(vcm_unreserve(res) | vcm_phys_free(memory[0]) | vcm_phys_free(memory[1]), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_scenarios, what_devices_wrote)
{
	struct vc_device_config config = {.name = "gpu", .format = &x86_64_format, .allow_wider = true};
	uint64_t bitmap[1] = {0}, bytes = 0;
	struct device *device, *without;
	struct vc_device *made;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vc_device_create(vcm_system(), &config, &made), 0);
	device = (struct device *)made;
	without = decoder();
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), 0, bitmap, 12, &bytes), -ENXIO);
	CHECK_EQ(vcm_back(res, memory), 0);
	/* writable pages may begin as dirty: from here on only what is written */
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), VC_DIRTY_CLEAR, NULL, 12, NULL), 0);
	CHECK(scene_write(device, vcm_get_dev_addr(res) + 5 * 4 * K, 1));
	CHECK(scene_write(device, vcm_get_dev_addr(res) + 12 * 4 * K, 1));
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + 7 * 4 * K), 0);
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), VC_DIRTY_CLEAR, bitmap, 12, &bytes), 0);
	CHECK_EQ(bitmap[0], 1 << 5 | 1 << 12);
	CHECK_EQ(bytes, 8 * K);
	bitmap[0] = 0;
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), 0, bitmap, 12, &bytes), 0);
	CHECK_EQ(bitmap[0], 0);
	{
		struct avcm *second = scene_join(vcm, without);

		CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), 0, bitmap, 12, &bytes), -EOPNOTSUPP);
		scene_leave(second);
	}
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), 0, bitmap, 11, &bytes), -EINVAL);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

static int count_faults(struct device *device, void *data, void *fault)
{
	(void)device;
	(void)fault;
	++*(int *)data;
	return -1;
}

TEST(vcm_scenarios, faults_without_end)
{
	struct device *device;
	int calls = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	device = display();
	CHECK_EQ(vcm_hook(device, count_faults, &calls), 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(scene_read(device, 0x1000), SCENE_FAULT);
	CHECK_EQ(calls, 100);
	CHECK_EQ(vc_device_fault_limit(vcm_device(device), 10), 0);
	calls = 0;
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(scene_read(device, 0x1000), SCENE_FAULT);
	CHECK(calls >= 10 && calls <= 20); /* the second may have turned */
	CHECK_EQ(vcm_sys_destroy(), 0);
}

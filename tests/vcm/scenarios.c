/* SPDX-License-Identifier: MIT */
/*
 * The uses that the proposal of 2010 and its discussion named, each as it would be written: one test a use, with two
 * devices whose page tables have different formats wherever devices take part.
 */
#include <errno.h>
#include <string.h>

#include "support/scene.h"
#include "test.h"
#include "vcm.h"

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
	translated = scene_decoder();
	direct = scene_device("dma", NULL, VC_DEVICE_DIRECT);
	host = scene_cpu();
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
	translated = scene_display();
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
	device[0] = scene_decoder();
	device[1] = scene_display();
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

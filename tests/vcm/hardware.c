/* SPDX-License-Identifier: MIT */
/* hardware.c - what devices do on their own: they lose power, crash, keep translations, write, and fault. */
#include <errno.h>

#include "armv7_short.h"
#include "mtk_v7s.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "x86_64.h"

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

TEST(vcm_hardware, u25_power_down_a_bank)
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
	device[0] = scene_decoder();
	device[1] = scene_display();
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

TEST(vcm_hardware, u26_a_device_crashes)
{
	struct device *device[2];
	struct vcm *vcm;
	struct avcm *avcm[2];
	struct res *res;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_decoder();
	device[1] = scene_display();
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

TEST_EACH(vcm_hardware, u10_block_sizes_and_reach, n_with_sections, section_format)
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
TEST(vcm_hardware, what_a_translation_cache_would_still_see)
{
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	struct physmem *memory[2];

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_display();
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

TEST(vcm_hardware, what_devices_wrote)
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
	without = scene_decoder();
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

TEST(vcm_hardware, faults_without_end)
{
	struct device *device;
	int calls = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_display();
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

/* SPDX-License-Identifier: MIT */
/* beyond.c - what neither the proposal nor its discussion asked for: other memory, reserved ranges, migration. */
#include <errno.h>

#include "armv7_short.h"
#include "dart1.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "x86_64.h"

TEST(vcm_beyond, other_memory_in_one_step)
{
	struct device *device[2], *host;
	struct vcm *vcm, *window;
	struct avcm *avcm[3];
	struct res *res, *seen;
	struct physmem *memory[2], *shorter;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_decoder();
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	host = scene_cpu();
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

TEST(vcm_beyond, other_memory_or_none)
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
	device[0] = scene_decoder();
	device[1] = scene_display();
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

TEST(vcm_beyond, shorter_memory_where_that_is_asked_for)
{
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	struct physmem *memory;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_display();
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
TEST(vcm_beyond, reserved_and_identity_ranges)
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
	plain = scene_display();
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

TEST(vcm_beyond, blocked_and_bypassed)
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
	blocked = scene_display();
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
TEST(vcm_beyond, pages_of_all_devices)
{
	struct device *small, *large;
	struct vcm *vcm, *crooked;
	struct avcm *avcm[2];
	struct res *res;
	struct physmem *memory, *pages;

	CHECK_EQ(vcm_sys_init(), 0);
	small = scene_display();
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
TEST(vcm_beyond, u24_migration)
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
	device[0] = scene_decoder();
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	host = scene_cpu();
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
TEST(vcm_beyond, a_migration_that_cannot_go_back)
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
		device[0] = scene_decoder();
		device[1] = scene_display();
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

/* SPDX-License-Identifier: MIT */
/*
 * Uses of 2010 that are about devices: two bases for one device, device nodes, contexts by name, and sharing; each on
 * two formats.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "x86_64.h"

static const struct pt_format *const formats[] = {&armv7_short_format, &arm64_s1_format};

static size_t n_formats(void)
{
	return sizeof(formats) / sizeof(formats[0]);
}

static const char *format_name(size_t i)
{
	return formats[i]->name;
}

/* Two VCMs active on one device, N = 1: the first bit of an address says which. */
TEST_EACH(vcm_devices, u12_high_and_low_base, n_formats, format_name)
{
	struct vc_association_info info;
	struct vc_device_info shape;
	struct pt_register registers[16];
	struct physmem *memory[2];
	struct device *device;
	struct vc_fault fault;
	struct vcm *vcm[2], *third;
	struct avcm *avcm[2], *other;
	struct res *res[2];
	size_t before, after;
	uint64_t middle;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("split", formats[each], VC_DEVICE_TRANSLATED);
	CHECK_EQ(vc_device_info(vcm_device(device), &shape), 0);
	middle = (shape.last + 1) / 2;
	vcm[0] = vcm_create(0, 64 * M);
	vcm[1] = vcm_create(middle, 64 * M);
	third = vcm_create(0, 64 * M);
	/* what contradicts itself */
	CHECK(!vcm_assoc(vcm[0], device, VCM_USE_LOW_BASE | VCM_USE_HIGH_BASE | VCM_SPLIT_ATTR(1)));
	CHECK(!vcm_assoc(vcm[0], device, VCM_USE_HIGH_BASE));
	CHECK(!vcm_assoc(vcm[0], device, VCM_SPLIT_ATTR(1)));
	avcm[0] = vcm_assoc(vcm[0], device, VCM_USE_LOW_BASE | VCM_SPLIT_ATTR(1));
	avcm[1] = vcm_assoc(vcm[1], device, VCM_USE_HIGH_BASE | VCM_SPLIT_ATTR(1));
	other = vcm_assoc(third, device, 0);
	CHECK(avcm[0] && avcm[1] && other);
	CHECK_EQ(vcm_get_assoc_attr(avcm[1]), VCM_USE_HIGH_BASE | VCM_SPLIT_ATTR(1));
	for (int i = 0; i < 2; i++) {
		memory[i] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
		res[i] = vcm_reserve_fixed(vcm[i], (i ? middle : 0) + M, 64 * K, 0);
		CHECK_EQ(vcm_back(res[i], memory[i]), 0);
	}
	CHECK_MSG(!vcm_activate(avcm[0]), "%s", vc_error_string());
	CHECK(scene_write(device, M, 1));
	/* the other half is blocked as long as nothing serves it */
	CHECK_EQ(vc_device_read(vcm_device(device), middle + M, &(uint32_t){0}, 4, PT_ACCESS_PRIV, &fault), -EFAULT);
	CHECK_EQ(fault.kind, VC_FAULT_BLOCKED);
	CHECK_EQ(vc_device_registers(vcm_device(device), registers, 16, &before), 0);
	CHECK_EQ(vcm_activate(other), -EBUSY); /* it wants all of it */
	CHECK_MSG(!vcm_activate(avcm[1]), "%s", vc_error_string());
	CHECK_EQ(vc_device_registers(vcm_device(device), registers, 16, &after), 0);
	CHECK_EQ(after, 2 * before);
	CHECK(scene_write(device, middle + M, 2));
	CHECK_EQ(scene_read(device, M), 1);
	CHECK_EQ(scene_read(device, middle + M), 2);
	CHECK_EQ(scene_read(device, middle - 4), SCENE_FAULT);
	CHECK_EQ(scene_read(device, middle), SCENE_FAULT);
	CHECK_EQ(vc_association_info(vcm_association(avcm[1]), &info), 0);
	CHECK_EQ(info.half, VC_UPPER);
	CHECK_EQ(info.split, 1);
	/* one half goes, the other stays */
	CHECK_EQ(vcm_deactivate(avcm[0]), 0);
	CHECK_EQ(scene_read(device, M), SCENE_FAULT);
	CHECK_EQ(scene_read(device, middle + M), 2);
	/* both must divide the addresses in the same way, and each half is there once */
	CHECK_EQ(vcm_set_assoc_attr(avcm[0], VCM_USE_LOW_BASE | VCM_SPLIT_ATTR(2)), 0);
	CHECK_EQ(vcm_activate(avcm[0]), -EINVAL);
	CHECK_EQ(vcm_set_assoc_attr(avcm[0], VCM_USE_HIGH_BASE | VCM_SPLIT_ATTR(1)), 0);
	CHECK_EQ(vcm_activate(avcm[0]), -EBUSY);
	CHECK_EQ(vcm_set_assoc_attr(avcm[1], 0), -EBUSY);
	CHECK_EQ(vcm_deactivate(avcm[1]), 0);
	CHECK_EQ(scene_read(device, middle + M), SCENE_FAULT);
	/* N = 0 with the low base is everything */
	CHECK_EQ(vcm_set_assoc_attr(avcm[1], VCM_USE_LOW_BASE), 0);
	CHECK_EQ(vcm_activate(avcm[1]), 0);
	CHECK_EQ(scene_read(device, middle + M), 2);
	scene_check(vcm[0]);
	scene_check(vcm[1]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_deassoc(avcm[0]) | vcm_deassoc(other), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]) | vcm_phys_free(memory[i]), 0);
		CHECK_EQ(vcm_free(vcm[i]), 0);
	}
	CHECK_EQ(vcm_free(third), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* A half is switched to another region as a whole device is. */
TEST(vcm_devices, replace_one_half)
{
	struct device *device;
	struct vcm *vcm[3];
	struct avcm *avcm[3];
	struct res *res[3];
	struct physmem *memory[3];

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("split", &armv7_short_format, VC_DEVICE_TRANSLATED);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t first = i ? UINT64_C(1) << 31 : 0;

		vcm[i] = vcm_create(first, 64 * M);
		avcm[i] = vcm_assoc(vcm[i], device, (i ? VCM_USE_HIGH_BASE : VCM_USE_LOW_BASE) | VCM_SPLIT_ATTR(1));
		memory[i] = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, 0);
		res[i] = vcm_reserve_fixed(vcm[i], first, 4 * K, 0);
		CHECK_EQ(vcm_back(res[i], memory[i]), 0);
	}
	CHECK_EQ(vcm_activate(avcm[0]) | vcm_activate(avcm[1]), 0);
	CHECK(scene_write(device, 0, 10));
	CHECK(scene_write(device, UINT64_C(1) << 31, 11));
	CHECK_EQ(vc_replace(vcm_association(avcm[0]), vcm_association(avcm[2])), -EINVAL);
	CHECK_EQ(vc_replace(vcm_association(avcm[1]), vcm_association(avcm[2])), 0);
	CHECK_EQ(scene_read(device, 0), 10);
	CHECK_EQ(scene_read(device, UINT64_C(1) << 31), 0);
	CHECK_EQ(vc_replace(vcm_association(avcm[2]), vcm_association(avcm[1])), 0);
	CHECK_EQ(scene_read(device, UINT64_C(1) << 31), 11);
	CHECK_EQ(vcm_deactivate(avcm[0]) | vcm_deactivate(avcm[1]), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]) | vcm_phys_free(memory[i]), 0);
		CHECK_EQ(vcm_deassoc(avcm[i]) | vcm_free(vcm[i]), 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/*
 * In 2010 a device node stood for a context, and mapping it gave a buffer of it. The nearest thing without a kernel
 * module is a descriptor: it is opened for the memory behind a reservation, mapped by whoever has it, and closed.
 */
TEST_EACH(vcm_devices, u18_a_descriptor_for_a_buffer, n_formats, format_name)
{
	char path[] = "/tmp/vcm-nodes-XXXXXX";
	struct vc_system_config config = vc_default_config;
	uint64_t offset, bytes;
	struct physmem *memory;
	struct device *device;
	uint32_t *node, *direct;
	struct avcm *avcm;
	struct vcm *vcm;
	struct res *res;
	int file = mkstemp(path), fd;

	CHECK(file >= 0);
	config.file = path;
	CHECK_EQ(vcm_sys_init_config(&config), 0);
	device = scene_device("vcodec_a_mm1", formats[each], VC_DEVICE_TRANSLATED);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, vcm_get_device("vcodec_a_mm1"));
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	/* open, mmap */
	CHECK_EQ(vc_phys_fd(vcm_phys(vcm_get_physmem_from_res(res)), 0, &fd, &offset, &bytes), 0);
	CHECK_EQ(bytes, 64 * K);
	node = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	CHECK(node != MAP_FAILED);
	close(fd);
	node[3] = 33;
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + 12), 33);
	CHECK(scene_write(device, vcm_get_dev_addr(res) + 16, 44));
	CHECK_EQ(node[4], 44);
	/* or by the name of the file, as another program would */
	direct = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, (off_t)offset);
	CHECK(direct != MAP_FAILED);
	CHECK_EQ(direct[4], 44);
	munmap(direct, bytes);
	munmap(node, bytes);
	close(file);
	unlink(path);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* Contexts by name: one that does not exist, and one that cannot go. */
TEST_EACH(vcm_devices, u19_contexts_by_name, n_formats, format_name)
{
	struct physmem *memory;
	struct device *device;
	struct avcm *avcm;
	struct vcm *vcm;
	struct res *res;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("vcodec_stream", formats[each], VC_DEVICE_TRANSLATED);
	CHECK(!vcm_get_device("vcodec"));
	CHECK(!vcm_get_device(""));
	CHECK(!vcm_get_device(NULL));
	CHECK_EQ(vcm_get_device("vcodec_stream"), device);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	CHECK_EQ(vc_device_destroy(vcm_device(device)), -EBUSY); /* active */
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vc_device_destroy(vcm_device(device)), -EBUSY); /* its table has entries */
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vc_device_destroy(vcm_device(device)), 0);
	CHECK(!vcm_get_device("vcodec_stream"));
	CHECK_EQ(vc_device_destroy(vcm_device(device)), -EINVAL);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory) | vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* A platform's own address spaces, by number. */
static struct vcm *make_video(void *data)
{
	++*(unsigned int *)data;
	return vcm_create(0x10000000, 64 * M);
}

TEST(vcm_devices, prebuilt_address_spaces)
{
	unsigned int made = 0;
	struct vcm *window[2], *video;

	CHECK_EQ(vcm_sys_init(), 0);
	window[0] = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	window[1] = vcm_create_from_prebuilt(VCM_PREBUILT_USER);
	CHECK(window[0] && window[1]);
	CHECK(vcm_get_start_addr(window[0]) != vcm_get_start_addr(window[1]));
	CHECK(!vcm_create_from_prebuilt(7));
	CHECK_EQ(vcm_register_prebuilt(VCM_PREBUILT_USER, make_video, &made), -EINVAL);
	CHECK_EQ(vcm_register_prebuilt(7, make_video, &made), 0);
	video = vcm_create_from_prebuilt(7);
	CHECK_EQ(made, 1);
	CHECK_EQ(vcm_get_start_addr(video), 0x10000000);
	for (size_t id = 100; id < 115; id++)
		CHECK_EQ(vcm_register_prebuilt(id, make_video, &made), 0);
	CHECK_EQ(vcm_register_prebuilt(115, make_video, &made), -ENOSPC);
	for (size_t id = 100; id < 115; id++)
		CHECK_EQ(vcm_register_prebuilt(id, NULL, NULL), 0);
	CHECK_EQ(vcm_register_prebuilt(7, NULL, NULL), 0);
	CHECK(!vcm_create_from_prebuilt(7));
	CHECK_EQ(vcm_free(video) | vcm_free(window[0]) | vcm_free(window[1]), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* The letter of 2010 for a pointer that is none. */
TEST(vcm_devices, error_pointers_in_strict_mode)
{
	struct vcm *vcm;
	struct res *res;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0, M);
	res = vcm_reserve(vcm, 4 * K, 0);
	CHECK(!vcm_get_physmem_from_res(res));
	CHECK_EQ(vcm_compat(VCM_STRICT), VCM_RELAXED);
	CHECK_EQ((intptr_t)vcm_get_physmem_from_res(res), -ENOMEM);
	CHECK_EQ((intptr_t)vcm_get_physmem_from_res(NULL), -EINVAL);
	CHECK_EQ(vcm_get_memtype_of_res(res), VCM_INVALID);
	CHECK_EQ(vcm_compat(VCM_RELAXED), VCM_STRICT);
	CHECK_EQ(vcm_unreserve(res) | vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* The word that a device's table has for an address. */
static uint64_t word_at(struct device *device, vcm_addr_t address)
{
	struct vc_fault record;

	CHECK_EQ(vc_device_translate(vcm_device(device), address, PT_ACCESS_READ | PT_ACCESS_PRIV, NULL, &record), 0);
	return record.walk.leaf.raw[0];
}

/* The first mapping is not shareable; when a second mapper appears, the shareable bit is set in all. */
TEST(vcm_devices, u28_shareable_only_when_shared)
{
	/* 64 KiB at 0x81000000, readable and writable, write-back: S is bit 10, SH bits 9:8 */
	static const uint64_t alone[] = {0x8100983d, 0x0070000081000c47}, shared[] = {0x81009c3d, 0x0070000081000f47};

	for (int first = 0; first < 2; first++) {
		struct device *device[2];
		struct physmem *memory;
		struct vcm *vcm[2];
		struct avcm *avcm[2];
		struct res *res[2];

		CHECK_EQ(vcm_sys_init(), 0);
		memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
		for (int i = 0; i < 2; i++) {
			device[i] = scene_device(i ? "display" : "decoder", formats[i ^ first], VC_DEVICE_TRANSLATED);
			vcm[i] = vcm_create(0, 64 * M);
			avcm[i] = scene_join(vcm[i], device[i]);
			res[i] = vcm_reserve(vcm[i], 64 * K, VCM_WB_WA | VCM_UNSHARED);
		}
		CHECK_EQ(vcm_back(res[0], memory), 0);
		CHECK_EQ(word_at(device[0], vcm_get_dev_addr(res[0])), alone[first]);
		CHECK_EQ(vcm_back(res[1], memory), 0);
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(word_at(device[i], vcm_get_dev_addr(res[i])), shared[i ^ first]);
			CHECK_EQ(vcm_check(vcm[i], stdout), 0);
		}
		/* Shared once is shared until it is unmapped; mapped anew it is one mapper's again. */
		CHECK_EQ(vcm_unback(res[1]), 0);
		CHECK_EQ(word_at(device[0], vcm_get_dev_addr(res[0])), shared[first]);
		CHECK_EQ(vcm_unback(res[0]) | vcm_back(res[0], memory), 0);
		CHECK_EQ(word_at(device[0], vcm_get_dev_addr(res[0])), alone[first]);
		CHECK_EQ(vcm_unback(res[0]), 0);
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(vcm_unreserve(res[i]), 0);
			scene_leave(avcm[i]);
			CHECK_EQ(vcm_free(vcm[i]), 0);
		}
		CHECK_EQ(vcm_phys_free(memory), 0);
		CHECK_EQ(vcm_sys_destroy(), 0);
	}
}

/* Without the attribute, memory is shareable from its first mapping on: nothing that is coherent stops being so. */
TEST(vcm_devices, shareable_by_default)
{
	static const uint64_t shared[] = {0x81009c3d, 0x0070000081000f47};

	for (size_t i = 0; i < 2; i++) {
		struct device *device;
		struct physmem *memory;
		struct avcm *avcm;
		struct vcm *vcm;
		struct res *res;

		CHECK_EQ(vcm_sys_init(), 0);
		device = scene_device("decoder", formats[i], VC_DEVICE_TRANSLATED);
		vcm = vcm_create(0, 64 * M);
		avcm = scene_join(vcm, device);
		memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
		res = vcm_reserve(vcm, 64 * K, VCM_WB_WA);
		CHECK_EQ(vcm_back(res, memory), 0);
		CHECK_EQ(word_at(device, vcm_get_dev_addr(res)), shared[i]);
		/* What was said when it was made stays. */
		CHECK_EQ(vcm_set_res_attr(res, VCM_WB_WA | VCM_UNSHARED), -EINVAL);
		CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
		scene_leave(avcm);
		CHECK_EQ(vcm_free(vcm) | vcm_phys_free(memory), 0);
		CHECK_EQ(vcm_sys_destroy(), 0);
	}
}

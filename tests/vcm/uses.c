/* SPDX-License-Identifier: MIT */
/*
 * The uses of the proposal of 2010 that need nothing but its own functions; see scenarios.c for the others, and
 * contexts.c for those of Samsung's rework.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "registry.h"
#include "support/scene.h"
#include "test.h"
#include "x86_64.h"

/* What a reservation stands for at an offset, by the blocks of its memory. */
static vcm_paddr_t block_at(struct physmem *memory, size_t offset)
{
	vcm_paddr_t pa = 0;
	size_t length = 0, first = 0;

	while ((pa = vcm_get_next_phys_addr(memory, pa, &length)) != 0) {
		if (offset < first + length)
			return pa + (offset - first);
		first += length;
	}
	return 0;
}

TEST(vcm_uses, u1_one_device)
{
	const struct pt_format *const formats[] = {&armv7_short_format, &x86_64_format};

	for (int i = 0; i < 2; i++) {
		struct device *device;
		struct vcm *vcm;
		struct avcm *avcm;
		struct res *res;
		struct physmem *memory;

		CHECK_EQ(vcm_sys_init(), 0);
		device = scene_device("device", formats[i], VC_DEVICE_TRANSLATED);
		vcm = vcm_create(0x1000, 64 * M);
		avcm = vcm_assoc(vcm, device, 0);
		CHECK_EQ(vcm_is_active(avcm), 0);
		CHECK_EQ(vcm_activate(avcm), 0);
		CHECK_EQ(vcm_is_active(avcm), 1);
		res = vcm_reserve(vcm, 1 * M + 68 * K, 0);
		memory = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M + 68 * K, VCM_ALL);
		CHECK_EQ(vcm_back(res, memory), 0);
		for (size_t at = 0; at < 1 * M + 68 * K; at += 4 * K) {
			CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(res) + at), block_at(memory, at));
			CHECK(scene_write(device, vcm_get_dev_addr(res) + at, (uint32_t)at));
		}
		CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + 1 * M + 68 * K), SCENE_FAULT);
		CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) - 4), SCENE_FAULT);
		CHECK(vcm_get_pgtbl_pa(vcm) != 0 && vcm_get_pgtbl_pa(vcm) == vcm_get_pgtbl_pa_for(avcm));
		scene_check(vcm);
		CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
		scene_leave(avcm);
		CHECK_EQ(vcm_free(vcm) | vcm_sys_destroy(), 0);
	}
}

TEST(vcm_uses, u2_the_cpu_looks_too)
{
	struct device *device, *cpu;
	struct vcm *vcm, *window;
	struct avcm *avcm[2];
	struct res *res, *view;
	struct physmem *memory;
	volatile uint32_t *pointer;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_decoder();
	cpu = scene_device("cpu", NULL, VC_DEVICE_CPU);
	vcm = vcm_create(0, 64 * M);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	avcm[0] = scene_join(vcm, device);
	avcm[1] = scene_join(window, cpu);
	CHECK(!vcm_assoc(window, cpu, 0)); /* a region of the CPU has one association */
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 192 * K, VCM_64KB);
	res = vcm_reserve(vcm, 192 * K, 0);
	view = vcm_reserve(window, 192 * K, 0);
	CHECK_EQ(vcm_back(res, memory) | vcm_back(view, memory), 0);
	pointer = (volatile uint32_t *)(uintptr_t)vcm_get_dev_addr(view);
	for (uint32_t at = 0; at < 192 * K; at += 4 * K) {
		pointer[at / 4] = at + 1;
		CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + at), at + 1);
		CHECK(scene_write(device, vcm_get_dev_addr(res) + at, at + 2));
		CHECK_EQ(pointer[at / 4], at + 2);
	}
	/* unbacked and backed again, at the same address */
	CHECK_EQ(vcm_unback(view), 0);
	CHECK_EQ(vcm_back(view, memory), 0);
	CHECK_EQ(pointer[0], 2);
	CHECK_EQ(vcm_unback(res) | vcm_unback(view) | vcm_unreserve(res) | vcm_unreserve(view) | vcm_phys_free(memory),
		 0);
	scene_leave(avcm[0]);
	scene_leave(avcm[1]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(window) | vcm_sys_destroy(), 0);
}

/* Devices of every format in one region: they agree on every address; and all or none get what is backed. */
TEST(vcm_uses, u5_many_devices_one_region)
{
	struct device *device[64];
	struct avcm *avcm[64];
	struct vcm *vcm;
	struct res *res;
	struct physmem *memory;
	struct vc_region_info info;
	size_t n = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0, 64 * M);
	for (size_t i = 0; i < pt_n_formats && n < 64; i++) {
		device[n] = scene_device(pt_formats[i]->name, pt_formats[i], VC_DEVICE_TRANSLATED);
		avcm[n] = vcm_assoc(vcm, device[n], 0);
		CHECK_MSG(avcm[n], "%s", vc_error_string());
		n++;
	}
	CHECK_EQ(vc_region_info(vcm_region(vcm), &info), 0);
	res = vcm_reserve(vcm, 1 * M, 0);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 1 * M, VCM_1MB);
	for (size_t i = 0; i + 1 < n; i++)
		CHECK_MSG(!vcm_activate(avcm[i]), "%s", vc_error_string());
	CHECK_EQ(vcm_compat(VCM_STRICT), VCM_RELAXED);
	CHECK_EQ(vcm_back(res, memory), -EAGAIN); /* the last one is not active */
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(scene_read(device[i], vcm_get_dev_addr(res)), SCENE_FAULT);
	CHECK_EQ(vcm_activate(avcm[n - 1]), 0);
	CHECK_MSG(!vcm_back(res, memory), "%s", vc_error_string());
	for (size_t i = 0; i < n; i++) {
		CHECK(scene_write(device[i], vcm_get_dev_addr(res) + 64 * i, (uint32_t)i));
		for (size_t k = 0; k < n; k++)
			CHECK_EQ(scene_read(device[k], vcm_get_dev_addr(res) + 64 * i), i);
	}
	scene_check(vcm);
	CHECK_EQ(vcm_compat(VCM_RELAXED), VCM_STRICT);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	while (n)
		scene_leave(avcm[--n]);
	CHECK_EQ(vcm_free(vcm) | vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u6_many_regions_one_device)
{
	struct device *device;
	struct vcm *vcm[2];
	struct avcm *avcm[2];
	struct res *res[2];
	struct physmem *memory[2];

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_display();
	for (int i = 0; i < 2; i++) {
		vcm[i] = vcm_create(0x100000, 16 * M);
		avcm[i] = vcm_assoc(vcm[i], device, 0);
		res[i] = vcm_reserve_at(VCM_START, vcm[i], 64 * K, 0);
		memory[i] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
		CHECK_EQ(vcm_back(res[i], memory[i]), 0);
	}
	CHECK_EQ(vcm_activate(avcm[0]), 0);
	CHECK_EQ(vcm_activate(avcm[1]), -EBUSY);
	CHECK(scene_write(device, 0x100000, 1));
	CHECK_EQ(vcm_deactivate(avcm[0]), 0);
	CHECK_EQ(vcm_deactivate(avcm[0]), -ENOENT);
	CHECK_EQ(vcm_activate(avcm[1]), 0);
	CHECK_EQ(scene_read(device, 0x100000), 0);
	CHECK(scene_write(device, 0x100000, 2));
	CHECK_EQ(vcm_deactivate(avcm[1]) | vcm_activate(avcm[0]), 0);
	CHECK_EQ(scene_read(device, 0x100000), 1);
	CHECK_EQ(vcm_deactivate(avcm[0]), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]) | vcm_phys_free(memory[i]), 0);
		CHECK_EQ(vcm_deassoc(avcm[i]) | vcm_free(vcm[i]), 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u7_one_table_for_equals)
{
	struct device *device[3];
	struct avcm *avcm[3];
	struct vcm *vcm;
	struct vc_region_info info;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_device("a", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	device[1] = scene_device("b", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	device[2] = scene_device("c", &armv7_short_format, VC_DEVICE_TRANSLATED);
	vcm = vcm_create(0, 64 * M);
	for (int i = 0; i < 3; i++)
		avcm[i] = scene_join(vcm, device[i]);
	CHECK_EQ(vcm_get_pgtbl_pa_for(avcm[0]), vcm_get_pgtbl_pa_for(avcm[1]));
	CHECK(vcm_get_pgtbl_pa_for(avcm[0]) != vcm_get_pgtbl_pa_for(avcm[2]));
	CHECK_EQ(vc_region_info(vcm_region(vcm), &info), 0);
	CHECK_EQ(info.tables, 2);
	for (int i = 0; i < 3; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vc_region_info(vcm_region(vcm), &info), 0);
	CHECK_EQ(info.tables, 0);
	CHECK_EQ(vcm_free(vcm) | vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u8_u16_u27_aliases_of_one_memory)
{
	struct device *device[2];
	struct avcm *avcm[2];
	struct vcm *vcm;
	struct res *res[3], *at = NULL;
	struct physmem *memory;
	vcm_paddr_t pa;
	size_t n = 0, length = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_decoder();
	device[1] = scene_display();
	vcm = vcm_create(0, 64 * M);
	for (int i = 0; i < 2; i++)
		avcm[i] = scene_join(vcm, device[i]);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	pa = vcm_get_next_phys_addr(memory, 0, &length);
	res[0] = vcm_reserve(vcm, 64 * K, VCM_READ | VCM_WRITE);
	res[1] = vcm_reserve(vcm, 64 * K, VCM_READ);
	res[2] = vcm_reserve(vcm, 64 * K, VCM_READ | VCM_WRITE | VCM_WB_WA);
	CHECK_EQ(vcm_back(res[0], memory) | vcm_back(res[1], memory), 0); /* rights may differ, */
	CHECK_EQ(vcm_back(res[2], memory), -EINVAL);			  /* how it is cached may not */
	CHECK(strstr(vc_last_error()->reason, "reservation"));		  /* and both are named */
	CHECK_EQ(vcm_get_phys_num_res(pa + 100), 2);
	while ((at = vcm_get_next_phys_res(pa + 100, at, &length)) != NULL) {
		CHECK(at == res[0] || at == res[1]);
		CHECK_EQ(length, 64 * K);
		n++;
	}
	CHECK_EQ(n, 2);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res[0]), 3));
	CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res[1])), 3);
	CHECK(!scene_write(device[1], vcm_get_dev_addr(res[1]), 4));
	CHECK_EQ(vcm_unback(res[0]), 0);
	CHECK_EQ(vcm_phys_free(memory), -EBUSY);
	CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res[1])), 3);
	CHECK_EQ(vcm_unback(res[1]), 0);
	CHECK_EQ(vcm_back(res[2], memory), 0); /* nobody else has it now */
	CHECK_EQ(vcm_unback(res[2]) | vcm_phys_free(memory), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vcm_unreserve(res[i]), 0);
	for (int i = 0; i < 2; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vcm_free(vcm) | vcm_sys_destroy(), 0);
}

/* Types: which pools, in which order; what is used up falls to the next pool of the type, and never leaves the type. */
TEST(vcm_uses, u9_u23_memory_types_and_fragmentation)
{
	static const struct vc_span ram[] = {{0x38000000, 64 * 1048576}, {0x40000000, 64 * 1048576}};
	static const struct vc_pool_config pools[] = {
		{"SMI 1M", 0x38000000, 8 * 1048576, 20},
		{"SMI 64K", 0x38800000, 1048576, 16},
		{"EBI 1M", 0x40000000, 4 * 1048576, 20},
		{"EBI 4K", 0x40400000, 1048576, 12},
	};
	static const struct vc_type_config types[] = {
		{.pools = {0, 1}, .n_pools = 2},
		{.pools = {0, 2, 1, 3}, .n_pools = 4},
	};
	const struct vc_system_config config = {.ram = ram,
						.n_ram = 2,
						.pools = pools,
						.n_pools = 4,
						.types = types,
						.n_types = 2,
						.tables = {0x42000000, 1048576},
						.cpu_window_bytes = 64 * M};
	struct physmem *first, *second, *pages[256];
	struct vc_pool_info info;
	vcm_paddr_t pa = 0;
	size_t length = 0, n = 0;

	CHECK_EQ(vcm_sys_init_config(&config), 0);
	first = vcm_phys_alloc(VCM_MEMTYPE_0, 6 * M, VCM_ALL);
	CHECK_EQ(vcm_get_memtype_of_physalloc(first), VCM_MEMTYPE_0);
	second = vcm_phys_alloc(VCM_MEMTYPE_1, 5 * M, VCM_ALL);
	while ((pa = vcm_get_next_phys_addr(second, pa, &length)) != 0) {
		CHECK_EQ(length, 1 * M);
		CHECK(n < 2 ? pa < 0x38800000 : pa >= 0x40000000); /* two are left there, the rest is elsewhere */
		n++;
	}
	CHECK_EQ(n, 5);
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 2 * M, VCM_1MB)); /* the other type has one: it is not taken */
	CHECK_EQ(vc_last_error()->code, -ENOSPC);
	/* small blocks come from their own pool: the large ones are not broken up */
	while (n < 256 + 5 && (pages[n - 5] = vcm_phys_alloc(VCM_MEMTYPE_1, 4 * K, VCM_4KB)) != NULL)
		n++;
	CHECK_EQ(n, 256 + 5);
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_1, 4 * K, VCM_4KB));
	CHECK_EQ(vcm_phys_free(first), 0);
	first = vcm_phys_alloc(VCM_MEMTYPE_0, 6 * M, VCM_1MB);
	CHECK(first);
	CHECK_EQ(vcm_sys_destroy(), -1); /* memory is allocated */
	for (size_t i = 0; i < 256; i++)
		CHECK_EQ(vcm_phys_free(pages[i]), 0);
	CHECK_EQ(vcm_phys_free(first) | vcm_phys_free(second), 0);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(vc_system_pool(vcm_system(), i, &info), 0);
		CHECK_EQ(info.used, 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

struct paging {
	struct vcm *vcm;
	struct physmem *memory;
	struct res *res;
	unsigned int calls;
	bool map;
};

static int on_fault(struct device *device, void *data, void *fault_data)
{
	struct paging *paging = data;
	const struct vc_fault *fault = fault_data;

	CHECK_EQ((struct vc_device *)(void *)device, fault->device);
	CHECK_EQ(fault->kind, PT_FAULT_ABSENT);
	CHECK_EQ(fault->access & PT_ACCESS_WRITE, PT_ACCESS_WRITE);
	CHECK(fault->walk.n_steps > 0 && fault->level[0]);
	paging->calls++;
	/* demand paging: the hook may map */
	return paging->map ? vcm_back(paging->res, paging->memory) : -1;
}

TEST(vcm_uses, u11_fault_hooks)
{
	struct device *device;
	struct avcm *avcm;
	struct paging paging = {.map = true};

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_decoder();
	paging.vcm = vcm_create(0, 64 * M);
	avcm = scene_join(paging.vcm, device);
	paging.res = vcm_reserve(paging.vcm, 64 * K, 0);
	paging.memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, 0);
	CHECK(!scene_write(device, vcm_get_dev_addr(paging.res), 1));
	CHECK_EQ(vcm_hook(device, on_fault, &paging), 0);
	CHECK(scene_write(device, vcm_get_dev_addr(paging.res), 1));
	CHECK_EQ(paging.calls, 1);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(paging.res)), 1);
	CHECK_EQ(vcm_unback(paging.res), 0);
	paging.map = false;
	CHECK(!scene_write(device, vcm_get_dev_addr(paging.res), 1));
	CHECK_EQ(paging.calls, 2);
	CHECK_EQ(vcm_hook(device, NULL, NULL), 0);
	CHECK(!scene_write(device, vcm_get_dev_addr(paging.res), 1));
	CHECK_EQ(paging.calls, 2);
	CHECK_EQ(vcm_unreserve(paging.res) | vcm_phys_free(paging.memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(paging.vcm) | vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u14_u15_clones_and_translation)
{
	struct vcm *vcm, *copy, *empty;
	struct res *res, *same;
	struct physmem *memory;
	vcm_addr_t address;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0x1000, 16 * M);
	empty = vcm_create(0, 16 * M);
	vcm_reserve(vcm, 4 * K, 0);
	res = vcm_reserve(vcm, 64 * K, VCM_READ);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_4KB);
	CHECK_EQ(vcm_back(res, memory), 0);
	address = vcm_get_dev_addr(res);
	copy = vcm_clone(vcm);
	CHECK(copy);
	same = vcm_get_res(address, copy);
	CHECK(same && same != res);
	CHECK_EQ(vcm_get_res_attr(same), VCM_READ);
	CHECK_EQ(vcm_get_physmem_from_res(same), memory);
	CHECK_EQ(vcm_translate(address + 0x1234, vcm, copy), address + 0x1234);
	CHECK_EQ(vcm_translate(address, vcm, empty), 1);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
	CHECK_EQ(vcm_get_physmem_from_res(same), memory); /* the copy is its own */
	CHECK_EQ(vcm_translate(address, vcm, copy), 1);
	CHECK_EQ(vcm_phys_free(memory), -EBUSY);
	CHECK_EQ(vcm_unback(same) | vcm_unreserve(same) | vcm_phys_free(memory), 0);
	CHECK_EQ(vcm_unreserve(vcm_get_next_res(vcm, NULL)) | vcm_unreserve(vcm_get_next_res(copy, NULL)), 0);
	CHECK_EQ(vcm_free(vcm) | vcm_free(copy) | vcm_free(empty) | vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u17_u20_memory_that_exists_and_pools_that_fill_again)
{
	struct device *device;
	struct avcm *avcm;
	struct vcm *vcm;
	struct res *res;
	struct physmem *registers;
	struct vc_pool_info info;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_display();
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	registers = vcm_map_phys_addr(0x83ff0000, 64 * K);
	CHECK(registers);
	CHECK_EQ(vcm_get_memtype_of_physalloc(registers), VCM_INVALID);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, registers), 0);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(res) + 8), 0x83ff0008);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res), 0);
	CHECK_EQ(vcm_sys_destroy(), -1); /* an allocation stands */
	CHECK_EQ(vcm_phys_free(registers), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(vc_system_pool(vcm_system(), i, &info), 0);
		CHECK_EQ(info.used, 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_uses, u22_one_giant_buffer)
{
	struct device *device[3];
	struct vcm *vcm, *window;
	struct avcm *avcm[3];
	struct res *res, *view;
	struct physmem *memory;
	uint64_t written;
	struct vc_table_info before, after;

	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_decoder();
	device[1] = scene_display();
	device[2] = scene_device("cpu", NULL, VC_DEVICE_CPU);
	vcm = vcm_create(0, 64 * M);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	avcm[2] = scene_join(window, device[2]);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 12 * M, VCM_1MB);
	res = vcm_reserve(vcm, 12 * M, 0);
	view = vcm_reserve(window, 12 * M, 0);
	CHECK_EQ(vcm_back(res, memory) | vcm_back(view, memory), 0);
	CHECK_EQ(vc_region_table(vcm_region(vcm), 0, &before), 0);
	/* passing it on is a signal: no table is written for it */
	for (uint32_t frame = 0; frame < 12; frame++) {
		CHECK(scene_write(device[0], vcm_get_dev_addr(res) + frame * M + 12, frame));
		CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res) + frame * M + 12), frame);
		CHECK_EQ(*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(view) + frame * M + 12), frame);
	}
	CHECK_EQ(vc_region_table(vcm_region(vcm), 0, &after), 0);
	written = after.written - before.written;
	CHECK_EQ(written, 0);
	CHECK_EQ(vcm_unback(res) | vcm_unback(view) | vcm_unreserve(res) | vcm_unreserve(view) | vcm_phys_free(memory),
		 0);
	for (int i = 0; i < 3; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(window) | vcm_sys_destroy(), 0);
}

/* A processor with another system on it, as one more device: a process that shares the memory by its file. */
TEST(vcm_uses, u29_a_remote_processor)
{
	char path[] = "/tmp/vcm-remote-XXXXXX";
	struct vc_system_config config = vc_default_config;
	struct device *device;
	struct avcm *avcm;
	struct vcm *vcm;
	struct res *res;
	struct physmem *memory;
	vcm_paddr_t pa;
	size_t length;
	pid_t remote;
	int status, file = mkstemp(path);

	CHECK(file >= 0);
	config.file = path;
	CHECK_EQ(vcm_sys_init_config(&config), 0);
	device = scene_decoder();
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK(scene_write(device, vcm_get_dev_addr(res), 41));
	pa = vcm_get_next_phys_addr(memory, 0, &length);
	remote = fork();
	if (remote == 0) {
		/* it knows the file and the physical address, and nothing else of this process */
		uint32_t value = 0;
		off_t offset = (off_t)(pa - vc_default_config.ram[0].pa);
		bool fine = pread(file, &value, 4, offset) == 4 && value == 41;

		value++;
		_exit(fine && pwrite(file, &value, 4, offset) == 4 ? 0 : 1);
	}
	CHECK(remote > 0);
	CHECK_EQ(waitpid(remote, &status, 0), remote);
	CHECK_EQ(status, 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res)), 42);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm) | vcm_sys_destroy(), 0);
	close(file);
	unlink(path);
}

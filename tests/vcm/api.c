/* SPDX-License-Identifier: MIT */
/* The API of 2010, with the returns of 2010, on a format written by hand. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/mock.h"
#include "test.h"
#include "vcm.h"

#define SZ_4K  ((size_t)4 << 10)
#define SZ_64K ((size_t)64 << 10)
#define SZ_1M  ((size_t)1 << 20)
#define SZ_16M ((size_t)16 << 20)

static struct device *make_device(const char *name, int64_t blocks)
{
	struct vc_device_config config = {.name = name, .format = &mock_format};
	struct vc_device *device;
	struct pt_config table;

	pt_config_init(&table);
	table.param[MOCK_PARAM_BLOCKS] = blocks;
	config.config = &table;
	CHECK_EQ(vc_device_create(vcm_system(), &config, &device), 0);
	return vcm_get_device(name);
}

static struct device *make_cpu(void)
{
	struct vc_device_config config = {.name = "cpu", .kind = VC_DEVICE_CPU};
	struct vc_device *device;

	CHECK_EQ(vc_device_create(vcm_system(), &config, &device), 0);
	return vcm_get_device("cpu");
}

TEST(vcm_api, without_a_system)
{
	CHECK(!vcm_create(0, SZ_1M));
	CHECK_EQ(vc_last_error()->code, -EINVAL);
	CHECK(!vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL));
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, SZ_1M, 0));
	CHECK_EQ(vcm_get_phys_num_res(0x80000000), 0);
	CHECK_EQ(vcm_sys_destroy(), -1);
	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vcm_sys_init(), -1);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* Error values of every function, for no handle and for one of the wrong kind. */
TEST(vcm_api, error_values)
{
	struct vcm *vcm;
	struct res *res;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0x1000, SZ_16M);
	res = (struct res *)(void *)vcm;
	CHECK_EQ(vcm_get_start_addr(NULL), 1);
	CHECK_EQ(vcm_get_len(NULL), 0);
	CHECK_EQ(vcm_free(NULL), -EINVAL);
	CHECK(!vcm_reserve(NULL, SZ_4K, 0));
	CHECK(!vcm_reserve(vcm, 0, 0));
	CHECK(!vcm_reserve(vcm, SZ_4K, 4)); /* a cache policy of no meaning */
	CHECK(!vcm_reserve(vcm, SZ_4K, UINT32_C(1) << 20));
	CHECK(!vcm_reserve_at((enum memtarget_t)1, vcm, SZ_4K, 0));
	CHECK_EQ(vcm_unreserve(res), -EINVAL);
	CHECK(!vcm_get_vcm_from_res(res));
	CHECK_EQ(vcm_get_res_len(res), 0);
	CHECK_EQ(vcm_set_res_attr(res, 0), -EINVAL);
	CHECK_EQ(vcm_get_res_attr(res), 0);
	CHECK_EQ(vcm_get_num_res(NULL), 0);
	CHECK(!vcm_get_next_res(NULL, NULL));
	CHECK(!vcm_get_next_res(vcm, NULL));
	CHECK_EQ(vcm_res_copy(res, 0, res, 0, 1), 0);
	CHECK(!vcm_get_res(0x1000, vcm));
	CHECK_EQ(vcm_get_dev_addr(res), 1);
	CHECK(!vcm_phys_alloc(VCM_INVALID, SZ_4K, 0));
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, SZ_4K, UINT32_C(1) << 31));
	CHECK_EQ(vcm_phys_free(NULL), -EINVAL);
	CHECK(!vcm_map_phys_addr(0x1001, SZ_4K));
	CHECK_EQ(vcm_back(res, NULL), -EINVAL);
	CHECK_EQ(vcm_unback(res), -EINVAL);
	CHECK(!vcm_get_physmem_from_res(res));
	CHECK_EQ(vcm_get_memtype_of_physalloc(NULL), VCM_INVALID);
	CHECK_EQ(vcm_get_next_phys_addr(NULL, 0, NULL), 0);
	CHECK(!vcm_get_next_phys_res(0x80000000, NULL, NULL));
	CHECK_EQ(vcm_get_cont_memtype_pa(VCM_MEMTYPE_1), 0);
	CHECK_EQ(vcm_get_cont_memtype_len(VCM_MEMTYPE_1), 0);
	CHECK(!vcm_assoc(vcm, NULL, 0));
	CHECK_EQ(vcm_deassoc(NULL), -EINVAL);
	CHECK_EQ(vcm_set_assoc_attr(NULL, 0), -EINVAL);
	CHECK_EQ(vcm_get_assoc_attr(NULL), 0);
	CHECK_EQ(vcm_activate(NULL), -EINVAL);
	CHECK_EQ(vcm_deactivate(NULL), -EINVAL);
	CHECK_EQ(vcm_is_active(NULL), -EINVAL);
	CHECK_EQ(vcm_translate(0x1000, vcm, vcm), 1);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(NULL, 0), 1);
	CHECK_EQ(vcm_get_pgtbl_pa(vcm), 0);
	CHECK_EQ(vcm_get_pgtbl_pa_for(NULL), 0);
	CHECK(!vcm_create_from_prebuilt(7));
	CHECK_EQ(vcm_check(NULL, NULL), -EINVAL);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_api, constants)
{
	CHECK_EQ(VCM_ALIGN_4K, 0x3000);
	CHECK_EQ(VCM_ALIGN_64K, 0x4000);
	CHECK_EQ(VCM_ALIGN_16M, 0x6000);
	CHECK_EQ(VCM_ALIGN_1GB, 0x7800);
	CHECK_EQ(VCM_SUPERVISOR, 0x20);
	CHECK_EQ(VCM_USER, 0x40);
	CHECK_EQ(VCM_EXECUTE, 0x80);
	CHECK_EQ(VCM_WRITE, 0x100);
	CHECK_EQ(VCM_READ, 0x200);
	CHECK_EQ(VCM_PAGE_SEL_MASK, VCM_ALL | VCM_1MB | VCM_64KB | VCM_4KB);
	CHECK_EQ(ALIGN_REQ_BYTES(SET_ALIGN_REQ_BYTES(VCM_ALL, 4)), SZ_64K);
	CHECK_EQ(vcm_get_min_page_size(), SZ_4K);
}

TEST(vcm_api, reservations)
{
	struct res *a, *b, *c;
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0x1000, SZ_16M);
	a = vcm_reserve(vcm, SZ_64K, VCM_ALIGN_64K);
	b = vcm_reserve(vcm, 5000, VCM_READ | VCM_WT);
	c = vcm_reserve_fixed(vcm, 0x40000, SZ_4K, 0);
	CHECK_EQ(vcm_get_dev_addr(a), 0x10000);
	CHECK_EQ(vcm_get_dev_addr(b), 0x1000);
	CHECK_EQ(vcm_get_dev_addr(c), 0x40000);
	CHECK_EQ(vcm_get_res_len(b), 0x2000);
	CHECK_EQ(vcm_get_res_attr(b), VCM_READ | VCM_WT);
	CHECK(vcm_get_vcm_from_res(b) == vcm);
	CHECK_EQ(vcm_get_num_res(vcm), 3);
	/* By address. */
	CHECK(vcm_get_next_res(vcm, NULL) == b);
	CHECK(vcm_get_next_res(vcm, b) == a);
	CHECK(vcm_get_next_res(vcm, a) == c);
	CHECK(!vcm_get_next_res(vcm, c));
	CHECK(vcm_get_res(0x10000, vcm) == a);
	CHECK(!vcm_get_res(0x11000, vcm));
	CHECK(!vcm_reserve_at(VCM_START, vcm, SZ_4K, 0));
	CHECK_EQ(vcm_unreserve(b), 0);
	b = vcm_reserve_at(VCM_START, vcm, SZ_4K, 0);
	CHECK_EQ(vcm_get_dev_addr(b), 0x1000);
	CHECK_EQ(vcm_set_res_attr(b, VCM_ALIGN_64K), -EINVAL);
	CHECK_EQ(vcm_set_res_attr(a, VCM_ALIGN_64K | VCM_WB_WA | VCM_WRITE), 0);
	CHECK_EQ(vcm_get_res_attr(a), VCM_ALIGN_64K | VCM_WB_WA | VCM_WRITE);
	CHECK_EQ(vcm_free(vcm), -EBUSY);
	CHECK_EQ(vcm_unreserve(a), 0);
	CHECK_EQ(vcm_unreserve(b), 0);
	CHECK_EQ(vcm_unreserve(c), 0);
	/* Default alignment: by length. */
	a = vcm_reserve(vcm, SZ_64K, 0);
	b = vcm_reserve(vcm, SZ_1M, 0);
	c = vcm_reserve(vcm, SZ_4K, 0);
	CHECK_EQ(vcm_get_dev_addr(a), 0x10000);
	CHECK_EQ(vcm_get_dev_addr(b), 0x100000);
	CHECK_EQ(vcm_get_dev_addr(c), 0x1000);
	CHECK_EQ(vcm_unreserve(a), 0);
	CHECK_EQ(vcm_unreserve(b), 0);
	CHECK_EQ(vcm_unreserve(c), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_api, physical_memory)
{
	struct physmem *blocks, *piece, *registers;
	vcm_paddr_t at = 0;
	size_t len = 0, n = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vcm_get_cont_memtype_pa(VCM_MEMTYPE_0), 0x82000000);
	CHECK_EQ(vcm_get_cont_memtype_len(VCM_MEMTYPE_0), 8 * SZ_1M);
	/* 1 MiB + 64 KiB + 5000 bytes: 1, 1, 2 blocks. */
	blocks = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_1M + SZ_64K + 5000, VCM_ALL);
	while ((at = vcm_get_next_phys_addr(blocks, at, &len))) {
		static const vcm_paddr_t expected[] = {0x80000000, 0x81000000, 0x81800000, 0x81801000};

		CHECK(n < 4);
		CHECK_EQ(at, expected[n]);
		CHECK_EQ(len, n == 0 ? SZ_1M : n == 1 ? SZ_64K : SZ_4K);
		n++;
	}
	CHECK_EQ(n, 4);
	CHECK_EQ(vcm_get_next_phys_addr(blocks, 0x12345, &len), 0);
	CHECK_EQ(vcm_get_memtype_of_physalloc(blocks), VCM_MEMTYPE_0);
	/* The whole contiguous memory, then nothing more of it. */
	piece = vcm_phys_alloc(VCM_MEMTYPE_0, 8 * SZ_1M, VCM_PHYS_CONT);
	CHECK_EQ(vcm_get_next_phys_addr(piece, 0, &len), 0x82000000);
	CHECK_EQ(len, 8 * SZ_1M);
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, 1, VCM_PHYS_CONT));
	CHECK_EQ(vcm_phys_free(piece), 0);
	piece = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_4K, VCM_PHYS_CONT | SET_ALIGN_REQ_BYTES(UINT32_C(0), 8));
	CHECK_EQ(vcm_get_next_phys_addr(piece, 0, &len) % SZ_1M, 0);
	/* Every block of an aligned allocation is aligned: no 4 KiB blocks. */
	registers = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_4K, SET_ALIGN_REQ_BYTES(VCM_ALL, 4));
	CHECK_EQ(vcm_get_next_phys_addr(registers, 0, &len), 0x81010000);
	CHECK_EQ(len, SZ_64K);
	CHECK(!vcm_phys_alloc(VCM_MEMTYPE_0, SZ_4K, SET_ALIGN_REQ_BYTES(VCM_4KB, 4)));
	CHECK_EQ(vcm_phys_free(registers), 0);
	registers = vcm_map_phys_addr(0x10000000, SZ_64K);
	CHECK_EQ(vcm_get_memtype_of_physalloc(registers), VCM_INVALID);
	CHECK_EQ(vcm_sys_destroy(), -1);
	CHECK_EQ(vcm_phys_free(registers), 0);
	CHECK_EQ(vcm_phys_free(piece), 0);
	CHECK_EQ(vcm_phys_free(blocks), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* The letter of 2010, and the relaxed rules that are the default. */
TEST(vcm_api, strict_and_relaxed)
{
	struct physmem *physmem;
	struct device *device;
	struct avcm *avcm;
	struct res *res;
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	device = make_device("one", 0);
	vcm = vcm_create(0, SZ_16M);
	res = vcm_reserve(vcm, SZ_64K, 0);
	physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_64K, 0);
	CHECK_EQ(vcm_compat(VCM_STRICT), VCM_RELAXED);
	CHECK_EQ(vcm_back(res, physmem), -EINVAL);
	avcm = vcm_assoc(vcm, device, 5);
	CHECK_EQ(vcm_get_assoc_attr(avcm), 5);
	CHECK(!vcm_assoc(vcm, device, 0));
	CHECK_EQ(vcm_back(res, physmem), -EAGAIN);
	CHECK_EQ(vcm_activate(avcm), 0);
	CHECK_EQ(vcm_activate(avcm), -EBUSY);
	CHECK_EQ(vcm_set_assoc_attr(avcm, 4), -EBUSY);
	CHECK_EQ(vcm_back(res, physmem), 0);
	CHECK(vcm_get_physmem_from_res(res) == physmem);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deactivate(avcm), -ENOENT);
	CHECK_EQ(vcm_unback(res), -EAGAIN);
	CHECK_EQ(vcm_compat(VCM_RELAXED), VCM_STRICT);
	CHECK_EQ(vcm_compat(17), VCM_RELAXED);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vcm_unback(res), -EINVAL);
	CHECK_EQ(vcm_back(res, physmem), 0);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(res)), 1);
	CHECK_EQ(vcm_activate(avcm), 0);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(res) + 7), 0x81000007);
	CHECK_EQ(vcm_get_pgtbl_pa(vcm), vcm_get_pgtbl_pa_for(avcm));
	CHECK_EQ(vcm_check(vcm, stderr), 0);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_phys_free(physmem), 0);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* Rights: none means read and write; some means exactly those; SUPERVISOR alone is for privileged accesses. */
TEST(vcm_api, rights_are_enforced)
{
	static const struct {
		uint32_t attr;
		bool read, write, execute, privileged_only;
	} cases[] = {
		{0, true, true, false, false},
		{VCM_READ, true, false, false, false},
		{VCM_READ | VCM_EXECUTE, true, false, true, false},
		{VCM_READ | VCM_WRITE | VCM_SUPERVISOR, true, true, false, true},
		{VCM_READ | VCM_SUPERVISOR | VCM_USER, true, false, false, false},
	};
	struct vc_device *core;
	struct device *device;
	struct avcm *avcm;
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	device = make_device("one", 1);
	core = vcm_device(device);
	vcm = vcm_create(0, SZ_16M);
	avcm = vcm_assoc(vcm, device, 0);
	CHECK_EQ(vcm_activate(avcm), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct physmem *physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_4K, 0);
		struct res *res = vcm_reserve(vcm, SZ_4K, cases[i].attr);
		unsigned char byte = 0;

		CHECK_EQ(vcm_back(res, physmem), 0);
		for (unsigned int p = 0; p < 2; p++) {
			unsigned int access = p ? (unsigned int)PT_ACCESS_PRIV : 0;
			bool reachable = p || !cases[i].privileged_only;
			vcm_addr_t at = vcm_get_dev_addr(res);

			CHECK_EQ(vc_device_read(core, at, &byte, 1, access, NULL) == 0, reachable && cases[i].read);
			CHECK_EQ(vc_device_write(core, at, &byte, 1, access, NULL) == 0, reachable && cases[i].write);
			CHECK_EQ(vc_device_read(core, at, &byte, 1, access | PT_ACCESS_EXEC, NULL) == 0,
				 reachable && cases[i].execute);
		}
		CHECK_EQ(vcm_unback(res), 0);
		CHECK_EQ(vcm_unreserve(res), 0);
		CHECK_EQ(vcm_phys_free(physmem), 0);
	}
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* One memory, mapped by a device, twice by the CPU: real loads and stores; the reverse map lists all three. */
TEST(vcm_api, window_of_the_cpu)
{
	struct physmem *physmem, *other;
	struct res *res, *cpu_res[2], *next = NULL;
	volatile unsigned char *pointer[2];
	struct vcm *vcm, *cpu_vcm;
	struct device *device, *cpu;
	struct avcm *avcm, *cpu_avcm;
	unsigned char text[6];
	size_t len, n = 0;
	vcm_addr_t again;

	CHECK_EQ(vcm_sys_init(), 0);
	device = make_device("one", 1);
	cpu = make_cpu();
	vcm = vcm_create(0x1000, SZ_16M);
	cpu_vcm = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	CHECK(vcm_get_len(cpu_vcm) >= SZ_16M);
	avcm = vcm_assoc(vcm, device, 0);
	cpu_avcm = vcm_assoc(cpu_vcm, cpu, 0);
	CHECK(!vcm_assoc(cpu_vcm, device, 0));
	CHECK(!vcm_assoc(vcm, cpu, 0));
	CHECK_EQ(vcm_activate(avcm), 0);
	CHECK_EQ(vcm_activate(cpu_avcm), 0);
	physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_1M + SZ_64K, 0);
	res = vcm_reserve(vcm, SZ_1M + SZ_64K, 0);
	CHECK_EQ(vcm_back(res, physmem), 0);
	for (size_t i = 0; i < 2; i++) {
		cpu_res[i] = vcm_reserve(cpu_vcm, SZ_1M + SZ_64K, 0);
		CHECK_EQ(vcm_back(cpu_res[i], physmem), 0);
		pointer[i] = (volatile unsigned char *)(uintptr_t)vcm_get_dev_addr(cpu_res[i]);
		CHECK_EQ(pointer[i][SZ_1M], 0); /* memory comes cleared */
	}
	/* Across the border of the two blocks, which do not continue each other. */
	for (unsigned char i = 0; i < 6; i++)
		pointer[0][SZ_1M - 3 + i] = (unsigned char)(i + 1);
	for (unsigned char i = 0; i < 6; i++)
		CHECK_EQ(pointer[1][SZ_1M - 3 + i], i + 1);
	CHECK_EQ(vc_device_read(vcm_device(device), vcm_get_dev_addr(res) + SZ_1M - 3, text, 6, 0, NULL), 0);
	CHECK_MEM_EQ(text, "\1\2\3\4\5\6", 6);
	CHECK_EQ(vc_device_write(vcm_device(device), vcm_get_dev_addr(res) + SZ_1M - 1, "xy", 2, 0, NULL), 0);
	CHECK_EQ(pointer[0][SZ_1M - 1], 'x');
	CHECK_EQ(pointer[1][SZ_1M], 'y');
	/* The CPU as a device: the same memory, by the list. */
	CHECK_EQ(vc_device_read(vcm_device(cpu), vcm_get_dev_addr(cpu_res[1]) + SZ_1M - 1, text, 2, 0, NULL), 0);
	CHECK_MEM_EQ(text, "xy", 2);

	CHECK_EQ(vcm_get_phys_num_res(0x80000000 + 12345), 3);
	CHECK_EQ(vcm_get_phys_num_res(0x81000000), 3);
	CHECK_EQ(vcm_get_phys_num_res(0x81010000), 0);
	while ((next = vcm_get_next_phys_res(0x81000000, next, &len))) {
		CHECK(next == (n == 0 ? res : cpu_res[n - 1]));
		CHECK_EQ(len, SZ_1M + SZ_64K);
		n++;
	}
	CHECK_EQ(n, 3);
	/* Of several addresses the lowest. */
	CHECK_EQ(vcm_translate(vcm_get_dev_addr(res) + SZ_1M + 5, vcm, cpu_vcm),
		 (vcm_get_dev_addr(cpu_res[0]) < vcm_get_dev_addr(cpu_res[1]) ? vcm_get_dev_addr(cpu_res[0])
									      : vcm_get_dev_addr(cpu_res[1])) +
			 SZ_1M + 5);
	CHECK_EQ(vcm_translate(vcm_get_dev_addr(cpu_res[1]) + 9, cpu_vcm, vcm), vcm_get_dev_addr(res) + 9);

	/* A reservation keeps its address, and can be backed again. */
	again = vcm_get_dev_addr(cpu_res[0]);
	CHECK_EQ(vcm_unback(cpu_res[0]), 0);
	CHECK_EQ(vcm_get_phys_num_res(0x81000000), 2);
	other = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_1M + SZ_64K, 0);
	CHECK_EQ(vcm_back(cpu_res[0], other), 0);
	CHECK_EQ(vcm_get_dev_addr(cpu_res[0]), again);
	CHECK_EQ(pointer[0][SZ_1M - 1], 0);
	CHECK_EQ(vcm_back(cpu_res[0], physmem), -EADDRINUSE);
	/* Registers are nothing that this CPU can map. */
	CHECK_EQ(vcm_unback(cpu_res[0]), 0);
	CHECK_EQ(vcm_phys_free(other), 0);
	other = vcm_map_phys_addr(0x10000000, SZ_1M + SZ_64K);
	CHECK_EQ(vcm_back(cpu_res[0], other), -EOPNOTSUPP);
	CHECK_EQ(vcm_phys_free(other), 0);

	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vcm_unback(cpu_res[1]), 0);
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_unreserve(cpu_res[0]), 0);
	CHECK_EQ(vcm_unreserve(cpu_res[1]), 0);
	CHECK_EQ(vcm_phys_free(physmem), 0);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deactivate(cpu_avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_deassoc(cpu_avcm), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_free(cpu_vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

static unsigned int allocations_left;

static bool fail_one(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	return allocations_left == 0 || --allocations_left != 0;
}

/* May this process read there? */
static bool readable(vcm_addr_t address)
{
	int ends[2];
	bool good;

	CHECK_EQ(pipe(ends), 0);
	good = write(ends[1], (const void *)(uintptr_t)address, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return good;
}

/* The host refuses the second of two pieces: the first does not stay. Nothing is accessible but what is backed. */
TEST(vcm_api, window_all_or_nothing)
{
	struct physmem *physmem;
	vcm_addr_t address;
	struct res *res;
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	res = vcm_reserve(vcm, SZ_1M + SZ_64K, 0);
	physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_1M + SZ_64K, 0);
	address = vcm_get_dev_addr(res);
	for (unsigned int at = 1; at <= 2; at++) {
		allocations_left = at;
		vc_set_allocation_hook(fail_one, NULL);
		CHECK_EQ(vcm_back(res, physmem), -ENOMEM);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!readable(address));
		CHECK(!readable(address + SZ_1M));
	}
	CHECK_EQ(vcm_back(res, physmem), 0);
	CHECK(readable(address));
	CHECK(readable(address + SZ_1M + SZ_64K - 1));
	CHECK(!readable(address + SZ_1M + SZ_64K));
	CHECK_EQ(vcm_unback(res), 0);
	CHECK(!readable(address));
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_phys_free(physmem), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* vcm_res_copy() against memmove(), over blocks that do not continue each other, in one memory and between two. */
TEST(vcm_api, copy)
{
	static unsigned char model[2][0x14000], seen[0x14000];
	uint64_t random = test_seed();
	struct physmem *physmem[2];
	struct res *res[2];
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	for (size_t i = 0; i < 2; i++) {
		/* 64 KiB and four pages elsewhere; twenty pages in one piece. */
		physmem[i] = vcm_phys_alloc(VCM_MEMTYPE_0, sizeof(seen), i ? VCM_4KB : VCM_ALL);
		res[i] = vcm_reserve(vcm, sizeof(seen), 0);
		CHECK_EQ(vcm_res_copy(res[i], 0, res[i], 0, 1), 0);
		CHECK_EQ(vcm_back(res[i], physmem[i]), 0);
		for (size_t k = 0; k < sizeof(seen); k++)
			model[i][k] = (unsigned char)test_random(&random);
		memcpy((void *)(uintptr_t)vcm_get_dev_addr(res[i]), model[i], sizeof(seen));
	}
	for (unsigned int round = 0; round < 400; round++) {
		size_t a = (size_t)(test_random(&random) % 2), b = (size_t)(test_random(&random) % 2);
		size_t to = (size_t)(test_random(&random) % sizeof(seen));
		size_t from = (size_t)(test_random(&random) % sizeof(seen));
		size_t len = (size_t)(test_random(&random) % sizeof(seen)), fit = len;

		fit = fit < sizeof(seen) - to ? fit : sizeof(seen) - to;
		fit = fit < sizeof(seen) - from ? fit : sizeof(seen) - from;
		CHECK_EQ(vcm_res_copy(res[a], to, res[b], from, len), fit);
		memmove(model[a] + to, model[b] + from, fit);
		memcpy(seen, (const void *)(uintptr_t)vcm_get_dev_addr(res[a]), sizeof(seen));
		CHECK_MEM_EQ(seen, model[a], sizeof(seen));
	}
	CHECK_EQ(vcm_res_copy(res[0], sizeof(seen), res[1], 0, 1), 0);
	CHECK_EQ(vcm_set_res_attr(res[0], VCM_READ), 0);
	CHECK_EQ(vcm_res_copy(res[0], 0, res[1], 0, 1), 0);
	CHECK_EQ(vc_last_error()->code, -EACCES);
	CHECK_EQ(vcm_res_copy(res[1], 0, res[0], 0, 1), 1);
	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]), 0);
		CHECK_EQ(vcm_unreserve(res[i]), 0);
		CHECK_EQ(vcm_phys_free(physmem[i]), 0);
	}
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* ------------------------------------------------------------------------------------------------------------ dumps */

static char *dump(int (*function)(FILE *stream))
{
	FILE *file = tmpfile();
	char *text;
	long size;

	CHECK(file);
	CHECK_EQ(function(file), 0);
	size = ftell(file);
	CHECK(size > 0);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	CHECK_EQ(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return text;
}

TEST(vcm_api, dumps)
{
	json_t *root, *region, *reservation, *table;
	struct vc_device *named;
	struct vc_device_config config = {.name = "a<b>&\"c\"", .format = &mock_format};
	struct physmem *physmem;
	struct avcm *avcm;
	struct res *res, *empty;
	struct vcm *vcm;
	char *text;

	CHECK_EQ(vcm_sys_init(), 0);
	/* Nothing there yet: still a document and a drawing. */
	text = dump(vcm_dump_json);
	root = json_loads(text, 0, NULL);
	CHECK(root);
	CHECK_EQ(json_array_size(json_object_get(root, "regions")), 0);
	json_decref(root);
	free(text);

	CHECK_EQ(vc_device_create(vcm_system(), &config, &named), 0);
	vcm = vcm_create(0x1000, SZ_16M);
	avcm = vcm_assoc(vcm, vcm_get_device(config.name), 0);
	CHECK_EQ(vcm_activate(avcm), 0);
	res = vcm_reserve(vcm, 3 * SZ_64K, VCM_READ);
	empty = vcm_reserve(vcm, SZ_4K, 0);
	physmem = vcm_phys_alloc(VCM_MEMTYPE_0, 3 * SZ_64K, 0);
	CHECK_EQ(vcm_back(res, physmem), 0);

	text = dump(vcm_dump_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CHECK(root);
	region = json_array_get(json_object_get(root, "regions"), 0);
	CHECK_STR_EQ(json_string_value(json_object_get(region, "first")), "0x1000");
	CHECK_EQ(json_array_size(json_object_get(region, "reservations")), 2);
	reservation = json_array_get(json_object_get(region, "reservations"), 1);
	CHECK_STR_EQ(json_string_value(json_object_get(reservation, "address")), "0x10000");
	CHECK_STR_EQ(json_string_value(json_object_get(reservation, "rights")), "r---");
	CHECK_EQ(json_array_size(json_object_get(reservation, "backed_by")), 1); /* three blocks, one after the other */
	CHECK(!json_object_get(json_array_get(json_object_get(region, "reservations"), 0), "backed_by"));
	table = json_array_get(json_object_get(region, "tables"), 0);
	CHECK_STR_EQ(json_string_value(json_object_get(table, "format")), "mock");
	CHECK_EQ(json_integer_value(json_object_get(table, "tables")), 2);
	CHECK_STR_EQ(json_string_value(json_object_get(json_array_get(json_object_get(root, "devices"), 0), "name")),
		     config.name);
	json_decref(root);
	free(text);

	text = dump(vcm_dump_dot);
	CHECK(!strncmp(text, "digraph vcm {", 13));
	CHECK(strstr(text, "a&lt;b&gt;&amp;&quot;c&quot;"));
	CHECK(strstr(text, "0x81000000"));
	CHECK(strstr(text, "3 x 64 KiB"));
	CHECK(strstr(text, "not backed"));
	free(text);

	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vcm_unreserve(res), 0);
	CHECK_EQ(vcm_unreserve(empty), 0);
	CHECK_EQ(vcm_phys_free(physmem), 0);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* ------------------------------------------------------------------------------------------------ faults and clones */

struct on_fault {
	struct res *res;
	struct physmem *physmem;
	unsigned int calls;
	int answer;
};

static int fault_handler(struct device *dev, void *data, void *fault_data)
{
	const struct vc_fault *fault = fault_data;
	struct on_fault *it = data;

	CHECK(dev == (struct device *)fault->device);
	CHECK_EQ(fault->address, vcm_get_dev_addr(it->res));
	CHECK_STR_EQ(fault->kind_name, "absent");
	it->calls++;
	if (!it->answer)
		CHECK_EQ(vcm_back(it->res, it->physmem), 0);
	return it->answer;
}

TEST(vcm_api, fault_hook)
{
	struct on_fault it = {.answer = 1};
	struct device *device;
	struct avcm *avcm;
	struct vcm *vcm;

	CHECK_EQ(vcm_sys_init(), 0);
	device = make_device("one", 0);
	vcm = vcm_create(0x1000, SZ_16M);
	avcm = vcm_assoc(vcm, device, 0);
	CHECK_EQ(vcm_activate(avcm), 0);
	it.res = vcm_reserve(vcm, SZ_64K, 0);
	it.physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_64K, 0);
	CHECK_EQ(vcm_hook(NULL, fault_handler, &it), -EINVAL);
	CHECK_EQ(vcm_hook(device, fault_handler, &it), 0);
	/* Terminate. */
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(it.res)), 1);
	CHECK_EQ(it.calls, 1);
	/* Map, and retry. */
	it.answer = 0;
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(it.res)), 0x81000000);
	CHECK_EQ(it.calls, 2);
	CHECK_EQ(vcm_hook(device, NULL, NULL), 0);
	CHECK_EQ(vcm_unback(it.res), 0);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(it.res)), 1);
	CHECK_EQ(it.calls, 2);
	CHECK_EQ(vcm_unreserve(it.res), 0);
	CHECK_EQ(vcm_phys_free(it.physmem), 0);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_api, clone)
{
	struct res *res[3], *copies[3];
	struct physmem *physmem;
	struct vcm *vcm, *copy = NULL, *cpu;
	struct device *device;
	struct avcm *avcm;
	unsigned int failures = 0;

	CHECK_EQ(vcm_sys_init(), 0);
	device = make_device("one", 1);
	vcm = vcm_create(0x1000, SZ_16M);
	avcm = vcm_assoc(vcm, device, 0);
	CHECK_EQ(vcm_activate(avcm), 0);
	physmem = vcm_phys_alloc(VCM_MEMTYPE_0, SZ_64K, 0);
	for (size_t i = 0; i < 3; i++)
		res[i] = vcm_reserve(vcm, SZ_64K, i == 2 ? VCM_READ : 0);
	CHECK_EQ(vcm_back(res[0], physmem), 0);
	CHECK_EQ(vcm_back(res[2], physmem), 0);
	for (unsigned int at = 1; !copy; at++) {
		allocations_left = at;
		vc_set_allocation_hook(fail_one, NULL);
		copy = vcm_clone(vcm);
		vc_set_allocation_hook(NULL, NULL);
		failures += !copy;
		CHECK_EQ(vcm_get_phys_num_res(0x81000000), copy ? 4 : 2);
	}
	CHECK(failures >= 7);
	CHECK_EQ(vcm_get_start_addr(copy), 0x1000);
	CHECK_EQ(vcm_get_len(copy), SZ_16M);
	CHECK_EQ(vcm_get_num_res(copy), 3);
	for (size_t i = 0; i < 3; i++) {
		copies[i] = vcm_get_res(vcm_get_dev_addr(res[i]), copy);
		CHECK(copies[i] && copies[i] != res[i]);
		CHECK_EQ(vcm_get_res_attr(copies[i]), vcm_get_res_attr(res[i]));
		CHECK(vcm_get_physmem_from_res(copies[i]) == (i == 1 ? NULL : physmem));
	}
	/* Changes of one are not seen in the other. */
	CHECK_EQ(vcm_unback(res[0]), 0);
	CHECK_EQ(vcm_unreserve(res[0]), 0);
	CHECK(vcm_get_physmem_from_res(copies[0]) == physmem);
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	avcm = vcm_assoc(copy, device, 0);
	CHECK_EQ(vcm_activate(avcm), 0);
	CHECK_EQ(vcm_dev_addr_to_phys_addr(device, vcm_get_dev_addr(copies[0])), 0x81000000);
	CHECK_EQ(vcm_check(copy, stderr), 0);
	CHECK_EQ(vcm_unback(copies[2]), 0);
	CHECK(vcm_get_physmem_from_res(res[2]) == physmem);
	CHECK_EQ(vcm_unback(res[2]), 0);
	CHECK_EQ(vcm_phys_free(physmem), -EBUSY);
	CHECK_EQ(vcm_unback(copies[0]), 0);
	CHECK_EQ(vcm_phys_free(physmem), 0);
	cpu = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	CHECK(!vcm_clone(cpu));
	CHECK(!vcm_clone(NULL));
	CHECK_EQ(vcm_free(cpu), 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(vcm_unreserve(copies[i]), 0);
		CHECK_EQ(vcm_unreserve(res[i]), i == 0 ? -EINVAL : 0);
	}
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
	CHECK_EQ(vcm_free(copy), 0);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

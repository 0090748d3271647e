/* SPDX-License-Identifier: MIT */
/* The uses that Samsung's rework of the proposal named, through its own interface (vcmx.h). */
#include <errno.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "test.h"
#include "vcmx.h"
#include "x86_64.h"

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

static struct vc_system *the_system;

static struct vc_device *device(const char *name, const struct pt_format *format, enum vc_device_kind kind)
{
	struct vc_device_config config = {.name = name, .kind = kind, .format = format, .allow_wider = true};
	struct vc_device *made;

	CHECK_MSG(!vc_device_create(the_system, &config, &made), "%s", vc_error_string());
	return made;
}

static void begin(void)
{
	CHECK_EQ(vc_system_create(NULL, &the_system), 0);
}

static void end(void)
{
	CHECK_MSG(!vc_system_destroy(the_system), "%s", vc_error_string());
}

static unsigned int read32(struct vc_device *from, uint64_t address)
{
	uint32_t value = 0;

	return vc_device_read(from, address, &value, sizeof(value), PT_ACCESS_PRIV, NULL) ? 0xdead : value;
}

static bool write32(struct vc_device *to, uint64_t address, uint32_t value)
{
	return !vc_device_write(to, address, &value, sizeof(value), PT_ACCESS_PRIV, NULL);
}

TEST(vcm_contexts, u30_the_same_driver_with_and_without_an_mmu)
{
	struct vc_device *devices[2];
	struct vcmx *contexts[2];

	begin();
	devices[0] = device("with", &armv7_short_format, VC_DEVICE_TRANSLATED);
	devices[1] = device("without", NULL, VC_DEVICE_DIRECT);
	contexts[0] = vcmx_create(the_system, 0x100000, 64 * M, &devices[0], 1);
	contexts[1] = vcmx_create_o2o(the_system, 0x82000000, 8 * M, &devices[1], 1);
	for (int i = 0; i < 2; i++) {
		struct vcmx_res *res;

		CHECK(!vcmx_is_err(contexts[i]));
		res = vcmx_make_binding(contexts[i], 256 * K, 0, 0);
		CHECK_MSG(!vcmx_is_err(res), "%s", vc_error_string());
		CHECK_EQ(res->bound_size, 256 * K);
		CHECK_EQ(vcmx_activate(contexts[i]), 0);
		CHECK(write32(devices[i], res->start + 4, 5));
		CHECK_EQ(read32(devices[i], res->start + 4), 5);
		CHECK_EQ(vcmx_destroy(contexts[i]), -EBUSY);
		CHECK_EQ(vcmx_deactivate(contexts[i]), 0);
		CHECK_EQ(vcmx_destroy_binding(res), 0);
		CHECK_EQ(vcmx_destroy(contexts[i]), 0);
	}
	end();
}

TEST(vcm_contexts, u31_firmware)
{
	struct vc_device *dsp, *cpu;
	struct vcmx *context, *vmm;
	struct vcmx_res *code, *view;
	static const char firmware[] = "what the processor runs";
	char seen[sizeof(firmware)];

	begin();
	dsp = device("dsp", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	cpu = device("cpu", NULL, VC_DEVICE_CPU);
	context = vcmx_create(the_system, 0, 64 * M, &dsp, 1);
	vmm = vcmx_create_vmm(the_system, cpu);
	code = vcmx_make_binding(context, 1 * M, 0, PT_READ | PT_EXEC);
	view = vcmx_map(vmm, code->phys, 0);
	CHECK_MSG(!vcmx_is_err(view), "%s", vc_error_string());
	memcpy((char *)(uintptr_t)view->start, firmware, sizeof(firmware));
	CHECK_EQ(vcmx_unmap(view), 0);
	CHECK_EQ(vc_device_read(dsp, code->start, seen, sizeof(seen), PT_ACCESS_EXEC, NULL), -EFAULT);
	CHECK_EQ(vcmx_activate(context), 0);
	CHECK_MSG(!vc_device_read(dsp, code->start, seen, sizeof(seen), PT_ACCESS_EXEC, NULL), "%s", vc_error_string());
	CHECK_STR_EQ(seen, firmware);
	CHECK(!write32(dsp, code->start, 1));
	CHECK_EQ(vcmx_deactivate(context), 0);
	CHECK_EQ(vcmx_destroy_binding(code), 0);
	CHECK_EQ(vcmx_destroy(context) | vcmx_destroy(vmm), 0);
	end();
}

TEST(vcm_contexts, u32_iommu_identity_and_cpu)
{
	struct vc_device *mmu, *direct, *cpu;
	struct vcmx *contexts[3];
	struct vcmx_res *res[3];

	begin();
	mmu = device("mmu", &x86_64_format, VC_DEVICE_TRANSLATED);
	direct = device("direct", NULL, VC_DEVICE_DIRECT);
	cpu = device("cpu", NULL, VC_DEVICE_CPU);
	contexts[0] = vcmx_create_o2o(the_system, 0x82000000, 8 * M, &direct, 1);
	contexts[1] = vcmx_create(the_system, 0, 64 * M, &mmu, 1);
	contexts[2] = vcmx_create_vmm(the_system, cpu);
	res[0] = vcmx_make_binding(contexts[0], 2 * M + 4 * K, 0, 0);
	CHECK_MSG(!vcmx_is_err(res[0]), "%s", vc_error_string());
	CHECK_EQ(res[0]->start, res[0]->phys->parts[0].pa);
	CHECK_EQ(res[0]->phys->count, 1);
	for (int i = 1; i < 3; i++) {
		res[i] = vcmx_map(contexts[i], res[0]->phys, 0);
		CHECK_MSG(!vcmx_is_err(res[i]), "%s", vc_error_string());
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vcmx_activate(contexts[i]), 0);
	CHECK(write32(direct, res[0]->start + 2 * M, 11));
	CHECK_EQ(read32(mmu, res[1]->start + 2 * M), 11);
	CHECK_EQ(*(uint32_t *)(uintptr_t)(res[2]->start + 2 * M), 11);
	CHECK_EQ(vcmx_destroy_binding(res[0]), -EBUSY); /* the others have it still */
	CHECK_EQ(read32(direct, res[0]->start + 2 * M), 11);
	CHECK_EQ(vcmx_unmap(res[1]) | vcmx_unmap(res[2]), 0);
	CHECK_EQ(vcmx_destroy_binding(res[0]), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vcmx_deactivate(contexts[i]) | vcmx_destroy(contexts[i]), 0);
	end();
}

TEST(vcm_contexts, u33_u34_activation_is_counted_and_bindings_come_before_and_after)
{
	struct vc_device *devices[2];
	struct vcmx *context;
	struct vcmx_res *before, *after;

	begin();
	devices[0] = device("a", &armv7_short_format, VC_DEVICE_TRANSLATED);
	devices[1] = device("b", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	context = vcmx_create(the_system, 0, 64 * M, devices, 2);
	CHECK_EQ(vcmx_deactivate(context), -EINVAL);
	before = vcmx_make_binding(context, 64 * K, 0, 0);
	CHECK_EQ(vcmx_activate(context) | vcmx_activate(context), 0);
	after = vcmx_make_binding(context, 64 * K, VCMX_CONTIGUOUS, 0);
	CHECK(write32(devices[0], before->start, 1) && write32(devices[0], after->start, 2));
	CHECK_EQ(read32(devices[1], before->start), 1);
	CHECK_EQ(read32(devices[1], after->start), 2);
	CHECK_EQ(vcmx_deactivate(context), 0);
	CHECK_EQ(read32(devices[1], after->start), 2);
	CHECK_EQ(vcmx_deactivate(context), 0);
	CHECK_EQ(read32(devices[1], after->start), 0xdead);
	CHECK_EQ(vcmx_destroy_binding(before) | vcmx_destroy_binding(after) | vcmx_destroy(context), 0);
	end();
}

TEST(vcm_contexts, u35_owners_of_a_reservation)
{
	struct vc_device *mmu;
	struct vcmx *context;
	struct vcmx_res *res;
	struct vcmx_phys *shorter, *longer;

	begin();
	mmu = device("mmu", &x86_64_format, VC_DEVICE_TRANSLATED);
	context = vcmx_create(the_system, 0, 64 * M, &mmu, 1);
	res = vcmx_reserve(context, 128 * K, 0);
	CHECK_EQ(vcmx_ref_reserve(res), 0);
	shorter = vcmx_alloc(context, 64 * K, 0);
	longer = vcmx_alloc(context, 192 * K, 0);
	CHECK_EQ(vcmx_ptr_err(vcmx_alloc(context, 64 * K, 8)), -EINVAL);
	CHECK_EQ(vcmx_ptr_err(vcmx_unbind(res)), -ENXIO);
	CHECK_EQ(vcmx_bind(res, longer), -ENOSPC);
	CHECK_EQ(vcmx_bind(res, shorter), 0);
	CHECK_EQ(vcmx_bind(res, shorter), -EALREADY);
	CHECK_EQ(vcmx_free(shorter), -EBUSY);
	CHECK_EQ(vcmx_unreserve(res), 0); /* the other owner keeps it */
	CHECK_EQ(res->bound_size, 64 * K);
	CHECK_EQ(vcmx_unreserve(res), -EBUSY);
	CHECK_EQ(vcmx_unbind(res), shorter);
	CHECK_EQ(vcmx_unreserve(res), 0);
	CHECK_EQ(vcmx_free(shorter) | vcmx_free(longer) | vcmx_destroy(context), 0);
	end();
}

TEST(vcm_contexts, u36_one_address_space_in_slices)
{
	struct vc_device *devices[2];
	struct vcmx *whole, *slices[2];
	struct vcmx_res *res;

	begin();
	devices[0] = device("scaler", &armv7_short_format, VC_DEVICE_TRANSLATED);
	devices[1] = device("codec", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	whole = vcmx_create(the_system, 0x100000, 64 * M, NULL, 0);
	for (int i = 0; i < 2; i++) {
		slices[i] = vcmx_create_slice(whole, 16 * M, &devices[i], 1);
		CHECK_MSG(!vcmx_is_err(slices[i]), "%s", vc_error_string());
		CHECK_EQ(vcmx_activate(slices[i]), 0);
	}
	CHECK(slices[0]->start + slices[0]->size <= slices[1]->start ||
	      slices[1]->start + slices[1]->size <= slices[0]->start);
	CHECK_EQ(vcmx_ptr_err(vcmx_create_slice(slices[0], M, NULL, 0)), -EINVAL);
	CHECK_EQ(vcmx_ptr_err(vcmx_create_slice(whole, 64 * M, NULL, 0)), -ENOSPC);
	res = vcmx_make_binding(slices[0], 1 * M, 0, 0);
	CHECK_MSG(!vcmx_is_err(res), "%s", vc_error_string());
	CHECK(res->start >= slices[0]->start && res->start < slices[0]->start + slices[0]->size);
	CHECK_EQ(vcmx_reservation_in(slices[0], res), 1);
	CHECK_EQ(vcmx_reservation_in(slices[1], res), 2);
	CHECK(write32(devices[0], res->start, 3));
	CHECK_EQ(read32(devices[1], res->start), 3); /* at the same address */
	CHECK_EQ(vcmx_ptr_err(vcmx_make_binding(slices[0], 32 * M, 0, 0)), -ENOSPC);
	CHECK_EQ(vcmx_destroy(whole), -EBUSY);
	CHECK_EQ(vcmx_destroy_binding(res), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(vcmx_deactivate(slices[i]) | vcmx_destroy(slices[i]), 0);
	CHECK_EQ(vcmx_destroy(whole), 0);
	end();
}

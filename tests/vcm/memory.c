/* SPDX-License-Identifier: MIT */
/* Memory of other kinds: sparse and composed, files of others, our own as files; and guards behind reservations. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */
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

static struct device *device[2], *host;
static struct vcm *vcm, *window;
static struct avcm *avcm[3];

/* One region with two devices of different formats, and the window of the CPU. */
static void begin(void)
{
	CHECK_EQ(vcm_sys_init(), 0);
	device[0] = scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
	device[1] = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	host = scene_device("cpu", NULL, VC_DEVICE_CPU);
	vcm = vcm_create(0, 256 * M);
	window = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	avcm[0] = scene_join(vcm, device[0]);
	avcm[1] = scene_join(vcm, device[1]);
	avcm[2] = scene_join(window, host);
}

static void end(void)
{
	for (int i = 0; i < 3; i++)
		scene_leave(avcm[i]);
	CHECK_EQ(vcm_free(vcm) | vcm_free(window), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* What each of the mappers sees at an offset, or SCENE_FAULT of all. */
static unsigned int seen(struct res *res, struct res *pointer, uint64_t offset)
{
	unsigned int value = scene_read(device[0], vcm_get_dev_addr(res) + offset);

	CHECK_EQ(scene_read(device[1], vcm_get_dev_addr(res) + offset), value);
	CHECK_EQ(scene_read(host, vcm_get_dev_addr(pointer) + offset), value);
	return value;
}

static struct physmem *compose(const struct vc_piece *pieces, size_t n)
{
	struct vc_phys *phys;

	CHECK_MSG(!vc_phys_compose(vcm_system(), pieces, n, &phys), "%s", vc_error_string());
	return (struct physmem *)phys;
}

TEST(vcm_memory, sparse_backing)
{
	struct physmem *part[2], *sparse, *dense;
	struct res *res, *pointer, *alone;
	struct vc_region_info info;
	struct vc_piece pieces[6];
	struct vc_span span[8];
	uint64_t bitmap[1] = {0}, bytes, copied;
	struct vc_phys *bad;
	size_t n;

	begin();
	part[0] = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	part[1] = vcm_phys_alloc(VCM_MEMTYPE_0, 16 * K, VCM_4KB);
	pieces[0] = (struct vc_piece){NULL, 0, 16 * K};
	pieces[1] = (struct vc_piece){vcm_phys(part[0]), 32 * K, 32 * K};
	pieces[2] = (struct vc_piece){NULL, 0, 8 * K};
	pieces[3] = (struct vc_piece){NULL, 0, 4 * K};
	pieces[4] = (struct vc_piece){vcm_phys(part[1]), 0, 16 * K};
	pieces[5] = (struct vc_piece){vcm_phys(part[0]), 0, 4 * K};
	sparse = compose(pieces, 6);
	CHECK_EQ(vc_phys_export(vcm_phys(sparse), span, 8, &n), 0);
	CHECK_EQ(n, 5); /* two holes that follow each other are one */
	CHECK_EQ(span[0].pa, VC_HOLE);
	CHECK_EQ(span[2].bytes, 12 * K);
	res = vcm_reserve(vcm, 80 * K, 0);
	pointer = vcm_reserve(window, 80 * K, 0);
	CHECK_MSG(!vcm_back(res, sparse), "%s", vc_error_string());
	CHECK_MSG(!vcm_back(pointer, sparse), "%s", vc_error_string());
	scene_check(vcm);
	CHECK_EQ(vc_region_info(vcm_region(vcm), &info), 0);
	CHECK_EQ(info.backed, 52 * K);
	/* holes fault for everybody, and what is around them does not */
	CHECK_EQ(seen(res, pointer, 0), SCENE_FAULT);
	CHECK_EQ(seen(res, pointer, 16 * K - 4), SCENE_FAULT);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res) + 16 * K, 1));
	CHECK_EQ(seen(res, pointer, 16 * K), 1);
	CHECK_EQ(seen(res, pointer, 48 * K), SCENE_FAULT);
	CHECK_EQ(seen(res, pointer, 60 * K - 4), SCENE_FAULT);
	CHECK(scene_write(device[1], vcm_get_dev_addr(res) + 60 * K, 2));
	CHECK_EQ(seen(res, pointer, 60 * K), 2);
	*(uint32_t *)(uintptr_t)(vcm_get_dev_addr(pointer) + 76 * K) = 3;
	CHECK_EQ(seen(res, pointer, 76 * K), 3);
	/* the parts are the same memory */
	alone = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(alone, part[0]), 0);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(alone) + 32 * K), 1);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(alone)), 3);
	CHECK_EQ(vcm_get_phys_num_res(span[1].pa), 3);
	CHECK_EQ(vcm_set_res_attr(alone, VCM_WB_WA), -EINVAL); /* the other mappings are not cached */
	CHECK_EQ(vcm_unback(alone) | vcm_unreserve(alone), 0);
	/* they can neither be freed nor moved */
	CHECK_EQ(vcm_phys_free(part[0]), -EBUSY);
	CHECK_EQ(vc_migrate(vcm_phys(part[1]), &(struct vc_phys_args){.type = 0}), -EBUSY);
	CHECK_EQ(vc_migrate(vcm_phys(sparse), &(struct vc_phys_args){.type = 0}), -EOPNOTSUPP);
	/* rights change around holes */
	CHECK_EQ(vcm_set_res_attr(res, VCM_READ), 0);
	scene_check(vcm);
	CHECK(!scene_write(device[1], vcm_get_dev_addr(res) + 60 * K, 9));
	CHECK_EQ(vcm_set_res_attr(pointer, VCM_READ), 0);
	CHECK_EQ(seen(res, pointer, 60 * K), 2);
	CHECK_EQ(vcm_set_res_attr(pointer, VCM_READ | VCM_WRITE) | vcm_set_res_attr(res, VCM_READ | VCM_WRITE), 0);
	/* a copy ends at a hole */
	CHECK_EQ(vc_copy(vcm_reservation(res), 60 * K, vcm_reservation(res), 16 * K, 64 * K, &copied), 0);
	CHECK_EQ(copied, 20 * K);
	CHECK_EQ(seen(res, pointer, 60 * K), 1);
	CHECK_EQ(vc_copy(vcm_reservation(res), 60 * K, vcm_reservation(res), 40 * K, 20 * K, &copied), -EFAULT);
	/* all of it, with other memory, and back: holes come and go */
	dense = vcm_phys_alloc(VCM_MEMTYPE_0, 80 * K, VCM_PHYS_CONT);
	CHECK_MSG(!vcm_reback(res, dense), "%s", vc_error_string());
	CHECK_MSG(!vcm_reback(pointer, dense), "%s", vc_error_string());
	scene_check(vcm);
	CHECK_EQ(seen(res, pointer, 0), 0);
	CHECK_EQ(vc_region_info(vcm_region(vcm), &info), 0);
	CHECK_EQ(info.backed, 80 * K);
	CHECK_EQ(vcm_reback(res, sparse) | vcm_reback(pointer, sparse), 0);
	scene_check(vcm);
	CHECK_EQ(seen(res, pointer, 48 * K), SCENE_FAULT);
	CHECK_EQ(seen(res, pointer, 60 * K), 1);
	/* what was written, around holes; only the one that keeps such state */
	scene_leave(avcm[0]);
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), VC_DIRTY_CLEAR, NULL, 12, NULL), 0);
	CHECK(scene_write(device[1], vcm_get_dev_addr(res) + 64 * K, 5));
	CHECK_EQ(vc_reservation_dirty(vcm_reservation(res), 0, bitmap, 12, &bytes), 0);
	CHECK_EQ(bitmap[0], 1 << 16);
	avcm[0] = scene_join(vcm, device[0]); /* the replay knows of holes */
	scene_check(vcm);
	CHECK_EQ(seen(res, pointer, 48 * K), SCENE_FAULT);
	CHECK_EQ(vcm_unback(res) | vcm_unback(pointer) | vcm_unreserve(res) | vcm_unreserve(pointer), 0);
	scene_check(vcm);
	CHECK_EQ(vcm_phys_free(sparse) | vcm_phys_free(dense), 0);
	/* what cannot be composed */
	CHECK_EQ(vc_phys_compose(vcm_system(), pieces, 1, &bad), -EINVAL); /* nothing but a hole */
	pieces[1].bytes = 36 * K;
	CHECK_EQ(vc_phys_compose(vcm_system(), pieces, 2, &bad), -EINVAL);
	pieces[1].bytes = 1;
	CHECK_EQ(vc_phys_compose(vcm_system(), pieces, 2, &bad), -EINVAL);
	CHECK_EQ(vcm_phys_free(part[0]) | vcm_phys_free(part[1]), 0);
	end();
}

static unsigned int countdown;

static bool count_down(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	return countdown == 0 || --countdown > 0;
}

TEST(vcm_memory, sparse_or_nothing)
{
	struct physmem *part;
	struct vc_phys *sparse;
	struct vc_piece pieces[] = {{NULL, 0, 4 * K}, {NULL, 0, 4 * K}, {NULL, 0, 8 * K}, {NULL, 0, 4 * K}};
	struct res *res, *pointer;
	int error = -1;

	begin();
	part = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	pieces[1].phys = pieces[3].phys = vcm_phys(part);
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vc_phys_compose(vcm_system(), pieces, 4, &sparse);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		if (error) {
			CHECK_EQ(vcm_phys_free(part), 0); /* nothing holds it */
			part = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
			pieces[1].phys = pieces[3].phys = vcm_phys(part);
		}
	}
	res = vcm_reserve(vcm, 20 * K, 0);
	pointer = vcm_reserve(window, 20 * K, 0);
	for (int k = 0; k < 2; k++) {
		struct res *it = k ? pointer : res;

		error = -1;
		for (unsigned int at = 1; error; at++) {
			countdown = at;
			vc_set_allocation_hook(count_down, NULL);
			error = vcm_back(it, (struct physmem *)sparse);
			vc_set_allocation_hook(NULL, NULL);
			CHECK(!error || error == -ENOMEM);
			scene_check(vcm);
		}
		/* a change of rights that fails in the middle leaves them as they were */
		error = -1;
		for (unsigned int at = 1; k && error; at++) {
			countdown = at;
			vc_set_allocation_hook(count_down, NULL);
			error = vcm_set_res_attr(it, VCM_READ);
			vc_set_allocation_hook(NULL, NULL);
			if (error)
				*(volatile uint32_t *)(uintptr_t)(vcm_get_dev_addr(it) + 4 * K) = at;
		}
	}
	CHECK_EQ(vcm_unback(res) | vcm_unback(pointer) | vcm_unreserve(res) | vcm_unreserve(pointer), 0);
	CHECK_EQ(vc_phys_free(sparse), 0);
	CHECK_EQ(vcm_phys_free(part), 0);
	end();
}

/* ------------------------------------------------------------------------------------------------------------ files */

static int make_file(uint64_t bytes, int seals)
{
	int fd = memfd_create("buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)bytes), 0);
	if (seals)
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

TEST(vcm_memory, files_of_others)
{
	struct vc_phys *memory, *again, *rest, *bad;
	struct vc_span span[2];
	struct res *res, *pointer;
	uint32_t *mapped;
	size_t n;
	int fd, other;

	begin();
	fd = make_file(256 * K, F_SEAL_SHRINK);
	mapped = mmap(NULL, 256 * K, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(mapped != MAP_FAILED);
	mapped[16 * K] = 11; /* at 64 KiB */
	CHECK_MSG(!vc_phys_import_fd(vcm_system(), fd, 64 * K, 64 * K, &memory), "%s", vc_error_string());
	/* once more: the same place */
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 64 * K, 64 * K, &again), 0);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 128 * K, 128 * K, &rest), 0);
	CHECK_EQ(vc_phys_export(memory, &span[0], 1, &n) | vc_phys_export(again, &span[1], 1, &n), 0);
	CHECK_EQ(span[0].pa, span[1].pa);
	close(fd); /* it is held */
	res = vcm_reserve(vcm, 64 * K, 0);
	pointer = vcm_reserve(window, 64 * K, 0);
	CHECK_MSG(!vcm_back(res, (struct physmem *)memory), "%s", vc_error_string());
	CHECK_MSG(!vcm_back(pointer, (struct physmem *)again), "%s", vc_error_string());
	scene_check(vcm);
	CHECK_EQ(seen(res, pointer, 0), 11);
	CHECK(scene_write(device[0], vcm_get_dev_addr(res) + 60 * K, 12));
	CHECK_EQ(mapped[(64 + 60) * K / 4], 12);
	CHECK_EQ(seen(res, pointer, 60 * K), 12);
	CHECK_EQ(vcm_get_phys_num_res(span[0].pa + 4), 2);
	/* a device at another bus address sees it too, whether it was there before or comes now */
	{
		struct vc_device_config config = {
			.name = "far", .format = &arm64_s1_format, .bus_offset = INT64_C(1) << 33};
		struct vc_device *far;
		struct avcm *link;

		CHECK_EQ(vc_device_create(vcm_system(), &config, &far), 0);
		link = scene_join(vcm, (struct device *)far);
		CHECK_EQ(scene_read((struct device *)far, vcm_get_dev_addr(res)), 11);
		scene_leave(link);
	}
	CHECK_EQ(vc_migrate(memory, &(struct vc_phys_args){.type = 0}), -EOPNOTSUPP);
	CHECK_EQ(vc_phys_free(memory), -EBUSY);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vc_phys_free(memory), 0);
	/* one is left, and holds the place */
	CHECK_EQ(*(uint32_t *)(uintptr_t)vcm_get_dev_addr(pointer), 11);
	/* its descriptor again, for somebody else */
	{
		uint64_t offset, bytes;

		CHECK_EQ(vc_phys_fd(again, 0, &other, &offset, &bytes), 0);
		CHECK_EQ(offset, 64 * K);
		CHECK_EQ(bytes, 64 * K);
		CHECK_EQ(vc_phys_import_fd(vcm_system(), other, offset, bytes, &memory), 0);
		close(other);
		CHECK_EQ(vc_phys_export(memory, &span[1], 1, &n), 0);
		CHECK_EQ(span[0].pa, span[1].pa);
		CHECK_EQ(vc_phys_free(memory), 0);
	}
	CHECK_EQ(vcm_unback(pointer), 0);
	CHECK_EQ(vc_phys_free(again), 0);
	{
		unsigned char *nothing;

		CHECK_EQ(vc_system_memory(vcm_system(), span[0].pa, 4, &nothing), -EFAULT);
	}
	/* where nothing is any more devices find nothing, even if their tables say so */
	CHECK_EQ(vc_phys_wrap(vcm_system(), span[0].pa, 64 * K, &bad), 0);
	CHECK_EQ(vcm_back(res, (struct physmem *)bad), 0);
	CHECK_EQ(scene_read(device[0], vcm_get_dev_addr(res)), SCENE_FAULT);
	CHECK_EQ(vcm_back(pointer, (struct physmem *)bad), -EOPNOTSUPP);
	CHECK_EQ(vcm_unback(res) | vc_phys_free(bad), 0);
	CHECK_EQ(vcm_unreserve(res) | vcm_unreserve(pointer), 0);
	CHECK_EQ(vc_phys_free(rest), 0);
	munmap(mapped, 256 * K);
	/* what may not be imported */
	fd = make_file(64 * K, 0);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 64 * K, &bad), -EINVAL);
	CHECK(strstr(vc_error_string(), "F_SEAL_SHRINK"));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 68 * K, &bad), -EINVAL);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 1, 4 * K, &bad), -EINVAL);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 0, &bad), -EINVAL);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), -1, 0, 4 * K, &bad), -EBADF);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 4 * K, &bad), -EACCES);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 4 * K, &bad), -EACCES);
	close(fd);
	{
		char path[] = "/tmp/vcm-test-XXXXXX";

		fd = mkstemp(path);
		unlink(path);
		CHECK_EQ(ftruncate(fd, 64 * K), 0);
		CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, 0, 4 * K, &bad), -EINVAL);
		close(fd);
	}
	end();
}

TEST(vcm_memory, files_all_or_nothing)
{
	struct vc_phys *memory;
	int fd, error = -1;
	unsigned int failures = 0;

	begin();
	fd = make_file(64 * K, F_SEAL_SHRINK);
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vc_phys_import_fd(vcm_system(), fd, 0, 64 * K, &memory);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
		failures += error != 0;
	}
	CHECK(failures >= 4);
	CHECK_EQ(vc_phys_free(memory), 0);
	close(fd);
	end();
}

/* Our own memory as a file: given out, mapped elsewhere, and given back it is the same memory. */
TEST(vcm_memory, our_memory_as_a_file)
{
	struct physmem *memory;
	struct vc_phys *same;
	struct vc_span span[2];
	uint64_t offset, bytes;
	uint32_t *mapped;
	struct res *res;
	size_t n;
	int fd;

	begin();
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK_EQ(vc_phys_fd(vcm_phys(memory), 1, &fd, &offset, &bytes), -ENOENT);
	CHECK_EQ(vc_phys_fd(vcm_phys(memory), 0, &fd, &offset, &bytes), 0);
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	CHECK(mapped != MAP_FAILED);
	CHECK(scene_write(device[1], vcm_get_dev_addr(res) + 8, 88));
	CHECK_EQ(mapped[2], 88);
	CHECK_EQ(vc_phys_import_fd(vcm_system(), fd, offset, bytes, &same), 0);
	CHECK_EQ(vc_phys_export(vcm_phys(memory), &span[0], 1, &n) | vc_phys_export(same, &span[1], 1, &n), 0);
	CHECK_EQ(span[0].pa, span[1].pa);
	CHECK_EQ(vc_phys_free(same), 0);
	munmap(mapped, bytes);
	close(fd);
	CHECK_EQ(vc_phys_wrap(vcm_system(), 0x1000, 4 * K, &same), 0);
	CHECK_EQ(vc_phys_fd(same, 0, &fd, &offset, &bytes), -ENXIO);
	CHECK_EQ(vc_phys_free(same), 0);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	end();
}

/* ----------------------------------------------------------------------------------------------------------- guards */

TEST(vcm_memory, guards)
{
	struct vc_reserve_args args = {.bytes = 16 * K, .guard = 4 * K};
	struct vc_reservation *guarded, *next, *found;
	struct vc_reservation_info info, other;
	struct physmem *memory;

	begin();
	CHECK_EQ(vc_reserve(vcm_region(vcm), &args, &guarded), 0);
	args.guard = 0;
	args.align = 4 * K;
	CHECK_EQ(vc_reserve(vcm_region(vcm), &args, &next), 0);
	CHECK_EQ(vc_reservation_info(guarded, &info) | vc_reservation_info(next, &other), 0);
	CHECK_EQ(info.bytes, 16 * K);
	CHECK_EQ(info.guard, 4 * K);
	CHECK_EQ(other.address, info.address + 20 * K);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 16 * K, 0);
	CHECK_EQ(vc_back(guarded, vcm_phys(memory), 0), 0);
	CHECK(scene_write(device[0], info.address + 16 * K - 4, 1));
	CHECK(!scene_write(device[0], info.address + 16 * K, 1));
	CHECK_EQ(vc_reservation_find(vcm_region(vcm), info.address + 16 * K - 1, false, &found), 0);
	CHECK_EQ(vc_reservation_find(vcm_region(vcm), info.address + 16 * K, false, &found), -ENOENT);
	/* nobody else gets it by asking for it either */
	args.fixed = true;
	args.at = info.address + 16 * K;
	args.bytes = 4 * K;
	CHECK_EQ(vc_reserve(vcm_region(vcm), &args, &found), -EADDRINUSE);
	scene_check(vcm);
	CHECK_EQ(vc_unback(guarded, 0) | vc_unreserve(guarded) | vc_unreserve(next) | vcm_phys_free(memory), 0);
	/* it has to fit as well */
	args = (struct vc_reserve_args){.bytes = 256 * M, .guard = 4 * K};
	CHECK_EQ(vc_reserve(vcm_region(vcm), &args, &guarded), -ENOSPC);
	args.bytes -= 4 * K;
	CHECK_EQ(vc_reserve(vcm_region(vcm), &args, &guarded), 0);
	CHECK_EQ(vc_unreserve(guarded), 0);
	end();
}

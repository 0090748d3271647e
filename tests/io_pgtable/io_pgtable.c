/* SPDX-License-Identifier: MIT */
/*
 * io_pgtable.c - examples/io_pgtable over every format: random calls in the shape that Linux makes them, beside an
 * array that remembers what is mapped and what a translation cache may still hold.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../examples/io_pgtable/io_pgtable.c"
#include "registry.h"

enum { ARENA = 64 << 20, SLOTS = 1024 };

#define ARENA_PA UINT64_C(0x20000000)
#define FIRST	 UINT64_C(0x10000000)

unsigned char *linux_direct_map;

/* One table under test. A slot is one of the smallest pages. */
static struct scene {
	unsigned char *arena;
	size_t used, live; /* bytes */
	struct {
		size_t bytes, at;
	} spare[4096]; /* given back */
	size_t n_spare;
	size_t page;
	uint64_t pa[SLOTS]; /* 0: not mapped */
	bool cached[SLOTS]; /* the device may have the translation */
	bool walks_flushed; /* since the call began */
	size_t synced, allocations_left;
	uint64_t dirty[SLOTS / 64];
	unsigned int gfp;
	struct io_pgtable_cfg cfg;
	struct io_pgtable_ops *ops;
	struct io_pgtable *iop;
} scene;

/* ----------------------------------------------------------------------------------------- what a kernel would have */

void *alloc_pages_zeroed(struct device *device, size_t bytes, gfp_t gfp)
{
	size_t at;

	(void)device;
	scene.gfp = gfp;
	if (scene.allocations_left == 0)
		return NULL;
	scene.allocations_left--;
	scene.live += bytes;
	for (size_t i = 0; i < scene.n_spare; i++)
		if (scene.spare[i].bytes == bytes) {
			at = scene.spare[i].at;
			scene.spare[i] = scene.spare[--scene.n_spare];
			memset(scene.arena + at, 0, bytes);
			return scene.arena + at;
		}
	at = (scene.used + (bytes - 1)) & ~(bytes - 1);
	CHECK(at + bytes <= ARENA);
	scene.used = at + bytes;
	return scene.arena + at;
}

void free_pages_of(void *pages, size_t bytes)
{
	CHECK_MSG(scene.walks_flushed, "a table is freed that the device may still walk");
	CHECK(scene.live >= bytes && scene.n_spare < 4096);
	scene.live -= bytes;
	scene.spare[scene.n_spare].bytes = bytes;
	scene.spare[scene.n_spare++].at = (size_t)((unsigned char *)pages - scene.arena);
}

void dma_sync_for_device(struct device *device, const void *first, size_t bytes)
{
	(void)device, (void)first;
	scene.synced += bytes;
}

void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova, size_t bytes)
{
	uint64_t *bits = (uint64_t *)bitmap;

	for (size_t i = (iova - FIRST) / scene.page; i < (iova - FIRST + bytes) / scene.page; i++)
		bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void forget(unsigned long iova, size_t bytes)
{
	for (size_t i = 0; i < SLOTS; i++) {
		uint64_t first = FIRST + i * scene.page, last = first + (scene.page - 1);

		if (first <= iova + (bytes - 1) && last >= iova)
			scene.cached[i] = false;
	}
}

static void flush_all(void *cookie)
{
	CHECK(cookie == &scene);
	scene.walks_flushed = true;
	memset(scene.cached, 0, sizeof(scene.cached));
}

static void flush_walk(unsigned long iova, size_t size, size_t granule, void *cookie)
{
	CHECK(cookie == &scene && granule == scene.page);
	scene.walks_flushed = true;
	forget(iova, size);
}

static void add_page(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule, void *cookie)
{
	CHECK(cookie == &scene);
	iommu_iotlb_gather_add_range(gather, iova, granule);
}

static const struct iommu_flush_ops flush_ops = {flush_all, flush_walk, add_page};

/* -------------------------------------------------------------------------------------------------------- the scene */

static void open_scene(const struct pt_format *format, bool coherent)
{
	memset(&scene, 0, sizeof(scene));
	scene.arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(scene.arena != MAP_FAILED);
	linux_direct_map = (unsigned char *)((uintptr_t)scene.arena - ARENA_PA);
	scene.allocations_left = SIZE_MAX;
	scene.cfg = (struct io_pgtable_cfg){.coherent_walk = coherent, .tlb = &flush_ops};
	scene.ops = ptgen_alloc_io_pgtable_ops(format, NULL, &scene.cfg, &scene);
	CHECK(scene.ops != NULL);
	scene.iop = io_pgtable_of(scene.ops);
	scene.page = (size_t)1 << __builtin_ctzl(scene.cfg.pgsize_bitmap);
}

static void close_scene(void)
{
	scene.walks_flushed = false;
	ptgen_free_io_pgtable_ops(scene.ops);
	CHECK_EQ(scene.live, 0);
	munmap(scene.arena, ARENA);
}

static void check_slots(void)
{
	for (size_t i = 0; i < SLOTS; i++) {
		uint64_t offset = (i * 37) % scene.page;
		uint64_t want = scene.pa[i] ? scene.pa[i] + offset : 0;
		uint64_t have = scene.ops->iova_to_phys(scene.ops, FIRST + i * scene.page + offset);

		CHECK_MSG(have == want, "slot %zu leads to 0x%llx, not 0x%llx", i, (unsigned long long)have,
			  (unsigned long long)want);
		CHECK_MSG(scene.pa[i] || !scene.cached[i], "slot %zu was unmapped, but not invalidated", i);
		scene.cached[i] = scene.pa[i] != 0;
	}
}

static int map_slots(size_t first, size_t n, size_t pgsize, uint64_t pa, int prot)
{
	size_t bytes = n * scene.page, mapped = 100;
	bool taken = false;
	int error;

	for (size_t i = first; i < first + n; i++)
		taken |= scene.pa[i] != 0;
	scene.walks_flushed = false;
	error = scene.ops->map_pages(scene.ops, FIRST + first * scene.page, pa, pgsize, bytes / pgsize, prot, 0x42,
				     &mapped);
	CHECK_EQ(mapped, error ? 100 : 100 + bytes);
	CHECK(!taken || error == -EEXIST);
	for (size_t i = first; !error && i < first + n; i++)
		scene.pa[i] = pa + (i - first) * scene.page;
	return error;
}

static void unmap_slots(size_t first, size_t n, size_t pgsize, bool queued)
{
	struct iommu_iotlb_gather gather;
	size_t bytes = 0, done;

	iommu_iotlb_gather_init(&gather);
	gather.queued = queued;
	for (size_t i = first; i < first + n; i++)
		bytes += scene.pa[i] ? scene.page : 0;
	scene.walks_flushed = false;
	done = scene.ops->unmap_pages(scene.ops, FIRST + first * scene.page, pgsize, n * scene.page / pgsize, &gather);
	CHECK_EQ(done, bytes);
	memset(&scene.pa[first], 0, n * sizeof(scene.pa[0]));
	if (queued) /* the driver's own timer */
		flush_all(&scene);
	else if (gather.start <= gather.end)
		forget(gather.start, gather.end - gather.start + 1); /* what a driver does at the sync */
}

/* ------------------------------------------------------------------------------------------------------------ tests */

static size_t n_formats(void)
{
	return pt_n_formats;
}

static const char *format_name(size_t each)
{
	return pt_formats[each]->name;
}

/* The largest page size that divides what it is given. */
static size_t pgsize_for(uint64_t a, size_t bytes, uint64_t *state)
{
	size_t best = scene.page;

	for (unsigned int lg2 = 0; lg2 < 40; lg2++)
		if ((scene.cfg.pgsize_bitmap >> lg2 & 1) && ((a | bytes) & ((UINT64_C(1) << lg2) - 1)) == 0 &&
		    test_random(state) % 3)
			best = (size_t)1 << lg2;
	return best;
}

TEST_EACH(io_pgtable, random_calls, n_formats, format_name)
{
	uint64_t state = test_seed() + each;

	open_scene(pt_formats[each], true);
	for (unsigned int round = 0; round < 400; round++) {
		size_t n = (size_t)1 << test_random(&state) % 10, first;
		uint64_t offset;

		n = test_random(&state) % 2 ? n : 1 + test_random(&state) % n;
		first = test_random(&state) % (SLOTS - n + 1);
		if (test_random(&state) % 2)
			first &= ~(n - 1) & (SLOTS - 1);
		offset = FIRST + first * scene.page;
		if (test_random(&state) % 5 < 3) {
			uint64_t pa = UINT64_C(0x40000000) + (test_random(&state) % 64) * (n * scene.page);
			int error = map_slots(first, n, pgsize_for(offset | pa, n * scene.page, &state), pa,
					      IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE |
						      (test_random(&state) % 2 ? IOMMU_NOEXEC : 0));

			CHECK_MSG(error == 0 || error == -EEXIST, "map_pages: %d", error);
		} else {
			unmap_slots(first, n, pgsize_for(offset, n * scene.page, &state), test_random(&state) % 4 == 0);
		}
		if (round % 16 == 0)
			check_slots();
	}
	check_slots();
	unmap_slots(0, SLOTS, scene.page, false);
	check_slots();
	close_scene();
}

TEST_EACH(io_pgtable, refusals, n_formats, format_name)
{
	struct io_pgtable_ops *ops;

	open_scene(pt_formats[each], true);
	ops = scene.ops;
	CHECK_EQ(map_slots(0, 4, scene.page, 0x40000000, 0), -EINVAL);
	CHECK_EQ(ops->map_pages(ops, FIRST, 0x40000000, 3 * scene.page, 1, IOMMU_READ | IOMMU_WRITE, 0, NULL), -EINVAL);
	CHECK_EQ(ops->map_pages(ops, FIRST, 0x40000000, scene.page, SIZE_MAX, IOMMU_READ | IOMMU_WRITE, 0, NULL),
		 -EINVAL);
	CHECK_EQ(ops->unmap_pages(ops, FIRST, 3 * scene.page, 1, NULL), 0);
	CHECK_EQ(ops->iova_to_phys(ops, FIRST), 0);
	/* a table is missing: nothing is mapped, and the call's own flags reached the allocator */
	scene.allocations_left = 0;
	CHECK_EQ(map_slots(0, 4, scene.page, 0x40001000 & ~(scene.page - 1), IOMMU_READ | IOMMU_WRITE), -ENOMEM);
	CHECK_EQ(scene.gfp, 0x42);
	check_slots();
	scene.allocations_left = SIZE_MAX;
	CHECK_EQ(map_slots(0, 4, scene.page, 0x40000000, IOMMU_READ | IOMMU_WRITE), 0);
	CHECK_EQ(map_slots(3, 4, scene.page, 0x50000000, IOMMU_READ | IOMMU_WRITE), -EEXIST);
	check_slots();
	close_scene();
}

TEST_EACH(io_pgtable, walkers_that_do_not_snoop, n_formats, format_name)
{
	open_scene(pt_formats[each], false);
	CHECK_EQ(map_slots(0, 16, scene.page, 0x40000000, IOMMU_READ | IOMMU_WRITE), 0);
	CHECK(scene.synced > 0);
	scene.synced = 0;
	unmap_slots(0, 16, scene.page, false);
	CHECK(scene.synced > 0);
	check_slots();
	close_scene();
}

static bool device_reads(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	(void)ctx;
	memcpy(buffer, phys_to_virt(pa), bytes);
	return true;
}

static bool device_updates(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	(void)ctx;
	if (memcmp(phys_to_virt(pa), expected, bytes) != 0)
		return false;
	memcpy(phys_to_virt(pa), desired, bytes);
	return true;
}

TEST_EACH(io_pgtable, dirty, n_formats, format_name)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty = {(struct iova_bitmap *)scene.dirty, &gather};
	static const size_t written[] = {0, 3, 4, 200, 511, 700};
	struct io_pgtable_ops *ops;
	int error;

	open_scene(pt_formats[each], true);
	ops = scene.ops;
	CHECK_EQ(!ops->read_and_clear_dirty, !pt_formats[each]->has_dirty);
	if (!ops->read_and_clear_dirty) {
		close_scene();
		return;
	}
	/* pages that no leaf can join: every one lies at an odd place of another stretch */
	for (size_t i = 0; i < SLOTS; i++)
		CHECK_EQ(map_slots(i, 1, scene.page, 0x40000000 + (i * 2 + 1) * scene.page, IOMMU_READ | IOMMU_WRITE),
			 0);
	iommu_iotlb_gather_init(&gather);
	error = ops->read_and_clear_dirty(ops, FIRST, SLOTS * scene.page, 0, &dirty);
	if (error == -EOPNOTSUPP) { /* this configuration's hardware does not say */
		close_scene();
		return;
	}
	CHECK_EQ(error, 0);
	memset(scene.dirty, 0, sizeof(scene.dirty));
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct pt_reader reader = {NULL, device_reads, device_updates, 1000};
		struct pt_walk walk;

		scene.iop->format->translate(&scene.iop->table, &reader, FIRST + written[i] * scene.page,
					     PT_ACCESS_WRITE, &walk);
		if (walk.fault == PT_FAULT_ACCESS) { /* this configuration leaves the bit to software */
			close_scene();
			return;
		}
		CHECK_EQ(walk.fault, PT_FAULT_NONE);
	}
	for (unsigned int pass = 0; pass < 3; pass++) { /* look, take, look again */
		size_t n = 0;

		memset(scene.dirty, 0, sizeof(scene.dirty));
		iommu_iotlb_gather_init(&gather);
		CHECK_EQ(ops->read_and_clear_dirty(ops, FIRST, SLOTS * scene.page, pass == 0 ? IOMMU_DIRTY_NO_CLEAR : 0,
						   &dirty),
			 0);
		for (size_t i = 0; i < SLOTS; i++)
			n += scene.dirty[i / 64] >> (i % 64) & 1;
		CHECK_EQ(n, pass < 2 ? sizeof(written) / sizeof(written[0]) : 0);
		for (size_t i = 0; pass < 2 && i < sizeof(written) / sizeof(written[0]); i++)
			CHECK(scene.dirty[written[i] / 64] >> (written[i] % 64) & 1);
		CHECK_EQ(gather.start, pass < 2 ? FIRST : (unsigned long)-1);
	}
	close_scene();
}

TEST(io_pgtable, own_allocator)
{
	struct pt_register registers[8];

	open_scene(pt_formats[0], true);
	CHECK_EQ(ptgen_io_pgtable_registers(scene.ops, registers, 8), pt_formats[0]->n_registers);
	close_scene();
	/* alloc and free go together */
	scene.cfg = (struct io_pgtable_cfg){.tlb = &flush_ops, .free = (void (*)(void *, void *, size_t))abort};
	CHECK(ptgen_alloc_io_pgtable_ops(pt_formats[0], NULL, &scene.cfg, &scene) == NULL);
	/* another width than the configuration's */
	open_scene(pt_formats[0], true);
	scene.walks_flushed = true; /* nothing has walked what is freed */
	scene.cfg.ias--;
	CHECK(ptgen_alloc_io_pgtable_ops(pt_formats[0], NULL, &scene.cfg, &scene) == NULL);
	scene.cfg.ias++;
	close_scene();
	ptgen_free_io_pgtable_ops(NULL);
}

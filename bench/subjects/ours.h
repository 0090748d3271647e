/* SPDX-License-Identifier: MIT */
/*
 * ours.h - a format as ptgen generates it, called as a driver calls it. The including file defines FORMAT, its header's
 * functions being FORMAT_map and so on, and what of struct subject depends on the format; PARAMETERS is a list of
 * {"name", value} for the configuration.
 */
#include "../bench.h"
#include "pt.h"

#ifndef SPAN
#define SPAN BENCH_2M
#endif
#ifndef PA_SHIFT
#define PA_SHIFT 0
#endif

#define CONCATENATE(a, b) a##b
#define EXPAND(a, b)	  CONCATENATE(a, b)
#define CALL(name)	  EXPAND(FORMAT, name)
#define TEXT(a)		  #a
#define TEXT_OF(a)	  TEXT(a)

static struct pt_table table;
static struct pt_cursor cursor;

static bool table_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	unsigned char *what = pool_get(bytes < 1024 ? 1024 : bytes);

	(void)ctx, (void)align, (void)max_pa, (void)node;
	if (!what)
		return false;
	*pa = (uint64_t)(what - pool.base);
	return true;
}

static void table_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	pool_put(pool.base + pa, bytes < 1024 ? 1024 : bytes);
}

static void subject_open(void)
{
	static const struct {
		const char *name;
		int64_t value;
	} parameters[] = {PARAMETERS};
	static struct pt_mem mem;
	struct pt_config config;
	struct pt_result result = {0};

	mem = (struct pt_mem){.direct = pool.base, .alloc = table_alloc, .release = table_release};
	pt_config_init(&config);
	for (size_t i = 0; parameters[i].name; i++) {
		int index = pt_param_find(&CALL(_format), parameters[i].name);

		if (index < 0)
			bench_fail(parameters[i].name);
		config.param[index] = parameters[i].value;
	}
	if (CALL(_init)(&table, &config, &mem, &result) != PT_OK)
		bench_fail(result.why);
	pt_cursor_init(&cursor);
}

static void subject_close(void)
{
	CALL(_fini)(&table);
}

static uint64_t subject_root(void)
{
	return pt_root(&table);
}

PT_ALWAYS_INLINE void subject_map(uint64_t iova, uint64_t pa, uint64_t pgsize, uint64_t count)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_map)(&table, iova, pa, pgsize * count, PT_READ | PT_WRITE | PT_ALLOW_WIDER, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": map");
	pt_flush(&table, &gather);
}

PT_ALWAYS_INLINE void subject_unmap_flags(uint64_t iova, uint64_t bytes, unsigned int flags)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_unmap)(&table, iova, bytes, flags, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": unmap");
	pt_flush(&table, &gather);
}

PT_ALWAYS_INLINE void subject_unmap(uint64_t iova, uint64_t pgsize, uint64_t count)
{
	subject_unmap_flags(iova, pgsize * count, 0);
}

#define HAVE_TRUSTED
PT_ALWAYS_INLINE void subject_unmap_trusted(uint64_t iova, uint64_t bytes)
{
	subject_unmap_flags(iova, bytes, PT_UNMAP_TRUSTED);
}

PT_ALWAYS_INLINE uint64_t subject_lookup(uint64_t iova)
{
	uint64_t pa;

	if (CALL(_iova_to_phys)(&table, iova, &pa) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": lookup");
	return pa;
}

#define HAVE_CURSOR
PT_ALWAYS_INLINE void subject_cursor_map(uint64_t iova, uint64_t pa)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_cursor_map)(&table, &cursor, iova, pa, BENCH_PAGE, PT_READ | PT_WRITE | PT_ALLOW_WIDER, &gather,
			      NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": cursor_map");
	pt_flush(&table, &gather);
}

PT_ALWAYS_INLINE void subject_cursor_unmap(uint64_t iova)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_cursor_unmap)(&table, &cursor, iova, BENCH_PAGE, 0, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": cursor_unmap");
	pt_flush(&table, &gather);
}

#define HAVE_BATCH
PT_ALWAYS_INLINE void subject_batch(const uint64_t *addresses, size_t n, uint64_t *out)
{
	if (CALL(_iova_to_phys_batch)(&table, addresses, n, out, NULL) != n)
		bench_fail(TEXT_OF(FORMAT) ": batch");
}

#define HAVE_SEGMENTS
PT_ALWAYS_INLINE void subject_segments(uint64_t iova, const struct bench_segment *segments, uint32_t n)
{
	struct pt_gather gather;

	_Static_assert(sizeof(struct bench_segment) == sizeof(struct pt_segment), "the same by another name");
	pt_gather_init(&gather);
	if (CALL(_map_segments)(&table, iova, (const struct pt_segment *)(const void *)segments, n,
				PT_READ | PT_WRITE | PT_ALLOW_WIDER, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": map_segments");
	pt_flush(&table, &gather);
}

#ifdef DIRTY
#define HAVE_DIRTY
PT_ALWAYS_INLINE void subject_dirty(uint64_t iova, uint64_t bytes, uint64_t *bitmap)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_dirty)(&table, iova, bytes, PT_DIRTY_CLEAR, bitmap, 12, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": dirty");
	pt_flush(&table, &gather);
}
#else
#define DIRTY 0, 0
#endif

#define HAVE_PROTECT
PT_ALWAYS_INLINE void subject_protect(uint64_t iova, uint64_t bytes)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	if (CALL(_protect)(&table, iova, bytes, PT_READ | PT_ALLOW_WIDER, &gather, NULL) != PT_OK)
		bench_fail(TEXT_OF(FORMAT) ": protect");
	pt_flush(&table, &gather);
}

#define HAVE_WALK
PT_ALWAYS_INLINE uint64_t subject_walk(uint64_t iova)
{
	struct pt_walk walk;

	CALL(_walk)(&table, NULL, iova, &walk);
	if (walk.fault != PT_FAULT_NONE)
		bench_fail(TEXT_OF(FORMAT) ": walk");
	return walk.pa;
}

PT_ALWAYS_INLINE uint64_t subject_translate(uint64_t iova)
{
	struct pt_walk walk;

	CALL(_translate)(&table, NULL, iova, PT_ACCESS_READ, &walk);
	if (walk.fault != PT_FAULT_NONE)
		bench_fail(TEXT_OF(FORMAT) ": translate");
	return walk.pa;
}

#include "runs.h"

#define DIRTY_PAIR(set, clear) .dirty_set = (set), .dirty_clear = (clear)
#define DIRTY_OF(...)	       DIRTY_PAIR(__VA_ARGS__)

const struct subject EXPAND(subject_, FORMAT) = {
	.name = TEXT_OF(FORMAT),
	.format = TEXT_OF(FORMAT),
	.build = BENCH_BUILD,
	.kind = OURS,
	.input_bits = INPUT_BITS,
	.span = SPAN,
	.blocks = BLOCKS,
	.group = GROUP,
	DIRTY_OF(DIRTY),
	.pa_shift = PA_SHIFT,
	.frees = true,
	.open = subject_open,
	.close = subject_close,
	.root = subject_root,
	.run = SUBJECT_RUNS,
};

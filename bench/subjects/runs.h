/* SPDX-License-Identifier: MIT */
/*
 * runs.h - the runs of a subject, from the calls that the including file defines as static inline functions:
 *
 *   subject_map(iova, pa, pgsize, count)    subject_unmap(iova, pgsize, count)    subject_lookup(iova)
 *
 * and, where the subject has them, with a macro that says so:
 *
 *   HAVE_CURSOR   subject_cursor_map(iova, pa), subject_cursor_unmap(iova): one page
 *   HAVE_TRUSTED  subject_unmap_trusted(iova, bytes)     HAVE_SEGMENTS  subject_segments(iova, segments, n)
 *   HAVE_BATCH    subject_batch(addresses, n, out)       HAVE_DIRTY     subject_dirty(iova, bytes, bitmap)
 *   HAVE_PROTECT  subject_protect(iova, bytes)           HAVE_WALK      subject_walk(iova), subject_translate(iova)
 */

static uint64_t run_map(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++) {
		uint64_t at = load->order[i] * load->stride;

		subject_map(load->iova + at, load->pa + at, load->pgsize, load->count);
	}
	return 0;
}

static uint64_t run_unmap(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++)
		subject_unmap(load->iova + load->order[i] * load->stride, load->pgsize, load->count);
	return 0;
}

#ifdef HAVE_CURSOR
static uint64_t run_cursor_map(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++) {
		uint64_t at = load->order[i] * load->stride;

		subject_cursor_map(load->iova + at, load->pa + at);
	}
	return 0;
}

static uint64_t run_cursor_unmap(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++)
		subject_cursor_unmap(load->iova + load->order[i] * load->stride);
	return 0;
}
#else
#define run_cursor_map	 NULL
#define run_cursor_unmap NULL
#endif

static uint64_t run_lookup(const struct load *load)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < load->n; i++)
		sum += subject_lookup(load->addresses[i]);
	return sum;
}

/* What is found lies within pages, so its lowest bit is that of the address: 0, but no compiler knows. */
static uint64_t run_chain(const struct load *load)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < load->n; i++)
		found = subject_lookup(load->addresses[i] + (found & 1));
	return found;
}

static uint64_t run_segments(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++) {
		uint64_t iova = load->iova + load->order[i] * load->stride;

#ifdef HAVE_SEGMENTS
		subject_segments(iova, load->segments, load->n_segments);
#else
		for (uint32_t k = 0; k < load->n_segments; iova += load->segments[k++].bytes)
			subject_map(iova, load->segments[k].pa, BENCH_PAGE,
				    (uint32_t)(load->segments[k].bytes / BENCH_PAGE));
#endif
	}
	return 0;
}

#ifdef HAVE_TRUSTED
static uint64_t run_unmap_trusted(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++)
		subject_unmap_trusted(load->iova + load->order[i] * load->stride, load->pgsize * load->count);
	return 0;
}
#else
#define run_unmap_trusted NULL
#endif

#ifdef HAVE_BATCH
static uint64_t run_batch(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i += 64)
		subject_batch(load->addresses + i, 64, load->out + i);
	return load->out[load->n - 1];
}
#else
#define run_batch NULL
#endif

#ifdef HAVE_DIRTY
static uint64_t run_dirty(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++)
		subject_dirty(load->iova + load->order[i] * load->stride, load->pgsize * load->count,
			      load->out + load->order[i] * load->stride / BENCH_PAGE / 64);
	return load->out[0];
}
#else
#define run_dirty NULL
#endif

#ifdef HAVE_PROTECT
static uint64_t run_protect(const struct load *load)
{
	for (uint32_t i = 0; i < load->n; i++)
		subject_protect(load->iova + load->order[i] * load->stride, load->pgsize * load->count);
	return 0;
}
#else
#define run_protect NULL
#endif

#ifdef HAVE_WALK
static uint64_t run_walk(const struct load *load)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < load->n; i++)
		sum += subject_walk(load->addresses[i]);
	return sum;
}

static uint64_t run_translate(const struct load *load)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < load->n; i++)
		sum += subject_translate(load->addresses[i]);
	return sum;
}
#else
#define run_walk      NULL
#define run_translate NULL
#endif

#define SUBJECT_RUNS                                                                                                  \
	{                                                                                                             \
		[RUN_MAP] = run_map, [RUN_UNMAP] = run_unmap, [RUN_CURSOR_MAP] = run_cursor_map,                      \
		[RUN_CURSOR_UNMAP] = run_cursor_unmap, [RUN_UNMAP_TRUSTED] = run_unmap_trusted,                       \
		[RUN_SEGMENTS] = run_segments, [RUN_LOOKUP] = run_lookup, [RUN_CHAIN] = run_chain,                    \
		[RUN_BATCH] = run_batch, [RUN_DIRTY] = run_dirty, [RUN_PROTECT] = run_protect, [RUN_WALK] = run_walk, \
		[RUN_TRANSLATE] = run_translate                                                                       \
	}

/* SPDX-License-Identifier: MIT */
/*
 * cases.h - the operations, for one format: FORMAT is its name. Included by one small file per format, so that the
 * calls are direct.
 */
#define CONCATENATE(a, b) a##b
#define EXPAND(a, b)	  CONCATENATE(a, b)
#define CALL(name)	  EXPAND(FORMAT, name)

static uint64_t iova_of(uint32_t page)
{
	return BENCH_IOVA + (uint64_t)page * BENCH_PAGE;
}

static uint64_t pa_of(uint32_t page)
{
	return BENCH_PA + (uint64_t)page * BENCH_PAGE;
}

static void map(struct pt_table *table, uint32_t page, uint32_t pages)
{
	struct pt_gather gather;
	enum pt_status status;

	pt_gather_init(&gather);
	status = CALL(_map)(table, iova_of(page), pa_of(page), (uint64_t)pages * BENCH_PAGE, PT_READ | PT_WRITE,
			    &gather, NULL);
	if (status != PT_OK)
		bench_fail("map", status);
}

static void unmap(struct pt_table *table, uint32_t page, uint32_t pages)
{
	struct pt_gather gather;
	enum pt_status status;

	pt_gather_init(&gather);
	status = CALL(_unmap)(table, iova_of(page), (uint64_t)pages * BENCH_PAGE, 0, &gather, NULL);
	if (status != PT_OK)
		bench_fail("unmap", status);
	pt_flush(table, &gather);
}

static uint64_t lookup(struct pt_table *table, uint32_t page)
{
	uint64_t pa;
	enum pt_status status = CALL(_iova_to_phys)(table, iova_of(page), &pa);

	if (status != PT_OK)
		bench_fail("lookup", status);
	return pa;
}

/* One page a call, in random order, while the tables are there; then the same with plain stores. */
static uint64_t one_page(struct pt_table *table, const uint32_t *order, struct sample samples[N_OPERATIONS],
			 uint64_t *const entries[REGIONS], const uint64_t *words)
{
	uint64_t sum = 0;
	double t0, t1, t2, t3;

	t0 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		map(table, order[i], 1);
	t1 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		sum += lookup(table, order[i]);
	t2 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		unmap(table, order[i], 1);
	t3 = bench_now();
	samples[MAP_ONE].ours = (t1 - t0) / PAGES;
	samples[LOOKUP_ONE].ours = (t2 - t1) / PAGES;
	samples[UNMAP_ONE].ours = (t3 - t2) / PAGES;

	t0 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		plain_store(&entries[order[i] / PER_REGION][order[i] % PER_REGION], words[order[i]]);
	t1 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		sum += plain_load(&entries[order[i] / PER_REGION][order[i] % PER_REGION]);
	t2 = bench_now();
	for (size_t i = 0; i < PAGES; i++)
		plain_store(&entries[order[i] / PER_REGION][order[i] % PER_REGION], 0);
	t3 = bench_now();
	samples[MAP_ONE].plain = (t1 - t0) / PAGES;
	samples[LOOKUP_ONE].plain = (t2 - t1) / PAGES;
	samples[UNMAP_ONE].plain = (t3 - t2) / PAGES;
	return sum;
}

/* 512 pages a call; unmapping them frees the table. */
static uint64_t many_pages(struct pt_table *table, struct sample samples[N_OPERATIONS], const uint64_t *words)
{
	uint64_t *entries[REGIONS];
	uint64_t sum = 0;
	double t0, t1, t2, t3;

	t0 = bench_now();
	for (uint32_t region = 0; region < REGIONS; region++)
		map(table, region * PER_REGION, PER_REGION);
	t1 = bench_now();
	for (uint32_t page = 0; page < PAGES; page++)
		sum += lookup(table, page);
	t2 = bench_now();
	for (unsigned int region = 0; region < REGIONS; region++)
		entries[region] = bench_entries(table, region);
	t3 = bench_now();
	for (uint32_t region = 0; region < REGIONS; region++)
		unmap(table, region * PER_REGION, PER_REGION);
	samples[UNMAP_512].ours = (bench_now() - t3) / REGIONS;
	samples[MAP_512].ours = (t1 - t0) / REGIONS;
	samples[LOOKUP_512].ours = (t2 - t1) / REGIONS;

	/* The same tables, which are free memory now. */
	t0 = bench_now();
	for (unsigned int region = 0; region < REGIONS; region++)
		plain_fill(entries[region], words[region * PER_REGION], PER_REGION);
	t1 = bench_now();
	for (unsigned int region = 0; region < REGIONS; region++)
		sum += plain_sum(entries[region], PER_REGION);
	t2 = bench_now();
	for (unsigned int region = 0; region < REGIONS; region++)
		plain_clear(entries[region], PER_REGION);
	t3 = bench_now();
	samples[MAP_512].plain = (t1 - t0) / REGIONS;
	samples[LOOKUP_512].plain = (t2 - t1) / REGIONS;
	samples[UNMAP_512].plain = (t3 - t2) / REGIONS;
	return sum;
}

uint64_t CALL_NAME(struct pt_table *table, const uint32_t *order, struct sample samples[N_OPERATIONS])
{
	uint64_t *entries[REGIONS];
	static uint64_t words[PAGES];
	uint64_t sum;

	/* Not measured: make the tables, note the words, and unmap page by page so that the tables stay. */
	for (uint32_t region = 0; region < REGIONS; region++) {
		map(table, region * PER_REGION, PER_REGION);
		entries[region] = bench_entries(table, region);
		for (uint32_t i = 0; i < PER_REGION; i++)
			words[region * PER_REGION + i] = entries[region][i];
	}
	for (uint32_t page = 0; page < PAGES; page++)
		unmap(table, page, 1);
	sum = one_page(table, order, samples, entries, words);
	/* Not measured: let the tables go. */
	for (uint32_t region = 0; region < REGIONS; region++) {
		map(table, region * PER_REGION, PER_REGION);
		unmap(table, region * PER_REGION, PER_REGION);
	}
	return sum + many_pages(table, samples, words);
}

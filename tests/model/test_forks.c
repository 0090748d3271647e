/* SPDX-License-Identifier: MIT */
/*
 * test_forks.c - tables that no mapper of ours writes: entries that choose the width of the next table or the size of
 * its pages, that merge levels, point at a leaf elsewhere, or have two sub-tables. Written here word by word, then
 * walked, visited, verified, compared with the interpreter, and refused by F_adopt.
 */
#include <string.h>

#include "compare.h"
#include "formats.h"
#include "test.h"

enum { BASE = 0x100000, WORDS = 1 << 15 }; /* 256 KiB from BASE on */

struct picture {
	const struct pt_format *format;
	uint64_t word[WORDS];
	struct pt_table table;
	struct interp in;
	struct compared compared;
};

static struct picture picture;
static const uint64_t root = BASE;

static bool read_picture(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct picture *from = ctx;

	if (pa < BASE || pa - BASE > sizeof(from->word) - bytes)
		return false;
	memcpy(buffer, (const unsigned char *)from->word + (pa - BASE), bytes);
	return true;
}

static const char *describe(void *ctx)
{
	return ((struct picture *)ctx)->format->name;
}

static void draw(const char *name)
{
	const struct model *model = models_find(name);
	struct pt_config config;

	memset(&picture, 0, sizeof(picture));
	for (size_t i = 0; i < formats_count() && !picture.format; i++)
		if (strcmp(formats_nth(i)->name, name) == 0)
			picture.format = formats_nth(i);
	CHECK(model != NULL && picture.format != NULL);
	pt_config_init(&config);
	CHECK(interp_init(&picture.in, model, config.param) == NULL);
	CHECK_EQ(picture.format->view(&picture.table, &config, &root, 1, NULL), PT_OK);
	picture.compared.format = picture.format;
	picture.compared.table = &picture.table;
	picture.compared.in = &picture.in;
	picture.compared.image = (struct image){read_picture, &picture};
	picture.compared.reader = (struct pt_reader){.ctx = &picture, .read = read_picture, .steps = 1 << 20};
	picture.compared.describe = describe;
	picture.compared.ctx = &picture;
}

/* Entry index of the table at pa, of whose format all entries have 8 bytes. */
static void put(uint64_t pa, uint64_t index, uint64_t word)
{
	const uint64_t both[2] = {word, 0};

	interp_store(&picture.in, 0, both, (unsigned char *)&picture.word[(pa - BASE) / 8 + index]);
}

static void goes_to(uint64_t iova, uint64_t pa, unsigned int lg2)
{
	struct pt_reader reader = picture.compared.reader;
	struct pt_walk walk;

	picture.format->walk(&picture.table, &reader, iova, &walk);
	CHECK_MSG(walk.fault == PT_FAULT_NONE && walk.pa == pa && walk.leaf.lg2 == lg2,
		  "0x%llx: fault %s, 0x%llx in a leaf of 2^%u bytes", (unsigned long long)iova,
		  pt_fault_string(picture.format, walk.fault), (unsigned long long)walk.pa, walk.leaf.lg2);
	compare_walk(&picture.compared, iova);
}

static void faults(uint64_t iova, unsigned int fault)
{
	struct pt_reader reader = picture.compared.reader;
	struct pt_walk walk;

	picture.format->walk(&picture.table, &reader, iova, &walk);
	CHECK_EQ(walk.fault, fault);
	compare_walk(&picture.compared, iova);
}

static bool count_run(void *ctx, const struct pt_run *run)
{
	*(uint64_t *)ctx += run->last - run->first + 1;
	return true;
}

/* All of it: the bytes that are mapped, nothing wrong, and not one that we would take over. */
static void whole(uint64_t bytes)
{
	struct pt_reader reader = picture.compared.reader;
	struct pt_mem mem = {.direct = (unsigned char *)((uintptr_t)picture.word - BASE)};
	uint64_t mapped = 0, findings = 0;
	struct pt_table adopted;

	CHECK_EQ(picture.format->visit(&picture.table, &reader, 0, UINT64_MAX, count_run, &mapped), PT_OK);
	CHECK_EQ(mapped, bytes);
	CHECK_EQ(picture.format->verify(&picture.table, &reader, NULL, NULL, &findings), PT_OK);
	CHECK_EQ(findings, 0);
	CHECK_EQ(picture.format->adopt(&adopted, NULL, &mem, &root, 1, &reader, NULL), PT_ERR_UNSUPPORTED);
}

/* Widths, page sizes, a shorter way, and leaves elsewhere. */
TEST(forks, widths_and_sizes)
{
	const uint64_t mid = BASE + 0x10000, leaf = BASE + 0x20000, other = BASE + 0x30000;

	draw("forks");
	put(BASE, 1, mid | 0x21); /* W = 2: entries of 1 MiB follow */
	put(mid, 3, leaf | 0x21); /* S = 2: pages of 64 KiB */
	put(leaf, 2, 0x1230000 | 0x0a);
	put(leaf, 3, other | 0x8 | 3); /* a leaf elsewhere */
	put(other, 1, 0x4560000 | 0x02);
	put(BASE, 2, (other + 0x1000) | 3); /* straight to pages of 4 KiB, for 4 MiB */
	put(other + 0x1000, 5, 0x7000 | 0x0e);
	goes_to(((uint64_t)1 << 30) + (3 << 20) + 0x21234, 0x1231234, 16);
	goes_to(((uint64_t)1 << 30) + (3 << 20) + 0x3ffff, 0x456ffff, 16);
	goes_to(((uint64_t)2 << 30) + 0x5678, 0x7678, 12);
	faults(((uint64_t)2 << 30) + 0x405678, PT_FAULT_RESERVED); /* beyond what the shorter way serves */
	faults(((uint64_t)1 << 30) + (3 << 20) + 0x41234, PT_FAULT_ABSENT);
	whole(0x21000);
	put(mid, 4, leaf | 0x31); /* S = 3 leads nowhere */
	faults(((uint64_t)1 << 30) + (4 << 20), PT_FAULT_RESERVED);
}

/* One table in the place of two levels. */
TEST(forks, merged_levels)
{
	const uint64_t both = BASE + 0x1000;

	draw("strides");
	put(BASE, 0, both | 0x9); /* SKL = 1: 2^18 entries; not all of them are memory here */
	put(both, 0x201, 0x5000 | 7);
	goes_to(0x201abc, 0x5abc, 12);
	faults(0x202abc, PT_FAULT_ABSENT);
	put(BASE, 1, (both + 0x8000) | 0x11); /* SKL = 2: there are not that many levels */
	faults((uint64_t)1 << 30, PT_FAULT_RESERVED);
}

/* Where the first table says nothing, the second one decides. */
TEST(forks, two_sub_tables)
{
	const uint64_t small = BASE + 0x10000, big = BASE + 0x20000;

	draw("twins");
	put(BASE, 1, small >> 12 << 36 | big >> 12 << 8 | 0xc);
	put(big, 1, 0x990000 | 5);		   /* a large page */
	put(big, 2, 2);				   /* a hole */
	put(big, 3, 3);				   /* zeros */
	for (uint64_t page = 0; page < 80; page++) /* small pages below all of these */
		put(small, page, (0x800000 + (page << 12)) | 5);
	goes_to(0x200000 + 0x3456, 0x803456, 12);
	goes_to(0x200000 + 0x13456, 0x993456, 16);
	faults(0x200000 + 0x23456, PT_FAULT_ABSENT);
	faults(0x200000 + 0x33456, PT_FAULT_NULL);
	goes_to(0x200000 + 0x4f456, 0x84f456, 12);
	faults(0x200000 + 0x50000, PT_FAULT_ABSENT);
	put(BASE, 2, big >> 12 << 8 | 4); /* only the first */
	goes_to(0x400000 + 0x13456, 0x993456, 16);
	faults(0x400000 + 0x3456, PT_FAULT_ABSENT);
	{
		struct pt_reader reader = picture.compared.reader;
		uint64_t mapped = 0, findings = 0;

		CHECK_EQ(picture.format->visit(&picture.table, &reader, 0, UINT64_MAX, count_run, &mapped), PT_OK);
		CHECK_EQ(mapped, 0x10000 + 0x10000 + 0x10000 + 0x10000);
		/* the hole is the only finding, in both places */
		CHECK_EQ(picture.format->verify(&picture.table, &reader, NULL, NULL, &findings), PT_ERR_ENTRY);
		CHECK_EQ(findings, 2);
	}
	put(big, 2, 0);
	whole(0x50000);
}

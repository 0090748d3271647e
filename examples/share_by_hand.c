/* SPDX-License-Identifier: MIT */
/*
 * share_by_hand.c - a buffer in pieces, at one address for IOMMUs of different formats: all of them have it or none,
 * and one that comes later gets it too. This is share_with_vcm.c without the runtime, by the functions of the formats
 * alone: what drivers would have to write, and agree on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "x86_64.h"

/* --8<-- counted from here */
#define MAX_IOMMUS  8
#define MAX_PIECES  16
#define SPACE_FIRST 0x100000u
#define SPACE_END   0x8100000u
#define TABLE_FIRST 0x83000000u
#define TABLE_BYTES 0x1000000u
#define TABLE_CHUNK 64u

/* What is mapped: the list that every table has to follow. */
struct buffer {
	struct buffer *next; /* by address */
	uint64_t address, bytes;
	struct pt_segment pieces[MAX_PIECES];
	size_t n;
};

struct iommu {
	const struct pt_format *format;
	struct pt_table table;
	struct pt_mem mem;
};

static struct iommu iommus[MAX_IOMMUS];
static size_t n_iommus;
static struct buffer *buffers;
static unsigned char *table_memory;
static unsigned char table_used[TABLE_BYTES / TABLE_CHUNK];

static bool table_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)ctx, (void)node;
	for (uint64_t at = TABLE_FIRST; at + bytes <= TABLE_FIRST + TABLE_BYTES; at += TABLE_CHUNK) {
		size_t first = (size_t)(at - TABLE_FIRST) / TABLE_CHUNK, n = (bytes + TABLE_CHUNK - 1) / TABLE_CHUNK;

		if (at % align || at + (bytes - 1) > max_pa || memchr(table_used + first, 1, n))
			continue;
		memset(table_used + first, 1, n);
		*pa = at;
		return true;
	}
	return false;
}

static void table_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	memset(table_used + (pa - TABLE_FIRST) / TABLE_CHUNK, 0, (bytes + TABLE_CHUNK - 1) / TABLE_CHUNK);
}

static void invalidate(void *ctx, const struct pt_gather *gather)
{
	(void)ctx, (void)gather; /* this IOMMU's registers */
}

static enum pt_status map(struct iommu *iommu, const struct buffer *buffer)
{
	struct pt_gather gather;
	enum pt_status status;

	pt_gather_init(&gather);
	status = iommu->format->map_segments(&iommu->table, buffer->address, buffer->pieces, buffer->n,
					     PT_READ | PT_WRITE | PT_NONCACHED | PT_ALLOW_WIDER, &gather, NULL);
	pt_flush(&iommu->table, &gather);
	return status;
}

static void unmap(struct iommu *iommu, const struct buffer *buffer)
{
	struct pt_gather gather;

	pt_gather_init(&gather);
	iommu->format->unmap(&iommu->table, buffer->address, buffer->bytes, 0, &gather, NULL);
	pt_flush(&iommu->table, &gather);
}

static int attach(const struct pt_format *format)
{
	struct iommu *iommu = &iommus[n_iommus];

	if (n_iommus == MAX_IOMMUS)
		return -1;
	iommu->format = format;
	iommu->mem = (struct pt_mem){.ctx = iommu,
				     .direct = table_memory - TABLE_FIRST,
				     .alloc = table_alloc,
				     .release = table_release,
				     .invalidate = invalidate};
	if (format->init(&iommu->table, NULL, &iommu->mem, NULL) != PT_OK)
		return -1;
	/* What a table serves may wrap: then it is from 0 on, too. */
	if ((iommu->table.first > SPACE_FIRST && iommu->table.first <= iommu->table.last) ||
	    iommu->table.last < SPACE_END - 1) {
		format->fini(&iommu->table);
		return -1;
	}
	/* what is there already, or nothing */
	for (const struct buffer *buffer = buffers; buffer; buffer = buffer->next)
		if (map(iommu, buffer) != PT_OK) {
			format->fini(&iommu->table);
			return -1;
		}
	n_iommus++;
	return 0;
}

/* The lowest hole, aligned as large pages want it. */
static int place(struct buffer *buffer)
{
	uint64_t align = buffer->bytes >= 0x100000 ? 0x100000 : buffer->bytes >= 0x10000 ? 0x10000 : 0x1000;
	uint64_t at = SPACE_FIRST;
	struct buffer **link = &buffers;

	for (;; link = &(*link)->next) {
		at = (at + align - 1) & ~(align - 1);
		if (at + buffer->bytes > (*link ? (*link)->address : SPACE_END)) {
			if (!*link)
				return -1;
			at = (*link)->address + (*link)->bytes;
			continue;
		}
		buffer->address = at;
		buffer->next = *link;
		*link = buffer;
		return 0;
	}
}

static void forget(struct buffer *buffer)
{
	struct buffer **link = &buffers;

	while (*link != buffer)
		link = &(*link)->next;
	*link = buffer->next;
	free(buffer);
}

static struct buffer *share(const struct pt_segment *pieces, size_t n)
{
	struct buffer *buffer = n <= MAX_PIECES ? calloc(1, sizeof(*buffer)) : NULL;
	size_t i;

	if (!buffer)
		return NULL;
	for (i = 0; i < n; i++) {
		buffer->pieces[i] = pieces[i];
		buffer->bytes += pieces[i].bytes;
	}
	buffer->n = n;
	if (place(buffer)) {
		free(buffer);
		return NULL;
	}
	for (i = 0; i < n_iommus; i++)
		if (map(&iommus[i], buffer) != PT_OK) {
			while (i--)
				unmap(&iommus[i], buffer);
			forget(buffer);
			return NULL;
		}
	return buffer;
}

static void unshare(struct buffer *buffer)
{
	for (size_t i = 0; i < n_iommus; i++)
		unmap(&iommus[i], buffer);
	forget(buffer);
}
/* --8<-- to here */

int main(void)
{
	static const struct pt_segment pieces[] = {{0x80100000, 0x100000}, {0x80400000, 0x10000}, {0x80300000, 0x3000}};
	struct buffer *buffer;
	int error;

	table_memory = calloc(1, TABLE_BYTES);
	error = !table_memory || attach(&armv7_short_format) || attach(&x86_64_format);
	buffer = error ? NULL : share(pieces, 3);
	error = !buffer || attach(&arm64_s1_format);
	for (size_t i = 0; !error && i < n_iommus; i++)
		for (uint64_t at = 0; !error && at < 0x113000; at += 0x8000) {
			uint64_t pa;

			error = iommus[i].format->iova_to_phys(&iommus[i].table, buffer->address + at, &pa) != PT_OK;
			if (!error)
				printf("%zu 0x%" PRIx64 " 0x%" PRIx64 "\n", i, buffer->address + at, pa);
		}
	if (buffer)
		unshare(buffer);
	while (n_iommus--)
		iommus[n_iommus].format->fini(&iommus[n_iommus].table);
	free(table_memory);
	return error != 0;
}

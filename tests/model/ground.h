/* SPDX-License-Identifier: MIT */
/*
 * ground.h - the memory that tables under test live in: a bank of physical memory, an allocator that distrusts its
 * user, and the hooks of struct pt_mem.
 *
 * The allocator hands out random garbage at addresses that are aligned as asked and no better, poisons what is given
 * back and looks whether somebody wrote there, and counts. A table may be released only after invalidate and quiesce
 * (that is, in pt_flush), or if it was allocated by the same operation, or while the table as a whole goes.
 *
 * With a shadow, a walker that does not snoop is simulated: device memory holds only what sync() was called for.
 *
 * A breach fails the test at once.
 */
#ifndef PTGEN_TESTS_GROUND_H
#define PTGEN_TESTS_GROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interp.h"
#include "pt.h"

enum { GROUND_BLOCKS = 1 << 16 };

struct ground_block {
	uint64_t pa;
	size_t bytes;
	uint32_t operation; /* when it was allocated */
	bool live;
};

struct ground {
	struct pt_mem mem;
	unsigned char *ram, *device; /* device NULL: coherent */
	uint64_t base;
	size_t bytes, next;
	struct ground_block *blocks;
	uint32_t n_blocks;
	uint64_t live, live_bytes, n_allocs, n_syncs;
	uint64_t max_pa; /* the least that was asked for */
	uint32_t operation;
	int64_t fail_after; /* allocations that still succeed; -1: all */
	bool failed;	    /* an allocation was refused in this operation */
	enum { GROUND_NONE, GROUND_INVALIDATED, GROUND_QUIESCED } stage;
	bool ending; /* the whole table goes: releases are free */
	bool quiet;  /* several threads: no order of hooks to check */
	uint64_t random;
	/* what a test wants to see of the hooks; may be NULL */
	void *ctx;
	void (*on_sync)(void *ctx);
	void (*on_invalidate)(void *ctx, const struct pt_gather *gather);
	void (*on_release)(void *ctx, uint64_t pa, size_t bytes);
};

/* base: physical address of the bank, bytes: its size; both multiples of 64K. coherent: no device memory of its own. */
void ground_open(struct ground *ground, uint64_t base, size_t bytes, bool coherent, uint64_t seed);
/* Fails the test if a block is still live (a leak) or a released one was written. */
void ground_close(struct ground *ground);
/* Each operation under test begins here. */
void ground_operation(struct ground *ground);
/* The block at pa, NULL: none is live there. */
const struct ground_block *ground_find(const struct ground *ground, uint64_t pa);
/* CPU memory, and what the device sees. */
struct image ground_cpu(struct ground *ground);
struct image ground_device(struct ground *ground);
/* A reader over one of them for the cold functions; update: the walker may write. */
void ground_reader(struct ground *ground, bool device, bool update, struct pt_reader *reader);

#endif

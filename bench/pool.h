/* SPDX-License-Identifier: MIT */
/*
 * pool.h - the memory that all tables of the benchmark lie in: pages of one arena, whose first byte has physical
 * address 0. What was given back last is given out first, so that everybody finds the caches in the same state.
 */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for two links per page: the kernel's code keeps lists of pages. */
struct pool_page {
	void *link[2];
};

extern struct pool {
	unsigned char *base;
	struct pool_page *pages;
	size_t bytes, used;
	uint64_t in_use; /* bytes given out and not given back */
} pool;

/* bytes: a power of two from 1 KiB on; aligned to itself. NULL when the arena is used up. Contents may be anything. */
void *pool_get(size_t bytes);
void pool_put(void *what, size_t bytes);

/* Make the arena, and touch all of it. Ends the program where there is no memory. */
void pool_open(size_t bytes);

#endif

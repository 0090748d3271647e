/* SPDX-License-Identifier: MIT */
/* pool.c - see pool.h. */
#define _GNU_SOURCE /* large pages */
#include "pool.h"
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct pool pool;

/* One list of free pieces per size: pages have many, others few. */
enum { SMALLEST = 10, N_SIZES = 16 };

static struct {
	void **free;
	size_t n, room;
} sizes[N_SIZES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Threads come in one row only; the others do without the lock. */
bool pool_shared;

void *pool_get(size_t bytes)
{
	unsigned int size = (unsigned int)__builtin_ctzll(bytes) - SMALLEST;
	void *what = NULL;

	if (pool_shared)
		pthread_mutex_lock(&lock);
	if (sizes[size].n) {
		what = sizes[size].free[--sizes[size].n];
	} else {
		size_t at = (pool.used + bytes - 1) & ~(bytes - 1);

		if (at + bytes <= pool.bytes) {
			pool.used = at + bytes;
			what = pool.base + at;
		}
	}
	pool.in_use += what ? bytes : 0;
	if (pool_shared)
		pthread_mutex_unlock(&lock);
	return what;
}

void pool_put(void *what, size_t bytes)
{
	unsigned int size = (unsigned int)__builtin_ctzll(bytes) - SMALLEST;

	if (pool_shared)
		pthread_mutex_lock(&lock);
	sizes[size].free[sizes[size].n++] = what;
	pool.in_use -= bytes;
	if (pool_shared)
		pthread_mutex_unlock(&lock);
}

void pool_open(size_t bytes)
{
	pool.bytes = bytes;
	pool.base = aligned_alloc(2U << 20, bytes);
	pool.pages = calloc(bytes / 4096, sizeof(pool.pages[0]));
	if (!pool.base || !pool.pages)
		bench_fail("memory for tables");
	/* Large pages where the system has them: the tables of the kernel lie in such memory. */
	(void)madvise(pool.base, bytes, MADV_HUGEPAGE);
	memset(pool.base, 0xa5, bytes);
	pool.used = 2U << 20; /* nothing lies at 0 */
	for (unsigned int i = 0; i < N_SIZES; i++) {
		sizes[i].room = bytes >> (SMALLEST + i);
		sizes[i].free = calloc(sizes[i].room, sizeof(void *));
		if (!sizes[i].free)
			bench_fail("memory for the lists");
	}
}

/* SPDX-License-Identifier: MIT */
/* plain.c - what the machine can do: stores and loads, and nothing else. */
#include "bench.h"

volatile uint64_t bench_sink;

PT_NOINLINE void plain_fill(uint64_t *entries, uint64_t word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		PT_WRITE_ONCE(&entries[i], word + i * BENCH_PAGE);
}

PT_NOINLINE void plain_clear(uint64_t *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		PT_WRITE_ONCE(&entries[i], 0);
}

PT_NOINLINE uint64_t plain_sum(const uint64_t *entries, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += PT_READ_ONCE(&entries[i]);
	return sum;
}

PT_NOINLINE void plain_store(uint64_t *entry, uint64_t word)
{
	PT_WRITE_ONCE(entry, word);
}

PT_NOINLINE uint64_t plain_load(const uint64_t *entry)
{
	return PT_READ_ONCE(entry);
}

/* SPDX-License-Identifier: MIT */
/* arm64_s1.c - ptgen's stage 1 of 64-bit Arm, 4 KiB granule. */
#include "arm64_s1.h"

#define FORMAT arm64_s1
#define PARAMETERS             \
	{"tg", 12}, {"hd", 1}, \
	{                      \
		0              \
	}
#define INPUT_BITS 48
#define BLOCKS	   (BENCH_2M | BENCH_1G)
#define GROUP	   (16 * BENCH_PAGE)
/* With DBM, a page is dirty when it is writable. */
#define DIRTY 0, (uint64_t)1 << 7
#include "ours.h"

/* SPDX-License-Identifier: MIT */
/* armv7_short.c - ptgen's short descriptors of 32-bit Arm. */
#include "armv7_short.h"

#define FORMAT armv7_short
#define PARAMETERS       \
	{"coherent", 1}, \
	{                \
		0        \
	}
#define INPUT_BITS 32
#define SPAN	   ((uint64_t)1 << 20)
#define BLOCKS	   ((uint64_t)1 << 20)
#define GROUP	   (16 * BENCH_PAGE)
#include "ours.h"

/* SPDX-License-Identifier: MIT */
/* amd_v1.c - ptgen's AMD host tables, three levels. */
#include "amd_v1.h"

#define FORMAT amd_v1
#define PARAMETERS  \
	{"had", 1}, \
	{           \
		0   \
	}
#define INPUT_BITS 39
#define BLOCKS	   (BENCH_2M | BENCH_1G)
#define GROUP	   (16 * BENCH_PAGE)
#define DIRTY	   (uint64_t)1 << 6, 0
#include "ours.h"

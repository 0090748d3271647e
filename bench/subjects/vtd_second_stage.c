/* SPDX-License-Identifier: MIT */
/* vtd_second_stage.c - ptgen's second stage of VT-d, four levels. */
#include "vtd_second_stage.h"

#define FORMAT vtd_second_stage
#define PARAMETERS   \
	{"ssad", 1}, \
	{            \
		0    \
	}
#define INPUT_BITS 48
#define BLOCKS	   (BENCH_2M | BENCH_1G)
#define GROUP	   0
#define DIRTY	   (uint64_t)1 << 9, 0
#include "ours.h"

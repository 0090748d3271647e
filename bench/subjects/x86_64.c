/* SPDX-License-Identifier: MIT */
/* x86_64.c - ptgen's x86-64, four levels. */
#include "x86_64.h"

#define FORMAT x86_64
#define PARAMETERS \
	{          \
		0  \
	}
#define INPUT_BITS 48
#define BLOCKS	   (BENCH_2M | BENCH_1G)
#define GROUP	   0
#define DIRTY	   (uint64_t)1 << 6, 0
#include "ours.h"

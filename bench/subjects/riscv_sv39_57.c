/* SPDX-License-Identifier: MIT */
/* riscv_sv39_57.c - ptgen's RISC-V Sv48 with Svnapot. */
#include "riscv_sv39_57.h"

#define FORMAT riscv_sv39_57
#define PARAMETERS                     \
	{"levels", 4}, {"svnapot", 1}, \
	{                              \
		0                      \
	}
#define INPUT_BITS 47
#define BLOCKS	   (BENCH_2M | BENCH_1G)
#define GROUP	   (16 * BENCH_PAGE)
#define DIRTY	   (uint64_t)1 << 7, 0
#define PA_SHIFT   2
#include "ours.h"

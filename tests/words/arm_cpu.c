/* SPDX-License-Identifier: MIT */
/*
 * arm_cpu.c - VMSAv8-64 words of CPU page tables, checked elsewhere against the architecture's own pseudocode; tables
 * from 0x100000000, two granules apart. Their writer uses AttrIndx 0 with SH 3, which no generic memory type stands
 * for.
 */
#include "words.h"

#define CPU(...)   .format = "arm64_s1", .param = {__VA_ARGS__}
#define TABLES_4K  .table = {0x100000000, 0x100002000, 0x100004000, 0x100006000, 0x100008000}
#define TABLES_16K .table = {0x100000000, 0x100008000, 0x100010000, 0x100018000}
#define TABLES_64K .table = {0x100000000, 0x100020000, 0x100040000}

static const struct words_group groups[] = {
	{
		.name = "4K granule, 48 bits, page",
		CPU({"ia", 48}),
		TABLES_4K,
		MAPS({0x7f1234567000, 0xabcdef000, 0x1000, R | W | N,
		      .entry = {AT(0x100000000, 0xfe, 0x0000000100002003), AT(0x100002000, 0x48, 0x0000000100004003),
				AT(0x100004000, 0x1a2, 0x0000000100006003), AT(0x100006000, 0x167, 0x0060000abcdeff43)},
		      .field = {{"SH", 3}}}),
	},
	{
		.name = "4K granule, 16 contiguous pages",
		CPU({"ia", 48}),
		TABLES_4K,
		MAPS({0x40010000, 0x80010000, 0x10000, R | X | P | G,
		      .entry = {AT(0x100000000, 0, 0x0000000100002003), AT(0x100002000, 1, 0x0000000100004003),
				AT(0x100004000, 0, 0x0000000100006003),
				STEPS(0x100006000, 16, 31, 0x0050000080010793, 0x1000)},
		      .field = {{"AttrIndx", 4}, {"SH", 3}}}),
	},
	{
		.name = "4K granule, 39 bits, 1 GiB block",
		CPU({"ia", 39}),
		TABLES_4K,
		MAPS({0x4040000000, 0x880000000, 0x40000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 0x101, 0x0060000880000701)}, .field = {{"SH", 3}}}),
	},
	{
		/* EL0 executes, EL1 does not: no generic request says that. */
		.name = "16K granule, 47 bits, page",
		CPU({"tg", 14}, {"ia", 47}),
		TABLES_16K,
		MAPS({0x123456788000, 0xfedcb8000, 0x4000, R | X | N,
		      .entry = {AT(0x100000000, 0x123, 0x0000000100008003), AT(0x100008000, 0x22b, 0x0000000100010003),
				AT(0x100010000, 0x1e2, 0x0020000fedcb8fc3)},
		      .field = {{"SH", 3}, {"PXN", 1}}}),
	},
	{
		.name = "16K granule, 48 bits: a root of two entries, 32 MiB block",
		CPU({"tg", 14}, {"ia", 48}),
		TABLES_16K,
		MAPS({0x800002000000, 0x102000000, 0x2000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 1, 0x0000000100008003), AT(0x100008000, 0, 0x0000000100010003),
				AT(0x100010000, 1, 0x0060000102000701)},
		      .field = {{"SH", 3}}}),
	},
	{
		.name = "64K granule, 48 bits to 52, page",
		CPU({"tg", 16}, {"ia", 48}, {"oa", 52}),
		TABLES_64K,
		MAPS({0x123456780000, 0xfedcba9870000, 0x10000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 4, 0x0000000100020003), AT(0x100020000, 0x11a2, 0x0000000100040003),
				AT(0x100040000, 0x1678, 0x0060edcba987f703)},
		      .field = {{"SH", 3}}}),
	},
	{
		.name = "64K granule, 52 bits, 512 MiB block",
		CPU({"tg", 16}, {"ia", 52}, {"oa", 52}),
		TABLES_64K,
		MAPS({0xfffff20000000, 0x5000020000000, 0x20000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 0x3ff, 0x0000000100020003),
				AT(0x100020000, 0x1ff9, 0x0060000020005701)},
		      .field = {{"SH", 3}}}),
	},
	{
		.name = "64K granule, 52 bits, 4 TiB block",
		CPU({"tg", 16}, {"ia", 52}, {"oa", 52}),
		TABLES_64K,
		MAPS({0x40000000000, 0xc040000000000, 0x40000000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 1, 0x006004000000c701)}, .field = {{"SH", 3}}}),
	},
	{
		/* Shareability comes from TCR: its place in the entry holds address bits 51:50. */
		.name = "4K granule, DS, 52 bits, five levels",
		CPU({"ds", 1}, {"ia", 52}, {"oa", 52}),
		TABLES_4K,
		MAPS({0xfedcba9876000, 0xf123456789000, 0x1000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 0xf, 0x0000000100002003), AT(0x100002000, 0x1db, 0x0000000100004003),
				AT(0x100004000, 0x12e, 0x0000000100006003), AT(0x100006000, 0x14c, 0x0000000100008003),
				AT(0x100008000, 0x76, 0x0063123456789703)}}),
	},
	{
		.name = "4K granule, DS, 512 GiB block",
		CPU({"ds", 1}, {"ia", 52}, {"oa", 52}),
		TABLES_4K,
		MAPS({0x8008000000000, 0xd008000000000, 0x8000000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 8, 0x0000000100002003), AT(0x100002000, 1, 0x0061008000000701)}}),
	},
	{
		.name = "16K granule, DS, 64 GiB block",
		CPU({"tg", 14}, {"ds", 1}, {"ia", 52}, {"oa", 52}),
		TABLES_16K,
		MAPS({0x8001000000000, 0xa001000000000, 0x1000000000, R | W | P | G | N,
		      .entry = {AT(0x100000000, 0x10, 0x0000000100008003), AT(0x100008000, 1, 0x0062001000000601)}}),
	},
	{
		.name = "stage 2, 4K granule, 40 bits: two concatenated roots",
		.format = "arm64_s2",
		.param = {{"ia", 40}, {"oa", 40}},
		TABLES_4K,
		MAPS({0xf123456000, 0x8765432000, 0x1000, R | W | X,
		      .entry = {AT(0x100000000, 0x3c4, 0x0000000100002003), AT(0x100002000, 0x11a, 0x0000000100004003),
				AT(0x100004000, 0x56, 0x00000087654327ff)}}),
	},
	{
		/* The source puts the second table into the 256 KiB of the root; here it stands behind them. */
		.name = "stage 2, 16K granule, 40 bits: sixteen concatenated roots",
		.format = "arm64_s2",
		.param = {{"tg", 14}, {"ia", 40}, {"oa", 40}, {"xnx", 1}},
		.table = {0x100000000, 0x100048000},
		MAPS({0xf123454000, 0x8765430000, 0x4000, R | W,
		      .entry = {AT(0x100000000, 0x7891, 0x0000000100048003),
				AT(0x100048000, 0x515, 0x00400087654307ff)}}),
	},
};

const struct words_list words_arm_cpu = {groups, sizeof(groups) / sizeof(groups[0]), NULL, 0};

/* SPDX-License-Identifier: MIT */
/*
 * armv7.c - words of the short descriptors: those that the kernel's IOMMU encoder writes (root at 0x80000000), and
 * those of a CPU's table at 0x4000 in the older permission and memory models. Then those of MediaTek's IOMMUs, as the
 * kernel writes them.
 */
#include "words.h"

#define IOMMU(...) .format = "armv7_short", .param = {__VA_ARGS__}, .table = {0x80000000}
#define CPU(...)   .format = "armv7_short", .param = {{"afe", 0}, {"tre", 0}, __VA_ARGS__}
#define MTK(...)   .format = "mtk_v7s", .param = {__VA_ARGS__}
#define ALL	   (~(uint64_t)0)

static const struct words_group groups[] = {
	{
		.name = "non-coherent walker",
		IOMMU({"coherent", 0}),
		.reg = {{"TTBR", ALL, 0x80000002},
			{"TTBCR", ALL, 0},
			{"PRRR", ALL, 0x800b8204},
			{"NMRR", ALL, 0x40004000}},
		MAPS({0x40001000, 0x80123000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1024, 0x80004001), AT(0x80004000, 1, 0x80123c7e)}},
		     {0x40010000, 0x90010000, 0x10000, R, .entry = {RUN(0x80004000, 16, 31, 0x90019e3d)}},
		     {0x50000000, 0xa0100000, 0x100000, R | W | X | N, .entry = {AT(0x80000000, 1280, 0xa0131c02)}},
		     {0x51000000, 0xb1000000, 0x1000000, R | W | D, .entry = {RUN(0x80000000, 1296, 1311, 0xb1070c16)}},
		     {0x40002000, 0x80124000, 0x1000, R | X | D, .entry = {AT(0x80004000, 2, 0x80124e36)}},
		     {0x40003000, 0x80125000, 0x1000, R | W | P | N, .entry = {AT(0x80004000, 3, 0x80125c53)}}),
	},
	{
		.name = "coherent walker, not secure",
		IOMMU({"coherent", 1}, {"ns", 1}),
		.reg = {{"TTBR", ALL, 0x8000006a}, {"TTBCR", ALL, 0}},
		MAPS({0x40001000, 0x80123000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1024, 0x80004009), AT(0x80004000, 1, 0x80123c7e)}},
		     {0x40010000, 0x90010000, 0x10000, R, .entry = {RUN(0x80004000, 16, 31, 0x90019e3d)}},
		     {0x50000000, 0xa0100000, 0x100000, R | W | X | N, .entry = {AT(0x80000000, 1280, 0xa01b1c02)}}),
	},
	{
		.name = "CPU: 1 MiB section",
		CPU({"domain", 0}),
		.table = {0x4000},
		MAPS({0xc0100000, 0x80200000, 0x100000, R | W | X | G, .entry = {AT(0x4000, 0xc01, 0x80211c0e)}}),
	},
	{
		/* Address bits 39:36 and 35:32 stand in bits 8:5 and 23:20. */
		.name = "CPU: 16 MiB supersection with a 40-bit address",
		CPU({"domain", 0}),
		.table = {0x4000},
		MAPS({0x40000000, 0x1234000000, 0x1000000, R | W | P | G,
		      .entry = {RUN(0x4000, 0x400, 0x40f, 0x3425143e)}}),
	},
	{
		.name = "CPU: 64 KiB large page in domain 3",
		CPU({"domain", 3}),
		.table = {0x4000, 0x8400},
		MAPS({0x10000, 0x12340000, 0x10000, R | W,
		      .entry = {AT(0x4000, 0, 0x00008461), RUN(0x8400, 0x10, 0x1f, 0x12349c3d)}}),
	},
	{
		.name = "CPU: 4 KiB small page, read-only by the old code",
		CPU({"domain", 0}),
		.table = {0x4000, 0x8800},
		MAPS({0x345000, 0x9abcd000, 0x1000, R | G,
		      .entry = {AT(0x4000, 3, 0x00008801), AT(0x8800, 0x45, 0x9abcd26f)},
		      .field = {{"S", 0}, {"AP", 6}}}),
	},
	{
		/* A root of 64 KiB; address bits 32, 33 and 34 stand in bits 9, 4 and 5 of every leaf. */
		.name = "MediaTek, 34 bits to 35",
		MTK({"ia", 34}, {"oa", 35}, {"wide", 1}),
		.table = {0x80000000},
		.reg = {{"TTBR", ALL, 0x80000000}, {"PRRR", ALL, 0x800b8204}, {"NMRR", ALL, 0x40004000}},
		MAPS({0x340001000, 0x140123000, 0x1000, R | W | X | N,
		      .entry = {AT(0x80000000, 13312, 0x80010009), AT(0x80010000, 1, 0x40123e42)}},
		     {0x340010000, 0x240010000, 0x10000, R | W | X | N, .entry = {RUN(0x80010000, 16, 31, 0x40011c11)}},
		     {0x350000000, 0x4a0100000, 0x100000, R | W | X | N, .entry = {AT(0x80000000, 13568, 0xa01b1022)}},
		     {0x351000000, 0x7b1000000, 0x1000000, R | W | X | N,
		      .entry = {RUN(0x80000000, 13584, 13599, 0xb10f1232)}}),
	},
	{
		.name = "MediaTek, tables above 4 GiB",
		MTK({"wide", 1}),
		.table = {0x140000000},
		.reg = {{"TTBR", ALL, 0x40000001}},
		MAPS({0x340001000, 0x140123000, 0x1000, R | W | X | N,
		      .entry = {AT(0x140000000, 13312, 0x40010209), AT(0x140010000, 1, 0x40123e42)}},
		     {0x340010000, 0x240010000, 0x10000, R | W | X | N,
		      .entry = {RUN(0x140010000, 16, 31, 0x40011c11)}}),
	},
	{
		/* Memory at 1..4 GiB is seen 4 GiB higher by what is behind the IOMMU, that at 4..5 GiB where it is;
		 * tables are read where they are. */
		.name = "MediaTek, 4 GiB mode",
		MTK({"ia", 32}, {"oa", 33}),
		.table = {0x80000000},
		.reg = {{"TTBR", ALL, 0x80000000}},
		MAPS({0x40001000, 0x180123000, 0x1000, R | W | X | N,
		      .entry = {AT(0x80000000, 1024, 0x80004009), AT(0x80004000, 1, 0x80123e42)}},
		     {0x40010000, 0x100010000, 0x10000, R | W | X | N, .entry = {RUN(0x80004000, 16, 31, 0x00011e01)}},
		     {0x50000000, 0x1a0100000, 0x100000, R | W | X | N, .entry = {AT(0x80000000, 1280, 0xa01b1202)}},
		     {0x40100000, 0x2a0100000, 0x100000, R | W | X | N, .status = PT_ERR_OUTPUT}),
	},
};

/* Small page, large page, section, supersection. */
#define FOUR(request, small, large, section, super)                                                     \
	{"armv7_short", {{0}}, 12, (request), (small)}, {"armv7_short", {{0}}, 16, (request), (large)}, \
		{"armv7_short", {{0}}, 20, (request), (section)},                                       \
	{                                                                                               \
		"armv7_short", {{0}}, 24, (request), (super)                                            \
	}
#define NOT_SECURE(request, small, large, section, super)                                                           \
	{"armv7_short", {{"ns", 1}}, 12, (request), (small)}, {"armv7_short", {{"ns", 1}}, 16, (request), (large)}, \
		{"armv7_short", {{"ns", 1}}, 20, (request), (section)},                                             \
	{                                                                                                           \
		"armv7_short", {{"ns", 1}}, 24, (request), (super)                                                  \
	}

static const struct words_constant constants[] = {
	FOUR(R | W | X, 0xc7e, 0x1c3d, 0x31c0e, 0x71c0e),
	FOUR(R | W | X | N, 0xc72, 0x1c31, 0x31c02, 0x71c02),
	FOUR(R, 0xe7f, 0x9e3d, 0x39c1e, 0x79c1e),
	FOUR(R | X | D, 0xe36, 0x0e35, 0x38c06, 0x78c06),
	FOUR(R | W | D, 0xc37, 0x8c35, 0x30c16, 0x70c16),
	FOUR(R | W | P | N, 0xc53, 0x9c11, 0x31412, 0x71412),
	NOT_SECURE(R | W | X, 0xc7e, 0x1c3d, 0xb1c0e, 0xf1c0e),
};

const struct words_list words_armv7 = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

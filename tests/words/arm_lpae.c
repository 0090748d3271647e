/* SPDX-License-Identifier: MIT */
/*
 * arm_lpae.c - words of the long descriptors that derive from VMSAv8-64: AArch32 of both stages as the kernel's encoder
 * writes them, and Mali in its LPAE mode, by the kernel's encoder and by a driver of the GPU's maker.
 */
#include "words.h"

#define ALL ((uint64_t)0xffffffffffffffff)

#define S1(...)	  .format = "arm_lpae32_s1", .param = {__VA_ARGS__}, .table = {0x80000000}
#define S2(...)	  .format = "arm_lpae32_s2", .param = {__VA_ARGS__}, .table = {0x80000000}
#define MALI(...) .format = "mali_lpae", .param = {__VA_ARGS__}, .table = {0x80000000}

/* EAE, the walk attributes and the size; the other half is switched off. */
#define TTBCR(sh, orgn, irgn, t0sz)                                                          \
	{                                                                                    \
		"TTBCR", ALL, 0x80800000U | (sh) << 12 | (orgn) << 10 | (irgn) << 8 | (t0sz) \
	}
#define MAIR                             \
	{"MAIR0", ALL, 0xf404ff44},      \
	{                                \
		"MAIR1", ALL, 0xffffffff \
	}
#define VTCR(sh, orgn, irgn, sl, s, t0sz)                                                                          \
	{                                                                                                          \
		"VTCR", ALL, 0x80000000U | (sh) << 12 | (orgn) << 10 | (irgn) << 8 | (sl) << 6 | (s) << 4 | (t0sz) \
	}

static const struct words_group groups[] = {
	{
		.name = "AArch32 stage 1, 32 bits",
		S1({"ia", 32}, {"oa", 40}),
		.reg = {{"TTBR", ALL, 0x80000000}, MAIR, TTBCR(3, 1, 1, 0)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x0000000123456f47)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x0000000080003003), AT(0x80003000, 1, 0x0060000040200fc5)}},
		     {0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 3, 0x0060007fc0000e49)}}),
	},
	{
		.name = "AArch32 stage 1, not secure, non-coherent walker",
		S1({"ns", 1}, {"coherent", 0}),
		.reg = {{"TTBR", ALL, 0x80000000}, MAIR, TTBCR(2, 0, 0, 0)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x8080000080001003), AT(0x80001000, 0, 0x8080000080002003),
				AT(0x80002000, 1, 0x0000000123456f67)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x8080000080003003), AT(0x80003000, 1, 0x0060000040200fe5)}},
		     {0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 3, 0x0060007fc0000e69)}}),
	},
	{
		/* T0SZ = 2: the walk starts at level 2 in one table. */
		.name = "AArch32 stage 1, 30 bits",
		S1({"ia", 30}),
		.reg = {TTBCR(3, 1, 1, 2)},
		MAPS({0x00001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000123456f47)}},
		     {0x3fe00000, 0x40200000, 0x200000, R, .entry = {AT(0x80000000, 511, 0x0060000040200fc5)}}),
	},
	{
		/* T0SZ = 1, T1SZ = 0: the upper table serves all but what the lower one does, by the same indices. */
		.name = "AArch32 stage 1, the upper half",
		S1({"upper", 1}, {"other", 1}),
		.reg = {{"TTBCR", 0x8007ff87, 0x80000081}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X, .status = PT_ERR_RANGE},
		     {0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 3, 0x0060007fc0000e49)}}),
	},
	{
		/* T1SZ = 2: the upper table serves the last 1 GiB, and its first entry the beginning of that. */
		.name = "AArch32 stage 1, an upper region of its own size",
		S1({"upper", 1}, {"ia", 30}, {"other", 2}),
		.reg = {{"TTBCR", 0x8007ff87, 0x80020082}},
		MAPS({0xc0001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000123456f47)}},
		     {0xffe00000, 0x40200000, 0x200000, R, .entry = {AT(0x80000000, 511, 0x0060000040200fc5)}},
		     {0x3fe00000, 0x40200000, 0x200000, R, .status = PT_ERR_RANGE},
		     {0xbfe00000, 0x40200000, 0x200000, R, .status = PT_ERR_RANGE}),
	},
	{
		/* T1SZ = 1, T0SZ = 0: two entries of the first level. */
		.name = "AArch32 stage 1, the upper half by T1SZ",
		S1({"upper", 1}, {"ia", 31}),
		.reg = {{"TTBCR", 0x8007ff87, 0x80010080}},
		MAPS({0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 1, 0x0060007fc0000e49)}},
		     {0x40000000, 0x7fc0000000, 0x40000000, R | W | D, .status = PT_ERR_RANGE}),
	},
	{
		.name = "AArch32 stage 2, 40 bits: two concatenated roots",
		S2({"ia", 40}, {"oa", 40}),
		.reg = {{"VTTBR", ALL, 0x80000000}, VTCR(3, 1, 1, 1, 1, 8)},
		MAPS({0x8040001000, 0x1123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 513, 0x0000000080002003), AT(0x80002000, 0, 0x0000000080003003),
				AT(0x80003000, 1, 0x00000011234567ff)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x006000004020077d)}},
		     {0x100000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 4, 0x0060007fc00006c5)}}),
	},
	{
		.name = "Mali, 33 bits: a root of one entry",
		MALI({"ia", 33}, {"oa", 40}),
		.reg = {{"TRANSTAB", ALL, 0x80000017}, {"MEMATTR", ALL, 0x888d88}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x00000001234562c5)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80001000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x0060000040200245)}},
		     {0x100000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80001000, 4, 0x0060007fc00002c9)}}),
	},
	{
		.name = "Mali, 48 bits, non-coherent walker",
		MALI({"ia", 48}, {"coherent", 0}),
		.reg = {{"TRANSTAB", ALL, 0x80000007}, {"MEMATTR", ALL, 0x888d88}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0080000080001003), AT(0x80001000, 1, 0x0080000080002003),
				AT(0x80002000, 0, 0x0080000080003003), AT(0x80003000, 1, 0x00000001234562c5)}}),
	},
	{
		.name = "Mali, page",
		.format = "mali_lpae",
		.table = {0x100000},
		MAPS({0x12345000, 0x87654000, 0x1000, R | W | X,
		      .entry = {AT(0x100000, 0, 0x0000000000101003), AT(0x101000, 0, 0x0000000000102003),
				AT(0x102000, 0x91, 0x0000000000103003), AT(0x103000, 0x145, 0x00000000876542c5)}}),
	},
	{
		/* Of the two bits that the kernel writes to forbid execution, this writer sets bit 54 alone. */
		.name = "Mali, read-only 2 MiB block",
		.format = "mali_lpae",
		.table = {0x100000},
		MAPS({0x200000, 0x87600000, 0x200000, R | N,
		      .entry = {AT(0x100000, 0, 0x0000000000101003), AT(0x101000, 0, 0x0000000000102003),
				AT(0x102000, 1, 0x0040000087600241)},
		      .field = {{"XN", 2}}}),
	},
};

#define PAGE_AND_BLOCKS(format, request, page, block)                                        \
	{(format), {{0}}, 12, (request), (page)}, {(format), {{0}}, 21, (request), (block)}, \
	{                                                                                    \
		(format), {{0}}, 30, (request), (block)                                      \
	}

static const struct words_constant constants[] = {
	PAGE_AND_BLOCKS("arm_lpae32_s1", R | W | X, 0x0000000000000f47, 0x0000000000000f45),
	PAGE_AND_BLOCKS("arm_lpae32_s1", R | W | X | N, 0x0000000000000e43, 0x0000000000000e41),
	PAGE_AND_BLOCKS("arm_lpae32_s1", R | X, 0x0000000000000fc7, 0x0000000000000fc5),
	PAGE_AND_BLOCKS("arm_lpae32_s1", R, 0x0060000000000fc7, 0x0060000000000fc5),
	PAGE_AND_BLOCKS("arm_lpae32_s1", R | W | D, 0x0060000000000e4b, 0x0060000000000e49),
	PAGE_AND_BLOCKS("arm_lpae32_s1", R | W | X | P, 0x0000000000000f07, 0x0000000000000f05),
	PAGE_AND_BLOCKS("arm_lpae32_s2", R | W | X, 0x00000000000007ff, 0x00000000000007fd),
	PAGE_AND_BLOCKS("arm_lpae32_s2", R, 0x006000000000077f, 0x006000000000077d),
	PAGE_AND_BLOCKS("arm_lpae32_s2", R | W | D, 0x00600000000006c7, 0x00600000000006c5),
	PAGE_AND_BLOCKS("mali_lpae", R | W | X, 0x00000000000002c5, 0x00000000000002c5),
	PAGE_AND_BLOCKS("mali_lpae", R, 0x0060000000000245, 0x0060000000000245),
	PAGE_AND_BLOCKS("mali_lpae", R | W | D, 0x00600000000002c9, 0x00600000000002c9),
	PAGE_AND_BLOCKS("mali_lpae", R | W | X | N, 0x00000000000002c1, 0x00000000000002c1),
	PAGE_AND_BLOCKS("mali_lpae", R | X | N, 0x0000000000000241, 0x0000000000000241),
};

const struct words_list words_arm_lpae = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

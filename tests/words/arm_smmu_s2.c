/* SPDX-License-Identifier: MIT */
/*
 * arm_smmu_s2.c - words that the kernel's encoder for SMMU stage 2 writes, with its concatenated roots; tables one
 * after the other from 0x80000000.
 */
#include "words.h"

#define VTCR(ps, tg, sh, orgn, irgn, sl, tsz)                                                                 \
	{                                                                                                     \
		"VTCR", 0x7ffffU,                                                                             \
			(ps) << 16 | (tg) << 14 | (sh) << 12 | (orgn) << 10 | (irgn) << 8 | (sl) << 6 | (tsz) \
	}
#define VTTBR                                     \
	{                                         \
		"VTTBR", ~(uint64_t)0, 0x80000000 \
	}

#define S2(...) .format = "arm64_s2", .param = {__VA_ARGS__}, .table = {0x80000000}

static const struct words_group groups[] = {
	{
		.name = "4K granule, 48 bits",
		S2({"tg", 12}, {"ia", 48}, {"oa", 48}),
		.reg = {VTTBR, VTCR(5, 0, 3, 1, 1, 2, 16)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x00000001234567ff)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80001000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x006000004020077d)}},
		     {0x100000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80001000, 4, 0x0060007fc00006c5)}},
		     {0x40002000, 0x5000, 0x1000, R | X | N, .entry = {AT(0x80003000, 2, 0x0000000000005657)}},
		     {0x40003000, 0x6000, 0x1000, W | X | N, .entry = {AT(0x80003000, 3, 0x0000000000006697)}}),
	},
	{
		.name = "4K granule, 40 bits: two concatenated roots",
		S2({"ia", 40}, {"oa", 40}),
		.reg = {VTTBR, VTCR(2, 0, 3, 1, 1, 1, 24)},
		MAPS({0x8040001000, 0x1123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 513, 0x0000000080002003), AT(0x80002000, 0, 0x0000000080003003),
				AT(0x80003000, 1, 0x00000011234567ff)}},
		     {0x80200000, 0x40200000, 0x200000, R | N,
		      .entry = {AT(0x80000000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x0060000040200655)}},
		     {0x100000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 4, 0x0060007fc00006c5)}}),
	},
	{
		/* As the kernel writes AArch32 long descriptors of stage 2. */
		.name = "4K granule, 40 bits: a cached block",
		S2({"ia", 40}, {"oa", 40}),
		MAPS({0x8040001000, 0x1123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 513, 0x0000000080002003), AT(0x80002000, 0, 0x0000000080003003),
				AT(0x80003000, 1, 0x00000011234567ff)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x006000004020077d)}}),
	},
	{
		.name = "4K granule, 42 bits: eight concatenated roots",
		S2({"ia", 42}, {"oa", 42}),
		.reg = {VTTBR, VTCR(3, 0, 3, 1, 1, 1, 22)},
		MAPS({0x8040001000, 0x1123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 513, 0x0000000080008003), AT(0x80008000, 0, 0x0000000080009003),
				AT(0x80009000, 1, 0x00000011234567ff)}}),
	},
	{
		.name = "4K granule, 44 bits: four levels",
		S2({"ia", 44}, {"oa", 44}),
		.reg = {VTTBR, VTCR(4, 0, 3, 1, 1, 2, 20)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x00000001234567ff)}}),
	},
	{
		.name = "4K granule, 32 bits: a wider address is refused",
		S2({"ia", 32}, {"oa", 32}),
		.reg = {VTTBR, VTCR(0, 0, 3, 1, 1, 1, 32)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X, .status = PT_ERR_OUTPUT}),
	},
	{
		.name = "4K granule, 39 bits, forced write-back",
		S2({"ia", 39}, {"oa", 40}, {"fwb", 1}),
		.reg = {VTTBR, VTCR(2, 0, 3, 1, 1, 1, 25)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x00000001234567db)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x0000000080003003), AT(0x80003000, 1, 0x0060000040200759)}}),
	},
	{
		.name = "16K granule, 48 bits: two concatenated roots",
		S2({"tg", 14}, {"ia", 48}, {"oa", 48}),
		.reg = {VTTBR, VTCR(5, 2, 3, 1, 1, 2, 16)},
		MAPS({0x40004000, 0x123458000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080008003), AT(0x80008000, 32, 0x000000008000c003),
				AT(0x8000c000, 1, 0x00000001234587ff)}},
		     {0x82000000, 0x42000000, 0x2000000, R | N, .entry = {AT(0x80008000, 65, 0x0060000042000655)}},
		     {0x40008000, 0x8000, 0x4000, R | W | X | D, .entry = {AT(0x8000c000, 2, 0x00000000000086c7)}}),
	},
	{
		.name = "16K granule, 40 bits: sixteen concatenated roots, and a block in them",
		S2({"tg", 14}, {"ia", 40}, {"oa", 40}),
		.reg = {VTTBR, VTCR(2, 2, 3, 1, 1, 1, 24)},
		MAPS({0x40004000, 0x123458000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 32, 0x0000000080040003), AT(0x80040000, 1, 0x00000001234587ff)}},
		     {0x82000000, 0x42000000, 0x2000000, R | N, .entry = {AT(0x80000000, 65, 0x0060000042000655)}}),
	},
	{
		.name = "64K granule, 48 bits",
		S2({"tg", 16}, {"ia", 48}, {"oa", 48}),
		.reg = {VTTBR, VTCR(5, 1, 3, 1, 1, 2, 16)},
		MAPS({0x40010000, 0x123450000, 0x10000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080010003), AT(0x80010000, 2, 0x0000000080020003),
				AT(0x80020000, 1, 0x00000001234507ff)}}),
	},
	{
		.name = "64K granule, 52 bits",
		S2({"tg", 16}, {"ia", 52}, {"oa", 52}),
		.reg = {VTTBR, VTCR(6, 1, 3, 1, 1, 2, 12)},
		MAPS({0x40010000, 0xf123456780000, 0x10000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080010003), AT(0x80010000, 2, 0x0000000080020003),
				AT(0x80020000, 1, 0x000012345678f7ff)}},
		     {0xa0000000, 0x123420000000, 0x20000000, R | N, .entry = {AT(0x80010000, 5, 0x0060123420000655)}},
		     {0x40000000000, 0x8040000000000, 0x40000000000, R | W | X | N,
		      .entry = {AT(0x80000000, 1, 0x00000400000086d5)}}),
	},
};

#define PAGE_AND_BLOCK(request, page, block)              \
	{"arm64_s2", {{0}}, 12, (request), (page)},       \
	{                                                 \
		"arm64_s2", {{0}}, 21, (request), (block) \
	}
#define FORCED(request, page, block)                             \
	{"arm64_s2", {{"fwb", 1}}, 12, (request), (page)},       \
	{                                                        \
		"arm64_s2", {{"fwb", 1}}, 21, (request), (block) \
	}

static const struct words_constant constants[] = {
	PAGE_AND_BLOCK(R | W | X, 0x00000000000007ff, 0x00000000000007fd),
	FORCED(R | W | X, 0x00000000000007db, 0x00000000000007d9),
	PAGE_AND_BLOCK(R | W | X | N, 0x00000000000006d7, 0x00000000000006d5),
	PAGE_AND_BLOCK(R, 0x006000000000077f, 0x006000000000077d),
	FORCED(R, 0x006000000000075b, 0x0060000000000759),
	PAGE_AND_BLOCK(R | W | D, 0x00600000000006c7, 0x00600000000006c5),
	PAGE_AND_BLOCK(R | W | X | D, 0x00000000000006c7, 0x00000000000006c5),
	PAGE_AND_BLOCK(R | X | N, 0x0000000000000657, 0x0000000000000655),
	PAGE_AND_BLOCK(W | X | N, 0x0000000000000697, 0x0000000000000695),
	PAGE_AND_BLOCK(R | N, 0x0060000000000657, 0x0060000000000655),
};

const struct words_list words_arm_smmu_s2 = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

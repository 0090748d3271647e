/* SPDX-License-Identifier: MIT */
/*
 * arm_smmu.c - words that the kernel's encoder for SMMU stage 1 writes (VMSAv8-64 and AArch32 long descriptors), tables
 * one after the other from 0x80000000. UXN and PXN always go together there. arm64_s1 writes the same words but for
 * privileged executable pages.
 */
#include "words.h"

#define TCR(ips, tg, sh, orgn, irgn, tsz)                                                                    \
	{                                                                                                    \
		"TCR", 0x70000ff3fU,                                                                         \
			(uint64_t)(ips) << 32 | (tg) << 14 | (sh) << 12 | (orgn) << 10 | (irgn) << 8 | (tsz) \
	}
#define MAIR                                             \
	{                                                \
		"MAIR", ~(uint64_t)0, 0xfffffffff404ff44 \
	}
#define TTBR                                     \
	{                                        \
		"TTBR", ~(uint64_t)0, 0x80000000 \
	}

#define S1(...) .format = "arm_smmu_s1", .also = "arm64_s1", .param = {__VA_ARGS__}, .table = {0x80000000}

static const struct words_group groups[] = {
	{
		.name = "4K granule, 48 bits",
		S1({"tg", 12}, {"ia", 48}, {"oa", 48}),
		.reg = {TTBR, MAIR, TCR(5, 0, 3, 1, 1, 16)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x0000000123456f47)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80001000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x0060000040200fc5)}},
		     {0x100000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80001000, 4, 0x0060007fc0000e49)}},
		     {0x40002000, 0x5000, 0x1000, R | X | N, .entry = {AT(0x80003000, 2, 0x0000000000005ec3)}}),
	},
	{
		/* The one word that arm64_s1 writes differently: UXN stays clear. */
		.name = "4K granule, privileged and executable",
		.format = "arm_smmu_s1",
		.table = {0x80000000},
		MAPS({0x40004000, 0x7000, 0x1000, R | W | X | P,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 4, 0x0000000000007f07)}}),
	},
	{
		.name = "4K granule, 39 bits, dirty by hardware, not secure",
		S1({"ia", 39}, {"oa", 40}, {"hd", 1}, {"ns", 1}),
		.reg = {TTBR, MAIR, TCR(2, 0, 3, 1, 1, 25)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x8000000080001003), AT(0x80001000, 0, 0x8000000080002003),
				AT(0x80002000, 1, 0x0008000123456f67)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x8000000080003003), AT(0x80003000, 1, 0x0060000040200fe5)}}),
	},
	{
		.name = "4K granule, 39 bits, upper half",
		S1({"ia", 39}, {"oa", 40}, {"upper", 1}),
		MAPS({0xffffff8040001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x0000000123456f47)}}),
	},
	{
		/* Bit 55 of table words: a mark of software that the walker can see the table. */
		.name = "4K granule, 39 bits, non-coherent walker",
		S1({"ia", 39}, {"oa", 40}, {"coherent", 0}),
		.reg = {TTBR, MAIR, TCR(2, 0, 2, 0, 0, 25)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0080000080001003), AT(0x80001000, 0, 0x0080000080002003),
				AT(0x80002000, 1, 0x0000000123456f47)}}),
	},
	{
		.name = "4K granule, 16 contiguous pages",
		S1({"ia", 39}, {"oa", 40}),
		MAPS({0x40010000, 0x123450000, 0x10000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				STEPS(0x80002000, 16, 31, 0x0010000123450f47, 0x1000)}}),
	},
	{
		.name = "16K granule, 48 bits: a root of two entries",
		S1({"tg", 14}, {"ia", 48}, {"oa", 48}),
		.reg = {TTBR, MAIR, TCR(5, 2, 3, 1, 1, 16)},
		MAPS({0x40004000, 0x123458000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080004003), AT(0x80004000, 0, 0x0000000080008003),
				AT(0x80008000, 32, 0x000000008000c003), AT(0x8000c000, 1, 0x0000000123458f47)}},
		     {0x82000000, 0x42000000, 0x2000000, R | N, .entry = {AT(0x80008000, 65, 0x0060000042000ec1)}}),
	},
	{
		.name = "16K granule, 47 bits",
		S1({"tg", 14}, {"ia", 47}, {"oa", 48}),
		.reg = {TTBR, MAIR, TCR(5, 2, 3, 1, 1, 17)},
		MAPS({0x40004000, 0x123458000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080004003), AT(0x80004000, 32, 0x0000000080008003),
				AT(0x80008000, 1, 0x0000000123458f47)}},
		     {0x82000000, 0x42000000, 0x2000000, R | N, .entry = {AT(0x80004000, 65, 0x0060000042000ec1)}},
		     {0x40008000, 0x8000, 0x4000, R | W | X | D, .entry = {AT(0x80008000, 2, 0x0000000000008e4b)}}),
	},
	{
		/* Address bits 51:48 stand in bits 15:12. */
		.name = "64K granule, 52 bits",
		S1({"tg", 16}, {"ia", 52}, {"oa", 52}),
		.reg = {TTBR, MAIR, TCR(6, 1, 3, 1, 1, 12)},
		MAPS({0x40010000, 0x123450000, 0x10000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080010003), AT(0x80010000, 2, 0x0000000080020003),
				AT(0x80020000, 1, 0x0000000123450f47)}},
		     {0x40020000, 0xf123456780000, 0x10000, R | W | X,
		      .entry = {AT(0x80020000, 2, 0x000012345678ff47)}},
		     {0xa0000000, 0xf123420000000, 0x20000000, R | N, .entry = {AT(0x80010000, 5, 0x006012342000fec1)}},
		     {0x40000000000, 0x8040000000000, 0x40000000000, R | W,
		      .entry = {AT(0x80000000, 1, 0x0060040000008f45)}}),
	},
	{
		.name = "64K granule, 48 bits",
		S1({"tg", 16}, {"ia", 48}, {"oa", 48}),
		MAPS({0x40010000, 0x123450000, 0x10000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080010003), AT(0x80010000, 2, 0x0000000080020003),
				AT(0x80020000, 1, 0x0000000123450f47)}}),
	},
	{
		/* AArch32 long descriptors: the same words with 32 input bits. */
		.name = "long descriptors, 32 bits",
		S1({"ia", 32}, {"oa", 40}),
		.reg = {TTBR, MAIR, TCR(2, 0, 3, 1, 1, 32)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x0000000123456f47)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x0000000080003003), AT(0x80003000, 1, 0x0060000040200fc5)}},
		     {0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 3, 0x0060007fc0000e49)}}),
	},
	{
		.name = "long descriptors, 32 bits, not secure, non-coherent walker",
		S1({"ia", 32}, {"oa", 40}, {"ns", 1}, {"coherent", 0}),
		.reg = {TTBR, MAIR, TCR(2, 0, 2, 0, 0, 32)},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x8080000080001003), AT(0x80001000, 0, 0x8080000080002003),
				AT(0x80002000, 1, 0x0000000123456f67)}},
		     {0x80200000, 0x40200000, 0x200000, R,
		      .entry = {AT(0x80000000, 2, 0x8080000080003003), AT(0x80003000, 1, 0x0060000040200fe5)}},
		     {0xc0000000, 0x7fc0000000, 0x40000000, R | W | D,
		      .entry = {AT(0x80000000, 3, 0x0060007fc0000e69)}}),
	},
};

#define PAGE_AND_BLOCK(request, page, block)                 \
	{"arm_smmu_s1", {{0}}, 12, (request), (page)},       \
	{                                                    \
		"arm_smmu_s1", {{0}}, 21, (request), (block) \
	}
#define WITH(name, lg2, request, word)                                 \
	{                                                              \
		"arm_smmu_s1", {{(name), 1}}, (lg2), (request), (word) \
	}

static const struct words_constant constants[] = {
	PAGE_AND_BLOCK(R | W | X, 0x0000000000000f47, 0x0000000000000f45),
	PAGE_AND_BLOCK(R | W | X | N, 0x0000000000000e43, 0x0000000000000e41),
	PAGE_AND_BLOCK(R | X, 0x0000000000000fc7, 0x0000000000000fc5),
	PAGE_AND_BLOCK(R | X | N, 0x0000000000000ec3, 0x0000000000000ec1),
	PAGE_AND_BLOCK(W | X | N, 0x0000000000000e43, 0x0000000000000e41),
	PAGE_AND_BLOCK(R, 0x0060000000000fc7, 0x0060000000000fc5),
	PAGE_AND_BLOCK(R | W | D, 0x0060000000000e4b, 0x0060000000000e49),
	PAGE_AND_BLOCK(R | W | X | P, 0x0000000000000f07, 0x0000000000000f05),
	WITH("ns", 12, R | W | X, 0x0000000000000f67),
	WITH("ns", 21, R | X | N, 0x0000000000000ee1),
	WITH("hd", 12, R | W | X, 0x0008000000000f47),
	WITH("hd", 21, R | W | X | N, 0x0008000000000e41),
	WITH("hd", 12, R | X, 0x0000000000000fc7),
	WITH("hd", 12, W | X | N, 0x0008000000000e43),
};

const struct words_list words_arm_smmu = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

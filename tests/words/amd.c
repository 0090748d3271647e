/* SPDX-License-Identifier: MIT */
/*
 * amd.c - words that the kernel writes into AMD IOMMU host tables, one after the other from 0x80000000: sizes in the
 * address, the level of the next table in the entry.
 */
#include "words.h"

#define AMD(...) .format = "amd_v1", .param = {__VA_ARGS__}, .table = {0x80000000}

static const struct words_group groups[] = {
	{
		.name = "three levels",
		AMD({"mode", 3}),
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x6000000080001401), AT(0x80001000, 0, 0x6000000080002201),
				AT(0x80002000, 1, 0x7000000123456001)}},
		     {0x40008000, 0x123458000, 0x8000, R | W | X,
		      .entry = {RUN(0x80002000, 8, 15, 0x700000012345be01)}},
		     {0x40010000, 0x7f0010000, 0x10000, W | X, .entry = {RUN(0x80002000, 16, 31, 0x50000007f0017e01)}},
		     {0x40200000, 0x200000000, 0x200000, R | X, .entry = {AT(0x80001000, 1, 0x3000000200000001)}},
		     {0x40800000, 0x200800000, 0x800000, R | W | X,
		      .entry = {RUN(0x80001000, 4, 7, 0x7000000200bffe01)}},
		     {0x100000000, 0x800000000, 0x100000000, R | W | X,
		      .entry = {RUN(0x80000000, 4, 7, 0x700000087ffffe01)}}),
	},
	{
		.name = "six levels, 64 input bits",
		AMD({"mode", 6}),
		MAPS({0xfedcba9876543000, 0xfffff12345000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 127, 0x6000000080001a01), AT(0x80001000, 220, 0x6000000080002801),
				AT(0x80002000, 373, 0x6000000080003601), AT(0x80003000, 97, 0x6000000080004401),
				AT(0x80004000, 434, 0x6000000080005201), AT(0x80005000, 323, 0x700fffff12345001)}}),
	},
	{
		/* Addresses stand shifted left by one. */
		.name = "pages of 2 KiB in tables of 4 KiB",
		AMD({"mode", 3}, {"base", 11}),
		MAPS({0x40000800, 0x123456800, 0x800, R | W | X,
		      .entry = {AT(0x80000000, 2, 0x6000000100002401), AT(0x80001000, 0, 0x6000000100004201),
				AT(0x80002000, 1, 0x70000002468ad001)}},
		     {0x40004000, 0x123454000, 0x4000, R | W | X,
		      .entry = {RUN(0x80002000, 8, 15, 0x70000002468abe01)}}),
	},
};

static const struct words_constant constants[] = {
	{"amd_v1", {{0}}, 12, R | W | X, 0x7000000000000001},
	{"amd_v1", {{"fc", 0}}, 12, R | W | X, 0x6000000000000001},
	{"amd_v1", {{0}}, 12, R | X, 0x3000000000000001},
	{"amd_v1", {{0}}, 12, W | X, 0x5000000000000001},
	{"amd_v1", {{"cbit", 47}}, 12, R | W | X, 0x7000800000000001},
	/* A 0 above a run of ones: 8K, 16K, 32K, 64K, 4M, 8M, 4G. */
	{"amd_v1", {{0}}, 13, R | W | X, 0x7000000000000e01},
	{"amd_v1", {{0}}, 14, R | W | X, 0x7000000000001e01},
	{"amd_v1", {{0}}, 15, R | W | X, 0x7000000000003e01},
	{"amd_v1", {{0}}, 16, R | W | X, 0x7000000000007e01},
	{"amd_v1", {{0}}, 22, R | W | X, 0x70000000001ffe01},
	{"amd_v1", {{0}}, 23, R | W | X, 0x70000000003ffe01},
	{"amd_v1", {{0}}, 32, R | W | X, 0x700000007ffffe01},
};

const struct words_list words_amd = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

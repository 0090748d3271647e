/* SPDX-License-Identifier: MIT */
/*
 * x86.c - words of x86-64 tables: those that the kernel writes for the first stage of IOMMUs (root at 0x80000000; it
 * has no use for XD, so everything is executable), and those of a CPU's tables from 0x1000.
 */
#include "words.h"

#define IOMMU(levels) .format = "x86_64", .param = {{"levels", (levels)}}, .table = {0x80000000}
#define CPU(levels)   .format = "x86_64", .param = {{"levels", (levels)}}, .table = {0x1000}

static const struct words_group groups[] = {
	{
		.name = "IOMMU, four levels",
		IOMMU(4),
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001027), AT(0x80001000, 1, 0x0000000080002027),
				AT(0x80002000, 0, 0x0000000080003027), AT(0x80003000, 1, 0x0000000123456067)}},
		     {0x80200000, 0x40200000, 0x200000, R | X,
		      .entry = {AT(0x80001000, 2, 0x0000000080004027), AT(0x80004000, 1, 0x00000000402000a5)}},
		     {0x7fc0000000, 0xfffc0000000, 0x40000000, R | W | X,
		      .entry = {AT(0x80001000, 511, 0x00000fffc00000e7)}}),
	},
	{
		.name = "IOMMU, five levels, upper half",
		IOMMU(5),
		MAPS({0xff00000040001000, 0xfffff12345000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 256, 0x0000000080001027), AT(0x80001000, 0, 0x0000000080002027),
				AT(0x80002000, 1, 0x0000000080003027), AT(0x80003000, 0, 0x0000000080004027),
				AT(0x80004000, 1, 0x000fffff12345067)}}),
	},
	{
		.name = "CPU: 4 KiB",
		CPU(4),
		.reg = {{"CR3", ~(uint64_t)0, 0x1000}},
		MAPS({0x7f1234567000, 0xabcdef000, 0x1000, R | W,
		      .entry = {AT(0x1000, 0xfe, 0x0000000000002027), AT(0x2000, 0x48, 0x0000000000003027),
				AT(0x3000, 0x1a2, 0x0000000000004027), AT(0x4000, 0x167, 0x8000000abcdef067)}}),
	},
	{
		/* PAT is bit 12 of a large page. */
		.name = "CPU: 2 MiB, PAT set, upper half",
		CPU(4),
		MAPS({0xffff888040200000, 0x80200000, 0x200000, R | W | P | G,
		      .entry = {AT(0x1000, 0x111, 0x0000000000002027), AT(0x2000, 1, 0x0000000000003027),
				AT(0x3000, 1, 0x80000000802011e3)},
		      .field = {{"PAT", 1}}}),
	},
	{
		.name = "CPU: 1 GiB with a protection key, dirty though read-only",
		CPU(4),
		MAPS({0x7fc040000000, 0x12340000000, 0x40000000, R | X,
		      .entry = {AT(0x1000, 0xff, 0x0000000000002027), AT(0x2000, 0x101, 0x28000123400000e5)},
		      .field = {{"D", 1}, {"PKEY", 5}}}),
	},
	{
		/* PAT is bit 7 of a small page. */
		.name = "CPU: 4 KiB, PAT set",
		CPU(4),
		MAPS({0x7f1234567000, 0xabcdef000, 0x1000, R | W | X,
		      .entry = {AT(0x1000, 0xfe, 0x0000000000002027), AT(0x2000, 0x48, 0x0000000000003027),
				AT(0x3000, 0x1a2, 0x0000000000004027), AT(0x4000, 0x167, 0x0000000abcdef0e7)},
		      .field = {{"PAT", 1}}}),
	},
	{
		.name = "CPU: five levels",
		CPU(5),
		MAPS({0xff123456789000, 0xffedcba987000, 0x1000, R | W | X,
		      .entry = {AT(0x1000, 0xff, 0x0000000000002027), AT(0x2000, 0x24, 0x0000000000003027),
				AT(0x3000, 0xd1, 0x0000000000004027), AT(0x4000, 0xb3, 0x0000000000005027),
				AT(0x5000, 0x189, 0x000ffedcba987067)}}),
	},
};

static const struct words_constant constants[] = {
	{"x86_64", {{0}}, 12, R | W | X, 0x67}, {"x86_64", {{0}}, 12, R | X, 0x25},
	{"x86_64", {{0}}, 12, W | X, 0x67},	{"x86_64", {{0}}, 21, R | W | X, 0xe7},
	{"x86_64", {{0}}, 21, R | X, 0xa5},	{"x86_64", {{0}}, 30, R | W | X, 0xe7},
	{"x86_64", {{0}}, 30, R | X, 0xa5},
};

const struct words_list words_x86 = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

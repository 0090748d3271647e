/* SPDX-License-Identifier: MIT */
/*
 * x86.c - words of the x86 family: those that the kernel writes for the first stage of IOMMUs (root at 0x80000000; it
 * has no use for XD, so everything is executable), and those of a CPU's tables from 0x1000, EPT included.
 */
#include "words.h"

#define IOMMU(levels) .format = "x86_64", .param = {{"levels", (levels)}}, .table = {0x80000000}
#define AMD(levels)   .format = "amd_v2", .param = {{"levels", (levels)}}, .table = {0x80000000}
#define EPT(...)                                                           \
	.param = {__VA_ARGS__}, .table = {0x1000, 0x2000, 0x3000, 0x4000}, \
	.absent = {0x8000000000000000, 0x8000000000000000, 0x8000000000000000, 0x8000000000000000}
#define CPU(levels) .format = "x86_64", .param = {{"levels", (levels)}}, .table = {0x1000}

static const struct words_group groups[] = {
	{
		.name = "IOMMU, four levels",
		IOMMU(4),
		.also = "vtd_first_stage",
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001027), AT(0x80001000, 1, 0x0000000080002027),
				AT(0x80002000, 0, 0x0000000080003027), AT(0x80003000, 1, 0x0000000123456067)}},
		     {0x80200000, 0x40200000, 0x200000, R | X,
		      .entry = {AT(0x80001000, 2, 0x0000000080004027), AT(0x80004000, 1, 0x00000000402000a5)}},
		     {0x7fc0000000, 0xfffc0000000, 0x40000000, R | W | X,
		      .entry = {AT(0x80001000, 511, 0x00000fffc00000e7)}}),
	},
	{
		.name = "AMD IOMMU v2, four levels",
		AMD(4),
		.reg = {{"GCR3", ~(uint64_t)0, 0x80000001}},
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
		.also = "vtd_first_stage",
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
	{
		/* The upper half belongs to some accesses only: it is not served. */
		.name = "AMD IOMMU v2, no upper half",
		AMD(4),
		MAPS({0xffff800000000000, 0x1000, 0x1000, R | W | X, .status = PT_ERR_RANGE},
		     {0x800000000000, 0x1000, 0x1000, R | W | X, .status = PT_ERR_RANGE},
		     {0x7ffffffff000, 0x1000, 0x1000, R | X,
		      .entry = {AT(0x80000000, 255, 0x0000000080001027), AT(0x80001000, 511, 0x0000000080002027),
				AT(0x80002000, 511, 0x0000000080003027), AT(0x80003000, 511, 0x0000000000001025)}}),
	},
	{
		/* Tables grant everything here; the published one withholds user access, as the page does. */
		.name = "CPU, 32 bits: 4 KiB, global",
		.format = "x86_32",
		.table = {0x1000},
		.reg = {{"CR3", ~(uint64_t)0, 0x1000}, {"CR4", ~(uint64_t)0, 0x10}},
		MAPS({0xc0123000, 0xabc000, 0x1000, R | W | X | P | G,
		      .entry = {AT(0x1000, 0x300, 0x00002023 | 4), AT(0x2000, 0x123, 0x00abc163)}}),
	},
	{
		.name = "CPU, 32 bits: 4 MiB",
		.format = "x86_32",
		.table = {0x1000},
		MAPS({0x800000, 0x7c00000, 0x400000, R | X, .entry = {AT(0x1000, 2, 0x07c000a5)}}),
	},
	{
		.name = "CPU, 32 bits: 4 MiB at an address of 36 bits",
		.format = "x86_32",
		.param = {{"pse36", 36}},
		.table = {0x1000},
		MAPS({0x80000000, 0x9c0000000, 0x400000, R | W | X | P, .entry = {AT(0x1000, 0x200, 0xc00120e3)}},
		     {0x80400000, 0x5a00400000, 0x400000, R | W | X | P, .status = PT_ERR_OUTPUT}),
	},
	{
		.name = "CPU, 32 bits: 4 MiB at an address of 39 bits",
		.format = "x86_32",
		.table = {0x1000},
		MAPS({0x7fc00000, 0x5a00400000, 0x400000, R | W | X | P, .entry = {AT(0x1000, 0x1ff, 0x004b40e3)}}),
	},
	{
		.name = "CPU, PAE: 4 KiB",
		.format = "x86_pae",
		.table = {0x1000, 0x2000},
		.reg = {{"CR3", ~(uint64_t)0, 0x1000}},
		MAPS({0xc0123000, 0x345678000, 0x1000, R | W | P,
		      .entry = {AT(0x1000, 3, 0x0000000000002001), AT(0x2000, 0, 0x0000000000003027),
				AT(0x3000, 0x123, 0x8000000345678063)}}),
	},
	{
		.name = "CPU, PAE: 2 MiB, PAT set",
		.format = "x86_pae",
		.table = {0x1000, 0x2000},
		MAPS({0x40200000, 0xf00200000, 0x200000, R | W | X,
		      .entry = {AT(0x1000, 1, 0x0000000000002001), AT(0x2000, 1, 0x0000000f002010e7)},
		      .field = {{"PAT", 1}}}),
	},
	{
		.name = "EPT: 4 KiB",
		.format = "ept",
		EPT({"levels", 4}),
		.reg = {{"EPTP", ~(uint64_t)0, 0x101e}},
		MAPS({0x1234567000, 0x87654000, 0x1000, R | W | X,
		      .entry = {AT(0x1000, 0, 0x0000000000002007), AT(0x2000, 0x48, 0x0000000000003007),
				AT(0x3000, 0x1a2, 0x0000000000004007), AT(0x4000, 0x167, 0x0000000087654077)},
		      .after = AT(0x4000, 0x167, 0x8000000000000000)}),
	},
	{
		.name = "EPT: 2 MiB, accessed",
		.format = "ept",
		EPT({"ad", 1}, {"ipat", 0}),
		.reg = {{"EPTP", ~(uint64_t)0, 0x105e}},
		MAPS({0x40000000, 0x100000000, 0x200000, R | X,
		      .entry = {AT(0x1000, 0, 0x0000000000002007), AT(0x2000, 1, 0x0000000000003007),
				AT(0x3000, 0, 0x00000001000001b5)},
		      .field = {{"A", 1}}}),
	},
	{
		.name = "EPT with mode-based execution: 4 KiB",
		.format = "ept_mbe",
		EPT({"levels", 4}),
		MAPS({0x1234567000, 0x87654000, 0x1000, R | W | X,
		      .entry = {AT(0x1000, 0, 0x0000000000002407), AT(0x2000, 0x48, 0x0000000000003407),
				AT(0x3000, 0x1a2, 0x0000000000004407), AT(0x4000, 0x167, 0x0000000087654477)}}),
	},
};

static const struct words_constant constants[] = {
	{"x86_64", {{0}}, 12, R | W | X, 0x67},
	{"x86_64", {{0}}, 12, R | X, 0x25},
	{"x86_64", {{0}}, 12, W | X, 0x67},
	{"x86_64", {{0}}, 21, R | W | X, 0xe7},
	{"x86_64", {{0}}, 21, R | X, 0xa5},
	{"x86_64", {{0}}, 30, R | W | X, 0xe7},
	{"x86_64", {{0}}, 30, R | X, 0xa5},
	{"amd_v2", {{0}}, 12, R | W | X, 0x67},
	{"amd_v2", {{0}}, 21, R | X, 0xa5},
	{"vtd_first_stage", {{0}}, 12, W | X, 0x67},
	{"vtd_first_stage", {{0}}, 30, R | W | X, 0xe7},
	{"x86_pae", {{0}}, 12, R, 0x8000000000000025},
	{"x86_pae", {{"nxe", 0}}, 21, R | X, 0xa5},
	{"x86_32", {{0}}, 12, R | X, 0x25},
	{"x86_32", {{0}}, 22, R | W | X, 0xe7},
	{"ept", {{"xo", 1}}, 12, X, 0x74},
	{"ept", {{0}}, 12, R | W, 0x73},
	{"ept", {{0}}, 30, R | W | X, 0xf7},
	{"ept", {{0}}, 12, R | W | D, 0x43},
	{"ept", {{0}}, 12, R | W | N, 0x4b},
};

const struct words_list words_x86 = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

/* SPDX-License-Identifier: MIT */
/*
 * s390.c - words of z/Architecture tables: those of CPUs, with and without large frames, and those that the kernel
 * writes for PCI functions. Nothing of them is 0: every table begins with its own absent word.
 */
#include "words.h"

#define IO(...)	 .format = "s390_io", .param = {__VA_ARGS__}
#define CPU(...) .format = "s390_cpu", .param = {__VA_ARGS__}

static const struct words_group groups[] = {
	{
		.name = "PCI, region third root",
		IO({"dt", 1}),
		.table = {0x80004000, 0x8000c000, 0x80010800},
		.absent = {0x20, 0x20, 0x400},
		.reg = {{"IOTA", ~(uint64_t)0, 0x80004804}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80004000, 0, 0x8000c007), AT(0x8000c000, 1024, 0x80010800),
				AT(0x80010800, 1, 0x123456000)},
		      .after = AT(0x80010800, 1, 0x123456400)},
		     {0x40002000, 0x123456000, 0x1000, R | X, .entry = {AT(0x80010800, 2, 0x123456200)},
		      .after = AT(0x80010800, 2, 0x123456400)}),
	},
	{
		.name = "PCI, region first root",
		IO({"dt", 3}),
		.table = {0x80000000, 0x80004000, 0x80008000, 0x8000c000, 0x80010800},
		.absent = {0x20, 0x20, 0x20, 0x20, 0x400},
		.reg = {{"IOTA", ~(uint64_t)0, 0x8000080c}},
		MAPS({0x12345678abcde000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 145, 0x8000400f), AT(0x80004000, 1301, 0x8000800b),
				AT(0x80008000, 1265, 0x8000c007), AT(0x8000c000, 700, 0x80010800),
				AT(0x80010800, 222, 0x123456000)},
		      .after = AT(0x80010800, 222, 0x123456400)}),
	},
	{
		.name = "PCI, region second root",
		IO({"dt", 2}, {"key", 5}),
		.table = {0x80004000, 0x80008000, 0x8000c000, 0x80010800},
		.absent = {0x20, 0x20, 0x20, 0x400},
		.reg = {{"IOTA", ~(uint64_t)0, 0x800048a8}},
		MAPS({0, 0x123456000, 0x1000, R | X,
		      .entry = {AT(0x80004000, 0, 0x8000800b), AT(0x80008000, 0, 0x8000c007),
				AT(0x8000c000, 0, 0x80010800), AT(0x80010800, 0, 0x123456200)}}),
	},
	{
		.name = "CPU, three levels",
		CPU({"dt", 1}),
		.table = {0x1000000, 0x1004000, 0x1008000},
		.absent = {0x24, 0x20, 0x400},
		.reg = {{"ASCE", ~(uint64_t)0, 0x1000007}},
		MAPS({0x3ff12345000, 0xabcdef000, 0x1000, R | W,
		      .entry = {AT(0x1000000, 0x7fe, 0x1004007), AT(0x1004000, 0x123, 0x1008000),
				AT(0x1008000, 0x45, 0xabcdef100)},
		      .after = AT(0x1008000, 0x45, 0x400)}),
	},
	{
		.name = "CPU, four levels, execution not controlled",
		CPU({"dt", 2}, {"iep", 0}),
		.table = {0x1000000, 0x1004000, 0x1008000, 0x100c000},
		.absent = {0x28, 0x24, 0x20, 0x400},
		.reg = {{"ASCE", ~(uint64_t)0, 0x100000b}},
		MAPS({0x1f123456789000, 0x1234567000, 0x1000, R | X,
		      .entry = {AT(0x1000000, 0x7c4, 0x100400b), AT(0x1004000, 0x468, 0x1008007),
				AT(0x1008000, 0x567, 0x100c000), AT(0x100c000, 0x89, 0x1234567200)}}),
	},
	{
		.name = "CPU, five levels",
		CPU({"dt", 3}),
		.table = {0x1000000, 0x1004000, 0x1008000, 0x100c000, 0x1010000},
		.absent = {0x2c, 0x28, 0x24, 0x20, 0x400},
		.reg = {{"ASCE", ~(uint64_t)0, 0x100000f}},
		MAPS({0, 0x1234567000, 0x1000, R | W | X,
		      .entry = {AT(0x1000000, 0, 0x100400f), AT(0x1004000, 0, 0x100800b), AT(0x1008000, 0, 0x100c007),
				AT(0x100c000, 0, 0x1010000), AT(0x1010000, 0, 0x1234567000)}}),
	},
	{
		.name = "CPU, frames of 1 MiB and 2 GiB",
		CPU({"dt", 1}),
		.table = {0x1000000, 0x1004000},
		.absent = {0x24, 0x20},
		.reg = {{"ASCE", ~(uint64_t)0, 0x1000007}},
		MAPS({0x12300000, 0x45600000, 0x100000, R | X,
		      .entry = {AT(0x1000000, 0, 0x1004007), AT(0x1004000, 0x123, 0x45600600)},
		      .after = AT(0x1004000, 0x123, 0x20)},
		     {0x180000000, 0x880000000, 0x80000000, R | W | X, .entry = {AT(0x1000000, 3, 0x880000404)},
		      .after = AT(0x1000000, 3, 0x24)}),
	},
};

/* A leaf at address 0. */
static const struct words_constant constants[] = {
	{"s390_io", {{0}}, 12, R | W | X, 0},	   {"s390_io", {{0}}, 12, R | X, 0x200},
	{"s390_cpu", {{0}}, 12, R | W | X, 0},	   {"s390_cpu", {{0}}, 12, R | X, 0x200},
	{"s390_cpu", {{0}}, 12, R | W, 0x100},	   {"s390_cpu", {{0}}, 12, R, 0x300},
	{"s390_cpu", {{0}}, 20, R | W | X, 0x400}, {"s390_cpu", {{0}}, 20, R, 0x700},
	{"s390_cpu", {{0}}, 31, R | W | X, 0x404}, {"s390_cpu", {{0}}, 31, R, 0x704},
};

const struct words_list words_s390 = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

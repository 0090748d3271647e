/* SPDX-License-Identifier: MIT */
/*
 * riscv.c - words of RISC-V tables: those that the kernel writes for IOMMUs, one after the other from 0x80000000, and
 * those of CPUs from 0x80200000, with the tables below the root from 0x80210000.
 */
#include "words.h"

#define IOMMU(...)	 .format = "riscv_sv39_57", .param = {__VA_ARGS__}, .table = {0x80000000}
#define CPU(...)	 .param = {__VA_ARGS__}, .table = {0x80200000, 0x80210000, 0x80211000, 0x80212000, 0x80213000}
#define SV(levels_, ...) .format = "riscv_sv39_57", CPU({"levels", (levels_)}, __VA_ARGS__)

static const struct words_group groups[] = {
	{
		.name = "IOMMU, Sv39 with Svnapot",
		IOMMU({"levels", 3}, {"svnapot", 1}),
		.reg = {{"fsc", ~(uint64_t)0, 0x8000000000080000}, {"satp", ~(uint64_t)0, 0x8000000000080000}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W,
		      .entry = {AT(0x80000000, 1, 0x0000000020000401), AT(0x80001000, 0, 0x0000000020000801),
				AT(0x80002000, 1, 0x0000000048d158d7)}},
		     {0x40010000, 0x123450000, 0x10000, R | W, .entry = {RUN(0x80002000, 16, 31, 0x8000000048d160d7)}},
		     {0x80200000, 0x40200000, 0x200000, R | X,
		      .entry = {AT(0x80000000, 2, 0x0000000020000c01), AT(0x80003000, 1, 0x000000001008005b)}},
		     {0xffffffffc0000000, 0x3c0000000, 0x40000000, R | W,
		      .entry = {AT(0x80000000, 511, 0x00000000f00000d7)}}),
	},
	{
		.name = "IOMMU, Sv48: a leaf in the root; what is writable is readable",
		IOMMU({"levels", 4}),
		.reg = {{"fsc", ~(uint64_t)0, 0x9000000000080000}},
		MAPS({0x8040001000, 0x80123456000, 0x1000, W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000020000401), AT(0x80001000, 1, 0x0000000020000801),
				AT(0x80002000, 0, 0x0000000020000c01), AT(0x80003000, 1, 0x0000020048d158df)}},
		     {0x10000000000, 0x18000000000, 0x8000000000, R, .entry = {AT(0x80000000, 2, 0x0000006000000053)}}),
	},
	{
		.name = "IOMMU, Sv57",
		IOMMU({"levels", 5}),
		.reg = {{"fsc", ~(uint64_t)0, 0xa000000000080000}},
		MAPS({0x1000040001000, 0xffffff12345000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000020000401), AT(0x80001000, 0, 0x0000000020000801),
				AT(0x80002000, 1, 0x0000000020000c01), AT(0x80003000, 0, 0x0000000020001001),
				AT(0x80004000, 1, 0x003fffffc48d14df)}}),
	},
	{
		.name = "CPU, Sv39: 4 KiB of a user",
		SV(3, {"svnapot", 0}),
		.reg = {{"satp", ~(uint64_t)0, 0x8000000000080200}},
		MAPS({0x3f12345000, 0x87654000, 0x1000, R | W,
		      .entry = {AT(0x80200000, 0xfc, 0x0000000020084001), AT(0x80210000, 0x91, 0x0000000020084401),
				AT(0x80211000, 0x145, 0x0000000021d950d7)}}),
	},
	{
		.name = "CPU, Sv39 with Svpbmt: 2 MiB of a device, global, upper half",
		SV(3, {"svpbmt", 1}),
		.reg = {{"menvcfg", ~(uint64_t)0, 0x4000000000000000}},
		MAPS({0xffffffc010200000, 0x10200000, 0x200000, R | W | P | G | D,
		      .entry = {AT(0x80200000, 0x100, 0x0000000020084001), AT(0x80210000, 0x81, 0x40000000040800e7)}}),
	},
	{
		.name = "CPU, Sv48: 4 KiB with an address of 56 bits",
		SV(4, {"svnapot", 0}),
		MAPS({0x7f1234567000, 0xfedcba98765000, 0x1000, R | W | X | P,
		      .entry = {AT(0x80200000, 0xfe, 0x0000000020084001), AT(0x80210000, 0x48, 0x0000000020084401),
				AT(0x80211000, 0x1a2, 0x0000000020084801), AT(0x80212000, 0x167, 0x003fb72ea61d94cf)}}),
	},
	{
		.name = "CPU, Sv48: 512 GiB",
		SV(4, {"svnapot", 0}),
		MAPS({0x408000000000, 0x18000000000, 0x8000000000, R | W | P,
		      .entry = {AT(0x80200000, 0x81, 0x00000060000000c7)}}),
	},
	{
		.name = "CPU, Sv57: 4 KiB, dirty though read-only",
		SV(5, {"svnapot", 0}),
		MAPS({0xff123456789000, 0x1234567000, 0x1000, R,
		      .entry = {AT(0x80200000, 0xff, 0x0000000020084001), AT(0x80210000, 0x24, 0x0000000020084401),
				AT(0x80211000, 0xd1, 0x0000000020084801), AT(0x80212000, 0xb3, 0x0000000020084c01),
				AT(0x80213000, 0x189, 0x000000048d159cd3)},
		      .field = {{"D", 1}}}),
	},
	{
		.name = "CPU, Sv39 with Svnapot: 64 KiB",
		SV(3, {"svnapot", 1}),
		MAPS({0x40010000, 0x80010000, 0x10000, R | W,
		      .entry = {AT(0x80200000, 1, 0x0000000020084001), AT(0x80210000, 0, 0x0000000020084401),
				RUN(0x80211000, 0x10, 0x1f, 0x80000000200060d7)}}),
	},
	{
		.name = "CPU, Sv39x4: a root of 16 KiB",
		SV(3, {"gstage", 1}),
		.reg = {{"hgatp", ~(uint64_t)0, 0x8000000000080200}, {"iohgatp", ~(uint64_t)0, 0x8000000000080200}},
		MAPS({0x1ff12345000, 0x87654000, 0x1000, R | W,
		      .entry = {AT(0x80200000, 0x7fc, 0x0000000020084001), AT(0x80210000, 0x91, 0x0000000020084401),
				AT(0x80211000, 0x145, 0x0000000021d950d7)}}),
	},
	{
		.name = "CPU, Sv32: 4 KiB with an address of 34 bits",
		.format = "riscv_sv32",
		CPU({0}),
		.reg = {{"satp", ~(uint64_t)0, 0x80080200}},
		MAPS({0xc0123000, 0x345678000, 0x1000, R | W | P,
		      .entry = {AT(0x80200000, 0x300, 0x20084001), AT(0x80210000, 0x123, 0xd159e0c7)}}),
	},
	{
		.name = "CPU, Sv32: 4 MiB, dirty though read-only",
		.format = "riscv_sv32",
		CPU({0}),
		MAPS({0x80400000, 0x200400000, 0x400000, R | X, .entry = {AT(0x80200000, 0x201, 0x801000db)},
		      .field = {{"D", 1}}}),
	},
};

static const struct words_constant constants[] = {
	{"riscv_sv39_57", {{0}}, 12, R | W, 0xd7},
	{"riscv_sv39_57", {{0}}, 12, R | W | X, 0xdf},
	{"riscv_sv39_57", {{0}}, 12, R, 0x53},
	{"riscv_sv39_57", {{0}}, 12, R | X, 0x5b},
	{"riscv_sv39_57", {{0}}, 12, W | X, 0xdf},
	{"riscv_sv39_57", {{"svpbmt", 1}}, 12, R | W | D, 0x40000000000000d7},
	{"riscv_sv39_57", {{"svpbmt", 1}}, 12, R | W | X | N, 0x20000000000000df},
	{"riscv_sv39_57", {{"svnapot", 1}}, 16, R | W, 0x80000000000020d7},
};

const struct words_list words_riscv = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

/* SPDX-License-Identifier: MIT */
/*
 * dart.c - words that the kernel writes into tables of Apple's IOMMUs, one after the other from 0x80000000: four roots
 * where that saves a level, rights that are withheld by 1, addresses that stand four bits lower. Execution is not
 * controlled.
 */
#include "words.h"

#define DART1(...) .format = "dart1", .param = {__VA_ARGS__}, .table = {0x80000000}
#define DART2(...) .format = "dart2", .param = {__VA_ARGS__}, .table = {0x80000000}

static const uint32_t all = UINT32_MAX;

static const struct words_group groups[] = {
	{
		.name = "DART 1, pages of 4 KiB, four roots",
		DART1({"tg", 12}, {"ia", 32}),
		.reg = {{"TTBR0", all, 0x80080000},
			{"TTBR1", all, 0x80080001},
			{"TTBR2", all, 0x80080002},
			{"TTBR3", all, 0x80080003}},
		MAPS({0x1000, 0x912345000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x80004001), AT(0x80004000, 1, 0x000fff0912345003)}},
		     {0x80402000, 0x812346000, 0x1000, R | X,
		      .entry = {AT(0x80002000, 2, 0x80005001), AT(0x80005000, 2, 0x000fff0812346083)}},
		     {0x80403000, 0x812347000, 0x1000, R | X, .entry = {AT(0x80005000, 3, 0x000fff0812347083)}},
		     {0x40000000, 0x812350000, 0x1000, W | X,
		      .entry = {AT(0x80001000, 0, 0x80006001), AT(0x80006000, 0, 0x000fff0812350103)}}),
	},
	{
		.name = "DART 1, pages of 16 KiB",
		DART1({"tg", 14}, {"ia", 32}),
		.reg = {{"TTBR0", all, 0x80080000}, {"TCR", all, 0x80}},
		MAPS({0x4000, 0x912344000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x80004001), AT(0x80004000, 1, 0x000fff0912344003)}},
		     {0x2000000, 0x812348000, 0x4000, R | X,
		      .entry = {AT(0x80000000, 1, 0x80008001), AT(0x80008000, 0, 0x000fff0812348083)}}),
	},
	{
		.name = "DART 1, pages of 4 KiB, 36 input bits: a third level instead of roots",
		DART1({"tg", 12}, {"ia", 36}),
		.reg = {{"TTBR0", all, 0x80080000}},
		MAPS({0x3c0001000, 0x812350000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 15, 0x80001001), AT(0x80001000, 0, 0x80002001),
				AT(0x80002000, 1, 0x000fff0812350003)}}),
	},
	{
		.name = "DART 2",
		DART2({"ia", 32}),
		.reg = {{"TTBR", all, 0x80001}, {"TCR", all, 1}},
		MAPS({0x4000, 0x3ff12344000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x08000401), AT(0x80004000, 1, 0x000fff3ff1234401)}},
		     {0x2000000, 0x10812348000, 0x4000, R | X | N,
		      .entry = {AT(0x80000000, 1, 0x08000801), AT(0x80008000, 0, 0x000fff1081234807)}}),
	},
	{
		.name = "DART 2, 42 input bits",
		DART2({"ia", 42}),
		.reg = {{"TTBR", all, 0x80001}, {"TCR", all, 9}},
		MAPS({0x4000, 0x3ff12344000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x08000401), AT(0x80004000, 0, 0x08000801),
				AT(0x80008000, 1, 0x000fff3ff1234401)}},
		     {0x2000000, 0x10812348000, 0x4000, R | X | N,
		      .entry = {AT(0x80004000, 1, 0x08000c01), AT(0x8000c000, 0, 0x000fff1081234807)}},
		     {0x3c0000000, 0x812350000, 0x4000, W | X | N,
		      .entry = {AT(0x80004000, 480, 0x08001001), AT(0x80010000, 0, 0x000fff008123500b)}}),
	},
	{
		.name = "DART 2 with the registers of t6000",
		DART2({"ia", 36}, {"t8110", 0}),
		.reg = {{"TTBR", all, 0x80080000}, {"TCR", all, 0x80}},
		MAPS({0x4000, 0x3ff12344000, 0x4000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x08000401), AT(0x80004000, 1, 0x000fff3ff1234401)}}),
	},
};

static const struct words_constant constants[] = {
	{"dart1", {{"tg", 12}}, 12, R | W | X, 0x000fff0000000003},
	{"dart1", {{"tg", 12}}, 12, R | X, 0x000fff0000000083},
	{"dart1", {{"tg", 12}}, 12, W | X, 0x000fff0000000103},
	{"dart1", {{"tg", 14}}, 14, R | W | X, 0x000fff0000000003},
	{"dart2", {{0}}, 14, R | W | X, 0x000fff0000000001},
	{"dart2", {{0}}, 14, R | W | X | N, 0x000fff0000000003},
	{"dart2", {{0}}, 14, R | X | N, 0x000fff0000000007},
	{"dart2", {{0}}, 14, W | X | N, 0x000fff000000000b},
};

const struct words_list words_dart = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

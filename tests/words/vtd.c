/* SPDX-License-Identifier: MIT */
/* vtd.c - words that the kernel writes into second-stage tables of VT-d, one after the other from 0x80000000. */
#include "words.h"

#define SECOND(...) .format = "vtd_second_stage", .param = {__VA_ARGS__}, .table = {0x80000000}

static const struct words_group groups[] = {
	{
		.name = "second stage, four levels",
		SECOND({"levels", 4}),
		/* The first words: width code 2 and type 00; width code 2 and second stage only. */
		.reg = {{"CONTEXT", ~(uint64_t)0, 0x80000001}, {"PASID", ~(uint64_t)0, 0x80000089}},
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x0000000123456003)}},
		     {0x80200000, 0x40200000, 0x200000, R | X,
		      .entry = {AT(0x80001000, 2, 0x0000000080004003), AT(0x80004000, 1, 0x0000000040200081)}},
		     {0x7fc0000000, 0xfffc0000000, 0x40000000, R | W | X,
		      .entry = {AT(0x80001000, 511, 0x00000fffc0000083)}}),
	},
	{
		.name = "second stage, three levels, write-only",
		SECOND({"levels", 3}),
		MAPS({0x40001000, 0x123456000, 0x1000, W | X,
		      .entry = {AT(0x80000000, 1, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x0000000123456002)}}),
	},
	{
		.name = "second stage, five levels",
		SECOND({"levels", 5}),
		MAPS({0x100000040001000, 0xfffff12345000, 0x1000, R | X,
		      .entry = {AT(0x80000000, 256, 0x0000000080001003), AT(0x80001000, 0, 0x0000000080002003),
				AT(0x80002000, 1, 0x0000000080003003), AT(0x80003000, 0, 0x0000000080004003),
				AT(0x80004000, 1, 0x000fffff12345001)}}),
	},
	{
		/* The unit takes 39 bits, but walks no less than four levels. */
		.name = "second stage, four levels of which one entry is used, snooping",
		SECOND({"levels", 4}, {"width", 39}, {"snoop", 1}),
		MAPS({0x40001000, 0x123456000, 0x1000, R | W | X,
		      .entry = {AT(0x80000000, 0, 0x0000000080001003), AT(0x80001000, 1, 0x0000000080002003),
				AT(0x80002000, 0, 0x0000000080003003), AT(0x80003000, 1, 0x0000000123456803)}},
		     {0x8000000000, 0x123456000, 0x1000, R | W | X, .status = PT_ERR_RANGE}),
	},
};

static const struct words_constant constants[] = {
	{"vtd_second_stage", {{0}}, 12, R | W | X, 0x3},
	{"vtd_second_stage", {{0}}, 12, R | X, 0x1},
	{"vtd_second_stage", {{0}}, 12, W | X, 0x2},
	{"vtd_second_stage", {{0}}, 21, R | W | X, 0x83},
	{"vtd_second_stage", {{0}}, 30, R | X, 0x81},
	{"vtd_second_stage", {{"snoop", 1}}, 12, R | W | X, 0x803},
	{"vtd_second_stage", {{"snoop", 1}}, 21, R | X, 0x881},
};

const struct words_list words_vtd = {
	groups,
	sizeof(groups) / sizeof(groups[0]),
	constants,
	sizeof(constants) / sizeof(constants[0]),
};

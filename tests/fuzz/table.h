/* SPDX-License-Identifier: MIT */
/*
 * table.h - what the entry points of the tool share. An input is one line "FORMAT NAME=VALUE...", then bytes; a format
 * or parameter that is not known is passed over, so that any input says something.
 */
#ifndef PTGEN_FUZZ_TABLE_H
#define PTGEN_FUZZ_TABLE_H

#include "fuzz.h"
#include "pttool.h"

struct input {
	const struct pt_format *format;
	struct pt_config config;
	const uint8_t *data; /* after the line */
	size_t size;
	char path[32]; /* of a file that holds them */
};

/* Takes an input apart and writes its bytes to the file. What the tool prints goes nowhere. */
void input_read(struct input *input, const uint8_t *data, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* json_text.h - JSON for people as well: a value stands on one line where it fits. */
#ifndef PTGEN_JSON_TEXT_H
#define PTGEN_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Print a value and a newline; false: out of memory. Members stand in the order in which they were put. */
bool json_print(FILE *out, json_t *value);

#endif

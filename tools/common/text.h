/* SPDX-License-Identifier: MIT */
/* text.h - what the tools do with text that people typed. */
#ifndef TOOLS_COMMON_TEXT_H
#define TOOLS_COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A name close to `name` among n names, or NULL. get(ctx, i) gives the i-th one.
 */
const char *near_name(const char *name, size_t n, const char *(*get)(const void *ctx, size_t i), const void *ctx);

/*
 * A number as in C (decimal, 0x, 0b, 0 for octal), with a suffix K, M, G or T for binary multiples. The text need not
 * end with a NUL. Returns NULL, or why it is none.
 */
const char *parse_number(const char *text, size_t length, uint64_t *value);

#endif

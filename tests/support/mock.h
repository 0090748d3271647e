/* SPDX-License-Identifier: MIT */
/*
 * mock.h - a small format written by hand, to test the runtime without the compiler, and to make a format fail on
 * demand.
 *
 * Two levels of 512 entries of 64 bits: 4 KiB pages, 2 MiB blocks where the parameter `blocks` is 1, 1 GiB of input.
 * Words: [0] valid, [1] table, [51:12] address, [54:52] read, write, execute, [55] privileged only, [57:56] memory
 * type, [58] accessed. The parameter `flavour` does nothing: it makes configurations differ.
 */
#ifndef VCM_TESTS_MOCK_H
#define VCM_TESTS_MOCK_H

#include "pt.h"

enum { MOCK_PARAM_BLOCKS, MOCK_PARAM_FLAVOUR, MOCK_N_PARAMS };

extern const struct pt_format mock_format;

/* The calls of map_segments, protect and init that come now: the one after `calls` more fails with status. */
void mock_fail_after(unsigned int calls, enum pt_status status);
void mock_fail_never(void);

/* Called in the middle of each translation, after the walk; NULL: not. */
void mock_while_walking(void (*fn)(void *ctx), void *ctx);

#endif

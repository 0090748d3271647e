/* SPDX-License-Identifier: MIT */
/* formats.h - the descriptors that the tests of this directory run over: the real formats, then the made-up ones. */
#ifndef PTGEN_TESTS_FORMATS_H
#define PTGEN_TESTS_FORMATS_H

#include "pt.h"

size_t formats_count(void);
/* All defaults, and for addresses, which have none, one that entries can hold. */
void formats_config(const struct pt_format *format, struct pt_config *config);
const struct pt_format *formats_nth(size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/* compare.h - walks of generated code against walks of the interpreter, on any memory. */
#ifndef PTGEN_TESTS_COMPARE_H
#define PTGEN_TESTS_COMPARE_H

#include "interp.h"

struct compared {
	const struct pt_format *format;
	const struct pt_table *table;
	const struct interp *in;
	struct image image;
	struct pt_reader reader;	    /* over the same memory; steps are filled up for each call */
	const char *(*describe)(void *ctx); /* for messages */
	void *ctx;
};

/* F_walk, step by step. */
void compare_walk(const struct compared *c, uint64_t iova);
/* F_translate without updates. */
void compare_translate(const struct compared *c, uint64_t iova, unsigned int access);
/* F_visit and F_verify: every run and a sample of addresses against walks. */
void compare_visit_verify(const struct compared *c, const uint64_t *iova, size_t n);
/* F_classify of one word at one level. */
void compare_classify(const struct compared *c, ref level, const uint64_t word[2]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * text.h - parts of the model as text, for emitters.
 */
#ifndef PTGEN_TEXT_H
#define PTGEN_TEXT_H

#include "model.h"

/*
 * An expression as the language writes it, with no more parentheses than it needs. Request bits are r w x p g, bits of
 * the word [hi:lo], parameters and fields their names. REF_NONE: "1".
 */
const char *expr_text(struct arena *arena, const struct model *model, ref expr);

/* True and *k if the expression is a number (REF_NONE is not). */
bool expr_constant(const struct model *model, ref expr, int64_t *k);

/* "rwx", "rwx/r-x": privileged and user rights of PT_RIGHT_* bits; "-": none. */
const char *rights_text(struct arena *arena, unsigned int rights);

/* The same as a line says it after allows and denies: "w", "ux", "px", "g". */
const char *letters_text(struct arena *arena, unsigned int rights);

/* "[hi:lo]", or "[hi]" for one bit. */
const char *range_text(struct arena *arena, int hi, int lo);

/* What a slice holds, without its bits: "res0", "= 0b01", "AP[2:1]", "pa[47:12]". */
const char *slice_text(struct arena *arena, const struct model *model, const struct m_slice *slice);

/* "64 B", "4 KiB", "512 GiB" for a log2 of bytes. */
const char *size_text(struct arena *arena, int lg2);

/* A number in n binary digits: "0b01"; one digit stands alone. */
const char *binary_text(struct arena *arena, uint64_t value, int n);

const char *category_text(enum ast_category category);
const char *concept_text(enum ast_concept concept);

#endif

/* SPDX-License-Identifier: MIT */
/* emit_md.h - what the files of the Markdown emitter share. */
#ifndef PTGEN_EMIT_MD_H
#define PTGEN_EMIT_MD_H

#include "stages.h"
#include "text.h"

struct md {
	struct context *context;
	struct arena *arena;
	const struct model *model;
	FILE *out;
	int64_t *param; /* the default configuration */
	ref shape;	/* its shape */
};

/* Text in a cell of a table or in a paragraph; code: between back quotes. */
void md_text(FILE *out, const char *text);
void md_code(FILE *out, const char *text);
void md_expr(struct md *md, ref expr);

/* Is there such a thing in the default configuration? */
bool md_holds(const struct md *md, ref cond);

/* The bits of a kind or register: a drawing, and a table of what the lines mean. */
void md_bits(struct md *md, FILE *out, ref first_slice, int n_slices);

/* Which codes a request becomes, the tables of codes, the rules. */
void md_requests(struct md *md);

#endif

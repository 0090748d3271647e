/* SPDX-License-Identifier: MIT */
/* diag.h - what the two forms of diagnostics share: diag.c for people, diag_json.c for programs. */
#ifndef PTGEN_DIAG_H
#define PTGEN_DIAG_H

#include "ptgen.h"

/* Where an offset is: number of its line and column (in characters, from 1), and the line itself. */
struct place {
	int line, column;
	const char *start, *end, *at;
};

void find_place(const struct source *source, uint32_t offset, struct place *place);
/* Bytes of the character at c; what is not UTF-8 counts one by one. */
int character_bytes(const char *c, const char *end);

/* --diagnostics=json: one object a line (docs/diagnostics.schema.json). A finding is written when it is complete. */
void json_finding(struct context *context, const char *severity, const char *check, struct span at, const char *text);
void json_note(struct context *context, struct span at, const char *text);

#endif

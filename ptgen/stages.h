/* SPDX-License-Identifier: MIT */
/*
 * stages.h - the stages that main.c calls in order, and where emitters write to. parse_file is in ast.h, resolve in
 * model.h, the checks are in check.h.
 */
#ifndef PTGEN_STAGES_H
#define PTGEN_STAGES_H

#include "check.h"
#include "model.h"

/* ---------------------------------------------------------------------------------------------------------- options */

enum options_result {
	OPTIONS_GO,   /* compile what the options say */
	OPTIONS_DONE, /* the answer (--help) was printed */
	OPTIONS_BAD   /* said with diag_usage */
};

/* Set up everything that does not come from the command line: severities, diagnostics to stderr. */
void options_defaults(struct context *context);
enum options_result options_parse(struct context *context, int argc, char **argv);

/* ---------------------------------------------------------------------------------------------------------- outputs */

struct outputs;

struct outputs *outputs_new(struct context *context);

/*
 * A stream for an output file, name relative to the directory of -o. What is written stays in memory until
 * outputs_commit; the stream belongs to outputs. Never NULL.
 */
FILE *output_open(struct outputs *outputs, const char *name);

/* The name of a format in its outputs: --prefix, or its own. */
const char *emitted_name(const struct context *context, const struct model *model);

/* The make rule of -MD for all outputs so far; the rule is an output itself. */
void outputs_depend(struct outputs *outputs);

/*
 * Write all outputs: each to a file beside its place, and when all are there, each to its place. A file that holds the
 * same bytes already is not touched. On failure says why, and leaves what was there.
 */
bool outputs_commit(struct outputs *outputs);

/* Release the streams, written or not. */
void outputs_delete(struct outputs *outputs);

/* ----------------------------------------------------------------------------------------------------------- stages */

void emit_c(struct context *context, const struct model *model, struct outputs *outputs);	 /* F.h, F.c */
void emit_json(struct context *context, const struct model *model, struct outputs *outputs);	 /* F.json */
void emit_dot(struct context *context, const struct model *model, struct outputs *outputs);	 /* F.dot */
void emit_md(struct context *context, const struct model *model, struct outputs *outputs);	 /* F.md */
void emit_svg(struct context *context, const struct model *model, struct outputs *outputs);	 /* F.svg */
void emit_selftest(struct context *context, const struct model *model, struct outputs *outputs); /* F_selftest.c */
/* registry.h, registry.c: all n formats, sorted by name. */
void emit_registry(struct context *context, struct model *const *models, int n, struct outputs *outputs);

#endif

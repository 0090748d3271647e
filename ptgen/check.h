/* SPDX-License-Identifier: MIT */
/*
 * check.h - the checks of the compiler's middle.
 *
 * check_unused() looks at the syntax tree for what the model no longer shows (names that nothing uses); check() proves
 * a model: every bit described once, kinds told apart, every request back from its own encoding. Both only report,
 * through diag(); whether to go on is in context->errors.
 */
#ifndef PTGEN_CHECK_H
#define PTGEN_CHECK_H

#include "model.h"

void check_unused(struct context *context, const struct ast_file *file);
void check(struct context *context, const struct model *model);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * main.c - options, then for each file parse, resolve and check, then emit; all outputs are written at the end, and
 * only if there was no error anywhere.
 */
#include "stages.h"

#include <string.h>

enum { STATUS_CLEAN = 0, STATUS_INPUT = 1, STATUS_USAGE = 2 };

static int status_of(const struct context *context)
{
	return context->usage_errors ? STATUS_USAGE : context->errors ? STATUS_INPUT : STATUS_CLEAN;
}

/* One file of the command line, up to its checked models. */
static void compile(struct context *context, const char *input, struct model_list *all)
{
	const struct options *options = &context->options;
	struct ast_file file = {0};
	struct model_list models = {0};
	int i;

	if (!parse_file(context, input, &file))
		return;
	if (options->dump_ast)
		ast_dump(stdout, &file);
	check_unused(context, &file);
	resolve(context, &file, &models);
	for (i = 0; i < models.v.n; i++) {
		struct model *model = models.v.v[i];

		*ARRAY_ADD(context->arena, all->v) = model;
		if (options->format && strcmp(options->format, model->name))
			continue;
		check(context, model);
		if (options->dump_model)
			model_dump(stdout, model);
	}
}

/* What the command line names must be there. */
static void check_names(struct context *context, const struct model_list *models)
{
	ARRAY(const char *) names = {0};
	const char *near;
	int i, j;

	for (i = 0; i < context->options.settings.n; i++) {
		const struct setting *setting = &context->options.settings.v[i];

		if (setting->used)
			continue;
		names.n = 0;
		for (j = 0; j < models->v.n; j++) {
			const struct model *model = models->v.v[j];
			int k;

			for (k = 0; k < model->params.n; k++)
				*ARRAY_ADD(context->arena, names) = model->params.v[k].name;
		}
		near = near_name(setting->name, names.v, names.n);
		diag_usage(context, "--set: no format has a parameter '%s'%s%s%s", setting->name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
}

/* The models that --format leaves. */
static void select_format(struct context *context, struct model_list *models)
{
	const char *wanted = context->options.format, *near;
	ARRAY(const char *) names = {0};
	struct model *found = NULL;
	int i;

	if (wanted) {
		for (i = 0; i < models->v.n; i++) {
			*ARRAY_ADD(context->arena, names) = models->v.v[i]->name;
			if (!strcmp(models->v.v[i]->name, wanted))
				found = models->v.v[i];
		}
		if (found) {
			models->v.v[0] = found;
			models->v.n = 1;
		} else {
			near = near_name(wanted, names.v, names.n);
			diag_usage(context, "--format: there is no format '%s'%s%s%s", wanted,
				   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
	}
	if (context->options.prefix && models->v.n > 1)
		diag_usage(context, "--prefix is for one format, and there are %d (--format selects one)", models->v.n);
}

/* F.h and the functions of F must not take the place of what every F needs: the contract and the headers it includes.
 */
static bool is_reserved(const char *name)
{
	static const char *const names[] = {"pt", "registry", "stdbool", "stddef", "stdint"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "pt_", 3);
}

static void check_reserved(struct context *context, const struct model_list *models)
{
	for (int i = 0; i < models->v.n; i++)
		if (is_reserved(emitted_name(context, models->v.v[i])))
			diag_usage(context,
				   "%s.h: this name is taken, as are pt, registry, stdbool, stddef, stdint and names "
				   "that begin with pt_; choose another one with --prefix",
				   emitted_name(context, models->v.v[i]));
}

static void emit(struct context *context, const struct model_list *models)
{
	struct options *options = &context->options;
	struct outputs *outputs = outputs_new(context);
	int i;

	if (!options->emit && !options->check_only && !options->dump_ast && !options->dump_model)
		options->emit = EMIT_C;
	if (options->emit & (EMIT_C | EMIT_REGISTRY))
		check_reserved(context, models);
	for (i = 0; i < models->v.n; i++) {
		if (options->emit & EMIT_C)
			emit_c(context, models->v.v[i], outputs);
		if (options->emit & EMIT_JSON)
			emit_json(context, models->v.v[i], outputs);
		if (options->emit & EMIT_SELFTEST)
			emit_selftest(context, models->v.v[i], outputs);
		if (options->emit & EMIT_DOT)
			emit_dot(context, models->v.v[i], outputs);
		if (options->emit & EMIT_MD)
			emit_md(context, models->v.v[i], outputs);
		if (options->emit & EMIT_SVG)
			emit_svg(context, models->v.v[i], outputs);
	}
	if (options->emit & EMIT_REGISTRY)
		emit_registry(context, models->v.v, models->v.n, outputs);
	if (options->depend)
		outputs_depend(outputs);
	if (status_of(context) == STATUS_CLEAN)
		outputs_commit(outputs);
	outputs_delete(outputs);
}

static void run(struct context *context)
{
	struct model_list models = {0};
	int i;

	for (i = 0; i < context->options.inputs.n; i++)
		compile(context, context->options.inputs.v[i], &models);
	if (status_of(context) == STATUS_CLEAN)
		check_names(context, &models);
	if (status_of(context) == STATUS_CLEAN)
		select_format(context, &models);
	if (status_of(context) == STATUS_CLEAN)
		emit(context, &models);
}

int main(int argc, char **argv)
{
	struct context context = {.arena = arena_new()};
	int status;

	options_defaults(&context);
	if (options_parse(&context, argc, argv) == OPTIONS_GO)
		run(&context);
	/* What was printed must have arrived: a full disk is no success. */
	if (fflush(stdout) || ferror(stdout))
		diag_usage(&context, "cannot write to the standard output");
	diag_flush(&context);
	status = status_of(&context);
	arena_delete(context.arena);
	return status;
}

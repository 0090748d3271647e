/* SPDX-License-Identifier: MIT */
/* fuzz_compile.c - the whole compiler on any bytes, all emitters included; nothing is written. */
#include "fuzz.h"
#include "stages.h"

static void emit(struct context *context, const struct model_list *models)
{
	struct outputs *outputs = outputs_new(context);

	for (int i = 0; i < models->v.n; i++) {
		emit_c(context, models->v.v[i], outputs);
		emit_json(context, models->v.v[i], outputs);
		emit_dot(context, models->v.v[i], outputs);
	}
	outputs_delete(outputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct context context = {.arena = arena_new()};
	struct ast_file file = {0};
	struct model_list models = {0};

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	options_defaults(&context);
	context.diagnostics = nowhere;
	if (parse_text(&context, "input.ptd", (const char *)data, size, &file)) {
		check_unused(&context, &file);
		resolve(&context, &file, &models);
		for (int i = 0; i < models.v.n; i++) {
			check(&context, models.v.v[i]);
			model_dump(nowhere, models.v.v[i]);
		}
		if (!context.errors)
			emit(&context, &models);
	}
	arena_delete(context.arena);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* fuzz_parse.c - scanner and parser on any bytes: the tree, and what --dump=ast makes of it. */
#include "fuzz.h"
#include "stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct context context = {.arena = arena_new()};
	struct ast_file file = {0};

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	options_defaults(&context);
	context.diagnostics = nowhere;
	if (parse_text(&context, "input.ptd", (const char *)data, size, &file))
		ast_dump(nowhere, &file);
	arena_delete(context.arena);
	return 0;
}

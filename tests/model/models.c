/* SPDX-License-Identifier: MIT */
/* models.c - the flat models of all formats, made in this process by the compiler's own front end. */
#include "interp.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages.h"
#include "test.h"

static struct context context; /* the models live as long as the process */
static struct model_list models;

const char *models_directory(void)
{
	const char *directory = getenv("PTGEN_FORMATS");

	return directory ? directory : "formats";
}

static void load_from(const char *directory)
{
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.ptd", directory);
	if (glob(pattern, 0, NULL, &found) != 0)
		test_fail(__FILE__, __LINE__,
			  "no format file matches %s (run in the top directory, or set PTGEN_FORMATS)", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct ast_file file = {0};
		char *name = arena_printf(context.arena, "%s", found.gl_pathv[i]);

		if (!parse_file(&context, name, &file))
			test_fail(__FILE__, __LINE__, "%s does not parse", name);
		resolve(&context, &file, &models);
		if (context.errors)
			test_fail(__FILE__, __LINE__, "%s does not resolve", name);
	}
	globfree(&found);
}

static void load(void)
{
	context.arena = arena_new();
	options_defaults(&context);
	load_from(models_directory());
	load_from("tests/formats");
}

const struct model *models_nth(size_t n)
{
	if (!context.arena)
		load();
	return n < (size_t)models.v.n ? models.v.v[n] : NULL;
}

const struct model *models_find(const char *name)
{
	if (!context.arena)
		load();
	for (int i = 0; i < models.v.n; i++)
		if (strcmp(models.v.v[i]->name, name) == 0)
			return models.v.v[i];
	return NULL;
}

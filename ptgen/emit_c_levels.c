/* SPDX-License-Identifier: MIT */
/* emit_c_levels.c - what is printed once per level: the cases of straight walks, the functions of map and unmap. */
#include "emit_c.h"

#include <string.h>

/* The level that is printed after this one. */
static int printed_after(const struct emitter *emitter, int level)
{
	int next = level + 1;

	while (next < emitter->model->levels.n && !emitter->written[next])
		next++;
	return next;
}

/* The cases of a straight walk: each start level falls through to the levels below it. */
static void walk_cases(struct emitter *emitter, bool lookup)
{
	const struct model *model = emitter->model;

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		ref next = emitter->next[i];
		bool leaves = unit_of(emitter, i) != REF_NONE;

		if (!emitter->written[i])
			continue;
		for (int k = level->first_kind; k < level->first_kind + level->n_kinds; k++)
			leaves = leaves || model->kinds.v[k].category == CATEGORY_LEAF;
		OUT("\tcase %s_%s:\n", emitter->upper, emitter->level_name[i]);
		for (int p = 0; p < model->levels.n; p++)
			if (emitter->written[p] && emitter->next[p] == i && printed_after(emitter, p) != i)
				OUT("\tlevel_%d:\n", i);
		if (!lookup && next == REF_NONE) {
			if (model_limited(level))
				OUT("\t\treturn %s_no_slot(t, %s_%s, iova) ? NULL : slot;\n", emitter->lower,
				    emitter->upper, emitter->level_name[i]);
			else
				OUT("\t\treturn slot;\n");
			continue;
		}
		OUT("\t\tentry = %s_load_link(%sslot);\n", emitter->lower,
		    emitter->mixed ? text_of(emitter, "%s_%s, ", emitter->upper, emitter->level_name[i]) : "");
		if (next == REF_NONE) {
			OUT("\t\treturn %s_resolve(t, %s_%s, entry, iova, pa);\n", emitter->lower, emitter->upper,
			    emitter->level_name[i]);
			continue;
		}
		OUT("\t\tif (%s(!%s_is_table(t, %s_%s, entry)))", lookup ? "" : "PT_UNLIKELY", emitter->lower,
		    emitter->upper, emitter->level_name[i]);
		if (!lookup)
			OUT("\n\t\t\treturn NULL;\n");
		else if (leaves)
			OUT("\n\t\t\treturn %s_resolve(t, %s_%s, entry, iova, pa);\n", emitter->lower, emitter->upper,
			    emitter->level_name[i]);
		else
			OUT("\n\t\t\treturn PT_ERR_ABSENT;\n");
		OUT("\t\tslot = %s_slot(%s_table_at(t, %s_table_pa(t, %s_%s, entry)), %s_%s, iova);\n", emitter->lower,
		    emitter->lower, emitter->lower, emitter->upper, emitter->level_name[i], emitter->upper,
		    emitter->level_name[next]);
		if (next == printed_after(emitter, i))
			OUT("\t\t__attribute__((__fallthrough__));\n");
		else
			OUT("\t\tgoto level_%d;\n", next);
	}
}

void emit_find_cases(void *ctx)
{
	walk_cases(ctx, false);
}

void emit_lookup_cases(void *ctx)
{
	walk_cases(ctx, true);
}

static const char *function_name(struct emitter *emitter, int level)
{
	char *name = arena_strndup(emitter->arena, emitter->level_name[level], strlen(emitter->level_name[level]));

	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return name;
}

/* What slots are pointers to. */
static const char *slot_type(struct emitter *emitter)
{
	return emitter->mixed ? "unsigned char" : text_of(emitter, "%s_entry", emitter->lower);
}

void emit_map_levels(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	const char *slot = slot_type(emitter);

	OUT("/* One pair of functions per level, lowest first: geometry is a constant in each. */\n\n");
	for (int i = model->levels.n - 1; i >= 0; i--) {
		ref next = emitter->written[i] ? emitter->next[i] : REF_NONE;
		const char *below = next == REF_NONE ? NULL : function_name(emitter, next);
		const char *name = function_name(emitter, i);
		const char *fill = below ? text_of(emitter, "%s_fill_%s", emitter->lower, below) : "NULL";
		const char *down = below ? text_of(emitter, "%s_map_%s", emitter->lower, below) : "NULL";

		if (!emitter->written[i])
			continue;
		OUT("static enum pt_status %s_fill_%s(struct %s_map_call *call, %s *slot, uint64_t iova, "
		    "uint64_t last)\n"
		    "{\n"
		    "\treturn %s_map_level(call, slot, iova, last, %s_%s, true, %s, %s);\n}\n\n",
		    emitter->lower, name, emitter->lower, slot, emitter->lower, emitter->upper, emitter->level_name[i],
		    fill, fill);
		OUT("static enum pt_status %s_map_%s(struct %s_map_call *call, %s *slot, uint64_t iova, uint64_t "
		    "last)\n"
		    "{\n"
		    "\treturn %s_map_level(call, slot, iova, last, %s_%s, false, %s, %s);\n}\n\n",
		    emitter->lower, name, emitter->lower, slot, emitter->lower, emitter->upper, emitter->level_name[i],
		    down, fill);
	}
	OUT("/* Fill a table of level that nobody sees yet. */\n"
	    "static enum pt_status %s_fill_at(struct %s_map_call *call, unsigned int level, %s *slot, "
	    "uint64_t iova,\n\t\t\t\t  uint64_t last)\n{\n\tswitch (level) {\n",
	    emitter->lower, emitter->lower, slot);
	for (int i = 0; i < model->levels.n; i++)
		if (emitter->written[i])
			OUT("\tcase %s_%s: return %s_fill_%s(call, slot, iova, last);\n", emitter->upper,
			    emitter->level_name[i], emitter->lower, function_name(emitter, i));
	OUT("\tdefault: return PT_ERR_CONFIG;\n\t}\n}\n\n");
}

void emit_map_dispatch(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i])
			OUT("\tcase %s_%s: return %s_map_%s(call, slot, iova, last);\n", emitter->upper,
			    emitter->level_name[i], emitter->lower, function_name(emitter, i));
}

void emit_unmap_levels(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = emitter->model->levels.n - 1; i >= 0; i--) {
		ref next = emitter->next[i];

		if (!emitter->written[i])
			continue;
		OUT("static void %s_unmap_%s(struct %s_unmap_call *call, %s *slot, uint64_t iova, uint64_t "
		    "last)\n"
		    "{\n"
		    "\t%s_unmap_level(call, slot, iova, last, %s_%s, ",
		    emitter->lower, function_name(emitter, i), emitter->lower, slot_type(emitter), emitter->lower,
		    emitter->upper, emitter->level_name[i]);
		if (next == REF_NONE)
			OUT("NULL);\n}\n\n");
		else
			OUT("%s_unmap_%s);\n}\n\n", emitter->lower, function_name(emitter, next));
	}
}

void emit_unmap_dispatch(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i])
			OUT("\tcase %s_%s: %s_unmap_%s(&call, slot, iova, last); break;\n", emitter->upper,
			    emitter->level_name[i], emitter->lower, function_name(emitter, i));
}

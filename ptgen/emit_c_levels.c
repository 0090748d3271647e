/* SPDX-License-Identifier: MIT */
/* emit_c_levels.c - what is printed once per level: straight walks, the functions of map and unmap. */
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

/* What a straight walk is for. */
enum walk {
	WALK_PAGE,   /* the slot at the lowest level */
	WALK_UNIT,   /* the slot where a leaf of `bytes` that takes one slot goes, and its level */
	WALK_LOOKUP, /* where the address goes */
	WALK_AHEAD,  /* the same, but the slot at the lowest level is left to be read later */
	WALK_LEAF    /* the entry where the walk ends */
};

static const char *level_text(struct emitter *emitter, int level)
{
	return text_of(emitter, "%s_%s", emitter->upper, emitter->level_name[level]);
}

/* Does anything but the level printed before lead to this level? */
static bool needs_label(const struct emitter *emitter, int level)
{
	for (int p = 0; p < emitter->model->levels.n; p++)
		if (emitter->written[p] && emitter->next[p] == level && printed_after(emitter, p) != level)
			return true;
	return emitter->starts[level];
}

/* How many levels of the shape a walk may begin at; shape -1: of all shapes. */
static int starts_of(const struct emitter *emitter, int shape)
{
	int n = 0;

	for (int i = 0; i < emitter->model->levels.n; i++)
		n += emitter->starts[i] && (shape < 0 || emitter->model->levels.v[i].shape == shape);
	return n;
}

/*
 * Where the walk begins: the level of the default configuration first, since a branch that is always the same costs
 * less than a jump through a table. Within one shape, its number in the low bits of `top` is known: taking it away
 * leaves the address of the root, or low bits that say "another one". tab: how much deeper it is indented.
 */
static void walk_start(struct emitter *emitter, int shape, const char *tab, const char *otherwise)
{
	const struct model *model = emitter->model;
	const char *f = emitter->lower, *root;
	int n = starts_of(emitter, shape), first = shape < 0 ? 0 : model->shapes.v[shape].first_level, usual = -1;

	if (emitter->starts[emitter->usual_start] &&
	    (shape < 0 || model->levels.v[emitter->usual_start].shape == shape))
		usual = emitter->usual_start;
	for (int i = 0; i < model->levels.n && usual < 0; i++)
		if (emitter->starts[i] && model->levels.v[i].shape == shape)
			usual = i;
	if (usual < 0) {
		OUT("%s\treturn %s;\n", tab, otherwise);
		return;
	}
	root = usual == first ? "top" : text_of(emitter, "top - %d", usual - first);
	if (shape < 0)
		OUT("%s\tif (PT_LIKELY(%s_start(t, top) == %s)) {\n%s\t\tslot = %s_root_slot(t, top, iova, %s);\n", tab,
		    f, level_text(emitter, usual), tab, f, level_text(emitter, usual));
	else if (n > 1)
		OUT("%s\tif (PT_LIKELY(%s == 0)) {\n%s\t\tslot = %s_slot_in_root(t, %s, iova, %s);\n", tab,
		    usual == first ? "(top & 15)" : text_of(emitter, "((%s) & 15)", root), tab, f, root,
		    level_text(emitter, usual));
	else
		OUT("%s\tslot = %s_slot_in_root(t, %s, iova, %s);\n", tab, f, root, level_text(emitter, usual));
	if (n == 1) {
		OUT("%s\tgoto level_%d;\n", tab, usual);
		return;
	}
	OUT("%s\t\tgoto level_%d;\n%s\t}\n%s\tswitch (%s_start(t, top)) {\n", tab, usual, tab, tab, f);
	for (int i = 0; i < model->levels.n; i++)
		if (emitter->starts[i] && i != usual && (shape < 0 || model->levels.v[i].shape == shape))
			OUT("%s\tcase %s:\n%s\t\tslot = %s_root_slot(t, top, iova, %s);\n%s\t\tgoto level_%d;\n", tab,
			    level_text(emitter, i), tab, f, level_text(emitter, i), tab, i);
	OUT("%s\tdefault: return %s;\n%s\t}\n", tab, otherwise, tab);
}

/* A straight walk: each level leads on to the one below it. */
static void walk(struct emitter *emitter, enum walk what)
{
	static const char *const otherwise[] = {"false", "false", "PT_ERR_ABSENT", "PT_ERR_ABSENT", "false"};
	const struct model *model = emitter->model;
	const char *f = emitter->lower;

	if (model->shapes.n == 1) {
		walk_start(emitter, 0, "", otherwise[what]);
	} else if (what != WALK_PAGE) {
		walk_start(emitter, -1, "", otherwise[what]);
	} else {
		/* The level is a constant where it counts, and with it the shape. */
		OUT("\tswitch (level) {\n");
		for (int s = 0; s < model->shapes.n; s++) {
			OUT("\tcase %s:\n", level_text(emitter, emitter->last[s]));
			walk_start(emitter, s, "\t", otherwise[what]);
		}
		OUT("\tdefault: return %s;\n\t}\n", otherwise[what]);
	}
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		const char *name = level_text(emitter, i);
		ref next = emitter->next[i];
		bool leaves = unit_of(emitter, i) != REF_NONE;

		if (!emitter->written[i])
			continue;
		if (needs_label(emitter, i))
			OUT("level_%d:\n", i);
		if (model_limited(level) && ((what == WALK_PAGE && next == REF_NONE) || (what == WALK_UNIT && leaves)))
			OUT("\tif (%s_no_slot(t, %s, iova))\n\t\treturn false;\n", f, name);
		if (what == WALK_PAGE && next == REF_NONE) {
			OUT("\t*found = slot;\n\treturn true;\n");
			continue;
		}
		if (what == WALK_AHEAD && next == REF_NONE) {
			OUT("\tPT_PREFETCH(slot);\n\t*ahead = slot;\n\treturn PT_OK;\n");
			continue;
		}
		if (what == WALK_UNIT && leaves)
			OUT("\tif (bytes == (uint64_t)1 << %d) {\n\t\t*found = slot;\n\t\t*level = %s;\n\t\treturn "
			    "true;\n\t}\n",
			    level->lo, name);
		if (what == WALK_UNIT && next == REF_NONE) {
			OUT("\treturn false;\n");
			continue;
		}
		for (int k = level->first_kind; k < level->first_kind + level->n_kinds; k++)
			leaves = leaves || model->kinds.v[k].category == CATEGORY_LEAF;
		OUT("\tentry = %s_load_link(%sslot);\n", f, emitter->mixed ? text_of(emitter, "%s, ", name) : "");
		if (next == REF_NONE) {
			OUT(what == WALK_LEAF ? "\treturn %s_ends_at(t, %s, slot, entry, found);\n"
					      : "\treturn %s_resolve(t, %s, entry, iova, pa);\n",
			    f, name);
			continue;
		}
		OUT("\tif (%s(!%s_is_table(t, %s, entry)))\n",
		    what == WALK_LOOKUP || what == WALK_AHEAD || what == WALK_LEAF ? "" : "PT_UNLIKELY", f, name);
		if (what == WALK_LEAF)
			OUT("\t\treturn %s_ends_at(t, %s, slot, entry, found);\n", f, name);
		else if ((what == WALK_LOOKUP || what == WALK_AHEAD) && leaves)
			OUT("\t\treturn %s_resolve(t, %s, entry, iova, pa);\n", f, name);
		else
			OUT("\t\treturn %s;\n", otherwise[what]);
		OUT("\tslot = %s_slot(%s_table_at(t, %s_table_pa(t, %s, entry)), %s, iova);\n", f, f, f, name,
		    level_text(emitter, next));
		if (next != printed_after(emitter, i))
			OUT("\tgoto level_%d;\n", next);
	}
}

void emit_find_page(void *ctx)
{
	walk(ctx, WALK_PAGE);
}

void emit_find_unit(void *ctx)
{
	walk(ctx, WALK_UNIT);
}

void emit_lookup(void *ctx)
{
	walk(ctx, WALK_LOOKUP);
}

void emit_ahead(void *ctx)
{
	walk(ctx, WALK_AHEAD);
}

void emit_find_leaf(void *ctx)
{
	walk(ctx, WALK_LEAF);
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

/* The call, or the cases, for the lowest level. */
void emit_map_lowest(void *ctx)
{
	struct emitter *emitter = ctx;
	bool shapes = emitter->model->shapes.n > 1;

	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i] && emitter->next[i] == REF_NONE)
			OUT("\t%s%sreturn %s_map_%s(call, slot, iova, last);\n",
			    shapes ? text_of(emitter, "case %s:", level_text(emitter, i)) : "", shapes ? " " : "",
			    emitter->lower, function_name(emitter, i));
}

/* One case per lowest level, for a function that is inlined with the level as a constant. */
static void lowest_cases(struct emitter *emitter, const char *call)
{
	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i] && emitter->next[i] == REF_NONE)
			OUT("\tcase %s: return %s_%s, %s);\n", level_text(emitter, i), emitter->lower, call,
			    level_text(emitter, i));
}

void emit_protect_lowest(void *ctx)
{
	lowest_cases(ctx, "protect_pages(call, slot, n, iova");
}

void emit_dirty_lowest(void *ctx)
{
	lowest_cases(ctx, "dirty_pages(call, slot, n, iova, state");
}

void emit_arrive_lowest(void *ctx)
{
	lowest_cases(ctx, "arrive(t, slot, iova, n, pa");
}

/* One case per shape that is not the usual one: its way for one page. */
static void page_cases(struct emitter *emitter, const char *call)
{
	const struct model *model = emitter->model;

	for (int s = 0; s < model->shapes.n; s++)
		if (s != model->levels.v[emitter->usual_start].shape)
			OUT("\tcase %d: done = %s_%s, %s); break;\n", s, emitter->lower, call,
			    level_text(emitter, emitter->last[s]));
}

void emit_map_pages(void *ctx)
{
	page_cases(ctx, "page_map(t, iova, pa, bytes, request, result");
}

void emit_unmap_pages(void *ctx)
{
	page_cases(ctx, "page_unmap(t, iova, bytes, flags, gather, result");
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
	const char *last = emitter->max_roots > 1 ? "end" : "last";

	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i])
			OUT("\tcase %s: %s_unmap_%s(call, slot, iova, %s); break;\n", level_text(emitter, i),
			    emitter->lower, function_name(emitter, i), last);
}

/* The call, or the cases, for the lowest level. */
void emit_unmap_lowest(void *ctx)
{
	struct emitter *emitter = ctx;
	bool shapes = emitter->model->shapes.n > 1;

	for (int i = 0; i < emitter->model->levels.n; i++)
		if (emitter->written[i] && emitter->next[i] == REF_NONE)
			OUT("\t%s%s_unmap_%s(&call, slot, iova, last);%s\n",
			    shapes ? text_of(emitter, "case %s: ", level_text(emitter, i)) : "", emitter->lower,
			    function_name(emitter, i), shapes ? " break;" : "");
}

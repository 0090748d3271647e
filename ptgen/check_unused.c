/* SPDX-License-Identifier: MIT */
/*
 * check_unused.c - names that are defined and never used. The model does not show them any more, so this looks at the
 * syntax tree: a name is used if it occurs in the block that defines it, in one that it derives from, or in one that
 * derives from it.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

struct names {
	struct arena *arena;
	ARRAY(const char *) value; /* in expressions */
	ARRAY(const char *) group; /* after ':' */
};

static void add_expr(struct names *names, const struct ast_expr *expr);

static void add_set(struct names *names, const struct ast_set *set)
{
	for (const struct ast_range *range = set ? set->ranges : NULL; range; range = range->next) {
		add_expr(names, range->first);
		add_expr(names, range->last);
	}
}

static void add_expr(struct names *names, const struct ast_expr *expr)
{
	if (!expr)
		return;
	if (expr->name && expr->op != A_CALL)
		*ARRAY_ADD(names->arena, names->value) = expr->name;
	add_expr(names, expr->a);
	add_expr(names, expr->b);
	add_expr(names, expr->c);
	add_set(names, expr->set);
	for (const struct ast_expr *arg = expr->args; arg; arg = arg->next)
		add_expr(names, arg);
}

static void add_bits(struct names *names, const struct ast_bits *bits)
{
	if (!bits)
		return;
	add_expr(names, bits->hi);
	add_expr(names, bits->lo);
}

static void add_opts(struct names *names, const struct ast_opt *opt)
{
	for (; opt; opt = opt->next) {
		add_expr(names, opt->a);
		add_expr(names, opt->b);
		add_expr(names, opt->cond);
		add_set(names, opt->set);
		if (opt->kind == OPT_GROWS)
			*ARRAY_ADD(names->arena, names->value) = opt->name;
	}
}

static void add_lines(struct names *names, const struct ast_line *line)
{
	for (; line; line = line->next) {
		add_bits(names, line->bits);
		add_bits(names, line->slice);
		add_expr(names, line->value);
		add_set(names, line->set);
		add_opts(names, line->opts);
	}
}

static void add_item(struct names *names, const struct ast_item *item)
{
	add_bits(names, item->bits);
	add_opts(names, item->opts);
	add_set(names, item->set);
	add_expr(names, item->expr);
	add_expr(names, item->cond);
	add_lines(names, item->lines);
	for (const struct ast_name *use = item->uses; use; use = use->next)
		*ARRAY_ADD(names->arena, names->group) = use->name;
	for (const struct ast_arg *arg = item->args; arg; arg = arg->next)
		add_set(names, arg->set);
	for (const struct ast_kind *kind = item->kinds; kind; kind = kind->next)
		add_expr(names, kind->cond);
	for (const struct ast_col *col = item->cols; col; col = col->next)
		add_bits(names, col->slice);
}

static const struct ast_format *base_of(const struct ast_file *file, const struct ast_format *format)
{
	for (const struct ast_format *other = file->formats; format->base && other; other = other->next)
		if (other != format && !strcmp(other->name, format->base))
			return other;
	return NULL;
}

/* Does a derive from b (or is it b)? A chain longer than there are formats is a circle, reported elsewhere. */
static bool derives(const struct ast_file *file, const struct ast_format *a, const struct ast_format *b)
{
	int steps = 0;

	for (const struct ast_format *format = file->formats; format; format = format->next)
		steps++;
	for (; a && steps >= 0; a = base_of(file, a), steps--)
		if (a == b)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has(const char **list, int n, const char *name)
{
	return n && bsearch(&name, list, (size_t)n, sizeof(*list), compare);
}

static const char *what(enum ast_item_kind kind)
{
	switch (kind) {
	case ITEM_PARAM: return "parameter";
	case ITEM_FEATURE: return "feature";
	case ITEM_QUIRK: return "quirk";
	case ITEM_LET: return "let";
	case ITEM_ADDRESS: return "address";
	case ITEM_FIELDS: return "group of fields";
	default: return NULL;
	}
}

static void check_item(struct context *context, const struct ast_item *item, const struct names *names)
{
	bool group = item->kind == ITEM_FIELDS;

	if (group ? has(names->group.v, names->group.n, item->name) : has(names->value.v, names->value.n, item->name))
		return;
	diag(context, CHECK_UNUSED_NAME, item->name_span, "%s '%s' is never used", what(item->kind), item->name);
	if (group)
		diag_mend(context, "name it after ':' in an entry, or remove it");
	else
		diag_mend(context, "mention it in an expression, or remove it");
}

void check_unused(struct context *context, const struct ast_file *file)
{
	struct names names = {.arena = context->arena};

	for (const struct ast_format *format = file->formats; format; format = format->next) {
		names.value.n = names.group.n = 0;
		for (const struct ast_format *other = file->formats; other; other = other->next)
			if (derives(file, other, format) || derives(file, format, other))
				for (const struct ast_item *item = other->items; item; item = item->next)
					add_item(&names, item);
		if (names.value.n)
			qsort(names.value.v, (size_t)names.value.n, sizeof(*names.value.v), compare);
		if (names.group.n)
			qsort(names.group.v, (size_t)names.group.n, sizeof(*names.group.v), compare);
		for (const struct ast_item *item = format->items; item; item = item->next)
			if (what(item->kind) && item->name)
				check_item(context, item, &names);
	}
}

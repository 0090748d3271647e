/* SPDX-License-Identifier: MIT */
/* resolve_flatten.c - inheritance: the items of a format, base first, overridden and removed by name. */
#include <string.h>

#include "resolve.h"

bool is_value(enum ast_item_kind kind)
{
	return kind == ITEM_PARAM || kind == ITEM_FEATURE || kind == ITEM_QUIRK || kind == ITEM_ADDRESS ||
	       kind == ITEM_LET;
}

/* Does an item take the place of another one (in a derived format), or clash with it (in one block)? */
static bool same_item(const struct ast_item *a, const struct ast_item *b)
{
	if (is_value(a->kind) && is_value(b->kind))
		return !strcmp(a->name, b->name);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ITEM_TITLE:
	case ITEM_SPEC:
	case ITEM_WORD:
	case ITEM_RESERVED:
	case ITEM_INPUT:
	case ITEM_OUTPUT:
	case ITEM_ROOT:
	case ITEM_RESIZE: return true;
	case ITEM_SET:
	case ITEM_FIELDS:
	case ITEM_ENTRY:
	case ITEM_REGISTER: return !strcmp(a->name, b->name);
	case ITEM_CODE: return a->concept == b->concept && !strcmp(a->name, b->name);
	case ITEM_LEVEL:
		if (a->numbered || b->numbered)
			return a->numbered && b->numbered && a->number == b->number;
		return !a->set && !b->set && !strcmp(a->name, b->name);
	default: return false;
	}
}

static void remove_at(struct resolver *r, int at)
{
	memmove(&r->items.v[at], &r->items.v[at + 1], (size_t)(r->items.n - at - 1) * sizeof(r->items.v[0]));
	r->items.n--;
}

/* Is the item what `without WHAT NAME` names? */
static bool is_named(const struct ast_item *item, const char *what, const char *name)
{
	static const char *const concepts[] = {"prot", "memtype", "dirty"};

	if (!strcmp(what, "round"))
		return item->kind == ITEM_ROUND;
	if (!strcmp(what, "refuse"))
		return item->kind == ITEM_REFUSE;
	if (!strcmp(what, "never"))
		return item->kind == ITEM_NEVER;
	if (!name || !item->name || strcmp(item->name, name))
		return false;
	if (!strcmp(what, "entry"))
		return item->kind == ITEM_ENTRY;
	if (!strcmp(what, "fields"))
		return item->kind == ITEM_FIELDS;
	if (!strcmp(what, "register"))
		return item->kind == ITEM_REGISTER;
	return item->kind == ITEM_CODE && !strcmp(what, concepts[item->concept]);
}

static void apply_without(struct resolver *r, const struct ast_item *without)
{
	ARRAY(const char *) near = {0};
	const char *what = without->name2 ? without->name2 : "", *name = without->name;
	bool found = false;

	for (int i = r->items.n - 1; i >= 0; i--) {
		const struct ast_item *item = r->items.v[i].item;

		if (is_named(item, what, name)) {
			remove_at(r, i);
			found = true;
		} else if (item->name && is_named(item, what, item->name)) {
			*ARRAY_ADD(r->arena, near) = item->name;
		}
	}
	if (found)
		return;
	if (complain(r, CHECK_INHERITANCE, without->span, name ? "no %s '%s' is inherited" : "no %s is inherited", what,
		     name) &&
	    name)
		suggest(r, name, near.v, near.n);
}

static void add_item(struct resolver *r, const struct ast_format *from, const struct ast_item *item)
{
	struct flat_item *place = NULL;

	/* Most items of long files are examples, which stand beside each other. */
	for (int i = 0; item->kind != ITEM_EXAMPLE && i < r->items.n; i++) {
		const struct ast_item *old = r->items.v[i].item;

		if (!same_item(old, item)) {
			/* a parameter declared anew is no longer bound by an inherited set */
			if (is_value(item->kind) && old->kind == ITEM_SET && r->items.v[i].from != from &&
			    !strcmp(old->name, item->name))
				remove_at(r, i--);
			continue;
		}
		if (r->items.v[i].from != from) {
			if (place)
				remove_at(r, i--);
			else
				place = &r->items.v[i];
			continue;
		}
		/* one register in several forms, each under its condition */
		if (item->kind == ITEM_REGISTER && item->cond && old->cond)
			continue;
		if (complain(r, CHECK_DUPLICATE_NAME, item->span,
			     item->name ? "'%s' is declared twice" : "this is said twice", item->name)) {
			diag_related(r->context, old->span, "first here");
			if (item->name)
				diag_mend(r->context,
					  "give one of the two another name; only what is inherited may be replaced");
			else
				diag_mend(r->context, "keep one of the two");
		}
		return;
	}
	if (!place)
		place = ARRAY_ADD(r->arena, r->items);
	place->item = item;
	place->from = from;
}

static void add_block(struct resolver *r, const struct ast_format *from)
{
	bool levels = false;

	for (const struct ast_item *item = from->items; item; item = item->next)
		levels |= item->kind == ITEM_LEVEL;
	for (int i = r->items.n - 1; i >= 0; i--) {
		enum ast_item_kind kind = r->items.v[i].item->kind;

		/* words of one format need not be words of another; those of a family are meant for all */
		if ((levels && kind == ITEM_LEVEL) || (kind == ITEM_EXAMPLE && !r->items.v[i].from->is_family))
			remove_at(r, i);
	}
	for (const struct ast_item *item = from->items; item; item = item->next)
		if (item->kind == ITEM_WITHOUT)
			apply_without(r, item);
	for (const struct ast_item *item = from->items; item; item = item->next)
		if (item->kind != ITEM_WITHOUT)
			add_item(r, from, item);
}

const struct ast_format *find_format(const struct ast_file *file, const char *name)
{
	for (const struct ast_format *f = file->formats; f; f = f->next)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* The chain of bases, base first, into r->items. */
bool flatten(struct resolver *r)
{
	ARRAY(const struct ast_format *) chain = {0};
	ARRAY(const char *) near = {0};
	const struct ast_format *f = r->format, *base;

	*ARRAY_ADD(r->arena, chain) = f;
	while (f->base) {
		base = find_format(r->file, f->base);
		if (!base) {
			if (complain(r, CHECK_UNDEFINED_NAME, f->base_span, "no format or family is called '%s'",
				     f->base)) {
				for (const struct ast_format *g = r->file->formats; g; g = g->next)
					if (g != f)
						*ARRAY_ADD(r->arena, near) = g->name;
				suggest(r, f->base, near.v, near.n);
			}
			return false;
		}
		for (int i = 0; i < chain.n; i++) {
			if (chain.v[i] != base)
				continue;
			complain(r, CHECK_INHERITANCE, f->base_span, "'%s' derives from itself", base->name);
			return false;
		}
		*ARRAY_ADD(r->arena, chain) = f = base;
	}
	for (int i = chain.n - 1; i >= 0; i--)
		add_block(r, chain.v[i]);
	return true;
}

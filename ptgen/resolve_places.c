/* SPDX-License-Identifier: MIT */
/* resolve_places.c - the levels of the walk before shapes: names, numbers, arguments, and what their lines may name. */
#include <string.h>

#include "resolve.h"

/* ----------------------------------------------------------------------------------------------------------- places */

static struct place *new_place(struct resolver *r, const struct ast_item *item, int index, const char *name)
{
	struct place *place = ARRAY_ADD(r->arena, r->places);

	place->item = item;
	place->item_index = index;
	place->name = name;
	place->level = REF_NONE;
	if (r->places.n == MAX_LEVELS + 1)
		complain(r, CHECK_GEOMETRY, item->span, "more than %d levels", MAX_LEVELS);
	return place;
}

static void list_range(struct resolver *r, const struct ast_item *item, int index)
{
	struct scope scope = scope_plain();
	int64_t first, last;

	for (const struct ast_range *range = item->set->ranges; range; range = range->next) {
		if (!settle(r, &scope, range->first, "the number of a level", &first))
			continue;
		last = first;
		if (range->last && !settle(r, &scope, range->last, "the number of a level", &last))
			continue;
		for (int64_t n = first; r->places.n <= MAX_LEVELS; n += first < last ? 1 : -1) {
			struct place *place = new_place(r, item, index, arena_printf(r->arena, "L%lld", (long long)n));

			place->vars[0] = place->number = n;
			place->n_vars = 1;
			place->numbered = true;
			if (n == last)
				break;
		}
	}
}

/* All values of the arguments; which of them exist is seen when something leads there. */
static void list_args(struct resolver *r, const struct ast_item *item, int index)
{
	const struct ast_arg *second = item->args->next;
	struct scope scope = scope_plain();
	ARRAY(int64_t) values[2] = {{0}, {0}};
	const struct ast_arg *arg = item->args;
	int64_t first, last;

	if (second && second->next) {
		complain(r, CHECK_GEOMETRY, item->span, "a level takes at most two arguments");
		return;
	}
	for (int i = 0; arg; arg = arg->next, i++) {
		for (const struct ast_range *range = arg->set->ranges; range; range = range->next) {
			if (!settle(r, &scope, range->first, "an argument of a level", &first))
				return;
			last = first;
			if (range->last && !settle(r, &scope, range->last, "an argument of a level", &last))
				return;
			for (int64_t v = first; values[i].n <= MAX_LEVELS; v += first < last ? 1 : -1) {
				*ARRAY_ADD(r->arena, values[i]) = v;
				if (v == last)
					break;
			}
		}
	}
	for (int i = 0; i < values[0].n; i++) {
		for (int j = 0; j < (second ? values[1].n : 1) && r->places.n <= MAX_LEVELS; j++) {
			struct place *place = new_place(r, item, index, NULL);
			long long a = values[0].v[i], b = second ? values[1].v[j] : 0;

			place->vars[0] = a;
			place->vars[1] = b;
			place->n_vars = second ? 2 : 1;
			place->name = second ? arena_printf(r->arena, "%s(%lld,%lld)", item->name, a, b)
					     : arena_printf(r->arena, "%s(%lld)", item->name, a);
		}
	}
}

static void name_places(struct resolver *r)
{
	for (int i = 0; i < r->places.n; i++) {
		struct place *place = &r->places.v[i];
		const struct ast_opt *as = find_opt(place->item->opts, OPT_AS);
		const struct ast_name *name = as ? as->names : NULL;

		for (int j = i - 1; j >= 0 && name && r->places.v[j].item == place->item; j--)
			name = name->next;
		if (as && !name) {
			if (complain(r, CHECK_GEOMETRY, as->span, "there are more levels here than names"))
				diag_mend(r->context,
					  "level %lld has none; 'as' names all levels of a range, from the first on",
					  (long long)place->number);
		} else if (as)
			place->name = name->name;
		if (name && name->next && (i + 1 == r->places.n || r->places.v[i + 1].item != place->item))
			complain(r, CHECK_GEOMETRY, name->next->span, "there are more names here than levels");
	}
}

/* Numbers of levels that have none: places in the walk, or what follows the numbers that there are. */
static void number_places(struct resolver *r)
{
	int64_t next = 0;

	for (int i = 0; i < r->places.n; i++) {
		const struct place *place = &r->places.v[i];

		if (place->number < INT16_MIN || place->number > INT16_MAX) {
			complain(r, CHECK_GEOMETRY, place->item->span,
				 "level %lld is not a number that a level may have", (long long)place->number);
			return;
		}
		if (place->numbered && place->number >= next)
			next = place->number + 1;
	}
	for (int i = 0; i < r->places.n; i++)
		if (!r->places.v[i].numbered)
			r->places.v[i].number = next++;
	for (int i = 0; i < r->places.n; i++) {
		const struct place *place = &r->places.v[i];

		for (int j = 0; j < i; j++)
			if (place->number == r->places.v[j].number &&
			    complain(r, CHECK_DUPLICATE_NAME, place->item->span, "level %lld is declared twice",
				     (long long)place->number))
				diag_related(r->context, r->places.v[j].item->span, "first here");
	}
}

void list_places(struct resolver *r)
{
	int index = 0;

	for (int i = 0; i < r->items.n && r->places.n <= MAX_LEVELS; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct place *place;

		if (item->kind != ITEM_LEVEL)
			continue;
		if (item->numbered) {
			place = new_place(r, item, index, arena_printf(r->arena, "L%lld", (long long)item->number));
			place->number = item->number;
			place->numbered = true;
		} else if (item->set) {
			list_range(r, item, index);
		} else if (item->args) {
			list_args(r, item, index);
		} else {
			new_place(r, item, index, item->name);
		}
		if (item->name2 && input_name(r)[0] && strcmp(item->name2, input_name(r)))
			complain(r, CHECK_UNDEFINED_NAME, item->bits ? item->bits->span : item->span,
				 "a level is indexed by the input address '%s', not by '%s'", input_name(r),
				 item->name2);
		index++;
	}
	if (!r->places.n && !r->failed)
		complain(r, CHECK_FORMAT, r->format->name_span, "format '%s' has no levels", r->format->name);
	name_places(r);
	number_places(r);
}

const struct ast_item *level_item(const struct resolver *r, const char *name)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;

		if (item->kind == ITEM_LEVEL && !item->numbered && !item->set && !strcmp(item->name, name))
			return item;
	}
	return NULL;
}

struct place *place_named(struct resolver *r, const char *name)
{
	const struct ast_item *item = level_item(r, name);

	for (int i = 0; item && !item->args && i < r->places.n; i++)
		if (r->places.v[i].item == item)
			return &r->places.v[i];
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------------- scopes */

void add_variable(struct scope *scope, const char *name, ref value)
{
	if (scope->n_variables == MAX_VARIABLES)
		return;
	scope->variable[scope->n_variables].name = name;
	scope->variable[scope->n_variables++].value = value;
}

static void add_index(struct resolver *r, struct scope *scope, const struct ast_item *item)
{
	ref hi = resolve_expr(r, scope, item->bits->hi);
	ref lo = item->bits->lo ? resolve_expr(r, scope, item->bits->lo) : hi;

	scope->hi = hi;
	scope->lo = lo;
}

struct scope item_scope(struct resolver *r, const struct ast_item *item)
{
	struct scope scope = scope_plain();
	int n = 0;

	if (item->set)
		add_variable(&scope, item->name, symbol(r->scratch, n++));
	for (const struct ast_arg *arg = item->args; arg; arg = arg->next)
		add_variable(&scope, arg->name, symbol(r->scratch, n++));
	add_index(r, &scope, item);
	return scope;
}

struct scope place_scope(struct resolver *r, const struct place *place)
{
	struct scope scope = scope_plain();
	int n = 0;

	if (place->item->set)
		add_variable(&scope, place->item->name, x_const(r->scratch, place->vars[n++]));
	for (const struct ast_arg *arg = place->item->args; arg && n < place->n_vars; arg = arg->next)
		add_variable(&scope, arg->name, x_const(r->scratch, place->vars[n++]));
	add_index(r, &scope, place->item);
	return scope;
}

/* SPDX-License-Identifier: MIT */
/* resolve_examples.c - published words, and what they say about the entries they are. */
#include <string.h>

#include "codec.h"
#include "resolve.h"

static bool at_level(const struct m_level *level, const struct ast_item *item)
{
	if (!item->level) {
		/* numbers belong to levels that are declared by number */
		return level->number == item->number && strcmp(level->name, level->item) != 0 && !level->n_args;
	}
	return !strcmp(level->name, item->level) || !strcmp(level->item, item->level);
}

/* Kinds that the example may mean: of that name, at that level, in any shape. */
static bool kind_meant(const struct resolver *r, const struct ast_item *item, ref kind)
{
	const struct m_kind *k = &r->model->kinds.v[kind];

	return !strcmp(k->name, item->name) && at_level(&r->model->levels.v[k->level], item);
}

static bool kind_has(const struct model *model, ref kind, ref field)
{
	const struct m_kind *k = &model->kinds.v[kind];

	for (int i = 0; i < k->n_slices; i++)
		if (model->slices.v[k->first_slice + i].field == field)
			return true;
	return false;
}

/* Parameters that an example sets; false when it does not speak of this configuration at all. */
static bool example_binds(struct resolver *r, const struct ast_item *item, bool own, struct m_example *example)
{
	uint32_t unsaid = r->set_by_user;
	struct scope scope = scope_plain();
	bool applies = true;

	for (const struct ast_assign *bind = item->binds; bind; bind = bind->next) {
		const struct value *value = find_value(r, bind->name);
		struct m_assign *assign;
		const struct m_param *param;
		int64_t k;

		if (!value || value->kind != VALUE_PARAM) {
			complain(r, CHECK_UNDEFINED_NAME, bind->span, "no parameter is called '%s'", bind->name);
			continue;
		}
		if (!settle(r, &scope, bind->value, "a value in an example", &k))
			continue;
		param = &r->model->params.v[value->index];
		if (param->bound && param->value != k) {
			if (own && find_item(r, ITEM_SET, param->name))
				complain(r, CHECK_EXAMPLE, bind->span, "'%s' is bound to %lld", param->name,
					 (long long)param->value);
			applies = false;
			continue;
		}
		unsaid &= ~((uint32_t)1 << value->index);
		if (param->bound)
			continue;
		assign = ARRAY_ADD(r->arena, r->model->assigns);
		assign->what = SET_FIELD;
		assign->index = value->index;
		assign->value = k;
		assign->span = bind->span;
		example->n_binds++;
	}
	return applies && !unsaid;
}

static bool example_prot(const struct ast_expr *expr, int64_t *value)
{
	unsigned int bits = 0;

	if (expr->op == A_NUM && expr->value == 0) {
		*value = 0;
		return true;
	}
	if (expr->op != A_NAME || !request_letters(expr->name, &bits) || bits > REQ_RIGHTS)
		return false;
	*value = bits;
	return true;
}

static bool example_memory(struct resolver *r, const struct ast_expr *expr, int64_t *value)
{
	*value = expr->op == A_NAME ? memory_type(r, expr->name, expr->span) : -1;
	return *value >= 0;
}

static void example_field(struct resolver *r, const struct ast_item *item, const struct ast_assign *set)
{
	ARRAY(const char *) near = {0};
	ref field = field_find(r, set->name);

	for (int i = 0; i < r->model->kinds.n && field != REF_NONE; i++)
		if (kind_meant(r, item, i) && kind_has(r->model, i, field))
			return;
	for (int i = 0; i < r->model->fields.n; i++)
		*ARRAY_ADD(r->arena, near) = r->model->fields.v[i].name;
	if (complain(r, CHECK_EXAMPLE, set->span, "'%s' has no field '%s'", item->name, set->name))
		suggest(r, set->name, near.v, near.n);
}

static void example_set(struct resolver *r, const struct ast_item *item, const struct ast_assign *set)
{
	struct scope scope = scope_plain();
	struct m_assign assign = {.what = SET_FIELD, .index = REF_NONE, .span = set->span};
	bool ok = true;

	if (!strcmp(set->name, "prot")) {
		assign.what = SET_PROT;
		ok = example_prot(set->value, &assign.value);
		if (!ok && complain(r, CHECK_EXAMPLE, set->value->span, "these are no rights"))
			diag_mend(r->context, "letters of r w x p g, or 0 for none");
	} else if (!strcmp(set->name, "memtype")) {
		assign.what = SET_MEMTYPE;
		ok = example_memory(r, set->value, &assign.value);
		if (!ok && complain(r, CHECK_EXAMPLE, set->value->span, "this is no memory type"))
			diag_mend(r->context, "a memory type is cached, noncached, device, nonshareable or other");
	} else {
		ok = settle(r, &scope, set->value, "a value in an example", &assign.value);
		if (!strcmp(set->name, output_name(r)))
			assign.what = SET_ADDRESS;
		else if (!strcmp(set->name, input_name(r)))
			assign.what = SET_INPUT;
		else if (!strcmp(set->name, "size"))
			assign.what = SET_SIZE;
		else
			example_field(r, item, set);
		if (assign.what == SET_FIELD)
			assign.index = field_named(r, set->name);
	}
	if (ok)
		*ARRAY_ADD(r->arena, r->model->assigns) = assign;
}

/* "PML4 (4), PDPT (3)": as examples may name them. */
/* Names and numbers of the levels; those of a level with arguments by the name that they share. */
static const char *level_names(const struct resolver *r)
{
	const char *text = "", *last = "", *item = "";

	for (int i = 0; i < r->model->levels.n; i++) {
		const struct m_level *level = &r->model->levels.v[i];

		if (level->shape > 0 || !strcmp(level->name, last))
			continue;
		last = level->name;
		if (level->n_args) {
			if (strcmp(level->item, item))
				text = arena_printf(r->arena, "%s%s%s", text, *text ? ", " : "", level->item);
			item = level->item;
			continue;
		}
		text = arena_printf(r->arena, "%s%s%s (%d)", text, *text ? ", " : "", level->name, level->number);
	}
	return text;
}

static void add_example(struct resolver *r, const struct ast_item *item, bool own)
{
	struct m_example example = {
		.word = {item->word[0], item->word[1]},
		.kind = item->name,
		.level = item->level ? item->level : arena_printf(r->arena, "%lld", (long long)item->number),
		.doc = item->doc,
		.first_bind = r->model->assigns.n,
		.span = item->span,
		.kind_span = item->name_span,
	};
	ARRAY(const char *) near = {0};
	bool level = false, kind = false;
	int assigns = r->model->assigns.n;

	if (!example_binds(r, item, own, &example)) {
		r->model->assigns.n = assigns;
		return;
	}
	for (int i = 0; i < r->model->levels.n; i++)
		level |= at_level(&r->model->levels.v[i], item);
	for (int i = 0; i < r->model->kinds.n; i++) {
		kind |= kind_meant(r, item, i);
		if (at_level(&r->model->levels.v[r->model->kinds.v[i].level], item))
			*ARRAY_ADD(r->arena, near) = r->model->kinds.v[i].name;
	}
	if (!level || !kind) {
		/* what --set or set removes, its examples may still speak of */
		if (r->binding && (!own || r->set_by_user)) {
			r->model->assigns.n = assigns;
		} else if (!level) {
			if (complain(r, CHECK_EXAMPLE, item->level_span, "there is no level %s", example.level))
				diag_mend(r->context, "the levels are %s", level_names(r));
		} else if (r->no_kind && !strcmp(r->no_kind, item->name)) {
			r->failed = true; /* the same again */
		} else {
			r->no_kind = item->name;
			if (complain(r, CHECK_EXAMPLE, item->name_span, "level %s has no kind '%s'", example.level,
				     item->name))
				suggest(r, item->name, near.v, near.n);
		}
		return;
	}
	example.first_set = r->model->assigns.n;
	for (const struct ast_assign *set = item->sets; set; set = set->next)
		example_set(r, item, set);
	example.n_sets = r->model->assigns.n - example.first_set;
	*ARRAY_ADD(r->arena, r->model->examples) = example;
}

void resolve_examples(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++)
		if (r->items.v[i].item->kind == ITEM_EXAMPLE)
			add_example(r, r->items.v[i].item, r->items.v[i].from == r->format);
}

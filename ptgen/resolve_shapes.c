/* SPDX-License-Identifier: MIT */
/*
 * resolve_shapes.c - what geometry depends on, and one shape per distinct geometry.
 *
 * Keys are the parameters whose value geometry uses in arithmetic, and the conditions of lines that hold address bits.
 * The values of all parameters that keys mention are enumerated; each distinct tuple of key values is expanded, and
 * tuples that come out alike share a shape.
 */
#include <string.h>

#include "resolve.h"

/* ------------------------------------------------------------------------------------------------------------- keys */

static void add_key(struct resolver *r, ref expr, ref param, const char *name)
{
	struct key *key;

	for (int i = 0; i < r->keys.n; i++)
		if (r->keys.v[i].expr == expr)
			return;
	if (r->keys.n == MAX_KEYS) {
		complain(r, CHECK_GEOMETRY, r->format->name_span, "the geometry of '%s' depends on more than %d things",
			 r->format->name, MAX_KEYS);
		return;
	}
	key = ARRAY_ADD(r->arena, r->keys);
	key->expr = expr;
	key->param = param;
	key->name = name;
}

static void param_keys(struct resolver *r, ref expr)
{
	uint32_t params = params_of(r->scratch->model, expr);

	for (int i = 0; i < r->model->params.n; i++)
		if (params >> i & 1)
			add_key(r, x_leaf(r->scratch, X_PARAM, i, REF_NONE, REF_NONE), i, r->model->params.v[i].name);
}

/* A condition decides about geometry: what counts is whether it holds. */
static void cond_key(struct resolver *r, ref cond, const char *name)
{
	struct m_expr e;
	int64_t k;

	if (cond == REF_NONE || x_is_const(r->scratch, cond, &k))
		return;
	e = r->scratch->model->exprs.v[cond];
	if (e.op == X_NOT) {
		cond_key(r, e.a, name);
		return;
	}
	if (e.op == X_PARAM || has_symbol(r->scratch->model, cond)) {
		param_keys(r, cond);
		return;
	}
	/* a != b and its like are the negation of what the other side of the format says */
	if (e.op == X_NE || e.op == X_GE || e.op == X_LE)
		cond = x_unary(r->scratch, X_NOT, cond);
	add_key(r, cond, REF_NONE, name ? name : arena_printf(r->arena, "c%d", r->keys.n));
}

/* Arithmetic: the parameters in it are keys, and the conditions of its choices. */
static void value_keys(struct resolver *r, ref expr)
{
	struct m_expr e;

	if (expr == REF_NONE)
		return;
	e = r->scratch->model->exprs.v[expr];
	switch ((enum m_op)e.op) {
	case X_PARAM: param_keys(r, expr); break;
	case X_CONST:
	case X_FIELD:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: break;
	case X_COND:
		cond_key(r, e.a, NULL);
		value_keys(r, e.b);
		value_keys(r, e.c);
		break;
	case X_NOT:
	case X_OR:
	case X_AND:
	case X_EQ:
	case X_NE:
	case X_LT:
	case X_GT:
	case X_LE:
	case X_GE: cond_key(r, expr, NULL); break;
	default:
		value_keys(r, e.a);
		value_keys(r, e.b);
		break;
	}
}

static void expr_keys(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	if (expr)
		value_keys(r, resolve_expr(r, scope, expr));
}

static void bits_keys(struct resolver *r, struct scope *scope, const struct ast_bits *bits)
{
	if (!bits)
		return;
	expr_keys(r, scope, bits->hi);
	expr_keys(r, scope, bits->lo);
}

/* The name of a condition that is nothing but a name, or not that name. */
static const char *cond_name(const struct ast_expr *expr)
{
	while (expr->op == A_NOT)
		expr = expr->a;
	return expr->op == A_NAME ? expr->name : NULL;
}

/* next leaf(Size == 0 ? 12 : tg): fields choose at run time, parameters settle the geometry */
static void target_keys(struct resolver *r, struct scope *scope, const struct ast_expr *target)
{
	if (target->op == A_NAME && level_item(r, target->name))
		return;
	if (target->op != A_CALL || !level_item(r, target->name)) {
		param_keys(r, resolve_expr(r, scope, target));
		return;
	}
	for (const struct ast_expr *arg = target->args; arg; arg = arg->next)
		param_keys(r, resolve_expr(r, scope, arg));
}

static void entry_keys(struct resolver *r, struct scope scope, const struct entry *entry)
{
	const struct ast_opt *row = find_opt(entry->item->opts, OPT_FOR);
	struct scope fields;

	if (row) {
		for (const struct ast_range *range = row->set->ranges; range; range = range->next) {
			expr_keys(r, &scope, range->first);
			expr_keys(r, &scope, range->last);
		}
		if (scope.n_variables < MAX_VARIABLES) {
			scope.variable[scope.n_variables].name = row->name;
			scope.variable[scope.n_variables++].value = symbol(r->scratch, MAX_VARIABLES);
		}
	}
	for (int i = 0; i < entry->lines.n; i++) {
		const struct ast_line *line = entry->lines.v[i];

		for (const struct ast_opt *opt = line->opts; is_address_line(r, line) && opt; opt = opt->next)
			if (opt->kind == OPT_IF)
				cond_key(r, resolve_expr(r, &scope, opt->a), cond_name(opt->a));
	}
	for (int i = 0; i < entry->lines.n; i++) {
		bits_keys(r, &scope, entry->lines.v[i]->bits);
		bits_keys(r, &scope, entry->lines.v[i]->slice);
	}
	fields = scope;
	fields.entry = entry;
	for (const struct ast_opt *opt = entry->item->opts; opt; opt = opt->next) {
		if (opt->kind == OPT_REPEAT || opt->kind == OPT_CONTIG)
			expr_keys(r, &scope, opt->a);
		else if (opt->kind == OPT_NEXT)
			target_keys(r, &fields, opt->a);
	}
}

static void kind_keys(struct resolver *r, const struct ast_item *item, struct scope *scope)
{
	ARRAY(const char *) near = {0};

	for (const struct ast_kind *kind = item->kinds; kind; kind = kind->next) {
		struct entry *entry = find_entry(r, kind->name);

		if (entry) {
			entry->listed = true;
			entry_keys(r, *scope, entry);
			continue;
		}
		for (int i = 0; i < r->entries.n; i++)
			*ARRAY_ADD(r->arena, near) = r->entries.v[i].item->name;
		r->unknown_kind = true;
		if (complain(r, CHECK_UNDEFINED_NAME, kind->span, "no entry is called '%s'", kind->name))
			suggest(r, kind->name, near.v, near.n);
	}
}

static void collect_keys(struct resolver *r)
{
	struct key *kept;

	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct scope scope;

		if (item->kind != ITEM_LEVEL)
			continue;
		scope = item_scope(r, item);
		value_keys(r, scope.hi);
		value_keys(r, scope.lo);
		for (const struct ast_opt *opt = item->opts; opt; opt = opt->next) {
			expr_keys(r, &scope, opt->a);
			expr_keys(r, &scope, opt->b);
		}
		kind_keys(r, item, &scope);
	}
	/* conditions over parameters that are keys themselves say nothing more */
	kept = r->keys.v;
	for (int i = 0; i < r->keys.n; i++) {
		uint32_t params = params_of(r->scratch->model, r->keys.v[i].expr);

		for (int j = 0; j < r->keys.n; j++)
			if (r->keys.v[j].param != REF_NONE && r->keys.v[i].param == REF_NONE)
				params &= ~((uint32_t)1 << r->keys.v[j].param);
		if (params || r->keys.v[i].param != REF_NONE)
			*kept++ = r->keys.v[i];
	}
	r->keys.n = (int)(kept - r->keys.v);
}

/* ----------------------------------------------------------------------------------------------------------- tuples */

static uint32_t key_params(const struct resolver *r)
{
	uint32_t params = 0;

	for (int i = 0; i < r->keys.n; i++)
		params |= params_of(r->scratch->model, r->keys.v[i].expr);
	return params;
}

/* The relations that these parameters decide. */
static int decided(const struct resolver *r, uint32_t params, ref **relations)
{
	int n = 0;

	*relations = arena_alloc(r->arena, sizeof(**relations) * (size_t)(r->requires.n + 1));
	for (int i = 0; i < r->requires.n; i++)
		if (!(params_of(r->scratch->model, r->requires.v[i]) & ~params))
	(*relations)[n++] = r->requires.v[i];
	return n;
}

static bool feasible(const struct resolver *r, const ref *relations, int n, const struct m_env *env)
{
	for (int i = 0; i < n; i++)
		if (!model_eval(r->scratch->model, relations[i], env))
			return false;
	return true;
}

static void key_values(const struct resolver *r, const struct m_env *env, int64_t *value)
{
	for (int i = 0; i < r->keys.n; i++)
		value[i] = model_eval(r->scratch->model, r->keys.v[i].expr, env);
}

static void list_tuples(struct resolver *r)
{
	uint32_t params = key_params(r);
	struct combos combos;
	struct m_env env = {.param = combos.value, .kind = REF_NONE};
	struct tuple tuple = {.shape = REF_NONE};
	const char *names = "";
	ref *relations;
	int n = decided(r, params, &relations);

	if (combos_start(&combos, r->model, params) > MAX_COMBINATIONS) {
		for (int i = 0; i < combos.n; i++)
			names = arena_printf(r->arena, "%s%s%s (%llu values)", names, i ? ", " : "",
					     r->model->params.v[combos.param[i]].name,
					     (unsigned long long)combos.count[i]);
		if (complain(r, CHECK_GEOMETRY, r->format->name_span,
			     "the geometry of '%s' depends on %s: more than %d combinations", r->format->name, names,
			     MAX_COMBINATIONS))
			diag_mend(r->context, "give the parameters smaller sets, or bind some with set");
		return;
	}
	do {
		int at = 0;

		if (!feasible(r, relations, n, &env))
			continue;
		key_values(r, &env, tuple.value);
		while (at < r->tuples.n && memcmp(r->tuples.v[at].value, tuple.value, sizeof(tuple.value)))
			at++;
		if (at == r->tuples.n)
			*ARRAY_ADD(r->arena, r->tuples) = tuple;
	} while (combos_next(&combos));
	if (!r->tuples.n)
		complain(r, CHECK_REQUIRE, r->format->name_span,
			 "no setting of its parameters satisfies what '%s' requires", r->format->name);
	for (int i = 0; i < r->keys.n; i++)
		for (int j = 1; j < r->tuples.n; j++)
			r->keys.v[i].varies |= r->tuples.v[j].value[i] != r->tuples.v[0].value[i];
}

static const char *lower(struct resolver *r, const char *name)
{
	char *text = arena_strndup(r->arena, name, strlen(name));

	for (char *c = text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return text;
}

static const char *tuple_name(struct resolver *r, const struct tuple *tuple)
{
	const char *name = "";

	for (int i = 0; i < r->keys.n; i++) {
		const struct key *key = &r->keys.v[i];
		bool number = key->param != REF_NONE && !r->model->params.v[key->param].feature;
		const char *between = name[0] ? "_" : "", *text = lower(r, key->name);
		char last = text[0] ? text[strlen(text) - 1] : '\0';
		bool digit = last >= '0' && last <= '9';

		if (!key->varies || (!number && !tuple->value[i]))
			continue;
		if (!number)
			name = arena_printf(r->arena, "%s%s%s", name, between, text);
		else
			name = arena_printf(r->arena, "%s%s%s%s%s%llu", name, between, text, digit ? "_" : "",
					    tuple->value[i] < 0 ? "m" : "",
					    tuple->value[i] < 0 ? 0 - (unsigned long long)tuple->value[i]
								: (unsigned long long)tuple->value[i]);
	}
	return name[0] || r->tuples.n == 1 ? name : "plain";
}

/* Does another tuple agree on every key that is still in use? */
static bool ambiguous(const struct resolver *r, int tuple, const bool *used)
{
	for (int i = 0; i < r->tuples.n; i++) {
		bool agrees = i != tuple;

		for (int k = 0; k < r->keys.n && agrees; k++)
			agrees = !used[k] || r->tuples.v[i].value[k] == r->tuples.v[tuple].value[k];
		if (agrees)
			return true;
	}
	return false;
}

/* The condition that selects a tuple among those that can be: as few terms as tell it from the others. */
static ref tuple_when(struct resolver *r, int tuple)
{
	ref when = x_const(r->scratch, 1), term, said[MAX_KEYS];
	int64_t says[MAX_KEYS];
	bool used[MAX_KEYS] = {false};
	int n = 0;

	for (int i = 0; i < r->keys.n; i++)
		used[i] = r->keys.v[i].varies;
	for (int i = r->keys.n - 1; i >= 0; i--) {
		if (!used[i])
			continue;
		used[i] = false;
		used[i] = ambiguous(r, tuple, used);
	}
	for (int i = 0; i < r->keys.n; i++) {
		if (!used[i] || r->keys.v[i].param == REF_NONE)
			continue;
		said[n] = r->keys.v[i].param;
		says[n++] = r->tuples.v[tuple].value[i];
	}
	for (int i = 0; i < r->keys.n; i++) {
		const struct key *key = &r->keys.v[i];
		int64_t value = r->tuples.v[tuple].value[i];

		if (!used[i])
			continue;
		if (key->param == REF_NONE) /* what the other terms say need not be repeated in it */
			term = x_subst(r->scratch, value ? key->expr : x_unary(r->scratch, X_NOT, key->expr), X_PARAM,
				       said, says, n);
		else
			term = x_binary(r->scratch, X_EQ, key->expr, x_const(r->scratch, value));
		when = x_binary(r->scratch, X_AND, when, term);
	}
	return when;
}

/* ----------------------------------------------------------------------------------------------------- start levels */

static void reach(struct resolver *r, const struct combos *combos, int64_t number)
{
	const char *text = "";

	for (int i = 0; i < r->places.n; i++) {
		if (r->places.v[i].number != number)
			continue;
		r->places.v[i].reached = true;
		return;
	}
	for (int i = 0; i < combos->n; i++)
		text = arena_printf(r->arena, "%s%s%s = %lld", text, i ? ", " : "",
				    r->model->params.v[combos->param[i]].name,
				    (long long)combos->value[combos->param[i]]);
	if (complain(r, CHECK_NEXT_LEVEL, r->model->root.span,
		     "%s%s%sthe walk would start at a level that there is not", text[0] ? "with " : "", text,
		     text[0] ? " " : ""))
		diag_mend(r->context, "exclude these values with require, or declare the level");
}

/* Which levels may a walk start at, in the shape at hand? */
static void reach_starts(struct resolver *r)
{
	const struct model *scratch = r->scratch->model;
	uint32_t start = params_of(scratch, r->start), params = start | key_params(r), related = params;
	struct combos combos;
	struct m_env env = {.param = combos.value, .kind = REF_NONE};
	int64_t value[MAX_KEYS], number;
	ref *relations;
	int n;

	for (int i = 0; i < r->requires.n; i++)
		if (params_of(scratch, r->requires.v[i]) & start)
			related |= params_of(scratch, r->requires.v[i]);
	if (combos_start(&combos, r->model, related) <= MAX_START_COMBINATIONS) {
		params = related;
	} else if (combos_start(&combos, r->model, params) > MAX_START_COMBINATIONS) {
		for (int i = 0; i < r->places.n; i++)
			r->places.v[i].reached = r->places.v[i].numbered;
		return;
	}
	n = decided(r, params, &relations);
	do {
		if (!feasible(r, relations, n, &env))
			continue;
		key_values(r, &env, value);
		if (r->keys.n && memcmp(value, r->tuple->value, (size_t)r->keys.n * sizeof(value[0])))
			continue;
		number = model_eval(scratch, r->start, &env);
		reach(r, &combos, number);
	} while (combos_next(&combos));
}

/* ----------------------------------------------------------------------------------------------------------- shapes */

static bool same_slice(const struct m_slice *a, const struct m_slice *b)
{
	return a->hi == b->hi && a->lo == b->lo && a->to == b->to && a->role == b->role && a->flags == b->flags &&
	       a->allows == b->allows && a->denies == b->denies && a->field == b->field && a->cond == b->cond &&
	       a->value == b->value && a->in == b->in && a->dflt == b->dflt && a->by == b->by && a->marks == b->marks &&
	       a->or_field == b->or_field && a->via == b->via && a->span.offset == b->span.offset &&
	       a->span.file == b->span.file;
}

static bool same_kind(const struct model *m, const struct m_kind *a, const struct m_kind *b, int level_shift)
{
	if (strcmp(a->name, b->name) || a->group != b->group || a->group_lg2 != b->group_lg2 || a->lg2 != b->lg2 ||
	    a->row != b->row || a->row_k != b->row_k || a->present != b->present || a->when != b->when ||
	    a->n_slices != b->n_slices || a->n_next != b->n_next)
		return false;
	for (int i = 0; i < a->n_slices; i++)
		if (!same_slice(&m->slices.v[a->first_slice + i], &m->slices.v[b->first_slice + i]))
			return false;
	for (int i = 0; i < a->n_next; i++) {
		const struct m_next *x = &m->nexts.v[a->first_next + i], *y = &m->nexts.v[b->first_next + i];

		if (x->via != y->via || x->cond != y->cond || x->level + level_shift != y->level)
			return false;
	}
	return true;
}

static bool same_shape(const struct model *m, const struct m_shape *a, const struct m_shape *b)
{
	if (a->n_levels != b->n_levels)
		return false;
	for (int i = 0; i < a->n_levels; i++) {
		const struct m_level *x = &m->levels.v[a->first_level + i], *y = &m->levels.v[b->first_level + i];

		if (x->number != y->number || x->hi != y->hi || x->lo != y->lo || x->entry_bytes != y->entry_bytes ||
		    x->every_lg2 != y->every_lg2 || x->table_bytes != y->table_bytes || x->align != y->align ||
		    x->first_index != y->first_index || x->last_index != y->last_index || x->n_kinds != y->n_kinds)
			return false;
		for (int k = 0; k < x->n_kinds; k++)
			if (!same_kind(m, &m->kinds.v[x->first_kind + k], &m->kinds.v[y->first_kind + k],
				       b->first_level - a->first_level))
				return false;
	}
	return true;
}

/* Expand a tuple, as the last shape of the model; dropped again when an earlier one is the same. */
static void expand_tuple(struct resolver *r, int at)
{
	struct model *m = r->model;
	int levels = m->levels.n, kinds = m->kinds.n, slices = m->slices.n, nexts = m->nexts.n;
	struct m_shape *shape = ARRAY_ADD(r->arena, m->shapes);

	shape->name = tuple_name(r, &r->tuples.v[at]);
	r->tuple = &r->tuples.v[at];
	for (int i = 0; i < r->places.n; i++)
		r->places.v[i].reached = false;
	reach_starts(r);
	if (!r->failed)
		expand_shape(r, m->shapes.n - 1);
	r->tuple = NULL;
	r->tuples.v[at].shape = m->shapes.n - 1;
	for (int i = 0; i + 1 < m->shapes.n; i++) {
		if (!same_shape(m, &m->shapes.v[i], &m->shapes.v[m->shapes.n - 1]))
			continue;
		m->levels.n = levels;
		m->kinds.n = kinds;
		m->slices.n = slices;
		m->nexts.n = nexts;
		m->shapes.n--;
		r->tuples.v[at].shape = i;
		return;
	}
}

static void check_reached(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;

		if (item->kind != ITEM_LEVEL || item->args || r->binding || r->items.v[i].from != r->format)
			continue;
		for (int j = 0; j < r->places.n; j++)
			if (r->places.v[j].item == item && !r->places.v[j].ever_reached &&
			    remark(r, CHECK_UNREACHED_LEVEL, item->span, "level %s is never reached",
				   r->places.v[j].name))
				diag_mend(r->context, "neither the root nor any entry leads there; it is left out");
	}
}

void resolve_shapes(struct resolver *r)
{
	struct model *m = r->model;
	ref when;

	collect_keys(r);
	if (r->failed)
		return;
	list_tuples(r);
	if (r->tuples.n > MAX_SHAPES)
		complain(r, CHECK_GEOMETRY, r->format->name_span, "'%s' has more than %d geometries", r->format->name,
			 MAX_SHAPES);
	for (int i = 0; i < r->tuples.n && !r->failed; i++)
		expand_tuple(r, i);
	if (r->failed)
		return;
	for (int s = 0; s < m->shapes.n; s++) {
		when = x_const(r->scratch, 0);
		for (int i = 0; i < r->tuples.n; i++)
			if (r->tuples.v[i].shape == s)
				when = x_binary(r->scratch, X_OR, when, tuple_when(r, i));
		if (m->shapes.n == 1) {
			m->shapes.v[s].when = REF_NONE;
			m->shapes.v[s].name = "";
		} else {
			m->shapes.v[s].when = commit(r, when);
		}
	}
	check_reached(r);
}

/* SPDX-License-Identifier: MIT */
/* resolve_expr.c - expressions of the tree into the scratch pool (names, lets), and from there into the model. */
#include <string.h>

#include "codec.h"
#include "resolve.h"

struct scope scope_plain(void)
{
	struct scope scope = {.lo = REF_NONE, .hi = REF_NONE};

	return scope;
}

static ref zero(struct resolver *r)
{
	return x_const(r->scratch, 0);
}

static ref undefined(struct resolver *r, const struct scope *scope, const struct ast_expr *expr)
{
	ARRAY(const char *) near = {0};

	if (!strcmp(expr->name, "lo") || !strcmp(expr->name, "hi")) {
		if (complain(r, CHECK_UNDEFINED_NAME, expr->span, "'%s' has no meaning here", expr->name))
			diag_mend(r->context,
				  "lo and hi are the bits of a level's index: they are known in its lines and kinds");
		return zero(r);
	}
	for (int i = 0; i < r->values.n; i++)
		*ARRAY_ADD(r->arena, near) = r->values.v[i].name;
	for (int i = 0; i < scope->n_variables; i++)
		*ARRAY_ADD(r->arena, near) = scope->variable[i].name;
	for (int i = 0; scope->entry && i < scope->entry->lines.n; i++)
		if (scope->entry->lines.v[i]->name)
			*ARRAY_ADD(r->arena, near) = scope->entry->lines.v[i]->name;
	if (complain(r, CHECK_UNDEFINED_NAME, expr->span, "nothing is called '%s'", expr->name) &&
	    !suggest(r, expr->name, near.v, near.n))
		diag_mend(r->context, "expressions may name parameters, features, lets and the level's variable");
	return zero(r);
}

/* Is it a field that some line of the entry at hand declares? */
static bool names_field(const struct resolver *r, const struct entry *entry, const char *name)
{
	for (int i = 0; entry && i < entry->lines.n; i++) {
		const struct ast_line *line = entry->lines.v[i];

		if (line->name && !strcmp(line->name, name) && !is_address_line(r, line))
			return true;
	}
	return false;
}

static int right_letter(const char *name)
{
	static const char letters[] = "rwxpg";
	const char *at = name[0] && !name[1] ? strchr(letters, name[0]) : NULL;

	return at ? 1 << (at - letters) : 0;
}

static ref expand_let(struct resolver *r, struct scope *scope, struct value *value, const struct ast_expr *expr)
{
	ref result;

	if (value->busy) {
		if (complain(r, CHECK_EXPRESSION, expr->span, "'%s' is defined by itself", value->name))
			diag_related(r->context, value->item->name_span, "'%s' is declared here", value->name);
		return zero(r);
	}
	value->busy = true;
	result = resolve_expr(r, scope, value->item->expr);
	value->busy = false;
	value->differs = value->differs || (value->expr != REF_NONE && value->expr != result);
	value->expr = result;
	return result;
}

static ref resolve_name(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	const char *name = expr->name;
	struct value *value;
	struct m_param *param;

	if (names_field(r, scope->entry, name))
		return x_leaf(r->scratch, X_FIELD, field_named(r, name), REF_NONE, REF_NONE);
	for (int i = scope->n_variables - 1; i >= 0; i--)
		if (!strcmp(scope->variable[i].name, name))
			return scope->variable[i].value;
	if (scope->lo != REF_NONE && !strcmp(name, "lo"))
		return scope->lo;
	if (scope->hi != REF_NONE && !strcmp(name, "hi"))
		return scope->hi;
	if (scope->rights && right_letter(name))
		return x_leaf(r->scratch, X_RIGHT, right_letter(name), REF_NONE, REF_NONE);
	if (scope->size && !strcmp(name, "size")) {
		scope->size_used = true;
		return zero(r);
	}
	value = find_value(r, name);
	if (!value)
		return undefined(r, scope, expr);
	switch (value->kind) {
	case VALUE_LET: return expand_let(r, scope, value, expr);
	case VALUE_PARAM:
		param = &r->model->params.v[value->index];
		if (param->bound)
			return x_const(r->scratch, param->value);
		return x_leaf(r->scratch, X_PARAM, value->index, REF_NONE, REF_NONE);
	case VALUE_ADDRESS: break;
	}
	if (complain(r, CHECK_EXPRESSION, expr->span, "'%s' is an address that only the run time knows", name))
		diag_mend(r->context, "compare or store a slice of it, as in %s[35:12]", name);
	return zero(r);
}

/* The two numbers of a bit range that stands in an expression. */
static bool constant_bits(struct resolver *r, struct scope *scope, const struct ast_expr *expr, int64_t *hi,
			  int64_t *lo)
{
	if (!settle(r, scope, expr->a, "a bit number", hi))
		return false;
	*lo = *hi;
	if (expr->b && !settle(r, scope, expr->b, "a bit number", lo))
		return false;
	if (*hi >= *lo && *lo >= 0 && *hi - *lo < 64 && *hi < 256)
		return true;
	complain(r, CHECK_BIT_RANGE, expr->span, "[%lld:%lld] is no range of at most 64 bits, high bit first",
		 (long long)*hi, (long long)*lo);
	return false;
}

static ref resolve_slice(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	struct ast_expr name = {.span = expr->span, .op = A_NAME, .name = expr->name};
	const struct value *value = find_value(r, expr->name);
	int64_t hi, lo;
	ref whole;

	if (!constant_bits(r, scope, expr, &hi, &lo))
		return zero(r);
	if (value && value->kind == VALUE_ADDRESS && !names_field(r, scope->entry, expr->name))
		return x_leaf(r->scratch, X_ADDRESS, value->index, (ref)hi, (ref)lo);
	whole = x_binary(r->scratch, X_SHR, resolve_name(r, scope, &name), x_const(r->scratch, lo));
	if (hi - lo >= 62)
		return whole;
	return x_binary(r->scratch, X_MOD, whole, x_const(r->scratch, (int64_t)1 << (hi - lo + 1)));
}

ref resolve_in(struct resolver *r, struct scope *scope, ref value, const struct ast_set *set)
{
	ref result = x_const(r->scratch, 0), one, last;

	for (const struct ast_range *range = set->ranges; range; range = range->next) {
		one = resolve_expr(r, scope, range->first);
		last = range->last ? resolve_expr(r, scope, range->last) : one;
		if (last != one) {
			one = x_binary(r->scratch, X_AND, x_binary(r->scratch, X_GE, value, one),
				       x_binary(r->scratch, X_LE, value, last));
		} else {
			one = x_binary(r->scratch, X_EQ, value, one);
		}
		result = x_binary(r->scratch, X_OR, result, one);
	}
	return result;
}

static ref resolve_call(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	static const char *const names[] = {"min", "max", "pos"};
	struct pool *pool = r->scratch;
	const struct ast_expr *arg = expr->args;
	int64_t place = 0;
	ref result, value;

	if (strcmp(expr->name, "min") && strcmp(expr->name, "max") && strcmp(expr->name, "pos")) {
		if (complain(r, CHECK_UNDEFINED_NAME, expr->span, "there is no function '%s'", expr->name)) {
			suggest(r, expr->name, names, 3);
			diag_mend(r->context,
				  "the functions are min(a, b, ...), max(a, b, ...) and pos(value, a, b, ...)");
		}
		return zero(r);
	}
	if (!arg || !arg->next) {
		complain(r, CHECK_EXPRESSION, expr->span, "%s needs at least two arguments", expr->name);
		return zero(r);
	}
	result = resolve_expr(r, scope, arg);
	if (expr->name[0] != 'p') {
		for (arg = arg->next; arg; arg = arg->next) {
			value = resolve_expr(r, scope, arg);
			result = x_cond(pool, x_binary(pool, expr->name[1] == 'i' ? X_LE : X_GE, result, value), result,
					value);
		}
		return result;
	}
	/* pos: built from its end, so that the first place is asked for first */
	value = result;
	result = x_const(pool, 0);
	for (arg = arg->next; arg; arg = arg->next)
		place++;
	while (place-- > 0) {
		arg = expr->args->next;
		for (int64_t i = 0; i < place; i++)
			arg = arg->next;
		result = x_cond(pool, x_binary(pool, X_EQ, value, resolve_expr(r, scope, arg)), x_const(pool, place),
				result);
	}
	return result;
}

static ref resolve_node(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	static const uint8_t ops[] = {
		[A_OR] = X_OR,	 [A_AND] = X_AND, [A_EQ] = X_EQ,   [A_NE] = X_NE,   [A_LT] = X_LT,
		[A_GT] = X_GT,	 [A_LE] = X_LE,	  [A_GE] = X_GE,   [A_SHL] = X_SHL, [A_SHR] = X_SHR,
		[A_ADD] = X_ADD, [A_SUB] = X_SUB, [A_MUL] = X_MUL, [A_DIV] = X_DIV, [A_MOD] = X_MOD,
	};
	int64_t hi, lo, known;
	ref a, b;

	switch (expr->op) {
	case A_NUM: return x_const(r->scratch, (int64_t)expr->value);
	case A_NAME: return resolve_name(r, scope, expr);
	case A_NAME_BITS: return resolve_slice(r, scope, expr);
	case A_CALL: return resolve_call(r, scope, expr);
	case A_BITS:
		if (!scope->entry) {
			complain(r, CHECK_EXPRESSION, expr->span, "there is no word here whose bits this could be");
			return zero(r);
		}
		if (!constant_bits(r, scope, expr, &hi, &lo))
			return zero(r);
		return x_leaf(r->scratch, X_BITS, (ref)hi, (ref)lo, REF_NONE);
	case A_COND:
		a = resolve_expr(r, scope, expr->a);
		if (x_is_const(r->scratch, a, &known)) /* the other side may divide by zero */
			return resolve_expr(r, scope, known ? expr->b : expr->c);
		b = resolve_expr(r, scope, expr->b);
		return x_cond(r->scratch, a, b, resolve_expr(r, scope, expr->c));
	case A_IN: return resolve_in(r, scope, resolve_expr(r, scope, expr->a), expr->set);
	case A_NOT: return x_unary(r->scratch, X_NOT, resolve_expr(r, scope, expr->a));
	case A_NEG: return x_unary(r->scratch, X_NEG, resolve_expr(r, scope, expr->a));
	default: break;
	}
	a = resolve_expr(r, scope, expr->a);
	b = resolve_expr(r, scope, expr->b);
	if ((expr->op == A_DIV || expr->op == A_MOD) && x_is_const(r->scratch, b, &known) && known == 0) {
		complain(r, CHECK_EXPRESSION, expr->span, "division by zero");
		return zero(r);
	}
	return x_binary(r->scratch, (enum m_op)ops[expr->op], a, b);
}

ref resolve_expr(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	ref result;

	if (!expr)
		return zero(r);
	if (r->depth >= MAX_DEPTH) {
		complain(r, CHECK_EXPRESSION, expr->span, "expression nested too deep (more than %d, lets included)",
			 MAX_DEPTH);
		return zero(r);
	}
	/* lets that use lets twice grow exponentially: stop long before that takes time, and say so once */
	if (r->depth == 0)
		r->steps = 0;
	if (r->steps > MAX_STEPS)
		return zero(r);
	if (++r->steps > MAX_STEPS) {
		complain(r, CHECK_EXPRESSION, expr->span, "expression too large when its lets are put in");
		return zero(r);
	}
	r->depth++;
	result = resolve_node(r, scope, expr);
	r->depth--;
	if (r->scratch->weight.v[result] <= MAX_WEIGHT)
		return result;
	complain(r, CHECK_EXPRESSION, expr->span, "expression too large when its lets are put in (more than %d terms)",
		 MAX_WEIGHT);
	r->steps = MAX_STEPS + 1;
	return zero(r);
}

/* --------------------------------------------------------------------------------------------------- into the model */

/* What the shape at hand says an expression is: the value of a key, or the opposite of a condition. */
static bool settled(struct resolver *r, ref expr, int64_t *k)
{
	unsigned int op = r->scratch->model->exprs.v[expr].op;
	ref opposite = op >= X_EQ && op <= X_GE ? x_unary(r->scratch, X_NOT, expr) : REF_NONE;

	for (int i = 0; i < r->keys.n; i++) {
		if (r->keys.v[i].expr != expr && r->keys.v[i].expr != opposite)
			continue;
		*k = r->keys.v[i].expr == expr ? r->tuple->value[i] : !r->tuple->value[i];
		return true;
	}
	return false;
}

ref commit(struct resolver *r, ref expr)
{
	struct m_expr e;
	int64_t k;
	ref a, b;

	if (expr == REF_NONE)
		return REF_NONE;
	if (r->tuple && settled(r, expr, &k))
		return x_const(r->pool, k);
	e = r->scratch->model->exprs.v[expr];
	switch ((enum m_op)e.op) {
	case X_CONST: return x_const(r->pool, e.k);
	case X_PARAM:
	case X_FIELD:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return x_leaf(r->pool, (enum m_op)e.op, e.a, e.b, e.c);
	case X_NOT:
	case X_NEG: return x_unary(r->pool, (enum m_op)e.op, commit(r, e.a));
	case X_COND:
		a = commit(r, e.a);
		b = commit(r, e.b);
		return x_cond(r->pool, a, b, commit(r, e.c));
	default: a = commit(r, e.a); return x_binary(r->pool, (enum m_op)e.op, a, commit(r, e.b));
	}
}

ref commit_expr(struct resolver *r, struct scope *scope, const struct ast_expr *expr)
{
	return commit(r, resolve_expr(r, scope, expr));
}

ref commit_cond(struct resolver *r, ref expr, bool *never)
{
	ref cond = commit(r, expr);
	struct combos combos;
	struct m_env env = {.param = combos.value, .kind = REF_NONE};
	bool yes = false, no = false;
	int64_t k;

	*never = false;
	if (cond == REF_NONE)
		return REF_NONE;
	if (x_is_const(r->pool, cond, &k)) {
		*never = !k;
		return REF_NONE;
	}
	if (model_mentions(r->model, cond, X_FIELD, REF_NONE) || model_mentions(r->model, cond, X_BITS, REF_NONE) ||
	    model_mentions(r->model, cond, X_RIGHT, REF_NONE) || model_mentions(r->model, cond, X_ADDRESS, REF_NONE))
		return cond;
	if (combos_start(&combos, r->model, params_of(r->model, cond)) > MAX_COMBINATIONS)
		return cond;
	do {
		if (model_eval(r->model, cond, &env))
			yes = true;
		else
			no = true;
	} while ((!yes || !no) && combos_next(&combos));
	*never = !yes;
	return yes && no ? cond : REF_NONE;
}

bool settle(struct resolver *r, struct scope *scope, const struct ast_expr *expr, const char *what, int64_t *k)
{
	ref value = commit_expr(r, scope, expr);
	uint32_t params = params_of(r->model, value);

	if (x_is_const(r->pool, value, k))
		return true;
	*k = 0;
	if (!complain(r, CHECK_NOT_CONSTANT, expr->span, "%s must be known when the format is compiled", what))
		return false;
	for (int i = 0; i < r->model->params.n && i < MAX_PARAMS; i++)
		if (params >> i & 1)
			diag_mend(r->context, "it depends on parameter '%s'; bind that with set",
				  r->model->params.v[i].name);
	return false;
}

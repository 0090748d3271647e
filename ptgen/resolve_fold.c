/* SPDX-License-Identifier: MIT */
/* resolve_fold.c - pools of expressions: interning, folding, substitution, and enumeration of parameters. */
#include <string.h>

#include "resolve.h"

struct pool *pool_new(struct arena *arena, struct model *model, const struct model *params)
{
	struct pool *pool = arena_alloc(arena, sizeof(*pool));

	pool->arena = arena;
	pool->model = model;
	pool->params = params;
	return pool;
}

static uint32_t hash_of(const struct m_expr *e)
{
	uint64_t h = e->op;

	h = h * 0x9e3779b97f4a7c15U + (uint32_t)e->a;
	h = h * 0x9e3779b97f4a7c15U + (uint32_t)e->b;
	h = h * 0x9e3779b97f4a7c15U + (uint32_t)e->c;
	h = (h + (uint64_t)e->k) * 0x9e3779b97f4a7c15U; /* most expressions differ in their constant alone */
	return (uint32_t)(h >> 32);
}

static bool same(const struct m_expr *x, const struct m_expr *y)
{
	return x->op == y->op && x->a == y->a && x->b == y->b && x->c == y->c && x->k == y->k;
}

static void rehash(struct pool *pool)
{
	pool->room = pool->room ? pool->room * 2 : 1024;
	pool->hash = arena_alloc(pool->arena, pool->room * sizeof(*pool->hash));
	for (int i = 0; i < pool->model->exprs.n; i++) {
		uint32_t at = hash_of(&pool->model->exprs.v[i]) & (pool->room - 1);

		while (pool->hash[at])
			at = (at + 1) & (pool->room - 1);
		pool->hash[at] = i + 1;
	}
}

static ref intern(struct pool *pool, const struct m_expr *e, uint32_t weight)
{
	uint32_t at;

	if ((uint32_t)pool->model->exprs.n * 2 >= pool->room)
		rehash(pool);
	for (at = hash_of(e) & (pool->room - 1); pool->hash[at]; at = (at + 1) & (pool->room - 1))
		if (same(e, &pool->model->exprs.v[pool->hash[at] - 1]))
			return pool->hash[at] - 1;
	*ARRAY_ADD(pool->arena, pool->model->exprs) = *e;
	*ARRAY_ADD(pool->arena, pool->weight) = weight;
	pool->hash[at] = pool->model->exprs.n;
	return pool->model->exprs.n - 1;
}

ref x_leaf(struct pool *pool, enum m_op op, ref a, ref b, ref c)
{
	struct m_expr e = {.op = (uint8_t)op, .a = a, .b = b, .c = c};

	return intern(pool, &e, 1);
}

ref x_const(struct pool *pool, int64_t k)
{
	struct m_expr e = {.op = X_CONST, .a = REF_NONE, .b = REF_NONE, .c = REF_NONE, .k = k};

	return intern(pool, &e, 1);
}

static ref node(struct pool *pool, enum m_op op, ref a, ref b, ref c)
{
	struct m_expr e = {.op = (uint8_t)op, .a = a, .b = b, .c = c};
	uint64_t weight = 1;

	weight += pool->weight.v[a];
	weight += b == REF_NONE ? 0 : pool->weight.v[b];
	weight += c == REF_NONE ? 0 : pool->weight.v[c];
	return intern(pool, &e, weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight);
}

static struct m_expr get(const struct pool *pool, ref a)
{
	return pool->model->exprs.v[a];
}

bool x_is_const(const struct pool *pool, ref a, int64_t *k)
{
	if (a == REF_NONE || pool->model->exprs.v[a].op != X_CONST)
		return false;
	*k = pool->model->exprs.v[a].k;
	return true;
}

static bool is_comparison(unsigned int op)
{
	return op >= X_EQ && op <= X_GE;
}

/* Is its value always 0 or 1? */
static bool is_bool(const struct pool *pool, ref a)
{
	struct m_expr e = get(pool, a);

	if (e.op == X_CONST)
		return e.k == 0 || e.k == 1;
	if (e.op == X_PARAM)
		return pool->params->params.v[e.a].feature;
	if (e.op == X_COND)
		return is_bool(pool, e.b) && is_bool(pool, e.c);
	return e.op == X_RIGHT || e.op == X_OR || e.op == X_AND || e.op == X_NOT || is_comparison(e.op);
}

static ref as_bool(struct pool *pool, ref a)
{
	return is_bool(pool, a) ? a : x_binary(pool, X_NE, a, x_const(pool, 0));
}

static unsigned int opposite(unsigned int op)
{
	switch (op) {
	case X_EQ: return X_NE;
	case X_NE: return X_EQ;
	case X_LT: return X_GE;
	case X_GE: return X_LT;
	case X_GT: return X_LE;
	default: return X_GT;
	}
}

static unsigned int mirrored(unsigned int op)
{
	switch (op) {
	case X_LT: return X_GT;
	case X_GT: return X_LT;
	case X_LE: return X_GE;
	case X_GE: return X_LE;
	default: return op;
	}
}

ref x_unary(struct pool *pool, enum m_op op, ref a)
{
	struct m_expr e = get(pool, a);

	if (e.op == X_CONST)
		return x_const(pool, op == X_NOT ? !e.k : (int64_t)(0 - (uint64_t)e.k));
	if (op == X_NOT && e.op == X_NOT)
		return as_bool(pool, e.a);
	if (op == X_NOT && is_comparison(e.op))
		return x_binary(pool, (enum m_op)opposite(e.op), e.a, e.b);
	if (op == X_NEG && e.op == X_NEG)
		return e.a;
	return node(pool, op, a, REF_NONE, REF_NONE);
}

ref x_cond(struct pool *pool, ref a, ref b, ref c)
{
	struct m_expr e = get(pool, a);
	int64_t yes, no;

	if (e.op == X_CONST)
		return e.k ? b : c;
	if (b == c)
		return b;
	if (e.op == X_NOT)
		return x_cond(pool, e.a, c, b);
	if (x_is_const(pool, b, &yes) && x_is_const(pool, c, &no) && yes == 1 && no == 0)
		return as_bool(pool, a);
	return node(pool, X_COND, a, b, c);
}

/* What a comparison of a parameter with a number is for every value of its set: 0, 1, or -1 when that differs. */
static int over_set(const struct pool *pool, unsigned int op, ref param, int64_t k)
{
	const struct m_param *p = &pool->params->params.v[param];
	const struct m_range *range = pool->params->ranges.v + p->first_range;
	bool any_true = false, any_false = false;

	for (int i = 0; i < p->n_ranges; i++) {
		bool inside = k >= range[i].first && k <= range[i].last;
		bool single = range[i].first == range[i].last;

		if (op == X_EQ || op == X_NE) {
			any_true |= op == X_EQ ? inside : !inside || !single;
			any_false |= op == X_EQ ? !inside || !single : inside;
			continue;
		}
		any_true |=
			model_apply((enum m_op)op, range[i].first, k) || model_apply((enum m_op)op, range[i].last, k);
		any_false |=
			!model_apply((enum m_op)op, range[i].first, k) || !model_apply((enum m_op)op, range[i].last, k);
	}
	return any_true == any_false ? -1 : any_true;
}

static ref compare(struct pool *pool, unsigned int op, ref a, ref b)
{
	struct m_expr x = get(pool, a), y = get(pool, b);
	int known;

	if (x.op == X_CONST)
		return compare(pool, mirrored(op), b, a);
	if (a == b)
		return x_const(pool, op == X_EQ || op == X_LE || op == X_GE);
	if (y.op != X_CONST)
		return node(pool, (enum m_op)op, a, b, REF_NONE);
	if (x.op == X_PARAM) {
		known = over_set(pool, op, x.a, y.k);
		if (known >= 0)
			return x_const(pool, known);
	}
	if ((op == X_EQ || op == X_NE) && is_bool(pool, a)) {
		if (y.k != 0 && y.k != 1)
			return x_const(pool, op == X_NE);
		return (op == X_EQ) == (y.k == 1) ? a : x_unary(pool, X_NOT, a);
	}
	if ((op == X_EQ || op == X_NE) && (x.op == X_ADD || x.op == X_SUB) && get(pool, x.b).op == X_CONST) {
		int64_t k = model_apply(x.op == X_ADD ? X_SUB : X_ADD, y.k, get(pool, x.b).k);

		return compare(pool, op, x.a, x_const(pool, k));
	}
	return node(pool, (enum m_op)op, a, b, REF_NONE);
}

static ref logical(struct pool *pool, enum m_op op, ref a, ref b)
{
	struct m_expr x = get(pool, a), y = get(pool, b);

	if (y.op == X_CONST) {
		struct m_expr swap = x;

		x = y;
		y = swap;
		b = a;
	}
	if (x.op == X_CONST) {
		if (op == X_AND)
			return x.k ? as_bool(pool, b) : x_const(pool, 0);
		return x.k ? x_const(pool, 1) : as_bool(pool, b);
	}
	if (a == b)
		return as_bool(pool, a);
	if ((x.op == X_NOT && x.a == b) || (y.op == X_NOT && y.a == a))
		return x_const(pool, op == X_OR);
	return node(pool, op, a, b, REF_NONE);
}

/* a + k, with constants gathered on the right and without negative ones. */
static ref add_const(struct pool *pool, ref a, int64_t k)
{
	struct m_expr x = get(pool, a);

	if (x.op == X_CONST)
		return x_const(pool, model_apply(X_ADD, x.k, k));
	if ((x.op == X_ADD || x.op == X_SUB) && get(pool, x.b).op == X_CONST)
		return add_const(pool, x.a,
				 model_apply(X_ADD, x.op == X_ADD ? get(pool, x.b).k : -get(pool, x.b).k, k));
	if (k == 0)
		return a;
	if (k < 0 && k != INT64_MIN)
		return node(pool, X_SUB, a, x_const(pool, -k), REF_NONE);
	return node(pool, X_ADD, a, x_const(pool, k), REF_NONE);
}

ref x_binary(struct pool *pool, enum m_op op, ref a, ref b)
{
	struct m_expr x = get(pool, a), y = get(pool, b);

	if (x.op == X_CONST && y.op == X_CONST)
		return x_const(pool, model_apply(op, x.k, y.k));
	if (is_comparison(op))
		return compare(pool, op, a, b);
	if (op == X_AND || op == X_OR)
		return logical(pool, op, a, b);
	if (x.op == X_CONST && (op == X_ADD || op == X_MUL))
		return x_binary(pool, op, b, a);
	if (y.op != X_CONST)
		return op == X_SUB && a == b ? x_const(pool, 0) : node(pool, op, a, b, REF_NONE);
	switch (op) {
	case X_ADD: return add_const(pool, a, y.k);
	case X_SUB: return add_const(pool, a, model_apply(X_SUB, 0, y.k));
	case X_MUL:
		if (y.k == 0)
			return b;
		if (y.k == 1)
			return a;
		break;
	case X_DIV:
		if (y.k == 1)
			return a;
		break;
	case X_SHL:
	case X_SHR:
		if (y.k == 0)
			return a;
		break;
	default: break;
	}
	return node(pool, op, a, b, REF_NONE);
}

ref x_subst(struct pool *pool, ref a, enum m_op op, const ref *which, const int64_t *value, int n)
{
	struct m_expr e;
	ref x, y;

	if (a == REF_NONE)
		return REF_NONE;
	e = get(pool, a);
	switch ((enum m_op)e.op) {
	case X_FIELD:
	case X_PARAM:
		for (int i = 0; i < n && e.op == (uint8_t)op; i++)
			if (which[i] == e.a)
				return x_const(pool, value[i]);
		return a;
	case X_CONST:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return a;
	case X_NOT:
	case X_NEG: return x_unary(pool, (enum m_op)e.op, x_subst(pool, e.a, op, which, value, n));
	case X_COND:
		x = x_subst(pool, e.a, op, which, value, n);
		y = x_subst(pool, e.b, op, which, value, n);
		return x_cond(pool, x, y, x_subst(pool, e.c, op, which, value, n));
	default:
		x = x_subst(pool, e.a, op, which, value, n);
		return x_binary(pool, (enum m_op)e.op, x, x_subst(pool, e.b, op, which, value, n));
	}
}

/* ----------------------------------------------------------------------------------------- what expressions mention */

ref symbol(struct pool *pool, int number)
{
	return x_leaf(pool, X_FIELD, -2 - number, REF_NONE, REF_NONE);
}

uint32_t params_of(const struct model *model, ref expr)
{
	const struct m_expr *e;

	if (expr == REF_NONE)
		return 0;
	e = &model->exprs.v[expr];
	switch ((enum m_op)e->op) {
	case X_PARAM: return (uint32_t)1 << e->a;
	case X_CONST:
	case X_FIELD:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return 0;
	default: return params_of(model, e->a) | params_of(model, e->b) | params_of(model, e->c);
	}
}

bool has_symbol(const struct model *model, ref expr)
{
	const struct m_expr *e;

	if (expr == REF_NONE)
		return false;
	e = &model->exprs.v[expr];
	switch ((enum m_op)e->op) {
	case X_FIELD: return e->a < 0;
	case X_PARAM:
	case X_CONST:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return false;
	default: return has_symbol(model, e->a) || has_symbol(model, e->b) || has_symbol(model, e->c);
	}
}

bool is_of_params(const struct model *model, ref expr)
{
	const struct m_expr *e;

	if (expr == REF_NONE)
		return true;
	e = &model->exprs.v[expr];
	switch ((enum m_op)e->op) {
	case X_CONST:
	case X_PARAM: return true;
	case X_FIELD:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return false;
	default: return is_of_params(model, e->a) && is_of_params(model, e->b) && is_of_params(model, e->c);
	}
}

/* --------------------------------------------------------------------------------------- combinations of parameters */

static uint64_t set_size(const struct model *model, const struct m_param *param)
{
	uint64_t n = 0;

	for (int i = 0; i < param->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[param->first_range + i];
		uint64_t more = (uint64_t)range->last - (uint64_t)range->first;

		if (more >= UINT32_MAX)
			return UINT32_MAX;
		n += more + 1;
	}
	return n;
}

static int64_t nth_value(const struct model *model, const struct m_param *param, uint64_t n)
{
	const struct m_range *range = &model->ranges.v[param->first_range];

	for (int i = 0; i < param->n_ranges; i++, range++) {
		uint64_t more = (uint64_t)range->last - (uint64_t)range->first;

		if (n <= more)
			return (int64_t)((uint64_t)range->first + n);
		n -= more + 1;
	}
	return 0;
}

uint64_t combos_start(struct combos *combos, const struct model *model, uint32_t params)
{
	uint64_t product = 1;

	memset(combos, 0, sizeof(*combos));
	combos->model = model;
	for (int i = 0; i < model->params.n && i < MAX_PARAMS; i++) {
		const struct m_param *param = &model->params.v[i];
		uint64_t n = set_size(model, param);

		combos->value[i] = param->bound ? param->value : 0;
		if (!(params >> i & 1) || param->bound)
			continue;
		combos->param[combos->n] = i;
		combos->count[combos->n++] = n;
		combos->value[i] = n ? nth_value(model, param, 0) : 0;
		product = product > UINT64_MAX / (n ? n : 1) ? UINT64_MAX : product * n;
	}
	return product;
}

bool combos_next(struct combos *combos)
{
	for (int i = combos->n - 1; i >= 0; i--) {
		const struct m_param *param = &combos->model->params.v[combos->param[i]];

		if (++combos->at[i] < combos->count[i]) {
			combos->value[combos->param[i]] = nth_value(combos->model, param, combos->at[i]);
			return true;
		}
		combos->at[i] = 0;
		combos->value[combos->param[i]] = nth_value(combos->model, param, 0);
	}
	return false;
}

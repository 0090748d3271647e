/* SPDX-License-Identifier: MIT */
/* model.c - evaluation of the flat model's expressions, and the look-ups that every check and emitter needs. */
#include "model.h"

static int64_t shift_left(int64_t a, int64_t b)
{
	return b < 0 || b >= 64 ? 0 : (int64_t)((uint64_t)a << b);
}

/* Keeps the sign without relying on what >> does to negative numbers. */
static int64_t shift_right(int64_t a, int64_t b)
{
	if (b < 0 || b >= 64)
		return 0;
	return a < 0 ? (int64_t) ~(~(uint64_t)a >> b) : (int64_t)((uint64_t)a >> b);
}

int64_t model_apply(enum m_op op, int64_t a, int64_t b)
{
	switch (op) {
	case X_OR: return a || b;
	case X_AND: return a && b;
	case X_EQ: return a == b;
	case X_NE: return a != b;
	case X_LT: return a < b;
	case X_GT: return a > b;
	case X_LE: return a <= b;
	case X_GE: return a >= b;
	case X_SHL: return shift_left(a, b);
	case X_SHR: return shift_right(a, b);
	case X_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
	case X_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
	case X_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
	case X_DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
	case X_MOD: return b == 0 || b == -1 ? 0 : a % b;
	default: return 0;
	}
}

/* Bits [hi:lo] of a value of two halves; at most 64 of them. */
static uint64_t bits_of(const uint64_t *word, int hi, int lo)
{
	uint64_t value;
	int n = hi - lo + 1;

	if (n <= 0 || lo < 0 || hi > 127)
		return 0;
	value = lo >= 64 ? word[1] >> (lo - 64) : lo == 0 ? word[0] : word[0] >> lo | word[1] << (64 - lo);
	return n >= 64 ? value : value & (((uint64_t)1 << n) - 1);
}

int64_t model_eval(const struct model *model, ref expr, const struct m_env *env)
{
	const struct m_expr *e;
	uint64_t value = 0;

	if (expr < 0 || expr >= model->exprs.n)
		return 0;
	e = &model->exprs.v[expr];
	switch ((enum m_op)e->op) {
	case X_CONST: return e->k;
	case X_PARAM: return env->param ? env->param[e->a] : 0;
	case X_FIELD:
		if (e->a < 0 || !env->word)
			return 0;
		model_field(model, env->kind, e->a, env, &value);
		return (int64_t)value;
	case X_BITS: return env->word ? (int64_t)bits_of(env->word, e->a, e->b) : 0;
	case X_RIGHT: return (env->request & (unsigned int)e->a) != 0;
	case X_ADDRESS:
		if (env->address) {
			uint64_t word[2] = {env->address[e->a], 0};

			value = bits_of(word, e->b, e->c);
		}
		return (int64_t)value;
	case X_OR: return model_eval(model, e->a, env) || model_eval(model, e->b, env);
	case X_AND: return model_eval(model, e->a, env) && model_eval(model, e->b, env);
	case X_COND: return model_eval(model, model_eval(model, e->a, env) ? e->b : e->c, env);
	case X_NOT: return !model_eval(model, e->a, env);
	case X_NEG: return (int64_t)(0 - (uint64_t)model_eval(model, e->a, env));
	default: return model_apply((enum m_op)e->op, model_eval(model, e->a, env), model_eval(model, e->b, env));
	}
}

bool model_holds(const struct model *model, ref cond, const struct m_env *env)
{
	return cond == REF_NONE || model_eval(model, cond, env) != 0;
}

bool model_field(const struct model *model, ref kind, ref field, const struct m_env *env, uint64_t *value)
{
	bool found = false;

	*value = 0;
	if (kind < 0 || kind >= model->kinds.n || field < 0)
		return false;
	for (int i = 0; i < model->kinds.v[kind].n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[model->kinds.v[kind].first_slice + i];

		if (slice->field != field || !model_holds(model, slice->cond, env))
			continue;
		found = true;
		if (slice->to < 64)
			*value |= bits_of(env->word, slice->hi, slice->lo) << slice->to;
	}
	return found;
}

void model_defaults(const struct model *model, int64_t *param)
{
	struct m_env env = {.param = param, .kind = REF_NONE};

	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];

		if (param[i] != INT64_MIN)
			continue;
		param[i] = p->bound ? p->value : model_eval(model, p->dflt, &env);
	}
}

ref model_shape(const struct model *model, const int64_t *param)
{
	struct m_env env = {.param = param, .kind = REF_NONE};

	for (int i = 0; i < model->shapes.n; i++)
		if (model_holds(model, model->shapes.v[i].when, &env))
			return i;
	return REF_NONE;
}

ref model_level(const struct model *model, ref shape, int64_t number)
{
	const struct m_shape *s;

	if (shape < 0 || shape >= model->shapes.n)
		return REF_NONE;
	s = &model->shapes.v[shape];
	for (int i = 0; i < s->n_levels; i++)
		if (model->levels.v[s->first_level + i].number == number)
			return s->first_level + i;
	return REF_NONE;
}

uint64_t model_address_bits(const struct model *model, ref address)
{
	uint64_t bits = 0;

	for (int i = 0; i < model->exprs.n; i++) {
		const struct m_expr *e = &model->exprs.v[i];

		for (int bit = e->c; e->op == X_ADDRESS && e->a == address && bit <= e->b && bit < 64; bit++)
			bits |= (uint64_t)1 << bit;
	}
	return bits;
}

bool model_limited(const struct m_level *level)
{
	return level->first_index > 0 || level->last_index + (uint64_t)1 < (uint64_t)1 << (level->hi - level->lo + 1);
}

int expr_parts(const struct m_expr *e, ref part[3])
{
	part[0] = e->a;
	part[1] = e->b;
	part[2] = e->c;
	switch ((enum m_op)e->op) {
	case X_CONST:
	case X_PARAM:
	case X_FIELD:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return 0;
	case X_NOT:
	case X_NEG: return 1;
	case X_COND: return 3;
	case X_OR:
	case X_AND:
	case X_EQ:
	case X_NE:
	case X_LT:
	case X_GT:
	case X_LE:
	case X_GE:
	case X_SHL:
	case X_SHR:
	case X_ADD:
	case X_SUB:
	case X_MUL:
	case X_DIV:
	case X_MOD: break;
	}
	return 2;
}

bool model_mentions(const struct model *model, ref expr, enum m_op op, ref which)
{
	const struct m_expr *e;
	ref part[3];

	if (expr < 0 || expr >= model->exprs.n)
		return false;
	e = &model->exprs.v[expr];
	if (e->op == (uint8_t)op && ((op != X_PARAM && op != X_FIELD) || which < 0 || e->a == which))
		return true;
	for (int n = expr_parts(e, part); n > 0; n--)
		if (model_mentions(model, part[n - 1], op, which))
			return true;
	return false;
}

/* SPDX-License-Identifier: MIT */
/* emit_c_text.c - C text of expressions, and words of a table that depend on its configuration. */
#include "emit_c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

const char *text_of(struct emitter *emitter, const char *format, ...)
{
	char buffer[4096];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < sizeof(buffer))
		return arena_strndup(emitter->arena, buffer, (size_t)n);
	/* Longer than any sane expression: build it in the arena. */
	char *text = arena_alloc(emitter->arena, (size_t)n + 1);

	va_start(arguments, format);
	vsnprintf(text, (size_t)n + 1, format, arguments);
	va_end(arguments);
	return text;
}

uint64_t mask_of(int hi, int lo)
{
	int n = hi - lo + 1;

	if (n <= 0 || lo > 63)
		return 0;
	return (n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1) << lo;
}

const struct m_slice *slices_of(const struct emitter *emitter, ref kind, int *n)
{
	const struct m_kind *k = &emitter->model->kinds.v[kind];

	*n = k->n_slices;
	return emitter->model->slices.v + k->first_slice;
}

wide entry_mask(int hi, int lo)
{
	return lo > 63	 ? (wide)mask_of(hi - 64, lo - 64) << 64
	       : hi > 63 ? (wide)mask_of(hi - 64, 0) << 64 | mask_of(63, lo)
			 : mask_of(hi, lo);
}

const char *hex64(struct emitter *emitter, uint64_t value)
{
	if (emitter->entry_bits <= 32)
		return text_of(emitter, "0x%" PRIx64 "U", value);
	if (value < 10)
		return text_of(emitter, "%" PRIu64, value);
	return text_of(emitter, "UINT64_C(0x%" PRIx64 ")", value);
}

const char *hex(struct emitter *emitter, wide value)
{
	/* Of the type of the entry, so that its complement is, too. */
	if (value >> 64)
		return text_of(emitter, "((%s_entry)%s << 64 | %s)", emitter->lower,
			       hex64(emitter, (uint64_t)(value >> 64)), hex64(emitter, (uint64_t)value));
	if (emitter->entry_bits > 64)
		return text_of(emitter, "(%s_entry)%s", emitter->lower, hex64(emitter, (uint64_t)value));
	return hex64(emitter, (uint64_t)value);
}

static const char *number(struct emitter *emitter, int64_t value)
{
	if (value == INT64_MIN)
		return "INT64_MIN";
	if (value < 0)
		return value >= -1024 ? text_of(emitter, "(%" PRId64 ")", value)
				      : text_of(emitter, "INT64_C(%" PRId64 ")", value);
	if (value <= 1024)
		return text_of(emitter, "%" PRId64, value);
	return text_of(emitter, "INT64_C(0x%" PRIx64 ")", (uint64_t)value);
}

/* How tightly a piece of text binds: what it may be an operand of without parentheses. */
enum binds {
	BINDS_COND,
	BINDS_OR,
	BINDS_AND,
	BINDS_EQUAL,
	BINDS_RELATION,
	BINDS_SUM,
	BINDS_PRODUCT,
	BINDS_UNARY,
	BINDS_NAME
};

struct phrase {
	const char *text;
	enum binds binds;
};

static struct phrase expression(struct emitter *emitter, ref expr, const char *param, ref kind, const char *word);

static const char *operand(struct emitter *emitter, struct phrase phrase, enum binds least)
{
	return phrase.binds >= least ? phrase.text : text_of(emitter, "(%s)", phrase.text);
}

static bool same_piece(const struct m_slice *a, const struct m_slice *b)
{
	return a->field == b->field && (b->role == ROLE_FIELD || b->role == ROLE_CONST) && a->hi == b->hi &&
	       a->lo == b->lo && a->to == b->to;
}

static bool is_negation(const struct emitter *emitter, ref a, ref b)
{
	const struct m_expr *e = emitter->model->exprs.v;

	return (e[a].op == X_NOT && e[a].a == b) || (e[b].op == X_NOT && e[b].a == a);
}

/*
 * When is slice[i] there, or another one that says the same? NULL: always; "": an earlier one speaks for it. known: a
 * condition that holds where the text is used, or REF_NONE.
 */
static const char *piece_condition(struct emitter *emitter, const struct m_slice *slice, int n, int i,
				   const char *param, ref known)
{
	const char *text = NULL;

	for (int k = 0; k < i; k++)
		if (same_piece(&slice[i], &slice[k]))
			return "";
	for (int k = i; k < n; k++) {
		const char *cond;

		if (!same_piece(&slice[i], &slice[k]))
			continue;
		if (slice[k].cond == REF_NONE || slice[k].cond == known ||
		    (k > i && is_negation(emitter, slice[i].cond, slice[k].cond)))
			return NULL;
		cond = operand(emitter, expression(emitter, slice[k].cond, param, REF_NONE, NULL), BINDS_EQUAL);
		text = text ? text_of(emitter, "%s || %s", text, cond) : cond;
	}
	return text;
}

/* The value of a field in the entry `word` of a kind: its pieces, gathered. */
static const char *field_text(struct emitter *emitter, ref kind, ref field, const char *param, const char *word)
{
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);
	const char *text = NULL;

	for (int i = 0; i < n; i++) {
		const char *piece, *cond;

		if (slice[i].field != field || (slice[i].role != ROLE_FIELD && slice[i].role != ROLE_CONST))
			continue;
		cond = piece_condition(emitter, slice, n, i, param, emitter->known);
		if (cond && !*cond)
			continue;
		piece = text_of(emitter, "(int64_t)((%s >> %d) & %s)", word, slice[i].lo,
				hex64(emitter, mask_of(slice[i].hi - slice[i].lo, 0)));
		if (slice[i].to)
			piece = text_of(emitter, "(%s * %s)", piece,
					number(emitter, (int64_t)((uint64_t)1 << slice[i].to)));
		if (cond)
			piece = text_of(emitter, "(%s ? %s : 0)", cond, piece);
		text = text ? text_of(emitter, "%s + %s", text, piece) : piece;
	}
	if (!text)
		return "0";
	return strchr(text, '+') ? text_of(emitter, "(%s)", text) : text;
}

/* What stands at an index of the configuration: a parameter, or a run-time address, which are behind the parameters. */
static const char *param_text(struct emitter *emitter, const char *param, const char *name)
{
	return text_of(emitter, "%s[%s_PARAM_%s]", param, emitter->upper, enumerator(emitter->arena, name));
}

/* The operators of C; the parentheses that a reader or a compiler would miss are there. */
static struct phrase infix(struct emitter *emitter, enum m_op op, struct phrase a, struct phrase b)
{
	static const struct {
		const char *text;
		enum binds binds, left, right;
	} operators[] = {
		[X_OR] = {"||", BINDS_OR, BINDS_OR, BINDS_OR},
		[X_AND] = {"&&", BINDS_AND, BINDS_AND, BINDS_AND},
		[X_EQ] = {"==", BINDS_EQUAL, BINDS_SUM, BINDS_SUM},
		[X_NE] = {"!=", BINDS_EQUAL, BINDS_SUM, BINDS_SUM},
		[X_LT] = {"<", BINDS_RELATION, BINDS_SUM, BINDS_SUM},
		[X_GT] = {">", BINDS_RELATION, BINDS_SUM, BINDS_SUM},
		[X_LE] = {"<=", BINDS_RELATION, BINDS_SUM, BINDS_SUM},
		[X_GE] = {">=", BINDS_RELATION, BINDS_SUM, BINDS_SUM},
		[X_ADD] = {"+", BINDS_SUM, BINDS_SUM, BINDS_PRODUCT},
		[X_SUB] = {"-", BINDS_SUM, BINDS_SUM, BINDS_PRODUCT},
		[X_MUL] = {"*", BINDS_PRODUCT, BINDS_PRODUCT, BINDS_UNARY},
	};
	enum binds left = operators[op].left, right = operators[op].right;

	if (op == X_OR) { /* compilers warn of && beside || */
		left = a.binds == BINDS_AND ? BINDS_NAME : left;
		right = b.binds == BINDS_AND ? BINDS_NAME : right;
	}
	return (struct phrase){
		text_of(emitter, "%s %s %s", operand(emitter, a, left), operators[op].text, operand(emitter, b, right)),
		operators[op].binds};
}

/* Operations that C leaves undefined for some operands are functions. */
static struct phrase call(struct emitter *emitter, bool *uses, const char *name, struct phrase a, struct phrase b)
{
	*uses = true;
	return (struct phrase){text_of(emitter, "%s_%s(%s, %s)", emitter->lower, name, a.text, b.text), BINDS_NAME};
}

static struct phrase conditional(struct emitter *emitter, struct phrase cond, struct phrase yes, struct phrase no)
{
	return (struct phrase){text_of(emitter, "%s ? %s : %s", operand(emitter, cond, BINDS_OR),
				       operand(emitter, yes, BINDS_OR), operand(emitter, no, BINDS_OR)),
			       BINDS_COND};
}

static bool is_operand(const struct emitter *emitter, ref expr)
{
	return expr == REF_NONE || emitter->model->exprs.v[expr].op <= X_ADDRESS;
}

/* The let that an expression is, if it takes more than one operation; REF_NONE: none. */
static ref let_of(const struct emitter *emitter, ref expr)
{
	const struct m_expr *e = &emitter->model->exprs.v[expr];

	if (is_operand(emitter, expr) ||
	    (is_operand(emitter, e->a) && is_operand(emitter, e->b) && is_operand(emitter, e->c)))
		return REF_NONE;
	for (int i = 0; i < emitter->model->lets.n; i++)
		if (emitter->model->lets.v[i].expr == expr && emitter->let != i)
			return i;
	return REF_NONE;
}

/* param: how a parameter is reached. word NULL: no fields may occur. */
static struct phrase expression(struct emitter *emitter, ref expr, const char *param, ref kind, const char *word)
{
	const struct m_expr e = emitter->model->exprs.v[expr];
	ref let = strcmp(param, "p") == 0 ? let_of(emitter, expr) : REF_NONE;
	struct phrase a, b;

	if (let != REF_NONE) {
		emitter->uses_let[let] = true;
		return (struct phrase){
			text_of(emitter, "%s_let_%s(p)", emitter->lower, emitter->model->lets.v[let].name), BINDS_NAME};
	}
	switch ((enum m_op)e.op) {
	case X_CONST: return (struct phrase){number(emitter, e.k), BINDS_NAME};
	case X_PARAM:
		return (struct phrase){param_text(emitter, param, emitter->model->params.v[e.a].name), BINDS_NAME};
	case X_FIELD: return (struct phrase){word ? field_text(emitter, kind, e.a, param, word) : "0", BINDS_UNARY};
	case X_BITS:
		return (struct phrase){word ? text_of(emitter, "(int64_t)((%s >> %d) & %s)", word, e.b,
						      hex64(emitter, mask_of(e.a - e.b, 0)))
					    : "0",
				       BINDS_UNARY};
	case X_RIGHT: return (struct phrase){"0", BINDS_NAME};
	case X_ADDRESS:
		return (struct phrase){text_of(emitter, "(int64_t)(((uint64_t)%s >> %d) & %s)",
					       param_text(emitter, param, emitter->model->addresses.v[e.a].name), e.c,
					       hex64(emitter, mask_of(e.b - e.c, 0))),
				       BINDS_UNARY};
	case X_NOT:
	case X_NEG:
		a = expression(emitter, e.a, param, kind, word);
		return (struct phrase){text_of(emitter, "%s%s", e.op == X_NOT ? "!" : "-",
					       operand(emitter, a, e.op == X_NOT ? BINDS_UNARY : BINDS_NAME)),
				       BINDS_UNARY};
	default: break;
	}
	a = expression(emitter, e.a, param, kind, word);
	b = expression(emitter, e.b, param, kind, word);
	switch ((enum m_op)e.op) {
	case X_COND: return conditional(emitter, a, b, expression(emitter, e.c, param, kind, word));
	case X_SHL: return call(emitter, &emitter->uses_shl, "shift_left", a, b);
	case X_SHR: return call(emitter, &emitter->uses_shr, "shift_right", a, b);
	case X_DIV: return call(emitter, &emitter->uses_div, "quotient", a, b);
	case X_MOD: return call(emitter, &emitter->uses_mod, "remainder", a, b);
	default: return infix(emitter, (enum m_op)e.op, a, b);
	}
}

const char *config_text(struct emitter *emitter, ref expr)
{
	return expression(emitter, expr, "p", REF_NONE, NULL).text;
}

const char *let_text(struct emitter *emitter, ref let)
{
	const char *text;

	emitter->let = let;
	text = config_text(emitter, emitter->model->lets.v[let].expr);
	emitter->let = REF_NONE;
	return text;
}

const char *condition_text(struct emitter *emitter, ref expr)
{
	return operand(emitter, expression(emitter, expr, "p", REF_NONE, NULL), BINDS_OR);
}

const char *entry_text(struct emitter *emitter, ref kind, ref expr, const char *word)
{
	return expression(emitter, expr, "t->param", kind, word).text;
}

static void bits_or(struct emitter *emitter, const char **bits, const char *text)
{
	*bits = *bits ? text_of(emitter, "%s | %s", *bits, text) : text;
}

void bits_add(struct emitter *emitter, struct bits *bits, ref cond, wide mask)
{
	const struct m_expr *e = cond == REF_NONE ? NULL : &emitter->model->exprs.v[cond];

	if (mask == 0 || (e && e->op == X_CONST && e->k == 0))
		return;
	if (!e || e->op == X_CONST) {
		bits->literal |= mask;
		return;
	}
	if ((uint64_t)mask)
		bits_or(emitter, &bits->text,
			text_of(emitter, "(%s ? %s : 0)", condition_text(emitter, cond),
				hex64(emitter, (uint64_t)mask)));
	if (mask >> 64)
		bits_or(emitter, &bits->high,
			text_of(emitter, "(%s ? %s : 0)", condition_text(emitter, cond),
				hex64(emitter, (uint64_t)(mask >> 64))));
}

/* A value, as C, in bits [hi:lo] of a half. */
static void add_text(struct emitter *emitter, const char **bits, ref cond, const char *value, int hi, int lo)
{
	const char *text = value;

	if (hi - lo < 63)
		text = text_of(emitter, "(%s & %s)", text, hex64(emitter, mask_of(hi - lo, 0)));
	if (lo)
		text = text_of(emitter, "%s << %d", text, lo);
	if (cond != REF_NONE)
		text = text_of(emitter, "(%s ? %s : 0)", condition_text(emitter, cond), text);
	else if (lo)
		text = text_of(emitter, "(%s)", text);
	bits_or(emitter, bits, text);
}

void bits_add_value(struct emitter *emitter, struct bits *bits, ref cond, ref value, int hi, int lo)
{
	const struct m_expr *e = value == REF_NONE ? NULL : &emitter->model->exprs.v[value];
	const char *text;

	if (!e)
		return;
	if (e->op == X_CONST) {
		bits_add(emitter, bits, cond, ((wide)(uint64_t)e->k << lo) & entry_mask(hi, lo));
		return;
	}
	text = config_text(emitter, value);
	if (hi > 63 && lo < 64) {
		/* Over both halves: the rest of the value begins the upper one. */
		add_text(emitter, &bits->high, cond, text_of(emitter, "((uint64_t)(%s) >> %d)", text, 64 - lo), hi - 64,
			 0);
		hi = 63;
	}
	add_text(emitter, lo > 63 ? &bits->high : &bits->text, cond, text_of(emitter, "(uint64_t)(%s)", text), hi & 63,
		 lo & 63);
}

int word_of(struct emitter *emitter, const char *name, const char *text)
{
	struct word *word;
	const char *unique = name;

	for (int i = 0; i < emitter->words.n; i++)
		if (strcmp(emitter->words.v[i].text, text) == 0)
			return i;
	for (int k = 2;; k++) {
		bool taken = false;

		for (int i = 0; i < emitter->words.n; i++)
			taken = taken || strcmp(emitter->words.v[i].name, unique) == 0;
		if (!taken)
			break;
		unique = text_of(emitter, "%s_%d", name, k);
	}
	word = ARRAY_ADD(emitter->arena, emitter->words);
	word->name = unique;
	word->text = text;
	return emitter->words.n - 1;
}

const char *word_name(struct emitter *emitter, int index)
{
	return index < 0 ? "-1" : text_of(emitter, "%s_WORD_%s", emitter->upper, emitter->words.v[index].name);
}

const char *bits_text(struct emitter *emitter, const char *name, const struct bits *bits)
{
	const char *word = NULL, *high;

	if (bits->text) {
		word = text_of(emitter, "t->word[%s]", word_name(emitter, word_of(emitter, name, bits->text)));
		if (emitter->entry_bits <= 32)
			word = text_of(emitter, "(uint32_t)%s", word);
	}
	if (bits->high) {
		high = word_name(emitter, word_of(emitter, text_of(emitter, "%s_HIGH", name), bits->high));
		high = text_of(emitter, "(%s_entry)t->word[%s] << 64", emitter->lower, high);
		word = word ? text_of(emitter, "(%s | %s)", high, word) : text_of(emitter, "(%s)", high);
	} else if (word && emitter->entry_bits > 64) {
		word = text_of(emitter, "(%s_entry)%s", emitter->lower, word);
	}
	if (!word)
		return hex(emitter, bits->literal);
	if (bits->literal == 0)
		return word;
	return text_of(emitter, "(%s | %s)", hex(emitter, bits->literal), word);
}

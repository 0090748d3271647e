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

const char *hex(struct emitter *emitter, uint64_t value)
{
	if (emitter->entry_bits <= 32)
		return text_of(emitter, "0x%" PRIx64 "U", value);
	if (value < 10)
		return text_of(emitter, "%" PRIu64, value);
	return text_of(emitter, "UINT64_C(0x%" PRIx64 ")", value);
}

/* The same for what is no entry: an address, a word of the configuration. */
static const char *hex64(struct emitter *emitter, uint64_t value)
{
	return value < 10 ? text_of(emitter, "%" PRIu64, value) : text_of(emitter, "UINT64_C(0x%" PRIx64 ")", value);
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

static const char *expression(struct emitter *emitter, ref expr, const char *param, ref kind, const char *word);

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
		cond = expression(emitter, slice[k].cond, param, REF_NONE, NULL);
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

		if (slice[i].field != field || (slice[i].role != ROLE_FIELD && slice[i].role != ROLE_CONST) ||
		    slice[i].hi > 63)
			continue;
		cond = piece_condition(emitter, slice, n, i, param, emitter->known);
		if (cond && !*cond)
			continue;
		piece = text_of(emitter, "(int64_t)((%s >> %d) & %s)", word, slice[i].lo,
				hex(emitter, mask_of(slice[i].hi - slice[i].lo, 0)));
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

/* A run-time address is a parameter behind the others. */
static const char *address_text(struct emitter *emitter, ref address, const char *param)
{
	return text_of(emitter, "%s[%s_PARAM_%s]", param, emitter->upper,
		       enumerator(emitter->arena, emitter->model->addresses.v[address].name));
}

/* param: how a parameter is reached. word NULL: no fields may occur. */
static const char *expression(struct emitter *emitter, ref expr, const char *param, ref kind, const char *word)
{
	static const char *const operators[] = {
		[X_OR] = "||", [X_AND] = "&&", [X_EQ] = "==", [X_NE] = "!=", [X_LT] = "<",  [X_GT] = ">",
		[X_LE] = "<=", [X_GE] = ">=",  [X_ADD] = "+", [X_SUB] = "-", [X_MUL] = "*",
	};
	const struct m_expr e = emitter->model->exprs.v[expr];
	const char *a, *b;

	switch ((enum m_op)e.op) {
	case X_CONST: return number(emitter, e.k);
	case X_PARAM: {
		char *name = arena_strndup(emitter->arena, emitter->model->params.v[e.a].name,
					   strlen(emitter->model->params.v[e.a].name));

		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		return text_of(emitter, "%s[%s_PARAM_%s]", param, emitter->upper, name);
	}
	case X_FIELD: return word ? field_text(emitter, kind, e.a, param, word) : "0";
	case X_BITS:
		return word ? text_of(emitter, "(int64_t)((%s >> %d) & %s)", word, e.b,
				      hex(emitter, mask_of(e.a - e.b, 0)))
			    : "0";
	case X_RIGHT: return "0";
	case X_ADDRESS:
		return text_of(emitter, "(int64_t)(((uint64_t)%s >> %d) & %s)", address_text(emitter, e.a, param), e.c,
			       hex64(emitter, mask_of(e.b - e.c, 0)));
	case X_NOT: return text_of(emitter, "!%s", expression(emitter, e.a, param, kind, word));
	case X_NEG: return text_of(emitter, "(-%s)", expression(emitter, e.a, param, kind, word));
	case X_COND:
		a = expression(emitter, e.a, param, kind, word);
		b = expression(emitter, e.b, param, kind, word);
		return text_of(emitter, "(%s ? %s : %s)", a, b, expression(emitter, e.c, param, kind, word));
	default: break;
	}
	a = expression(emitter, e.a, param, kind, word);
	b = expression(emitter, e.b, param, kind, word);
	switch ((enum m_op)e.op) {
	case X_SHL: emitter->uses_shl = true; return text_of(emitter, "%s_shift_left(%s, %s)", emitter->lower, a, b);
	case X_SHR: emitter->uses_shr = true; return text_of(emitter, "%s_shift_right(%s, %s)", emitter->lower, a, b);
	case X_DIV: emitter->uses_div = true; return text_of(emitter, "%s_quotient(%s, %s)", emitter->lower, a, b);
	case X_MOD: emitter->uses_mod = true; return text_of(emitter, "%s_remainder(%s, %s)", emitter->lower, a, b);
	default: return text_of(emitter, "(%s %s %s)", a, operators[e.op], b);
	}
}

/* Without the parentheses around the whole. */
static const char *bare(struct emitter *emitter, const char *text)
{
	size_t n = strlen(text);
	int depth = 0;

	if (n < 2 || text[0] != '(' || text[n - 1] != ')')
		return text;
	for (size_t i = 0; i < n; i++) {
		depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
		if (depth == 0 && i + 1 < n)
			return text;
	}
	/* A cast or a negative number keeps its own. */
	if (strncmp(text, "(int64_t)", 9) == 0)
		return text;
	return arena_strndup(emitter->arena, text + 1, n - 2);
}

const char *config_text(struct emitter *emitter, ref expr)
{
	return bare(emitter, expression(emitter, expr, "p", REF_NONE, NULL));
}

const char *entry_text(struct emitter *emitter, ref kind, ref expr, const char *word)
{
	return bare(emitter, expression(emitter, expr, "t->param", kind, word));
}

static void bits_or(struct emitter *emitter, struct bits *bits, const char *text)
{
	bits->text = bits->text ? text_of(emitter, "%s | %s", bits->text, text) : text;
}

void bits_add(struct emitter *emitter, struct bits *bits, ref cond, uint64_t mask)
{
	const struct m_expr *e = cond == REF_NONE ? NULL : &emitter->model->exprs.v[cond];

	if (mask == 0 || (e && e->op == X_CONST && e->k == 0))
		return;
	if (!e || e->op == X_CONST)
		bits->literal |= mask;
	else
		bits_or(emitter, bits,
			text_of(emitter, "(%s ? %s : 0)", config_text(emitter, cond), hex(emitter, mask)));
}

void bits_add_value(struct emitter *emitter, struct bits *bits, ref cond, ref value, int hi, int lo)
{
	const struct m_expr *e = value == REF_NONE ? NULL : &emitter->model->exprs.v[value];
	const char *text;

	if (!e || hi > 63)
		return;
	if (e->op == X_CONST) {
		bits_add(emitter, bits, cond, ((uint64_t)e->k << lo) & mask_of(hi, lo));
		return;
	}
	text = expression(emitter, value, "p", REF_NONE, NULL);
	text = text_of(emitter, "((uint64_t)(%s) & %s)", bare(emitter, text), hex(emitter, mask_of(hi - lo, 0)));
	if (lo)
		text = text_of(emitter, "%s << %d", text, lo);
	if (cond != REF_NONE)
		text = text_of(emitter, "(%s ? %s : 0)", config_text(emitter, cond), text);
	else if (lo)
		text = text_of(emitter, "(%s)", text);
	bits_or(emitter, bits, text);
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
	const char *word;

	if (!bits->text)
		return hex(emitter, bits->literal);
	word = text_of(emitter, "t->word[%s]", word_name(emitter, word_of(emitter, name, bits->text)));
	if (emitter->entry_bits <= 32)
		word = text_of(emitter, "(uint32_t)%s", word);
	if (bits->literal == 0)
		return word;
	return text_of(emitter, "(%s | %s)", hex(emitter, bits->literal), word);
}

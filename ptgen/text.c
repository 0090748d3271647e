/* SPDX-License-Identifier: MIT */
/*
 * text.c - parts of the model as text.
 */
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct m_operator {
	const char *text;
	int level; /* binds tighter the greater it is */
};

static const struct m_operator operators[] = {
	[X_OR] = {"||", 2}, [X_AND] = {"&&", 3}, [X_EQ] = {"==", 4}, [X_NE] = {"!=", 4},  [X_LT] = {"<", 4},
	[X_GT] = {">", 4},  [X_LE] = {"<=", 4},	 [X_GE] = {">=", 4}, [X_SHL] = {"<<", 5}, [X_SHR] = {">>", 5},
	[X_ADD] = {"+", 6}, [X_SUB] = {"-", 6},	 [X_MUL] = {"*", 7}, [X_DIV] = {"/", 7},  [X_MOD] = {"%", 7},
};

enum { LEVEL_COND = 1, LEVEL_UNARY = 8 };

static void put_expr(FILE *out, const struct model *model, ref at, int outer);

static void put_number(FILE *out, int64_t k)
{
	if (k >= -4096 && k <= 4096)
		fprintf(out, "%" PRId64, k);
	else
		fprintf(out, "0x%" PRIx64, (uint64_t)k);
}

static const char *right_name(ref right)
{
	static const char *const names[] = {"r", "w", "x", "p", "g", "noncached", "device", "nonshareable"};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (right == 1 << i)
			return names[i];
	return "?";
}

static void put_binary(FILE *out, const struct model *model, const struct m_expr *e, int outer)
{
	int level = operators[e->op].level;
	bool compares = level == 4, enclose = level < outer || (level == 5 && outer == 6);

	if (enclose)
		fputc('(', out);
	put_expr(out, model, e->a, compares ? level + 1 : level);
	fprintf(out, " %s ", operators[e->op].text);
	put_expr(out, model, e->b, level + 1);
	if (enclose)
		fputc(')', out);
}

static void put_expr(FILE *out, const struct model *model, ref at, int outer)
{
	const struct m_expr *e;

	if (at == REF_NONE) {
		fputc('1', out);
		return;
	}
	e = &model->exprs.v[at];
	switch ((enum m_op)e->op) {
	case X_CONST: put_number(out, e->k); break;
	case X_PARAM: fputs(model->params.v[e->a].name, out); break;
	case X_FIELD: fputs(model->fields.v[e->a].name, out); break;
	case X_BITS:
		if (e->a == e->b)
			fprintf(out, "[%d]", (int)e->a);
		else
			fprintf(out, "[%d:%d]", (int)e->a, (int)e->b);
		break;
	case X_RIGHT: fputs(right_name(e->a), out); break;
	case X_ADDRESS: fprintf(out, "%s[%d:%d]", model->addresses.v[e->a].name, (int)e->b, (int)e->c); break;
	case X_COND:
		fputs(outer > LEVEL_COND ? "(" : "", out);
		put_expr(out, model, e->a, LEVEL_COND + 1);
		fputs(" ? ", out);
		put_expr(out, model, e->b, LEVEL_COND);
		fputs(" : ", out);
		put_expr(out, model, e->c, LEVEL_COND);
		fputs(outer > LEVEL_COND ? ")" : "", out);
		break;
	case X_NOT:
	case X_NEG:
		fputc(e->op == X_NOT ? '!' : '-', out);
		put_expr(out, model, e->a, LEVEL_UNARY);
		break;
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
	case X_MOD: put_binary(out, model, e, outer); break;
	}
}

const char *expr_text(struct arena *arena, const struct model *model, ref expr)
{
	char *text = NULL;
	const char *copy;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return "?";
	put_expr(out, model, expr, 0);
	fclose(out);
	copy = arena_strndup(arena, text, length);
	free(text);
	return copy;
}

bool expr_constant(const struct model *model, ref expr, int64_t *k)
{
	if (expr == REF_NONE || model->exprs.v[expr].op != X_CONST)
		return false;
	*k = model->exprs.v[expr].k;
	return true;
}

const char *rights_text(struct arena *arena, unsigned int rights)
{
	char both[2][4];
	int class, i;

	for (class = 0; class < 2; class ++) {
		int n = 0;

		for (i = 0; i < 3; i++)
			if (rights & 1u << (3 * class + i))
				both[class][n++] = "rwx"[i];
		if (!n)
			both[class][n++] = '-';
		both[class][n] = '\0';
	}
	return arena_printf(arena, "%s%s%s%s", both[0], strcmp(both[0], both[1]) ? "/" : "",
			    strcmp(both[0], both[1]) ? both[1] : "", rights & 64 ? " g" : "");
}

const char *letters_text(struct arena *arena, unsigned int rights)
{
	unsigned int privileged = rights & 7, user = rights >> 3 & 7, class = privileged ? privileged : user;

	if (privileged && user && privileged != user)
		return rights_text(arena, rights);
	return arena_printf(arena, "%s%s%s%s%s%s",
			    privileged == user ? ""
			    : user	       ? "u"
			    : privileged       ? "p"
					       : "",
			    class & 1 ? "r" : "", class & 2 ? "w" : "", class & 4 ? "x" : "",
			    class && rights & 64 ? " " : "", rights & 64 ? "g" : "");
}

const char *range_text(struct arena *arena, int hi, int lo)
{
	return hi == lo ? arena_printf(arena, "[%d]", hi) : arena_printf(arena, "[%d:%d]", hi, lo);
}

const char *binary_text(struct arena *arena, uint64_t value, int n)
{
	char digits[65];
	int i;

	for (i = 0; i < n && i < 64; i++)
		digits[i] = value >> (n - 1 - i) & 1 ? '1' : '0';
	digits[i] = '\0';
	return arena_printf(arena, "%s%s", n > 1 ? "0b" : "", digits);
}

/* A constant in as many binary digits as it has bits, where these are few. */
static const char *value_text(struct arena *arena, const struct model *model, const struct m_slice *slice)
{
	int width = slice->hi - slice->lo + 1;
	int64_t k;

	if (!expr_constant(model, slice->value, &k))
		return expr_text(arena, model, slice->value);
	if (width == 1)
		return k ? "1" : "0";
	if (width > 6)
		return arena_printf(arena, "0x%" PRIx64, (uint64_t)k);
	return binary_text(arena, (uint64_t)k, width);
}

/* Is this the only slice of its field in the kind? Then its name alone says it. */
static const char *field_text(struct arena *arena, const struct model *model, const struct m_slice *slice)
{
	const char *name = model->fields.v[slice->field].name;
	int width = slice->hi - slice->lo;
	const struct m_slice *other;
	bool whole = slice->to == 0;
	int i;

	for (i = 0; whole && i < model->slices.n; i++) {
		other = &model->slices.v[i];
		whole = other->field != slice->field || other->to + other->hi - other->lo <= width;
	}
	return whole ? name : arena_printf(arena, "%s%s", name, range_text(arena, slice->to + width, slice->to));
}

const char *slice_text(struct arena *arena, const struct model *model, const struct m_slice *slice)
{
	const char *bits = range_text(arena, slice->to + slice->hi - slice->lo, slice->to);

	switch ((enum m_role)slice->role) {
	case ROLE_RES0: return "res0";
	case ROLE_RES1: return "res1";
	case ROLE_IGNORED: return "ignored";
	case ROLE_SOFTWARE: return "software";
	case ROLE_CONST:
		if (slice->field == REF_NONE)
			return arena_printf(arena, "= %s", value_text(arena, model, slice));
		return arena_printf(arena, "%s = %s", field_text(arena, model, slice), value_text(arena, model, slice));
	case ROLE_FIELD: return field_text(arena, model, slice);
	case ROLE_ADDRESS:
		return arena_printf(arena, "%s%s%s%s", slice->via ? slice->via : "", slice->via ? "." : "",
				    model->output.name, bits);
	case ROLE_ROOT: return arena_printf(arena, "root%s", bits);
	}
	return "?";
}

const char *size_text(struct arena *arena, int lg2)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

	if (lg2 < 0 || lg2 > 69)
		return "?";
	return arena_printf(arena, "%d %s", 1 << lg2 % 10, units[lg2 / 10]);
}

const char *category_text(enum ast_category category)
{
	static const char *const names[] = {
		[CATEGORY_ABSENT] = "absent", [CATEGORY_FAULT] = "fault", [CATEGORY_NULL] = "null",
		[CATEGORY_TABLE] = "table",   [CATEGORY_LEAF] = "leaf",
	};

	return names[category];
}

const char *concept_text(enum ast_concept concept)
{
	static const char *const names[] = {
		[CONCEPT_PROT] = "prot",
		[CONCEPT_MEMTYPE] = "memtype",
		[CONCEPT_DIRTY] = "dirty",
	};

	return names[concept];
}

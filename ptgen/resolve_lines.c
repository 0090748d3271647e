/* SPDX-License-Identifier: MIT */
/* resolve_lines.c - lines of entries, groups and registers into slices with numbers. */
#include <stdlib.h>
#include <string.h>

#include "resolve.h"

enum { MAX_LINES = 1024, MAX_GROUPS = 32, MAX_FORMS = 256 };

/* ----------------------------------------------------------------------------------------------------------- groups */

static void add_lines(struct resolver *r, struct entry *entry, const struct ast_item *item,
		      const struct ast_item **path, int depth)
{
	ARRAY(const char *) near = {0};
	const struct ast_item *group;

	path[depth] = item;
	for (const struct ast_name *use = item->uses; use; use = use->next) {
		group = find_item(r, ITEM_FIELDS, use->name);
		if (!group) {
			for (int i = 0; i < r->items.n; i++)
				if (r->items.v[i].item->kind == ITEM_FIELDS)
					*ARRAY_ADD(r->arena, near) = r->items.v[i].item->name;
			if (complain(r, CHECK_UNDEFINED_NAME, use->span, "no group of fields is called '%s'",
				     use->name))
				suggest(r, use->name, near.v, near.n);
			continue;
		}
		for (int i = 1; i <= depth; i++) {
			if (path[i] != group)
				continue;
			complain(r, CHECK_INHERITANCE, use->span, "group '%s' contains itself", group->name);
			return;
		}
		if (depth + 1 >= MAX_GROUPS) {
			complain(r, CHECK_FORMAT, use->span, "groups nested too deep (more than %d)", MAX_GROUPS - 1);
			return;
		}
		add_lines(r, entry, group, path, depth + 1);
	}
	for (const struct ast_line *line = item->lines; line; line = line->next) {
		if (entry->lines.n >= MAX_LINES) {
			complain(r, CHECK_FORMAT, item->span, "'%s' has more than %d lines with its groups",
				 entry->item->name, MAX_LINES);
			return;
		}
		*ARRAY_ADD(r->arena, entry->lines) = line;
	}
}

void gather_lines(struct resolver *r, struct entry *entry)
{
	const struct ast_item *path[MAX_GROUPS];

	add_lines(r, entry, entry->item, path, 0);
}

/* ------------------------------------------------------------------------------------------------------------ types */

int type_bits(const char *type)
{
	char *end;
	long bits;

	if (type[0] != 'u' || type[1] < '1' || type[1] > '9')
		return 0;
	bits = strtol(type + 1, &end, 10);
	return *end || bits < 8 || bits > 256 || bits % 8 ? 0 : (int)bits;
}

bool word_type(struct resolver *r, struct span at, const char *type, const char *order, int *bytes, bool *big,
	       bool *host)
{
	int bits = type_bits(type);

	if (bits != 8 && bits != 16 && bits != 32 && bits != 64 && bits != 128) {
		if (complain(r, CHECK_GEOMETRY, at, "'%s' is no type of an entry", type))
			diag_mend(r->context, "entries are u8, u16, u32, u64 or u128");
		return false;
	}
	if (strcmp(order, "little") && strcmp(order, "big") && strcmp(order, "host")) {
		if (complain(r, CHECK_GEOMETRY, at, "'%s' is no byte order", order))
			diag_mend(r->context, "write little, big or host");
		return false;
	}
	*bytes = bits / 8;
	*big = order[0] == 'b';
	*host = order[0] == 'h';
	return true;
}

/* ----------------------------------------------------------------------------------------------------------- ranges */

/* What a line says in numbers: bits [hi:lo] hold bits [shi:slo] of its field or address. */
struct numbers {
	int64_t hi, lo, shi, slo;
};

static bool literal(const struct ast_bits *bits)
{
	return bits->hi && bits->hi->op == A_NUM && (!bits->lo || bits->lo->op == A_NUM);
}

/* Are the numbers a range of the word? *empty: yes, one without bits, which exists on paper only. */
static bool check_numbers(struct resolver *r, const struct ast_line *line, const struct numbers *n, int bits,
			  bool *empty)
{
	*empty = n->hi == n->lo - 1 && !literal(line->bits);
	if (*empty && (!line->slice || n->shi == n->slo - 1))
		return true;
	if (!*empty && n->hi < n->lo) {
		if (complain(r, CHECK_BIT_RANGE, line->bits->span, "range [%lld:%lld] is reversed", (long long)n->hi,
			     (long long)n->lo))
			diag_mend(r->context,
				  literal(line->bits)
					  ? "the high bit comes first"
					  : "computed from names it has no bits here: list the entry, or end its "
					    "row, where it has some");
		return false;
	}
	if (n->lo < 0 || n->hi >= bits) {
		/* Once is enough: mostly it is the word that is too small. */
		r->failed = true;
		if (!r->outside &&
		    complain(r, CHECK_BIT_RANGE, line->bits->span, "bits [%lld:%lld] lie outside of the word",
			     (long long)n->hi, (long long)n->lo))
			diag_mend(r->context, "the word has bits [%d:0]; 'word' says how many", bits - 1);
		r->outside = true;
		return false;
	}
	if (!line->slice)
		return true;
	if (n->slo < 0 || n->shi > 255 || n->shi < n->slo - 1) {
		complain(r, CHECK_BIT_RANGE, line->slice->span, "[%lld:%lld] is no range of bits of '%s'",
			 (long long)n->shi, (long long)n->slo, line->name);
		return false;
	}
	if (n->hi - n->lo == n->shi - n->slo)
		return true;
	if (complain(r, CHECK_BIT_RANGE, line->span, "[%lld:%lld] are %lld bits, but %s[%lld:%lld] are %lld",
		     (long long)n->hi, (long long)n->lo, (long long)(n->hi - n->lo + 1), line->name, (long long)n->shi,
		     (long long)n->slo, (long long)(n->shi - n->slo + 1)))
		diag_mend(r->context, "[%lld:%lld] hold %s[%lld:%lld]", (long long)n->hi, (long long)n->lo, line->name,
			  (long long)(n->slo + n->hi - n->lo), (long long)n->slo);
	return false;
}

/* Names of fields and addresses; the address is never a plain field. */
bool is_address_line(const struct resolver *r, const struct ast_line *line)
{
	return line->name && line->mean == MEAN_FIELD && (line->via || !strcmp(line->name, output_name(r)));
}

/* ----------------------------------------------------------------------------------------------------------- slices */

static ref line_cond(struct resolver *r, struct scope *scope, const struct ast_line *line)
{
	ref cond = REF_NONE, one;

	for (const struct ast_opt *opt = line->opts; opt; opt = opt->next) {
		if (opt->kind != OPT_IF)
			continue;
		one = resolve_expr(r, scope, opt->a);
		cond = cond == REF_NONE ? one : x_binary(r->scratch, X_AND, cond, one);
	}
	return cond;
}

static void line_opts(struct resolver *r, struct scope *scope, const struct ast_line *line, struct m_slice *slice,
		      bool entry)
{
	struct scope rights = *scope;

	rights.rights = entry;
	for (const struct ast_opt *opt = line->opts; opt; opt = opt->next) {
		switch (opt->kind) {
		case OPT_DEFAULT: slice->dflt = commit_expr(r, &rights, opt->a); break;
		case OPT_ALLOWS:
		case OPT_DENIES:
			if (!rights_mask(opt->name, opt->kind == OPT_ALLOWS ? &slice->allows : &slice->denies) &&
			    complain(r, CHECK_RIGHTS, opt->span, "'%s' are no rights", opt->name))
				diag_mend(r->context, "letters of r w x, after u or p for one class; u alone: all user "
						      "rights; g: global");
			break;
		case OPT_ACCESSED: slice->flags |= SLICE_ACCESSED; break;
		case OPT_DIRTY: slice->flags |= SLICE_DIRTY; break;
		case OPT_BY: slice->by = commit_expr(r, scope, opt->a); break;
		case OPT_LIVE: slice->flags |= SLICE_LIVE; break;
		case OPT_KEEP: slice->flags |= SLICE_KEEP; break;
		case OPT_SYNCED: slice->flags |= SLICE_SYNCED; break;
		case OPT_MARKS: slice->marks = commit_expr(r, scope, opt->a); break;
		case OPT_OR: slice->or_field = field_named(r, opt->name); break;
		default: break;
		}
	}
}

/* The value of a constant line. */
static ref line_value(struct resolver *r, struct scope *scope, const struct ast_line *line, int width)
{
	int64_t k;
	ref value;

	if (!line->value) {
		if (width > 64)
			complain(r, CHECK_BIT_RANGE, line->bits->span, "ones of more than 64 bits");
		return x_const(r->pool, width >= 64 ? -1 : (int64_t)(((uint64_t)1 << width) - 1));
	}
	value = commit_expr(r, scope, line->value);
	if (x_is_const(r->pool, value, &k) && width < 64 && (uint64_t)k >> width)
		if (complain(r, CHECK_BIT_RANGE, line->value->span, "%lld does not fit into %d bit%s", (long long)k,
			     width, width == 1 ? "" : "s"))
			diag_mend(r->context, "%d bit%s 0..%llu", width, width == 1 ? " holds" : "s hold",
				  (unsigned long long)(((uint64_t)1 << width) - 1));
	return value;
}

/* Legal values: an expression over the field, and what is written when nothing says more. */
static void line_in(struct resolver *r, struct scope *scope, const struct ast_line *line, struct m_slice *slice,
		    int width)
{
	const struct ast_range *first = line->set->ranges;
	ref field = x_leaf(r->scratch, X_FIELD, slice->field, REF_NONE, REF_NONE), bits = field;
	int64_t zero = 0, k;

	if (line->slice) {
		bits = x_binary(r->scratch, X_SHR, bits, x_const(r->scratch, slice->to));
		if (width < 63)
			bits = x_binary(r->scratch, X_MOD, bits, x_const(r->scratch, (int64_t)1 << width));
	}
	slice->in = commit(r, resolve_in(r, scope, bits, line->set));
	if (x_is_const(r->pool, slice->in, &k)) {
		if (!k)
			complain(r, CHECK_VALUE_SET, line->set->span, "no value is legal here");
		slice->in = REF_NONE;
		return;
	}
	if (!line->slice && slice->dflt == REF_NONE && !slice->allows && !slice->denies && first &&
	    x_is_const(r->pool, x_subst(r->pool, slice->in, X_FIELD, &slice->field, &zero, 1), &k) && !k)
		slice->dflt = commit_expr(r, scope, first->first);
}

/* One slice, with everything but its condition. register_: `root` is the root's address. */
static void add_slice(struct resolver *r, struct scope *scope, const struct ast_line *line, const struct numbers *n,
		      ref cond, bool is_register)
{
	int width = (int)(n->hi - n->lo + 1);
	struct m_slice slice = {
		.hi = (uint8_t)n->hi,
		.lo = (uint8_t)n->lo,
		.to = line->slice ? (uint8_t)n->slo : 0,
		.field = REF_NONE,
		.cond = cond,
		.value = REF_NONE,
		.in = REF_NONE,
		.dflt = REF_NONE,
		.by = REF_NONE,
		.marks = REF_NONE,
		.or_field = REF_NONE,
		.via = line->via,
		.doc = line->doc,
		.span = line->span,
		.name_span = line->name ? line->name_span : line->span,
	};

	if (is_register ? line->name && line->mean == MEAN_FIELD && !strcmp(line->name, "root")
			: is_address_line(r, line)) {
		slice.role = is_register ? ROLE_ROOT : ROLE_ADDRESS;
		if (!line->slice && complain(r, CHECK_BIT_RANGE, line->span, "which bits of '%s'?", line->name))
			diag_mend(r->context, "write %s[%lld:%lld] for the address bits that stand here", line->name,
				  (long long)n->hi, (long long)n->lo);
		if (line->via && strcmp(line->name, output_name(r)))
			complain(r, CHECK_UNDEFINED_NAME, line->name_span, "'%s' is not the output address",
				 line->name);
	} else if (line->name) {
		slice.field = field_named(r, line->name);
	}
	line_opts(r, scope, line, &slice, !is_register);
	switch (line->mean) {
	case MEAN_RES0: slice.role = ROLE_RES0; break;
	case MEAN_RES1: slice.role = ROLE_RES1; break;
	case MEAN_IGNORED: slice.role = ROLE_IGNORED; break;
	case MEAN_SOFTWARE: slice.role = ROLE_SOFTWARE; break;
	case MEAN_CONST:
	case MEAN_FIELD_CONST:
		slice.role = ROLE_CONST;
		slice.value = line_value(r, scope, line, width);
		break;
	case MEAN_FIELD:
		if (slice.field != REF_NONE)
			slice.role = ROLE_FIELD;
		break;
	case MEAN_IN:
		slice.field = field_named(r, arena_printf(r->arena, "bits%d_%d", slice.hi, slice.lo));
		slice.role = ROLE_FIELD;
		line_in(r, scope, line, &slice, width);
		break;
	case MEAN_FIELD_IN:
		slice.role = ROLE_FIELD;
		line_in(r, scope, line, &slice, width);
		break;
	}
	*ARRAY_ADD(r->arena, r->model->slices) = slice;
}

/* Most significant first; lines of the same bits stay in the order of the text. */
static void sort_slices(struct model *model, int first)
{
	for (int i = first + 1; i < model->slices.n; i++) {
		struct m_slice slice = model->slices.v[i];
		int at = i;

		while (at > first && model->slices.v[at - 1].hi < slice.hi) {
			model->slices.v[at] = model->slices.v[at - 1];
			at--;
		}
		model->slices.v[at] = slice;
	}
}

static bool settle_bits(struct resolver *r, struct scope *scope, const struct ast_bits *bits, int64_t *hi, int64_t *lo)
{
	if (!settle(r, scope, bits->hi, "a bit number", hi))
		return false;
	*lo = *hi;
	return !bits->lo || settle(r, scope, bits->lo, "a bit number", lo);
}

int kind_slices(struct resolver *r, struct scope *scope, const struct entry *entry, int bits)
{
	int first = r->model->slices.n;
	struct scope plain = *scope; /* bits and conditions are static: no fields in them */

	plain.entry = NULL;
	for (int i = 0; i < entry->lines.n; i++) {
		const struct ast_line *line = entry->lines.v[i];
		struct numbers n = {0};
		bool never, empty;
		ref cond = commit_cond(r, line_cond(r, &plain, line), &never);

		if (never || !settle_bits(r, &plain, line->bits, &n.hi, &n.lo))
			continue;
		if (line->slice && !settle_bits(r, &plain, line->slice, &n.shi, &n.slo))
			continue;
		if (check_numbers(r, line, &n, bits, &empty) && !empty)
			add_slice(r, &plain, line, &n, cond, false);
	}
	sort_slices(r->model, first);
	return r->model->slices.n - first;
}

/* -------------------------------------------------------------------------------------------------------- registers */

/* One form of a register's line: where its bits stand for some values of the parameters. */
struct form {
	struct numbers n;
	ref cond;
};

static ref combination(struct resolver *r, const struct combos *combos)
{
	ref cond = x_const(r->pool, 1);

	for (int i = 0; i < combos->n; i++) {
		ref param = x_leaf(r->pool, X_PARAM, combos->param[i], REF_NONE, REF_NONE);
		ref is = x_binary(r->pool, X_EQ, param, x_const(r->pool, combos->value[combos->param[i]]));

		cond = x_binary(r->pool, X_AND, cond, is);
	}
	return cond;
}

/* A register's ranges may depend on run-time parameters: one slice for each form that they take. */
static void register_line(struct resolver *r, const struct ast_line *line, int bits)
{
	struct scope scope = scope_plain();
	ARRAY(struct form) forms = {0};
	const struct ast_expr *at[4] = {line->bits->hi, line->bits->lo ? line->bits->lo : line->bits->hi};
	struct combos combos;
	struct m_env env = {.param = combos.value, .kind = REF_NONE};
	ref number[4] = {REF_NONE, REF_NONE, REF_NONE, REF_NONE}, cond;
	uint32_t params = 0;
	bool never, empty;

	if (line->slice) {
		at[2] = line->slice->hi;
		at[3] = line->slice->lo ? line->slice->lo : line->slice->hi;
	}
	cond = commit_cond(r, line_cond(r, &scope, line), &never);
	for (int i = 0; i < 4 && at[i]; i++) {
		number[i] = commit_expr(r, &scope, at[i]);
		params |= params_of(r->model, number[i]);
	}
	if (never)
		return;
	if (combos_start(&combos, r->model, params) > MAX_FORMS) {
		complain(r, CHECK_NOT_CONSTANT, line->bits->span, "the range takes more than %d forms", MAX_FORMS);
		return;
	}
	do {
		struct numbers n = {model_eval(r->model, number[0], &env), model_eval(r->model, number[1], &env),
				    model_eval(r->model, number[2], &env), model_eval(r->model, number[3], &env)};
		ref when = params ? combination(r, &combos) : x_const(r->pool, 1);
		int known = 0;

		if (!(params_of(r->model, cond) & ~params) && !model_holds(r->model, cond, &env))
			continue;
		if (!check_numbers(r, line, &n, bits, &empty) || empty)
			continue;
		while (known < forms.n && memcmp(&forms.v[known].n, &n, sizeof(n)))
			known++;
		if (known < forms.n) {
			forms.v[known].cond = x_binary(r->pool, X_OR, forms.v[known].cond, when);
			continue;
		}
		struct form *form = ARRAY_ADD(r->arena, forms);

		form->n = n;
		form->cond = when;
	} while (combos_next(&combos));
	for (int i = 0; i < forms.n; i++) {
		int64_t k;
		ref both = forms.v[i].cond;

		if (cond != REF_NONE)
			both = x_binary(r->pool, X_AND, both, cond);
		add_slice(r, &scope, line, &forms.v[i].n, x_is_const(r->pool, both, &k) ? REF_NONE : both, true);
	}
}

int register_slices(struct resolver *r, const struct ast_item *item, int bits)
{
	int first = r->model->slices.n;

	for (const struct ast_line *line = item->lines; line; line = line->next)
		register_line(r, line, bits);
	sort_slices(r->model, first);
	return r->model->slices.n - first;
}

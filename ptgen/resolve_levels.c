/* SPDX-License-Identifier: MIT */
/* resolve_levels.c - the levels of one shape, their kinds, and where table entries lead. */
#include <string.h>

#include "resolve.h"

/* ---------------------------------------------------------------------------------------- where a table entry leads */

static void add_next(struct resolver *r, struct place *place, const char *via, ref cond)
{
	struct m_next *next = ARRAY_ADD(r->arena, r->model->nexts);

	next->via = via;
	next->level = (ref)(place - r->places.v); /* its level is known when the shape is complete */
	next->cond = cond;
	place->reached = true;
}

static struct place *place_with(struct resolver *r, const struct ast_item *item, const int64_t *args, int n)
{
	for (int i = 0; i < r->places.n; i++) {
		struct place *place = &r->places.v[i];

		if (item ? place->item == item && place->n_vars == n && place->vars[0] == args[0] &&
				    (n < 2 || place->vars[1] == args[1])
			 : place->numbered && place->number == args[0])
			return place;
	}
	return NULL;
}

/* The target of a `next`: a level item and its arguments, or (item NULL) the number of a level. */
struct target {
	const struct ast_expr *expr;
	const struct ast_item *item;
	const char *via;
	ref arg[2], cond, when;
	int n_args;
};

/* Fields that an expression mentions, without repetition; false when there are too many. */
static bool fields_of(const struct model *model, ref expr, ref *field, int *n, int room)
{
	const struct m_expr *e;

	if (expr == REF_NONE)
		return true;
	e = &model->exprs.v[expr];
	switch ((enum m_op)e->op) {
	case X_FIELD:
		for (int i = 0; i < *n; i++)
			if (field[i] == e->a)
				return true;
		if (*n == room)
			return false;
		field[(*n)++] = e->a;
		return true;
	case X_CONST:
	case X_PARAM:
	case X_BITS:
	case X_RIGHT:
	case X_ADDRESS: return true;
	default:
		return fields_of(model, e->a, field, n, room) && fields_of(model, e->b, field, n, room) &&
		       fields_of(model, e->c, field, n, room);
	}
}

static int field_bits(const struct model *model, int first_slice, ref field)
{
	int bits = 0;

	for (int i = first_slice; i < model->slices.n; i++) {
		const struct m_slice *slice = &model->slices.v[i];

		if (slice->field == field && slice->to + slice->hi - slice->lo + 1 > bits)
			bits = slice->to + slice->hi - slice->lo + 1;
	}
	return bits;
}

static bool is_false(struct resolver *r, ref cond, const ref *field, const int64_t *value, int n)
{
	int64_t k;

	return cond != REF_NONE && x_is_const(r->pool, x_subst(r->pool, cond, X_FIELD, field, value, n), &k) && !k;
}

/* Can these values of fields stand in the kind whose slices begin at first? */
static bool legal(struct resolver *r, const struct target *target, int first, const ref *field, const int64_t *value,
		  int n)
{
	if (is_false(r, target->when, field, value, n) || is_false(r, target->cond, field, value, n))
		return false;
	for (int i = first; i < r->model->slices.n; i++) {
		struct m_slice slice = r->model->slices.v[i];
		int64_t k;

		if (slice.field == REF_NONE || slice.cond != REF_NONE)
			continue;
		if (is_false(r, slice.in, field, value, n))
			return false;
		if (slice.role != ROLE_CONST || !x_is_const(r->pool, slice.value, &k))
			continue;
		for (int f = 0; f < n; f++) {
			if (field[f] != slice.field)
				continue;
			/* fields that choose are at most MAX_FIELD_BITS wide */
			if ((((uint64_t)value[f] >> slice.to) & (((uint64_t)1 << (slice.hi - slice.lo + 1)) - 1)) !=
			    (uint64_t)k)
				return false;
		}
	}
	return true;
}

static const char *values_text(struct resolver *r, const ref *field, const int64_t *value, int n)
{
	const char *text = "";

	for (int i = 0; i < n; i++)
		text = arena_printf(r->arena, "%s%s%s = %lld", text, i ? ", " : "", r->model->fields.v[field[i]].name,
				    (long long)value[i]);
	return text;
}

/* Fields choose the level: one next per level, under the values that lead there. */
static void next_by_fields(struct resolver *r, const struct target *target, int first)
{
	ref field[4], cond;
	int64_t value[4] = {0}, args[2] = {0};
	int n = 0, bits = 0, width[4];
	struct place *place;
	ARRAY(ref) conds = {0};

	for (int i = 0; i < target->n_args; i++) {
		if (fields_of(r->model, target->arg[i], field, &n, 4))
			continue;
		complain(r, CHECK_NEXT_LEVEL, target->expr->span, "more than 4 fields choose the next level");
		return;
	}
	for (int i = 0; i < n; i++)
		bits += width[i] = field_bits(r->model, first, field[i]);
	if (bits > MAX_FIELD_BITS) {
		complain(r, CHECK_NEXT_LEVEL, target->expr->span, "%d bits choose the next level; at most %d can", bits,
			 MAX_FIELD_BITS);
		return;
	}
	for (int i = 0; i < r->places.n; i++)
		*ARRAY_ADD(r->arena, conds) = REF_NONE;
	for (uint32_t all = 0; all < (uint32_t)1 << bits; all++) {
		uint32_t rest = all;

		for (int i = 0; i < n; i++, rest >>= width[i - 1])
			value[i] = rest & (((uint32_t)1 << width[i]) - 1);
		if (!legal(r, target, first, field, value, n))
			continue;
		for (int i = 0; i < target->n_args; i++) {
			if (x_is_const(r->pool, x_subst(r->pool, target->arg[i], X_FIELD, field, value, n), &args[i]))
				continue;
			complain(r, CHECK_NOT_CONSTANT, target->expr->span, "fields alone must choose the next level");
			return;
		}
		place = place_with(r, target->item, args, target->n_args);
		if (!place || !conds.v) {
			if (complain(r, CHECK_NEXT_LEVEL, target->expr->span, "%s leads to %s %lld, which there is not",
				     values_text(r, field, value, n), target->item ? target->item->name : "level",
				     (long long)args[0]))
				diag_mend(r->context, "exclude that value with when, or with in on the field's line");
			return;
		}
		cond = x_const(r->pool, 1);
		for (int i = 0; i < n; i++)
			cond = x_binary(r->pool, X_AND, cond,
					x_binary(r->pool, X_EQ, x_leaf(r->pool, X_FIELD, field[i], REF_NONE, REF_NONE),
						 x_const(r->pool, value[i])));
		if (conds.v[place - r->places.v] != REF_NONE)
			cond = x_binary(r->pool, X_OR, conds.v[place - r->places.v], cond);
		conds.v[place - r->places.v] = cond;
	}
	for (int i = 0; i < r->places.n; i++) {
		if (conds.v[i] == REF_NONE)
			continue;
		cond = target->cond == REF_NONE ? conds.v[i] : x_binary(r->pool, X_AND, target->cond, conds.v[i]);
		add_next(r, &r->places.v[i], target->via, cond);
	}
}

static const char *via_of(const struct model *model, int first, const char *name)
{
	for (int i = first; i < model->slices.n; i++)
		if (model->slices.v[i].via && !strcmp(model->slices.v[i].via, name))
			return model->slices.v[i].via;
	return NULL;
}

static bool any_via(const struct model *model, int first)
{
	for (int i = first; i < model->slices.n; i++)
		if (model->slices.v[i].via)
			return true;
	return false;
}

/* Arguments of `NAME(a, b)`, into the model; false when their number is wrong. */
static bool target_args(struct resolver *r, struct scope *scope, struct target *target)
{
	int wanted = 0;

	for (const struct ast_arg *arg = target->item->args; arg; arg = arg->next)
		wanted++;
	for (const struct ast_expr *arg = target->expr->op == A_CALL ? target->expr->args : NULL; arg;
	     arg = arg->next) {
		if (target->n_args < 2)
			target->arg[target->n_args] = commit_expr(r, scope, arg);
		target->n_args++;
	}
	if (target->n_args == wanted && wanted <= 2)
		return true;
	complain(r, CHECK_NEXT_LEVEL, target->expr->span, "level '%s' takes %d argument%s, not %d", target->item->name,
		 wanted, wanted == 1 ? "" : "s", target->n_args);
	return false;
}

static void add_target(struct resolver *r, struct scope *scope, const struct ast_opt *opt, ref when, int first)
{
	struct target target = {.expr = opt->a, .cond = REF_NONE, .when = when};
	struct place *place;
	int64_t args[2] = {0}, k;
	bool known = true;

	if (opt->cond) {
		target.cond = commit_expr(r, scope, opt->cond);
		if (x_is_const(r->pool, target.cond, &k)) {
			if (!k)
				return;
			target.cond = REF_NONE;
		}
	}
	if (opt->a->op == A_NAME || opt->a->op == A_CALL)
		target.item = level_item(r, opt->a->name);
	if (any_via(r->model, first)) {
		target.via = target.item ? via_of(r->model, first, target.item->name) : NULL;
		if (!target.via) {
			complain(r, CHECK_NEXT_LEVEL, opt->a->span, "no line holds the address of this table");
			return;
		}
	}
	if (target.item && !target_args(r, scope, &target))
		return;
	if (!target.item) {
		target.arg[0] = commit_expr(r, scope, opt->a);
		target.n_args = 1;
	}
	for (int i = 0; i < target.n_args; i++)
		known &= x_is_const(r->pool, target.arg[i], &args[i]);
	if (!known) {
		next_by_fields(r, &target, first);
		return;
	}
	place = target.item && !target.n_args ? place_named(r, target.item->name)
					      : place_with(r, target.item, args, target.n_args);
	if (place)
		add_next(r, place, target.via, target.cond);
	else if (!target.item)
		complain(r, CHECK_NEXT_LEVEL, opt->a->span, "there is no level %lld", (long long)args[0]);
	else
		complain(r, CHECK_NEXT_LEVEL, opt->a->span, "level '%s' does not take %lld%s", target.item->name,
			 (long long)args[0], target.n_args > 1 ? " and its other argument" : "");
}

static void add_nexts(struct resolver *r, const struct place *place, struct scope *scope, const struct entry *entry,
		      ref when, int first)
{
	const struct ast_opt *opt = find_opt(entry->item->opts, OPT_NEXT);
	int at = (int)(place - r->places.v) + 1;

	if (opt) {
		for (; opt; opt = find_opt(opt->next, OPT_NEXT))
			add_target(r, scope, opt, when, first);
		return;
	}
	while (place->item->args && at < r->places.n && r->places.v[at].item == place->item)
		at++;
	if (at == r->places.n) {
		if (complain(r, CHECK_NEXT_LEVEL, entry->item->name_span,
			     "'%s' is a table entry, but level %s is the last one", entry->item->name, place->name))
			diag_mend(r->context, "levels stand in walk order, the root's first; keep it out of the last "
					      "one with 'if', or say next LEVEL");
	} else if (r->places.v[at].item->args) {
		if (complain(r, CHECK_NEXT_LEVEL, entry->item->name_span,
			     "'%s' leads to level '%s', which needs arguments", entry->item->name,
			     r->places.v[at].item->name))
			diag_mend(r->context, "say next %s(...)", r->places.v[at].item->name);
	} else if (any_via(r->model, first)) {
		complain(r, CHECK_NEXT_LEVEL, entry->item->name_span,
			 "'%s' holds several table addresses, but does not say next", entry->item->name);
	} else {
		add_next(r, &r->places.v[at], NULL, REF_NONE);
	}
}

/* ------------------------------------------------------------------------------------------------------------ kinds */

static int exact_lg2(int64_t n)
{
	int lg2 = 0;

	if (n <= 0 || (n & (n - 1)))
		return -1;
	while (n >> lg2 > 1)
		lg2++;
	return lg2;
}

static void kind_group(struct resolver *r, struct scope *scope, const struct entry *entry, const struct m_level *level,
		       struct m_kind *kind)
{
	for (const struct ast_opt *opt = entry->item->opts; opt; opt = opt->next) {
		int64_t n;

		if (opt->kind != OPT_REPEAT && opt->kind != OPT_CONTIG)
			continue;
		if (kind->category != CATEGORY_LEAF) {
			complain(r, CHECK_GEOMETRY, opt->span, "only leaves take several slots");
			continue;
		}
		if (!settle(r, scope, opt->a, "the number of slots", &n))
			continue;
		kind->group_lg2 = exact_lg2(n);
		if (kind->group_lg2 < 0 || kind->group_lg2 > level->hi - level->lo + 1) {
			if (complain(r, CHECK_GEOMETRY, opt->span, "%lld slots are no group in a table of %lld entries",
				     (long long)n, (long long)1 << (level->hi - level->lo + 1)))
				diag_mend(r->context, "a group is a power of two, and not larger than its table");
			kind->group_lg2 = 0;
		}
		if (kind->group_lg2 > 0)
			kind->group = opt->kind == OPT_REPEAT ? GROUP_REPEAT : GROUP_CONTIG;
	}
}

/* One kind under a scope that has all its variables; cond: the static condition, scratch pool. */
static void add_kind(struct resolver *r, const struct place *place, struct scope *scope, const struct entry *entry,
		     ref cond, ref row, int64_t row_k)
{
	const struct ast_opt *raises = find_opt(entry->item->opts, OPT_RAISES);
	const struct m_level level = r->model->levels.v[place->level];
	struct scope fields = *scope;
	struct m_kind kind = {
		.name = entry->item->name,
		.doc = entry->item->doc,
		.category = entry->item->category,
		.level = place->level,
		.row = row,
		.row_k = row_k,
		.when = REF_NONE,
		.fault = raises ? fault_named(r, raises->name) : REF_NONE,
		.first_slice = r->model->slices.n,
		.first_next = r->model->nexts.n,
		.span = entry->item->name_span,
	};
	bool never;
	int64_t k;

	fields.entry = entry;
	kind.present = commit_cond(r, cond, &never);
	if (never)
		return;
	for (const struct ast_opt *opt = entry->item->opts; opt; opt = opt->next) {
		ref when;

		if (opt->kind != OPT_WHEN)
			continue;
		when = commit_expr(r, &fields, opt->a);
		kind.when = kind.when == REF_NONE ? when : x_binary(r->pool, X_AND, kind.when, when);
	}
	if (x_is_const(r->pool, kind.when, &k)) {
		if (!k)
			return;
		kind.when = REF_NONE;
	}
	kind_group(r, scope, entry, &level, &kind);
	if (kind.category == CATEGORY_LEAF)
		kind.lg2 = level.lo + kind.group_lg2;
	if (kind.lg2 > 63)
		return; /* larger than any input */
	kind.n_slices = kind_slices(r, scope, entry, level.entry_bytes * 8);
	if (kind.category == CATEGORY_TABLE)
		add_nexts(r, place, &fields, entry, kind.when, kind.first_slice);
	kind.n_next = r->model->nexts.n - kind.first_next;
	*ARRAY_ADD(r->arena, r->model->kinds) = kind;
}

/* A row of kinds, one per value. */
static void add_row(struct resolver *r, const struct place *place, struct scope *scope, const struct entry *entry,
		    const struct ast_opt *row, ref cond, ref number)
{
	int64_t first, last;

	for (const struct ast_range *range = row->set->ranges; range; range = range->next) {
		if (!settle(r, scope, range->first, "a size of a row", &first))
			return;
		last = first;
		if (range->last && !settle(r, scope, range->last, "a size of a row", &last))
			return;
		if (last > first && (uint64_t)last - (uint64_t)first > 128) {
			complain(r, CHECK_GEOMETRY, range->span, "a row of more than 128 kinds");
			return;
		}
		for (int64_t k = first; k <= last; k++) {
			struct scope inner = *scope;
			ref both = cond, one;

			add_variable(&inner, row->name, x_const(r->scratch, k));
			if (row->cond) {
				one = resolve_expr(r, &inner, row->cond);
				both = both == REF_NONE ? one : x_binary(r->scratch, X_AND, both, one);
			}
			add_kind(r, place, &inner, entry, both, number, k);
		}
	}
}

static void twice(struct resolver *r, const struct ast_kind *listed, const struct ast_kind *other)
{
	if (!complain(r, CHECK_DUPLICATE_NAME, listed->span, "'%s' is listed twice at this level", listed->name))
		return;
	diag_related(r->context, other->span, "first here");
	diag_mend(r->context, "list it once");
}

static void add_kinds(struct resolver *r, const struct place *place, struct scope *scope)
{
	ref row = 0;

	for (const struct ast_kind *listed = place->item->kinds; listed; listed = listed->next) {
		struct entry *entry = find_entry(r, listed->name);
		const struct ast_opt *opt;
		ref cond = REF_NONE;

		if (!entry) /* reported with the keys */
			continue;
		if (listed->cond)
			cond = resolve_expr(r, scope, listed->cond);
		for (const struct ast_kind *other = place->item->kinds; other != listed; other = other->next)
			if (!strcmp(other->name, listed->name) && !other->cond && !listed->cond)
				twice(r, listed, other);
		opt = find_opt(entry->item->opts, OPT_FOR);
		r->where = arena_printf(
			r->arena, "'%s' at level %s%s%s", listed->name, place->name,
			r->model->shapes.n > 1 ? ", shape " : "",
			r->model->shapes.n > 1 ? r->model->shapes.v[r->model->levels.v[place->level].shape].name : "");
		if (opt)
			add_row(r, place, scope, entry, opt, cond, row++);
		else
			add_kind(r, place, scope, entry, cond, REF_NONE, 0);
		r->where = NULL;
	}
}

/* ----------------------------------------------------------------------------------------------------------- levels */

static bool level_bits(struct resolver *r, const struct place *place, struct scope *scope, struct m_level *level)
{
	int64_t hi = 0, lo = 0;
	bool known = x_is_const(r->pool, commit(r, scope->hi), &hi) && x_is_const(r->pool, commit(r, scope->lo), &lo);

	if (known && lo >= 0 && lo < 64 && hi >= lo - 1 && hi - lo < 32 && hi < 128) {
		level->hi = (int)hi;
		level->lo = (int)lo;
		return true;
	}
	if (known)
		complain(r, CHECK_GEOMETRY, place->item->bits->span, "level %s would be indexed by bits [%lld:%lld]",
			 place->name, (long long)hi, (long long)lo);
	else
		complain(r, CHECK_NOT_CONSTANT, place->item->bits->span, "the index of a level must be known");
	return false;
}

static void level_word(struct resolver *r, const struct place *place, struct m_level *level)
{
	const struct ast_item *word = find_item(r, ITEM_WORD, NULL);
	const struct ast_opt *opt = find_opt(place->item->opts, OPT_WORD);
	bool ok;

	level->entry_bytes = 8;
	if (opt)
		ok = word_type(r, opt->span, opt->name, opt->name2, &level->entry_bytes, &level->big_endian,
			       &level->host_endian);
	else if (word)
		ok = word_type(r, word->span, word->name, word->name2, &level->entry_bytes, &level->big_endian,
			       &level->host_endian);
	else
		ok = false;
	if (!ok && !opt && !word && complain(r, CHECK_FORMAT, place->item->span, "the size of the entries is not said"))
		diag_mend(r->context, "write word u64 little; in the format, or word u64 little after the index");
}

/* A size in bytes that an option gives. */
static void level_bytes(struct resolver *r, struct scope *scope, const struct ast_opt *opt, const char *what,
			uint32_t *bytes)
{
	int64_t n;

	if (!opt || !settle(r, scope, opt->a, what, &n))
		return;
	if (n <= 0 || n > (int64_t)1 << 31)
		complain(r, CHECK_GEOMETRY, opt->span, "%s cannot be %lld", what, (long long)n);
	else
		*bytes = (uint32_t)n;
}

static void level_tables(struct resolver *r, const struct place *place, struct scope *scope, struct m_level *level)
{
	const struct ast_opt *opts = place->item->opts, *every = find_opt(opts, OPT_EVERY),
			     *limit = find_opt(opts, OPT_LIMIT);
	uint64_t entries = (uint64_t)1 << (level->hi - level->lo + 1);
	uint64_t natural;
	int64_t n, first;

	if (every && settle(r, scope, every->a, "the distance of entries", &n)) {
		level->every_lg2 = exact_lg2(n);
		if (level->every_lg2 < 0 || level->every_lg2 > 16) {
			complain(r, CHECK_GEOMETRY, every->span,
				 "every %lld: the distance of entries is a power of two", (long long)n);
			level->every_lg2 = 0;
		}
	}
	natural = (entries << level->every_lg2) * (uint64_t)level->entry_bytes;
	if (natural > (uint64_t)1 << 31) {
		complain(r, CHECK_GEOMETRY, place->item->bits->span, "tables of level %s would have more than 2 GiB",
			 place->name);
		natural = 0;
	}
	level->table_bytes = (uint32_t)natural;
	level_bytes(r, scope, find_opt(opts, OPT_TABLE), "bytes of a table", &level->table_bytes);
	if (level->table_bytes < natural)
		complain(r, CHECK_GEOMETRY, place->item->span, "level %s: %u bytes do not hold its %llu entries",
			 place->name, level->table_bytes, (unsigned long long)entries);
	level->align = level->table_bytes;
	level_bytes(r, scope, find_opt(opts, OPT_ALIGN), "the alignment of a table", &level->align);
	if (exact_lg2(level->align) < 0 && level->align)
		complain(r, CHECK_GEOMETRY, place->item->span, "level %s: an alignment of %u is no power of two",
			 place->name, level->align);
	level->last_index = (uint32_t)(entries - 1);
	if (!limit)
		return;
	if (!settle(r, scope, limit->a, "the first index", &first) || !settle(r, scope, limit->b, "the last index", &n))
		return;
	level->first_index = (uint32_t)first;
	level->last_index = (uint32_t)n;
	if (first < 0 || n < first || (uint64_t)n >= entries)
		complain(r, CHECK_GEOMETRY, limit->span, "the index of level %s has values 0..%llu", place->name,
			 (unsigned long long)entries - 1);
}

static void add_level(struct resolver *r, struct place *place, ref shape)
{
	struct scope scope = place_scope(r, place);
	struct m_level level = {
		.name = place->name,
		.item = place->item->numbered ? arena_printf(r->arena, "%lld", (long long)place->item->number)
					      : place->item->name,
		.number = (int)place->number,
		.shape = shape,
		.first_kind = r->model->kinds.n,
		.args = {place->vars[0], place->vars[1]},
		.n_args = place->item->args ? place->n_vars : 0,
		.span = place->item->span,
	};

	level_word(r, place, &level);
	if (!level_bits(r, place, &scope, &level))
		return;
	level_tables(r, place, &scope, &level);
	place->level = r->model->levels.n;
	*ARRAY_ADD(r->arena, r->model->levels) = level;
	add_kinds(r, place, &scope);
	r->model->levels.v[place->level].n_kinds = r->model->kinds.n - level.first_kind;
}

void expand_shape(struct resolver *r, ref shape)
{
	struct model *m = r->model;
	int levels = m->levels.n, kinds = m->kinds.n, slices = m->slices.n, nexts = m->nexts.n;
	bool again;

	/* Entries may lead to levels that were passed already: then once more, with those. */
	do {
		again = false;
		m->levels.n = levels;
		m->kinds.n = kinds;
		m->slices.n = slices;
		m->nexts.n = nexts;
		for (int i = 0; i < r->places.n; i++)
			r->places.v[i].level = REF_NONE;
		for (int i = 0; i < r->places.n; i++)
			if (r->places.v[i].reached)
				add_level(r, &r->places.v[i], shape);
		for (int i = 0; i < r->places.n; i++)
			again |= r->places.v[i].reached && r->places.v[i].level == REF_NONE;
	} while (again && !r->failed);
	for (int i = nexts; i < m->nexts.n; i++)
		m->nexts.v[i].level = r->places.v[m->nexts.v[i].level].level;
	for (int i = 0; i < r->places.n; i++)
		r->places.v[i].ever_reached |= r->places.v[i].reached;
	m->shapes.v[shape].first_level = levels;
	m->shapes.v[shape].n_levels = m->levels.n - levels;
}

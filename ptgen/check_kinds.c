/* SPDX-License-Identifier: MIT */
/*
 * check_kinds.c - the kinds of a level: each word is of at most one, there is one to write for "nothing here", nothing
 * else has to choose between two, and absent and table words are what they are written to be.
 */
#include "check_run.h"

#include <string.h>

enum { MAX_OPEN_BITS = 16 };

/* ---------------------------------------------------------------------------------------------------- kinds missing */

/* Is there, under every configuration of the level, an absent kind (or one that reads as nothing)? */
static void check_absent(struct run *run, ref level)
{
	const struct model *model = run->model;
	const struct m_level *l = &model->levels.v[level];
	struct config config;
	params used = 0;

	for (int i = 0; i < l->n_kinds; i++) {
		const struct m_kind *kind = &model->kinds.v[l->first_kind + i];

		if (kind->category != CATEGORY_ABSENT)
			continue;
		if (kind->present == REF_NONE)
			return;
		used |= params_in(model, kind->present);
	}
	config_begin(&config, run, l->shape, REF_NONE, used, l->span);
	while (config_next(&config)) {
		bool found = false;

		for (int i = 0; i < l->n_kinds && !found; i++) {
			const struct m_kind *kind = &model->kinds.v[l->first_kind + i];

			found = kind->category == CATEGORY_ABSENT && config_holds(&config, kind->present);
		}
		if (found || !config_possible(&config))
			continue;
		if (first_time(run, CHECK_MISSING_KIND, l->span, l->span)) {
			diag(run->context, CHECK_MISSING_KIND, l->span, "level %s has no absent entry%s", l->name,
			     say_config(&config, used));
			diag_mend(run->context, "list an 'entry absent': what an unmapped slot holds");
		}
		return;
	}
}

void check_missing_kinds(struct run *run)
{
	const struct model *model = run->model;
	bool leaf = false;

	for (int i = 0; i < model->levels.n; i++)
		check_absent(run, i);
	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		leaf = leaf || kind->category == CATEGORY_LEAF;
		if (kind->category != CATEGORY_TABLE || kind->n_next)
			continue;
		run->kind[i].broken = true;
		if (first_time(run, CHECK_MISSING_KIND, kind->span, kind->span)) {
			diag(run->context, CHECK_MISSING_KIND, kind->span, "%s leads to no level", say_kind(run, i));
			diag_mend(run->context,
				  "declare the next level, say 'next', or do not list it at the last level");
		}
	}
	if (!leaf && model->kinds.n && first_time(run, CHECK_MISSING_KIND, model->span, model->span)) {
		diag(run->context, CHECK_MISSING_KIND, model->span, "'%s' has no leaf entry: nothing can be mapped",
		     model->name);
		diag_mend(run->context, "list an 'entry leaf' at the level of the smallest page");
	}
}

/* --------------------------------------------------------------------------------------------------- pairs of kinds */

/* Constants that hold under every configuration: most pairs differ in these. */
static void plain_constants(struct run *run, ref kind, uint64_t mask[2], uint64_t value[2])
{
	const struct m_kind *k = kind_of(run, kind);

	memset(mask, 0, 2 * sizeof(*mask));
	memset(value, 0, 2 * sizeof(*value));
	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];
		const struct m_expr *e;

		if (slice->role != ROLE_CONST || slice->cond != REF_NONE || slice->value == REF_NONE ||
		    !codec_fits(slice))
			continue;
		e = &run->model->exprs.v[slice->value];
		if (e->op != X_CONST)
			continue;
		bits_set(mask, slice->hi, slice->lo);
		bits_put(value, slice->hi, slice->lo, (uint64_t)e->k);
	}
}

static bool clash(const uint64_t mask_a[2], const uint64_t value_a[2], const uint64_t mask_b[2],
		  const uint64_t value_b[2])
{
	return ((value_a[0] ^ value_b[0]) & mask_a[0] & mask_b[0]) ||
	       ((value_a[1] ^ value_b[1]) & mask_a[1] & mask_b[1]);
}

/* The bits of the word that an expression over it looks at. */
static void looked_at(const struct codec_bound *bound, ref expr, uint64_t bits[2])
{
	const struct m_expr *e;
	ref part[3];

	if (expr == REF_NONE)
		return;
	e = &bound->model->exprs.v[expr];
	if (e->op == X_FIELD) {
		for (int i = 0; i < bound->n_lines; i++)
			if (bound->line[i].slice->field == e->a)
				bits_set(bits, bound->line[i].slice->hi, bound->line[i].slice->lo);
	} else if (e->op == X_BITS && e->a >= e->b && e->b >= 0 && e->a < CODEC_WORD_BITS) {
		bits_set(bits, (unsigned int)e->a, (unsigned int)e->b);
	}
	for (int n = expr_parts(e, part); n > 0; n--)
		looked_at(bound, part[n - 1], bits);
}

/* The constants of a bound kind, addresses known at run time included (as sample values). */
static void all_constants(const struct codec_bound *bound, uint64_t mask[2], uint64_t value[2])
{
	memcpy(mask, bound->masks.mask, 2 * sizeof(*mask));
	memcpy(value, bound->masks.value, 2 * sizeof(*value));
	for (int i = 0; i < bound->n_lines; i++) {
		const struct codec_line *line = &bound->line[i];

		if (!line->is_address)
			continue;
		bits_set(mask, line->slice->hi, line->slice->lo);
		bits_put(value, line->slice->hi, line->slice->lo, line->value);
	}
}

/* Spread the low bits of number over the set bits of open. */
static void deposit(uint64_t word[2], const uint64_t open[2], uint32_t number)
{
	for (int half = 0; half < 2; half++)
		for (uint64_t left = open[half]; left; left &= left - 1, number >>= 1)
			if (number & 1)
				word[half] |= left & (~left + 1);
}

static int count_bits(const uint64_t bits[2])
{
	int n = 0;

	for (int half = 0; half < 2; half++)
		for (uint64_t left = bits[half]; left; left &= left - 1)
			n++;
	return n;
}

/* By enumeration of the bits that their `when` look at and their constants leave open. */
int find_witness(struct run *run, const struct codec_bound *a, const struct codec_bound *b, uint64_t word[2])
{
	uint64_t mask_a[2], mask_b[2], value_a[2], value_b[2], open[2] = {0, 0};
	int n;

	all_constants(a, mask_a, value_a);
	all_constants(b, mask_b, value_b);
	if (clash(mask_a, value_a, mask_b, value_b))
		return 0;
	looked_at(a, a->model->kinds.v[a->kind].when, open);
	looked_at(b, b->model->kinds.v[b->kind].when, open);
	for (int half = 0; half < 2; half++)
		open[half] &= ~(mask_a[half] | mask_b[half]);
	n = count_bits(open);
	if (n > MAX_OPEN_BITS)
		return -1;
	run->work += 1L << n;
	for (uint32_t number = 0; number < (uint32_t)1 << n; number++) {
		word[0] = value_a[0] | value_b[0];
		word[1] = value_a[1] | value_b[1];
		deposit(word, open, number);
		if (codec_bound_is(a, word) && codec_bound_is(b, word))
			return 1;
	}
	return 0;
}

struct pair {
	ref a, b;
	const uint64_t *word;
};

static bool both(struct config *config, void *ctx)
{
	const struct pair *pair = ctx;
	struct run *run = config->run;

	codec_bind(&run->bound[0], run->model, pair->a, config->param);
	codec_bind(&run->bound[1], run->model, pair->b, config->param);
	return codec_bound_is(&run->bound[0], pair->word) && codec_bound_is(&run->bound[1], pair->word);
}

static void report_pair(struct run *run, struct config *config, ref a, ref b, int found, const uint64_t word[2],
			params which)
{
	const struct m_kind *first = kind_of(run, a), *second = kind_of(run, b);
	struct pair pair = {a, b, word};

	if (found < 0) {
		if (!first_time(run, CHECK_ENUMERATION, second->span, first->span))
			return;
		diag(run->context, CHECK_ENUMERATION, second->span,
		     "the 'when' of '%s' and '%s' look at more than %d bits that no constant settles", first->name,
		     second->name, MAX_OPEN_BITS);
		diag_related(run->context, first->span, "'%s' is here", first->name);
		diag_mend(run->context, "tell them apart by constants");
		return;
	}
	run->kind[a].no_example = run->kind[b].no_example = true;
	run->kind[b].misplaced = true;
	if (!first_time(run, CHECK_KIND_OVERLAP, second->span, second->span))
		return;
	which = config_relevant(config, which, both, &pair);
	diag(run->context, CHECK_KIND_OVERLAP, second->span, "the word %s is of both kinds '%s' and '%s' at level %s%s",
	     say_word(run, word, level_of(run, a)->entry_bytes), first->name, second->name, level_of(run, a)->name,
	     say_config(config, which));
	diag_related(run->context, first->span, "'%s' is here", first->name);
	diag_mend(run->context, "give one bit of both a constant ('= 0' here, '= 1' there), or one of them a 'when'");
}

static void check_pair(struct run *run, ref a, ref b)
{
	const struct model *model = run->model;
	const struct m_kind *first = kind_of(run, a), *second = kind_of(run, b);
	params used = kind_params(run, a, 1U << ROLE_CONST) | kind_params(run, b, 1U << ROLE_CONST) |
		      params_in(model, first->when) | params_in(model, second->when);
	struct config config;

	/* Which lines a field named in `when` has can depend on more. */
	if (first->when != REF_NONE || second->when != REF_NONE)
		used |= kind_params(run, a, 1U << ROLE_FIELD) | kind_params(run, b, 1U << ROLE_FIELD);
	config_begin(&config, run, level_of(run, a)->shape, first->present, used, second->span);
	while (config_next(&config)) {
		uint64_t word[2];
		int found;

		codec_bind(&run->bound[0], model, a, config.param);
		codec_bind(&run->bound[1], model, b, config.param);
		found = find_witness(run, &run->bound[0], &run->bound[1], word);
		if (!found || !config_possible_with(&config, second->present))
			continue;
		report_pair(run, &config, a, b, found, word, used);
		return;
	}
}

/* Two kinds that a mapper would have to choose between; what: what they have in common. */
static const char *tie(struct run *run, const struct m_kind *a, const struct m_kind *b)
{
	const struct model *model = run->model;

	if (a->category != b->category)
		return NULL;
	switch (a->category) {
	case CATEGORY_ABSENT: return "both say that nothing is mapped";
	case CATEGORY_LEAF: return a->lg2 == b->lg2 ? "both are leaves of the same size" : NULL;
	case CATEGORY_TABLE:
		/* Sub-tables and levels that the entry chooses make a difference; the same single target does not. */
		if (a->n_next != 1 || b->n_next != 1 ||
		    model->nexts.v[a->first_next].level != model->nexts.v[b->first_next].level)
			return NULL;
		return "both lead to the same level";
	case CATEGORY_FAULT:
	case CATEGORY_NULL: break;
	}
	return NULL;
}

static void check_tie(struct run *run, ref a, ref b)
{
	const struct m_kind *first = kind_of(run, a), *second = kind_of(run, b);
	const char *common = tie(run, first, second);
	struct config config;
	params used;

	if (!common)
		return;
	used = params_in(run->model, first->present) | params_in(run->model, second->present);
	config_begin(&config, run, level_of(run, a)->shape, first->present, used, second->span);
	while (config_next(&config)) {
		if (!config_holds(&config, second->present) || !config_possible_with(&config, second->present))
			continue;
		if (first_time(run, CHECK_ENCODE_TIE, second->span, first->span)) {
			diag(run->context, CHECK_ENCODE_TIE, second->span, "'%s' and '%s' at level %s: %s%s",
			     first->name, second->name, level_of(run, a)->name, common, say_config(&config, used));
			diag_related(run->context, first->span, "'%s' is here", first->name);
			diag_mend(run->context,
				  "nothing chooses which one is written: let their conditions exclude each "
				  "other, or make one a 'fault' or 'null' entry");
		}
		return;
	}
}

void check_kind_pairs(struct run *run)
{
	const struct model *model = run->model;
	uint64_t(*mask)[2] = arena_alloc(run->context->arena, sizeof(*mask) * ((size_t)model->kinds.n + 1));
	uint64_t(*value)[2] = arena_alloc(run->context->arena, sizeof(*value) * ((size_t)model->kinds.n + 1));

	for (int i = 0; i < model->kinds.n; i++)
		plain_constants(run, i, mask[i], value[i]);
	for (int l = 0; l < model->levels.n; l++) {
		const struct m_level *level = &model->levels.v[l];

		for (ref a = level->first_kind; a < level->first_kind + level->n_kinds; a++) {
			for (ref b = a + 1; b < level->first_kind + level->n_kinds; b++) {
				if (!clash(mask[a], value[a], mask[b], value[b]))
					check_pair(run, a, b);
				if (!run->kind[b].misplaced)
					check_tie(run, a, b);
			}
		}
	}
}

/* -------------------------------------------------------------------------------------------------------- own words */

static void report_own(struct run *run, struct config *config, ref kind, const uint64_t word[2], const char *why,
		       const struct m_slice *slice, params which)
{
	const struct m_kind *k = kind_of(run, kind);

	if (!first_time(run, CHECK_OWN_WORD, k->span, k->span))
		return;
	diag(run->context, CHECK_OWN_WORD, k->span, "%s is written as %s, %s%s", say_kind(run, kind),
	     say_word(run, word, level_of(run, kind)->entry_bytes), why, say_config(config, which));
	if (slice)
		diag_related(run->context, slice->span, "the line that the word breaks");
	diag_mend(run->context, "a 'default' on the fields that 'when', 'next' or 'in' look at says what is written");
}

/* Does any value of the bits that next and when look at give a word that is of the kind and leads to this target? */
static bool leads_somewhere(struct run *run, struct codec_bound *bound, const struct m_next *next,
			    const uint64_t written[2], bool as_written)
{
	uint64_t open[2] = {0, 0};
	uint32_t n;

	looked_at(bound, next->cond, open);
	looked_at(bound, bound->model->kinds.v[bound->kind].when, open);
	for (int half = 0; half < 2; half++)
		open[half] &= ~bound->masks.mask[half];
	n = (uint32_t)count_bits(open);
	if (n > MAX_OPEN_BITS || as_written)
		n = 0;
	run->work += 1L << n;
	for (uint32_t number = 0; number < (uint32_t)1 << n; number++) {
		uint64_t word[2] = {written[0], written[1]};
		struct m_env env = {bound->param, bound->kind, word, 0, codec_addresses()};

		if (n) {
			word[0] &= ~open[0];
			word[1] &= ~open[1];
			deposit(word, open, number);
		}
		if (model_holds(bound->model, next->cond, &env) && codec_bound_is(bound, word) &&
		    !codec_bound_reserved(bound, word))
			return true;
	}
	return false;
}

/* A table word as written; with several sub-table pointers the mapper sets which of them are there. */
static const char *table_word_fault(struct run *run, struct codec_bound *bound, const uint64_t word[2])
{
	const struct m_kind *kind = kind_of(run, bound->kind);
	bool several = false;

	for (int i = 0; i < kind->n_next; i++)
		several = several || run->model->nexts.v[kind->first_next + i].via;
	for (int i = 0; i < kind->n_next; i++) {
		const struct m_next *next = &run->model->nexts.v[kind->first_next + i];
		bool leads = leads_somewhere(run, bound, next, word, !several);

		if (leads && !several)
			return NULL;
		if (!leads && several)
			return arena_printf(run->context->arena, "and no value of its fields leads to '%s'",
					    next->via ? next->via : run->model->levels.v[next->level].name);
	}
	return several ? NULL : "which leads to no level";
}

static void check_own_word(struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	struct codec_bound *bound = &run->bound[0];
	params used = kind_params(run, kind, ~(1U << ROLE_ADDRESS)) | params_in(model, k->when);
	struct config config;

	if (k->category == CATEGORY_TABLE)
		used |= kind_code_params(run, kind);
	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];

		if (slice->in != REF_NONE || k->when != REF_NONE || k->n_next > 1)
			used |= params_in(model, slice->dflt) | params_in(model, slice->in);
	}
	config_begin(&config, run, level_of(run, kind)->shape, k->present, used, k->span);
	while (config_next(&config)) {
		const struct m_slice *slice;
		const char *why = NULL;
		struct codec_decoded decoded;
		uint64_t word[2];
		bool several = false;
		ref code;

		codec_bind(bound, model, kind, config.param);
		if (!codec_bound_attributes(bound, 0, CODEC_WHOLE, word, &code)) {
			run->kind[kind].no_example = true;
			if (config_possible(&config) && first_time(run, CHECK_TABLE_RIGHTS, k->span, k->span)) {
				diag(run->context, CHECK_TABLE_RIGHTS, k->span,
				     "no two-way row of '%s' grants everything, as %s has to%s",
				     model->codes.v[code].name, say_kind(run, kind), say_config(&config, used));
				diag_related(run->context, model->codes.v[code].span, "the table of codes is here");
				diag_mend(run->context, "add the row that withholds nothing");
			}
			return;
		}
		for (int i = 0; i < k->n_next; i++)
			several = several || model->nexts.v[k->first_next + i].via;
		slice = codec_bound_reserved(bound, word);
		if (slice && !several)
			why = "which breaks its own rules";
		else if (!several && !codec_bound_is(bound, word))
			why = "which is not of that kind";
		else if (k->category == CATEGORY_TABLE)
			why = table_word_fault(run, bound, word);
		if (why && config_possible(&config)) {
			report_own(run, &config, kind, word, why, slice, used);
			return;
		}
		codec_bound_decode(bound, word, &decoded);
		if (k->category == CATEGORY_TABLE && (decoded.rights & RIGHT_ALL) != RIGHT_ALL &&
		    config_possible(&config) && first_time(run, CHECK_TABLE_RIGHTS, k->span, k->span)) {
			diag(run->context, CHECK_TABLE_RIGHTS, k->span,
			     "%s as written (%s) grants only %s to what is below it%s", say_kind(run, kind),
			     say_word(run, word, level_of(run, kind)->entry_bytes), say_rights(run, decoded.rights),
			     say_config(&config, used));
			diag_mend(run->context, "a table entry withholds nothing: the leaf decides");
			return;
		}
	}
}

void check_own_words(struct run *run)
{
	for (int i = 0; i < run->model->kinds.n; i++) {
		enum ast_category category = kind_of(run, i)->category;

		if (!run->kind[i].broken && (category == CATEGORY_ABSENT || category == CATEGORY_TABLE))
			check_own_word(run, i);
	}
}

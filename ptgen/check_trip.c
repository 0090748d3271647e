/* SPDX-License-Identifier: MIT */
/*
 * check_trip.c - every request x memory type x leaf kind x configuration: round, encode, classify, decode. What comes
 * back is what was asked for, or what the format says it becomes; anything else is a finding with the request as
 * witness.
 *
 * An encoding depends on the lines of a kind, not on its level or shape: kinds whose lines, code tables and rules are
 * the same are proved once (the signature below).
 */
#include "check_run.h"

#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 29;
}

/* An expression under a configuration, by what it says and not by where it is stored. */
static uint64_t hash_expr(const struct model *model, ref expr, const int64_t *param, uint64_t hash)
{
	const struct m_expr *e;
	ref part[3];
	int n;

	if (expr == REF_NONE)
		return mix(hash, UINT64_MAX);
	e = &model->exprs.v[expr];
	hash = mix(hash, e->op);
	if (e->op == X_CONST)
		return mix(hash, (uint64_t)e->k);
	if (e->op == X_PARAM)
		return mix(hash, (uint64_t)param[e->a]);
	n = expr_parts(e, part);
	if (n == 0)
		return mix(mix(mix(hash, (uint64_t)e->a), (uint64_t)e->b), (uint64_t)e->c);
	for (int i = 0; i < n; i++)
		hash = hash_expr(model, part[i], param, hash);
	return hash;
}

/* Everything that the encoding of attributes depends on. */
static uint64_t signature(const struct codec_bound *bound, uint64_t rules)
{
	const struct model *model = bound->model;
	uint64_t hash = hash_expr(model, model->kinds.v[bound->kind].when, bound->param, rules);

	for (int i = 0; i < bound->n_lines; i++) {
		const struct codec_line *line = &bound->line[i];
		const struct m_slice *slice = line->slice;

		if (slice->role == ROLE_ADDRESS || slice->role == ROLE_IGNORED || slice->role == ROLE_SOFTWARE ||
		    slice->role == ROLE_RES0)
			continue;
		hash = mix(hash, (uint64_t)slice->hi << 40 | (uint64_t)slice->lo << 32 | (uint64_t)slice->to << 24 |
					 (uint64_t)slice->allows << 16 | (uint64_t)slice->denies << 8 | slice->role);
		hash = mix(mix(hash, line->value), (uint64_t)slice->field);
		hash = hash_expr(model, slice->dflt, bound->param, hash);
		hash = hash_expr(model, slice->in, bound->param, hash);
	}
	for (int i = 0; i < bound->n_codes; i++)
		hash = mix(hash, (uint64_t)bound->code[i].code);
	return hash;
}

static bool proved(struct run *run, uint64_t hash)
{
	for (int i = 0; i < run->proved.n; i++)
		if (run->proved.v[i] == hash)
			return true;
	*ARRAY_ADD(run->context->arena, run->proved) = hash;
	return false;
}

/* What went wrong with one request, and how many others went wrong too. */
struct trip {
	ref kind;
	unsigned int others;
	const char *with; /* the configuration, in words */
	unsigned int request, rounded;
	enum { TRIP_KIND, TRIP_RULES, TRIP_ROW, TRIP_LOSS } how;
	const struct m_slice *slice;
	ref code;
	uint64_t word[2];
	struct codec_decoded decoded;
};

/* One request; true if it comes back. */
static bool travel(const struct codec_bound *bound, struct trip *trip)
{
	unsigned int wanted = codec_request_rights(trip->rounded);

	if (!codec_bound_attributes(bound, trip->rounded, CODEC_WHOLE, trip->word, &trip->code)) {
		trip->how = TRIP_ROW;
		return false;
	}
	if (!codec_bound_is(bound, trip->word)) {
		trip->how = TRIP_KIND;
		return false;
	}
	/* Marks in address bits are no address; the output width is looked at where there is an address. */
	trip->slice = codec_bound_reserved(bound, trip->word);
	if (trip->slice && trip->slice->role != ROLE_ADDRESS) {
		trip->how = TRIP_RULES;
		return false;
	}
	codec_bound_decode(bound, trip->word, &trip->decoded);
	trip->how = TRIP_LOSS;
	return !trip->decoded.unknown_rights && trip->decoded.rights == wanted &&
	       trip->decoded.memory == (trip->rounded & REQ_MEMORY) >> 5;
}

/* The rules that would declare the loss. */
static void mend_loss(struct run *run, const struct trip *trip)
{
	unsigned int wanted = codec_request_rights(trip->rounded), got = trip->decoded.rights;
	unsigned int more = (got & ~wanted) | (got & ~wanted) >> 3, less = (wanted & ~got) | (wanted & ~got) >> 3;
	const char *p = say_request(run, more & 7U), *m = say_request(run, less & 7U);

	if (trip->decoded.unknown_rights) {
		diag_mend(run->context, "no row of a prot table takes the code that is written");
	} else if (trip->decoded.memory != (trip->rounded & REQ_MEMORY) >> 5) {
		diag_mend(run->context, "say 'round drops %s;', 'refuse' it, or give it a row in a memtype table",
			  say_memory((trip->rounded & REQ_MEMORY) >> 5));
	} else if ((got ^ wanted) & RIGHT_GLOBAL) {
		diag_mend(run->context, "say 'round %s g;', or which bit 'allows g' or 'denies g'",
			  got & RIGHT_GLOBAL ? "adds" : "drops");
	} else if (trip->rounded & REQ_PRIV && (got & RIGHT_U)) {
		diag_mend(run->context,
			  "say 'round drops p;', 'refuse p', or which bit tells the classes apart ('allows u')");
	} else if (more & 7U) {
		diag_mend(run->context,
			  "say 'round adds %s;' (under its condition), 'refuse' it, or which bit 'denies %s'", p, p);
	} else {
		diag_mend(run->context,
			  "say 'round drops %s;' (under its condition), 'refuse' it, or which bit 'allows %s'", m, m);
	}
}

/* Does the same request still go wrong? */
static bool goes_wrong(struct config *config, void *ctx)
{
	struct trip trip = *(const struct trip *)ctx;
	struct run *run = config->run;

	codec_bind(&run->bound[0], run->model, trip.kind, config->param);
	return codec_round(run->model, config->param, trip.request, &trip.rounded) && !travel(&run->bound[0], &trip);
}

static void report(struct run *run, const struct trip *trip)
{
	struct span at = kind_of(run, trip->kind)->span;
	const char *asked = say_request(run, trip->rounded), *with = trip->with;
	const char *name = say_kind(run, trip->kind);
	const char *word = say_word(run, trip->word, level_of(run, trip->kind)->entry_bytes);
	const char *memory = "";

	if (trip->others)
		name = arena_printf(run->context->arena, "%s (and %u more requests)", name, trip->others);
	switch (trip->how) {
	case TRIP_KIND:
		diag(run->context, CHECK_ROUND_TRIP, at,
		     "request '%s' as %s is written as %s, which is not of that kind%s", asked, name, word, with);
		break;
	case TRIP_RULES:
		diag(run->context, CHECK_ROUND_TRIP, at, "request '%s' as %s is written as %s, which is reserved%s",
		     asked, name, word, with);
		diag_related(run->context, trip->slice->span, "the line that the word breaks");
		break;
	case TRIP_ROW:
		diag(run->context, CHECK_UNDECLARED_LOSS, at, "request '%s' as %s: no two-way row of '%s' writes it%s",
		     asked, name, run->model->codes.v[trip->code].name, with);
		diag_related(run->context, run->model->codes.v[trip->code].span, "the table of codes is here");
		break;
	case TRIP_LOSS:
		if (trip->decoded.memory || trip->rounded & REQ_MEMORY)
			memory = arena_printf(run->context->arena, " %s", say_memory(trip->decoded.memory));
		diag(run->context, CHECK_UNDECLARED_LOSS, at, "request '%s' as %s comes back as '%s%s' from %s%s",
		     asked, name, trip->decoded.unknown_rights ? "other" : say_rights(run, trip->decoded.rights),
		     memory, word, with);
		break;
	}
}

static void mend(struct run *run, const struct trip *trip)
{
	switch (trip->how) {
	case TRIP_KIND:
		diag_mend(run->context, "'refuse' it, or let 'when' and the defaults accept what is written");
		break;
	case TRIP_RULES: diag_mend(run->context, "'refuse' it, or give the line a legal 'default'"); break;
	case TRIP_ROW: diag_mend(run->context, "add the row, or a 'round' or 'refuse' for what it cannot say"); break;
	case TRIP_LOSS: mend_loss(run, trip); break;
	}
}

/* The same thing, seen in another kind: most likely for the same reason. */
static bool same_cause(const struct trip *a, const struct trip *b)
{
	if (a->how != b->how || a->request != b->request || a->others != b->others)
		return false;
	switch (a->how) {
	case TRIP_KIND: return false;
	case TRIP_RULES:
		return a->slice->span.offset == b->slice->span.offset && a->slice->span.file == b->slice->span.file;
	case TRIP_ROW: return a->code == b->code;
	case TRIP_LOSS: break;
	}
	return a->decoded.rights == b->decoded.rights && a->decoded.memory == b->decoded.memory &&
	       a->decoded.unknown_rights == b->decoded.unknown_rights;
}

/* Report what has one cause once, with the other kinds as related places. */
static void report_all(struct run *run, const struct trip *trips, int n)
{
	bool *said = arena_alloc(run->context->arena, (size_t)n + 1);

	for (int i = 0; i < n; i++) {
		if (said[i] || !first_time(run, CHECK_ROUND_TRIP, kind_of(run, trips[i].kind)->span, run->model->span))
			continue;
		report(run, &trips[i]);
		for (int j = i + 1; j < n; j++) {
			struct span at = kind_of(run, trips[j].kind)->span;

			if (said[j] || !same_cause(&trips[i], &trips[j]))
				continue;
			said[j] = true;
			if (first_time(run, CHECK_ROUND_TRIP, at, run->model->span))
				diag_related(run->context, at, "the same for %s", say_kind(run, trips[j].kind));
		}
		mend(run, &trips[i]);
	}
}

static uint64_t hash_rules(const struct run *run, const struct config *config)
{
	uint64_t hash = 0;

	for (int i = 0; i < run->model->rules.n; i++) {
		const struct m_rule *rule = &run->model->rules.v[i];

		hash = mix(hash, config_holds(config, rule->cond));
		hash = hash_expr(run->model, rule->when, config->param, hash);
	}
	return hash;
}

/* Parameters of a default matter only where something looks at the bits: `when`, a set of legal values. */
static params default_params(const struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	params used = 0;

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];
		bool seen = slice->in != REF_NONE || model_mentions(model, slice->dflt, X_RIGHT, REF_NONE);

		if (k->when != REF_NONE && slice->role == ROLE_FIELD)
			seen = seen || model_mentions(model, k->when, X_FIELD, slice->field) ||
			       model_mentions(model, k->when, X_BITS, REF_NONE);
		for (int c = 0; c < model->codes.n && !seen; c++)
			for (int col = 0; col < model->codes.v[c].n_cols; col++)
				seen = seen ||
				       (slice->field != REF_NONE && model->codes.v[c].col[col].field == slice->field);
		if (seen)
			used |= params_in(model, slice->dflt) | params_in(model, slice->in);
	}
	return used;
}

/* Is the kind's encoding in the hands of a table that was found broken? */
static bool broken_code(const struct run *run, const struct codec_bound *bound)
{
	for (int i = 0; i < bound->n_codes; i++)
		if (run->code[bound->code[i].code])
			return true;
	return false;
}

/* Try a kind under all its configurations; the first failure goes to *found. */
static bool check_kind(struct run *run, ref kind, struct trip *found)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	struct codec_bound *bound = &run->bound[0];
	params used = kind_params(run, kind, ~(1U << ROLE_ADDRESS | 1U << ROLE_RES0)) | params_in(model, k->when) |
		      kind_code_params(run, kind) | default_params(run, kind);
	struct config config;

	for (int i = 0; i < model->rules.n; i++)
		used |= params_in(model, model->rules.v[i].cond) | params_in(model, model->rules.v[i].when);
	config_begin(&config, run, level_of(run, kind)->shape, k->present, used, k->span);
	while (config_next(&config)) {
		unsigned int failed = 0;

		codec_bind(bound, model, kind, config.param);
		if (broken_code(run, bound) || proved(run, signature(bound, hash_rules(run, &config))))
			continue;
		for (unsigned int request = 0; request < N_REQUESTS; request++) {
			struct trip trip = {.kind = kind, .request = request};

			run->work++;
			if (!codec_round(model, config.param, request, &trip.rounded) || travel(bound, &trip))
				continue;
			if (failed++ == 0)
				*found = trip;
		}
		if (failed == 0)
			continue;
		run->proved
			.n--; /* not proved: another kind with the same lines may be possible where this one is not */
		if (!config_possible(&config))
			continue;
		found->others = failed - 1;
		found->with = say_config(&config, config_relevant(&config, used, goes_wrong, found));
		return true;
	}
	return false;
}

void check_round_trip(struct run *run)
{
	ARRAY(struct trip) trips = {0};

	for (int i = 0; i < run->model->kinds.n; i++) {
		struct trip found;

		if (kind_of(run, i)->category == CATEGORY_LEAF && !run->kind[i].broken && check_kind(run, i, &found))
			*ARRAY_ADD(run->context->arena, trips) = found;
	}
	report_all(run, trips.v, trips.n);
}

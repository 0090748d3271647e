/* SPDX-License-Identifier: MIT */
/*
 * check.c - runs all checks over a model, and what they share: which parameters a thing depends on, one configuration
 * after the other, words for messages.
 */
#include "check_run.h"

#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- parameters */

params params_in(const struct model *model, ref expr)
{
	const struct m_expr *e;
	params used = 0;
	ref part[3];

	if (expr == REF_NONE)
		return 0;
	e = &model->exprs.v[expr];
	if (e->op == X_PARAM)
		return (params)1 << (e->a & 63);
	for (int n = expr_parts(e, part); n > 0; n--)
		used |= params_in(model, part[n - 1]);
	return used;
}

params params_in_shape(const struct model *model, ref shape)
{
	return shape == REF_NONE ? 0 : params_in(model, model->shapes.v[shape].when);
}

params kind_params(const struct run *run, ref kind, unsigned int roles)
{
	const struct m_kind *k = kind_of(run, kind);
	params used = 0;

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];

		if (roles & 1U << slice->role)
			used |= params_in(run->model, slice->cond) | params_in(run->model, slice->value);
	}
	return used;
}

params kind_code_params(const struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	params used = 0;

	for (int c = 0; c < model->codes.n; c++) {
		const struct m_code *code = &model->codes.v[c];
		bool touches = false;

		for (int i = 0; i < k->n_slices && !touches; i++)
			for (int col = 0; col < code->n_cols && !touches; col++)
				touches = model->slices.v[k->first_slice + i].field == code->col[col].field;
		if (touches)
			used |= params_in(model, code->cond);
	}
	return used;
}

/* --------------------------------------------------------------------------------------------------- configurations */

static int64_t param_count(const struct model *model, int index)
{
	const struct m_param *param = &model->params.v[index];
	int64_t n = 0;

	for (int i = 0; i < param->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[param->first_range + i];

		if (range->last < range->first)
			continue;
		if (range->last - range->first >= CHECK_MAX_CONFIGS)
			return CHECK_MAX_CONFIGS + 1;
		n += range->last - range->first + 1;
	}
	return n;
}

void config_begin(struct config *config, struct run *run, ref shape, ref cond, params used, struct span at)
{
	const struct model *model = run->model;
	int64_t total = 1;

	memset(config, 0, sizeof(*config));
	config->run = run;
	config->shape = shape;
	config->cond = cond;
	config->at = at;
	for (int i = 0; i < model->params.n && i < CHECK_MAX_PARAMS; i++) {
		config->param[i] = INT64_MIN;
		if (!(used >> i & 1) || model->params.v[i].bound || model->params.v[i].n_ranges == 0)
			continue;
		config->used |= (params)1 << i;
		config->index[config->n++] = i;
		total *= param_count(model, i);
		if (total == 0 || total > CHECK_MAX_CONFIGS)
			break;
	}
	if (total == 0) {
		config->impossible = true; /* a parameter without values is reported by resolve */
	} else if (total > CHECK_MAX_CONFIGS) {
		if (first_time(run, CHECK_ENUMERATION, at, model->span)) {
			diag(run->context, CHECK_ENUMERATION, at,
			     "this depends on more than %d combinations of parameters", CHECK_MAX_CONFIGS);
			diag_mend(run->context, "narrow the set of '%s', or do not mention it here",
				  model->params.v[config->index[config->n - 1]].name);
		}
		config->n = 0;
		config->used = 0;
	}
	model_defaults(model, config->param);
}

/* Put parameter number i of the enumeration on its first value; false if it has none. */
static bool config_first(struct config *config, int i)
{
	const struct model *model = config->run->model;
	const struct m_param *param = &model->params.v[config->index[i]];

	for (int r = 0; r < param->n_ranges; r++) {
		const struct m_range *range = &model->ranges.v[param->first_range + r];

		if (range->first > range->last)
			continue;
		config->range[i] = r;
		config->param[config->index[i]] = range->first;
		return true;
	}
	return false;
}

static bool config_step(struct config *config)
{
	const struct model *model = config->run->model;

	for (int i = 0; i < config->n; i++) {
		const struct m_param *param = &model->params.v[config->index[i]];
		int64_t *value = &config->param[config->index[i]];

		if (*value < model->ranges.v[param->first_range + config->range[i]].last) {
			++*value;
			return true;
		}
		for (int r = config->range[i] + 1; r < param->n_ranges; r++) {
			const struct m_range *range = &model->ranges.v[param->first_range + r];

			if (range->first > range->last)
				continue;
			config->range[i] = r;
			*value = range->first;
			return true;
		}
		config_first(config, i);
	}
	return false;
}

bool config_holds(const struct config *config, ref cond)
{
	static const uint64_t none[2];
	struct m_env env = {config->param, REF_NONE, none, 0, codec_addresses()};

	return model_holds(config->run->model, cond, &env);
}

/* Conditions that the enumerated parameters settle alone must hold. */
static bool config_allowed(const struct config *config)
{
	const struct run *run = config->run;
	const struct model *model = run->model;

	if (config->shape != REF_NONE && !(params_in_shape(model, config->shape) & ~config->used) &&
	    !config_holds(config, model->shapes.v[config->shape].when))
		return false;
	if (config->cond != REF_NONE && !(params_in(model, config->cond) & ~config->used) &&
	    !config_holds(config, config->cond))
		return false;
	for (int i = 0; i < model->requires.n; i++)
		if (!(run->require[i] & ~config->used) && !config_holds(config, model->requires.v[i].cond))
			return false;
	return true;
}

/* Formats are finite, but not all of them are small. */
static bool out_of_work(struct config *config)
{
	struct run *run = config->run;

	if (run->work < CHECK_MAX_WORK)
		return false;
	if (first_time(run, CHECK_ENUMERATION, run->model->span, run->model->span)) {
		diag(run->context, CHECK_ENUMERATION, config->at,
		     "'%s' has more combinations than can be tried; given up here", run->model->name);
		diag_mend(run->context, "narrow the sets of its parameters, or bind some of them ('set')");
	}
	return true;
}

bool config_next(struct config *config)
{
	config->run->work += 8;
	if (config->impossible || out_of_work(config))
		return false;
	if (!config->started) {
		config->started = true;
		for (int i = 0; i < config->n; i++)
			if (!config_first(config, i))
				return false;
	} else if (!config_step(config)) {
		return false;
	}
	while (!config_allowed(config)) {
		config->run->work++;
		if (!config_step(config))
			return false;
	}
	return true;
}

/* The search for values of the parameters that the enumeration left alone. */
struct search {
	struct config *config;
	ref extra; /* one more condition */
	int n, index[CHECK_MAX_PARAMS];
	params set;
	long steps;
};

static bool search_holds(const struct search *search, ref cond, params its, params newly)
{
	if (cond == REF_NONE || (its & ~search->set) || !(its & newly))
		return true;
	return config_holds(search->config, cond);
}

/* Do all conditions hold that the parameters set so far settle, and that the newly set ones touch? */
static bool search_allowed(const struct search *search, params newly)
{
	const struct config *config = search->config;
	const struct run *run = config->run;
	const struct model *model = run->model;

	if (config->shape != REF_NONE &&
	    !search_holds(search, model->shapes.v[config->shape].when, params_in_shape(model, config->shape), newly))
		return false;
	if (!search_holds(search, config->cond, params_in(model, config->cond), newly) ||
	    !search_holds(search, search->extra, params_in(model, search->extra), newly))
		return false;
	for (int i = 0; i < model->requires.n; i++)
		if (!search_holds(search, model->requires.v[i].cond, run->require[i], newly))
			return false;
	return true;
}

static bool search_from(struct search *search, int at);

static bool search_value(struct search *search, int at, int64_t value)
{
	int index = search->index[at];
	params bit = (params)1 << index;

	search->config->param[index] = value;
	search->set |= bit;
	if (search_allowed(search, bit) && search_from(search, at + 1))
		return true;
	search->set &= ~bit;
	return false;
}

static bool search_from(struct search *search, int at)
{
	const struct model *model = search->config->run->model;
	const struct m_param *param;
	int64_t first;

	if (at == search->n)
		return true;
	/* What takes too long is taken as possible: a finding too many rather than one too few. */
	if (++search->steps > 200000)
		return true;
	param = &model->params.v[search->index[at]];
	first = search->config->param[search->index[at]]; /* its default */
	if (search_value(search, at, first))
		return true;
	for (int r = 0; r < param->n_ranges; r++) {
		const struct m_range *range = &model->ranges.v[param->first_range + r];

		for (int64_t value = range->first; value <= range->last && search->steps <= 200000; value++)
			if (value != first && search_value(search, at, value))
				return true;
	}
	search->config->param[search->index[at]] = first;
	return false;
}

bool config_possible_with(struct config *config, ref cond)
{
	const struct run *run = config->run;
	const struct model *model = run->model;
	struct search search = {.config = config, .extra = cond, .set = config->used};
	params open = params_in_shape(model, config->shape) | params_in(model, config->cond) | params_in(model, cond);
	params all = ~(params)0;
	bool possible;

	for (int i = 0; i < model->requires.n; i++)
		open |= run->require[i];
	for (int i = 0; i < model->params.n && i < CHECK_MAX_PARAMS; i++)
		if (open >> i & 1 && !(config->used >> i & 1))
			search.index[search.n++] = i;
	possible = search_allowed(&search, all) && search_from(&search, 0);
	config->run->work += search.steps;
	return possible;
}

bool config_possible(struct config *config)
{
	return config_possible_with(config, REF_NONE);
}

params config_relevant(struct config *config, params which, bool (*fails)(struct config *config, void *ctx), void *ctx)
{
	const struct model *model = config->run->model;
	params relevant = 0;

	for (int i = 0; i < config->n; i++) {
		int index = config->index[i], tries = 0;
		const struct m_param *param = &model->params.v[index];
		int64_t kept = config->param[index];
		bool matters = false;

		if (!(which >> index & 1))
			continue;
		for (int r = 0; r < param->n_ranges && !matters; r++) {
			const struct m_range *range = &model->ranges.v[param->first_range + r];

			for (int64_t v = range->first; v <= range->last && !matters && tries < 64; v++, tries++) {
				config->param[index] = v;
				matters = !fails(config, ctx);
			}
		}
		config->param[index] = kept;
		if (matters)
			relevant |= (params)1 << index;
	}
	return relevant;
}

/* --------------------------------------------------------------------------------------------------- words for
 * messages */

const char *say_config(const struct config *config, params which)
{
	struct run *run = config->run;
	struct arena *arena = run->context->arena;
	const char *text = "";

	for (int i = 0; i < run->model->params.n && i < CHECK_MAX_PARAMS; i++) {
		if (!(which & config->used) || !(which & config->used & (params)1 << i))
			continue;
		text = arena_printf(arena, "%s%s%s = %" PRId64, text, *text ? ", " : " with ",
				    run->model->params.v[i].name, config->param[i]);
	}
	return text;
}

static bool same_span(struct span a, struct span b)
{
	return a.file == b.file && a.offset == b.offset && a.length == b.length;
}

bool first_time(struct run *run, enum check_id check, struct span at, struct span other)
{
	struct seen *seen;

	for (int i = 0; i < run->seen.n; i++) {
		seen = &run->seen.v[i];
		if (seen->check == check && same_span(seen->at, at) && same_span(seen->other, other))
			return false;
	}
	seen = ARRAY_ADD(run->context->arena, run->seen);
	seen->check = check;
	seen->at = at;
	seen->other = other;
	return true;
}

const char *say_word(struct run *run, const uint64_t word[2], int bytes)
{
	if (bytes > 8)
		return arena_printf(run->context->arena, "0x%0*" PRIx64 "%016" PRIx64, (bytes - 8) * 2, word[1],
				    word[0]);
	return arena_printf(run->context->arena, "0x%0*" PRIx64, bytes * 2, word[0]);
}

const char *say_bits(struct run *run, int hi, int lo)
{
	if (hi == lo)
		return arena_printf(run->context->arena, "[%d]", hi);
	return arena_printf(run->context->arena, "[%d:%d]", hi, lo);
}

const char *say_memory(unsigned int memory)
{
	static const char *const names[] = {"cached", "noncached", "device", "nonshareable", "other"};

	return names[memory <= MEMORY_OTHER ? memory : (unsigned int)MEMORY_OTHER];
}

static const char *letters(struct run *run, unsigned int bits)
{
	static const char names[] = "rwxpg";
	char text[6];
	int n = 0;

	for (int i = 0; i < 5; i++)
		if (bits >> i & 1)
			text[n++] = names[i];
	if (n == 0)
		text[n++] = '-';
	return arena_strndup(run->context->arena, text, (size_t)n);
}

const char *say_request(struct run *run, unsigned int request)
{
	const char *text = letters(run, request & REQ_RIGHTS);

	if (!(request & REQ_MEMORY))
		return text;
	return arena_printf(run->context->arena, "%s %s", text, say_memory((request & REQ_MEMORY) >> 5));
}

/* As in a prot table: privileged/user, and g. */
const char *say_rights(struct run *run, unsigned int rights)
{
	unsigned int privileged = rights & RIGHT_P, user = (rights & RIGHT_U) >> 3;
	const char *global = rights & RIGHT_GLOBAL ? " global" : "";

	if (privileged == user)
		return arena_printf(run->context->arena, "%s%s", letters(run, user), global);
	return arena_printf(run->context->arena, "%s/%s%s", letters(run, privileged), letters(run, user), global);
}

const char *say_kind(struct run *run, ref kind)
{
	return arena_printf(run->context->arena, "'%s' at level %s", kind_of(run, kind)->name,
			    level_of(run, kind)->name);
}

/* ---------------------------------------------------------------------------------------------------------- the run */

void check_always_fail(struct run *run)
{
	diag(run->context, CHECK_ALWAYS_FAIL, run->model->span, "'%s' fails, as always", run->model->name);
}

void check(struct context *context, const struct model *model)
{
	static void (*const checks[])(struct run *) = {
		check_always_fail,
		check_parameters,
		check_bits,
		check_fields,
		check_values,
		check_right_lines,
		check_missing_kinds,
		check_kind_pairs,
		check_reached_kinds,
		check_input,
		check_empty_levels,
		check_addresses,
		check_alignments,
		check_codes,
		check_own_words,
		check_round_trip,
		check_dirty_states,
		check_harvest,
		check_table_attributes,
		check_examples,
		check_examples_missing,
	};
	struct run *run = arena_alloc(context->arena, sizeof(*run));

	run->context = context;
	run->model = model;
	run->kind = arena_alloc(context->arena, sizeof(*run->kind) * ((size_t)model->kinds.n + 1));
	run->code = arena_alloc(context->arena, (size_t)model->codes.n + 1);
	run->require = arena_alloc(context->arena, sizeof(*run->require) * ((size_t)model->requires.n + 1));
	for (int i = 0; i < model->requires.n; i++)
		run->require[i] = params_in(model, model->requires.v[i].cond);
	for (int i = 0; i < model->kinds.n; i++)
		run->kind[i].lines = kind_params(run, i, ~0U);
	if (model->params.n > CHECK_MAX_PARAMS) {
		diag(context, CHECK_ENUMERATION, model->params.v[CHECK_MAX_PARAMS].span,
		     "'%s' has %d parameters and features; ptgen can prove formats with up to %d", model->name,
		     model->params.n, CHECK_MAX_PARAMS);
		return;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](run);
}

/* SPDX-License-Identifier: MIT */
/*
 * check_bits.c - every bit of every entry kind and register is described once, under every combination of conditions;
 * values fit the bits they are for; one bit says what one bit can say.
 */
#include "check_run.h"

#include <inttypes.h>
#include <string.h>

/* A run of lines over a word: of a kind or of a register. */
struct lines {
	const char *name; /* "'block' at level L2" */
	ref kind;	  /* REF_NONE: a register */
	ref shape, present;
	ref first;
	int n, bits;
	struct span span;
};

static struct lines lines_of_kind(struct run *run, ref kind)
{
	const struct m_kind *k = kind_of(run, kind);
	struct lines lines = {
		.name = say_kind(run, kind),
		.kind = kind,
		.shape = level_of(run, kind)->shape,
		.present = k->present,
		.first = k->first_slice,
		.n = k->n_slices,
		.bits = level_of(run, kind)->entry_bytes * 8,
		.span = k->span,
	};

	return lines;
}

static struct lines lines_of_register(struct run *run, int reg)
{
	const struct m_register *r = &run->model->registers.v[reg];
	struct lines lines = {
		.name = arena_printf(run->context->arena, "register '%s'", r->name),
		.kind = REF_NONE,
		.shape = REF_NONE,
		.present = r->cond,
		.first = r->first_slice,
		.n = r->n_slices,
		.bits = r->bits,
		.span = r->span,
	};

	return lines;
}

/* Which line describes each bit; -1: none. */
struct owners {
	int16_t line[256];
};

static void report_overlap(struct run *run, const struct lines *lines, struct config *config, int line, int other,
			   int hi, int lo)
{
	const struct m_slice *slice = &run->model->slices.v[lines->first + line];
	const struct m_slice *first = &run->model->slices.v[lines->first + other];
	params which = params_in(run->model, slice->cond) | params_in(run->model, first->cond);

	if (!first_time(run, CHECK_BIT_OVERLAP, slice->span, first->span))
		return;
	diag(run->context, CHECK_BIT_OVERLAP, slice->span, "bit%s %s of %s %s used twice%s", hi == lo ? "" : "s",
	     say_bits(run, hi, lo), lines->name, hi == lo ? "is" : "are", say_config(config, which));
	diag_related(run->context, first->span, "first used here");
	if (slice->lo < first->lo && slice->hi >= first->lo)
		diag_mend(run->context, "move the upper bound: %s", say_bits(run, first->lo - 1, slice->lo));
	else if (slice->hi > first->hi && slice->lo <= first->hi)
		diag_mend(run->context, "move the lower bound: %s", say_bits(run, slice->hi, first->hi + 1));
	else if (which)
		diag_mend(run->context, "let the conditions of the two lines exclude each other");
	else
		diag_mend(run->context, "drop one of the two lines");
}

/* Enter one line; false if another one has some of its bits. */
static bool own(struct run *run, const struct lines *lines, struct config *config, struct owners *owners, int line)
{
	const struct m_slice *slice = &run->model->slices.v[lines->first + line];
	bool clean = true;

	for (int bit = slice->lo; bit <= slice->hi && bit < lines->bits; bit++) {
		int other = owners->line[bit], top = bit;

		if (other < 0) {
			owners->line[bit] = (int16_t)line;
			continue;
		}
		if (!clean)
			continue;
		while (top < slice->hi && owners->line[top + 1] == other)
			top++;
		clean = false;
		if (config_possible(config))
			report_overlap(run, lines, config, line, other, top, bit);
		else
			return true;
	}
	return clean;
}

struct gap {
	const struct lines *lines;
	int bit;
};

static bool undescribed(struct config *config, void *ctx)
{
	const struct gap *gap = ctx;

	for (int i = 0; i < gap->lines->n; i++) {
		const struct m_slice *slice = &config->run->model->slices.v[gap->lines->first + i];

		if (slice->hi >= gap->bit && slice->lo <= gap->bit && config_holds(config, slice->cond))
			return false;
	}
	return true;
}

static void report_gap(struct run *run, const struct lines *lines, struct config *config, int hi, int lo, params which)
{
	const struct m_slice *sometimes = NULL; /* the line that describes them under other conditions */
	struct gap gap = {lines, hi};

	which = config_relevant(config, which, undescribed, &gap);
	for (int i = 0; i < lines->n && !sometimes; i++)
		if (run->model->slices.v[lines->first + i].hi >= hi && run->model->slices.v[lines->first + i].lo <= lo)
			sometimes = &run->model->slices.v[lines->first + i];
	/* A group that leaves a case out does so in every entry that takes it. */
	if (sometimes && !first_time(run, CHECK_BIT_GAP, sometimes->span, sometimes->span))
		return;
	diag(run->context, CHECK_BIT_GAP, lines->span, "bit%s %s of %s %s not described%s", hi == lo ? "" : "s",
	     say_bits(run, hi, lo), lines->name, hi == lo ? "is" : "are", say_config(config, which));
	if (sometimes)
		diag_related(run->context, sometimes->span, "this line is about other conditions");
	diag_mend(run->context, "say what %s: '%s res0;', 'ignored', 'software' or a field",
		  hi == lo ? "it is" : "they are", say_bits(run, hi, lo));
}

/* Coverage of one word under one configuration. */
static bool cover(struct run *run, const struct lines *lines, struct config *config, params which)
{
	struct owners owners;
	bool clean = true, gaps_are_new = false, looked = false;

	memset(&owners, -1, sizeof(owners));
	for (int i = 0; i < lines->n; i++)
		if (config_holds(config, run->model->slices.v[lines->first + i].cond))
			clean &= own(run, lines, config, &owners, i);
	for (int hi = lines->bits - 1; hi >= 0; hi--) {
		int lo = hi;

		if (owners.line[hi] >= 0)
			continue;
		while (lo > 0 && owners.line[lo - 1] < 0)
			lo--;
		if (!looked) {
			looked = true;
			if (!config_possible(config))
				return clean;
			/* One entry at several levels has one gap to mend. */
			gaps_are_new = first_time(run, CHECK_BIT_GAP, lines->span, lines->span);
		}
		clean = false;
		if (gaps_are_new)
			report_gap(run, lines, config, hi, lo, which);
		hi = lo;
	}
	return clean;
}

static bool check_lines(struct run *run, const struct lines *lines)
{
	struct config config;
	params used = 0;
	bool clean = true;

	if (lines->bits <= 0 || lines->bits > 256)
		return true; /* reported where the width was read */
	for (int i = 0; i < lines->n; i++)
		used |= params_in(run->model, run->model->slices.v[lines->first + i].cond);
	config_begin(&config, run, lines->shape, lines->present, used, lines->span);
	while (config_next(&config))
		clean &= cover(run, lines, &config, used);
	return clean;
}

void check_bits(struct run *run)
{
	for (int i = 0; i < run->model->kinds.n; i++) {
		struct lines lines = lines_of_kind(run, i);

		if (!check_lines(run, &lines))
			run->kind[i].broken = true;
	}
	for (int i = 0; i < run->model->registers.n; i++) {
		struct lines lines = lines_of_register(run, i);

		check_lines(run, &lines);
	}
}

/* ----------------------------------------------------------------------------------------------------------- fields */

/* Two lines of one kind that hold the same bit of a field, under a configuration in which both exist. */
static void check_field_pair(struct run *run, ref kind, const struct m_slice *line, const struct m_slice *other)
{
	const struct model *model = run->model;
	int top = line->to + line->hi - line->lo, other_top = other->to + other->hi - other->lo;
	int lo = line->to > other->to ? line->to : other->to, hi = top < other_top ? top : other_top;
	params used = params_in(model, line->cond) | params_in(model, other->cond);
	struct config config;

	if (lo > hi)
		return;
	config_begin(&config, run, level_of(run, kind)->shape, kind_of(run, kind)->present, used, line->span);
	while (config_next(&config)) {
		if (!config_holds(&config, line->cond) || !config_holds(&config, other->cond) ||
		    !config_possible(&config))
			continue;
		run->kind[kind].broken = true;
		if (!first_time(run, CHECK_FIELD_OVERLAP, line->name_span, other->name_span))
			return;
		diag(run->context, CHECK_FIELD_OVERLAP, line->name_span, "%s%s of %s is held twice%s",
		     model->fields.v[line->field].name, say_bits(run, hi, lo), say_kind(run, kind),
		     say_config(&config, used));
		diag_related(run->context, other->name_span, "first held here");
		diag_mend(run->context, "each bit of a field belongs to one line: give the other bit, or another name");
		return;
	}
}

void check_fields(struct run *run)
{
	for (int i = 0; i < run->model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		for (int a = 0; a < kind->n_slices; a++) {
			const struct m_slice *line = &run->model->slices.v[kind->first_slice + a];

			for (int b = 0; b < a && line->field != REF_NONE; b++) {
				const struct m_slice *other = &run->model->slices.v[kind->first_slice + b];

				/* Where the lines themselves overlap, that is the slip. */
				if (other->field == line->field && (other->lo > line->hi || other->hi < line->lo))
					check_field_pair(run, i, line, other);
			}
		}
	}
}

/* ----------------------------------------------------------------------------------------------------------- values */

static bool fits(int64_t value, unsigned int width)
{
	return width >= 64 || (uint64_t)value <= bits_ones(width);
}

static void report_width(struct run *run, const struct lines *lines, struct config *config, const struct m_slice *slice,
			 const char *what, ref expr, int64_t value)
{
	unsigned int width = bits_width(slice->hi, slice->lo), needed = 0;

	if (!first_time(run, CHECK_VALUE_WIDTH, slice->name_span, slice->span))
		return;
	diag(run->context, CHECK_VALUE_WIDTH, slice->name_span, "%s %" PRId64 " does not fit in %u bit%s %s of %s%s",
	     what, value, width, width == 1 ? "" : "s", say_bits(run, slice->hi, slice->lo), lines->name,
	     say_config(config, params_in(run->model, expr) | params_in(run->model, slice->cond)));
	if (value < 0) {
		diag_mend(run->context, "values of bits are not negative");
		return;
	}
	while (needed < 64 && (uint64_t)value >> needed)
		needed++;
	diag_mend(run->context, "it needs %u bits; the largest value here is %" PRIu64, needed, bits_ones(width));
}

/* One expression that is written into the bits of a line. */
static bool check_value(struct run *run, const struct lines *lines, const struct m_slice *slice, const char *what,
			ref expr)
{
	struct config config;
	params used = params_in(run->model, expr) | params_in(run->model, slice->cond);
	bool clean = true;

	if (expr == REF_NONE || model_mentions(run->model, expr, X_ADDRESS, REF_NONE))
		return true;
	config_begin(&config, run, lines->shape, lines->present, used, slice->span);
	while (clean && config_next(&config)) {
		static const uint64_t none[2];
		struct m_env env = {config.param, lines->kind, none, 0, codec_addresses()};
		bool of_request = model_mentions(run->model, expr, X_RIGHT, REF_NONE);

		if (!config_holds(&config, slice->cond))
			continue;
		for (env.request = 0; env.request < (of_request ? (unsigned int)N_REQUESTS : 1U); env.request++) {
			int64_t value = model_eval(run->model, expr, &env);

			if (fits(value, bits_width(slice->hi, slice->lo)) || !config_possible(&config))
				continue;
			report_width(run, lines, &config, slice, what, expr, value);
			clean = false;
			break;
		}
	}
	return clean;
}

/* A default that the line's own set of legal values forbids, or a set without any. */
static bool check_legal(struct run *run, const struct lines *lines, const struct m_slice *slice)
{
	const struct model *model = run->model;
	params used = params_in(model, slice->in) | params_in(model, slice->cond) | params_in(model, slice->dflt);
	unsigned int width = bits_width(slice->hi, slice->lo);
	struct config config;

	if (slice->in == REF_NONE || width > 12)
		return true;
	config_begin(&config, run, lines->shape, lines->present, used, slice->span);
	while (config_next(&config)) {
		uint64_t word[2] = {0, 0};
		struct m_env env = {config.param, lines->kind, word, 0, codec_addresses()};
		uint64_t value = 0;

		if (!config_holds(&config, slice->cond))
			continue;
		if (slice->dflt != REF_NONE)
			value = (uint64_t)model_eval(model, slice->dflt, &env);
		for (;; value++) {
			run->work++;
			bits_put(word, slice->hi, slice->lo, value);
			if (model_holds(model, slice->in, &env))
				break;
			if (slice->dflt != REF_NONE || value >= bits_ones(width)) {
				value = UINT64_MAX;
				break;
			}
		}
		if (value != UINT64_MAX || !config_possible(&config))
			continue;
		if (!first_time(run, CHECK_VALUE_WIDTH, slice->name_span, slice->span))
			return false;
		if (slice->dflt == REF_NONE)
			diag(run->context, CHECK_VALUE_WIDTH, slice->name_span, "no value of %s of %s is legal%s",
			     say_bits(run, slice->hi, slice->lo), lines->name, say_config(&config, used));
		else
			diag(run->context, CHECK_VALUE_WIDTH, slice->name_span,
			     "the default of %s of %s is not one of its legal values%s",
			     say_bits(run, slice->hi, slice->lo), lines->name, say_config(&config, used));
		diag_mend(run->context, "the set after 'in' says what is legal in these %u bit%s", width,
			  width == 1 ? "" : "s");
		return false;
	}
	return true;
}

static bool check_line_values(struct run *run, const struct lines *lines)
{
	bool clean = true;

	for (int i = 0; i < lines->n; i++) {
		const struct m_slice *slice = &run->model->slices.v[lines->first + i];

		if (slice->hi < slice->lo)
			continue;
		clean &= check_value(run, lines, slice, "value", slice->value);
		clean &= check_value(run, lines, slice, "default", slice->dflt);
		if (lines->kind != REF_NONE)
			clean &= check_legal(run, lines, slice);
	}
	return clean;
}

void check_values(struct run *run)
{
	for (int i = 0; i < run->model->kinds.n; i++) {
		struct lines lines = lines_of_kind(run, i);

		if (!check_line_values(run, &lines))
			run->kind[i].broken = true;
	}
	for (int i = 0; i < run->model->registers.n; i++) {
		struct lines lines = lines_of_register(run, i);

		check_line_values(run, &lines);
	}
}

/* ----------------------------------------------------------------------------------------------------------- rights */

void check_right_lines(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		for (int s = 0; s < kind->n_slices; s++) {
			const struct m_slice *slice = &model->slices.v[kind->first_slice + s];
			const char *word = slice->allows ? "allows" : "denies";

			if (!slice->allows && !slice->denies)
				continue;
			if (slice->hi == slice->lo && !(slice->allows && slice->denies))
				continue;
			run->kind[i].broken = true;
			if (!first_time(run, CHECK_RIGHT_LINE, slice->span, slice->name_span))
				continue;
			if (slice->hi != slice->lo) {
				diag(run->context, CHECK_RIGHT_LINE, slice->span, "'%s' on the %u bits %s of %s", word,
				     bits_width(slice->hi, slice->lo), say_bits(run, slice->hi, slice->lo),
				     say_kind(run, i));
				diag_mend(run->context,
					  "one bit grants or withholds; for a code of several bits write a prot table");
			} else {
				diag(run->context, CHECK_RIGHT_LINE, slice->span,
				     "bit %s of %s both allows and denies rights", say_bits(run, slice->hi, slice->lo),
				     say_kind(run, i));
				diag_mend(run->context,
					  "what both values of a bit change is a code: write a prot table");
			}
		}
	}
}

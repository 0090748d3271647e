/* SPDX-License-Identifier: MIT */
/*
 * check_address.c - both addresses: every input bit is consumed once on the way down, and every bit of the output or
 * table address that an entry has to hold is held once.
 */
#include "check_run.h"

#include <inttypes.h>
#include <string.h>

enum { ROOT_MAX_LG2 = 30, ROOT_MAX_COUNT = 16 /* PT_MAX_ROOTS of the contract */ };

/* ------------------------------------------------------------------------------------------------------------ input */

/* Are these input bits the index of other levels of the shape, so that the entry skips them? */
static bool consumed_elsewhere(const struct run *run, ref shape, int hi, int lo)
{
	const struct m_shape *s = &run->model->shapes.v[shape];
	uint64_t bits = 0, wanted;

	for (int i = 0; i < s->n_levels; i++) {
		const struct m_level *level = &run->model->levels.v[s->first_level + i];

		for (int bit = level->lo; bit <= level->hi && bit < 64; bit++)
			bits |= (uint64_t)1 << bit;
	}
	if (hi > 63)
		hi = 63;
	if (lo > hi)
		return true;
	wanted = bits_ones(bits_width((unsigned int)hi, (unsigned int)lo)) << lo;
	return (bits & wanted) == wanted;
}

/* Two levels that follow each other on a path. */
static void check_step(struct run *run, ref from, ref to)
{
	const struct m_level *upper = &run->model->levels.v[from], *lower = &run->model->levels.v[to];
	const char *input = run->model->input.name;

	if (lower->hi == upper->lo - 1)
		return;
	if (lower->hi >= upper->lo) {
		if (!first_time(run, CHECK_INPUT_COVERAGE, lower->span, upper->span))
			return;
		diag(run->context, CHECK_INPUT_COVERAGE, lower->span,
		     "level %s takes input bits %s%s, which level %s above it has taken already", lower->name, input,
		     say_bits(run, lower->hi < upper->hi ? lower->hi : upper->hi, upper->lo), upper->name);
		for (ref i = lower->first_kind; i < lower->first_kind + lower->n_kinds; i++)
			run->kind[i].misplaced = run->kind[i].no_example = true;
	} else {
		if (consumed_elsewhere(run, upper->shape, upper->lo - 1, lower->hi + 1) ||
		    !first_time(run, CHECK_INPUT_COVERAGE, lower->span, upper->span))
			return;
		diag(run->context, CHECK_INPUT_COVERAGE, lower->span,
		     "no level takes input bits %s%s between level %s and level %s", input,
		     say_bits(run, upper->lo - 1, lower->hi + 1), upper->name, lower->name);
	}
	diag_related(run->context, upper->span, "level %s is here: index %s%s", upper->name, input,
		     say_bits(run, upper->hi, upper->lo));
	diag_mend(run->context, "let the index of level %s begin with bit %d", lower->name, upper->lo - 1);
}

static int log2_of(int64_t value)
{
	int n = 0;

	while (value > 1) {
		value >>= 1;
		n++;
	}
	return n;
}

static void check_root(struct run *run, ref shape)
{
	const struct model *model = run->model;
	const struct m_root *root = &model->root;
	const struct m_shape *s = &model->shapes.v[shape];
	params used = params_in(model, model->input.hi) | params_in(model, root->start) | params_in(model, root->count);
	struct config config;
	int lowest = 64;

	for (int i = 0; i < s->n_levels; i++)
		if (model->levels.v[s->first_level + i].lo < lowest)
			lowest = model->levels.v[s->first_level + i].lo;
	config_begin(&config, run, shape, REF_NONE, used, root->span);
	while (config_next(&config)) {
		struct m_env env = {config.param, REF_NONE, NULL, 0, codec_addresses()};
		int64_t hi = model_eval(model, model->input.hi, &env);
		int64_t count = root->count == REF_NONE ? 1 : model_eval(model, root->count, &env);
		int64_t number = model_eval(model, root->start, &env);
		ref start = root->start == REF_NONE ? model->shapes.v[shape].first_level
						    : model_level(model, shape, number);
		const struct m_level *level;
		int bits;

		if (hi < 0 || hi > 63) {
			if (!config_possible(&config) ||
			    !first_time(run, CHECK_INPUT_COVERAGE, model->input.span, root->span))
				continue;
			diag(run->context, CHECK_INPUT_COVERAGE, model->input.span,
			     "the top bit of the input is %" PRId64 "%s", hi, say_config(&config, used));
			diag_mend(run->context, "input addresses have 1 to 64 bits");
			return;
		}
		if (start == REF_NONE) {
			if (!config_possible(&config) ||
			    !first_time(run, CHECK_INPUT_COVERAGE, root->span, model->span))
				continue;
			diag(run->context, CHECK_INPUT_COVERAGE, root->span,
			     "there is no level %" PRId64 " to start at%s", number, say_config(&config, used));
			diag_mend(run->context, "exclude it by a 'require', or declare that level");
			return;
		}
		if (count < 1 || (count & (count - 1))) {
			if (!config_possible(&config) || !first_time(run, CHECK_INPUT_COVERAGE, root->span, root->span))
				continue;
			diag(run->context, CHECK_INPUT_COVERAGE, root->span,
			     "%" PRId64 " roots%s: the top input bits cannot choose one of them", count,
			     say_config(&config, used));
			diag_mend(run->context, "the number of roots is a power of two");
			return;
		}
		if (count > ROOT_MAX_COUNT) {
			if (!config_possible(&config) || !first_time(run, CHECK_INPUT_COVERAGE, root->span, root->span))
				continue;
			diag(run->context, CHECK_INPUT_COVERAGE, root->span,
			     "%" PRId64 " roots%s: a table keeps at most %d", count, say_config(&config, used),
			     ROOT_MAX_COUNT);
			diag_mend(run->context, "more of them are a level of their own, above this one");
			return;
		}
		level = &model->levels.v[start];
		bits = (int)hi + 1 - log2_of(count) - level->lo;
		/* A root above the input has one entry; but the smallest leaf must lie inside of the input. */
		if (hi >= lowest && bits + level->every_lg2 + log2_of(level->entry_bytes) <= ROOT_MAX_LG2)
			continue;
		if (!config_possible(&config) || !first_time(run, CHECK_INPUT_COVERAGE, model->input.span, level->span))
			continue;
		if (hi < lowest) {
			diag(run->context, CHECK_INPUT_COVERAGE, model->input.span,
			     "an input of %" PRId64
			     " bits%s is smaller than any leaf: the lowest level begins at bit %d",
			     hi + 1, say_config(&config, used), lowest);
			diag_mend(run->context, "let the input be at least %d bits", lowest + 1);
			return;
		}
		diag(run->context, CHECK_INPUT_COVERAGE, model->input.span,
		     "input bits [%" PRId64 ":%d] all index the root%s: a table of 2^%d entries", hi, level->lo,
		     say_config(&config, used), bits);
		diag_related(run->context, level->span, "level %s is here", level->name);
		diag_mend(run->context, "start at a higher level than %s", level->name);
		return;
	}
}

void check_input(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		for (int k = 0; k < kind->n_next; k++)
			if (model->nexts.v[kind->first_next + k].level != REF_NONE)
				check_step(run, kind->level, model->nexts.v[kind->first_next + k].level);
	}
	for (int i = 0; i < model->shapes.n; i++)
		check_root(run, i);
}

/* ----------------------------------------------------------------------------------------------------------- output */

/* Where the bits of one address of a kind are. */
struct held {
	const struct m_slice *line[64]; /* NULL: not held */
	int min, max;			/* min > max: nothing is held */
};

static bool same_via(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *address_name(const struct run *run, const char *via)
{
	return via ? arena_printf(run->context->arena, "%s.%s", via, run->model->output.name) : run->model->output.name;
}

/* Collect the address lines that exist; false if one holds what another one holds. */
static bool collect(struct run *run, struct config *config, ref kind, const char *via, struct held *held, params which)
{
	const struct m_kind *k = kind_of(run, kind);

	memset(held, 0, sizeof(*held));
	held->min = 64;
	held->max = -1;
	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];
		int width = slice->hi - slice->lo + 1;

		if (slice->role != ROLE_ADDRESS || !same_via(slice->via, via) || !config_holds(config, slice->cond))
			continue;
		for (int bit = slice->to; bit < slice->to + width && bit < 64; bit++) {
			const struct m_slice *other = held->line[bit];
			int top = bit;

			held->line[bit] = slice;
			if (bit < held->min)
				held->min = bit;
			if (bit > held->max)
				held->max = bit;
			if (!other)
				continue;
			if (!config_possible(config))
				return false;
			run->kind[kind].no_example = true;
			while (top + 1 < slice->to + width && top + 1 < 64 && held->line[top + 1] == other)
				top++;
			if (first_time(run, CHECK_ADDRESS_OVERLAP, slice->name_span, other->name_span)) {
				diag(run->context, CHECK_ADDRESS_OVERLAP, slice->name_span,
				     "%s%s of %s is held twice%s", address_name(run, via), say_bits(run, top, bit),
				     say_kind(run, kind), say_config(config, which));
				diag_related(run->context, other->name_span, "first held here");
				diag_mend(run->context, "each address bit belongs to one line");
			}
			return false;
		}
	}
	return true;
}

/* Lowest bit that the address of a leaf has; of a table: that it may have at most. related: who says so. */
static int lowest_bit(const struct run *run, ref kind, const char *via, const struct m_level **related)
{
	const struct m_kind *k = kind_of(run, kind);
	int lowest = 64;

	*related = level_of(run, kind);
	if (k->category == CATEGORY_LEAF)
		return k->group == GROUP_REPEAT ? k->lg2 : level_of(run, kind)->lo;
	for (int i = 0; i < k->n_next; i++) {
		const struct m_next *next = &run->model->nexts.v[k->first_next + i];
		const struct m_level *level;

		if (next->level == REF_NONE || !same_via(next->via, via))
			continue;
		level = &run->model->levels.v[next->level];
		if (log2_of(level->align) < lowest) {
			lowest = log2_of(level->align);
			*related = level;
		}
	}
	return lowest;
}

static void report_start(struct run *run, struct config *config, ref kind, const char *via, const struct held *held,
			 params which)
{
	const struct m_kind *k = kind_of(run, kind);
	const struct m_level *related;
	int lowest = lowest_bit(run, kind, via, &related);
	const struct m_slice *slice = held->line[held->min];

	run->kind[kind].no_example = true;
	if (!first_time(run, CHECK_ADDRESS_START, slice->name_span, slice->name_span))
		return;
	if (k->category == CATEGORY_TABLE) {
		diag(run->context, CHECK_ADDRESS_START, slice->name_span,
		     "%s holds no bit below %s[%d], but a table of level %s may lie at any multiple of %d bytes%s",
		     say_kind(run, kind), address_name(run, via), held->min, related->name,
		     lowest < 31 ? 1 << lowest : 0, say_config(config, which));
		diag_related(run->context, related->span, "level %s is here", related->name);
		diag_mend(run->context, "hold %s%s too, or say 'align' on that level", address_name(run, via),
			  say_bits(run, held->min - 1, lowest));
	} else if (held->min > lowest) {
		diag(run->context, CHECK_ADDRESS_START, slice->name_span,
		     "the address of %s starts at %s[%d], but a slot maps 2^%d bytes%s", say_kind(run, kind),
		     address_name(run, via), held->min, lowest, say_config(config, which));
		diag_mend(run->context, "hold %s%s too", address_name(run, via), say_bits(run, held->min - 1, lowest));
	} else {
		diag(run->context, CHECK_ADDRESS_START, slice->name_span,
		     "%s%s is inside of the 2^%d bytes that %s maps%s", address_name(run, via),
		     say_bits(run, lowest - 1, held->min), lowest, say_kind(run, kind), say_config(config, which));
		diag_mend(run->context, "the address starts at %s[%d]", address_name(run, via), lowest);
	}
}

static void report_missing(struct run *run, struct config *config, ref kind, const char *via, const struct held *held,
			   params which)
{
	const struct m_kind *k = kind_of(run, kind);
	bool size = k->category == CATEGORY_LEAF && (held->max >= 0 || k->row != REF_NONE);

	run->kind[kind].no_example = true;
	for (int i = 0; !size && i < run->model->kinds.n; i++) {
		const struct m_kind *other = kind_of(run, i);

		/* The same entry holds an address at another level: it is this size that it cannot hold. */
		if (k->category != CATEGORY_LEAF || other->span.offset != k->span.offset ||
		    other->span.file != k->span.file)
			continue;
		for (int s = 0; s < other->n_slices; s++)
			size = size || run->model->slices.v[other->first_slice + s].role == ROLE_ADDRESS;
	}
	if (!first_time(run, size ? CHECK_LEAF_SIZE : CHECK_ADDRESS_MISSING, k->span, k->span))
		return;
	if (size) {
		diag(run->context, CHECK_LEAF_SIZE, k->span,
		     "%s maps 2^%d bytes, and its address field holds no bit from %d up%s", say_kind(run, kind), k->lg2,
		     k->lg2, say_config(config, which));
		diag_mend(run->context, "do not list it there, or end its row at the size that the field can hold");
	} else {
		diag(run->context, CHECK_ADDRESS_MISSING, k->span, "%s has no line that holds '%s'%s",
		     say_kind(run, kind), address_name(run, via), say_config(config, which));
		diag_mend(run->context, "add one, such as '[47:12] %s[47:12];'", address_name(run, via));
	}
}

static void check_held(struct run *run, ref kind, const char *via)
{
	params used = 0;
	const struct m_kind *k = kind_of(run, kind);
	const struct m_level *related;
	int lowest = lowest_bit(run, kind, via, &related);
	struct config config;

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];

		if (slice->role == ROLE_ADDRESS && same_via(slice->via, via))
			used |= params_in(run->model, slice->cond);
	}
	config_begin(&config, run, level_of(run, kind)->shape, k->present, used, k->span);
	while (config_next(&config)) {
		struct held held;
		bool start;

		if (!collect(run, &config, kind, via, &held, used))
			continue;
		if (held.max < 0 || (k->category == CATEGORY_LEAF && held.max < k->lg2)) {
			if (config_possible(&config))
				report_missing(run, &config, kind, via, &held, used);
			continue;
		}
		start = k->category == CATEGORY_LEAF ? held.min != lowest : held.min > lowest;
		if (start && config_possible(&config))
			report_start(run, &config, kind, via, &held, used);
		for (int bit = held.min; bit < held.max; bit++) {
			int top = bit;

			if (held.line[bit])
				continue;
			while (!held.line[top + 1])
				top++;
			if (config_possible(&config) && first_time(run, CHECK_ADDRESS_HOLE, k->span, k->span)) {
				diag(run->context, CHECK_ADDRESS_HOLE, held.line[top + 1]->name_span,
				     "%s does not hold %s%s, but bits above and below%s", say_kind(run, kind),
				     address_name(run, via), say_bits(run, top, bit), say_config(&config, used));
				diag_related(run->context, held.line[bit - 1]->name_span, "the bits below are here");
				diag_mend(run->context, "add the line that holds %s%s", address_name(run, via),
					  say_bits(run, top, bit));
			}
			break;
		}
	}
}

/* The widest address that any leaf of the shape holds must reach the top of the output. */
static void check_width(struct run *run, ref shape)
{
	const struct model *model = run->model;
	const struct m_shape *s = &model->shapes.v[shape];
	params used = params_in(model, model->output.hi);
	struct config config;
	ref first = model->kinds.n, last = -1;

	for (int l = 0; l < s->n_levels; l++) {
		const struct m_level *level = &model->levels.v[s->first_level + l];

		for (ref i = level->first_kind; i < level->first_kind + level->n_kinds; i++) {
			if (kind_of(run, i)->category != CATEGORY_LEAF)
				continue;
			first = i < first ? i : first;
			last = i > last ? i : last;
			for (int n = 0; n < kind_of(run, i)->n_slices; n++) {
				const struct m_slice *slice = &model->slices.v[kind_of(run, i)->first_slice + n];

				if (slice->role == ROLE_ADDRESS)
					used |= params_in(model, slice->cond);
			}
		}
	}
	if (last < 0)
		return;
	config_begin(&config, run, shape, REF_NONE, used, model->output.span);
	while (config_next(&config)) {
		struct m_env env = {config.param, REF_NONE, NULL, 0, codec_addresses()};
		int64_t hi = model_eval(model, model->output.hi, &env);
		int top = -1;

		for (ref i = first; i <= last; i++) {
			const struct m_kind *kind = kind_of(run, i);

			if (kind->category != CATEGORY_LEAF)
				continue;
			for (int n = 0; n < kind->n_slices && top < hi; n++) {
				const struct m_slice *slice = &model->slices.v[kind->first_slice + n];

				if (slice->role == ROLE_ADDRESS && slice->to + slice->hi - slice->lo > top &&
				    config_holds(&config, slice->cond))
					top = slice->to + slice->hi - slice->lo;
			}
		}
		if ((hi >= 0 && hi <= 63 && top >= hi) || top < 0 || !config_possible(&config))
			continue;
		if (!first_time(run, CHECK_ADDRESS_WIDTH, model->output.span, model->output.span))
			return;
		diag(run->context, CHECK_ADDRESS_WIDTH, model->output.span,
		     "the output has %" PRId64 " bits%s, but no leaf holds more than %s[%d]", hi + 1,
		     say_config(&config, used), model->output.name, top);
		diag_mend(run->context, "declare 'output %s[%d:0]', exclude it by a 'require', or hold the bits above",
			  model->output.name, top);
		return;
	}
}

void check_addresses(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		if (run->kind[i].misplaced)
			continue;
		if (kind->category == CATEGORY_LEAF) {
			check_held(run, i, NULL);
		} else if (kind->category == CATEGORY_TABLE) {
			for (int k = 0; k < kind->n_next; k++) {
				const char *via = model->nexts.v[kind->first_next + k].via;
				bool known = false;

				for (int j = 0; j < k; j++)
					known = known || same_via(model->nexts.v[kind->first_next + j].via, via);
				if (!known)
					check_held(run, i, via);
			}
		}
	}
	for (int i = 0; i < model->shapes.n; i++)
		check_width(run, i);
}

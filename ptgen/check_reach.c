/* SPDX-License-Identifier: MIT */
/*
 * check_reach.c - what is described and can never happen: kinds that no word is of, levels that can hold nothing,
 * accessed and dirty bits that nobody sets or that some leaves lack, attributes of tables that do not reach the leaf;
 * and alignments that no allocation can have.
 */
#include "check_run.h"

#include <inttypes.h>

/* ------------------------------------------------------------------------------------------------------------ kinds */

static bool kind_can_be(struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	params used = params_in(model, k->present);
	struct config config;

	if (k->when != REF_NONE)
		used |= params_in(model, k->when) | kind_params(run, kind, 1U << ROLE_CONST | 1U << ROLE_FIELD);
	config_begin(&config, run, level_of(run, kind)->shape, k->present, used, k->span);
	while (config_next(&config)) {
		uint64_t word[2];

		if (k->when != REF_NONE) {
			codec_bind(&run->bound[0], model, kind, config.param);
			if (!find_witness(run, &run->bound[0], &run->bound[0], word))
				continue;
		}
		if (config_possible(&config))
			return true;
	}
	return config.impossible;
}

static bool same_entry(const struct m_kind *a, const struct m_kind *b)
{
	return a->span.file == b->span.file && a->span.offset == b->span.offset;
}

/* An entry is expanded once for each level, shape and row; one of these is enough. */
void check_reached_kinds(struct run *run)
{
	const struct model *model = run->model;
	bool *settled = arena_alloc(run->context->arena, (size_t)model->kinds.n + 1);

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);
		bool can_be = false;

		if (settled[i] || run->kind[i].broken)
			continue;
		for (int k = i; k < model->kinds.n; k++) {
			if (!same_entry(kind, kind_of(run, k)))
				continue;
			settled[k] = true;
			can_be = can_be || run->kind[k].broken || kind_can_be(run, k);
		}
		if (can_be || !first_time(run, CHECK_UNREACHED_KIND, kind->span, kind->span))
			continue;
		diag(run->context, CHECK_UNREACHED_KIND, kind->span, "no word can be '%s', whatever the parameters",
		     kind->name);
		for (int k = i; k < model->kinds.n; k++)
			if (same_entry(kind, kind_of(run, k)))
				run->kind[k].broken = true;
		if (kind->when != REF_NONE)
			diag_mend(run->context, "its 'when' contradicts its own constants: one of the two is wrong");
		else
			diag_mend(run->context, "the condition under which levels list it never holds");
	}
}

/* ----------------------------------------------------------------------------------------------------------- levels */

static bool leads_to(const struct run *run, const struct config *config, ref kind, ref level)
{
	const struct m_kind *k = kind_of(run, kind);

	if (k->category != CATEGORY_TABLE || !config_holds(config, k->present))
		return false;
	for (int i = 0; i < k->n_next; i++)
		if (run->model->nexts.v[k->first_next + i].level == level)
			return true;
	return false;
}

/* Is the level the root, or does an entry above it lead there? */
static bool walked(const struct run *run, const struct config *config, ref level)
{
	const struct model *model = run->model;
	const struct m_shape *shape = &model->shapes.v[model->levels.v[level].shape];
	struct m_env env = {config->param, REF_NONE, NULL, 0, codec_addresses()};

	if (model->root.start == REF_NONE ? level == shape->first_level
					  : model_level(model, model->levels.v[level].shape,
							model_eval(model, model->root.start, &env)) == level)
		return true;
	for (ref l = shape->first_level; l < shape->first_level + shape->n_levels; l++)
		for (ref k = model->levels.v[l].first_kind;
		     k < model->levels.v[l].first_kind + model->levels.v[l].n_kinds; k++)
			if (leads_to(run, config, k, level))
				return true;
	return false;
}

static void check_empty_level(struct run *run, ref level)
{
	const struct model *model = run->model;
	const struct m_level *l = &model->levels.v[level];
	const struct m_shape *shape = &model->shapes.v[l->shape];
	params used = params_in(model, model->root.start), own = 0;
	struct config config;

	for (ref k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		enum ast_category category = kind_of(run, k)->category;

		if (category != CATEGORY_TABLE && category != CATEGORY_LEAF)
			continue;
		if (kind_of(run, k)->present == REF_NONE)
			return;
		own |= params_in(model, kind_of(run, k)->present);
	}
	for (ref k = 0; k < model->kinds.n; k++)
		if (level_of(run, k)->shape == l->shape && kind_of(run, k)->category == CATEGORY_TABLE)
			for (int i = 0; i < kind_of(run, k)->n_next; i++)
				if (model->nexts.v[kind_of(run, k)->first_next + i].level == level)
					used |= params_in(model, kind_of(run, k)->present);
	config_begin(&config, run, l->shape, REF_NONE, used | own, l->span);
	while (config_next(&config)) {
		bool any = false;

		for (ref k = l->first_kind; k < l->first_kind + l->n_kinds && !any; k++)
			any = (kind_of(run, k)->category == CATEGORY_TABLE ||
			       kind_of(run, k)->category == CATEGORY_LEAF) &&
			      config_holds(&config, kind_of(run, k)->present);
		if (any || !walked(run, &config, level) || !config_possible(&config))
			continue;
		if (first_time(run, CHECK_EMPTY_LEVEL, l->span, l->span)) {
			diag(run->context, CHECK_EMPTY_LEVEL, l->span,
			     "level %s can hold nothing but absent entries%s%s%s", l->name, say_config(&config, own),
			     shape->name[0] ? ", shape " : "", shape->name);
			diag_mend(run->context, "list a kind for this case, or exclude it with a 'require'");
		}
		return;
	}
}

void check_empty_levels(struct run *run)
{
	bool leaf = false;

	for (int i = 0; i < run->model->kinds.n; i++)
		leaf = leaf || kind_of(run, i)->category == CATEGORY_LEAF;
	if (!leaf)
		return; /* that was said */
	for (int i = 0; i < run->model->levels.n; i++)
		check_empty_level(run, i);
}

/* ----------------------------------------------------------------------------------------------- accessed and dirty */

/* The line of a kind with this flag that exists under the configuration. */
static const struct m_slice *flag_line(const struct run *run, const struct config *config, ref kind, unsigned int flag)
{
	const struct m_kind *k = kind_of(run, kind);

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];

		if (slice->flags & flag && (!config || config_holds(config, slice->cond)))
			return slice;
	}
	return NULL;
}

static const char *flag_name(unsigned int flag)
{
	return flag == SLICE_DIRTY ? "dirty" : "accessed";
}

/* Both values must be legal: hardware changes one into the other. */
static bool both_values(struct run *run, ref kind, const struct m_slice *slice)
{
	int64_t param[CHECK_MAX_PARAMS];

	if (slice->in == REF_NONE)
		return true;
	for (int i = 0; i < CHECK_MAX_PARAMS; i++)
		param[i] = INT64_MIN;
	model_defaults(run->model, param);
	for (uint64_t value = 0; value < 2; value++) {
		uint64_t word[2] = {0, 0};
		struct m_env env = {param, kind, word, 0, codec_addresses()};

		bits_put(word, slice->hi, slice->lo, value);
		if (!model_holds(run->model, slice->in, &env))
			return false;
	}
	return true;
}

static void check_harvest_line(struct run *run, ref kind, unsigned int flag)
{
	const struct m_kind *k = kind_of(run, kind);

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &run->model->slices.v[k->first_slice + i];

		if (!(slice->flags & flag) || both_values(run, kind, slice) ||
		    !first_time(run, CHECK_HARVEST, slice->span, slice->span))
			continue;
		diag(run->context, CHECK_HARVEST, slice->span, "bit %s of %s is '%s', but cannot be both 0 and 1",
		     say_bits(run, slice->hi, slice->lo), say_kind(run, kind), flag_name(flag));
		diag_mend(run->context, "leave out the 'in', or describe the bit as ignored or software");
	}
}

/* A leaf with the bit and another one without: harvesting would overlook what went through the second. */
static void check_harvest_pair(struct run *run, ref with, ref without, unsigned int flag)
{
	const struct model *model = run->model;
	const struct m_kind *a = kind_of(run, with), *b = kind_of(run, without);
	params used = 0;
	struct config config;

	for (int i = 0; i < a->n_slices; i++)
		if (model->slices.v[a->first_slice + i].flags & flag)
			used |= params_in(model, model->slices.v[a->first_slice + i].cond);
	for (int i = 0; i < b->n_slices; i++)
		if (model->slices.v[b->first_slice + i].flags & flag)
			used |= params_in(model, model->slices.v[b->first_slice + i].cond);
	if (!used && flag_line(run, NULL, without, flag))
		return;
	config_begin(&config, run, level_of(run, with)->shape, a->present, used, b->span);
	while (config_next(&config)) {
		const struct m_slice *line = flag_line(run, &config, with, flag);

		if (!line || flag_line(run, &config, without, flag) || !config_possible_with(&config, b->present))
			continue;
		if (first_time(run, CHECK_HARVEST, b->span, a->span)) {
			diag(run->context, CHECK_HARVEST, b->span,
			     "leaves '%s' have a bit that says '%s', but not leaves '%s'%s", a->name, flag_name(flag),
			     b->name, say_config(&config, used));
			diag_related(run->context, line->span, "in '%s' it is here", a->name);
			diag_mend(run->context, "give '%s' the same bit, unless its hardware really has none", b->name);
		}
		return;
	}
}

void check_harvest(struct run *run)
{
	const struct model *model = run->model;

	for (unsigned int flag = SLICE_ACCESSED; flag <= SLICE_DIRTY; flag <<= 1) {
		ref with = REF_NONE;

		for (int i = 0; i < model->kinds.n; i++) {
			if (kind_of(run, i)->category != CATEGORY_LEAF || run->kind[i].broken)
				continue;
			check_harvest_line(run, i, flag);
			if (with == REF_NONE && flag_line(run, NULL, i, flag))
				with = i;
		}
		for (int i = 0; with != REF_NONE && i < model->kinds.n; i++)
			if (kind_of(run, i)->category == CATEGORY_LEAF && !run->kind[i].broken &&
			    level_of(run, i)->shape == level_of(run, with)->shape &&
			    !same_entry(kind_of(run, i), kind_of(run, with)))
				check_harvest_pair(run, with, i, flag);
	}
}

/* -------------------------------------------------------------------------------------------------- attributes of
 * tables
 */

static bool in_prot(const struct model *model, ref field)
{
	for (int c = 0; c < model->codes.n; c++)
		for (int i = 0; i < model->codes.v[c].n_cols; i++)
			if (model->codes.v[c].concept == CONCEPT_PROT && model->codes.v[c].col[i].field == field)
				return true;
	return false;
}

/* The line of a leaf that gives or takes rights by this field. */
static const struct m_slice *rights_line(const struct run *run, ref field)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		for (int s = 0; kind->category == CATEGORY_LEAF && s < kind->n_slices; s++) {
			const struct m_slice *slice = &model->slices.v[kind->first_slice + s];

			if (slice->role == ROLE_FIELD && slice->field == field && (slice->allows || slice->denies))
				return slice;
		}
	}
	return NULL;
}

/* Fields that say what the entry is, or where it leads, are no attributes. */
static bool chooses(const struct model *model, const struct m_kind *kind)
{
	bool chosen = model_mentions(model, kind->when, X_FIELD, REF_NONE);

	for (int i = 0; i < kind->n_next; i++)
		chosen = chosen || model_mentions(model, model->nexts.v[kind->first_next + i].cond, X_FIELD, REF_NONE);
	return chosen;
}

void check_table_attributes(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);

		for (int s = 0; kind->category == CATEGORY_TABLE && s < kind->n_slices; s++) {
			const struct m_slice *slice = &model->slices.v[kind->first_slice + s], *leaf;

			if (slice->role != ROLE_FIELD || slice->allows || slice->denies ||
			    slice->or_field != REF_NONE || chooses(model, kind) || in_prot(model, slice->field))
				continue;
			leaf = rights_line(run, slice->field);
			if (!leaf || !first_time(run, CHECK_TABLE_ATTRIBUTE, slice->span, slice->span))
				continue;
			diag(run->context, CHECK_TABLE_ATTRIBUTE, slice->name_span,
			     "field '%s' of %s is written and ignored: nothing says how it combines with that of the "
			     "leaf",
			     model->fields.v[slice->field].name, say_kind(run, i));
			diag_related(run->context, leaf->span, "in a leaf it decides about rights");
			diag_mend(run->context,
				  "say 'allows' or 'denies' here too, 'or NAME', or give it a name of its own");
		}
	}
}

/* ------------------------------------------------------------------------------------------------------- alignments */

/* The lowest address bit of the root that the registers hold; -1: no register does. */
static int root_bit(const struct run *run, const struct config *config, const struct m_slice **line)
{
	const struct model *model = run->model;
	int lowest = -1;

	for (int i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];

		for (int s = 0; s < reg->n_slices && config_holds(config, reg->cond); s++) {
			const struct m_slice *slice = &model->slices.v[reg->first_slice + s];

			if (slice->role != ROLE_ROOT || !config_holds(config, slice->cond) ||
			    (lowest >= 0 && slice->to >= lowest))
				continue;
			lowest = slice->to;
			*line = slice;
		}
	}
	return lowest;
}

static params root_params(const struct run *run)
{
	const struct model *model = run->model;
	params used = params_in(model, model->input.hi) | params_in(model, model->root.start) |
		      params_in(model, model->root.count) | params_in(model, model->root.align) |
		      params_in(model, model->root.table);

	for (int i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];

		for (int s = 0; s < reg->n_slices; s++)
			if (model->slices.v[reg->first_slice + s].role == ROLE_ROOT)
				used |= params_in(model, reg->cond) |
					params_in(model, model->slices.v[reg->first_slice + s].cond);
	}
	return used;
}

/* Bytes of a root in this configuration, 0 if it has none (reported elsewhere). */
static int64_t root_bytes(const struct run *run, const struct config *config, ref shape)
{
	const struct model *model = run->model;
	struct m_env env = {config->param, REF_NONE, NULL, 0, codec_addresses()};
	ref start = model->root.start == REF_NONE
			    ? model->shapes.v[shape].first_level
			    : model_level(model, shape, model_eval(model, model->root.start, &env));
	int64_t count = model->root.count == REF_NONE ? 1 : model_eval(model, model->root.count, &env);
	int64_t hi = model_eval(model, model->input.hi, &env);
	const struct m_level *level;
	int bits;

	if (start == REF_NONE || count < 1 || hi < 0 || hi > 63)
		return 0;
	level = &model->levels.v[start];
	if (model->root.grows != REF_NONE)
		return level->align; /* it may become a table of this level */
	if (model->root.table != REF_NONE)
		return model_eval(model, model->root.table, &env);
	bits = (int)hi + 1 - level->lo;
	for (; count > 1; count >>= 1)
		bits--;
	if (bits < 0)
		bits = 0;
	return bits > 40 ? 0 : (int64_t)level->entry_bytes << (bits + level->every_lg2);
}

static void check_root_align(struct run *run, ref shape)
{
	const struct model *model = run->model;
	params used = root_params(run);
	struct config config;

	config_begin(&config, run, shape, REF_NONE, used, model->root.span);
	while (config_next(&config)) {
		struct m_env env = {config.param, REF_NONE, NULL, 0, codec_addresses()};
		int64_t bytes = root_bytes(run, &config, shape);
		int64_t align = model->root.align == REF_NONE ? bytes : model_eval(model, model->root.align, &env);
		const struct m_slice *line = NULL;
		int lowest = root_bit(run, &config, &line);
		struct span at = model->root.span;

		if (!bytes)
			continue;
		if (model->root.size_used && align < bytes)
			align = bytes;
		if (align < 16 && align > 0)
			align = 16; /* of every allocation */
		if (align > 0 && !(align & (align - 1)) && (lowest < 0 || align >> lowest))
			continue;
		if (!config_possible(&config) || !first_time(run, CHECK_TABLE_ALIGN, at, at))
			return;
		if (align <= 0 || (align & (align - 1))) {
			diag(run->context, CHECK_TABLE_ALIGN, at, "the root would be aligned to %" PRId64 " bytes%s",
			     align, say_config(&config, used));
			diag_mend(run->context, "an alignment is a power of two");
			return;
		}
		diag(run->context, CHECK_TABLE_ALIGN, line->span,
		     "this holds no bit of the root's address below %d, but a root may lie at any multiple of %" PRId64
		     " bytes%s",
		     lowest, align, say_config(&config, used));
		diag_mend(run->context, "say 'root align %d', or hold the bits below", lowest < 31 ? 1 << lowest : 0);
		return;
	}
}

/* Tables must be able to lie somewhere else than at 0. */
static void check_level_align(struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);

	for (int i = 0; i < k->n_next; i++) {
		const struct m_next *next = &model->nexts.v[k->first_next + i];
		const struct m_level *level;
		int top = -1;

		if (next->level == REF_NONE)
			continue;
		level = &model->levels.v[next->level];
		for (int s = 0; s < k->n_slices; s++) {
			const struct m_slice *slice = &model->slices.v[k->first_slice + s];

			if (slice->role == ROLE_ADDRESS && slice->to + slice->hi - slice->lo > top)
				top = slice->to + slice->hi - slice->lo;
		}
		if (top < 0 || top > 62 || level->align <= (uint64_t)1 << top ||
		    !first_time(run, CHECK_TABLE_ALIGN, level->span, k->span))
			continue;
		diag(run->context, CHECK_TABLE_ALIGN, level->span,
		     "tables of level %s are aligned to %" PRIu32
		     " bytes, but '%s' holds addresses up to bit %d: only 0 would do",
		     level->name, level->align, k->name, top);
		diag_related(run->context, k->span, "'%s' is here", k->name);
		diag_mend(run->context, "say another 'align' on that level, or hold more of the address");
	}
}

void check_alignments(struct run *run)
{
	for (int i = 0; i < run->model->shapes.n; i++)
		check_root_align(run, i);
	for (int i = 0; i < run->model->kinds.n; i++)
		if (kind_of(run, i)->category == CATEGORY_TABLE && !run->kind[i].broken)
			check_level_align(run, i);
}

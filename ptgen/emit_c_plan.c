/* SPDX-License-Identifier: MIT */
/* emit_c_plan.c - what the format has, and what of it the generated code writes: known before a line is printed. */
#include "emit_c.h"

#include <inttypes.h>
#include <string.h>

#include "codec_bound.h"

void refuse(struct emitter *emitter, const char *what)
{
	if (!emitter->failed)
		diag_usage(emitter->context,
			   "%s: format '%s': the C emitter cannot do %s yet; other outputs are not affected",
			   emitter->model->source, emitter->model->name, what);
	emitter->failed = true;
}

/* One value of a parameter's set, chosen by *turn, which is divided by the size of the set. */
static int64_t param_value(const struct model *model, ref param, int64_t *turn)
{
	const struct m_param *p = &model->params.v[param];
	int64_t count = 0, index;

	for (int r = 0; r < p->n_ranges; r++)
		count += model->ranges.v[p->first_range + r].last - model->ranges.v[p->first_range + r].first + 1;
	if (count == 0)
		return INT64_MIN;
	index = *turn % count;
	*turn /= count;
	for (int r = 0; r < p->n_ranges; r++) {
		const struct m_range *range = &model->ranges.v[p->first_range + r];

		if (index <= range->last - range->first)
			return range->first + index;
		index -= range->last - range->first + 1;
	}
	return INT64_MIN;
}

/* The configuration that a shape is described for: defaults, with the shape's parameters found by search. */
static void shape_defaults(struct emitter *emitter, int shape, int64_t *param)
{
	const struct model *model = emitter->model;
	int order[8], n = 0;

	for (int i = 0; i < model->params.n; i++)
		param[i] = INT64_MIN;
	model_defaults(model, param);
	if (model_shape(model, param) == shape)
		return;
	for (int i = 0; i < model->params.n && n < 8; i++)
		if (!model->params.v[i].bound && model_mentions(model, model->shapes.v[shape].when, X_PARAM, i))
			order[n++] = i;
	/* All combinations of the parameters that select shapes; few, or there would be no shapes. */
	for (int64_t turn = 0;; turn++) {
		int64_t rest = turn;

		for (int i = 0; i < model->params.n; i++)
			param[i] = INT64_MIN;
		for (int i = 0; i < n; i++)
			param[order[i]] = param_value(model, order[i], &rest);
		model_defaults(model, param);
		if (model_shape(model, param) == shape || rest)
			return;
	}
}

static void plan_names(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		const char *shape = model->shapes.v[level->shape].name,
			   *name = enumerator(emitter->arena, level->n_args ? level->item : level->name);

		if (*shape)
			name = text_of(emitter, "%s_%s", enumerator(emitter->arena, shape), name);
		for (int k = 0; k < level->n_args; k++)
			name = text_of(emitter, "%s_%" PRId64, name, level->args[k]);
		emitter->level_name[i] = name;
	}
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];

		emitter->kind_name[k] = text_of(emitter, "%s_%s", emitter->level_name[kind->level],
						enumerator(emitter->arena, kind->name));
		if (kind->row != REF_NONE)
			emitter->kind_name[k] = text_of(emitter, "%s_%d", emitter->kind_name[k], kind->lg2);
	}
}

/* Does a condition on the fields of an entry that we write depend on the configuration? */
static bool by_config(const struct model *model, ref kind, ref cond)
{
	const struct m_kind *k = &model->kinds.v[kind];

	if (cond == REF_NONE)
		return false;
	if (model_mentions(model, cond, X_PARAM, -1))
		return true;
	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];

		if (slice->field != REF_NONE && slice->dflt != REF_NONE &&
		    model_mentions(model, cond, X_FIELD, slice->field) &&
		    model_mentions(model, slice->dflt, X_PARAM, -1))
			return true;
	}
	return false;
}

/* Where a level's tables link to in what we write: the target whose condition the default word meets. */
static ref written_next(struct emitter *emitter, ref kind)
{
	const struct model *model = emitter->model;
	const struct m_kind *k = &model->kinds.v[kind];
	const int64_t *param = emitter->defaults + model->levels.v[k->level].shape * model->params.n;
	uint64_t word[2] = {0, 0};
	struct m_env env = {.param = param, .kind = kind, .word = word, .address = codec_addresses()};
	ref code;

	if (!codec_attributes(model, kind, param, REQ_READ | REQ_WRITE | REQ_EXEC, CODEC_WHOLE, word, &code) ||
	    !model_holds(model, k->when, &env))
		return REF_NONE;
	for (int i = 0; i < k->n_next; i++) {
		if (by_config(model, kind, model->nexts.v[k->first_next + i].cond))
			refuse(emitter, "table entries whose next level depends on the configuration");
		if (model_holds(model, model->nexts.v[k->first_next + i].cond, &env)) {
			emitter->via[k->level] = model->nexts.v[k->first_next + i].via;
			return model->nexts.v[k->first_next + i].level;
		}
	}
	return REF_NONE;
}

/* Number of the top address bit that an entry holds of a sub-table. */
static int sub_table_bit(const struct model *model, ref kind, const char *via)
{
	const struct m_kind *k = &model->kinds.v[kind];
	int top = -1;

	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];

		if (slice->role == ROLE_ADDRESS && slice->via && strcmp(slice->via, via) == 0 &&
		    slice->to + slice->hi - slice->lo > top)
			top = slice->to + slice->hi - slice->lo;
	}
	return top;
}

/* Two sub-tables under one entry: the second is looked at where the first one's entry is absent. */
static void plan_twins(struct emitter *emitter, ref kind)
{
	const struct model *model = emitter->model;
	const struct m_kind *k = &model->kinds.v[kind];

	if (k->n_next > 2 && model->nexts.v[k->first_next].via)
		refuse(emitter, "more than two sub-tables under one entry");
	for (int i = 0; i < k->n_next; i++) {
		const struct m_next *next = &model->nexts.v[k->first_next + i];

		if (!next->via)
			continue;
		emitter->has_twins = true;
		emitter->has_skips = true;
		if (model_limited(&model->levels.v[next->level]))
			refuse(emitter, "'limit' on one of several sub-tables");
		if (model->levels.v[next->level].hi + 1 != model->levels.v[k->level].lo)
			refuse(emitter, "sub-tables that serve less than their entry does");
		if (sub_table_bit(model, kind, next->via) !=
		    sub_table_bit(model, kind, model->nexts.v[k->first_next].via))
			refuse(emitter, "sub-tables whose addresses differ in width");
	}
}

/* The largest value that an expression over the parameters has; REF_NONE: 1. */
static int64_t greatest(struct emitter *emitter, ref expr)
{
	const struct model *model = emitter->model;
	int64_t *param = arena_alloc(emitter->arena, sizeof(*param) * (size_t)(model->params.n + 1)), best = 1;

	for (int64_t turn = 0, rest = 0; expr != REF_NONE && rest == 0; turn++) {
		struct m_env env = {.param = param};
		int64_t value;

		rest = turn;
		for (int i = 0; i < model->params.n; i++) {
			param[i] = INT64_MIN;
			if (!model->params.v[i].bound && model_mentions(model, expr, X_PARAM, i))
				param[i] = param_value(model, i, &rest);
		}
		model_defaults(model, param);
		value = model_eval(model, expr, &env);
		if (value > best)
			best = value;
	}
	return best;
}

/*
 * Which of a level's kinds of table entry we write, and where it leads: the first whose default word leads to a level
 * of smaller entries. (One that points at a leaf elsewhere gains a mapper nothing.)
 */
static void plan_table(struct emitter *emitter, int level)
{
	const struct model *model = emitter->model;
	const struct m_level *l = &model->levels.v[level];

	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		ref next;

		if (model->kinds.v[k].category != CATEGORY_TABLE)
			continue;
		plan_twins(emitter, k);
		next = emitter->table[level] == REF_NONE ? written_next(emitter, k) : REF_NONE;
		if (next == REF_NONE || model->levels.v[next].lo >= l->lo)
			continue;
		if (model->kinds.v[k].present != REF_NONE)
			refuse(emitter, "a kind of table entry, to be written, that depends on the configuration");
		emitter->table[level] = k;
		emitter->next[level] = next;
		if (kind_bits(emitter, k, BITS_SYNCED).literal || kind_bits(emitter, k, BITS_SYNCED).text)
			emitter->has_synced = true;
	}
	/* Entries that lead elsewhere than to where we would go. */
	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++)
		if (model->kinds.v[k].category == CATEGORY_TABLE &&
		    (model->kinds.v[k].n_next > 1 ||
		     model->nexts.v[model->kinds.v[k].first_next].level != emitter->next[level]))
			emitter->has_skips = true;
}

/* Can the walk begin at this level, in some configuration? */
static bool may_start(struct emitter *emitter, int level)
{
	const struct model *model = emitter->model;
	int64_t *param, rest = 0;
	ref used[8];
	int n = 0;

	if (model->root.start == REF_NONE)
		return level == model->shapes.v[model->levels.v[level].shape].first_level;
	param = arena_alloc(emitter->arena, sizeof(*param) * (size_t)(model->params.n + 1));
	for (int i = 0; i < model->params.n; i++)
		if (!model->params.v[i].bound && model_mentions(model, model->root.start, X_PARAM, i)) {
			if (n == 8)
				return true;
			used[n++] = i;
		}
	for (int64_t turn = 0; rest == 0 && turn < 65536; turn++) {
		struct m_env env = {.param = param, .kind = REF_NONE};

		memcpy(param, emitter->defaults + model->levels.v[level].shape * model->params.n,
		       sizeof(*param) * (size_t)model->params.n);
		rest = turn;
		for (int i = 0; i < n; i++)
			param[used[i]] = param_value(model, used[i], &rest);
		if (rest == 0 && model_eval(model, model->root.start, &env) == model->levels.v[level].number)
			return true;
	}
	return rest == 0; /* too many combinations to know */
}

/* The level where a walk begins in the default configuration. */
static int usual_start(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	int64_t *param = arena_alloc(emitter->arena, sizeof(*param) * (size_t)(model->params.n + 1));
	struct m_env env = {.param = param, .kind = REF_NONE};
	int shape;

	for (int i = 0; i < model->params.n; i++)
		param[i] = INT64_MIN;
	model_defaults(model, param);
	shape = model_shape(model, param);
	for (int i = 0; model->root.start != REF_NONE && i < model->shapes.v[shape].n_levels; i++)
		if (model->levels.v[model->shapes.v[shape].first_level + i].number ==
		    model_eval(model, model->root.start, &env))
			return model->shapes.v[shape].first_level + i;
	return model->shapes.v[shape].first_level;
}

/* Follow what we write down from every level where a walk can begin. */
static void plan_written(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	for (int i = 0; i < model->levels.n; i++)
		emitter->starts[i] = may_start(emitter, i);
	emitter->usual_start = usual_start(emitter);
	emitter->starts[emitter->usual_start] = true;
	for (int i = 0; i < model->levels.n; i++)
		if (emitter->starts[i])
			for (ref at = i; at != REF_NONE && !emitter->written[at]; at = emitter->next[at])
				emitter->written[at] = true;
	for (int s = 0; s < model->shapes.n; s++)
		emitter->last[s] = REF_NONE;
	for (int i = 0; i < model->levels.n; i++) {
		int above = 0;

		if (!emitter->written[i]) {
			emitter->has_foreign = true;
			continue;
		}
		for (int p = 0; p < model->levels.n; p++)
			above += emitter->written[p] && emitter->next[p] == i;
		if (above > 1)
			refuse(emitter, "two levels whose tables, as they are written, lead to the same one");
		if (emitter->next[i] != REF_NONE && emitter->next[i] <= i)
			refuse(emitter, "a table that leads to a level declared before its own (levels stand in walk "
					"order: arguments count down, as in n in 3..0)");
		if (emitter->next[i] != REF_NONE)
			continue;
		if (emitter->last[model->levels.v[i].shape] != REF_NONE)
			refuse(emitter, "two lowest levels of what is written");
		emitter->last[model->levels.v[i].shape] = i;
	}
}

/* The longest way down from a level; 0 if there is none that ends. */
static int longest(const struct model *model, ref level, int depth)
{
	const struct m_level *l = &model->levels.v[level];
	int most = 1;

	if (depth > PTGEN_MAX_STEPS)
		return PTGEN_MAX_STEPS + 1;
	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++)
		for (int i = 0; model->kinds.v[k].category == CATEGORY_TABLE && i < model->kinds.v[k].n_next; i++) {
			/* A second sub-table is walked after the first. */
			const struct m_next *next = &model->nexts.v[model->kinds.v[k].first_next + i];
			int here = 1 + (next->via != NULL && i > 0) + longest(model, next->level, depth + 1);

			most = here > most ? here : most;
		}
	return most;
}

const char *marks_of(struct emitter *emitter)
{
	for (int k = 0; k < emitter->model->kinds.n; k++) {
		struct bits marks = kind_bits(emitter, k, BITS_MARKS);

		if (emitter->model->kinds.v[k].category == CATEGORY_LEAF && (marks.text || marks.literal))
			return marks.text ? marks.text : hex64(emitter, (uint64_t)marks.literal);
	}
	return NULL;
}

static void plan_levels(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		int absent = 0;

		emitter->next[i] = emitter->table[i] = REF_NONE;
		emitter->via[i] = NULL;
		emitter->written[i] = false;
		if (level->entry_bytes != 4 && level->entry_bytes != 8 && level->entry_bytes != 16)
			refuse(emitter, "entries that are not 4, 8 or 16 bytes");
		emitter->has_limits = emitter->has_limits || model_limited(level);
		for (int k = level->first_kind; k < level->first_kind + level->n_kinds; k++) {
			const struct m_kind *kind = &model->kinds.v[k];

			if (kind->category == CATEGORY_ABSENT) {
				absent++;
				emitter->mixed = emitter->mixed || kind->when != REF_NONE;
			}
			emitter->has_nulls = emitter->has_nulls || kind->category == CATEGORY_NULL;
			if (kind->category == CATEGORY_LEAF && kind->group_lg2 &&
			    1 << kind->group_lg2 > emitter->max_group)
				emitter->max_group = 1 << kind->group_lg2;
			if (kind->category == CATEGORY_LEAF && kind->group == GROUP_CONTIG)
				emitter->has_contigs = true;
			if (kind_bits(emitter, k, BITS_KEEP).literal || kind_bits(emitter, k, BITS_KEEP).text)
				emitter->has_keeps = true;
		}
		if (absent == 0)
			refuse(emitter, "a level without an absent kind");
		if (absent_bits(emitter, i, BITS_MASK).text || absent_bits(emitter, i, BITS_VALUE).text)
			emitter->absent_by_config = true;
		if (longest(model, i, 0) > PTGEN_MAX_STEPS)
			refuse(emitter, "more tables on one way down than a walk has steps");
		plan_table(emitter, i);
	}
	if (model->params.n + model->addresses.n > PTGEN_MAX_PARAMS)
		refuse(emitter, "so many parameters and addresses");
	plan_written(emitter);
	emitter->max_roots = greatest(emitter, model->root.count);
	if (model->input.base != REF_NONE || model->output.base != REF_NONE || model->output.window != REF_NONE) {
		emitter->in_base = model->input.base != REF_NONE;
		emitter->window = model->output.window != REF_NONE;
		emitter->outside = emitter->window || model->output.base != REF_NONE;
		if (emitter->window && model->output.base != REF_NONE)
			refuse(emitter, "'base' and 'window' of one output");
		if (emitter->outside && marks_of(emitter))
			refuse(emitter, "'marks' beside 'base' or 'window'");
		if (emitter->outside && emitter->has_twins)
			refuse(emitter, "several sub-tables beside 'base' or 'window'");
		if (emitter->in_base && (emitter->max_roots > 1 || model->root.grows != REF_NONE))
			refuse(emitter, "an input 'base' beside several roots, or beside a root that grows");
	}
	if (emitter->max_roots > 1 && model->root.grows != REF_NONE)
		refuse(emitter, "a root that grows beside others");
}

/* The widest entry, and whether entries are alike at all levels. */
static void plan_entries(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];

		emitter->has_wide = emitter->has_wide || level->entry_bytes == 16;
		emitter->mixed = emitter->mixed || level->every_lg2 || level->entry_bytes == 16 ||
				 level->entry_bytes != model->levels.v[0].entry_bytes ||
				 level->big_endian != model->levels.v[0].big_endian ||
				 level->host_endian != model->levels.v[0].host_endian;
		if (level->entry_bytes * 8 > emitter->entry_bits)
			emitter->entry_bits = level->entry_bytes * 8;
	}
	/* From number to memory, and back: the same function. Nothing for formats in the host's order. */
	emitter->order =
		model->levels.v[0].host_endian
			? ""
			: text_of(emitter, "pt_%s%d", model->levels.v[0].big_endian ? "be" : "le", emitter->entry_bits);
}

/* One element more than there are, since none may be. */
static void *room(const struct emitter *emitter, size_t bytes, int n)
{
	return arena_alloc(emitter->arena, bytes * ((size_t)n + 1));
}

bool plan(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	emitter->lower = emitter->context->options.prefix ? emitter->context->options.prefix : model->name;
	emitter->upper = enumerator(emitter->arena, emitter->lower);
	plan_entries(emitter);
	emitter->level_name = room(emitter, sizeof(*emitter->level_name), model->levels.n);
	emitter->kind_name = room(emitter, sizeof(*emitter->kind_name), model->kinds.n);
	emitter->kind_class = room(emitter, sizeof(*emitter->kind_class), model->kinds.n);
	emitter->uses_let = room(emitter, sizeof(*emitter->uses_let), model->lets.n);
	emitter->next = room(emitter, sizeof(*emitter->next), model->levels.n);
	emitter->via = room(emitter, sizeof(*emitter->via), model->levels.n);
	emitter->written = room(emitter, sizeof(*emitter->written), model->levels.n);
	emitter->starts = room(emitter, sizeof(*emitter->starts), model->levels.n);
	emitter->last = room(emitter, sizeof(*emitter->last), model->shapes.n);
	emitter->table = room(emitter, sizeof(*emitter->table), model->levels.n);
	emitter->defaults = room(emitter, sizeof(*emitter->defaults), model->shapes.n * model->params.n);
	for (int s = 0; s < model->shapes.n; s++)
		shape_defaults(emitter, s, emitter->defaults + s * model->params.n);
	plan_names(emitter);
	plan_levels(emitter);
	if (!emitter->failed)
		plan_codes(emitter);
	for (int i = 0; i < model->levels.n && !emitter->failed; i++)
		if (model->levels.v[i].entry_bytes == 16)
			plan_wide(emitter, i);
	if (emitter->failed)
		return false;
	for (int k = 0; k < model->kinds.n; k++)
		if (model->kinds.v[k].category == CATEGORY_LEAF &&
		    (attribute_mask(emitter, k) & ~kind_bits(emitter, k, BITS_LIVE).literal) != 0)
			emitter->has_breaks = true;
	emitter->has_breaks = emitter->has_breaks || emitter->has_marks || emitter->has_wide;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* emit_c.c - the C emitter: what the format needs, the two passes, the public header. */
#include "emit_c.h"
#include "codec_bound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "stages.h"
#include "template.h"

extern const char template_header[], template_core[], template_lookup[], template_map[], template_unmap[],
	template_change[], template_walk[], template_init[], template_state[];

const char *enumerator(struct arena *arena, const char *text)
{
	char *name = arena_alloc(arena, strlen(text) + 1), *c = name;

	for (; *text; text++)
		*c++ = *text >= 'a' && *text <= 'z'					  ? (char)(*text - 'a' + 'A')
		       : (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ? *text
		       : *text == '-'							  ? 'M'
											  : '_';
	return name;
}

static void refuse(struct emitter *emitter, const char *what)
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

/* The mark of leaf addresses, a configuration expression; NULL: none. */
static const char *marks_of(struct emitter *emitter)
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

/* The number of the highest address bit that the lines hold; -1: none. */
static int top_bit(const struct model *model, ref first, int n, enum m_role role, bool conditional)
{
	int top = -1;

	for (int i = first; i < first + n; i++) {
		const struct m_slice *slice = &model->slices.v[i];

		if (slice->role == role && (conditional || slice->cond == REF_NONE) &&
		    slice->to + slice->hi - slice->lo > top)
			top = slice->to + slice->hi - slice->lo;
	}
	return top;
}

int table_bit(const struct model *model, int shape)
{
	int last = -1;

	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = &model->kinds.v[i];
		int top = top_bit(model, kind->first_slice, kind->n_slices, ROLE_ADDRESS, true);

		if (kind->category == CATEGORY_TABLE && model->levels.v[kind->level].shape == shape && top >= 0 &&
		    (last < 0 || top < last))
			last = top;
	}
	return last;
}

bool tables_differ(const struct model *model)
{
	for (int shape = 1; shape < model->shapes.n; shape++)
		if (table_bit(model, shape) != table_bit(model, 0))
			return true;
	return false;
}

/* The smaller of the last output address and the limit. */
static const char *at_most(struct emitter *emitter, const char *limit, bool root)
{
	if (emitter->outside)
		return text_of(emitter, "%s_last(t, %s, %s)", emitter->lower, limit, root ? "true" : "false");
	return text_of(emitter, "(t->output_last < %s ? t->output_last : %s)", limit, limit);
}

static const char *at_most_bit(struct emitter *emitter, int last, bool root)
{
	if (emitter->outside)
		return at_most(emitter,
			       last < 0 || last >= 63 ? "UINT64_MAX"
						      : text_of(emitter, "UINT64_C(0x%" PRIx64 ")", mask_of(last, 0)),
			       root);
	return last < 0 || last >= 63 ? "t->output_last" : at_most(emitter, hex64(emitter, mask_of(last, 0)), root);
}

/* A table whose address has the mark in it would not be found again. */
static const char *below_marks(struct emitter *emitter, const char *text)
{
	const char *marks = marks_of(emitter);

	return marks ? text_of(emitter, "%s_below(%s, %s)", emitter->lower, text, marks) : text;
}

/* The last address of which a table can be: from the width of the fields that hold it. */
static const char *last_table(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	if (tables_differ(model))
		return below_marks(
			emitter,
			at_most(emitter, text_of(emitter, "%s_shape_table_last[t->shape]", emitter->lower), false));
	return below_marks(emitter, at_most_bit(emitter, table_bit(model, 0), false));
}

/* The same for the root, which registers hold; some of their lines exist under a condition only. */
static const char *last_root(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	const char *text;
	int last = -1;

	for (int i = 0; i < model->registers.n; i++) {
		int top = top_bit(model, model->registers.v[i].first_slice, model->registers.v[i].n_slices, ROLE_ROOT,
				  false);

		last = top > last ? top : last;
	}
	text = at_most_bit(emitter, last, true);
	for (int i = 0; i < model->slices.n; i++) {
		const struct m_slice *slice = &model->slices.v[i];
		int top = slice->to + slice->hi - slice->lo;

		if (slice->role == ROLE_ROOT && slice->cond != REF_NONE && top > last)
			text = text_of(emitter, "(%s ? %s : %s)", condition_text(emitter, slice->cond),
				       at_most_bit(emitter, top, true), text);
	}
	return below_marks(emitter, text);
}

static void emit_enums(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	OUT("/* Levels, root first; indices into %s_levels. */\nenum {\n", emitter->lower);
	for (int i = 0; i < model->levels.n; i++)
		OUT("\t%s_%s,\n", emitter->upper, emitter->level_name[i]);
	OUT("\t%s_N_LEVELS,\n\t%s_N_KINDS = %d,\n\t%s_MAX_GROUP = %d, /* slots of the largest group */\n",
	    emitter->upper, emitter->upper, model->kinds.n, emitter->upper, emitter->max_group);
	OUT("\t%s_INPUT_FAULT = %s,\n\t%s_OUTPUT_FAULT = %s,\n\t%s_RESERVED_FAULT = %s,\n"
	    "\t%s_REFUSED = 0xff, /* in the table of requests */\n\t"
	    "%s_WIDER = 0x80,\n};\n\n",
	    emitter->upper, fault_text(emitter, model->input.fault, FAULT_ADDRESS), emitter->upper,
	    fault_text(emitter, model->output.fault, FAULT_ADDRESS), emitter->upper,
	    fault_text(emitter, model->reserved_fault, FAULT_RESERVED), emitter->upper, emitter->upper);
	OUT("/* Words of struct pt_table that %s_init computes from the configuration. */\nenum {\n", emitter->lower);
	for (int i = 0; i < emitter->words.n; i++)
		OUT("\t%s_WORD_%s,\n", emitter->upper, emitter->words.v[i].name);
	OUT("\t%s_N_WORDS,\n};\n\n"
	    "_Static_assert(%s_N_WORDS <= PT_MAX_WORDS, \"struct pt_table has room for all configuration words\");\n"
	    "\n",
	    emitter->upper, emitter->upper);
}

static void emit_last_level(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	bool plain = true; /* the last one declared is the lowest */

	for (int s = 0; s < model->shapes.n; s++)
		plain = plain && emitter->last[s] == model->shapes.v[s].first_level + model->shapes.v[s].n_levels - 1;
	OUT("/* The lowest level of the table's shape. */\n"
	    "PT_ALWAYS_INLINE unsigned int %s_last_level(const struct pt_table *t)\n{\n\t(void)t;\n",
	    emitter->lower);
	if (model->shapes.n == 1 && plain)
		OUT("\treturn %s_N_LEVELS - 1;\n}\n\n", emitter->upper);
	else if (model->shapes.n == 1)
		OUT("\treturn %s_%s;\n}\n\n", emitter->upper, emitter->level_name[emitter->last[0]]);
	else if (plain)
		OUT("\treturn t->level_base + %s_shape_levels[t->shape] - 1U;\n}\n\n", emitter->lower);
	else {
		OUT("\tstatic const uint16_t last[] = {");
		for (int s = 0; s < model->shapes.n; s++)
			OUT("%s%s_%s", s ? ", " : "", emitter->upper, emitter->level_name[emitter->last[s]]);
		OUT("};\n\n\treturn last[t->shape];\n}\n\n");
	}
}

static void emit_resize(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	OUT("/* May a leaf become a table (and back) in one store? */\n"
	    "PT_ALWAYS_INLINE bool %s_resize_live(const struct pt_table *t)\n{\n\t(void)t;\n",
	    emitter->lower);
	if (!model->resize_said || emitter->has_wide) /* no store changes both halves of 16 bytes */
		OUT("\treturn false;\n}\n\n");
	else if (model->resize_live == REF_NONE)
		OUT("\treturn true;\n}\n\n");
	else
		OUT("\treturn t->word[%s] != 0;\n}\n\n",
		    word_name(emitter, word_of(emitter, "RESIZE_LIVE",
					       text_of(emitter, "(uint64_t)((%s) != 0)",
						       config_text(emitter, model->resize_live)))));
}

static void emit_param_enum(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	if (model->params.n + model->addresses.n == 0)
		return;
	OUT("/* Parameters: indices into pt_config.param. */\nenum {\n");
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];

		OUT("\t%s_PARAM_%s,", emitter->upper, enumerator(emitter->arena, p->name));
		if (p->doc && *p->doc)
			OUT(" /* %s */", p->doc);
		OUT("\n");
	}
	for (int i = 0; i < model->addresses.n; i++)
		OUT("\t%s_PARAM_%s, /* %s */\n", emitter->upper, enumerator(emitter->arena, model->addresses.v[i].name),
		    model->addresses.v[i].doc ? model->addresses.v[i].doc : "an address");
	OUT("};\n\n");
}

static void emit_spec(void *ctx)
{
	struct emitter *emitter = ctx;

	OUT(" * %s\n", emitter->model->title ? emitter->model->title : emitter->model->name);
	for (int i = 0; i < emitter->model->spec.n; i++)
		OUT(" *   %s\n", emitter->model->spec.v[i]);
}

static void emit_arithmetic(void *ctx)
{
	struct emitter *emitter = ctx;
	const char *f = emitter->lower, **let;

	/* First, for what they use. A let is known to be used when those that contain it have their text. */
	let = arena_alloc(emitter->arena, sizeof(*let) * (size_t)(emitter->model->lets.n + 1));
	for (int i = emitter->model->lets.n; i-- > 0;)
		let[i] = emitter->uses_let[i] ? let_text(emitter, i) : NULL;
	if (emitter->uses_shl)
		OUT("static int64_t %s_shift_left(int64_t a, int64_t n)\n{\n"
		    "\treturn n < 0 || n > 63 ? 0 : (int64_t)((uint64_t)a << n);\n}\n\n",
		    f);
	if (emitter->uses_shr)
		OUT("static int64_t %s_shift_right(int64_t a, int64_t n)\n{\n"
		    "\treturn n < 0 || n > 63 ? 0 : (int64_t)((uint64_t)a >> n);\n}\n\n",
		    f);
	if (emitter->uses_div)
		OUT("static int64_t %s_quotient(int64_t a, int64_t b)\n{\n\treturn b == 0 ? 0 : a / b;\n}\n\n", f);
	if (emitter->uses_mod)
		OUT("static int64_t %s_remainder(int64_t a, int64_t b)\n{\n\treturn b == 0 ? 0 : a %% b;\n}\n\n", f);
	for (int i = 0; i < emitter->model->lets.n; i++)
		if (let[i])
			OUT("static int64_t %s_let_%s(const int64_t *p)\n{\n\treturn %s;\n}\n\n", f,
			    emitter->model->lets.v[i].name, let[i]);
	if (emitter->has_marks)
		OUT("/* The last address below the mark, if that is less. */\n"
		    "static uint64_t %s_below(uint64_t last, uint64_t mark)\n{\n"
		    "\treturn mark && mark - 1 < last ? mark - 1 : last;\n}\n\n",
		    f);
	if (emitter->outside)
		OUT("/* The last physical address of a table that an entry (or a register: root) holds, whose field "
		    "reaches to limit. */\n"
		    "static uint64_t %s_last(const struct pt_table *t, uint64_t limit, bool root)\n{\n"
		    "\tuint64_t first = t->word[%s_WORD_OUTPUT_FIRST], mask = t->word[%s_WORD_OUTPUT_MASK];\n\n"
		    "\tif (!root && limit >= mask)\n\t\treturn first + mask;\n%s"
		    "\treturn limit < first + mask ? limit : first + mask;\n}\n\n",
		    f, emitter->upper, emitter->upper,
		    emitter->window ? "" : "\tif (!root)\n\t\treturn first + limit;\n");
	if (emitter->uses_above)
		OUT("/* Which of the entry bits [hi:lo], that hold address bits from `to` on, lie above the output. "
		    "*/\n"
		    "static uint64_t %s_above(const struct pt_table *t, unsigned int hi, unsigned int lo, unsigned int "
		    "to)\n"
		    "{\n\tuint64_t mask = 0;\n\n"
		    "\tfor (unsigned int bit = lo; bit <= hi; bit++)\n"
		    "\t\tif (to + bit - lo > 63 || t->output_last >> (to + bit - lo) == 0)\n"
		    "\t\t\tmask |= (uint64_t)1 << bit;\n\treturn mask;\n}\n\n",
		    f);
}

static bool many_starts(const struct emitter *emitter)
{
	int n = 0;

	for (int i = 0; i < emitter->model->levels.n; i++)
		n += emitter->starts[i];
	return n > 1;
}

static void print_source(struct emitter *emitter, bool header)
{
	const struct model *model = emitter->model;
	const struct template_hole holes[] = {
		{"F", emitter->lower, NULL},
		{"U", emitter->upper, NULL},
		{"E", text_of(emitter, "%s_entry", emitter->lower), NULL},
		{"TITLE", model->title ? model->title : model->name, NULL},
		{"SOURCE", strrchr(model->source, '/') ? strrchr(model->source, '/') + 1 : model->source, NULL},
		{"VERSION", PTGEN_VERSION, NULL},
		{"BITS", text_of(emitter, "%d", emitter->entry_bits), NULL},
		{"TO_CPU", text_of(emitter, "%s(", emitter->order), ")"},
		{"TO_MEMORY", text_of(emitter, "%s(", emitter->order), ")"},
		{"EFFECTIVE_ROW",
		 emitter->matrices.v[emitter->granted].row_of
			 ? text_of(emitter, "t->word[%s]",
				   word_name(emitter, word_of(emitter, "GRANTED_ROW",
							      emitter->matrices.v[emitter->granted].row_of)))
			 : "0",
		 NULL},
		{"INPUT_BITS", text_of(emitter, "(%s) + 1", config_text(emitter, model->input.hi)), NULL},
		{"OUTPUT_BITS", text_of(emitter, "((%s) + 1)", config_text(emitter, model->output.hi)), NULL},
		{"IN_BASE", emitter->in_base ? text_of(emitter, "t->word[%s_WORD_INPUT_BASE]", emitter->upper) : "0",
		 NULL},
		{"IN_BASE_TEXT",
		 emitter->in_base ? text_of(emitter, "(uint64_t)(%s)", config_text(emitter, model->input.base)) : "0",
		 NULL},
		{"IN", emitter->in_base ? "(" : "",
		 emitter->in_base ? text_of(emitter, " - t->word[%s_WORD_INPUT_BASE])", emitter->upper) : ""},
		{"OUTER", emitter->in_base ? "((" : "",
		 emitter->in_base ? text_of(emitter, ") + t->word[%s_WORD_INPUT_BASE])", emitter->upper) : ""},
		{"PIN", emitter->outside ? text_of(emitter, "%s_inside(t, ", emitter->lower) : "",
		 emitter->outside ? ")" : ""},
		{"POUT", emitter->outside ? text_of(emitter, "%s_outside(t, ", emitter->lower) : "",
		 emitter->outside ? ")" : ""},
		{"WRAP", emitter->window ? text_of(emitter, "%s_inside(t, ", emitter->lower) : "",
		 emitter->window ? ")" : ""},
		{"GIVE_RUN",
		 emitter->in_base || emitter->outside ? text_of(emitter, "%s_give_run(t, call->fn, ", emitter->lower)
						      : "call->fn(",
		 ")"},
		{"GIVE_LAST_RUN",
		 emitter->in_base || emitter->outside ? text_of(emitter, "%s_give_run(t, fn, ", emitter->lower) : "fn(",
		 ")"},
		{"SCAN_RUN", text_of(emitter, emitter->in_base ? "%s_scan_presented" : "%s_scan_run", emitter->lower),
		 NULL},
		{"OUTPUT_LAST",
		 emitter->outside ? text_of(emitter, "t->word[%s_WORD_OUTPUT_MASK]", emitter->upper) : "t->output_last",
		 NULL},
		{"ROOT_MASK", emitter->max_roots > 1 ? "t->root_mask" : "t->input_mask", NULL},
		{"ROOT_COUNT", emitter->max_roots <= 1 ? "1" : config_text(emitter, model->root.count), NULL},
		{"ROOT_START",
		 model->root.start == REF_NONE ? text_of(emitter, "%s_levels[t->level_base].number", emitter->lower)
					       : config_text(emitter, model->root.start),
		 NULL},
		{"T_PARAM", emitter->absent_by_config || emitter->mixed ? "const struct pt_table *t, " : "", NULL},
		{"T_ARG", emitter->absent_by_config || emitter->mixed ? "t, " : "", NULL},
		/* Slots: pointers to entries, or to bytes. What is told of a level only where levels differ. */
		{"MIXED", "", emitter->mixed ? "" : template_drop},
		{"PLAIN", "", emitter->mixed ? template_drop : ""},
		{"P", emitter->mixed ? "unsigned char" : text_of(emitter, "%s_entry", emitter->lower), NULL},
		{"STRIDE",
		 emitter->mixed ? text_of(emitter, "%s_geometry[", emitter->lower)
				: text_of(emitter, "sizeof(%s_entry)", emitter->lower),
		 emitter->mixed ? "].stride" : template_drop},
		{"TIMES", emitter->mixed ? text_of(emitter, " * %s_geometry[", emitter->lower) : "",
		 emitter->mixed ? "].stride" : template_drop},
		{"SLOTS", emitter->mixed ? "(" : "",
		 emitter->mixed ? text_of(emitter, ") * %s_geometry[level].stride", emitter->lower) : ""},
		{"FOUND_SLOTS", emitter->mixed ? "(" : "",
		 emitter->mixed ? text_of(emitter, ") * %s_geometry[found.level].stride", emitter->lower) : ""},
		{"SLOT_AT", emitter->mixed ? "found.slot + (" : "found.slot + ",
		 emitter->mixed ? text_of(emitter, ") * %s_geometry[found.level].stride", emitter->lower) : ""},
		{"AS_TABLE", emitter->mixed ? "" : text_of(emitter, "(%s_entry *)(void *)(", emitter->lower),
		 emitter->mixed ? "" : ")"},
		{"FREE",
		 emitter->mixed
			 ? text_of(emitter, "%s_is_absent(t, level, %s_load(level, ", emitter->lower, emitter->lower)
			 : text_of(emitter, "%s_occupied(%slevel, PT_READ_ONCE(", emitter->lower,
				   emitter->absent_by_config ? "t, " : ""),
		 emitter->mixed ? "))" : ")) == 0"},
		/* Entries of more than 64 bits. */
		{"WIDE", "", emitter->has_wide ? "" : template_drop},
		{"NARROW", "", emitter->has_wide ? template_drop : ""},
		{"ENTRY_OF", text_of(emitter, emitter->has_wide ? "%s_of_halves(" : "(%s_entry)", emitter->lower),
		 emitter->has_wide ? ")" : "[0]"},
		{"SAME_BUT",
		 emitter->has_wide ? text_of(emitter, "((%s_of_halves(run->leaf.raw) ^ %s_of_halves(leaf.raw)) & ~",
					     emitter->lower, emitter->lower)
				   : "((run->leaf.raw[0] ^ leaf.raw[0]) & ~",
		 ") == 0"},
		{"GROWS_PARAM",
		 model->root.grows == REF_NONE
			 ? "0"
			 : text_of(emitter, "%s_PARAM_%s", emitter->upper,
				   enumerator(emitter->arena, model->params.v[model->root.grows].name)),
		 NULL},
		{"GROWS_LAST",
		 model->root.grows == REF_NONE ? "0"
					       : text_of(emitter, "%" PRId64,
							 model->ranges
								 .v[model->params.v[model->root.grows].first_range +
								    model->params.v[model->root.grows].n_ranges - 1]
								 .last),
		 NULL},
		{"MARKS",
		 marks_of(emitter) ? text_of(emitter, "t->word[%s]",
					     word_name(emitter, word_of(emitter, "MARKS", marks_of(emitter))))
				   : "0",
		 NULL},
		{NULL, NULL, NULL},
	};
	const struct template_flag flags[] = {
		{"grows", model->root.grows != REF_NONE},
		{"groups", emitter->has_groups},
		{"repeats", emitter->has_repeats},
		{"contigs", emitter->has_contigs},
		{"carries", emitter->has_carries},
		{"marks", emitter->has_marks},
		{"synced", emitter->has_synced},
		{"noncoherent", true},
		{"keeps", emitter->has_keeps},
		{"skips", emitter->has_skips},
		{"breaks", emitter->has_breaks},
		{"narrows", emitter->has_narrows},
		{"refuses", emitter->has_narrows || emitter->has_marks},
		{"params", model->params.n + model->addresses.n != 0},
		{"in_base", emitter->in_base},
		{"outside", emitter->outside},
		{"window", emitter->window},
		{"moved", emitter->in_base || emitter->outside},
		{"limits", emitter->has_limits},
		{"gaps", emitter->has_skips || emitter->has_limits},
		{"roots", emitter->max_roots > 1},
		{"shapes", model->shapes.n > 1},
		{"starts", many_starts(emitter)},
		{"foreign", emitter->has_foreign},
		{"mixed", emitter->mixed},
		{"wide", emitter->has_wide},
		{"nulls", emitter->has_nulls},
		{"twins", emitter->has_twins},
		{"swaps", *emitter->order != '\0'},
		{"output_fault",
		 (model->output.fault == REF_NONE ? (ref)FAULT_ADDRESS : model->output.fault) !=
			 (model->reserved_fault == REF_NONE ? (ref)FAULT_RESERVED : model->reserved_fault)},
		{NULL, false},
	};
	const struct template_part parts[] = {
		{"spec", emit_spec},
		{"param_enum", emit_param_enum},
		{"enums", emit_enums},
		{"descriptions", emit_descriptions},
		{"access", emit_access},
		{"entry_functions", emit_entry_functions},
		{"last_level", emit_last_level},
		{"resize", emit_resize},
		{"find_page", emit_find_page},
		{"find_unit", emit_find_unit},
		{"find_leaf", emit_find_leaf},
		{"lookup", emit_lookup},
		{"map_levels", emit_map_levels},
		{"map_dispatch", emit_map_dispatch},
		{"map_lowest", emit_map_lowest},
		{"protect_lowest", emit_protect_lowest},
		{"dirty_lowest", emit_dirty_lowest},
		{"unmap_levels", emit_unmap_levels},
		{"unmap_dispatch", emit_unmap_dispatch},
		{"unmap_lowest", emit_unmap_lowest},
		{"code_tables", emit_code_tables},
		{"attribute_functions", emit_attribute_functions},
		{"marks", emit_marks},
		{"cold_tables", emit_cold_tables},
		{"cold_functions", emit_cold_functions},
		{"arithmetic", emit_arithmetic},
		{"defaults", emit_defaults},
		{"requires", emit_requires},
		{"shape", emit_shape},
		{"words", emit_words},
		{"input_rules", emit_input_rules},
		{"aperture", emit_aperture},
		{"root_size", emit_root_size},
		{"registers", emit_registers},
		{"descriptor", emit_descriptor},
		{NULL, NULL},
	};
	const struct template_set set = {
		.out = emitter->out, .ctx = emitter, .holes = holes, .flags = flags, .parts = parts};

	if (header)
		template_run(&set, template_header);
	else {
		template_run(&set, template_core);
		template_run(&set, template_walk);
		template_run(&set, template_lookup);
		template_run(&set, template_state);
		template_run(&set, template_map);
		template_run(&set, template_unmap);
		template_run(&set, template_change);
		template_run(&set, template_init);
	}
}

/* Templates and emitters write lines as they come; the layout decides where they are broken. */
static void print_file(struct emitter *emitter, FILE *out, bool header)
{
	char *text = NULL;
	size_t length;

	emitter->out = open_memstream(&text, &length);
	if (!emitter->out) {
		diag_usage(emitter->context, "out of memory");
		exit(2);
	}
	print_source(emitter, header);
	if (fclose(emitter->out)) {
		diag_usage(emitter->context, "out of memory");
		exit(2);
	}
	layout_write(out, text);
	free(text);
}

void emit_c(struct context *context, const struct model *model, struct outputs *outputs)
{
	struct emitter e = {.context = context,
			    .model = model,
			    .arena = context->arena,
			    .max_group = 1,
			    .max_classes = 1,
			    .known = REF_NONE,
			    .let = REF_NONE},
		       *emitter = &e;
	FILE *nowhere;

	e.lower = context->options.prefix ? context->options.prefix : model->name;
	e.upper = enumerator(e.arena, e.lower);
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];

		e.has_wide = e.has_wide || level->entry_bytes == 16;
		e.mixed = e.mixed || level->every_lg2 || level->entry_bytes == 16 ||
			  level->entry_bytes != model->levels.v[0].entry_bytes ||
			  level->big_endian != model->levels.v[0].big_endian ||
			  level->host_endian != model->levels.v[0].host_endian;
		if (level->entry_bytes * 8 > e.entry_bits)
			e.entry_bits = level->entry_bytes * 8;
	}
	/* From number to memory, and back: the same function. Nothing for formats in the host's order. */
	e.order = model->levels.v[0].host_endian
			  ? ""
			  : text_of(emitter, "pt_%s%d", model->levels.v[0].big_endian ? "be" : "le", e.entry_bits);
	e.level_name = arena_alloc(e.arena, sizeof(*e.level_name) * (size_t)(model->levels.n + 1));
	e.kind_name = arena_alloc(e.arena, sizeof(*e.kind_name) * (size_t)(model->kinds.n + 1));
	e.kind_class = arena_alloc(e.arena, sizeof(*e.kind_class) * (size_t)(model->kinds.n + 1));
	e.uses_let = arena_alloc(e.arena, sizeof(*e.uses_let) * (size_t)(model->lets.n + 1));
	e.next = arena_alloc(e.arena, sizeof(*e.next) * (size_t)(model->levels.n + 1));
	e.via = arena_alloc(e.arena, sizeof(*e.via) * (size_t)(model->levels.n + 1));
	e.written = arena_alloc(e.arena, sizeof(*e.written) * (size_t)(model->levels.n + 1));
	e.starts = arena_alloc(e.arena, sizeof(*e.starts) * (size_t)(model->levels.n + 1));
	e.last = arena_alloc(e.arena, sizeof(*e.last) * (size_t)(model->shapes.n + 1));
	e.table = arena_alloc(e.arena, sizeof(*e.table) * (size_t)(model->levels.n + 1));
	e.defaults = arena_alloc(e.arena, sizeof(*e.defaults) * (size_t)(model->shapes.n * model->params.n + 1));
	for (int s = 0; s < model->shapes.n; s++)
		shape_defaults(emitter, s, e.defaults + s * model->params.n);
	plan_names(emitter);
	plan_levels(emitter);
	if (!e.failed)
		plan_codes(emitter);
	for (int i = 0; i < model->levels.n && !e.failed; i++)
		if (model->levels.v[i].entry_bytes == 16)
			plan_wide(emitter, i, refuse);
	if (e.failed)
		return;
	for (int k = 0; k < model->kinds.n; k++)
		if (model->kinds.v[k].category == CATEGORY_LEAF &&
		    (attribute_mask(emitter, k) & ~kind_bits(emitter, k, BITS_LIVE).literal) != 0)
			e.has_breaks = true;
	e.has_breaks = e.has_breaks || e.has_marks || e.has_wide;
	if (e.in_base)
		word_of(emitter, "INPUT_BASE",
			text_of(emitter, "(uint64_t)(%s)", config_text(emitter, model->input.base)));
	if (e.outside) {
		word_of(emitter, "OUTPUT_FIRST",
			text_of(emitter, "(uint64_t)(%s)",
				config_text(emitter, e.window ? model->output.window : model->output.base)));
		word_of(emitter, "OUTPUT_MASK", "t->output_last");
	}
	word_of(emitter, "TABLE_LAST", last_table(emitter));
	/* Two words with the same text would be one: keep them apart. */
	word_of(emitter, "ROOT_LAST", text_of(emitter, "%s + 0", last_root(emitter)));
	nowhere = fopen("/dev/null", "w");
	if (!nowhere) {
		diag_usage(context, "/dev/null cannot be opened");
		return;
	}
	e.out = nowhere;
	print_source(emitter, false);
	/* Once more: words that the first pass found may have named further ones. */
	print_source(emitter, false);
	fclose(nowhere);
	print_file(emitter, output_open(outputs, text_of(emitter, "%s.h", e.lower)), true);
	print_file(emitter, output_open(outputs, text_of(emitter, "%s.c", e.lower)), false);
}

/* SPDX-License-Identifier: MIT */
/* emit_c.c - the C emitter: the two passes, the public header. */
#include "emit_c.h"
#include "codec_bound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "stages.h"
#include "template.h"

extern const char template_header[], template_core[], template_lookup[], template_map[], template_unmap[],
	template_change[], template_walk[], template_init[], template_state[], template_cursor[];

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
		{"USUAL_SHAPE", text_of(emitter, "%d", model->levels.v[emitter->usual_start].shape), NULL},
		{"USUAL_LAST",
		 text_of(emitter, "%s_%s", emitter->upper,
			 emitter->level_name[emitter->last[model->levels.v[emitter->usual_start].shape]]),
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
		{"nevers", model->nevers.n > 0},
		{"gaps", emitter->has_skips || emitter->has_limits},
		{"roots", emitter->max_roots > 1},
		{"shapes", model->shapes.n > 1},
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
		{"ahead", emit_ahead},
		{"arrive_lowest", emit_arrive_lowest},
		{"map_levels", emit_map_levels},
		{"map_dispatch", emit_map_dispatch},
		{"map_lowest", emit_map_lowest},
		{"map_pages", emit_map_pages},
		{"unmap_pages", emit_unmap_pages},
		{"protect_lowest", emit_protect_lowest},
		{"dirty_lowest", emit_dirty_lowest},
		{"unmap_levels", emit_unmap_levels},
		{"unmap_dispatch", emit_unmap_dispatch},
		{"unmap_lowest", emit_unmap_lowest},
		{"code_tables", emit_code_tables},
		{"nevers", emit_nevers},
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
		template_run(&set, template_cursor);
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

	if (!plan(emitter))
		return;
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

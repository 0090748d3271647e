/* SPDX-License-Identifier: MIT */
/* emit_c_tables.c - constant tables: levels, kinds, fields, parameters, the descriptor; what cold code reads. */
#include "emit_c.h"

#include <inttypes.h>
#include <string.h>

const char *quoted(struct emitter *emitter, const char *text)
{
	char *out = arena_alloc(emitter->arena, strlen(text ? text : "") * 2 + 3), *c = out;

	*c++ = '"';
	for (const char *from = text ? text : ""; *from; from++) {
		if (*from == '"' || *from == '\\')
			*c++ = '\\';
		*c++ = *from;
	}
	*c++ = '"';
	return out;
}

/* The configuration word that says whether cond holds; -1 for always. */
static int when_word(struct emitter *emitter, const char *name, ref cond)
{
	if (cond == REF_NONE)
		return -1;
	return word_of(emitter, name, text_of(emitter, "(uint64_t)((%s) != 0)", config_text(emitter, cond)));
}

static const char *upper_of(struct emitter *emitter, const char *name)
{
	char *text = arena_strndup(emitter->arena, name, strlen(name));

	for (char *c = text; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z')))
			*c = '_';
	}
	return text;
}

static const char *cond_name(struct emitter *emitter, ref cond)
{
	const struct m_expr *e = &emitter->model->exprs.v[cond];

	if (e->op == X_PARAM)
		return text_of(emitter, "IF_%s", upper_of(emitter, emitter->model->params.v[e->a].name));
	if (e->op == X_NOT && emitter->model->exprs.v[e->a].op == X_PARAM)
		return text_of(emitter, "UNLESS_%s",
			       upper_of(emitter, emitter->model->params.v[emitter->model->exprs.v[e->a].a].name));
	return text_of(emitter, "IF_%d", cond);
}

static int cond_word(struct emitter *emitter, ref cond)
{
	return cond == REF_NONE ? -1 : when_word(emitter, cond_name(emitter, cond), cond);
}

static const char *doc_of(const char *doc)
{
	return doc ? doc : "";
}

/* ----------------------------------------------------------------------------------------------------------- fields */

/* Has the field only one legal value in words of this kind, whatever the configuration? */
static bool is_fixed(const struct emitter *emitter, ref kind, const struct m_slice *slice)
{
	const struct model *model = emitter->model;
	int width = slice->hi - slice->lo + 1, legal = 0;

	if (slice->in == REF_NONE || width > 8 || slice->hi > 63 || model_mentions(model, slice->in, X_PARAM, -1))
		return false;
	for (uint64_t value = 0; value >> width == 0; value++) {
		uint64_t word[2] = {value << slice->lo, 0};
		struct m_env env = {.param = emitter->defaults, .kind = kind, .word = word};

		legal += model_eval(model, slice->in, &env) != 0;
	}
	return legal == 1;
}

static const char *field_line(struct emitter *emitter, ref kind, const struct m_slice *slice)
{
	static const char *const roles[] = {
		[ROLE_RES0] = "PT_FIELD_RES0",	     [ROLE_RES1] = "PT_FIELD_RES1",
		[ROLE_IGNORED] = "PT_FIELD_IGNORED", [ROLE_SOFTWARE] = "PT_FIELD_SOFTWARE",
		[ROLE_CONST] = "PT_FIELD_CONSTANT",  [ROLE_FIELD] = "PT_FIELD_VALUE",
		[ROLE_ADDRESS] = "PT_FIELD_ADDRESS", [ROLE_ROOT] = "PT_FIELD_ADDRESS",
	};
	static const char *const flags[] = {"PT_FIELD_LIVE", "PT_FIELD_KEEP", "PT_FIELD_SYNCED", "PT_FIELD_ACCESSED",
					    "PT_FIELD_DIRTY"};
	const char *name = slice->field != REF_NONE ? emitter->model->fields.v[slice->field].name : "", *text = NULL;

	if (slice->role == ROLE_ADDRESS)
		name = slice->via ? slice->via : emitter->model->output.name;
	for (int i = 0; i < 5; i++)
		if (slice->flags >> i & 1)
			text = text ? text_of(emitter, "%s | %s", text, flags[i]) : flags[i];
	if (is_fixed(emitter, kind, slice))
		text = text ? text_of(emitter, "%s | PT_FIELD_FIXED", text) : "PT_FIELD_FIXED";
	return text_of(emitter, "\t{%s, %s, %d, %d, %d, %s, 0x%02x, 0x%02x, %s, %s},\n", quoted(emitter, name),
		       quoted(emitter, slice->doc), slice->hi, slice->lo, slice->to, roles[slice->role], slice->allows,
		       slice->denies, text ? text : "0", word_name(emitter, cond_word(emitter, slice->cond)));
}

/* Kinds whose lines are the same share one array: its number. */
static int *field_arrays(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	int *array = arena_alloc(emitter->arena, sizeof(*array) * (size_t)(model->kinds.n + 1));
	const char **text = arena_alloc(emitter->arena, sizeof(*text) * (size_t)(model->kinds.n + 1));
	int used = 0;

	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);
		const char *lines = "";

		for (int i = 0; i < n; i++)
			lines = text_of(emitter, "%s%s", lines, field_line(emitter, k, &slice[i]));
		array[k] = -1;
		for (int i = 0; i < used && array[k] < 0; i++)
			if (strcmp(text[i], lines) == 0)
				array[k] = i;
		if (array[k] >= 0)
			continue;
		array[k] = used;
		text[used++] = lines;
		OUT("/* %s at %s. */\nstatic const struct pt_field_info %s_fields_%d[] = {\n%s};\n\n",
		    model->kinds.v[k].name, emitter->level_name[model->kinds.v[k].level], emitter->lower, array[k],
		    lines);
	}
	return array;
}

static void emit_params(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	int at = 0;

	if (model->params.n + model->addresses.n == 0)
		return;
	OUT("static const struct pt_range %s_ranges[] = {\n", emitter->lower);
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];

		OUT("\t/* %s */\n", p->name);
		if (p->bound) {
			OUT("\t{%" PRId64 ", %" PRId64 "},\n", p->value, p->value);
			continue;
		}
		for (int r = 0; r < p->n_ranges; r++)
			OUT("\t{%" PRId64 ", %" PRId64 "},\n", model->ranges.v[p->first_range + r].first,
			    model->ranges.v[p->first_range + r].last);
	}
	for (int i = 0; i < model->addresses.n; i++)
		OUT("\t/* %s */\n\t{0, INT64_C(0x%" PRIx64 ")},\n", model->addresses.v[i].name,
		    model_address_bits(model, i) | (model_address_bits(model, i) - 1));
	OUT("};\n\nstatic const struct pt_param_info %s_params[] = {\n", emitter->lower);
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];
		int n = p->bound ? 1 : p->n_ranges;

		OUT("\t{%s, %s, %s, %s_ranges + %d, %d, %s, %s},\n", quoted(emitter, p->name), quoted(emitter, p->doc),
		    p->bound ? quoted(emitter, text_of(emitter, "%" PRId64, p->value))
			     : quoted(emitter, p->default_text),
		    emitter->lower, at, n, p->feature ? "true" : "false", p->bound ? "true" : "false");
		at += n;
	}
	for (int i = 0; i < model->addresses.n; i++)
		OUT("\t{%s, %s, \"\", %s_ranges + %d, 1, false, false},\n", quoted(emitter, model->addresses.v[i].name),
		    quoted(emitter, model->addresses.v[i].doc), emitter->lower, at++);
	OUT("};\n\n");
}

static void emit_levels(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	OUT("/* name, number, shape, index bits, entry bytes, order, table bytes and alignment */\n"
	    "static const struct pt_level_info %s_levels[] = {\n",
	    emitter->lower);
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *l = &model->levels.v[i];

		OUT("\t{%s, %d, %d, %d, %d, %d, %s, %" PRIu32 ", %" PRIu32 "},\n", quoted(emitter, l->name), l->number,
		    (int)l->shape, l->hi, l->lo, l->entry_bytes, l->big_endian ? "true" : "false", l->table_bytes,
		    l->align);
	}
	OUT("};\n\nstatic const char *const %s_shapes[] = {\n", emitter->lower);
	for (int i = 0; i < model->shapes.n; i++)
		OUT("\t%s,\n", quoted(emitter, model->shapes.v[i].name));
	OUT("};\n\n");
	if (model->shapes.n > 1) {
		OUT("static const uint16_t %s_shape_base[] = {", emitter->lower);
		for (int i = 0; i < model->shapes.n; i++)
			OUT("%s%d", i ? ", " : "", (int)model->shapes.v[i].first_level);
		OUT("};\nstatic const uint16_t %s_shape_levels[] = {", emitter->lower);
		for (int i = 0; i < model->shapes.n; i++)
			OUT("%s%d", i ? ", " : "", model->shapes.v[i].n_levels);
		OUT("};\n");
		if (tables_differ(model)) {
			OUT("/* The last address that a table entry can hold. */\n"
			    "static const uint64_t %s_shape_table_last[] = {\n",
			    emitter->lower);
			for (int i = 0; i < model->shapes.n; i++)
				OUT("\t%s,\n", table_bit(model, i) < 0
						       ? "UINT64_MAX"
						       : hex64(emitter, mask_of(table_bit(model, i), 0)));
			OUT("};\n");
		}
		OUT("\n");
	} else {
		OUT("static const uint16_t %s_shape_base[] = {0};\n"
		    "static const uint16_t %s_shape_levels[] = {%d};\n\n",
		    emitter->lower, emitter->lower, model->shapes.v[0].n_levels);
	}
}

/* What a walk makes of an index that a level does not have: the same as of an absent entry. */
static const char *missing_fault(struct emitter *emitter, const struct m_level *level)
{
	const struct m_kind *kind = &emitter->model->kinds.v[level->first_kind];

	while (kind->category != CATEGORY_ABSENT)
		kind++;
	return fault_text(emitter, kind->fault, FAULT_ABSENT);
}

static void emit_geometry(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	OUT("/* What the walks need of a level; folded where the level is a constant. */\n"
	    "struct %s_geometry {\n\tuint8_t lo;\n\tbool has_table, groups, repeats%s;%s%s\n"
	    "\tuint8_t carry; /* the lowest address bit of the next piece "
	    "of a split address; 0: none */\n"
	    "\tuint8_t narrow; /* address bits that leaves of narrow_sizes hold; 0: all */\n"
	    "\tuint16_t next, parent;\n\tuint16_t first_kind, end_kind;\n\tuint32_t index_mask;\n"
	    "\tuint64_t sizes, narrow_sizes; /* "
	    "of leaves, one bit each */\n\t%s_entry step; /* from one slot to the next */\n};\n\n"
	    "static const struct %s_geometry %s_geometry[] = {\n",
	    emitter->lower, emitter->has_foreign ? ", written" : "",
	    emitter->mixed
		    ? "\n\tuint8_t bytes; /* of an entry */\n\tuint32_t stride; /* bytes from one entry to the next */"
		    : "",
	    emitter->has_limits
		    ? "\n\tbool limited; /* some indices do not exist */\n\tuint16_t missing; /* the fault of these */"
		      "\n\tuint32_t first_index, last_index;"
		    : "",
	    emitter->lower, emitter->lower, emitter->lower);
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *l = &model->levels.v[i];
		bool groups = false, repeats = false;
		uint64_t sizes = 0;
		wide step = 0;
		int carry = 0, parent = i, narrow;
		uint64_t narrow_sizes;

		plan_narrow(emitter, i, &narrow, &narrow_sizes);
		for (int p = 0; p < model->levels.n; p++)
			if (emitter->written[p] && emitter->next[p] == i)
				parent = p;
		for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
			const struct m_kind *kind = &model->kinds.v[k];
			int n, top = 0, low_top = 0;
			const struct m_slice *slice = slices_of(emitter, k, &n);

			if (kind->category != CATEGORY_LEAF)
				continue;
			if (emitter->written[i])
				sizes |= (uint64_t)1 << kind->lg2;
			groups = groups || kind->group != GROUP_NONE;
			repeats = repeats || kind->group == GROUP_REPEAT;
			if (kind->group == GROUP_REPEAT)
				continue;
			for (int s = 0; s < n; s++) {
				int end = slice[s].to + slice[s].hi - slice[s].lo;

				if (slice[s].role != ROLE_ADDRESS)
					continue;
				if (end > top)
					top = end;
				if (slice[s].to <= l->lo && end >= l->lo) {
					low_top = end;
					step = (wide)1 << (slice[s].lo + l->lo - slice[s].to);
				}
			}
			/* Pieces with the same shift that touch are one for an addition. */
			for (bool again = true; again;) {
				again = false;
				for (int s = 0; s < n; s++)
					if (slice[s].role == ROLE_ADDRESS && slice[s].to == low_top + 1 &&
					    (wide)1 << slice[s].lo == step << (low_top + 1 - l->lo)) {
						low_top = slice[s].to + slice[s].hi - slice[s].lo;
						again = true;
					}
			}
			if (low_top < top || narrow)
				carry = low_top + 1;
		}
		emitter->has_groups = emitter->has_groups || groups;
		emitter->has_repeats = emitter->has_repeats || repeats;
		emitter->has_carries = emitter->has_carries || carry != 0;
		OUT("\t[%s_%s] = {%d, %s, %s, %s%s, %s%s%d, %d, %d, %d, %d, %d, 0x%" PRIx64 ", UINT64_C(0x%" PRIx64
		    "), UINT64_C(0x%" PRIx64 "), %s},\n",
		    emitter->upper, emitter->level_name[i], l->lo, emitter->next[i] != REF_NONE ? "true" : "false",
		    groups ? "true" : "false", repeats ? "true" : "false",
		    !emitter->has_foreign ? ""
		    : emitter->written[i] ? ", true"
					  : ", false",
		    emitter->mixed ? text_of(emitter, "%d, %" PRIu32 ", ", l->entry_bytes, stride_of(l)) : "",
		    !emitter->has_limits
			    ? ""
			    : text_of(emitter, "%s, %s, %" PRIu32 ", %s, ", model_limited(l) ? "true" : "false",
				      missing_fault(emitter, l), l->first_index,
				      model_limited(l) ? text_of(emitter, "%" PRIu32, l->last_index) : "UINT32_MAX"),
		    carry, narrow, emitter->next[i] != REF_NONE ? (int)emitter->next[i] : i, parent, (int)l->first_kind,
		    (int)l->first_kind + l->n_kinds, mask_of(l->hi - l->lo, 0), sizes, narrow_sizes,
		    hex(emitter, step));
	}
	OUT("};\n\n");
}

static void emit_kinds(struct emitter *emitter, const int *array)
{
	static const char *const categories[] = {"PT_KIND_ABSENT", "PT_KIND_FAULT", "PT_KIND_NULL", "PT_KIND_TABLE",
						 "PT_KIND_LEAF"};
	const struct model *model = emitter->model;

	OUT("/* name, doc, lines, level, category, log2 of the bytes of the leaf and of one slot, repeated */\n"
	    "static const struct pt_kind_info %s_kinds[] = {\n",
	    emitter->lower);
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];
		bool leaf = kind->category == CATEGORY_LEAF;

		OUT("\t{%s, %s, %s_fields_%d, %d, %s_%s, %s, %d, %d, %s},\n", quoted(emitter, kind->name),
		    quoted(emitter, doc_of(kind->doc)), emitter->lower, array[k], kind->n_slices, emitter->upper,
		    emitter->level_name[kind->level], categories[kind->category], leaf ? kind->lg2 : 0,
		    leaf ? model->levels.v[kind->level].lo : 0, kind->group == GROUP_REPEAT ? "true" : "false");
	}
	OUT("};\n\n");
}

void emit_descriptions(void *ctx)
{
	struct emitter *emitter = ctx;
	const int *array;

	emit_params(emitter);
	emit_levels(emitter);
	emit_geometry(emitter);
	array = field_arrays(emitter);
	emit_kinds(emitter, array);
	if (emitter->model->faults.n > N_FAULTS_BUILTIN) {
		OUT("static const char *const %s_faults[] = {\n", emitter->lower);
		for (int i = N_FAULTS_BUILTIN; i < emitter->model->faults.n; i++)
			OUT("\t%s,\n", quoted(emitter, emitter->model->faults.v[i].name));
		OUT("};\n\n");
	}
}

/* ------------------------------------------------------------------------------------------------------ cold tables */

const char *fault_text(struct emitter *emitter, ref fault, int otherwise)
{
	static const char *const builtin[] = {"PT_FAULT_ABSENT",  "PT_FAULT_RESERVED", "PT_FAULT_PERMISSION",
					      "PT_FAULT_ADDRESS", "PT_FAULT_ACCESS",   "PT_FAULT_MISCONFIGURED"};

	if (fault == REF_NONE)
		fault = otherwise;
	if (fault < N_FAULTS_BUILTIN)
		return builtin[fault];
	return text_of(emitter, "PT_FAULT_FORMAT + %d", fault - N_FAULTS_BUILTIN);
}

static void put_bits(struct emitter *emitter, ref kind, const char *what, const struct bits *bits, const char **literal,
		     const char **word, const char **high)
{
	*literal = hex(emitter, bits->literal);
	*word = bits->text
			? word_name(emitter, word_of(emitter, text_of(emitter, "%s_%s", emitter->kind_name[kind], what),
						     bits->text))
			: "-1";
	*high = bits->high ? word_name(emitter,
				       word_of(emitter, text_of(emitter, "%s_%s_HIGH", emitter->kind_name[kind], what),
					       bits->high))
			   : "-1";
}

/* Address bits of the word that the configured output cannot have. */
static const char *wide_text(struct emitter *emitter, ref kind, bool upper)
{
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);
	const char *text = NULL;

	for (int i = 0; i < n; i++) {
		const char *part;
		/* What of the line lies in this half, counted from its lowest bit. */
		int first = upper ? 64 : 0, lo = slice[i].lo < first ? 0 : slice[i].lo - first;
		int hi = slice[i].hi - first > 63 ? 63 : slice[i].hi - first;

		if (slice[i].role != ROLE_ADDRESS || hi < lo)
			continue;
		emitter->uses_above = true;
		part = text_of(emitter, "%s_above(t, %d, %d, %d)", emitter->lower, hi, lo,
			       slice[i].to + first + lo - slice[i].lo);
		text = text ? text_of(emitter, "%s | %s", text, part) : part;
	}
	return text;
}

/* The bits of a kind's word that hold bits [hi:lo] of a field, as pairs; false if the kind lacks any of them. */
static bool column_bits(struct emitter *emitter, ref kind, const struct m_col *col, int64_t value, bool any, wide *mask,
			wide *bits)
{
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);
	bool found = false;

	for (int i = 0; i < n; i++) {
		if (slice[i].field != col->field)
			continue;
		for (int bit = slice[i].lo; bit <= slice[i].hi; bit++) {
			int of = slice[i].to + bit - slice[i].lo;

			if (of < col->lo || of > col->hi)
				continue;
			found = true;
			if (any)
				continue;
			*mask |= (wide)1 << bit;
			if (value >> (of - col->lo) & 1)
				*bits |= (wide)1 << bit;
		}
	}
	return found;
}

static bool has_columns(struct emitter *emitter, ref kind, const struct m_code *code)
{
	for (int c = 0; c < code->n_cols; c++) {
		wide mask = 0, bits = 0;

		if (!column_bits(emitter, kind, &code->col[c], 0, true, &mask, &bits))
			return false;
	}
	return true;
}

struct state_text {
	wide mask, set, clear;
	const char *when, *by;
	bool code;
};

/* Accessed or dirty state of a kind: a bit, or a code. */
static struct state_text state_of(struct emitter *emitter, ref kind, bool accessed)
{
	const struct model *model = emitter->model;
	struct state_text state = {0, 0, 0, "-1", "-1", false};
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++) {
		if ((slice[i].flags & (accessed ? SLICE_ACCESSED : SLICE_DIRTY)) == 0)
			continue;
		state.mask = state.set = entry_mask(slice[i].hi, slice[i].lo);
		state.when = word_name(emitter, cond_word(emitter, slice[i].cond));
		if (slice[i].by != REF_NONE)
			state.by = word_name(emitter,
					     when_word(emitter, accessed ? "ACCESSED_BY" : "DIRTY_BY", slice[i].by));
		return state;
	}
	for (int c = 0; c < model->codes.n && !accessed; c++) {
		const struct m_code *code = &model->codes.v[c];

		if (code->concept != CONCEPT_DIRTY || model->kinds.v[kind].category != CATEGORY_LEAF ||
		    !has_columns(emitter, kind, code))
			continue;
		for (int r = code->first_row; r < code->first_row + code->n_rows; r++) {
			const struct m_row *row = &model->rows.v[r];
			wide mask = 0, bits = 0;

			if (!row->two_way)
				continue;
			for (int i = 0; i < code->n_cols; i++)
				(void)column_bits(emitter, kind, &code->col[i], row->cell[i], row->any[i], &mask,
						  &bits);
			state.mask |= mask;
			if (row->dirty)
				state.set = bits;
			else
				state.clear = bits;
		}
		state.code = true;
		state.when = word_name(emitter, cond_word(emitter, code->cond));
		return state;
	}
	return state;
}

wide state_mask(struct emitter *emitter, ref kind, bool accessed)
{
	return state_of(emitter, kind, accessed).mask;
}

static void emit_states(struct emitter *emitter)
{
	OUT("/* Accessed and dirty state of each kind: the bits, their values when set and when clear. when: it "
	    "exists; by: the hardware sets it "
	    "(-1: always). */\nstruct %s_state_info {\n\t%s_entry mask, set, clear;\n\tint16_t when, by;\n"
	    "\tbool code;\n};\n\n"
	    "static const struct %s_state_info %s_states[][2] = {\n",
	    emitter->lower, emitter->lower, emitter->lower, emitter->lower);
	for (int k = 0; k < emitter->model->kinds.n; k++) {
		OUT("\t{");
		for (int i = 0; i < 2; i++) {
			struct state_text state = state_of(emitter, k, i == 0);

			OUT("%s{%s, %s, %s, %s, %s, %s}", i ? ", " : "", hex(emitter, state.mask),
			    hex(emitter, state.set), hex(emitter, state.clear), state.when, state.by,
			    state.code ? "true" : "false");
		}
		OUT("},\n");
	}
	OUT("};\n\n");
}

struct code_range {
	int first, end;
};

/* Rows and codes, equal runs of codes of several kinds once. */
static struct code_range *emit_codes(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	struct code_range *range = arena_alloc(emitter->arena, sizeof(*range) * (size_t)(model->kinds.n + 1));
	const char **text = arena_alloc(emitter->arena, sizeof(*text) * (size_t)(model->kinds.n + 1)), *rows = "",
		   *codes = "";
	int n_rows = 0, n_codes = 0;

	for (int k = 0; k < model->kinds.n; k++) {
		const char *signature = "";
		int first = n_codes;
		bool known = false;

		if (model->kinds.v[k].category != CATEGORY_LEAF && model->kinds.v[k].category != CATEGORY_TABLE)
			continue;
		for (int pass = 0; pass < 2 && !known; pass++) {
			for (int c = 0; c < model->codes.n; c++) {
				const struct m_code *code = &model->codes.v[c];
				int first_row = n_rows;
				const char *lines = "";

				if (code->concept == CONCEPT_DIRTY || !has_columns(emitter, k, code))
					continue;
				for (int r = code->first_row; r < code->first_row + code->n_rows; r++) {
					const struct m_row *row = &model->rows.v[r];
					wide mask = 0, bits = 0;

					for (int i = 0; i < code->n_cols; i++)
						(void)column_bits(emitter, k, &code->col[i], row->cell[i], row->any[i],
								  &mask, &bits);
					lines = text_of(emitter, "%s\t{%s, %s, 0x%02x},\n", lines, hex(emitter, mask),
							hex(emitter, bits),
							code->concept == CONCEPT_PROT ? row->rights : row->memory);
				}
				if (pass == 0) {
					signature = text_of(emitter, "%s/%d:%s", signature, c, lines);
					continue;
				}
				rows = text_of(emitter, "%s\t/* %s */\n%s", rows, code->name, lines);
				n_rows += code->n_rows;
				codes = text_of(emitter, "%s\t{%d, %d, %s, 0x%02x, %s},\n", codes, first_row, n_rows,
						word_name(emitter, cond_word(emitter, code->cond)), code->occurs,
						code->concept == CONCEPT_MEMTYPE ? "true" : "false");
				n_codes++;
			}
			text[k] = signature;
			for (int before = 0; before < k && pass == 0 && !known; before++)
				if (text[before] && strcmp(text[before], signature) == 0) {
					range[k] = range[before];
					known = true;
				}
		}
		if (!known) {
			range[k].first = first;
			range[k].end = n_codes;
		}
	}
	OUT("/* Code tables as they lie in the words of each kind: what the bits mean. */\n"
	    "struct %s_row {\n\t%s_entry mask, value;\n\tuint8_t meaning;\n};\n\n"
	    "static const struct %s_row %s_rows[] = {\n%s\t{0, 0, 0}\n};\n\n",
	    emitter->lower, emitter->lower, emitter->lower, emitter->lower, rows);
	OUT("struct %s_code {\n\tuint16_t first_row, end_row;\n\tint16_t when;\n"
	    "\tuint8_t occurs; /* the rights that it decides */\n\tbool memory;\n};\n\n"
	    "static const struct %s_code %s_codes[] = {\n%s\t{0, 0, -1, 0, false}\n};\n\n",
	    emitter->lower, emitter->lower, emitter->lower, codes);
	return range;
}

void emit_cold_tables(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	const struct code_range *range;

	emit_states(emitter);
	range = emit_codes(emitter);
	OUT("/*\n"
	    " * How a word is classified and checked: (word & mask) == value; res0 and res1 bits; address bits. The "
	    "_word members are "
	    "configuration\n * words to OR in, -1: none; present: the kind exists.\n */\nstruct %s_test {\n"
	    "\t%s_entry mask, value, res0, res1, address;\n"
	    "\tint16_t mask_word, value_word, res0_word, res1_word, wide_word, marks_word, present;\n"
	    "\tuint16_t fault;\n\tuint16_t first_code, "
	    "end_code;\n%s};\n\nstatic const struct %s_test %s_tests[] = {\n",
	    emitter->lower, emitter->lower,
	    emitter->has_wide
		    ? "\tint16_t mask_high, value_high, res0_high, res1_high, wide_high; /* of bits 127 to 64 */\n"
		    : "",
	    emitter->lower, emitter->lower);
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];
		struct bits bits[4] = {kind_bits(emitter, k, BITS_MASK), kind_bits(emitter, k, BITS_VALUE),
				       kind_bits(emitter, k, BITS_RES0), kind_bits(emitter, k, BITS_RES1)};
		static const char *const names[4] = {"MASK", "VALUE", "RES0", "RES1"};
		const char *literal[4], *word[4], *high[4], *more = "";
		const char *above = wide_text(emitter, k, false),
			   *above_high = emitter->has_wide ? wide_text(emitter, k, true) : NULL;
		struct bits marks = kind_bits(emitter, k, BITS_MARKS);
		const char *marks_text = marks.text	 ? marks.text
					 : marks.literal ? hex64(emitter, (uint64_t)marks.literal)
							 : NULL;

		for (int i = 0; i < 4; i++)
			put_bits(emitter, k, names[i], &bits[i], &literal[i], &word[i], &high[i]);
		if (emitter->has_wide)
			more = text_of(emitter, ",\n\t %s, %s, %s, %s, %s", high[0], high[1], high[2], high[3],
				       above_high ? word_name(emitter, word_of(emitter,
									       text_of(emitter, "%s_WIDE_HIGH",
										       emitter->kind_name[k]),
									       above_high))
						  : "-1");
		OUT("\t{%s, %s, %s, %s, %s,\n\t %s, %s, %s, %s, %s, %s, %s, %s, %d, %d%s}, /* %s at %s */\n",
		    literal[0], literal[1], literal[2], literal[3],
		    hex(emitter, kind_bits(emitter, k, BITS_ADDRESS).literal), word[0], word[1], word[2], word[3],
		    above ? word_name(emitter,
				      word_of(emitter, text_of(emitter, "%s_WIDE", emitter->kind_name[k]), above))
			  : "-1",
		    marks_text ? word_name(emitter, word_of(emitter, "MARKS", marks_text)) : "-1",
		    word_name(emitter, kind->present == REF_NONE
					       ? -1
					       : when_word(emitter, text_of(emitter, "HAS_%s", emitter->kind_name[k]),
							   kind->present)),
		    kind->category == CATEGORY_NULL && kind->fault == REF_NONE
			    ? "PT_FAULT_NULL"
			    : fault_text(emitter, kind->fault,
					 kind->category == CATEGORY_ABSENT ? FAULT_ABSENT
					 : kind->category == CATEGORY_FAULT
						 ? (model->reserved_fault == REF_NONE ? FAULT_RESERVED
										      : model->reserved_fault)
						 : FAULT_RESERVED),
		    range[k].first, range[k].end, more, kind->name, emitter->level_name[kind->level]);
	}
	OUT("};\n\n/* Which of the attribute words each leaf kind takes. */\n"
	    "static const uint8_t %s_attribute_class[] = {\n",
	    emitter->lower);
	for (int k = 0; k < model->kinds.n; k++)
		OUT("%s%d,%s", k % 24 == 0 ? "\t" : " ",
		    emitter->kind_class[k] < 0 ? 0 : emitter->classes.v[emitter->kind_class[k]].index,
		    k % 24 == 23 || k + 1 == model->kinds.n ? "\n" : "");
	OUT("};\n\n");
}

/* Entries with sub-tables of their own names: which, one after the other, and where. */
static void emit_twins(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	OUT("/*\n"
	    " * The table that an entry of several sub-tables links to: its level, and *pa. *place says how many were "
	    "looked at before; "
	    "N_LEVELS:\n * there are no more.\n */\n"
	    "static unsigned int %s_sub_table(const struct pt_table *t, unsigned int kind, %s_entry entry, "
	    "unsigned int *place, uint64_t *pa)\n{\n\tswitch (kind) {\n",
	    emitter->lower, emitter->lower);
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];

		if (kind->category != CATEGORY_TABLE || !model->nexts.v[kind->first_next].via)
			continue;
		OUT("\tcase %d: /* %s at %s */\n", k, kind->name, emitter->level_name[kind->level]);
		for (int i = 0; i < kind->n_next; i++) {
			const struct m_next *next = &model->nexts.v[kind->first_next + i];

			OUT("\t\tif (*place <= %d && (%s)) {\n\t\t\t*place = %d;\n\t\t\t*pa = %s; /* %s */\n"
			    "\t\t\treturn %s_%s;\n\t\t}\n",
			    i, next->cond == REF_NONE ? "true" : entry_text(emitter, k, next->cond, "entry"), i + 1,
			    get_text(emitter, k, next->via), next->via, emitter->upper,
			    emitter->level_name[next->level]);
		}
		OUT("\t\treturn %s_N_LEVELS;\n", emitter->upper);
	}
	OUT("\tdefault: break;\n\t}\n\tif ((*place)++ != 0)\n\t\treturn %s_N_LEVELS;\n"
	    "\t*pa = %s_address(t, kind, entry);\n"
	    "\treturn %s_next_level(t, kind, entry);\n}\n\n",
	    emitter->upper, emitter->lower, emitter->lower);
}

void emit_cold_functions(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	OUT("/* What the constants do not say about telling a kind from the others. */\n"
	    "static bool %s_when(const struct pt_table *t, unsigned int kind, "
	    "%s_entry entry)\n{\n\t(void)t;\n\t(void)entry;\n\tswitch (kind) {\n",
	    emitter->lower, emitter->lower);
	for (int k = 0; k < model->kinds.n; k++)
		if (model->kinds.v[k].when != REF_NONE)
			OUT("\tcase %d: /* %s at %s */\n\t\treturn %s;\n", k, model->kinds.v[k].name,
			    emitter->level_name[model->kinds.v[k].level],
			    entry_text(emitter, k, model->kinds.v[k].when, "entry"));
	OUT("\tdefault: return true;\n\t}\n}\n\n/* Fields that may hold some values only. */\n"
	    "static bool %s_legal(const struct pt_table *t, unsigned int "
	    "kind, %s_entry entry)\n{\n\t(void)t;\n\t(void)entry;\n\tswitch (kind) {\n",
	    emitter->lower, emitter->lower);
	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);
		const char *text = NULL;

		for (int i = 0; i < n; i++) {
			const char *part;

			if (slice[i].in == REF_NONE)
				continue;
			emitter->known = slice[i].cond;
			part = text_of(emitter, "(%s)", entry_text(emitter, k, slice[i].in, "entry"));
			emitter->known = REF_NONE;
			if (slice[i].cond != REF_NONE)
				part = text_of(emitter, "(t->word[%s] == 0 || %s)",
					       word_name(emitter, cond_word(emitter, slice[i].cond)), part);
			text = text ? text_of(emitter, "%s && %s", text, part) : part;
		}
		if (text)
			OUT("\tcase %d: /* %s at %s */\n\t\treturn %s;\n", k, model->kinds.v[k].name,
			    emitter->level_name[model->kinds.v[k].level], text);
	}
	OUT("\tdefault: return true;\n\t}\n}\n\n/* The level that a table entry links to%s. */\n"
	    "static unsigned int %s_next_level(const struct pt_table *t, "
	    "unsigned int kind, %s_entry entry)\n{\n\t(void)t;\n\t(void)entry;\n",
	    emitter->has_skips ? "; N_LEVELS: nowhere" : "", emitter->lower, emitter->lower);
	if (emitter->has_skips) {
		OUT("\tswitch (kind) {\n");
		for (int k = 0; k < model->kinds.n; k++) {
			const struct m_kind *kind = &model->kinds.v[k];
			bool always = false;

			if (kind->category != CATEGORY_TABLE ||
			    (kind->n_next == 1 && model->nexts.v[kind->first_next].level == emitter->next[kind->level]))
				continue;
			OUT("\tcase %d: /* %s at %s */\n", k, kind->name, emitter->level_name[kind->level]);
			for (int i = 0; i < kind->n_next; i++) {
				const struct m_next *next = &model->nexts.v[kind->first_next + i];

				always = next->cond == REF_NONE;
				if (!always)
					OUT("\t\tif (%s)\n\t\t\treturn %s_%s;\n",
					    entry_text(emitter, k, next->cond, "entry"), emitter->upper,
					    emitter->level_name[next->level]);
				else
					OUT("\t\treturn %s_%s;\n", emitter->upper, emitter->level_name[next->level]);
			}
			if (!always)
				OUT("\t\treturn %s_N_LEVELS;\n", emitter->upper);
		}
		OUT("\tdefault: break;\n\t}\n");
	}
	OUT("\treturn %s_geometry[%s_kinds[kind].level].next;\n}\n\n", emitter->lower, emitter->lower);
	if (emitter->has_twins)
		emit_twins(emitter);
}

void emit_descriptor(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	uint64_t sizes = 0;
	int registers = 0, n_params = model->params.n + model->addresses.n;
	bool accessed = false, dirty = false, exec = false, priv = false, memory = false;
	const char *spec = "";
	const char *f = emitter->lower;

	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);

		if (model->kinds.v[k].category != CATEGORY_LEAF)
			continue;
		sizes |= (uint64_t)1 << model->kinds.v[k].lg2;
		accessed = accessed || state_of(emitter, k, true).mask;
		dirty = dirty || state_of(emitter, k, false).mask;
		for (int i = 0; i < n; i++) {
			uint8_t rights = slice[i].allows | slice[i].denies;

			exec = exec || (rights & (RIGHT_PX | RIGHT_UX));
			priv = priv || (((rights & RIGHT_U) >> 3) != (rights & RIGHT_P));
		}
	}
	for (int c = 0; c < model->codes.n; c++) {
		const struct m_code *code = &model->codes.v[c];

		memory = memory || code->concept == CONCEPT_MEMTYPE;
		if (code->concept != CONCEPT_PROT)
			continue;
		exec = exec || (code->occurs & (RIGHT_PX | RIGHT_UX));
		for (int r = code->first_row; r < code->first_row + code->n_rows; r++)
			priv = priv ||
			       ((model->rows.v[r].rights & RIGHT_U) >> 3) != (model->rows.v[r].rights & RIGHT_P);
	}
	for (int i = 0; i < model->registers.n; i++)
		registers += register_per_root(emitter, &model->registers.v[i]) ? (int)emitter->max_roots : 1;
	for (int i = 0; i < model->spec.n; i++)
		spec = text_of(emitter, "%s%s%s", spec, i ? "; " : "", model->spec.v[i]);
	OUT("const struct pt_format %s_format = {\n\t.abi = PT_ABI,\n\t.name = %s,\n\t.title = %s,\n"
	    "\t.spec = %s,\n",
	    f, quoted(emitter, emitter->lower), quoted(emitter, model->title), quoted(emitter, spec));
	OUT("\t.params = %s%s,\n\t.levels = %s_levels,\n\t.kinds = %s_kinds,\n\t.faults = %s%s,\n"
	    "\t.shapes = %s_shapes,\n",
	    n_params ? f : "NULL", n_params ? "_params" : "", f, f, model->faults.n > N_FAULTS_BUILTIN ? f : "NULL",
	    model->faults.n > N_FAULTS_BUILTIN ? "_faults" : "", f);
	OUT("\t.n_params = %d,\n\t.n_levels = %d,\n\t.n_kinds = %d,\n\t.n_faults = %d,\n\t.n_shapes = %d,\n"
	    "\t.n_registers = %d,\n",
	    n_params, model->levels.n, model->kinds.n, model->faults.n - N_FAULTS_BUILTIN, model->shapes.n, registers);
	OUT("\t.page_sizes = UINT64_C(0x%" PRIx64
	    "),\n\t.has_accessed = %s,\n\t.has_dirty = %s,\n\t.has_exec = %s,\n\t.has_priv = %s,\n"
	    "\t.has_memory = "
	    "%s,\n",
	    sizes, accessed ? "true" : "false", dirty ? "true" : "false", exec ? "true" : "false",
	    priv ? "true" : "false", memory ? "true" : "false");
	OUT("\t.init = %s_init,\n\t.fini = %s_fini,\n\t.adopt = %s_adopt,\n\t.view = %s_view,\n"
	    "\t.registers = %s_registers,\n\t.map = %s_map,\n",
	    f, f, f, f, f, f);
	OUT("\t.map_segments = %s_map_segments,\n\t.unmap = %s_unmap,\n\t.protect = %s_protect,\n"
	    "\t.replace = %s_replace,\n\t.reserve = %s_reserve,\n",
	    f, f, f, f, f);
	OUT("\t.split = %s_split,\n\t.merge = %s_merge,\n\t.trim = %s_trim,\n\t.dirty = %s_dirty,\n"
	    "\t.iova_to_phys = %s_iova_to_phys,\n\t.walk = "
	    "%s_walk,\n",
	    f, f, f, f, f, f);
	OUT("\t.translate = %s_translate,\n\t.visit = %s_visit,\n\t.verify = %s_verify,\n"
	    "\t.classify = %s_classify,\n\t.free_subtree = %s_free_subtree,\n};\n",
	    f, f, f, f, f);
}

/* SPDX-License-Identifier: MIT */
/* emit_c_cold.c - what walks of foreign memory and the architectural walker read: tests of kinds, codes, states. */
#include "emit_c.h"

#include <inttypes.h>
#include <string.h>

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

/* PT_RIGHT_* by name. */
static const char *rights_names(struct emitter *emitter, unsigned int rights)
{
	static const char *const names[] = {"PR", "PW", "PX", "UR", "UW", "UX"};
	const char *text = "";

	for (int i = 0; i < 6; i++)
		if (rights & 1u << i)
			text = text_of(emitter, "%s%sPT_RIGHT_%s", text, *text ? " | " : "", names[i]);
	return rights & (rights - 1) ? text_of(emitter, "(%s)", text) : text;
}

/* The statements of F_left(). */
void emit_nevers(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	bool always = true;

	for (int i = 0; i < model->nevers.n; i++)
		always = always && model->nevers.v[i].cond == REF_NONE;
	if (always)
		OUT("\t(void)t;\n");
	for (int i = 0; i < model->nevers.n; i++) {
		const struct m_never *never = &model->nevers.v[i];
		int word = cond_word(emitter, never->cond);

		if (never->doc)
			OUT("\t/* %s */\n", never->doc);
		OUT("\tif ((rights & %s) != 0", rights_names(emitter, never->when));
		if (word >= 0)
			OUT(" && t->word[%s] != 0", word_name(emitter, word));
		OUT(")\n\t\trights &= ~(unsigned int)%s;\n", rights_names(emitter, never->rights));
	}
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

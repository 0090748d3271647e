/* SPDX-License-Identifier: MIT */
/* emit_c_entry.c - the primitives on entries: tests, tables, leaves, addresses. */
#include "emit_c.h"

#include <string.h>

/* ---------------------------------------------------------------------------------------------------- rows of sizes */

/*
 * Kinds of one `for` row whose constants differ by a run of ones that grows by one bit from kind to kind: a size that
 * is written in the entry. Their number is then found by counting ones.
 */
struct ladder {
	bool found;
	wide mask, value; /* what all of them share */
	int bit;	  /* where the run begins */
	int first_lg2, count;
	ref first; /* kind */
};

static struct ladder ladder_of(struct emitter *emitter, ref kind)
{
	const struct model *model = emitter->model;
	const struct m_kind *first = &model->kinds.v[kind];
	struct ladder ladder = {.first = kind, .first_lg2 = first->lg2};
	struct bits mask = kind_bits(emitter, kind, BITS_MASK), value = kind_bits(emitter, kind, BITS_VALUE);
	wide zero;

	if (first->row == REF_NONE || mask.text || value.text)
		return ladder;
	/* The first kind has an empty run: one zero bit more than the next one's shared part. */
	for (int i = 0; kind + i < model->kinds.n; i++) {
		const struct m_kind *k = &model->kinds.v[kind + i];
		struct bits m = kind_bits(emitter, kind + i, BITS_MASK), v = kind_bits(emitter, kind + i, BITS_VALUE);

		if (k->level != first->level || k->row != first->row)
			break;
		if (i == 1) {
			/* The run begins at the lowest bit that the second kind has set and the first has clear. */
			zero = v.literal & ~value.literal & mask.literal;
			if ((uint64_t)zero != zero || zero == 0 || (zero & (zero - 1)) != 0)
				return ladder;
			ladder.bit = __builtin_ctzll((uint64_t)zero);
			ladder.mask = mask.literal & ~zero;
			ladder.value = value.literal;
		}
		if (i >= 1) {
			uint64_t run = (((uint64_t)1 << i) - 1) << ladder.bit, stop = (uint64_t)1 << (ladder.bit + i);

			if (m.text || v.text || m.literal != (ladder.mask | run | stop) ||
			    v.literal != (ladder.value | run) || k->lg2 != first->lg2 + i)
				return ladder;
		}
		ladder.count = i + 1;
	}
	if (ladder.count == 1) {
		ladder.count = 0;
		return ladder;
	}
	ladder.found = true;
	return ladder;
}

/* Is the kind part of a ladder that begins before it? */
static bool in_ladder(struct emitter *emitter, ref kind)
{
	const struct m_kind *k = &emitter->model->kinds.v[kind];
	ref first = kind;

	if (k->row == REF_NONE)
		return false;
	while (first > 0 && k[first - 1 - kind].row == k->row && k[first - 1 - kind].level == k->level)
		first--;
	return first != kind && ladder_of(emitter, first).found;
}

/* --------------------------------------------------------------------------------------------------------- by level */

void by_level(struct emitter *emitter, const char *const *body, const char *otherwise)
{
	int n = emitter->model->levels.n, final = -1;
	const char *only = NULL;
	bool same = true;

	for (int i = 0; i < n; i++) {
		if (body[i] && only && strcmp(body[i], only) != 0)
			same = false;
		if (body[i] && !only)
			only = body[i];
	}
	if (!only) {
		fprintf(emitter->out, "\t(void)level;\n%s", otherwise);
		return;
	}
	if (same) {
		bool all = true;

		for (int i = 0; i < n; i++)
			all = all && body[i];
		if (all) {
			fprintf(emitter->out, "\t(void)level;\n%s", only);
			return;
		}
	}
	/* The first level of the last list. */
	for (int i = 0; i < n && !otherwise; i++) {
		bool seen = false;

		for (int k = 0; k < i && !seen; k++)
			seen = body[k] && body[i] && strcmp(body[k], body[i]) == 0;
		if (!seen)
			final = i;
	}
	fprintf(emitter->out, "\tswitch (level) {\n");
	for (int i = 0; i < n; i++) {
		bool done = !body[i];

		for (int k = 0; k < i && !done; k++)
			done = body[k] && strcmp(body[k], body[i]) == 0;
		if (done)
			continue;
		{
			const char *label = "default";
			int last = i;

			for (int k = i; k < n; k++)
				if (body[k] && strcmp(body[k], body[i]) == 0)
					last = k;
			for (int k = i; k < last && i != final; k++)
				if (body[k] && strcmp(body[k], body[i]) == 0)
					fprintf(emitter->out, "\tcase %s_%s:\n", emitter->upper,
						emitter->level_name[k]);
			if (i != final)
				label = text_of(emitter, "case %s_%s", emitter->upper, emitter->level_name[last]);
			/* A short statement stands on the line of its label. */
			if (strchr(body[i], '\n') == body[i] + strlen(body[i]) - 1 &&
			    8 + strlen(label) + 1 + strlen(body[i]) - 1 <= 120) {
				fprintf(emitter->out, "\t%s: %s", label, body[i] + 1);
				continue;
			}
			fprintf(emitter->out, "\t%s:\n", label);
		}
		/* One tab deeper than written. */
		for (const char *line = body[i]; *line;) {
			const char *end = strchr(line, '\n');
			size_t length = end ? (size_t)(end - line) : strlen(line);

			fprintf(emitter->out, "\t%.*s\n", (int)length, line);
			line += length + (end ? 1 : 0);
		}
	}
	if (otherwise)
		fprintf(emitter->out, "\tdefault: break;\n\t}\n%s", otherwise);
	else
		fprintf(emitter->out, "\t}\n");
}

const char **bodies(struct emitter *emitter)
{
	return arena_alloc(emitter->arena, sizeof(char *) * (size_t)(emitter->model->levels.n + 1));
}

static const char *test_text(struct emitter *emitter, ref kind, bool with_when)
{
	const struct m_kind *k = &emitter->model->kinds.v[kind];
	struct bits mask = kind_bits(emitter, kind, BITS_MASK), value = kind_bits(emitter, kind, BITS_VALUE);
	const char *text = text_of(emitter, "(entry & %s) == %s",
				   bits_text(emitter, text_of(emitter, "%s_MASK", emitter->kind_name[kind]), &mask),
				   bits_text(emitter, text_of(emitter, "%s_VALUE", emitter->kind_name[kind]), &value));

	if (with_when && k->when != REF_NONE)
		text = text_of(emitter, "%s && (%s)", text, entry_text(emitter, kind, k->when, "entry"));
	return text;
}

/* The test of a level's absent kinds where that takes more than masks; NULL: it does not. */
static const char *absent_test(struct emitter *emitter, int level)
{
	const struct m_level *l = &emitter->model->levels.v[level];
	const char *text = NULL;
	bool needed = false;

	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		const struct m_kind *kind = &emitter->model->kinds.v[k];
		const char *own;

		if (kind->category != CATEGORY_ABSENT)
			continue;
		needed = needed || kind->when != REF_NONE;
		own = test_text(emitter, k, true);
		if (kind->present != REF_NONE)
			own = text_of(
				emitter, "t->word[%s] != 0 && %s",
				word_name(emitter, word_of(emitter, text_of(emitter, "HAS_%s", emitter->kind_name[k]),
							   text_of(emitter, "(uint64_t)((%s) != 0)",
								   config_text(emitter, kind->present)))),
				own);
		text = text ? text_of(emitter, "(%s) || (%s)", text, own) : own;
	}
	return needed ? text : NULL;
}

static void emit_absent(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	const char **value = bodies(emitter), **occupied = bodies(emitter), **is = bodies(emitter),
		   **keep = bodies(emitter);

	for (int i = 0; i < model->levels.n; i++) {
		struct bits bits = absent_bits(emitter, i, BITS_CONST), mask = absent_bits(emitter, i, BITS_MASK);
		struct bits test = absent_bits(emitter, i, BITS_VALUE), kept = absent_bits(emitter, i, BITS_KEEP);
		const char *of = emitter->order, *name = emitter->level_name[i];
		const char *mask_text = bits_text(emitter, text_of(emitter, "%s_ABSENT_MASK", name), &mask);
		const char *test_text = bits_text(emitter, text_of(emitter, "%s_ABSENT_VALUE", name), &test);

		value[i] = text_of(emitter, "\treturn %s;\n",
				   bits_text(emitter, text_of(emitter, "%s_ABSENT", name), &bits));
		if (test.literal == 0 && !test.text) {
			occupied[i] = text_of(emitter, "\treturn raw & %s(%s);\n", of, mask_text);
			is[i] = text_of(emitter, "\treturn (entry & %s) == 0;\n", mask_text);
		} else {
			occupied[i] =
				text_of(emitter, "\treturn (raw ^ %s(%s)) & %s(%s);\n", of, test_text, of, mask_text);
			is[i] = text_of(emitter, "\treturn (entry & %s) == %s;\n", mask_text, test_text);
		}
		if (absent_test(emitter, i))
			is[i] = text_of(emitter, "\treturn %s;\n", absent_test(emitter, i));
		keep[i] = text_of(emitter, "\treturn %s;\n",
				  bits_text(emitter, text_of(emitter, "%s_KEEP", name), &kept));
	}
	OUT("/* What \"nothing here\" is stored as. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_absent(const struct pt_table *t, unsigned int level)\n{\n"
	    "\t(void)t;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, value, NULL);
	OUT("}\n\n");
	if (emitter->mixed)
		goto whole;
	OUT("/* Not 0 when an entry, as it is in memory, is not absent. Several may be ORed together first. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_occupied(%sunsigned int level, %s_entry raw)\n{\n",
	    emitter->lower, emitter->lower, emitter->absent_by_config ? "const struct pt_table *t, " : "",
	    emitter->lower);
	if (emitter->absent_by_config)
		OUT("\t(void)t;\n");
	by_level(emitter, occupied, NULL);
	OUT("}\n\n");
whole:
	OUT("PT_ALWAYS_INLINE bool %s_is_absent(const struct pt_table *t, unsigned int level, %s_entry entry)\n"
	    "{\n\t(void)t;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, is, NULL);
	OUT("}\n\n");
	if (!emitter->has_keeps)
		return;
	OUT("/* Bits that an unmap leaves as they are. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_keep(const struct pt_table *t, unsigned int level)\n{\n"
	    "\t(void)t;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, keep, NULL);
	OUT("}\n\n");
}

/*
 * Does a condition on fields imply the kind's `when`? Tried for all values of the fields that `when` looks at, if these
 * are few and nothing else is looked at.
 */
static bool implies_when(struct emitter *emitter, ref kind, ref cond)
{
	const struct model *model = emitter->model;
	const struct m_kind *k = &model->kinds.v[kind];
	const int64_t *param = emitter->defaults + model->levels.v[k->level].shape * model->params.n;
	uint64_t mask = 0, value = 0;

	if (k->when == REF_NONE)
		return true;
	if (model_mentions(model, k->when, X_PARAM, -1) || model_mentions(model, k->when, X_BITS, -1) ||
	    model_mentions(model, cond, X_PARAM, -1))
		return false;
	for (int i = 0; i < k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];

		if (slice->field == REF_NONE || !model_mentions(model, k->when, X_FIELD, slice->field))
			continue;
		if (slice->hi > 63 || slice->cond != REF_NONE)
			return false;
		mask |= mask_of(slice->hi, slice->lo);
	}
	if (__builtin_popcountll(mask) > 10)
		return false;
	do {
		uint64_t word[2] = {value, 0};
		struct m_env env = {.param = param, .kind = kind, .word = word};

		if (model_holds(model, cond, &env) && !model_holds(model, k->when, &env))
			return false;
		value = (value - mask) & mask; /* the next value of these bits */
	} while (value != 0);
	return true;
}

/* The condition under which a table entry leads to the level that this code would have written. */
static const char *table_test(struct emitter *emitter, int level)
{
	const struct model *model = emitter->model;
	const struct m_kind *kind = &model->kinds.v[emitter->table[level]];

	for (int i = 0; i < kind->n_next; i++) {
		const struct m_next *next = &model->nexts.v[kind->first_next + i];

		const char *others = "";

		/* We write one sub-table only. */
		for (int other = 0; other < kind->n_next && next->via; other++)
			if (other != i)
				others = text_of(emitter, "%s && !(%s)", others,
						 entry_text(emitter, emitter->table[level],
							    model->nexts.v[kind->first_next + other].cond, "entry"));
		if (next->level == emitter->next[level] && next->cond != REF_NONE)
			return text_of(emitter, "%s && %s%s",
				       test_text(emitter, emitter->table[level],
						 !implies_when(emitter, emitter->table[level], next->cond)),
				       entry_text(emitter, emitter->table[level], next->cond, "entry"), others);
	}
	return test_text(emitter, emitter->table[level], true);
}

static void emit_tables(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	const char **is = bodies(emitter), **pa = bodies(emitter), **make = bodies(emitter), **synced = bodies(emitter);

	for (int i = 0; i < model->levels.n; i++) {
		ref kind = emitter->table[i];
		struct bits constant, sync;
		const char *text, *marks;

		if (kind == REF_NONE || !emitter->written[i])
			continue;
		constant = kind_bits(emitter, kind, BITS_CONST);
		sync = kind_bits(emitter, kind, BITS_SYNCED);
		marks = marks_in_entry(emitter, kind);
		is[i] = text_of(emitter, "\treturn %s;\n", table_test(emitter, i));
		pa[i] = text_of(emitter, emitter->outside ? "\treturn %s_outside(t, %s);\n" : "%.0s\treturn %s;\n",
				emitter->lower, get_text(emitter, kind, emitter->via[i]));
		text = text_of(emitter, "%s | %s", put_text(emitter, kind, emitter->via[i]),
			       bits_text(emitter, text_of(emitter, "%s_TABLE", emitter->level_name[i]), &constant));
		if (marks)
			text = text_of(emitter, "%s | t->word[%s]", text,
				       word_name(emitter, word_of(emitter, "MARKS_IN_ENTRY", marks)));
		make[i] = text_of(emitter,
				  emitter->outside ? "\tpa = %s_inside(t, pa);\n\treturn %s;\n" : "%.0s\treturn %s;\n",
				  emitter->lower, text);
		synced[i] = text_of(emitter, "\treturn %s;\n",
				    bits_text(emitter, text_of(emitter, "%s_SYNCED", emitter->level_name[i]), &sync));
	}
	OUT("PT_ALWAYS_INLINE bool %s_is_table(const struct pt_table *t, unsigned int level, %s_entry entry)\n"
	    "{\n\t(void)t;\n\t(void)entry;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, is, "\treturn false;\n");
	OUT("}\n\n/* The table that an entry links to. */\n"
	    "PT_ALWAYS_INLINE uint64_t %s_table_pa(const struct pt_table *t, unsigned int level, "
	    "%s_entry entry)\n{\n\t(void)t;\n\t(void)entry;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, pa, "\treturn 0;\n");
	OUT("}\n\n/* The entry that links to a table. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_table_entry(const struct pt_table *t, unsigned int level, "
	    "uint64_t pa)\n{\n\t(void)t;\n\t(void)pa;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, make, "\treturn 0;\n");
	OUT("}\n\n");
	if (!emitter->has_synced)
		return;
	OUT("/* Set in a link once the walker can see it; 0 for walkers that snoop. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_synced(const struct "
	    "pt_table *t, unsigned int level)\n{\n\t(void)t;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, synced, "\treturn 0;\n");
	OUT("}\n\n");
}

/* The leaf kind of a level that takes one slot; REF_NONE. */
ref unit_of(const struct emitter *emitter, int level)
{
	const struct m_level *l = &emitter->model->levels.v[level];

	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++)
		if (emitter->model->kinds.v[k].category == CATEGORY_LEAF &&
		    emitter->model->kinds.v[k].group == GROUP_NONE)
			return k;
	return REF_NONE;
}

static const char *leaf_constant(struct emitter *emitter, ref kind)
{
	struct bits bits = kind_bits(emitter, kind, BITS_CONST);

	return bits_text(emitter, text_of(emitter, "%s_CONST", emitter->kind_name[kind]), &bits);
}

static const char *leaf_value(struct emitter *emitter, ref kind)
{
	return text_of(emitter, "%s | %s | %s", leaf_attributes(emitter, kind), leaf_constant(emitter, kind),
		       put_text(emitter, kind, NULL));
}

/* Number of the top address bit that the kind's entries hold. */
static int top_address(const struct emitter *emitter, ref kind)
{
	int n, top = 0;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++)
		if (slice[i].role == ROLE_ADDRESS && slice[i].to + slice[i].hi - slice[i].lo > top)
			top = slice[i].to + slice[i].hi - slice[i].lo;
	return top;
}

/* Is what the entry holds of an address the address itself, as far as it is one of a page? */
static bool holds_as_is(struct emitter *emitter, ref kind)
{
	int n, lo = emitter->model->levels.v[emitter->model->kinds.v[kind].level].lo;
	wide held = 0;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++)
		if (slice[i].role == ROLE_ADDRESS) {
			if (slice[i].to != slice[i].lo || slice[i].cond != REF_NONE)
				return false;
			held |= entry_mask(slice[i].hi, slice[i].lo);
		}
	return held >> lo != 0 && held == entry_mask(top_address(emitter, kind), lo);
}

/* The smallest pages have ways of their own: what they need of the address. */
static void emit_page_functions(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	const char **put = bodies(emitter), **last = bodies(emitter);

	for (int s = 0; s < model->shapes.n; s++) {
		ref level = emitter->last[s], unit = unit_of(emitter, level);

		if (unit == REF_NONE)
			continue;
		put[level] =
			holds_as_is(emitter, unit)
				? text_of(emitter, "\treturn %spa;\n",
					  emitter->entry_bits == 64 ? ""
								    : text_of(emitter, "(%s_entry)", emitter->lower))
				: text_of(emitter, "\treturn %s;\n", put_text(emitter, unit, NULL));
		last[level] = text_of(emitter, "\treturn UINT64_C(0x%llx);\n",
				      (unsigned long long)mask_of(top_address(emitter, unit), 0));
	}
	OUT("/* The address of a page as its entry holds it; it has been compared with what entries can hold. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_page_address(unsigned int level, uint64_t pa)\n{\n\t(void)pa;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, put, "\treturn 0;\n");
	OUT("}\n\n/* The last byte that a page can map. */\n"
	    "PT_ALWAYS_INLINE uint64_t %s_page_last(unsigned int level)\n{\n",
	    emitter->lower);
	by_level(emitter, last, "\treturn 0;\n");
	OUT("}\n\n");
}

static const char *ladder_lg2(struct emitter *emitter, const struct ladder *ladder)
{
	return text_of(emitter, "%d + (unsigned int)__builtin_ctzll(~(uint64_t)(entry >> %d))", ladder->first_lg2,
		       ladder->bit);
}

void plan_narrow(struct emitter *emitter, int level, int *bits, uint64_t *sizes)
{
	const struct m_level *l = &emitter->model->levels.v[level];
	int widest = 0;

	*bits = 0;
	*sizes = 0;
	for (int k = 0; k < emitter->model->kinds.n; k++)
		if (emitter->model->kinds.v[k].category == CATEGORY_LEAF && top_address(emitter, k) > widest)
			widest = top_address(emitter, k);
	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		if (emitter->model->kinds.v[k].category != CATEGORY_LEAF || top_address(emitter, k) == widest)
			continue;
		if (*bits && *bits != top_address(emitter, k) + 1)
			*bits = *bits < top_address(emitter, k) + 1 ? *bits : top_address(emitter, k) + 1;
		else
			*bits = top_address(emitter, k) + 1;
		*sizes |= (uint64_t)1 << emitter->model->kinds.v[k].lg2;
	}
	if (*bits)
		emitter->has_narrows = true;
}

/* The same for a ladder: the run of ones and the zero above it take address bits away. */
static const char *ladder_attributes(struct emitter *emitter, ref kind, ref base, const struct ladder *ladder)
{
	if (!emitter->classes.v[emitter->kind_class[kind]].marks)
		return leaf_attributes(emitter, kind);
	return text_of(emitter, "(%s & ~((((%s_entry)2 << (lg2 - %d)) - 1) << %d))", leaf_attributes(emitter, base),
		       emitter->lower, ladder->first_lg2, ladder->bit);
}

static const char *mask_text(struct emitter *emitter, ref kind)
{
	struct bits other = attribute_not(emitter, kind);
	const char *mask = hex(emitter, attribute_mask(emitter, kind));

	if (!other.text)
		return mask;
	return text_of(emitter, "%s & ~%s", mask,
		       bits_text(emitter, text_of(emitter, "%s_OTHER", emitter->kind_name[kind]), &other));
}

static const char *live_text(struct emitter *emitter, ref kind)
{
	struct bits live = kind_bits(emitter, kind, BITS_LIVE);

	return bits_text(emitter, text_of(emitter, "%s_LIVE", emitter->kind_name[kind]), &live);
}

static void emit_leaves(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	const char **size = bodies(emitter), **phys = bodies(emitter), **make = bodies(emitter),
		   **bits = bodies(emitter);
	const char **mask = bodies(emitter), **live = bodies(emitter), **slot = bodies(emitter);

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		ref unit = unit_of(emitter, i);
		bool repeats = false;

		for (int k = level->first_kind; k < level->first_kind + level->n_kinds; k++) {
			const struct m_kind *kind = &model->kinds.v[k];
			struct ladder ladder;

			if (kind->category != CATEGORY_LEAF || !emitter->written[i])
				continue;
			if (!size[i])
				size[i] = phys[i] = make[i] = bits[i] = mask[i] = live[i] = "";
			repeats = repeats || kind->group == GROUP_REPEAT;
			if (in_ladder(emitter, k))
				continue;
			ladder = ladder_of(emitter, k);
			if (ladder.found) {
				ref base = unit == REF_NONE ? k : unit;
				const char *test = text_of(emitter, "(entry & %s) == %s", hex(emitter, ladder.mask),
							   hex(emitter, ladder.value));

				size[i] = text_of(emitter,
						  "%s\tif (%s) {\n\t\tunsigned int lg2 = %s;\n\n\t\treturn lg2 < %d ? "
						  "lg2 : 0;\n\t}\n",
						  size[i], test, ladder_lg2(emitter, &ladder),
						  ladder.first_lg2 + ladder.count);
				phys[i] = text_of(emitter,
						  "%s\tif (%s) {\n\t\tuint64_t offset = ((uint64_t)1 << (%s)) - 1;\n\n"
						  "\t\treturn ((%s) & ~offset) | (iova & offset);\n\t}\n",
						  phys[i], test, ladder_lg2(emitter, &ladder),
						  get_text(emitter, base, NULL));
				make[i] = text_of(emitter,
						  "%s\tif (lg2 > %d)\n\t\treturn %s | %s | %s |\n"
						  "\t\t       ((((%s_entry)1 << (lg2 - %d)) - 1) << %d);\n",
						  make[i], level->lo, ladder_attributes(emitter, k, base, &ladder),
						  leaf_constant(emitter, k), put_text(emitter, base, NULL),
						  emitter->lower, ladder.first_lg2, ladder.bit);
				for (int g = 0; g < ladder.count; g++) {
					bits[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn a->leaf[%d];\n",
							  bits[i], ladder.first_lg2 + g,
							  emitter->classes.v[emitter->kind_class[k + g]].index);
					mask[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn %s;\n", mask[i],
							  ladder.first_lg2 + g, mask_text(emitter, k + g));
					live[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn %s;\n", live[i],
							  ladder.first_lg2 + g, live_text(emitter, k + g));
				}
				continue;
			}
			size[i] = text_of(emitter, "%s\tif (%s)\n\t\treturn %d;\n", size[i],
					  test_text(emitter, k, true), kind->lg2);
			if (k == unit)
				continue;
			if (kind->group == GROUP_REPEAT)
				phys[i] =
					text_of(emitter,
						emitter->has_marks
							? "%s\tif (%s)\n\t\treturn (%s) | (iova & UINT64_C(0x%llx));\n"
							: "%s\tif (%s)\n\t\treturn %s | (iova & UINT64_C(0x%llx));\n",
						phys[i], test_text(emitter, k, true), get_text(emitter, k, NULL),
						(unsigned long long)mask_of(kind->lg2 - 1, 0));
			make[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn %s;\n", make[i], kind->lg2,
					  leaf_value(emitter, k));
			bits[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn a->leaf[%d];\n", bits[i], kind->lg2,
					  emitter->classes.v[emitter->kind_class[k]].index);
			mask[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn %s;\n", mask[i], kind->lg2,
					  mask_text(emitter, k));
			live[i] = text_of(emitter, "%s\tif (lg2 == %d)\n\t\treturn %s;\n", live[i], kind->lg2,
					  live_text(emitter, k));
		}
		if (!size[i])
			continue;
		size[i] = text_of(emitter, "%s\treturn 0;\n", size[i]);
		if (unit != REF_NONE) {
			phys[i] = text_of(emitter, "%s\treturn (%s) | (iova & UINT64_C(0x%llx));\n", phys[i],
					  get_text(emitter, unit, NULL), (unsigned long long)mask_of(level->lo - 1, 0));
			make[i] = text_of(emitter, "%s\treturn %s;\n", make[i], leaf_value(emitter, unit));
			bits[i] = text_of(emitter, "%s\treturn a->leaf[%d];\n", bits[i],
					  emitter->classes.v[emitter->kind_class[unit]].index);
			mask[i] = text_of(emitter, "%s\treturn %s;\n", mask[i], mask_text(emitter, unit));
			live[i] = text_of(emitter, "%s\treturn %s;\n", live[i], live_text(emitter, unit));
		} else {
			phys[i] = text_of(emitter, "%s\treturn 0;\n", phys[i]);
			make[i] = text_of(emitter, "%s\treturn 0;\n", make[i]);
			bits[i] = text_of(emitter, "%s\treturn 0;\n", bits[i]);
			mask[i] = text_of(emitter, "%s\treturn 0;\n", mask[i]);
			live[i] = text_of(emitter, "%s\treturn 0;\n", live[i]);
		}
		slot[i] = repeats ? NULL : text_of(emitter, "\treturn pa + (i << %d);\n", level->lo);
	}
	OUT("/* log2 of the bytes that a leaf maps; 0 when the word is no leaf. */\n"
	    "PT_ALWAYS_INLINE unsigned int %s_leaf_lg2(const struct pt_table *t, "
	    "unsigned int level, %s_entry entry)\n{\n\t(void)t;\n\t(void)entry;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, size, "\treturn 0;\n");
	OUT("}\n\n/* Where iova goes through the leaf that maps it. */\n"
	    "PT_ALWAYS_INLINE uint64_t %s_leaf_phys(const struct pt_table *t, unsigned int "
	    "level, %s_entry entry,\n\t\t\t\t\t uint64_t iova)\n{\n\t(void)t;\n\t(void)entry;\n"
	    "\t(void)iova;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, phys, "\treturn 0;\n");
	OUT("}\n\n/* Attribute bits of a request, for each group of leaf kinds that has its own. */\n"
	    "struct %s_attributes {\n\t%s_entry leaf[%d];\n};\n\n",
	    emitter->lower, emitter->lower, emitter->max_classes);
	OUT("/* The word of a leaf of 2^lg2 bytes at pa. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_leaf_entry(const struct pt_table *t, const struct "
	    "%s_attributes *a,\n\t\t\t\t\t    unsigned int level, unsigned int lg2, uint64_t pa)\n{\n"
	    "\t(void)t;\n\t(void)a;\n\t(void)lg2;\n\t(void)pa;\n",
	    emitter->lower, emitter->lower, emitter->lower);
	by_level(emitter, make, "\treturn 0;\n");
	OUT("}\n\n");
	emit_page_functions(emitter);
	OUT("PT_ALWAYS_INLINE %s_entry %s_attribute_bits(const struct %s_attributes *a, unsigned int level, unsigned "
	    "int lg2)\n"
	    "{\n\t(void)a;\n\t(void)lg2;\n",
	    emitter->lower, emitter->lower, emitter->lower);
	by_level(emitter, bits, "\treturn 0;\n");
	OUT("}\n\n/* Bits that hold rights and memory type; accessed and dirty are not among them. */\n"
	    "PT_ALWAYS_INLINE %s_entry "
	    "%s_attribute_mask(const struct pt_table *t, unsigned int level, unsigned int lg2)\n{\n"
	    "\t(void)t;\n\t(void)lg2;\n",
	    emitter->lower, emitter->lower);
	by_level(emitter, mask, "\treturn 0;\n");
	OUT("}\n\n");
	if (emitter->has_breaks) {
		OUT("/* Bits that may change while the entry is in use. */\n"
		    "PT_ALWAYS_INLINE %s_entry %s_live_mask(const struct pt_table *t, "
		    "unsigned int level, unsigned int lg2)\n{\n\t(void)t;\n\t(void)lg2;\n",
		    emitter->lower, emitter->lower);
		by_level(emitter, live, "\treturn 0;\n");
		OUT("}\n\n");
	}
	OUT("/* What slot i of a leaf of 2^lg2 bytes holds: repeated groups the same everywhere, contiguous ones count "
	    "up. */\n"
	    "PT_ALWAYS_INLINE uint64_t %s_slot_pa(unsigned int level, unsigned int lg2, uint64_t pa, uint64_t i)\n"
	    "{\n\t(void)lg2;\n\t(void)i;\n",
	    emitter->lower);
	by_level(emitter, slot, "\treturn pa;\n");
	OUT("}\n\n");
}

void emit_entry_functions(void *ctx)
{
	struct emitter *emitter = ctx;

	emit_absent(emitter);
	emit_tables(emitter);
	emit_leaves(emitter);
}

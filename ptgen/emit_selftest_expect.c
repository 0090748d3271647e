/* SPDX-License-Identifier: MIT */
/*
 * emit_selftest_expect.c - what must come out: walks, the words of tables and leaves, and where they lie. Nothing is
 * shared with emit_c*.c: this is written from the rules of the language, so that the two are held against each other
 * wherever a self-test is compiled and run.
 */
#include "emit_selftest.h"

/* ---- the walk */

ref expect_classify(const struct selftest *s, ref level, const uint64_t word[2])
{
	const struct m_level *l = level_at(s, level);

	for (ref k = l->first_kind; k < l->first_kind + l->n_kinds; k++)
		if (s->present[k] && codec_bound_is(&s->bound[k], word))
			return k;
	return REF_NONE;
}

/* Where a table word leads, REF_NONE: nowhere. */
static ref next_of(const struct selftest *s, ref kind, const uint64_t word[2])
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	struct m_env env = environment(s, kind, word);

	for (int i = 0; i < k->n_next; i++)
		if (model_holds(s->model, s->model->nexts.v[k->first_next + i].cond, &env))
			return s->model->nexts.v[k->first_next + i].level;
	return REF_NONE;
}

/* The sub-table that an entry leads to first, NULL: there is but one. */
static const char *via_of(const struct selftest *s, ref kind, const uint64_t word[2])
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	struct m_env env = environment(s, kind, word);

	for (int i = 0; i < k->n_next; i++)
		if (model_holds(s->model, s->model->nexts.v[k->first_next + i].cond, &env))
			return s->model->nexts.v[k->first_next + i].via;
	return NULL;
}

unsigned int expect_root_number(const struct selftest *s, uint64_t inner)
{
	return s->n_roots == 1 ? 0 : (unsigned int)((inner & s->input_mask) >> s->root_bits);
}

uint64_t expect_table_at(const struct selftest *s, int step, unsigned int root)
{
	return s->base + ((step == 0 ? root : (uint64_t)(s->n_roots - 1 + step)) << s->spread);
}

static uint64_t index_at(const struct selftest *s, ref level, uint64_t inner, bool root)
{
	const struct m_level *l = level_at(s, level);

	inner &= root ? bits_ones((unsigned int)s->root_bits) : s->input_mask;
	if (!root && l->hi < l->lo)
		return 0;
	return inner >> l->lo & (root ? UINT64_MAX : bits_ones(bits_width((unsigned int)l->hi, (unsigned int)l->lo)));
}

uint64_t expect_stride(const struct m_level *level)
{
	return (uint64_t)level->entry_bytes << level->every_lg2;
}

uint64_t expect_entry_address(const struct selftest *s, ref level, uint64_t table, uint64_t inner, bool root)
{
	return table + index_at(s, level, inner, root) * expect_stride(level_at(s, level));
}

/* The fault of a word of a kind, FAULT_NUMBER_NONE: none. */
static unsigned int defect(const struct selftest *s, ref kind, const uint64_t word[2])
{
	const struct m_slice *reserved;

	if (kind == REF_NONE)
		return fault_number(s->model->reserved_fault, FAULT_RESERVED);
	if (s->model->kinds.v[kind].category == CATEGORY_ABSENT)
		return fault_number(s->model->kinds.v[kind].fault, FAULT_ABSENT);
	if (s->model->kinds.v[kind].category == CATEGORY_FAULT)
		return fault_number(s->model->kinds.v[kind].fault, FAULT_RESERVED);
	reserved = codec_bound_reserved(&s->bound[kind], word);
	if (!reserved)
		return s->model->kinds.v[kind].category == CATEGORY_NULL ? FAULT_NUMBER_NULL : FAULT_NUMBER_NONE;
	return reserved->role == ROLE_ADDRESS ? fault_number(s->model->output.fault, FAULT_ADDRESS)
					      : fault_number(s->model->reserved_fault, FAULT_RESERVED);
}

/* What hardware makes of an address where memory holds the entries of the path, with `word` at step `at`. */
void expect_walk(const struct selftest *s, const struct path *path, int at, uint64_t word, struct outcome *out)
{
	uint64_t table = path->step[0].table;
	unsigned int rights = RIGHT_ALL;
	ref level = s->start;

	memset(out, 0, sizeof(*out));
	out->kind = REF_NONE;
	for (int depth = 0; depth < 64; depth++) {
		uint64_t here = expect_entry_address(s, level, table, path->inner, depth == 0), raw[2] = {0, 0};
		const struct m_kind *kind;
		struct codec_decoded decoded;
		int i = 0;
		ref next;

		/* An address of another entry by chance is the right one for an entry of its size only. */
		while (i < path->n && (path->step[i].entry != here || level_at(s, path->step[i].level)->entry_bytes !=
									      level_at(s, level)->entry_bytes))
			i++;
		if (i == path->n) {
			out->fault = FAULT_NUMBER_BOUNDS;
			out->pa = here;
			return;
		}
		raw[0] = i == at ? word : path->step[i].link;
		out->kind = expect_classify(s, level, raw);
		out->fault = defect(s, out->kind, raw);
		if (out->fault)
			return;
		kind = &s->model->kinds.v[out->kind];
		codec_bound_decode(&s->bound[out->kind], raw, &decoded);
		out->pa = codec_bound_get_address(&s->bound[out->kind], via_of(s, out->kind, raw), raw);
		if (kind->category == CATEGORY_LEAF) {
			unsigned int lg2 =
				(unsigned int)(kind->group == GROUP_CONTIG ? kind->lg2 - kind->group_lg2 : kind->lg2);

			out->pa = (out->pa & ~bits_ones(lg2)) | (path->inner & bits_ones(lg2));
			out->rights = (decoded.rights & rights) | (decoded.rights & RIGHT_GLOBAL);
			out->memory = decoded.memory;
			out->accessed = decoded.accessed;
			out->dirty = decoded.dirty;
			return;
		}
		rights &= decoded.rights;
		next = next_of(s, out->kind, raw);
		if (next == REF_NONE) {
			out->fault = fault_number(s->model->reserved_fault, FAULT_RESERVED);
			return;
		}
		/* Bits between the two levels that nothing consumes must be 0. */
		if ((path->inner & bits_ones((unsigned int)level_at(s, level)->lo)) >> level_at(s, next)->lo >
		    index_at(s, next, UINT64_MAX, false)) {
			out->fault = fault_number(s->model->reserved_fault, FAULT_RESERVED);
			return;
		}
		table = out->pa;
		level = next;
	}
	out->fault = FAULT_NUMBER_LOOP;
}

/* ---- paths */

/* The word of a table or absent kind as a mapper leaves it. */
uint64_t expect_plain_word(const struct selftest *s, ref kind, uint64_t table)
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	uint64_t word[2] = {0, 0};
	ref code;

	(void)codec_bound_attributes(&s->bound[kind], REQ_READ | REQ_WRITE | REQ_EXEC, CODEC_WHOLE, word, &code);
	if (k->category != CATEGORY_TABLE)
		return word[0];
	(void)codec_bound_put_address(&s->bound[kind], via_of(s, kind, word), table, word);
	for (int i = 0; i < s->bound[kind].n_lines; i++)
		if (s->bound[kind].line[i].slice->flags & SLICE_SYNCED)
			bits_set(word, s->bound[kind].line[i].slice->hi, s->bound[kind].line[i].slice->lo);
	return word[0];
}

ref expect_kind_of_category(const struct selftest *s, ref level, enum ast_category category, int nth)
{
	const struct m_level *l = level_at(s, level);

	for (ref k = l->first_kind; k < l->first_kind + l->n_kinds; k++)
		if (s->present[k] && s->model->kinds.v[k].category == category && nth-- == 0)
			return k;
	return REF_NONE;
}

/* The levels from `level` down to target, by the tables that a mapper makes; false if there is no way. */
static bool find_path(const struct selftest *s, struct path *path, ref level, ref target)
{
	struct step *step = &path->step[path->n];
	ref kind;

	if (path->n == MAX_STEPS)
		return false;
	step->level = level;
	path->n++;
	if (level == target)
		return true;
	for (int nth = 0; (kind = expect_kind_of_category(s, level, CATEGORY_TABLE, nth)) != REF_NONE; nth++) {
		uint64_t word[2] = {expect_plain_word(s, kind, s->base), 0};
		ref next = next_of(s, kind, word);

		step->link = (uint64_t)kind; /* replaced by place_path() */
		if (next != REF_NONE && find_path(s, path, next, target))
			return true;
	}
	path->n--;
	return false;
}

uint64_t expect_entries_of(const struct selftest *s, ref level, bool root)
{
	return index_at(s, level, UINT64_MAX, root) + 1;
}

/* Addresses and words of the path for an input address; the leaf's word is still to come. */
static void place_path(const struct selftest *s, struct path *path, uint64_t inner)
{
	path->inner = inner;
	for (int i = 0; i < path->n; i++) {
		struct step *step = &path->step[i];
		ref absent = expect_kind_of_category(s, step->level, CATEGORY_ABSENT, 0);

		step->entries = (int64_t)expect_entries_of(s, step->level, i == 0);
		step->table = expect_table_at(s, i, expect_root_number(s, inner));
		step->entry = expect_entry_address(s, step->level, step->table, inner, i == 0);
		step->absent = absent == REF_NONE ? 0 : expect_plain_word(s, absent, 0);
		step->link = i + 1 < path->n ? expect_plain_word(s, (ref)step->link, expect_table_at(s, i + 1, 0))
					     : step->absent;
	}
}

bool expect_make_path(const struct selftest *s, ref target, uint64_t inner, struct path *path)
{
	path->n = 0;
	if (!find_path(s, path, s->start, target))
		return false;
	place_path(s, path, inner);
	return true;
}

/* The address that a device presents for an inner one. */
uint64_t expect_presented(const struct selftest *s, uint64_t inner)
{
	struct m_env env = environment(s, REF_NONE, NULL);

	for (int i = 0; i < s->model->input.n_above; i++) {
		if (!model_holds(s->model, s->model->input.above[i].cond, &env))
			continue;
		if (s->model->input.above[i].above == ABOVE_ONES ||
		    (s->model->input.above[i].above == ABOVE_SIGN && inner >> s->input_hi & 1))
			inner |= ~s->input_mask;
		break;
	}
	return inner;
}

/* ---- leaves */

/* A leaf's word for rights by number and an address: false if it cannot hold that. */
bool expect_leaf_word(const struct selftest *s, ref kind, unsigned int request, uint64_t pa, uint64_t *out)
{
	uint64_t word[2] = {0, 0};
	ref code;
	bool held = codec_bound_attributes(&s->bound[kind], request, CODEC_WHOLE, word, &code) &&
		    codec_bound_put_address(&s->bound[kind], NULL, pa, word);

	*out = word[0];
	return held;
}

bool expect_offered(const struct selftest *s, ref kind)
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	struct path path;

	if (!s->present[kind] || k->category != CATEGORY_LEAF || k->lg2 > s->root_bits ||
	    (int64_t)k->lg2 > s->bound[kind].output_hi + 1)
		return false;
	return expect_make_path(s, k->level, 0, &path) &&
	       (uint64_t)path.step[path.n - 1].entries >= (uint64_t)1 << k->group_lg2;
}

/* Of two leaves of one size the one nearer to the root is made. */
bool expect_is_made(const struct selftest *s, ref kind)
{
	for (ref k = 0; k < s->model->kinds.n; k++)
		if (k != kind && s->model->kinds.v[k].lg2 == s->model->kinds.v[kind].lg2 &&
		    s->model->kinds.v[k].level < s->model->kinds.v[kind].level && expect_offered(s, k))
			return false;
	return expect_offered(s, kind);
}

/* An output address whose bits alternate, as far as the leaf can hold it. */
uint64_t expect_pattern_of(const struct selftest *s, ref kind)
{
	static const uint64_t pattern[PATTERNS] = {0xa5a5a5a5a5a5a5a5, 0x5a5a5a5a5a5a5a5a, 0x8};
	int lg2 = s->model->kinds.v[kind].lg2;
	uint64_t word;

	for (int i = 0; i < PATTERNS; i++) {
		uint64_t pa = pattern[i] & bits_ones((unsigned int)s->bound[kind].output_hi + 1) &
			      ~bits_ones((unsigned int)lg2);

		if (expect_leaf_word(s, kind, s->rights[s->strong], pa, &word))
			return pa;
	}
	return 0;
}

/* Can this leaf, or a smaller one, hold the address bit? */
bool expect_somebody_holds(const struct selftest *s, ref kind, uint64_t pa)
{
	uint64_t word;

	for (ref k = 0; k < s->model->kinds.n; k++)
		if (s->model->kinds.v[k].category == CATEGORY_LEAF &&
		    s->model->kinds.v[k].lg2 <= s->model->kinds.v[kind].lg2 && expect_offered(s, k) &&
		    expect_leaf_word(s, k, s->rights[s->strong], pa, &word))
			return true;
	return false;
}

uint64_t expect_hardware_bits(const struct selftest *s, ref kind, unsigned int flag, bool set_by_hardware)
{
	struct m_env env = environment(s, kind, NULL);
	uint64_t bits[2] = {0, 0};

	for (int i = 0; i < s->bound[kind].n_lines; i++) {
		const struct m_slice *slice = s->bound[kind].line[i].slice;

		if (slice->flags & flag && model_holds(s->model, slice->by, &env) == set_by_hardware)
			bits_set(bits, slice->hi, slice->lo);
	}
	return bits[0];
}

/* Bits of the level's absent words that an unmap leaves. */
uint64_t expect_kept_bits(const struct selftest *s, ref level)
{
	ref absent = expect_kind_of_category(s, level, CATEGORY_ABSENT, 0);
	uint64_t bits[2] = {0, 0};

	for (int i = 0; absent != REF_NONE && i < s->bound[absent].n_lines; i++)
		if (s->bound[absent].line[i].slice->flags & SLICE_KEEP)
			bits_set(bits, s->bound[absent].line[i].slice->hi, s->bound[absent].line[i].slice->lo);
	return bits[0];
}

/* The mark of a leaf's address as it lies in the entry. */
uint64_t expect_mark_bits(const struct selftest *s, ref kind)
{
	struct m_env env = environment(s, kind, NULL);
	uint64_t bits[2] = {0, 0};

	for (int i = 0; i < s->bound[kind].n_lines; i++) {
		const struct m_slice *slice = s->bound[kind].line[i].slice;

		if (slice->marks != REF_NONE)
			bits_put(bits, slice->hi, slice->lo,
				 (uint64_t)model_eval(s->model, slice->marks, &env) >> slice->to);
	}
	return bits[0];
}

bool expect_has_dirty_codes(const struct selftest *s, ref kind)
{
	for (int i = 0; i < s->bound[kind].n_codes; i++)
		if (s->model->codes.v[s->bound[kind].code[i].code].concept == CONCEPT_DIRTY)
			return true;
	return false;
}

/* The smallest leaf that a mapper makes. */
ref expect_smallest_leaf(const struct selftest *s)
{
	ref best = REF_NONE;

	for (ref k = 0; k < s->model->kinds.n; k++)
		if (expect_is_made(s, k) &&
		    (best == REF_NONE || s->model->kinds.v[k].lg2 < s->model->kinds.v[best].lg2))
			best = k;
	return best;
}

/* An address of the middle of what is served, with a bit pattern: where flips are looked at. */
uint64_t expect_somewhere(const struct selftest *s)
{
	uint64_t inner = 0x5a5a5a5a5a5a5a5a & s->input_mask;

	return inner >= s->first && inner <= s->last ? inner : s->first;
}

/* A mark in addresses, 0: none. Tables lie below it, or it would be part of their address. */
static uint64_t mark_of(const struct selftest *s)
{
	for (ref k = 0; k < s->model->kinds.n; k++)
		for (int i = 0; s->present[k] && i < s->bound[k].n_lines; i++) {
			struct m_env env = environment(s, k, NULL);
			ref marks = s->bound[k].line[i].slice->marks;

			if (marks != REF_NONE && model_eval(s->model, marks, &env))
				return (uint64_t)model_eval(s->model, marks, &env);
		}
	return 0;
}

/* Does every register that holds the root's address have this bit of it? */
bool expect_root_bit_held(const struct selftest *s, int bit)
{
	struct m_env env = environment(s, REF_NONE, NULL);

	if (mark_of(s) && (uint64_t)1 << bit >= mark_of(s))
		return false;
	for (int i = 0; i < s->model->registers.n; i++) {
		const struct m_register *reg = &s->model->registers.v[i];
		bool holds_root = false, held = false;

		for (int k = 0; k < reg->n_slices; k++) {
			const struct m_slice *slice = &s->model->slices.v[reg->first_slice + k];

			if (slice->role != ROLE_ROOT || !model_holds(s->model, slice->cond, &env))
				continue;
			holds_root = true;
			held = held || (bit >= slice->to && bit <= slice->to + slice->hi - slice->lo);
		}
		if (model_holds(s->model, reg->cond, &env) && holds_root && !held)
			return false;
	}
	return true;
}

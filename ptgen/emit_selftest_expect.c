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

static bool has_slot(const struct selftest *s, ref level, uint64_t inner, bool root)
{
	const struct m_level *l = level_at(s, level);
	uint64_t index = index_at(s, level, inner, root);

	return !model_limited(l) || (index >= l->first_index && index <= l->last_index);
}

/* What an entry holds for a physical address; false: no entry can. */
static bool inside_of(const struct selftest *s, uint64_t pa, uint64_t *inside)
{
	struct m_env env = environment(s, REF_NONE, NULL);

	*inside = pa;
	if (s->model->output.base != REF_NONE)
		*inside -= s->output_first;
	if (s->model->output.window != REF_NONE)
		*inside &= bits_ones((unsigned int)model_eval(s->model, s->model->output.hi, &env) + 1);
	return codec_outside(s->model, s->param, *inside) == pa;
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
void expect_walk(const struct selftest *s, const struct path *path, int at, struct word word, struct outcome *out)
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

		if (!has_slot(s, level, path->inner, depth == 0)) {
			out->fault = defect(s, expect_kind_of_category(s, level, CATEGORY_ABSENT, 0), raw);
			return;
		}
		/* An address of another entry by chance is the right one for an entry of its size only. */
		while (i < path->n && (path->step[i].entry != here || level_at(s, path->step[i].level)->entry_bytes !=
									      level_at(s, level)->entry_bytes))
			i++;
		if (i == path->n) {
			out->fault = FAULT_NUMBER_BOUNDS;
			out->pa = here;
			return;
		}
		memcpy(raw, i == at ? word.half : path->step[i].link.half, sizeof(raw));
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

			out->pa = codec_outside(s->model, s->param,
						(out->pa & ~bits_ones(lg2)) | (path->inner & bits_ones(lg2)));
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
		table = codec_outside(s->model, s->param, out->pa);
		level = next;
	}
	out->fault = FAULT_NUMBER_LOOP;
}

/* ---- paths */

/* The word of a table or absent kind as a mapper leaves it. */
struct word expect_plain_word(const struct selftest *s, ref kind, uint64_t table)
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	struct word word = {{0, 0}};
	ref code;

	(void)codec_bound_attributes(&s->bound[kind], REQ_READ | REQ_WRITE | REQ_EXEC, CODEC_WHOLE, word.half, &code);
	if (k->category != CATEGORY_TABLE)
		return word;
	(void)inside_of(s, table, &table);
	(void)codec_bound_put_address(&s->bound[kind], via_of(s, kind, word.half), table, word.half);
	for (int i = 0; i < s->bound[kind].n_lines; i++)
		if (s->bound[kind].line[i].slice->flags & SLICE_SYNCED)
			bits_set(word.half, s->bound[kind].line[i].slice->hi, s->bound[kind].line[i].slice->lo);
	return word;
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
		struct word word = expect_plain_word(s, kind, s->base);
		ref next = next_of(s, kind, word.half);

		step->kind = kind;
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
		step->absent = absent == REF_NONE ? (struct word){{0, 0}} : expect_plain_word(s, absent, 0);
		step->link =
			i + 1 < path->n ? expect_plain_word(s, step->kind, expect_table_at(s, i + 1, 0)) : step->absent;
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

/* ---- tables of which some slots do not exist */

bool expect_has_slots(const struct selftest *s, const struct path *path, uint64_t inner)
{
	for (int i = 0; i < path->n; i++)
		if (!has_slot(s, path->step[i].level, inner, i == 0))
			return false;
	return true;
}

unsigned int expect_missing(const struct selftest *s, const struct path *path, uint64_t inner)
{
	static const uint64_t none[2];

	for (int i = 0; i < path->n; i++)
		if (!has_slot(s, path->step[i].level, inner, i == 0))
			return defect(s, expect_kind_of_category(s, path->step[i].level, CATEGORY_ABSENT, 0), none);
	return FAULT_NUMBER_NONE;
}

/* The first table of the path without a slot, and on which side of those that exist the address is. */
static const struct m_level *without_slot(const struct selftest *s, const struct path *path, uint64_t inner,
					  bool *below)
{
	for (int i = 0; i < path->n; i++) {
		const struct m_level *level = level_at(s, path->step[i].level);

		*below = index_at(s, path->step[i].level, inner, i == 0) < level->first_index;
		if (!has_slot(s, path->step[i].level, inner, i == 0))
			return level;
	}
	return NULL;
}

bool expect_fit(const struct selftest *s, const struct path *path, int lg2, bool upwards, uint64_t *inner)
{
	uint64_t rest = bits_ones((unsigned int)lg2), at = upwards ? (*inner + rest) & ~rest : (*inner - rest) & ~rest;

	/* One table after the other is left or entered; upper ones need no second look. */
	for (int turns = 0; turns < 4 * MAX_STEPS; turns++) {
		const struct m_level *level;
		uint64_t unit, table, span;
		bool below;

		if (at < s->first || at > s->last || s->last - at < rest)
			return false;
		level = without_slot(s, path, at, &below);
		if (!level)
			level = without_slot(s, path, at | rest, &below);
		if (!level) {
			*inner = at;
			return true;
		}
		unit = (uint64_t)1 << level->lo;
		span = bits_ones((unsigned int)(level == level_at(s, s->start) ? s->root_bits : level->hi + 1));
		table = at & ~span;
		if (upwards && below)
			at = table + level->first_index * unit;
		else if (upwards)
			at = table + span + 1;
		else if (below)
			at = table - 1;
		else
			at = table + level->last_index * unit + (unit - 1);
		at = upwards ? (at + rest) & ~rest : (at - rest) & ~rest;
	}
	return false;
}

bool expect_nowhere(const struct selftest *s, const struct path *path, int lg2, uint64_t *inner)
{
	for (int i = path->n - 1; i >= 0; i--) {
		const struct m_level *level = level_at(s, path->step[i].level);
		uint64_t own = (expect_entries_of(s, path->step[i].level, i == 0) - 1) << level->lo;
		uint64_t try[2] = {level->first_index - (uint64_t)1, level->last_index + (uint64_t)1};

		for (int k = 0; k < 2 && model_limited(level); k++) {
			uint64_t at =
				((path->inner & ~own) | (try[k] << level->lo & own)) & ~bits_ones((unsigned int)lg2);

			if (try[k] < expect_entries_of(s, path->step[i].level, i == 0) && at >= s->first &&
			    at <= s->last && s->last - at >= bits_ones((unsigned int)lg2) &&
			    !expect_has_slots(s, path, at)) {
				*inner = at;
				return true;
			}
		}
	}
	return false;
}

uint64_t expect_extended(const struct selftest *s, uint64_t inner)
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

uint64_t expect_presented(const struct selftest *s, uint64_t inner)
{
	return expect_extended(s, inner) + s->input_base;
}

/* ---- leaves */

/* A leaf's word for rights by number and an address: false if it cannot hold that. */
bool expect_leaf_word(const struct selftest *s, ref kind, unsigned int request, uint64_t pa, struct word *out)
{
	ref code;

	*out = (struct word){{0, 0}};
	return codec_bound_attributes(&s->bound[kind], request, CODEC_WHOLE, out->half, &code) &&
	       inside_of(s, pa, &pa) && codec_bound_put_address(&s->bound[kind], NULL, pa, out->half);
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
	struct word word;

	for (int i = 0; i < PATTERNS; i++) {
		uint64_t pa = codec_outside(s->model, s->param,
					    pattern[i] & bits_ones((unsigned int)s->bound[kind].output_hi + 1) &
						    ~bits_ones((unsigned int)lg2));

		if (expect_leaf_word(s, kind, s->rights[s->strong], pa, &word))
			return pa;
	}
	return codec_outside(s->model, s->param, 0);
}

/* Can this leaf, or a smaller one, hold the address bit? */
bool expect_somebody_holds(const struct selftest *s, ref kind, uint64_t pa)
{
	struct word word;

	for (ref k = 0; k < s->model->kinds.n; k++)
		if (s->model->kinds.v[k].category == CATEGORY_LEAF &&
		    s->model->kinds.v[k].lg2 <= s->model->kinds.v[kind].lg2 && expect_offered(s, k) &&
		    expect_leaf_word(s, k, s->rights[s->strong], pa, &word))
			return true;
	return false;
}

struct word expect_hardware_bits(const struct selftest *s, ref kind, unsigned int flag, bool set_by_hardware)
{
	struct m_env env = environment(s, kind, NULL);
	struct word bits = {{0, 0}};

	for (int i = 0; i < s->bound[kind].n_lines; i++) {
		const struct m_slice *slice = s->bound[kind].line[i].slice;

		if (slice->flags & flag && model_holds(s->model, slice->by, &env) == set_by_hardware)
			bits_set(bits.half, slice->hi, slice->lo);
	}
	return bits;
}

/* Bits of the level's absent words that an unmap leaves. */
struct word expect_kept_bits(const struct selftest *s, ref level)
{
	ref absent = expect_kind_of_category(s, level, CATEGORY_ABSENT, 0);
	struct word bits = {{0, 0}};

	for (int i = 0; absent != REF_NONE && i < s->bound[absent].n_lines; i++)
		if (s->bound[absent].line[i].slice->flags & SLICE_KEEP)
			bits_set(bits.half, s->bound[absent].line[i].slice->hi, s->bound[absent].line[i].slice->lo);
	return bits;
}

/* The mark of a leaf's address as it lies in the entry. */
struct word expect_mark_bits(const struct selftest *s, ref kind)
{
	struct m_env env = environment(s, kind, NULL);
	struct word bits = {{0, 0}};

	for (int i = 0; i < s->bound[kind].n_lines; i++) {
		const struct m_slice *slice = s->bound[kind].line[i].slice;

		if (slice->marks != REF_NONE)
			bits_put(bits.half, slice->hi, slice->lo,
				 (uint64_t)model_eval(s->model, slice->marks, &env) >> slice->to);
	}
	return bits;
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

/* An address of the middle of what is served, with a bit pattern: where flips of words of this level are looked at. */
uint64_t expect_somewhere(const struct selftest *s, ref level)
{
	uint64_t inner = 0x5a5a5a5a5a5a5a5a & s->input_mask, lowest = s->first;
	struct path path;

	if (!expect_make_path(s, level, 0, &path) || !expect_fit(s, &path, 0, true, &lowest))
		return s->first;
	return inner >= s->first && inner <= s->last && expect_has_slots(s, &path, inner) ? inner : lowest;
}

uint64_t expect_output_bit(const struct selftest *s, int bit)
{
	struct m_env env = environment(s, REF_NONE, NULL);
	uint64_t one = (uint64_t)1 << bit;

	return bit <= model_eval(s->model, s->model->output.hi, &env) ? codec_outside(s->model, s->param, one) : one;
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

/* SPDX-License-Identifier: MIT */
/*
 * codec.c - encode, classify and decode words from the flat model (see codec.h). Everything works on a kind bound to
 * one configuration (codec_bound.h); the functions of codec.h bind and forget.
 */
#include "codec_bound.h"

#include <string.h>

unsigned int codec_request_rights(unsigned int request)
{
	unsigned int rwx = request & (REQ_READ | REQ_WRITE | REQ_EXEC);

	return rwx | (request & REQ_PRIV ? 0U : rwx << 3) | (request & REQ_GLOBAL ? (unsigned int)RIGHT_GLOBAL : 0U);
}

/* ------------------------------------------------------------------------------------------------------ classifying */

bool codec_bound_is(const struct codec_bound *bound, const uint64_t word[2])
{
	const struct m_kind *kind = &bound->model->kinds.v[bound->kind];
	const struct codec_masks *masks = &bound->masks;
	struct m_env env;

	if ((word[0] & masks->mask[0]) != masks->value[0] || (word[1] & masks->mask[1]) != masks->value[1])
		return false;
	for (int i = 0; i < bound->n_lines; i++) {
		const struct codec_line *line = &bound->line[i];

		if (line->is_address && bits_get(word, line->slice->hi, line->slice->lo) != line->value)
			return false;
	}
	if (kind->when == REF_NONE)
		return true;
	env = codec_environment(bound, word, 0);
	return model_holds(bound->model, kind->when, &env);
}

const struct m_slice *codec_bound_reserved(const struct codec_bound *bound, const uint64_t word[2])
{
	struct m_env env = codec_environment(bound, word, 0);

	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;
		uint64_t ones[2] = {0, 0};

		bits_set(ones, slice->hi, slice->lo);
		if (slice->role == ROLE_RES0 && ((word[0] & ones[0]) || (word[1] & ones[1])))
			return slice;
		if (slice->role == ROLE_RES1 && ((~word[0] & ones[0]) || (~word[1] & ones[1])))
			return slice;
		if (slice->role == ROLE_ADDRESS &&
		    ((word[0] & ones[0] & bound->masks.too_wide[0]) || (word[1] & ones[1] & bound->masks.too_wide[1])))
			return slice;
		if (slice->in != REF_NONE && !model_holds(bound->model, slice->in, &env))
			return slice;
	}
	return NULL;
}

/* --------------------------------------------------------------------------------------------------------- encoding */

bool codec_round(const struct model *model, const int64_t *param, unsigned int request, unsigned int *rounded)
{
	struct m_env env = {param, REF_NONE, NULL, request, codec_addresses()};

	for (int i = 0; i < model->rules.n; i++) {
		const struct m_rule *rule = &model->rules.v[i];
		unsigned int memory;

		if (rule->refuse || !model_holds(model, rule->cond, &env) || !model_holds(model, rule->when, &env))
			continue;
		memory = env.request & REQ_MEMORY;
		env.request = (env.request | (rule->adds & REQ_RIGHTS)) & ~(unsigned int)(rule->drops & REQ_RIGHTS);
		if ((memory == REQ_NONCACHED && rule->drops & M_NONCACHED) ||
		    (memory == REQ_DEVICE && rule->drops & M_DEVICE) ||
		    (memory == REQ_NONSHAREABLE && rule->drops & M_NONSHAREABLE))
			env.request &= ~(unsigned int)REQ_MEMORY;
		if (rule->adds & M_NONCACHED)
			env.request = (env.request & ~(unsigned int)REQ_MEMORY) | REQ_NONCACHED;
		if (rule->adds & M_DEVICE)
			env.request = (env.request & ~(unsigned int)REQ_MEMORY) | REQ_DEVICE;
		if (rule->adds & M_NONSHAREABLE)
			env.request |= REQ_NONSHAREABLE;
	}
	for (int i = 0; i < model->rules.n; i++) {
		const struct m_rule *rule = &model->rules.v[i];

		if (rule->refuse && model_holds(model, rule->cond, &env) && model_holds(model, rule->when, &env))
			return false;
	}
	*rounded = env.request;
	return true;
}

static int count_ones(unsigned int value)
{
	int n = 0;

	for (; value; value &= value - 1)
		n++;
	return n;
}

/* Can the row be written in this kind, whose columns may be named constants? */
static bool row_fits(const struct codec_code *code, const struct m_code *table, const struct m_row *row)
{
	for (int c = 0; c < table->n_cols; c++)
		if (!row->any[c] && code->fixed[c] && (uint64_t)row->cell[c] != code->fixed_value[c])
			return false;
	return true;
}

ref codec_bound_row(const struct codec_bound *bound, const struct codec_code *code, unsigned int request)
{
	const struct model *model = bound->model;
	const struct m_code *table = &model->codes.v[code->code];
	unsigned int wanted = model->kinds.v[bound->kind].category == CATEGORY_LEAF ? codec_request_rights(request)
										    : (unsigned int)RIGHT_ALL;
	ref best = REF_NONE;
	int best_size = 0;

	for (int i = 0; i < table->n_rows; i++) {
		const struct m_row *row = &model->rows.v[table->first_row + i];

		if (!row->two_way || !row_fits(code, table, row))
			continue;
		if (table->concept == CONCEPT_MEMTYPE) {
			if (row->memory == (request & REQ_MEMORY) >> 5)
				return table->first_row + i;
		} else if (((wanted & table->occurs) & ~(unsigned int)row->rights) == 0) {
			int size = count_ones(row->rights);

			if (best == REF_NONE || size < best_size) {
				best = table->first_row + i;
				best_size = size;
			}
		}
	}
	return best;
}

/* A column that may be anything: what the lines of its field say by default. */
static void encode_default(const struct codec_bound *bound, ref field, unsigned int request, uint64_t word[2])
{
	struct m_env env = codec_environment(bound, word, request);

	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;

		if (slice->field == field && slice->dflt != REF_NONE)
			bits_put(word, slice->hi, slice->lo, (uint64_t)model_eval(bound->model, slice->dflt, &env));
	}
}

static bool encode_code(const struct codec_bound *bound, const struct codec_code *code, unsigned int request,
			uint64_t word[2])
{
	const struct m_code *table = &bound->model->codes.v[code->code];
	ref found = codec_bound_row(bound, code, request);
	const struct m_row *row;

	if (found == REF_NONE)
		return false;
	row = &bound->model->rows.v[found];
	for (int c = 0; c < table->n_cols; c++) {
		const struct codec_column *column = &code->column[c];

		if (code->fixed[c])
			continue;
		if (row->any[c])
			encode_default(bound, table->col[c].field, request, word);
		for (int p = 0; p < column->n && !row->any[c]; p++) {
			const struct codec_piece *piece = &bound->piece[column->first + p];

			bits_put(word, piece->hi, piece->lo, (uint64_t)row->cell[c] >> piece->to);
		}
	}
	return true;
}

/* The bit of a line with `allows` or `denies`. */
static bool right_bit(const struct m_slice *slice, const struct m_kind *kind, unsigned int request)
{
	unsigned int wanted;

	if (kind->category == CATEGORY_TABLE)
		return (slice->allows & RIGHT_ALL) != 0; /* withholds nothing; global is the leaf's to say */
	if (kind->category != CATEGORY_LEAF)
		return false;
	wanted = codec_request_rights(request);
	if (slice->allows)
		return (slice->allows & wanted) != 0;
	return (slice->denies & wanted) == 0;
}

static void encode_line(const struct codec_bound *bound, const struct codec_line *line, const struct m_env *env,
			unsigned int part, uint64_t word[2])
{
	const struct m_slice *slice = line->slice;

	if (slice->role == ROLE_CONST) {
		if (part & CODEC_CONST)
			bits_put(word, slice->hi, slice->lo, line->value);
	} else if (slice->role == ROLE_RES1) {
		if (part & CODEC_CONST)
			bits_set(word, slice->hi, slice->lo);
	} else if (slice->allows || slice->denies) {
		unsigned int its =
			bound->model->kinds.v[bound->kind].category == CATEGORY_LEAF ? CODEC_RIGHTS : CODEC_CONST;

		if (part & its)
			bits_put(word, slice->hi, slice->lo,
				 right_bit(slice, &bound->model->kinds.v[bound->kind], env->request));
	} else if (slice->dflt != REF_NONE) {
		if (part & line->dflt_part)
			bits_put(word, slice->hi, slice->lo, (uint64_t)model_eval(bound->model, slice->dflt, env));
	} else if (line->has_value && part & CODEC_CONST) {
		bits_put(word, slice->hi, slice->lo, line->value);
	}
}

/* The marks of address lines: on tables always, on leaves unless they map device memory. */
static void encode_marks(const struct codec_bound *bound, const struct m_env *env, uint64_t word[2])
{
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;
		uint64_t marks;

		if (slice->role != ROLE_ADDRESS || slice->marks == REF_NONE)
			continue;
		marks = (uint64_t)model_eval(bound->model, slice->marks, env);
		marks = slice->to < 64 ? marks >> slice->to : 0;
		marks |= bits_get(word, slice->hi, slice->lo);
		bits_put(word, slice->hi, slice->lo, marks);
	}
}

bool codec_bound_attributes(const struct codec_bound *bound, unsigned int request, unsigned int part, uint64_t word[2],
			    ref *code)
{
	const struct m_kind *kind = &bound->model->kinds.v[bound->kind];
	bool leaf = kind->category == CATEGORY_LEAF;
	struct m_env env;

	if (!leaf)
		request = REQ_READ | REQ_WRITE | REQ_EXEC;
	word[0] = word[1] = 0;
	env = codec_environment(bound, word, request);
	for (int i = 0; i < bound->n_lines; i++)
		encode_line(bound, &bound->line[i], &env, part, word);
	for (int h = 0; h < 2; h++)
		word[h] &= ~bound->decided[h] | bound->masks.mask[h];
	for (int i = 0; i < bound->n_codes; i++) {
		enum ast_concept concept = bound->model->codes.v[bound->code[i].code].concept;
		unsigned int its = !leaf ? CODEC_CONST : concept == CONCEPT_PROT ? CODEC_RIGHTS : CODEC_MEMORY;

		if (concept == CONCEPT_DIRTY || !(part & its))
			continue;
		if (!encode_code(bound, &bound->code[i], request, word)) {
			*code = bound->code[i].code;
			return false;
		}
	}
	if (leaf ? part & CODEC_MEMORY && (request & REQ_MEMORY) != REQ_DEVICE
		 : part & CODEC_CONST && kind->category == CATEGORY_TABLE)
		encode_marks(bound, &env, word);
	*code = REF_NONE;
	return true;
}

/* -------------------------------------------------------------------------------------------------------- addresses */

static bool same_via(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* via NULL means the only sub-table, where the lines name one. */
static const char *which_via(const struct codec_bound *bound, const char *via)
{
	const char *named = NULL;

	if (via)
		return via;
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;

		if (slice->role != ROLE_ADDRESS)
			continue;
		if (!slice->via)
			return NULL;
		named = slice->via;
	}
	return named;
}

static bool is_address_line(const struct m_slice *slice, const char *via)
{
	return slice->role == ROLE_ADDRESS && slice->to < 64 && slice->hi - slice->lo < 64 && same_via(slice->via, via);
}

uint64_t codec_bound_get_address(const struct codec_bound *bound, const char *via, const uint64_t word[2])
{
	struct m_env env = codec_environment(bound, word, 0);
	uint64_t address = 0;

	via = which_via(bound, via);
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;
		uint64_t part;

		if (!is_address_line(slice, via))
			continue;
		part = bits_get(word, slice->hi, slice->lo) << slice->to;
		if (slice->marks != REF_NONE)
			part &= ~(uint64_t)model_eval(bound->model, slice->marks, &env);
		address |= part;
	}
	return address;
}

bool codec_bound_put_address(const struct codec_bound *bound, const char *via, uint64_t address, uint64_t word[2])
{
	uint64_t ones =
		bound->output_hi < 0 ? 0 : bits_ones(bound->output_hi > 63 ? 64U : (unsigned int)bound->output_hi + 1U);

	via = which_via(bound, via);
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;

		if (is_address_line(slice, via))
			bits_put(word, slice->hi, slice->lo,
				 bits_get(word, slice->hi, slice->lo) | address >> slice->to);
	}
	return (address & ~ones) == 0 && codec_bound_get_address(bound, via, word) == address;
}

/* --------------------------------------------------------------------------------------------------------- decoding */

static uint64_t column_value(const struct codec_bound *bound, const struct codec_column *column, const uint64_t word[2])
{
	uint64_t value = 0;

	for (int p = 0; p < column->n; p++) {
		const struct codec_piece *piece = &bound->piece[column->first + p];

		value |= bits_get(word, piece->hi, piece->lo) << piece->to;
	}
	return value;
}

static const struct m_row *matching_row(const struct codec_bound *bound, const struct codec_code *code,
					const uint64_t word[2])
{
	const struct m_code *table = &bound->model->codes.v[code->code];
	uint64_t value[M_MAX_COLS];

	for (int c = 0; c < table->n_cols; c++)
		value[c] = column_value(bound, &code->column[c], word);
	for (int i = 0; i < table->n_rows; i++) {
		const struct m_row *row = &bound->model->rows.v[table->first_row + i];
		int c = 0;

		while (c < table->n_cols && (row->any[c] || (uint64_t)row->cell[c] == value[c]))
			c++;
		if (c == table->n_cols)
			return row;
	}
	return NULL;
}

static void decode_code(const struct codec_bound *bound, const struct codec_code *code, const uint64_t word[2],
			struct codec_decoded *decoded)
{
	const struct m_code *table = &bound->model->codes.v[code->code];
	const struct m_row *row = matching_row(bound, code, word);

	switch (table->concept) {
	case CONCEPT_PROT:
		if (!row) {
			decoded->unknown_rights = true;
			return;
		}
		decoded->rights &= ~(unsigned int)(table->occurs & ~row->rights & RIGHT_ALL);
		decoded->rights |= row->rights & RIGHT_GLOBAL;
		break;
	case CONCEPT_MEMTYPE: decoded->memory = row ? row->memory : (unsigned int)MEMORY_OTHER; break;
	case CONCEPT_DIRTY: decoded->dirty = row && row->dirty; break;
	}
}

void codec_bound_decode(const struct codec_bound *bound, const uint64_t word[2], struct codec_decoded *decoded)
{
	decoded->rights = RIGHT_ALL;
	decoded->memory = MEMORY_CACHED;
	decoded->unknown_rights = decoded->dirty = false;
	decoded->accessed = true;
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;
		bool set;

		if (!(slice->allows | slice->denies | (slice->flags & (SLICE_ACCESSED | SLICE_DIRTY))))
			continue;
		set = bits_get(word, slice->lo, slice->lo) != 0;
		decoded->rights &= ~(unsigned int)(set ? slice->denies & RIGHT_ALL : slice->allows & RIGHT_ALL);
		decoded->rights |= set ? slice->allows & RIGHT_GLOBAL : slice->denies & RIGHT_GLOBAL;
		if (slice->flags & SLICE_ACCESSED)
			decoded->accessed = decoded->accessed && set;
		if (slice->flags & SLICE_DIRTY)
			decoded->dirty = decoded->dirty || set;
	}
	for (int i = 0; i < bound->n_codes; i++)
		decode_code(bound, &bound->code[i], word, decoded);
}

unsigned int codec_as_request(const struct codec_decoded *decoded)
{
	unsigned int privileged = decoded->rights & RIGHT_P, user = (decoded->rights & RIGHT_U) >> 3;
	unsigned int request = privileged | (decoded->rights & RIGHT_GLOBAL ? (unsigned int)REQ_GLOBAL : 0U);

	if (decoded->unknown_rights || decoded->memory == MEMORY_OTHER || (user != 0 && user != privileged))
		return N_REQUESTS;
	if (user != privileged)
		request |= REQ_PRIV;
	return request | decoded->memory << 5;
}

/* ----------------------------------------------------------------------------------------- the interface of codec.h */

void codec_masks(const struct model *model, ref kind, const int64_t *param, struct codec_masks *masks)
{
	struct codec_bound bound;

	codec_bind(&bound, model, kind, param);
	*masks = bound.masks;
}

/* Constants that no parameter changes tell most kinds apart, at much less cost than all that a kind comes to. */
static bool contradicts(const struct model *model, ref kind, const uint64_t word[2])
{
	const struct m_kind *k = &model->kinds.v[kind];

	for (int i = k->first_slice; i < k->first_slice + k->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[i];

		if (slice->role == ROLE_CONST && slice->cond == REF_NONE && codec_fits(slice) &&
		    model->exprs.v[slice->value].op == X_CONST &&
		    ((bits_get(word, slice->hi, slice->lo) ^ (uint64_t)model->exprs.v[slice->value].k) &
		     bits_ones(bits_width(slice->hi, slice->lo))) != 0)
			return true;
	}
	return false;
}

bool codec_is(const struct model *model, ref kind, const int64_t *param, const uint64_t word[2])
{
	struct codec_bound bound;

	if (contradicts(model, kind, word))
		return false;
	codec_bind(&bound, model, kind, param);
	return codec_bound_is(&bound, word);
}

ref codec_classify(const struct model *model, ref level, const int64_t *param, const uint64_t word[2])
{
	const struct m_level *l = &model->levels.v[level];

	for (int i = 0; i < l->n_kinds; i++) {
		ref kind = l->first_kind + i;
		struct m_env env = {param, kind, word, 0, codec_addresses()};

		if (model_holds(model, model->kinds.v[kind].present, &env) && codec_is(model, kind, param, word))
			return kind;
	}
	return REF_NONE;
}

bool codec_attributes(const struct model *model, ref kind, const int64_t *param, unsigned int request,
		      unsigned int part, uint64_t word[2], ref *code)
{
	struct codec_bound bound;

	codec_bind(&bound, model, kind, param);
	return codec_bound_attributes(&bound, request, part, word, code);
}

uint64_t codec_outside(const struct model *model, const int64_t *param, uint64_t inside)
{
	struct m_env env = {param, REF_NONE, NULL, 0, codec_addresses()};
	int64_t hi = model_eval(model, model->output.hi, &env);

	if (model->output.base != REF_NONE)
		inside += (uint64_t)model_eval(model, model->output.base, &env);
	if (model->output.window != REF_NONE) {
		uint64_t first = (uint64_t)model_eval(model, model->output.window, &env);

		inside = first + ((inside - first) & bits_ones((unsigned int)hi + 1));
	}
	return inside;
}

bool codec_put_address(const struct model *model, ref kind, const int64_t *param, const char *via, uint64_t address,
		       uint64_t word[2])
{
	struct codec_bound bound;

	codec_bind(&bound, model, kind, param);
	return codec_bound_put_address(&bound, via, address, word);
}

uint64_t codec_get_address(const struct model *model, ref kind, const int64_t *param, const char *via,
			   const uint64_t word[2])
{
	struct codec_bound bound;

	codec_bind(&bound, model, kind, param);
	return codec_bound_get_address(&bound, via, word);
}

void codec_decode(const struct model *model, ref kind, const int64_t *param, const uint64_t word[2],
		  struct codec_decoded *decoded)
{
	struct codec_bound bound;

	codec_bind(&bound, model, kind, param);
	codec_bound_decode(&bound, word, decoded);
}

void codec_register(const struct model *model, int reg, const int64_t *param, uint64_t root, uint64_t *value, int n)
{
	const struct m_register *r = &model->registers.v[reg];
	static const uint64_t none[2];
	struct m_env env = {param, REF_NONE, none, 0, codec_addresses()};

	memset(value, 0, (size_t)n * sizeof(*value));
	for (int i = 0; i < r->n_slices; i++) {
		const struct m_slice *slice = &model->slices.v[r->first_slice + i];
		uint64_t bits = 0;

		if (slice->hi < slice->lo || slice->hi >= n * 64 || !model_holds(model, slice->cond, &env))
			continue;
		if (slice->role == ROLE_RES1) {
			bits_set(value, slice->hi, slice->lo);
			continue;
		}
		if (slice->role == ROLE_ROOT)
			bits = slice->to < 64 ? root >> slice->to : 0;
		else if (slice->value != REF_NONE)
			bits = (uint64_t)model_eval(model, slice->value, &env);
		else if (slice->dflt != REF_NONE)
			bits = (uint64_t)model_eval(model, slice->dflt, &env);
		bits_put(value, slice->hi, slice->lo, bits);
	}
}

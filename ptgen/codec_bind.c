/* SPDX-License-Identifier: MIT */
/*
 * codec_bind.c - bind a kind to a configuration: which lines exist, what their constants are, which tables of codes
 * apply and where their columns lie (codec_bound.h).
 */
#include "codec_bound.h"

#include <string.h>

const uint64_t *codec_addresses(void)
{
	/* Unlike each other, aligned to 64K, with bits on both sides of every boundary an address slice may have. */
	static const uint64_t samples[CODEC_MAX_ADDRESSES] = {
		0x0000000a5a530000, 0x00000005a5ac0000, 0x00000009969c0000, 0x0000000669630000,
		0x0000000c3c350000, 0x00000003c3ca0000, 0x0000000f0f510000, 0x00000000f0ae0000,
		0x0000000b4b420000, 0x00000004b4bd0000, 0x0000000d2d240000, 0x00000002d2db0000,
		0x0000000e1e110000, 0x00000001e1ee0000, 0x0000000878780000, 0x0000000787870000,
	};

	return samples;
}

/* ---------------------------------------------------------------------------------------------------------- binding */

/* The bits of a request that an expression looks at. */
static unsigned int request_bits(const struct model *model, ref expr)
{
	const struct m_expr *e;
	unsigned int bits = 0;
	ref part[3];

	if (expr == REF_NONE)
		return 0;
	e = &model->exprs.v[expr];
	if (e->op == X_RIGHT)
		return (unsigned int)e->a;
	for (int n = expr_parts(e, part); n > 0; n--)
		bits |= request_bits(model, part[n - 1]);
	return bits;
}

static void bind_masks(struct codec_bound *bound, const struct codec_line *line)
{
	const struct m_slice *slice = line->slice;
	struct codec_masks *masks = &bound->masks;
	int64_t above;

	switch ((enum m_role)slice->role) {
	case ROLE_CONST:
		if (!line->is_address) {
			bits_set(masks->mask, slice->hi, slice->lo);
			bits_put(masks->value, slice->hi, slice->lo, line->value);
		}
		break;
	case ROLE_RES0: bits_set(masks->res0, slice->hi, slice->lo); break;
	case ROLE_RES1: bits_set(masks->res1, slice->hi, slice->lo); break;
	case ROLE_ADDRESS:
		bits_set(masks->address, slice->hi, slice->lo);
		/* The first bit of the line that stands for an address bit above the output. */
		above = bound->output_hi + 1 - slice->to;
		if (above < 0)
			above = 0;
		if (above <= slice->hi - slice->lo)
			bits_set(masks->too_wide, slice->hi, (unsigned int)(slice->lo + above));
		break;
	case ROLE_IGNORED:
	case ROLE_SOFTWARE:
	case ROLE_FIELD:
	case ROLE_ROOT: break;
	}
}

static bool is_column(const struct codec_line *line, ref field)
{
	const struct m_slice *slice = line->slice;

	return field != REF_NONE && slice->field == field && (slice->role == ROLE_FIELD || slice->role == ROLE_CONST);
}

/* Find the bits of one column in the kind; false when some do not exist. */
static bool bind_column(struct codec_bound *bound, struct codec_code *code, int c)
{
	const struct m_col *col = &bound->model->codes.v[code->code].col[c];
	struct codec_column *column = &code->column[c];
	uint64_t found = 0;

	if (col->hi < col->lo || col->hi - col->lo > 63)
		return false;
	column->first = bound->n_pieces;
	code->fixed[c] = true;
	for (int i = 0; i < bound->n_lines; i++) {
		const struct codec_line *line = &bound->line[i];
		const struct m_slice *slice = line->slice;
		struct codec_piece *piece;
		int from, to;

		if (!is_column(line, col->field))
			continue;
		from = slice->to > col->lo ? slice->to : col->lo;
		to = slice->to + slice->hi - slice->lo;
		if (to > col->hi)
			to = col->hi;
		if (from > to || bound->n_pieces == CODEC_MAX_PIECES)
			continue;
		piece = &bound->piece[bound->n_pieces++];
		piece->lo = (uint8_t)(slice->lo + from - slice->to);
		piece->hi = (uint8_t)(slice->lo + to - slice->to);
		piece->to = (uint8_t)(from - col->lo);
		found |= bits_ones((unsigned int)(to - from + 1)) << piece->to;
		if (slice->role == ROLE_CONST) {
			uint64_t part = line->value >> (from - slice->to) & bits_ones((unsigned int)(to - from + 1));

			code->fixed_value[c] |= part << piece->to;
		} else {
			code->fixed[c] = false;
		}
	}
	column->n = bound->n_pieces - column->first;
	return found == bits_ones((unsigned int)(col->hi - col->lo + 1));
}

/* A code table applies to a kind when its condition holds and all its columns exist there. */
static void bind_codes(struct codec_bound *bound, const struct m_env *env)
{
	const struct model *model = bound->model;
	enum ast_category category = model->kinds.v[bound->kind].category;

	if (category != CATEGORY_LEAF && category != CATEGORY_TABLE)
		return;
	for (int i = 0; i < model->codes.n && bound->n_codes < CODEC_MAX_CODES; i++) {
		const struct m_code *code = &model->codes.v[i];
		struct codec_code *bound_code = &bound->code[bound->n_codes];
		int pieces = bound->n_pieces;
		bool complete = code->n_cols > 0;

		if (code->concept != CONCEPT_PROT && category != CATEGORY_LEAF)
			continue; /* memory types and dirty states are properties of leaves */
		if (!model_holds(model, code->cond, env))
			continue;
		memset(bound_code, 0, sizeof(*bound_code));
		bound_code->code = i;
		for (int c = 0; complete && c < code->n_cols; c++)
			complete = bind_column(bound, bound_code, c);
		if (!complete) {
			bound->n_pieces = pieces;
			continue;
		}
		for (int p = pieces; code->concept != CONCEPT_DIRTY && p < bound->n_pieces; p++)
			bits_set(bound->decided, bound->piece[p].hi, bound->piece[p].lo);
		bound->n_codes++;
	}
}

/* A line with legal values but nothing that says which is written takes 0, or the least that is legal. */
static void bind_legal(struct codec_bound *bound, struct codec_line *line)
{
	const struct m_slice *slice = line->slice;
	unsigned int width = bits_width(slice->hi, slice->lo);
	uint64_t last = width > 8 ? 255 : bits_ones(width);

	for (uint64_t value = 0; value <= last; value++) {
		uint64_t word[2] = {bound->masks.value[0], bound->masks.value[1]};
		struct m_env env = codec_environment(bound, word, 0);

		bits_put(word, slice->hi, slice->lo, value);
		if (model_holds(bound->model, slice->in, &env)) {
			line->value = value;
			line->has_value = true;
			return;
		}
	}
}

static uint8_t default_part(const struct model *model, const struct m_kind *kind, ref dflt)
{
	unsigned int bits;

	if (kind->category != CATEGORY_LEAF)
		return CODEC_CONST;
	bits = request_bits(model, dflt);
	if (bits & REQ_RIGHTS)
		return CODEC_RIGHTS;
	return bits ? CODEC_MEMORY : CODEC_CONST;
}

void codec_bind(struct codec_bound *bound, const struct model *model, ref kind, const int64_t *param)
{
	const struct m_kind *k = &model->kinds.v[kind];
	struct m_env env = {param, kind, NULL, 0, codec_addresses()};
	static const uint64_t none[2];

	env.word = none;
	bound->model = model;
	bound->kind = kind;
	bound->param = param;
	bound->n_lines = bound->n_codes = bound->n_pieces = 0;
	bound->decided[0] = bound->decided[1] = 0;
	memset(&bound->masks, 0, sizeof(bound->masks));
	bound->output_hi = model_eval(model, model->output.hi, &env);
	for (int i = 0; i < k->n_slices && bound->n_lines < CODEC_MAX_LINES; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];
		struct codec_line *line = &bound->line[bound->n_lines];

		if (!codec_fits(slice) || !model_holds(model, slice->cond, &env))
			continue;
		memset(line, 0, sizeof(*line));
		line->slice = slice;
		if (slice->role == ROLE_CONST) {
			line->is_address = model_mentions(model, slice->value, X_ADDRESS, REF_NONE);
			line->value = (uint64_t)model_eval(model, slice->value, &env);
			line->value &= bits_ones(bits_width(slice->hi, slice->lo));
		}
		if (slice->dflt != REF_NONE)
			line->dflt_part = default_part(model, k, slice->dflt);
		bind_masks(bound, line);
		bound->n_lines++;
	}
	bind_codes(bound, &env);
	for (int i = 0; i < bound->n_lines; i++) {
		struct codec_line *line = &bound->line[i];
		uint64_t bits[2] = {0, 0};

		if (line->slice->in == REF_NONE || line->slice->dflt != REF_NONE || line->slice->role == ROLE_CONST)
			continue;
		bits_set(bits, line->slice->hi, line->slice->lo);
		if (!((bits[0] & bound->decided[0]) | (bits[1] & bound->decided[1])))
			bind_legal(bound, line);
	}
}

/* SPDX-License-Identifier: MIT */
/* emit_c_bits.c - what the bits of a kind come to, as C: its constants, the address it holds, its attributes. */
#include "emit_c.h"

#include <string.h>

/* ---------------------------------------------------------------------------------------------------- bits of kinds */

static bool mentions_request(const struct emitter *emitter, ref expr)
{
	return expr != REF_NONE && model_mentions(emitter->model, expr, X_RIGHT, -1);
}

static bool is_column(const struct emitter *emitter, const struct m_slice *slice)
{
	for (int c = 0; c < emitter->model->codes.n; c++) {
		const struct m_code *code = &emitter->model->codes.v[c];

		for (int i = 0; i < code->n_cols && code->concept != CONCEPT_DIRTY; i++)
			if (code->col[i].field == slice->field && slice->field != REF_NONE)
				return true;
	}
	return false;
}

/* What a mapper always writes in these bits, whatever the request. */
static void constant_of(struct emitter *emitter, const struct m_kind *kind, const struct m_slice *slice,
			struct bits *bits)
{
	wide mask = entry_mask(slice->hi, slice->lo);

	switch (slice->role) {
	case ROLE_RES1: bits_add(emitter, bits, slice->cond, mask); break;
	case ROLE_CONST: bits_add_value(emitter, bits, slice->cond, slice->value, slice->hi, slice->lo); break;
	case ROLE_FIELD:
		if (kind->category == CATEGORY_TABLE && slice->allows)
			bits_add(emitter, bits, slice->cond, mask);
		else if (slice->dflt != REF_NONE && !mentions_request(emitter, slice->dflt) &&
			 !(kind->category == CATEGORY_LEAF && is_column(emitter, slice)))
			bits_add_value(emitter, bits, slice->cond, slice->dflt, slice->hi, slice->lo);
		break;
	default: break;
	}
}

struct bits kind_bits(struct emitter *emitter, ref kind, enum bits_of what)
{
	const struct m_kind *k = &emitter->model->kinds.v[kind];
	struct bits bits = {0, NULL, NULL};
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++) {
		const struct m_slice *s = &slice[i];
		wide mask = entry_mask(s->hi, s->lo);

		switch (what) {
		case BITS_MASK:
			if (s->role == ROLE_CONST)
				bits_add(emitter, &bits, s->cond, mask);
			break;
		case BITS_VALUE:
			if (s->role == ROLE_CONST)
				bits_add_value(emitter, &bits, s->cond, s->value, s->hi, s->lo);
			break;
		case BITS_RES0:
			if (s->role == ROLE_RES0)
				bits_add(emitter, &bits, s->cond, mask);
			break;
		case BITS_RES1:
			if (s->role == ROLE_RES1)
				bits_add(emitter, &bits, s->cond, mask);
			break;
		case BITS_CONST: constant_of(emitter, k, s, &bits); break;
		case BITS_ADDRESS:
			if (s->role == ROLE_ADDRESS)
				bits.literal |= mask;
			break;
		case BITS_KEEP:
			if (s->flags & SLICE_KEEP)
				bits_add(emitter, &bits, s->cond, mask);
			break;
		case BITS_SYNCED:
			if (s->flags & SLICE_SYNCED)
				bits_add(emitter, &bits, s->cond, mask);
			break;
		case BITS_LIVE:
			if (s->flags & SLICE_LIVE)
				bits.literal |= mask;
			break;
		case BITS_MARKS:
			if (s->marks != REF_NONE)
				bits_add_value(emitter, &bits, s->cond, s->marks, 63, 0);
			break;
		}
	}
	return bits;
}

/* Bits of one half of a word where a condition holds; NULL: none. */
static const char *half_if(struct emitter *emitter, ref cond, uint64_t literal, const char *text)
{
	if (!text && literal == 0)
		return NULL;
	text = !text	 ? hex64(emitter, literal)
	       : literal ? text_of(emitter, "%s | %s", hex64(emitter, literal), text)
			 : text;
	return text_of(emitter, "(%s ? %s : 0)", condition_text(emitter, cond), text);
}

struct bits absent_bits(struct emitter *emitter, int level, enum bits_of what)
{
	const struct m_level *l = &emitter->model->levels.v[level];
	struct bits bits = {0, NULL, NULL};

	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		struct bits own;

		if (emitter->model->kinds.v[k].category != CATEGORY_ABSENT)
			continue;
		own = kind_bits(emitter, k, what);
		if (emitter->model->kinds.v[k].present == REF_NONE) {
			bits.literal |= own.literal;
		} else {
			ref present = emitter->model->kinds.v[k].present;

			own.text = half_if(emitter, present, (uint64_t)own.literal, own.text);
			own.high = half_if(emitter, present, (uint64_t)(own.literal >> 64), own.high);
		}
		if (own.text)
			bits.text = bits.text ? text_of(emitter, "%s | %s", bits.text, own.text) : own.text;
		if (own.high)
			bits.high = bits.high ? text_of(emitter, "%s | %s", bits.high, own.high) : own.high;
	}
	return bits;
}

/* ----------------------------------------------------------------------------------------------- addresses of kinds */

/* The pieces of an address, those with the same shift together. */
struct piece {
	int shift; /* address bit = entry bit + shift */
	wide mask;
};

static int pieces_of(struct emitter *emitter, ref kind, const char *via, struct piece *piece, int room)
{
	int n, used = 0;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++) {
		int shift = slice[i].to - slice[i].lo, k = 0;

		if (slice[i].role != ROLE_ADDRESS || (via && slice[i].via && strcmp(via, slice[i].via) != 0))
			continue;
		while (k < used && piece[k].shift != shift)
			k++;
		if (k == used && used < room) {
			piece[used].shift = shift;
			piece[used++].mask = 0;
		}
		if (k < used)
			piece[k].mask |= entry_mask(slice[i].hi, slice[i].lo);
	}
	return used;
}

const char *put_text(struct emitter *emitter, ref kind, const char *via)
{
	struct piece piece[16];
	int n = pieces_of(emitter, kind, via, piece, 16);
	const char *text = NULL, *cast = emitter->entry_bits <= 32   ? "(uint32_t)"
					 : emitter->entry_bits <= 64 ? ""
								     : text_of(emitter, "(%s_entry)", emitter->lower);

	for (int i = 0; i < n; i++) {
		const char *part;

		if (piece[i].shift == 0)
			part = text_of(emitter, "(%spa & %s)", cast, hex(emitter, piece[i].mask));
		else if (piece[i].shift > 0)
			part = text_of(emitter, "(%s(pa >> %d) & %s)", cast, piece[i].shift,
				       hex(emitter, piece[i].mask));
		else
			part = text_of(emitter, emitter->entry_bits <= 64 ? "(%s(pa << %d) & %s)" : "(%spa << %d & %s)",
				       cast, -piece[i].shift, hex(emitter, piece[i].mask));
		text = text ? text_of(emitter, "%s | %s", text, part) : part;
	}
	return text ? text : "0";
}

const char *get_text(struct emitter *emitter, ref kind, const char *via)
{
	struct piece piece[16];
	int n = pieces_of(emitter, kind, via, piece, 16);
	struct bits marks = kind_bits(emitter, kind, BITS_MARKS);
	const char *text = NULL, *cast = emitter->entry_bits <= 32 ? "(uint64_t)" : "", *mask;

	for (int i = 0; i < n; i++) {
		const char *part;

		mask = hex(emitter, piece[i].mask);
		if (piece[i].shift == 0)
			part = text_of(emitter, "(entry & %s)", mask);
		else if (piece[i].shift > 0)
			part = text_of(emitter, "(%s(entry & %s) << %d)", cast, mask, piece[i].shift);
		else
			part = text_of(emitter, "(%s(entry & %s) >> %d)", cast, mask, -piece[i].shift);
		if (emitter->entry_bits > 64)
			part = text_of(emitter, "(uint64_t)%s", part);
		text = text ? text_of(emitter, "%s | %s", text, part) : part;
	}
	if (text && (marks.text || marks.literal))
		text = text_of(emitter, "(%s) & ~%s", text, bits_text(emitter, "MARKS", &marks));
	return text ? text : "0";
}

/* Entry bits that hold address in any leaf of a shape: where a mark may lie. */
static uint64_t leaf_address_bits(struct emitter *emitter, ref shape)
{
	const struct model *model = emitter->model;
	uint64_t bits = 0;

	for (int k = 0; k < model->kinds.n; k++)
		if (model->kinds.v[k].category == CATEGORY_LEAF &&
		    model->levels.v[model->kinds.v[k].level].shape == shape)
			bits |= (uint64_t)kind_bits(emitter, k, BITS_ADDRESS).literal;
	return bits;
}

/*
 * The mark of a kind's address, as it lies in the entry: configuration expression, NULL for none. For leaves as in the
 * one with the most address bits; leaf_attributes() takes away what a larger leaf has no address bit for.
 */
const char *marks_in_entry(struct emitter *emitter, ref kind)
{
	struct bits marks = kind_bits(emitter, kind, BITS_MARKS);
	struct piece piece[16];
	const char *text = marks.text ? marks.text : marks.literal ? hex64(emitter, (uint64_t)marks.literal) : NULL;

	if (!text || pieces_of(emitter, kind, NULL, piece, 16) < 1)
		return NULL;
	if (piece[0].shift > 0)
		text = text_of(emitter, "((%s) >> %d)", text, piece[0].shift);
	else if (piece[0].shift < 0)
		text = text_of(emitter, "((%s) << %d)", text, -piece[0].shift);
	return text_of(
		emitter, "(%s & %s)", text,
		hex64(emitter,
		      emitter->model->kinds.v[kind].category == CATEGORY_LEAF
			      ? leaf_address_bits(emitter,
						  emitter->model->levels.v[emitter->model->kinds.v[kind].level].shape)
			      : (uint64_t)kind_bits(emitter, kind, BITS_ADDRESS).literal));
}

/* The attribute word of a kind, without a mark where this kind has no address bits. */
const char *leaf_attributes(struct emitter *emitter, ref kind)
{
	const struct attribute_class *class = &emitter->classes.v[emitter->kind_class[kind]];
	uint64_t without;

	if (!class->marks)
		return text_of(emitter, "a->leaf[%d]", class->index);
	without = leaf_address_bits(emitter, class->shape) & ~(uint64_t)kind_bits(emitter, kind, BITS_ADDRESS).literal;
	return without ? text_of(emitter, "(a->leaf[%d] & ~%s)", class->index, hex(emitter, without))
		       : text_of(emitter, "a->leaf[%d]", class->index);
}

/* SPDX-License-Identifier: MIT */
/*
 * codec_bound.h - the codec's inside, for the checks: a kind bound to one configuration, so that an enumeration pays
 * for conditions and constants once and not per word.
 */
#ifndef PTGEN_CODEC_BOUND_H
#define PTGEN_CODEC_BOUND_H

#include "codec.h"

enum {
	CODEC_WORD_BITS = 128,	/* of the widest entry */
	CODEC_MAX_LINES = 256,	/* more than bits: surplus lines overlap, and that is reported from the model */
	CODEC_MAX_CODES = 16,	/* code tables that apply to one kind */
	CODEC_MAX_PIECES = 256, /* parts of fields that the columns of those tables lie in */
	CODEC_MAX_ADDRESSES = 16
};

/* A line that exists under the configuration. */
struct codec_line {
	const struct m_slice *slice;
	uint64_t value;	 /* ROLE_CONST: its value; lines with a set of legal values: what is written without default */
	bool is_address; /* the constant is a run-time address: not part of the masks */
	bool has_value;	 /* value is what an `in` set asks for */
	uint8_t dflt_part; /* CODEC_*: which part of the encoding its default belongs to */
};

/* Bits [hi:lo] of the word are bits [to + hi - lo : to] of a column. */
struct codec_piece {
	uint8_t hi, lo, to;
};

struct codec_column {
	int first, n; /* pieces */
};

struct codec_code {
	ref code;
	struct codec_column column[M_MAX_COLS];
	bool fixed[M_MAX_COLS]; /* all its bits are named constants */
	uint64_t fixed_value[M_MAX_COLS];
};

struct codec_bound {
	const struct model *model;
	ref kind;
	const int64_t *param;
	struct codec_line line[CODEC_MAX_LINES];
	int n_lines;
	struct codec_code code[CODEC_MAX_CODES];
	int n_codes;
	struct codec_piece piece[CODEC_MAX_PIECES];
	int n_pieces;
	uint64_t decided[2]; /* bits that prot and memtype tables write */
	struct codec_masks masks;
	int64_t output_hi;
};

void codec_bind(struct codec_bound *bound, const struct model *model, ref kind, const int64_t *param);
bool codec_bound_is(const struct codec_bound *bound, const uint64_t word[2]);
/* NULL, or the line that makes the word raise the reserved fault although it is of the kind. */
const struct m_slice *codec_bound_reserved(const struct codec_bound *bound, const uint64_t word[2]);
bool codec_bound_attributes(const struct codec_bound *bound, unsigned int request, unsigned int part, uint64_t word[2],
			    ref *code);
bool codec_bound_put_address(const struct codec_bound *bound, const char *via, uint64_t address, uint64_t word[2]);
uint64_t codec_bound_get_address(const struct codec_bound *bound, const char *via, const uint64_t word[2]);
void codec_bound_decode(const struct codec_bound *bound, const uint64_t word[2], struct codec_decoded *decoded);
/* Does this table have a row that encodes the request for this kind? row: which (REF_NONE: none). */
ref codec_bound_row(const struct codec_bound *bound, const struct codec_code *code, unsigned int request);
/* Sample values that stand for addresses known at run time only. */
const uint64_t *codec_addresses(void);

/* For evaluating conditions over a word of the kind. */
static inline struct m_env codec_environment(const struct codec_bound *bound, const uint64_t *word,
					     unsigned int request)
{
	struct m_env env = {bound->param, bound->kind, word, request, codec_addresses()};

	return env;
}

/* --------------------------------------------------------------------------------------------------- bits of a word */

static inline unsigned int bits_width(unsigned int hi, unsigned int lo)
{
	return hi - lo + 1;
}

static inline uint64_t bits_ones(unsigned int width)
{
	return width >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1;
}

/* Bits [hi:lo] of a word of any length, hi - lo < 64. */
static inline uint64_t bits_get(const uint64_t *word, unsigned int hi, unsigned int lo)
{
	uint64_t value = word[lo / 64] >> lo % 64;

	if (hi / 64 != lo / 64)
		value |= word[hi / 64] << (64 - lo % 64);
	return value & bits_ones(bits_width(hi, lo));
}

/* Replace bits [hi:lo] of a word of any length; bits of the range beyond 64 become 0. */
static inline void bits_put(uint64_t *word, unsigned int hi, unsigned int lo, uint64_t value)
{
	for (unsigned int at = lo; at <= hi;) {
		unsigned int width = 64 - at % 64;
		uint64_t ones;

		if (width > hi - at + 1)
			width = hi - at + 1;
		ones = bits_ones(width) << at % 64;
		word[at / 64] = (word[at / 64] & ~ones) | ((value << at % 64) & ones);
		value = width < 64 ? value >> width : 0;
		at += width;
	}
}

/* Set all bits [hi:lo]. */
static inline void bits_set(uint64_t *word, unsigned int hi, unsigned int lo)
{
	for (unsigned int at = lo; at <= hi;) {
		unsigned int width = 64 - at % 64;

		if (width > hi - at + 1)
			width = hi - at + 1;
		word[at / 64] |= bits_ones(width) << at % 64;
		at += width;
	}
}

/* Can the codec hold this line at all? What it cannot is reported by the checks of ranges. */
static inline bool codec_fits(const struct m_slice *slice)
{
	return slice->hi >= slice->lo && slice->hi < CODEC_WORD_BITS;
}

#endif

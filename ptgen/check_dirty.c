/* SPDX-License-Identifier: MIT */
/*
 * check_dirty.c - tables of dirty states: both states can be written, both are writable with the same rights (to clear
 * "dirty" takes nothing away), and what a mapper writes for a writable leaf is one of them.
 */
#include "check_run.h"

/* The row that is written for a state, REF_NONE: there is none. */
static ref state_row(const struct model *model, const struct m_code *code, bool dirty)
{
	for (int i = 0; i < code->n_rows; i++)
		if (model->rows.v[code->first_row + i].two_way && model->rows.v[code->first_row + i].dirty == dirty)
			return code->first_row + i;
	return REF_NONE;
}

static bool check_both(struct run *run, const struct m_code *code)
{
	for (int dirty = 0; dirty < 2; dirty++) {
		const char *state = dirty ? "dirty" : "clean";

		if (state_row(run->model, code, dirty) != REF_NONE)
			continue;
		if (first_time(run, CHECK_DIRTY_STATES, code->span, code->span)) {
			diag(run->context, CHECK_DIRTY_STATES, code->span,
			     "dirty '%s' does not say how '%s' is written", code->name, state);
			diag_mend(run->context, "give '%s' a two-way row", state);
		}
		return false;
	}
	return true;
}

/* Write the codes of a row. */
static void put_row(const struct codec_bound *bound, const struct codec_code *code, const struct m_row *row,
		    uint64_t word[2])
{
	const struct m_code *table = &bound->model->codes.v[code->code];

	for (int c = 0; c < table->n_cols; c++) {
		const struct codec_column *column = &code->column[c];

		for (int p = 0; p < column->n && !row->any[c] && !code->fixed[c]; p++) {
			const struct codec_piece *piece = &bound->piece[column->first + p];

			bits_put(word, piece->hi, piece->lo, (uint64_t)row->cell[c] >> piece->to);
		}
	}
}

static bool matches(const struct codec_bound *bound, const struct codec_code *code, const struct m_row *row,
		    const uint64_t word[2])
{
	uint64_t other[2] = {word[0], word[1]};

	put_row(bound, code, row, other);
	return other[0] == word[0] && other[1] == word[1];
}

static bool matches_any(const struct codec_bound *bound, const struct codec_code *code, const uint64_t word[2])
{
	const struct m_code *table = &bound->model->codes.v[code->code];

	for (int i = 0; i < table->n_rows; i++)
		if (matches(bound, code, &bound->model->rows.v[table->first_row + i], word))
			return true;
	return false;
}

/* One request for something writable, as one kind. */
static void check_word(struct run *run, const struct codec_bound *bound, const struct codec_code *code,
		       unsigned int request, const uint64_t word[2])
{
	const struct model *model = run->model;
	const struct m_code *table = &model->codes.v[code->code];
	int bytes = level_of(run, bound->kind)->entry_bytes;
	struct codec_decoded written;

	codec_bound_decode(bound, word, &written);
	if (!matches_any(bound, code, word)) {
		if (!first_time(run, CHECK_DIRTY_STATES, table->span, run->model->span))
			return;
		diag(run->context, CHECK_DIRTY_STATES, table->span,
		     "request '%s' as %s is written as %s, which dirty '%s' does not list", say_request(run, request),
		     say_kind(run, bound->kind), say_word(run, word, bytes), table->name);
		diag_mend(run->context, "a writable leaf is dirty or clean: list the code that is written for it");
		return;
	}
	for (int dirty = 0; dirty < 2; dirty++) {
		const struct m_row *row = &model->rows.v[state_row(model, table, dirty)];
		uint64_t other[2] = {word[0], word[1]};
		struct codec_decoded decoded;

		put_row(bound, code, row, other);
		codec_bound_decode(bound, other, &decoded);
		if (decoded.rights == written.rights && !decoded.unknown_rights)
			continue;
		if (!first_time(run, CHECK_DIRTY_STATES, row->span, row->span))
			continue;
		diag(run->context, CHECK_DIRTY_STATES, row->span,
		     "made '%s', %s of %s is %s, which grants '%s' in place of '%s'", dirty ? "dirty" : "clean",
		     say_word(run, word, bytes), say_kind(run, bound->kind), say_word(run, other, bytes),
		     decoded.unknown_rights ? "other" : say_rights(run, decoded.rights),
		     say_rights(run, written.rights));
		diag_mend(run->context, "both states of a writable leaf grant the same rights");
	}
}

static void check_kind(struct run *run, ref kind)
{
	const struct model *model = run->model;
	const struct m_kind *k = kind_of(run, kind);
	struct codec_bound *bound = &run->bound[0];
	params used = kind_params(run, kind, ~(1U << ROLE_ADDRESS | 1U << ROLE_RES0)) | kind_code_params(run, kind);
	struct config config;

	config_begin(&config, run, level_of(run, kind)->shape, k->present, used, k->span);
	while (config_next(&config)) {
		codec_bind(bound, model, kind, config.param);
		for (int c = 0; c < bound->n_codes; c++) {
			const struct m_code *code = &model->codes.v[bound->code[c].code];

			if (code->concept != CONCEPT_DIRTY || run->code[bound->code[c].code] ||
			    !config_possible(&config))
				continue;
			for (unsigned int request = 0; request < 32; request++) {
				unsigned int rounded;
				uint64_t word[2];
				ref blame;

				run->work++;
				if (codec_round(model, config.param, request, &rounded) && rounded & REQ_WRITE &&
				    codec_bound_attributes(bound, rounded, CODEC_WHOLE, word, &blame))
					check_word(run, bound, &bound->code[c], rounded, word);
			}
		}
	}
}

void check_dirty_states(struct run *run)
{
	const struct model *model = run->model;
	bool any = false;

	for (int i = 0; i < model->codes.n; i++) {
		if (model->codes.v[i].concept != CONCEPT_DIRTY)
			continue;
		any = true;
		if (!check_both(run, &model->codes.v[i]))
			run->code[i] = true;
	}
	for (int i = 0; any && i < model->kinds.n; i++)
		if (kind_of(run, i)->category == CATEGORY_LEAF && !run->kind[i].broken)
			check_kind(run, i);
}

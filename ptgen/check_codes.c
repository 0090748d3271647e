/* SPDX-License-Identifier: MIT */
/*
 * check_codes.c - tables of codes invert: what a two-way row writes is read back by the same row, and for every request
 * there is at most one row to write. Defaults of parameters lie inside their sets.
 */
#include "check_run.h"

#include <inttypes.h>

static const char *concept_text(enum ast_concept concept)
{
	return concept == CONCEPT_PROT ? "prot" : concept == CONCEPT_MEMTYPE ? "memtype" : "dirty";
}

/* What a row means. */
static const char *meaning(struct run *run, const struct m_code *code, const struct m_row *row)
{
	switch (code->concept) {
	case CONCEPT_PROT: return say_rights(run, row->rights);
	case CONCEPT_MEMTYPE: return say_memory(row->memory);
	case CONCEPT_DIRTY: break;
	}
	return row->dirty ? "dirty" : "clean";
}

static bool same_meaning(const struct m_code *code, const struct m_row *a, const struct m_row *b)
{
	switch (code->concept) {
	case CONCEPT_PROT: return a->rights == b->rights;
	case CONCEPT_MEMTYPE: return a->memory == b->memory;
	case CONCEPT_DIRTY: break;
	}
	return a->dirty == b->dirty;
}

/* Does a take every code that b takes? */
static bool covers(const struct m_code *code, const struct m_row *a, const struct m_row *b)
{
	for (int c = 0; c < code->n_cols; c++)
		if (!a->any[c] && (b->any[c] || a->cell[c] != b->cell[c]))
			return false;
	return true;
}

/* A row that an earlier one hides. */
static void check_hidden(struct run *run, const struct m_code *code, int i, bool *broken)
{
	const struct m_row *row = &run->model->rows.v[code->first_row + i];

	for (int j = 0; j < i; j++) {
		const struct m_row *earlier = &run->model->rows.v[code->first_row + j];

		if (!covers(code, earlier, row) || !first_time(run, CHECK_CODE_ROWS, row->span, row->span))
			continue;
		*broken = true;
		if (row->two_way && !same_meaning(code, earlier, row))
			diag(run->context, CHECK_CODE_ROWS, row->span,
			     "'%s' is written as this code, but an earlier row of %s '%s' reads it as '%s'",
			     meaning(run, code, row), concept_text(code->concept), code->name,
			     meaning(run, code, earlier));
		else
			diag(run->context, CHECK_CODE_ROWS, row->span,
			     "this row of %s '%s' is never reached: an earlier one takes its codes",
			     concept_text(code->concept), code->name);
		diag_related(run->context, earlier->span, "the earlier row");
		diag_mend(run->context, "each code stands in one row; rows with '-' come last");
		return;
	}
}

/* Do all lines of the field say what is written where nothing else does? */
static bool has_default(const struct model *model, ref field)
{
	for (int i = 0; i < model->slices.n; i++)
		if (model->slices.v[i].field == field && model->slices.v[i].role == ROLE_FIELD &&
		    model->slices.v[i].dflt == REF_NONE)
			return false;
	return true;
}

static void check_two_way(struct run *run, const struct m_code *code, int i, bool *broken)
{
	const struct m_row *row = &run->model->rows.v[code->first_row + i];

	for (int c = 0; c < code->n_cols; c++) {
		if (!row->any[c] || has_default(run->model, code->col[c].field) ||
		    !first_time(run, CHECK_CODE_ROWS, row->span, code->span))
			continue;
		*broken = true;
		diag(run->context, CHECK_CODE_ROWS, row->span,
		     "'-' in a two-way row of %s '%s': what would be written for '%s'?", concept_text(code->concept),
		     code->name, meaning(run, code, row));
		diag_mend(run->context, "give the value that is written with '<->', and the others with '->', or the "
					"field a 'default'");
	}
	for (int j = 0; j < i; j++) {
		const struct m_row *earlier = &run->model->rows.v[code->first_row + j];

		if (!earlier->two_way || !same_meaning(code, earlier, row) || covers(code, earlier, row) ||
		    !first_time(run, CHECK_CODE_ROWS, row->span, earlier->span))
			continue;
		*broken = true;
		diag(run->context, CHECK_CODE_ROWS, row->span, "two rows of %s '%s' say how '%s' is written",
		     concept_text(code->concept), code->name, meaning(run, code, row));
		diag_related(run->context, earlier->span, "the other one");
		diag_mend(run->context, "keep '<->' on the one that is written, and '->' on the other");
	}
}

static int ones(unsigned int value)
{
	int n = 0;

	for (; value; value &= value - 1)
		n++;
	return n;
}

/* Two smallest rows that cover what is asked for. */
static bool check_cover(struct run *run, const struct m_code *code, unsigned int request)
{
	const struct model *model = run->model;
	unsigned int wanted = codec_request_rights(request) & code->occurs;
	const struct m_row *best = NULL, *rival = NULL;

	for (int i = 0; i < code->n_rows; i++) {
		const struct m_row *row = &model->rows.v[code->first_row + i];

		if (!row->two_way || wanted & ~(unsigned int)row->rights)
			continue;
		if (!best || ones(row->rights) < ones(best->rights)) {
			best = row;
			rival = NULL;
		} else if (ones(row->rights) == ones(best->rights) && row->rights != best->rights) {
			rival = row;
		}
	}
	if (!rival)
		return true;
	if (first_time(run, CHECK_ENCODE_TIE, rival->span, best->span)) {
		diag(run->context, CHECK_ENCODE_TIE, rival->span,
		     "a request for '%s' could be written as '%s' or as '%s' of prot '%s'", say_request(run, request),
		     meaning(run, code, best), meaning(run, code, rival), code->name);
		diag_related(run->context, best->span, "the other row");
		diag_mend(run->context, "add a row for just '%s', or a 'round' or 'refuse' that settles it",
			  say_request(run, request));
	}
	return false;
}

/* Requests that remain after the rules under some configuration in which the table applies. */
static void check_covers(struct run *run, const struct m_code *code, bool *broken)
{
	const struct model *model = run->model;
	params used = params_in(model, code->cond);
	struct config config;

	for (int i = 0; i < model->rules.n; i++)
		used |= params_in(model, model->rules.v[i].cond) | params_in(model, model->rules.v[i].when);
	config_begin(&config, run, REF_NONE, code->cond, used, code->span);
	while (config_next(&config)) {
		for (unsigned int request = 0; request < 32; request++) {
			unsigned int rounded;

			if (codec_round(model, config.param, request, &rounded) && config_possible(&config) &&
			    !check_cover(run, code, rounded & REQ_RIGHTS)) {
				*broken = true;
				return;
			}
		}
	}
}

/* Does the table apply to any kind at all? */
static bool applies(const struct run *run, const struct m_code *code)
{
	for (int k = 0; k < run->model->kinds.n; k++) {
		const struct m_kind *kind = kind_of(run, k);
		int found = 0;

		if (code->concept != CONCEPT_PROT && kind->category != CATEGORY_LEAF)
			continue;
		for (int c = 0; c < code->n_cols; c++) {
			bool here = false;

			for (int i = 0; i < kind->n_slices && !here; i++)
				here = run->model->slices.v[kind->first_slice + i].field == code->col[c].field;
			found += here;
		}
		if (found == code->n_cols)
			return true;
	}
	return false;
}

void check_codes(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->codes.n; i++) {
		const struct m_code *code = &model->codes.v[i];

		for (int r = 0; r < code->n_rows; r++) {
			check_hidden(run, code, r, &run->code[i]);
			if (model->rows.v[code->first_row + r].two_way)
				check_two_way(run, code, r, &run->code[i]);
		}
		if (code->concept == CONCEPT_PROT)
			check_covers(run, code, &run->code[i]);
		if (!applies(run, code) && first_time(run, CHECK_UNUSED_NAME, code->span, code->span)) {
			diag(run->context, CHECK_UNUSED_NAME, code->span,
			     "%s '%s' applies to no entry: none has all its columns", concept_text(code->concept),
			     code->name);
			diag_mend(
				run->context,
				"remove it ('without %s %s;' where it is inherited), or name the fields in the entries",
				concept_text(code->concept), code->name);
		}
	}
}

/* ------------------------------------------------------------------------------------------------------- parameters */

static bool in_set(const struct model *model, const struct m_param *param, int64_t value)
{
	for (int i = 0; i < param->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[param->first_range + i];

		if (value >= range->first && value <= range->last)
			return true;
	}
	return param->n_ranges == 0 && (value == 0 || value == 1);
}

/* A default that depends on other parameters stays inside the set for all their values. */
void check_parameters(struct run *run)
{
	const struct model *model = run->model;

	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *param = &model->params.v[i];
		params used = params_in(model, param->dflt);
		struct config config;

		if (param->bound || param->dflt == REF_NONE || !used)
			continue;
		config_begin(&config, run, REF_NONE, REF_NONE, used, param->span);
		while (config_next(&config)) {
			struct m_env env = {config.param, REF_NONE, NULL, 0, codec_addresses()};
			int64_t value = model_eval(model, param->dflt, &env);

			if (in_set(model, param, value) || !config_possible(&config))
				continue;
			if (!first_time(run, CHECK_DEFAULT_VALUE, param->span, param->span))
				break;
			diag(run->context, CHECK_DEFAULT_VALUE, param->span,
			     "the default of '%s' is %" PRId64 "%s, outside of its set", param->name, value,
			     say_config(&config, used));
			diag_mend(run->context, "widen the set, or let a 'require' exclude it");
			break;
		}
	}
}

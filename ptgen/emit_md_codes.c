/* SPDX-License-Identifier: MIT */
/*
 * emit_md_codes.c - rights and memory types: what a request becomes, in the fields of the smallest leaf; what the codes
 * of a format mean; how requests are rounded.
 */
#include "codec.h"
#include "emit_md.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_COLUMNS = 12 };

static const char *request_text(struct md *md, unsigned int request)
{
	static const char *const memory[] = {"", " noncached", " device", " nonshareable"};

	return arena_printf(md->arena, "%s%s%s%s%s%s%s", request & REQ_READ ? "r" : "", request & REQ_WRITE ? "w" : "",
			    request & REQ_EXEC ? "x" : "", request & 7 ? "" : "-", request & REQ_PRIV ? "p" : "",
			    request & REQ_GLOBAL ? "g" : "", memory[(request & REQ_MEMORY) >> 5]);
}

/* The leaf whose fields are shown: of the lowest level, the first that exists. */
static ref smallest_leaf(const struct md *md)
{
	const struct model *model = md->model;
	const struct m_shape *shape = &model->shapes.v[md->shape];
	ref best = REF_NONE;
	int i, k;

	for (i = 0; i < shape->n_levels; i++) {
		const struct m_level *level = &model->levels.v[shape->first_level + i];

		for (k = 0; k < level->n_kinds; k++) {
			const struct m_kind *kind = &model->kinds.v[level->first_kind + k];

			if (kind->category == CATEGORY_LEAF && md_holds(md, kind->present) &&
			    (best == REF_NONE || kind->lg2 < model->kinds.v[best].lg2))
				best = level->first_kind + k;
		}
	}
	return best;
}

/* Add a field, if it is new and the kind has it. */
static int add_field(const struct md *md, ref kind, ref field, ref *fields, int n)
{
	static const uint64_t word[2];
	const struct m_env env = {.param = md->param, .kind = kind, .word = word};
	uint64_t value;
	int i;

	for (i = 0; i < n; i++)
		if (fields[i] == field)
			return n;
	if (n == MAX_COLUMNS || !model_field(md->model, kind, field, &env, &value))
		return n;
	fields[n] = field;
	return n + 1;
}

/* The fields of a kind that say something about rights (concept prot) or memory types. */
static int fields_of(const struct md *md, ref kind, enum ast_concept concept, ref *fields)
{
	const struct model *model = md->model;
	const struct m_kind *k = &model->kinds.v[kind];
	int i, c, n = 0;

	for (i = 0; i < k->n_slices && concept == CONCEPT_PROT; i++) {
		const struct m_slice *slice = &model->slices.v[k->first_slice + i];

		if (slice->role == ROLE_FIELD && md_holds(md, slice->cond) &&
		    (slice->allows || slice->denies ||
		     (slice->dflt != REF_NONE && model_mentions(model, slice->dflt, X_RIGHT, -1))))
			n = add_field(md, kind, slice->field, fields, n);
	}
	for (c = 0; c < model->codes.n; c++)
		if (model->codes.v[c].concept == concept && md_holds(md, model->codes.v[c].cond))
			for (i = 0; i < model->codes.v[c].n_cols; i++)
				n = add_field(md, kind, model->codes.v[c].col[i].field, fields, n);
	return n;
}

static void put_request(struct md *md, ref kind, unsigned int request, const ref *fields, int n)
{
	uint64_t word[2], value;
	struct m_env env = {.param = md->param, .kind = kind, .word = word};
	unsigned int rounded;
	ref code;
	int i;

	fprintf(md->out, "| `%s` | ", request_text(md, request));
	if (!codec_round(md->model, md->param, request, &rounded) ||
	    !codec_attributes(md->model, kind, md->param, rounded, CODEC_WHOLE, word, &code)) {
		fputs("*refused* |", md->out);
		for (i = 0; i < n; i++)
			fputs(" |", md->out);
		fputc('\n', md->out);
		return;
	}
	if (rounded == request)
		fputs("the same |", md->out);
	else
		fprintf(md->out, "`%s` |", request_text(md, rounded));
	for (i = 0; i < n; i++) {
		value = 0;
		model_field(md->model, kind, fields[i], &env, &value);
		fprintf(md->out, value < 10 ? " %" PRIu64 " |" : " 0x%" PRIx64 " |", value);
	}
	fputc('\n', md->out);
}

static void put_table(struct md *md, const ref *fields, int n)
{
	int i;

	fputs("| request | granted |", md->out);
	for (i = 0; i < n; i++)
		fprintf(md->out, " `%s` |", md->model->fields.v[fields[i]].name);
	fputs("\n| --- | --- |", md->out);
	for (i = 0; i < n; i++)
		fputs(" ---: |", md->out);
	fputc('\n', md->out);
}

/* Does the column hold all bits of its field? */
static bool is_whole(const struct model *model, const struct m_col *col)
{
	int i;

	for (i = 0; i < model->slices.n; i++) {
		const struct m_slice *slice = &model->slices.v[i];

		if (slice->field == col->field && (slice->to < col->lo || slice->to + slice->hi - slice->lo > col->hi))
			return false;
	}
	return true;
}

static void put_code(struct md *md, const struct m_code *code)
{
	static const char *const memory[] = {"cached", "noncached", "device", "nonshareable", "other"};
	const struct model *model = md->model;
	FILE *out = md->out;
	int i, k;

	fprintf(out, "Codes `%s`", code->name);
	if (code->cond != REF_NONE) {
		fputs(", if ", out);
		md_expr(md, code->cond);
	}
	fputs(":\n\n|", out);
	for (i = 0; i < code->n_cols; i++) {
		const struct m_col *col = &code->col[i];

		fprintf(out, " `%s%s` |", model->fields.v[col->field].name,
			is_whole(model, col) ? "" : range_text(md->arena, col->hi, col->lo));
	}
	fputs(" meaning | written |\n|", out);
	for (i = 0; i < code->n_cols; i++)
		fputs(" ---: |", out);
	fputs(" --- | --- |\n", out);
	for (k = 0; k < code->n_rows; k++) {
		const struct m_row *row = &model->rows.v[code->first_row + k];

		fputc('|', out);
		for (i = 0; i < code->n_cols; i++)
			if (row->any[i])
				fputs(" any |", out);
			else
				fprintf(out, " %" PRId64 " |", row->cell[i]);
		fprintf(out, " %s | %s |\n",
			code->concept == CONCEPT_PROT
				? arena_printf(md->arena, "`%s`", rights_text(md->arena, row->rights))
			: code->concept == CONCEPT_MEMTYPE ? memory[row->memory]
			: row->dirty			   ? "dirty"
							   : "clean",
			row->two_way ? "yes" : "only read");
	}
	if (code->concept == CONCEPT_PROT && (code->occurs & RIGHT_ALL) != RIGHT_ALL)
		fprintf(out, "\nThese decide only about `%s`.\n", letters_text(md->arena, code->occurs));
	fputc('\n', out);
}

static void put_letters(struct md *md, unsigned int bits)
{
	static const char *const names[] = {"r", "w", "x", "p", "g", "noncached", "device", "nonshareable"};
	int i, n = 0;

	for (i = 0; i < 8; i++)
		if (bits & 1u << i)
			fprintf(md->out, "%s`%s`", n++ ? ", " : "", names[i]);
}

static void put_rules(struct md *md)
{
	const struct model *model = md->model;
	int i;

	if (!model->rules.n)
		return;
	fputs("What cannot be said is rounded, in this order:\n\n", md->out);
	for (i = 0; i < model->rules.n; i++) {
		const struct m_rule *rule = &model->rules.v[i];

		fputs("- ", md->out);
		if (rule->when != REF_NONE) {
			fputs("a request with ", md->out);
			md_expr(md, rule->when);
			fputs(rule->refuse ? " is refused" : " ", md->out);
		} else {
			fputs(rule->refuse ? "every request is refused" : "every request ", md->out);
		}
		if (rule->adds) {
			fputs("gets ", md->out);
			put_letters(md, rule->adds);
		}
		if (rule->drops) {
			fputs(rule->adds ? " and loses " : "loses ", md->out);
			put_letters(md, rule->drops);
		}
		if (rule->cond != REF_NONE) {
			fputs(", if ", md->out);
			md_expr(md, rule->cond);
		}
		fputc('\n', md->out);
	}
	fputc('\n', md->out);
}

static const char *rights_words(struct md *md, unsigned int rights)
{
	static const char *const names[] = {"read", "write", "execute"};
	const char *text = "";

	for (int class = 0; class < 2; class ++)
		for (int i = 0; i < 3; i++)
			if (rights & 1u << (3 * class + i))
				text = arena_printf(md->arena, "%s%s%s %s", text, *text ? ", " : "",
						    class ? "user" : "privileged", names[i]);
	return text;
}

static void put_nevers(struct md *md)
{
	const struct model *model = md->model;

	if (!model->nevers.n)
		return;
	fputs("Whatever the entries say, the hardware withholds from an access\n\n", md->out);
	for (int i = 0; i < model->nevers.n; i++) {
		const struct m_never *never = &model->nevers.v[i];

		fprintf(md->out, "- %s where they give %s", rights_words(md, never->rights),
			rights_words(md, never->when));
		if (never->cond != REF_NONE) {
			fputs(", if ", md->out);
			md_expr(md, never->cond);
		}
		if (never->doc)
			fprintf(md->out, ": %s", never->doc);
		fputc('\n', md->out);
	}
	fputc('\n', md->out);
}

static void put_codes(struct md *md, enum ast_concept concept)
{
	int i;

	for (i = 0; i < md->model->codes.n; i++)
		if (md->model->codes.v[i].concept == concept)
			put_code(md, &md->model->codes.v[i]);
}

static bool has_codes(const struct md *md, enum ast_concept concept)
{
	int i;

	for (i = 0; i < md->model->codes.n; i++)
		if (md->model->codes.v[i].concept == concept)
			return true;
	return false;
}

void md_requests(struct md *md)
{
	static const unsigned int rights[] = {1, 2, 4, 3, 5, 6, 7};
	ref kind = smallest_leaf(md), fields[MAX_COLUMNS];
	unsigned int i, n;

	fputs("## Permissions\n\n", md->out);
	put_rules(md);
	put_nevers(md);
	if (kind != REF_NONE) {
		n = (unsigned int)fields_of(md, kind, CONCEPT_PROT, fields);
		fprintf(md->out, "What a request becomes in the leaf `%s`, in the default configuration:\n\n",
			md->model->kinds.v[kind].name);
		put_table(md, fields, (int)n);
		for (i = 0; i < 14; i++)
			put_request(md, kind, rights[i % 7] | (i < 7 ? 0 : REQ_PRIV), fields, (int)n);
		put_request(md, kind, REQ_READ | REQ_WRITE | REQ_GLOBAL, fields, (int)n);
		fputs("\n`p`: only for privileged accesses; `g`: global.\n\n", md->out);
	}
	put_codes(md, CONCEPT_PROT);
	if (has_codes(md, CONCEPT_DIRTY)) {
		fputs("## Dirty state\n\n", md->out);
		put_codes(md, CONCEPT_DIRTY);
	}
	fputs("## Memory types\n\n", md->out);
	if (!has_codes(md, CONCEPT_MEMTYPE)) {
		fputs("The format has one: cached.\n\n", md->out);
		return;
	}
	if (kind != REF_NONE) {
		n = (unsigned int)fields_of(md, kind, CONCEPT_MEMTYPE, fields);
		put_table(md, fields, (int)n);
		for (i = 0; i < 3; i++)
			put_request(md, kind, REQ_READ | REQ_WRITE | i << 5, fields, (int)n);
		fputc('\n', md->out);
	}
	put_codes(md, CONCEPT_MEMTYPE);
}

/* SPDX-License-Identifier: MIT */
/*
 * ast_dump.c - the syntax tree in a stable text form (--dump=ast). It is written in the language itself, one thing a
 * line and every operator in parentheses, so that a dump parses again, to the same tree.
 */
#include "ast.h"

#include <inttypes.h>

static const char *const operators[] = {
	[A_OR] = "||", [A_AND] = "&&", [A_EQ] = "==", [A_NE] = "!=",  [A_LT] = "<",
	[A_GT] = ">",  [A_LE] = "<=",  [A_GE] = ">=", [A_SHL] = "<<", [A_SHR] = ">>",
	[A_ADD] = "+", [A_SUB] = "-",  [A_MUL] = "*", [A_DIV] = "/",  [A_MOD] = "%",
};

static void dump_expr(FILE *out, const struct ast_expr *expr);

static void dump_set(FILE *out, const struct ast_set *set)
{
	const struct ast_range *range;

	fputc('{', out);
	for (range = set->ranges; range; range = range->next) {
		dump_expr(out, range->first);
		if (range->last) {
			fputs("..", out);
			dump_expr(out, range->last);
		}
		if (range->next)
			fputs(", ", out);
	}
	fputc('}', out);
}

static void dump_pair(FILE *out, const struct ast_expr *hi, const struct ast_expr *lo)
{
	fputc('[', out);
	dump_expr(out, hi);
	if (lo) {
		fputc(':', out);
		dump_expr(out, lo);
	}
	fputc(']', out);
}

static void dump_bits(FILE *out, const struct ast_bits *bits)
{
	if (bits)
		dump_pair(out, bits->hi, bits->lo);
}

static void dump_expr(FILE *out, const struct ast_expr *expr)
{
	const struct ast_expr *argument;

	switch (expr->op) {
	case A_NUM: fprintf(out, expr->value < 1024 ? "%" PRIu64 : "0x%" PRIx64, expr->value); return;
	case A_NAME: fputs(expr->name, out); return;
	case A_NAME_BITS:
		fputs(expr->name, out);
		dump_pair(out, expr->a, expr->b);
		return;
	case A_BITS: dump_pair(out, expr->a, expr->b); return;
	case A_CALL:
		fprintf(out, "%s(", expr->name);
		for (argument = expr->args; argument; argument = argument->next) {
			dump_expr(out, argument);
			if (argument->next)
				fputs(", ", out);
		}
		fputc(')', out);
		return;
	case A_COND:
		fputc('(', out);
		dump_expr(out, expr->a);
		fputs(" ? ", out);
		dump_expr(out, expr->b);
		fputs(" : ", out);
		dump_expr(out, expr->c);
		fputc(')', out);
		return;
	case A_IN:
		fputc('(', out);
		dump_expr(out, expr->a);
		fputs(" in ", out);
		dump_set(out, expr->set);
		fputc(')', out);
		return;
	case A_NOT:
	case A_NEG:
		fputc(expr->op == A_NOT ? '!' : '-', out);
		dump_expr(out, expr->a);
		return;
	case A_OR:
	case A_AND:
	case A_EQ:
	case A_NE:
	case A_LT:
	case A_GT:
	case A_LE:
	case A_GE:
	case A_SHL:
	case A_SHR:
	case A_ADD:
	case A_SUB:
	case A_MUL:
	case A_DIV:
	case A_MOD:
		fputc('(', out);
		dump_expr(out, expr->a);
		fprintf(out, " %s ", operators[expr->op]);
		dump_expr(out, expr->b);
		fputc(')', out);
		return;
	}
}

static void dump_string(FILE *out, const char *text)
{
	fputs(" \"", out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void dump_doc(FILE *out, const char *doc)
{
	if (doc)
		dump_string(out, doc);
}

static void dump_clause(FILE *out, const char *word, const struct ast_expr *expr)
{
	if (expr) {
		fprintf(out, " %s ", word);
		dump_expr(out, expr);
	}
}

/* How the operands of an option are written. */
enum form { FORM_PLAIN, FORM_EXPR, FORM_RANGE, FORM_NAME, FORM_NAMES, FORM_FOR };

static const struct {
	const char *word;
	enum form form;
} options[] = {
	[OPT_ABOVE] = {"above", FORM_NAME},
	[OPT_APERTURE] = {"aperture", FORM_RANGE},
	[OPT_BASE] = {"base", FORM_EXPR},
	[OPT_WINDOW] = {"window", FORM_EXPR},
	[OPT_RAISES] = {"raises", FORM_NAME},
	[OPT_ALIGN] = {"align", FORM_EXPR},
	[OPT_TABLE] = {"table", FORM_EXPR},
	[OPT_EVERY] = {"every", FORM_EXPR},
	[OPT_WORD] = {"word", FORM_NAME},
	[OPT_AS] = {"as", FORM_NAMES},
	[OPT_LIMIT] = {"limit", FORM_RANGE},
	[OPT_START] = {"start", FORM_EXPR},
	[OPT_COUNT] = {"count", FORM_EXPR},
	[OPT_GROWS] = {"grows", FORM_NAME},
	[OPT_WHEN] = {"when", FORM_EXPR},
	[OPT_FOR] = {"for", FORM_FOR},
	[OPT_REPEAT] = {"repeat", FORM_EXPR},
	[OPT_CONTIG] = {"contig", FORM_EXPR},
	[OPT_NEXT] = {"next", FORM_EXPR},
	[OPT_DEFAULT] = {"default", FORM_EXPR},
	[OPT_ALLOWS] = {"allows", FORM_NAME},
	[OPT_DENIES] = {"denies", FORM_NAME},
	[OPT_ACCESSED] = {"accessed", FORM_PLAIN},
	[OPT_DIRTY] = {"dirty", FORM_PLAIN},
	[OPT_BY] = {"by", FORM_EXPR},
	[OPT_LIVE] = {"live", FORM_PLAIN},
	[OPT_KEEP] = {"keep", FORM_PLAIN},
	[OPT_SYNCED] = {"synced", FORM_PLAIN},
	[OPT_MARKS] = {"marks", FORM_EXPR},
	[OPT_OR] = {"or", FORM_NAME},
	[OPT_IF] = {"if", FORM_EXPR},
};

static void dump_options(FILE *out, const struct ast_opt *opt)
{
	const struct ast_name *name;

	for (; opt; opt = opt->next) {
		fprintf(out, " %s", options[opt->kind].word);
		switch (options[opt->kind].form) {
		case FORM_PLAIN: break;
		case FORM_EXPR:
			fputc(' ', out);
			dump_expr(out, opt->a);
			break;
		case FORM_RANGE:
			fputc(' ', out);
			dump_expr(out, opt->a);
			fputs(" .. ", out);
			dump_expr(out, opt->b);
			break;
		case FORM_NAME:
			fprintf(out, " %s", opt->name);
			if (opt->name2)
				fprintf(out, " %s", opt->name2);
			break;
		case FORM_NAMES:
			for (name = opt->names; name; name = name->next)
				dump_string(out, name->name);
			break;
		case FORM_FOR:
			fprintf(out, " %s in ", opt->name);
			dump_set(out, opt->set);
			break;
		}
		dump_clause(out, "if", opt->cond);
	}
}

static void dump_uses(FILE *out, const struct ast_name *uses)
{
	const char *lead = " : ";

	for (; uses; uses = uses->next, lead = ", ")
		fprintf(out, "%s%s", lead, uses->name);
}

static void dump_lines(FILE *out, const struct ast_line *line)
{
	fputs(" {\n", out);
	for (; line; line = line->next) {
		fputs("\t\t", out);
		dump_bits(out, line->bits);
		switch (line->mean) {
		case MEAN_RES0: fputs(" res0", out); break;
		case MEAN_RES1: fputs(" res1", out); break;
		case MEAN_IGNORED: fputs(" ignored", out); break;
		case MEAN_SOFTWARE: fputs(" software", out); break;
		case MEAN_CONST:
		case MEAN_IN: break;
		case MEAN_FIELD:
		case MEAN_FIELD_CONST:
		case MEAN_FIELD_IN:
			fprintf(out, " %s%s%s", line->via ? line->via : "", line->via ? "." : "", line->name);
			dump_bits(out, line->slice);
			break;
		}
		if (line->mean == MEAN_CONST || line->mean == MEAN_FIELD_CONST) {
			fputs(" = ", out);
			if (line->value)
				dump_expr(out, line->value);
			else
				fputs("ones", out);
		}
		if (line->set) {
			fputs(" in ", out);
			dump_set(out, line->set);
		}
		dump_options(out, line->opts);
		dump_doc(out, line->doc);
		fputs(";\n", out);
	}
	fputs("\t}\n", out);
}

static void dump_rows(FILE *out, const struct ast_row *row)
{
	const struct ast_cell *cell;

	fputs(" {\n", out);
	for (; row; row = row->next) {
		fputc('\t', out);
		for (cell = row->cells; cell; cell = cell->next) {
			if (cell->any)
				fputs("\t-", out);
			else if (cell->name)
				fprintf(out, "\t%s", cell->name);
			else
				fprintf(out, "\t%" PRIu64, cell->value);
		}
		fprintf(out, "\t%s %s", row->two_way ? "<->" : "->", row->right ? row->right : "-");
		if (row->has_user)
			fprintf(out, "/%s", row->user ? row->user : "-");
		dump_doc(out, row->doc);
		fputs(";\n", out);
	}
	fputs("\t}\n", out);
}

static const char *const categories[] = {
	[CATEGORY_ABSENT] = "absent", [CATEGORY_FAULT] = "fault", [CATEGORY_NULL] = "null",
	[CATEGORY_TABLE] = "table",   [CATEGORY_LEAF] = "leaf",
};
static const char *const concepts[] = {
	[CONCEPT_PROT] = "prot",
	[CONCEPT_MEMTYPE] = "memtype",
	[CONCEPT_DIRTY] = "dirty",
};

static void dump_level(FILE *out, const struct ast_item *item)
{
	const struct ast_kind *kind;
	const struct ast_arg *argument;

	if (item->numbered)
		fprintf(out, "level %" PRId64, item->number);
	else
		fprintf(out, "level %s", item->name);
	if (item->set) {
		fputs(" in ", out);
		dump_expr(out, item->set->ranges->first);
		fputs(" .. ", out);
		dump_expr(out, item->set->ranges->last);
	}
	if (item->args) {
		fputc('(', out);
		for (argument = item->args; argument; argument = argument->next) {
			fprintf(out, "%s in ", argument->name);
			dump_set(out, argument->set);
			fputs(argument->next ? ", " : ")", out);
		}
	}
	fprintf(out, " index %s", item->name2);
	dump_bits(out, item->bits);
	dump_doc(out, item->doc);
	dump_options(out, item->opts);
	fputs(" {\n", out);
	for (kind = item->kinds; kind; kind = kind->next) {
		fprintf(out, "\t\t%s", kind->name);
		dump_clause(out, "if", kind->cond);
		fputs(";\n", out);
	}
	fputs("\t}\n", out);
}

static void dump_example(FILE *out, const struct ast_item *item)
{
	const struct ast_assign *assign;

	fputs("example ", out);
	if (item->word[1])
		fprintf(out, "0x%" PRIx64 "%016" PRIx64, item->word[1], item->word[0]);
	else
		fprintf(out, "0x%" PRIx64, item->word[0]);
	fprintf(out, " = %s at ", item->name);
	if (item->level)
		fputs(item->level, out);
	else
		fprintf(out, "%" PRId64, item->number);
	if (item->binds) {
		fputs(" (", out);
		for (assign = item->binds; assign; assign = assign->next) {
			fprintf(out, "%s = ", assign->name);
			dump_expr(out, assign->value);
			fputs(assign->next ? ", " : ")", out);
		}
	}
	fputs(" {\n", out);
	for (assign = item->sets; assign; assign = assign->next) {
		fprintf(out, "\t\t%s = ", assign->name);
		dump_expr(out, assign->value);
		fputs(";\n", out);
	}
	fputs("\t}", out);
	dump_doc(out, item->doc);
	fputc('\n', out);
}

static void dump_item(FILE *out, const struct ast_item *item)
{
	const struct ast_name *name;
	const struct ast_col *col;

	fputc('\t', out);
	switch (item->kind) {
	case ITEM_TITLE:
	case ITEM_SPEC:
		fputs(item->kind == ITEM_TITLE ? "title" : "spec", out);
		for (name = item->strings; name; name = name->next)
			dump_string(out, name->name);
		break;
	case ITEM_WORD: fprintf(out, "word %s %s", item->name, item->name2); break;
	case ITEM_RESERVED: fprintf(out, "reserved raises %s", item->name); break;
	case ITEM_INPUT:
	case ITEM_OUTPUT:
		fprintf(out, "%s %s", item->kind == ITEM_INPUT ? "input" : "output", item->name);
		dump_bits(out, item->bits);
		dump_options(out, item->opts);
		break;
	case ITEM_PARAM:
		fprintf(out, "%sparam %s in ", item->is_static ? "static " : "", item->name);
		dump_set(out, item->set);
		dump_clause(out, "=", item->expr);
		dump_doc(out, item->doc);
		break;
	case ITEM_FEATURE:
	case ITEM_QUIRK:
		fprintf(out, "%s %s", item->kind == ITEM_FEATURE ? "feature" : "quirk", item->name);
		dump_clause(out, "=", item->expr);
		dump_doc(out, item->doc);
		break;
	case ITEM_ADDRESS:
		fprintf(out, "address %s", item->name);
		dump_doc(out, item->doc);
		break;
	case ITEM_LET:
	case ITEM_SET:
		fprintf(out, "%s %s", item->kind == ITEM_LET ? "let" : "set", item->name);
		dump_clause(out, "=", item->expr);
		dump_doc(out, item->doc);
		break;
	case ITEM_REQUIRE:
		fputs("require ", out);
		dump_expr(out, item->expr);
		dump_string(out, item->text);
		break;
	case ITEM_ROOT:
		fputs("root", out);
		dump_options(out, item->opts);
		break;
	case ITEM_LEVEL: dump_level(out, item); return;
	case ITEM_FIELDS:
		fprintf(out, "fields %s", item->name);
		dump_uses(out, item->uses);
		dump_lines(out, item->lines);
		return;
	case ITEM_ENTRY:
		fprintf(out, "entry %s %s", categories[item->category], item->name);
		dump_uses(out, item->uses);
		dump_options(out, item->opts);
		dump_doc(out, item->doc);
		dump_lines(out, item->lines);
		return;
	case ITEM_CODE:
		fprintf(out, "%s %s (", concepts[item->concept], item->name);
		for (col = item->cols; col; col = col->next) {
			fputs(col->name, out);
			dump_bits(out, col->slice);
			fputs(col->next ? ", " : ")", out);
		}
		dump_clause(out, "if", item->cond);
		dump_rows(out, item->rows);
		return;
	case ITEM_ROUND:
		fputs("round", out);
		if (item->expr) {
			fputc(' ', out);
			dump_expr(out, item->expr);
		}
		fputs(item->adds ? " adds" : " drops", out);
		for (name = item->letters; name; name = name->next)
			fprintf(out, " %s", name->name);
		dump_clause(out, "if", item->cond);
		break;
	case ITEM_REFUSE:
		fputs("refuse ", out);
		dump_expr(out, item->expr);
		dump_clause(out, "if", item->cond);
		break;
	case ITEM_NEVER:
		fprintf(out, "never %s when %s", item->name, item->name2);
		dump_clause(out, "if", item->cond);
		dump_doc(out, item->doc);
		break;
	case ITEM_RESIZE:
		fputs("resize live", out);
		dump_clause(out, "if", item->cond);
		break;
	case ITEM_REGISTER:
		fprintf(out, "register %s %s", item->name, item->name2);
		dump_clause(out, "if", item->cond);
		dump_doc(out, item->doc);
		dump_lines(out, item->lines);
		return;
	case ITEM_WITHOUT:
		fprintf(out, "without %s%s%s", item->name2, item->name ? " " : "", item->name ? item->name : "");
		break;
	case ITEM_EXAMPLE: dump_example(out, item); return;
	}
	fputs(";\n", out);
}

void ast_dump(FILE *out, const struct ast_file *file)
{
	const struct ast_format *format;
	const struct ast_item *item;

	if (file->language)
		fprintf(out, "language %d;\n", file->language);
	for (format = file->formats; format; format = format->next) {
		fprintf(out, "%s %s", format->is_family ? "family" : "format", format->name);
		if (format->base)
			fprintf(out, " : %s", format->base);
		fputs(" {\n", out);
		for (item = format->items; item; item = item->next)
			dump_item(out, item);
		fputs("}\n", out);
	}
}

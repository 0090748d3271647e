/* SPDX-License-Identifier: MIT */
/* model_dump.c - the flat model as text (--dump=model): stable, so that goldens can be kept of it. */
#include <inttypes.h>

#include "codec.h"
#include "model.h"

/* ------------------------------------------------------------------------------------------------------ expressions */

static int strength(unsigned int op)
{
	switch ((enum m_op)op) {
	case X_COND: return 1;
	case X_OR: return 2;
	case X_AND: return 3;
	case X_EQ:
	case X_NE:
	case X_LT:
	case X_GT:
	case X_LE:
	case X_GE: return 4;
	case X_SHL:
	case X_SHR: return 5;
	case X_ADD:
	case X_SUB: return 6;
	case X_MUL:
	case X_DIV:
	case X_MOD: return 7;
	case X_NOT:
	case X_NEG: return 8;
	default: return 9;
	}
}

static const char *request_letter(int bit)
{
	static const char *const letters[] = {"r", "w", "x", "p", "g"};

	for (int i = 0; i < 5; i++)
		if (bit == 1 << i)
			return letters[i];
	return "?";
}

static void print_number(FILE *out, int64_t k)
{
	if (k > -65536 && k < 65536)
		fprintf(out, "%" PRId64, k);
	else
		fprintf(out, "0x%" PRIx64, (uint64_t)k);
}

static void print_at(FILE *out, const struct model *model, ref expr, int outer)
{
	static const char *const ops[] = {
		[X_OR] = "||", [X_AND] = "&&", [X_EQ] = "==", [X_NE] = "!=",  [X_LT] = "<",
		[X_GT] = ">",  [X_LE] = "<=",  [X_GE] = ">=", [X_SHL] = "<<", [X_SHR] = ">>",
		[X_ADD] = "+", [X_SUB] = "-",  [X_MUL] = "*", [X_DIV] = "/",  [X_MOD] = "%",
	};
	const struct m_expr *e;
	int own;

	if (expr == REF_NONE) {
		fputs("-", out);
		return;
	}
	e = &model->exprs.v[expr];
	own = strength(e->op);
	if (own < outer)
		fputc('(', out);
	switch ((enum m_op)e->op) {
	case X_CONST: print_number(out, e->k); break;
	case X_PARAM: fputs(model->params.v[e->a].name, out); break;
	case X_FIELD: fputs(e->a < 0 ? "?" : model->fields.v[e->a].name, out); break;
	case X_BITS: fprintf(out, "[%d:%d]", (int)e->a, (int)e->b); break;
	case X_RIGHT: fputs(request_letter((int)e->a), out); break;
	case X_ADDRESS: fprintf(out, "%s[%d:%d]", model->addresses.v[e->a].name, (int)e->b, (int)e->c); break;
	case X_COND:
		print_at(out, model, e->a, own + 1);
		fputs(" ? ", out);
		print_at(out, model, e->b, own);
		fputs(" : ", out);
		print_at(out, model, e->c, own);
		break;
	case X_NOT:
	case X_NEG:
		fputc(e->op == X_NOT ? '!' : '-', out);
		print_at(out, model, e->a, own);
		break;
	default:
		print_at(out, model, e->a, own);
		fprintf(out, " %s ", ops[e->op]);
		print_at(out, model, e->b, own + 1);
		break;
	}
	if (own < outer)
		fputc(')', out);
}

void model_print_expr(FILE *out, const struct model *model, ref expr)
{
	print_at(out, model, expr, 0);
}

/* " word EXPR", nothing when there is none */
static void clause(FILE *out, const struct model *model, const char *word, ref expr)
{
	if (expr == REF_NONE)
		return;
	fprintf(out, " %s ", word);
	model_print_expr(out, model, expr);
}

static void print_rights(FILE *out, unsigned int rights)
{
	unsigned int privileged = rights & 7, user = rights >> 3 & 7;

	for (int side = 0; side < 2; side++) {
		unsigned int bits = side ? user : privileged;

		fprintf(out, "%s%s%s%s", bits & 1 ? "r" : "", bits & 2 ? "w" : "", bits & 4 ? "x" : "",
			bits ? "" : "-");
		if (!side)
			fputc('/', out);
	}
	if (rights & RIGHT_GLOBAL)
		fputs("+g", out);
}

static void print_request(FILE *out, unsigned int request)
{
	for (int i = 0; i < 5; i++)
		if (request >> i & 1)
			fputs(request_letter(1 << i), out);
	fprintf(out, "%s%s%s", request & M_NONCACHED ? " noncached" : "", request & M_DEVICE ? " device" : "",
		request & M_NONSHAREABLE ? " nonshareable" : "");
}

/* ----------------------------------------------------------------------------------------------------------- tables */

static void dump_params(FILE *out, const struct model *model)
{
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *param = &model->params.v[i];

		fprintf(out, "%s %s in {",
			param->feature	   ? "feature"
			: param->is_static ? "static param"
					   : "param",
			param->name);
		for (int k = 0; k < param->n_ranges; k++) {
			const struct m_range *range = &model->ranges.v[param->first_range + k];

			fprintf(out, "%s%" PRId64, k ? ", " : "", range->first);
			if (range->last != range->first)
				fprintf(out, "..%" PRId64, range->last);
		}
		fputc('}', out);
		if (param->bound)
			fprintf(out, " bound %" PRId64, param->value);
		else
			clause(out, model, "default", param->dflt);
		fputc('\n', out);
	}
	for (int i = 0; i < model->addresses.n; i++)
		fprintf(out, "address %s\n", model->addresses.v[i].name);
	for (int i = 0; i < model->requires.n; i++) {
		fprintf(out, "require");
		clause(out, model, "that", model->requires.v[i].cond);
		fputc('\n', out);
	}
}

static void dump_space(FILE *out, const struct model *model)
{
	static const char *const above[] = {"zero", "sign", "ones", "any"};
	const struct m_input *in = &model->input;

	fprintf(out, "input %s", in->name);
	clause(out, model, "hi", in->hi);
	for (int i = 0; i < in->n_above; i++) {
		fprintf(out, " above %s", above[in->above[i].above]);
		clause(out, model, "if", in->above[i].cond);
	}
	clause(out, model, "aperture", in->aperture_first);
	clause(out, model, "to", in->aperture_last);
	clause(out, model, "base", in->base);
	if (in->fault != REF_NONE)
		fprintf(out, " raises %s", model->faults.v[in->fault].name);
	fprintf(out, "\noutput %s", model->output.name);
	clause(out, model, "hi", model->output.hi);
	clause(out, model, "base", model->output.base);
	clause(out, model, "window", model->output.window);
	if (model->output.fault != REF_NONE)
		fprintf(out, " raises %s", model->faults.v[model->output.fault].name);
	fprintf(out, "\nroot");
	clause(out, model, "start", model->root.start);
	clause(out, model, "count", model->root.count);
	clause(out, model, "align", model->root.align);
	if (model->root.size_used)
		fprintf(out, " or size");
	clause(out, model, "table", model->root.table);
	if (model->root.grows != REF_NONE)
		fprintf(out, " grows %s", model->params.v[model->root.grows].name);
	if (model->reserved_fault != REF_NONE)
		fprintf(out, "\nreserved raises %s", model->faults.v[model->reserved_fault].name);
	if (model->resize_said) {
		fprintf(out, "\nresize live");
		clause(out, model, "if", model->resize_live);
	}
	fputc('\n', out);
}

static void dump_slice(FILE *out, const struct model *model, const struct m_slice *slice, const char *address)
{
	static const char *const roles[] = {"res0", "res1", "ignored", "software", "=", "field", "address", "root"};
	static const char *const flags[] = {"live", "keep", "synced", "accessed", "dirty"};
	char range[16];

	snprintf(range, sizeof(range), slice->hi == slice->lo ? "[%d]" : "[%d:%d]", slice->hi, slice->lo);
	fprintf(out, "      %-8s", range);
	if (slice->role == ROLE_ADDRESS || slice->role == ROLE_ROOT)
		fprintf(out, " %s%s%s[%d:%d]", slice->via ? slice->via : "", slice->via ? "." : "",
			slice->role == ROLE_ROOT ? "root" : address, slice->to + slice->hi - slice->lo, slice->to);
	else if (slice->field != REF_NONE)
		fprintf(out, " %s[%d:%d]", model->fields.v[slice->field].name, slice->to + slice->hi - slice->lo,
			slice->to);
	if (slice->role < ROLE_CONST)
		fprintf(out, " %s", roles[slice->role]);
	if (slice->role == ROLE_CONST)
		clause(out, model, "=", slice->value);
	clause(out, model, "in", slice->in);
	clause(out, model, "default", slice->dflt);
	if (slice->allows) {
		fprintf(out, " allows ");
		print_rights(out, slice->allows);
	}
	if (slice->denies) {
		fprintf(out, " denies ");
		print_rights(out, slice->denies);
	}
	for (int i = 0; i < 5; i++)
		if (slice->flags >> i & 1)
			fprintf(out, " %s", flags[i]);
	clause(out, model, "by", slice->by);
	clause(out, model, "marks", slice->marks);
	if (slice->or_field != REF_NONE)
		fprintf(out, " or %s", model->fields.v[slice->or_field].name);
	clause(out, model, "if", slice->cond);
	fputc('\n', out);
}

static void dump_kind(FILE *out, const struct model *model, const struct m_kind *kind)
{
	static const char *const categories[] = {"absent", "fault", "null", "table", "leaf"};

	fprintf(out, "    %s %s", categories[kind->category], kind->name);
	if (kind->category == CATEGORY_LEAF)
		fprintf(out, " lg2 %d", kind->lg2);
	if (kind->group != GROUP_NONE)
		fprintf(out, " %s 2^%d", kind->group == GROUP_REPEAT ? "repeat" : "contig", kind->group_lg2);
	if (kind->row != REF_NONE)
		fprintf(out, " row %d k %" PRId64, (int)kind->row, kind->row_k);
	clause(out, model, "if", kind->present);
	clause(out, model, "when", kind->when);
	if (kind->fault != REF_NONE)
		fprintf(out, " raises %s", model->faults.v[kind->fault].name);
	fputc('\n', out);
	for (int i = 0; i < kind->n_slices; i++)
		dump_slice(out, model, &model->slices.v[kind->first_slice + i], model->output.name);
	for (int i = 0; i < kind->n_next; i++) {
		const struct m_next *next = &model->nexts.v[kind->first_next + i];

		fprintf(out, "      next %s%s%s", next->via ? next->via : "", next->via ? ": " : "",
			model->levels.v[next->level].name);
		clause(out, model, "if", next->cond);
		fputc('\n', out);
	}
}

static void dump_level(FILE *out, const struct model *model, const struct m_level *level)
{
	fprintf(out, "  level %s item %s number %d index [%d:%d] word u%d %s table %u align %u", level->name,
		level->item, level->number, level->hi, level->lo, level->entry_bytes * 8,
		level->host_endian  ? "host"
		: level->big_endian ? "big"
				    : "little",
		level->table_bytes, level->align);
	if (level->every_lg2)
		fprintf(out, " every 2^%d", level->every_lg2);
	if (level->first_index || level->last_index != (uint32_t)(((uint64_t)1 << (level->hi - level->lo + 1)) - 1))
		fprintf(out, " limit %u..%u", level->first_index, level->last_index);
	fputc('\n', out);
	for (int i = 0; i < level->n_kinds; i++)
		dump_kind(out, model, &model->kinds.v[level->first_kind + i]);
}

static void dump_code(FILE *out, const struct model *model, const struct m_code *code)
{
	static const char *const concepts[] = {"prot", "memtype", "dirty"};
	static const char *const memory[] = {"cached", "noncached", "device", "nonshareable", "other"};

	fprintf(out, "%s %s (", concepts[code->concept], code->name);
	for (int i = 0; i < code->n_cols; i++)
		fprintf(out, "%s%s[%d:%d]", i ? ", " : "", model->fields.v[code->col[i].field].name, code->col[i].hi,
			code->col[i].lo);
	fputc(')', out);
	clause(out, model, "if", code->cond);
	if (code->concept == CONCEPT_PROT) {
		fprintf(out, " occurs ");
		print_rights(out, code->occurs);
	}
	fputc('\n', out);
	for (int i = 0; i < code->n_rows; i++) {
		const struct m_row *row = &model->rows.v[code->first_row + i];

		fputs("   ", out);
		for (int k = 0; k < code->n_cols; k++) {
			if (row->any[k])
				fputs(" -", out);
			else
				fprintf(out, " %" PRId64, row->cell[k]);
		}
		fputs(row->two_way ? " <-> " : " -> ", out);
		if (code->concept == CONCEPT_PROT)
			print_rights(out, row->rights);
		else if (code->concept == CONCEPT_MEMTYPE)
			fputs(memory[row->memory], out);
		else
			fputs(row->dirty ? "dirty" : "clean", out);
		fputc('\n', out);
	}
}

static void dump_rule(FILE *out, const struct model *model, const struct m_rule *rule)
{
	fputs(rule->refuse ? "refuse" : "round", out);
	clause(out, model, "when", rule->when);
	if (rule->adds) {
		fputs(" adds ", out);
		print_request(out, rule->adds);
	}
	if (rule->drops) {
		fputs(" drops ", out);
		print_request(out, rule->drops);
	}
	clause(out, model, "if", rule->cond);
	fputc('\n', out);
}

static void dump_never(FILE *out, const struct model *model, const struct m_never *never)
{
	fputs("never ", out);
	print_rights(out, never->rights);
	fputs(" when ", out);
	print_rights(out, never->when);
	clause(out, model, "if", never->cond);
	fputc('\n', out);
}

static void dump_example(FILE *out, const struct model *model, const struct m_example *example)
{
	static const char *const whats[] = {"", "address", "input", "size", "prot", "memtype"};

	fprintf(out, "example 0x%" PRIx64, example->word[0]);
	if (example->word[1])
		fprintf(out, " + 2^64 * 0x%" PRIx64, example->word[1]);
	fprintf(out, " = %s at %s", example->kind, example->level);
	for (int i = 0; i < example->n_binds; i++) {
		const struct m_assign *bind = &model->assigns.v[example->first_bind + i];

		fprintf(out, " (%s = %" PRId64 ")", model->params.v[bind->index].name, bind->value);
	}
	for (int i = 0; i < example->n_sets; i++) {
		const struct m_assign *set = &model->assigns.v[example->first_set + i];

		fprintf(out, " %s = ", set->what == SET_FIELD ? model->fields.v[set->index].name : whats[set->what]);
		if (set->what == SET_PROT)
			print_request(out, (unsigned int)set->value);
		else
			print_number(out, set->value);
		fputc(';', out);
	}
	fputc('\n', out);
}

void model_dump(FILE *out, const struct model *model)
{
	fprintf(out, "format %s", model->name);
	if (model->base)
		fprintf(out, " : %s", model->base);
	fprintf(out, " \"%s\"\n", model->title);
	for (int i = 0; i < model->spec.n; i++)
		fprintf(out, "spec \"%s\"\n", model->spec.v[i]);
	dump_params(out, model);
	dump_space(out, model);
	for (int i = 0; i < model->shapes.n; i++) {
		const struct m_shape *shape = &model->shapes.v[i];

		fprintf(out, "shape \"%s\"", shape->name);
		clause(out, model, "when", shape->when);
		fputc('\n', out);
		for (int k = 0; k < shape->n_levels; k++)
			dump_level(out, model, &model->levels.v[shape->first_level + k]);
	}
	for (int i = 0; i < model->codes.n; i++)
		dump_code(out, model, &model->codes.v[i]);
	for (int i = 0; i < model->rules.n; i++)
		dump_rule(out, model, &model->rules.v[i]);
	for (int i = 0; i < model->nevers.n; i++)
		dump_never(out, model, &model->nevers.v[i]);
	for (int i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];

		fprintf(out, "register %s u%d", reg->name, reg->bits);
		clause(out, model, "if", reg->cond);
		fputc('\n', out);
		for (int k = 0; k < reg->n_slices; k++)
			dump_slice(out, model, &model->slices.v[reg->first_slice + k], model->output.name);
	}
	for (int i = 0; i < model->examples.n; i++)
		dump_example(out, model, &model->examples.v[i]);
	fputc('\n', out);
}

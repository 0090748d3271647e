/* SPDX-License-Identifier: MIT */
/*
 * emit_json.c - the whole flat model as JSON, as docs/format.schema.json says. Expressions are integers where they are
 * constant and small, else strings in the syntax of the language, each of which is a key of the member "expressions";
 * words and addresses are strings ("0x..."), since 64-bit values do not fit the integers of JSON; what does not apply
 * is left out. Order is that of the model, so equal input gives equal bytes.
 */
#include "json_text.h"
#include "stages.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct json {
	struct context *context;
	const struct model *model;
	json_t *trees; /* of the expressions so far: text -> tree */
};

static json_t *must(struct json *j, json_t *value)
{
	if (!value) {
		diag_usage(j->context, "out of memory");
		exit(2);
	}
	return value;
}

static void put(struct json *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, must(j, value)))
		must(j, NULL);
}

static void append(struct json *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, must(j, value)))
		must(j, NULL);
}

static json_t *string(const char *text)
{
	return json_string(text);
}

static void put_string(struct json *j, json_t *object, const char *key, const char *text)
{
	if (text)
		put(j, object, key, string(text));
}

static void put_integer(struct json *j, json_t *object, const char *key, int64_t value)
{
	put(j, object, key, json_integer(value));
}

static json_t *word(struct json *j, const uint64_t half[2])
{
	struct arena *arena = j->context->arena;

	if (half[1])
		return string(arena_printf(arena, "0x%" PRIx64 "%016" PRIx64, half[1], half[0]));
	return string(arena_printf(arena, "0x%" PRIx64, half[0]));
}

static json_t *number(struct json *j, uint64_t value)
{
	return string(arena_printf(j->context->arena, "0x%" PRIx64, value));
}

static json_t *constant(struct json *j, int64_t k)
{
	return k >= -0xffffffffLL && k <= 0xffffffffLL ? json_integer(k) : number(j, (uint64_t)k);
}

static const char *const request_letters[] = {"r", "w", "x", "p", "g", "noncached", "device", "nonshareable"};
enum { N_REQUEST_LETTERS = sizeof(request_letters) / sizeof(request_letters[0]) };

static const char *request_letter(ref right)
{
	int i;

	for (i = 0; i < N_REQUEST_LETTERS; i++)
		if (right == 1 << i)
			return request_letters[i];
	return "?";
}

/* An expression as a tree: a number, or an array of an operator and its operands. */
static json_t *tree(struct json *j, ref at)
{
	static const char *const operators[] = {
		[X_OR] = "||", [X_AND] = "&&", [X_EQ] = "==",  [X_NE] = "!=",  [X_LT] = "<",  [X_GT] = ">",
		[X_LE] = "<=", [X_GE] = ">=",  [X_SHL] = "<<", [X_SHR] = ">>", [X_ADD] = "+", [X_SUB] = "-",
		[X_MUL] = "*", [X_DIV] = "/",  [X_MOD] = "%",  [X_COND] = "?", [X_NOT] = "!", [X_NEG] = "neg",
	};
	const struct model *model = j->model;
	const struct m_expr *e = &model->exprs.v[at];
	json_t *list;

	if (e->op == X_CONST)
		return constant(j, e->k);
	list = must(j, json_array());
	switch ((enum m_op)e->op) {
	case X_PARAM:
		append(j, list, string("param"));
		append(j, list, string(model->params.v[e->a].name));
		break;
	case X_FIELD:
		append(j, list, string("field"));
		append(j, list, string(model->fields.v[e->a].name));
		break;
	case X_BITS:
		append(j, list, string("bits"));
		append(j, list, json_integer(e->a));
		append(j, list, json_integer(e->b));
		break;
	case X_RIGHT:
		append(j, list, string("request"));
		append(j, list, string(request_letter(e->a)));
		break;
	case X_ADDRESS:
		append(j, list, string("address"));
		append(j, list, string(model->addresses.v[e->a].name));
		append(j, list, json_integer(e->b));
		append(j, list, json_integer(e->c));
		break;
	default:
		append(j, list, string(operators[e->op]));
		append(j, list, tree(j, e->a));
		if (e->op != X_NOT && e->op != X_NEG)
			append(j, list, tree(j, e->b));
		if (e->op == X_COND)
			append(j, list, tree(j, e->c));
		break;
	}
	return list;
}

/* A number, or the text of the expression, whose tree is then in the table. */
static json_t *expr(struct json *j, ref at)
{
	const char *text = expr_text(j->context->arena, j->model, at), *key = text;
	json_t *whole, *other;
	int64_t k;
	int i;

	if (expr_constant(j->model, at, &k))
		return constant(j, k);
	whole = must(j, tree(j, at));
	/* A parameter and a field may have the same name, and then the same text stands for two things. */
	for (i = 2; (other = json_object_get(j->trees, key)) && !json_equal(other, whole); i++)
		key = arena_printf(j->context->arena, "%s #%d", text, i);
	put(j, j->trees, key, whole);
	return string(key);
}

static void put_expr(struct json *j, json_t *object, const char *key, ref at)
{
	if (at != REF_NONE)
		put(j, object, key, expr(j, at));
}

/* The fault's name; without one, that of the fault it is then. */
static void put_fault(struct json *j, json_t *object, const char *key, ref fault, int otherwise)
{
	put_string(j, object, key, j->model->faults.v[fault == REF_NONE ? otherwise : fault].name);
}

/* PT_RIGHT_* bits as a list. */
static json_t *rights(struct json *j, unsigned int bits)
{
	static const char *const names[] = {"pr", "pw", "px", "ur", "uw", "ux", "g"};
	json_t *list = must(j, json_array());
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & 1u << i)
			append(j, list, string(names[i]));
	return list;
}

/* -------------------------------------------------------------------------------------------------------- the parts */

static json_t *params(struct json *j)
{
	const struct model *model = j->model;
	json_t *list = must(j, json_array());
	int i, k;

	for (i = 0; i < model->params.n; i++) {
		const struct m_param *param = &model->params.v[i];
		json_t *object = must(j, json_object()), *set = must(j, json_array());

		put_string(j, object, "name", param->name);
		put_string(j, object, "doc", param->doc);
		put(j, object, "feature", json_boolean(param->feature));
		put(j, object, "static", json_boolean(param->is_static));
		for (k = 0; k < param->n_ranges; k++) {
			const struct m_range *range = &model->ranges.v[param->first_range + k];

			append(j, set, json_pack("[I,I]", (json_int_t)range->first, (json_int_t)range->last));
		}
		put(j, object, "set", set);
		put_expr(j, object, "default", param->dflt);
		put_string(j, object, "default_text", param->default_text);
		if (param->bound)
			put_integer(j, object, "bound", param->value);
		append(j, list, object);
	}
	return list;
}

static json_t *input(struct json *j)
{
	static const char *const above[] = {
		[ABOVE_ZERO] = "zero",
		[ABOVE_SIGN] = "sign",
		[ABOVE_ONES] = "ones",
		[ABOVE_ANY] = "any",
	};
	const struct m_input *in = &j->model->input;
	json_t *object = must(j, json_object()), *rules = must(j, json_array());
	int i;

	put_string(j, object, "name", in->name);
	put_expr(j, object, "hi", in->hi);
	for (i = 0; i < in->n_above; i++) {
		json_t *rule = must(j, json_object());

		put_string(j, rule, "above", above[in->above[i].above]);
		put_expr(j, rule, "if", in->above[i].cond);
		append(j, rules, rule);
	}
	put(j, object, "above", rules);
	put_expr(j, object, "aperture_first", in->aperture_first);
	put_expr(j, object, "aperture_last", in->aperture_last);
	put_expr(j, object, "base", in->base);
	put_fault(j, object, "fault", in->fault, FAULT_ADDRESS);
	return object;
}

static json_t *output(struct json *j)
{
	const struct m_output *out = &j->model->output;
	json_t *object = must(j, json_object());

	put_string(j, object, "name", out->name);
	put_expr(j, object, "hi", out->hi);
	put_expr(j, object, "base", out->base);
	put_expr(j, object, "window", out->window);
	put_fault(j, object, "fault", out->fault, FAULT_ADDRESS);
	return object;
}

static json_t *root(struct json *j)
{
	const struct m_root *r = &j->model->root;
	json_t *object = must(j, json_object());

	put_expr(j, object, "start", r->start);
	put_expr(j, object, "count", r->count);
	put_expr(j, object, "align", r->align);
	put(j, object, "at_least_its_size", json_boolean(r->size_used));
	put_expr(j, object, "table", r->table);
	if (r->grows != REF_NONE)
		put_string(j, object, "grows", j->model->params.v[r->grows].name);
	return object;
}

static void put_flags(struct json *j, json_t *object, const struct m_slice *slice)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} flags[] = {{SLICE_LIVE, "live"},
		     {SLICE_KEEP, "keep"},
		     {SLICE_SYNCED, "synced"},
		     {SLICE_ACCESSED, "accessed"},
		     {SLICE_DIRTY, "dirty"}};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (slice->flags & flags[i].flag)
			put(j, object, flags[i].name, json_true());
	if (slice->allows)
		put(j, object, "allows", rights(j, slice->allows));
	if (slice->denies)
		put(j, object, "denies", rights(j, slice->denies));
}

static json_t *slices(struct json *j, ref first, int n)
{
	static const char *const roles[] = {
		[ROLE_RES0] = "res0",	      [ROLE_RES1] = "res1",   [ROLE_IGNORED] = "ignored",
		[ROLE_SOFTWARE] = "software", [ROLE_CONST] = "const", [ROLE_FIELD] = "field",
		[ROLE_ADDRESS] = "address",   [ROLE_ROOT] = "root",
	};
	const struct model *model = j->model;
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < n; i++) {
		const struct m_slice *slice = &model->slices.v[first + i];
		json_t *object = must(j, json_object());

		put_integer(j, object, "hi", slice->hi);
		put_integer(j, object, "lo", slice->lo);
		put_string(j, object, "role", roles[slice->role]);
		if (slice->field != REF_NONE)
			put_string(j, object, "field", model->fields.v[slice->field].name);
		if (slice->role == ROLE_FIELD || slice->role == ROLE_ADDRESS || slice->role == ROLE_ROOT ||
		    slice->field != REF_NONE)
			put_integer(j, object, "to", slice->to);
		put_string(j, object, "via", slice->via);
		put_expr(j, object, "value", slice->value);
		put_expr(j, object, "in", slice->in);
		put_expr(j, object, "default", slice->dflt);
		put_flags(j, object, slice);
		put_expr(j, object, "by", slice->by);
		put_expr(j, object, "marks", slice->marks);
		if (slice->or_field != REF_NONE)
			put_string(j, object, "or", model->fields.v[slice->or_field].name);
		put_expr(j, object, "if", slice->cond);
		put_string(j, object, "doc", slice->doc);
		append(j, list, object);
	}
	return list;
}

static json_t *nexts(struct json *j, const struct m_kind *kind)
{
	const struct model *model = j->model;
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < kind->n_next; i++) {
		const struct m_next *next = &model->nexts.v[kind->first_next + i];
		json_t *object = must(j, json_object());

		put_string(j, object, "via", next->via);
		if (next->level != REF_NONE) {
			put_integer(j, object, "level", next->level);
			put_string(j, object, "name", model->levels.v[next->level].name);
		}
		put_expr(j, object, "if", next->cond);
		append(j, list, object);
	}
	return list;
}

static json_t *kinds(struct json *j, const struct m_level *level)
{
	static const char *const groups[] = {[GROUP_REPEAT] = "repeat", [GROUP_CONTIG] = "contig"};
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < level->n_kinds; i++) {
		const struct m_kind *kind = &j->model->kinds.v[level->first_kind + i];
		json_t *object = must(j, json_object());

		put_string(j, object, "name", kind->name);
		put_string(j, object, "category", category_text(kind->category));
		put_string(j, object, "doc", kind->doc);
		if (kind->category == CATEGORY_LEAF)
			put_integer(j, object, "lg2", kind->lg2);
		if (kind->group != GROUP_NONE)
			put_integer(j, object, groups[kind->group], (int64_t)1 << kind->group_lg2);
		if (kind->row != REF_NONE) {
			put_integer(j, object, "row", kind->row);
			put_integer(j, object, "row_value", kind->row_k);
		}
		put_expr(j, object, "if", kind->present);
		put_expr(j, object, "when", kind->when);
		if (kind->category != CATEGORY_TABLE && kind->category != CATEGORY_LEAF)
			put_fault(j, object, "fault", kind->fault, FAULT_ABSENT);
		put(j, object, "lines", slices(j, kind->first_slice, kind->n_slices));
		if (kind->n_next)
			put(j, object, "next", nexts(j, kind));
		append(j, list, object);
	}
	return list;
}

static json_t *levels(struct json *j, const struct m_shape *shape)
{
	json_t *list = must(j, json_array());
	int i, k;

	for (i = 0; i < shape->n_levels; i++) {
		const struct m_level *level = &j->model->levels.v[shape->first_level + i];
		json_t *object = must(j, json_object());

		put_integer(j, object, "level", shape->first_level + i);
		put_string(j, object, "name", level->name);
		put_string(j, object, "item", level->item);
		put_integer(j, object, "number", level->number);
		if (level->n_args) {
			json_t *args = must(j, json_array());

			for (k = 0; k < level->n_args; k++)
				append(j, args, json_integer(level->args[k]));
			put(j, object, "args", args);
		}
		put_integer(j, object, "hi", level->hi);
		put_integer(j, object, "lo", level->lo);
		put_integer(j, object, "entry_bytes", level->entry_bytes);
		put_string(j, object, "order", level->host_endian ? "host" : level->big_endian ? "big" : "little");
		put_integer(j, object, "every", (int64_t)1 << level->every_lg2);
		put_integer(j, object, "table_bytes", level->table_bytes);
		put_integer(j, object, "align", level->align);
		put_integer(j, object, "first_index", level->first_index);
		put_integer(j, object, "last_index", level->last_index);
		put(j, object, "kinds", kinds(j, level));
		append(j, list, object);
	}
	return list;
}

static json_t *shapes(struct json *j)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < j->model->shapes.n; i++) {
		const struct m_shape *shape = &j->model->shapes.v[i];
		json_t *object = must(j, json_object());

		put_string(j, object, "name", shape->name);
		put_expr(j, object, "when", shape->when);
		put(j, object, "levels", levels(j, shape));
		append(j, list, object);
	}
	return list;
}

static json_t *row(struct json *j, const struct m_code *code, const struct m_row *r)
{
	static const char *const memory[] = {"cached", "noncached", "device", "nonshareable", "other"};
	json_t *object = must(j, json_object()), *cells = must(j, json_array());
	int i;

	for (i = 0; i < code->n_cols; i++)
		append(j, cells, r->any[i] ? json_null() : json_integer(r->cell[i]));
	put(j, object, "cells", cells);
	put(j, object, "two_way", json_boolean(r->two_way));
	if (code->concept == CONCEPT_PROT)
		put(j, object, "rights", rights(j, r->rights));
	else if (code->concept == CONCEPT_MEMTYPE)
		put_string(j, object, "memory", memory[r->memory]);
	else
		put(j, object, "dirty", json_boolean(r->dirty));
	return object;
}

static json_t *codes(struct json *j)
{
	const struct model *model = j->model;
	json_t *list = must(j, json_array());
	int i, k;

	for (i = 0; i < model->codes.n; i++) {
		const struct m_code *code = &model->codes.v[i];
		json_t *object = must(j, json_object()), *columns = must(j, json_array()),
		       *rows = must(j, json_array());

		put_string(j, object, "concept", concept_text(code->concept));
		put_string(j, object, "name", code->name);
		put_expr(j, object, "if", code->cond);
		for (k = 0; k < code->n_cols; k++) {
			json_t *column = must(j, json_object());

			put_string(j, column, "field", model->fields.v[code->col[k].field].name);
			put_integer(j, column, "hi", code->col[k].hi);
			put_integer(j, column, "lo", code->col[k].lo);
			append(j, columns, column);
		}
		put(j, object, "columns", columns);
		if (code->concept == CONCEPT_PROT)
			put(j, object, "decides", rights(j, code->occurs));
		for (k = 0; k < code->n_rows; k++)
			append(j, rows, row(j, code, &model->rows.v[code->first_row + k]));
		put(j, object, "rows", rows);
		append(j, list, object);
	}
	return list;
}

static json_t *letters(struct json *j, unsigned int bits)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < N_REQUEST_LETTERS; i++)
		if (bits & 1u << i)
			append(j, list, string(request_letters[i]));
	return list;
}

static json_t *rules(struct json *j)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < j->model->rules.n; i++) {
		const struct m_rule *rule = &j->model->rules.v[i];
		json_t *object = must(j, json_object());

		put_string(j, object, "rule", rule->refuse ? "refuse" : "round");
		put_expr(j, object, "when", rule->when);
		if (rule->adds)
			put(j, object, "adds", letters(j, rule->adds));
		if (rule->drops)
			put(j, object, "drops", letters(j, rule->drops));
		put_expr(j, object, "if", rule->cond);
		append(j, list, object);
	}
	return list;
}

static json_t *nevers(struct json *j)
{
	json_t *list = must(j, json_array());

	for (int i = 0; i < j->model->nevers.n; i++) {
		const struct m_never *never = &j->model->nevers.v[i];
		json_t *object = must(j, json_object());

		put(j, object, "rights", rights(j, never->rights));
		put(j, object, "when", rights(j, never->when));
		put_expr(j, object, "if", never->cond);
		if (never->doc)
			put_string(j, object, "doc", never->doc);
		append(j, list, object);
	}
	return list;
}

static json_t *requires(struct json *j)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < j->model->requires.n; i++) {
		json_t *object = must(j, json_object());

		put_expr(j, object, "holds", j->model->requires.v[i].cond);
		put_string(j, object, "why", j->model->requires.v[i].why);
		append(j, list, object);
	}
	return list;
}

static json_t *registers(struct json *j)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < j->model->registers.n; i++) {
		const struct m_register *reg = &j->model->registers.v[i];
		json_t *object = must(j, json_object());

		put_string(j, object, "name", reg->name);
		put_string(j, object, "doc", reg->doc);
		put_integer(j, object, "bits", reg->bits);
		put_expr(j, object, "if", reg->cond);
		put(j, object, "lines", slices(j, reg->first_slice, reg->n_slices));
		append(j, list, object);
	}
	return list;
}

static void put_assign(struct json *j, json_t *object, const struct m_assign *assign)
{
	static const char *const memory[] = {"cached", "noncached", "device", "nonshareable", "other"};
	const struct model *model = j->model;

	switch (assign->what) {
	case SET_FIELD: put(j, object, model->fields.v[assign->index].name, number(j, (uint64_t)assign->value)); break;
	case SET_ADDRESS: put(j, object, model->output.name, number(j, (uint64_t)assign->value)); break;
	case SET_INPUT: put(j, object, model->input.name, number(j, (uint64_t)assign->value)); break;
	case SET_SIZE: put(j, object, "size", number(j, (uint64_t)assign->value)); break;
	case SET_PROT: put(j, object, "prot", letters(j, (unsigned int)assign->value & 31)); break;
	case SET_MEMTYPE: put_string(j, object, "memtype", memory[assign->value]); break;
	}
}

static json_t *examples(struct json *j)
{
	const struct model *model = j->model;
	json_t *list = must(j, json_array());
	int i, k;

	for (i = 0; i < model->examples.n; i++) {
		const struct m_example *example = &model->examples.v[i];
		json_t *object = must(j, json_object()), *binds = must(j, json_object()),
		       *sets = must(j, json_object());

		put(j, object, "word", word(j, example->word));
		put_string(j, object, "kind", example->kind);
		put_string(j, object, "level", example->level);
		for (k = 0; k < example->n_binds; k++) {
			const struct m_assign *bind = &model->assigns.v[example->first_bind + k];

			put_integer(j, binds, model->params.v[bind->index].name, bind->value);
		}
		put(j, object, "params", binds);
		for (k = 0; k < example->n_sets; k++)
			put_assign(j, sets, &model->assigns.v[example->first_set + k]);
		put(j, object, "decodes", sets);
		put_string(j, object, "doc", example->doc);
		append(j, list, object);
	}
	return list;
}

static json_t *strings(struct json *j, const char *const *names, int n)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < n; i++)
		append(j, list, string(names[i]));
	return list;
}

static json_t *named(struct json *j, const struct m_name *names, int n)
{
	json_t *list = must(j, json_array());
	int i;

	for (i = 0; i < n; i++) {
		json_t *object = must(j, json_object());

		put_string(j, object, "name", names[i].name);
		put_string(j, object, "doc", names[i].doc);
		append(j, list, object);
	}
	return list;
}

void emit_json(struct context *context, const struct model *model, struct outputs *outputs)
{
	struct json j = {.context = context, .model = model, .trees = json_object()};
	json_t *top = must(&j, json_object());
	FILE *out = output_open(outputs, arena_printf(context->arena, "%s.json", emitted_name(context, model)));
	const char *slash = strrchr(model->source, '/');

	must(&j, j.trees);
	put_string(&j, top, "generator", "ptgen " PTGEN_VERSION);
	put_integer(&j, top, "language", PTGEN_LANGUAGE);
	put_string(&j, top, "name", model->name);
	put_string(&j, top, "title", model->title);
	put_string(&j, top, "source", slash ? slash + 1 : model->source);
	put_string(&j, top, "base", model->base);
	put(&j, top, "spec", strings(&j, model->spec.v, model->spec.n));
	put(&j, top, "params", params(&j));
	put(&j, top, "requires", requires(&j));
	put(&j, top, "input", input(&j));
	put(&j, top, "output", output(&j));
	put(&j, top, "root", root(&j));
	put(&j, top, "shapes", shapes(&j));
	put(&j, top, "codes", codes(&j));
	put(&j, top, "rules", rules(&j));
	put(&j, top, "never", nevers(&j));
	put(&j, top, "resize_live",
	    model->resize_said ? model->resize_live == REF_NONE ? json_true() : expr(&j, model->resize_live)
			       : json_false());
	put_fault(&j, top, "reserved_fault", model->reserved_fault, FAULT_RESERVED);
	put(&j, top, "faults", named(&j, model->faults.v, model->faults.n));
	put(&j, top, "addresses", named(&j, model->addresses.v, model->addresses.n));
	put(&j, top, "registers", registers(&j));
	put(&j, top, "examples", examples(&j));
	put(&j, top, "expressions", j.trees);
	if (!json_print(out, top))
		must(&j, NULL);
	json_decref(top);
}

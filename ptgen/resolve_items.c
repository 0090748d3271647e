/* SPDX-License-Identifier: MIT */
/* resolve_items.c - what stands outside of levels and entries: addresses, root, rules, codes, registers, examples. */
#include <string.h>

#include "codec.h"
#include "resolve.h"

/* Letters of a right: [u|p]{r,w,x} and g; a class alone means all its rights. */
bool rights_mask(const char *letters, uint8_t *mask)
{
	unsigned int classes = 0, rights = 0, global = 0;

	if (!letters)
		return false;
	for (const char *c = letters; *c; c++) {
		switch (*c) {
		case 'p': classes |= 1; break;
		case 'u': classes |= 2; break;
		case 'r': rights |= 1; break;
		case 'w': rights |= 2; break;
		case 'x': rights |= 4; break;
		case 'g': global = RIGHT_GLOBAL; break;
		default: return false;
		}
	}
	if (classes && !rights)
		rights = 7;
	if (!classes)
		classes = 3;
	*mask = (uint8_t)((classes & 1 ? rights : 0) | (classes & 2 ? rights << 3 : 0) | global);
	return letters[0] != 0;
}

/* ------------------------------------------------------------------------------------------------- input and output */

static ref high_bit(struct resolver *r, const struct ast_item *item)
{
	struct scope scope = scope_plain();
	int64_t lo = 0;

	if (!item->bits->lo || !settle(r, &scope, item->bits->lo, "the low bit of an address", &lo) || lo != 0) {
		if (complain(r, CHECK_BIT_RANGE, item->bits->span, "an address begins at bit 0"))
			diag_mend(r->context, "write %s[H:0], H being the number of its top bit", item->name);
		return REF_NONE;
	}
	return commit_expr(r, &scope, item->bits->hi);
}

static void add_above(struct resolver *r, const struct ast_opt *opt)
{
	static const char *const names[] = {"zero", "sign", "ones", "any"};
	struct scope scope = scope_plain();
	struct m_input *input = &r->model->input;
	bool never;
	ref cond = opt->cond ? resolve_expr(r, &scope, opt->cond) : REF_NONE;
	int how = 0;

	while (how < 4 && strcmp(opt->name, names[how]))
		how++;
	if (how == 4) {
		if (complain(r, CHECK_UNDEFINED_NAME, opt->span, "bits above the input cannot be '%s'", opt->name))
			diag_mend(r->context, "write zero, sign, ones or any");
		return;
	}
	cond = commit_cond(r, cond, &never);
	if (never)
		return;
	if (input->n_above == 4) {
		complain(r, CHECK_FORMAT, opt->span, "more than four rules for the bits above");
		return;
	}
	input->above[input->n_above].above = (enum m_above)how;
	input->above[input->n_above++].cond = cond;
}

void resolve_input_output(struct resolver *r)
{
	const struct ast_item *in = find_item(r, ITEM_INPUT, NULL), *out = find_item(r, ITEM_OUTPUT, NULL);
	const struct ast_item *reserved = find_item(r, ITEM_RESERVED, NULL), *resize = find_item(r, ITEM_RESIZE, NULL);
	struct scope scope = scope_plain();
	struct model *m = r->model;
	bool never;

	if (!in)
		complain(r, CHECK_FORMAT, r->format->name_span, "format '%s' has no input address", r->format->name);
	if (!out)
		complain(r, CHECK_FORMAT, r->format->name_span, "format '%s' has no output address", r->format->name);
	if (reserved)
		m->reserved_fault = fault_named(r, reserved->name);
	if (resize) {
		m->resize_live =
			commit_cond(r, resize->cond ? resolve_expr(r, &scope, resize->cond) : REF_NONE, &never);
		m->resize_said = !never;
	}
	if (in) {
		m->input.name = in->name;
		m->input.span = in->span;
		m->input.hi = high_bit(r, in);
	}
	for (const struct ast_opt *opt = in ? in->opts : NULL; opt; opt = opt->next) {
		switch (opt->kind) {
		case OPT_ABOVE: add_above(r, opt); break;
		case OPT_APERTURE:
			m->input.aperture_first = commit_expr(r, &scope, opt->a);
			m->input.aperture_last = commit_expr(r, &scope, opt->b);
			break;
		case OPT_BASE: m->input.base = commit_expr(r, &scope, opt->a); break;
		case OPT_RAISES: m->input.fault = fault_named(r, opt->name); break;
		default: break;
		}
	}
	if (out) {
		m->output.name = out->name;
		m->output.span = out->span;
		m->output.hi = high_bit(r, out);
	}
	for (const struct ast_opt *opt = out ? out->opts : NULL; opt; opt = opt->next) {
		switch (opt->kind) {
		case OPT_BASE: m->output.base = commit_expr(r, &scope, opt->a); break;
		case OPT_WINDOW: m->output.window = commit_expr(r, &scope, opt->a); break;
		case OPT_RAISES: m->output.fault = fault_named(r, opt->name); break;
		default: break;
		}
	}
	if (in && out && !strcmp(in->name, out->name))
		complain(r, CHECK_DUPLICATE_NAME, out->span, "input and output are both called '%s'", out->name);
}

/* ------------------------------------------------------------------------------------------------------------- root */

/* start NAME(a, b): the number of the level with these arguments. */
static ref start_with_args(struct resolver *r, const struct ast_expr *expr, const struct ast_item *item)
{
	struct scope scope = scope_plain();
	ref arg[2] = {REF_NONE, REF_NONE}, start = x_const(r->scratch, INT32_MIN);
	int n = 0, wanted = item->args && item->args->next ? 2 : 1;

	for (const struct ast_expr *e = expr->op == A_CALL ? expr->args : NULL; e; e = e->next, n++)
		if (n < 2)
			arg[n] = resolve_expr(r, &scope, e);
	if (n != wanted) {
		complain(r, CHECK_NEXT_LEVEL, expr->span, "level '%s' takes %d argument%s, not %d", item->name, wanted,
			 wanted == 1 ? "" : "s", n);
		return x_const(r->scratch, 0);
	}
	for (int i = r->places.n - 1; i >= 0; i--) {
		const struct place *place = &r->places.v[i];
		ref is;

		if (place->item != item)
			continue;
		is = x_binary(r->scratch, X_EQ, arg[0], x_const(r->scratch, place->vars[0]));
		if (wanted == 2)
			is = x_binary(r->scratch, X_AND, is,
				      x_binary(r->scratch, X_EQ, arg[1], x_const(r->scratch, place->vars[1])));
		start = x_cond(r->scratch, is, x_const(r->scratch, place->number), start);
	}
	return start;
}

static ref start_level(struct resolver *r, const struct ast_opt *opt)
{
	struct scope scope = scope_plain();
	const struct ast_item *item = NULL;

	if (!opt)
		return x_const(r->scratch, r->places.n ? r->places.v[0].number : 0);
	if (opt->a->op == A_NAME || opt->a->op == A_CALL)
		item = find_value(r, opt->a->name) ? NULL : level_item(r, opt->a->name);
	if (item && item->args)
		return start_with_args(r, opt->a, item);
	if (item)
		return x_const(r->scratch, place_named(r, item->name) ? place_named(r, item->name)->number : 0);
	return resolve_expr(r, &scope, opt->a);
}

void resolve_root(struct resolver *r)
{
	const struct ast_item *item = find_item(r, ITEM_ROOT, NULL);
	const struct ast_opt *start = item ? find_opt(item->opts, OPT_START) : NULL;
	struct m_root *root = &r->model->root;
	struct scope scope = scope_plain(), size = scope_plain();

	root->span = item ? item->span : r->format->name_span;
	size.size = true;
	if (r->places.n && !start && r->places.v[0].item->args)
		complain(r, CHECK_NEXT_LEVEL, root->span,
			 "the first level has arguments: the root must say which it starts at");
	r->start = start_level(r, start);
	root->start = commit(r, r->start);
	for (const struct ast_opt *opt = item ? item->opts : NULL; opt; opt = opt->next) {
		const struct value *value;

		switch (opt->kind) {
		case OPT_COUNT: root->count = commit_expr(r, &scope, opt->a); break;
		case OPT_ALIGN: root->align = commit_expr(r, &size, opt->a); break;
		case OPT_TABLE: root->table = commit_expr(r, &scope, opt->a); break;
		case OPT_GROWS:
			value = find_value(r, opt->name);
			if (value && value->kind == VALUE_PARAM)
				root->grows = value->index;
			else
				complain(r, CHECK_UNDEFINED_NAME, opt->span, "no parameter is called '%s'", opt->name);
			break;
		default: break;
		}
	}
	if (root->grows != REF_NONE && r->model->params.v[root->grows].bound)
		root->grows = REF_NONE;
	root->size_used = size.size_used;
}

/* ------------------------------------------------------------------------------------------------------------ rules */

bool request_letters(const char *text, unsigned int *bits)
{
	static const char letters[] = "rwxpg";

	if (!strcmp(text, "noncached")) {
		*bits |= M_NONCACHED;
		return true;
	}
	if (!strcmp(text, "device")) {
		*bits |= M_DEVICE;
		return true;
	}
	if (!strcmp(text, "nonshareable")) {
		*bits |= M_NONSHAREABLE;
		return true;
	}
	for (const char *c = text; *c; c++) {
		const char *at = strchr(letters, *c);

		if (!at)
			return false;
		*bits |= 1U << (at - letters);
	}
	return true;
}

void resolve_rules(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct m_rule rule = {.when = REF_NONE, .cond = REF_NONE, .span = item->span};
		struct scope scope = scope_plain();
		unsigned int bits = 0;
		bool never;
		int64_t k;

		if (item->kind != ITEM_ROUND && item->kind != ITEM_REFUSE)
			continue;
		rule.refuse = item->kind == ITEM_REFUSE;
		rule.cond = commit_cond(r, item->cond ? resolve_expr(r, &scope, item->cond) : REF_NONE, &never);
		scope.rights = true;
		if (item->expr)
			rule.when = commit_expr(r, &scope, item->expr);
		for (const struct ast_name *name = item->letters; name; name = name->next)
			if (!request_letters(name->name, &bits) &&
			    complain(r, CHECK_RIGHTS, name->span, "'%s' is nothing that a request asks for",
				     name->name))
				diag_mend(r->context, "letters of r w x p g, noncached, device, nonshareable");
		*(item->adds ? &rule.adds : &rule.drops) = (uint8_t)bits;
		if (never)
			continue;
		if (x_is_const(r->pool, rule.when, &k)) {
			if (!k)
				continue;
			rule.when = REF_NONE;
		}
		*ARRAY_ADD(r->arena, r->model->rules) = rule;
	}
}

/* Letters of rights of a path: global is not one that can be withheld. */
static bool path_rights(struct resolver *r, const char *letters, struct span span, uint8_t *rights)
{
	if (rights_mask(letters, rights) && !(*rights & RIGHT_GLOBAL))
		return true;
	if (complain(r, CHECK_RIGHTS, span, "'%s' are no rights of a path", letters))
		diag_mend(r->context,
			  "letters of r w x, behind p or u if one class is meant; u alone: all of the user's");
	return false;
}

void resolve_nevers(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct m_never never = {.cond = REF_NONE, .doc = item->doc, .span = item->span};
		struct scope scope = scope_plain();
		bool dead;

		if (item->kind != ITEM_NEVER)
			continue;
		never.cond = commit_cond(r, item->cond ? resolve_expr(r, &scope, item->cond) : REF_NONE, &dead);
		if (!path_rights(r, item->name, item->name_span, &never.rights) ||
		    !path_rights(r, item->name2, item->name2_span, &never.when))
			continue;
		if (never.rights & never.when) {
			if (complain(r, CHECK_RIGHTS, item->name_span,
				     "'never %s when %s': a right cannot be what withholds it", item->name,
				     item->name2))
				diag_mend(r->context,
					  "leave the letters that both have out of the first word, or name the "
					  "class: 'never px when uw'");
			continue;
		}
		if (!dead)
			*ARRAY_ADD(r->arena, r->model->nevers) = never;
	}
}

/*
 * Cached memory that is shared is right wherever cached memory that is not shared was asked for: a format in which no
 * table of codes has the latter need not say that it drops it. Codes are resolved.
 */
void resolve_shareability(struct resolver *r)
{
	struct m_rule rule = {.when = REF_NONE, .cond = REF_NONE, .drops = M_NONSHAREABLE, .span = r->model->span};
	int n;

	for (int i = 0; i < r->model->codes.n; i++) {
		const struct m_code *code = &r->model->codes.v[i];

		for (int k = 0; k < code->n_rows && code->concept == CONCEPT_MEMTYPE; k++)
			if (r->model->rows.v[code->first_row + k].memory == MEMORY_NONSHAREABLE)
				return;
	}
	/* Before all others: these see what the request has become. */
	*ARRAY_ADD(r->arena, r->model->rules) = rule;
	n = r->model->rules.n;
	memmove(r->model->rules.v + 1, r->model->rules.v, sizeof(rule) * (size_t)(n - 1));
	r->model->rules.v[0] = rule;
}

/* ------------------------------------------------------------------------------------------------------------ codes */

static int field_width(const struct model *model, ref field)
{
	int bits = 0;

	for (int i = 0; i < model->slices.n; i++) {
		const struct m_slice *slice = &model->slices.v[i];

		if (slice->field == field && slice->to + slice->hi - slice->lo + 1 > bits)
			bits = slice->to + slice->hi - slice->lo + 1;
	}
	return bits;
}

/* False when the table cannot be used; *absent: since a field of it is in no kind. */
static bool code_cols(struct resolver *r, const struct ast_item *item, struct m_code *code, bool own, bool *absent)
{
	ARRAY(const char *) near = {0};
	struct scope scope = scope_plain();
	int64_t hi, lo;

	for (const struct ast_col *col = item->cols; col; col = col->next) {
		ref field = field_find(r, col->name);
		int width = field == REF_NONE ? 0 : field_width(r->model, field);
		struct m_col *out = &code->col[code->n_cols];

		if (!width) {
			*absent = true;
			if (!own)
				return false;
			for (int i = 0; i < r->model->fields.n; i++)
				*ARRAY_ADD(r->arena, near) = r->model->fields.v[i].name;
			if (complain(r, CHECK_UNDEFINED_NAME, col->span, "no entry has a field '%s'", col->name))
				suggest(r, col->name, near.v, near.n);
			return false;
		}
		if (code->n_cols == M_MAX_COLS) {
			complain(r, CHECK_CODE_TABLE, col->span, "more than %d columns", M_MAX_COLS);
			return false;
		}
		hi = width - 1;
		lo = 0;
		if (col->slice) {
			if (!settle(r, &scope, col->slice->hi, "a bit number", &hi))
				return false;
			lo = hi;
			if (col->slice->lo && !settle(r, &scope, col->slice->lo, "a bit number", &lo))
				return false;
		}
		if (lo < 0 || hi < lo || hi >= width || hi - lo > 62) {
			if (complain(r, CHECK_BIT_RANGE, col->span, "%s[%lld:%lld] is no range of bits of '%s'",
				     col->name, (long long)hi, (long long)lo, col->name))
				diag_mend(r->context, "it has bits [%d:0]", width - 1);
			return false;
		}
		out->field = field;
		out->hi = (int)hi;
		out->lo = (int)lo;
		code->n_cols++;
	}
	return code->n_cols > 0;
}

static bool cell_value(struct resolver *r, const struct ast_cell *cell, const struct m_col *col, int64_t *value)
{
	struct ast_expr name = {.span = cell->span, .op = A_NAME, .name = cell->name};
	struct scope scope = scope_plain();

	*value = (int64_t)cell->value;
	if (cell->name && !strcmp(cell->name, "ones"))
		*value = ((int64_t)1 << (col->hi - col->lo + 1)) - 1;
	else if (cell->name && !settle(r, &scope, &name, "a cell", value))
		return false;
	if (!((uint64_t)*value >> (col->hi - col->lo + 1)))
		return true;
	if (complain(r, CHECK_CODE_TABLE, cell->span, "%lld does not fit into the %d bit%s of its column",
		     (long long)*value, col->hi - col->lo + 1, col->hi > col->lo ? "s" : ""))
		diag_mend(r->context, "the column holds 0..%lld, or '-' for any value",
			  (long long)((uint64_t)1 << (col->hi - col->lo + 1)) - 1);
	return false;
}

/* Words that go with the next release of the language: one line each, and one in CHANGELOG.md. */
static const struct {
	const char *old, *now, *gone;
} deprecated[] = {
	{"normal", "cached", "0.2"}, /* as the manuals of Arm say it, and the drafts of the language did */
};

const char *current_word(struct resolver *r, const char *word, struct span span)
{
	for (size_t i = 0; word && i < sizeof(deprecated) / sizeof(deprecated[0]); i++) {
		if (strcmp(word, deprecated[i].old))
			continue;
		if (remark(r, CHECK_DEPRECATED, span, "'%s' is '%s' now; ptgen %s will not know it any more", word,
			   deprecated[i].now, deprecated[i].gone))
			diag_mend(r->context, "write '%s'", deprecated[i].now);
		return deprecated[i].now;
	}
	return word;
}

int memory_type(struct resolver *r, const char *name, struct span span)
{
	static const char *const names[] = {"cached", "noncached", "device", "nonshareable", "other"};

	name = current_word(r, name, span);
	for (int i = 0; name && i <= MEMORY_OTHER; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* The meaning of a row of a prot table. */
static bool prot_rights(const struct ast_row *row, uint8_t *rights)
{
	uint8_t privileged = 0, user = 0;

	if (row->right && !rights_mask(row->right, &privileged))
		return false;
	if (!row->has_user) {
		*rights = privileged;
		return true;
	}
	if (row->user && !rights_mask(row->user, &user))
		return false;
	/* a/b: letters of either side are of one class already */
	if ((row->right && strpbrk(row->right, "up")) || (row->user && strpbrk(row->user, "up")))
		return false;
	*rights = (uint8_t)((privileged & (RIGHT_P | RIGHT_GLOBAL)) | (user & (RIGHT_U | RIGHT_GLOBAL)));
	return true;
}

static bool row_meaning(struct resolver *r, const struct ast_row *row, enum ast_concept concept, struct m_row *out)
{
	int memory;

	switch (concept) {
	case CONCEPT_PROT: return prot_rights(row, &out->rights);
	case CONCEPT_DIRTY:
		out->dirty = row->right && !strcmp(row->right, "dirty");
		return !row->has_user && row->right && (out->dirty || !strcmp(row->right, "clean"));
	case CONCEPT_MEMTYPE:
		memory = row->has_user ? -1 : memory_type(r, row->right, row->right_span);
		out->memory = (uint8_t)memory;
		return memory >= 0;
	}
	return false;
}

static void add_row(struct resolver *r, const struct ast_row *row, struct m_code *code)
{
	static const char *const mends[] = {
		[CONCEPT_PROT] = "rights are letters of r w x, or - for none; with / the user's stand behind it",
		[CONCEPT_MEMTYPE] = "a memory type is cached, noncached, device, nonshareable or other",
		[CONCEPT_DIRTY] = "write dirty or clean",
	};
	struct m_row out = {.two_way = row->two_way, .span = row->span};
	int n = 0;

	for (const struct ast_cell *cell = row->cells; cell; cell = cell->next, n++) {
		if (n >= code->n_cols)
			continue;
		out.any[n] = cell->any;
		if (!cell->any && !cell_value(r, cell, &code->col[n], &out.cell[n]))
			return;
	}
	if (n != code->n_cols) {
		if (complain(r, CHECK_CODE_TABLE, row->span, "%d cell%s for %d column%s", n, n == 1 ? "" : "s",
			     code->n_cols, code->n_cols == 1 ? "" : "s"))
			diag_mend(r->context, "a row has one value for each column, or '-' where any will do");
		return;
	}
	if (!row_meaning(r, row, code->concept, &out)) {
		if (complain(r, CHECK_CODE_TABLE, row->right_span, "this is no meaning that a row can have"))
			diag_mend(r->context, "%s", mends[code->concept]);
		return;
	}
	code->occurs |= out.rights;
	*ARRAY_ADD(r->arena, r->model->rows) = out;
	code->n_rows++;
}

/* `or F` speaks of a field of the leaf at the end of the walk: some leaf has to have it. */
static void check_or_fields(struct resolver *r)
{
	ARRAY(const char *) near = {0};
	const struct model *m = r->model;

	for (int i = 0; i < m->slices.n; i++) {
		ref field = m->slices.v[i].or_field;
		bool found = field == REF_NONE;

		for (int k = 0; k < m->kinds.n && !found; k++)
			for (int j = 0; j < m->kinds.v[k].n_slices && m->kinds.v[k].category == CATEGORY_LEAF; j++)
				found |= m->slices.v[m->kinds.v[k].first_slice + j].field == field;
		if (found)
			continue;
		for (int k = 0; k < m->fields.n; k++)
			if (k != field)
				*ARRAY_ADD(r->arena, near) = m->fields.v[k].name;
		if (complain(r, CHECK_UNDEFINED_NAME, m->slices.v[i].span, "no leaf has a field '%s'",
			     m->fields.v[field].name))
			suggest(r, m->fields.v[field].name, near.v, near.n);
	}
}

void resolve_codes(struct resolver *r)
{
	check_or_fields(r);
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct scope scope = scope_plain();
		struct m_code code = {.span = item->name_span};
		bool never, absent = false;

		if (item->kind != ITEM_CODE)
			continue;
		code.concept = item->concept;
		code.name = item->name;
		code.cond = commit_cond(r, item->cond ? resolve_expr(r, &scope, item->cond) : REF_NONE, &never);
		code.first_row = r->model->rows.n;
		if (never || !code_cols(r, item, &code, r->items.v[i].from == r->format, &absent))
			continue;
		for (const struct ast_row *row = item->rows; row; row = row->next)
			add_row(r, row, &code);
		*ARRAY_ADD(r->arena, r->model->codes) = code;
	}
}

/* -------------------------------------------------------------------------------------------------------- registers */

void resolve_registers(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct m_register reg = {.name = item->name, .doc = item->doc, .span = item->name_span};
		struct scope scope = scope_plain();
		bool never;

		if (item->kind != ITEM_REGISTER)
			continue;
		reg.bits = type_bits(item->name2 ? item->name2 : "");
		if (!reg.bits) {
			if (complain(r, CHECK_GEOMETRY, item->span, "'%s' is no type of a register",
				     item->name2 ? item->name2 : ""))
				diag_mend(r->context, "write u and its bits, a multiple of 8 up to 256: u64");
			continue;
		}
		reg.cond = commit_cond(r, item->cond ? resolve_expr(r, &scope, item->cond) : REF_NONE, &never);
		if (never)
			continue;
		reg.first_slice = r->model->slices.n;
		reg.n_slices = register_slices(r, item, reg.bits);
		*ARRAY_ADD(r->arena, r->model->registers) = reg;
	}
}

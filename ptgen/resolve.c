/* SPDX-License-Identifier: MIT */
/* resolve.c - inheritance, names and binding; and the driver that turns every format of a file into a model. */
#include <stdarg.h>
#include <string.h>

#include "resolve.h"

/* --------------------------------------------------------------------------------------------------------- findings */

static bool report(struct resolver *r, enum check_id check, struct span at, const char *format, va_list args)
{
	struct report *said;
	char text[1024];

	for (int i = 0; i < r->session->reports.n; i++) {
		said = &r->session->reports.v[i];
		if (said->check == check && said->at.file == at.file && said->at.offset == at.offset &&
		    said->at.length == at.length && at.file >= 0)
			return false;
	}
	said = ARRAY_ADD(r->arena, r->session->reports);
	said->check = check;
	said->at = at;
	vsnprintf(text, sizeof(text), format, args);
	if (r->where)
		diag(r->context, check, at, "%s (%s)", text, r->where);
	else
		diag(r->context, check, at, "%s", text);
	return true;
}

bool complain(struct resolver *r, enum check_id check, struct span at, const char *format, ...)
{
	va_list args;
	bool said;

	r->failed = true;
	va_start(args, format);
	said = report(r, check, at, format, args);
	va_end(args);
	return said;
}

bool remark(struct resolver *r, enum check_id check, struct span at, const char *format, ...)
{
	va_list args;
	bool said;

	va_start(args, format);
	said = report(r, check, at, format, args);
	va_end(args);
	return said;
}

bool suggest(struct resolver *r, const char *name, const char *const *candidates, int n)
{
	const char *near = n ? near_name(name, candidates, n) : NULL;

	if (near)
		diag_mend(r->context, "did you mean '%s'?", near);
	return near != NULL;
}

/* ------------------------------------------------------------------------------------------------------------ names */

const struct ast_item *find_item(const struct resolver *r, enum ast_item_kind kind, const char *name)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;

		if (item->kind == kind && (!name || (item->name && !strcmp(item->name, name))))
			return item;
	}
	return NULL;
}

struct value *find_value(struct resolver *r, const char *name)
{
	for (int i = 0; i < r->values.n; i++)
		if (!strcmp(r->values.v[i].name, name))
			return &r->values.v[i];
	return NULL;
}

struct entry *find_entry(struct resolver *r, const char *name)
{
	for (int i = 0; i < r->entries.n; i++)
		if (!strcmp(r->entries.v[i].item->name, name))
			return &r->entries.v[i];
	return NULL;
}

const struct ast_opt *find_opt(const struct ast_opt *opts, enum ast_opt_kind kind)
{
	while (opts && opts->kind != kind)
		opts = opts->next;
	return opts;
}

ref fault_named(struct resolver *r, const char *name)
{
	struct m_name *fault;

	for (int i = 0; i < r->model->faults.n; i++)
		if (!strcmp(r->model->faults.v[i].name, name))
			return i;
	fault = ARRAY_ADD(r->arena, r->model->faults);
	fault->name = name;
	return r->model->faults.n - 1;
}

ref field_find(const struct resolver *r, const char *name)
{
	for (int i = 0; i < r->model->fields.n; i++)
		if (!strcmp(r->model->fields.v[i].name, name))
			return i;
	return REF_NONE;
}

ref field_named(struct resolver *r, const char *name)
{
	ref field = field_find(r, name);

	if (field != REF_NONE)
		return field;
	ARRAY_ADD(r->arena, r->model->fields)->name = name;
	return r->model->fields.n - 1;
}

const char *output_name(const struct resolver *r)
{
	const struct ast_item *item = find_item(r, ITEM_OUTPUT, NULL);

	return item ? item->name : "";
}

const char *input_name(const struct resolver *r)
{
	const struct ast_item *item = find_item(r, ITEM_INPUT, NULL);

	return item ? item->name : "";
}

/* ------------------------------------------------------------------------------------------------------- parameters */

static const char *source_text(struct resolver *r, struct span span)
{
	const struct source *source;
	char *text;

	if (span.file < 0 || span.file >= r->context->files.n)
		return "";
	source = &r->context->files.v[span.file];
	if (span.offset > source->length || span.length > source->length - span.offset)
		return "";
	text = arena_strndup(r->arena, source->text + span.offset, span.length);
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	return text;
}

static bool list_values(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		struct value *value;
		struct m_param *param;

		if (!is_value(item->kind))
			continue;
		value = ARRAY_ADD(r->arena, r->values);
		value->name = item->name;
		value->item = item;
		value->expr = REF_NONE;
		if (item->kind == ITEM_LET) {
			value->kind = VALUE_LET;
			continue;
		}
		if (item->kind == ITEM_ADDRESS) {
			struct m_name *address = ARRAY_ADD(r->arena, r->model->addresses);

			address->name = item->name;
			address->doc = item->doc;
			value->kind = VALUE_ADDRESS;
			value->index = r->model->addresses.n - 1;
			continue;
		}
		value->kind = VALUE_PARAM;
		value->index = r->model->params.n;
		param = ARRAY_ADD(r->arena, r->model->params);
		param->name = item->name;
		param->doc = item->doc;
		param->feature = item->kind != ITEM_PARAM;
		param->is_static = item->is_static;
		param->dflt = REF_NONE;
		param->span = item->span;
		if (r->model->params.n <= MAX_PARAMS)
			continue;
		complain(r, CHECK_FORMAT, item->span, "more than %d parameters and features", MAX_PARAMS);
		return false;
	}
	return true;
}

static void add_range(struct resolver *r, struct m_param *param, int64_t first, int64_t last)
{
	struct m_range *range = ARRAY_ADD(r->arena, r->model->ranges);

	range->first = first;
	range->last = last;
	param->n_ranges++;
}

static void resolve_set(struct resolver *r, struct m_param *param, const struct ast_item *item)
{
	struct scope scope = scope_plain();
	int64_t first, last;

	param->first_range = r->model->ranges.n;
	if (param->feature) {
		add_range(r, param, 0, 1);
		return;
	}
	for (const struct ast_range *range = item->set ? item->set->ranges : NULL; range; range = range->next) {
		if (!settle(r, &scope, range->first, "a value of a parameter's set", &first))
			continue;
		last = first;
		if (range->last && !settle(r, &scope, range->last, "a value of a parameter's set", &last))
			continue;
		if (first > last) {
			if (complain(r, CHECK_VALUE_SET, range->span, "the range runs downwards"))
				diag_mend(r->context, "write %lld..%lld", (long long)last, (long long)first);
			continue;
		}
		add_range(r, param, first, last);
	}
	if (!param->n_ranges && !r->failed)
		complain(r, CHECK_VALUE_SET, item->span, "parameter '%s' has no values", param->name);
}

static bool in_set(const struct model *model, const struct m_param *param, int64_t value)
{
	for (int i = 0; i < param->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[param->first_range + i];

		if (value >= range->first && value <= range->last)
			return true;
	}
	return false;
}

static void bind_by_set(struct resolver *r, const struct ast_item *item)
{
	ARRAY(const char *) near = {0};
	struct scope scope = scope_plain();
	const struct value *value = find_value(r, item->name);
	struct m_param *param;
	int64_t k;

	if (!value || value->kind != VALUE_PARAM) {
		for (int i = 0; i < r->model->params.n; i++)
			*ARRAY_ADD(r->arena, near) = r->model->params.v[i].name;
		if (complain(r, CHECK_UNDEFINED_NAME, item->name_span, "there is no parameter or feature '%s' to set",
			     item->name))
			suggest(r, item->name, near.v, near.n);
		return;
	}
	if (!settle(r, &scope, item->expr, "the value of a parameter that is set", &k))
		return;
	param = &r->model->params.v[value->index];
	param->bound = true;
	param->value = k;
	r->binding = true;
}

/* The value that a format gives by itself, if it is a number. */
static bool own_value(struct resolver *r, const struct m_param *param, int64_t *k)
{
	if (param->bound) {
		*k = param->value;
		return true;
	}
	return x_is_const(r->pool, param->dflt, k);
}

static void bind_by_user(struct resolver *r)
{
	for (int i = 0; i < r->context->options.settings.n; i++) {
		struct setting *setting = &r->context->options.settings.v[i];
		const struct value *value = find_value(r, setting->name);
		struct m_param *param;

		if (!value || value->kind != VALUE_PARAM)
			continue;
		setting->used = true;
		param = &r->model->params.v[value->index];
		if (param->bound && param->value != setting->value) {
			if (complain(r, CHECK_VALUE_SET, param->span, "--set %s=%lld, but format '%s' binds it to %lld",
				     param->name, (long long)setting->value, r->format->name, (long long)param->value))
				diag_mend(r->context, "choose one format with --format, or leave the setting out");
			continue;
		}
		if (!in_set(r->model, param, setting->value)) {
			complain(r, CHECK_VALUE_SET, param->span, "--set %s=%lld is not in the set of format '%s'",
				 param->name, (long long)setting->value, r->format->name);
			continue;
		}
		if (!param->bound)
			r->set_by_user |= (uint32_t)1 << value->index;
		param->bound = true;
		param->value = setting->value;
		r->binding = true;
	}
}

static void resolve_default(struct resolver *r, ref index, const struct ast_item *item)
{
	struct m_param *param = &r->model->params.v[index];
	struct scope scope = scope_plain();
	uint32_t params;
	int64_t k;

	param->default_text = item->expr ? source_text(r, item->expr->span) : "";
	if (item->expr)
		param->dflt = commit_expr(r, &scope, item->expr);
	else
		param->dflt = x_const(
			r->pool, param->feature || !param->n_ranges ? 0 : r->model->ranges.v[param->first_range].first);
	if (x_is_const(r->pool, param->dflt, &k)) {
		if (!param->default_text[0])
			param->default_text = arena_printf(r->arena, "%lld", (long long)k);
		if (!param->bound && param->n_ranges && !in_set(r->model, param, k))
			if (complain(r, CHECK_VALUE_SET, item->expr ? item->expr->span : item->span,
				     "the default %lld of '%s' is not in its set", (long long)k, param->name))
				diag_mend(r->context, "the set is %s: extend it, or choose another default",
					  item->set ? source_text(r, item->set->span) : "0..1");
		return;
	}
	params = params_of(r->model, param->dflt);
	for (int i = index; i < r->model->params.n && !param->bound; i++)
		if (params >> i & 1 && item->expr)
			complain(r, CHECK_EXPRESSION, item->expr->span,
				 "the default of '%s' uses '%s', which is declared later", param->name,
				 r->model->params.v[i].name);
}

static bool resolve_params(struct resolver *r)
{
	if (!list_values(r))
		return false;
	for (int i = 0; i < r->items.n; i++)
		if (r->items.v[i].item->kind == ITEM_SET)
			bind_by_set(r, r->items.v[i].item);
	for (int i = 0; i < r->values.n; i++)
		if (r->values.v[i].kind == VALUE_PARAM)
			resolve_set(r, &r->model->params.v[r->values.v[i].index], r->values.v[i].item);
	for (int i = 0; i < r->model->params.n; i++) {
		struct m_param *param = &r->model->params.v[i];
		const struct ast_item *set = find_item(r, ITEM_SET, param->name);

		if (param->bound && set && param->n_ranges && !in_set(r->model, param, param->value))
			complain(r, CHECK_VALUE_SET, set->span, "%lld is not in the set of '%s'",
				 (long long)param->value, param->name);
	}
	bind_by_user(r);
	for (int i = 0; i < r->values.n; i++)
		if (r->values.v[i].kind == VALUE_PARAM)
			resolve_default(r, r->values.v[i].index, r->values.v[i].item);
	for (int i = 0; i < r->model->params.n; i++) {
		struct m_param *param = &r->model->params.v[i];
		int64_t k;

		if (own_value(r, param, &k) && param->bound && k == param->value &&
		    x_is_const(r->pool, param->dflt, &k) && k == param->value)
			r->set_by_user &= ~((uint32_t)1 << i);
		if (param->is_static && !param->bound &&
		    complain(r, CHECK_NOT_CONSTANT, param->span, "static parameter '%s' has no value", param->name))
			diag_mend(r->context, "bind it with set in a derived format, or with --set %s=VALUE",
				  param->name);
	}
	return !r->failed;
}

static void resolve_requires(struct resolver *r)
{
	struct m_env env = {.kind = REF_NONE};
	struct scope scope = scope_plain();
	int64_t param[MAX_PARAMS], k;
	struct m_require *require;

	for (int i = 0; i < r->items.n; i++) {
		const struct ast_item *item = r->items.v[i].item;
		ref cond;

		if (item->kind != ITEM_REQUIRE)
			continue;
		cond = resolve_expr(r, &scope, item->expr);
		if (x_is_const(r->scratch, cond, &k)) {
			if (!k)
				complain(r, CHECK_REQUIRE, item->span, "format '%s' contradicts this: %s",
					 r->format->name, item->text ? item->text : "");
			continue;
		}
		*ARRAY_ADD(r->arena, r->requires) = cond;
		require = ARRAY_ADD(r->arena, r->model->requires);
		require->cond = commit(r, cond);
		require->why = item->text;
		require->span = item->span;
	}
	for (int i = 0; i < MAX_PARAMS; i++)
		param[i] = INT64_MIN;
	model_defaults(r->model, param);
	env.param = param;
	for (int i = 0; i < r->model->requires.n; i++)
		if (!model_holds(r->model, r->model->requires.v[i].cond, &env))
			complain(r, CHECK_REQUIRE, r->model->requires.v[i].span,
				 "the defaults of format '%s' contradict this: %s", r->format->name,
				 r->model->requires.v[i].why ? r->model->requires.v[i].why : "");
}

/* ---------------------------------------------------------------------------------------------------------- entries */

static void list_entries(struct resolver *r)
{
	for (int i = 0; i < r->items.n; i++) {
		struct entry *entry;

		if (r->items.v[i].item->kind != ITEM_ENTRY)
			continue;
		entry = ARRAY_ADD(r->arena, r->entries);
		entry->item = r->items.v[i].item;
		entry->from = r->items.v[i].from;
	}
	for (int i = 0; i < r->entries.n; i++)
		gather_lines(r, &r->entries.v[i]);
}

/* Does a level that is not inherited from where the entry is stand in the finished format? */
static bool levels_are_new(const struct resolver *r, const struct entry *entry)
{
	for (int i = 0; i < r->items.n; i++)
		if (r->items.v[i].item->kind == ITEM_LEVEL && r->items.v[i].from == r->format &&
		    !entry->from->is_family)
			return true;
	return false;
}

static bool has_kind(const struct resolver *r, const char *name)
{
	for (int i = 0; i < r->model->kinds.n; i++)
		if (!strcmp(r->model->kinds.v[i].name, name))
			return true;
	return false;
}

static void check_entries_used(struct resolver *r)
{
	for (int i = 0; i < r->entries.n; i++) {
		const struct entry *entry = &r->entries.v[i];

		if (entry->listed) {
			if (!r->failed && entry->from == r->format && !r->binding && !has_kind(r, entry->item->name)) {
				diag(r->context, CHECK_UNREACHED_KIND, entry->item->name_span,
				     "no word can be '%s', whatever the parameters", entry->item->name);
				diag_mend(r->context, "the condition under which levels list it never holds");
			}
			continue;
		}
		if (r->unknown_kind)
			continue; /* it is probably the one that was meant */
		if (entry->from == r->format) {
			if (complain(r, CHECK_UNUSED_ENTRY, entry->item->name_span, "no level lists '%s'",
				     entry->item->name))
				diag_mend(r->context, "name it between the braces of a level, or remove it");
		} else if (levels_are_new(r, entry)) {
			diag(r->context, CHECK_UNLISTED_ENTRY, r->format->name_span,
			     "'%s' inherits entry '%s', but its own levels do not list it", r->format->name,
			     entry->item->name);
			diag_related(r->context, entry->item->name_span, "'%s' is here", entry->item->name);
			diag_mend(r->context, "list it, or say 'without entry %s;'", entry->item->name);
		}
	}
}

/* ----------------------------------------------------------------------------------------------------------- driver */

static void init_model(struct resolver *r)
{
	static const char *const faults[] = {"absent", "reserved", "permission", "address", "access", "misconfigured"};
	const struct ast_item *title = find_item(r, ITEM_TITLE, NULL), *spec = find_item(r, ITEM_SPEC, NULL);
	struct model *m = r->model;

	m->name = r->format->name;
	m->title = title && title->strings ? title->strings->name
		   : title && title->text  ? title->text
					   : r->format->name;
	m->base = r->format->base;
	m->span = r->format->name_span;
	if (m->span.file >= 0 && m->span.file < r->context->files.n)
		m->source = r->context->files.v[m->span.file].name;
	for (const struct ast_name *name = spec ? spec->strings : NULL; name; name = name->next)
		*ARRAY_ADD(r->arena, m->spec) = name->name;
	for (int i = 0; i < N_FAULTS_BUILTIN; i++)
		ARRAY_ADD(r->arena, m->faults)->name = faults[i];
	m->input.hi = m->input.aperture_first = m->input.aperture_last = m->input.base = m->input.fault = REF_NONE;
	m->output.hi = m->output.base = m->output.window = m->output.fault = REF_NONE;
	m->root.start = m->root.count = m->root.align = m->root.table = m->root.grows = REF_NONE;
	m->reserved_fault = m->resize_live = REF_NONE;
}

/* What lets over parameters are, for emitters that can name them. Expressions follow what they consist of, and so do
 * lets. */
static void name_lets(struct resolver *r)
{
	for (int i = 0; i < r->values.n; i++) {
		const struct value *value = &r->values.v[i];
		ref expr = value->kind == VALUE_LET && !value->differs ? commit(r, value->expr) : REF_NONE;
		int at = r->model->lets.n;
		bool known = false; /* by another name */

		for (int k = 0; k < r->model->lets.n; k++)
			known = known || r->model->lets.v[k].expr == expr;
		if (expr == REF_NONE || known || !is_of_params(r->model, expr))
			continue;
		ARRAY_ADD(r->arena, r->model->lets);
		for (; at > 0 && r->model->lets.v[at - 1].expr > expr; at--)
			r->model->lets.v[at] = r->model->lets.v[at - 1];
		r->model->lets.v[at] = (struct m_let){value->name, expr};
	}
}

static struct model *resolve_format(struct context *context, struct session *session, const struct ast_file *file,
				    const struct ast_format *format)
{
	struct resolver *r = arena_alloc(context->arena, sizeof(*r));
	struct model *scratch = arena_alloc(context->arena, sizeof(*scratch));
	int errors = context->errors, seen = session->reports.n;

	r->context = context;
	r->arena = context->arena;
	r->session = session;
	r->file = file;
	r->format = format;
	r->model = arena_alloc(r->arena, sizeof(*r->model));
	r->scratch = pool_new(r->arena, scratch, r->model);
	r->pool = pool_new(r->arena, r->model, r->model);
	r->start = REF_NONE;
	if (flatten(r)) {
		init_model(r);
		if (resolve_params(r)) {
			resolve_requires(r);
			resolve_input_output(r);
			list_entries(r);
			list_places(r);
			resolve_root(r);
			if (!r->failed) {
				resolve_shapes(r);
				check_entries_used(r);
			}
			resolve_rules(r);
			resolve_nevers(r);
			if (!r->failed)
				resolve_codes(r);
			if (!r->failed)
				resolve_shareability(r);
			resolve_registers(r);
			if (!r->failed) {
				resolve_examples(r);
				name_lets(r);
			}
		}
	}
	if (r->failed && context->errors == errors && session->reports.n > seen)
		diag_usage(context, "format '%s' cannot be used: one of its errors is switched off", format->name);
	return r->failed ? NULL : r->model;
}

static void check_formats(struct context *context, struct session *session, const struct ast_file *file)
{
	struct resolver r = {.context = context, .arena = context->arena, .session = session, .file = file};
	const struct ast_format *old;

	for (const struct ast_format *f = file->formats; f; f = f->next) {
		old = find_format(file, f->name);
		if (old != f && complain(&r, CHECK_DUPLICATE_NAME, f->name_span, "'%s' is declared twice", f->name))
			diag_related(context, old->name_span, "first here");
	}
}

/* Formats of included files are there to derive from; the file that they stand in makes something of them. */
static bool is_included(const struct context *context, const struct ast_format *format)
{
	return format->name_span.file >= 0 && context->files.v[format->name_span.file].included.file >= 0;
}

void resolve(struct context *context, const struct ast_file *file, struct model_list *models)
{
	struct session session = {0};
	struct model *model;

	const struct ast_format *wanted = context->options.format ? find_format(file, context->options.format) : NULL;
	/* a name that is nowhere: all formats, since the caller says which names there are */
	bool all = !context->options.format || (!wanted && context->options.inputs.n == 1);

	check_formats(context, &session, file);
	for (const struct ast_format *f = file->formats; f; f = f->next) {
		if (f->is_family || (all ? is_included(context, f) : f != wanted))
			continue;
		model = resolve_format(context, &session, file, f);
		if (model)
			*ARRAY_ADD(context->arena, models->v) = model;
	}
}

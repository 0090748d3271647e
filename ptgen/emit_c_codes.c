/* SPDX-License-Identifier: MIT */
/*
 * emit_c_codes.c - rights and memory types. A request is looked up, not computed: the codec, with which the format was
 * checked, encodes each of the 32 rights and 4 memory types for each leaf kind, and the words become tables. Where they
 * depend on parameters, there is one row for each combination that makes a difference.
 */
#include "emit_c.h"
#include "codec_bound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SELECTED = 16, MAX_ROWS = 1024 };

/* The parameters that a matrix may depend on, and how many values each has. */
struct selection {
	ref param[MAX_SELECTED];
	int n_values[MAX_SELECTED];
	int n;
};

static int values_of(const struct model *model, ref param)
{
	const struct m_param *p = &model->params.v[param];
	int n = 0;

	for (int i = 0; i < p->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[p->first_range + i];

		n += (int)(range->last - range->first + 1);
	}
	return n;
}

static int64_t value_at(const struct model *model, ref param, int index)
{
	const struct m_param *p = &model->params.v[param];

	for (int i = 0; i < p->n_ranges; i++) {
		const struct m_range *range = &model->ranges.v[p->first_range + i];
		int n = (int)(range->last - range->first + 1);

		if (index < n)
			return range->first + index;
		index -= n;
	}
	return 0;
}

static void select_params(const struct emitter *emitter, struct selection *selection, ref expr)
{
	const struct model *model = emitter->model;

	if (expr == REF_NONE)
		return;
	for (int i = 0; i < model->params.n; i++) {
		bool there = model->params.v[i].bound || !model_mentions(model, expr, X_PARAM, i);

		for (int k = 0; k < selection->n; k++)
			there = there || selection->param[k] == i;
		if (there || selection->n == MAX_SELECTED)
			continue;
		selection->param[selection->n] = i;
		selection->n_values[selection->n++] = values_of(model, i);
	}
}

typedef bool (*fill_fn)(struct emitter *emitter, ref kind, const int64_t *param, int columns, wide *row);

/* The position of a parameter's value in its set, as C. */
static const char *position_text(struct emitter *emitter, ref param)
{
	const struct model *model = emitter->model;
	const struct m_param *p = &model->params.v[param];
	char *name = arena_strndup(emitter->arena, p->name, strlen(p->name));
	const char *text = NULL;
	int before = 0;

	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	name = arena_printf(emitter->arena, "p[%s_PARAM_%s]", emitter->upper, name);
	for (int i = p->n_ranges - 1; i >= 0; i--) {
		const struct m_range *range = &model->ranges.v[p->first_range + i];
		const char *here;

		before = 0;
		for (int k = 0; k < i; k++)
			before += (int)(model->ranges.v[p->first_range + k].last -
					model->ranges.v[p->first_range + k].first + 1);
		here = before - range->first == 0
			       ? name
			       : text_of(emitter, "(%s + (%" PRId64 "))", name, before - range->first);
		text = text ? text_of(emitter, "(%s <= %" PRId64 " ? %s : %s)", name, range->last, here, text) : here;
	}
	return text ? text : "0";
}

/*
 * Fill a matrix over all combinations of the selected parameters, drop those without effect, and find an equal one or
 * add it.
 */
static int matrix_of(struct emitter *emitter, const char *name, const char *comment, ref kind, const int64_t *base,
		     int columns, struct selection *selection, fill_fn fill)
{
	const struct model *model = emitter->model;
	int64_t *param = arena_alloc(emitter->arena, sizeof(*param) * (size_t)(model->params.n + 1));
	int rows = 1, kept_rows = 1, stride[MAX_SELECTED];
	bool kept[MAX_SELECTED];
	wide *value, *small;
	const char *row_of = NULL;
	struct matrix *matrix;

	for (int i = 0; i < selection->n; i++) {
		if (selection->n_values[i] < 1 || rows > MAX_ROWS / selection->n_values[i]) {
			diag_usage(emitter->context,
				   "%s: the attributes of '%s' depend on more than %d combinations of parameters; bind "
				   "some of them "
				   "with 'set' or --set",
				   model->source, name, MAX_ROWS);
			emitter->failed = true;
			return 0;
		}
		stride[i] = rows;
		rows *= selection->n_values[i];
	}
	value = arena_alloc(emitter->arena, sizeof(*value) * (size_t)(rows * columns));
	memcpy(param, base, sizeof(*param) * (size_t)model->params.n);
	for (int row = 0; row < rows; row++) {
		for (int i = 0; i < selection->n; i++)
			param[selection->param[i]] =
				value_at(model, selection->param[i], row / stride[i] % selection->n_values[i]);
		if (!fill(emitter, kind, param, columns, value + row * columns)) {
			emitter->failed = true;
			return 0;
		}
	}
	/* A parameter has no effect if every row equals the one with its first value. */
	for (int i = 0; i < selection->n; i++) {
		kept[i] = false;
		for (int row = 0; row < rows && !kept[i]; row++) {
			int first = row - row / stride[i] % selection->n_values[i] * stride[i];

			kept[i] = memcmp(value + row * columns, value + first * columns,
					 sizeof(*value) * (size_t)columns) != 0;
		}
	}
	for (int i = 0; i < selection->n; i++) {
		const char *term;

		if (!kept[i])
			continue;
		term = position_text(emitter, selection->param[i]);
		if (kept_rows != 1)
			term = text_of(emitter, "%d * %s", kept_rows, term);
		row_of = row_of ? text_of(emitter, "%s + %s", row_of, term) : term;
		kept_rows *= selection->n_values[i];
	}
	small = arena_alloc(emitter->arena, sizeof(*small) * (size_t)(kept_rows * columns));
	for (int row = 0; row < kept_rows; row++) {
		int from = 0, rest = row;

		for (int i = 0; i < selection->n; i++) {
			if (!kept[i])
				continue;
			from += rest % selection->n_values[i] * stride[i];
			rest /= selection->n_values[i];
		}
		memcpy(small + row * columns, value + from * columns, sizeof(*small) * (size_t)columns);
	}
	for (int i = 0; i < emitter->matrices.n; i++) {
		matrix = &emitter->matrices.v[i];
		if (matrix->rows == kept_rows && matrix->columns == columns &&
		    (row_of == matrix->row_of || (row_of && matrix->row_of && strcmp(row_of, matrix->row_of) == 0)) &&
		    memcmp(matrix->value, small, sizeof(*small) * (size_t)(kept_rows * columns)) == 0)
			return i;
	}
	matrix = ARRAY_ADD(emitter->arena, emitter->matrices);
	matrix->name = emitter->matrices.n == 1 ? name : text_of(emitter, "%s_%d", name, emitter->matrices.n - 1);
	matrix->comment = comment;
	matrix->rows = kept_rows;
	matrix->columns = columns;
	matrix->value = small;
	matrix->row_of = row_of;
	return emitter->matrices.n - 1;
}

/* -------------------------------------------------------------------------------------------------- what is encoded */

static bool fill_rights(struct emitter *emitter, ref kind, const int64_t *param, int columns, wide *row)
{
	struct codec_bound bound;

	codec_bind(&bound, emitter->model, kind, param);
	for (int request = 0; request < columns; request++) {
		unsigned int rounded;
		uint64_t word[2] = {0, 0};
		ref code;

		if (codec_round(emitter->model, param, (unsigned int)request, &rounded) &&
		    codec_bound_attributes(&bound, rounded, CODEC_RIGHTS, word, &code))
			row[request] = (wide)word[1] << 64 | word[0];
	}
	return true;
}

static bool fill_memory(struct emitter *emitter, ref kind, const int64_t *param, int columns, wide *row)
{
	for (int type = 0; type < columns; type++) {
		uint64_t word[2] = {0, 0};
		unsigned int rounded = 0;
		ref code;

		/* Any rights will do, as long as they are not refused. */
		for (unsigned int rights = 0; rights < 32; rights++)
			if (codec_round(emitter->model, param, rights | (unsigned int)type << 5, &rounded))
				break;
		if (codec_attributes(emitter->model, kind, param, rounded, CODEC_MEMORY, word, &code))
			row[type] = (wide)word[1] << 64 | word[0];
		/* Marks are not part of the table: they depend on the request, not on what it was rounded to. */
		row[type] &= ~kind_bits(emitter, kind, BITS_ADDRESS).literal;
	}
	return true;
}

/* Can an execute right be granted and withheld at all in this configuration? */
static bool controls_exec(const struct emitter *emitter, const int64_t *param)
{
	const struct model *model = emitter->model;
	struct m_env env = {.param = param, .kind = REF_NONE};

	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);

		if (model->kinds.v[k].category != CATEGORY_LEAF)
			continue;
		for (int i = 0; i < n; i++)
			if (((slice[i].allows | slice[i].denies) & (RIGHT_PX | RIGHT_UX)) != 0 &&
			    model_holds(model, slice[i].cond, &env))
				return true;
	}
	for (int c = 0; c < model->codes.n; c++)
		if (model->codes.v[c].concept == CONCEPT_PROT &&
		    (model->codes.v[c].occurs & (RIGHT_PX | RIGHT_UX)) != 0 &&
		    model_holds(model, model->codes.v[c].cond, &env))
			return true;
	return false;
}

enum { REFUSED = 0xff, WIDER = 0x80 };

static bool fill_granted(struct emitter *emitter, ref kind, const int64_t *param, int columns, wide *row)
{
	bool exec = controls_exec(emitter, param);

	(void)kind;
	for (unsigned int request = 0; request < (unsigned int)columns; request++) {
		unsigned int rounded, added;

		if (!codec_round(emitter->model, param, request, &rounded)) {
			row[request] = REFUSED;
			continue;
		}
		added = rounded & ~request;
		row[request] = rounded & 0x7f;
		if ((added & REQ_WRITE) != 0 || ((added & REQ_EXEC) != 0 && exec) ||
		    ((request & ~rounded) & REQ_PRIV) != 0)
			row[request] |= WIDER;
	}
	return true;
}

static const struct m_slice *next_value(const struct m_slice *slice, const struct m_slice *end)
{
	while (slice < end && slice->role != ROLE_FIELD && slice->role != ROLE_SOFTWARE)
		slice++;
	return slice;
}

/* Do the values that a leaf keeps when it is split or joined stand in the same bits of both kinds? */
static bool same_values(const struct emitter *emitter, ref a, ref b)
{
	int n_a, n_b;
	const struct m_slice *in_a = slices_of(emitter, a, &n_a), *in_b = slices_of(emitter, b, &n_b);
	const struct m_slice *end_a = in_a + n_a, *end_b = in_b + n_b;

	for (;; in_a++, in_b++) {
		in_a = next_value(in_a, end_a);
		in_b = next_value(in_b, end_b);
		if (in_a == end_a || in_b == end_b)
			return in_a == end_a && in_b == end_b;
		if (in_a->role != in_b->role || in_a->field != in_b->field || in_a->hi != in_b->hi ||
		    in_a->lo != in_b->lo || in_a->to != in_b->to || in_a->cond != in_b->cond)
			return false;
	}
}

/* Kinds of one level share a class only if they hold all values alike: the class is then filled for all of them at
 * once. */
static bool fits_level(const struct emitter *emitter, ref kind, int class)
{
	for (int k = 0; k < kind; k++)
		if (emitter->model->kinds.v[k].level == emitter->model->kinds.v[kind].level &&
		    emitter->kind_class[k] == class && !same_values(emitter, k, kind))
			return false;
	return true;
}

void plan_codes(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	struct selection rules = {.n = 0};

	for (int i = 0; i < model->rules.n; i++) {
		select_params(emitter, &rules, model->rules.v[i].cond);
		select_params(emitter, &rules, model->rules.v[i].when);
	}
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];
		struct selection selection = rules;
		const int64_t *base;
		struct attribute_class wanted = {0};
		int n, found = -1, index = 0;
		const struct m_slice *slice = slices_of(emitter, k, &n);

		emitter->kind_class[k] = -1;
		if (kind->category != CATEGORY_LEAF)
			continue;
		wanted.shape = model->levels.v[kind->level].shape;
		base = emitter->defaults + wanted.shape * model->params.n;
		for (int i = 0; i < n; i++) {
			bool by_request =
				slice[i].dflt != REF_NONE && model_mentions(model, slice[i].dflt, X_RIGHT, -1);
			bool column = false;

			for (int c = 0; c < model->codes.n; c++)
				for (int col = 0; col < model->codes.v[c].n_cols; col++)
					column = column || (slice[i].field != REF_NONE &&
							    model->codes.v[c].col[col].field == slice[i].field);
			if (slice[i].allows || slice[i].denies || by_request || column)
				select_params(emitter, &selection, slice[i].cond);
			if (by_request)
				select_params(emitter, &selection, slice[i].dflt);
		}
		for (int c = 0; c < model->codes.n; c++)
			select_params(emitter, &selection, model->codes.v[c].cond);
		wanted.rights =
			matrix_of(emitter, "rights",
				  "Attribute bits by rights: PT_READ | PT_WRITE | PT_EXEC | PT_PRIV | PT_GLOBAL.", k,
				  base, 32, &selection, fill_rights);
		wanted.memory = matrix_of(
			emitter, "memory",
			"Attribute bits by memory type: cached, non-cached, device, cached and not shareable.", k, base,
			4, &selection, fill_memory);
		wanted.marks = marks_in_entry(emitter, k);
		for (int c = 0; c < emitter->classes.n; c++) {
			const struct attribute_class *have = &emitter->classes.v[c];

			if (have->shape != wanted.shape)
				continue;
			index = have->index + 1;
			if (have->rights == wanted.rights && have->memory == wanted.memory &&
			    !have->marks == !wanted.marks && fits_level(emitter, k, c))
				found = c;
		}
		if (found < 0) {
			wanted.index = index;
			*ARRAY_ADD(emitter->arena, emitter->classes) = wanted;
			found = emitter->classes.n - 1;
			if (index + 1 > emitter->max_classes)
				emitter->max_classes = index + 1;
		}
		emitter->kind_class[k] = found;
		if (wanted.marks)
			emitter->has_marks = true;
	}
	if (emitter->failed)
		return;
	emitter->granted = matrix_of(emitter, "granted", "What a request is rounded to.", REF_NONE, emitter->defaults,
				     N_REQUESTS, &rules, fill_granted);
}

/* Is it a line that says rights or memory type, or only another one in the same place under another condition? */
static bool is_attribute(const struct emitter *emitter, const struct m_slice *slice)
{
	if (slice->allows || slice->denies)
		return true;
	for (int c = 0; c < emitter->model->codes.n; c++)
		for (int col = 0; col < emitter->model->codes.v[c].n_cols; col++)
			if (slice->field != REF_NONE && emitter->model->codes.v[c].col[col].field == slice->field &&
			    slice->role == ROLE_FIELD && (int)slice->to <= emitter->model->codes.v[c].col[col].hi &&
			    (int)slice->to + slice->hi - slice->lo >= emitter->model->codes.v[c].col[col].lo)
				return true;
	return false;
}

struct bits attribute_not(struct emitter *emitter, ref kind)
{
	struct bits bits = {0};
	wide all = attribute_mask(emitter, kind);
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int i = 0; i < n; i++)
		if (slice[i].cond != REF_NONE && slice[i].role != ROLE_RES0 && slice[i].role != ROLE_IGNORED &&
		    !is_attribute(emitter, &slice[i]))
			bits_add(emitter, &bits, slice[i].cond, all & entry_mask(slice[i].hi, slice[i].lo));
	return bits;
}

wide attribute_mask(const struct emitter *emitter, ref kind)
{
	const struct attribute_class *class = &emitter->classes.v[emitter->kind_class[kind]];
	wide mask = 0;
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);

	for (int m = 0; m < 2; m++) {
		const struct matrix *matrix = &emitter->matrices.v[m ? class->memory : class->rights];

		for (int i = 0; i < matrix->rows * matrix->columns; i++)
			mask |= matrix->value[i];
	}
	/* A bit that no request sets may still tell rights: columns of code tables, allow and deny bits. */
	for (int i = 0; i < n; i++)
		if (is_attribute(emitter, &slice[i]))
			mask |= entry_mask(slice[i].hi, slice[i].lo);
	for (int i = 0; i < n; i++)
		if (slice[i].flags & (SLICE_ACCESSED | SLICE_DIRTY))
			mask &= ~entry_mask(slice[i].hi, slice[i].lo);
	return mask;
}

/* ----------------------------------------------------------------------------------------------------------- output */

static const char *row_text(struct emitter *emitter, int matrix)
{
	const struct matrix *m = &emitter->matrices.v[matrix];

	if (!m->row_of)
		return "0";
	return text_of(emitter, "t->word[%s]",
		       word_name(emitter, word_of(emitter, text_of(emitter, "%s_ROW", m->name), m->row_of)));
}

static void letters(char *text, int request)
{
	static const char all[] = "rwxpg";

	for (int i = 0; i < 5; i++)
		text[i] = (request >> i & 1) != 0 ? all[i] : '-';
	text[5] = '\0';
}

void emit_code_tables(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = 0; i < emitter->matrices.n; i++) {
		const struct matrix *matrix = &emitter->matrices.v[i];
		bool bytes = i == emitter->granted, rights = matrix->columns == 32;

		OUT("/* %s%s */\n", matrix->comment, bytes ? " REFUSED: not at all; WIDER: more than was asked." : "");
		OUT("static const %s %s_%s[%d][%d] = {\n",
		    bytes ? "uint8_t" : text_of(emitter, "%s_entry", emitter->lower), emitter->lower,
		    bytes ? "granted" : matrix->name, matrix->rows, matrix->columns);
		for (int row = 0; row < matrix->rows; row++) {
			OUT("\t{\n");
			for (int column = 0; column < matrix->columns; column++) {
				wide value = matrix->value[row * matrix->columns + column];
				char text[6];
				bool last;

				letters(text, column & 31);
				if (bytes) {
					last = column % 8 == 7;
					OUT("%s0x%02x,%s", column % 8 == 0 ? "\t\t" : " ", (unsigned int)value,
					    last ? "\n" : "");
				} else if (rights) {
					OUT("%s%s, /* %s */%s", column % 2 == 0 ? "\t\t" : " ", hex(emitter, value),
					    text, column % 2 ? "\n" : "");
				} else {
					OUT("\t\t%s,\n", hex(emitter, value));
				}
			}
			OUT("\t},\n");
		}
		OUT("};\n\n");
	}
}

void emit_attribute_functions(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	bool shapes = model->shapes.n > 1;

	OUT("/* The attribute bits of a request that was checked. */\n"
	    "PT_ALWAYS_INLINE void %s_attributes_of(const struct pt_table *t, unsigned int granted, "
	    "unsigned int request,\n\t\t\t\t\t struct %s_attributes *a)\n{\n"
	    "\tunsigned int rights = granted & 31U, type = granted >> 5 & 3U;\n\n"
	    "\t(void)t;\n\t(void)request;\n",
	    emitter->lower, emitter->lower);
	if (shapes)
		OUT("\tswitch (t->shape) {\n");
	for (int s = 0; s < model->shapes.n; s++) {
		/* The last shape stands for "all others", so that every path writes. */
		if (shapes)
			OUT("\t%s: /* %s */\n", s + 1 == model->shapes.n ? "default" : text_of(emitter, "case %d", s),
			    model->shapes.v[s].name);
		for (int c = 0; c < emitter->classes.n; c++) {
			const struct attribute_class *class = &emitter->classes.v[c];

			if (class->shape != s)
				continue;
			OUT("%s\ta->leaf[%d] = %s_%s[%s][rights] |\n%s\t\t     %s_%s[%s][type]", shapes ? "\t" : "",
			    class->index, emitter->lower, emitter->matrices.v[class->rights].name,
			    row_text(emitter, class->rights), shapes ? "\t" : "", emitter->lower,
			    emitter->matrices.v[class->memory].name, row_text(emitter, class->memory));
			OUT(";\n");
			if (class->marks)
				OUT("%s\tif ((request & PT_MEMORY_MASK) != PT_DEVICE)\n%s\t\ta->leaf[%d] |= "
				    "t->word[%s];\n",
				    shapes ? "\t" : "", shapes ? "\t" : "", class->index,
				    word_name(emitter, word_of(emitter, "MARKS_IN_ENTRY", class->marks)));
		}
		if (shapes)
			OUT("\t\tbreak;\n");
	}
	if (shapes)
		OUT("\t}\n");
	OUT("}\n\n");
}

void emit_marks(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	if (!emitter->has_marks)
		return;
	OUT("/* The mark, as it lies in entries. */\n"
	    "PT_ALWAYS_INLINE uint64_t %s_marks(const struct pt_table *t)\n{\n\tswitch (t->shape) {\n",
	    emitter->lower);
	for (int s = 0; s < model->shapes.n; s++)
		for (int c = 0; c < emitter->classes.n; c++) {
			const struct attribute_class *class = &emitter->classes.v[c];

			if (class->shape != s || !class->marks)
				continue;
			OUT("\tcase %d: return t->word[%s];\n", s,
			    word_name(emitter, word_of(emitter, "MARKS_IN_ENTRY", class->marks)));
			break;
		}
	OUT("\tdefault: return 0;\n\t}\n}\n\n");
}

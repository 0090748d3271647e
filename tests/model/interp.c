/* SPDX-License-Identifier: MIT */
/* interp.c - configurations, expressions, words and walks of the plain interpreter (see interp.h). */
#include "interp.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------ bits, words */

/* ------------------------------------------------------------------------------------------------------ expressions */

static const struct m_kind *kind_of(const struct interp *in, ref kind)
{
	return &in->model->kinds.v[kind];
}

static const struct m_slice *slice_of(const struct interp *in, ref kind, int i)
{
	return &in->model->slices.v[kind_of(in, kind)->first_slice + i];
}

static bool slice_exists(const struct interp *in, const struct m_slice *slice)
{
	size_t n = (size_t)(slice - in->model->slices.v);

	return (in->slice_exists[n / 64] >> n % 64) & 1;
}

/* The value of a field in a word; false when the kind has no such field. */
static bool field_get(const struct interp *in, ref kind, ref field, const uint64_t word[2], uint64_t *value)
{
	bool found = false;

	*value = 0;
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice->field != field || (slice->role != ROLE_FIELD && slice->role != ROLE_CONST) ||
		    !slice_exists(in, slice))
			continue;
		found = true;
		*value |= interp_get_bits(word, slice->hi, slice->lo) << slice->to;
	}
	return found;
}

/* Set bits [hi:lo] of a field in a word. */
static void field_put(const struct interp *in, ref kind, ref field, unsigned int hi, unsigned int lo, uint64_t value,
		      uint64_t word[2])
{
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);
		uint64_t now;

		if (slice->field != field || slice->role != ROLE_FIELD || !slice_exists(in, slice))
			continue;
		now = interp_get_bits(word, slice->hi, slice->lo);
		for (unsigned int k = 0; k <= (unsigned int)(slice->hi - slice->lo); k++) {
			unsigned int bit = slice->to + k; /* of the field */

			if (bit >= lo && bit <= hi)
				now = (now & ~((uint64_t)1 << k)) | ((value >> (bit - lo)) & 1) << k;
		}
		interp_put_bits(word, slice->hi, slice->lo, now);
	}
}

int64_t interp_eval(const struct interp *in, ref expr, ref kind, const uint64_t word[2], unsigned int request)
{
	const struct m_expr *e = &in->model->exprs.v[expr];
	uint64_t field;
	int64_t a, b;

	switch ((enum m_op)e->op) {
	case X_CONST: return e->k;
	case X_PARAM: return in->param[e->a];
	case X_FIELD:
		if (kind == REF_NONE || !word || !field_get(in, kind, e->a, word, &field))
			return 0;
		return (int64_t)field;
	case X_BITS: return word ? (int64_t)interp_get_bits(word, (unsigned int)e->a, (unsigned int)e->b) : 0;
	case X_RIGHT: return (request & (unsigned int)e->a) != 0;
	case X_ADDRESS:
		return (int64_t)((uint64_t)in->param[in->model->params.n + e->a] >> e->c &
				 ones((unsigned int)(e->b - e->c) + 1));
	case X_COND:
		return interp_eval(in, interp_eval(in, e->a, kind, word, request) ? e->b : e->c, kind, word, request);
	case X_OR: return interp_eval(in, e->a, kind, word, request) || interp_eval(in, e->b, kind, word, request);
	case X_AND: return interp_eval(in, e->a, kind, word, request) && interp_eval(in, e->b, kind, word, request);
	case X_NOT: return !interp_eval(in, e->a, kind, word, request);
	case X_NEG: return (int64_t) - (uint64_t)interp_eval(in, e->a, kind, word, request);
	default: break;
	}
	a = interp_eval(in, e->a, kind, word, request);
	b = interp_eval(in, e->b, kind, word, request);
	switch ((enum m_op)e->op) {
	case X_EQ: return a == b;
	case X_NE: return a != b;
	case X_LT: return a < b;
	case X_GT: return a > b;
	case X_LE: return a <= b;
	case X_GE: return a >= b;
	case X_SHL: return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b);
	case X_SHR: return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a >> b);
	case X_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
	case X_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
	case X_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
	case X_DIV: return b == 0 || (b == -1 && a == INT64_MIN) ? 0 : a / b;
	case X_MOD: return b == 0 || b == -1 ? 0 : a % b;
	default: return 0;
	}
}

bool interp_holds(const struct interp *in, ref cond, ref kind, const uint64_t word[2], unsigned int request)
{
	return cond == REF_NONE || interp_eval(in, cond, kind, word, request) != 0;
}

static int64_t eval(const struct interp *in, ref expr)
{
	return interp_eval(in, expr, REF_NONE, NULL, 0);
}

/* -------------------------------------------------------------------------------------------------------
 * configurations */

uint64_t interp_address_bits(const struct model *model, ref address)
{
	uint64_t bits = 0;

	for (int i = 0; i < model->exprs.n; i++)
		if (model->exprs.v[i].op == X_ADDRESS && model->exprs.v[i].a == address)
			bits |= ones((unsigned int)model->exprs.v[i].b + 1) & ~ones((unsigned int)model->exprs.v[i].c);
	return bits;
}

void interp_unset(const struct model *model, int64_t param[PT_MAX_PARAMS])
{
	for (int i = 0; i < PT_MAX_PARAMS; i++)
		param[i] = PT_UNSET;
	for (int i = 0; i < model->addresses.n; i++)
		param[model->params.n + i] = (int64_t)(UINT64_C(0x5a5a5a5a5a5a5a5a) & interp_address_bits(model, i));
}

static const char *settle_params(struct interp *in, const int64_t *param)
{
	const struct model *model = in->model;

	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];
		bool inside = false;

		if (p->bound)
			in->param[i] = p->value;
		else if (param[i] != PT_UNSET)
			in->param[i] = param[i];
		else
			in->param[i] = p->dflt == REF_NONE ? 0 : eval(in, p->dflt);
		if (p->bound && param[i] != PT_UNSET && param[i] != p->value)
			return "a bound parameter";
		if (p->bound)
			continue;
		for (int k = 0; k < p->n_ranges; k++) {
			const struct m_range *range = &model->ranges.v[p->first_range + k];

			inside |= in->param[i] >= range->first && in->param[i] <= range->last;
		}
		if (!inside && p->feature && p->n_ranges == 0)
			inside = in->param[i] == 0 || in->param[i] == 1;
		if (!inside)
			return "a parameter out of its set";
	}
	for (int i = 0; i < model->addresses.n; i++) {
		int64_t value = param[model->params.n + i];

		in->param[model->params.n + i] = value;
		if (value < 0 || (uint64_t)value & ~interp_address_bits(model, i))
			return "an address that entries do not hold, or none at all";
	}
	for (int i = 0; i < model->requires.n; i++)
		if (!interp_holds(in, model->requires.v[i].cond, REF_NONE, NULL, 0))
	return model->requires.v[i].why;
	return NULL;
}

const char *interp_init(struct interp *in, const struct model *model, const int64_t *param)
{
	const char *why;
	int64_t number, count;

	memset(in, 0, sizeof(*in));
	in->model = model;
	why = settle_params(in, param);
	if (why)
		return why;
	if (model->slices.n > INTERP_SLICES)
		return "more slices than the interpreter takes";
	for (int i = 0; i < model->slices.n; i++)
		if (interp_holds(in, model->slices.v[i].cond, REF_NONE, NULL, 0))
			in->slice_exists[i / 64] |= (uint64_t)1 << i % 64;
	in->shape = REF_NONE;
	for (int i = 0; i < model->shapes.n && in->shape == REF_NONE; i++)
		if (interp_holds(in, model->shapes.v[i].when, REF_NONE, NULL, 0))
			in->shape = i;
	if (in->shape == REF_NONE)
		return "no shape";
	in->input_hi = (unsigned int)eval(in, model->input.hi);
	count = model->root.count == REF_NONE ? 1 : eval(in, model->root.count);
	while (count > (int64_t)1 << in->count_lg2)
		in->count_lg2++;
	number = eval(in, model->root.start);
	in->start = REF_NONE;
	for (int i = 0; i < model->shapes.v[in->shape].n_levels; i++) {
		ref level = model->shapes.v[in->shape].first_level + i;

		if (model->levels.v[level].number == number)
			in->start = level;
	}
	if (in->start == REF_NONE)
		return "no start level of that number";
	in->above = ABOVE_ZERO;
	for (int i = model->input.n_above - 1; i >= 0; i--)
		if (interp_holds(in, model->input.above[i].cond, REF_NONE, NULL, 0))
			in->above = model->input.above[i].above;
	in->aperture_first =
		model->input.aperture_first == REF_NONE ? 0 : (uint64_t)eval(in, model->input.aperture_first);
	in->aperture_last = model->input.aperture_last == REF_NONE ? ones(in->input_hi + 1)
								   : (uint64_t)eval(in, model->input.aperture_last);
	in->base = model->input.base == REF_NONE ? 0 : (uint64_t)eval(in, model->input.base);
	in->output_mask = ones((unsigned int)eval(in, model->output.hi) + 1);
	if (model->output.base != REF_NONE)
		in->output_first = (uint64_t)eval(in, model->output.base);
	if (model->output.window != REF_NONE)
		in->output_first = (uint64_t)eval(in, model->output.window);
	in->output_last = in->output_first + in->output_mask;
	interp_way(in);
	return NULL;
}

bool interp_input(const struct interp *in, uint64_t iova, uint64_t *inner)
{
	uint64_t mask = ones(in->input_hi + 1), above, low;

	iova -= in->base;
	above = iova & ~mask;
	low = iova & mask;
	*inner = low;
	if (low < in->aperture_first || low > in->aperture_last)
		return false;
	switch (in->above) {
	case ABOVE_ZERO: return above == 0;
	case ABOVE_ONES: return above == ~mask;
	case ABOVE_SIGN: return above == (low >> in->input_hi ? ~mask : 0);
	case ABOVE_ANY: return true;
	}
	return false;
}

uint64_t interp_present(const struct interp *in, uint64_t inner)
{
	uint64_t mask = ones(in->input_hi + 1);

	inner &= mask;
	if (in->above == ABOVE_ONES || (in->above == ABOVE_SIGN && inner >> in->input_hi))
		inner |= ~mask;
	return inner + in->base;
}

/* --------------------------------------------------------------------------------------------------------- geometry */

static unsigned int level_hi(const struct interp *in, ref level, bool start)
{
	unsigned int top = in->input_hi - in->count_lg2;
	unsigned int hi = (unsigned int)in->model->levels.v[level].hi;

	return start || hi > top ? top : hi;
}

static uint64_t per_root(const struct interp *in, ref level, bool start)
{
	unsigned int hi = level_hi(in, level, start), lo = (unsigned int)in->model->levels.v[level].lo;

	return hi + 1 <= lo ? 1 : (uint64_t)1 << (hi + 1 - lo);
}

struct interp_roots interp_roots(const struct pt_table *table)
{
	struct interp_roots roots = {{0}};

	for (unsigned int i = 0; i < table->n_roots; i++)
		roots.pa[i] = pt_root_at(table, i);
	return roots;
}

unsigned int interp_root(const struct interp *in, uint64_t inner)
{
	return in->count_lg2 ? (unsigned int)(inner >> (in->input_hi + 1 - in->count_lg2)) : 0;
}

uint64_t interp_entries(const struct interp *in, ref level, bool start)
{
	return per_root(in, level, start);
}

uint64_t interp_index(const struct interp *in, ref level, bool start, uint64_t inner)
{
	return (inner >> in->model->levels.v[level].lo) & (interp_entries(in, level, start) - 1);
}

bool interp_has_index(const struct interp *in, ref level, uint64_t index)
{
	const struct m_level *l = &in->model->levels.v[level];
	bool limited = l->first_index > 0 || l->last_index < ones((unsigned int)(l->hi - l->lo) + 1);

	return !limited || (index >= l->first_index && index <= l->last_index);
}

uint64_t interp_table_bytes(const struct interp *in, ref level, bool start)
{
	const struct m_level *l = &in->model->levels.v[level];

	if (!start)
		return l->table_bytes;
	if (in->model->root.table != REF_NONE)
		return (uint64_t)eval(in, in->model->root.table);
	return interp_entries(in, level, true) * (uint64_t)l->entry_bytes << l->every_lg2;
}

uint64_t interp_entry_pa(const struct interp *in, ref level, uint64_t table, uint64_t index)
{
	const struct m_level *l = &in->model->levels.v[level];

	return table + ((index << l->every_lg2) * (uint64_t)l->entry_bytes);
}

bool interp_read(const struct interp *in, const struct image *image, ref level, uint64_t pa, uint64_t word[2])
{
	const struct m_level *l = &in->model->levels.v[level];
	unsigned char bytes[16];

	if (!image->read(image->ctx, pa, bytes, (size_t)l->entry_bytes))
		return false;
	word[0] = word[1] = 0;
	for (int i = 0; i < l->entry_bytes; i++) {
		int place = l->big_endian ? l->entry_bytes - 1 - i : i;

		word[place / 8] |= (uint64_t)bytes[i] << (place % 8 * 8);
	}
	return true;
}

void interp_store(const struct interp *in, ref level, const uint64_t word[2], unsigned char *bytes)
{
	const struct m_level *l = &in->model->levels.v[level];

	for (int i = 0; i < l->entry_bytes; i++) {
		int place = l->big_endian ? l->entry_bytes - 1 - i : i;

		bytes[i] = (unsigned char)(word[place / 8] >> (place % 8 * 8));
	}
}

/* --------------------------------------------------------------------------------------------------------- reading
 * words */

static bool is_kind(const struct interp *in, ref kind, const uint64_t word[2])
{
	if (!interp_holds(in, kind_of(in, kind)->present, REF_NONE, NULL, 0))
		return false;
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice->role != ROLE_CONST || !slice_exists(in, slice))
			continue;
		if (interp_get_bits(word, slice->hi, slice->lo) !=
		    ((uint64_t)eval(in, slice->value) & ones((unsigned int)(slice->hi - slice->lo) + 1)))
			return false;
	}
	return interp_holds(in, kind_of(in, kind)->when, kind, word, 0);
}

ref interp_classify(const struct interp *in, ref level, const uint64_t word[2], int *n)
{
	const struct m_level *l = &in->model->levels.v[level];
	ref found = REF_NONE;
	int claims = 0;

	for (int i = 0; i < l->n_kinds; i++)
		if (is_kind(in, l->first_kind + i, word)) {
			found = found == REF_NONE ? l->first_kind + i : found;
			claims++;
		}
	if (n)
		*n = claims;
	return found;
}

static unsigned int fault_number(ref fault, unsigned int otherwise)
{
	if (fault == REF_NONE)
		return otherwise;
	return fault < N_FAULTS_BUILTIN ? (unsigned int)fault + PT_FAULT_ABSENT
					: (unsigned int)(fault - N_FAULTS_BUILTIN) + PT_FAULT_FORMAT;
}

static uint64_t fault_bit(ref fault, unsigned int otherwise)
{
	return (uint64_t)1 << fault_number(fault, otherwise);
}

uint64_t interp_reserved(const struct interp *in, ref kind, const uint64_t word[2])
{
	uint64_t reserved = fault_bit(in->model->reserved_fault, PT_FAULT_RESERVED), faults = 0;

	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);
		uint64_t value = interp_get_bits(word, slice->hi, slice->lo);
		uint64_t all = ones((unsigned int)(slice->hi - slice->lo) + 1);

		if (!slice_exists(in, slice))
			continue;
		if ((slice->role == ROLE_RES0 && value != 0) || (slice->role == ROLE_RES1 && value != all))
			faults |= reserved;
		if (slice->role == ROLE_FIELD && slice->in != REF_NONE && !interp_eval(in, slice->in, kind, word, 0))
			faults |= reserved;
		if (slice->role == ROLE_ADDRESS) {
			uint64_t marks = slice->marks == REF_NONE ? 0 : (uint64_t)eval(in, slice->marks);

			if (((value << slice->to) & ~marks) > in->output_mask)
				faults |= fault_bit(in->model->output.fault, PT_FAULT_ADDRESS);
		}
	}
	return faults;
}

/* The sub-table of an entry that is looked at first, NULL: there is but one. */
static const char *first_via(const struct interp *in, ref kind, const uint64_t word[2])
{
	for (int i = 0; i < kind_of(in, kind)->n_next && kind_of(in, kind)->category == CATEGORY_TABLE; i++) {
		const struct m_next *next = &in->model->nexts.v[kind_of(in, kind)->first_next + i];

		if (interp_holds(in, next->cond, kind, word, 0))
			return next->via;
	}
	return NULL;
}

uint64_t interp_address(const struct interp *in, ref kind, const uint64_t word[2])
{
	return interp_sub_address(in, kind, first_via(in, kind, word), word);
}

uint64_t interp_sub_address(const struct interp *in, ref kind, const char *via, const uint64_t word[2])
{
	uint64_t address = 0;

	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);
		uint64_t part;

		if (slice->role != ROLE_ADDRESS || !slice_exists(in, slice) ||
		    (via && slice->via && strcmp(via, slice->via) != 0))
			continue;
		part = interp_get_bits(word, slice->hi, slice->lo) << slice->to;
		if (slice->marks != REF_NONE)
			part &= ~(uint64_t)eval(in, slice->marks);
		address |= part;
	}
	return interp_outside(in, address);
}

uint64_t interp_inside(const struct interp *in, uint64_t pa)
{
	return in->model->output.window != REF_NONE ? pa & in->output_mask : pa - in->output_first;
}

uint64_t interp_outside(const struct interp *in, uint64_t inside)
{
	if (in->model->output.window == REF_NONE)
		return inside + in->output_first;
	/* the one address of the window that ends in these bits */
	inside |= in->output_first & ~in->output_mask;
	return inside < in->output_first ? inside + in->output_mask + 1 : inside;
}

/* Do the columns of a code table all exist in the kind? */
static bool code_applies(const struct interp *in, const struct m_code *code, ref kind)
{
	const uint64_t none[2] = {0, 0};
	uint64_t value;

	if (!interp_holds(in, code->cond, REF_NONE, NULL, 0))
		return false;
	for (int i = 0; i < code->n_cols; i++)
		if (!field_get(in, kind, code->col[i].field, none, &value))
			return false;
	return true;
}

/* The first row that the word matches, NULL: none. */
static const struct m_row *code_row(const struct interp *in, const struct m_code *code, ref kind,
				    const uint64_t word[2])
{
	for (int r = 0; r < code->n_rows; r++) {
		const struct m_row *row = &in->model->rows.v[code->first_row + r];
		bool same = true;

		for (int i = 0; i < code->n_cols && same; i++) {
			const struct m_col *col = &code->col[i];
			uint64_t value;

			field_get(in, kind, col->field, word, &value);
			value = (value >> col->lo) & ones((unsigned int)(col->hi - col->lo) + 1);
			same = row->any[i] || value == (uint64_t)row->cell[i];
		}
		if (same)
			return row;
	}
	return NULL;
}

void interp_decode(const struct interp *in, ref kind, const uint64_t word[2], struct interp_decode *decode)
{
	bool memory_known = false;

	memset(decode, 0, sizeof(*decode));
	decode->rights = PT_RIGHT_ALL;
	decode->memory = PT_MEMORY_CACHED;
	decode->accessed = true;
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);
		bool on = interp_get_bits(word, slice->lo, slice->lo) != 0;

		if (!slice_exists(in, slice))
			continue;
		if (!on)
			decode->rights &= ~(unsigned int)slice->allows;
		else
			decode->rights &= ~(unsigned int)slice->denies;
		if ((slice->allows & PT_RIGHT_GLOBAL && on) || (slice->denies & PT_RIGHT_GLOBAL && !on))
			decode->rights |= PT_RIGHT_GLOBAL;
		if (slice->flags & SLICE_ACCESSED) {
			decode->has_accessed = true;
			decode->accessed = on;
			decode->accessed_by_hardware = interp_holds(in, slice->by, kind, word, 0);
		}
		if (slice->flags & SLICE_DIRTY) {
			decode->has_dirty = true;
			decode->dirty = on;
			decode->dirty_by_hardware = interp_holds(in, slice->by, kind, word, 0);
		}
	}
	for (int i = 0; i < in->model->codes.n; i++) {
		const struct m_code *code = &in->model->codes.v[i];
		const struct m_row *row;

		if (!code_applies(in, code, kind))
			continue;
		row = code_row(in, code, kind, word);
		switch (code->concept) {
		case CONCEPT_PROT:
			if (row)
				decode->rights &= ~((unsigned int)code->occurs & ~(unsigned int)row->rights);
			else
				decode->unknown_rights = true;
			if (row && row->rights & PT_RIGHT_GLOBAL)
				decode->rights |= PT_RIGHT_GLOBAL;
			break;
		case CONCEPT_MEMTYPE:
			if (!memory_known)
				decode->memory = row ? row->memory : (unsigned int)PT_MEMORY_OTHER;
			memory_known = true;
			break;
		case CONCEPT_DIRTY:
			decode->has_dirty = row != NULL;
			decode->dirty = row && row->dirty;
			decode->dirty_by_hardware = true;
			break;
		}
	}
}

/* --------------------------------------------------------------------------------------------------------- writing
 * words */

bool interp_round(const struct interp *in, unsigned int request, unsigned int *rounded)
{
	unsigned int unmarked = 0;

	request &= PT_REQUEST_MASK;
	for (int i = 0; i < in->model->slices.n; i++)
		if ((request & PT_MEMORY_MASK) == PT_DEVICE && in->model->slices.v[i].marks != REF_NONE &&
		    interp_eval(in, in->model->slices.v[i].marks, REF_NONE, NULL, 0) != 0)
			unmarked = INTERP_UNMARKED;
	for (int i = 0; i < in->model->rules.n; i++) {
		const struct m_rule *rule = &in->model->rules.v[i];

		if (rule->refuse || !interp_holds(in, rule->cond, REF_NONE, NULL, 0) ||
		    !interp_holds(in, rule->when, REF_NONE, NULL, request))
			continue;
		request |= rule->adds & 31U;
		request &= ~(rule->drops & 31U);
		if (((request & PT_MEMORY_MASK) == PT_NONCACHED && rule->drops & M_NONCACHED) ||
		    ((request & PT_MEMORY_MASK) == PT_DEVICE && rule->drops & M_DEVICE) ||
		    ((request & PT_MEMORY_MASK) == PT_NONSHAREABLE && rule->drops & M_NONSHAREABLE))
			request &= ~(unsigned int)PT_MEMORY_MASK;
		if (rule->adds & M_NONCACHED)
			request = (request & ~(unsigned int)PT_MEMORY_MASK) | PT_NONCACHED;
		if (rule->adds & M_DEVICE)
			request = (request & ~(unsigned int)PT_MEMORY_MASK) | PT_DEVICE;
		if (rule->adds & M_NONSHAREABLE)
			request |= PT_NONSHAREABLE;
	}
	*rounded = request | unmarked;
	for (int i = 0; i < in->model->rules.n; i++) {
		const struct m_rule *rule = &in->model->rules.v[i];

		if (rule->refuse && interp_holds(in, rule->cond, REF_NONE, NULL, 0) &&
		    interp_holds(in, rule->when, REF_NONE, NULL, request))
			return false;
	}
	return true;
}

/* Does anything in a leaf of this configuration decide about execute access? */
static bool controls_exec(const struct interp *in)
{
	const unsigned int exec = PT_RIGHT_PX | PT_RIGHT_UX;
	const struct m_level *last = &in->model->levels.v[in->way[in->n_way - 1]];
	bool found = false;

	for (int k = 0; k < last->n_kinds; k++) {
		ref kind = last->first_kind + k;

		if (!interp_offered(in, kind))
			continue;
		for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
			const struct m_slice *slice = slice_of(in, kind, i);

			found |= slice_exists(in, slice) && ((unsigned int)slice->allows | slice->denies) & exec;
		}
		for (int i = 0; i < in->model->codes.n; i++) {
			const struct m_code *code = &in->model->codes.v[i];

			found |= code->concept == CONCEPT_PROT && code->occurs & exec && code_applies(in, code, kind);
		}
	}
	return found;
}

bool interp_wider(const struct interp *in, unsigned int request, unsigned int rounded)
{
	unsigned int added = rounded & ~request;

	return added & PT_WRITE || (added & PT_EXEC && controls_exec(in)) ||
	       (request & PT_PRIV && !(rounded & PT_PRIV));
}

static int popcount(unsigned int x)
{
	int n = 0;

	for (; x; x &= x - 1)
		n++;
	return n;
}

/* The row that a mapper takes: the smallest that covers the rights, or the first of the memory type. */
static const struct m_row *wanted_row(const struct interp *in, const struct m_code *code, unsigned int rights,
				      unsigned int memory)
{
	const struct m_row *best = NULL;

	for (int r = 0; r < code->n_rows; r++) {
		const struct m_row *row = &in->model->rows.v[code->first_row + r];
		unsigned int want = rights & code->occurs;

		if (!row->two_way)
			continue;
		if (code->concept == CONCEPT_MEMTYPE && row->memory == memory && !best)
			best = row;
		if (code->concept == CONCEPT_PROT && (row->rights & want) == want &&
		    (!best || popcount(row->rights) < popcount(best->rights)))
			best = row;
	}
	return best;
}

static void put_row(const struct interp *in, const struct m_code *code, const struct m_row *row, ref kind,
		    uint64_t word[2])
{
	for (int i = 0; i < code->n_cols; i++)
		if (!row->any[i])
			field_put(in, kind, code->col[i].field, (unsigned int)code->col[i].hi,
				  (unsigned int)code->col[i].lo, (uint64_t)row->cell[i], word);
}

bool interp_encode(const struct interp *in, ref kind, uint64_t address, unsigned int request, uint64_t word[2])
{
	bool leaf = kind_of(in, kind)->category == CATEGORY_LEAF;
	unsigned int rights = leaf ? pt_request_rights(request) : (unsigned int)PT_RIGHT_ALL;
	unsigned int memory = (request & PT_MEMORY_MASK) >> 5;
	const char *via;

	word[0] = word[1] = 0;
	for (int turn = 0; turn < 2 * kind_of(in, kind)->n_slices; turn++) {
		const struct m_slice *slice = slice_of(in, kind, turn % kind_of(in, kind)->n_slices);
		uint64_t all = ones((unsigned int)(slice->hi - slice->lo) + 1), value = 0;

		if (!slice_exists(in, slice))
			continue;
		switch ((enum m_role)slice->role) {
		case ROLE_RES1: value = all; break;
		case ROLE_CONST: value = (uint64_t)eval(in, slice->value); break;
		case ROLE_FIELD:
			if (slice->dflt != REF_NONE)
				value = (uint64_t)interp_eval(in, slice->dflt, REF_NONE, NULL, request);
			if (slice->allows)
				value = (rights & slice->allows) != 0;
			if (slice->denies)
				value = (rights & slice->denies) == 0;
			if (slice->denies & PT_RIGHT_GLOBAL && !leaf)
				value = 0;
			break;
		case ROLE_ADDRESS:
			/* by the fields of the entry, which are all there after the first turn */
			via = first_via(in, kind, word);
			if (via && slice->via && strcmp(via, slice->via) != 0)
				break;
			value = interp_inside(in, address);
			if (slice->marks != REF_NONE &&
			    !(leaf && (memory == PT_MEMORY_DEVICE || request & INTERP_UNMARKED)))
				value |= (uint64_t)eval(in, slice->marks);
			value >>= slice->to;
			break;
		default: break;
		}
		interp_put_bits(word, slice->hi, slice->lo, value & all);
	}
	for (int i = 0; i < in->model->codes.n && leaf; i++) {
		const struct m_code *code = &in->model->codes.v[i];
		const struct m_row *row;

		if (code->concept == CONCEPT_DIRTY || !code_applies(in, code, kind))
			continue;
		row = wanted_row(in, code, rights, memory);
		if (!row)
			return false;
		put_row(in, code, row, kind, word);
	}
	if (kind_of(in, kind)->category == CATEGORY_LEAF || kind_of(in, kind)->category == CATEGORY_TABLE)
		return interp_address(in, kind, word) == address && address >= in->output_first &&
		       address <= in->output_last;
	return true;
}

void interp_hardware_bits(const struct interp *in, ref kind, uint64_t mask[2])
{
	mask[0] = mask[1] = 0;
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice_exists(in, slice) && slice->flags & (SLICE_ACCESSED | SLICE_DIRTY))
			interp_put_bits(mask, slice->hi, slice->lo, UINT64_MAX);
	}
	for (int i = 0; i < in->model->codes.n; i++) {
		const struct m_code *code = &in->model->codes.v[i];

		if (code->concept != CONCEPT_DIRTY || !code_applies(in, code, kind))
			continue;
		for (int c = 0; c < code->n_cols; c++)
			field_put(in, kind, code->col[c].field, (unsigned int)code->col[c].hi,
				  (unsigned int)code->col[c].lo, UINT64_MAX, mask);
	}
}

void interp_synced_bits(const struct interp *in, ref kind, uint64_t mask[2])
{
	mask[0] = mask[1] = 0;
	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice_exists(in, slice) && slice->flags & SLICE_SYNCED)
			interp_put_bits(mask, slice->hi, slice->lo, UINT64_MAX);
	}
}

bool interp_set_accessed(const struct interp *in, ref kind, uint64_t word[2], bool on)
{
	bool found = false;

	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice_exists(in, slice) && slice->flags & SLICE_ACCESSED) {
			interp_put_bits(word, slice->lo, slice->lo, on);
			found = true;
		}
	}
	return found;
}

bool interp_set_dirty(const struct interp *in, ref kind, uint64_t word[2], bool on)
{
	bool found = false;

	for (int i = 0; i < kind_of(in, kind)->n_slices; i++) {
		const struct m_slice *slice = slice_of(in, kind, i);

		if (slice_exists(in, slice) && slice->flags & SLICE_DIRTY) {
			interp_put_bits(word, slice->lo, slice->lo, on);
			found = true;
		}
	}
	for (int i = 0; i < in->model->codes.n && !found; i++) {
		const struct m_code *code = &in->model->codes.v[i];

		if (code->concept != CONCEPT_DIRTY || !code_applies(in, code, kind) || !code_row(in, code, kind, word))
			continue;
		for (int r = 0; r < code->n_rows && !found; r++) {
			const struct m_row *row = &in->model->rows.v[code->first_row + r];

			if (row->two_way && row->dirty == on) {
				put_row(in, code, row, kind, word);
				found = true;
			}
		}
	}
	return found;
}

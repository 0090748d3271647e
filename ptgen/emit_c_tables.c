/* SPDX-License-Identifier: MIT */
/* emit_c_tables.c - what the descriptor tells about a format: parameters, levels, kinds, fields. */
#include "emit_c.h"

#include <inttypes.h>
#include <string.h>

const char *quoted(struct emitter *emitter, const char *text)
{
	char *out = arena_alloc(emitter->arena, strlen(text ? text : "") * 2 + 3), *c = out;

	*c++ = '"';
	for (const char *from = text ? text : ""; *from; from++) {
		if (*from == '"' || *from == '\\')
			*c++ = '\\';
		*c++ = *from;
	}
	*c++ = '"';
	return out;
}

int when_word(struct emitter *emitter, const char *name, ref cond)
{
	if (cond == REF_NONE)
		return -1;
	return word_of(emitter, name, text_of(emitter, "(uint64_t)((%s) != 0)", config_text(emitter, cond)));
}

static const char *upper_of(struct emitter *emitter, const char *name)
{
	char *text = arena_strndup(emitter->arena, name, strlen(name));

	for (char *c = text; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z')))
			*c = '_';
	}
	return text;
}

static const char *cond_name(struct emitter *emitter, ref cond)
{
	const struct m_expr *e = &emitter->model->exprs.v[cond];

	if (e->op == X_PARAM)
		return text_of(emitter, "IF_%s", upper_of(emitter, emitter->model->params.v[e->a].name));
	if (e->op == X_NOT && emitter->model->exprs.v[e->a].op == X_PARAM)
		return text_of(emitter, "UNLESS_%s",
			       upper_of(emitter, emitter->model->params.v[emitter->model->exprs.v[e->a].a].name));
	return text_of(emitter, "IF_%d", cond);
}

int cond_word(struct emitter *emitter, ref cond)
{
	return cond == REF_NONE ? -1 : when_word(emitter, cond_name(emitter, cond), cond);
}

static const char *doc_of(const char *doc)
{
	return doc ? doc : "";
}

/* ----------------------------------------------------------------------------------------------------------- fields */

/* Has the field only one legal value in words of this kind, whatever the configuration? */
static bool is_fixed(const struct emitter *emitter, ref kind, const struct m_slice *slice)
{
	const struct model *model = emitter->model;
	int width = slice->hi - slice->lo + 1, legal = 0;

	if (slice->in == REF_NONE || width > 8 || slice->hi > 63 || model_mentions(model, slice->in, X_PARAM, -1))
		return false;
	for (uint64_t value = 0; value >> width == 0; value++) {
		uint64_t word[2] = {value << slice->lo, 0};
		struct m_env env = {.param = emitter->defaults, .kind = kind, .word = word};

		legal += model_eval(model, slice->in, &env) != 0;
	}
	return legal == 1;
}

static const char *field_line(struct emitter *emitter, ref kind, const struct m_slice *slice)
{
	static const char *const roles[] = {
		[ROLE_RES0] = "PT_FIELD_RES0",	     [ROLE_RES1] = "PT_FIELD_RES1",
		[ROLE_IGNORED] = "PT_FIELD_IGNORED", [ROLE_SOFTWARE] = "PT_FIELD_SOFTWARE",
		[ROLE_CONST] = "PT_FIELD_CONSTANT",  [ROLE_FIELD] = "PT_FIELD_VALUE",
		[ROLE_ADDRESS] = "PT_FIELD_ADDRESS", [ROLE_ROOT] = "PT_FIELD_ADDRESS",
	};
	static const char *const flags[] = {"PT_FIELD_LIVE", "PT_FIELD_KEEP", "PT_FIELD_SYNCED", "PT_FIELD_ACCESSED",
					    "PT_FIELD_DIRTY"};
	const char *name = slice->field != REF_NONE ? emitter->model->fields.v[slice->field].name : "", *text = NULL;

	if (slice->role == ROLE_ADDRESS)
		name = slice->via ? slice->via : emitter->model->output.name;
	for (int i = 0; i < 5; i++)
		if (slice->flags >> i & 1)
			text = text ? text_of(emitter, "%s | %s", text, flags[i]) : flags[i];
	if (is_fixed(emitter, kind, slice))
		text = text ? text_of(emitter, "%s | PT_FIELD_FIXED", text) : "PT_FIELD_FIXED";
	return text_of(emitter, "\t{%s, %s, %d, %d, %d, %s, 0x%02x, 0x%02x, %s, %s},\n", quoted(emitter, name),
		       quoted(emitter, slice->doc), slice->hi, slice->lo, slice->to, roles[slice->role], slice->allows,
		       slice->denies, text ? text : "0", word_name(emitter, cond_word(emitter, slice->cond)));
}

/* Kinds whose lines are the same share one array: its number. */
static int *field_arrays(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	int *array = arena_alloc(emitter->arena, sizeof(*array) * (size_t)(model->kinds.n + 1));
	const char **text = arena_alloc(emitter->arena, sizeof(*text) * (size_t)(model->kinds.n + 1));
	int used = 0;

	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);
		const char *lines = "";

		for (int i = 0; i < n; i++)
			lines = text_of(emitter, "%s%s", lines, field_line(emitter, k, &slice[i]));
		array[k] = -1;
		for (int i = 0; i < used && array[k] < 0; i++)
			if (strcmp(text[i], lines) == 0)
				array[k] = i;
		if (array[k] >= 0)
			continue;
		array[k] = used;
		text[used++] = lines;
		OUT("/* %s at %s. */\nstatic const struct pt_field_info %s_fields_%d[] = {\n%s};\n\n",
		    model->kinds.v[k].name, emitter->level_name[model->kinds.v[k].level], emitter->lower, array[k],
		    lines);
	}
	return array;
}

static void emit_params(struct emitter *emitter)
{
	const struct model *model = emitter->model;
	int at = 0;

	if (model->params.n + model->addresses.n == 0)
		return;
	OUT("static const struct pt_range %s_ranges[] = {\n", emitter->lower);
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];

		OUT("\t/* %s */\n", p->name);
		if (p->bound) {
			OUT("\t{%" PRId64 ", %" PRId64 "},\n", p->value, p->value);
			continue;
		}
		for (int r = 0; r < p->n_ranges; r++)
			OUT("\t{%" PRId64 ", %" PRId64 "},\n", model->ranges.v[p->first_range + r].first,
			    model->ranges.v[p->first_range + r].last);
	}
	for (int i = 0; i < model->addresses.n; i++)
		OUT("\t/* %s */\n\t{0, INT64_C(0x%" PRIx64 ")},\n", model->addresses.v[i].name,
		    model_address_bits(model, i) | (model_address_bits(model, i) - 1));
	OUT("};\n\nstatic const struct pt_param_info %s_params[] = {\n", emitter->lower);
	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];
		int n = p->bound ? 1 : p->n_ranges;

		OUT("\t{%s, %s, %s, %s_ranges + %d, %d, %s, %s},\n", quoted(emitter, p->name), quoted(emitter, p->doc),
		    p->bound ? quoted(emitter, text_of(emitter, "%" PRId64, p->value))
			     : quoted(emitter, p->default_text),
		    emitter->lower, at, n, p->feature ? "true" : "false", p->bound ? "true" : "false");
		at += n;
	}
	for (int i = 0; i < model->addresses.n; i++)
		OUT("\t{%s, %s, \"\", %s_ranges + %d, 1, false, false},\n", quoted(emitter, model->addresses.v[i].name),
		    quoted(emitter, model->addresses.v[i].doc), emitter->lower, at++);
	OUT("};\n\n");
}

static void emit_levels(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	OUT("/* name, number, shape, index bits, entry bytes, order, table bytes and alignment */\n"
	    "static const struct pt_level_info %s_levels[] = {\n",
	    emitter->lower);
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *l = &model->levels.v[i];

		OUT("\t{%s, %d, %d, %d, %d, %d, %s, %" PRIu32 ", %" PRIu32 "},\n", quoted(emitter, l->name), l->number,
		    (int)l->shape, l->hi, l->lo, l->entry_bytes, l->big_endian ? "true" : "false", l->table_bytes,
		    l->align);
	}
	OUT("};\n\nstatic const char *const %s_shapes[] = {\n", emitter->lower);
	for (int i = 0; i < model->shapes.n; i++)
		OUT("\t%s,\n", quoted(emitter, model->shapes.v[i].name));
	OUT("};\n\n");
	if (model->shapes.n > 1) {
		OUT("static const uint16_t %s_shape_base[] = {", emitter->lower);
		for (int i = 0; i < model->shapes.n; i++)
			OUT("%s%d", i ? ", " : "", (int)model->shapes.v[i].first_level);
		OUT("};\nstatic const uint16_t %s_shape_levels[] = {", emitter->lower);
		for (int i = 0; i < model->shapes.n; i++)
			OUT("%s%d", i ? ", " : "", model->shapes.v[i].n_levels);
		OUT("};\n");
		if (tables_differ(model)) {
			OUT("/* The last address that a table entry can hold. */\n"
			    "static const uint64_t %s_shape_table_last[] = {\n",
			    emitter->lower);
			for (int i = 0; i < model->shapes.n; i++)
				OUT("\t%s,\n", table_bit(model, i) < 0
						       ? "UINT64_MAX"
						       : hex64(emitter, mask_of(table_bit(model, i), 0)));
			OUT("};\n");
		}
		OUT("\n");
	} else {
		OUT("static const uint16_t %s_shape_base[] = {0};\n"
		    "static const uint16_t %s_shape_levels[] = {%d};\n\n",
		    emitter->lower, emitter->lower, model->shapes.v[0].n_levels);
	}
}

/* What a walk makes of an index that a level does not have: the same as of an absent entry. */
static const char *missing_fault(struct emitter *emitter, const struct m_level *level)
{
	const struct m_kind *kind = &emitter->model->kinds.v[level->first_kind];

	while (kind->category != CATEGORY_ABSENT)
		kind++;
	return fault_text(emitter, kind->fault, FAULT_ABSENT);
}

static void emit_geometry(struct emitter *emitter)
{
	const struct model *model = emitter->model;

	OUT("/* What the walks need of a level; folded where the level is a constant. */\n"
	    "struct %s_geometry {\n\tuint8_t lo;\n\tbool has_table, groups, repeats%s;%s%s\n"
	    "\tuint8_t carry; /* the lowest address bit of the next piece "
	    "of a split address; 0: none */\n"
	    "\tuint8_t narrow; /* address bits that leaves of narrow_sizes hold; 0: all */\n"
	    "\tuint16_t next, parent;\n\tuint16_t first_kind, end_kind;\n\tuint32_t index_mask;\n"
	    "\tuint64_t sizes, narrow_sizes; /* "
	    "of leaves, one bit each */\n\t%s_entry step; /* from one slot to the next */\n};\n\n"
	    "static const struct %s_geometry %s_geometry[] = {\n",
	    emitter->lower, emitter->has_foreign ? ", written" : "",
	    emitter->mixed
		    ? "\n\tuint8_t bytes; /* of an entry */\n\tuint32_t stride; /* bytes from one entry to the next */"
		    : "",
	    emitter->has_limits
		    ? "\n\tbool limited; /* some indices do not exist */\n\tuint16_t missing; /* the fault of these */"
		      "\n\tuint32_t first_index, last_index;"
		    : "",
	    emitter->lower, emitter->lower, emitter->lower);
	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *l = &model->levels.v[i];
		bool groups = false, repeats = false;
		uint64_t sizes = 0;
		wide step = 0;
		int carry = 0, parent = i, narrow;
		uint64_t narrow_sizes;

		plan_narrow(emitter, i, &narrow, &narrow_sizes);
		for (int p = 0; p < model->levels.n; p++)
			if (emitter->written[p] && emitter->next[p] == i)
				parent = p;
		for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
			const struct m_kind *kind = &model->kinds.v[k];
			int n, top = 0, low_top = 0;
			const struct m_slice *slice = slices_of(emitter, k, &n);

			if (kind->category != CATEGORY_LEAF)
				continue;
			if (emitter->written[i])
				sizes |= (uint64_t)1 << kind->lg2;
			groups = groups || kind->group != GROUP_NONE;
			repeats = repeats || kind->group == GROUP_REPEAT;
			if (kind->group == GROUP_REPEAT)
				continue;
			for (int s = 0; s < n; s++) {
				int end = slice[s].to + slice[s].hi - slice[s].lo;

				if (slice[s].role != ROLE_ADDRESS)
					continue;
				if (end > top)
					top = end;
				if (slice[s].to <= l->lo && end >= l->lo) {
					low_top = end;
					step = (wide)1 << (slice[s].lo + l->lo - slice[s].to);
				}
			}
			/* Pieces with the same shift that touch are one for an addition. */
			for (bool again = true; again;) {
				again = false;
				for (int s = 0; s < n; s++)
					if (slice[s].role == ROLE_ADDRESS && slice[s].to == low_top + 1 &&
					    (wide)1 << slice[s].lo == step << (low_top + 1 - l->lo)) {
						low_top = slice[s].to + slice[s].hi - slice[s].lo;
						again = true;
					}
			}
			if (low_top < top || narrow)
				carry = low_top + 1;
		}
		emitter->has_groups = emitter->has_groups || groups;
		emitter->has_repeats = emitter->has_repeats || repeats;
		emitter->has_carries = emitter->has_carries || carry != 0;
		OUT("\t[%s_%s] = {%d, %s, %s, %s%s, %s%s%d, %d, %d, %d, %d, %d, 0x%" PRIx64 ", UINT64_C(0x%" PRIx64
		    "), UINT64_C(0x%" PRIx64 "), %s},\n",
		    emitter->upper, emitter->level_name[i], l->lo, emitter->next[i] != REF_NONE ? "true" : "false",
		    groups ? "true" : "false", repeats ? "true" : "false",
		    !emitter->has_foreign ? ""
		    : emitter->written[i] ? ", true"
					  : ", false",
		    emitter->mixed ? text_of(emitter, "%d, %" PRIu32 ", ", l->entry_bytes, stride_of(l)) : "",
		    !emitter->has_limits
			    ? ""
			    : text_of(emitter, "%s, %s, %" PRIu32 ", %s, ", model_limited(l) ? "true" : "false",
				      missing_fault(emitter, l), l->first_index,
				      model_limited(l) ? text_of(emitter, "%" PRIu32, l->last_index) : "UINT32_MAX"),
		    carry, narrow, emitter->next[i] != REF_NONE ? (int)emitter->next[i] : i, parent, (int)l->first_kind,
		    (int)l->first_kind + l->n_kinds, mask_of(l->hi - l->lo, 0), sizes, narrow_sizes,
		    hex(emitter, step));
	}
	OUT("};\n\n");
}

static void emit_kinds(struct emitter *emitter, const int *array)
{
	static const char *const categories[] = {"PT_KIND_ABSENT", "PT_KIND_FAULT", "PT_KIND_NULL", "PT_KIND_TABLE",
						 "PT_KIND_LEAF"};
	const struct model *model = emitter->model;

	OUT("/* name, doc, lines, level, category, log2 of the bytes of the leaf and of one slot, repeated */\n"
	    "static const struct pt_kind_info %s_kinds[] = {\n",
	    emitter->lower);
	for (int k = 0; k < model->kinds.n; k++) {
		const struct m_kind *kind = &model->kinds.v[k];
		bool leaf = kind->category == CATEGORY_LEAF;

		OUT("\t{%s, %s, %s_fields_%d, %d, %s_%s, %s, %d, %d, %s},\n", quoted(emitter, kind->name),
		    quoted(emitter, doc_of(kind->doc)), emitter->lower, array[k], kind->n_slices, emitter->upper,
		    emitter->level_name[kind->level], categories[kind->category], leaf ? kind->lg2 : 0,
		    leaf ? model->levels.v[kind->level].lo : 0, kind->group == GROUP_REPEAT ? "true" : "false");
	}
	OUT("};\n\n");
}

void emit_descriptions(void *ctx)
{
	struct emitter *emitter = ctx;
	const int *array;

	emit_params(emitter);
	emit_levels(emitter);
	emit_geometry(emitter);
	array = field_arrays(emitter);
	emit_kinds(emitter, array);
	if (emitter->model->faults.n > N_FAULTS_BUILTIN) {
		OUT("static const char *const %s_faults[] = {\n", emitter->lower);
		for (int i = N_FAULTS_BUILTIN; i < emitter->model->faults.n; i++)
			OUT("\t%s,\n", quoted(emitter, emitter->model->faults.v[i].name));
		OUT("};\n\n");
	}
}

void emit_descriptor(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	uint64_t sizes = 0;
	int registers = 0, n_params = model->params.n + model->addresses.n;
	bool accessed = false, dirty = false, exec = false, priv = false, memory = false;
	const char *spec = "";
	const char *f = emitter->lower;

	for (int k = 0; k < model->kinds.n; k++) {
		int n;
		const struct m_slice *slice = slices_of(emitter, k, &n);

		if (model->kinds.v[k].category != CATEGORY_LEAF)
			continue;
		sizes |= (uint64_t)1 << model->kinds.v[k].lg2;
		accessed = accessed || state_mask(emitter, k, true) != 0;
		dirty = dirty || state_mask(emitter, k, false) != 0;
		for (int i = 0; i < n; i++) {
			uint8_t rights = slice[i].allows | slice[i].denies;

			exec = exec || (rights & (RIGHT_PX | RIGHT_UX));
			priv = priv || (((rights & RIGHT_U) >> 3) != (rights & RIGHT_P));
		}
	}
	for (int c = 0; c < model->codes.n; c++) {
		const struct m_code *code = &model->codes.v[c];

		memory = memory || code->concept == CONCEPT_MEMTYPE;
		if (code->concept != CONCEPT_PROT)
			continue;
		exec = exec || (code->occurs & (RIGHT_PX | RIGHT_UX));
		for (int r = code->first_row; r < code->first_row + code->n_rows; r++)
			priv = priv ||
			       ((model->rows.v[r].rights & RIGHT_U) >> 3) != (model->rows.v[r].rights & RIGHT_P);
	}
	for (int i = 0; i < model->registers.n; i++)
		registers += register_per_root(emitter, &model->registers.v[i]) ? (int)emitter->max_roots : 1;
	for (int i = 0; i < model->spec.n; i++)
		spec = text_of(emitter, "%s%s%s", spec, i ? "; " : "", model->spec.v[i]);
	OUT("const struct pt_format %s_format = {\n\t.abi = PT_ABI,\n\t.name = %s,\n\t.title = %s,\n"
	    "\t.spec = %s,\n",
	    f, quoted(emitter, emitter->lower), quoted(emitter, model->title), quoted(emitter, spec));
	OUT("\t.params = %s%s,\n\t.levels = %s_levels,\n\t.kinds = %s_kinds,\n\t.faults = %s%s,\n"
	    "\t.shapes = %s_shapes,\n",
	    n_params ? f : "NULL", n_params ? "_params" : "", f, f, model->faults.n > N_FAULTS_BUILTIN ? f : "NULL",
	    model->faults.n > N_FAULTS_BUILTIN ? "_faults" : "", f);
	OUT("\t.n_params = %d,\n\t.n_levels = %d,\n\t.n_kinds = %d,\n\t.n_faults = %d,\n\t.n_shapes = %d,\n"
	    "\t.n_registers = %d,\n",
	    n_params, model->levels.n, model->kinds.n, model->faults.n - N_FAULTS_BUILTIN, model->shapes.n, registers);
	OUT("\t.page_sizes = UINT64_C(0x%" PRIx64
	    "),\n\t.has_accessed = %s,\n\t.has_dirty = %s,\n\t.has_exec = %s,\n\t.has_priv = %s,\n"
	    "\t.has_memory = "
	    "%s,\n",
	    sizes, accessed ? "true" : "false", dirty ? "true" : "false", exec ? "true" : "false",
	    priv ? "true" : "false", memory ? "true" : "false");
	/* A macro of pt.h: what the descriptor names is linked. */
	OUT("#ifndef PT_NO_DISPATCH\n\t.init = %s_init,\n\t.fini = %s_fini,\n\t.adopt = %s_adopt,\n\t.view = %s_view,\n"
	    "\t.registers = %s_registers,\n\t.map = %s_map,\n",
	    f, f, f, f, f, f);
	OUT("\t.map_segments = %s_map_segments,\n\t.unmap = %s_unmap,\n\t.protect = %s_protect,\n"
	    "\t.replace = %s_replace,\n\t.reserve = %s_reserve,\n",
	    f, f, f, f, f);
	OUT("\t.split = %s_split,\n\t.merge = %s_merge,\n\t.trim = %s_trim,\n\t.dirty = %s_dirty,\n"
	    "\t.iova_to_phys = %s_iova_to_phys,\n\t.iova_to_phys_batch = %s_iova_to_phys_batch,\n\t.walk = "
	    "%s_walk,\n",
	    f, f, f, f, f, f, f);
	OUT("\t.cursor_map = %s_cursor_map,\n\t.cursor_unmap = %s_cursor_unmap,\n"
	    "\t.cursor_iova_to_phys = %s_cursor_iova_to_phys,\n",
	    f, f, f);
	OUT("\t.translate = %s_translate,\n\t.visit = %s_visit,\n\t.verify = %s_verify,\n"
	    "\t.classify = %s_classify,\n#endif\n\t.free_subtree = %s_free_subtree,\n};\n",
	    f, f, f, f, f);
}

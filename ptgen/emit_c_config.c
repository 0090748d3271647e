/* SPDX-License-Identifier: MIT */
/* emit_c_config.c - the parts of F_init that depend on the format: defaults, shapes, ranges, words, registers. */
#include "emit_c.h"

#include <inttypes.h>
#include <string.h>

static const char *param_text(struct emitter *emitter, ref param)
{
	char *name = arena_strndup(emitter->arena, emitter->model->params.v[param].name,
				   strlen(emitter->model->params.v[param].name));

	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return text_of(emitter, "p[%s_PARAM_%s]", emitter->upper, name);
}

/* Is the default a number? */
static bool is_plain(const struct model *model, const struct m_param *p)
{
	return p->bound || model->exprs.v[p->dflt].op == X_CONST;
}

void emit_defaults(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	bool checked = false;

	for (int i = 0; i < model->params.n; i++) {
		const struct m_param *p = &model->params.v[i];

		if (is_plain(model, p))
			OUT("\tif (%s == PT_UNSET)\n\t\t%s = %" PRId64 ";\n", param_text(emitter, i),
			    param_text(emitter, i), p->bound ? p->value : model->exprs.v[p->dflt].k);
	}
	for (int i = 0; i < model->params.n; i++) {
		if (is_plain(model, &model->params.v[i]))
			continue;
		if (!checked)
			OUT("\t/* A default is worked out from values that are in their sets only. */\n"
			    "\tfor (unsigned int i = 0; i < %s_format.n_params; i++)\n"
			    "\t\tif (p[i] != PT_UNSET && !pt_param_valid(&%s_format, i, p[i]))\n"
			    "\t\t\treturn %s_fail(result, PT_ERR_CONFIG, 0, 0, 0, %s_format.params[i].name);\n",
			    emitter->lower, emitter->lower, emitter->lower, emitter->lower);
		checked = true;
		OUT("\tif (%s == PT_UNSET)\n\t\t%s = %s;\n", param_text(emitter, i), param_text(emitter, i),
		    config_text(emitter, model->params.v[i].dflt));
	}
}

void emit_requires(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = 0; i < emitter->model->requires.n; i++) {
		const struct m_require *require = &emitter->model->requires.v[i];
		const struct m_expr *e = &emitter->model->exprs.v[require->cond];

		if (e->op == X_CONST && e->k)
			continue;
		OUT("\tif (!(%s))\n\t\treturn %s_fail(result, PT_ERR_CONFIG, 0, 0, 0,\n\t\t\t\t%s);\n",
		    config_text(emitter, require->cond), emitter->lower, quoted(emitter, require->why));
	}
	for (int i = 0; i < emitter->model->addresses.n; i++) {
		const struct m_name *address = &emitter->model->addresses.v[i];
		uint64_t bits = model_address_bits(emitter->model, i);

		/* Bits that no entry holds would be lost. */
		if (((bits | (bits - 1)) & ~bits) != 0)
			OUT("\tif (((uint64_t)p[%s_PARAM_%s] & ~UINT64_C(0x%" PRIx64
			    ")) != 0)\n\t\treturn %s_fail(result, PT_ERR_CONFIG, 0, 0, 0, %s);\n",
			    emitter->upper, enumerator(emitter->arena, address->name), bits, emitter->lower,
			    quoted(emitter,
				   text_of(emitter, "%s is an address that entries cannot hold", address->name)));
	}
}

void emit_shape(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	if (model->shapes.n == 1) {
		OUT("\tt->shape = 0;\n");
		return;
	}
	for (int i = 0; i < model->shapes.n; i++)
		OUT("\t%sif (%s)\n\t\tt->shape = %d; /* %s */\n", i ? "else " : "",
		    config_text(emitter, model->shapes.v[i].when), i, model->shapes.v[i].name);
	OUT("\telse\n"
	    "\t\treturn %s_fail(result, PT_ERR_CONFIG, 0, 0, 0, \"these parameters do not go together\");\n",
	    emitter->lower);
}

void emit_words(void *ctx)
{
	struct emitter *emitter = ctx;

	for (int i = 0; i < emitter->words.n; i++)
		OUT("\tt->word[%s] = %s%s;\n", word_name(emitter, i),
		    emitter->words.v[i].text[0] == '(' ? "" : "(uint64_t)",
		    emitter->words.v[i].text[0] == '(' ? emitter->words.v[i].text
						       : text_of(emitter, "(%s)", emitter->words.v[i].text));
}

void emit_input_rules(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct m_input *input = &emitter->model->input;

	for (int i = 0; i < input->n_above; i++) {
		const struct m_above_rule *rule = &input->above[i];
		const char *statement = rule->above == ABOVE_ONES   ? "t->first = ~mask"
					: rule->above == ABOVE_SIGN ? "t->first = ~(mask >> 1)"
								    : NULL;

		if (!statement)
			continue;
		if (rule->cond == REF_NONE)
			OUT("\t%s;\n", statement);
		else
			OUT("\tif (%s)\n\t\t%s;\n", config_text(emitter, rule->cond), statement);
	}
}

void emit_aperture(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct m_input *input = &emitter->model->input;

	for (int i = 0; i < input->n_above; i++) {
		if (input->above[i].above != ABOVE_ANY)
			continue;
		if (input->above[i].cond != REF_NONE)
			OUT("\tif (%s)\n\t", config_text(emitter, input->above[i].cond));
		OUT("\tt->last = UINT64_MAX;\n");
	}
	if (input->aperture_first != REF_NONE)
		OUT("\tt->first = (uint64_t)(%s);\n", config_text(emitter, input->aperture_first));
	if (input->aperture_last != REF_NONE)
		OUT("\tt->last = (uint64_t)(%s);\n", config_text(emitter, input->aperture_last));
}

void emit_root_size(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct m_root *root = &emitter->model->root;

	if (root->grows != REF_NONE) {
		OUT("\t(void)size;\n\t*bytes = %s_levels[t->level_base + start].table_bytes;\n"
		    "\t*align = %s_levels[t->level_base + start].table_align;\n",
		    emitter->lower, emitter->lower);
		return;
	}
	if (root->table != REF_NONE && !(root->align != REF_NONE && root->size_used))
		OUT("\t(void)size;\n");
	if (root->table != REF_NONE)
		OUT("\t*bytes = (uint64_t)(%s);\n", config_text(emitter, root->table));
	else
		OUT("\t*bytes = size;\n");
	if (root->align == REF_NONE)
		OUT("\t*align = *bytes < 16 ? 16 : *bytes;\n");
	else
		OUT("\t*align = (uint64_t)(%s);\n", config_text(emitter, root->align));
	if (root->align != REF_NONE && root->size_used)
		OUT("\tif (*align < size)\n\t\t*align = size;\n");
	OUT("\tif (*align < 16)\n\t\t*align = 16;\n");
}

/* One line of a register, as statements; a line may reach over two of its 64-bit words. */
static void register_line(struct emitter *emitter, const struct m_slice *slice, const char *pad)
{
	const char *value = NULL;

	switch (slice->role) {
	case ROLE_RES1: value = hex(emitter, mask_of(slice->hi - slice->lo, 0)); break;
	case ROLE_CONST: value = text_of(emitter, "(uint64_t)(%s)", config_text(emitter, slice->value)); break;
	case ROLE_FIELD:
		if (slice->dflt != REF_NONE)
			value = text_of(emitter, "(uint64_t)(%s)", config_text(emitter, slice->dflt));
		break;
	case ROLE_ROOT: value = slice->to ? text_of(emitter, "(root >> %d)", slice->to) : "root"; break;
	default: break;
	}
	if (!value || strcmp(value, "(uint64_t)(0)") == 0)
		return;
	if (slice->cond != REF_NONE) {
		OUT("%sif (%s) {\n", pad, config_text(emitter, slice->cond));
		pad = text_of(emitter, "%s\t", pad);
	}
	for (int lo = slice->lo; lo <= slice->hi;) {
		int word = lo / 64, hi = slice->hi / 64 > word ? word * 64 + 63 : slice->hi;
		const char *part = lo == slice->lo ? value : text_of(emitter, "(%s >> %d)", value, lo - slice->lo);

		if (hi - lo < 63)
			part = text_of(emitter, "(%s & UINT64_C(0x%" PRIx64 "))", part, mask_of(hi - lo, 0));
		if (lo % 64)
			part = text_of(emitter, "%s << %d", part, lo % 64);
		OUT("%sr->value[%d] |= %s; /* %s[%d:%d] */\n", pad, word, part,
		    slice->field != REF_NONE   ? emitter->model->fields.v[slice->field].name
		    : slice->role == ROLE_ROOT ? "root "
					       : "",
		    slice->hi, slice->lo);
		lo = hi + 1;
	}
	if (slice->cond != REF_NONE)
		OUT("%s}\n", pad + 1);
}

bool register_per_root(const struct emitter *emitter, const struct m_register *reg)
{
	for (int s = reg->first_slice; emitter->max_roots > 1 && s < reg->first_slice + reg->n_slices; s++)
		if (emitter->model->slices.v[s].role == ROLE_ROOT)
			return true;
	return false;
}

void emit_registers(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;

	if (model->registers.n == 0)
		OUT("\t(void)out;\n\t(void)n;\n");
	for (int i = 0; i < model->registers.n; i++) {
		const struct m_register *reg = &model->registers.v[i];
		bool many = register_per_root(emitter, reg);
		const char *pad = many ? "\t\t" : "\t", *cond = "";

		if (many) {
			OUT("\tfor (unsigned int number = 0; number < t->n_roots; number++) {\n"
			    "\t\tstatic const char *const names[] = {\n");
			for (int root = 0; root < emitter->max_roots; root++)
				OUT("\t\t\t%s,\n", quoted(emitter, text_of(emitter, "%s%d", reg->name, root)));
			OUT("\t\t};\n\n\t\troot = pt_root_at(t, number);\n");
		}
		if (reg->cond != REF_NONE)
			cond = text_of(emitter, " && (%s)", config_text(emitter, reg->cond));
		OUT("%sif (used < n%s) {\n%s\tstruct pt_register *r = &out[used];\n\n%s\tr->name = %s;\n"
		    "%s\tr->bits = %d;\n"
		    "%s\tfor (unsigned int i = 0; i < PT_REGISTER_WORDS; i++)\n%s\t\tr->value[i] = 0;\n",
		    pad, cond, pad, pad, many ? "names[number]" : quoted(emitter, reg->name), pad, reg->bits, pad, pad);
		for (int s = 0; s < reg->n_slices; s++)
			register_line(emitter, &model->slices.v[reg->first_slice + s], text_of(emitter, "%s\t", pad));
		OUT("%s\tused++;\n%s}\n", pad, pad);
		if (many)
			OUT("\t}\n");
	}
}

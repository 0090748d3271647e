/* SPDX-License-Identifier: MIT */
/*
 * check_examples.c - published words: each decodes to what the example states, and what it states encodes to it. And
 * what no example shows.
 */
#include "check_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* By name or number; of a level with arguments the first one at which the word is what the example says. */
static ref example_level(struct run *run, const struct m_example *example, const int64_t *param, ref shape)
{
	const struct model *model = run->model;
	const struct m_shape *s = &model->shapes.v[shape];
	ref first = REF_NONE;

	for (int i = 0; i < s->n_levels; i++) {
		const struct m_level *level = &model->levels.v[s->first_level + i];
		char *end;
		long number = strtol(example->level, &end, 10);

		if (!strcmp(level->name, example->level) ||
		    (*end == 0 && end != example->level && number == level->number))
			return s->first_level + i;
	}
	for (ref at = s->first_level; at < s->first_level + s->n_levels; at++) {
		ref kind;

		if (strcmp(model->levels.v[at].item, example->level))
			continue;
		kind = codec_classify(model, at, param, example->word);
		if (kind != REF_NONE && !strcmp(kind_of(run, kind)->name, example->kind))
			return at;
		first = first == REF_NONE ? at : first;
	}
	return first;
}

/* The configuration that the example names: false (and reported) if there is no such thing. */
static bool example_config(struct run *run, const struct m_example *example, int64_t *param, ref *shape)
{
	const struct model *model = run->model;
	struct m_env env = {param, REF_NONE, NULL, 0, codec_addresses()};

	for (int i = 0; i < model->params.n; i++)
		param[i] = INT64_MIN;
	for (int i = 0; i < example->n_binds; i++) {
		const struct m_assign *bind = &model->assigns.v[example->first_bind + i];

		param[bind->index] = bind->value;
	}
	model_defaults(model, param);
	for (int i = 0; i < model->requires.n; i++) {
		if (model_holds(model, model->requires.v[i].cond, &env))
			continue;
		diag(run->context, CHECK_EXAMPLE_WORD, example->span, "the configuration of this example cannot be: %s",
		     model->requires.v[i].why);
		diag_related(run->context, model->requires.v[i].span, "required here");
		return false;
	}
	*shape = model_shape(model, param);
	if (*shape == REF_NONE) {
		diag(run->context, CHECK_EXAMPLE_WORD, example->span,
		     "no levels exist under the configuration of this example");
		return false;
	}
	return true;
}

static const char *set_text(struct run *run, const struct m_assign *set, uint64_t value)
{
	struct arena *arena = run->context->arena;

	switch (set->what) {
	case SET_FIELD: return arena_printf(arena, "%s = 0x%" PRIx64, run->model->fields.v[set->index].name, value);
	case SET_ADDRESS: return arena_printf(arena, "%s = 0x%" PRIx64, run->model->output.name, value);
	case SET_INPUT: return arena_printf(arena, "%s = 0x%" PRIx64, run->model->input.name, value);
	case SET_SIZE: return arena_printf(arena, "size = 0x%" PRIx64, value);
	case SET_PROT: return arena_printf(arena, "prot = %s", say_request(run, (unsigned int)value & REQ_RIGHTS));
	case SET_MEMTYPE: return arena_printf(arena, "memtype = %s", say_memory((unsigned int)value));
	}
	return "?";
}

/* The rights of a statement `prot = ...`: those of the request after the format's rules. */
static unsigned int stated(const struct run *run, const int64_t *param, const struct m_assign *set)
{
	unsigned int request = (unsigned int)set->value & REQ_RIGHTS, rounded;

	return codec_round(run->model, param, request, &rounded) ? rounded & REQ_RIGHTS : request;
}

/*
 * The line or table of codes that decides about rights which are not as stated; false if it was blamed before, or is
 * known to be broken.
 */
static bool blame_rights(struct run *run, const struct codec_bound *bound, unsigned int rights, struct span *blame)
{
	int least = 128;

	*blame = (struct span){0};
	for (int i = 0; i < bound->n_codes; i++) {
		const struct m_code *code = &run->model->codes.v[bound->code[i].code];

		if (code->concept != CONCEPT_PROT || !(code->occurs & rights))
			continue;
		*blame = code->span;
		return !run->code[bound->code[i].code] && first_time(run, CHECK_EXAMPLE_WORD, code->span, code->span);
	}
	/* The line that is about these rights, and least about others. */
	for (int i = 0; i < bound->n_lines; i++) {
		unsigned int about = bound->line[i].slice->allows | bound->line[i].slice->denies;
		int off = __builtin_popcount(about ^ rights);

		if (!(about & rights) || off >= least)
			continue;
		least = off;
		*blame = bound->line[i].slice->span;
	}
	return !blame->length || first_time(run, CHECK_EXAMPLE_WORD, *blame, *blame);
}

/* What may have happened to the word or to the number. */
static void mend_value(struct run *run, const struct codec_bound *bound, const struct m_example *example,
		       const struct m_assign *set)
{
	int bytes = level_of(run, bound->kind)->entry_bytes;
	uint64_t turned[2] = {0, 0}, value = (uint64_t)set->value;

	for (int i = 0; i < bytes; i++)
		turned[i / 8] |= (example->word[(bytes - 1 - i) / 8] >> (bytes - 1 - i) % 8 * 8 & 0xff) << i % 8 * 8;
	if (set->what == SET_ADDRESS &&
	    codec_outside(run->model, bound->param, codec_bound_get_address(bound, NULL, turned)) == value)
		diag_mend(run->context, "with its bytes the other way round it would: words are numbers, not memory as "
					"a dump shows it");
	else if (set->what == SET_ADDRESS &&
		 codec_outside(run->model, bound->param, codec_bound_get_address(bound, NULL, example->word)) ==
			 (value & ~bits_ones((unsigned int)level_of(run, bound->kind)->lo)))
		diag_mend(run->context, "the address of an entry has no bits below what it covers");
	else
		diag_mend(run->context, "one of the two is wrong: compare with the manual");
}

/* What one statement of the example says, against what the word decodes to. */
static bool check_set(struct run *run, struct codec_bound *bound, const struct m_example *example,
		      const struct m_assign *set, const struct codec_decoded *decoded)
{
	const struct model *model = run->model;
	const struct m_kind *kind = kind_of(run, bound->kind);
	struct m_env env = {bound->param, bound->kind, example->word, 0, codec_addresses()};
	struct span blame = {0};
	uint64_t value = 0;
	const char *found;

	switch (set->what) {
	case SET_FIELD:
		if (!model_field(model, bound->kind, set->index, &env, &value)) {
			diag(run->context, CHECK_EXAMPLE_WORD, set->span, "%s has no field '%s'",
			     say_kind(run, bound->kind), model->fields.v[set->index].name);
			return false;
		}
		break;
	case SET_ADDRESS:
		value = codec_outside(model, bound->param, codec_bound_get_address(bound, NULL, example->word));
		break;
	case SET_INPUT:
		if (kind->lg2 <= 0 || !((uint64_t)set->value & bits_ones((unsigned int)kind->lg2)))
			return true;
		diag(run->context, CHECK_EXAMPLE_WORD, set->span,
		     "%s maps 2^%d bytes, and 0x%" PRIx64 " is not a multiple", say_kind(run, bound->kind), kind->lg2,
		     (uint64_t)set->value);
		return false;
	case SET_SIZE: value = kind->lg2 >= 0 && kind->lg2 < 64 ? (uint64_t)1 << kind->lg2 : 0; break;
	case SET_PROT:
		if (!decoded->unknown_rights &&
		    (decoded->rights == codec_request_rights((unsigned int)set->value) ||
		     decoded->rights == codec_request_rights(stated(run, bound->param, set))))
			return true;
		/* A broken table of codes was reported; one line that is wrong is reported with the first example. */
		if (!blame_rights(run, bound, decoded->rights ^ codec_request_rights((unsigned int)set->value), &blame))
			return false;
		found = decoded->unknown_rights ? "other" : say_rights(run, decoded->rights);
		diag(run->context, CHECK_EXAMPLE_WORD, set->span, "%s decodes to prot = %s, not %s",
		     say_word(run, example->word, level_of(run, bound->kind)->entry_bytes), found,
		     say_rights(run, codec_request_rights((unsigned int)set->value)));
		if (blame.length)
			diag_related(run->context, blame, "what decides about it");
		diag_mend(run->context,
			  "one of the two is wrong: the word, what is stated of it, or the polarity here");
		return false;
	case SET_MEMTYPE: value = decoded->memory; break;
	}
	if (value == (uint64_t)set->value)
		return true;
	diag(run->context, CHECK_EXAMPLE_WORD, set->span, "%s decodes to %s, not %s",
	     say_word(run, example->word, level_of(run, bound->kind)->entry_bytes), set_text(run, set, value),
	     set_text(run, set, (uint64_t)set->value));
	mend_value(run, bound, example, set);
	return false;
}

/* Write a field that the example states by name. */
static void put_field(const struct codec_bound *bound, ref field, uint64_t value, uint64_t word[2])
{
	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;

		if (slice->field == field && slice->role == ROLE_FIELD)
			bits_put(word, slice->hi, slice->lo, slice->to < 64 ? value >> slice->to : 0);
	}
}

static void report_difference(struct run *run, const struct codec_bound *bound, const struct m_example *example,
			      const uint64_t word[2])
{
	int bytes = level_of(run, bound->kind)->entry_bytes;

	for (int i = 0; i < bound->n_lines; i++) {
		const struct m_slice *slice = bound->line[i].slice;
		unsigned int hi = slice->hi;
		uint64_t ours, theirs;

		if (hi - slice->lo > 63)
			hi = slice->lo + 63U;
		ours = bits_get(word, hi, slice->lo);
		theirs = bits_get(example->word, hi, slice->lo);
		if (ours == theirs)
			continue;
		if (!first_time(run, CHECK_EXAMPLE_WORD, slice->span, slice->span))
			return;
		diag(run->context, CHECK_EXAMPLE_WORD, example->span,
		     "what this example states is written as %s, not %s", say_word(run, word, bytes),
		     say_word(run, example->word, bytes));
		diag_related(run->context, slice->span,
			     "0x%" PRIx64 " would be written here, the example has 0x%" PRIx64, ours, theirs);
		if (slice->role == ROLE_FIELD)
			diag_mend(run->context, "a field that the example sets by name is taken as it says");
		return;
	}
}

/* The other way: what the example states (and what else the word decodes to) encodes to the word. */
static void check_encoding(struct run *run, struct codec_bound *bound, const struct m_example *example,
			   const struct codec_decoded *decoded)
{
	const struct model *model = run->model;
	const struct m_kind *kind = kind_of(run, bound->kind);
	unsigned int request = codec_as_request(decoded);
	uint64_t word[2];
	ref code;

	if (request == N_REQUESTS) {
		/* Rights or a type that no request stands for: fields by name have to say them. */
		request = decoded->rights & RIGHT_P;
		if (decoded->memory != MEMORY_OTHER)
			request |= decoded->memory << 5;
	}
	for (int i = 0; i < example->n_sets; i++) {
		const struct m_assign *set = &model->assigns.v[example->first_set + i];

		if (set->what == SET_MEMTYPE && set->value != MEMORY_OTHER)
			request = (request & ~(unsigned int)REQ_MEMORY) | (unsigned int)set->value << 5;
	}
	if (!codec_bound_attributes(bound, request, CODEC_WHOLE, word, &code)) {
		diag(run->context, CHECK_EXAMPLE_WORD, example->span,
		     "no two-way row of '%s' writes '%s', which this word decodes to", model->codes.v[code].name,
		     say_request(run, request));
		diag_related(run->context, model->codes.v[code].span, "the table of codes is here");
		return;
	}
	for (int i = 0; i < example->n_sets; i++) {
		const struct m_assign *set = &model->assigns.v[example->first_set + i];

		if (set->what == SET_FIELD)
			put_field(bound, set->index, (uint64_t)set->value, word);
	}
	for (int i = 0; i < kind->n_next || i == 0; i++) {
		const char *via = kind->n_next ? model->nexts.v[kind->first_next + i].via : NULL;
		uint64_t address = codec_bound_get_address(bound, via, example->word);

		if (kind->category != CATEGORY_LEAF && kind->category != CATEGORY_TABLE)
			break;
		if (!codec_bound_put_address(bound, via, address, word)) {
			diag(run->context, CHECK_EXAMPLE_WORD, example->span,
			     "the address of this example, 0x%" PRIx64 ", cannot be written", address);
			return;
		}
	}
	if (word[0] != example->word[0] || word[1] != example->word[1])
		report_difference(run, bound, example, word);
}

static void check_example(struct run *run, const struct m_example *example)
{
	const struct model *model = run->model;
	struct codec_bound *bound = &run->bound[0];
	int64_t param[CHECK_MAX_PARAMS];
	struct codec_decoded decoded;
	const struct m_slice *slice;
	const struct m_level *level;
	ref shape, at, kind;
	bool clean = true;

	if (!example_config(run, example, param, &shape))
		return;
	at = example_level(run, example, param, shape);
	if (at == REF_NONE) {
		diag(run->context, CHECK_EXAMPLE_WORD, example->span,
		     "there is no level '%s' under the configuration of this example", example->level);
		return;
	}
	level = &model->levels.v[at];
	if ((level->entry_bytes <= 8 && example->word[1]) ||
	    (level->entry_bytes < 8 && example->word[0] >> level->entry_bytes * 8)) {
		diag(run->context, CHECK_EXAMPLE_WORD, example->span,
		     "the entries of level %s have %d bits, this word has more", level->name, level->entry_bytes * 8);
		return;
	}
	kind = codec_classify(model, at, param, example->word);
	if (kind == REF_NONE || strcmp(kind_of(run, kind)->name, example->kind)) {
		if (kind == REF_NONE)
			diag(run->context, CHECK_EXAMPLE_WORD, example->kind_span,
			     "%s at level %s is of no kind, not '%s'", say_word(run, example->word, level->entry_bytes),
			     level->name, example->kind);
		else
			diag(run->context, CHECK_EXAMPLE_WORD, example->kind_span, "%s at level %s is '%s', not '%s'",
			     say_word(run, example->word, level->entry_bytes), level->name, kind_of(run, kind)->name,
			     example->kind);
		for (ref i = level->first_kind; i < level->first_kind + level->n_kinds; i++) {
			if (strcmp(kind_of(run, i)->name, example->kind))
				continue;
			diag_related(run->context, kind_of(run, i)->span, "'%s' is here", example->kind);
			break;
		}
		return;
	}
	codec_bind(bound, model, kind, param);
	slice = codec_bound_reserved(bound, example->word);
	if (slice) {
		diag(run->context, CHECK_EXAMPLE_WORD, example->span, "%s has reserved bits set wrong: %s",
		     say_word(run, example->word, level->entry_bytes), say_bits(run, slice->hi, slice->lo));
		diag_related(run->context, slice->span, "the line that it breaks");
		diag_mend(run->context, "a digit too many or too few in the word, or the line is wrong");
		return;
	}
	codec_bound_decode(bound, example->word, &decoded);
	for (int i = 0; i < example->n_sets; i++)
		clean &= check_set(run, bound, example, &model->assigns.v[example->first_set + i], &decoded);
	if (clean)
		check_encoding(run, bound, example, &decoded);
}

void check_examples(struct run *run)
{
	for (int i = 0; i < run->model->examples.n; i++) {
		const struct m_example *example = &run->model->examples.v[i];
		bool broken = false;

		/* What is wrong with a kind was said; its examples would only say it again. */
		for (int k = 0; k < run->model->kinds.n && !broken; k++)
			broken = (run->kind[k].broken || run->kind[k].no_example) &&
				 !strcmp(kind_of(run, k)->name, example->kind);
		if (!broken)
			check_example(run, example);
	}
}

/* ---------------------------------------------------------------------------------------------------------- missing */

/* What a leaf says about each right, and what its negation would be. */
enum { SHOWN_R = 1, SHOWN_W = 2, SHOWN_X = 4, SHOWN_USER = 8, SHOWN_GLOBAL = 16, SHOWN_ALL = 31 };

static unsigned int shown(unsigned int rights)
{
	unsigned int any = (rights & RIGHT_P) | (rights & RIGHT_U) >> 3;

	return any | (rights & RIGHT_U ? (unsigned int)SHOWN_USER : 0U) |
	       (rights & RIGHT_GLOBAL ? (unsigned int)SHOWN_GLOBAL : 0U);
}

/* The rights that a leaf can grant and withhold at all, by the rules. */
static void possible_rights(struct run *run, const int64_t *param, unsigned int *granted, unsigned int *withheld)
{
	const struct model *model = run->model;

	for (unsigned int request = 0; request < 32; request++) {
		unsigned int rounded;

		if (!codec_round(model, param, request, &rounded))
			continue;
		*granted |= shown(codec_request_rights(rounded));
		*withheld |= ~shown(codec_request_rights(rounded)) & SHOWN_ALL;
	}
}

static void missing_rights(struct run *run, unsigned int which, const char *verb)
{
	static const char *const names[] = {"read", "write", "execute", "user access", "global"};
	const char *list = "";

	for (int i = 0; i < 5; i++)
		if (which >> i & 1)
			list = arena_printf(run->context->arena, "%s%s%s", list, *list ? ", " : "", names[i]);
	if (!*list)
		return;
	diag(run->context, CHECK_EXAMPLE_MISSING, run->model->span, "no example of a leaf %s %s", verb, list);
	diag_mend(run->context,
		  "add 'example' lines with published words: only they catch a bit moved or turned round");
}

void check_examples_missing(struct run *run)
{
	const struct model *model = run->model;
	unsigned int granted = 0, withheld = 0, can_grant = 0, can_withhold = 0;
	const char *list = "";
	ARRAY(const char *) names = {0};
	int64_t param[CHECK_MAX_PARAMS];
	bool leaf = false;

	/* Examples of other configurations are not in this model; that they are there is seen without --set. */
	if (run->context->options.settings.n)
		return;
	for (int i = 0; i < model->kinds.n; i++) {
		const struct m_kind *kind = kind_of(run, i);
		bool known = kind->category == CATEGORY_FAULT || kind->category == CATEGORY_NULL || run->kind[i].broken;

		/* A word that holds an address of the run time cannot be published. */
		for (int n = 0; n < kind->n_slices && !known; n++)
			known = model_mentions(model, model->slices.v[kind->first_slice + n].value, X_ADDRESS,
					       REF_NONE);
		leaf = leaf || kind->category == CATEGORY_LEAF;
		for (int j = 0; j < names.n && !known; j++)
			known = !strcmp(names.v[j], kind->name);
		if (known)
			continue;
		*ARRAY_ADD(run->context->arena, names) = kind->name;
		for (int e = 0; e < model->examples.n && !known; e++)
			known = !strcmp(model->examples.v[e].kind, kind->name);
		if (!known)
			list = arena_printf(run->context->arena, "%s%s'%s'", list, *list ? ", " : "", kind->name);
	}
	if (*list) {
		diag(run->context, CHECK_EXAMPLE_MISSING, model->span, "no example of %s", list);
		diag_mend(run->context,
			  "add 'example' lines with published words: only they catch a bit moved or turned round");
	}
	if (!leaf)
		return;
	for (int i = 0; i < CHECK_MAX_PARAMS; i++)
		param[i] = INT64_MIN;
	model_defaults(model, param);
	possible_rights(run, param, &can_grant, &can_withhold);
	for (int i = 0; i < model->examples.n; i++) {
		const struct m_example *example = &model->examples.v[i];

		for (int s = 0; s < example->n_sets; s++) {
			const struct m_assign *set = &model->assigns.v[example->first_set + s];

			if (set->what != SET_PROT)
				continue;
			granted |= shown(codec_request_rights(stated(run, param, set)));
			withheld |= ~shown(codec_request_rights(stated(run, param, set))) & SHOWN_ALL;
		}
	}
	/* What cannot be otherwise needs no example. */
	missing_rights(run, can_grant & can_withhold & ~granted, "grants");
	missing_rights(run, can_grant & can_withhold & ~withheld, "withholds");
}

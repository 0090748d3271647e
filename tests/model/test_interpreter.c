/* SPDX-License-Identifier: MIT */
/*
 * test_interpreter.c - the interpreter itself, against the words that the format files cite from manuals. It judges
 * generated code in the other tests of this directory; here it is judged.
 */
#include "interp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static size_t count(void)
{
	size_t n = 0;

	while (models_nth(n))
		n++;
	return n;
}

static const char *label(size_t each)
{
	return models_nth(each)->name;
}

/* Whether an example that names this means the level: by its number, or by its name. */
static bool is_named(const struct m_level *level, const char *name)
{
	char number[24];

	snprintf(number, sizeof(number), "%d", level->number);
	return strcmp(name, number) == 0 || strcmp(name, level->name) == 0 ||
	       (level->item && strcmp(name, level->item) == 0);
}

/* The first level that an example names at which its kind may stand; a level with arguments is several of one name. */
static ref level_of(const struct interp *in, const struct m_example *example)
{
	const struct model *model = in->model;
	const struct m_shape *shape = &model->shapes.v[in->shape];

	for (ref level = shape->first_level; level < shape->first_level + shape->n_levels; level++) {
		const struct m_level *l = &model->levels.v[level];

		for (ref kind = l->first_kind; is_named(l, example->level) && kind < l->first_kind + l->n_kinds; kind++)
			if (strcmp(model->kinds.v[kind].name, example->kind) == 0)
				return level;
	}
	return REF_NONE;
}

static void check_sets(const struct interp *in, const struct m_example *example, ref kind, const char *what)
{
	struct interp_decode decode;

	unsigned int rounded = 0;

	interp_decode(in, kind, example->word, &decode);
	for (int i = 0; i < example->n_sets; i++) {
		const struct m_assign *set = &in->model->assigns.v[example->first_set + i];
		uint64_t value = (uint64_t)set->value;

		switch (set->what) {
		case SET_ADDRESS:
			CHECK_MSG(interp_address(in, kind, example->word) == value,
				  "%s: address 0x%" PRIx64 ", expected 0x%" PRIx64, what,
				  interp_address(in, kind, example->word), value);
			break;
		case SET_SIZE:
			CHECK_MSG((uint64_t)1 << in->model->kinds.v[kind].lg2 == value, "%s: size 2^%d", what,
				  in->model->kinds.v[kind].lg2);
			break;
		case SET_PROT:
			/* an example says what was asked for */
			CHECK_MSG(interp_round(in, (unsigned int)value, &rounded), "%s: refused", what);
			CHECK_MSG(decode.rights == pt_request_rights(rounded), "%s: rights 0x%x, expected 0x%x", what,
				  decode.rights, pt_request_rights(rounded));
			break;
		case SET_MEMTYPE:
			CHECK_MSG(decode.memory == value, "%s: memory type %u, expected %" PRIu64, what, decode.memory,
				  value);
			break;
		default: break;
		}
	}
}

TEST_EACH(interpreter, examples, count, label)
{
	const struct model *model = models_nth(each);
	unsigned int n = 0;

	for (int e = 0; e < model->examples.n; e++) {
		const struct m_example *example = &model->examples.v[e];
		int64_t param[PT_MAX_PARAMS];
		struct interp in;
		const char *why;
		char what[160];
		ref level, kind;
		int claims;

		interp_unset(model, param);
		for (int i = 0; i < example->n_binds; i++)
			if (!model->params.v[model->assigns.v[example->first_bind + i].index].bound)
				param[model->assigns.v[example->first_bind + i].index] =
					model->assigns.v[example->first_bind + i].value;
		snprintf(what, sizeof(what), "%s: example 0x%" PRIx64 " = %s at %s", model->name, example->word[0],
			 example->kind, example->level);
		why = interp_init(&in, model, param);
		CHECK_MSG(why == NULL, "%s: %s", what, why);
		level = level_of(&in, example);
		CHECK_MSG(level != REF_NONE, "%s: no such level, or none with such entries", what);
		kind = interp_classify(&in, level, example->word, &claims);
		CHECK_MSG(kind != REF_NONE && claims == 1, "%s: of %d kinds", what, claims);
		CHECK_MSG(strcmp(model->kinds.v[kind].name, example->kind) == 0, "%s: is of kind %s", what,
			  model->kinds.v[kind].name);
		CHECK_MSG(interp_reserved(&in, kind, example->word) == 0, "%s: reserved bits are set", what);
		check_sets(&in, example, kind, what);
		n++;
	}
	CHECK_MSG(n > 0 || model->base, "%s has no example", model->name);
}

/* For every request and leaf kind of the default configuration: what is encoded reads back as the rounded request. */
TEST_EACH(interpreter, requests, count, label)
{
	const struct model *model = models_nth(each);
	const struct m_shape *shape;
	int64_t param[PT_MAX_PARAMS];
	unsigned int n = 0;
	struct interp in;

	interp_unset(model, param);
	CHECK(interp_init(&in, model, param) == NULL);
	shape = &model->shapes.v[in.shape];
	for (ref level = in.start; level < shape->first_level + shape->n_levels; level++)
		for (int i = 0; i < model->levels.v[level].n_kinds; i++) {
			ref kind = model->levels.v[level].first_kind + i;

			for (unsigned int request = 0; request <= PT_REQUEST_MASK && interp_offered(&in, kind);
			     request++) {
				struct interp_decode decode;
				unsigned int rounded;
				uint64_t word[2];

				if (!interp_round(&in, request, &rounded))
					continue;
				CHECK_MSG(interp_encode(&in, kind, interp_outside(&in, 0), rounded, word),
					  "request 0x%x, kind %s", request, model->kinds.v[kind].name);
				interp_decode(&in, kind, word, &decode);
				CHECK_EQ(interp_classify(&in, level, word, NULL), kind);
				CHECK_EQ(interp_reserved(&in, kind, word), 0);
				CHECK_EQ(decode.rights, pt_request_rights(rounded));
				CHECK_EQ(decode.memory, (rounded & PT_MEMORY_MASK) >> 5);
				n++;
			}
		}
	CHECK(n > 0);
}

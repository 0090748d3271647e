/* SPDX-License-Identifier: MIT */
/*
 * check_run.h - what the checks of a model share: one run over one model, the enumeration of configurations, words for
 * messages. To add a check: a line in checks.def, a function here, a line in the table of check.c, a fixture.
 *
 * A check enumerates the parameters that the thing at hand mentions, never the product of all. That a combination can
 * really occur (shape, require, the kind's own condition) is looked into only when something was found: see
 * config_possible().
 */
#ifndef PTGEN_CHECK_RUN_H
#define PTGEN_CHECK_RUN_H

#include "check.h"
#include "codec_bound.h"

enum { CHECK_MAX_PARAMS = 64, CHECK_MAX_CONFIGS = 1 << 16, CHECK_MAX_WORK = 1 << 24 };

/* Parameters as a set: bit i is parameter i. */
typedef uint64_t params;

struct seen {
	enum check_id check;
	struct span at, other;
};

/* What later checks need to know of a kind. */
struct kind_note {
	bool broken;	 /* its lines overlap, have gaps or do not fit: what they encode means nothing */
	bool misplaced;	 /* its level is the wrong one, as was said: where its address begins means nothing */
	bool no_example; /* its address is broken, or its words are of another kind too: examples cannot come out */
	params lines;	 /* parameters that decide which lines exist and what their constants are */
};

struct run {
	struct context *context;
	const struct model *model;
	struct kind_note *kind;
	bool *code;	 /* per table of codes: its rows are broken */
	params *require; /* per require: parameters it mentions */
	long work; /* words and configurations tried: what takes more than CHECK_MAX_WORK is given up, as an error */
	ARRAY(struct seen) seen;
	ARRAY(uint64_t) proved; /* signatures of encodings that came back (check_trip.c) */
	struct codec_bound bound[2];
};

/* Parameters that an expression mentions. */
params params_in(const struct model *model, ref expr);
/* ... that the levels' shape condition mentions */
params params_in_shape(const struct model *model, ref shape);

/* One configuration after the other. */
struct config {
	struct run *run;
	ref shape, cond; /* REF_NONE: none */
	params used;
	int n;
	int index[CHECK_MAX_PARAMS];
	int range[CHECK_MAX_PARAMS];
	bool started, impossible;
	struct span at;
	int64_t param[CHECK_MAX_PARAMS];
};

/*
 * Enumerate `used` under shape and cond (either may be REF_NONE). Too many combinations: reported at `at`, and only the
 * defaults are looked at. `for (config_begin(...); config_next(&config);)`.
 */
void config_begin(struct config *config, struct run *run, ref shape, ref cond, params used, struct span at);
bool config_next(struct config *config);
/* Can it occur? Fills in the other parameters so that shape, cond and every require hold. */
bool config_possible(struct config *config);
/* The same for one more condition. */
bool config_possible_with(struct config *config, ref cond);
/* Does a condition hold under it? */
bool config_holds(const struct config *config, ref cond);

/*
 * Of the parameters in `which`, those whose other values (all else unchanged) make the fault at hand go away: the ones
 * worth naming. fails: is the fault still there? It may use config->param only.
 */
params config_relevant(struct config *config, params which, bool (*fails)(struct config *config, void *ctx), void *ctx);

/* " with ds = 1, oa = 52", naming the parameters of `which` that it enumerates; "" where there is none. */
const char *say_config(const struct config *config, params which);

/* False if this check was reported at this place (and the other one) already: it then is the same slip again. */
bool first_time(struct run *run, enum check_id check, struct span at, struct span other);

/* Texts in the arena. */
const char *say_word(struct run *run, const uint64_t word[2], int bytes);
const char *say_bits(struct run *run, int hi, int lo);
const char *say_request(struct run *run, unsigned int request);
const char *say_rights(struct run *run, unsigned int rights);
const char *say_memory(unsigned int memory);
const char *say_kind(struct run *run, ref kind); /* 'block' at level L2 */

static inline const struct m_kind *kind_of(const struct run *run, ref kind)
{
	return &run->model->kinds.v[kind];
}

static inline const struct m_level *level_of(const struct run *run, ref kind)
{
	return &run->model->levels.v[kind_of(run, kind)->level];
}

/* Parameters of a kind's lines that decide about the lines of these roles (bits 1 << enum m_role). */
params kind_params(const struct run *run, ref kind, unsigned int roles);
/* A word that both kinds accept. Returns 1: found, 0: there is none, -1: too many bits to try. */
int find_witness(struct run *run, const struct codec_bound *a, const struct codec_bound *b, uint64_t word[2]);
/* Parameters that decide which code tables apply to a kind. */
params kind_code_params(const struct run *run, ref kind);

/* The checks, in the order they run. */
void check_always_fail(struct run *run);
void check_bits(struct run *run);
void check_fields(struct run *run);
void check_values(struct run *run);
void check_right_lines(struct run *run);
void check_parameters(struct run *run);
void check_missing_kinds(struct run *run);
void check_kind_pairs(struct run *run);
void check_reached_kinds(struct run *run);
void check_empty_levels(struct run *run);
void check_input(struct run *run);
void check_addresses(struct run *run);
void check_alignments(struct run *run);
void check_table_attributes(struct run *run);
void check_codes(struct run *run);
void check_own_words(struct run *run);
void check_round_trip(struct run *run);
void check_dirty_states(struct run *run);
void check_harvest(struct run *run);
void check_examples(struct run *run);
void check_examples_missing(struct run *run);

#endif

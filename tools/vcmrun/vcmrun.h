/* SPDX-License-Identifier: MIT */
/*
 * vcmrun.h - what the files of vcmrun share.
 *
 *   main.c     options, reading the file      locate.c  where in the text a value stands
 *   setup.c    memory and devices             steps.c   the steps
 *   names.c    objects by name, values        replay*.c calls that were recorded
 */
#ifndef VCMRUN_H
#define VCMRUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"
#include "vc.h"

enum { EXIT_FINE = 0, EXIT_FINDING = 1, EXIT_USAGE = 2 };

/* A scenario as it was read. */
struct scenario {
	const char *path;
	char *text;
	size_t length;
	json_t *root;
	struct vc_system *system;
	bool quiet;
};

/* --------------------------------------------------------------------------------------------------------- locate.c */

/*
 * The line and column (from 1) of a value: of member `key` of element `index` of the array `list` of the root object.
 * list NULL: of member `key` of the root; key NULL: of the element itself. What cannot be found is the beginning.
 */
void locate(const struct scenario *scenario, const char *list, size_t index, const char *key, unsigned int *line,
	    unsigned int *column);

/* Where in the file a thing is: for messages. */
struct place {
	const struct scenario *scenario;
	const char *list;
	size_t index;
};

/* "FILE:LINE:COLUMN: error: ..." and the line with a caret. Returns false. */
bool complain_at(const struct place *place, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---------------------------------------------------------------------------------------------------------- names.c */

enum thing { THING_REGION, THING_RESERVATION, THING_MEMORY, THING_DEVICE, THING_ASSOCIATION, THING_BOUND, N_THINGS };

/* Objects by name. */
struct names {
	struct name {
		char *name;
		enum thing thing;
		void *handle;
	} * name;
	size_t n, capacity;
};

bool names_add(struct names *names, const char *name, enum thing thing, void *handle);
void names_remove(struct names *names, const char *name, enum thing thing);
void *names_find(const struct names *names, const char *name, enum thing thing);
void names_free(struct names *names);
const char *thing_name(enum thing thing);

/*
 * Members of an object. Numbers are JSON integers, or strings as in C with K, M, G or T behind. Each complains and
 * returns false; what is absent leaves the value as it is, unless it is needed.
 */
bool get_number(const struct place *place, const json_t *object, const char *key, bool needed, uint64_t *value);
bool get_text(const struct place *place, const json_t *object, const char *key, bool needed, const char **value);
bool get_bool(const struct place *place, const json_t *object, const char *key, bool *value);
/* Letters of "rwxp", and the name of a cache policy. */
bool get_rights(const struct place *place, const json_t *object, unsigned int *rights);
bool get_cache(const struct place *place, const json_t *object, enum vc_cache *cache);
/* The object has no members but these (a list that ends with NULL). */
bool only_members(const struct place *place, const json_t *object, const char *const *keys);

/* ---------------------------------------------------------------------------------------------------------- setup.c */

bool setup_system(struct scenario *scenario);
bool setup_devices(struct scenario *scenario, struct names *names);
/* NULL: there is none of that name. */
const struct pt_format *find_format(const char *name);

/* ---------------------------------------------------------------------------------------------------------- steps.c */

/* Runs all steps until one does not do what it should. Returns an exit status. */
int run_steps(struct scenario *scenario, struct names *names);
/* The kinds of steps and their members, one a line. */
void print_steps(void);

/* --------------------------------------------------------------------------------------------------------- replay.c */

/* Do what the text of the scenario, a trace, says was done. Returns an exit status; scenario->system is what there is
 * then. */
int run_replay(struct scenario *scenario);

#endif

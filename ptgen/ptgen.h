/* SPDX-License-Identifier: MIT */
/*
 * ptgen.h - what every stage of the compiler shares: the context, the arena, source positions, diagnostics.
 *
 * The stages, in order, each with one entry point:
 *   options   options.c     command line -> struct options
 *   parse     scan.l, parse.y   text -> syntax tree (ast.h)
 *   resolve   resolve*.c    syntax tree -> flat model (model.h): inheritance, binding, shapes, levels, kinds
 *   check     check*.c      flat model -> diagnostics
 *   emit      emit_*.c      flat model -> output files (output.c)
 * No globals: one struct context goes through all of them, and all memory is in its arena.
 */
#ifndef PTGEN_PTGEN_H
#define PTGEN_PTGEN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PTGEN_VERSION  "0.1.0"
#define PTGEN_LANGUAGE 1

/* -------------------------------------------------------------------------------------------------------- the arena */

struct arena;

struct arena *arena_new(void);
void arena_delete(struct arena *arena);
/* Zeroed memory, aligned for any type; never NULL (out of memory ends the program with one message, status 2). */
void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A growing table: ARRAY(T) name; then ARRAY_ADD(arena, name) is a pointer to a new zeroed element (valid until the
 * next ARRAY_ADD), name.n the count, name.v the elements.
 */
#define ARRAY(type)          \
	struct {             \
		type *v;     \
		int n, room; \
	}
#define ARRAY_ADD(arena, array)                                                                          \
	((array).n == (array).room                                                                       \
		 ? (void)((array).v = arena_grow((arena), (array).v, &(array).room, sizeof(*(array).v))) \
		 : (void)0,                                                                              \
	 &(array).v[(array).n++])
void *arena_grow(struct arena *arena, void *old, int *room, size_t element);

/* ------------------------------------------------------------------------------------------------- source positions */

/* length bytes at offset of file number file (index into context.files); file -1: no position. */
struct span {
	int32_t file;
	uint32_t offset, length;
};

struct source {
	const char *name; /* as the user wrote it, or as found along -I */
	const char *text; /* whole file, followed by two NUL bytes (the scanner needs them) */
	size_t length;
	struct span included;	/* the include line, file -1 for a file of the command line */
	uint64_t device, inode; /* which file it is, whatever path led to it */
};

/* ------------------------------------------------------------------------------------------------------ diagnostics */

enum severity { SEVERITY_IGNORED, SEVERITY_WARNING, SEVERITY_ERROR };

/* Every named check and its default severity; checks.def is the one table. */
enum check_id {
#define CHECK(id, ...) CHECK_##id,
#include "checks.def"
#undef CHECK
	N_CHECKS
};

struct context;

/*
 * Report a finding: "file:line:col: error: text [-Wname]", the line, a caret under the span. diag_related adds a note
 * with a position of its own to the finding before it, diag_mend a note without one that says what would be right.
 * A finding whose check is switched off is dropped, and so are its notes.
 */
void diag(struct context *context, enum check_id check, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_related(struct context *context, struct span at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diag_mend(struct context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An error of usage or I/O: "ptgen: text", exit status 2 in the end. */
void diag_usage(struct context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write what is still kept back (--diagnostics=json); after the last finding. */
void diag_flush(struct context *context);

/* The name of n candidates nearest to text, or NULL if none is near enough to be meant. */
const char *near_name(const char *text, const char *const *candidates, int n);

/* ---------------------------------------------------------------------------------------------------------- context */

struct setting { /* --set NAME=VALUE */
	const char *name;
	int64_t value;
	bool used;
};

struct options {
	const char *output; /* -o: the directory that outputs go to (".") */
	const char *prefix; /* --prefix: in place of the format's name in the output; one format only */
	const char *format; /* --format: only this one */
	ARRAY(const char *) include;
	ARRAY(struct setting) settings;
	ARRAY(const char *) inputs;
	unsigned int emit; /* bits: EMIT_* */
	bool check_only;
	bool dump_ast, dump_model;
	bool depend;	   /* -MD */
	bool depend_phony; /* -MP */
	const char *depend_file, *depend_target;
	bool werror;
	bool stay_warning[N_CHECKS]; /* -Wno-error=NAME */
	bool json_diagnostics;
};

enum { EMIT_C = 1, EMIT_JSON = 2, EMIT_DOT = 4, EMIT_REGISTRY = 8, EMIT_MD = 16, EMIT_SVG = 32, EMIT_SELFTEST = 64 };

struct context {
	struct arena *arena;
	struct options options;
	ARRAY(struct source) files;
	enum severity severity[N_CHECKS];
	int errors, warnings, usage_errors;
	bool last_dropped;	/* the last finding was switched off: drop its notes too */
	struct json_t *finding; /* --diagnostics=json: the last one, until its notes are known */
	FILE *diagnostics;	/* stderr, or a memory stream in tests */
	bool color;		/* diagnostics are for a terminal */
};

#endif

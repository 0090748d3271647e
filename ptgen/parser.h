/* SPDX-License-Identifier: MIT */
/*
 * parser.h - what the parts of the front share: scan.l makes tokens, tokens.c hands them to the parser and mends the
 * stream after an error, parse.y builds the tree, source.c reads the files.
 */
#ifndef PTGEN_PARSER_H
#define PTGEN_PARSER_H

#include "ast.h"

/* A list under construction; the nodes hang together by their `next`. */
#define LIST(type)                  \
	struct {                    \
		type *first, *last; \
	}

struct number {
	uint64_t half[2]; /* least significant first */
};

enum { MAX_FORMATS = 1000, MAX_ITEMS = 5000, MAX_NODES = 100000 };
enum { MAX_SYNTAX_ERRORS = 50, MAX_INCLUDES = 32, MAX_EXPR_DEPTH = 200, MAX_OPEN = 4 };

struct parser {
	struct context *context;
	struct ast_file *file;
	struct ast_format **end; /* where the next format is linked in */
	int source;		 /* index into context.files */
	int first_source;	 /* first file of this run: a file is included once a run */
	int include_depth;
	bool too_deep; /* an expression was, and it was said */

	/* scan.l */
	void *scanner;
	uint32_t offset;
	bool line_start; /* no token on this line yet */

	/* tokens.c */
	struct token *last, *before; /* the token handed out last, and the one before it */
	struct token *pending;	     /* handed out next, after `closes` closing braces */
	bool stray;		     /* the last token is a '}' that closes nothing */
	int64_t put_back_at;	     /* offset of the token that was put back last: once is enough */
	bool pending_taken;	     /* its braces are counted already */
	int closes;
	int depth;		    /* block braces that are open */
	bool in_set, in_bits;	    /* inside { } of a set, inside [ ] */
	struct span open[MAX_OPEN]; /* the braces */
	struct span cut;	    /* where a ; is likely to be missing; length 0: nowhere */
	int opener;		    /* token that began the item whose block is open */
	bool recovering;	    /* skip to where the parser can go on */
	bool quiet;		    /* something better was said about this statement */
	bool stopped;		    /* too many errors */
	bool failed;		    /* anything was reported */
	int errors;
};

/* An error of syntax; counts, stops the run at MAX_SYNTAX_ERRORS. */
void syntax_error(struct parser *parser, struct span at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * The parser met a token that it cannot use; expected: the names of those it could. Says so in the most helpful way
 * and arranges recovery.
 */
void unexpected_token(struct parser *parser, struct span at, const char *const *expected, int n);

/* `include "name";` */
void include_file(struct parser *parser, const char *name, struct span at);

/* Numbers of source texts (scan.l); reports what is wrong and returns 0 then. */
struct number scan_number(struct parser *parser, const char *text, struct span at);
char *scan_string(struct parser *parser, const char *text, size_t length, struct span at);

struct token *new_token(struct arena *arena);

/* Where the scanner of this parser reads; set up and torn down by source.c. */
bool scanner_open(struct parser *parser);
void scanner_close(struct parser *parser);

#endif

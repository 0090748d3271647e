/* SPDX-License-Identifier: MIT */
/*
 * ast.h - the syntax tree: what the text says, nothing more. The parser's actions only build these nodes; what they
 * mean is found in resolve. Lists are linked by `next` in source order. Every node has its span.
 */
#ifndef PTGEN_AST_H
#define PTGEN_AST_H

#include "ptgen.h"

enum ast_op {
	A_NUM,	     /* value */
	A_NAME,	     /* name */
	A_NAME_BITS, /* name[a:b], or name[a] with b NULL */
	A_BITS,	     /* [a:b] of the word itself */
	A_CALL,	     /* name(args) */
	A_COND,	     /* a ? b : c */
	A_OR,
	A_AND,
	A_EQ,
	A_NE,
	A_LT,
	A_GT,
	A_LE,
	A_GE,
	A_IN, /* a in set */
	A_SHL,
	A_SHR,
	A_ADD,
	A_SUB,
	A_MUL,
	A_DIV,
	A_MOD,
	A_NOT,
	A_NEG
};

struct ast_range {
	struct ast_range *next;
	struct span span;
	struct ast_expr *first, *last; /* last NULL: a single value */
};

struct ast_set {
	struct span span;
	struct ast_range *ranges;
};

struct ast_expr {
	struct ast_expr *next; /* in argument lists */
	struct span span;
	enum ast_op op;
	uint64_t value;
	const char *name;
	struct ast_expr *a, *b, *c, *args;
	struct ast_set *set;
	int depth; /* levels of expression from here down; the parser bounds it, so recursion over it is safe */
};

/* [hi:lo]; lo NULL: [hi] alone */
struct ast_bits {
	struct span span;
	struct ast_expr *hi, *lo;
};

struct ast_name {
	struct ast_name *next;
	struct span span;
	const char *name; /* or the text of a string */
};

/* An option of an item or of a line: a keyword and its operands. Which ones are legal where is the grammar's matter. */
enum ast_opt_kind {
	/* input, output */
	OPT_ABOVE,    /* name: zero sign ones any */
	OPT_APERTURE, /* a .. b */
	OPT_BASE,
	OPT_WINDOW,
	OPT_RAISES, /* name (also of entries) */
	/* levels */
	OPT_ALIGN,
	OPT_TABLE,
	OPT_EVERY, /* a */
	OPT_WORD,  /* name, name2 */
	OPT_AS,	   /* names: one string per level, as the manual calls them */
	OPT_LIMIT, /* a .. b: indices that exist */
	/* root */
	OPT_START,
	OPT_COUNT, /* a (and OPT_ALIGN, OPT_TABLE) */
	OPT_GROWS, /* name */
	/* entries */
	OPT_WHEN, /* a */
	OPT_FOR,  /* name in set (cond) */
	OPT_REPEAT,
	OPT_CONTIG, /* a */
	OPT_NEXT,   /* targets: several a with cond, one option each */
	/* lines */
	OPT_DEFAULT, /* a */
	OPT_ALLOWS,
	OPT_DENIES, /* name: letters */
	OPT_ACCESSED,
	OPT_DIRTY,
	OPT_BY, /* a */
	OPT_LIVE,
	OPT_KEEP,
	OPT_SYNCED,
	OPT_MARKS, /* a */
	OPT_OR,	   /* name */
	OPT_IF	   /* a */
};

struct ast_opt {
	struct ast_opt *next;
	struct span span;
	enum ast_opt_kind kind;
	struct ast_expr *a, *b, *cond;
	struct ast_set *set;
	const char *name, *name2;
	struct ast_name *names;
};

/* What a line of an entry, group or register says its bits are. */
enum ast_mean {
	MEAN_RES0,
	MEAN_RES1,
	MEAN_IGNORED,
	MEAN_SOFTWARE,
	MEAN_CONST,	  /* = value (value NULL: ones) */
	MEAN_IN,	  /* in set, without a name */
	MEAN_FIELD,	  /* name, or name[slice] */
	MEAN_FIELD_CONST, /* name = value */
	MEAN_FIELD_IN	  /* name in set */
};

struct ast_line {
	struct ast_line *next;
	struct span span;
	struct ast_bits *bits;
	enum ast_mean mean;
	struct span mean_span, name_span;
	const char *via;  /* sub-table in `small.pa[..]`, or NULL */
	const char *name; /* field or address */
	struct ast_bits *slice;
	struct ast_expr *value;
	struct ast_set *set;
	struct ast_opt *opts;
	const char *doc;
};

/* A kind named in a level. */
struct ast_kind {
	struct ast_kind *next;
	struct span span;
	const char *name;
	struct ast_expr *cond;
};

/* An argument of a level: name in set. */
struct ast_arg {
	struct ast_arg *next;
	struct span span;
	const char *name;
	struct ast_set *set;
};

struct ast_col {
	struct ast_col *next;
	struct span span;
	const char *name;
	struct ast_bits *slice;
};

struct ast_cell {
	struct ast_cell *next;
	struct span span;
	bool any;	  /* '-' */
	const char *name; /* a name, or NULL: value */
	uint64_t value;
};

/* One row: cells, an arrow, right or right/right. right NULL stands for '-' (none). */
struct ast_row {
	struct ast_row *next;
	struct span span, right_span;
	struct ast_cell *cells;
	bool two_way, has_user;
	const char *right, *user;
	const char *doc;
};

/* NAME = value, in the braces of an example or in its (parameter, ...) list. */
struct ast_assign {
	struct ast_assign *next;
	struct span span;
	const char *name;
	struct ast_expr *value;
};

enum ast_item_kind {
	ITEM_TITLE,
	ITEM_SPEC,     /* strings */
	ITEM_WORD,     /* name (type), name2 (order) */
	ITEM_RESERVED, /* reserved raises name */
	ITEM_INPUT,
	ITEM_OUTPUT,  /* name bits opts */
	ITEM_PARAM,   /* is_static name set expr(default) doc */
	ITEM_FEATURE, /* name expr doc */
	ITEM_QUIRK,   /* name expr doc (the reason): a feature */
	ITEM_ADDRESS, /* name doc */
	ITEM_LET,
	ITEM_SET,      /* name expr doc */
	ITEM_REQUIRE,  /* expr text */
	ITEM_ROOT,     /* opts */
	ITEM_LEVEL,    /* level_name / number / name set / name args; bits; opts; kinds; input name in name2 */
	ITEM_FIELDS,   /* name uses lines */
	ITEM_ENTRY,    /* category name uses opts lines */
	ITEM_CODE,     /* concept name cols cond rows */
	ITEM_ROUND,    /* expr (or NULL) adds letters cond */
	ITEM_REFUSE,   /* expr cond */
	ITEM_NEVER,    /* never NAME when name2 if cond doc: rights that a path that gives others does not give */
	ITEM_RESIZE,   /* resize live if cond: a leaf may become a table, and back, in one store */
	ITEM_REGISTER, /* name name2 (type) cond lines */
	ITEM_WITHOUT,  /* name2: prot memtype dirty entry round refuse never; name */
	ITEM_EXAMPLE   /* number name level binds sets */
};

enum ast_category { CATEGORY_ABSENT, CATEGORY_FAULT, CATEGORY_NULL, CATEGORY_TABLE, CATEGORY_LEAF };
enum ast_concept { CONCEPT_PROT, CONCEPT_MEMTYPE, CONCEPT_DIRTY };

struct ast_item {
	struct ast_item *next;
	enum ast_item_kind kind;
	struct span span, name_span, name2_span;
	const char *name, *name2, *doc, *text;
	struct ast_name *strings; /* title, spec */
	struct ast_bits *bits;
	struct ast_opt *opts;
	struct ast_set *set;
	struct ast_expr *expr, *cond;
	struct ast_name *uses;
	struct ast_name *letters; /* round: r w x p g noncached device; several letters may stand in one name ("rx") */
	struct ast_arg *args;
	struct ast_kind *kinds;
	struct ast_line *lines;
	struct ast_col *cols;
	struct ast_row *rows;
	struct ast_assign *binds, *sets;
	enum ast_category category;
	enum ast_concept concept;
	bool is_static, adds;
	bool numbered;	   /* level: a plain number, in number */
	int64_t number;	   /* level number; example: see word */
	uint64_t word[2];  /* example word, least significant half first */
	const char *level; /* example: level name, or NULL: number */
	struct span level_span;
};

struct ast_format {
	struct ast_format *next;
	struct span span, name_span, base_span;
	bool is_family;
	const char *name, *base;
	struct ast_item *items;
};

struct ast_file {
	struct ast_format *formats;
	int n_formats, n_items, n_nodes;
	int language; /* language N; 0: not said */
	struct span language_span;
};

/*
 * Parse one file and what it includes; appends to *file. Reports every syntax error it can tell apart; returns false if
 * there was any.
 */
bool parse_file(struct context *context, const char *name, struct ast_file *file);
/* The same for a text in memory that stands for a file of this name. */
bool parse_text(struct context *context, const char *name, const char *text, size_t length, struct ast_file *file);

/* Print a stable text form (--dump=ast). */
void ast_dump(FILE *out, const struct ast_file *file);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * model.h - the flat model of one format: plain tables, indices between them, no pointer into the syntax tree. Every
 * check and every emitter reads only this.
 *
 * What is settled before the model
 *   - Inheritance, field groups, lets, `for` rows, level ranges and level arguments are expanded.
 *   - A parameter that is bound (set, --set) is folded into every expression.
 *   - Parameters that geometry depends on (index bits, address slices, table bytes, group sizes) are enumerated: each
 *     distinct geometry is one *shape*, with its own levels and kinds, in which all geometry is a number. Which shape a
 *     configuration takes is m_shape.when.
 * What stays an expression over the run-time parameters: which kinds and lines exist (features), constants, defaults,
 * the input size, the start level, the output size, registers.
 *
 * Glossary: see runtime/pt.h. "cond": the expression under which a thing exists; REF_NONE: always.
 */
#ifndef PTGEN_MODEL_H
#define PTGEN_MODEL_H

#include "ptgen.h"
#include "ast.h"

typedef int32_t ref; /* an index into one of the tables below */
#define REF_NONE (-1)

/* ------------------------------------------------------------------------------------------------------ expressions */

enum m_op {
	X_CONST,   /* k */
	X_PARAM,   /* a: index of the parameter */
	X_FIELD,   /* a: index of the field; its value in the word at hand (in `when`, `next`, in-sets) */
	X_BITS,	   /* bits [a:b] of the word at hand */
	X_RIGHT,   /* a: a PT_READ.. bit: 1 if the request has it (in defaults, round and refuse) */
	X_ADDRESS, /* bits [b:c] of run-time address a */
	X_OR,
	X_AND,
	X_EQ,
	X_NE,
	X_LT,
	X_GT,
	X_LE,
	X_GE,
	X_SHL,
	X_SHR,
	X_ADD,
	X_SUB,
	X_MUL,
	X_DIV,
	X_MOD,	/* of a and b; signed 64-bit, shifts of >= 64 give 0 */
	X_COND, /* a ? b : c */
	X_NOT,
	X_NEG
};

struct m_expr {
	uint8_t op;
	ref a, b, c;
	int64_t k;
};

/* ----------------------------------------------------------------------------------------------------------- tables */

struct m_range {
	int64_t first, last;
};

struct m_param {
	const char *name, *doc, *default_text;
	ref dflt; /* over earlier parameters; features: 0 unless said */
	ref first_range;
	int n_ranges;
	bool feature, is_static, bound; /* bound: value holds it, and no expression mentions it */
	int64_t value;
	struct span span;
};

struct m_shape {
	const char *name; /* "" when there is one shape; else as in "tg12_ds": lower case, fit for an identifier */
	ref when;	  /* over the parameters */
	ref first_level;
	int n_levels;
};

struct m_level {
	const char *name; /* as the manual calls it */
	const char *item; /* name of the level item it comes from */
	int number;	  /* level variable (or place in walk order where there is none) */
	ref shape;
	int hi, lo; /* natural index bits; the root's end at the top of the input */
	int entry_bytes;
	bool big_endian;
	bool host_endian; /* byte order of the CPU that runs the code: big_endian is meaningless */
	int every_lg2;
	uint32_t first_index,
		last_index;	     /* indices that exist (`limit`); the whole index where the format does not say */
	uint32_t table_bytes, align; /* of a table that is not the root */
	ref first_kind;
	int n_kinds;
	int64_t args[2];
	int n_args;
	struct span span;
};

enum m_group { GROUP_NONE, GROUP_REPEAT, GROUP_CONTIG };

struct m_kind {
	const char *name, *doc;
	enum ast_category category;
	ref level;
	enum m_group group;
	int group_lg2; /* log2 of the slots it takes */
	int lg2;       /* leaf: log2 of the bytes it maps (lo + group_lg2) */
	ref row;       /* kinds of one `for` row share this number within the level; REF_NONE: none */
	int64_t row_k;
	ref present; /* cond */
	ref when;    /* over fields and bits of the word: what the constants do not say */
	ref fault;   /* index of the fault name; REF_NONE: the default of its category */
	ref first_slice;
	int n_slices;
	ref first_next; /* table kinds: where it leads */
	int n_next;
	struct span span;
};

/* Which level a table entry links to: the first whose cond holds. */
struct m_next {
	const char *via; /* name of the sub-table pointer, NULL: the only one */
	ref level;
	ref cond; /* over fields of the entry and parameters */
};

enum m_role {
	ROLE_RES0,
	ROLE_RES1,
	ROLE_IGNORED,
	ROLE_SOFTWARE,
	ROLE_CONST,   /* value */
	ROLE_FIELD,   /* field, to */
	ROLE_ADDRESS, /* address bits [to + hi - lo : to] */
	ROLE_ROOT     /* registers: bits of the root's address */
};

enum { SLICE_LIVE = 1, SLICE_KEEP = 2, SLICE_SYNCED = 4, SLICE_ACCESSED = 8, SLICE_DIRTY = 16 };

/* One line of a kind or of a register: bits [hi:lo] of the entry. Most significant first, as declared. */
struct m_slice {
	uint8_t hi, lo, to;
	uint8_t role; /* enum m_role */
	uint8_t flags;
	uint8_t allows; /* PT_RIGHT_*: granted by 1, and PT_RIGHT_* withheld by 1 */
	uint8_t denies;
	ref field; /* ROLE_FIELD; also of a named constant */
	ref cond;
	ref value; /* ROLE_CONST: the value of these bits (registers: NAME = E) */
	ref in;	   /* over X_FIELD: the legal values; REF_NONE: all */
	ref dflt;  /* what a mapper writes: the bits of the field held here; REF_NONE: 0 or as rights and types say */
	ref by;	   /* accessed, dirty: hardware sets it when this holds; REF_NONE: always */
	ref marks; /* mask ORed into the address on encode, stripped on decode */
	ref or_field; /* the leaf's field that this table field is ORed into */
	const char *via, *doc;
	struct span span, name_span;
};

struct m_field {
	const char *name;
};

enum { M_MAX_COLS = 8 };

struct m_col {
	ref field;
	int hi, lo; /* bits of the field */
};

struct m_code { /* prot, memtype, dirty: values of fields <-> meaning */
	enum ast_concept concept;
	const char *name;
	ref cond;
	struct m_col col[M_MAX_COLS];
	int n_cols;
	ref first_row;
	int n_rows;
	uint8_t occurs; /* prot: PT_RIGHT_* that occur in any row; only these it decides */
	struct span span;
};

struct m_row {
	int64_t cell[M_MAX_COLS];
	bool any[M_MAX_COLS];
	bool two_way;
	uint8_t rights; /* prot */
	uint8_t memory; /* memtype: enum pt_memory */
	bool dirty;	/* dirty: dirty or clean */
	struct span span;
};

/* Letters of a round rule beyond the five PT_READ.. bits. */
enum { M_NONCACHED = 1 << 5, M_DEVICE = 1 << 6, M_NONSHAREABLE = 1 << 7 };

struct m_rule { /* round and refuse, in order of declaration */
	bool refuse;
	ref when;	     /* over X_RIGHT; REF_NONE: always */
	uint8_t adds, drops; /* PT_READ | ..., M_NONCACHED ... */
	ref cond;
	struct span span;
};

/* What the hardware makes of the rights of a whole path: one that gives any of `when` gives none of `rights`. */
struct m_never {
	uint8_t rights, when; /* PT_RIGHT_* */
	ref cond;
	const char *doc;
	struct span span;
};

enum m_above { ABOVE_ZERO, ABOVE_SIGN, ABOVE_ONES, ABOVE_ANY };

struct m_above_rule {
	enum m_above above;
	ref cond;
};

struct m_input {
	const char *name;
	ref hi; /* number of the top input bit */
	struct m_above_rule above[4];
	int n_above; /* 0: bits above must be zero */
	ref aperture_first, aperture_last, base;
	ref fault; /* raised outside; REF_NONE: address */
	struct span span;
};

struct m_output {
	const char *name;
	ref hi, base, window;
	ref fault; /* raised above hi; REF_NONE: address */
	struct span span;
};

struct m_root {
	ref start;	/* number of the start level (m_level.number) */
	ref count;	/* number of roots; REF_NONE: 1 */
	ref align;	/* bytes, REF_NONE: its size; X_PARAM-free `size` is replaced, see size_used */
	ref table;	/* bytes; REF_NONE: entries x entry bytes */
	bool size_used; /* align mentions `size`: the emitter takes max(align, natural bytes) */
	ref grows;	/* parameter that counts the levels and may grow in use */
	struct span span;
};

struct m_require {
	ref cond;
	const char *why;
	struct span span;
};

struct m_register {
	const char *name, *doc;
	int bits;
	ref cond;
	ref first_slice;
	int n_slices;
	struct span span;
};

enum m_set { SET_FIELD, SET_ADDRESS, SET_INPUT, SET_SIZE, SET_PROT, SET_MEMTYPE };

struct m_assign {
	enum m_set what; /* of binds: SET_FIELD, index is a parameter */
	ref index;	 /* field or parameter */
	int64_t value;	 /* SET_PROT: a request; SET_MEMTYPE: enum pt_memory */
	struct span span;
};

struct m_example {
	uint64_t word[2];
	const char *kind, *level, *doc; /* level: the item's level as written: a number or a name */
	ref first_bind, first_set;	/* in assigns */
	int n_binds, n_sets;
	struct span span, kind_span;
};

struct m_name {
	const char *name, *doc;
};

/* A let that is the same in the whole format and mentions parameters only. Sorted: those that others contain first. */
struct m_let {
	const char *name;
	ref expr;
};

struct model {
	const char *name, *title, *source; /* source: file name as given on the command line */
	const char *base;		   /* the format it derives from, or NULL */
	ARRAY(const char *) spec;
	ARRAY(struct m_expr) exprs;
	ARRAY(struct m_range) ranges;
	ARRAY(struct m_param) params;
	ARRAY(struct m_shape) shapes;
	ARRAY(struct m_level) levels;
	ARRAY(struct m_kind) kinds;
	ARRAY(struct m_next) nexts;
	ARRAY(struct m_slice) slices;
	ARRAY(struct m_field) fields;
	ARRAY(struct m_code) codes;
	ARRAY(struct m_row) rows;
	ARRAY(struct m_rule) rules;
	ARRAY(struct m_never) nevers;
	ARRAY(struct m_require) requires;
	ARRAY(struct m_register) registers;
	ARRAY(struct m_assign) assigns;
	ARRAY(struct m_example) examples;
	ARRAY(struct m_name) faults;	/* the format's own fault names */
	ARRAY(struct m_name) addresses; /* addresses known at run time only */
	ARRAY(struct m_let) lets;
	struct m_input input;
	struct m_output output;
	struct m_root root;
	ref reserved_fault; /* fault of words of no kind and of reserved bits; REF_NONE: reserved */
	ref resize_live;    /* leaf <-> table in one store is legal when this holds */
	bool resize_said;
	struct span span;
};

/*
 * References to faults are indices into model.faults; the built-in ones are there too: the first N_FAULTS_BUILTIN
 * entries, in the order of enum pt_fault from PT_FAULT_ABSENT.
 */
enum {
	FAULT_ABSENT,
	FAULT_RESERVED,
	FAULT_PERMISSION,
	FAULT_ADDRESS,
	FAULT_ACCESS,
	FAULT_MISCONFIGURED,
	N_FAULTS_BUILTIN
};

/* Resolve every format of the file (families only where something derives from them) to models. */
struct model_list {
	ARRAY(struct model *) v;
};
void resolve(struct context *context, const struct ast_file *file, struct model_list *models);

/* ------------------------------------------------------------------------------------------------------- evaluation */

/* What an expression may look at; unused members may be anything. */
struct m_env {
	const int64_t *param;	 /* one value per parameter */
	ref kind;		 /* whose fields X_FIELD reads */
	const uint64_t *word;	 /* the entry, two halves */
	unsigned int request;	 /* for X_RIGHT */
	const uint64_t *address; /* for X_ADDRESS */
};

/* The expressions that an expression is made of: how many, 0 to 3. What walks over expressions asks this. */
int expr_parts(const struct m_expr *e, ref part[3]);
int64_t model_eval(const struct model *model, ref expr, const struct m_env *env);
/* One operator of two operands, X_OR to X_MOD. Division by zero gives 0; >> keeps the sign; && and || give 0 or 1. */
int64_t model_apply(enum m_op op, int64_t a, int64_t b);
/* REF_NONE is true. */
bool model_holds(const struct model *model, ref cond, const struct m_env *env);
/* Value of a field in a word of a kind, gathered from its slices (whose cond holds); false when it has none. */
bool model_field(const struct model *model, ref kind, ref field, const struct m_env *env, uint64_t *value);
/* Fill param[i] for every parameter that is PT_UNSET (INT64_MIN) with its default, or with its bound value. */
void model_defaults(const struct model *model, int64_t *param);
/* The shape that a configuration takes, REF_NONE if none; and the level of a number in it, REF_NONE if none. */
ref model_shape(const struct model *model, const int64_t *param);
ref model_level(const struct model *model, ref shape, int64_t number);
/* The bits of a run-time address that entries hold. */
uint64_t model_address_bits(const struct model *model, ref address);
/* Are there indices that a level does not have (`limit`)? */
bool model_limited(const struct m_level *level);
/*
 * True when expr mentions (through any path) a thing of this op; for X_PARAM and X_FIELD: the one of index `which`, or
 * any if < 0.
 */
bool model_mentions(const struct model *model, ref expr, enum m_op op, ref which);

/* An expression as infix text, with the names of parameters and fields. */
void model_print_expr(FILE *out, const struct model *model, ref expr);
/* Stable text form (--dump=model). */
void model_dump(FILE *out, const struct model *model);

#endif

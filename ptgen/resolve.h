/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - what the files of the resolver share; nobody else includes it.
 *
 *   resolve.c         names, binding, the driver
 *   resolve_flatten.c inheritance
 *   resolve_fold.c    pools of expressions: interning, folding, combinations of parameters
 *   resolve_expr.c    expressions: names and lets, commit into the model
 *   resolve_shapes.c  which parameters geometry depends on, and one shape per distinct geometry
 *   resolve_places.c  the levels that there may be
 *   resolve_levels.c  levels, kinds and where table entries lead
 *   resolve_lines.c   lines of entries and registers
 *   resolve_items.c   input, output, root, codes, rules, registers
 *   resolve_examples.c examples
 *
 * Expressions live in two pools. The scratch pool holds them over all unbound parameters, also while geometry is only
 * being looked at; commit() copies one into the model and folds what the shape at hand settles. Both pools are
 * interned: equal expressions have equal refs, so conditions are compared by comparing refs.
 */
#ifndef PTGEN_RESOLVE_H
#define PTGEN_RESOLVE_H

#include "model.h"

enum {
	MAX_PARAMS = 32, /* PT_MAX_PARAMS of the contract */
	MAX_KEYS = 16,
	MAX_VARIABLES = 4,
	MAX_DEPTH = 500,    /* nesting of one expression, lets included */
	MAX_WEIGHT = 20000, /* nodes of one expression, lets expanded */
	MAX_STEPS = 200000,
	MAX_COMBINATIONS = 4096, /* of parameters that geometry depends on */
	MAX_START_COMBINATIONS = 1 << 16,
	MAX_SHAPES = 64,
	MAX_LEVELS = 256,
	MAX_FIELD_BITS = 12 /* of fields that choose the next level */
};

struct pool {
	struct arena *arena;
	struct model *model;	    /* whose exprs it fills */
	const struct model *params; /* whose parameters X_PARAM means */
	int32_t *hash;		    /* ref + 1, 0: free */
	uint32_t room;		    /* of hash, a power of two */
	ARRAY(uint32_t) weight;	    /* nodes of the tree below each expression, saturating */
};

struct flat_item {
	const struct ast_item *item;
	const struct ast_format *from;
};

enum value_kind { VALUE_PARAM, VALUE_LET, VALUE_ADDRESS };

struct value {
	const char *name;
	enum value_kind kind;
	ref index; /* of the parameter or address */
	const struct ast_item *item;
	bool busy;    /* being expanded: to meet it again is a cycle */
	ref expr;     /* of a let: what it was expanded to, in the scratch pool; REF_NONE: nothing */
	bool differs; /* to different things in different places */
};

/* An entry with the lines of its groups, most significant first as far as that is known without numbers. */
struct entry {
	const struct ast_item *item;
	const struct ast_format *from;
	ARRAY(const struct ast_line *) lines;
	bool listed; /* in some level */
};

struct variable {
	const char *name;
	ref value; /* in the scratch pool */
};

/* Where an expression stands: the names it may use besides parameters, lets and addresses. */
struct scope {
	struct variable variable[MAX_VARIABLES];
	int n_variables;
	ref lo, hi;		   /* of the level's index, scratch pool; REF_NONE outside levels */
	const struct entry *entry; /* whose fields may be named; NULL: no fields */
	bool rights;		   /* r w x p g stand for the request */
	bool size, size_used;	   /* `size` stands for the root's natural bytes */
};

/* One level of the walk before shapes: an item, and a value for its variable or its arguments. */
struct place {
	const struct ast_item *item;
	int item_index; /* counts level items */
	int64_t vars[2];
	int n_vars;
	const char *name;
	int64_t number;	   /* m_level.number */
	bool numbered;	   /* a next or start by number may mean it */
	bool reached;	   /* in the shape at hand */
	bool ever_reached; /* in some shape */
	ref level;	   /* in the shape at hand */
};

/* What tells shapes apart: the value of a parameter, or the truth of a condition. */
struct key {
	ref expr;  /* scratch pool; conditions without a leading ! */
	ref param; /* REF_NONE: a condition */
	const char *name;
	bool varies;
};

struct tuple {
	int64_t value[MAX_KEYS];
	ref shape;
};

struct report {
	enum check_id check;
	struct span at;
};

/* What outlives one format. */
struct session {
	ARRAY(struct report) reports; /* what was said: inherited lines are resolved many times, but reported once */
};

struct resolver {
	struct context *context;
	struct arena *arena;
	struct session *session;
	const struct ast_file *file;
	const struct ast_format *format;
	ARRAY(struct flat_item) items;
	struct model *model;
	struct pool *scratch, *pool;
	ARRAY(struct value) values;
	ARRAY(struct entry) entries;
	ARRAY(struct place) places;
	ARRAY(struct key) keys;
	ARRAY(struct tuple) tuples;
	const struct tuple *tuple; /* the shape at hand, NULL: none */
	ARRAY(ref) requires;	   /* scratch pool */
	ref start;		   /* scratch pool */
	uint32_t set_by_user;	   /* parameters bound by --set to another value than their default */
	const char *where;	   /* added to messages: the instance that is being expanded */
	int depth;
	long steps;	     /* nodes resolved for the expression at hand */
	bool binding;	     /* some parameter is bound */
	const char *no_kind; /* of an example; reported */
	bool outside;	     /* bits outside of a word were reported */
	bool unknown_kind;   /* a level lists what is no entry, and it was said */
	bool failed;
};

/* ------------------------------------------------------------------------------------------------ resolve_flatten.c */

/* The items of r->format and its bases, base first, into r->items; false when there is no telling which. */
bool flatten(struct resolver *r);
const struct ast_format *find_format(const struct ast_file *file, const char *name);
/* Items that share one space of names: parameters, features, addresses, lets. */
bool is_value(enum ast_item_kind kind);

/* -------------------------------------------------------------------------------------------------------- resolve.c */

/* Report once per place; marks the format as failed. True when it was said, so that notes may follow. */
bool complain(struct resolver *r, enum check_id check, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for what does not make the format unusable. */
bool remark(struct resolver *r, enum check_id check, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A note "did you mean ...", if some candidate is near. */
bool suggest(struct resolver *r, const char *name, const char *const *candidates, int n);

const struct ast_item *find_item(const struct resolver *r, enum ast_item_kind kind, const char *name);
struct value *find_value(struct resolver *r, const char *name);
struct entry *find_entry(struct resolver *r, const char *name);
const struct ast_opt *find_opt(const struct ast_opt *opts, enum ast_opt_kind kind);
/* Index of a fault name, which is added if it is new. */
ref fault_named(struct resolver *r, const char *name);
ref field_named(struct resolver *r, const char *name);
/* REF_NONE when no line has that name. */
ref field_find(const struct resolver *r, const char *name);
const char *output_name(const struct resolver *r);
const char *input_name(const struct resolver *r);

/* --------------------------------------------------------------------------------------------------- resolve_fold.c */

struct pool *pool_new(struct arena *arena, struct model *model, const struct model *params);
ref x_leaf(struct pool *pool, enum m_op op, ref a, ref b, ref c);
ref x_const(struct pool *pool, int64_t k);
ref x_unary(struct pool *pool, enum m_op op, ref a);
ref x_binary(struct pool *pool, enum m_op op, ref a, ref b);
ref x_cond(struct pool *pool, ref a, ref b, ref c);
ref x_bool(struct pool *pool, ref a);
bool x_is_const(const struct pool *pool, ref a, int64_t *k);
/* Replace fields (op X_FIELD) or parameters (X_PARAM) by values. */
ref x_subst(struct pool *pool, ref a, enum m_op op, const ref *which, const int64_t *value, int n);

/* Parameters that an expression mentions, one bit each. */
uint32_t params_of(const struct model *model, ref expr);
/* True when it mentions a symbol: a variable that has no value yet. */
bool has_symbol(const struct model *model, ref expr);
/* Does it mention nothing but parameters? */
bool is_of_params(const struct model *model, ref expr);
ref symbol(struct pool *pool, int number);

/* Values of some parameters, one combination after the other. */
struct combos {
	const struct model *model;
	int n;
	ref param[MAX_PARAMS];
	uint64_t count[MAX_PARAMS], at[MAX_PARAMS];
	int64_t value[MAX_PARAMS]; /* by parameter, for m_env */
};
/* The number of combinations, UINT64_MAX when there are more than can be counted. */
uint64_t combos_start(struct combos *combos, const struct model *model, uint32_t params);
bool combos_next(struct combos *combos);

/* --------------------------------------------------------------------------------------------------- resolve_expr.c */

struct scope scope_plain(void);
ref resolve_expr(struct resolver *r, struct scope *scope, const struct ast_expr *expr);
/* value in set, as an expression */
ref resolve_in(struct resolver *r, struct scope *scope, ref value, const struct ast_set *set);
/* Copy an expression of the scratch pool into the model, folded under the shape at hand. */
ref commit(struct resolver *r, ref expr);
ref commit_expr(struct resolver *r, struct scope *scope, const struct ast_expr *expr);
/*
 * A condition in the model: REF_NONE when it always holds. *never when it cannot hold. Parameters that it mentions are
 * enumerated, so that what follows from their sets is folded too.
 */
ref commit_cond(struct resolver *r, ref expr, bool *never);
/* A number under the shape at hand; false (and an error at `at`) when it is none. */
bool settle(struct resolver *r, struct scope *scope, const struct ast_expr *expr, const char *what, int64_t *k);

/* ------------------------------------------------------------------------------------------------- resolve_shapes.c */

/* Levels and kinds of every shape, into the model. */
void resolve_shapes(struct resolver *r);

/* ------------------------------------------------------------------------------------------------- resolve_places.c */

void list_places(struct resolver *r);
struct place *place_named(struct resolver *r, const char *name);
/* Is it the name of a level item (not the variable of a range)? */
const struct ast_item *level_item(const struct resolver *r, const char *name);
/* Scope of a level item with symbols for its variables, or of a place with their values. */
struct scope item_scope(struct resolver *r, const struct ast_item *item);
struct scope place_scope(struct resolver *r, const struct place *place);
void add_variable(struct scope *scope, const char *name, ref value);

/* ------------------------------------------------------------------------------------------------- resolve_levels.c */

/* Expand the levels of the shape at hand that the root or an entry leads to, as the shape of that index. */
void expand_shape(struct resolver *r, ref shape);

/* -------------------------------------------------------------------------------------------------- resolve_lines.c */

/* Gather the lines of an entry and its groups. */
void gather_lines(struct resolver *r, struct entry *entry);
/* Lines of a kind, appended to model.slices; returns how many. */
int kind_slices(struct resolver *r, struct scope *scope, const struct entry *entry, int bits);
int register_slices(struct resolver *r, const struct ast_item *item, int bits);
bool is_address_line(const struct resolver *r, const struct ast_line *line);
bool word_type(struct resolver *r, struct span at, const char *type, const char *order, int *bytes, bool *big,
	       bool *host);
/* Bits of a register type "u64"; 0 when it is none. */
int type_bits(const char *type);

/* -------------------------------------------------------------------------------------------------- resolve_items.c */

void resolve_input_output(struct resolver *r);
void resolve_root(struct resolver *r);
/*
 * What a word that an older version of the language had is called now, with a warning of one release's length; any other
 * word is itself. NULL is NULL.
 */
const char *current_word(struct resolver *r, const char *word, struct span span);
/* A memory type by its name: its place in cached, noncached, device, other; -1: none. */
int memory_type(struct resolver *r, const char *name, struct span span);
void resolve_rules(struct resolver *r);
void resolve_nevers(struct resolver *r);
void resolve_shareability(struct resolver *r);
void resolve_codes(struct resolver *r);
void resolve_registers(struct resolver *r);
/* Rights that letters stand for ([u|p]{r,w,x}, g); false when they stand for none. */
bool rights_mask(const char *letters, uint8_t *mask);
/* Bits of a request, M_NONCACHED ... included; false for other letters. */
bool request_letters(const char *text, unsigned int *bits);

/* ----------------------------------------------------------------------------------------------- resolve_examples.c */

void resolve_examples(struct resolver *r);

#endif

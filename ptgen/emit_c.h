/* SPDX-License-Identifier: MIT */
/*
 * emit_c.h - what the files of the C emitter share.
 *
 *   emit_c.c         the driver, the public header
 *   emit_c_plan.c    names, what the format has, what of it is written
 *   emit_c_text.c    C text of expressions; words of a table that depend on its configuration
 *   emit_c_bits.c    what the bits of a kind come to: constants, addresses, attributes
 *   emit_c_access.c  loads and stores of entries where these are not all alike
 *   emit_c_entry.c   the primitives on entries: tests, tables, leaves, addresses
 *   emit_c_levels.c  what is printed once per level
 *   emit_c_codes.c   rights and memory types: the tables that a request is looked up in
 *   emit_c_tables.c  constant descriptions: levels, kinds, fields, parameters, the descriptor
 *   emit_c_config.c  the parts of F_init: defaults, shapes, ranges, registers
 *   templates/       the functions, in C, with holes (template.h)
 *
 * The output is printed twice, first into nothing: what the first pass finds out (which configuration words exist,
 * which helpers are used) is known where the second one needs it.
 */
#ifndef PTGEN_EMIT_C_H
#define PTGEN_EMIT_C_H

#include "codec.h"
#include "model.h"

/* The word of an entry; of most formats only the lower half. */
__extension__ typedef unsigned __int128 wide;

/* Entries on one way down: PT_MAX_STEPS of runtime/pt.h. */
enum { PTGEN_MAX_STEPS = 12 };
/* Values of a configuration: PT_MAX_PARAMS. */
enum { PTGEN_MAX_PARAMS = 32 };

/* A word of struct pt_table that F_init computes from the parameters. */
struct word {
	const char *name; /* "PAGE_RES0": the enumerator without prefix */
	const char *text; /* the C expression */
};

/* A table of attribute words: for each configuration row, one word per rights (32) or memory types (3). */
struct matrix {
	const char *name;
	int rows, columns;
	wide *value;	    /* rows * columns */
	const char *row_of; /* C expression of the row; NULL: 0 */
	const char *comment;
};

/* What leaf kinds with the same attribute words share. */
struct attribute_class {
	ref shape;
	int rights, memory; /* matrices */
	int index;	    /* in struct F_attributes, counted per shape */
	const char *marks;  /* C expression ORed in but for device memory, NULL: none */
};

/* Prints to the output of `emitter`. */
#define OUT(...) fprintf(emitter->out, __VA_ARGS__)

struct emitter {
	struct context *context;
	const struct model *model;
	struct arena *arena;
	FILE *out;
	const char *lower, *upper;
	int entry_bits;
	const char *order;	 /* the function between number and memory */
	const char **level_name; /* enumerators, without prefix */
	const char **kind_name;
	int *kind_class;  /* per kind: index into classes, -1: not a leaf */
	ref *next;	  /* per level: where its tables link to when we write them; REF_NONE: no tables */
	ref *table;	  /* per level: the kind of table entry that we write; REF_NONE */
	const char **via; /* per level: the sub-table of the entry that we write; NULL: there is but one */
	bool *written;	  /* per level: is it on the way of what we write? Others are only read */
	bool *starts;	  /* per level: can a walk begin here, in some configuration? */
	int usual_start;  /* where it begins by default */
	ref *last;	  /* per shape: the lowest level that we write */
	ARRAY(struct word) words;
	ARRAY(struct matrix) matrices;
	ARRAY(struct attribute_class) classes;
	int granted; /* matrix of rounded requests */
	int max_classes, max_group;
	int64_t max_roots;
	/*
	 * Entries are not one array of one type: they differ in size or order, are far apart, or an absent one takes
	 * more than a mask to tell. Slots are then bytes, and every access is told the level.
	 */
	bool mixed;
	bool has_wide;		       /* entries of 16 bytes */
	bool has_limits;	       /* not all indices of a level exist */
	bool in_base, outside, window; /* addresses in indices and entries are not those of the callers */
	bool has_groups, has_repeats, has_contigs, has_carries, has_marks, has_synced, has_keeps, has_skips, has_breaks,
		has_narrows, has_foreign, has_nulls, has_twins, absent_by_config;
	bool uses_shl, uses_shr, uses_div, uses_mod, uses_above;
	bool *uses_let; /* of each of the model's lets */
	ref let;	/* whose text is under construction, REF_NONE: none */
	ref known;	/* a condition that holds where the text under construction is used; REF_NONE: none is known */
	int64_t *defaults; /* the default configuration of each shape: shapes * params */
	bool failed;
};

/* ---------------------------------------------------------------------------------------------------- emit_c_text.c */

/* A value that is a constant, a text, or the OR of both. */
struct bits {
	wide literal;
	const char *text; /* C expression over `const int64_t *p`, uint64_t; NULL: none */
	const char *high; /* the same for bits 127 to 64 */
};

const char *text_of(struct emitter *emitter, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An expression over the parameters as C (int64_t). */
const char *config_text(struct emitter *emitter, ref expr);
/* What the let is, where others are named and it is not. */
const char *let_text(struct emitter *emitter, ref let);
/* The same as config_text, to stand before a question mark. */
const char *condition_text(struct emitter *emitter, ref expr);
/* An expression over fields of a word of kind as C; `word` names the entry, parameters are read through t->param. */
const char *entry_text(struct emitter *emitter, ref kind, ref expr, const char *word);
void bits_add(struct emitter *emitter, struct bits *bits, ref cond, wide mask);
void bits_add_value(struct emitter *emitter, struct bits *bits, ref cond, ref value, int hi, int lo);
/* Index of the configuration word that holds text; made if there is none. */
int word_of(struct emitter *emitter, const char *name, const char *text);
/* The enumerator of a word, "-1" for none. */
const char *word_name(struct emitter *emitter, int index);
/* C text of bits in a function that has `t`: a literal, a word, or both. */
const char *bits_text(struct emitter *emitter, const char *name, const struct bits *bits);
/* An entry, or bits of one; and what is none: an address, a word of the configuration. */
const char *hex(struct emitter *emitter, wide value);
const char *hex64(struct emitter *emitter, uint64_t value);
uint64_t mask_of(int hi, int lo);
/* The same in an entry: hi up to 127. */
wide entry_mask(int hi, int lo);
const struct m_slice *slices_of(const struct emitter *emitter, ref kind, int *n);

/* --------------------------------------------------------------------------------------------------------- emit_c.c */

/* A name fit for an enumerator: capitals, digits, underscores; a minus becomes M. */
const char *enumerator(struct arena *arena, const char *text);
/* The highest address bit that a table of a shape can have, -1: any; and whether that differs between shapes. */
int table_bit(const struct model *model, int shape);
bool tables_differ(const struct model *model);

/* ---------------------------------------------------------------------------------------------------- emit_c_plan.c */

/* Everything in struct emitter that the printing goes by. false: refused, and said why. */
bool plan(struct emitter *emitter);
/* There is no C for this format, because of `what`; said once. */
void refuse(struct emitter *emitter, const char *what);
/* The mark of leaf addresses, a configuration expression; NULL: none. */
const char *marks_of(struct emitter *emitter);

/* ---------------------------------------------------------------------------------------------------- emit_c_bits.c */

enum bits_of {
	BITS_MASK,
	BITS_VALUE,
	BITS_RES0,
	BITS_RES1,
	BITS_CONST,
	BITS_ADDRESS,
	BITS_KEEP,
	BITS_SYNCED,
	BITS_LIVE,
	BITS_MARKS
};
struct bits kind_bits(struct emitter *emitter, ref kind, enum bits_of what);
/* The address `pa` of a sub-table or a leaf (via NULL: the only one), put into an entry; and the one that is in
 * `entry`. */
const char *put_text(struct emitter *emitter, ref kind, const char *via);
const char *get_text(struct emitter *emitter, ref kind, const char *via);
/* The mark of a kind's address, as it lies in the entry: a configuration expression, NULL for none. */
const char *marks_in_entry(struct emitter *emitter, ref kind);
/* Where a call keeps the attribute word of a leaf kind. */
const char *leaf_attributes(struct emitter *emitter, ref kind);

/* -------------------------------------------------------------------------------------------------- emit_c_access.c */

/* Bytes from one entry of a level to the next. */
uint32_t stride_of(const struct m_level *level);
/* What entries of 16 bytes cannot do: refused. */
void plan_wide(struct emitter *emitter, int level);
void emit_access(void *ctx);

/* --------------------------------------------------------------------------------------------------- emit_c_entry.c */

/*
 * A function body that depends on the level alone: one statement list per level, equal ones together. otherwise: what
 * levels without a list do; NULL: all have one, and the last of them stands for levels that do not exist, so that
 * compilers need not think about these.
 */
void by_level(struct emitter *emitter, const char *const *body, const char *otherwise);
/* Room for a body per level, all NULL. */
const char **bodies(struct emitter *emitter);

/* The absent kinds of a level together: of those that depend on the configuration, the one that exists counts. */
/* Is the bit that tells an absent entry of this level in the upper half? */
bool valid_on_top(struct emitter *emitter, int level);
struct bits absent_bits(struct emitter *emitter, int level, enum bits_of what);
/* The leaf kind of a level that takes one slot; REF_NONE: there is none. */
ref unit_of(const struct emitter *emitter, int level);
/* Leaf sizes of a level whose entries hold fewer address bits than those of other levels, and how many. */
void plan_narrow(struct emitter *emitter, int level, int *bits, uint64_t *sizes);
void emit_entry_functions(void *ctx);

/* -------------------------------------------------------------------------------------------------- emit_c_levels.c */

void emit_find_page(void *ctx);
void emit_find_unit(void *ctx);
void emit_lookup(void *ctx);
void emit_ahead(void *ctx);
void emit_arrive_lowest(void *ctx);
void emit_find_leaf(void *ctx);
void emit_map_levels(void *ctx);
void emit_map_dispatch(void *ctx);
void emit_map_lowest(void *ctx);
void emit_protect_lowest(void *ctx);
void emit_dirty_lowest(void *ctx);
void emit_map_pages(void *ctx);
void emit_unmap_pages(void *ctx);
void emit_unmap_levels(void *ctx);
void emit_unmap_dispatch(void *ctx);
void emit_unmap_lowest(void *ctx);

/* --------------------------------------------------------------------------------------------------- emit_c_codes.c */

void plan_codes(struct emitter *emitter);
void emit_code_tables(void *ctx);
void emit_attribute_functions(void *ctx);
void emit_marks(void *ctx);
/* Bits of a leaf kind that a change of rights or memory type may change. */
wide attribute_mask(const struct emitter *emitter, ref kind);
/* Those of them that are no rights and no memory type in some configurations: what else stands there must stay. */
struct bits attribute_not(struct emitter *emitter, ref kind);

/* -------------------------------------------------------------------------------------------------- emit_c_tables.c */

/* text as a C string literal; NULL: "". */
const char *quoted(struct emitter *emitter, const char *text);
/* The configuration word that says whether cond holds, by this name or by one of its own; -1: always. */
int when_word(struct emitter *emitter, const char *name, ref cond);
int cond_word(struct emitter *emitter, ref cond);
void emit_descriptions(void *ctx);
void emit_descriptor(void *ctx);

/* ---------------------------------------------------------------------------------------------------- emit_c_cold.c */

/* The enum pt_fault of a fault of the model. */
const char *fault_text(struct emitter *emitter, ref fault, int otherwise);
/* All bits that say accessed or dirty in a kind. */
wide state_mask(struct emitter *emitter, ref kind, bool accessed);
void emit_cold_tables(void *ctx);
void emit_nevers(void *ctx);
void emit_cold_functions(void *ctx);

/* -------------------------------------------------------------------------------------------------- emit_c_config.c */

void emit_defaults(void *ctx);
void emit_requires(void *ctx);
void emit_shape(void *ctx);
void emit_words(void *ctx);
void emit_input_rules(void *ctx);
void emit_aperture(void *ctx);
void emit_root_size(void *ctx);
void emit_registers(void *ctx);
/* Is there one of this register for each root? */
bool register_per_root(const struct emitter *emitter, const struct m_register *reg);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * codec.h - encode, classify and decode single words from the flat model, for one configuration. The checks enumerate
 * with it, examples are verified with it, and emitters take the tables of attribute words from it, so that what was
 * proved is what is emitted.
 */
#ifndef PTGEN_CODEC_H
#define PTGEN_CODEC_H

#include "model.h"

/* The PT_READ.. bits of a request, the PT_RIGHT_* of a decode: as in runtime/pt.h, which ptgen does not include. */
enum {
	REQ_READ = 1,
	REQ_WRITE = 2,
	REQ_EXEC = 4,
	REQ_PRIV = 8,
	REQ_GLOBAL = 16,
	REQ_NONCACHED = 1 << 5,
	REQ_DEVICE = 2 << 5,
	REQ_NONSHAREABLE = 3 << 5,
	REQ_MEMORY = 3 << 5,
	REQ_RIGHTS = 31,
	N_REQUESTS = 128
};
enum {
	RIGHT_PR = 1,
	RIGHT_PW = 2,
	RIGHT_PX = 4,
	RIGHT_UR = 8,
	RIGHT_UW = 16,
	RIGHT_UX = 32,
	RIGHT_GLOBAL = 64,
	RIGHT_P = 7,
	RIGHT_U = 56,
	RIGHT_ALL = 63
};
enum { MEMORY_CACHED, MEMORY_NONCACHED, MEMORY_DEVICE, MEMORY_NONSHAREABLE, MEMORY_OTHER };

/* Six rights and global of a request. */
unsigned int codec_request_rights(unsigned int request);

struct codec_masks {
	uint64_t mask[2], value[2]; /* the kind's test: (word & mask) == value, and then `when` */
	uint64_t res0[2], res1[2];  /* must be 0, must be 1; else the reserved fault of this kind */
	uint64_t address[2];	    /* bits that hold address */
	uint64_t too_wide[2];	    /* address bits above the output width */
};

/*
 * Masks of a kind under a configuration (param: every parameter set). Constants that are run-time addresses are not in
 * mask and value: look for ROLE_CONST lines whose value mentions X_ADDRESS.
 */
void codec_masks(const struct model *model, ref kind, const int64_t *param, struct codec_masks *masks);

/* Is the word of this kind (constants and `when`)? */
bool codec_is(const struct model *model, ref kind, const int64_t *param, const uint64_t word[2]);
/* The kind of a word at a level, REF_NONE: none. Kinds whose `present` does not hold are not offered. */
ref codec_classify(const struct model *model, ref level, const int64_t *param, const uint64_t word[2]);

/*
 * What a request becomes under the round and refuse rules: false if refused. *rounded is a request again; rights that
 * were added or dropped show as differences.
 */
bool codec_round(const struct model *model, const int64_t *param, unsigned int request, unsigned int *rounded);

/*
 * The words of a leaf (or table, absent) kind without its address: constants, res1, defaults, and for leaves the bits
 * of a rounded request. Returns false if some code table has no row for the request; *code then is that table (a ref
 * into model.codes), REF_NONE if none is to blame.
 *
 * part selects what is encoded, for emitters: any OR of CODEC_CONST (constants, res1 and defaults that do not depend on
 * the request), CODEC_RIGHTS (what depends on its rights), CODEC_MEMORY (what depends on its memory type, and the marks
 * of a leaf's address). The parts have no bit in common that one sets and another must leave clear. Kinds other than
 * leaves are all CODEC_CONST; tables are written with every right, and their marks.
 */
enum { CODEC_CONST = 1, CODEC_RIGHTS = 2, CODEC_MEMORY = 4, CODEC_WHOLE = 7 };
bool codec_attributes(const struct model *model, ref kind, const int64_t *param, unsigned int request,
		      unsigned int part, uint64_t word[2], ref *code);

/*
 * Put an address into its slices (via NULL: the leaf's or the only sub-table's) by OR, so that the marks that
 * codec_attributes() wrote stay; false if it does not come back whole or is wider than the output.
 */
bool codec_put_address(const struct model *model, ref kind, const int64_t *param, const char *via, uint64_t address,
		       uint64_t word[2]);
/* Take it out again (marks stripped). */
uint64_t codec_get_address(const struct model *model, ref kind, const int64_t *param, const char *via,
			   const uint64_t word[2]);

/* The physical address that an address in an entry stands for (base, window). */
uint64_t codec_outside(const struct model *model, const int64_t *param, uint64_t inside);

struct codec_decoded {
	unsigned int rights;  /* RIGHT_*, of this word alone (a whole path is the intersection) */
	unsigned int memory;  /* MEMORY_* */
	bool unknown_rights;  /* a code table had no row: "other" */
	bool accessed, dirty; /* as in struct pt_leaf */
};
void codec_decode(const struct model *model, ref kind, const int64_t *param, const uint64_t word[2],
		  struct codec_decoded *decoded);

/*
 * The leaf kinds' bits as the request reads them back: the request whose rights and memory type a decode equals;
 * N_REQUESTS if there is none.
 */
unsigned int codec_as_request(const struct codec_decoded *decoded);

/* Value of a register under a configuration with the root(s) at root; words of 64 bits, n of them. */
void codec_register(const struct model *model, int reg, const int64_t *param, uint64_t root, uint64_t *value, int n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * interp.h - a plain interpreter of the flat model: what generated code is compared with. It reads struct model and a
 * byte image of memory and nothing else; it shares no code with the emitters, with ptgen/codec.c or with the model's
 * own evaluator, so that generator and generated code do not vouch for each other. Slow and simple: every question
 * walks the slices of a kind one by one.
 *
 * Numbers of levels, kinds, parameters and faults are those of the descriptor (struct pt_format).
 */
#ifndef PTGEN_TESTS_INTERP_H
#define PTGEN_TESTS_INTERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "pt.h"

/* Every format of formats/ (the directory that PTGEN_FORMATS names, else "formats") and of tests/formats/; fails the
 * test if one does not parse. NULL: there is none of that name. */
const struct model *models_find(const char *name);
/* All of them, in the order of their files; n: NULL when there are no more. */
const struct model *models_nth(size_t n);
const char *models_directory(void);

enum { INTERP_SLICES = 1 << 15 };

/* The n lowest bits. */
static inline uint64_t ones(unsigned int n)
{
	return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* One configuration of a format. */
struct interp {
	const struct model *model;
	int64_t param[PT_MAX_PARAMS];
	ref shape;
	unsigned int input_hi;	/* top input bit */
	unsigned int count_lg2; /* roots */
	ref start;		/* start level */
	ref way[PT_MAX_STEPS];	/* levels that a mapper's tables lead through, root first */
	unsigned int n_way;
	uint64_t aperture_first, aperture_last; /* inclusive, before sign extension */
	uint64_t base;
	uint64_t output_first, output_last; /* as callers count */
	uint64_t output_mask;		    /* the last address that entries hold */
	enum m_above above;
	uint64_t slice_exists[INTERP_SLICES / 64]; /* bit n: slice n of the model exists in this configuration */
};

/* The roots of a table, as many as the configuration has. */
struct interp_roots {
	uint64_t pa[PT_MAX_ROOTS];
};
struct interp_roots interp_roots(const struct pt_table *table);

/* A byte image of memory; read: false when any byte lies outside. */
struct image {
	bool (*read)(void *ctx, uint64_t pa, void *buffer, size_t bytes);
	void *ctx;
};

/*
 * Settle a configuration; param: one value per parameter, PT_UNSET takes the default. Returns NULL, or why the
 * configuration is not valid.
 */
const char *interp_init(struct interp *in, const struct model *model, const int64_t *param);

/* Nothing said, but for addresses: they have no default, and get a value that entries hold. */
void interp_unset(const struct model *model, int64_t param[PT_MAX_PARAMS]);
/* The bits of a run-time address that entries hold. */
uint64_t interp_address_bits(const struct model *model, ref address);

/* True if the address is one that the table serves; *inner is what the indices are taken from. */
bool interp_input(const struct interp *in, uint64_t iova, uint64_t *inner);
/* The other way. */
uint64_t interp_present(const struct interp *in, uint64_t inner);

/* Bits [hi:lo] of a word, at most 64 of them. */
uint64_t interp_get_bits(const uint64_t word[2], unsigned int hi, unsigned int lo);
void interp_put_bits(uint64_t word[2], unsigned int hi, unsigned int lo, uint64_t value);

int64_t interp_eval(const struct interp *in, ref expr, ref kind, const uint64_t word[2], unsigned int request);
bool interp_holds(const struct interp *in, ref cond, ref kind, const uint64_t word[2], unsigned int request);

/* The number of the root that serves an inner address. */
unsigned int interp_root(const struct interp *in, uint64_t inner);
/* Entries of a table of this level; index of an inner address in it. start: it is a root. */
uint64_t interp_entries(const struct interp *in, ref level, bool start);
uint64_t interp_index(const struct interp *in, ref level, bool start, uint64_t inner);
/* Does the level have this index (limit)? */
bool interp_has_index(const struct interp *in, ref level, uint64_t index);
/* Bytes of the table. */
uint64_t interp_table_bytes(const struct interp *in, ref level, bool start);
uint64_t interp_entry_pa(const struct interp *in, ref level, uint64_t table, uint64_t index);
bool interp_read(const struct interp *in, const struct image *image, ref level, uint64_t pa, uint64_t word[2]);
/* Writes the bytes of an entry as memory holds them. */
void interp_store(const struct interp *in, ref level, const uint64_t word[2], unsigned char *bytes);

/* The kind of a word at a level, REF_NONE: none. *n: how many kinds claim it (more than one is a fault of the format).
 */
ref interp_classify(const struct interp *in, ref level, const uint64_t word[2], int *n);
/* The faults (bit n: enum pt_fault n) that bits of a word of that kind raise; 0: none. */
uint64_t interp_reserved(const struct interp *in, ref kind, const uint64_t word[2]);
uint64_t interp_address(const struct interp *in, ref kind, const uint64_t word[2]);
/* The address of one of several sub-tables; via NULL: all address bits. */
uint64_t interp_sub_address(const struct interp *in, ref kind, const char *via, const uint64_t word[2]);
/* Between physical addresses and what entries hold of them. */
uint64_t interp_inside(const struct interp *in, uint64_t pa);
uint64_t interp_outside(const struct interp *in, uint64_t inside);
/* Is this leaf kind offered to a mapper: present, on its way down, and not larger than input or output? */
bool interp_offered(const struct interp *in, ref kind);

/*
 * Beside the bits of a request: the caller asked for device memory, so the address gets no marks, also where the format
 * has no memory types and the granted request does not show it.
 */
enum { INTERP_UNMARKED = 1 << 9 };

/* What a request becomes; false: refused. */
bool interp_round(const struct interp *in, unsigned int request, unsigned int *rounded);
/* Did rounding add write or user access, or execute access where the format has a say in that at all? */
bool interp_wider(const struct interp *in, unsigned int request, unsigned int rounded);
/* The word of a kind for an address and a (rounded) request; false: it cannot be expressed. */
bool interp_encode(const struct interp *in, ref kind, uint64_t address, unsigned int request, uint64_t word[2]);
/* Bits of a kind that hardware may set, or F_dirty clear, after the word was written. */
void interp_hardware_bits(const struct interp *in, ref kind, uint64_t mask[2]);
/* Bits of a table kind that say the table was synced. */
void interp_synced_bits(const struct interp *in, ref kind, uint64_t mask[2]);

struct interp_decode {
	unsigned int rights; /* PT_RIGHT_*, of this word alone */
	unsigned int memory; /* enum pt_memory */
	bool unknown_rights; /* a code table had no row for what is there */
	bool accessed, dirty;
	bool has_accessed, has_dirty; /* does the kind hold them? */
	bool accessed_by_hardware, dirty_by_hardware;
};
void interp_decode(const struct interp *in, ref kind, const uint64_t word[2], struct interp_decode *decode);
/* Set or clear accessed/dirty in a word; false: the kind does not hold it. */
bool interp_set_accessed(const struct interp *in, ref kind, uint64_t word[2], bool on);
bool interp_set_dirty(const struct interp *in, ref kind, uint64_t word[2], bool on);

/* A walk by the manual. faults: the set of faults that may be reported (several may hold at once); 0: a leaf was found.
 */
struct interp_walk {
	struct pt_step step[PT_MAX_STEPS];
	unsigned int n_steps;
	uint64_t faults;
	ref level; /* where it ended */
	struct pt_leaf leaf;
	uint64_t pa; /* of the address itself */
	bool unknown_rights;
	bool own_ancestor; /* some table on the path is its own ancestor */
	uint64_t table[PT_MAX_STEPS];
};
void interp_walk(const struct interp *in, const struct image *image, struct interp_roots roots, uint64_t iova,
		 struct interp_walk *walk);

/* An access by the manual, without updates: walk->faults as above, with permission and accessed faults added. */
void interp_translate(const struct interp *in, const struct image *image, struct interp_roots roots, uint64_t iova,
		      unsigned int access, struct interp_walk *walk);

/* One entry that interp_scan() met. inner: first input address that it serves. */
struct interp_entry {
	ref level, kind; /* kind REF_NONE: a word of no kind */
	uint64_t table, pa, index, inner;
	uint64_t word[2];
	uint64_t child; /* table kinds: the next table */
	ref child_level;
	unsigned int path_rights;
};
/*
 * Everything below the roots in order of address, depth first: entries that are not absent go to entry(), every table
 * to table() after its entries (used: those that are not absent). Returns false when a read failed.
 */
struct interp_scan {
	void *ctx;
	void (*entry)(void *ctx, const struct interp_entry *entry);
	void (*table)(void *ctx, ref level, uint64_t pa, uint64_t inner, uint64_t bytes_served, uint64_t used);
};
bool interp_scan(const struct interp *in, const struct image *image, struct interp_roots roots,
		 const struct interp_scan *scan);

/* One leaf that a mapper is to write. */
struct interp_leaf {
	uint64_t iova, pa;
	ref level, kind;
	unsigned int lg2;
};
/*
 * The leaf that a mapper must choose at iova with bytes left to map: the largest that fits, in the tables as they are.
 * page_sizes: sizes that may be used. now: the configuration of the tables in the image, which is another one than in
 * only if the root has to grow for this. False: none (misaligned, too wide, or something is there).
 */
bool interp_choose(const struct interp *in, const struct interp *now, const struct image *image,
		   struct interp_roots roots, uint64_t iova, uint64_t pa, uint64_t bytes, uint64_t page_sizes,
		   struct interp_leaf *leaf);

/* Find out the way down, for interp_init(). */
void interp_way(struct interp *in);
/* Is the level on the way of what a mapper writes? Others are only read. */
bool interp_written(const struct interp *in, ref level);
/* Do the tables on a mapper's way to a leaf of 1 << lg2 bytes have slots for it? */
bool interp_has_slots(const struct interp *in, uint64_t inner, unsigned int lg2);
/* The leaf sizes that a mapper has, as a bitmap. */
uint64_t interp_page_sizes(const struct interp *in);
/* Can a leaf of 1 << lg2 bytes that a mapper has hold the address? Small leaves may have fewer address bits. */
bool interp_holds_address(const struct interp *in, unsigned int lg2, uint64_t pa, unsigned int request);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pt.h - the contract of code that ptgen generates.
 *
 * Freestanding: needs <stdint.h>, <stdbool.h> and <stddef.h> only, C11 to C2x, and may be included from C++17.
 * Generated code (one F.h and F.c per format F) includes this header and nothing else; code that takes any format
 * works through struct pt_format.
 *
 * Glossary
 *   iova      input address: what a device (or CPU) presents. For CPU formats this is the virtual address.
 *   pa        physical address as the walker of the table sees it (a bus address where the two differ).
 *   entry     one word of a table: absent, a table pointer, or a leaf.
 *   leaf      an entry that maps memory. A group is a leaf that takes several slots: contiguous (addresses count
 *             up from slot to slot) or repeated (identical words).
 *   level     one kind of table: index bits [hi:lo], entry size, the entry kinds it may hold. Identified by an index
 *             into pt_format.levels; people are shown its name ("L2", "PMD"). A format whose geometry depends on a
 *             parameter (granule) has one set of levels per shape.
 *   lg2       base-2 logarithm of a size in bytes.
 *   gather    what an operation leaves to invalidate, and the tables that may be freed after that.
 *
 * Concurrency, for all functions of a format unless their comment says otherwise
 *   - F_map, F_unmap, F_protect, F_dirty and F_reserve on disjoint ranges of one table may run at the same time
 *     without a lock. Calls on overlapping ranges are the caller's duty to order.
 *   - Lookups (F_iova_to_phys and its batch, F_walk, F_visit, F_translate without update) may run at any time, also
 *     against changes: they see each entry as it was before or after. A table is freed only by pt_flush(), after
 *     invalidation and the quiesce hook.
 *   - F_split, F_merge, F_replace and F_trim need exclusion over the range they are given, lookups excepted.
 *   - F_init, F_fini and F_adopt need exclusion over the table.
 *   - A gather belongs to one thread at a time, and so does a cursor.
 */
#ifndef PTGEN_PT_H
#define PTGEN_PT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this contract. Generated code refuses another one at compile time. */
#define PT_ABI 1

/* ------------------------------------------------------------------------------------------------- barriers, access */

/*
 * A port may define these before including the header.
 *
 * PT_READ_ONCE / PT_WRITE_ONCE   one whole access to an entry, not torn, not repeated, not merged
 * PT_READ_LINK                   the same for an entry whose table is read next (orders the two loads)
 * PT_PUBLISH                     a store that makes all earlier stores visible first, to CPUs and to coherent walkers
 * PT_CAS                         compare and swap of one entry; orders CPUs only
 * PT_ADD                         atomic addition to a counter, modulo 2^64; orders nothing
 * PT_WMB_DEVICE                  orders earlier stores before later ones as other bus masters see them; the default is
 *                                right where bus masters snoop in the CPUs' ordering domain
 * PT_PREFETCH                    a hint that the entry will be read soon; may do nothing
 */
#ifndef PT_READ_ONCE
#define PT_READ_ONCE(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#endif
#ifndef PT_READ_LINK
#define PT_READ_LINK(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#endif
#ifndef PT_WRITE_ONCE
#define PT_WRITE_ONCE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#endif
#ifndef PT_PUBLISH
#define PT_PUBLISH(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#endif
#ifndef PT_CAS
#define PT_CAS(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#endif
#ifndef PT_ADD
#define PT_ADD(p, v) ((void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#endif
#ifndef PT_WMB_DEVICE
#define PT_WMB_DEVICE() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#ifndef PT_PREFETCH
#define PT_PREFETCH(p) __builtin_prefetch(p)
#endif

/* Between an entry as a number and as it lies in memory, for little- and big-endian formats on any host. */
static inline uint32_t pt_le32(uint32_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return x;
#else
	return __builtin_bswap32(x);
#endif
}

static inline uint64_t pt_le64(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return x;
#else
	return __builtin_bswap64(x);
#endif
}

static inline uint32_t pt_be32(uint32_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return x;
#else
	return __builtin_bswap32(x);
#endif
}

static inline uint64_t pt_be64(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return x;
#else
	return __builtin_bswap64(x);
#endif
}

#define PT_ALWAYS_INLINE static inline __attribute__((__always_inline__))
#define PT_NOINLINE	 __attribute__((__noinline__))
#define PT_LIKELY(x)	 __builtin_expect(!!(x), 1)
#define PT_UNLIKELY(x)	 __builtin_expect(!!(x), 0)

/* ----------------------------------------------------------------------------------------------------------- status */

/* Result of every operation. Zero is success; an error never travels in an address type. */
enum pt_status {
	PT_OK = 0,
	PT_ERR_RANGE,	    /* iova, length or their sum outside the input range or the aperture of the table */
	PT_ERR_ALIGN,	    /* iova, pa or length not a multiple of the smallest page */
	PT_ERR_OUTPUT,	    /* pa wider than the output of this table, or than an address field can hold */
	PT_ERR_RIGHTS,	    /* a request that the format cannot express and must refuse, or with bits unknown here */
	PT_ERR_WIDER,	    /* the format would add write, execute or user access; PT_ALLOW_WIDER was not given */
	PT_ERR_EXISTS,	    /* something is mapped there already */
	PT_ERR_ABSENT,	    /* nothing is mapped there */
	PT_ERR_CUTS,	    /* the range cuts a leaf; split it first */
	PT_ERR_MEMORY,	    /* pt_mem.alloc failed */
	PT_ERR_ENTRY,	    /* an entry is of no kind of its level, or has reserved bits set */
	PT_ERR_TABLE,	    /* a table address that an entry (or the root register) cannot hold */
	PT_ERR_CONFIG,	    /* a parameter is out of its set, or parameters do not fit together */
	PT_ERR_UNSUPPORTED, /* this format, or this configuration of it, cannot do that */
	PT_ERR_SIZE,	    /* no leaf of that size here */
	PT_ERR_MIXED,	    /* leaves to be merged differ in rights, memory type or contiguity */
	PT_ERR_BOUNDS,	    /* a table lies outside the memory that may be read */
	PT_ERR_LOOP,	    /* a table is its own ancestor */
	PT_ERR_STEPS,	    /* the step limit of the reader is used up */
	PT_ERR_STOPPED,	    /* a callback asked to stop */
	PT_N_STATUS
};

/* A short name of a status, for messages; never NULL, static. */
static inline const char *pt_status_string(enum pt_status status)
{
	switch (status) {
	case PT_OK: return "ok";
	case PT_ERR_RANGE: return "outside the input range";
	case PT_ERR_ALIGN: return "not aligned to the smallest page";
	case PT_ERR_OUTPUT: return "physical address too wide";
	case PT_ERR_RIGHTS: return "rights that the format cannot express";
	case PT_ERR_WIDER: return "the format would grant more than was asked";
	case PT_ERR_EXISTS: return "already mapped";
	case PT_ERR_ABSENT: return "not mapped";
	case PT_ERR_CUTS: return "the range cuts a leaf";
	case PT_ERR_MEMORY: return "no memory for a table";
	case PT_ERR_ENTRY: return "invalid entry";
	case PT_ERR_TABLE: return "table address cannot be expressed";
	case PT_ERR_CONFIG: return "invalid configuration";
	case PT_ERR_UNSUPPORTED: return "not supported by the format";
	case PT_ERR_SIZE: return "no leaf of that size";
	case PT_ERR_MIXED: return "leaves differ";
	case PT_ERR_BOUNDS: return "table outside of memory";
	case PT_ERR_LOOP: return "table is its own ancestor";
	case PT_ERR_STEPS: return "step limit reached";
	case PT_ERR_STOPPED: return "stopped by the caller";
	case PT_N_STATUS: break;
	}
	return "unknown status";
}

/* --------------------------------------------------------------------------------------------------------- requests */

/*
 * A request: what a mapping shall allow. Without PT_PRIV the rights go to privileged and unprivileged accesses alike;
 * with it only to privileged ones. The memory type is one of PT_CACHED, PT_NONCACHED, PT_DEVICE, PT_NONSHAREABLE: the
 * last is cached memory that only one observer uses, so that caches need not be kept coherent for others. Where a
 * format (or its configuration) cannot say that it becomes PT_CACHED, which is always right, and pt_result.request
 * tells.
 */
enum {
	PT_READ = 1 << 0,
	PT_WRITE = 1 << 1,
	PT_EXEC = 1 << 2,
	PT_PRIV = 1 << 3,
	PT_GLOBAL = 1 << 4,
	PT_CACHED = 0 << 5,
	PT_NONCACHED = 1 << 5,
	PT_DEVICE = 2 << 5,
	PT_NONSHAREABLE = 3 << 5,
	PT_MEMORY_MASK = 3 << 5,
	PT_REQUEST_MASK = 0x7f,
	/* Accept that the format grants write, execute or user access that was not asked for. */
	PT_ALLOW_WIDER = 1 << 7
};

/* Flags of F_unmap. */
enum {
	/*
	 * The caller vouches that the whole range is mapped: covered tables are unlinked without being read, and the
	 * bytes are taken from the range.
	 */
	PT_UNMAP_TRUSTED = 1 << 0
};

/* Flags of F_dirty. */
enum {
	PT_DIRTY_CLEAR = 1 << 0,   /* clear what was found; the range then needs invalidation (gather) */
	PT_DIRTY_ACCESSED = 1 << 1 /* look at the accessed state instead of the dirty state */
};

/* Rights of a leaf as the hardware sees them: per class, and global. */
enum {
	PT_RIGHT_PR = 1 << 0, /* privileged read, write, execute */
	PT_RIGHT_PW = 1 << 1,
	PT_RIGHT_PX = 1 << 2,
	PT_RIGHT_UR = 1 << 3, /* user (unprivileged) read, write, execute */
	PT_RIGHT_UW = 1 << 4,
	PT_RIGHT_UX = 1 << 5,
	PT_RIGHT_GLOBAL = 1 << 6,
	PT_RIGHT_P = PT_RIGHT_PR | PT_RIGHT_PW | PT_RIGHT_PX,
	PT_RIGHT_U = PT_RIGHT_UR | PT_RIGHT_UW | PT_RIGHT_UX,
	PT_RIGHT_ALL = PT_RIGHT_P | PT_RIGHT_U
};

/* Memory types as decoded; PT_MEMORY_OTHER is a code that no generic type stands for. */
enum pt_memory { PT_MEMORY_CACHED, PT_MEMORY_NONCACHED, PT_MEMORY_DEVICE, PT_MEMORY_NONSHAREABLE, PT_MEMORY_OTHER };

/* An access, for F_translate. */
enum { PT_ACCESS_READ = 1 << 0, PT_ACCESS_WRITE = 1 << 1, PT_ACCESS_EXEC = 1 << 2, PT_ACCESS_PRIV = 1 << 3 };

/* The six rights (and global) that a request stands for. */
static inline unsigned int pt_request_rights(unsigned int request)
{
	unsigned int rwx = request & (PT_READ | PT_WRITE | PT_EXEC);

	return rwx | ((request & PT_PRIV) ? 0U : rwx << 3) |
	       ((request & PT_GLOBAL) ? (unsigned int)PT_RIGHT_GLOBAL : 0U);
}

/* ----------------------------------------------------------------------------------------------------------- memory */

struct pt_gather;

/*
 * The memory that tables live in, and the hooks around them. The structure and what it points to belong to the caller
 * and outlive every table that uses it. Hooks are called per table or per operation, never per entry.
 *
 * direct      CPU address of pa 0: the table at pa is at direct + pa.
 * alloc       allocate bytes (a power of two) at an address that is a multiple of align (a power of two) and whose last
 *             byte is <= max_pa, on node (-1: any). Contents may be anything. Returns false when there is none.
 * release     give back what alloc gave. Called when nothing can walk the table any more.
 * sync        make [first, first + bytes) visible to a walker that does not snoop CPU caches. NULL: coherent walker.
 *             Called before the entries become reachable where they are new, after the store where they change.
 * invalidate  invalidate what gather says, and wait until that is complete. NULL: nothing caches translations.
 * quiesce     wait until every lookup that may still read a detached table has ended. NULL: the caller excludes
 *             lookups.
 */
struct pt_mem {
	void *ctx;
	unsigned char *direct;
	bool (*alloc)(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa);
	void (*release)(void *ctx, uint64_t pa, size_t bytes);
	void (*sync)(void *ctx, const void *first, size_t bytes);
	void (*invalidate)(void *ctx, const struct pt_gather *gather);
	void (*quiesce)(void *ctx);
};

/*
 * How cold functions read tables that may be hostile: bounds-checked copies.
 *
 * read    copy bytes at pa to buffer; false when any of it lies outside.
 * update  replace the entry at pa (bytes wide, host byte order of the raw memory) if it still equals *expected;
 *         NULL: the walker must not write (accessed and dirty are then reported, not stored).
 * steps   entries that may still be read; counts down, PT_ERR_STEPS at 0. Bounds the time on hostile tables.
 */
struct pt_reader {
	void *ctx;
	bool (*read)(void *ctx, uint64_t pa, void *buffer, size_t bytes);
	bool (*update)(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes);
	uint64_t steps;
};

/* ----------------------------------------------------------------------------------------------------------- gather */

#define PT_GATHER_TABLES 32

/*
 * What one or more operations leave to invalidate. pt_gather_init() makes an empty one; pt_flush() carries it out.
 *
 * first, last   inclusive iova range of everything that changed; first > last: nothing.
 * sizes         bit n: a leaf of 2^n bytes was removed or changed.
 * levels        bit n: a table entry was removed at level number n (relative to pt_format.levels of the shape), so
 *               that walk caches must go too.
 * tables        detached subtrees: the root table of each and its level. Freed by pt_flush().
 */
struct pt_gather {
	uint64_t first, last;
	uint64_t sizes;
	uint32_t levels;
	uint32_t n_tables;
	struct {
		uint64_t pa;
		uint16_t level;
	} tables[PT_GATHER_TABLES];
};

static inline void pt_gather_init(struct pt_gather *gather)
{
	gather->first = UINT64_MAX;
	gather->last = 0;
	gather->sizes = 0;
	gather->levels = 0;
	gather->n_tables = 0;
}

static inline bool pt_gather_empty(const struct pt_gather *gather)
{
	return gather->first > gather->last && gather->n_tables == 0;
}

/* Add the inclusive range [first, last], changed in leaves of 2^lg2 bytes. */
static inline void pt_gather_add(struct pt_gather *gather, uint64_t first, uint64_t last, unsigned int lg2)
{
	if (first < gather->first)
		gather->first = first;
	if (last > gather->last)
		gather->last = last;
	gather->sizes |= (uint64_t)1 << (lg2 & 63U);
}

/* ---------------------------------------------------------------------------------------------------- configuration */

#define PT_MAX_PARAMS 32
#define PT_UNSET      INT64_MIN

/*
 * The configuration of a table: one value per parameter or feature of the format, indexed as in pt_format.params and
 * by the constants of F.h. PT_UNSET takes the format's default.
 *
 * page_sizes  bitmap of leaf sizes that may be used (bit n: 2^n bytes); 0: all that the format has.
 * node        memory node for tables, -1: any.
 */
struct pt_config {
	int64_t param[PT_MAX_PARAMS];
	uint64_t page_sizes;
	int node;
};

static inline void pt_config_init(struct pt_config *config)
{
	for (unsigned int i = 0; i < PT_MAX_PARAMS; i++)
		config->param[i] = PT_UNSET;
	config->page_sizes = 0;
	config->node = -1;
}

/* ------------------------------------------------------------------------------------------------------------ table */

#define PT_MAX_WORDS 160
#define PT_MAX_ROOTS 16

struct pt_format;

/*
 * One page table. The caller provides the structure (it may be embedded anywhere) and does not change its members;
 * F_init fills it, F_fini empties it. Reading the members named here is allowed at any time.
 *
 * top         root pa | index of the start level within the shape (low 4 bits); one word, since a root that grows
 *             changes both.
 * n_roots     roots of the table: a power of two. The top input bits choose one; pt_root_at() gives each.
 * first, last input range that this table serves (the aperture), inclusive, as the device presents it. first > last:
 *             the range wraps, as it does for sign-extended addresses: first..UINT64_MAX and 0..last.
 * page_sizes  leaf sizes that may be used.
 * n_tables, table_bytes   tables that exist, root included; updated atomically, once per operation or flush.
 */
struct pt_table {
	const struct pt_format *format;
	const struct pt_mem *mem;
	unsigned char *direct;
	uint64_t top;
	uint64_t first, last;
	uint64_t input_mask;
	uint64_t page_sizes;
	uint64_t page_first, page_count; /* private: smallest pages that may be mapped; a count of 0: none */
	uint64_t page_output;		 /* private: of how many pages, from output 0 on, one may be mapped at once */
	uint64_t allowed_sizes;		 /* private: what the configuration allowed */
	uint64_t output_last;
	uint64_t n_tables, table_bytes;
	uint64_t detached; /* private: tables that were unlinked so far */
	uint32_t root_bytes;
	int32_t node;
	uint16_t level_base; /* index of the first level of the shape in pt_format.levels */
	uint8_t shape;
	uint8_t input_bits;
	int64_t param[PT_MAX_PARAMS];
	uint64_t word[PT_MAX_WORDS];  /* private: masks and constants that depend on the configuration */
	uint64_t root_mask;	      /* private: input bits that one root serves */
	uint64_t roots[PT_MAX_ROOTS]; /* private: where the format has several; the first is in top as well */
	uint8_t root_shift;	      /* private: input bits below those that choose a root, less one */
	uint8_t n_roots;
	/* private: the entry of a page at 0, by request and PT_ALLOW_WIDER; an absent one: look in full */
	uint64_t page_word[2 * (PT_REQUEST_MASK + 1)];
};

static inline uint64_t pt_root(const struct pt_table *table)
{
	return PT_READ_ONCE(&table->top) & ~(uint64_t)15;
}

/* The root of number i, i < n_roots. */
static inline uint64_t pt_root_at(const struct pt_table *table, unsigned int i)
{
	return i == 0 ? pt_root(table) : table->roots[i];
}

/* The number of the root that serves iova. */
static inline unsigned int pt_root_number(const struct pt_table *table, uint64_t iova)
{
	return (unsigned int)((iova & table->input_mask) >> 1 >> table->root_shift);
}

/* Tables that came and went in an operation, and their bytes: modulo 2^64, as they are added to the table's counts. */
struct pt_tally {
	uint64_t tables, bytes;
};

static inline void pt_settle(struct pt_table *table, const struct pt_tally *tally)
{
	if (tally->tables == 0 && tally->bytes == 0)
		return;
	PT_ADD(&table->n_tables, tally->tables);
	PT_ADD(&table->table_bytes, tally->bytes);
}

/*
 * Where the last call of a sequence was: the table of the lowest level, and what it serves. All members are private.
 *
 * A table that a cursor remembers may be unlinked and freed by any call that covers it, so the cursor remembers as well
 * how many tables had been unlinked when it was walked to (struct pt_table.detached), and is not believed once there
 * are more. That this is read before the table is used is enough: calls on overlapping ranges are ordered by the
 * caller, and what unlinks a table covers all that it serves; a lookup that has read it too early is one that
 * pt_mem.quiesce waits for.
 */
struct pt_cursor {
	const struct pt_table *table; /* NULL: remembers nothing */
	unsigned char *slots;
	uint64_t first, span;
	uint64_t detached;
};

static inline void pt_cursor_init(struct pt_cursor *cursor)
{
	cursor->table = NULL;
	cursor->slots = NULL;
	cursor->first = 0;
	cursor->span = 0;
	cursor->detached = 0;
}

/*
 * Details of an operation. Every function that takes one accepts NULL.
 *
 * bytes     bytes mapped, removed or changed (of a failed operation: 0, since it left everything as it was).
 * request   F_map, F_protect, F_replace: what was really granted, in the form of a request.
 * iova      where it failed.
 * level     index into pt_format.levels of the entry where it failed.
 * entry     raw words of that entry (what is there).
 * why       static text that says more, or NULL.
 */
struct pt_result {
	uint64_t bytes;
	uint64_t iova;
	uint64_t entry[2];
	const char *why;
	uint32_t request;
	uint16_t level;
};

struct pt_segment {
	uint64_t pa;
	uint64_t bytes;
};

/* ------------------------------------------------------------------------------------------------- walks and faults */

enum pt_fault {
	PT_FAULT_NONE = 0,
	PT_FAULT_ABSENT,	/* an absent entry */
	PT_FAULT_RESERVED,	/* a word of no kind, or reserved bits set */
	PT_FAULT_PERMISSION,	/* the rights on the path do not allow the access */
	PT_FAULT_ADDRESS,	/* input outside the range, or output wider than the table's */
	PT_FAULT_ACCESS,	/* accessed (or dirty) is clear and the hardware does not set it */
	PT_FAULT_MISCONFIGURED, /* entries that the manual calls misconfigured */
	PT_FAULT_BOUNDS,	/* a table outside the memory that may be read */
	PT_FAULT_LOOP,		/* a table is its own ancestor, or the step limit is used up */
	PT_FAULT_NULL,		/* no fault, but no memory either: reads give zero, writes are dropped */
	PT_FAULT_FORMAT = 16	/* + index into pt_format.faults: a fault that the format names itself */
};

#define PT_MAX_STEPS 12
#define PT_NO_KIND   0xffff

/* One step of a walk: the entry that was read, and what it is. kind PT_NO_KIND: a word of no kind. */
struct pt_step {
	uint64_t entry_pa;
	uint64_t raw[2];
	uint16_t level; /* index into pt_format.levels */
	uint16_t kind;	/* index into pt_format.kinds */
};

/*
 * A leaf: what maps an address. iova and pa are the first ones of the leaf (of the group, for contiguous and repeated
 * leaves); bytes = 1 << lg2. rights are the PT_RIGHT_* that remain after the whole path.
 */
struct pt_leaf {
	uint64_t iova;
	uint64_t pa;
	uint64_t raw[2];
	uint16_t level;
	uint16_t kind;
	uint8_t lg2;	   /* size of the leaf */
	uint8_t entry_lg2; /* size of one of its slots */
	uint8_t rights;
	uint8_t memory; /* enum pt_memory */
	bool accessed;	/* true where the format does not say */
	bool dirty;	/* false where the format does not say */
};

/* A whole walk. fault PT_FAULT_NONE: leaf is valid, and pa is the translation of the address itself. */
struct pt_walk {
	struct pt_step step[PT_MAX_STEPS];
	struct pt_leaf leaf;
	uint64_t pa;
	uint16_t n_steps;
	uint16_t fault; /* enum pt_fault, or PT_FAULT_FORMAT + n */
	uint16_t level; /* where it ended, index into pt_format.levels */
};

/*
 * A run of leaves that continue each other: same level, size, rights, memory type and attribute bits, addresses in
 * step. first and last are inclusive.
 */
struct pt_run {
	uint64_t first, last;
	struct pt_leaf leaf; /* the first one */
};

/* A finding of F_verify; text is static and says what is wrong. */
struct pt_finding {
	uint64_t iova;
	struct pt_step step;
	enum pt_status status;
	const char *text;
};

/* Return false to stop. */
typedef bool (*pt_visit_fn)(void *ctx, const struct pt_run *run);
typedef bool (*pt_finding_fn)(void *ctx, const struct pt_finding *finding);

/* -------------------------------------------------------------------------------------------------------- registers */

#define PT_REGISTER_WORDS 8

/* A control register, or a context-table entry: its value in 64-bit words, least significant first. */
struct pt_register {
	const char *name;
	uint32_t bits;
	uint64_t value[PT_REGISTER_WORDS];
};

/* --------------------------------------------------------------------------------------------------- the descriptor */

struct pt_range {
	int64_t first, last;
};

struct pt_param_info {
	const char *name;
	const char *doc;	  /* "" when there is none */
	const char *default_text; /* the default as the format writes it, a number or an expression; "": none */
	const struct pt_range *ranges;
	uint16_t n_ranges;
	bool feature;	/* a boolean */
	bool is_static; /* bound when the code was generated; ranges holds the one value */
};

/* role of a field */
enum {
	PT_FIELD_VALUE = 0, /* a named field */
	PT_FIELD_ADDRESS,   /* address bits; value bit 0 of the slice is address bit `to` */
	PT_FIELD_CONSTANT,  /* tells the kind from others */
	PT_FIELD_RES0,
	PT_FIELD_RES1,
	PT_FIELD_IGNORED,
	PT_FIELD_SOFTWARE
};

/*
 * One line of an entry: entry bits [hi:lo] hold bits [to + hi - lo : to] of the field. Most significant first.
 * allows, denies: the PT_RIGHT_* that the (one-bit) line grants when 1, withholds when 1.
 */
struct pt_field_info {
	const char *name; /* "" where the line has none */
	const char *doc;
	uint8_t hi, lo, to, role;
	uint8_t allows, denies;
	uint8_t flags; /* PT_FIELD_LIVE ... */
	int16_t when;  /* index into pt_table.word: the line exists if that word is not 0; -1: always */
};

enum {
	PT_FIELD_LIVE = 1 << 0,	    /* may change while the entry is in use */
	PT_FIELD_KEEP = 1 << 1,	    /* an unmap leaves it as it is */
	PT_FIELD_SYNCED = 1 << 2,   /* set once the table is visible to a non-coherent walker */
	PT_FIELD_ACCESSED = 1 << 3, /* hardware (or a fault handler) sets it */
	PT_FIELD_DIRTY = 1 << 4,
	PT_FIELD_FIXED = 1 << 5 /* only one value is legal in this kind */
};

enum { PT_KIND_ABSENT, PT_KIND_FAULT, PT_KIND_NULL, PT_KIND_TABLE, PT_KIND_LEAF };

struct pt_kind_info {
	const char *name;
	const char *doc;
	const struct pt_field_info *fields;
	uint16_t n_fields;
	uint16_t level;
	uint8_t category;
	uint8_t lg2;	   /* leaf: bytes it maps */
	uint8_t entry_lg2; /* leaf: bytes one of its slots maps */
	bool repeated;	   /* group of identical words */
};

struct pt_level_info {
	const char *name; /* as the manual calls it */
	int16_t number;
	uint8_t shape;
	uint8_t hi, lo; /* natural index bits */
	uint8_t entry_bytes;
	bool big_endian;
	uint32_t table_bytes, table_align;
};

/*
 * Everything about a format, for code that takes any. Constant, never NULL members but where said. Each function does
 * what the function of F.h does that has its name; see there for the full contract.
 *
 * A driver that calls the functions of F.h itself may compile F.c with PT_NO_DISPATCH and -ffunction-sections: the
 * descriptor then has no functions (all NULL) but free_subtree, which pt_flush() calls, so that the linker
 * (--gc-sections) leaves out those that nobody calls. Such a table is not for code that takes any format.
 */
struct pt_format {
	uint32_t abi;
	const char *name, *title, *spec; /* spec: the manuals and sections, "; " between them */
	const struct pt_param_info *params;
	const struct pt_level_info *levels;
	const struct pt_kind_info *kinds;
	const char *const *faults; /* names of the format's own faults */
	const char *const *shapes; /* "" where there is only one */
	uint16_t n_params, n_levels, n_kinds, n_faults, n_shapes, n_registers;
	uint64_t page_sizes; /* all leaf sizes of all shapes */
	bool has_accessed, has_dirty;
	bool has_exec, has_priv, has_memory; /* can the format express these at all? */

	enum pt_status (*init)(struct pt_table *table, const struct pt_config *config, const struct pt_mem *mem,
			       struct pt_result *result);
	void (*fini)(struct pt_table *table);
	enum pt_status (*adopt)(struct pt_table *table, const struct pt_config *config, const struct pt_mem *mem,
				const uint64_t *roots, size_t n, struct pt_reader *reader, struct pt_result *result);
	enum pt_status (*view)(struct pt_table *table, const struct pt_config *config, const uint64_t *roots, size_t n,
			       struct pt_result *result);
	size_t (*registers)(const struct pt_table *table, struct pt_register *out, size_t n);
	enum pt_status (*map)(struct pt_table *table, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request,
			      struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*map_segments)(struct pt_table *table, uint64_t iova, const struct pt_segment *segments,
				       size_t n, unsigned int request, struct pt_gather *gather,
				       struct pt_result *result);
	enum pt_status (*unmap)(struct pt_table *table, uint64_t iova, uint64_t bytes, unsigned int flags,
				struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*protect)(struct pt_table *table, uint64_t iova, uint64_t bytes, unsigned int request,
				  struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*replace)(struct pt_table *table, uint64_t iova, uint64_t pa, uint64_t bytes,
				  unsigned int request, struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*reserve)(struct pt_table *table, uint64_t iova, uint64_t bytes, struct pt_result *result);
	enum pt_status (*split)(struct pt_table *table, uint64_t iova, unsigned int lg2, const struct pt_mem *from,
				struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*merge)(struct pt_table *table, uint64_t iova, unsigned int lg2, struct pt_gather *gather,
				struct pt_result *result);
	enum pt_status (*trim)(struct pt_table *table, uint64_t iova, uint64_t bytes, struct pt_gather *gather,
			       struct pt_result *result);
	enum pt_status (*dirty)(struct pt_table *table, uint64_t iova, uint64_t bytes, unsigned int flags,
				uint64_t *bitmap, unsigned int lg2, struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*iova_to_phys)(const struct pt_table *table, uint64_t iova, uint64_t *pa);
	size_t (*iova_to_phys_batch)(const struct pt_table *table, const uint64_t *iova, size_t n, uint64_t *pa,
				     uint64_t *found);
	enum pt_status (*cursor_map)(struct pt_table *table, struct pt_cursor *cursor, uint64_t iova, uint64_t pa,
				     uint64_t bytes, unsigned int request, struct pt_gather *gather,
				     struct pt_result *result);
	enum pt_status (*cursor_unmap)(struct pt_table *table, struct pt_cursor *cursor, uint64_t iova, uint64_t bytes,
				       unsigned int flags, struct pt_gather *gather, struct pt_result *result);
	enum pt_status (*cursor_iova_to_phys)(const struct pt_table *table, struct pt_cursor *cursor, uint64_t iova,
					      uint64_t *pa);
	void (*walk)(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, struct pt_walk *walk);
	void (*translate)(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, unsigned int access,
			  struct pt_walk *walk);
	enum pt_status (*visit)(const struct pt_table *table, struct pt_reader *reader, uint64_t first, uint64_t last,
				pt_visit_fn fn, void *ctx);
	enum pt_status (*verify)(const struct pt_table *table, struct pt_reader *reader, pt_finding_fn fn, void *ctx,
				 uint64_t *findings);
	uint16_t (*classify)(const struct pt_table *table, uint16_t level, const uint64_t raw[2]);
	void (*free_subtree)(struct pt_table *table, uint64_t pa, uint16_t level, struct pt_tally *tally);
};

/* Look up a parameter by name; returns its index or -1. */
static inline int pt_param_find(const struct pt_format *format, const char *name)
{
	for (unsigned int i = 0; i < format->n_params; i++) {
		const char *a = format->params[i].name, *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a == *b)
			return (int)i;
	}
	return -1;
}

/* True when value is in the set of parameter i. */
static inline bool pt_param_valid(const struct pt_format *format, unsigned int i, int64_t value)
{
	const struct pt_param_info *param = &format->params[i];

	for (unsigned int k = 0; k < param->n_ranges; k++)
		if (value >= param->ranges[k].first && value <= param->ranges[k].last)
			return true;
	return false;
}

/*
 * Carry out a gather: invalidate, wait for lookups, free the detached tables; the gather is empty afterwards.
 * Context: the thread that owns the gather; calls the hooks of table->mem.
 */
static inline void pt_flush(struct pt_table *table, struct pt_gather *gather)
{
	if (pt_gather_empty(gather))
		return;
	if (table->mem->invalidate)
		table->mem->invalidate(table->mem->ctx, gather);
	if (gather->n_tables) {
		struct pt_tally tally = {0, 0};

		if (table->mem->quiesce)
			table->mem->quiesce(table->mem->ctx);
		for (uint32_t i = 0; i < gather->n_tables; i++)
			table->format->free_subtree(table, gather->tables[i].pa, gather->tables[i].level, &tally);
		pt_settle(table, &tally);
	}
	pt_gather_init(gather);
}

/* Add a detached subtree whose root is at pa. A full gather is flushed first: what it holds is unreachable already. */
static inline void pt_gather_table(struct pt_table *table, struct pt_gather *gather, uint64_t pa, uint16_t level)
{
	/* Cursors: after the table was unlinked, before it can be freed. */
	__atomic_fetch_add(&table->detached, 1, __ATOMIC_RELEASE);
	if (gather->n_tables == PT_GATHER_TABLES)
		pt_flush(table, gather);
	gather->tables[gather->n_tables].pa = pa;
	gather->tables[gather->n_tables].level = level;
	gather->n_tables++;
	gather->levels |= (uint32_t)1 << ((level - table->level_base) & 31);
}

/* The name of a fault; never NULL. */
static inline const char *pt_fault_string(const struct pt_format *format, unsigned int fault)
{
	static const char *const names[] = {"none",   "absent",	       "reserved", "permission", "address",
					    "access", "misconfigured", "bounds",   "loop",	 "null"};

	if (fault < sizeof(names) / sizeof(names[0]))
		return names[fault];
	if (fault >= PT_FAULT_FORMAT && fault - PT_FAULT_FORMAT < format->n_faults)
		return format->faults[fault - PT_FAULT_FORMAT];
	return "unknown";
}

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * oracle.h - tables that the generated mappers wrote, walked by walkers that nobody here wrote.
 *
 * An emulator shares its memory with the test (ram). Tables are put there through struct pt_mem, as a driver does. A
 * machine presents accesses and says what came of each; F_translate has predicted it, or pt_nested_translate where a
 * second stage lies below (judge.c). The checks (layouts.c, changes.c, hostile.c, nested.c) know nothing of formats or
 * machines: each test_MACHINE.c has a struct machine_class or several, and lists of configurations to run them over.
 */
#ifndef PTGEN_TESTS_ORACLE_H
#define PTGEN_TESTS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machines.h"
#include "pt.h"
#include "pt_nested.h"
#include "test.h"

/* ----------------------------------------------------------------------------------------------------------- memory */

/* Skips the test where the program is not installed, and says how to get it. */
void emulator_need(const char *program, const char *package);

/* A piece of guest memory: physical addresses first..last are the file from offset on. */
struct ram_piece {
	uint64_t first, last, offset;
};

enum { RAM_MAX_PIECES = 2, RAM_MAX_TABLES = 1 << 14 };

/*
 * Guest memory. Tables lie in tables_first.., leaves point into data_first..data_last; between them they leave alone
 * what the machine needs for itself. Where no access is really made (address translation instructions), leaves may
 * point anywhere: data_last is then beyond the memory.
 */
struct ram {
	int fd;
	char path[32];
	uint64_t bytes;
	struct ram_piece piece[RAM_MAX_PIECES];
	unsigned int n_pieces;
	unsigned char *direct; /* CPU address of physical address 0 */
	void *reserved;
	size_t reserved_bytes;

	uint64_t tables_first, tables_bytes, tables_next;
	uint64_t data_first, data_last;
	uint64_t more_first, more_last; /* and a second piece; first > last or both 0: there is none */
	struct pt_mem mem;		/* the contract; invalidate goes to the machine */
	uint64_t n_live, random;
	uint64_t n_blocks;
	struct {
		uint64_t pa;
		size_t bytes;
		bool live;
	} block[RAM_MAX_TABLES];
};

void ram_open(struct ram *ram, const struct ram_piece *pieces, unsigned int n_pieces);
/* Fails the test if a table was not given back. */
void ram_close(struct ram *ram);
bool ram_has(const struct ram *ram, uint64_t pa, uint64_t bytes);
/* May leaves point there? */
bool ram_is_data(const struct ram *ram, uint64_t pa);
unsigned char *ram_at(const struct ram *ram, uint64_t pa);
uint64_t ram_load(const struct ram *ram, uint64_t pa);
void ram_store(const struct ram *ram, uint64_t pa, uint64_t value);
/* A bounds-checked reader of guest memory; update: accesses set accessed and dirty. */
struct pt_reader ram_reader(struct ram *ram, bool update);

/* The word that stands at a physical address while nothing else does: it tells the address. */
uint64_t stamp_of(uint64_t pa);
/* The address that a stamp tells; false: the word is no stamp. */
bool stamp_address(uint64_t word, uint64_t *pa);

/* --------------------------------------------------------------------------------------------------------- machines */

enum { LEVEL_UNTOLD = -1000, FAULT_UNTOLD = 0xfffe, FAULT_ODD = 0xffff, STAGE_UNTOLD = 0 };
#define IPA_UNTOLD UINT64_MAX

/*
 * An access, what is predicted, and what came of it.
 *
 * walk    what F_translate says; with two stages: the walk that decided, with the physical address and the fault of
 *         both
 * nested  with two stages: what pt_nested_translate says
 */
struct access {
	uint64_t iova;
	unsigned int access; /* PT_ACCESS_* */
	struct pt_walk walk;
	struct pt_nested_walk nested;
	bool allowed;
	bool landed; /* pa is known */
	uint64_t pa;
	unsigned int fault; /* PT_FAULT_*, FAULT_UNTOLD; FAULT_ODD: something that no table entry explains */
	int level;	    /* pt_level_info.number, LEVEL_UNTOLD */
	unsigned int stage; /* that faulted: 1, 2, STAGE_UNTOLD */
	bool in_walk;	    /* where the stage is told: for an entry of stage 1? */
	uint64_t ipa;	    /* where stage 2 faulted, IPA_UNTOLD */
	uint64_t raw[3];    /* what the machine really said */
};

struct trial;

/* One parameter of a configuration; a NULL name ends the list. */
struct setting {
	const char *name;
	int64_t value;
};

enum { MAX_SETTINGS = 10, MAX_LABEL = 96 };

/*
 * A format in a configuration, as a machine runs it.
 *
 * variant   which of its own the machine shall start
 * lacks     CAN_*: what the machine cannot do in this configuration
 * second    the format of the second stage that lies below, or NULL; and its parameters
 * grows     the root may grow
 * whole     not in a slice
 */
struct configuration {
	const char *format;
	struct setting setting[MAX_SETTINGS];
	const char *second;
	struct setting second_setting[MAX_SETTINGS];
	unsigned int variant, lacks;
	bool grows, whole;
};

/* What a model can do, and what it is known not to do. */
enum {
	CAN_EXEC = 1 << 0,     /* fetches can be presented */
	CAN_USER = 1 << 1,     /* accesses without privilege */
	CAN_PRIV = 1 << 2,     /* accesses with privilege */
	CAN_ACCESSED = 1 << 3, /* sets accessed */
	CAN_CACHE = 1 << 4,    /* a changed entry is not seen before the invalidation */
	/* hostile tables may be compared: it looks at reserved bits, or `blind` says at which not */
	CAN_RESERVED = 1 << 5,
	CAN_OUTSIDE = 1 << 6,  /* addresses outside of the input range can be presented */
	CAN_PHYSICAL = 1 << 7, /* tells addresses without an access: leaves may point beyond the memory */
	CAN_DIRTY = 1 << 8,    /* sets dirty */
	CAN_NEST = 1 << 9      /* walks two stages */
};

/*
 * A kind of machine.
 *
 * test         test_NAME.c
 * can          CAN_*
 * start        start it for trial->configuration; memory is set up by it (ram_open and the zones).
 * load         make it walk trial->table: registers and entries from F_registers, nothing invented.
 * unload       undo what load wrote into tables (NULL: nothing).
 * present      make the accesses, one after the other, and say what came of each.
 * invalidate   exactly what the gather asks for.
 * second       what the gather of the second stage asks for (NULL: there is none).
 * forget       invalidate everything.
 * usable       may this range of input addresses be used? (NULL: all; a stub may need a place for itself)
 * blind        the name of what the model takes for something else at the end of such a walk, else NULL: hostile words
 *              that lead there are not presented, since nobody knows where they would lead
 * gap          the name of what the model is known not to check if that decides this access, else NULL; the access is
 *              then counted under that name
 * not_modelled what the model does not do, for the table of results
 */
struct machine_class {
	const char *oracle, *test, *program, *package;
	const char *not_modelled;
	unsigned int can;
	void (*start)(struct trial *trial);
	void (*end)(struct trial *trial);
	void (*load)(struct trial *trial);
	void (*unload)(struct trial *trial);
	void (*present)(struct trial *trial, struct access *accesses, size_t n);
	void (*invalidate)(struct trial *trial, const struct pt_gather *gather);
	void (*second)(struct trial *trial, const struct pt_gather *gather);
	void (*forget)(struct trial *trial);
	bool (*usable)(const struct trial *trial, uint64_t iova, uint64_t bytes);
	const char *(*blind)(const struct trial *trial, const struct pt_walk *walk);
	const char *(*gap)(struct trial *trial, const struct access *access);
};

/* ----------------------------------------------------------------------------------------------------------- trials */

enum { MAX_GAPS = 8, MAX_REGIONS = 512, SCRIPT_BYTES = 1 << 16 };

/*
 * A second stage below the table: where that one's entries and the pointers to its tables lead is translated once more.
 * Tables have intermediate addresses `shift` above the physical ones.
 */
struct second {
	const struct pt_format *format; /* NULL: there is none */
	struct pt_config config;
	struct pt_table table;
	struct pt_mem mem;
	struct pt_gather gather;
	uint64_t shift;
};

/* Something that the trial has mapped. */
struct region {
	uint64_t iova, pa, bytes;
	unsigned int request;
};

/* One check of one configuration on one machine. */
struct trial {
	const struct machine_class *class;
	const struct configuration *configuration;
	char label[MAX_LABEL];
	const char *check, *suite;
	unsigned int can; /* class and configuration taken together */
	void *machine;	  /* the machine's own */

	const struct pt_format *format;
	struct pt_config config;
	struct ram ram;
	struct pt_table table;
	struct pt_gather gather;
	struct second second;
	uint64_t random;
	bool deaf; /* the invalidate hook does nothing: stale translations must show */

	struct region region[MAX_REGIONS];
	unsigned int n_regions;
	char script[SCRIPT_BYTES]; /* what was done so far, as pttool's build writes it */
	size_t script_length;

	uint64_t n_cases;
	struct {
		const char *name;
		uint64_t n;
	} gap[MAX_GAPS];
};

/* The name of a configuration: "x86_64 levels=5 nxe=0". */
const char *configuration_label(const struct configuration *configuration, char label[MAX_LABEL]);

/* Random numbers of a trial: below n; a multiple of 2^lg2 in the output range; an input address. */
uint64_t trial_below(struct trial *trial, uint64_t n);
bool trial_pa(struct trial *trial, unsigned int lg2, uint64_t bytes, uint64_t *pa);
uint64_t trial_iova(struct trial *trial, unsigned int lg2, uint64_t bytes);
/* The width of the input range, 0 for 2^64; input addresses are table.first + (0 .. width - 1). */
uint64_t trial_width(const struct trial *trial);
bool trial_usable(const struct trial *trial, uint64_t iova, uint64_t bytes);
int64_t trial_param(const struct trial *trial, const char *name);
/* The register of that name as F_registers gives it; of the second stage. */
struct pt_register trial_register(const struct trial *trial, const char *name);
struct pt_register second_register(const struct trial *trial, const char *name);

/* Operations on the table, written down in the script. Only map and replace may say no (false): what is there is kept.
 */
bool trial_map(struct trial *trial, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request);
void trial_unmap(struct trial *trial, uint64_t iova, uint64_t bytes);
void trial_flush(struct trial *trial);
void trial_note(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fails the test, with all that is known about it. */
_Noreturn void trial_fail(struct trial *trial, const struct access *access, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Count an access that the model's named gap explains. */
void count_gap(struct trial *trial, const char *name);
/*
 * The size of what an invalidation by address drops for sure: the smallest changed leaf, or one slot of it where it is
 * a group, since hardware may hold the slots one by one.
 */
uint64_t invalidation_step(const struct pt_table *table, const struct pt_gather *gather);
/* Fill in what is predicted. */
void predict(struct trial *trial, struct access *access);
/* The format of the walk that decided (access->walk). */
const struct pt_format *deciding_format(const struct trial *trial, const struct access *access);
/* Is what came of the access what was predicted? */
bool agree(const struct trial *trial, const struct access *access);
/* Present accesses and compare with what is predicted; returns how many differ (only where `tolerate`, else it fails).
 */
size_t judge(struct trial *trial, struct access *accesses, size_t n, bool tolerate);

/* Did the access go where the leaf leads, whether or not the leaf allows it? */
bool led_to_leaf(const struct access *access);
/* Present one access more; true if machine and F_translate agree. Counts nothing: for machine_class.gap. */
bool judge_one(struct trial *trial, struct access *access);

/* The checks, and when they apply: needs is of CAN_*. */
struct check {
	const char *name;
	void (*run)(struct trial *trial);
	unsigned int needs;
	bool grows;
};

enum { N_CHECKS = 8 };
extern const struct check checks[N_CHECKS];
bool check_applies(const struct check *check, const struct machine_class *class,
		   const struct configuration *configuration);

void check_translation(struct trial *trial);
void check_permissions(struct trial *trial);
void check_accessed(struct trial *trial);
void check_changes(struct trial *trial);
void check_stale(struct trial *trial);
void check_growth(struct trial *trial);
void check_hostile(struct trial *trial);
void check_second(struct trial *trial);

/*
 * Put a second stage below the table that is about to be made (trial->ram is open): every table that this one gets, and
 * all memory that its leaves may point into, in leaves of every size, some of it with less than all rights, or none.
 */
void second_begin(struct trial *trial);
/* Map [pa, pa + bytes) at the same intermediate address: what the machine needs for itself. */
void second_map_same(struct trial *trial, uint64_t pa, uint64_t bytes, unsigned int request);
void second_end(struct trial *trial);

/* How much to do: 1 in a slice, more in a whole run (ORACLE_WHOLE in the environment). */
unsigned int effort(void);

/* Writes the result of a check to the file that ORACLE_RECORDS names, if it names one. */
void record_begin(const struct trial *trial);
void record_end(const struct trial *trial, const char *result);
/* Writes there that nothing walks a format, and why. */
void record_unwalked(const char *format, const char *reason);

/* The cases of one machine: each configuration through each check that applies to it. */
size_t oracle_count(const struct machine_class *class, const struct configuration *list, size_t n);
const char *oracle_label(const struct machine_class *class, const struct configuration *list, size_t n, size_t each);
void oracle_run(const struct machine_class *class, const struct configuration *list, size_t n, const char *suite,
		size_t each);

/* The tests of one machine: ORACLE_TESTS(x86, &class, configurations), the last an array. */
#define ORACLE_TESTS(suite, class, list)                                                \
	static size_t suite##_count(void)                                               \
	{                                                                               \
		return oracle_count(class, list, sizeof(list) / sizeof(list[0]));       \
	}                                                                               \
	static const char *suite##_label(size_t each)                                   \
	{                                                                               \
		return oracle_label(class, list, sizeof(list) / sizeof(list[0]), each); \
	}                                                                               \
	TEST_EACH(suite, walks, suite##_count, suite##_label)                           \
	{                                                                               \
		oracle_run(class, list, sizeof(list) / sizeof(list[0]), #suite, each);  \
	}

#endif

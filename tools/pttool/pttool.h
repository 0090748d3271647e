/* SPDX-License-Identifier: MIT */
/*
 * pttool.h - what the files of pttool share.
 *
 *   main.c      commands and options           report.c   messages, rights
 *   params.c    formats and parameters
 *   image.c     images of physical memory      core.c     images that are ELF cores or kdump files
 *   file.c      the files of an image, mapped
 *   fields.c    entries, field by field
 *   tables.c    every table under a root       memory.c   the memory in which `build` makes tables
 *   terminal.c  colours, columns, progress     survey.c   tables and what is under them, for drawings
 *   formats.c, build.c (script.c, firmware.c), walk.c, dump.c (and dot.c), verify.c, find.c, stats.c, diff.c,
 * registers.c: one command each
 *
 * pttool knows formats by struct pt_format only. Images, scripts and command lines are hostile input.
 */
#ifndef PTTOOL_H
#define PTTOOL_H

/* Images are larger than what 32 bits count, on any host. */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "common/text.h"
#include "pt.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/* Exit statuses: a fault, a finding or a refused script is 1; wrong use and I/O errors are 2. */
enum { EXIT_FINE = 0, EXIT_FINDING = 1, EXIT_USAGE = 2 };

/* --------------------------------------------------------------------------------------------------------- report.c */

/* "pttool: error: ..." on the standard error stream, with a newline; and a note that belongs to it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void complain_about(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "did you mean 'NAME'?", where there is one. */
void suggest(const char *name);

/* A number that was given with an option. Complains and returns false when it is none. */
bool read_number(const char *option, const char *text, uint64_t *value);

/* Ends the program (status 2) when there is no memory. */
void *allocate(void *old, size_t members, size_t bytes);

/*
 * A word of rights: letters of "rwxpdnclg", or "-" for none, as a request. Returns NULL, or why it is none; *at is then
 * the place of the letter that is wrong.
 */
const char *parse_rights(const char *text, size_t length, unsigned int *request, size_t *at);

/* Long enough for what format_rights() writes. */
#define RIGHTS_LENGTH 24

/*
 * Writes rights as letters: r w x; p where only privileged accesses have them, "privileged/user" where both classes
 * have some but not the same; d device, n non-cached, l not shareable, nothing for cached, ? for a memory type that no
 * letter stands for; g global. "-" where there is no right. Returns text.
 */
const char *format_rights(char text[RIGHTS_LENGTH], unsigned int rights, unsigned int memory);
const char *format_request(char text[RIGHTS_LENGTH], unsigned int request);

/* PA or PA+SIZE as an inclusive range. Complains and returns false; what: how to call it. */
bool parse_range(const char *what, const char *text, uint64_t *first, uint64_t *last);

/* ----------------------------------------------------------------------------------------------------------- file.c */

/* Images that say themselves what they hold. */
enum core_kind { CORE_NONE, CORE_ELF, CORE_KDUMP, CORE_FLATTENED };

/* A file of an image. Segments share it. */
struct file {
	struct file *next;
	char *path;
	int fd; /* -1: it does not exist yet (build only) */
	dev_t device;
	ino_t inode;
	uint64_t bytes; /* its length when it was opened; 0 for a device that does not say */
	bool created;	/* by image_prepare(), until image_settle() */
	uint64_t grown; /* the length that image_prepare() gave it, until image_settle(); 0: it did not */
	enum core_kind core;
	struct _kdump_ctx *dump; /* CORE_KDUMP: the library's handle */
	/* What of it is mapped. */
	bool mappable;
	unsigned char *window;
	uint64_t window_first;
	size_t window_bytes;
	/* The part that was read last: all data, or all hole. */
	uint64_t part_first, part_end;
	bool part_is_hole;
};

struct image;

/* A descriptor of a file of any kind, and what it is; -1 and errno. */
int file_descriptor(const char *path, bool write, struct stat *info);

/*
 * The file of that descriptor, or the one that the image has already; then fd is closed. It belongs to the image, and
 * the descriptor with it. fd -1, info NULL: it does not exist yet.
 */
struct file *file_add(struct image *image, const char *path, int fd, const struct stat *info);
void file_close(struct file *file);

/* Nothing is mapped then, and holes are looked for anew: after the file was changed. */
void file_forget(struct file *file);

/* The length of an open file; 0 where there is none. */
uint64_t file_length(int fd);

/*
 * Reads bytes at a place in the file, all of them before end, which the file had when it was opened. False where a dump
 * leaves out what is there. Ends the program (image_fail) when the file cannot be read, or became shorter.
 */
bool file_read(struct image *image, struct file *file, uint64_t place, uint64_t end, void *buffer, size_t bytes);

/* ---------------------------------------------------------------------------------------------------------- image.c */

struct segment {
	struct file *file;
	uint64_t pa, bytes;
	uint64_t offset;     /* in the file */
	uint64_t file_bytes; /* that the file has from there; what is missing reads as zero (build only) */
};

#define IMAGE_BLOCK   4096
#define IMAGE_BLOCKS  64
#define IMAGE_TOUCHED 8

/* Physical memory: segments sorted by address, no two overlap. */
struct image {
	struct file *files;
	struct segment *segments;
	size_t n, capacity;
	/* Reads that found no memory, and where the first was. */
	uint64_t n_missed, missed;
	/* Mapped pages that may be resident, and blocks of what is not mapped: of file.c. */
	struct {
		const struct file *file;
		uint64_t chunk;
	} touched[IMAGE_TOUCHED];
	unsigned int n_touched;
	struct block {
		const struct file *file; /* NULL: empty */
		uint64_t first;		 /* place in the file */
		size_t bytes;
		unsigned char data[IMAGE_BLOCK];
	} block[IMAGE_BLOCKS];
};

/*
 * Opens what --ram, --ram-base and --ram-size say; create: files may be absent or short, and stay so until
 * image_write(). Complains and returns false when something is wrong.
 */
bool image_open(struct image *image, const char *const *ram, size_t n_ram, const char *ram_base, const char *ram_size,
		bool create);

/*
 * Ends a command that would have this exit status. Returns it; or EXIT_USAGE, after a message, when a file became
 * shorter while it was read.
 */
int image_close(struct image *image, int code);

/* Says where a table should be, but no memory is. Returns false when all reads found memory. */
bool image_missed(const struct image *image, const char *what);

/* An I/O error: a message, and the program ends with EXIT_USAGE. What image_prepare() did is taken back. */
void image_fail(struct image *image, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* An empty segment of that file. The pointer holds until the next one is added. */
struct segment *image_add(struct image *image, struct file *file);

/*
 * Copies bytes at pa; false when any of them lies outside, or where a dump leaves memory out. A pt_reader.read, ctx is
 * the image. Ends the program when a file cannot be read.
 */
bool image_read(void *image, uint64_t pa, void *buffer, size_t bytes);

/* The segment that holds pa, or NULL. */
const struct segment *image_find(const struct image *image, uint64_t pa);

/*
 * Writes what differs of [pa, pa + bytes), which lies in one segment. image_prepare() goes before, for all ranges: it
 * creates and extends the files and makes sure that there is room, so that a full disk is found before anything is
 * written. Both complain and return false.
 */
bool image_prepare(struct image *image, uint64_t pa, const void *data, size_t bytes);
void image_settle(struct image *image, bool keep); /* ends the preparation; keep false: takes it back */
bool image_write(struct image *image, uint64_t pa, const void *data, size_t bytes);

/* ----------------------------------------------------------------------------------------------------------- core.c */

enum core_kind core_kind(const char *path);
/* Adds the segments of a core to the image. Complains and returns false. */
bool core_open(struct image *image, const char *path, enum core_kind kind);
/* Reads from a kdump file; false where the dump leaves memory out. Ends the program when the dump is damaged there. */
bool core_read(struct image *image, const struct file *file, uint64_t pa, void *buffer, size_t bytes);
void core_close(struct file *file);

/* --------------------------------------------------------------------------------------------------------- tables.c */

/*
 * Walks to every entry under the root of a table: each walk ends at a leaf or at an entry that leads nowhere, and no
 * entry is met twice on the same path. fn returns false to stop. Returns false when the step limit of the reader is
 * used up.
 */
typedef bool (*walk_fn)(void *ctx, const struct pt_walk *walk, uint64_t iova);
bool walk_everything(const struct pt_table *table, struct pt_reader *reader, walk_fn fn, void *ctx);

/* The table that step i of a walk to iova read from: its address and its size. */
void table_of_step(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova,
		   uint64_t *pa, uint64_t *bytes);

/* Visits the runs that a table maps, in the order of the addresses below its top bit: lowest first. */
enum pt_status visit_table(const struct pt_table *table, struct pt_reader *reader, pt_visit_fn fn, void *ctx);

/*
 * A range of input addresses that one entry decides about. mapped: it is a leaf, pa is where the range begins, and leaf
 * says the rest; otherwise nothing is mapped there, or a walk faults.
 */
struct extent {
	uint64_t first, last;
	bool mapped;
	enum pt_fault fault;
	uint64_t pa;
	struct pt_leaf leaf;
};

/* The extent that holds iova. Returns false when the step limit of the reader is used up. */
bool extent_at(const struct pt_table *table, struct pt_reader *reader, uint64_t iova, struct extent *extent);

/* --------------------------------------------------------------------------------------------------------- memory.c */

struct span {
	uint64_t first, last; /* inclusive */
};

/* A sorted list of ranges that do not touch. */
struct spans {
	struct span *span;
	size_t n, capacity;
};

/*
 * Memory for tables: a private copy of the image, filled as far as tables are in it. Tables come from the lowest free
 * address that fits; `live` is what holds tables now.
 */
struct memory {
	struct pt_mem mem;
	struct image *image;
	unsigned char *base; /* CPU address of first_pa */
	uint64_t first_pa;
	size_t bytes;
	struct spans free, live;
};

bool memory_open(struct memory *memory, struct image *image, uint64_t tables);
void memory_close(struct memory *memory);

/* Takes over the table at pa, as the image has it. Returns false, after a message, when it is not in the image. */
bool memory_take(struct memory *memory, uint64_t pa, uint64_t bytes);

/* A pt_reader.read that reads live tables only; ctx is the memory. */
bool memory_read(void *memory, uint64_t pa, void *buffer, size_t bytes);

/* Writes all live tables to the image. */
bool memory_write(struct memory *memory);

/* --------------------------------------------------------------------------------------------------------- fields.c */

/* Long enough for a raw word with its "0x". */
#define WORD_LENGTH 40
const char *format_word(char text[WORD_LENGTH], const struct pt_level_info *level, const uint64_t raw[2]);

/* Is this line of an entry there, in this configuration? */
bool field_exists(const struct pt_table *table, const struct pt_field_info *field);

/* A value of a leaf or table entry: all lines of one name put together. */
struct value {
	char name[64]; /* of the field; "software[58:55]" where it has none */
	uint64_t value;
};

/*
 * The named values of an entry, and whatever is not zero in ignored and software lines. Returns how many; at most max
 * are stored.
 */
size_t entry_values(const struct pt_table *table, const struct pt_kind_info *kind, const uint64_t raw[2],
		    struct value *values, size_t max);

#define MAX_VALUES 96

/* Prints every line of an entry, one a line, with bit numbers. */
void explain_entry(const struct pt_table *table, const struct pt_step *step);

/* The name of a level; "-" when it is not one. */
const char *level_name(const struct pt_format *format, unsigned int level);

/* ------------------------------------------------------------------------------------------------------- terminal.c */

enum paint { PAINT_PLAIN, PAINT_HEAD, PAINT_FAINT, PAINT_READ, PAINT_WRITE, PAINT_EXEC, PAINT_DANGER };

/* --color auto, always or never. Complains and returns false when it is something else. */
bool terminal_setup(const char *when);

/* What makes the text that follows look so; "" where there are no colours. */
const char *paint(enum paint what);
const char *paint_rights(unsigned int rights);

/* IOVA-END PA SIZE LEVEL PROT, without a newline: in columns on a terminal, else with single blanks. */
void print_range(const struct pt_table *table, uint64_t first, uint64_t last, uint64_t pa, const struct pt_leaf *leaf);
/* The names of these columns, and of the rest of the line; nothing where there are no columns. */
void print_columns(const struct pt_table *table, const char *rest);
/* NAME=VALUE */
void print_value(const struct value *value);

/*
 * How far a command has got, on the standard error stream, if that is a terminal and somebody may wait. start: reads
 * the root; prints: the command writes lines while it reads. at: input address that is being read. tick: an entry was
 * read.
 */
void progress_start(const struct pt_table *table, struct image *image, bool prints);
void progress_phase(const char *phase); /* a name: what follows has no known end; NULL: it has */
void progress_at(uint64_t iova);
void progress_tick(void);
void progress_clear(void); /* before something else is printed */
void progress_end(void);

/* --------------------------------------------------------------------------------------------------------- script.c */

enum action { ACTION_MAP, ACTION_UNMAP, ACTION_PROTECT };

struct action_line {
	enum action action;
	unsigned int line, column, length; /* of the command */
	unsigned int request;
	uint64_t iova, pa, bytes;
};

struct script {
	const char *name;
	char *text;
	size_t length;
	struct action_line *lines;
	size_t n;
};

/* Reads and parses a whole script ("-": standard input). Returns EXIT_FINE, or another status after messages. */
int script_read(struct script *script, const char *path);
void script_free(struct script *script);

/* A message about a place in a script, with the line and a caret. column 1: the first. */
void script_complain(const struct script *script, unsigned int line, unsigned int column, unsigned int length,
		     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ----------------------------------------------------------------------------------------------------- the commands */

/* What the command line says. */
struct options {
	const struct pt_format *format;
	struct pt_config config;
	const char **ram;
	size_t n_ram;
	const char *ram_base, *ram_size;
	uint64_t *roots;
	size_t n_roots;
	uint64_t tables;
	uint64_t steps;
	unsigned int access; /* PT_ACCESS_*; 0: not given */
	bool explain, allow_wider;
	unsigned int depth; /* of a drawing, in tables from the root; 0: all */
	bool has_focus;
	uint64_t focus_first, focus_last;
	enum { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_DOT } output;
	enum { EMIT_NONE, EMIT_BIN, EMIT_C, EMIT_ASM } emit;
	const char *output_file, *name; /* of --emit */
	char **arguments;
	size_t n_arguments;
	struct options *other; /* what `diff` compares with; NULL for the other commands */
};

/* The format of that name; NULL after a message. */
const struct pt_format *find_format(const char *name);

/* Sets the parameters of options->format to n words NAME=VALUE, all given with that option. Complains, false. */
bool set_params(struct options *options, const char *option, const char *const *sets, size_t n);

int command_formats(const struct options *options);
int command_build(const struct options *options);
int command_walk(const struct options *options);
int command_dump(const struct options *options);
int command_verify(const struct options *options);
int command_find(const struct options *options);
int command_stats(const struct options *options);
int command_diff(const struct options *options);
int command_registers(const struct options *options);

/* Opens what --ram says, for reading, and the table at --root. Complains and returns false; image_close() in any case.
 */
bool open_table(const struct options *options, struct image *image, struct pt_table *table);

/* "0x...": addresses and sizes in JSON are strings. */
struct json_t *hex(uint64_t value);
/* Where a table has several roots: all of them as "roots", relative to base. "root" is the first in any case. */
void set_roots(struct json_t *object, const struct pt_table *table, uint64_t base);
/* The same as a line of JSON, or nothing. */
void print_roots(const struct pt_table *table);
/*
 * One more member of an array that is printed while it grows, on a line of its own; takes the object. What a hostile
 * image has millions of is never held in memory.
 */
struct json_stream {
	size_t n;
};
void stream_item(struct json_stream *stream, struct json_t *object);
/* Ends the lines of an array: what comes next is "]". */
void stream_end(const struct json_stream *stream);
/* The same for the bytes of [first, last], which may be 2^64. */
const char *format_bytes(char text[24], uint64_t first, uint64_t last);

/* The registers of a table as an object of strings; wide ones are one number, most significant word first. */
struct json_t *registers_json(const struct pt_table *table);

/* Writes the tables and their map to files, as --emit says. Returns an exit status. */
int emit_tables(const struct options *options, struct memory *memory, const struct pt_table *table);

/* Makes a view of the table at the (one) root. Complains and returns false when format or configuration refuse it. */
bool open_view(const struct options *options, struct pt_table *table);

/* Says why a configuration was refused. */
void complain_config(const struct pt_format *format, enum pt_status status, const struct pt_result *result);

/* Draws the tables under a root as a Graphviz graph. */
int dump_dot(const struct options *options, const struct pt_table *table, struct pt_reader *reader);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * firmware.c - `pttool build --emit`: tables as a binary, as C or as assembly, for firmware that has them before it has
 * an allocator; and a map of what is where.
 *
 * The tables are complete for the address they were built at. Where every table entry holds its address in one run of
 * bits, they can be moved: an entry changes by the distance, shifted to its place. The C then lists these entries, and
 * assembly leaves them to the linker where the shift is 0.
 */
#include "pttool.h"

#include "common/output.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An entry that holds the address of a table. */
struct link {
	uint64_t entry, table;
	unsigned int bytes;
	int shift; /* the distance is shifted right by this many bits; negative: left */
	bool movable;
};

struct piece {
	uint64_t pa, bytes;
	unsigned int level;
};

struct firmware {
	const struct options *options;
	const struct pt_table *table;
	struct memory *memory;
	uint64_t base, bytes;
	unsigned int align, word; /* bytes */
	bool big_endian, movable;
	struct link *links;
	struct piece *pieces;
	size_t n_links, n_pieces, capacity;
	uint64_t last[PT_MAX_STEPS]; /* table of each step of the walk before */
};

/* How an entry holds the address of a table. */
static void classify_link(const struct pt_table *table, const struct pt_step *step, struct link *link)
{
	const struct pt_kind_info *kind = &table->format->kinds[step->kind];
	unsigned int runs = 0;

	for (unsigned int i = 0; i < kind->n_fields; i++) {
		const struct pt_field_info *field = &kind->fields[i];

		if (field->role != PT_FIELD_ADDRESS || !field_exists(table, field))
			continue;
		runs++;
		link->shift = (int)field->to - (int)field->lo;
	}
	link->bytes = table->format->levels[step->level].entry_bytes;
	link->movable = runs == 1;
}

/*
 * Walks come in the order of their addresses, and no two entries lead to one table (F_adopt refuses that): a table that
 * is not the one of the same step before is a new one.
 */
static bool take_tables(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct firmware *firmware = ctx;

	for (unsigned int i = 0; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		struct piece piece = {.level = walk->step[i].level};

		table_of_step(firmware->table, walk, i, iova, &piece.pa, &piece.bytes);
		if (piece.pa == firmware->last[i])
			continue;
		firmware->last[i] = piece.pa;
		for (unsigned int k = i + 1; k < PT_MAX_STEPS; k++)
			firmware->last[k] = UINT64_MAX;
		if (firmware->n_pieces == firmware->capacity) {
			firmware->capacity = firmware->capacity ? 2 * firmware->capacity : 64;
			firmware->pieces = allocate(firmware->pieces, firmware->capacity, sizeof(piece));
			firmware->links = allocate(firmware->links, firmware->capacity, sizeof(struct link));
		}
		firmware->pieces[firmware->n_pieces++] = piece;
		if (i > 0) {
			struct link link = {.entry = walk->step[i - 1].entry_pa, .table = piece.pa};

			classify_link(firmware->table, &walk->step[i - 1], &link);
			firmware->movable &= link.movable;
			firmware->links[firmware->n_links++] = link;
		}
	}
	return true;
}

static int by_entry(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static bool collect(struct firmware *firmware)
{
	const struct pt_format *format = firmware->table->format;
	const struct spans *live = &firmware->memory->live;
	struct pt_reader reader = {firmware->memory, memory_read, NULL, firmware->options->steps};

	memset(firmware->last, 0xff, sizeof(firmware->last));
	firmware->movable = true;
	firmware->base = live->span[0].first;
	firmware->bytes = live->span[live->n - 1].last - firmware->base + 1;
	if (!walk_everything(firmware->table, &reader, take_tables, firmware)) {
		complain("the tables have more entries than --steps allows (now %" PRIu64 ")",
			 firmware->options->steps);
		return false;
	}
	if (firmware->n_links)
		qsort(firmware->links, firmware->n_links, sizeof(struct link), by_entry);
	firmware->align = 1;
	firmware->word = 8;
	for (size_t i = 0; i < firmware->n_pieces; i++) {
		const struct pt_level_info *level = &format->levels[firmware->pieces[i].level];

		if (level->entry_bytes < firmware->word)
			firmware->word = level->entry_bytes;
		firmware->big_endian = level->big_endian;
		while (firmware->align < level->table_align)
			firmware->align *= 2;
	}
	while (firmware->align < firmware->table->root_bytes)
		firmware->align *= 2;
	if (firmware->base % firmware->align) {
		/* The first table is not the most aligned one: begin earlier. */
		uint64_t start = firmware->base & ~((uint64_t)firmware->align - 1);

		firmware->bytes += firmware->base - start;
		firmware->base = start;
	}
	return true;
}

/* Word i of the tables, as a number; what holds no table is 0. */
static uint64_t word_at(const struct firmware *firmware, uint64_t i)
{
	unsigned char raw[8] = {0};
	uint64_t value = 0;

	memory_read(firmware->memory, firmware->base + i * firmware->word, raw, firmware->word);
	for (unsigned int k = 0; k < firmware->word; k++)
		value = value << 8 | raw[firmware->big_endian ? k : firmware->word - 1 - k];
	return value;
}

static const struct link *link_at(const struct firmware *firmware, uint64_t pa)
{
	struct link key = {.entry = pa};

	return firmware->n_links ? bsearch(&key, firmware->links, firmware->n_links, sizeof(key), by_entry) : NULL;
}

static void upper(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, out);
}

static void print_heading(const struct firmware *firmware, FILE *out)
{
	fprintf(out, "/*\n * Page tables of %s (%s), made by pttool build.\n", firmware->table->format->name,
		firmware->table->format->title);
	fprintf(out, " * They are complete at physical address 0x%" PRIx64 "; the root is at 0x%" PRIx64 ".\n",
		firmware->base, pt_root(firmware->table));
	fprintf(out, " */\n");
}

/* What to write into registers; one of more than 64 bits is a list of words, the least significant one first. */
static void print_registers(const struct firmware *firmware, FILE *out)
{
	struct pt_register registers[64];
	size_t n = firmware->table->format->registers(firmware->table, registers, 64);

	for (size_t i = 0; i < n && i < 64; i++) {
		unsigned int words = (registers[i].bits + 63) / 64;

		fprintf(out, "#define ");
		upper(out, firmware->options->name);
		fprintf(out, "_%s %s", registers[i].name, words > 1 ? "{" : "");
		for (unsigned int k = 0; k < words; k++)
			fprintf(out, "%sUINT64_C(0x%" PRIx64 ")", k ? ", " : "", registers[i].value[k]);
		fprintf(out, "%s\n", words > 1 ? "}" : "");
	}
}

static bool print_bin(const struct firmware *firmware, FILE *out)
{
	unsigned char raw[4096];

	for (uint64_t at = 0; at < firmware->bytes; at += sizeof(raw)) {
		size_t part = firmware->bytes - at < sizeof(raw) ? (size_t)(firmware->bytes - at) : sizeof(raw);

		if (!memory_read(firmware->memory, firmware->base + at, raw, part)) {
			/* some of it holds no table */
			for (size_t i = 0; i < part; i++)
				if (!memory_read(firmware->memory, firmware->base + at + i, &raw[i], 1))
					raw[i] = 0;
		}
		fwrite(raw, 1, part, out);
	}
	return true;
}

static bool print_c(const struct firmware *firmware, FILE *out)
{
	const char *name = firmware->options->name;
	uint64_t words = firmware->bytes / firmware->word;
	const char *type = firmware->word == 4 ? "uint32_t" : "uint64_t";

	print_heading(firmware, out);
	fprintf(out,
		"#include <stdint.h>\n\n#if __BYTE_ORDER__ != __ORDER_%s_ENDIAN__\n"
		"#error \"these tables are for a CPU of the other byte order\"\n#endif\n\n",
		firmware->big_endian ? "BIG" : "LITTLE");
	fprintf(out, "#define ");
	upper(out, name);
	fprintf(out, "_BASE UINT64_C(0x%" PRIx64 ")\n#define ", firmware->base);
	upper(out, name);
	fprintf(out, "_ROOT_OFFSET UINT32_C(0x%" PRIx64 ")\n", pt_root(firmware->table) - firmware->base);
	for (unsigned int i = 1; i < firmware->table->n_roots; i++) {
		fprintf(out, "#define ");
		upper(out, name);
		fprintf(out, "_ROOT%u_OFFSET UINT32_C(0x%" PRIx64 ")\n", i,
			pt_root_at(firmware->table, i) - firmware->base);
	}
	fprintf(out, "/* Registers, for tables at this address. */\n");
	print_registers(firmware, out);
	fprintf(out, "\nextern %s %s[%" PRIu64 "];\n_Alignas(%u) %s %s[%" PRIu64 "] = {\n", type, name, words,
		firmware->align, type, name, words);
	for (uint64_t i = 0; i < words; i++) {
		uint64_t word = word_at(firmware, i);

		if (word)
			fprintf(out, "\t[%" PRIu64 "] = 0x%0*" PRIx64 ",\n", i, (int)firmware->word * 2, word);
	}
	fprintf(out, "};\n");
	if (!firmware->movable) {
		fprintf(out, "\n/* The address of a table stands in several places of an entry: these tables cannot be "
			     "moved. */\n");
		return true;
	}
	fprintf(out, "\n/*\n * To use the tables elsewhere: for each of these, %s[index] += (there - ", name);
	upper(out, name);
	fprintf(out, "_BASE) >> shift (a negative shift\n * goes left). \"There\" is aligned to %u bytes.\n */\n",
		firmware->align);
	fprintf(out, "struct %s_link {\n\tuint32_t index;\n\tint32_t shift;\n};\n\n", name);
	fprintf(out, "extern const struct %s_link %s_links[%zu];\nconst struct %s_link %s_links[%zu] = {\n", name, name,
		firmware->n_links + 1, name, name, firmware->n_links + 1);
	for (size_t i = 0; i < firmware->n_links; i++) {
		const struct link *link = &firmware->links[i];
		uint64_t at = link->entry - firmware->base;

		/* of an entry of two words the address is in the low one */
		if (firmware->big_endian)
			at += link->bytes - firmware->word;
		fprintf(out, "\t{%" PRIu64 ", %d},\n", at / firmware->word, link->shift);
	}
	fprintf(out, "\t{UINT32_MAX, 0}, /* the end */\n};\n");
	return true;
}

static bool print_asm(const struct firmware *firmware, FILE *out)
{
	const char *name = firmware->options->name;
	const char *directive = firmware->word == 4 ? ".long" : ".quad";
	uint64_t words = firmware->bytes / firmware->word, same = 0;

	print_heading(firmware, out);
	fprintf(out, "/* To be assembled for a %s-endian CPU. */\n\t.data\n\t.balign %u\n\t.globl %s\n%s:\n",
		firmware->big_endian ? "big" : "little", firmware->align, name, name);
	for (uint64_t i = 0; i < words; i += same) {
		uint64_t word = word_at(firmware, i), pa = firmware->base + i * firmware->word;
		const struct link *link = link_at(firmware, pa);

		same = 1;
		if (link && link->movable && link->shift == 0 && link->bytes == firmware->word) {
			fprintf(out, "\t%s\t%s + 0x%" PRIx64 "\t/* 0x%" PRIx64 ": the table at + 0x%" PRIx64 " */\n",
				directive, name, link->table - firmware->base + (word - link->table),
				pa - firmware->base, link->table - firmware->base);
			continue;
		}
		while (i + same < words && word_at(firmware, i + same) == word &&
		       !link_at(firmware, pa + same * firmware->word))
			same++;
		/* .fill takes only 32 bits of a value */
		if (word == 0)
			fprintf(out, "\t.zero\t%" PRIu64 "\n", same * firmware->word);
		else if (same > 1)
			fprintf(out, "\t.rept\t%" PRIu64 "\n\t%s\t0x%" PRIx64 "\n\t.endr\n", same, directive, word);
		else
			fprintf(out, "\t%s\t0x%" PRIx64 "\n", directive, word);
	}
	fprintf(out, "\t.globl %s_root\n%s_root = %s + 0x%" PRIx64 "\n", name, name, name,
		pt_root(firmware->table) - firmware->base);
	for (unsigned int i = 1; i < firmware->table->n_roots; i++)
		fprintf(out, "\t.globl %s_root%u\n%s_root%u = %s + 0x%" PRIx64 "\n", name, i, name, i, name,
			pt_root_at(firmware->table, i) - firmware->base);
	return true;
}

static bool print_map(const struct firmware *firmware, FILE *out)
{
	const struct pt_format *format = firmware->table->format;
	json_t *tables = json_array(), *links = json_array(), *object;
	bool fine;

	for (size_t i = 0; i < firmware->n_pieces; i++)
		json_array_append_new(tables, json_pack("{s:o, s:o, s:s}", "offset",
							hex(firmware->pieces[i].pa - firmware->base), "bytes",
							hex(firmware->pieces[i].bytes), "level",
							level_name(format, firmware->pieces[i].level)));
	for (size_t i = 0; i < firmware->n_links; i++)
		json_array_append_new(links, json_pack("{s:o, s:i, s:o, s:i}", "offset",
						       hex(firmware->links[i].entry - firmware->base), "bytes",
						       (int)firmware->links[i].bytes, "table",
						       hex(firmware->links[i].table - firmware->base), "shift",
						       firmware->links[i].shift));
	object = json_pack("{s:s, s:o, s:o, s:o, s:i, s:s, s:b, s:o, s:o, s:o}", "format", format->name, "base",
			   hex(firmware->base), "bytes", hex(firmware->bytes), "root",
			   hex(pt_root(firmware->table) - firmware->base), "align", (int)firmware->align, "order",
			   firmware->big_endian ? "big" : "little", "movable", firmware->movable, "registers",
			   registers_json(firmware->table), "tables", tables, "links", links);
	set_roots(object, firmware->table, firmware->base);
	fine = object && json_dumpf(object, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
	json_decref(object);
	return fine;
}

/* Writes a file whole, or leaves what was there. */
static bool write_file(const struct firmware *firmware, const char *path,
		       bool (*print)(const struct firmware *firmware, FILE *out))
{
	struct output output;
	bool printed;

	if (output_open(&output, path)) {
		printed = print(firmware, output.stream);
		if (output_close(&output, printed) && printed)
			return true;
	}
	complain("%s: cannot write it: %s", path, strerror(errno));
	return false;
}

int emit_tables(const struct options *options, struct memory *memory, const struct pt_table *table)
{
	static bool (*const print[])(const struct firmware *firmware,
				     FILE *out) = {[EMIT_BIN] = print_bin, [EMIT_C] = print_c, [EMIT_ASM] = print_asm};
	struct firmware firmware = {.options = options, .table = table, .memory = memory};
	size_t length = strlen(options->output_file) + sizeof(".map");
	char *map = allocate(NULL, length, 1);
	int code = EXIT_FINDING;

	snprintf(map, length, "%s.map", options->output_file);
	if (collect(&firmware))
		code = write_file(&firmware, options->output_file, print[options->emit]) &&
				       write_file(&firmware, map, print_map)
			       ? EXIT_FINE
			       : EXIT_USAGE;
	free(map);
	free(firmware.links);
	free(firmware.pieces);
	return code;
}

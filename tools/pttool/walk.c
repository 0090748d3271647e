/* SPDX-License-Identifier: MIT */
/* walk.c - `pttool walk`: what the hardware does with single addresses, and why. */
#include "pttool.h"

#include <inttypes.h>
#include <string.h>

static const char *category_name(unsigned int category)
{
	static const char *const names[] = {"absent", "fault", "null", "table", "leaf"};

	return category < sizeof(names) / sizeof(names[0]) ? names[category] : "?";
}

/* What the bits of a table entry leave of the rights: those that withhold and are set, or grant and are clear, take. */
static unsigned int rights_after(const struct pt_table *table, const struct pt_step *step, unsigned int rights)
{
	const struct pt_kind_info *kind = &table->format->kinds[step->kind];

	for (unsigned int i = 0; i < kind->n_fields; i++) {
		const struct pt_field_info *field = &kind->fields[i];
		bool set = step->raw[field->lo / 64] >> (field->lo % 64) & 1;

		if (field_exists(table, field))
			rights &= ~(unsigned int)(set ? field->denies : field->allows);
	}
	return rights;
}

/* plain: the walk without an access, for the rights of the leaf. */
static void explain(const struct pt_table *table, const struct pt_walk *walk, const struct pt_walk *plain)
{
	const struct pt_format *format = table->format;
	unsigned int rights = PT_RIGHT_ALL & ~(unsigned int)PT_RIGHT_GLOBAL;

	for (unsigned int i = 0; i < walk->n_steps && i < PT_MAX_STEPS; i++) {
		const struct pt_step *step = &walk->step[i];
		char word[WORD_LENGTH], text[RIGHTS_LENGTH];

		if (step->level >= format->n_levels)
			continue;
		printf("%s  level %s: entry at 0x%" PRIx64 " is %s, %s", paint(PAINT_HEAD),
		       level_name(format, step->level), step->entry_pa,
		       format_word(word, &format->levels[step->level], step->raw), paint(PAINT_PLAIN));
		if (step->kind < format->n_kinds) {
			const struct pt_kind_info *kind = &format->kinds[step->kind];

			printf("%s '%s'%s%s\n", category_name(kind->category), kind->name, kind->doc[0] ? ": " : "",
			       kind->doc);
		} else {
			printf("of no kind of this level\n");
		}
		explain_entry(table, step);
		if (step->kind >= format->n_kinds)
			continue;
		if (format->kinds[step->kind].category == PT_KIND_TABLE)
			rights = rights_after(table, step, rights);
		else if (plain->fault == PT_FAULT_NONE)
			rights = plain->leaf.rights & ~(unsigned int)PT_RIGHT_GLOBAL;
		else
			continue;
		printf("      rights so far: %s%s%s\n", paint_rights(rights),
		       format_rights(text, rights, PT_MEMORY_CACHED), paint(PAINT_PLAIN));
	}
	if (walk->fault == PT_FAULT_NONE) {
		printf("  leaf: 0x%" PRIx64 "-0x%" PRIx64 " at 0x%" PRIx64 "%s%s%s\n", walk->leaf.iova,
		       walk->leaf.iova + (((uint64_t)1 << (walk->leaf.lg2 & 63)) - 1), walk->leaf.pa,
		       format->has_accessed ? (walk->leaf.accessed ? ", accessed" : ", not accessed") : "",
		       format->has_dirty ? (walk->leaf.dirty ? ", dirty" : ", clean") : "",
		       walk->leaf.lg2 != walk->leaf.entry_lg2 ? ", a group of entries" : "");
	} else {
		static const char *const why[] = {
			[PT_FAULT_ABSENT] = "the entry is absent",
			[PT_FAULT_RESERVED] = "the word is of no kind, or has reserved bits set",
			[PT_FAULT_PERMISSION] = "the rights on the path do not allow this access",
			[PT_FAULT_ADDRESS] = "an address is wider than the table allows",
			[PT_FAULT_ACCESS] = "the accessed or dirty state is clear, and the hardware does not set it",
			[PT_FAULT_MISCONFIGURED] = "the manual calls this entry misconfigured",
			[PT_FAULT_BOUNDS] = "the table lies outside the memory of --ram",
			[PT_FAULT_LOOP] = "the table is its own ancestor, or --steps are used up",
			[PT_FAULT_NULL] = "no memory is behind this entry: reads give zero, writes are dropped",
		};

		printf("  fault: %s\n", walk->fault < sizeof(why) / sizeof(why[0])
						? why[walk->fault]
						: "a fault that this format names itself");
	}
}

int command_walk(const struct options *options)
{
	struct image image;
	struct pt_table table;
	int code = EXIT_FINE;

	if (!open_table(options, &image, &table))
		return image_close(&image, EXIT_USAGE);
	for (size_t i = 0; i < options->n_arguments; i++) {
		struct pt_reader reader = {&image, image_read, NULL, options->steps};
		struct pt_walk walk, plain;
		uint64_t iova = 0;
		char rights[RIGHTS_LENGTH];

		/* main.c has seen that these are numbers */
		parse_number(options->arguments[i], strlen(options->arguments[i]), &iova);
		memset(&walk, 0, sizeof(walk));
		if (options->access)
			options->format->translate(&table, &reader, iova, options->access, &walk);
		else
			options->format->walk(&table, &reader, iova, &walk);
		if (options->explain) {
			struct pt_reader again = {&image, image_read, NULL, options->steps};

			memset(&plain, 0, sizeof(plain));
			table.format->walk(&table, &again, iova, &plain);
			explain(&table, &walk, &plain);
		}
		if (walk.fault == PT_FAULT_NONE) {
			printf("0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " %s%s%s\n", iova, walk.pa,
			       (uint64_t)1 << (walk.leaf.lg2 & 63), paint_rights(walk.leaf.rights),
			       format_rights(rights, walk.leaf.rights, walk.leaf.memory), paint(PAINT_PLAIN));
		} else {
			printf("0x%" PRIx64 " %sfault %s %s%s\n", iova, paint(PAINT_DANGER),
			       pt_fault_string(options->format, walk.fault), level_name(options->format, walk.level),
			       paint(PAINT_PLAIN));
			code = EXIT_FINDING;
		}
	}
	return image_close(&image, code);
}

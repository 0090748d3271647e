/* SPDX-License-Identifier: MIT */
/*
 * emit_c_access.c - loads and stores of entries for formats whose entries are not one array of one type: of several
 * sizes or byte orders, or apart from each other. A slot is then an address in bytes, and each access is told its
 * level; where the level is a constant, as in the functions per level, all of this folds.
 */
#include "emit_c.h"

#include <string.h>

uint32_t stride_of(const struct m_level *level)
{
	return (uint32_t)level->entry_bytes << level->every_lg2;
}

/* The function between number and memory, "" for the order of the host. */
static const char *order_of(struct emitter *emitter, const struct m_level *level)
{
	return level->host_endian
		       ? ""
		       : text_of(emitter, "pt_%s%d", level->big_endian ? "be" : "le", level->entry_bytes * 8);
}

/* The name of a kind of entry in memory: "le32". */
static const char *form_of(struct emitter *emitter, const struct m_level *level)
{
	return text_of(emitter, "%s%d",
		       level->host_endian  ? "host"
		       : level->big_endian ? "be"
					   : "le",
		       level->entry_bytes * 8);
}

/* Compare and swap of one kind of entry. */
static void emit_swap(struct emitter *emitter, const struct m_level *level)
{
	const char *f = emitter->lower, *word = text_of(emitter, "uint%d_t", level->entry_bytes * 8),
		   *order = order_of(emitter, level);
	const char *cast = level->entry_bytes * 8 < emitter->entry_bits ? text_of(emitter, "(%s)", word) : "";

	OUT("PT_ALWAYS_INLINE bool %s_swap_%s(unsigned char *slot, %s_entry *expected, %s_entry value)\n{\n\t%s old = "
	    "%s(%s*expected);\n"
	    "\tbool done = PT_CAS((%s *)(void *)slot, &old, %s(%svalue));\n\n\t*expected = %s(old);\n\treturn "
	    "done;\n}\n\n",
	    f, form_of(emitter, level), f, f, word, order, cast, word, order, cast, order);
}

void emit_access(void *ctx)
{
	struct emitter *emitter = ctx;
	const struct model *model = emitter->model;
	const char **load = bodies(emitter), **link = bodies(emitter), **store = bodies(emitter),
		   **swap = bodies(emitter);
	const char *f = emitter->lower;

	for (int i = 0; i < model->levels.n; i++) {
		const struct m_level *level = &model->levels.v[i];
		const char *order = order_of(emitter, level),
			   *word = text_of(emitter, "uint%d_t", level->entry_bytes * 8);
		const char *cast = level->entry_bytes * 8 < emitter->entry_bits ? text_of(emitter, "(%s)", word) : "";
		bool seen = false;

		load[i] = text_of(emitter, "\treturn %s(PT_READ_ONCE((const %s *)(const void *)slot));\n", order, word);
		link[i] = text_of(emitter, "\treturn %s(PT_READ_LINK((const %s *)(const void *)slot));\n", order, word);
		store[i] = text_of(emitter, "\tPT_WRITE_ONCE((%s *)(void *)slot, %s(%svalue));\n\treturn;\n", word,
				   order, cast);
		swap[i] = text_of(emitter, "\treturn %s_swap_%s(slot, expected, value);\n", f, form_of(emitter, level));
		for (int before = 0; before < i && !seen; before++)
			seen = strcmp(form_of(emitter, &model->levels.v[before]), form_of(emitter, level)) == 0;
		if (!seen)
			emit_swap(emitter, level);
	}
	OUT("/* The entry at a slot of level. */\nPT_ALWAYS_INLINE %s_entry %s_load(unsigned int level, const unsigned "
	    "char *slot)\n{\n",
	    f, f);
	by_level(emitter, load, NULL);
	OUT("}\n\n/* A load whose entry may link to the table that is read next. */\n"
	    "PT_ALWAYS_INLINE %s_entry %s_load_link(unsigned int level, const unsigned char *slot)\n{\n",
	    f, f);
	by_level(emitter, link, NULL);
	OUT("}\n\nPT_ALWAYS_INLINE void %s_store(unsigned int level, unsigned char *slot, %s_entry value)\n{\n", f, f);
	by_level(emitter, store, NULL);
	OUT("}\n\n/* Replace the entry if it still holds *expected; otherwise *expected is what it holds. */\n"
	    "PT_ALWAYS_INLINE bool %s_swap(unsigned int level, unsigned char *slot, %s_entry *expected, %s_entry "
	    "value)\n{\n",
	    f, f, f);
	by_level(emitter, swap, NULL);
	OUT("}\n\n");
}

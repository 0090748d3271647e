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

bool valid_on_top(struct emitter *emitter, int level)
{
	struct bits mask = absent_bits(emitter, level, BITS_MASK);

	return (uint64_t)mask.literal == 0;
}

/* Bits of a kind that are not what an absent entry has there. */
static wide touched(struct emitter *emitter, ref kind, wide absent)
{
	int n;
	const struct m_slice *slice = slices_of(emitter, kind, &n);
	struct bits constant = kind_bits(emitter, kind, BITS_CONST);
	wide bits = (constant.literal ^ absent) | kind_bits(emitter, kind, BITS_ADDRESS).literal |
		    kind_bits(emitter, kind, BITS_SYNCED).literal;

	if (constant.text)
		bits |= UINT64_MAX;
	if (constant.high)
		bits |= (wide)UINT64_MAX << 64;
	if (emitter->model->kinds.v[kind].category == CATEGORY_LEAF)
		bits |= attribute_mask(emitter, kind) | state_mask(emitter, kind, true) |
			state_mask(emitter, kind, false);
	for (int i = 0; i < n; i++)
		if (slice[i].flags & (SLICE_ACCESSED | SLICE_DIRTY))
			bits |= entry_mask(slice[i].hi, slice[i].lo);
	return bits;
}

static bool in_both(wide bits)
{
	return (uint64_t)bits != 0 && bits >> 64 != 0;
}

void plan_wide(struct emitter *emitter, int level)
{
	const struct model *model = emitter->model;
	const struct m_level *l = &model->levels.v[level];
	struct bits mask = absent_bits(emitter, level, BITS_MASK), absent = absent_bits(emitter, level, BITS_CONST);
	struct bits value = absent_bits(emitter, level, BITS_VALUE), keep = absent_bits(emitter, level, BITS_KEEP);
	wide told = valid_on_top(emitter, level) ? (wide)UINT64_MAX << 64 : UINT64_MAX;

	if (mask.text || mask.high || value.text || value.high || absent.text || absent.high)
		refuse(emitter, "absent entries of 16 bytes that depend on the configuration");
	if (keep.literal || keep.text || keep.high)
		refuse(emitter, "'keep' in entries of 16 bytes");
	for (int k = l->first_kind; k < l->first_kind + l->n_kinds; k++) {
		const struct m_kind *kind = &model->kinds.v[k];
		wide bits;

		if (kind_bits(emitter, k, BITS_MARKS).literal || kind_bits(emitter, k, BITS_MARKS).text)
			refuse(emitter, "'marks' in entries of 16 bytes");
		if (kind->category == CATEGORY_ABSENT && kind->when != REF_NONE)
			refuse(emitter, "an absent kind of 16 bytes with 'when'");
		if (!emitter->written[level] || (kind->category != CATEGORY_LEAF && k != emitter->table[level]))
			continue;
		bits = touched(emitter, k, absent.literal);
		if (in_both(mask.literal) && in_both(bits))
			refuse(emitter, "entries of 16 bytes that fill both halves where an absent one is told by "
					"both: no store "
					"publishes them");
		if (kind->category == CATEGORY_LEAF &&
		    (in_both(state_mask(emitter, k, true)) || in_both(state_mask(emitter, k, false))))
			refuse(emitter, "accessed or dirty state in both halves of 16 bytes");
		/* Constants may stand in the other half of a link, but nothing that differs from table to table. */
		if (kind->category == CATEGORY_TABLE && !in_both(mask.literal)) {
			struct bits constant = kind_bits(emitter, k, BITS_CONST);

			if (((touched(emitter, k, constant.literal)) & ~told) != 0)
				refuse(emitter, "links of 16 bytes with more than constants in the half that does not "
						"tell whether "
						"an entry is absent: two calls could each write one half");
		}
	}
}

/* How an entry of 16 bytes of a level is accessed. */
static void wide_access(struct emitter *emitter, int level, const char **load, const char **store, const char **swap)
{
	const struct m_level *l = &emitter->model->levels.v[level];
	struct bits mask = absent_bits(emitter, level, BITS_MASK), value = absent_bits(emitter, level, BITS_VALUE);
	const char *f = emitter->lower, *top = valid_on_top(emitter, level) ? "true" : "false";
	const char *big = l->host_endian ? "__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__" : l->big_endian ? "true" : "false";
	const char *absent =
		text_of(emitter, "(value & %s) == %s", hex(emitter, mask.literal), hex(emitter, value.literal));

	*load = text_of(emitter, "\treturn %s_load_wide(slot, %s, %s);\n", f, big, top);
	*store = text_of(emitter, "\t%s_store_wide(slot, value, %s, %s, %s);\n\treturn;\n", f, big, top, absent);
	*swap = text_of(emitter, "\treturn %s_swap_wide(slot, expected, value, %s, %s, %s);\n", f, big, top, absent);
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

		if (level->entry_bytes == 16) {
			wide_access(emitter, i, &load[i], &store[i], &swap[i]);
			link[i] = load[i];
			continue;
		}
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

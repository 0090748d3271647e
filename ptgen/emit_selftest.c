/* SPDX-License-Identifier: MIT */
/*
 * emit_selftest.c - F_selftest.c: what the code of F must do, as constants that are worked out here (see
 * emit_selftest_expect.c) from the model and the codec. templates/selftest.ct is the part that runs.
 */
#include "emit_selftest.h"
#include "stages.h"
#include "template.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>

extern const char template_selftest[];

/* ---- printing */

static const char *hex(struct selftest *s, uint64_t value)
{
	return arena_printf(s->arena, value > UINT32_MAX ? "UINT64_C(0x%" PRIx64 ")" : "0x%" PRIx64, value);
}

static const char *word_text(struct selftest *s, struct word word)
{
	if (word.half[1] == 0)
		return hex(s, word.half[0]);
	return arena_printf(s->arena, "WORD(0x%" PRIx64 ", 0x%" PRIx64 ")", word.half[1], word.half[0]);
}

/* The name of a constant array of these elements; printed if it is new. */
static const char *array_of(struct selftest *s, const char *type, const char *stem, const char *body)
{
	struct printed *new;

	for (int i = 0; i < s->printed.n; i++)
		if (s->printed.v[i].type == type && !strcmp(s->printed.v[i].body, body))
			return s->printed.v[i].name;
	new = ARRAY_ADD(s->arena, s->printed);
	new->type = type;
	new->body = body;
	new->name = arena_printf(s->arena, "%s_%d", stem, s->printed.n - 1);
	fprintf(s->tables, "static const %s %s[] = {\n%s};\n\n", type, new->name, *body ? body : "\t0,\n");
	return new->name;
}

static const char type_words[] = "entry_word", type_addresses[] = "uint64_t", type_bytes[] = "uint8_t",
		  type_steps[] = "struct step", type_effects[] = "struct effect", type_bits[] = "struct input_bit",
		  type_fields[] = "struct field", type_registers[] = "struct reg";

static const char *words_of(struct selftest *s, const struct word *word, int n)
{
	const char *body = "";
	int row = 6;

	for (int i = 0; i < n; i++)
		row = word[i].half[1] ? 2 : row;
	for (int i = 0; i < n; i++)
		body = arena_printf(s->arena, "%s%s%s,%s", body, i % row ? " " : "\t", word_text(s, word[i]),
				    i % row == row - 1 || i + 1 == n ? "\n" : "");
	return array_of(s, type_words, "words", body);
}

static const char *addresses_of(struct selftest *s, const uint64_t *address, int n)
{
	const char *body = "";

	for (int i = 0; i < n; i++)
		body = arena_printf(s->arena, "%s%s%s,%s", body, i % 6 ? " " : "\t", hex(s, address[i]),
				    i % 6 == 5 || i + 1 == n ? "\n" : "");
	return array_of(s, type_addresses, "addresses", body);
}

static bool seen_before(struct selftest *s, const char *text)
{
	for (int i = 0; i < s->seen.n; i++)
		if (!strcmp(s->seen.v[i], text))
			return true;
	*ARRAY_ADD(s->arena, s->seen) = text;
	return false;
}

static const char *quoted_name(struct selftest *s, const char *text)
{
	return arena_printf(s->arena, "\t\"%s\",\n", text);
}

/* One more check: its name, and what carries it out. */
static void add_check(struct selftest *s, enum function function, int index, const char *name)
{
	*ARRAY_ADD(s->arena, s->names) = quoted_name(s, arena_printf(s->arena, "%s%s", s->with, name));
	fprintf(s->checks, "\t{%d, %d, %d},\n", function, s->n_configs, index);
}

static const char *outcome_text(struct selftest *s, const struct outcome *out)
{
	return arena_printf(s->arena, "{%u, %d, 0x%02x, %u, %d, %d, %s}", out->fault,
			    out->kind == REF_NONE ? 0xffff : (int)out->kind, out->rights, out->memory, out->accessed,
			    out->dirty, hex(s, out->pa));
}

static const char *steps_of(struct selftest *s, const struct path *path)
{
	const char *body = "";

	for (int i = 0; i < path->n; i++) {
		const struct step *step = &path->step[i];
		const struct m_level *level = level_at(s, step->level);

		body = arena_printf(s->arena, "%s\t{%d, %d, %s, %" PRIu64 ", %" PRId64 ", %s, %s, %s, %s},\n", body,
				    (int)step->level, level->entry_bytes,
				    level->host_endian	? "HOST"
				    : level->big_endian ? "BIG"
							: "LITTLE",
				    expect_stride(level), step->entries, hex(s, step->table), hex(s, step->entry),
				    word_text(s, step->link), word_text(s, step->absent));
	}
	return array_of(s, type_steps, "steps", body);
}

/* ---- leaves */

static const char *say_kind(struct selftest *s, ref kind)
{
	const struct m_kind *k = &s->model->kinds.v[kind];

	return arena_printf(s->arena, "%s at %s%s%s%s", k->name, level_at(s, k->level)->name,
			    k->category == CATEGORY_LEAF ? " (" : "",
			    k->category == CATEGORY_LEAF ? size_text(s->arena, k->lg2) : "",
			    k->category == CATEGORY_LEAF ? ")" : "");
}

/* The output address of each bit from the leaf's size on, where these are not the bits themselves; "NULL": they are. */
static const char *outputs_of(struct selftest *s, int lg2, int n)
{
	uint64_t address[64] = {0};

	if (s->model->output.base == REF_NONE && s->model->output.window == REF_NONE)
		return "NULL";
	for (int i = 0; i < n; i++)
		address[i] = expect_output_bit(s, lg2 + i);
	return addresses_of(s, address, n);
}

/* One leaf kind: the ends of the input, all requests, all address bits. */
static void put_leaf(struct selftest *s, ref kind)
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	uint64_t pa = expect_pattern_of(s, kind), refused = 0, first = s->first, last = s->last, nowhere = 0;
	struct word strong, words[N_REQUESTS] = {{{0, 0}}}, bits[64] = {{{0, 0}}};
	int n_slots = 1 << k->group_lg2, n_bits = 0;
	struct word *slot = arena_alloc(s->arena, sizeof(*slot) * (size_t)n_slots);
	struct word accessed = expect_hardware_bits(s, kind, SLICE_ACCESSED, true),
		    dirty = expect_hardware_bits(s, kind, SLICE_DIRTY, true),
		    must = expect_hardware_bits(s, kind, SLICE_ACCESSED, false),
		    must_dirty = expect_hardware_bits(s, kind, SLICE_DIRTY, false);
	const char *first_steps, *name = say_kind(s, kind);
	bool has_nowhere;
	struct path path;

	/* A part of the input that is smaller than the leaf cannot hold it. */
	if (!expect_make_path(s, k->level, 0, &path) || !expect_fit(s, &path, k->lg2, true, &first) ||
	    !expect_fit(s, &path, k->lg2, false, &last))
		return;
	for (int i = 0; i < s->n_rights; i++)
		(void)expect_leaf_word(s, kind, s->rights[i], codec_outside(s->model, s->param, 0), &words[i]);
	strong = words[s->strong];
	for (int i = 0; i < n_slots; i++) {
		(void)expect_leaf_word(s, kind, s->rights[s->strong],
				       k->group == GROUP_CONTIG ? pa + ((uint64_t)i << (k->lg2 - k->group_lg2)) : pa,
				       &slot[i]);
		slot[i] = word_without(slot[i], strong);
	}
	for (int bit = k->lg2; bit < 64; bit++) {
		uint64_t one = expect_output_bit(s, bit);
		struct word word;

		if (expect_leaf_word(s, kind, s->rights[s->strong], one, &word)) {
			bits[bit - k->lg2] = word_without(word, strong);
			n_bits = bit - k->lg2 + 1;
		} else if (!expect_somebody_holds(s, kind, one)) {
			refused |= (uint64_t)1 << bit;
		}
	}
	expect_make_path(s, k->level, first, &path);
	first_steps = steps_of(s, &path);
	has_nowhere = expect_nowhere(s, &path, k->lg2, &nowhere);
	expect_make_path(s, k->level, last, &path);
	fprintf(s->leaves,
		"\t{%d, %d, %d, %d, %d, %d, %d, %d, %d, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
		"%s, "
		"%s, %s, %s},\n",
		s->n_configs, (int)kind, n_slots, path.n, k->lg2, k->lg2 - k->group_lg2, n_bits, s->strong, s->weak,
		k->group == GROUP_CONTIG ? "true" : "false", has_nowhere ? "true" : "false", first_steps,
		steps_of(s, &path), hex(s, expect_presented(s, first)), hex(s, expect_presented(s, last)),
		hex(s, expect_presented(s, nowhere)), hex(s, pa), words_of(s, words, s->n_rights),
		words_of(s, slot, k->group == GROUP_CONTIG ? n_slots : 1), words_of(s, bits, n_bits),
		outputs_of(s, k->lg2, n_bits), hex(s, refused), word_text(s, accessed), word_text(s, dirty),
		word_text(s, must), word_text(s, must_dirty), word_text(s, expect_kept_bits(s, k->level)),
		word_text(s, expect_mark_bits(s, kind)));
	add_check(s, CHECK_ENDS, s->n_leaves, arena_printf(s->arena, "%s at both ends of the input", name));
	add_check(s, CHECK_REQUESTS, s->n_leaves, arena_printf(s->arena, "every request as %s", name));
	add_check(s, CHECK_ADDRESSES, s->n_leaves, arena_printf(s->arena, "every address bit of %s", name));
	if (word_any(word_or(word_or(accessed, dirty), word_or(must, must_dirty))) && !expect_has_dirty_codes(s, kind))
		add_check(s, CHECK_HARDWARE, s->n_leaves, arena_printf(s->arena, "what hardware writes in %s", name));
	s->n_leaves++;
}

/* ---- flips */

static bool same_but_address(const struct outcome *a, const struct outcome *b)
{
	return a->fault == b->fault && a->kind == b->kind && a->rights == b->rights && a->memory == b->memory &&
	       a->accessed == b->accessed && a->dirty == b->dirty;
}

/* Every bit of a word at step `at` of a path, sorted by what turning it round does; -1: said before. */
static int put_flip(struct selftest *s, const struct path *path, int at, struct word word, const char *name,
		    bool always)
{
	unsigned int reserved_fault = fault_number(s->model->reserved_fault, FAULT_RESERVED);
	unsigned int wide_fault = fault_number(s->model->output.fault, FAULT_ADDRESS);
	struct word quiet = {{0, 0}}, reserved = quiet, wide = quiet, address = quiet;
	uint64_t moved[128];
	const char *effects = "", *text;
	struct outcome as_is;
	int n = 0;

	expect_walk(s, path, at, word, &as_is);
	for (int bit = 0; bit < 8 * level_at(s, path->step[at].level)->entry_bytes; bit++) {
		struct word one = word_turned((struct word){{0, 0}}, bit);
		struct outcome out;

		expect_walk(s, path, at, word_turned(word, bit), &out);
		if (same_but_address(&out, &as_is) && out.pa == as_is.pa) {
			quiet = word_or(quiet, one);
		} else if (out.kind == as_is.kind && !as_is.fault && at + 1 == path->n && out.fault == reserved_fault) {
			reserved = word_or(reserved, one);
		} else if (out.kind == as_is.kind && !as_is.fault && at + 1 == path->n && out.fault == wide_fault) {
			wide = word_or(wide, one);
		} else if (at + 1 == path->n && !out.fault && same_but_address(&out, &as_is)) {
			address = word_or(address, one);
			moved[n++] = out.pa;
		} else {
			effects = arena_printf(s->arena, "%s\t{%d, %s},\n", effects, bit, outcome_text(s, &out));
		}
	}
	text = arena_printf(s->arena, "%d %d %s: %s %s %s %s %s%s", (int)path->step[at].level, at + 1 == path->n,
			    word_text(s, word), outcome_text(s, &as_is), word_text(s, quiet), word_text(s, reserved),
			    word_text(s, wide), word_text(s, address), effects);
	if (seen_before(s, text) && !always)
		return -1;
	fprintf(s->flips, "\t{%d, %d, %d, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s},\n", s->n_configs, path->n, at,
		steps_of(s, path), hex(s, expect_presented(s, path->inner)), word_text(s, word),
		outcome_text(s, &as_is), word_text(s, quiet), word_text(s, reserved), word_text(s, wide),
		word_text(s, address), addresses_of(s, moved, n), array_of(s, type_effects, "effects", effects));
	if (name)
		add_check(s, CHECK_FLIPS, s->n_flips, arena_printf(s->arena, "every bit of %s", name));
	return s->n_flips++;
}

/* Every kind of every level that can be reached. */
static void put_kind_flips(struct selftest *s, ref kind)
{
	const struct m_kind *k = &s->model->kinds.v[kind];
	ref leaf = expect_smallest_leaf(s);
	struct path path, whole;
	struct word word;

	if (!expect_make_path(s, k->level, expect_somewhere(s, k->level), &path))
		return;
	if (k->category == CATEGORY_LEAF) {
		for (int i = 0; expect_offered(s, kind) && i < s->n_rights; i++) {
			/* The most and the fewest rights, and each other memory type with the most. */
			bool other = (s->rights[i] & REQ_MEMORY) &&
				     (s->rights[i] & REQ_RIGHTS) == (s->rights[s->strong] & REQ_RIGHTS);

			if ((i != s->strong && i != s->weak && !other) ||
			    !expect_leaf_word(s, kind, s->rights[i], expect_pattern_of(s, kind), &word))
				continue;
			path.step[path.n - 1].link = word;
			put_flip(s, &path, path.n - 1, word,
				 arena_printf(s->arena, "%s%s", say_kind(s, kind),
					      i == s->weak				     ? ", fewest rights"
					      : !other					     ? ""
					      : (s->rights[i] & REQ_MEMORY) == REQ_DEVICE    ? ", device memory"
					      : (s->rights[i] & REQ_MEMORY) == REQ_NONCACHED ? ", not cached"
											     : ", not shareable"),
				 false);
		}
		return;
	}
	if (k->category == CATEGORY_TABLE && leaf != REF_NONE &&
	    expect_make_path(s, s->model->kinds.v[leaf].level, expect_somewhere(s, s->model->kinds.v[leaf].level),
			     &whole) &&
	    whole.n > path.n && whole.step[path.n - 1].level == k->level &&
	    expect_leaf_word(s, leaf, s->rights[s->strong], expect_pattern_of(s, leaf), &word)) {
		struct word link = whole.step[path.n - 1].link;

		whole.step[whole.n - 1].link = word;
		if (expect_classify(s, k->level, link.half) == kind)
			put_flip(s, &whole, path.n - 1, link, say_kind(s, kind), false);
		return;
	}
	word = expect_plain_word(s, kind, s->base);
	path.step[path.n - 1].link = word;
	put_flip(s, &path, path.n - 1, word, say_kind(s, kind), false);
}

/* ---- parts of a configuration */

/* Every bit of the path's input address turned round: an entry that moves, an offset into the leaf, or a fault. */
static const char *input_bits(struct selftest *s, const struct path *path, ref leaf, int *n)
{
	int lg2 = s->model->kinds.v[leaf].lg2 -
		  (s->model->kinds.v[leaf].group == GROUP_CONTIG ? s->model->kinds.v[leaf].group_lg2 : 0);
	const char *body = "";

	for (int bit = 0; bit <= s->input_hi; bit++) {
		uint64_t one = (uint64_t)1 << bit, inner = path->inner ^ one, bytes = 0;
		unsigned int fault = 0;
		int step = 0;

		for (; step < path->n; step++) {
			ref level = path->step[step].level;

			bytes = expect_entry_address(s, level, 0, inner, step == 0) -
				expect_entry_address(s, level, 0, path->inner, step == 0);
			if (step == 0)
				bytes += ((uint64_t)expect_root_number(s, inner) - expect_root_number(s, path->inner))
					 << s->spread;
			if (bytes)
				break;
		}
		if (step == path->n)
			bytes = bit < lg2 ? inner - path->inner : 0;
		if (inner < s->first || inner > s->last)
			fault = fault_number(s->model->input.fault, FAULT_ADDRESS);
		else if (!expect_has_slots(s, path, inner))
			fault = expect_missing(s, path, inner);
		else if (!bytes)
			continue; /* a level that is skipped */
		body = arena_printf(s->arena, "%s\t{%s, %d, %u, %s},\n", body, hex(s, expect_presented(s, inner)), step,
				    fault, hex(s, bytes));
		++*n;
	}
	return array_of(s, type_bits, "bits", body);
}

static const char *fields_of(struct selftest *s, int *n)
{
	const char *body = "";

	for (ref k = 0; k < s->model->kinds.n; k++) {
		const char *lines = "";
		int here = 0;

		for (int i = 0; s->present[k] && i < s->bound[k].n_lines; i++) {
			const struct m_slice *slice = s->bound[k].line[i].slice;
			struct word mask = {{0, 0}};

			if (slice->field == REF_NONE || (slice->role != ROLE_FIELD && slice->role != ROLE_CONST))
				continue;
			bits_set(mask.half, slice->hi, slice->lo);
			lines = arena_printf(s->arena, "%s\t{%d, \"%s\", %s, %s},\n", lines, (int)k,
					     s->model->fields.v[slice->field].name, word_text(s, mask),
					     hex(s, bits_ones(bits_width(slice->hi, slice->lo)) << slice->to));
			here++;
		}
		if (here == 0 || seen_before(s, lines))
			continue;
		body = arena_printf(s->arena, "%s%s", body, lines);
		*n += here;
	}
	return array_of(s, type_fields, "fields", body);
}

/* Where there may be several roots, a register that holds one is there for each, numbered. same: all roots at one
 * address. */
static const char *register_rows(struct selftest *s, uint64_t root, bool same, int *n)
{
	struct m_env env = environment(s, REF_NONE, NULL);
	const char *body = "";

	for (int i = 0; i < s->model->registers.n; i++) {
		const struct m_register *reg = &s->model->registers.v[i];
		bool numbered = false;

		if (!model_holds(s->model, reg->cond, &env))
			continue;
		for (int k = 0; k < reg->n_slices; k++)
			numbered = numbered ||
				   (s->max_roots > 1 && s->model->slices.v[reg->first_slice + k].role == ROLE_ROOT);
		for (int copy = 0; copy < (numbered ? s->n_roots : 1); copy++) {
			uint64_t value[16] = {0};
			const char *values = "", *number = numbered ? arena_printf(s->arena, "%d", copy) : "";

			codec_register(s->model, i, s->param, same ? root : root + ((uint64_t)copy << s->spread), value,
				       s->register_words);
			for (int w = 0; w < s->register_words; w++)
				values = arena_printf(s->arena, "%s%s%s", values, w ? ", " : "", hex(s, value[w]));
			body = arena_printf(s->arena, "%s\t{%s, \"%s%s\", %d, {%s}},\n", body, hex(s, same ? root : 0),
					    reg->name, number, reg->bits, values);
			++*n;
		}
	}
	return body;
}

static const char *registers_of(struct selftest *s, int *n)
{
	const char *body = register_rows(s, s->base, false, n);
	struct m_env env = environment(s, REF_NONE, NULL);
	int64_t output_hi = model_eval(s->model, s->model->output.hi, &env);

	for (int bit = s->spread; *n && bit <= output_hi; bit++)
		if (expect_root_bit_held(s, bit))
			body = arena_printf(s->arena, "%s%s", body, register_rows(s, (uint64_t)1 << bit, true, n));
	return array_of(s, type_registers, "registers", body);
}

/* What each request becomes; notes the different outcomes, the most and the fewest rights among them. */
static const char *granted_of(struct selftest *s)
{
	const char *body = "";
	unsigned int most = 0, fewest = 99;
	bool can_withhold_exec = false;

	s->n_rights = s->strong = s->weak = 0;
	for (unsigned int request = 0; request < N_REQUESTS; request++) {
		unsigned int rounded;

		if (codec_round(s->model, s->param, request, &rounded) &&
		    (codec_request_rights(rounded) & (RIGHT_PX | RIGHT_UX)) != (RIGHT_PX | RIGHT_UX))
			can_withhold_exec = true;
	}
	for (unsigned int request = 0; request < N_REQUESTS; request++) {
		unsigned int rounded, code = CODE_REFUSED, n = 0;
		int i = 0;

		if (codec_round(s->model, s->param, request, &rounded)) {
			code = rounded;
			if ((rounded & ~request & REQ_WRITE) ||
			    (can_withhold_exec && (rounded & ~request & REQ_EXEC)) || (request & ~rounded & REQ_PRIV))
				code |= CODE_WIDER;
			while (i < s->n_rights && s->rights[i] != rounded)
				i++;
			if (i == s->n_rights)
				s->rights[s->n_rights++] = rounded;
			for (unsigned int all = codec_request_rights(rounded) & RIGHT_ALL; all; all &= all - 1)
				n++;
			if (!(rounded & REQ_MEMORY) && n > most) {
				most = n;
				s->strong = i;
			}
			if (!(rounded & REQ_MEMORY) && n < fewest && n > 0) {
				fewest = n;
				s->weak = i;
			}
		}
		body = arena_printf(s->arena, "%s%s0x%02x,%s", body, request % 16 ? " " : "\t", code,
				    request % 16 == 15 ? "\n" : "");
	}
	return array_of(s, type_bytes, "granted", body);
}

static const char *rights_array(struct selftest *s)
{
	const char *body = "";

	for (int i = 0; i < s->n_rights; i++)
		body = arena_printf(s->arena, "%s%s0x%02x,%s", body, i % 16 ? " " : "\t", s->rights[i],
				    i % 16 == 15 || i + 1 == s->n_rights ? "\n" : "");
	return array_of(s, type_bytes, "rights", body);
}

/* What the hardware makes of a path with the rights by number. */
static const char *left_array(struct selftest *s)
{
	struct m_env env = environment(s, REF_NONE, NULL);
	const char *body = "";

	for (int i = 0; i < s->n_rights; i++) {
		unsigned int left = codec_request_rights(s->rights[i]) & RIGHT_ALL;

		for (int n = 0; n < s->model->nevers.n; n++) {
			const struct m_never *never = &s->model->nevers.v[n];

			if (left & never->when && model_holds(s->model, never->cond, &env))
				left &= ~(unsigned int)never->rights;
		}
		body = arena_printf(s->arena, "%s%s0x%02x,%s", body, i % 16 ? " " : "\t", left,
				    i % 16 == 15 || i + 1 == s->n_rights ? "\n" : "");
	}
	return array_of(s, type_bytes, "left", body);
}

/* ---- configurations */

/* How far tables stand apart: no table is larger, or wants a larger alignment. */
static void place_tables(struct selftest *s)
{
	struct m_env env = environment(s, REF_NONE, NULL);
	const struct m_shape *shape = &s->model->shapes.v[s->shape];
	uint64_t largest = expect_entries_of(s, s->start, true) * expect_stride(level_at(s, s->start)), end;

	if (s->model->root.align != REF_NONE && (uint64_t)model_eval(s->model, s->model->root.align, &env) > largest)
		largest = (uint64_t)model_eval(s->model, s->model->root.align, &env);
	if (s->model->root.table != REF_NONE && (uint64_t)model_eval(s->model, s->model->root.table, &env) > largest)
		largest = (uint64_t)model_eval(s->model, s->model->root.table, &env);
	for (ref l = shape->first_level; l < shape->first_level + shape->n_levels; l++) {
		largest = level_at(s, l)->table_bytes > largest ? level_at(s, l)->table_bytes : largest;
		largest = level_at(s, l)->align > largest ? level_at(s, l)->align : largest;
	}
	for (s->spread = 4; (uint64_t)1 << s->spread < largest;)
		s->spread++;
	s->base = (uint64_t)1 << (s->spread > BASE_LG2 ? s->spread : BASE_LG2);
	s->base += (s->output_first + (s->base - 1)) & ~(s->base - 1);
	end = (uint64_t)(s->n_roots + shape->n_levels) << s->spread;
	s->memory = end > s->memory ? end : s->memory;
}

static void select_inputs(struct selftest *s)
{
	struct m_env env = environment(s, REF_NONE, NULL);
	const struct m_input *input = &s->model->input;

	s->input_hi = (int)model_eval(s->model, input->hi, &env);
	s->input_mask = bits_ones((unsigned int)s->input_hi + 1);
	s->n_roots = s->model->root.count == REF_NONE ? 1 : (int)model_eval(s->model, s->model->root.count, &env);
	s->root_bits = s->input_hi + 1;
	if (s->n_roots > s->max_roots)
		s->max_roots = s->n_roots;
	for (int n = s->n_roots; n > 1; n /= 2)
		s->root_bits--;
	s->first = input->aperture_first == REF_NONE ? 0 : (uint64_t)model_eval(s->model, input->aperture_first, &env);
	s->input_base = input->base == REF_NONE ? 0 : (uint64_t)model_eval(s->model, input->base, &env);
	s->output_first = 0;
	if (s->model->output.base != REF_NONE)
		s->output_first = (uint64_t)model_eval(s->model, s->model->output.base, &env);
	if (s->model->output.window != REF_NONE)
		s->output_first = (uint64_t)model_eval(s->model, s->model->output.window, &env);
	s->last = input->aperture_last == REF_NONE ? s->input_mask
						   : (uint64_t)model_eval(s->model, input->aperture_last, &env);
}

/* The first and last address as presented; those of a signed input wrap. */
static void presented_ends(const struct selftest *s, uint64_t *first, uint64_t *last)
{
	uint64_t half = (s->input_mask >> 1) + 1;

	*first = expect_presented(s, s->first);
	*last = expect_presented(s, s->last);
	if (s->first == 0 && s->last == s->input_mask && expect_extended(s, half) != half) {
		bool sign = expect_extended(s, 0) == 0;

		*first = sign ? expect_presented(s, half) : *first;
		*last = sign ? expect_presented(s, half - 1) : *last;
	}
}

static const char *say_config(struct selftest *s)
{
	const char *text = "";
	int64_t *defaults = arena_alloc(s->arena, sizeof(*defaults) * (size_t)(s->model->params.n + 1));

	for (int i = 0; i < s->model->params.n; i++)
		defaults[i] = INT64_MIN;
	model_defaults(s->model, defaults);
	for (int i = 0; i < s->model->params.n; i++)
		if (s->param[i] != defaults[i])
			text = arena_printf(s->arena, "%s%s%s = %" PRId64, text, *text ? ", " : "",
					    s->model->params.v[i].name, s->param[i]);
	return *text ? arena_printf(s->arena, "%s: ", text) : "";
}

static void put_config(struct selftest *s)
{
	const struct model *model = s->model;
	const char *granted, *bits, *fields, *registers, *params = "";
	int n_bits = 0, n_fields = 0, n_registers = 0, walk_index;
	uint64_t first, last, sizes = 0, origin = s->first;
	struct path path;
	ref leaf;

	s->with = say_config(s);
	granted = granted_of(s);
	leaf = expect_smallest_leaf(s);
	if (leaf == REF_NONE || s->n_rights == 0)
		return;
	expect_make_path(s, model->kinds.v[leaf].level, 0, &path);
	if (!expect_fit(s, &path, model->kinds.v[leaf].lg2, true, &origin))
		return;
	expect_make_path(s, model->kinds.v[leaf].level, origin, &path);
	(void)expect_leaf_word(s, leaf, s->rights[s->strong], expect_pattern_of(s, leaf), &path.step[path.n - 1].link);
	walk_index = put_flip(s, &path, path.n - 1, path.step[path.n - 1].link, NULL, true);
	bits = input_bits(s, &path, leaf, &n_bits);
	add_check(s, CHECK_INPUT, 0, "every bit of the input address");
	registers = registers_of(s, &n_registers);
	add_check(s, CHECK_REGISTERS, 0, "the registers");
	fields = fields_of(s, &n_fields);
	if (n_fields)
		add_check(s, CHECK_FIELDS, 0, "every named field");
	for (ref k = 0; k < model->kinds.n; k++) {
		if (s->present[k] && model->levels.v[model->kinds.v[k].level].shape == s->shape)
			put_kind_flips(s, k);
		if (expect_offered(s, k))
			sizes |= (uint64_t)1 << model->kinds.v[k].lg2;
	}
	for (ref k = 0; k < model->kinds.n; k++)
		if (expect_is_made(s, k))
			put_leaf(s, k);
	presented_ends(s, &first, &last);
	for (int i = 0; i < model->params.n; i++)
		params = arena_printf(s->arena, "%s%s%" PRId64, params, i ? ", " : "", s->param[i]);
	for (int i = 0; i < model->addresses.n; i++)
		params = arena_printf(s->arena, "%s%s%s", params, *params ? ", " : "",
				      hex(s, codec_addresses()[i] & model_address_bits(model, i)));
	fprintf(s->configs, "\t{{%s}, %s, %s, %s, %s, %s, %s, %s, %s, %s, &flips[%d], %s, %s, %d, %d, %d, %d, %d, %d},\n",
		*params ? params : "0", hex(s, s->base), hex(s, s->output_first), hex(s, first), hex(s, last),
		hex(s, sizes), granted, rights_array(s), left_array(s), bits, walk_index, fields, registers, s->n_rights, n_bits,
		n_fields, n_registers, s->n_roots, s->spread);
	s->n_configs++;
}

/* Bind everything to the parameters at hand; false if they do not go together. */
static bool bind(struct selftest *s)
{
	const struct model *model = s->model;
	struct m_env env = environment(s, REF_NONE, NULL);

	model_defaults(model, s->param);
	for (int i = 0; i < model->params.n; i++) {
		bool inside = model->params.v[i].bound;

		for (int r = 0; r < model->params.v[i].n_ranges && !inside; r++) {
			const struct m_range *range = &model->ranges.v[model->params.v[i].first_range + r];

			inside = s->param[i] >= range->first && s->param[i] <= range->last;
		}
		if (!inside)
			return false;
	}
	for (int i = 0; i < model->requires.n; i++)
		if (!model_holds(model, model->requires.v[i].cond, &env))
			return false;
	s->shape = model_shape(model, s->param);
	if (s->shape == REF_NONE)
		return false;
	s->start = model->root.start == REF_NONE
			   ? model->shapes.v[s->shape].first_level
			   : model_level(model, s->shape, model_eval(model, model->root.start, &env));
	if (s->start == REF_NONE)
		return false;
	for (ref k = 0; k < model->kinds.n; k++) {
		s->present[k] = level_at(s, model->kinds.v[k].level)->shape == s->shape &&
				model_holds(model, model->kinds.v[k].present, &env);
		if (s->present[k])
			codec_bind(&s->bound[k], model, k, s->param);
	}
	select_inputs(s);
	place_tables(s);
	return true;
}

/* One configuration: these parameters, the others at their defaults. Kept if it must be, or if it starts elsewhere. */
static bool try_config(struct selftest *s, const int64_t *param, bool keep)
{
	const char *signature = "";

	memcpy(s->param, param, sizeof(*param) * (size_t)s->model->params.n);
	if (!bind(s))
		return false;
	if (s->looking)
		return true;
	for (int i = 0; i < s->model->params.n; i++)
		signature = arena_printf(s->arena, "%s %" PRId64, signature, s->param[i]);
	if (seen_before(s, signature))
		return true;
	if (seen_before(s, arena_printf(s->arena, "shape %d, start %d, %d roots", (int)s->shape, (int)s->start,
					s->n_roots)) &&
	    !keep)
		return true;
	if (s->n_configs < MAX_CONFIGS)
		put_config(s);
	return true;
}

/* Calls fn for every value of a parameter; edge: the first or last of its set. Stops when fn returns true. */
static bool for_values(struct selftest *s, int which,
		       bool (*fn)(struct selftest *s, int which, int64_t value, bool edge, void *ctx), void *ctx)
{
	const struct m_param *p = &s->model->params.v[which];

	if (p->bound)
		return false;
	for (int r = 0; r < p->n_ranges; r++) {
		const struct m_range *range = &s->model->ranges.v[p->first_range + r];

		for (int64_t value = range->first; value <= range->last; value++)
			if (fn(s, which, value,
			       (r == 0 && value == range->first) || (r + 1 == p->n_ranges && value == range->last),
			       ctx))
				return true;
	}
	return false;
}

static bool with_both(struct selftest *s, int which, int64_t value, bool edge, void *ctx)
{
	int64_t *param = ctx;
	bool done;

	(void)edge;
	if (param[which] != INT64_MIN)
		return false;
	param[which] = value;
	done = try_config(s, param, true);
	param[which] = INT64_MIN;
	return done;
}

/* A value of one parameter; where it cannot stand alone, with the first value of another one that makes it possible. */
static bool with_one(struct selftest *s, int which, int64_t value, bool edge, void *ctx)
{
	int64_t *param = ctx;

	for (int i = 0; i < s->model->params.n; i++)
		param[i] = INT64_MIN;
	param[which] = value;
	if (!try_config(s, param, edge) && edge)
		for (int i = 0; i < s->model->params.n; i++)
			if (for_values(s, i, with_both, param))
				break;
	return false;
}

/* ---- the file */

static bool is_wide(const struct model *model)
{
	for (int i = 0; i < model->levels.n; i++)
		if (model->levels.v[i].entry_bytes > 8)
			return true;
	return false;
}

static void emit_tables(void *ctx)
{
	struct selftest *s = ctx;
	FILE *out = s->tables;

	fputs(s->text[0], out);
	fprintf(out,
		"static const struct flip flips[] = {\n%s};\n\nstatic const struct leaf leaves[] = {\n%s};\n\n"
		"static const struct config configs[] = {\n%s};\n\n/* Function, configuration, index of the flip or "
		"leaf. */\n"
		"static const struct {\n\tuint8_t function;\n\tuint16_t config, index;\n} checks[] = {\n%s};\n\n",
		s->text[1], s->text[2], s->text[3], s->text[4]);
	fprintf(out, "const char *const %s_selftest_names[] = {\n", s->lower);
	for (int i = 0; i < s->names.n; i++)
		fputs(s->names.v[i], out);
	fprintf(out, "};\n\nconst int %s_selftest_count = %d;\n\n", s->lower, s->names.n);
}

static void collect(struct selftest *s)
{
	int64_t *param = arena_alloc(s->arena, sizeof(*param) * (size_t)(s->model->params.n + 1));

	for (int i = 0; i < s->model->params.n; i++)
		param[i] = INT64_MIN;
	try_config(s, param, true);
	for (int i = 0; i < s->model->params.n; i++)
		for_values(s, i, with_one, param);
}

void emit_selftest(struct context *context, const struct model *model, struct outputs *outputs)
{
	const char *name = emitted_name(context, model), *slash = strrchr(model->source, '/');
	struct selftest *s = arena_alloc(context->arena, sizeof(*s));
	int n_params = model->params.n + model->addresses.n; /* addresses come behind the parameters */
	FILE **stream[5] = {&s->tables, &s->flips, &s->leaves, &s->configs, &s->checks};
	struct template_hole holes[11];
	struct template_part parts[] = {{"tables", emit_tables}, {NULL, NULL}};
	struct template_flag flags[] = {
		{"wide", is_wide(model)},
		{"outside", model->output.base != REF_NONE || model->output.window != REF_NONE},
		{NULL, false},
	};
	struct template_set set = {.ctx = s, .holes = holes, .flags = flags, .parts = parts};

	s->context = context;
	s->arena = context->arena;
	s->model = model;
	s->lower = name;
	s->bound = arena_alloc(s->arena, sizeof(*s->bound) * (size_t)(model->kinds.n + 1));
	s->present = arena_alloc(s->arena, sizeof(*s->present) * (size_t)(model->kinds.n + 1));
	s->param = arena_alloc(s->arena, sizeof(*s->param) * (size_t)(model->params.n + 1));
	s->register_words = 1;
	for (int i = 0; i < model->registers.n; i++)
		s->register_words = (model->registers.v[i].bits + 63) / 64 > s->register_words
					    ? (model->registers.v[i].bits + 63) / 64
					    : s->register_words;
	for (int i = 0; i < 5; i++) {
		*stream[i] = open_memstream(&s->text[i], &s->text_size[i]);
		if (!*stream[i]) {
			diag_usage(context, "out of memory");
			exit(2);
		}
	}
	s->looking = true; /* how many roots can there be? */
	collect(s);
	s->looking = false;
	collect(s);
	for (int i = 0; i < 5; i++)
		fclose(*stream[i]);
	holes[0] = (struct template_hole){"VERSION", PTGEN_VERSION, NULL};
	holes[1] = (struct template_hole){"SOURCE", slash ? slash + 1 : model->source, NULL};
	holes[2] = (struct template_hole){"F", name, NULL};
	holes[3] = (struct template_hole){"N_CONFIGS", arena_printf(s->arena, "%d", s->n_configs), NULL};
	holes[4] = (struct template_hole){"MEMORY", arena_printf(s->arena, "0x%" PRIx64, s->memory), NULL};
	holes[5] = (struct template_hole){"N_PARAMS", arena_printf(s->arena, "%d", n_params ? n_params : 1), NULL};
	holes[6] = (struct template_hole){"REGISTER_WORDS", arena_printf(s->arena, "%d", s->register_words), NULL};
	holes[7] = (struct template_hole){
		"WIDE_FAULT", arena_printf(s->arena, "%u", fault_number(model->output.fault, FAULT_ADDRESS)), NULL};
	holes[8] = (struct template_hole){
		"RESERVED_FAULT", arena_printf(s->arena, "%u", fault_number(model->reserved_fault, FAULT_RESERVED)),
		NULL};
	holes[9] = (struct template_hole){"MAX_REGISTERS",
					  arena_printf(s->arena, "%d", model->registers.n * s->max_roots + 1), NULL};
	holes[10] = (struct template_hole){NULL, NULL, NULL};
	set.out = s->tables = output_open(outputs, arena_printf(s->arena, "%s_selftest.c", name));
	template_run(&set, template_selftest);
	for (int i = 0; i < 5; i++)
		free(s->text[i]);
}

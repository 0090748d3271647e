/* SPDX-License-Identifier: MIT */
/* interp_walk.c - walks, scans and the choice of leaves of the plain interpreter (see interp.h). */
#include "interp.h"

#include <string.h>

static const struct m_kind *kind_of(const struct interp *in, ref kind)
{
	return &in->model->kinds.v[kind];
}

static const struct m_level *level_of(const struct interp *in, ref level)
{
	return &in->model->levels.v[level];
}

static uint64_t fault_bit(ref fault, unsigned int otherwise)
{
	unsigned int n = otherwise;

	if (fault != REF_NONE)
		n = fault < N_FAULTS_BUILTIN ? (unsigned int)fault + PT_FAULT_ABSENT
					     : (unsigned int)(fault - N_FAULTS_BUILTIN) + PT_FAULT_FORMAT;
	return (uint64_t)1 << n;
}

/* The level that a table entry leads to. */
static ref next_level(const struct interp *in, ref kind, const uint64_t word[2])
{
	for (int i = 0; i < kind_of(in, kind)->n_next; i++) {
		const struct m_next *next = &in->model->nexts.v[kind_of(in, kind)->first_next + i];

		if (interp_holds(in, next->cond, kind, word, 0))
			return next->level;
	}
	return REF_NONE;
}

/* The second of the sub-tables that an entry leads to, and where it is; REF_NONE: there is none. */
static ref second_level(const struct interp *in, ref kind, const uint64_t word[2], uint64_t *table)
{
	int n = 0;

	for (int i = 0; i < kind_of(in, kind)->n_next; i++) {
		const struct m_next *next = &in->model->nexts.v[kind_of(in, kind)->first_next + i];

		if (!next->via || !interp_holds(in, next->cond, kind, word, 0) || n++ == 0)
			continue;
		*table = interp_sub_address(in, kind, next->via, word);
		return next->level;
	}
	return REF_NONE;
}

static void fill_leaf(const struct interp *in, struct interp_walk *walk, ref kind, uint64_t inner,
		      const uint64_t word[2], unsigned int path_rights)
{
	const struct m_kind *k = kind_of(in, kind);
	unsigned int lo = (unsigned int)level_of(in, k->level)->lo, lg2 = (unsigned int)k->lg2;
	uint64_t offset = inner & ones(lg2), item = interp_address(in, kind, word);
	struct interp_decode decode;

	interp_decode(in, kind, word, &decode);
	if (k->group == GROUP_CONTIG) {
		/* the address is that of the slot */
		walk->pa = item + (inner & ones(lo));
		walk->leaf.pa = item - (offset & ~ones(lo));
	} else {
		walk->pa = item + offset;
		walk->leaf.pa = item;
	}
	walk->leaf.iova = interp_present(in, inner - offset);
	walk->leaf.raw[0] = word[0];
	walk->leaf.raw[1] = word[1];
	walk->leaf.level = (uint16_t)k->level;
	walk->leaf.kind = (uint16_t)kind;
	walk->leaf.lg2 = (uint8_t)lg2;
	walk->leaf.entry_lg2 = (uint8_t)lo;
	walk->leaf.rights = (uint8_t)((decode.rights & path_rights) | (decode.rights & PT_RIGHT_GLOBAL));
	walk->leaf.memory = (uint8_t)decode.memory;
	walk->leaf.accessed = decode.accessed;
	walk->leaf.dirty = decode.dirty;
	walk->unknown_rights |= decode.unknown_rights;
}

void interp_walk(const struct interp *in, const struct image *image, struct interp_roots roots, uint64_t iova,
		 struct interp_walk *walk)
{
	unsigned int rights = PT_RIGHT_ALL;
	uint64_t table, inner, beside = 0;
	ref level = in->start, beside_level = REF_NONE;

	memset(walk, 0, sizeof(*walk));
	walk->level = level;
	if (!interp_input(in, iova, &inner)) {
		walk->faults = fault_bit(in->model->input.fault, PT_FAULT_ADDRESS);
		return;
	}
	table = roots.pa[interp_root(in, inner)];
	for (;;) {
		bool start = walk->n_steps == 0;
		struct pt_step *step = &walk->step[walk->n_steps];
		struct interp_decode decode;
		uint64_t word[2], skipped;
		ref kind, next;

		walk->level = level;
		for (unsigned int i = 0; i < walk->n_steps; i++)
			walk->own_ancestor |= walk->table[i] == table;
		walk->table[walk->n_steps] = table;
		if (!interp_has_index(in, level, interp_index(in, level, start, inner))) {
			/* as if an absent entry stood there */
			for (int i = 0; i < level_of(in, level)->n_kinds; i++)
				if (kind_of(in, level_of(in, level)->first_kind + i)->category == CATEGORY_ABSENT)
					walk->faults |=
						fault_bit(kind_of(in, level_of(in, level)->first_kind + i)->fault,
							  PT_FAULT_ABSENT);
			return;
		}
		step->entry_pa = interp_entry_pa(in, level, table, interp_index(in, level, start, inner));
		step->level = (uint16_t)level;
		step->kind = PT_NO_KIND;
		if (!interp_read(in, image, level, step->entry_pa, word)) {
			walk->faults = (uint64_t)1 << PT_FAULT_BOUNDS;
			return;
		}
		walk->n_steps++;
		step->raw[0] = word[0];
		step->raw[1] = word[1];
		kind = interp_classify(in, level, word, NULL);
		if (kind == REF_NONE) {
			walk->faults = fault_bit(in->model->reserved_fault, PT_FAULT_RESERVED);
			return;
		}
		step->kind = (uint16_t)kind;
		walk->faults = interp_reserved(in, kind, word);
		if (walk->faults)
			return;
		if (kind_of(in, kind)->category == CATEGORY_ABSENT && beside_level != REF_NONE) {
			/* the sub-table that comes next decides */
			table = beside;
			level = beside_level;
			beside_level = REF_NONE;
			continue;
		}
		switch (kind_of(in, kind)->category) {
		case CATEGORY_LEAF: fill_leaf(in, walk, kind, inner, word, rights); return;
		case CATEGORY_TABLE: break;
		case CATEGORY_NULL: walk->faults = fault_bit(kind_of(in, kind)->fault, PT_FAULT_NULL); return;
		default: walk->faults = fault_bit(kind_of(in, kind)->fault, PT_FAULT_ABSENT); return;
		}
		interp_decode(in, kind, word, &decode);
		rights &= decode.rights;
		walk->unknown_rights |= decode.unknown_rights;
		next = next_level(in, kind, word);
		if (next == REF_NONE) {
			walk->faults = fault_bit(in->model->reserved_fault, PT_FAULT_RESERVED);
			return;
		}
		/* input bits that no level on the path consumes must be zero */
		skipped = inner & ones((unsigned int)level_of(in, level)->lo) &
			  ~ones((unsigned int)level_of(in, next)->hi + 1);
		if (skipped) {
			walk->faults = (uint64_t)1 << PT_FAULT_ABSENT | (uint64_t)1 << PT_FAULT_ADDRESS |
				       fault_bit(in->model->reserved_fault, PT_FAULT_RESERVED);
			return;
		}
		table = interp_address(in, kind, word);
		level = next;
		beside_level = second_level(in, kind, word, &beside);
	}
}

void interp_translate(const struct interp *in, const struct image *image, struct interp_roots roots, uint64_t iova,
		      unsigned int access, struct interp_walk *walk)
{
	bool priv = (access & PT_ACCESS_PRIV) != 0;
	unsigned int need = access & (PT_ACCESS_READ | PT_ACCESS_WRITE | PT_ACCESS_EXEC);

	interp_walk(in, image, roots, iova, walk);
	/* an entry on the way with accessed clear that hardware does not set faults at that level */
	for (unsigned int i = 0; i < walk->n_steps; i++) {
		struct interp_decode decode;
		ref kind = walk->step[i].kind == PT_NO_KIND ? REF_NONE : (ref)walk->step[i].kind;

		if (kind == REF_NONE ||
		    (kind_of(in, kind)->category != CATEGORY_TABLE && kind_of(in, kind)->category != CATEGORY_LEAF))
			continue;
		if (interp_reserved(in, kind, walk->step[i].raw))
			continue;
		interp_decode(in, kind, walk->step[i].raw, &decode);
		if (decode.has_accessed && !decode.accessed && !decode.accessed_by_hardware)
			walk->faults |= (uint64_t)1 << PT_FAULT_ACCESS;
		if (kind_of(in, kind)->category == CATEGORY_LEAF && access & PT_ACCESS_WRITE && decode.has_dirty &&
		    !decode.dirty && !decode.dirty_by_hardware)
			walk->faults |= (uint64_t)1 << PT_FAULT_ACCESS;
	}
	if (!priv)
		need <<= 3;
	for (int i = 0; i < in->model->nevers.n; i++) {
		const struct m_never *never = &in->model->nevers.v[i];

		if (interp_holds(in, never->cond, REF_NONE, NULL, 0) && walk->leaf.rights & never->when)
			walk->leaf.rights &= (uint8_t)~never->rights;
	}
	if (walk->n_steps && walk->step[walk->n_steps - 1].kind != PT_NO_KIND && walk->leaf.lg2 &&
	    (walk->leaf.rights & need) != need)
		walk->faults |= (uint64_t)1 << PT_FAULT_PERMISSION;
}

/* -----------------------------------------------------------------------------------------------------------------
 * scan */

struct scan {
	const struct interp *in;
	const struct image *image;
	const struct interp_scan *to;
};

/* Entries of a table from `first` on that are surely the absent word seen before; most entries are. */
static uint64_t skip_absent(const struct scan *scan, ref level, uint64_t table, uint64_t first, uint64_t n,
			    const uint64_t absent[2])
{
	const struct m_level *l = level_of(scan->in, level);
	unsigned char want[16], bytes[1024];
	size_t size = (size_t)l->entry_bytes, room = sizeof(bytes) / size;
	uint64_t i = first;

	if (l->every_lg2)
		return first;
	interp_store(scan->in, level, absent, want);
	while (i < n) {
		size_t here = n - i < room ? (size_t)(n - i) : room;

		if (!scan->image->read(scan->image->ctx, interp_entry_pa(scan->in, level, table, i), bytes,
				       here * size))
			return i;
		for (size_t k = 0; k < here; k++, i++)
			if (memcmp(bytes + k * size, want, size) != 0)
				return i;
	}
	return n;
}

static bool scan_table(const struct scan *scan, ref level, bool start, uint64_t table, uint64_t inner,
		       unsigned int rights)
{
	const struct interp *in = scan->in;
	uint64_t n = interp_entries(in, level, start), used = 0;
	unsigned int lo = (unsigned int)level_of(in, level)->lo;
	uint64_t absent[2] = {0, 0};
	bool known_absent = false;

	for (uint64_t i = 0; i < n; i++) {
		struct interp_entry entry = {.level = level, .table = table, .child_level = REF_NONE};
		struct interp_decode decode;
		enum ast_category category = CATEGORY_ABSENT;

		if (known_absent)
			i = skip_absent(scan, level, table, i, n, absent);
		if (i == n)
			break;
		if (!interp_has_index(in, level, i))
			continue;
		entry.index = i;
		entry.pa = interp_entry_pa(in, level, table, i);
		if (!interp_read(in, scan->image, level, entry.pa, entry.word))
			return false;
		entry.kind = interp_classify(in, level, entry.word, NULL);
		entry.inner = inner + (lo > 63 ? 0 : i << lo);
		entry.path_rights = rights;
		if (entry.kind != REF_NONE)
			category = kind_of(in, entry.kind)->category;
		if (entry.kind != REF_NONE && category == CATEGORY_ABSENT) {
			known_absent = true;
			absent[0] = entry.word[0];
			absent[1] = entry.word[1];
			continue;
		}
		used++;
		if (category == CATEGORY_TABLE) {
			entry.child = interp_address(in, entry.kind, entry.word);
			entry.child_level = next_level(in, entry.kind, entry.word);
		}
		if (scan->to->entry)
			scan->to->entry(scan->to->ctx, &entry);
		if (category != CATEGORY_TABLE || entry.child_level == REF_NONE)
			continue;
		interp_decode(in, entry.kind, entry.word, &decode);
		if (!scan_table(scan, entry.child_level, false, entry.child, entry.inner, rights & decode.rights))
			return false;
	}
	if (scan->to->table)
		scan->to->table(scan->to->ctx, level, table, inner, n << (lo > 63 ? 0 : lo), used);
	return true;
}

bool interp_scan(const struct interp *in, const struct image *image, struct interp_roots roots,
		 const struct interp_scan *to)
{
	struct scan scan = {in, image, to};

	for (unsigned int i = 0; i >> in->count_lg2 == 0; i++)
		if (!scan_table(&scan, in->start, true, roots.pa[i],
				i ? (uint64_t)i << (in->input_hi + 1 - in->count_lg2) : 0, PT_RIGHT_ALL))
			return false;
	return true;
}

/* -------------------------------------------------------------------------------------------------- choosing a leaf */

bool interp_offered(const struct interp *in, ref kind)
{
	const struct m_kind *k = kind_of(in, kind);

	if (k->category != CATEGORY_LEAF || !interp_holds(in, k->present, REF_NONE, NULL, 0) ||
	    !interp_written(in, k->level))
		return false;
	return (unsigned int)k->lg2 <= in->input_hi + 1 - in->count_lg2 && k->lg2 < 64 &&
	       ones((unsigned int)k->lg2) <= in->output_mask;
}

/*
 * Where the tables of a level lead to as a mapper writes them: of its kinds of table entry the first whose word, all
 * fields at their defaults, leads to smaller entries.
 */
static ref written_next(const struct interp *in, ref level)
{
	for (int i = 0; i < level_of(in, level)->n_kinds; i++) {
		ref kind = level_of(in, level)->first_kind + i, next;
		uint64_t word[2];

		if (kind_of(in, kind)->category != CATEGORY_TABLE ||
		    !interp_encode(in, kind, interp_outside(in, 0), 0, word) ||
		    interp_classify(in, level, word, NULL) != kind)
			continue;
		next = next_level(in, kind, word);
		if (next != REF_NONE && level_of(in, next)->lo < level_of(in, level)->lo)
			return next;
	}
	return REF_NONE;
}

void interp_way(struct interp *in)
{
	ref at = in->start;

	for (in->n_way = 0; in->n_way < PT_MAX_STEPS && at != REF_NONE; at = written_next(in, at))
		in->way[in->n_way++] = at;
}

bool interp_written(const struct interp *in, ref level)
{
	for (unsigned int i = 0; i < in->n_way; i++)
		if (in->way[i] == level)
			return true;
	return false;
}

/* Is there no leaf below an entry: absent, or tables of nothing but absent entries? */
static bool nothing_below(const struct interp *in, const struct image *image, ref level, uint64_t pa)
{
	uint64_t word[2], child;
	ref kind, next;

	if (!interp_read(in, image, level, pa, word))
		return false;
	kind = interp_classify(in, level, word, NULL);
	if (kind == REF_NONE)
		return false;
	if (kind_of(in, kind)->category == CATEGORY_ABSENT)
		return true;
	next = kind_of(in, kind)->category == CATEGORY_TABLE ? next_level(in, kind, word) : REF_NONE;
	if (next == REF_NONE)
		return false;
	child = interp_address(in, kind, word);
	for (uint64_t i = 0; i < interp_entries(in, next, false); i++)
		if (interp_has_index(in, next, i) &&
		    !nothing_below(in, image, next, interp_entry_pa(in, next, child, i)))
			return false;
	return true;
}

/* Are count slots from first on in a table free for a leaf? */
static bool slots_absent(const struct interp *in, const struct image *image, ref level, uint64_t table, uint64_t first,
			 uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (!interp_has_index(in, level, first + i) ||
		    !nothing_below(in, image, level, interp_entry_pa(in, level, table, first + i)))
			return false;
	return true;
}

/* Is there room for this kind at the address, in the tables as they are? */
static bool has_room(const struct interp *in, const struct image *image, struct interp_roots roots, uint64_t inner,
		     ref kind)
{
	uint64_t root, table, word[2];
	ref level = in->start, entry;

	if (in->input_hi < 63 && inner >> (in->input_hi + 1))
		return true; /* the root will grow over it */
	root = table = roots.pa[interp_root(in, inner)];
	if (kind_of(in, kind)->level < level) /* the root will hang below where the leaf goes */
		return slots_absent(in, image, level, table, 0, interp_entries(in, level, true));
	for (;;) {
		bool start = level == in->start && table == root;
		uint64_t index = interp_index(in, level, start, inner);

		if (level == kind_of(in, kind)->level)
			return slots_absent(in, image, level, table, index,
					    (uint64_t)1 << kind_of(in, kind)->group_lg2);
		if (!interp_has_index(in, level, index))
			return false;
		if (!interp_read(in, image, level, interp_entry_pa(in, level, table, index), word))
			return false;
		entry = interp_classify(in, level, word, NULL);
		if (entry == REF_NONE)
			return false;
		if (kind_of(in, entry)->category == CATEGORY_ABSENT)
			return interp_has_slots(in, inner, (unsigned int)kind_of(in, kind)->lg2);
		if (kind_of(in, entry)->category != CATEGORY_TABLE)
			return false;
		table = interp_address(in, entry, word);
		level = next_level(in, entry, word);
		if (level == REF_NONE || level > kind_of(in, kind)->level)
			return false; /* the table above skips the level */
	}
}

bool interp_choose(const struct interp *in, const struct interp *now, const struct image *image,
		   struct interp_roots roots, uint64_t iova, uint64_t pa, uint64_t bytes, uint64_t page_sizes,
		   struct interp_leaf *leaf)
{
	const struct m_shape *shape = &in->model->shapes.v[in->shape];
	uint64_t inner, word[2];
	bool found = false;

	if (!interp_input(in, iova, &inner))
		return false;
	for (ref level = shape->first_level; level < shape->first_level + shape->n_levels; level++) {
		for (int i = 0; i < level_of(in, level)->n_kinds; i++) {
			ref kind = level_of(in, level)->first_kind + i;
			unsigned int lg2 = (unsigned int)kind_of(in, kind)->lg2;

			if (!interp_offered(in, kind) || !(page_sizes >> lg2 & 1) || bytes <= ones(lg2) ||
			    (inner | interp_inside(in, pa)) & ones(lg2))
				continue;
			/* a group must lie in one table, and a leaf in what the root covers */
			if (kind_of(in, kind)->group_lg2 &&
			    (uint64_t)1 << kind_of(in, kind)->group_lg2 > interp_entries(in, level, level == in->start))
				continue;
			if (found && lg2 <= leaf->lg2)
				continue;
			if (!interp_encode(in, kind, pa, PT_READ | PT_WRITE, word) ||
			    !has_room(now, image, roots, inner, kind))
				continue;
			found = true;
			leaf->iova = iova;
			leaf->pa = pa;
			leaf->level = level;
			leaf->kind = kind;
			leaf->lg2 = lg2;
		}
	}
	return found;
}

bool interp_has_slots(const struct interp *in, uint64_t inner, unsigned int lg2)
{
	for (unsigned int i = 0; i < in->n_way; i++) {
		ref level = in->way[i];
		bool start = i == 0, last = (unsigned int)level_of(in, level)->lo <= lg2;

		if (!interp_has_index(in, level, interp_index(in, level, start, inner)) ||
		    (last && !interp_has_index(in, level, interp_index(in, level, start, inner + ones(lg2)))))
			return false;
		if (last)
			break;
	}
	return true;
}

uint64_t interp_page_sizes(const struct interp *in)
{
	const struct m_shape *shape = &in->model->shapes.v[in->shape];
	uint64_t sizes = 0;

	for (ref level = in->start; level < shape->first_level + shape->n_levels; level++)
		for (int i = 0; i < level_of(in, level)->n_kinds; i++)
			if (interp_offered(in, level_of(in, level)->first_kind + i))
				sizes |= (uint64_t)1 << kind_of(in, level_of(in, level)->first_kind + i)->lg2;
	return sizes;
}

bool interp_holds_address(const struct interp *in, unsigned int lg2, uint64_t pa, unsigned int request)
{
	const struct m_shape *shape = &in->model->shapes.v[in->shape];

	for (ref level = in->start; level < shape->first_level + shape->n_levels; level++)
		for (int i = 0; i < level_of(in, level)->n_kinds; i++) {
			ref kind = level_of(in, level)->first_kind + i;
			uint64_t word[2];

			if ((unsigned int)kind_of(in, kind)->lg2 == lg2 && interp_offered(in, kind) &&
			    interp_encode(in, kind, pa, request, word))
				return true;
		}
	return false;
}

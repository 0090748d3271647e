/* SPDX-License-Identifier: MIT */
/*
 * pt_nested.h - two stages of translation: what the first one yields, and where its tables lie, are addresses that the
 * second one translates. For any two formats; freestanding, like pt.h.
 */
#ifndef PTGEN_PT_NESTED_H
#define PTGEN_PT_NESTED_H

#include "pt.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * stage1   a view of the first table (F_view), or a table; its root and its entries are intermediate addresses.
 * stage2   the second one.
 * memory   reads (and updates) physical memory.
 */
struct pt_nested {
	const struct pt_table *stage1, *stage2;
	struct pt_reader *memory;
};

/*
 * What became of an access.
 *
 * fault    PT_FAULT_NONE, or why it failed, in the stage that `stage` (1 or 2) names.
 * in_walk  stage 2 failed for an entry of a table of stage 1, at intermediate address `ipa`, and not for the access
 *          itself: it cannot be read, or accessed or dirty cannot be set in it
 * ipa      the intermediate address: of the access, or where stage 2 failed
 * pa       the physical address, when nothing failed
 * walk1    the walk of stage 1, as far as it came; where an entry cannot be written: all of it, with that entry
 * walk2    the last one of stage 2
 * rights   what both stages leave
 */
struct pt_nested_walk {
	struct pt_walk walk1, walk2;
	uint64_t ipa, pa;
	uint16_t fault;
	uint8_t stage;
	uint8_t rights;
	bool in_walk;
};

/*
 * Private: how stage 1 reads its tables. failed: stage 2 refused, and everything after that fails as well; unwritten:
 * the walk of stage 1 when it was writing that was refused.
 */
struct pt_nested_reader {
	const struct pt_nested *nested;
	struct pt_nested_walk *out;
	struct pt_walk unwritten;
	bool failed, is_unwritten;
};

/* Private: translate [ipa, ipa + bytes), as far as it is contiguous in one leaf of stage 2. */
static inline bool pt_nested_step(struct pt_nested_reader *reader, uint64_t ipa, unsigned int access, size_t *bytes,
				  uint64_t *pa)
{
	const struct pt_table *stage2 = reader->nested->stage2;
	struct pt_walk *walk = &reader->out->walk2;
	uint64_t left;

	stage2->format->translate(stage2, reader->nested->memory, ipa, access, walk);
	if (walk->fault != PT_FAULT_NONE) {
		if (!reader->failed) {
			reader->failed = true;
			reader->out->ipa = ipa;
			reader->out->fault = walk->fault;
		}
		return false;
	}
	left = ((uint64_t)1 << (walk->leaf.lg2 & 63U)) - (ipa & (((uint64_t)1 << (walk->leaf.lg2 & 63U)) - 1));
	if (*bytes > left)
		*bytes = (size_t)left;
	*pa = walk->pa;
	return true;
}

/* Private: pt_reader.read of stage 1. The access is the hardware's own: a privileged read. */
static inline bool pt_nested_read(void *ctx, uint64_t ipa, void *buffer, size_t bytes)
{
	struct pt_nested_reader *reader = (struct pt_nested_reader *)ctx;
	const struct pt_reader *memory = reader->nested->memory;
	unsigned char *to = (unsigned char *)buffer;

	/* After a failed update the walker reads the entry again: it must not go round for ever. */
	while (bytes) {
		size_t part = bytes;
		uint64_t pa;

		if (reader->failed || !pt_nested_step(reader, ipa, PT_ACCESS_READ | PT_ACCESS_PRIV, &part, &pa) ||
		    !memory->read(memory->ctx, pa, to, part))
			return false;
		to += part;
		ipa += part;
		bytes -= part;
	}
	return true;
}

/* Private: pt_reader.update of stage 1, which needs the right to write. */
static inline bool pt_nested_update(void *ctx, uint64_t ipa, const void *expected, const void *desired, size_t bytes)
{
	struct pt_nested_reader *reader = (struct pt_nested_reader *)ctx;
	const struct pt_reader *memory = reader->nested->memory;
	size_t part = bytes;
	uint64_t pa;

	if (!memory->update)
		return false;
	if (!pt_nested_step(reader, ipa, PT_ACCESS_WRITE | PT_ACCESS_PRIV, &part, &pa)) {
		/* The walker starts again, and finds nothing. */
		reader->unwritten = reader->out->walk1;
		reader->is_unwritten = true;
		return false;
	}
	return part == bytes && memory->update(memory->ctx, pa, expected, desired, bytes);
}

/*
 * Translate an access (PT_ACCESS_*) to iova through both stages, as F_translate does through one: accessed and dirty
 * state is updated in both where memory->update is given. out is filled whole. memory->steps bounds both stages
 * together. Context: any; the tables may change meanwhile, see F_translate.
 */
static inline void pt_nested_translate(const struct pt_nested *nested, uint64_t iova, unsigned int access,
				       struct pt_nested_walk *out)
{
	struct pt_nested_reader ctx;
	struct pt_reader reader = {&ctx, pt_nested_read, nested->memory->update ? pt_nested_update : NULL,
				   nested->memory->steps};
	size_t bytes = 1;

	ctx.nested = nested;
	ctx.out = out;
	ctx.failed = ctx.is_unwritten = false;
	out->ipa = out->pa = 0;
	out->fault = PT_FAULT_NONE;
	out->stage = 1;
	out->rights = 0;
	out->in_walk = false;
	out->walk2.n_steps = 0;
	out->walk2.fault = PT_FAULT_NONE;
	nested->stage1->format->translate(nested->stage1, &reader, iova, access, &out->walk1);
	if (ctx.failed) { /* stage 1 saw a table that it could not read */
		out->stage = 2;
		out->in_walk = true;
		if (ctx.is_unwritten)
			out->walk1 = ctx.unwritten;
		return;
	}
	if (out->walk1.fault != PT_FAULT_NONE) {
		out->fault = out->walk1.fault;
		return;
	}
	out->ipa = out->walk1.pa;
	if (!pt_nested_step(&ctx, out->ipa, access, &bytes, &out->pa)) {
		out->stage = 2;
		return;
	}
	out->rights = out->walk1.leaf.rights & out->walk2.leaf.rights;
}

#ifdef __cplusplus
}
#endif

#endif

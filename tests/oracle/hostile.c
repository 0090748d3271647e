/* SPDX-License-Identifier: MIT */
/* hostile.c - words that no mapper wrote: the machine and F_translate must take them for the same. */
#include <inttypes.h>
#include <string.h>

#include "campaign.h"

static struct accesses list;

uint64_t entry_read(const struct trial *trial, const struct pt_level_info *level, uint64_t pa)
{
	uint64_t word = 0;

	CHECK(ram_has(&trial->ram, pa, level->entry_bytes));
	for (unsigned int i = 0; i < level->entry_bytes && i < 8; i++)
		word = word << 8 | trial->ram.direct[pa + (level->big_endian ? i : level->entry_bytes - 1U - i)];
	return word;
}

void entry_write(const struct trial *trial, const struct pt_level_info *level, uint64_t pa, uint64_t word)
{
	CHECK(ram_has(&trial->ram, pa, level->entry_bytes));
	for (unsigned int i = 0; i < level->entry_bytes && i < 8; i++)
		trial->ram.direct[pa + (level->big_endian ? level->entry_bytes - 1U - i : i)] =
			(unsigned char)(word >> 8 * i);
}

static uint64_t mutate(struct trial *trial, uint64_t word, unsigned int bits)
{
	switch (trial_below(trial, 8)) {
	case 0: return test_random(&trial->random);
	case 1: return (word & 0xfff) | (test_random(&trial->random) & ~UINT64_C(0xfff));
	case 2: return (word & ~UINT64_C(0xfff)) | (test_random(&trial->random) & 0xfff);
	default:
		for (uint64_t n = 1 + trial_below(trial, 3); n > 0; n--)
			word ^= UINT64_C(1) << trial_below(trial, bits);
		return word;
	}
}

/*
 * May this access really be made? Only where all that it would read, write or jump to is memory of ours: elsewhere
 * there are devices, and the stub itself.
 */
static bool harmless(struct trial *trial, uint64_t iova, unsigned int access)
{
	static struct access at;
	const struct ram *ram = &trial->ram;
	const struct pt_walk *walk = trial->second.format ? &at.nested.walk1 : &at.walk;

	at.iova = iova;
	at.access = access;
	predict(trial, &at);
	if (at.walk.fault == PT_FAULT_BOUNDS || at.walk.fault == PT_FAULT_LOOP)
		return false;
	if (trial->class->blind && trial->class->blind(trial, walk)) {
		count_gap(trial, trial->class->blind(trial, walk));
		return false;
	}
	/* What a second stage shows of memory is ours. */
	for (unsigned int i = 0; i < walk->n_steps && !trial->second.format; i++) {
		uint64_t pa = walk->step[i].entry_pa;

		if (pa - ram->tables_first >= ram->tables_bytes && !ram_is_data(ram, pa))
			return false;
	}
	return at.walk.fault != PT_FAULT_NONE || ram_is_data(ram, at.walk.pa);
}

void check_hostile(struct trial *trial)
{
	unsigned int access[MAX_ACCESSES], kinds = accesses_of(trial, access), presented = 0;

	list.n = 0;
	map_everything(trial, 2);
	for (unsigned int round = 0; round < 200 * effort(); round++) {
		const struct region *region = &trial->region[trial_below(trial, trial->n_regions)];
		uint64_t iova = region->iova + trial_below(trial, region->bytes), entry, was, word;
		const struct pt_level_info *level;
		const struct pt_step *step;
		struct pt_walk walk;

		trial->format->walk(&trial->table, NULL, iova, &walk);
		step = &walk.step[trial_below(trial, walk.n_steps)];
		level = &trial->format->levels[step->level];
		entry = step->entry_pa - trial->second.shift;
		was = entry_read(trial, level, entry);
		word = mutate(trial, was, 8U * level->entry_bytes);
		entry_write(trial, level, entry, word);
		for (unsigned int k = 0; k < kinds; k++)
			if (harmless(trial, iova, access[k]))
				accesses_add(&list, iova, access[k]);
		presented += list.n != 0;
		trial->class->forget(trial);
		trial_note(trial, "write the word 0x%" PRIx64 " (it was 0x%" PRIx64 ") to 0x%" PRIx64 "\n", word, was,
			   entry);
		judge_list(trial, &list, false);
		entry_write(trial, level, entry, was);
		trial_note(trial, "and back\n");
	}
	trial->class->forget(trial);
	CHECK_MSG(presented >= 50, "only %u words led nowhere else", presented);
}

/* SPDX-License-Identifier: MIT */
/* judge.c - what F_translate or pt_nested_translate predicts, and what the machine then does. */
#include <inttypes.h>
#include <string.h>

#include "oracle.h"

enum { BATCH = 256 };

/* Would two accesses of a batch disturb each other? Words are stamped, written and jumped to. */
static bool disturbs(const struct trial *trial, const struct access *a, const struct access *b)
{
	bool reads = !((a->access | b->access) & (PT_ACCESS_WRITE | PT_ACCESS_EXEC));

	return !(trial->can & CAN_PHYSICAL) && !reads && a->walk.fault == PT_FAULT_NONE &&
	       b->walk.fault == PT_FAULT_NONE && a->walk.pa / 8 == b->walk.pa / 8;
}

const struct pt_format *deciding_format(const struct trial *trial, const struct access *access)
{
	return trial->second.format && access->nested.stage == 2 ? trial->second.format : trial->format;
}

/* Is it the fault of that stage, for that address? */
static bool same_stage(const struct access *access)
{
	const struct pt_nested_walk *nested = &access->nested;

	return access->stage == STAGE_UNTOLD ||
	       (access->stage == nested->stage && access->in_walk == nested->in_walk &&
		(access->ipa == IPA_UNTOLD || access->ipa == (nested->ipa & ~UINT64_C(0xfff))));
}

bool agree(const struct trial *trial, const struct access *access)
{
	const struct pt_walk *walk = &access->walk;

	if (walk->fault == PT_FAULT_NONE)
		return access->allowed && (!access->landed || access->pa == walk->pa);
	return !access->allowed && (access->fault == FAULT_UNTOLD || access->fault == walk->fault) &&
	       (access->level == LEVEL_UNTOLD ||
		access->level == deciding_format(trial, access)->levels[walk->level].number) &&
	       same_stage(access);
}

bool led_to_leaf(const struct access *access)
{
	const struct pt_leaf *leaf = &access->walk.leaf;

	return access->landed && access->pa == leaf->pa + (access->iova - leaf->iova);
}

void count_gap(struct trial *trial, const char *name)
{
	for (unsigned int i = 0; i < MAX_GAPS; i++) {
		if (trial->gap[i].name && strcmp(trial->gap[i].name, name) != 0)
			continue;
		trial->gap[i].name = name;
		trial->gap[i].n++;
		return;
	}
	CHECK_MSG(false, "more than %d gaps of a model", MAX_GAPS);
}

/* Could the entry be written? Nothing is. */
static bool would_update(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	const struct ram *ram = ctx;

	(void)desired;
	return ram_has(ram, pa, bytes) && memcmp(ram->direct + pa, expected, bytes) == 0;
}

/* Of two stages the second may forbid that accessed is set in the first. */
static void predict_nested(struct trial *trial, struct access *access)
{
	struct pt_reader reader = ram_reader(&trial->ram, false);
	struct pt_nested nested = {&trial->table, &trial->second.table, &reader};

	reader.update = would_update;
	pt_nested_translate(&nested, access->iova, access->access, &access->nested);
	access->walk = access->nested.fault != PT_FAULT_NONE && access->nested.stage == 2 ? access->nested.walk2
											  : access->nested.walk1;
	access->walk.fault = access->nested.fault;
	access->walk.pa = access->nested.pa;
}

/* Predictions come first: accesses may set accessed and dirty, which predict nothing else. */
void predict(struct trial *trial, struct access *access)
{
	struct pt_reader reader = ram_reader(&trial->ram, false);

	if (trial->second.format)
		predict_nested(trial, access);
	else
		trial->format->translate(&trial->table, &reader, access->iova, access->access, &access->walk);
	access->allowed = access->landed = access->in_walk = false;
	access->stage = STAGE_UNTOLD;
	access->ipa = IPA_UNTOLD;
	access->pa = 0;
	access->fault = FAULT_UNTOLD;
	access->level = LEVEL_UNTOLD;
	memset(access->raw, 0, sizeof(access->raw));
}

bool judge_one(struct trial *trial, struct access *access)
{
	predict(trial, access);
	trial->class->present(trial, access, 1);
	return agree(trial, access);
}

size_t judge(struct trial *trial, struct access *accesses, size_t n, bool tolerate)
{
	size_t differ = 0;

	for (size_t first = 0, end; first < n; first = end) {
		bool apart = true;

		for (end = first; end < n && end - first < BATCH && apart; end++) {
			predict(trial, &accesses[end]);
			for (size_t i = first; i < end && apart; i++)
				apart = !disturbs(trial, &accesses[i], &accesses[end]);
			if (!apart)
				break;
		}
		trial->class->present(trial, accesses + first, end - first);
		for (size_t i = first; i < end; i++) {
			const char *gap = NULL;

			if (agree(trial, &accesses[i])) {
				trial->n_cases++;
				continue;
			}
			if (trial->class->gap)
				gap = trial->class->gap(trial, &accesses[i]);
			if (gap) {
				count_gap(trial, gap);
				continue;
			}
			if (!tolerate)
				trial_fail(trial, &accesses[i], "the machine and %s%s differ",
					   trial->second.format ? "pt_nested" : trial->format->name, "_translate");
			differ++;
		}
	}
	return differ;
}

/* SPDX-License-Identifier: MIT */
/* survey.c - the tables under a root, each once, with what is under it. */
#include "survey.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * SURVEY_TABLES };

bool chain_continues(const struct chain *chain, const struct chain *next)
{
	return chain->last + 1 == next->first && chain->pa + (chain->last - chain->first) + 1 == next->pa &&
	       chain->kind == next->kind && chain->level == next->level && chain->rights == next->rights &&
	       chain->memory == next->memory;
}

void span_of_step(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova,
		  uint64_t *first, uint64_t *last)
{
	unsigned int lo = table->format->levels[walk->step[i].level].lo;
	uint64_t mask = lo >= 64 ? UINT64_MAX : ((uint64_t)1 << lo) - 1;

	*first = iova & ~mask;
	*last = iova | mask;
}

bool step_loops(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova)
{
	uint64_t next, pa, bytes;

	if (i + 1 >= walk->n_steps || i + 1 >= PT_MAX_STEPS)
		return false;
	table_of_step(table, walk, i + 1, iova, &next, &bytes);
	for (unsigned int k = 0; k <= i; k++) {
		table_of_step(table, walk, k, iova, &pa, &bytes);
		if (pa == next)
			return true;
	}
	return false;
}

static uint32_t *slot_of(const struct survey *survey, uint64_t pa, unsigned int level)
{
	uint64_t hash = (pa ^ (uint64_t)level << 56) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)(hash >> 40) % SLOTS;

	while (survey->index[at] != NO_TABLE &&
	       (survey->tables[survey->index[at]].pa != pa || survey->tables[survey->index[at]].level != level))
		at = (at + 1) % SLOTS;
	return &survey->index[at];
}

uint32_t survey_find(const struct survey *survey, uint64_t pa, unsigned int level)
{
	return *slot_of(survey, pa, level);
}

/* Returns the number of the table; a new one is put under its parent, behind those that it has. */
static uint32_t meet(struct survey *survey, const struct surveyed *found, uint32_t parent)
{
	uint32_t *slot = slot_of(survey, found->pa, found->level);

	if (*slot != NO_TABLE)
		return *slot;
	if (survey->n == SURVEY_TABLES)
		return NO_TABLE;
	if ((survey->n & (survey->n - 1)) == 0)
		survey->tables = allocate(survey->tables, survey->n ? 2 * (size_t)survey->n : 1, sizeof(*found));
	survey->tables[survey->n] = *found;
	if (parent != NO_TABLE) {
		struct surveyed *above = &survey->tables[parent];

		if (above->child == NO_TABLE)
			above->child = survey->n;
		else
			survey->tables[above->last_child].sibling = survey->n;
		above->last_child = survey->n;
	}
	return *slot = survey->n++;
}

static void take_leaf(struct surveyed *table, const struct pt_leaf *leaf)
{
	uint64_t bytes = (uint64_t)1 << (leaf->lg2 & 63);
	struct chain next = {leaf->iova,  leaf->iova + (bytes - 1), leaf->pa, leaf->kind, leaf->level, leaf->rights,
			     leaf->memory};

	table->leaves++;
	table->mapped += bytes;
	if (table->chains == 0) {
		table->chain = next;
		table->chains = 1;
	} else if (table->chains == 1 && chain_continues(&table->chain, &next)) {
		table->chain.last = next.last;
	} else {
		table->chains = 2;
	}
}

static bool take_walk(void *ctx, const struct pt_walk *walk, uint64_t iova)
{
	struct survey *survey = ctx;
	uint32_t path[PT_MAX_STEPS], before = survey->n;
	unsigned int n = 0;
	bool loops = false;

	for (; !loops && n < walk->n_steps && n < PT_MAX_STEPS; n++) {
		struct surveyed found = {.first = 0,
					 .last = UINT64_MAX,
					 .child = NO_TABLE,
					 .sibling = NO_TABLE,
					 .last_child = NO_TABLE,
					 .level = walk->step[n].level,
					 .depth = (uint16_t)n};

		table_of_step(survey->table, walk, n, iova, &found.pa, &found.bytes);
		if (n)
			span_of_step(survey->table, walk, n - 1, iova, &found.first, &found.last);
		path[n] = meet(survey, &found, n ? path[n - 1] : NO_TABLE);
		if (path[n] == NO_TABLE) {
			survey->unknown++;
			break;
		}
		/* A table that was met before by another way was counted then. */
		if (iova < survey->tables[path[n]].first || iova > survey->tables[path[n]].last)
			return true;
		loops = step_loops(survey->table, walk, n, iova);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct surveyed *table = &survey->tables[path[i]];

		for (unsigned int k = i; k < n; k++)
			table->tables += path[k] >= before;
		if (loops)
			table->faults++;
		else if (walk->fault == PT_FAULT_NONE)
			take_leaf(table, &walk->leaf);
		else if (walk->fault != PT_FAULT_ABSENT)
			table->faults++;
	}
	return true;
}

bool survey_make(struct survey *survey, const struct pt_table *table, struct pt_reader *reader)
{
	*survey = (struct survey){.table = table, .index = allocate(NULL, SLOTS, sizeof(uint32_t))};
	memset(survey->index, 0xff, SLOTS * sizeof(uint32_t));
	return walk_everything(table, reader, take_walk, survey);
}

void survey_free(struct survey *survey)
{
	free(survey->tables);
	free(survey->index);
	*survey = (struct survey){0};
}

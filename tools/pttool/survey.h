/* SPDX-License-Identifier: MIT */
/*
 * survey.h - the tables under a root, each once, with what is under it: what `dump --dot` decides by which it draws.
 */
#ifndef PTTOOL_SURVEY_H
#define PTTOOL_SURVEY_H

#include "pttool.h"

#define SURVEY_TABLES 65536 /* more are counted, not known one by one */
#define NO_TABLE      UINT32_MAX

/* Leaves that follow each other on both sides, with the same rights and memory type. */
struct chain {
	uint64_t first, last, pa;
	uint16_t kind, level;
	uint8_t rights, memory;
};

bool chain_continues(const struct chain *chain, const struct chain *next);

struct surveyed {
	uint64_t pa, bytes;
	uint64_t first, last; /* input addresses that it decides about, where it was met first */
	uint64_t tables;      /* under it and itself */
	uint64_t leaves, mapped, faults;
	struct chain chain; /* all leaves under it, if chains is 1 */
	uint32_t chains;    /* 2: more than one */
	uint32_t child, sibling, last_child;
	uint16_t level, depth;
};

struct survey {
	const struct pt_table *table;
	struct surveyed *tables;
	uint32_t n, *index; /* a hash of (pa, level) */
	uint64_t unknown;   /* walks into tables beyond SURVEY_TABLES */
};

/* Meets all tables. Returns false when the step limit of the reader is used up; survey_free() in any case. */
bool survey_make(struct survey *survey, const struct pt_table *table, struct pt_reader *reader);
void survey_free(struct survey *survey);

/* The number of a table, or NO_TABLE. */
uint32_t survey_find(const struct survey *survey, uint64_t pa, unsigned int level);

/* Does step i lead back to a table of the walk so far, of this step included? */
bool step_loops(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova);

/* The input addresses that the entry of step i decides about. */
void span_of_step(const struct pt_table *table, const struct pt_walk *walk, unsigned int i, uint64_t iova,
		  uint64_t *first, uint64_t *last);

#endif

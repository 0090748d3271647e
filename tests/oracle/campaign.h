/* SPDX-License-Identifier: MIT */
/* campaign.h - what the checks have in common: lists of accesses, and leaves to aim them at. */
#ifndef PTGEN_TESTS_ORACLE_CAMPAIGN_H
#define PTGEN_TESTS_ORACLE_CAMPAIGN_H

#include "oracle.h"

enum { MAX_ACCESSES = 6, MAX_LIST = 1 << 13 };

/* Large: keep it static, or in the trial. */
struct accesses {
	size_t n;
	struct access v[MAX_LIST];
};

unsigned int page_lg2(const struct trial *trial);
/* The kinds of access that the machine can present. */
unsigned int accesses_of(const struct trial *trial, unsigned int access[MAX_ACCESSES]);
void accesses_add(struct accesses *list, uint64_t iova, unsigned int access);
/* Can the machine present this address? */
bool presentable(const struct trial *trial, uint64_t iova);
/* Add accesses to a region: its ends, just outside of them, and n inside. */
void touch(struct trial *trial, struct accesses *list, const struct region *region, unsigned int n);
/* Judge a list, and empty it. */
size_t judge_list(struct trial *trial, struct accesses *list, bool tolerate);
/* Map one leaf of 2^lg2 bytes somewhere; false: there is no place for it, or the format refuses. */
bool map_leaf(struct trial *trial, unsigned int lg2, unsigned int request);
/* Leaves of all sizes, runs of mixed sizes, and the ends of the range. */
void map_everything(struct trial *trial, unsigned int rounds);

/* Are the words in memory those that the prediction says the hardware would leave? */
void expect_words(struct trial *trial, const struct access *access);

/* The entry of a level at pa, as a number. */
uint64_t entry_read(const struct trial *trial, const struct pt_level_info *level, uint64_t pa);
void entry_write(const struct trial *trial, const struct pt_level_info *level, uint64_t pa, uint64_t word);

#endif

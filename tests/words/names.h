/* SPDX-License-Identifier: MIT */
/*
 * names.h - what Linux calls formats, configurations and quirks, and what they are called here. One table: whoever
 * ports a driver, or compares words, starts here.
 */
#ifndef PTGEN_TESTS_WORDS_NAMES_H
#define PTGEN_TESTS_WORDS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pt.h"

/* Quirks of io-pgtable (IO_PGTABLE_QUIRK_...), by their bits there, and features of generic_pt (PT_FEAT_...). */
enum {
	LINUX_ARM_NS = 1 << 0,
	LINUX_NO_PERMS = 1 << 1,
	LINUX_ARM_MTK_EXT = 1 << 3,
	LINUX_ARM_MTK_TTBR_EXT = 1 << 4,
	LINUX_ARM_TTBR1 = 1 << 5,
	LINUX_ARM_HD = 1 << 7,
	LINUX_ARM_S2FWB = 1 << 8,
	LINUX_RISCV_SVNAPOT_64K = 1 << 16
};

/*
 * linux   enum io_pgtable_fmt without IO_PGTABLE_, or the name of a format of generic_pt
 * quirk   the entry holds only where this quirk is set; 0: where no entry with a quirk does
 * ias, oas, levels  what the input and output sizes, and the number of levels, are called here; NULL: they are no
 * parameters
 */
struct linux_format {
	const char *linux, *format;
	unsigned int quirk;
	const char *ias, *oas, *levels;
};

/* A quirk sets a parameter. "": it says what the format does in any case. */
struct linux_quirk {
	unsigned int quirk;
	const char *linux, *param;
	int64_t value;
};

extern const struct linux_format linux_formats[];
extern const size_t n_linux_formats;
extern const struct linux_quirk linux_quirks[];
extern const size_t n_linux_quirks;

/*
 * A configuration as Linux has it: the smallest page (log2) where the format has granules, sizes in bits, the number of
 * levels where generic_pt is told (else 0).
 */
struct linux_configuration {
	const char *linux;
	unsigned int page_lg2, ias, oas, levels;
	bool coherent;
	unsigned int quirks;
};

/* Ours. false: *why says which part has no name here. */
bool linux_translate(const struct linux_configuration *configuration, const struct pt_format **format,
		     struct pt_config *config, const char **why);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * test_unwalked.c - formats that nothing walks, and why. A format that is neither here nor in the configurations of an
 * oracle makes make check-oracle fail, and so does one that is in both.
 */
#include <string.h>

#include "oracle.h"
#include "registry.h"

#define OTHERWISE \
	"; it is held against words from manuals and drivers (tests/words), and against the model (tests/model)"

static const struct {
	const char *format, *reason;
} unwalked[] = {
	{"ept", "QEMU walks EPT only where its host does: it emulates no VMX" OTHERWISE},
	{"ept_mbe", "QEMU walks EPT only where its host does: it emulates no VMX" OTHERWISE},
	{"mali_lpae", "there is no emulated GPU" OTHERWISE},
	{"mtk_v7s", "there is no emulated MediaTek unit, and no CPU has the address bits that it has in its short "
		    "descriptors" OTHERWISE},
	{"dart1", "QEMU 7.2 has no DART" OTHERWISE},
	{"dart2", "QEMU 7.2 has no DART" OTHERWISE},
};

static size_t count(void)
{
	return sizeof(unwalked) / sizeof(unwalked[0]);
}

static const char *label(size_t each)
{
	return unwalked[each].format;
}

TEST_EACH(unwalked, is_a_format, count, label)
{
	bool is_there = false;

	for (size_t i = 0; i < pt_n_formats; i++)
		is_there = is_there || strcmp(pt_formats[i]->name, unwalked[each].format) == 0;
	CHECK_MSG(is_there, "there is no format %s", unwalked[each].format);
	record_unwalked(unwalked[each].format, unwalked[each].reason);
}

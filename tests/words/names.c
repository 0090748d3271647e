/* SPDX-License-Identifier: MIT */
/* names.c - the table, and how it is read. */
#include <string.h>

#include "names.h"
#include "registry.h"

const struct linux_format linux_formats[] = {
	{"ARM_32_LPAE_S1", "arm_lpae32_s1", 0, "ia", "oa", NULL},
	{"ARM_32_LPAE_S2", "arm_lpae32_s2", 0, "ia", "oa", NULL},
	{"ARM_64_LPAE_S1", "arm_smmu_s1", 0, "ia", "oa", NULL},
	{"ARM_64_LPAE_S2", "arm64_s2", 0, "ia", "oa", NULL},
	{"ARM_MALI_LPAE", "mali_lpae", 0, "ia", "oa", NULL},
	{"ARM_V7S", "mtk_v7s", LINUX_ARM_MTK_EXT, "ia", "oa", NULL},
	{"ARM_V7S", "armv7_short", 0, NULL, NULL, NULL},
	{"APPLE_DART", "dart1", 0, "ia", "oa", NULL},
	{"APPLE_DART2", "dart2", 0, "ia", "oa", NULL},
	{"amdv1", "amd_v1", 0, NULL, NULL, "mode"},
	{"vtdss", "vtd_second_stage", 0, NULL, NULL, "levels"},
	{"x86_64", "x86_64", 0, NULL, NULL, "levels"},
	{"riscv_64", "riscv_sv39_57", 0, NULL, NULL, "levels"},
};
const size_t n_linux_formats = sizeof(linux_formats) / sizeof(linux_formats[0]);

const struct linux_quirk linux_quirks[] = {
	{LINUX_ARM_NS, "ARM_NS", "ns", 1},	    {LINUX_NO_PERMS, "NO_PERMS", "", 0},
	{LINUX_ARM_MTK_EXT, "ARM_MTK_EXT", "", 0},  {LINUX_ARM_MTK_TTBR_EXT, "ARM_MTK_TTBR_EXT", "wide", 1},
	{LINUX_ARM_TTBR1, "ARM_TTBR1", "upper", 1}, {LINUX_ARM_HD, "ARM_HD", "hd", 1},
	{LINUX_ARM_S2FWB, "ARM_S2FWB", "fwb", 1},   {LINUX_RISCV_SVNAPOT_64K, "RISCV_SVNAPOT_64K", "svnapot", 1},
};
const size_t n_linux_quirks = sizeof(linux_quirks) / sizeof(linux_quirks[0]);

static const struct linux_format *find(const struct linux_configuration *configuration)
{
	for (size_t i = 0; i < n_linux_formats; i++) {
		const struct linux_format *entry = &linux_formats[i];

		if (strcmp(entry->linux, configuration->linux) == 0 &&
		    (configuration->quirks & entry->quirk) == entry->quirk)
			return entry;
	}
	return NULL;
}

static bool set(const struct pt_format *format, struct pt_config *config, const char *param, int64_t value)
{
	int index = pt_param_find(format, param);

	if (index < 0 || !pt_param_valid(format, (unsigned int)index, value))
		return false;
	config->param[index] = value;
	return true;
}

static bool set_quirks(const struct linux_configuration *configuration, const struct pt_format *format,
		       struct pt_config *config, const char **why)
{
	unsigned int left = configuration->quirks;

	for (size_t i = 0; i < n_linux_quirks; i++) {
		const struct linux_quirk *quirk = &linux_quirks[i];

		if (!(left & quirk->quirk))
			continue;
		left &= ~quirk->quirk;
		*why = quirk->linux;
		/* MediaTek's tables know no secure memory. */
		if (quirk->param[0] && !set(format, config, quirk->param, quirk->value) &&
		    !(configuration->quirks & LINUX_ARM_MTK_EXT))
			return false;
	}
	*why = "a quirk without a name";
	return left == 0;
}

bool linux_translate(const struct linux_configuration *configuration, const struct pt_format **format,
		     struct pt_config *config, const char **why)
{
	const struct linux_format *entry = find(configuration);

	*why = configuration->linux;
	*format = NULL;
	for (size_t i = 0; entry && i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, entry->format) == 0)
			*format = pt_formats[i];
	if (!*format)
		return false;
	pt_config_init(config);
	*why = "the input size";
	if (entry->ias && !set(*format, config, entry->ias, configuration->ias))
		return false;
	*why = "the output size";
	if (entry->oas && !set(*format, config, entry->oas, configuration->oas))
		return false;
	*why = "the number of levels";
	if (entry->levels && !set(*format, config, entry->levels, configuration->levels))
		return false;
	/* Granules and coherence are parameters where a format has a choice. */
	set(*format, config, "tg", configuration->page_lg2);
	set(*format, config, "base", configuration->page_lg2);
	set(*format, config, "coherent", configuration->coherent);
	return set_quirks(configuration, *format, config, why);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_names.c - every configuration whose words Linux's encoders were asked for has a name here, and its words are
 * among the published ones (test_words.c).
 */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "names.h"
#include "test.h"

static const struct words_list *const lists[] = {
	&words_arm_smmu, &words_arm_smmu_s2, &words_arm_lpae, &words_armv7, &words_x86,
	&words_amd,	 &words_dart,	     &words_riscv,    &words_vtd,
};

enum {
	COHERENT = true,
	NON_COHERENT = false,
	MTK = LINUX_ARM_NS | LINUX_NO_PERMS | LINUX_ARM_MTK_EXT | LINUX_ARM_MTK_TTBR_EXT
};

static const struct linux_configuration configurations[] = {
	{"ARM_64_LPAE_S1", 12, 48, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S1", 12, 39, 40, 0, NON_COHERENT, 0},
	{"ARM_64_LPAE_S1", 12, 39, 40, 0, COHERENT, LINUX_ARM_HD | LINUX_ARM_NS},
	{"ARM_64_LPAE_S1", 12, 39, 40, 0, COHERENT, LINUX_ARM_TTBR1},
	{"ARM_64_LPAE_S1", 14, 48, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S1", 14, 47, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S1", 16, 52, 52, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 48, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 40, 40, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 42, 42, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 32, 32, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 44, 44, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 12, 39, 40, 0, COHERENT, LINUX_ARM_S2FWB},
	{"ARM_64_LPAE_S2", 14, 48, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 14, 40, 40, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 16, 48, 48, 0, COHERENT, 0},
	{"ARM_64_LPAE_S2", 16, 52, 52, 0, COHERENT, 0},
	{"ARM_32_LPAE_S1", 12, 32, 40, 0, COHERENT, 0},
	{"ARM_32_LPAE_S1", 12, 32, 40, 0, NON_COHERENT, LINUX_ARM_NS},
	{"ARM_32_LPAE_S2", 12, 40, 40, 0, COHERENT, 0},
	{"ARM_MALI_LPAE", 12, 33, 40, 0, COHERENT, 0},
	{"ARM_MALI_LPAE", 12, 48, 40, 0, NON_COHERENT, 0},
	{"ARM_V7S", 12, 32, 32, 0, NON_COHERENT, 0},
	{"ARM_V7S", 12, 32, 32, 0, COHERENT, LINUX_ARM_NS},
	{"ARM_V7S", 12, 34, 35, 0, NON_COHERENT, MTK},
	{"APPLE_DART", 12, 32, 36, 0, COHERENT, 0},
	{"APPLE_DART", 12, 36, 36, 0, COHERENT, 0},
	{"APPLE_DART", 14, 32, 36, 0, COHERENT, 0},
	{"APPLE_DART2", 14, 32, 42, 0, COHERENT, 0},
	{"APPLE_DART2", 14, 42, 42, 0, COHERENT, 0},
	{"amdv1", 12, 48, 52, 3, COHERENT, 0},
	{"amdv1", 12, 64, 52, 6, COHERENT, 0},
	{"amdv1", 11, 48, 52, 3, COHERENT, 0},
	{"vtdss", 12, 48, 52, 4, COHERENT, 0},
	{"vtdss", 12, 39, 52, 3, COHERENT, 0},
	{"x86_64", 12, 48, 52, 4, COHERENT, 0},
	{"riscv_64", 12, 39, 56, 3, COHERENT, LINUX_RISCV_SVNAPOT_64K},
	{"riscv_64", 12, 48, 56, 4, COHERENT, 0},
	{"riscv_64", 12, 57, 56, 5, COHERENT, 0},
};

static size_t count(void)
{
	return sizeof(configurations) / sizeof(configurations[0]);
}

static const char *label(size_t each)
{
	const struct linux_configuration *configuration = &configurations[each];
	static char text[96];

	snprintf(text, sizeof(text), "%s page=%u ias=%u oas=%u%s quirks=0x%x", configuration->linux,
		 configuration->page_lg2, configuration->ias, configuration->oas,
		 configuration->coherent ? "" : " non-coherent", configuration->quirks);
	return text;
}

static struct pt_table effective(const struct pt_format *format, const struct pt_config *config)
{
	struct pt_result result;
	struct pt_table table;
	enum pt_status status = format->view(&table, config, NULL, 0, &result);

	CHECK_MSG(status == PT_OK, "%s: %s%s%s", format->name, pt_status_string(status), result.why ? ": " : "",
		  result.why ? result.why : "");
	return table;
}

/* Are there words of this format in this very configuration? */
static bool has_words(const struct pt_format *format, const struct pt_table *wanted)
{
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		for (size_t i = 0; i < lists[l]->n_groups; i++) {
			const struct words_group *group = &lists[l]->group[i];
			struct pt_config config;
			struct pt_table table;

			if (strcmp(group->format, format->name) != 0 &&
			    (!group->also || strcmp(group->also, format->name) != 0))
				continue;
			words_configure(&config, format, group->param);
			table = effective(format, &config);
			if (memcmp(table.param, wanted->param, format->n_params * sizeof(table.param[0])) == 0)
				return true;
		}
	}
	return false;
}

TEST_EACH(names, have_words, count, label)
{
	const struct pt_format *format;
	struct pt_config config;
	struct pt_table wanted;
	const char *why;

	CHECK_MSG(linux_translate(&configurations[each], &format, &config, &why), "%s has no name here", why);
	wanted = effective(format, &config);
	if (has_words(format, &wanted))
		return;
	for (unsigned int i = 0; i < format->n_params; i++)
		fprintf(stderr, "  %s = %lld\n", format->params[i].name, (long long)wanted.param[i]);
	test_fail(__FILE__, __LINE__, "no words of %s are in that configuration", format->name);
}

/* What is not in the table is refused, by name. */
TEST(names, unknown)
{
	const struct linux_configuration strange = {"ARM_64_LPAE_S3", 12, 48, 48, 0, true, 0};
	const struct linux_configuration wide = {"ARM_64_LPAE_S1", 12, 60, 48, 0, true, 0};
	const struct linux_configuration odd = {"ARM_64_LPAE_S1", 12, 48, 48, 0, true, LINUX_ARM_S2FWB};
	const struct pt_format *format;
	struct pt_config config;
	const char *why;

	CHECK(!linux_translate(&strange, &format, &config, &why));
	CHECK_STR_EQ(why, "ARM_64_LPAE_S3");
	CHECK(!linux_translate(&wide, &format, &config, &why));
	CHECK_STR_EQ(why, "the input size");
	CHECK(!linux_translate(&odd, &format, &config, &why));
	CHECK_STR_EQ(why, "ARM_S2FWB");
}

/* SPDX-License-Identifier: MIT */
/* list.c - the subjects of one build. What is missing was not built: the code of the kernel, where its package is not.
 */
#include "../bench.h"

extern const struct subject subject_x86_64, subject_arm64_s1, subject_vtd_second_stage, subject_amd_v1,
	subject_armv7_short, subject_riscv_sv39_57, subject_hand, subject_limit;
#ifdef HAVE_LINUX
extern const struct subject subject_lpae, subject_v7s, subject_amd_v1_peer, subject_amd_v2, subject_intel;
#endif

const struct subject *const BENCH_LIST[] = {
	&subject_x86_64,
	&subject_arm64_s1,
	&subject_vtd_second_stage,
	&subject_amd_v1,
	&subject_armv7_short,
	&subject_riscv_sv39_57,
	&subject_hand,
	&subject_limit,
#ifdef HAVE_LINUX
	&subject_lpae,
	&subject_v7s,
	&subject_amd_v1_peer,
	&subject_amd_v2,
	&subject_intel,
#endif
	NULL,
};

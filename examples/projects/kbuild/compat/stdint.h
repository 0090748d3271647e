/* SPDX-License-Identifier: MIT */
/* The kernel has these types already. */
#include <linux/types.h>
#include <linux/limits.h>

#define UINT64_MAX  U64_MAX
#define UINT32_MAX  U32_MAX
#define UINT16_MAX  U16_MAX
#define INT64_MIN   S64_MIN
#define INT64_MAX   S64_MAX
#define INT64_C(x)  x##LL
#define UINT64_C(x) x##ULL
#define UINT32_C(x) x##U

/* SPDX-License-Identifier: MIT */
/* arm64_s1.c - the operations for arm64_s1. */
#include "bench.h"
#include "arm64_s1.h"

#define FORMAT	  arm64_s1
#define CALL_NAME bench_arm64_s1
#include "cases.h"

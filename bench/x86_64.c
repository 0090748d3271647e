/* SPDX-License-Identifier: MIT */
/* x86_64.c - the operations for x86_64. */
#include "bench.h"
#include "x86_64.h"

#define FORMAT	  x86_64
#define CALL_NAME bench_x86_64
#include "cases.h"

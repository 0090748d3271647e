/* SPDX-License-Identifier: MIT */
/* version.c - see version.h. The Makefile reads the number where the compiler has it. */
#include "common/version.h"

const char tools_version[] = TOOLS_VERSION;

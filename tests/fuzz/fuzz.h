/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - the entry point that every fuzz_NAME.c has, under the name that libFuzzer calls. front.c calls it for AFL++
 * and to replay files; tests/fuzz/run builds and runs both.
 */
#ifndef PTGEN_FUZZ_H
#define PTGEN_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

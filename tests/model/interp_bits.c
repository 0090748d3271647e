/* SPDX-License-Identifier: MIT */
/*
 * interp_bits.c - bits of words, for the interpreter. They are in a file of their own because gcc 12 at -O2 takes calls
 * whose only effect is such a store for calls without effect (-fno-ipa-modref shows it) and leaves them out.
 */
#include "interp.h"

uint64_t interp_get_bits(const uint64_t word[2], unsigned int hi, unsigned int lo)
{
	uint64_t value = 0;

	for (unsigned int i = lo; i <= hi && i < 128 && i - lo < 64; i++)
		value |= ((word[i / 64] >> (i % 64)) & 1) << (i - lo);
	return value;
}

void interp_put_bits(uint64_t word[2], unsigned int hi, unsigned int lo, uint64_t value)
{
	for (unsigned int i = lo; i <= hi && i < 128; i++) {
		uint64_t bit = (uint64_t)1 << (i % 64);

		word[i / 64] &= ~bit;
		if (i - lo < 64 && (value >> (i - lo)) & 1)
			word[i / 64] |= bit;
	}
}

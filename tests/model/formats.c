/* SPDX-License-Identifier: MIT */
/* formats.c - see formats.h. */
#include "formats.h"

#include "list.h"
#include "registry.h"

size_t formats_count(void)
{
	return pt_n_formats + N_MADE_UP_FORMATS;
}

const struct pt_format *formats_nth(size_t n)
{
	return n < pt_n_formats ? pt_formats[n] : made_up_formats[n - pt_n_formats];
}

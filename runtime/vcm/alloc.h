/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - every allocation of the runtime goes through here, so that a test can make each of them fail.
 */
#ifndef VCM_ALLOC_H
#define VCM_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* As calloc; NULL when there is no memory or the hook says so. Freed by free(). */
void *vc_calloc(size_t n, size_t bytes);
/* Ask the hook whether the allocation called what ("heap", "table", "window") may take place. */
bool vc_may_allocate(const char *what);

#endif

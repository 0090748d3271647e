/* SPDX-License-Identifier: MIT */
/* output.h - files that are written whole or not at all. */
#ifndef TOOLS_COMMON_OUTPUT_H
#define TOOLS_COMMON_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * A file while it is written, under another name beside its own. Devices and pipes are written as they are. Owns its
 * members between output_open() and output_close().
 */
struct output {
	FILE *stream;
	char *path, *partial; /* partial NULL: it is written in place */
};

/* Begins a file; what is there under that name stays until output_close(). Returns false, with errno set. */
bool output_open(struct output *output, const char *path);

/*
 * Ends it. keep: it takes the place of what was there, unless that has the same bytes, and is then left as it is (a
 * build need not go on from there); otherwise nothing has happened. Returns false, with errno set, when keep and it
 * could not be done; nothing has happened then either.
 */
bool output_close(struct output *output, bool keep);

#endif

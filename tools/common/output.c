/* SPDX-License-Identifier: MIT */
/* output.c - files that are written whole or not at all. */
#define _XOPEN_SOURCE 700 /* realpath() */
#include "common/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_open(struct output *output, const char *path)
{
	static const char suffix[] = ".partial";
	struct stat info;
	bool there = stat(path, &info) == 0;
	char *real = there ? realpath(path, NULL) : NULL; /* a link stays a link */

	if (!real)
		real = strdup(path);
	*output = (struct output){NULL, real, NULL};
	if (real && (!there || S_ISREG(info.st_mode))) {
		size_t length = strlen(real) + sizeof(suffix);

		output->partial = malloc(length);
		if (output->partial) {
			snprintf(output->partial, length, "%s%s", real, suffix);
			output->stream = fopen(output->partial, "wb");
		}
	} else if (real) {
		output->stream = fopen(real, "wb");
	}
	if (output->stream && there && output->partial)
		(void)fchmod(fileno(output->stream), info.st_mode & 07777); /* if not, it has the usual rights */
	if (output->stream)
		return true;
	free(output->partial);
	free(output->path);
	return false;
}

static bool same_bytes(const char *path, const char *other)
{
	FILE *a = fopen(path, "rb"), *b = fopen(other, "rb");
	bool same = a && b;
	int c = 0;

	while (same && c != EOF) {
		c = getc(a);
		same = c == getc(b);
	}
	same = same && !ferror(a) && !ferror(b);
	if (a)
		fclose(a);
	if (b)
		fclose(b);
	return same;
}

bool output_close(struct output *output, bool keep)
{
	bool fine = !ferror(output->stream);
	int error = fine ? 0 : EIO;

	if (fclose(output->stream) != 0) {
		error = errno;
		fine = false;
	}
	if (output->partial) {
		bool replace = fine && keep && !same_bytes(output->path, output->partial);

		if (replace && rename(output->partial, output->path) != 0) {
			error = errno;
			fine = false;
		}
		if (!replace || !fine)
			unlink(output->partial);
	}
	free(output->partial);
	free(output->path);
	errno = error;
	return fine;
}

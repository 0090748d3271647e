/* SPDX-License-Identifier: MIT */
/*
 * front.c - a main() for a fuzz target: the loop of AFL++ where its compiler is used, otherwise the files of the
 * command line, one after the other. The last line is "N passed, 0 failed"; a file that fails ends the program, and its
 * name is the last thing printed.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();
#endif

/* Where the names go: what is called may send the standard output elsewhere. */
static FILE *out;

static int replay(const char *name)
{
	FILE *in = fopen(name, "rb");
	size_t room = 1 << 16, length = 0, got;
	uint8_t *data = malloc(room);

	if (!in || !data) {
		perror(name);
		return 1;
	}
	fprintf(out, "%s\n", name);
	fflush(out);
	while ((got = fread(data + length, 1, room - length, in)) > 0) {
		length += got;
		if (length == room) {
			uint8_t *more = realloc(data, room *= 2);

			if (!more)
				abort();
			data = more;
		}
	}
	fclose(in);
	LLVMFuzzerTestOneInput(data, length);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	out = fdopen(dup(STDOUT_FILENO), "w");
	if (!out)
		return 2;
#ifdef __AFL_FUZZ_TESTCASE_LEN
	if (argc == 1) {
		const uint8_t *data = __AFL_FUZZ_TESTCASE_BUF;

		while (__AFL_LOOP(10000))
			LLVMFuzzerTestOneInput(data, (size_t)__AFL_FUZZ_TESTCASE_LEN);
		return 0;
	}
#endif
	for (int i = 1; i < argc; i++)
		failed += replay(argv[i]);
	fprintf(out, "%d passed, %d failed\n", argc - 1 - failed, failed);
	return fclose(out) || failed;
}

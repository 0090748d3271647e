/* SPDX-License-Identifier: MIT */
/* fuzz_script.c - scripts of `pttool build`: the reader, and what it lets through run on 512 KiB of memory. */
#include "table.h"

enum { MAX_SCRIPT = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	struct options other = {0};
	struct options options = {.other = &other, .steps = 1 << 20, .name = "page_tables", .allow_wider = true};
	char *script[1];

	if (size > MAX_SCRIPT)
		return -1;
	input_read(&input, data, size);
	script[0] = input.path;
	options.format = input.format;
	options.config = input.config;
	options.ram_base = "0x80000000";
	options.ram_size = "512K";
	options.tables = 0x80000000;
	options.arguments = script;
	options.n_arguments = 1;
	command_build(&options);
	return 0;
}

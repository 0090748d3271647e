/* SPDX-License-Identifier: MIT */
/*
 * fuzz_image.c - pttool on hostile memory: the bytes are physical memory from address 0 on, the root is at 0 (further
 * roots behind it). Every command that reads a table, then `build` that continues it.
 */
#include "table.h"

#include <stdlib.h>

/* STEPS: of each command; more make runs slow, and lead to the same code again. */
enum { MAX_IMAGE = 1 << 18, STEPS = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *addresses[] = {"0", "0x1000", "0x12345678", "0x7fffffffffff", "0xffffffffffffffff"};
	static char *frames[] = {"0x1000+0x2000"};
	struct input input;
	struct options other = {0};
	struct options options = {.other = &other, .steps = STEPS, .name = "page_tables"};
	struct pt_table table;
	struct pt_result result = {0};
	uint64_t roots[PT_MAX_ROOTS], other_roots[PT_MAX_ROOTS];
	const char *ram[1];
	char *script[1] = {NULL};

	if (size > MAX_IMAGE)
		return -1;
	input_read(&input, data, size);
	if (!input.size || input.format->view(&table, &input.config, NULL, 0, &result) != PT_OK)
		return -1;
	for (unsigned int i = 0; i < table.n_roots && i < PT_MAX_ROOTS; i++)
		roots[i] = (uint64_t)i * 0x4000;
	ram[0] = input.path;
	options.format = input.format;
	options.config = input.config;
	options.ram = ram;
	options.n_ram = 1;
	options.ram_base = "0";
	options.roots = roots;
	options.n_roots = table.n_roots;

	options.arguments = addresses;
	options.n_arguments = sizeof(addresses) / sizeof(addresses[0]);
	options.explain = true;
	command_walk(&options);
	for (options.access = PT_ACCESS_READ; options.access <= PT_ACCESS_EXEC; options.access <<= 1)
		command_walk(&options);
	options.n_arguments = 0;
	for (options.output = OUTPUT_TEXT; options.output <= OUTPUT_DOT; options.output++)
		command_dump(&options);
	options.output = OUTPUT_DOT;
	options.depth = 2;
	options.has_focus = true;
	options.focus_first = 0x1000;
	options.focus_last = 0x7fffffff;
	command_dump(&options);
	for (options.output = OUTPUT_TEXT; options.output <= OUTPUT_JSON; options.output++) {
		command_verify(&options);
		command_stats(&options);
	}
	other = options; /* the same table from a page farther on */
	for (unsigned int i = 0; i < table.n_roots && i < PT_MAX_ROOTS; i++)
		other_roots[i] = roots[i] + 0x1000;
	other.roots = other_roots;
	for (options.output = OUTPUT_TEXT; options.output <= OUTPUT_JSON; options.output++) {
		command_diff(&options);
		options.arguments = frames;
		options.n_arguments = 1;
		command_find(&options);
		options.n_arguments = 0;
	}
	options.output = OUTPUT_TEXT;

	script[0] = "tests/fuzz/build.script";
	options.arguments = script;
	options.n_arguments = 1;
	options.tables = 0x8000;
	options.allow_wider = true;
	command_build(&options);
	return 0;
}

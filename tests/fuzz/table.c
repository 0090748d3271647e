/* SPDX-License-Identifier: MIT */
/* table.c - inputs for the tool: see table.h. */
#define _GNU_SOURCE /* memfd_create */
#include "table.h"
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void set_param(struct input *input, const char *word, size_t length)
{
	const char *equal = memchr(word, '=', length);
	char name[64];
	uint64_t value;
	int i;

	if (!equal || (size_t)(equal - word) >= sizeof(name))
		return;
	memcpy(name, word, (size_t)(equal - word));
	name[equal - word] = '\0';
	i = pt_param_find(input->format, name);
	if (i < 0 || parse_number(equal + 1, length - (size_t)(equal + 1 - word), &value) || value > INT64_MAX)
		return;
	if (pt_param_valid(input->format, (unsigned int)i, (int64_t)value))
		input->config.param[i] = (int64_t)value;
}

void input_read(struct input *input, const uint8_t *data, size_t size)
{
	static int file = -1;
	const uint8_t *newline = memchr(data, '\n', size);
	const char *at = (const char *)data, *end = (const char *)(newline ? newline : data + size);
	bool first = true;

	if (file < 0) {
		file = memfd_create("input", 0);
		if (file < 0 || !freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			abort();
	}
	input->format = pt_formats[0];
	pt_config_init(&input->config);
	while (at < end) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));
		size_t length = (size_t)((blank ? blank : end) - at);

		for (size_t i = 0; first && i < pt_n_formats; i++)
			if (strlen(pt_formats[i]->name) == length && !memcmp(pt_formats[i]->name, at, length))
				input->format = pt_formats[i];
		if (!first)
			set_param(input, at, length);
		first = false;
		at += length + 1;
	}
	input->data = newline ? newline + 1 : data + size;
	input->size = (size_t)(data + size - input->data);
	if (ftruncate(file, 0) || pwrite(file, input->data, input->size, 0) != (ssize_t)input->size)
		abort();
	snprintf(input->path, sizeof(input->path), "/proc/self/fd/%d", file);
}

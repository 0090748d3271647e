/* SPDX-License-Identifier: MIT */
/*
 * template.h - the small layer that emitted text is made with: templates with named holes and conditional lines.
 *
 * A template is text that is copied line by line.
 *   @NAME (capital letters, digits, underscores) inside a line is replaced by the value of NAME; the longest known name
 *   wins, so that @F_map works with a hole F. A hole may take an argument in parentheses: @TO_CPU(x); its value then
 *   stands before and after the argument, or (template_drop) in its place.
 *   @if NAME, @if !NAME, @else, @end on lines of their own keep or drop what is between them.
 *   @emit NAME on a line of its own calls the emitter's function of that name, which prints whole lines.
 */
#ifndef PTGEN_TEMPLATE_H
#define PTGEN_TEMPLATE_H

#include <stdbool.h>
#include <stdio.h>

struct template_hole {
	const char *name;
	const char *value; /* with an argument: text before it ... */
	const char *after; /* ... and after it; NULL: the hole takes none; template_drop: the argument is left out */
};

struct template_flag {
	const char *name;
	bool value;
};

struct template_part {
	const char *name;
	void (*emit)(void *ctx);
};

struct template_set {
	FILE *out;
	void *ctx;
	const struct template_hole *holes;
	const struct template_flag *flags;
	const struct template_part *parts;
};

extern const char template_drop[];

/* Tables end with a NULL name. A template that names something unknown is a defect of ptgen: reported, and exit 70. */
void template_run(const struct template_set *set, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * output.c - all outputs or none. Emitters write to memory; at the end every file is written beside its place and then
 * renamed, so that nobody ever sees half a file, and a file whose contents stay the same keeps its time.
 */
#include "stages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
	const char *path;
	FILE *stream;
	char *text; /* of the stream, once it is flushed */
	size_t length;
	const char *temporary; /* written, to be renamed; NULL: nothing to do */
};

struct outputs {
	struct context *context;
	/* Pointers, because a memory stream holds on to where its text and length are. */
	ARRAY(struct output *) v;
};

struct outputs *outputs_new(struct context *context)
{
	struct outputs *outputs = arena_alloc(context->arena, sizeof(*outputs));

	outputs->context = context;
	return outputs;
}

static FILE *open_path(struct outputs *outputs, const char *path)
{
	struct output *output = arena_alloc(outputs->context->arena, sizeof(*output));
	int i;

	for (i = 0; i < outputs->v.n; i++)
		if (!strcmp(outputs->v.v[i]->path, path))
			diag_usage(outputs->context, "two outputs have the same name '%s'", path);
	output->path = path;
	output->stream = open_memstream(&output->text, &output->length);
	if (!output->stream) {
		diag_usage(outputs->context, "out of memory");
		exit(2);
	}
	*ARRAY_ADD(outputs->context->arena, outputs->v) = output;
	return output->stream;
}

FILE *output_open(struct outputs *outputs, const char *name)
{
	struct context *context = outputs->context;
	const char *directory = context->options.output;

	if (!directory || !strcmp(directory, "."))
		return open_path(outputs, arena_printf(context->arena, "%s", name));
	return open_path(outputs, arena_printf(context->arena, "%s%s%s", directory,
					       directory[strlen(directory) - 1] == '/' ? "" : "/", name));
}

const char *emitted_name(const struct context *context, const struct model *model)
{
	return context->options.prefix ? context->options.prefix : model->name;
}

/* -------------------------------------------------------------------------------------------------------------- -MD */

/* A name as make reads it in a rule; a target also hides what means a pattern. */
static void make_name(FILE *out, const char *name, bool target)
{
	const char *c, *b;

	for (c = name; *c; c++) {
		switch (*c) {
		case '$': fputc('$', out); break;
		case ' ':
		case '\t':
			/* Backslashes before a blank count double. */
			for (b = c; b > name && b[-1] == '\\'; b--)
				fputc('\\', out);
			fputc('\\', out);
			break;
		case '#':
		case ':': fputc('\\', out); break;
		case '%':
			if (target)
				fputc('\\', out);
			break;
		default: break;
		}
		fputc(*c, out);
	}
}

static bool seen_before(const struct context *context, int number)
{
	int i;

	for (i = 0; i < number; i++)
		if (!strcmp(context->files.v[i].name, context->files.v[number].name))
			return true;
	return false;
}

/* DIR/FIRST_INPUT.d */
static const char *default_depend_file(struct outputs *outputs)
{
	struct context *context = outputs->context;
	const char *input = context->options.inputs.v[0], *slash = strrchr(input, '/'), *dot;
	const char *directory = context->options.output ? context->options.output : ".";

	input = slash ? slash + 1 : input;
	dot = strrchr(input, '.');
	return arena_printf(context->arena, "%s/%.*s.d", directory,
			    dot && dot > input ? (int)(dot - input) : (int)strlen(input), input);
}

void outputs_depend(struct outputs *outputs)
{
	struct context *context = outputs->context;
	const struct options *options = &context->options;
	int n = outputs->v.n, i;
	FILE *out;

	for (i = 0; i < context->files.n; i++)
		if (strpbrk(context->files.v[i].name, "\n\\")) {
			diag_usage(context,
				   "a rule for make cannot name a file with a newline or a backslash in its name");
			return;
		}
	if (!options->depend_target && !n) {
		diag_usage(context, "-MD without any output: name the target of the rule with -MT");
		return;
	}
	out = open_path(outputs, options->depend_file ? options->depend_file : default_depend_file(outputs));
	if (options->depend_target) {
		fputs(options->depend_target, out);
	} else {
		for (i = 0; i < n; i++) {
			fputs(i ? " " : "", out);
			make_name(out, outputs->v.v[i]->path, true);
		}
	}
	fputc(':', out);
	for (i = 0; i < context->files.n; i++) {
		if (seen_before(context, i))
			continue;
		fputs(" \\\n ", out);
		make_name(out, context->files.v[i].name, false);
	}
	fputc('\n', out);
	for (i = 0; options->depend_phony && i < context->files.n; i++) {
		if (context->files.v[i].included.file < 0 || seen_before(context, i))
			continue;
		fputc('\n', out);
		make_name(out, context->files.v[i].name, true);
		fputs(":\n", out);
	}
}

/* ----------------------------------------------------------------------------------------------------------- commit */

static bool same_contents(const char *path, const char *text, size_t length)
{
	FILE *in = fopen(path, "rb");
	char part[16384];
	size_t at = 0, got;
	bool same = true;

	if (!in)
		return false;
	while (same && (got = fread(part, 1, sizeof(part), in)) > 0) {
		same = got <= length - at && !memcmp(part, text + at, got);
		at += got;
	}
	same = same && !ferror(in) && at == length;
	fclose(in);
	return same;
}

static bool write_all(int file, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(file, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

/* Write one output beside its place. */
static bool prepare(struct context *context, struct output *output)
{
	const char *slash = strrchr(output->path, '/');
	int directory = slash ? (int)(slash - output->path) + 1 : 0, file, error;
	const char *temporary = arena_printf(context->arena, "%.*s.%s.%ld.tmp", directory, output->path,
					     output->path + directory, (long)getpid());
	struct stat status;

	if (!stat(output->path, &status) && !S_ISREG(status.st_mode)) {
		diag_usage(context, "cannot write '%s': it is there, and is no regular file", output->path);
		return false;
	}
	file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (file < 0 && errno == EEXIST && !unlink(temporary))
		file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (file < 0) {
		diag_usage(context, "cannot write '%s': %s", output->path, strerror(errno));
		return false;
	}
	output->temporary = temporary;
	error = write_all(file, output->text, output->length) ? 0 : errno;
	if (close(file) && !error)
		error = errno;
	if (error)
		diag_usage(context, "cannot write '%s': %s", output->path, strerror(error));
	return !error;
}

bool outputs_commit(struct outputs *outputs)
{
	struct context *context = outputs->context;
	bool good = true;
	int i;

	for (i = 0; good && i < outputs->v.n; i++) {
		struct output *output = outputs->v.v[i];

		if (fflush(output->stream) || ferror(output->stream)) {
			diag_usage(context, "out of memory");
			good = false;
		} else if (!same_contents(output->path, output->text, output->length)) {
			good = prepare(context, output);
		}
	}
	for (i = 0; i < outputs->v.n; i++) {
		struct output *output = outputs->v.v[i];

		if (good && output->temporary) {
			if (rename(output->temporary, output->path)) {
				diag_usage(context, "cannot write '%s': %s", output->path, strerror(errno));
				good = false;
			} else {
				output->temporary = NULL;
			}
		}
		if (!good && output->temporary)
			unlink(output->temporary);
	}
	return good;
}

void outputs_delete(struct outputs *outputs)
{
	int i;

	for (i = 0; i < outputs->v.n; i++) {
		fclose(outputs->v.v[i]->stream);
		free(outputs->v.v[i]->text);
	}
}

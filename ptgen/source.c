/* SPDX-License-Identifier: MIT */
/*
 * source.c - reading format files: the file itself, what it includes (once, however many paths lead to it), and the
 * refusal of what is no text.
 */
#include "parser.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Far above any format; keeps offsets, and the arena, within reason. */
enum { MAX_SOURCE_BYTES = 64 * 1024 * 1024 };

/* Length of the UTF-8 character at c, 0 if it is none. */
static int utf8_bytes(const unsigned char *c, const unsigned char *end)
{
	int bytes, i;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	bytes = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	if (end - c < bytes)
		return 0;
	for (i = 1; i < bytes; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
	    (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return bytes;
}

/* Is it text? Reports the first byte that is not. */
static bool check_text(struct context *context, int number)
{
	const struct source *source = &context->files.v[number];
	const unsigned char *text = (const unsigned char *)source->text, *end = text + source->length, *c = text;

	while (c < end) {
		int bytes = *c ? utf8_bytes(c, end) : 0;

		if (!bytes) {
			struct span at = {.file = number, .offset = (uint32_t)(c - text), .length = 1};

			diag(context, CHECK_SYNTAX, at, "not a text file: byte 0x%02x %s", *c,
			     *c ? "is not UTF-8" : "has no place in text");
			return false;
		}
		c += bytes;
	}
	return true;
}

enum read_result { READ_OK, READ_MISSING, READ_BAD };

/* text is followed by two NUL bytes */
static struct source *add_source(struct context *context, const char *name, const char *text, size_t length,
				 struct span included)
{
	struct source *source = ARRAY_ADD(context->arena, context->files);

	source->name = arena_strndup(context->arena, name, strlen(name));
	source->text = text;
	source->length = length;
	source->included = included;
	return source;
}

/* Read a file whole into context->files. *reason: what is wrong with it, when not READ_OK. */
static enum read_result read_source(struct context *context, const char *name, struct span included,
				    const char **reason)
{
	FILE *in = fopen(name, "rb");
	struct source *source;
	struct stat status;
	size_t length = 0, room = 64 * 1024, got;
	char *text;

	*reason = NULL;
	if (!in) {
		*reason = strerror(errno);
		return errno == ENOENT || errno == ENOTDIR ? READ_MISSING : READ_BAD;
	}
	if (fstat(fileno(in), &status) || S_ISDIR(status.st_mode)) {
		*reason = strerror(EISDIR);
		fclose(in);
		return READ_BAD;
	}
	text = arena_alloc(context->arena, room + 2);
	while ((got = fread(text + length, 1, room - length, in)) > 0) {
		length += got;
		if (length > MAX_SOURCE_BYTES) {
			*reason = "more than 64 MiB: no format file";
			break;
		}
		if (length == room) {
			char *more = arena_alloc(context->arena, room * 4 + 2);

			memcpy(more, text, length);
			text = more;
			room *= 4;
		}
	}
	if (!*reason && ferror(in))
		*reason = strerror(errno);
	fclose(in);
	if (*reason)
		return READ_BAD;
	/* The room behind the text may hold nothing: fread writes only what it counts, and the arena is zeroed. */
	source = add_source(context, name, text, length, included);
	source->device = (uint64_t)status.st_dev;
	source->inode = (uint64_t)status.st_ino;
	return READ_OK;
}

static void parse_source(struct parser *outer, int number)
{
	struct parser p = *outer;

	if (!check_text(p.context, number)) {
		outer->failed = true;
		return;
	}
	p.source = number;
	p.offset = 0;
	p.depth = 0;
	p.errors = 0;
	p.put_back_at = -1;
	p.too_deep = p.stopped = p.quiet = p.recovering = p.in_set = p.in_bits = false;
	p.last = new_token(p.context->arena);
	p.before = new_token(p.context->arena);
	p.pending = new_token(p.context->arena);
	if (!scanner_open(&p)) {
		diag_usage(p.context, "out of memory");
		exit(2);
	}
	if (parse_parse(&p))
		p.failed = true;
	scanner_close(&p);
	outer->end = p.end;
	outer->failed = p.failed;
}

static const char *beside(struct context *context, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (!slash || name[0] == '/')
		return name;
	return arena_printf(context->arena, "%.*s/%s", (int)(slash - file), file, name);
}

/* Does the file come again by its own includes? */
static bool in_progress(const struct context *context, int from, int number)
{
	while (from >= 0) {
		if (from == number)
			return true;
		from = context->files.v[from].included.file;
	}
	return false;
}

void include_file(struct parser *p, const char *name, struct span at)
{
	struct context *context = p->context;
	const char *here = context->files.v[p->source].name, *reason, *path = beside(context, here, name);
	enum read_result result;
	int i, number;

	if (p->include_depth >= MAX_INCLUDES) {
		diag(context, CHECK_INCLUDE, at, "includes are nested more than %d deep", MAX_INCLUDES);
		p->failed = true;
		return;
	}
	result = read_source(context, path, at, &reason);
	for (i = 0; result == READ_MISSING && name[0] != '/' && i < context->options.include.n; i++) {
		path = arena_printf(context->arena, "%s/%s", context->options.include.v[i], name);
		result = read_source(context, path, at, &reason);
	}
	if (result != READ_OK) {
		p->failed = true;
		if (result == READ_BAD) {
			diag(context, CHECK_INCLUDE, at, "cannot read '%s': %s", path, reason);
			return;
		}
		diag(context, CHECK_INCLUDE, at, "there is no file '%s'", name);
		if (name[0] == '/')
			return;
		diag_mend(context, "looked beside the including file (%s)", beside(context, here, "."));
		for (i = 0; i < context->options.include.n; i++)
			diag_mend(context, "looked in %s (-I)", context->options.include.v[i]);
		return;
	}
	number = context->files.n - 1;
	for (i = p->first_source; i < number; i++) {
		const struct source *old = &context->files.v[i], *new = &context->files.v[number];

		if (old->device != new->device || old->inode != new->inode)
			continue;
		context->files.n--;
		if (in_progress(context, p->source, i)) {
			diag(context, CHECK_INCLUDE, at, "'%s' includes itself", context->files.v[i].name);
			p->failed = true;
		}
		return;
	}
	p->include_depth++;
	parse_source(p, number);
	p->include_depth--;
}

/* The file that was read last, and what it includes. */
static bool parse_last(struct context *context, struct ast_file *file)
{
	struct parser p = {.context = context, .file = file, .first_source = context->files.n - 1};

	for (p.end = &file->formats; *p.end; p.end = &(*p.end)->next)
		;
	parse_source(&p, p.first_source);
	if (!p.failed && !file->formats) {
		diag(context, CHECK_SYNTAX, (struct span){.file = p.first_source}, "there is no format in this file");
		p.failed = true;
	}
	return !p.failed;
}

bool parse_file(struct context *context, const char *name, struct ast_file *file)
{
	const struct span nowhere = {.file = -1};
	const char *reason;

	if (read_source(context, name, nowhere, &reason) != READ_OK) {
		diag_usage(context, "cannot read '%s': %s", name, reason);
		return false;
	}
	return parse_last(context, file);
}

bool parse_text(struct context *context, const char *name, const char *text, size_t length, struct ast_file *file)
{
	const struct span nowhere = {.file = -1};
	char *copy = arena_alloc(context->arena, length + 2);

	if (length)
		memcpy(copy, text, length);
	add_source(context, name, copy, length, nowhere);
	return parse_last(context, file);
}

/* SPDX-License-Identifier: MIT */
/* layout.c - see layout.h: from text to statements, and from statements to lines. */
#include "layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum piece_kind {
	PIECE_BLANK,
	PIECE_COMMENT, /* on lines of its own */
	PIECE_STATEMENT,
	PIECE_TABLE,   /* the rows of a constant at file scope, kept as they are */
	PIECE_VERBATIM /* what the preprocessor reads, members of a constant */
};

struct piece {
	enum piece_kind kind;
	int indent;
	const char *text;
	size_t length;
	const char *comment; /* behind a statement; NULL: none */
	size_t comment_length;
};

struct line {
	char *text;
	int comment_at; /* columns before the comment that ends the line; 0: none */
	size_t comment_byte;
};

struct layout {
	struct piece *piece;
	int n_pieces, piece_room;
	struct line *line;
	int n_lines, line_room;
	struct statement statement; /* the one at hand */
	/* The line that is being put together. */
	char *buffer;
	size_t used, buffer_room;
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("ptgen: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

/* ------------------------------------------------------------------------------------------------------------ lines */

static void put(struct layout *layout, const char *text, size_t length)
{
	while (!layout->buffer || layout->used + length + 1 > layout->buffer_room) {
		layout->buffer_room = layout->buffer_room ? layout->buffer_room * 2 : 256;
		layout->buffer = must(realloc(layout->buffer, layout->buffer_room));
	}
	memcpy(layout->buffer + layout->used, text, length);
	layout->used += length;
	layout->buffer[layout->used] = '\0';
}

static void put_columns(struct layout *layout, int columns)
{
	for (; columns >= LAYOUT_INDENT; columns -= LAYOUT_INDENT)
		put(layout, "\t", 1);
	for (; columns > 0; columns--)
		put(layout, " ", 1);
}

static void end_line(struct layout *layout, int comment_at, size_t comment_byte)
{
	struct line *line;

	put(layout, "", 0);
	if (layout->n_lines == layout->line_room) {
		layout->line_room = layout->line_room ? layout->line_room * 2 : 1024;
		layout->line = must(realloc(layout->line, (size_t)layout->line_room * sizeof(*layout->line)));
	}
	line = &layout->line[layout->n_lines++];
	line->text = layout->buffer;
	line->comment_at = comment_at;
	line->comment_byte = comment_byte;
	layout->buffer = NULL;
	layout->used = layout->buffer_room = 0;
}

static void put_line(struct layout *layout, const char *text, size_t length)
{
	put(layout, text, length);
	end_line(layout, 0, 0);
}

/* ----------------------------------------------------------------------------------------------------------- pieces */

static const char *line_end(const char *text)
{
	const char *end = strchr(text, '\n');

	return end ? end : text + strlen(text);
}

static const char *next_line(const char *end)
{
	return *end ? end + 1 : end;
}

/* Without white space at the end. */
static const char *trimmed(const char *text, const char *end)
{
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	return end;
}

static const char *skip_blanks(const char *text, int *columns)
{
	int at = 0;

	for (; *text == ' ' || *text == '\t'; text++)
		at = *text == '\t' ? (at / LAYOUT_INDENT + 1) * LAYOUT_INDENT : at + 1;
	if (columns)
		*columns = at;
	return text;
}

static bool begins(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) == 0 && !isalnum((unsigned char)text[n]) && text[n] != '_';
}

static struct piece *add_piece(struct layout *layout, enum piece_kind kind, int indent, const char *text,
			       const char *end)
{
	struct piece *piece;

	if (layout->n_pieces == layout->piece_room) {
		layout->piece_room = layout->piece_room ? layout->piece_room * 2 : 1024;
		layout->piece = must(realloc(layout->piece, (size_t)layout->piece_room * sizeof(*layout->piece)));
	}
	piece = &layout->piece[layout->n_pieces++];
	*piece = (struct piece){.kind = kind, .indent = indent, .text = text, .length = (size_t)(end - text)};
	return piece;
}

/* Where a comment or a literal that begins at text ends. */
static const char *past_literal(const char *text, const char *end)
{
	char quote = *text++;

	while (text < end && *text != quote)
		text += *text == '\\' ? 2 : 1;
	return text < end ? text + 1 : end;
}

/* The comment at the end of a line; NULL: none. */
static const char *trailing_comment(const char *text, const char *end)
{
	for (; text < end; text++) {
		if (*text == '"' || *text == '\'')
			text = past_literal(text, end) - 1;
		else if (text[0] == '/' && text[1] == '*' && end - text >= 4 && end[-1] == '/' && end[-2] == '*')
			return text;
	}
	return NULL;
}

/* How many brackets stay open behind this line. A brace that ends it opens a block. */
static int open_brackets(const char *text, const char *end, int depth)
{
	for (; text < end; text++) {
		if (*text == '"' || *text == '\'') {
			text = past_literal(text, end) - 1;
			continue;
		}
		if (strchr("([", *text) || (*text == '{' && text + 1 < end))
			depth++;
		else if (strchr(")]", *text) || (*text == '}' && depth > 0))
			depth--;
	}
	return depth;
}

/* Is it a label of a switch or a goto? */
static bool begins_label(const char *text)
{
	if (begins(text, "case") || begins(text, "default"))
		return true;
	while (isalnum((unsigned char)*text) || *text == '_')
		text++;
	return *text == ':';
}

static bool is_label(const struct piece *piece)
{
	return piece->kind == PIECE_STATEMENT && (begins(piece->text, "case") || begins(piece->text, "default"));
}

static bool begins_control(const char *text)
{
	static const char *const words[] = {"if", "for", "while", "switch", "else", "do"};

	if (*text == '}')
		text = skip_blanks(text + 1, NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (begins(text, words[i]))
			return true;
	return false;
}

/* "case X: a(); b();" becomes a label and its statements. */
static void add_case(struct layout *layout, int indent, const char *text, const char *end)
{
	const char *from = text, *at = text;
	bool label = true;
	int depth = 0;

	for (; at < end; at++) {
		if (*at == '"' || *at == '\'') {
			at = past_literal(at, end) - 1;
		} else if (strchr("([{", *at)) {
			depth++;
		} else if (strchr(")]}", *at)) {
			depth--;
		} else if (depth == 0 && *at == (label ? ':' : ';')) {
			add_piece(layout, PIECE_STATEMENT, label ? indent : indent + LAYOUT_INDENT, from, at + 1);
			label = false;
			from = skip_blanks(at + 1, NULL);
		}
	}
	if (from < end)
		add_piece(layout, PIECE_STATEMENT, label ? indent : indent + LAYOUT_INDENT, from, end);
}

static const char *add_statement(struct layout *layout, int indent, const char *text)
{
	const char *end, *comment, *stop, *first = text;
	struct piece *piece;
	int depth = 0;

	for (;;) {
		const char *line = text, *next;

		end = line_end(text);
		stop = trimmed(line, end);
		comment = trailing_comment(line, stop);
		if (comment)
			stop = trimmed(line, comment);
		depth = open_brackets(skip_blanks(line, NULL), stop, depth);
		next = skip_blanks(next_line(end), NULL);
		if (!*next || *next == '\n' || (depth <= 0 && (*next == '{' || *next == '}')))
			break;
		if (depth <= 0 && stop > line &&
		    (strchr(";{},", stop[-1]) || begins_control(first) || begins_label(first)))
			break;
		text = next_line(end);
	}
	if (begins(first, "case") || begins(first, "default"))
		add_case(layout, indent, first, stop);
	else
		add_piece(layout, PIECE_STATEMENT, indent, first, stop);
	piece = &layout->piece[layout->n_pieces - 1];
	if (comment) {
		piece->comment = comment;
		piece->comment_length = (size_t)(trimmed(comment, end) - comment);
	}
	return next_line(end);
}

/* A constant, with what stands between its braces on lines of its own. */
static const char *add_constant(struct layout *layout, const char *text, int indent)
{
	const char *end = line_end(text), *last;
	bool members = *skip_blanks(next_line(end), NULL) == '.';
	int at;

	do {
		last = skip_blanks(next_line(end), &at);
		end = line_end(last);
	} while (*end && (at != indent || *last != '}'));
	add_piece(layout, members ? PIECE_VERBATIM : PIECE_TABLE, indent, text, end);
	return next_line(end);
}

static void read_pieces(struct layout *layout, const char *text)
{
	while (*text) {
		const char *end = line_end(text), *first;
		int indent;

		first = skip_blanks(text, &indent);
		if (first == end) {
			if (layout->n_pieces && layout->piece[layout->n_pieces - 1].kind != PIECE_BLANK)
				add_piece(layout, PIECE_BLANK, 0, first, first);
			text = next_line(end);
		} else if (*first == '#') {
			add_piece(layout, PIECE_VERBATIM, 0, text, trimmed(text, end));
			text = next_line(end);
		} else if (strncmp(first, "/*", 2) == 0) {
			const char *close = strstr(first, "*/");

			end = close ? line_end(close) : end;
			add_piece(layout, PIECE_COMMENT, indent, first, trimmed(first, end));
			text = next_line(end);
		} else if ((indent == 0 || begins(first, "static")) && end - first > 3 &&
			   strncmp(end - 3, "= {", 3) == 0) {
			text = add_constant(layout, text, indent);
		} else {
			text = add_statement(layout, indent, first);
		}
	}
}

/*
 * What is printed into a template may be indented for another place than the one where it stands. In each block, all is
 * moved so far that its first line is where it should be; in a switch, with each label.
 */
static void indent_blocks(struct layout *layout)
{
	struct block {
		int indent, shift; /* of the line that opens it; of what is inside */
		bool fresh;
	} block[64] = {{0, 0, false}};
	int depth = 0;

	for (int i = 0; i < layout->n_pieces; i++) {
		struct piece *piece = &layout->piece[i];
		bool statement = piece->kind == PIECE_STATEMENT, closes = statement && *piece->text == '}';
		int given = piece->indent;

		if (closes && depth > 0) {
			piece->indent = block[depth--].indent;
		} else if (statement || piece->kind == PIECE_COMMENT) {
			if (is_label(piece))
				block[depth].shift = block[depth].indent - given;
			else if (block[depth].fresh)
				block[depth].shift = block[depth].indent + LAYOUT_INDENT - given;
			block[depth].fresh = false;
			if (given > 0 || !begins_label(piece->text))
				piece->indent = given + block[depth].shift;
		}
		if (statement && piece->text[piece->length - 1] == '{' && depth + 1 < 64) {
			block[++depth] = (struct block){.indent = piece->indent, .fresh = true};
			if (begins(piece->text, "extern"))
				block[depth].fresh = false;
		}
	}
}

/* --------------------------------------------------------------------------------------------------------- comments */

static int columns_of(const char *text, const char *end)
{
	return text_columns(text, (size_t)(end - text));
}

/* Words of a comment, as many on a line as fit. */
static void fill(struct layout *layout, int indent, const char *text, const char *end)
{
	int at = 0;

	while (text < end) {
		const char *word_end = text;
		int columns;

		while (word_end < end && !isspace((unsigned char)*word_end))
			word_end++;
		/* The asterisks that begin the lines of the text that is filled anew are not words of it. */
		columns = columns_of(text, word_end);
		if (at && at + 1 + columns > LAYOUT_COLUMNS) {
			end_line(layout, 0, 0);
			at = 0;
		}
		if (at) {
			put(layout, " ", 1);
			at += 1 + columns;
		} else {
			put_columns(layout, indent);
			put(layout, " * ", 3);
			at = indent + 3 + columns;
		}
		put(layout, text, (size_t)(word_end - text));
		for (text = word_end; text < end && isspace((unsigned char)*text); text++)
			if (*text == '\n') {
				text = skip_blanks(text + 1, NULL);
				if (text < end && *text == '*')
					text++;
				text--;
			}
	}
	end_line(layout, 0, 0);
}

/* The end of the paragraph that begins with this line of a comment: text that is indented, or a blank line, ends it. */
static const char *paragraph_end(const char *end)
{
	for (;;) {
		const char *next = skip_blanks(next_line(end), NULL);

		if (strncmp(next, "* ", 2) != 0 || isspace((unsigned char)next[2]))
			return end;
		end = line_end(next);
	}
}

static void put_comment(struct layout *layout, int indent, const char *text, size_t length)
{
	const char *end = text + length;

	if (!memchr(text, '\n', length)) {
		if (indent + columns_of(text, end) <= LAYOUT_COLUMNS) {
			put_columns(layout, indent);
			put_line(layout, text, length);
			return;
		}
		put_columns(layout, indent);
		put_line(layout, "/*", 2);
		fill(layout, indent, skip_blanks(text + 2, NULL), trimmed(text, end - 2));
		put_columns(layout, indent);
		put_line(layout, " */", 3);
		return;
	}
	for (const char *line = text; line < end; line = next_line(line_end(line))) {
		const char *stop = line_end(line), *first = line == text ? line : skip_blanks(line, NULL);
		bool starred = line != text;

		stop = stop > end ? end : stop;
		if (indent + starred + columns_of(first, trimmed(first, stop)) > LAYOUT_COLUMNS &&
		    strncmp(first, "* ", 2) == 0) {
			stop = paragraph_end(stop);
			stop = stop > end ? end : stop;
			fill(layout, indent, skip_blanks(first + 2, NULL), trimmed(first, stop));
			line = stop - 1;
			continue;
		}
		put_columns(layout, indent);
		if (starred)
			put(layout, " ", 1);
		put_line(layout, first, (size_t)(trimmed(first, stop) - first));
	}
}

/* ------------------------------------------------------------------------------------------------------- statements */

static int statement_columns(const struct statement *statement)
{
	return statement->n ? statement->token[statement->n - 1].end : 0;
}

static void put_statement(struct layout *layout, const struct piece *piece)
{
	struct statement *statement = &layout->statement;
	int columns, comment = piece->comment ? text_columns(piece->comment, piece->comment_length) : 0;

	statement_read(statement, piece->text, piece->length, piece->indent);
	columns = piece->indent + statement_columns(statement);
	if (comment && columns + 1 + comment > LAYOUT_COLUMNS) {
		put_comment(layout, piece->indent, piece->comment, piece->comment_length);
		comment = 0;
	}
	if (columns > LAYOUT_COLUMNS) {
		statement_understand(statement);
		statement_break(statement);
	}
	put_columns(layout, piece->indent);
	for (int i = 0; i < statement->n; i++) {
		const struct token *token = &statement->token[i];

		if (token->breaks) {
			end_line(layout, 0, 0);
			put_columns(layout, token->column);
		} else {
			put(layout, " ", (size_t)token->spaces);
		}
		put(layout, token->text, (size_t)token->length);
	}
	if (comment) {
		size_t byte = layout->used;

		put(layout, " ", 1);
		put(layout, piece->comment, piece->comment_length);
		end_line(layout, columns + 1, byte);
	} else {
		end_line(layout, 0, 0);
	}
}

static int piece_columns(struct layout *layout, const struct piece *piece)
{
	statement_read(&layout->statement, piece->text, piece->length, piece->indent);
	return statement_columns(&layout->statement) +
	       (piece->comment ? 1 + text_columns(piece->comment, piece->comment_length) : 0);
}

/* How many statements stand on the line of the label before them: all up to the next label, if these are few and fit.
 */
static int statements_on_label(struct layout *layout, int label)
{
	const struct piece *piece = &layout->piece[label];
	int columns = piece->indent + piece_columns(layout, piece), n = 0;

	if (piece->text[piece->length - 1] == '{')
		return 0;
	for (int i = label + 1; i < layout->n_pieces; i++, n++) {
		const struct piece *next = &layout->piece[i];

		if (is_label(next) || (next->kind == PIECE_STATEMENT && *next->text == '}') || (n && next[-1].comment))
			break;
		if (next->kind == PIECE_BLANK && i + 1 < layout->n_pieces && *next[1].text == '}')
			break;
		if (next->kind != PIECE_STATEMENT || begins_control(next->text) || n == 2)
			return 0;
		columns += 1 + piece_columns(layout, next);
	}
	return columns <= LAYOUT_COLUMNS ? n : 0;
}

static void put_label(struct layout *layout, int label, int n)
{
	const struct piece *last = &layout->piece[label + n];

	put_columns(layout, layout->piece[label].indent);
	for (int i = label; i <= label + n; i++) {
		const struct statement *statement = &layout->statement;

		statement_read(&layout->statement, layout->piece[i].text, layout->piece[i].length, 8);
		if (i > label)
			put(layout, " ", 1);
		for (int k = 0; k < statement->n; k++) {
			put(layout, " ", (size_t)statement->token[k].spaces);
			put(layout, statement->token[k].text, (size_t)statement->token[k].length);
		}
	}
	if (last->comment) {
		size_t byte = layout->used;
		const char *begin = skip_blanks(layout->buffer, NULL);
		int columns = layout->piece[label].indent + columns_of(begin, layout->buffer + byte);

		put(layout, " ", 1);
		put(layout, last->comment, last->comment_length);
		end_line(layout, columns + 1, byte);
	} else {
		end_line(layout, 0, 0);
	}
}

/* ----------------------------------------------------------------------------------------------------------- tables */

/* Tables that follow each other, with the comments that tell what they are, stand between one pair of switches. */
static int tables_end(const struct layout *layout, int first)
{
	int end = first;

	for (int i = first; i < layout->n_pieces; i++) {
		if (layout->piece[i].kind == PIECE_TABLE)
			end = i + 1;
		else if (layout->piece[i].kind != PIECE_BLANK && layout->piece[i].kind != PIECE_COMMENT)
			break;
	}
	return end;
}

/* A member whose string does not fit: the string goes on behind its last blank before the margin, on a line of its own.
 */
static bool put_long_string(struct layout *layout, const char *line, const char *end)
{
	const char *text = strchr(line, '"'), *tail = end;
	int indent, column;

	while (tail > line && tail[-1] != '"')
		tail--;
	if (!text || text + 1 >= tail)
		return false;
	line = skip_blanks(line, &indent);
	column = indent + columns_of(line, text);
	put_columns(layout, indent);
	put(layout, line, (size_t)(text - line));
	for (text++, tail--;;) {
		const char *cut = NULL;
		int at = column + 1;

		if (at + columns_of(text, end) <= LAYOUT_COLUMNS)
			break;
		for (const char *c = text; c < tail && at + 2 <= LAYOUT_COLUMNS; c++) {
			at += text_columns(c, 1);
			if (*c == ' ' && c + 1 < tail)
				cut = c + 1;
		}
		if (!cut)
			break;
		put(layout, "\"", 1);
		put(layout, text, (size_t)(cut - text));
		put_line(layout, "\"", 1);
		put_columns(layout, column);
		text = cut;
	}
	put(layout, "\"", 1);
	put_line(layout, text, (size_t)(end - text));
	return true;
}

static int indent_and_columns(const char *line, const char *end)
{
	int indent;

	line = skip_blanks(line, &indent);
	return indent + columns_of(line, trimmed(line, end));
}

static void put_verbatim(struct layout *layout, const struct piece *piece)
{
	const char *end = piece->text + piece->length;

	for (const char *line = piece->text; line < end; line = next_line(line_end(line)))
		if (piece->kind != PIECE_VERBATIM || *line != '\t' ||
		    indent_and_columns(line, line_end(line)) <= LAYOUT_COLUMNS ||
		    !put_long_string(layout, line, trimmed(line, line_end(line))))
			put_line(layout, line, (size_t)(trimmed(line, line_end(line)) - line));
}

/* -------------------------------------------------------------------------------------------------------------- all */

/* Comments that end lines which follow each other begin in one column, as far as they fit. */
static void align_comments(struct layout *layout)
{
	for (int first = 0, end; first < layout->n_lines; first = end) {
		int least = 0, most = LAYOUT_COLUMNS;

		for (end = first; end < layout->n_lines && layout->line[end].comment_at; end++) {
			const struct line *line = &layout->line[end];
			int from = line->comment_at;
			int to = LAYOUT_COLUMNS - text_columns(line->text + line->comment_byte + 1,
							       strlen(line->text) - line->comment_byte - 1);

			if (from > most || to < least)
				break;
			least = from > least ? from : least;
			most = to < most ? to : most;
		}
		if (end == first) {
			end++;
			continue;
		}
		for (int i = first; i < end; i++) {
			struct line *line = &layout->line[i];
			int at = line->comment_at - 1, spaces = least - at, tab = LAYOUT_INDENT - at % LAYOUT_INDENT;
			char *comment = line->text + line->comment_byte + 1;

			put(layout, line->text, line->comment_byte);
			/* With tabs, but for a single space. */
			if (spaces > 1 && spaces >= tab) {
				put(layout, "\t", 1);
				spaces -= tab;
				put_columns(layout, spaces);
			} else {
				while (spaces-- > 0)
					put(layout, " ", 1);
			}
			put(layout, comment, strlen(comment));
			free(line->text);
			line->text = layout->buffer;
			layout->buffer = NULL;
			layout->used = layout->buffer_room = 0;
		}
	}
}

void layout_write(FILE *out, const char *text)
{
	struct layout layout = {.piece = NULL};
	int tables = -1;

	read_pieces(&layout, text);
	indent_blocks(&layout);
	for (int i = 0; i < layout.n_pieces; i++) {
		struct piece *piece = &layout.piece[i];
		int n;

		if (i == tables) {
			put_columns(&layout, piece[-1].indent);
			put_line(&layout, "// clang-format on", 18);
			tables = -1;
		}
		if (tables < 0 &&
		    (piece->kind == PIECE_TABLE ||
		     (piece->kind == PIECE_COMMENT && i + 1 < layout.n_pieces && piece[1].kind == PIECE_TABLE))) {
			put_columns(&layout, piece->indent);
			put_line(&layout, "// clang-format off", 19);
			tables = tables_end(&layout, i);
		}
		switch (piece->kind) {
		case PIECE_BLANK: put_line(&layout, "", 0); break;
		case PIECE_COMMENT: put_comment(&layout, piece->indent, piece->text, piece->length); break;
		case PIECE_STATEMENT:
			/* What a label is about stands above it, since its statement may follow on its line. */
			if (is_label(piece) && piece->comment) {
				put_comment(&layout, piece->indent, piece->comment, piece->comment_length);
				piece->comment = NULL;
			}
			n = is_label(piece) ? statements_on_label(&layout, i) : 0;
			if (n) {
				put_label(&layout, i, n);
				i += n;
			} else {
				put_statement(&layout, piece);
			}
			break;
		case PIECE_TABLE:
		case PIECE_VERBATIM: put_verbatim(&layout, piece); break;
		}
	}
	if (tables >= 0)
		put_line(&layout, "// clang-format on", 18);
	align_comments(&layout);
	for (int i = 0; i < layout.n_lines; i++) {
		fputs(layout.line[i].text, out);
		fputc('\n', out);
		free(layout.line[i].text);
	}
	statement_free(&layout.statement);
	free(layout.line);
	free(layout.piece);
	free(layout.buffer);
}

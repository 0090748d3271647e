/* SPDX-License-Identifier: MIT */
/*
 * layout.h - where the lines of generated C are broken.
 *
 * Emitters and templates print statements without a thought for the margin; how long one becomes depends on the name of
 * the format. At the end all text passes through here: statements that do not fit into 120 columns are broken, others
 * are joined, in the way that clang-format does it under the .clang-format of this repository, so that generated code
 * can stand in a tree which is checked with it. What is known of C is what generated code uses: no C++, no macro
 * bodies, no comments inside of statements.
 *
 * Files: layout.c (statements, comments, tables), layout_token.c (one statement as tokens, and what a break between two
 * of them costs), layout_break.c (the cheapest breaks).
 */
#ifndef PTGEN_LAYOUT_H
#define PTGEN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { LAYOUT_COLUMNS = 120, LAYOUT_INDENT = 8 };

/* Write the text of a C file, laid out. */
void layout_write(FILE *out, const char *text);

/* ------------------------------------------------------------------------------------------------ between the files */

/* How tightly operators bind, as in C; names before a dot or an arrow bind tightest. */
enum precedence {
	BIND_NONE,
	BIND_COMMA,
	BIND_ASSIGN,
	BIND_CONDITION,
	BIND_LOGICAL_OR,
	BIND_LOGICAL_AND,
	BIND_OR,
	BIND_XOR,
	BIND_AND,
	BIND_EQUAL,
	BIND_RELATION,
	BIND_SPACESHIP, /* C++ has an operator here, and what breaks cost follows its numbers */
	BIND_SHIFT,
	BIND_SUM,
	BIND_PRODUCT,
	BIND_MEMBER_POINTER,
	BIND_UNARY,
	BIND_MEMBER
};

enum token_kind { TOKEN_NAME, TOKEN_KEYWORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_MARK };

enum token_role {
	ROLE_PLAIN,
	ROLE_BINARY,
	ROLE_UNARY,
	ROLE_POINTER,	 /* the star of a declaration */
	ROLE_CONDITION,	 /* ? and its colon */
	ROLE_MEMBER,	 /* . and -> */
	ROLE_DESIGNATOR, /* the dot before the name of a member that is initialised */
	ROLE_CAST,	 /* the parenthesis that closes a cast */
	ROLE_DECLARED,	 /* the name that a declaration is about */
	ROLE_FUNCTION	 /* the same of a function, at file scope */
};

enum { MAX_GROUPS = 12 };

struct token {
	const char *text;
	int length, columns, spaces; /* spaces: before it, on one line */
	enum token_kind kind;
	enum token_role role;
	enum precedence binds;
	int level;   /* of brackets around it */
	int tight;   /* what brackets add to the cost of a break */
	int partner; /* of a bracket; -1: none */
	int entries; /* of an opening bracket: what commas separate */
	int end;     /* columns from the beginning of the statement to the end of the token */
	/* Operators of one expression and level are counted, and linked. */
	int operator_index, next_operator;
	/* Expressions that begin here, innermost first, and the number of those that end here. */
	unsigned char begins[MAX_GROUPS];
	int n_begins, n_ends;
	bool begins_operands, ends_operands;
	bool may_break;
	int cost;
	/* The result: it begins a line, in that column. */
	bool breaks;
	int column;
};

struct statement {
	struct token *token;
	int n, room;
	int indent;
	bool at_file_scope, declares_function, declares_several;
};

/* Here, since it is asked a hundred times for each token, of texts whose length the compiler knows. */
static inline bool token_is(const struct token *token, const char *text)
{
	size_t length = strlen(text);

	return (size_t)token->length == length && memcmp(token->text, text, length) == 0;
}

bool token_opens(const struct token *token);
bool token_closes(const struct token *token);

/* Columns that bytes of UTF-8 take. */
int text_columns(const char *text, size_t length);

/* text: a statement without comments, perhaps on several lines. The tokens point into it; what they are is left open.
 */
void statement_read(struct statement *statement, const char *text, size_t length, int indent);
void statement_free(struct statement *statement);
/* What the tokens are to each other, and what a break before each costs: what statement_break goes by. */
void statement_understand(struct statement *statement);
/* Choose token.breaks of a statement that does not fit and is understood. */
void statement_break(struct statement *statement);

#endif

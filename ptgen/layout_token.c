/* SPDX-License-Identifier: MIT */
/* layout_token.c - one statement as tokens: roles, expressions, and what a break between two tokens costs. */
#include "layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const struct token *token, const char *const *words)
{
	for (; *words; words++)
		if (token_is(token, *words))
			return true;
	return false;
}

bool token_opens(const struct token *token)
{
	return token->kind == TOKEN_MARK && token->length == 1 && strchr("([{", *token->text);
}

bool token_closes(const struct token *token)
{
	return token->kind == TOKEN_MARK && token->length == 1 && strchr(")]}", *token->text);
}

int text_columns(const char *text, size_t length)
{
	int columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static const struct operator
{
	const char *text;
	enum precedence binds;
}
operators[] = {
	{",", BIND_COMMA},     {"=", BIND_ASSIGN},	{"+=", BIND_ASSIGN},	  {"-=", BIND_ASSIGN},
	{"*=", BIND_ASSIGN},   {"|=", BIND_ASSIGN},	{"&=", BIND_ASSIGN},	  {"^=", BIND_ASSIGN},
	{"<<=", BIND_ASSIGN},  {">>=", BIND_ASSIGN},	{"/=", BIND_ASSIGN},	  {"%=", BIND_ASSIGN},
	{"?", BIND_CONDITION}, {"||", BIND_LOGICAL_OR}, {"&&", BIND_LOGICAL_AND}, {"|", BIND_OR},
	{"^", BIND_XOR},       {"&", BIND_AND},		{"==", BIND_EQUAL},	  {"!=", BIND_EQUAL},
	{"<", BIND_RELATION},  {">", BIND_RELATION},	{"<=", BIND_RELATION},	  {">=", BIND_RELATION},
	{"<<", BIND_SHIFT},    {">>", BIND_RELATION},	{"+", BIND_SUM},	  {"-", BIND_SUM},
	{"*", BIND_PRODUCT},   {"/", BIND_PRODUCT},	{"%", BIND_PRODUCT},	  {NULL, BIND_NONE},
};

static enum precedence precedence_of(const struct token *token)
{
	if (token->kind == TOKEN_MARK)
		for (const struct operator* o = operators; o->text; o++)
			if (token_is(token, o->text))
				return o->binds;
	return BIND_NONE;
}

/* ----------------------------------------------------------------------------------------------------------- tokens */

static const char *const simple_types[] = {"void",   "char", "short", "int",	"long", "unsigned",
					   "signed", "bool", "float", "double", NULL};
static const char *const keywords[] = {"struct",   "union",   "enum",  "const", "static",   "extern", "typedef",
				       "return",   "if",      "else",  "for",	"while",    "do",     "switch",
				       "case",	   "default", "goto",  "break", "continue", "sizeof", "inline",
				       "volatile", "true",    "false", "try",	NULL};
static const char *const marks[] = {"<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=",
				    "&&",  "||",  "+=",	 "-=", "*=", "/=", "%=", "&=", "|=", "^=", NULL};

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t string_length(const char *text)
{
	size_t n = 1;

	while (text[n] && text[n] != *text)
		n += text[n] == '\\' ? 2 : 1;
	return n + 1;
}

static size_t token_length(const char *text, enum token_kind *kind)
{
	size_t n = 0;

	if (*text == '"' || *text == '\'') {
		*kind = TOKEN_STRING;
		return string_length(text);
	}
	if (is_name_character(*text)) {
		*kind = isdigit((unsigned char)*text) ? TOKEN_NUMBER : TOKEN_NAME;
		while (is_name_character(text[n]))
			n++;
		return n;
	}
	*kind = TOKEN_MARK;
	if (!ispunct((unsigned char)text[1]))
		return 1;
	for (const char *const *mark = marks; *mark; mark++)
		if (strncmp(text, *mark, strlen(*mark)) == 0)
			return strlen(*mark);
	return 1;
}

static struct token *add_token(struct statement *statement)
{
	if (statement->n == statement->room) {
		struct token *more;

		statement->room = statement->room ? statement->room * 2 : 64;
		more = realloc(statement->token, (size_t)statement->room * sizeof(*more));
		if (!more) {
			fputs("ptgen: out of memory\n", stderr);
			exit(2);
		}
		statement->token = more;
	}
	memset(&statement->token[statement->n], 0, sizeof(*statement->token));
	return &statement->token[statement->n++];
}

static void split(struct statement *statement, const char *text, const char *end)
{
	bool space = false, newline = false;
	int columns = 0;

	while (text < end) {
		struct token *token, *previous;

		if (isspace((unsigned char)*text)) {
			space = true;
			newline = newline || *text == '\n';
			text++;
			continue;
		}
		token = add_token(statement);
		previous = statement->n > 1 ? token - 1 : NULL;
		token->text = text;
		token->length = (int)token_length(text, &token->kind);
		token->columns = text_columns(text, (size_t)token->length);
		token->partner = token->next_operator = -1;
		token->spaces = space && previous ? 1 : 0;
		/* Where lines are joined there is a space, but inside of brackets. */
		if (newline && previous &&
		    (token_is(previous, "(") || token_is(previous, "[") || token_is(previous, "{") ||
		     token_is(token, "}")))
			token->spaces = 0;
		columns += token->spaces + token->columns;
		token->end = columns;
		text += token->length;
		space = newline = false;
	}
}

static void classify(struct statement *statement)
{
	for (int i = 0; i < statement->n; i++) {
		struct token *token = &statement->token[i];

		token->binds = precedence_of(token);
		if (token->kind == TOKEN_NAME && (is_one_of(token, keywords) || is_one_of(token, simple_types)))
			token->kind = TOKEN_KEYWORD;
	}
}

static void match_brackets(struct statement *statement)
{
	int open[64], depth = 0, level = 0, tight = 1;

	for (int i = 0; i < statement->n; i++) {
		struct token *token = &statement->token[i];

		token->level = level;
		token->tight = tight;
		if (token_opens(token) && depth < 64) {
			open[depth++] = i;
			level++;
			tight += *token->text == '[' ? 10 : 1;
			token->entries = i + 1 < statement->n && token_closes(token + 1) ? 0 : 1;
		} else if (token_closes(token) && depth > 0) {
			struct token *opening = &statement->token[open[--depth]];

			token->partner = open[depth];
			opening->partner = i;
			level--;
			tight -= *opening->text == '[' ? 10 : 1;
		} else if (token_is(token, ",") && depth > 0) {
			statement->token[open[depth - 1]].entries++;
		}
	}
}

/* ------------------------------------------------------------------------------------------------------------ roles */

static bool is_simple_type(const struct token *token)
{
	return token->kind == TOKEN_KEYWORD && is_one_of(token, simple_types);
}

/* Spaces tell what a mark is: binary operators have them on both sides. */
static void mark_role(struct statement *statement, int i)
{
	struct token *token = &statement->token[i];
	const struct token *before = i ? token - 1 : NULL, *after = i + 1 < statement->n ? token + 1 : NULL;
	bool spaced = token->spaces && after && after->spaces;

	if (token_is(token, "->"))
		token->role = ROLE_MEMBER;
	else if (token_is(token, "."))
		token->role =
			before && (token_is(before, "{") || token_is(before, ",")) ? ROLE_DESIGNATOR : ROLE_MEMBER;
	else if (token_is(token, "?"))
		token->role = ROLE_CONDITION;
	else if (token_is(token, "++") || token_is(token, "--") || token_is(token, "!") || token_is(token, "~"))
		token->role = ROLE_UNARY;
	else if ((token_is(token, "*") || token_is(token, "&") || token_is(token, "-") || token_is(token, "+")) &&
		 !spaced)
		token->role = token_is(token, "*") && before &&
					      (before->kind == TOKEN_NAME || is_simple_type(before) ||
					       before->role == ROLE_POINTER || token_is(before, "const"))
				      ? ROLE_POINTER
				      : ROLE_UNARY;
	else if (token->binds > BIND_COMMA)
		token->role = ROLE_BINARY;
}

/* A parenthesis that closes a cast: types only inside, and an operand at once behind it. */
static bool closes_cast(const struct statement *statement, int i)
{
	const struct token *token = &statement->token[i];
	int open = token->partner;
	const struct token *before, *last = token - 1;

	if (open < 0 || open + 1 == i || i + 1 == statement->n || token[1].spaces)
		return false;
	before = open ? &statement->token[open - 1] : NULL;
	if (before && (before->kind == TOKEN_NAME || token_closes(before) ||
		       is_one_of(before, (const char *const[]){"sizeof", "if", "for", "while", "switch", NULL})))
		return false;
	for (int k = open + 1; k < i; k++)
		if (statement->token[k].kind != TOKEN_NAME && statement->token[k].kind != TOKEN_KEYWORD &&
		    statement->token[k].role != ROLE_POINTER)
			return false;
	if (last->role == ROLE_POINTER || is_simple_type(last))
		return true;
	return token[1].kind == TOKEN_NAME || token[1].kind == TOKEN_NUMBER || token_is(token + 1, "sizeof") ||
	       token_is(token + 1, "(") || token[1].role == ROLE_UNARY;
}

static bool is_declared(const struct statement *statement, int i)
{
	const struct token *before;
	int k = i - 1;

	if (statement->token[i].kind != TOKEN_NAME)
		return false;
	while (k >= 0 && token_is(&statement->token[k], "const"))
		k--;
	if (k < 0)
		return false;
	before = &statement->token[k];
	return before->kind == TOKEN_NAME || before->role == ROLE_POINTER || is_simple_type(before);
}

static void assign_roles(struct statement *statement)
{
	int questions[64] = {0};

	for (int i = 0; i < statement->n; i++) {
		struct token *token = &statement->token[i];
		int level = token->level < 64 ? token->level : 63;

		if (token->kind != TOKEN_MARK)
			continue;
		mark_role(statement, i);
		if (token_is(token, "?"))
			questions[level]++;
		else if (token_is(token, ":") && questions[level] > 0) {
			token->role = ROLE_CONDITION;
			questions[level]--;
		}
	}
	for (int i = 0; i < statement->n; i++) {
		struct token *token = &statement->token[i];

		if (token_is(token, ")") && closes_cast(statement, i))
			token->role = ROLE_CAST;
		if (is_declared(statement, i)) {
			token->role = ROLE_DECLARED;
			if (statement->at_file_scope && token->level == 0 && i + 1 < statement->n &&
			    token_is(token + 1, "(")) {
				token->role = ROLE_FUNCTION;
				statement->declares_function = true;
			}
		}
		if (token_is(token, ",") && token->level == 0)
			for (int k = 0; k < i; k++)
				statement->declares_several =
					statement->declares_several || statement->token[k].role == ROLE_DECLARED;
	}
}

/* ------------------------------------------------------------------------------------------------------ expressions */

/* Groups of operands: what brackets would hold if each operator had its own. */
struct grouping {
	struct statement *statement;
	int at;
};

static void group(struct grouping *g, int binds);

static struct token *at(struct grouping *g)
{
	return g->at < g->statement->n ? &g->statement->token[g->at] : NULL;
}

static int binds_here(struct grouping *g)
{
	const struct token *token = at(g);

	if (!token)
		return -1;
	if (token->role == ROLE_CONDITION)
		return BIND_CONDITION;
	if (token_is(token, ";"))
		return 0;
	if (token->role == ROLE_BINARY || token_is(token, ","))
		return (int)token->binds;
	return token->role == ROLE_MEMBER ? BIND_MEMBER : -1;
}

static void close_group(struct grouping *g, int start, enum precedence binds)
{
	struct token *first;

	if (start >= g->statement->n || !g->statement->token)
		return;
	first = &g->statement->token[start];
	if (first->n_begins == MAX_GROUPS)
		return;
	first->begins[first->n_begins++] = (unsigned char)binds;
	if (binds > BIND_NONE)
		first->begins_operands = true;
	if (at(g)) {
		struct token *last = at(g) - 1;

		last->n_ends++;
		if (binds > BIND_NONE)
			last->ends_operands = true;
	}
}

static void group_unary(struct grouping *g)
{
	int start = g->at;

	while (at(g) && at(g)->role == ROLE_UNARY)
		g->at++;
	int end = g->at;
	group(g, BIND_MEMBER);
	while (end-- > start)
		close_group(g, end, BIND_NONE);
}

static void group_condition(struct grouping *g)
{
	int start = g->at;

	group(g, BIND_LOGICAL_OR);
	if (!at(g) || !token_is(at(g), "?"))
		return;
	g->at++;
	group(g, BIND_ASSIGN);
	if (!at(g) || at(g)->role != ROLE_CONDITION)
		return;
	g->at++;
	group(g, BIND_ASSIGN);
	close_group(g, start, BIND_CONDITION);
}

static void group(struct grouping *g, int binds)
{
	int start, latest = -1, index = 0;

	while (at(g) && token_is(at(g), "return"))
		g->at++;
	if (!at(g) || binds > BIND_MEMBER)
		return;
	if (binds == BIND_CONDITION) {
		group_condition(g);
		return;
	}
	if (binds == BIND_UNARY) {
		group_unary(g);
		return;
	}
	start = g->at;
	while (at(g)) {
		int here;

		group(g, binds + 1);
		here = binds_here(g);
		if (!at(g) || token_closes(at(g)) || (here != -1 && here < binds) ||
		    (here == BIND_CONDITION && binds == BIND_ASSIGN && token_is(at(g), ":")))
			break;
		if (token_opens(at(g))) {
			while (at(g) && !token_closes(at(g))) {
				g->at++;
				group(g, 0);
			}
			g->at++;
			continue;
		}
		if (here == binds) {
			if (latest >= 0)
				g->statement->token[latest].next_operator = g->at;
			latest = g->at;
			at(g)->operator_index = index++;
		}
		g->at++;
	}
	if (latest >= 0 && (at(g) || binds > 0))
		close_group(g, start, binds == BIND_MEMBER ? BIND_NONE : (enum precedence)binds);
}

/* ----------------------------------------------------------------------------------------------------------- breaks */

static bool may_break(const struct statement *statement, int i)
{
	const struct token *right = &statement->token[i], *left = right - 1,
			   *next = i + 1 < statement->n ? right + 1 : NULL;

	if (right->role == ROLE_POINTER)
		return statement->declares_several || (next && next->role != ROLE_FUNCTION);
	if (right->role == ROLE_DECLARED || right->role == ROLE_FUNCTION)
		return true;
	if (left->role == ROLE_POINTER)
		return false;
	if (right->role == ROLE_CONDITION)
		return !token_is(left, "?");
	if (left->role == ROLE_CONDITION || token_is(right, ":") || left->role == ROLE_UNARY)
		return false;
	if (token_is(left, "(") && i >= 2 && (left[-1].role == ROLE_BINARY || left[-1].role == ROLE_CAST))
		return false;
	if (token_is(right, ")") || token_is(right, "}"))
		return false;
	if (left->kind == TOKEN_NAME && right->kind == TOKEN_STRING)
		return true;
	if (left->role == ROLE_BINARY && !token_is(left, "<<"))
		return true;
	return token_is(left, ",") || token_is(left, ";") || token_is(left, "{") || token_is(left, "struct") ||
	       right->role == ROLE_MEMBER || token_is(right, "<<") || token_is(right, "[") ||
	       (token_is(left, ")") && (right->kind == TOKEN_NAME || token_is(right, "const"))) || token_is(left, "(");
}

static int cost(const struct statement *statement, int i)
{
	const struct token *right = &statement->token[i], *left = right - 1;
	bool loop = token_is(&statement->token[0], "for");
	enum precedence binds;

	if (token_is(left, ";"))
		return 0;
	if (token_is(right, "["))
		return token_is(left, "]") ? 200 : 500;
	if (right->role == ROLE_DECLARED || right->role == ROLE_FUNCTION) {
		if (loop && statement->declares_several)
			return 3;
		if (left->role == ROLE_DECLARED)
			return 110;
		return statement->declares_function && right->level == 0 ? 60 : 200;
	}
	if (right->role == ROLE_POINTER)
		return 190;
	if (token_is(left, "=") && token_is(right, "{"))
		return 160;
	if (left->role == ROLE_CAST)
		return 100;
	if (token_is(left, "struct"))
		return 5000;
	if (right->role == ROLE_MEMBER)
		return right->next_operator < 0 || !token_closes(&statement->token[right->next_operator - 1]) ? 150
													      : 35;
	if (loop && token_is(left, "="))
		return 4;
	if (token_is(left, "(") && statement->declares_function)
		return 100;
	if (token_is(left, "(") && i >= 2 && (token_is(left - 1, "for") || token_is(left - 1, "if")))
		return 1000;
	if (token_is(left, "=") && statement->declares_function)
		return 110;
	if (token_opens(left))
		return 19;
	if (left->role == ROLE_UNARY)
		return 60;
	if (token_is(right, "<<"))
		return 1;
	if (left->role == ROLE_CONDITION)
		return BIND_CONDITION;
	binds = left->binds;
	if (binds == BIND_NONE)
		binds = right->binds;
	return binds == BIND_ASSIGN ? 2 : binds != BIND_NONE ? (int)binds : 3;
}

void statement_read(struct statement *statement, const char *text, size_t length, int indent)
{
	*statement = (struct statement){
		.token = statement->token, .room = statement->room, .indent = indent, .at_file_scope = indent == 0};
	split(statement, text, text + length);
}

void statement_understand(struct statement *statement)
{
	struct grouping grouping = {.statement = statement};

	classify(statement);
	match_brackets(statement);
	assign_roles(statement);
	while (at(&grouping)) {
		group(&grouping, 0);
		if (at(&grouping))
			grouping.at++;
	}
	for (int i = 1; i < statement->n; i++) {
		struct token *token = &statement->token[i];

		token->may_break = may_break(statement, i);
		token->cost = 20 * token->tight + cost(statement, i);
	}
}

void statement_free(struct statement *statement)
{
	free(statement->token);
	*statement = (struct statement){.token = NULL};
}

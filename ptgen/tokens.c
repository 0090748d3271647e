/* SPDX-License-Identifier: MIT */
/*
 * tokens.c - between scanner and parser. Counts the braces; says what was unexpected; and after an error mends the
 * stream of tokens, so that the parser meets the ';' or '}' that its error rules wait for, at the right depth: a slip
 * in a line costs the line, a slip in the head of an item costs the item, a brace that is missing is supplied where the
 * next item or format begins.
 */
#include "parser.h"
#include "parse.h"

#include <stdarg.h>
#include <string.h>

struct token {
	int kind;
	PARSE_STYPE value;
	struct span span;
	bool first; /* on its line */
};

int scan_token(PARSE_STYPE *value, struct span *at, void *scanner);
int parse_lex(PARSE_STYPE *value, struct span *at, struct parser *p);

struct token *new_token(struct arena *arena)
{
	return arena_alloc(arena, sizeof(struct token));
}

void syntax_error(struct parser *p, struct span at, const char *format, ...)
{
	va_list arguments;
	char text[400];

	p->failed = true;
	if (p->stopped) {
		p->context->last_dropped = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	diag(p->context, CHECK_SYNTAX, at, "%s", text);
	if (++p->errors == MAX_SYNTAX_ERRORS) {
		diag_mend(p->context, "%d errors of syntax: the rest of the file is not read", MAX_SYNTAX_ERRORS);
		p->stopped = true;
	}
}

/* ------------------------------------------------------------------------------------------------------- the stream */

static void scan(struct parser *p, struct token *token)
{
	/* A new statement: what was wrong with the one before is said. */
	if (p->last->kind == ';' || p->last->kind == '{' || p->last->kind == '}')
		p->quiet = false;
	memset(token, 0, sizeof(*token));
	token->kind = scan_token(&token->value, &token->span, p->scanner);
	token->first = p->line_start;
	p->line_start = false;
	if (token->kind == END)
		token->span = (struct span){p->source, p->offset, 0};
}

static bool begins_format(const struct token *token)
{
	return token->first &&
	       (token->kind == FORMAT || token->kind == FAMILY || token->kind == INCLUDE || token->kind == LANGUAGE);
}

static bool item_keyword(int kind)
{
	switch (kind) {
	case ENTRY:
	case FIELDS:
	case REGISTER:
	case EXAMPLE:
	case REQUIRE:
	case WITHOUT:
	case PROT:
	case MEMTYPE:
	case TITLE:
	case SPEC:
	case INPUT_:
	case OUTPUT:
	case PARAM:
	case STATIC:
	case FEATURE:
	case QUIRK:
	case ADDRESS:
	case LET:
	case SET:
	case ROOT:
	case LEVEL:
	case ROUND:
	case REFUSE:
	case RESIZE:
	case WORD_: return true;
	default: return false;
	}
}

/* Does an item begin here? In the blocks whose lines begin with a name only what is hardly meant as one. */
static bool begins_item(const struct parser *p, const struct token *token)
{
	if (!token->first || !item_keyword(token->kind))
		return false;
	if (p->depth < 2 || p->opener == ENTRY || p->opener == FIELDS || p->opener == REGISTER)
		return true;
	switch (token->kind) {
	case ENTRY:
	case FIELDS:
	case REGISTER:
	case LEVEL:
	case EXAMPLE:
	case REQUIRE:
	case WITHOUT: return true;
	case PROT:
	case MEMTYPE: return p->opener != EXAMPLE && p->opener != LEVEL;
	default: return false;
	}
}

static bool ends(int kind)
{
	return kind == END || kind == ';' || kind == '{' || kind == '}';
}

/* Keep count of the braces, tell those of sets from those of blocks, and remember the token as the last one. */
static void take(struct parser *p, struct token *token)
{
	struct token *spare = p->before;

	p->stray = false;
	switch (token->kind) {
	case '{':
		if (p->last->kind == IN) {
			p->in_set = true;
			token->kind = SET_OPEN;
		} else {
			if (p->depth < MAX_OPEN)
				p->open[p->depth] = token->span;
			p->depth++;
		}
		break;
	case '}':
		if (p->in_set) {
			p->in_set = false;
			token->kind = SET_CLOSE;
		} else if (p->depth > 0) {
			p->depth--;
		} else {
			p->stray = true;
		}
		break;
	case ';':
		p->cut.length = 0;
		p->in_set = false;
		p->in_bits = false;
		break;
	case '[':
		/* Bits at the beginning of a line that go on with the one before: most probably they do not. */
		if (token->first && p->depth > 1 && !ends(p->last->kind))
			p->cut = (struct span){p->last->span.file, p->last->span.offset + p->last->span.length, 1};
		p->in_bits = true;
		break;
	case ']': p->in_bits = false; break;
	default: break;
	}
	if (p->depth == 1 && (p->last->kind == ';' || p->last->kind == '{' || p->last->kind == '}'))
		p->opener = token->kind;
	p->before = p->last;
	p->last = spare;
	*spare = *token;
}

static void synthesize(struct token *token, int kind, const struct token *like)
{
	struct span before = {like->span.file, like->span.offset, 0};

	memset(token, 0, sizeof(*token));
	token->kind = kind;
	token->span = before;
}

/* Put token back, to come after n closing braces. */
static void put_back(struct parser *p, const struct token *token, int n, bool taken)
{
	*p->pending = *token;
	p->pending_taken = taken;
	p->put_back_at = token->span.offset;
	p->closes = n;
}

/* The next token, from what was put back or from the text. False: its braces are counted already. */
static bool fetch(struct parser *p, struct token *token)
{
	if (p->closes > 0) {
		p->closes--;
		synthesize(token, '}', p->pending);
		return true;
	}
	if (p->pending->kind) {
		*token = *p->pending;
		p->pending->kind = 0;
		return !p->pending_taken;
	}
	scan(p, token);
	return true;
}

/* Does the item whose head is broken have a block of lines, which can be parsed all the same? */
static bool block_follows(const struct parser *p, int target)
{
	return target == 1 && (p->opener == ENTRY || p->opener == FIELDS || p->opener == REGISTER);
}

/* Is the token, or what it is made to be, the end of what cannot be parsed? */
static bool skipped(struct parser *p, struct token *token, int target, bool once)
{
	if (token->kind == '{')
		return p->depth == target + 1 && block_follows(p, target);
	if (token->kind == '}' && p->depth < target) {
		if (once && block_follows(p, target) && !p->pending->kind) {
			put_back(p, token, 0, true);
			synthesize(token, ';', token);
		}
		return true;
	}
	if (p->depth != target || (token->kind != ';' && token->kind != '}'))
		return false;
	/* After the '}' of a block that was skipped, the item ends. */
	token->kind = ';';
	return true;
}

/*
 * Skip to the end of what cannot be parsed. The token that was unexpected, p->last, is the first to be looked at.
 * target: how many blocks were open where it came; what is nested deeper is skipped whole.
 */
static void recover(struct parser *p, struct token *token)
{
	int target = p->depth;
	bool fresh = false, once;

	*token = *p->last;
	p->in_set = false;
	p->in_bits = false;
	p->recovering = false;
	if (token->kind == '{')
		target--;
	else if (token->kind == '}' && !p->stray)
		target++;
	for (;;) {
		if (token->kind == END || p->stopped) {
			token->kind = END;
			return;
		}
		once = p->put_back_at != (int64_t)token->span.offset;
		if (once && begins_format(token)) {
			put_back(p, token, p->depth > 0 && target > 0 ? p->depth - 1 : p->depth, false);
			synthesize(token, target > 0 ? '}' : ';', token);
			if (block_follows(p, target)) {
				p->closes++;
				token->kind = ';';
			}
			take(p, token);
			return;
		}
		if (target > 0 && begins_item(p, token) && once) {
			if (p->depth > target)
				p->depth = target;
			put_back(p, token, 0, false);
			synthesize(token, target > 1 ? '}' : ';', token);
			take(p, token);
			return;
		}
		if (fresh)
			take(p, token);
		if (target > 0 && skipped(p, token, target, once))
			return;
		fresh = fetch(p, token);
	}
}

int parse_lex(PARSE_STYPE *value, struct span *at, struct parser *p)
{
	struct token token;

	if (p->recovering)
		recover(p, &token);
	else if (fetch(p, &token))
		take(p, &token);
	if (p->stopped)
		token.kind = END;
	*value = token.value;
	*at = token.span;
	return token.kind;
}

/* ---------------------------------------------------------------------------------------------------- the complaint */

/* Tokens that stand for one notion together: when most are expected, the notion is named instead. */
struct notion {
	const char *name;
	const char *tokens; /* separated by spaces */
};

#define OPERATOR "an operator"

static const struct notion notions[] = {
	{"an item",
	 " title spec word reserved input output static param feature quirk address let set require root level "
	 "fields entry prot memtype dirty round refuse never resize register without example "},
	{"an option", " default allows denies accessed dirty by live keep synced marks or if "},
	{"an option", " align table every word as limit "},
	{"an option", " start count align table grows "},
	{"an option", " when for repeat contig next raises "},
	{OPERATOR, " '+' '-' '*' '/' '%' << >> == != '<' '>' <= >= in && || '?' '=' "},
	{"an expression", " number '-' '!' '(' '[' "},
};

enum { N_NOTIONS = sizeof(notions) / sizeof(notions[0]), MAX_EXPECTED = 128, MAX_LISTED = 9 };

/* Every keyword that may be a name is expected where a name is; then only the name is worth telling. */
static const char keywords_as_names[] =
	" title spec word reserved raises input output static param feature quirk address let set require root level "
	"index "
	"fields entry absent fault null table leaf round refuse never resize register without example at prot memtype dirty "
	"include language format family above aperture base window align every as limit start count grows when for "
	"repeat "
	"contig next default allows denies accessed by live keep synced marks or ";

static bool listed(const char *list, const char *word)
{
	size_t length = strlen(word);
	const char *found = list;

	while ((found = strstr(found, word))) {
		if (found[-1] == ' ' && found[length] == ' ')
			return true;
		found++;
	}
	return false;
}

static bool has(const char *const *names, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void drop(const char **names, int *n, const char *name)
{
	int i, k = 0;

	for (i = 0; i < *n; i++)
		if (strcmp(names[i], name))
			names[k++] = names[i];
	*n = k;
}

static bool is_word(const char *name)
{
	return (name[0] >= 'a' && name[0] <= 'z') && strcmp(name, "name") && strcmp(name, "number") &&
	       strcmp(name, "string") && strcmp(name, "end of file");
}

/* "A, B or C" of what is expected. */
static const char *expectations(struct parser *p, const char *const *expected, int n)
{
	struct arena *arena = p->context->arena;
	const char *out[MAX_EXPECTED + N_NOTIONS], *text;
	bool gone[MAX_EXPECTED] = {false};
	int i, j, n_out = 0;

	if (n > MAX_EXPECTED)
		n = MAX_EXPECTED;
	if (has(expected, n, "name"))
		for (i = 0; i < n; i++)
			gone[i] = listed(keywords_as_names, expected[i]);
	for (j = 0; j < N_NOTIONS; j++) {
		int members = 0, all = -1;
		const char *c;

		for (c = notions[j].tokens; *c; c++)
			all += *c == ' ';
		for (i = 0; i < n; i++)
			members += !gone[i] && listed(notions[j].tokens, expected[i]);
		if (members < 3 || members * 3 < all)
			continue;
		for (i = 0; i < n; i++)
			if (!gone[i] && listed(notions[j].tokens, expected[i]))
				gone[i] = true;
		if (j == N_NOTIONS - 1)
			for (i = 0; i < n; i++)
				gone[i] = gone[i] || !strcmp(expected[i], "name");
		if (!has(out, n_out, notions[j].name))
			out[n_out++] = notions[j].name;
	}
	for (i = 0; i < n; i++) {
		if (gone[i])
			continue;
		if (!strcmp(expected[i], "name") || !strcmp(expected[i], "number") || !strcmp(expected[i], "string"))
			out[n_out++] = arena_printf(arena, "a %s", expected[i]);
		else if (expected[i][0] == '\'' || !strcmp(expected[i], "end of file"))
			out[n_out++] = expected[i];
		else
			out[n_out++] = arena_printf(arena, "'%s'", expected[i]);
	}
	/* A ';' after an item is no item either, though the grammar takes it to say so. */
	if (has(out, n_out, "an item"))
		drop(out, &n_out, "';'");
	/* What only goes on with an expression is of little help once something else is due. */
	if (n_out > 1 && has(out, n_out, OPERATOR)) {
		drop(out, &n_out, OPERATOR);
		drop(out, &n_out, "'('");
		drop(out, &n_out, "'['");
	}
	if (n_out > 1)
		drop(out, &n_out, "end of file");
	if (!n_out || n_out > MAX_LISTED)
		return NULL;
	text = out[0];
	for (i = 1; i < n_out; i++)
		text = arena_printf(arena, "%s%s%s", text, i == n_out - 1 ? " or " : ", ", out[i]);
	return text;
}

/* The source text of a token, shortened. */
static const char *shown(struct parser *p, const struct token *token)
{
	const char *text = p->context->files.v[token->span.file].text + token->span.offset;
	int length = token->span.length > 32 ? 32 : (int)token->span.length;

	if (token->kind == END)
		return "the end of the file";
	if (token->kind == STR)
		return "a string";
	return arena_printf(p->context->arena, "'%.*s%s'", length, text, token->span.length > 32 ? "..." : "");
}

/* Slips that people bring from other languages. */
static void mend(struct parser *p, const struct token *token, const char *const *expected, int n)
{
	const char *words[MAX_EXPECTED], *near;
	int i, n_words = 0;

	if (token->kind == DOTS && p->in_bits)
		diag_mend(p->context, "a range of bits is written [hi:lo], the higher bit first");
	else if (token->kind == ':' && has(expected, n, ".."))
		diag_mend(p->context, "a range of values is written first..last");
	else if (token->kind == EQ && has(expected, n, "'='"))
		diag_mend(p->context, "a constant is written with '='; '==' compares");
	else if (has(expected, n, "<->") && (token->kind == '<' || token->kind == '=' || token->kind == GE))
		diag_mend(p->context, "an arrow is '<->' for both ways, or '->' for decoding only");
	else if (token->kind == OR_ && has(expected, n, "||"))
		diag_mend(p->context, "'or' between conditions is written '||'");
	else if (token->kind == ID && !strcmp(token->value.text, "and") && has(expected, n, "&&"))
		diag_mend(p->context, "'and' between conditions is written '&&'");
	else if (p->last->kind == ID && p->before->kind == ID && !strcmp(p->before->value.text, "not"))
		diag_mend(p->context, "'not' is written '!'");
	else if (token->kind == ',' && has(expected, n, "';'"))
		diag_mend(p->context, has(expected, n, "name") ? "words stand side by side, without commas"
							       : "each ends with ';', also the last one");
	else if (token->kind == '(' && has(expected, n, "':'"))
		diag_mend(p->context, "groups and bases stand after ':'");
	else if (token->kind == STR && has(expected, n, "number"))
		diag_mend(p->context, "a number has no quotes");
	else if (n == 1 && has(expected, n, "string") && token->kind == ID)
		diag_mend(p->context, "text stands in double quotes");
	else if (token->kind == NUM && has(expected, n, "'['"))
		diag_mend(p->context, "a line begins with its bits: [high:low], or [bit]");
	else if (token->kind == ID) {
		for (i = 0; i < n && n_words < MAX_EXPECTED; i++)
			if (is_word(expected[i]))
				words[n_words++] = expected[i];
		near = near_name(token->value.text, words, n_words);
		if (near)
			diag_mend(p->context, "did you mean '%s'?", near);
	}
}

void unexpected_token(struct parser *p, struct span at, const char *const *expected, int n)
{
	const struct token *token = p->last, *before = p->before;
	struct span after = {before->span.file, before->span.offset + before->span.length, 1};
	bool ended = ends(before->kind);
	const char *what;

	p->recovering = true;
	p->failed = true;
	if (p->quiet || p->stopped)
		return;
	if (token->kind == END && p->depth > 0) {
		syntax_error(p, at, "the file ends inside a block: %s missing",
			     p->depth == 1   ? "a '}' is"
			     : p->depth == 2 ? "two '}' are"
					     : "several '}' are");
		diag_related(p->context, p->open[p->depth <= MAX_OPEN ? p->depth - 1 : MAX_OPEN - 1],
			     "the block that is still open");
	} else if (p->depth > 0 && ended && (begins_format(token) || (p->depth > 1 && begins_item(p, token)))) {
		syntax_error(p, at, "'}' is missing before %s", shown(p, token));
		diag_related(p->context, p->open[p->depth <= MAX_OPEN ? p->depth - 1 : MAX_OPEN - 1],
			     "the block that is still open");
	} else if (token->kind == '}' && p->depth == 0 && ended) {
		syntax_error(p, at, "a '}' that closes nothing");
	} else if (!ended && has(expected, n, "';'") &&
		   (token->first || token->kind == '}' || token->kind == '[' || token->kind == END)) {
		syntax_error(p, after, "';' is missing after %s", shown(p, before));
	} else if (p->cut.length) {
		syntax_error(p, p->cut, "';' is missing at the end of this line");
	} else {
		what = expectations(p, expected, n);
		if (what && !strcmp(what, "';'"))
			syntax_error(p, after, "';' is missing after %s", shown(p, before));
		else if (what)
			syntax_error(p, at, "unexpected %s; expected %s", shown(p, token), what);
		else
			syntax_error(p, at, "unexpected %s", shown(p, token));
		if (p->depth == 0 && before->kind == '}' && item_keyword(token->kind))
			diag_related(p->context, before->span, "the format ended here");
		mend(p, token, expected, n);
	}
}

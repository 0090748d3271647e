/* SPDX-License-Identifier: MIT */
/*
 * layout_break.c - the cheapest breaks of a statement that does not fit into a line.
 *
 * Every token either continues the line or begins a new one. A break costs what layout_token.c says, a column beyond
 * the margin costs more than all breaks together. The search goes from token to token, cheapest beginning first;
 * beginnings that leave the same columns and obligations behind them are tried once.
 */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_FRAMES = 40,
	COST_OF_COLUMN = 1000000, /* beyond the margin */
	COST_OF_FIRST_BREAK = 15, /* in a pair of brackets or an expression */
	COST_OF_FIRST_SHIFT = 120,
	N_BUCKETS = 8191,
	MANY_NODES = 50000,
	CHUNK_BYTES = 65536
};

/* One pair of brackets, or one expression, around the token that comes next. Columns; 0: none. */
struct frame {
	short indent, last_space, call_start, member_column, question_column, shift_column, variable_column,
		subscript_column;
	bool no_break;		  /* no more breaks in here */
	bool no_break_in_operand; /* none before the next operator or comma */
	bool one_per_line;	  /* entries stand on a line or on lines of their own */
	bool break_at_next;	  /* the next entry or operand begins a line */
	bool broken;
	bool operator_wrapped;
	bool chained; /* a condition in the else part of another */
	bool break_at_close;
	bool has_unwrapped_call;
};

struct beginning {
	int next; /* the token that comes next */
	int column, line_level, lowest_level, string_column;
	bool rough; /* the search is long: what this leaves behind is not looked at closely any more */
	int n_frames;
	struct frame frame[MAX_FRAMES];
};

struct node {
	long cost;
	int order, from; /* from: the node before; -1: none */
	int in_bucket;	 /* the next node with the same hash, counted from 1; 0: none */
	bool breaks;
	struct beginning beginning;
};

/* Nodes are many, small and die together. */
struct chunk {
	struct chunk *next;
	size_t used;
	_Alignas(struct node) unsigned char memory[CHUNK_BYTES];
};

struct search {
	const struct statement *statement;
	struct node **node;
	int n, room;
	int *heap;
	int n_heap;
	struct chunk *chunk;
	int bucket[N_BUCKETS]; /* the first node with a hash, counted from 1 */
};

static const struct token *token_at(const struct search *search, int i)
{
	return &search->statement->token[i];
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static bool begins_condition(const struct token *token)
{
	return token->n_begins > 0 && token->begins[token->n_begins - 1] == BIND_CONDITION;
}

/* The column of the next token if it begins a line. */
static int new_line_column(const struct search *search, const struct beginning *b)
{
	const struct statement *s = search->statement;
	const struct token *token = token_at(search, b->next), *before = token - 1;
	const struct frame *frame = &b->frame[b->n_frames - 1];
	int continuation = larger(frame->last_space, frame->indent) + LAYOUT_INDENT;
	bool colon = token->role == ROLE_CONDITION && token_is(token, ":");

	if (token_is(token, "}"))
		return b->n_frames > 1 ? b->frame[b->n_frames - 2].last_space : s->indent;
	if (token->kind == TOKEN_STRING && b->string_column)
		return b->string_column;
	if (token_is(token, "<<") && frame->shift_column)
		return frame->shift_column;
	if (token->role == ROLE_MEMBER)
		return frame->member_column ? frame->member_column : continuation;
	if (frame->question_column && (colon || before->role == ROLE_CONDITION)) {
		if ((colon && b->next + 1 < s->n && begins_condition(token + 1)) ||
		    (token_is(before, ":") && begins_condition(token)))
			return frame->indent - LAYOUT_INDENT;
		return frame->question_column;
	}
	if (token_is(before, ",") && frame->variable_column)
		return frame->variable_column;
	if (token->role == ROLE_FUNCTION)
		return larger(frame->last_space, frame->indent);
	if (token_is(token, "["))
		return frame->subscript_column ? frame->subscript_column : continuation;
	if (token->role == ROLE_DECLARED || token->role == ROLE_POINTER || token_is(before, "="))
		return continuation;
	if (token_is(before, ")") && token->binds <= BIND_COMMA && !token_is(token, ":"))
		return continuation;
	return frame->indent == s->indent && !token_is(before, "}") ? frame->indent + LAYOUT_INDENT : frame->indent;
}

static bool may_break_at(const struct search *search, const struct beginning *b)
{
	const struct token *token = token_at(search, b->next), *before = token - 1;
	const struct frame *frame = &b->frame[b->n_frames - 1];

	if (!token->may_break && !(frame->break_at_close && token_is(token, "}")))
		return false;
	/* The brace of a list inside of brackets stays with its first entry. */
	if (token_is(before, "{") && b->next >= 2 && (token_opens(before - 1) || token_is(before - 1, ",")))
		return false;
	if (token_opens(before) && !token_is(before, "{") && b->lowest_level < b->line_level &&
	    b->lowest_level < token->level)
		return false;
	if (token->role == ROLE_MEMBER && frame->has_unwrapped_call)
		return false;
	if (token->role == ROLE_FUNCTION && b->column < 6)
		return false;
	if (token->role != ROLE_BINARY && !token_is(token, ",") && frame->no_break_in_operand)
		return false;
	return !frame->no_break;
}

static bool must_break_at(const struct search *search, const struct beginning *b)
{
	const struct token *token = token_at(search, b->next), *before = token - 1;
	const struct frame *frame = &b->frame[b->n_frames - 1];
	int column = new_line_column(search, b);

	if (frame->break_at_close && token_is(token, "}"))
		return true;
	if (frame->break_at_next && !token_is(token, ")") && !token_is(token, "}") &&
	    (token_is(before, ",") || token_is(before, ";") ||
	     (token->role == ROLE_CONDITION && !token_is(before, "?"))))
		return true;
	if (frame->chained && token->role == ROLE_CONDITION && token_is(token, ":"))
		return true;
	if (token->role == ROLE_MEMBER) {
		int next = token->next_operator;

		if (b->column + (next < 0 ? 0 : token_at(search, next)->end - token->end) > LAYOUT_COLUMNS &&
		    (b->column > column || token->level < b->line_level))
			return true;
		if (token_closes(before) && (frame->member_column || frame->break_at_next))
			return true;
	}
	if (b->column <= column || !token->may_break || !frame->break_at_next)
		return false;
	if (before->role == ROLE_BINARY) {
		enum precedence binds = before->binds;

		if (binds != BIND_ASSIGN && (before[-1].ends_operands || token_is(before, ">>") ||
					     (binds != BIND_RELATION && binds != BIND_EQUAL)))
			return true;
	} else if (token->role == ROLE_BINARY) {
		return true;
	}
	return (token_is(token, "<<") && !frame->shift_column) || token->role == ROLE_FUNCTION;
}

/* The next token continues the line. */
static void continue_line(const struct search *search, struct beginning *b)
{
	const struct token *token = token_at(search, b->next), *before = token - 1;
	struct frame *frame = &b->frame[b->n_frames - 1];
	enum precedence binds = before->binds;
	bool colon = before->role == ROLE_CONDITION && token_is(before, ":");

	if (token_is(token, "=") && !frame->variable_column &&
	    (token->level == 0 || token_is(token_at(search, 0), "for"))) {
		frame->variable_column = (short)b->column;
		for (const struct token *t = before; t >= token_at(search, 0) && frame->variable_column >= t->columns;
		     t--) {
			frame->variable_column = (short)(frame->variable_column - t->columns);
			if (t->spaces)
				break;
		}
		if (search->statement->declares_several)
			frame->last_space = frame->variable_column;
	}
	if (token_opens(before))
		frame->indent = (short)(b->column + token->spaces);
	if (frame->one_per_line && token_is(before, ","))
		frame->no_break = true;
	if (token->role == ROLE_MEMBER && token_closes(before) && b->column > new_line_column(search, b))
		frame->has_unwrapped_call = true;
	if (token->role == ROLE_MEMBER && token_is(before, ")") && before->partner >= 0 &&
	    before->end - token_at(search, before->partner)->end > 10)
		frame->no_break = true;
	if ((before->role == ROLE_BINARY || token_is(before, ",") || colon) && binds != BIND_ASSIGN &&
	    binds != BIND_RELATION) {
		/* What stands behind an operator is not broken, unless the operator ends its line. */
		bool leads = colon || token_is(before, "<<");
		bool alone = before->operator_index == 0 && before->next_operator < 0 && !colon;

		if (leads ? !frame->operator_wrapped : !alone)
			frame->no_break_in_operand = true;
	}
	b->column += token->spaces;
	if (token_is(before, "(") && b->next >= 2 && (token_is(before - 1, "for") || token_is(before - 1, "if")))
		frame->last_space = (short)b->column;
	else if (token_is(before, ",") || before->role == ROLE_CONDITION)
		frame->last_space = (short)b->column;
	else if (before->role == ROLE_BINARY &&
		 ((binds != BIND_ASSIGN &&
		   (!token_is(before, "<<") || before->operator_index != 0 || before->next_operator >= 0)) ||
		  token->begins_operands))
		frame->last_space = (short)b->column;
	else if (token_opens(before) && before->partner >= 0 && before->partner + 1 < search->statement->n &&
		 token_at(search, before->partner + 1)->role == ROLE_MEMBER && b->n_frames > 1 &&
		 !b->frame[b->n_frames - 2].member_column)
		frame->last_space = (short)b->column;
}

/* The next token begins a line; returns what that costs. */
static long begin_line(const struct search *search, struct beginning *b)
{
	const struct token *token = token_at(search, b->next), *before = token - 1;
	struct frame *frame = &b->frame[b->n_frames - 1];
	long cost = token->cost + (frame->broken ? 0 : COST_OF_FIRST_BREAK);

	frame->broken = true;
	if (token_is(token, "<<") && !frame->shift_column && (b->column <= LAYOUT_COLUMNS / 3 || frame->break_at_next))
		cost += COST_OF_FIRST_SHIFT;
	b->column = new_line_column(search, b);
	if (token->role == ROLE_MEMBER && !frame->member_column)
		frame->member_column = (short)b->column;
	if (((token_is(before, ",") || token_is(before, ";")) && !frame->one_per_line) || before->role == ROLE_BINARY)
		frame->break_at_next = false;
	if (token_is(token, "?") || token_is(before, "?"))
		frame->break_at_next = true;
	if (token->role == ROLE_BINARY && token->may_break)
		frame->break_at_next = false;
	frame->last_space = (short)(b->column + (token_is(token, "<<") ? 3 : 0));
	b->line_level = b->lowest_level = token->level;
	for (int i = 0; i + 1 < b->n_frames; i++)
		b->frame[i].break_at_next = true;
	if (!token_is(before, ",") && !token_is(before, ":") && !token_is(before, ";") && before->role != ROLE_BINARY &&
	    token->role != ROLE_BINARY && !token_opens(before))
		frame->break_at_next = true;
	if (token_is(before, "{"))
		frame->break_at_close = true;
	if (frame->one_per_line && !token_is(before, "(") && !token_is(before, "{") && before->role != ROLE_BINARY)
		frame->break_at_next = true;
	return cost;
}

static void enter_groups(const struct search *search, struct beginning *b)
{
	const struct token *token = token_at(search, b->next), *before = b->next ? token - 1 : NULL;
	bool skip = before && (token_opens(before) || token_is(before, ";") || token_is(before, "return") ||
			       before->binds == BIND_ASSIGN);

	for (int i = token->n_begins; i-- > 0 && b->n_frames < MAX_FRAMES;) {
		const struct frame *outer = &b->frame[b->n_frames - 1];
		struct frame *frame = &b->frame[b->n_frames];
		enum precedence binds = (enum precedence)token->begins[i];

		*frame = *outer;
		frame->broken = frame->chained = false;
		frame->operator_wrapped = true;
		frame->no_break = outer->no_break || outer->no_break_in_operand;
		if (binds > BIND_COMMA)
			frame->one_per_line = false;
		if (!before || !token_is(before, "return") || binds > BIND_NONE)
			frame->indent = (short)larger(larger(b->column, frame->indent), outer->last_space);
		if (binds > BIND_NONE)
			frame->last_space = (short)larger(frame->last_space, b->column);
		if (binds != BIND_CONDITION && token->role != ROLE_UNARY)
			frame->call_start = (short)b->column;
		if (binds == BIND_CONDITION && before && before->role == ROLE_CONDITION && token_is(before, ":") &&
		    i == token->n_begins - 1)
			frame->chained = true;
		else if (binds == BIND_CONDITION || (!skip && binds > BIND_ASSIGN))
			frame->indent = (short)(frame->indent + LAYOUT_INDENT);
		if ((before && !token_opens(before)) || binds != BIND_COMMA)
			frame->break_at_next = false;
		b->n_frames++;
		skip = false;
	}
}

static void enter_brackets(const struct search *search, struct beginning *b)
{
	const struct token *token = token_at(search, b->next);
	const struct frame *outer = &b->frame[b->n_frames - 1];
	struct frame *frame = &b->frame[b->n_frames];

	if (b->n_frames == MAX_FRAMES)
		return;
	memset(frame, 0, sizeof(*frame));
	frame->last_space = outer->last_space;
	frame->no_break = outer->no_break || outer->no_break_in_operand;
	frame->operator_wrapped = true;
	if (token_is(token, "{")) {
		const struct token *last = token->partner > 0 ? token_at(search, token->partner) - 1 : token;

		frame->indent = (short)(outer->last_space + LAYOUT_INDENT);
		frame->break_at_next = token_is(last, ",");
		frame->one_per_line = frame->break_at_next ||
				      (b->next + 1 < search->statement->n && token[1].role == ROLE_DESIGNATOR);
	} else {
		frame->indent = (short)(larger(outer->last_space, outer->call_start) + LAYOUT_INDENT);
	}
	b->n_frames++;
}

/* Past the next token, which begins at b->column; returns what columns beyond the margin cost. */
static long advance(const struct search *search, struct beginning *b, bool breaks)
{
	const struct token *token = token_at(search, b->next);
	struct frame *frame = &b->frame[b->n_frames - 1];

	if (token_is(token, ",") || token->role == ROLE_BINARY)
		frame->no_break_in_operand = false;
	if (token_is(token, "<<")) {
		if (!frame->shift_column)
			frame->shift_column = (short)b->column;
		else
			frame->operator_wrapped = breaks;
	} else if (token->role == ROLE_BINARY ||
		   (token->role == ROLE_CONDITION && b->next && token[-1].role != ROLE_CONDITION)) {
		frame->operator_wrapped = breaks;
	}
	if (token_is(token, "[") && !frame->subscript_column)
		frame->subscript_column = (short)b->column;
	if (token_is(token, "?"))
		frame->question_column = (short)b->column;
	if (!token_opens(token) && !token_closes(token) && token->role != ROLE_POINTER &&
	    token->level < b->lowest_level)
		b->lowest_level = token->level;
	if (token->role == ROLE_MEMBER)
		frame->call_start = (short)(token->next_operator < 0 ? 0 : b->column);
	enter_groups(search, b);
	if (token_closes(token)) {
		if (b->n_frames > 1)
			b->n_frames--;
		if (token_is(token, "]") && b->next + 1 < search->statement->n && !token_is(token + 1, "["))
			b->frame[b->n_frames - 1].subscript_column = 0;
	}
	if (token_opens(token))
		enter_brackets(search, b);
	for (int i = 0; i < token->n_ends && b->n_frames > 1; i++) {
		short variable = b->frame[b->n_frames - 1].variable_column;

		b->n_frames--;
		b->frame[b->n_frames - 1].variable_column = variable;
	}
	if (token->kind == TOKEN_STRING && !b->string_column)
		b->string_column = b->column;
	else if (token->kind != TOKEN_STRING && token->kind != TOKEN_NAME)
		b->string_column = 0;
	b->column += token->columns;
	b->next++;
	return b->column > LAYOUT_COLUMNS ? (long)(b->column - LAYOUT_COLUMNS) * COST_OF_COLUMN : 0;
}

/* ----------------------------------------------------------------------------------------------------------- search */

static void *must(void *memory)
{
	if (!memory) {
		fputs("ptgen: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

static bool cheaper(const struct search *search, int a, int b)
{
	const struct node *x = search->node[a], *y = search->node[b];

	return x->cost != y->cost ? x->cost < y->cost : x->order < y->order;
}

static void push(struct search *search, int number)
{
	int at = search->n_heap++;

	while (at > 0 && cheaper(search, number, search->heap[(at - 1) / 2])) {
		search->heap[at] = search->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	search->heap[at] = number;
}

static int pop(struct search *search)
{
	int first = search->heap[0], last = search->heap[--search->n_heap], at = 0, child;

	while ((child = 2 * at + 1) < search->n_heap) {
		if (child + 1 < search->n_heap && cheaper(search, search->heap[child + 1], search->heap[child]))
			child++;
		if (!cheaper(search, search->heap[child], last))
			break;
		search->heap[at] = search->heap[child];
		at = child;
	}
	search->heap[at] = last;
	return first;
}

/* The frames that a beginning has not entered are not there. */
static size_t bytes_of(const struct node *node)
{
	return offsetof(struct node, beginning.frame) + (size_t)node->beginning.n_frames * sizeof(struct frame);
}

static void *allocate(struct search *search, size_t bytes)
{
	size_t align = _Alignof(struct node);
	struct chunk *chunk = search->chunk;

	bytes = (bytes + align - 1) / align * align;
	if (!chunk || chunk->used + bytes > CHUNK_BYTES) {
		chunk = must(malloc(sizeof(*chunk)));
		chunk->next = search->chunk;
		chunk->used = 0;
		search->chunk = chunk;
	}
	chunk->used += bytes;
	return chunk->memory + chunk->used - bytes;
}

static void add_node(struct search *search, const struct node *node)
{
	if (search->n == search->room) {
		search->room = search->room ? search->room * 2 : 256;
		search->node = must(realloc(search->node, (size_t)search->room * sizeof(struct node *)));
		search->heap = must(realloc(search->heap, (size_t)search->room * sizeof(*search->heap)));
	}
	search->node[search->n] = memcpy(allocate(search, bytes_of(node)), node, bytes_of(node));
	push(search, search->n++);
}

static bool same(const struct beginning *a, const struct beginning *b)
{
	if (a->next != b->next || a->column != b->column || a->line_level != b->line_level ||
	    a->lowest_level != b->lowest_level || a->string_column != b->string_column)
		return false;
	return a->rough || b->rough ||
	       (a->n_frames == b->n_frames &&
		memcmp(a->frame, b->frame, (size_t)a->n_frames * sizeof(a->frame[0])) == 0);
}

static unsigned int hash_of(const struct beginning *b)
{
	return (((unsigned int)b->next * 131 + (unsigned int)b->column) * 31 + (unsigned int)b->line_level) * 31 +
	       (unsigned int)b->lowest_level;
}

/* Has a cheaper way led to the same? If not, keep this one in mind. */
static bool seen(struct search *search, int number)
{
	struct node *node = search->node[number];
	int *bucket = &search->bucket[hash_of(&node->beginning) % N_BUCKETS];

	for (int i = *bucket; i; i = search->node[i - 1]->in_bucket)
		if (same(&node->beginning, &search->node[i - 1]->beginning))
			return true;
	node->in_bucket = *bucket;
	*bucket = number + 1;
	return false;
}

static void try_next(struct search *search, int from, bool breaks)
{
	const struct node *before = search->node[from];
	struct node node;

	if (breaks ? !may_break_at(search, &before->beginning) : must_break_at(search, &before->beginning))
		return;
	memcpy(&node, before, bytes_of(before));
	node.from = from;
	node.order = search->n;
	node.breaks = breaks;
	if (breaks)
		node.cost += begin_line(search, &node.beginning);
	else
		continue_line(search, &node.beginning);
	node.cost += advance(search, &node.beginning, breaks);
	add_node(search, &node);
}

static void begin_search(struct search *search)
{
	short indent = (short)search->statement->indent;
	struct frame *frame;
	struct node root;

	memset(&root, 0, sizeof(root)); /* frames are compared with what is between their members */
	frame = &root.beginning.frame[0];
	root.from = -1;
	root.beginning.column = indent;
	root.beginning.n_frames = 1;
	frame->indent = frame->last_space = indent;
	frame->operator_wrapped = true;
	advance(search, &root.beginning, false);
	add_node(search, &root);
}

static void end_search(struct search *search)
{
	while (search->chunk) {
		struct chunk *chunk = search->chunk;

		search->chunk = chunk->next;
		free(chunk);
	}
	free(search->node);
	free(search->heap);
}

void statement_break(struct statement *statement)
{
	struct search search = {.statement = statement};
	int found = -1;

	begin_search(&search);
	while (search.n_heap > 0) {
		int number = pop(&search);

		if (search.node[number]->beginning.next == statement->n) {
			found = number;
			break;
		}
		if (search.n > MANY_NODES)
			search.node[number]->beginning.rough = true;
		if (seen(&search, number))
			continue;
		try_next(&search, number, false);
		try_next(&search, number, true);
	}
	for (int at = found; at > 0; at = search.node[at]->from) {
		struct token *token = &statement->token[search.node[at]->beginning.next - 1];

		token->breaks = search.node[at]->breaks;
		token->column = search.node[at]->beginning.column - token->columns;
	}
	end_search(&search);
}

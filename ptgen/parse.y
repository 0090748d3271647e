/* SPDX-License-Identifier: MIT */
/*
 * parse.y - the grammar. Actions only build the nodes of ast.h; what they mean is found in resolve. Error recovery: every
 * block takes "error ';'" for a line and "error '}'" for its end, and tokens.c sees to it that one of the two comes.
 */
%require "3.8"
%define api.pure full
%define api.prefix {parse_}
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%expect 0
%locations
%param {struct parser *p}

%code requires {
#include "parser.h"
}

%union {
	const char *text;
	struct number number;
	enum ast_category category;
	enum ast_concept concept;
	bool flag;
	struct ast_expr *expr;
	struct ast_set *set;
	struct ast_range *range;
	struct ast_bits *bits;
	struct ast_name *name;
	struct ast_arg *arg;
	struct ast_opt *opt;
	struct ast_line *line;
	struct ast_kind *kind;
	struct ast_col *col;
	struct ast_cell *cell;
	struct ast_row *row;
	struct ast_assign *assign;
	struct ast_item *item;
	LIST(struct ast_range) ranges;
	LIST(struct ast_name) names;
	LIST(struct ast_arg) args;
	LIST(struct ast_expr) exprs;
	LIST(struct ast_opt) opts;
	LIST(struct ast_line) lines;
	LIST(struct ast_kind) kinds;
	LIST(struct ast_col) cols;
	LIST(struct ast_cell) cells;
	LIST(struct ast_row) rows;
	LIST(struct ast_assign) assigns;
	LIST(struct ast_item) items;
}

%code {
#include <stdlib.h>
#include <string.h>

int parse_lex(YYSTYPE *value, struct span *at, struct parser *p);
static void parse_error(const struct span *at, struct parser *p, const char *text);

/* From the first byte of one span to the last of the other. */
static struct span join(struct span first, struct span last)
{
	if (last.offset + last.length >= first.offset)
		first.length = last.offset + last.length - first.offset;
	return first;
}

#define YYLLOC_DEFAULT(current, rhs, n)                                                                                \
	((current) = (n) ? join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n))                                                    \
			 : (struct span){YYRHSLOC(rhs, 0).file, YYRHSLOC(rhs, 0).offset + YYRHSLOC(rhs, 0).length, 0})

#define NEW(type) ((type *)new_node(p, sizeof(type)))
#define NONE(list) ((list).first = (list).last = NULL)
/* evaluates node once: it may be a call that makes one */
#define ADD(list, node) ((list).last = *((list).last ? &(list).last->next : &(list).first) = (node))
#define ADD_ALL(list, more) ((list).last ? (void)((list).last->next = (more).first) : (void)((list).first = (more).first), \
			     (list).last = (more).last)
/* After an error the parser goes on with its eyes open. */
#define RECOVERED (yyerrok, p->recovering = false)

static void *new_node(struct parser *p, size_t bytes);
static struct ast_item *item(struct parser *p, enum ast_item_kind kind, struct span at);
static struct ast_item *named(struct parser *p, enum ast_item_kind kind, struct span at, const char *name,
			      struct span name_at);
static struct ast_opt *opt(struct parser *p, enum ast_opt_kind kind, struct span at, struct ast_expr *a);
static struct ast_opt *opt_name(struct parser *p, enum ast_opt_kind kind, struct span at, const char *name);
static struct ast_opt *opt_range(struct parser *p, enum ast_opt_kind kind, struct span at, struct ast_expr *a,
				 struct ast_expr *b);
static struct ast_expr *number(struct parser *p, struct number value, struct span at);
static struct ast_expr *expr(struct parser *p, enum ast_op op, struct span at, struct ast_expr *a, struct ast_expr *b);
static struct ast_expr *name_expr(struct parser *p, enum ast_op op, struct span at, const char *name);
static struct ast_expr *bounded(struct parser *p, struct ast_expr *node);
static struct ast_bits *bits(struct parser *p, struct span at, struct ast_expr *hi, struct ast_expr *lo);
static struct ast_set *one_range(struct parser *p, struct span at, struct ast_expr *first, struct ast_expr *last);
static struct ast_line *meaning(struct parser *p, enum ast_mean mean, struct span at);
static struct ast_expr *not_ones(struct ast_expr *value);
static struct ast_name *string(struct parser *p, struct span at, const char *text);
static int64_t signed_number(struct parser *p, struct number value, struct span at, bool negative);
static void add_format(struct parser *p, bool family, struct span at, const char *name, struct span name_at,
		       const char *base, struct span base_at, struct ast_item *items);
static void set_language(struct parser *p, struct number value, struct span at);
}

%token END 0 "end of file"
%token <text> ID "name" STR "string"
%token <number> NUM "number"
%token SET_OPEN "{" SET_CLOSE "}" /* of a set; tokens.c tells them from those of blocks */
%token BOTH "<->" DECODES "->" DOTS ".." OR "||" AND "&&" EQ "==" NE "!=" LE "<=" GE ">=" SHL "<<" SHR ">>"
%token <text> TITLE "title" SPEC "spec" WORD_ "word" RESERVED "reserved" RAISES "raises" INPUT_ "input" OUTPUT "output"
	STATIC "static" PARAM "param" FEATURE "feature" QUIRK "quirk" ADDRESS "address" LET "let" SET "set" REQUIRE "require"
	ROOT "root" LEVEL "level" INDEX "index" FIELDS "fields" ENTRY "entry" ABSENT "absent" FAULT "fault" NULL_ "null"
	TABLE "table" LEAF "leaf" ROUND "round" ADDS "adds" DROPS "drops" REFUSE "refuse" NEVER "never" RESIZE "resize"
	REGISTER "register" WITHOUT "without" EXAMPLE "example" AT "at" PROT "prot" MEMTYPE "memtype" DIRTY "dirty" INCLUDE "include"
	LANGUAGE "language" FORMAT "format" FAMILY "family" ABOVE "above" APERTURE "aperture" BASE "base" WINDOW "window"
	ALIGN "align" EVERY "every" AS "as" LIMIT "limit" START "start" COUNT "count" GROWS "grows" WHEN "when" FOR "for"
	REPEAT "repeat" CONTIG "contig" NEXT "next" RES0 "res0" RES1 "res1" IGNORED "ignored" SOFTWARE "software"
	DEFAULT "default" ALLOWS "allows" DENIES "denies" ACCESSED "accessed" BY "by" LIVE "live" KEEP "keep" SYNCED "synced"
	MARKS "marks" OR_ "or" IF "if" IN "in"

%right '?' ':'
%left "||"
%left "&&"
%nonassoc "==" "!=" '<' '>' "<=" ">=" "in" '='
%left "<<" ">>"
%left '+' '-'
%left '*' '/' '%'
%precedence '!' UMINUS

%type <text> name kind_name doc right
%type <flag> static family arrow what
%type <category> category
%type <concept> concept
%type <expr> expr sum iff dflt cval
%type <exprs> exprs
%type <bits> bits
%type <set> set
%type <range> range
%type <ranges> ranges
%type <names> strs commas names uses letters
%type <args> args
%type <arg> arg
%type <opts> inopts outopts ropts lopts eopts opts targets
%type <opt> inopt outopt ropt lopt opt above wtype target
%type <line> line mean field
%type <lines> lines lineblock
%type <kinds> kinds
%type <kind> kind
%type <cols> cols
%type <col> col
%type <cells> cells
%type <cell> cell
%type <rows> rows
%type <row> row value
%type <assigns> binds bindl sets
%type <assign> bind
%type <items> items
%type <item> item levelid levelref header

%%

file:
	%empty
	| file "language" NUM ';'			{ set_language(p, $3, join(@2, @3)); }
	| file "include" STR ';'			{ include_file(p, $3, join(@2, @3)); }
	| file family name '{' items '}'		{ add_format(p, $2, join(@2, @3), $3, @3, NULL, @3, $5.first); }
	| file family name ':' name '{' items '}'	{ add_format(p, $2, join(@2, @5), $3, @3, $5, @5, $7.first); }
	| file family name '{' items error '}'		{ RECOVERED; }
	| file family name ':' name '{' items error '}'	{ RECOVERED; }
	| file error ';'				{ RECOVERED; }
	;

family:	"format" { $$ = false; } | "family" { $$ = true; } ;

items:
	%empty			{ NONE($$); }
	| items item		{ $$ = $1; ADD($$, $2); }
	| items error ';'	{ $$ = $1; RECOVERED; }
	;

item:
	"title" STR ';'		{ $$ = item(p, ITEM_TITLE, join(@1, @2)); $$->strings = string(p, @2, $2); }
	| "spec" strs ';'	{ $$ = item(p, ITEM_SPEC, join(@1, @2)); $$->strings = $2.first; }
	| "word" wtype ';'	{ $$ = named(p, ITEM_WORD, join(@1, @2), $2->name, @2); $$->name2 = $2->name2; }
	| "reserved" "raises" name ';'			{ $$ = named(p, ITEM_RESERVED, join(@1, @3), $3, @3); }
	| "input" name bits inopts ';' {
		$$ = named(p, ITEM_INPUT, join(@1, @4), $2, @2);
		$$->bits = $3, $$->opts = $4.first;
	}
	| "output" name bits outopts ';' {
		$$ = named(p, ITEM_OUTPUT, join(@1, @4), $2, @2);
		$$->bits = $3, $$->opts = $4.first;
	}
	| static "param" name "in" set dflt doc ';' {
		$$ = named(p, ITEM_PARAM, join($1 ? @1 : @2, @7), $3, @3);
		$$->is_static = $1, $$->set = $5, $$->expr = $6, $$->doc = $7;
	}
	| "feature" name dflt doc ';' {
		$$ = named(p, ITEM_FEATURE, join(@1, @4), $2, @2);
		$$->expr = $3, $$->doc = $4;
	}
	| "quirk" name dflt STR ';' {
		$$ = named(p, ITEM_QUIRK, join(@1, @4), $2, @2);
		$$->expr = $3, $$->doc = $4;
	}
	| "address" name doc ';'	{ $$ = named(p, ITEM_ADDRESS, join(@1, @3), $2, @2); $$->doc = $3; }
	| "let" name '=' expr doc ';' {
		$$ = named(p, ITEM_LET, join(@1, @5), $2, @2);
		$$->expr = $4, $$->doc = $5;
	}
	| "set" name '=' expr doc ';' {
		$$ = named(p, ITEM_SET, join(@1, @5), $2, @2);
		$$->expr = $4, $$->doc = $5;
	}
	| "require" expr STR ';'	{ $$ = item(p, ITEM_REQUIRE, join(@1, @3)); $$->expr = $2, $$->text = $3; }
	| "root" ropts ';'		{ $$ = item(p, ITEM_ROOT, join(@1, @2)); $$->opts = $2.first; }
	| "fields" error ';'		{ $$ = item(p, ITEM_FIELDS, @1); RECOVERED; }
	| "fields" error { RECOVERED; } lineblock	{ $$ = item(p, ITEM_FIELDS, @1); }
	| "entry" error ';'		{ $$ = item(p, ITEM_ENTRY, @1); RECOVERED; }
	| "entry" error { RECOVERED; } lineblock	{ $$ = item(p, ITEM_ENTRY, @1); }
	| "register" error ';'		{ $$ = item(p, ITEM_REGISTER, @1); RECOVERED; }
	| "register" error { RECOVERED; } lineblock	{ $$ = item(p, ITEM_REGISTER, @1); }
	| "fields" name uses lineblock {
		$$ = named(p, ITEM_FIELDS, join(@1, @3), $2, @2);
		$$->uses = $3.first, $$->lines = $4.first;
	}
	| "entry" category kind_name uses eopts doc lineblock {
		$$ = named(p, ITEM_ENTRY, join(@1, @6), $3, @3);
		$$->category = $2, $$->uses = $4.first, $$->opts = $5.first, $$->doc = $6, $$->lines = $7.first;
	}
	| "round" what letters iff ';' {
		$$ = item(p, ITEM_ROUND, join(@1, @4));
		$$->adds = $2, $$->letters = $3.first, $$->cond = $4;
	}
	| "round" expr what letters iff ';' {
		$$ = item(p, ITEM_ROUND, join(@1, @5));
		$$->expr = $2, $$->adds = $3, $$->letters = $4.first, $$->cond = $5;
	}
	| "refuse" expr iff ';'		{ $$ = item(p, ITEM_REFUSE, join(@1, @3)); $$->expr = $2, $$->cond = $3; }
	| "never" name "when" name iff doc ';' {
		$$ = named(p, ITEM_NEVER, join(@1, @6), $2, @2);
		$$->name2 = $4, $$->name2_span = @4, $$->cond = $5, $$->doc = $6;
	}
	| "resize" "live" iff ';'	{ $$ = item(p, ITEM_RESIZE, join(@1, @3)); $$->cond = $3; }
	| "register" name name iff doc lineblock {
		$$ = named(p, ITEM_REGISTER, join(@1, @5), $2, @2);
		$$->name2 = $3, $$->cond = $4, $$->doc = $5, $$->lines = $6.first;
	}
	| "without" concept name ';' {
		$$ = named(p, ITEM_WITHOUT, join(@1, @3), $3, @3);
		$$->name2 = $2 == CONCEPT_PROT ? "prot" : $2 == CONCEPT_MEMTYPE ? "memtype" : "dirty";
	}
	| "without" "entry" kind_name ';' {
		$$ = named(p, ITEM_WITHOUT, join(@1, @3), $3, @3);
		$$->name2 = "entry";
	}
	| "without" "fields" name ';' {
		$$ = named(p, ITEM_WITHOUT, join(@1, @3), $3, @3);
		$$->name2 = "fields";
	}
	| "without" "register" name ';' {
		$$ = named(p, ITEM_WITHOUT, join(@1, @3), $3, @3);
		$$->name2 = "register";
	}
	| "without" "round" ';'		{ $$ = item(p, ITEM_WITHOUT, join(@1, @2)); $$->name2 = "round"; }
	| "without" "refuse" ';'	{ $$ = item(p, ITEM_WITHOUT, join(@1, @2)); $$->name2 = "refuse"; }
	| "without" "never" ';'		{ $$ = item(p, ITEM_WITHOUT, join(@1, @2)); $$->name2 = "never"; }
	| header '{' kinds '}'		{ $$ = $1; $$->kinds = $3.first; }
	| header '{' kinds error '}'	{ $$ = $1; RECOVERED; }
	| concept name '(' cols ')' iff '{' rows '}' {
		$$ = named(p, ITEM_CODE, join(@1, @6), $2, @2);
		$$->concept = $1, $$->cols = $4.first, $$->cond = $6, $$->rows = $8.first;
	}
	| concept name '(' cols ')' iff '{' rows error '}' {
		$$ = named(p, ITEM_CODE, join(@1, @6), $2, @2);
		$$->concept = $1, $$->cols = $4.first;
		RECOVERED;
	}
	| "example" NUM '=' kind_name "at" levelref binds '{' sets '}' doc {
		$$ = $6;
		$$->span = join(@1, @7), $$->name_span = @4, $$->name = $4;
		$$->word[0] = $2.half[0], $$->word[1] = $2.half[1];
		$$->binds = $7.first, $$->sets = $9.first, $$->doc = $11;
	}
	| "example" NUM '=' kind_name "at" levelref binds '{' sets error '}' doc	{ $$ = $6; RECOVERED; }
	| ';' {
		syntax_error(p, @1, "a ';' without a statement before it");
		diag_mend(p->context, "nothing follows the '}' of a block");
		$$ = item(p, ITEM_ROOT, @1);
	}
	;

static:	%empty { $$ = false; } | "static" { $$ = true; } ;
doc:	%empty { $$ = NULL; } | STR ;
dflt:	%empty { $$ = NULL; } | '=' expr { $$ = $2; } ;
iff:	%empty { $$ = NULL; } | "if" expr { $$ = $2; } ;

strs:	STR			{ NONE($$); ADD($$, string(p, @1, $1)); }
	| strs STR		{ $$ = $1; ADD($$, string(p, @2, $2)); } ;
commas:	STR			{ NONE($$); ADD($$, string(p, @1, $1)); }
	| commas STR		{ $$ = $1; ADD($$, string(p, @2, $2)); }
	| commas ',' STR	{ $$ = $1; ADD($$, string(p, @3, $3)); } ;
names:	name			{ NONE($$); ADD($$, string(p, @1, $1)); }
	| names ',' name	{ $$ = $1; ADD($$, string(p, @3, $3)); } ;
letters: ID			{ NONE($$); ADD($$, string(p, @1, $1)); }
	| letters ID		{ $$ = $1; ADD($$, string(p, @2, $2)); } ;
uses:	%empty { NONE($$); } | ':' names { $$ = $2; } ;

wtype:	name name		{ $$ = opt_name(p, OPT_WORD, @$, $1); $$->name2 = $2; } ;

inopts:	%empty			{ NONE($$); }
	| inopts inopt		{ $$ = $1; ADD($$, $2); } ;
inopt:	above
	| ',' above		{ $$ = $2; }
	| "aperture" sum ".." sum	{ $$ = opt_range(p, OPT_APERTURE, @$, $2, $4); }
	| "base" expr		{ $$ = opt(p, OPT_BASE, @$, $2); }
	| "raises" name		{ $$ = opt_name(p, OPT_RAISES, @$, $2); } ;
above:	"above" name iff	{ $$ = opt_name(p, OPT_ABOVE, @$, $2); $$->cond = $3; } ;

outopts: %empty			{ NONE($$); }
	| outopts outopt	{ $$ = $1; ADD($$, $2); } ;
outopt:	"base" expr		{ $$ = opt(p, OPT_BASE, @$, $2); }
	| "window" expr		{ $$ = opt(p, OPT_WINDOW, @$, $2); }
	| "raises" name		{ $$ = opt_name(p, OPT_RAISES, @$, $2); } ;

ropts:	%empty			{ NONE($$); }
	| ropts ropt		{ $$ = $1; ADD($$, $2); } ;
ropt:	"start" expr		{ $$ = opt(p, OPT_START, @$, $2); }
	| "count" expr		{ $$ = opt(p, OPT_COUNT, @$, $2); }
	| "align" expr		{ $$ = opt(p, OPT_ALIGN, @$, $2); }
	| "table" expr		{ $$ = opt(p, OPT_TABLE, @$, $2); }
	| "grows" name		{ $$ = opt_name(p, OPT_GROWS, @$, $2); } ;

header:
	"level" levelid "index" name bits doc lopts {
		$$ = $2;
		$$->span = join(@1, @7), $$->name2 = $4, $$->bits = $5, $$->doc = $6, $$->opts = $7.first;
	} ;
levelid:
	NUM			{ $$ = item(p, ITEM_LEVEL, @1); $$->numbered = true; $$->number = signed_number(p, $1, @1, false); }
	| '-' NUM		{ $$ = item(p, ITEM_LEVEL, @$); $$->numbered = true; $$->number = signed_number(p, $2, @2, true); }
	| name			{ $$ = named(p, ITEM_LEVEL, @1, $1, @1); }
	| name "in" sum ".." sum {
		$$ = named(p, ITEM_LEVEL, @$, $1, @1);
		$$->set = one_range(p, join(@3, @5), $3, $5);
	}
	| name '(' args ')'	{ $$ = named(p, ITEM_LEVEL, @$, $1, @1); $$->args = $3.first; } ;
levelref:
	NUM			{ $$ = item(p, ITEM_EXAMPLE, @1); $$->level_span = @1; $$->number = signed_number(p, $1, @1, false); }
	| '-' NUM		{ $$ = item(p, ITEM_EXAMPLE, @$); $$->level_span = @$; $$->number = signed_number(p, $2, @2, true); }
	| name			{ $$ = item(p, ITEM_EXAMPLE, @1); $$->level_span = @1; $$->level = $1; } ;
args:	arg			{ NONE($$); ADD($$, $1); }
	| args ',' arg		{ $$ = $1; ADD($$, $3); } ;
arg:	name "in" set		{ $$ = NEW(struct ast_arg); $$->span = @1, $$->name = $1, $$->set = $3; } ;
lopts:	%empty			{ NONE($$); }
	| lopts lopt		{ $$ = $1; ADD($$, $2); } ;
lopt:	"align" expr		{ $$ = opt(p, OPT_ALIGN, @$, $2); }
	| "table" expr		{ $$ = opt(p, OPT_TABLE, @$, $2); }
	| "every" expr		{ $$ = opt(p, OPT_EVERY, @$, $2); }
	| "word" wtype		{ $$ = $2; $$->span = @$; }
	| "as" commas		{ $$ = opt(p, OPT_AS, @$, NULL); $$->names = $2.first; }
	| "limit" sum ".." sum	{ $$ = opt_range(p, OPT_LIMIT, @$, $2, $4); } ;
kinds:	%empty			{ NONE($$); }
	| kinds kind ';'	{ $$ = $1; ADD($$, $2); }
	| kinds error ';'	{ $$ = $1; RECOVERED; } ;
kind:	kind_name iff		{ $$ = NEW(struct ast_kind); $$->span = @1, $$->name = $1, $$->cond = $2; } ;

category: "absent"		{ $$ = CATEGORY_ABSENT; }
	| "fault"		{ $$ = CATEGORY_FAULT; }
	| "null"		{ $$ = CATEGORY_NULL; }
	| "table"		{ $$ = CATEGORY_TABLE; }
	| "leaf"		{ $$ = CATEGORY_LEAF; } ;
eopts:	%empty			{ NONE($$); }
	| eopts "when" expr	{ $$ = $1; ADD($$, opt(p, OPT_WHEN, join(@2, @3), $3)); }
	| eopts "for" name "in" set iff {
		struct ast_opt *row = opt_name(p, OPT_FOR, join(@2, @5), $3);

		row->set = $5, row->cond = $6;
		$$ = $1;
		ADD($$, row);
	}
	| eopts "repeat" expr	{ $$ = $1; ADD($$, opt(p, OPT_REPEAT, join(@2, @3), $3)); }
	| eopts "contig" expr	{ $$ = $1; ADD($$, opt(p, OPT_CONTIG, join(@2, @3), $3)); }
	| eopts "next" targets	{ $$ = $1; ADD_ALL($$, $3); }
	| eopts "raises" name	{ $$ = $1; ADD($$, opt_name(p, OPT_RAISES, join(@2, @3), $3)); } ;
targets: target			{ NONE($$); ADD($$, $1); }
	| targets ',' target	{ $$ = $1; ADD($$, $3); } ;
target:	expr iff		{ $$ = opt(p, OPT_NEXT, @1, $1); $$->cond = $2; } ;

lineblock: '{' lines '}'	{ $$ = $2; }
	| '{' lines error '}'	{ $$ = $2; RECOVERED; } ;
lines:	%empty			{ NONE($$); }
	| lines line ';'	{ $$ = $1; ADD($$, $2); }
	| lines error ';'	{ $$ = $1; RECOVERED; } ;
line:	bits mean opts doc {
		$$ = $2;
		$$->span = @$, $$->bits = $1, $$->mean_span = @2, $$->opts = $3.first, $$->doc = $4;
	} ;
mean:	"res0"			{ $$ = meaning(p, MEAN_RES0, @1); }
	| "res1"		{ $$ = meaning(p, MEAN_RES1, @1); }
	| "ignored"		{ $$ = meaning(p, MEAN_IGNORED, @1); }
	| "software"		{ $$ = meaning(p, MEAN_SOFTWARE, @1); }
	| '=' cval		{ $$ = meaning(p, MEAN_CONST, @2); $$->value = $2; }
	| "in" set		{ $$ = meaning(p, MEAN_IN, @2); $$->set = $2; }
	| field
	| field '=' cval	{ $$ = $1; $$->mean = MEAN_FIELD_CONST, $$->value = $3; }
	| field "in" set	{ $$ = $1; $$->mean = MEAN_FIELD_IN, $$->set = $3; } ;
field:	name			{ $$ = meaning(p, MEAN_FIELD, @1); $$->name = $1; }
	| name bits		{ $$ = meaning(p, MEAN_FIELD, @1); $$->name = $1, $$->slice = $2; }
	| name '.' name		{ $$ = meaning(p, MEAN_FIELD, @$); $$->via = $1, $$->name = $3; }
	| name '.' name bits	{ $$ = meaning(p, MEAN_FIELD, join(@1, @3)); $$->via = $1, $$->name = $3, $$->slice = $4; } ;
cval:	expr			{ $$ = not_ones($1); } ;
opts:	%empty			{ NONE($$); }
	| opts opt		{ $$ = $1; ADD($$, $2); } ;
opt:	"default" expr		{ $$ = opt(p, OPT_DEFAULT, @$, $2); }
	| "allows" name		{ $$ = opt_name(p, OPT_ALLOWS, @$, $2); }
	| "denies" name		{ $$ = opt_name(p, OPT_DENIES, @$, $2); }
	| "accessed"		{ $$ = opt(p, OPT_ACCESSED, @$, NULL); }
	| "dirty"		{ $$ = opt(p, OPT_DIRTY, @$, NULL); }
	| "by" expr		{ $$ = opt(p, OPT_BY, @$, $2); }
	| "live"		{ $$ = opt(p, OPT_LIVE, @$, NULL); }
	| "keep"		{ $$ = opt(p, OPT_KEEP, @$, NULL); }
	| "synced"		{ $$ = opt(p, OPT_SYNCED, @$, NULL); }
	| "marks" expr		{ $$ = opt(p, OPT_MARKS, @$, $2); }
	| "or" name		{ $$ = opt_name(p, OPT_OR, @$, $2); }
	| "if" expr		{ $$ = opt(p, OPT_IF, @$, $2); } ;

concept: "prot"			{ $$ = CONCEPT_PROT; }
	| "memtype"		{ $$ = CONCEPT_MEMTYPE; }
	| "dirty"		{ $$ = CONCEPT_DIRTY; } ;
cols:	col			{ NONE($$); ADD($$, $1); }
	| cols ',' col		{ $$ = $1; ADD($$, $3); } ;
col:	name			{ $$ = NEW(struct ast_col); $$->span = @$, $$->name = $1; }
	| name bits		{ $$ = NEW(struct ast_col); $$->span = @$, $$->name = $1, $$->slice = $2; } ;
rows:	%empty			{ NONE($$); }
	| rows row ';'		{ $$ = $1; ADD($$, $2); }
	| rows error ';'	{ $$ = $1; RECOVERED; } ;
row:	cells arrow value doc {
		$$ = $3;
		$$->span = @$, $$->right_span = @3, $$->cells = $1.first, $$->two_way = $2, $$->doc = $4;
	} ;
cells:	cell			{ NONE($$); ADD($$, $1); }
	| cells cell		{ $$ = $1; ADD($$, $2); } ;
cell:	NUM {
		$$ = NEW(struct ast_cell);
		$$->span = @1, $$->value = number(p, $1, @1)->value;
	}
	| '-'			{ $$ = NEW(struct ast_cell); $$->span = @1, $$->any = true; }
	| name			{ $$ = NEW(struct ast_cell); $$->span = @1, $$->name = $1; } ;
arrow:	"<->" { $$ = true; } | "->" { $$ = false; } ;
value:	right			{ $$ = NEW(struct ast_row); $$->right = $1; }
	| right '/' right	{ $$ = NEW(struct ast_row); $$->right = $1, $$->user = $3, $$->has_user = true; } ;
right:	name | '-' { $$ = NULL; } ;

what:	"adds" { $$ = true; } | "drops" { $$ = false; } ;

binds:	%empty { NONE($$); } | '(' bindl ')' { $$ = $2; } ;
bindl:	bind			{ NONE($$); ADD($$, $1); }
	| bindl ',' bind	{ $$ = $1; ADD($$, $3); } ;
bind:	name '=' expr {
		$$ = NEW(struct ast_assign);
		$$->span = @$, $$->name = $1, $$->value = $3;
	} ;
sets:	%empty			{ NONE($$); }
	| sets bind ';'		{ $$ = $1; ADD($$, $2); }
	| sets error ';'	{ $$ = $1; RECOVERED; } ;

bits:	'[' expr ']'		{ $$ = bits(p, @$, $2, NULL); }
	| '[' expr ':' expr ']'	{ $$ = bits(p, @$, $2, $4); } ;
set:	SET_OPEN ranges SET_CLOSE	{ $$ = NEW(struct ast_set); $$->span = @$, $$->ranges = $2.first; }
	| range			{ $$ = NEW(struct ast_set); $$->span = @$, $$->ranges = $1; } ;
ranges:	range			{ NONE($$); ADD($$, $1); }
	| ranges ',' range	{ $$ = $1; ADD($$, $3); } ;
range:	sum			{ $$ = one_range(p, @$, $1, NULL)->ranges; }
	| sum ".." sum		{ $$ = one_range(p, @$, $1, $3)->ranges; } ;

expr:	sum
	| expr '?' expr ':' expr {
		$$ = name_expr(p, A_COND, @$, NULL);
		$$->a = $1, $$->b = $3, $$->c = $5;
		$$ = bounded(p, $$);
	}
	| expr "||" expr	{ $$ = expr(p, A_OR, @$, $1, $3); }
	| expr "&&" expr	{ $$ = expr(p, A_AND, @$, $1, $3); }
	| expr "==" expr	{ $$ = expr(p, A_EQ, @$, $1, $3); }
	| expr "!=" expr	{ $$ = expr(p, A_NE, @$, $1, $3); }
	| expr '<' expr		{ $$ = expr(p, A_LT, @$, $1, $3); }
	| expr '>' expr		{ $$ = expr(p, A_GT, @$, $1, $3); }
	| expr "<=" expr	{ $$ = expr(p, A_LE, @$, $1, $3); }
	| expr ">=" expr	{ $$ = expr(p, A_GE, @$, $1, $3); }
	| expr "in" set		{ $$ = name_expr(p, A_IN, @$, NULL); $$->a = $1, $$->set = $3; $$ = bounded(p, $$); }
	| expr '=' expr {
		syntax_error(p, @2, "'=' does not compare");
		diag_mend(p->context, "write '==' to compare");
		$$ = expr(p, A_EQ, @$, $1, $3);
	}
	;
sum:	NUM			{ $$ = number(p, $1, @1); }
	| name			{ $$ = name_expr(p, A_NAME, @$, $1); }
	| name bits		{ $$ = name_expr(p, A_NAME_BITS, @$, $1); $$->a = $2->hi, $$->b = $2->lo; $$ = bounded(p, $$); }
	| name '(' exprs ')'	{ $$ = name_expr(p, A_CALL, @$, $1); $$->args = $3.first; $$ = bounded(p, $$); }
	| bits			{ $$ = name_expr(p, A_BITS, @$, NULL); $$->a = $1->hi, $$->b = $1->lo; $$ = bounded(p, $$); }
	| '(' expr ')'		{ $$ = $2; }
	| '!' sum		{ $$ = expr(p, A_NOT, @$, $2, NULL); }
	| '-' sum %prec UMINUS	{ $$ = expr(p, A_NEG, @$, $2, NULL); }
	| sum '+' sum		{ $$ = expr(p, A_ADD, @$, $1, $3); }
	| sum '-' sum		{ $$ = expr(p, A_SUB, @$, $1, $3); }
	| sum '*' sum		{ $$ = expr(p, A_MUL, @$, $1, $3); }
	| sum '/' sum		{ $$ = expr(p, A_DIV, @$, $1, $3); }
	| sum '%' sum		{ $$ = expr(p, A_MOD, @$, $1, $3); }
	| sum "<<" sum		{ $$ = expr(p, A_SHL, @$, $1, $3); }
	| sum ">>" sum		{ $$ = expr(p, A_SHR, @$, $1, $3); }
	;
exprs:	expr			{ NONE($$); ADD($$, $1); }
	| exprs ',' expr	{ $$ = $1; ADD($$, $3); } ;

/*
 * What begins an item with a block does not name an entry: where a level's brace is missing, the next item would pass for
 * one of its kinds.
 */
name:	kind_name | "entry" | "fields" | "register" | "level" | "example" | "require" | "without" | "format" | "family" ;
kind_name:
	ID | "title" | "spec" | "word" | "reserved" | "raises" | "input" | "output" | "static" | "param" | "feature" | "quirk"
	| "address" | "let" | "set" | "root" | "index" | "absent" | "fault" | "null" | "table" | "leaf" | "round" | "refuse"
	| "never" | "resize" | "at" | "prot" | "memtype" | "dirty" | "include" | "language" | "above" | "aperture" | "base" | "window"
	| "align" | "every" | "as" | "limit" | "start" | "count" | "grows" | "when" | "for" | "repeat" | "contig" | "next"
	| "default" | "allows" | "denies" | "accessed" | "by" | "live" | "keep" | "synced" | "marks" | "or" ;

%%

/* -------------------------------------------------------------------------------------------------------- the nodes */

/* Proofs take their time with what is there: what no format has by far is refused at once, not after an hour. */
static void count(struct parser *p, int *n, int most, const char *what)
{
	if (++*n != most || p->stopped)
		return;
	syntax_error(p, (struct span){p->source, p->offset, 0}, "more than %d %s: this is no format file", most, what);
	p->stopped = true;
}

static void *new_node(struct parser *p, size_t bytes)
{
	count(p, &p->file->n_nodes, MAX_NODES, "words and numbers");
	return arena_alloc(p->context->arena, bytes);
}

static struct ast_item *item(struct parser *p, enum ast_item_kind kind, struct span at)
{
	struct ast_item *node = NEW(struct ast_item);

	count(p, &p->file->n_items, MAX_ITEMS, "items");
	node->kind = kind;
	node->span = at;
	node->name_span = at;
	return node;
}

static struct ast_item *named(struct parser *p, enum ast_item_kind kind, struct span at, const char *name,
			      struct span name_at)
{
	struct ast_item *node = item(p, kind, at);

	node->name = name;
	node->name_span = name_at;
	return node;
}

static struct ast_opt *opt(struct parser *p, enum ast_opt_kind kind, struct span at, struct ast_expr *a)
{
	struct ast_opt *node = NEW(struct ast_opt);

	node->kind = kind;
	node->span = at;
	node->a = a;
	return node;
}

static struct ast_opt *opt_name(struct parser *p, enum ast_opt_kind kind, struct span at, const char *name)
{
	struct ast_opt *node = opt(p, kind, at, NULL);

	node->name = name;
	return node;
}

static struct ast_opt *opt_range(struct parser *p, enum ast_opt_kind kind, struct span at, struct ast_expr *a,
				 struct ast_expr *b)
{
	struct ast_opt *node = opt(p, kind, at, a);

	node->b = b;
	return node;
}

static struct ast_name *string(struct parser *p, struct span at, const char *text)
{
	struct ast_name *node = NEW(struct ast_name);

	node->span = at;
	node->name = text;
	return node;
}

static struct ast_expr *name_expr(struct parser *p, enum ast_op op, struct span at, const char *name)
{
	struct ast_expr *node = NEW(struct ast_expr);

	node->op = op;
	node->span = at;
	node->name = name;
	node->depth = 1;
	return node;
}

static struct ast_expr *number(struct parser *p, struct number value, struct span at)
{
	struct ast_expr *node = name_expr(p, A_NUM, at, NULL);

	if (value.half[1])
		syntax_error(p, at, "the number does not fit in 64 bits");
	node->value = value.half[0];
	return node;
}

/* The stages walk expressions by recursion, so their depth is bounded here: a number stands for what is too deep. */
static struct ast_expr *bounded(struct parser *p, struct ast_expr *node)
{
	const struct ast_expr *part[3] = {node->a, node->b, node->c};
	const struct ast_range *range = node->set ? node->set->ranges : NULL;
	const struct ast_expr *argument;
	int i;

	for (i = 0; i < 3; i++)
		if (part[i] && part[i]->depth >= node->depth)
			node->depth = part[i]->depth + 1;
	for (argument = node->args; argument; argument = argument->next)
		if (argument->depth >= node->depth)
			node->depth = argument->depth + 1;
	for (; range; range = range->next) {
		if (range->first->depth >= node->depth)
			node->depth = range->first->depth + 1;
		if (range->last && range->last->depth >= node->depth)
			node->depth = range->last->depth + 1;
	}
	if (node->depth <= MAX_EXPR_DEPTH)
		return node;
	if (!p->too_deep)
		syntax_error(p, node->span, "the expression is nested more than %d deep", MAX_EXPR_DEPTH);
	p->too_deep = true;
	return name_expr(p, A_NUM, node->span, NULL);
}

static struct ast_expr *expr(struct parser *p, enum ast_op op, struct span at, struct ast_expr *a, struct ast_expr *b)
{
	struct ast_expr *node = name_expr(p, op, at, NULL);

	node->a = a;
	node->b = b;
	return bounded(p, node);
}

static struct ast_bits *bits(struct parser *p, struct span at, struct ast_expr *hi, struct ast_expr *lo)
{
	struct ast_bits *node = NEW(struct ast_bits);

	if (!lo && hi->op == A_SUB && hi->a->op == A_NUM && hi->b->op == A_NUM) {
		syntax_error(p, at, "'-' between two numbers is a difference, not a range of bits");
		diag_mend(p->context, "write [%llu:%llu]", (unsigned long long)hi->a->value, (unsigned long long)hi->b->value);
	}
	node->span = at;
	node->hi = hi;
	node->lo = lo;
	return node;
}

static struct ast_set *one_range(struct parser *p, struct span at, struct ast_expr *first, struct ast_expr *last)
{
	struct ast_set *set = NEW(struct ast_set);
	struct ast_range *range = NEW(struct ast_range);

	if (!last && first->op == A_SUB && first->a->op == A_NUM && first->b->op == A_NUM) {
		syntax_error(p, at, "'-' between two numbers is a difference, not a range");
		diag_mend(p->context, "write %llu..%llu", (unsigned long long)first->a->value,
			  (unsigned long long)first->b->value);
	}
	range->span = at;
	range->first = first;
	range->last = last;
	set->span = at;
	set->ranges = range;
	return set;
}

static struct ast_line *meaning(struct parser *p, enum ast_mean mean, struct span at)
{
	struct ast_line *node = NEW(struct ast_line);

	node->mean = mean;
	node->name_span = at;
	return node;
}

/* `= ones` is a constant of any width. */
static struct ast_expr *not_ones(struct ast_expr *value)
{
	return value->op == A_NAME && !strcmp(value->name, "ones") ? NULL : value;
}

static int64_t signed_number(struct parser *p, struct number value, struct span at, bool negative)
{
	if (value.half[1] || value.half[0] > 1000) {
		syntax_error(p, at, "no level has so great a number");
		return 0;
	}
	return negative ? -(int64_t)value.half[0] : (int64_t)value.half[0];
}

static void add_format(struct parser *p, bool family, struct span at, const char *name, struct span name_at,
		       const char *base, struct span base_at, struct ast_item *items)
{
	struct ast_format *node = NEW(struct ast_format);

	count(p, &p->file->n_formats, MAX_FORMATS, "formats");
	node->is_family = family;
	node->span = at;
	node->name = name;
	node->name_span = name_at;
	node->base = base;
	node->base_span = base_at;
	node->items = items;
	*p->end = node;
	p->end = &node->next;
}

static void set_language(struct parser *p, struct number value, struct span at)
{
	if (p->file->formats)
		syntax_error(p, at, "'language' comes before the first format");
	else if (value.half[1] || value.half[0] < 1 || value.half[0] > PTGEN_LANGUAGE) {
		diag(p->context, CHECK_LANGUAGE, at, "this ptgen knows version %d of the language, not this one",
		     PTGEN_LANGUAGE);
		p->failed = true;
	} else {
		p->file->language = (int)value.half[0];
		p->file->language_span = at;
	}
}

/* ----------------------------------------------------------------------------------------------------------- errors */

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *p)
{
	yysymbol_kind_t kinds[YYNTOKENS];
	const char *names[YYNTOKENS];
	int n = yypcontext_expected_tokens(context, kinds, YYNTOKENS), i;

	for (i = 0; i < n; i++)
		names[i] = yysymbol_name(kinds[i]);
	unexpected_token(p, *yypcontext_location(context), names, n > 0 ? n : 0);
	return 0;
}

/* Called for anything else: the parser's stack is full. */
static void parse_error(const struct span *at, struct parser *p, const char *text)
{
	(void)text;
	syntax_error(p, *at, "nested too deeply");
}

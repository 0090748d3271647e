# SPDX-License-Identifier: MIT
# extract.awk - prints parts of a C file in kernel style, by name:
#
#   awk -v want='struct:dma_pte fn:pfn_to_dma_pte macros' -f extract.awk FILE
#
# A part begins in column 0 and ends with a closing brace in column 0, or with a semicolon where it has no body.
# `macros` stands for all definitions of macros. Of parts with the same name the first one is printed: the others are
# stand-ins for when an option is off. A name that is nowhere in the file is an error.

BEGIN {
	n = split(want, list, " ")
	for (i = 1; i <= n; i++)
		missing[list[i]] = 1
	all_macros = "macros" in missing
	delete missing["macros"]
}

function finish(    name) {
	name = ""
	if (match(part, /^(struct|enum|union) [A-Za-z0-9_]+ \{/)) {
		name = part
		sub(/^(struct|enum|union) /, "", name)
		sub(/ .*/, "", name)
		name = "struct:" name
	} else if (has_body && match(part, /[A-Za-z0-9_]+\(/)) {
		name = "fn:" substr(part, RSTART, RLENGTH - 1)
	}
	if (name in missing) {
		printf "%s\n", part
		delete missing[name]
	}
	part = ""
	has_body = 0
}

in_comment { in_comment = !/\*\//; next }
in_macro {
	if (all_macros)
		print
	in_macro = /\\$/
	next
}
part == "" && /^#[ \t]*define[ \t]/ {
	in_macro = /\\$/
	if (all_macros)
		print
	else
		in_macro = in_macro
	next
}
part == "" && /^\/\*/ { in_comment = !/\*\//; next }
part == "" && !/^[A-Za-z_]/ { next }
{
	part = part == "" ? $0 : part "\n" $0
	if (/^\{/ || /^(struct|enum|union) .*\{/ || /\)[^;]*\{/)
		has_body = 1
	if (/^\}/ || (!has_body && /;[ \t]*(\/\*.*)?$/))
		finish()
}

END {
	for (name in missing) {
		printf "extract: %s has no %s\n", FILENAME, name >"/dev/stderr"
		failed = 1
	}
	exit failed
}

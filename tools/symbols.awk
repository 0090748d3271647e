# SPDX-License-Identifier: MIT
# symbols.awk: the functions and variables that headers declare, as a version script for the linker (-v version=NAME).
/^(#|\/\/|\/\*| \*|static|typedef)/ { next }
/^extern const/ { sub(/;.*/, ""); name[$NF]; next }
match($0, /^[a-z].*[ *](vc|vcm|vcmx)_[a-z0-9_]+\(/) {
	text = substr($0, RSTART, RLENGTH - 1)
	sub(/.*[ *]/, "", text)
	name[text]
}
END {
	print version " {\nglobal:"
	for (each in name)
		list[++n] = each
	for (i = 2; i <= n; i++)
		for (k = i; k > 1 && list[k - 1] > list[k]; k--) {
			text = list[k]
			list[k] = list[k - 1]
			list[k - 1] = text
		}
	for (i = 1; i <= n; i++)
		printf "\t%s;\n", list[i]
	print "local:\n\t*;\n};"
}

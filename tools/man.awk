# SPDX-License-Identifier: MIT
# man.awk: a manual page from a template (docs/man/*.in). Lines of the template that begin with "@" are replaced:
#
#   @help SECTION FILE   a part of what `PROGRAM --help` printed to FILE: its options ("options" or the lines that begin
#                        with "  -"), or the part below "SECTION:"
#   @table HEADER FILE   the table of a Markdown file whose first heading cell is HEADER
#   @functions FILE      the functions that a C header declares, below the headings of its sections
#   @version             the version (-v version=...)
function roff(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/'/, "\\(aq", text)
	gsub(/`[^`]*`/, "\\fB&\\fR", text)
	gsub(/`/, "", text)
	sub(/^\./, "\\\\\\&.", text)
	return text
}
function entry(left, right) {
	printf ".TP\n\\fB%s\\fR\n%s\n", roff(left), roff(right)
}
function help(section, file, line, on) {
	on = section == "options"
	while ((getline line <file) > 0) {
		if (line ~ /^[a-z].*:$/ || line ~ /^[a-z].*, one command a line/) {
			on = index(line, section) == 1
			continue
		}
		if (line !~ /^  [^ ]/ || !on || (section == "options" && line !~ /^  -/))
			continue
		line = substr(line, 3)
		if (match(line, /  +/))
			entry(substr(line, 1, RSTART - 1), substr(line, RSTART + RLENGTH))
		else if (match(line, /^--[a-z-]+ [A-Z=]+ /)) # an option that fills its column
			entry(substr(line, 1, RLENGTH - 1), substr(line, RLENGTH + 1))
		else
			printf ".br\n\\fB%s\\fR\n", roff(line)
	}
	close(file)
}
# A declaration begins in the first column and ends with ";"; a heading is a comment of dashes and its text.
function functions(file, line, heading, text) {
	while ((getline line <file) > 0) {
		if (line ~ /^\/\* -+ /) {
			heading = line
			sub(/^\/\* -+ /, "", heading)
			sub(/ *\*\/$/, "", heading)
			continue
		}
		if (line !~ /^[a-z].*\(/ || line ~ /^(static|typedef)/)
			continue
		text = line
		while (text !~ /;/ && (getline line <file) > 0) {
			sub(/^[ \t]+/, " ", line)
			text = text line
		}
		if (heading != "") {
			printf ".SS %s\n", roff(toupper(substr(heading, 1, 1)) substr(heading, 2))
			heading = ""
		}
		gsub(/[ \t]+/, " ", text)
		printf ".HP\n%s\n", roff(text)
	}
	close(file)
}
function table(header, file, line, on, cells, n) {
	while ((getline line <file) > 0) {
		if (line !~ /^\|/) { on = 0; continue }
		n = split(line, cells, / *\| */)
		if (cells[2] == header) on = 1
		else if (on && cells[2] !~ /^-+$/) {
			line = cells[3]
			if (n > 4 && cells[4] != "") line = line (line == "" ? "" : "; ") cells[4]
			gsub(/\]\([^)]*\)/, "", line)
			gsub(/\[/, "", line)
			entry(cells[2], line)
		}
	}
	close(file)
}
$1 == "@help" { help($2, $3); next }
$1 == "@table" { table($2, $3); next }
$1 == "@functions" { functions($2); next }
{ gsub(/@version@/, version); print }

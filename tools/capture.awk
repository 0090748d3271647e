# SPDX-License-Identifier: MIT
# capture.awk: lines with the escape sequences of a terminal, as a drawing (SVG) of that terminal.
function text(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	return s
}
BEGIN {
	class[0] = ""
	class[1] = "b"
	class[2] = "f"
	class[31] = "r"
	class[32] = "g"
	class[33] = "y"
	class[36] = "c"
	esc = sprintf("%c", 27)
}
{
	line = $0
	out = ""
	open = 0
	length_of_line = 0
	while ((at = index(line, esc "[")) > 0) {
		plain = substr(line, 1, at - 1)
		length_of_line += length(plain)
		out = out text(plain)
		line = substr(line, at + 2)
		end = index(line, "m")
		n = split(substr(line, 1, end - 1), code, ";")
		line = substr(line, end + 1)
		if (open)
			out = out "</tspan>"
		open = code[1] != 0
		names = ""
		for (i = 1; i <= n; i++)
			names = names (i > 1 ? " " : "") class[code[i]]
		if (open)
			out = out "<tspan class=\"" names "\">"
	}
	length_of_line += length(line)
	out = out text(line) (open ? "</tspan>" : "")
	if (length_of_line > widest)
		widest = length_of_line
	lines[NR] = out
}
END {
	width = widest * 7.25 + 24
	height = NR * 16 + 20
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height
	print "<style>text { font: 12px monospace; fill: #d8d8d8; white-space: pre; } .b { font-weight: bold; fill: #ffffff; }"
	print ".f { fill: #7a7a7a; } .r { fill: #ff6b6b; } .g { fill: #8fd694; } .y { fill: #e8c97a; } .c { fill: #7ccbd8; }</style>"
	print "<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#1f2428\"/>"
	for (i = 1; i <= NR; i++)
		printf "<text x=\"12\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", i * 16 + 8, lines[i]
	print "</svg>"
}

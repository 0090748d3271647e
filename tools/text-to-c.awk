# SPDX-License-Identifier: MIT
# text-to-c.awk: turns text files NAME.ct into one C file that holds each as `const char template_NAME[]`, or with
# -v header=1 into the header that declares them. Character by character, since compilers need not take string literals
# of more than 4095 characters.
BEGIN {
	print "/* SPDX-License-Identifier: MIT */"
	print "/* Made from ptgen/templates by tools/text-to-c.awk; do not edit. */"
	if (header) {
		print "#ifndef PTGEN_TEMPLATES_H"
		print "#define PTGEN_TEMPLATES_H"
		print ""
	} else {
		print "#include \"templates.h\""
	}
	for (i = 1; i < ARGC; i++) {
		name = ARGV[i]
		sub(/.*\//, "", name)
		sub(/\.[^.]*$/, "", name)
		gsub(/[^A-Za-z0-9_]/, "_", name)
		if (header) {
			print "extern const char template_" name "[];"
			continue
		}
		print "\nconst char template_" name "[] = {"
		number = 0
		while ((status = (getline line < ARGV[i])) > 0) {
			number++
			print_line(line, ARGV[i])
		}
		if (status < 0)
			fail(ARGV[i] ": cannot be read")
		close(ARGV[i])
		print "\t0};"
	}
	if (header)
		print "\n#endif"
	exit failed
}

function fail(text) {
	print text > "/dev/stderr"
	failed = 1
}

function print_line(line, file,    k, c, out) {
	out = "\t"
	for (k = 1; k <= length(line); k++) {
		c = substr(line, k, 1)
		if (c == "\\" || c == "'")
			out = out "'\\" c "',"
		else if (c == "\t")
			out = out "'\\t',"
		else if (c ~ /[ -~]/)
			out = out "'" c "',"
		else
			fail(file ":" number ":" k ": a template holds printable ASCII, tabs and newlines only")
	}
	print out "'\\n',"
}

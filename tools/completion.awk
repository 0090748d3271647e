# SPDX-License-Identifier: MIT
# completion.awk: completions of a shell (-v shell=bash|zsh|fish) for a program (-v program=NAME) from its --help.
function quote(text) {
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}
/^commands:$/ { commands = 1; next }
/^[a-z]+:$/ || /^$/ { commands = 0 }
commands && /^  [a-z]/ {
	word[++n] = $1
	text = $0
	sub(/^  [^ ]+( [^ ]+)?  +/, "", text)
	why[n] = text
}
/^  -/ {
	name = $1
	value = name ~ /=/ || $2 ~ /^[A-Z|=a-z\[\]]*[A-Z|][A-Z|=a-z\[\]]*$/
	sub(/=.*/, "=", name)
	text = $0
	sub(/^  [^ ]+( [^ ]+)?  */, "", text)
	if (name ~ /^-W/)
		next
	word[++n] = name
	why[n] = text
	takes[n] = value
}
END {
	if (shell == "bash") {
		printf "# completions of %s for bash, made from its --help\n_%s() {\n", program, program
		printf "\tlocal word=${COMP_WORDS[COMP_CWORD]}\n\tCOMPREPLY=()\n"
		printf "\t[[ $word == -* || $COMP_CWORD -eq 1 ]] && COMPREPLY=($(compgen -W '"
		for (i = 1; i <= n; i++)
			printf "%s%s", (i > 1 ? " " : ""), word[i]
		printf "' -- \"$word\"))\n\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n"
		printf "\t[[ $word != -* && ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default\n\treturn 0\n}\ncomplete -F _%s %s\n", program, program
	} else if (shell == "zsh") {
		printf "#compdef %s\n# completions of %s for zsh, made from its --help\n_%s() {\n\tlocal -a words\n\twords=(\n", program, program, program
		for (i = 1; i <= n; i++) {
			text = word[i] ":" why[i]
			printf "\t\t%s\n", quote(text)
		}
		printf "\t)\n\t_describe %s words || _files\n}\n_%s \"$@\"\n", quote(program), program
	} else {
		printf "# completions of %s for fish, made from its --help\n", program
		for (i = 1; i <= n; i++) {
			name = word[i]
			sub(/=$/, "", name)
			if (name ~ /^--/)
				printf "complete -c %s -l %s%s -d %s\n", program, substr(name, 3), takes[i] ? " -r" : "", quote(why[i])
			else if (name ~ /^-.$/)
				printf "complete -c %s -s %s%s -d %s\n", program, substr(name, 2), takes[i] ? " -r" : "", quote(why[i])
			else if (name ~ /^-/)
				printf "complete -c %s -o %s%s -d %s\n", program, substr(name, 2), takes[i] ? " -r" : "", quote(why[i])
			else
				printf "complete -c %s -n __fish_use_subcommand -a %s -d %s\n", program, name, quote(why[i])
		}
	}
}

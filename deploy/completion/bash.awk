# SPDX-License-Identifier: GPL-2.0-only
# Makes the bash completion from the option table:
#   ext4race-detect --dump-options | awk -f bash.awk
# Fields: command, short option, long option, argument, help.
BEGIN { FS = "\t" }

function add(list, word) { return list (list ? " " : "") word }

# How a value is completed.
function values(arg) {
	if (arg ~ /\|/) {
		gsub(/\|/, " ", arg)
		return "mapfile -t COMPREPLY < <(compgen -W '" arg "' -- \"$cur\")"
	}
	if (arg == "FILE")
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"
	if (arg == "DIR" || arg == "PATH")
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")"
	return "COMPREPLY=()"
}

{
	if (!($1 in options))
		commands = add(commands, $1)
	if ($2 != " ")
		options[$1] = add(options[$1], $2)
	options[$1] = add(options[$1], $3)
	if ($4 && !($3 in seen)) {
		seen[$3] = 1
		cases = cases "\t" ($2 == " " ? "" : $2 " | ") $3 ")\n\t\t" values($4) "\n\t\treturn\n\t\t;;\n"
	}
}

END {
	n = split(commands, c, " ")
	alternatives = commands
	gsub(/ /, " | ", alternatives)
	print "# SPDX-License-Identifier: GPL-2.0-only"
	print "# Made from ext4race-detect --dump-options; do not edit."
	print "_ext4race_detect()\n{"
	print "\tlocal cur prev words cword command=monitor"
	print "\t_get_comp_words_by_ref -n =: cur prev words cword || return"
	# Only the first word can be the command; elsewhere its name is a value.
	print "\tif ((cword > 1)); then\n\t\tcase ${words[1]} in"
	print "\t\t" alternatives ") command=${words[1]} ;;\n\t\tesac\n\tfi"
	print "\tif [[ $cur == --*=* ]]; then\n\t\tprev=${cur%%=*}\n\t\tcur=${cur#*=}\n\tfi"
	print "\tcase $prev in"
	printf "%s", cases
	print "\tesac\n\tcase $command in"
	for (i = 1; i <= n; i++)
		print "\t" c[i] ") mapfile -t COMPREPLY < <(compgen -W '" options[c[i]] "' -- \"$cur\") ;;"
	print "\tesac"
	print "\tif ((cword == 1)) && [[ $cur != -* ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W '" commands "' -- \"$cur\")\n\tfi\n}"
	print "complete -F _ext4race_detect ext4race-detect"
}

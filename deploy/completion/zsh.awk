# SPDX-License-Identifier: GPL-2.0-only
# Makes the zsh completion from the option table:
#   ext4race-detect --dump-options | awk -f zsh.awk
# Fields: command, short option, long option, argument, help.
BEGIN { FS = "\t" }

# Quotes a text that stands in [...] of a specification, within '...' of the shell.
function text(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/\[/, "\\[", s)
	gsub(/\]/, "\\]", s)
	gsub(/:/, "\\:", s)
	gsub(/'/, "'\\''", s)
	return s
}

function value(arg,   action) {
	if (!arg)
		return ""
	if (arg ~ /\|/) {
		action = arg
		gsub(/\|/, " ", action)
		return ":value:(" action ")"
	}
	if (arg == "FILE")
		return ":file:_files"
	if (arg == "DIR" || arg == "PATH")
		return ":directory:_files -/"
	return ":" text(arg) ":"
}

{
	if (!($1 in specs))
		commands = commands (commands ? " " : "") $1
	# --mount may be given again; all other options only once.
	prefix = $3 == "--mount" ? "*" : $2 == " " ? "" : "(" $2 " " $3 ")"
	if ($2 != " ")
		specs[$1] = specs[$1] "\t\t'" prefix $2 ($4 ? "+" : "") "[" text($5) "]" value($4) "'\n"
	specs[$1] = specs[$1] "\t\t'" prefix $3 ($4 ? "=" : "") "[" text($5) "]" value($4) "'\n"
}

END {
	n = split(commands, c, " ")
	alternatives = commands
	gsub(/ /, "|", alternatives)
	print "#compdef ext4race-detect"
	print "# SPDX-License-Identifier: GPL-2.0-only"
	print "# Made from ext4race-detect --dump-options; do not edit."
	print "_ext4race_detect() {"
	print "\tlocal command=monitor"
	print "\tlocal -a options"
	# Only the first word can be the command; elsewhere its name is a value.
	print "\tif ((CURRENT > 2)); then\n\t\tcase ${words[2]} in"
	print "\t\t(" alternatives ") command=${words[2]} ;;\n\t\tesac\n\tfi"
	print "\tcase $command in"
	for (i = 1; i <= n; i++)
		printf "\t(%s) options=(\n%s\t) ;;\n", c[i], specs[c[i]]
	print "\tesac"
	print "\t_arguments -s \"$options[@]\" '1:command:(" commands ")'"
	print "}"
	print "_ext4race_detect \"$@\""
}

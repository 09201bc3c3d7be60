# SPDX-License-Identifier: GPL-2.0-only
#
# Compares docs/json.md with what was printed. Prints nothing when they agree:
#
#	awk -f json-doc.awk json.md PRINTED
#
# PRINTED has one line per member: type of the object, path of the member, type of the value.
function trim(s) { gsub(/^[ `]+|[ `]+$/, "", s); return s }

FNR == NR && /^## / {
	section = $0
	n = split($0, part, "`")
	for (i = 2; i <= n; i += 2)
		section_of[part[i]] = section
	next
}

FNR == NR && /^\| `/ {
	split($0, cell, "|")
	member = section SUBSEP trim(cell[2])
	type[member] = trim(cell[3]) == "integer" ? "number" : trim(cell[3])
	null[member] = trim(cell[5])
	next
}

FNR == NR { next }

{
	sub(/\.CAP_[A-Z_]+/, ".CAP_*", $2)
	member = section_of[$1] SUBSEP $2
	if (!(member in type))
		member = "## Every object" SUBSEP $2
	printed[member] = 1
	if (!(member in type))
		print $1 ": no row for " $2
	else if ($3 == "null" ? null[member] == "" : $3 != type[member])
		print $1 ": " $2 " is " $3
}

END {
	for (member in type) {
		split(member, part, SUBSEP)
		if (!(member in printed) && null[member] !~ /^left out/)
			print part[1] ": nothing printed " part[2]
	}
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The manual page has every option of the table, and no other; it renders
# without a warning.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need mandoc
COMMAND=${EXT4RACE_DETECT:-$ROOT/ext4race-detect}
need "$COMMAND"
PAGE=$ROOT/docs/ext4race-detect.8

table() {
	"$COMMAND" --dump-options | awk -F'\t' '{ if ($2 != " ") print $2; print $3 }' | sort -u
}

# Options that an item of a list explains.
explained() {
	sed -n 's/^\.It Fl/Fl/p' "$PAGE" | grep -oE 'Fl (Fl )?[-a-zA-Z.]+' |
		sed -E 's/^Fl Fl /--/; s/^Fl /-/' | sort -u
}

has_sections() {
	local s
	for s in "EXIT STATUS" OVERHEAD CAPABILITIES FILES EXAMPLES; do
		grep -qx "\\.Sh $s" "$PAGE" || {
			echo "no section $s"
			return 1
		}
	done
}

# Every journal field that the page names is one that the sink sends.
fields_exist() {
	local field
	while read -r field; do
		grep -qE "\"${field}\"|_%s_${field##*_}\"" "$ROOT/user/journal_entry.c" || {
			echo "$field is not sent"
			return 1
		}
	done < <(grep -oE 'EXT4RACE_[A-Z_]+' "$PAGE" | sort -u)
}

ok "options" diff <(table) <(explained)
ok "mandoc: no warning" mandoc -T lint -W warning "$PAGE"
ok "groff: no warning" test -z "$(groff -man -mdoc -ww -z -Tutf8 "$PAGE" 2>&1)"
ok "sections" has_sections
ok "journal fields" fields_exist

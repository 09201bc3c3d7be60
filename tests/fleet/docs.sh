#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The table in docs/metrics.md and the real output name the same metrics, with
# the same types and labels.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl

# "name type label,label" of every row of the table.
documented() {
	awk -F'|' '/^\| `/ {
		gsub(/[` ]/, "", $2); gsub(/ /, "", $3); gsub(/[` ]/, "", $4)
		n = split($4, l, ","); out = ""
		while (n > 0) { best = 0
			for (i in l) if (!best || l[i] < l[best]) best = i
			out = out (out ? "," : "") l[best]; delete l[best]; n-- }
		print $2, $3, out
	}' "$ROOT/docs/metrics.md" | sort
}

# The same from a page in text format. An info metric is known by its name.
shown() {
	awk '/^# TYPE / { type[$3] = $4; next }
	/^#/ { next }
	{
		name = $1; labels = ""
		if (match(name, /\{.*\}/)) {
			s = substr($0, RSTART + 1)
			name = substr($0, 1, RSTART - 1)
			while (match(s, /[a-z_]+="([^"\\]|\\.)*"/)) {
				l = substr(s, RSTART, index(s, "=") - RSTART)
				labels = labels (labels ? "," : "") l
				s = substr(s, RSTART + RLENGTH + 1)
				if (substr($0, length($0) - length(s), 1) == "}") break
			}
		}
		base = name; sub(/_(bucket|sum|count)$/, "", base)
		if (type[base] == "histogram") { if (name !~ /_bucket$/) next; name = base }
		n = split(labels, a, ","); out = ""
		while (n > 0) { best = 0
			for (i in a) if (!best || a[i] < a[best]) best = i
			out = out (out ? "," : "") a[best]; delete a[best]; n-- }
		print name, (name ~ /_info$/ ? "info" : type[name]), out
	}' "$1" | sort -u
}

compare() {
	diff -u "$TMP/documented" "$1"
}

feeder full --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --rate 100 --count 100 \
	--textfile "$TMP/full.prom"
until_ok 10 grep -q '^done' "$TMP/full.log"
curl -fsS "localhost:$PORT/metrics" >"$TMP/page"
documented >"$TMP/documented"
shown "$TMP/page" >"$TMP/shown"
ok "docs/metrics.md is what /metrics shows" compare "$TMP/shown"
until_ok 10 grep -q . "$TMP/full.prom"
grep -vE '^(process_|ext4race_http_)' "$TMP/documented" >"$TMP/doc.textfile"
mv "$TMP/doc.textfile" "$TMP/documented"
shown "$TMP/full.prom" >"$TMP/shown"
ok "docs/metrics.md is what the textfile shows" compare "$TMP/shown"
# shellcheck disable=SC2016 # of awk
ok "every metric has HELP and TYPE" awk '
	/^# HELP / { help[$3] = 1 } /^# TYPE / { if (!help[$3]) exit 1 }' "$TMP/page"

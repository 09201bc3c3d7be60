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

# The options that an item of a list explains.
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
		grep -qE "\"${field}\"|_%s_${field##*_}\"" "$ROOT/user/sink/journal_entry.c" || {
			echo "$field is not sent"
			return 1
		}
	done < <(grep -oE 'EXT4RACE_[A-Z_]+' "$PAGE" | sort -u)
}

# The examples of verify use options that exist, and a job that Kubernetes accepts.
examples_work() {
	local option n=0
	while read -r option; do
		n=$((n + 1))
		"$COMMAND" --dump-options | awk -F'\t' -v o="$option" \
			'$1 == "verify" && $3 == o { found = 1 } END { exit !found }' || {
			echo "verify has no $option"
			return 1
		}
	done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$PAGE" | sed '/^\.Dl/!b; /verify/!d' |
		grep -oE '(verify.*|args:.*|"verify".*)' | grep -oE -- '--[a-z-]+')
	((n >= 4))
}

job_is_sound() {
	sed -n '/^apiVersion: batch/,/^\.Ed/p' "$PAGE" | sed '$d' >"$TMP/job.yaml"
	python3 - "$TMP/job.yaml" <<-'END'
		import sys, yaml
		job = yaml.safe_load(open(sys.argv[1]))
		assert job["kind"] == "Job" and job["spec"]["backoffLimit"] == 0
		pod = job["spec"]["template"]["spec"]
		assert pod["restartPolicy"] == "Never"
		(c,) = pod["containers"]
		assert c["args"][0] == "verify"
		assert {m["name"] for m in c["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
		assert c["args"][c["args"].index("--dir") + 1] in {m["mountPath"] for m in c["volumeMounts"]}
	END
}

ok "options" diff <(table) <(explained)
ok "mandoc: no warning" mandoc -T lint -W warning "$PAGE"
ok "groff: no warning" test -z "$(groff -man -mdoc -ww -z -Tutf8 "$PAGE" 2>&1)"
ok "sections" has_sections
ok "journal fields" fields_exist
ok "examples of verify" examples_work
if python3 -c 'import yaml' 2>/dev/null; then
	ok "the Kubernetes job" job_is_sound
fi

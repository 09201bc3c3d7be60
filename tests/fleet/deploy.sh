#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit is hardened, Kubernetes and node-problem-detector accept their files, and
# uninstall removes everything that was installed.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need systemd-analyze jq python3
COMMAND=${EXT4RACE_DETECT:-$ROOT/ext4race-detect}
need "$COMMAND"
DEPLOY=$ROOT/deploy
EXPOSURE_MAX=2.5

# systemd-analyze wants the program to be there.
install_unit() {
	sed "s,/usr/sbin/ext4race-detect,$COMMAND," "$DEPLOY/systemd/ext4race-detect.service" \
		>"$TMP/ext4race-detect.service"
}

exposure_is_low() {
	local level
	level=$(systemd-analyze security --offline=yes --no-pager "$TMP/ext4race-detect.service" |
		sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
	echo "# systemd-analyze security: $level" >&3
	awk -v is="$level" -v max="$EXPOSURE_MAX" 'BEGIN { exit !(is != "" && is <= max) }'
}

unit_is_valid() {
	local said
	said=$(systemd-analyze verify --man=no "$TMP/ext4race-detect.service" 2>&1) || {
		echo "$said"
		return 1
	}
	[[ $said != *ext4race* ]] || {
		echo "$said"
		return 1
	}
}

# The capabilities of the unit are those of the DaemonSet, which needs two more to leave root.
same_capabilities() {
	diff <(sed -n 's/^CapabilityBoundingSet=//p' "$DEPLOY/systemd/ext4race-detect.service" |
		tr ' ' '\n' | sed 's/^CAP_//' | cat - <(printf 'SETUID\nSETGID\n') | sort) \
		<(sed -n 's/.*add: \[\(.*\)\]/\1/p' "$DEPLOY/kubernetes/base/daemonset.yaml" | tr -d ' ' |
			tr ',' '\n' | sort)
}

daemonset_is_sound() {
	python3 - "$DEPLOY/kubernetes/base/daemonset.yaml" <<-'END'
		import sys, yaml
		docs = {d["kind"]: d for d in yaml.safe_load_all(open(sys.argv[1]))}
		pod = docs["DaemonSet"]["spec"]["template"]["spec"]
		(c,) = pod["containers"]
		s = c["securityContext"]
		assert not pod.get("hostNetwork") and not pod.get("hostPID") and not pod.get("hostIPC")
		assert s["privileged"] is False and s["allowPrivilegeEscalation"] is False
		assert s["readOnlyRootFilesystem"] and s["capabilities"]["drop"] == ["ALL"]
		volumes = {v["name"] for v in pod["volumes"]}
		assert {m["name"] for m in c["volumeMounts"]} == volumes
		assert all(m["readOnly"] for m in c["volumeMounts"])
		sel = docs["DaemonSet"]["spec"]["selector"]["matchLabels"]
		assert sel.items() <= docs["DaemonSet"]["spec"]["template"]["metadata"]["labels"].items()
	END
}

# The DaemonSet's arguments are options that exist.
arguments_exist() {
	local arg
	while read -r arg; do
		"$COMMAND" --dump-options | awk -F'\t' -v o="$arg" \
			'$1 == "monitor" && ($2 == o || $3 == o) { found = 1 } END { exit !found }' || {
			echo "no option $arg"
			return 1
		}
	done < <({
		sed -n 's/.*args: \[\(.*\)\]/\1/p' "$DEPLOY/kubernetes/base/daemonset.yaml"
		sed -n 's/.*EXT4RACE_OPTIONS=\(.*\)"/\1/p' "$DEPLOY/systemd/ext4race-detect.service"
		grep -v '^#' "$DEPLOY/systemd/ext4race-detect.default"
	} | grep -oE -- '(^|[ "])--?[a-z][a-z.-]*' | tr -d ' "' | sort -u)
}

# check STATUS WANTED MODE: ext4race-check has to turn the detector's STATUS into WANTED.
check() {
	local status=0
	printf '#!/bin/sh\necho noise; exit %s\n' "$1" >"$TMP/bin/ext4race-detect"
	chmod +x "$TMP/bin/ext4race-detect"
	PATH=$TMP/bin:$PATH "$DEPLOY/node-problem-detector/ext4race-check" "$3" >"$TMP/said" || status=$?
	cat "$TMP/said"
	((status == $2 && $(wc -l <"$TMP/said") == 1 && $(wc -c <"$TMP/said") <= 81))
}

npd_paths() {
	jq -e '.plugin == "custom" and (.rules | length == 2) and
		(.rules | all(.path == "/usr/libexec/ext4race-detect/ext4race-check")) and
		([.rules[].condition] - [.conditions[].type] == [])' \
		"$DEPLOY/node-problem-detector/ext4race-monitor.json"
}

installed() {
	make -s -C "$DEPLOY" install PREFIX=/opt/x DESTDIR="$TMP/root" COMMAND="$COMMAND" \
		BUILD="$TMP/completion"
	grep -q '^ExecStart=/opt/x/sbin/ext4race-detect ' \
		"$TMP/root/opt/x/lib/systemd/system/ext4race-detect.service" &&
		jq -e '[.rules[].path] | all(. == "/opt/x/libexec/ext4race-detect/ext4race-check")' \
			"$TMP/root/opt/x/share/ext4race-detect/node-problem-detector/ext4race-monitor.json" &&
		test -x "$TMP/root/opt/x/libexec/ext4race-detect/ext4race-check"
}

uninstalled() {
	make -s -C "$DEPLOY" uninstall PREFIX=/opt/x DESTDIR="$TMP/root"
	find "$TMP/root" -type f | tee "$TMP/left"
	[[ ! -s $TMP/left ]]
}

exec 3>&1
mkdir "$TMP/bin"
install_unit
ok "unit is valid" unit_is_valid
ok "exposure at most $EXPOSURE_MAX" exposure_is_low
ok "options of unit and DaemonSet" arguments_exist
if python3 -c 'import yaml' 2>/dev/null; then
	ok "DaemonSet" daemonset_is_sound
fi
ok "same capabilities in unit and DaemonSet" same_capabilities
ok "node-problem-detector configuration" npd_paths
for mode in verdict race; do
	ok "check $mode: fine" check 0 0 "$mode"
	ok "check $mode: a problem" check 2 1 "$mode"
	ok "check $mode: unknown" check 3 2 "$mode"
	ok "check $mode: cannot" check 1 2 "$mode"
	ok "check $mode: killed" check 137 2 "$mode"
done
ok "check: wrong use" check 0 2 other
ok "install" installed
ok "uninstall leaves nothing" uninstalled

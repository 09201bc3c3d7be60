# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# In the guest: checks, and what the unit is like.

UNIT=ext4race-detect.service
# shellcheck disable=SC2034 # for those that source this
METRICS=http://localhost:9877/metrics
n=0 failed=0

ok() { # NAME COMMAND...
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then
		echo "ok $n - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $name"
	head -n 20 <<<"$said" | sed 's/^/# /'
	return 1
}

until_ok() { # SECONDS COMMAND...
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < limit)) || return 1
		sleep 0.2
	done
}

# As until_ok, but says what is wrong when the time is over.
settled() {
	until_ok 120 "$@" || "$@"
}

state() {
	systemctl show -P "$1" "$UNIT"
}

active() {
	[[ $(state ActiveState) == active ]] || {
		systemctl status --no-pager "$UNIT"
		journalctl --no-pager -q -n 20 -u "$UNIT"
		return 1
	}
}

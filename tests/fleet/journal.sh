#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A real journald has the fields, the catalog explains them, and a journald that hangs costs
# entries, not time. Runs in a mount namespace with its own /run.
set -euo pipefail

if [[ ${1:-} != inside ]]; then
	if ((EUID)) || ! [[ -x /lib/systemd/systemd-journald ]]; then
		echo "1..0 # skip needs root and systemd-journald"
		exit 77
	fi
	exec unshare --mount --propagation private "$0" inside
fi

# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need journalctl jq

mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal /run/udev
SOCKET=/run/systemd/journal/socket
mount -t tmpfs tmpfs /var/lib/systemd/catalog
mount --bind "$ROOT/deploy/journal" /usr/lib/systemd/catalog

entries() { # JOURNALCTL MATCHES...
	journalctl --no-pager -q -D /run/log/journal -o json "$@"
}

spawn "$TMP/journald.log" /lib/systemd/systemd-journald
JOURNALD=$SPAWNED
ok "journald is up" until_ok 20 test -S "$SOCKET"

replay() { # NAME COUNT
	spawn "$TMP/$1.log" "$BUILD/feeder" --record "$FLEET/recorded/vulnerable.jsonl" \
		--journal "$SOCKET" --rate 2000 --count "$2" --listen 0
	until_ok 60 grep -q '^done' "$TMP/$1.log"
}

ok "events are replayed" replay first 100
PORT=$(awk '/^listening/ { print $2 }' "$TMP/first.log")
missed() {
	metric "localhost:$PORT/metrics" 'ext4race_sink_missed_reports_total{sink="journal"}'
}
# 100 events, the start and the verdict.
arrived() {
	(($(entries SYSLOG_IDENTIFIER=ext4race-detect | wc -l) + $(missed) == $1))
}
ok "all are there" until_ok 20 arrived 102
ok "none was missed" test "$(missed)" = 0
ok "fields" jq -e 'select(.EXT4RACE_DEV and .EXT4RACE_INO and .EXT4RACE_FAULT_PID and
	.EXT4RACE_ALLOCATOR_OP and .MESSAGE_ID and .PRIORITY == "4")' \
	<(entries EXT4RACE_TYPE=overwrite -n 1)
end "$SPAWNED"

all_explained() {
	local id
	journalctl --update-catalog
	while read -r id; do
		journalctl --dump-catalog "$id" | grep -q 'Defined-By: ext4race-detect' || {
			echo "$id is not explained"
			return 1
		}
	done < <(entries SYSLOG_IDENTIFIER=ext4race-detect | jq -r .MESSAGE_ID | sort -u)
}
ok "the catalog explains every id" all_explained
ok "journalctl -x shows it" grep -q 'Subject: A delayed insert overwrote allocated blocks' \
	<(journalctl --no-pager -q -D /run/log/journal -x -n 1 EXT4RACE_TYPE=overwrite)

# journald hangs: the feeder replays everything all the same.
kill -STOP "$JOURNALD"
ok "a journald that hangs does not hold the detector up" replay hung 20000
PORT=$(awk '/^listening/ { print $2 }' "$TMP/hung.log")
ok "what it missed is counted" test "$(missed)" -gt 0
kill -CONT "$JOURNALD"
ok "and the rest arrives" until_ok 60 arrived $((102 + 20002))

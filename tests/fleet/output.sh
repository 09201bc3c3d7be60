#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# --output-file on a filesystem that is full for a while: reports are missed and counted,
# the run goes on, and every line is whole. Runs in a mount namespace of its own.
set -euo pipefail

if [[ ${1:-} != inside ]]; then
	if ((EUID)); then
		echo "1..0 # skip needs root"
		exit 77
	fi
	exec unshare --mount --propagation private "$0" inside
fi

# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq

mkdir "$TMP/small"
mount -t tmpfs -o size=256k none "$TMP/small"
trap 'umount -l "$TMP/small"; finish' EXIT
OUT=$TMP/small/out.json

missed() {
	metric "localhost:$PORT/metrics" 'ext4race_sink_missed_reports_total{sink="json"}'
}
some_missed() {
	(($(missed) > 0))
}
# What jq cannot read of a line is not one.
broken() {
	jq -R 'try (fromjson | empty) catch "broken"' "$OUT" | wc -l
}
grown() { # BYTES
	(($(stat -c %s "$OUT") > $1))
}
# The start, the verdict and the events of this run: written or missed.
accounted() {
	local replayed lines
	end "$FEEDER"
	replayed=$(tail -n 1 "$TMP/output.log" | jq .replayed)
	lines=$(jq -cR 'fromjson? | .type' "$OUT" | wc -l)
	echo "replayed $replayed, lines $lines, missed $1"
	((lines + $1 == replayed + 2))
}

# Full in the middle of a line: less than a page is free, and lines are not that long.
dd if=/dev/zero of="$TMP/small/filler" bs=1024 count=200 status=none
feeder output --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --rate 400 --count 2000 \
	--output-file "$OUT"
FEEDER=$SPAWNED
ok "a full file costs reports" until_ok 30 some_missed
ok "it is said" grep -q 'No space left on device' "$TMP/output.log"
rm "$TMP/small/filler"
size=$(stat -c %s "$OUT")
ok "it goes on when there is room" until_ok 30 grown "$size"
ok "and says how much was missed" until_ok 10 grep -q 'can be written again: [0-9]* reports' "$TMP/output.log"
dd if=/dev/zero of="$TMP/small/filler" bs=1024 status=none 2>/dev/null || true
until_ok 30 grep -q '^done' "$TMP/output.log"
m=$(missed)
ok "every report is in the file, or counted" accounted "$m"
ok "at most one line a time was cut short" test "$(broken)" -le 2

# A restart finds half a line there.
rm "$TMP/small/filler"
printf '{"half":' >"$OUT"
feeder again --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --output-file "$OUT"
ok "a line of its own after half a line" until_ok 10 jq -eR 'fromjson? | .type == "start"' <(sed -n 2p "$OUT")
end "$SPAWNED"

# The command itself: the counts are there to the end, and only then the file is missed.
if ! [[ -x $ROOT/ext4race-detect ]]; then
	echo "# the command itself is left out: needs ./ext4race-detect"
	exit 0
fi
: >"$OUT"
dd if=/dev/zero of="$TMP/small/filler" bs=1024 status=none 2>/dev/null || true
HTTP=$(free_port)
spawn "$TMP/monitor.log" "$ROOT/ext4race-detect" -o json --output-file "$OUT" --listen "$HTTP"
ok "the command watches on" until_ok 60 metric "http://127.0.0.1:$HTTP/metrics" \
	'ext4race_sink_missed_reports_total{sink="json"}'
rm "$TMP/small/filler"
rc=0
kill -TERM "$SPAWNED"
wait "$SPAWNED" || rc=$?
ok "exit status" test "$rc" = 0
ok "the summary is there" jq -es '.[-1].type == "summary" and .[-1].lost_events > 0' "$OUT"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# node_exporter serves what --textfile writes, whenever it looks.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl promtool prometheus-node-exporter jq

DIR=$TMP/textfile
mkdir "$DIR"
# What a killed one left, and a file of somebody else's.
touch "$DIR/.ext4race.prom.a1B2c3" "$DIR/.ext4race.prom.mine"
feeder textfile --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --rate 200 \
	--textfile "$DIR/ext4race.prom"
FEEDER=$SPAWNED
until_ok 10 test -s "$DIR/ext4race.prom"
ok "mode 0644" test "$(stat -c %a "$DIR/ext4race.prom")" = 644
ok "promtool check metrics" promtool check metrics <"$DIR/ext4race.prom"

NODE=$(free_port)
spawn "$TMP/node.log" prometheus-node-exporter --web.listen-address="127.0.0.1:$NODE" \
	--collector.disable-defaults --collector.textfile --collector.textfile.directory="$DIR"
URL=http://127.0.0.1:$NODE/metrics
ok "node_exporter answers" until_ok 20 curl -fsS "$URL"

fine() {
	curl -fsS --max-time 10 "$URL" >"$TMP/page"
	grep -qx 'node_textfile_scrape_error 0' "$TMP/page" &&
		grep -q '^ext4race_overwritten_blocks_total{.*} [1-9]' "$TMP/page"
}

# The file is replaced while node_exporter reads it, and is never seen half written.
always_fine() {
	local i
	for i in {1..100}; do
		fine || {
			echo "scrape $i:"
			grep textfile "$TMP/page" "$TMP/node.log"
			return 1
		}
	done
}
ok "served" until_ok 10 fine
ok "a hundred scrapes, none with an error" always_fine

exact() {
	local served total
	end "$FEEDER"
	served=$(metric "$URL" 'ext4race_overwritten_blocks_total{device="'"$1"'",mount="'"$2"'"}')
	total=$(tail -n 1 "$TMP/textfile.log" | jq .overwritten_blocks)
	echo "served $served, feeder $total"
	((served == total && total > 0))
}
read -r device mount < <(sed -n 's/^ext4race_overwritten_blocks_total{device="\([^"]*\)",mount="\([^"]*\)"} [1-9].*/\1 \2/p' \
	"$DIR/ext4race.prom")
ok "the last values are the final ones" exact "$device" "$mount"
ok "no temporary file is left" test "$(find "$DIR" -type f | wc -l)" = 2 # with .mine
ok "and none that a killed one left" test ! -e "$DIR/.ext4race.prom.a1B2c3"
ok "its age can be told" metric "$URL" ext4race_snapshot_timestamp_seconds

refused() { # PATH WORD
	"$BUILD/feeder" --record "$FLEET/recorded/fixed.jsonl" --textfile "$1" >"$TMP/refused" 2>&1 && return 1
	cat "$TMP/refused"
	grep -q "$2" "$TMP/refused" && (($(wc -l <"$TMP/refused") == 1))
}
ok "a name that node_exporter ignores" refused "$DIR/ext4race.txt" 'named \*.prom'
ok "a directory that is not there" refused "$TMP/no/ext4race.prom" 'No such file'
mkdir "$DIR/dir.prom"
ok "a directory of that name" refused "$DIR/dir.prom" 'not a file'

# ---- a filesystem that does not answer ----
# The command itself, its textfile on a filesystem that is frozen under it. The one that it
# watches is another one, so that its summary has nothing to wait for.
# The summary is there, and nothing is attached, though one thread still waits.
heard() {
	jq -se '.[-1].type == "summary"' "$TMP/out.json" &&
		! grep -qE '^(prog|link)_id' "/proc/$MONITOR"/fdinfo/* 2>/dev/null
}

if ((EUID)) || ! [[ -x $ROOT/ext4race-detect ]] || ! command -v fsfreeze >/dev/null; then
	echo "# a frozen filesystem is left out: needs root, fsfreeze and ./ext4race-detect"
	exit 0
fi
trap 'thaw; umount -l "$TMP/frozen" "$TMP/watched" 2>/dev/null; finish' EXIT
frozen_setup
touch "$TMP/frozen/.ext4race.prom.a1B2c3"
spawn "$TMP/monitor.log" "$ROOT/ext4race-detect" -o json --output-file "$TMP/out.json" \
	--mount "$TMP/watched" --textfile "$TMP/frozen/ext4race.prom" --listen "$HTTP"
MONITOR=$SPAWNED
until_ok 60 test -s "$TMP/frozen/ext4race.prom"
ok "healthy before" until_ok 20 healthy
ok "what a killed one left is removed by the command, too" test ! -e "$TMP/frozen/.ext4race.prom.a1B2c3"
fsfreeze --freeze "$TMP/frozen"
ok "a frozen filesystem: /healthz is 503 and says why" until_ok 40 unhealthy '--textfile: a write has not ended'
ok "scrapes are answered all the same" metric "http://127.0.0.1:$HTTP/metrics" ext4race_delayed_inserts_total
ok "the loop goes on, and says why" until_ok 60 grep -q 'is its filesystem frozen' "$TMP/monitor.log"
kill -TERM "$MONITOR"
ok "SIGTERM is heard while it is frozen" until_ok 30 heard
ends_with_the_thaw "the last values are missing"

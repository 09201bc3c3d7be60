#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every panel of the dashboard, drawn from what a real Prometheus says about a recorded rollout:
# does each say what its title says? The drawings are in build/fleet/panels.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need prometheus node curl jq

OUT=${PANELS_OUT:-$BUILD/panels}
PROMETHEUS=$(free_port)
# The rollout is written into one long head: no block is cut, and nothing of it is too old. No
# rule runs: the series that rules make of the rollout are made by the drawing, for its own time.
cat >"$TMP/prometheus.yml" <<END
global: { evaluation_interval: 1y }
rule_files: [ "$ROOT/deploy/prometheus/ext4race.rules.yml" ]
END
spawn "$TMP/prometheus.log" prometheus --config.file="$TMP/prometheus.yml" --storage.tsdb.path="$TMP/data" \
	--web.listen-address="127.0.0.1:$PROMETHEUS" --web.enable-remote-write-receiver \
	--storage.tsdb.retention.time=100y --storage.tsdb.min-block-duration=100y \
	--storage.tsdb.max-block-duration=100y --query.lookback-delta=125m
until_ok 60 curl -fsS "http://127.0.0.1:$PROMETHEUS/-/ready" || tail -n 5 "$TMP/prometheus.log"

# A series of the rollout has the name and the labels that a real exporter gives it.
feeder real --record "$FLEET/recorded/vulnerable.jsonl" --listen 0
curl -fsS "http://127.0.0.1:$PORT/metrics" | sed -nE 's/^([a-z0-9_]+)(\{(.*)\})? .*/\1 \3/p' |
	sed -E 's/="[^"]*"//g; s/,/ /g' | sort -u >"$TMP/real"
known_series() {
	node -e '
		const {record, hosts, DETAILED} = require(process.argv[1]);
		const detailed = record(hosts.filter((host) => DETAILED.includes(host.instance)));
		const series = new Set(detailed.map(({labels: {__name__, job, instance, ...own}}) => [__name__, ...Object.keys(own)].join(" ")));
		console.log([...series].sort().join("\n"));' "$FLEET/rollout.js" >"$TMP/rollout"
	sed -i 's/ $//' "$TMP/real"
	! grep -vxFf "$TMP/real" "$TMP/rollout"
}
ok "the rollout's series are the exporter's" known_series
timeout 300 node "$FLEET/panels.js" "http://127.0.0.1:$PROMETHEUS" "$ROOT/deploy/grafana/ext4race.json" "$OUT"

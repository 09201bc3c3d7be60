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
# No rule runs: the series that rules make of the rollout are made by the drawing, for its own time.
cat >"$TMP/rollout.yml" <<END
global: { evaluation_interval: 1y }
rule_files: [ "$ROOT/deploy/prometheus/ext4race.rules.yml" ]
END
long_head rollout "$PROMETHEUS" --query.lookback-delta=125m

# A series of the rollout has the name and the labels that a real exporter gives it.
feeder real --record "$FLEET/recorded/vulnerable.jsonl" --listen 0
curl -fsS "http://127.0.0.1:$PORT/metrics" | sed -nE 's/^([a-z0-9_]+)(\{(.*)\})? .*/\1 \3/p' |
	sed -E 's/="[^"]*"//g; s/,/ /g' | sort -u >"$TMP/real"
known_series() {
	node -e '
		const {record, hosts, DETAILED} = require(process.argv[1]);
		const detailed = record(hosts.filter((host) => DETAILED.includes(host.instance)));
		const series = new Set(detailed.map(({labels: {__name__, job, instance, ...own}}) => [__name__, ...Object.keys(own)].join(" ")));
		console.log([...series].sort().join("\n"));' "$FLEET/rollout.js" >"$TMP/series"
	sed -i 's/ $//' "$TMP/real"
	! grep -vxFf "$TMP/real" "$TMP/series"
}
ok "the rollout's series are the exporter's" known_series
timeout 300 node "$FLEET/panels.js" "http://127.0.0.1:$PROMETHEUS" "$ROOT/deploy/grafana/ext4race.json" "$OUT"

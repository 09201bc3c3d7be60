#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What 300 hosts cost a Prometheus, for docs/fleet.md: series, bytes and CPU. Takes ten minutes, and
# is run by its name only: tests/fleet/run cost. FLEET_HOSTS=1: of one host.
#
# An exporter is 50 hosts: it is scraped at as many addresses of the loopback (it has room for 96
# connections). It replays a recorded race, so counters grow. A scrape each 2 seconds instead of
# each 30 makes the time short: what is told is the cost of a scrape, of a sample, of a series
# and of an evaluation.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need prometheus curl jq node

HOSTS=${FLEET_HOSTS:-300}
HALF=${FLEET_HALF:-200} # seconds

EXPORTERS=()
for ((i = 0; i < HOSTS; i++)); do
	if ((i % 50 == 0)); then
		feeder "exporter$i" --record "$FLEET/recorded/vulnerable.jsonl" --listen '*:0' --rate 20
		EXPORTERS+=("$SPAWNED")
	fi
	echo "127.0.0.$((i % 50 + 1)):$PORT"
done >"$TMP/targets"
jq -Rn '[{targets: [inputs]}]' "$TMP/targets" >"$TMP/targets.json"
PROMETHEUS=$(free_port)
config() { # RULES
	cat <<-END
		global: { scrape_interval: 2s, evaluation_interval: ${EVALUATE}s }
		rule_files: [ $1 ]
		scrape_configs:
		  - job_name: ext4race
		    file_sd_configs: [ { files: [ "$TMP/targets.json" ] } ]
	END
}
EVALUATE=10
config "" >"$TMP/prometheus.yml"
# A block of 4 minutes has 120 samples of a series, as one of an hour has of a scrape each 30 s.
spawn "$TMP/prometheus.log" prometheus --config.file="$TMP/prometheus.yml" --storage.tsdb.path="$TMP/data" \
	--web.listen-address="127.0.0.1:$PROMETHEUS" --storage.tsdb.min-block-duration=4m --storage.tsdb.max-block-duration=4m
URL=http://127.0.0.1:$PROMETHEUS
PROMETHEUS_PID=$SPAWNED

# own NAME [LABELS]: the sum of a metric of Prometheus itself.
own() {
	curl -fsS "$URL/metrics" | awk -v want="$1" -v labels="${2:-}" '
		($1 == want || index($1, want "{") == 1) && (labels == "" || index($1, labels)) { s += $2; found = 1 }
		END { printf "%.6f\n", s; exit !found }'
}
query() {
	curl -fsS --data-urlencode "query=$1" "$URL/api/v1/query" | jq -r '.data.result[0].value[1] // 0'
}
cpu_of() { # PID...
	local pid
	for pid; do
		cat "/proc/$pid/stat"
	done | awk '{ s += $14 + $15 } END { printf "%.2f\n", s / 100 }'
}
all_scraped() {
	(($(query 'count(ext4race_build_info)') == HOSTS))
}

has_blocks() {
	(($(own prometheus_tsdb_compactions_total | cut -d. -f1) >= 1))
}
count() { # DIGITS EXPRESSION
	awk "BEGIN { printf \"%.$1f\", $2 }"
}
scrapes() {
	own prometheus_target_interval_length_seconds_count
}
evaluations() {
	own prometheus_rule_group_iterations_total
}

until_ok 120 all_scraped
own_series=$(query "count({job=\"ext4race\", __name__!~\"up|scrape_.*\"}) / $HOSTS")
scrape_series=$(query "count({job=\"ext4race\", __name__=~\"up|scrape_.*\"}) / $HOSTS")

# The first half: scrapes alone.
begin=$(scrapes) cpu=$(cpu_of "$PROMETHEUS_PID") exporter_cpu=$(cpu_of "${EXPORTERS[@]}")
sleep "$HALF"
n=$(count 0 "$(scrapes) - $begin")
per_scrape=$(count 9 "($(cpu_of "$PROMETHEUS_PID") - $cpu) / $n")
exporter_per_scrape=$(count 6 "($(cpu_of "${EXPORTERS[@]}") - $exporter_cpu) / $n")

# The second half: with the rules. What they cost is what the CPU time of the scrapes leaves.
config "\"$ROOT/deploy/prometheus/ext4race.rules.yml\"" >"$TMP/prometheus.yml"
kill -HUP "$PROMETHEUS_PID"
until_ok 60 evaluations
begin=$(scrapes) cpu=$(cpu_of "$PROMETHEUS_PID") rounds=$(evaluations)
sleep "$HALF"
n=$(count 0 "$(scrapes) - $begin")
rounds=$(count 2 "($(evaluations) - $rounds) / 2")
per_round=$(count 4 "($(cpu_of "$PROMETHEUS_PID") - $cpu - $n * $per_scrape) / $rounds")
rule_series=$(query "count({job=\"ext4race\", __name__=~\".*:.*|ALERTS.*\"}) / $HOSTS")

until_ok 600 has_blocks || true
ok "blocks were written" has_blocks
ok "each host was scraped" all_scraped
samples=$(jq -s 'map(.stats.numSamples) | add' "$TMP"/data/*/meta.json)
series=$(jq -s 'map(.stats.numSeries) | add' "$TMP"/data/*/meta.json)
cat <<END
# $HOSTS hosts, twice $HALF s
# series of a host, its own:             $own_series
# series of a host, of its scrape:       $scrape_series
# series of a host, of the rules:        $rule_series
# bytes of a scrape:                     $(curl -fsS "http://127.0.0.1:$PORT/metrics" | wc -c)
# bytes of a sample, in a block's chunks: $(count 2 "$(cat "$TMP"/data/*/chunks/* | wc -c) / $samples")
# bytes of a series, in a block's index: $(count 0 "$(cat "$TMP"/data/*/index | wc -c) / $series")
# resident memory:                       $(awk '/^VmRSS/ { print $2 }' "/proc/$PROMETHEUS_PID/status") KiB
# series of the head:                    $(own prometheus_tsdb_head_series | cut -d. -f1)
# CPU of a scrape, Prometheus:           $per_scrape s
# CPU of a scrape, exporter:             $exporter_per_scrape s
# CPU of all rules, once:                $per_round s, of $rounds rounds
END
end "$PROMETHEUS_PID"

# The rules again, over a day.
EVALUATE=31536000
config "\"$ROOT/deploy/prometheus/ext4race.rules.yml\"" | sed '/^scrape_configs/,$d' >"$TMP/day.yml"
long_head day "$PROMETHEUS"
timeout 600 node "$FLEET/cost.js" "$URL" "$SPAWNED" "$HOSTS"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Many exporters and one Prometheus: no scrape fails, a scrape stays cheap and
# small, and every query of the dashboard returns data.
#
# FLEET_EXPORTERS (20), FLEET_SECONDS (30), FLEET_INTERVAL (5, seconds)
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq prometheus

DEPLOY=$ROOT/deploy
EXPORTERS=${FLEET_EXPORTERS:-20}
DURATION=${FLEET_SECONDS:-30}
INTERVAL=${FLEET_INTERVAL:-5}
CPU_NS_MAX=1000000
BYTES_MAX=65536
PROM=http://127.0.0.1:$(free_port)
HOSTS=() # pid:port

start_exporters() {
	local i record kernel
	for ((i = 0; i < EXPORTERS; i++)); do
		record=vulnerable
		kernel=5.10.0-32-amd64
		if ((i % 3 == 0)); then
			record=fixed
			kernel=5.10.0-36-amd64
		elif ((i % 3 == 1)); then
			kernel=5.10.0-30-amd64
		fi
		feeder "host$i" --record "$FLEET/recorded/$record.jsonl" --kernel "$kernel" --listen 0 --rate 2
		HOSTS+=("$SPAWNED:$PORT")
	done
}

configure() {
	local targets
	targets=$(printf '"127.0.0.1:%s", ' "${HOSTS[@]#*:}")
	sed -E 's/^( *for:).*/\1 0s/' "$DEPLOY/prometheus/ext4race.rules.yml" >"$TMP/ext4race.rules.yml"
	sed -E "s/\"localhost:9877\"/${targets%, }/; /^alerting:/,/9093/d
		s/^( *(scrape|evaluation)_interval:).*/\1 ${INTERVAL}s/" \
		"$DEPLOY/prometheus/prometheus.yml" >"$TMP/prometheus.yml"
}

query() {
	curl -fsS --data-urlencode "query=$1" "$PROM/api/v1/query" |
		jq -r '.data.result[0].value[1] // empty'
}

value_is() {
	[[ $(query "$1") == "$2" ]]
}

# Nanoseconds of CPU that the exporters' HTTP threads have used.
http_cpu() {
	local host task
	for host in "${HOSTS[@]}"; do
		for task in /proc/"${host%:*}"/task/*; do
			if [[ $(<"$task/comm") == http ]]; then
				cut -d' ' -f1 "$task/schedstat"
			fi
		done
	done | awk '{ s += $1 } END { printf "%.0f\n", s }'
}

scrapes() {
	query 'sum(ext4race_http_responses_total{code="200"})'
}

no_scrape_failed() {
	local failed least
	failed=$(query "count(min_over_time(up{job=\"ext4race\"}[${DURATION}s]) == 0) or vector(0)")
	least=$(query "min(count_over_time(up{job=\"ext4race\"}[${DURATION}s]))")
	echo "# $EXPORTERS exporters, $DURATION s: $failed targets with a failed scrape, at least $least scrapes each" >&3
	((failed == 0 && least > 1))
}

scrape_is_cheap() {
	local ns=$(((cpu_after - cpu_before) / (scrapes_after - scrapes_before)))
	echo "# $((scrapes_after - scrapes_before)) scrapes, $((ns / 1000)) us of CPU each" >&3
	((ns < CPU_NS_MAX))
}

scrape_is_small() {
	local host bytes most=0
	for host in "${HOSTS[@]}"; do
		bytes=$(curl -fsS "127.0.0.1:${host#*:}/metrics" | wc -c)
		if ((bytes > most)); then
			most=$bytes
		fi
	done
	echo "# largest scrape: $most bytes" >&3
	((most < BYTES_MAX))
}

memory_is_small() {
	local host kib most=0
	for host in "${HOSTS[@]}"; do
		kib=$(awk '/^VmHWM/ { print $2 }' "/proc/${host%:*}/status")
		if ((kib > most)); then
			most=$kib
		fi
	done
	echo "# largest exporter: $most KiB resident" >&3
	((most < 32768))
}

# Every query of the dashboard, as Grafana would send it with everything selected.
dashboard_queries() {
	jq -r '[.panels[].targets[]?.expr, .annotations.list[].expr] | .[] | gsub("\n"; " ")' \
		"$DEPLOY/grafana/ext4race.json" |
		sed "s/\\\$__rate_interval/$((4 * INTERVAL))s/g; s/\\\$__range/${DURATION}s/g
			s/\\\$job\\b/.*/g; s/\\\$instance\\b/.*/g"
}

returns_data() {
	curl -fsS --data-urlencode "query=$1" "$PROM/api/v1/query" | tee "$TMP/answer" |
		jq -e '.status == "success" and (.data.result | length > 0)' || {
		echo "$1"
		head -c 500 "$TMP/answer"
		return 1
	}
}

exec 3>&1
start_exporters
configure
spawn "$TMP/prom.log" prometheus --config.file="$TMP/prometheus.yml" \
	--storage.tsdb.path="$TMP/prom" --web.listen-address="${PROM#http://}"
ok "Prometheus is up" until_ok 60 curl -fsS "$PROM/-/ready"
ok "all targets are scraped" until_ok 60 value_is 'sum(up{job="ext4race"})' "$EXPORTERS"
cpu_before=$(http_cpu)
scrapes_before=$(scrapes)
# The soak itself: it only waits until its time is over.
sleep "$DURATION"
cpu_after=$(http_cpu)
scrapes_after=$(scrapes)
ok "no scrape failed" no_scrape_failed
ok "a scrape costs less than 1 ms of CPU" scrape_is_cheap
ok "a scrape is less than 64 KiB" scrape_is_small
ok "an exporter needs less than 32 MiB" memory_is_small
ok "all rules evaluate" value_is 'sum(prometheus_rule_evaluation_failures_total) or vector(0)' 0

# A restart, for the query that shows restarts.
end "${HOSTS[1]%:*}"
feeder again --record "$FLEET/recorded/vulnerable.jsonl" --listen "${HOSTS[1]#*:}" --rate 2
n=0
while IFS= read -r expr; do
	n=$((n + 1))
	ok "dashboard query $n returns data" until_ok 30 returns_data "$expr"
done < <(dashboard_queries)
ok "the dashboard has queries" test "$n" -gt 20

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The whole chain on real kernels: the race in a vulnerable guest makes the alert fire in
# Alertmanager, and the reboot into a fixed kernel resolves it. The guest has no network:
# it prints the detector's textfile to its output, and node_exporter serves it to
# Prometheus.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq prometheus prometheus-alertmanager prometheus-node-exporter qemu-system-x86_64
COMMAND=${EXT4RACE_DETECT:-$ROOT/ext4race-detect}
WORKLOAD=$ROOT/tests/workload/race
need "$COMMAND" "$WORKLOAD"
VULNERABLE=${FLEET_KERNEL:-5.10.0-32-cloud}
FIXED=${FLEET_FIXED_KERNEL:-5.10-cloud}

DEPLOY=$ROOT/deploy
NODE=127.0.0.1:$(free_port)
AM=http://127.0.0.1:$(free_port)
PROM=http://127.0.0.1:$(free_port)
mkdir "$TMP/textfile"

# The textfile is written every 15 s, so the rules get windows of a minute.
configure() {
	sed -E 's/\b15m\b/1m/g; s/^( *for:).*/\1 0s/' "$DEPLOY/prometheus/ext4race.rules.yml" \
		>"$TMP/ext4race.rules.yml"
	sed -E "s/job_name: ext4race/job_name: node/; s/localhost:9877/$NODE/
		s/localhost:9093/${AM#http://}/; s/^( *(scrape|evaluation)_interval:).*/\1 1s/" \
		"$DEPLOY/prometheus/prometheus.yml" >"$TMP/prometheus.yml"
}

# Each block between the marks becomes the textfile, in one step.
take_textfiles() {
	local line out=
	while IFS= read -r line; do
		case $line in
		"BEGIN METRICS") out=$TMP/textfile/.incoming && : >"$out" ;;
		"END METRICS") mv "$TMP/textfile/.incoming" "$TMP/textfile/ext4race.prom" && out= ;;
		*) if [[ $out ]]; then
			echo "$line" >>"$out"
		fi ;;
		esac
	done
}

guest() { # KERNEL SECONDS
	# shellcheck disable=SC2317 # called by spawn
	run_guest() {
		"$ROOT/tests/vm/run" --timeout 500 --silence 120 --image-size 1024 --expect-leak \
			--add "$COMMAND:/usr/local/bin/ext4race-detect" \
			--add "$WORKLOAD:/usr/local/bin/race" "$1" "$FLEET/guest/host.sh" "$2" |
			tee "$TMP/guest.$1.log" | take_textfiles
	}
	spawn "$TMP/guest.err" run_guest "$1" "$2"
	GUEST=$SPAWNED
}

alert_state() {
	curl -fsS "$AM/api/v2/alerts" |
		jq -r --arg name "$1" '.[] | select(.labels.alertname == $name) | .status.state' | sort -u
}

has_state() {
	[[ $(alert_state "$1") == "$2" ]]
}

query() {
	curl -fsS --data-urlencode "query=$1" "$PROM/api/v1/query" | jq -r '.data.result[0].value[1] // empty'
}

is() {
	[[ $(query "$1") == "$2" ]]
}

no_overwrite() {
	awk '/^ext4race_overwritten_blocks_total\{/ { n++; s += $NF } END { exit !(n && s == 0) }' \
		"$TMP/textfile/ext4race.prom"
}

looked() {
	awk '/^ext4race_fault_inserts_total / { exit !($2 > 100) }' "$TMP/textfile/ext4race.prom"
}

configure
spawn "$TMP/am.log" prometheus-alertmanager --config.file="$DEPLOY/alertmanager/alertmanager.yml" \
	--storage.path="$TMP/am" --web.listen-address="${AM#http://}" --cluster.listen-address=
spawn "$TMP/node.log" prometheus-node-exporter --web.listen-address="$NODE" \
	--collector.disable-defaults --collector.textfile --collector.textfile.directory="$TMP/textfile"
spawn "$TMP/prom.log" prometheus --config.file="$TMP/prometheus.yml" \
	--storage.tsdb.path="$TMP/prom" --web.listen-address="${PROM#http://}"
ok "Alertmanager is up" until_ok 60 curl -fsS "$AM/-/ready"
ok "Prometheus is up" until_ok 60 curl -fsS "$PROM/-/ready"

guest "$VULNERABLE" 60
ok "the race in $VULNERABLE is an alert" until_ok 300 has_state Ext4RaceSeen active
ok "its kernel is judged vulnerable" until_ok 120 is 'ext4race_kernel_verdict{verdict="vulnerable"}' 1
ok "the guest ended well" wait "$GUEST"

guest "$FIXED" 60
ok "after the reboot into $FIXED it is judged fixed" \
	until_ok 300 is 'ext4race_kernel_verdict{verdict="fixed"}' 1
ok "the rollout is done" until_ok 60 is 'fleet:ext4race_fixed_hosts:ratio' 1
ok "the race is resolved" until_ok 200 has_state Ext4RaceSeen ""
ok "the guest ended well" wait "$GUEST"
ok "the fixed kernel was looked at" looked
ok "and overwrote nothing" no_overwrite
ok "no fixed kernel races" has_state Ext4FixedKernelRaces ""

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The whole chain with the real programs: a racing host makes the alert fire in
# Alertmanager, and the rollout of a fixed kernel resolves it.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq prometheus prometheus-alertmanager

DEPLOY=$ROOT/deploy
HOST_PORT=$(free_port)
AM=http://127.0.0.1:$(free_port)
PROM=http://127.0.0.1:$(free_port)

# The shipped files, with windows of seconds instead of minutes.
configure() {
	sed -E 's/\b15m\b/20s/g; s/^( *for:).*/\1 0s/' "$DEPLOY/prometheus/ext4race.rules.yml" \
		>"$TMP/ext4race.rules.yml"
	sed -E "s/localhost:9877/127.0.0.1:$HOST_PORT/; s/localhost:9093/${AM#http://}/
		s/^( *(scrape|evaluation)_interval:).*/\1 1s/" "$DEPLOY/prometheus/prometheus.yml" \
		>"$TMP/prometheus.yml"
}

# The alert's state in Alertmanager: active, suppressed, or nothing.
alert_state() {
	curl -fsS "$AM/api/v2/alerts" |
		jq -r --arg name "$1" '.[] | select(.labels.alertname == $name) | .status.state' | sort -u
}

has_state() {
	[[ $(alert_state "$1") == "$2" ]]
}

receiver() {
	curl -fsS "$AM/api/v2/alerts" | jq -er --arg name "$1" --arg want "$2" \
		'any(.[]; .labels.alertname == $name and (.receivers | any(.name == $want)))'
}

query() {
	curl -fsS --data-urlencode "query=$1" "$PROM/api/v1/query" | jq -r '.data.result[0].value[1] // empty'
}

is() {
	[[ $(query "$1") == "$2" ]]
}

configure
spawn "$TMP/am.log" prometheus-alertmanager --config.file="$DEPLOY/alertmanager/alertmanager.yml" \
	--storage.path="$TMP/am" --web.listen-address="${AM#http://}" --cluster.listen-address=
spawn "$TMP/prom.log" prometheus --config.file="$TMP/prometheus.yml" \
	--storage.tsdb.path="$TMP/prom" --web.listen-address="${PROM#http://}"
ok "Alertmanager is up" until_ok 30 curl -fsS "$AM/-/ready"
ok "Prometheus is up" until_ok 30 curl -fsS "$PROM/-/ready"
ok "no detector yet: told" until_ok 60 has_state Ext4RaceDetectorAbsent active

feeder host --record "$FLEET/recorded/vulnerable.jsonl" --listen "$HOST_PORT" --rate 5
HOST=$SPAWNED
ok "a race is an alert" until_ok 60 has_state Ext4RaceSeen active
ok "it goes to the storage team" receiver Ext4RaceSeen storage-team
ok "the vulnerable kernel is inhibited by it" until_ok 60 has_state Ext4KernelVulnerable suppressed
ok "the detector is there" until_ok 60 has_state Ext4RaceDetectorAbsent ""
ok "rollout: 0 of 1" until_ok 30 is 'fleet:ext4race_fixed_hosts:ratio' 0

# The host reboots into a fixed kernel: counters from zero, another release.
end "$HOST"
feeder fixed --record "$FLEET/recorded/fixed.jsonl" --listen "$HOST_PORT" --rate 5
HOST=$SPAWNED
release=$(jq -r 'select(.type == "start") | .kernel' "$FLEET/recorded/fixed.jsonl")
ok "rollout: 1 of 1" until_ok 30 is 'fleet:ext4race_fixed_hosts:ratio' 1
ok "by its release" until_ok 30 is "release:ext4race_hosts:count{release=\"$release\",verdict=\"fixed\"}" 1
ok "the race is resolved" until_ok 90 has_state Ext4RaceSeen ""
ok "the vulnerable kernel is resolved" until_ok 90 has_state Ext4KernelVulnerable ""
ok "no fixed kernel races" has_state Ext4FixedKernelRaces ""

# A kernel that is judged fixed and races: the one alert that wakes somebody.
end "$HOST"
jq -c 'if .type == "verdict" then .verdict = "unknown" |
	.evidence = [{kind: "behaviour", says: "fixed", detail: "2 lookups"},
		{kind: "observed", says: "vulnerable", detail: "an overwrite was seen"}] else . end' \
	"$FLEET/recorded/vulnerable.jsonl" >"$TMP/liar.jsonl"
feeder liar --record "$TMP/liar.jsonl" --listen "$HOST_PORT" --rate 5
ok "a fixed kernel that races is critical" until_ok 60 has_state Ext4FixedKernelRaces active
ok "and wakes somebody" receiver Ext4FixedKernelRaces kernel-oncall
end "$SPAWNED"
ok "a dead detector is told" until_ok 60 has_state Ext4RaceDetectorAbsent active

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The files for Prometheus and Alertmanager are valid, and the rules pass their tests.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need promtool amtool jq

DEPLOY=$ROOT/deploy

# Every metric that rules and dashboard use is documented, or recorded by a rule.
known_metrics() {
	local used known
	used=$({
		sed -E 's/#.*//; s/[a-z]+:ext4race_[a-z_]+(:[a-z0-9]+)?//g' "$DEPLOY/prometheus/ext4race.rules.yml"
		jq -r '.. | .expr? // empty' "$DEPLOY/grafana/ext4race.json" |
			sed -E 's/[a-z]+:ext4race_[a-z_]+(:[a-z0-9]+)?//g'
	} | grep -oE '\b(ext4race|process)_[a-z_]+' | sed -E 's/_bucket$//' | sort -u)
	known=$(grep -oE '^\| `[a-z0-9_]+' "$ROOT/docs/metrics.md" | tr -d '|` ' | sort -u)
	comm -23 <(echo "$used") <(echo "$known") | tee "$TMP/unknown"
	[[ -n $used && ! -s $TMP/unknown ]]
}

# Every alert has a test in which it fires, and one in which it does not.
alerts_tested() {
	local alert tests=$DEPLOY/prometheus/ext4race.rules.test.yml
	while read -r alert; do
		grep -A1 "alertname: $alert\$" "$tests" | grep -q exp_alerts || {
			echo "$alert is never expected to fire"
			return 1
		}
	done < <(awk '/- alert:/ { print $3 }' "$DEPLOY/prometheus/ext4race.rules.yml")
}

# The panels fit into Grafana's 24 columns and do not overlap, each id is unique, and every
# query uses the chosen data source and variables that exist.
dashboard_is_sound() {
	jq -e '
		def cells: .gridPos as $g | [range($g.y; $g.y + $g.h) as $y | range($g.x; $g.x + $g.w) as $x | [$x, $y]];
		([.panels[] | cells] | add) as $cells |
		([.. | .expr?, .query?.query? | strings | scan("\\$\\{?([a-z_]+)") | .[0]] | unique) as $used |
		($cells | length == (unique | length)) and ($cells | all(.[0] >= 0 and .[0] < 24)) and
		([.panels[].id] | length == (unique | length)) and
		([.panels[].targets[]?.datasource.uid, .annotations.list[].datasource.uid] | all(. == "${datasource}")) and
		($used - [.templating.list[].name] - ["__range", "__rate_interval"] == [])
	' "$DEPLOY/grafana/ext4race.json"
}

ok "promtool check rules" promtool check rules "$DEPLOY/prometheus/ext4race.rules.yml"
ok "promtool check config" promtool check config "$DEPLOY/prometheus/prometheus.yml"
ok "promtool test rules" promtool test rules "$DEPLOY/prometheus/ext4race.rules.test.yml"
ok "every alert is tested" alerts_tested
ok "amtool check-config" amtool check-config "$DEPLOY/alertmanager/alertmanager.yml"
ok "dashboard is sound" dashboard_is_sound
ok "rules and dashboard use what is documented" known_metrics

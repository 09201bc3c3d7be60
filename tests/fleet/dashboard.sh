#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The dashboard against Grafana's own types: the compiler refuses what Grafana would not
# understand. The types come from the package registry that npm is set up for, and are
# fetched once into the cache.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need node npm jq

CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ext4race}
PACKAGES=(@grafana/schema@11.3.1 typescript@5.6.3)
DASHBOARD=$ROOT/deploy/grafana/ext4race.json
MODULES=$CACHE/grafana-schema/node_modules

fetch_types() {
	[[ -d $MODULES ]] && return
	mkdir -p "$TMP/npm" "$CACHE"
	echo '{"private": true}' >"$TMP/npm/package.json"
	(cd "$TMP/npm" && timeout 300 npm install --no-audit --no-fund --ignore-scripts "${PACKAGES[@]}") >&2 || return 1
	mv -T "$TMP/npm" "$CACHE/grafana-schema"
}

compiles() { # DASHBOARD
	rm -rf "$TMP/types"
	mkdir "$TMP/types"
	node "$FLEET/dashboard.js" "$MODULES/@grafana/schema" "$1" "$TMP/types" &&
		node "$MODULES/typescript/bin/tsc" -p "$TMP/types"
}

# wrong JQ: JQ makes one thing in the dashboard wrong, and the compiler has to refuse it.
wrong() {
	jq "$1" "$DASHBOARD" >"$TMP/wrong.json"
	! cmp -s <(jq . "$DASHBOARD") "$TMP/wrong.json" && not compiles "$TMP/wrong.json"
}

if ! fetch_types 2>"$TMP/npm.log"; then
	echo "1..0 # skip Grafana's types cannot be had: $(tail -n 1 "$TMP/npm.log")"
	exit 77
fi
ok "the dashboard is what Grafana's types allow" compiles "$DASHBOARD"
ok "a misspelt option is found" wrong '(.panels[] | select(.type == "timeseries") | .fieldConfig.defaults.custom).lineWidht = 1'
ok "a value that is none is found" wrong '(.panels[] | select(.type == "stat") | .options).colorMode = "loud"'
ok "a panel that is none is found" wrong '(.panels[] | select(.type == "heatmap")).type = "graph"'
ok "a variable of no type is found" wrong '.templating.list[0].type = "datasorce"'

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/pictures/dashboard.webp: every panel of the Grafana dashboard, drawn from what a real
# Prometheus answers about a recorded rollout. The drawing is that of the test, not Grafana's.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

PANELS_OUT=$work/panels "$top/tests/fleet/run" panels
mkdir -p "$top/docs/pictures"
modules=$("$top/tests/page/modules")
NODE_PATH=$modules/node_modules FONTCONFIG_FILE=$top/tests/page/fonts.conf XDG_CACHE_HOME=$work CHROMIUM=$(command -v chromium) \
	node "$top/tests/pictures/guest/dashboard.js" "$work/panels/index.html" "$top/docs/pictures/dashboard.webp"
echo "docs/pictures/dashboard.webp: $(wc -c <"$top/docs/pictures/dashboard.webp") bytes"

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
"$top/tests/page/drive" "$top/tests/pictures/dashboard.js" "$work/panels/index.html" "$top/docs/pictures/dashboard.webp"
echo "docs/pictures/dashboard.webp: $(wc -c <"$top/docs/pictures/dashboard.webp") bytes"

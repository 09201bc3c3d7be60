#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In a virtual machine with a vulnerable kernel and Debian's systemd: the package
# installs, the unit is confined, survives restarts and its own hanging, and the
# journal holds what happened.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/fleet/debian.sh
. "$FLEET/debian.sh"
need mmdebstrap dpkg-buildpackage promtool qemu-system-x86_64
WORKLOAD=$ROOT/tests/workload/race
need "$WORKLOAD"
ok "a Debian to boot" debian
ok "the package" package "$WORKLOAD" "$FLEET/guest/test.sh" "$FLEET/guest/unit.sh"
boot "${FLEET_KERNEL:-5.10.0-32-cloud}" --expect-leak
ok "its metrics pass promtool" promtool check metrics <"$TMP/out/metrics"

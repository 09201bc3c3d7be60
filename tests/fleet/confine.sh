#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What somebody could do who took the monitor over, tried from inside the unit, in virtual
# machines with and without Landlock. On the kernel without, under root and as in a
# container, too: this machine's kernel has it (tests/confine/run).
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/fleet/debian.sh
. "$FLEET/debian.sh"
need mmdebstrap dpkg-buildpackage qemu-system-x86_64

# The tree that tests/confine/run expects around itself.
tree() {
	local to=$TMP/guest/source
	mkdir -p "$to/tests/confine" "$to/deploy/kubernetes/base"
	cp "$ROOT"/tests/confine/{run,judge.sh,table} "$to/tests/confine/"
	cp "$ROOT/deploy/kubernetes/base/daemonset.yaml" "$to/deploy/kubernetes/base/"
	ln -s /usr/sbin/ext4race-detect "$to/ext4race-detect"
	"$ROOT/tests/confine/run" --build "$TMP/guest"
	cp "$FLEET/guest/confine.sh" "$TMP/guest/test.sh"
}

ok "a Debian to boot" debian
ok "the package" package "$FLEET/guest/unit.sh"
ok "what is tried" tree
for kernel in ${FLEET_CONFINE_KERNELS:-5.10.0-32-cloud 6.12-cloud}; do
	boot "$kernel"
done

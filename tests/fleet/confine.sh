#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What somebody could do who took the monitor over, tried from inside the unit: on this
# machine's kernel, in namespaces, and in a virtual machine whose kernel has no Landlock.
# There under root and as in a container, too, which tests/confine/run tries here.
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
if ((EUID)); then
	echo "# this machine's kernel is left out: that needs root"
	FLEET_CONFINE_KERNELS=5.10.0-32-cloud
fi
for kernel in ${FLEET_CONFINE_KERNELS:-here 5.10.0-32-cloud}; do
	boot "$kernel"
done

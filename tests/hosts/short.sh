#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A release whose own kernel is fixed: install, verify, monitor, purge. As a whole host, or
# with systemd in namespaces on another machine's kernel.
set -uo pipefail
# shellcheck source=tests/hosts/guest.sh
. /guest/guest.sh

ok "systemd has booted" until_ok 300 booted
patient
systemd-detect-virt -cq || ok "the host runs its stock kernel, $(uname -r)" test -e "/lib/modules/$(uname -r)"
ok "dpkg installs it" dpkg -i /guest/ext4race-detect.deb
ok "systemctl enable --now" systemctl enable --now "$UNIT"
ok "the service is up" until_ok 60 active
ok "verify: fixed" verdict_is fixed behaviour
race 10
ok "no race" test "$(sum ext4race_overwritten_blocks_total)" = 0
ok "inserts were looked at" test "$(sum ext4race_delayed_inserts_total)" -gt 100
ok "the kernel agrees" test "$(residual)" = 0
ok "the unit ran all the time" never_restarted
ok "purge" dpkg --purge ext4race-detect
ok "nothing is left" nothing_is_left

# The same from the tarball, as on a host that knows no .deb.
from_tarball() {
	mkdir /root/tarball && tar -xzf /guest/ext4race-detect.tar.gz --strip-components 1 -C /root/tarball &&
		/root/tarball/install.sh
}
serves() {
	curl -fsS "$METRICS" | grep '^ext4race_kernel_info'
}
ok "install.sh installs it" from_tarball
ok "systemctl enable --now" systemctl enable --now "$UNIT"
ok "the service is up" until_ok 60 active
ok "verify: fixed" verdict_is fixed behaviour
ok "it serves metrics" until_ok 30 serves
ok "install.sh removes it" /root/tarball/install.sh --uninstall
ok "nothing is left" nothing_is_left
echo "end of stage"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In a virtual machine with a vulnerable kernel and Debian's systemd: the package
# installs, the unit is confined, survives restarts and its own hanging, and the
# journal holds what happened.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need mmdebstrap dpkg-buildpackage promtool qemu-system-x86_64
KERNEL=${FLEET_KERNEL:-5.10.0-32-cloud}
CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ext4race}
PACKAGES=systemd,dbus,curl,libbpf1,libcap-ng0,libcrypt1,libelf1,libgnutls30,libjansson4,libmicrohttpd12,libseccomp2,libyaml-0-2
WORKLOAD=$ROOT/tests/workload/race

# A Debian with the packages that ours depends on. Made anew once a week.
debian() {
	local tar=$CACHE/debian-systemd.tar
	if [[ -z $(find "$tar" -mtime -7 2>/dev/null) ]]; then
		mkdir -p "$CACHE"
		mmdebstrap --quiet --variant=minbase --format=tar --include="$PACKAGES" bookworm \
			"$TMP/debian.tar" /etc/apt/sources.list.d/*.sources
		mv "$TMP/debian.tar" "$tar"
	fi
	ln -f "$tar" "$TMP/debian.tar" 2>/dev/null || cp "$tar" "$TMP/debian.tar"
}

# FLEET_DEB: use this package and do not build one.
package() {
	mkdir "$TMP/guest"
	if [[ -n ${FLEET_DEB:-} ]]; then
		cp "$FLEET_DEB" "$TMP/guest/ext4race-detect.deb"
	else
		"$ROOT/deploy/build-deb" --commit HEAD "$TMP/deb"
		cp "$TMP"/deb/ext4race-detect_*.deb "$TMP/guest/ext4race-detect.deb"
	fi
	cp "$WORKLOAD" "$FLEET/guest/test.sh" "$TMP/guest/"
}

boot() {
	mkdir -p "$TMP/out"
	"$ROOT/tests/vm/run" --timeout 800 --silence 300 --mem 2G --image-size 1024 --out "$TMP/out" \
		--expect-leak --add "$TMP/debian.tar:/debian.tar" --add "$TMP/guest:/guest" \
		"$KERNEL" "$FLEET/guest/boot.sh" >"$TMP/vm.log" 2>&1
}

need "$WORKLOAD"
ok "a Debian to boot" debian
ok "the package" package
CHECKS=$((CHECKS + 1))
if boot; then
	echo "ok $CHECKS - the guest's run"
	DONE=$((DONE + 1))
else
	echo "not ok $CHECKS - the guest's run ended with $?"
fi
# Its checks count as checks of this test.
while IFS= read -r line; do
	CHECKS=$((CHECKS + 1))
	DONE=$((DONE + 1))
	if [[ $line == not* ]]; then
		FAILED=$((FAILED + 1))
	fi
	echo "${line%% [0-9]*} $CHECKS - guest: ${line#* - }"
done < <(grep -E '^(not ok|ok) [0-9]+ - ' "$TMP/vm.log" || true)
grep -E '^(# |metric )' "$TMP/vm.log" || true
grep -qE '^[0-9]+ checks, 0 failed' "$TMP/vm.log" || tail -n 60 "$TMP/vm.log" | sed 's/^/# /'
ok "its metrics pass promtool" promtool check metrics <"$TMP/out/metrics"

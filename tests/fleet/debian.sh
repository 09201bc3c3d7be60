# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests that boot Debian with its systemd in a virtual machine (guest/boot.sh).

CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ext4race}
PACKAGES=systemd,dbus,curl,mount,e2fsprogs,libbpf1,libcap-ng0,libcrypt1,libelf1,libgnutls30,libjansson4,libmicrohttpd12,libseccomp2,libyaml-0-2

# A Debian with the packages that ours depends on. Made anew once a week.
debian() {
	local tar
	tar=$CACHE/debian-systemd-$(sha256sum <<<"$PACKAGES" | cut -c 1-8).tar
	if [[ -z $(find "$tar" -mtime -7 2>/dev/null) ]]; then
		mkdir -p "$CACHE"
		mmdebstrap --quiet --variant=minbase --format=tar --include="$PACKAGES" bookworm \
			"$TMP/debian.tar" /etc/apt/sources.list.d/*.sources
		mv "$TMP/debian.tar" "$tar"
	fi
	ln -f "$tar" "$TMP/debian.tar" 2>/dev/null || cp "$tar" "$TMP/debian.tar"
}

# The dynamic package, to $TMP/guest, beside FILE... FLEET_DEB: use this package and build none.
package() { # FILE...
	mkdir "$TMP/guest"
	if [[ -n ${FLEET_DEB:-} ]]; then
		cp "$FLEET_DEB" "$TMP/guest/ext4race-detect.deb"
	else
		"$ROOT/deploy/build-deb" --commit HEAD "$TMP/deb"
		cp "$TMP"/deb/ext4race-detect_*.deb "$TMP/guest/ext4race-detect.deb"
	fi
	cp "$@" "$TMP/guest/"
}

# in_vm KERNEL [OPTION...]
in_vm() {
	local kernel=$1
	shift
	"$ROOT/tests/vm/run" --timeout "${FLEET_VM_TIMEOUT:-800}" --silence 300 --mem 2G --image-size 1024 --out "$TMP/out" \
		--add "$TMP/debian.tar:/debian.tar" --add "$TMP/guest:/guest" "$@" \
		"$kernel" "$FLEET/guest/boot.sh"
}

# On this machine's kernel, in namespaces.
in_namespaces() {
	local status=0
	truncate -s 2G "$TMP/image"
	mkfs.ext4 -q -F "$TMP/image" && mkdir "$TMP/root" && mount -o loop "$TMP/image" "$TMP/root" || return
	timeout -k 10 "${FLEET_VM_TIMEOUT:-800}" sh "$FLEET/guest/boot.sh" here \
		"$TMP/debian.tar" "$TMP/guest" "$TMP/root" "$TMP/out" || status=$?
	umount "$TMP/root"
	rmdir "$TMP/root"
	return "$status"
}

# boot here|KERNEL [OPTION...]: the guest's checks count as checks of this test.
boot() {
	local kernel=$1 status=0 line
	mkdir -p "$TMP/out"
	if [[ $kernel == here ]]; then
		in_namespaces >"$TMP/vm.log" 2>&1 || status=$?
	else
		in_vm "$@" >"$TMP/vm.log" 2>&1 || status=$?
	fi
	while IFS= read -r line; do
		CHECKS=$((CHECKS + 1))
		DONE=$((DONE + 1))
		if [[ $line == not* ]]; then
			FAILED=$((FAILED + 1))
		fi
		echo "${line%% [0-9]*} $CHECKS - guest: ${line#* - }"
	done < <(grep -E '^(not ok|ok) [0-9]+ - ' "$TMP/vm.log" || true)
	grep -E '^(# |metric )' "$TMP/vm.log" || true
	grep -qE '^[0-9]+ checks, 0 failed' "$TMP/vm.log" || { cat "$TMP/vm.log"; } | sed 's/^/# /'
	ok "the guest's run on $kernel" test "$status" = 0
}

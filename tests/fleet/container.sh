#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The image and the manifest, for real: a container runtime starts the image's own files
# with the capabilities, mounts and seccomp profile of the rendered manifest, on a node with
# a vulnerable kernel, and the race is counted exactly. Needs make portable.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need crun skopeo jq python3 qemu-system-x86_64
PORTABLE=$ROOT/build/portable/ext4race-detect-x86_64
WORKLOAD=$ROOT/tests/workload/race
need "$WORKLOAD"
if [[ ! -x $PORTABLE ]] || ! python3 -c 'import yaml' 2>/dev/null; then
	echo "1..0 # skip no static program (make portable), or no python3-yaml"
	exit 77
fi
KERNEL=${FLEET_KERNEL:-5.10.0-32-cloud}
K8S=$ROOT/deploy/kubernetes

image() {
	"$ROOT/deploy/container/image" --out "$TMP/image.tar" x86_64 &&
		"$ROOT/deploy/container/image" --out "$TMP/again.tar" x86_64 &&
		cmp "$TMP/image.tar" "$TMP/again.tar"
}

# Another's reader takes it, and finds the one file.
unpacks() {
	skopeo copy --quiet "oci-archive:$TMP/image.tar" "dir:$TMP/image" || return
	local layer config
	layer=$(jq -r '.layers[0].digest' "$TMP/image/manifest.json")
	config=$(jq -r '.config.digest' "$TMP/image/manifest.json")
	mkdir -p "$TMP/rootfs"
	tar -xf "$TMP/image/${layer#sha256:}" -C "$TMP/rootfs" &&
		cp "$TMP/image/${config#sha256:}" "$TMP/image.json" &&
		cmp "$TMP/rootfs/ext4race-detect" "$PORTABLE" &&
		[[ $(find "$TMP/rootfs" -type f) == "$TMP/rootfs/ext4race-detect" ]]
}

bundle() { # OVERLAY
	rm -rf "$TMP/bundle"
	mkdir "$TMP/bundle"
	"$FLEET/kustomize" "$K8S/overlays/$1" | python3 "$FLEET/bundle.py" \
		"$K8S/seccomp/ext4race-detect.json" "$TMP/image.json" >"$TMP/bundle/config.json" &&
		cp -r "$TMP/rootfs" "$TMP/bundle/rootfs"
}

node() { # [debugfs]: its checks are checks of this test
	local rc=0
	"$ROOT/tests/vm/run" --timeout 600 --silence 200 --image-size 1024 --expect-leak \
		--add "$(command -v crun)" --add "$TMP/bundle:/bundle" --add "$WORKLOAD" \
		"$KERNEL" "$FLEET/guest/container.sh" "$@" >"$TMP/node.log" 2>&1 || rc=$?
	grep '^#' "$TMP/node.log" | sed 's/^# /# node: /' >&3 || true
	cat "$TMP/node.log"
	((rc == 0)) && [[ $(grep -c '^ok - ' "$TMP/node.log") == 5 ]]
}

exec 3>&1
ok "the image, twice the same" image
ok "skopeo takes it; there is one file in it" unpacks
ok "a bundle of the overlay debian-11" bundle debian-11
ok "it runs as the manifest has it, and counts exactly" node
ok "a bundle of the overlay old-nodes" bundle old-nodes
ok "so it does with SYS_ADMIN and tracefs in debugfs" node debugfs

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Kubernetes manifests, as kustomize renders them, against the types and schemas of the
# Kubernetes API and of the Prometheus operator: what the API server would not understand is
# found. The types come from the package registry that npm is set up for, once, to the cache.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need node npm jq python3

CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ext4race}
PACKAGES=(kubernetes-models@5.1.0 @kubernetes-models/prometheus-operator@6.0.0
	@kubernetes-models/apimachinery js-yaml@4.1.0 typescript@5.6.3)
TYPES=$CACHE/kubernetes-types
K8S=$ROOT/deploy/kubernetes

fetch_types() {
	[[ -d $TYPES/node_modules ]] && return
	mkdir -p "$TMP/npm" "$CACHE"
	echo '{"private": true, "type": "module"}' >"$TMP/npm/package.json"
	(cd "$TMP/npm" && timeout 300 npm install --no-audit --no-fund --ignore-scripts "${PACKAGES[@]}") >&2 || return 1
	mv -T "$TMP/npm" "$TYPES"
}

# What a cluster gets: the base, each overlay, and each component on the base.
render() {
	local dir name
	for dir in base overlays/debian-11 overlays/old-nodes; do
		"$FLEET/kustomize" "$K8S/$dir" >"$TMP/${dir##*/}.yaml" || return
	done
	cp -r "$K8S" "$TMP/kubernetes"
	for dir in "$K8S"/components/*; do
		name=${dir##*/}
		mkdir -p "$TMP/kubernetes/overlays/$name"
		printf 'resources: [../../base]\ncomponents: [../../components/%s]\n' "$name" \
			>"$TMP/kubernetes/overlays/$name/kustomization.yaml"
		"$FLEET/kustomize" "$TMP/kubernetes/overlays/$name" >"$TMP/$name.yaml" || return
		! cmp -s "$TMP/$name.yaml" "$TMP/base.yaml" || {
			echo "$name changes nothing"
			return 1
		}
	done
}

valid() { # YAML
	rm -rf "$TMP/types"
	mkdir "$TMP/types"
	# Modules are looked for upwards from the file.
	ln -s "$TYPES/node_modules" "$TMP/types/node_modules"
	echo '{"type": "module"}' >"$TMP/types/package.json"
	cp "$FLEET/manifests.js" "$TMP/types/generate.js"
	node "$TMP/types/generate.js" "$TMP/types" <"$1" &&
		(cd "$TMP/types" && node "$TYPES/node_modules/typescript/bin/tsc" --strict --skipLibCheck \
			--module nodenext --moduleResolution nodenext --target es2022 manifests.ts) &&
		node "$TMP/types/manifests.js"
}

# wrong SED: the base with one thing changed for the worse is refused.
wrong() {
	sed "$1" "$TMP/base.yaml" >"$TMP/wrong.yaml"
	! cmp -s "$TMP/base.yaml" "$TMP/wrong.yaml" && not valid "$TMP/wrong.yaml"
}

# The profile names system calls that there are, and lets none through that a container's
# default refuses to it.
profile_is_sound() {
	jq -e '.defaultAction == "SCMP_ACT_ERRNO" and
		([.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] |
			(index("bpf") and index("perf_event_open")) and
			all(. as $n | ["mount", "umount2", "ptrace", "init_module", "finit_module", "kexec_load",
				"reboot", "setns", "unshare", "pivot_root", "chroot", "swapon", "keyctl",
				"process_vm_writev", "iopl"] | index($n) | not))' \
		"$K8S/seccomp/ext4race-detect.json"
}

if ! fetch_types 2>"$TMP/npm.log"; then
	echo "1..0 # skip the Kubernetes types cannot be had: $(tail -n 1 "$TMP/npm.log")"
	exit 77
fi
ok "kustomize renders the base, overlays and components" render
for file in "$TMP"/*.yaml; do
	name=${file##*/}
	ok "the API takes ${name%.yaml}" valid "$file"
done
ok "a misspelt member is found" wrong 's/runAsUser:/runAsUsr:/'
ok "a wrong type is found" wrong 's/containerPort: 9877/containerPort: metrics/'
ok "a kind that is none is found" wrong 's/kind: DaemonSet/kind: DeamonSet/'
ok "the seccomp profile" profile_is_sound

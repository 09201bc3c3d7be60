#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian packages build from the committed tree, and lintian has no error.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need dpkg-buildpackage dh lintian git dkms
if ! git -C "$ROOT" rev-parse -q --verify HEAD >/dev/null 2>&1; then
	echo "1..0 # skip not a git checkout: there is no commit to build"
	rm -rf "$TMP"
	exit 77
fi

lint() {
	lintian --allow-root --fail-on error "$TMP"/deb/*.changes
}

has() { # PACKAGE PATH...
	local package=$1 f
	shift
	dpkg -c "$TMP/deb/$package"_*.deb | awk '{ print $6 }' >"$TMP/files"
	for f in "$@"; do
		grep -q "^\\./$f" "$TMP/files" || {
			echo "$package lacks $f"
			return 1
		}
	done
}

# Every document that another one links to is there, and is not compressed.
links_lead_somewhere() { # PACKAGE
	local docs=$TMP/$1/usr/share/doc/$1 file to n=0
	dpkg -x "$TMP/deb/$1"_*.deb "$TMP/$1"
	while IFS=: read -r file to; do
		n=$((n + 1))
		[[ -e ${file%/*}/$to ]] || {
			echo "${file#"$docs/"}: no $to"
			return 1
		}
	done < <(grep -roHE '\]\([^):]+\)' --include='*.md' "$docs" | sed 's/:](/:/; s/)$//')
	((n > 0))
}

# If a DKMS registration outlived its source, every later kernel package would fail.
removed_from_dkms() {
	mkdir -p "$TMP/fix/var" "$TMP/fix/control"
	dpkg -x "$TMP"/deb/ext4race-fix-source_*.deb "$TMP/fix"
	dpkg -e "$TMP"/deb/ext4race-fix-source_*.deb "$TMP/fix/control"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -ec '
		mount --bind "$1/usr/src" /usr/src
		mount --bind "$1/var" /var/lib/dkms
		dkms add ext4race-ext4/1.0
		dkms status | grep -q ext4race-ext4
		"$1/control/prerm" upgrade 2.0
		dkms status | grep -q ext4race-ext4
		"$1/control/prerm" remove
		! dkms status | grep ext4race-ext4
	' - "$TMP/fix"
}

ok "packages build" "$ROOT/deploy/build-deb" --commit HEAD "$TMP/deb"
ok "lintian: no error" lint
ok "the detector's package is whole" has ext4race-detect usr/sbin/ext4race-detect \
	lib/systemd/system/ext4race-detect.service etc/default/ext4race-detect \
	usr/lib/systemd/catalog/ext4race-detect.catalog usr/share/man/man8/ext4race-detect.8.gz \
	usr/share/bash-completion/completions/ext4race-detect \
	usr/share/zsh/vendor-completions/_ext4race-detect \
	usr/share/ext4race-detect/prometheus/ext4race.rules.yml \
	usr/share/ext4race-detect/grafana/ext4race.json \
	usr/share/doc/ext4race-detect/README.md usr/share/doc/ext4race-detect/docs/metrics.md
if ((EUID == 0)); then
	ok "removing the fix takes it out of DKMS" removed_from_dkms
fi
ok "the fix has a package of its own" has ext4race-fix-source 'usr/src/ext4race-ext4-.*/dkms.conf' \
	'usr/src/ext4race-livepatch-.*/patch/livepatch/build' 'usr/src/ext4race-ext4-.*/patch/toolchain' \
	usr/share/doc/ext4race-fix-source/patch/README.md
for package in ext4race-detect ext4race-fix-source; do
	ok "$package: the documents' links" links_lead_somewhere "$package"
done

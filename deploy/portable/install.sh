#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh               install to /usr/local, for hosts without .deb and .rpm
# install.sh --uninstall   remove it again; what you changed in /etc/default stays
#
# DESTDIR=DIR puts it below DIR. The service is not enabled by this.
set -eu

name=ext4race-detect
here=$(cd "$(dirname "$0")" && pwd)
dest=${DESTDIR:-}

reload() {
	[ -z "$dest" ] && [ -d /run/systemd/system ] || return 0
	systemctl daemon-reload
	journalctl --update-catalog >/dev/null 2>&1 || true
}

# systemd reads units below /usr/local, catalogs and generators only in some versions.
files() {
	(cd "$here/root" && find . -type f ! -path './etc/*' | sed 's,^\./,,')
}

install_all() {
	files | while read -r file; do
		mkdir -p "$dest/$(dirname "$file")"
		cp -f "$here/root/$file" "$dest/$file.new"
		mv -f "$dest/$file.new" "$dest/$file"
	done
	if [ ! -e "$dest/etc/default/$name" ]; then
		mkdir -p "$dest/etc/default"
		cp "$here/root/etc/default/$name" "$dest/etc/default/$name"
	fi
	reload
	echo "installed: $dest/usr/local/sbin/$name; to run it as a service: systemctl enable --now $name"
}

uninstall_all() {
	if [ -z "$dest" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now "$name.service" 2>/dev/null || true
	fi
	files | while read -r file; do
		rm -f "$dest/$file"
	done
	rm -rf "$dest/usr/local/share/$name" "$dest/usr/local/share/doc/$name" \
		"$dest/usr/local/libexec/$name"
	if cmp -s "$here/root/etc/default/$name" "$dest/etc/default/$name"; then
		rm -f "$dest/etc/default/$name"
	fi
	reload
	echo "removed"
}

case ${1:-} in
'') install_all ;;
--uninstall) uninstall_all ;;
*)
	echo "usage: install.sh [--uninstall]" >&2
	exit 64
	;;
esac

# SPDX-License-Identifier: GPL-2.0-only
# In the guest: a kernel with the fix. The same workload, and nothing to see.
watch() {
	sh /usr/local/bin/watch.sh "$@" || exit 1
}
watch fixed fallocate --no-aim --races 300000 --duration 240 -- --attach auto --fail-on-race

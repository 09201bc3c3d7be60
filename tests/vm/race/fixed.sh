# SPDX-License-Identifier: GPL-2.0-only
# In the guest: the same workload on a kernel with the fix. The detector must see no race.
watch() {
	sh /usr/local/bin/watch.sh "$@" || exit 1
}
watch fixed fallocate --no-aim --races 300000 --duration 240 -- --attach auto --fail-on-race

# SPDX-License-Identifier: GPL-2.0-only
# In the guest: the same workload on a kernel with the fix. The detector must see no race.
# Near misses come in bursts, up to a thousand a second, and an emulated CPU may be without a host's
# for seconds: the buffer has room for them, so that every detail arrives. What is lost in a
# small one is counted: that is the run "overflow".
watch() {
	sh /usr/local/bin/watch.sh "$@" || exit 1
}
watch fixed fallocate --no-aim --races 300000 --duration 500 -- --attach auto --fail-on-race --buffer 16384

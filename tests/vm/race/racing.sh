# SPDX-License-Identifier: GPL-2.0-only
# In the guest: one kernel that races, every way to attach, every allocator. The number of
# leaks ends a run; the time is only a limit, long enough for a machine that is busy.
watch() {
	sh /usr/local/bin/watch.sh "$@" || exit 1
}
for mode in fentry kprobe tracepoint; do
	watch "$mode" fallocate --no-aim --leaks 12000 --duration 500 -- --attach "$mode" --stacks
done
# More faults sleep at once than there are CPUs: their ends have to be seen, too.
watch waiting ctl-read --processes 32 --duration 6 -- --attach kprobe
sh /usr/local/bin/killed.sh || exit 1
watch overflow fallocate --no-aim --leaks 2000 --duration 300 -- --buffer 4
watch direct direct --leaks 100 --duration 300 -- --attach auto
# Four of what it wants end it before (watch.sh).
watch written direct-file --no-aim --duration 400 -- --attach kprobe
watch zero-range zero-range --leaks 500 --duration 300 -- --attach auto
watch whole-file whole-file --leaks 50 --duration 300 -- --attach auto
watch processes processes --leaks 500 --duration 300 -- --attach auto
for control in disjoint buffered zero-aligned punch delayed read; do
	watch "ctl-$control" "ctl-$control" --duration 4 -- --attach auto
done

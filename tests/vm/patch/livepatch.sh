# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: livepatch.sh [alike]. The livepatch on a stock kernel: before it, with it,
# and after it was removed. With "alike" the detector watches and has to count the same.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

verify_is verify-before vulnerable
race_until --leaks 2000
between before "$leaked" 1000 '' 'blocks leaked before'

# It is loaded in the middle of a race: the transition has to complete all the same.
race --dir /mnt/ext4 --mode processes --processes 2 --duration 10 >/tmp/load.json &
load=$!
livepatch_load || check load 1 "$(dmesg | tail -n 5)"
check load 0 'loaded, transition complete under load'
kill -TERM $load
wait $load
sync

base=$(cat $RESIDUAL)
averted=$(cat $COUNTERS/averted)
verify_is verify-loaded fixed
watched=
[ "${1:-}" != alike ] || [ ! -x /usr/local/bin/ext4race-detect ] || watched=yes
[ -z "$watched" ] || monitor_start
race_until --races 20000 --verify-data
now=$(cat $COUNTERS/averted)
if [ -n "$watched" ]; then
	monitor_stop
	between alike "$seen_averted" $((now - averted)) $((now - averted)) 'averted seen by the detector, as the module counted'
	between overwritten "$seen_overwritten" 0 0 'overwrites seen by the detector'
fi
between loaded "$leaked" 0 0 "blocks leaked in $attempts attempts"
between averted $((now - averted)) 1000 '' 'inserts refused'
between residual "$(cat $RESIDUAL)" "$base" "$base" 'blocks still held from before'
between data "$mismatches" 0 0 'pages differ'

livepatch_disable
check disable 0 'disabled, transition complete'
verify_is verify-disabled vulnerable
race_until --leaks 2000
between disabled "$leaked" 1000 '' 'blocks leaked after it was disabled'
! is_loaded || rmmod ext4race_livepatch
check unload $? 'unloaded'

# The blocks come back with umount and mount, and only then.
umount /mnt/ext4 && mount -t ext4 /dev/vda /mnt/ext4
check remount $? 'umount and mount'
between returned "$(cat $RESIDUAL)" 0 0 'blocks held after umount and mount'
echo end

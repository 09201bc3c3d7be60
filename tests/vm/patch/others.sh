# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: a transition that does not end, and another livepatch on top of ours. Neither
# makes the kernel fixed, and no command may say that it is.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

FOREIGN=/sys/kernel/livepatch/foreign

# Is this the last verdict of the monitor, and does its reason match?
monitor_says() { # VERDICT REASON
	grep '"type":"verdict"' /out/monitor-auto.json | tail -n 1 | grep "\"verdict\":\"$1\"" | grep -q "$2"
}

monitor_is() { # NAME VERDICT REASON
	wait_for "the monitor's verdict $2 ($3)" monitor_says "$2" "$3"
	check "$1" 0 "the monitor says \"$2\": $3"
}

verify_says() { # NAME REASON
	ext4race-detect verify 2>&1 | grep -q "$2"
	check "$1" $? "verify says why: $2"
}

foreign_is() { # ENABLED
	[ "$(cat $FOREIGN/enabled 2>/dev/null)$(cat $FOREIGN/transition 2>/dev/null)" = "$1" ]
}

# The monitor judges the kernel by the host's writes.
write_on() {
	while :; do
		echo >/mnt/ext4/write
		sync
		usleep 100000
	done
}

monitor_start
write_on &
writer=$!
monitor_is monitor-before vulnerable lookup

insmod /usr/local/bin/sleeper.ko
check sleeper $? 'a thread with a stack that cannot be relied on'
insmod /usr/local/bin/ext4race_livepatch.ko
check stuck-load $? 'loaded'
verify_is verify-stuck unknown
monitor_is monitor-stuck vulnerable lookup
verify_says verify-stuck-why 'a livepatch is in transition'
between stuck "$(cat $KLP/transition)" 1 1 'the transition has not ended'
rmmod sleeper
check awake $? 'the thread is gone'
wait_for "the transition to the livepatch" patched
verify_is verify-fixed fixed
monitor_is monitor-fixed fixed 'transition complete'

insmod /usr/local/bin/foreign.ko
check foreign $? "somebody else's livepatch on top"
wait_for "its transition" foreign_is 10
verify_is verify-foreign unknown
verify_says verify-foreign-why '2 livepatches replace the delayed insert'
monitor_is monitor-foreign unknown '2 livepatches replace the delayed insert'
race_until --leaks 1000
between foreign-leaks "$leaked" 1000 '' 'blocks leaked: ours does not run'
echo 0 >$FOREIGN/enabled
wait_for "the transition back" foreign_is ''
wait_for "removal of the module" rmmod foreign 2>/dev/null
verify_is verify-alone fixed
monitor_is monitor-alone fixed 'transition complete'
race_until --races 5000
between alone "$leaked" 0 0 "blocks leaked in $attempts attempts"

insmod /usr/local/bin/sleeper.ko
check sleeper-again $? 'a thread with a stack that cannot be relied on'
echo 0 >$KLP/enabled
verify_is verify-stuck-back unknown
monitor_is monitor-stuck-back unknown 'a livepatch is in transition'
between stuck-back "$(cat $KLP/transition)" 1 1 'the transition has not ended'
rmmod sleeper
wait_for "the transition back" unpatched
wait_for "removal of the module" rmmod ext4race_livepatch 2>/dev/null
verify_is verify-after vulnerable
monitor_is monitor-after vulnerable lookup

kill -TERM "$writer"
monitor_stop
between overwritten "$seen_overwritten" 1000 '' 'overwrites seen by the detector'
echo end

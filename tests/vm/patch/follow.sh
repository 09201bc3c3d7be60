# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: a monitor keeps running, and reports the new verdict each time that the
# livepatch comes or goes.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

# The monitor may look during a transition, and then takes "fixed" back. How long a transition
# takes is chance.
settled() {
	grep '"type":"verdict"' /out/monitor-auto.json | grep -v 'a livepatch is in transition'
}

# verdicts N: at least N verdicts were reported.
verdicts() {
	[ "$(settled | wc -l)" -ge "$1" ]
}

# verdict_is NAME N VERDICT: the Nth verdict is VERDICT.
verdict_is() {
	wait_for "verdict $2" verdicts "$2"
	said=$(settled | sed -n "$2s/.*\"verdict\":\"\([a-z]*\)\".*/\1/p")
	[ "$said" = "$3" ]
	check "$1" $? "the monitor says \"$said\", expected \"$3\""
}

monitor_start
verdict_is follow-before 1 vulnerable
livepatch_load
check load $? 'loaded, transition complete'
verdict_is follow-loaded 2 fixed
livepatch_disable
verdict_is follow-disabled 3 vulnerable
wait_for "removal of the module" rmmod ext4race_livepatch 2>/dev/null
livepatch_load
check load-again $? 'loaded, transition complete'
verdict_is follow-loaded-again 4 fixed
livepatch_unload
verdict_is follow-unloaded 5 vulnerable
monitor_stop
between contradictions "$(grep -c CONTRADICTION /out/monitor-auto.err)" 0 0 'contradictions'
echo end

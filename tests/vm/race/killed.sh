# SPDX-License-Identifier: GPL-2.0-only
# In the guest: a monitor with kprobes is killed. The next monitor removes the definitions
# that it left in kprobe_events, though by default it needs none itself. Writes to /out/killed
# "nothing left", or what is left.
events=/sys/kernel/tracing/kprobe_events
start() { # ATTACH
	rm -f /out/killed.json # or the earlier start's line is found in it
	ext4race-detect -o json --attach "$1" >/out/killed.json 2>&1 &
	monitor=$!
	while ! grep -q '"type":"start"' /out/killed.json 2>/dev/null; do
		kill -0 "$monitor" 2>/dev/null || { cat /out/killed.json; exit 1; }
		usleep 20000
	done
}
start kprobe
kill -KILL "$monitor"
wait "$monitor"
grep -q ':ext4race/' $events || { echo "a killed monitor leaves nothing: then why remove it" >/out/killed; exit 0; }
start auto
kill -TERM "$monitor"
wait "$monitor" || exit 1
{ grep ':ext4race/' $events || echo "nothing left"; } >/out/killed

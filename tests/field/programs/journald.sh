#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# journald with several writers. It alone maps its files and preallocates them.
mkdir -p /run/systemd/journal
rm -rf /var/log/journal && mkdir -p /var/log/journal
systemd-machine-id-setup
# Without this flag it would write to /run, and it would drop most of what the writers send.
touch /run/systemd/journal/flushed
printf '[Journal]\nStorage=persistent\nReadKMsg=no\nRateLimitBurst=0\n' >/etc/systemd/journald.conf
/lib/systemd/systemd-journald &
journald=$!
until [[ -S /run/systemd/journal/socket ]]; do kill -0 $journald || exit 1; done
for _ in 1 2 3; do
	yes "one line of a log, of a length that a log has" | timeout "$FIELD_SECONDS" logger --socket-errors=off -u /run/systemd/journal/dev-log &
	writers+=($!)
done
wait "${writers[@]}"
kill $journald
wait $journald
du -sh /var/log/journal

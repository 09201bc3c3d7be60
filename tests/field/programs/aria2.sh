#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Four connections, preallocation by fallocate, the file mapped.
mkdir -p /srv/www /srv/got
head -c 4m /dev/urandom >/srv/www/file
/field/busybox httpd -f -p 127.0.0.1:8000 -h /srv/www &
server=$!
until curl -sI http://127.0.0.1:8000/file >/dev/null; do :; done
end=$((SECONDS + FIELD_SECONDS))
status=0
while ((SECONDS < end && status == 0)); do
	rm -f /srv/got/*
	aria2c -q -x4 -s4 -k1M --file-allocation=falloc --enable-mmap=true -d /srv/got http://127.0.0.1:8000/file ||
		status=1
done
kill $server
cmp /srv/www/file /srv/got/file && exit $status

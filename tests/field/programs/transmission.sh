#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A download from a web seed, the file preallocated in full.
mkdir -p /srv/www /srv/got /srv/conf
head -c 4m /dev/urandom >/srv/www/file
/field/busybox httpd -f -p 127.0.0.1:8000 -h /srv/www &
server=$!
mktorrent -o /srv/t.torrent -w http://127.0.0.1:8000/file -a http://127.0.0.1:9/announce /srv/www/file >/dev/null
printf '{"preallocation": 2, "dht-enabled": false, "lpd-enabled": false, "port-forwarding-enabled": false}' >/srv/conf/settings.json
timeout 300 transmission-cli -g /srv/conf -w /srv/got -f /field/transmission-done /srv/t.torrent >/dev/null
kill $server
cmp /srv/www/file /srv/got/file

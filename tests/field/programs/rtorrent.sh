#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A download from a peer (aria2). The file is preallocated, and rtorrent stores through mappings.
# Their tracker knows one peer, the seed.
mkdir -p /srv/www /srv/got
head -c 4m /dev/urandom >/srv/www/file
cat >/srv/tracker.py <<'PY'
import http.server

class Tracker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"d8:intervali5e5:peers6:\x7f\x00\x00\x01" + (6881).to_bytes(2, "big") + b"e")

http.server.HTTPServer(("127.0.0.1", 8000), Tracker).serve_forever()
PY
python3 /srv/tracker.py &
tracker=$!
mktorrent -o /srv/t.torrent -a http://127.0.0.1:8000/announce /srv/www/file >/dev/null || exit 1
aria2c -q -V -d /srv/www --seed-ratio=0.0 --listen-port=6881 --enable-dht=false /srv/t.torrent &
seed=$!
cat >/srv/rtorrent.rc <<'RC'
system.daemon.set = true
directory.default.set = /srv/got
session.path.set = /srv/session
network.port_range.set = 6990-6990
system.file.allocate.set = 1
protocol.pex.set = no
dht.mode.set = disable
method.set_key = event.download.finished, told, "execute.nothrow=/field/rtorrent-done"
load.start = /srv/t.torrent
RC
mkdir /srv/session && mkfifo /srv/done || exit 1
rtorrent -n -o import=/srv/rtorrent.rc &
client=$!
read -r -t 300 _ <>/srv/done
kill $client $seed $tracker
wait $client
cmp /srv/www/file /srv/got/file

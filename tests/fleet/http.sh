#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The exporter's pages, and that bad clients cost the detector nothing: its
# counts stay exact and its memory bounded.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq promtool

EVENTS=2000
MEMORY_KIB=${FLEET_MEMORY_KIB:-65536}

status() { # URL WANTED [CURL ARGS...]
	local url=$1 want=$2 got
	shift 2
	got=$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$@" "$url")
	[[ $got == "$want" ]] || {
		echo "$url: $got instead of $want"
		return 1
	}
}

content_type() { # URL ACCEPT WANTED
	curl -fsS --max-time 10 -o /dev/null -w '%{content_type}' -H "Accept: $2" "$1" | grep -qxF "$3"
}

metrics_lint() {
	curl -fsS "$URL/metrics" | promtool check metrics
}

policy() {
	curl -fsS -D - -o "$TMP/page" "$URL/" | grep -i '^Content-Security-Policy:' >"$TMP/policy" &&
		grep -q "default-src 'none'" "$TMP/policy" && ! grep -qE 'unsafe|\*|data:|http' "$TMP/policy" &&
		! grep -qE ' (style|on[a-z]+)=|<style' "$TMP/page"
}

events_are_json() {
	curl -fsS "$URL/events" | jq -e 'length == 256 and all(.schema == 1 and .type and .time)'
}

# The sum over all filesystems of a counter on the page.
sum() {
	curl -fsS "$URL/metrics" | awk -v want="$1{" 'index($1, want) == 1 { s += $NF } END { printf "%.0f\n", s }'
}

# The page has the same counts as the feeder prints at its end.
exact() {
	local page total
	page=$(sum ext4race_overwritten_blocks_total)
	end "$FEEDER"
	total=$(tail -n 1 "$TMP/http.log" | jq .overwritten_blocks)
	echo "page $page, feeder $total"
	((page == total && page > 0))
}

memory_bounded() {
	local high
	high=$(awk '/^VmHWM/ { print $2 }' "/proc/$FEEDER/status")
	echo "# peak resident memory: $high KiB" >&3
	((high < MEMORY_KIB))
}

abuse() {
	timeout 120 "$BUILD/abuse" "$1" "$PORT" "$2"
}

dropped() {
	(($(metric "$URL/metrics" "ext4race_http_dropped_connections_total{reason=\"$1\"}") > 0))
}

# While nobody asks, the HTTP thread does not wake up: its number of context switches stays
# the same while many events are replayed.
http_thread_switches() {
	local t
	for t in /proc/"$FEEDER"/task/*; do
		if [[ $(<"$t/comm") == http ]]; then
			awk '/ctxt_switches/ { s += $2 } END { printf "%.0f\n", s }' "$t/status"
			return
		fi
	done
	return 1
}

exec 3>&1
feeder http --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --rate 400 --count "$EVENTS"
FEEDER=$SPAWNED
URL=http://localhost:$PORT

before=$(http_thread_switches)
until_ok 30 grep -q '^done' "$TMP/http.log"
ok "no request, no wake-up" test "$(http_thread_switches)" = "$before"

for page in / /metrics /healthz /events '/metrics?x=y' /page.css /page.js /icon.svg; do
	ok "GET $page" status "$URL$page" 200
	ok "HEAD $page" status "$URL$page" 200 --head
done
ok "unknown page" status "$URL/metric" 404
ok "POST is refused" status "$URL/metrics" 405 -d x=y
ok "PUT of a large body is refused" status "$URL/metrics" 405 -T "$BUILD/feeder"
ok "DELETE is refused" status "$URL/" 405 -X DELETE
ok "promtool check metrics" metrics_lint
ok "text by default" content_type "$URL/metrics" '*/*' 'text/plain; version=0.0.4; charset=utf-8'
ok "OpenMetrics when asked for" content_type "$URL/metrics" \
	'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' \
	'application/openmetrics-text; version=1.0.0; charset=utf-8'
ok "/events is an array of reports" events_are_json
ok "/ runs and takes nothing but its own files" policy
ok "loopback by default" not curl -sS --max-time 5 "http://$(hostname -I | awk '{ print $1 }'):$PORT/"

ok "garbage" abuse garbage 500
ok "headers of a megabyte" abuse oversize 20
ok "too many headers" abuse headers 50
ok "1000 connections that say nothing, and a scrape" abuse flood 1000
ok "readers that never read, and a scrape" abuse deaf 200
ok "slow senders are closed" abuse slow 50
ok "evicted connections are counted" dropped evicted
ok "slow connections are counted" dropped timeout
ok "memory is bounded" memory_bounded
ok "counts are exact" exact

# Paths as long as they get, in events that go on: what slow readers of /events can cost.
long_paths() {
	jq -c 'if .path then .path = "/" + "\u0001" * 4000 else . end' "$FLEET/recorded/vulnerable.jsonl"
}
long_paths >"$TMP/long.jsonl"
feeder hoard --record "$TMP/long.jsonl" --listen 0 --rate 400
FEEDER=$SPAWNED
URL=http://localhost:$PORT
some_events() {
	curl -fsS "$URL/events" | jq -e 'length > 50'
}
ok "/events with long paths" until_ok 30 some_events
ok "96 readers of /events that do not read, and a scrape" abuse hoard 90
ok "memory is bounded still" memory_bounded
ok "hundreds of arguments are no reason to wait" abuse arguments 2
end "$FEEDER"

# Events are not for strangers. The other address of this host is one, to the exporter.
OTHER=$(hostname -I | awk '{ print $1 }')
feeder all --record "$FLEET/recorded/vulnerable.jsonl" --listen '*:0'
ok "/events on the loopback" status "http://127.0.0.1:$PORT/events" 200
ok "/events on the loopback, IPv6" status "http://[::1]:$PORT/events" 200
# A browser on this host that asks for the name of a stranger, which was made 127.0.0.1. It is not
# told what a client that asks for an address is told.
rebound() { # PAGE CURL ARGS...
	local page=$1
	shift
	status "http://127.0.0.1:$PORT$page" 403 "$@" &&
		[[ $(curl -sS "$@" "http://127.0.0.1:$PORT$page") == "$page without a password answers only to"* ]]
}
# The status of what curl would not send.
answer() { # REQUEST WANTED
	exec 4<>"/dev/tcp/127.0.0.1/$PORT"
	printf '%b' "$1" >&4
	IFS=' ' read -r -t 10 _ got _ <&4
	exec 4>&-
	echo "$got"
	[[ $got == "$2" ]]
}
for page in / /events; do
	ok "$page under a name of others is 403" rebound "$page" -H 'Host: evil.example'
	ok "$page, with the port" rebound "$page" -H "Host: evil.example:$PORT"
	ok "$page, from IPv6" status "http://[::1]:$PORT$page" 403 -H 'Host: evil.example'
	ok "$page under localhost" status "http://127.0.0.1:$PORT$page" 200 -H "Host: LOCALHOST:$PORT"
	ok "$page as HTTP/1.0 without a Host" answer "GET $page HTTP/1.0\r\n\r\n" 200
	ok "$page of its own Host and a stranger's" answer \
		"GET $page HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n" 403
	ok "$page of a stranger's Host and its own" answer \
		"GET $page HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n" 403
done
ok "/metrics under any name" status "http://127.0.0.1:$PORT/metrics" 200 -H 'Host: evil.example'
if [[ -n $OTHER ]]; then
	for page in / /events; do
		ok "$page for strangers is 403" status "http://$OTHER:$PORT$page" 403
		ok "and one sentence" test "$(curl -sS "http://$OTHER:$PORT$page" | wc -l)" = 1
	done
	ok "/metrics is for all" status "http://$OTHER:$PORT/metrics" 200
	ok "/healthz is for all" status "http://$OTHER:$PORT/healthz" 200
fi
end "$SPAWNED"

feeder sick --record "$FLEET/recorded/fixed.jsonl" --listen 0 --unhealthy
ok "unhealthy is 503" status "http://localhost:$PORT/healthz" 503
ok "a used port is one clear line" grep -q "Address already in use" \
	<("$BUILD/feeder" --record "$FLEET/recorded/fixed.jsonl" --listen "$PORT" 2>&1)
for bad in 70000 x: :x '[::1' ::1:80 '' 1.2.3.4.5:80 example.org:80; do
	ok "refuses --listen '$bad'" not "$BUILD/feeder" --record "$FLEET/recorded/fixed.jsonl" \
		--listen "$bad"
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The live page in a real browser, against exporters that replay a recorded run.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need chromium node npm jq openssl curl

PAGE=$ROOT/tests/page
# bcrypt of "secret".
# shellcheck disable=SC2016
SECRET='$2y$04$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO'

# serve VARIABLE RECORD ARGS...: exports the URL of a feeder.
serve() {
	local name=$1 record=$2
	shift 2
	feeder "$name" --record "$record" --listen 0 "$@"
	export "$name=http://localhost:$PORT/"
}

if ! "$PAGE/modules" >/dev/null 2>"$TMP/npm.log"; then
	echo "1..0 # skip what drives a browser cannot be had: $(tail -n 1 "$TMP/npm.log")"
	exit 77
fi

jq -c 'select(.type | . == "start" or . == "verdict" or . == "summary")' \
	"$FLEET/recorded/fixed.jsonl" >"$TMP/quiet.jsonl"
# Names that try to be markup, to reorder what follows, to command a terminal; as long as they get.
jq -c '(.filesystems[]?.mount, .mount | select(. != null)) = "/mnt/<script>evil=1</script>"
	| if .path then .path = "/mnt/ext4/\"><img src=x onerror=evil=1>\u202e\u001b[31m" + "<" * 4000 else . end
	| (.fault.comm, .allocator.comm | select(. != null)) = "<b>evil</b>\u0027\"&"' \
	"$FLEET/recorded/vulnerable.jsonl" >"$TMP/hostile.jsonl"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-keyout "$TMP/tls.key" -out "$TMP/tls.crt" 2>/dev/null
cat >"$TMP/web.yml" <<END
tls_server_config: { cert_file: tls.crt, key_file: tls.key }
basic_auth_users: { u: $SECRET }
END

serve RACING "$FLEET/recorded/vulnerable.jsonl" --rate 40
serve HOSTILE "$TMP/hostile.jsonl" --rate 400 --count 140
serve QUIET "$TMP/quiet.jsonl"
serve MORTAL "$TMP/quiet.jsonl"
export MORTAL_PID=$SPAWNED
serve TLS "$TMP/quiet.jsonl" --web.config.file "$TMP/web.yml"
export TLS=${TLS/http:/https:}
serve STILL "$FLEET/recorded/vulnerable.jsonl" --rate 400 --count 130
until_ok 30 grep -q '^done' "$TMP/STILL.log"
export STILL_HTML=$TMP/still.html
curl -fsS "$STILL" -o "$STILL_HTML"
until_ok 30 grep -q '^done' "$TMP/HOSTILE.log"

export OUT=$BUILD/page
mkdir -p "$OUT"
timeout 600 "$PAGE/drive" "$PAGE/browser.js"

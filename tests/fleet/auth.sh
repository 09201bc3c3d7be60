#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TLS, client certificates and basic auth: right ones pass, wrong ones are refused,
# renewed ones are picked up.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl openssl

# bcrypt of "secret" and of "changed".
# shellcheck disable=SC2016
SECRET='$2y$04$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO'
# shellcheck disable=SC2016
CHANGED='$2y$04$wDlZlFICiFvYdKucgxyF3eHmB6SurfkTAEfg0OEANO4xp/gTPF30i'

authority() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$TMP/$1.key" -out "$TMP/$1.crt" -subj "/CN=$1" 2>/dev/null
}

certificate() { # NAME AUTHORITY USAGE
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$TMP/$1.key" \
		-out "$TMP/$1.csr" -subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$TMP/$1.csr" -CA "$TMP/$2.crt" -CAkey "$TMP/$2.key" -days 2 \
		-CAcreateserial -out "$TMP/$1.crt" -extfile <(
			echo "subjectAltName=DNS:localhost"
			echo "extendedKeyUsage=$3"
		) 2>/dev/null
}

serve() { # NAME, web.config on stdin
	cat >"$TMP/$1.yml"
	feeder "$1" --record "$FLEET/recorded/fixed.jsonl" --listen 0 --web.config.file "$TMP/$1.yml"
	URL=https://localhost:$PORT/metrics
}

code() { # WANTED CURL ARGS...
	local want=$1 got
	shift
	got=$(curl -sS --max-time 20 --cacert "$TMP/ca.crt" -o /dev/null -w '%{http_code}' "$@")
	echo "got $got"
	[[ $got == "$want" ]]
}

# The server refuses before HTTP: it listens, and sends no answer.
no_handshake() { # CURL ARGS...
	local rc=0
	curl -sS --max-time 20 --cacert "$TMP/ca.crt" -o /dev/null "$@" || rc=$?
	echo "curl status $rc"
	case $rc in
	35 | 52 | 56 | 55 | 60) ;; # no connection, empty reply, alert, unknown authority
	*) return 1 ;;
	esac
}

serial() {
	openssl s_client -connect "localhost:$PORT" -servername localhost </dev/null 2>/dev/null |
		openssl x509 -noout -serial
}

new_serial() {
	[[ $(serial) != "$1" ]]
}

guesses() {
	# At once: how many are too many in a second is not for a busy machine to decide.
	curl -sS --max-time 120 --cacert "$TMP/ca.crt" --parallel --parallel-max 60 \
		-o /dev/null -w '%{http_code}\n' -u prometheus:guess "$URL?[1-60]"
}

bad() { # WORD OF THE MESSAGE, web.config on stdin
	cat >"$TMP/bad.yml"
	"$BUILD/feeder" --record "$FLEET/recorded/fixed.jsonl" --listen 0 \
		--web.config.file "$TMP/bad.yml" >"$TMP/bad.out" 2>&1 && return 1
	cat "$TMP/bad.out"
	grep -q "$1" "$TMP/bad.out" && (($(wc -l <"$TMP/bad.out") == 1))
}

authority ca
authority other
certificate server ca serverAuth
certificate client ca clientAuth
certificate stranger other clientAuth
certificate misused ca serverAuth
CLIENT=(--cert "$TMP/client.crt" --key "$TMP/client.key")
STRANGER=(--cert "$TMP/stranger.crt" --key "$TMP/stranger.key")
MISUSED=(--cert "$TMP/misused.crt" --key "$TMP/misused.key")

serve tls <<-YAML
	tls_server_config:
	  cert_file: server.crt
	  key_file: server.key
	http_server_config:
	  headers:
	    Strict-Transport-Security: max-age=31536000
YAML
ok "TLS" code 200 "$URL"
ok "TLS 1.2" code 200 --tls-max 1.2 "$URL"
ok "TLS 1.1 is refused" no_handshake --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "$URL"
ok "plain HTTP is refused" no_handshake "http://localhost:$PORT/metrics"
ok "the wrong authority does not vouch" no_handshake --cacert "$TMP/other.crt" "$URL"
ok "configured header" grep -qi '^strict-transport-security: max-age=31536000' \
	<(curl -sSI --cacert "$TMP/ca.crt" "$URL")
before=$(serial)
certificate server2 ca serverAuth
mv "$TMP/server2.key" "$TMP/server.key"
mv "$TMP/server2.crt" "$TMP/server.crt"
ok "a renewed certificate is picked up" until_ok 10 new_serial "$before"
ok "and serves" code 200 "$URL"

# In the middle of being replaced, or broken: said once, however many come.
many() {
	for _ in {1..60}; do
		code 200 "$URL" || return 1
	done
}
cp "$TMP/server.crt" "$TMP/good.crt"
echo "not a certificate" >"$TMP/server.crt"
ok "a broken certificate: the old one serves on" many
until_ok 10 grep -q 'certificates kept as they were' "$TMP/tls.log"
ok "and strangers do not fill the log" test "$(grep -c 'certificates kept' "$TMP/tls.log")" = 1
before=$(serial)
certificate server3 ca serverAuth
mv "$TMP/server3.key" "$TMP/server.key"
mv "$TMP/server3.crt" "$TMP/server.crt"
ok "a good one is picked up afterwards" until_ok 10 new_serial "$before"
end "$SPAWNED"

serve mutual <<-YAML
	tls_server_config:
	  cert_file: server.crt
	  key_file: server.key
	  client_ca_file: ca.crt
	  client_auth_type: RequireAndVerifyClientCert
YAML
ok "client certificate" code 200 "${CLIENT[@]}" "$URL"
ok "none is refused" no_handshake "$URL"
ok "another authority's is refused" no_handshake "${STRANGER[@]}" "$URL"
ok "one for servers is refused" no_handshake "${MISUSED[@]}" "$URL"
ok "/events for a client certificate" code 200 "${CLIENT[@]}" "https://localhost:$PORT/events"
ok "TLS 1.2: client certificate" code 200 --tls-max 1.2 "${CLIENT[@]}" "$URL"
ok "TLS 1.2: none is refused" no_handshake --tls-max 1.2 "$URL"
ok "TLS 1.2: another authority's is refused" no_handshake --tls-max 1.2 "${STRANGER[@]}" "$URL"
end "$SPAWNED"

serve given <<-YAML
	tls_server_config:
	  cert_file: server.crt
	  key_file: server.key
	  client_ca_file: ca.crt
	  client_auth_type: VerifyClientCertIfGiven
YAML
ok "if given: right one" code 200 "${CLIENT[@]}" "$URL"
ok "if given: none" code 200 "$URL"
ok "if given: wrong one is refused" no_handshake "${MISUSED[@]}" "$URL"
end "$SPAWNED"

serve any <<-YAML
	tls_server_config:
	  cert_file: server.crt
	  key_file: server.key
	  client_auth_type: RequireAnyClientCert
YAML
ok "any: a stranger's" code 200 "${STRANGER[@]}" "$URL"
ok "any: none is refused" no_handshake "$URL"
end "$SPAWNED"

serve basic <<-YAML
	tls_server_config:
	  cert_file: server.crt
	  key_file: server.key
	basic_auth_users:
	  prometheus: $SECRET
YAML
ok "user and password" code 200 -u prometheus:secret "$URL"
ok "no password" code 401 "$URL"
ok "wrong password" code 401 -u prometheus:Secret "$URL"
ok "empty password" code 401 -u prometheus: "$URL"
ok "unknown user" code 401 -u nobody:secret "$URL"
ok "not base64" code 401 -H 'Authorization: Basic ***' "$URL"
ok "another scheme" code 401 -H 'Authorization: Bearer secret' "$URL"
for page in / /page.js /events /healthz /nothing; do
	ok "$page is closed too" code 401 "https://localhost:$PORT$page"
done
guesses >"$TMP/guesses"
ok "no guess is right" not grep -q 200 "$TMP/guesses"
ok "many guesses are too many" grep -q 429 "$TMP/guesses"
ok "a known scraper passes all the same" code 200 -u prometheus:secret "$URL"
sed -i "s|prometheus: .*|prometheus: $CHANGED|" "$TMP/basic.yml"
kill -HUP "$SPAWNED"
ok "a new password after SIGHUP" until_ok 10 code 200 -u prometheus:changed "$URL"
ok "and the old one is void" not code 200 -u prometheus:secret "$URL"
echo "basic_auth_users: [" >"$TMP/basic.yml"
kill -HUP "$SPAWNED"
ok "a broken file is told" until_ok 10 grep -q 'configuration kept as it was' "$TMP/basic.log"
ok "and changes nothing" until_ok 10 code 200 -u prometheus:changed "$URL"
ok "no password on stderr" not grep -qE 'secret|changed' "$TMP/basic.log"
end "$SPAWNED"

# Passwords at a high price: who is known does not wait until strangers have paid it.
# shellcheck disable=SC2016
COSTLY='$2y$14$adP/DhKzjakWrEj/p8BFcO0JTLtdsG1d6jwwH27UfrCzVSYL1QVO2'
serve costly <<-YAML
	basic_auth_users:
	  prometheus: $COSTLY
YAML
ok "a password at cost 14" code 200 --max-time 90 -u prometheus:secret "http://localhost:$PORT/metrics"
ok "a known scraper does not wait for strangers" "$BUILD/abuse" strangers "$PORT" 8
end "$SPAWNED"

ok "missing key file" bad 'missing.key' <<-YAML
	tls_server_config: {cert_file: server.crt, key_file: missing.key}
YAML
ok "key of another certificate" bad 'client.key' <<-YAML
	tls_server_config: {cert_file: server.crt, key_file: client.key}
YAML
ok "authority without a certificate" bad 'bad.yml' <<-YAML
	tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: bad.yml,
	  client_auth_type: RequireAndVerifyClientCert}
YAML

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the fleet tests: build directory, processes, waiting, the verdict.

FLEET=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$FLEET/../.." && pwd)
BUILD=${FLEET_BUILD:-$ROOT/build/fleet}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/fleet.XXXXXX")
export FLEET ROOT BUILD TMP
PIDS=()
CHECKS=0
DONE=0
FAILED=0

# ok NAME COMMAND...: one check; shows the output of the command when it fails.
ok() {
	local name=$1
	shift
	CHECKS=$((CHECKS + 1))
	if "$@" >"$TMP/check.out" 2>&1; then
		DONE=$((DONE + 1))
		echo "ok $CHECKS - $name"
		return
	fi
	DONE=$((DONE + 1))
	FAILED=$((FAILED + 1))
	echo "not ok $CHECKS - $name"
	sed 's/^/# /' "$TMP/check.out" | tail -n 30
}

# not COMMAND...: succeeds when the command fails, but not when it was killed.
not() {
	local rc=0
	"$@" || rc=$?
	((rc > 0 && rc < 124))
}

# need PROGRAM...: ends the test with 77, "skipped", if one is missing.
need() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || {
			echo "1..0 # skip $p is not installed"
			rm -rf "$TMP"
			exit 77
		}
	done
}

# spawn LOG COMMAND...: runs it in the background until the test ends; its pid is in $SPAWNED.
spawn() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 &
	SPAWNED=$!
	PIDS+=("$SPAWNED")
}

# end PID: sends TERM and waits for the end.
end() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# until_ok SECONDS COMMAND...: polls until it succeeds; fails when time is up.
until_ok() {
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < limit)) || {
			echo "not within the time: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# feeder NAME ARGS...: starts a feeder; its port is in $PORT, its pid in $SPAWNED.
feeder() {
	local name=$1
	shift
	spawn "$TMP/$name.log" "$BUILD/feeder" "$@"
	until_ok 10 grep -q '^listening' "$TMP/$name.log" || {
		cat "$TMP/$name.log" >&2
		return 1
	}
	# shellcheck disable=SC2034 # for the tests
	PORT=$(awk '/^listening/ { print $2 }' "$TMP/$name.log")
}

# A port that is free now, for programs that cannot choose one themselves.
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	return 1
}

# long_head NAME PORT [OPTION...]: a Prometheus at that port with $TMP/NAME.yml and its data in
# $TMP/NAME, which is written to: into one long head, so that no block is cut and nothing is
# too old. Its pid is in $SPAWNED.
long_head() {
	local name=$1 port=$2
	shift 2
	spawn "$TMP/$name.log" prometheus --config.file="$TMP/$name.yml" --storage.tsdb.path="$TMP/$name" \
		--web.listen-address="127.0.0.1:$port" --web.enable-remote-write-receiver \
		--storage.tsdb.retention.time=100y --storage.tsdb.min-block-duration=100y \
		--storage.tsdb.max-block-duration=100y "$@"
	until_ok 60 curl -fsS "http://127.0.0.1:$port/-/ready" || {
		tail -n 5 "$TMP/$name.log" >&2
		return 1
	}
}

# metric URL NAME{LABELS}: the value of one series.
metric() {
	curl -fsS --max-time 10 "$1" | awk -v want="$2" '$1 == want { print $2; found = 1 } END { exit !found }'
}

# ---- a filesystem that does not answer: $TMP/frozen, beside $TMP/watched. The command is
# $MONITOR, it listens at $HTTP, and its page is $HEALTH. ----

ext4() { # DIR
	mkdir "$1"
	truncate -s 64M "$1.img"
	mkfs.ext4 -q -F "$1.img"
	mount -o loop "$1.img" "$1"
}

frozen_setup() {
	ext4 "$TMP/watched"
	ext4 "$TMP/frozen"
	HTTP=$(free_port)
	HEALTH=http://127.0.0.1:$HTTP/healthz
}

thaw() {
	fsfreeze --unfreeze "$TMP/frozen" 2>/dev/null || true
}

healthy() {
	[[ $(curl -sS --max-time 5 "$HEALTH") == ok ]]
}

unhealthy() { # WHY
	[[ $(curl -sS --max-time 5 -o "$TMP/health" -w '%{http_code}' "$HEALTH") == 503 ]] &&
		grep -q -- "$1" "$TMP/health"
}

# One that one thread of waits for the filesystem is a zombie: the rest of it has ended.
ended() {
	[[ ! -e /proc/$MONITOR ]] || [[ $(awk '/^State/ { print $2 }' "/proc/$MONITOR/status") == Z ]]
}

ends_with_the_thaw() { # WHAT IS MISSING
	local rc=0
	thaw
	ok "and the process ends with the thaw" until_ok 30 ended
	wait "$MONITOR" || rc=$?
	ok "exit status: $1" test "$rc" = 1
}

finish() {
	local rc=$? pid
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${PIDS[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	# Messages of a build with -fsanitize=... go to its log.
	if grep -hE -A 25 'ERROR: .*Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$TMP"/*.log 2>/dev/null; then
		CHECKS=$((CHECKS + 1))
	fi
	rm -rf "$TMP"
	if ((rc == 77)); then
		exit 77
	fi
	echo "1..$CHECKS"
	# An arithmetic error in the shell ends a check without a result.
	FAILED=$((FAILED + CHECKS - DONE))
	if ((rc || FAILED)); then
		echo "# $FAILED of $CHECKS failed, status $rc"
		exit 1
	fi
}
trap finish EXIT

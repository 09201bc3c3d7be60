#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, run by its systemd: the attempts of tests/confine from inside the unit, with
# Landlock where the kernel has it, and without. On a kernel that has none also those under
# root and as in a container.
set -uo pipefail
# shellcheck source=tests/fleet/guest/unit.sh
. /guest/unit.sh
# shellcheck source=tests/confine/judge.sh
. /guest/source/tests/confine/judge.sh
HIDES=1
RUN=/run/ext4race-detect
DROP_IN=/run/systemd/system/$UNIT.d

# The unit as it is, but for the library that is preloaded. $1: the attempt that ends it.
prepare() {
	mkdir -p $DROP_IN /guest/other
	echo old >/guest/other/old
	touch /guest/other/{gone,moved}-{main,http,textfile}
	cat >$DROP_IN/try.conf <<-END
		[Service]
		EnvironmentFile=
		Environment="EXT4RACE_OPTIONS=--journal --listen 9877 --textfile $RUN/x.prom"
		Environment=LD_PRELOAD=/guest/try.so TRY_RESULT=$RUN/result TRY_NAMED=$RUN
		Environment=TRY_DIR=/guest/other TRY_VICTIM=$victim TRY_DISK=/dev/vda ${1:+TRY_ONE=$1}
		Restart=no
		$refuse
	END
	systemctl daemon-reload
	systemctl restart "$UNIT" && active && return
	active
	journalctl -q --no-pager -n 20
	return 1
}

# The exporter's thread goes round when somebody asks it.
tried() {
	local thread
	curl -fsS "$METRICS" >/run/page
	for thread in main http textfile; do
		grep "^$thread end" $RUN/result || return 1
	done
}

try_all() {
	kill -USR1 "$(state MainPID)"
	until_ok 120 tried || { cat $RUN/result; return 1; }
	cp $RUN/result /run/result
}

# 2 and 3: killed, with a core or without. 31: SIGSYS.
dies() {
	prepare "$1" && kill -USR1 "$(state MainPID)" || return
	until_ok 60 failed
	echo "code $(state ExecMainCode), status $(state ExecMainStatus)"
	[[ $(state ExecMainCode) =~ ^[23]$ && $(state ExecMainStatus) == 31 ]]
}

failed() {
	[[ $(state ActiveState) == failed ]]
}

attempts() { # SETTING
	local thread attempt want status got
	for thread in main http textfile; do
		while read -r attempt want; do
			[[ $want != ends ]] || continue
			status=0
			got=$(judge /run/result $thread "$attempt" "$want") || status=$?
			((status == 77)) || ok "$1, $thread: $attempt is $want" told "$status" "$got"
		done < <(expected "$1")
	done
}

setting() { # SETTING
	local attempt want
	ok "$1: the unit is started, with what it tries" prepare || return
	ok "$1: all was tried" try_all || return
	attempts "$1"
	while read -r attempt want; do
		[[ $want != ends ]] || ok "$1: $attempt ends the process" dies "$attempt"
	done < <(expected "$1")
	systemctl stop "$UNIT"
	rm -r "$DROP_IN"
}

told() { # STATUS WORDS
	echo "$2"
	return "$1"
}

# Its checks are checks of this run.
elsewhere() {
	local line status=0
	CONFINE_BUILT=/guest TMPDIR=/run /guest/source/tests/confine/run >/run/confine.log 2>&1 || status=$?
	while IFS= read -r line; do
		n=$((n + 1))
		[[ $line != not* ]] || failed=$((failed + 1))
		echo "${line%% [0-9]*} $n - ${line#* - }"
	done < <(grep -E '^(not ok|ok) [0-9]+ - ' /run/confine.log)
	grep '^#' /run/confine.log
	grep -E '^[0-9]+ passed' /run/confine.log | sed 's/^/# tests\/confine: /'
	ok "tests/confine comes to its end" told "$status" "$(tail -n 5 /run/confine.log)"
}

# Without kprobes, as on a Debian that nobody changed.
[[ ! -w /proc/sys/kernel ]] || echo 3 >/proc/sys/kernel/perf_event_paranoid
sleep 100000 &
victim=$!
refuse=
ok "package installs" dpkg -i /guest/ext4race-detect.deb
ok "the disk is there" test -b /dev/vda
if /guest/landlock; then
	setting unit
	refuse="SystemCallFilter=~landlock_create_ruleset"
	setting unit-ll
else
	setting unit-ll
	elsewhere
fi
kill $victim
echo "$n checks, $failed failed"
((failed == 0))

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, run by its systemd: the package, the unit, the journal.
set -uo pipefail

UNIT=ext4race-detect.service
METRICS=http://localhost:9877/metrics
n=0 failed=0

ok() { # NAME COMMAND...
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then
		echo "ok $n - $name"
	else
		failed=$((failed + 1))
		echo "not ok $n - $name"
		head -n 20 <<<"$said" | sed 's/^/# /'
	fi
}

until_ok() { # SECONDS COMMAND...
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < limit)) || return 1
		sleep 0.2
	done
}

state() {
	systemctl show -P "$1" "$UNIT"
}

active() {
	[[ $(state ActiveState) == active ]] || {
		systemctl status --no-pager "$UNIT"
		journalctl --no-pager -q -n 20 -u "$UNIT"
		return 1
	}
}

# The four capabilities and no other, no root, no way to more.
confined() {
	local pid status
	pid=$(state MainPID)
	status=$(</proc/"$pid"/status)
	grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)' <<<"$status"
	# SYSLOG 34, PERFMON 38, BPF 39, DAC_READ_SEARCH 2
	[[ $(awk '/^CapEff/ { print $2 }' <<<"$status") == 000000c400000004 ]] &&
		[[ $(awk '/^CapBnd/ { print $2 }' <<<"$status") == 000000c400000004 ]] &&
		[[ $(awk '/^Uid/ { print $2 }' <<<"$status") != 0 ]] &&
		grep -q '^NoNewPrivs:.1' <<<"$status" && grep -q '^Seccomp:.2' <<<"$status"
}

load() { # SECONDS
	/guest/race --dir /scratch --mode fallocate --no-aim --duration "$1" >/out/load
}

twenty_restarts() {
	local i
	for i in {1..20}; do
		if ! { systemctl restart "$UNIT" && active; }; then
			echo "restart $i"
			return 1
		fi
	done
}

overwritten() {
	curl -fsS "$METRICS" | awk '/^ext4race_overwritten_blocks_total\{/ { s += $NF } END { print s + 0 }'
}

in_journal() { # of this run of the unit
	journalctl -q --no-pager -o cat --output-fields=EXT4RACE_LEN EXT4RACE_TYPE=overwrite \
		_SYSTEMD_INVOCATION_ID="$(state InvocationID)" |
		awk '{ s += $1 } END { print s + 0 }'
}

# What the kernel counted is in the journal, one by one, or counted as missed.
journal_is_whole() {
	local metric journal missed
	metric=$(overwritten)
	missed=$(curl -fsS "$METRICS" | awk '/^ext4race_sink_missed_reports_total\{sink="journal"\}/ { print $2 }')
	journal=$(in_journal)
	echo "metric $metric, journal $journal, missed $missed"
	((metric > 0 && (journal == metric || (missed > 0 && journal < metric))))
}

fields() {
	local entry
	entry=$(journalctl -q --no-pager -o verbose -n 1 EXT4RACE_TYPE=overwrite)
	echo "$entry"
	for f in MESSAGE_ID=ca7b89cbee4d4d45b5eb7345f9a844a4 PRIORITY=4 EXT4RACE_FAULT_COMM=race-fault \
		EXT4RACE_ALLOCATOR_OP=fallocate EXT4RACE_WAS=unwritten EXT4RACE_PATH=/scratch/ \
		_SYSTEMD_UNIT=$UNIT; do
		grep -qF "$f" <<<"$entry" || {
			echo "no $f"
			return 1
		}
	done
}

explained() {
	journalctl -q --no-pager -x -n 1 EXT4RACE_TYPE=overwrite |
		grep 'Subject: A delayed insert overwrote'
}

# A stopped process says nothing to the watchdog.
watchdog() {
	local pid restarts
	pid=$(state MainPID)
	restarts=$(state NRestarts)
	kill -STOP "$pid"
	until_ok 150 restarted "$restarts" && [[ $(state MainPID) != "$pid" ]] && active
}

restarted() {
	(($(state NRestarts) > $1)) && [[ $(state ActiveState) == active ]]
}

reloads() {
	local pid
	pid=$(state MainPID)
	systemctl reload "$UNIT" && active && [[ $(state MainPID) == "$pid" ]]
}

mkdir -p /scratch
ok "package installs" dpkg -i /guest/ext4race-detect.deb
ok "unit is started" until_ok 60 active
ok "confined" confined
ok "metrics" until_ok 30 curl -fsS "$METRICS"
ok "healthy" curl -fsS http://localhost:9877/healthz
ok "reload" reloads
load 60 &
loader=$!
ok "20 restarts under load" twenty_restarts
wait "$loader"
load 5
cat /out/load
ok "journal holds every overwrite" until_ok 30 journal_is_whole
journal_is_whole
ok "fields" fields
ok "the catalog explains" explained
ok "watchdog" watchdog
ok "one failure, the watchdog's" test "$(state Result)" = success
curl -fsS "$METRICS" >/out/metrics
ok "stops with a summary" systemctl stop "$UNIT"
ok "summary in the journal" journalctl -q --no-pager -n 1 EXT4RACE_TYPE=summary
ok "package goes" dpkg -P ext4race-detect
ok "no unit is left" test ! -e /lib/systemd/system/"$UNIT"
echo "$n checks, $failed failed"
((failed == 0))

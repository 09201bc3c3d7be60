#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, run by its systemd: the package, the unit, the journal.
set -uo pipefail

# shellcheck source=tests/fleet/guest/unit.sh
. /guest/unit.sh

# The unit has no more than its four capabilities, and gave up the one that loads programs.
# It is not root, and cannot get more.
confined() {
	local pid status
	pid=$(state MainPID)
	status=$(</proc/"$pid"/status)
	grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)' <<<"$status"
	# SYSLOG 34, PERFMON 38, BPF 39, DAC_READ_SEARCH 2
	[[ $(awk '/^CapEff/ { print $2 }' <<<"$status") == 0000008400000004 ]] &&
		[[ $(awk '/^CapBnd/ { print $2 }' <<<"$status") == 000000c400000004 ]] &&
		[[ $(awk '/^Uid/ { print $2 }' <<<"$status") != 0 ]] &&
		grep -q '^NoNewPrivs:.1' <<<"$status" && grep -q '^Seccomp:.2' <<<"$status"
}

load() { # SECONDS
	/guest/race --dir /scratch --mode fallocate --no-aim --duration "$1" >/out/load
}

# How often it races depends on the machine, so this waits until there are events.
races() {
	local i
	for i in {1..20}; do
		load 5
		if (($(overwritten) >= 5)); then
			return
		fi
	done
	cat /out/load
	return 1
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

# Every overwrite that the kernel counted is in the journal or counted as missed.
journal_is_whole() {
	local metric journal missed
	metric=$(overwritten)
	missed=$(curl -fsS "$METRICS" | awk '/^ext4race_sink_missed_reports_total\{sink="journal"\}/ { print $2 }')
	journal=$(in_journal)
	echo "metric $metric, journal $journal, missed $missed"
	# Entries that journald itself dropped: it says how many, but not to the detector.
	journalctl -q --no-pager -o cat -u systemd-journald | grep -i suppressed
	((metric > 0 && (journal == metric || (missed > 0 && journal < metric))))
}

# Counted by operation, the sum is the same; where the start of a fault was seen there is a
# window; exactly one verdict holds, and it is the right one.
adds_up() {
	# Buffered writes, as every host makes: what the verdict is sampled from.
	head -c 1000000 /dev/zero >/scratch/file
	rm /scratch/file
	curl -fsS "$METRICS" >/out/page
	grep -E '^ext4race_(attach|kernel)_info|^ext4race_kernel_verdict|^ext4race_window_seconds_(sum|count)' /out/page
	awk '
		/^ext4race_overwritten_blocks_total\{/ { blocks += $NF }
		/^ext4race_overwritten_files_total\{/ { files += $NF }
		/^ext4race_allocator_overwritten_blocks_total\{/ { ops += $NF }
		/^ext4race_allocator_overwritten_blocks_total\{.*"fallocate"/ { fallocate += $NF }
		/^ext4race_window_seconds_count / { windows = $NF }
		/^ext4race_window_seconds_sum / { seconds = $NF }
		/^ext4race_window_seconds_bucket\{le="\+Inf"/ { inf = $NF }
		/^ext4race_residual_blocks\{/ { residual += $NF }
		/^ext4race_kernel_verdict\{/ { verdicts += $NF }
		/^ext4race_kernel_verdict\{verdict="vulnerable"\}/ { vulnerable = $NF }
		/^ext4race_lost_events_total\{/ { causes++ }
		/^ext4race_attach_info\{mode="[a-z]+",certainty="(full|reduced)"\} 1/ { attach++ }
		END {
			print blocks, ops, files, windows, seconds, residual
			exit !(blocks > 0 && ops == blocks && fallocate > 0 && files > 0 && files <= blocks &&
				windows > 0 && windows <= blocks && inf == windows && seconds > 0 &&
				residual > 0 && verdicts == 1 && vulnerable == 1 && causes == 7 && attach == 1)
		}' /out/page
}

# Where the kernel accounts BPF programs, each one's time and runs.
accounted() {
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	load 2
	curl -fsS "$METRICS" >/out/page
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
	grep '^ext4race_bpf_' /out/page
	awk '/^ext4race_bpf_run_seconds_total\{program="/ { time += $NF; n++ }
		/^ext4race_bpf_runs_total\{program="/ { runs += $NF; m++ }
		END { exit !(n > 2 && n == m && time > 0 && runs > 0) }' /out/page
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

# A stopped process does not answer the watchdog.
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

# Adds an option to those in the defaults file.
with() { # OPTION
	sed -i "s,^EXT4RACE_OPTIONS=\"[^\"]*,& $1," /etc/default/ext4race-detect
}

without() { # OPTION
	sed -i "s, $1,," /etc/default/ext4race-detect
}

# On Debian kprobes need CAP_SYS_ADMIN, which the unit has not. This kernel has BTF of ext4,
# so that fentry sees the fault.
without_kprobes() {
	echo 3 >/proc/sys/kernel/perf_event_paranoid
	attached tracepoint full
}

with_tracepoints_alone() {
	with "--attach tracepoint"
	attached tracepoint reduced || return
	without "--attach tracepoint"
}

with_kprobes() {
	echo 2 >/proc/sys/kernel/perf_event_paranoid
	with "--attach kprobe"
	attached kprobe full
}

attached() { # MODE CERTAINTY
	systemctl restart "$UNIT" && active && until_ok 30 curl -fsS "$METRICS" || return 1
	curl -fsS "$METRICS" | tee /out/page | grep '^ext4race_attach_info'
	grep -qF "ext4race_attach_info{mode=\"$1\",certainty=\"$2\"} 1" /out/page
}

reloads() {
	local pid
	pid=$(state MainPID)
	systemctl reload "$UNIT" && active && [[ $(state MainPID) == "$pid" ]]
}

# What the defaults file proposes: another user, like node_exporter, reads the textfile by a link.
textfile() {
	local file=/run/ext4race-detect/ext4race.prom
	grep -qF -- "--textfile $file" /etc/default/ext4race-detect || return 1
	with "--textfile $file"
	ln -sf "$file" /var/tmp/
	systemctl restart "$UNIT" && active && until_ok 60 setpriv --reuid 65534 --regid 65534 \
		--clear-groups grep -q '^ext4race_kernel_info' /var/tmp/ext4race.prom && return
	grep EXT4RACE_OPTIONS /etc/default/ext4race-detect
	ls -lR /run/ext4race-detect/ /var/tmp
	return 1
}

# The unit's confinement lets the announcements of modules and livepatches through.
hears_the_kernel() {
	local pid inode
	pid=$(state MainPID)
	for inode in $(readlink /proc/"$pid"/fd/* | sed -n 's/^socket:\[\(.*\)\]$/\1/p'); do
		awk -v inode="$inode" '$2 == 15 && $10 == inode { found = 1 } END { exit !found }' \
			/proc/"$pid"/net/netlink && return
	done
	journalctl -q --no-pager -n 5 -u "$UNIT"
	return 1
}

mkdir -p /scratch
ok "package installs" dpkg -i /guest/ext4race-detect.deb
ok "unit is started" until_ok 60 active
ok "confined" confined
ok "hears of modules" hears_the_kernel
ok "metrics" until_ok 30 curl -fsS "$METRICS"
ok "healthy" curl -fsS http://localhost:9877/healthz
ok "reload" reloads
ok "a textfile for others to read" textfile
ok "with tracepoints alone it is reduced, and says so" with_tracepoints_alone
ok "without kprobes it is not" without_kprobes
load 60 &
loader=$!
ok "20 restarts under load" twenty_restarts
wait "$loader"
# Not under load: after the kernel has patched code, QEMU's emulated CPUs may still run the old code.
ok "nor with kprobes" with_kprobes
ok "the race is seen" races
cat /out/load
ok "the metrics add up" settled adds_up
grep -E '^ext4race_(attach_info|kernel_info|window_seconds_count)' /out/page | sed 's/^/# /'
ok "journal holds every overwrite" settled journal_is_whole
journal_is_whole
ok "fields" fields
ok "the catalog explains" explained
ok "BPF programs are accounted for" accounted
grep '^ext4race_bpf_' /out/page | sed 's/^/# /'
ok "watchdog" watchdog
ok "one failure, the watchdog's" test "$(state Result)" = success
curl -fsS "$METRICS" >/out/metrics
ok "stops with a summary" systemctl stop "$UNIT"
ok "its textfile goes with it" test ! -e /run/ext4race-detect
ok "summary in the journal" journalctl -q --no-pager -n 1 EXT4RACE_TYPE=summary
ok "package goes" dpkg -P ext4race-detect
ok "no unit is left" test ! -e /lib/systemd/system/"$UNIT"
echo "$n checks, $failed failed"
((failed == 0))

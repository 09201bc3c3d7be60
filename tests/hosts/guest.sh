# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the journeys, inside the host: checks as TAP lines, and what several of them ask.

UNIT=ext4race-detect.service
METRICS=http://127.0.0.1:9877/metrics
PROMETHEUS=http://127.0.0.1:9090
n=0

# Each line ends with the seconds that the check took: a journey is long, and they say where.
ok() { # NAME COMMAND...
	local name=$1 said start=$SECONDS
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then
		echo "ok $n - $name # $((SECONDS - start)) s"
	else
		echo "not ok $n - $name # $((SECONDS - start)) s"
		head -n 20 <<<"$said" | sed 's/^/# /'
	fi
}

not() {
	! "$@"
}

# Seconds of a quiet machine. Where all is well, nobody waits longer than it takes.
until_ok() { # SECONDS COMMAND...
	local limit=$((SECONDS + 5 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= limit)); then
			"$@"
			return
		fi
		sleep 0.5
	done
}

# "running": the boot is over and no unit has failed.
booted() {
	local state
	state=$(systemctl is-system-running)
	[[ $state == running ]] || {
		echo "the system is $state"
		systemctl --no-pager --plain list-jobs
		systemctl --no-pager --plain --failed
		return 1
	}
}

# On a busy machine an emulated CPU may get no turn for the half minute of the unit's
# watchdog. This is gone with the next boot, and is no file of the package.
patient() {
	mkdir -p "/run/systemd/system/$UNIT.d"
	printf '[Service]\nWatchdogSec=600\n' >"/run/systemd/system/$UNIT.d/slow.conf"
	systemctl daemon-reload
}

# Not killed by the watchdog, not ended by an error: its counts are those since its start.
never_restarted() {
	systemctl show -p NRestarts,Result "$UNIT" | tee /run/restarts
	grep -qx NRestarts=0 /run/restarts && grep -qx Result=success /run/restarts
}

active() {
	systemctl is-active -q "$UNIT" || {
		systemctl status --no-pager "$UNIT"
		journalctl --no-pager -q -n 20 -u "$UNIT"
		return 1
	}
}

sum() { # METRIC: over its labels
	curl -fsS "$METRICS" | awk -v m="$1" '$1 ~ "^" m "({|$)" { s += $NF } END { print s + 0 }'
}

in_journal() {
	journalctl -q --no-pager -o cat --output-fields=EXT4RACE_LEN EXT4RACE_TYPE=overwrite |
		awk '{ s += $1 } END { print s + 0 }'
}

# What the kernel itself says, of the filesystem that races.
residual() {
	local device
	sync -f /srv
	device=$(df --output=source /srv | tail -n 1)
	cat "/sys/fs/ext4/${device##*/}/delayed_allocation_blocks"
}

race() { # SECONDS
	/guest/race --dir /srv --mode fallocate --no-aim --duration "$1" >/run/race.json
}

# How often it races in a second is the machine's: until there is something to look at.
races() {
	for _ in {1..20}; do
		race 5
		(($(sum ext4race_overwritten_blocks_total) < 5)) || return 0
	done
	cat /run/race.json
	return 1
}

counts_agree() {
	local metric journal kernel
	metric=$(sum ext4race_overwritten_blocks_total)
	journal=$(in_journal)
	kernel=$(residual)
	echo "metrics $metric, journal $journal, residual $kernel"
	((metric > 0 && metric == journal && metric == kernel))
}

verdict_is() { # VERDICT [EVIDENCE]
	local said
	said=$(ext4race-detect verify --dir /srv -o json)
	echo "$said"
	[[ $said == *"\"verdict\":\"$1\""* && $said == *"${2:-}"* ]]
}

verdict_metric_is() { # VERDICT
	curl -fsS "$METRICS" | grep '^ext4race_kernel_verdict{' | tee /run/verdict
	grep -qF "ext4race_kernel_verdict{verdict=\"$1\"} 1" /run/verdict
}

scrapes_this_kernel() {
	curl -fsS "$PROMETHEUS/api/v1/query?query=ext4race_kernel_info" | tee /run/scraped
	grep -qF "\"release\":\"$(uname -r)\"" /run/scraped
}

alert_is() { # ALERT STATE: pending, firing, or none
	local said
	said=$(curl -fsS "$PROMETHEUS/api/v1/alerts") || return
	echo "$said"
	if [[ $2 == none ]]; then
		[[ $said != *"\"alertname\":\"$1\""* ]]
	else
		[[ $said == *"\"alertname\":\"$1\""* && $said == *"\"state\":\"$2\""* ]]
	fi
}

# Files of this project. Other packages were installed meanwhile, and theirs may stay;
# /etc/prometheus is the operator's.
nothing_is_left() {
	local left
	left=$(find / -xdev \( -path /proc -o -path /sys -o -path /guest -o -path /var/log \
		-o -path /root -o -path /etc/prometheus \
		-o -path /tmp -o -path /srv \) -prune -o -name '*ext4race*' -print)
	echo "$left"
	[[ ! $left ]] && not grep -aq ext4race /var/lib/dpkg/status /var/lib/systemd/catalog/database &&
		not systemctl cat "$UNIT"
}

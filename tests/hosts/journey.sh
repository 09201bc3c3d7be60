#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian 11 as an operator sees it, from the vulnerable kernel to the fixed one. Run by the
# host's systemd at each boot; /guest/stage says which boot it is.
set -uo pipefail
# shellcheck source=tests/hosts/guest.sh
. /guest/guest.sh

# Debian's own Prometheus, with windows of a minute instead of 15. With intervals of a second
# it would need a whole emulated CPU.
use_rules() {
	local to=/etc/prometheus
	sed -E 's/\b15m\b/1m/g; s/^( *for:).*/\1 0s/' \
		/usr/share/ext4race-detect/prometheus/ext4race.rules.yml >$to/ext4race.rules.yml
	cat >$to/prometheus.yml <<-END
		global: {scrape_interval: 5s, evaluation_interval: 5s}
		rule_files: [$to/ext4race.rules.yml]
		scrape_configs:
		  - job_name: ext4race
		    static_configs: [{targets: ["127.0.0.1:9877"]}]
	END
	promtool check config $to/prometheus.yml && systemctl restart prometheus
}

build_livepatch() {
	"$(echo /usr/src/ext4race-livepatch-*/patch/livepatch/build)" --headers "/lib/modules/$(uname -r)/build" \
		--source /guest/source --out /root
}

load_livepatch() {
	insmod /root/ext4race_livepatch.ko &&
		until_ok 120 grep -qx 0 /sys/kernel/livepatch/ext4race_livepatch/transition
}

# As much fire as raced before, and nothing takes effect. The unit cannot count what the
# livepatch averts: with kernel.perf_event_paranoid 3, Debian's default, it has no kprobes,
# and tracepoints do not show what the insert returned. So root watches, too, with kprobes.
no_more_races() {
	local metric kernel watcher before rounds=0
	metric=$(sum ext4race_overwritten_blocks_total)
	kernel=$(residual)
	before=$(livepatch_averted)
	ext4race-detect -o json >/run/watched.json 2>/run/watched.err &
	watcher=$!
	until_ok 60 grep '"type":"start"' /run/watched.json || { cat /run/watched.err; return 1; }
	until (($(livepatch_averted) - before >= 5 || ++rounds > 20)); do
		race 5
	done
	kill -TERM $watcher
	wait $watcher
	echo $(($(livepatch_averted) - before)) >/run/averted
	echo "overwritten $metric, then $(sum ext4race_overwritten_blocks_total); residual $kernel, then $(residual)"
	[[ $metric == "$(sum ext4race_overwritten_blocks_total)" && $kernel == "$(residual)" ]]
}

livepatch_averted() {
	cat /sys/kernel/ext4race_livepatch/averted
}

# The detector and the livepatch count by themselves, and agree.
averted_is_counted() {
	local summary averted
	summary=$(grep '"type":"summary"' /run/watched.json)
	averted=$(</run/averted)
	echo "the livepatch averted $averted; $summary"
	((averted > 0)) && [[ $summary == *"\"averted\":$averted,"* &&
		$summary == *'"overwritten_blocks":0,'* ]]
}

# Nothing is built for a kernel that is fixed, although there is all to build it with.
dkms_steps_aside() {
	local said
	said=$(dkms status -m ext4race-ext4)
	echo "$said"
	modinfo -n ext4
	[[ $said == *added* && $said != *installed* && $said != *built* ]] &&
		test -e "/lib/modules/$(uname -r)/build/Makefile" &&
		[[ $(modinfo -n ext4) == */kernel/fs/ext4/* ]] &&
		not dkms build ext4race-ext4/1.0
}

livepatch_steps_aside() {
	test -d "/lib/modules/$(uname -r)/build" &&
		not "$(echo /usr/src/ext4race-livepatch-*/patch/livepatch/build)" --source /guest/source-fixed \
			--headers "/lib/modules/$(uname -r)/build" --out /root &&
		not test -e /sys/kernel/livepatch/ext4race_livepatch
}

vulnerable() {
	ok "the host runs its stock kernel, $(uname -r)" grep -q 5.10.0-32 /proc/version
	ok "dpkg installs it" dpkg -i /guest/ext4race-detect.deb /guest/ext4race-fix-source.deb
	ok "systemctl enable --now" systemctl enable --now "$UNIT"
	ok "the service is up" until_ok 60 active
	ok "that release's Prometheus takes the rules" use_rules
	ok "verify: vulnerable" verdict_is vulnerable
	ok "it races" races
	ok "metrics, journal and the kernel's own count agree" until_ok 30 counts_agree
	ok "Prometheus fires Ext4RaceSeen" until_ok 180 alert_is Ext4RaceSeen firing
	ok "the livepatch builds on the host" build_livepatch
	ok "it loads" load_livepatch
	ok "verify: fixed, by the livepatch" verdict_is fixed livepatch
	ok "the same fire leaves no more overwrites and no more leaks" no_more_races
	ok "what was averted is counted, as the livepatch counts it" averted_is_counted
	ok "the alert ends" until_ok 240 alert_is Ext4RaceSeen none
	ok "the unit ran all the time" never_restarted
	# What follows needs the CPUs. It starts again with the next boot.
	systemctl stop prometheus
	ok "DKMS takes the fixed module's source" dkms add ext4race-ext4/1.0
	ok "the fixed kernel installs" dpkg -i /guest/kernel/*.deb
	readlink -f /vmlinuz /initrd.img >/guest/boot
	echo fixed >/guest/stage
}

fixed() {
	ok "after the reboot it is another kernel, $(uname -r)" not grep -q 5.10.0-32 /proc/version
	ok "the service came up by itself" until_ok 120 active
	ok "verify: fixed, by behaviour" verdict_is fixed behaviour
	ok "the metrics say so too" until_ok 120 verdict_metric_is fixed
	race 10
	ok "no race" test "$(sum ext4race_overwritten_blocks_total)" = 0
	ok "the kernel agrees" test "$(residual)" = 0
	ok "Prometheus asks this kernel's detector" until_ok 120 scrapes_this_kernel
	ok "Ext4RaceSeen does not fire" until_ok 60 alert_is Ext4RaceSeen none
	# As before, it needs the CPUs that DKMS needs.
	systemctl stop prometheus
	ok "the livepatch steps aside" livepatch_steps_aside
	ok "so does DKMS" dkms_steps_aside
	ok "the unit ran all the time" never_restarted
	ok "purge" dpkg --purge ext4race-detect ext4race-fix-source
	ok "nothing is left" nothing_is_left
	echo "done" >/guest/stage
}

ok "systemd has booted" until_ok 300 booted
patient
"$(cat /guest/stage)"
echo "end of stage"

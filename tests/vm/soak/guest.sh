# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: guest.sh SECONDS. One monitor runs all the time, while files race, filesystems
# come and go, ext4 is unloaded and loaded, its log is rotated, it is scraped and the
# clock jumps. Between two such cycles the host is quiet for some minutes, but for the scrapes. In /out: soak.csv (a line of samples a minute, "#" lines say what was done),
# summary.json, and totals: what the workload read from the kernel.
seconds=$1
rest=240 # seconds of quiet in a cycle: an hour has about 14 cycles
port=9877
loops="0 1 2 3"
log=/tmp/log/e4r.json
err=/out/soak.err
text=/tmp/text/e4r.prom
leaked=0 # by the workload's own readings
told=0   # overwrite events that the monitor put out
lives=0
ahead=0 # of the host's clock, in seconds
cycles=0 rotations=0 jumps=0 mounts=0 races=0

fail() {
	echo "not ok - $*"
	cp "$log" /out/last.json 2>/dev/null
	[ -z "$monitor" ] || kill -KILL "$monitor" 2>/dev/null
	exit 1
}

uptime_seconds() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

alive() {
	kill -0 "$monitor" 2>/dev/null || { tail -n 5 "$err"; fail "the monitor ended"; }
}

# Waits until the command succeeds, and says so when that is long; the harness ends a guest that
# waits for ever.
until_ok() { # COMMAND...
	tries=0
	until "$@"; do
		alive
		usleep 100000
		tries=$((tries + 1))
		[ $((tries % 300)) != 0 ] || waiting "$@"
	done
}

waiting() { # COMMAND...
	echo "# cycle $cycles: still waiting: $*; $(grep '^ext4 ' /proc/modules)"
	grep -r '^1' /sys/kernel/tracing/events/ext4/*/enable | head -n 3
	grep ext4_ /sys/kernel/debug/kprobes/list | head -n 3
	tail -n 3 "$err"
}

said_times() { # COUNT PATTERN
	[ "$(grep -c "$2" "$err")" -ge "$1" ]
}

race_on() { # DIR MODE OPTIONS...
	dir=$1
	mode=$2
	shift 2
	race --dir "$dir" --mode "$mode" "$@" >/tmp/load || { cat /tmp/load; fail "race $mode on $dir"; }
	n=$(sed -n 's/.*"blocks_leaked":\([0-9]*\).*/\1/p' /tmp/load)
	[ -n "$n" ] || { cat /tmp/load; fail "race $mode: no reading"; }
	leaked=$((leaked + n))
	races=$((races + 1))
}

# The modes of which each overwrite is a leak.
race_main() {
	case $((cycles % 4)) in
	0) race_on /mnt/ext4 fallocate --leaks 60 --duration 30 ;;
	1) race_on /mnt/ext4 processes --leaks 60 --duration 30 ;;
	2) race_on /mnt/ext4 whole-file --leaks 60 --duration 30 ;;
	3) race_on /mnt/ext4 zero-range --leaks 60 --duration 30 ;;
	esac
}

# Every filesystem is made anew and mounted; one of them races; all are unmounted.
churn() {
	for i in $loops; do
		mkfs.ext4 -q -F -b 4096 "/dev/loop$i" || fail "mkfs loop$i"
		mount -t ext4 "/dev/loop$i" "/mnt/l$i" || fail "mount loop$i"
		mounts=$((mounts + 1))
	done
	race_on "/mnt/l$((cycles % 4))" fallocate --leaks 20 --duration 10
	for i in $loops; do
		umount "/mnt/l$i" || fail "umount loop$i"
	done
}

count_told() { # FILE
	[ ! -e "$1" ] || told=$((told + $(grep -c '"type":"overwrite"' "$1")))
}

# Lines that were on their way go to the old file: it is counted one rotation later.
rotate() {
	count_told "$log.1"
	mv "$log" "$log.1"
	kill -HUP "$monitor"
	until_ok [ -e "$log" ]
	rotations=$((rotations + 1))
}

# An hour or a day, forwards, and back at the next time.
jump() {
	case $((jumps % 4)) in
	0) by=3600 ;;
	1) by=-3600 ;;
	2) by=86400 ;;
	3) by=-86400 ;;
	esac
	date -s "@$(($(date +%s) + by))" >/dev/null || fail "date"
	ahead=$((ahead + by))
	jumps=$((jumps + 1))
}

# While the verdict is sampled, the sample's tracepoints keep the module loaded.
unloads() {
	rmmod ext4 2>/dev/null
}

load_ext4() {
	modprobe ext4 || fail "modprobe ext4"
	lives=$((lives + 1))
	[ "$lives" = 1 ] || until_ok said_times $((lives - 1)) "is back: attached"
}

reload() {
	umount /mnt/ext4 || fail "umount"
	until_ok unloads
	until_ok said_times "$lives" "ext4 was unloaded"
	load_ext4
	mount -t ext4 /dev/vda /mnt/ext4 || fail "mount"
}

scrape() { # PAGE
	wget -q -O - "http://127.0.0.1:$port/$1"
}

# Scrapes until it is told to stop; says how many were answered and how many were not.
scraper() {
	good=0 bad=0
	while [ ! -e /tmp/stop ]; do
		if scrape metrics >/tmp/scraped; then good=$((good + 1)); else bad=$((bad + 1)); fi
		usleep 5000000
	done
	echo "$good $bad" >/out/scrapes
}

in_status() { # KEY
	sed -n "s/^$1:[[:blank:]]*\([0-9]*\).*/\1/p" "/proc/$monitor/status"
}

# Number and bytes of the BPF maps that the monitor holds.
bpf_maps() {
	cat "/proc/$monitor"/fdinfo/* 2>/dev/null |
		awk '$1 == "map_type:" { map = 1; n++ } $1 == "memlock:" && map { bytes += $2; map = 0 }
		     END { print n + 0 "," bytes + 0 }'
}

files() { # DIR
	set -- "$1"/*
	echo $#
}

sample() {
	alive
	scrape metrics >/tmp/sample || fail "a scrape was not answered"
	scrape healthz >/dev/null || fail "healthz"
	echo "$(($(uptime_seconds) - began)),$(in_status VmRSS),$(in_status VmSize),$(in_status Threads),$(files "/proc/$monitor/fd"),$(bpf_maps),$(wc -l <"/proc/$monitor/maps"),$(grep -vc '^#' /tmp/sample),$(wc -c </tmp/sample),$(wc -c <"$text"),$(sed -n '/^Slab/s/[^0-9]//gp' /proc/meminfo),$leaked,$cycles" |
		tee -a /out/soak.csv
}

mkdir -p /tmp/log /tmp/text
modprobe loop || exit 1
for i in $loops; do
	mkdir -p "/mnt/l$i"
	truncate -s 24M "/tmp/loop$i" && losetup "/dev/loop$i" "/tmp/loop$i" || exit 1
done
: >"$err"
# The default plan: where ext4 is a module, it attaches by kprobes, and ext4 can be unloaded.
ext4race-detect -o json --output-file $log --listen 127.0.0.1:$port --textfile $text 2>$err &
monitor=$!
until_ok said_times 1 "waiting for it"
load_ext4
until_ok grep -q '"type":"start"' $log
mount -t ext4 /dev/vda /mnt/ext4 || fail "mount"
began=$(uptime_seconds)
next=$began
echo "seconds,rss_kib,vm_kib,threads,fds,bpf_maps,bpf_map_bytes,mappings,series,scrape_bytes,textfile_bytes,slab_kib,leaked,cycles" |
	tee /out/soak.csv
scraper &
scraping=$!
while [ "$(uptime_seconds)" -lt $((began + seconds)) ]; do
	[ "$cycles" = 0 ] || [ $((cycles % 3)) != 0 ] || reload
	race_main
	churn
	rotate
	jump
	cycles=$((cycles + 1))
	# Always at the same place of a cycle, so that samples can be compared: the verdict, too, which holds
	# more open after ext4 was loaded, has been sampled by now.
	if [ "$(uptime_seconds)" -ge "$next" ]; then
		sample
		next=$(($(uptime_seconds) + 60))
	fi
	usleep ${rest}000000
done
touch /tmp/stop
wait "$scraping"
kill -TERM "$monitor"
wait "$monitor" || fail "the monitor ended with $?"
count_told "$log.1"
count_told "$log"
tail -n 1 "$log" >/out/summary.json
sync
echo "{\"leaked\":$leaked,\"told\":$told,\"residual\":$(cat /sys/fs/ext4/vda/delayed_allocation_blocks),\"lives\":$lives,\"cycles\":$cycles,\"rotations\":$rotations,\"jumps\":$jumps,\"mounts\":$mounts,\"races\":$races,\"seconds\":$(($(uptime_seconds) - began))}" >/out/totals
cat /out/totals
date -s "@$(($(date +%s) - ahead))" >/dev/null
touch /out/*

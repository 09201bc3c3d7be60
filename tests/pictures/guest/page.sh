# SPDX-License-Identifier: GPL-2.0-only
# In the guest: the race in bursts, with pauses, and what / of --listen says every 5 seconds.
ip link set lo up
ext4race-detect --listen 9877 >/out/monitor.log 2>&1 &
monitor=$!
tries=0
until wget -qO /out/00.html http://127.0.0.1:9877/ && grep -q 'says vulnerable' /out/00.html; do
	tries=$((tries + 1))
	[ "$tries" -lt 300 ] || {
		cat /out/monitor.log
		exit 1
	}
	usleep 200000
done

shots=0
look() { # TIMES
	local i
	for i in $(seq "$1"); do
		sleep 5
		shots=$((shots + 1))
		wget -qO "/out/$(printf %02d $shots).html" http://127.0.0.1:9877/ || exit 1
	done
}

# A rate of blocks a second, for so many looks.
burst() { # RATE TIMES MODE
	race --dir /mnt/ext4 --mode "$3" --rate "$1" --pages 32 --no-aim --duration $((5 * $2)) >/dev/null &
	look "$2"
	wait $!
}

look 1
burst 15 3 fallocate
look 2
burst 60 4 fallocate
burst 30 2 zero-range
kill -TERM "$monitor"
wait "$monitor"

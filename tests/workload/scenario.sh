#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest of tests/vm/run: every mode of the workload, judged by the
# kernel's own accounting.
#
#	tests/vm/run --image-size 8192 --timeout 900 --add tests/workload/race \
#		KERNEL tests/workload/scenario.sh vulnerable|fixed [SECONDS]
set -eu

expect=${1:?vulnerable or fixed}
seconds=${2:-10}
failed=0

field()
{
	sed -n "s/.*\"$1\":\([-0-9]*\|null\)[,}].*/\1/p" /tmp/summary
}

# judge MODE: the whole verdict on one run.
judge()
{
	leaked=$(field blocks_leaked)
	if [ "$status" -ne 0 ]; then
		verdict="FAIL: exit status $status"
	elif [ "$(field attempts)" -lt 100 ]; then
		verdict="FAIL: hardly ran"
	elif [ "$(field data_mismatches)" -ne 0 ]; then
		verdict="FAIL: data lost"
	elif [ "$expect-$2" = vulnerable-race ] && [ "$leaked" -lt 1 ]; then
		verdict="FAIL: did not race"
	elif [ "$expect-$2" != vulnerable-race ] && [ "$leaked" -ne 0 ]; then
		verdict="FAIL: leaked"
	else
		verdict=ok
	fi
	[ "$verdict" = ok ] || failed=1
	printf '%-17s %9s attempts %9s leaked  %s\n' "$1" "$(field attempts)" "$leaked" "$verdict"
}

run_mode()
{
	status=0
	race --dir /mnt/ext4 --mode "$1" --duration "$seconds" --verify-data \
		>/tmp/summary || status=$?
	judge "$1" "$2"
}

for mode in fallocate processes whole-file direct zero-range; do
	run_mode $mode race
done
for mode in ctl-disjoint ctl-buffered ctl-zero-aligned ctl-punch ctl-delayed ctl-read; do
	run_mode $mode control
done
exit $failed

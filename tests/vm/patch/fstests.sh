# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: fstests.sh RUNS fails|passes. The test for the kernel's own suite, run so
# often by fstests.bash, each run on a new filesystem. As the suite does it, a run has failed
# when its output differs from the golden one. "fails" allows one run of 20 that does not.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

runs=$1
expected=$2
export RESULT_DIR=/tmp/results
mkdir -p $RESULT_DIR
cd /fstests || exit 1
failed=0
passed=0
told=0
longest=0
blocks=
RUN=0
export RUN

now() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

while [ $RUN -lt "$runs" ]; do
	RUN=$((RUN + 1))
	began=$(now)
	bash tests/ext4/900 >/tmp/output 2>&1
	status=$?
	took=$(($(now) - began))
	[ $took -le $longest ] || longest=$took
	if [ -e $RESULT_DIR/900.notrun ]; then
		check ran 1 "not run: $(cat $RESULT_DIR/900.notrun)"
		exit 1
	fi
	if [ $status != 0 ]; then
		# Neither a pass nor what it is to find: it could not be run.
		check ran 1 "ended with $status: $(tail -n 1 /tmp/output)"
		exit 1
	fi
	if cmp -s /tmp/output tests/ext4/900.out; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		! grep -q 'an inode was evicted' /tmp/output || told=$((told + 1))
	fi
	blocks="$blocks $(sed -n 's/^blocks reserved after sync: //p' /tmp/output)"
	echo "run $RUN: $took s, $(tail -n +2 /tmp/output | tr '\n' ';')"
done
check ran 0 "$runs runs, the longest took $longest s"
echo "blocks reserved after sync:$blocks"
if [ "$expected" = fails ]; then
	between failed $failed $((runs - runs / 20)) '' "runs of $runs failed"
	between told $told $((runs - runs / 20)) '' "runs of $runs: the kernel complained when it evicted inodes"
else
	between passed $passed "$runs" "$runs" "runs of $runs passed"
fi
echo end

# SPDX-License-Identifier: GPL-2.0-only
#
# provoke in a guest: provoke.sh EXPECTED, with ext4race-detect and mkfs.ext4 there.
set -u

expected=$1
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# value NAME: of the last run's JSON object
value()
{
	tail -n 1 /tmp/result | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

residual()
{
	sync
	cat "/sys/fs/ext4/$(basename "$device")/delayed_allocation_blocks"
}

# provoke WANT_STATUS OPTION...
provoke()
{
	want=$1
	shift
	timeout -s KILL 100 ext4race-detect provoke --dir /mnt/extra --yes -o json "$@" >/tmp/result 2>/tmp/stderr
	got=$?
	tail -n 1 /tmp/result
	[ "$got" = "$want" ] || fail "provoke $*: exit $got, not $want: $(cat /tmp/stderr)"
}

# remount: after it the leak has to be gone, and no file may be left.
remount()
{
	[ -z "$(ls -A /mnt/extra | grep -v lost+found)" ] || fail "files were left: $(ls -A /mnt/extra)"
	umount /mnt/extra || fail "umount"
	mount "$device" /mnt/extra
	[ "$(residual)" = 0 ] || fail "residual after umount and mount: $(residual)"
}

vulnerable()
{
	provoke 2 --duration 10
	# An idle machine makes thousands.
	[ "$(value overwritten_blocks)" -ge 100 ] || fail "only $(value overwritten_blocks) overwritten"
	[ "$(value overwritten_blocks)" = "$(residual)" ] || fail "residual is $(residual)"
	[ "$(value leaked_blocks)" = "$(residual)" ] || fail "leaked $(value leaked_blocks), residual $(residual)"
	remount
	provoke 2 --duration 60 --widen 2000 --max-leak 2000
	[ "$(value overwritten_blocks)" -ge 1000 ] || fail "widened: only $(value overwritten_blocks)"
	remount
	provoke 2 --duration 90 --max-leak 100
	[ "$(residual)" -le 100 ] || fail "--max-leak 100: $(residual) leaked"
	[ "$(residual)" -ge 95 ] || fail "--max-leak 100: stopped early, at $(residual)"
	[ "$(value stopped)" = max_leak ] || fail "stopped by $(value stopped)"
	remount
	# Standard input is no terminal: there is nobody to ask.
	ext4race-detect provoke --dir /mnt/extra </dev/null >/dev/null 2>/tmp/stderr
	[ $? = 1 ] && grep -q -- --yes /tmp/stderr || fail "went on without an answer"
	[ "$(residual)" = 0 ] || fail "leaked without an answer"
}

fixed()
{
	provoke 0 --duration 60 --widen 2000
	[ "$(value averted)" -ge 1000 ] || fail "only $(value averted) averted"
	[ "$(value overwritten_blocks)" = 0 ] && [ "$(residual)" = 0 ] || fail "leak on a fixed kernel"
	remount
}

# interrupt SIGNAL WANT_STATUS...: sends SIGNAL in the middle of a widened run, which has to
# exit with one of the statuses
interrupt()
{
	ext4race-detect provoke --dir /mnt/extra --yes -o json --duration 60 --widen 10000 >/tmp/result 2>/tmp/stderr &
	pid=$!
	# The run has begun when its verdict is printed and it has a file without a name.
	n=0
	while ! ls -l /proc/$pid/fd 2>/dev/null | grep -q "/mnt/extra/.*deleted"; do
		n=$((n + 1))
		[ $n -lt 2000 ] || { fail "$1: it never began: $(cat /tmp/stderr)"; break; }
		usleep 10000
	done
	kill -"$1" $pid
	wait $pid
	got=$?
	case " $2 " in
	*" $got "*) ;;
	*) fail "$1: exit $got, not $2: $(cat /tmp/stderr)" ;;
	esac
	grep -l prog_id /proc/[0-9]*/fdinfo/* 2>/dev/null && fail "$1: programs were left"
	remount
}

modprobe loop 2>/dev/null
mkdir -p /mnt/extra
truncate -s 300M /mnt/ext4/image
mkfs.ext4 -q -F -b 4096 /mnt/ext4/image
device=$(losetup -f)
losetup "$device" /mnt/ext4/image
mount "$device" /mnt/extra || exit 1

"$expected"
case $expected in
fixed) ok=0 ;;
*) ok=2 ;;
esac
# 3: it ended before there was any collision.
interrupt INT "$ok 3"
interrupt KILL 137

# A full disk and a directory that goes away end the run, cleanly.
dd if=/dev/zero of=/mnt/extra/reserve bs=1M count=4 2>/dev/null
dd if=/dev/zero of=/mnt/extra/fill bs=1M 2>/dev/null
sync
rm /mnt/extra/reserve
sync
timeout -s KILL 60 ext4race-detect provoke --dir /mnt/extra --yes --duration 5 --widen 1000 --max-leak 1000000 >/tmp/result 2>&1
[ $? -lt 128 ] || fail "full disk: $(cat /tmp/result)"
tail -n 2 /tmp/result
rm /mnt/extra/fill
remount
ext4race-detect provoke --dir /mnt/extra --yes -o json --duration 3 >/tmp/result 2>/tmp/stderr &
pid=$!
umount -l /mnt/extra
wait $pid
[ $? -lt 128 ] || fail "lazy umount: $(cat /tmp/stderr)"
losetup -d "$device" 2>/dev/null
exit $failed

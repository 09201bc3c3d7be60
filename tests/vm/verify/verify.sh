# SPDX-License-Identifier: GPL-2.0-only
#
# verify in a guest: verify.sh EXPECTED, with ext4race-detect, race and mkfs.ext4
# there. Run by run, in the same directory.
set -u

expected=$1
case $expected in
fixed) status=0 ;;
vulnerable) status=2 ;;
*) echo "expected is fixed or vulnerable, not '$expected'" >&2; exit 64 ;;
esac
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# says KIND FILE: the verdict that this kind of evidence speaks for.
says()
{
	sed -n "s/.*\"kind\":\"$1\",\"says\":\"\([a-z]*\)\".*/\1/p" "$2"
}

detail()
{
	sed -n "s/.*\"kind\":\"$1\",\"says\":\"[a-z]*\",\"detail\":\"\([^\"]*\)\".*/\1/p" "$2"
}

# check NAME WANT_STATUS WANT_BEHAVIOUR OPTION...: the evidence "text" always has to be right.
check()
{
	name=$1 want=$2 behaviour=$3
	shift 3
	before=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	ext4race-detect verify -o json "$@" >/tmp/verdict 2>/tmp/stderr
	got=$?
	took=$(($(awk '{ print int($1 * 1000) }' /proc/uptime) - before))
	echo "$name: exit $got, behaviour $(says behaviour /tmp/verdict), text $(says text /tmp/verdict), $took ms: $(detail behaviour /tmp/verdict)"
	[ "$got" = "$want" ] || fail "$name: exit $got, not $want: $(cat /tmp/verdict /tmp/stderr)"
	[ "$(says behaviour /tmp/verdict)" = "$behaviour" ] || fail "$name: behaviour is not $behaviour"
	[ "$(says text /tmp/verdict)" = "$expected" ] || fail "$name: text: $(detail text /tmp/verdict)"
}

with_filesystem()
{
	name=$1 behaviour=$2 options=$3
	shift 3
	if ! command -v mkfs.ext4 >/dev/null; then
		echo "$name: no mkfs.ext4 for this machine"
		return
	fi
	truncate -s 64M /tmp/image
	if ! mkfs.ext4 -q -F "$@" /tmp/image || ! mount -o "loop,$options" /tmp/image /mnt/extra; then
		fail "$name: cannot be made"
		return
	fi
	check "$name" "$status" "$behaviour" --dir /mnt/extra
	umount /mnt/extra
}

modprobe loop 2>/dev/null
mkdir -p /mnt/extra

ext4race-detect verify || [ $? = "$status" ] || fail "text output: exit status"
[ "$(ext4race-detect verify --quiet)" = "$expected" ] || fail "--quiet does not say $expected"

for i in 1 2 3 4 5; do
	check "alone $i" "$status" "$expected"
done
check "named directory" "$status" "$expected" --dir /mnt/ext4

# The race itself and ordinary writers on the same filesystem.
race --dir /mnt/ext4 --mode fallocate --duration 120 >/tmp/race.log 2>&1 &
racer=$!
while :; do
	dd if=/dev/zero of=/mnt/ext4/load bs=8k count=256 2>/dev/null
done &
writer=$!
for i in 1 2 3; do
	check "under load $i" "$status" "$expected" --dir /mnt/ext4
done
check "the host's own inserts" "$status" "$expected" --passive
[ -e /proc/$racer ] || fail "the load ended early: $(cat /tmp/race.log)"
kill $racer $writer
wait

with_filesystem "blocks of 1 KiB" "$expected" defaults -b 1024
with_filesystem "bigalloc" "$expected" defaults -O bigalloc -C 16384
with_filesystem "inline data" "$expected" defaults -O inline_data -I 256
with_filesystem "nodelalloc" unknown nodelalloc
with_filesystem "data=journal" unknown data=journal

# Nobody writes, so no insert can be counted; only the evidence "text" is left.
sync
mount -o remount,ro /mnt/ext4
check "read-only, nobody writes" "$status" unknown
mount -o remount,rw /mnt/ext4

ext4race-detect verify --dir /tmp >/tmp/verdict 2>/tmp/stderr
[ $? = 1 ] && [ "$(wc -l </tmp/stderr)" = 1 ] && ! [ -s /tmp/verdict ] || fail "--dir on tmpfs"
cat /tmp/stderr
ls -A /mnt/ext4 | grep ext4race-verify && fail "a scratch file was left"
exit $failed

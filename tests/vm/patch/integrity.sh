# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: integrity.sh FILES [livepatch]. Every file is raced, written back, and
# read again from the disk. Afterwards e2fsck checks the image.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

if [ "${2:-}" = livepatch ]; then
	livepatch_load || check load 1 "$(dmesg | tail -n 5)"
fi
summary=$(race --dir /mnt/ext4 --mode fallocate --files "$1" --pages 16 --duration 2700 --verify-data | tail -n 1)
sync
between files "$(echo "$summary" | field files)" "$1" '' 'files raced and read back'
between data "$(echo "$summary" | field data_mismatches)" 0 0 'pages differ'
between leaks "$(echo "$summary" | field blocks_leaked)" 0 0 'blocks leaked'
[ "${2:-}" != livepatch ] ||
	between averted "$(cat $COUNTERS/averted)" $(($1 / 10)) '' 'inserts refused meanwhile'
race_until --files 60 --keep
between kept "$leaked" 0 0 'blocks leaked with files kept'
echo end

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: the workaround on a stock kernel.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

race_until --leaks 2000
between before "$leaked" 1000 '' 'blocks leaked before'
mount -o remount,nodelalloc /mnt/ext4
check remount $? 'remounted with nodelalloc'
sync
base=$(cat $RESIDUAL)
race_until --races 20000 --verify-data
between after "$(($(cat $RESIDUAL) - base))" 0 0 "blocks leaked in $attempts attempts since"
between attempts "$attempts" 10000 '' attempts
between data "$mismatches" 0 0 'pages differ'
between held "$base" 1000 '' 'older blocks still held'
umount /mnt/ext4 && mount -t ext4 /dev/vda /mnt/ext4
check mount $? 'umount and mount'
between returned "$(cat $RESIDUAL)" 0 0 'blocks held after umount and mount'
echo end

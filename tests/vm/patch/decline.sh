# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: decline.sh REASON. The livepatch must refuse to load, and give REASON.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

! insmod /usr/local/bin/ext4race_livepatch.ko 2>/dev/null && ! is_loaded
check declined $? 'insmod refused'
said=$(dmesg | sed -n 's/.*ext4race_livepatch: not loaded: //p' | tail -n 1)
case $said in
*"$1"*) check reason 0 "$said" ;;
*) check reason 1 "says \"$said\", expected \"$1\"" ;;
esac
unpatched
check clean $? 'nothing left under /sys/kernel/livepatch'
race_until --races 2000
between attempts "$attempts" 1000 '' 'attempts on an ext4 that still works'
echo end

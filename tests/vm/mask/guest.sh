# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: what the kernel says by itself and behind each mask, and the verdict of verify.
try >/out/plain || exit 1
for mask; do
	mask "$mask" try >"/out/$mask" || exit 1
	mask "$mask" ext4race-detect verify -o json >"/out/$mask.verify" 2>"/out/$mask.err"
	echo $? >"/out/$mask.status"
done

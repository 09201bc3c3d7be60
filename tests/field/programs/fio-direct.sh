#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two fio jobs on one sparse file: one stores through a mapping, the other writes with O_DIRECT.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f shared && truncate -s 16m shared
	fio --directory=/srv --filename=shared --size=16m --fallocate=none --rw=randwrite \
		--name=map --ioengine=mmap --bs=4k --name=direct --ioengine=libaio --direct=1 --iodepth=4 --bs=256k
done
exit 0 # invalidation of the page cache fails now and then, as documented for such a mix

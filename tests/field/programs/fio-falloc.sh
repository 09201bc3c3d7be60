#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two fio jobs on one file: one stores through a mapping, the other preallocates.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f shared && truncate -s 32m shared
	fio --directory=/srv --filename=shared --size=32m --bs=4k --fallocate=none --rw=randwrite \
		--name=map --ioengine=mmap --name=falloc --ioengine=falloc --randseed=1 || exit 1
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two fio jobs on one file: one stores through a mapping, the other preallocates.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f shared && truncate -s 8m shared
	fio --directory=/srv --filename=shared --size=8m --fallocate=none --rw=randwrite \
		--name=map --ioengine=mmap --bs=4k --name=falloc --ioengine=falloc --bs=64k || exit 1
done

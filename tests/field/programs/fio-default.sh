#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fio as most use it: four jobs share a file through mappings, fio preallocates it first.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f shared
	fio --directory=/srv --filename=shared --size=16m --bs=4k --rw=randwrite \
		--name=map --ioengine=mmap --numjobs=4 --group_reporting || exit 1
done

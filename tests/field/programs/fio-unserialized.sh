#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Four fio jobs share a file through mappings, and each preallocates it when it starts
# (create_serialize=0): one may store already.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f shared
	fio --directory=/srv --filename=shared --size=16m --bs=4k --rw=randwrite --create_serialize=0 \
		--name=map --ioengine=mmap --numjobs=4 --group_reporting || exit 1
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A preallocated raw file: written with O_DIRECT by 16 requests at a time, and grown.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f disk
	qemu-img create -q -f raw -o preallocation=falloc disk 32M
	qemu-img bench -q -f raw -w -t none -n -d 16 -c 2000 disk || qemu-img bench -q -f raw -w -t none -d 16 -c 2000 disk || exit 1
	qemu-img resize -q -f raw --preallocation=falloc disk 64M
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A whole virtual machine with a preallocated raw file as its disk, opened with O_DIRECT. Its
# system is tests/field/boot.S, which fills the disk.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f disk
	qemu-img create -q -f raw -o preallocation=falloc disk 32M || exit 1
	dd if=/field/boot of=disk conv=notrunc status=none || exit 1
	qemu-system-x86_64 -nodefaults -display none -m 32 -net none -device isa-debug-exit,iobase=0xf4,iosize=1 \
		-drive file=disk,format=raw,if=virtio,cache=none
	(($? == 1)) || exit 1
done

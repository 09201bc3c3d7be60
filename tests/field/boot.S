/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector: the system of programs/vm-raw.sh. It writes the 30 MiB behind the disk's
 * first MiB by the BIOS, 32 KiB at a time, and ends QEMU: with status 1 when all is written,
 * with 3 when a write failed.
 */
	.code16
	xor %ax, %ax
	mov %ax, %ds
	mov $0x7c00 + packet, %si
next:
	mov $0x4300, %ax	/* write to the disk that was booted, which %dl names */
	int $0x13
	jc failed
	addw $64, 0x7c00 + block
	cmpw $63488, 0x7c00 + block
	jb next
	mov $0, %al
	out %al, $0xf4
failed:
	mov $1, %al
	out %al, $0xf4
packet:
	.byte 16, 0
	.word 64, 0, 0x1000
block:
	.word 2048, 0, 0, 0
	.org 510
	.word 0xaa55

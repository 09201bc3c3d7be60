/* SPDX-License-Identifier: GPL-2.0-only */
/* kprobe and kretprobe shims: wherever CONFIG_KPROBES, with or without BTF. */
#ifndef EXT4RACE_HOOKS_KPROBE_BPF_H
#define EXT4RACE_HOOKS_KPROBE_BPF_H

SEC("kprobe/ext4_es_insert_delayed_block")
int BPF_KPROBE(kprobe_insert_block, struct inode *inode, u32 lblk)
{
	return on_delayed_insert(ctx, inode, lblk, 1, false, false);
}

SEC("kprobe/ext4_es_insert_delayed_extent")
int BPF_KPROBE(kprobe_insert_extent, struct inode *inode, u32 lblk, u32 len)
{
	return on_delayed_insert(ctx, inode, lblk, len, false, false);
}

SEC("kprobe/ext4_es_insert_extent")
int BPF_KPROBE(kprobe_es_insert, struct inode *inode, u32 lblk, u32 len, u64 pblk, u32 status)
{
	return on_allocation(ctx, inode, lblk, len, es_pblk_of(pblk, status), false);
}

SEC("kprobe/ext4_fallocate")
int BPF_KPROBE(kprobe_fallocate, struct file *file, int mode, loff_t off, loff_t len)
{
	return on_fallocate(BPF_CORE_READ(file, f_inode), mode, off, len, false);
}

SEC("kprobe/ext4_alloc_file_blocks")
int BPF_KPROBE(kprobe_alloc_blocks, struct file *file, u32 lblk, u32 len)
{
	return on_alloc_range(BPF_CORE_READ(file, f_inode), lblk, len);
}

SEC("kprobe/ext4_alloc_file_blocks")
int BPF_KPROBE(kprobe_alloc_bytes, struct file *file, loff_t off, loff_t len)
{
	const struct inode *inode = BPF_CORE_READ(file, f_inode);
	u32 bits = inode_blkbits(inode, false) & 31;

	return on_alloc_range(inode, off >> bits, ((off + len - 1) >> bits) - (off >> bits) + 1);
}

SEC("kprobe/ext4_da_map_blocks")
int BPF_KPROBE(kprobe_da_map, struct inode *inode)
{
	return on_mapping(inode, false);
}

SEC("kprobe/ext4_page_mkwrite")
int BPF_KPROBE(kprobe_mkwrite, struct vm_fault *vmf)
{
	return on_fault_begin(BPF_CORE_READ(vmf, vma, vm_file, f_inode), BPF_CORE_READ(vmf, pgoff),
			      false);
}

SEC("kretprobe/ext4_page_mkwrite")
int BPF_KRETPROBE(kretprobe_mkwrite, u32 result)
{
	return on_fault_end(ctx, result);
}

SEC("kprobe/ext4_destroy_inode")
int BPF_KPROBE(kprobe_destroy, struct inode *inode)
{
	return on_inode_end(inode, false);
}

#endif /* EXT4RACE_HOOKS_KPROBE_BPF_H */

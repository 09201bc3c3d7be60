/* SPDX-License-Identifier: GPL-2.0-only */
/* fentry and fexit shims: typed arguments, cheapest. Needs BTF of ext4. */
#ifndef EXT4RACE_HOOKS_FENTRY_BPF_H
#define EXT4RACE_HOOKS_FENTRY_BPF_H

SEC("fentry/ext4_es_insert_delayed_block")
int BPF_PROG(fentry_insert_block, struct inode *inode, u32 lblk)
{
	return on_delayed_insert(ctx, inode, lblk, 1, true, cfg_preemptible);
}

SEC("fentry/ext4_es_insert_delayed_extent")
int BPF_PROG(fentry_insert_extent, struct inode *inode, u32 lblk, u32 len)
{
	return on_delayed_insert(ctx, inode, lblk, len, true, cfg_preemptible);
}

SEC("fentry/ext4_es_insert_extent")
int BPF_PROG(fentry_es_insert, struct inode *inode, u32 lblk, u32 len, u64 pblk, u32 status)
{
	return on_allocation(ctx, inode, lblk, len, es_pblk_of(pblk, status), true);
}

SEC("fentry/ext4_fallocate")
int BPF_PROG(fentry_fallocate, struct file *file, int mode, loff_t off, loff_t len)
{
	return on_fallocate(file->f_inode, mode, off, len, true);
}

SEC("fentry/ext4_alloc_file_blocks")
int BPF_PROG(fentry_alloc_blocks, struct file *file, u32 lblk, u32 len)
{
	return on_alloc_range(file->f_inode, lblk, len);
}

SEC("fentry/ext4_alloc_file_blocks")
int BPF_PROG(fentry_alloc_bytes, struct file *file, loff_t off, loff_t len)
{
	u32 bits = inode_blkbits(file->f_inode, true) & 31;

	return on_alloc_range(file->f_inode, off >> bits,
			      ((off + len - 1) >> bits) - (off >> bits) + 1);
}

SEC("fentry/ext4_da_map_blocks")
int BPF_PROG(fentry_da_map, struct inode *inode)
{
	return on_mapping(inode, true);
}

SEC("fentry/ext4_page_mkwrite")
int BPF_PROG(fentry_mkwrite, struct vm_fault *vmf)
{
	return on_fault_begin(vmf->vma->vm_file->f_inode, vmf->pgoff, true);
}

SEC("fexit/ext4_page_mkwrite")
int BPF_PROG(fexit_mkwrite, struct vm_fault *vmf, u32 result)
{
	return on_fault_end(ctx, result);
}

SEC("fentry/ext4_destroy_inode")
int BPF_PROG(fentry_destroy, struct inode *inode)
{
	return on_inode_end(inode, true);
}

#endif /* EXT4RACE_HOOKS_FENTRY_BPF_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ext4race_livepatch: end the delayed insert race on a running kernel.
 *
 * Replaces the function that adds a delayed extent (INSERT in functions.h). It is called with
 * i_data_sem held, so no allocator can change the mapping of the block while it runs. If
 * the block is mapped already, nothing is inserted.
 *
 * Where the insert returns int, the replacement returns -EAGAIN:
 *
 *  - ext4_insert_delayed_block() gives the reservation back, as for any error;
 *  - ext4_page_mkwrite() passes the error through block_page_mkwrite_return(),
 *    which turns -EAGAIN into VM_FAULT_NOPAGE: the access is repeated, faults
 *    again, and this time finds the mapping in its first lookup.
 *
 * Where it returns nothing, the replacement itself gives the reservation back, and the
 * caller goes on as if the insert had succeeded:
 *
 *  - ext4_da_map_blocks() marks the buffer new, delayed, and mapped to a block that does
 *    not exist, which is how every delayed buffer looks;
 *  - writeback asks ext4_map_blocks() for the block of a delayed buffer. It finds the
 *    allocator's extent, so it allocates nothing and takes nothing from the reservations.
 *    It sets the buffer's real block, and clears the mark.
 *  - a truncate or a punch releases reservations by the extent status tree, which has no
 *    delayed entry for the block, and not by the buffer.
 *
 * "Mapped" is decided as by upstream commit 0ea6560abb3b ("ext4: check the
 * extent status again before inserting delalloc block"): the extent status
 * tree is asked first, and where it has no entry, the extents on disk.
 *
 * All other inserts go on to the original function, behind its fentry call.
 *
 * This is right only where the recheck is missing, the callers are as described, and the
 * structures are those that this was compiled with. patch/livepatch/build and init check each
 * of these; if one does not hold, the module does not load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include <linux/utsname.h>

#include "way.h"

/* UTS_VERSION has a header of its own from 6.1 on. */
#if __has_include(<generated/utsversion.h>)
#include <generated/utsversion.h>
#else
#include <generated/compile.h>
#endif

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses ext4 delayed inserts over blocks that are mapped already");

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
#error "implemented and tested only from 5.4 on"
#endif
#ifdef CONFIG_PREEMPT_RT
#error "the semaphores of PREEMPT_RT do not tell who holds them"
#endif

/* Set when an ext4 was loaded that needs no help, or that the module does not fit. */
static bool pass_through;
/* While init runs, this module refuses to load instead. */
static bool loading = true;
/* Since exit began. */
static bool leaving;

static atomic64_t averted = ATOMIC64_INIT(0);
static atomic64_t queried = ATOMIC64_INIT(0);
static atomic64_t unchecked = ATOMIC64_INIT(0);

/* --- the replacement -------------------------------------------------- */

/*
 * A buffered write holds i_rwsem for writing, which excludes every allocator. Its
 * caller would see the error, so it is passed through.
 * The low bits of the owner are flags (kernel/locking/rwsem.c); bit 0 means
 * owned by readers.
 */
static bool is_writer(struct inode *inode)
{
	unsigned long owner = atomic_long_read(&inode->i_rwsem.owner);

	return !(owner & 1) && (owner & ~7UL) == (unsigned long)current;
}

static bool must_check(struct inode *inode)
{
	struct ext4_sb_info *sbi = EXT4_SB(inode->i_sb);

	/*
	 * With bigalloc the caller looks at the cluster under the same lock, and
	 * reserves nothing for a cluster that is allocated.
	 */
	return !READ_ONCE(pass_through) && sbi->s_cluster_ratio == 1 &&
	       !(sbi->s_mount_state & EXT4_FC_REPLAY) && !is_writer(inode);
}

/* 0: no; -EAGAIN: yes; another error: it could not be found out. */
static int already_mapped(struct inode *inode, ext4_lblk_t lblk)
{
	struct ext4_map_blocks map = { .m_lblk = lblk, .m_len = 1 };
	struct extent_status es;
	int ret;

	if (ext4race_call_lookup(inode, lblk, NULL, &es)) {
		if (ext4_es_is_hole(&es))
			return 0;
		atomic64_inc(&averted);
		return -EAGAIN;
	}
	if (ext4_has_inline_data(inode))
		return 0;

	/* No entry: the shrinker may have reclaimed the allocator's. */
	atomic64_inc(&queried);
	if (ext4_test_inode_flag(inode, EXT4_INODE_EXTENTS))
		ret = ext4race_call_ext_map(NULL, inode, &map, 0);
	else
		ret = ext4race_call_ind_map(NULL, inode, &map, 0);
	if (ret <= 0)
		return ret;
	atomic64_inc(&averted);
	return -EAGAIN;
}

#ifdef EXT4RACE_INSERT_VOID

/* True: the block is mapped and its reservation was given back. The caller holds i_data_sem. */
static bool left_out(struct inode *inode, ext4_lblk_t lblk)
{
	int ret;

	if (!must_check(inode))
		return false;
	ret = already_mapped(inode, lblk);
	if (ret == -EAGAIN) {
		ext4race_call_release(inode, 1);
		return true;
	}
	/* The error cannot be returned: the insert is done as without this module. */
	if (ret)
		atomic64_inc(&unchecked);
	return false;
}

#ifdef EXT4RACE_INSERT_EXTENT
void ext4race_insert(struct inode *inode, ext4_lblk_t lblk, ext4_lblk_t len, bool lclu_allocated,
		     bool end_allocated)
{
	int call = CALL_BEGINS();

	/* Faults and writes map one block at a time, up to 7.2. */
	if (len != 1)
		atomic64_inc(&unchecked);
	if (len != 1 || !left_out(inode, lblk))
		ext4race_call_insert(inode, lblk, len, lclu_allocated, end_allocated);
	CALL_ENDS(call);
}
#else
void ext4race_insert(struct inode *inode, ext4_lblk_t lblk, bool allocated)
{
	int call = CALL_BEGINS();

	if (!left_out(inode, lblk))
		ext4race_call_insert(inode, lblk, allocated);
	CALL_ENDS(call);
}
#endif

#else /* the insert returns int */

int ext4race_insert(struct inode *inode, ext4_lblk_t lblk, bool allocated)
{
	int call = CALL_BEGINS(), ret = 0;

	if (must_check(inode))
		ret = already_mapped(inode, lblk);
	if (!ret)
		ret = ext4race_call_insert(inode, lblk, allocated);
	CALL_ENDS(call);
	return ret;
}

#endif

/*
 * When this runs again, for an ext4 that was loaded later, an error would keep that ext4
 * from loading, which is worse than the race.
 */
int ext4race_examine(unsigned long insert)
{
	const char *reason = ext4race_why_not(insert);

	if (reason && loading) {
		pr_err("not loaded: %s\n", reason);
		return -EOPNOTSUPP;
	}
	if (reason && !ext4race_target[TO_INSERT]) {
		pr_err("keeps this ext4 out, since %s; remove this module first\n", reason);
		return -EOPNOTSUPP;
	}
	if (reason)
		pr_warn("does nothing for this ext4: %s\n", reason);
	WRITE_ONCE(pass_through, reason);
	return 0;
}

/* --- what it did: /sys/kernel/ext4race_livepatch ----------------------- */

static ssize_t averted_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%lld\n", (long long)atomic64_read(&averted));
}

static ssize_t queried_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%lld\n", (long long)atomic64_read(&queried));
}

/* Inserts that may have raced, since their block could not be looked up. */
static ssize_t unchecked_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%lld\n", (long long)atomic64_read(&unchecked));
}

/* 1: each delayed insert that begins now goes through the replacement. */
static ssize_t active_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	bool all = !READ_ONCE(loading) && !READ_ONCE(leaving);

	return sprintf(buf, "%d\n", all && !READ_ONCE(pass_through));
}

static ssize_t way_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%s\n", ext4race_way);
}

static struct kobj_attribute averted_attr = __ATTR_RO(averted);
static struct kobj_attribute queried_attr = __ATTR_RO(queried);
static struct kobj_attribute unchecked_attr = __ATTR_RO(unchecked);
static struct kobj_attribute active_attr = __ATTR_RO(active);
static struct kobj_attribute way_attr = __ATTR_RO(way);

static struct attribute *attrs[] = {
	&averted_attr.attr, &queried_attr.attr, &unchecked_attr.attr,
	&active_attr.attr,  &way_attr.attr,	NULL,
};

static const struct attribute_group attr_group = { .attrs = attrs };

static struct kobject *kobj;

static int make_sysfs(void)
{
	int err;

	kobj = kobject_create_and_add(KBUILD_MODNAME, kernel_kobj);
	if (!kobj)
		return -ENOMEM;
	err = sysfs_create_group(kobj, &attr_group);
	if (err)
		kobject_put(kobj);
	return err;
}

/* --- loading ----------------------------------------------------------- */

/*
 * A superblock has a pointer to itself and its on-disk magic. If either is not
 * where the headers say, no other offset can be trusted.
 */
static void look_at_layout(struct super_block *sb, void *wrong)
{
	struct ext4_sb_info *sbi = EXT4_SB(sb);

	if (!sbi || sbi->s_sb != sb || le16_to_cpu(sbi->s_es->s_magic) != EXT4_SUPER_MAGIC)
		*(bool *)wrong = true;
}

/* Finds ext4's module and takes a reference to it; NULL when ext4 is built in. */
static int find_ext4(struct module **ext4)
{
	struct file_system_type *fs = get_fs_type("ext4");
	bool wrong = false;

	if (!fs) {
		pr_err("not loaded: this kernel has no ext4; load ext4 first\n");
		return -ENODEV;
	}
	*ext4 = fs->owner;
	iterate_supers_type(fs, look_at_layout, &wrong);
	if (wrong) {
		module_put(fs->owner);
		pr_err("not loaded: ext4's structures are not laid out as when this was built\n");
		return -ENOEXEC;
	}
	return 0;
}

static int __init ext4race_livepatch_init(void)
{
	struct module *ext4;
	int err;

	/* uname -v: the vermagic has only the release, which several builds share. */
	if (strcmp(init_utsname()->version, UTS_VERSION)) {
		pr_err("not loaded: built for \"%s\", this is \"%s\"\n", UTS_VERSION,
		       init_utsname()->version);
		return -ENOEXEC;
	}
	err = make_sysfs();
	if (err)
		return err;
	err = find_ext4(&ext4);
	if (!err)
		err = ext4race_way_in(ext4);
	if (err == -EBUSY)
		pr_err("not loaded: something else redirects " INSERT
		       " (an fentry program?); let it attach by kprobe instead\n");
	if (err) {
		kobject_put(kobj);
		return err;
	}
	WRITE_ONCE(loading, false);
	pr_info("refusing delayed inserts over mapped blocks\n");
	return 0;
}

static void __exit ext4race_livepatch_exit(void)
{
	WRITE_ONCE(leaving, true);
	ext4race_way_out();
	kobject_put(kobj);
	pr_info("unloaded after averting %lld\n", (long long)atomic64_read(&averted));
}

module_init(ext4race_livepatch_init);
module_exit(ext4race_livepatch_exit);

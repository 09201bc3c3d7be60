// SPDX-License-Identifier: GPL-2.0-only
/*
 * ext4race_livepatch: end the delayed insert race on a running kernel.
 *
 * Replaces ext4_es_insert_delayed_block(). The function is called with
 * i_data_sem held, so no allocator can change the mapping of the block while
 * it runs. If the block is mapped already, the insert is refused with -EAGAIN:
 *
 *  - ext4_insert_delayed_block() gives the reservation back, as for any error;
 *  - ext4_page_mkwrite() passes the error through block_page_mkwrite_return(),
 *    which turns -EAGAIN into VM_FAULT_NOPAGE: the access is repeated, faults
 *    again, and this time finds the mapping in its first lookup.
 *
 * "Mapped" is decided as by upstream commit 0ea6560abb3b ("ext4: check the
 * extent status again before inserting delalloc block"): the extent status
 * tree is asked first, and where it has no entry, the extents on disk.
 *
 * All other inserts go on to the original function, behind its fentry call.
 *
 * This is right only where the insert returns int, its caller handles the error,
 * the recheck is missing, and the structures are those that this was compiled
 * with. patch/livepatch/build and init check each of these; if one does not hold,
 * the module does not load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/utsname.h>
#include <linux/version.h>

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses ext4 delayed inserts over blocks that are mapped already");
MODULE_INFO(livepatch, "Y");

#ifdef EXT4RACE_DECLINE

/* Built on request for a kernel that it must not be used on: it only says so. */
static int __init ext4race_livepatch_init(void)
{
	pr_err("not loaded: %s\n", EXT4RACE_DECLINE);
	return -EOPNOTSUPP;
}

#else

#if !defined(CONFIG_X86_64)
#error "how to enter a function behind its fentry call is implemented only for x86-64"
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
#error "implemented and tested only from 5.4 on"
#endif
#ifdef CONFIG_PREEMPT_RT
#error "the semaphores of PREEMPT_RT do not tell who holds them"
#endif
#ifdef CONFIG_X86_KERNEL_IBT
#error "with CONFIG_X86_KERNEL_IBT a function cannot be entered behind its fentry call"
#endif

#include "ext4.h"
#include "ext4_jbd2.h"
#include "ext4_extents.h"

/* UTS_VERSION has a header of its own from 6.1 on. */
#if __has_include(<generated/utsversion.h>)
#include <generated/utsversion.h>
#else
#include <generated/compile.h>
#endif

/* Replay of fast commits, 8016e29f4362 (5.10). */
#ifndef EXT4_FC_REPLAY
#define EXT4_FC_REPLAY 0
#endif

#define INSERT "ext4_es_insert_delayed_block"

static_assert(__builtin_types_compatible_p(typeof(ext4_es_insert_delayed_block),
					   int(struct inode *, ext4_lblk_t, bool)),
	      INSERT " has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_es_lookup_extent),
					   int(struct inode *, ext4_lblk_t, ext4_lblk_t *,
					       struct extent_status *)),
	      "ext4_es_lookup_extent has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_ext_map_blocks),
					   int(handle_t *, struct inode *, struct ext4_map_blocks *,
					       int)),
	      "ext4_ext_map_blocks has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_ind_map_blocks),
					   int(handle_t *, struct inode *, struct ext4_map_blocks *,
					       int)),
	      "ext4_ind_map_blocks has another prototype here");

/* ext4 does not export these functions, so their addresses are looked up. */
static struct {
	typeof(ext4_es_insert_delayed_block) *insert; /* behind its fentry call */
	typeof(ext4_es_lookup_extent) *lookup;
	typeof(ext4_ext_map_blocks) *ext_map;
	typeof(ext4_ind_map_blocks) *ind_map;
} ext4;

/* Set when an ext4 was loaded that needs no help, or that the livepatch does not fit. */
static bool pass_through;
/* While init runs, this module refuses to load instead. */
static bool loading = true;

static atomic64_t averted = ATOMIC64_INIT(0);
static atomic64_t queried = ATOMIC64_INIT(0);

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

	if (ext4.lookup(inode, lblk, NULL, &es)) {
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
		ret = ext4.ext_map(NULL, inode, &map, 0);
	else
		ret = ext4.ind_map(NULL, inode, &map, 0);
	if (ret <= 0)
		return ret;
	atomic64_inc(&averted);
	return -EAGAIN;
}

static int insert_delayed_block(struct inode *inode, ext4_lblk_t lblk, bool allocated)
{
	int ret;

	if (must_check(inode)) {
		ret = already_mapped(inode, lblk);
		if (ret)
			return ret;
	}
	return ext4.insert(inode, lblk, allocated);
}

/* --- does it fit this kernel? ----------------------------------------- */

/*
 * A disarmed kprobe finds an address without changing the kernel's code. Since 5.7
 * modules cannot use kallsyms_lookup_name().
 */
static unsigned long address_of(const char *name)
{
	struct kprobe kp = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long addr;

	if (register_kprobe(&kp))
		return 0;
	addr = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

static unsigned long size_of_function(unsigned long addr)
{
	char text[KSYM_SYMBOL_LEN];
	unsigned long offset, size;
	char *at;

	/* "name+0x0/0x1b0 [ext4]" */
	sprint_symbol(text, addr);
	at = strrchr(text, '+');
	if (!at || sscanf(at, "+%lx/%lx", &offset, &size) != 2 || offset)
		return 0;
	return size;
}

/* Direct calls (e8 rel32) from one function to another. */
static int calls_from(const char *name, unsigned long target)
{
	unsigned long addr = address_of(name), size, at;
	int calls = 0;
	s32 rel;

	if (!addr)
		return 0;
	size = size_of_function(addr);
	for (at = addr; size >= 5 && at <= addr + size - 5; at++) {
		if (*(u8 *)at != 0xe8)
			continue;
		memcpy(&rel, (void *)(at + 1), sizeof(rel));
		calls += at + 5 + rel == target;
	}
	return calls;
}

/*
 * The mapping function looks a block up once; with the fix, twice. Most builds
 * inline it into its only caller, and others rename it.
 */
static int lookups_per_mapping(void)
{
	static const char *const callers[] = {
		"ext4_da_get_block_prep",
		"ext4_da_get_block_prep.cold",
		"ext4_da_map_blocks",
		"ext4_da_map_blocks.cold",
		"ext4_da_map_blocks.isra.0",
		"ext4_da_map_blocks.isra.0.cold",
		"ext4_da_map_blocks.constprop.0",
		"ext4_da_map_blocks.constprop.0.cold",
	};
	int i, calls = 0;

	for (i = 0; i < ARRAY_SIZE(callers); i++)
		calls += calls_from(callers[i], (unsigned long)ext4.lookup);
	return calls;
}

/* Is this the place where ftrace puts its call, whether it is traced now or not? */
static bool is_fentry(const u8 *at)
{
	/* The nop depends on the processor before 5.13 (arch/x86/include/asm/nops.h). */
	static const u8 nops[][5] = {
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x66, 0x66, 0x66, 0x90 },
		{ 0x3e, 0x8d, 0x74, 0x26, 0x00 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(nops); i++) {
		if (!memcmp(at, nops[i], sizeof(nops[i])))
			return true;
	}
	return *at == 0xe8;
}

/* Where the function continues after its fentry call, or 0. */
static unsigned long behind_fentry(unsigned long addr)
{
	return is_fentry((u8 *)addr) ? addr + 5 : 0;
}

/* NULL when the livepatch fits, else the reason why not. */
static const char *why_not(unsigned long insert)
{
	ext4.insert = (void *)behind_fentry(insert);
	ext4.lookup = (void *)address_of("ext4_es_lookup_extent");
	ext4.ext_map = (void *)address_of("ext4_ext_map_blocks");
	ext4.ind_map = (void *)address_of("ext4_ind_map_blocks");
	if (!ext4.insert)
		return INSERT " does not begin with an fentry call";
	if (!ext4.lookup || !ext4.ext_map || !ext4.ind_map)
		return "the lookup functions of ext4 cannot be found (is CONFIG_KPROBES on?)";
	switch (lookups_per_mapping()) {
	case 0:
		return "cannot see how ext4 maps delayed blocks here";
	case 1:
		return NULL;
	default:
		return "ext4 looks the block up again already: this kernel is fixed";
	}
}

/*
 * Runs before the function is redirected: from init, and again each time an
 * ext4 module is loaded. In the second case an error would keep ext4 from
 * loading, which is worse than the race.
 */
static int examine(struct klp_object *obj)
{
	unsigned long insert = (unsigned long)obj->funcs[0].old_func;
	const char *reason = why_not(insert);

	if (reason && loading) {
		pr_err("not loaded: %s\n", reason);
		return -EOPNOTSUPP;
	}
	if (reason && !ext4.insert) {
		pr_err("keeps this ext4 out, since %s; remove this module first\n", reason);
		return -EOPNOTSUPP;
	}
	if (reason)
		pr_warn("does nothing for this ext4: %s\n", reason);
	WRITE_ONCE(pass_through, reason);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = INSERT, .new_func = insert_delayed_block },
	{},
};

static struct klp_object objs[] = {
	{ .funcs = funcs, .callbacks = { .pre_patch = examine } },
	{},
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

/* --- what it did: /sys/kernel/ext4race_livepatch ----------------------- */

static ssize_t averted_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%lld\n", (long long)atomic64_read(&averted));
}

static ssize_t queried_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%lld\n", (long long)atomic64_read(&queried));
}

static ssize_t active_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%d\n", !READ_ONCE(pass_through));
}

static struct kobj_attribute averted_attr = __ATTR_RO(averted);
static struct kobj_attribute queried_attr = __ATTR_RO(queried);
static struct kobj_attribute active_attr = __ATTR_RO(active);

static struct attribute *attrs[] = {
	&averted_attr.attr,
	&queried_attr.attr,
	&active_attr.attr,
	NULL,
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

/* Finds ext4, as a module or built in, and names it for livepatch. */
static int find_ext4(void)
{
	struct file_system_type *fs = get_fs_type("ext4");
	bool wrong = false;

	if (!fs) {
		pr_err("not loaded: this kernel has no ext4; load ext4 first\n");
		return -ENODEV;
	}
	iterate_supers_type(fs, look_at_layout, &wrong);
	objs[0].name = fs->owner ? "ext4" : NULL;
	module_put(fs->owner);
	if (wrong) {
		pr_err("not loaded: ext4's structures are not laid out as when this was built\n");
		return -ENOEXEC;
	}
	return 0;
}

static int __init ext4race_livepatch_init(void)
{
	int err;

	/* uname -v: the vermagic has only the release, which several builds share. */
	if (strcmp(init_utsname()->version, UTS_VERSION)) {
		pr_err("not loaded: built for \"%s\", this is \"%s\"\n", UTS_VERSION,
		       init_utsname()->version);
		return -ENOEXEC;
	}
	err = find_ext4();
	if (err)
		return err;
	err = make_sysfs();
	if (err)
		return err;
	err = klp_enable_patch(&patch);
	if (err == -EBUSY)
		pr_err("not loaded: something else redirects " INSERT
		       " (an fentry program?); let it attach by kprobe instead\n");
	if (err) {
		kobject_put(kobj);
		return err;
	}
	loading = false;
	pr_info("refusing delayed inserts over mapped blocks\n");
	return 0;
}

static void __exit ext4race_livepatch_exit(void)
{
	kobject_put(kobj);
	pr_info("unloaded after averting %lld\n", (long long)atomic64_read(&averted));
}

module_exit(ext4race_livepatch_exit);

#endif /* EXT4RACE_DECLINE */

module_init(ext4race_livepatch_init);

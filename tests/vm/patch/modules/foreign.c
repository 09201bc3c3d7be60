// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's livepatch of the delayed insert, which knows nothing of the race. It is
 * for kernels with ext4 built in, whose insert returns int. Of several livepatches of a
 * function the last one runs, so that this one undoes what an earlier one averts.
 */
#include <linux/fs.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static int insert(struct inode *inode, u32 lblk, bool allocated);

static struct klp_func funcs[] = {
	{ .old_name = "ext4_es_insert_delayed_block", .new_func = insert },
	{},
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{},
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

/* The original, behind its fentry call. */
static int insert(struct inode *inode, u32 lblk, bool allocated)
{
	typeof(insert) *original = (void *)((unsigned long)funcs[0].old_func + 5);

	return original(inode, lblk, allocated);
}

static int __init foreign_init(void)
{
	return klp_enable_patch(&patch);
}
module_init(foreign_init);

static void __exit foreign_exit(void)
{
}
module_exit(foreign_exit);

MODULE_DESCRIPTION("Replaces the delayed insert by itself, for a test");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");

// SPDX-License-Identifier: GPL-2.0-only
/* Built on request for a kernel that the remedy must not be used on: it only says so. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>

static int __init ext4race_decline_init(void)
{
	pr_err("not loaded: %s\n", EXT4RACE_DECLINE);
	return -EOPNOTSUPP;
}
module_init(ext4race_decline_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Says why this kernel cannot be helped against the ext4 delayed insert race");

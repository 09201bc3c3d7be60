// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that provokes a kernel report when it is loaded: what the VM
 * harness must notice, for its self-test. It never stays loaded.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

static char *how = "warn";
module_param(how, charp, 0);
MODULE_PARM_DESC(how, "warn or bug");

static int __init splatter_init(void)
{
	WARN(!strcmp(how, "warn"), "splatter was asked for this\n");
	BUG_ON(!strcmp(how, "bug"));
	return -ECANCELED;
}
module_init(splatter_init);

MODULE_DESCRIPTION("Provokes a WARN or a BUG for a test");
MODULE_LICENSE("GPL");

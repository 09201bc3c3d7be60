// SPDX-License-Identifier: GPL-2.0-only
/* The way in by a livepatch: each task changes over when it is not in the function. */
#include <linux/livepatch.h>

#include "way.h"

MODULE_INFO(livepatch, "Y");

const char ext4race_way[] = "livepatch";

/* Called from way_in, and again each time that an ext4 module is loaded. */
static int examine(struct klp_object *obj)
{
	return ext4race_examine((unsigned long)obj->funcs[0].old_func);
}

static struct klp_func funcs[] = {
	{ .old_name = INSERT, .new_func = ext4race_insert },
	{},
};

static struct klp_object objs[] = {
	{ .funcs = funcs, .callbacks = { .pre_patch = examine } },
	{},
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

int ext4race_way_in(struct module *ext4)
{
	objs[0].name = ext4 ? "ext4" : NULL;
	/* Live patching itself follows ext4 as it comes and goes. */
	module_put(ext4);
	return klp_enable_patch(&patch);
}

/* rmmod is possible only when the livepatch is disabled and its transition has ended. */
void ext4race_way_out(void)
{
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in where there is no live patching: ftrace calls redirect() at each entry of the
 * insert, and redirect() has it continue in the replacement. A task that is in the insert
 * already finishes it as it began. This is enough: the replacement keeps no state between
 * two calls, so it does not matter which task uses it from when on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/rcupdate.h>

#include "way.h"

const char ext4race_way[] = "ftrace";

DEFINE_SRCU(ext4race_calls);

static struct module *ext4_module;
static unsigned long site; /* the fentry call of the insert */

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct pt_regs *regs)
{
	instruction_pointer_set(regs, (unsigned long)ext4race_insert);
}
#elif defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)
static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	instruction_pointer_set(ftrace_get_regs(fregs), (unsigned long)ext4race_insert);
}
#else
static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)ext4race_insert);
}
#endif

static struct ftrace_ops ops = { .func = redirect,
				 .flags = FTRACE_OPS_FL_IPMODIFY
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_REGS
					  | FTRACE_OPS_FL_SAVE_REGS
#endif
};

static int redirect_begins(void)
{
	unsigned long insert = ext4race_address_of(INSERT);
	int err;

	if (!insert) {
		pr_err("not loaded: " INSERT " cannot be found\n");
		return -ENOENT;
	}
	err = ext4race_examine(insert);
	if (err)
		return err;
	site = ext4race_target[TO_INSERT] - MCOUNT_INSN_SIZE;
	err = ftrace_set_filter_ip(&ops, site, 0, 0);
	if (err) {
		pr_err("not loaded: ftrace does not know " INSERT "\n");
		return err;
	}
	err = register_ftrace_function(&ops);
	if (err)
		ftrace_set_filter_ip(&ops, site, 1, 0);
	return err;
}

int ext4race_way_in(struct module *ext4)
{
	int err = redirect_begins();

	if (err) {
		module_put(ext4);
		return err;
	}
	/* Nothing would tell this module that ext4 was unloaded, so ext4 has to stay. */
	ext4_module = ext4;
	return 0;
}

void ext4race_way_out(void)
{
	unregister_ftrace_function(&ops);
	ftrace_set_filter_ip(&ops, site, 1, 0);
	/* A task may be between redirect() and the first instructions of the replacement. */
	synchronize_rcu_tasks();
	/* It may sleep in the replacement, while ext4 reads from the disk. */
	synchronize_srcu(&ext4race_calls);
	/* And it may be at the replacement's last instructions. */
	synchronize_rcu_tasks();
	module_put(ext4_module);
}

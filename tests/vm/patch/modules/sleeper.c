// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread whose stack cannot be relied on, as those of some modules from elsewhere: no
 * livepatch transition ends while it is there (kernel/livepatch/transition.c,
 * klp_check_stack()).
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static DECLARE_COMPLETION(began);
static struct task_struct *thread;

static int sleep_on(void *unused)
{
	complete(&began);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init sleeper_init(void)
{
	thread = kthread_run(sleep_on, NULL, "sleeper");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* From then on this module's code is on its stack. */
	wait_for_completion(&began);
	return 0;
}
module_init(sleeper_init);

static void __exit sleeper_exit(void)
{
	kthread_stop(thread);
}
module_exit(sleeper_exit);

MODULE_DESCRIPTION("Keeps livepatch transitions from ending, for a test");
MODULE_LICENSE("GPL");

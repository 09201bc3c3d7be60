// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on no list is refused with EPERM rather than death: a C library that makes
 * another call than this one's must not end the monitor. The calls that only somebody
 * else's code would make end the process, and the kernel logs that.
 *
 * Names are looked up while it runs, as the libseccomp of older distributions does not
 * know the newer ones; a call that it does not know is refused.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine/syscalls.h"

static const char *const allowed[] = {
	/* files and directories; Landlock and the user decide which */
	"open",
	"openat",
	"close",
	"read",
	"pread64",
	"readv",
	"write",
	"pwrite64",
	"writev",
	"lseek",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"fadvise64",
	"fcntl",
	"dup",
	"dup2",
	"dup3",
	"open_by_handle_at",
	"syncfs",
	"fsync",
	"fdatasync",
	"ftruncate",
	"fchmod",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"umask",
	/* waiting */
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"signalfd4",
	"inotify_add_watch",
	"inotify_rm_watch",
	"nanosleep",
	"clock_nanosleep",
	"restart_syscall",
	/* sockets that are there */
	"accept",
	"accept4",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"shutdown",
	/* a long report to the journal */
	"memfd_create",
	/* memory and threads */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"futex",
	"futex_waitv",
	"membarrier",
	"set_robust_list",
	"rseq",
	"set_tid_address",
	"sched_yield",
	"sched_getaffinity",
	"sigaltstack",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"exit",
	"exit_group",
	/* what and when it is */
	"clock_gettime",
	"clock_getres",
	"gettimeofday",
	"time",
	"getrandom",
	"uname",
	"sysinfo",
	"getrusage",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getcpu",
	"capget",
	/* what is permitted in and out of effect */
	"capset",
};

static const char *const never[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_getfd",
	"kcmp",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"fsopen",
	"mount_setattr",
	"setns",
	"unshare",
	"io_uring_setup",
	"userfaultfd",
	"add_key",
	"request_key",
	"keyctl",
	"swapon",
	"acct",
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"iopl",
	"ioperm",
	"modify_ldt",
	"personality",
	"syslog",
	"quotactl",
	"lookup_dcookie",
};

/* By descriptors that are open; nothing is made or loaded. */
static const unsigned int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM, /* events, before 5.8 */
	BPF_OBJ_GET_INFO_BY_FD,
	BPF_MAP_LOOKUP_BATCH,
	/* ext4 is back, or the verdict is sampled again */
	BPF_RAW_TRACEPOINT_OPEN,
	BPF_LINK_CREATE,
	BPF_PROG_TEST_RUN,
};

static const unsigned long ioctls[] = {
	TCGETS, FIONREAD, PERF_EVENT_IOC_SET_BPF, PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE,
};

/* How large a terminal is, and who is in its foreground. */
static const unsigned long terminal_ioctls[] = { TIOCGWINSZ, TIOCGPGRP };

/* Anything but to name a thread would change what the process may do. */
static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_GET_SECUREBITS };

#define NAMESPACES                                                                                 \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One more rule for a call, or nothing where this architecture or library has no such call. */
static int add_args(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned int n,
		    const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name), err;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add_array(ctx, action, nr, n, args);
	return err == -EDOM ? 0 : err;
}

static int add(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = add_args(ctx, action, names[i], 0, NULL);
	return err;
}

/* Allows `name` where its argument `arg` is value. */
static int allow_value(scmp_filter_ctx ctx, const char *name, unsigned int arg, uint64_t value)
{
	/* Ints: what the upper half of the register holds is the caller's. */
	const struct scmp_arg_cmp cmp = SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, value);

	return add_args(ctx, SCMP_ACT_ALLOW, name, 1, &cmp);
}

/* Allows `name` where the bits `mask` of its argument `arg` are `value`. */
static int allow_bits(scmp_filter_ctx ctx, const char *name, unsigned int arg, uint64_t mask,
		      uint64_t value)
{
	const struct scmp_arg_cmp cmp = SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value);

	return add_args(ctx, SCMP_ACT_ALLOW, name, 1, &cmp);
}

static int allow_commands(scmp_filter_ctx ctx, bool terminal)
{
	size_t i;
	int err = 0;

	for (i = 0; i < COUNT(bpf_commands) && !err; i++)
		err = allow_value(ctx, "bpf", 0, bpf_commands[i]);
	for (i = 0; i < COUNT(ioctls) && !err; i++)
		err = allow_value(ctx, "ioctl", 1, ioctls[i]);
	for (i = 0; terminal && i < COUNT(terminal_ioctls) && !err; i++)
		err = allow_value(ctx, "ioctl", 1, terminal_ioctls[i]);
	for (i = 0; i < COUNT(prctls) && !err; i++)
		err = allow_value(ctx, "prctl", 0, prctls[i]);
	return err;
}

/* Datagrams to journald and to the service manager; none to another host. */
static int allow_sending(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp datagram[] = {
		SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX),
		SCMP_A1_32(SCMP_CMP_MASKED_EQ, (uint32_t) ~(SOCK_CLOEXEC | SOCK_NONBLOCK),
			   SOCK_DGRAM),
	};
	int err = add_args(ctx, SCMP_ACT_ALLOW, "socket", COUNT(datagram), datagram);

	/* With TCP Fast Open a sending call connects. */
	if (!err)
		err = allow_bits(ctx, "sendto", 3, MSG_FASTOPEN, 0);
	if (!err)
		err = allow_bits(ctx, "sendmsg", 2, MSG_FASTOPEN, 0);
	return err;
}

/* No code is added to what is there, and no process. */
static int allow_growing(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp nothing_new = SCMP_A2_64(SCMP_CMP_EQ, 0);
	int err = allow_bits(ctx, "mmap", 2, PROT_EXEC, 0);

	if (!err)
		err = allow_bits(ctx, "mprotect", 2, PROT_EXEC, 0);
	if (!err)
		err = allow_bits(ctx, "clone", 0, CLONE_THREAD | NAMESPACES, CLONE_THREAD);
	/* The flags are in memory, which a filter cannot see: so the C library takes clone(). */
	if (!err)
		err = add_args(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	/* abort() */
	if (!err)
		err = allow_value(ctx, "tgkill", 0, getpid());
	if (!err)
		err = add_args(ctx, SCMP_ACT_ALLOW, "prlimit64", 1, &nothing_new);
	return err;
}

static int add_rules(scmp_filter_ctx ctx, bool kprobes, bool terminal)
{
	int err = add(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

	if (!err)
		err = add(ctx, SCMP_ACT_KILL_PROCESS, never, COUNT(never));
	if (!err)
		err = allow_commands(ctx, terminal);
	if (!err)
		err = allow_sending(ctx);
	if (!err)
		err = allow_growing(ctx);
	if (!err && kprobes)
		err = add_args(ctx, SCMP_ACT_ALLOW, "perf_event_open", 0, NULL);
	return err;
}

int syscalls_limit(bool kprobes, bool terminal)
{
	scmp_filter_ctx ctx;
	int err;

	if (prctl(PR_GET_SECCOMP) < 0)
		return -ENOSYS;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return -ENOMEM;
	/* Another architecture's calls have other numbers. */
	err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A binary tree instead of a list; libseccomp before 2.5 has none. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = add_rules(ctx, kprobes, terminal);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

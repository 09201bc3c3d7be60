// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervise KIND N FILE CMD ARG...: runs CMD, whose Nth system call of a kind fails, by
 * seccomp's user notification (5.5). KIND: open, write, mmap or bpf, or none: nothing fails.
 * FILE gets "failed NAME FILE-DESCRIPTOR" if one was failed, then "calls COUNT". Ends as CMD
 * did, also by its signal. Calls before main() are not counted: alloc.c says where it begins.
 *
 * CMD's children are waited for as well: "left PID" is one that outlived it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

static const struct call {
	const char *kind;
	const char *name;
	int nr;
	int error;
} calls[] = {
	{ "open", "openat", SYS_openat, EMFILE },
#ifdef SYS_open
	{ "open", "open", SYS_open, EMFILE },
#endif
	{ "open", "socket", SYS_socket, EMFILE },
	{ "open", "eventfd2", SYS_eventfd2, EMFILE },
	{ "open", "timerfd_create", SYS_timerfd_create, EMFILE },
	{ "open", "signalfd4", SYS_signalfd4, EMFILE },
	{ "open", "epoll_create1", SYS_epoll_create1, EMFILE },
	{ "open", "pipe2", SYS_pipe2, EMFILE },
	{ "open", "memfd_create", SYS_memfd_create, EMFILE },
	{ "write", "write", SYS_write, ENOSPC },
	{ "write", "writev", SYS_writev, ENOSPC },
	{ "write", "pwrite64", SYS_pwrite64, EIO },
	{ "write", "sendto", SYS_sendto, ENOBUFS },
	{ "write", "sendmsg", SYS_sendmsg, ENOBUFS },
	{ "write", "fsync", SYS_fsync, EIO },
	{ "write", "ftruncate", SYS_ftruncate, EIO },
	{ "write", "renameat2", SYS_renameat2, EIO },
#ifdef SYS_rename
	{ "write", "rename", SYS_rename, EIO },
#endif
	{ "mmap", "mmap", SYS_mmap, ENOMEM },
	{ "mmap", "mremap", SYS_mremap, ENOMEM },
	{ "bpf", "bpf", SYS_bpf, ENOMEM },
	{ "bpf", "perf_event_open", SYS_perf_event_open, ENOMEM },
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

/* What the child tells before it has become CMD. */
static struct shared {
	int listener;
} * shared;

static int listener_for(const char *kind)
{
	struct sock_filter code[N_CALLS * 2 + 8];
	struct sock_fprog filter = { .filter = code };
	size_t i, n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (i = 0; i < N_CALLS; i++) {
		if (strcmp(calls[i].kind, kind))
			continue;
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned int)calls[i].nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, args[0]));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FAULTS_BEGIN, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter.len = (unsigned short)n;
	/* Without PR_SET_NO_NEW_PRIVS: root needs it not, and CMD keeps what it would have. */
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &filter);
}

static pid_t start(const char *kind, char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	/* The same addresses in every run. */
	personality(ADDR_NO_RANDOMIZE);
	shared->listener = listener_for(kind);
	if (shared->listener < 0)
		shared->listener = -errno;
	raise(SIGSTOP);
	execvp(command[0], command);
	_exit(127);
}

/* The child's listener, from the child itself. */
static int take_listener(pid_t pid)
{
	int status, pidfd, fd;

	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		errx(1, "the child did not stop");
	if (shared->listener < 0)
		errx(1, "seccomp: %s", strerror(-shared->listener));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, shared->listener, 0);
	if (fd < 0)
		err(1, "pidfd");
	close(pidfd);
	kill(pid, SIGCONT);
	return fd;
}

static const struct call *call_of(int nr)
{
	size_t i;

	for (i = 0; i < N_CALLS; i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* Answers one call. False when there is none any more. */
static bool answer(int fd, unsigned long nth, unsigned long *count, FILE *log)
{
	static bool begun, failed;
	struct seccomp_notif notif = {};
	struct seccomp_notif_resp resp = {};
	const struct call *call;

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &notif))
		return errno == EINTR || errno == ENOENT;
	resp.id = notif.id;
	resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	call = call_of(notif.data.nr);
	if (!call)
		begun = true;
	else if (begun)
		++*count;
	if (call && begun && nth && *count == nth && !failed) {
		fprintf(log, "failed %s %d\n", call->name, (int)notif.data.args[0]);
		fflush(log);
		failed = true;
		resp.flags = 0;
		resp.error = -call->error;
	}
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	return true;
}

static void supervise(int fd, unsigned long nth, FILE *log)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	unsigned long count = 0;

	for (;;) {
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			break;
		if (pfd.revents & POLLIN && !answer(fd, nth, &count, log))
			break;
		/* Nobody is under the filter any more. */
		if (!(pfd.revents & POLLIN) && pfd.revents & (POLLHUP | POLLERR))
			break;
	}
	fprintf(log, "calls %lu\n", count);
}

int main(int argc, char **argv)
{
	int status, left = 0, fd;
	pid_t pid, other;
	FILE *log;

	if (argc < 5) {
		fputs("usage: supervise KIND N FILE CMD ARG...\n", stderr);
		return 64;
	}
	log = fopen(argv[3], "we");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (!log || shared == MAP_FAILED)
		err(1, "%s", argv[3]);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = start(argv[1], argv + 4);
	fd = take_listener(pid);
	fprintf(log, "pid %d\n", pid);
	fflush(log);
	supervise(fd, strtoul(argv[2], NULL, 10), log);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	while ((other = waitpid(-1, NULL, WNOHANG)) >= 0 || errno == EINTR) {
		if (!other && !left++)
			fprintf(log, "left a process\n");
		if (!other)
			break;
	}
	fclose(log);
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	return WEXITSTATUS(status);
}

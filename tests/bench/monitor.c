// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"

#define ARGS_MAX 64

double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

unsigned long kib_of(pid_t pid, const char *what)
{
	unsigned long kib = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, what, strlen(what)))
			kib = strtoul(line + strlen(what), NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

double cpu_ns_of(pid_t pid)
{
	unsigned long long ns;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		errx(1, "%s cannot be read", path);
	fclose(f);
	return (double)ns;
}

cpu_set_t all_cpus;

/*
 * It judges the kernel from the first delayed inserts, with more hooks: makes some,
 * waits for the verdict, and until it is asleep.
 */
static void monitor_settle(struct monitor *mon, int dirfd)
{
	struct pollfd pfd = { .fd = mon->out, .events = POLLIN };
	double ns, until = now_ms() + START_TIMEOUT_MS;
	char path[64], buf[65536], state;
	FILE *f;

	do {
		/* On a busy machine it may not look yet when the first are made. */
		do {
			if (now_ms() > until)
				errx(1, "the monitor came to no verdict");
			if (ops[1].run(&ops[1], dirfd, &ns))
				errx(1, "%s failed", ops[1].name);
		} while (!poll(&pfd, 1, 100));
		memset(buf, 0, sizeof(buf));
		if (read(mon->out, buf, sizeof(buf) - 1) <= 0)
			errx(1, "the monitor ended");
	} while (!strstr(buf, "\"type\":\"verdict\""));
	snprintf(path, sizeof(path), "/proc/%d/stat", mon->pid);
	do {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %c", &state) != 1 || now_ms() > until)
			errx(1, "the monitor did not come to rest");
		fclose(f);
	} while (state != 'S');
}

/* BENCH_ATTACH: --attach; BENCH_ARGS: more options, separated by single spaces. */
static __attribute__((noreturn)) void monitor_exec(const char *tool)
{
	char *attach = getenv("BENCH_ATTACH"), *more = getenv("BENCH_ARGS");
	char *argv[ARGS_MAX + 1] = { (char *)tool, "-o", "json", "--attach",
				     attach ? attach : "auto" };
	size_t n = 5;

	while (more && *more && n < ARGS_MAX)
		argv[n++] = strsep(&more, " ");
	execv(tool, argv);
	_exit(127);
}

void monitor_start(struct monitor *mon, const char *tool, int dirfd)
{
	struct pollfd pfd;
	char buf[65536];
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		errx(1, "pipe: %s", strerror(errno));
	mon->start_ms = now_ms();
	mon->pid = fork();
	if (!mon->pid) {
		/* Not on the CPU where the time is taken. */
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(fds[1], STDOUT_FILENO);
		monitor_exec(tool);
	}
	if (mon->pid < 0)
		errx(1, "fork: %s", strerror(errno));
	close(fds[1]);
	mon->out = fds[0];
	pfd = (struct pollfd){ .fd = mon->out, .events = POLLIN };
	if (poll(&pfd, 1, START_TIMEOUT_MS) != 1)
		errx(1, "%s did not start in time", tool);
	n = read(mon->out, buf, sizeof(buf));
	if (n <= 0 || strncmp(buf, "{\"type\":\"start\"", 15))
		errx(1, "%s did not start", tool);
	mon->start_ms = now_ms() - mon->start_ms;
	mon->start_cpu = cpu_ns_of(mon->pid);
	monitor_settle(mon, dirfd);
}

void monitor_end(struct monitor *mon)
{
	char buf[65536];
	int status;

	kill(mon->pid, SIGINT);
	while (read(mon->out, buf, sizeof(buf)) > 0)
		;
	close(mon->out);
	if (waitpid(mon->pid, &status, 0) != mon->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "the monitor did not end well: status %#x", status);
}

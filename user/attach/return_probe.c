// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/return_probe.h"
#include "host/kernel.h"

#define GROUP "ext4race"

static unsigned int made; /* definitions of this process, the removed ones too */

/*
 * kprobe_events, for appending: truncating would remove all. It stays open, because a
 * confined monitor cannot open it and still has to remove what it defined. Negative errno.
 */
static int events_fd(void)
{
	static int fd = -1;
	char path[PATH_MAX];

	if (fd >= 0)
		return fd;
	if (!kernel_tracefs("kprobe_events", path, sizeof(path)))
		return -ENOENT;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Writes one line there. 0 or negative errno. */
static int command(const char *line)
{
	size_t len = strlen(line);
	int fd = events_fd();

	if (fd < 0)
		return fd;
	return write(fd, line, len) == (ssize_t)len ? 0 : -errno;
}

/* The kernel refuses to remove an event that is in use. */
static void remove_event(const char *event)
{
	char line[128];

	snprintf(line, sizeof(line), "-:" GROUP "/%s\n", event);
	command(line);
}

/*
 * Whether the process that made a definition is gone. Before this process has made any, one
 * with its own number is of an earlier one: the monitor of a container always is PID 1.
 */
static bool is_gone(int pid, bool first)
{
	if (pid == getpid())
		return first;
	return kill(pid, 0) && errno == ESRCH;
}

void return_probes_sweep(void)
{
	/* "r1024:ext4race/PROGRAM_pidPID_N FUNCTION" */
	char path[PATH_MAX], line[512], event[64], *name;
	FILE *file;
	int pid;

	file = kernel_tracefs("kprobe_events", path, sizeof(path)) ? fopen(path, "re") : NULL;
	while (file && fgets(line, sizeof(line), file)) {
		name = strstr(line, ":" GROUP "/");
		if (!name || sscanf(name, ":" GROUP "/%63s", event) != 1)
			continue;
		name = strstr(event, "_pid");
		if (name && sscanf(name, "_pid%d", &pid) == 1 && is_gone(pid, !made))
			remove_event(event);
	}
	if (file)
		fclose(file);
}

/* The perf event of the definition, or negative errno. */
static int open_event(const char *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char path[PATH_MAX], name[128];
	unsigned long long id;
	FILE *file;
	int n, fd;

	snprintf(name, sizeof(name), "events/" GROUP "/%s/id", event);
	file = kernel_tracefs(name, path, sizeof(path)) ? fopen(path, "re") : NULL;
	if (!file)
		return -errno;
	n = fscanf(file, "%llu", &id);
	fclose(file);
	if (n != 1)
		return -EPROTO;
	attr.config = id;
	/* The program runs on every CPU, whichever CPU the event is opened on. */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static struct bpf_link *attach_event(const char *event, const struct bpf_program *prog)
{
	int fd = open_event(event), err;
	struct bpf_link *link;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link) {
		err = errno;
		close(fd);
		errno = err;
	}
	return link;
}

struct bpf_link *return_probe_attach(struct return_probe *probe, const struct bpf_program *prog,
				     const char *function, char *why, size_t why_size)
{
	struct bpf_link *link;
	char line[256];
	int err;

	snprintf(probe->event, sizeof(probe->event), "%s_pid%d_%u", bpf_program__name(prog),
		 getpid(), made++);
	snprintf(line, sizeof(line), "r%d:" GROUP "/%s %s\n", RETURN_PROBE_CALLS, probe->event,
		 function);
	err = command(line);
	if (err) {
		probe->event[0] = 0;
		snprintf(why, why_size, "kprobe_events: %s", strerror(-err));
		errno = -err;
		return NULL;
	}
	link = attach_event(probe->event, prog);
	if (!link) {
		err = errno;
		snprintf(why, why_size, "event %s: %s", probe->event, strerror(err));
		return_probe_remove(probe);
		errno = err;
	}
	return link;
}

void return_probe_remove(struct return_probe *probe)
{
	if (probe->event[0])
		remove_event(probe->event);
	probe->event[0] = 0;
}

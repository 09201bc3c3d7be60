// SPDX-License-Identifier: GPL-2.0-only
/*
 * The protocol as sd_notify(3) and sd_watchdog_enabled(3) document it. libsystemd is not used
 * for these three calls: with the six libraries it needs it would keep one mebibyte more
 * resident in every monitor.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/loop.h"
#include "monitor/notify.h"

/* Where the service manager listens: a path, or with '@' an abstract name. */
static int manager_address(struct sockaddr_un *addr, socklen_t *addr_len)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || (*name != '/' && *name != '@') || len >= sizeof(addr->sun_path))
		return -ENOENT;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, len);
	/* Every byte of an abstract name counts: the terminating NUL is not part of it. */
	if (*name == '@')
		addr->sun_path[0] = 0;
	*addr_len = offsetof(struct sockaddr_un, sun_path) + len + (*name == '/');
	return 0;
}

static void notify(const char *text)
{
	struct sockaddr_un addr;
	socklen_t len;
	int fd;

	if (manager_address(&addr, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* The monitor goes on where the manager has gone. */
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr, len);
	close(fd);
}

void notify_ready(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	notify(text);
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}

static void on_timer(void *arg, int fd, uint32_t events)
{
	(void)arg;
	(void)fd;
	(void)events;
	notify("WATCHDOG=1");
}

/* Microseconds in which the manager wants to hear something; 0: it does not. */
static uint64_t watchdog_usec(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoumax(pid, NULL, 10) != (uintmax_t)getpid()))
		return 0;
	return strtoumax(usec, NULL, 10);
}

int notify_watch(struct loop *loop)
{
	uint64_t usec = watchdog_usec();

	if (!usec || usec == UINT64_MAX)
		return 0;
	/* Twice as often as it has to be, as sd_watchdog_enabled(3) advises. */
	return loop_timer(loop, (double)usec / 2e6, true, on_timer, NULL, NULL);
}

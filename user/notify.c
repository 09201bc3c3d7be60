// SPDX-License-Identifier: GPL-2.0-only
#include "notify.h"

#ifdef HAVE_SYSTEMD
#include <stddef.h>
#include <systemd/sd-daemon.h>

#include "loop.h"

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

static void on_timer(void *arg, int fd, uint32_t events)
{
	(void)arg;
	(void)fd;
	(void)events;
	sd_notify(0, "WATCHDOG=1");
}

int notify_watch(struct loop *loop)
{
	uint64_t usec = 0;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	/* Twice as often as it has to be, as sd_watchdog_enabled(3) advises. */
	return loop_timer(loop, (double)usec / 2e6, true, on_timer, NULL, NULL);
}
#else
void notify_ready(const char *status)
{
	(void)status;
}

void notify_stopping(void)
{
}

int notify_watch(struct loop *loop)
{
	(void)loop;
	return 0;
}
#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>

#include "base/signals.h"

void signals_all(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int signals_block(sigset_t *before)
{
	sigset_t set;

	signals_all(&set);
	return sigprocmask(SIG_BLOCK, &set, before) ? -errno : 0;
}

void signals_end_us(bool end)
{
	sigset_t set;

	signals_all(&set);
	sigdelset(&set, SIGHUP);
	sigprocmask(end ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <stdio.h>

#include "privilege.h"

void privilege_drop(bool keep_admin)
{
	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_BPF,
		      CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_SYSLOG, -1);
	if (keep_admin)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED, CAP_SYS_ADMIN);
	capng_apply(CAPNG_SELECT_BOTH);
}

void privilege_admin(bool on)
{
	if (capng_get_caps_process() || !capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN))
		return;
	capng_update(on ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	capng_apply(CAPNG_SELECT_CAPS);
}

bool privilege_kprobes_need_admin(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &level) != 1)
		level = 0;
	fclose(file);
	return level > 2;
}

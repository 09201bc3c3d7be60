// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array_size.h"
#include "host/privilege.h"

static const unsigned int needed[] = { CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_SYSLOG };

static const struct {
	unsigned int what, capability;
} kept[] = {
	{ PRIVILEGE_KPROBES, CAP_SYS_ADMIN },
	{ PRIVILEGE_FILES, CAP_DAC_OVERRIDE },
};

/* Capabilities belong to a thread, and so does this. */
static _Thread_local bool dropped;

static bool permitted(unsigned int capability)
{
	return capng_have_capability(CAPNG_PERMITTED, capability);
}

bool privilege_has(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

void privilege_drop(unsigned int keep)
{
	bool has_needed[ARRAY_SIZE(needed)], has_kept[ARRAY_SIZE(kept)];
	size_t i;

	if (capng_get_caps_process())
		return;
	/* The kernel refuses the whole change if it asks for one that is not permitted. */
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		has_needed[i] = permitted(needed[i]);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		has_kept[i] = keep & kept[i].what && permitted(kept[i].capability);
	capng_clear(CAPNG_SELECT_BOTH);
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (has_needed[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				     needed[i]);
	}
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (has_kept[i])
			capng_update(CAPNG_ADD, CAPNG_PERMITTED, kept[i].capability);
	}
	capng_apply(CAPNG_SELECT_BOTH);
	dropped = true;
}

void privilege_use(unsigned int what, bool on)
{
	bool change = false;
	size_t i;

	/* Nothing was dropped yet: all capabilities are in effect and still needed. */
	if (!dropped)
		return;
	if (capng_get_caps_process())
		return;
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (!(what & kept[i].what) || !permitted(kept[i].capability))
			continue;
		capng_update(on ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, kept[i].capability);
		change = true;
	}
	if (change)
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

/* The bare system call, because libbpf would raise the limit first. */
static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

void privilege_raise_memlock(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

bool privilege_maps_need_resource(void)
{
	struct rlimit limit, none;
	int fd;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_max == RLIM_INFINITY)
		return false;
	none = limit;
	none.rlim_cur = 0;
	if (setrlimit(RLIMIT_MEMLOCK, &none))
		return false;
	fd = make_map();
	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (fd >= 0)
		close(fd);
	return fd == -EPERM;
}

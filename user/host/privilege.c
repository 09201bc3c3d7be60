// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array_size.h"
#include "base/say.h"
#include "host/privilege.h"

static const struct {
	unsigned int what, capability;
} kept[] = {
	{ PRIVILEGE_KPROBES, CAP_PERFMON },
	{ PRIVILEGE_KPROBES, CAP_SYS_ADMIN },
	{ PRIVILEGE_FILES, CAP_DAC_OVERRIDE },
	{ PRIVILEGE_FILES, CAP_FOWNER },
};

/* What this thread put into effect: the rest is not its to take out of it. */
static _Thread_local bool raised[ARRAY_SIZE(kept)];

bool privilege_has(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

static void raise_or_lower(unsigned int what, bool on)
{
	bool change = false, want;
	size_t i;

	if (capng_get_caps_process())
		return;
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (on)
			want = what & kept[i].what &&
			       capng_have_capability(CAPNG_PERMITTED, kept[i].capability) &&
			       !capng_have_capability(CAPNG_EFFECTIVE, kept[i].capability);
		else
			want = what & kept[i].what && raised[i];
		if (!want)
			continue;
		capng_update(on ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, kept[i].capability);
		raised[i] = on;
		change = true;
	}
	/* It cannot fail: nothing is put into effect that is not permitted. */
	if (change && capng_apply(CAPNG_SELECT_CAPS))
		say("capabilities cannot be changed: %s", strerror(errno));
}

void privilege_use(unsigned int what, bool on)
{
	/* What is done meanwhile, or was done, may be the caller's errno. */
	int saved = errno;

	raise_or_lower(what, on);
	errno = saved;
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

// SPDX-License-Identifier: GPL-2.0-only
/* Loads and drives bpf/widen.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/bpf_log.h"
#include "base/clock.h"
#include "host/privilege.h"
#include "provoke/provoke_probe.h"
#include "widen.skel.h"

/* Delays stop this long after the last heartbeat. */
#define STALE_NS 500000000ULL

struct provoke_probe {
	struct widen_bpf *skel;
	struct bpf_link *enter, *exit;
};

static int load_and_attach(struct provoke_probe *probe, const struct provoke_probe_config *config)
{
	int err;

	probe->skel = widen_bpf__open();
	if (!probe->skel)
		return -errno;
	probe->skel->rodata->cfg_delay_ns = config->delay_ns;
	probe->skel->rodata->cfg_total_ns = config->total_ns;
	probe->skel->rodata->cfg_stale_ns = STALE_NS;
	err = widen_bpf__load(probe->skel);
	if (err)
		return err;
	/* Without BPF_F_MMAPABLE (5.5), or so it seemed to libbpf when there was no memory. */
	if (!probe->skel->bss)
		return -EOPNOTSUPP;
	probe->exit = bpf_program__attach(probe->skel->progs.lookup_exit);
	if (!probe->exit)
		return -errno;
	probe->enter = bpf_program__attach(probe->skel->progs.lookup_enter);
	return probe->enter ? 0 : -errno;
}

int provoke_probe_open(struct provoke_probe **out, const struct provoke_probe_config *config,
		       char *why, size_t why_size)
{
	struct provoke_probe *probe = calloc(1, sizeof(*probe));
	struct bpf_log log = { .verbose = config->verbose }, *before;
	int err;

	if (!probe)
		return -ENOMEM;
	privilege_raise_memlock();
	before = bpf_log_use(&log);
	err = load_and_attach(probe, config);
	bpf_log_use(before);
	if (err) {
		snprintf(why, why_size, "the tracepoints of ext4's lookups cannot be used: %s",
			 err == -EPERM ? PRIVILEGE_NEEDED : strerror(-err));
		provoke_probe_close(probe);
		return err;
	}
	*out = probe;
	return 0;
}

void provoke_probe_close(struct provoke_probe *probe)
{
	if (!probe)
		return;
	bpf_link__destroy(probe->enter);
	bpf_link__destroy(probe->exit);
	widen_bpf__destroy(probe->skel);
	free(probe);
}

void provoke_probe_watch_me(struct provoke_probe *probe)
{
	uint64_t args[1] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	/* In a container the thread has another id than the one BPF sees: a program learns it. */
	if (bpf_prog_test_run_opts(bpf_program__fd(probe->skel->progs.learn_tid), &opts))
		probe->skel->bss->victim_tid = syscall(SYS_gettid);
	else
		probe->skel->bss->victim_tid = probe->skel->bss->own_tid;
}

void provoke_probe_arm(struct provoke_probe *probe, uint64_t n)
{
	__atomic_store_n(&probe->skel->bss->armed, n, __ATOMIC_SEQ_CST);
}

uint64_t provoke_probe_in_window(const struct provoke_probe *probe)
{
	return __atomic_load_n(&probe->skel->bss->in_window, __ATOMIC_SEQ_CST);
}

void provoke_probe_allocated(struct provoke_probe *probe, uint64_t n)
{
	__atomic_store_n(&probe->skel->bss->allocated, n, __ATOMIC_SEQ_CST);
}

void provoke_probe_heartbeat(struct provoke_probe *probe)
{
	__atomic_store_n(&probe->skel->bss->alive_ns, monotonic_ns(), __ATOMIC_SEQ_CST);
}

void provoke_probe_counts(const struct provoke_probe *probe, struct provoke_counts *counts)
{
	const struct widen_bpf__bss *bss = probe->skel->bss;

	counts->windows = bss->windows;
	counts->averted = bss->averted;
	counts->delays = bss->delays;
	counts->delayed_ns = bss->delayed_ns;
	counts->unreadable = bss->unreadable;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Loads and drives bpf/widen.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/bpf_features.h"
#include "attach/bpf_log.h"
#include "attach/globals.h"
#include "base/clock.h"
#include "host/privilege.h"
#include "old_widen.skel.h"
#include "provoke/provoke_probe.h"
#include "widen.skel.h"

/* Delays stop this long after the last heartbeat. */
#define STALE_NS 500000000ULL

typedef struct widen_bpf__bss bss_t;
typedef struct widen_bpf__data data_t;
typedef struct widen_bpf__rodata rodata_t;
_Static_assert(sizeof(bss_t) == sizeof(struct old_widen_bpf__bss), "bss layout");
_Static_assert(sizeof(data_t) == sizeof(struct old_widen_bpf__data), "data layout");
_Static_assert(sizeof(rodata_t) == sizeof(struct old_widen_bpf__rodata), "rodata layout");

struct provoke_probe {
	struct bpf_object *bpf;
	struct globals bss, data;
	/* Where they are copies, several threads write data and read bss. */
	pthread_mutex_t lock;
	struct bpf_link *enter, *exit;
};

static struct bpf_program *program(const struct provoke_probe *probe, const char *name)
{
	return bpf_object__find_program_by_name(probe->bpf, name);
}

static bss_t *bss_of(const struct provoke_probe *probe)
{
	return probe->bss.mem;
}

static data_t *data_of(const struct provoke_probe *probe)
{
	return probe->data.mem;
}

static int open_object(struct provoke_probe *probe, const struct provoke_probe_config *config,
		       bool old)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "widen");
	const rodata_t rodata = {
		.cfg_delay_ns = config->delay_ns,
		.cfg_total_ns = config->total_ns,
		.cfg_stale_ns = STALE_NS,
	};
	const void *elf;
	size_t size;

	elf = old ? old_widen_bpf__elf_bytes(&size) : widen_bpf__elf_bytes(&size);
	probe->bpf = bpf_object__open_mem(elf, size, &opts);
	if (!probe->bpf)
		return -errno;
	return bpf_map__set_initial_value(bpf_object__find_map_by_name(probe->bpf, ".rodata"),
					  &rodata, sizeof(rodata));
}

static int load_and_attach(struct provoke_probe *probe, const struct provoke_probe_config *config,
			   bool old)
{
	int err;

	err = open_object(probe, config, old);
	if (!err)
		err = bpf_object__load(probe->bpf);
	if (!err)
		err = globals_open(&probe->bss, probe->bpf, ".bss");
	if (!err)
		err = globals_open(&probe->data, probe->bpf, ".data");
	if (err)
		return err;
	probe->exit = bpf_program__attach(program(probe, "lookup_exit"));
	if (!probe->exit)
		return -errno;
	probe->enter = bpf_program__attach(program(probe, "lookup_enter"));
	return probe->enter ? 0 : -errno;
}

/* 0, or negative errno and why: whether the kernel can do what config asks for. */
static int is_possible(const struct provoke_probe_config *config, bool old, char *why,
		       size_t why_size)
{
	int err = bpf_possible(why, why_size);

	if (err || !old || !config->delay_ns)
		return err;
	snprintf(why, why_size,
		 "--widen: the kernel's BPF (before Linux 5.8) accepts no delay: leave "
		 "--widen out");
	return -EOPNOTSUPP;
}

int provoke_probe_open(struct provoke_probe **out, const struct provoke_probe_config *config,
		       char *why, size_t why_size)
{
	struct provoke_probe *probe = calloc(1, sizeof(*probe));
	struct bpf_log log = { .verbose = config->verbose }, *before;
	bool old;
	int err;

	if (!probe)
		return -ENOMEM;
	pthread_mutex_init(&probe->lock, NULL);
	privilege_raise_memlock();
	old = bpf_is_old();
	err = is_possible(config, old, why, why_size);
	if (err) {
		provoke_probe_close(probe);
		return err;
	}
	before = bpf_log_use(&log);
	err = load_and_attach(probe, config, old);
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
	globals_close(&probe->bss);
	globals_close(&probe->data);
	bpf_object__close(probe->bpf);
	pthread_mutex_destroy(&probe->lock);
	free(probe);
}

/* Sets a variable that the programs read, from any thread. */
static void set(struct provoke_probe *probe, volatile unsigned long long *variable, uint64_t value)
{
	if (probe->data.mapped) {
		__atomic_store_n(variable, value, __ATOMIC_SEQ_CST);
		return;
	}
	pthread_mutex_lock(&probe->lock);
	*variable = value;
	globals_write(&probe->data);
	pthread_mutex_unlock(&probe->lock);
}

static uint64_t get(const struct provoke_probe *probe, const volatile unsigned long long *variable)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&probe->lock;
	uint64_t value;

	if (probe->bss.mapped)
		return __atomic_load_n(variable, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(lock);
	globals_read(&probe->bss);
	value = *variable;
	pthread_mutex_unlock(lock);
	return value;
}

void provoke_probe_watch_me(struct provoke_probe *probe)
{
	uint64_t args[1] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	/* In a container the thread has another id than the one BPF sees: a program learns it. */
	if (bpf_prog_test_run_opts(bpf_program__fd(program(probe, "learn_tid")), &opts) ||
	    globals_read(&probe->bss))
		data_of(probe)->victim_tid = syscall(SYS_gettid);
	else
		data_of(probe)->victim_tid = bss_of(probe)->own_tid;
	provoke_probe_arm(probe, 0);
}

void provoke_probe_arm(struct provoke_probe *probe, uint64_t n)
{
	set(probe, &data_of(probe)->armed, n);
}

uint64_t provoke_probe_in_window(const struct provoke_probe *probe)
{
	return get(probe, &bss_of(probe)->in_window);
}

void provoke_probe_allocated(struct provoke_probe *probe, uint64_t n)
{
	set(probe, &data_of(probe)->allocated, n);
}

void provoke_probe_heartbeat(struct provoke_probe *probe)
{
	set(probe, &data_of(probe)->alive_ns, monotonic_ns());
}

void provoke_probe_counts(const struct provoke_probe *probe, struct provoke_counts *counts)
{
	const bss_t *bss = bss_of(probe);

	/* Brings all of them up to date. */
	counts->windows = get(probe, &bss->windows);
	counts->averted = bss->averted;
	counts->delays = bss->delays;
	counts->delayed_ns = bss->delayed_ns;
	counts->unreadable = bss->unreadable;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Loads and drives bpf/verify.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/bpf_log.h"
#include "host/privilege.h"
#include "verify.skel.h"
#include "verify/verify_probe.h"

#define PROBE_LINKS 5

/* ENOTSUPP: user space has no name for it. */
#define KERNEL_ENOTSUPP 524

struct verify_probe {
	struct verify_bpf *skel;
	struct bpf_link *links[PROBE_LINKS];
	size_t n_links;
	struct ring_buffer *ring;
	unsigned long long missed; /* before these samples */
	struct bpf_log log;
};

static int on_done(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

/* To be called once more, with less, where it fails. */
static int load(struct verify_probe *probe, bool with_read_code)
{
	verify_bpf__destroy(probe->skel);
	probe->skel = verify_bpf__open();
	if (!probe->skel)
		return -errno;
	bpf_map__set_max_entries(probe->skel->maps.done, sysconf(_SC_PAGESIZE));
	bpf_program__set_autoload(probe->skel->progs.read_code, with_read_code);
	return verify_bpf__load(probe->skel);
}

static int load_and_open_ring(struct verify_probe *probe)
{
	int err = load(probe, true);

	/* Lockdown (confidentiality) forbids reading the kernel: without that, counting works. */
	if (err)
		err = load(probe, false);
	if (err)
		return err;
	/* Without BPF_F_MMAPABLE (5.5), or so it seemed to libbpf when there was no memory. */
	if (!probe->skel->bss || !probe->skel->data)
		return -EOPNOTSUPP;
	probe->ring = ring_buffer__new(bpf_map__fd(probe->skel->maps.done), on_done, NULL, NULL);
	return probe->ring ? 0 : -errno;
}

int verify_probe_open(struct verify_probe **out, bool verbose, char *why, size_t why_size)
{
	struct verify_probe *probe;
	struct bpf_log *before;
	int err;

	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	privilege_raise_memlock();
	probe->log.verbose = verbose;
	before = bpf_log_use(&probe->log);
	err = load_and_open_ring(probe);
	bpf_log_use(before);
	if (err) {
		snprintf(why, why_size, "%s", err == -EPERM ? PRIVILEGE_NEEDED : strerror(-err));
		verify_probe_close(probe);
		return err;
	}
	*out = probe;
	return 0;
}

void verify_probe_close(struct verify_probe *probe)
{
	if (!probe)
		return;
	verify_probe_detach(probe);
	ring_buffer__free(probe->ring);
	verify_bpf__destroy(probe->skel);
	free(probe);
}

int verify_probe_attach(struct verify_probe *probe, char *why, size_t why_size)
{
	/* write_begin comes last: without it the others count nothing. */
	struct bpf_program *progs[PROBE_LINKS] = {
		probe->skel->progs.reserve_space, probe->skel->progs.lookup_exit,
		probe->skel->progs.lookup_enter,  probe->skel->progs.write_end,
		probe->skel->progs.write_begin,
	};
	struct bpf_log *before = bpf_log_use(&probe->log);
	struct bpf_link *link;
	int i, err = 0;

	for (i = 0; i < PROBE_LINKS && !err; i++) {
		link = bpf_program__attach(progs[i]);
		if (link) {
			probe->links[probe->n_links++] = link;
			continue;
		}
		err = -errno;
		snprintf(why, why_size, "tracepoint %s: %s",
			 strchr(bpf_program__section_name(progs[i]), '/') + 1,
			 err == -ENOENT ? "not there (is ext4 loaded?)" : strerror(-err));
	}
	bpf_log_use(before);
	if (err)
		verify_probe_detach(probe);
	return err;
}

void verify_probe_detach(struct verify_probe *probe)
{
	if (probe->skel && probe->skel->bss)
		verify_probe_stop(probe);
	while (probe->n_links)
		bpf_link__destroy(probe->links[--probe->n_links]);
}

static int run_here(struct bpf_program *prog, const uint64_t *args, size_t size, int *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = size);

	if (bpf_program__fd(prog) < 0)
		return -EPERM;
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return errno == KERNEL_ENOTSUPP || errno == EINVAL ? -EOPNOTSUPP : -errno;
	*ret = opts.retval;
	return 0;
}

/* Runs of the counting programs that the kernel skipped, since they were loaded. */
static unsigned long long missed_runs(const struct verify_probe *probe)
{
	struct bpf_program *prog;
	unsigned long long n = 0;

	bpf_object__for_each_program(prog, probe->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			n += info.recursion_misses;
	}
	return n;
}

static void begin_samples(struct verify_probe *probe)
{
	memset(probe->skel->bss->samples, 0, sizeof(probe->skel->bss->samples));
	probe->skel->bss->n_samples = 0;
	ring_buffer__consume(probe->ring);
	probe->missed = missed_runs(probe);
}

void verify_probe_watch_me(struct verify_probe *probe)
{
	uint64_t args[2] = {};
	int ret;

	begin_samples(probe);
	/*
	 * In a container the thread has another id than the one BPF sees: a program learns
	 * it. Where the kernel cannot run it on demand, our own id has to do.
	 */
	if (run_here(probe->skel->progs.learn_tid, args, sizeof(args), &ret))
		probe->skel->bss->watch_tid = syscall(SYS_gettid);
	else
		probe->skel->bss->watch_tid = probe->skel->bss->own_tid;
}

void verify_probe_watch_all(struct verify_probe *probe, unsigned long long inserts)
{
	begin_samples(probe);
	probe->skel->data->want = inserts;
	probe->skel->bss->watch_tid = VERIFY_ANYBODY;
}

void verify_probe_stop(struct verify_probe *probe)
{
	probe->skel->bss->watch_tid = VERIFY_NOBODY;
}

int verify_probe_fd(const struct verify_probe *probe)
{
	return ring_buffer__epoll_fd(probe->ring);
}

void verify_probe_samples(const struct verify_probe *probe, struct verify_samples *samples)
{
	const struct verify_bpf__bss *bss = probe->skel->bss;
	size_t i;

	memset(samples, 0, sizeof(*samples));
	for (i = 0; i < VERIFY_LOOKUPS_MAX; i++) {
		samples->by_lookups[i] = bss->samples[0][i] + bss->samples[1][i];
		samples->hole_uncached += bss->samples[0][i];
		samples->hole_cached += bss->samples[1][i];
	}
	samples->missed = missed_runs(probe) - probe->missed;
}

int verify_probe_read(struct verify_probe *probe, uint64_t addr, void *buf, size_t len)
{
	uint64_t args[2] = { addr, len };
	int err, ret;

	if (len > VERIFY_CODE_MAX)
		return -E2BIG;
	err = run_here(probe->skel->progs.read_code, args, sizeof(args), &ret);
	if (err)
		return err;
	if (ret)
		return ret;
	memcpy(buf, probe->skel->bss->code, len);
	return 0;
}

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

#include "attach/bpf_features.h"
#include "attach/bpf_log.h"
#include "attach/globals.h"
#include "host/privilege.h"
#include "old_verify.skel.h"
#include "verify.skel.h"
#include "verify/verify_probe.h"

#define PROBE_LINKS 5

/* ENOTSUPP: user space has no name for it. */
#define KERNEL_ENOTSUPP 524

typedef struct verify_bpf__bss bss_t;
typedef struct verify_bpf__data data_t;
_Static_assert(sizeof(bss_t) == sizeof(struct old_verify_bpf__bss), "bss layout");
_Static_assert(sizeof(data_t) == sizeof(struct old_verify_bpf__data), "data layout");

struct verify_probe {
	struct bpf_object *bpf;
	struct globals bss, data;
	struct bpf_link *links[PROBE_LINKS];
	size_t n_links;
	struct ring_buffer *ring;   /* says that the samples are complete, or, ... */
	struct perf_buffer *events; /* ... where the kernel has no ring buffer, this one */
	unsigned long long missed;  /* before these samples */
	struct bpf_log log;
};

static int on_done(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void on_done_event(void *ctx, int cpu, void *data, __u32 size)
{
	(void)cpu;
	on_done(ctx, data, size);
}

static bss_t *bss_of(const struct verify_probe *probe)
{
	return probe->bss.mem;
}

static data_t *data_of(const struct verify_probe *probe)
{
	return probe->data.mem;
}

static struct bpf_program *program(const struct verify_probe *probe, const char *name)
{
	return bpf_object__find_program_by_name(probe->bpf, name);
}

/* To be called once more, with less, where it fails. */
static int load(struct verify_probe *probe, bool old, bool with_read_code)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "verify");
	const void *elf;
	size_t size;

	bpf_object__close(probe->bpf);
	elf = old ? old_verify_bpf__elf_bytes(&size) : verify_bpf__elf_bytes(&size);
	probe->bpf = bpf_object__open_mem(elf, size, &opts);
	if (!probe->bpf)
		return -errno;
	if (!old)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(probe->bpf, "done"),
					 sysconf(_SC_PAGESIZE));
	bpf_program__set_autoload(program(probe, "read_code"), with_read_code);
	return bpf_object__load(probe->bpf);
}

static int open_done(struct verify_probe *probe, bool old)
{
	int fd = bpf_object__find_map_fd_by_name(probe->bpf, "done");

	if (old)
		probe->events = perf_buffer__new(fd, 1, on_done_event, NULL, NULL, NULL);
	else
		probe->ring = ring_buffer__new(fd, on_done, NULL, NULL);
	return probe->events || probe->ring ? 0 : -errno;
}

static int load_and_open(struct verify_probe *probe)
{
	bool old = bpf_is_old();
	int err = load(probe, old, true);

	/* Lockdown (confidentiality) forbids reading the kernel: without that, counting works. */
	if (err)
		err = load(probe, old, false);
	if (!err)
		err = globals_open(&probe->bss, probe->bpf, ".bss");
	if (!err)
		err = globals_open(&probe->data, probe->bpf, ".data");
	return err ? err : open_done(probe, old);
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
	err = bpf_possible(why, why_size);
	if (err) {
		verify_probe_close(probe);
		return err;
	}
	before = bpf_log_use(&probe->log);
	err = load_and_open(probe);
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
	perf_buffer__free(probe->events);
	globals_close(&probe->bss);
	globals_close(&probe->data);
	bpf_object__close(probe->bpf);
	free(probe);
}

int verify_probe_attach(struct verify_probe *probe, char *why, size_t why_size)
{
	/* write_begin comes last: without it the others count nothing. */
	static const char *const progs[PROBE_LINKS] = { "reserve_space", "lookup_exit",
							"lookup_enter", "write_end",
							"write_begin" };
	struct bpf_log *before = bpf_log_use(&probe->log);
	struct bpf_program *prog;
	struct bpf_link *link;
	int i, err = 0;

	for (i = 0; i < PROBE_LINKS && !err; i++) {
		prog = program(probe, progs[i]);
		link = bpf_program__attach(prog);
		if (link) {
			probe->links[probe->n_links++] = link;
			continue;
		}
		err = -errno;
		snprintf(why, why_size, "tracepoint %s: %s",
			 strchr(bpf_program__section_name(prog), '/') + 1,
			 err == -ENOENT ? "not there (is ext4 loaded?)" : strerror(-err));
	}
	bpf_log_use(before);
	if (err)
		verify_probe_detach(probe);
	return err;
}

void verify_probe_detach(struct verify_probe *probe)
{
	if (probe->data.mem)
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

	bpf_object__for_each_program(prog, probe->bpf)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			n += info.recursion_misses;
	}
	return n;
}

/* Nothing is counted now, so that .bss can be written. */
static void begin_samples(struct verify_probe *probe)
{
	memset(bss_of(probe)->samples, 0, sizeof(bss_of(probe)->samples));
	bss_of(probe)->n_samples = 0;
	globals_write(&probe->bss);
	if (probe->ring)
		ring_buffer__consume(probe->ring);
	else
		perf_buffer__consume(probe->events);
	probe->missed = missed_runs(probe);
}

static void watch(struct verify_probe *probe, unsigned int tid)
{
	data_of(probe)->watch_tid = tid;
	globals_write(&probe->data);
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
	if (run_here(program(probe, "learn_tid"), args, sizeof(args), &ret) ||
	    globals_read(&probe->bss))
		watch(probe, syscall(SYS_gettid));
	else
		watch(probe, bss_of(probe)->own_tid);
}

void verify_probe_watch_all(struct verify_probe *probe, unsigned long long inserts)
{
	begin_samples(probe);
	data_of(probe)->want = inserts;
	watch(probe, VERIFY_ANYBODY);
}

void verify_probe_stop(struct verify_probe *probe)
{
	watch(probe, VERIFY_NOBODY);
}

int verify_probe_fd(const struct verify_probe *probe)
{
	return probe->ring ? ring_buffer__epoll_fd(probe->ring) :
			     perf_buffer__epoll_fd(probe->events);
}

void verify_probe_samples(const struct verify_probe *probe, struct verify_samples *samples)
{
	const bss_t *bss = bss_of(probe);
	size_t i;

	memset(samples, 0, sizeof(*samples));
	/* Where this fails, the samples are those of before the watch: none. */
	globals_read(&probe->bss);
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
	err = run_here(program(probe, "read_code"), args, sizeof(args), &ret);
	if (err)
		return err;
	if (ret)
		return ret;
	err = globals_read(&probe->bss);
	if (!err)
		memcpy(buf, bss_of(probe)->code, len);
	return err;
}

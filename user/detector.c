// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "detector.h"
#include "ext4race.skel.h"

#define LINKS_MAX (HOOK_MAX * HOOK_PROGS)

struct detector {
	struct detector_config config;
	struct ext4race_bpf *skel;
	struct ring_buffer *ring;
	struct hook_plan plan;
	struct bpf_link *links[LINKS_MAX]; /* in order of attachment */
	size_t n_links;
	int n_cpus;
};

/* ---- libbpf's messages ---- */

/*
 * libbpf explains failures only through its log. The first line is kept for why:
 * it names the program and the error, those that follow only that nothing came of it.
 */
static struct {
	bool verbose;
	char first[256];
} log_state;

static int on_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	va_list copy;

	if (level == LIBBPF_WARN && !log_state.first[0]) {
		va_copy(copy, ap);
		vsnprintf(log_state.first, sizeof(log_state.first), fmt, copy);
		va_end(copy);
		log_state.first[strcspn(log_state.first, "\n")] = 0;
	}
	if (log_state.verbose && level <= LIBBPF_INFO)
		return vfprintf(stderr, fmt, ap);
	return 0;
}

/* ---- loading ---- */

static void configure(struct ext4race_bpf *skel, const struct detector_config *config,
		      const struct hook_plan *plan)
{
	size_t i;

	skel->rodata->cfg_n_devs = config->n_devs;
	for (i = 0; i < config->n_devs; i++)
		skel->rodata->cfg_devs[i] = config->devs[i];
	skel->rodata->cfg_stacks = config->stacks;
	skel->rodata->cfg_insert_returns = plan->choice[HOOK_INSERT_RESULT].target;
	bpf_map__set_max_entries(skel->maps.events, config->buffer_bytes);
	if (config->stacks)
		bpf_map__set_max_entries(skel->maps.stacks, 16384);
}

static int select_programs(struct ext4race_bpf *skel, const struct hook_plan *plan)
{
	struct bpf_program *prog;
	int hook, i;

	bpf_object__for_each_program(prog, skel->obj) bpf_program__set_autoload(prog, false);
	for (hook = 0; hook < HOOK_MAX; hook++) {
		for (i = 0; i < HOOK_PROGS && plan->choice[hook].progs[i]; i++) {
			prog = bpf_object__find_program_by_name(skel->obj,
								plan->choice[hook].progs[i]);
			if (!prog)
				return -ESRCH;
			bpf_program__set_autoload(prog, true);
		}
	}
	return 0;
}

static int load(struct detector *det)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = det->config.btf_file);
	int err;

	det->skel = ext4race_bpf__open_opts(&opts);
	if (!det->skel)
		return -errno;
	configure(det->skel, &det->config, &det->plan);
	err = select_programs(det->skel, &det->plan);
	if (err)
		return err;
	return ext4race_bpf__load(det->skel);
}

static int attach_hook(struct detector *det, const struct hook_choice *choice)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	int i;

	for (i = 0; i < HOOK_PROGS && choice->progs[i]; i++) {
		prog = bpf_object__find_program_by_name(det->skel->obj, choice->progs[i]);
		link = bpf_program__attach(prog);
		if (!link)
			return -errno;
		det->links[det->n_links++] = link;
	}
	return 0;
}

static int attach(struct detector *det)
{
	int hook, err;

	for (hook = 0; hook < HOOK_MAX; hook++) {
		err = attach_hook(det, &det->plan.choice[hook]);
		if (err)
			return err;
	}
	return 0;
}

void detector_detach(struct detector *det)
{
	/* Backwards: the delayed insert, attached last, goes first. */
	while (det->n_links)
		bpf_link__destroy(det->links[--det->n_links]);
}

static void unload(struct detector *det)
{
	detector_detach(det);
	ring_buffer__free(det->ring);
	det->ring = NULL;
	ext4race_bpf__destroy(det->skel);
	det->skel = NULL;
}

static int on_sample(void *arg, void *data, size_t size)
{
	struct detector *det = arg;

	if (size >= sizeof(struct e4r_event))
		det->config.event(det->config.arg, data);
	return 0;
}

static int try_mode(struct detector *det, const struct kernel *kernel, enum attach_mode mode,
		    char *why, size_t why_size)
{
	int err;

	if (mode == ATTACH_KPROBE && !kernel->has_kprobes) {
		snprintf(why, why_size, "the kernel has no kprobes");
		return -ENOENT;
	}
	err = hooks_plan(&det->plan, kernel, mode, why, why_size);
	if (err)
		return err;
	log_state.first[0] = 0;
	err = load(det);
	if (!err) {
		det->ring = ring_buffer__new(bpf_map__fd(det->skel->maps.events), on_sample, det,
					     NULL);
		err = det->ring ? 0 : -errno;
	}
	if (!err)
		err = attach(det);
	if (!err)
		return 0;
	unload(det);
	snprintf(why, why_size, "%s%s%s", strerror(-err), log_state.first[0] ? ": " : "",
		 log_state.first);
	return err;
}

/* Before 6.0 an attached fentry would lock a livepatch out: not by default. */
static bool would_block_livepatch(const struct kernel *kernel)
{
	return kernel->has_livepatch && !kernel->livepatch_shares;
}

static int try_all(struct detector *det, const struct kernel *kernel, char *why, size_t why_size)
{
	static const enum attach_mode ladder[] = { ATTACH_FENTRY, ATTACH_KPROBE,
						   ATTACH_TRACEPOINT };
	char reason[512];
	size_t i, used = 0;
	int err, first = 0;

	for (i = 0; i < 3; i++) {
		if (ladder[i] == ATTACH_FENTRY && would_block_livepatch(kernel)) {
			err = -EBUSY;
			snprintf(reason, sizeof(reason), "would keep livepatches from loading");
		} else {
			err = try_mode(det, kernel, ladder[i], reason, sizeof(reason));
		}
		if (!err)
			return 0;
		first = first && first != -EBUSY ? first : err;
		if (used < why_size)
			used += snprintf(why + used, why_size - used, "%s%s: %s", i ? "; " : "",
					 attach_mode_name(ladder[i]), reason);
	}
	/* Permission is the one that can be mended, so that it wins. */
	return err == -EPERM ? err : first;
}

/* What has to be there before anything is tried, with the line that says so. */
static int check_kernel(const struct kernel *kernel, char *why, size_t why_size)
{
	if (!kernel_capable(CAP_SYS_ADMIN) &&
	    !(kernel_capable(CAP_BPF) && kernel_capable(CAP_PERFMON))) {
		snprintf(why, why_size,
			 "needs root, or CAP_BPF and CAP_PERFMON: run it with sudo");
		return -EPERM;
	}
	if (!kernel->ext4_here) {
		snprintf(why, why_size, "ext4 is not loaded on this kernel: nothing to watch");
		return -ENODEV;
	}
	if (!kernel->ext4_types) {
		snprintf(why, why_size,
			 "no BTF describes ext4 on %s: give one with --btf (see docs/btf.md)",
			 kernel->release);
		return -ENODATA;
	}
	return 0;
}

/* Up to 5.10 maps are charged to RLIMIT_MEMLOCK. */
static void raise_memlock(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

int detector_open(struct detector **out, const struct kernel *kernel,
		  const struct detector_config *config, char *why, size_t why_size)
{
	char reason[512] = "";
	struct detector *det;
	int err;

	err = check_kernel(kernel, why, why_size);
	if (err)
		return err;
	det = calloc(1, sizeof(*det));
	if (!det)
		return -ENOMEM;
	det->config = *config;
	det->n_cpus = libbpf_num_possible_cpus();
	log_state.verbose = config->verbose;
	libbpf_set_print(on_log);
	raise_memlock();
	if (config->mode == ATTACH_AUTO)
		err = try_all(det, kernel, why, why_size);
	else
		err = try_mode(det, kernel, config->mode, reason, sizeof(reason));
	if (err && config->mode != ATTACH_AUTO)
		snprintf(why, why_size, "--attach %s: %s", attach_mode_name(config->mode), reason);
	if (err) {
		free(det);
		return err;
	}
	*out = det;
	return 0;
}

void detector_close(struct detector *det)
{
	if (!det)
		return;
	unload(det);
	free(det);
}

const struct hook_plan *detector_plan(const struct detector *det)
{
	return &det->plan;
}

/* ---- events ---- */

int detector_fd(const struct detector *det)
{
	return ring_buffer__epoll_fd(det->ring);
}

int detector_consume(struct detector *det)
{
	int n = ring_buffer__consume(det->ring);

	return n < 0 ? n : 0;
}

/* ---- counts ---- */

/* Sums an array of u64 members over the CPUs of a per-CPU value. */
static void sum_cpus(void *sum, const void *values, size_t size, int n_cpus)
{
	const uint64_t *value = values;
	uint64_t *total = sum;
	size_t i;
	int cpu;

	memset(sum, 0, size);
	for (cpu = 0; cpu < n_cpus; cpu++) {
		for (i = 0; i < size / sizeof(*total); i++)
			total[i] += value[i];
		value += size / sizeof(*total);
	}
}

int detector_counters(const struct detector *det, struct e4r_counters *counters)
{
	struct e4r_counters *values;
	unsigned int zero = 0;
	int err = 0;

	values = calloc(det->n_cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(det->skel->maps.counters), &zero, values))
		err = -errno;
	else
		sum_cpus(counters, values, sizeof(*counters), det->n_cpus);
	free(values);
	return err;
}

int detector_stats(const struct detector *det, struct detector_stats **out)
{
	int fd = bpf_map__fd(det->skel->maps.stats), n = 0;
	unsigned int key, *prev = NULL;
	struct detector_stats *stats;
	size_t max = bpf_map__max_entries(det->skel->maps.stats);

	stats = calloc(max, sizeof(*stats));
	if (!stats)
		return -ENOMEM;
	while ((size_t)n < max && !bpf_map_get_next_key(fd, prev, &key)) {
		prev = &stats[n].dev;
		*prev = key;
		if (!bpf_map_lookup_elem(fd, &key, &stats[n].stats))
			n++;
	}
	*out = stats;
	return n;
}

void stats_add(struct e4r_stats *sum, const struct e4r_stats *more)
{
	const uint64_t *from = (const uint64_t *)more;
	uint64_t *to = (uint64_t *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

unsigned long long detector_pending(const struct detector *det)
{
	int fd = bpf_map__fd(det->skel->maps.pending);
	unsigned int key, *prev = NULL;
	unsigned long long n = 0;

	while (n < 4096 && !bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		n++;
	}
	return n;
}

size_t detector_stack(const struct detector *det, int id, uint64_t *addrs, size_t max)
{
	uint64_t stack[E4R_STACK_DEPTH] = {};
	unsigned int key = id;
	size_t n;

	if (id < 0 || bpf_map_lookup_elem(bpf_map__fd(det->skel->maps.stacks), &key, stack))
		return 0;
	for (n = 0; n < max && n < E4R_STACK_DEPTH && stack[n]; n++)
		addrs[n] = stack[n];
	return n;
}

int detector_progs(const struct detector *det, struct metrics_prog *progs, size_t max)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	unsigned int len;
	size_t n = 0;

	bpf_object__for_each_program(prog, det->skel->obj) {
		if (n == max || bpf_program__fd(prog) < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			continue;
		progs[n].name = bpf_program__name(prog);
		progs[n].attached = det->n_links > 0;
		progs[n].run_time_ns = info.run_time_ns;
		progs[n].run_count = info.run_cnt;
		n++;
	}
	return n;
}

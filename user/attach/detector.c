// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/bpf_log.h"
#include "attach/classic_points.h"
#include "attach/detector.h"
#include "attach/return_probe.h"
#include "classic.skel.h"
#include "direct.skel.h"
#include "ext4race.skel.h"
#include "host/privilege.h"

#define CONSUME_MAX 256 /* events between looks at what else there is to do */
#define STATS_MAX   256 /* entries of the stats map */
#define LINKS_MAX   (HOOK_MAX * HOOK_PROGS)
#define RETURNS_MAX 4

/* The maps by their names in bpf/maps.bpf.h: both objects have them. */
enum map {
	MAP_COUNTERS,
	MAP_STATS,
	MAP_PENDING,
	MAP_STACKS,
	MAP_EVENTS,
	MAP_MAX,
};

struct detector {
	struct detector_config config;
	/* One of the three, and its object. */
	struct ext4race_bpf *skel;
	struct direct_bpf *direct; /* the same, by plain loads */
	struct classic_bpf *classic;
	bool may_direct; /* take that one */
	struct bpf_object *obj;
	int map_fd[MAP_MAX];
	struct ring_buffer *ring;
	unsigned int budget; /* events that may still be taken, 0: any number */
	struct hook_plan plan;
	struct bpf_link *links[LINKS_MAX]; /* in order of attachment */
	size_t n_links;
	struct return_probe returns[RETURNS_MAX];
	size_t n_returns;
	int n_cpus;
	struct bpf_log log;
};

/* ---- loading ---- */

static const char *const map_names[MAP_MAX] = {
	[MAP_COUNTERS] = "counters", [MAP_STATS] = "stats",   [MAP_PENDING] = "pending",
	[MAP_STACKS] = "stacks",     [MAP_EVENTS] = "events",
};

static bool in_vmlinux(const struct kernel *kernel, const char *name, unsigned int kind)
{
	return kernel->vmlinux && btf__find_by_name_kind(kernel->vmlinux, name, kind) > 0;
}

/*
 * bpf_rdonly_cast() is there, and the types to cast to are where it looks for them.
 * A BTF from a file numbers types its own way.
 */
static bool has_direct_loads(const struct kernel *kernel)
{
	return in_vmlinux(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC) && !kernel->custom &&
	       kernel_ext4_btf(kernel) == kernel->vmlinux;
}

/*
 * Whether a program can be preempted and meet itself on the same CPU: fentry, unless
 * the kernel keeps programs from recursion. It counts what it skips for that, and says
 * so, since 9ed9e9ba2337 (5.12).
 */
static bool is_preemptible(const struct kernel *kernel, enum attach_mode mode)
{
	return mode == ATTACH_FENTRY &&
	       !kernel_btf_has_member(kernel->vmlinux, "bpf_prog_info", "recursion_misses");
}

/* The two objects are built from the same source. */
typedef struct ext4race_bpf__rodata rodata_t;
_Static_assert(sizeof(rodata_t) == sizeof(struct direct_bpf__rodata), "rodata layout");

static void configure(struct detector *det, rodata_t *rodata, const struct kernel *kernel)
{
	const struct detector_config *config = &det->config;
	const struct hook_choice *choice = det->plan.choice;
	size_t i;

	rodata->cfg_n_devs = config->n_devs;
	for (i = 0; i < config->n_devs; i++)
		rodata->cfg_devs[i] = config->devs[i];
	rodata->cfg_stacks = config->stacks;
	rodata->cfg_page_shift = ffs(sysconf(_SC_PAGESIZE)) - 1;
	rodata->cfg_insert_returns = choice[HOOK_INSERT_RESULT].target;
	rodata->cfg_fault_seen = choice[HOOK_FAULT].target;
	rodata->cfg_window_seen = choice[HOOK_FAULT].target || choice[HOOK_MAPPING].target;
	rodata->cfg_preemptible = is_preemptible(kernel, det->plan.mode);
}

static int configure_classic(struct classic_bpf *skel, const struct detector_config *config)
{
	struct classic_field fields[REC_FIELDS];
	const struct classic_point *point;
	char why[160];
	size_t i, k;

	skel->rodata->cfg_n_devs = config->n_devs;
	for (i = 0; i < config->n_devs; i++)
		skel->rodata->cfg_devs[i] = config->devs[i];
	skel->rodata->cfg_stacks = config->stacks;
	for (i = 0; i < classic_n_points; i++) {
		point = &classic_points[i];
		/* What is missing is not in the plan either. */
		if (classic_layout(point, fields, why, sizeof(why)))
			continue;
		for (k = 0; k < REC_FIELDS; k++) {
			skel->rodata->cfg_fields[point->record][k].offset = fields[k].offset;
			skel->rodata->cfg_fields[point->record][k].size = fields[k].size;
		}
	}
	return 0;
}

static int select_programs(struct bpf_object *obj, const struct hook_plan *plan)
{
	struct bpf_program *prog;
	int hook, i;

	bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(prog, false);
	for (hook = 0; hook < HOOK_MAX; hook++) {
		for (i = 0; i < HOOK_PROGS && plan->choice[hook].progs[i]; i++) {
			prog = bpf_object__find_program_by_name(obj, plan->choice[hook].progs[i]);
			if (!prog)
				return -ESRCH;
			bpf_program__set_autoload(prog, true);
		}
	}
	return 0;
}

static int open_object(struct detector *det, const struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = kernel->btf_path[0] ? kernel->btf_path : NULL);

	if (det->plan.classic) {
		det->classic = classic_bpf__open();
		if (!det->classic)
			return -errno;
		det->obj = det->classic->obj;
		return configure_classic(det->classic, &det->config);
	}
	if (det->may_direct) {
		det->direct = direct_bpf__open_opts(&opts);
		if (!det->direct)
			return -errno;
		det->obj = det->direct->obj;
		configure(det, (rodata_t *)det->direct->rodata, kernel);
		return 0;
	}
	det->skel = ext4race_bpf__open_opts(&opts);
	if (!det->skel)
		return -errno;
	det->obj = det->skel->obj;
	configure(det, det->skel->rodata, kernel);
	return 0;
}

/* The classic object does without what the other one remembers. */
static void size_maps(struct detector *det)
{
	static const char *const unused[] = { "task_slots", "allocs", "alloc_stamps" };
	struct bpf_map *map;
	size_t i;

	bpf_map__set_max_entries(bpf_object__find_map_by_name(det->obj, "events"),
				 det->config.buffer_bytes);
	if (det->config.stacks)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(det->obj, "stacks"), 16384);
	for (i = 0; det->plan.classic && i < sizeof(unused) / sizeof(unused[0]); i++) {
		map = bpf_object__find_map_by_name(det->obj, unused[i]);
		if (map)
			bpf_map__set_autocreate(map, false);
	}
}

static int load_object(struct detector *det)
{
	if (det->classic)
		return classic_bpf__load(det->classic);
	return det->direct ? direct_bpf__load(det->direct) : ext4race_bpf__load(det->skel);
}

static int load(struct detector *det, const struct kernel *kernel)
{
	int err, i;

	err = open_object(det, kernel);
	if (err)
		return err;
	size_maps(det);
	err = select_programs(det->obj, &det->plan);
	if (!err)
		err = load_object(det);
	if (err)
		return err;
	for (i = 0; i < MAP_MAX; i++) {
		det->map_fd[i] = bpf_object__find_map_fd_by_name(det->obj, map_names[i]);
		if (det->map_fd[i] < 0)
			return det->map_fd[i];
	}
	return 0;
}

/* By tracefs where that lets it: else the kernel has room for as many calls as CPUs. */
static struct bpf_link *attach_return(struct detector *det, const struct bpf_program *prog,
				      struct hook_choice *choice)
{
	struct bpf_link *link = NULL;
	char why[160] = "too many";

	if (det->n_returns < RETURNS_MAX)
		link = return_probe_attach(&det->returns[det->n_returns], prog, choice->target, why,
					   sizeof(why));
	if (link) {
		choice->few_returns = false;
		det->n_returns++;
		return link;
	}
	choice->few_returns = true;
	snprintf(choice->reason, sizeof(choice->reason),
		 "misses returns when more calls wait than there are CPUs: %s", why);
	return bpf_program__attach(prog);
}

static int attach_hook(struct detector *det, struct hook_choice *choice)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	int i, err;

	for (i = 0; i < HOOK_PROGS && choice->progs[i]; i++) {
		prog = bpf_object__find_program_by_name(det->obj, choice->progs[i]);
		bpf_log_forget(&det->log);
		if (!strncmp(bpf_program__section_name(prog), "kretprobe/", 10))
			link = attach_return(det, prog, choice);
		else
			link = bpf_program__attach(prog);
		if (!link) {
			err = -errno;
			snprintf(det->log.prog, sizeof(det->log.prog), "%s", choice->progs[i]);
			return err;
		}
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
	while (det->n_returns)
		return_probe_remove(&det->returns[--det->n_returns]);
}

int detector_reattach(struct detector *det, char *why, size_t why_size)
{
	int err = attach(det);

	if (!err)
		return 0;
	bpf_log_explain(&det->log, err, why, why_size);
	detector_detach(det);
	return err;
}

static void unload(struct detector *det)
{
	detector_detach(det);
	ring_buffer__free(det->ring);
	det->ring = NULL;
	if (det->skel)
		ext4race_bpf__destroy(det->skel);
	if (det->direct)
		direct_bpf__destroy(det->direct);
	if (det->classic)
		classic_bpf__destroy(det->classic);
	det->skel = NULL;
	det->direct = NULL;
	det->classic = NULL;
	det->obj = NULL;
}

static int on_sample(void *arg, void *data, size_t size)
{
	struct detector *det = arg;

	if (size >= sizeof(struct e4r_event))
		det->config.event(det->config.arg, data);
	/* libbpf counts this sample as taken, and comes back for the next. */
	return det->budget && !--det->budget ? -EAGAIN : 0;
}

static int load_and_attach(struct detector *det, const struct kernel *kernel)
{
	int err;

	bpf_log_forget(&det->log);
	err = load(det, kernel);
	if (err)
		return err;
	det->ring = ring_buffer__new(det->map_fd[MAP_EVENTS], on_sample, det, NULL);
	return det->ring ? attach(det) : -errno;
}

/* Notes which program the kernel refused, so that the next plan does without it. */
static bool note_refusal(struct hook_refusals *refused, const struct bpf_log *log, int err)
{
	if (!log->prog[0] || refused->n == REFUSALS_MAX)
		return false;
	snprintf(refused->v[refused->n].prog, sizeof(refused->v[0].prog), "%s", log->prog);
	bpf_log_explain(log, err, refused->v[refused->n].why, sizeof(refused->v[0].why));
	refused->n++;
	return true;
}

/*
 * Finds out by doing: what the kernel refuses to load or to attach is left out of
 * the next try, in favour of the next candidate for its hook.
 */
static int try_plan(struct detector *det, const struct kernel *kernel, enum attach_mode mode,
		    bool classic, char *why, size_t why_size)
{
	struct hook_refusals refused = {};
	int err, err_before = 0;
	bool loaded;

	det->may_direct = !classic && has_direct_loads(kernel);
	for (;;) {
		err = hooks_plan(&det->plan, kernel, mode, classic, &refused, why, why_size);
		if (err)
			return err_before ? err_before : err;
		err = load_and_attach(det, kernel);
		if (!err)
			return 0;
		loaded = det->ring;
		unload(det);
		/* Once more in the way that every kernel can, before anything is left out. */
		if (det->may_direct && !loaded && err != -EPERM) {
			det->may_direct = false;
			continue;
		}
		if (!note_refusal(&refused, &det->log, err))
			break;
		err_before = err;
	}
	bpf_log_explain(&det->log, err, why, why_size);
	return err;
}

/* What a mode needs of the kernel as a whole. 0, or negative errno and why. */
static int mode_possible(const struct kernel *kernel, enum attach_mode mode, char *why,
			 size_t why_size)
{
	if (mode == ATTACH_KPROBE && !kernel->has_kprobes) {
		snprintf(why, why_size, "the kernel has no kprobes");
		return -ENOENT;
	}
	if (!kernel->ext4_types) {
		snprintf(why, why_size, "no BTF describes ext4");
		return -ENODATA;
	}
	return 0;
}

static int try_mode(struct detector *det, const struct kernel *kernel, enum attach_mode mode,
		    char *why, size_t why_size)
{
	char reason[512];
	int err;

	err = mode_possible(kernel, mode, why, why_size);
	if (!err)
		err = try_plan(det, kernel, mode, false, why, why_size);
	if (!err || mode != ATTACH_TRACEPOINT)
		return err;
	err = try_plan(det, kernel, mode, true, reason, sizeof(reason));
	if (err)
		snprintf(why + strlen(why), why_size - strlen(why), "; classic: %s", reason);
	return err;
}

/* Before 6.0 an attached fentry would lock a livepatch out: not by default. */
bool detector_blocks_livepatch(const struct kernel *kernel)
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
		if (ladder[i] == ATTACH_FENTRY && detector_blocks_livepatch(kernel)) {
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
int detector_possible(const struct kernel *kernel, char *why, size_t why_size)
{
	if (!kernel_capable(CAP_SYS_ADMIN) &&
	    !(kernel_capable(CAP_BPF) && kernel_capable(CAP_PERFMON))) {
		snprintf(why, why_size, "needs root, or CAP_BPF and CAP_PERFMON: run it with sudo");
		return -EPERM;
	}
	if (!kernel->ext4_here) {
		snprintf(why, why_size,
			 "ext4 is not loaded: modprobe ext4, or mount a filesystem of it");
		return -ENODEV;
	}
	return 0;
}

static struct detector *new_detector(const struct detector_config *config)
{
	struct detector *det = calloc(1, sizeof(*det));

	if (!det)
		return NULL;
	det->config = *config;
	det->n_cpus = libbpf_num_possible_cpus();
	det->log.verbose = config->verbose;
	bpf_log_use(&det->log);
	privilege_raise_memlock();
	return det;
}

int detector_probe(struct hook_plan *plan, const struct kernel *kernel,
		   const struct detector_config *config, char *why, size_t why_size)
{
	struct detector *det = new_detector(config);
	int err;

	if (!det)
		return -ENOMEM;
	why[0] = 0;
	err = try_mode(det, kernel, config->mode, why, why_size);
	*plan = det->plan;
	detector_close(det);
	return err;
}

int detector_open(struct detector **out, const struct kernel *kernel,
		  const struct detector_config *config, char *why, size_t why_size)
{
	char reason[512] = "";
	struct detector *det;
	int err;

	err = detector_possible(kernel, why, why_size);
	if (err)
		return err;
	det = new_detector(config);
	if (!det)
		return -ENOMEM;
	if (config->mode == ATTACH_AUTO)
		err = try_all(det, kernel, why, why_size);
	else
		err = try_mode(det, kernel, config->mode, reason, sizeof(reason));
	if (err && config->mode != ATTACH_AUTO)
		snprintf(why, why_size, "--attach %s: %s", attach_mode_name(config->mode), reason);
	if (err) {
		detector_close(det);
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
	bpf_log_end(&det->log);
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
	int n;

	det->budget = 0;
	n = ring_buffer__consume(det->ring);
	return n < 0 ? n : 0;
}

int detector_consume_some(struct detector *det)
{
	int n;

	det->budget = CONSUME_MAX;
	n = ring_buffer__consume(det->ring);
	return n < 0 && n != -EAGAIN ? n : 0;
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

/* Runs that the kernel skipped, of a hook's programs, because one was under way already. */
static uint64_t skipped_runs(const struct detector *det, enum hook hook)
{
	const struct hook_choice *choice = &det->plan.choice[hook];
	struct bpf_prog_info info;
	struct bpf_program *prog;
	uint64_t n = 0;
	unsigned int len;
	int i;

	for (i = 0; i < HOOK_PROGS && choice->progs[i]; i++) {
		prog = bpf_object__find_program_by_name(det->obj, choice->progs[i]);
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (prog && !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			n += info.recursion_misses;
	}
	return n;
}

/* So many of the counters are in use. */
static size_t n_hot(const struct detector *det)
{
	return det->n_cpus < E4R_HOT_CPUS ? det->n_cpus : E4R_HOT_CPUS;
}

static void add_hot(const struct detector *det, struct e4r_counters *counters)
{
	const struct e4r_hot *hot;
	size_t i;

	if (det->classic)
		return;
	/* The kernel's own memory, once the object is loaded. */
	hot = det->direct ? det->direct->bss->hot : det->skel->bss->hot;
	for (i = 0; i < n_hot(det); i++) {
		counters->delayed_inserts += __atomic_load_n(&hot[i].delayed_inserts,
							     __ATOMIC_RELAXED);
		counters->fault_inserts += __atomic_load_n(&hot[i].fault_inserts, __ATOMIC_RELAXED);
	}
}

static void add_skipped(const struct detector *det, struct e4r_counters *counters)
{
	int hook;

	for (hook = 0; hook < HOOK_MAX; hook++) {
		if (hook == HOOK_DELAYED_INSERT || hook == HOOK_INSERT_RESULT)
			counters->lost_pending += skipped_runs(det, hook);
		else if (hook == HOOK_INODE_END)
			counters->lost_file += skipped_runs(det, hook);
		else
			counters->lost_window += skipped_runs(det, hook);
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
	if (bpf_map_lookup_elem(det->map_fd[MAP_COUNTERS], &zero, values))
		err = -errno;
	else
		sum_cpus(counters, values, sizeof(*counters), det->n_cpus);
	if (!err) {
		add_hot(det, counters);
		add_skipped(det, counters);
	}
	free(values);
	return err;
}

int detector_stats(const struct detector *det, struct detector_stats **out)
{
	int fd = det->map_fd[MAP_STATS], n = 0;
	unsigned int key, *prev = NULL;
	struct detector_stats *stats;
	const size_t max = STATS_MAX;

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
	int fd = det->map_fd[MAP_PENDING];
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

	if (id < 0 || bpf_map_lookup_elem(det->map_fd[MAP_STACKS], &key, stack))
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

	bpf_object__for_each_program(prog, det->obj)
	{
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

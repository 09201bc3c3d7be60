// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics/exposition.h"
#include "metrics/exposition_text.h"

#define NSEC_PER_SEC 1000000000ULL
/*
 * Histogram buckets shown: slot i of the kernel's log2 histogram holds windows
 * of 2^i to 2^(i+1)-1 ns. Shorter ones than 1 us fall into the first bucket
 * shown, longer ones than 1.07 s only into +Inf.
 */
#define BUCKET_FIRST 9
#define BUCKET_LAST  29

/* ---------------------------------------------------- what is exposed: host */

static void render_info(struct expo *o, const struct metrics *m)
{
	static const struct expo_family build = { "ext4race_build", INFO,
						  "Version of the detector." };
	static const struct expo_family kernel = { "ext4race_kernel", INFO, "Running kernel." };
	static const struct expo_family attach = {
		"ext4race_attach", INFO,
		"How the detector is attached, and whether this way sees everything (full) or not "
		"(reduced)."
	};
	static const struct expo_family bound = {
		"ext4race_hook_bound", GAUGE, "Whether a logical hook is attached (1) or not (0)."
	};
	const struct start_info *s = m->start;
	size_t i;

	if (!s)
		return;
	expo_family(o, &build);
	expo_sample(o, &build, "_info", "version", s->version, NULL);
	expo_put(o, "1\n");
	expo_family(o, &kernel);
	expo_sample(o, &kernel, "_info", "release", s->kernel, NULL);
	expo_put(o, "1\n");
	expo_family(o, &attach);
	expo_sample(o, &attach, "_info", "mode", s->attach, "certainty",
		    s->degraded ? "reduced" : "full", NULL);
	expo_put(o, "1\n");
	if (!s->n_hooks)
		return;
	expo_family(o, &bound);
	for (i = 0; i < s->n_hooks; i++) {
		expo_sample(o, &bound, "", "hook", s->hooks[i].name, NULL);
		expo_put(o, s->hooks[i].bound[0] ? "1\n" : "0\n");
	}
}

static void render_verdict(struct expo *o, const struct metrics *m)
{
	/*
	 * A state set in all but the type: OpenMetrics would have the label carry the
	 * metric's name.
	 */
	static const struct expo_family f = {
		"ext4race_kernel_verdict", GAUGE,
		"Whether the running kernel has the fix: 1 for the verdict "
		"that holds, 0 for the others."
	};
	enum verdict now = m->verdict ? m->verdict->verdict : VERDICT_UNKNOWN;
	static const enum verdict all[] = { VERDICT_FIXED, VERDICT_VULNERABLE, VERDICT_UNKNOWN };
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		expo_sample(o, &f, "", "verdict", verdict_name(all[i]), NULL);
		expo_put(o, now == all[i] ? "1\n" : "0\n");
	}
}

static void render_evidence(struct expo *o, const struct verdict_info *v)
{
	static const struct expo_family f = {
		"ext4race_verdict_evidence", GAUGE,
		"What the verdict rests on: 1 for each piece of evidence."
	};
	enum evidence_slot slot;

	if (!v || evidence_is_empty(v))
		return;
	expo_family(o, &f);
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		if (!v->evidence[slot].given)
			continue;
		expo_sample(o, &f, "", "kind", evidence_kind(slot), "says",
			    verdict_name(v->evidence[slot].says), NULL);
		expo_put(o, "1\n");
	}
}

static void render_lost(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_lost_events", COUNTER,
		"What the detector could not see or could not tell, by cause."
	};
	const struct e4r_counters *c = &m->counters;
	const struct {
		const char *cause;
		unsigned long long n;
	} lost[] = {
		{ "ring", c->lost_ring },	{ "walk", c->lost_walk },
		{ "pending", c->lost_pending }, { "window", c->lost_window },
		{ "file", c->lost_file },	{ "late_hook", c->already_delayed },
	};
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		expo_sample(o, &f, "_total", "cause", lost[i].cause, NULL);
		expo_putf(o, "%llu\n", lost[i].n);
	}
}

static void render_window(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_window_seconds", HISTOGRAM,
		"Time from the start of the fault to the delayed insert that overwrote, where the "
		"start was seen."
	};
	unsigned long long sum = 0;
	char le[32];
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < E4R_WINDOW_SLOTS; i++) {
		sum += m->total.window[i];
		if (i < BUCKET_FIRST || i > BUCKET_LAST)
			continue;
		/* The slot's largest value, so that the bound is exact. */
		snprintf(le, sizeof(le), "%llu.%09llu",
			 (unsigned long long)(((2ULL << i) - 1) / NSEC_PER_SEC),
			 (unsigned long long)(((2ULL << i) - 1) % NSEC_PER_SEC));
		expo_sample(o, &f, "_bucket", "le", le, NULL);
		expo_putf(o, "%llu\n", sum);
	}
	expo_sample(o, &f, "_bucket", "le", "+Inf", NULL);
	expo_putf(o, "%llu\n", sum);
	expo_sample(o, &f, "_sum", NULL);
	expo_put_ns(o, m->total.window_sum_ns);
	expo_put(o, "\n");
	expo_sample(o, &f, "_count", NULL);
	expo_putf(o, "%llu\n", sum);
}

static void render_host(struct expo *o, const struct metrics *m)
{
	static const struct expo_family inserts = { "ext4race_delayed_inserts", COUNTER,
						    "Delayed inserts seen, all filesystems." };
	static const struct expo_family faults = {
		"ext4race_fault_inserts", COUNTER,
		"Delayed inserts that came from page faults and were checked."
	};
	static const struct expo_family snap = { "ext4race_snapshot_timestamp_seconds", GAUGE,
						 "When these values were read, as a Unix time." };

	render_info(o, m);
	render_verdict(o, m);
	render_evidence(o, m->verdict);
	expo_u64(o, &inserts, m->counters.delayed_inserts);
	expo_u64(o, &faults, m->counters.fault_inserts);
	render_lost(o, m);
	render_window(o, m);
	expo_ns(o, &snap, (uint64_t)m->time.tv_sec * NSEC_PER_SEC + (uint64_t)m->time.tv_nsec);
}

/* ----------------------------------------------- what is exposed: filesystem */

static const char *device_of(const struct metrics_fs *fs, char *buf, size_t size)
{
	if (fs->source[0])
		return fs->source;
	/* The map of filesystems is full: one entry stands for all the others. */
	if (!fs->dev)
		return "other";
	snprintf(buf, size, "%u:%u", E4R_DEV_MAJOR(fs->dev), E4R_DEV_MINOR(fs->dev));
	return buf;
}

static void fs_sample(struct expo *o, const struct expo_family *f, const struct metrics_fs *fs,
		      unsigned long long value)
{
	char dev[32];

	expo_sample(o, f, expo_suffix(f), "device", device_of(fs, dev, sizeof(dev)), "mount",
		    fs->mount ? fs->mount : "", NULL);
	expo_putf(o, "%llu\n", value);
}

struct fs_counter {
	struct expo_family family;
	size_t offset; /* of the count in struct e4r_stats */
	bool near_miss;
};

static const struct fs_counter fs_counters[] = {
	{ { "ext4race_overwritten_blocks", COUNTER,
	    "Blocks whose mapping a delayed insert overwrote: the race, confirmed." },
	  offsetof(struct e4r_stats, overwritten_blocks),
	  false },
	{ { "ext4race_overwritten_files", COUNTER,
	    "Files with at least one overwritten block; again if hit after an eviction." },
	  offsetof(struct e4r_stats, overwritten_files),
	  false },
	{ { "ext4race_reclaimed_blocks", COUNTER,
	    "Overwritten blocks whose mapping had been reclaimed from the extent status tree." },
	  offsetof(struct e4r_stats, reclaimed_blocks),
	  false },
	{ { "ext4race_near_misses", COUNTER,
	    "Allocations of the faulting block within a fault that overwrote nothing." },
	  offsetof(struct e4r_stats, near_misses),
	  true },
	{ { "ext4race_averted", COUNTER, "Collisions that the kernel caught." },
	  offsetof(struct e4r_stats, averted),
	  false },
	{ { "ext4race_leaked_blocks", COUNTER,
	    "Reserved blocks still held by inodes when they were destroyed." },
	  offsetof(struct e4r_stats, leaked_blocks),
	  false },
	{ { "ext4race_leaked_files", COUNTER, "Inodes destroyed with reserved blocks still held." },
	  offsetof(struct e4r_stats, leaked_files),
	  false },
};

static void render_fs_counters(struct expo *o, const struct metrics *m)
{
	size_t i, j;

	for (i = 0; i < sizeof(fs_counters) / sizeof(*fs_counters); i++) {
		const struct fs_counter *c = &fs_counters[i];

		/* A zero that nobody could have counted would be a lie. */
		if (c->near_miss && !m->near_misses_seen)
			continue;
		expo_family(o, &c->family);
		for (j = 0; j < m->n_fs; j++) {
			__u64 value;

			memcpy(&value, (const char *)&m->fs[j].stats + c->offset, sizeof(value));
			fs_sample(o, &c->family, &m->fs[j], value);
		}
	}
}

static void render_operations(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_allocator_overwritten_blocks", COUNTER,
		"Overwritten blocks by the operation that had allocated them."
	};
	char dev[32];
	unsigned int op;
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < m->n_fs; i++)
		for (op = 0; op < E4R_OP_MAX; op++) {
			const struct metrics_fs *fs = &m->fs[i];

			expo_sample(o, &f, "_total", "device", device_of(fs, dev, sizeof(dev)),
				    "mount", fs->mount ? fs->mount : "", "operation", op_name(op),
				    NULL);
			expo_putf(o, "%llu\n", (unsigned long long)fs->stats.by_op[op]);
		}
}

static void render_fs(struct expo *o, const struct metrics *m)
{
	static const struct expo_family residual = {
		"ext4race_residual_blocks", GAUGE,
		"Delayed blocks that the filesystem accounts for; "
		"what remains after a sync is leaked."
	};
	size_t i;

	render_fs_counters(o, m);
	render_operations(o, m);
	expo_family(o, &residual);
	for (i = 0; i < m->n_fs; i++)
		if (m->fs[i].has_residual)
			fs_sample(o, &residual, &m->fs[i], m->fs[i].residual);
}

/* ------------------------------------------------ what is exposed: ourselves */

static void render_progs(struct expo *o, const struct metrics *m)
{
	static const struct expo_family time = { "ext4race_bpf_run_seconds", COUNTER,
						 "Time spent in a BPF program." };
	static const struct expo_family runs = { "ext4race_bpf_runs", COUNTER,
						 "Runs of a BPF program." };
	bool accounted = false;
	size_t i;

	/* All zero: kernel.bpf_stats_enabled is off and nothing was measured. */
	for (i = 0; i < m->n_progs; i++)
		accounted |= m->progs[i].run_count != 0;
	if (!accounted)
		return;
	expo_family(o, &time);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		expo_sample(o, &time, "_total", "program", m->progs[i].name, NULL);
		expo_put_ns(o, m->progs[i].run_time_ns);
		expo_put(o, "\n");
	}
	expo_family(o, &runs);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		expo_sample(o, &runs, "_total", "program", m->progs[i].name, NULL);
		expo_putf(o, "%llu\n", m->progs[i].run_count);
	}
}

static void render_sinks(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_sink_missed_reports", COUNTER,
		"Reports that a sink dropped because its reader was too slow or gone."
	};
	size_t i;

	if (!m->n_sinks)
		return;
	expo_family(o, &f);
	for (i = 0; i < m->n_sinks; i++) {
		expo_sample(o, &f, "_total", "sink", m->sinks[i].name, NULL);
		expo_putf(o, "%llu\n", m->sinks[i].missed);
	}
}

static void render_http(struct expo *o, const struct exposition_http *h)
{
	static const struct expo_family codes = { "ext4race_http_responses", COUNTER,
						  "HTTP responses of the pages by status code." };
	static const struct expo_family conns = { "ext4race_http_connections", GAUGE,
						  "HTTP connections that are open." };
	static const struct expo_family dropped = {
		"ext4race_http_dropped_connections", COUNTER,
		"HTTP connections closed to make room (evicted) or for being too slow (timeout)."
	};
	char code[16];
	size_t i;

	expo_family(o, &codes);
	for (i = 0; i < h->n_codes; i++) {
		snprintf(code, sizeof(code), "%u", h->codes[i].code);
		expo_sample(o, &codes, "_total", "code", code, NULL);
		expo_putf(o, "%llu\n", h->codes[i].count);
	}
	expo_u64(o, &conns, h->connections);
	expo_family(o, &dropped);
	expo_sample(o, &dropped, "_total", "reason", "evicted", NULL);
	expo_putf(o, "%llu\n", h->evicted);
	expo_sample(o, &dropped, "_total", "reason", "timeout", NULL);
	expo_putf(o, "%llu\n", h->timeouts);
}

/* Size and resident pages of this process; 0 or negative errno. */
static int read_statm(unsigned long long *size, unsigned long long *resident)
{
	char buf[128];
	ssize_t n;
	int fd;

	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	buf[n] = '\0';
	return sscanf(buf, "%llu %llu", size, resident) == 2 ? 0 : -EIO;
}

static int count_fds(unsigned long long *n)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	if (!dir)
		return -errno;
	*n = 0;
	while ((e = readdir(dir)))
		*n += e->d_name[0] != '.';
	closedir(dir);
	*n -= 1; /* the directory itself */
	return 0;
}

static void render_process(struct expo *o, const struct metrics *m)
{
	static const struct expo_family cpu = { "process_cpu_seconds", COUNTER,
						"User and system CPU time spent." };
	static const struct expo_family rss = { "process_resident_memory_bytes", GAUGE,
						"Resident memory size." };
	static const struct expo_family vsz = { "process_virtual_memory_bytes", GAUGE,
						"Virtual memory size." };
	static const struct expo_family start = { "process_start_time_seconds", GAUGE,
						  "Start of the run, as a Unix time." };
	static const struct expo_family fds = { "process_open_fds", GAUGE,
						"Open file descriptors." };
	static const struct expo_family max = { "process_max_fds", GAUGE,
						"Limit of open file descriptors." };
	unsigned long long size, resident, n = 0;
	unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	struct timespec ts;
	struct rlimit rl;

	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		expo_ns(o, &cpu, (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec);
	if (!read_statm(&size, &resident)) {
		expo_u64(o, &rss, resident * page);
		expo_u64(o, &vsz, size * page);
	}
	expo_ns(o, &start,
		(uint64_t)m->start_time.tv_sec * NSEC_PER_SEC + (uint64_t)m->start_time.tv_nsec);
	if (!count_fds(&n))
		expo_u64(o, &fds, n);
	if (!getrlimit(RLIMIT_NOFILE, &rl))
		expo_u64(o, &max, rl.rlim_cur);
}

int exposition_render(const struct metrics *metrics, const struct exposition_options *opt,
		      char **text, size_t *len)
{
	struct expo o = { .openmetrics = opt->format == EXPOSITION_OPENMETRICS };

	render_host(&o, metrics);
	render_fs(&o, metrics);
	render_progs(&o, metrics);
	render_sinks(&o, metrics);
	if (opt->http)
		render_http(&o, opt->http);
	if (opt->process)
		render_process(&o, metrics);
	if (o.openmetrics)
		expo_put(&o, "# EOF\n");
	if (o.failed) {
		free(o.data);
		return -ENOMEM;
	}
	*text = o.data;
	*len = o.len;
	return 0;
}

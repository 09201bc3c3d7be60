// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "exposition.h"
#include "output.h"

#define NSEC_PER_SEC 1000000000ULL
/* Mount points may be 4095 bytes long; a label of a time series must not. */
#define LABEL_BYTES_MAX 200
/*
 * Histogram buckets shown: slot i of the kernel's log2 histogram holds windows
 * of 2^i to 2^(i+1)-1 ns. Shorter ones than 1 us fall into the first bucket
 * shown, longer ones than 1.07 s only into +Inf.
 */
#define BUCKET_FIRST 9
#define BUCKET_LAST  29

enum kind { COUNTER, GAUGE, HISTOGRAM, INFO };

struct family {
	const char *name; /* without _total and _info, as OpenMetrics wants it */
	enum kind kind;
	const char *help;
};

/* The text under construction. A failed allocation is kept until the end. */
struct out {
	char *data;
	size_t len, size;
	bool failed;
	bool openmetrics;
};

/* ------------------------------------------------------------ plain output */

static bool out_room(struct out *o, size_t more)
{
	size_t size = o->size ? o->size : 16384;
	char *data;

	if (o->failed)
		return false;
	if (o->len + more + 1 <= o->size)
		return true;
	while (size < o->len + more + 1)
		size *= 2;
	data = realloc(o->data, size);
	if (!data) {
		o->failed = true;
		return false;
	}
	o->data = data;
	o->size = size;
	return true;
}

static void put_bytes(struct out *o, const char *s, size_t n)
{
	if (!out_room(o, n))
		return;
	memcpy(o->data + o->len, s, n);
	o->len += n;
	o->data[o->len] = '\0';
}

static void put(struct out *o, const char *s)
{
	put_bytes(o, s, strlen(s));
}

__attribute__((format(printf, 2, 3))) static void putf(struct out *o, const char *fmt, ...)
{
	char buf[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > 0)
		put_bytes(o, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

static void put_ns(struct out *o, uint64_t ns)
{
	putf(o, "%llu.%09llu", (unsigned long long)(ns / NSEC_PER_SEC),
	     (unsigned long long)(ns % NSEC_PER_SEC));
}

/* ------------------------------------------------------------------ labels */

static void put_label_value(struct out *o, const char *value)
{
	const char *s = value ? value : "";
	size_t n, used = 0;

	while (*s) {
		n = utf8_next(s, NULL);
		if (used + (n ? n : 3) > LABEL_BYTES_MAX) {
			put(o, "...");
			break;
		}
		used += n ? n : 3;
		if (!n)
			put(o, "\xef\xbf\xbd");
		else if (*s == '\n')
			put(o, "\\n");
		else if (*s == '"' || *s == '\\')
			put_bytes(o, (char[]){'\\', *s}, 2);
		else
			put_bytes(o, s, n);
		s += n ? n : 1;
	}
}

/* A sample's name and labels: pairs of name and value, NULL ends them. */
__attribute__((sentinel)) static void sample(struct out *o, const struct family *f,
					     const char *suffix, ...)
{
	const char *name, *sep = "{";
	va_list ap;

	put(o, f->name);
	put(o, suffix);
	va_start(ap, suffix);
	while ((name = va_arg(ap, const char *))) {
		put(o, sep);
		put(o, name);
		put(o, "=\"");
		put_label_value(o, va_arg(ap, const char *));
		put(o, "\"");
		sep = ",";
	}
	va_end(ap);
	put(o, *sep == ',' ? "} " : " ");
}

static const char *suffix_of(const struct family *f)
{
	return f->kind == COUNTER ? "_total" : f->kind == INFO ? "_info" : "";
}

static void family(struct out *o, const struct family *f)
{
	/* Text format 0.0.4 names what it shows and knows no info type. */
	const char *suffix = o->openmetrics ? "" : suffix_of(f);
	const char *type = f->kind == COUNTER		       ? "counter"
			   : f->kind == HISTOGRAM	       ? "histogram"
			   : f->kind == INFO && o->openmetrics ? "info"
							       : "gauge";

	put(o, "# HELP ");
	put(o, f->name);
	put(o, suffix);
	put(o, " ");
	put(o, f->help);
	put(o, "\n# TYPE ");
	put(o, f->name);
	put(o, suffix);
	put(o, " ");
	put(o, type);
	put(o, "\n");
}

static void one_u64(struct out *o, const struct family *f, unsigned long long value)
{
	family(o, f);
	sample(o, f, suffix_of(f), NULL);
	putf(o, "%llu\n", value);
}

static void one_ns(struct out *o, const struct family *f, uint64_t ns)
{
	family(o, f);
	sample(o, f, suffix_of(f), NULL);
	put_ns(o, ns);
	put(o, "\n");
}

/* ---------------------------------------------------- what is exposed: host */

static void render_info(struct out *o, const struct metrics *m)
{
	static const struct family build = {"ext4race_build", INFO, "Version of the detector."};
	static const struct family kernel = {"ext4race_kernel", INFO, "Running kernel."};
	static const struct family attach = {
		"ext4race_attach", INFO,
		"How the detector is attached, and whether this way sees everything (full) or not "
		"(reduced)."};
	static const struct family bound = {"ext4race_hook_bound", GAUGE,
					    "Whether a logical hook is attached (1) or not (0)."};
	const struct start_info *s = m->start;
	size_t i;

	if (!s)
		return;
	family(o, &build);
	sample(o, &build, "_info", "version", s->version, NULL);
	put(o, "1\n");
	family(o, &kernel);
	sample(o, &kernel, "_info", "release", s->kernel, NULL);
	put(o, "1\n");
	family(o, &attach);
	sample(o, &attach, "_info", "mode", s->attach, "certainty",
	       s->degraded ? "reduced" : "full", NULL);
	put(o, "1\n");
	if (!s->n_hooks)
		return;
	family(o, &bound);
	for (i = 0; i < s->n_hooks; i++) {
		sample(o, &bound, "", "hook", s->hooks[i].name, NULL);
		put(o, s->hooks[i].bound[0] ? "1\n" : "0\n");
	}
}

static void render_verdict(struct out *o, const struct metrics *m)
{
	/*
	 * A state set in all but the type: OpenMetrics would have the label carry the
	 * metric's name.
	 */
	static const struct family f = {"ext4race_kernel_verdict", GAUGE,
					"Whether the running kernel has the fix: 1 for the verdict "
					"that holds, 0 for the others."};
	enum verdict now = m->verdict ? m->verdict->verdict : VERDICT_UNKNOWN;
	static const enum verdict all[] = {VERDICT_FIXED, VERDICT_VULNERABLE, VERDICT_UNKNOWN};
	size_t i;

	family(o, &f);
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		sample(o, &f, "", "verdict", verdict_name(all[i]), NULL);
		put(o, now == all[i] ? "1\n" : "0\n");
	}
}

/* Whether a piece of evidence before this one has the same labels. */
static bool evidence_repeats(const struct verdict_info *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v->evidence[i].says == v->evidence[n].says &&
		    !strcmp(v->evidence[i].kind, v->evidence[n].kind))
			return true;
	return false;
}

static void render_evidence(struct out *o, const struct verdict_info *v)
{
	static const struct family f = {"ext4race_verdict_evidence", GAUGE,
					"What the verdict rests on: 1 for each piece of evidence."};
	size_t i;

	if (!v || !v->n_evidence)
		return;
	family(o, &f);
	for (i = 0; i < v->n_evidence; i++) {
		if (evidence_repeats(v, i))
			continue;
		sample(o, &f, "", "kind", v->evidence[i].kind, "says",
		       verdict_name(v->evidence[i].says), NULL);
		put(o, "1\n");
	}
}

static void render_lost(struct out *o, const struct metrics *m)
{
	static const struct family f = {
		"ext4race_lost_events", COUNTER,
		"What the detector could not see or could not tell, by cause."};
	const struct e4r_counters *c = &m->counters;
	const struct {
		const char *cause;
		unsigned long long n;
	} lost[] = {
		{"ring", c->lost_ring},	      {"walk", c->lost_walk},
		{"pending", c->lost_pending}, {"window", c->lost_window},
		{"file", c->lost_file},	      {"late_hook", c->already_delayed},
	};
	size_t i;

	family(o, &f);
	for (i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		sample(o, &f, "_total", "cause", lost[i].cause, NULL);
		putf(o, "%llu\n", lost[i].n);
	}
}

static void render_window(struct out *o, const struct metrics *m)
{
	static const struct family f = {
		"ext4race_window_seconds", HISTOGRAM,
		"Time from the start of the fault to the delayed insert that overwrote, where the "
		"start was seen."};
	unsigned long long sum = 0;
	char le[32];
	size_t i;

	family(o, &f);
	for (i = 0; i < E4R_WINDOW_SLOTS; i++) {
		sum += m->total.window[i];
		if (i < BUCKET_FIRST || i > BUCKET_LAST)
			continue;
		/* The slot's largest value, so that the bound is exact. */
		snprintf(le, sizeof(le), "%llu.%09llu",
			 (unsigned long long)(((2ULL << i) - 1) / NSEC_PER_SEC),
			 (unsigned long long)(((2ULL << i) - 1) % NSEC_PER_SEC));
		sample(o, &f, "_bucket", "le", le, NULL);
		putf(o, "%llu\n", sum);
	}
	sample(o, &f, "_bucket", "le", "+Inf", NULL);
	putf(o, "%llu\n", sum);
	sample(o, &f, "_sum", NULL);
	put_ns(o, m->total.window_sum_ns);
	put(o, "\n");
	sample(o, &f, "_count", NULL);
	putf(o, "%llu\n", sum);
}

static void render_host(struct out *o, const struct metrics *m)
{
	static const struct family inserts = {"ext4race_delayed_inserts", COUNTER,
					      "Delayed inserts seen, all filesystems."};
	static const struct family faults = {
		"ext4race_fault_inserts", COUNTER,
		"Delayed inserts that came from page faults and were checked."};
	static const struct family snap = {"ext4race_snapshot_timestamp_seconds", GAUGE,
					   "When these values were read, as a Unix time."};

	render_info(o, m);
	render_verdict(o, m);
	render_evidence(o, m->verdict);
	one_u64(o, &inserts, m->counters.delayed_inserts);
	one_u64(o, &faults, m->counters.fault_inserts);
	render_lost(o, m);
	render_window(o, m);
	one_ns(o, &snap, (uint64_t)m->time.tv_sec * NSEC_PER_SEC + (uint64_t)m->time.tv_nsec);
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

static void fs_sample(struct out *o, const struct family *f, const struct metrics_fs *fs,
		      unsigned long long value)
{
	char dev[32];

	sample(o, f, suffix_of(f), "device", device_of(fs, dev, sizeof(dev)), "mount",
	       fs->mount ? fs->mount : "", NULL);
	putf(o, "%llu\n", value);
}

struct fs_counter {
	struct family family;
	size_t offset; /* of the count in struct e4r_stats */
	bool near_miss;
};

static const struct fs_counter fs_counters[] = {
	{{"ext4race_overwritten_blocks", COUNTER,
	  "Blocks whose mapping a delayed insert overwrote: the race, confirmed."},
	 offsetof(struct e4r_stats, overwritten_blocks),
	 false},
	{{"ext4race_overwritten_files", COUNTER, "Files with at least one overwritten block."},
	 offsetof(struct e4r_stats, overwritten_files),
	 false},
	{{"ext4race_reclaimed_blocks", COUNTER,
	  "Overwritten blocks whose mapping had been reclaimed from the extent status tree."},
	 offsetof(struct e4r_stats, reclaimed_blocks),
	 false},
	{{"ext4race_near_misses", COUNTER,
	  "Allocations of the faulting block within a fault that overwrote nothing."},
	 offsetof(struct e4r_stats, near_misses),
	 true},
	{{"ext4race_averted", COUNTER, "Collisions that the kernel caught."},
	 offsetof(struct e4r_stats, averted),
	 false},
	{{"ext4race_leaked_blocks", COUNTER,
	  "Reserved blocks still held by inodes when they were destroyed."},
	 offsetof(struct e4r_stats, leaked_blocks),
	 false},
	{{"ext4race_leaked_files", COUNTER, "Inodes destroyed with reserved blocks still held."},
	 offsetof(struct e4r_stats, leaked_files),
	 false},
};

static void render_fs_counters(struct out *o, const struct metrics *m)
{
	size_t i, j;

	for (i = 0; i < sizeof(fs_counters) / sizeof(*fs_counters); i++) {
		const struct fs_counter *c = &fs_counters[i];

		/* A zero that nobody could have counted would be a lie. */
		if (c->near_miss && !m->near_misses_seen)
			continue;
		family(o, &c->family);
		for (j = 0; j < m->n_fs; j++) {
			__u64 value;

			memcpy(&value, (const char *)&m->fs[j].stats + c->offset, sizeof(value));
			fs_sample(o, &c->family, &m->fs[j], value);
		}
	}
}

static void render_operations(struct out *o, const struct metrics *m)
{
	static const struct family f = {
		"ext4race_allocator_overwritten_blocks", COUNTER,
		"Overwritten blocks by the operation that had allocated them."};
	char dev[32];
	unsigned int op;
	size_t i;

	family(o, &f);
	for (i = 0; i < m->n_fs; i++)
		for (op = 0; op < E4R_OP_MAX; op++) {
			const struct metrics_fs *fs = &m->fs[i];

			sample(o, &f, "_total", "device", device_of(fs, dev, sizeof(dev)), "mount",
			       fs->mount ? fs->mount : "", "operation", op_name(op), NULL);
			putf(o, "%llu\n", (unsigned long long)fs->stats.by_op[op]);
		}
}

static void render_fs(struct out *o, const struct metrics *m)
{
	static const struct family residual = {"ext4race_residual_blocks", GAUGE,
					       "Delayed blocks that the filesystem accounts for; "
					       "what remains after a sync is leaked."};
	size_t i;

	render_fs_counters(o, m);
	render_operations(o, m);
	family(o, &residual);
	for (i = 0; i < m->n_fs; i++)
		if (m->fs[i].has_residual)
			fs_sample(o, &residual, &m->fs[i], m->fs[i].residual);
}

/* ------------------------------------------------ what is exposed: ourselves */

static void render_progs(struct out *o, const struct metrics *m)
{
	static const struct family time = {"ext4race_bpf_run_seconds", COUNTER,
					   "Time spent in a BPF program."};
	static const struct family runs = {"ext4race_bpf_runs", COUNTER, "Runs of a BPF program."};
	bool accounted = false;
	size_t i;

	/* All zero: kernel.bpf_stats_enabled is off and nothing was measured. */
	for (i = 0; i < m->n_progs; i++)
		accounted |= m->progs[i].run_count != 0;
	if (!accounted)
		return;
	family(o, &time);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		sample(o, &time, "_total", "program", m->progs[i].name, NULL);
		put_ns(o, m->progs[i].run_time_ns);
		put(o, "\n");
	}
	family(o, &runs);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		sample(o, &runs, "_total", "program", m->progs[i].name, NULL);
		putf(o, "%llu\n", m->progs[i].run_count);
	}
}

static void render_sinks(struct out *o, const struct metrics *m)
{
	static const struct family f = {
		"ext4race_sink_missed_reports", COUNTER,
		"Reports that a sink dropped because its reader was too slow or gone."};
	size_t i;

	if (!m->n_sinks)
		return;
	family(o, &f);
	for (i = 0; i < m->n_sinks; i++) {
		sample(o, &f, "_total", "sink", m->sinks[i].name, NULL);
		putf(o, "%llu\n", m->sinks[i].missed);
	}
}

static void render_http(struct out *o, const struct exposition_http *h)
{
	static const struct family codes = {"ext4race_http_responses", COUNTER,
					    "HTTP responses by status code."};
	static const struct family conns = {"ext4race_http_connections", GAUGE,
					    "HTTP connections that are open."};
	static const struct family dropped = {
		"ext4race_http_dropped_connections", COUNTER,
		"HTTP connections closed to make room (evicted) or for being too slow (timeout)."};
	char code[16];
	size_t i;

	family(o, &codes);
	for (i = 0; i < h->n_codes; i++) {
		snprintf(code, sizeof(code), "%u", h->codes[i].code);
		sample(o, &codes, "_total", "code", code, NULL);
		putf(o, "%llu\n", h->codes[i].count);
	}
	one_u64(o, &conns, h->connections);
	family(o, &dropped);
	sample(o, &dropped, "_total", "reason", "evicted", NULL);
	putf(o, "%llu\n", h->evicted);
	sample(o, &dropped, "_total", "reason", "timeout", NULL);
	putf(o, "%llu\n", h->timeouts);
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

static void render_process(struct out *o, const struct metrics *m)
{
	static const struct family cpu = {"process_cpu_seconds", COUNTER,
					  "User and system CPU time spent."};
	static const struct family rss = {"process_resident_memory_bytes", GAUGE,
					  "Resident memory size."};
	static const struct family vsz = {"process_virtual_memory_bytes", GAUGE,
					  "Virtual memory size."};
	static const struct family start = {"process_start_time_seconds", GAUGE,
					    "Start of the run, as a Unix time."};
	static const struct family fds = {"process_open_fds", GAUGE, "Open file descriptors."};
	static const struct family max = {"process_max_fds", GAUGE,
					  "Limit of open file descriptors."};
	unsigned long long size, resident, n = 0;
	unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	struct timespec ts;
	struct rlimit rl;

	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		one_ns(o, &cpu, (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec);
	if (!read_statm(&size, &resident)) {
		one_u64(o, &rss, resident * page);
		one_u64(o, &vsz, size * page);
	}
	one_ns(o, &start,
	       (uint64_t)m->start_time.tv_sec * NSEC_PER_SEC + (uint64_t)m->start_time.tv_nsec);
	if (!count_fds(&n))
		one_u64(o, &fds, n);
	if (!getrlimit(RLIMIT_NOFILE, &rl))
		one_u64(o, &max, rl.rlim_cur);
}

int exposition_render(const struct metrics *metrics, const struct exposition_options *opt,
		      char **text, size_t *len)
{
	struct out o = {.openmetrics = opt->format == EXPOSITION_OPENMETRICS};

	render_host(&o, metrics);
	render_fs(&o, metrics);
	render_progs(&o, metrics);
	render_sinks(&o, metrics);
	if (opt->http)
		render_http(&o, opt->http);
	if (opt->process)
		render_process(&o, metrics);
	if (o.openmetrics)
		put(&o, "# EOF\n");
	if (o.failed) {
		free(o.data);
		return -ENOMEM;
	}
	*text = o.data;
	*len = o.len;
	return 0;
}

/* ------------------------------------------------------------- negotiation */

/* Compares up to the next separator, without regard to case. */
static bool token_is(const char *s, size_t n, const char *want)
{
	return strlen(want) == n && !strncasecmp(s, want, n);
}

static const char *skip_space(const char *s, const char *end)
{
	while (s < end && isspace((unsigned char)*s))
		s++;
	return s;
}

/* One "type/subtype;name=value;..." of an Accept header. */
struct media_range {
	bool openmetrics;
	bool text;	/* text/plain, or a wildcard that takes it */
	unsigned int q; /* thousandths */
};

/* A weight: "1", "0.5", "0.125". Not strtod(): its decimal point has a locale. */
static unsigned int parse_q(const char *s, const char *end)
{
	unsigned int q, unit = 100;

	if (s == end || (*s != '0' && *s != '1'))
		return 0;
	q = *s++ == '1' ? 1000 : 0;
	if (s < end && *s == '.')
		for (s++; s < end && isdigit((unsigned char)*s); s++, unit /= 10)
			q += (unsigned int)(*s - '0') * unit;
	return q > 1000 ? 0 : q;
}

static struct media_range parse_range(const char *s, const char *end)
{
	struct media_range r = {.q = 1000};
	bool version_ok = true;
	const char *semi = memchr(s, ';', (size_t)(end - s));
	const char *type_end = semi ? semi : end;
	const char *t;

	s = skip_space(s, type_end);
	for (t = type_end; t > s && isspace((unsigned char)t[-1]); t--)
		;
	r.openmetrics = token_is(s, (size_t)(t - s), "application/openmetrics-text");
	r.text = token_is(s, (size_t)(t - s), "text/plain") ||
		 token_is(s, (size_t)(t - s), "text/*") || token_is(s, (size_t)(t - s), "*/*");
	while (semi) {
		const char *next;

		s = skip_space(semi + 1, end);
		next = memchr(s, ';', (size_t)(end - s));
		t = next ? next : end;
		if (t - s >= 2 && !strncasecmp(s, "q=", 2))
			r.q = parse_q(s + 2, t);
		else if (t - s > 8 && !strncasecmp(s, "version=", 8))
			version_ok = s[8] == '0' || s[8] == '1';
		semi = next;
	}
	if (!r.q || !version_ok)
		r = (struct media_range){0};
	return r;
}

enum exposition_format exposition_negotiate(const char *accept)
{
	unsigned int openmetrics = 0, text = 0;

	while (accept && *accept) {
		const char *end = strchrnul(accept, ',');
		struct media_range r = parse_range(accept, end);

		if (r.openmetrics && r.q > openmetrics)
			openmetrics = r.q;
		if (r.text && r.q > text)
			text = r.q;
		accept = *end ? end + 1 : NULL;
	}
	return openmetrics && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

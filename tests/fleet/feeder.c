// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real sinks fed by a recorded run instead of BPF: reads what `-o json`
 * wrote, replays its events over and over, counts them as the kernel side does,
 * and hands reports and snapshots to the exporter, the textfile and the journal.
 *
 *   feeder --record FILE [--rate EVENTS_PER_SECOND] [--count EVENTS] [--listen ADDR]
 *          [--web.config.file FILE] [--textfile FILE] [--output-file FILE]
 *          [--journal SOCKET] [--kernel RELEASE] [--unhealthy]
 *
 * Prints "listening PORT" once it answers, "done" when --count events were
 * replayed, and on SIGTERM its totals as one JSON object. SIGHUP reopens.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../listening_port.h"
#include "report/metrics.h"
#include "sink/sink.h"
#include "http/sink_http.h"
#include "sink/sink_journal.h"
#include "sink/sink_textfile.h"

#define FS_MAX	  64
#define SINKS_MAX 4
#define TICK_HZ	  20

/* An event of the record, ready to be reported again. */
struct recorded {
	enum report_type type;
	struct e4r_event ev;
	const char *mount, *path;
};

struct feeder {
	json_t *lines; /* keeps every string alive */
	struct start_info start;
	struct hook_info hooks[HOOKS_MAX];
	struct fs_info fs_info[FS_MAX];
	struct verdict_info verdict;
	bool has_verdict;
	struct recorded *events;
	size_t n_events, next;

	pthread_mutex_t lock; /* for what snapshots read */
	struct e4r_counters counters;
	struct metrics_fs fs[FS_MAX];
	size_t n_fs;
	struct e4r_stats total;
	struct timespec start_time;

	struct sink *sinks[SINKS_MAX];
	size_t n_sinks;
	unsigned long long replayed, limit;
	double rate, due;
	bool unhealthy;
};

/* ------------------------------------------------------------ the recording */

static const char *str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static unsigned long long num(const json_t *o, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(o, key));
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static unsigned int dev_of(const json_t *o)
{
	unsigned int major, minor;

	if (!str(o, "dev") || sscanf(str(o, "dev"), "%u:%u", &major, &minor) != 2)
		errx(1, "record: an object without dev");
	return E4R_DEV(major, minor);
}

static enum verdict verdict_of(const char *s)
{
	int v;

	for (v = 0; v < VERDICT_MAX; v++)
		if (s && !strcmp(s, verdict_name((enum verdict)v)))
			return (enum verdict)v;
	errx(1, "record: verdict '%s'", s ? s : "");
}

static enum evidence_slot slot_of(const char *kind)
{
	int slot;

	for (slot = 0; slot < EVIDENCE_SLOTS; slot++)
		if (kind && !strcmp(kind, evidence_kind((enum evidence_slot)slot)))
			return (enum evidence_slot)slot;
	errx(1, "record: evidence of kind '%s'", kind ? kind : "");
}

static struct metrics_fs *fs_of(struct feeder *f, unsigned int dev, const char *source,
				const char *mount)
{
	size_t i;

	for (i = 0; i < f->n_fs; i++)
		if (f->fs[i].dev == dev)
			return &f->fs[i];
	if (i == FS_MAX)
		errx(1, "record: more than %d filesystems", FS_MAX);
	f->fs[i] = (struct metrics_fs){ .dev = dev, .mount = mount, .has_residual = true };
	copy(f->fs[i].source, sizeof(f->fs[i].source), source);
	f->n_fs++;
	return &f->fs[i];
}

static void load_start(struct feeder *f, const json_t *o)
{
	const char *certainty = str(o, "certainty");
	json_t *item;
	size_t i;

	f->start = (struct start_info){
		.version = str(o, "version"),
		.kernel = str(o, "kernel"),
		.attach = str(o, "attach"),
		.certainty = certainty,
		.degraded = certainty && strcmp(certainty, "full"),
		.hooks = f->hooks,
		.fs = f->fs_info,
	};
	json_array_foreach(json_object_get(o, "hooks"), i, item)
	{
		struct hook_info *h = &f->hooks[i];

		if (i == HOOKS_MAX)
			errx(1, "record: more than %d hooks", HOOKS_MAX);
		h->name = str(item, "hook");
		copy(h->bound, sizeof(h->bound), str(item, "bound"));
		copy(h->reason, sizeof(h->reason), str(item, "reason"));
		f->start.n_hooks = i + 1;
	}
	json_array_foreach(json_object_get(o, "filesystems"), i, item)
	{
		struct metrics_fs *fs = fs_of(f, dev_of(item), str(item, "source"),
					      str(item, "mount"));

		f->fs_info[i] = (struct fs_info){ .dev = fs->dev, .mount = fs->mount };
		copy(f->fs_info[i].source, sizeof(f->fs_info[i].source), fs->source);
		f->start.n_fs = i + 1;
	}
}

static void load_verdict(struct feeder *f, const json_t *o)
{
	json_t *item;
	size_t i;

	f->has_verdict = true;
	f->verdict = (struct verdict_info){ .verdict = verdict_of(str(o, "verdict")) };
	json_array_foreach(json_object_get(o, "evidence"), i, item)
	{
		struct evidence *e = &f->verdict.evidence[slot_of(str(item, "kind"))];

		e->given = true;
		e->says = verdict_of(str(item, "says"));
		copy(e->detail, sizeof(e->detail), str(item, "detail"));
	}
}

static void load_task(struct e4r_task *task, const json_t *o)
{
	const char *comm = str(o, "comm");

	task->pid = (__u32)num(o, "pid");
	task->tid = (__u32)num(o, "tid");
	if (comm)
		memcpy(task->comm, comm, strnlen(comm, sizeof(task->comm)));
}

static void load_allocator(struct e4r_event *ev, const json_t *o)
{
	const char *op = str(o, "op");
	unsigned int i;

	if (!json_is_object(o))
		return;
	ev->flags |= E4R_F_ALLOCATOR;
	load_task(&ev->alloc.task, o);
	for (i = 0; i < E4R_OP_MAX; i++)
		if (op && !strcmp(op, op_name(i)))
			ev->alloc.op = i;
	ev->alloc.lblk = (__u32)num(o, "lblk");
	ev->alloc.len = (__u32)num(o, "len");
	ev->alloc.time_ns = ev->time_ns - num(o, "age_ns");
}

static void load_event(struct feeder *f, const json_t *o, enum report_type type)
{
	static const __u32 types[REPORT_TYPE_MAX] = {
		[REPORT_OVERWRITE] = E4R_OVERWRITE,
		[REPORT_AVERTED] = E4R_AVERTED,
		[REPORT_NEAR_MISS] = E4R_NEAR_MISS,
		[REPORT_LEAK] = E4R_LEAK,
	};
	struct recorded *r = &f->events[f->n_events++];
	const char *was = str(o, "was");
	struct e4r_event *ev = &r->ev;

	r->type = type;
	r->mount = str(o, "mount");
	r->path = str(o, "path");
	ev->type = types[type];
	ev->time_ns = 1ULL << 40; /* any time that ages can be taken from */
	ev->dev = dev_of(o);
	ev->ino = num(o, "ino");
	ev->generation = (__u32)num(o, "generation");
	ev->lblk = (__u32)num(o, "lblk");
	ev->len = (__u32)(type == REPORT_LEAK ? num(o, "blocks") : num(o, "len"));
	ev->pblk = num(o, "pblk");
	ev->overwrites = (__u32)num(o, "overwrites");
	if (was)
		ev->was = !strcmp(was, "written") ? E4R_WAS_WRITTEN : E4R_WAS_UNWRITTEN;
	if (json_is_integer(json_object_get(o, "window_ns"))) {
		ev->flags |= E4R_F_WINDOW;
		ev->window_ns = num(o, "window_ns");
	}
	if (json_is_true(json_object_get(o, "reclaimed")))
		ev->flags |= E4R_F_RECLAIMED;
	load_task(&ev->fault, json_object_get(o, "fault"));
	ev->cgroup = num(json_object_get(o, "fault"), "cgroup");
	ev->stack = ev->alloc.stack = E4R_NO_STACK;
	load_allocator(ev, json_object_get(o, "allocator"));
}

static void load_line(struct feeder *f, const json_t *o)
{
	const char *type = str(o, "type");
	int t;

	for (t = 0; t < REPORT_TYPE_MAX; t++)
		if (type && !strcmp(type, report_type_name((enum report_type)t)))
			break;
	switch (t) {
	case REPORT_START:
		load_start(f, o);
		break;
	case REPORT_VERDICT:
		load_verdict(f, o);
		break;
	case REPORT_SUMMARY:
		f->counters.delayed_inserts = num(o, "delayed_inserts");
		break;
	case REPORT_TYPE_MAX:
		errx(1, "record: type '%s'", type ? type : "");
	default:
		load_event(f, o, (enum report_type)t);
	}
}

static void load(struct feeder *f, const char *path)
{
	FILE *file = fopen(path, "re");
	json_error_t error;
	char *line = NULL;
	size_t size = 0, i;
	json_t *o;

	if (!file)
		err(1, "%s", path);
	f->lines = json_array();
	while (getline(&line, &size, file) > 0) {
		o = json_loads(line, 0, &error);
		if (!o)
			errx(1, "%s: %s", path, error.text);
		json_array_append_new(f->lines, o);
	}
	free(line);
	fclose(file);
	f->events = calloc(json_array_size(f->lines) + 1, sizeof(*f->events));
	if (!f->events)
		err(1, "record");
	json_array_foreach(f->lines, i, o) load_line(f, o);
	if (!f->start.kernel)
		errx(1, "%s: no start object", path);
}

/* ------------------------------------------------------ counts and snapshots */

static void count(struct e4r_stats *s, const struct e4r_event *ev)
{
	unsigned int slot;

	switch (ev->type) {
	case E4R_OVERWRITE:
		s->overwritten_blocks += ev->len;
		s->by_op[ev->flags & E4R_F_ALLOCATOR ? ev->alloc.op : E4R_OP_UNKNOWN] += ev->len;
		if (ev->flags & E4R_F_RECLAIMED)
			s->reclaimed_blocks += ev->len;
		if (ev->flags & E4R_F_WINDOW && ev->window_ns) {
			slot = 63 - (unsigned int)__builtin_clzll(ev->window_ns);
			s->window[slot < E4R_WINDOW_SLOTS ? slot : E4R_WINDOW_SLOTS - 1]++;
			s->window_sum_ns += ev->window_ns;
		}
		break;
	case E4R_AVERTED:
		s->averted += ev->len;
		break;
	case E4R_NEAR_MISS:
		s->near_misses++;
		break;
	case E4R_LEAK:
		s->leaked_blocks += ev->len;
		s->leaked_files++;
		s->overwritten_files += ev->overwrites != 0;
		break;
	}
}

static void replay(struct feeder *f)
{
	struct recorded *r = &f->events[f->next];
	struct race_info race = { .ev = &r->ev, .mount = r->mount, .path = r->path };
	struct report report = { .type = r->type, .race = &race };
	struct metrics_fs *fs;
	size_t i;

	f->next = (f->next + 1) % f->n_events;
	pthread_mutex_lock(&f->lock);
	fs = fs_of(f, r->ev.dev, NULL, r->mount);
	count(&fs->stats, &r->ev);
	count(&f->total, &r->ev);
	f->counters.delayed_inserts++;
	f->counters.fault_inserts++;
	fs->residual = fs->stats.overwritten_blocks;
	pthread_mutex_unlock(&f->lock);
	f->replayed++;
	clock_gettime(CLOCK_REALTIME, &report.time);
	for (i = 0; i < f->n_sinks; i++)
		f->sinks[i]->ops->event(f->sinks[i], &report);
}

static int snapshot(void *arg, void (*take)(void *ctx, const struct metrics *m), void *ctx)
{
	struct feeder *f = arg;
	struct metrics_sink sinks[SINKS_MAX];
	/* A program that runs as often as there are inserts, and one that never did. */
	struct metrics_prog progs[] = {
		{ .name = "delayed_insert", .attached = true },
		{ .name = "fault_begin", .attached = true },
	};
	/* As on the host of the record, Debian 11. */
	static const char *const remedies[] = {
		"a fixed kernel and a reboot: Debian 11: linux 5.10.226-1 (bullseye-security) or "
		"later",
		"without a reboot: the livepatch in patch/livepatch",
		"at once, but it turns delayed allocation off: mount -o remount,nodelalloc "
		"MOUNTPOINT",
		"the leaked blocks come back with umount and mount; a remount does not do it",
		"how to roll it out and verify it: docs/remediation.md",
	};
	const struct mount_watch mount = { .path = "/srv", .mounted = true };
	struct metrics m = {
		.start_time = f->start_time,
		.start = &f->start,
		.verdict = f->has_verdict ? &f->verdict : NULL,
		.near_misses_seen = true,
		.fs = f->fs,
		.mounts = &mount,
		.n_mounts = 1,
		.progs = progs,
		.n_progs = 2,
		.sinks = sinks,
		.n_sinks = f->n_sinks,
		.remedies = remedies,
		.n_remedies = sizeof(remedies) / sizeof(*remedies),
	};
	size_t i;

	pthread_mutex_lock(&f->lock);
	clock_gettime(CLOCK_REALTIME, &m.time);
	m.counters = f->counters;
	m.total = f->total;
	m.n_fs = f->n_fs;
	progs[0].run_count = f->counters.delayed_inserts;
	progs[0].run_time_ns = f->counters.delayed_inserts * 250;
	for (i = 0; i < f->n_sinks; i++)
		sinks[i] = (struct metrics_sink){ f->sinks[i]->ops->name,
						  sink_missed(f->sinks[i]) };
	take(ctx, &m);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static bool healthy(void *arg, char *why, size_t size)
{
	struct feeder *f = arg;

	if (f->unhealthy)
		snprintf(why, size, "told to be unhealthy");
	return !f->unhealthy;
}

/* -------------------------------------------------------------------- running */

static void refresh(struct feeder *f, unsigned int wait_msec)
{
	size_t i;

	for (i = 0; i < f->n_sinks; i++)
		if (f->sinks[i]->ops->refresh)
			f->sinks[i]->ops->refresh(f->sinks[i], wait_msec);
}

static void tick(struct feeder *f)
{
	if (!f->n_events || (f->limit && f->replayed >= f->limit))
		return;
	for (f->due += f->rate / TICK_HZ; f->due >= 1; f->due -= 1) {
		replay(f);
		if (f->limit && f->replayed == f->limit) {
			puts("done");
			break;
		}
	}
}

static void report_all(struct feeder *f, struct report *report)
{
	size_t i;

	clock_gettime(CLOCK_REALTIME, &report->time);
	for (i = 0; i < f->n_sinks; i++)
		f->sinks[i]->ops->event(f->sinks[i], report);
}

static int timer(long nsec, time_t sec)
{
	struct itimerspec its = { .it_interval = { sec, nsec }, .it_value = { sec, nsec } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &its, NULL))
		err(1, "timerfd");
	return fd;
}

static void run(struct feeder *f, int signals)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
				{ .fd = timer(1000000000 / TICK_HZ, 0), .events = POLLIN },
				{ .fd = timer(0, 1), .events = POLLIN } };
	struct signalfd_siginfo si;
	uint64_t n;
	size_t i;

	for (;;) {
		if (poll(fds, 3, -1) < 0)
			err(1, "poll");
		if (read(fds[1].fd, &n, sizeof(n)) > 0)
			tick(f);
		if (read(fds[2].fd, &n, sizeof(n)) > 0)
			refresh(f, 0);
		if (!(fds[0].revents & POLLIN) || read(signals, &si, sizeof(si)) <= 0)
			continue;
		if (si.ssi_signo != SIGHUP)
			break;
		for (i = 0; i < f->n_sinks; i++)
			if (f->sinks[i]->ops->reopen)
				f->sinks[i]->ops->reopen(f->sinks[i]);
	}
	close(fds[1].fd);
	close(fds[2].fd);
}

static void finish(struct feeder *f)
{
	size_t i;

	refresh(f, 5000);
	printf("{\"replayed\":%llu,\"overwritten_blocks\":%llu,\"near_misses\":%llu,"
	       "\"averted\":%llu,\"leaked_blocks\":%llu}\n",
	       f->replayed, (unsigned long long)f->total.overwritten_blocks,
	       (unsigned long long)f->total.near_misses, (unsigned long long)f->total.averted,
	       (unsigned long long)f->total.leaked_blocks);
	for (i = 0; i < f->n_sinks; i++)
		f->sinks[i]->ops->close(f->sinks[i]);
	free(f->events);
	json_decref(f->lines);
}

static struct sink *open_output(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	struct sink *sink = fd < 0 ? NULL : sink_json_open(fd);

	if (!sink || sink_never_wait(sink, fd))
		err(1, "%s", name);
	return sink;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "record", required_argument, NULL, 'r' },
		{ "rate", required_argument, NULL, 'R' },
		{ "count", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'l' },
		{ "web.config.file", required_argument, NULL, 'w' },
		{ "textfile", required_argument, NULL, 't' },
		{ "output-file", required_argument, NULL, 'o' },
		{ "journal", required_argument, NULL, 'j' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "unhealthy", no_argument, NULL, 'u' },
		{ 0 },
	};
	static struct feeder f = { .lock = PTHREAD_MUTEX_INITIALIZER, .rate = 10 };
	struct metrics_source source = { .snapshot = snapshot, .arg = &f };
	struct http_options http = { .metrics = source, .healthy = healthy, .arg = &f };
	const char *textfile = NULL, *output = NULL, *journal = NULL, *kernel = NULL;
	char why[512];
	sigset_t set;
	int opt, signals;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			load(&f, optarg);
			break;
		case 'R':
			f.rate = strtod(optarg, NULL);
			break;
		case 'c':
			f.limit = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			http.listen = optarg;
			break;
		case 'w':
			http.web_config = optarg;
			break;
		case 't':
			textfile = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'j':
			journal = optarg;
			break;
		case 'k':
			kernel = optarg;
			break;
		case 'u':
			f.unhealthy = true;
			break;
		default:
			return 64;
		}
	}
	if (!f.lines || optind != argc)
		errx(64, "--record FILE is needed, and nothing but options");
	if (kernel)
		f.start.kernel = kernel;
	setvbuf(stdout, NULL, _IOLBF, 0);
	clock_gettime(CLOCK_REALTIME, &f.start_time);
	if (http.listen && sink_http_open(&f.sinks[f.n_sinks], &http, why, sizeof(why)))
		errx(1, "%s", why);
	f.n_sinks += http.listen != NULL;
	if (textfile &&
	    sink_textfile_open(&f.sinks[f.n_sinks], textfile, &source, why, sizeof(why)))
		errx(1, "%s", why);
	f.n_sinks += textfile != NULL;
	if (output)
		f.sinks[f.n_sinks++] = open_output(output);
	if (journal && sink_journal_open_at(&f.sinks[f.n_sinks], journal, why, sizeof(why)))
		errx(1, "%s", why);
	f.n_sinks += journal != NULL;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		err(1, "signalfd");
	report_all(&f, &(struct report){ .type = REPORT_START, .start = &f.start });
	if (f.has_verdict)
		report_all(&f, &(struct report){ .type = REPORT_VERDICT, .verdict = &f.verdict });
	if (http.listen) {
		if (sink_http_start(f.sinks[0]))
			errx(1, "cannot start the exporter's thread");
		printf("listening %u\n", listening_port(0));
	}
	run(&f, signals);
	close(signals);
	finish(&f);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/time.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sink_journal.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define PRINTABLE_MAX  (4 * 4096 + 1)

/* Also in deploy/journal/ext4race-detect.catalog; never change one. */
static const char *const ids[REPORT_TYPE_MAX] = {
	[REPORT_START] = "585c8a2f7dcc4beea9ae0129c369763a",
	[REPORT_OVERWRITE] = "ca7b89cbee4d4d45b5eb7345f9a844a4",
	[REPORT_AVERTED] = "0c61a45e26c84d429dd8bf803197513c",
	[REPORT_NEAR_MISS] = "a7c696e609574c2f867e55eb7a87f4be",
	[REPORT_LEAK] = "35e3088a271e4fe88d729a70e25690da",
	[REPORT_VERDICT] = "e91c624017aa4dcdb724ad903521b522",
	[REPORT_SUMMARY] = "20f6bde51bbe46b6ba3c1b45df0bcfc2",
};

/*
 * Entries on their way. journald's queue is short (net.unix.max_dgram_qlen), so a
 * thread waits for room in it; it sleeps while there is nothing to send.
 */
#define QUEUE_SLOTS 2048
#define QUEUE_BYTES (4u << 20)
/* How long what is left may take when the sink is closed. */
#define DRAIN_SEC 2
#define RETRY_MS  200

struct sink_journal {
	struct sink sink;
	int fd;
	struct sockaddr_un addr;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	struct {
		char *text;
		size_t len;
	} queue[QUEUE_SLOTS];
	size_t first, n, bytes;
	bool stop;
	struct timespec give_up; /* CLOCK_MONOTONIC, once stop is set */
};

/* ------------------------------------------------------------------ entries */

/* One field. A value with a newline goes by length, any other by line. */
static void field(FILE *out, const char *name, const char *value)
{
	uint64_t len = htole64(strlen(value));

	if (!strchr(value, '\n')) {
		fprintf(out, "%s=%s\n", name, value);
		return;
	}
	fprintf(out, "%s\n", name);
	fwrite(&len, sizeof(len), 1, out);
	fprintf(out, "%s\n", value);
}

__attribute__((format(printf, 3, 4))) static void fieldf(FILE *out, const char *name,
							 const char *fmt, ...)
{
	char *value;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	field(out, name, value);
	free(value);
}

static void number(FILE *out, const char *name, unsigned long long value)
{
	fieldf(out, name, "%llu", value);
}

static void put_dev(FILE *out, unsigned int dev)
{
	fieldf(out, "EXT4RACE_DEV", "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
}

/* comm need not end with a NUL. */
static void put_task(FILE *out, const char *who, const struct e4r_task *task)
{
	char name[40], comm[E4R_COMM_LEN + 1] = "";

	memcpy(comm, task->comm, E4R_COMM_LEN);
	snprintf(name, sizeof(name), "EXT4RACE_%s_PID", who);
	number(out, name, task->pid);
	snprintf(name, sizeof(name), "EXT4RACE_%s_TID", who);
	number(out, name, task->tid);
	snprintf(name, sizeof(name), "EXT4RACE_%s_COMM", who);
	field(out, name, comm);
}

static void put_stack(FILE *out, const char *name, size_t n, const char *const *frames)
{
	char *text = NULL;
	size_t size, i;
	FILE *lines;

	if (!n)
		return;
	lines = open_memstream(&text, &size);
	if (!lines)
		return;
	for (i = 0; i < n; i++)
		fprintf(lines, "%s%s", i ? "\n" : "", frames[i]);
	if (!fclose(lines))
		field(out, name, text);
	free(text);
}

static void put_allocator(FILE *out, const struct e4r_event *ev)
{
	const struct e4r_alloc *a = &ev->alloc;

	if (!(ev->flags & E4R_F_ALLOCATOR))
		return;
	put_task(out, "ALLOCATOR", &a->task);
	field(out, "EXT4RACE_ALLOCATOR_OP", op_name(a->op));
	number(out, "EXT4RACE_ALLOCATOR_LBLK", a->lblk);
	number(out, "EXT4RACE_ALLOCATOR_LEN", a->len);
	if (a->time_ns <= ev->time_ns)
		number(out, "EXT4RACE_ALLOCATOR_AGE_NS", ev->time_ns - a->time_ns);
}

static void put_file(FILE *out, const struct race_info *race)
{
	put_dev(out, race->ev->dev);
	number(out, "EXT4RACE_INO", race->ev->ino);
	number(out, "EXT4RACE_GENERATION", race->ev->generation);
	if (race->mount)
		field(out, "EXT4RACE_MOUNT", race->mount);
	if (race->path)
		field(out, "EXT4RACE_PATH", race->path);
}

static void put_collision(FILE *out, const struct race_info *race)
{
	const struct e4r_event *ev = race->ev;

	put_file(out, race);
	number(out, "EXT4RACE_LBLK", ev->lblk);
	number(out, "EXT4RACE_LEN", ev->len);
	if (ev->was)
		field(out, "EXT4RACE_WAS", was_name(ev->was));
	number(out, "EXT4RACE_PBLK", ev->pblk);
	if (ev->flags & E4R_F_WINDOW)
		number(out, "EXT4RACE_WINDOW_NS", ev->window_ns);
	number(out, "EXT4RACE_FAULT_CGROUP", ev->cgroup);
	put_task(out, "FAULT", &ev->fault);
	put_allocator(out, ev);
	put_stack(out, "EXT4RACE_FAULT_STACK", race->n_fault_stack, race->fault_stack);
	put_stack(out, "EXT4RACE_ALLOCATOR_STACK", race->n_alloc_stack, race->alloc_stack);
}

/* ----------------------------------------------------------------- messages */

/* What people call the file: its path, or the inode when it has none. */
static void name_file(char *buf, size_t size, const struct race_info *race)
{
	char path[PRINTABLE_MAX];

	if (race->path)
		snprintf(buf, size, "%s", printable(path, sizeof(path), race->path));
	else
		snprintf(buf, size, "inode %llu on %u:%u", (unsigned long long)race->ev->ino,
			 E4R_DEV_MAJOR(race->ev->dev), E4R_DEV_MINOR(race->ev->dev));
}

static void put_collision_message(FILE *out, const struct race_info *race, const char *what)
{
	const struct e4r_event *ev = race->ev;
	char file[PRINTABLE_MAX], comm[E4R_COMM_LEN + 1] = "", shown[4 * E4R_COMM_LEN + 1];

	name_file(file, sizeof(file), race);
	memcpy(comm, ev->fault.comm, E4R_COMM_LEN);
	fieldf(out, "MESSAGE", "%s: %u block%s at %u of %s, fault of %s (pid %u)%s%s", what,
	       ev->len, ev->len == 1 ? "" : "s", ev->lblk, file,
	       printable(shown, sizeof(shown), comm), ev->fault.pid,
	       ev->flags & E4R_F_ALLOCATOR ? " against " : "",
	       ev->flags & E4R_F_ALLOCATOR ? op_name(ev->alloc.op) : "");
	put_collision(out, race);
}

static void put_leak(FILE *out, const struct race_info *race)
{
	const struct e4r_event *ev = race->ev;
	char file[PRINTABLE_MAX];

	name_file(file, sizeof(file), race);
	fieldf(out, "MESSAGE", "leak: %s destroyed with %u reserved block%s, %u seen overwritten",
	       file, ev->len, ev->len == 1 ? "" : "s", ev->overwrites);
	put_file(out, race);
	number(out, "EXT4RACE_BLOCKS", ev->len);
	number(out, "EXT4RACE_OVERWRITES", ev->overwrites);
}

static void put_start(FILE *out, const struct start_info *s)
{
	size_t i;

	fieldf(out, "MESSAGE", "watching kernel %s by %s, %zu filesystem%s", s->kernel, s->attach,
	       s->n_fs, s->n_fs == 1 ? "" : "s");
	field(out, "EXT4RACE_VERSION", s->version);
	field(out, "EXT4RACE_KERNEL", s->kernel);
	field(out, "EXT4RACE_ATTACH", s->attach);
	field(out, "EXT4RACE_CERTAINTY", s->certainty ? s->certainty : "full");
	for (i = 0; i < s->n_hooks; i++)
		fieldf(out, "EXT4RACE_HOOK", "%s: %s", s->hooks[i].name,
		       s->hooks[i].bound[0] ? s->hooks[i].bound : s->hooks[i].reason);
}

static void put_verdict(FILE *out, const struct verdict_info *v)
{
	size_t i;

	fieldf(out, "MESSAGE", "verdict: the running kernel is %s%s",
	       v->verdict == VERDICT_UNKNOWN ? "not known to be fixed" : verdict_name(v->verdict),
	       v->verdict == VERDICT_VULNERABLE ? " to the delayed allocation race" : "");
	field(out, "EXT4RACE_VERDICT", verdict_name(v->verdict));
	for (i = 0; i < v->n_evidence; i++)
		fieldf(out, "EXT4RACE_EVIDENCE", "%s says %s: %s", v->evidence[i].kind,
		       verdict_name(v->evidence[i].says), v->evidence[i].detail);
}

static void put_summary(FILE *out, const struct summary_info *s)
{
	size_t i;

	fieldf(out, "MESSAGE",
	       "summary: %llu blocks of %llu files overwritten, %llu leaked, "
	       "%llu events lost in %.1f s",
	       s->overwritten_blocks, s->overwritten_files, s->leaked_blocks, s->lost_events,
	       s->seconds);
	number(out, "EXT4RACE_DELAYED_INSERTS", s->delayed_inserts);
	number(out, "EXT4RACE_OVERWRITTEN_BLOCKS", s->overwritten_blocks);
	number(out, "EXT4RACE_OVERWRITTEN_FILES", s->overwritten_files);
	if (s->near_misses_seen)
		number(out, "EXT4RACE_NEAR_MISSES", s->near_misses);
	number(out, "EXT4RACE_AVERTED", s->averted);
	number(out, "EXT4RACE_LEAKED_BLOCKS", s->leaked_blocks);
	number(out, "EXT4RACE_LEAKED_FILES", s->leaked_files);
	number(out, "EXT4RACE_LOST_EVENTS", s->lost_events);
	for (i = 0; i < s->n_residual; i++)
		fieldf(out, "EXT4RACE_RESIDUAL", "%s %llu", s->residual[i].source,
		       s->residual[i].blocks);
}

static int priority_of(const struct report *r)
{
	switch (r->type) {
	case REPORT_OVERWRITE:
	case REPORT_LEAK:
		return LOG_WARNING;
	case REPORT_VERDICT:
		return r->verdict->verdict == VERDICT_VULNERABLE ? LOG_WARNING
		       : r->verdict->verdict == VERDICT_UNKNOWN	 ? LOG_NOTICE
								 : LOG_INFO;
	case REPORT_SUMMARY:
		return r->summary->overwritten_blocks ? LOG_WARNING
		       : r->summary->lost_evidence    ? LOG_NOTICE
						      : LOG_INFO;
	case REPORT_NEAR_MISS:
		return LOG_DEBUG;
	default:
		return LOG_INFO;
	}
}

static void put_report(FILE *out, const struct report *r)
{
	switch (r->type) {
	case REPORT_START:
		put_start(out, r->start);
		break;
	case REPORT_OVERWRITE:
		put_collision_message(out, r->race, "overwrite");
		break;
	case REPORT_AVERTED:
		put_collision_message(out, r->race, "averted");
		break;
	case REPORT_NEAR_MISS:
		put_collision_message(out, r->race, "near miss");
		break;
	case REPORT_LEAK:
		put_leak(out, r->race);
		break;
	case REPORT_VERDICT:
		put_verdict(out, r->verdict);
		break;
	case REPORT_SUMMARY:
		put_summary(out, r->summary);
		break;
	case REPORT_TYPE_MAX:
		break;
	}
}

/* One datagram. NULL when out of memory. */
static char *entry(const struct report *r, size_t *len)
{
	char time[REPORT_TIME_LEN];
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	fieldf(out, "PRIORITY", "%d", priority_of(r));
	field(out, "SYSLOG_IDENTIFIER", "ext4race-detect");
	field(out, "MESSAGE_ID", ids[r->type]);
	field(out, "EXT4RACE_TYPE", report_type_name(r->type));
	number(out, "EXT4RACE_SCHEMA", REPORT_SCHEMA);
	field(out, "EXT4RACE_TIME", format_time(time, &r->time));
	put_report(out, r);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* --------------------------------------------------------------------- sink */

/* Read by whoever takes a snapshot, counted by two threads. */
static void miss(struct sink_journal *j)
{
	__atomic_add_fetch(&j->sink.missed, 1, __ATOMIC_RELAXED);
}

static bool time_is_up(struct sink_journal *j)
{
	struct timespec now;
	bool up;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&j->lock);
	up = j->stop && (now.tv_sec > j->give_up.tv_sec ||
			 (now.tv_sec == j->give_up.tv_sec && now.tv_nsec >= j->give_up.tv_nsec));
	pthread_mutex_unlock(&j->lock);
	return up;
}

/* Hands one entry to journald, however long it takes. False: given up. */
static bool deliver(struct sink_journal *j, const char *text, size_t len)
{
	int flags = MSG_NOSIGNAL | (time_is_up(j) ? MSG_DONTWAIT : 0);

	for (;;) {
		/* To the address each time: journald may have been restarted. */
		if (sendto(j->fd, text, len, flags, (struct sockaddr *)&j->addr, sizeof(j->addr)) >=
		    0)
			return true;
		if (errno == EMSGSIZE || flags & MSG_DONTWAIT)
			return false;
		/* A full queue was waited for (SO_SNDTIMEO), an absent journald was not. */
		if (errno != EAGAIN && errno != EINTR)
			poll(NULL, 0, RETRY_MS);
		/* Once time is up each one that is left has a last try. */
		if (time_is_up(j))
			flags |= MSG_DONTWAIT;
	}
}

static void *send_all(void *arg)
{
	struct sink_journal *j = arg;
	char *text;
	size_t len;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		while (!j->n && !j->stop)
			pthread_cond_wait(&j->changed, &j->lock);
		if (!j->n)
			break;
		text = j->queue[j->first].text;
		len = j->queue[j->first].len;
		j->first = (j->first + 1) % QUEUE_SLOTS;
		j->n--;
		j->bytes -= len;
		pthread_mutex_unlock(&j->lock);
		if (!deliver(j, text, len))
			miss(j);
		free(text);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/*
 * With the first entry rather than at open: by then the monitor has dropped what
 * it does not need, and the thread never has it.
 */
static int start_thread(struct sink_journal *j)
{
	sigset_t all, old;
	int ret;

	if (j->running)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&j->thread, NULL, send_all, j);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return ret;
	pthread_setname_np(j->thread, "journal");
	j->running = true;
	return 0;
}

/* Takes text over. False: there is no room for it. */
static bool enqueue(struct sink_journal *j, char *text, size_t len)
{
	size_t slot;
	bool room;

	pthread_mutex_lock(&j->lock);
	room = j->n < QUEUE_SLOTS && j->bytes + len <= QUEUE_BYTES;
	if (room) {
		slot = (j->first + j->n++) % QUEUE_SLOTS;
		j->queue[slot].text = text;
		j->queue[slot].len = len;
		j->bytes += len;
		pthread_cond_signal(&j->changed);
	}
	pthread_mutex_unlock(&j->lock);
	if (!room)
		free(text);
	return room;
}

static int journal_event(struct sink *sink, const struct report *report)
{
	struct sink_journal *j = (struct sink_journal *)sink;
	size_t len;
	char *text;
	int ret;

	if (report->type >= REPORT_TYPE_MAX)
		return -EINVAL;
	ret = start_thread(j);
	if (ret) {
		miss(j);
		return ret;
	}
	text = entry(report, &len);
	if (!text || !enqueue(j, text, len))
		miss(j);
	return text ? 0 : -ENOMEM;
}

static void stop_thread(struct sink_journal *j)
{
	pthread_mutex_lock(&j->lock);
	clock_gettime(CLOCK_MONOTONIC, &j->give_up);
	j->give_up.tv_sec += DRAIN_SEC;
	j->stop = true;
	pthread_cond_signal(&j->changed);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
}

static int journal_close(struct sink *sink)
{
	struct sink_journal *j = (struct sink_journal *)sink;

	if (j->running)
		stop_thread(j);
	if (j->fd >= 0)
		close(j->fd);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	free(j);
	return 0;
}

static const struct sink_ops journal_ops = {
	.name = "journal",
	.event = journal_event,
	.close = journal_close,
};

/* Whether somebody is there, by a connection that is not used. */
static int probe(const struct sink_journal *j)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&j->addr, sizeof(j->addr)))
		ret = -errno;
	close(fd);
	return ret;
}

int sink_journal_open_at(struct sink **sink, const char *path, char *why, size_t why_size)
{
	struct sink_journal *j = calloc(1, sizeof(*j));
	struct timeval wait = {.tv_usec = RETRY_MS * 1000};
	int ret = -ENOMEM;

	if (!j)
		goto out;
	j->sink.ops = &journal_ops;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->changed, NULL);
	j->addr.sun_family = AF_UNIX;
	j->fd = -1;
	ret = -ENAMETOOLONG;
	if (strlen(path) >= sizeof(j->addr.sun_path))
		goto out;
	strcpy(j->addr.sun_path, path);
	ret = probe(j);
	if (ret)
		goto out;
	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (j->fd < 0 || setsockopt(j->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait))) {
		ret = -errno;
		goto out;
	}
	*sink = &j->sink;
	return 0;
out:
	snprintf(why, why_size, "--journal: no journald at %s: %s", path, strerror(-ret));
	if (j)
		journal_close(&j->sink);
	return ret;
}

int sink_journal_open(struct sink **sink, char *why, size_t why_size)
{
	return sink_journal_open_at(sink, JOURNAL_SOCKET, why, why_size);
}

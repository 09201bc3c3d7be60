// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "sink/journal_entry.h"
#include "sink/sink_journal.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/*
 * Entries on their way. journald's queue is short (net.unix.max_dgram_qlen), so a
 * thread waits for room in it; it sleeps while there is nothing to send.
 */
#define QUEUE_SLOTS 2048
#define QUEUE_BYTES (4u << 20)
/* Closing waits so long for the entries that are left. */
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
		char *data;
		size_t len;
	} queue[QUEUE_SLOTS];
	size_t first, n, bytes;
	bool stop;
	uint64_t give_up_ns; /* once stop is set */
};

static bool time_is_up(struct sink_journal *j)
{
	uint64_t now = monotonic_ns();
	bool up;

	pthread_mutex_lock(&j->lock);
	up = j->stop && now >= j->give_up_ns;
	pthread_mutex_unlock(&j->lock);
	return up;
}

/* Hands one entry to journald, and waits as long as it takes. False: it gave up. */
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
		/* For a full queue sendto() itself has waited (SO_SNDTIMEO). */
		if (errno != EAGAIN && errno != EINTR)
			poll(NULL, 0, RETRY_MS);
		/* When time is up, each entry that is left has one try. */
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
		text = j->queue[j->first].data;
		len = j->queue[j->first].len;
		j->first = (j->first + 1) % QUEUE_SLOTS;
		j->n--;
		j->bytes -= len;
		pthread_mutex_unlock(&j->lock);
		if (!deliver(j, text, len))
			sink_miss(&j->sink);
		free(text);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/*
 * Not when the sink is opened, but with the first entry: by then the monitor has dropped
 * its privileges, and the thread never has them.
 */
static int start_thread(struct sink_journal *j)
{
	int ret;

	if (j->running)
		return 0;
	ret = thread_start(&j->thread, "journal", send_all, j);
	j->running = !ret;
	return ret;
}

/* Takes data over. False: there is no room for it. */
static bool enqueue(struct sink_journal *j, char *data, size_t len)
{
	size_t slot;
	bool room;

	pthread_mutex_lock(&j->lock);
	room = j->n < QUEUE_SLOTS && j->bytes + len <= QUEUE_BYTES;
	if (room) {
		slot = (j->first + j->n++) % QUEUE_SLOTS;
		j->queue[slot].data = data;
		j->queue[slot].len = len;
		j->bytes += len;
		pthread_cond_signal(&j->changed);
	}
	pthread_mutex_unlock(&j->lock);
	if (!room)
		free(data);
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
		sink_miss(&j->sink);
		return ret;
	}
	text = journal_entry(report, &len);
	if (!text || !enqueue(j, text, len))
		sink_miss(&j->sink);
	return text ? 0 : -ENOMEM;
}

static void stop_thread(struct sink_journal *j)
{
	pthread_mutex_lock(&j->lock);
	j->give_up_ns = monotonic_ns() + DRAIN_SEC * NSEC_PER_SEC;
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
	if (sink_missed(sink))
		fprintf(stderr, "ext4race-detect: --journal: %llu reports were not delivered\n",
			sink_missed(sink));
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

/* Whether journald listens: connects once, and sends nothing. */
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
	struct timeval wait = { .tv_usec = RETRY_MS * 1000 };
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

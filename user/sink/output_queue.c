// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/output.h"
#include "base/say.h"
#include "base/thread.h"
#include "sink/output_file.h"
#include "sink/output_queue.h"

/* A slow disk needs less for a write: one that takes longer is said to have no end. */
#define STALLED_MSEC 3000
/* So long the end, and whoever flushes, waits for one write to a file. */
#define CLOSE_MSEC 2000
/* So long a caller waits for a file: for room among the lines, or for a file's opening. */
#define FILE_MSEC     1000
#define NSEC_PER_MSEC 1000000ULL

struct line {
	struct line *next;
	char *data;
	size_t len;
	bool must;
};

struct output_queue {
	int fd;
	unsigned long long *missed;
	pthread_t thread;
	bool running;
	bool said_stalled; /* of the thread that puts only */

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	struct line *first, **last;
	size_t bytes; /* of the lines that wait, and of the one that is being written */
	bool stop;
	bool abandoned; /* by its closer: the thread frees it */
	bool full;	/* a caller has waited for room in vain; until the next line is written */
	int err;	/* the first failed write: nothing may follow a broken line */
	uint64_t at_file_ns;	      /* since when the thread has been at the file; 0: it is not */
	int (*open)(const void *arg); /* the file, again: before the next line */
	const void *open_arg;
	bool opening; /* that is asked for or under way */

	struct output_file file; /* of the thread, while it runs */
};

struct output_queue *output_queue_new(int fd, unsigned long long *missed)
{
	struct output_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (!q)
		return NULL;
	q->fd = fd;
	q->missed = missed;
	q->last = &q->first;
	output_file_init(&q->file, fd);
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

static void miss(struct output_queue *q)
{
	__atomic_add_fetch(q->missed, 1, __ATOMIC_RELAXED);
}

static void line_free(struct line *line)
{
	free(line->data);
	free(line);
}

/* Whether a write of so many bytes returns at once, with or without an error. */
static bool is_ready(int fd, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct stat st;

	/* A block device has no reader. A terminal only says that it has some room. */
	if (!fstat(fd, &st) && S_ISBLK(st.st_mode))
		return true;
	if (poll(&pfd, 1, 0) <= 0)
		return false;
	if (pfd.revents & (POLLERR | POLLNVAL))
		return true;
	return pfd.revents & POLLOUT && len <= PIPE_BUF && !isatty(fd);
}

/* ---------------------------------------------------------- writing thread */

/* What cannot be written to a file now may be later; the summary has no later. */
static int write_to_file(struct output_queue *q, const struct line *line)
{
	int err = output_file_write(&q->file, q->fd, line->data, line->len);

	if (err && !line->must) {
		miss(q);
		return 0;
	}
	return err;
}

/* With the lock held, which is free meanwhile. False: the queue was abandoned. */
static bool write_first(struct output_queue *q)
{
	struct line *line = q->first;
	bool is_file = output_file_is(q->fd);
	int err = q->err;

	q->first = line->next;
	if (!q->first)
		q->last = &q->first;
	q->at_file_ns = is_file ? monotonic_ns() : 0;
	pthread_mutex_unlock(&q->lock);
	if (!err)
		err = is_file ? write_to_file(q, line) : output_write(q->fd, line->data, line->len);
	pthread_mutex_lock(&q->lock);
	q->at_file_ns = 0;
	q->full = false;
	q->err = err;
	q->bytes -= line->len;
	line_free(line);
	pthread_cond_broadcast(&q->changed);
	return !q->abandoned;
}

/* Likewise. The new file takes the number of the old one, unless it could not be opened. */
static bool open_again(struct output_queue *q)
{
	int fd;

	q->at_file_ns = monotonic_ns();
	pthread_mutex_unlock(&q->lock);
	fd = q->open(q->open_arg);
	pthread_mutex_lock(&q->lock);
	q->at_file_ns = 0;
	q->opening = false;
	if (fd >= 0 && !q->abandoned && dup3(fd, q->fd, O_CLOEXEC) < 0)
		say("%s; writing to the old file", strerror(errno));
	if (fd >= 0)
		close(fd);
	pthread_cond_broadcast(&q->changed);
	return !q->abandoned;
}

static void queue_free(struct output_queue *q)
{
	struct line *line;

	while ((line = q->first)) {
		q->first = line->next;
		line_free(line);
	}
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void *write_all(void *arg)
{
	struct output_queue *q = arg;
	bool go_on = true;

	pthread_mutex_lock(&q->lock);
	while (go_on) {
		while (!q->first && !q->opening && !q->stop)
			pthread_cond_wait(&q->changed, &q->lock);
		if (q->opening)
			go_on = open_again(q);
		else if (q->first)
			go_on = write_first(q);
		else
			break;
	}
	pthread_mutex_unlock(&q->lock);
	/* Its closer does not wait for it any more. */
	if (!go_on)
		queue_free(q);
	return NULL;
}

static int start_thread(struct output_queue *q)
{
	int err;

	if (q->running)
		return 0;
	err = thread_start(&q->thread, "output", write_all, q);
	q->running = !err;
	return err;
}

/* --------------------------------------------------------------- the caller */

/* With the lock held: for how long the thread has been at one write to a file, or an opening. */
static unsigned long long at_file_msec(const struct output_queue *q)
{
	return q->at_file_ns ? (monotonic_ns() - q->at_file_ns) / NSEC_PER_MSEC : 0;
}

/* With the lock held. A line that is larger than the whole queue waits for it to be empty. */
static bool has_room(const struct output_queue *q, size_t len)
{
	return !q->bytes || q->bytes + len <= OUTPUT_QUEUE_BYTES;
}

/* Likewise. A file takes lines until its disk is full; one that does not is waited for once. */
static void wait_for_room(struct output_queue *q, size_t len)
{
	struct timespec until = deadline_in(FILE_MSEC);

	while (!has_room(q, len) && !q->full)
		q->full = pthread_cond_timedwait(&q->changed, &q->lock, &until) == ETIMEDOUT;
}

/* Takes data over. 0, also when it is missed; or the negative errno of a line that must not be. */
static int enqueue(struct output_queue *q, char *data, size_t len, bool must)
{
	struct line *line = malloc(sizeof(*line));
	bool room = false;
	int err;

	err = line ? start_thread(q) : -ENOMEM;
	if (!err) {
		*line = (struct line){ .data = data, .len = len, .must = must };
		pthread_mutex_lock(&q->lock);
		if (!must && output_file_is(q->fd))
			wait_for_room(q, len);
		room = must || has_room(q, len);
		if (room) {
			*q->last = line;
			q->last = &line->next;
			q->bytes += len;
			pthread_cond_broadcast(&q->changed);
		}
		pthread_mutex_unlock(&q->lock);
	}
	if (room)
		return 0;
	free(line);
	free(data);
	if (must)
		return err;
	miss(q);
	return 0;
}

/* With the lock held. Says it once, until the file answers again. */
static void say_stalled(struct output_queue *q)
{
	bool stalled = at_file_msec(q) >= STALLED_MSEC;

	if (stalled && !q->said_stalled)
		say(OUTPUT_STALLED);
	q->said_stalled = stalled;
}

int output_queue_put(struct output_queue *q, char *data, size_t len, bool must)
{
	bool waiting;
	int err;

	pthread_mutex_lock(&q->lock);
	say_stalled(q);
	err = q->err;
	waiting = q->bytes || q->opening;
	pthread_mutex_unlock(&q->lock);
	if (!err && (waiting || output_file_is(q->fd) || !is_ready(q->fd, len)))
		return enqueue(q, data, len, must);
	/* The thread has nothing to write, and only this function gives it something. */
	if (!err)
		err = q->err = output_write(q->fd, data, len);
	free(data);
	return err;
}

/* With the lock held. False: a write to a file does not end. */
static bool drain(struct output_queue *q)
{
	struct timespec until;

	while (q->bytes || q->opening) {
		if (at_file_msec(q) >= CLOSE_MSEC)
			return false;
		until = deadline_in(CLOSE_MSEC - (unsigned int)at_file_msec(q));
		pthread_cond_timedwait(&q->changed, &q->lock, &until);
	}
	return true;
}

int output_queue_flush(struct output_queue *q)
{
	int err;

	pthread_mutex_lock(&q->lock);
	err = drain(q) ? q->err : -ETIMEDOUT;
	pthread_mutex_unlock(&q->lock);
	return err;
}

bool output_queue_healthy(struct output_queue *q, char *why, size_t why_size)
{
	unsigned long long msec;

	pthread_mutex_lock(&q->lock);
	msec = at_file_msec(q);
	pthread_mutex_unlock(&q->lock);
	if (msec < STALLED_MSEC)
		return true;
	snprintf(why, why_size,
		 "the output: a write has not ended for %llu s; is the filesystem frozen?",
		 msec / 1000);
	return false;
}

void output_queue_reopen(struct output_queue *q, int (*open)(const void *arg), const void *arg)
{
	struct timespec until = deadline_in(FILE_MSEC);
	bool waits;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	/* One that is under way already takes a while. */
	waits = !q->opening;
	q->open = open;
	q->open_arg = arg;
	q->opening = true;
	if (!q->running)
		open_again(q);
	pthread_cond_broadcast(&q->changed);
	while (waits && q->opening && !err)
		err = pthread_cond_timedwait(&q->changed, &q->lock, &until);
	pthread_mutex_unlock(&q->lock);
}

/* Leaves q to the thread, which is at a write that does not end. */
static int abandon(struct output_queue *q)
{
	const struct line *line;

	pthread_detach(q->thread);
	q->abandoned = true;
	/* The one that is being written is neither written nor not. */
	for (line = q->first; line; line = line->next)
		miss(q);
	if (!q->said_stalled)
		say(OUTPUT_STALLED);
	pthread_mutex_unlock(&q->lock);
	return -ETIMEDOUT;
}

int output_queue_close(struct output_queue *q)
{
	int err;

	if (!q)
		return 0;
	pthread_mutex_lock(&q->lock);
	if (!drain(q))
		return abandon(q);
	q->stop = true;
	pthread_cond_broadcast(&q->changed);
	err = q->err;
	pthread_mutex_unlock(&q->lock);
	if (q->running)
		pthread_join(q->thread, NULL);
	queue_free(q);
	return err;
}

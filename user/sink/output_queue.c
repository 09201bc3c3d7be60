// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "base/thread.h"
#include "sink/output_file.h"
#include "sink/output_queue.h"

struct line {
	struct line *next;
	char *data;
	size_t len;
};

struct output_queue {
	int fd;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	struct line *first, **last;
	size_t bytes; /* of the lines that wait, and of the one that is being written */
	bool stop;
	int err; /* the first failed write: nothing may follow a broken line */

	struct output_file file; /* where the output is one; its lines never wait */
};

struct output_queue *output_queue_new(int fd)
{
	struct output_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->fd = fd;
	q->last = &q->first;
	output_file_init(&q->file, fd);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	return q;
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

static void *write_all(void *arg)
{
	struct output_queue *q = arg;
	struct line *line;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		while (!q->first && !q->stop)
			pthread_cond_wait(&q->changed, &q->lock);
		line = q->first;
		if (!line)
			break;
		q->first = line->next;
		if (!q->first)
			q->last = &q->first;
		pthread_mutex_unlock(&q->lock);
		if (!err)
			err = output_write(q->fd, line->data, line->len);
		pthread_mutex_lock(&q->lock);
		q->err = err;
		q->bytes -= line->len;
		line_free(line);
		if (!q->bytes)
			pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
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

/* Takes data over only where it returns 0. */
static int enqueue(struct output_queue *q, char *data, size_t len, bool must)
{
	struct line *line = malloc(sizeof(*line));
	int err = -EAGAIN;

	if (!line || start_thread(q)) {
		free(line);
		return -EAGAIN;
	}
	*line = (struct line){ .data = data, .len = len };
	pthread_mutex_lock(&q->lock);
	/* A line that is larger than the whole queue waits for it to be empty. */
	if (must || !q->bytes || q->bytes + len <= OUTPUT_QUEUE_BYTES) {
		*q->last = line;
		q->last = &line->next;
		q->bytes += len;
		pthread_cond_broadcast(&q->changed);
		err = 0;
	}
	pthread_mutex_unlock(&q->lock);
	if (err)
		free(line);
	return err;
}

/* What cannot be written to a file now may be later; the summary has no later. */
static int put_to_file(struct output_queue *q, const char *data, size_t len, bool must)
{
	int err = output_file_write(&q->file, q->fd, data, len);

	if (err && must)
		q->err = err;
	return err && !must ? -EAGAIN : err;
}

/* Takes data over. */
static int put_to_reader(struct output_queue *q, char *data, size_t len, bool must, bool waiting)
{
	int err;

	if (waiting || !is_ready(q->fd, len)) {
		err = enqueue(q, data, len, must);
		if (!err)
			return 0;
	} else {
		/* The thread has nothing to write, and only this function gives it something. */
		err = q->err = output_write(q->fd, data, len);
	}
	free(data);
	return err;
}

int output_queue_put(struct output_queue *q, char *data, size_t len, bool must)
{
	bool waiting;
	int err;

	pthread_mutex_lock(&q->lock);
	err = q->err;
	waiting = q->bytes != 0;
	pthread_mutex_unlock(&q->lock);
	if (!err && (waiting || !output_file_is(q->fd)))
		return put_to_reader(q, data, len, must, waiting);
	if (!err)
		err = put_to_file(q, data, len, must);
	free(data);
	return err;
}

void output_queue_flush(struct output_queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (q->bytes)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
}

int output_queue_close(struct output_queue *q)
{
	int err;

	if (!q)
		return 0;
	if (q->running) {
		pthread_mutex_lock(&q->lock);
		q->stop = true;
		pthread_cond_broadcast(&q->changed);
		pthread_mutex_unlock(&q->lock);
		pthread_join(q->thread, NULL);
	}
	err = q->err;
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return err;
}

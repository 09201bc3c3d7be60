// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/thread.h"
#include "metrics/exposition.h"
#include "sink/replace_file.h"
#include "sink/sink_textfile.h"

/* A slow disk needs less for a write: one that takes longer is said to have no end. */
#define STALLED_SEC 3
/* Closing waits so long for a write, unless a refresh has waited for it before. */
#define CLOSE_MSEC 2000

struct sink_textfile {
	struct sink sink;
	char *path;
	char *template;
	struct metrics_source source;
	pthread_t thread;
	bool running;
	int said_err;	   /* the last error that was said; of the writing thread only */
	bool said_stalled; /* of the thread that refreshes only */

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	unsigned long long asked, done; /* refreshes: the last one asked for, and done */
	bool waiting;			/* the last one asked for has not begun */
	bool stop;
	bool abandoned;	     /* by its closer: the writing thread frees it */
	int err;	     /* of the last one done */
	uint64_t writing_ns; /* since when; 0: nothing is written */
};

/* ---------------------------------------------------------- writing thread */

struct rendering {
	char *data;
	size_t len;
	int err;
};

static void render(void *ctx, const struct metrics *metrics)
{
	static const struct exposition_options opt = { .format = EXPOSITION_TEXT };
	struct rendering *r = ctx;

	r->err = exposition_render(metrics, &opt, &r->data, &r->len);
}

/* False when the sink is being closed: it does not wait for a write that begins now. */
static bool begin_writing(struct sink_textfile *t)
{
	bool go_on;

	pthread_mutex_lock(&t->lock);
	go_on = !t->stop;
	if (go_on)
		t->writing_ns = monotonic_ns();
	pthread_mutex_unlock(&t->lock);
	return go_on;
}

static void end_writing(struct sink_textfile *t)
{
	pthread_mutex_lock(&t->lock);
	t->writing_ns = 0;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

/* Says an error once, and not with every refresh. */
static int write_file(struct sink_textfile *t, const struct rendering *r)
{
	int err;

	if (!begin_writing(t))
		return -ECANCELED;
	err = replace_file(t->path, t->template, r->data, r->len);
	end_writing(t);
	if (err && err != t->said_err)
		say("--textfile %s: %s", t->path, strerror(-err));
	t->said_err = err;
	return err;
}

/* The snapshot's lock is free again before anything is written. */
static int write_snapshot(struct sink_textfile *t)
{
	struct rendering r = {};
	int err;

	err = t->source.snapshot(t->source.arg, render, &r);
	if (!err)
		err = r.err;
	if (err)
		say("the counts cannot be read: %s", strerror(-err));
	else
		err = write_file(t, &r);
	free(r.data);
	return err;
}

static void textfile_free(struct sink_textfile *t)
{
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t->path);
	free(t->template);
	free(t);
}

static void *write_snapshots(void *arg)
{
	struct sink_textfile *t = arg;
	unsigned long long turn;
	bool abandoned;
	int err;

	if (t->source.begin)
		t->source.begin(t->source.arg);
	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (!t->waiting && !t->stop)
			pthread_cond_wait(&t->changed, &t->lock);
		if (t->stop)
			break;
		t->waiting = false;
		turn = t->asked;
		pthread_mutex_unlock(&t->lock);
		err = write_snapshot(t);
		if (err)
			sink_miss(&t->sink);
		pthread_mutex_lock(&t->lock);
		t->err = err;
		t->done = turn;
		pthread_cond_broadcast(&t->changed);
	}
	abandoned = t->abandoned;
	pthread_mutex_unlock(&t->lock);
	if (abandoned)
		textfile_free(t);
	return NULL;
}

/* --------------------------------------------------------------- the sink */

/* With the lock held: for how many seconds one write has been going on. */
static unsigned int writing_sec(const struct sink_textfile *t)
{
	return t->writing_ns ? (unsigned int)((monotonic_ns() - t->writing_ns) / NSEC_PER_SEC) : 0;
}

/* With the lock held. 0, the negative errno of the write, or -ETIMEDOUT. */
static int wait_for(struct sink_textfile *t, unsigned long long turn, unsigned int msec)
{
	struct timespec until = deadline_in(msec);
	int err = 0;

	while (!err && t->done < turn)
		err = pthread_cond_timedwait(&t->changed, &t->lock, &until);
	if (t->done >= turn)
		return t->err;
	/* The caller gives up: a refresh that has not begun is not made any more. */
	if (t->waiting)
		sink_miss(&t->sink);
	t->waiting = false;
	return -err;
}

static int textfile_refresh(struct sink *sink, unsigned int wait_msec)
{
	struct sink_textfile *t = (struct sink_textfile *)sink;
	bool stalled;
	int err = 0;

	if (!t->running) {
		err = thread_start(&t->thread, "textfile", write_snapshots, t);
		if (err) {
			sink_miss(sink);
			return err;
		}
		t->running = true;
	}
	pthread_mutex_lock(&t->lock);
	if (t->waiting)
		sink_miss(sink);
	t->waiting = true;
	t->asked++;
	pthread_cond_broadcast(&t->changed);
	if (wait_msec)
		err = wait_for(t, t->asked, wait_msec);
	stalled = writing_sec(t) >= STALLED_SEC || err == -ETIMEDOUT;
	pthread_mutex_unlock(&t->lock);
	if (stalled && !t->said_stalled)
		say("--textfile %s: a write does not end; is its filesystem frozen?", t->path);
	t->said_stalled = stalled;
	return err;
}

static bool textfile_healthy(struct sink *sink, char *why, size_t why_size)
{
	struct sink_textfile *t = (struct sink_textfile *)sink;
	unsigned int sec;

	pthread_mutex_lock(&t->lock);
	sec = writing_sec(t);
	pthread_mutex_unlock(&t->lock);
	if (sec < STALLED_SEC)
		return true;
	snprintf(why, why_size,
		 "--textfile: a write has not ended for %u s; is the filesystem frozen?", sec);
	return false;
}

static int textfile_event(struct sink *sink, const struct report *report)
{
	(void)sink;
	(void)report;
	return 0;
}

static int textfile_close(struct sink *sink)
{
	struct sink_textfile *t = (struct sink_textfile *)sink;
	struct timespec until = deadline_in(t->said_stalled ? 0 : CLOSE_MSEC);
	bool stalled;
	int err = 0;

	if (!t->running) {
		textfile_free(t);
		return 0;
	}
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->changed);
	while (t->writing_ns && !err)
		err = pthread_cond_timedwait(&t->changed, &t->lock, &until);
	stalled = t->writing_ns != 0;
	if (stalled)
		pthread_detach(t->thread);
	t->abandoned = stalled;
	pthread_mutex_unlock(&t->lock);
	if (stalled)
		return -ETIMEDOUT;
	pthread_join(t->thread, NULL);
	textfile_free(t);
	return 0;
}

static const struct sink_ops textfile_ops = {
	.name = "textfile",
	.event = textfile_event,
	.refresh = textfile_refresh,
	.healthy = textfile_healthy,
	.close = textfile_close,
};

/* --------------------------------------------------------------- opening it */

bool sink_textfile_named(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t len;

	name = name ? name + 1 : path;
	len = strlen(name);
	return len > 5 && !strcmp(name + len - 5, ".prom");
}

/* Tells now what would otherwise fail at the first write. */
static int check_path(const char *path, char *why, size_t why_size)
{
	char *dir = strdup(path);
	struct stat st;
	int ret = 0;

	if (!sink_textfile_named(path)) {
		ret = -EINVAL;
		snprintf(why, why_size, SINK_TEXTFILE_NAME, path);
	} else if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		ret = -EINVAL;
		snprintf(why, why_size, "--textfile %s: exists and is not a file", path);
	} else if (!dir || access(dirname(dir), W_OK | X_OK)) {
		ret = -errno;
		snprintf(why, why_size, "--textfile %s: its directory cannot be written: %s", path,
			 strerror(-ret));
	}
	free(dir);
	return ret;
}

static void init_lock(struct sink_textfile *t)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attr);
	pthread_condattr_destroy(&attr);
}

int sink_textfile_open(struct sink **sink, const char *path, const struct metrics_source *source,
		       char *why, size_t why_size)
{
	struct sink_textfile *t;
	int ret;

	ret = check_path(path, why, why_size);
	if (ret)
		return ret;
	t = calloc(1, sizeof(*t));
	if (!t)
		goto nomem;
	init_lock(t);
	t->sink.ops = &textfile_ops;
	t->source = *source;
	t->path = strdup(path);
	t->template = replace_file_template(path);
	if (!t->path || !t->template)
		goto nomem;
	/* Now: a confined monitor cannot list the directory. */
	replace_file_sweep(t->template);
	*sink = &t->sink;
	return 0;
nomem:
	if (t)
		textfile_free(t);
	snprintf(why, why_size, "--textfile: out of memory");
	return -ENOMEM;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/signals.h"
#include "monitor/loop.h"

#define HANDLERS_MAX 24

enum kind { KIND_NONE, KIND_FD, KIND_SIGNAL, KIND_TIMER, KIND_TIMER_ONCE };

struct handler {
	enum kind kind;
	uint32_t serial; /* tells the events of a handler from those of one that is gone */
	int fd;
	loop_fn fn;
	void *arg;
};

struct loop {
	int epoll;
	bool stop;
	uint32_t last_serial;
	struct handler handlers[HANDLERS_MAX];
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static bool is_own(const struct handler *h)
{
	return h->kind != KIND_NONE && h->kind != KIND_FD;
}

void loop_free(struct loop *loop)
{
	int i;

	if (!loop)
		return;
	for (i = 0; i < HANDLERS_MAX; i++) {
		if (is_own(&loop->handlers[i]))
			close(loop->handlers[i].fd);
	}
	close(loop->epoll);
	free(loop);
}

static int add(struct loop *loop, enum kind kind, int fd, uint32_t events, loop_fn fn, void *arg)
{
	struct epoll_event ev = { .events = events };
	uint32_t i;

	for (i = 0; i < HANDLERS_MAX && loop->handlers[i].kind != KIND_NONE; i++)
		;
	if (i == HANDLERS_MAX)
		return -ENOSPC;
	ev.data.u64 = (uint64_t)++loop->last_serial << 32 | i;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	loop->handlers[i] = (struct handler){ kind, loop->last_serial, fd, fn, arg };
	return 0;
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg)
{
	return add(loop, KIND_FD, fd, events, fn, arg);
}

void loop_remove(struct loop *loop, int fd)
{
	int i;

	for (i = 0; i < HANDLERS_MAX; i++) {
		struct handler *h = &loop->handlers[i];

		if (h->kind == KIND_NONE || h->fd != fd)
			continue;
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		if (is_own(h))
			close(fd);
		h->kind = KIND_NONE;
		return;
	}
}

static int add_own(struct loop *loop, enum kind kind, int fd, loop_fn fn, void *arg)
{
	int err;

	if (fd < 0)
		return -errno;
	err = add(loop, kind, fd, EPOLLIN, fn, arg);
	if (err)
		close(fd);
	return err;
}

int loop_signals(struct loop *loop, loop_fn fn, void *arg)
{
	sigset_t set;
	int err;

	err = signals_block(NULL);
	if (err)
		return err;
	signals_all(&set);
	return add_own(loop, KIND_SIGNAL, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), fn, arg);
}

int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer)
{
	struct itimerspec its = {};
	int fd, err;

	its.it_value.tv_sec = (time_t)sec;
	its.it_value.tv_nsec = (long)((sec - (double)its.it_value.tv_sec) * 1e9);
	if (repeat)
		its.it_interval = its.it_value;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0 && timerfd_settime(fd, 0, &its, NULL)) {
		err = -errno;
		close(fd);
		return err;
	}
	err = add_own(loop, repeat ? KIND_TIMER : KIND_TIMER_ONCE, fd, fn, arg);
	if (!err && timer)
		*timer = fd;
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

static void expire(struct loop *loop, struct handler *h)
{
	struct handler was = *h;
	uint64_t expired;

	if (read(h->fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	if (h->kind == KIND_TIMER_ONCE)
		loop_remove(loop, h->fd);
	was.fn(was.arg, was.fd, 0);
}

static void dispatch(struct loop *loop, const struct epoll_event *ev)
{
	struct handler *h = &loop->handlers[ev->data.u64 & UINT32_MAX];
	struct signalfd_siginfo si;

	/* A handler earlier in this round has removed or replaced it. */
	if (h->kind == KIND_NONE || h->serial != ev->data.u64 >> 32)
		return;
	switch (h->kind) {
	case KIND_FD:
		h->fn(h->arg, h->fd, ev->events);
		break;
	case KIND_SIGNAL:
		while (h->kind == KIND_SIGNAL && read(h->fd, &si, sizeof(si)) == sizeof(si))
			h->fn(h->arg, h->fd, si.ssi_signo);
		break;
	case KIND_TIMER:
	case KIND_TIMER_ONCE:
		expire(loop, h);
		break;
	case KIND_NONE:
		break;
	}
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[HANDLERS_MAX];
	int i, n;

	while (!loop->stop) {
		n = epoll_wait(loop->epoll, events, HANDLERS_MAX, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n && !loop->stop; i++)
			dispatch(loop, &events[i]);
	}
	return 0;
}

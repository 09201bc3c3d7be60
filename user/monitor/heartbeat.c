// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/heartbeat.h"
#include "monitor/loop.h"

struct heartbeat {
	int fd;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	uint64_t asked, answered;
};

static void on_asked(void *arg, int fd, uint32_t events)
{
	struct heartbeat *hb = arg;
	uint64_t n;

	(void)events;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&hb->lock);
	hb->answered = hb->asked;
	pthread_cond_broadcast(&hb->changed);
	pthread_mutex_unlock(&hb->lock);
}

int heartbeat_new(struct heartbeat **out, struct loop *loop)
{
	struct heartbeat *hb = calloc(1, sizeof(*hb));
	pthread_condattr_t attr;
	int err;

	if (!hb)
		return -ENOMEM;
	pthread_mutex_init(&hb->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&hb->changed, &attr);
	pthread_condattr_destroy(&attr);
	hb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = hb->fd < 0 ? -errno : loop_add(loop, hb->fd, EPOLLIN, on_asked, hb);
	if (err)
		heartbeat_free(hb);
	else
		*out = hb;
	return err;
}

void heartbeat_free(struct heartbeat *hb)
{
	if (!hb)
		return;
	if (hb->fd >= 0)
		close(hb->fd);
	pthread_cond_destroy(&hb->changed);
	pthread_mutex_destroy(&hb->lock);
	free(hb);
}

bool heartbeat_ask(struct heartbeat *hb, unsigned int msec)
{
	struct timespec until = deadline_in(msec);
	uint64_t ticket;
	bool answered;
	int err = 0;

	pthread_mutex_lock(&hb->lock);
	ticket = ++hb->asked;
	/* EAGAIN: so many questions wait that one more makes no difference. */
	if (write(hb->fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0 && errno != EAGAIN)
		err = errno;
	while (!err && hb->answered < ticket)
		err = pthread_cond_timedwait(&hb->changed, &hb->lock, &until);
	answered = hb->answered >= ticket;
	pthread_mutex_unlock(&hb->lock);
	return answered;
}

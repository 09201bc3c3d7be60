// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/thread.h"

struct begin {
	const char *name;
	void *(*fn)(void *);
	void *arg;
};

/* A confined process may name only the calling thread. */
static void *begin_thread(void *arg)
{
	struct begin begin = *(struct begin *)arg;

	free(arg);
	pthread_setname_np(pthread_self(), begin.name);
	return begin.fn(begin.arg);
}

int thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
	struct begin *begin = malloc(sizeof(*begin));
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	if (!begin)
		return -ENOMEM;
	*begin = (struct begin){ name, fn, arg };
	err = pthread_attr_init(&attr);
	if (err)
		goto out;
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	/* A new thread starts with the mask of its creator. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(thread, &attr, begin_thread, begin);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
out:
	if (err)
		free(begin);
	return -err;
}

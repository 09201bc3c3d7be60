// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many CPUs at work at once, each on a file of its own, where the clock counts the
 * instructions of all CPUs together: what an operation costs must not grow with their number.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"

#define CPUS_MAX 8

/* What the processes share. */
struct start {
	pthread_barrier_t ready;
	double began[CPUS_MAX], ended[CPUS_MAX];
};

static double clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct start *new_start(unsigned int cpus)
{
	struct start *start = mmap(NULL, sizeof(*start), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (start == MAP_FAILED)
		err(1, "mmap");
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&start->ready, &attr, cpus);
	return start;
}

static __attribute__((noreturn)) void work(const struct op *op, int dirfd, unsigned int cpu,
					   struct start *start)
{
	cpu_set_t set;
	double ns;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
	pthread_barrier_wait(&start->ready);
	start->began[cpu] = clock_ns();
	if (op->run(op, dirfd, &ns))
		_exit(1);
	start->ended[cpu] = clock_ns();
	_exit(0);
}

/* Instructions of an operation, of all CPUs; each has its directory. */
static double run(const struct op *op, const int *dirfds, unsigned int cpus)
{
	struct start *start = new_start(cpus);
	double began, ended;
	unsigned int i;
	int status;

	for (i = 0; i < cpus; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			work(op, dirfds[i], i, start);
		}
	}
	for (i = 0; i < cpus; i++) {
		if (wait(&status) < 0 || status)
			errx(1, "%s on %u CPUs failed", op->name, cpus);
	}
	began = start->began[0];
	ended = start->ended[0];
	for (i = 1; i < cpus; i++) {
		began = start->began[i] < began ? start->began[i] : began;
		ended = start->ended[i] > ended ? start->ended[i] : ended;
	}
	munmap(start, sizeof(*start));
	return (ended - began) / ((double)op->count * cpus);
}

static void count_op(const struct op *op, const int *dirfds, int runs, const char *state)
{
	unsigned int cpus, have = sysconf(_SC_NPROCESSORS_ONLN);
	struct range range = {};
	char name[64];
	int i;

	for (cpus = 1; cpus <= have && cpus <= CPUS_MAX; cpus *= 2) {
		for (i = 0; i <= runs; i++) {
			if (syncfs(dirfds[0]))
				err(1, "syncfs");
			range_take(&range, i, run(op, dirfds, cpus));
		}
		snprintf(name, sizeof(name), "%s, %u CPUs", op->name, cpus);
		range_print(&range, "cpus", name, state);
		fflush(stdout);
	}
}

/* state: NULL to warm up only. */
static void count_ops(const int *dirfds, int runs, const char *state)
{
	static const char *const names[] = { "fault", "fallocate" };
	const struct op *op;
	struct op part;
	int k;

	for (k = 0; k < 2; k++) {
		for (op = ops; strcmp(op->name, names[k]) != 0; op++)
			;
		part = *op;
		part.count /= COUNT_PART;
		count_op(&part, dirfds, runs, state);
	}
}

void count_cpus(const char *tool, int dirfd, int runs)
{
	int cpu, dirfds[CPUS_MAX];
	struct monitor mon;
	char name[32];

	for (cpu = 0; cpu < CPUS_MAX; cpu++) {
		snprintf(name, sizeof(name), "cpu%d", cpu);
		if (mkdirat(dirfd, name, 0700) && errno != EEXIST)
			err(1, "%s", name);
		dirfds[cpu] = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dirfds[cpu] < 0)
			err(1, "%s", name);
	}
	/* On any CPU from here on. */
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	/* What the kernel still does after its boot is over by the end of this. */
	count_ops(dirfds, 0, NULL);
	count_ops(dirfds, runs, state_names[OFF]);
	monitor_start(&mon, tool, dirfd);
	count_ops(dirfds, runs, state_names[ON]);
	monitor_end(&mon);
}

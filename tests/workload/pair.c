// SPDX-License-Identifier: GPL-2.0-only
/* Two threads, aligned page by page. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "race.h"

void run_stop(struct shared *sh, enum stop why)
{
	int none = STOP_NONE;

	atomic_compare_exchange_strong(&sh->stop, &none, (int)why);
}

void run_fail(struct shared *sh, const char *what, int err)
{
	int none = STOP_NONE;
	bool full = err == -ENOSPC || err == -EDQUOT;

	/* Only the first failure speaks: the others follow from it. */
	if (!atomic_compare_exchange_strong(&sh->stop, &none, full ? STOP_NO_SPACE : STOP_ERROR))
		return;
	fprintf(stderr, "race: %s: %s, stopping\n", what, strerror(-err));
}

/*
 * Spins, then yields, before a thread that waits gives its processor away.
 * A direct write takes a disk's time: to sleep through each would make the
 * next start too coarse.
 */
#define MEET_SPINS	   20000
#define MEET_YIELDS	   100
#define MEET_YIELDS_DIRECT 10000

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static bool has_met(struct side *s, uint32_t turn)
{
	return (int32_t)(atomic_load(&s->met) - turn) >= 0;
}

/*
 * Wait until both threads have come here equally often. Both sides call it in
 * the same sequence whatever fails in between, so it always ends. Who waits
 * long sleeps: the other may be in want of this very processor.
 */
static void meet(const struct pair *p, struct side *self, struct side *other)
{
	uint32_t turn = atomic_load_explicit(&self->met, memory_order_relaxed) + 1, seen;
	unsigned int waited;

	atomic_store(&self->met, turn);
	if (atomic_load(&other->asleep))
		futex(&self->met, FUTEX_WAKE, 1);
	for (waited = 0; !has_met(other, turn) && waited < p->spin_limit; waited++)
		;
	for (waited = 0; !has_met(other, turn) && waited < p->yield_limit; waited++)
		sched_yield();
	if (has_met(other, turn))
		return;
	atomic_store(&self->asleep, 1);
	while (!has_met(other, turn)) {
		seen = atomic_load(&other->met);
		if ((int32_t)(seen - turn) < 0)
			futex(&other->met, FUTEX_WAIT, seen);
	}
	atomic_store(&self->asleep, 0);
}

/* Meet so that both go on at the same moment: whoever slept is awake by the second time. */
static void align(const struct pair *p, struct side *self, struct side *other)
{
	meet(p, self, other);
	meet(p, self, other);
}

static void start_side(const struct pair *p, struct side *s, const char *comm)
{
	cpu_set_t set;

	prctl(PR_SET_NAME, comm);
	snprintf(s->log.comm, sizeof(s->log.comm), "%s", comm);
	s->log.tid = gettid();
	s->log.on = p->opt->log != NULL;
	if (s->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(s->cpu, &set);
	/* A lost pin only costs rate. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void act(struct pair *p, struct side *s, int (*op)(struct pair *, unsigned int),
		unsigned int step)
{
	int err = op(p, step);

	if (!err)
		s->done++;
	else
		run_fail(p->sh, s == &p->victim ? "the victim's access" : "the partner's operation",
			 err);
}

static void victim_round(struct pair *p, unsigned int steps)
{
	const struct mode *m = p->opt->mode;
	bool page = p->opt->meet_at == MEET_PAGE && !(m->flags & MODE_ONCE);
	unsigned int i;

	for (i = 0; i < steps; i++) {
		if (page || !i) {
			align(p, &p->victim, &p->partner);
			aim_spin(aim_victim_delay(&p->aim));
		}
		act(p, &p->victim, m->victim, i);
		if (m->flags & MODE_AFTER)
			meet(p, &p->victim, &p->partner);
	}
}

static void partner_round(struct pair *p, unsigned int steps)
{
	const struct mode *m = p->opt->mode;
	bool page = p->opt->meet_at == MEET_PAGE && !(m->flags & MODE_ONCE);
	unsigned int i;

	if (m->flags & MODE_ONCE)
		steps = 1;
	for (i = 0; i < steps; i++) {
		if (page || !i) {
			align(p, &p->partner, &p->victim);
			aim_spin(aim_partner_delay(&p->aim));
		}
		if (m->flags & MODE_AFTER)
			meet(p, &p->partner, &p->victim);
		act(p, &p->partner, m->partner, i);
	}
}

static void *partner_thread(void *arg)
{
	struct pair *p = arg;
	unsigned int steps = mode_steps(p->opt->mode, p->opt->pages);

	start_side(p, &p->partner, p->opt->mode->partner_comm);
	for (;;) {
		if (oplog_reserve(&p->partner.log, steps))
			p->partner.log.dropped++;
		meet(p, &p->partner, &p->victim);
		if (!p->go)
			return NULL;
		partner_round(p, steps);
		meet(p, &p->partner, &p->victim);
	}
}

/* Count one more file in, unless the run is over. */
static bool take_file(struct pair *p)
{
	unsigned long n = atomic_fetch_add(&p->sh->files, 1);

	if (p->opt->files && n >= p->opt->files)
		run_stop(p->sh, STOP_FILES);
	else if (p->opt->races && atomic_load(&p->sh->attempts) >= p->opt->races)
		run_stop(p->sh, STOP_RACES);
	return !atomic_load(&p->sh->stop);
}

/* Open the next file. Returns false when the run is over. */
static bool next_file(struct pair *p)
{
	const struct mode *m = p->opt->mode;
	int err;

	if (!take_file(p))
		goto none;
	err = file_open(p);
	if (err) {
		run_fail(p->sh, "making a file", err);
		goto none;
	}
	err = m->prepare ? m->prepare(p) : 0;
	if (!err)
		return true;
	run_fail(p->sh, "preparing a file", err);
	file_close(p);
none:
	atomic_fetch_sub(&p->sh->files, 1);
	return false;
}

/* What one file did to the leak counter tells how well its offset was chosen. */
static void learn(struct pair *p, long long before, unsigned int steps)
{
	long long after = fs_reserved(p->fs);
	struct aim *a = &p->aim;
	double hits;

	if (p->partner.done > p->partner_done)
		aim_duration(a, (double)(p->partner.busy_ns - p->partner_busy_ns) /
					(double)(p->partner.done - p->partner_done));
	p->partner_done = p->partner.done;
	p->partner_busy_ns = p->partner.busy_ns;
	/* The counter is exact, but it is everybody's. */
	if (p->opt->processes > 1 || before < 0 || after < 0)
		hits = (double)p->file.surplus;
	else
		hits = (double)(after - before);
	if (a->learn)
		aim_result(a, hits, steps * (p->fs->page / p->fs->block));
	if (p->opt->leaks && after - p->sh->residual_before >= (long long)p->opt->leaks)
		run_stop(p->sh, STOP_LEAKS);
}

/* Hold the pace that was asked for, or do not: pacing needs no precision. */
static void keep_pace(const struct pair *p, unsigned int steps)
{
	uint64_t due;
	struct timespec ts;

	if (!p->opt->rate)
		return;
	due = p->began_ns + (uint64_t)((double)(p->rounds * steps) * 1e9 / (double)p->opt->rate);
	ts.tv_sec = (time_t)(due / 1000000000u);
	ts.tv_nsec = (long)(due % 1000000000u);
	while (!atomic_load(&p->sh->stop) && now_ns() < due)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *victim_thread(void *arg)
{
	struct pair *p = arg;
	unsigned int steps = mode_steps(p->opt->mode, p->opt->pages);
	long long before;

	start_side(p, &p->victim, p->opt->mode->victim_comm);
	p->began_ns = now_ns();
	for (;;) {
		before = fs_reserved(p->fs);
		aim_next(&p->aim);
		if (oplog_reserve(&p->victim.log, 2 * steps))
			p->victim.log.dropped++;
		p->go = next_file(p);
		meet(p, &p->victim, &p->partner);
		if (!p->go)
			return NULL;
		victim_round(p, steps);
		meet(p, &p->victim, &p->partner);
		file_close(p);
		p->rounds++;
		atomic_fetch_add(&p->sh->attempts, steps);
		learn(p, before, steps);
		keep_pace(p, steps);
	}
}

/* The n-th processor that this process may use; -1 when there is no choice. */
static int nth_cpu(unsigned int n)
{
	cpu_set_t set;
	int cpu, count;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	count = CPU_COUNT(&set);
	if (count < 2)
		return -1;
	n %= (unsigned int)count;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && !n--)
			return cpu;
	return -1;
}

static int dump_logs(struct pair *p)
{
	int err;

	if (!p->opt->log)
		return 0;
	err = oplog_dump(&p->partner.log, p->opt->log, p->fs->dev);
	if (!err)
		err = oplog_dump(&p->victim.log, p->opt->log, p->fs->dev);
	if (err)
		fprintf(stderr, "race: %s: %s, the log is not complete\n", p->opt->log,
			strerror(-err));
	atomic_fetch_add(&p->sh->log_dropped, p->partner.log.dropped + p->victim.log.dropped);
	return err;
}

static int set_up(struct pair *p)
{
	struct side *sides[] = { &p->victim, &p->partner };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		sides[i]->cpu = p->opt->pin ? nth_cpu(2 * p->id + i) : -1;
		sides[i]->buf = aligned_alloc(p->fs->page, p->fs->page);
		if (!sides[i]->buf)
			return -ENOMEM;
		memset(sides[i]->buf, 0, p->fs->page);
	}
	/* On one processor spinning only keeps the other thread away. */
	p->spin_limit = nth_cpu(0) < 0 ? 0 : MEET_SPINS;
	p->yield_limit = p->opt->mode->flags & MODE_DIRECT ? MEET_YIELDS_DIRECT : MEET_YIELDS;
	aim_init(&p->aim, p->opt->aim && !(p->opt->mode->flags & MODE_CONTROL),
		 now_ns() ^ (uint64_t)getpid() << 32);
	return 0;
}

int pair_run(struct pair *p)
{
	pthread_t victim, partner;
	int err;

	err = set_up(p);
	if (err)
		goto out;
	err = -pthread_create(&partner, NULL, partner_thread, p);
	if (err)
		goto out;
	err = -pthread_create(&victim, NULL, victim_thread, p);
	if (err) {
		p->go = false;
		atomic_store(&p->victim.met, 1);
		futex(&p->victim.met, FUTEX_WAKE, 1);
		pthread_join(partner, NULL);
		goto out;
	}
	pthread_join(victim, NULL);
	pthread_join(partner, NULL);
	atomic_fetch_add(&p->sh->faults, p->victim.done);
	atomic_fetch_add(&p->sh->allocations, p->partner.done);
	err = dump_logs(p);
out:
	oplog_free(&p->victim.log);
	oplog_free(&p->partner.log);
	free(p->victim.buf);
	free(p->partner.buf);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads and a file: the victim stores to pages of a hole through a shared
 * mapping, the allocator calls fallocate() on the same pages.
 *
 * The file has no name (O_TMPFILE), so that nothing has to be removed however this
 * ends. It is written back before it is closed: a block that is still delayed when the
 * inode goes gives its reservation back, and the leak would not show.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "provoke/provoke_probe.h"
#include "provoke/provoke_race.h"

/* Small while the offset is still sought, so that many are tried. */
#define PAGES_LEARNING 32
#define PAGES_MAX      256

/*
 * Offsets of the victim's start from the allocator's, in parts of a fallocate's time:
 * from a half before to one and a half after.
 */
#define ARMS	   33
#define ARM_BEFORE 8
#define ARM_UNIT   16

struct race {
	struct race_config config;
	pthread_t victim, allocator;
	bool victim_runs, allocator_runs;
	int fd;		     /* eventfd: readable once the race has ended */
	bool stop;	     /* tells the victim to end ... */
	bool allocator_stop; /* ... and then the allocator: the victim waits for it until then */
	struct race_result result;
	long page;
	/* The current file. */
	int file;
	size_t pages;
	volatile char *map;
	/* How the threads meet: the victim publishes an attempt, the allocator answers. */
	uint64_t attempt; /* 0: no attempt yet */
	uint64_t there;	  /* the allocator's answer: the attempt; plus 1 when it has allocated */
	uint64_t done;	  /* the attempt whose store is done */
	size_t at;	  /* the page of the attempt */
	int64_t victim_wait, allocator_wait; /* ns after the meeting */
	int allocator_err;
	/* What aiming has learned, for each arm: collisions a page, and how often it was tried. */
	double score[ARMS];
	unsigned int tried[ARMS];
	uint64_t fallocate_ns; /* smoothed */
	unsigned int seed;
};

/* Volatile: only the signal handler reads it between the two writes in store(). */
static __thread sigjmp_buf *volatile bus_jump;

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void set(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static void wait_ns(int64_t ns)
{
	uint64_t until = monotonic_ns() + (uint64_t)(ns > 0 ? ns : 0);

	while (ns > 0 && monotonic_ns() < until)
		;
}

/* The other thread may need this CPU: it may be the only one. */
static void relax(unsigned int *rounds)
{
	if (++*rounds % 4096 == 0)
		sched_yield();
}

/* ---- the allocator ---- */

/* Until the victim is inside its window, or has left it. */
static void wait_for_window(const struct race *race, uint64_t attempt)
{
	unsigned int rounds = 0;

	while (provoke_probe_in_window(race->config.probe) != attempt &&
	       get(&race->done) != attempt)
		relax(&rounds);
}

static void allocate(struct race *race, uint64_t attempt)
{
	uint64_t start;

	set(&race->there, attempt);
	if (race->config.widen)
		wait_for_window(race, attempt);
	else
		wait_ns(race->allocator_wait);
	start = monotonic_ns();
	if (fallocate(race->file, 0, (off_t)race->at * race->page, race->page))
		race->allocator_err = -errno;
	race->fallocate_ns = (race->fallocate_ns * 15 + (monotonic_ns() - start)) / 16;
	provoke_probe_allocated(race->config.probe, attempt);
}

static void *run_allocator(void *arg)
{
	struct race *race = arg;
	uint64_t attempt = 0;
	unsigned int rounds = 0;

	while (!is_set(&race->allocator_stop)) {
		if (get(&race->attempt) == attempt) {
			relax(&rounds);
			continue;
		}
		attempt = get(&race->attempt);
		allocate(race, attempt);
		/* Tells the victim that the allocator does not use the file any more. */
		set(&race->there, attempt + 1);
	}
	return NULL;
}

/* ---- the victim ---- */

/* SIGBUS: no block could be allocated for the page that the victim stored to. */
static void on_bus(int sig)
{
	if (bus_jump)
		siglongjmp(*bus_jump, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static bool store(struct race *race, size_t page)
{
	sigjmp_buf jump;
	bool ok = true;

	if (sigsetjmp(jump, 1)) {
		ok = false;
	} else {
		bus_jump = &jump;
		race->map[page * (size_t)race->page] = 1;
	}
	bus_jump = NULL;
	return ok;
}

/* One store and one allocation of the same page. -ENOSPC when the filesystem is full. */
static int attempt_page(struct race *race, size_t page)
{
	uint64_t attempt = __atomic_add_fetch(&race->result.attempts, 1, __ATOMIC_RELAXED) * 2;
	unsigned int rounds = 0;
	bool ok;

	race->at = page;
	race->allocator_err = 0;
	set(&race->attempt, attempt);
	while (get(&race->there) < attempt)
		relax(&rounds);
	if (!race->config.widen)
		wait_ns(race->victim_wait);
	provoke_probe_arm(race->config.probe, attempt);
	ok = store(race, page);
	provoke_probe_arm(race->config.probe, 0);
	set(&race->done, attempt);
	while (get(&race->there) < attempt + 1)
		relax(&rounds);
	if (!ok)
		return -ENOSPC;
	return race->allocator_err;
}

/* Sets both waits so that the two threads start with the offset of an arm. */
static void aim(struct race *race, unsigned int arm)
{
	int64_t offset = ((int64_t)arm - ARM_BEFORE) * (int64_t)race->fallocate_ns / ARM_UNIT;

	race->victim_wait = offset > 0 ? offset : 0;
	race->allocator_wait = offset < 0 ? -offset : 0;
}

/* Tries each arm twice. From then on mostly the best one and its neighbours. */
static unsigned int choose_arm(struct race *race, bool *learning)
{
	unsigned int i, best = 0, least = 0;

	for (i = 0; i < ARMS; i++) {
		if (race->score[i] > race->score[best])
			best = i;
		if (race->tried[i] < race->tried[least])
			least = i;
	}
	*learning = race->tried[least] < 2;
	if (*learning)
		return least;
	i = (unsigned int)rand_r(&race->seed);
	if (i % 8 == 0 || race->score[best] == 0) {
		*learning = true;
		return (i / 8) % ARMS;
	}
	i = best + (i / 8) % 3;
	return i == 0 ? 0 : i - 1 < ARMS ? i - 1 : ARMS - 1;
}

static void learn(struct race *race, unsigned int arm, unsigned long long hits, size_t pages)
{
	double rate = (double)hits / (double)pages;

	race->score[arm] = race->tried[arm] ? 0.6 * race->score[arm] + 0.4 * rate : rate;
	race->tried[arm]++;
}

static int open_file(struct race *race)
{
	size_t size = race->pages * (size_t)race->page, i;
	volatile char c;

	race->file = openat(race->config.dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (race->file < 0)
		return -errno;
	if (ftruncate(race->file, (off_t)size))
		goto fail;
	race->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, race->file, 0);
	if (race->map == MAP_FAILED)
		goto fail;
	/*
	 * Reads every page in and keeps it there, so that the fault of the store does not
	 * read. Where memory must not be locked, it is only read in.
	 */
	if (mlock((const void *)race->map, size)) {
		for (i = 0; i < race->pages; i++)
			c = race->map[i * (size_t)race->page];
		(void)c;
	}
	return 0;
fail:
	i = (size_t)errno;
	close(race->file);
	return -(int)i;
}

static int close_file(struct race *race)
{
	int err = 0;

	if (fsync(race->file))
		err = -errno;
	munmap((void *)race->map, race->pages * (size_t)race->page);
	close(race->file);
	race->result.files++;
	return err;
}

/* How many of the filesystem's blocks fit into a page. */
static size_t blocks_per_page(const struct race *race)
{
	struct stat st;

	if (fstat(race->config.dir, &st) || st.st_blksize >= race->page || st.st_blksize < 512)
		return 1;
	return (size_t)(race->page / st.st_blksize);
}

static int race_file(struct race *race)
{
	unsigned long long room = race->config.may_leak(race->config.arg), before;
	bool learning = false;
	unsigned int arm;
	size_t i;
	int err, err2;

	/* A file cannot leak more than its pages: with so many the limit holds. */
	room /= blocks_per_page(race);
	if (!room) {
		race->result.stopped = "max_leak";
		return -ECANCELED;
	}
	arm = choose_arm(race, &learning);
	race->pages = learning && !race->config.widen ? PAGES_LEARNING : PAGES_MAX;
	if (race->pages > room)
		race->pages = room;
	aim(race, arm);
	err = open_file(race);
	if (err)
		return err;
	before = race->config.hits(race->config.arg);
	for (i = 0; i < race->pages && !err && !is_set(&race->stop); i++)
		err = attempt_page(race, i);
	err2 = close_file(race);
	if (i)
		learn(race, arm, race->config.hits(race->config.arg) - before, i);
	return err ? err : err2;
}

static void *run_victim(void *arg)
{
	struct race *race = arg;
	int err = 0;

	provoke_probe_watch_me(race->config.probe);
	while (!err && !is_set(&race->stop))
		err = race_file(race);
	if (err == -ENOSPC || err == -EDQUOT)
		race->result.stopped = "no_space";
	else if (err != -ECANCELED)
		race->result.err = err;
	if (eventfd_write(race->fd, 1))
		race->result.err = -errno;
	return NULL;
}

/* ---- both ---- */

/* Binds each thread to a CPU of its own. Where we may use one only, they take turns. */
static void pin(pthread_t thread, int which)
{
	cpu_set_t allowed, one;
	int cpu, n = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) < 2)
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n++ != which)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_setaffinity_np(thread, sizeof(one), &one);
		return;
	}
}

static int start_threads(struct race *race)
{
	sigset_t all, old;
	int err;

	/* The main thread takes the signals. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&race->allocator, NULL, run_allocator, race);
	race->allocator_runs = !err;
	if (!err)
		err = -pthread_create(&race->victim, NULL, run_victim, race);
	race->victim_runs = race->allocator_runs && !err;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;
	pin(race->victim, 0);
	pin(race->allocator, 1);
	return 0;
}

int race_start(struct race **out, const struct race_config *config)
{
	struct sigaction bus = { .sa_handler = on_bus };
	struct race *race = calloc(1, sizeof(*race));
	struct race_result ignored;
	int err;

	if (!race)
		return -ENOMEM;
	race->config = *config;
	race->page = sysconf(_SC_PAGESIZE);
	race->fallocate_ns = 20000;
	race->seed = (unsigned int)monotonic_ns();
	race->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (race->fd < 0) {
		err = -errno;
		free(race);
		return err;
	}
	sigaction(SIGBUS, &bus, NULL);
	err = start_threads(race);
	if (err) {
		race_stop(race, &ignored);
		return err;
	}
	*out = race;
	return 0;
}

unsigned long long race_attempts(const struct race *race)
{
	return __atomic_load_n(&race->result.attempts, __ATOMIC_RELAXED);
}

int race_fd(const struct race *race)
{
	return race->fd;
}

void race_stop(struct race *race, struct race_result *result)
{
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	if (race->victim_runs)
		pthread_join(race->victim, NULL);
	__atomic_store_n(&race->allocator_stop, true, __ATOMIC_RELEASE);
	if (race->allocator_runs)
		pthread_join(race->allocator, NULL);
	*result = race->result;
	close(race->fd);
	free(race);
}

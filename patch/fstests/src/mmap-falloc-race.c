// SPDX-License-Identifier: GPL-2.0
/*
 * Race stores through a shared mapping against fallocate() of the same blocks.
 *
 * Every pair is two processes that share one file at a time. The file is a hole. One
 * process reads every page of it first, so that the filesystem knows the hole and every
 * page is mapped read-only. Then both meet before each page. One stores to it, which
 * makes the filesystem reserve or allocate the block in a page fault. The other one
 * preallocates the same block. Which of them has to start earlier differs between
 * machines, so each side in turn starts later by an amount that goes through all powers
 * of two.
 *
 * The files stay. Their sizes and number are bounded, and so is the space that they need.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGES	     256
#define DELAY_POWERS 14
#define SPINS	     2000

/* What the two processes of a pair share. */
struct meeting {
	atomic_uint arrived;
	atomic_uint round;
	atomic_bool over;
};

enum side { STORE, PREALLOCATE };

static const char *dir;
static long page_size;
static time_t end;

static void die(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static void no_space(int sig)
{
	static const char text[] = "no space for a store: the scratch device is too small\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

/*
 * Waits for the other side. With fewer CPUs than processes it must let others run. False
 * when the time is over. The side that arrives last decides this for both, so neither
 * waits for one that has left.
 */
static bool meet(struct meeting *m)
{
	unsigned int round = atomic_load(&m->round);
	unsigned int spins = 0;

	if (atomic_fetch_add(&m->arrived, 1) == 1) {
		atomic_store(&m->over, time(NULL) >= end);
		atomic_store(&m->arrived, 0);
		atomic_fetch_add(&m->round, 1);
	}
	while (atomic_load(&m->round) == round) {
		if (++spins % SPINS == 0)
			sched_yield();
	}
	return !atomic_load(&m->over);
}

static void wait_a_little(enum side side, unsigned int page)
{
	volatile unsigned int turns;

	if (page % 2 != (unsigned int)side)
		return;
	turns = 1U << (page / 2 % DELAY_POWERS);
	while (turns)
		turns--;
}

static int open_file(int pair, int number)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/race-%d-%d", dir, pair, number);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		die("cannot open", path);
	if (ftruncate(fd, PAGES * page_size))
		die("cannot truncate", path);
	return fd;
}

static volatile char *map_file(int fd)
{
	volatile char *map;
	unsigned int i;

	map = mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("cannot map a file in", dir);
	for (i = 0; i < PAGES; i++)
		(void)map[i * page_size];
	return map;
}

/* False when the time is over. */
static bool race_file(struct meeting *m, enum side side, int pair, int number)
{
	volatile char *map = NULL;
	bool go_on = true;
	unsigned int i;
	int fd;

	fd = open_file(pair, number);
	if (side == STORE)
		map = map_file(fd);
	for (i = 0; i < PAGES; i++) {
		go_on = meet(m);
		if (!go_on)
			break;
		wait_a_little(side, i);
		if (side == STORE)
			map[i * page_size] = 1;
		else if (fallocate(fd, FALLOC_FL_KEEP_SIZE, i * page_size, page_size))
			die("cannot preallocate in", dir);
	}
	if (map)
		munmap((void *)map, PAGES * page_size);
	close(fd);
	return go_on;
}

static void race(struct meeting *m, enum side side, int pair, int files)
{
	int i;

	/* The other side would wait for ever for one that died. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGBUS, no_space);
	for (i = 0; i < files; i++) {
		if (!race_file(m, side, pair, i))
			break;
	}
	exit(0);
}

static void start(struct meeting *m, enum side side, int pair, int files)
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot fork for", dir);
	if (!pid)
		race(m, side, pair, files);
}

int main(int argc, char *argv[])
{
	struct meeting *meetings;
	int pairs, files, i, status;

	if (argc != 5) {
		fprintf(stderr, "Usage: %s DIR PAIRS FILES SECONDS\n", argv[0]);
		return 1;
	}
	dir = argv[1];
	pairs = atoi(argv[2]);
	files = atoi(argv[3]);
	end = time(NULL) + atoi(argv[4]);
	page_size = sysconf(_SC_PAGESIZE);
	if (pairs < 1 || files < 1) {
		fprintf(stderr, "PAIRS and FILES must be 1 or more\n");
		return 1;
	}
	/* A page for each pair: pairs must not slow each other down. */
	meetings = mmap(NULL, pairs * page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (meetings == MAP_FAILED)
		die("cannot map memory for", dir);
	for (i = 0; i < pairs; i++) {
		struct meeting *m = (void *)((char *)meetings + i * page_size);

		start(m, STORE, i, files);
		start(m, PREALLOCATE, i, files);
	}
	while (wait(&status) > 0) {
		/* Its partner waits for it: give up, and pdeathsig ends the others. */
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			return 1;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which cache lines the detector writes on paths without an event. Two processes, each on a
 * CPU of its own and with a file of its own, do the same operation one after the other. Before
 * and after each the programs' memory is read: a line that changed both times would go back
 * and forth between the CPUs when both work at once.
 *
 * Two tasks or files can hash to one place of a table: one pair in a thousand does. So a
 * failure counts only if three pairs in turn show it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "progs.h"

#define LINE	  64
#define BLOCKS	  8 /* of one operation */
#define PAIRS	  3
#define MAPS_MAX  32
#define PROGS_MAX 32

/* ---- the operations ---- */

enum path { PATH_WRITE, PATH_READ, PATH_FAULT, PATH_FALLOCATE, PATH_FALLOCATE_MAPPED, PATHS };

static const struct {
	const char *name;
	bool writes; /* the programs write something: else the test would see nothing */
	bool mapped;
} paths[PATHS] = {
	[PATH_WRITE] = { "a buffered write", true, false },
	[PATH_READ] = { "a read", false, false },
	[PATH_FAULT] = { "a write fault on a hole", true, true },
	[PATH_FALLOCATE] = { "a fallocate", false, false },
	[PATH_FALLOCATE_MAPPED] = { "a fallocate of a mapped file", true, true },
};

static void operate(enum path path, int fd, volatile char *map)
{
	char block[BLOCK] = "b";
	off_t at;
	int i;

	for (i = 0; i < BLOCKS; i++) {
		at = (off_t)(path * BLOCKS + i) * BLOCK;
		switch (path) {
		case PATH_WRITE:
			if (pwrite(fd, block, BLOCK, at) != BLOCK)
				err(1, "write");
			break;
		case PATH_READ:
			if (pread(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
				err(1, "read");
			break;
		case PATH_FAULT:
			map[at] = 1;
			break;
		default:
			if (fallocate(fd, FALLOC_FL_KEEP_SIZE, at, BLOCK))
				err(1, "fallocate");
		}
	}
}

struct worker {
	pid_t pid;
	int cpu, sock; /* a byte says which operation; the same byte comes back when it is done */
};

static __attribute__((noreturn)) void work(int dirfd, int cpu, int sock)
{
	const size_t size = (size_t)PATHS * BLOCKS * BLOCK;
	char name[32];
	unsigned char path;
	cpu_set_t set;
	char *map;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
	snprintf(name, sizeof(name), "lines.%d", cpu);
	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || unlinkat(dirfd, name, 0) || ftruncate(fd, (off_t)size))
		err(1, "%s", name);
	while (read(sock, &path, 1) == 1) {
		map = NULL;
		if (path < PATHS && paths[path].mapped) {
			map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (map == MAP_FAILED)
				err(1, "mmap");
			madvise(map, size, MADV_RANDOM);
		}
		if (path < PATHS)
			operate(path, fd, map);
		if (map)
			munmap(map, size);
		if (write(sock, &path, 1) != 1)
			break;
	}
	_exit(0);
}

static void tell(const struct worker *worker, unsigned char path)
{
	if (write(worker->sock, &path, 1) != 1 || read(worker->sock, &path, 1) != 1)
		errx(1, "the process on CPU %d failed", worker->cpu);
}

static void worker_start(struct worker *worker, int dirfd, int cpu)
{
	int socks[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
		err(1, "socketpair");
	worker->cpu = cpu;
	worker->sock = socks[0];
	worker->pid = fork();
	if (worker->pid < 0)
		err(1, "fork");
	if (!worker->pid) {
		close(socks[0]);
		work(dirfd, cpu, socks[1]);
	}
	close(socks[1]);
	tell(worker, PATHS); /* it has its file */
}

static void worker_end(struct worker *worker)
{
	/* It would not see that the socket is closed: the other process has a copy. */
	kill(worker->pid, SIGKILL);
	close(worker->sock);
	waitpid(worker->pid, NULL, 0);
}

/* ---- the programs' memory ---- */

struct memory {
	struct bpf_map_info info;
	int fd;
	size_t size;
	unsigned char *now, *before;
};

static struct memory memories[MAPS_MAX];
static int n_memories;

static size_t rounded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* Bytes that a read of the map gives; 0: nothing that can be read. */
static size_t size_of(const struct bpf_map_info *info, int cpus)
{
	switch (info->type) {
	case BPF_MAP_TYPE_ARRAY:
		return rounded(info->value_size) * info->max_entries;
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return rounded(info->value_size) * info->max_entries * cpus;
	case BPF_MAP_TYPE_HASH:
		/* Its entries in their order, each behind its key. */
		return (rounded(info->key_size) + rounded(info->value_size)) * info->max_entries;
	default:
		return 0;
	}
}

static void read_array(struct memory *m, size_t step)
{
	unsigned int key;

	for (key = 0; key < m->info.max_entries; key++) {
		if (bpf_map_lookup_elem(m->fd, &key, m->now + key * step))
			err(1, "map %s", m->info.name);
	}
}

static void read_hash(struct memory *m)
{
	unsigned char *at = m->now, *key = NULL;

	memset(m->now, 0, m->size);
	while (at < m->now + m->size && !bpf_map_get_next_key(m->fd, key, at)) {
		key = at;
		at += rounded(m->info.key_size);
		if (bpf_map_lookup_elem(m->fd, key, at))
			err(1, "map %s", m->info.name);
		at += rounded(m->info.value_size);
	}
}

static void read_memories(int cpus)
{
	unsigned char *swap;
	struct memory *m;
	int i;

	for (i = 0; i < n_memories; i++) {
		m = &memories[i];
		swap = m->before;
		m->before = m->now;
		m->now = swap;
		if (m->info.type == BPF_MAP_TYPE_HASH)
			read_hash(m);
		else
			read_array(m,
				   rounded(m->info.value_size) *
					   (m->info.type == BPF_MAP_TYPE_PERCPU_ARRAY ? cpus : 1));
	}
}

static void add_map(unsigned int id, int cpus)
{
	struct memory *m = &memories[n_memories];
	unsigned int len = sizeof(m->info);
	int i;

	for (i = 0; i < n_memories; i++) {
		if (memories[i].info.id == id)
			return;
	}
	if (n_memories == MAPS_MAX)
		errx(1, "more than %d maps", MAPS_MAX);
	memset(m, 0, sizeof(*m));
	m->fd = bpf_map_get_fd_by_id(id);
	if (m->fd < 0 || bpf_obj_get_info_by_fd(m->fd, &m->info, &len))
		err(1, "map %u", id);
	m->size = size_of(&m->info, cpus);
	if (!m->size) {
		close(m->fd);
		return;
	}
	m->now = calloc(1, m->size);
	m->before = calloc(1, m->size);
	if (!m->now || !m->before)
		errx(1, "out of memory");
	n_memories++;
}

/* The maps of the programs that the process holds. */
static void find_memories(pid_t pid, int cpus)
{
	int fds[PROGS_MAX], n = prog_fds_of(pid, fds, PROGS_MAX), i;
	unsigned int ids[MAPS_MAX], len, k;
	struct bpf_prog_info info;

	for (i = 0; i < n; i++) {
		memset(&info, 0, sizeof(info));
		info.nr_map_ids = MAPS_MAX;
		info.map_ids = (uintptr_t)ids;
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(fds[i], &info, &len))
			err(1, "program info");
		for (k = 0; k < info.nr_map_ids; k++)
			add_map(ids[k], cpus);
		close(fds[i]);
	}
}

/* ---- what changed ---- */

/* A bit a line, of all memories one after the other. */
struct lines {
	unsigned char *bits;
	size_t n;	 /* lines that changed */
	char wrong[160]; /* what must not change, or not there */
};

static size_t all_lines(void)
{
	size_t n = 0;
	int i;

	for (i = 0; i < n_memories; i++)
		n += memories[i].size / LINE + 1;
	return n;
}

/* Whether a byte of the map may change on a path without an event, while CPU cpu works. */
static bool may_change(const struct memory *m, size_t at, int cpu, int cpus, const char **why)
{
	size_t value = rounded(m->info.value_size);

	switch (m->info.type) {
	case BPF_MAP_TYPE_ARRAY:
		*why = "its elements do not lie on whole lines";
		return m->info.map_flags & BPF_F_MMAPABLE &&
		       (m->info.max_entries == 1 || !(value % LINE));
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		*why = "it is another CPU's";
		return (int)(at / value % cpus) == cpu;
	default:
		*why = "only an event should write it";
		return false;
	}
}

static void compare(struct lines *lines, int cpu, int cpus)
{
	size_t first = 0, at;
	const char *why;
	int i;

	lines->bits = calloc(all_lines(), 1);
	lines->n = 0;
	lines->wrong[0] = 0;
	if (!lines->bits)
		errx(1, "out of memory");
	for (i = 0; i < n_memories; first += memories[i++].size / LINE + 1) {
		const struct memory *m = &memories[i];

		for (at = 0; at < m->size; at++) {
			if (m->now[at] == m->before[at])
				continue;
			if (!may_change(m, at, cpu, cpus, &why))
				snprintf(lines->wrong, sizeof(lines->wrong),
					 "byte %zu of map %s changed: %s", at, m->info.name, why);
			/* What is per CPU lies in another page for each. */
			if (m->info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
				continue;
			lines->n += !lines->bits[first + at / LINE];
			lines->bits[first + at / LINE] = 1;
		}
	}
}

static const char *map_of_line(size_t line)
{
	int i;

	for (i = 0; i < n_memories; i++) {
		if (line < memories[i].size / LINE + 1)
			return memories[i].info.name;
		line -= memories[i].size / LINE + 1;
	}
	return "?";
}

/* True if a path is as it should be; else a line in why. */
static bool path_is_good(enum path path, struct worker *workers, int cpus, char *why, size_t size)
{
	struct lines changed[2];
	size_t line, n = all_lines();
	int i;

	why[0] = 0;
	read_memories(cpus);
	for (i = 0; i < 2; i++) {
		tell(&workers[i], path);
		read_memories(cpus);
		compare(&changed[i], workers[i].cpu, cpus);
		if (changed[i].wrong[0])
			snprintf(why, size, "%s", changed[i].wrong);
		else if (paths[path].writes && !changed[i].n)
			snprintf(why, size, "nothing changed: the test sees nothing");
		else if (!paths[path].writes && changed[i].n)
			snprintf(why, size, "%zu lines changed, none should", changed[i].n);
	}
	for (line = 0; line < n; line++) {
		if (changed[0].bits[line] && changed[1].bits[line])
			snprintf(why, size, "line %zu, in map %s, is written on both CPUs", line,
				 map_of_line(line));
	}
	if (!why[0])
		printf("ok %s: %zu lines on one CPU, %zu on the other, none on both\n",
		       paths[path].name, changed[0].n, changed[1].n);
	free(changed[0].bits);
	free(changed[1].bits);
	return !why[0];
}

int lines(pid_t monitor, int dirfd)
{
	int cpus = libbpf_num_possible_cpus(), failed = 0, pair, path;
	bool good[PATHS] = {};
	struct worker workers[2];
	char why[256];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		errx(1, "two CPUs are needed");
	find_memories(monitor, cpus);
	for (pair = 0; pair < PAIRS; pair++) {
		worker_start(&workers[0], dirfd, 0);
		worker_start(&workers[1], dirfd, 1);
		for (path = 0; path < PATHS; path++) {
			if (good[path])
				continue;
			good[path] = path_is_good(path, workers, cpus, why, sizeof(why));
			if (!good[path] && pair == PAIRS - 1) {
				printf("not ok %s: %s\n", paths[path].name, why);
				failed++;
			}
		}
		worker_end(&workers[0]);
		worker_end(&workers[1]);
	}
	return failed;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations. Each makes a file of its own and unlinks it before writeback,
 * so no run leaves work to the next one. Time is the thread's
 * CPU time, which depends least on what runs on other CPUs.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int new_file(int dirfd)
{
	int fd = openat(dirfd, "bench", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (unlinkat(dirfd, "bench", 0)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int op_write(const struct op *op, int dirfd, double *ns)
{
	char block[BLOCK];
	int fd = new_file(dirfd), err = 0;
	unsigned int i;

	if (fd < 0)
		return fd;
	memset(block, 'b', sizeof(block));
	*ns = cpu_ns();
	for (i = 0; i < op->count && !err; i++) {
		if (write(fd, block, BLOCK) != BLOCK)
			err = -EIO;
	}
	*ns = cpu_ns() - *ns;
	close(fd);
	return err;
}

static int op_read(const struct op *op, int dirfd, double *ns)
{
	enum { BLOCKS = 256 };
	char block[BLOCK] = "";
	int fd = new_file(dirfd), err = 0;
	unsigned int i;

	if (fd < 0)
		return fd;
	for (i = 0; i < BLOCKS && !err; i++) {
		if (write(fd, block, BLOCK) != BLOCK)
			err = -EIO;
	}
	*ns = cpu_ns();
	for (i = 0; i < op->count && !err; i++) {
		if (pread(fd, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) != BLOCK)
			err = -EIO;
	}
	*ns = cpu_ns() - *ns;
	close(fd);
	return err;
}

/* mapped: with a shared mapping of the file, so that a fault could race. */
static int fallocate_blocks(const struct op *op, int dirfd, double *ns, int mapped)
{
	size_t size = (size_t)op->count * BLOCK;
	int fd = new_file(dirfd), err = 0;
	void *map = NULL;
	unsigned int i;

	if (fd < 0)
		return fd;
	if (mapped) {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED) {
			close(fd);
			return -errno;
		}
	}
	*ns = cpu_ns();
	for (i = 0; i < op->count && !err; i++) {
		if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)i * BLOCK, BLOCK))
			err = -errno;
	}
	*ns = cpu_ns() - *ns;
	if (map)
		munmap(map, size);
	close(fd);
	return err;
}

static int op_fallocate(const struct op *op, int dirfd, double *ns)
{
	return fallocate_blocks(op, dirfd, ns, 0);
}

static int op_fallocate_mapped(const struct op *op, int dirfd, double *ns)
{
	return fallocate_blocks(op, dirfd, ns, 1);
}

/* Stores to every stride-th page from the first on, count of them. */
static int fault_pages(int fd, size_t size, unsigned int count, size_t stride, size_t first,
		       double *ns)
{
	volatile char *map;
	unsigned int i;

	if (ftruncate(fd, (off_t)size))
		return -errno;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	madvise((void *)map, size, MADV_RANDOM);
	*ns = cpu_ns();
	for (i = 0; i < count; i++)
		map[(first + i * stride) * BLOCK] = 1;
	*ns = cpu_ns() - *ns;
	munmap((void *)map, size);
	return 0;
}

static int op_fault(const struct op *op, int dirfd, double *ns)
{
	int fd = new_file(dirfd), err;

	if (fd < 0)
		return fd;
	err = fault_pages(fd, (size_t)op->count * BLOCK, op->count, 1, 0, ns);
	close(fd);
	return err;
}

/*
 * Every second block of the file is allocated, until it has as many extents as asked
 * for. The faults hit holes between them, spread over the file.
 */
static int fault_among(const struct op *op, int dirfd, double *ns)
{
	unsigned int count = op->count / op->files, i;
	unsigned int span = op->extents > count ? op->extents : count;
	size_t stride = span / count;
	int fd = new_file(dirfd), err = 0;

	if (fd < 0)
		return fd;
	for (i = 0; i < op->extents && !err; i++) {
		if (fallocate(fd, 0, (off_t)i * 2 * BLOCK, BLOCK))
			err = -errno;
	}
	if (!err)
		err = fault_pages(fd, ((size_t)span * 2 + 2) * BLOCK, count, stride * 2, 1, ns);
	close(fd);
	return err;
}

static int op_fault_among(const struct op *op, int dirfd, double *ns)
{
	unsigned int i;
	double one = 0;
	int err;

	*ns = 0;
	for (i = 0; i < op->files; i++) {
		err = fault_among(op, dirfd, &one);
		if (err)
			return err;
		*ns += one;
	}
	return 0;
}

/*
 * fio: one that reads and writes, one that writes through a mapping, one that reads,
 * each 16 MiB of a file of its own; count is the number of their blocks. The CPU time is
 * fio's own.
 */
static int op_fio(const struct op *op, int dirfd, double *ns)
{
	struct rusage usage;
	int status;
	pid_t pid;

	(void)op;
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		if (fchdir(dirfd))
			_exit(1);
		execlp("fio", "fio", "--directory=.", "--bs=4k", "--size=16m", "--thread",
		       "--unlink=1", "--fallocate=none", "--randseed=7", "--name=write",
		       "--rw=randrw", "--ioengine=psync", "--name=map", "--rw=randwrite",
		       "--ioengine=mmap", "--name=read", "--rw=randread", "--ioengine=psync", NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOENT;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return -EIO;
	*ns = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
	return 0;
}

const struct op ops[] = {
	{ "read", 8192, 15, 0, 0, op_read },
	{ "write", 4096, 15, 0, 0, op_write },
	{ "fault", 4096, 15, 0, 0, op_fault },
	{ "fallocate", 2048, 15, 0, 0, op_fallocate },
	{ "fallocate, mapped", 2048, 15, 0, 0, op_fallocate_mapped },
	{ "fio, mixed", FIO_BLOCKS, 1, 0, 0, op_fio },
	{ NULL, 0, 0, 0, 0, NULL },
};

/* Few faults per file: each adds its own delayed entry to the tree. */
const struct op trees[] = {
	{ "1", 512, 5, 1, 64, op_fault_among },
	{ "16", 512, 5, 16, 32, op_fault_among },
	{ "1000", 1000, 3, 1000, 4, op_fault_among },
	{ "100000", 1000, 1, 100000, 1, op_fault_among },
	{ NULL, 0, 0, 0, 0, NULL },
};

const char *const state_names[STATES] = { "off", "empty", "on" };

bool run_op(const struct op *op, int dirfd, double *ns)
{
	int err = op->run(op, dirfd, ns);

	if (err == -ENOENT)
		return false;
	if (err)
		errx(1, "%s: %s", op->name, strerror(-err));
	*ns /= op->count;
	return true;
}

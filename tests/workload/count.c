// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exactly known number of delayed inserts, for a test to compare with.
 *
 * Every block of a hole is inserted once, whichever way the pages are grouped
 * into folios, so the numbers hold as long as nothing else allocates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "race.h"

static int make_file(const struct fs *fs, const char *kind, char *name, size_t size, uint64_t *ino)
{
	struct stat st;
	int fd;

	snprintf(name, size, "race-count-%s-%d", kind, getpid());
	fd = openat(fs->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		close(fd);
		return -errno;
	}
	*ino = st.st_ino;
	return fd;
}

static int append_blocks(const struct fs *fs, struct shared *sh, int fd, unsigned long blocks)
{
	unsigned long i;
	char *buf;
	ssize_t n;
	int err = 0;

	buf = malloc(fs->block);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0x5a, fs->block);
	for (i = 0; i < blocks && !err && !atomic_load(&sh->stop); i++) {
		n = write(fd, buf, fs->block);
		if (n != (ssize_t)fs->block)
			err = n < 0 ? -errno : -ENOSPC;
	}
	free(buf);
	return err;
}

static int fault_pages(const struct fs *fs, struct shared *sh, int fd, unsigned long pages)
{
	size_t size = pages * (size_t)fs->page;
	unsigned long i;
	char *map;
	int err = 0;

	if (ftruncate(fd, (off_t)size))
		return -errno;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	for (i = 0; i < pages && !err && !atomic_load(&sh->stop); i++)
		err = store_word(map + i * fs->page);
	munmap(map, size);
	return err;
}

static int finish(const struct options *opt, const struct fs *fs, int fd, const char *name)
{
	int err = fsync(fd) ? -errno : 0;

	close(fd);
	if (!opt->keep && unlinkat(fs->dirfd, name, 0) && !err)
		err = -errno;
	return err;
}

int count_run(const struct options *opt, const struct fs *fs, struct shared *sh)
{
	unsigned long per_page = fs->page / fs->block;
	unsigned long pages = (opt->blocks + per_page - 1) / per_page;
	unsigned long buffered, faulted;
	char name[2][64];
	uint64_t ino[2] = { 0, 0 };
	int err, err2, fd;

	prctl(PR_SET_NAME, "race-count");
	fd = make_file(fs, "write", name[0], sizeof(name[0]), &ino[0]);
	if (fd < 0) {
		err = fd;
		goto out;
	}
	err = append_blocks(fs, sh, fd, opt->blocks);
	err2 = finish(opt, fs, fd, name[0]);
	err = err ? err : err2;
	if (err)
		goto out;
	fd = make_file(fs, "fault", name[1], sizeof(name[1]), &ino[1]);
	if (fd < 0) {
		err = fd;
		goto out;
	}
	prctl(PR_SET_NAME, "race-fault");
	err = fault_pages(fs, sh, fd, pages);
	err2 = finish(opt, fs, fd, name[1]);
	err = err ? err : err2;
out:
	if (err || atomic_load(&sh->stop)) {
		fprintf(stderr, "race: count: %s, the numbers would not be exact\n",
			err ? strerror(-err) : "interrupted");
		return err ? err : -EINTR;
	}
	buffered = fs->delalloc ? opt->blocks : 0;
	faulted = fs->delalloc ? pages * per_page : 0;
	printf("{\"mode\":\"count\",\"dev\":\"%s\",\"block_size\":%u,\"page_size\":%u,"
	       "\"delalloc\":%s,\"ino_buffered\":%llu,\"ino_faulted\":%llu,"
	       "\"buffered_inserts\":%lu,\"fault_inserts\":%lu,\"faults\":%lu,"
	       "\"delayed_inserts\":%lu}\n",
	       fs->dev, fs->block, fs->page, fs->delalloc ? "true" : "false",
	       (unsigned long long)ino[0], (unsigned long long)ino[1], buffered, faulted, pages,
	       buffered + faulted);
	return 0;
}

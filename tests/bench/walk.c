// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk OBJECT DIR: compares the answers of es_find() with the kernel's own, over a file in
 * DIR with thousands of extents of every kind. 0: they agree, and disagree when the wrong
 * block is asked for; 77: this kernel cannot load the object.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "walk.h"

#define BLOCK	4096
#define EXTENTS 6000

/* fs/ext4/ext4.h, b0c013e2928d (5.4) */
#define EXT4_IOC_CLEAR_ES_CACHE _IO('f', 40)

static struct bpf_object *obj;
static struct bpf_link *links[2];

static int attach(const char *file)
{
	struct bpf_program *prog;
	int n = 0;

	obj = bpf_object__open(file);
	if (!obj)
		return -errno;
	if (bpf_object__load(obj))
		return -ENOTSUP;
	bpf_object__for_each_program(prog, obj)
	{
		links[n] = bpf_program__attach(prog);
		if (!links[n])
			return -errno;
		n++;
	}
	return 0;
}

static void detach(void)
{
	bpf_link__destroy(links[0]);
	bpf_link__destroy(links[1]);
	bpf_object__close(obj);
}

static struct bpf_map *counts(void)
{
	return bpf_object__find_map_by_name(obj, ".bss");
}

static int start(unsigned int astray)
{
	struct walk walk = { .pid = getpid(), .astray = astray };
	unsigned int zero = 0;

	return bpf_map__update_elem(counts(), &zero, sizeof(zero), &walk, sizeof(walk), 0);
}

static int stop(struct walk *walk)
{
	unsigned int zero = 0;

	return bpf_map__lookup_elem(counts(), &zero, sizeof(zero), walk, sizeof(*walk), 0);
}

/*
 * Of every eight blocks: unwritten, hole, written, hole, delayed, and three holes. Then it
 * reads among the first four of each, in random places, so most lookups are far from the
 * one before. The reads are direct: each looks up, and nothing delayed is written back.
 */
static int work(int dirfd)
{
	int fd = openat(dirfd, "walk", O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0600);
	unsigned int seed = 1, i;
	char *block;
	int err = 0;

	if (fd < 0 || posix_memalign((void **)&block, BLOCK, BLOCK))
		return -errno;
	memset(block, 'w', BLOCK);
	for (i = 0; i < EXTENTS && !err; i++) {
		off_t at = (off_t)i * 8 * BLOCK;

		if (fallocate(fd, 0, at, BLOCK) ||
		    pwrite(fd, block, BLOCK, at + 2 * BLOCK) != BLOCK)
			err = -errno;
	}
	fcntl(fd, F_SETFL, 0);
	for (i = 0; i < EXTENTS && !err; i++) {
		if (pwrite(fd, block, BLOCK, ((off_t)i * 8 + 4) * BLOCK) != BLOCK)
			err = -errno;
	}
	fcntl(fd, F_SETFL, O_DIRECT);
	for (i = 0; i < 8 * EXTENTS && !err; i++) {
		off_t at = (off_t)(rand_r(&seed) % EXTENTS) * 8 + rand_r(&seed) % 4;

		/* What is not delayed goes, and comes back as it is asked for. */
		if (i % (4 * EXTENTS) == 2 * EXTENTS && ioctl(fd, EXT4_IOC_CLEAR_ES_CACHE))
			err = -errno;
		else if (pread(fd, block, BLOCK, at * BLOCK) < 0)
			err = -errno;
	}
	unlinkat(dirfd, "walk", 0);
	close(fd);
	free(block);
	return err;
}

static int once(int dirfd, unsigned int astray, struct walk *walk)
{
	int err = start(astray);

	if (!err)
		err = work(dirfd);
	if (!err)
		err = stop(walk);
	return err;
}

int main(int argc, char **argv)
{
	struct walk walk, stray;
	int dirfd, err;

	dirfd = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dirfd < 0) {
		fputs("usage: walk OBJECT DIR\n", stderr);
		return 64;
	}
	libbpf_set_print(NULL);
	err = attach(argv[1]);
	if (err == -ENOTSUP) {
		printf("skip: this kernel does not take %s\n", argv[1]);
		return 77;
	}
	if (!err)
		err = once(dirfd, 0, &walk);
	if (!err)
		err = once(dirfd, 1, &stray);
	detach();
	close(dirfd);
	if (err) {
		fprintf(stderr, "walk: %s\n", strerror(-err));
		return 1;
	}
	printf("%llu mapped, %llu others, %llu missing: %llu wrong, %llu unreadable; astray %llu "
	       "wrong\n",
	       walk.mapped, walk.others, walk.missing, walk.wrong, walk.unreadable, stray.wrong);
	return walk.wrong || walk.unreadable || walk.mapped < EXTENTS || walk.others < EXTENTS ||
	       walk.missing < EXTENTS || stray.wrong < EXTENTS;
}

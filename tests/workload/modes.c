// SPDX-License-Identifier: GPL-2.0-only
/* What victim and partner do in each mode. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "race.h"

#define DIRECT_FILE_PAGES 256

/* A store into a page that cannot be reserved is answered by SIGBUS. */
static _Thread_local sigjmp_buf bus_jump;
static _Thread_local volatile sig_atomic_t bus_armed;

void race_bus(int sig)
{
	if (bus_armed)
		siglongjmp(bus_jump, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint32_t to_blocks(const struct pair *p, uint64_t bytes)
{
	return (uint32_t)(bytes / p->fs->block);
}

static void record(struct pair *p, struct side *s, enum op op, uint64_t start, uint64_t end,
		   uint64_t from, uint64_t to, int err)
{
	struct oprec rec = {
		.start_ns = start,
		.end_ns = end,
		.ino = p->file.ino,
		.generation = p->file.generation,
		.lblk = to_blocks(p, from),
		.len = to_blocks(p, to + p->fs->block - 1) - to_blocks(p, from),
		.err = err,
		.op = op,
	};

	s->busy_ns += end - start;
	oplog_add(&s->log, &rec);
}

static int do_fallocate(struct pair *p, struct side *s, enum op op, int mode, uint64_t from,
			uint64_t len)
{
	uint64_t start = now_ns();
	int err = fallocate(p->file.fd, mode, (off_t)from, (off_t)len) ? -errno : 0;

	record(p, s, op, start, now_ns(), from, from + len, err);
	return err;
}

/* Returns -ENOSPC if there was no space for the page. */
static int guarded(void (*store)(void *), void *arg)
{
	if (sigsetjmp(bus_jump, 0)) {
		bus_armed = 0;
		return -ENOSPC;
	}
	bus_armed = 1;
	store(arg);
	bus_armed = 0;
	return 0;
}

struct store {
	char *page;
	size_t size; /* 0: one word is enough */
	uint64_t file;
	unsigned int index;
};

static void store_data(void *arg)
{
	const struct store *s = arg;

	if (s->size)
		pattern_fill(s->page, s->size, s->file, s->index);
	else
		*(volatile uint64_t *)s->page = s->file | 1;
}

int store_word(char *at)
{
	struct store s = { .page = at, .file = 1 };

	return guarded(store_data, &s);
}

static int do_store(struct pair *p, unsigned int index)
{
	uint64_t from = (uint64_t)index * p->fs->page, start;
	struct store s = {
		.page = p->file.map + from,
		.size = p->opt->verify ? p->fs->page : 0,
		.file = p->file.number,
		.index = index,
	};
	int err;

	start = now_ns();
	err = guarded(store_data, &s);
	record(p, &p->victim, OP_FAULT, start, now_ns(), from, from + p->fs->page, err);
	return err;
}

static int store_page(struct pair *p, unsigned int step)
{
	return do_store(p, step);
}

static int store_even_page(struct pair *p, unsigned int step)
{
	return do_store(p, 2 * step);
}

static int write_page(struct pair *p, unsigned int step)
{
	uint64_t from = (uint64_t)step * p->fs->page, start;
	ssize_t n;
	int err;

	pattern_fill(p->victim.buf, p->fs->page, p->file.number, step);
	start = now_ns();
	n = pwrite(p->file.fd, p->victim.buf, p->fs->page, (off_t)from);
	err = n < 0 ? -errno : n < (ssize_t)p->fs->page ? -ENOSPC : 0;
	record(p, &p->victim, OP_WRITE, start, now_ns(), from, from + p->fs->page, err);
	return err;
}

static int fallocate_page(struct pair *p, unsigned int step)
{
	return do_fallocate(p, &p->partner, OP_FALLOCATE, 0, (uint64_t)step * p->fs->page,
			    p->fs->page);
}

static int fallocate_odd_page(struct pair *p, unsigned int step)
{
	return do_fallocate(p, &p->partner, OP_FALLOCATE, 0, (2 * (uint64_t)step + 1) * p->fs->page,
			    p->fs->page);
}

static int fallocate_file(struct pair *p, unsigned int step)
{
	(void)step;
	return do_fallocate(p, &p->partner, OP_FALLOCATE, 0, 0,
			    (uint64_t)p->opt->pages * p->fs->page);
}

/*
 * With every second page allocated beforehand a whole-file fallocate has as
 * many holes to fill, each in its own critical section, as the victim has
 * pages to fault. Into one big hole it would be over after one block.
 */
static int allocate_odd_pages(struct pair *p)
{
	unsigned int i;
	int err = 0;

	for (i = 1; i < p->opt->pages && !err; i += 2)
		err = do_fallocate(p, &p->victim, OP_FALLOCATE, 0, (uint64_t)i * p->fs->page,
				   p->fs->page);
	return err;
}

/*
 * A fallocate() of all that direct writes are about to allocate, which the kernel refuses
 * for its size: whoever names an allocation by its task's last fallocate() is wrong then.
 */
static int fallocate_in_vain(struct pair *p)
{
	const struct rlimit limit = { 1ULL << 40, 1ULL << 40 };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return -errno;
	if (!fallocate(p->file.fd, 0, 0, 1LL << 41))
		return -EINVAL;
	return errno == EFBIG ? 0 : -errno;
}

static int write_direct(struct pair *p, unsigned int step)
{
	uint64_t from = (uint64_t)step * p->fs->page, start;
	ssize_t n;
	int err;

	if (!step) {
		err = fallocate_in_vain(p);
		if (err)
			return err;
	}
	/* The same data on both sides: whoever comes last, the page is right. */
	pattern_fill(p->partner.buf, p->fs->page, p->file.number, step);
	start = now_ns();
	n = pwrite(p->file.direct, p->partner.buf, p->fs->page, (off_t)from);
	err = n < 0 ? -errno : n < (ssize_t)p->fs->page ? -ENOSPC : 0;
	record(p, &p->partner, OP_DIRECT_WRITE, start, now_ns(), from, from + p->fs->page, err);
	return err;
}

/*
 * One direct write of the whole file, in which every second page is a hole. The kernel looks
 * after the page cache of the whole range first, then allocates hole by hole, and when all is
 * on disk it makes the extents WRITTEN, all at once.
 */
static int write_direct_file(struct pair *p, unsigned int step)
{
	uint64_t start, len = (uint64_t)p->opt->pages * p->fs->page;
	struct iovec iov[DIRECT_FILE_PAGES];
	unsigned int i;
	ssize_t n;
	int err;

	(void)step;
	if (p->opt->pages > DIRECT_FILE_PAGES)
		return -EINVAL;
	/* The same page again and again: --verify-data is not for this mode. */
	memset(p->partner.buf, 0x5a, p->fs->page);
	for (i = 0; i < p->opt->pages; i++)
		iov[i] = (struct iovec){ p->partner.buf, p->fs->page };
	start = now_ns();
	n = pwritev(p->file.direct, iov, (int)i, 0);
	err = n < 0 ? -errno : n < (ssize_t)len ? -ENOSPC : 0;
	record(p, &p->partner, OP_DIRECT_WRITE, start, now_ns(), 0, len, err);
	return err;
}

/* Bytes inside one block: the kernel allocates the block that they are an edge of. */
static int zero_inside_block(struct pair *p, unsigned int step)
{
	return do_fallocate(p, &p->partner, OP_ZERO_RANGE, FALLOC_FL_ZERO_RANGE,
			    (uint64_t)step * p->fs->page + PATTERN_HOLE,
			    PATTERN_HOLE_END - PATTERN_HOLE);
}

static int zero_page(struct pair *p, unsigned int step)
{
	return do_fallocate(p, &p->partner, OP_ZERO_RANGE, FALLOC_FL_ZERO_RANGE,
			    (uint64_t)step * p->fs->page, p->fs->page);
}

static int punch_page(struct pair *p, unsigned int step)
{
	return do_fallocate(p, &p->partner, OP_PUNCH_HOLE,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (uint64_t)step * p->fs->page, p->fs->page);
}

/* Everything that looks blocks up without allocating: read, and the search for data. */
static int read_page(struct pair *p, unsigned int step)
{
	uint64_t from = (uint64_t)step * p->fs->page, start = now_ns();
	int err = 0;

	if (pread(p->file.fd, p->partner.buf, p->fs->page, (off_t)from) < 0)
		err = -errno;
	if (!err && lseek(p->file.fd, (off_t)from, SEEK_DATA) < 0 && errno != ENXIO)
		err = -errno;
	record(p, &p->partner, OP_READ, start, now_ns(), from, from + p->fs->page, err);
	return err;
}

const struct mode modes[] = {
	{ "fallocate", "faults against fallocate of the same pages", 0, 256, 1, "race-fault",
	  "race-alloc", NULL, store_page, fallocate_page },
	{ "processes", "the same from several processes", 0, 256, 4, "race-fault", "race-alloc",
	  NULL, store_page, fallocate_page },
	{ "whole-file", "one fallocate of a file of many holes while they are faulted",
	  MODE_ONCE | MODE_EVEN, 8, 1, "race-fault", "race-alloc", allocate_odd_pages,
	  store_even_page, fallocate_file },
	{ "direct", "faults against O_DIRECT writes", MODE_DIRECT, 16, 1, "race-fault",
	  "race-alloc", NULL, store_page, write_direct },
	{ "direct-file", "one O_DIRECT write of a file of many holes while they are faulted",
	  MODE_DIRECT | MODE_ONCE | MODE_EVEN, 32, 1, "race-fault", "race-alloc",
	  allocate_odd_pages, store_even_page, write_direct_file },
	{ "zero-range", "faults against ZERO_RANGE inside a block", 0, 256, 1, "race-fault",
	  "race-alloc", NULL, store_page, zero_inside_block },
	{ "ctl-disjoint", "faults and fallocate on different pages", MODE_CONTROL | MODE_EVEN, 256,
	  1, "race-fault", "race-alloc", NULL, store_even_page, fallocate_odd_page },
	{ "ctl-buffered", "buffered writes against fallocate", MODE_CONTROL, 256, 1, "race-write",
	  "race-alloc", NULL, write_page, fallocate_page },
	{ "ctl-zero-aligned", "faults against block aligned ZERO_RANGE",
	  MODE_CONTROL | MODE_MAY_ZERO, 256, 1, "race-fault", "race-alloc", NULL, store_page,
	  zero_page },
	{ "ctl-punch", "faults against PUNCH_HOLE", MODE_CONTROL | MODE_MAY_ZERO, 256, 1,
	  "race-fault", "race-punch", NULL, store_page, punch_page },
	{ "ctl-delayed", "fallocate over blocks that are delayed already",
	  MODE_CONTROL | MODE_AFTER, 256, 1, "race-fault", "race-alloc", NULL, store_page,
	  fallocate_page },
	{ "ctl-read", "faults against readers", MODE_CONTROL, 256, 1, "race-fault", "race-read",
	  NULL, store_page, read_page },
	{ .name = "count",
	  .says = "delay an exactly known number of blocks, no race",
	  .flags = MODE_CONTROL,
	  .pages = 256,
	  .processes = 1 },
	{ .name = NULL },
};

const struct mode *mode_find(const char *name)
{
	const struct mode *m;

	for (m = modes; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

unsigned int mode_steps(const struct mode *m, unsigned int pages)
{
	return m->flags & MODE_EVEN ? pages / 2 : pages;
}

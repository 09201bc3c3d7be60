// SPDX-License-Identifier: GPL-2.0-only
/* The log of what each thread did, kept in memory until the race is over. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "race.h"

#define CHUNK_RECORDS 8192
/* 16 chunks are 5 MiB; a log must not be what runs the guest out of memory. */
#define MAX_RECORDS (4UL * 1024 * 1024)

struct opchunk {
	struct opchunk *next;
	unsigned int used;
	struct oprec rec[CHUNK_RECORDS];
};

static const char *const op_names[] = {
	[OP_FALLOCATE] = "fallocate",
	[OP_ZERO_RANGE] = "zero_range",
	[OP_DIRECT_WRITE] = "direct_write",
	[OP_FAULT] = "fault",
	[OP_WRITE] = "write",
	[OP_PUNCH_HOLE] = "punch_hole",
	[OP_READ] = "read",
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int add_chunk(struct oplog *log)
{
	struct opchunk *c;

	/* Populated: a minor fault of ours inside the race would blunt it. */
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c == MAP_FAILED)
		return -errno;
	if (log->last)
		log->last->next = c;
	else
		log->first = c;
	log->last = c;
	return 0;
}

/* Make room for the next file's records while nothing races. */
int oplog_reserve(struct oplog *log, unsigned int records)
{
	if (!log->on || log->total >= MAX_RECORDS)
		return 0;
	if (log->last && CHUNK_RECORDS - log->last->used >= records)
		return 0;
	return add_chunk(log);
}

void oplog_add(struct oplog *log, const struct oprec *rec)
{
	struct opchunk *c = log->last;

	if (!log->on)
		return;
	if (log->total >= MAX_RECORDS || !c || (c->used == CHUNK_RECORDS && add_chunk(log))) {
		log->dropped++;
		return;
	}
	c = log->last;
	c->rec[c->used++] = *rec;
	log->total++;
}

int oplog_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void put_record(FILE *f, const struct oplog *log, const struct oprec *r, const char *dev)
{
	fprintf(f,
		"{\"op\":\"%s\",\"pid\":%d,\"tid\":%d,\"comm\":\"%s\",\"dev\":\"%s\","
		"\"ino\":%u,\"generation\":%u,\"lblk\":%u,\"len\":%u,"
		"\"start_ns\":%llu,\"end_ns\":%llu,\"err\":%d}\n",
		op_names[r->op], getpid(), log->tid, log->comm, dev, r->ino, r->generation, r->lblk,
		r->len, (unsigned long long)r->start_ns, (unsigned long long)r->end_ns, r->err);
}

int oplog_dump(const struct oplog *log, const char *path, const char *dev)
{
	const struct opchunk *c;
	unsigned int i;
	FILE *f;
	int err = 0;

	f = fopen(path, "ae");
	if (!f)
		return -errno;
	/* Several processes append here, each a whole thread at a time. */
	if (flock(fileno(f), LOCK_EX))
		err = -errno;
	for (c = log->first; c && !err; c = c->next) {
		for (i = 0; i < c->used; i++)
			put_record(f, log, &c->rec[i], dev);
		if (ferror(f))
			err = -EIO;
	}
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

void oplog_free(struct oplog *log)
{
	struct opchunk *c, *next;

	for (c = log->first; c; c = next) {
		next = c->next;
		munmap(c, sizeof(*c));
	}
	memset(log, 0, sizeof(*log));
}

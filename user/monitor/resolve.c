// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/counts.h"
#include "host/ksyms.h"
#include "monitor/resolve.h"

#define NSEC_PER_SEC 1000000000LL
#define PATH_CACHE   64		  /* a racing file has many events in a row */
#define PATH_AGE_NS  NSEC_PER_SEC /* it may have been renamed since */

struct path_entry {
	uint64_t ino;
	unsigned int dev;
	uint32_t generation;
	bool used;
	uint64_t time_ns; /* of the event that it was looked up for */
	char *path;	  /* NULL: it cannot be had */
};

struct stack_names {
	char text[E4R_STACK_DEPTH][128];
	const char *v[E4R_STACK_DEPTH];
	size_t n;
};

struct resolver {
	struct ksyms *ksyms; /* NULL until a stack is named */
	struct path_entry cache[PATH_CACHE];
	struct stack_names fault, alloc;
};

struct resolver *resolver_new(void)
{
	return calloc(1, sizeof(struct resolver));
}

void resolver_forget_paths(struct resolver *res)
{
	size_t i;

	for (i = 0; i < PATH_CACHE; i++)
		free(res->cache[i].path);
	memset(res->cache, 0, sizeof(res->cache));
}

void resolver_forget_symbols(struct resolver *res)
{
	ksyms_free(res->ksyms);
	res->ksyms = NULL;
}

void resolver_free(struct resolver *res)
{
	if (!res)
		return;
	resolver_forget_paths(res);
	resolver_forget_symbols(res);
	free(res);
}

struct timespec realtime_of(uint64_t monotonic_ns)
{
	struct timespec real, mono;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	ns = real.tv_sec * NSEC_PER_SEC + real.tv_nsec -
	     (mono.tv_sec * NSEC_PER_SEC + mono.tv_nsec) + (int64_t)monotonic_ns;
	return (struct timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
}

/* now_ns may be a little before time_ns: several CPUs send events. */
static bool is_fresh(const struct path_entry *entry, uint64_t now_ns)
{
	return now_ns < entry->time_ns + PATH_AGE_NS;
}

static const char *path_of(struct resolver *res, const struct mount *mount,
			   const struct e4r_event *ev)
{
	struct path_entry *entry = &res->cache[ev->ino % PATH_CACHE];
	char path[PATH_MAX];

	if (!mount)
		return NULL;
	if (entry->used && entry->ino == ev->ino && entry->dev == ev->dev &&
	    entry->generation == ev->generation && is_fresh(entry, ev->time_ns))
		return entry->path;
	free(entry->path);
	*entry = (struct path_entry){ .ino = ev->ino,
				      .dev = ev->dev,
				      .generation = ev->generation,
				      .used = true,
				      .time_ns = ev->time_ns };
	if (!path_of_inode(mount, ev->ino, ev->generation, path, sizeof(path)))
		entry->path = strdup(path);
	return entry->path;
}

static void name_stack(struct resolver *res, const struct detector *det, int id,
		       struct stack_names *names)
{
	uint64_t addrs[E4R_STACK_DEPTH];
	size_t i;

	names->n = 0;
	if (id < 0)
		return;
	if (!res->ksyms)
		res->ksyms = ksyms_load();
	if (!res->ksyms)
		return;
	names->n = detector_stack(det, id, addrs, E4R_STACK_DEPTH);
	for (i = 0; i < names->n; i++)
		names->v[i] = ksyms_name(res->ksyms, addrs[i], names->text[i],
					 sizeof(names->text[i]));
}

static enum report_type type_of(unsigned int type)
{
	switch (type) {
	case E4R_AVERTED:
		return REPORT_AVERTED;
	case E4R_NEAR_MISS:
		return REPORT_NEAR_MISS;
	case E4R_LEAK:
		return REPORT_LEAK;
	default:
		return REPORT_OVERWRITE;
	}
}

void resolver_report(struct resolver *res, const struct mounts *mounts, const struct detector *det,
		     const struct e4r_event *ev, struct race_info *info, struct report *report)
{
	const struct mount *mount = mounts_find(mounts, ev->dev);

	memset(info, 0, sizeof(*info));
	info->ev = ev;
	info->mount = mount ? mount->point : NULL;
	report->type = type_of(ev->type);
	report->time = realtime_of(ev->time_ns);
	report->race = info;
	if (ev->type == E4R_LEAK) /* the inode is gone */
		return;
	info->path = path_of(res, mount, ev);
	name_stack(res, det, ev->stack, &res->fault);
	info->fault_stack = res->fault.v;
	info->n_fault_stack = res->fault.n;
	if (!(ev->flags & E4R_F_ALLOCATOR))
		return;
	name_stack(res, det, ev->alloc.stack, &res->alloc);
	info->alloc_stack = res->alloc.v;
	info->n_alloc_stack = res->alloc.n;
}

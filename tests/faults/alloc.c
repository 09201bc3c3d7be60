// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded: one allocation fails. Which one is told by the way that leads to it, the
 * innermost frames, so that each of them fails once however often it is taken, and so that
 * threads do not change what comes next. Needs addresses that are the same in every run.
 *
 *   FAULT_LOG=FILE		a line for every way not seen before: its number in hex
 *   FAULT_WAY=NUMBER	fails at the first allocation on that way; to FAULT_LOG goes the way
 *
 * Allocations before main(), and those of the loader, are not counted: they are not the
 * program's. At the constructor's end a prctl() says so to who watches the system calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "faults.h"

#define DEPTH 10
#define SLOTS 65536 /* ways that can be told apart */

static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t n, size_t size);
static void *(*real_realloc)(void *old, size_t size);
static int (*real_posix_memalign)(void **to, size_t align, size_t size);

static bool armed;
static int log_fd = -1;
static uint64_t wanted;
static uint64_t seen[SLOTS];
static _Thread_local bool inside; /* what is called here allocates too */

/* dlsym() wants memory before there is any. */
static char early[8192];
static size_t early_used;

static void *early_alloc(size_t size)
{
	void *at = early + early_used;

	early_used += (size + 15) & ~(size_t)15;
	if (early_used > sizeof(early))
		abort();
	return at;
}

static bool is_early(const void *at)
{
	return (const char *)at >= early && (const char *)at < early + sizeof(early);
}

static void resolve(void)
{
	static bool resolving;

	if (resolving)
		return;
	resolving = true;
	*(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
}

__attribute__((constructor)) static void begin(void)
{
	const char *log = getenv("FAULT_LOG"), *way = getenv("FAULT_WAY");
	void *frame[DEPTH];

	if (!real_malloc)
		resolve();
	/* Loads what it needs. */
	backtrace(frame, DEPTH);
	if (log)
		log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	/* No number that the program's own files would have. */
	if (log_fd >= 0) {
		int high = fcntl(log_fd, F_DUPFD_CLOEXEC, 500);

		close(log_fd);
		log_fd = high;
	}
	wanted = way ? strtoull(way, NULL, 16) : 0;
	unsetenv("LD_PRELOAD");
	prctl(FAULTS_BEGIN, 0, 0, 0, 0);
	__atomic_store_n(&armed, log_fd >= 0, __ATOMIC_RELEASE);
}

static uint64_t number_of(void *const *frame, int n)
{
	uint64_t number = 14695981039346656037ULL;
	int i;

	/* The first two are those of this file. */
	for (i = 2; i < n; i++)
		number = (number ^ (uintptr_t)frame[i]) * 1099511628211ULL;
	return number ? number : 1;
}

static bool is_new(uint64_t number)
{
	size_t i, at = number % SLOTS;
	uint64_t none;

	for (i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
		none = 0;
		if (__atomic_compare_exchange_n(&seen[at], &none, number, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
		if (none == number)
			return false;
	}
	return false;
}

/* Has this one to fail? */
static __attribute__((noinline)) bool fails(void)
{
	void *frame[DEPTH];
	uint64_t number;
	char line[32];
	bool fail;
	int n;

	if (!__atomic_load_n(&armed, __ATOMIC_ACQUIRE) || inside)
		return false;
	inside = true;
	n = backtrace(frame, DEPTH);
	number = number_of(frame, n);
	fail = number == wanted && is_new(number);
	if (fail) {
		backtrace_symbols_fd(frame + 2, n - 2, log_fd);
	} else if (!wanted && is_new(number)) {
		n = snprintf(line, sizeof(line), "%016llx\n", (unsigned long long)number);
		if (write(log_fd, line, (size_t)n) < 0)
			abort();
	}
	inside = false;
	if (fail)
		errno = ENOMEM;
	return fail;
}

void *malloc(size_t size)
{
	if (!real_malloc)
		resolve();
	if (!real_malloc)
		return early_alloc(size);
	return fails() ? NULL : real_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	if (!real_calloc)
		resolve();
	if (!real_calloc)
		return early_alloc(n * size);
	return fails() ? NULL : real_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	void *now;

	if (!real_realloc)
		resolve();
	if (is_early(old)) {
		now = malloc(size);
		if (now)
			memcpy(now, old, size);
		return now;
	}
	/* Smaller never fails. */
	return size && fails() ? NULL : real_realloc(old, size);
}

int posix_memalign(void **to, size_t align, size_t size)
{
	if (!real_posix_memalign)
		resolve();
	return fails() ? ENOMEM : real_posix_memalign(to, align, size);
}

void free(void *at)
{
	static void (*real_free)(void *);

	if (!real_free)
		*(void **)&real_free = dlsym(RTLD_NEXT, "free");
	if (at && !is_early(at))
		real_free(at);
}

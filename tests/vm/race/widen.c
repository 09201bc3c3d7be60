// SPDX-License-Identifier: GPL-2.0-only
/*
 * widen NAME USEC: keeps the thread of that name waiting USEC microseconds after its lookups
 * that see a hole, again and again, until it ends. With provoke's own BPF program, which
 * spins where i_data_sem is not held: a direct write has then not only allocated the block
 * but also written it, so that the victim's insert finds a WRITTEN extent. That is rare
 * otherwise.
 */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "widen.skel.h"

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000ULL + (unsigned long long)ts.tv_nsec;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static int is_called(const char *task, const char *name)
{
	char path[700], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/comm", task);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = 0;
	fclose(file);
	comm[strcspn(comm, "\n")] = 0;
	return !strcmp(comm, name);
}

/* A thread of that name in the process, 0 if there is none. */
static unsigned int thread_of(const char *process, const char *name)
{
	char path[300], task[600];
	struct dirent *entry;
	unsigned int tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/task", process);
	dir = opendir(path);
	while (dir && !tid && (entry = readdir(dir))) {
		snprintf(task, sizeof(task), "%s/%.20s", path, entry->d_name);
		if (is_called(task, name))
			tid = (unsigned int)atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return tid;
}

static unsigned int find_thread(const char *name)
{
	struct dirent *entry;
	unsigned int tid = 0;
	DIR *dir = opendir("/proc");

	while (dir && !tid && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			tid = thread_of(entry->d_name, name);
	if (dir)
		closedir(dir);
	return tid;
}

int main(int argc, char **argv)
{
	unsigned long long until = now_ns() + 60000000000ULL;
	struct widen_bpf *skel;
	unsigned int tid;
	char path[64];

	if (argc != 3)
		errx(64, "usage: widen NAME USEC");
	skel = widen_bpf__open();
	if (!skel)
		err(1, "widen");
	skel->rodata->cfg_delay_ns = strtoull(argv[2], NULL, 10) * 1000;
	skel->rodata->cfg_total_ns = ~0ULL >> 1;
	skel->rodata->cfg_stale_ns = 1000000000ULL;
	if (widen_bpf__load(skel) || widen_bpf__attach(skel))
		err(1, "widen");
	while (!(tid = find_thread(argv[1]))) {
		if (now_ns() > until)
			errx(1, "there is no thread %s", argv[1]);
		nap();
	}
	skel->data->victim_tid = tid;
	snprintf(path, sizeof(path), "/proc/%u", tid);
	while (!access(path, F_OK)) {
		skel->data->alive_ns = now_ns();
		/* Another attempt, whose first lookup waits. */
		skel->data->armed++;
		nap();
	}
	printf("{\"windows\":%llu,\"delays\":%llu}\n", skel->bss->windows, skel->bss->delays);
	widen_bpf__destroy(skel);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs in the kernel, and empty ones beside them. Whatever fails ends the bench. */
#ifndef EXT4RACE_BENCH_PROGS_H
#define EXT4RACE_BENCH_PROGS_H

#include <bpf/bpf.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROGS_MAX 32

struct prog {
	char name[64];
	char hook[64]; /* the program's whole name; empty: no empty program stands beside it */
	int fd;
	unsigned long long ns, runs;
};

struct empties {
	struct bpf_object *obj;
	struct bpf_link *links[PROGS_MAX];
	int n_links;
	struct prog progs[PROGS_MAX]; /* in the order of those they stand beside */
};

void prog_info(int fd, struct bpf_prog_info *info);

/* File descriptors of the programs that a process holds; at most max. The caller closes them. */
int prog_fds_of(pid_t pid, int *fds, int max);

/* Programs that a process holds, at most PROGS_MAX; returns how many. */
int progs_of(pid_t pid, struct prog *progs);
void close_progs(struct prog *progs, int n);

/* The empty program of the same name, where the kernel cuts names off, is on the same hook. */
bool same_hook(const char *a, const char *b);

/* An empty program of file on every hook that one of progs is on. */
void empties_attach(struct empties *e, const char *file, const struct prog *progs, int n);
void empties_detach(struct empties *e);

#endif /* EXT4RACE_BENCH_PROGS_H */

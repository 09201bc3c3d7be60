/* SPDX-License-Identifier: GPL-2.0-only */
/* What would be taken instead of the monitor. Whatever fails ends the bench. */
#ifndef EXT4RACE_BENCH_PEERS_H
#define EXT4RACE_BENCH_PEERS_H

#include <stdbool.h>
#include <sys/types.h>

#define PEERS_MAX 4

struct peer {
	const char *path, *name;
	pid_t pid;
	int out;
};

/* False, and what it said on standard error, when it does not run here. */
bool peer_start(struct peer *peer);
void peer_end(struct peer *peer);

/* Fills peers with those of paths that run here, and returns how many they are. */
int peers_of(struct peer *peers, char **paths, int n_paths);

#endif /* EXT4RACE_BENCH_PEERS_H */

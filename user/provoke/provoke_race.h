/* SPDX-License-Identifier: GPL-2.0-only */
/* The race on purpose, on files without a name: nothing is left behind however it ends. */
#ifndef EXT4RACE_PROVOKE_RACE_H
#define EXT4RACE_PROVOKE_RACE_H

#include <stdbool.h>

struct provoke_probe;
struct race;

struct race_config {
	int dir;		     /* fd of the directory; the caller's */
	struct provoke_probe *probe; /* the caller's */
	bool widen;		     /* the allocator waits for the window, it does not aim at it */
	/* How many blocks may leak from now on; asked before each file, by the victim's thread. */
	unsigned long long (*may_leak)(void *arg);
	/* Blocks that have collided so far: aiming learns from them. The victim's thread, too. */
	unsigned long long (*hits)(void *arg);
	void *arg;
};

struct race_result {
	unsigned long long attempts, files;
	const char *stopped; /* why it ended by itself ("max_leak", "no_space"), or NULL */
	int err;	     /* negative errno when it could not go on, or 0 */
};

/* Starts the two threads. 0 or negative errno. After 0 the caller stops it. */
int race_start(struct race **race, const struct race_config *config);
/* Attempts so far. */
unsigned long long race_attempts(const struct race *race);
/* The race's own fd, readable (POLLIN) once it has ended by itself. */
int race_fd(const struct race *race);
/* Ends it, waits for the threads and frees. No file is left afterwards. */
void race_stop(struct race *race, struct race_result *result);

#endif /* EXT4RACE_PROVOKE_RACE_H */

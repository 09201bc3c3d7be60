/* SPDX-License-Identifier: GPL-2.0-only */
/* The race on purpose, on files without a name: nothing is left behind however it ends. */
#ifndef EXT4RACE_PROVOKE_H
#define EXT4RACE_PROVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the probe: what the kernel showed to our own fault thread ---- */

struct provoke_probe;

struct provoke_counts {
	unsigned long long windows; /* faults whose first lookup saw a hole */
	unsigned long long averted; /* of these: the second lookup saw a mapping */
	unsigned long long delays, delayed_ns;
	unsigned long long refused; /* delays not made: the total was used up, or we hung */
	unsigned long long unreadable;
};

struct provoke_probe_config {
	uint64_t delay_ns; /* longest delay of one fault; 0: none */
	uint64_t total_ns; /* of all delays together */
	bool verbose;
};

/* Loads and attaches; does nothing yet. 0, or negative errno and one line in why. */
int provoke_probe_open(struct provoke_probe **probe, const struct provoke_probe_config *config,
		       char *why, size_t why_size);
/* Detaches at once, which ends every delay, and frees; NULL is fine. */
void provoke_probe_close(struct provoke_probe *probe);
/* Makes the calling thread the victim. */
void provoke_probe_watch_me(struct provoke_probe *probe);
/* The victim's next access is attempt n (from 1); 0: none. */
void provoke_probe_arm(struct provoke_probe *probe, uint64_t n);
/* The attempt that is between its first lookup and the insert, or was last. */
uint64_t provoke_probe_in_window(const struct provoke_probe *probe);
/* Attempt n's allocation is done: its delay ends. */
void provoke_probe_allocated(struct provoke_probe *probe, uint64_t n);
/* We are alive: without this every so often there are no delays. */
void provoke_probe_heartbeat(struct provoke_probe *probe);
void provoke_probe_counts(const struct provoke_probe *probe, struct provoke_counts *counts);

/* ---- the race ---- */

struct race;

struct race_config {
	int dir; /* fd of the directory */
	struct provoke_probe *probe;
	bool widen; /* the allocator waits for the window instead of aiming at it */
	/* Blocks that may still leak; asked before each file. */
	unsigned long long (*may_leak)(void *arg);
	/* Collisions so far, in blocks: what aiming learns from. */
	unsigned long long (*hits)(void *arg);
	void *arg;
};

struct race_result {
	unsigned long long attempts, files;
	const char *stopped; /* why it ended by itself, or NULL */
	int err;	     /* negative errno when it could not go on */
};

/* Starts two threads. 0 or negative errno. */
int race_start(struct race **race, const struct race_config *config);
/* Readable once the race has ended by itself. */
int race_fd(const struct race *race);
/* Ends it, waits for the threads and frees; every file is gone afterwards. */
void race_stop(struct race *race, struct race_result *result);

#endif /* EXT4RACE_PROVOKE_H */

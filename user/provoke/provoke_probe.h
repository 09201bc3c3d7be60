/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel shows to our own fault thread, the victim, and the delay that --widen
 * asks for: bpf/widen.bpf.c.
 */
#ifndef EXT4RACE_PROVOKE_PROBE_H
#define EXT4RACE_PROVOKE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct provoke_probe;

struct provoke_counts {
	unsigned long long windows; /* faults whose first lookup saw a hole */
	unsigned long long averted; /* of these: the second lookup saw a mapping */
	unsigned long long delays, delayed_ns;
	unsigned long long unreadable; /* lookups whose entry could not be read */
};

struct provoke_probe_config {
	uint64_t delay_ns; /* longest delay of one fault; 0: none */
	uint64_t total_ns; /* longest sum of all delays */
	bool verbose;
};

/* Loads and attaches; watches nobody yet. 0, or negative errno and one line in why. */
int provoke_probe_open(struct provoke_probe **probe, const struct provoke_probe_config *config,
		       char *why, size_t why_size);
/* Detaches at once, which ends every delay, and frees; NULL is fine. */
void provoke_probe_close(struct provoke_probe *probe);
/* Makes the calling thread the victim. */
void provoke_probe_watch_me(struct provoke_probe *probe);
/* Until the next call the victim's accesses belong to attempt n (from 1); 0: to none. */
void provoke_probe_arm(struct provoke_probe *probe, uint64_t n);
/* The last attempt whose first lookup saw a hole: it may be in its window still. */
uint64_t provoke_probe_in_window(const struct provoke_probe *probe);
/* The allocation of attempt n is done: its delay ends. */
void provoke_probe_allocated(struct provoke_probe *probe, uint64_t n);
/* This process is alive. Half a second after the last heartbeat delays end. */
void provoke_probe_heartbeat(struct provoke_probe *probe);
void provoke_probe_counts(const struct provoke_probe *probe, struct provoke_counts *counts);

#endif /* EXT4RACE_PROVOKE_PROBE_H */

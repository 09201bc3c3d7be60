/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kretprobe with room for many calls at once. The kernel keeps a place for each call
 * that has not returned, by default as many as there are CPUs (register_kretprobe()), and
 * misses the return of any call beyond. Page faults sleep, so that many more of them wait
 * at once. Only tracefs lets us ask for another number of places.
 */
#ifndef EXT4RACE_RETURN_PROBE_H
#define EXT4RACE_RETURN_PROBE_H

#include <bpf/libbpf.h>
#include <stddef.h>

/* Calls that may wait at once. A place takes about a hundred bytes in the kernel. */
#define RETURN_PROBE_CALLS 1024

struct return_probe {
	char event[64]; /* its name in tracefs; empty: there is none */
};

/*
 * Removes from tracefs what processes left there that were killed. Called before the first
 * return_probe_attach(), and where no return probe is wanted, too. Does nothing where tracefs
 * cannot be read.
 */
void return_probes_sweep(void);

/*
 * Attaches prog (of type kprobe) to the return of function. The caller destroys the link, then
 * says return_probe_remove(). NULL, with errno and one line in why, when tracefs refuses;
 * nothing is left there then.
 */
struct bpf_link *return_probe_attach(struct return_probe *probe, const struct bpf_program *prog,
				     const char *function, char *why, size_t why_size);

/* Removes it from tracefs; the link must be destroyed before. */
void return_probe_remove(struct return_probe *probe);

#endif /* EXT4RACE_RETURN_PROBE_H */

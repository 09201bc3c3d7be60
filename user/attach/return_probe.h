/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kretprobe with room for many calls at once. The kernel keeps a place for each call
 * that has not returned: as many as there are CPUs, unless it is told otherwise
 * (register_kretprobe()), and misses the return of any call beyond. A page fault sleeps
 * on its way, so that far more than that wait. Only tracefs takes another number.
 */
#ifndef EXT4RACE_RETURN_PROBE_H
#define EXT4RACE_RETURN_PROBE_H

#include <bpf/libbpf.h>
#include <stddef.h>

/* Calls that may wait at once; a place takes about a hundred bytes of the kernel's. */
#define RETURN_PROBE_CALLS 1024

struct return_probe {
	char event[64]; /* its name in tracefs, empty: none */
};

/*
 * Attaches prog (of type kprobe) to the return of function. NULL, errno and one line in
 * why when tracefs does not let it; nothing is left there then. What a process that was
 * killed has left behind is removed first.
 */
struct bpf_link *return_probe_attach(struct return_probe *probe, const struct bpf_program *prog,
				     const char *function, char *why, size_t why_size);

/* After the link was destroyed. */
void return_probe_remove(struct return_probe *probe);

#endif /* EXT4RACE_RETURN_PROBE_H */

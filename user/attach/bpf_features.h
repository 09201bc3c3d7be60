/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's BPF can do: found by trying, never by a version. */
#ifndef EXT4RACE_BPF_FEATURES_H
#define EXT4RACE_BPF_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the kernel needs the objects that are built with E4R_OLD: it has no ring buffer
 * (5.8), or no maps that can be mapped (5.5). See bpf/maps.bpf.h.
 */
bool bpf_is_old(void);

/*
 * Whether any object can be loaded at all. 0, or -EOPNOTSUPP and one line in why that says
 * what is missing: global data (5.2) or loops (5.3). A kernel that refuses BPF for another reason
 * is taken for possible: loading then says that reason.
 */
int bpf_possible(char *why, size_t why_size);

#endif /* EXT4RACE_BPF_FEATURES_H */

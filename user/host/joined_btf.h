/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BTF of the kernel and of a module in one. libbpf takes a module's types from where the
 * kernel has them only with CAP_SYS_ADMIN (BPF_BTF_GET_NEXT_ID and BPF_BTF_GET_FD_BY_ID ask for
 * it). The files of /sys/kernel/btf can be read by everybody.
 */
#ifndef EXT4RACE_JOINED_BTF_H
#define EXT4RACE_JOINED_BTF_H

#include <stdbool.h>

/* False if this process may not look for the BTF of modules by id. */
bool joined_btf_is_superfluous(void);
/*
 * base and module are files of /sys/kernel/btf. A file in memory, which the caller closes, or
 * negative errno; -EINVAL: one of them is no BTF.
 */
int joined_btf_open(const char *base, const char *module);

#endif /* EXT4RACE_JOINED_BTF_H */

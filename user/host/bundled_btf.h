/* SPDX-License-Identifier: GPL-2.0-only */
/* BTF of ext4 for kernels that have none, inside the program: the files of btf/. */
#ifndef EXT4RACE_BUNDLED_BTF_H
#define EXT4RACE_BUNDLED_BTF_H

/*
 * The BTF of exactly this kernel release as a file in memory, for a loader that wants a
 * path: /proc/self/fd/N. The caller closes it. -ENOENT when there is none, or -errno.
 */
int bundled_btf_open(const char *release);

#endif /* EXT4RACE_BUNDLED_BTF_H */

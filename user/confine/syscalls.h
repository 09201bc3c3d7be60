/* SPDX-License-Identifier: GPL-2.0-only */
/* The system calls that a watching monitor makes; the kernel refuses all others. */
#ifndef EXT4RACE_SYSCALLS_H
#define EXT4RACE_SYSCALLS_H

#include <stdbool.h>

/*
 * For all threads of the process, and needs no_new_privs. kprobes: perf events can be
 * opened, to attach kprobes again. terminal: a status line is drawn on one. 0; -ENOSYS where the
 * kernel has no such filters; or another negative errno.
 */
int syscalls_limit(bool kprobes, bool terminal);

#endif /* EXT4RACE_SYSCALLS_H */

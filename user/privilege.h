/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities: what is not needed any more is given up once all is attached. */
#ifndef EXT4RACE_PRIVILEGE_H
#define EXT4RACE_PRIVILEGE_H

#include <stdbool.h>

/*
 * Keeps what watching needs: bpf(2) to read maps, handles to find paths, symbol
 * addresses for stacks, and any directory for syncfs. With keep_admin CAP_SYS_ADMIN can
 * be had back by privilege_admin(), but is not in effect.
 */
void privilege_drop(bool keep_admin);
/* Puts CAP_SYS_ADMIN into effect, or out of it again; nothing where it was not kept. */
void privilege_admin(bool on);
/*
 * Whether making a kprobe takes CAP_SYS_ADMIN: kernel.perf_event_paranoid above 2, which
 * Debian's and Ubuntu's kernels have by default.
 */
bool privilege_kprobes_need_admin(void);

#endif /* EXT4RACE_PRIVILEGE_H */

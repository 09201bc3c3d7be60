/* SPDX-License-Identifier: GPL-2.0-only */
/* What bpf/verify.bpf.c and user/verify_behaviour.c share. */
#ifndef EXT4RACE_LOOKUPS_H
#define EXT4RACE_LOOKUPS_H

/* Values of watch_tid beside a thread's id as the initial namespace has it. */
#define VERIFY_NOBODY  0U
#define VERIFY_ANYBODY 0xffffffffU

/* Lookups a delayed insert; the last slot takes what is more. */
#define VERIFY_LOOKUPS_MAX 8

/* Longest function text that is read in one go, a power of two. */
#define VERIFY_TEXT_MAX 16384

#endif /* EXT4RACE_LOOKUPS_H */

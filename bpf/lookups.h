/* SPDX-License-Identifier: GPL-2.0-only */
/* What bpf/verify.bpf.c and user/verify/verify_probe.h share. */
#ifndef EXT4RACE_LOOKUPS_H
#define EXT4RACE_LOOKUPS_H

/* watch_tid is a thread's id in the initial namespace, or one of these. */
#define VERIFY_NOBODY  0U
#define VERIFY_ANYBODY 0xffffffffU

/* Slots for the number of lookups before an insert: 0, 1, ...; the last one: or more. */
#define VERIFY_LOOKUPS_MAX 8

/* The longest function that is read in one go, in bytes. */
#define VERIFY_CODE_MAX 16384

#endif /* EXT4RACE_LOOKUPS_H */

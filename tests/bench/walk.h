/* SPDX-License-Identifier: GPL-2.0-only */
/* What walk.bpf.c counts, and what it is told. */
#ifndef EXT4RACE_WALK_H
#define EXT4RACE_WALK_H

struct walk {
	unsigned int pid;    /* whose lookups */
	unsigned int astray; /* ask for so many blocks further: must not agree */
	unsigned int lblk;   /* of the lookup under way */
	unsigned int pad;
	unsigned long long mapped, others, missing; /* lookups, by the kernel's answer */
	unsigned long long wrong, unreadable;	    /* answers, two a lookup */
};

#endif /* EXT4RACE_WALK_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command's exit status means. */
#ifndef EXT4RACE_EXIT_STATUS_H
#define EXT4RACE_EXIT_STATUS_H

/* 0, 2 and 3 are Nagios' OK, CRITICAL and UNKNOWN. */
enum exit_status {
	EXIT_OK = 0,	     /* no race seen; fixed */
	EXIT_CANNOT = 1,     /* permission, kernel, I/O */
	EXIT_RACE = 2,	     /* race seen with --fail-on-race; vulnerable; overwritten */
	EXIT_UNKNOWN = 3,    /* unknown, inconclusive, evidence lost */
	EXIT_BAD_USAGE = 64, /* EX_USAGE */
};

#endif /* EXT4RACE_EXIT_STATUS_H */

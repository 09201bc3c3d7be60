/* SPDX-License-Identifier: GPL-2.0-only */
/* SIGHUP, SIGINT and SIGTERM, by which people and service managers give orders. */
#ifndef EXT4RACE_SIGNALS_H
#define EXT4RACE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* The three of them. */
void signals_all(sigset_t *set);
/*
 * From now on they wait until somebody takes them, in this thread and those it starts.
 * *before (may be NULL) is the mask to go back to. 0 or negative errno.
 */
int signals_block(sigset_t *before);
/* Whether SIGINT and SIGTERM end the process at once, those included that wait already. */
void signals_end_us(bool end);

#endif /* EXT4RACE_SIGNALS_H */

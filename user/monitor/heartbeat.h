/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the event loop still goes round, asked from another thread. Costs nothing unasked. */
#ifndef EXT4RACE_HEARTBEAT_H
#define EXT4RACE_HEARTBEAT_H

#include <stdbool.h>

struct heartbeat;
struct loop;

/* Answers in loop's turn. 0 or negative errno. */
int heartbeat_new(struct heartbeat **hb, struct loop *loop);
/* The loop has to be gone, or not to run again. NULL is fine. */
void heartbeat_free(struct heartbeat *hb);
/* Waits for an answer for so many milliseconds at most. Any thread but the loop's. */
bool heartbeat_ask(struct heartbeat *hb, unsigned int msec);

#endif /* EXT4RACE_HEARTBEAT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks from another thread whether the event loop still goes round. Costs nothing until then. */
#ifndef EXT4RACE_HEARTBEAT_H
#define EXT4RACE_HEARTBEAT_H

#include <stdbool.h>

struct heartbeat;
struct loop;

/* loop answers from now on. 0 or negative errno. */
int heartbeat_new(struct heartbeat **hb, struct loop *loop);
/* Only once the loop does not run any more. NULL is fine. */
void heartbeat_free(struct heartbeat *hb);
/* True if loop answers within msec milliseconds. Any thread but the loop's, which would wait. */
bool heartbeat_ask(struct heartbeat *hb, unsigned int msec);

#endif /* EXT4RACE_HEARTBEAT_H */

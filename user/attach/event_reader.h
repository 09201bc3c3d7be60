/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How events come from the kernel: through a ring buffer, or through a queue where the kernel
 * has none (before 5.8). Both keep the order in which events came, whatever the CPU.
 */
#ifndef EXT4RACE_EVENT_READER_H
#define EXT4RACE_EVENT_READER_H

#include "bpf/event.h"

struct event_reader;

/*
 * Reads the events of a map, which stays the caller's; fn takes each while the caller is
 * in event_reader_consume(). 0, or negative errno; event_reader_close() frees it.
 */
int event_reader_open(struct event_reader **reader, int map_fd,
		      void (*fn)(void *arg, const struct e4r_event *ev), void *arg);
/* NULL is fine. */
void event_reader_close(struct event_reader *reader);
/* Readable when events wait. The reader's. */
int event_reader_fd(const struct event_reader *reader);
/* Hands over the events that wait, at most max of them (0: all). 0 or negative errno. */
int event_reader_consume(struct event_reader *reader, unsigned int max);

#endif /* EXT4RACE_EVENT_READER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines on their way to a reader that may be slow or may have stopped. The lines wait
 * here, so that whoever reports them does not.
 *
 * The caller itself writes a line that can be written at once, and so knows of an error
 * at once. Only for a reader that does not keep up, a thread is started. It waits for the
 * reader, and at most OUTPUT_QUEUE_BYTES wait for it.
 */
#ifndef EXT4RACE_OUTPUT_QUEUE_H
#define EXT4RACE_OUTPUT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_QUEUE_BYTES (1u << 20)

struct output_queue;

/* fd is borrowed. NULL: out of memory. */
struct output_queue *output_queue_new(int fd);
/*
 * Takes data over (allocated), one or more whole lines. 0; -EAGAIN when they are missed,
 * because there is no room for them, or because fd is a regular file that cannot be
 * written now (must: never; then the write's errno); or the negative errno of a write,
 * of these lines or of ones before, after which nothing is written any more. One thread
 * only.
 */
int output_queue_put(struct output_queue *q, char *data, size_t len, bool must);
/* Waits until all is written, as long as it takes. */
void output_queue_flush(struct output_queue *q);
/* The same, and frees q. 0, or the negative errno of a write that failed. NULL is fine. */
int output_queue_close(struct output_queue *q);

#endif /* EXT4RACE_OUTPUT_QUEUE_H */

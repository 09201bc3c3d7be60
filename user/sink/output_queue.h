/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines on their way to a reader that may be slow or may have stopped, or to a file whose
 * filesystem may not answer (fsfreeze). The lines wait here, so that whoever reports them
 * does not.
 *
 * The caller itself writes a line to a reader that takes it at once, and so knows of an error
 * at once. A thread writes to a reader that does not keep up, and to every file. At most
 * OUTPUT_QUEUE_BYTES wait for it.
 */
#ifndef EXT4RACE_OUTPUT_QUEUE_H
#define EXT4RACE_OUTPUT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_QUEUE_BYTES (1u << 20)

#define OUTPUT_STALLED "the output: a write does not end; is its filesystem frozen?"

struct output_queue;

/* fd and the counter of missed lines are borrowed. NULL: out of memory. */
struct output_queue *output_queue_new(int fd, unsigned long long *missed);
/*
 * Takes data over (allocated), one or more whole lines. 0, also when they are missed and
 * counted: there is no room for them, or fd is a regular file that cannot be written now
 * (must: never). Or the negative errno of a write, of these lines or of ones before, after
 * which nothing is written any more. One thread only.
 */
int output_queue_put(struct output_queue *q, char *data, size_t len, bool must);
/*
 * Waits until all is written, as long as a reader takes. 0, the negative errno of a write that
 * failed, or -ETIMEDOUT: a write to a file does not end.
 */
int output_queue_flush(struct output_queue *q);
/* False, and why, while a write to a file does not end. Any thread. */
bool output_queue_healthy(struct output_queue *q, char *why, size_t why_size);
/*
 * Puts the file that open(arg) returns in the place of fd, between two lines. The thread
 * opens it, where it runs: that may wait for the filesystem, too, and is waited for only a
 * second. open returns a negative number when there is none, and has said why; arg has to
 * outlive the process's last line.
 */
void output_queue_reopen(struct output_queue *q, int (*open)(const void *arg), const void *arg);
/*
 * Flushes and frees q. 0, or the negative errno of a write that failed. -ETIMEDOUT: a write
 * does not end; then fd has to stay open. NULL is fine.
 */
int output_queue_close(struct output_queue *q);

#endif /* EXT4RACE_OUTPUT_QUEUE_H */

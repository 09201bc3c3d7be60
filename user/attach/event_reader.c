// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "attach/event_reader.h"

struct event_reader {
	struct ring_buffer *ring;
	void (*fn)(void *arg, const struct e4r_event *ev);
	void *arg;
	unsigned int budget; /* events that may still be taken, 0: any number */
};

static int on_record(void *arg, void *data, size_t size)
{
	struct event_reader *reader = arg;

	if (size >= sizeof(struct e4r_event))
		reader->fn(reader->arg, data);
	/* libbpf counts this record as taken, and comes back for the next. */
	return reader->budget && !--reader->budget ? -EAGAIN : 0;
}

int event_reader_open(struct event_reader **out, int map_fd,
		      void (*fn)(void *arg, const struct e4r_event *ev), void *arg)
{
	struct event_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return -ENOMEM;
	reader->fn = fn;
	reader->arg = arg;
	reader->ring = ring_buffer__new(map_fd, on_record, reader, NULL);
	if (!reader->ring) {
		err = -errno;
		free(reader);
		return err;
	}
	*out = reader;
	return 0;
}

void event_reader_close(struct event_reader *reader)
{
	if (!reader)
		return;
	ring_buffer__free(reader->ring);
	free(reader);
}

int event_reader_fd(const struct event_reader *reader)
{
	return ring_buffer__epoll_fd(reader->ring);
}

int event_reader_consume(struct event_reader *reader, unsigned int max)
{
	int n;

	reader->budget = max;
	n = ring_buffer__consume(reader->ring);
	return n < 0 && !(max && n == -EAGAIN) ? n : 0;
}

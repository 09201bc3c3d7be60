// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "attach/event_reader.h"

/* Nothing wakes the reader of a queue, so it looks that often. */
#define QUEUE_LOOK_NS 100000000L

struct event_reader {
	struct ring_buffer *ring; /* NULL: it is a queue, and: */
	int queue;		  /* the map, the caller's */
	int timer;		  /* readable when the queue has to be looked at */
	void (*fn)(void *arg, const struct e4r_event *ev);
	void *arg;
	unsigned int budget; /* events of the ring that may still be taken, 0: any number */
};

/* ---- a ring buffer, from 5.8 on ---- */

static int on_record(void *arg, void *data, size_t size)
{
	struct event_reader *reader = arg;

	if (size >= sizeof(struct e4r_event))
		reader->fn(reader->arg, data);
	/* libbpf counts this record as taken, and comes back for the next. */
	return reader->budget && !--reader->budget ? -EAGAIN : 0;
}

static int open_ring(struct event_reader *reader, int map_fd)
{
	reader->ring = ring_buffer__new(map_fd, on_record, reader, NULL);
	return reader->ring ? 0 : -errno;
}

static int consume_ring(struct event_reader *reader, unsigned int max)
{
	int n;

	reader->budget = max;
	n = ring_buffer__consume(reader->ring);
	return n < 0 && !(max && n == -EAGAIN) ? n : 0;
}

/* ---- a queue ---- */

static int open_queue(struct event_reader *reader, int map_fd)
{
	const struct itimerspec every = { .it_interval.tv_nsec = QUEUE_LOOK_NS,
					  .it_value.tv_nsec = QUEUE_LOOK_NS };

	reader->queue = map_fd;
	reader->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (reader->timer < 0)
		return -errno;
	return timerfd_settime(reader->timer, 0, &every, NULL) ? -errno : 0;
}

static int consume_queue(const struct event_reader *reader, unsigned int max)
{
	struct e4r_event ev;
	uint64_t ticks;
	unsigned int n;

	for (n = 0; !max || n < max; n++) {
		if (bpf_map_lookup_and_delete_elem(reader->queue, NULL, &ev))
			break;
		reader->fn(reader->arg, &ev);
	}
	/* The timer stays readable as long as there may be more. */
	if (max && n == max)
		return 0;
	if (errno != ENOENT)
		return -errno;
	return read(reader->timer, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN ? -errno : 0;
}

/* ---- either ---- */

static bool is_queue(int map_fd)
{
	struct bpf_map_info info = {};
	unsigned int len = sizeof(info);

	return !bpf_obj_get_info_by_fd(map_fd, &info, &len) && info.type == BPF_MAP_TYPE_QUEUE;
}

int event_reader_open(struct event_reader **out, int map_fd,
		      void (*fn)(void *arg, const struct e4r_event *ev), void *arg)
{
	struct event_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return -ENOMEM;
	reader->timer = -1;
	reader->fn = fn;
	reader->arg = arg;
	err = is_queue(map_fd) ? open_queue(reader, map_fd) : open_ring(reader, map_fd);
	if (err) {
		event_reader_close(reader);
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
	if (reader->timer >= 0)
		close(reader->timer);
	free(reader);
}

int event_reader_fd(const struct event_reader *reader)
{
	return reader->ring ? ring_buffer__epoll_fd(reader->ring) : reader->timer;
}

int event_reader_consume(struct event_reader *reader, unsigned int max)
{
	return reader->ring ? consume_ring(reader, max) : consume_queue(reader, max);
}

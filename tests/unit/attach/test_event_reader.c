// SPDX-License-Identifier: GPL-2.0-only
/* Events from a queue: in their order, none twice, and the reader's fd says whether more wait. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>

#include "attach/event_reader.h"
#include "unit.h"

#define MAP_FD 1000 /* never opened */

/* ---- a kernel ---- */

static unsigned int first, end; /* what waits, by e4r_event.lblk */
static int refuses;		/* errno of the next look */

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *len)
{
	struct bpf_map_info *of = info;

	assert_int_equal(fd, MAP_FD);
	assert_int_equal(*len, sizeof(*of));
	of->type = BPF_MAP_TYPE_QUEUE;
	return 0;
}

int bpf_map_lookup_and_delete_elem(int fd, const void *key, void *value)
{
	struct e4r_event *ev = value;

	assert_int_equal(fd, MAP_FD);
	assert_null(key);
	if (refuses || first == end) {
		errno = refuses ? refuses : ENOENT;
		return -1;
	}
	memset(ev, 0, sizeof(*ev));
	ev->lblk = first++;
	return 0;
}

/* The queue's reader has none of these. */
struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn fn, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	(void)map_fd;
	(void)fn;
	(void)ctx;
	(void)opts;
	fail();
	return NULL;
}

void ring_buffer__free(struct ring_buffer *ring)
{
	assert_null(ring);
}

int ring_buffer__consume(struct ring_buffer *ring)
{
	(void)ring;
	fail();
	return 0;
}

int ring_buffer__epoll_fd(const struct ring_buffer *ring)
{
	(void)ring;
	fail();
	return -1;
}

/* ---- a reader ---- */

static unsigned int seen;

static void on_event(void *arg, const struct e4r_event *ev)
{
	assert_ptr_equal(arg, &seen);
	assert_int_equal(ev->lblk, seen);
	seen++;
}

static struct event_reader *open_reader(void)
{
	struct event_reader *reader;

	first = end = seen = 0;
	refuses = 0;
	assert_int_equal(event_reader_open(&reader, MAP_FD, on_event, &seen), 0);
	return reader;
}

static bool is_readable(const struct event_reader *reader, int timeout_ms)
{
	struct pollfd pfd = { .fd = event_reader_fd(reader), .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

/* ---- tests ---- */

static void all_events_come_in_order(void **state)
{
	struct event_reader *reader = open_reader();

	(void)state;
	end = 1000;
	assert_int_equal(event_reader_consume(reader, 0), 0);
	assert_int_equal(seen, 1000);
	assert_int_equal(event_reader_consume(reader, 0), 0);
	assert_int_equal(seen, 1000);
	event_reader_close(reader);
}

static void the_fd_stays_readable_while_more_wait(void **state)
{
	struct event_reader *reader = open_reader();

	(void)state;
	/* The timer asks for a look without any event. */
	assert_true(is_readable(reader, 10000));
	end = 12;
	assert_int_equal(event_reader_consume(reader, 5), 0);
	assert_int_equal(seen, 5);
	assert_true(is_readable(reader, 0));
	assert_int_equal(event_reader_consume(reader, 5), 0);
	assert_true(is_readable(reader, 0));
	assert_int_equal(event_reader_consume(reader, 5), 0);
	assert_int_equal(seen, 12);
	/* And asks again. */
	assert_true(is_readable(reader, 10000));
	event_reader_close(reader);
}

static void what_cannot_be_read_is_told(void **state)
{
	struct event_reader *reader = open_reader();

	(void)state;
	refuses = EPERM;
	assert_int_equal(event_reader_consume(reader, 0), -EPERM);
	assert_int_equal(seen, 0);
	event_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_events_come_in_order),
		cmocka_unit_test(the_fd_stays_readable_while_more_wait),
		cmocka_unit_test(what_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

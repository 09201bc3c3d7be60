// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks that write lines do with one. */
#include <errno.h>
#include <stdlib.h>

#include "base/output.h"
#include "sink/output_queue.h"
#include "sink/sink.h"

int sink_never_wait(struct sink *sink, int fd)
{
	sink->queue = output_queue_new(fd);
	return sink->queue ? 0 : -ENOMEM;
}

int sink_write(struct sink *sink, int fd, enum report_type type, char *data, size_t len)
{
	int err;

	if (!len) {
		free(data);
		return 0;
	}
	if (sink->queue) {
		err = output_queue_put(sink->queue, data, len, type == REPORT_SUMMARY);
		if (err != -EAGAIN)
			return err;
		sink_miss(sink);
		return 0;
	}
	err = output_write(fd, data, len);
	free(data);
	return err;
}

void sink_flush(struct sink *sink)
{
	if (sink->queue)
		output_queue_flush(sink->queue);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks that write lines do with one. */
#include <errno.h>
#include <stdlib.h>

#include "base/output.h"
#include "sink/output_queue.h"
#include "sink/sink.h"

int sink_never_wait(struct sink *sink, int fd)
{
	sink->queue = output_queue_new(fd, &sink->missed);
	return sink->queue ? 0 : -ENOMEM;
}

int sink_write(struct sink *sink, int fd, enum report_type type, char *data, size_t len)
{
	int err;

	if (!len) {
		free(data);
		return 0;
	}
	if (sink->queue)
		return output_queue_put(sink->queue, data, len, type == REPORT_SUMMARY);
	err = output_write(fd, data, len);
	free(data);
	return err;
}

int sink_flush(struct sink *sink)
{
	return sink->queue ? output_queue_flush(sink->queue) : 0;
}

bool sink_output_healthy(struct sink *sink, char *why, size_t why_size)
{
	return !sink->queue || output_queue_healthy(sink->queue, why, why_size);
}

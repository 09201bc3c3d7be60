// SPDX-License-Identifier: GPL-2.0-only
/* One JSON object a line. */
#include <errno.h>
#include <stdlib.h>

#include "report/report_json.h"
#include "sink/output_queue.h"
#include "sink/sink.h"

struct sink_json {
	struct sink sink;
	int fd;
	int err; /* the first failed write: nothing may follow a broken line */
};

static int json_event(struct sink *sink, const struct report *report)
{
	struct sink_json *json = (struct sink_json *)sink;
	size_t len;
	char *line;

	if (json->err)
		return json->err;
	line = report_json_line(report, &len);
	if (!line)
		return -ENOMEM;
	json->err = sink_write(sink, json->fd, report->type, line, len);
	return json->err;
}

static int json_close(struct sink *sink)
{
	struct sink_json *json = (struct sink_json *)sink;
	int err = output_queue_close(sink->queue);

	if (json->err)
		err = json->err;
	free(json);
	return err;
}

static const struct sink_ops sink_json_ops = {
	.name = "json",
	.event = json_event,
	.healthy = sink_output_healthy,
	.close = json_close,
};

struct sink *sink_json_open(int fd)
{
	struct sink_json *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->sink.ops = &sink_json_ops;
	json->fd = fd;
	return &json->sink;
}

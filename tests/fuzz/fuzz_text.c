// SPDX-License-Identifier: GPL-2.0-only
/* Text goes to terminals: no control byte of a task's or a file's name gets there. */
#include "event.h"
#include "sink/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct fuzz_event e;
	struct sink *sink;
	char text[8192];
	ssize_t len, i;
	int fd;

	fd = memfd_create("text", MFD_CLOEXEC);
	must(fd >= 0);
	sink = sink_text_open(fd, true);
	must(sink);
	must(!sink->ops->event(sink, fuzz_report(&e, &in)));
	must(!sink->ops->close(sink));
	len = pread(fd, text, sizeof(text), 0);
	must(len > 0 && len < (ssize_t)sizeof(text));
	for (i = 0; i < len; i++)
		must((unsigned char)text[i] >= ' ' ? text[i] != 0x7f : text[i] == '\n');
	close(fd);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "attach/attachment.h"

int attachment_make(struct detector *det, const struct kernel *kernel, bool direct)
{
	int err;

	memset(&det->outcomes, 0, sizeof(det->outcomes));
	bpf_log_forget(&det->log);
	err = object_load(&det->object, kernel, &det->plan, &det->config, direct);
	if (!err)
		err = event_reader_open(&det->reader, det->object.map_fd[MAP_EVENTS],
					det->config.event, det->config.arg);
	return err ? err : attachment_renew(det);
}

int attachment_renew(struct detector *det)
{
	return links_attach(&det->links, det->object.bpf, &det->plan, &det->outcomes, &det->log);
}

void attachment_undo(struct detector *det)
{
	links_detach(&det->links);
	event_reader_close(det->reader);
	det->reader = NULL;
	object_unload(&det->object);
}

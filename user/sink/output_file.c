// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "base/say.h"
#include "sink/output_file.h"

bool output_file_is(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/* fd itself is for writing only. What cannot be read is taken for whole. */
static bool ends_with_whole_line(int fd)
{
	char name[32], last = '\n';
	struct stat st;
	int in;

	if (fstat(fd, &st) || !st.st_size)
		return true;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	in = open(name, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return true;
	if (pread(in, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(in);
	return last == '\n';
}

static void note(struct output_file *file, int err)
{
	if (err && !file->err)
		say("the output cannot be written (%s): reports are missed until it can",
		    strerror(-err));
	if (!err && file->err)
		say("the output can be written again: %llu reports were missed", file->missed);
	file->missed = err ? file->missed + 1 : 0;
	file->err = err;
}

int output_file_write(struct output_file *file, int fd, const char *line, size_t len)
{
	int err = 0;

	if (!file->whole && !ends_with_whole_line(fd))
		err = output_write(fd, "\n", 1);
	if (!err)
		err = output_write(fd, line, len);
	file->whole = !err;
	note(file, err);
	return err;
}

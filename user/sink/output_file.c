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

enum ending { WITHIN_LINE, WHOLE_LINE, UNKNOWN };

/* fd itself is for writing only, so the file is opened once more. */
static enum ending ending_of(int fd)
{
	enum ending ending = UNKNOWN;
	char name[32], last;
	struct stat st;
	int in;

	if (fstat(fd, &st))
		return UNKNOWN;
	if (!st.st_size)
		return WHOLE_LINE;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	in = open(name, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return UNKNOWN;
	if (pread(in, &last, 1, st.st_size - 1) == 1)
		ending = last == '\n' ? WHOLE_LINE : WITHIN_LINE;
	close(in);
	return ending;
}

void output_file_init(struct output_file *file, int fd)
{
	*file = (struct output_file){ .cut = output_file_is(fd) && ending_of(fd) == WITHIN_LINE };
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

	/* The file may be another one by now, or the cut may be between two lines. */
	if (file->cut && ending_of(fd) != WHOLE_LINE)
		err = output_write(fd, "\n", 1);
	if (!err)
		err = output_write(fd, line, len);
	file->cut = err != 0;
	note(file, err);
	return err;
}

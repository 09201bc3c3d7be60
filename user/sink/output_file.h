/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines into a regular file. A file that is full now has room later, so a failed write
 * costs lines, which are counted, and not the run. No line is ever joined to one that was
 * cut short, by this run or by one before.
 */
#ifndef EXT4RACE_OUTPUT_FILE_H
#define EXT4RACE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct output_file {
	bool cut;		   /* the file may end within a line */
	int err;		   /* of the last write */
	unsigned long long missed; /* lines since the last one that was written */
};

/* Whether fd is a regular file at this moment: SIGHUP may put another one in its place. */
bool output_file_is(int fd);
/* Looks at how the file ends, if fd is one. Call it while the file can still be read. */
void output_file_init(struct output_file *file, int fd);
/*
 * Appends one line, and says when writing begins to fail and when it works again. 0 or
 * the negative errno of the write.
 */
int output_file_write(struct output_file *file, int fd, const char *line, size_t len);

#endif /* EXT4RACE_OUTPUT_FILE_H */

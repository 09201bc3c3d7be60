/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaces a file in one step, so that a reader sees the old content or the new one. */
#ifndef EXT4RACE_REPLACE_FILE_H
#define EXT4RACE_REPLACE_FILE_H

#include <stddef.h>

/*
 * The name of the temporary file for path: "/dir/name" gives "/dir/.name.XXXXXX", in the
 * same directory and hidden. Allocated; NULL when out of memory.
 */
char *replace_file_template(const char *path);
/*
 * Removes the files made from template that a killed process left. For one process only at a
 * time: another one's file, too, looks like that.
 */
void replace_file_sweep(const char *template);
/*
 * Writes a temporary file made from template, mode 0644, and renames it to path. Nothing
 * is synced to disk. 0 or negative errno; then path is as it was, and no temporary file
 * is left.
 */
int replace_file(const char *path, const char *template, const char *data, size_t len);

#endif /* EXT4RACE_REPLACE_FILE_H */

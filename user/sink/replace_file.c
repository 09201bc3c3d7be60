// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "sink/replace_file.h"

char *replace_file_template(const char *path)
{
	char *dir = strdup(path), *name = strdup(path), *template = NULL;

	if (!dir || !name || asprintf(&template, "%s/.%s.XXXXXX", dirname(dir), basename(name)) < 0)
		template = NULL;
	free(dir);
	free(name);
	return template;
}

/* Whether mkostemp() could have made name from the template's name. */
static bool is_made_from(const char *name, const char *template)
{
	size_t len = strlen(template), fixed = len - strlen("XXXXXX"), i;

	if (strlen(name) != len || strncmp(name, template, fixed))
		return false;
	for (i = fixed; i < len; i++)
		if (!isalnum((unsigned char)name[i]))
			return false;
	return true;
}

void replace_file_sweep(const char *template)
{
	char *path = strdup(template), *slash = path ? strrchr(path, '/') : NULL;
	struct dirent *entry;
	DIR *dir = NULL;

	if (slash) {
		*slash = '\0';
		dir = opendir(*path ? path : "/");
	}
	while (dir && (entry = readdir(dir)))
		if (is_made_from(entry->d_name, slash + 1))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	free(path);
}

/* temp is a template, and becomes the name of the file. */
static int write_temp(char *temp, const char *data, size_t len)
{
	int fd, ret;

	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = output_write(fd, data, len);
	/* mkostemp() made it 0600; the reader is another user. */
	if (!ret && fchmod(fd, 0644))
		ret = -errno;
	/* NFS, and some quotas, report only here that the data did not fit. */
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(temp);
	return ret;
}

int replace_file(const char *path, const char *template, const char *data, size_t len)
{
	char *temp = strdup(template);
	int ret;

	if (!temp)
		return -ENOMEM;
	ret = write_temp(temp, data, len);
	if (!ret && rename(temp, path)) {
		ret = -errno;
		unlink(temp);
	}
	free(temp);
	return ret;
}

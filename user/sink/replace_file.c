// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
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

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
#include "metrics/exposition.h"
#include "sink/sink_textfile.h"

struct sink_textfile {
	struct sink sink;
	char *path;
	char *template; /* of the temporary file: same directory, hidden, not *.prom */
};

static int write_temp(char *temp, const char *text, size_t len)
{
	int fd, ret;

	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = output_write(fd, text, len);
	/* mkostemp() made it 0600; the collector runs as somebody else. */
	if (!ret && fchmod(fd, 0644))
		ret = -errno;
	/* Where quota or NFS tells late that it did not fit. */
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(temp);
	return ret;
}

static int replace(const struct sink_textfile *t, const char *text, size_t len)
{
	char *temp = strdup(t->template);
	int ret;

	if (!temp)
		return -ENOMEM;
	ret = write_temp(temp, text, len);
	if (!ret && rename(temp, t->path)) {
		ret = -errno;
		unlink(temp);
	}
	free(temp);
	return ret;
}

static int textfile_metrics(struct sink *sink, const struct metrics *metrics)
{
	struct exposition_options opt = { .format = EXPOSITION_TEXT };
	char *text;
	size_t len;
	int ret;

	ret = exposition_render(metrics, &opt, &text, &len);
	if (!ret) {
		ret = replace((struct sink_textfile *)sink, text, len);
		free(text);
	}
	if (ret)
		sink->missed++;
	return ret;
}

static int textfile_event(struct sink *sink, const struct report *report)
{
	(void)sink;
	(void)report;
	return 0;
}

static int textfile_close(struct sink *sink)
{
	struct sink_textfile *t = (struct sink_textfile *)sink;

	free(t->path);
	free(t->template);
	free(t);
	return 0;
}

static const struct sink_ops textfile_ops = {
	.name = "textfile",
	.event = textfile_event,
	.metrics = textfile_metrics,
	.close = textfile_close,
};

/* "/dir/name.prom" to "/dir/.name.prom.XXXXXX". */
static char *make_template(const char *path)
{
	char *dir = strdup(path), *name = strdup(path), *template = NULL;

	if (!dir || !name || asprintf(&template, "%s/.%s.XXXXXX", dirname(dir), basename(name)) < 0)
		template = NULL;
	free(dir);
	free(name);
	return template;
}

bool sink_textfile_named(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t len;

	name = name ? name + 1 : path;
	len = strlen(name);
	return len > 5 && !strcmp(name + len - 5, ".prom");
}

/* What is wrong can be told now rather than at the first write. */
static int check_path(const char *path, char *why, size_t why_size)
{
	char *dir = strdup(path);
	struct stat st;
	int ret = 0;

	if (!sink_textfile_named(path)) {
		ret = -EINVAL;
		snprintf(why, why_size, SINK_TEXTFILE_NAME, path);
	} else if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		ret = -EINVAL;
		snprintf(why, why_size, "--textfile %s: exists and is not a file", path);
	} else if (!dir || access(dirname(dir), W_OK | X_OK)) {
		ret = -errno;
		snprintf(why, why_size, "--textfile %s: its directory cannot be written: %s", path,
			 strerror(-ret));
	}
	free(dir);
	return ret;
}

int sink_textfile_open(struct sink **sink, const char *path, char *why, size_t why_size)
{
	struct sink_textfile *t;
	int ret;

	ret = check_path(path, why, why_size);
	if (ret)
		return ret;
	t = calloc(1, sizeof(*t));
	if (!t)
		goto nomem;
	t->sink.ops = &textfile_ops;
	t->path = strdup(path);
	t->template = make_template(path);
	if (!t->path || !t->template)
		goto nomem;
	*sink = &t->sink;
	return 0;
nomem:
	if (t)
		textfile_close(&t->sink);
	snprintf(why, why_size, "--textfile: out of memory");
	return -ENOMEM;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpf/event.h"
#include "host/fs.h"

#define MOUNTINFO "/proc/self/mountinfo"

/* One line, cut into fields in place; see proc_pid_mountinfo(5). */
struct fields {
	unsigned int major, minor;
	int id;
	char *root, *point, *type, *source, *options;
};

/* The kernel writes blank, tab, newline, '#' and backslash as \ooo: undoes it in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			char c = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');

			/* No name has a NUL in it: such an escape stays as it is. */
			if (c) {
				*to++ = c;
				s += 4;
				continue;
			}
		}
		*to++ = *s++;
	}
	*to = '\0';
}

static bool parse_uint(const char *s, char end, unsigned int max, unsigned int *value)
{
	unsigned long v;
	char *stop;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoul(s, &stop, 10);
	if (errno || *stop != end || v > max)
		return false;
	*value = v;
	return true;
}

static bool parse_dev(const char *s, struct fields *f)
{
	const char *colon = strchr(s, ':');

	return colon && parse_uint(s, ':', 0xfff, &f->major) &&
	       parse_uint(colon + 1, '\0', 0xfffff, &f->minor);
}

/* False for a line that is not as the kernel writes it. */
static bool parse_line(char *line, struct fields *f)
{
	char *field[6], *tail;
	unsigned int id;
	size_t i;

	for (i = 0; i < 6; i++) {
		field[i] = strsep(&line, " ");
		if (!line)
			return false;
	}
	/* Any number of optional fields, ended by a lone hyphen. */
	do {
		tail = strsep(&line, " ");
		if (!line)
			return false;
	} while (strcmp(tail, "-"));

	f->type = strsep(&line, " ");
	if (!line)
		return false;
	f->source = strsep(&line, " ");
	if (!line)
		return false;
	f->options = strsep(&line, " ");
	f->root = field[3];
	f->point = field[4];
	if (!parse_uint(field[0], '\0', INT_MAX, &id) || !parse_dev(field[2], f))
		return false;
	f->id = id;
	unescape(f->root);
	unescape(f->point);
	unescape(f->source);
	unescape(f->options);
	return f->root[0] == '/' && f->point[0] == '/';
}

/* ext4 may drive ext2 and ext3 mounts too. It lists those in sysfs. */
static bool is_ext4(const struct fields *f)
{
	char name[64], path[128];

	if (!strcmp(f->type, "ext4"))
		return true;
	if (strcmp(f->type, "ext2") && strcmp(f->type, "ext3"))
		return false;
	if (ext4_sysfs_name(E4R_DEV(f->major, f->minor), name, sizeof(name)))
		return false;
	snprintf(path, sizeof(path), "/sys/fs/ext4/%s", name);
	return !access(path, F_OK);
}

static void mount_free(struct mount *m)
{
	free(m->root);
	free(m->point);
	free(m->source);
	free(m->options);
}

static int mounts_add(struct mounts *mounts, const struct fields *f)
{
	struct mount m = {
		.dev = E4R_DEV(f->major, f->minor),
		.id = f->id,
		.root = strdup(f->root),
		.point = strdup(f->point),
		.source = strdup(f->source),
		.options = strdup(f->options),
	};
	struct mount *v;

	if (!m.root || !m.point || !m.source || !m.options)
		goto nomem;
	v = reallocarray(mounts->v, mounts->n + 1, sizeof(*v));
	if (!v)
		goto nomem;
	mounts->v = v;
	v[mounts->n++] = m;
	return 0;
nomem:
	mount_free(&m);
	return -ENOMEM;
}

int mounts_read(struct mounts *mounts, const char *path)
{
	struct fields fields;
	char *line = NULL;
	size_t size = 0;
	int err = 0;
	ssize_t len;
	FILE *file;

	*mounts = (struct mounts){ 0 };
	file = fopen(path ? path : MOUNTINFO, "re");
	if (!file)
		return -errno;
	for (;;) {
		errno = 0;
		len = getline(&line, &size, file);
		if (len < 0)
			break;
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		if (strlen(line) != (size_t)len || !parse_line(line, &fields) || !is_ext4(&fields))
			continue;
		err = mounts_add(mounts, &fields);
		if (err)
			goto out;
	}
	if (ferror(file) || !feof(file))
		err = errno ? -errno : -EIO;
out:
	free(line);
	fclose(file);
	if (err)
		mounts_free(mounts);
	return err;
}

void mounts_free(struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->n; i++)
		mount_free(&mounts->v[i]);
	free(mounts->v);
	*mounts = (struct mounts){ 0 };
}

const struct mount *mounts_find(const struct mounts *mounts, unsigned int dev)
{
	const struct mount *first = NULL;
	size_t i;

	for (i = 0; i < mounts->n; i++) {
		const struct mount *m = &mounts->v[i];

		if (m->dev != dev)
			continue;
		/* A bind mount of a subtree cannot show every file by its path. */
		if (!strcmp(m->root, "/"))
			return m;
		if (!first)
			first = m;
	}
	return first;
}

/* Is path the directory or below it? "/a" is not above "/ab". */
static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true;
	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

int mounts_resolve(const struct mounts *mounts, const char *path, const struct mount **found)
{
	const struct mount *best = NULL;
	size_t best_len = 0, i;
	unsigned int dev;
	struct stat st;
	char *real;

	*found = NULL;
	if (stat(path, &st))
		return -errno;
	dev = E4R_DEV(major(st.st_dev), minor(st.st_dev));
	real = realpath(path, NULL);
	if (!real)
		return -errno;
	for (i = 0; i < mounts->n; i++) {
		const struct mount *m = &mounts->v[i];
		size_t len = strlen(m->point);

		/* Of two mounts on the same point, the later one hides the earlier. */
		if (m->dev == dev && len >= best_len && is_below(real, m->point)) {
			best = m;
			best_len = len;
		}
	}
	free(real);
	*found = best ? best : mounts_find(mounts, dev);
	return *found ? 0 : -EMEDIUMTYPE;
}

char *mounts_point_of(const char *path)
{
	const struct mount *mount;
	struct mounts mounts;
	char *point = NULL;

	if (mounts_read(&mounts, NULL))
		return NULL;
	if (!mounts_resolve(&mounts, path, &mount))
		point = strdup(mount->point);
	mounts_free(&mounts);
	return point;
}

int mounts_watch_fd(void)
{
	int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's BTF goes on where the kernel's ends: its first type has the number behind the
 * kernel's last one, and its strings are counted from the end of the kernel's (951bb64621b8, 5.11).
 * So types behind types and strings behind strings, with a header, are BTF again.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/output.h"
#include "host/joined_btf.h"

#define PART_BYTES 65536

struct source {
	int fd;
	struct btf_header header;
};

bool joined_btf_is_superfluous(void)
{
	__u32 id;

	return !bpf_btf_get_next_id(0, &id) || errno != EPERM;
}

static int open_source(struct source *source, const char *path)
{
	ssize_t n;
	int err;

	source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0)
		return -errno;
	n = pread(source->fd, &source->header, sizeof(source->header), 0);
	if (n == (ssize_t)sizeof(source->header) && source->header.magic == BTF_MAGIC)
		return 0;
	err = n < 0 ? -errno : -EINVAL;
	close(source->fd);
	return err;
}

/* Appends size bytes of source to fd; offset is counted from the end of the header. */
static int copy(int fd, const struct source *source, __u32 offset, __u32 size)
{
	off_t from = (off_t)source->header.hdr_len + offset;
	char part[PART_BYTES];
	ssize_t n;
	int err;

	for (; size; from += n, size -= (__u32)n) {
		n = pread(source->fd, part, size < sizeof(part) ? size : sizeof(part), from);
		if (n <= 0)
			return n ? -errno : -EINVAL;
		err = output_write(fd, part, (size_t)n);
		if (err)
			return err;
	}
	return 0;
}

static int join(int fd, const struct source *base, const struct source *module)
{
	const struct btf_header *a = &base->header, *b = &module->header;
	struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = a->version,
		.hdr_len = sizeof(header),
		.type_len = a->type_len + b->type_len,
		.str_off = a->type_len + b->type_len,
		.str_len = a->str_len + b->str_len,
	};
	int err = output_write(fd, (const char *)&header, sizeof(header));

	if (!err)
		err = copy(fd, base, a->type_off, a->type_len);
	if (!err)
		err = copy(fd, module, b->type_off, b->type_len);
	if (!err)
		err = copy(fd, base, a->str_off, a->str_len);
	if (!err)
		err = copy(fd, module, b->str_off, b->str_len);
	return err;
}

int joined_btf_open(const char *base_path, const char *module_path)
{
	struct source base, module;
	int fd = -1, err;

	err = open_source(&base, base_path);
	if (err)
		return err;
	err = open_source(&module, module_path);
	if (err)
		goto out_base;
	fd = memfd_create("ext4race-btf", MFD_CLOEXEC);
	err = fd < 0 ? -errno : join(fd, &base, &module);
	close(module.fd);
	if (err && fd >= 0)
		close(fd);
out_base:
	close(base.fd);
	return err ? err : fd;
}

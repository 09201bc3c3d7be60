// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array_size.h"
#include "base/embed.h"
#include "host/bundled_btf.h"

/* The compiler runs at the top of the tree, where btf/ is. */
#define BUNDLED(name, release) EMBED(name, "btf/" release ".btf")

BUNDLED(btf_5_10_0_30, "5.10.0-30-amd64");
BUNDLED(btf_5_10_0_30_arm64, "5.10.0-30-arm64");
BUNDLED(btf_5_10_0_30_rt, "5.10.0-30-rt-amd64");
BUNDLED(btf_5_10_0_30_rt_arm64, "5.10.0-30-rt-arm64");
BUNDLED(btf_5_10_0_32, "5.10.0-32-amd64");
BUNDLED(btf_5_10_0_32_arm64, "5.10.0-32-arm64");
BUNDLED(btf_5_10_0_32_rt, "5.10.0-32-rt-amd64");
BUNDLED(btf_5_10_0_32_rt_arm64, "5.10.0-32-rt-arm64");
BUNDLED(btf_5_10_0_46, "5.10.0-46-amd64");

/* A row for each file of btf/; a test holds this against the directory. */
static const struct {
	const char *release, *data, *end;
} bundled[] = {
	{ "5.10.0-30-amd64", btf_5_10_0_30, btf_5_10_0_30_end },
	{ "5.10.0-30-arm64", btf_5_10_0_30_arm64, btf_5_10_0_30_arm64_end },
	{ "5.10.0-30-rt-amd64", btf_5_10_0_30_rt, btf_5_10_0_30_rt_end },
	{ "5.10.0-30-rt-arm64", btf_5_10_0_30_rt_arm64, btf_5_10_0_30_rt_arm64_end },
	{ "5.10.0-32-amd64", btf_5_10_0_32, btf_5_10_0_32_end },
	{ "5.10.0-32-arm64", btf_5_10_0_32_arm64, btf_5_10_0_32_arm64_end },
	{ "5.10.0-32-rt-amd64", btf_5_10_0_32_rt, btf_5_10_0_32_rt_end },
	{ "5.10.0-32-rt-arm64", btf_5_10_0_32_rt_arm64, btf_5_10_0_32_rt_arm64_end },
	{ "5.10.0-46-amd64", btf_5_10_0_46, btf_5_10_0_46_end },
};

static int memory_file(const char *data, size_t size)
{
	int fd = memfd_create("ext4race-btf", MFD_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, data, size);
	if (n == (ssize_t)size)
		return fd;
	err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

int bundled_btf_open(const char *release)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bundled); i++) {
		if (!strcmp(bundled[i].release, release))
			return memory_file(bundled[i].data,
					   (size_t)(bundled[i].end - bundled[i].data));
	}
	return -ENOENT;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "attach/bpf_features.h"
#include "base/array_size.h"

/* Whether the kernel knows this kind of map: it answers EINVAL to what it does not know. */
static bool knows_map(enum bpf_map_type type, unsigned int key_size, unsigned int value_size,
		      unsigned int max_entries, unsigned int flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, NULL, key_size, value_size, max_entries, &opts);

	if (fd < 0)
		return errno != EINVAL;
	close(fd);
	return true;
}

bool bpf_is_old(void)
{
	return !knows_map(BPF_MAP_TYPE_RINGBUF, 0, 0, sysconf(_SC_PAGESIZE), 0) ||
	       !knows_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
}

/* A loop of four rounds. */
static bool knows_loops(void)
{
	const struct bpf_insn loop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_JLT | BPF_K, .dst_reg = BPF_REG_0, .off = -2, .imm = 4 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "GPL", loop, ARRAY_SIZE(loop),
			       NULL);

	if (fd < 0)
		return errno != EINVAL;
	close(fd);
	return true;
}

int bpf_possible(char *why, size_t why_size)
{
	const char *missing = NULL;

	if (!knows_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG))
		missing = "global data (Linux 5.2)";
	else if (!knows_loops())
		missing = "loops (Linux 5.3)";
	if (!missing)
		return 0;
	snprintf(why, why_size,
		 "the kernel's BPF has no %s: kernels older than 5.4 cannot be watched", missing);
	return -EOPNOTSUPP;
}

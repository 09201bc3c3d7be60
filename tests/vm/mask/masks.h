/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_TESTS_MASKS_H
#define EXT4RACE_TESTS_MASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * What bpf(2) of an older kernel knows. The numbers are those of the enums in that kernel's
 * linux/bpf.h and linux/btf.h. All of them only grow, so the last one says them all.
 */
struct mask {
	const char *name, *kernel;
	unsigned int last_command;   /* enum bpf_cmd */
	unsigned int attr_size;	     /* sizeof(union bpf_attr) */
	unsigned int map_create_end; /* end of the last field that the command has */
	unsigned int prog_load_end, test_run_end, link_create_end;
	unsigned int last_map, map_flags;   /* enum bpf_map_type, all BPF_F_ */
	unsigned int last_prog, prog_flags; /* enum bpf_prog_type, all BPF_F_ */
	unsigned int last_helper;	    /* enum bpf_func_id */
	unsigned int last_attach;	    /* enum bpf_attach_type */
	unsigned int last_pseudo;	    /* src_reg of a 64 bit load: BPF_PSEUDO_ */
	unsigned int last_kind;		    /* BTF_KIND_ */
	unsigned int last_capability;
	bool constants;	       /* the verifier knows those of frozen maps (a23740ec43ba, 5.5) */
	bool global_functions; /* FUNC has a linkage (51c39bb1d5d1, 5.6) */
	bool run_raw_tp;       /* BPF_PROG_TEST_RUN of raw_tp (1b4d60ec162f, 5.10) */
	bool atomics;	       /* all but the addition (5ffa25502b5a, 5.12) */
	bool kernel_functions; /* can be called (e6ac2450d6de, 5.13) */
};

static const struct mask masks[] = {
	{
		.name = "5.4",
		.kernel = "5.4",
		.last_command = 23, /* BPF_BTF_GET_NEXT_ID */
		.attr_size = 112,
		.map_create_end = 60,  /* btf_value_type_id */
		.prog_load_end = 108,  /* line_info_cnt */
		.test_run_end = 64,    /* test.ctx_out */
		.last_map = 25,	       /* BPF_MAP_TYPE_DEVMAP_HASH */
		.map_flags = 0x3ff,    /* BPF_F_CLONE */
		.last_prog = 25,       /* BPF_PROG_TYPE_CGROUP_SOCKOPT */
		.prog_flags = 0xf,     /* BPF_F_TEST_STATE_FREQ */
		.last_helper = 110,    /* BPF_FUNC_tcp_gen_syncookie */
		.last_attach = 22,     /* BPF_CGROUP_SETSOCKOPT */
		.last_pseudo = 2,      /* BPF_PSEUDO_MAP_VALUE */
		.last_kind = 15,       /* BTF_KIND_DATASEC */
		.last_capability = 37, /* CAP_AUDIT_READ */
	},
	{
		.name = "5.8",
		.kernel = "5.8",
		.last_command = 33, /* BPF_ITER_CREATE */
		.attr_size = 120,
		.map_create_end = 64,  /* btf_vmlinux_value_type_id */
		.prog_load_end = 116,  /* attach_prog_fd */
		.test_run_end = 64,    /* test.ctx_out */
		.link_create_end = 16, /* link_create.flags */
		.last_map = 27,	       /* BPF_MAP_TYPE_RINGBUF */
		.map_flags = 0x7ff,    /* BPF_F_MMAPABLE */
		.last_prog = 29,       /* BPF_PROG_TYPE_LSM */
		.prog_flags = 0xf,     /* BPF_F_TEST_STATE_FREQ */
		.last_helper = 135,    /* BPF_FUNC_csum_level */
		.last_attach = 33,     /* BPF_XDP_DEVMAP */
		.last_pseudo = 2,      /* BPF_PSEUDO_MAP_VALUE */
		.last_kind = 15,       /* BTF_KIND_DATASEC */
		.last_capability = 39, /* CAP_BPF */
		.constants = true,
		.global_functions = true,
	},
	{
		/* BPF of about 5.14, and the capabilities of 4.18. */
		.name = "el8",
		.kernel = "EL 8",
		.last_command = 35, /* BPF_PROG_BIND_MAP */
		.attr_size = 128,
		.map_create_end = 64,  /* btf_vmlinux_value_type_id */
		.prog_load_end = 128,  /* fd_array */
		.test_run_end = 72,    /* test.cpu */
		.link_create_end = 28, /* link_create.iter_info_len */
		.last_map = 29,	       /* BPF_MAP_TYPE_TASK_STORAGE */
		.map_flags = 0x1fff,   /* BPF_F_INNER_MAP */
		.last_prog = 31,       /* BPF_PROG_TYPE_SYSCALL */
		.prog_flags = 0x1f,    /* BPF_F_SLEEPABLE */
		.last_helper = 168,    /* BPF_FUNC_sys_close */
		.last_attach = 40,     /* BPF_SK_REUSEPORT_SELECT_OR_MIGRATE */
		.last_pseudo = 6,      /* BPF_PSEUDO_MAP_IDX_VALUE */
		.last_kind = 16,       /* BTF_KIND_FLOAT */
		.last_capability = 37, /* CAP_AUDIT_READ */
		.constants = true,
		.global_functions = true,
		.run_raw_tp = true,
		.atomics = true,
		.kernel_functions = true,
	},
};

static inline const struct mask *mask_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		if (!strcmp(masks[i].name, name))
			return &masks[i];
	}
	return NULL;
}

#endif

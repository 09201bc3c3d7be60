/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel offers. All of it is found by looking; nothing is inferred from
 * the version. The release string is for people, and for finding a bundled BTF by its
 * exact name.
 */
#ifndef EXT4RACE_KERNEL_H
#define EXT4RACE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

struct btf;
struct ksym_answers;

/* Where the BTF that describes ext4 came from. */
enum btf_source {
	BTF_NONE,
	BTF_VMLINUX,
	BTF_MODULE,
	BTF_BUNDLED,
	BTF_FILE, /* --btf */
};

struct kernel {
	char release[65];
	char lockdown[32];   /* "none", "integrity", "confidentiality", "unknown" */
	struct btf *vmlinux; /* NULL: CONFIG_DEBUG_INFO_BTF is not set */
	struct btf *module;  /* BTF of the ext4 module, NULL if built in or none */
	struct btf *custom;  /* --btf FILE or the bundled one, NULL if neither */
	enum btf_source ext4_btf;
	char btf_path[256]; /* file of custom, for the loader; empty if none */
	bool btf_inside;    /* custom is the program's own: btf_path leads to btf_fd */
	int btf_fd;
	bool ext4_here; /* ext4 is built in or loaded */
	bool ext4_is_module;
	/* A module, and the root filesystem is not ext4: it can be unloaded once it is unmounted.
	 */
	bool ext4_may_go;
	bool ext4_types; /* some BTF describes ext4's structures */
	bool has_kprobes;
	bool has_livepatch; /* CONFIG_LIVEPATCH */
	/*
	 * address_space.invalidate_lock, 730633f0b7f9 (5.15). Where it is missing, a function
	 * that no BTF describes has the arguments that it had up to 5.14.
	 */
	bool has_invalidate_lock;
	struct ksym_answers *symbols; /* what kernel_expect() has looked up */
	/*
	 * ftrace lets a livepatch and a BPF trampoline share a function: enum
	 * ftrace_ops_cmd, 53cd885bc5c3 (6.0). Before that an attached fentry makes a
	 * livepatch of the same function fail to load.
	 */
	bool livepatch_shares;
	/* ES tracepoints fire after the change: ext4_inode_info.i_es_seq, 07c440e8da8f (6.19). */
	bool tracepoints_late;
};

/*
 * Looks at the kernel. btf_file is --btf: a file, "none" (only the kernel's own BTF), or
 * NULL: where the kernel's own BTF does not describe ext4, a bundled one of exactly this
 * release is taken. 0, or negative errno and one line in why (the file is no BTF). The
 * caller says kernel_close() after success.
 */
int kernel_open(struct kernel *kernel, const char *btf_file, char *why, size_t why_size);
void kernel_close(struct kernel *kernel);
/* Frees the BTF. What was found out stays, but nothing more can be found out. */
void kernel_forget_btf(struct kernel *kernel);

/* The BTF that holds ext4's types: custom, module or vmlinux, which stays the kernel's. NULL: none.
 */
const struct btf *kernel_ext4_btf(const struct kernel *kernel);

/*
 * Path of a file of tracefs, wherever it is mounted: "events/ext4/...". False when
 * it is not there or cannot be read.
 */
bool kernel_tracefs(const char *name, char *path, size_t size);

/* "vmlinux", "module", "bundled", "file" or "none". */
const char *btf_source_name(enum btf_source source);

#endif /* EXT4RACE_KERNEL_H */

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
struct kernel_btf;
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
	char lockdown[32]; /* "none", "integrity", "confidentiality", "unknown" */
	struct kernel_btf *btf;
	bool has_vmlinux_btf; /* CONFIG_DEBUG_INFO_BTF */
	enum btf_source ext4_btf;
	char btf_path[256]; /* file of custom, for the loader; empty if none */
	bool btf_inside;    /* custom is the program's own: btf_path leads to btf_fd */
	bool btf_joined;    /* btf_path leads to btf_fd: see host/joined_btf.h; not custom */
	int btf_fd;
	bool ext4_here; /* ext4 is built in or loaded */
	bool ext4_is_module;
	/* A module, and the root filesystem is not ext4: it can be unloaded once it is unmounted.
	 */
	bool ext4_may_go;
	bool ext4_types;       /* some BTF describes ext4's structures */
	bool has_rdonly_cast;  /* bpf_rdonly_cast(), fd264ca02094 (6.2) */
	bool guards_recursion; /* bpf_prog_info.recursion_misses, 9ed9e9ba2337 (5.12) */
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
/* Frees the BTF, when nothing more has to be found out. What was found out stays. */
void kernel_forget_btf(struct kernel *kernel);

/*
 * BTF of the kernel itself and of the ext4 module, and the one of --btf or the bundled one.
 * NULL where there is none. kernel_drop_own_btf() frees the first two, because they take most
 * of the memory at the start. Whoever asks for them later has them read again.
 */
const struct btf *kernel_vmlinux_btf(const struct kernel *kernel);
const struct btf *kernel_module_btf(const struct kernel *kernel);
const struct btf *kernel_custom_btf(const struct kernel *kernel);
void kernel_drop_own_btf(const struct kernel *kernel);

/*
 * Path of a file of tracefs, wherever it is mounted: "events/ext4/...". False when
 * it is not there or cannot be read.
 */
bool kernel_tracefs(const char *name, char *path, size_t size);

/* "vmlinux", "module", "bundled", "file" or "none". */
const char *btf_source_name(enum btf_source source);

#endif /* EXT4RACE_KERNEL_H */

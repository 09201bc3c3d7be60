/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel offers. Everything here is looked at, nothing is
 * inferred from the version; the release string is for people and for finding
 * a bundled BTF by its exact name.
 */
#ifndef EXT4RACE_KERNEL_H
#define EXT4RACE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

struct btf;
struct kernel_symbols;

/* The function that calls a tracepoint's probes has its name behind this, d25e37d89dd2 (5.10). */
#define KERNEL_TRACEITER "__traceiter_"

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
	char lockdown[32];   /* "none", "integrity", "confidentiality", "not built in" */
	struct btf *vmlinux; /* NULL: CONFIG_DEBUG_INFO_BTF is not set */
	struct btf *module;  /* BTF of the ext4 module, NULL if built in or none */
	struct btf *custom;  /* --btf FILE or the bundled one, NULL if neither */
	enum btf_source ext4_btf;
	char btf_path[256]; /* file of custom, for the loader; empty if none */
	bool ext4_here;	    /* ext4 is built in or loaded */
	bool ext4_is_module;
	bool ext4_types; /* some BTF describes ext4's structures */
	bool has_kprobes;
	bool has_livepatch; /* CONFIG_LIVEPATCH */
	/*
	 * address_space.invalidate_lock, 730633f0b7f9 (5.15): where it is missing and no
	 * BTF tells, functions have the arguments they had up to 5.14.
	 */
	bool has_invalidate_lock;
	struct kernel_symbols *symbols; /* looked up already; kernel_expect() */
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
 * Looks at the kernel. btf_file is --btf: a file, "none" for what the kernel has
 * and nothing else, or NULL: then a bundled one of exactly this release is taken
 * where the kernel's own does not describe ext4. 0, or negative errno and one line
 * in why (a file that is no BTF).
 */
int kernel_open(struct kernel *kernel, const char *btf_file, char *why, size_t why_size);
void kernel_close(struct kernel *kernel);
/* Gives the memory of the BTF back; what was found out stays, but nothing more can be. */
void kernel_forget_btf(struct kernel *kernel);

/* The BTF that holds ext4's types: custom, module or vmlinux; NULL if none does. */
const struct btf *kernel_ext4_btf(const struct kernel *kernel);
/* Whether struct `type` has a member of that name itself; false without BTF. */
bool kernel_btf_has_member(const struct btf *btf, const char *type, const char *member);

/* What is known about a kernel function. */
struct kernel_func {
	bool in_btf;		  /* of the running kernel: fentry can have it */
	bool is_symbol;		  /* kprobe can have it */
	char variant[128];	  /* the only symbol has a compiler's suffix */
	int nargs;		  /* -1: no BTF tells */
	bool returns_void;	  /* valid if nargs >= 0 */
	unsigned int arg_size[6]; /* bytes of the first arguments, valid if nargs >= 0 */
};

/*
 * Announces names that kernel_func() and kernel_tracepoint() will be asked for, so
 * that one pass over the symbols answers them all: a pass takes tens of
 * milliseconds. Names that BTF answers cost nothing. Only a hint.
 */
void kernel_expect(const struct kernel *kernel, const char *const *names, size_t n);

/* Looks a function up. 0 or negative errno (the symbol table cannot be read). */
int kernel_func(const struct kernel *kernel, const char *name, struct kernel_func *func);

/* The tracepoint exists: by BTF (*typed: tp_btf can have it), tracefs or symbols. */
bool kernel_tracepoint(const struct kernel *kernel, const char *name, bool *typed);

/*
 * Path of a file of tracefs, wherever it is mounted: "events/ext4/...". False when
 * it is not there or cannot be read.
 */
bool kernel_tracefs(const char *name, char *path, size_t size);

/* "vmlinux", "module", "bundled", "file" or "none". */
const char *btf_source_name(enum btf_source source);

/* Capability bit (CAP_BPF ...) is in the effective set. */
bool kernel_capable(unsigned int cap);

#endif /* EXT4RACE_KERNEL_H */

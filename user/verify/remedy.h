/* SPDX-License-Identifier: GPL-2.0-only */
/* How to end the race on this host, in lines for a person. */
#ifndef EXT4RACE_REMEDY_H
#define EXT4RACE_REMEDY_H

#include <stdbool.h>
#include <stddef.h>

#define REMEDIES_MAX 8

struct remedies {
	size_t n;
	char line[REMEDIES_MAX][320];
};

/* What the delayed insert gives back. */
enum insert_returns {
	INSERT_RETURNS_UNKNOWN, /* no BTF tells */
	INSERT_RETURNS_INT,
	INSERT_RETURNS_VOID,
	INSERT_IS_MISSING, /* there is no such function by that name */
};

/* What decides which remedies fit a host. */
struct remedy_host {
	char release[65];  /* uname -r */
	char machine[65];  /* uname -m */
	char codename[64]; /* VERSION_CODENAME of /etc/os-release, or empty */
	bool known;	   /* the kernel could be looked at; if not, what follows is unset */
	bool has_livepatch;
	bool has_ftrace; /* it can redirect a function */
	bool has_kprobes;
	bool has_ibt;	  /* CONFIG_X86_KERNEL_IBT */
	bool is_realtime; /* PREEMPT_RT */
	bool ext4_is_module;
	bool root_is_ext4;
	enum insert_returns insert;
};

struct kernel;

/*
 * The remedies that fit host, each with its command, and why the others do not fit: a fixed
 * kernel, the livepatch, a fixed module, the series to build from, the workaround, and how to
 * get the leaked blocks back. mount (a mount point, or NULL) goes into the commands.
 */
void remedies_for(struct remedies *remedies, const struct remedy_host *host, const char *mount);
/* Those of the running host, whose kernel is open and has its BTF; NULL: none could be opened. */
void remedies_of(struct remedies *remedies, const struct kernel *kernel, const char *mount);
/* The same for whoever has no kernel open. */
void remedies_collect(struct remedies *remedies, const char *mount);
/* Writes them under heading. A failed write is ignored: nothing follows it. */
void remedies_print(const struct remedies *remedies, const char *heading, int fd);

#define REMEDIES_HEADING "How to end the race on this host:"

#endif /* EXT4RACE_REMEDY_H */

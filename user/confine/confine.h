/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gives up what watching does not need, so that whoever takes the process over can do
 * little with it. docs/security.md has the table of what is left, and why.
 *
 * A thread that starts before confine() confines itself with confine_thread(); one that
 * starts later inherits all of it.
 */
#ifndef EXT4RACE_CONFINE_H
#define EXT4RACE_CONFINE_H

#include <stdbool.h>

/* What the process becomes where it is root: nobody, on every distribution. */
#define CONFINE_ID 65534

struct confine;

/* NULL: out of memory. Nothing is given up yet. */
struct confine *confine_new(void);
void confine_free(struct confine *c);

/*
 * What is opened by path later. Call these before the first confine_thread(): where the
 * kernel has Landlock no other file can be opened then. A path that does not exist is
 * passed over. 0 or negative errno.
 *
 * confine_allow_file: a file that is read, and everything else in its directory, as a
 * new version may be renamed over it.
 */
int confine_allow_file(struct confine *c, const char *path);
/* A file or a directory with all below it, to be read. */
int confine_allow_reading(struct confine *c, const char *path);
/* A mount point, to sync its filesystem; a directory needs no such leave. */
void confine_allow_mount(struct confine *c, const char *path);
/*
 * A file that is written, made anew or replaced: its directory can be written then.
 * A device or the like is not made anew, and only it can be written. Where nobody may
 * write to the directory, CAP_DAC_OVERRIDE is kept (PRIVILEGE_FILES).
 */
int confine_allow_writing(struct confine *c, const char *path);

/* To ask an open terminal for its size and its foreground; nothing else of it. */
void confine_allow_terminal(struct confine *c);

/* Before a thread is started that calls confine_thread(): confine() waits for that. */
void confine_expect_thread(struct confine *c);
/* Confines the calling thread. What fails is told by confine(). */
void confine_thread(struct confine *c);

/*
 * Confines the calling thread, forbids system calls to all threads, and looks whether
 * all threads are confined. keep: PRIVILEGE_KPROBES where kprobes are attached later.
 * verbose: says what is in effect. 0, or negative errno and it was said what could not
 * be given up. What this place has no means for (Landlock, another user) is no error.
 */
int confine(struct confine *c, unsigned int keep, bool verbose);

#endif /* EXT4RACE_CONFINE_H */

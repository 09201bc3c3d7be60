/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of kernel functions, from /proc/kallsyms: which of them exist (for the
 * hook plan) and which one an address is in (for stacks).
 */
#ifndef EXT4RACE_KSYMS_H
#define EXT4RACE_KSYMS_H

#include <stddef.h>
#include <stdint.h>

#define KSYM_NAME_LEN 512 /* KSYM_NAME_LEN of 6.1 and later (b8a94bfb3395) */

struct ksyms;

/*
 * A handle on the symbols of /proc/kallsyms (_from: of path, NULL for the same); NULL
 * on ENOMEM. Nothing is read before the first ksyms_name(); from then on it takes
 * about 40 bytes a function.
 */
struct ksyms *ksyms_load(void);
struct ksyms *ksyms_load_from(const char *path);
void ksyms_free(struct ksyms *ksyms);

/*
 * "ext4_da_get_block_prep+0x1f [ext4]" into buf, or "0xffff..." when there is no
 * name to be had. Returns buf.
 */
const char *ksyms_name(struct ksyms *ksyms, uint64_t addr, char *buf, size_t size);

/* Why names cannot be had, in one line for a person; NULL when they can. */
const char *ksyms_note(struct ksyms *ksyms);

/* How a function can be found. */
enum ksym_match {
	KSYM_ABSENT,
	KSYM_VARIANT, /* only with a compiler's suffix: ".isra.0", ".constprop.0" */
	KSYM_EXACT,
};

struct ksym_query {
	const char *name;
	enum ksym_match match;
	char variant[128]; /* full name of the first variant, for KSYM_VARIANT */
};

/*
 * Looks all n functions up in one pass over path (NULL: /proc/kallsyms), because
 * the kernel takes tens of milliseconds to print its symbols. ".cold" and ".part.0"
 * are pieces of a function with other arguments and do not count. Works without
 * the privilege to see addresses. 0 or negative errno.
 */
int ksyms_find_all(const char *path, struct ksym_query *query, size_t n);

/*
 * The same for one function: 0 when it exists by this name, 1 when only a suffixed
 * variant does (its name in variant, unless that is NULL), -ENOENT, or another
 * negative errno.
 */
int ksyms_find(const char *name, char *variant, size_t size);

#endif /* EXT4RACE_KSYMS_H */

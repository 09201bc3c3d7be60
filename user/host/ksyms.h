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
 * A handle on the symbols of /proc/kallsyms (_from: of path; NULL means the same). NULL
 * on ENOMEM. The caller frees it with ksyms_free(). The first ksyms_name() reads the
 * symbols; from then on they take about 40 bytes a function.
 */
struct ksyms *ksyms_load(void);
struct ksyms *ksyms_load_from(const char *path);
void ksyms_free(struct ksyms *ksyms);

/*
 * Writes "ext4_da_get_block_prep+0x1f [ext4]" into buf, or the address "0xffff..." when
 * no name is known: the symbols cannot be read, are hidden, or none is near. Returns buf.
 */
const char *ksyms_name(struct ksyms *ksyms, uint64_t addr, char *buf, size_t size);

/* How a function can be found. */
enum ksym_match {
	KSYM_ABSENT,
	KSYM_VARIANT, /* only with a compiler's suffix: ".isra.0", ".constprop.0" */
	KSYM_EXACT,
};

#define KSYM_VARIANT_LEN 128

struct ksym_query {
	const char *name; /* the caller's */
	enum ksym_match match;
	char variant[KSYM_VARIANT_LEN]; /* KSYM_VARIANT: full name of the first one, or empty */
};

#define KSYM_ANSWERS_MAX 64

/* Answers that are kept, because a pass over the symbols takes long. */
struct ksym_answers {
	size_t n;	 /* names */
	size_t answered; /* the first so many; the others wait for a pass */
	struct ksym_query query[KSYM_ANSWERS_MAX];
};

/*
 * Looks up all n functions in one pass over path (NULL: /proc/kallsyms), because the
 * kernel takes tens of milliseconds to print its symbols. ".cold" and ".part.0" are
 * pieces of a function with other arguments and do not count. It needs no privilege to
 * see addresses. 0 or negative errno.
 */
int ksyms_find_all(const char *path, struct ksym_query *query, size_t n);

#endif /* EXT4RACE_KSYMS_H */

// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array_size.h"
#include "host/kallsyms.h"
#include "host/ksyms.h"

/* An address further behind a symbol than this is not in its function, but in a gap. */
#define FUNCTION_MAX (1UL << 20)

/* Packed, because there are 60 000 of them, and the monitor should stay small. */
struct ksym {
	uint64_t addr;
	uint32_t name; /* offset in names */
} __attribute__((packed));

struct ksyms {
	char *path; /* NULL: KALLSYMS */
	bool loaded;
	struct ksym *sym;
	size_t n, room;
	char *names; /* "name\0" or "name [module]\0", one after the other */
	size_t names_len, names_room;
};

/* False for data and for the padding before a function, which is half of all symbols. */
static bool is_function(const struct kallsyms_line *line)
{
	return strchr("tTwW", line->type) &&
	       strncmp(line->name, KALLSYMS_PADDING, strlen(KALLSYMS_PADDING));
}

/*
 * Returns the array with room for need items, or NULL on ENOMEM. It doubles the room:
 * the part that nobody touches costs no memory.
 */
static void *grow(void *array, size_t *room, size_t need, size_t size)
{
	size_t more = *room ? *room : 4096;

	while (more < need)
		more *= 2;
	if (more == *room)
		return array;
	array = reallocarray(array, more, size);
	if (array)
		*room = more;
	return array;
}

static int append(void *arg, const struct kallsyms_line *line)
{
	size_t len = strlen(line->name) + (line->module ? strlen(line->module) + 3 : 0) + 1;
	struct ksyms *k = arg;
	void *grown;

	if (!is_function(line) || !line->addr)
		return 0;
	if (k->names_len + len > UINT32_MAX)
		return -E2BIG;
	grown = grow(k->sym, &k->room, k->n + 1, sizeof(*k->sym));
	if (!grown)
		return -ENOMEM;
	k->sym = grown;
	grown = grow(k->names, &k->names_room, k->names_len + len, 1);
	if (!grown)
		return -ENOMEM;
	k->names = grown;
	k->sym[k->n++] = (struct ksym){ line->addr, k->names_len };
	if (line->module)
		sprintf(k->names + k->names_len, "%s [%s]", line->name, line->module);
	else
		strcpy(k->names + k->names_len, line->name);
	k->names_len += len;
	return 0;
}

static int compare(const void *va, const void *vb)
{
	const struct ksym *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	/* Aliases stay in the kernel's order. */
	return a->name < b->name ? -1 : a->name > b->name;
}

static bool is_sorted(const struct ksyms *k)
{
	size_t i;

	for (i = 1; i < k->n; i++) {
		if (compare(&k->sym[i - 1], &k->sym[i]) > 0)
			return false;
	}
	return true;
}

/* Gives back the room that doubling took and nothing uses. */
static void shrink(struct ksyms *k)
{
	void *p = k->n ? reallocarray(k->sym, k->n, sizeof(*k->sym)) : NULL;

	if (p)
		k->sym = p;
	p = k->names_len ? realloc(k->names, k->names_len) : NULL;
	if (p)
		k->names = p;
}

static void load(struct ksyms *k)
{
	if (k->loaded)
		return;
	k->loaded = true;
	/* Half of the names would give the other half's addresses to the wrong ones. */
	if (kallsyms_each(k->path, append, k))
		k->n = 0;
	if (!is_sorted(k))
		qsort(k->sym, k->n, sizeof(*k->sym), compare);
	shrink(k);
}

struct ksyms *ksyms_load_from(const char *path)
{
	struct ksyms *k = calloc(1, sizeof(*k));

	if (k && path) {
		k->path = strdup(path);
		if (!k->path) {
			free(k);
			return NULL;
		}
	}
	return k;
}

struct ksyms *ksyms_load(void)
{
	return ksyms_load_from(NULL);
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	free(k->path);
	free(k->sym);
	free(k->names);
	free(k);
}

/* The first of the symbols at the highest address not above addr. */
static const struct ksym *find(const struct ksyms *k, uint64_t addr)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (k->sym[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr - k->sym[low - 1].addr >= FUNCTION_MAX)
		return NULL;
	for (low--; low && k->sym[low - 1].addr == k->sym[low].addr; low--)
		;
	return &k->sym[low];
}

const char *ksyms_name(struct ksyms *k, uint64_t addr, char *buf, size_t size)
{
	const struct ksym *sym;
	const char *name;
	int len;

	load(k);
	sym = find(k, addr);
	if (!sym) {
		snprintf(buf, size, "0x%" PRIx64, addr);
		return buf;
	}
	name = k->names + sym->name;
	len = strcspn(name, " ");
	snprintf(buf, size, "%.*s+0x%" PRIx64 "%s", len, name, addr - sym->addr, name + len);
	return buf;
}

/* Whether the suffix is of a kind that leaves the whole function behind the name. */
static bool is_variant_suffix(const char *s)
{
	static const char *const kinds[] = { "isra", "constprop", "llvm", "lto_priv" };
	size_t i, len;

	while (*s == '.') {
		s++;
		len = strcspn(s, ".");
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (len == strlen(kinds[i]) && !strncmp(s, kinds[i], len))
				break;
		}
		if (i == ARRAY_SIZE(kinds))
			return false;
		s += len;
		/* Each is followed by its number. */
		if (*s != '.' || !isdigit((unsigned char)s[1]))
			return false;
		for (s++; isdigit((unsigned char)*s); s++)
			;
	}
	return !*s;
}

struct search {
	struct ksym_query *query;
	size_t n, exact;
};

static int match(void *arg, const struct kallsyms_line *line)
{
	struct search *search = arg;
	size_t i;

	for (i = 0; i < search->n; i++) {
		struct ksym_query *q = &search->query[i];
		size_t len;

		/* This sorts out nearly all of the kernel's 100 000 symbols. */
		if (*line->name != *q->name || q->match == KSYM_EXACT)
			continue;
		len = strlen(q->name);
		if (strncmp(line->name, q->name, len) || !is_function(line))
			continue;
		if (!line->name[len]) {
			q->match = KSYM_EXACT;
			q->variant[0] = '\0';
			search->exact++;
		} else if (q->match == KSYM_ABSENT && line->name[len] == '.' &&
			   is_variant_suffix(line->name + len) &&
			   strlen(line->name) < sizeof(q->variant)) {
			q->match = KSYM_VARIANT;
			strcpy(q->variant, line->name);
		}
	}
	/* When all are exact nothing can change any more: the kernel need not print the rest. */
	return search->exact == search->n;
}

int ksyms_find_all(const char *path, struct ksym_query *query, size_t n)
{
	struct search search = { .query = query, .n = n };
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		query[i].match = KSYM_ABSENT;
		query[i].variant[0] = '\0';
	}
	err = n ? kallsyms_each(path, match, &search) : 0;
	return err < 0 ? err : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/ksyms.h"

#define KALLSYMS "/proc/kallsyms"

/* An address further into a "function" lies in a gap between kernel and modules. */
#define FUNCTION_MAX (1UL << 20)

/* Packed: there are 60 000 of them in a monitor that should stay small. */
struct ksym {
	uint64_t addr;
	uint32_t name; /* offset in names */
} __attribute__((packed));

struct ksyms {
	char *path; /* NULL: KALLSYMS */
	bool loaded;
	int err;
	struct ksym *sym;
	size_t n, room;
	char *names; /* "name\0" or "name [module]\0", one after the other */
	size_t names_len, names_room;
};

struct line {
	uint64_t addr;
	char *name, *module; /* module without brackets, or NULL */
};

/* False for anything but a function: data, absolute symbols, odd lines. */
static bool parse_line(char *s, struct line *line)
{
	char *end;

	line->addr = strtoull(s, &end, 16);
	if (end == s || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
		return false;
	line->name = end + 3;
	end = line->name + strcspn(line->name, " \t\n");
	line->module = NULL;
	if (*end && *end != '\n') {
		*end++ = '\0';
		line->module = strchr(end, '[');
		if (line->module) {
			line->module++;
			end = line->module + strcspn(line->module, "]\n");
		}
	}
	*end = '\0';
	/* Padding before a function, since 6.2: half of all symbols, never on a stack. */
	return *line->name && strncmp(line->name, "__pfx_", 6);
}

/* Calls fn for every function until it returns non-zero; that is returned. */
static int for_each(const char *path, int (*fn)(void *, const struct line *), void *arg)
{
	FILE *file = fopen(path ? path : KALLSYMS, "re");
	char buffer[1 << 14];
	struct line parsed;
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	/* stdio would read 1 KiB at a time. */
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	errno = 0;
	while (!err && getline(&line, &size, file) > 0) {
		if (parse_line(line, &parsed))
			err = fn(arg, &parsed);
		errno = 0;
	}
	if (!err && (ferror(file) || !feof(file)))
		err = errno ? -errno : -EIO;
	free(line);
	fclose(file);
	return err;
}

/*
 * The array with room for need items, NULL on ENOMEM. Doubled, because what is not
 * touched of it costs no memory.
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

static int append(void *arg, const struct line *line)
{
	size_t len = strlen(line->name) + (line->module ? strlen(line->module) + 3 : 0) + 1;
	struct ksyms *k = arg;
	void *grown;

	/* Hidden by kptr_restrict. */
	if (!line->addr)
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

/* Gives back what doubling took too much. */
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
	k->err = for_each(k->path, append, k);
	if (k->err)
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

const char *ksyms_note(struct ksyms *k)
{
	load(k);
	if (k->err)
		return "stacks are addresses: cannot read " KALLSYMS;
	if (!k->n)
		return "stacks are addresses: kernel.kptr_restrict hides the symbols, set it to 1 "
		       "or 0";
	return NULL;
}

/* Only suffixes that leave the whole function behind the name. */
static bool is_variant_suffix(const char *s)
{
	static const char *const kinds[] = { "isra", "constprop", "llvm", "lto_priv" };
	size_t i, len;

	while (*s == '.') {
		s++;
		len = strcspn(s, ".");
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (len == strlen(kinds[i]) && !strncmp(s, kinds[i], len))
				break;
		}
		if (i == sizeof(kinds) / sizeof(kinds[0]))
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

static int match(void *arg, const struct line *line)
{
	struct search *search = arg;
	size_t i;

	for (i = 0; i < search->n; i++) {
		struct ksym_query *q = &search->query[i];
		size_t len = strlen(q->name);

		if (q->match == KSYM_EXACT || strncmp(line->name, q->name, len))
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
	/* Nothing can change any more: spare the kernel the rest. */
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
	err = n ? for_each(path, match, &search) : 0;
	return err < 0 ? err : 0;
}

int ksyms_find(const char *name, char *variant, size_t size)
{
	struct ksym_query query = { .name = name };
	int err = ksyms_find_all(NULL, &query, 1);

	if (err)
		return err;
	if (query.match == KSYM_EXACT)
		return 0;
	if (query.match == KSYM_ABSENT)
		return -ENOENT;
	if (variant)
		snprintf(variant, size, "%s", query.variant);
	return 1;
}

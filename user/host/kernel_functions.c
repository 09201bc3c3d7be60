// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "host/btf_types.h"
#include "host/kernel_functions.h"
#include "host/ksyms.h"

static unsigned int size_of_type(const struct btf *btf, unsigned int id)
{
	long long size = btf__resolve_size(btf, id);

	return size < 0 ? 0 : size;
}

static bool func_from_btf(const struct btf *btf, const char *name, struct kernel_func *func)
{
	const struct btf_type *t, *proto;
	int id, i;

	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -ENOENT;
	if (id < 0)
		return false;
	t = btf__type_by_id(btf, id);
	proto = btf__type_by_id(btf, t->type);
	if (!proto || !btf_is_func_proto(proto))
		return false;
	func->nargs = btf_vlen(proto);
	func->returns_void = !proto->type;
	for (i = 0; i < func->nargs && i < 6; i++)
		func->arg_size[i] = size_of_type(btf, btf_params(proto)[i].type);
	return true;
}

/* The place of a name that was announced, or symbols->n. */
static size_t place_of(const struct ksym_answers *symbols, const char *name)
{
	size_t i;

	for (i = 0; i < symbols->n && strcmp(symbols->query[i].name, name) != 0; i++)
		;
	return i;
}

/* The running kernel's BTF, ext4's module included. */
static bool in_btf(const struct kernel *kernel, const char *name, unsigned int kind)
{
	return btf_has_type(kernel_module_btf(kernel), name, kind) ||
	       btf_has_type(kernel_vmlinux_btf(kernel), name, kind);
}

static bool is_typed_tracepoint(const struct kernel *kernel, const char *name)
{
	char symbol[128];

	snprintf(symbol, sizeof(symbol), "btf_trace_%s", name);
	return in_btf(kernel, symbol, BTF_KIND_TYPEDEF);
}

void kernel_expect(const struct kernel *kernel, const char *const *names, size_t n)
{
	struct ksym_answers *symbols = kernel->symbols;
	size_t i;

	for (i = 0; i < n && symbols->n < KSYM_ANSWERS_MAX; i++) {
		if (place_of(symbols, names[i]) == symbols->n)
			symbols->query[symbols->n++].name = names[i];
	}
}

/*
 * Answers a query from what is known already, or by a pass, which then answers for all names
 * that were announced. 0 or negative errno.
 */
static int find_symbol(const struct kernel *kernel, const char *name, struct ksym_query *query)
{
	struct ksym_answers *symbols = kernel->symbols;
	size_t place = place_of(symbols, name);
	int err;

	if (place == symbols->n) {
		query->name = name;
		return ksyms_find_all(NULL, query, 1);
	}
	if (place >= symbols->answered) {
		err = ksyms_find_all(NULL, &symbols->query[symbols->answered],
				     symbols->n - symbols->answered);
		if (err)
			return err;
		symbols->answered = symbols->n;
	}
	*query = symbols->query[place];
	return 0;
}

int kernel_func(const struct kernel *kernel, const char *name, struct kernel_func *func)
{
	struct ksym_query query;
	int err;

	memset(func, 0, sizeof(*func));
	func->nargs = -1;
	func->in_btf = func_from_btf(kernel_module_btf(kernel), name, func) ||
		       func_from_btf(kernel_vmlinux_btf(kernel), name, func);
	if (func->in_btf) {
		/* A function in BTF has a symbol, because pahole starts from the symbols. */
		func->is_symbol = true;
		/* Attaching by it takes more rights than this process has. */
		func->in_btf = !kernel->btf_joined;
		return 0;
	}
	func_from_btf(kernel_custom_btf(kernel), name, func);
	err = find_symbol(kernel, name, &query);
	if (err)
		return err;
	func->is_symbol = query.match == KSYM_EXACT;
	strcpy(func->variant, query.variant);
	return 0;
}

bool kernel_tracepoint(const struct kernel *kernel, const char *name, bool *typed)
{
	char symbol[128], path[PATH_MAX];
	struct ksym_query query;

	*typed = is_typed_tracepoint(kernel, name);
	if (*typed) {
		*typed = !kernel->btf_joined;
		return true;
	}
	snprintf(symbol, sizeof(symbol), "events/ext4/%s", name);
	if (kernel_tracefs(symbol, path, sizeof(path)))
		return true;
	/* Where ext4's tracepoints are listed, one that is not there does not exist. */
	if (kernel_tracefs("events/ext4", path, sizeof(path)))
		return false;
	snprintf(symbol, sizeof(symbol), KERNEL_TRACEITER "%s", name);
	return !find_symbol(kernel, symbol, &query) && query.match == KSYM_EXACT;
}

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

static const struct ksym_query *known_symbol(const struct kernel *kernel, const char *name)
{
	const struct ksym_answers *symbols = kernel->symbols;
	size_t i;

	for (i = 0; i < symbols->n; i++) {
		if (!strcmp(symbols->query[i].name, name))
			return &symbols->query[i];
	}
	return NULL;
}

/* The running kernel's BTF, ext4's module included. */
static bool in_btf(const struct kernel *kernel, const char *name, unsigned int kind)
{
	return btf_has_type(kernel->module, name, kind) ||
	       btf_has_type(kernel->vmlinux, name, kind);
}

static bool is_typed_tracepoint(const struct kernel *kernel, const char *name)
{
	char symbol[128];

	snprintf(symbol, sizeof(symbol), "btf_trace_%s", name);
	return in_btf(kernel, symbol, BTF_KIND_TYPEDEF);
}

static bool btf_answers(const struct kernel *kernel, const char *name)
{
	size_t prefix = strlen(KERNEL_TRACEITER);

	if (!strncmp(name, KERNEL_TRACEITER, prefix))
		return is_typed_tracepoint(kernel, name + prefix);
	return in_btf(kernel, name, BTF_KIND_FUNC);
}

void kernel_expect(const struct kernel *kernel, const char *const *names, size_t n)
{
	struct ksym_answers *symbols = kernel->symbols;
	size_t i, first = symbols->n;

	for (i = 0; i < n && symbols->n < KSYM_ANSWERS_MAX; i++) {
		if (!known_symbol(kernel, names[i]) && !btf_answers(kernel, names[i]))
			symbols->query[symbols->n++].name = names[i];
	}
	if (symbols->n > first && ksyms_find_all(NULL, &symbols->query[first], symbols->n - first))
		symbols->n = first; /* whoever needs a name asks again, and gets the error */
}

/* Answers a query from what is known already, or by a pass. 0 or negative errno. */
static int find_symbol(const struct kernel *kernel, const char *name, struct ksym_query *query)
{
	const struct ksym_query *known = known_symbol(kernel, name);

	if (known) {
		*query = *known;
		return 0;
	}
	query->name = name;
	return ksyms_find_all(NULL, query, 1);
}

int kernel_func(const struct kernel *kernel, const char *name, struct kernel_func *func)
{
	struct ksym_query query;
	int err;

	memset(func, 0, sizeof(*func));
	func->nargs = -1;
	func->in_btf = func_from_btf(kernel->module, name, func) ||
		       func_from_btf(kernel->vmlinux, name, func);
	if (func->in_btf) {
		/* A function in BTF has a symbol, because pahole starts from the symbols. */
		func->is_symbol = true;
		return 0;
	}
	func_from_btf(kernel->custom, name, func);
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
	if (*typed)
		return true;
	snprintf(symbol, sizeof(symbol), "events/ext4/%s", name);
	if (kernel_tracefs(symbol, path, sizeof(path)))
		return true;
	snprintf(symbol, sizeof(symbol), KERNEL_TRACEITER "%s", name);
	return !find_symbol(kernel, symbol, &query) && query.match == KSYM_EXACT;
}

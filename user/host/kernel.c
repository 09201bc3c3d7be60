// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/kernel.h"
#include "host/ksyms.h"

#define SYMBOLS_MAX 64

/* What /proc/kallsyms said about names asked for before. */
struct kernel_symbols {
	size_t n;
	struct ksym_query query[SYMBOLS_MAX];
};

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* "none [integrity] confidentiality": the one in brackets. */
static void read_lockdown(char *buf, size_t size)
{
	char line[128] = "", *from, *to;
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	snprintf(buf, size, "unknown");
	if (!f)
		return;
	if (fgets(line, sizeof(line), f)) {
		from = strchr(line, '[');
		to = from ? strchr(from, ']') : NULL;
		if (to)
			snprintf(buf, size, "%.*s", (int)(to - from - 1), from + 1);
	}
	fclose(f);
}

static bool has_type(const struct btf *btf, const char *name, unsigned int kind)
{
	return btf && btf__find_by_name_kind(btf, name, kind) > 0;
}

bool kernel_btf_has_member(const struct btf *btf, const char *type, const char *member)
{
	const struct btf_type *t;
	int id, i;

	id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT) : -ENOENT;
	if (id < 0)
		return false;
	t = btf__type_by_id(btf, id);
	for (i = 0; i < btf_vlen(t); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	}
	return false;
}

static bool has_ext4_types(const struct btf *btf)
{
	return has_type(btf, "ext4_inode_info", BTF_KIND_STRUCT) &&
	       has_type(btf, "extent_status", BTF_KIND_STRUCT);
}

const struct btf *kernel_ext4_btf(const struct kernel *kernel)
{
	if (has_ext4_types(kernel->custom))
		return kernel->custom;
	if (has_ext4_types(kernel->module))
		return kernel->module;
	if (has_ext4_types(kernel->vmlinux))
		return kernel->vmlinux;
	return NULL;
}

const char *btf_source_name(enum btf_source source)
{
	static const char *const names[] = {
		[BTF_NONE] = "none",	   [BTF_VMLINUX] = "vmlinux", [BTF_MODULE] = "module",
		[BTF_BUNDLED] = "bundled", [BTF_FILE] = "file",
	};

	return names[source];
}

static int open_custom(struct kernel *kernel, const char *file, char *why, size_t why_size)
{
	struct stat st;
	int err;

	if (strlen(file) >= sizeof(kernel->btf_path)) {
		snprintf(why, why_size, "--btf: the file's name is too long");
		return -ENAMETOOLONG;
	}
	/* A pipe would block, and libbpf calls a directory an I/O error. */
	if (!stat(file, &st) && !S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "--btf %s: not a regular file", file);
		return -EINVAL;
	}
	kernel->custom = btf__parse(file, NULL);
	if (kernel->custom) {
		strcpy(kernel->btf_path, file);
		return 0;
	}
	err = -errno;
	/* libbpf has errors of its own, beyond errno's: all of them mean the format. */
	if (err <= -__LIBBPF_ERRNO__START)
		err = -EINVAL;
	snprintf(why, why_size, "--btf %s: %s", file,
		 err == -ENOENT ? "no such file, or no BTF in it" :
		 err == -EINVAL ? "neither BTF nor an ELF file with BTF" :
				  strerror(-err));
	return err ? err : -EINVAL;
}

/*
 * A bundled BTF is good for exactly the build that it was made from. It stands
 * beside the program, in the tree, or where it was installed with it.
 */
static void open_bundled(struct kernel *kernel)
{
	static const char *const dirs[] = { "btf", "../share/ext4race-detect/btf" };
	char exe[PATH_MAX], file[PATH_MAX + 128], why[128], *slash;
	ssize_t len;
	size_t i;

	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = 0;
	slash = strrchr(exe, '/');
	if (!slash)
		return;
	*slash = 0;
	for (i = 0; i < 2 && !kernel->custom; i++) {
		snprintf(file, sizeof(file), "%s/%s/%s.btf", exe, dirs[i], kernel->release);
		if (exists(file))
			open_custom(kernel, file, why, sizeof(why));
	}
}

static enum btf_source source_of(const struct kernel *kernel, const struct btf *ext4,
				 const char *btf_file)
{
	if (!ext4)
		return BTF_NONE;
	if (ext4 == kernel->custom)
		return btf_file ? BTF_FILE : BTF_BUNDLED;
	return ext4 == kernel->module ? BTF_MODULE : BTF_VMLINUX;
}

int kernel_open(struct kernel *kernel, const char *btf_file, char *why, size_t why_size)
{
	const struct btf *ext4;
	struct utsname uts;
	int err;

	memset(kernel, 0, sizeof(*kernel));
	kernel->symbols = calloc(1, sizeof(*kernel->symbols));
	if (!kernel->symbols)
		return -ENOMEM;
	/* What is missing is said once, by who needs it. */
	libbpf_set_print(NULL);
	if (!uname(&uts))
		snprintf(kernel->release, sizeof(kernel->release), "%s", uts.release);
	read_lockdown(kernel->lockdown, sizeof(kernel->lockdown));
	kernel->vmlinux = btf__load_vmlinux_btf();
	if (kernel->vmlinux && exists("/sys/kernel/btf/ext4"))
		kernel->module = btf__load_module_btf("ext4", kernel->vmlinux);
	if (btf_file && strcmp(btf_file, "none")) {
		err = open_custom(kernel, btf_file, why, why_size);
		if (err)
			goto fail;
		if (!has_ext4_types(kernel->custom)) {
			snprintf(why, why_size, "--btf %s: does not describe ext4's structures",
				 btf_file);
			err = -EINVAL;
			goto fail;
		}
	}
	if (!btf_file && !kernel_ext4_btf(kernel))
		open_bundled(kernel);
	kernel->ext4_is_module = exists("/sys/module/ext4/initstate");
	kernel->ext4_here = kernel->ext4_is_module || exists("/sys/fs/ext4");
	kernel->has_kprobes = exists("/sys/bus/event_source/devices/kprobe");
	kernel->has_livepatch = exists("/sys/kernel/livepatch");
	kernel->livepatch_shares = has_type(kernel->vmlinux, "ftrace_ops_cmd", BTF_KIND_ENUM);
	ext4 = kernel_ext4_btf(kernel);
	kernel->ext4_types = ext4;
	kernel->ext4_btf = source_of(kernel, ext4, btf_file);
	kernel->has_invalidate_lock = kernel_btf_has_member(kernel->vmlinux, "address_space",
							    "invalidate_lock");
	kernel->tracepoints_late = kernel_btf_has_member(ext4, "ext4_inode_info", "i_es_seq");
	return 0;
fail:
	kernel_close(kernel);
	return err;
}

void kernel_forget_btf(struct kernel *kernel)
{
	btf__free(kernel->custom);
	btf__free(kernel->module);
	btf__free(kernel->vmlinux);
	kernel->custom = kernel->module = kernel->vmlinux = NULL;
	/* It was most of the heap; without this the pages stay with the process. */
	malloc_trim(0);
}

void kernel_close(struct kernel *kernel)
{
	kernel_forget_btf(kernel);
	free(kernel->symbols);
	memset(kernel, 0, sizeof(*kernel));
}

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
	const struct kernel_symbols *symbols = kernel->symbols;
	size_t i;

	for (i = 0; i < symbols->n; i++) {
		if (!strcmp(symbols->query[i].name, name))
			return &symbols->query[i];
	}
	return NULL;
}

static bool btf_answers(const struct kernel *kernel, const char *name)
{
	char typedef_name[128];

	if (!strncmp(name, KERNEL_TRACEITER, strlen(KERNEL_TRACEITER))) {
		snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s",
			 name + strlen(KERNEL_TRACEITER));
		return has_type(kernel->module, typedef_name, BTF_KIND_TYPEDEF) ||
		       has_type(kernel->vmlinux, typedef_name, BTF_KIND_TYPEDEF);
	}
	return has_type(kernel->module, name, BTF_KIND_FUNC) ||
	       has_type(kernel->vmlinux, name, BTF_KIND_FUNC);
}

void kernel_expect(const struct kernel *kernel, const char *const *names, size_t n)
{
	struct kernel_symbols *symbols = kernel->symbols;
	size_t i, first = symbols->n;

	for (i = 0; i < n && symbols->n < SYMBOLS_MAX; i++) {
		if (!known_symbol(kernel, names[i]) && !btf_answers(kernel, names[i]))
			symbols->query[symbols->n++].name = names[i];
	}
	if (symbols->n > first && ksyms_find_all(NULL, &symbols->query[first], symbols->n - first))
		symbols->n = first; /* each asks again, and gets the error */
}

/* As ksyms_find(), from what is known already if it is. */
static int find_symbol(const struct kernel *kernel, const char *name, char *variant, size_t size)
{
	const struct ksym_query *query = known_symbol(kernel, name);

	if (!query)
		return ksyms_find(name, variant, size);
	if (query->match == KSYM_VARIANT && variant)
		snprintf(variant, size, "%s", query->variant);
	return query->match == KSYM_EXACT ? 0 : query->match == KSYM_VARIANT ? 1 : -ENOENT;
}

int kernel_func(const struct kernel *kernel, const char *name, struct kernel_func *func)
{
	int err;

	memset(func, 0, sizeof(*func));
	func->nargs = -1;
	func->in_btf = func_from_btf(kernel->module, name, func) ||
		       func_from_btf(kernel->vmlinux, name, func);
	if (func->in_btf) {
		/* A function with BTF has a symbol: pahole takes it from there. */
		func->is_symbol = true;
		return 0;
	}
	func_from_btf(kernel->custom, name, func);
	err = find_symbol(kernel, name, func->variant, sizeof(func->variant));
	func->is_symbol = err == 0;
	return err < 0 && err != -ENOENT ? err : 0;
}

bool kernel_tracefs(const char *name, char *path, size_t size)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, size, "%s/%s", roots[i], name);
		if (!access(path, R_OK))
			return true;
	}
	return false;
}

bool kernel_tracepoint(const struct kernel *kernel, const char *name, bool *typed)
{
	char symbol[128], path[PATH_MAX];

	snprintf(symbol, sizeof(symbol), "btf_trace_%s", name);
	*typed = has_type(kernel->module, symbol, BTF_KIND_TYPEDEF) ||
		 has_type(kernel->vmlinux, symbol, BTF_KIND_TYPEDEF);
	if (*typed)
		return true;
	snprintf(symbol, sizeof(symbol), "events/ext4/%s", name);
	if (kernel_tracefs(symbol, path, sizeof(path)))
		return true;
	snprintf(symbol, sizeof(symbol), KERNEL_TRACEITER "%s", name);
	return find_symbol(kernel, symbol, NULL, 0) == 0;
}

bool kernel_capable(unsigned int cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, cap) == 1;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array_size.h"
#include "host/btf_types.h"
#include "host/bundled_btf.h"
#include "host/joined_btf.h"
#include "host/kernel.h"
#include "host/ksyms.h"

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

struct kernel_btf {
	bool own_read; /* vmlinux and module are here, as far as there are any */
	struct btf *vmlinux;
	struct btf *module;
	struct btf *custom;
};

static void read_own_btf(struct kernel_btf *btf)
{
	if (btf->own_read)
		return;
	btf->own_read = true;
	btf->vmlinux = btf__load_vmlinux_btf();
	if (btf->vmlinux && exists("/sys/kernel/btf/ext4"))
		btf->module = btf__load_module_btf("ext4", btf->vmlinux);
}

const struct btf *kernel_vmlinux_btf(const struct kernel *kernel)
{
	read_own_btf(kernel->btf);
	return kernel->btf->vmlinux;
}

const struct btf *kernel_module_btf(const struct kernel *kernel)
{
	read_own_btf(kernel->btf);
	return kernel->btf->module;
}

const struct btf *kernel_custom_btf(const struct kernel *kernel)
{
	return kernel->btf->custom;
}

void kernel_drop_own_btf(const struct kernel *kernel)
{
	struct kernel_btf *btf = kernel->btf;

	btf__free(btf->module);
	btf__free(btf->vmlinux);
	btf->module = btf->vmlinux = NULL;
	btf->own_read = false;
	/* It was most of the heap. malloc would keep the pages. */
	malloc_trim(0);
}

static bool has_ext4_types(const struct btf *btf)
{
	return btf_has_type(btf, "ext4_inode_info", BTF_KIND_STRUCT) &&
	       btf_has_type(btf, "extent_status", BTF_KIND_STRUCT);
}

/* The BTF that holds ext4's types, or NULL. */
static const struct btf *find_ext4_btf(const struct kernel *kernel)
{
	if (has_ext4_types(kernel_custom_btf(kernel)))
		return kernel_custom_btf(kernel);
	if (has_ext4_types(kernel_module_btf(kernel)))
		return kernel_module_btf(kernel);
	if (has_ext4_types(kernel_vmlinux_btf(kernel)))
		return kernel_vmlinux_btf(kernel);
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
	kernel->btf->custom = btf__parse(file, NULL);
	if (kernel->btf->custom) {
		strcpy(kernel->btf_path, file);
		return 0;
	}
	err = -errno;
	/* libbpf has error numbers of its own, above errno's. All of them mean the format. */
	if (err <= -__LIBBPF_ERRNO__START)
		err = -EINVAL;
	snprintf(why, why_size, "--btf %s: %s", file,
		 err == -ENOENT ? "no such file, or no BTF in it" :
		 err == -EINVAL ? "neither BTF nor an ELF file with BTF" :
				  strerror(-err));
	return err ? err : -EINVAL;
}

/*
 * A bundled BTF is good for exactly the build that it was made from. In the source tree it
 * is in btf/ beside the program; installed, it is in share/. Those that were there when the
 * program was built are inside it as well: the static program has no files beside it.
 */
static void open_bundled(struct kernel *kernel)
{
	static const char *const dirs[] = { "btf", "../share/ext4race-detect/btf" };
	char exe[PATH_MAX], file[PATH_MAX + 128], why[128], *slash;
	ssize_t len;
	size_t i;
	int fd;

	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = 0;
	slash = strrchr(exe, '/');
	if (!slash)
		return;
	*slash = 0;
	for (i = 0; i < ARRAY_SIZE(dirs) && !kernel->btf->custom; i++) {
		snprintf(file, sizeof(file), "%s/%s/%s.btf", exe, dirs[i], kernel->release);
		if (exists(file))
			open_custom(kernel, file, why, sizeof(why));
	}
	fd = kernel->btf->custom ? -1 : bundled_btf_open(kernel->release);
	if (fd < 0)
		return;
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	kernel->btf_inside = !open_custom(kernel, file, why, sizeof(why));
	if (kernel->btf_inside)
		kernel->btf_fd = fd;
	else
		close(fd);
}

/* What libbpf may not look for gets a file. If that fails the loader says what it misses. */
static void open_joined(struct kernel *kernel)
{
	int fd;

	if (joined_btf_is_superfluous())
		return;
	fd = joined_btf_open("/sys/kernel/btf/vmlinux", "/sys/kernel/btf/ext4");
	if (fd < 0)
		return;
	snprintf(kernel->btf_path, sizeof(kernel->btf_path), "/proc/self/fd/%d", fd);
	kernel->btf_joined = true;
	kernel->btf_fd = fd;
}

static void close_joined(struct kernel *kernel)
{
	if (!kernel->btf_joined)
		return;
	close(kernel->btf_fd);
	kernel->btf_joined = false;
	kernel->btf_path[0] = 0;
}

static enum btf_source source_of(const struct kernel *kernel, const struct btf *ext4,
				 const char *btf_file)
{
	if (!ext4)
		return BTF_NONE;
	if (ext4 == kernel_custom_btf(kernel))
		return btf_file ? BTF_FILE : BTF_BUNDLED;
	return ext4 == kernel_module_btf(kernel) ? BTF_MODULE : BTF_VMLINUX;
}

/* The host's, also from within a container that sees its processes. */
static bool root_is_ext4(void)
{
	struct statfs fs;

	return (!statfs("/proc/1/root", &fs) || !statfs("/", &fs)) && fs.f_type == EXT4_SUPER_MAGIC;
}

int kernel_open(struct kernel *kernel, const char *btf_file, char *why, size_t why_size)
{
	const struct btf *ext4, *vmlinux;
	struct utsname uts;
	int err;

	memset(kernel, 0, sizeof(*kernel));
	kernel->symbols = calloc(1, sizeof(*kernel->symbols));
	kernel->btf = calloc(1, sizeof(*kernel->btf));
	if (!kernel->symbols || !kernel->btf) {
		snprintf(why, why_size, "%s", strerror(ENOMEM));
		err = -ENOMEM;
		goto fail;
	}
	/* libbpf stays silent: whoever needs what is missing says so. */
	libbpf_set_print(NULL);
	if (!uname(&uts))
		snprintf(kernel->release, sizeof(kernel->release), "%s", uts.release);
	read_lockdown(kernel->lockdown, sizeof(kernel->lockdown));
	if (btf_file && strcmp(btf_file, "none")) {
		err = open_custom(kernel, btf_file, why, why_size);
		if (err)
			goto fail;
		if (!has_ext4_types(kernel->btf->custom)) {
			snprintf(why, why_size, "--btf %s: does not describe ext4's structures",
				 btf_file);
			err = -EINVAL;
			goto fail;
		}
	}
	ext4 = find_ext4_btf(kernel);
	if (!btf_file && !ext4) {
		open_bundled(kernel);
		ext4 = find_ext4_btf(kernel);
	}
	kernel->ext4_is_module = exists("/sys/module/ext4/initstate");
	kernel->ext4_may_go = kernel->ext4_is_module && !root_is_ext4();
	kernel->ext4_here = kernel->ext4_is_module || exists("/sys/fs/ext4");
	kernel->has_kprobes = exists("/sys/bus/event_source/devices/kprobe");
	kernel->has_livepatch = exists("/sys/kernel/livepatch");
	kernel->ext4_types = ext4;
	kernel->ext4_btf = source_of(kernel, ext4, btf_file);
	if (kernel->ext4_btf == BTF_MODULE)
		open_joined(kernel);
	kernel->tracepoints_late = btf_has_member(ext4, "ext4_inode_info", "i_es_seq");
	vmlinux = kernel_vmlinux_btf(kernel);
	kernel->has_vmlinux_btf = vmlinux;
	kernel->livepatch_shares = btf_has_type(vmlinux, "ftrace_ops_cmd", BTF_KIND_ENUM);
	kernel->has_invalidate_lock = btf_has_member(vmlinux, "address_space", "invalidate_lock");
	kernel->has_rdonly_cast = btf_has_type(vmlinux, "bpf_rdonly_cast", BTF_KIND_FUNC);
	kernel->guards_recursion = btf_has_member(vmlinux, "bpf_prog_info", "recursion_misses");
	return 0;
fail:
	kernel_close(kernel);
	return err;
}

void kernel_forget_btf(struct kernel *kernel)
{
	if (!kernel->btf)
		return;
	btf__free(kernel->btf->custom);
	kernel->btf->custom = NULL;
	close_joined(kernel);
	kernel_drop_own_btf(kernel);
}

void kernel_close(struct kernel *kernel)
{
	kernel_forget_btf(kernel);
	if (kernel->btf_inside)
		close(kernel->btf_fd);
	free(kernel->btf);
	free(kernel->symbols);
	memset(kernel, 0, sizeof(*kernel));
}

bool kernel_tracefs(const char *name, char *path, size_t size)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(path, size, "%s/%s", roots[i], name);
		/* access() asks for the real user's rights, and knows of no capability. */
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			return true;
		}
	}
	return false;
}

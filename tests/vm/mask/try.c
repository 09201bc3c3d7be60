// SPDX-License-Identifier: GPL-2.0-only
/*
 * try: what this kernel, or a mask of it, says to calls that older kernels refuse. Prints a
 * line for each: its name and the errno, 0 for success.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define SET(r, n)  INSN(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, n)
#define CALL(n)	   INSN(BPF_JMP | BPF_CALL, 0, 0, 0, n)
#define EXIT	   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LONG(r, s) INSN(BPF_LD | BPF_IMM | BPF_DW, r, s, 0, 0)
#define STACK_8	   INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

static struct btf *kernel;

static int bpf(int command, union bpf_attr *attr, unsigned int size)
{
	int ret = syscall(SYS_bpf, command, attr, size);

	return ret < 0 ? -errno : ret;
}

/* A descriptor is closed: only what was said counts. */
static void told(const char *name, int ret)
{
	if (ret > 0)
		close(ret);
	printf("%s %d\n", name, ret < 0 ? -ret : 0);
}

/* ---- maps ---- */

static int make_map(unsigned int type, unsigned int flags, unsigned int vmlinux_type)
{
	union bpf_attr attr = { .map_type = type,
				.key_size = type == BPF_MAP_TYPE_RINGBUF ? 0 : 4,
				.value_size = type == BPF_MAP_TYPE_RINGBUF ? 0 : 4,
				.max_entries = type == BPF_MAP_TYPE_RINGBUF ? 4096 : 1,
				.map_flags = flags,
				.btf_vmlinux_value_type_id = vmlinux_type };

	return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int make_map_with_tail(unsigned int size)
{
	unsigned char bytes[256] = { 0 };
	union bpf_attr *attr = (void *)bytes;

	*attr = (union bpf_attr){
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	bytes[size - 1] = 1;
	return bpf(BPF_MAP_CREATE, attr, size);
}

static void try_maps(void)
{
	told("map-array", make_map(BPF_MAP_TYPE_ARRAY, 0, 0));
	told("map-ringbuf", make_map(BPF_MAP_TYPE_RINGBUF, 0, 0));
	told("map-mmapable", make_map(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, 0));
	told("map-preserve", make_map(BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_F_PRESERVE_ELEMS, 0));
	told("attr-112", make_map_with_tail(112));
	told("attr-120", make_map_with_tail(120));
	told("attr-128", make_map_with_tail(128));
}

/* ---- programs ---- */

static int load(unsigned int type, unsigned int attach, unsigned int flags,
		const struct bpf_insn *insns, size_t count)
{
	static char log[65536];
	union bpf_attr attr = { .prog_type = type,
				.expected_attach_type = attach,
				.prog_flags = flags,
				.insns = (uintptr_t)insns,
				.insn_cnt = count,
				.license = (uintptr_t) "GPL",
				.log_buf = (uintptr_t)log,
				.log_size = sizeof(log),
				.log_level = 1 };
	int btf_id = 0;

	if (type == BPF_PROG_TYPE_TRACING && attach == BPF_TRACE_RAW_TP)
		btf_id = btf__find_by_name_kind(kernel, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	else if (type == BPF_PROG_TYPE_TRACING)
		btf_id = btf__find_by_name_kind(kernel, "vfs_read", BTF_KIND_FUNC);
	attr.attach_btf_id = btf_id;
	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int load_kprobe(const struct bpf_insn *insns, size_t count)
{
	return load(BPF_PROG_TYPE_KPROBE, 0, 0, insns, count);
}

static void try_types(void)
{
	struct bpf_insn nothing[] = { SET(0, 0), EXIT };

	told("prog-kprobe", load_kprobe(nothing, 2));
	told("prog-fentry", load(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0, nothing, 2));
	told("prog-tp_btf", load(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, nothing, 2));
	told("prog-raw_tp", load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, nothing, 2));
	told("prog-sk_lookup", load(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0, nothing, 2));
	told("prog-sleepable", load(BPF_PROG_TYPE_KPROBE, 0, BPF_F_SLEEPABLE, nothing, 2));
}

/* A helper that can be reached, and one that cannot: no verifier looks at that one. */
static void try_helpers(void)
{
	struct bpf_insn jiffies[] = { CALL(BPF_FUNC_jiffies64), SET(0, 0), EXIT };
	struct bpf_insn guarded[] = { SET(1, 1), INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1, 1),
				      CALL(BPF_FUNC_jiffies64), SET(0, 0), EXIT };
	struct bpf_insn snprintf_btf[] = { CALL(BPF_FUNC_snprintf_btf), SET(0, 0), EXIT };
	struct bpf_insn boot[] = { CALL(BPF_FUNC_ktime_get_ns), SET(0, 0), EXIT };

	told("helper-4.1", load_kprobe(boot, COUNT(boot)));
	told("helper-5.5", load_kprobe(jiffies, COUNT(jiffies)));
	told("helper-5.5-guarded", load_kprobe(guarded, COUNT(guarded)));
	told("helper-5.10", load_kprobe(snprintf_btf, COUNT(snprintf_btf)));
}

static void try_instructions(void)
{
	int var = btf__find_by_name_kind(kernel, "runqueues", BTF_KIND_VAR);
	struct bpf_insn ksym[] = { LONG(1, BPF_PSEUDO_BTF_ID), INSN(0, 0, 0, 0, 0), SET(0, 0),
				   EXIT };
	struct bpf_insn fetch[] = { STACK_8, SET(1, 1),
				    INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_10, 1, -8,
					 BPF_ADD | BPF_FETCH),
				    SET(0, 0), EXIT };
	struct bpf_insn add[] = { STACK_8, SET(1, 1),
				  INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_10, 1, -8, BPF_ADD),
				  SET(0, 0), EXIT };

	ksym[0].imm = var;
	told("insn-ksym", load_kprobe(ksym, COUNT(ksym)));
	told("insn-add", load_kprobe(add, COUNT(add)));
	told("insn-fetch-add", load_kprobe(fetch, COUNT(fetch)));
}

/* Loads only where the verifier knows what a frozen map holds. */
static void try_constants(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
				.key_size = 4,
				.value_size = 4,
				.max_entries = 1,
				.map_flags = BPF_F_RDONLY_PROG };
	int map = bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), key = 0, seven = 7;
	struct bpf_insn insns[] = { LONG(1, BPF_PSEUDO_MAP_VALUE),
				    INSN(0, 0, 0, 0, 0),
				    INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, 0),
				    INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 7),
				    INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, BPF_REG_10, 8, 0),
				    SET(0, 0),
				    EXIT };

	insns[0].imm = map;
	if (bpf_map_update_elem(map, &key, &seven, 0))
		exit(1);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	told("freeze", bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)));
	told("constants", load_kprobe(insns, COUNT(insns)));
	close(map);
}

/* ---- BTF ---- */

static int load_btf(unsigned int kind, unsigned int vlen, bool flag)
{
	static const char strings[] = "\0f";
	struct {
		struct btf_header header;
		uint32_t types[64];
		char strings[sizeof(strings)];
	} data = { .header = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(data.header) } };
	uint32_t *at = data.types;
	union bpf_attr attr = { .btf = (uintptr_t)&data };

	*at++ = 1; /* int f */
	*at++ = BTF_KIND_INT << 24;
	*at++ = 4;
	*at++ = 32;
	*at++ = 0; /* void (void) */
	*at++ = BTF_KIND_FUNC_PROTO << 24;
	*at++ = 0;
	*at++ = kind == BTF_KIND_TYPE_TAG || kind == BTF_KIND_FUNC || kind == BTF_KIND_FLOAT;
	*at++ = kind << 24 | vlen | (uint32_t)flag << 31;
	*at++ = kind == BTF_KIND_FUNC ? 2 : kind == BTF_KIND_FLOAT ? 4 : 1;
	data.header.type_len = (at - data.types) * sizeof(*at);
	data.header.str_off = data.header.type_len;
	data.header.str_len = sizeof(strings);
	memcpy(at, strings, sizeof(strings));
	attr.btf_size = sizeof(data.header) + data.header.type_len + sizeof(strings);
	return bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
}

static void try_btf(void)
{
	told("btf-const", load_btf(BTF_KIND_CONST, 0, false));
	told("btf-static-function", load_btf(BTF_KIND_FUNC, BTF_FUNC_STATIC, false));
	told("btf-global-function", load_btf(BTF_KIND_FUNC, BTF_FUNC_GLOBAL, false));
	told("btf-float", load_btf(BTF_KIND_FLOAT, 0, false));
	told("btf-type-tag", load_btf(BTF_KIND_TYPE_TAG, 0, false));
}

/* ---- commands ---- */

static int run_raw_tp(unsigned int flags)
{
	struct bpf_insn nothing[] = { SET(0, 0), EXIT };
	int prog = load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, nothing, 2), err;
	uint64_t args[2] = { 0 };
	union bpf_attr attr = { .test = { .prog_fd = prog,
					  .ctx_in = (uintptr_t)args,
					  .ctx_size_in = sizeof(args),
					  .flags = flags } };

	err = bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	close(prog);
	return err;
}

static int link_create(unsigned int attach)
{
	union bpf_attr attr = { .link_create = {
					.prog_fd = -1, .target_fd = -1, .attach_type = attach } };

	return bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

static void try_commands(void)
{
	union bpf_attr attr = { .batch = { .map_fd = -1 } };

	told("run-raw_tp", run_raw_tp(0));
	told("run-raw_tp-on-cpu", run_raw_tp(BPF_F_TEST_RUN_ON_CPU));
	told("batch", bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)));
	told("link", link_create(BPF_TRACE_ITER));
	memset(&attr, 0, sizeof(attr));
	attr.prog_bind_map.prog_fd = -1;
	told("bind-map", bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)));
}

/* ---- privileges ---- */

static int effective(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	return data[capability / 32].effective & 1U << capability % 32 ? 0 : -EPERM;
}

/* A kernel asks for the privilege first, whatever is wrong besides. */
static int without_privilege(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (syscall(SYS_capset, &header, none))
			_exit(255);
		_exit(-link_create(BPF_TRACE_ITER));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static void try_privileges(void)
{
	FILE *file = fopen("/proc/sys/kernel/cap_last_cap", "r");
	int last = -1;

	told("cap-sys_admin", effective(CAP_SYS_ADMIN));
	told("cap-bpf", effective(CAP_BPF));
	told("cap-perfmon", effective(CAP_PERFMON));
	told("cap-bpf-bounding", prctl(PR_CAPBSET_READ, CAP_BPF, 0, 0, 0) < 0 ? -errno : 0);
	if (!file || fscanf(file, "%d", &last) != 1)
		last = -1;
	printf("cap-last %d\n", last);
	told("unprivileged", without_privilege());
}

int main(void)
{
	libbpf_set_print(NULL);
	kernel = btf__load_vmlinux_btf();
	if (!kernel) {
		fprintf(stderr, "try: the kernel has no BTF\n");
		return 1;
	}
	try_maps();
	try_types();
	try_helpers();
	try_instructions();
	try_constants();
	try_btf();
	try_commands();
	try_privileges();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * mask NAME COMMAND...: runs a command on this kernel as if bpf(2) were that of an older one.
 *
 * seccomp hands each bpf(2) of the command to a supervisor, which refuses what the older
 * kernel refuses, with that kernel's errno. This works with a static program, too. The
 * command keeps its process id; the supervisor ends with the last process that it watches.
 *
 * The verifier is this kernel's own: what an older verifier is too weak for is not refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "masks.h"

#define KERNEL_ENOTSUPP 524
#define CAP_SYS_ADMIN	21
#define CAP_BPF		39
/* No helper has such a number. Those of libbpf's marks are larger still, and stay. */
#define UNKNOWN_HELPER (1 << 20)
#define LAST_CAP       "/proc/sys/kernel/cap_last_cap"

struct call {
	const struct mask *mask;
	pid_t tid;
	int memory; /* /proc/TID/mem */
	unsigned int command, size;
	union {
		union bpf_attr attr;
		unsigned char bytes[4096];
	};
};

static void die(const char *what)
{
	fprintf(stderr, "mask: %s: %s\n", what, strerror(errno));
	exit(71);
}

/* ---- what is refused: a negative errno; 0 for success without a call; 1: the kernel decides ----
 */

#define KERNEL_DECIDES 1

static bool nonzero(const struct call *call, size_t from, size_t to)
{
	for (; from < to && from < sizeof(call->bytes); from++) {
		if (call->bytes[from])
			return true;
	}
	return false;
}

/* The end of the last field of a command in the older kernel; 0 if the mask does not say. */
static unsigned int command_end(const struct call *call)
{
	switch (call->command) {
	case BPF_MAP_CREATE:
		return call->mask->map_create_end;
	case BPF_PROG_LOAD:
		return call->mask->prog_load_end;
	case BPF_PROG_TEST_RUN:
		return call->mask->test_run_end;
	case BPF_LINK_CREATE:
		return call->mask->link_create_end;
	default:
		return 0;
	}
}

static int refuse_map(const struct call *call)
{
	if (call->attr.map_type > call->mask->last_map ||
	    call->attr.map_flags & ~call->mask->map_flags)
		return -EINVAL;
	return KERNEL_DECIDES;
}

/*
 * The verifier refuses an unknown helper only where it can be reached. So the instruction gets
 * a number that no kernel knows, and this kernel's verifier refuses it, or not, in the same way.
 */
static int refuse_instruction(const struct mask *mask, struct bpf_insn *insn, bool *changed)
{
	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg > mask->last_pseudo)
		return -EINVAL;
	if (BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm &&
	    !mask->atomics)
		return -EINVAL;
	if (insn->code != (BPF_JMP | BPF_CALL))
		return KERNEL_DECIDES;
	if (insn->src_reg == 0 && insn->imm > (int)mask->last_helper &&
	    insn->imm < UNKNOWN_HELPER) {
		insn->imm += UNKNOWN_HELPER;
		*changed = true;
	} else if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL && !mask->kernel_functions) {
		insn->src_reg = 0xf;
		*changed = true;
	}
	return KERNEL_DECIDES;
}

static int refuse_instructions(const struct call *call)
{
	size_t count = call->attr.insn_cnt, i, size = count * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(size ? size : 1);
	int answer = KERNEL_DECIDES;
	bool changed;

	if (!insns || pread(call->memory, insns, size, call->attr.insns) != (ssize_t)size)
		goto out;
	for (i = 0; i < count && answer == KERNEL_DECIDES; i++) {
		changed = false;
		answer = refuse_instruction(call->mask, &insns[i], &changed);
		if (changed && pwrite(call->memory, &insns[i], sizeof(insns[i]),
				      call->attr.insns + i * sizeof(insns[i])) < 0)
			answer = -EINVAL;
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++;
	}
out:
	free(insns);
	return answer;
}

static int refuse_program(const struct call *call)
{
	if (call->attr.prog_type > call->mask->last_prog ||
	    call->attr.prog_flags & ~call->mask->prog_flags)
		return -EINVAL;
	/* More than the kernel takes: it says so. */
	if (call->attr.insn_cnt > 1000000)
		return KERNEL_DECIDES;
	return refuse_instructions(call);
}

/* How many bytes follow a type; -1 for a kind that nobody knows. */
static int type_extra(const struct btf_type *type)
{
	unsigned int n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return BTF_INFO_KIND(type->info) > BTF_KIND_TYPE_TAG ? -1 : 0;
	}
}

static int refuse_types(const struct mask *mask, const unsigned char *at, size_t left)
{
	const struct btf_type *type;
	int extra;

	while (left >= sizeof(*type)) {
		type = (const void *)at;
		if (BTF_INFO_KIND(type->info) > mask->last_kind)
			return -EINVAL;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC && BTF_INFO_VLEN(type->info) &&
		    !mask->global_functions)
			return -EINVAL;
		extra = type_extra(type);
		if (extra < 0 || left < sizeof(*type) + extra)
			return KERNEL_DECIDES;
		at += sizeof(*type) + extra;
		left -= sizeof(*type) + extra;
	}
	return KERNEL_DECIDES;
}

static int refuse_btf(const struct call *call)
{
	size_t size = call->attr.btf_size;
	unsigned char *data = malloc(size ? size : 1);
	const struct btf_header *header = (const void *)data;
	int answer = KERNEL_DECIDES;
	uint64_t begin;

	if (!data || pread(call->memory, data, size, call->attr.btf) != (ssize_t)size)
		goto out;
	if (size < sizeof(*header))
		goto out;
	begin = (uint64_t)header->hdr_len + header->type_off;
	if (begin + header->type_len <= size && begin % 4 == 0)
		answer = refuse_types(call->mask, data + begin, header->type_len);
out:
	free(data);
	return answer;
}

/* A number from a line of a file of /proc; -1 without it. */
static long long proc_number(const char *path, const char *key, int base)
{
	FILE *file = fopen(path, "re");
	long long number = -1;
	char line[256];

	while (file && number < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			number = strtoull(line + strlen(key), NULL, base);
	}
	if (file)
		fclose(file);
	return number;
}

static int refuse_run(const struct call *call)
{
	char path[64];

	if (call->mask->run_raw_tp)
		return KERNEL_DECIDES;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%u", call->tid, call->attr.test.prog_fd);
	if (proc_number(path, "prog_type:", 10) == BPF_PROG_TYPE_RAW_TRACEPOINT)
		return -KERNEL_ENOTSUPP;
	return KERNEL_DECIDES;
}

static int refuse_command(const struct call *call)
{
	switch (call->command) {
	case BPF_MAP_CREATE:
		return refuse_map(call);
	case BPF_PROG_LOAD:
		return refuse_program(call);
	case BPF_BTF_LOAD:
		return refuse_btf(call);
	case BPF_PROG_TEST_RUN:
		return refuse_run(call);
	case BPF_LINK_CREATE:
		return call->attr.link_create.attach_type > call->mask->last_attach ?
			       -EINVAL :
			       KERNEL_DECIDES;
	case BPF_MAP_FREEZE:
		/* A map that is not frozen has no constants that the verifier could know. */
		return call->mask->constants ? KERNEL_DECIDES : 0;
	default:
		return KERNEL_DECIDES;
	}
}

/* Where unprivileged calls are disabled, kernels ask for the privilege before anything else. */
static bool may_call(const struct call *call)
{
	unsigned long long enough = 1ULL << CAP_SYS_ADMIN;
	char path[64];

	if (proc_number("/proc/sys/kernel/unprivileged_bpf_disabled", "", 10) == 0)
		return true;
	if (call->mask->last_capability >= CAP_BPF)
		enough |= 1ULL << CAP_BPF;
	snprintf(path, sizeof(path), "/proc/%d/status", call->tid);
	return (unsigned long long)proc_number(path, "CapEff:", 16) & enough;
}

static int refuse(struct call *call, uint64_t address)
{
	const struct mask *mask = call->mask;
	unsigned int end;

	if (!may_call(call) || call->size > sizeof(call->bytes) ||
	    pread(call->memory, call->bytes, call->size, address) != (ssize_t)call->size)
		return KERNEL_DECIDES;
	if (nonzero(call, mask->attr_size, call->size))
		return -E2BIG;
	if (call->command > mask->last_command)
		return -EINVAL;
	end = command_end(call);
	if (end && nonzero(call, end, mask->attr_size))
		return -EINVAL;
	return refuse_command(call);
}

/* ---- the supervisor ---- */

static void answer_one(const struct mask *mask, int listener, struct seccomp_notif *notice,
		       struct seccomp_notif_resp *response)
{
	struct call *call = calloc(1, sizeof(*call));
	char path[64];
	int answer = KERNEL_DECIDES;

	memset(notice, 0, sizeof(*notice));
	if (!call || seccomp_notify_receive(listener, notice))
		goto out;
	call->mask = mask;
	call->tid = notice->pid;
	call->command = notice->data.args[0];
	call->size = notice->data.args[2];
	snprintf(path, sizeof(path), "/proc/%d/mem", call->tid);
	call->memory = open(path, O_RDWR | O_CLOEXEC);
	/* The caller may be gone, and its number be another's: nothing is done for that one. */
	if (call->memory >= 0 && !seccomp_notify_id_valid(listener, notice->id))
		answer = refuse(call, notice->data.args[1]);
	if (call->memory >= 0)
		close(call->memory);
	memset(response, 0, sizeof(*response));
	response->id = notice->id;
	response->error = answer < 0 ? answer : 0;
	response->flags = answer == KERNEL_DECIDES ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	seccomp_notify_respond(listener, response);
out:
	free(call);
}

static void supervise(const struct mask *mask, int listener)
{
	struct pollfd poller = { .fd = listener, .events = POLLIN };
	struct seccomp_notif_resp *response;
	struct seccomp_notif *notice;

	if (seccomp_notify_alloc(&notice, &response))
		_exit(71);
	while (poll(&poller, 1, -1) > 0 || errno == EINTR) {
		if (poller.revents & POLLIN)
			answer_one(mask, listener, notice, response);
		else if (poller.revents)
			break;
	}
	_exit(0);
}

/*
 * A grandchild, so that the command has no child that it does not know. It gets the listener
 * by its number, which comes through the pipe, and says when it has it.
 */
static void start_supervisor(const struct mask *mask, int numbers[2], int ready[2])
{
	pid_t command = getpid(), pid = fork();
	int listener, pidfd;

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return;
	setsid();
	if (fork())
		_exit(0);
	signal(SIGPIPE, SIG_IGN);
	pidfd = syscall(SYS_pidfd_open, command, 0);
	if (read(numbers[0], &listener, sizeof(listener)) != sizeof(listener))
		_exit(71);
	listener = syscall(SYS_pidfd_getfd, pidfd, listener, 0);
	if (pidfd < 0 || listener < 0 || write(ready[1], "", 1) != 1)
		_exit(71);
	close(ready[0]);
	close(ready[1]);
	supervise(mask, listener);
}

/* ---- the command ---- */

static void add(scmp_filter_ctx filter, uint32_t action, int number, unsigned int count,
		struct scmp_arg_cmp one, struct scmp_arg_cmp two)
{
	int err = seccomp_rule_add(filter, action, number, count, one, two);

	if (err) {
		errno = -err;
		die("seccomp rule");
	}
}

/* What is done often, with descriptors that are there, is the same in every kernel. */
static bool often(int command)
{
	return (command >= BPF_MAP_LOOKUP_ELEM && command <= BPF_MAP_GET_NEXT_KEY) ||
	       command == BPF_MAP_LOOKUP_AND_DELETE_ELEM;
}

static int listen_to_bpf(const struct mask *mask)
{
	struct scmp_arg_cmp none = SCMP_CMP(0, SCMP_CMP_GE, 0);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int command, err;

	if (!filter || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0))
		die("seccomp");
	for (command = 0; command <= BPF_BTF_GET_NEXT_ID; command++) {
		if (!often(command))
			add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(bpf), 1,
			    SCMP_CMP32(0, SCMP_CMP_EQ, command), none);
	}
	add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(bpf), 1,
	    SCMP_CMP32(0, SCMP_CMP_GT, BPF_BTF_GET_NEXT_ID), none);
	add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 2,
	    SCMP_CMP32(0, SCMP_CMP_EQ, PR_CAPBSET_READ),
	    SCMP_CMP(1, SCMP_CMP_GT, mask->last_capability));
	err = seccomp_load(filter);
	if (err) {
		errno = -err;
		die("seccomp");
	}
	return seccomp_notify_fd(filter);
}

/* Capabilities that the older kernel does not know are gone, also from its number of them. */
static void drop_capabilities(const struct mask *mask)
{
	char path[] = "/tmp/cap_last_cap.XXXXXX";
	unsigned int capability;
	int fd;

	for (capability = mask->last_capability + 1; capability < 64; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (proc_number(LAST_CAP, "", 10) <= mask->last_capability)
		return;
	fd = mkstemp(path);
	if (fd < 0 || dprintf(fd, "%u\n", mask->last_capability) < 0)
		die(path);
	close(fd);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) ||
	    mount(path, LAST_CAP, NULL, MS_BIND, NULL))
		die(LAST_CAP);
	unlink(path);
}

int main(int argc, char **argv)
{
	const struct mask *mask = argc > 2 ? mask_find(argv[1]) : NULL;
	int numbers[2], ready[2], listener;
	size_t i;
	char c;

	if (!mask) {
		fprintf(stderr, "usage: mask NAME COMMAND...; NAME is one of");
		for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
			fprintf(stderr, " %s", masks[i].name);
		fprintf(stderr, "\n");
		return 64;
	}
	if (pipe2(numbers, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		die("pipe");
	start_supervisor(mask, numbers, ready);
	drop_capabilities(mask);
	listener = listen_to_bpf(mask);
	close(ready[1]);
	if (write(numbers[1], &listener, sizeof(listener)) != sizeof(listener) ||
	    read(ready[0], &c, 1) != 1)
		die("the supervisor does not start");
	close(listener);
	execvp(argv[2], argv + 2);
	die(argv[2]);
}

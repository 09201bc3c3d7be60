// SPDX-License-Identifier: GPL-2.0-only
/*
 * What somebody could do who has taken the monitor over: preloaded into the real command,
 * this tries it from inside, in each of its threads, and writes down what the kernel says.
 *
 *	TRY_RESULT=FILE	a line for each attempt: "THREAD ATTEMPT done|refused ERRNO"
 *	TRY_DIR=DIR	of root's, named by no option, with the file old, and for each thread
 *			gone-THREAD and moved-THREAD
 *	TRY_NAMED=DIR	named by an option
 *	TRY_VICTIM=PID	another process
 *	TRY_ONE=NAME	that attempt only, in the main thread: for those that end the process
 *
 * The main thread tries on SIGUSR1, the exporter's in its next round, the textfile's when
 * it has its first file ready. Only system calls are used: the handler may interrupt anything.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int result_fd = -1, mount_fd = -1;
static char dir[256], named[256];
static const char *one;
static __thread const char *trying = "main";
static int victim;
static volatile int go;
static union {
	struct file_handle handle;
	char space[sizeof(struct file_handle) + 128];
} shadow;

/* 0, or the errno of a call that returned ret. */
static int said(long ret)
{
	return ret < 0 ? errno : 0;
}

static int opens(const char *directory, const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s%s", directory, name);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* To open the file is not enough: a byte has to come. /proc/1/environ gives none. */
static int reads(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;
	char c;
	int err;

	if (fd < 0)
		return errno;
	n = read(fd, &c, 1);
	err = n ? said(n) : ENODATA;
	close(fd);
	return err;
}

/* ---- files ---- */

static int write_new(void)
{
	return opens(dir, "/new", O_WRONLY | O_CREAT);
}

static int write_old(void)
{
	return opens(dir, "/old", O_WRONLY);
}

static int truncate_old(void)
{
	return opens(dir, "/old", O_WRONLY | O_TRUNC);
}

static int remove_file(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/gone-%s", dir, trying);
	return said(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static int move_file(void)
{
	char from[512], to[512];

	snprintf(from, sizeof(from), "%s/moved-%s", dir, trying);
	snprintf(to, sizeof(to), "%s/away-%s", dir, trying);
	return said(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

static int make_directory(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/directory", dir);
	return said(syscall(SYS_mkdirat, AT_FDCWD, path, 0755));
}

static int make_link(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/link", dir);
	return said(syscall(SYS_symlinkat, "/etc/shadow", AT_FDCWD, path));
}

static int change_mode(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	err = said(fchmod(fd, 0777));
	close(fd);
	return err;
}

static int set_sysctl(void)
{
	return opens("", "/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int write_sysfs(void)
{
	return opens("", "/sys/kernel/profiling", O_WRONLY);
}

static int enable_trace(void)
{
	return opens("", "/sys/kernel/tracing/set_event", O_WRONLY | O_APPEND);
}

static int read_shadow(void)
{
	return reads("/etc/shadow");
}

static int read_by_handle(void)
{
	int fd;

	if (mount_fd < 0)
		return ENOENT;
	fd = (int)syscall(SYS_open_by_handle_at, mount_fd, &shadow, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_disk(void)
{
	const char *disk = getenv("TRY_DISK");

	return disk ? reads(disk) : ENOENT;
}

static int read_kernel_memory(void)
{
	return reads("/proc/kcore");
}

static int read_process(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return opens("", path, O_RDONLY);
}

static int read_environment(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", victim);
	return reads(path);
}

/* ---- processes ---- */

static int kill_other(void)
{
	return said(syscall(SYS_kill, victim, SIGCONT));
}

static int kill_thread(void)
{
	return said(syscall(SYS_tgkill, victim, victim, SIGCONT));
}

static int fork_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	return said(pid);
}

static int map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : said(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

/* ---- privileges ---- */

static int raise_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { ~0U, ~0U, 0 }, { 0x1ff, 0x1ff, 0 } };

	return said(syscall(SYS_capset, &header, data));
}

static int become_root(void)
{
	return said(syscall(SYS_setresuid, 0, 0, 0));
}

static int become_other(void)
{
	return said(syscall(SYS_setresuid, 1000, 1000, 1000));
}

static int unlock_securebits(void)
{
	return said(prctl(PR_SET_SECUREBITS, 0));
}

static int raise_limit(void)
{
	struct rlimit limit = { 1024, 1024 };

	return said(syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &limit, NULL));
}

/* ---- the kernel ---- */

static int load_bpf(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (unsigned long)insns,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
	};

	return said(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	return said(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int take_program(void)
{
	union bpf_attr attr = {};

	attr.prog_id = 0;
	return said(syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)));
}

static int open_perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK };

	return said(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

/* ---- the network ---- */

static int makes_socket(int family, int type)
{
	int fd = (int)syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int socket_tcp(void)
{
	return makes_socket(AF_INET, SOCK_STREAM);
}

static int socket_udp6(void)
{
	return makes_socket(AF_INET6, SOCK_DGRAM);
}

static int socket_packet(void)
{
	return makes_socket(AF_PACKET, SOCK_RAW);
}

static int socket_netlink(void)
{
	return makes_socket(AF_NETLINK, SOCK_RAW);
}

static int socket_unix_stream(void)
{
	return makes_socket(AF_UNIX, SOCK_STREAM);
}

/* Every socket that is there, the exporter's too. */
static int connect_any(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd, err = EBADF;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (fd = 3; fd < 128; fd++) {
		if (!syscall(SYS_connect, fd, &addr, sizeof(addr)) || errno == ECONNREFUSED)
			return 0;
		if (errno == EPERM || errno == EACCES)
			err = errno;
	}
	return err;
}

/* ---- those that end the process ---- */

static int execute(void)
{
	char *const argv[] = { "/bin/true", NULL };

	return said(syscall(SYS_execve, argv[0], argv, argv + 1));
}

static int trace(void)
{
	return said(syscall(SYS_ptrace, PTRACE_ATTACH, victim, 0, 0));
}

static int read_other_memory(void)
{
	char c;
	struct iovec local = { &c, 1 }, remote = { (void *)dir, 1 };

	return said(syscall(SYS_process_vm_readv, victim, &local, 1, &remote, 1, 0));
}

static int load_module(void)
{
	return said(syscall(SYS_finit_module, result_fd, "", 0));
}

static int mount_something(void)
{
	return said(syscall(SYS_mount, "none", dir, "tmpfs", 0, NULL));
}

static int make_namespace(void)
{
	return said(syscall(SYS_unshare, CLONE_NEWUSER));
}

/* As if the user had typed it, for the shell to run. */
static int type_for_user(void)
{
	return said(syscall(SYS_ioctl, STDERR_FILENO, TIOCSTI, "!"));
}

/* Only where a status line is drawn, and here none is. */
static int ask_terminal(void)
{
	char size[8];

	return said(syscall(SYS_ioctl, STDERR_FILENO, TIOCGWINSZ, size));
}

/* ---- what has to succeed: else the rest proves nothing ---- */

static int write_named(void)
{
	return opens(named, "/try", O_WRONLY | O_CREAT);
}

static int find_path(void)
{
	int fd;

	if (mount_fd < 0)
		return ENOENT;
	fd = (int)syscall(SYS_open_by_handle_at, mount_fd, &shadow, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_symbols(void)
{
	return reads("/proc/kallsyms");
}

#define ATTEMPT(name)                                                                              \
	{                                                                                          \
#name, name                                                                        \
	}

static const struct attempt {
	const char *name;
	int (*fn)(void);
} attempts[] = {
	ATTEMPT(write_named),	  ATTEMPT(find_path),	       ATTEMPT(read_symbols),
	ATTEMPT(write_new),	  ATTEMPT(write_old),	       ATTEMPT(truncate_old),
	ATTEMPT(remove_file),	  ATTEMPT(move_file),	       ATTEMPT(make_directory),
	ATTEMPT(make_link),	  ATTEMPT(change_mode),	       ATTEMPT(set_sysctl),
	ATTEMPT(write_sysfs),	  ATTEMPT(enable_trace),       ATTEMPT(read_shadow),
	ATTEMPT(read_by_handle),  ATTEMPT(read_disk),	       ATTEMPT(read_kernel_memory),
	ATTEMPT(read_process),	  ATTEMPT(read_environment),   ATTEMPT(kill_other),
	ATTEMPT(kill_thread),	  ATTEMPT(fork_process),       ATTEMPT(map_code),
	ATTEMPT(make_executable), ATTEMPT(raise_capabilities), ATTEMPT(become_root),
	ATTEMPT(become_other),	  ATTEMPT(unlock_securebits),  ATTEMPT(raise_limit),
	ATTEMPT(load_bpf),	  ATTEMPT(make_map),	       ATTEMPT(take_program),
	ATTEMPT(open_perf),	  ATTEMPT(socket_tcp),	       ATTEMPT(socket_udp6),
	ATTEMPT(socket_packet),	  ATTEMPT(socket_netlink),     ATTEMPT(socket_unix_stream),
	ATTEMPT(connect_any),	  ATTEMPT(type_for_user),      ATTEMPT(ask_terminal),
};

static const struct attempt deadly[] = {
	ATTEMPT(execute),     ATTEMPT(trace),		ATTEMPT(read_other_memory),
	ATTEMPT(load_module), ATTEMPT(mount_something), ATTEMPT(make_namespace),
};

static void tell(const char *thread, const struct attempt *attempt)
{
	char line[128];
	int err = attempt->fn(), len;

	if (err)
		len = snprintf(line, sizeof(line), "%s %s refused %d\n", thread, attempt->name,
			       err);
	else
		len = snprintf(line, sizeof(line), "%s %s done 0\n", thread, attempt->name);
	(void)!write(result_fd, line, len);
}

/*
 * Puts all that is permitted into effect, as whoever took the thread over would, or gives it
 * back. The monitor itself does so for a moment where a file of its own takes it.
 */
static void take_permitted(bool take)
{
	static __thread struct __user_cap_data_struct before[2];
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (!take) {
		syscall(SYS_capset, &header, before);
		return;
	}
	if (syscall(SYS_capget, &header, before))
		return;
	memcpy(data, before, sizeof(data));
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	syscall(SYS_capset, &header, data);
}

static void try_all(const char *thread)
{
	char line[64];
	size_t i;
	int len;

	trying = thread;
	take_permitted(true);
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		tell(thread, &attempts[i]);
	take_permitted(false);
	len = snprintf(line, sizeof(line), "%s end\n", thread);
	(void)!write(result_fd, line, len);
}

static void on_signal(int signo)
{
	int saved = errno;
	size_t i;

	(void)signo;
	if (!one) {
		try_all("main");
		go = 1;
	}
	for (i = 0; one && i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		if (!strcmp(one, deadly[i].name))
			tell("main", &deadly[i]);
	}
	errno = saved;
}

/* The exporter's thread calls it each round. */
int MHD_run(void *daemon)
{
	static int (*real)(void *daemon);
	static int tried;

	if (!real)
		real = (int (*)(void *))dlsym(RTLD_NEXT, "MHD_run");
	if (go && !tried) {
		tried = 1;
		try_all("http");
	}
	return real(daemon);
}

/* The textfile's thread calls it, with what it takes to write there in effect. */
int rename(const char *from, const char *to)
{
	static int tried;

	if (result_fd >= 0 && !one && !tried) {
		tried = 1;
		try_all("textfile");
	}
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

__attribute__((constructor)) static void begin(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int fd, id;

	if (!getenv("TRY_RESULT"))
		return;
	fd = open(env("TRY_RESULT"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	result_fd = fcntl(fd, F_DUPFD_CLOEXEC, 200);
	close(fd);
	snprintf(dir, sizeof(dir), "%s", env("TRY_DIR"));
	snprintf(named, sizeof(named), "%s", env("TRY_NAMED"));
	victim = atoi(env("TRY_VICTIM"));
	one = getenv("TRY_ONE");
	shadow.handle.handle_bytes = 128;
	if (!name_to_handle_at(AT_FDCWD, "/etc/shadow", &shadow.handle, &id, 0)) {
		fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		mount_fd = fcntl(fd, F_DUPFD_CLOEXEC, 201);
		close(fd);
	}
	sigaction(SIGUSR1, &action, NULL);
}

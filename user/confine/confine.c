// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/say.h"
#include "confine/confine.h"
#include "confine/landlock.h"
#include "confine/syscalls.h"
#include "host/privilege.h"

#define THREAD_WAIT_SEC 10

#define BIT(capability) (1ULL << (capability))

/* Files by handle, closed directories, keys and addresses of symbols. */
#define ALWAYS (BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYSLOG))

struct confine {
	uint64_t keep;	 /* capabilities, of those that are permitted */
	uint64_t effect; /* of these, what stays in effect */
	bool leave_root; /* to CONFINE_ID */
	bool terminal;	 /* a status line is drawn */
	int landlock;	 /* version; 0: none */
	int ruleset;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	unsigned int expected;
	int err; /* the first thread's that failed */
	const char *what;
};

/* ---- which capabilities ---- */

static bool permitted(unsigned int capability)
{
	return capng_have_capability(CAPNG_PERMITTED, capability) == 1;
}

static bool effective(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

/* Sets the calling thread's, and has no ambient ones: 0 or negative errno. */
static int set_capabilities(uint64_t keep, uint64_t effect)
{
	unsigned int capability;

	if (capng_get_caps_process())
		return -EINVAL;
	/* One that is not there and asked for would make the kernel refuse all of it. */
	for (capability = 0; capability <= CAP_LAST_CAP; capability++) {
		if (!permitted(capability))
			keep &= ~BIT(capability);
	}
	effect &= keep;
	capng_clear(CAPNG_SELECT_CAPS);
	for (capability = 0; capability <= CAP_LAST_CAP; capability++) {
		if (keep & BIT(capability))
			capng_update(CAPNG_ADD, CAPNG_PERMITTED, capability);
		if (effect & BIT(capability))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, capability);
	}
	if (capng_apply(CAPNG_SELECT_CAPS))
		return errno ? -errno : -EPERM;
	/* They go with the inheritable ones; a kernel that has none says EINVAL. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return -errno;
	return 0;
}

/* Whether the kernel asks for a privilege before it looks at the descriptor. */
static bool is_privileged(int command)
{
	union bpf_attr attr;

	memset(&attr, 0xff, sizeof(attr));
	return syscall(SYS_bpf, command, &attr, sizeof(attr)) < 0 && errno == EPERM;
}

/*
 * What bpf(2) takes of a process that has all descriptors: found by trying. Up to 5.18 it
 * is CAP_BPF where kernel.unprivileged_bpf_disabled is set (c8644cd0efe7, 5.19), and up to
 * 5.7 CAP_SYS_ADMIN.
 */
static uint64_t bpf_capabilities(void)
{
	static const int commands[] = { BPF_MAP_LOOKUP_ELEM, BPF_MAP_GET_NEXT_KEY,
					BPF_OBJ_GET_INFO_BY_FD, BPF_RAW_TRACEPOINT_OPEN };
	static const unsigned int candidates[] = { CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN };
	bool need = false;
	size_t i;

	if (capng_get_caps_process())
		return BIT(CAP_BPF);
	for (i = 0; i < 3; i++) {
		if (effective(candidates[i]))
			capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, candidates[i]);
	}
	if (capng_apply(CAPNG_SELECT_CAPS))
		return BIT(CAP_BPF);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		need |= is_privileged(commands[i]);
	for (i = 0; i < 3; i++) {
		if (permitted(candidates[i]))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, candidates[i]);
	}
	/* The same that was in effect before. */
	capng_apply(CAPNG_SELECT_CAPS);
	if (!need)
		return 0;
	/* A kernel before 5.8 has no CAP_BPF, and an old systemd or runtime cannot give it. */
	return permitted(CAP_BPF) ? BIT(CAP_BPF) : BIT(CAP_SYS_ADMIN);
}

struct confine *confine_new(void)
{
	/* The last three: what libraries open by themselves. */
	static const char *const always_read[] = { "/proc", "/sys", "/dev/urandom",
						   "/etc/localtime", "/usr/share/zoneinfo" };
	struct confine *c = calloc(1, sizeof(*c));
	size_t i;

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->ruleset = -1;
	c->effect = ALWAYS | bpf_capabilities();
	c->keep = c->effect;
	capng_get_caps_process();
	c->leave_root = !geteuid() && effective(CAP_SETUID) && effective(CAP_SETGID);
	c->landlock = landlock_version();
	if (c->landlock) {
		c->ruleset = landlock_new(c->landlock);
		/* confine() tells. */
		c->err = c->ruleset < 0 ? c->ruleset : 0;
		c->what = "Landlock";
	}
	for (i = 0; i < sizeof(always_read) / sizeof(always_read[0]); i++)
		confine_allow_reading(c, always_read[i]);
	/* Directories everywhere: mounts come and go. */
	if (c->ruleset >= 0)
		landlock_allow(c->ruleset, c->landlock, "/", LANDLOCK_LIST);
	return c;
}

void confine_free(struct confine *c)
{
	if (!c)
		return;
	if (c->ruleset >= 0)
		close(c->ruleset);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- which files ---- */

static int allow(struct confine *c, const char *path, unsigned int use)
{
	int err;

	if (c->ruleset < 0)
		return 0;
	err = landlock_allow(c->ruleset, c->landlock, path, use);
	return err == -ENOENT ? 0 : err;
}

int confine_allow_reading(struct confine *c, const char *path)
{
	return allow(c, path, LANDLOCK_READ);
}

void confine_allow_mount(struct confine *c, const char *path)
{
	struct stat st;

	/* What cannot be opened now is told when it is synced. */
	if (!stat(path, &st) && S_ISREG(st.st_mode))
		allow(c, path, LANDLOCK_READ);
}

/* Calls with the directory of path: 0 or negative errno. */
static int with_directory(struct confine *c, const char *path,
			  int (*fn)(struct confine *c, const char *dir))
{
	char *copy = strdup(path);
	int err = copy ? fn(c, dirname(copy)) : -ENOMEM;

	free(copy);
	return err;
}

int confine_allow_file(struct confine *c, const char *path)
{
	char *real = realpath(path, NULL);
	int err;

	err = with_directory(c, path, confine_allow_reading);
	/* It may be a link, as certificates are. */
	if (!err && real)
		err = with_directory(c, real, confine_allow_reading);
	free(real);
	return err;
}

/* Whether what has this mode can be written by CONFINE_ID; ACLs are not looked at. */
static bool is_writable(const struct stat *st, unsigned int bits)
{
	if (st->st_uid == CONFINE_ID)
		bits <<= 6;
	else if (st->st_gid == CONFINE_ID)
		bits <<= 3;
	return (st->st_mode & bits) == bits;
}

static int allow_making(struct confine *c, const char *dir)
{
	struct stat st;

	if (!stat(dir, &st) && !is_writable(&st, 03))
		c->keep |= BIT(CAP_DAC_OVERRIDE);
	/* There only the owner of a file can put another one in its place. */
	else if (st.st_mode & S_ISVTX)
		c->keep |= BIT(CAP_FOWNER);
	return allow(c, dir, LANDLOCK_MAKE | LANDLOCK_READ | LANDLOCK_WRITE);
}

int confine_allow_writing(struct confine *c, const char *path)
{
	struct stat st;
	bool there = !stat(path, &st);

	if (there && !is_writable(&st, 02))
		c->keep |= BIT(CAP_DAC_OVERRIDE);
	if (there && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return allow(c, path, LANDLOCK_WRITE);
	return with_directory(c, path, allow_making);
}

void confine_allow_terminal(struct confine *c)
{
	c->terminal = true;
}

/* ---- one thread ---- */

static int drop_bounding(uint64_t keep)
{
	unsigned int capability;

	/* Nothing can be had from it: no program is executed, and no_new_privs is set. */
	if (!effective(CAP_SETPCAP))
		return 0;
	for (capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (!(keep & BIT(capability)) && prctl(PR_CAPBSET_DROP, capability))
			return -errno;
	}
	return 0;
}

/* Root's magic: no capability comes by being user 0, and none goes by leaving it. */
static int lock_securebits(void)
{
	if (!effective(CAP_SETPCAP))
		return prctl(PR_SET_KEEPCAPS, 1) ? -errno : 0;
	return prctl(PR_SET_SECUREBITS,
		     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) ?
		       -errno :
		       0;
}

/* The system calls themselves: the C library's would change all threads. */
static int leave_root(void)
{
	if (syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, CONFINE_ID, CONFINE_ID, CONFINE_ID) ||
	    syscall(SYS_setresuid, CONFINE_ID, CONFINE_ID, CONFINE_ID))
		return -errno;
	return 0;
}

static int confine_one(struct confine *c, const char **what)
{
	int err;

	if (capng_get_caps_process())
		return -EINVAL;
	*what = "no_new_privs";
	err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
	if (!err) {
		*what = "the bounding set";
		err = drop_bounding(c->keep);
	}
	if (!err) {
		*what = "securebits";
		err = lock_securebits();
	}
	if (!err && c->leave_root) {
		*what = "another user than root";
		err = leave_root();
	}
	if (!err && c->ruleset >= 0) {
		*what = "Landlock";
		err = landlock_restrict(c->ruleset);
	}
	if (!err) {
		*what = "capabilities";
		err = set_capabilities(c->keep, c->effect);
	}
	return err;
}

void confine_expect_thread(struct confine *c)
{
	pthread_mutex_lock(&c->lock);
	c->expected++;
	pthread_mutex_unlock(&c->lock);
}

void confine_thread(struct confine *c)
{
	const char *what = "";
	int err = confine_one(c, &what);

	pthread_mutex_lock(&c->lock);
	if (err && !c->err) {
		c->err = err;
		c->what = what;
	}
	c->expected--;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* 0; -ETIMEDOUT; or what the first thread failed with. */
static int wait_for_threads(struct confine *c, const char **what)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += THREAD_WAIT_SEC;
	pthread_mutex_lock(&c->lock);
	while (c->expected && !err)
		err = -pthread_cond_timedwait(&c->changed, &c->lock, &until);
	if (!err)
		err = c->err;
	*what = err == -ETIMEDOUT ? "a thread" : c->what;
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* ---- all of them ---- */

/* What a thread's status says. */
struct status {
	char name[32];
	unsigned int uid[4];
	unsigned long long permitted;
	unsigned int no_new_privs, seccomp;
};

static int read_status(const char *task, struct status *status)
{
	char path[64], line[256];
	FILE *file;

	*status = (struct status){};
	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", task);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Name: %31[^\n]", status->name);
		sscanf(line, "Uid: %u %u %u %u", &status->uid[0], &status->uid[1], &status->uid[2],
		       &status->uid[3]);
		sscanf(line, "CapPrm: %llx", &status->permitted);
		sscanf(line, "NoNewPrivs: %u", &status->no_new_privs);
		sscanf(line, "Seccomp: %u", &status->seccomp);
	}
	fclose(file);
	return 0;
}

/* NULL, or what the thread still has. */
static const char *left_to(const struct confine *c, const struct status *status, bool filtered)
{
	int i;

	for (i = 0; i < 4 && c->leave_root; i++) {
		if (status->uid[i] != CONFINE_ID)
			return "is still root";
	}
	if (status->permitted & ~c->keep)
		return "still has capabilities";
	if (!status->no_new_privs)
		return "could gain privileges";
	if (filtered && status->seccomp != 2)
		return "can make every system call";
	return NULL;
}

/* One thread that was forgotten would do for all of them: they share their memory. */
static int look_at_threads(const struct confine *c, bool filtered)
{
	DIR *dir = opendir("/proc/self/task");
	struct status status;
	struct dirent *entry;
	const char *left;
	int err = 0;

	if (!dir) {
		say("confinement cannot be looked at: /proc/self/task: %s", strerror(errno));
		return -errno;
	}
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || read_status(entry->d_name, &status))
			continue;
		left = left_to(c, &status, filtered);
		if (left) {
			say("the thread \"%s\" %s: not confined", status.name, left);
			err = -EPERM;
		}
	}
	closedir(dir);
	return err;
}

static void say_what_holds(const struct confine *c, bool filtered)
{
	char landlock[32] = "none in this kernel";

	if (c->landlock)
		snprintf(landlock, sizeof(landlock), "version %d", c->landlock);
	say("confined: user %u, capabilities %llx, Landlock %s, system calls %s",
	    (unsigned int)geteuid(), (unsigned long long)c->keep, landlock,
	    filtered ? "limited" : "not limited (this kernel has no filters)");
}

/* Only what the process has can be kept. */
static void settle_capabilities(struct confine *c, unsigned int keep)
{
	unsigned int capability;

	capng_get_caps_process();
	if (keep & PRIVILEGE_KPROBES) {
		c->keep |= BIT(CAP_PERFMON);
		/* A kernel before 5.8 has no CAP_PERFMON. */
		if (!permitted(CAP_PERFMON) || privilege_kprobes_need_admin())
			c->keep |= BIT(CAP_SYS_ADMIN);
	}
	for (capability = 0; capability <= CAP_LAST_CAP; capability++) {
		if (!permitted(capability))
			c->keep &= ~BIT(capability);
	}
}

int confine(struct confine *c, unsigned int keep, bool verbose)
{
	const char *what = "";
	bool filtered = true;
	int err;

	err = wait_for_threads(c, &what);
	settle_capabilities(c, keep);
	if (!geteuid() && !c->leave_root)
		say("stays root: to become another user takes CAP_SETUID and CAP_SETGID");
	if (!err)
		err = confine_one(c, &what);
	if (!err) {
		what = "system calls";
		err = syscalls_limit(keep & PRIVILEGE_KPROBES, c->terminal);
		filtered = err != -ENOSYS;
		if (!filtered)
			err = 0;
	}
	if (err) {
		say("confinement: %s: %s", what, strerror(-err));
		return err;
	}
	err = look_at_threads(c, filtered);
	if (!err && verbose)
		say_what_holds(c, filtered);
	return err;
}

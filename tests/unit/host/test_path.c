// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths from inode numbers: refusals on anything, and real look-ups where there is
 * an ext4 to write to and the privilege for handles (skipped elsewhere).
 */
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <linux/magic.h>

#include "unit.h"
#include "host/fs.h"

/* ---- what the kernel answers, where a test wants it to be something else ---- */

static int handle_fd = -1, fstat_err, fstats_left;
static bool unlinked;
static const char *link_target; /* "": it cannot be read */

int __real_open_by_handle_at(int mount_fd, struct file_handle *handle, int flags);
int __wrap_open_by_handle_at(int mount_fd, struct file_handle *handle, int flags);

int __wrap_open_by_handle_at(int mount_fd, struct file_handle *handle, int flags)
{
	return handle_fd >= 0 ? dup(handle_fd) : __real_open_by_handle_at(mount_fd, handle, flags);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);

int __wrap_fstat(int fd, struct stat *st)
{
	int err;

	if (fstat_err && !fstats_left--) {
		errno = fstat_err;
		return -1;
	}
	err = __real_fstat(fd, st);
	if (unlinked)
		st->st_nlink = 0;
	return err;
}

ssize_t __real_readlink(const char *path, char *buf, size_t size);
ssize_t __wrap_readlink(const char *path, char *buf, size_t size);

ssize_t __wrap_readlink(const char *path, char *buf, size_t size)
{
	size_t len;

	if (!link_target)
		return __real_readlink(path, buf, size);
	len = strlen(link_target);
	if (!len) {
		errno = EACCES;
		return -1;
	}
	if (len > size)
		len = size;
	memcpy(buf, link_target, len);
	return (ssize_t)len;
}

struct fixture {
	char dir[128]; /* scratch directory on ext4, empty when there is none */
	struct mounts mounts;
	const struct mount *mount;
};

struct inode {
	uint64_t ino;
	uint32_t generation;
};

static unsigned int dev_of(const struct stat *st)
{
	return E4R_DEV(major(st->st_dev), minor(st->st_dev));
}

/* By the kernel's own handle: also for what cannot be opened, such as a FIFO. */
static int inode_of(const char *path, struct inode *inode)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	char *data = u.space + offsetof(struct file_handle, f_handle);
	uint32_t id[2];
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &u.handle, &mount_id, 0))
		return -errno;
	if (u.handle.handle_bytes != sizeof(id) || u.handle.handle_type != 1)
		return -EPROTO;
	memcpy(id, data, sizeof(id));
	inode->ino = id[0];
	inode->generation = id[1];
	return 0;
}

static bool try_dir(struct fixture *f, const char *where)
{
	struct inode inode;
	struct statfs fs;
	char path[4096];

	if (!where || statfs(where, &fs) || fs.f_type != EXT4_SUPER_MAGIC)
		return false;
	if (snprintf(f->dir, sizeof(f->dir), "%s/e4r-path-XXXXXX", where) >= (int)sizeof(f->dir) ||
	    !mkdtemp(f->dir))
		goto none;
	if (mounts_resolve(&f->mounts, f->dir, &f->mount) || inode_of(f->dir, &inode) ||
	    path_of_inode(f->mount, inode.ino, inode.generation, path, sizeof(path))) {
		rmdir(f->dir);
		goto none;
	}
	return true;
none:
	f->dir[0] = '\0';
	return false;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char cwd[64];

	if (!f || mounts_read(&f->mounts, NULL))
		return -1;
	if (!try_dir(f, getenv("TMPDIR")) && !try_dir(f, "/tmp") && !try_dir(f, "/var/tmp"))
		try_dir(f, getcwd(cwd, sizeof(cwd)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int err = f->dir[0] ? rmdir(f->dir) : 0;

	mounts_free(&f->mounts);
	free(f);
	/* Whatever a test left behind is a failure too. */
	return err;
}

static struct fixture *need_ext4(void **state)
{
	struct fixture *f = *state;

	if (!f->dir[0])
		skip();
	return f;
}

static const char *in_dir(const struct fixture *f, const char *name, char buf[512])
{
	snprintf(buf, 512, "%s/%s", f->dir, name);
	return buf;
}

static void create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int lookup(const struct fixture *f, const struct inode *inode, char path[4096])
{
	memset(path, '#', 4096);
	return path_of_inode(f->mount, inode->ino, inode->generation, path, 4096);
}

static void test_names(void **state)
{
	/* everything a name can hold, among it what the kernel adds itself */
	static const char *const names[] = {
		"file",	    "with blank", "gone (deleted)", " (deleted)", "new\nline",
		"\033[31m", "\xff\xfe",	  "back\\slash",    "..x",
	};
	struct fixture *f = need_ext4(state);
	char path[4096], name[512];
	struct inode inode;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int err;

		create(in_dir(f, names[i], name));
		assert_int_equal(inode_of(name, &inode), 0);
		err = lookup(f, &inode, path);
		unlink(name);
		assert_int_equal(err, 0);
		assert_string_equal(path, name);
	}
}

static void test_deleted(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], name[512], decoy[512];
	struct inode inode;
	int fd;

	fd = open(in_dir(f, "held", name), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(inode_of(name, &inode), 0);
	assert_int_equal(lookup(f, &inode, path), 0);
	/* Unlinked but open: exists, and has no name. ext4 calls such a handle stale. */
	unlink(name);
	assert_in_set(-lookup(f, &inode, path), ((LargestIntegralType[]){ ENOENT, ESTALE }), 2);
	assert_string_equal(path, "");
	/* Another file with just the name that the kernel would print. */
	create(in_dir(f, "held (deleted)", decoy));
	assert_in_set(-lookup(f, &inode, path), ((LargestIntegralType[]){ ENOENT, ESTALE }), 2);
	unlink(decoy);
	close(fd);
	/* Gone for good. */
	assert_int_equal(lookup(f, &inode, path), -ESTALE);
	assert_string_equal(path, "");
}

/* One name of two removed while the file is open by it. */
static void test_hard_links(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], one[512], two[512];
	struct inode inode;
	int fd, err;

	fd = open(in_dir(f, "one", one), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(inode_of(one, &inode), 0);
	assert_int_equal(link(one, in_dir(f, "two", two)), 0);
	err = lookup(f, &inode, path);
	assert_int_equal(err, 0);
	assert_true(!strcmp(path, one) || !strcmp(path, two));
	unlink(one);
	err = lookup(f, &inode, path);
	/* Either the kernel knows the other name, or it says that it knows none. */
	if (err)
		assert_in_set(-err, ((LargestIntegralType[]){ ENOENT, ENODATA }), 2);
	else
		assert_string_equal(path, two);
	unlink(two);
	close(fd);
}

static void test_generation(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], name[512];
	struct inode inode;
	int err;

	create(in_dir(f, "file", name));
	assert_int_equal(inode_of(name, &inode), 0);
	inode.generation ^= 0x5a5a5a5a;
	err = lookup(f, &inode, path);
	unlink(name);
	/* A generation of 0 would match any. */
	assert_int_not_equal(inode.generation, 0);
	assert_int_equal(err, -ESTALE);
}

/* Looking must not wait for a writer, nor leave an access time behind. */
static void test_no_side_effects(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], fifo[512], name[512];
	struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct inode inode;
	struct stat st;
	int err;

	assert_int_equal(mkfifo(in_dir(f, "fifo", fifo), 0600), 0);
	assert_int_equal(inode_of(fifo, &inode), 0);
	alarm(20);
	err = lookup(f, &inode, path);
	alarm(0);
	unlink(fifo);
	assert_int_equal(err, 0);
	assert_string_equal(path, fifo);

	create(in_dir(f, "file", name));
	assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
	assert_int_equal(inode_of(name, &inode), 0);
	err = lookup(f, &inode, path);
	assert_int_equal(stat(name, &st), 0);
	unlink(name);
	assert_int_equal(err, 0);
	assert_int_equal(st.st_atim.tv_sec, old[0].tv_sec);
}

static void test_no_fd_left(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], name[512];
	struct inode inode, wrong;
	int before, after, i;

	create(in_dir(f, "file", name));
	assert_int_equal(inode_of(name, &inode), 0);
	wrong = inode;
	wrong.generation ^= 1;
	before = dup(0);
	close(before);
	for (i = 0; i < 50; i++) {
		assert_int_equal(lookup(f, &inode, path), 0);
		path_of_inode(f->mount, inode.ino, inode.generation, path, 3);
		lookup(f, &wrong, path);
	}
	after = dup(0);
	close(after);
	unlink(name);
	assert_int_equal(before, after);
}

static void test_small_buffers(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], name[512];
	struct inode inode;
	size_t len, size;

	create(in_dir(f, "file", name));
	assert_int_equal(inode_of(name, &inode), 0);
	len = strlen(name);
	for (size = 0; size <= len + 2; size++) {
		int err;

		memset(path, '#', sizeof(path));
		err = path_of_inode(f->mount, inode.ino, inode.generation, path, size);
		assert_int_equal(err, size > len ? 0 : -ENAMETOOLONG);
		assert_string_equal(size ? path : "#", size > len ? name : size ? "" : "#");
		assert_int_equal(path[size > len ? len + 1 : size], '#');
	}
	unlink(name);
}

/* A bind mount of a subtree, seen from its own namespace: what is outside has no path. */
static int outside_of_bind(const struct fixture *f, const struct inode *outside,
			   const struct inode *inside)
{
	struct mount bind = { .dev = f->mount->dev };
	char sub[512], point[512], path[4096], want[600];

	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
		return 77;
	in_dir(f, "sub", sub);
	bind.point = (char *)in_dir(f, "point", point);
	if (mount(sub, point, "none", MS_BIND, NULL))
		return 77;
	if (path_of_inode(&bind, outside->ino, outside->generation, path, sizeof(path)) >= 0)
		return 1;
	if (path[0])
		return 2;
	if (path_of_inode(&bind, inside->ino, inside->generation, path, sizeof(path)))
		return 3;
	snprintf(want, sizeof(want), "%s/in", point);
	return strcmp(path, want) ? 4 : 0;
}

static void test_bind_mount(void **state)
{
	struct fixture *f = need_ext4(state);
	char sub[512], point[512], in[512], out[512];
	struct inode outside, inside;
	int status;
	pid_t pid;

	assert_int_equal(mkdir(in_dir(f, "sub", sub), 0700), 0);
	assert_int_equal(mkdir(in_dir(f, "point", point), 0700), 0);
	create(in_dir(f, "sub/in", in));
	create(in_dir(f, "out", out));
	assert_int_equal(inode_of(in, &inside), 0);
	assert_int_equal(inode_of(out, &outside), 0);
	pid = fork();
	if (!pid)
		_exit(outside_of_bind(f, &outside, &inside));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(in);
	unlink(out);
	rmdir(sub);
	rmdir(point);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_unprivileged(void **state)
{
	struct fixture *f = need_ext4(state);
	char path[4096], name[512];
	struct inode inode;
	int status;
	pid_t pid;

	if (geteuid())
		skip();
	create(in_dir(f, "file", name));
	assert_int_equal(inode_of(name, &inode), 0);
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) ? 77 : -lookup(f, &inode, path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(name);
	assert_true(WIFEXITED(status));
	/* newer kernels may refuse the handle instead of the call */
	assert_in_set(WEXITSTATUS(status), ((LargestIntegralType[]){ EPERM, EACCES }), 2);
}

/* No ext4 needed from here on: what is refused before or by any filesystem. */
static void test_refused(void **state)
{
	struct mount m = { .point = "/proc" };
	char path[4096];
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc", &st), 0);
	m.dev = dev_of(&st);
	/* ext4 has 32-bit inode numbers */
	assert_int_equal(path_of_inode(&m, 1ULL << 32, 1, path, sizeof(path)), -EOVERFLOW);
	assert_int_equal(path_of_inode(&m, UINT64_MAX, 1, path, sizeof(path)), -EOVERFLOW);
	/* something else is mounted there now */
	m.dev ^= 1;
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -EXDEV);
	m.point = "/nonexistent";
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENOENT);
	m.point = "/proc/self/status";
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENOTDIR);
	assert_int_equal(path_of_inode(&m, 12, 1, path, 0), -ENAMETOOLONG);
}

/* tmpfs has handles of its own kind: ext4's must not find anything there. */
static void test_tmpfs(void **state)
{
	char dir[] = "/dev/shm/e4r-path-XXXXXX", path[4096];
	struct mount m = { .point = dir };
	struct statfs fs;
	struct stat st;
	int err;

	(void)state;
	if (statfs("/dev/shm", &fs) || fs.f_type != TMPFS_MAGIC || !mkdtemp(dir))
		skip();
	assert_int_equal(stat(dir, &st), 0);
	m.dev = dev_of(&st);
	err = path_of_inode(&m, st.st_ino, 1, path, sizeof(path));
	rmdir(dir);
	assert_in_set(-err, ((LargestIntegralType[]){ ESTALE, EPERM, EACCES }), 3);
	assert_string_equal(path, "");
}

/* One file for any handle, so that no ext4 is needed: what its name says about it. */
static void test_what_a_name_says(void **state)
{
	char name[] = "/tmp/e4r-path-XXXXXX", path[4096], other[64];
	struct mount m = { .point = "/tmp" };
	struct stat st;
	int before, after, i;

	(void)state;
	assert_int_equal(stat("/tmp", &st), 0);
	m.dev = dev_of(&st);
	handle_fd = mkostemp(name, O_CLOEXEC);
	assert_true(handle_fd >= 0);
	before = dup(0);
	close(before);
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), 0);
	assert_string_equal(path, name);

	/* What the kernel puts there for a directory that it does not know. */
	link_target = "/";
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENODATA);
	assert_string_equal(path, "");
	link_target = "relative/name";
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENODATA);
	/* Another file of that name. */
	snprintf(other, sizeof(other), "%s (deleted)", name);
	close(open(other, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	link_target = other;
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENOENT);
	assert_string_equal(path, "");
	unlink(other);
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENOENT);
	link_target = "";
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -EACCES);
	assert_string_equal(path, "");
	link_target = NULL;

	unlinked = true;
	assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -ENOENT);
	assert_string_equal(path, "");
	unlinked = false;
	/* The mount point's, and the file's own. */
	fstat_err = EIO;
	for (i = 0; i < 2; i++) {
		fstats_left = i;
		assert_int_equal(path_of_inode(&m, 12, 1, path, sizeof(path)), -EIO);
		assert_string_equal(path, "");
	}
	fstat_err = 0;
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	close(handle_fd);
	handle_fd = -1;
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_hard_links),	cmocka_unit_test(test_generation),
		cmocka_unit_test(test_no_side_effects), cmocka_unit_test(test_no_fd_left),
		cmocka_unit_test(test_small_buffers),	cmocka_unit_test(test_bind_mount),
		cmocka_unit_test(test_unprivileged),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tmpfs),		cmocka_unit_test(test_what_a_name_says),
	};

	return cmocka_run_group_tests_name("path", tests, setup, teardown);
}

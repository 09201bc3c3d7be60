// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/fs.h"
#include "verify/evidence.h"
#include "verify/evidence_behaviour.h"

#define EXT4_MAGIC 0xEF53

/* Each file's first write finds the hole uncached, the others find it cached. */
#define SCRATCH_FILES  4
#define SCRATCH_WRITES 4

/* So many tries at most: on a busy host the kernel skips runs of the counting programs. */
#define SCRATCH_TRIES 8

/* So many of the host's own inserts show it if they differ. */
#define PASSIVE_INSERTS 32

static unsigned long long total_of(const struct verify_samples *s)
{
	return s->hole_cached + s->hole_uncached;
}

static unsigned int kinds_of(const struct verify_samples *s)
{
	unsigned int i, kinds = 0;

	for (i = 0; i < VERIFY_LOOKUPS_MAX; i++)
		kinds += s->by_lookups[i] != 0;
	return kinds;
}

/*
 * Skipped runs are lookups or inserts that nobody counted. They can explain why samples
 * differ. Where as many runs were skipped as inserts were counted, they can also explain
 * why samples agree.
 */
bool samples_are_lossy(const struct verify_samples *s)
{
	return s->missed && (kinds_of(s) > 1 || s->missed >= total_of(s));
}

void evidence_of_samples(struct evidence *ev, const struct verify_samples *s, const char *where)
{
	unsigned long long total = total_of(s);
	unsigned int i, kinds = kinds_of(s), lookups = 0;
	enum verdict says = VERDICT_UNKNOWN;

	for (i = 0; i < VERIFY_LOOKUPS_MAX; i++) {
		if (s->by_lookups[i])
			lookups = i;
	}
	if (kinds == 1 && lookups == 1 && !samples_are_lossy(s))
		says = VERDICT_VULNERABLE;
	else if (kinds == 1 && lookups == 2 && !samples_are_lossy(s))
		says = VERDICT_FIXED;
	if (!kinds)
		evidence_set(ev, says, "no delayed insert was seen %s", where);
	else if (kinds > 1)
		evidence_set(ev, says,
			     "lookups before a delayed insert differ: none %llu times, one %llu, "
			     "two %llu, more %llu%s %s",
			     s->by_lookups[0], s->by_lookups[1], s->by_lookups[2],
			     total - s->by_lookups[0] - s->by_lookups[1] - s->by_lookups[2],
			     s->missed ? " (some lookups were not counted)" : "", where);
	else
		evidence_set(ev, says,
			     "%u lookup%s before each of %llu delayed inserts (hole cached: %llu, "
			     "uncached: %llu)%s %s",
			     lookups, lookups == 1 ? "" : "s", total, s->hole_cached,
			     s->hole_uncached,
			     samples_are_lossy(s) ? " (some lookups were not counted)" : "", where);
}

/* ---- our own writes ---- */

/* An fd of a file without a name in dir, or negative errno. */
static int open_scratch(const char *dir)
{
	char name[] = ".ext4race-verify-XXXXXX", path[4096];
	int fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd < 0 ? -errno : fd;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int write_block(int fd, off_t block, size_t size)
{
	static const char zeroes[65536];
	ssize_t n;

	n = pwrite(fd, zeroes, size, block * (off_t)size);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -ENOSPC;
}

static int write_scratch(const char *dir)
{
	struct stat st;
	int fd, i, err = 0;

	fd = open_scratch(dir);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		err = -errno;
	else if (st.st_blksize < 512 || st.st_blksize > 65536)
		err = -EINVAL;
	/*
	 * With gaps between, so that each block is an extent of its own. The file is gone
	 * before the kernel writes it back, unless it writes back early.
	 */
	for (i = 0; i < SCRATCH_WRITES && !err; i++)
		err = write_block(fd, 100 + 3 * i, st.st_blksize);
	close(fd);
	return err;
}

static int is_ext4(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs))
		return -errno;
	return fs.f_type == EXT4_MAGIC ? 0 : -EMEDIUMTYPE;
}

static bool has_option(const struct mount *mount, const char *option)
{
	size_t len = strlen(option);
	const char *s;

	for (s = mount->options; (s = strstr(s, option)); s += len) {
		if ((s == mount->options || s[-1] == ',') && (!s[len] || s[len] == ','))
			return true;
	}
	return false;
}

/* Why a filesystem makes no delayed inserts, or NULL. */
static const char *no_delalloc(const struct mount *mount)
{
	static const char *const options[] = { "nodelalloc", "data=journal", "dax", "dax=always" };
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (has_option(mount, options[i]))
			return options[i];
	}
	return NULL;
}

static int sample_once(struct verify_probe *probe, const char *dir, struct verify_samples *samples)
{
	int i, err;

	err = is_ext4(dir);
	verify_probe_watch_me(probe);
	for (i = 0; i < SCRATCH_FILES && !err; i++)
		err = write_scratch(dir);
	verify_probe_stop(probe);
	verify_probe_samples(probe, samples);
	return err;
}

static int sample_in(struct verify_probe *probe, const char *dir, struct verify_samples *samples)
{
	int i, err = 0;

	for (i = 0; i < SCRATCH_TRIES; i++) {
		err = sample_once(probe, dir, samples);
		if (err || !samples_are_lossy(samples))
			break;
	}
	return err;
}

static int sample_dir(struct evidence *ev, struct verify_probe *probe, const char *dir)
{
	const struct mount *mount = NULL;
	const char *reason = NULL;
	struct verify_samples samples;
	struct mounts mounts = {};
	char where[128];
	int err;

	err = sample_in(probe, dir, &samples);
	if (err) {
		evidence_set(ev, VERDICT_UNKNOWN, "%.100s: %s", dir,
			     err == -EMEDIUMTYPE ? "not on an ext4 filesystem" : strerror(-err));
		return err;
	}
	if (total_of(&samples)) {
		snprintf(where, sizeof(where), "in %.100s", dir);
		evidence_of_samples(ev, &samples, where);
		return 0;
	}
	if (!mounts_read(&mounts, NULL) && !mounts_resolve(&mounts, dir, &mount))
		reason = no_delalloc(mount);
	snprintf(where, sizeof(where), "in %.60s: %.40s", dir,
		 reason ? reason : "does ext4 delay allocation there?");
	evidence_of_samples(ev, &samples, where);
	mounts_free(&mounts);
	return 0;
}

/* The first mount that takes our writes and delays their allocation. */
static int sample_any(struct evidence *ev, struct verify_probe *probe)
{
	struct mounts mounts = {};
	struct verify_samples samples;
	size_t i, found = 0;
	char where[128];
	int err;

	err = mounts_read(&mounts, NULL);
	for (i = 0; !err && i < mounts.n; i++) {
		if (no_delalloc(&mounts.v[i]) || sample_in(probe, mounts.v[i].point, &samples))
			continue;
		found = total_of(&samples);
		if (!found)
			continue;
		snprintf(where, sizeof(where), "in %.100s", mounts.v[i].point);
		evidence_of_samples(ev, &samples, where);
		break;
	}
	if (!found) {
		err = err ? err : -ENOENT;
		evidence_set(ev, VERDICT_UNKNOWN,
			     "no ext4 filesystem here is writable and delays allocation; "
			     "name a directory with --dir");
	}
	mounts_free(&mounts);
	return err;
}

int evidence_behaviour(struct evidence *ev, struct verify_probe *probe, const char *dir)
{
	char why[128] = "";
	int err;

	err = verify_probe_attach(probe, why, sizeof(why));
	if (err) {
		evidence_set(ev, VERDICT_UNKNOWN, "%s", why);
		return err;
	}
	err = dir ? sample_dir(ev, probe, dir) : sample_any(ev, probe);
	verify_probe_detach(probe);
	return err;
}

/* ---- the host's own writes ---- */

/* True: as many inserts as were wanted have been seen. */
static bool wait_for_inserts(struct verify_probe *probe, const struct passive_wait *wait,
			     const struct timespec *start)
{
	struct pollfd pfd = { .fd = verify_probe_fd(probe), .events = POLLIN };
	struct verify_samples samples;
	double left;
	int n;

	while ((left = wait->sec - seconds_since(start)) > 0) {
		if (wait->progress) {
			verify_probe_samples(probe, &samples);
			wait->progress(left, total_of(&samples), PASSIVE_INSERTS);
			left = left < 1 ? left : 1;
		}
		n = poll(&pfd, 1, (int)(left * 1000) + 1);
		if (n > 0)
			return true;
		/* Stopped, and told to go on. */
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

int evidence_passive(struct evidence *ev, struct verify_probe *probe,
		     const struct passive_wait *wait)
{
	struct timespec start;
	struct verify_samples samples;
	char why[128] = "", where[64];
	bool enough;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &start);
	err = verify_probe_attach(probe, why, sizeof(why));
	if (err) {
		evidence_set(ev, VERDICT_UNKNOWN, "%s", why);
		return err;
	}
	do {
		verify_probe_watch_all(probe, PASSIVE_INSERTS);
		enough = wait_for_inserts(probe, wait, &start);
		verify_probe_stop(probe);
		verify_probe_samples(probe, &samples);
	} while (enough && samples_are_lossy(&samples));
	verify_probe_detach(probe);
	snprintf(where, sizeof(where), "in the host's own writes within %g s", wait->sec);
	evidence_of_samples(ev, &samples, where);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evidence from /sys/kernel/livepatch: PATCH/{enabled,transition}, PATCH/OBJECT/FUNCTION,N, and
 * from what this project's module says of itself where ftrace redirects the insert to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/race_functions.h"
#include "verify/evidence.h"
#include "verify/evidence_livepatch.h"

#define LIVEPATCH_DIR "/sys/kernel/livepatch"
/* This project's livepatch, and the file (seen from LIVEPATCH_DIR) that says if it refuses. */
#define OWN_LIVEPATCH "ext4race_livepatch"
#define OWN_ACTIVE    "../" OWN_LIVEPATCH "/active"
/* From the directory that LIVEPATCH_DIR is in, which may not have LIVEPATCH_DIR. */
#define BESIDE_ACTIVE OWN_LIVEPATCH "/active"
#define BESIDE_WAY    OWN_LIVEPATCH "/way"

/* What a sysfs file begins with, or 0 when it cannot be read. */
static char read_first(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char c = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, &c, 1);
	close(fd);
	return n == 1 ? c : 0;
}

/* The decimal digit that a sysfs file begins with, or -1 when it cannot be read. */
static int read_flag(int dir, const char *name)
{
	char c = read_first(dir, name);

	return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* True for a function's entry, "name,1", and for a clone of it, "name.isra.0,1". */
static bool is_one_of(const char *entry, const char *const *names, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = strlen(names[i]);
		if (!strncmp(entry, names[i], len) && strchr(",.", entry[len]))
			return true;
	}
	return false;
}

/* What one livepatch replaces. */
struct finding {
	bool mapping, insert;
	char function[64]; /* one of them */
};

/* NULL where there is none, or it cannot be opened. */
static DIR *open_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static void look_at_object(int patch, const char *object, struct finding *found)
{
	DIR *dir = open_dir(patch, object);
	struct dirent *entry;
	bool mapping, insert;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		mapping = is_one_of(entry->d_name, race_mappings, RACE_MAPPINGS);
		insert = is_one_of(entry->d_name, race_inserts, RACE_INSERTS);
		if (mapping || insert)
			snprintf(found->function, sizeof(found->function), "%.*s",
				 (int)strcspn(entry->d_name, ","), entry->d_name);
		found->mapping |= mapping;
		found->insert |= insert;
	}
	closedir(dir);
}

/* A hash of a name. Sums of them tell one set of names from another, in any order. */
static uint64_t digest(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3;
	return hash;
}

static void note_patch(struct evidence *ev, struct livepatch_state *state, int root,
		       const char *name, const struct finding *found, bool transition)
{
	state->any = true;
	state->replaces_mapping |= found->mapping;
	state->replaces_insert |= found->insert;
	state->in_transition |= transition;
	state->inserts += found->insert;
	state->which += digest(name);
	if (!transition && !strcmp(name, OWN_LIVEPATCH) && read_flag(root, OWN_ACTIVE) == 1)
		evidence_set(ev, VERDICT_FIXED,
			     "%s refuses delayed inserts over mapped blocks (%s), "
			     "transition complete",
			     name, found->function);
	else if (ev->says == VERDICT_UNKNOWN)
		evidence_set(ev, VERDICT_UNKNOWN, "%.60s replaces %s, %s", name, found->function,
			     transition ? "transition not complete" : "transition complete");
}

static void look_at_patch(struct evidence *ev, struct livepatch_state *state, int root,
			  const char *name)
{
	DIR *dir = open_dir(root, name);
	struct finding found = {};
	struct dirent *entry;
	int fd, transition;

	if (!dir)
		return;
	fd = dirfd(dir);
	while ((entry = readdir(dir))) {
		/* Objects are the directories: "vmlinux", "ext4". */
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "power"))
			look_at_object(fd, entry->d_name, &found);
	}
	transition = read_flag(fd, "transition");
	/* A livepatch that is disabled and not in transition: the old functions run. */
	if ((found.mapping || found.insert) && (read_flag(fd, "enabled") != 0 || transition))
		note_patch(ev, state, root, name, &found, transition);
	closedir(dir);
}

static void look_at_livepatches(struct evidence *ev, struct livepatch_state *state,
				const char *sysfs)
{
	DIR *dir = opendir(sysfs);
	struct dirent *entry;

	if (!dir) {
		evidence_set(ev, VERDICT_UNKNOWN,
			     errno == ENOENT ? "this kernel has no livepatches" :
					       "livepatches cannot be listed");
		return;
	}
	evidence_set(ev, VERDICT_UNKNOWN, "none replaces a function of the race");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			look_at_patch(ev, state, dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

/*
 * This project's module without live patching: no entry below sysfs shows it. It is active
 * from the end of its loading to the beginning of its removal.
 */
static void look_at_redirection(struct evidence *ev, struct livepatch_state *state,
				const char *sysfs)
{
	const char *name = strrchr(sysfs, '/');
	char parent[PATH_MAX];
	int dir;

	if (!name || name == sysfs)
		return;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - sysfs), sysfs);
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	if (read_first(dir, BESIDE_WAY) == 'f') {
		state->any = true;
		state->replaces_insert = true;
		state->inserts++;
		state->which += digest(BESIDE_WAY);
		if (read_flag(dir, BESIDE_ACTIVE) == 1) {
			evidence_set(ev, VERDICT_FIXED,
				     OWN_LIVEPATCH " refuses delayed inserts over mapped "
						   "blocks, redirected by ftrace");
		} else {
			state->in_transition = true;
			evidence_set(ev, VERDICT_UNKNOWN,
				     OWN_LIVEPATCH " is being loaded or removed");
		}
	}
	close(dir);
}

void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs)
{
	memset(state, 0, sizeof(*state));
	if (!sysfs)
		sysfs = LIVEPATCH_DIR;
	look_at_livepatches(ev, state, sysfs);
	look_at_redirection(ev, state, sysfs);
	/* Only the one that came last runs, and sysfs does not show which one that is. */
	if (state->inserts > 1)
		evidence_set(ev, VERDICT_UNKNOWN,
			     "%u livepatches replace the delayed insert, and only the one "
			     "that was enabled last runs",
			     state->inserts);
}

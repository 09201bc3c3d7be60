// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "metrics/exposition_parts.h"

static const char *device_of(const struct metrics_fs *fs, char *buf, size_t size)
{
	if (fs->source[0])
		return fs->source;
	/* The map of filesystems is full: one entry stands for all the others. */
	if (!fs->dev)
		return "other";
	snprintf(buf, size, "%u:%u", E4R_DEV_MAJOR(fs->dev), E4R_DEV_MINOR(fs->dev));
	return buf;
}

static void fs_sample(struct expo *o, const struct expo_family *f, const struct metrics_fs *fs,
		      unsigned long long value)
{
	char dev[32];

	expo_sample(o, f, expo_suffix(f), "device", device_of(fs, dev, sizeof(dev)), "mount",
		    fs->mount ? fs->mount : "", NULL);
	expo_putf(o, "%llu\n", value);
}

struct fs_counter {
	struct expo_family family;
	size_t offset; /* of the count in struct e4r_stats */
	bool near_miss;
};

static const struct fs_counter fs_counters[] = {
	{ { "ext4race_overwritten_blocks", COUNTER,
	    "Blocks whose mapping a delayed insert overwrote: the race, confirmed." },
	  offsetof(struct e4r_stats, overwritten_blocks),
	  false },
	{ { "ext4race_overwritten_files", COUNTER,
	    "Files with at least one overwritten block; again if hit after an eviction." },
	  offsetof(struct e4r_stats, overwritten_files),
	  false },
	{ { "ext4race_reclaimed_blocks", COUNTER,
	    "Overwritten blocks whose mapping had been reclaimed from the extent status tree." },
	  offsetof(struct e4r_stats, reclaimed_blocks),
	  false },
	{ { "ext4race_near_misses", COUNTER,
	    "Allocations of the faulting block within a fault that overwrote nothing." },
	  offsetof(struct e4r_stats, near_misses),
	  true },
	{ { "ext4race_averted", COUNTER, "Collisions that the kernel caught." },
	  offsetof(struct e4r_stats, averted),
	  false },
	{ { "ext4race_leaked_blocks", COUNTER,
	    "Reserved blocks still held by inodes when they were destroyed." },
	  offsetof(struct e4r_stats, leaked_blocks),
	  false },
	{ { "ext4race_leaked_files", COUNTER, "Inodes destroyed with reserved blocks still held." },
	  offsetof(struct e4r_stats, leaked_files),
	  false },
};

static void render_fs_counters(struct expo *o, const struct metrics *m)
{
	size_t i, j;

	for (i = 0; i < sizeof(fs_counters) / sizeof(*fs_counters); i++) {
		const struct fs_counter *c = &fs_counters[i];

		/* A zero that nobody could have counted would be a lie. */
		if (c->near_miss && !m->near_misses_seen)
			continue;
		expo_family(o, &c->family);
		for (j = 0; j < m->n_fs; j++) {
			__u64 value;

			memcpy(&value, (const char *)&m->fs[j].stats + c->offset, sizeof(value));
			fs_sample(o, &c->family, &m->fs[j], value);
		}
	}
}

static void render_operations(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_allocator_overwritten_blocks", COUNTER,
		"Overwritten blocks by the operation that had allocated them."
	};
	char dev[32];
	unsigned int op;
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < m->n_fs; i++)
		for (op = 0; op < E4R_OP_MAX; op++) {
			const struct metrics_fs *fs = &m->fs[i];

			expo_sample(o, &f, "_total", "device", device_of(fs, dev, sizeof(dev)),
				    "mount", fs->mount ? fs->mount : "", "operation", op_name(op),
				    NULL);
			expo_putf(o, "%llu\n", (unsigned long long)fs->stats.by_op[op]);
		}
}

static void render_mounts(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = { "ext4race_mount_watched", GAUGE,
					      "Whether a filesystem is mounted at the path of "
					      "--mount (1), or none is and nothing "
					      "is watched there (0)." };
	size_t i;

	if (!m->n_mounts)
		return;
	expo_family(o, &f);
	for (i = 0; i < m->n_mounts; i++) {
		expo_sample(o, &f, "", "path", m->mounts[i].path, NULL);
		expo_put(o, m->mounts[i].mounted ? "1\n" : "0\n");
	}
}

void exposition_filesystems(struct expo *o, const struct metrics *m)
{
	static const struct expo_family residual = {
		"ext4race_residual_blocks", GAUGE,
		"Delayed blocks that the filesystem accounts for; "
		"what remains after a sync is leaked."
	};
	size_t i;

	render_fs_counters(o, m);
	render_operations(o, m);
	expo_family(o, &residual);
	for (i = 0; i < m->n_fs; i++)
		if (m->fs[i].has_residual)
			fs_sample(o, &residual, &m->fs[i], m->fs[i].residual);
	render_mounts(o, m);
}

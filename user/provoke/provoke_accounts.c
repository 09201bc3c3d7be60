// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/counts.h"
#include "base/say.h"
#include "provoke/provoke_accounts.h"
#include "report/report.h"

static unsigned long long larger(unsigned long long a, unsigned long long b)
{
	return a > b ? a : b;
}

/* Blocks more than before the run. Before a sync, data that is dirty is in it too. */
static long long residual_growth(const struct provoke_accounts *acc)
{
	unsigned long long now;

	if (residual_read(acc->target->mount->dev, &now))
		return 0;
	return (long long)(now - acc->residual_before);
}

/* The same as a leak, which cannot be negative. */
static unsigned long long residual_leak(const struct provoke_accounts *acc)
{
	long long growth = residual_growth(acc);

	return growth > 0 ? (unsigned long long)growth : 0;
}

int provoke_accounts_begin(struct provoke_accounts *acc)
{
	int err;

	syncfs(acc->target->dir);
	err = residual_read(acc->target->mount->dev, &acc->residual_before);
	if (err)
		say("/sys/fs/ext4: the leak cannot be read: %s", strerror(-err));
	return err;
}

unsigned long long provoke_may_leak(void *arg)
{
	const struct provoke_accounts *acc = arg;
	unsigned long long max = acc->target->max_leak, gone;
	struct e4r_stats total;

	if (acc->det) {
		detector_total(acc->det, &total);
		gone = larger(total.overwritten_blocks, total.leaked_blocks);
	} else {
		gone = residual_leak(acc);
	}
	return gone < max ? max - gone : 0;
}

unsigned long long provoke_hits(void *arg)
{
	const struct provoke_accounts *acc = arg;
	struct provoke_counts counts;
	struct e4r_stats total;

	provoke_probe_counts(acc->probe, &counts);
	if (!acc->det)
		return counts.averted + residual_leak(acc);
	detector_total(acc->det, &total);
	return total.overwritten_blocks + larger(total.averted, counts.averted);
}

unsigned long long provoke_overwritten(const struct provoke_accounts *acc)
{
	struct e4r_stats total;

	if (!acc->det)
		return residual_leak(acc);
	detector_total(acc->det, &total);
	return total.overwritten_blocks;
}

static void end_detector(struct provoke_accounts *acc, struct provoke_outcome *out)
{
	struct e4r_counters counters = {};
	struct e4r_stats stats;

	detector_detach(acc->det);
	detector_total(acc->det, &stats);
	detector_counters(acc->det, &counters);
	out->lost = counters_lost_evidence(&counters) + detector_pending(acc->det);
	out->overwritten = stats.overwritten_blocks;
	out->leaked = stats.leaked_blocks;
	out->averted = stats.averted;
	out->detector = attach_mode_name(detector_plan(acc->det)->mode);
}

void provoke_accounts_end(struct provoke_accounts *acc, struct provoke_outcome *out)
{
	struct provoke_counts counts;

	provoke_probe_counts(acc->probe, &counts);
	syncfs(acc->target->dir);
	out->residual = residual_growth(acc);
	if (acc->det)
		end_detector(acc, out);
	else
		out->leaked = out->overwritten = out->residual > 0 ?
							 (unsigned long long)out->residual :
							 0;
	out->lost += counts.unreadable;
	/* Where a livepatch looks the block up inside the insert, both count the same ones. */
	out->averted = larger(out->averted, counts.averted);
	out->windows = counts.windows;
	out->delays = counts.delays;
	out->delayed_ns = counts.delayed_ns;
}

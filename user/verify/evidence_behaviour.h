/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence from what the kernel does: lookups before delayed inserts. */
#ifndef EXT4RACE_EVIDENCE_BEHAVIOUR_H
#define EXT4RACE_EVIDENCE_BEHAVIOUR_H

#include <stdbool.h>

#include "report/verdict.h"
#include "verify/verify_probe.h"

/* The kernel skipped so many runs that the samples prove nothing: worth another try. */
bool samples_are_lossy(const struct verify_samples *samples);
/*
 * What samples say: two lookups before every insert is fixed, one before every insert is
 * vulnerable, anything else is unknown. where ends the line: "in /mnt".
 */
void evidence_of_samples(struct evidence *ev, const struct verify_samples *samples,
			 const char *where);
/*
 * Makes ordinary delalloc writes to scratch files in dir (NULL: in the first writable
 * ext4 mount; -ENOENT when there is none). Detaches what it attached. 0, or negative
 * errno when nothing could be tried; *ev is filled in each case. -EMEDIUMTYPE: dir is
 * not on an ext4 filesystem.
 */
int evidence_behaviour(struct evidence *ev, struct verify_probe *probe, const char *dir);

/* How to wait for the host's own writes. */
struct passive_wait {
	double sec; /* at most */
	/* Called once a second: seconds that are left, inserts seen and wanted. NULL: never. */
	void (*progress)(double left, unsigned long long seen, unsigned long long wanted);
};

/*
 * The same from the host's own writes. 0, or negative errno when the probe could not be
 * attached; *ev is filled in each case.
 */
int evidence_passive(struct evidence *ev, struct verify_probe *probe,
		     const struct passive_wait *wait);

#endif /* EXT4RACE_EVIDENCE_BEHAVIOUR_H */

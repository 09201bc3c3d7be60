/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The families of an exposition, by what they are about. Each part writes its families
 * whole, in the order that docs/metrics.md has them.
 */
#ifndef EXT4RACE_EXPOSITION_PARTS_H
#define EXT4RACE_EXPOSITION_PARTS_H

#include "base/clock.h"
#include "metrics/exposition.h"
#include "metrics/exposition_write.h"

/* exposition_host.c: the kernel, its verdict, and what was seen on all filesystems. */
void exposition_host(struct expo *o, const struct metrics *m);
/* exposition_fs.c: one sample a filesystem. */
void exposition_filesystems(struct expo *o, const struct metrics *m);
/* exposition_self.c: the detector itself: its BPF programs, its sinks, its exporter. */
void exposition_self(struct expo *o, const struct metrics *m, const struct exposition_http *http);
/* exposition_process.c: process_*, as every Prometheus client has them. */
void exposition_process(struct expo *o, const struct metrics *m);

#endif /* EXT4RACE_EXPOSITION_PARTS_H */

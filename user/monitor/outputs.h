/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a run's reports and metrics go: the sinks, of which the output is the first. */
#ifndef EXT4RACE_OUTPUTS_H
#define EXT4RACE_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"
#include "report/metrics.h"
#include "report/report.h"

struct confine;
struct outputs;

struct outputs_config {
	const struct options *opt;
	/* The output is lost, which was said: the run is to end. */
	void (*lost)(void *arg);
	/* As struct metrics_source has it; called in threads of the sinks. */
	int (*snapshot)(void *arg, void (*take)(void *ctx, const struct metrics *metrics),
			void *ctx);
	/* The detector is alive; else false, and one line in why. Likewise. */
	bool (*answers)(void *arg, char *why, size_t why_size);
	void *arg;
};

/*
 * Opens the output only: what is wrong with the rest is told once something can be.
 * 0, or negative errno and it was said why.
 */
int outputs_open(struct outputs **out, const struct outputs_config *config);
/*
 * Opens the other sinks and starts the exporter. confine, which is borrowed, is told which
 * files are opened later. 0, or negative errno and it was said why.
 */
int outputs_open_others(struct outputs *outputs, struct confine *confine);
/* Writes what waits, and frees. True if the output was lost, at this or before. NULL is fine. */
bool outputs_close(struct outputs *outputs);
/* Opens files again, for those who rotate logs. */
void outputs_reopen(struct outputs *outputs);

/* To every sink. The loss of the output ends the run, that of another sink is counted there. */
void outputs_send(struct outputs *outputs, const struct report *report);
/*
 * Has each sink that shows metrics by itself show those of now; see sink_ops.refresh. 0, or
 * the first negative errno.
 */
int outputs_refresh(struct outputs *outputs, unsigned int wait_msec);

/* The reader of the output went away: err is what a write would get. */
void outputs_lose(struct outputs *outputs, int err);
bool outputs_lost(const struct outputs *outputs);
/* The output's, for an event loop and for what follows the reports; not to be closed. */
int outputs_fd(const struct outputs *outputs);
/* Reports that the output missed: its reader was too slow, or its file was full or frozen. */
unsigned long long outputs_missed(const struct outputs *outputs);
/*
 * Waits until the output has everything, as long as its reader takes. The output is lost when
 * it cannot have it.
 */
void outputs_flush(struct outputs *outputs);

/* What each sink missed, of the n there are at most: their number. Any thread. */
size_t outputs_sinks(struct outputs *outputs, struct metrics_sink *sinks, size_t n);

#define OUTPUTS_MAX 4 /* the output, the journal, the textfile, the exporter */

#endif /* EXT4RACE_OUTPUTS_H */

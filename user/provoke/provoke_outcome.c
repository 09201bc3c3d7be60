// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "base/terminal.h"
#include "provoke/provoke_outcome.h"
#include "report/report_json.h"

static const char *const result_names[] = {
	[PROVOKE_INCONCLUSIVE] = "inconclusive",
	[PROVOKE_AVERTED] = "averted",
	[PROVOKE_OVERWRITTEN] = "overwritten",
};

void provoke_outcome_judge(struct provoke_outcome *out)
{
	out->collisions = out->averted + out->overwritten;
	if (out->overwritten)
		out->result = PROVOKE_OVERWRITTEN;
	else if (out->collisions && !out->lost)
		out->result = PROVOKE_AVERTED;
	else
		/* No collision proves nothing; a lost one could have been an overwrite. */
		out->result = PROVOKE_INCONCLUSIVE;
}

/*
 * How probable an overwrite is at a collision: at most this, with 95 % confidence (the rule
 * of three, which is good from 30 collisions on), and never above 1.
 */
static double upper_bound(const struct provoke_outcome *out)
{
	return out->collisions > 3 ? 3.0 / (double)out->collisions : 1.0;
}

static json_t *as_json(const struct provoke_outcome *out)
{
	bool bounded = !out->overwritten && out->collisions;
	char time[REPORT_TIME_LEN];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, "
		"s:f, s:s, s:s?, s:f}",
		"type", "provoke", "schema", REPORT_SCHEMA, "time", format_time(time, &now),
		"result", result_names[out->result], "attempts", (json_int_t)out->race.attempts,
		"windows", (json_int_t)out->windows, "collisions", (json_int_t)out->collisions,
		"averted", (json_int_t)out->averted, "overwritten_blocks",
		(json_int_t)out->overwritten, "leaked_blocks", (json_int_t)out->leaked,
		"residual_blocks", (json_int_t)out->residual, "lost_events", (json_int_t)out->lost,
		"probability_upper_bound", bounded ? json_real(upper_bound(out)) : json_null(),
		"delays", (json_int_t)out->delays, "delayed_seconds", (double)out->delayed_ns / 1e9,
		"detector", out->detector ? out->detector : "none", "stopped", out->race.stopped,
		"seconds", out->seconds);
}

static int print_json(const struct provoke_outcome *out)
{
	json_t *object = as_json(out);
	size_t len;
	char *line = object ? json_line(object, &len) : NULL;
	int err;

	json_decref(object);
	if (!line)
		return -ENOMEM;
	err = output_write(STDOUT_FILENO, line, len);
	free(line);
	return err;
}

static void print_counts(const struct provoke_outcome *out)
{
	printf("  attempts     %10llu  in %llu files\n", out->race.attempts, out->race.files);
	printf("  collisions   %10llu  allocations that fell into a fault's window\n",
	       out->collisions);
	printf("  averted      %10llu\n", out->averted);
	printf("  overwritten  %10llu  blocks%s\n", out->overwritten,
	       out->detector ? "" : " (counted by their leak: no detector here)");
	printf("  leaked       %10llu  blocks; residual %+lld\n", out->leaked, out->residual);
	if (out->widened)
		printf("  delays       %10llu  of our own fault thread, %.3f s in all\n",
		       out->delays, (double)out->delayed_ns / 1e9);
	if (out->lost)
		printf("  lost         %10llu  observations: nothing is proven\n", out->lost);
}

static int print_text(const struct provoke_outcome *out)
{
	static const enum severity severity[] = {
		[PROVOKE_INCONCLUSIVE] = SEVERITY_WARN,
		[PROVOKE_AVERTED] = SEVERITY_GOOD,
		[PROVOKE_OVERWRITTEN] = SEVERITY_BAD,
	};
	bool color = terminal_has_color(STDOUT_FILENO);

	printf("%s%s%s after %.1f s%s%s\n", terminal_paint(color, severity[out->result]),
	       result_names[out->result], terminal_plain(color), out->seconds,
	       out->race.stopped ? ", stopped: " : "", out->race.stopped ? out->race.stopped : "");
	print_counts(out);
	if (out->overwritten)
		printf("The leaked blocks come back when %s is unmounted.\n", out->mount);
	else if (!out->collisions)
		printf("No allocation fell into a window: this proves nothing%s.\n",
		       out->widened ? "" : "; --widen makes the window longer");
	else
		printf("A collision overwrites with a probability below %.2g (95 %%).\n",
		       upper_bound(out));
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

int provoke_outcome_print(const struct provoke_outcome *out, bool json)
{
	return json ? print_json(out) : print_text(out);
}

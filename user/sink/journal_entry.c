// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "sink/journal_entry.h"

#define PRINTABLE_MAX (4 * 4096 + 1)

/* Also in deploy/journal/ext4race-detect.catalog; never change one. */
static const char *const ids[REPORT_TYPE_MAX] = {
	[REPORT_START] = "585c8a2f7dcc4beea9ae0129c369763a",
	[REPORT_OVERWRITE] = "ca7b89cbee4d4d45b5eb7345f9a844a4",
	[REPORT_AVERTED] = "0c61a45e26c84d429dd8bf803197513c",
	[REPORT_NEAR_MISS] = "a7c696e609574c2f867e55eb7a87f4be",
	[REPORT_LEAK] = "35e3088a271e4fe88d729a70e25690da",
	[REPORT_VERDICT] = "e91c624017aa4dcdb724ad903521b522",
	[REPORT_SUMMARY] = "20f6bde51bbe46b6ba3c1b45df0bcfc2",
};

/* ------------------------------------------------------------------- fields */

/* One field. The protocol wants a length before a value that has a newline. */
static void field(FILE *out, const char *name, const char *value)
{
	uint64_t len = htole64(strlen(value));

	if (!strchr(value, '\n')) {
		fprintf(out, "%s=%s\n", name, value);
		return;
	}
	fprintf(out, "%s\n", name);
	fwrite(&len, sizeof(len), 1, out);
	fprintf(out, "%s\n", value);
}

__attribute__((format(printf, 3, 4))) static void fieldf(FILE *out, const char *name,
							 const char *fmt, ...)
{
	char *value;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	field(out, name, value);
	free(value);
}

static void number(FILE *out, const char *name, unsigned long long value)
{
	fieldf(out, name, "%llu", value);
}

static void put_dev(FILE *out, unsigned int dev)
{
	fieldf(out, "EXT4RACE_DEV", "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
}

/* comm need not end with a NUL. */
static void put_task(FILE *out, const char *who, const struct e4r_task *task)
{
	char name[40], comm[E4R_COMM_LEN + 1] = "";

	memcpy(comm, task->comm, E4R_COMM_LEN);
	snprintf(name, sizeof(name), "EXT4RACE_%s_PID", who);
	number(out, name, task->pid);
	snprintf(name, sizeof(name), "EXT4RACE_%s_TID", who);
	number(out, name, task->tid);
	snprintf(name, sizeof(name), "EXT4RACE_%s_COMM", who);
	field(out, name, comm);
}

static void put_stack(FILE *out, const char *name, size_t n, const char *const *frames)
{
	char *text = NULL;
	size_t size, i;
	FILE *lines;

	if (!n)
		return;
	lines = open_memstream(&text, &size);
	if (!lines)
		return;
	for (i = 0; i < n; i++)
		fprintf(lines, "%s%s", i ? "\n" : "", frames[i]);
	if (!fclose(lines))
		field(out, name, text);
	free(text);
}

static void put_allocator(FILE *out, const struct e4r_event *ev)
{
	const struct e4r_alloc *a = &ev->alloc;

	if (!(ev->flags & E4R_F_ALLOCATOR))
		return;
	put_task(out, "ALLOCATOR", &a->task);
	field(out, "EXT4RACE_ALLOCATOR_OP", op_name(a->op));
	number(out, "EXT4RACE_ALLOCATOR_LBLK", a->lblk);
	number(out, "EXT4RACE_ALLOCATOR_LEN", a->len);
	if (a->time_ns <= ev->time_ns)
		number(out, "EXT4RACE_ALLOCATOR_AGE_NS", ev->time_ns - a->time_ns);
}

static void put_file(FILE *out, const struct race_info *race)
{
	put_dev(out, race->ev->dev);
	number(out, "EXT4RACE_INO", race->ev->ino);
	number(out, "EXT4RACE_GENERATION", race->ev->generation);
	if (race->mount)
		field(out, "EXT4RACE_MOUNT", race->mount);
	if (race->path)
		field(out, "EXT4RACE_PATH", race->path);
}

static void put_collision(FILE *out, const struct race_info *race)
{
	const struct e4r_event *ev = race->ev;

	put_file(out, race);
	number(out, "EXT4RACE_LBLK", ev->lblk);
	number(out, "EXT4RACE_LEN", ev->len);
	if (ev->was)
		field(out, "EXT4RACE_WAS", was_name(ev->was));
	number(out, "EXT4RACE_PBLK", ev->pblk);
	if (ev->flags & E4R_F_WINDOW)
		number(out, "EXT4RACE_WINDOW_NS", ev->window_ns);
	number(out, "EXT4RACE_FAULT_CGROUP", ev->cgroup);
	put_task(out, "FAULT", &ev->fault);
	put_allocator(out, ev);
	put_stack(out, "EXT4RACE_FAULT_STACK", race->n_fault_stack, race->fault_stack);
	put_stack(out, "EXT4RACE_ALLOCATOR_STACK", race->n_alloc_stack, race->alloc_stack);
}

/* ----------------------------------------------------------------- messages */

/* What people call the file: its path, or the inode when it has none. */
static void name_file(char *buf, size_t size, const struct race_info *race)
{
	char path[PRINTABLE_MAX];

	if (race->path)
		snprintf(buf, size, "%s", printable(path, sizeof(path), race->path));
	else
		snprintf(buf, size, "inode %llu on %u:%u", (unsigned long long)race->ev->ino,
			 E4R_DEV_MAJOR(race->ev->dev), E4R_DEV_MINOR(race->ev->dev));
}

static void put_collision_message(FILE *out, const struct race_info *race, const char *what)
{
	const struct e4r_event *ev = race->ev;
	char file[PRINTABLE_MAX], comm[E4R_COMM_LEN + 1] = "", shown[4 * E4R_COMM_LEN + 1];

	name_file(file, sizeof(file), race);
	memcpy(comm, ev->fault.comm, E4R_COMM_LEN);
	fieldf(out, "MESSAGE", "%s: %u block%s at %u of %s, fault of %s (pid %u)%s%s", what,
	       ev->len, ev->len == 1 ? "" : "s", ev->lblk, file,
	       printable(shown, sizeof(shown), comm), ev->fault.pid,
	       ev->flags & E4R_F_ALLOCATOR ? " against " : "",
	       ev->flags & E4R_F_ALLOCATOR ? op_name(ev->alloc.op) : "");
	put_collision(out, race);
}

static void put_leak(FILE *out, const struct race_info *race)
{
	const struct e4r_event *ev = race->ev;
	char file[PRINTABLE_MAX];

	name_file(file, sizeof(file), race);
	fieldf(out, "MESSAGE", "leak: %s destroyed with %u reserved block%s, %u seen overwritten",
	       file, ev->len, ev->len == 1 ? "" : "s", ev->overwrites);
	put_file(out, race);
	number(out, "EXT4RACE_BLOCKS", ev->len);
	number(out, "EXT4RACE_OVERWRITES", ev->overwrites);
}

static void put_start(FILE *out, const struct start_info *s)
{
	size_t i;

	fieldf(out, "MESSAGE", "watching kernel %s by %s, %zu filesystem%s", s->kernel, s->attach,
	       s->n_fs, s->n_fs == 1 ? "" : "s");
	field(out, "EXT4RACE_VERSION", s->version);
	field(out, "EXT4RACE_KERNEL", s->kernel);
	field(out, "EXT4RACE_ATTACH", s->attach);
	field(out, "EXT4RACE_CERTAINTY", s->certainty ? s->certainty : "full");
	for (i = 0; i < s->n_hooks; i++)
		fieldf(out, "EXT4RACE_HOOK", "%s: %s", s->hooks[i].name,
		       s->hooks[i].bound[0] ? s->hooks[i].bound : s->hooks[i].reason);
}

static void put_verdict(FILE *out, const struct verdict_info *v)
{
	enum evidence_slot slot;

	fieldf(out, "MESSAGE", "verdict: the running kernel is %s%s",
	       v->verdict == VERDICT_UNKNOWN ? "not known to be fixed" : verdict_name(v->verdict),
	       v->verdict == VERDICT_VULNERABLE ? " to the delayed allocation race" : "");
	field(out, "EXT4RACE_VERDICT", verdict_name(v->verdict));
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		if (v->evidence[slot].given)
			fieldf(out, "EXT4RACE_EVIDENCE", "%s says %s: %s", evidence_kind(slot),
			       verdict_name(v->evidence[slot].says), v->evidence[slot].detail);
	}
}

static void put_summary(FILE *out, const struct summary_info *s)
{
	size_t i;

	fieldf(out, "MESSAGE",
	       "summary: %llu blocks of %llu files overwritten, %llu leaked, "
	       "%llu events lost in %.1f s",
	       s->overwritten_blocks, s->overwritten_files, s->leaked_blocks, s->lost_events,
	       s->seconds);
	number(out, "EXT4RACE_DELAYED_INSERTS", s->delayed_inserts);
	number(out, "EXT4RACE_OVERWRITTEN_BLOCKS", s->overwritten_blocks);
	number(out, "EXT4RACE_OVERWRITTEN_FILES", s->overwritten_files);
	if (s->near_misses_seen)
		number(out, "EXT4RACE_NEAR_MISSES", s->near_misses);
	number(out, "EXT4RACE_AVERTED", s->averted);
	number(out, "EXT4RACE_LEAKED_BLOCKS", s->leaked_blocks);
	number(out, "EXT4RACE_LEAKED_FILES", s->leaked_files);
	number(out, "EXT4RACE_LOST_EVENTS", s->lost_events);
	for (i = 0; i < s->n_residual; i++)
		fieldf(out, "EXT4RACE_RESIDUAL", "%s %llu", s->residual[i].source,
		       s->residual[i].blocks);
}

static int priority_of(const struct report *r)
{
	switch (r->type) {
	case REPORT_OVERWRITE:
	case REPORT_LEAK:
		return LOG_WARNING;
	case REPORT_VERDICT:
		return r->verdict->verdict == VERDICT_VULNERABLE ? LOG_WARNING :
		       r->verdict->verdict == VERDICT_UNKNOWN	 ? LOG_NOTICE :
								   LOG_INFO;
	case REPORT_SUMMARY:
		return r->summary->overwritten_blocks	   ? LOG_WARNING :
		       summary_is_inconclusive(r->summary) ? LOG_NOTICE :
							     LOG_INFO;
	case REPORT_NEAR_MISS:
		return LOG_DEBUG;
	default:
		return LOG_INFO;
	}
}

static void put_report(FILE *out, const struct report *r)
{
	switch (r->type) {
	case REPORT_START:
		put_start(out, r->start);
		break;
	case REPORT_OVERWRITE:
		put_collision_message(out, r->race, "overwrite");
		break;
	case REPORT_AVERTED:
		put_collision_message(out, r->race, "averted");
		break;
	case REPORT_NEAR_MISS:
		put_collision_message(out, r->race, "near miss");
		break;
	case REPORT_LEAK:
		put_leak(out, r->race);
		break;
	case REPORT_VERDICT:
		put_verdict(out, r->verdict);
		break;
	case REPORT_SUMMARY:
		put_summary(out, r->summary);
		break;
	case REPORT_TYPE_MAX:
		break;
	}
}

char *journal_entry(const struct report *r, size_t *len)
{
	char time[REPORT_TIME_LEN];
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	fieldf(out, "PRIORITY", "%d", priority_of(r));
	field(out, "SYSLOG_IDENTIFIER", "ext4race-detect");
	field(out, "MESSAGE_ID", ids[r->type]);
	field(out, "EXT4RACE_TYPE", report_type_name(r->type));
	number(out, "EXT4RACE_SCHEMA", REPORT_SCHEMA);
	field(out, "EXT4RACE_TIME", format_time(time, &r->time));
	put_report(out, r);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

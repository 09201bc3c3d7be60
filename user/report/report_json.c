// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects are built here and nowhere else, so that every program that reads
 * them sees one schema.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_json.h"

/* Room for a path of PATH_MAX bytes with every byte escaped. */
#define ESCAPED_MAX (4 * 4096 + 1)

/* Names are bytes, and JSON is Unicode: a byte that is not UTF-8 becomes \xNN. */
static json_t *json_name(const char *s)
{
	char buf[ESCAPED_MAX];
	json_t *value;

	if (!s)
		return json_null();
	value = json_string(s);
	return value ? value : json_string(printable(buf, sizeof(buf), s));
}

static json_t *json_comm(const char comm[E4R_COMM_LEN])
{
	char buf[E4R_COMM_LEN + 1] = "";

	memcpy(buf, comm, E4R_COMM_LEN);
	return json_name(buf);
}

static json_t *json_nonempty(const char *s)
{
	return s && *s ? json_name(s) : json_null();
}

static json_t *json_dev(unsigned int dev)
{
	return json_sprintf("%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
}

static json_t *json_strings(const char *const *v, size_t n)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < n; i++) {
		if (json_array_append_new(array, json_name(v[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* An array of n objects of one kind; item() makes the i-th. NULL on ENOMEM. */
static json_t *json_items(size_t n, json_t *(*item)(const void *, size_t), const void *from)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < n; i++) {
		if (json_array_append_new(array, item(from, i))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *hook_item(const void *from, size_t i)
{
	const struct hook_info *hook = (const struct hook_info *)from + i;

	return json_pack("{s:o, s:o, s:o}", "hook", json_name(hook->name), "bound",
			 json_nonempty(hook->bound), "reason", json_nonempty(hook->reason));
}

static json_t *fs_item(const void *from, size_t i)
{
	const struct fs_info *fs = (const struct fs_info *)from + i;

	return json_pack("{s:o, s:o, s:o}", "dev", json_dev(fs->dev), "source",
			 json_nonempty(fs->source), "mount", json_name(fs->mount));
}

static json_t *residual_item(const void *from, size_t i)
{
	const struct residual *residual = (const struct residual *)from + i;

	/* "*": left out when NULL */
	return json_pack("{s:o, s:I, s:o*}", "dev", json_dev(residual->dev), "blocks",
			 (json_int_t)residual->blocks, "estimate",
			 residual->estimate ? json_true() : NULL);
}

static json_t *json_start(const struct start_info *start)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "version", json_name(start->version),
			 "kernel", json_name(start->kernel), "attach", json_name(start->attach),
			 "certainty", json_name(start->certainty), "hooks",
			 json_items(start->n_hooks, hook_item, start->hooks), "filesystems",
			 json_items(start->n_fs, fs_item, start->fs));
}

static json_t *json_fault(const struct e4r_event *ev)
{
	return json_pack("{s:I, s:I, s:o, s:I}", "pid", (json_int_t)ev->fault.pid, "tid",
			 (json_int_t)ev->fault.tid, "comm", json_comm(ev->fault.comm), "cgroup",
			 (json_int_t)ev->cgroup);
}

static json_t *json_allocator(const struct e4r_event *ev)
{
	const struct e4r_alloc *alloc = &ev->alloc;
	json_int_t age = 0;

	if (!(ev->flags & E4R_F_ALLOCATOR))
		return json_null();
	/* Read on another CPU, so it may be a few ns "later" than the event. */
	if (ev->time_ns > alloc->time_ns)
		age = ev->time_ns - alloc->time_ns;
	return json_pack("{s:I, s:I, s:o, s:s, s:I, s:I, s:I}", "pid", (json_int_t)alloc->task.pid,
			 "tid", (json_int_t)alloc->task.tid, "comm", json_comm(alloc->task.comm),
			 "op", op_name(alloc->op), "lblk", (json_int_t)alloc->lblk, "len",
			 (json_int_t)alloc->len, "age_ns", age);
}

/* NULL, which leaves the member out, when there is none. */
static json_t *json_stack(const struct race_info *race)
{
	if (!race->n_fault_stack && !race->n_alloc_stack)
		return NULL;
	return json_pack("{s:o, s:o}", "fault",
			 json_strings(race->fault_stack, race->n_fault_stack), "allocator",
			 json_strings(race->alloc_stack, race->n_alloc_stack));
}

static json_t *json_collision(const struct race_info *race, bool near_miss)
{
	const struct e4r_event *ev = race->ev;
	json_t *window = ev->flags & E4R_F_WINDOW ? json_integer(ev->window_ns) : json_null();

	return json_pack(
		"{s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o*, s:o*}", "dev",
		json_dev(ev->dev), "mount", json_name(race->mount), "ino", (json_int_t)ev->ino,
		"generation", (json_int_t)ev->generation, "path", json_name(race->path), "lblk",
		(json_int_t)ev->lblk, "len", (json_int_t)ev->len, "was",
		near_miss ? json_null() : json_string(was_name(ev->was)), "pblk",
		near_miss ? json_null() : json_integer(ev->pblk), "window_ns", window, "fault",
		json_fault(ev), "allocator", json_allocator(ev), "stack", json_stack(race),
		"reclaimed", ev->flags & E4R_F_RECLAIMED ? json_true() : NULL);
}

static json_t *json_leak(const struct race_info *race)
{
	const struct e4r_event *ev = race->ev;

	return json_pack("{s:o, s:I, s:I, s:I}", "dev", json_dev(ev->dev), "ino",
			 (json_int_t)ev->ino, "blocks", (json_int_t)ev->len, "overwrites",
			 (json_int_t)ev->overwrites);
}

static json_t *json_piece(const struct verdict_info *verdict, enum evidence_slot slot)
{
	const struct evidence *evidence = &verdict->evidence[slot];

	return json_pack("{s:s, s:s, s:o}", "kind", evidence_kind(slot), "says",
			 verdict_name(evidence->says), "detail", json_name(evidence->detail));
}

/* What is there of the evidence. NULL on ENOMEM. */
static json_t *json_evidence(const struct verdict_info *verdict)
{
	json_t *array = json_array();
	enum evidence_slot slot;

	for (slot = 0; array && slot < EVIDENCE_SLOTS; slot++) {
		if (verdict->evidence[slot].given &&
		    json_array_append_new(array, json_piece(verdict, slot))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *json_verdict(const struct report *report)
{
	return json_pack("{s:s, s:o, s:o*}", "verdict", verdict_name(report->verdict->verdict),
			 "evidence", json_evidence(report->verdict), "remedies",
			 report->remedies ? json_strings(report->remedies, report->n_remedies) :
					    NULL);
}

/* A double in milliseconds: more digits would claim more than was measured. */
static double milli(double seconds)
{
	return (double)(long long)(seconds * 1000 + 0.5) / 1000;
}

static json_t *watch_item(const void *from, size_t i)
{
	const struct mount_watch *watch = (const struct mount_watch *)from + i;

	return json_pack("{s:o, s:b, s:I, s:f}", "path", json_name(watch->path), "mounted",
			 watch->mounted, "changes", (json_int_t)watch->changes, "gone_seconds",
			 milli(watch->gone_sec));
}

static json_t *json_summary(const struct summary_info *s)
{
	json_t *near_misses = s->near_misses_seen ? json_integer(s->near_misses) : json_null();

	return json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:f}",
			 "delayed_inserts", (json_int_t)s->delayed_inserts, "overwritten_blocks",
			 (json_int_t)s->overwritten_blocks, "overwritten_files",
			 (json_int_t)s->overwritten_files, "near_misses", near_misses, "averted",
			 (json_int_t)s->averted, "leaked_blocks", (json_int_t)s->leaked_blocks,
			 "leaked_files", (json_int_t)s->leaked_files, "lost_events",
			 (json_int_t)s->lost_events, "lost_evidence", (json_int_t)s->lost_evidence,
			 "residual", json_items(s->n_residual, residual_item, s->residual),
			 "watched", json_items(s->n_watches, watch_item, s->watches), "seconds",
			 milli(s->seconds));
}

static json_t *json_body(const struct report *report)
{
	switch (report->type) {
	case REPORT_START:
		return json_start(report->start);
	case REPORT_OVERWRITE:
	case REPORT_AVERTED:
		return json_collision(report->race, false);
	case REPORT_NEAR_MISS:
		return json_collision(report->race, true);
	case REPORT_LEAK:
		return json_leak(report->race);
	case REPORT_VERDICT:
		return json_verdict(report);
	case REPORT_SUMMARY:
		return json_summary(report->summary);
	case REPORT_TYPE_MAX:
		break;
	}
	return json_object();
}

char *json_line(const json_t *object, size_t *len)
{
	/* ASCII only: a hostile file name must not reach a terminal that shows the lines. */
	const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15);
	size_t size = json_dumpb(object, NULL, 0, flags);
	char *line = size ? malloc(size + 2) : NULL;

	if (!line)
		return NULL;
	/* It allocates too, so that it may fail the second time. */
	if (json_dumpb(object, line, size, flags) != size) {
		free(line);
		return NULL;
	}
	line[size++] = '\n';
	line[size] = '\0';
	*len = size;
	return line;
}

char *report_json_line(const struct report *report, size_t *len)
{
	char time[REPORT_TIME_LEN], *line = NULL;
	json_t *object, *body;

	body = json_body(report);
	object = json_pack("{s:s, s:i, s:s}", "type", report_type_name(report->type), "schema",
			   REPORT_SCHEMA, "time", format_time(time, &report->time));
	if (body && object && !json_object_update(object, body))
		line = json_line(object, len);
	json_decref(object);
	json_decref(body);
	return line;
}

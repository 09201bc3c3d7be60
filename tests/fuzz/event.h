/* SPDX-License-Identifier: GPL-2.0-only */
/* An event with whatever a kernel, a task's name or a file's name can hold. */
#ifndef EXT4RACE_FUZZ_EVENT_H
#define EXT4RACE_FUZZ_EVENT_H

#include "fuzz.h"
#include "report/report.h"

struct fuzz_event {
	struct e4r_event ev;
	struct race_info race;
	struct report report;
	char mount[64], path[256], frame[2][64];
	const char *stack[2];
};

/* The report in e, made of input; points into e. */
static inline const struct report *fuzz_report(struct fuzz_event *e, struct fuzz_input *in)
{
	uint8_t with;

	memset(e, 0, sizeof(*e));
	fuzz_take(in, &with, sizeof(with));
	fuzz_take(in, &e->ev, sizeof(e->ev));
	fuzz_take(in, &e->report.time.tv_nsec, sizeof(uint32_t));
	e->ev.type = e->ev.type % E4R_LEAK + 1;
	/* The kernel ends a task's name; nothing else of a name is sure. */
	e->ev.fault.comm[E4R_COMM_LEN - 1] = 0;
	e->ev.alloc.task.comm[E4R_COMM_LEN - 1] = 0;
	e->report.time.tv_nsec %= 1000000000;
	e->report.type = (enum report_type[]){
		[E4R_OVERWRITE] = REPORT_OVERWRITE,
		[E4R_AVERTED] = REPORT_AVERTED,
		[E4R_NEAR_MISS] = REPORT_NEAR_MISS,
		[E4R_LEAK] = REPORT_LEAK,
	}[e->ev.type];
	e->race.ev = &e->ev;
	e->stack[0] = fuzz_string(in, e->frame[0], sizeof(e->frame[0]));
	e->stack[1] = fuzz_string(in, e->frame[1], sizeof(e->frame[1]));
	if (with & 1)
		e->race.mount = fuzz_string(in, e->mount, sizeof(e->mount));
	if (with & 2)
		e->race.path = fuzz_string(in, e->path, sizeof(e->path));
	e->race.n_fault_stack = with >> 2 & 1;
	e->race.fault_stack = &e->stack[0];
	e->race.n_alloc_stack = with >> 3 & 1;
	e->race.alloc_stack = &e->stack[1];
	e->report.race = &e->race;
	return &e->report;
}

#endif /* EXT4RACE_FUZZ_EVENT_H */

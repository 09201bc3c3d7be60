// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect provoke: the race on scratch files, and what the kernel made of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "attach/detector.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/say.h"
#include "base/status_line.h"
#include "cli/options.h"
#include "host/privilege.h"
#include "provoke/cmd_provoke.h"
#include "provoke/provoke_accounts.h"
#include "provoke/provoke_outcome.h"
#include "provoke/provoke_probe.h"
#include "provoke/provoke_progress.h"
#include "provoke/provoke_race.h"
#include "provoke/provoke_target.h"
#include "verify/verdict_print.h"
#include "verify/verify_verdict.h"

#define DURATION_DEFAULT 10.0
/* Between heartbeats. The probe's delays end when there was none for ten times as long. */
#define HEARTBEAT_MS 50

struct provoke {
	const struct options *opt;
	struct provoke_target target;
	struct kernel kernel;
	struct detector *det; /* NULL: no BTF of ext4; the leak has to tell */
	struct provoke_probe *probe;
	struct verdict_info verdict;
	double duration;
};

/* ---- before it starts ---- */

static int print_verdict_of(struct provoke *pro)
{
	const struct options *opt = pro->opt;
	struct verify_config config = { .dir = opt->dir, .verbose = opt->verbose };

	if (verify_running(&pro->verdict, &config) == -EPERM) {
		say("%s", PRIVILEGE_NEEDED);
		return -EPERM;
	}
	return verdict_print(&pro->verdict, NULL, opt->json, opt->verbose);
}

/* Asks before it leaks blocks of a kernel that is not known to be fixed. 0, or -ECANCELED. */
static int confirm(const struct provoke *pro)
{
	char answer[8] = "";

	if (pro->verdict.verdict == VERDICT_FIXED)
		return 0;
	say("this kernel is %s: at most %llu reserved blocks of %s will leak until it is "
	    "unmounted (df shows them as used)",
	    pro->verdict.verdict == VERDICT_VULNERABLE ? "vulnerable" : "not known to be fixed",
	    pro->target.max_leak, pro->target.mount->point);
	if (pro->opt->yes)
		return 0;
	if (isatty(STDIN_FILENO)) {
		fputs("Go on? [y/N] ", stderr);
		if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
			return 0;
	}
	say("nothing was done: with --yes it goes on without asking");
	return -ECANCELED;
}

static void on_event(void *arg, const struct e4r_event *ev)
{
	/* The counts tell it all. */
	(void)arg;
	(void)ev;
}

/*
 * Without BTF of ext4 the detector cannot run: then the leak that the kernel counts has
 * to do. But an attach mode that was asked for is never replaced.
 */
static int open_detector(struct provoke *pro)
{
	struct detector_config config = {
		.mode = pro->opt->attach,
		.devs = &pro->target.mount->dev,
		.n_devs = 1,
		.verbose = pro->opt->verbose,
		.buffer_bytes = pro->opt->buffer_kib << 10,
		.event = on_event,
	};
	char why[512] = "";
	int err;

	err = kernel_open(&pro->kernel, pro->opt->btf_file, why, sizeof(why));
	if (err) {
		say("%s", why);
		return err;
	}
	err = detector_open(&pro->det, &pro->kernel, &config, why, sizeof(why));
	if (err && err != -EPERM && pro->opt->attach == ATTACH_AUTO) {
		say("no detector (%s): overwrites are counted by their leak alone", why);
		pro->det = NULL;
		return 0;
	}
	if (err)
		say("%s", why);
	return err;
}

static int open_probe(struct provoke *pro)
{
	struct provoke_probe_config config = {
		.delay_ns = pro->opt->widen_usec * 1000ULL,
		/* No more than the run is long, whatever happens. */
		.total_ns = (uint64_t)(pro->duration * 1e9),
		.verbose = pro->opt->verbose,
	};
	char why[256] = "";
	int err;

	err = provoke_probe_open(&pro->probe, &config, why, sizeof(why));
	if (err)
		say("%s", why);
	return err;
}

static int prepare(struct provoke *pro)
{
	int err = provoke_target_open(&pro->target, pro->opt->dir, pro->opt->max_leak);

	if (!err)
		err = print_verdict_of(pro);
	if (!err)
		err = confirm(pro);
	/* Without its probe nothing is done, and then no detector is missed. */
	if (!err)
		err = open_probe(pro);
	if (!err)
		err = open_detector(pro);
	return err;
}

/* ---- the run ---- */

/* Once a second; *next is when. */
static void show_progress(const struct provoke *pro, struct provoke_accounts *acc,
			  const struct race *race, double seconds, double *next)
{
	const struct status_style style = status_line_style();
	struct provoke_progress progress = { .seconds = seconds, .duration = pro->duration };
	size_t width = seconds < *next ? 0 : status_line_width();
	char text[256];

	if (!width)
		return;
	*next = seconds + 1;
	progress.attempts = race_attempts(race);
	progress.collisions = provoke_hits(acc);
	progress.overwritten = provoke_overwritten(acc);
	provoke_progress_text(text, sizeof(text), &progress, width, &style);
	status_line_draw(text);
}

/* Until the time is over, a signal comes, or the race has ended by itself. */
static int wait_for_end(struct provoke *pro, struct provoke_accounts *acc, const struct race *race,
			int signals, const struct timespec *start)
{
	struct pollfd pfd[2] = { { .fd = signals, .events = POLLIN },
				 { .fd = race_fd(race), .events = POLLIN } };
	double seconds, next = 0;

	while ((seconds = seconds_since(start)) < pro->duration) {
		show_progress(pro, acc, race, seconds, &next);
		provoke_probe_heartbeat(pro->probe);
		if (pro->det)
			detector_consume(pro->det);
		if (poll(pfd, 2, HEARTBEAT_MS) < 0 && errno != EINTR)
			return -errno;
		if (pfd[0].revents || pfd[1].revents)
			break;
	}
	return 0;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Starts the race and ends it. */
static int run_race(struct provoke *pro, struct provoke_accounts *acc, struct provoke_outcome *out)
{
	struct race_config config = {
		.dir = pro->target.dir,
		.probe = pro->probe,
		.widen = out->widened,
		.may_leak = provoke_may_leak,
		.hits = provoke_hits,
		.arg = acc,
	};
	struct timespec start;
	struct race *race;
	int signals, err;

	signals = block_signals();
	if (signals < 0)
		return -errno;
	clock_gettime(CLOCK_MONOTONIC, &start);
	provoke_probe_heartbeat(pro->probe);
	err = race_start(&race, &config);
	if (!err) {
		status_line_open(STDOUT_FILENO);
		err = wait_for_end(pro, acc, race, signals, &start);
		status_line_close();
		race_stop(race, &out->race);
		out->seconds = seconds_since(&start);
	}
	close(signals);
	return err ? err : out->race.err;
}

static int run(struct provoke *pro, struct provoke_outcome *out)
{
	struct provoke_accounts acc = { .target = &pro->target,
					.det = pro->det,
					.probe = pro->probe };
	int err = provoke_accounts_begin(&acc);

	if (err)
		return err;
	err = run_race(pro, &acc, out);
	if (err) {
		say("the race in %s could not go on: %s", pro->opt->dir, strerror(-err));
		return err;
	}
	provoke_accounts_end(&acc, out);
	provoke_outcome_judge(out);
	return 0;
}

static int tell(const struct provoke *pro, struct provoke_outcome *out)
{
	int err;

	out->mount = pro->target.mount->point;
	err = provoke_outcome_print(out, pro->opt->json);
	if (err)
		say("output lost: %s", strerror(-err));
	return err;
}

static int status_of(enum provoke_result result)
{
	switch (result) {
	case PROVOKE_AVERTED:
		return EXIT_OK;
	case PROVOKE_OVERWRITTEN:
		return EXIT_RACE;
	default:
		return EXIT_UNKNOWN;
	}
}

int cmd_provoke(const struct options *opt)
{
	struct provoke pro = { .opt = opt };
	struct provoke_outcome out = { .widened = opt->widen_usec > 0 };
	int err;

	pro.duration = opt->duration > 0 ? opt->duration : DURATION_DEFAULT;
	err = prepare(&pro);
	if (!err)
		err = run(&pro, &out);
	if (!err)
		err = tell(&pro, &out);
	provoke_probe_close(pro.probe);
	detector_close(pro.det);
	kernel_close(&pro.kernel);
	provoke_target_close(&pro.target);
	return err ? EXIT_CANNOT : status_of(out.result);
}

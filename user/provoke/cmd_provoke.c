// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect provoke: the race on scratch files, and what the kernel made of it. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "attach/detector.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/output.h"
#include "base/say.h"
#include "cli/options.h"
#include "host/fs.h"
#include "provoke/cmd_provoke.h"
#include "provoke/provoke.h"
#include "sink/sink.h"
#include "verify/verify_verdict.h"

#define DURATION_DEFAULT 10.0
/* Between heartbeats; delays end when there is none for ten times as long. */
#define HEARTBEAT_MS 50
#define BUFFER_KIB   1024

struct provoke {
	const struct options *opt;
	int dir;
	struct mounts mounts;
	const struct mount *mount;
	struct kernel kernel;
	struct detector *det; /* NULL: no BTF of ext4; the leak has to tell */
	struct provoke_probe *probe;
	struct race *race;
	struct verdict_info verdict;
	double duration;
	unsigned long long max_leak;
	unsigned long long residual_before;
	struct timespec start;
};

/* What the run is judged by. */
struct outcome {
	struct race_result race;
	struct provoke_counts counts;
	struct e4r_stats stats;
	unsigned long long overwritten, averted, leaked, collisions, lost;
	long long residual; /* after minus before, blocks */
	double seconds;
	const char *result;
	int status;
};

/* ---- counts while it runs; called by the victim's thread too ---- */

static void detector_total(const struct provoke *pro, struct e4r_stats *total)
{
	struct detector_stats *stats;
	int n, i;

	memset(total, 0, sizeof(*total));
	if (!pro->det)
		return;
	n = detector_stats(pro->det, &stats);
	if (n < 0)
		return;
	for (i = 0; i < n; i++)
		stats_add(total, &stats[i].stats);
	free(stats);
}

/* Blocks beyond what was there before; dirty data counts too unless synced. */
static long long residual_growth(const struct provoke *pro)
{
	unsigned long long now;

	if (residual_read(pro->mount->dev, &now))
		return 0;
	return (long long)(now - pro->residual_before);
}

static unsigned long long may_leak(void *arg)
{
	const struct provoke *pro = arg;
	struct e4r_stats total;
	unsigned long long gone;

	detector_total(pro, &total);
	gone = total.overwritten_blocks > total.leaked_blocks ? total.overwritten_blocks :
								total.leaked_blocks;
	if (!pro->det && residual_growth(pro) > 0)
		gone = (unsigned long long)residual_growth(pro);
	return gone < pro->max_leak ? pro->max_leak - gone : 0;
}

static unsigned long long hits(void *arg)
{
	const struct provoke *pro = arg;
	struct provoke_counts counts;
	struct e4r_stats total;
	long long growth;

	provoke_probe_counts(pro->probe, &counts);
	if (!pro->det) {
		growth = residual_growth(pro);
		return counts.averted + (unsigned long long)(growth > 0 ? growth : 0);
	}
	detector_total(pro, &total);
	return total.overwritten_blocks +
	       (total.averted > counts.averted ? total.averted : counts.averted);
}

/* ---- before it starts ---- */

static int open_dir(struct provoke *pro)
{
	const char *path = pro->opt->dir;
	struct statvfs vfs;
	int err;

	if (!path) {
		say("provoke needs --dir DIR, a directory on the ext4 filesystem to use");
		return -EINVAL;
	}
	pro->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pro->dir < 0) {
		say("--dir %s: %s", path, strerror(errno));
		return -errno;
	}
	err = mounts_read(&pro->mounts, NULL);
	if (!err)
		err = mounts_resolve(&pro->mounts, path, &pro->mount);
	if (err) {
		say("--dir %s: %s", path,
		    err == -EMEDIUMTYPE ? "not on an ext4 filesystem" : strerror(-err));
		return err;
	}
	if (fstatvfs(pro->dir, &vfs) || vfs.f_flag & ST_RDONLY) {
		say("--dir %s: %s", path, vfs.f_flag & ST_RDONLY ? "read-only" : strerror(errno));
		return -EROFS;
	}
	pro->max_leak = pro->opt->max_leak ? pro->opt->max_leak : vfs.f_bavail / 4;
	if (!pro->max_leak) {
		say("--dir %s: the filesystem is full", path);
		return -ENOSPC;
	}
	return 0;
}

static int print_verdict(const struct provoke *pro)
{
	struct report report = { .type = REPORT_VERDICT, .verdict = &pro->verdict };
	struct sink *sink;
	int err, err2;

	sink = pro->opt->json ? sink_json_open(STDOUT_FILENO) :
				sink_text_open(STDOUT_FILENO, pro->opt->verbose);
	if (!sink)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &report.time);
	err = sink->ops->event(sink, &report);
	err2 = sink->ops->close(sink);
	return err ? err : err2;
}

/* Asks on a kernel that is not known to be fixed. 0, or -ECANCELED. */
static int confirm(const struct provoke *pro)
{
	char answer[8] = "";

	if (pro->verdict.verdict == VERDICT_FIXED)
		return 0;
	say("this kernel is %s: at most %llu reserved blocks of %s will leak until it is "
	    "unmounted (df shows them as used)",
	    pro->verdict.verdict == VERDICT_VULNERABLE ? "vulnerable" : "not known to be fixed",
	    pro->max_leak, pro->mount->point);
	if (pro->opt->yes)
		return 0;
	if (isatty(STDIN_FILENO)) {
		fputs("Go on? [y/N] ", stderr);
		if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
			return 0;
	}
	say("nothing done; --yes agrees to it");
	return -ECANCELED;
}

static void on_event(void *arg, const struct e4r_event *ev)
{
	/* The counts tell it all. */
	(void)arg;
	(void)ev;
}

/*
 * Without BTF of ext4 the detector cannot run; the leak is counted by the kernel. A way
 * that was asked for is had or refused, never replaced.
 */
static int open_detector(struct provoke *pro)
{
	struct detector_config config = {
		.mode = pro->opt->attach,
		.btf_file = pro->opt->btf_file,
		.devs = &pro->mount->dev,
		.n_devs = 1,
		.verbose = pro->opt->verbose,
		.buffer_bytes = (pro->opt->buffer_kib ? pro->opt->buffer_kib : BUFFER_KIB) << 10,
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
	if (!err || err == -EPERM || pro->opt->attach != ATTACH_AUTO)
		goto out;
	say("no detector (%s): overwrites are told by their leak alone", why);
	pro->det = NULL;
	return 0;
out:
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
	struct verify_config config = { .dir = pro->opt->dir, .verbose = pro->opt->verbose };
	int err;

	err = open_dir(pro);
	if (err)
		return err;
	err = verify_running(&pro->verdict, &config);
	if (err == -EPERM) {
		say("needs root, or CAP_BPF and CAP_PERFMON: run it with sudo");
		return err;
	}
	err = print_verdict(pro);
	if (err) {
		say("output lost: %s", strerror(-err));
		return err;
	}
	err = confirm(pro);
	if (!err)
		err = open_detector(pro);
	if (!err)
		err = open_probe(pro);
	return err;
}

/* ---- the run ---- */

/* Until the time is over, a signal comes, or the race has ended by itself. */
static int wait_for_end(struct provoke *pro, int signals)
{
	struct pollfd pfd[2] = { { .fd = signals, .events = POLLIN },
				 { .fd = race_fd(pro->race), .events = POLLIN } };

	while (seconds_since(&pro->start) < pro->duration) {
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

static int run(struct provoke *pro, struct outcome *out)
{
	struct race_config config = {
		.dir = pro->dir,
		.probe = pro->probe,
		.widen = pro->opt->widen_usec > 0,
		.may_leak = may_leak,
		.hits = hits,
		.arg = pro,
	};
	int signals, err;

	syncfs(pro->dir);
	err = residual_read(pro->mount->dev, &pro->residual_before);
	if (err) {
		say("/sys/fs/ext4: the leak cannot be read: %s", strerror(-err));
		return err;
	}
	signals = block_signals();
	if (signals < 0)
		return -errno;
	clock_gettime(CLOCK_MONOTONIC, &pro->start);
	provoke_probe_heartbeat(pro->probe);
	err = race_start(&pro->race, &config);
	if (!err) {
		err = wait_for_end(pro, signals);
		race_stop(pro->race, &out->race);
		out->seconds = seconds_since(&pro->start);
	}
	close(signals);
	if (err || out->race.err) {
		err = err ? err : out->race.err;
		say("the race in %s could not go on: %s", pro->opt->dir, strerror(-err));
	}
	return err;
}

/* ---- the result ---- */

static void judge(const struct provoke *pro, struct outcome *out)
{
	struct e4r_counters counters = {};

	provoke_probe_counts(pro->probe, &out->counts);
	syncfs(pro->dir);
	out->residual = residual_growth(pro);
	detector_total(pro, &out->stats);
	if (pro->det) {
		detector_detach(pro->det);
		detector_total(pro, &out->stats);
		detector_counters(pro->det, &counters);
		out->lost = counters.lost_walk + counters.lost_pending + detector_pending(pro->det);
		out->overwritten = out->stats.overwritten_blocks;
		out->leaked = out->stats.leaked_blocks;
	} else {
		out->leaked = out->residual > 0 ? (unsigned long long)out->residual : 0;
		out->overwritten = out->leaked;
	}
	out->lost += out->counts.unreadable;
	/* Where a livepatch looks the block up inside the insert, both see the same ones. */
	out->averted = out->counts.averted > out->stats.averted ? out->counts.averted :
								  out->stats.averted;
	out->collisions = out->averted + out->overwritten;
	if (out->overwritten) {
		out->result = "overwritten";
		out->status = EXIT_RACE;
	} else if (out->collisions && !out->lost) {
		out->result = "averted";
		out->status = EXIT_OK;
	} else {
		/* No collision proves nothing; a lost one could have been an overwrite. */
		out->result = "inconclusive";
		out->status = EXIT_UNKNOWN;
	}
}

/* 95 % bound by the rule of three; it is good from 30 on and never above 1. */
static double upper_bound(const struct outcome *out)
{
	return out->collisions > 3 ? 3.0 / (double)out->collisions : 1.0;
}

static int print_json(const struct provoke *pro, const struct outcome *out)
{
	char time[REPORT_TIME_LEN], *line;
	struct timespec now;
	json_t *object;
	int err;

	clock_gettime(CLOCK_REALTIME, &now);
	object = json_pack(
		"{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, "
		"s:f, s:s, s:s?, s:f}",
		"type", "provoke", "schema", REPORT_SCHEMA, "time", format_time(time, &now),
		"result", out->result, "attempts", (json_int_t)out->race.attempts, "windows",
		(json_int_t)out->counts.windows, "collisions", (json_int_t)out->collisions,
		"averted", (json_int_t)out->averted, "overwritten_blocks",
		(json_int_t)out->overwritten, "leaked_blocks", (json_int_t)out->leaked,
		"residual_blocks", (json_int_t)out->residual, "lost_events", (json_int_t)out->lost,
		"probability_upper_bound",
		out->overwritten || !out->collisions ? json_null() : json_real(upper_bound(out)),
		"delays", (json_int_t)out->counts.delays, "delayed_seconds",
		(double)out->counts.delayed_ns / 1e9, "detector",
		pro->det ? attach_mode_name(detector_plan(pro->det)->mode) : "none", "stopped",
		out->race.stopped, "seconds", out->seconds);
	line = object ? json_dumps(object,
				   JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15)) :
			NULL;
	json_decref(object);
	if (!line)
		return -ENOMEM;
	err = output_write(STDOUT_FILENO, line, strlen(line));
	if (!err)
		err = output_write(STDOUT_FILENO, "\n", 1);
	free(line);
	return err;
}

static int print_text(const struct provoke *pro, const struct outcome *out)
{
	printf("%s after %.1f s%s%s\n", out->result, out->seconds,
	       out->race.stopped ? ", stopped: " : "", out->race.stopped ? out->race.stopped : "");
	printf("  attempts     %10llu  in %llu files\n", out->race.attempts, out->race.files);
	printf("  collisions   %10llu  allocations that fell into a fault's window\n",
	       out->collisions);
	printf("  averted      %10llu\n", out->averted);
	printf("  overwritten  %10llu  blocks%s\n", out->overwritten,
	       pro->det ? "" : " (by their leak: no detector here)");
	printf("  leaked       %10llu  blocks; residual %+lld\n", out->leaked, out->residual);
	if (pro->opt->widen_usec)
		printf("  delays       %10llu  of our own fault thread, %.3f s in all\n",
		       out->counts.delays, (double)out->counts.delayed_ns / 1e9);
	if (out->lost)
		printf("  lost         %10llu  observations: nothing is proven\n", out->lost);
	if (out->overwritten)
		printf("The leaked blocks come back when %s is unmounted.\n", pro->mount->point);
	else if (!out->collisions)
		printf("No allocation fell into a window: this proves nothing%s.\n",
		       pro->opt->widen_usec ? "" : "; --widen makes the window longer");
	else
		printf("A collision overwrites with a probability below %.2g (95 %%).\n",
		       upper_bound(out));
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

int cmd_provoke(const struct options *opt)
{
	struct provoke pro = { .opt = opt, .dir = -1 };
	struct outcome out = {};
	int err;

	pro.duration = opt->duration > 0 ? opt->duration : DURATION_DEFAULT;
	err = prepare(&pro);
	if (!err)
		err = run(&pro, &out);
	if (!err) {
		judge(&pro, &out);
		err = opt->json ? print_json(&pro, &out) : print_text(&pro, &out);
		if (err)
			say("output lost: %s", strerror(-err));
	}
	provoke_probe_close(pro.probe);
	detector_close(pro.det);
	kernel_close(&pro.kernel);
	mounts_free(&pro.mounts);
	if (pro.dir >= 0)
		close(pro.dir);
	return err ? EXIT_CANNOT : out.status;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Options, worker processes and the summary. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "race.h"

#define MAX_PROCESSES 256
#define MAX_PAGES     65536
#define MAX_EXTENTS   1000000
/* How long the last file of a run may take to settle before the run is given up. */
#define GRACE_SECONDS 120

static struct shared *shared;

static const char *const stop_names[] = {
	[STOP_NONE] = "none",	      [STOP_DURATION] = "duration", [STOP_RACES] = "races",
	[STOP_FILES] = "files",	      [STOP_LEAKS] = "leaks",	    [STOP_SIGNAL] = "signal",
	[STOP_NO_SPACE] = "no_space", [STOP_ERROR] = "error",
};

enum {
	OPT_DIR = 256,
	OPT_MODE,
	OPT_DURATION,
	OPT_RACES,
	OPT_FILES,
	OPT_LEAKS,
	OPT_RATE,
	OPT_PAGES,
	OPT_EXTENTS,
	OPT_PROCESSES,
	OPT_BLOCKS,
	OPT_LOG,
	OPT_KEEP,
	OPT_VERIFY,
	OPT_SETTLE,
	OPT_CACHE_HOLE,
	OPT_MEET,
	OPT_NO_AIM,
	OPT_NO_PIN,
};

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "races", required_argument, NULL, OPT_RACES },
	{ "files", required_argument, NULL, OPT_FILES },
	{ "leaks", required_argument, NULL, OPT_LEAKS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "pages", required_argument, NULL, OPT_PAGES },
	{ "extents", required_argument, NULL, OPT_EXTENTS },
	{ "processes", required_argument, NULL, OPT_PROCESSES },
	{ "blocks", required_argument, NULL, OPT_BLOCKS },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "verify-data", no_argument, NULL, OPT_VERIFY },
	{ "settle", required_argument, NULL, OPT_SETTLE },
	{ "cache-hole", required_argument, NULL, OPT_CACHE_HOLE },
	{ "meet", required_argument, NULL, OPT_MEET },
	{ "no-aim", no_argument, NULL, OPT_NO_AIM },
	{ "no-pin", no_argument, NULL, OPT_NO_PIN },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void usage(void)
{
	const struct mode *m;

	printf("Usage: race --dir DIR --mode MODE [options]\n"
	       "Provoke the ext4 delayed-allocation race on scratch files in DIR.\n\n"
	       "  --duration SEC       stop after SEC seconds (10; 600 with --races, --files or "
	       "--leaks)\n"
	       "  --races N            stop after about N attempts\n"
	       "  --files N            stop after N files\n"
	       "  --leaks N            stop when N blocks have leaked\n"
	       "  --rate N             at most N attempts a second, each pair\n"
	       "  --pages N            pages of a file (mode's default)\n"
	       "  --extents N          further extents of a page each in every file (0)\n"
	       "  --processes N        pairs, each in its own process (mode's default)\n"
	       "  --cache-hole yes|no|mix   read every page before the race (mix)\n"
	       "  --meet page|file     align the two threads at every page or once a file (page)\n"
	       "  --settle writeback|fsync|syncfs   how pages are written before unlink "
	       "(writeback)\n"
	       "  --no-aim             sweep the offset only, do not learn it from the leak "
	       "counter\n"
	       "  --no-pin             leave the threads to the scheduler\n"
	       "  --verify-data        read every page back from disk and compare\n"
	       "  --keep               leave the files\n"
	       "  --log FILE           one JSON line for each operation of either side\n"
	       "  --blocks N           mode count: blocks to write each way (256)\n\n"
	       "Modes:\n");
	for (m = modes; m->name; m++)
		printf("  %-18s %s\n", m->name, m->says);
}

static void bad(const char *what, const char *value)
{
	fprintf(stderr, "race: %s '%s', see race --help\n", what, value);
	exit(EX_BAD_USAGE);
}

static unsigned long number(const char *what, const char *text, unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || !n || n > max)
		bad(what, text);
	return n;
}

static double seconds(const char *text)
{
	double s;
	char *end;

	s = strtod(text, &end);
	if (end == text || *end || !(s > 0) || s > 86400)
		bad("bad duration", text);
	return s;
}

static int word(const char *what, const char *text, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	bad(what, text);
	return -1;
}

static void set_option(struct options *o, int c)
{
	static const char *const settles[] = { "writeback", "fsync", "syncfs", NULL };
	static const char *const holes[] = { "yes", "no", "mix", NULL };
	static const char *const meets[] = { "page", "file", NULL };

	switch (c) {
	case OPT_DIR:
		o->dir = optarg;
		break;
	case OPT_MODE:
		o->mode = mode_find(optarg);
		if (!o->mode)
			bad("unknown mode", optarg);
		break;
	case OPT_DURATION:
		o->duration = seconds(optarg);
		break;
	case OPT_RACES:
		o->races = number("bad number of races", optarg, LONG_MAX);
		break;
	case OPT_FILES:
		o->files = number("bad number of files", optarg, LONG_MAX);
		break;
	case OPT_LEAKS:
		o->leaks = number("bad number of leaks", optarg, LONG_MAX);
		break;
	case OPT_RATE:
		o->rate = number("bad rate", optarg, 1000000000);
		break;
	case OPT_PAGES:
		o->pages = (unsigned int)number("bad number of pages", optarg, MAX_PAGES);
		break;
	case OPT_EXTENTS:
		o->extents = (unsigned int)number("bad number of extents", optarg, MAX_EXTENTS);
		break;
	case OPT_PROCESSES:
		o->processes = (unsigned int)number("bad number of processes", optarg,
						    MAX_PROCESSES);
		break;
	case OPT_BLOCKS:
		o->blocks = number("bad number of blocks", optarg, 1UL << 30);
		break;
	case OPT_LOG:
		o->log = optarg;
		break;
	case OPT_KEEP:
		o->keep = true;
		break;
	case OPT_VERIFY:
		o->verify = true;
		break;
	case OPT_SETTLE:
		o->settle = (enum settle)word("unknown --settle", optarg, settles);
		break;
	case OPT_CACHE_HOLE:
		o->cache_hole = (enum cache_hole)word("unknown --cache-hole", optarg, holes);
		break;
	case OPT_MEET:
		o->meet_at = (enum meet_at)word("unknown --meet", optarg, meets);
		break;
	case OPT_NO_AIM:
		o->aim = false;
		break;
	case OPT_NO_PIN:
		o->pin = false;
		break;
	case 'h':
		usage();
		exit(0);
	default:
		/* getopt said what is wrong */
		exit(EX_BAD_USAGE);
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){ .aim = true, .pin = true, .cache_hole = HOLE_MIX, .blocks = 256 };
	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		set_option(o, c);
	if (optind < argc)
		bad("unexpected argument", argv[optind]);
	if (!o->dir || !o->mode)
		bad("missing option", o->dir ? "--mode" : "--dir");
	if (!o->pages)
		o->pages = o->mode->pages;
	if (mode_steps(o->mode, o->pages) < 1)
		bad("too few pages for mode", o->mode->name);
	if (!o->processes)
		o->processes = o->mode->processes;
	if (o->duration <= 0)
		o->duration = o->races || o->files || o->leaks ? 600 : 10;
}

static void on_signal(int sig)
{
	run_stop(shared, sig == SIGALRM ? STOP_DURATION : STOP_SIGNAL);
}

static void give_up(int sig)
{
	static const char text[] = "race: a file did not settle in time, giving up\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void arm_deadline(int which, double in)
{
	struct itimerval t = {
		.it_value = { .tv_sec = (time_t)in,
			      .tv_usec = (suseconds_t)((in - (double)(time_t)in) * 1e6) + 1 },
	};

	setitimer(which, &t, NULL);
}

/* A second clock for the worker: a stuck file system must not hold a test for ever. */
static void arm_give_up(double in)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)in + GRACE_SECONDS } };
	timer_t timer;

	handle(SIGRTMIN, give_up, 0);
	if (!timer_create(CLOCK_MONOTONIC, &ev, &timer))
		timer_settime(timer, 0, &t, NULL);
}

static int worker(const struct options *opt, const struct fs *fs, unsigned int id)
{
	struct pair *p;
	int err;

	p = aligned_alloc(_Alignof(struct pair), sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->opt = opt;
	p->fs = fs;
	p->sh = shared;
	p->id = id;
	arm_give_up(opt->duration);
	err = pair_run(p);
	free(p);
	return err;
}

static int reap(pid_t *pids, unsigned int n)
{
	unsigned int i;
	int status, err = 0;

	for (i = 0; i < n; i++) {
		while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			run_stop(shared, STOP_ERROR);
			err = -ECHILD;
		}
	}
	return err;
}

static int run_processes(const struct options *opt, const struct fs *fs)
{
	pid_t pids[MAX_PROCESSES];
	unsigned int i;
	int err = 0, err2;

	for (i = 0; i < opt->processes; i++) {
		pids[i] = fork();
		if (pids[i] < 0) {
			err = -errno;
			run_fail(shared, "starting a process", err);
			break;
		}
		if (!pids[i]) {
			/* Nobody would stop us if the parent were killed. */
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			_exit(worker(opt, fs, i) ? 1 : 0);
		}
	}
	err2 = reap(pids, i);
	return err ? err : err2;
}

static void put_count(const char *name, long long n)
{
	if (n < 0)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%lld", name, n);
}

static void summary(const struct options *opt, const struct fs *fs, double took, long long before,
		    long long after)
{
	enum stop why = (enum stop)atomic_load(&shared->stop);

	printf("{\"mode\":\"%s\",\"kind\":\"%s\",\"dev\":\"%s\",\"block_size\":%u,"
	       "\"page_size\":%u,\"delalloc\":%s,\"processes\":%u,\"files\":%lu,\"faults\":%lu,"
	       "\"allocations\":%lu,\"attempts\":%lu,\"seconds\":%.3f,\"data_mismatches\":%lu,"
	       "\"stale_cache\":%lu,\"log_dropped\":%lu,\"stopped\":\"%s\"",
	       opt->mode->name, opt->mode->flags & MODE_CONTROL ? "control" : "race", fs->dev,
	       fs->block, fs->page, fs->delalloc ? "true" : "false", opt->processes,
	       atomic_load(&shared->files), atomic_load(&shared->faults),
	       atomic_load(&shared->allocations), atomic_load(&shared->attempts), took,
	       atomic_load(&shared->mismatches), atomic_load(&shared->stale_cache),
	       atomic_load(&shared->log_dropped), stop_names[why]);
	put_count("residual_before", before);
	put_count("residual_after", after);
	if (before < 0 || after < 0)
		printf(",\"blocks_leaked\":null}\n");
	else
		printf(",\"blocks_leaked\":%lld}\n", after - before);
}

static int race(const struct options *opt, const struct fs *fs)
{
	long long before, after;
	uint64_t start;
	int err;

	before = fs_residual(fs);
	shared->residual_before = before;
	if (opt->leaks && before < 0) {
		fprintf(stderr,
			"race: the kernel does not say how much leaked, leave out --leaks\n");
		return 1;
	}
	start = now_ns();
	handle(SIGALRM, on_signal, SA_RESTART);
	arm_deadline(ITIMER_REAL, opt->duration);
	err = opt->processes > 1 ? run_processes(opt, fs) : worker(opt, fs, 0);
	after = fs_residual(fs);
	summary(opt, fs, (double)(now_ns() - start) / 1e9, before, after);
	if (err || atomic_load(&shared->stop) == STOP_ERROR || atomic_load(&shared->mismatches))
		return 1;
	/* Full in the end is how a leak ends; full from the start is no run at all. */
	if (!atomic_load(&shared->faults) || !atomic_load(&shared->allocations))
		return 1;
	return 0;
}

static int check_log(const struct options *opt)
{
	int err = opt->log ? oplog_create(opt->log) : 0;

	if (err)
		fprintf(stderr, "race: %s: %s, choose another --log\n", opt->log, strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct options opt;
	struct fs fs;
	int err;

	parse(&opt, argc, argv);
	err = fs_open(&fs, opt.dir);
	if (err) {
		fprintf(stderr, "race: %s: %s, give a directory on ext4\n", opt.dir,
			err == -EMEDIUMTYPE ? "not on ext4" : strerror(-err));
		return 1;
	}
	if (check_log(&opt))
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		fprintf(stderr, "race: %s, free some memory\n", strerror(errno));
		return 1;
	}
	handle(SIGINT, on_signal, SA_RESTART);
	handle(SIGTERM, on_signal, SA_RESTART);
	handle(SIGBUS, race_bus, SA_NODEFER);
	if (!opt.mode->victim)
		err = count_run(&opt, &fs, shared) ? 1 : 0;
	else
		err = race(&opt, &fs);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "race: the summary could not be written: %s\n", strerror(errno));
		err = 1;
	}
	close(fs.dirfd);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * killer COUNT SEED PORT OUTPUT TEXTFILE -- COMMAND...
 *
 * Starts COMMAND (with --attach auto and --attach kprobe in turn) COUNT times and kills each
 * start with SIGKILL at a random moment: half of them from exec on, half while it watches. After
 * each kill the kernel must be as it was before the first start. COMMAND appends JSON lines to
 * OUTPUT, writes TEXTFILE and serves metrics on PORT, where another process scrapes all the time.
 *
 * The last line is a summary in JSON. Exit status: 0 all is well, 1 something was left or
 * a start failed, 64 usage.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACEFS	      "/sys/kernel/tracing/"
#define MAX_ARGS      64
#define START_SECONDS 300 /* a start takes so long only when it hangs */
#define LEAVE_SECONDS 60  /* the kernel frees programs and maps later, in a worker */
#define LEAST_RANGE   2.0
#define FULL_OUTPUT   (4 << 20)
#define STDERR_FILE   "/tmp/killer.stderr"

static const char *const attach_options[] = { "--attach=auto", "--attach=kprobe" };

struct objects {
	unsigned int progs, maps, links;
};

/* What the rounds have in common. */
struct plan {
	unsigned int count;
	unsigned int seed;
	double range; /* seconds */
	const char *output;
	const char *textfile;
	char **argv;	/* of the command */
	int attach_arg; /* its place of --attach */
	struct objects before;
	unsigned int definitions; /* how many one run makes in kprobe_events */
};

struct result {
	unsigned int kills, starting, watching, torn, temps, definitions, failures;
};

struct watched_output {
	off_t seen;
	bool torn; /* what is there ends in the middle of a line */
	bool started;
	unsigned int bad_lines;
};

static unsigned long *scrapes; /* shared with the scraper */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pause_for(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* ---- what is in the kernel ---- */

static unsigned int count_ids(int cmd)
{
	union bpf_attr attr = { 0 };
	unsigned int n = 0;

	while (!syscall(SYS_bpf, cmd, &attr, sizeof(attr))) {
		n++;
		attr.start_id = attr.next_id;
	}
	return n;
}

static struct objects count_objects(void)
{
	return (struct objects){ .progs = count_ids(BPF_PROG_GET_NEXT_ID),
				 .maps = count_ids(BPF_MAP_GET_NEXT_ID),
				 .links = count_ids(BPF_LINK_GET_NEXT_ID) };
}

/*
 * How many lines of the file contain the text, and not the other. A file that cannot be read
 * is an error.
 */
static unsigned int count_lines(const char *path, const char *text, const char *but)
{
	char *line = NULL;
	size_t size = 0;
	unsigned int n = 0;
	FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "killer: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while (getline(&line, &size, file) > 0)
		n += strstr(line, text) && !(but && strstr(line, but));
	free(line);
	fclose(file);
	return n;
}

/* How many of the files that match begin with '1'. */
static unsigned int count_enabled(const char *pattern)
{
	unsigned int n = 0;
	glob_t found;
	size_t i;
	char c;
	int fd;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		n += fd >= 0 && read(fd, &c, 1) == 1 && c == '1';
		if (fd >= 0)
			close(fd);
	}
	globfree(&found);
	return n;
}

static unsigned int count_definitions(void)
{
	return count_lines(TRACEFS "kprobe_events", ":ext4race/", NULL);
}

/* Says what is still attached. False: nothing is. */
static bool is_left(const struct plan *plan, char *what, size_t size)
{
	struct objects is = count_objects();
	/* What kprobe_events defines is listed from then on, disabled: nothing runs there. */
	unsigned int kprobes = count_lines("/sys/kernel/debug/kprobes/list", "ext4_", "[DISABLED]");
	unsigned int functions = count_lines(TRACEFS "enabled_functions", "ext4_", NULL);
	unsigned int events = count_enabled(TRACEFS "events/ext4/*/enable") +
			      count_enabled(TRACEFS "events/ext4race/*/enable");

	snprintf(what, size,
		 "%u programs, %u maps, %u links (before: %u, %u, %u), %u kprobes, "
		 "%u traced functions, %u enabled events",
		 is.progs, is.maps, is.links, plan->before.progs, plan->before.maps,
		 plan->before.links, kprobes, functions, events);
	return memcmp(&is, &plan->before, sizeof(is)) || kprobes || functions || events;
}

/* Waits until nothing is left, at most LEAVE_SECONDS. */
static bool stays(const struct plan *plan, char *what, size_t size)
{
	double deadline = now() + LEAVE_SECONDS;

	while (is_left(plan, what, size)) {
		if (now() > deadline)
			return true;
		pause_for(0.02);
	}
	return false;
}

/* ---- the files that the command writes ---- */

static void check_line(struct watched_output *w, const char *line, size_t len)
{
	if (!len)
		return; /* ends a torn line */
	if (line[0] != '{' || line[len - 1] != '}')
		w->bad_lines++;
	if (memmem(line, len, "\"type\":\"start\"", 14))
		w->started = true;
}

/*
 * Reads what was appended since. While the monitor lives, half a line may be one that it is
 * just writing: it is left for the next look. Afterwards only the last one may be torn.
 */
static void look_at_output(struct watched_output *w, const char *path, bool lives)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data, *line, *end;
	struct stat st;
	size_t len;

	if (fd < 0)
		return;
	if (fstat(fd, &st) || st.st_size <= w->seen) {
		close(fd);
		return;
	}
	len = (size_t)(st.st_size - w->seen);
	data = malloc(len + 1);
	if (!data || pread(fd, data, len, w->seen) != (ssize_t)len) {
		fprintf(stderr, "killer: %s could not be read\n", path);
		exit(1);
	}
	close(fd);
	line = data;
	/* The rest of a line that was torn earlier ends at the newline that the next start wrote.
	 */
	if (w->torn && *line++ != '\n')
		w->bad_lines++;
	w->torn = false;
	while ((end = memchr(line, '\n', len - (size_t)(line - data)))) {
		check_line(w, line, (size_t)(end - line));
		line = end + 1;
	}
	w->torn = !lives && line < data + len;
	w->seen += lives ? line - data : (off_t)len;
	free(data);
}

/* Files that a start left beside the textfile when it was killed while it wrote one. */
static unsigned int count_temps(const char *textfile)
{
	char *path = strdup(textfile), *name = strdup(textfile);
	DIR *dir = opendir(dirname(path));
	const char *base = basename(name);
	unsigned int n = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] == '.' && !strncmp(e->d_name + 1, base, strlen(base));
	if (dir)
		closedir(dir);
	free(path);
	free(name);
	return n;
}

/* ---- scrapes ---- */

static void scrape(const struct sockaddr_in *to)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: vm\r\n"
				      "Connection: close\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[4096];
	ssize_t n = 0;
	bool ok = false;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to))) {
		pause_for(0.02);
		goto out;
	}
	if (write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		goto out;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		ok |= !strncmp(buf, "HTTP/1.1 200", 12);
	if (ok && !n)
		++*scrapes;
	pause_for(0.05);
out:
	if (fd >= 0)
		close(fd);
}

static pid_t start_scraper(unsigned int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;)
		scrape(&to);
}

/* ---- starts ---- */

/* Returns when the command has been executed; -1: it has not. */
static pid_t start(const struct plan *plan, const char *attach)
{
	int ready[2], out;
	char c;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	plan->argv[plan->attach_arg] = (char *)attach;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		out = open(STDERR_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		close(out);
		execvp(plan->argv[0], plan->argv);
		_exit(write(ready[1], "x", 1) == 1 ? 127 : 126);
	}
	close(ready[1]);
	/* exec closes the other end. */
	if (pid > 0 && read(ready[0], &c, 1) != 0) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

static void show_stderr(void)
{
	char line[512];
	FILE *file = fopen(STDERR_FILE, "re");

	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

static void __attribute__((format(printf, 2, 3))) failed(struct result *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("not ok - ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	r->failures++;
}

/*
 * A start that is not killed: until it watches, then SIGTERM. Seconds until it watched, or
 * negative.
 */
static double whole_run(struct plan *plan, struct watched_output *w, const char *attach)
{
	double began = now(), took = -1;
	unsigned int n;
	int status = 0;
	pid_t pid;

	w->started = false;
	pid = start(plan, attach);
	if (pid < 0)
		return -1;
	while (took < 0 && now() - began < START_SECONDS && !waitpid(pid, &status, WNOHANG)) {
		look_at_output(w, plan->output, true);
		if (w->started)
			took = now() - began;
		else
			pause_for(0.02);
	}
	if (took < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	n = count_definitions();
	if (n > plan->definitions)
		plan->definitions = n;
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	look_at_output(w, plan->output, false);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? took : -1;
}

/* A random moment in the given one of count equal parts of the range. */
static double moment(const struct plan *plan, unsigned int part)
{
	return plan->range * (part + (double)random() / RAND_MAX) / plan->count;
}

/* Until it watches, so that not all are killed before where starts are slow. */
static void wait_until_watching(const struct plan *plan, struct watched_output *w)
{
	double deadline = now() + START_SECONDS;

	for (look_at_output(w, plan->output, true); !w->started && now() < deadline;
	     look_at_output(w, plan->output, true))
		pause_for(0.02);
}

static void check_after_kill(const struct plan *plan, struct watched_output *w, struct result *r,
			     const char *round)
{
	unsigned int definitions = count_definitions(), temps = count_temps(plan->textfile);
	char what[256];

	look_at_output(w, plan->output, false);
	if (stays(plan, what, sizeof(what)))
		failed(r, "%s: left: %s", round, what);
	if (definitions > plan->definitions)
		failed(r, "%s: %u definitions in kprobe_events, one run makes %u", round,
		       definitions, plan->definitions);
	if (w->bad_lines)
		failed(r, "%s: %u lines of the output are no JSON objects", round, w->bad_lines);
	if (temps > 1)
		failed(r, "%s: %u unfinished textfiles", round, temps);
	r->definitions = definitions > r->definitions ? definitions : r->definitions;
	r->temps = temps > r->temps ? temps : r->temps;
	r->torn += w->torn;
	if (w->started)
		r->watching++;
	else
		r->starting++;
	if (w->seen > FULL_OUTPUT && !unlink(plan->output))
		*w = (struct watched_output){ 0 };
}

static void kill_one(const struct plan *plan, struct watched_output *w, struct result *r,
		     unsigned int part)
{
	const char *attach = attach_options[r->kills % 2];
	bool from_exec = r->kills / 2 % 2 == 0;
	double at = from_exec ? moment(plan, part) : LEAST_RANGE * (double)random() / RAND_MAX;
	char round[80];
	int status = 0;
	pid_t pid;

	snprintf(round, sizeof(round), "kill %u (%s, %.0f ms after %s)", r->kills + 1, attach + 9,
		 at * 1000, from_exec ? "exec" : "the start line");
	w->started = false;
	pid = start(plan, attach);
	if (pid < 0) {
		failed(r, "%s: the command could not be executed", round);
		return;
	}
	w->bad_lines = 0;
	if (!from_exec)
		wait_until_watching(plan, w);
	pause_for(at);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	r->kills++;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		failed(r, "%s: it had ended before, with status %d", round,
		       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
		show_stderr();
	}
	check_after_kill(plan, w, r, round);
}

/* The parts of the range in random order, so that few kills, too, are spread over all of it. */
static unsigned int *shuffled(unsigned int n)
{
	unsigned int *parts = calloc(n, sizeof(*parts)), i, j, t;

	for (i = 0; parts && i < n; i++)
		parts[i] = i;
	for (i = n; parts && i > 1; i--) {
		j = (unsigned int)random() % i;
		t = parts[i - 1];
		parts[i - 1] = parts[j];
		parts[j] = t;
	}
	return parts;
}

static int measure_range(struct plan *plan, struct watched_output *w)
{
	const char *attach;
	char what[256];
	double took;
	size_t i;

	plan->range = LEAST_RANGE;
	for (i = 0; i < 3; i++) {
		attach = attach_options[i % 2];
		took = whole_run(plan, w, attach);
		if (took < 0) {
			printf("not ok - a run that nobody kills, with %s\n", attach);
			show_stderr();
			return -1;
		}
		printf("# %s watches after %.2f s\n", attach, took);
		/* The first start of all is slow: it only shows that nothing is left. */
		if (i && 1.5 * took > plan->range)
			plan->range = 1.5 * took;
		if (stays(plan, what, sizeof(what)) || count_definitions()) {
			printf("not ok - a run that ended by itself left: %s, %u definitions\n",
			       what, count_definitions());
			return -1;
		}
	}
	fflush(stdout);
	return 0;
}

static void kill_all(struct plan *plan, struct result *r)
{
	struct watched_output w = { 0 };
	unsigned int *parts = shuffled(plan->count), i;

	if (!parts || measure_range(plan, &w)) {
		r->failures++;
		free(parts);
		return;
	}
	for (i = 0; i < plan->count && r->failures < 10; i++) {
		kill_one(plan, &w, r, parts[i]);
		if (r->kills % 5 == 0) {
			printf("# %u kills\n", r->kills);
			fflush(stdout);
		}
	}
	free(parts);
	if (!r->starting || !r->watching)
		failed(r, "%u were killed while starting and %u while watching: both are wanted",
		       r->starting, r->watching);
	/* By default, so that it need not have return probes of its own. */
	if (whole_run(plan, &w, attach_options[0]) < 0) {
		failed(r, "the start after the last kill");
		show_stderr();
	}
	/* It removes what the killed ones left. */
	if (count_definitions())
		failed(r, "%u definitions stay in kprobe_events", count_definitions());
	if (count_temps(plan->textfile))
		failed(r, "%u unfinished textfiles stay", count_temps(plan->textfile));
}

static int parse(struct plan *plan, unsigned int *port, int argc, char **argv)
{
	static char *args[MAX_ARGS + 2];
	int i, n = 0;

	if (argc < 8 || argc - 7 > MAX_ARGS || strcmp(argv[6], "--"))
		return -1;
	*plan = (struct plan){ .count = (unsigned int)strtoul(argv[1], NULL, 10),
			       .seed = (unsigned int)strtoul(argv[2], NULL, 10),
			       .output = argv[4],
			       .textfile = argv[5],
			       .argv = args };
	*port = (unsigned int)strtoul(argv[3], NULL, 10);
	for (i = 7; i < argc; i++)
		args[n++] = argv[i];
	plan->attach_arg = n;
	return plan->count && *port ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct result r = { 0 };
	unsigned int port;
	struct plan plan;
	pid_t scraper;

	if (parse(&plan, &port, argc, argv)) {
		fprintf(stderr, "usage: killer COUNT SEED PORT OUTPUT TEXTFILE -- COMMAND...\n");
		return 64;
	}
	scrapes = mmap(NULL, sizeof(*scrapes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (scrapes == MAP_FAILED)
		return 1;
	srandom(plan.seed);
	plan.before = count_objects();
	scraper = start_scraper(port);
	kill_all(&plan, &r);
	kill(scraper, SIGKILL);
	waitpid(scraper, NULL, 0);
	if (!*scrapes)
		failed(&r, "no scrape was answered");
	printf("{\"kills\":%u,\"seed\":%u,\"range_ms\":%.0f,\"while_starting\":%u,"
	       "\"while_watching\":%u,\"torn_lines\":%u,\"definitions_at_most\":%u,"
	       "\"temporary_files_at_most\":%u,\"scrapes\":%lu,\"failures\":%u}\n",
	       r.kills, plan.seed, plan.range * 1000, r.starting, r.watching, r.torn, r.definitions,
	       r.temps, *scrapes, r.failures);
	return r.failures ? 1 : 0;
}
